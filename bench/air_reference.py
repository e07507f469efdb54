"""What the air judgement must be, worked out the slow and obvious way: fractions in pure Python, and 64-bit integers.

Neither shares code with `envmon.assess.air`; breakpoints and limits are read from the same regime.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envmon.model import NO_VALUE, POLLUTANTS, AirRegime, Breakpoints

O3 = POLLUTANTS.index("o3")
COMMON = math.lcm(168, *range(20, 25))
"""A denominator for every mean: of 20 to 24 hours, and of the best of windows of 6 to 8."""


def sub_index(regime: AirRegime, column: Breakpoints, value: int) -> int:
    """Formula 1 of HJ 633 in fractions, rounded up."""
    corners = list(zip(column.points, column.nodes, strict=True))
    for (low, low_node), (high, high_node) in itertools.pairwise(corners):
        if value <= high:
            return math.ceil(low_node + Fraction((high_node - low_node) * (value - low), high - low))
    if isinstance(column.beyond, int):
        return column.beyond
    return sub_index(regime, regime.index.columns[column.beyond], value)


def ozone_limit(regime: AirRegime) -> int:
    """The limit of the daily maximum 8-h mean for functional zone 2, in whole µg/m³."""
    limit = Fraction(regime.limits.limits["o3", "mda8", 2], 10 ** regime.limits.decimals["o3"])
    return limit.numerator // limit.denominator


def site_day(hours: Sequence[Sequence[int]], regime: AirRegime) -> tuple[list[int], int, int]:
    """Values, index and primary mask of one site-day [6][24] in edition steps, in fractions."""
    values = []
    for row, line in enumerate(hours):
        there = [value for value in line if value != NO_VALUE]
        mean = Fraction(sum(there), len(there)) if len(there) >= 20 else None
        if row == O3:
            windows = [[value for value in line[end - 8 : end] if value != NO_VALUE] for end in range(8, 25)]
            means = [Fraction(sum(window), len(window)) for window in windows if len(window) >= 6]
            mean = max(means, default=None)
            limit = ozone_limit(regime)
            if mean is not None and len(means) < 14 and round(mean) <= limit:
                mean = None
        values.append(NO_VALUE if mean is None else round(mean))
    columns = [regime.index.columns[regime.index.daily[name]] for name in POLLUTANTS]
    indices = [
        NO_VALUE if value == NO_VALUE else min(sub_index(regime, column, value), regime.index.top)
        for value, column in zip(values, columns, strict=True)
    ]
    top = max(indices)
    primary = sum(1 << bit for bit, each in enumerate(indices) if each == top and top > regime.index.primary_above)
    return values, top, primary


class Days(NamedTuple):
    """Daily values [6, day, column], index and primary mask [day, column], in 64-bit integers."""

    values: NDArray[np.int64]
    aqi: NDArray[np.int64]
    primary: NDArray[np.int64]


def station_days(hours: NDArray[np.int16], regime: AirRegime, group: int = 1) -> tuple[Days, Days]:
    """Every station-day, and every day of areas of `group` neighbouring stations."""
    days, stations = hours.shape[1] // 24, hours.shape[2]
    values = np.empty((6, days, stations), np.int64)
    areas = np.empty((6, days, stations // group), np.int64)
    usual, few = regime.validity.station_share
    share = few if group < 4 else usual
    for row in range(6):
        block = hours[row].reshape(days, 24, stations).astype(np.int64)
        there = block != NO_VALUE
        block[~there] = 0
        top, bottom, valid = _ozone(block, there, regime) if row == O3 else _mean(block, there)
        values[row] = np.where(valid, _half_even(top, bottom), NO_VALUE)
        exact = np.where(valid, top * (COMMON // bottom), 0).reshape(days, -1, group).sum(axis=2)
        count = valid.reshape(days, -1, group).sum(axis=2)
        enough = (count > 0) & (100 * count >= share * group)
        areas[row] = np.where(enough, _half_even(exact, COMMON * np.maximum(count, 1)), NO_VALUE)
    return _indexed(values, regime), _indexed(areas, regime)


def _indexed(values: NDArray[np.int64], regime: AirRegime) -> Days:
    indices = np.full(values.shape, NO_VALUE, np.int64)
    for row, name in enumerate(POLLUTANTS):
        column = regime.index.columns[regime.index.daily[name]]
        for value in np.unique(values[row][values[row] >= 0]).tolist():
            indices[row][values[row] == value] = min(sub_index(regime, column, value), regime.index.top)
    top = indices.max(axis=0)
    bits = np.array([1 << bit for bit in range(6)])[:, None, None]
    return Days(values, top, (((indices == top) & (top > regime.index.primary_above)) * bits).sum(axis=0))


Fractions = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


def _mean(block: NDArray[np.int64], there: NDArray[np.bool_]) -> Fractions:
    """Numerator, denominator (which divides COMMON where it counts) and validity of 24-h means."""
    count = there.sum(axis=1)
    return block.sum(axis=1), np.where(count >= 20, count, 1), count >= 20


def _ozone(block: NDArray[np.int64], there: NDArray[np.bool_], regime: AirRegime) -> Fractions:
    total = np.stack([block[:, end - 8 : end].sum(axis=1) for end in range(8, 25)])
    count = np.stack([there[:, end - 8 : end].sum(axis=1) for end in range(8, 25)])
    valid = count >= 6
    best = np.where(valid, total * 168 // np.maximum(count, 1), NO_VALUE).max(axis=0)  # 168 = lcm(6, 7, 8): no rest
    over = np.full(best.shape, 168)
    enough = (valid.sum(axis=0) >= 14) | (_half_even(best, over) > ozone_limit(regime))
    return best, over, (best >= 0) & enough


def _half_even(numerator: NDArray[np.int64], denominator: NDArray[np.int64] | np.int64) -> NDArray[np.int64]:
    down = numerator // denominator
    twice = 2 * (numerator - down * denominator)
    return down + ((twice > denominator) | ((twice == denominator) & (down % 2 == 1)))
