"""Causes: why a published figure is another one now: what is judged otherwise, and the values that made it so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Self

from envmon import periods
from envmon.model import (
    HOURLY,
    POLLUTANTS,
    AirDay,
    Area,
    Basis,
    Causes,
    ChangedValue,
    Config,
    ExceptionalEvent,
    PublishedFigure,
    RateName,
    Site,
    Span,
    Turned,
    View,
)
from envmon.periods import Period
from envmon.pipeline import comparing, judge_air, judge_water, rating
from envmon.pipeline.explaining import CLASS, bounds
from envmon.store import Store
from envmon.store.figures import Given

LISTED = 50  # changed values that are kept one by one with a correction

Counts = Callable[[Given], bool]
"""Whether a value that a stream gives is among those a judgement is made of."""


@dataclass(frozen=True, slots=True)
class News:
    """What happened since the published figures were looked at last.

    days : judged (again), by site. events : entered or withdrawn. settings : names of those that changed.
    """

    days: Mapping[str, Sequence[int]]
    events: Sequence[ExceptionalEvent]
    settings: tuple[str, ...]

    def touched(self, sites: Iterable[Site], period: Period) -> list[int]:
        """The days of a period on which some of the sites were judged (again), in order."""
        return sorted({day for site in sites for day in self.days.get(site.id, ()) if day in period})


Known = tuple[str, View, int, int | None]
"""A day of an area in a view, and the last batch that tells of it; None: as it is known now."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What is known now beside what was known when a batch was the last, for all the figures that are looked at.

    What is found of a day for one figure serves the others too. To be used in a `with`.
    """

    store: Store
    config: Config
    now: int
    _opened: dict[int, Store] = field(default_factory=dict)
    _days: dict[Known, AirDay | None] = field(default_factory=dict)
    _values: dict[Known, list[ChangedValue]] = field(default_factory=dict)
    _undo: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def at(self, batch: int | None) -> Store:
        """The store as it was when a batch was the last; None: as it is."""
        if batch is None:
            return self.store
        if batch not in self._opened:
            then = Store.open(self.store.path, readonly=True, as_of=self.now, batch=batch)
            self._opened[batch] = self._undo.enter_context(then)
        return self._opened[batch]

    def days(self, wanted: Sequence[Known], batch: int | None) -> list[AirDay | None]:
        """Days of one area and view, in order, judged by what was known when a batch was the last; None where there is
        none."""
        missing = [one for one in wanted if one not in self._days]
        if missing:
            (area, view, first, _), last = missing[0], missing[-1][2]
            span = periods.between(first, last)
            found = {day.day: day for day in rating.days_of(self.at(batch), self.config, area, span, view)}
            self._days.update((one, found.get(one[2])) for one in missing)
        return [self._days[one] for one in wanted]

    def values(self, day: Known, sites: Sequence[Site], batch: int) -> list[ChangedValue]:
        """The values of a day that count otherwise than when a batch was the last."""
        if day not in self._values:
            self._values[day] = values_of_day(self.store, day[1], sites, day[2], batch)
        return self._values[day]


def causes_of(compared: Compared, figure: PublishedFigure, news: News, batch: int) -> tuple[Causes, int | None]:
    """Why a figure is another one than when a batch was the last, and the minute at which the earliest of the causes
    was learned.

    Of the values those are causes that count now, did not count so then, and lie where something is judged otherwise.
    Settings are named whenever they changed: what they did to a figure cannot be told apart from the rest.
    """
    of = turned_days if figure.rate.name is RateName.GOOD_DAYS else turned_sites
    turned: list[Turned] = []
    values: dict[tuple[int, str, str], ChangedValue] = {}
    for one, own in of(compared, figure, news, batch):
        turned.append(one)
        values.update(((value.ending, value.site, value.item), value) for value in own)
    listed = [values[key] for key in sorted(values)]
    learned = [value.learned for value in listed] + [event.learned for event in news.events]
    causes = Causes(
        values=tuple(listed[:LISTED]),
        count=len(listed),
        turned=tuple(turned),
        events=tuple(event.number for event in news.events),
        settings=news.settings,
    )
    return causes, min(learned, default=None)


def without_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fact for name, fact in facts.items() if name != "text"}


# --- days of air ------------------------------------------------------------------------------------------------------


def turned_days(
    compared: Compared, figure: PublishedFigure, news: News, batch: int
) -> Iterator[tuple[Turned, list[ChangedValue]]]:
    """The days of a figure that are judged otherwise now, each with its values that count otherwise."""
    config, view = compared.config, figure.view
    for area in rating.areas_with_air(config, figure.rate.subject):
        sites = judge_air.own_sites(config, area)
        touched = news.touched(sites, figure.rate.period)
        last = last_told(compared, sites, touched, batch)
        then = [(area.id, view, day, last[day]) for day in touched]
        was = compared.days(then, batch)
        now = compared.days([(area.id, view, day, None) for day in touched], None)
        for day, *pair in zip(then, was, now, strict=True):
            facts = [without_words(comparing.day_said(one, config.language)) for one in pair]
            if len({(one["good"], one["status"]) for one in facts}) > 1:
                turned = Turned(periods.single(day[2]).name, area.id, *facts)
                yield turned, compared.values(day, sites, batch)


def last_told(compared: Compared, sites: Sequence[Site], days: Sequence[int], batch: int) -> dict[int, int]:
    """Of each day (in order) the last batch up to a given one that tells of it or of the days beside it, into which QC
    looks: whatever came between the two, the day was known alike."""
    if not days:
        return {}
    store, beside = compared.store, max(1, judge_air.days_beside(compared.config))
    numbers = [store.site_numbers[site.id] for site in sites]
    span = bounds(Period(days[0] - beside, days[-1] + beside, ""))
    last = store.last_batches(numbers, *span, batch)
    return {day: max(last.get(one, 0) for one in range(day - beside, day + beside + 1)) for day in days}


def values_of_day(store: Store, view: View, sites: Sequence[Site], day: int, batch: int) -> list[ChangedValue]:
    """The values of a day that count otherwise; where there are none, those of the days beside it, into which QC
    looks."""

    def counts(one: Given) -> bool:
        hourly = one.span == Span.HOUR and one.ending % 60 == 0
        return hourly and one.item in POLLUTANTS and view.basis in (None, one.basis)

    for days in ([day], [day - 1, day + 1]):
        spans = [bounds(periods.single(one)) for one in days]
        if found := [value for span in spans for value in changed(store, sites, span, batch, counts, counts)]:
            return found
    return []


# --- sections and sources ---------------------------------------------------------------------------------------------


def turned_sites(
    compared: Compared, figure: PublishedFigure, news: News, batch: int
) -> Iterator[tuple[Turned, list[ChangedValue]]]:
    """The touched sites of a figure that are judged otherwise now in a period in which they are counted, each with its
    values of that period that count otherwise."""
    rate, config, store = figure.rate, compared.config, compared.store
    touched = [site for site in sites_of(config, figure) if news.touched([site], rate.period)]
    if not touched:
        return
    then = compared.at(batch)
    for part in rating.counted_in(rate.name, figure.period, rate.period):
        was, now = (rating.judged(known, config, touched, part, figure.view, figure.period) for known in (then, store))
        for site, before, after in zip(touched, was, now, strict=True):
            facts = [without_words(comparing.site_said(one, config.language)) for one in (before, after)]
            if facts[0] != facts[1]:
                counts = [counts_in(known, one) for known, one in ((then, before), (store, after))]
                values = changed(store, [site], bounds(part), batch, *counts)
                yield Turned(part.name, site.id, *facts), list(values)


def counts_in(store: Store, judged: rating.Judged) -> Counts:
    """Which values are among those a site is judged by."""
    made_of = [(part, judge_water.made_of(store, part)) for part in judged.parts]

    def counts(one: Given) -> bool:
        day = periods.day_of(one.ending)
        own_span = one.span in HOURLY
        return own_span and any(
            part.first <= day <= part.last and (one.item, one.basis) in own for part, own in made_of
        )

    return counts


# --- values -----------------------------------------------------------------------------------------------------------


def sites_of(config: Config, figure: PublishedFigure) -> list[Site]:
    """The sites whose readings a figure rests on."""
    name, subject = figure.rate.name, figure.rate.subject
    if name is RateName.GOOD_DAYS:
        areas: Iterable[Area] = rating.areas_with_air(config, subject)
        return [site for area in areas for site in judge_air.own_sites(config, area)]
    kind = rating.KINDS[name]
    return [one for one in config.sites if one.kind is kind and one.counted and subject in (rating.WHOLE, one.area)]


def changed(
    store: Store, sites: Sequence[Site], span: tuple[int, int], batch: int, counted: Counts, counts: Counts
) -> Iterator[ChangedValue]:
    """The values with first < ending <= last that count now and did not, or not so, when a batch was the last.

    counted, counts : which values were made use of then, and which are now. Where several streams give a value the one
    of the highest rank counts.
    """
    ids = {store.site_numbers[site.id]: site.id for site in sites}
    given = store.given_since(list(ids), *span, batch)
    for (ending, site, item), own in groupby(given, key=lambda one: (one.ending, one.site, one.item)):
        before = after = None
        for one in own:  # the highest rank comes last
            if one.known_then and counted(one):
                before = one
            if one.in_force and counts(one):
                after = one
        if item == CLASS or after is None:
            continue
        if before is None or (before.value, before.mark) != (after.value, after.mark):
            yield ChangedValue(
                site=ids[site],
                item=item,
                ending=ending,
                was=None if before is None else before.value,
                was_mark=0 if before is None else before.mark,
                value=after.value,
                mark=after.mark,
                basis=Basis(after.basis),
                source=after.source,
                origin=after.origin,
                learned=after.learned,
            )
