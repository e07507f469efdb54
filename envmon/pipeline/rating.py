"""Rate: the compliance rates of any area and period, and where every target stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from envmon import periods, standards
from envmon.assess import outlook as outlooks
from envmon.assess import rates, water
from envmon.model import (
    AirDay,
    Basis,
    Config,
    Kind,
    Outlook,
    Rate,
    RateName,
    Site,
    Span,
    Status,
    Target,
    WaterJudgement,
    WaterPeriod,
)
from envmon.periods import Period
from envmon.pipeline import judge_air, judge_water
from envmon.rounding import printed
from envmon.store import Store
from envmon.texts import t

WHOLE = "*"  # the bureau as a whole
LEAST_OF_MONTHS = 28  # days from which a period that is not within one month is judged by its months
KINDS = {
    RateName.GOOD_SECTIONS: Kind.SECTION,
    RateName.TARGET_MET: Kind.SECTION,
    RateName.GOOD_SOURCES: Kind.SOURCE,
    RateName.GOOD_SOURCES_VOLUME: Kind.SOURCE,
}


def rate(
    store: Store, config: Config, name: RateName, area: str, period: Period, now: int, edition: str = "by-date"
) -> Rate:
    """One rate of an area ("*" for the bureau) over the closed days of a period, by date or all by one edition."""
    closed = period.until(periods.today(now) - 1)
    if closed.days < 1:  # still to come
        return Rate(name, area, period, 0, 0, (), (), "none", None)
    if name is RateName.GOOD_DAYS:
        return good_days(store, config, area, closed, edition)
    found = [(one.site, one.judgement) for one in judged_sites(store, config, KINDS[name], area, closed)]
    return rates.RATES[name](area, closed, found, basis_of(store, config, name, area, closed))


def good_days(store: Store, config: Config, area: str, period: Period, edition: str) -> Rate:
    """Good days of one area; of the whole bureau the days of all areas together."""
    areas = [one.id for one in config.areas if area in (WHOLE, one.id) and has_air(config, one.id)]
    good_up_to = {name: standards.good_up_to(name) for name in standards.index_editions()}
    basis = "+".join(one.name.lower() for one in store.bases(Span.HOUR)) or "none"
    found = [
        rates.good_days(one, period, days_of(store, config, one, period, edition), good_up_to, basis) for one in areas
    ]
    return found[0] if len(found) == 1 else rates.together(area, period, found)


def counted(rate: Rate, lang: str) -> str:
    """Numerator over denominator as people read it; volumes, kept in steps of 10 t, in 10^4 t."""
    if rate.name is not RateName.GOOD_SOURCES_VOLUME:
        return f"{rate.numerator}/{rate.denominator}"
    good, total = (printed(number, 3).rstrip("0").rstrip(".") for number in (rate.numerator, rate.denominator))
    return t("rate.volume", lang, good=good, total=total)


def area_name(config: Config, area: str) -> str:
    return next((one.name for one in config.areas if one.id == area), area)


def has_air(config: Config, area: str) -> bool:
    return any(site.area == area and site.kind in (Kind.CITY, Kind.STATION) for site in config.sites)


def days_of(store: Store, config: Config, subject: str, period: Period, edition: str) -> list[AirDay]:
    """The daily judgements of an area or air site, as stored (by date) or made again by a named edition."""
    if edition == standards.BY_DATE:
        return store.air_days(store.site_numbers[subject], period.first, period.last)
    return judge_air.judged_again(store, config, subject, period, edition)


@dataclass(frozen=True, slots=True)
class Judged:
    """A section or source over a period: its judgement (None: no readings), and the parts and means behind it."""

    site: Site
    judgement: WaterJudgement | None
    parts: Sequence[WaterPeriod]
    means: water.Means


def judged_sites(store: Store, config: Config, kind: Kind, area: str, period: Period) -> list[Judged]:
    """Every section (or source) of an area over a period."""
    return judged(store, [s for s in config.sites if s.kind is kind and area in (WHOLE, s.area)], period)


def judged(store: Store, sites: Sequence[Site], period: Period) -> list[Judged]:
    """Sites of one kind over a period.

    A section is judged on the mean of its months' means, over a week or so across two months on that of its days'
    means. A source complies in a period when it complied in every round of it.
    """
    numbers = {store.site_numbers[site.id]: site for site in sites}
    by_days = period.days < LEAST_OF_MONTHS and len(periods.months(period)) > 1
    if by_days or any(site.kind is Kind.SOURCE for site in sites):
        parts = store.water(list(numbers), "day", period.first, period.last)
    else:
        parts = list(by_month(store, numbers, period))
    found: dict[int, list[WaterPeriod]] = defaultdict(list)
    for one in parts:
        found[one.site].append(one)
    return [over_period(site, found[number], period) for number, site in numbers.items()]


def by_month(store: Store, sites: Mapping[int, Site], period: Period) -> Iterator[WaterPeriod]:
    """The months of a period. A month that the period cuts is made of those of its days that lie in the period."""
    for month in periods.months(period):
        stored = store.water(list(sites), "month", month.first, month.first)
        if period.first <= month.first and month.last <= period.last:
            yield from stored
            continue
        days = store.water(list(sites), "day", month.first, month.last)
        cut = {day.site for day in days if day.first not in period}
        yield from (one for one in stored if one.site not in cut)
        inside: dict[tuple[int, Basis], list[WaterPeriod]] = defaultdict(list)
        for day in days:
            if day.site in cut and day.first in period:
                inside[day.site, day.basis].append(day)
        for (number, _), own in inside.items():
            yield of_days(sites[number], own)


def of_days(site: Site, days: Sequence[WaterPeriod]) -> WaterPeriod:
    """One judgement on the mean of the means of several days of one basis."""
    first, last = days[0], days[-1]
    if len(days) == 1:
        return first
    regime, item_set = judge_water.law_of(site, first.basis, last.last)
    exact = water.mean_of_means([day.means for day in days], regime)
    judgement = water.judge(water.rounded(exact, regime), site.body, regime, item_set)
    readings = sum(day.readings for day in days)
    return replace(first, last=last.last, readings=readings, judgement=judgement, means=exact)


def over_period(site: Site, found: Sequence[WaterPeriod], period: Period) -> Judged:
    """One judgement of a site over a period from those of its parts."""
    by_part: dict[int, list[WaterPeriod]] = defaultdict(list)
    for part in found:
        by_part[part.first].append(part)
    parts = [one for own in by_part.values() if (one := judge_water.in_force(own)) is not None]
    if not parts:
        return Judged(site, None, parts, {})
    if site.kind is Kind.SOURCE:
        # A round that could not be judged settles nothing; one that failed settles the period.
        rounds = [one for one in parts if one.judgement.status is Status.VALID] or parts
        worst = max(rounds, key=lambda one: (not one.judgement.good, one.first))
        return Judged(site, worst.judgement, parts, worst.means)
    if len(parts) == 1:
        return Judged(site, parts[0].judgement, parts, parts[0].means)
    # A year that was sampled by hand in some months and measured automatically in others is judged on what both have.
    manual = all(one.basis is Basis.MANUAL for one in parts)
    regime, item_set = judge_water.law_of(site, Basis.MANUAL if manual else Basis.REALTIME, period.last)
    exact = water.mean_of_means([one.means for one in parts], regime)
    return Judged(site, water.judge(water.rounded(exact, regime), site.body, regime, item_set), parts, exact)


def basis_of(store: Store, config: Config, name: RateName, area: str, period: Period) -> str:
    """Whether a rate of water rests on automatic or manual values, or both."""
    numbers = [store.site_numbers[s.id] for s in config.sites if s.kind is KINDS[name] and area in (WHOLE, s.area)]
    found = store.water(numbers, "month", periods.month_of(period.first).first, period.last)
    return "+".join(sorted({one.basis.name.lower() for one in found})) or "none"


def stand(store: Store, config: Config, target: Target, now: int) -> Outlook:
    """Where one target stands: its rate from the start of its period to the last closed day."""
    current = rate(store, config, target.rate, target.area, target.period, now, target.edition)
    base = None
    if target.base is not None:
        base = rate(store, config, target.rate, target.area, target.base, now, target.edition)
        base = base if base.denominator else None
    left = target.period.last - max(current.period.last, target.period.first - 1)
    if target.rate is RateName.GOOD_DAYS:
        areas = sum(has_air(config, area.id) for area in config.areas if target.area in (WHOLE, area.id))
        remaining = left * areas
    else:
        remaining = min(left, 1)
    return outlooks.outlook(target, current, base, remaining)


def rate_all(store: Store, config: Config, now: int) -> list[Outlook]:
    """Compute where every target stands, and keep it."""
    found = [stand(store, config, target, now) for target in config.targets if started(target, now)]
    store.save_rates(replace(one.rate, period=one.rate.period) for one in found)
    store.save_outlooks(found, now)
    return found


def matching(
    store: Store, config: Config, found: Rate, period: Period, now: int, edition: str = "by-date"
) -> Outlook | None:
    """The target that asks for this very rate, area and period by this edition, and where it stands."""
    wanted = (found.name, found.subject, period.first, period.last, edition)
    for target in config.targets:
        if (target.rate, target.area, target.period.first, target.period.last, target.edition) == wanted:
            return stand(store, config, target, now)
    return None


def started(target: Target, now: int) -> bool:
    return target.period.first < periods.today(now)
