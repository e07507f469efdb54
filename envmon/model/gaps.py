"""The gap ledger: which expected values are not there, and why; and what was done to get them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class GapCause(StrEnum):
    """Why an expected slot has no valid value. The last two are no gaps: a late value, a site out of operation."""

    NOT_YET_DUE = "not_yet_due"  # the service has not had the time to publish it
    SOURCE_DOWN = "source_down"  # no run of the source that would have brought it ended well
    NOT_PUBLISHED = "not_published"  # the source was read and had nothing
    SILENT = "silent"  # the site alone was missing: the source had values of others
    FLAGGED = "flagged"  # quality control let the value not count
    INSTRUMENT = "instrument"  # it came with a mark of maintenance, fault, calibration
    REVIEW = "review"  # somebody declared it invalid
    FILLED = "filled"
    CLOSED = "closed"


OPEN = (GapCause.SOURCE_DOWN, GapCause.NOT_PUBLISHED, GapCause.SILENT)
"""Causes for which the value may still be had by asking again."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Expected slots of one site that follow one another, without a valid value for one cause.

    first, last : minutes at which the first and the last interval end; step : minutes from one to the next
    items : ids, all of them missing in each slot; slots : intervals x items
    detail : QC tests or state marks, by id; sources : the ids of those it was expected from, or came from in the end
    learned : of a filled gap the minutes of the first and the last value that came
    """

    site: str
    cause: GapCause
    first: int
    last: int
    step: int
    items: tuple[str, ...]
    slots: int
    detail: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    learned: tuple[int, int] | None = None

    @property
    def minutes(self) -> int:
        """How long it lasted."""
        return self.last - self.first + self.step


@dataclass(frozen=True, slots=True)
class SiteGaps:
    """One site over a period: slots expected by now (out of operation and not yet due ones left out), those with a
    valid value, how many slots each cause took, and the gaps in the order of time."""

    site: str
    step: int
    items: tuple[str, ...]
    expected: int
    valid: int
    by_cause: Mapping[GapCause, int]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class GapWindow:
    """Time that a source is to be asked for again: endings from `first` to `last`; `tries` so far, next one not before
    `next_try`."""

    source: str
    first: int
    last: int
    tries: int = 0
    next_try: int = 0


class GapOutcome(StrEnum):
    """What became of asking for a window again."""

    FILLED = "filled"
    PARTLY = "partly"
    NOTHING = "nothing"
    FAILED = "failed"
    ASKED = "asked"  # a station was asked; its values come by themselves


@dataclass(frozen=True, slots=True)
class GapAttempt:
    """One asking again: `wanted` slots were open before it, `found` of them have a valid value after it."""

    source: str
    first: int
    last: int
    at: int
    outcome: GapOutcome
    wanted: int
    found: int
    error: str = ""
