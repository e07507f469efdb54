"""Draw: the charts of a period into a dated folder under charts/, with an index page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envmon import periods, standards
from envmon.model import (
    NO_VALUE,
    POLLUTANTS,
    AirDay,
    Area,
    Config,
    Kind,
    Place,
    PublishedFigure,
    Rate,
    RateName,
    Span,
    Status,
    Target,
    View,
    WaterClass,
)
from envmon.periods import Period
from envmon.pipeline import judge_water, rating
from envmon.store import Store
from envmon.texts import t

if TYPE_CHECKING:  # matplotlib takes half a second to import; only drawing pays for it
    from envmon.charts import (
        CalendarData,
        DayRun,
        LimitSpan,
        MonthClass,
        PollutantsData,
        Provenance,
        RateLine,
        RatesData,
        SectionsData,
    )

Shown = tuple[Rate, Period, View, int]
"""A rate that a chart shows, the period and the view it was asked for, and the last batch of readings that is in it."""

Chart = tuple[str, str, Any, Sequence[Shown]]
"""Name of the file, kind of chart (a name in CHARTS), its data, the rates it shows."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The files that were written, the index page last, and the figures in them, to be recorded (`correcting`)."""

    files: Sequence[Path]
    figures: Sequence[PublishedFigure]


def draw(store: Store, config: Config, period: Period, now: int) -> Drawn:
    """Draw every chart the period has data for; nothing when there is no data."""
    from envmon import charts

    folder = Path(config.paths.charts) / period.name
    items, files = [], []
    figures: list[PublishedFigure] = []
    for name, kind, data, shown in charts_of(store, config, period, now):
        figure = charts.CHARTS[kind](data, config.language)
        png, svg = charts.save(figure, folder / name)
        items.append(charts.IndexItem(png.name, svg.name, charts.WORDS[kind](data, config.language)))
        files += [png, svg]
        for rate, asked, view, batch in shown:
            if rate.denominator:
                place = f"{folder.name}/{name}"
                figures.append(PublishedFigure(now, Place.CHART, place, asked, view, rate, batch))
    if not items:
        return Drawn((), ())
    title = t("charts.page.title", config.language, bureau=config.bureau, period=period.name)
    page = folder / "index.html"
    page.write_text(charts.index_page(title, items, config.language), encoding="utf-8")
    return Drawn([*files, page], figures)


def charts_of(store: Store, config: Config, period: Period, now: int) -> Iterator[Chart]:
    """The charts of a period: per area the air; of the whole bureau the rates and the water.

    They end with the last day that was judged: one that is over and waits for its round is not drawn as missing.
    """
    now = min(now, periods.hour_ending(judge_water.judged_until(store) + 1, 23))
    closed = period.until(periods.today(now) - 1)
    if closed.days < 1:
        return
    batch = store.judged_batch()
    year = periods.year_of(closed.last).until(closed.last)
    for area in config.areas:
        days = store.air_days(store.site_numbers[area.id], closed.first, closed.last)
        if days:
            good = rating.rate(store, config, RateName.GOOD_DAYS, area.id, period, now)
            shown = [(good, period, View(), batch)]
            yield f"calendar-{area.id}", "calendar", calendar(store, area, days, closed), shown
            yield f"pollutants-{area.id}", "pollutants", pollutants(store, area, days, closed), ()
    for subject in dict.fromkeys(target.area for target in config.targets):
        lines = rates(store, config, subject, year, now)
        if lines is not None:
            name = "bureau" if subject == rating.WHOLE else subject
            yield f"rates-{name}", "rates", lines, list(shown_by(store, lines, batch))
    grid = sections(store, config, year, now)
    if grid is not None:
        yield from sections_pages(grid)


def sections_pages(data: SectionsData) -> Iterator[Chart]:
    from envmon import charts

    for count, page in enumerate(charts.pages(data), 1):
        yield ("sections" if count == 1 else f"sections-{count}"), "sections", page, ()


def calendar(store: Store, area: Area, days: list[AirDay], period: Period) -> CalendarData:
    """The area's daily levels."""
    from envmon import charts

    return charts.CalendarData(area.name, tuple(runs(days)), standards.air_levels(), provenance(store, days, period))


def runs(days: list[AirDay]) -> Iterator[DayRun]:
    """Days as runs without gap under one edition."""
    import numpy as np

    from envmon import charts

    start = 0
    for i, day in enumerate(days):
        following = days[i + 1] if i + 1 < len(days) else None
        if following is None or following.day != day.day + 1 or following.edition != day.edition:
            part = days[start : i + 1]
            columns = [np.array([getattr(d, name) for d in part]) for name in ("level", "aqi", "primary", "status")]
            yield charts.DayRun(day.edition, part[0].day, *columns)
            start = i + 1


def provenance(store: Store, days: list[AirDay], period: Period) -> Provenance:
    from envmon import charts

    editions = tuple(dict.fromkeys(day.edition for day in days))
    valid = sum(day.status is Status.VALID for day in days)
    bases = store.bases(Span.HOUR)
    return charts.Provenance(editions, period, valid, period.days, "days", bases[0] if len(bases) == 1 else None)


def pollutants(store: Store, area: Area, days: list[AirDay], period: Period) -> PollutantsData:
    """Daily values of a period of up to two months, monthly means of a longer one, with the limits in force."""
    import numpy as np

    from envmon import charts

    values = np.full((len(POLLUTANTS), period.days), NO_VALUE, np.int32)
    for day in days:
        values[:, day.day - period.first] = day.value
    regime = standards.air(period.last)
    decimals = {name: regime.index.columns[regime.index.daily[name]].decimals for name in POLLUTANTS}
    limits = tuple(limit_spans(area, period))
    source = provenance(store, days, period)
    if period.days <= 62:
        spans = tuple(periods.single(day) for day in period)
        return charts.PollutantsData(area.name, values, spans, decimals, limits, source)
    means, spans = charts.monthly_means(values, period.first, period, regime.validity)
    return charts.PollutantsData(area.name, means, spans, decimals, limits, source, monthly=True)


def limit_spans(area: Area, period: Period) -> Iterator[LimitSpan]:
    """The stretches of a period over which one set of limits is in force."""
    from envmon import charts

    first = period.first
    for day in period:
        limits = standards.air(day).limits
        if day == period.last or standards.air(day + 1).limits.phase != limits.phase:
            yield charts.LimitSpan(first, day, limits, area.zone)
            first = day + 1


def rates(store: Store, config: Config, subject: str, year: Period, now: int) -> RatesData | None:
    """The three rates of an area (or the bureau) day by day through the year, each against its target."""
    from envmon import charts

    lines: list[RateLine] = []
    for target in config.targets:
        if target.area == subject and target.period.first <= year.last <= target.period.last:
            lines.append(line(store, config, target, year, now))
    lines = [one for one in lines if one.rates]
    if not lines:
        return None
    last = lines[0].rates[-1]
    editions = tuple(dict.fromkeys(name for one in lines for name in one.rates[-1].editions))
    whole = periods.year_of(year.last)
    source = charts.Provenance(editions, year, last.denominator, expected_of(last), unit_of(last.name))
    name = t("bureau.whole", config.language) if subject == rating.WHOLE else rating.area_name(config, subject)
    return charts.RatesData(name, whole, tuple(lines), source)


def line(store: Store, config: Config, target: Target, year: Period, now: int) -> RateLine:
    """One target's rate as it was kept from day to day."""
    from envmon import charts

    kept = store.rates(target.rate, target.area, target.period.first, year.last, target.edition)
    return charts.RateLine(target.rate, tuple(kept), rating.stand(store, config, target, now) if kept else None)


def shown_by(store: Store, data: RatesData, judged: int) -> Iterator[Shown]:
    """Where every line stands. That of an earlier day was kept as it stood on the day after, with what was known then.

    judged : the last batch that was judged.
    """
    for one in data.lines:
        if one.outlook is not None:
            rate = one.rates[-1]
            known = store.last_batch(periods.hour_ending(rate.period.last + 1, 24))
            yield rate, one.outlook.target.period, View(one.outlook.target.edition), min(known, judged)


def expected_of(rate: Rate) -> int:
    return int(rate.denominator + sum(one.count for one in rate.excluded))


def unit_of(name: RateName) -> str:
    return "days" if name is RateName.GOOD_DAYS else "judgements"


def sections(store: Store, config: Config, year: Period, now: int) -> SectionsData | None:
    """Every section's class month by month, as the rates count it; a month still to come is left open."""
    from envmon import charts

    sites = [site for site in config.sites if site.kind is Kind.SECTION]
    months = periods.months(year)
    found = [rating.judged(store, config, sites, month.until(periods.today(now) - 1)) for month in months]
    judgements = [one.judgement for month in found for one in month if one.parts and one.judgement is not None]
    if not judgements:
        return None
    rows = []
    for site, own in zip(sites, zip(*found, strict=True), strict=True):
        cells: list[MonthClass | None] = []
        for month, one in zip(months, own, strict=True):
            judged = one.judgement
            if judged is not None:
                cells.append(charts.MonthClass(judged.water_class, judged.status))
            else:
                over = month.last < periods.today(now)
                cells.append(charts.MonthClass(WaterClass.NONE, Status.MISSING) if over else None)
        rows.append(charts.SectionRow(site.name, site.target_class, tuple(cells), site.counted))
    cells = [cell for row in rows if row.counted for cell in row.months]
    valid = sum(cell is not None and cell.status is Status.VALID for cell in cells)
    editions = tuple(dict.fromkeys(one.edition for one in judgements))
    source = charts.Provenance(editions, year, valid, len(cells), "judgements")
    name = t("bureau.whole", config.language)
    return charts.SectionsData(name, tuple(months), tuple(rows), standards.class_colours(), source)
