"""Judge the air: every closed day that has no judgement yet, or whose readings were revised since."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from envmon import periods, qc, standards
from envmon.assess import air, exceptional
from envmon.model import (
    ABSENT,
    NO_VALUE,
    POLLUTANTS,
    AirDay,
    AirDays,
    AirRegime,
    Area,
    Assessment,
    Basis,
    Config,
    ExceptionalEvent,
    Flag,
    IntArray,
    Kind,
    Medium,
    Site,
    Status,
    Verdict,
    View,
)
from envmon.pipeline import agreeing, quality
from envmon.store import Store

PARAMETERS = tuple(standards.parameters()[name] for name in POLLUTANTS)
STORED = tuple(parameter.decimals for parameter in PARAMETERS)
BESIDE = tuple(standards.parameters()[name] for name in ("nox", "no"))
"""Items that no index is made of and that QC looks at beside the others."""

LOG = logging.getLogger("envmon.judge")

LONGEST, WIDEST = 31, 100  # days and sites that are judged in one go: what has to fit into memory together


@dataclass(frozen=True, slots=True)
class Part:
    """Some sites and days to judge in one go, under one regime; areas are never divided."""

    first: int
    last: int
    regime: AirRegime
    sites: Sequence[Site]


def parts(store: Store, config: Config, now: int) -> list[Part]:
    """What is pending, oldest first."""
    sites = {store.site_numbers[site.id]: site for site in config.sites if site.kind in (Kind.CITY, Kind.STATION)}
    pending = pending_days(store, config, sites, now)
    early = sorted(day for day in pending if not standards.in_force(day))
    if early:
        LOG.info("%s days lie before the first standard: kept, not judged", len(early))
        store.clean(Medium.AIR, [(day, site) for day in early for site in pending.pop(day)])
    found = []
    for numbers in blocks(sites, {area.id: required(area) for area in config.areas}):
        days = sorted(day for day, touched in pending.items() if touched & numbers)
        for first, last, regime in runs(days, edges=edges_of(sites[number] for number in numbers)):
            touched = {number for day in range(first, last + 1) for number in pending[day] & numbers}
            found.append(Part(first, last, regime, with_neighbours(config, store, sites, touched)))
    return sorted(found, key=lambda part: (part.first, part.last))


def judge_air(store: Store, config: Config, part: Part) -> list[tuple[int, int]]:
    """Judge one part and return it as (day, site number) pairs, areas included."""
    judged = judge_run(store, config, part.sites, part.first, part.last, part.regime)
    store.clean(Medium.AIR, judged)
    return judged


def pending_days(store: Store, config: Config, sites: dict[int, Site], now: int) -> dict[int, set[int]]:
    """Closed days to judge, with the sites that need it: touched since, next to such a day, or never judged so far.

    The days beside a touched one, as far as QC looks, come along: what it says of a day must not depend on which days
    happened to be judged together. Where it may make a reading invalid, the first hours of the running day let
    yesterday be judged again at once.
    """
    closed = periods.today(now) - 1
    before, after = days_beside(config)
    decides = qc.reach(config.qc).decides
    known = store.judged_air_days()
    pending: dict[int, set[int]] = defaultdict(set)
    for day, site in store.dirty(Medium.AIR):
        if site not in sites:
            continue
        first, last = known.get(site, (day, day))
        # The day itself, those it comes after, and those it comes before, as far as QC looks.
        beside = range(day - max(1, after), day + max(1, before) + 1) if day <= closed or decides else ()
        for one in (day, *(one for one in beside if first <= one <= last)):
            if one <= closed:
                pending[one].add(site)
    for number in sites:
        if number in known:
            since = known[number][1]
        else:
            since = min((day for day in pending if number in pending[day]), default=closed)
        for day in range(since + 1, closed + 1):
            pending[day].add(number)
    return pending


def blocks(sites: Mapping[int, Site], asked: Mapping[str, int]) -> Iterator[set[int]]:
    """The sites, area by area, in groups of about WIDEST of which the same pollutants are asked for.

    asked : mask of pollutants, by area.
    """
    by_area: dict[str, set[int]] = defaultdict(set)
    for number, site in sites.items():
        by_area[site.area].add(number)
    block: set[int] = set()
    before = None
    for area in sorted(by_area, key=lambda one: asked[one]):
        if block and (len(block | by_area[area]) > WIDEST or asked[area] != before):
            yield block
            block = set()
        block |= by_area[area]
        before = asked[area]
    if block:
        yield block


def required(area: Area) -> int:
    """Mask of the pollutants that are monitored in an area by plan."""
    return sum(1 << POLLUTANTS.index(item) for item in area.items or POLLUTANTS)


def edges_of(sites: Iterable[Site]) -> set[int]:
    """The days from which other sites are in operation than the day before."""
    days = {day for site in sites for day in (site.opened, None if site.closed is None else site.closed + 1)}
    return {day for day in days if day is not None}


def runs(
    days: Sequence[int], edition: str = standards.BY_DATE, edges: Collection[int] = ()
) -> Iterator[tuple[int, int, AirRegime]]:
    """Unbroken runs of days under one regime, each of at most LONGEST days: (first, last, regime).

    edges : days that begin a run of their own.
    """
    start = 0
    for i, day in enumerate(days):
        regime = standards.air(day, edition)
        following = days[i + 1] if i + 1 < len(days) else None
        full = day - days[start] + 1 == LONGEST
        if full or following != day + 1 or following in edges or standards.air(following, edition).name != regime.name:
            yield days[start], day, regime
            start = i + 1


def with_neighbours(config: Config, store: Store, sites: dict[int, Site], numbers: set[int]) -> list[Site]:
    """The sites to judge: those asked for and, for an area made of its stations or where QC looks at neighbours, all
    the other stations of it."""
    areas = {sites[number].area for number in numbers}
    around = qc.looks_around(config.qc)
    together = {area.id for area in config.areas if area.id in areas and (around or area.air is Kind.STATION)}
    wanted = [
        site
        for number, site in sites.items()
        if number in numbers or (site.area in together and site.kind is Kind.STATION)
    ]
    return sorted(wanted, key=lambda site: store.site_numbers[site.id])


def judge_run(
    store: Store, config: Config, sites: Sequence[Site], first: int, last: int, regime: AirRegime
) -> list[tuple[int, int]]:
    """QC and judgement of some sites over a run of days; saves flags and daily rows, then those of their areas."""
    regime = as_chosen(regime, config.assessment)
    asked = required(next(area for area in config.areas if area.id == sites[0].area))
    numbers = [store.site_numbers[site.id] for site in sites]
    raw, usable = checked_hours(store, config, numbers, first, last)
    agreeing.compare(store, config, numbers, periods.hour_ending(first, 0), periods.hour_ending(last, 24))
    days = air.daily(usable, first, regime, STORED, asked)
    days = replace(days, status=with_invalid(days.status, raw, usable))
    store.save_air_days(days, numbers)
    judged = set(numbers)
    for area in config.areas:
        found = area_days(area, sites, days, raw, usable, regime)
        if found is not None:
            judged.add(store.site_numbers[area.id])
            store.save_air_days(found, [store.site_numbers[area.id]])
    return [(day, number) for day in range(first, last + 1) for number in sorted(judged)]


def as_chosen(regime: AirRegime, chosen: Assessment) -> AirRegime:
    """The regime with what the bureau chose where the standard leaves it open."""
    usual, few = regime.validity.station_share
    share = (chosen.station_share or usual, chosen.station_share_under_4 or few)
    return replace(regime, validity=replace(regime.validity, station_share=share))


def own_sites(config: Config, area: Area) -> list[Site]:
    """The sites an area's air is made of: its stations that count, or its city series."""
    kind = Kind.STATION if area.air is Kind.STATION else Kind.CITY
    return [site for site in config.sites if site.area == area.id and site.kind is kind and site.counted]


def judged_again(
    store: Store,
    config: Config,
    subject: str,
    period: periods.Period,
    view: View,
    events: Sequence[ExceptionalEvent] = (),
) -> list[AirDay]:
    """The days of an area or air site judged as a view asks, from the readings; nothing is stored.

    events : what they spoil is left out.
    """
    place = next((one for one in config.areas if one.id == subject), None)
    if place is None:
        sites = [site for site in config.sites if site.id == subject and site.kind in (Kind.CITY, Kind.STATION)]
    else:
        sites = own_sites(config, place)
    if not sites:
        return []
    numbers = [store.site_numbers[site.id] for site in sites]
    lawful = [day for day in period if view.edition != standards.BY_DATE or standards.in_force(day)]
    columns = {site.id: [i] for i, site in enumerate(sites)}
    columns |= {name: list(range(len(sites))) for name in (sites[0].area, "*")}
    made: list[AirDay] = []
    asked = required(next(area for area in config.areas if area.id == sites[0].area))
    for first, last, in_force in runs(lawful, view.edition, edges_of(sites)):
        regime = as_chosen(in_force, config.assessment)
        raw, usable = checked_hours(store, config, numbers, first, last, save=False, basis=view.basis)
        if events:
            usable = exceptional.spared(usable, first, columns, events)
        days = air.daily(usable, first, regime, STORED, asked)
        days = replace(days, status=with_invalid(days.status, raw, usable))
        found = days if place is None else area_days(place, sites, days, raw, usable, regime)
        if found is not None:
            made += rows_of(found, store.site_numbers[subject])
    return made


def rows_of(days: AirDays, number: int) -> list[AirDay]:
    """The first column of a judgement as rows."""
    return [
        AirDay(
            day=days.first_day + day,
            site=number,
            edition=days.edition,
            value=tuple(days.value[:, day, 0].tolist()),
            hours=tuple(days.hours[:, day, 0].tolist()),
            iaqi=tuple(days.iaqi[:, day, 0].tolist()),
            windows=int(days.windows[day, 0]),
            aqi=int(days.aqi[day, 0]),
            level=int(days.level[day, 0]),
            primary=int(days.primary[day, 0]),
            exceeding=int(days.exceeding[day, 0]),
            missing=int(days.missing[day, 0]),
            status=Status(int(days.status[day, 0])),
            stations=0 if days.stations is None else int(days.stations[:, day, 0].min()),
        )
        for day in range(days.status.shape[0])
    ]


def checked_hours(
    store: Store,
    config: Config,
    numbers: Sequence[int],
    first: int,
    last: int,
    save: bool = True,
    basis: Basis | None = None,
) -> tuple[IntArray, IntArray]:
    """Hourly values of some sites and days, as received and as QC lets them count; saves the verdicts if wanted.

    Both [pollutant, 24 x days, site]; the first with ABSENT, the second with NO_VALUE where there is nothing.
    """
    found, own = flagged_hours(store, config, numbers, first, last, basis)
    if save:
        start, end = periods.hour_ending(first, 0), periods.hour_ending(last, 24)
        tests = [*(test for test in qc.TESTS if test not in qc.AT_ENTRY), qc.REVIEW]
        store.save_flags(tests, numbers, start, end, found.verdicts(numbers, own))
    part = slice(len(POLLUTANTS)), own, slice(len(numbers))
    raw = found.grid.values[part]
    return raw, qc.usable(raw, qc.roll_up({test: flags[part] for test, flags in found.flags.items()}))


def flagged_hours(
    store: Store, config: Config, numbers: Sequence[int], first: int, last: int, basis: Basis | None = None
) -> tuple[quality.Checked, slice]:
    """Hourly values as received, and what QC says of them, with the days and stations beside them that QC looks at;
    and which of the times are those asked for. The sites asked for come first."""
    before, after = days_beside(config)
    columns = list(dict.fromkeys((*numbers, *sites_beside(config, store, numbers))))
    raw, marks = store.air_hours(columns, first - before, last + after, basis, [one.number for one in BESIDE])
    start = periods.hour_ending(first - before, 0)
    known = {store.site_numbers[site.id]: site for site in config.sites}
    frame = quality.frame_of(config, [known[number] for number in columns], start, 60, 60)
    reviews = store.reviews_in_force(frame.sites)
    found = quality.checked(raw, marks, (*PARAMETERS, *BESIDE)[: len(raw)], config, frame, reviews)
    found.flags["missing"][len(POLLUTANTS) :] = Flag.GOOD  # few stations measure these: their silence is no gap
    return found, slice(24 * before, 24 * (before + last - first + 1))


def days_beside(config: Config) -> tuple[int, int]:
    """How many days before and after a day QC looks into: it sees what came before midnight and after it."""
    return qc.reach(config.qc)[:2]


def sites_beside(config: Config, store: Store, numbers: Sequence[int]) -> list[int]:
    """The stations of the areas of some stations, where QC looks at neighbours."""
    if not qc.looks_around(config.qc):
        return []
    wanted = set(numbers)
    stations = {store.site_numbers[site.id]: site.area for site in config.sites if site.kind is Kind.STATION}
    areas = {area for number, area in stations.items() if number in wanted}
    return sorted(number for number, area in stations.items() if area in areas)


def verdicts(
    store: Store, config: Config, numbers: Sequence[int], first: int, last: int, basis: Basis | None = None
) -> list[Verdict]:
    """What QC says of the readings of some days, in the order of their hours; nothing is stored."""
    found, own = flagged_hours(store, config, numbers, first, last, basis)
    start, end = periods.hour_ending(first, 0), periods.hour_ending(last, 24)
    said = [*found.verdicts(numbers, own), *agreeing.verdicts(store, config, numbers, start, end, basis)]
    return sorted(said, key=lambda one: (one.ending, one.parameter, one.test))


def hourly_index(store: Store, config: Config, numbers: Sequence[int], first: int, last: int) -> IntArray:
    """Hourly index [24 x days, site] of some sites, each day by the edition in force on it; NO_VALUE where none is."""
    lawful = [day for day in range(first, last + 1) if standards.in_force(day)]
    index: IntArray = np.full((24 * (last - first + 1), len(numbers)), NO_VALUE, np.int32)
    if lawful:
        _, usable = checked_hours(store, config, numbers, first, last, save=False)
        for start, end, regime in runs(lawful):
            own = slice(24 * (start - first), 24 * (end - first + 1))
            index[own] = air.hourly(usable[:, own], regime.index, STORED).aqi
    return index


def with_invalid(status: IntArray, raw: IntArray, usable: IntArray) -> IntArray:
    """Status [day, site] where a day without any usable hour that did receive readings is INVALID, not MISSING."""
    by_day = (len(POLLUTANTS), *status.shape[:1], 24, *status.shape[1:])
    received = (raw.reshape(by_day) != ABSENT).any(axis=(0, 2))
    counted = (usable.reshape(by_day) != NO_VALUE).any(axis=(0, 2))
    return np.where(received & ~counted, Status.INVALID, status).astype(status.dtype)


def area_days(
    area: Area, sites: Sequence[Site], days: AirDays, raw: IntArray, usable: IntArray, regime: AirRegime
) -> AirDays | None:
    """The area's own days: from its stations, or those of its city series; None when none of `sites` is its own then.

    Which stations are in operation is the same on all of the days.
    """
    kind = Kind.STATION if area.air is Kind.STATION else Kind.CITY
    own = [site.area == area.id and site.kind is kind and site.counted for site in sites]
    columns = [i for i, site in enumerate(sites) if own[i] and site.open_on(days.first_day)]
    if not columns:
        return None
    if kind is not Kind.STATION:
        return only(days, columns[:1])
    found = air.area_days(usable[:, :, columns], days.first_day, regime, STORED, required=required(area))
    any_raw, any_usable = (values[:, :, columns].max(axis=2, keepdims=True) for values in (raw, usable))
    return replace(found, status=with_invalid(found.status, any_raw, any_usable))


def only(days: AirDays, columns: list[int]) -> AirDays:
    """Some columns (sites) of a judgement."""
    arrays: dict[str, Any] = {field.name: getattr(days, field.name) for field in fields(days)}
    picked: dict[str, Any] = {name: a[..., columns] for name, a in arrays.items() if isinstance(a, np.ndarray)}
    return replace(days, **picked)
