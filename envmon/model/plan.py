"""The sampling plan: what is due where, how often, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from envmon.periods import Period


class Cycle(StrEnum):
    """How often something is sampled, once in each calendar period."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


class SampleState(StrEnum):
    """What became of one sample of the plan."""

    ARRIVED = "arrived"  # a value of every item
    PARTIAL = "partial"  # some items are still missing after the deadline
    OVERDUE = "overdue"  # nothing came by the deadline
    EXPLAINED = "explained"  # not all came, and it is known why
    DUE = "due"  # it may be sampled or reported now
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """One line of the plan: a section or source is sampled for an item set, once in each period of a cycle.

    first, last : the periods that end within these days are asked for; None: since ever, for ever.
    """

    site: str
    items: str  # an item set of the standards: section_21, source_surface_61 ...
    every: Cycle
    months: tuple[int, ...] = ()  # of the year, in which it may be sampled; (): in any
    within: int = 10  # days after the last such month by whose end the result must have arrived
    first: int | None = None
    last: int | None = None
    note: str = ""

    @property
    def key(self) -> str:
        """What tells entries apart, the same over restarts."""
        return f"{self.site} {self.items} {self.every}"


@dataclass(frozen=True, slots=True)
class Absence:
    """Why nothing could be sampled at a site on some days; `reason` is the name of a Status."""

    reason: str  # not_open, dry, frozen, unsampled, unused
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of the plan.

    period : of the cycle; first, last : days in which it may be taken; until : day by whose end it must have arrived.
    sampled : days of the rounds that brought something of it; missing : items without a value.
    """

    entry: PlanEntry
    period: Period
    first: int
    last: int
    until: int
    state: SampleState
    sampled: tuple[int, ...]
    missing: tuple[str, ...]
    reason: str = ""  # of EXPLAINED, as in Absence
