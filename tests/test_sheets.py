"""The sheets laboratories really send: merged heads, rows of units, notes, marks, dates, several sheets, old formats.

What is expected is what stands in the sheet, read by eye.
"""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envmon import periods
from envmon.errors import EnvmonError, SourceChanged
from envmon.model import Basis, Mark, Medium, Payload, Refused, Span
from envmon.sources import SOURCES, Context, Parsed, child
from envmon.sources.cells import Unreadable, is_unit, marked, printed_time, shift_between
from envmon.sources.files import all_sheets, sheets
from envmon.sources.heads import Items
from envmon.standards import parameters
from tests.xls import XlsSheet, ods, xls

PARAMETERS = parameters()
BY_NUMBER = {parameter.number: parameter for parameter in PARAMETERS.values()}
SITES = {"甲断面": 1, "乙断面": 2, "丙水库": 3}
TAKEN = periods.minute(datetime(2022, 8, 1, 9))


def stream(span: Span, basis: Basis | None = None) -> int:
    return 7


def parse(body: bytes | str, origin: str = "lab.xlsx", lang: str = "zh") -> Parsed:
    payload = Payload(origin, body.encode() if isinstance(body, str) else body, TAKEN)
    return SOURCES["lab"].parse(payload, Context(SITES, PARAMETERS, stream, lang=lang))


def told(parsed: Parsed) -> dict[tuple[str, str], dict[str, str]]:
    """(site, when) -> item -> what was read, as printed."""
    names = {number: name for name, number in SITES.items()}
    found: dict[tuple[str, str], dict[str, str]] = {}
    for ending, site, number, _, value, mark in parsed.rows:
        when = (datetime(1970, 1, 1) + timedelta(minutes=ending - periods.minute(datetime(1970, 1, 1)))).isoformat(" ")
        text = format(Decimal(value).scaleb(-BY_NUMBER[number].decimals).normalize(), "f")
        below = "<" if mark == Mark.CENSORED else ""
        found.setdefault((names[site], when[:16]), {})[BY_NUMBER[number].id] = below + text
    return found


def refusals(parsed: Parsed) -> list[tuple[str, int, int, str]]:
    return [(one.sheet, one.line, one.column, one.reason) for one in parsed.refused]


Pages = dict[str, Sequence[Sequence[Any]]]


def book(
    pages: Pages | Sequence[Sequence[Any]], *merged: str, formats: dict[str, str] | None = None, **more: Any
) -> bytes:
    """An .xlsx; `merged` and `formats` (cell -> number format) are of the first sheet."""
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    if more.get("since_1904"):
        made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for name, rows in (pages if isinstance(pages, dict) else {"结果": pages}).items():
        page = made.create_sheet(name)
        for row in rows:
            page.append(list(row))
    first = made.worksheets[0]
    for area in merged:
        first.merge_cells(area)
    for cell, form in (formats or {}).items():
        first[cell].number_format = form
    for name in more.get("hidden", ()):
        made[name].sheet_state = "hidden"
    for line in more.get("hidden_rows", ()):
        first.row_dimensions[line].hidden = True
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def repacked(body: bytes, part: str, old: str, new: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            text = source.read(name).decode()
            assert name != part or old in text
            target.writestr(name, text.replace(old, new) if name == part else text)
    return out.getvalue()


PAGE = "xl/worksheets/sheet1.xml"
NOON = "2022-07-05 12:00"
ONE = {("甲断面", NOON): {"nh3n": "0.12", "tp": "0.05"}}

# --- headers ----------------------------------------------------------------------------------------------------

HEADERS = {
    "one row": [["断面名称", "采样日期", "氨氮", "总磷"]],
    "units in brackets": [["断面名称", "采样日期", "氨氮(mg/L)", "总磷（mg/L）"]],
    "units after a blank or line": [["断面名称", "采样日期", "氨氮 mg/L", "总磷\nmg/L"]],
    "units stuck on": [["断面名称", "采样日期", "氨氮mg/L", "总磷，mg/L"]],
    "units as physicists write them": [["断面名称", "采样日期", "ρ(氨氮)/(mg·L-1)", "总磷/(mg·L⁻¹)"]],
    "symbols and bases": [["断面名称", "采样日期", "氨氮(NH3-N)", "总磷（以P计）(mg/L)"]],
    "a row of units": [["断面名称", "采样日期", "氨氮", "总磷"], [None, None, "mg/L", "（mg/L）"]],
    "a row of units that says so": [["断面名称", "采样日期", "氨氮", "总磷"], ["单位", None, "mg/L", "mg/L"]],
    "titles above": [
        ["某县水质监测结果表"],
        [],
        ["监测单位：某站", None, "2022年7月"],
        ["断面名称", "采样日期", "氨氮", "总磷"],
    ],
    "codes": [["断面名称", "采样日期", "w21003", "w21011"]],
    "names over codes": [["断面名称", "采样日期", "氨氮", "总磷"], [None, None, "w21003", "w21011"]],
    "signs around names": [["断面 名称", "采样　日期", "氨氮*", "总磷①"]],
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_headers(header: list[list[Any]]) -> None:
    parsed = parse(book([*header, ["甲断面", "2022-07-05", 0.12, 0.05]]))
    assert refusals(parsed) == []
    assert told(parsed) == ONE


MERGED = {
    "item over unit": ([["断面名称", "采样日期", "氨氮", "总磷"], [None, None, "mg/L", "mg/L"]], ["A1:A2", "B1:B2"]),
    "group over item": (
        [["断面名称", "采样日期", "监测项目（mg/L）"], [None, None, "氨氮", "总磷"]],
        ["A1:A2", "B1:B2", "C1:D1"],
    ),
    "three rows": (
        [["断面名称", "采样日期", "基本项目", None], [None, None, "氨氮", "总磷"], [None, None, "mg/L", "mg/L"]],
        ["A1:A3", "B1:B3", "C1:D1"],
    ),
    "group over all": ([["基本信息", None, "项目"], ["断面名称", "采样日期", "氨氮", "总磷"]], ["A1:B1", "C1:D1"]),
    "a title over all": ([["监测结果表"], ["断面名称", "采样日期", "氨氮", "总磷"]], ["A1:D1"]),
}


@pytest.mark.parametrize(("header", "merged"), MERGED.values(), ids=MERGED)
def test_merged_headers(header: list[list[Any]], merged: list[str]) -> None:
    parsed = parse(book([*header, ["甲断面", "2022-07-05", 0.12, 0.05]], *merged))
    assert refusals(parsed) == []
    assert told(parsed) == ONE


def test_results_and_limits_side_by_side_under_one_item() -> None:
    rows = [["断面名称", "采样日期", "氨氮", None, "砷", None], [None, None, "结果", "检出限", "结果", "检出限"]]
    body = book([*rows, ["甲断面", "2022-07-05", "未检出", 0.025, 0.003, 0.0003]], "A1:A2", "B1:B2", "C1:D1", "E1:F1")
    parsed = parse(body)
    assert refusals(parsed) == []
    assert told(parsed) == {("甲断面", NOON): {"nh3n": "<0.025", "arsenic": "0.003"}}


def test_detection_limits_in_the_next_column() -> None:
    rows = [
        ["断面名称", "采样日期", "氨氮", "检出限", "汞", "方法检出限"],
        ["甲断面", "2022-07-05", "ND", 0.025, "未检出", "0.00004L"],
    ]
    assert told(parse(book(rows))) == {("甲断面", NOON): {"nh3n": "<0.025", "mercury": "<0.00004"}}


def test_detection_limits_in_a_row_of_their_own() -> None:
    rows = [
        ["断面名称", "采样日期", "氨氮", "汞(μg/L)"],
        ["检出限", "", 0.025, 0.04],
        ["甲断面", "2022-07-05", "ND", "未检出"],
    ]
    assert told(parse(book(rows))) == {("甲断面", NOON): {"nh3n": "<0.025", "mercury": "<0.00004"}}


def test_sites_merged_over_their_items() -> None:
    rows = [["断面名称", "采样日期", "监测项目", "单位", "监测结果"], ["甲断面", "2022.7.5", "氨氮", "mg/L", 0.12]]
    rows += [[None, None, "总磷", "mg/L", 0.05], ["乙断面", "2022.7.5", "砷", "μg/L", "0.3L"]]
    assert told(parse(book(rows, "A2:A3", "B2:B3"))) == ONE | {("乙断面", NOON): {"arsenic": "<0.0003"}}


def test_a_value_merged_over_two_items_belongs_to_nobody() -> None:
    rows = [["断面名称", "采样日期", "氨氮", "总磷", "砷"], ["甲断面", "2022-07-05", 0.12, None, 0.003]]
    parsed = parse(book(rows, "C2:D2"))
    assert told(parsed) == {("甲断面", NOON): {"arsenic": "0.003"}}
    assert refusals(parsed) == [("结果", 2, 3, "合并的单元格跨了几列，从“氨氮”起；不知道是哪一项的值")]


# --- rows that are no samples -----------------------------------------------------------------------------------


def test_notes_statistics_and_signatures_are_passed_over() -> None:
    head = ["断面名称", "采样日期", "氨氮", "总磷"]
    rows = [["表1"], head, ["标准限值", None, 1.0, 0.2], ["甲断面", "2022-07-05", 0.12, 0.05], [], head]
    rows += [
        ["平均值", None, 0.12, 0.05],
        ["备注：1. L 表示未检出", None, "见附表", None],
        ["审核：张三", None, "审定：李四"],
    ]
    rows += [["注", "pH 无量纲"], ["填表人：王五", "2022-07-20"], ["以上数据仅对本次采样负责"], ["2022年7月20日"]]
    parsed = parse(book(rows))
    assert refusals(parsed) == []
    assert parsed.unknown == {}
    assert told(parsed) == ONE


def test_a_row_without_a_name_that_holds_values_is_refused() -> None:
    parsed = parse(
        book([["序号", "断面名称", "采样日期", "氨氮"], [1, None, "2022-07-05", 0.12], [2, None, None, None]])
    )
    assert refusals(parsed) == [("结果", 2, 2, "没有写断面或水源地的名称")]


def test_a_site_nobody_knows_is_counted() -> None:
    parsed = parse(
        book([["断面名称", "采样日期", "氨氮"], ["丁断面", "2022-07-05", 0.12], ["甲断面", "2022-07-05", 0.2]])
    )
    assert parsed.unknown == {"丁断面": 1}
    assert told(parsed) == {("甲断面", NOON): {"nh3n": "0.2"}}


# --- what cells say ---------------------------------------------------------------------------------------------

VALUES = {
    "<0.02": "<0.02",
    "＜0.02": "<0.02",
    "< 0.02": "<0.02",
    "﹤0.02": "<0.02",
    "0.02L": "<0.02",
    "0.02 L": "<0.02",
    "0.02l": "<0.02",
    "０．０２Ｌ": "<0.02",
    "0.02(L)": "<0.02",
    "0.02（L）": "<0.02",
    "<0.02L": "<0.02",
    "未检出（0.02）": "<0.02",
    "未检出(<0.02)": "<0.02",
    "未检出（0.02L）": "<0.02",
    "ND(0.02)": "<0.02",
    "ND<0.02": "<0.02",
    "０．１２": "0.12",
    "0.12 ": "0.12",
    "'0.12": "0.12",
    "　0.12": "0.12",
    "1,234.5": "1234.5",
    "1，234": "1234",
    "2.4×10³": "2400",
    "2.4×10^3": "2400",
    "<2.0×10¹": "<20",
    "1.2E-2": "0.012",
    "": None,
    "—": None,
    "／": None,
    "-": None,
}


@pytest.mark.parametrize(("printed", "value"), VALUES.items(), ids=range(len(VALUES)))
def test_marks_and_numbers(printed: str, value: str | None) -> None:
    parameter = PARAMETERS["nh3n"]
    found = marked(printed, parameter)
    if value is None:
        assert found is None
    else:
        steps = Decimal(value.removeprefix("<")).scaleb(parameter.decimals)
        assert found == (steps, Mark.CENSORED if value.startswith("<") else Mark.NONE)


@pytest.mark.parametrize("mark", ["未检出", "ND", "nd", "N.D.", "低于检出限"])
def test_not_found_needs_a_limit_and_takes_it_from_beside(mark: str) -> None:
    assert marked(mark, PARAMETERS["nh3n"], limit="＜0.025") == (250, Mark.CENSORED)  # 0.025 in steps of 0.0001
    with pytest.raises(Unreadable) as caught:
        marked(mark, PARAMETERS["nh3n"], limit="—")
    assert caught.value.said("zh") == f"{mark}，旁边没有写检出限"


@pytest.mark.parametrize(
    "printed",
    [
        "2.4×103",
        "10³",
        "1,23",
        "0,123",
        "1.2.3",
        ">2.4×10^4",
        "0.12mg/L",
        "约0.1",
        "85.3%",
        "0.1-0.2",
        "0.02(ND",
        "（）",
        "²",
    ],
)
def test_what_could_mean_two_things_is_refused(printed: str) -> None:
    with pytest.raises(Unreadable):
        marked(printed, PARAMETERS["nh3n"])


def test_every_refusal_tells_sheet_line_and_column() -> None:
    rows = [["断面名称", "采样日期", "氨氮", "总磷", "总铬"], ["甲断面", "2022-07-05", "0.1x", "=1/0", 3]]
    rows += [["乙断面", "7.5", 0.2, None, None], ["=A2", "2022-07-05", 0.2, None, None]]
    body = repacked(book(rows), PAGE, '<c r="D2"><f>1/0</f><v /></c>', '<c r="D2" t="e"><f>1/0</f><v>#DIV/0!</v></c>')
    assert refusals(parse(body)) == [
        ("结果", 1, 5, "不认识项目 '总铬'；该列的值没有收入，共 1 个"),
        ("结果", 2, 3, "氨氮：'0.1x' 不是数"),
        ("结果", 2, 4, "总磷：单元格是错误值 #DIV/0!"),
        ("结果", 3, 2, "'7.5' 不是日期；写成 2022-07-09"),
        ("结果", 4, 1, "'=A2' 的公式未计算，没有结果；请打开文件再保存一次"),
    ]


def test_one_formula_without_a_result_stops_only_its_cell() -> None:
    parsed = parse(book([["断面名称", "采样日期", "氨氮", "总磷"], ["甲断面", "2022-07-05", "=0.1+0.02", 0.05]]))
    assert told(parsed) == {("甲断面", NOON): {"tp": "0.05"}}
    assert refusals(parsed) == [("结果", 2, 3, "氨氮：'=0.1+0.02' 的公式未计算，没有结果；请打开文件再保存一次")]


def test_a_formula_with_a_result_is_its_result_and_an_empty_text_is_empty() -> None:
    body = book([["断面名称", "采样日期", "氨氮", "总磷"], ["甲断面", "2022-07-05", "=0.1+0.02", '=IF(A9="","",1)']])
    body = repacked(body, PAGE, "<f>0.1+0.02</f><v />", "<f>0.1+0.02</f><v>0.12000000000000001</v>")
    body = repacked(body, PAGE, '<c r="D2"><f>', '<c r="D2" t="str"><f>')
    parsed = parse(body)
    assert told(parsed) == {("甲断面", NOON): {"nh3n": "0.12"}}
    assert parsed.refused == []


def test_numbers_are_read_as_they_were_typed() -> None:
    """Excel writes 0.07 as 7.0000000000000007E-2, and shows 15 digits of whatever a formula gave."""
    numbers = ["7.0000000000000007E-2", "0.30000000000000004", "12", "1E-4", "1234567", "-1", "2.8999999999999998E-2"]
    body = book([["x", *[0.5] * len(numbers)]])
    for at, number in enumerate(numbers):
        body = repacked(
            body, PAGE, f'<c r="{"BCDEFGH"[at]}1" t="n"><v>0.5</v>', f'<c r="{"BCDEFGH"[at]}1"><v>{number}</v>'
        )
    (found,) = sheets(Payload("a", body, 0), "zh")
    assert found.rows == [(1, ["x", "0.07", "0.3", "12", "0.0001", "1234567", "-1", "0.029"])]


def test_shared_texts() -> None:
    """Runs of several styles are one text, pronunciations are none, and _x000D_ is how a line end is written."""
    body = repacked(book([[0.5, 0.5]]), PAGE, '<c r="A1" t="n"><v>0.5</v>', '<c r="A1" t="s"><v>1</v>')
    body = repacked(body, PAGE, "</row>", '<c r="C1" t="s"/><c r="D1" t="s"></c></row>')  # as in a saved snapshot
    strings = """<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>no</t></si><si>
        <r><t>总</t></r><r><rPr><b/></rPr><t xml:space="preserve">磷 _x000D_
</t></r><r><t>mg/L</t></r><rPh sb="0" eb="1"><t>zong</t></rPh></si></sst>"""
    out = io.BytesIO(body)
    with zipfile.ZipFile(out, "a") as pack:
        pack.writestr("xl/sharedStrings.xml", strings)
    (found,) = sheets(Payload("a", out.getvalue(), 0), "zh")
    assert found.rows == [(1, ["总磷 \nmg/L", "0.5"])]
    with pytest.raises(SourceChanged, match="IndexError"):
        sheets(Payload("a", body, 0), "zh")


def test_a_percentage_is_no_plain_number() -> None:
    (found,) = sheets(
        Payload("a", book([[0.853, 0.5, 2]], formats={"A1": "0.0%", "B1": "0%", "C1": "0.00_ "}), 0), "zh"
    )
    assert found.rows == [(1, ["85.3%", "50%", "2"])]


# --- dates ------------------------------------------------------------------------------------------------------

DATES = {
    "2022-07-05": "2022-07-05 00:00",
    "2022/7/5": "2022-07-05 00:00",
    "2022.7.5": "2022-07-05 00:00",
    "20220705": "2022-07-05 00:00",
    "2022年7月5日": "2022-07-05 00:00",
    "２０２２年７月５日": "2022-07-05 00:00",
    "2022 年 7 月 5 日": "2022-07-05 00:00",
    "2022-07-05 10:30": "2022-07-05 10:30",
    "2022年7月5日10:30": "2022-07-05 10:30",
    "2022年7月5日 10时": "2022-07-05 10:00",
    "2022年7月5日10时30分": "2022-07-05 10:30",
    "7月5日": "2022-07-05 00:00",  # with a year told elsewhere
    "2022-07-0510:30": None,
    "2022-13-05": None,
    "2022年7月": None,
    "22.7.5": None,
    "7.5": None,
    "2月30日": None,
    "7月5-6日": None,
}


@pytest.mark.parametrize(("printed", "when"), DATES.items(), ids=range(len(DATES)))
def test_dates_as_people_write_them(printed: str, when: str | None) -> None:
    found = printed_time(printed, 2022)
    assert (found and found[0].isoformat(" ")[:16]) == when


def dated(day: Any, title: str = "", origin: str = "lab.xlsx", sheet: str = "结果", **more: Any) -> Parsed:
    rows = [[title], ["断面名称", "采样日期", "氨氮", "总磷"], ["甲断面", day, 0.12, 0.05]]
    return parse(book({sheet: rows}, **more), origin)


@pytest.mark.parametrize(
    ("title", "origin", "sheet"),
    [
        ("某县2022年7月监测结果", "lab.xlsx", "结果"),
        ("结果", "lab.xlsx", "2022年7月"),
        ("结果", "2022年第三季度.xlsx", "结果"),
        ("结果", "inbox/2021/lab_2022-07.xlsx", "结果"),
        ("2022年7月", "报送2023.xlsx", "结果"),  # the title is nearer
    ],
)
def test_a_year_that_one_place_tells(title: str, origin: str, sheet: str) -> None:
    assert told(dated("7月5日", title, origin, sheet)) == ONE


@pytest.mark.parametrize("title", ["结果", "2021年与2022年对比"])
def test_a_year_nobody_tells_is_not_guessed(title: str) -> None:
    assert refusals(dated("7月5日", title)) == [("结果", 3, 2, "'7月5日' 不是日期；写成 2022-07-09")]


def test_dates_as_numbers_and_the_calendar_of_1904() -> None:
    """2022-07-05 is day 44747 since 1899-12-30 and day 43285 since 1904-01-01: 118 years, 30 leap days, 185 days."""
    assert (date(2022, 7, 5) - date(1899, 12, 30)).days == 44747
    assert (date(2022, 7, 5) - date(1904, 1, 1)).days == 43285 == 118 * 365 + 30 + 185
    assert told(dated(44747)) == ONE
    assert told(dated("44747")) == ONE
    assert told(dated(43285, since_1904=True)) == ONE
    assert told(dated(date(2022, 7, 5), since_1904=True)) == ONE
    assert told(dated(44747.4375)) == {("甲断面", "2022-07-05 10:30"): ONE["甲断面", NOON]}
    assert refusals(parse("断面名称,采样日期,氨氮\n甲断面,44747,0.12\n"))[0][3] == "'44747' 不是日期；写成 2022-07-09"


FORMATS = {
    'yyyy"年"m"月"d"日"': NOON,
    'm"月"d"日"': NOON,
    "[$-804]yyyy/m/d;@": NOON,
    "[DBNum1][$-804]yyyy年m月d日": NOON,
    "yyyy-mm-dd hh:mm": "2022-07-05 00:00",  # a midnight that was meant
}


@pytest.mark.parametrize(("form", "when"), FORMATS.items(), ids=range(len(FORMATS)))
def test_date_cells(form: str, when: str) -> None:
    assert told(dated(44747, formats={"B3": form})) == {("甲断面", when): ONE["甲断面", NOON]}


def test_a_time_of_day_in_a_column_of_its_own() -> None:
    head = ["断面名称", "采样时间", "采样日期", "氨氮"]
    rows = [head, ["甲断面", "10:30", date(2022, 7, 5), 0.12], ["乙断面", 0.4375, "2022-07-05", 0.2]]
    found = told(parse(book(rows, formats={"B3": "h:mm"})))
    assert found == {
        (site, "2022-07-05 10:30"): {"nh3n": value} for site, value in (("甲断面", "0.12"), ("乙断面", "0.2"))
    }


def test_a_sample_after_the_file_came_is_refused() -> None:
    assert refusals(dated("2022-08-02")) == [("结果", 3, 2, "采样日期 2022-08-02 晚于读表的日期")]


def test_the_day_of_sampling_in_the_title() -> None:
    head = ["断面名称", "氨氮", "总磷"]
    body = book(
        [["某县监测结果"], ["采样日期：2022年7月5日", None, "报告日期：2022年7月20日"], head, ["甲断面", 0.12, 0.05]]
    )
    assert told(parse(body)) == ONE
    timed = book([["采样日期", "2022-07-05"], ["断面名称", "采样时间", "氨氮"], ["甲断面", "10:30", 0.12]])
    assert told(parse(timed)) == {("甲断面", "2022-07-05 10:30"): {"nh3n": "0.12"}}
    two = book([["采样日期：2022年7月5日-7月8日"], head, ["甲断面", 0.12, 0.05]])
    with pytest.raises(SourceChanged, match="no header"):
        parse(two)


# --- turned tables ----------------------------------------------------------------------------------------------

TURNED = {
    "a row of dates": [
        ["监测项目", "单位", "甲断面", "乙断面"],
        ["采样日期", None, "2022-07-05", date(2022, 7, 6)],
        ["氨氮", "mg/L", 0.12, "0.025L"],
        ["砷", "μg/L", 3, "<0.3"],
    ],
    "dates above, items that are unknown or none": [
        ["采样日期", None, "2022-07-05", "2022-07-06"],
        ["项目\\断面", "单位", "甲断面", "乙断面"],
        ["氨氮", "mg/L", 0.12, "0.025L"],
        ["砷", "μg/L", 3, "<0.3"],
        ["备注：L 表示未检出", None, "1", None],
    ],
    "names down the side": [
        ["断面名称", None, "甲断面", "乙断面"],
        ["采样日期", None, "2022.7.5", "2022.7.6"],
        ["氨氮(mg/L)", None, 0.12, "0.025L"],
        ["砷(μg/L)", None, 3, "<0.3"],
        ["水质类别", None, "Ⅰ", "Ⅰ"],
    ],
}
ACROSS = {
    ("甲断面", NOON): {"nh3n": "0.12", "arsenic": "0.003"},
    ("乙断面", "2022-07-06 12:00"): {"nh3n": "<0.025", "arsenic": "<0.0003"},
}


@pytest.mark.parametrize("rows", TURNED.values(), ids=TURNED)
def test_items_down_and_sites_across(rows: list[list[Any]]) -> None:
    parsed = parse(book(rows))
    assert refusals(parsed) == []
    assert told(parsed) == ACROSS


def test_a_turned_table_dated_by_its_title_with_limits_and_strangers() -> None:
    rows = [["某县2022年7月5日监测结果"], ["序号", "项目", "检出限", "标准限值", "甲断面", "丁断面"]]
    rows += [[1, "氨氮", 0.025, 1.0, "ND", 0.3], [2, "总磷", 0.01, 0.2, 0.05, 0.4], [3, "总铬", 0.01, 0.1, 0.2, 0.1]]
    parsed = parse(book(rows))
    assert told(parsed) == {("甲断面", NOON): {"nh3n": "<0.025", "tp": "0.05"}}
    assert parsed.unknown == {"丁断面": 3}
    assert refusals(parsed) == [("结果", 5, 2, "不认识项目 '总铬'；该行的值没有收入，共 2 个")]


def test_a_turned_table_without_a_date_is_not_read() -> None:
    with pytest.raises(SourceChanged, match="no header"):
        parse(book([["项目", "甲断面"], ["氨氮", 0.12], ["总磷", 0.05]]))


# --- several sheets ---------------------------------------------------------------------------------------------

GOOD = [["断面名称", "采样日期", "氨氮", "总磷"], ["甲断面", "2022-07-05", 0.12, 0.05]]
SECOND = [["断面名称", "采样日期", "砷"], ["乙断面", "2022-07-05", "x"]]


def test_every_sheet_is_read_and_named() -> None:
    parsed = parse(book({"封面": [["某县"], ["二〇二二年"]], "断面": GOOD, "水源": SECOND, "统计": [[1, 2, 3, 4]]}))
    assert told(parsed) == ONE
    assert refusals(parsed) == [
        ("水源", 2, 3, "砷：'x' 不是数"),
        ("统计", 0, 0, "工作表没有含 名称、采样日期 的表头，没有读"),
    ]


def test_hidden_rows_are_read_and_hidden_sheets_are_not() -> None:
    body = book({"断面": GOOD, "旧": SECOND, "字典": [["甲断面"], ["乙断面"]]}, hidden=["旧", "字典"], hidden_rows=[2])
    parsed = parse(body)
    assert told(parsed) == ONE
    assert refusals(parsed) == [("旧", 0, 0, "工作表隐藏，没有读；要收入请取消隐藏")]
    assert [table.name for table in sheets(Payload("a", body, 0), "zh")] == ["断面"]
    assert [table.name for table in all_sheets(Payload("a", body, 0), "zh")] == ["断面", "旧", "字典"]


def test_no_sheet_with_a_header() -> None:
    with pytest.raises(SourceChanged, match="no header with 名称, 采样日期"):
        parse(book({"封面": [["某县"]], "旧": SECOND}, hidden=["旧"]))


# --- other files ------------------------------------------------------------------------------------------------

TEXT = "断面名称,采样日期,氨氮（mg/L）,总磷\n甲断面,2022-07-05,0.12,0.05\n"
FILES: dict[str, bytes] = {
    "utf-8": TEXT.encode(),
    "utf-8 with a mark": TEXT.encode("utf-8-sig"),
    "gb18030": TEXT.encode("gb18030"),
    "utf-16": TEXT.encode("utf-16"),
    "utf-16, the other end first": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "semicolons": TEXT.replace(",", ";").encode(),
    "tabs": TEXT.replace(",", "\t").encode("gb18030"),
    "tabs in utf-16, as Excel saves text": TEXT.replace(",", "\t").encode("utf-16"),
    "old Mac lines": TEXT.replace("\n", "\r").encode(),
    "blank columns": TEXT.replace("\n", ",,\n").encode(),
    "xls": xls({"表": XlsSheet([["断面名称", "采样日期", "氨氮", "总磷"], ["甲断面", date(2022, 7, 5), 0.12, 0.05]])}),
    "xls, 1904": xls({"表": XlsSheet([["断面名称", "采样日期", "氨氮", "总磷"], ["甲断面", 43285, 0.12, 0.05]])}, True),
    "xls with a merged title": xls(
        {
            "表": XlsSheet(
                [["2022年7月", None], ["断面名称", "采样日期", "氨氮", "总磷"], ["甲断面", "7月5日", 0.12, 0.05]],
                [(0, 0, 0, 3)],
            )
        }
    ),
    "ods": ods([["断面名称", "采样日期", "氨氮", "总磷"], ["甲断面", date(2022, 7, 5), 0.12, 0.05]]),
}


@pytest.mark.parametrize("body", FILES.values(), ids=FILES)
def test_files(body: bytes) -> None:
    parsed = parse(body)
    assert refusals(parsed) == []
    assert told(parsed) == ONE


def test_semicolons_between_names_that_hold_commas() -> None:
    text = "断面名称;采样日期;1,2-二氯乙烷;1,1-二氯乙烯;1,2-二氯苯\n甲断面;2022-07-05;0.01;0.02;0.3\n"
    assert told(parse(text)) == {
        ("甲断面", NOON): {"dichloroethane_12": "0.01", "dichloroethylene_11": "0.02", "dichlorobenzene_12": "0.3"}
    }


def test_failed_cells_of_an_old_workbook_are_not_empty() -> None:
    rows: list[list[Any]] = [["断面名称", "采样日期", "氨氮", "总磷"], ["甲断面", "2022-07-05", "#REF!", "=#DIV/0!"]]
    parsed = parse(xls({"一": XlsSheet([["说明"]]), "二": XlsSheet(rows)}))
    assert refusals(parsed) == [
        ("二", 2, 3, "氨氮：单元格是错误值 #REF!"),
        ("二", 2, 4, "总磷：单元格是错误值 #DIV/0!"),
    ]


def test_half_a_utf_16_file() -> None:
    parsed = parse(TEXT.encode("utf-16")[:-7])
    assert [one.line for one in parsed.refused] == [2]
    assert parsed.rows == []


# --- names and units --------------------------------------------------------------------------------------------

PRINTED = """
溶解氧 高锰酸盐指数 化学需氧量(COD) 五日生化需氧量(BOD5) 氨氮(NH3-N) 总磷(以P计) 铜 锌 氟化物(以F-计) 硒 砷 汞 镉
铬(六价) 铅 氰化物 挥发酚 石油类 阴离子表面活性剂 硫化物 粪大肠菌群(个/L) 硫酸盐(以SO42-计) 氯化物(以Cl-计)
硝酸盐(以N计) 铁 锰 三氯甲烷 四氯化碳 三溴甲烷 二氯甲烷 1,2-二氯乙烷 环氧氯丙烷 氯乙烯 1,1-二氯乙烯 1,2-二氯乙烯
三氯乙烯 四氯乙烯 氯丁二烯 六氯丁二烯 苯乙烯 甲醛 乙醛 丙烯醛 三氯乙醛 苯 甲苯 乙苯 二甲苯① 异丙苯 氯苯 1,2-二氯苯
1,4-二氯苯 三氯苯② 四氯苯③ 六氯苯 硝基苯 二硝基苯④ 2,4-二硝基甲苯 2,4,6-三硝基甲苯 硝基氯苯⑤ 2,4-二硝基氯苯
2,4-二氯苯酚 2,4,6-三氯苯酚 五氯酚 苯胺 联苯胺 丙烯酰胺 丙烯腈 邻苯二甲酸二丁酯 邻苯二甲酸二(2-乙基己基)酯 水合肼
四乙基铅 吡啶 松节油 苦味酸 丁基黄原酸 活性氯 滴滴涕 林丹 环氧七氯 对硫磷 甲基对硫磷 马拉硫磷 乐果 敌敌畏 敌百虫
内吸磷 百菌清 甲萘威 溴氰菊酯 阿特拉津 苯并(a)芘 甲基汞 多氯联苯⑥ 微囊藻毒素-LR 黄磷 钼 钴 铍 硼 锑 镍 钡 钒 钛 铊
pH值(无量纲)
"""
"""GB 3838-2002, tables 1 (without temperature and total nitrogen), 2 and 3, as printed."""

GROUND = """
色(铂钴色度单位) 嗅和味 浑浊度/NTU 肉眼可见物 pH 总硬度(以CaCO3计)/(mg/L) 溶解性总固体/(mg/L) 硫酸盐/(mg/L)
氯化物/(mg/L) 铁/(mg/L) 锰/(mg/L) 铜/(mg/L) 锌/(mg/L) 铝/(mg/L) 挥发性酚类(以苯酚计)/(mg/L) 阴离子表面活性剂/(mg/L)
耗氧量(CODMn法，以O2计)/(mg/L) 氨氮(以N计)/(mg/L) 硫化物/(mg/L) 钠/(mg/L) 总大肠菌群/(MPN/100mL或CFU/100mL)
菌落总数/(CFU/mL) 亚硝酸盐(以N计)/(mg/L) 硝酸盐(以N计)/(mg/L) 氰化物/(mg/L) 氟化物/(mg/L) 碘化物/(mg/L) 汞/(mg/L)
砷/(mg/L) 硒/(mg/L) 镉/(mg/L) 铬(六价)/(mg/L) 铅/(mg/L) 三氯甲烷/(μg/L) 四氯化碳/(μg/L) 苯/(μg/L) 甲苯/(μg/L)
总α放射性/(Bq/L) 总β放射性/(Bq/L)
"""
"""GB/T 14848-2017, table 1, as printed."""


def test_every_item_is_known_by_the_name_its_standard_prints() -> None:
    items = Items(PARAMETERS)
    surface = [items.find(name)[0] for name in PRINTED.split()]
    ground = [items.find(name)[0] for name in GROUND.split()]
    assert len({one.id for one in surface if one}) == len(surface) == 107  # 109 without temperature and total nitrogen
    assert len({one.id for one in ground if one}) == len(ground) == 39
    for name in GROUND.split():
        parameter, unit, _ = items.find(name)
        assert parameter is not None
        assert shift_between(unit, parameter.unit) in (0, -3)


SHORT = "高锰酸钾指数=codmn CODMn=codmn COD=cod BOD5=bod5 六价铬=chromium_vi Cr6+=chromium_vi 苯并[a]芘=benzo_a_pyrene"
SHORT += " 莠去津=atrazine 五氯苯酚=pentachlorophenol 1、2－二氯乙烷=dichloroethane_12 总α=gross_alpha 浊度=turbidity"
SHORT += (
    " 色度=colour 氯仿=trichloromethane 粪大肠菌群数=fecal_coliform 硝酸盐氮=nitrate 总氮(湖、库，以N计)=tn DDT=ddt"
)


@pytest.mark.parametrize("pair", SHORT.split())
def test_usual_names(pair: str) -> None:
    name, _, wanted = pair.rpartition("=")
    found = Items(PARAMETERS).find(name)[0]
    assert found
    assert found.id == wanted


@pytest.mark.parametrize(
    "name", ["总铬", "氨氮(以NH4计)", "硝酸盐(以NO3计)", "硫酸盐(以S计)", "间,对-二甲苯", "总磷(溶解态)", ""]
)
def test_other_quantities_are_not_taken_for_an_item(name: str) -> None:
    assert Items(PARAMETERS).find(name)[0] is None


def test_units() -> None:
    pairs = [
        ("mg·L-1", "mg/L", 0),
        ("μg·L⁻¹", "mg/L", -3),
        ("MPN/100mL", "个/L", 1),
        ("度", "NTU", 0),
        ("pH单位", "", 0),
    ]
    assert [shift_between(given, own) for given, own, _ in pairs] == [shift for *_, shift in pairs]
    assert not is_unit("氨氮")
    with pytest.raises(Unreadable):
        shift_between("度", "mg/L")  # of hardness: nobody knows whose degrees


# --- the page that tells all this -------------------------------------------------------------------------------

LINES = (Path(__file__).parent.parent / "docs/sheets.md").read_text("utf-8").splitlines()
SPAN = re.compile("`([^`]+)`")


def table_of(first: str) -> str:
    """The table of the page that begins with a head, as a CSV."""
    start = next(at for at, line in enumerate(LINES) if line.startswith(f"| {first}"))
    end = next(at for at in range(start, len(LINES)) if not LINES[at].startswith("|"))
    rows = [line.strip("| ").split("|") for line in LINES[start:end] if "---" not in line]
    width = len(rows[0])
    return "".join(",".join([cell.strip() for cell in row] + [""] * (width - len(row))) + "\n" for row in rows)


def test_the_tables_of_the_page_are_read_as_it_says() -> None:
    sites = {"沙湾河断面": 1, "长江大桥断面": 2}
    found = {}
    for first in ("断面名称", "监测项目"):
        parsed = SOURCES["lab"].parse(
            Payload("a.csv", table_of(first).encode(), TAKEN), Context(sites, PARAMETERS, stream)
        )
        assert parsed.refused == []
        found[first] = [(row[1], BY_NUMBER[row[2]].id, row[4], row[5]) for row in parsed.rows]
    # steps of 0.0001 mg/L of ammonia, of 10^-6 of arsenic
    assert PARAMETERS["nh3n"].decimals == 4
    steps = 10 ** PARAMETERS["arsenic"].decimals
    below, plain = Mark.CENSORED, Mark.NONE
    first = [(1, "nh3n", 1200, plain), (1, "arsenic", steps * 3 // 10_000, below)]
    assert found["断面名称"] == [*first, (2, "nh3n", 250, below), (2, "arsenic", steps * 3 // 1000, plain)]
    assert found["监测项目"] == [(1, "nh3n", 1200, plain), (2, "nh3n", 250, below)]


def test_the_cells_of_the_page_are_read_as_it_says() -> None:
    said = {line.split("|")[2].strip(): SPAN.findall(line.split("|")[1]) for line in LINES if line.startswith("| `")}
    parameter = PARAMETERS["nh3n"]
    below = next(spans for told, spans in said.items() if "检出限 0.02" in told)
    assert [marked(span, parameter) for span in below] == [(200, Mark.CENSORED)] * 6
    values = [marked(span, parameter) for span in said["数"]]
    assert values == [(int(Decimal(n) * 10_000), Mark.NONE) for n in ("0.12", "0.12", "0.12", "1234.5", "2400", "2400")]
    assert len(said["退回"]) == 6
    for span in said["退回"]:
        with pytest.raises(Unreadable):
            marked(span, parameter)


# --- anything ---------------------------------------------------------------------------------------------------

WORDS = [
    "断面名称",
    "采样日期",
    "氨氮",
    "总磷(mg/L)",
    "mg/L",
    "单位",
    "检出限",
    "结果",
    "项目",
    "甲断面",
    "乙断面",
    "2022-07-05",
]
WORDS += [
    "7月5日",
    "44747",
    "0.12",
    "<0.02",
    "0.02L",
    "未检出",
    "=A1",
    "#REF!",
    "备注：x",
    "平均值",
    "",
    "",
    "-1",
    "总铬",
    "10:30",
]
CELLS = st.sampled_from(WORDS) | st.text(max_size=6)
GRIDS = st.lists(st.lists(CELLS, max_size=6), max_size=9)


@settings(max_examples=120, deadline=None)
@given(GRIDS, st.sampled_from([",", ";", "\t"]), st.sampled_from(["utf-8", "gb18030", "utf-16"]))
def test_any_grid_is_read_or_refused(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    text = "\n".join(delimiter.join(row) for row in rows) + "\n"
    try:
        parsed = parse(text.encode(encoding, "replace"))
    except EnvmonError as error:
        parsed = Parsed([], [Refused("", 1, error.said("zh"))])
    for one in parsed.refused:
        assert one.line >= 1
        assert one.reason


@settings(max_examples=120, deadline=None)
@given(GRIDS, st.integers(0, 3))
def test_a_good_table_below_any_grid_loses_nothing_but_its_own_refusals(rows: list[list[str]], blank: int) -> None:
    """What stands in a turned, wide or long table below is read or refused; nothing is both."""
    body = [*rows, *[[]] * blank, *([str(cell) for cell in row] for row in GOOD)]
    try:
        parsed = parse("\n".join(",".join(row) for row in body) + "\n")
    except EnvmonError as error:
        parsed = Parsed([], [Refused("", 1, error.said("en"))])
    assert all(one.reason for one in parsed.refused)
    assert all(BY_NUMBER[row[2]].medium is Medium.WATER for row in parsed.rows)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=30),
    st.sampled_from(["xlsx", "xls", "ods"]),
)
def test_a_workbook_with_wrong_bytes_is_read_or_refused(changes: list[tuple[int, int]], kind: str) -> None:
    body = bytearray({"xlsx": BOOK, "xls": FILES["xls"], "ods": FILES["ods"]}[kind])
    for place, byte in changes:
        body[place % len(body)] = byte
    try:
        parsed = parse(bytes(body))
    except EnvmonError as error:
        parsed = Parsed([], [Refused("", 1, error.said("zh"))])
    assert all(one.reason for one in parsed.refused)


BOOK = book(GOOD)
TYPED = (
    st.none()
    | st.text(st.characters(exclude_categories=["C"]), max_size=5)
    | st.booleans()
    | st.integers(-(10**9), 10**9)
)
TYPED |= st.decimals(-1000, 1000, places=4).map(float) | st.dates(date(1950, 1, 1), date(2080, 1, 1))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(TYPED, max_size=4), max_size=5))
def test_what_another_program_writes_is_read_back(rows: list[list[Any]]) -> None:
    """openpyxl writes; what is read is what was typed, cell by cell, at its place."""

    def typed(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, float):
            return format(Decimal(repr(value)).normalize() + 0, "f")
        return "" if value is None else str(value).strip()

    rows = [[value for value in row if not (isinstance(value, str) and value.startswith("="))] for row in rows]
    (page,) = child.pages_of(book(rows))
    found = {(line, at): text for line, cells in page.rows.items() for at, text in enumerate(cells, 1) if text}
    cells = {(line, at): typed(value) for line, row in enumerate(rows, 1) for at, value in enumerate(row, 1)}
    assert found == {place: text for place, text in cells.items() if text}


@pytest.mark.parametrize("letter", list("(1,.e×<年 未氨L="))
def test_endless_cells_take_no_endless_time(letter: str) -> None:
    """32,767 letters, the most a cell of Excel holds, wherever a pattern looks."""
    cell = letter * 32767
    rows = [
        [cell, cell],
        ["断面名称", "采样日期", "氨氮", cell],
        [cell, cell, cell, cell],
        ["甲断面", cell, cell, cell],
    ]
    rows += [["甲断面", "2022-07-05", cell, cell], [cell, "2022-07-05", "1", cell]]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    before = time.process_time()
    parsed = parse(out.getvalue())
    assert time.process_time() - before < 2
    assert parsed.rows == []
