"""The compliance rates (达标率): judgements counted into numerator, denominator and exclusions with their reasons.

A gap is never counted as good: what could not be judged leaves the denominator and is listed.
Never here: judging a day or a sample, targets, storage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from envmon.assess import exceptional
from envmon.model import (
    AirDay,
    Exclusion,
    Rate,
    RateName,
    Reason,
    Site,
    Status,
    WaterClass,
    WaterJudgement,
    Without,
)
from envmon.periods import Period
from envmon.rounding import percent_tenths

REASONS = {
    Status.MISSING: Reason.MISSING,
    Status.INSUFFICIENT: Reason.INSUFFICIENT,
    Status.INCOMPLETE: Reason.INCOMPLETE,
    Status.INVALID: Reason.INVALID,
    Status.TOO_FEW_ROUNDS: Reason.TOO_FEW_ROUNDS,
    Status.NOT_OPEN: Reason.NOT_OPEN,
    Status.DRY: Reason.DRY,
    Status.FROZEN: Reason.FROZEN,
    Status.UNSAMPLED: Reason.UNSAMPLED,
    Status.UNUSED: Reason.UNUSED,
    Status.NOT_JUDGEABLE: Reason.NOT_JUDGEABLE,
}

Judged = Sequence[tuple[Site, WaterJudgement | None]]
"""Sites with their judgement of the period; None where nothing was received."""


def good_days(
    subject: str,
    period: Period,
    days: Iterable[AirDay],
    good_up_to: Mapping[str, int],
    basis: str,
    spared: Spared | None = None,
) -> Rate:
    """Share of days with good air (空气质量优良天数比率) among the valid days of a period.

    days : daily judgements of the subject; those outside the period do not count, a day of the period without one
        counts as missing. good_up_to : largest index of a good day, by edition. spared : days without what exceptional
        events spoiled; None when none touches the period.
    Source: HJ 663; HJ 633 table of levels.
    """
    found = {day.day: day for day in days if day.day in period}
    excluded: Counter[Reason] = Counter()
    good = valid = 0
    editions: dict[str, None] = {}
    for number in period:
        day = found.get(number)
        if day is None:
            excluded[Reason.MISSING] += 1
        elif day.status is not Status.VALID:
            excluded[REASONS[day.status]] += 1
        else:
            valid += 1
            good += day.aqi <= good_up_to[day.edition]
            editions[day.edition] = None
    made = _rate(RateName.GOOD_DAYS, subject, period, good, valid, excluded, editions, basis)
    return made if spared is None else replace(made, without=_days_without(made, found, good_up_to, spared))


@dataclass(frozen=True, slots=True)
class Spared:
    """Days judged on what exceptional events left of them, what becomes of one that is not judged so (`DEDUCTED`), and
    the kinds of the events."""

    days: Mapping[int, AirDay]
    deducted: str
    kinds: tuple[str, ...]


def _days_without(made: Rate, days: Mapping[int, AirDay], good_up_to: Mapping[str, int], spared: Spared) -> Without:
    counts = Counter(
        exceptional.otherwise(days[number], left, good_up_to, spared.deducted)
        for number, left in spared.days.items()
        if number in days
    )
    good, valid = made.numerator + counts["good"], made.denominator - counts["out"]
    return Without(good, valid, percent_tenths(good, valid), counts["good"] + counts["out"], spared.kinds)


def together(name: RateName, subject: str, period: Period, parts: Sequence[Rate]) -> Rate:
    """Several rates of one kind as one, counted together: the days of several areas, a quarter's sources by month."""
    excluded: Counter[Reason] = Counter()
    for part in parts:
        excluded.update({one.reason: one.count for one in part.excluded})
    good, total = sum(part.numerator for part in parts), sum(part.denominator for part in parts)
    editions = dict.fromkeys(name for part in parts for name in part.editions)
    basis = "+".join(sorted({part.basis for part in parts})) or "none"
    made = _rate(name, subject, period, good, total, excluded, editions, basis)
    return replace(made, without=_together_without(parts))


def _together_without(parts: Sequence[Rate]) -> Without | None:
    """Several rates without exceptional events as one; a rate that none touches counts as it is."""
    touched = [part.without for part in parts if part.without is not None]
    if not touched:
        return None
    good = sum(part.numerator if part.without is None else part.without.numerator for part in parts)
    total = sum(part.denominator if part.without is None else part.without.denominator for part in parts)
    kinds = tuple(dict.fromkeys(kind for one in touched for kind in one.kinds))
    return Without(good, total, percent_tenths(good, total), sum(one.changed for one in touched), kinds)


def good_sections(subject: str, period: Period, judged: Judged, basis: str) -> Rate:
    """Share of sections with good water, class I to III (断面水质优良率, 环办〔2011〕22号)."""
    return _share(RateName.GOOD_SECTIONS, subject, period, judged, basis, lambda site, found: found.good)


def target_met(subject: str, period: Period, judged: Judged, basis: str) -> Rate:
    """Share of sections that meet the class asked of them (断面目标达标率)."""

    def met(site: Site, found: WaterJudgement) -> bool:
        return found.water_class <= site.target_class

    return _share(RateName.TARGET_MET, subject, period, judged, basis, met)


def worse_than_v(subject: str, period: Period, judged: Judged, basis: str) -> Rate:
    """Share of sections whose water is worse than class V (劣Ⅴ类断面比例): its numerator counts the bad ones."""

    def worse(site: Site, found: WaterJudgement) -> bool:
        return found.water_class is WaterClass.WORSE_THAN_V

    return _share(RateName.WORSE_THAN_V, subject, period, judged, basis, worse)


def good_sources(subject: str, period: Period, judged: Judged, basis: str) -> Rate:
    """Share of drinking-water sources that comply, by their number (水源地水质达标率)."""
    return _share(RateName.GOOD_SOURCES, subject, period, judged, basis, lambda site, found: found.good)


def good_sources_volume(subject: str, period: Period, judged: Judged, basis: str) -> Rate:
    """Share of the water taken that comes from complying sources (取水水量达标率); counts are in steps of 10 t a month.

    A source whose intake is not known leaves the denominator.
    """
    excluded: Counter[Reason] = Counter()
    editions: dict[str, None] = {}
    good = taken = 0
    for site, found in judged:
        reason = reason_of(site, found)
        if reason is None and site.intake is None:
            reason = Reason.NO_VOLUME
        if reason is not None:
            excluded[reason] += 1
        elif found is not None and site.intake is not None:
            taken += site.intake
            good += site.intake if found.good else 0
            editions[found.edition] = None
    return _rate(RateName.GOOD_SOURCES_VOLUME, subject, period, good, taken, excluded, editions, basis)


RATES: Mapping[RateName, Callable[[str, Period, Judged, str], Rate]] = {
    RateName.GOOD_SECTIONS: good_sections,
    RateName.TARGET_MET: target_met,
    RateName.WORSE_THAN_V: worse_than_v,
    RateName.GOOD_SOURCES: good_sources,
    RateName.GOOD_SOURCES_VOLUME: good_sources_volume,
}
"""The rates of water; the rate of air days, which counts days and not sites, is `good_days`."""


def _share(
    name: RateName,
    subject: str,
    period: Period,
    judged: Judged,
    basis: str,
    counts: Callable[[Site, WaterJudgement], bool],
) -> Rate:
    excluded: Counter[Reason] = Counter()
    editions: dict[str, None] = {}
    good = total = 0
    for site, found in judged:
        reason = reason_of(site, found)
        if reason is not None or found is None:
            excluded[reason or Reason.MISSING] += 1
            continue
        total += 1
        good += counts(site, found)
        editions[found.edition] = None
    return _rate(name, subject, period, good, total, excluded, editions, basis)


def reason_of(site: Site, found: WaterJudgement | None) -> Reason | None:
    """Why a site is not in the denominator; None when it is."""
    if not site.counted:
        return Reason.NOT_COUNTED
    if found is None:
        return Reason.MISSING
    return None if found.status is Status.VALID else REASONS[found.status]


def _rate(
    name: RateName,
    subject: str,
    period: Period,
    good: int,
    total: int,
    excluded: Counter[Reason],
    editions: Iterable[str],
    basis: str,
) -> Rate:
    reasons = tuple(Exclusion(reason, excluded[reason]) for reason in Reason if excluded[reason])
    return Rate(name, subject, period, good, total, reasons, tuple(editions), basis, percent_tenths(good, total))
