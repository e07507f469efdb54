"""A service described in the config alone: its address, records, fields, units, times and marks, over a real socket."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envmon import http, periods, standards
from envmon.config import ConfigMistakes
from envmon.errors import SourceChanged, SourceUnavailable, UsageError
from envmon.model import Basis, Kind, Mark, Medium, Payload, Site, SourceSpec, Span
from envmon.sources import SOURCES, Context
from envmon.sources.table import windows
from envmon.sources.table_form import filled, form_of, problems

HERE = Path(__file__).parent
ITEMS = standards.parameters()
NOW = periods.minute(datetime(2026, 5, 2, 9, 30))
SITES = (
    Site("a", "甲站", Kind.STATION, "area", code="1001A"),
    Site("b", "乙站", Kind.STATION, "area", code="1002A"),
    Site("c", "丙桥", Kind.SECTION, "area"),
)
WIDE: dict[str, Any] = {
    "records": "data.rows",
    "site": "stationCode",
    "time": "monitorTime",
    "time_format": "%Y-%m-%d %H:%M:%S",
    "stamp": "end",
    "span": "1h",
    "fields": {"PM2_5": "pm25", "CO": "co"},
    "units": {"*": "µg/m3", "co": "mg/m3"},
}
LONG: dict[str, Any] = {
    **{key: WIDE[key] for key in ("records", "site", "time", "time_format", "stamp", "span")},
    "item": "name",
    "value": "val",
    "unit": "unit",
}


def spec(options: Mapping[str, Any], url: str = "http://127.0.0.1:1/") -> SourceSpec:
    return SourceSpec("province", "table", url, 60, 35, 48 * 60, Basis.REALTIME, options)


def context(options: Mapping[str, Any], url: str = "http://127.0.0.1:1/") -> Context:
    names = {
        name: number for number, site in enumerate(SITES, 1) for name in (site.id, site.name, site.code or site.id)
    }
    media = {number: site.kind.medium for number, site in enumerate(SITES, 1)}
    return Context(names, ITEMS, lambda span, basis=None: int(span), spec(options, url), "en", media)


def read(options: Mapping[str, Any], body: Any, origin: str = "http://x/") -> Any:
    made = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return SOURCES["table"].parse(Payload(origin, made, NOW), context(options))


def rows(*records: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": {"rows": list(records)}}


def at(*moment: int) -> int:
    return periods.minute(datetime(*moment))  # type: ignore[arg-type]


def steps(item: str, value: int, digits: int = 0) -> int:
    """A value with `digits` decimals in the item's own steps."""
    return value * 10 ** (ITEMS[item].decimals - digits)


# --- reading ------------------------------------------------------------------------------------------------------


def test_a_wide_record_gives_each_of_its_items_in_the_items_own_unit() -> None:
    record = {"stationCode": "1001A", "monitorTime": "2026-05-02 08:00:00", "PM2_5": "35", "CO": 0.7}
    found = read(WIDE, rows(record))
    assert found.refused == []
    assert found.rows == [
        (at(2026, 5, 2, 8), 1, ITEMS["pm25"].number, 60, steps("pm25", 35), Mark.NONE),
        (at(2026, 5, 2, 8), 1, ITEMS["co"].number, 60, steps("co", 7, 1), Mark.NONE),
    ]


def test_the_stated_unit_decides_the_value() -> None:
    """0.035 mg/m³ is 35 µg/m³."""
    options = {**WIDE, "fields": {"PM2_5": "pm25"}, "units": {"pm25": "mg/m3"}}
    record = {"stationCode": "1001A", "monitorTime": "2026-05-02 08:00:00", "PM2_5": 0.035}
    assert [row[4] for row in read(options, rows(record)).rows] == [steps("pm25", 35)]


def test_an_hour_named_by_its_start_ends_an_hour_later() -> None:
    record = {"stationCode": "1001A", "monitorTime": "2026-05-02 08:00:00", "PM2_5": "35"}
    assert [row[0] for row in read({**WIDE, "stamp": "start"}, rows(record)).rows] == [at(2026, 5, 2, 9)]


@pytest.mark.parametrize(
    ("printed", "ending"),
    [
        ("2026-05-01 24:00:00", at(2026, 5, 2, 0)),
        ("2026-05-01 23:59:59", at(2026, 5, 2, 0)),
        ("2026-05-02 00:00:00", at(2026, 5, 2, 0)),
    ],
)
def test_the_end_of_a_day_in_three_spellings(printed: str, ending: int) -> None:
    record = {"stationCode": "1001A", "monitorTime": printed, "PM2_5": "35"}
    assert [row[0] for row in read(WIDE, rows(record)).rows] == [ending]


@pytest.mark.parametrize(
    ("form", "zone", "printed"),
    [
        ("ms", "+08:00", 1777680000000),
        ("s", "+08:00", "1777680000"),
        ("iso", "+08:00", "2026-05-02T08:00:00"),
        ("iso", "UTC", "2026-05-02T00:00:00"),
        ("iso", "UTC", "2026-05-02T08:00:00+08:00"),
        ("%Y%m%d%H", "+08:00", "2026050208"),
        ("%d/%m/%Y %H:%M", "Z", "02/05/2026 00:00"),
    ],
)
def test_times_in_every_form(form: str, zone: str, printed: Any) -> None:
    """1777680000 s after 1970 is 2026-05-02 00:00 UTC: 20,575 days of 86,400 s."""
    assert 1777680000 == 20575 * 86400
    options = {**WIDE, "time_format": form, "zone": zone}
    found = read(options, rows({"stationCode": "1001A", "monitorTime": printed, "PM2_5": "35"}))
    assert [row[0] for row in found.rows] == [at(2026, 5, 2, 8)]


def test_date_and_hour_in_two_fields() -> None:
    options = {**WIDE, "time": ["day", "hour"], "time_format": "%Y-%m-%d %H"}
    found = read(options, rows({"stationCode": "1001A", "day": "2026-05-01", "hour": 24, "PM2_5": "35"}))
    assert [row[0] for row in found.rows] == [at(2026, 5, 2, 0)]


@pytest.mark.parametrize(("stamp", "printed"), [("start", "2026-05-01"), ("end", "2026-05-02")])
def test_a_day_is_the_day_it_starts_with_or_the_day_it_ends(stamp: str, printed: str) -> None:
    options = {**WIDE, "span": "1d", "stamp": stamp, "time_format": "%Y-%m-%d"}
    found = read(options, rows({"stationCode": "1001A", "monitorTime": printed, "PM2_5": "35"}))
    assert [(row[0], row[3]) for row in found.rows] == [(at(2026, 5, 2, 0), int(Span.DAY))]


def test_a_long_record_gives_one_item_by_any_of_its_names() -> None:
    base = {"stationCode": "1002A", "monitorTime": "2026-05-02 08:00:00"}
    found = read(
        {**LONG, "items": {"细颗粒": "pm25"}},
        rows(
            {**base, "name": "细颗粒", "val": "0.035", "unit": "mg/m³"},
            {**base, "name": "a21005", "val": "0.7", "unit": "mg/m3"},  # the code of HJ 524 for CO
            {**base, "name": "甲醛", "val": "3", "unit": "µg/m³"},
            {**base, "name": "负氧离子", "val": "3", "unit": ""},
            {**base, "name": "SO2", "val": "3", "unit": "ppb"},
        ),
    )
    assert [row[2:5:2] for row in found.rows] == [
        (ITEMS["pm25"].number, steps("pm25", 35)),
        (ITEMS["co"].number, steps("co", 7, 1)),
    ]
    assert found.unknown == {"name 负氧离子": 1}
    # formaldehyde is an item of water here, and 3 µg/m³ of it in air is none
    assert [(one.line, "water" in one.reason, "ppb" in one.reason) for one in found.refused] == [
        (3, True, False),
        (5, False, True),
    ]


@pytest.mark.parametrize("printed", ["-99", "-99.0", -99, "", None, "—", "NA", "9999"])
def test_marks_of_nothing_are_no_values(printed: Any) -> None:
    options = {**WIDE, "missing": ["-99", "9999"]}
    record = {"stationCode": "1001A", "monitorTime": "2026-05-02 08:00:00", "PM2_5": printed}
    found = read(options, rows(record))
    assert (found.rows, found.refused) == ([], [])


def test_state_marks_are_taken_as_configured_and_an_unknown_one_is_refused() -> None:
    options = {**WIDE, "mark": "{field}_Flag", "marks": {"N": "none", "M": "maintenance", "D": "fault"}}
    base = {"stationCode": "1001A", "PM2_5": "35"}
    found = read(
        options,
        rows(
            {**base, "monitorTime": "2026-05-02 06:00:00", "PM2_5_Flag": "N"},
            {**base, "monitorTime": "2026-05-02 07:00:00", "PM2_5_Flag": "M"},
            {**base, "monitorTime": "2026-05-02 08:00:00", "PM2_5_Flag": "Q"},
        ),
    )
    assert [row[5] for row in found.rows] == [Mark.NONE, Mark.MAINTENANCE]
    assert [(one.line, "Q" in one.reason) for one in found.refused] == [(3, True)]


def test_below_detection_is_kept_as_such() -> None:
    options = {**WIDE, "span": "4h", "fields": {"nh3n": "nh3n"}, "units": {"*": "mg/L"}}
    found = read(options, rows({"stationCode": "丙桥", "monitorTime": "2026-05-02 08:00:00", "nh3n": "0.025L"}))
    assert [row[4:] for row in found.rows] == [(steps("nh3n", 25, 3), Mark.CENSORED)]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"monitorTime": "yesterday"}, "yesterday"),
        ({"monitorTime": "1900-01-01 00:00:00"}, "1900"),
        ({"monitorTime": "2026-05-02 08:20:00"}, "08:20"),
        ({"monitorTime": "2026-05-03 08:00:00"}, "2026-05-03"),
        ({"PM2_5": "3x"}, "3x"),
        ({"PM2_5": {"v": 1}}, "{"),
        ({"PM2_5": True}, "true"),
    ],
)
def test_a_bad_record_stops_only_itself(record: Mapping[str, Any], said: str) -> None:
    good = {"stationCode": "1001A", "monitorTime": "2026-05-02 08:00:00", "PM2_5": "35"}
    found = read(WIDE, rows({**good, **record}, good))
    assert [row[4] for row in found.rows] == [steps("pm25", 35)]
    assert [(one.line, said in one.reason) for one in found.refused] == [(1, True)]


def test_sites_nobody_configured_are_counted() -> None:
    record = {"monitorTime": "2026-05-02 08:00:00", "PM2_5": "35", "CO": None}
    found = read(WIDE, rows({**record, "stationCode": "9999A"}, {**record, "stationCode": "9999A"}, record))
    assert (found.rows, found.unknown) == ([], {"9999A": 2, "?": 1})


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({}, {"data": {}}),
        ({}, {"data": {"rows": "none"}}),
        ({}, {"data": {"rows": [1]}}),
        ({}, []),
        ({"ok": {"code": "0"}}, {"code": 401, "msg": "token expired", **rows()}),
        ({"count": "data.total"}, {"data": {"total": 2, "rows": []}}),
        ({}, b"<html>login</html>"),
        ({}, b'{"data": {"rows": [{"a": 1'),
        ({}, b'{"data": {"rows": [{"a": NaN}]}}'),
    ],
)
def test_an_answer_of_another_form_is_refused_whole(options: Mapping[str, Any], body: Any) -> None:
    with pytest.raises(SourceChanged):
        read({**WIDE, **options}, body)


def test_a_csv_with_chinese_headers_in_gb18030() -> None:
    options = {
        **{key: WIDE[key] for key in ("stamp", "span")},
        "format": "csv",
        "site": "站点名称",
        "time": "监测时间",
        "time_format": "%Y-%m-%d %H:%M",
        "fields": {"PM2.5": "pm25", "一氧化碳": "co"},
        "units": {"*": "µg/m3", "co": "mg/m3"},
    }
    lines = [
        "某省空气小时值",
        "站点名称,监测时间,PM2.5,一氧化碳,备注",
        "甲站,2026-05-02 08:00,35,0.7,",
        "乙站,2026-05-02 08:00,—,,x",
        "甲站,2026-05-02",
    ]
    found = read(options, "\r\n".join(lines).encode("gb18030"))
    assert [row[1:5] for row in found.rows] == [
        (1, ITEMS["pm25"].number, 60, steps("pm25", 35)),
        (1, ITEMS["co"].number, 60, steps("co", 7, 1)),
    ]
    assert [one.line for one in found.refused] == [5]  # half a row


def test_a_workbook() -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (
        ["站点", "时间", "PM2.5"],
        ["甲站", datetime(2026, 5, 2, 8), 35.0],
        ["乙站", datetime(2026, 5, 2, 8), 36],
    ):
        book.active.append(row)
    body = BytesIO()
    book.save(body)
    options = {
        "format": "xlsx", "site": "站点", "time": "时间", "time_format": "%Y-%m-%d %H:%M", "stamp": "end", "span": "1h",
        "fields": {"PM2.5": "pm25"}, "units": {"*": "µg/m3"},
    }  # fmt: skip
    found = read(options, body.getvalue())
    assert [(row[1], row[4]) for row in found.rows] == [(1, steps("pm25", 35)), (2, steps("pm25", 36))]


def test_a_recorded_answer_of_openaq_needs_no_code_of_its_own() -> None:
    """Two hours of PM2.5: 6 and 7.5 µg/m³, ending 13:00 and 14:00 UTC on 2023-10-16."""
    body = (HERE / "recorded/table/openaq_measurements.json").read_bytes()
    options = {
        "records": "results", "count": "meta.found", "time": "period.datetimeTo.utc", "zone": "UTC", "stamp": "end",
        "span": "1h", "item": "parameter.name", "value": "value", "unit": "parameter.units",
    }  # fmt: skip
    assert list(problems("https://x/v3/sensors/{site}/hours", options, ITEMS)) == []
    found = read(options, body, "https://x/v3/sensors/1001A/hours#site=1001A")
    assert found.refused == []
    assert [(row[0], row[1], row[4]) for row in found.rows] == [
        (at(2023, 10, 16, 21), 1, steps("pm25", 6)),
        (at(2023, 10, 16, 22), 1, steps("pm25", 75, 1)),
    ]


def test_a_field_whose_name_holds_a_dot_is_found() -> None:
    """`PM2.5` is what most platforms of the country call it; it is no path."""
    options = {**WIDE, "fields": {"PM2.5": "pm25", "now.O3": "o3", "now.PM2.5.v": "pm10"}}
    record = {
        "stationCode": "1001A", "monitorTime": "2026-05-02 08:00:00", "PM2.5": 35,
        "now": {"O3": 60, "PM2.5": {"v": 70}},
    }  # fmt: skip
    found = read(options, rows(record))
    expected = {ITEMS["pm25"].number: 35, ITEMS["o3"].number: 60, ITEMS["pm10"].number: 70}
    assert {row[2]: row[4] for row in found.rows} == {
        ITEMS[item].number: steps(item, expected[ITEMS[item].number]) for item in ("pm25", "o3", "pm10")
    }


def test_fields_that_no_record_has_are_told() -> None:
    base = {"stationCode": "1001A", "monitorTime": "2026-05-02 08:00:00"}
    assert read(WIDE, rows({**base, "PM2_5": 35}, {**base, "PM2_5": None})).unknown == {"field CO": 2}
    assert [one.line for one in read(WIDE, rows({**base, "PM25": 35})).refused] == [1]
    assert read(WIDE, rows({**base, "PM2_5": None, "CO": None})).refused == []
    (told,) = read({**WIDE, "format": "csv"}, b"stationCode,monitorTime,PM2_5\n1001A,2026-05-02 08:00:00,35\n").refused
    assert "CO" in told.reason
    (told,) = read(LONG, rows({**base, "name": "SO2", "unit": "ug/m3", "wert": 3})).refused
    assert "val" in told.reason


def test_a_row_of_another_width_is_refused_not_shifted() -> None:
    """`1,035` without quotes makes two cells; a blank one at the end is only a comma too many."""
    lines = "stationCode,monitorTime,PM2_5,CO\n1001A,2026-05-02 08:00:00,1,035,0.7\n1001A,2026-05-02 07:00:00,35,0.7,\n"
    found = read({**WIDE, "format": "csv"}, lines.encode())
    assert [one.line for one in found.refused] == [2]
    assert [row[4] for row in found.rows] == [steps("pm25", 35), steps("co", 7, 1)]


@pytest.mark.parametrize(
    ("form", "printed", "ending"),
    [
        ("%Y%m%d%H", "2026050124", at(2026, 5, 2, 0)),
        ("%Y-%m-%d %H时", "2026-05-01 24时", at(2026, 5, 2, 0)),
        ("%Y%m%d %H%M", "20260501 2400", at(2026, 5, 2, 0)),
        ("%Y %m %d", "2026 04 24", at(2026, 4, 24)),
    ],
)
def test_the_end_of_a_day_in_compact_forms(form: str, printed: str, ending: int) -> None:
    record = {"stationCode": "1001A", "monitorTime": printed, "PM2_5": "35", "CO": ""}
    assert [row[0] for row in read({**WIDE, "time_format": form}, rows(record)).rows] == [ending]


# --- asking -------------------------------------------------------------------------------------------------------


class Province:
    """A provincial platform on loopback: hourly rows of two stations, in pages."""

    def __init__(self) -> None:
        asked = self.asked = []
        broken: set[str] = set()  # sites and days it has nothing of
        stuck: set[str] = set()  # it gives the first page only
        lies: set[str] = set()  # it tells of more records than it has
        self.broken, self.stuck, self.lies = broken, stuck, lies

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(urlsplit(self.path).query)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if self.headers["Content-Type"] == "application/json":
                    assert isinstance(json.loads(body)["page"], int)
                    body = urlencode(json.loads(body))
                self.answer(body)

            def answer(self, query: str) -> None:
                told = {name: values[0] for name, values in parse_qs(query).items()}
                asked.append(told)
                hours = [f"2026-05-02 {hour:02}:00:00" for hour in range(5, 9)]
                found = [
                    {"stationCode": site.code, "monitorTime": hour, "PM2_5": 35}
                    for site in SITES[:2]
                    for hour in hours
                    if told.get("site", site.code) == site.code
                ]
                if told.get("site") in broken or told.get("day") in broken:
                    self.send_error(404 if "day" in told else 500)
                    return
                page, size = int(told.get("page", 1)), 3
                if stuck:
                    page = min(page, 1)
                pages, total = -(-len(found) // size), len(found)
                found = found[(page - 1) * size : page * size] if "page" in told else found
                body = json.dumps({"data": {"rows": found, "pages": pages, "total": total + len(lies)}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.asked: list[dict[str, str]] = asked
        self.url = f"http://127.0.0.1:{self.server.server_port}/hours"


@pytest.fixture
def province() -> Iterator[Province]:
    made = Province()
    threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def pulled(options: Mapping[str, Any], url: str) -> list[Payload]:
    with http.Session() as session:
        return list(SOURCES["table"].fetch(session, spec(options, url), NOW, SITES))


def taken(options: Mapping[str, Any], url: str) -> list[tuple[int, int]]:
    found = [SOURCES["table"].parse(one, context(options, url)) for one in pulled(options, url)]
    assert [one.refused for one in found] == [[]] * len(found)
    return [(row[1], row[0]) for one in found for row in one.rows]


EXPECTED = [(site, at(2026, 5, 2, hour)) for site in (1, 2) for hour in range(5, 9)]


def test_the_window_is_put_into_the_address(province: Province) -> None:
    assert taken(WIDE, f"{province.url}?from={{from:%Y-%m-%d %H:%M:%S}}&to={{to:ms}}") == EXPECTED
    assert province.asked == [{"from": "2026-04-30 09:30:00", "to": str(NOW * 60000)}]


def test_site_by_site_page_by_page_by_the_number_of_pages_told(province: Province) -> None:
    options = {**WIDE, "pages": "data.pages"}
    del options["site"]
    assert taken(options, f"{province.url}?site={{site}}&page={{page}}") == EXPECTED
    assert [(one["site"], one["page"]) for one in province.asked] == [
        ("1001A", "1"), ("1001A", "2"), ("1002A", "1"), ("1002A", "2"),
    ]  # fmt: skip


def test_pages_end_with_one_that_is_not_full(province: Province) -> None:
    assert taken({**WIDE, "page_size": 3}, f"{province.url}?page={{page}}") == EXPECTED
    assert [one["page"] for one in province.asked] == ["1", "2", "3"]


def test_pages_without_a_size_end_with_an_empty_one(province: Province) -> None:
    assert taken(WIDE, f"{province.url}?page={{page}}") == EXPECTED
    assert [one["page"] for one in province.asked] == ["1", "2", "3", "4"]


def test_one_site_that_fails_does_not_stop_the_others(province: Province) -> None:
    province.broken.add("1001A")
    options = {name: value for name, value in WIDE.items() if name != "site"}
    with http.Session(retries=0) as session:
        answers = SOURCES["table"].fetch(session, spec(options, f"{province.url}?site={{site}}"), NOW, SITES)
        found = [next(answers)]
        with pytest.raises(SourceUnavailable):
            next(answers)
    assert [one.origin.partition("#")[2] for one in found] == ["site=1002A"]
    assert [one["site"] for one in province.asked] == ["1001A", "1002A"]  # a section is not asked for air


def test_a_file_of_a_day_that_is_not_there_yet_is_no_error(province: Province) -> None:
    province.broken.add("20260502")
    assert len(pulled(WIDE, f"{province.url}?day={{day:%Y%m%d}}")) == 2
    province.broken |= {"20260430", "20260501"}
    with pytest.raises(SourceUnavailable):
        pulled(WIDE, f"{province.url}?day={{day:%Y%m%d}}")


def test_records_told_are_those_of_all_pages(province: Province) -> None:
    """Eight records, three on a page: the total stands on each page and no page holds it."""
    options = {**WIDE, "count": "data.total"}
    assert taken(options, f"{province.url}?page={{page}}") == EXPECTED
    assert [one["page"] for one in province.asked] == ["1", "2", "3"]
    province.lies.add("one more")
    with pytest.raises(SourceChanged, match="9"):
        pulled(options, f"{province.url}?page={{page}}")


def test_a_service_that_does_not_turn_pages_is_found_out(province: Province) -> None:
    province.stuck.add("yes")
    with pytest.raises(SourceChanged, match="2"):
        pulled({**WIDE, "page_size": 3}, f"{province.url}?page={{page}}")
    assert len(province.asked) == 2


def test_an_answer_that_says_it_failed_is_handed_on_to_be_kept(province: Province) -> None:
    """What a page cannot be read for is told by the reader, so that the answer lands among the rejects."""
    (only,) = pulled({**WIDE, "records": "rows"}, f"{province.url}?page={{page}}")
    with pytest.raises(SourceChanged):
        SOURCES["table"].parse(only, context({**WIDE, "records": "rows"}))


def test_sites_without_a_code_cannot_be_asked_one_by_one() -> None:
    options = {name: value for name, value in WIDE.items() if name != "site"}
    made = spec({**options, "fields": {"nh": "nh3n"}, "units": {"*": "mg/L"}}, "http://127.0.0.1:1/?s={site}")
    with http.Session() as session, pytest.raises(UsageError):
        list(SOURCES["table"].fetch(session, made, NOW, SITES))


def test_sites_that_share_a_code_are_asked_for_once(province: Province) -> None:
    moved = (*SITES, Site("a2", "甲站", Kind.STATION, "area", code="1001A"))
    options = {name: value for name, value in WIDE.items() if name != "site"}
    with http.Session() as session:
        list(SOURCES["table"].fetch(session, spec(options, f"{province.url}?site={{site}}"), NOW, moved))
    assert [one["site"] for one in province.asked] == ["1001A", "1002A"]


def test_a_form_may_hold_any_name(province: Province) -> None:
    options = {**WIDE, "method": "post", "form": {"url": "x"}}
    assert taken(options, province.url) == EXPECTED


def test_what_is_named_by_its_start_is_asked_for_from_its_start(province: Province) -> None:
    """A day that ends within the look-back of two days began up to three days ago."""
    taken_options = {**WIDE, "stamp": "start", "span": "1d"}
    pulled(taken_options, f"{province.url}?from={{from:%Y-%m-%d %H:%M}}")
    assert province.asked == [{"from": "2026-04-29 09:30"}]


def test_how_far_back_it_can_be_asked_and_what_it_holds() -> None:
    """Thirty days unless it says otherwise; not at all when its address takes no time."""
    source = SOURCES["table"]
    assert source.reach_of(spec(WIDE, "http://x/?d={day}")) == 30 * 1440
    assert source.reach_of(spec({**WIDE, "keeps": "400d"}, "http://x/?d={from}")) == 400 * 1440
    assert source.reach_of(spec(WIDE, "http://x/?p={page}")) is None
    assert source.media_of(spec(WIDE)) == (Medium.AIR,)
    assert source.media_of(spec({**WIDE, "fields": {"nh": "nh3n"}})) == (Medium.WATER,)
    assert source.media_of(spec(LONG)) == tuple(Medium)


def test_a_service_that_reads_by_post_gets_the_form(province: Province) -> None:
    options = {**WIDE, "method": "post", "form": {"start": "{from:%Y%m%d}", "site": "{site}"}}
    assert taken(options, province.url) == EXPECTED
    assert province.asked == [{"start": "20260430", "site": code} for code in ("1001A", "1002A")]
    assert pulled(options, province.url)[0].origin == f"{province.url}#start=20260430&site=1001A"


def test_a_service_that_reads_json_gets_numbers_as_numbers(province: Province) -> None:
    options = {**WIDE, "method": "post", "body": "json", "form": {"page": "{page}", "size": 3, "to": "{to:%H:%M}"}}
    assert taken({**options, "page_size": 3}, province.url) == EXPECTED
    assert province.asked == [{"page": str(page), "size": "3", "to": "09:30"} for page in (1, 2, 3)]


def form(**more: Any) -> Any:
    return form_of({**WIDE, **more})


def test_a_window_is_cut_by_the_calendar_the_template_asks_for() -> None:
    since = at(2026, 4, 30, 9, 30)
    days = [one["day"] for one in windows(form(), {"day"}, since, NOW)]
    assert days == [at(2026, 4, 30), at(2026, 5, 1), at(2026, 5, 2)]
    assert [one["hour"] for one in windows(form(), {"hour"}, NOW - 90, NOW)] == [at(2026, 5, 2, 8), at(2026, 5, 2, 9)]
    assert [one["month"] for one in windows(form(), {"month"}, since, NOW)] == [at(2026, 4, 1), at(2026, 5, 1)]
    cut = [(one["from"], one["to"]) for one in windows(form(max_window="1d"), {"from", "to"}, since, NOW)]
    assert cut == [(since, since + 1440), (since + 1440, since + 2880)]
    assert len(list(windows(form(max_window="1d"), {"page"}, since, NOW))) == 1  # an address without a window


def test_steps_follow_the_zone_and_the_stamp() -> None:
    """A UTC day begins at 08:00 in Beijing; what ends at 24:00 stands in the file of the next day."""
    utc = form(zone="UTC")
    assert [one["day"] for one in windows(utc, {"day"}, at(2026, 5, 1, 9), at(2026, 5, 2, 9))] == [
        at(2026, 5, 1, 8), at(2026, 5, 2, 8),
    ]  # fmt: skip
    assert [one["month"] for one in windows(utc, {"month"}, at(2026, 5, 1, 7), at(2026, 5, 1, 9))] == [
        at(2026, 4, 1, 8), at(2026, 5, 1, 8),
    ]  # fmt: skip
    day = (at(2026, 5, 1), at(2026, 5, 2))
    assert [one["day"] for one in windows(form(), {"day"}, *day)] == [*day]
    assert [one["day"] for one in windows(form(stamp="start"), {"day"}, *day)] == [day[0]]


def test_month_and_day_may_stand_in_one_address() -> None:
    (first, *_) = windows(form(), {"month", "day"}, at(2026, 5, 1), at(2026, 5, 2))
    assert filled("{month}/{day:%d}.csv", first, form().zone) == "2026-05/01.csv"


# --- the config ---------------------------------------------------------------------------------------------------


def test_good_options_have_no_problems() -> None:
    for options in (WIDE, LONG):
        assert list(problems("http://x/?f={from:%Y-%m-%d}&p={page}", options, ITEMS)) == []


@pytest.mark.parametrize(
    ("url", "change", "key"),
    [
        ("http://x/?t={when}", {}, "url"),
        ("http://x/?t={from.__class__}", {}, "url"),
        ("http://x/?t={from:lang}", {}, "url"),
        ("http://x/?t={", {}, "url"),
        ("http://x/", {"span": "2h"}, "span"),
        ("http://x/", {"stamp": "middle"}, "stamp"),
        ("http://x/", {"format": "xml"}, "format"),
        ("http://x/", {"time": ""}, "time"),
        ("http://x/", {"time": []}, "time"),
        ("http://x/", {"zone": "Beijing"}, "zone"),
        ("http://x/", {"fields": {"PM": "pm2.5"}}, "fields.PM"),
        ("http://x/", {"fields": ["pm25"]}, "fields"),
        ("http://x/", {"fields": {}}, "fields"),
        ("http://x/", {"item": "i", "value": "v"}, "fields"),
        ("http://x/", {"units": {}}, "units"),
        ("http://x/", {"units": {"*": "mg/L", "co": "ppb"}}, "units.co"),
        ("http://x/", {"marks": {"N": "fine"}}, "marks.N"),
        ("http://x/", {"page_size": 100}, "page_size"),
        ("http://x/", {"form": {"a": "b"}}, "form"),
        ("http://x/", {"body": "json"}, "body"),
        ("http://x/", {"max_window": "long"}, "max_window"),
        ("http://x/", {"max_window": "0h"}, "max_window"),
        ("http://x/", {"missing": "-99"}, "missing"),
        ("http://x/", {"time_format": "yyyy-MM-dd HH"}, "time_format"),
        ("http://x/", {"time_format": "%m-%d %H:%M"}, "time_format"),  # which year?
        ("http://x/", {"time_format": "%Y-%m-%d"}, "time_format"),  # which hour?
        ("http://x/", {"time_format": "%Q"}, "time_format"),
        ("http://x/", {"mark": "{item}_Mark", "marks": {"N": "none"}}, "mark"),
        ("http://x/?p={page}", {"format": "csv", "pages": "data.pages"}, "pages"),
        ("http://x/?t={day}", {"keeps": "ever"}, "keeps"),
        ("http://x/", {"keeps": "30d"}, "keeps"),
        ("http://x/", {"first_page": -1}, "first_page"),
        ("http://x/", {"tiem": "x"}, "tiem"),
    ],
)
def test_every_mistake_in_the_options_is_told_by_its_key(url: str, change: Mapping[str, Any], key: str) -> None:
    found = list(problems(url, {**WIDE, **change}, ITEMS))
    assert key in [one[0] for one in found]


@pytest.mark.parametrize("key", ["span", "stamp", "time", "site", "fields", "units"])
def test_what_must_be_said_is_asked_for(key: str) -> None:
    options = {name: value for name, value in WIDE.items() if name != key}
    assert [one[0] for one in problems("http://x/", options, ITEMS)] == [key]


@pytest.mark.parametrize("time_format", ["ms", "%Y%m%d%H", "%d/%m/%y %I:%M %p", "%Y-%m-%dT%H:%M:%S%z"])
def test_time_formats_that_tell_the_hour_are_good(time_format: str) -> None:
    assert list(problems("http://x/", {**WIDE, "time_format": time_format}, ITEMS)) == []


def test_a_true_of_the_answer_is_a_true_of_the_config() -> None:
    options = {**WIDE, "ok": {"success": True}}
    record = {"stationCode": "1001A", "monitorTime": "2026-05-02 08:00:00", "PM2_5": "35"}
    assert len(read(options, {"success": True, **rows(record)}).rows) == 1
    with pytest.raises(SourceChanged):
        read(options, {"success": False, **rows(record)})


def test_water_temperature_and_ph_need_no_unit() -> None:
    options = {**WIDE, "span": "4h", "fields": {"ph": "ph", "wt": "water_temp", "nh": "nh3n"}, "units": {"*": "mg/L"}}
    options["fields"] = {name: item for name, item in options["fields"].items() if item in ITEMS}
    assert list(problems("http://x/", options, ITEMS)) == []


def test_a_config_with_such_a_source_pulls_and_keeps(bureau: Any, province: Province) -> None:
    bureau.path.write_text(
        bureau.path.read_text("utf-8")
        + f"""
[[sources]]
id = "province"
kind = "table"
url = "{province.url}?from={{from:%Y-%m-%d}}"
every = "1h"

[sources.options]
records = "data.rows"
site = "stationCode"
time = "monitorTime"
time_format = "%Y-%m-%d %H:%M:%S"
stamp = "end"
span = "1h"
fields = {{ PM2_5 = "pm25" }}
units = {{ pm25 = "µg/m3" }}
""",
        "utf-8",
    )
    sites = bureau.folder / "sites.csv"
    lines = sites.read_text("utf-8").splitlines()
    head = next(line for line in lines if not line.startswith("#")).split(",")
    station = {"id": "s1", "name": "甲站", "kind": "station", "area": "ganzi", "code": "1001A"}
    sites.write_text("\n".join([*lines, ",".join(station.get(name, "") for name in head), ""]), "utf-8")
    bureau.now = NOW
    config = bureau.config
    with bureau.open(config) as store:
        bureau.pull(store, config, "province")
        kept = store.db.execute("SELECT count(*), min(value) FROM readings WHERE source = 'province'").fetchone()
    assert kept == (4, 35.0)


def test_mistakes_of_the_options_name_file_line_and_key(bureau: Any) -> None:
    text = bureau.path.read_text("utf-8")
    bureau.path.write_text(
        text + '\n[[sources]]\nid = "p"\nkind = "table"\nurl = "http://x/?t={day}"\nevery = "1h"\n'
        '\n[sources.options]\nsite = "s"\ntime = "t"\nspan = "1h"\nstamp = "end"\nfields = { PM = "pm2" }\n',
        "utf-8",
    )
    with pytest.raises(ConfigMistakes) as caught:
        _ = bureau.config
    (mistake,) = [one for one in caught.value.mistakes if "pm2" in str(one)]
    assert mistake.path.endswith("options.fields.PM")
    assert mistake.line == len(text.splitlines()) + 13


def example(kind: str) -> str:
    """The configuration that docs/sources.md shows for a kind."""
    page = (HERE.parent / "docs/sources.md").read_text("utf-8")
    return next(text for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if f'kind = "{kind}"' in text)


@pytest.mark.parametrize("kind", ["archive", "cnemc_air", "openaq", "waqi", "sensorthings", "table"])
def test_the_examples_of_the_page_can_be_copied(bureau: Any, kind: str) -> None:
    text = re.sub(r'^id = ".*"', 'id = "copied"', example(kind), flags=re.MULTILINE)
    bureau.path.write_text(bureau.path.read_text("utf-8") + "\n" + text, "utf-8")
    assert [spec.kind for spec in bureau.config.sources if spec.id == "copied"] == [kind]


@pytest.mark.parametrize(
    ("kind", "options", "key"),
    [
        ("archive", 'form = "towns"', "form"),
        ("archive", 'swapped = { from = "2023-11-09", types = ["O3"] }', "swapped"),
        ("cnemc_air", 'routes = ["city_hour"]', "routes"),
        ("cnemc_air", 'days = "no"', "days"),
        ("cnemc_air", 'route = "city_hours"', "route"),
        ("openaq", "ppm = true", "sites"),
        ("openaq", 'sites = { "nobody" = "1" }', "sites.nobody"),
        ("openaq", 'sites = { "ganzi-air" = "1" }\nppm = "yes"', "ppm"),
        ("waqi", 'sites = ["ganzi-air"]', "sites"),
        ("waqi", 'sites = { "ganzi-air" = "1" }\nppm = true', "ppm"),
        ("sensorthings", 'sites = { "ganzi-air" = "1" }\ninstant = "day"', "instant"),
        ("sensorthings", 'sites = { "ganzi-air" = "1" }\nproperties = { x = "pm2.5" }', "properties"),
        ("sensorthings", 'sites = { "ganzi-air" = "1" }\nunits = { pm25 = "m" }', "units"),
    ],
)
def test_options_of_every_kind_are_checked_with_the_config(bureau: Any, kind: str, options: str, key: str) -> None:
    source = f'\n[[sources]]\nid = "p"\nkind = "{kind}"\nurl = "http://x/"\nevery = "1h"\n\n[sources.options]\n'
    bureau.path.write_text(bureau.path.read_text("utf-8") + source + options + "\n", "utf-8")
    with pytest.raises(ConfigMistakes) as caught:
        _ = bureau.config
    assert [one.path.rpartition("options.")[2] for one in caught.value.mistakes] == [key]


# --- anything at all ----------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
RECORDS = st.fixed_dictionaries(
    {
        "stationCode": st.sampled_from(["1001A", "x", ""]) | VALUES,
        "monitorTime": st.sampled_from(["2026-05-02 08:00:00", "9999-12-31 24:00:00", "0001-01-01 00:00:00"]) | VALUES,
        "PM2_5": VALUES,
        "CO": VALUES,
    }
)


@given(st.lists(RECORDS, min_size=10, max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_record_breaks_the_reader(records: list[dict[str, Any]]) -> None:
    found = read(WIDE, rows(*records))
    assert all(len(row) == 6 for row in found.rows)


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=150, deadline=None)
def test_no_answer_breaks_the_reader(body: bytes) -> None:
    """Anything but a SourceChanged would leave here."""
    for kind in ("json", "csv"):
        with suppress(SourceChanged):
            read({**WIDE, "format": kind}, body)
