"""The checked configuration, as the other floors see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from envmon.model.alerts import Rule
from envmon.model.devices import Device
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
    """One data service, its schedule, and how it may be asked.

    Times of the schedule are in minutes; `at` counts from the start of each slot.
    hosts : "host:port" that may be asked beside that of `url`; redirects : whether they are followed, to those hosts
    pause : milliseconds between two requests; timeout : seconds for one answer; round : seconds for all of a round
    headers_env, query_env : header or query parameter -> the environment variable with its secret; bearer_env : that of
        a token sent as `Authorization: Bearer`. ca_file : certificates that sign for this source
    """

    id: str
    kind: str  # a name in sources.SOURCES
    url: str
    every: int  # 60, 240, 1440
    at: int  # minutes past the slot when it is due
    lookback: int  # minutes of the past read again each time
    basis: Basis
    options: Mapping[str, Any] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    redirects: bool = False
    pause: int = 0
    timeout: int = 30
    round: int = 300
    max_mb: int = 64  # of one decoded answer
    ca_file: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    headers_env: Mapping[str, str] = field(default_factory=dict)
    query_env: Mapping[str, str] = field(default_factory=dict)
    bearer_env: str = ""


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
    inbox: str


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
class Listen:
    """Where station telemetry is received, and how much is borne. Lengths of time in seconds, `keep` in minutes.

    frame_seconds : from the first byte of a frame to its last; bad_frames : in a row until the connection is closed and
    its address kept out for `ban`; frames_per_second : of one connection, more are read later; answer, repeats : how
    long a station's answer to a request is awaited, and how often it is asked again; keep : how long raw frames stay
    after their values were taken over.
    """

    host: str = "127.0.0.1"
    port: int = 9212
    connections: int = 2000
    per_address: int = 20
    idle: int = 600
    frame_seconds: int = 5
    bad_frames: int = 10
    ban: int = 60
    frames_per_second: int = 50
    longest: int = 1024  # bytes of a data segment
    answer: int = 10
    repeats: int = 3
    keep: int = 7 * 1440


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Work on the instruments of a site or of all sites of an area, in minutes; its readings do not count.

    items : ids of those concerned, () for all.
    """

    site: str
    first: int
    last: int
    items: tuple[str, ...] = ()
    note: str = ""


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
    listen: Listen | None = None  # None: no telemetry is received
    devices: tuple[Device, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    preferences: tuple[Preference, ...] = ()
    gaps: GapSettings = GapSettings()
    file: str = ""  # the config.toml it was read from, absolute
