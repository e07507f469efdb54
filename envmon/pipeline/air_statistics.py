"""Air over a period: the figures of an area, its composite index, the year before, three years, and areas by rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from envmon import periods, standards
from envmon.assess import air_stats
from envmon.assess.air_stats import CompositeIndex, Figure, ItemFigures
from envmon.model import AirRegime, Area, Config, Rate, RateName, View
from envmon.periods import Period
from envmon.pipeline import rating
from envmon.store import Store


@dataclass(frozen=True, slots=True)
class AirPeriod:
    """An area's air over the closed days of a period, all by the edition of its last day.

    rate : of good days as it was asked for, by date unless an edition was named; compared : by that one edition, as the
    year before is.
    """

    area: Area
    period: Period
    regime: AirRegime
    rate: Rate
    compared: Rate
    items: Sequence[ItemFigures]
    composite: CompositeIndex

    @property
    def enough(self) -> bool:
        """Whether every pollutant has the valid days that the standard asks for."""
        return all(one.valid is not False for one in self.items)


@dataclass(frozen=True, slots=True)
class AirReport:
    """A period beside the same one of the year before (None: no data of it), and the moving means by pollutant."""

    now: AirPeriod
    before: AirPeriod | None
    moving: Mapping[str, Figure]


def report(store: Store, config: Config, area: Area, period: Period, now: int, view: View) -> AirReport | None:
    """An area's figures with their comparison; None when nothing of it was judged yet.

    Both periods are judged by one edition: that of the last day of this one, unless the view names another.
    """
    closed = period.until(periods.today(now) - 1)
    if closed.days < 1 or not rating.areas_with_air(config, area.id):
        return None
    one = View(standards.air(closed.last, view.edition).index.id, view.basis)
    found = over(store, config, area, closed, period, now, one, asked=view)
    if not any(item.days for item in found.items):
        return None
    earlier = periods.year_before(closed)
    before = over(store, config, area, earlier, earlier, now, one, found.regime)
    moving = {} if not periods.is_year(period) else moving_means(store, config, area, found, period, now, one)
    return AirReport(found, before if any(item.days for item in before.items) else None, moving)


def over(
    store: Store,
    config: Config,
    area: Area,
    closed: Period,
    whole: Period,
    now: int,
    view: View,
    regime: AirRegime | None = None,
    asked: View | None = None,
) -> AirPeriod:
    """An area's figures over the closed days of a period, by one edition and its limits; asked: the view of `rate`."""
    regime = regime or standards.air(closed.last, view.edition)
    days = rating.days_of(store, config, area.id, closed, view)
    items = air_stats.figures(days, closed, whole, regime, area.zone)
    compared = rating.rate(store, config, RateName.GOOD_DAYS, area.id, closed, now, view)
    rate = compared
    if asked not in (None, view):
        rate = rating.rate(store, config, RateName.GOOD_DAYS, area.id, closed, now, asked or view)
    index = air_stats.composite(items, regime, standards.composite())
    return AirPeriod(area, closed, regime, rate, compared, items, index)


def moving_means(
    store: Store, config: Config, area: Area, last: AirPeriod, period: Period, now: int, view: View
) -> dict[str, Figure]:
    """The moving means that end with a year, by pollutant; none where the edition has none or a year is not valid."""
    count = last.regime.statistics.moving_years
    if count is None or last.period.last != period.last:
        return {}
    years = [last]
    for _ in range(count - 1):
        earlier = periods.year_before(years[0].period)
        years.insert(0, over(store, config, area, earlier, earlier, now, view, last.regime))
    found = {}
    for row, item in enumerate(last.items):
        figure = air_stats.moving_mean([year.items[row] for year in years], last.regime)
        if figure is not None:
            found[item.item] = figure
    return found


BY = ("composite", "good_days", *(item for item in ("pm25", "pm10", "o3", "no2", "so2", "co")))
"""What areas may be ranked by."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An area's place among the others: by the figure itself, and by its change from the year before.

    One whose period has too few valid days has no place, whatever its figure. change : as `change` gives it.
    """

    report: AirReport
    value: int | None
    before: int | None
    change: int | None
    place: int | None
    change_place: int | None


def ranking(reports: Sequence[AirReport], by: str) -> list[Placed]:
    """Areas in order of a figure, best first, those without one at the end; equal figures share a place.

    The change is ranked by per cent (of the good-day rate by points): the largest improvement is first.
    """
    lower = by != "good_days"
    values = {one.now.area.id: ranked_by(one.now, by) for one in reports}
    earlier = {one.now.area.id: ranked_by(one.before, by) for one in reports if one.before is not None}
    changes = {one.now.area.id: change(one, by) for one in reports}
    short = {one.now.area.id for one in reports if not one.now.enough}
    lacking = short | {one.now.area.id for one in reports if one.before is not None and not one.before.enough}
    places = air_stats.ranks({name: None if name in short else value for name, value in values.items()}, lower)
    by_change = air_stats.ranks({name: None if name in lacking else value for name, value in changes.items()}, lower)
    found = [
        Placed(one, values[name], earlier.get(name), changes[name], places.get(name), by_change.get(name))
        for one in reports
        for name in (one.now.area.id,)
    ]
    return sorted(found, key=lambda one: (one.place is None, one.place))


def ranked_by(found: AirPeriod, by: str) -> int | None:
    """The published figure that areas are ranked by, in its own steps."""
    if by == "composite":
        return found.composite.total
    if by == "good_days":
        return found.rate.tenths
    item = next(one for one in found.items if one.item == by)
    figure = item.percentile if by in standards.composite().with_percentile else item.mean
    return None if figure is None else figure.shown


def change(report: AirReport, by: str) -> int | None:
    """Of a concentration or index tenths of a per cent; of a rate tenths of a point, both years by one edition."""
    if report.before is None:
        return None
    if by == "good_days":
        now, before = report.now.compared.tenths, report.before.compared.tenths
        return None if now is None or before is None else now - before
    now, before = ranked_by(report.now, by), ranked_by(report.before, by)
    return None if now is None or before is None else air_stats.change_tenths(now, before)
