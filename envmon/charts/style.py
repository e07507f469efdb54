"""How every chart looks: the font file, inks, layout in inches, header, footer, and the way a figure becomes files.

A figure is laid out in inches from the top left corner, so that nothing depends on what the drawing library finds tidy.
All text uses the font file shipped with the program; no font of the machine is searched for, and pyplot is never used.
Never here: what a chart says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from envmon import __version__
from envmon.model import Basis
from envmon.periods import Period, calendar, months
from envmon.rounding import percent, percent_tenths, printed
from envmon.texts import joined, t, word

EM = 100  # points at which advances are measured
FONT = Path(__file__).parents[1] / "fonts" / "NotoSansSC-Regular.ttf"
DPI = 150
WIDTH = 12.0
MARGIN = 0.4
HEAD = 1.25  # inches kept for title, subtitle and note
FOOT = 0.62

INK = "#1b2733"
MUTED = "#5b6b7a"
RULE = "#d5dbe1"
NO_DATA = "#eceff2"
HATCH = "#8a96a3"
LINE = "#1f5f8b"
LIMIT = "#a61c00"
BACK = "#ffffff"

PERIOD_FORMS = {
    "year": re.compile(r"(\d{4})()"),
    "quarter": re.compile(r"(\d{4})-Q(\d)"),
    "week": re.compile(r"(\d{4})-W(\d{2})"),
    "month": re.compile(r"(\d{4})-(\d{2})"),
}

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a chart rests on; printed at its foot.

    editions : standards used, in the order they came into force
    valid, expected : counted and expected days (air) or judgements (water); `unit` is "days", "months" or "judgements"
    basis : real-time, reviewed or manual data; None where both are mixed
    """

    editions: tuple[str, ...]
    period: Period
    valid: int
    expected: int
    unit: str = "days"
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What a chart is called, what it says in one or two sentences, and what it shows to someone who cannot see it."""

    title: str
    caption: str
    alt: str


def font(size: float) -> FontProperties:
    return FontProperties(fname=str(FONT), size=size)


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty white page of the given size in inches."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=BACK)
    FigureCanvasAgg(figure)
    return figure


def page_axes(figure: Figure) -> Axes:
    """Axes over the whole page, measured in inches from the top left corner, without any frame."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    return axes


def inset_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Plot axes at a place given in inches from the top left corner, with a quiet frame and no ticks yet."""
    page_width, page_height = figure.get_size_inches()
    axes = figure.add_axes(
        (left / page_width, 1 - (top + height) / page_height, width / page_width, height / page_height)
    )
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(MUTED)
        spine.set_linewidth(0.8)
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def write(axes: Axes, x: float, y: float, text: str, size: float = 10, colour: str = INK, **options: Any) -> Text:
    """Put a text at a place; `options` are those of a matplotlib text (ha, va, rotation, ...)."""
    options = {"ha": "left", "va": "center", "parse_math": False, **options}
    return axes.text(x, y, text, fontproperties=font(size), color=colour, **options)


def ticks(axes: Axes, axis: str, places: Sequence[float], labels: Sequence[str], size: float = 9) -> None:
    """Set the ticks of one axis ("x" or "y") with our own labels."""
    which = axes.xaxis if axis == "x" else axes.yaxis
    which.set_ticks(list(places), labels=list(labels), fontproperties=font(size), color=MUTED, parse_math=False)
    which.set_tick_params(which="both", length=0, pad=4)


def period_ticks(axes: Axes, period: Period, lang: str, labels: int = 15) -> None:
    """Ticks of a time axis in day numbers: months named in the middle of the month, or days of a short period.

    labels : how many labels have room
    """
    axes.set_xlim(period.first - 0.5, period.last + 0.5)
    if period.days <= 62:
        step = 1 if period.days <= labels else 7 if period.days <= 7 * labels else 14
        days = list(range(period.first, period.last + 1, step))
        ticks(axes, "x", days, [f"{calendar(day).month}-{calendar(day).day:02d}" for day in days])
        return
    found = months(period)
    step = -(-len(found) // labels)
    shown = found[::step]
    middles = [(max(month.first, period.first) + min(month.last, period.last)) / 2 for month in shown]
    ticks(axes, "x", middles, [month_name(month.first, lang, len(found) > 12) for month in shown])
    for month in found[1:]:
        axes.axvline(month.first - 0.5, color=RULE, linewidth=0.6, zorder=0)


def month_name(day: int, lang: str, with_year: bool = False) -> str:
    """The month of a day as people call it: 3月, Mar, or with its year 2022-03."""
    on = calendar(day)
    return f"{on.year}-{on.month:02d}" if with_year else t(f"chart.month.{on.month}", lang)


def period_name(period: Period, lang: str) -> str:
    """A period as people call it: 2026年, 2026年3月, 2022年第10周, or its first and last day."""
    for kind, form in PERIOD_FORMS.items():
        if match := form.fullmatch(period.name):
            year, part = int(match[1]), int(match[2] or 0)
            named = t(f"chart.month.{part}", lang) if kind == "month" else str(part)
            return t(f"chart.period.{kind}", lang, year=year, part=named)
    first, last = calendar(period.first), calendar(period.last)
    return str(first) if first == last else t("chart.period.span", lang, first=first, last=last)


def text_width(text: str, size: float) -> float:
    """Width of a text in inches at a size in points: the advances of its characters."""
    return sum(map(_advance, text)) * size / 72


@cache
def _advance(character: str) -> float:
    """Advance of a character in parts of the type size, kept: drawing a text to measure it takes far longer."""
    glyph = _face().load_char(ord(character), flags=LoadFlags.NO_HINTING)
    return float(glyph.linearHoriAdvance / 65536 / EM)


@cache
def _face() -> FT2Font:
    face = FT2Font(str(FONT))
    face.set_size(EM, 72)
    return face


def fitting(text: str, inches: float, size: float, least: float = 7) -> tuple[str, float]:
    """The text and the largest size up to `size` at which it fits; cut with … when even `least` is too large."""
    wide = text_width(text, size)
    if wide <= inches:
        return text, size
    if wide * least / size <= inches:
        return text, size * inches / wide
    while len(text) > 1 and text_width(text + "…", least) > inches:
        text = text[:-1]
    return text + "…", least


def hexed(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def ink_on(colour: Colour) -> str:
    """Black or white, whichever reads better on a colour (WCAG contrast)."""
    red, green, blue = (_linear(part / 255) for part in colour)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return INK if (luminance + 0.05) / 0.07 > 1.05 / (luminance + 0.05) else BACK


def cell(axes: Axes, x: float, y: float, width: float, height: float, colour: Colour | None) -> None:
    """A coloured cell with a white seam; without a colour a hatched grey one."""
    if colour is None:
        hatched = Rectangle((x, y), width, height, facecolor=NO_DATA, edgecolor=HATCH, linewidth=0)
        hatched.set_hatch("////")
        hatched.set_hatch_linewidth(0.5)
        axes.add_patch(hatched)
    face = "none" if colour is None else hexed(colour)
    axes.add_patch(Rectangle((x, y), width, height, facecolor=face, edgecolor=BACK, linewidth=1.2))


def head(axes: Axes, title: str, subtitle: str, note: str = "") -> None:
    """Title, one line of result, and one line on how to read it."""
    room = axes.get_xlim()[1] - 2 * MARGIN
    for text, y, size, colour in ((title, 0.42, 18, INK), (subtitle, 0.80, 11.5, INK), (note, 1.07, 9.5, MUTED)):
        if text:
            shown, fitted = fitting(text, room, size)
            write(axes, MARGIN, y, shown, fitted, colour)


def foot(axes: Axes, source: Provenance, lang: str) -> None:
    """The footer: editions, period, data share, and the program that drew it."""
    width, bottom = axes.get_xlim()[1], axes.get_ylim()[0]
    axes.plot([MARGIN, width - MARGIN], [bottom - 0.52, bottom - 0.52], color=RULE, linewidth=0.8)
    made = t("chart.foot.made", lang, version=__version__)
    write(axes, width - MARGIN, bottom - 0.29, made, 8.5, MUTED, ha="right")
    room = width - 2 * MARGIN - text_width(made, 8.5) - 0.3
    text, size = fitting(foot_text(source, lang), room, 8.5, least=6)
    write(axes, MARGIN, bottom - 0.29, text, size, MUTED)


def foot_text(source: Provenance, lang: str) -> str:
    """The footer's sentence."""
    first, last = calendar(source.period.first), calendar(source.period.last)
    tenths = percent_tenths(source.valid, source.expected)
    parts = [
        t("chart.foot.editions", lang, names=joined("and", lang, source.editions)),
        t("chart.foot.period", lang, first=first, last=last),
        t(
            f"chart.foot.share.{source.unit}",
            lang,
            valid=source.valid,
            expected=source.expected,
            share=percent(tenths),
        ),
    ]
    if source.basis is not None:
        parts.append(t("chart.foot.basis", lang, basis=word(source.basis, lang)))
    return "   |   ".join(parts)


def legend(axes: Axes, y: float, entries: Sequence[tuple[Colour | None, str, str]], extra: float = 0) -> float:
    """A row of cells, each (colour or None for hatched, sign, meaning). Returns the place where the row ends.

    extra : inches to keep free behind the row; a row that is too long is set smaller
    """
    room = axes.get_xlim()[1] - 2 * MARGIN - extra
    full = sum(0.68 + text_width(meaning, 9.5) for _, _, meaning in entries)
    factor, x = min(1.0, room / full) if full else 1.0, MARGIN
    for colour, sign, meaning in entries:
        cell(axes, x, y - 0.12, 0.34 * factor, 0.24, colour)
        write(axes, x + 0.17 * factor, y, sign, 8.5 * factor, INK if colour is None else ink_on(colour), ha="center")
        write(axes, x + 0.42 * factor, y, meaning, 9.5 * factor)
        x += (0.68 + text_width(meaning, 9.5)) * factor
    return x


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write `stem`.png and `stem`.svg and name them. The same figure gives the same bytes, whenever it is drawn."""
    made = f"envmon {__version__}"
    png, svg = stem.with_name(stem.name + ".png"), stem.with_name(stem.name + ".svg")
    stem.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(png, format="png", metadata={"Software": made})
    with rc_context({"svg.hashsalt": "envmon", "svg.fonttype": "path"}):
        figure.savefig(svg, format="svg", metadata={"Creator": made, "Date": None})
    return [png, svg]


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
