"""The water platform (recorded snapshots, its JSON, its spreadsheets) and laboratory sheets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from envmon import periods
from envmon.errors import SourceChanged, SourceUnavailable
from envmon.http import NotFound
from envmon.model import Basis, Mark, Medium, Parameter, Payload, Row, SourceSpec, Span
from envmon.sources import SOURCES, Context, Parsed, read_file

HERE = Path(__file__).parent
CHINESE = re.compile("[\u4e00-\u9fff]")
SNAPSHOTS = HERE / "recorded/water"
UNITS = {
    "water_temp": ("水温", "℃"),
    "ph": ("pH值", ""),
    "do": ("溶解氧", "mg/L"),
    "conductivity": ("电导率", "μS/cm"),
    "turbidity": ("浊度", "NTU"),
    "codmn": ("高锰酸盐指数", "mg/L"),
    "nh3n": ("氨氮", "mg/L"),
    "tp": ("总磷", "mg/L"),
    "tn": ("总氮", "mg/L"),
    "chla": ("叶绿素a", "mg/m3"),
    "algae_density": ("藻密度", "cells/L"),
    "published_class": ("水质类别", ""),
    "manganese": ("锰", "mg/L"),
    "arsenic": ("砷", "mg/L"),
    "fecal_coliform": ("粪大肠菌群(个/L)", "个/L"),
}
PARAMETERS = {
    name: Parameter(at, name, Medium.WATER, label, name.title(), unit, 0 if name == "published_class" else 4)
    for at, (name, (label, unit)) in enumerate(UNITS.items(), 10)
}
SICHUAN = {"area": "510000"}


def at(*moment: int) -> int:
    return periods.minute(datetime(*moment))  # type: ignore[arg-type]


def stream(span: Span, basis: Basis | None = None) -> int:
    return 1000 * (0 if basis is None else basis) + span


def context(sites: list[str], kind: str = "cnemc_water", lang: str = "en", **options: object) -> Context:
    spec = SourceSpec("w", kind, "http://127.0.0.1:1/GJZ/", 240, 0, 1440, Basis.REALTIME, options)
    return Context({name: number for number, name in enumerate(sites, 1)}, PARAMETERS, stream, spec, lang)


def snapshot(name: str, *sites: str, **options: object) -> Parsed:
    payload = read_file(SNAPSHOTS / name, "cnemc_water", 0)
    return SOURCES["cnemc_water"].parse(payload, context(list(sites), **options))


def values(rows: list[Row], site: int) -> dict[str, int]:
    names = {parameter.number: name for name, parameter in PARAMETERS.items()}
    return {names[row[2]]: row[4] for row in rows if row[1] == site}


# --- recorded snapshots -----------------------------------------------------------------------------------------


def test_snapshot_of_2021_in_gbk() -> None:
    """201医院, line 9: 2021/6/17 12:00, Ⅲ, 23.3, 7.72, 7.01, 422.5, 21.4, 3.09, 0.187, 0.17, 3.34, *, *."""
    parsed = snapshot("2021_06_17_13h09m_sichuan.csv", "201医院", "沱江大桥（沱江二桥）")
    assert parsed.refused == []
    assert values(parsed.rows, 1) == {
        "water_temp": 233000,
        "ph": 77200,
        "do": 70100,
        "conductivity": 4225000,
        "turbidity": 214000,
        "codmn": 30900,
        "nh3n": 1870,
        "tp": 1700,
        "tn": 33400,
        "published_class": 3,
    }
    assert {row[0] for row in parsed.rows} == {at(2021, 6, 17, 12)}
    assert {(row[3], row[5]) for row in parsed.rows} == {(Span.FOUR_HOURS, Mark.NONE)}
    assert values(parsed.rows, 2)["tp"] == 1030  # a bracketed name, written with full-width brackets in the config


def test_states_become_marks_and_rows_without_time_are_no_readings() -> None:
    """脚仙村 and 礼板湾(王妃岛) are under maintenance, without and with a class; 西平镇 and 百顷 have `??` as time."""
    sites = ["脚仙村", "礼板湾(王妃岛)", "西平镇", "百顷"]
    parsed = snapshot("2021_06_17_13h09m_sichuan.csv", *sites)
    assert parsed.refused == []
    assert {row[1] for row in parsed.rows} == {1, 2}
    assert {row[5] for row in parsed.rows} == {Mark.MAINTENANCE}
    assert values(parsed.rows, 1).keys() == {"water_temp", "ph", "do", "conductivity", "turbidity", "codmn", "tp", "tn"}
    second = values(parsed.rows, 2)
    assert second["chla"] == 80000  # 0.008 mg/L by the table's header = 8 mg/m3
    assert second["algae_density"] == 862780000
    assert second["published_class"] == 2


def test_years_around_new_year_come_from_the_time_of_collection() -> None:
    """Saved 2023-01-01 02:53: 01-01 00:00 is 2023, 12-31 20:00 is 2022, and 清风峡 stands still since 09-06 12:00."""
    sites = ["水磨沟村", "岳店子下", "清风峡", "三川"]
    parsed = snapshot("2023_01_01_02h53m_sichuan.csv", *sites)
    times = {site: {row[0] for row in parsed.rows if row[1] == site} for site in (1, 2, 3)}
    assert times == {1: {at(2023, 1, 1, 0)}, 2: {at(2022, 12, 31, 20)}, 3: {at(2022, 9, 6, 12)}}
    assert {row[5] for row in parsed.rows if row[1] == 4} == {Mark.MAINTENANCE}
    assert parsed.refused == []


def test_a_name_in_two_provinces_is_refused_unless_the_province_is_named() -> None:
    parsed = snapshot("2021_06_17_13h09m_sichuan.csv", "三块石")
    assert parsed.rows == []
    assert [one.line for one in parsed.refused] == [2, 66]
    assert "三块石 is a section in 四川省, 河北省" in parsed.refused[0].reason
    mine = snapshot("2021_06_17_13h09m_sichuan.csv", "三块石", **SICHUAN)
    assert mine.refused == []
    assert values(mine.rows, 1)["conductivity"] == 5222000  # 四川: 522.2, 河北: 1314.6


BROKEN_OFF = (SNAPSHOTS / "2021_06_17_23h17m_truncated.csv").read_bytes()


@pytest.mark.parametrize("body", [BROKEN_OFF, BROKEN_OFF[:-1]], ids=["as saved", "without the last line end"])
def test_a_snapshot_that_broke_off_after_a_row(body: bytes) -> None:
    """46 of some 1,600 rows; without a line end the known state still shows that the last row is whole."""
    taken = at(2021, 6, 17, 23, 17)
    parsed = SOURCES["cnemc_water"].parse(Payload("s", body, taken), context(["滦县大桥", "清河闸"]))
    assert parsed.refused == []
    assert values(parsed.rows, 1)["tn"] == 27000
    assert {row[0] for row in parsed.rows} == {at(2021, 6, 17, 20)}


@pytest.mark.parametrize("end", range(2, 90))
def test_a_snapshot_cut_anywhere_gives_no_wrong_value(end: int) -> None:
    taken, sites = at(2021, 6, 17, 23, 17), context(["涧河口", "滦县大桥"])
    whole = SOURCES["cnemc_water"].parse(Payload("s", BROKEN_OFF, taken), sites)
    cut = SOURCES["cnemc_water"].parse(Payload("s", BROKEN_OFF[:-end], taken), sites)
    assert set(cut.rows) < set(whole.rows)
    assert {row[1] for row in cut.rows} == {1}
    assert len(cut.refused) == (0 if BROKEN_OFF[:-end].endswith(b"\n") else 1)


# --- the platform's JSON ----------------------------------------------------------------------------------------

THEAD = ["省份", "流域", "断面名称", "监测时间", "水质类别", "水温<br/>(℃)", "pH<br/>(无量纲)", "溶解氧<br/>(mg/L)"]
THEAD += ["电导率<br/>(μS/cm)", "浊度<br/>(NTU)", "高锰酸盐指数<br/>(mg/L)", "氨氮<br/>(mg/L)", "总磷<br/>(mg/L)"]
THEAD += ["总氮<br/>(mg/L)", "叶绿素α<br/>(mg/L)", "藻密度<br/>(cells/L)", "站点情况"]
TAKEN = at(2026, 3, 1, 9, 0)


def section(name: str = "<span title='所在地市：甘孜州'>岗托桥</span>", **changed: str) -> list[str]:
    row = dict(zip(THEAD, ["四川省", "长江流域", name, "03-01 08:00", "2", *["--"] * 11, "正常"], strict=True))
    row["总磷<br/>(mg/L)"] = "<span title='原始值：0.0249'>0.025</span>"
    keys = {head.partition("<")[0]: head for head in THEAD}
    return list((row | {keys[key]: value for key, value in changed.items()}).values())


def answer(*rows: list[str], **changed: object) -> bytes:
    return json.dumps({"result": 1, "total": 1, "thead": THEAD, "tbody": list(rows), **changed}).encode()


def read(body: bytes, *sites: str) -> Parsed:
    return SOURCES["cnemc_water"].parse(Payload("water", body, TAKEN), context(list(sites or ("岗托桥",))))


def test_json_cells_give_the_unrounded_value() -> None:
    parsed = read(answer(section()))
    assert values(parsed.rows, 1) == {"tp": 249, "published_class": 2}
    assert {row[0] for row in parsed.rows} == {at(2026, 3, 1, 8)}


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("1", 1),
        ("6", 6),
        ("7", None),
        ("Ⅱ", 2),
        ("II", 2),
        ("劣Ⅴ", 6),
        ("劣V类", 6),
        ("Ⅳ类", 4),
        ("--", None),
        ("", None),
    ],
)
def test_classes(printed: str, expected: int | None) -> None:
    parsed = read(answer(section(水质类别=printed)))
    assert values(parsed.rows, 1).get("published_class") == expected
    assert parsed.refused == []


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        ("正常", Mark.NONE),
        ("", Mark.NONE),
        ("维护", Mark.MAINTENANCE),
        ("不具备运行条件", Mark.UNFIT),
        ("故障", Mark.FAULT),
    ],
)
def test_states(state: str, mark: Mark) -> None:
    assert {row[5] for row in read(answer(section(站点情况=state))).rows} == {mark}


BAD_CELLS: list[tuple[dict[str, str], str]] = [
    ({"站点情况": "正"}, "state '正' is not known"),
    ({"监测时间": "03-32 08:00"}, "'03-32 08:00' is no time"),
    ({"监测时间": "2026-03-02 08:00"}, "'2026-03-02 08:00' is no time before"),
    ({"总磷": "0,1"}, "Tp: '0,1' is not readable"),
    ({"水质类别": "8"}, "Published_Class: '8' is not readable"),
]


@pytest.mark.parametrize(("changed", "reason"), BAD_CELLS)
def test_bad_cells_are_refused_with_line_and_reason(changed: dict[str, str], reason: str) -> None:
    parsed = read(answer(section("别的"), section(**changed)))
    assert [one.line for one in parsed.refused] == [2]
    assert reason in parsed.refused[0].reason
    assert parsed.unknown == {"别的": 1}


def test_a_row_without_its_last_cell_and_nulls() -> None:
    parsed = read(answer(section()[:-1], [None, None, *section("乙")[2:]]), "岗托桥", "乙")
    assert parsed.refused == []
    assert {row[1] for row in parsed.rows} == {1, 2}
    short = read(answer(section()[:-3]))
    assert "14 columns, but the header has 17" in short.refused[0].reason


@pytest.mark.parametrize(
    ("printed", "taken", "expected"),
    [
        ("12-31 20:00", (2023, 1, 1, 0, 5), (2022, 12, 31, 20)),
        ("01-01 00:00", (2022, 12, 31, 23, 58), (2023, 1, 1, 0)),  # our clock is two minutes behind theirs
        ("02-29 08:00", (2026, 3, 1, 9), (2024, 2, 29, 8)),
        ("3-1 8:00", (2026, 3, 1, 9), (2026, 3, 1, 8)),
    ],
)
def test_the_year_of_a_time_without_one(printed: str, taken: tuple[int, ...], expected: tuple[int, ...]) -> None:
    body = answer(section(监测时间=printed))
    parsed = SOURCES["cnemc_water"].parse(Payload("w", body, at(*taken)), context(["岗托桥"]))
    assert {row[0] for row in parsed.rows} == {at(*expected)}


@pytest.mark.parametrize("printed", ["03-01 12:00", "03-02 08:00", "03-03 08:00"])
def test_a_time_a_little_ahead_is_not_taken_for_last_year(printed: str) -> None:
    body = answer(section(监测时间=printed))
    parsed = SOURCES["cnemc_water"].parse(Payload("w", body, at(2026, 3, 1, 9)), context(["岗托桥"]))
    assert parsed.rows == []
    assert printed in parsed.refused[0].text


def test_plain_minus_one_may_pass() -> None:
    with pytest.raises(SourceUnavailable, match="-1"):
        read(b"-1")


NO_ANSWER = [
    b"<html>login</html>",
    b'{"tbody": []}',
    b'{"thead": ["a"], "tbody": [[1]]}',
    b'{"thead": [1], "tbody": []}',
    b"[1, 2]",
    "省份,断面\n四川,x\n".encode(),
    b'{"thead": ["a"], "tbo',
    answer(thead=[*THEAD[:2], "断面", *THEAD[3:]]),
    answer(thead=[*THEAD[:12], "总磷(ppm)", *THEAD[13:]]),
]


@pytest.mark.parametrize("body", NO_ANSWER, ids=range(9))
def test_another_shape_is_told(body: bytes) -> None:
    with pytest.raises(SourceChanged, match="water: "):
        read(body)


class Platform:
    """Stands where the HTTP session stands: answers `-1` until its pages were opened, then what it has."""

    def __init__(self, pages: list[bytes], cold: bool, stays_cold: bool = False) -> None:
        self.pages, self.cold, self.stays_cold = pages, cold, stays_cold
        self.asked: list[str] = []

    def get(self, url: str, params: object = None) -> bytes:
        self.asked.append(url)
        raise NotFound(url)  # the page is opened for its cookie; what it says does not matter

    def post(self, url: str, params: object = None, form: dict[str, str] | None = None) -> bytes:
        assert form is not None
        self.asked.append(f"{form['action']} {form.get('PageIndex', '')} {form.get('AreaID', '')}".strip())
        if form["action"] == "getArea_RiverDic":
            self.cold = self.stays_cold
            return b"{}"
        return b"-1" if self.cold else self.pages[int(form["PageIndex"]) - 1]


def fetch(platform: Platform, **options: object) -> list[Payload]:
    spec = context([], **options).spec
    return list(SOURCES["cnemc_water"].fetch(platform, spec, TAKEN, []))  # type: ignore[arg-type]


def test_a_cold_platform_is_warmed_and_asked_once_more() -> None:
    platform = Platform([answer(section())], cold=True)
    assert fetch(platform, **SICHUAN) == [Payload("http://127.0.0.1:1/GJZ/Ajax/Publish.ashx", answer(section()), TAKEN)]
    assert platform.asked == [
        "getRealDatas 1 510000",
        "http://127.0.0.1:1/GJZ/Business/Publish/Main.html",
        "getArea_RiverDic",
        "getRealDatas 1 510000",
    ]
    with pytest.raises(SourceUnavailable, match="answers -1"):
        fetch(Platform([], cold=True, stays_cold=True))


def test_every_page_is_read() -> None:
    platform = Platform([answer(section(), total=2), answer(section("乙"), total=2)], cold=False)
    assert [payload.origin[-12:] for payload in fetch(platform)] == ["Publish.ashx", "?PageIndex=2"]


@pytest.mark.parametrize("body", [answer(result=0), answer(section(), result=False), answer()])
def test_an_answer_without_sections_is_asked_again_later(body: bytes) -> None:
    with pytest.raises(SourceUnavailable, match="without a single section"):
        fetch(Platform([body], cold=False))


def test_a_login_page_reaches_the_parser_to_be_kept() -> None:
    assert fetch(Platform([b"<html>login</html>"], cold=False))[0].body == b"<html>login</html>"


# --- spreadsheets -----------------------------------------------------------------------------------------------

SWAPPED = ["省份", "流域", "时间", "断面名称", "水质类别", "水温", "PH", "溶解氧", "电导率", "浊度", "高锰酸钾指数"]
SWAPPED += ["氨氮", "总磷", "总氮", "叶绿素", "藻密度", "站点信息"]


def workbook(path: Path, *rows: list[object]) -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(row)
    book.save(path)
    return path


def test_spreadsheet_with_two_headers_swapped(tmp_path: Path) -> None:
    """As saved on 2023-09-20: names under 时间, times under 断面名称."""
    row = ["四川省", "长江流域", "岗托桥", "09-19 20:00", "Ⅱ", 12.5, "8.1", 8.0, "--", "", 1.46, "0.030", "0.027"]
    file = workbook(tmp_path / "data_2023-09-20 02-46-50.xlsx", SWAPPED, [*row, None, "0.008", "*", "正常"])
    payload = read_file(file, "cnemc_water", 0)
    assert payload.taken == at(2023, 9, 20, 2, 46)
    parsed = SOURCES["cnemc_water"].parse(payload, context(["岗托桥"]))
    assert parsed.refused == []
    assert values(parsed.rows, 1) == {
        "water_temp": 125000,
        "ph": 81000,
        "do": 80000,
        "codmn": 14600,
        "nh3n": 300,
        "tp": 270,
        "chla": 80000,
        "published_class": 2,
    }
    assert {row[0] for row in parsed.rows} == {at(2023, 9, 19, 20)}


# --- laboratory sheets ------------------------------------------------------------------------------------------

WIDE = "类型,名称,采样日期,pH,总磷(mg/L),锰,砷（µg/L）,砷_检出限,粪大肠菌群,备注\n"


def sheet(text: str | bytes, *sites: str) -> Parsed:
    body = text if isinstance(text, bytes) else text.encode()
    taken = at(2022, 8, 1, 9)
    return SOURCES["lab"].parse(Payload("lab.csv", body, taken), context(list(sites or ("甲",)), "lab"))


def test_wide_sheet() -> None:
    """0.05L is below detection, -1 and an empty cell were not monitored, 1.2 µg/L arsenic is 0.0012 mg/L."""
    parsed = sheet(
        WIDE + "断面,甲,2022-07-09,7.9,0.05L,-1,1.2,,,好\n水源地,乙,2022/7/9 10:30,,,0.15,ND,0.3,20L,\n", "甲", "乙"
    )
    assert parsed.refused == []
    assert values(parsed.rows, 1) == {"ph": 79000, "tp": 500, "arsenic": 12}
    assert values(parsed.rows, 2) == {"manganese": 1500, "arsenic": 3, "fecal_coliform": 200000}
    marks = {(row[1], row[4]): row[5] for row in parsed.rows}
    assert {key for key, mark in marks.items() if mark == Mark.CENSORED} == {(1, 500), (2, 3), (2, 200000)}
    assert {row[0] for row in parsed.rows} == {at(2022, 7, 9, 12), at(2022, 7, 9, 10, 30)}
    assert {row[3] for row in parsed.rows} == {stream(Span.SAMPLE, Basis.MANUAL)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings(encoding: str) -> None:
    text = WIDE.replace("µg/L", "ug/L") + "断面,甲,2022-07-09,7.9,,,,,,\n"
    assert values(sheet(text.encode(encoding)).rows, 1) == {"ph": 79000}


def test_lines_of_two_encodings_and_one_of_none() -> None:
    head = WIDE.encode()
    rows = [
        "断面,甲,2022-07-09,7.9,,,,,,\n".encode("gb18030"),
        b"\xff\xff,\x80\n",
        "断面,甲,2022-07-10,8,,,,,,\n".encode(),
    ]
    parsed = sheet(head + b"".join(rows))
    assert [row[4] for row in parsed.rows] == [79000, 80000]
    assert [(one.line, one.reason) for one in parsed.refused] == [(3, "neither UTF-8 nor GB18030")]


BAD_LONG = "名称,采样日期,项目,结果,单位,检出限\n甲,2022-07-09,未知物,1,mg/L,\n"
BAD_LONG += "甲,2022-07-09,砷,1,ppm,\n甲,2022-07-09,锰,未检出,,\n"


def test_long_sheet() -> None:
    head = "名称,采样日期,项目,结果,单位,检出限\n"
    rows = "甲,20220709,砷,1.2,μg/L,\n甲,2022年7月9日,锰,<0.01,mg/L,\n甲,2022-07-09,tp,未检出,,0.01\n"
    parsed = sheet(head + rows + BAD_LONG.removeprefix(head))
    assert values(parsed.rows, 1) == {"arsenic": 12, "manganese": 100, "tp": 100}
    assert [(one.line, one.reason) for one in parsed.refused] == [
        (5, "'未知物' is no known item"),
        (6, "砷: unit 'ppm' cannot be turned into 'mg/L'"),
        (7, "Manganese: 未检出: not found, and no detection limit beside it"),
    ]


BAD_COLUMNS = "名称,采样日期,pH,锰酸(mg/L),总磷(个/L)\n甲,2022-07-09,7.9,0.1,3\n甲,2022-07-10,7.8,,\n"


def test_unknown_columns_are_refused_aloud() -> None:
    parsed = sheet(BAD_COLUMNS)
    assert [row[4] for row in parsed.rows] == [79000, 78000]
    assert [(one.line, one.reason) for one in parsed.refused] == [
        (1, "'锰酸' is no known item; values of this column that did not enter: 1"),
        (1, "总磷: unit '个/L' cannot be turned into 'mg/L'; values of this column that did not enter: 1"),
    ]


def test_a_title_above_the_header_is_passed_over() -> None:
    text = "某县2022年7月水质监测结果,,\n\n名称,采样日期,pH\n甲,2022-07-09,7.9\n"
    assert values(sheet(text).rows, 1) == {"ph": 79000}


BAD_SHEET = "名称,采样日期,pH\n甲,2022-13-09,7.9\n甲,2022-07-09\n甲,2022-09-01,7.9\n丙,2022-07-09,7.9\n"
BAD_SHEET += "甲,2022-07-09,7.9x\n甲,2022-07-09,7."


def test_bad_rows() -> None:
    parsed = sheet(BAD_SHEET)
    assert parsed.rows == []
    assert [one.line for one in parsed.refused] == [7, 2, 3, 4, 6]
    assert "after the sheet was read" in parsed.refused[3].reason
    assert parsed.unknown == {"丙": 1}


def test_quoted_cells_may_hold_line_ends() -> None:
    parsed = sheet('名称,采样日期,备注,pH\n甲,2022-07-09,"两\n行",7.9\n甲,bad,,7\n')
    assert values(parsed.rows, 1) == {"ph": 79000}
    assert [one.line for one in parsed.refused] == [4]


NO_SHEET = [b"", b"<html>login</html>", b"a,b\n1,2\n", "名称,项目\n".encode()]


@pytest.mark.parametrize("body", NO_SHEET)
def test_a_sheet_without_site_or_date_column_is_told(body: bytes) -> None:
    with pytest.raises(SourceChanged, match=r"lab\.csv: no header"):
        sheet(body)


def test_bundled_sheets_are_understood_whole() -> None:
    """Invented values: manganese 0.15 mg/L of 示例水库水源地 in July 2022."""
    ground = ["total_hardness", "tds", "oxygen_consumption", "nitrite", "sulfate", "chloride", "nitrate", "iron"]
    rest = ["cod", "bod5", "copper", "zinc", "fluoride", "selenium", "mercury", "cadmium", "chromium_vi", "lead"]
    rest += ["cyanide", "volatile_phenol", "petroleum", "las", "sulfide"]
    names = dict(zip(["cod", "bod5"], ["化学需氧量", "五日生化需氧量"], strict=True))
    names |= {"copper": "铜", "zinc": "锌", "fluoride": "氟化物", "selenium": "硒", "mercury": "汞", "cadmium": "镉"}
    names |= {"lead": "铅", "cyanide": "氰化物", "sulfide": "硫化物", "iron": "铁"}
    more = {
        name: Parameter(at, name, Medium.WATER, names.get(name, name), name, "mg/L", 6)
        for at, name in enumerate([*ground, *rest], 100)
    }
    everything = Context({"示例水库水源地": 1, "示例井水源地": 2}, PARAMETERS | more, stream)
    for file in sorted((HERE.parent / "data/sample/lab").glob("lab_2022-*.csv")):
        parsed = SOURCES["lab"].parse(read_file(file, "lab", at(2023, 1, 1)), everything)
        assert parsed.refused == [], file
        high = [row for row in parsed.rows if row[2] == PARAMETERS["manganese"].number and row[4] == 1500]
        assert len(high) == (file.name == "lab_2022-07.csv")


def test_lab_asks_for_the_months_of_the_window() -> None:
    asked = []

    class Months:
        def get(self, url: str, conditional: bool = False) -> bytes:
            asked.append(url)
            raise NotFound(url)

    find: Callable[..., list[Payload]] = lambda now: list(  # noqa: E731
        SOURCES["lab"].fetch(Months(), context([], "lab").spec, now, [])  # type: ignore[arg-type]
    )
    assert find(at(2022, 3, 1, 8)) == []
    assert asked == [f"http://127.0.0.1:1/GJZ/lab_2022-0{month}.csv" for month in (2, 3)]


# --- what people read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body"),
    [("cnemc_water", b"-1"), *(("cnemc_water", b) for b in NO_ANSWER), *(("lab", b) for b in NO_SHEET)],
)
def test_what_is_wrong_with_an_answer_is_said_in_chinese(kind: str, body: bytes) -> None:
    with pytest.raises((SourceChanged, SourceUnavailable)) as caught:
        SOURCES[kind].parse(Payload("w", body, TAKEN), context([], kind))
    assert CHINESE.search(caught.value.said("zh"))
    assert caught.value.said("zh") != str(caught.value)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        *(("cnemc_water", answer(section(**changed))) for changed, _ in BAD_CELLS),
        ("cnemc_water", answer(section()[:-3])),
        ("cnemc_water", BROKEN_OFF[:-9]),
        ("cnemc_water", (SNAPSHOTS / "2021_06_17_13h09m_sichuan.csv").read_bytes()),
        ("lab", WIDE.encode() + b"\xff\xff,\x80\n"),
        *(("lab", text.encode()) for text in (BAD_LONG, BAD_COLUMNS, BAD_SHEET)),
    ],
    ids=range(12),
)
def test_every_reason_is_in_the_language_of_the_bureau(kind: str, body: bytes) -> None:
    """Names, units and cells stand in both as they were printed."""
    sites = ["甲", "岗托桥", "三块石", "滦县大桥"]
    taken = at(2022, 8, 1, 9) if kind == "lab" else TAKEN
    chinese, english = (
        SOURCES[kind].parse(Payload("w", body, taken), context(sites, kind, lang)).refused for lang in ("zh", "en")
    )
    assert chinese
    assert [one.line for one in chinese] == [one.line for one in english]
    for ours, theirs in zip(chinese, english, strict=True):
        assert CHINESE.search(ours.reason)
        assert ours.reason != theirs.reason


def test_reasons_as_a_chinese_reader_meets_them() -> None:
    parsed = SOURCES["lab"].parse(Payload("l", BAD_LONG.encode(), TAKEN), context(["甲"], "lab", "zh"))
    assert [one.reason for one in parsed.refused] == [
        "不认识项目 '未知物'",
        "砷：单位 'ppm' 不能换算成 'mg/L'",
        "锰：未检出，旁边没有写检出限",
    ]
    parsed = SOURCES["cnemc_water"].parse(
        Payload("w", answer(section(总磷="0,1")), TAKEN), context(["岗托桥"], lang="zh")
    )
    assert [one.reason for one in parsed.refused] == ["总磷：'0,1' 看不懂"]
