"""OpenAQ, WAQI, SensorThings and all routes of the air platform: recorded answers, then every trap seen so far.

Answers are served over a loopback socket and fetched by the real session.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from envmon import http, periods, standards
from envmon.errors import EnvmonError, SourceChanged, SourceUnavailable, UsageError
from envmon.model import NO_VALUE, Basis, Kind, Mark, Medium, Payload, Row, Site, SourceSpec, Span
from envmon.pipeline import pull
from envmon.sources import SOURCES, Context, Parsed, cnemc_air, read_file
from envmon.sources.cells import Unreadable
from envmon.sources.context import Place
from envmon.sources.gases import steps

ROOT = Path(__file__).parent.parent
RECORDED = ROOT / "tests/recorded"
ITEMS = standards.parameters()
STREAMS = {span: 100 + at for at, span in enumerate(Span)}


class Question(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    key: str = ""  # header X-API-Key


class Server:
    """Answers on loopback what `answer` says: a body, or (status, body)."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.answer: Callable[[Question], bytes | tuple[int, bytes]] = lambda question: b"[]"
        server = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                key = self.headers.get("X-API-Key", "")
                query, fields = dict(parse_qsl(parts.query)), dict(parse_qsl(form))
                question = Question(self.command, parts.path, query, fields, key)
                server.asked.append(question)
                found = server.answer(question)
                status, body = found if isinstance(found, tuple) else (200, found)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()


def at(*moment: int) -> int:
    return periods.minute(datetime(*moment))  # type: ignore[arg-type]


def spec(kind: str, url: str = "http://127.0.0.1:1/", lookback: int = 1440, **options: Any) -> SourceSpec:
    return SourceSpec("s", kind, url, 60, 0, lookback, Basis.REALTIME, options)


def context(kind: str, *names: str, lang: str = "en", **options: Any) -> Context:
    def stream(span: Span, basis: Basis | None = None) -> int:
        return STREAMS[span]

    sites = {name: number for number, name in enumerate(names, 1)}
    return Context(sites, ITEMS, stream, spec(kind, **options), lang)


def parse(kind: str, body: Any, *names: str, origin: str = "x#site=a", taken: int, **options: Any) -> Parsed:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return SOURCES[kind].parse(Payload(origin, data, taken), context(kind, *(names or ("a",)), **options))


def fetch(
    server: Server, kind: str, now: int, sites_: list[Site], lookback: int = 1440, base: str = "/", **options: Any
) -> list[Payload]:
    got, error = fetched(server, kind, now, sites_, lookback, base, **options)
    if error:
        raise error
    return got


def fetched(
    server: Server, kind: str, now: int, sites_: list[Site], lookback: int = 1440, base: str = "/", **options: Any
) -> tuple[list[Payload], EnvmonError | None]:
    """What came, and the error at the end."""
    got: list[Payload] = []
    access = http.Access(hosts=frozenset([http.endpoint(server.url)]))
    with http.Session(access, retries=0) as session:
        try:
            for payload in SOURCES[kind].fetch(
                session, spec(kind, server.url + base, lookback, **options), now, sites_
            ):
                got.append(payload)
        except EnvmonError as error:
            return got, error
    return got, None


def reading(rows: list[Row], item: str) -> list[tuple[int, int, int]]:
    """(ending, value, mark) of one item."""
    return [(row[0], row[4], row[5]) for row in rows if row[2] == ITEMS[item].number]


STATION = Site("a", "将军桥", Kind.STATION, "ganzi", code="2178")
CITY = Site("c", "甘孜藏族自治州", Kind.CITY, "ganzi", code="513300")

# --- values with their units ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "before", "since"),
    [("o3", "2.143", "1.962"), ("no2", "2.054", "1.880"), ("so2", "2.860", "2.618"), ("co", "1.250", "1.145")],
)
def test_a_ratio_is_a_concentration_in_the_state_of_its_day(item: str, before: str, since: str) -> None:
    """µg/m³ per ppb (CO: mg/m³ per ppm) at 273 K until 31 August 2018, at 298.15 K since; molar mass over molar volume:
    8.314462618 x 298.15 / 101325 = 24.4654 L/mol, x 273 = 22.4017 L/mol; O3 47.997 / 24.4654 = 1.96183."""
    ask, unit = context("openaq", ppm=True), "ppm" if item == "co" else "ppb"
    for day, factor in (("2018-08-31", before), ("2018-09-01", since), ("2026-03-01", since)):
        found = steps(ask, "1", unit, ITEMS[item], periods.parse(day).first)
        assert found == round(Fraction(factor) * 1000)


def test_a_recorded_ratio() -> None:
    """0.059 ppm of ozone: 59 x 47.997 / 24.46540370 = 115.748 µg/m³; 0.1 ppm of CO: 0.1 x 28.010 / 24.4654 = 0.114."""
    ask, day = context("openaq", ppm=True), periods.parse("2024-08-26").first
    assert steps(ask, "0.059", "ppm", ITEMS["o3"], day) == 115_748
    assert steps(ask, "0.1", "PPM", ITEMS["co"], day) == 114
    assert steps(ask, "-5.0", "µg/m³", ITEMS["pm10"], day) == -5000  # for quality control to flag
    assert steps(ask, "1145", "ug/m3", ITEMS["co"], day) == 1145  # 1.145 mg/m³
    assert steps(ask, "NA", "ppm", ITEMS["o3"], day) is None


@pytest.mark.parametrize(
    ("value", "unit", "reason"),
    [
        ("0.059", "", "has no unit"),
        ("0.059", None, "has no unit"),
        ("0.059", "particles/cm³", "cannot be turned"),
        ("1e400", "ppm", "large"),
        ("9" * 5000, "ppm", "not a number"),
        (["1"], "ppm", "not a number"),
        (True, "ppm", "not a number"),
    ],
    ids=range(7),
)
def test_what_cannot_be_turned_is_refused(value: Any, unit: Any, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        steps(context("openaq", ppm=True), value, unit, ITEMS["o3"], 20000)


def test_a_ratio_is_refused_until_the_bureau_decides() -> None:
    with pytest.raises(Unreadable) as caught:
        steps(context("openaq"), "0.059", "ppm", ITEMS["o3"], 20000)
    assert caught.value.said("zh") == "单位是 ppm，不是 µg/m³；在 options 中写 ppm = true 后按 GB 3095 参比状态换算"
    with pytest.raises(Unreadable, match="cannot be turned"):
        steps(context("openaq", ppm=True), "1", "ppb", ITEMS["pm25"], 20000)  # no gas


# --- OpenAQ -----------------------------------------------------------------------------------------------------------

MEASURED = json.loads((RECORDED / "openaq/measurements.json").read_bytes())
OPENAQ_TAKEN = at(2023, 10, 17, 0, 30)


def measured(**changed: Any) -> dict[str, Any]:
    """A recorded answer of one hour, 13:00 to 14:00 UTC of 2023-10-16, PM2.5 7.5, with changes in its row."""
    row = {**MEASURED["results"][1], **changed}
    return {"meta": MEASURED["meta"], "results": [row]}


def period(first: str | None, last: str | None) -> dict[str, Any]:
    return {"datetimeFrom": {"utc": first}, "datetimeTo": {"utc": last}}


def test_openaq_hours_end_at_the_end_of_their_period() -> None:
    """12:00 to 13:00 UTC is 20:00 to 21:00 in Beijing."""
    parsed = parse("openaq", MEASURED, taken=OPENAQ_TAKEN)
    assert reading(parsed.rows, "pm25") == [(at(2023, 10, 16, 21), 6000, 0), (at(2023, 10, 16, 22), 7500, 0)]
    assert {row[3] for row in parsed.rows} == {STREAMS[Span.HOUR]}
    assert (parsed.refused, parsed.unknown) == ([], {})


def test_openaq_lists_hold_no_readings() -> None:
    body = (RECORDED / "openaq/sensors.json").read_bytes()
    parsed = parse("openaq", body, taken=OPENAQ_TAKEN)
    assert (parsed.rows, parsed.refused) == ([], [])
    assert parsed.unknown == {"parameter no": 1}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"value": "n/q"}, "not a number: 'n/q'"),
        ({"value": {"v": 1}}, "not a number"),
        ({"value": True}, "not a number: 'True'"),
        ({"period": period("2023-10-16T13:00:00", "2023-10-16T14:00:00")}, "no time with a zone"),
        ({"period": period("2023-10-16T13:00:00Z", None)}, "'None' is no time with a zone"),
        ({"period": None}, "no time with a zone"),
        ({"period": period("2023-10-16T13:00:00Z", "2023-10-16T13:15:00Z")}, "is no whole hour"),
        ({"period": period("2023-10-16T13:30:00Z", "2023-10-16T14:30:00Z")}, "is no whole hour"),
        ({"period": period("2023-10-16T14:00:00Z", "2023-10-16T13:00:00Z")}, "is no whole hour"),
        ({"period": period("2023-10-16T18:00:00Z", "2023-10-16T19:00:00Z")}, "later than the data were taken"),
        ({"parameter": {"name": "o3", "units": "ppm"}}, "its unit is ppm"),
        ({"parameter": {"name": "pm25", "units": "particles/cm³"}}, "cannot be turned"),
        ({"parameter": {"name": "pm25", "units": None}}, "no unit"),
    ],
    ids=range(13),
)
def test_openaq_rows_that_are_refused(changed: dict[str, Any], reason: str) -> None:
    parsed = parse("openaq", measured(**changed), taken=OPENAQ_TAKEN)
    assert parsed.rows == []
    assert [one.line for one in parsed.refused] == [1]
    assert reason in parsed.refused[0].reason
    chinese = SOURCES["openaq"].parse(
        Payload("x#site=a", json.dumps(measured(**changed)).encode(), OPENAQ_TAKEN), context("openaq", "a", lang="zh")
    )
    assert any(letter >= "\u4e00" for letter in chinese.refused[0].reason)


def test_openaq_null_negative_flagged_and_unknown_values() -> None:
    assert parse("openaq", measured(value=None), taken=OPENAQ_TAKEN).refused == []
    assert reading(parse("openaq", measured(value=-4.9), taken=OPENAQ_TAKEN).rows, "pm25")[0][1:] == (-4900, 0)
    flagged = parse("openaq", measured(flagInfo={"hasFlags": True}), taken=OPENAQ_TAKEN)
    assert reading(flagged.rows, "pm25")[0][1:] == (7500, Mark.FAULT)
    other = parse("openaq", measured(parameter={"name": "um003", "units": "particles/cm³"}), taken=OPENAQ_TAKEN)
    assert (other.rows, other.refused, other.unknown) == ([], [], {"parameter um003": 1})
    assert parse("openaq", MEASURED, origin="x#site=b", taken=OPENAQ_TAKEN).unknown == {"b": 2}


def test_openaq_days_are_not_taken() -> None:
    """A mean over a day is not the daily value of ozone, and nobody knows of how many hours it is."""
    day = measured(period=period("2023-10-15T16:00:00Z", "2023-10-16T16:00:00Z"))
    assert "is no whole hour" in parse("openaq", day, taken=OPENAQ_TAKEN).refused[0].reason


@pytest.mark.parametrize(
    ("item", "percent", "enters"),
    [
        ("o3", 100, True),
        ("o3", 75, True),
        ("o3", 74.9, False),
        ("o3", 25, False),
        ("o3", None, True),
        ("pm25", 25, True),
    ],
)
def test_openaq_hours_of_too_few_minutes(item: str, percent: float | None, enters: bool) -> None:
    """GB 3095 table 4: an hourly mean of a gas needs 45 minutes, 75 % of an hour."""
    row = measured(parameter={"name": item, "units": "µg/m³"}, coverage={"percentComplete": percent})
    parsed = parse("openaq", row, taken=OPENAQ_TAKEN)
    assert (len(parsed.rows), len(parsed.refused)) == (enters, not enters)


def test_a_saved_openaq_answer_is_known_by_the_name_of_its_file() -> None:
    parsed = parse("openaq", MEASURED, "将军桥", origin="data/inbox/将军桥.json", taken=OPENAQ_TAKEN)
    assert len(parsed.rows) == 2


def test_openaq_asks_for_the_living_sensors_page_by_page(server: Server) -> None:
    """Of the recorded eight sensors, `no` is no item here and two fell silent at 20:00 UTC, before the look-back."""
    full = {"results": MEASURED["results"][:1] * 1000}

    def answer(question: Question) -> bytes:
        if question.path == "/v3/locations/2178/sensors":
            return (RECORDED / "openaq/sensors.json").read_bytes()
        wanted = full if question.query["page"] == "1" and "/3916/" in question.path else {"results": []}
        return json.dumps(wanted).encode()

    server.answer = answer
    now = at(2024, 8, 28, 4, 30)  # 20:30 UTC of the 27th
    payloads = fetch(server, "openaq", now, [STATION], sites={"a": 2178})
    hours = [(question.path.split("/")[3], question.query["page"]) for question in server.asked[1:]]
    rest = [(sensor, "1") for sensor in ("3918", "3917", "25227", "4272103")]
    assert hours == [("3916", "1"), ("3916", "2"), *rest]
    assert server.asked[1].query == {
        "datetime_from": "2024-08-26T20:30:00Z",
        "datetime_to": "2024-08-27T20:30:00Z",
        "limit": "1000",
        "page": "1",
    }
    assert payloads[2].origin == f"{server.url}/v3/sensors/3916/hours?page=2#site=a"
    assert payloads[1].origin == f"{server.url}/v3/sensors/3916/hours?page=1#site=a"


def test_openaq_failures_are_told_after_what_could_be_had(server: Server) -> None:
    def answer(question: Question) -> bytes | tuple[int, bytes]:
        if question.path.endswith("/2178/sensors"):
            return 401, b'{"detail": "Invalid API key"}'
        return b"<html>" if question.path.endswith("/7/sensors") else b'{"results": []}'

    server.answer = answer
    other, third = Site("b", "乙", Kind.STATION, "x"), Site("d", "丁", Kind.CITY, "x")
    payloads, error = fetched(server, "openaq", 0, [STATION, other, third], sites={"a": 2178, "b": 7, "d": 8})
    assert isinstance(error, SourceUnavailable)
    assert "401" in str(error)
    assert [payload.body for payload in payloads] == [b"<html>", b'{"results": []}']


def test_of_two_sensors_of_an_item_the_older_is_asked(server: Server) -> None:
    """Both would write the same hours in turn, each a revision of the other."""
    pm25 = {"name": "pm25", "units": "µg/m³"}
    sensors = [{"id": 9, "parameter": pm25}, {"id": 7, "parameter": pm25}, {"id": "x/../..", "parameter": pm25}]
    server.answer = lambda question: json.dumps({"results": sensors if "locations" in question.path else []}).encode()
    fetch(server, "openaq", 0, [STATION], sites={"a": 1})
    assert [question.path for question in server.asked] == ["/v3/locations/1/sensors", "/v3/sensors/7/hours"]


@pytest.mark.parametrize("kind", ["openaq", "waqi", "sensorthings"])
def test_of_the_sites_named_only_those_with_a_gap_are_asked_for_it(server: Server, kind: str) -> None:
    """Back-fill hands over the sites that lack something; the option names more, which is no mistake."""
    server.answer = lambda question: b'{"results": [], "value": [], "status": "ok", "data": {"aqi": "-"}}'
    fetch(server, kind, 0, [Site("a", "甲", Kind.STATION, "x")], sites={"a": "1", "b": "2"})
    assert len(server.asked) == 1
    assert fetch(server, kind, 0, [Site("c", "丙", Kind.STATION, "x")], sites={"a": "1", "b": "2"}) == []


def test_who_can_be_asked_for_the_past_and_whose_gaps_it_fills() -> None:
    """The index of WAQI is nothing that could be missing."""
    spec = SourceSpec("s", "s", "http://x/", 60, 0, 60, Basis.REALTIME)
    found = {kind: (SOURCES[kind].reach_of(spec), SOURCES[kind].media_of(spec)) for kind in SOURCES if kind != "table"}
    year, air = 366 * 1440, (Medium.AIR,)
    assert found["openaq"] == found["sensorthings"] == (year, air)
    assert found["waqi"] == (None, ())


def test_what_is_asked_of_a_things_past_has_an_end(server: Server) -> None:
    server.answer = lambda question: b'{"value": []}'
    fetch(server, "sensorthings", at(2026, 5, 2), [Site("a", "甲", Kind.STATION, "x")], 1440, sites={"a": "1"})
    (question,) = server.asked
    assert "ge 2026-04-30T16:00:00Z and phenomenonTime le 2026-05-01T17:00:00Z" in question.query["$expand"]


@pytest.mark.parametrize("kind", ["openaq", "waqi", "sensorthings"])
def test_only_the_sites_that_are_named_are_asked(server: Server, kind: str) -> None:
    """A code is a number of the national platforms; here the same number would be some other place in the world."""
    section = Site("s", "断面", Kind.SECTION, "x")
    for options, said in (
        ({}, "which sites to ask for"),
        ({"sites": {}}, "which sites to ask for"),
        ({"sites": ["a"]}, "not written right"),
    ):
        with pytest.raises(UsageError, match=said):
            fetch(server, kind, 0, [STATION, CITY, section], **options)
    assert server.asked == []


# --- WAQI -------------------------------------------------------------------------------------------------------------


def waqi(name: str, taken: int = at(2023, 12, 1)) -> Parsed:
    return parse("waqi", (RECORDED / f"waqi/{name}.json").read_bytes(), taken=taken)


@pytest.mark.parametrize(
    ("name", "ending", "value"),
    [
        ("city_feed_utrecht", (2023, 8, 7, 23), 29),  # 17:00+02:00
        ("station_number_feed_10142", (2023, 10, 18, 14), 23),  # 17:00+11:00
        ("station_number_feed_372382", (2023, 8, 21, 3, 20), 155),  # 19:20:22Z
    ],
)
def test_waqi_gives_its_index_and_nothing_else(name: str, ending: tuple[int, ...], value: int) -> None:
    """The times come from `iso`; `v` of the first two is local time counted as UTC, 2 and 11 hours off.

    The third ends between two hours, as no hour does: it is a sample.
    """
    parsed = waqi(name)
    stream = STREAMS[Span.HOUR if len(ending) == 4 else Span.SAMPLE]
    assert parsed.rows == [(at(*ending), 1, ITEMS["waqi_aqi"].number, stream, value, 0)]
    assert (parsed.refused, parsed.unknown) == ([], {})


def test_waqi_without_an_index_has_no_reading() -> None:
    assert waqi("city_feed_failing_klundert") == Parsed([])  # "aqi": "-"


def test_waqi_errors_come_with_status_200() -> None:
    for name, said in (("city_feed_unknown", "Unknown station"), ("station_number_feed_123946", "Unknown ID")):
        with pytest.raises(SourceChanged, match=said):
            waqi(name)
    with pytest.raises(SourceUnavailable, match="does not accept the key") as caught:
        waqi("unauthenticated")
    assert "密钥" in caught.value.said("zh")
    with pytest.raises(SourceUnavailable, match="Over quota"):
        parse("waqi", {"status": "error", "data": "Over quota"}, taken=0)
    for body in ({"status": "nope", "data": "404"}, {"status": "ok", "data": []}, {"status": "ok"}, [], {"data": {}}):
        with pytest.raises(SourceChanged):
            parse("waqi", body, taken=0)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"aqi": "bad"}, "not a number"),
        ({"aqi": [1]}, "not a number"),
        ({"time": {"s": "2023-08-07 17:00:00", "v": 1691427600}}, "no time with a zone"),
        ({"time": None}, "no time with a zone"),
        ({"time": {"iso": "2031-08-07T17:00:00+02:00"}}, "later than the data were taken"),
    ],
    ids=range(5),
)
def test_waqi_refuses_with_a_reason(changed: dict[str, Any], reason: str) -> None:
    body = json.loads((RECORDED / "waqi/city_feed_utrecht.json").read_bytes())
    parsed = parse("waqi", {**body, "data": {**body["data"], **changed}}, taken=at(2023, 12, 1))
    assert parsed.rows == []
    assert reason in parsed.refused[0].reason


def test_waqi_fetch(server: Server) -> None:
    """A wrong station reaches the parser, which refuses it alone; a wrong key is a failure of the source."""
    server.answer = lambda question: (RECORDED / "waqi/city_feed_unknown.json").read_bytes()
    sites = {"a": "1451", "c": "geo:30.05;101.96"}
    payloads = fetch(server, "waqi", 0, [STATION, CITY], sites=sites)
    assert [question.path for question in server.asked] == ["/feed/@1451/", "/feed/geo:30.05;101.96/"]
    assert [payload.origin for payload in payloads] == [
        f"{server.url}/feed/@1451/#site=a",
        f"{server.url}/feed/geo:30.05;101.96/#site=c",
    ]
    server.answer = lambda question: (RECORDED / "waqi/unauthenticated.json").read_bytes()
    with pytest.raises(SourceUnavailable, match="does not accept the key"):
        fetch(server, "waqi", 0, [STATION, CITY], sites=sites)


# --- SensorThings -----------------------------------------------------------------------------------------------------

LATEST = (RECORDED / "sensorthings/GetLatestObservations.json").read_bytes()
OBSERVED = (RECORDED / "sensorthings/GetObservations.json").read_bytes()
ST_TAKEN = at(2020, 8, 19, 8)


def test_recorded_sensorthings_observations() -> None:
    """17.4 at 22:11:28, 17.4 at 22:06:28 and 17.6 at 22:01:27 UTC: samples, as no interval is given."""
    options = {"properties": {"saqn:ds:db248ac": "pm25"}, "units": {"pm25": "µg/m³"}}
    parsed = parse("sensorthings", OBSERVED, taken=ST_TAKEN, **options)
    assert reading(parsed.rows, "pm25") == [
        (at(2020, 8, 8, 6, 11), 17_400, 0),
        (at(2020, 8, 8, 6, 6), 17_400, 0),
        (at(2020, 8, 8, 6, 1), 17_600, 0),
    ]
    assert {row[3] for row in parsed.rows} == {STREAMS[Span.SAMPLE]}


def test_recorded_sensorthings_latest() -> None:
    """Fourteen datastreams of as many things, one without observations; the 750.28 is for quality control to judge."""
    streams = json.loads(LATEST)["value"]
    things = [stream["Thing"]["@iot.id"] for stream in streams]  # aliases of fourteen sites
    options = {"properties": {one["@iot.id"]: "pm25" for one in streams}, "units": {"pm25": "ug/m3"}}
    parsed = parse("sensorthings", LATEST, *things, origin="saved.json", taken=ST_TAKEN, **options)
    values = {(row[1], row[4]) for row in parsed.rows}
    assert len(parsed.rows) == len(values) == 13
    assert {(2, 1_300), (3, 25_900), (4, 750_280), (14, 15_360)} <= values
    assert (parsed.refused, parsed.unknown) == ([], {})


def test_sensorthings_sites_by_thing_or_datastream_when_nothing_was_asked() -> None:
    options = {"properties": {"saqn:ds:077a3ec": "pm25", "saqn:ds:0461ecf": "pm25"}, "units": {"pm25": "ug/m3"}}
    names = ("saqn:t:154390b", "saqn:ds:077a3ec")  # aliases of two sites
    parsed = parse("sensorthings", LATEST, *names, origin="saved.json", taken=ST_TAKEN, **options)
    assert [(row[1], row[4]) for row in parsed.rows] == [(1, 1_300), (2, 750_280)]


def datastream(*observations: dict[str, Any], **changed: Any) -> dict[str, Any]:
    stream = {
        "@iot.id": 7,
        "unitOfMeasurement": {"name": "microgram per cubic meter", "symbol": "μg/m³", "definition": "ug/m3"},
        "ObservedProperty": {"@iot.id": 3, "name": "PM2.5"},
        "Observations": list(observations),
    }
    return {"value": [{**stream, **changed}]}


def observed(when: Any, result: Any = 12.5, **more: Any) -> dict[str, Any]:
    return {"phenomenonTime": when, "resultTime": None, "result": result, "@iot.id": 5, **more}


@pytest.mark.parametrize(
    ("when", "ending", "span"),
    [
        ("2020-08-18T21:00:00Z/2020-08-18T22:00:00Z", (2020, 8, 19, 6), Span.HOUR),
        ("2020-08-19T05:00:00+08:00/2020-08-19T06:00:00+08:00", (2020, 8, 19, 6), Span.HOUR),
        ("2020-08-18T21:50:00Z/2020-08-18T22:00:00Z", (2020, 8, 19, 6), Span.SAMPLE),
        ("2020-08-18T22:00:00.000Z", (2020, 8, 19, 6), Span.SAMPLE),
    ],
)
def test_sensorthings_instants_and_intervals(when: str, ending: tuple[int, ...], span: Span) -> None:
    parsed = parse("sensorthings", datastream(observed(when)), taken=ST_TAKEN)
    assert parsed.rows == [(at(*ending), 1, ITEMS["pm25"].number, STREAMS[span], 12_500, 0)]


def test_sensorthings_instants_that_end_hours() -> None:
    body = datastream(observed("2020-08-18T22:00:00Z"), observed("2020-08-18T22:10:00Z"))
    parsed = parse("sensorthings", body, taken=ST_TAKEN, instant="hour")
    assert [row[3] for row in parsed.rows] == [STREAMS[Span.HOUR]]
    assert "is no whole hour" in parsed.refused[0].reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (datastream(observed("2020-08-18T22:00:00")), "no time with a zone"),
        (datastream(observed(None)), "no time with a zone"),
        (datastream(observed("2020-08-17T16:00:00Z/2020-08-18T16:00:00Z")), "is no whole hour"),
        (datastream(observed("2020-08-18T18:00:00Z/2020-08-18T22:00:00Z")), "is no whole hour"),
        (datastream(observed("2021-08-18T22:00:00Z")), "later"),
        (datastream(observed("2020-08-18T22:00:00Z", [1])), "not a number"),
        (datastream(observed("2020-08-18T22:00:00Z", False)), "not a number"),
        (datastream(observed("2020-08-18T22:00:00Z"), unitOfMeasurement=None), "no unit"),
        (datastream(observed("2020-08-18T22:00:00Z"), unitOfMeasurement={"symbol": "hPa"}), "cannot be turned"),
    ],
    ids=range(9),
)
def test_sensorthings_observations_that_are_refused(body: Any, reason: str) -> None:
    parsed = parse("sensorthings", body, taken=ST_TAKEN)
    assert parsed.rows == []
    assert reason in parsed.refused[0].reason


def test_sensorthings_without_result_property_or_site() -> None:
    good = observed("2020-08-18T22:00:00Z")
    assert parse("sensorthings", datastream(observed("2020-08-18T22:00:00Z", None)), taken=ST_TAKEN) == Parsed([])
    assert parse("sensorthings", datastream(), taken=ST_TAKEN) == Parsed([])
    odd = datastream(good, ObservedProperty={"name": "Wind"})
    assert parse("sensorthings", odd, taken=ST_TAKEN).unknown == {"property Wind": 1}
    assert parse("sensorthings", datastream(good), origin="x#site=b", taken=ST_TAKEN).unknown == {"b": 1}
    for body in ([], {"value": {}}, {"value": [1]}, {"value": [{"Observations": [1]}]}, {"message": "no"}):
        with pytest.raises(SourceChanged):
            parse("sensorthings", body, taken=ST_TAKEN)
    for options in ({"instant": "day"}, {"properties": {"x": "nothing"}}, {"units": "µg/m³"}, {"properties": ["a"]}):
        with pytest.raises(UsageError, match="options"):
            parse("sensorthings", datastream(good), taken=ST_TAKEN, **options)


def test_sensorthings_pages_are_followed_to_allowed_hosts_only(server: Server) -> None:
    page = {"value": [observed("2020-08-18T22:00:00Z", 3)], "@iot.nextLink": f"{server.url}/FROST/v1.1/more?$skip=2"}

    def answer(question: Question) -> bytes:
        if question.path.endswith("/Datastreams"):
            first = datastream(observed("2020-08-18T21:00:00Z", 1))
            first["value"][0] |= {"@iot.id": "ds", "Observations@iot.nextLink": "Observations?$skip=1"}
            ozone = {"@iot.id": "o3", "ObservedProperty": {"name": "臭氧"}}
            first["value"].append(
                {**first["value"][0], **ozone, "Observations@iot.nextLink": "http://169.254.169.254/"}
            )
            wind = {"@iot.id": "w", "ObservedProperty": {"name": "Wind"}}  # nobody wants it, so it is not read on
            first["value"].append({**first["value"][0], **wind})
            return json.dumps(first).encode()
        return json.dumps(page if question.path.endswith("Observations") else {"value": []}).encode()

    server.answer = answer
    things = {"a": "saqn:t:o'1"}
    payloads, error = fetched(server, "sensorthings", ST_TAKEN, [STATION], base="/FROST/v1.1", sites=things)
    assert error is not None
    assert "169.254.169.254" in str(error)
    thing = "/FROST/v1.1/Things(%27saqn%3At%3Ao%27%271%27)"
    assert [question.path for question in server.asked] == [
        f"{thing}/Datastreams",
        f"{thing}/Observations",
        "/FROST/v1.1/more",
    ]
    assert "phenomenonTime ge 2020-08-18T00:00:00Z" in server.asked[0].query["$expand"]
    second = SOURCES["sensorthings"].parse(payloads[1], context("sensorthings", "a"))
    assert [(row[0], row[4]) for row in second.rows] == [(at(2020, 8, 19, 6), 3000)]  # unit and item travel with it


def test_sensorthings_pages_end(server: Server) -> None:
    """A service whose next page is always there is asked a hundred times, not for ever, and that is told."""

    def answer(question: Question) -> bytes:
        return json.dumps({"value": [], "@iot.nextLink": server.url + "/next"}).encode()

    server.answer = answer
    payloads, error = fetched(server, "sensorthings", ST_TAKEN, [STATION], sites={"a": 2178})
    assert len(payloads) == len(server.asked) == 100
    assert "more than 100 pages" in str(error)
    assert server.asked[0].path == "/Things(2178)/Datastreams"
    server.asked.clear()
    server.answer = lambda question: b'{"value": [], "@iot.nextLink": "http://[x/"}'
    assert "no address: http://[x/" in str(fetched(server, "sensorthings", 0, [STATION], sites={"a": 1})[1])


def test_of_two_datastreams_of_an_item_one_is_read() -> None:
    """The one the config names by its number, else the first; the other is refused once, with its number."""
    first = datastream(observed("2020-08-18T22:00:00Z", 1), **{"@iot.id": "one"})
    second = datastream(observed("2020-08-18T22:00:00Z", 2), observed("2020-08-18T22:05:00Z", 3), **{"@iot.id": "two"})
    both = {"value": first["value"] + second["value"]}
    parsed = parse("sensorthings", both, taken=ST_TAKEN)
    assert [row[4] for row in parsed.rows] == [1000]
    assert [(one.line, one.text) for one in parsed.refused] == [(2, "two")]
    assert "(2 values)" in parsed.refused[0].reason
    named = parse("sensorthings", both, taken=ST_TAKEN, properties={"two": "pm25"})
    assert [row[4] for row in named.rows] == [2000, 3000]


# --- the air platform -------------------------------------------------------------------------------------------------

AIR_TAKEN = at(2026, 10, 9, 19)
HOUR = {
    "TimePoint": "2026-10-09T18:00:00",
    "Area": "太原市",
    "CityCode": 140100,
    "ProvinceId": 0,
    "StationCode": "1081A",
    "PositionName": "尖草坪",
    "SO2": "5",
    "NO2": "12",
    "CO": "0.4",
    "O3": "80",
    "PM10": "40",
    "PM2_5": "9",
    "AQI": "40",
    "PrimaryPollutant": "—",
    "Quality": "优",
    "IsPublish": True,
}


def air(rows: Any, *names: str, origin: str = "air") -> Parsed:
    return parse("cnemc_air", rows, *(names or ("1081A",)), origin=origin, taken=AIR_TAKEN)


@pytest.mark.parametrize("mark", ["NA", "/", "—", "", None, "-", "&mdash;", "-;", " "], ids=range(9))
def test_air_marks_of_no_value(mark: str | None) -> None:
    parsed = air([{**HOUR, "PM10": mark}])
    assert parsed.refused == []
    assert {row[2] for row in parsed.rows} == {ITEMS[name].number for name in ("so2", "no2", "co", "o3", "pm25")} | {7}


def test_air_numbers_are_texts_and_unpublished_rows_are_valid() -> None:
    for published in (True, False, None):
        parsed = air([{**HOUR, "IsPublish": published}])
        assert reading(parsed.rows, "co") == [(at(2026, 10, 9, 18), 400, 0)]
    assert reading(air([{**HOUR, "CO": 0.4}]).rows, "co") == [(at(2026, 10, 9, 18), 400, 0)]


def test_air_times_in_milliseconds_and_without_zone_are_of_beijing() -> None:
    """1787932800 s = 2026-08-28 16:00 UTC."""
    for point in ("/Date(1787932800000)/", "/Date(1787932800000+0800)/", "2026-08-29T00:00:00"):
        assert {row[0] for row in air([{**HOUR, "TimePoint": point}]).rows} == {at(2026, 8, 29)}
    for odd in ("29日", "2026-08-28T23:30:00"):  # an hour ends on the hour
        assert "no time" in air([{**HOUR, "TimePoint": odd}]).refused[0].reason


def test_air_live_rows_whose_city_code_is_0() -> None:
    """A site that happens to have the code 0 is not every city."""
    row = {key: value for key, value in HOUR.items() if key not in ("StationCode", "PositionName")} | {"CityCode": 0}
    assert {one[1] for one in air([row], "0", "太原市").rows} == {2}
    assert air([row], "0").unknown == {"太原市": 1}
    assert {one[1] for one in air(row, "太原市").rows} == {1}  # one object instead of a list


def test_air_index_of_all_cities_is_of_the_day() -> None:
    row = {"TimePoint": "/Date(1787932800000)/", "CityCode": 140100, "CityName": "太原市", "AQI": "96"}
    parsed = air([row], "140100", origin="https://x/CityData/GetAllCityDayAQIModels")
    assert [(one[0], one[2], one[3], one[4]) for one in parsed.rows] == [(at(2026, 8, 30), 7, STREAMS[Span.DAY], 96)]
    with pytest.raises(SourceChanged, match="not known"):
        air([row], "140100")  # of an hour or a day: nothing tells


@pytest.mark.parametrize("body", [b"<html><body>404</body></html>", b"<!DOCTYPE html>", b"<GetAQI", b"", b"null"])
def test_air_pages_instead_of_answers(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        air(body)


def test_air_routes(server: Server) -> None:
    now = at(2026, 10, 9, 18, 31)
    station = Site("a", "尖草坪", Kind.STATION, "x", code="1081A")
    city = Site("c", "太原市", Kind.CITY, "x", code="140100")
    fetch(server, "cnemc_air", now, [station, city], 180, routes=list(cnemc_air.ROUTES))
    pages, code = "/HourChangesPublish/", {"citycode": "140100"}
    hour = pages + "GetAQIHistoryByConditionHis"
    assert server.asked == [
        Question("POST", pages + "GetCityRealTimeAqiHistoryByCondition", code, code),
        Question("POST", pages + "GetCityDayAqiHistoryByCondition", code, code),
        Question("POST", pages + "GetAqiHistoryByCondition", {"stationCode": "1081A"}, {"stationCode": "1081A"}),
        Question("POST", "/CityData/GetAQIDataPublishLiveInfo", {"cityCode": "140100"}, {"cityCode": "140100"}),
        Question("GET", "/CityData/GetAQIDataPublishLive", {"cityName": "太原市"}, {}),
        Question("POST", "/HourChangesPublish/GetAllAQIPublishLive", {}, {}),
        Question("POST", hour, {}, {"date": "2026-10-09 18:00:00"}),
        Question("POST", hour, {}, {"date": "2026-10-09 17:00:00"}),
        Question("POST", hour, {}, {"date": "2026-10-09 16:00:00"}),
        Question("GET", "/CityData/GetAllCityDayAQIModels", {}, {}),
    ]  # fmt: skip


def test_air_hours_are_asked_for_a_day_at_most(server: Server) -> None:
    fetch(server, "cnemc_air", at(2026, 10, 9, 18, 31), [], 30 * 1440, routes="all_stations_hours")
    dates = [question.form["date"] for question in server.asked]
    assert (len(dates), dates[0], dates[-1]) == (24, "2026-10-09 18:00:00", "2026-10-08 19:00:00")


def test_a_station_that_was_closed_is_not_asked_for_any_more(server: Server) -> None:
    """Closed on 8 October: its last hour ends at 00:00 of the 9th, so a look-back of a day from then still asks."""
    day = periods.day_of(at(2026, 10, 8, 12))
    here = Site("a", "甲", Kind.STATION, "x", code="1001A")
    gone, coming = replace(here, code="1002A", closed=day), replace(here, code="1003A", opened=day + 3)
    spec = SourceSpec("air", "cnemc_air", server.url, 60, 0, 1440, Basis.REALTIME)
    for now, codes in ((at(2026, 10, 9, 18), ["1001A", "1002A"]), (at(2026, 10, 10, 18), ["1001A"])):
        server.asked.clear()
        with http.Session() as session:
            list(pull.fetched(session, spec, now, [here, gone, coming]))
        assert [question.query["stationCode"] for question in server.asked] == codes


def test_air_usual_and_unknown_routes(server: Server) -> None:
    city = Site("c", "太原市", Kind.CITY, "x", code="140100")
    fetch(server, "cnemc_air", 0, [city], days=False)
    assert [question.path for question in server.asked] == ["/HourChangesPublish/GetCityRealTimeAqiHistoryByCondition"]
    server.asked.clear()
    fetch(server, "cnemc_air", 0, [], routes="city_stations_now", cities="成都市")
    assert [question.query for question in server.asked] == [{"cityName": "成都市"}]
    for odd in (5, [["city_now"]], {"city_now": 1}):
        with pytest.raises(UsageError, match="is not known"):
            fetch(server, "cnemc_air", 0, [city], routes=odd)
    with pytest.raises(UsageError, match=r"all_station in options\.routes is not known; there are: city_hours"):
        fetch(server, "cnemc_air", 0, [city], routes=["all_station"])
    with pytest.raises(UsageError, match="nothing to ask"):
        fetch(server, "cnemc_air", 0, [], routes=["city_now"])


def test_air_a_row_of_another_form_stops_only_itself() -> None:
    parsed = air([{"Area": "太原市", "IAQI": "5"}, HOUR])
    assert len(parsed.rows) == 7
    assert [(one.line, one.reason) for one in parsed.refused] == [(1, "rows with the keys Area, IAQI are not known")]


def test_air_posts_that_fail_do_not_stop_the_others(server: Server) -> None:
    server.answer = lambda question: (500, b"<html>") if "Day" in question.path else b"[]"
    city = Site("c", "太原市", Kind.CITY, "x", code="140100")
    with pytest.raises(SourceUnavailable, match="500"):
        fetch(server, "cnemc_air", 0, [city])
    assert len(server.asked) == 2


XML = RECORDED / "cnemc_air/GetAQIDataPublishLives_20160114T00.xml.gz"


def test_air_xml_of_the_older_interface() -> None:
    """1,497 stations of 2016-01-14 00:00. 2569A and 2570A are those of 甘孜州; of the first O3, of the second PM10 is a
    dash. Marks over all, counted with grep: PM10 161, PM2.5 46, NO2 44, SO2 43, CO 43, O3 39, AQI 37."""
    payload = read_file(XML, "cnemc_air", AIR_TAKEN)
    codes = [place.code for place in cnemc_air.stations(payload)]
    assert len(codes) == 1497
    parsed = SOURCES["cnemc_air"].parse(payload, context("cnemc_air", *codes))
    assert (parsed.refused, parsed.unknown) == ([], {})
    assert len(parsed.rows) == 7 * 1497 - (161 + 46 + 44 + 43 + 43 + 39 + 37)
    assert {row[0] for row in parsed.rows} == {at(2016, 1, 14)}
    values = {(codes[row[1] - 1], row[2]): row[4] for row in parsed.rows}
    co, o3, pm10 = (ITEMS[name].number for name in ("co", "o3", "pm10"))
    assert (values["2569A", co], values["2569A", pm10], values["2570A", o3]) == (1581, 39_000, 25_000)
    assert ("2569A", o3) not in values
    assert ("2570A", pm10) not in values


BOMB = b'<?xml version="1.0"?><GetAQIDataPublishLivesResponse><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'


@pytest.mark.parametrize(
    "body", [BOMB, b"<GetAQIDataPublishLives>", b"<GetAQIDataPublishLives>&auml;</GetAQIDataPublishLives>"]
)
def test_air_xml_that_is_damaged_or_worse(body: bytes) -> None:
    with pytest.raises(SourceChanged, match="not the XML"):
        air(body)


def test_air_places() -> None:
    station = cnemc_air.stations(read_file(XML, "cnemc_air", 0))[0]
    assert station == Place(Kind.STATION, "1001A", "万寿西宫", "北京市", "116.366", "39.8673")
    assert cnemc_air.stations(Payload("x", b"[]", 0)) == []
    with pytest.raises(EnvmonError):
        cnemc_air.stations(Payload("x", b"<html>", 0))


# --- through the program ----------------------------------------------------------------------------------------------

TABLES = """
[[sources]]
id = "waqi"
kind = "waqi"
url = "URL/"
every = "1h"
query_env = { token = "ENVMON_TEST_WAQI" }
options = { sites = { "chengdu-air" = "1451", "ganzi-air" = "0" } }

[[sources]]
id = "openaq"
kind = "openaq"
url = "URL/"
every = "1h"
headers_env = { "X-API-Key" = "ENVMON_TEST_OPENAQ" }
options = { ppm = true, sites = { "chengdu-air" = 2178 } }
"""


def test_a_pull_keeps_what_came_counts_no_foreign_index_and_shows_no_key(
    make_bureau: Any, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVMON_TEST_WAQI", "waqi-s3cret")
    monkeypatch.setenv("ENVMON_TEST_OPENAQ", "openaq-s3cret")
    answers = {
        "/feed/@1451/": (RECORDED / "waqi/city_feed_utrecht.json").read_bytes(),
        "/feed/@0/": (RECORDED / "waqi/station_number_feed_123946.json").read_bytes(),
        "/v3/locations/2178/sensors": (RECORDED / "openaq/sensors.json").read_bytes(),
    }
    server.answer = lambda question: answers.get(question.path, json.dumps(MEASURED).encode())
    bureau = make_bureau(tmp_path / "bureau")
    bureau.path.write_text(bureau.path.read_text("utf-8") + TABLES.replace("URL", server.url), "utf-8")
    bureau.at("2023-10-17T00:30")
    config = bureau.config
    with bureau.open(config) as store:
        with pytest.raises(SourceChanged, match="Unknown ID"):
            bureau.pull(store, config, "waqi")
        assert {question.query["token"] for question in server.asked} == {"waqi-s3cret"}
        server.asked.clear()
        bureau.pull(store, config, "openaq")
        assert {question.key for question in server.asked} == {"openaq-s3cret"}
        bureau.judge(store, config)
        number = store.site_numbers["chengdu-air"]
        rows = store.db.execute(
            "SELECT ending, site, parameter, value FROM reading ORDER BY parameter, ending"
        ).fetchall()
        assert rows == [
            (at(2023, 10, 16, 21), number, 6, 6000),
            (at(2023, 10, 16, 22), number, 6, 7500),
            (at(2023, 8, 7, 23), number, ITEMS["waqi_aqi"].number, 29),
        ]
        days = store.air_days(number, periods.parse("2023-08-01").first, periods.parse("2023-10-16").last)
        assert {day.aqi for day in days} == {NO_VALUE}  # neither two hours nor a foreign index make a day
        assert "s3cret" not in "\n".join(store.db.iterdump())
    assert not [path for path in bureau.folder.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


EXAMPLES = re.findall(r"```toml\n(\[\[sources\]\]\n.*?)```", (ROOT / "docs/sources.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("kind", ["cnemc_air", "openaq", "sensorthings", "waqi"])
def test_the_examples_of_the_page_are_good_config(kind: str, make_bureau: Any, tmp_path: Path, server: Server) -> None:
    """Each is read with the bureau's config, and asks what it says."""
    (example,) = [one for one in EXAMPLES if f'kind = "{kind}"' in one and "options" in one]
    bureau = make_bureau(tmp_path / "bureau")
    text = re.sub(r'id = "[^"]*"', 'id = "example"', example, count=1)
    bureau.path.write_text(bureau.path.read_text("utf-8") + "\n" + text, "utf-8")
    (source,) = [one for one in bureau.config.sources if one.id == "example"]
    assert source.kind == kind
    server.answer = lambda question: b'{"results": [], "value": []}' if kind != "cnemc_air" else b"[]"
    with http.Session(http.Access(), retries=0) as session:
        found = SOURCES[kind].fetch(session, replace(source, url=server.url + "/"), AIR_TAKEN, bureau.config.sites)
        assert list(found)
