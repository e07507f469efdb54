"""The calendar of daily AQI levels: one cell a day, coloured and numbered by its level.

Days that do not count are hatched and say why (missing, insufficient, incomplete, invalid are four different marks). A
period that crosses a change of edition shows the change as a thick line and counts each edition for itself.
Never here: how a day is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

import envmon.charts.style as style
from envmon.charts.style import MARGIN, MUTED, Provenance, Words
from envmon.model import POLLUTANTS, AirDays, IntArray, Level, Status
from envmon.periods import calendar, month_of, months
from envmon.rounding import percent, percent_tenths
from envmon.texts import joined, t, word

CELL, ROW = 0.316, 0.36  # a day of a long period, inches
WEEK_CELL, WEEK_ROW = 1.45, 1.02  # a day of a short one
SHORT = 42  # days; up to here each day is large enough for its index


@dataclass(frozen=True, slots=True)
class DayRun:
    """Consecutive days judged by one edition, one site. Arrays run [day]; meanings as in `model.AirDays`."""

    edition: str
    first_day: int
    level: IntArray
    aqi: IntArray
    primary: IntArray
    status: IntArray


@dataclass(frozen=True, slots=True)
class CalendarData:
    """`runs` follow one another in time; days of the period that no run covers are not drawn. `levels` by number."""

    subject: str
    runs: tuple[DayRun, ...]
    levels: tuple[Level, ...]
    source: Provenance


@dataclass(frozen=True, slots=True)
class _Day:
    day: int
    level: int  # 0 = does not count
    aqi: int
    primary: tuple[str, ...]
    status: Status


def draw(data: CalendarData, lang: str = "zh") -> Figure:
    """Draw the calendar: months in rows, or weeks in rows when the period is at most six weeks."""
    return _by_weeks(data, lang) if data.source.period.days <= SHORT else _by_months(data, lang)


def describe(data: CalendarData, lang: str = "zh") -> Words:
    """Title, caption and alternative text, with the counts by level and by edition."""
    title = t("chart.calendar.title", lang, subject=data.subject, period=style.period_name(data.source.period, lang))
    counts = [0] * (len(data.levels) + 1)
    others: dict[Status, int] = {}
    for day in _days(data):
        counts[day.level] += 1
        if not day.level:
            others[day.status] = others.get(day.status, 0) + 1
    parts = [
        t("chart.calendar.count", lang, name=t(f"level.{level.number}", lang), days=counts[level.number])
        for level in data.levels
        if counts[level.number]
    ]
    parts += [t("chart.calendar.count", lang, name=word(status, lang), days=n) for status, n in sorted(others.items())]
    alt = t("chart.calendar.alt", lang, title=title, counts=joined("comma", lang, parts))
    return Words(title, _summary(data, lang), alt)


def _days(data: CalendarData) -> Iterator[_Day]:
    """The days of the period that have been judged, in order."""
    for run in data.runs:
        for index in range(len(run.level)):
            day = run.first_day + index
            if day not in data.source.period:
                continue
            status = Status(int(run.status[index]))
            level = int(run.level[index]) if status == Status.VALID else 0
            mask = int(run.primary[index]) if level else 0
            primary = tuple(name for bit, name in enumerate(POLLUTANTS) if mask >> bit & 1)
            yield _Day(day, level, int(run.aqi[index]), primary, status)


def _summary(data: CalendarData, lang: str) -> str:
    """Good and valid days of each edition, in words."""
    good_levels = {level.number for level in data.levels if level.good}
    judged, parts = list(_days(data)), []
    for run in data.runs:
        mine = [day for day in judged if run.first_day <= day.day < run.first_day + len(run.level)]
        valid = sum(1 for day in mine if day.level)
        good = sum(1 for day in mine if day.level in good_levels)
        rate = percent(percent_tenths(good, valid))
        if mine:
            parts.append(t("chart.calendar.summary", lang, edition=run.edition, good=good, valid=valid, share=rate))
    return joined("semicolon", lang, parts)


def _change_note(data: CalendarData, lang: str) -> str:
    shown = [run for run in data.runs if run.first_day <= data.source.period.last and len(run.level)]
    changes = [
        t("chart.calendar.change", lang, day=calendar(new.first_day), edition=new.edition, before=old.edition)
        for old, new in pairwise(shown)
        if new.edition != old.edition
    ]
    return joined("semicolon", lang, changes)


def _changes(data: CalendarData) -> set[int]:
    """First days of runs whose edition differs from the run before."""
    return {
        new.first_day
        for old, new in pairwise(data.runs)
        if new.edition != old.edition and new.first_day in data.source.period
    }


def _legend(axes: Axes, y: float, data: CalendarData, lang: str) -> None:
    good: list[tuple[style.Colour | None, str, str]] = [
        (level.rgb, str(level.number), t(f"level.{level.number}", lang)) for level in data.levels
    ]
    seen = sorted({day.status for day in _days(data) if not day.level})
    style.legend(axes, y, good + [(None, _mark(status, lang), word(status, lang)) for status in seen])


def _mark(status: Status, lang: str) -> str:
    return t(f"chart.mark.{status.name.lower()}", lang)


def _by_months(data: CalendarData, lang: str) -> Figure:
    rows = {month.first: row for row, month in enumerate(months(data.source.period))}
    many_years = calendar(data.source.period.first).year != calendar(data.source.period.last).year
    left, top = MARGIN + 0.75, style.HEAD + 0.25
    figure = style.new_figure(top + len(rows) * ROW + 0.75 + style.FOOT)
    axes = style.page_axes(figure)
    style.head(axes, describe(data, lang).title, _summary(data, lang), _change_note(data, lang))
    for number in range(1, 32):
        style.write(axes, left + (number - 0.5) * CELL, top - 0.14, str(number), 8.5, MUTED, ha="center")
    style.write(axes, style.WIDTH - MARGIN, top - 0.14, t("chart.calendar.column", lang), 8.5, MUTED, ha="right")
    good_levels = {level.number for level in data.levels if level.good}
    colours = {level.number: level.rgb for level in data.levels}
    tally = {first: [0, 0] for first in rows}
    changes = _changes(data)
    for day in _days(data):
        first = month_of(day.day).first
        x, y = left + (calendar(day.day).day - 1) * CELL, top + rows[first] * ROW
        style.cell(axes, x, y, CELL, ROW, colours.get(day.level))
        sign = str(day.level) if day.level else _mark(day.status, lang)
        ink = style.ink_on(colours[day.level]) if day.level else style.INK
        style.write(axes, x + CELL / 2, y + ROW / 2, sign, 9 if day.level else 8, ink, ha="center")
        tally[first][0] += day.level in good_levels
        tally[first][1] += day.level > 0
        if day.day in changes:
            _change_line(axes, (x, y), ROW, (left, left + 31 * CELL) if day.day == first else None)
    for first, row in rows.items():
        name = style.month_name(first, lang, many_years)
        style.write(axes, left - 0.12, top + (row + 0.5) * ROW, name, 10, ha="right")
        if tally[first][1]:
            ratio = "{}/{}".format(*tally[first])
            style.write(axes, style.WIDTH - MARGIN, top + (row + 0.5) * ROW, ratio, 10, ha="right")
    _legend(axes, top + len(rows) * ROW + 0.38, data, lang)
    style.foot(axes, data.source, lang)
    return figure


def _by_weeks(data: CalendarData, lang: str) -> Figure:
    monday = data.source.period.first - calendar(data.source.period.first).weekday()
    rows = (data.source.period.last - monday) // 7 + 1
    left, top = (style.WIDTH - 7 * WEEK_CELL) / 2, style.HEAD + 0.3
    figure = style.new_figure(top + rows * WEEK_ROW + 0.75 + style.FOOT)
    axes = style.page_axes(figure)
    style.head(axes, describe(data, lang).title, _summary(data, lang), _change_note(data, lang))
    for weekday in range(7):
        name = t(f"chart.weekday.{weekday + 1}", lang)
        style.write(axes, left + (weekday + 0.5) * WEEK_CELL, top - 0.16, name, 10, MUTED, ha="center")
    colours = {level.number: level.rgb for level in data.levels}
    changes = _changes(data)
    for day in _days(data):
        row, column = divmod(day.day - monday, 7)
        x, y = left + column * WEEK_CELL, top + row * WEEK_ROW
        style.cell(axes, x, y, WEEK_CELL, WEEK_ROW, colours.get(day.level))
        _day_texts(axes, x, y, day, style.ink_on(colours[day.level]) if day.level else style.INK, lang)
        if day.day in changes:
            _change_line(axes, (x, y), WEEK_ROW, (left, left + 7 * WEEK_CELL) if column == 0 else None)
    _legend(axes, top + rows * WEEK_ROW + 0.38, data, lang)
    style.foot(axes, data.source, lang)
    return figure


def _day_texts(axes: Axes, x: float, y: float, day: _Day, ink: str, lang: str) -> None:
    """Date, index, level and primary pollutants of one large cell."""
    on = calendar(day.day)
    middle = x + WEEK_CELL / 2
    style.write(axes, x + 0.08, y + 0.15, f"{on.month}-{on.day:02d}", 9, ink)
    if not day.level:
        style.write(axes, middle, y + WEEK_ROW / 2, word(day.status, lang), 11, ink, ha="center")
        return
    style.write(axes, x + WEEK_CELL - 0.08, y + 0.15, str(day.level), 9, ink, ha="right")
    style.write(axes, middle, y + 0.4, str(day.aqi), 18, ink, ha="center")
    style.write(axes, middle, y + 0.66, t(f"level.{day.level}", lang), 9.5, ink, ha="center")
    named = joined("and", lang, [t(f"daily_item.{name}", lang) for name in day.primary])
    text, size = style.fitting(named, WEEK_CELL - 0.16, 8.5, least=6)
    style.write(axes, middle, y + 0.87, text, size, ink, ha="center")


def _change_line(axes: Axes, corner: tuple[float, float], height: float, across: tuple[float, float] | None) -> None:
    """A thick line before the first day of a new edition: over the whole row when the row starts with it."""
    x, y = corner
    if across:
        axes.plot(across, (y, y), color=style.INK, linewidth=2.6, solid_capstyle="butt", zorder=5)
    else:
        axes.plot((x, x), (y, y + height), color=style.INK, linewidth=2.6, solid_capstyle="butt", zorder=5)
