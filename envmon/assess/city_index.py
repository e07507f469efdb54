"""The water quality index of a city (城市水质指数, CWQI): means of sections -> ratios to the limits -> one index.

Exact fractions, rounded once at the end. Never here: limits (they come in the regime), decimals (in the rule), which
sections belong to a city.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from envmon.assess import water
from envmon.model import CityIndexRule, Direction, WaterItem, WaterRegime
from envmon.rounding import rounded


@dataclass(frozen=True, slots=True)
class Ratio:
    """One item over the sections of rivers or of lakes. sections : how many have a value of it.

    mean : in the unit of the item; ratio : its part of the index; None where no section has a value (or oxygen is 0).
    """

    item: str
    sections: int
    mean: Fraction | None
    ratio: Fraction | None


@dataclass(frozen=True, slots=True)
class BodyIndex:
    """The index of the rivers, or of the lakes, of a city.

    sections : river sections or lake points it rests on; whole : those of them that have a value of every item.
    """

    lake: bool
    sections: int
    whole: int
    ratios: tuple[Ratio, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Items of the set that no section has a value of."""
        return tuple(one.item for one in self.ratios if one.ratio is None)

    @property
    def total(self) -> Fraction | None:
        """The exact index; None unless every item has a value."""
        found = [one.ratio for one in self.ratios if one.ratio is not None]
        return sum(found, Fraction(0)) if len(found) == len(self.ratios) else None


@dataclass(frozen=True, slots=True)
class CityIndex:
    """The index of a city in steps of the rule, and the shares of the items in per cent, in steps as well.

    total : None unless rivers and lakes, as far as there are any, have a value of every item; then there are no shares.
    """

    total: int | None
    bodies: tuple[BodyIndex, ...]
    shares: Mapping[str, int]


def body_index(sections: Sequence[water.Means], lake: bool, regime: WaterRegime, rule: CityIndexRule) -> BodyIndex:
    """The ratios of the rivers or lakes: each item by its mean over the sections that have it.

    sections : exact means over the period, of a lake those of its points. pH is averaged by its hydrogen ions; a value
    below its detection limit has entered the means as half of it.
    """
    means = water.mean_of_means(sections, regime)
    found = []
    for name in regime.sets[rule.item_set].items:
        count = sum(name in one for one in sections)
        mean = ratio = None
        if count:
            top, bottom, _ = means[name]
            mean = Fraction(top, bottom)
            ratio = ratio_of(mean, regime.items[name], lake, rule)
            mean /= 10 ** regime.items[name].decimals
        found.append(Ratio(name, count, mean, ratio))
    whole = sum(all(ratio.item in one for ratio in found) for one in sections)
    return BodyIndex(lake, len(sections), whole, tuple(found))


def ratio_of(mean: Fraction, item: WaterItem, lake: bool, rule: CityIndexRule) -> Fraction | None:
    """What a mean, in steps of the item, adds to the index; None for no oxygen at all, which has no ratio."""
    place = rule.reference - 1
    bound = Fraction(water.limits_of(item, lake)[place])
    if item.direction is Direction.AT_LEAST:
        return bound / mean if mean else None
    if item.direction is Direction.AT_MOST:
        return mean / bound
    neutral: int = rule.neutral_ph * 10**item.decimals
    low = item.low[place] or 0
    return (mean - neutral) / (bound - neutral) if mean > neutral else (neutral - mean) / (neutral - low)


def city_index(bodies: Sequence[BodyIndex], rule: CityIndexRule) -> CityIndex:
    """The index of a city from those of its rivers and lakes, weighted by their numbers of sections; rounded once."""
    own = tuple(one for one in bodies if one.sections)
    totals = [(one.total, one.sections) for one in own]
    count = sum(one.sections for one in own)
    if not own or any(total is None for total, _ in totals):
        return CityIndex(None, own, {})
    exact = sum((total * weight for total, weight in totals if total is not None), Fraction(0)) / count
    parts: dict[str, Fraction] = defaultdict(Fraction)
    for one in own:
        for ratio in one.ratios:
            parts[ratio.item] += Fraction(one.sections, count) * (ratio.ratio or 0)
    shares = {item: rounded(100 * part / exact, rule.share_decimals) for item, part in parts.items()} if exact else {}
    return CityIndex(rounded(exact, rule.decimals), own, shares)


def change(now: int, before: int, rule: CityIndexRule) -> int | None:
    """The change between two published indices in per cent, in steps of the rule: below 0 is better."""
    return rounded(Fraction(100 * (now - before), before), rule.change_decimals) if before else None
