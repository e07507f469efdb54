"""The six pollutants through the period: small multiples with the limit lines of the edition in force on each day.

A day or month without a value is a gap in the line, never bridged. Values above the limit are marked and counted.
Daily values are held against the 24-hour limits (ozone: daily maximum 8-hour mean); monthly means against the annual
limit as a yardstick, where the standard has one. Never here: limits, validity, or how a daily value is made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

import envmon.charts.style as style
from envmon.charts.style import LIMIT, LINE, MARGIN, MUTED, RULE, Provenance, Words
from envmon.model import NO_VALUE, POLLUTANTS, AirValidity, IntArray, LimitPhase
from envmon.periods import Period, calendar, months
from envmon.rounding import half_even, plain, printed
from envmon.texts import joined, t

ORDER = ("pm25", "pm10", "o3", "no2", "so2", "co")  # as bulletins list them
PLOT_WIDTH, PLOT_HEIGHT = 3.18, 1.85
COLUMN, ROW = 3.8, 2.85
LABELS = 0.42  # room for the labels of the upright axis, inches
DASHES = (0, (5, 3))
UNITS = {"co": "mg/m³"}
DAILY_AVERAGE = {"o3": "mda8"}


@dataclass(frozen=True, slots=True)
class LimitSpan:
    """The limits in force from `first` to `last`, both days included, for a functional zone's grade (1 or 2)."""

    first: int
    last: int
    limits: LimitPhase
    grade: int = 2


@dataclass(frozen=True, slots=True)
class PollutantsData:
    """values [6, n] in steps of 10^-decimals, NO_VALUE for a gap; `spans[i]` is the day or month that column i is for.

    decimals : by pollutant, those of the values
    monthly : True when the columns are months
    """

    subject: str
    values: IntArray
    spans: tuple[Period, ...]
    decimals: dict[str, int]
    limits: tuple[LimitSpan, ...]
    source: Provenance
    monthly: bool = False


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit line: first and last day, height in the unit, the same as printed, the editions it is from."""

    first: int
    last: int
    height: float
    text: str
    editions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Series:
    """One pollutant, ready to draw: places on the day axis, values as plain numbers (NaN = gap), limits, excess."""

    places: list[float]
    values: list[float]
    limits: list[_Limit]
    over: list[bool]

    @property
    def valid(self) -> int:
        return sum(1 for value in self.values if not math.isnan(value))


def monthly_means(
    values: IntArray, first_day: int, period: Period, validity: AirValidity
) -> tuple[IntArray, tuple[Period, ...]]:
    """Means of the calendar months of a period, from daily values.

    values : [6, day] in steps, NO_VALUE where a day is not valid. Returns [6, month] in the same steps, rounded half to
    even; NO_VALUE for a month with fewer valid days than `validity` asks (GB 3095 table 4), and the months.
    """
    spans = tuple(months(period))
    means = np.full((len(values), len(spans)), NO_VALUE, dtype=np.int64)
    for column, month in enumerate(spans):
        least = validity.february_days if calendar(month.first).month == 2 else validity.month_days
        first, last = max(month.first, first_day), min(month.last, first_day + values.shape[1] - 1)
        part = values[:, first - first_day : last - first_day + 1] if first <= last else values[:, :0]
        for row, days in enumerate(part):
            valid = days[days >= 0]
            if len(valid) >= least:
                means[row, column] = half_even(int(valid.sum(dtype=np.int64)), len(valid))
    return means, spans


def draw(data: PollutantsData, lang: str = "zh") -> Figure:
    """Draw the six panels, two rows of three."""
    top = style.HEAD + 0.7
    figure = style.new_figure(top + ROW + PLOT_HEIGHT + 0.5 + style.FOOT)
    page = style.page_axes(figure)
    note = "chart.pollutants.note.monthly" if data.monthly else "chart.pollutants.note.daily"
    style.head(page, describe(data, lang).title, _summary(data, lang), t(note, lang))
    for index, pollutant in enumerate(ORDER):
        row, column = divmod(index, 3)
        x, y = MARGIN + column * COLUMN, top + row * ROW
        series = _series(data, pollutant)
        _heading(page, x, y, pollutant, series, data, lang)
        _panel(style.inset_axes(figure, x + LABELS, y, PLOT_WIDTH, PLOT_HEIGHT), series, data, lang)
    style.foot(page, data.source, lang)
    return figure


def describe(data: PollutantsData, lang: str = "zh") -> Words:
    """Title, caption and alternative text: how many values of each pollutant are above the limit."""
    kind = "monthly" if data.monthly else "daily"
    title = t(
        f"chart.pollutants.title.{kind}", lang, subject=data.subject, period=style.period_name(data.source.period, lang)
    )
    alt = t("chart.pollutants.alt", lang, title=title, counts=_summary(data, lang))
    return Words(title, _summary(data, lang), alt)


def _summary(data: PollutantsData, lang: str) -> str:
    """Of each pollutant: values above the limit and values there are."""
    parts = []
    for pollutant in ORDER:
        series = _series(data, pollutant)
        name = t(f"daily_item.{pollutant}", lang)
        if not series.limits:
            parts.append(t("chart.pollutants.unlimited", lang, name=name, count=series.valid))
        else:
            over = sum(series.over)
            parts.append(t("chart.pollutants.over", lang, name=name, over=over, count=series.valid))
    unit = t("chart.pollutants.unit.monthly" if data.monthly else "chart.pollutants.unit.daily", lang)
    return t("chart.pollutants.summary", lang, unit=unit, counts=joined("comma", lang, parts))


def _series(data: PollutantsData, pollutant: str) -> _Series:
    steps, scale = data.values[POLLUTANTS.index(pollutant)].tolist(), 10 ** data.decimals[pollutant]
    limits = _limits(data, pollutant)
    places = [(span.first + span.last) / 2 for span in data.spans]
    values = [math.nan if value < 0 else value / scale for value in steps]
    over = [
        any(limit.first <= place <= limit.last and value > limit.height for limit in limits)
        for place, value in zip(places, values, strict=True)
    ]
    return _Series(places, values, limits, over)


def _limits(data: PollutantsData, pollutant: str) -> list[_Limit]:
    """The limit lines of one pollutant; editions that follow one another with the same limit share a line."""
    average = "annual" if data.monthly else DAILY_AVERAGE.get(pollutant, "24h")
    found: list[_Limit] = []
    for span in data.limits:
        steps = span.limits.limits.get((pollutant, average, span.grade))
        first, last = max(span.first, data.source.period.first), min(span.last, data.source.period.last)
        if steps is None or first > last:
            continue
        decimals = span.limits.decimals[pollutant]
        limit = _Limit(first, last, steps / 10**decimals, plain(steps, decimals), (span.limits.id,))
        if found and found[-1].height == limit.height and found[-1].last == first - 1:
            before = found.pop()
            limit = replace(limit, first=before.first, editions=before.editions + limit.editions)
        found.append(limit)
    return found


def _heading(page: Axes, x: float, y: float, pollutant: str, series: _Series, data: PollutantsData, lang: str) -> None:
    """Above a panel: name and unit at the left, count of excess at the right, the limits with their standard below."""
    right, over = x + LABELS + PLOT_WIDTH, sum(series.over)
    if series.limits:
        kind = "monthly" if data.monthly else "daily"
        count = t(f"chart.pollutants.count.{kind}", lang, over=over, count=series.valid)
        style.write(page, right, y - 0.42, count, 9.5, LIMIT if over else MUTED, ha="right")
        said = [
            t("chart.pollutants.limit", lang, value=limit.text, editions=joined("and", lang, limit.editions))
            for limit in series.limits
        ]
        key = "chart.pollutants.yardstick" if data.monthly else "chart.pollutants.limits"
        limits = t(key, lang, limits=" → ".join(said))
        page.plot((x + LABELS, x + LABELS + 0.3), (y - 0.17, y - 0.17), color=LIMIT, linewidth=1.2, linestyle=DASHES)
    else:
        count, limits = "", t("chart.pollutants.no_limit", lang) if data.monthly else ""
    text, size = style.fitting(limits, PLOT_WIDTH - 0.4, 8.5, least=6)
    style.write(
        page, x + LABELS + (0.38 if series.limits else 0), y - 0.17, text, size, LIMIT if series.limits else MUTED
    )
    name = f"{t(f'pollutant_name.{pollutant}', lang)} {UNITS.get(pollutant, 'μg/m³')}"
    room = right - x - style.text_width(count, 9.5) - 0.12
    text, size = style.fitting(name, room, 11)
    style.write(page, x, y - 0.42, text, size)


def _panel(axes: Axes, series: _Series, data: PollutantsData, lang: str) -> None:
    """Line with gaps, lone points, excess marks, limits, axes."""
    style.period_ticks(axes, data.source.period, lang, labels=7)
    heights = [value for value in series.values if not math.isnan(value)] + [limit.height for limit in series.limits]
    top, step = _scale(max(heights, default=1.0))
    axes.set_ylim(0, top)
    marks = np.arange(0, top + step / 2, step).tolist()
    style.ticks(axes, "y", marks, [f"{mark:g}" for mark in marks], 8.5)
    for mark in marks[1:]:
        axes.axhline(mark, color=RULE, linewidth=0.6, zorder=0)
    few = len(series.places) <= 62
    axes.plot(series.places, series.values, color=LINE, linewidth=1.2, marker="o", markersize=4 if few else 0, zorder=3)
    _dots(axes, series, _lone(series.values), LINE, "o", 2.5)
    _dots(axes, series, [i for i, excess in enumerate(series.over) if excess], LIMIT, "^", 5)
    for limit in series.limits:
        ends = (limit.first - 0.5, limit.last + 0.5)
        axes.plot(ends, (limit.height, limit.height), color=LIMIT, linewidth=1.4, linestyle=DASHES, zorder=5)
        if len(series.limits) > 1:
            label = style.write(
                axes, sum(ends) / 2, limit.height + top * 0.01, limit.text, 9, LIMIT, ha="center", va="bottom", zorder=6
            )
            label.set_path_effects([withStroke(linewidth=2.5, foreground=style.BACK)])


def _dots(axes: Axes, series: _Series, chosen: Sequence[int], colour: str, marker: str, size: float) -> None:
    places, values = [series.places[i] for i in chosen], [series.values[i] for i in chosen]
    axes.plot(places, values, color=colour, linestyle="", marker=marker, markersize=size, zorder=4)


def _lone(values: Sequence[float]) -> list[int]:
    """Places of values without a neighbour: a line would not show them."""
    padded = [math.nan, *values, math.nan]
    return [
        i
        for i, value in enumerate(values)
        if not math.isnan(value) and math.isnan(padded[i]) and math.isnan(padded[i + 2])
    ]


def _scale(highest: float) -> tuple[float, float]:
    """Top of an axis that starts at zero, and the distance of its ticks, leaving room for a label over the highest."""
    wanted = highest * 1.15
    power = 10.0 ** math.floor(math.log10(wanted)) if wanted > 0 else 1.0
    for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10):
        if factor * power >= wanted:
            top = factor * power
            break
    step = next(part * power for part in (0.25, 0.5, 1, 2) if top / (part * power) <= 5)
    return top, step
