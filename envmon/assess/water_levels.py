"""Surface water above the single section: state of a river, basin or area, its change, trends (环办〔2011〕22号).

Classes and means of sections go in as judged. Shares are compared as exact fractions, not as printed: GB/T 8170-2008
4.3.1 asks for the full value where a rule says nothing else. The two part only from 201 sections on.
Never here: judging a section, the rules themselves (they come as `WaterLevels`), which sections belong together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from envmon.assess import water
from envmon.errors import NotAssessable
from envmon.model import (
    BasinLevel,
    Body,
    Direction,
    Exceeded,
    Trend,
    WaterChange,
    WaterClass,
    WaterJudgement,
    WaterLevel,
    WaterLevels,
    WaterRegime,
)
from envmon.rounding import percent_tenths

CLASSES = tuple(one for one in WaterClass if one is not WaterClass.NONE)
THOUSANDTHS = 1000


# --- one period ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shares:
    """Sections by class, I to worse than V."""

    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def good(self) -> int:
        """Sections of class III or better."""
        return sum(self.counts[: WaterClass.III])

    @property
    def worst(self) -> int:
        """Sections worse than class V."""
        return self.counts[-1]

    @property
    def good_tenths(self) -> int | None:
        """Their share in tenths of a per cent, as printed; None without sections."""
        return percent_tenths(self.good, self.total)

    @property
    def worst_tenths(self) -> int | None:
        return percent_tenths(self.worst, self.total)


def level_of(water_class: WaterClass, rules: WaterLevels) -> WaterLevel:
    """The level of one section by its class (table 1); NONE for a section without a class."""
    return rules.of_class.get(water_class, WaterLevel.NONE)


def shares_of(classes: Iterable[WaterClass]) -> Shares:
    """Sections counted by their class; those without one do not count.

    >>> shares_of([WaterClass.II, WaterClass.III, WaterClass.II, WaterClass.NONE]).counts
    (0, 2, 1, 0, 0, 0)
    """
    found = list(classes)
    return Shares(tuple(found.count(one) for one in CLASSES))


def level_by_shares(shares: Shares, rules: WaterLevels) -> WaterLevel:
    """The level of a river, basin or area by the classes of its sections (table 2).

    Raises NotAssessable for fewer sections than the rule asks for: those are judged on their means (`judge_means`).
    """
    if shares.total < rules.min_sections:
        raise NotAssessable(f"{shares.total} sections are too few for shares; there must be {rules.min_sections}")
    good, worst = (_steps(count, shares.total, rules) for count in (shares.good, shares.worst))
    row: BasinLevel = next(one for one in rules.basin if one.takes(good, worst))
    return row.level


def _steps(count: int, total: int, rules: WaterLevels) -> Fraction:
    """A share in the steps of the rules, exact."""
    return Fraction(100 * 10**rules.decimals * count, total)


def judge_means(parts: Sequence[water.Means], body: Body, regime: WaterRegime, item_set: str) -> WaterJudgement:
    """Few sections as one: the mean of every item over them, judged like that of a single section (part 2)."""
    return water.judge(water.rounded(water.mean_of_means(parts, regime), regime), body, regime, item_set)


@dataclass(frozen=True, slots=True)
class MainItem:
    """A main indicator of a river, basin or area: in how many of its sections it is beyond class III, and the worst."""

    item: str
    sections: int
    worst: Exceeded


def beyond_iii(sample: water.Sample, body: Body, regime: WaterRegime, item_set: str) -> tuple[Exceeded, ...]:
    """Every item of a section beyond class III, however many are listed of a section."""
    return water.judge(sample, body, replace(regime, max_main=len(regime.items)), item_set).main


def main_of_sections(
    sections: Sequence[Sequence[Exceeded]], level: WaterLevel, regime: WaterRegime, rules: WaterLevels
) -> tuple[MainItem, ...]:
    """The main indicators (主要污染指标) of a river, basin or area with enough sections, the largest share first.

    sections : what `beyond_iii` says of each. The share is that of all its sections, so the number of them orders it.
    Which of equal shares goes first the method does not say; here the order of a single section decides, by the worst
    section: cyanide and heavy metals, the worse class, the larger multiple. None for an excellent or good level.
    """
    if level in rules.not_reported:
        return ()
    found: dict[str, list[Exceeded]] = defaultdict(list)
    for own in sections:
        for one in own:
            found[one.item].append(one)
    listed = [MainItem(item, len(own), max(own, key=_severity)) for item, own in found.items()]
    listed.sort(
        key=lambda one: (
            -one.sections,
            not regime.items[one.item].priority,
            *(-part for part in _severity(one.worst)),
            one.item,
        )
    )
    return tuple(listed[: rules.max_main])


def _severity(one: Exceeded) -> tuple[int, int]:
    return one.water_class, one.multiple or 0


# --- two periods --------------------------------------------------------------------------------------------------


def change_of_shares(now: Shares, before: Shares, rules: WaterLevels) -> tuple[Fraction, WaterChange]:
    """What became of a river, basin or area: d = (g2 - g1) - (b2 - b1) in percentage points, and the verdict (part 3).

    g : share of classes I to III; b : share worse than V. Positive is better. Both periods must have sections.
    """
    good = _steps(now.good, now.total, rules) - _steps(before.good, before.total, rules)
    worst = _steps(now.worst, now.total, rules) - _steps(before.worst, before.total, rules)
    steps = good - worst
    clear = abs(steps) > rules.some_change
    verdict = _verdict(steps, clear) if abs(steps) > rules.no_change else WaterChange.NONE
    return steps / 10**rules.decimals, verdict


def change_of_levels(now: WaterLevel, before: WaterLevel, rules: WaterLevels) -> WaterChange:
    """What became of a section, river, basin or area by the steps between its levels (part 3)."""
    better = before - now
    return _verdict(better, abs(better) >= rules.steps_clear)


def stronger(one: WaterChange, other: WaterChange) -> WaterChange | None:
    """Of the verdicts by shares and by levels the one that finds more change; None when they contradict each other.

    The method has both and does not say which goes first. National bulletins name a change that either of them finds:
    the river mouths of 2018 "somewhat better" with 4.3 points, since their level is one better than that of 2017.
    """
    if {one in BETTER, other in BETTER} == {True, False} and WaterChange.NONE not in (one, other):
        return None
    return one if STRENGTH[one] >= STRENGTH[other] else other


BETTER = (WaterChange.SOME_BETTER, WaterChange.CLEAR_BETTER)


STRENGTH = {
    WaterChange.NONE: 0,
    WaterChange.SOME_BETTER: 1,
    WaterChange.SOME_WORSE: 1,
    WaterChange.CLEAR_BETTER: 2,
    WaterChange.CLEAR_WORSE: 2,
}


def _verdict(better: Fraction | int, clear: bool) -> WaterChange:
    if not better:
        return WaterChange.NONE
    if better > 0:
        return WaterChange.CLEAR_BETTER if clear else WaterChange.SOME_BETTER
    return WaterChange.CLEAR_WORSE if clear else WaterChange.SOME_WORSE


# --- many periods -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RankTrend:
    """The rank correlation of a series with time.

    coefficient : in thousandths, as printed. row : periods of the row of critical values used, which are in thousandths
    for 0.05 and 0.01. significant : the stricter of 5 and 1 (per cent) that is reached, None when neither is.
    """

    periods: int
    coefficient: int
    row: int
    critical: tuple[int, int]
    significant: int | None
    trend: Trend


def trend_of(values: Sequence[Fraction | int], rules: WaterLevels) -> RankTrend | None:
    """Whether a series rises or falls, by Spearman's rank correlation (part 3); None for too few periods.

    Equal values share the mean of their ranks and the coefficient is the correlation of the ranks, which without equal
    values is the printed 1 - 6 Σd²/(n³ - n); with them that formula would call a series that never changes rising. It
    is rounded to the three decimals of the printed critical values before it is compared with them: 0.82857 of six
    periods is the 0.829 of the table. A number of periods that the table does not have takes the row of the next
    smaller one, which asks for more; so do more periods than the last row has.
    """
    if len(values) < rules.min_periods:
        return None
    row = max(count for count in rules.critical if count <= len(values))
    sign, squared = _correlation(ranks(values))
    size = _root(squared * THOUSANDTHS**2)
    usual, strict = rules.critical[row]
    significant = 1 if size >= strict else 5 if size >= usual else None
    trend = Trend.NONE if significant is None else Trend.RISING if sign > 0 else Trend.FALLING
    return RankTrend(len(values), sign * size, row, rules.critical[row], significant, trend)


def ranks(values: Sequence[Fraction | int]) -> list[Fraction]:
    """The rank of each value, the smallest is 1; equal values share the mean of theirs.

    >>> [str(rank) for rank in ranks([30, 10, 20, 20])]
    ['4', '1', '5/2', '5/2']
    """
    ordered = sorted(values)
    return [ordered.index(value) + Fraction(ordered.count(value) + 1, 2) for value in values]


def _correlation(own: Sequence[Fraction]) -> tuple[int, Fraction]:
    """Sign and square of the correlation of ranks with 1, 2, 3 …; of a series that never changes 0."""
    middle = Fraction(len(own) + 1, 2)
    apart = [(rank - middle, place - middle) for place, rank in enumerate(own, 1)]
    spread = sum((one * one for one, _ in apart), Fraction(0)) * sum((one * one for _, one in apart), Fraction(0))
    together = sum((one * other for one, other in apart), Fraction(0))
    return (together > 0) - (together < 0), together * together / spread if spread else Fraction(0)


def _root(square: Fraction) -> int:
    """The whole number nearest to a square root, exact; a tie goes to the even one."""
    below = math.isqrt(math.floor(square))
    middle = (below + Fraction(1, 2)) ** 2
    return below + (square > middle or (square == middle and below % 2 == 1))


def is_better(trend: Trend, direction: Direction) -> bool | None:
    """Whether a trend of an item is for the better: of dissolved oxygen when it rises, of others when it falls.

    None without a trend, and for items with a bound on both sides or none (pH, water temperature).
    """
    if trend is Trend.NONE or direction not in (Direction.AT_MOST, Direction.AT_LEAST):
        return None
    return (trend is Trend.RISING) == (direction is Direction.AT_LEAST)
