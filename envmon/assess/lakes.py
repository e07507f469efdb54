"""Lakes and reservoirs: means over depths, time and points in their order, and the trophic state (环办〔2011〕22号).

Never here: coefficients and levels (they come in the rule), the class of a lake (`water.judge` on the means made here),
which points belong to a lake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from envmon.assess import water
from envmon.model import Body, TrophicLevel, TrophicRule, WaterClass, WaterRegime
from envmon.rounding import rounded

NITROGEN = "tn"


@dataclass(frozen=True, slots=True)
class TrophicPart:
    """One item of the trophic state. mean : in the unit of the item; weight : of all there are, the sum is 1.

    index : its own index, TLI(j), rounded to steps of the rule; None where it has no mean, or a mean of 0.
    """

    item: str
    mean: Fraction | None
    index: int | None
    weight: Fraction


@dataclass(frozen=True, slots=True)
class TrophicState:
    """The trophic state of a lake. total : TLI(Σ) in steps of the rule; None, and no level, when an item is missing."""

    total: int | None
    level: TrophicLevel | None
    parts: tuple[TrophicPart, ...]
    missing: tuple[str, ...]


def over_time(times: Sequence[Sequence[water.Means]], regime: WaterRegime) -> water.Means:
    """The mean of one point over a period: first over the depths of each time, then over the times.

    times : for each time the means of its depths. Every depth counts alike at its time, every time in the period.
    """
    return water.mean_of_means([water.mean_of_means(depths, regime) for depths in times], regime)


def over_points(points: Sequence[water.Means], regime: WaterRegime) -> water.Means:
    """The mean of a lake: over its points, each of them already the mean over its time (unconfirmed order).

    So a point that was sampled more often does not weigh more. Item by item over the points that have it.
    """
    return water.mean_of_means(points, regime)


def trophic_state(means: water.Means, regime: WaterRegime, rule: TrophicRule) -> TrophicState:
    """The trophic state of exact means: TLI(j) = 10 (a + b ln x), their weighted sum rounded once, its level.

    The weights are the quotients r2 / sum of r2 that the clause defines, not their printed four digits: the two differ
    by less than 0.01 of the index. The level is that of the rounded sum, so that index and level never contradict each
    other. An item without a value, or with 0, which has no logarithm, leaves no index at all.
    Source: 环办〔2011〕22号 part 2.
    """
    total = sum((item.r2 for item in rule.items.values()), Fraction(0))
    parts, indices = [], []
    for name, item in rule.items.items():
        top, bottom, _ = means.get(name, (0, 1, 0))
        mean = Fraction(top, bottom * 10 ** regime.items[name].decimals)
        exact = 10 * (item.a + item.b * _logarithm(mean)) if mean > 0 else None
        indices.append(exact)
        shown = None if exact is None else rounded(exact, rule.decimals)
        parts.append(TrophicPart(name, mean if name in means else None, shown, item.r2 / total))
    missing = tuple(part.item for part, exact in zip(parts, indices, strict=True) if exact is None)
    if missing:
        return TrophicState(None, None, tuple(parts), missing)
    weighted = (part.weight * exact for part, exact in zip(parts, indices, strict=True) if exact is not None)
    shown = rounded(sum(weighted, Fraction(0)), rule.decimals)
    return TrophicState(shown, level_of(shown, rule), tuple(parts), ())


def nitrogen_class(means: water.Means, regime: WaterRegime) -> WaterClass:
    """The class of a lake's total nitrogen, which is shown beside that of the lake and never decides it (part 1)."""
    if NITROGEN not in means:
        return WaterClass.NONE
    value, below = water.rounded(means, regime)[NITROGEN]
    values, censored = np.array([[value]], np.int64), np.array([[below]])
    return WaterClass(water.item_classes(values, censored, np.array([Body.LAKE]), [regime.items[NITROGEN]]).item())


def level_of(index: int, rule: TrophicRule) -> TrophicLevel:
    """The trophic level of an index in steps of the rule: the first whose bound it does not exceed."""
    return next(level for level in rule.levels if level.at_most is None or index <= level.at_most)


def _logarithm(value: Fraction) -> Fraction:
    """The natural logarithm of a positive number to fifty digits.

    It is irrational but for 1, so no sum of the parts can lie on a tie of the rounding, and fifty digits settle it.
    """
    return Fraction(water.FIFTY.ln(water.FIFTY.divide(Decimal(value.numerator), Decimal(value.denominator))))
