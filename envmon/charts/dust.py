"""Hours around a day that may have been one of dust: PM10 and PM2.5 of every series, and the share of fine particles.

Coarse dust raises PM10 far more than PM2.5, so the ratio falls. The chart shows it and draws no conclusion: that is
for whoever decides the event. Never here: which day, judging.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

import envmon.charts.style as style
from envmon.charts.style import INK, LINE, MARGIN, MUTED, NO_DATA, RULE, Provenance, Words
from envmon.periods import calendar
from envmon.texts import joined, t

ROW, PLOT = 2.3, 1.5  # inches of a series, and of its plots
WIDE, NARROW = 6.9, 3.2
LABELS = 0.5
COARSE = "#b8741a"


@dataclass(frozen=True, slots=True)
class DustSeries:
    """Hours of one area or station in µg/m³, NaN for a gap; `ratio` is PM2.5 / PM10."""

    name: str
    pm10: Sequence[float]
    pm25: Sequence[float]
    ratio: Sequence[float]


@dataclass(frozen=True, slots=True)
class DustData:
    """Series over the same hours; `day` is the day in question, `first` the day the hours begin with."""

    subject: str
    day: int
    first: int
    series: Sequence[DustSeries]
    source: Provenance


def draw(data: DustData, lang: str = "zh") -> Figure:
    """One row a series: both concentrations at the left, their ratio at the right; the day in question is shaded."""
    top = style.HEAD + 0.5
    figure = style.new_figure(top + ROW * len(data.series) + style.FOOT)
    page = style.page_axes(figure)
    words = describe(data, lang)
    style.head(page, words.title, words.caption, t("chart.dust.note", lang))
    for row, one in enumerate(data.series):
        y = top + row * ROW
        style.write(page, MARGIN, y - 0.2, one.name, 11)
        style.write(page, MARGIN + LABELS + WIDE, y - 0.2, "PM₁₀", 9.5, COARSE, ha="right")
        style.write(page, MARGIN + LABELS + WIDE - 0.6, y - 0.2, "PM₂.₅", 9.5, LINE, ha="right")
        right = MARGIN + 2 * LABELS + WIDE
        style.write(page, right, y - 0.2, t("chart.dust.ratio", lang), 9.5, MUTED)
        left = style.inset_axes(figure, MARGIN + LABELS, y, WIDE, PLOT)
        _lines(left, data, [(one.pm10, COARSE), (one.pm25, LINE)], None)
        _lines(style.inset_axes(figure, right, y, NARROW, PLOT), data, [(one.ratio, INK)], 1.0)
    style.foot(page, data.source, lang)
    return figure


def describe(data: DustData, lang: str = "zh") -> Words:
    """Title, caption and alternative text: the highest PM10 and the lowest ratio of each series on the day."""
    date = calendar(data.day).isoformat()
    title = t("chart.dust.title", lang, subject=data.subject, date=date)
    own = slice(24 * (data.day - data.first), 24 * (data.day - data.first + 1))
    told = []
    for one in data.series:
        coarse = [value for value in one.pm10[own] if not math.isnan(value)]
        ratios = [value for value in one.ratio[own] if not math.isnan(value)]
        if coarse and ratios:
            values = {"name": one.name, "pm10": f"{max(coarse):.0f}", "ratio": f"{min(ratios):.2f}"}
            told.append(t("chart.dust.said", lang, **values))
    caption = told[0] if told else t("chart.dust.nothing", lang)
    return Words(title, caption, t("chart.dust.alt", lang, title=title, said=joined("semicolon", lang, told)))


def _lines(axes: Axes, data: DustData, lines: Sequence[tuple[Sequence[float], str]], top: float | None) -> None:
    count = len(data.series[0].pm10)
    began = 24 * (data.day - data.first)
    axes.axvspan(began, began + 24, color=NO_DATA, zorder=0)
    axes.set_xlim(0, count)
    highest = max((value for values, _ in lines for value in values if not math.isnan(value)), default=1.0)
    limit = top or highest * 1.1 or 1.0
    axes.set_ylim(0, limit)
    marks = [0.0, limit / 2, limit] if top else _marks(limit)
    style.ticks(axes, "y", marks, [f"{mark:g}" for mark in marks], 8.5)
    noons = range(12, count, 24)
    style.ticks(axes, "x", list(noons), [f"{calendar(data.first + at // 24):%m-%d}" for at in noons], 8)
    for mark in marks[1:]:
        axes.axhline(mark, color=RULE, linewidth=0.6, zorder=0)
    for values, colour in lines:
        axes.plot([at + 0.5 for at in range(count)], values, color=colour, linewidth=1.4, zorder=3)


def _marks(limit: float) -> list[float]:
    """Round heights for the axis, at most five."""
    step = 10.0 ** math.floor(math.log10(limit))
    while limit / step > 5:
        step *= 2
    while limit / step < 2:
        step /= 2
    return [step * number for number in range(int(limit // step) + 1)]
