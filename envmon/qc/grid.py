"""What every test looks at: an array of readings, and where and when they were taken. And what tests answer with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from envmon.model import ABSENT, BoolArray, Flag, IntArray, Maintenance, Mark, Parameter
from envmon.periods import DAY, OFFSET
from envmon.rounding import scaled

Settings = Mapping[str, Any]

FACTOR_DECIMALS = 3  # of the factors in settings, so that 2.5 is exact
UNIT = 10**FACTOR_DECIMALS
LEVELS = {"fail": Flag.FAIL, "suspect": Flag.SUSPECT}


@dataclass(frozen=True, slots=True)
class Frame:
    """Where and when the readings of an array were taken, as far as it is known.

    start : the minute before the first interval, None when times are not known. step : minutes from one reading to the
    next; span : minutes a reading stands for. sites, areas : ids by column; () when they are not known. peers : by
    column the group within which stations are compared, "" for none.
    """

    start: int | None = None
    step: int = 60
    span: int = 60
    sites: Sequence[str] = ()
    areas: Sequence[str] = ()
    peers: Sequence[str] = ()
    windows: Sequence[Maintenance] = ()

    def slots(self, first: int, last: int) -> slice:
        """The places of the readings with first < ending <= last."""
        low, high = ((minute - (self.start or 0)) // self.step for minute in (first, last))
        return slice(max(0, low), max(0, high))

    def ending(self, time: int) -> int:
        return (self.start or 0) + (time + 1) * self.step


@dataclass(frozen=True)
class Grid:
    """Readings [item, time, site] in whole steps, ABSENT where there is none, evenly spaced in time."""

    values: IntArray
    marks: IntArray
    parameters: Sequence[Parameter]
    frame: Frame = field(default_factory=Frame)

    @cached_property
    def there(self) -> BoolArray:
        found: BoolArray = self.values != ABSENT
        return found

    @cached_property
    def censored(self) -> BoolArray:
        found: BoolArray = (self.marks == Mark.CENSORED) & self.there
        return found

    @cached_property
    def possible(self) -> BoolArray:
        """Where there is a reading, and one that is physically possible."""
        found = self.there.copy()
        for row, parameter in enumerate(self.parameters):
            low = 0 if parameter.low is None else parameter.low
            found[row] &= self.values[row] >= low
            if parameter.high is not None:
                found[row] &= self.values[row] <= parameter.high
        return found

    @cached_property
    def unseen(self) -> IntArray:
        """NOT_EVALUATED on every reading; where there is none, there is nothing to evaluate. Not to be written to."""
        found: IntArray = self.there.astype(np.int8) * np.int8(Flag.NOT_EVALUATED)
        found.flags.writeable = False
        return found

    @cached_property
    def months(self) -> IntArray | None:
        """The month (1..12) each reading lies in, Beijing time; None when times are not known."""
        if self.frame.start is None:
            return None
        endings = self.frame.start + self.frame.step * np.arange(1, self.values.shape[1] + 1, dtype=np.int64)
        days = ((endings - 1 + OFFSET) // DAY).astype("datetime64[D]")
        return days.astype("datetime64[M]").astype(np.int64) % 12 + 1

    def row(self, item: str) -> int | None:
        """The row of an item; None when it is not among them."""
        return next((row for row, parameter in enumerate(self.parameters) if parameter.id == item), None)

    def flags(self, bad: BoolArray, settings: Settings, own: Any = ...) -> IntArray:
        """The level of a test where something is bad, GOOD elsewhere. own : the part of the grid `bad` speaks of."""
        found: IntArray = (bad & self.there[own]).astype(np.int8) * np.int8(level(settings))
        return found


def level(settings: Settings) -> Flag:
    return LEVELS[settings.get("level", "suspect")]


def factor_of(settings: Settings) -> int:
    """A factor in thousandths."""
    return scaled(str(settings["factor"]), FACTOR_DECIMALS)


def threshold(parameter: Parameter, settings: Settings, key: str) -> int | None:
    """A parameter's threshold in its own steps; None when the settings name none for it."""
    text = (settings.get(key) or {}).get(parameter.id)
    return None if text is None else scaled(str(text), parameter.decimals)


def in_runs(same: BoolArray, times: int) -> BoolArray:
    """Which readings lie in a run of at least `times`, from which are like the one before them [time - 1, site]."""
    starts = len(same) + 2 - times  # places where a run of that length may begin
    whole: BoolArray = np.ones((starts, *same.shape[1:]), np.bool_)
    for later in range(times - 1):
        whole &= same[later : later + starts]
    found: BoolArray = np.zeros((len(same) + 1, *same.shape[1:]), np.bool_)
    for later in range(times):
        found[later : later + starts] |= whole
    return found
