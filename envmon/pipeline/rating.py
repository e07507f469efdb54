"""Rate: the compliance rates of any area and period, and where every target stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

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
    Target,
    WaterJudgement,
    WaterPeriod,
)
from envmon.periods import Period
from envmon.pipeline import judge_air, judge_water
from envmon.store import Store

WHOLE = "*"  # the bureau as a whole
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
    if name is RateName.GOOD_DAYS:
        return good_days(store, config, area, closed, edition)
    judged = [(site, found) for site, found, _ in judged_sites(store, config, KINDS[name], area, closed)]
    return rates.RATES[name](area, closed, judged, basis_of(store, config, name, area, closed))


def good_days(store: Store, config: Config, area: str, period: Period, edition: str) -> Rate:
    """Good days of one area; of the whole bureau the days of all areas together."""
    areas = [one.id for one in config.areas if area in (WHOLE, one.id) and has_air(config, one.id)]
    good_up_to = {name: standards.good_up_to(name) for name in standards.index_editions()}
    found = [
        rates.good_days(one, period, days_of(store, config, one, period, edition), good_up_to, "realtime")
        for one in areas
    ]
    return found[0] if len(found) == 1 else rates.together(area, period, found)


def area_name(config: Config, area: str) -> str:
    return next((one.name for one in config.areas if one.id == area), area)


def has_air(config: Config, area: str) -> bool:
    return any(site.area == area and site.kind in (Kind.CITY, Kind.STATION) for site in config.sites)


def days_of(store: Store, config: Config, area: str, period: Period, edition: str) -> list[AirDay]:
    """The daily judgements of an area, as stored (by date) or made again by a named edition."""
    if edition == "by-date":
        return store.air_days(store.site_numbers[area], period.first, period.last)
    return judge_air.judged_again(store, config, area, period, edition)


def judged_sites(
    store: Store, config: Config, kind: Kind, area: str, period: Period
) -> list[tuple[Site, WaterJudgement | None, WaterPeriod | None]]:
    """Every section (or source) of an area with its judgement over a period.

    A day, a month: as stored. Any other period of a section: the mean of its months' means, or of its days' when it is
    shorter than a month. A source complies in a period when it complied in every round of it.
    """
    sites = [s for s in config.sites if s.kind is kind and area in (WHOLE, s.area)]
    numbers = [store.site_numbers[site.id] for site in sites]
    whole = periods.month_of(period.first)
    span = "day" if period.days < whole.days and period.last <= whole.last and period.first != whole.first else "month"
    if period.days == 1 or kind is Kind.SOURCE or period.days < 28:
        span = "day"
    found: dict[int, list[WaterPeriod]] = defaultdict(list)
    for one in store.water(numbers, span, period.first if span == "day" else whole.first, period.last):
        found[one.site].append(one)
    return [(site, *over_period(site, found[number], period)) for site, number in zip(sites, numbers, strict=True)]


def over_period(
    site: Site, found: Sequence[WaterPeriod], period: Period
) -> tuple[WaterJudgement | None, WaterPeriod | None]:
    """One judgement of a site over a period from those of its parts; the second is set when it is one stored row."""
    by_part: dict[int, list[WaterPeriod]] = defaultdict(list)
    for part in found:
        by_part[part.first].append(part)
    parts = [one for own in by_part.values() if (one := judge_water.in_force(own)) is not None]
    if not parts:
        return None, None
    if site.kind is Kind.SOURCE:
        worst = max(parts, key=lambda one: (not one.judgement.good, one.first))
        return worst.judgement, worst
    if len(parts) == 1:
        return parts[0].judgement, parts[0]
    # A year that was sampled by hand in some months and measured automatically in others is judged on what both have.
    manual = all(one.basis is Basis.MANUAL for one in parts)
    regime, item_set = judge_water.law_of(site, Basis.MANUAL if manual else Basis.REALTIME, period.last)
    exact = water.mean_of_means([one.means for one in parts], regime)
    return water.judge(water.rounded(exact, regime), site.body, regime, item_set), None


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
