"""Correct: figures that left the program are counted again when what they rest on was touched, over the same days.

What was touched is remembered with the judgements that touched it, until the figures have been looked at. A round that
touches no published figure counts nothing here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from envmon import periods, standards
from envmon.errors import EnvmonError, UsageError
from envmon.model import (
    LEAVING,
    Basis,
    Causes,
    ChangedValue,
    Config,
    Correction,
    ExceptionalEvent,
    Kind,
    Place,
    PublishedFigure,
    Rate,
    RateName,
    Site,
    Turned,
    View,
    WaterPeriod,
)
from envmon.periods import Period
from envmon.pipeline import comparing, rating, rejudging
from envmon.pipeline.explaining import CLASS
from envmon.store import Store
from envmon.store.figures import Changed

LOG = logging.getLogger("envmon.correct")

LISTED = 50  # changed values that are kept one by one with a correction
TOUCHED, RESTED_ON = "figures_touched", "figures_rest_on"  # what the store remembers between rounds


# --- what is published ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A rate as somebody asks for it."""

    name: RateName
    area: str
    period: Period
    view: View


def publish(store: Store, config: Config, asked: Asked, document: str, note: str, now: int) -> PublishedFigure:
    """Enter a rate as it stands now as published by the bureau in a document.

    Raises UsageError for a document without a name, EnvmonError when nothing is counted in the period.
    """
    if not document.strip():
        raise UsageError("error.publish.document", option="--document")
    rate = rating.rate(store, config, asked.name, asked.area, asked.period, now, asked.view)
    if not rate.denominator:
        raise EnvmonError("error.publish.nothing", period=asked.period.name)
    told, batch = (document.strip(), note.strip()), store.last_batch()
    figure = PublishedFigure(now, Place.BUREAU, told[0], asked.period, asked.view, rate, batch, told[1])
    return record(store, config, [figure], now)[0]


def record(store: Store, config: Config, figures: Sequence[PublishedFigure], now: int) -> list[PublishedFigure]:
    """Enter figures that left the program; those that stand there unchanged keep their entry.

    What was published before is corrected first: a figure that is published anew is not compared any more. A chart that
    shows the rate of an earlier day as it stood then may be behind already, which is said at once.
    """
    with store.writing():
        correct(store, config, now)
        entered = store.enter_figures(figures)
        for figure in entered:
            if figure.batch < store.last_batch():
                every = {site.id: list(figure.rate.period) for site in sites_of(config, figure)}
                enter(store, correction(store, config, figure, News(every, [], ()), now))
    return entered


# --- what is touched --------------------------------------------------------------------------------------------------


def touch(store: Store, days: Sequence[tuple[int, int]], waters: Sequence[WaterPeriod]) -> None:
    """Remember the days and site numbers that were judged (again) where a published figure may count them."""
    pairs = {*days, *((one.first, one.site) for one in waters if one.span == "day")}
    if not pairs or not store.any_figure_over(min(pairs)[0], max(pairs)[0]):
        return
    names = {number: name for name, number in store.site_numbers.items()}
    touched = {name: set(own) for name, own in (store.meta(TOUCHED) or {}).items()}
    for day, number in pairs:
        touched.setdefault(names[number], set()).add(day)
    store.set_meta(TOUCHED, {name: sorted(own) for name, own in touched.items()})


@dataclass(frozen=True, slots=True)
class News:
    """What happened since the published figures were looked at last.

    days : judged (again), by site. events : entered or withdrawn. settings : names of those that changed.
    """

    days: Mapping[str, Sequence[int]]
    events: Sequence[ExceptionalEvent]
    settings: tuple[str, ...]


def settings_of(config: Config) -> dict[str, str]:
    """What decides rates besides readings and events: a digest of each."""
    known = rejudging.deciding(config)
    facts = {name: known[name] for name in ("rules", "qc", "sources")}
    facts |= {"assessment": config.assessment, "areas": config.areas, "sites": config.sites}
    return {name: sha256(repr(fact).encode()).hexdigest()[:16] for name, fact in facts.items()}


# --- what is corrected ------------------------------------------------------------------------------------------------


def correct(store: Store, config: Config, now: int) -> list[Correction]:
    """Enter a correction for every published figure that is another one now than it was last known to be."""
    events = store.events()
    rest: dict[str, Any] = {"settings": settings_of(config), "event": events[-1].number if events else 0}
    before = store.meta(RESTED_ON) or rest
    settings = tuple(name for name, digest in rest["settings"].items() if before["settings"].get(name) != digest)
    news = News(store.meta(TOUCHED) or {}, [one for one in events if one.number > before["event"]], settings)
    with store.writing():
        found = [enter(store, correction(store, config, one, news, now)) for one in concerned(store, news)]
        store.set_meta(TOUCHED, {})
        store.set_meta(RESTED_ON, rest)
    return [one for one in found if one is not None]


def enter(store: Store, one: Correction | None) -> Correction | None:
    """Enter a correction, if there is one, and log it."""
    if one is None:
        return None
    was, became = (f"{rate.numerator}/{rate.denominator}" for rate in (one.was, one.became))
    what = f"{one.was.name.value} of {one.was.subject} in {one.was.period.name}"
    LOG.info("published figure %s, %s, is corrected: %s -> %s", one.figure, what, was, became)
    return store.enter_correction(one)


def concerned(store: Store, news: News) -> list[PublishedFigure]:
    """The published figures that the news may change, by their days."""
    if news.settings:
        return store.figures_over(0, periods.LAST_DAY)
    days = {day for own in news.days.values() for day in own}
    days |= {periods.day_of(minute) for one in news.events for minute in (one.first + 1, one.last)}
    return store.figures_over(min(days), max(days)) if days else []


def correction(store: Store, config: Config, figure: PublishedFigure, news: News, now: int) -> Correction | None:
    """The correction of one figure; None when the news do not touch it, or it is what it was."""
    sites = sites_of(config, figure)
    period = figure.rate.period
    days = sorted({day for site in sites for day in news.days.get(site.id, ()) if day in period})
    events = [one for one in news.events if bears_on(one, figure, sites)]
    known_place = figure.rate.subject == rating.WHOLE or figure.rate.subject in {one.id for one in config.areas}
    if not (days or events or news.settings) or not known_place:
        return None
    was, batch = store.state_of_figure(figure)
    became = counted_again(store, config, figure)
    if said(was) == said(became):
        return None
    causes, since = causes_of(store, config, figure, sites, days, News({}, events, news.settings), batch, now)
    return Correction(figure.number, now, since, was, became, causes, store.last_batch())


def sites_of(config: Config, figure: PublishedFigure) -> list[Site]:
    """The sites whose readings a figure rests on."""
    name, area = figure.rate.name, figure.rate.subject
    kinds = (Kind.CITY, Kind.STATION) if name is RateName.GOOD_DAYS else (rating.KINDS[name],)
    return [site for site in config.sites if site.kind in kinds and area in (rating.WHOLE, site.area)]


def bears_on(event: ExceptionalEvent, figure: PublishedFigure, sites: Sequence[Site]) -> bool:
    """Whether an event may change the counts of a figure. Those that spoil values stand beside it."""
    period = figure.rate.period
    start, end = periods.hour_ending(period.first, 0), periods.hour_ending(period.last, 24)
    subjects = {rating.WHOLE, *(one.id for one in sites), *(one.area for one in sites)}
    water = figure.rate.name is not RateName.GOOD_DAYS
    return water and event.kind in LEAVING and event.subject in subjects and event.first < end and start < event.last


def counted_again(store: Store, config: Config, figure: PublishedFigure) -> Rate:
    """The figure as it is now, over the very days that were counted when it was published."""
    rate = figure.rate
    then = periods.hour_ending(rate.period.last, 24)
    return rating.rate(store, config, rate.name, rate.subject, figure.period, then, figure.view)


def said(rate: Rate) -> tuple[object, ...]:
    """What makes two rates the same figure."""
    excluded = {one.reason: one.count for one in rate.excluded if one.count}
    return rate.numerator, rate.denominator, rate.tenths, excluded


# --- because of what --------------------------------------------------------------------------------------------------


def causes_of(
    store: Store,
    config: Config,
    figure: PublishedFigure,
    sites: Sequence[Site],
    days: Sequence[int],
    news: News,
    batch: int,
    now: int,
) -> tuple[Causes, int | None]:
    """Why a figure changed, and the minute at which the earliest of the causes was learned.

    Values that came after a batch come first: those on days, or of sites, that were judged otherwise before. Settings
    are named where neither values nor events explain the change.
    """
    rows = changed(store, figure, sites, days, batch)
    turned = list(turned_by(store, config, figure, rows, batch, now)) if rows else []
    if turned:
        rows = [row for row in rows if concerns(row, turned, store, config)]
    elif news.events or news.settings:
        rows = []
    settings = () if rows or news.events else news.settings
    learned = [row[-1] for row in rows] + [one.learned for one in news.events]
    causes = Causes(
        values=tuple(changed_value(store, row, batch) for row in rows[:LISTED]),
        count=len(rows),
        turned=tuple(turned),
        events=tuple(one.number for one in news.events),
        settings=settings,
    )
    return causes, min(learned, default=None)


def changed(
    store: Store, figure: PublishedFigure, sites: Sequence[Site], days: Sequence[int], batch: int
) -> list[Changed]:
    """The values on some days of a figure that came after a batch; where there are none, those of the days beside its
    period, into which QC looks."""
    numbers = [store.site_numbers[site.id] for site in sites]
    period, names = figure.rate.period, standards.parameter_numbers()
    for where in (days, (period.first - 1, period.last + 1) if days else ()):
        ends = [(periods.hour_ending(day, 0), periods.hour_ending(day, 24)) for day in where]
        found = [row for span in ends for row in store.changed_readings(numbers, *span, batch, figure.view.basis)]
        if rows := [row for row in found if names[row[2]].id != CLASS]:
            return rows
    return []


def turned_by(
    store: Store, config: Config, figure: PublishedFigure, rows: Sequence[Changed], batch: int, now: int
) -> Iterator[Turned]:
    """What is judged otherwise now than when a batch was the last, among the days and sites of changed values."""
    with Store.open(store.path, readonly=True, as_of=now, batch=batch) as then:
        if figure.rate.name is RateName.GOOD_DAYS:
            yield from turned_days(then, store, config, figure, {periods.day_of(row[0]) for row in rows})
        else:
            numbers = {row[1] for row in rows}
            own = [site for site in sites_of(config, figure) if store.site_numbers[site.id] in numbers]
            yield from turned_sites(then, store, config, figure, own)


def turned_days(
    then: Store, store: Store, config: Config, figure: PublishedFigure, days: Iterable[int]
) -> Iterator[Turned]:
    for area in rating.areas_with_air(config, figure.rate.subject):
        for day in sorted(days):
            span = periods.single(day)
            was, now = (
                next(iter(rating.days_of(one, config, area.id, span, figure.view)), None) for one in (then, store)
            )
            facts = [without_words(comparing.day_said(one, config.language)) for one in (was, now)]
            if len({(one["good"], one["status"]) for one in facts}) > 1:
                yield Turned(span.name, area.id, *facts)


def turned_sites(
    then: Store, store: Store, config: Config, figure: PublishedFigure, sites: Sequence[Site]
) -> Iterator[Turned]:
    period, view = figure.rate.period, figure.view
    by_site = (rating.judged(one, config, sites, period, view) for one in (then, store))
    for site, pair in zip(sites, zip(*by_site, strict=True), strict=True):
        was, now = (without_words(comparing.site_said(one, config.language)) for one in pair)
        if was != now:
            yield Turned(period.name, site.id, was, now)


def without_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fact for name, fact in facts.items() if name != "text"}


def concerns(row: Changed, turned: Sequence[Turned], store: Store, config: Config) -> bool:
    """Whether a value lies on a day, or belongs to a site, that is judged otherwise."""
    site = next(one for one in config.sites if store.site_numbers[one.id] == row[1])
    day = periods.single(periods.day_of(row[0])).name
    return any(one.subject == site.id or (one.subject, one.when) == (site.area, day) for one in turned)


def changed_value(store: Store, row: Changed, batch: int) -> ChangedValue:
    """One row with the value that counted before."""
    ending, number, parameter, _, value, mark, basis, source, origin, learned = row
    before = store.value_known(number, parameter, ending, batch)
    return ChangedValue(
        site=next(name for name, one in store.site_numbers.items() if one == number),
        item=standards.parameter_numbers()[parameter].id,
        ending=ending,
        was=None if before is None else before[0],
        was_mark=0 if before is None else before[1],
        value=value,
        mark=mark,
        basis=Basis(basis),
        source=source,
        origin=origin,
        learned=learned,
    )
