"""Simulated stations against a scripted platform on loopback: answers, repeats, requests, broken connections."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from envmon import periods, standards
from envmon.feed import recorded
from envmon.feed.recorded import Record, records, rows_in, segments_of
from envmon.feed.stations import Logger, Stations
from envmon.hj212 import segments
from envmon.hj212.data import data_of
from envmon.hj212.frames import Frame, Splitter, encode
from envmon.hj212.segments import Segment, read, write
from envmon.model import Basis, Device, Kind, Mark, Medium, Row, Site, Span
from envmon.sources import Context
from envmon.sources.hj212 import rows_of

SAMPLE = Path(__file__).parent.parent / "data/sample"
PARAMETERS = standards.parameters()
AIR = Device("A1", "ganzi-air", units={"*": "mg/m3"})
RIVER = Device("A110000_0001", "river", hours=4)
NOW = datetime(2026, 3, 1, 12, 30)
SITES = [
    Site("ganzi-air", "甘孜州", Kind.CITY, "ganzi", code="513300", aliases=("甘孜藏族自治州",)),
    Site("river", "岗托桥", Kind.SECTION, "ganzi"),
]


def at(hour: int) -> int:
    return periods.minute(datetime(2026, 3, 1, hour))


def item(name: str) -> int:
    return PARAMETERS[name].number


def hours(*which: int) -> list[Record]:
    rows: list[Row] = [(at(hour), 0, item("pm25"), 60, 35_000 + hour, 0) for hour in which]
    return records(rows, AIR, PARAMETERS, moments=False)


def logger(*which: int) -> Logger:
    return Logger(recorded.introduced(AIR, "654321", Medium.AIR), hours(*which))


class Platform:
    """Answers as it is told: `answers` gives what is sent back to a segment, nothing to stay silent."""

    def __init__(self, answers: Callable[[Segment, int], list[Segment]], opening: list[Segment] | None = None) -> None:
        self.answers, self.opening = answers, opening or []
        self.heard: list[Segment] = []
        self.close_after = 0

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        splitter = Splitter()
        for one in self.opening:
            writer.write(encode(write(one)))
        while data := await reader.read(4096):
            for one in splitter.feed(data):
                assert isinstance(one, Frame)
                self.heard.append(read(one.segment))
                for said in self.answers(self.heard[-1], len(self.heard)):
                    writer.write(encode(write(said)))
                if len(self.heard) == self.close_after:
                    writer.close()
                    return
        writer.close()

    async def meet(self, loggers: list[Logger], until: Callable[[], bool], **settings: float) -> Counter[str]:
        """Run stations against this platform until a condition holds, at most ten seconds."""
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = {"tick": 0.01, "beat": 0, **settings}
        stations = Stations("127.0.0.1", port, loggers, lambda: NOW, **settings)  # type: ignore[arg-type]
        ends = asyncio.get_running_loop().time() + 10
        async with server:
            await stations.run(lambda: until() or asyncio.get_running_loop().time() > ends)
        return stations.counts


def meet(run: Awaitable[Counter[str]]) -> Counter[str]:
    async def all_of_it() -> Counter[str]:
        return await run

    return asyncio.run(all_of_it())


def acknowledge(said: Segment, count: int) -> list[Segment]:
    return [segments.answer(said)] if said.answer_wanted else []


def test_what_is_due_is_sent_in_order_each_after_the_answer_to_the_one_before() -> None:
    """Hours 9, 10 and 12 are over at 12:30, the one that ends at 13:00 is not."""
    platform, own = Platform(acknowledge), logger(9, 10, 12, 13)
    counts = meet(platform.meet([own], lambda: own.next == 3))
    assert [data_of(one).at for one in platform.heard] == [datetime(2026, 3, 1, hour) for hour in (8, 9, 11)]
    assert [one.value("a34004-Avg") for one in platform.heard] == ["0.035009", "0.03501", "0.035012"]
    assert (counts["sent"], counts["answered"], counts["repeated"]) == (3, 3, 0)
    assert len({one.qn for one in platform.heard}) == 3
    assert {(one.mn, one.st, one.pw, one.flag) for one in platform.heard} == {("A1", "22", "654321", 5)}


def test_an_upload_is_repeated_three_times_and_then_given_up() -> None:
    """HJ 212-2017, 6.5: the same frame again after each wait, four times in all; then the next one."""
    platform, own = Platform(lambda said, count: acknowledge(said, count) if count > 4 else []), logger(9, 10)
    counts = meet(platform.meet([own], lambda: own.next == 2, patience=0.02))
    assert platform.heard[:4] == [platform.heard[0]] * 4
    assert len(platform.heard) == 5
    assert (counts["repeated"], counts["given_up"], counts["answered"]) == (3, 1, 1)


def test_what_was_not_answered_when_the_connection_broke_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envmon.feed.stations.LATER", (0.01,))
    platform, own = Platform(lambda said, count: acknowledge(said, count) if count != 2 else []), logger(9, 10)
    platform.close_after = 2
    counts = meet(platform.meet([own], lambda: own.next == 2))
    assert [data_of(one).at for one in platform.heard] == [datetime(2026, 3, 1, hour) for hour in (8, 9, 9)]
    assert counts["connected"] == 2


def test_a_logger_with_nothing_to_send_says_who_it_is() -> None:
    platform, own = Platform(acknowledge), logger()
    counts = meet(platform.meet([own], lambda: len(platform.heard) == 1, beat=60))
    assert [(one.mn, one.cn) for one in platform.heard] == [("A1", "9015")]
    assert counts["heartbeats"] == 1


def test_a_silent_logger_beats() -> None:
    platform, own = Platform(acknowledge), logger()
    counts = meet(platform.meet([own], lambda: len(platform.heard) >= 2, beat=0.02))
    assert {one.cn for one in platform.heard} == {"9015"}
    assert counts["heartbeats"] >= 2


ASKED = segments.address_to("A1", "654321", "22", "20260301120000001")


def test_history_is_accepted_sent_and_ended() -> None:
    """6.2: 9011 with the request's QN, every record with a QN of its own, 9012 with the request's QN."""
    asked = segments.fetch_history(ASKED, "2061", at(8), at(9))
    platform, own = Platform(acknowledge, [asked]), logger(9, 10, 12)
    own.next = 3
    meet(platform.meet([own], lambda: any(one.cn == "9012" for one in platform.heard)))
    assert [(one.cn, one.qn == asked.qn) for one in platform.heard] == [
        ("9011", True), ("2061", False), ("2061", False), ("9012", True),
    ]  # fmt: skip
    assert [one.groups for one in platform.heard if one.cn[0] == "9"] == [((("QnRtn", "1"),),), ((("ExeRtn", "1"),),)]
    assert {one.st for one in platform.heard if one.cn[0] == "9"} == {"91"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (segments.fetch_history(ASKED, "2061", at(1), at(2)), ["1", "100"]),
        (segments.set_clock(ASKED, NOW + timedelta(minutes=7)), ["1", "1"]),
        (Segment("A1", "3012", "22", "20260301120000001", "654321", 5), ["8"]),
        (Segment("A1", "2061", "22", "20260301120000001", "wrong", 5), ["3"]),
        (Segment("B1", "2061", "22", "20260301120000001", "654321", 5), ["4"]),
    ],
)
def test_other_requests_end_as_the_standard_says(asked: Segment, said: list[str]) -> None:
    """QnRtn 1 ready, 3 PW, 4 MN, 8 CN; ExeRtn 1 done, 100 no data."""
    platform, own = Platform(acknowledge, [asked]), logger()
    meet(platform.meet([own], lambda: len(platform.heard) == len(said)))
    assert [one.groups[0][0][1] for one in platform.heard] == said
    assert own.ahead == timedelta(minutes=7 if asked.cn == "1012" else 0)


def test_many_loggers_hold_a_connection_each() -> None:
    platform = Platform(acknowledge)
    loggers = [Logger(Segment(f"A{number}", "", "22", pw="1", flag=5), hours(9, 10)) for number in range(50)]
    counts = meet(platform.meet(loggers, lambda: all(one.next == 2 for one in loggers)))
    assert (counts["connected"], counts["sent"], counts["answered"]) == (50, 100, 100)


def test_a_record_too_long_for_one_frame_is_split() -> None:
    """HJ 212-2017, table 3: at most 950 bytes in a data area; every part repeats the time and can be used alone."""
    groups = tuple(((f"w{number:05}-Avg", "1.2345"), (f"w{number:05}-Flag", "N")) for number in range(40))
    parts = list(segments_of(Record("2061", at(8), at(9), groups), Segment("A1", "", "21", pw="1", flag=9), 0))
    assert [(one.flag, one.pnum, one.pno) for one in parts] == [(11, 2, 1), (11, 2, 2)]
    assert {one.value("DataTime") for one in parts} == {"20260301080000"}
    assert sum((one.groups[1:] for one in parts), ()) == groups
    assert max(len(write(one)) for one in parts) <= 1024


def test_the_sample_comes_back_as_it_was_recorded() -> None:
    """Recorded, sent in mg/m3 and as 4-hour water data, read again: the same readings to the last step."""
    found = rows_in(SAMPLE, SITES, PARAMETERS)
    site_names = {"ganzi-air": 0, "river": 1}

    def stream(span: Span, basis: Basis | None = None) -> int:
        return int(span)

    context = Context(site_names, PARAMETERS, stream)
    for device, medium, span in ((AIR, Medium.AIR, 60), (RIVER, Medium.WATER, 240)):
        own = found[device.site][:3000]
        head = recorded.introduced(device, "1", medium)
        back: list[Row] = []
        for record in records(own, device, PARAMETERS, moments=False):
            for one in segments_of(record, head, 0):
                parsed = rows_of(read(write(one).encode()), device, context, 2**31 - 1, backfill=None)
                assert (parsed.refused, parsed.unknown) == ([], {})
                back += parsed.rows
        coded = {parameter.number for parameter in PARAMETERS.values() if parameter.code}
        wanted = [row for row in own if row[2] in coded and row[3] == span]
        assert len(wanted) > 1000
        assert sorted(row[:5] for row in back) == wanted_of(wanted)


def wanted_of(rows: list[Row]) -> list[tuple[int, ...]]:
    return sorted(row[:5] for row in rows)


def test_marks_have_letters_of_their_kind_of_station() -> None:
    """HJ 212-2017 table 8, HJ 1404: maintenance M, fault D; what has no letter goes as a fault."""
    said = [recorded.letter_of(medium, mark) for medium in Medium for mark in (Mark.NONE, Mark.MAINTENANCE, Mark.UNFIT)]
    assert said == ["N", "M", "D", "N", "M", "D"]


def test_moments_stand_before_their_hour() -> None:
    rows: list[Row] = [(at(9), 0, item("pm25"), 60, 35_000, 0)]
    assert [(one.cn, one.start) for one in records(rows, AIR, PARAMETERS, moments=True)] == [
        ("2011", at(9)),
        ("2061", at(8)),
    ]
