"""Ambient air: hourly means -> daily values -> sub-indices, index, level, primary pollutant (GB 3095, HJ 663, HJ 633).

One rule in one place: a scalar is an array of one, a county and the nation are the same call. Concentrations are whole
numbers of a decimal step and every mean is an exact numerator over a denominator, rounded once, half to even, to the
decimals of the index edition. Never here: limits and breakpoints (they come in the regime), QC, files, the clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envmon.errors import NotAssessable
from envmon.model import (
    NO_VALUE,
    POLLUTANTS,
    AirDays,
    AirIndex,
    AirRegime,
    AirValidity,
    BoolArray,
    Breakpoints,
    IndexEdition,
    IntArray,
    Status,
)
from envmon.rounding import half_even_array, rescale

EVERY = 2 ** len(POLLUTANTS) - 1
"""The mask of all six pollutants: the usual monitoring plan."""

O3 = POLLUTANTS.index("o3")
HOURS = 24
FEW_STATIONS = 4  # an area of fewer has its own share of valid stations
LANES = 16384
"""About as many site-days are averaged in one go: enough to make calls cheap, few enough to stay in the cache."""

MANY = 32
"""From so many sites on, the hours of a day lie side by side well enough to be used where they are."""

Steps = Mapping[str, int] | Sequence[int]
Lanes = NDArray[np.integer[Any]]  # unsigned as well; inside this file only


# --- days -------------------------------------------------------------------------------------------------------


def daily(hours: IntArray, first_day: int, regime: AirRegime, steps: Steps, required: int = EVERY) -> AirDays:
    """Judge whole days of sites from their hourly means.

    hours : [pollutant, 24 x days, site] after QC, hour 1 of `first_day` first; NO_VALUE where there is no valid hour;
        any signed type, 16 bits being the fastest.
    steps : decimals in which each pollutant is given (by pollutant, or in their order).
    required : mask of the pollutants the monitoring plan asks for; a missing one of them leaves a day open.
    Returns AirDays [.., day, site]; values in steps of the edition, 16 bits wide when `hours` are, else 32.
    Raises NotAssessable for a wrong shape or a concentration below zero other than the mark.
    Source: GB 3095 table 4, HJ 663 6.1.2 (valid hours and 8-h windows); HJ 633 (index); GB/T 8170 (rounding).
    """
    found = _Filled.empty(hours, hours.shape[2])
    for part, means in _runs(hours, regime.validity):
        _fill_sites(found, part, means, _values(means, regime, steps))
    return _judged(first_day, regime, found, required)


def area_days(
    hours: IntArray,
    first_day: int,
    regime: AirRegime,
    steps: Steps,
    areas: Sequence[Sequence[int]] | None = None,
    required: int = EVERY,
) -> AirDays:
    """Judge areas from their stations: the mean of the daily values of the stations that are valid that day.

    hours, steps, required : as in `daily`, one column a station.
    areas : for each area the columns of its counted stations; None: one area of all columns. The last axis of the
        result runs over the areas.
    A pollutant has a value where the share of valid stations reaches the regime's `station_share`. Station values go
    in unrounded, as exact fractions, and the mean is rounded once (GB/T 8170 3.3). `hours` and `windows` of the
    result are sums over the stations; `stations` counts the valid ones.
    Source: HJ 663 annex A.2 and 6.1.
    """
    members = _Members.of([range(hours.shape[2])] if areas is None else areas)
    found = _Filled.empty(hours, len(members.sizes), of_areas=True)
    for part, means in _runs(hours, regime.validity):
        _fill_areas(found, part, means, _values(means, regime, steps), members, regime, steps)
    return _judged(first_day, regime, found, required)


def daily_with_areas(
    hours: IntArray,
    first_day: int,
    regime: AirRegime,
    steps: Steps,
    areas: Sequence[Sequence[int]],
    required: int = EVERY,
) -> tuple[AirDays, AirDays]:
    """What `daily` and `area_days` say of the same hours; the means of the stations are formed only once.

    For whole networks at once, and `make bench`: the store is judged by the two, each for its own sites.
    """
    members = _Members.of(areas)
    sites, together = _Filled.empty(hours, hours.shape[2]), _Filled.empty(hours, len(members.sizes), of_areas=True)
    for part, means in _runs(hours, regime.validity):
        value = _values(means, regime, steps)
        _fill_sites(sites, part, means, value)
        _fill_areas(together, part, means, value, members, regime, steps)
    return _judged(first_day, regime, sites, required), _judged(first_day, regime, together, required)


def _shape(hours: IntArray) -> tuple[int, int]:
    """Days and sites of an array of hours."""
    if hours.ndim != 3 or hours.shape[0] != len(POLLUTANTS) or hours.shape[1] % HOURS:
        raise NotAssessable(f"hours must be [{len(POLLUTANTS)}, 24 x days, site], not {hours.shape}")
    return hours.shape[1] // HOURS, hours.shape[2]


@dataclass(frozen=True, slots=True)
class _Means:
    """Exact daily means of a run of lanes (a lane is one site on one day): top / bottom, in steps as received.

    top, bottom, hours : [pollutant, lane]; bottom is at least 1. valid : as the hours decide; for ozone as the windows
    do, before the exception for a high maximum. windows : [lane].
    """

    top: IntArray
    bottom: IntArray
    valid: BoolArray
    hours: IntArray
    windows: IntArray


@dataclass(frozen=True, slots=True)
class _Filled:
    """Daily values of sites or areas, filled run by run: [pollutant, day, site], windows [day, site].

    stations : of areas, how many of their stations are valid; of sites not used.
    """

    value: IntArray
    hours: IntArray
    windows: IntArray
    stations: IntArray | None = None

    @classmethod
    def empty(cls, hours: IntArray, columns: int, of_areas: bool = False) -> _Filled:
        shape = (len(POLLUTANTS), _shape(hours)[0], columns)
        count = np.int32 if of_areas else np.int8
        return cls(
            value=np.empty(shape, np.int16 if hours.dtype.itemsize <= 2 else np.int32),
            hours=np.empty(shape, count),
            windows=np.empty(shape[1:], count),
            stations=np.empty(shape, np.int16) if of_areas else None,
        )


@dataclass(frozen=True, slots=True)
class _Members:
    """The stations of areas: of all areas the first ones, then the second ones, and so on, which adds up fastest.

    sizes : stations of each area. places : the areas that have a station at a place, and the columns of those.
    """

    sizes: IntArray
    places: tuple[tuple[IntArray | slice, IntArray], ...]

    @classmethod
    def of(cls, areas: Sequence[Sequence[int]]) -> _Members:
        sizes = np.array([len(columns) for columns in areas], np.int64)
        places = []
        for place in range(sizes.max(initial=0)):
            own = np.flatnonzero(sizes > place)
            columns = np.array([areas[area][place] for area in own.tolist()], np.intp)
            places.append((slice(None) if len(own) == len(areas) else own, columns))
        return cls(sizes, tuple(places))

    def summed(self, values: IntArray | BoolArray, kind: type[np.signedinteger[Any]] = np.int32) -> IntArray:
        """Sums over the columns of each area; an area without stations sums to 0."""
        total: IntArray = np.zeros((*values.shape[:-1], len(self.sizes)), kind)
        for areas, columns in self.places:
            total[..., areas] += values.take(columns, axis=-1)
        return total


def _runs(hours: IntArray, validity: AirValidity) -> Iterator[tuple[slice, _Means]]:
    """Some whole days at a time, as many as the cache takes, and their means."""
    days, sites = _shape(hours)
    run = max(1, LANES // max(1, sites))
    for start in range(0, days, run):
        part = slice(start, min(start + run, days))
        yield part, _means(hours[:, HOURS * part.start : HOURS * part.stop], validity)


def _fill_sites(found: _Filled, part: slice, means: _Means, value: IntArray) -> None:
    shape = found.value[:, part].shape
    found.value[:, part] = value.reshape(shape)
    found.hours[:, part] = means.hours.reshape(shape)
    found.windows[part] = means.windows.reshape(shape[1:])


def _fill_areas(
    found: _Filled, part: slice, means: _Means, value: IntArray, members: _Members, regime: AirRegime, steps: Steps
) -> None:
    """value : of the stations, which says whether they are valid; their exact means are averaged, not it."""
    by_day = len(POLLUTANTS), part.stop - part.start, -1
    valid = value != NO_VALUE
    exact, common = _common(means, valid, regime.validity)
    own = members.summed(valid.reshape(by_day))
    total = members.summed(exact.reshape(by_day), np.int64)
    reached = _share_reached(own, members.sizes, regime.validity)
    under = np.maximum(own, 1) * np.int64(common)
    found.value[:, part] = _rounded(total, under, reached, steps, _decimals(regime))
    found.hours[:, part] = members.summed(means.hours.reshape(by_day))
    found.windows[part] = members.summed(means.windows.reshape(by_day[1:]))
    if found.stations is not None:
        found.stations[:, part] = own


def _means(hours: IntArray, validity: AirValidity) -> _Means:
    """Daily means of the five, daily maximum 8-hour mean of ozone, of some whole days of hours."""
    lanes = _by_lane(hours)
    size = lanes.shape[1] * lanes.shape[3]
    top = np.empty((len(POLLUTANTS), size), np.int32 if hours.dtype.itemsize <= 2 else np.int64)
    bottom = np.empty_like(top)
    counts, windows = np.empty(top.shape, np.int8), np.empty(size, np.int8)
    for row, own in enumerate(lanes):
        raised = _raised(own)
        there = (raised != 0).view(np.uint8)
        counts[row] = there.sum(axis=1, dtype=np.uint8).reshape(size)
        if row == O3:
            best, found = _highest_window(raised, there, validity)
            top[row], windows[:] = best.reshape(size), found.reshape(size)
            bottom[row] = _window_denominator(validity)
        else:
            top[row] = raised.sum(axis=1, dtype=raised.dtype).reshape(size)
            top[row] -= counts[row]
            bottom[row] = np.maximum(counts[row], 1)
    valid = counts >= validity.day_hours
    valid[O3] = windows >= validity.windows
    return _Means(top, bottom, valid, counts, windows)


def _refuse_negative(values: IntArray) -> None:
    """Raise NotAssessable when anything but the mark is below zero."""
    least = int(values.min(initial=0))
    if least < NO_VALUE:
        raise NotAssessable(f"a concentration of {least} steps is below zero; quality control must mark it first")


def _by_lane(hours: IntArray) -> IntArray:
    """[pollutant, 24 x days, site] as [pollutant, day, 24, site], or for few sites as [pollutant, 1, 24, day x site].

    Either way the last axis is long, and the lanes come day by day.
    """
    pollutants, rows, sites = hours.shape
    days = hours.reshape(pollutants, rows // HOURS, HOURS, sites)
    return days if sites >= MANY else days.transpose(0, 2, 1, 3).reshape(pollutants, 1, HOURS, -1)


def _raised(own: IntArray) -> Lanes:
    """Hours plus one, unsigned: the mark becomes 0, and everything else can be added up with one too many an hour.

    The type is the narrowest that holds the sum of a day. 16 bits do up to 2,729 steps, and twice as many lanes go
    through the processor at a time as with 32.
    """
    bits = 8 * own.dtype.itemsize
    unsigned = np.dtype(f"u{own.dtype.itemsize}")
    raised: Lanes = own.view(unsigned) + unsigned.type(1)
    largest = int(raised.max(initial=0))
    if largest > 2 ** (bits - 1):
        _refuse_negative(own)
    return raised if HOURS * largest < 2**bits else raised.astype(np.uint64)


def _window_denominator(validity: AirValidity) -> int:
    """Least common multiple of the hour counts a valid window can have (6, 7, 8 -> 168)."""
    return math.lcm(*range(validity.window_least, validity.window_hours + 1))


def _highest_window(raised: Lanes, there: Lanes, validity: AirValidity) -> tuple[IntArray, IntArray]:
    """Highest mean of the day's 8-hour windows, in fractions of `_window_denominator`, and how many are valid.

    raised, there : [.., 24, lane]: hours as `_raised` makes them, and 1 where there is a value.
    Windows of 6, 7 and 8 valid hours are compared exactly: the best of each kind first, then their fractions.
    """
    first = validity.first_window - validity.window_hours
    total, count = (_running(rows[:, first:], validity.window_hours) for rows in (raised, there))
    over = _window_denominator(validity)
    wide = np.int32 if raised.dtype.itemsize <= 2 else np.int64
    best: IntArray = np.zeros((total.shape[0], total.shape[2]), wide)
    for hours in range(validity.window_least, validity.window_hours + 1):
        highest = (total * (count == hours)).max(axis=1).astype(wide)
        best = np.maximum(best, (highest - hours) * (over // hours))
    valid = count >= validity.window_least
    return best, valid.sum(axis=1, dtype=np.int8)


def _running(rows: Lanes, length: int) -> Lanes:
    """Sums of every `length` hours that follow one another [.., hour, lane], by doubling."""
    if length == 1:
        return rows
    step = length // 2
    half = _running(rows, step)
    total: Lanes = half[:, :-step] + half[:, step:]
    return total if length == 2 * step else total[:, :-1] + rows[:, length - 1 :]


def _values(means: _Means, regime: AirRegime, steps: Steps) -> IntArray:
    """Daily values [pollutant, lane] in steps of the edition, NO_VALUE where not valid."""
    possible = means.valid.copy()
    possible[O3] = means.windows > 0
    value = _rounded(means.top, means.bottom, possible, steps, _decimals(regime))
    limit = rescale(regime.limits.limits["o3", "mda8", 2], regime.limits.decimals["o3"], _decimals(regime)[O3])
    # With fewer windows than asked the maximum still stands when it is above the limit (HJ 663 6.1.2).
    value[O3][~means.valid[O3] & (value[O3] <= limit)] = NO_VALUE
    return value


def _rounded(top: IntArray, bottom: IntArray | int, valid: BoolArray, steps: Steps, wanted: Sequence[int]) -> IntArray:
    """top / bottom in steps as received, rounded once to `wanted` decimals; NO_VALUE where not valid.

    bottom is positive. The one place where a concentration is rounded: the change of steps goes into the division.
    """
    stored = [steps[name] for name in POLLUTANTS] if isinstance(steps, Mapping) else steps
    finer = [want - have for want, have in zip(wanted, stored, strict=True)]
    column = (len(POLLUTANTS),) + (1,) * (top.ndim - 1)
    if max(finer) > 0:
        top = top * np.array([10 ** max(0, digits) for digits in finer], top.dtype).reshape(column)
    if min(finer) < 0:
        bottom = bottom * np.array([10 ** max(0, -digits) for digits in finer], top.dtype).reshape(column)
    rounded = half_even_array(top, bottom)
    rounded[~valid] = NO_VALUE
    return rounded


def _decimals(regime: AirRegime) -> list[int]:
    """Decimals of the daily value of each pollutant, as the index edition prints them."""
    return [regime.index.columns[regime.index.daily[name]].decimals for name in POLLUTANTS]


def _common(means: _Means, valid: BoolArray, validity: AirValidity) -> tuple[IntArray, int]:
    """Every station's daily value over one common denominator, 0 where not valid; and that denominator."""
    common = math.lcm(_window_denominator(validity), *range(validity.day_hours, HOURS + 1))
    factor = np.where(valid, common // means.bottom, 0)
    return means.top * factor.astype(np.int64), common


def _share_reached(valid: IntArray, stations: IntArray, validity: AirValidity) -> BoolArray:
    """Whether enough of an area's stations are valid."""
    reached: BoolArray = (valid > 0) & (100 * valid >= station_share(stations, validity) * stations)
    return reached


def station_share(stations: IntArray, validity: AirValidity) -> IntArray:
    """The share of an area's stations that must be valid, in per cent, by how many it has; same shape.

    Areas of fewer than four stations have their own (HJ 663 annex A.2).
    """
    usual, few = validity.station_share
    return np.where(stations < FEW_STATIONS, few, usual)


def _judged(first_day: int, regime: AirRegime, found: _Filled, required: int) -> AirDays:
    """Daily values with everything that follows from them."""
    judged = index(found.value, regime.index, "daily", required)
    clean = max((level.at_most for level in regime.index.levels if level.good), default=regime.index.top)
    status = np.full(judged.aqi.shape, Status.INCOMPLETE, np.int8)
    # A gap is never counted as a good day: either nothing is missing, or what there is settles it.
    status[(judged.missing == 0) | (judged.aqi > clean)] = Status.VALID
    status[judged.aqi == NO_VALUE] = Status.INSUFFICIENT
    status[~found.hours.any(axis=0)] = Status.MISSING
    return AirDays(
        first_day=first_day,
        edition=regime.index.id,
        value=found.value,
        hours=found.hours,
        windows=found.windows,
        iaqi=judged.iaqi,
        aqi=judged.aqi,
        level=judged.level,
        primary=judged.primary,
        exceeding=judged.exceeding,
        missing=judged.missing,
        status=status,
        stations=found.stations,
    )


# --- index ------------------------------------------------------------------------------------------------------


def hourly(values: IntArray, edition: IndexEdition, steps: Steps, required: int = EVERY) -> AirIndex:
    """Index of 1-h means [pollutant, ...] given in stored decimals; particles by their 24-h breakpoints (HJ 633 4.2.4).

    Each value is rounded half to even to the edition's decimals first (HJ 663 table 3), once.
    """
    if values.shape[:1] != (len(POLLUTANTS),):
        raise NotAssessable(f"values must have {len(POLLUTANTS)} pollutants first, not shape {values.shape}")
    _refuse_negative(values)
    wanted = [edition.columns[edition.hourly[name]].decimals for name in POLLUTANTS]
    rounded = _rounded(values.astype(np.int64), 1, values != NO_VALUE, steps, wanted)
    return index(rounded, edition, "hourly", required)


def index(values: IntArray, edition: IndexEdition, mode: str, required: int = EVERY) -> AirIndex:
    """Sub-indices, index, level and pollutant masks of concentrations (空气质量分指数、空气质量指数).

    values : [pollutant, ...] in steps of the edition, already rounded; NO_VALUE where there is none.
    mode : "daily" (24-h means, ozone as daily maximum 8-h mean) or "hourly" (1-h means).
    required : mask of the pollutants of the monitoring plan; `missing` names those of them without a value.
    Raises NotAssessable for a concentration below zero other than the mark.
    Source: HJ 633 formulas 1 and 2, rounding clause, table of breakpoints and its notes, publishing clause.
    """
    if values.shape[:1] != (len(POLLUTANTS),):
        raise NotAssessable(f"values must have {len(POLLUTANTS)} pollutants first, not shape {values.shape}")
    _refuse_negative(values)
    names = {"daily": edition.daily, "hourly": edition.hourly}.get(mode)
    if names is None:
        raise NotAssessable(f"an index is daily or hourly, not {mode!r}")
    iaqi = np.empty(values.shape, np.int16)
    for row, name in enumerate(POLLUTANTS):
        _look_up(_table(edition, names[name]), values[row, ...], iaqi[row, ...])
    aqi: IntArray = np.asarray(iaqi.max(axis=0))
    missing = np.asarray(_mask(iaqi == NO_VALUE) & np.int8(required))
    published = aqi.copy()
    published[_withheld(aqi, missing, edition)] = NO_VALUE
    above = edition.top if edition.exceeding_above is None else edition.exceeding_above
    return AirIndex(
        iaqi=iaqi,
        aqi=aqi,
        published=published,
        level=level_of(aqi, edition),
        primary=_mask((iaqi == aqi) & (aqi > edition.primary_above)),
        exceeding=_mask(iaqi > above),  # an edition without the term: nothing is above the top
        missing=missing,
    )


def _withheld(aqi: IntArray, missing: IntArray, edition: IndexEdition) -> BoolArray:
    """Where an item is missing and the edition then publishes no index up to some value (HJ 633-2026 5.3.1)."""
    if edition.missing_blocks_up_to is None:
        return np.zeros(aqi.shape, np.bool_)
    withheld: BoolArray = (missing != 0) & (aqi <= edition.missing_blocks_up_to)
    return withheld


def published(aqi: int, missing: int, edition: IndexEdition) -> int | None:
    """One index as it may be published; None where there is none or the edition withholds it (NA)."""
    return None if aqi < 0 or _withheld(np.array(aqi), np.array(missing), edition) else aqi


def level_of(aqi: IntArray, edition: IndexEdition) -> IntArray:
    """Level number (级别) of each index, 0 where there is no index. Source: HJ 633, table of levels."""
    found = np.empty(aqi.shape, np.int8)
    _look_up(_levels(tuple((level.at_most, level.number) for level in edition.levels), edition.top), aqi, found)
    return found


@lru_cache(maxsize=16)
def _levels(levels: Sequence[tuple[int, int]], top: int) -> IntArray:
    """Level number of every index from NO_VALUE to the top; levels: (at_most, number)."""
    table = np.zeros(top + 2, np.int8)
    for at_most, number in sorted(levels, reverse=True):
        table[1 : min(at_most, top) + 2] = number
    table.flags.writeable = False
    return table


def _look_up(table: IntArray, position: IntArray, into: IntArray) -> None:
    """Rows of a table that starts with the answer for NO_VALUE and whose last row goes on for ever."""
    np.take(table, np.minimum(position, len(table) - 2) + 1, mode="clip", out=into)


def _table(edition: IndexEdition, name: str) -> IntArray:
    """Sub-index of every concentration of a column from NO_VALUE on, in steps, to one beyond which it does not change.

    Where a column ends another one may carry it on.
    """
    chain = [edition.columns[name]]
    while isinstance(chain[-1].beyond, str):
        chain.append(edition.columns[chain[-1].beyond])
    return _sub_indices(tuple(chain), edition.top)


@lru_cache(maxsize=64)
def _sub_indices(chain: Sequence[Breakpoints], top: int) -> IntArray:
    """Formula 1 of HJ 633 between two breakpoints, rounded up, on whole numbers; made once for a column."""
    points, nodes = np.array(chain[0].points), np.array(chain[0].nodes)
    value = np.arange(points[-1] + 1)
    upper = np.maximum(np.searchsorted(points, value), 1)
    rise, run = nodes[upper] - nodes[upper - 1], points[upper] - points[upper - 1]
    inside = nodes[upper - 1] - (-rise * (value - points[upper - 1])) // run
    beyond = [chain[0].beyond] if len(chain) == 1 else _sub_indices(chain[1:], top)[len(value) + 1 :]
    table: IntArray = np.minimum(np.concatenate([[NO_VALUE], inside, beyond]), top).astype(np.int16)
    table.flags.writeable = False
    return table


def _mask(flags: BoolArray) -> IntArray:
    """[pollutant, ...] of yes and no as one number each: bit i is POLLUTANTS[i]."""
    bits = np.zeros(flags.shape[1:], np.int8)
    for bit, flag in enumerate(flags.view(np.int8)):
        bits += flag * np.int8(1 << bit)
    return bits
