"""Evidence for a day that may have been one of dust: hours, neighbours, the rates with and without it. No verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from envmon import periods
from envmon.assess import exceptional
from envmon.model import (
    ABSENT,
    NO_VALUE,
    POLLUTANTS,
    Area,
    Config,
    EventKind,
    ExceptionalEvent,
    Kind,
    Rate,
    RateName,
    Site,
    View,
)
from envmon.periods import Period
from envmon.pipeline import judge_air, rating
from envmon.rounding import half_even, printed
from envmon.standards import good_up_to, parameters
from envmon.store import Store

AROUND = 1  # days shown before and after
MOST = 8  # series in the chart
ITEMS = ("pm10", "pm25")
RATIO = 2  # decimals of the ratio


@dataclass(frozen=True, slots=True)
class Series:
    """Hours of one air site, in whole µg/m³; None for a gap. ratio : PM2.5 / PM10 in hundredths."""

    site: Site
    area: Area
    pm10: Sequence[int | None]
    pm25: Sequence[int | None]
    ratio: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Deducted:
    """An area with and without the day: its index, what the others leave of it, and the rate of the year to date."""

    area: Area
    aqi: int | None
    rest: int | None  # index of the other pollutants
    otherwise: str  # as `exceptional.otherwise`
    rate: Rate  # with `without`, as if the event were decided


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything about a day: `first` is the day the hours begin with."""

    day: int
    first: int
    series: Sequence[Series]
    areas: Sequence[Deducted]


def pack(store: Store, config: Config, area: str, day: int, now: int) -> Pack:
    """The evidence for one day; of an area the series of its own sites come first, its neighbours' after them."""
    wanted = rating.areas_with_air(config, area)
    first, last = day - AROUND, day + AROUND
    found = [one for one in hours(store, config, first, last) if any(value is not None for value in one.pm10)]
    own = {one.id for one in wanted}
    found.sort(key=lambda one: (one.area.id not in own, one.site.kind is not Kind.CITY, one.area.id, one.site.name))
    return Pack(day, first, found, [deducted(store, config, one, day, now) for one in wanted])


def hours(store: Store, config: Config, first: int, last: int) -> list[Series]:
    """Hourly particles of every air site of the bureau, as QC lets them count."""
    areas = {area.id: area for area in config.areas}
    sites = [site for site in config.sites if site.kind in (Kind.CITY, Kind.STATION)]
    numbers = [store.site_numbers[site.id] for site in sites]
    _, usable = judge_air.checked_hours(store, config, numbers, first, last, save=False)
    rows = {item: usable[POLLUTANTS.index(item)] for item in ITEMS}
    steps = {item: 10 ** parameters()[item].decimals for item in ITEMS}
    made = []
    for column, site in enumerate(sites):
        exact = {item: rows[item][:, column].tolist() for item in ITEMS}
        whole = {
            item: [None if value in (NO_VALUE, ABSENT) else half_even(value, steps[item]) for value in exact[item]]
            for item in ITEMS
        }
        ratio = [
            None if fine < 0 or coarse <= 0 else half_even(10**RATIO * fine * steps["pm10"], coarse * steps["pm25"])
            for fine, coarse in zip(exact["pm25"], exact["pm10"], strict=True)
        ]
        made.append(Series(site, areas[site.area], whole["pm10"], whole["pm25"], ratio))
    return made


def deducted(store: Store, config: Config, area: Area, day: int, now: int) -> Deducted:
    """An area with and without the particles of a day."""
    start, end = periods.hour_ending(day, 0), periods.hour_ending(day, 24)
    event = ExceptionalEvent(0, EventKind.DUST, area.id, ITEMS, start, end, "", "")
    period = periods.single(day)
    year = Period(periods.year_of(day).first, day, f"{periods.calendar(day).year}")
    spared = rating.spared_days(store, config, area.id, period, View(), [event])
    rate = rating.rate(store, config, RateName.GOOD_DAYS, area.id, year, now)
    rate = replace(rate, without=rating.good_days(store, config, area.id, year, View(), [event]).without)
    own = rating.days_of(store, config, area.id, period)
    left = None if spared is None else spared.days.get(day)
    if not own or left is None:
        return Deducted(area, None, None, "same", rate)
    limits = {one.edition: good_up_to(one.edition) for one in (*own, left)}
    outcome = exceptional.otherwise(own[0], left, limits, config.assessment.deducted)
    return Deducted(area, _index(own[0].aqi), _index(left.aqi), outcome, rate)


def _index(aqi: int) -> int | None:
    return None if aqi < 0 else aqi


def hour_rows(found: Pack) -> list[dict[str, Any]]:
    """One row for each hour of each series: time of its end, concentrations in µg/m³, ratio."""
    return [
        {
            "ending": periods.clock(periods.hour_ending(found.first, hour)),
            "area": one.area.name,
            "site": one.site.name,
            "pm10": one.pm10[hour - 1],
            "pm25": one.pm25[hour - 1],
            "ratio": None if (ratio := one.ratio[hour - 1]) is None else printed(ratio, RATIO),
        }
        for one in found.series
        for hour in range(1, len(one.pm10) + 1)
    ]


def draw(store: Store, config: Config, found: Pack, subject: str, folder: Path) -> list[Path]:
    """The chart of a pack as PNG and SVG; nothing when no series has particles."""
    from envmon import charts
    from envmon.charts.dust import DustData, DustSeries
    from envmon.pipeline.drawing import provenance

    if not found.series:
        return []
    days = [day for one in found.areas for day in rating.days_of(store, config, one.area.id, periods.single(found.day))]
    series = [
        DustSeries(one.site.name, _floats(one.pm10, 1), _floats(one.pm25, 1), _floats(one.ratio, 10**RATIO))
        for one in found.series[:MOST]
    ]
    source = provenance(store, days[:1], periods.single(found.day))
    data = DustData(subject, found.day, found.first, series, source)
    name = f"dust-{periods.calendar(found.day)}"
    return charts.save(charts.CHARTS["dust"](data, config.language), folder / name)


def _floats(values: Sequence[int | None], scale: int) -> list[float]:
    return [math.nan if value is None else value / scale for value in values]
