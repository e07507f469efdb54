"""Every parser of a pulled service under damaged and arbitrary answers: a result or a typed error, never anything else,
and every row it gives is one the store can take.

Recorded answers are damaged byte by byte (cut, changed, doubled, spliced) and key by key (values exchanged for odd
ones), both from fixed seeds, so that every run sees the same cases; hypothesis adds arbitrary JSON. Cases in all:
CASES below, more than 20,000.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envmon.errors import EnvmonError
from envmon.model import Payload
from envmon.sources import SOURCES, Parsed, cnemc_air
from tests.test_services import CITY, ITEMS, RECORDED, STATION, at, context, spec

TAKEN = at(2026, 10, 9, 19)
BYTES, KEYS, ARBITRARY = 2_000, 2_000, 60
XML = gzip.decompress((RECORDED / "cnemc_air/GetAQIDataPublishLives_20160114T00.xml.gz").read_bytes())
ROWS = XML.index(b"   <b:AQIDataPublishLive>", 5000)
SMALL_XML = XML[:ROWS] + XML[XML.rindex(b"  </a:RootResults>") :]
DAYS = Path(__file__).parent / "published/air/GetCityDayAqiHistoryByCondition_140100.json"
WATER = json.dumps(
    {
        "result": 1,
        "total": 1,
        "thead": [
            "省份",
            "断面名称",
            "监测时间",
            "水质类别",
            "pH",
            "总磷<br/>(mg/L)",
            "叶绿素α<br/>(mg/L)",
            "站点情况",
        ],
        "tbody": [
            ["四川省", "<span title='所在地市：甘孜州'>a</span>", "03-01 08:00", "2", "7.1", "0.02", "*", "正常"],
            ["四川省", "a", "12-31 20:00", "7", "--", "<span title='原始值：0.0249'>0.025</span>", "", "维护"],
        ],
    },
    ensure_ascii=False,
).encode()

LATEST = json.loads((RECORDED / "sensorthings/GetLatestObservations.json").read_bytes())["value"]

OPTIONS: dict[str, dict[str, Any]] = {
    "archive": {"swapped": {"from": "2022-06-14", "types": ["PM2.5", "PM10"]}},
    "openaq": {"ppm": True},
    "sensorthings": {
        "properties": {"saqn:ds:0461ecf": "pm25", "saqn:ds:db248ac": "o3", "saqn:ds:077a3ec": "pm10"},
        "units": {"pm25": "ug/m3", "o3": "ppb", "pm10": "µg/m³"},
    },
}
SEEDS: dict[str, list[bytes]] = {
    "archive": [
        b"date,hour,type,a,513300\n" + b"".join(b"20220613,%d,PM2.5,%d,\n" % (hour, hour) for hour in range(24))
    ],
    "cnemc_air": [DAYS.read_bytes()[:3000].rpartition(b"}")[0] + b"}]", SMALL_XML],
    "cnemc_water": [WATER],
    "openaq": [(RECORDED / f"openaq/{name}.json").read_bytes() for name in ("measurements", "sensors")],
    "sensorthings": [
        (RECORDED / "sensorthings/GetObservations.json").read_bytes(),
        json.dumps({"value": LATEST[1:4]}).encode(),
    ],
    "waqi": [
        (RECORDED / f"waqi/{name}.json").read_bytes() for name in ("station_number_feed_372382", "city_feed_unknown")
    ],
}
ANSWERS = sorted(SEEDS.keys() - {"archive"})
CASES = len(SEEDS) * BYTES + len(ANSWERS) * (KEYS + ARBITRARY)

ODD: list[Any] = [
    None, True, False, 0, -1, 0.5, "", " ", "—", "NaN", "1e999", "-9" * 40, "9" * 5000, "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59", "2020-08-18T22:00:00Z/..", "/Date(99999999999999999)/", "\u0000", "１２", [], {}, [[]],
    [{}], {"utc": []}, {"v": {"v": 1}}, ["a"], 10**400, "ppm", "µg/m³", "so2", "2026-10-09T18:00:00", "<", "]]>",
]  # fmt: skip
SPLICED = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"{",
    b"[",
    b'"',
    b"<",
    b"&",
    b"&x;",
    b"1",
    b"-",
    b"e9",
    b"null",
    b"\xe4\xb8",
    b"//",
]


def checked(kind: str, body: bytes) -> Parsed | None:
    """What a parser makes of a body; None after a typed error. Anything else fails the test."""
    asked = context(kind, "a", "140100", "1001A", "513300", **OPTIONS.get(kind, {}))
    try:
        parsed = SOURCES[kind].parse(Payload("http://x/y?citycode=140100#site=a", body, TAKEN), asked)
    except EnvmonError as error:
        error.said("zh")
        return None
    numbers = {one.number for one in ITEMS.values()}
    for ending, site, item, stream, value, mark in parsed.rows:
        assert type(ending) is type(value) is type(mark) is int
        assert abs(value) < 2**53
        assert site in (1, 2, 3, 4)
        assert item in numbers
        assert stream >= 100
        assert ending <= TAKEN + 1440
    assert all(one.reason and len(one.text) <= 200 for one in parsed.refused)
    return parsed


def damaged(seed: bytes, chance: random.Random) -> bytes:
    """A body with one to four changes: cut off, a byte changed, a piece left out, doubled or put elsewhere."""
    body = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        first, last = sorted(chance.randrange(len(body) + 1) for _ in range(2))
        last = min(last, first + chance.choice((1, 3, 20, 400)))
        match chance.randrange(6):
            case 0:
                del body[last:]
            case 1:
                body[first:last] = chance.choice(SPLICED)
            case 2:
                body[first:first] = body[first:last]
            case 3:
                del body[first:last]
            case 4 if body:
                body[first % len(body)] ^= 1 << chance.randrange(8)
            case _:
                body[first:first] = chance.choice(SPLICED)
    return bytes(body)


def places(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(found, dict | list):
        for key, value in found.items() if isinstance(found, dict) else enumerate(found):
            yield from places(value, (*path, key))


def exchanged(found: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """The same JSON value with another one at a place."""
    if not path:
        return odd
    copy = dict(found) if isinstance(found, dict) else list(found)
    copy[path[0]] = exchanged(found[path[0]], path[1:], odd)
    return copy


def seeds(kind: str, read: Callable[[bytes], Any]) -> list[Any]:
    found = []
    for body in SEEDS[kind]:
        try:
            found.append(read(body))
        except ValueError:
            continue
    return found


def test_there_are_enough_cases() -> None:
    assert CASES > 20_000


@pytest.mark.parametrize("kind", sorted(SEEDS))
def test_the_seeds_are_read(kind: str) -> None:
    found = [checked(kind, body) for body in SEEDS[kind]]
    assert any(parsed and parsed.rows for parsed in found) or kind == "waqi"


@pytest.mark.parametrize("kind", sorted(SEEDS))
def test_damaged_bytes(kind: str) -> None:
    chance, read = random.Random(f"bytes {kind}"), 0
    for case in range(BYTES):
        read += checked(kind, damaged(SEEDS[kind][case % len(SEEDS[kind])], chance)) is not None
    assert read < BYTES  # the changes do reach the parser


@pytest.mark.parametrize("kind", ANSWERS)
def test_odd_values_in_any_place(kind: str) -> None:
    chance, read = random.Random(f"keys {kind}"), 0
    whole = [(found, list(places(found))) for found in seeds(kind, json.loads)]
    for case in range(KEYS):
        found, where = whole[case % len(whole)]
        for _ in range(chance.randint(1, 3)):
            path = chance.choice(where)
            try:
                found = exchanged(found, path, chance.choice(ODD))
            except (KeyError, IndexError, TypeError, ValueError):
                continue  # an earlier change took the place away
        read += checked(kind, json.dumps(found).encode()) is not None
    assert read > KEYS // 10  # most odd values leave an answer that can still be read


WORDS = [
    "value", "results", "Observations", "phenomenonTime", "result", "period", "parameter", "status", "data", "aqi",
    "time", "iso", "thead", "tbody", "TimePoint", "PM2_5", "PM2_5_24h", "CityCode", "@iot.id",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.sampled_from(["", "ok", "a", "2026-10-09T18:00:00Z", "1.5"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", ANSWERS)
def test_arbitrary_json(kind: str) -> None:
    @settings(max_examples=ARBITRARY, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(JSON)
    def run(found: Any) -> None:
        checked(kind, json.dumps(found).encode())

    run()


class Damaged:
    """Stands where the session stands: whatever is asked, a damaged answer comes; some lead to further pages."""

    def __init__(self, kind: str, chance: random.Random) -> None:
        self.kind, self.chance, self.asked = kind, chance, 0

    def get(self, url: str, params: object = None, conditional: bool = False) -> bytes:
        self.asked += 1
        body = self.chance.choice(SEEDS[self.kind])
        if self.chance.random() < 0.5:
            found = json.loads(body)
            if isinstance(found, dict):
                link = self.chance.choice(["more?$skip=1", "http://[", "//x", 7, None, "\x00"])
                found["@iot.nextLink"] = link
                for stream in found.get("value", []):
                    stream["Observations@iot.nextLink"] = link
            return json.dumps(found).encode()
        return damaged(body, self.chance)

    def post(self, url: str, params: object = None, form: object = None) -> bytes:
        return self.get(url)


@pytest.mark.parametrize("kind", ["openaq", "sensorthings", "waqi"])
def test_asking_on_from_damaged_answers(kind: str) -> None:
    """What answers say decides what is asked next: it always ends, with payloads and typed errors."""
    chance = random.Random(f"fetch {kind}")
    for _ in range(150):
        session = Damaged(kind, chance)
        source = spec(kind, sites={"a": "1", "c": "x'y"}, **OPTIONS.get(kind, {}))
        try:
            for payload in SOURCES[kind].fetch(session, source, TAKEN, [STATION, CITY]):  # type: ignore[arg-type]
                assert "#site=" in payload.origin
        except EnvmonError:
            pass
        assert session.asked < 1000


def test_the_reader_of_stations() -> None:
    chance = random.Random("places")
    bodies = [(RECORDED / "cnemc_air/GetProvince_GetCitiesByPid_excerpt.json").read_bytes(), SMALL_XML]
    bodies.append((RECORDED / "openaq/locations.json").read_bytes())
    for case in range(1200):
        try:
            cnemc_air.stations(Payload("x", damaged(bodies[case % 3], chance), 0))
        except EnvmonError:
            continue
