"""Surface water of many sections over many periods at once: readings -> rounded means -> class (环办〔2011〕22号).

The rules are those of `envmon.assess.water`, on arrays of whole steps; classes are its own. What an array cannot settle
exactly (a mean pH beside a tie, a geometric mean) goes through the functions that work it out in fractions. The
store is judged section by section; this form is for whole networks at once, as in `make bench`. Tests keep them equal.
Never here: limits (they come in the regime), QC, which readings belong to a period, the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envmon.assess import water
from envmon.errors import NotAssessable
from envmon.model import NO_VALUE, Body, BoolArray, IntArray, WaterItem, WaterRegime
from envmon.rounding import half_even_array

Floats = NDArray[np.floating[Any]]

BEND = 0.28783  # pH: ln 10 / 8 = 0.287823..., see `_settled_ph`
MARGIN = 1e-6  # rounding steps: far more than a sum of floats can be off, far less than readings are apart
LARGEST_PH = 14


def period_classes(
    values: IntArray,
    censored: BoolArray | None,
    starts: Sequence[int],
    body: Sequence[Body],
    regime: WaterRegime,
    item_set: str,
    names: Sequence[str],
) -> IntArray:
    """The class of every section over every period: [period, section], 0 where there is none, else 1..6.

    values : [item, time, section], whole steps of each item, NO_VALUE where there is none; 32 bits are the fastest.
    censored : of the same shape, whether a value is a detection limit the value lies below; None: none is.
    starts : the row of the second axis at which each period starts, the first being 0; body : of each section.
    names : the items of the first axis; those outside the set never decide, but are readings of their time.
    Raises NotAssessable for a wrong shape, a concentration below zero other than the mark, an unknown set.
    Source: 环办〔2011〕22号 part 1, 环办监测函〔2020〕82号.
    """
    own, below = rounded_means(values, censored, starts, regime, names)
    samples = own.transpose(1, 2, 0).reshape(-1, len(names))
    bodies = np.tile(np.array(body), len(starts))
    found = water.judge_array(samples, below.transpose(1, 2, 0).reshape(samples.shape), bodies, regime, item_set, names)
    return found.reshape(own.shape[1:])


def rounded_means(
    values: IntArray, censored: BoolArray | None, starts: Sequence[int], regime: WaterRegime, names: Sequence[str]
) -> tuple[IntArray, BoolArray]:
    """Means as they are compared with limits, and where every value was below its detection limit.

    Both [item, period, section]: what `water.rounded` says of `water.means`; NO_VALUE where there is none. Where a
    section has values of a single time in a period, they stand as printed. Arguments as in `period_classes`.
    """
    if values.ndim != 3 or len(names) != values.shape[0] or list(starts)[:1] != [0] or sorted(set(starts)) != [*starts]:
        raise NotAssessable(f"values must be [{len(names)} items, time, section] and periods in order: {values.shape}")
    if censored is not None and censored.shape != values.shape:
        raise NotAssessable(f"marks of shape {censored.shape} for values of shape {values.shape}")
    shape = (len(names), len(starts), values.shape[2])
    found, below, counts = np.empty(shape, np.int64), np.zeros(shape, np.bool_), np.empty(shape, np.int64)
    spans = [slice(start, end) for start, end in zip(starts, [*starts[1:], values.shape[1]], strict=True)]
    for row, name in enumerate(names):
        sums = np.empty(shape[1:], np.int64)
        for period, span in enumerate(spans):
            marks = None if censored is None else censored[row, span]
            cell = row, period
            sums[period], counts[cell], below[cell] = _summed(values[row, span], marks)
        item = regime.items.get(name)
        found[row] = NO_VALUE if item is None else _rounded(sums * np.where(below[row], 2, 1), 2 * counts[row], item)
        found[row][counts[row] == 0] = NO_VALUE
        if name == "ph" or name in water.GEOMETRIC:
            for period, span in enumerate(spans):
                marks = None if censored is None else censored[row, span]
                _settle(found[row, period], values[row, span], marks, sums[period], counts[row, period], name, regime)
    for period, span in enumerate(spans):
        _as_printed(found[:, period], values[:, span], counts[:, period])
    return found, below


def _summed(block: IntArray, marks: BoolArray | None) -> tuple[IntArray, IntArray, BoolArray | bool]:
    """Of one item in one period [time, section]: sum in half steps, number of values, whether all are below detection.

    A value below its detection limit enters as half of it.
    """
    rows = block.shape[0]
    least, most = int(block.min(initial=0)), int(block.max(initial=0))
    if least < NO_VALUE:
        raise NotAssessable("a concentration below zero reached the assessment; quality control must mark it first")
    narrow = np.int32 if rows * (most + 1) < 2**31 else np.int64
    gone = _count(block == NO_VALUE)
    total = np.add.reduce(block, axis=0, dtype=narrow).astype(np.int64) + gone  # each gap went in as -1
    count = rows - gone
    if marks is None or not marks.any():
        return 2 * total, count, False
    low = marks & (block != NO_VALUE)
    part = np.where(low, block, 0).sum(axis=0, dtype=np.int64)
    return 2 * total - part, count, (count > 0) & (_count(low) == count)


def _count(flags: BoolArray) -> IntArray:
    """How often each column is true; the narrowest counter goes through the processor fastest."""
    kind = np.uint8 if flags.shape[0] < 2**8 else np.uint32
    counted: IntArray = np.add.reduce(flags.view(np.uint8), axis=0, dtype=kind).astype(np.int64)
    return counted


def _rounded(top: IntArray, bottom: IntArray, item: WaterItem) -> IntArray:
    """top / bottom in steps, rounded to the decimals for assessment, in steps again: `water._rounded` over arrays."""
    bottom = np.maximum(bottom, 1)
    wanted = item.decimals if item.round_to is None else item.round_to
    found = np.zeros(top.shape, np.int64)
    for decimals in (*range(wanted, item.decimals), item.decimals):
        coarse = 10 ** (item.decimals - decimals)
        if decimals == wanted:
            found = half_even_array(top, bottom * coarse) * coarse
        else:  # a value that would round to zero keeps its first digit
            left = (found == 0) & (top > 0)
            if not left.any():
                break
            found[left] = half_even_array(top[left], bottom[left] * coarse) * coarse
    return found


def _settle(
    found: IntArray,
    block: IntArray,
    marks: BoolArray | None,
    halves: IntArray,
    count: IntArray,
    name: str,
    regime: WaterRegime,
) -> None:
    """Put the means of an item that has not the plain mean in place of the plain ones, in place.

    halves, count : sums in half steps and numbers of values [section]. What floats settle beyond doubt is taken from
    them; the rest, a few sections, is worked out in fractions.
    """
    open_ = count > 0
    if name == "ph":
        settled = _settled_ph(found, block, halves, count, regime.items[name])
        if marks is not None:
            settled &= ~marks.any(axis=0)
        open_ &= ~settled
    for section in np.flatnonzero(open_).tolist():
        own = _values(block, marks, section)
        found[section] = water.rounded(water.means({name: list(own)}, regime), regime)[name][0]


def _values(block: IntArray, marks: BoolArray | None, section: int) -> Iterator[tuple[int, bool]]:
    """One section's readings as `water.means` takes them."""
    for time in np.flatnonzero(block[:, section] != NO_VALUE).tolist():
        yield int(block[time, section]), bool(marks is not None and marks[time, section])


def _settled_ph(found: IntArray, block: IntArray, halves: IntArray, count: IntArray, item: WaterItem) -> BoolArray:
    """Rounded means of pH by hydrogen ions, put into `found`; True where they are beyond doubt.

    The mean m lies just below the plain mean: for values within a range of r, plain - BEND r^2 <= m <= plain
    (Hoeffding's lemma for 10^-pH). Where both ends round to one number nothing more is asked; elsewhere the ions are
    added up.
    """
    wanted = item.decimals if item.round_to is None else item.round_to
    unit, coarse = 10**item.decimals, 10 ** (item.decimals - wanted)
    unsigned = block.view(np.dtype(f"u{block.dtype.itemsize}"))  # a gap is the largest number of all
    low, high = np.minimum.reduce(unsigned, axis=0), np.maximum.reduce(block, axis=0)
    plain = halves / np.maximum(2 * count, 1)
    within = np.where(count > 0, high - low.astype(np.float64), 0)
    least = plain - BEND * within * within / unit
    number, settled = _nearest(least / coarse, plain / coarse)
    left = np.flatnonzero(~settled & (count > 0) & (high <= LARGEST_PH * unit))
    if left.size:
        ions = _ions(unit)[block[:, left]].sum(axis=0)
        exact = -np.log10(ions / count[left]) * (unit / coarse)
        number[left], settled[left] = _nearest(exact, exact)
    settled &= number > 0
    found[settled] = number[settled] * coarse
    return settled


def _nearest(low: Floats, high: Floats) -> tuple[IntArray, BoolArray]:
    """The whole number nearest to anything from low to high, and whether it is one, and no tie near."""
    first, last = np.floor(low + 0.5 - MARGIN), np.floor(high + 0.5 + MARGIN)
    return last.astype(np.int64), first == last


@lru_cache(maxsize=4)
def _ions(unit: int) -> Floats:
    """Hydrogen-ion concentration of every pH in steps of 1 / unit; the last place, that of NO_VALUE, has none."""
    table: Floats = np.append(np.power(10.0, -np.arange(LARGEST_PH * unit + 1) / unit), 0.0)
    return table


def _as_printed(found: IntArray, block: IntArray, counts: IntArray) -> None:
    """Where a section has values of one time only, they are judged as they were printed and not rounded; in place.

    found, counts : [item, section] of a period; block : [item, time, section].
    """
    single = np.flatnonzero(counts.max(axis=0, initial=0) == 1)
    own = block[:, :, single]
    there = own != NO_VALUE
    once = there.any(axis=0).sum(axis=0) == 1
    found[:, single[once]] = np.where(there, own, NO_VALUE).max(axis=1, initial=NO_VALUE)[:, once]
