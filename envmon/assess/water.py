"""Surface water: concentrations -> class of every item -> class of the sample or mean (GB 3838-2002, 环办〔2011〕22号).

Single factor: the worst item decides. Concentrations are whole steps of the item's decimals, means are exact fractions
rounded once. The same functions judge groundwater and drinking-water sources; what differs is the regime and the set.
Never here: limits (they come in the regime), QC, which readings belong to a period, the clock.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache

import numpy as np

from envmon.errors import NotAssessable
from envmon.model import (
    NO_VALUE,
    Body,
    BoolArray,
    Direction,
    Exceeded,
    IntArray,
    Status,
    WaterClass,
    WaterItem,
    WaterItemSet,
    WaterJudgement,
    WaterRegime,
)
from envmon.rounding import half_even

III = WaterClass.III - 1  # index of the class III bound
BEYOND = 2**62  # a bound no concentration reaches
FIFTY = Context(prec=50)
FINE = 12  # decimals to which a mean pH or a geometric mean is carried before it is rounded
GEOMETRIC = ("fecal_coliform",)  # unconfirmed: 环办监测函〔2020〕82号

Sample = Mapping[str, tuple[int, bool]]
"""Item -> (value in steps of the item, whether it is a detection limit the value lies below)."""

Means = Mapping[str, tuple[int, int, int]]
"""Item -> (numerator, denominator, 1 if every value was below its detection limit); steps of the item, unrounded."""


# --- one sample or mean -------------------------------------------------------------------------------------------


def judge(sample: Sample, body: Body, regime: WaterRegime, item_set: str) -> WaterJudgement:
    """The class of one sample or mean, what determines it, and the main indicators.

    A value below its detection limit counts as half that limit, whatever class that makes it; when the limit itself is
    above the class III bound the item cannot be judged and is listed apart from those without a value. Items outside
    the set (total nitrogen, temperature, coliforms) never decide. Without one of the set's required items there is no
    class; that a source does not comply is settled by one item over its limit all the same.
    Source: GB 3838-2002 tables 1 to 3; 环办〔2011〕22号 parts 1 and 2.
    """
    chosen = _set(regime, item_set)
    names = [name for name in (*chosen.items, *chosen.optional) if name in sample]
    values = np.array([[sample[name][0] for name in names]], np.int64).reshape(1, -1)
    censored = np.array([[sample[name][1] for name in names]], bool).reshape(1, -1)
    items = [regime.items[name] for name in names]
    found = item_classes(values, censored, np.array([body]), items)[0]
    classes = {name: WaterClass(number) for name, number in zip(names, found.tolist(), strict=True) if number}
    coarse = tuple(name for name in names if name not in classes and sample[name][0] != NO_VALUE)
    missing = tuple(name for name in chosen.items if name not in classes and name not in coarse)
    worst = max(classes.values(), default=WaterClass.NONE)
    status = _status(chosen, classes, coarse, worst)
    worst = worst if status is Status.VALID else WaterClass.NONE
    return WaterJudgement(
        status=status,
        water_class=worst,
        determining=tuple(name for name, own in classes.items() if own is worst),
        main=main_indicators(sample, classes, body, regime) if worst > WaterClass.III else (),
        judged=tuple(classes),
        missing=missing,
        edition=regime.edition,
        item_set=item_set,
        not_judgeable=coarse,
    )


def _status(
    chosen: WaterItemSet, classes: Mapping[str, WaterClass], coarse: Sequence[str], worst: WaterClass
) -> Status:
    """Whether there is a class, and if not, whether values are lacking or only too coarse to be judged."""
    if not classes and not coarse:
        return Status.MISSING
    lacking = [name for name in chosen.required if name not in classes]
    if (classes and not lacking) or (chosen.compliance and worst > WaterClass.III):
        return Status.VALID
    return Status.NOT_JUDGEABLE if all(name in coarse for name in lacking) else Status.INSUFFICIENT


def judge_array(
    values: IntArray,
    censored: BoolArray,
    body: IntArray,
    regime: WaterRegime,
    item_set: str,
    names: Sequence[str],
) -> IntArray:
    """The class of many samples at once: 0 where there is none, else 1..6; the rule is that of `judge`.

    values : [sample, item] in steps of each item, NO_VALUE where there is none; censored : of the same shape.
    body : [sample]; names : the items of the second axis; those outside the set are passed over.
    """
    chosen = _set(regime, item_set)
    columns = [i for i, name in enumerate(names) if name in chosen.items or name in chosen.optional]
    items = [regime.items[names[i]] for i in columns]
    classes = item_classes(values[:, columns], censored[:, columns], body, items)
    worst: IntArray = classes.max(axis=1, initial=0)
    settled = (worst > WaterClass.III) & chosen.compliance
    for name in chosen.required:
        own = [i for i, item in enumerate(items) if item.id == name]
        worst[~(classes[:, own] > 0).any(axis=1) & ~settled] = WaterClass.NONE
    return worst


def item_classes(values: IntArray, censored: BoolArray, body: IntArray, items: Sequence[WaterItem]) -> IntArray:
    """Class of every value: [sample, item], 0 where it cannot be judged.

    A class without a bound of its own has that of the next class that has one; beyond the last bound there is none.
    So an item with a single limit (tables 2 and 3) is class I within it and IV beyond it: good or not good.
    """
    if (values < NO_VALUE).any():
        raise NotAssessable("a concentration below zero reached the assessment; quality control must mark it first")
    found = np.zeros(values.shape, np.int8)
    for column, item in enumerate(items):
        for kind in (Body.RIVER, Body.LAKE):
            lake = kind is Body.LAKE
            rows = (body == Body.LAKE) == lake
            if item.direction is not Direction.NOT_JUDGED and rows.any():
                found[rows, column] = _classes_of(values[rows, column], censored[rows, column], item, lake)
    return found


def _classes_of(values: IntArray, censored: BoolArray, item: WaterItem, lake: bool) -> IntArray:
    """Class of values of one item; comparisons are made in half steps, so that half a detection limit is exact."""
    half = values.astype(np.int64) * np.where(censored, 1, 2)
    if item.direction is Direction.PRESENT:
        worse: IntArray = (values > 0).astype(np.int8) * (WaterClass.V - 1)
    else:
        bounds = limits_of(item, lake)
        low = item.low or (None,) * len(bounds)
        worse = np.zeros(values.shape, np.int8)
        for bound, least in zip(bounds, low, strict=True):
            if item.direction is Direction.AT_LEAST:
                worse += half < 2 * bound
            else:
                beyond = half > 2 * bound
                worse += beyond if least is None else beyond | (half < 2 * least)
        if item.direction is Direction.AT_MOST:
            censored = censored & (values > bounds[III])
        else:
            censored = np.zeros(values.shape, bool)
        worse[censored] = -1
    return np.where(values == NO_VALUE, WaterClass.NONE, worse + 1).astype(np.int8)


def limits_of(item: WaterItem, lake: bool) -> list[int]:
    """Bounds of an item class by class, the gaps filled as `item_classes` says."""
    bounds = item.lake if lake and item.lake else item.limits
    filled: list[int] = []
    following = BEYOND
    for bound in reversed(bounds):
        following = bound if bound is not None else following
        filled.insert(0, following)
    return filled


def main_indicators(
    sample: Sample, classes: Mapping[str, WaterClass], body: Body, regime: WaterRegime
) -> tuple[Exceeded, ...]:
    """Items beyond class III (主要污染指标) in reporting order, at most as many as the regime lists.

    Cyanide and heavy metals first, then the worse class, then the larger multiple (环办〔2011〕22号 part 2).
    """
    found = []
    for name, own in classes.items():
        if own > WaterClass.III:
            item = regime.items[name]
            found.append((item.priority, own, multiple(sample[name], item, body is Body.LAKE, regime), name))
    found.sort(key=lambda entry: (not entry[0], -entry[1], -(entry[2] or 0), entry[3]))
    return tuple(Exceeded(name, own, times) for _, own, times, name in found[: regime.max_main])


def multiple(value: tuple[int, bool], item: WaterItem, lake: bool, regime: WaterRegime) -> int | None:
    """Times over the class III limit (超标倍数), rounded once to steps of the regime; None for items that have none."""
    bound = limits_of(item, lake)[III] if item.limits else BEYOND
    if not item.has_multiple or item.direction is not Direction.AT_MOST or bound in (0, BEYOND):
        return None
    half = value[0] * (1 if value[1] else 2)
    return half_even((half - 2 * bound) * 10**regime.multiple_decimals, 2 * bound)


def _set(regime: WaterRegime, item_set: str) -> WaterItemSet:
    if item_set not in regime.sets:
        raise NotAssessable(f"{regime.edition} has no item set {item_set!r}; there are {', '.join(regime.sets)}")
    return regime.sets[item_set]


# --- means of a period --------------------------------------------------------------------------------------------


def means(readings: Mapping[str, Sequence[tuple[int, bool]]], regime: WaterRegime) -> Means:
    """Exact means of the readings of a period, by item.

    Arithmetic; a value below its detection limit enters as half of it; pH by its hydrogen ions, coliforms geometric.
    Source: 环办〔2011〕22号 part 1, 环办监测函〔2020〕82号.
    """
    found = {}
    for name, values in readings.items():
        if values and name in regime.items:
            halves = [value if censored else 2 * value for value, censored in values]
            exact = _mean(name, halves, regime, unit=2) / 2
            found[name] = (exact.numerator, exact.denominator, int(all(censored for _, censored in values)))
    return found


def _mean(
    name: str, values: Sequence[Fraction | int], regime: WaterRegime, unit: int = 1, weights: Sequence[int] = ()
) -> Fraction:
    """The mean of one item's values by the item's own way. unit : how many of their units make a step of the item."""
    weights = weights or [1] * len(values)
    if name == "ph":
        scale = unit * 10 ** regime.items[name].decimals
        exact: Fraction = mean_ph([Fraction(value) / scale for value in values], weights) * scale
    elif name in GEOMETRIC:
        exact = mean_geometric([Fraction(value) for value in values], weights)
    else:
        exact = Fraction(sum(map(operator.mul, values, weights))) / sum(weights)
    return exact


def mean_of_means(parts: Sequence[Means], regime: WaterRegime, weights: Sequence[int] = ()) -> Means:
    """The mean of periods (a year of its months), item by item over the periods that have it.

    weights : whole numbers, one for each part; equal when there are none.
    """
    weights = weights or [1] * len(parts)
    found = {}
    for name in sorted({name for part in parts for name in part}):
        own = [(part[name], weight) for part, weight in zip(parts, weights, strict=True) if name in part]
        values = [Fraction(top, bottom) for (top, bottom, _), _ in own]
        exact = _mean(name, values, regime, weights=[weight for _, weight in own])
        found[name] = (exact.numerator, exact.denominator, int(all(below for (_, _, below), _ in own)))
    return found


def rounded(exact: Means, regime: WaterRegime) -> Sample:
    """Means as they are compared with limits: rounded once, half to even, to the item's decimals for assessment.

    A value that would round to zero keeps its first digit (unconfirmed). Where every value was below its detection
    limit, so is the mean: the mean of the limits, of which half counts.
    Source: 环办监测函〔2020〕82号.
    """
    return {
        name: (_rounded(2 * top if below else top, bottom, regime.items[name]), bool(below))
        for name, (top, bottom, below) in exact.items()
    }


def _rounded(top: int, bottom: int, item: WaterItem) -> int:
    """A fraction of steps rounded to `round_to` decimals, in whole steps again."""
    wanted = item.decimals if item.round_to is None else item.round_to
    for decimals in range(wanted, item.decimals + 1):
        coarse = 10 ** (item.decimals - decimals)
        value = half_even(top, bottom * coarse)
        if value or not top:
            return int(value * coarse)
    return half_even(top, bottom)


def mean_ph(values: Sequence[Fraction], weights: Sequence[int]) -> Fraction:
    """Mean pH by way of the mean hydrogen-ion concentration, to FINE decimals.

    The logarithm is irrational unless all values are equal, so no tie can occur and fifty digits settle every rounding:
    this is the one place where a decimal stands in for a fraction.
    """
    if len(set(values)) == 1:
        return values[0]
    total = sum(map(operator.mul, map(_ions, values), weights), Decimal(0))
    mean = FIFTY.divide(total, Decimal(sum(weights)))
    return Fraction(FIFTY.minus(FIFTY.log10(mean)).quantize(Decimal(1).scaleb(-FINE), context=FIFTY))


def mean_geometric(values: Sequence[Fraction], weights: Sequence[int]) -> Fraction:
    """The geometric mean, to FINE decimals; 0 when one value is."""
    if 0 in values or len(set(values)) == 1:
        return min(values)
    logs = (FIFTY.ln(FIFTY.divide(Decimal(value.numerator), Decimal(value.denominator))) for value in values)
    mean = FIFTY.exp(FIFTY.divide(sum(map(operator.mul, logs, weights), Decimal(0)), Decimal(sum(weights))))
    return Fraction(mean.quantize(Decimal(1).scaleb(-FINE), context=FIFTY))


@lru_cache(maxsize=8192)
def _ions(ph: Fraction) -> Decimal:
    """Hydrogen-ion concentration of a pH; few values come up, again and again."""
    return FIFTY.power(Decimal(10), FIFTY.divide(Decimal(-ph.numerator), Decimal(ph.denominator)))
