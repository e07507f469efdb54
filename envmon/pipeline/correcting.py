"""Correct: figures that left the program are counted again when what they rest on was touched, over the same days.

What was touched is remembered with the judgements that touched it, until the figures have been looked at. A round that
touches no published figure counts nothing here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from envmon import periods, standards
from envmon.errors import EnvmonError, UsageError
from envmon.model import (
    LEAVING,
    Config,
    Correction,
    ExceptionalEvent,
    Place,
    PublishedFigure,
    Rate,
    RateName,
    Site,
    View,
    WaterPeriod,
)
from envmon.periods import Period
from envmon.pipeline import rating, rejudging
from envmon.pipeline.causes import Compared, News, causes_of, sites_of
from envmon.store import Store

LOG = logging.getLogger("envmon.correct")

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

    Raises UsageError for a document without a name and for a rate of water by an edition (those are of air),
    EnvmonError when nothing is counted in the period.
    """
    if not document.strip():
        raise UsageError("error.publish.document", option="--document")
    if asked.name is not RateName.GOOD_DAYS and asked.view.edition != standards.BY_DATE:
        raise UsageError("error.publish.standard", option="--standard", edition=asked.view.edition)
    rate = rating.rate(store, config, asked.name, asked.area, asked.period, now, asked.view)
    if not rate.denominator:
        raise EnvmonError("error.publish.nothing", period=asked.period.name)
    told, batch = (document.strip(), note.strip()), store.judged_batch()
    figure = PublishedFigure(now, Place.BUREAU, told[0], asked.period, asked.view, rate, batch, told[1])
    return record(store, config, [figure], now)[0]


def record(store: Store, config: Config, figures: Sequence[PublishedFigure], now: int) -> list[PublishedFigure]:
    """Enter figures that left the program; those that stand there unchanged keep their entry.

    What was published before is corrected first: a figure that is published anew is not compared any more. A chart that
    shows the rate of an earlier day as it stood then may be behind already, which is said at once.
    """
    with store.writing(), Compared(store, config, now) as compared:
        correct(store, config, now)
        entered = store.enter_figures(figures)
        for figure in entered:
            if figure.batch < store.judged_batch():
                every = {site.id: list(figure.rate.period) for site in sites_of(config, figure)}
                enter(store, correction(compared, figure, News(every, [], ())))
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


def settings_of(config: Config) -> dict[str, str]:
    """What decides rates besides readings and events: a digest of each."""
    known = rejudging.deciding(config)
    facts = {name: known[name] for name in ("rules", "qc", "sources")}
    facts |= {name: getattr(config, name) for name in ("assessment", "areas", "sites", "maintenance", "preferences")}
    return {name: sha256(repr(fact).encode()).hexdigest()[:16] for name, fact in facts.items()}


# --- what is corrected ------------------------------------------------------------------------------------------------


def correct(store: Store, config: Config, now: int, judged: bool = False) -> list[Correction]:
    """Enter a correction for every published figure that is another one now than it was last known to be.

    judged : what is pending has just been judged. Settings that changed and reviews are remembered until then: only
    from then on do all judgements rest on them.
    """
    events = store.events()
    reviews = store.reviews_made()
    rest: dict[str, Any] = {"settings": settings_of(config), "event": events[-1].number if events else 0}
    rest["review"] = reviews[-1].number if reviews else 0
    before = {**rest, **(store.meta(RESTED_ON) or {})}
    told = before["settings"]  # an earlier version did not remember all of them
    settings = tuple(name for name, digest in rest["settings"].items() if told.get(name, digest) != digest)
    fresh = [one for one in events if one.number > before["event"]]
    decided = [one for one in reviews if one.number > before["review"]]
    news = News(store.meta(TOUCHED) or {}, fresh, settings, decided)
    with store.writing(), Compared(store, config, now, before["review"]) as compared:
        found = [enter(store, correction(compared, one, news)) for one in concerned(store, news)]
        store.set_meta(TOUCHED, {})
        kept = {} if judged else {name: before[name] for name in ("settings", "review")}
        store.set_meta(RESTED_ON, rest | kept)
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


def correction(compared: Compared, figure: PublishedFigure, news: News) -> Correction | None:
    """The correction of one figure; None when the news do not touch it, or it is what it was."""
    store, config, subject = compared.store, compared.config, figure.rate.subject
    sites = sites_of(config, figure)
    touched = news.touched(sites, figure.rate.period)
    events = [one for one in news.events if bears_on(one, figure, sites)]
    known_place = subject == rating.WHOLE or subject in {one.id for one in config.areas}
    if not (touched or events or news.settings) or not known_place:
        return None
    was, batch = store.state_of_figure(figure)
    became = counted_again(store, config, figure)
    if said(was) == said(became):
        return None
    start, end = periods.hour_ending(figure.rate.period.first, 0), periods.hour_ending(figure.rate.period.last, 24)
    own = {site.id for site in sites}
    reviews = [one for one in news.reviews if one.site in own and one.first < end and start < one.last]
    causes, since = causes_of(compared, figure, replace(news, events=events, reviews=reviews), batch)
    return Correction(figure.number, compared.now, since, was, became, causes, store.judged_batch())


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
