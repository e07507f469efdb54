"""Water classes of sections by month: a grid of section and month, each cell coloured and lettered by its class.

A class worse than the section's target has a thick frame. A month without a class is hatched and says why.
Never here: how a class is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import envmon.charts.style as style
from envmon.charts.style import INK, MARGIN, MUTED, Colour, Provenance, Words
from envmon.model import Status, WaterClass
from envmon.periods import Period, calendar
from envmon.rounding import percent, percent_tenths
from envmon.texts import joined, t, word

ROW = 0.36
NAME = 2.55  # inches for the section's name
TARGET = 0.75
COUNT = 0.85
WIDEST = 0.85  # a month's cell at most
ROWS_A_PAGE = 45


@dataclass(frozen=True, slots=True)
class MonthClass:
    """What one month's judgement was. `status` says why there is no class; None as an entry means not yet due."""

    water_class: WaterClass
    status: Status = Status.VALID


@dataclass(frozen=True, slots=True)
class SectionRow:
    """One section; `months` is parallel to `SectionsData.months`. One that is not counted is shown, but in no sum."""

    name: str
    target: WaterClass
    months: tuple[MonthClass | None, ...]
    counted: bool = True


@dataclass(frozen=True, slots=True)
class SectionsData:
    """`colours` are those of the water standard, for the six classes."""

    subject: str
    months: tuple[Period, ...]
    rows: tuple[SectionRow, ...]
    colours: Mapping[WaterClass, Colour]
    source: Provenance


def pages(data: SectionsData, rows: int = ROWS_A_PAGE) -> list[SectionsData]:
    """The same data in portions that fit a page. The provenance stays that of the whole."""
    found = []
    for start in range(0, len(data.rows), rows):
        part = data.rows[start : start + rows]
        found.append(SectionsData(data.subject, data.months, part, data.colours, data.source))
    return found


def draw(data: SectionsData, lang: str = "zh") -> Figure:
    """Draw the grid; the last row counts each month's sections of class III or better."""
    left, top = MARGIN + NAME + TARGET, style.HEAD + 0.3
    column = min(WIDEST, (style.WIDTH - left - MARGIN - COUNT) / len(data.months))
    figure = style.new_figure(top + (len(data.rows) + 1) * ROW + 0.85 + style.FOOT)
    axes = style.page_axes(figure)
    words = describe(data, lang)
    style.head(axes, words.title, words.caption, t("chart.sections.note", lang))
    _columns(axes, left, top - 0.16, column, data, lang)
    for index, row in enumerate(data.rows):
        _row(axes, left, top + index * ROW, column, row, data.colours, lang)
    _totals(axes, left, top + len(data.rows) * ROW + 0.06, column, data, lang)
    _legend(axes, top + (len(data.rows) + 1) * ROW + 0.44, data, lang)
    style.foot(axes, data.source, lang)
    return figure


def describe(data: SectionsData, lang: str = "zh") -> Words:
    """Title, caption (section-months by target and class) and alternative text."""
    title = t("chart.sections.title", lang, subject=data.subject, period=style.period_name(data.source.period, lang))
    judged = [(row, cell) for row in data.rows if row.counted for cell in row.months if cell and cell.water_class]
    good = sum(1 for _, cell in judged if cell.water_class <= WaterClass.III)
    met = sum(1 for row, cell in judged if cell.water_class <= row.target)
    caption = t(
        "chart.sections.caption",
        lang,
        judged=len(judged),
        good=good,
        share=percent(percent_tenths(good, len(judged))),
        met=met,
        met_share=percent(percent_tenths(met, len(judged))),
    )
    counts = [
        t(
            "chart.sections.count",
            lang,
            name=word(one, lang),
            count=sum(1 for _, cell in judged if cell.water_class == one),
        )
        for one in WaterClass
        if one
    ]
    return Words(
        title,
        caption,
        t(
            "chart.sections.alt",
            lang,
            title=title,
            sections=len(data.rows),
            months=len(data.months),
            counts=joined("comma", lang, counts),
        ),
    )


def numeral(water_class: WaterClass, lang: str) -> str:
    """The class as it stands in a cell: Ⅰ … Ⅴ, 劣Ⅴ (in English I … V, >V)."""
    return t(f"chart.class.{water_class.value}", lang)


def _columns(axes: Axes, left: float, y: float, column: float, data: SectionsData, lang: str) -> None:
    """Headings over name, target, months and count."""
    years = {calendar(month.first).year for month in data.months}
    style.write(axes, MARGIN, y, t("chart.sections.name", lang), 9.5, MUTED)
    style.write(axes, left - TARGET / 2, y, t("chart.sections.target", lang), 9.5, MUTED, ha="center")
    for index, month in enumerate(data.months):
        name = style.month_name(month.first, lang, len(years) > 1)
        text, size = style.fitting(name, column - 0.04, 9.5, least=6)
        style.write(axes, left + (index + 0.5) * column, y, text, size, MUTED, ha="center")
    end = left + len(data.months) * column + COUNT
    style.write(axes, end, y, t("chart.sections.met", lang), 9.5, MUTED, ha="right")


def _row(
    axes: Axes,
    left: float,
    y: float,
    column: float,
    row: SectionRow,
    colours: Mapping[WaterClass, Colour],
    lang: str,
) -> None:
    named = row.name if row.counted else t("chart.sections.not_counted", lang, name=row.name)
    name, size = style.fitting(named, NAME - 0.1, 10.5)
    style.write(axes, MARGIN, y + ROW / 2, name, size, INK if row.counted else MUTED)
    style.write(axes, left - TARGET / 2, y + ROW / 2, numeral(row.target, lang), 10.5, ha="center")
    met = judged = 0
    for index, cell in enumerate(row.months):
        if cell is None:
            continue
        x = left + index * column
        colour = colours[cell.water_class] if cell.water_class else None
        style.cell(axes, x, y, column, ROW, colour)
        sign = (
            numeral(cell.water_class, lang) if cell.water_class else t(f"chart.mark.{cell.status.name.lower()}", lang)
        )
        ink = style.ink_on(colour) if colour else INK
        style.write(axes, x + column / 2, y + ROW / 2, sign, 10, ink, ha="center")
        judged += cell.water_class > 0
        met += WaterClass.NONE < cell.water_class <= row.target
        if cell.water_class > row.target:
            _frame(axes, x, y, column)
    if judged and row.counted:
        end = left + len(row.months) * column + COUNT
        style.write(axes, end, y + ROW / 2, f"{met}/{judged}", 10, ha="right")


def _frame(axes: Axes, x: float, y: float, column: float) -> None:
    """The thick frame of a class worse than the target."""
    frame = Rectangle((x + 0.035, y + 0.035), column - 0.07, ROW - 0.07, facecolor="none", edgecolor=INK, linewidth=2)
    axes.add_patch(frame)


def _totals(axes: Axes, left: float, y: float, column: float, data: SectionsData, lang: str) -> None:
    """The last row: sections of class III or better, of those judged, each month."""
    style.write(axes, MARGIN, y + ROW / 2, t("chart.sections.good", lang), 10, MUTED)
    for index in range(len(data.months)):
        cells = [row.months[index] for row in data.rows if row.counted]
        classes = [cell.water_class for cell in cells if cell and cell.water_class]
        if classes:
            text = f"{sum(1 for one in classes if one <= WaterClass.III)}/{len(classes)}"
            shown, size = style.fitting(text, column - 0.06, 10, least=6)
            style.write(axes, left + (index + 0.5) * column, y + ROW / 2, shown, size, ha="center")


def _legend(axes: Axes, y: float, data: SectionsData, lang: str) -> None:
    entries: list[tuple[Colour | None, str, str]] = [
        (data.colours[one], numeral(one, lang), word(one, lang)) for one in WaterClass if one
    ]
    seen = sorted({cell.status for row in data.rows for cell in row.months if cell and not cell.water_class})
    entries += [(None, t(f"chart.mark.{status.name.lower()}", lang), word(status, lang)) for status in seen]
    over = t("chart.sections.over", lang)
    end = style.legend(axes, y, entries, extra=0.45 + style.text_width(over, 9.5))
    axes.add_patch(Rectangle((end + 0.03, y - 0.1), 0.28, 0.2, facecolor="none", edgecolor=INK, linewidth=2))
    style.write(axes, end + 0.42, y, over, 9.5)
