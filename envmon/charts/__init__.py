"""Tables to figures. Each chart is a pure function from its data to a Figure; `save` writes PNG and SVG at the edge.

A chart is added as a file with `draw(data, lang)` and `describe(data, lang)` and one line in each registry below.
Never here: reading the store, judging anything, pyplot, or any state kept between two charts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from envmon.charts import calendar, dust, pollutants, rates, sections
from envmon.charts.calendar import CalendarData, DayRun
from envmon.charts.page import IndexItem, index_page
from envmon.charts.pollutants import LimitSpan, PollutantsData, monthly_means
from envmon.charts.rates import RateLine, RatesData
from envmon.charts.sections import MonthClass, SectionRow, SectionsData, pages
from envmon.charts.style import Provenance, Words, save

CHARTS: Mapping[str, Callable[[Any, str], Figure]] = {
    "calendar": calendar.draw,
    "rates": rates.draw,
    "sections": sections.draw,
    "pollutants": pollutants.draw,
    "dust": dust.draw,
}

WORDS: Mapping[str, Callable[[Any, str], Words]] = {
    "calendar": calendar.describe,
    "rates": rates.describe,
    "sections": sections.describe,
    "pollutants": pollutants.describe,
    "dust": dust.describe,
}

__all__ = [
    "CHARTS",
    "WORDS",
    "CalendarData",
    "DayRun",
    "IndexItem",
    "LimitSpan",
    "MonthClass",
    "PollutantsData",
    "Provenance",
    "RateLine",
    "RatesData",
    "SectionRow",
    "SectionsData",
    "Words",
    "index_page",
    "monthly_means",
    "pages",
    "save",
]
