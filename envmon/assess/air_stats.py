"""Ambient air over months, quarters and years: means, percentiles, compliance, composite index, comparison, ranking.

Daily values go in as judged; every figure is an exact fraction of them, rounded once for print and once for comparison
with a limit (HJ 663). Never here: daily values themselves, limits and percentiles (they come in the regime), storage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from envmon import periods
from envmon.model import NO_VALUE, POLLUTANTS, AirDay, AirRegime, AirValidity, Composite
from envmon.periods import Period
from envmon.rounding import half_even, rounded


@dataclass(frozen=True, slots=True)
class Gap:
    """Why a period is not valid: a month (None: the whole period) has fewer valid days than it needs."""

    month: Period | None
    have: int
    need: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean or percentile of a period against its limit; the limit of a mean is one of a year.

    exact : in the pollutant's unit. shown : as published, in steps of the edition's `decimals`. limit : of the zone's
    class, in the unit; None where there is none. within : whether the value, rounded to the decimals for evaluation,
    keeps it. multiple : by how many times it is beyond it, in steps of 10^-multiple_decimals; None when it is not.
    """

    exact: Fraction
    shown: int
    limit: Fraction | None
    within: bool | None
    multiple: int | None


@dataclass(frozen=True, slots=True)
class ItemFigures:
    """One pollutant over a period.

    days : valid daily values; over : how many of them are beyond the daily limit. valid : whether there are enough;
    None where the standard asks for no number (a week, a period not over). compliant : of a whole valid year, by its
    mean (where it has an annual limit) and its percentile; None otherwise.
    """

    item: str
    days: int
    over: int
    valid: bool | None
    gaps: tuple[Gap, ...]
    mean: Figure | None
    percentile: Figure | None
    compliant: bool | None


def figures(days: Sequence[AirDay], period: Period, whole: Period, regime: AirRegime, zone: int) -> list[ItemFigures]:
    """Every pollutant's figures over a period, in the order of POLLUTANTS.

    days : daily judgements; those outside the period do not count. period : the days that are over; whole : the period
    asked for. zone : functional zone class 1 or 2, whose limits hold.
    Source: HJ 663 6.1, table 1, annex A; GB 3095 table 4; GB/T 8170.
    """
    inside = [day for day in days if day.day in period]
    return [_item(inside, row, period, whole, regime, zone) for row in range(len(POLLUTANTS))]


def _item(days: Sequence[AirDay], row: int, period: Period, whole: Period, regime: AirRegime, zone: int) -> ItemFigures:
    item, rule = POLLUTANTS[row], regime.statistics
    values = {day.day: day.value[row] for day in days if day.value[row] != NO_VALUE}
    steps = 10 ** regime.index.columns[regime.index.daily[item]].decimals
    daily = _limit(regime, item, "mda8" if item == "o3" else "24h", zone)
    over = sum(daily is not None and Fraction(value, steps) > daily for value in values.values())
    asks = _asks(whole) and period.last == whole.last
    gaps = gaps_of(values, whole, regime.validity) if asks else ()
    valid = not gaps if asks else None
    if not values:
        return ItemFigures(item, 0, 0, valid, gaps, None, None, None)
    of_year = item in rule.with_mean and periods.is_year(whole)
    annual = _limit(regime, item, "annual", zone) if of_year else None
    mean = _figure(Fraction(sum(values.values()), len(values) * steps), item, annual, regime)
    high = _figure(percentile(list(values.values()), rule.percentiles[item]).exact / steps, item, daily, regime)
    compliant = None
    if valid and periods.is_year(whole):
        compliant = all(figure.within for figure in (mean, high) if figure.within is not None)
    return ItemFigures(item, len(values), over, valid, gaps, mean, high, compliant)


def _limit(regime: AirRegime, item: str, average: str, zone: int) -> Fraction | None:
    """A limit of GB 3095 in the pollutant's unit; None where there is none."""
    steps = regime.limits.limits.get((item, average, zone))
    return None if steps is None else Fraction(steps, 10 ** regime.limits.decimals[item])


def _figure(exact: Fraction, item: str, limit: Fraction | None, regime: AirRegime) -> Figure:
    rule = regime.statistics
    shown = rounded(exact, rule.decimals[item])
    if limit is None:
        return Figure(exact, shown, None, None, None)
    evaluated = evaluated_as(exact, item, regime)
    beyond = rounded((evaluated - limit) / limit, rule.multiple_decimals) if evaluated > limit else None
    return Figure(exact, shown, limit, evaluated <= limit, beyond)


def evaluated_as(exact: Fraction, item: str, regime: AirRegime) -> Fraction:
    """A figure as it is compared with its limit: rounded once to the decimals for evaluation (HJ 663 table 3)."""
    decimals = regime.statistics.evaluation[item]
    return Fraction(rounded(exact, decimals), 10**decimals)


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile and how it came about: X(s) + (X(s + 1) - X(s)) (k - s); k = 1 + (n - 1) p and s its whole part.

    place : k. rank : s. below, above : X(s) and X(s + 1), of the values in rising order.
    """

    count: int
    place: Fraction
    rank: int
    below: int
    above: int

    @property
    def exact(self) -> Fraction:
        return self.below + (self.above - self.below) * (self.place - self.rank)


def percentile(values: Sequence[int], per_cent: int) -> Percentile:
    """A percentile of at least one value: linear between the two between which its place lies.

    Source: HJ 663 annex A.6.

    >>> percentile([40, 10, 30, 20], 90).exact
    Fraction(37, 1)
    """
    ordered = sorted(values)
    place = 1 + Fraction((len(ordered) - 1) * per_cent, 100)
    rank = place.numerator // place.denominator
    return Percentile(len(ordered), place, rank, ordered[rank - 1], ordered[min(rank, len(ordered) - 1)])


# --- whether there are enough days --------------------------------------------------------------------------------


def _asks(whole: Period) -> bool:
    """Whether the standard asks for a number of valid days: of a month, and of what is made of whole months."""
    return periods.is_month(whole) or periods.is_quarter(whole) or periods.is_year(whole)


def gaps_of(days: Mapping[int, object], whole: Period, validity: AirValidity) -> tuple[Gap, ...]:
    """The months with too few valid days, and the year when it has too few in all (GB 3095 table 4).

    A quarter is not in the table; it is taken to need each of its months.
    """
    found = []
    for month in periods.months(whole):
        february = periods.calendar(month.first).month == 2
        need = validity.february_days if february else validity.month_days
        have = sum(day in month for day in days)
        if have < need:
            found.append(Gap(month, have, need))
    if periods.is_year(whole) and len(days) < validity.year_days:
        found.append(Gap(None, len(days), validity.year_days))
    return tuple(found)


# --- several years ------------------------------------------------------------------------------------------------


def moving_mean(years: Sequence[ItemFigures], regime: AirRegime) -> Figure | None:
    """The mean of one pollutant's annual figures over the years of the moving mean, the latest last.

    Of the annual means where the mean is judged, else of the percentiles; None where a year is not valid or missing.
    Source: HJ 663-2026 (its clause was not seen).
    """
    rule = regime.statistics
    if rule.moving_years is None or len(years) != rule.moving_years or not all(year.valid for year in years):
        return None
    item = years[-1].item
    own = [year.mean if item in rule.with_mean else year.percentile for year in years]
    exact = [figure.exact for figure in own if figure is not None]
    if len(exact) != len(years) or own[-1] is None:
        return None
    return _figure(sum(exact, Fraction(0)) / len(exact), item, own[-1].limit, regime)


# --- composite index ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CompositeIndex:
    """The composite index of an area over a period.

    total : in steps of 10^-decimals, None when a pollutant has no figure. ratios : by pollutant, each rounded before
    the sum. shares : of the total, in tenths of a percent. largest : the pollutants with the largest weighed ratio.
    """

    total: int | None
    ratios: Mapping[str, int]
    shares: Mapping[str, int]
    largest: tuple[str, ...]
    missing: tuple[str, ...]


def composite(found: Sequence[ItemFigures], regime: AirRegime, rule: Composite) -> CompositeIndex:
    """Sum over the pollutants of published figure / limit; each ratio rounded, then summed (环办〔2014〕64号).

    CO and ozone enter with their percentile and daily limit, the others with their mean and annual limit.
    """
    ratios: dict[str, int] = {}
    for one in found:
        high = one.item in rule.with_percentile
        figure = one.percentile if high else one.mean
        average = ("mda8" if one.item == "o3" else "24h") if high else "annual"
        limit = _limit(regime, one.item, average, rule.grade)
        if figure is not None and limit is not None:
            value = Fraction(figure.shown, 10 ** regime.statistics.decimals[one.item])
            ratios[one.item] = rounded(value / limit, rule.ratio_decimals)
    weighed = {item: ratio * rule.weights[item] for item, ratio in ratios.items()}
    missing = tuple(item for item in POLLUTANTS if item not in ratios)
    total = sum(weighed.values())
    most = max(weighed.values(), default=0)
    return CompositeIndex(
        total=None if missing else rounded(Fraction(total, 10**rule.ratio_decimals), rule.decimals),
        ratios=ratios,
        shares={item: half_even(1000 * part, total) for item, part in weighed.items()} if total else {},
        largest=tuple(item for item, part in weighed.items() if part == most and not missing),
        missing=missing,
    )


# --- comparison and ranking ---------------------------------------------------------------------------------------


def change_tenths(now: int, before: int) -> int | None:
    """By how much a published figure differs from the earlier one, in tenths of a per cent of it; None from 0.

    >>> change_tenths(36, 40), change_tenths(5, 0)
    (-100, None)
    """
    return half_even(1000 * (now - before), before) if before else None


def ranks(values: Mapping[str, int | None], lower_is_better: bool = True) -> dict[str, int]:
    """The place of each by its value; equal values share a place and the next ones are passed over.

    >>> ranks({"a": 5, "b": 3, "c": 5, "d": None, "e": 9})
    {'b': 1, 'a': 2, 'c': 2, 'e': 4}
    """
    known = {name: value if lower_is_better else -value for name, value in values.items() if value is not None}
    ordered = sorted(known, key=lambda name: known[name])
    return {name: 1 + sum(other < known[name] for other in known.values()) for name in ordered}
