"""The checked configuration, as the other floors see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from envmon.model.alerts import Rule
from envmon.model.judgements import Target
from envmon.model.places import Area, Site
from envmon.model.plan import PlanEntry
from envmon.model.readings import Basis

OWN_JOBS = ("judge", "charts", "backfill")
"""The service's own jobs; the others pull a source each."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job of envmon's own runs: every so many minutes (a week starts on Monday), `at` minutes into the slot."""

    every: int
    at: int


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One data service and its schedule. Times in minutes; `at` counts from the start of each slot."""

    id: str
    kind: str  # a name in sources.SOURCES
    url: str
    every: int  # 60, 240, 1440
    at: int  # minutes past the slot when it is due
    lookback: int  # minutes of the past read again each time
    basis: Basis
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Channel:
    id: str
    kind: str  # a name in notify.CHANNELS
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paths:
    """Absolute paths as text; resolved against the folder of config.toml."""

    root: str
    database: str
    alerts: str
    charts: str
    rejects: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a bureau chooses where the standards leave a choice; None: as the standard says.

    margin : of the index around the largest good one, within which a day may flip on review.
    section_data : whose values count for a section-month that has both: manual or automatic first, or `merged` (those
        items the automatic station measures from it, the others from the laboratory).
    surface_sources, groundwater_sources : the item set a source is judged by, or the items themselves.
    deducted : what becomes of a day that fails solely through what an exceptional event spoiled, in the rate without
        such events: it is dropped, or judged `without_items` (unconfirmed which).
    """

    margin: int = 5
    station_share: int | None = None  # per cent of an area's stations that must be valid
    station_share_under_4: int | None = None
    section_data: str = "manual"
    surface_sources: str | tuple[str, ...] = "source_surface_61"
    groundwater_sources: str | tuple[str, ...] = "source_groundwater_39"
    quarter_min_rounds: int | None = None  # months a section must have been judged in, to be judged over a quarter
    year_min_rounds: int | None = None
    deducted: str = "drop"


@dataclass(frozen=True, slots=True)
class GapSettings:
    """When an expected value counts as late, and how gaps are filled again.

    grace : minutes after the run that should have brought it; days : how far back gaps are asked for again by
        themselves, 0 for never; windows : how many windows (a source and a day) one run asks for.
    """

    grace: int = 120
    days: int = 31
    windows: int = 4


@dataclass(frozen=True, slots=True)
class Preference:
    """Whose value goes first where several sources give one. Without `sites` or `items` it holds for all of them."""

    sources: tuple[str, ...]
    sites: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    bureau: str
    language: str
    areas: tuple[Area, ...]
    sites: tuple[Site, ...]
    sources: tuple[SourceSpec, ...]
    targets: tuple[Target, ...]
    rules: tuple[Rule, ...]
    channels: tuple[Channel, ...]
    paths: Paths
    jobs: Mapping[str, Schedule]  # own jobs by name: judge (default every hour at :40), charts, backfill
    qc: Mapping[str, Mapping[str, Any]]  # test -> settings
    assessment: Assessment = Assessment()
    plan: tuple[PlanEntry, ...] = ()
    preferences: tuple[Preference, ...] = ()
    gaps: GapSettings = GapSettings()
    file: str = ""  # the config.toml it was read from, absolute
