"""Judge the air: every closed day that has no judgement yet, or whose readings were revised since."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from envmon import periods, qc, standards
from envmon.assess import air
from envmon.model import (
    ABSENT,
    NO_VALUE,
    POLLUTANTS,
    AirDay,
    AirDays,
    AirRegime,
    Area,
    Config,
    IntArray,
    Kind,
    Medium,
    Site,
    Status,
)
from envmon.store import Store

PARAMETERS = tuple(standards.parameters()[name] for name in POLLUTANTS)
STORED = tuple(parameter.decimals for parameter in PARAMETERS)
LOG = logging.getLogger("envmon.judge")

CONTEXT = 1  # days before the ones judged, so that QC sees what came before midnight


def judge_air(store: Store, config: Config, now: int) -> list[tuple[int, int]]:
    """Judge what is pending and return it as (day, site number) pairs, areas included."""
    sites = {store.site_numbers[site.id]: site for site in config.sites if site.kind in (Kind.CITY, Kind.STATION)}
    pending = pending_days(store, sites, now)
    judged: list[tuple[int, int]] = []
    lawful = sorted(day for day in pending if standards.in_force(day))
    if len(lawful) < len(pending):
        LOG.info("%s days lie before the first standard: kept, not judged", len(pending) - len(lawful))
    for first, last, regime in runs(lawful):
        numbers = {number for day in range(first, last + 1) for number in pending.get(day, ())}
        judged += judge_run(store, config, with_neighbours(config, store, sites, numbers), first, last, regime)
    store.clean(Medium.AIR, [(day, site) for day in pending for site in pending[day]])
    return judged


def pending_days(store: Store, sites: dict[int, Site], now: int) -> dict[int, set[int]]:
    """Closed days to judge, with the sites that need it: touched since, or without any judgement so far."""
    closed = periods.today(now) - 1
    pending: dict[int, set[int]] = defaultdict(set)
    for day, site in store.dirty(Medium.AIR):
        if day <= closed and site in sites:
            pending[day].add(site)
    last = store.last_air_days()
    for number in sites:
        since = last.get(number)
        if since is None:
            touched = [day for day in pending if number in pending[day]]
            since = min(touched) if touched else closed
        for day in range(since + 1, closed + 1):
            pending[day].add(number)
    return pending


def runs(days: Sequence[int]) -> Iterator[tuple[int, int, AirRegime]]:
    """Unbroken runs of days under one regime: (first, last, regime)."""
    start = 0
    for i, day in enumerate(days):
        regime = standards.air(day)
        following = days[i + 1] if i + 1 < len(days) else None
        if following != day + 1 or standards.air(following).name != regime.name:
            yield days[start], day, regime
            start = i + 1


def with_neighbours(config: Config, store: Store, sites: dict[int, Site], numbers: set[int]) -> list[Site]:
    """The sites to judge: those asked for and, for an area made of its stations, all the other stations of it."""
    areas = {sites[number].area for number in numbers}
    together = {area.id for area in config.areas if area.id in areas and area.air is Kind.STATION}
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
    numbers = [store.site_numbers[site.id] for site in sites]
    raw, usable = checked_hours(store, config, numbers, first, last)
    days = air.daily(usable, first, regime, STORED)
    days = replace(days, status=with_invalid(days.status, raw, usable))
    store.save_air_days(days, numbers)
    judged = set(numbers)
    for area in config.areas:
        found = area_days(area, sites, days, usable, regime)
        if found is not None:
            judged.add(store.site_numbers[area.id])
            store.save_air_days(found, [store.site_numbers[area.id]])
    return [(day, number) for day in range(first, last + 1) for number in sorted(judged)]


def judged_again(store: Store, config: Config, subject: str, period: periods.Period, edition: str) -> list[AirDay]:
    """The days of an area or air site judged by a named edition instead of the one in force; nothing is stored."""
    place = next((one for one in config.areas if one.id == subject), None)
    if place is None:
        sites = [site for site in config.sites if site.id == subject and site.kind in (Kind.CITY, Kind.STATION)]
    else:
        kind = Kind.STATION if place.air is Kind.STATION else Kind.CITY
        sites = [site for site in config.sites if site.area == subject and site.kind is kind and site.counted]
    if not sites or not period.days > 0:
        return []
    numbers = [store.site_numbers[site.id] for site in sites]
    raw, usable = checked_hours(store, config, numbers, period.first, period.last, save=False)
    regime = standards.air(period.first, edition)
    days = air.daily(usable, period.first, regime, STORED)
    days = replace(days, status=with_invalid(days.status, raw, usable))
    found = days if place is None else area_days(place, sites, days, usable, regime)
    return [] if found is None else rows_of(found, store.site_numbers[subject])


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
    store: Store, config: Config, numbers: Sequence[int], first: int, last: int, save: bool = True
) -> tuple[IntArray, IntArray]:
    """Hourly values of some sites and days, as received and as QC lets them count; saves the verdicts if wanted.

    Both [pollutant, 24 x days, site]; the first with ABSENT, the second with NO_VALUE where there is nothing.
    """
    raw, marks = store.air_hours(numbers, first - CONTEXT, last)
    flags = qc.check(raw, marks, PARAMETERS, config.qc)
    own = slice(24 * CONTEXT, None)
    flags = {test: found[:, own] for test, found in flags.items()}
    raw = raw[:, own]
    if not save:
        return raw, qc.usable(raw, qc.roll_up(flags))
    start = periods.hour_ending(first, 0)
    verdicts = qc.verdicts(flags, start, 60, numbers, [parameter.number for parameter in PARAMETERS])
    store.save_flags(list(flags), numbers, start, periods.hour_ending(last, 24), verdicts)
    return raw, qc.usable(raw, qc.roll_up(flags))


def with_invalid(status: IntArray, raw: IntArray, usable: IntArray) -> IntArray:
    """Status [day, site] where a day without any usable hour that did receive readings is INVALID, not MISSING."""
    by_day = (len(POLLUTANTS), *status.shape[:1], 24, *status.shape[1:])
    received = (raw.reshape(by_day) != ABSENT).any(axis=(0, 2))
    counted = (usable.reshape(by_day) != NO_VALUE).any(axis=(0, 2))
    return np.where(received & ~counted, Status.INVALID, status).astype(status.dtype)


def area_days(area: Area, sites: Sequence[Site], days: AirDays, usable: IntArray, regime: AirRegime) -> AirDays | None:
    """The area's own days: from its stations, or those of its city series; None when none of `sites` belongs to it."""
    kind = Kind.STATION if area.air is Kind.STATION else Kind.CITY
    columns = [i for i, site in enumerate(sites) if site.area == area.id and site.kind is kind and site.counted]
    if not columns:
        return None
    if kind is Kind.STATION:
        return air.area_days(usable[:, :, columns], days.first_day, regime, STORED)
    return only(days, columns[:1])


def only(days: AirDays, columns: list[int]) -> AirDays:
    """Some columns (sites) of a judgement."""
    arrays: dict[str, Any] = {field.name: getattr(days, field.name) for field in fields(days)}
    picked: dict[str, Any] = {name: a[..., columns] for name, a in arrays.items() if isinstance(a, np.ndarray)}
    return replace(days, **picked)
