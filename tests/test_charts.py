"""Charts: what they show, that nothing overlaps or leaves the page, that no character is a box, that bytes repeat."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from datetime import date
from functools import cache
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from envmon import __version__, periods
from envmon.charts import (
    CHARTS,
    WORDS,
    CalendarData,
    DayRun,
    IndexItem,
    LimitSpan,
    MonthClass,
    PollutantsData,
    Provenance,
    RateLine,
    RatesData,
    SectionRow,
    SectionsData,
    Words,
    index_page,
    monthly_means,
    pages,
    save,
    style,
)
from envmon.model import (
    NO_VALUE,
    POLLUTANTS,
    AirValidity,
    Basis,
    Level,
    LimitPhase,
    Outlook,
    Prospect,
    Rate,
    RateName,
    Status,
    Target,
    WaterClass,
)
from envmon.periods import number, single

# HJ 633-2026 table 1 and annex A; HB2011-22 table 1 (as in the standards files).
LEVELS = tuple(
    Level(rank, name, name, top, rank <= 2, rgb)
    for rank, (name, top, rgb) in enumerate(
        [
            ("优", 50, (0, 228, 0)),
            ("良", 100, (255, 255, 0)),
            ("轻度污染", 150, (255, 126, 0)),
            ("中度污染", 200, (255, 0, 0)),
            ("重度污染", 300, (153, 0, 76)),
            ("严重污染", 500, (126, 0, 35)),
        ],
        1,
    )
)
CLASS_COLOURS = {
    WaterClass.I: (204, 255, 255),
    WaterClass.II: (0, 204, 255),
    WaterClass.III: (0, 255, 0),
    WaterClass.IV: (255, 255, 0),
    WaterClass.V: (255, 155, 0),
    WaterClass.WORSE_THAN_V: (255, 0, 0),
}
CHANGE = number(date(2026, 3, 1))
YEAR = periods.year(2026)
SOURCE = Provenance(
    ("HJ 633-2012", "GB 3095-2012", "HJ 633-2026", "GB 3095-2026"), YEAR, 318, 326, "days", Basis.REALTIME
)


def limits(edition: str, pm25: tuple[int, int], pm10: tuple[int, int]) -> LimitPhase:
    """Grade II limits of GB 3095 table 1: (24 h, annual) of the two items that changed, the others as in both."""
    table = {"pm25": pm25, "pm10": pm10, "so2": (150, 60), "no2": (80, 40)}
    found = {(item, "24h", 2): day for item, (day, _) in table.items()}
    found |= {(item, "annual", 2): year for item, (_, year) in table.items()}
    found |= {("co", "24h", 2): 40, ("o3", "mda8", 2): 160}
    return LimitPhase(edition, "", found, {item: 1 if item == "co" else 0 for item in POLLUTANTS})


OLD, NEW = limits("GB 3095-2012", (75, 35), (150, 70)), limits("GB 3095-2026", (60, 30), (120, 60))
SPANS = (LimitSpan(YEAR.first - 900, CHANGE - 1, OLD), LimitSpan(CHANGE, CHANGE + 1766, NEW))


def day_run(edition: str, first: int, aqis: list[int], **bad: Status) -> DayRun:
    """Days with the given indices; `bad` names days by place (d3=Status.MISSING)."""
    aqi = np.array(aqis)
    status = np.zeros(len(aqis), int)
    for place, value in bad.items():
        status[int(place[1:])] = value
    level = 1 + np.searchsorted([50, 100, 150, 200, 300], aqi)
    return DayRun(edition, first, level, aqi, np.where(aqi > 50, 0b101000, 0), status)


def calendar_year() -> CalendarData:
    """1 January to 31 October 2026: 20 + 40 days by the old edition, then by the new one."""
    old = day_run("HJ 633-2012", YEAR.first, [40] * 50 + [120] * 9, d3=Status.MISSING, d4=Status.INSUFFICIENT)
    new = [30, 70, 130, 180, 250, 400] * 40
    return CalendarData(
        "甘孜藏族自治州",
        (old, day_run("HJ 633-2026", CHANGE, new, d0=Status.INCOMPLETE, d7=Status.INVALID)),
        LEVELS,
        SOURCE,
    )


def calendar_weeks() -> CalendarData:
    """Three weeks across the change of edition, which falls on a Sunday."""
    first = number(date(2026, 2, 16))
    runs = (
        day_run("HJ 633-2012", first, [77, 42, 103] * 4 + [20], d1=Status.MISSING),
        day_run("HJ 633-2026", CHANGE, [161, 50, 301, 12, 99, 100, 101, 230]),
    )
    period = periods.Period(first, CHANGE + 7, "2026-02-16..2026-03-08")
    return CalendarData("成都市", runs, LEVELS, replace(SOURCE, period=period, valid=20, expected=21))


def rate(name: RateName, day: int, numerator: int, denominator: int, tenths: int | None) -> Rate:
    period = periods.Period(YEAR.first, day, "2026")
    return Rate(name, "ganzi", period, numerator, denominator, (), ("HJ 633-2026",), "realtime", tenths)


def rates_year() -> RatesData:
    lines = []
    for name, required, gap, allowed, prospect in (
        (RateName.GOOD_DAYS, 920, 12, 8, Prospect.ON_TRACK),
        (RateName.TARGET_MET, 972, -21, -3, Prospect.OUT_OF_REACH),
        (RateName.GOOD_SOURCES, 1000, 0, 0, Prospect.AT_RISK),
    ):
        days = [month.last for month in periods.months(YEAR)[:10]]
        found = [rate(name, day, 9 * n, 10 * n, 900) for n, day in enumerate(days, 1)]
        found[4] = rate(name, days[4], 0, 0, None)
        target = Target("t", name, "ganzi", YEAR, percent=required)
        lines.append(RateLine(name, tuple(found), Outlook(target, found[-1], required, gap, allowed, prospect)))
    lines.append(RateLine(RateName.GOOD_SOURCES_VOLUME, (rate(RateName.GOOD_SOURCES_VOLUME, YEAR.first, 0, 0, None),)))
    return RatesData("甘孜藏族自治州", YEAR, tuple(lines), SOURCE)


def sections_year() -> SectionsData:
    names = ["雅砻江柯拉", "镕堃垚邨水库库心", "金沙江岗托桥国控考核断面（川藏省界左岸）岗托镇上游五百米处", "〇"]
    rows = []
    for start, name in enumerate(names):
        cells: list[MonthClass | None] = [MonthClass(WaterClass(1 + (start + n) % 6)) for n in range(10)]
        cells[2] = MonthClass(WaterClass.NONE, Status.MISSING)
        cells[3] = MonthClass(WaterClass.NONE, Status.INSUFFICIENT)
        rows.append(SectionRow(name, WaterClass.II, (*cells, None, None)))
    source = Provenance(("GB 3838-2002", "环办〔2011〕22号"), YEAR, 32, 40, "judgements")
    return SectionsData("甘孜藏族自治州", tuple(periods.months(YEAR)), tuple(rows), CLASS_COLOURS, source)


def pollutants_year() -> PollutantsData:
    """Daily values to 31 October: PM2.5 is 70 each day, the others low, with gaps."""
    days = number(date(2026, 11, 1)) - YEAR.first
    values = np.full((6, days), 20)
    values[POLLUTANTS.index("pm25")] = 70
    values[POLLUTANTS.index("o3"), ::3] = 161
    values[:, 100:112] = NO_VALUE
    values[POLLUTANTS.index("co"), 40:43] = (NO_VALUE, 41, NO_VALUE)
    spans = tuple(single(day) for day in range(YEAR.first, YEAR.first + days))
    return PollutantsData("甘孜藏族自治州", values, spans, dict(OLD.decimals), SPANS, SOURCE)


def pollutants_months() -> PollutantsData:
    daily = pollutants_year()
    values, spans = monthly_means(daily.values, YEAR.first, YEAR, VALIDITY)
    return replace(daily, values=values, spans=spans, monthly=True, source=replace(SOURCE, unit="months"))


VALIDITY = AirValidity(20, 8, 6, 8, 14, 27, 25, 324, (75, 50), dict.fromkeys(POLLUTANTS, 0))
CASES = {
    "calendar year": ("calendar", calendar_year()),
    "calendar weeks": ("calendar", calendar_weeks()),
    "rates": ("rates", rates_year()),
    "sections": ("sections", sections_year()),
    "pollutants": ("pollutants", pollutants_year()),
    "pollutants by month": ("pollutants", pollutants_months()),
}
EVERY = pytest.mark.parametrize("case", CASES)
BOTH = pytest.mark.parametrize("lang", ["zh", "en"])


@cache
def drawn(case: str, lang: str = "zh") -> Figure:
    """One case, drawn once and only looked at."""
    name, data = CASES[case]
    figure = CHARTS[name](data, lang)
    figure.canvas.draw()
    return figure


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def said(figure: Figure) -> list[str]:
    return [text.get_text() for text in texts(figure)]


def colours(figure: Figure) -> list[str]:
    """Face colours of all cells, legend included."""
    return [to_hex(patch.get_facecolor()) for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]


def lines(figure: Figure, plot: int) -> list[tuple[list[float], list[float]]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in figure.axes[plot].lines]


# --- every chart ------------------------------------------------------------------------------------------------


@BOTH
@EVERY
def test_every_character_is_in_our_font_and_every_text_uses_it(case: str, lang: str) -> None:
    known = set(FT2Font(str(style.FONT)).get_charmap())
    shown = texts(drawn(case, lang))
    assert len(shown) > 20
    for text in shown:
        assert text.get_fontproperties().get_file() == str(style.FONT), text.get_text()
        assert not [c for c in text.get_text() if ord(c) not in known], text.get_text()


@BOTH
@EVERY
def test_no_text_leaves_the_page_or_touches_another(case: str, lang: str) -> None:
    figure = drawn(case, lang)
    page = figure.bbox
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= page.x1, text
        assert box.y1 <= page.y1, text
    for (one, first), (other, second) in combinations(boxes, 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        high = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert wide <= 1 or high <= 1, f"{one!r} touches {other!r}"


@BOTH
@EVERY
def test_texts_are_large_enough_to_read(case: str, lang: str) -> None:
    assert min(text.get_fontsize() for text in texts(drawn(case, lang))) >= 6


@EVERY
def test_the_footer_names_edition_period_share_and_version(case: str) -> None:
    _, data = CASES[case]
    shown = said(drawn(case))
    foot = next(text for text in shown if text.startswith("评价依据"))
    for part in (*data.source.editions, f"{data.source.valid}/{data.source.expected}", "2026-"):
        assert part in foot
    assert f"由 envmon {__version__} 生成" in shown


@EVERY
def test_files_are_the_same_bytes_each_time(case: str, tmp_path: Path) -> None:
    name, data = CASES[case]
    first = [path.read_bytes() for path in save(CHARTS[name](data, "zh"), tmp_path / "a" / "2026.11")]
    again = save(CHARTS[name](data, "zh"), tmp_path / "b" / "2026.11")
    assert [path.name for path in again] == ["2026.11.png", "2026.11.svg"]
    assert first == [path.read_bytes() for path in again]
    assert b"<dc:date>" not in first[1]
    assert len(first[0]) < 400_000


def test_drawing_leaves_pyplot_and_global_settings_alone() -> None:
    code = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy(); import envmon.charts;"
        "assert 'matplotlib.pyplot' not in sys.modules; assert before == matplotlib.rcParams.copy()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_registries_name_the_same_charts() -> None:
    assert list(CHARTS) == list(WORDS) == ["calendar", "rates", "sections", "pollutants", "dust"]


# --- font -------------------------------------------------------------------------------------------------------


def test_the_font_has_place_names_units_and_the_words_of_charts() -> None:
    font = FT2Font(str(style.FONT))
    assert font.family_name == "Noto Sans SC"
    known = set(font.get_charmap())
    wanted = set("镕堃垚邨浬滍滘漷浉瀍鄠鄫澥μ³₂₃₅₁₀⁻−ⅠⅡⅢⅣⅤ劣℃〔〕")
    folder = style.FONT.parents[1] / "texts"
    for path in (*folder.glob("charts.*.json"), *folder.glob("words.*.json")):
        wanted |= set("".join(json.loads(path.read_text("utf-8")).values()))
    assert sorted(c for c in wanted if ord(c) not in known and c not in "\n✓✗") == []
    assert (style.FONT.parent / "OFL.txt").read_text("utf-8").startswith("Copyright 2014-2021 Adobe")


# --- calendar ---------------------------------------------------------------------------------------------------


def test_calendar_cells_have_the_level_s_colour_and_number() -> None:
    figure = drawn("calendar year")
    found, shown = colours(figure), said(figure)
    # 40 rounds of six levels less two bad days, and one cell of each level in the legend
    assert found.count("#7e0023") == 41
    assert found.count("#00e400") == 48 + 39 + 1
    assert found.count("#ffff00") == 39 + 1
    assert shown.count("6") == 41 + 1  # and the day of the month in the heading
    hatched = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    assert len(hatched) == 4 + 4
    for mark in ("缺", "少", "项", "无"):
        assert shown.count(mark) == 2


def test_calendar_counts_each_edition_for_itself() -> None:
    words = WORDS["calendar"](calendar_year(), "zh")
    # 59 days less 2 bad ones, 48 of them good; 240 less 2, good are 39 + 39
    assert "按 HJ 633-2012：优良 48 天，有效 57 天，优良天数比例 84.2%" in words.caption
    assert "按 HJ 633-2026：优良 78 天，有效 238 天，优良天数比例 32.8%" in words.caption
    assert "优 87 天" in words.alt
    assert "缺测 1 天" in words.alt
    assert words.title == "甘孜藏族自治州 2026年 空气质量日历"


def test_calendar_marks_the_change_of_edition() -> None:
    assert "粗线：自 2026-03-01 起按 HJ 633-2026 评价，此前按 HJ 633-2012" in said(drawn("calendar year"))
    (whole_row,) = [line for line in drawn("calendar year").axes[0].lines if line.get_linewidth() > 2]
    assert whole_row.get_ydata()[0] == whole_row.get_ydata()[1]
    (in_a_week,) = [line for line in drawn("calendar weeks").axes[0].lines if line.get_linewidth() > 2]
    assert in_a_week.get_xdata()[0] == in_a_week.get_xdata()[1]


def test_calendar_without_change_has_no_such_line() -> None:
    data = calendar_weeks()
    same = replace(data, runs=(data.runs[0], replace(data.runs[1], edition="HJ 633-2012")))
    figure = CHARTS["calendar"](same, "zh")
    assert not [line for line in figure.axes[0].lines if line.get_linewidth() > 2]
    assert not [text for text in said(figure) if text.startswith("粗线")]


def test_calendar_of_weeks_shows_index_level_and_primary() -> None:
    shown = said(drawn("calendar weeks"))
    assert {"161", "中度污染", "3-01", "2-16", "周日", "缺测"} <= set(shown)
    assert "O₃-8h、PM₂.₅" in shown


def test_a_day_outside_the_period_is_not_drawn_or_counted() -> None:
    data = calendar_weeks()
    data = replace(data, source=replace(data.source, period=periods.week(2026, 8)))
    assert "有效 6 天" in WORDS["calendar"](data, "zh").caption
    assert "3-01" not in said(CHARTS["calendar"](data, "zh"))


# --- rates ------------------------------------------------------------------------------------------------------


def test_rates_show_value_counts_target_and_what_is_left() -> None:
    shown = said(drawn("rates"))
    for text in (
        "90.0%",
        "优良 90 天 / 有效 100 天",
        "目标 92.0%，高出 1.2 个百分点",
        "还允许 8 天不达标",
        "目标 97.2%，差 2.1 个百分点",
        "已超出允许数 3 个断面",
        "前景：已无法完成",
        "目标 100.0%，持平",
        "未设目标",
        "–",
    ):
        assert text in shown


def test_volumes_are_shown_in_the_unit_people_use() -> None:
    # 341.00 + 20.5 of 361.50 x 10^4 t, kept in steps of 10 t
    by_volume = rate(RateName.GOOD_SOURCES_VOLUME, YEAR.last, 341_000, 361_500, 943)
    data = RatesData("x", YEAR, (RateLine(RateName.GOOD_SOURCES_VOLUME, (by_volume,)),), SOURCE)
    assert "达标 341.000 万吨 / 取水 361.500 万吨" in said(CHARTS["rates"](data, "zh"))


def test_a_point_without_rate_is_a_gap() -> None:
    curve = max(lines(drawn("rates"), 1), key=lambda line: len(line[0]))
    assert [math.isnan(value) for value in curve[1]] == [False] * 4 + [True] + [False] * 5
    assert [math.isnan(value) or value == 90.0 for value in curve[1]] == [True] * 10
    assert curve[0][0] == number(date(2026, 1, 31))


def test_rates_axis_holds_line_and_target_and_runs_to_the_year_s_end() -> None:
    for axes in drawn("rates").axes[1:4]:
        low, high = axes.get_ylim()
        assert low < 90 < high
        assert axes.get_xlim() == (YEAR.first - 0.5, YEAR.last + 0.5)


# --- sections ---------------------------------------------------------------------------------------------------


def test_sections_have_class_colour_and_numeral() -> None:
    figure = drawn("sections")
    shown = said(figure)
    assert colours(figure).count("#ff0000") == shown.count("劣Ⅴ") == 4 + 1  # months 6; 5; 10; 9 of the four
    assert shown.count("缺") == shown.count("少") == 4 + 1
    assert any(text.endswith("…") for text in shown)  # the overlong name


def test_sections_frame_what_is_worse_than_target() -> None:
    data = sections_year()
    worse = sum(cell.water_class > WaterClass.II for row in data.rows for cell in row.months if cell)
    framed = [p for p in drawn("sections").axes[0].patches if p.get_linewidth() == 2]
    assert len(framed) == worse + 1


def test_sections_words_count_section_months() -> None:
    one = SectionRow("a", WaterClass.II, (MonthClass(WaterClass.I), MonthClass(WaterClass.III), None))
    two = SectionRow("b", WaterClass.III, (MonthClass(WaterClass.V), MonthClass(WaterClass.NONE, Status.MISSING), None))
    data = replace(sections_year(), months=tuple(periods.months(periods.quarter(2026, 1))), rows=(one, two))
    words = WORDS["sections"](data, "zh")
    assert words.caption == "评价 3 个断面月：Ⅰ～Ⅲ类 2 个（66.7%），达到目标 1 个（33.3%）"
    assert "2 个断面、3 个月" in words.alt
    assert {"1/2", "0/1", "1/1"} <= set(said(CHARTS["sections"](data, "zh")))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_month_that_cannot_be_judged_has_a_mark_of_its_own(lang: str) -> None:
    row = SectionRow("a", WaterClass.II, (MonthClass(WaterClass.NONE, Status.NOT_JUDGEABLE), None, None))
    data = replace(sections_year(), months=tuple(periods.months(periods.quarter(2026, 1))), rows=(row,))
    assert {"zh": "限", "en": "L"}[lang] in said(CHARTS["sections"](data, lang))


def test_many_sections_go_on_several_pages() -> None:
    data = sections_year()
    many = replace(data, rows=data.rows * 25)
    assert [len(page.rows) for page in pages(many)] == [45, 45, 10]


# --- pollutants -------------------------------------------------------------------------------------------------


def test_a_gap_is_never_bridged_and_a_lone_day_is_seen() -> None:
    co = drawn("pollutants").axes[6]  # page, PM2.5, PM10, O3, NO2, SO2, CO
    curve = next(line for line in co.lines if len(line.get_xdata()) == 304)
    values = list(curve.get_ydata())
    assert all(math.isnan(value) for value in values[100:112])
    assert [math.isnan(value) for value in values[39:44]] == [False, True, False, True, False]
    lone = next(line for line in co.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1)
    assert (lone.get_xdata()[0], lone.get_ydata()[0]) == (YEAR.first + 41, 4.1)


def test_limit_lines_are_those_in_force_on_each_day() -> None:
    figure = drawn("pollutants")
    levels = [line for line in lines(figure, 1) if len(line[1]) == 2 and line[1][0] == line[1][1] and line[0][0] > 1]
    assert ([YEAR.first - 0.5, CHANGE - 0.5], [75.0, 75.0]) in levels
    assert ([CHANGE - 0.5, YEAR.last + 0.5], [60.0, 60.0]) in levels
    shown = said(figure)
    assert "限值 75（GB 3095-2012） → 60（GB 3095-2026）" in shown
    assert "限值 160（GB 3095-2012、GB 3095-2026）" in shown
    assert "限值 4（GB 3095-2012、GB 3095-2026）" in shown


def test_values_above_the_limit_are_counted_by_the_limit_of_their_day() -> None:
    # PM2.5 is 70 each day: within 75 until 28 February, above 60 on 245 days from 1 March less 12 missing
    words = WORDS["pollutants"](pollutants_year(), "zh")
    assert "PM₂.₅ 233/292" in words.caption
    assert "CO 1/290" in words.caption
    assert "超限 233/292 天" in said(drawn("pollutants"))


def test_a_value_equal_to_the_limit_is_not_above_it() -> None:
    data = pollutants_year()
    at = replace(data, values=np.where(data.values == 70, 60, data.values))
    assert "PM₂.₅ 0/292" in WORDS["pollutants"](at, "zh").caption


def test_monthly_means_follow_the_months_own_minimum() -> None:
    # GB 3095 table 4: at least 27 valid days in a month, 25 in February. Half to even: 10.5 -> 10, 11.5 -> 12.
    days = np.full((6, 90), 10)
    days[0, :31:2], days[0, 1:31:2] = 10, 11  # 16 x 10 + 15 x 11 = 325, /31 = 10.48 -> 10
    days[1, :4] = NO_VALUE  # 27 left in January
    days[2, :5] = NO_VALUE  # 26
    days[3, 31:34] = NO_VALUE  # 25 left in February
    days[4, 31:35] = NO_VALUE  # 24
    days[5, 31:59:2], days[5, 32:59:2] = 11, 12  # 11.5
    means, spans = monthly_means(days, YEAR.first, periods.quarter(2026, 1), VALIDITY)
    assert [span.name for span in spans] == ["2026-01", "2026-02", "2026-03"]
    assert means[:, 0].tolist() == [10, 10, NO_VALUE, 10, 10, 10]
    assert means[:, 1].tolist() == [10, 10, 10, 10, NO_VALUE, 12]
    assert monthly_means(days[:, :80], YEAR.first, periods.quarter(2026, 1), VALIDITY)[0][:, 2].tolist() == [-1] * 6


def test_monthly_means_stand_against_the_annual_limit_where_there_is_one() -> None:
    shown = said(drawn("pollutants by month"))
    assert "年均限值 35（GB 3095-2012） → 30（GB 3095-2026）" in shown
    assert shown.count("标准无年均限值") == 2  # ozone and CO
    assert "高于 9/9 月" in shown  # 70 in every month; April lacks 12 days


def test_nothing_at_all_still_draws() -> None:
    data = pollutants_year()
    empty = replace(data, values=np.full_like(data.values, NO_VALUE), limits=())
    CHARTS["pollutants"](empty, "zh").canvas.draw()
    CHARTS["rates"](RatesData("x", YEAR, (RateLine(RateName.GOOD_DAYS, ()),), SOURCE), "zh").canvas.draw()
    CHARTS["calendar"](replace(calendar_year(), runs=()), "zh").canvas.draw()
    CHARTS["sections"](replace(sections_year(), rows=()), "zh").canvas.draw()


# --- style and page ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rgb", [*(level.rgb for level in LEVELS), *CLASS_COLOURS.values()])
def test_signs_in_cells_have_contrast(rgb: tuple[int, int, int]) -> None:
    def luminance(text: str) -> float:
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(style.hexed(rgb)), luminance(style.ink_on(rgb))))
    assert (high + 0.05) / (low + 0.05) > 3.9


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("2022", "2022年", "2022"),
        ("2022-Q1", "2022年第1季度", "2022 Q1"),
        ("2022-W10", "2022年第10周", "2022, week 10"),
        ("2022-03", "2022年3月", "Mar 2022"),
        ("2022-03-01", "2022-03-01", "2022-03-01"),
        ("2022-03-01..2022-03-09", "2022-03-01 至 2022-03-09", "2022-03-01 to 2022-03-09"),
    ],
)
def test_periods_are_named_as_people_say(text: str, zh: str, en: str) -> None:
    period = periods.parse(text)
    assert (style.period_name(period, "zh"), style.period_name(period, "en")) == (zh, en)


def test_a_long_text_is_set_smaller_then_cut() -> None:
    assert style.fitting("甘孜", 3, 10) == ("甘孜", 10)
    text, size = style.fitting("甘" * 20, 2.2, 10)
    assert text == "甘" * 20
    assert 7 <= size < 10
    text, size = style.fitting("甘" * 80, 2.2, 10)
    assert text.endswith("…")
    assert size == 7
    assert style.text_width(text, size) <= 2.2


class Page(HTMLParser):
    """Collects tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_index_page_lists_each_chart_and_is_escaped_and_offline() -> None:
    hostile = '<script>alert("x")</script>&'
    items = [
        IndexItem("日历 1.png", "日历 1.svg", Words("空气质量日历", "优良 3 天", f'图"{hostile}')),
        IndexItem("b.png", "b.svg", Words(hostile, hostile, "alt")),
    ]
    text = index_page(f"图集 {hostile}", items, "zh")
    assert "<script" not in text
    assert "//" not in text.replace("<!doctype html>", "")
    page = Page(text)
    assert page.every("html") == [{"lang": "zh-CN"}]
    assert [image["alt"] for image in page.every("img")] == [f'图"{hostile}', "alt"]
    assert page.every("img")[0]["src"] == "%E6%97%A5%E5%8E%86%201.png"
    assert {link["href"] for link in page.every("a")} >= {"#c1", "#c2", "b.png", "b.svg"}
    assert "优良 3 天" in text
    assert "@media print" in text


def test_the_index_page_of_nothing_says_so() -> None:
    assert "There is nothing to draw for this period." in index_page("x", [], "en")


def test_chart_texts_exist_in_both_languages_with_the_same_values() -> None:
    folder = style.FONT.parents[1] / "texts"
    zh, en = (json.loads((folder / f"charts.{lang}.json").read_text("utf-8")) for lang in ("zh", "en"))
    assert list(zh) == list(en)
