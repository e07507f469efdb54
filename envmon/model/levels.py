"""The state of surface water (水质状况): its levels, what makes them, how it changes from period to period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from fractions import Fraction

from envmon.model.places import WaterClass


class WaterLevel(IntEnum):
    """State of the water of a section, river, basin or area (水质状况); larger is worse. NONE = not assessed."""

    NONE = 0
    EXCELLENT = 1
    GOOD = 2
    LIGHT = 3
    MODERATE = 4
    HEAVY = 5


class WaterChange(StrEnum):
    """What became of the water from one period to another."""

    NONE = "none"
    SOME_BETTER = "some_better"
    SOME_WORSE = "some_worse"
    CLEAR_BETTER = "clear_better"
    CLEAR_WORSE = "clear_worse"


class Trend(StrEnum):
    """Where a series of periods leads, when that is significant."""

    NONE = "none"
    RISING = "rising"
    FALLING = "falling"


@dataclass(frozen=True, slots=True)
class BasinLevel:
    """One row of 环办〔2011〕22号 table 2: the shares it asks for; None: it does not ask.

    good : of sections in classes I to III; bad : of those worse than V. From `least` on, up to but without `below`.
    Whole numbers of the smallest step of a share, see `WaterLevels.decimals`.
    """

    level: WaterLevel
    good_least: int | None
    good_below: int | None
    bad_least: int | None
    bad_below: int | None

    def takes(self, good: Fraction | int, bad: Fraction | int) -> bool:
        """Whether the row is that of two shares, given in the same steps and not rounded."""
        return (
            (self.good_least is None or self.good_least <= good)
            and (self.good_below is None or good < self.good_below)
            and (self.bad_least is None or self.bad_least <= bad)
            and (self.bad_below is None or bad < self.bad_below)
        )


@dataclass(frozen=True, slots=True)
class WaterLevels:
    """What 环办〔2011〕22号 says of rivers, basins and areas, and of periods beside one another.

    basin : rows of table 2; for every pair of shares there is one. decimals : of shares in per cent.
    max_main, not_reported : how many main indicators are listed at most, and the levels for which none is.
    no_change, some_change : largest change of shares without, with some change, in steps of the shares.
    steps_clear : levels from which a change is clear. min_periods : of a trend.
    critical : periods -> critical values of the rank correlation at 0.05 and 0.01, in thousandths.
    """

    method: str
    of_class: Mapping[WaterClass, WaterLevel]
    min_sections: int
    decimals: int
    basin: tuple[BasinLevel, ...]
    max_main: int
    not_reported: tuple[WaterLevel, ...]
    no_change: int
    some_change: int
    steps_clear: int
    min_periods: int
    critical: Mapping[int, tuple[int, int]]
