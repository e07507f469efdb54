"""The six pollutants through the period: small multiples with the limit lines of the edition in force on each day.

A day or month without a value is a gap in the line, never bridged. Values above the limit are marked and counted.
Daily values are held against the 24-hour limits (ozone: daily maximum 8-hour mean); monthly means against the annual
limit as a yardstick, where the standard has one. Never here: limits, validity, or how a daily value is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from envmon.charts import style
from envmon.charts.style import LIMIT, LINE, MARGIN, MUTED, RULE, Provenance, Words
from envmon.model import NO_VALUE, POLLUTANTS, AirValidity, IntArray, LimitPhase
from envmon.periods import Period, calendar, months
from envmon.rounding import half_even, printed
from envmon.texts import t

ORDER = ("pm25", "pm10", "o3", "no2", "so2", "co")  # as bulletins list them
PLOT_WIDTH, PLOT_HEIGHT = 3.2, 1.85
COLUMN, ROW = 3.82, 2.75
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
class _Series:
    """One pollutant, ready to draw: places on the day axis, values as plain numbers (NaN = gap), limits, excess."""

    places: list[float]
    values: list[float]
    limits: list[tuple[float, float, float, str]]  # first, last, height, label
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
    top = style.HEAD + 0.42
    figure = style.new_figure(top + 2 * ROW - 0.25 + style.FOOT)
    page = style.page_axes(figure)
    note = "chart.pollutants.note.monthly" if data.monthly else "chart.pollutants.note.daily"
    style.head(page, describe(data, lang).title, _summary(data, lang), t(note, lang))
    for index, pollutant in enumerate(ORDER):
        row, column = divmod(index, 3)
        x, y = MARGIN + 0.42 + column * COLUMN, top + row * ROW
        series = _series(data, pollutant, lang)
        _heading(page, x - 0.42, y, pollutant, series, data, lang)
        _panel(style.inset_axes(figure, x, y, PLOT_WIDTH, PLOT_HEIGHT), series, data, lang)
    style.foot(page, data.source, lang)
    return figure


def describe(data: PollutantsData, lang: str = "zh") -> Words:
    """Title, caption and alternative text: how many values of each pollutant are above the limit."""
    kind = "monthly" if data.monthly else "daily"
    title = t(f"chart.pollutants.title.{kind}", lang, subject=data.subject, period=data.source.period.name)
    alt = t("chart.pollutants.alt", lang, title=title, counts=_summary(data, lang))
    return Words(title, _summary(data, lang), alt)


def _summary(data: PollutantsData, lang: str) -> str:
    """Of each pollutant: values above the limit and values there are."""
    parts = []
    for pollutant in ORDER:
        series = _series(data, pollutant, lang)
        name = t(f"daily_item.{pollutant}", lang)
        if not series.limits:
            parts.append(t("chart.pollutants.unlimited", lang, name=name, count=series.valid))
        else:
            over = sum(series.over)
            parts.append(t("chart.pollutants.over", lang, name=name, over=over, count=series.valid))
    unit = t("chart.pollutants.unit.monthly" if data.monthly else "chart.pollutants.unit.daily", lang)
    return t("chart.pollutants.summary", lang, unit=unit, counts=t("chart.comma", lang).join(parts))


def _series(data: PollutantsData, pollutant: str, lang: str) -> _Series:
    steps, scale = data.values[POLLUTANTS.index(pollutant)], 10 ** data.decimals[pollutant]
    limits = list(_limits(data, pollutant, lang))
    places, values, over = [], [], []
    for span, value in zip(data.spans, steps.tolist(), strict=True):
        place = (span.first + span.last) / 2
        places.append(place)
        values.append(math.nan if value < 0 else value / scale)
        over.append(
            value >= 0 and any(first <= place <= last and value / scale > height for first, last, height, _ in limits)
        )
    return _Series(places, values, limits, over)


def _limits(data: PollutantsData, pollutant: str, lang: str) -> Iterator[tuple[float, float, float, str]]:
    """The limit lines of one pollutant; neighbours of equal height become one line."""
    average = "annual" if data.monthly else DAILY_AVERAGE.get(pollutant, "24h")
    found: list[tuple[int, int, int, int, str]] = []
    for span in data.limits:
        limit = span.limits.limits.get((pollutant, average, span.grade))
        first, last = max(span.first, data.source.period.first), min(span.last, data.source.period.last)
        if limit is None or first > last:
            continue
        decimals = span.limits.decimals[pollutant]
        if found and found[-1][2:4] == (limit, decimals) and found[-1][1] == first - 1:
            first = found.pop()[0]
        label = t("chart.pollutants.limit", lang, value=_short(limit, decimals), edition=span.limits.id)
        found.append((first, last, limit, decimals, label))
    for first, last, limit, decimals, label in found:
        yield first - 0.5, last + 0.5, limit / 10**decimals, label


def _short(value: int, decimals: int) -> str:
    """A limit as printed in the standard: 4, not 4.0."""
    text = printed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _heading(page: Axes, x: float, y: float, pollutant: str, series: _Series, data: PollutantsData, lang: str) -> None:
    """Name and unit at the left, count of excess at the right, above a panel."""
    name = t(f"pollutant_name.{pollutant}", lang)
    unit = UNITS.get(pollutant, "μg/m³")
    text, size = style.fitting(f"{name} {unit}", PLOT_WIDTH - 0.55, 10.5)
    style.write(page, x, y - 0.2, text, size)
    over = sum(series.over)
    if series.limits:
        count = t("chart.pollutants.count", lang, over=over, count=series.valid)
        style.write(page, x + 0.42 + PLOT_WIDTH, y - 0.2, count, 9.5, LIMIT if over else MUTED, ha="right")
    elif data.monthly:
        style.write(page, x + 0.42 + PLOT_WIDTH, y - 0.2, t("chart.pollutants.no_limit", lang), 9, MUTED, ha="right")


def _panel(axes: Axes, series: _Series, data: PollutantsData, lang: str) -> None:
    """Line with gaps, lone points, excess marks, limits, axes."""
    style.period_ticks(axes, data.source.period, lang)
    axes.tick_params(axis="x", labelsize=8)
    heights = [value for value in series.values if not math.isnan(value)] + [limit[2] for limit in series.limits]
    top, step = _scale(max(heights, default=1.0))
    axes.set_ylim(0, top)
    marks = np.arange(0, top + step / 2, step).tolist()
    style.ticks(axes, "y", marks, [f"{mark:g}" for mark in marks], 8.5)
    for mark in marks[1:]:
        axes.axhline(mark, color=RULE, linewidth=0.6, zorder=0)
    few = len(series.places) <= 62
    axes.plot(series.places, series.values, color=LINE, linewidth=1.3, marker="o", markersize=4 if few else 0, zorder=3)
    lone = _lone(series.values)
    axes.plot(
        [series.places[i] for i in lone],
        [series.values[i] for i in lone],
        color=LINE,
        linestyle="",
        marker="o",
        markersize=2.5,
        zorder=3,
    )
    over = [i for i, excess in enumerate(series.over) if excess]
    axes.plot(
        [series.places[i] for i in over],
        [series.values[i] for i in over],
        color=LIMIT,
        linestyle="",
        marker="^",
        markersize=5,
        zorder=4,
    )
    for first, last, height, label in series.limits:
        axes.plot((first, last), (height, height), color=LIMIT, linewidth=1.2, linestyle=(0, (5, 3)), zorder=2)
        style.write(
            axes,
            (first + last) / 2 if len(series.limits) > 1 else last,
            height + top * 0.015,
            label,
            8,
            LIMIT,
            ha="center" if len(series.limits) > 1 else "right",
            va="bottom",
            zorder=6,
            bbox={"facecolor": style.BACK, "edgecolor": "none", "pad": 0.8, "alpha": 0.8},
        )


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
