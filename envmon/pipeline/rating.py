"""Rate: the compliance rates of any area and period, and where every target stands."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from envmon import periods, standards
from envmon.assess import exceptional, rates, water
from envmon.assess import outlook as outlooks
from envmon.errors import NotInForce
from envmon.model import (
    LEAVING,
    OF_AIR,
    AirDay,
    Area,
    Basis,
    Body,
    Config,
    EventKind,
    ExceptionalEvent,
    Kind,
    Outlook,
    Rate,
    RateName,
    Site,
    Span,
    Status,
    Target,
    View,
    WaterClass,
    WaterJudgement,
    WaterPeriod,
    WaterRegime,
    Without,
)
from envmon.periods import Period
from envmon.pipeline import judge_air, judge_water
from envmon.store import Store

WHOLE = "*"  # the bureau as a whole
AS_IN_FORCE = View()
"""Each day by the standard in force on it, on the best data there is: what is stored, and what a rate alone means."""

MONTH = math.lcm(28, 29, 30, 31)  # parts of a month, so that any number of its days is a whole number of them
LEAST_OF_MONTHS = 28  # days from which a period that is not within one month is judged by its months
KINDS = {
    RateName.GOOD_SECTIONS: Kind.SECTION,
    RateName.TARGET_MET: Kind.SECTION,
    RateName.WORSE_THAN_V: Kind.SECTION,
    RateName.GOOD_SOURCES: Kind.SOURCE,
    RateName.GOOD_SOURCES_VOLUME: Kind.SOURCE,
}


def rate(
    store: Store, config: Config, name: RateName, area: str, period: Period, now: int, view: View = AS_IN_FORCE
) -> Rate:
    """One rate of an area ("*" for the bureau) over the closed days of a period, as a view asks."""
    closed = period.until(periods.today(now) - 1)
    if closed.days < 1:  # still to come
        return Rate(name, area, period, 0, 0, (), (), "none", None)
    if name is RateName.GOOD_DAYS:
        return good_days(store, config, area, closed, view)
    parts = [of_sites(store, config, name, area, part, view, period) for part in counted_in(name, period, closed)]
    if len(parts) > 1 and (sampled := [part for part in parts if part.denominator]):
        return rates.together(name, area, closed, sampled)
    return parts[0] if len(parts) == 1 else of_sites(store, config, name, area, closed, view, period)


def counted_in(name: RateName, period: Period, closed: Period) -> list[Period]:
    """The parts of a period in which sites are counted: the period itself, or the months of a quarter of sources.

    A quarter's rate of sources is the sum of the complying ones over the sum of those judged, month by month; months in
    which none was sampled leave it.
    """
    if KINDS[name] is Kind.SOURCE and periods.is_quarter(period):
        return [month.until(closed.last) for month in periods.months(closed)]
    return [closed]


def of_sites(
    store: Store, config: Config, name: RateName, area: str, period: Period, view: View, whole: Period
) -> Rate:
    """A rate of sections or sources, each judged once over the closed days of a period; `whole` is it to its end.

    That of sections names the method beside the limits: another indicator may come with another plan period.
    """
    found = judged_sites(store, config, KINDS[name], area, period, view, whole)
    if name is RateName.GOOD_SOURCES_VOLUME:
        found = with_intakes(store, found, period)
    count, basis = rates.RATES[name], basis_of(found)
    made = count(area, period, [(one.site, one.judgement) for one in found], basis)
    if KINDS[name] is Kind.SECTION and made.editions:
        made = replace(made, editions=(*made.editions, standards.water(period.last).method))
    if not any(one.natural for one in found):
        return made

    def alone(site: Site, judgement: WaterJudgement | None) -> tuple[int, int]:
        one = count(area, period, [(site, judgement)], basis)
        return one.numerator, one.denominator

    other = count(area, period, [(one.site, one.natural or one.judgement) for one in found], basis)
    changed = sum(alone(one.site, one.natural) != alone(one.site, one.judgement) for one in found if one.natural)
    kinds = (EventKind.BACKGROUND.value,)
    return replace(made, without=Without(other.numerator, other.denominator, other.tenths, changed, kinds))


def good_days(
    store: Store, config: Config, area: str, period: Period, view: View, more: Sequence[ExceptionalEvent] = ()
) -> Rate:
    """Good days of one area; of the whole bureau the days of all areas together.

    more : exceptional events beside those that were decided.
    """
    good_up_to = {name: standards.good_up_to(name) for name in standards.index_editions()}
    bases = store.bases(Span.HOUR) if view.basis is None else [view.basis]
    basis = "+".join(one.name.lower() for one in bases) or "none"
    found = []
    for one in areas_with_air(config, area):
        days = days_of(store, config, one.id, period, view)
        spared = spared_days(store, config, one.id, period, view, more)
        found.append(rates.good_days(one.id, period, days, good_up_to, basis, spared))
    return found[0] if area != WHOLE and found else rates.together(RateName.GOOD_DAYS, area, period, found)


def area_name(config: Config, area: str) -> str:
    return next((one.name for one in config.areas if one.id == area), area)


def areas_with_air(config: Config, area: str) -> list[Area]:
    """The area, or all of the bureau ("*"), without those that have no air site."""
    measured = {site.area for site in config.sites if site.kind in (Kind.CITY, Kind.STATION)}
    return [one for one in config.areas if area in (WHOLE, one.id) and one.id in measured]


def days_of(store: Store, config: Config, subject: str, period: Period, view: View = AS_IN_FORCE) -> list[AirDay]:
    """The daily judgements of an area or air site, as stored, or made again for another view or an earlier time.

    Made again are the same days as are stored: those that were over when they were judged, or at that earlier time.
    """
    if view == AS_IN_FORCE and store.as_of is None:
        return store.air_days(store.site_numbers[subject], period.first, period.last)
    if store.as_of is None:
        known = store.judged_air_days().get(store.site_numbers[subject])
        closed = (
            period if known is None else Period(max(period.first, known[0]), min(period.last, known[1]), period.name)
        )
        closed = closed if known else period.until(period.first - 1)
    else:
        closed = period.until(periods.today(store.as_of) - 1)
    return judge_air.judged_again(store, config, subject, closed, view) if closed.days > 0 else []


def spared_days(
    store: Store, config: Config, area: str, period: Period, view: View, more: Sequence[ExceptionalEvent] = ()
) -> rates.Spared | None:
    """The days of an area that exceptional events touch, judged on what they left; None when there are none."""
    subjects = {area, WHOLE, *(site.id for site in config.sites if site.area == area)}
    known = [*store.events_in_force(), *more]
    events = [one for one in known if one.kind in OF_AIR and one.subject in subjects and touches(one, period)]
    touched = exceptional.stretches(events, period)
    if not touched:
        return None
    days = [day for run in touched for day in judge_air.judged_again(store, config, area, run, view, events)]
    own = {day.day: day for day in days}
    return rates.Spared(own, config.assessment.deducted, tuple(dict.fromkeys(one.kind.value for one in events)))


@dataclass(frozen=True, slots=True)
class Judged:
    """A section or source over a period: its judgement (None: no readings), and the parts and means behind it.

    natural : the judgement without the items whose natural background is high; None where no such entry touches it.
    reported : whether the site's intake is what was reported for the months of the period, and not the usual one.
    """

    site: Site
    judgement: WaterJudgement | None
    parts: Sequence[WaterPeriod]
    means: water.Means
    natural: WaterJudgement | None = None
    reported: bool = False


def with_intakes(store: Store, found: Sequence[Judged], period: Period) -> list[Judged]:
    """The sources with the water taken from them in the months of a period, where that was reported for any of them.

    What was not reported of a month is taken to be the usual intake. Over one month and without any report the usual
    intake of a month stands for the period, as it always did.
    """
    months = [month.first for month in periods.months(period)]
    reported = store.intakes(months[0], months[-1])
    if not reported:
        return list(found)
    made = []
    for one in found:
        number = store.site_numbers[one.site.id]
        own = [reported.get((month, number), one.site.intake) for month in months]
        known = None if None in own else sum(volume or 0 for volume in own)
        said = any((month, number) in reported for month in months)
        made.append(replace(one, site=replace(one.site, intake=known), reported=said))
    return made


def unused_months(store: Store, period: Period) -> dict[int, list[ExceptionalEvent]]:
    """By site number the months of a period in which no water was taken: its source was out of use then."""
    found: dict[int, list[ExceptionalEvent]] = defaultdict(list)
    months = periods.months(period) if period.days > 0 else []
    if not months:
        return found
    names = {number: site for site, number in store.site_numbers.items()}
    for (first, number), volume in store.intakes(months[0].first, months[-1].first).items():
        if volume == 0:
            span = periods.month_of(first)
            begins, ends = periods.hour_ending(span.first, 0), periods.hour_ending(span.last, 24)
            found[number].append(
                ExceptionalEvent(0, EventKind.UNUSED, names[number], (), begins, ends, "", "", "", "", 0)
            )
    return found


def judged_sites(
    store: Store,
    config: Config,
    kind: Kind,
    area: str,
    period: Period,
    view: View = AS_IN_FORCE,
    whole: Period | None = None,
) -> list[Judged]:
    """Every section (or source) of an area over a period."""
    sites = [site for site in config.sites if site.kind is kind and area in (WHOLE, site.area)]
    return judged(store, config, sites, period, view, whole)


def judged(
    store: Store,
    config: Config,
    sites: Sequence[Site],
    period: Period,
    view: View = AS_IN_FORCE,
    whole: Period | None = None,
) -> list[Judged]:
    """Sites of one kind over a period; `whole` is it to its end, where only the days that are over are handed in.

    A section is judged on the mean of its months' means, a month that is not whole by its share of days; over a day, or
    a week or so across two months, on that of its readings. A source complies in a period when it complied in every
    round of it. Of a site that opens or closes within the period only the days count on which it was in operation.
    """
    numbers = {store.site_numbers[site.id]: site for site in sites}
    groups: dict[Period, dict[int, Site]] = defaultdict(dict)
    for number, site in numbers.items():
        if (span := in_operation(site, period)) is not None:
            groups[span][number] = site
    found: dict[int, list[WaterPeriod]] = defaultdict(list)
    for span, group in groups.items():
        for one in parts_over(store, config, group, span, period):
            if view.basis in (None, one.basis):
                found[one.site].append(one)
    so_far = period.until(judge_water.judged_until(store))
    events, unused = store.events_in_force(), unused_months(store, period)
    made = []
    for number, site in numbers.items():
        own = [one for one in events if concerns(one, site) and touches(one, period)] + unused.get(number, [])
        judgement = over_period(config, site, found[number], so_far, whole or period, own)
        made.append(replace(judgement, natural=without_background(config, judgement, so_far, own)))
    return made


def in_operation(site: Site, period: Period) -> Period | None:
    """The days of a period on which a site was in operation; None when there are none."""
    first = period.first if site.opened is None else max(period.first, site.opened)
    last = period.last if site.closed is None else min(period.last, site.closed)
    if (first, last) == (period.first, period.last):
        return period
    return Period(first, last, period.name) if first <= last else None


def parts_over(
    store: Store, config: Config, sites: Mapping[int, Site], span: Period, period: Period
) -> Iterable[WaterPeriod]:
    """What sites are judged by over a period, from the days of it on which they were in operation."""
    if period.days == 1 or any(site.kind is Kind.SOURCE for site in sites.values()):
        return judge_water.days_of(store, config, sites, span)
    if period.days < LEAST_OF_MONTHS and len(periods.months(period)) > 1:
        return judge_water.of_part(store, config, sites, span)
    return by_month(store, config, sites, span)


def without_background(
    config: Config, found: Judged, period: Period, events: Sequence[ExceptionalEvent]
) -> WaterJudgement | None:
    """The judgement without the items whose natural background is high, in the rounds and months that is said of.

    None when it is said of none of them, or there is no class.
    """
    own = [one for one in events if one.kind is EventKind.BACKGROUND]
    judgement, site = found.judgement, found.site
    if not own or judgement is None or judgement.status is not Status.VALID:
        return None
    spoiled = [spoiled_items(part, period, own) for part in found.parts]
    if not any(spoiled):
        return None
    regime, item_set = judge_water.law_of(config, site, found.parts[-1].basis, period.last)
    item_set = judgement.item_set if judgement.item_set in regime.sets else item_set
    if site.kind is Kind.SOURCE:  # it complies when every round does
        rounds = [
            exceptional.without_items(
                judge_water.sample_of(part.means, part.readings, regime), site.body, regime, item_set, items
            )
            for part, items in zip(found.parts, spoiled, strict=True)
            if part.judgement.status is Status.VALID
        ]
        return max(rounds, key=lambda one: one.water_class)
    left = [
        {item: mean for item, mean in part.means.items() if item not in items}
        for part, items in zip(found.parts, spoiled, strict=True)
    ]
    exact = left[0] if len(left) == 1 else water.mean_of_means(left, regime, weights(found.parts, period))
    sample = sample_of(replace(found, means=exact), regime)
    return exceptional.without_items(sample, site.body, regime, item_set, found.means.keys() - exact.keys())


def sample_of(found: Judged, regime: WaterRegime) -> water.Sample:
    """The values a site was judged by: its means rounded, what rests on a single reading as it was printed."""
    readings = sum(part.readings for part in deciding_parts(found))
    return judge_water.sample_of(found.means, readings, regime, printed_items(found))


def printed_items(found: Judged) -> Collection[str]:
    """The items whose value is that of a single reading, judged as printed and not rounded."""
    parts = deciding_parts(found)
    if sum(part.readings for part in parts) == 1:
        return found.means.keys()
    return parts[0].printed if len(parts) == 1 else ()


def deciding_parts(found: Judged) -> Sequence[WaterPeriod]:
    """The parts a judgement rests on: the deciding round of a source, all months of a section."""
    if found.site.kind is not Kind.SOURCE:
        return found.parts
    return [next((one for one in found.parts if one.judgement is found.judgement), found.parts[-1])]


def spoiled_items(part: WaterPeriod, period: Period, events: Sequence[ExceptionalEvent]) -> set[str]:
    """The items of which events speak on every day of a part, as far as the period has come."""
    span = Period(part.first, min(part.last, period.last), period.name)
    items = {item for one in events for item in one.items}
    return {item for item in items if covered(span, [one for one in events if item in one.items])}


def parts_of(
    store: Store, config: Config, sites: Mapping[int, Site], span: str, period: Period
) -> Iterator[WaterPeriod]:
    """The judgements of the days, or of the whole months, of a period: span is "day" or "month"."""
    if span == "day":
        yield from judge_water.days_of(store, config, sites, period)
        return
    for month in periods.months(period):
        if month.first >= period.first:
            yield from judge_water.months_of(store, config, sites, month)


def by_month(store: Store, config: Config, sites: Mapping[int, Site], period: Period) -> Iterator[WaterPeriod]:
    """The months of a period, each the mean of its readings; a month that the period cuts is made of those inside."""
    until = judge_water.judged_until(store)
    for month in periods.months(period):
        closed = month.until(until)
        if period.first <= closed.first and closed.last <= period.last:
            yield from judge_water.months_of(store, config, sites, month)
        else:
            inside = Period(max(month.first, period.first), min(closed.last, period.last), month.name)
            yield from judge_water.of_part(store, config, sites, inside)


def over_period(
    config: Config,
    site: Site,
    found: Sequence[WaterPeriod],
    period: Period,
    whole: Period,
    events: Sequence[ExceptionalEvent] = (),
) -> Judged:
    """One judgement of a site over a period from those of its parts; `whole` is the period to its end.

    Events by which it was dry, frozen or not sampled say why there is nothing; what was sampled all the same counts. A
    source or section that was out of use all the time leaves with that reason, sampled or not.
    """
    leaving = [one for one in events if one.kind in LEAVING]
    by_part: dict[int, list[WaterPeriod]] = defaultdict(list)
    for part in found:
        by_part[part.first].append(part)
    if period.days > 0 and covered(period, [one for one in leaving if one.kind is EventKind.UNUSED]):
        by_part.clear()
    parts = [one for own in by_part.values() if (one := judge_water.in_force(config, site, own)) is not None]
    if not parts:
        return Judged(site, why_not(site, period, leaving), parts, {})
    if site.kind is Kind.SOURCE:
        # A round that could not be judged settles nothing; one that failed settles the period.
        rounds = [one for one in parts if one.judgement.status is Status.VALID] or parts
        worst = max(rounds, key=lambda one: (not one.judgement.good, one.first))
        return Judged(site, worst.judgement, parts, worst.means)
    if len(parts) == 1:
        exact, judgement = parts[0].means, parts[0].judgement
    else:
        regime, item_set = judge_water.law_of_parts(config, site, parts, period.last)
        exact = water.mean_of_means([one.means for one in parts], regime, weights(parts, period))
        judgement = water.judge(water.rounded(exact, regime), site.body, regime, item_set)
    if period.last == whole.last and too_few(parts, judgement, least_rounds(config, whole)):
        judgement = replace(judgement, status=Status.TOO_FEW_ROUNDS, water_class=WaterClass.NONE)
    return Judged(site, judgement, parts, exact)


def too_few(parts: Sequence[WaterPeriod], judgement: WaterJudgement, least: int) -> bool:
    """Whether a section was judged in fewer months than are asked for; where it has no class, whether it has values."""
    valid = judgement.status is Status.VALID
    rounds = sum(one.judgement.status is Status.VALID if valid else bool(one.means) for one in parts)
    return least > 1 and rounds < least


def concerns(event: ExceptionalEvent, site: Site) -> bool:
    """Whether an event is about a site: about it, its area or the whole bureau."""
    return event.subject in (site.id, site.area, WHOLE)


def touches(event: ExceptionalEvent, period: Period) -> bool:
    """Whether some of a period lies within an event."""
    return event.first < periods.hour_ending(period.last, 24) and periods.hour_ending(period.first, 0) < event.last


def covered(period: Period, events: Sequence[ExceptionalEvent]) -> bool:
    """Whether all of a period lies within events, one of which may take up where another ends."""
    reached = periods.hour_ending(period.first, 0)
    for one in sorted(events, key=lambda one: one.first):
        reached = max(reached, one.last) if one.first <= reached else reached
    return bool(events) and reached >= periods.hour_ending(period.last, 24)


def why_not(site: Site, period: Period, leaving: Sequence[ExceptionalEvent]) -> WaterJudgement | None:
    """The judgement of a site without readings that count, which says only why; None when nobody said."""
    if period.days < 1:
        return None
    said = [Status[one.kind.name] for one in leaving if touches(one, period)]
    if in_operation(site, period) is None:
        said.insert(0, Status.NOT_OPEN)
    if not said:
        return None
    law = standards.groundwater if site.body is Body.GROUNDWATER else standards.water
    try:
        edition = law(period.last).edition
    except NotInForce:  # why there is nothing can be said of any time
        edition = ""
    return WaterJudgement(said[0], WaterClass.NONE, (), (), (), (), edition, "")


def least_rounds(config: Config, period: Period) -> int:
    """Months in which a section must have been judged, to be judged over a whole quarter or year; else any number."""
    if not (periods.is_quarter(period) or periods.is_year(period)):
        return 1
    by_quarter, by_year = standards.water(period.last).min_rounds
    chosen = config.assessment
    if periods.is_quarter(period):
        return chosen.quarter_min_rounds or by_quarter
    return chosen.year_min_rounds or by_year


def weights(parts: Sequence[WaterPeriod], period: Period) -> list[int]:
    """How much each month counts: by the share of its days that lie in the period, in parts of MONTH.

    So the first day of a running month does not weigh as much as the whole months before it. A sample taken by hand
    stands for its month and counts in full.
    """
    found = []
    for part in parts:
        inside = min(part.last, period.last) - max(part.first, period.first) + 1
        found.append(MONTH if part.basis is Basis.MANUAL else MONTH * inside // periods.month_of(part.first).days)
    return found


def basis_of(found: Sequence[Judged]) -> str:
    """Whether judgements rest on automatic or manual values, or both."""
    return "+".join(sorted({part.basis.name.lower() for one in found for part in one.parts})) or "none"


def stand(store: Store, config: Config, target: Target, now: int) -> Outlook:
    """Where one target stands: its rate from the start of its period to the last closed day."""
    made = {asked: rate(store, config, *asked[:3], now, View(asked[3])) for asked in needed(target)}
    return outlook_of(config, target, made)


Asked = tuple[RateName, str, Period, str]
"""A rate as a target asks for it: which, of what area, over what period, by which edition."""


def needed(target: Target) -> list[Asked]:
    """The rates a target rests on: that of its own period, and that of its base period."""
    spans = [target.period] if target.base is None else [target.period, target.base]
    return [(target.rate, target.area, span, target.edition) for span in spans]


def outlook_of(config: Config, target: Target, made: Mapping[Asked, Rate]) -> Outlook:
    """Where a target stands by the rates it needs."""
    current, *others = (made[asked] for asked in needed(target))
    base = next((one for one in others if one.denominator), None)
    left = target.period.last - max(current.period.last, target.period.first - 1)
    days = target.rate is RateName.GOOD_DAYS
    remaining = left * len(areas_with_air(config, target.area)) if days else min(left, 1)
    return outlooks.outlook(target, current, base, remaining)


def rate_all(store: Store, config: Config, now: int) -> list[Outlook]:
    """Compute where every target stands, and keep it."""
    targets = [target for target in config.targets if started(target, now)]
    events = [one.number for one in store.events()]
    bases = [one.value for one in store.bases(Span.HOUR)]
    resting = [events, [one.id for one in areas_with_air(config, WHOLE)], bases, config.assessment.deducted]
    unchanged = store.meta("days_judged") is False and store.meta("rates_rest_on") == resting
    made: dict[Asked, Rate] = {}
    for asked in dict.fromkeys(one for target in targets for one in needed(target)):
        found = kept(store, asked, now) if unchanged else None
        made[asked] = found or rate(store, config, *asked[:3], now, View(asked[3]))
    found_now = [outlook_of(config, target, made) for target in targets]
    store.save_rates((one, asked[3]) for asked, one in made.items())
    store.save_outlooks(found_now, now)
    store.set_meta("days_judged", False)
    store.set_meta("rates_rest_on", resting)
    return found_now


def kept(store: Store, asked: Asked, now: int) -> Rate | None:
    """A rate of days as it was kept for the same closed days, good while no day was judged since.

    An hour of the running day changes no closed day: most rounds need not count the year again, nor, by a named
    edition, judge its hours again.
    """
    name, area, period, edition = asked
    if name is not RateName.GOOD_DAYS:
        return None
    closed = period.until(periods.today(now) - 1).last
    found = store.rates(name, area, period.first, closed, edition)
    return found[-1] if found and found[-1].period.last == closed else None


def matching(
    store: Store, config: Config, found: Rate, period: Period, now: int, view: View = AS_IN_FORCE
) -> Outlook | None:
    """The target that asks for this very rate, area and period in this view, and where it stands."""
    wanted = (found.name, found.subject, period.first, period.last, view)
    for target in config.targets:
        if (
            target.rate,
            target.area,
            target.period.first,
            target.period.last,
            View(standards.named(target.edition)),
        ) == wanted:
            return stand(store, config, target, now)
    return None


def started(target: Target, now: int) -> bool:
    return target.period.first < periods.today(now)
