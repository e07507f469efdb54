"""The compliance rates through the year: one panel a rate, the cumulative line against its target.

Each panel says its current value with numerator and denominator, the target, the gap, and how many more failures the
target allows. A point without a rate is a gap in the line. Never here: how a rate or an outlook is reckoned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

import envmon.charts.style as style
from envmon.charts.style import INK, LIMIT, LINE, MARGIN, MUTED, RULE, Provenance, Words
from envmon.model import Outlook, Prospect, Rate, RateName
from envmon.periods import Period
from envmon.rounding import percent, printed
from envmon.texts import joined, t, word

PANEL = 1.75  # height of one panel's plot, inches
GAP = 0.85
SIDE = 3.0  # the column of figures at the right
LABEL = 1.05  # room between plot and figures for the target's label
COUNTED = {
    RateName.GOOD_DAYS: "days",
    RateName.GOOD_SECTIONS: "sections",
    RateName.TARGET_MET: "sections",
    RateName.WORSE_THAN_V: "sections",
    RateName.GOOD_SOURCES: "sources",
    RateName.GOOD_SOURCES_VOLUME: "volume",
}


@dataclass(frozen=True, slots=True)
class RateLine:
    """One rate through time. `rates` are cumulative, one for each date, in order: each stands at its period's last day.

    outlook : the rate against its target; None where there is no target
    """

    name: RateName
    rates: tuple[Rate, ...]
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True)
class RatesData:
    """`period` is the whole time the targets are for, usually a year: the axis runs to its end."""

    subject: str
    period: Period
    lines: tuple[RateLine, ...]
    source: Provenance


def draw(data: RatesData, lang: str = "zh") -> Figure:
    """Draw one panel for each line."""
    top = style.HEAD + 0.35
    figure = style.new_figure(top + len(data.lines) * (PANEL + GAP) - 0.3 + style.FOOT)
    page = style.page_axes(figure)
    words = describe(data, lang)
    style.head(page, words.title, t("chart.rates.subtitle", lang), "")
    for row, line in enumerate(data.lines):
        y = top + row * (PANEL + GAP)
        style.write(page, MARGIN, y - 0.22, word(line.name, lang), 12)
        axes = style.inset_axes(figure, MARGIN + 0.55, y, style.WIDTH - 2 * MARGIN - 0.55 - LABEL - SIDE, PANEL)
        _panel(axes, line, data.period, lang)
        _figures(page, style.WIDTH - MARGIN - SIDE, y, line, lang)
    style.foot(page, data.source, lang)
    return figure


def describe(data: RatesData, lang: str = "zh") -> Words:
    """Title, caption (current value of each rate) and alternative text (with targets)."""
    title = t("chart.rates.title", lang, subject=data.subject, period=style.period_name(data.period, lang))
    parts, longer = [], []
    for line in data.lines:
        now = line.rates[-1] if line.rates else None
        value = _value(now, lang)
        parts.append(t("chart.rates.now", lang, name=word(line.name, lang), value=value))
        key = "chart.rates.alt.target" if line.outlook else "chart.rates.alt.plain"
        aim = _aim(line.outlook, lang) if line.outlook else ""
        longer.append(t(key, lang, name=word(line.name, lang), value=value, target=aim))
    return Words(
        title,
        joined("semicolon", lang, parts),
        t("chart.rates.alt", lang, title=title, values=joined("semicolon", lang, longer)),
    )


def _value(rate: Rate | None, lang: str) -> str:
    """A rate with what it was counted from."""
    if rate is None:
        return t("chart.rates.none", lang)
    counted = _counted(rate, lang)
    return t("chart.rates.value", lang, share=percent(rate.tenths), counted=counted)


def _counted(rate: Rate, lang: str) -> str:
    """Numerator and denominator in words; volumes, kept in steps of 10 t, in 10^4 t."""
    numbers = [rate.numerator, rate.denominator]
    shown = [printed(one, 3) if rate.name == RateName.GOOD_SOURCES_VOLUME else str(one) for one in numbers]
    return t(f"chart.counted.{COUNTED[rate.name]}", lang, numerator=shown[0], denominator=shown[1])


def _panel(axes: Axes, line: RateLine, period: Period, lang: str) -> None:
    """The line, its target and its axes."""
    days = [rate.period.last for rate in line.rates]
    values = [math.nan if rate.tenths is None else rate.tenths / 10 for rate in line.rates]
    required = _height(line.outlook) if line.outlook else None
    low, step = _scale([value for value in values if not math.isnan(value)], required)
    style.period_ticks(axes, period, lang)
    high = 100 + (100 - low) * 0.06  # room for a line at 100 %
    axes.set_ylim(low, high)
    marks = list(range(low, 101, step))
    style.ticks(axes, "y", marks, [f"{mark}%" for mark in marks])
    for mark in marks:
        axes.axhline(mark, color=RULE, linewidth=0.6, zorder=0)
    axes.plot(days, values, color=LINE, linewidth=2, marker="o", markersize=4 if len(days) < 60 else 0, zorder=3)
    if values and not math.isnan(values[-1]):
        axes.plot(days[-1:], values[-1:], color=LINE, marker="o", markersize=8, zorder=4, clip_on=False)
    if required is not None and line.outlook is not None:
        axes.axhline(required, color=LIMIT, linewidth=1.4, linestyle=(0, (5, 3)), zorder=2)
        label = t("chart.rates.target", lang, target=_aim(line.outlook, lang))
        style.write(axes, period.last + 0.5, required, f" {label}", 9.5, LIMIT)


def _aim(outlook: Outlook, lang: str) -> str:
    """What the target asks for: a share, or a number of days."""
    days = outlook.target.days
    return percent(outlook.required) if days is None else t("chart.rates.days", lang, days=days)


def _height(outlook: Outlook) -> float | None:
    """Where the target stands on the axis, in per cent; a number of days as its share of the whole period."""
    if outlook.target.days is not None:
        return 100 * outlook.target.days / outlook.target.period.days
    return None if outlook.required is None else outlook.required / 10


def _scale(values: list[float], required: float | None) -> tuple[int, int]:
    """Lower end of the axis and distance of its ticks, so that the lowest value and the target are well inside."""
    lowest = min([*values, 100.0 if required is None else required, 100.0])
    for low, step in ((90, 5), (80, 5), (60, 10), (40, 20)):
        if lowest >= low + 2:
            return low, step
    return 0, 25


def _figures(page: Axes, x: float, y: float, line: RateLine, lang: str) -> None:
    """The column beside a panel: value, counts, target, gap, what is still allowed."""
    now = line.rates[-1] if line.rates else None
    style.write(page, x, y + 0.2, percent(now.tenths if now else None), 24, LINE)
    if now is not None:
        counted = _counted(now, lang)
        style.write(page, x, y + 0.56, counted, 10.5)
    if line.outlook is None:
        style.write(page, x, y + 0.84, t("chart.rates.no_target", lang), 10, MUTED)
        return
    texts = _prospects(line.outlook, COUNTED[line.name], lang)
    for row, (text, colour) in enumerate(texts):
        shown, size = style.fitting(text, SIDE, 10)
        style.write(page, x, y + 0.84 + row * 0.27, shown, size, colour)


def _prospects(outlook: Outlook, counted: str, lang: str) -> list[tuple[str, str]]:
    """Target and gap, allowed failures, prospect: the lines under a rate, each with its colour."""
    found = [(t("chart.rates.target", lang, target=_aim(outlook, lang)), INK)]
    if outlook.gap is not None:
        side = "above" if outlook.gap > 0 else "below" if outlook.gap < 0 else "level"
        gap = t(f"chart.rates.gap.{side}", lang, gap=printed(abs(outlook.gap), 1))
        found[0] = (joined("comma", lang, (found[0][0], gap)), INK)
    if outlook.allowed is not None:
        key = "chart.rates.allowed" if outlook.allowed >= 0 else "chart.rates.exceeded"
        count = t(f"chart.failures.{counted}", lang, count=abs(outlook.allowed))
        found.append((t(key, lang, count=count), INK if outlook.allowed >= 0 else LIMIT))
    bad = outlook.prospect in (Prospect.AT_RISK, Prospect.OUT_OF_REACH)
    found.append((t("chart.rates.prospect", lang, prospect=word(outlook.prospect, lang)), LIMIT if bad else INK))
    return found
