"""Tests that look at several items, or several stations, of one time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from envmon.model import ABSENT, BoolArray, Flag, IntArray
from envmon.qc.grid import UNIT, Grid, Settings, factor_of, level, threshold

ORDERS = {
    "pm_order": (("pm25",), "pm10"),
    "nitrogen_order": (("nh3n",), "tn"),
    "nox_order": (("no2", "no"), "nox"),
}
"""Parts that cannot be larger than the whole, by test."""


def pm_order(grid: Grid, settings: Settings) -> IntArray:
    """PM2.5 above PM10, which is a part larger than the whole; both are flagged, NOT_EVALUATED where one is alone."""
    return _order(grid, settings, *ORDERS["pm_order"])


def nitrogen_order(grid: Grid, settings: Settings) -> IntArray:
    """Ammonia nitrogen above total nitrogen of one sample; NOT_EVALUATED too where the part is a detection limit."""
    return _order(grid, settings, *ORDERS["nitrogen_order"])


def nox_order(grid: Grid, settings: Settings) -> IntArray:
    """NO2 or NO above NOx, which is given as NO2 and so weighs more than both."""
    return _order(grid, settings, *ORDERS["nox_order"])


def _order(grid: Grid, settings: Settings, parts: Sequence[str], whole: str) -> IntArray:
    found: IntArray = np.zeros(grid.values.shape, np.int8)
    rows = [grid.row(item) for item in (*parts, whole)]
    for row in rows:
        if row is not None:
            found[row] = grid.unseen[row]
    for low in rows[:-1]:
        if low is not None and (high := rows[-1]) is not None:
            both = grid.there[low] & grid.there[high] & ~grid.censored[low]
            more = both & larger(grid, low, high)
            for row in (low, high):
                found[row][both & (found[row] == Flag.NOT_EVALUATED)] = Flag.GOOD
                found[row][more] = level(settings)
    return found


def larger(grid: Grid, part: int, whole: int) -> BoolArray:
    """Where the part is larger than the whole, whatever the steps the two are kept in."""
    steps = [10 ** grid.parameters[row].decimals for row in (part, whole)]
    if steps[0] == steps[1]:
        found: BoolArray = grid.values[part] > grid.values[whole]
        return found
    low, high = (grid.values[row].astype(np.int64) * other for row, other in ((part, steps[1]), (whole, steps[0])))
    more: BoolArray = low > high
    return more


def neighbours(grid: Grid, settings: Settings) -> IntArray:
    """A reading that differs from the median of the other stations of its area at that time by `by` or more, and by
    `factor` times. NOT_EVALUATED with fewer than `least` others, or without a threshold."""
    least, factor = int(settings["least"]), factor_of(settings)
    groups = list(groups_of(grid, least))
    if not groups:
        return grid.unseen
    found = grid.unseen.copy()
    columns = np.array([column for group in groups for column in group])
    edges = np.cumsum([0, *(len(group) for group in groups)])
    for row, parameter in enumerate(grid.parameters):
        by = threshold(parameter, settings, "by")
        if by is None:
            continue
        own, there = grid.values[row].take(columns, axis=1), grid.there[row].take(columns, axis=1)
        enough = np.add.reduceat(there, edges[:-1], axis=1, dtype=np.int16) > least
        tested = there & np.repeat(enough, np.diff(edges), axis=1)
        flags: IntArray = np.where(tested, np.int8(Flag.GOOD), grid.unseen[row].take(columns, axis=1))
        # Where all values of a group lie within `by` none is that far from a median: few are left to look at.
        wide = enough & (_spread(own, there, edges[:-1]) >= by)
        for group in np.flatnonzero(wide.any(axis=0)).tolist():
            time, part = np.flatnonzero(wide[:, group]), slice(edges[group], edges[group + 1])
            twice, middle = 2 * own[time, part].astype(np.int64), twice_median_of_others(own[time, part])
            high, low = np.maximum(twice, middle), np.minimum(twice, middle)
            out = (high - low >= 2 * by) & (high * UNIT >= factor * np.maximum(low, 0)) & tested[time, part]
            flags[time, part] = np.where(out, np.int8(level(settings)), flags[time, part])
        found[row][:, columns] = flags
    return found


def groups_of(grid: Grid, least: int) -> Iterator[list[int]]:
    """The columns of each group of more than `least` stations."""
    peers = list(grid.frame.peers)
    for group in sorted({one for one in peers if one}):
        columns = [i for i, one in enumerate(peers) if one == group]
        if len(columns) > least:
            yield columns


def _spread(own: IntArray, there: BoolArray, starts: IntArray) -> IntArray:
    """How far the largest and the smallest value of each group lie apart [time, group]; below zero where there is
    none. starts : the first column of each group."""
    high = np.maximum.reduceat(own, starts, axis=1)  # ABSENT is smaller than any value
    low = np.minimum.reduceat(np.where(there, own, np.iinfo(own.dtype).max), starts, axis=1)
    found: IntArray = high.astype(np.int64) - low
    return found


def twice_median_of_others(own: IntArray) -> IntArray:
    """Twice the median of the other stations at each time [time, station]; ABSENT counts as no station."""
    last = np.int64(2**40)
    filled = np.where(own == ABSENT, last, own.astype(np.int64))
    order = np.argsort(filled, axis=1, kind="stable")
    ordered = np.take_along_axis(filled, order, axis=1)
    rank: IntArray = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(own.shape[1]), order.shape), axis=1)
    others = (own != ABSENT).sum(axis=1, keepdims=True) - 1
    found: IntArray = np.zeros(own.shape, np.int64)
    for place in (np.maximum(others - 1, 0) // 2, np.maximum(others, 0) // 2):  # the middle two, or one of them twice
        at = place + (place >= rank)  # the others, without the station itself
        found += np.take_along_axis(ordered, np.minimum(at, own.shape[1] - 1), axis=1)
    return found
