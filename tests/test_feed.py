"""The replay server: the bundled year, pulled through the real sources over loopback HTTP as recorded time goes by."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from envmon import http, periods
from envmon.errors import SourceUnavailable
from envmon.feed import Feed
from envmon.model import POLLUTANTS, Basis, Kind, Medium, Parameter, Row, Site, SourceSpec, Span
from envmon.sources import SOURCES, Context

SAMPLE = Path(__file__).parent.parent / "data/sample"
WATER = ["water_temp", "ph", "do", "conductivity", "turbidity", "codmn", "nh3n", "tp", "tn"]
WATER += ["algae_density", "published_class"]
PARAMETERS = {
    name: Parameter(at, name, Medium.AIR if at < 8 else Medium.WATER, name, name, "", 3)
    for at, name in enumerate([*POLLUTANTS, "published_aqi", *WATER], 1)
}
UNITS = {"algae_density": "cells/L", "conductivity": "μS/cm", "turbidity": "NTU", "water_temp": "℃", "ph": ""}
PARAMETERS |= {
    name: Parameter(PARAMETERS[name].number, name, Medium.WATER, name, name, UNITS.get(name, "mg/L"), 3)
    for name in WATER[:-1]
}
PARAMETERS["chla"] = Parameter(99, "chla", Medium.WATER, "叶绿素a", "", "mg/m3", 3)
SITES = [Site("ganzi-air", "甘孜州", Kind.CITY, "ganzi", code="513300", aliases=("甘孜藏族自治州",))]


def at(*moment: int) -> int:
    return periods.minute(datetime(*moment))  # type: ignore[arg-type]


class Clock:
    """Recorded time, set by the test."""

    def __init__(self) -> None:
        self.now = at(2022, 6, 1, 9, 20)

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def feed(clock: Clock) -> Iterator[Feed]:
    with Feed(SAMPLE, clock=clock) as feed:
        yield feed


@pytest.fixture
def session() -> Iterator[http.Session]:
    with http.Session(sleep=lambda seconds: None) as session:
        yield session


def stream(span: Span, basis: Basis | None = None) -> int:
    return int(span)


def pull(
    feed: Feed, clock: Clock, session: http.Session, kind: str, path: str, lookback: int = 1440, *names: str
) -> list[Row]:
    spec = SourceSpec("s", kind, feed.url + path, 60, 0, lookback, Basis.REALTIME, {})
    known = dict.fromkeys((SITES[0].name, SITES[0].code, *SITES[0].aliases), 1)
    context = Context(known | {name: number for number, name in enumerate(names, 2)}, PARAMETERS, stream, spec)
    rows: list[Row] = []
    for payload in SOURCES[kind].fetch(session, spec, clock(), SITES):
        parsed = SOURCES[kind].parse(payload, context)
        assert parsed.refused == []
        rows += parsed.rows
    return rows


def test_day_files_hold_the_hours_up_to_now(feed: Feed, clock: Clock, session: http.Session) -> None:
    clock.now = at(2022, 6, 1, 9, 20)
    rows = pull(feed, clock, session, "archive", "/archive/")
    endings = {row[0] for row in rows}
    assert (min(endings), max(endings)) == (at(2022, 5, 31, 0), at(2022, 6, 1, 9))
    clock.now = at(2022, 6, 1, 10, 0)
    assert max(row[0] for row in pull(feed, clock, session, "archive", "/archive/")) == at(2022, 6, 1, 10)


def test_a_day_not_begun_is_not_there(feed: Feed, clock: Clock, session: http.Session) -> None:
    clock.now = at(2022, 6, 1, 23, 59)
    with pytest.raises(http.NotFound):
        session.get(feed.url + "/archive/china_cities_20220602.csv")
    clock.now = at(2022, 6, 2, 0, 0)
    body = session.get(feed.url + "/archive/china_cities_20220602.csv")
    assert body.startswith("date,hour,type,成都,甘孜州,甘孜藏族自治州\n20220602,0,AQI,".encode())
    assert body.endswith(b"\n")


def test_the_air_platform_gives_the_same_hours_as_the_archive(feed: Feed, clock: Clock, session: http.Session) -> None:
    clock.now = at(2022, 6, 3, 12, 30)
    archive = set(pull(feed, clock, session, "archive", "/archive", 2 * 1440))
    platform = pull(feed, clock, session, "cnemc_air", "/air")
    hours = {row for row in platform if row[3] == Span.HOUR}
    assert hours < archive
    assert {row[0] for row in hours} == {at(2022, 6, 3, 12) - 60 * back for back in range(24)}
    days = {row[0] for row in platform if row[3] == Span.DAY}
    assert (min(days), max(days)) == (at(2022, 5, 21, 0), at(2022, 6, 3, 0))


def test_the_air_platform_answers_only_what_it_knows(feed: Feed, session: http.Session) -> None:
    page = feed.url + "/air/HourChangesPublish/GetCityRealTimeAqiHistoryByCondition"
    assert session.post(page, {"citycode": "999999"}, {}) == b"[]"
    for call in (lambda: session.get(page), lambda: session.post(feed.url + "/air/HourChangesPublish/Nothing")):
        with pytest.raises(SourceUnavailable):
            call()


def test_sections_show_their_latest_reading_however_old(feed: Feed, clock: Clock, session: http.Session) -> None:
    """No snapshot was saved from 28 July to October 2022: the last readings stand still, with their old times."""
    clock.now = at(2022, 9, 15, 9)
    rows = pull(feed, clock, session, "cnemc_water", "/water/", 1440, "201医院", "岗托桥", "清平镇大庙村（摇金）")
    latest = {row[1]: row[0] for row in rows}
    assert latest == {2: at(2022, 7, 28, 4), 3: at(2022, 7, 28, 4), 4: at(2022, 5, 22, 16)}
    page = feed.url + "/water/Ajax/Publish.ashx"
    shown = json.loads(session.post(page, form={"action": "getRealDatas"}))
    assert (shown["result"], shown["total"], len(shown["tbody"]), len(shown["thead"])) == (1, 1, 10, 17)
    assert shown["tbody"][0][4] in "1234567"
    assert "原始值：" in shown["tbody"][0][6]


def test_sections_before_the_first_reading(feed: Feed, clock: Clock, session: http.Session) -> None:
    clock.now = at(2021, 6, 1, 0)
    with pytest.raises(SourceUnavailable, match="without a single section"):
        pull(feed, clock, session, "cnemc_water", "/water/")


def test_sheets_appear_the_day_after_sampling(feed: Feed, clock: Clock, session: http.Session) -> None:
    sheet = feed.url + "/lab/lab_2022-05.csv"
    clock.now = at(2022, 5, 1, 8)
    with pytest.raises(http.NotFound):
        session.get(sheet)
    seen = []
    for day in range(2, 20):
        clock.now = at(2022, 5, day, 8)
        try:
            lines = session.get(sheet).decode().splitlines()[1:]
        except http.NotFound:
            continue
        assert all(line.split(",")[2] < f"2022-05-{day:02d}" for line in lines)
        seen.append(len(lines))
    assert seen == sorted(seen)
    assert seen[-1] == 5


@pytest.mark.parametrize(
    "path", ["/archive/../../pyproject.toml", "/lab/../README.md", "/archive/cities.csv", "/nothing", "/lab/lab_x.csv"]
)
def test_nothing_else_is_served(feed: Feed, session: http.Session, path: str) -> None:
    host, port = feed.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:  # a client would tidy the dots away
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 404")


def test_the_feed_stops_by_itself(tmp_path: Path) -> None:
    with Feed(tmp_path, clock=lambda: 0) as feed, http.Session(sleep=lambda seconds: None) as session:
        assert session.get(feed.url + "/")
        with pytest.raises(http.NotFound):
            session.get(feed.url + "/archive/china_cities_20220101.csv")
        url = feed.url
    with http.Session(deadline=1, sleep=lambda seconds: None) as session, pytest.raises(SourceUnavailable):
        session.get(url + "/")
