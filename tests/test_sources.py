"""What sources share, the hourly archive, and the air platform: recorded answers, then every fault seen so far."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from envmon import periods
from envmon.errors import SourceChanged, SourceUnavailable
from envmon.http import NotFound
from envmon.model import POLLUTANTS, Basis, Kind, Medium, Parameter, Payload, Row, Site, SourceSpec, Span
from envmon.sources import SOURCES, Context
from envmon.sources.cells import Unreadable, bare, marked, number, original, shift_between
from envmon.sources.context import ask_all, plain

HERE = Path(__file__).parent
CHINESE = re.compile("[\u4e00-\u9fff]")
AIR = {name: Parameter(at, name, Medium.AIR, name, name, "µg/m³", 3) for at, name in enumerate(POLLUTANTS, 1)}
AIR["published_aqi"] = Parameter(7, "published_aqi", Medium.AIR, "", "", "", 0)
TP = Parameter(20, "tp", Medium.WATER, "总磷", "Total phosphorus", "mg/L", 5)
DAY_STREAM = 2000
NOW = periods.minute(datetime(2022, 6, 13, 23, 30))


def stream(span: Span, basis: Basis | None = None) -> int:
    return DAY_STREAM if span is Span.DAY else int(span)


def context(**sites: int) -> Context:
    return Context(sites, AIR, stream, lang="en")


def at(*moment: int) -> int:
    return periods.minute(datetime(*moment))  # type: ignore[arg-type]


def value(rows: list[Row], ending: int, site: int, parameter: str) -> list[int]:
    return [row[4] for row in rows if row[:3] == (ending, site, AIR[parameter].number)]


# --- cells ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mark", ["", " ", "-", "--", "—", "NA", "na", "NaN", "null", "/", "*", "??", "&mdash;", "-;", "_"]
)
def test_marks_of_no_value(mark: str) -> None:
    assert number(mark, TP) is None


@pytest.mark.parametrize("text", ["1,2", "1e999", "inf", "12a", "0x1", "１２", "1 2", "99999999999999999999"])
def test_what_is_no_number_is_refused_not_guessed(text: str) -> None:
    with pytest.raises(Unreadable, match=r"number|large") as caught:
        number(text, TP)
    assert CHINESE.search(caught.value.said("zh"))


def test_negative_values_are_kept_for_quality_control() -> None:
    assert number("-0.5", TP) == -50000


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("0.02L", "", (2000, 1)),
        ("0.02 l", "", (2000, 1)),
        ("<0.02", "", (2000, 1)),
        ("＜0.02", "", (2000, 1)),
        ("未检出", "0.01", (1000, 1)),
        ("ND", "0.01L", (1000, 1)),
        ("0.02", "0.01", (2000, 0)),
        ("--", "0.01", None),
    ],
)
def test_values_below_detection(text: str, limit: str, expected: tuple[int, int] | None) -> None:
    assert marked(text, TP, limit=limit) == expected


def test_not_found_without_a_limit_is_refused() -> None:
    with pytest.raises(Unreadable, match="no detection limit") as caught:
        marked("未检出", TP)
    assert caught.value.said("zh") == "未检出，旁边没有写检出限"


@pytest.mark.parametrize(
    ("printed", "own", "shift"),
    [
        ("μg/L", "mg/L", -3),
        ("µg/L", "mg/L", -3),
        ("ug/l", "mg/L", -3),
        ("ng/L", "mg/L", -6),
        ("mg/L", "mg/m3", 3),
        ("mS/m", "μS/cm", 1),
        ("个/L", "个/L", 0),
        ("MPN/L", "个/L", 0),
        ("CFU/100mL", "MPN/100mL or CFU/100mL", 0),
        ("MPN/L", "MPN/100mL or CFU/100mL", -1),
        ("无量纲", "", 0),
        ("", "℃", 0),
    ],
)
def test_units_are_turned_by_powers_of_ten(printed: str, own: str, shift: int) -> None:
    assert shift_between(printed, own) == shift


@pytest.mark.parametrize(("printed", "own"), [("mg/L", "个/L"), ("ppm", "mg/L"), ("mg/kg", "mg/L")])
def test_units_that_do_not_fit_are_refused(printed: str, own: str) -> None:
    with pytest.raises(Unreadable, match="cannot be turned") as caught:
        shift_between(printed, own)
    assert caught.value.said("zh") == f"单位 {printed!r} 不能换算成 {own!r}"


def test_a_converted_value_is_exact() -> None:
    assert number("1.2", TP, shift=-3) == 120  # 1.2 µg/L = 0.00120 mg/L


def test_html_cells() -> None:
    assert original('<span title="原始值:0.0251">0.03</span>') == "0.0251"
    assert original("<span title='所在地市：甘孜州'>7.1</span>") == "7.1"
    assert bare("<b>Ⅱ</b>&nbsp;") == "Ⅱ"


def test_names_are_compared_without_brackets_form_blanks_or_case() -> None:
    assert plain("沱江大桥（沱江二桥）") == plain("沱江大桥(沱江二桥) ")
    assert context(**{"1001A": 5}).site("1001a") == 5


# --- asking -----------------------------------------------------------------------------------------------------


def refuse(error: Exception) -> Callable[[], bytes]:
    def ask() -> bytes:
        raise error

    return ask


def test_one_failure_does_not_stop_the_others() -> None:
    asks = [
        ("a", refuse(SourceUnavailable("a is down"))),
        ("b", lambda: b"1"),
        ("c", lambda: b" "),
        ("d", lambda: b"2"),
    ]
    answers = ask_all(asks, 7)
    assert [next(answers), next(answers)] == [Payload("b", b"1", 7), Payload("d", b"2", 7)]
    with pytest.raises(SourceUnavailable, match="a is down; c: the answer is empty") as caught:
        next(answers)
    assert caught.value.said("zh") == "a is down；c：答复是空的"


def test_three_failures_in_a_row_end_the_round() -> None:
    asked = []

    def down() -> bytes:
        asked.append(1)
        raise SourceUnavailable("down")

    with pytest.raises(SourceUnavailable, match=r"\Adown\Z"):  # said once
        list(ask_all([("a", down)] * 10, 0))
    assert len(asked) == 3


def test_not_published_yet_is_no_failure() -> None:
    assert list(ask_all([("a", refuse(NotFound("a")))] * 5, 0, may_be_absent=True)) == []
    with pytest.raises(SourceUnavailable):
        list(ask_all([("a", refuse(NotFound("a")))], 0))


# --- archive ----------------------------------------------------------------------------------------------------

RECORDED = (HERE / "recorded/archive/china_cities_20220613.csv").read_bytes()


def archive(body: bytes, taken: int = NOW, **sites: int) -> tuple[list[Row], list[tuple[int, str]], dict[str, int]]:
    parsed = SOURCES["archive"].parse(Payload("day.csv", body, taken), context(**sites))
    return parsed.rows, [(one.line, one.reason) for one in parsed.refused], dict(parsed.unknown)


def test_recorded_day_file() -> None:
    """15 hours (9..23), 7 of 15 types, two cities; numbers read off the file."""
    rows, refused, unknown = archive(RECORDED, 甘孜藏族自治州=1, 成都=2)
    assert refused == []
    assert value(rows, at(2022, 6, 13, 9), 1, "pm25") == [7000]
    assert value(rows, at(2022, 6, 13, 9), 1, "published_aqi") == [24]
    assert value(rows, at(2022, 6, 13, 9), 2, "pm25") == [30000]
    assert {row[0] for row in rows if row[1] == 2} == {at(2022, 6, 13, hour) for hour in range(9, 24)}
    assert len([row for row in rows if row[1] == 2]) == 15 * 7
    assert {row[3:] for row in rows} == {(60, row[4], 0) for row in rows}
    assert unknown["绵阳"] == 15 * 7
    assert not any(name.startswith("type") for name in unknown)


def test_hour_0_belongs_to_the_day_before() -> None:
    rows, _, _ = archive(b"date,hour,type,X\n20220101,0,CO,0.98\n", X=1)
    assert rows == [(at(2022, 1, 1, 0), 1, AIR["co"].number, 60, 980, 0)]
    assert periods.calendar(periods.day_of(rows[0][0])) == date(2021, 12, 31)


def test_station_form_windows_line_ends_and_byte_order_mark() -> None:
    body = "\ufeffdate,hour,type,1001A,1002A\r\n20220101,1,SO2,5,\r\n20220101,1,O3_8h,7,9\r\n".encode()
    rows, refused, unknown = archive(body, **{"1001A": 1, "1002A": 2})
    assert [row[1:5] for row in rows] == [(1, AIR["so2"].number, 60, 5000)]
    assert (refused, unknown) == ([], {})


def test_names_in_gb18030() -> None:
    rows, _, _ = archive("date,hour,type,甘孜州\n20220101,1,SO2,5\n".encode("gb18030"), 甘孜州=3)
    assert [row[1] for row in rows] == [3]


@pytest.mark.parametrize("end", range(1, 400, 7))
def test_a_file_cut_anywhere_gives_no_wrong_value(end: int) -> None:
    """Whatever is cut off the end, every row that enters is a row of the whole file."""
    whole, _, _ = archive(RECORDED, 甘孜藏族自治州=1, 凉山彝族自治州=2)
    rows, refused, _ = archive(RECORDED[:-end], 甘孜藏族自治州=1, 凉山彝族自治州=2)
    assert set(rows) <= set(whole)
    assert len(refused) <= 1
    missing = RECORDED[-end:].count(b"\n")
    assert len(whole) - len(rows) <= 2 * missing


def test_a_cut_row_is_refused_with_its_line() -> None:
    body = b"date,hour,type,X,Y\n20220101,1,SO2,5,6\n20220101,1,NO2,5,12"
    rows, refused, _ = archive(body, X=1, Y=2)
    assert len(rows) == 2
    assert refused == [(3, "the file ends inside this line; its values may be cut (if it is whole, add a line end)")]


BAD_ROWS = b"".join(
    line + b"\n"
    for line in [
        b"date,hour,type,X,Y",
        b"20220101,1,SO2,5,abc",
        b"20220101,1,NO2,5",
        b"20220230,1,NO2,5,6",
        b"20220101,24,NO2,5,6",
        b"nonsense",
        b"",
        b"20220101,2,NO,1,2",
        b"20220101,2,SO2,NA,-3",
    ]
)


def test_bad_cells_and_rows_are_refused_and_the_rest_goes_on() -> None:
    rows, refused, unknown = archive(BAD_ROWS, X=1, Y=2)
    assert [(row[1], row[4]) for row in rows] == [(1, 5000), (2, -3000)]
    assert [line for line, _ in refused] == [2, 3, 4, 5, 6]
    assert [reason for _, reason in refused] == [
        "SO2 of Y is no number",
        "4 columns, but the header has 5",
        "no such date and hour",
        "no such date and hour",
        "fewer columns than the header",
    ]
    assert unknown == {"type NO": 1}


def test_contradicting_rows_both_go_to_the_store() -> None:
    rows, _, _ = archive(b"date,hour,type,X\n20220101,1,SO2,5\n20220101,1,SO2,6\n", X=1)
    assert [row[4] for row in rows] == [5000, 6000]


NO_ARCHIVE = [
    b"<!DOCTYPE html><html>login</html>",
    b"-1",
    b"day,hour,type,X\n",
    b"date,hour,type\n",
    b"\xff\xfe",
    b"[]",
]


@pytest.mark.parametrize("body", NO_ARCHIVE)
def test_another_form_is_told(body: bytes) -> None:
    with pytest.raises(SourceChanged, match=r"day\.csv: the first line is not"):
        archive(body, X=1)


# --- the air platform -------------------------------------------------------------------------------------------


def platform(body: bytes | object, origin: str = "air", **sites: int) -> tuple[list[Row], list[str], dict[str, int]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    parsed = SOURCES["cnemc_air"].parse(Payload(origin, data, at(2026, 10, 9, 19)), context(**sites))
    return parsed.rows, [one.reason for one in parsed.refused], dict(parsed.unknown)


def test_recorded_daily_answer() -> None:
    """14 official days of Taiyuan, unsorted; 00:00 names the day itself. First row of the file: 2026-08-29."""
    body = (HERE / "published/air/GetCityDayAqiHistoryByCondition_140100.json").read_bytes()
    rows, refused, _ = platform(body, **{"140100": 1})
    assert refused == []
    assert len(rows) == 14 * 7
    day = at(2026, 8, 30, 0)  # 24:00 of the 29th
    found = {name: value(rows, day, 1, name)[0] for name in AIR}
    assert found == {
        "so2": 12000,
        "no2": 27000,
        "co": 1200,
        "o3": 122000,
        "pm10": 82000,
        "pm25": 58000,
        "published_aqi": 96,
    }
    assert {row[3] for row in rows} == {DAY_STREAM}
    first, last = min(row[0] for row in rows), max(row[0] for row in rows)
    assert (periods.day_of(first), periods.day_of(last)) == (
        periods.number(date(2026, 8, 21)),
        periods.number(date(2026, 9, 3)),
    )


@pytest.mark.parametrize(
    ("time_point", "daily", "enters"),
    [
        ("2026-10-09T20:00:00", False, True),  # an hour ahead of the clock that took it
        ("2026-10-09T21:00:00", False, False),
        ("2032-10-09T18:00:00", False, False),
        ("2026-10-09T00:00:00", True, True),  # the running day ends at its midnight
        ("2026-10-10T00:00:00", True, False),
    ],
)
def test_an_answer_from_the_future_is_refused(time_point: str, daily: bool, enters: bool) -> None:
    row = {"TimePoint": time_point, "CityCode": 140100, "PM2_5_24h" if daily else "PM2_5": "9"}
    rows, refused, _ = platform([row], **{"140100": 1})
    assert (bool(rows), bool(refused)) == (enters, not enters)


def test_a_day_file_with_hours_of_the_future_gives_the_others() -> None:
    body = b"date,hour,type,X\n20220613,23,PM2.5,20\n20220614,1,PM2.5,21\n20320613,2,PM2.5,22\n"
    rows, refused, _ = archive(body, X=1)  # taken at 23:30 on the thirteenth
    assert value(rows, at(2022, 6, 13, 23), 1, "pm25") == [20000]
    assert len(rows) == 1
    assert [(line, "晚于取得数据的时间" in reason or "later than" in reason) for line, reason in refused] == [
        (3, True),
        (4, True),
    ]


HOUR = {"SO2": "5", "NO2": "12", "CO": "0.4", "O3": "80", "PM10": "—", "PM2_5": "NA", "AQI": "25", "PM2_5_24h": "9"}


@pytest.mark.parametrize("point", ["2026-10-09T18:00:00", "/Date(1791540000000)/"])
def test_hourly_answer(point: str) -> None:
    rows, refused, _ = platform([{**HOUR, "TimePoint": point, "CityCode": 140100}], **{"140100": 1})
    assert refused == []
    assert {row[0] for row in rows} == {at(2026, 10, 9, 18)}
    assert sorted(row[2:5] for row in rows) == [
        (1, 60, 5000),
        (2, 60, 12000),
        (3, 60, 400),
        (4, 60, 80000),
        (7, 60, 25),
    ]


def test_station_rows_are_known_by_station_not_by_city() -> None:
    row = {**HOUR, "TimePoint": "2026-10-09T18:00:00", "CityCode": 140100, "StationCode": "1081A", "Area": "太原市"}
    assert {one[1] for one in platform([row], **{"140100": 1, "1081A": 2})[0]} == {2}
    bare_row = {**HOUR, "TimePoint": "2026-10-09T18:00:00", "CityCode": 0}
    assert {one[1] for one in platform([bare_row], "x?stationCode=1081A", **{"1081A": 2})[0]} == {2}


def test_an_empty_array_is_an_answer() -> None:
    assert platform(b"[]") == ([], [], {})


def test_unknown_city_is_counted() -> None:
    row = {**HOUR, "TimePoint": "2026-10-09T18:00:00", "CityCode": 1, "Area": "某市"}
    assert platform([row]) == ([], [], {"某市": 1})


GOOD = {**HOUR, "TimePoint": "2026-10-09T18:00:00", "CityCode": 140100}
BAD_ANSWER = [
    {**GOOD, "SO2": "5x"},
    {**GOOD, "TimePoint": "soon"},
    {**GOOD, "TimePoint": "/Date(9999999999999999999)/"},
]


def test_bad_values_and_times_are_refused() -> None:
    rows, refused, _ = platform(BAD_ANSWER, **{"140100": 1})
    assert len(rows) == 4
    assert refused == ["SO2: not a number: '5x'", "TimePoint is no time", "TimePoint is no time"]


NO_ANSWER = [
    b"<html>login</html>",
    b'{"error": 1}',
    b'[{"TimePoint": "x"}]',
    b"[1]",
    b'[{"SO2": 1, "SO2": 2}]',
    b'[{"SO2": NaN}]',
    b'[{"TimePoint": "2026-10-',
    b"[" * 100_000,
    "[]".encode("utf-16"),
]


@pytest.mark.parametrize("body", NO_ANSWER, ids=range(9))
def test_another_shape_is_told(body: bytes) -> None:
    with pytest.raises(SourceChanged, match="air: "):
        platform(body, **{"140100": 1})


def test_why_an_answer_is_no_json_is_said_in_both_languages() -> None:
    with pytest.raises(SourceChanged) as caught:
        platform(b'[{"SO2": 1, "NO2": 3, "SO2": 2}]')
    assert "(the key 'SO2' stands twice); it begins" in str(caught.value)
    assert "（字段 'SO2' 写了两次）；开头是" in caught.value.said("zh")


@pytest.mark.parametrize(
    ("kind", "body"), [*(("archive", body) for body in NO_ARCHIVE), *(("cnemc_air", body) for body in NO_ANSWER)]
)
def test_what_is_wrong_with_an_answer_is_said_in_chinese(kind: str, body: bytes) -> None:
    with pytest.raises(SourceChanged) as caught:
        SOURCES[kind].parse(Payload("air", body, NOW), Context({"140100": 1}, AIR, stream))
    assert CHINESE.search(caught.value.said("zh"))
    assert not CHINESE.search(str(caught.value))


@pytest.mark.parametrize(
    ("kind", "body"),
    [("archive", BAD_ROWS), ("archive", BAD_ROWS[:-1]), ("cnemc_air", json.dumps(BAD_ANSWER).encode())],
)
def test_every_reason_is_in_the_language_of_the_bureau(kind: str, body: bytes) -> None:
    sites = {"X": 1, "Y": 2, "140100": 3}
    chinese, english = (
        SOURCES[kind].parse(Payload("air", body, NOW), Context(sites, AIR, stream, lang=lang)).refused
        for lang in ("zh", "en")
    )
    assert chinese
    assert [one.line for one in chinese] == [one.line for one in english]
    assert all(CHINESE.search(one.reason) for one in chinese)
    assert not any(CHINESE.search(one.reason) for one in english)


# --- what is asked ----------------------------------------------------------------------------------------------


class Recorder:
    """Stands where the HTTP session stands; answers and remembers what was asked."""

    def __init__(self, answer: Callable[[str], bytes]) -> None:
        self.answer, self.asked, self.unchanged = answer, [], 0

    def get(self, url: str, params: object = None, conditional: bool = False) -> bytes:
        self.asked.append(url)
        return self.answer(url)

    def post(self, url: str, params: object = None, form: object = None) -> bytes:
        self.asked.append((url, params, form))
        return self.answer(url)


def spec(kind: str, **options: object) -> SourceSpec:
    return SourceSpec("s", kind, "http://127.0.0.1:1/base", 60, 0, 2 * 1440, Basis.REALTIME, options)


def test_archive_asks_for_the_days_of_the_window() -> None:
    recorder = Recorder(lambda url: b"x")
    just_after_midnight = at(2022, 1, 2, 0, 10)
    list(SOURCES["archive"].fetch(recorder, spec("archive", form="sites"), just_after_midnight, []))  # type: ignore[arg-type]
    assert recorder.asked == [
        f"http://127.0.0.1:1/base/china_sites_{day}.csv" for day in ("20211231", "20220101", "20220102")
    ]


def test_archive_without_any_day_is_a_wrong_address() -> None:
    def absent(url: str) -> bytes:
        raise NotFound(url)

    with pytest.raises(SourceUnavailable, match="none of 3 day files"):
        list(SOURCES["archive"].fetch(Recorder(absent), spec("archive"), NOW, []))  # type: ignore[arg-type]
    only_today = replace(spec("archive"), lookback=60)
    assert list(SOURCES["archive"].fetch(Recorder(absent), only_today, NOW, [])) == []  # type: ignore[arg-type]


def test_air_platform_asks_per_city_and_station() -> None:
    sites = [
        Site("a", "甲", Kind.CITY, "x", code="513300"),
        Site("b", "乙", Kind.STATION, "x", code="1081A"),
        Site("c", "丙", Kind.STATION, "x"),
        Site("d", "丁", Kind.SECTION, "x", code="9"),
    ]
    recorder = Recorder(lambda url: b"[]")
    payloads = list(SOURCES["cnemc_air"].fetch(recorder, spec("cnemc_air"), NOW, sites))  # type: ignore[arg-type]
    base = "http://127.0.0.1:1/base/HourChangesPublish/"
    city, station = {"citycode": "513300"}, {"stationCode": "1081A"}
    assert recorder.asked == [
        (base + "GetCityRealTimeAqiHistoryByCondition", city, city),
        (base + "GetCityDayAqiHistoryByCondition", city, city),
        (base + "GetAqiHistoryByCondition", station, station),
    ]
    assert payloads[2] == Payload(base + "GetAqiHistoryByCondition?stationCode=1081A", b"[]", NOW)


def test_the_bundled_year_is_read_whole() -> None:
    """Hours with any of the seven types, counted with awk: 成都 8,716, 甘孜 8,713 of 8,760."""
    body = gzip.decompress((HERE.parent / "data/sample/archive/china_cities_2022.csv.gz").read_bytes())
    rows, refused, _ = archive(body, at(2023, 1, 1, 8), 成都=1, 甘孜藏族自治州=2, 甘孜州=3)
    assert refused == []
    assert [len({row[0] for row in rows if row[1] == site}) for site in (1, 2, 3)] == [8716, 8713, 0]
