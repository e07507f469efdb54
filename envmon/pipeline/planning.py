"""The sampling plan against the store: which samples arrived. What did not is kept, so that `status` need only read it.

An entry without a first day is followed from the period that ran when envmon first found it in the config: samples of
years that were never entered here are nobody's fault. One that comes back is followed from where it was; with another
item set or cycle it is another entry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from envmon import periods, standards
from envmon.assess import sampling
from envmon.errors import NotInForce
from envmon.model import LEAVING, Absence, Basis, Body, Config, ExceptionalEvent, PlanEntry, Sample, Site
from envmon.periods import Period
from envmon.pipeline import judge_water, rating
from envmon.store import Store

Row = dict[str, Any]


def outstanding(store: Store, config: Config, now: int) -> list[Row]:
    """Every sample of the plan that is overdue or lacks items, oldest first; kept under `plan`.

    Worked out again when a day has begun, or water was judged, or the plan, the sites, the events or the months without
    intake are others.
    """
    sites = [(one.id, one.area, one.body, one.opened, one.closed) for one in planned_sites(config)]
    events = [one.number for one in store.events_in_force()]
    unused = [list(one) for one, volume in sorted(store.intakes(0, periods.LAST_DAY).items()) if not volume]
    resting = [periods.today(now), str(config.plan), str(sites), events, unused, standards.fingerprint()]
    kept: list[Row] | None = store.meta("plan")
    if kept is not None and store.meta("waters_judged") is False and store.meta("plan_rests_on") == resting:
        return kept
    found = [row(one) for one in followed(store, config, now) if one.state in sampling.OUTSTANDING]
    store.set_meta("plan", found)
    store.set_meta("plan_rests_on", resting)
    store.set_meta("waters_judged", False)
    return found


def followed(store: Store, config: Config, now: int) -> list[Sample]:
    """The samples of every entry from where it is followed to the running day, those due first first."""
    today, since = periods.today(now), found_since(store, config, now)
    spans = {}
    for entry in config.plan:
        first = sampling.cycle_of(entry.every, since[entry.key]).first if entry.first is None else entry.first
        spans[entry] = Period(first, today, "")
    return samples(store, config, spans, today)


def in_period(store: Store, config: Config, period: Period, now: int) -> list[Sample]:
    """The samples that may be taken on some day of a period, whenever envmon began to follow the plan."""
    return samples(store, config, dict.fromkeys(config.plan, period), periods.today(now))


def found_since(store: Store, config: Config, now: int) -> dict[str, int]:
    """The day on which each entry was first found in the config; remembered unless the store is only read.

    Entries that are not in the config now keep theirs: a line may be away for a day by mistake.
    """
    before: dict[str, int] = store.meta("plan_since") or {}
    today = periods.today(now)
    since = {**before, **{entry.key: min(today, before.get(entry.key, today)) for entry in config.plan}}
    if since != before and store.writable:
        store.set_meta("plan_since", since)
    return since


def samples(store: Store, config: Config, spans: Mapping[PlanEntry, Period], today: int) -> list[Sample]:
    """The samples of some entries, each over its span of days, in the order of their deadlines."""
    wanted = [span for span in spans.values() if span.days > 0]
    if not wanted:
        return []
    # The periods of a cycle reach beyond a span, by less than a year on either side.
    first = periods.year_of(min(span.first for span in wanted)).first
    last = periods.year_of(max(span.last for span in wanted)).last
    sites = {site.id: site for site in planned_sites(config)}
    rounds = rounds_of(store, config, list(sites.values()), Period(first, min(last, today), ""))
    events = store.events_in_force()
    unused = rating.unused_months(store, Period(first, last, ""))
    away = {
        site.id: list(absences([*events, *unused.get(store.site_numbers.get(site.id, 0), [])], site))
        for site in sites.values()
    }
    found = []
    for entry, span in spans.items():
        try:
            items = items_of(sites[entry.site], entry.items, today)
        except NotInForce:  # an earlier day is looked back to, on which this water had no standard that asks for items
            continue
        found += sampling.samples(entry, items, rounds[entry.site], away[entry.site], span, today)
    return sorted(found, key=lambda one: (one.until, one.first))


def planned_sites(config: Config) -> list[Site]:
    """The sites the plan names, in the order of the config."""
    named = {entry.site for entry in config.plan}
    return [site for site in config.sites if site.id in named]


def rounds_of(
    store: Store, config: Config, sites: Sequence[Site], period: Period
) -> Mapping[str, list[tuple[int, list[str]]]]:
    """The manual rounds of some sites in a period: day, and the items of which a value counts."""
    numbers = {store.site_numbers[site.id]: site for site in sites if site.id in store.site_numbers}
    if store.as_of is None:
        rows = store.sampled(list(numbers), period.first, period.last)
    else:
        days = judge_water.days_of(store, config, numbers, period)
        rows = [(one.site, one.first, list(one.means)) for one in days if one.basis is Basis.MANUAL]
    found = defaultdict[str, list[tuple[int, list[str]]]](list)
    for number, day, items in rows:
        found[numbers[number].id].append((day, items))
    return found


def items_of(site: Site, items: str, day: int) -> Sequence[str]:
    """The items of a set that decide; those only reported (temperature, total nitrogen) are not asked for."""
    regime = standards.groundwater(day) if site.body is Body.GROUNDWATER else standards.water(day)
    return regime.sets[items].items


def absences(events: Sequence[ExceptionalEvent], site: Site) -> Iterator[Absence]:
    """Why a site could not be sampled, and when: the events that concern it, and the days it is not in operation."""
    for one in events:
        if one.kind in LEAVING and rating.concerns(one, site):
            yield Absence(one.kind.value, periods.day_of(one.first + 1), periods.day_of(one.last))
    if site.opened is not None:
        yield Absence("not_open", 0, site.opened - 1)
    if site.closed is not None:
        yield Absence("not_open", site.closed + 1, periods.LAST_DAY)


def row(one: Sample) -> Row:
    """A sample as plain data: dates as text, items by id."""
    first, last, until = (periods.calendar(day).isoformat() for day in (one.first, one.last, one.until))
    return {
        "site": one.entry.site,
        "items": one.entry.items,
        "every": one.entry.every.value,
        "period": one.period.name,
        "first": first,
        "last": last,
        "until": until,
        "state": one.state.value,
        "sampled": [periods.calendar(day).isoformat() for day in one.sampled],
        "missing": list(one.missing),
        "reason": one.reason or None,
        "note": one.entry.note,
    }
