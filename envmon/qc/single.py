"""Tests that look at one reading at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from envmon.model import BoolArray, Flag, IntArray, Maintenance, Mark
from envmon.qc.grid import Grid, Settings
from envmon.rounding import scaled


def missing(grid: Grid, settings: Settings) -> IntArray:
    """MISSING where a reading was due and none came (缺测)."""
    return np.where(grid.there, np.int8(Flag.GOOD), np.int8(Flag.MISSING))


def device_flag(grid: Grid, settings: Settings) -> IntArray:
    """Readings that came with a mark of maintenance, fault, calibration or of a site without running conditions."""
    return grid.flags((grid.marks != Mark.NONE) & (grid.marks != Mark.CENSORED), settings)


def maintenance(grid: Grid, settings: Settings) -> IntArray:
    """Readings whose interval overlaps work on the instruments that was announced in the config."""
    bad: BoolArray = np.zeros(grid.values.shape, np.bool_)
    if grid.frame.start is not None:
        for window in grid.frame.windows:
            for column in _columns(grid, (window.site,)):
                bad[_rows(grid, window.items), overlapping(grid, window), column] = True
    return grid.flags(bad, settings)


def overlapping(grid: Grid, window: Maintenance) -> slice:
    """The readings whose interval shares a minute with a window: ending > first, and beginning < last."""
    return grid.frame.slots(window.first, window.last + max(0, grid.frame.span - 1))


def negative(grid: Grid, settings: Settings) -> IntArray:
    """Readings below zero, except of items that may be (water temperature: its range starts below zero)."""
    return grid.flags(below_zero(grid), settings)


def below_zero(grid: Grid) -> BoolArray:
    may = np.array([p.low is not None and p.low < 0 for p in grid.parameters])[:, None, None]
    found: BoolArray = (grid.values < 0) & ~may & grid.there
    return found


def below_detection(grid: Grid, settings: Settings) -> IntArray:
    """NOT_EVALUATED where the value is a detection limit and not a measured number: information, never a fault."""
    found: IntArray = grid.censored.astype(np.int8) * np.int8(Flag.NOT_EVALUATED)
    return found


def out_of_range(grid: Grid, settings: Settings) -> IntArray:
    """Readings outside what is physically possible for the item; NOT_EVALUATED for items without a range."""
    found: IntArray = np.zeros(grid.values.shape, np.int8)
    for row, parameter in enumerate(grid.parameters):
        if parameter.low is None and parameter.high is None:
            found[row] = grid.unseen[row]
        else:
            found[row] = grid.flags(outside(grid.values[row], parameter.low, parameter.high), settings, row)
    return found


def outside(values: IntArray, low: int | None, high: int | None) -> BoolArray:
    bad: BoolArray = np.zeros(values.shape, np.bool_) if low is None else values < low
    if high is not None:
        bad |= values > high
    return bad


def climatology(grid: Grid, settings: Settings) -> IntArray:
    """Readings outside what is usual for the item, the site and the month; NOT_EVALUATED where no range is set.

    Of several ranges for one reading the last one decides.
    """
    found = grid.unseen.copy() if settings["ranges"] else grid.unseen
    for one in settings["ranges"]:
        for row in _row_numbers(grid, one["items"]):
            low, high = bounds(one, grid.parameters[row].decimals)
            for place in _places(grid, row, one):
                found[place] = grid.flags(outside(grid.values[place], low, high), settings, place)
    return found


def bounds(one: Settings, decimals: int) -> tuple[int | None, int | None]:
    """The low and the high end of a range in an item's steps."""
    low, high = (None if one.get(key) is None else scaled(str(one[key]), decimals) for key in ("low", "high"))
    return low, high


def _places(grid: Grid, row: int, one: Settings) -> Iterator[Any]:
    """Where in the grid a range of the climatology is meant."""
    months, columns = tuple(one.get("months") or ()), list(range(grid.values.shape[2]))
    if one.get("sites"):
        columns = _columns(grid, one["sites"])
    if not months:
        times = np.arange(grid.values.shape[1])
    elif grid.months is None:
        return
    else:
        times = np.flatnonzero(np.isin(grid.months, months))
    if len(times) and columns:
        yield np.ix_(np.array([row]), times, np.array(columns))


def meant(grid: Grid, one: Settings, row: int, time: int, site: int) -> bool:
    """Whether a range of the climatology is meant for a reading."""
    named = not one.get("sites") or site in _columns(grid, one["sites"])
    season = not one.get("months") or (grid.months is not None and grid.months[time] in one["months"])
    return named and season and row in _row_numbers(grid, one["items"])


def _columns(grid: Grid, names: Collection[str]) -> list[int]:
    """The columns of sites named by their own id or that of their area."""
    frame = grid.frame
    return [
        i for i, site in enumerate(frame.sites) if site in names or (i < len(frame.areas) and frame.areas[i] in names)
    ]


def _row_numbers(grid: Grid, items: Collection[str]) -> list[int]:
    return [row for row, parameter in enumerate(grid.parameters) if parameter.id in items]


def _rows(grid: Grid, items: Collection[str]) -> list[int] | slice:
    """The rows of some items; none means all."""
    return _row_numbers(grid, items) if items else slice(None)
