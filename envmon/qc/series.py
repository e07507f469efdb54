"""Tests that look at what came before a reading, and after it."""

from __future__ import annotations

import numpy as np

from envmon.model import ABSENT, BoolArray, Flag, IntArray
from envmon.periods import DAY, OFFSET
from envmon.qc.grid import UNIT, Grid, Settings, factor_of, in_runs, level, threshold


def flat_line(grid: Grid, settings: Settings) -> IntArray:
    """Readings in a run of at least `times` equal ones, one after another without a gap.

    Readings below their detection limit stand still by nature: they are NOT_EVALUATED and end a run. In a series
    shorter than `times` nothing is evaluated.
    """
    times = int(settings["times"])
    if grid.values.shape[1] < times:
        return grid.unseen
    found: IntArray = np.zeros(grid.values.shape, np.int8)
    for row, parameter in enumerate(grid.parameters):
        own, counts = grid.values[row], grid.there[row] & ~grid.censored[row]
        least = threshold(parameter, settings, "above")
        still = in_runs((own[1:] == own[:-1]) & counts[1:] & counts[:-1], times)
        found[row] = grid.flags(still if least is None else still & (own >= least), settings, row)
        found[row][grid.censored[row]] = Flag.NOT_EVALUATED
    return found


def spike(grid: Grid, settings: Settings) -> IntArray:
    """A single reading far above or below both its neighbours; NOT_EVALUATED without both, or without a threshold."""
    factor = factor_of(settings)
    found = grid.unseen.copy()
    for row, parameter in enumerate(grid.parameters):
        own, by = grid.values[row], threshold(parameter, settings, "by")
        if by is None or len(own) < 3:
            continue
        middle, before, after = own[1:-1], own[:-2], own[2:]
        there = grid.there[row]
        testable = there[:-2] & there[2:] & there[1:-1]
        above, below = np.maximum(before, after), np.minimum(before, after)
        over, under = (np.subtract(*pair, dtype=np.int64) >= by for pair in ((middle, above), (below, middle)))
        time, site = np.nonzero(testable & (over | under))  # few, so that the factor is cheap
        here, high, low = (each[time, site].astype(np.int64) for each in (middle, above, below))
        up = over[time, site] & (here * UNIT >= factor * np.maximum(high, 0))
        down = under[time, site] & (low * UNIT >= factor * np.maximum(here, 0))
        inner = found[row, 1:-1]
        inner[testable] = Flag.GOOD
        inner[time[up | down], site[up | down]] = level(settings)
    return found


def step(grid: Grid, settings: Settings) -> IntArray:
    """The first reading of a new level: the `times` readings from it on all lie at least `by` above, or below, all of
    the `times` readings before it. NOT_EVALUATED where one of these is missing or physically impossible, or without a
    threshold."""
    times = int(settings["times"])
    found = grid.unseen.copy()
    for row, parameter in enumerate(grid.parameters):
        own, by = grid.values[row], threshold(parameter, settings, "by")
        places = len(own) - 2 * times + 1
        if by is None or places < 1:
            continue
        high, low = np.full((2, places + times, own.shape[1]), own[:1], own.dtype)
        whole: BoolArray = np.ones((places + times, own.shape[1]), np.bool_)
        np.copyto(high, own[: places + times])
        np.copyto(low, own[: places + times])
        for later in range(times):
            part = slice(later, later + places + times)
            np.maximum(high, own[part], out=high)
            np.minimum(low, own[part], out=low)
            whole &= grid.possible[row][part]
        testable = whole[:places] & whole[times:]
        up = np.subtract(low[times:], high[:places], dtype=np.int64) >= by
        down = np.subtract(low[:places], high[times:], dtype=np.int64) >= by
        inner = found[row, times : times + places]
        inner[testable] = Flag.GOOD
        inner[testable & (up | down)] = level(settings)
    return found


def rate_of_change(grid: Grid, settings: Settings) -> IntArray:
    """A reading that differs from the one before it by more than `by` for each hour between the two.

    NOT_EVALUATED without a reading within the last `within` hours, or without a threshold. What is physically
    impossible takes no part; a value below its detection limit does, with the limit.
    """
    back = before_hours(grid.frame.step, int(settings["within"]))
    found = grid.unseen.copy()
    for row, parameter in enumerate(grid.parameters):
        own, by = grid.values[row], threshold(parameter, settings, "by")
        if by is None or back < 1:
            continue
        there, minutes = grid.possible[row], grid.frame.step
        tested = there[1:] & there[:-1]
        fast = np.abs(np.subtract(own[1:], own[:-1], dtype=np.int64)) * 60 > by * minutes
        inner = found[row, 1:]
        inner[tested] = Flag.GOOD
        inner[tested & fast] = level(settings)
        time, site = np.nonzero(there[1:] & ~there[:-1])  # behind a gap: few
        time += 1
        for places in range(2, back + 1):
            again = time >= places
            again[again] = there[time[again] - places, site[again]]
            at, before = (time[again], site[again]), (time[again] - places, site[again])
            far = np.abs(np.subtract(own[at], own[before], dtype=np.int64)) * 60 > by * minutes * places
            found[row][at] = np.where(far, np.int8(level(settings)), np.int8(Flag.GOOD))
            time, site = time[~again], site[~again]
    return found


def before_hours(step: int, hours: int) -> int:
    """How many readings lie in so many hours."""
    return hours * 60 // step


def repeated_block(grid: Grid, settings: Settings) -> IntArray:
    """Readings in a block of at least `times` of one day that equal, one by one, those of the same hours a day before.

    At least `changes` readings of the block differ from the one before them: what merely stands still is a flat line.
    Readings below their detection limit take no part. NOT_EVALUATED are those without a reading a day before, and all
    of them where readings do not come at the same hours every day, or fewer than `times` a day.
    """
    times, changes = int(settings["times"]), int(settings["changes"])
    lag = a_day(grid)
    if lag < times or grid.values.shape[1] <= lag:
        return grid.unseen
    found = grid.unseen.copy()
    whole_days = grid.values.shape[1] // lag * lag  # the rest of a last day is a block of no whole day
    for row in range(len(grid.parameters)):
        own, counts = grid.values[row], grid.there[row] & ~grid.censored[row]
        tested = counts[lag:] & counts[:-lag]
        like = (own[lag:] == own[:-lag]) & tested
        inner = found[row, lag:]
        inner[tested] = Flag.GOOD
        by_day = like[: whole_days - lag].reshape(-1, lag, own.shape[1])
        day, site = np.nonzero(by_day.sum(axis=1, dtype=np.int16) >= times)  # few
        same = by_day[day, :, site]
        hours = lag * (day[:, None] + 1) + np.arange(lag)
        moves = own[hours, site[:, None]] != own[hours - 1, site[:, None]]
        block: BoolArray = np.zeros(same.shape, np.bool_)
        for first in range(lag - times + 1):
            part = slice(first, first + times)
            block[:, part] |= (same[:, part].all(axis=1) & (moves[:, part].sum(axis=1) >= changes))[:, None]
        one, hour = np.nonzero(block)
        found[row][hours[one, hour], site[one]] = level(settings)
    return found


def a_day(grid: Grid) -> int:
    """How many readings lie in a day; 0 where they do not come at the same hours every day, from midnight on."""
    lag, rest = divmod(DAY, grid.frame.step)
    from_midnight = grid.frame.start is None or (grid.frame.start + OFFSET) % DAY == 0
    return 0 if rest or not from_midnight else lag


def stale_feed(grid: Grid, settings: Settings) -> IntArray:
    """Readings of a site of which every item, `items` of them or more, stands still for `times` readings or longer.

    NOT_EVALUATED where fewer items came. One item that changes, comes or goes ends the run.
    """
    times, least = int(settings["times"]), int(settings["items"])
    if len(grid.parameters) < least or grid.values.shape[1] < times:
        return grid.unseen
    enough = grid.there.sum(axis=0) >= least
    same = (grid.values[:, 1:] == grid.values[:, :-1]).all(axis=0) & enough[1:]
    still = in_runs(same, times)
    found: IntArray = np.where(grid.there & enough, np.int8(level(settings)) * still, grid.unseen)
    return found


def same_hour(grid: Grid, settings: Settings) -> IntArray:
    """A reading further from the median of the same hour of the `days` days before it than `by`, and than `factor`
    times the median of their own distances from it.

    NOT_EVALUATED with fewer than `least` of these readings, without a threshold, or where readings do not come at the
    same hours every day. All medians are those of whole numbers: of an even number the lower of the middle two.
    """
    days, least, factor = int(settings["days"]), int(settings["least"]), factor_of(settings)
    lag, length = a_day(grid), grid.values.shape[1]
    if not lag or length <= lag:
        return grid.unseen
    found = grid.unseen.copy()
    for row, parameter in enumerate(grid.parameters):
        by = threshold(parameter, settings, "by")
        if by is None:
            continue
        past: IntArray = np.full((days, *grid.values.shape[1:]), NOTHING, np.int64)
        for day in range(1, min(days, (length - 1) // lag) + 1):
            own = grid.values[row, : length - day * lag]
            past[day - 1, day * lag :] = np.where(own == ABSENT, NOTHING, own.astype(np.int64))
        count = (past != NOTHING).sum(axis=0)
        middle = _lower_median(past, count)
        spread = _lower_median(np.where(past == NOTHING, NOTHING, np.abs(past - middle)), count)
        away = np.abs(grid.values[row].astype(np.int64) - middle)
        tested = grid.there[row] & (count >= least)
        found[row][tested] = Flag.GOOD
        found[row][tested & (away >= by) & (away * UNIT > factor * spread)] = level(settings)
    return found


NOTHING = np.int64(2**40)
"""In a history: no reading; larger than any, so that it sorts last."""


def _lower_median(past: IntArray, count: IntArray) -> IntArray:
    """The median along the first axis, of the `count` smallest; the lower of the middle two."""
    ordered = np.sort(past, axis=0)
    found: IntArray = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    return found
