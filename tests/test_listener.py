"""The listener with real sockets and a real journal: frames, answers after the commit, refusals, abuse, requests.

Frames E1 to E7 are part C of the HJ 212 digest: E1 is printed in HJ 212-2017, the CRCs of the others were computed by
other programs. What a listener must survive is list R13 of the reliability notes.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from envmon import periods
from envmon.errors import ConfigError, EnvmonError, StoreBusy
from envmon.hj212 import frames
from envmon.listener import Listening, house
from envmon.model import Config, Device, Listen, Paths, RawFrame, Refusal, Request
from envmon.pipeline.stations import is_alive
from envmon.store import spool
from envmon.store.journal import KNOCKS, Batch, Journal, beside

MN = "010000A8900016F000169DC0"
PASSWORD = "123456"
E1 = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&"
    b"RtdInterval=30&&1C80\r\n"
)
E2 = (
    b"##0292QN=20260301080000123;ST=21;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&"
    b"DataTime=20260301080000;w01010-Rtd=11.2,w01010-Flag=N;w01001-Rtd=7.63,w01001-Flag=N;w01009-Rtd=9.84,"
    b"w01009-Flag=N;w01019-Rtd=2.47,w01019-Flag=N;w21003-Rtd=0.082,w21003-Flag=N;w21011-Rtd=0.041,w21011-Flag=N&&"
    b"8941\r\n"
)
E3 = b"##0087QN=20260301080000123;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&2D00\r\n"
E4 = (
    b"##0231QN=20260301090000001;ST=21;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&"
    b"DataTime=20260301080000;w01001-Min=7.5,w01001-Avg=7.6,w01001-Max=7.7,w01001-Flag=N;w21003-Min=0.07,"
    b"w21003-Avg=0.08,w21003-Max=0.09,w21003-Flag=D&&9E81\r\n"
)
E5 = (
    b"##0152QN=20260301090000534;ST=21;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=7;PNUM=2;PNO=1;CP=&&"
    b"DataTime=20260301080000;w01001-Avg=7.6,w01001-Flag=N&&09C0\r\n",
    b"##0153QN=20260301090000535;ST=21;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=7;PNUM=2;PNO=2;CP=&&"
    b"DataTime=20260301080000;w21003-Avg=0.08,w21003-Flag=N&&0000\r\n",
)
E6 = (
    b"##0294QN=20260301080100000;ST=22;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&"
    b"DataTime=20260301080000;a34004-Avg=0.035,a34004-Flag=N;a34002-Avg=0.061,a34002-Flag=N;a21026-Avg=0.007,"
    b"a21026-Flag=N;a21004-Avg=0.018,a21004-Flag=N;a21005-Avg=0.6,a21005-Flag=N;a05024-Avg=0.072,a05024-Flag=N&&35C0\r\n"
)
E7 = b"##0075QN=20260301080200000;ST=21;CN=9015;PW=123456;MN=A110000_0001;Flag=9;CP=&&&&4B00\r\n"
PATIENCE = 5.0  # seconds: this machine may be busy


def device(mn: str = MN, **more: Any) -> Device:
    return Device(mn, "s", password_env=f"PW_{mn}", **more)


class Office:
    """A folder in which a listener runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "envmon.db"
        self.devices = [device()]
        self.secrets = {f"PW_{MN}": PASSWORD}
        self.listen = Listen(port=0, answer=1, repeats=2)

    def config(self) -> Config:
        paths = Paths(str(self.folder), str(self.database), "", "", "", "")
        return Config(
            "b", "zh", (), (), (), (), (), (), paths, {}, {}, listen=self.listen, devices=tuple(self.devices), file="x"
        )

    def enrol(self, mn: str, **more: Any) -> None:
        self.devices.append(device(mn, **more))
        self.secrets[f"PW_{mn}"] = PASSWORD

    def open(self, **more: Any) -> Listening:
        self.listen = replace(self.listen, **more)
        return Listening(self.config(), self.secrets)

    def journal(self) -> Journal:
        return Journal.read(beside(self.database))

    def frames(self) -> list[RawFrame]:
        with self.journal() as journal:
            return journal.frames(0, 10**6)

    def refused(self) -> dict[str, int]:
        """How often each kind was refused."""
        with self.journal() as journal:
            found: dict[str, int] = {}
            for (kind, _, _), knock in journal.refusals():
                found[kind.value] = found.get(kind.value, 0) + knock.count
            return found

    def until(self, found: Callable[[], Any], wanted: Any = True) -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE
        while found() != wanted and time.monotonic() < end:
            time.sleep(0.02)
        assert found() == wanted


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


class Station:
    """The other end of a connection."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._splitter = frames.Splitter(9999)
        self._got: list[bytes] = []

    def __enter__(self) -> Station:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> bytes:
        """The next segment that comes; empty when the connection was closed."""
        while not self._got:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return b""
            if not data:
                return b""
            self._got += [one.segment for one in self._splitter.feed(data) if isinstance(one, frames.Frame)]
        return self._got.pop(0)

    def quiet(self, seconds: float = 0.15) -> bool:
        """Whether nothing comes for a while."""
        self.socket.settimeout(seconds)
        try:
            return not self._got and not self.socket.recv(1, socket.MSG_PEEK) and False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(PATIENCE)

    def closed(self) -> bool:
        """Whether the other side ends the connection."""
        return self.answer() == b""


def segment(frame: bytes) -> bytes:
    return frame[6:-6]


def hour(n: int, mn: str = MN, pw: str = PASSWORD, **fields: str) -> bytes:
    """A whole hour frame, each with a QN of its own."""
    head = {
        "QN": f"20260301{n // 3600 % 24:02d}{n // 60 % 60:02d}{n % 60:02d}{n // 86400:03d}",
        "ST": "21",
        "CN": "2061",
    }
    head |= {"PW": pw, "MN": mn, "Flag": "5"} | fields
    text = ";".join(f"{key}={value}" for key, value in head.items())
    return frames.encode(f"{text};CP=&&DataTime=20260301080000;w01001-Avg=7.{n % 10},w01001-Flag=N&&")


# ---- frames and answers --------------------------------------------------------------------------------------------


def test_data_are_answered_as_the_standard_says(office: Office) -> None:
    with office.open() as listening, Station(listening.port) as station:
        station.send(E2)
        assert station.answer() == segment(E3)
        for frame in (E4, *E5, E6):
            station.send(frame)
            said = station.answer()
            assert said == frame[6:26] + b";ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"
    kept = office.frames()
    assert [one.segment for one in kept] == [
        segment(frame).replace(b"123456", b"******") for frame in (E2, E4, *E5, E6)
    ]
    assert [one.number for one in kept] == [1, 2, 3, 4, 5]
    assert {one.mn for one in kept} == {MN}


def test_a_heartbeat_is_answered_and_kept_nowhere(office: Office) -> None:
    office.enrol("A110000_0001")
    with office.open() as listening, Station(listening.port) as station:
        station.send(E7)
        said = station.answer()
        assert said.startswith(b"QN=20260301080200000;ST=91;CN=90")
        assert b"MN=A110000_0001" in said
    assert office.frames() == []
    with office.journal() as journal:
        assert [(one.mn, one.frames) for one in journal.stations()] == [("A110000_0001", 1)]


def test_what_wants_no_answer_gets_none_and_is_kept(office: Office) -> None:
    with office.open() as listening, Station(listening.port) as station:
        station.send(hour(1, Flag="4"))
        station.send(hour(2))
        assert station.answer().startswith(b"QN=20260301000002000")
        assert station.quiet()
    assert len(office.frames()) == 2


def test_a_repeat_is_answered_again_and_kept_once(office: Office) -> None:
    with office.open() as listening:
        for _ in range(3):
            with Station(listening.port) as station:
                station.send(E2 + E2)
                assert [station.answer(), station.answer()] == [segment(E3)] * 2
    assert len(office.frames()) == 1


def test_frames_arrive_stuck_together_split_and_byte_by_byte(office: Office) -> None:
    wire = b"".join([E2, E4, *E5, E6])
    with office.open(frames_per_second=1000) as listening, Station(listening.port) as station:
        station.send(wire)
        assert [station.answer()[:20] for _ in range(5)] == [f[6:26] for f in (E2, E4, *E5, E6)]
        for at in range(len(wire)):
            station.send(wire[at : at + 1])
        for _ in range(5):
            assert b"CN=9014" in station.answer()
        cuts = sorted(random.Random(7).sample(range(len(wire)), 20))
        for first, last in zip([0, *cuts], [*cuts, len(wire)], strict=True):
            station.send(wire[first:last])
        for _ in range(5):
            assert b"CN=9014" in station.answer()
    assert len(office.frames()) == 5


def test_the_listener_takes_up_where_it_ended(office: Office) -> None:
    for n in range(3):
        with office.open() as listening, Station(listening.port) as station:
            station.send(hour(n))
            assert station.answer()
    assert [one.number for one in office.frames()] == [1, 2, 3]
    with office.journal() as journal:
        (one,) = journal.stations()
        assert (one.frames, one.connected, one.data_time) == (3, False, "20260301080000")
        assert not is_alive(journal, int(time.time() * 1000))  # it ended in order, and says so at once


def test_what_is_on_its_way_when_it_stops_is_kept_and_answered(office: Office) -> None:
    with office.open() as listening, Station(listening.port) as station:
        station.send(b"".join(hour(n) for n in range(50)))
        assert station.answer()
        listening.__exit__(None, None, None)
        answered = 1
        while station.answer():
            answered += 1
    assert len(office.frames()) >= answered


# ---- killed at any time --------------------------------------------------------------------------------------------

VICTIMS = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_listener import Office
for _ in sys.stdin:
    if child := os.fork():
        os.waitpid(child, 0)
        continue
    with Office(Path(sys.argv[1])).open(frames_per_second=10_000) as listening:
        print(listening.port, os.getpid(), flush=True)
        time.sleep(60)
"""
"""Forks a listener for every line it reads."""


def test_nothing_that_was_answered_is_lost_when_it_is_killed(office: Office) -> None:
    """R1: kill -9 at random points, what was acknowledged against what is stored; each once; the file is whole."""
    chance, acknowledged, sent = random.Random(212), set[bytes](), 0
    command = [sys.executable, "-c", VICTIMS, str(office.folder), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as victims:
        assert victims.stdin is not None
        assert victims.stdout is not None
        for _ in range(20):
            victims.stdin.write("\n")
            port, pid = map(int, victims.stdout.readline().split())
            with Station(port) as station:
                end = time.monotonic() + chance.uniform(0.0, 0.12)
                station.socket.settimeout(0.01)
                while time.monotonic() < end:
                    station.send(b"".join(hour(sent + n) for n in range(10)))
                    sent += 10
                    with contextlib.suppress(TimeoutError):
                        acknowledged.add(station.answer()[3:20])
                os.kill(pid, signal.SIGKILL)
                station.socket.settimeout(PATIENCE)
                while said := station.answer():
                    acknowledged.add(said[3:20])
            with office.journal() as journal:
                assert journal.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    stored = [one.segment[3:20] for one in office.frames()]
    assert len(acknowledged) > 100
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))


# ---- refusals ------------------------------------------------------------------------------------------------------


def bad_crc(frame: bytes) -> bytes:
    return frame[:-6] + (b"0000" if frame[-6:-2] != b"0000" else b"0001") + b"\r\n"


def modbus(frame: bytes) -> bytes:
    return frame[:-6] + b"%04X\r\n" % frames.modbus_crc(segment(frame))


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (E1.replace(MN.encode(), b"010000A8900016F000169DC1"), "crc"),  # another byte, the same CRC
        (frames.encode(segment(E1).replace(MN.encode(), b"010000A8900016F000169DC1")), "unknown_mn"),
        (E1, "password"),  # 100000
        (bad_crc(E2), "crc"),
        (modbus(E2), "crc_modbus"),
        (b"##0291" + E2[6:], "length"),
        (b"##0293" + E2[6:], "length"),
        (b"##02x2" + E2[6:], "length"),
        (b"##9999" + E2[6:], "too_long"),
        (E6[:140] + b"\x01\x9c\x80\xff" + E6[144:], "encrypted"),
        (b"\xd6\xd0\xce\xc4 GET / HTTP/1.1\r\n", "noise"),
        (frames.encode("QN=1;no segment"), "segment"),
        (frames.encode("ST=21;CN=2061;PW=123456;CP=&&&&"), "segment"),
        (hour(1, pw="123456 "[:5]), "password"),
        (hour(1, pw=""), "password"),
    ],
    ids=str,
)
def test_what_is_refused_gets_no_answer_and_is_counted_once(office: Office, sent: bytes, kind: str) -> None:
    with office.open() as listening, Station(listening.port) as station:
        station.send(sent)
        station.send(hour(5))  # the frame after it is good
        assert station.answer().startswith(b"QN=20260301000005000")
        assert station.quiet(0.05)
    assert office.refused() == {kind: 1}
    assert [one.segment[:20] for one in office.frames()] == [b"QN=20260301000005000"]


def test_addresses_and_systems_of_a_device_are_kept_to(office: Office) -> None:
    office.devices = [device(addresses=("127.0.0.2", "10.0.0.0/8"), st="21")]
    with office.open() as listening:
        with Station(listening.port) as station:
            station.send(hour(1))
            assert station.quiet()
        with Station(listening.port, "127.0.0.2") as station:
            station.send(hour(2, ST="22"))
            station.send(hour(3))
            assert station.answer().startswith(b"QN=20260301000003000")
    assert office.refused() == {"address": 1, "system": 1}
    assert len(office.frames()) == 1


def test_bad_frames_in_a_row_end_the_connection_and_keep_the_address_out_for_a_while(office: Office) -> None:
    with office.open(bad_frames=3, ban=1) as listening, Station(listening.port) as good:
        with Station(listening.port, "127.0.0.2") as bad:
            bad.send(bad_crc(E2) * 2 + E2 + bad_crc(E2) * 2)  # a good one in between begins the count anew
            assert bad.answer() == segment(E3)
            bad.send(bad_crc(E2))
            assert bad.closed()
        with Station(listening.port, "127.0.0.2") as bad:
            assert bad.closed()
        good.send(hour(1))
        assert good.answer()
        time.sleep(1.05)
        with Station(listening.port, "127.0.0.2") as station:
            station.send(hour(2))
            assert station.answer()
    refused = office.refused()
    assert (refused["crc"], refused["banned"]) == (5, 1)


def test_one_mn_from_two_addresses_is_an_alarm_and_the_newer_stays(office: Office) -> None:
    with office.open() as listening, Station(listening.port) as first:
        first.send(hour(1))
        assert first.answer()
        with Station(listening.port, "127.0.0.2") as second:
            second.send(hour(2))
            assert second.answer()
            assert first.closed()
            with Station(listening.port, "127.0.0.2") as third:  # from the same address: no alarm, both may speak
                third.send(hour(3))
                assert third.answer()
                second.send(hour(4))
                assert second.answer()
    assert office.refused() == {"two_sources": 1}
    with office.journal() as journal:
        assert [one.address for one in journal.stations()] == ["127.0.0.2"]


def test_connections_are_limited_and_the_silent_ones_make_room(office: Office) -> None:
    office.enrol("A2")
    with office.open(connections=4, per_address=3) as listening, Station(listening.port) as good:
        good.send(hour(1))
        assert good.answer()
        idle = [Station(listening.port, f"127.0.0.{n}") for n in (2, 2, 2)]
        with Station(listening.port, "127.0.0.2") as fourth:
            assert fourth.closed()  # three from one address are enough
        with Station(listening.port, "127.0.0.3") as newcomer:
            assert idle[0].closed()  # the oldest that never said anything good
            newcomer.send(hour(2, "A2"))
            assert newcomer.answer()
            good.send(hour(3))
            assert good.answer()
        for one in idle:
            one.socket.close()
    refused = office.refused()
    assert (refused["per_address"], refused["connections"]) == (1, 1)


def test_when_all_have_proven_themselves_the_newcomer_is_refused(office: Office) -> None:
    with office.open(connections=1) as listening, Station(listening.port) as good:
        good.send(hour(1))
        assert good.answer()
        with Station(listening.port, "127.0.0.2") as late:
            assert late.closed()
    assert office.refused() == {"connections": 1}


def test_half_a_frame_and_silence_have_their_time(office: Office) -> None:
    with (
        office.open(frame_seconds=1, idle=2) as listening,
        Station(listening.port) as slow,
        Station(listening.port) as silent,
    ):
        slow.send(E2[:50])
        began = time.monotonic()
        assert slow.closed()
        assert time.monotonic() - began > 0.9
        assert silent.closed()
    assert office.refused() == {"half": 1, "idle": 1}
    assert office.frames() == []


def test_a_station_that_sends_too_fast_is_read_later_and_loses_nothing(office: Office) -> None:
    """800 frames may come at once, 200 a second after that; a read holds up to 64 KiB, some 430 of these frames."""
    with office.open(frames_per_second=200) as listening, Station(listening.port) as station:
        began = time.monotonic()
        sender = threading.Thread(target=lambda: [station.send(hour(n)) for n in range(1500)])
        sender.start()
        for _ in range(1500):
            assert b"CN=9014" in station.answer()
        took = time.monotonic() - began
        sender.join()
    assert took > (1500 - 800 - 430) / 200
    assert office.refused()["rate"] >= 1
    assert len(office.frames()) == 1500


def test_a_station_that_does_not_take_its_answers_is_closed(office: Office) -> None:
    with office.open(frames_per_second=10_000) as listening, Station(listening.port) as station:
        station.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        station.socket.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            for _ in range(400):
                station.send(E2 * 100)
        office.until(lambda: office.refused().get("unread", 0) > 0)


# ---- abuse (R13) ---------------------------------------------------------------------------------------------------

Attack = Callable[[int], list[Station]]


def idle_connections(port: int) -> list[Station]:
    return [Station(port, f"127.0.1.{1 + n % 200}") for n in range(2000)]


def half_frames(port: int) -> list[Station]:
    made = [Station(port, f"127.0.1.{1 + n % 200}") for n in range(200)]
    for one in made:
        one.send(E2[:100])
    return made


def spoiled(data: bytes) -> Attack:
    """Sends the same over and over, until it is cut off."""

    def attack(port: int) -> list[Station]:
        one = Station(port, "127.0.1.1")
        with contextlib.suppress(OSError):
            for _ in range(50):
                one.send(data)
        return [one]

    return attack


def many_fields(port: int) -> list[Station]:
    body = ";".join(f"w{n:05d}-Avg=1" for n in range(10_000))
    return spoiled(frames.encode(f"ST=21;CN=2061;PW=123456;MN={MN};CP=&&{body}&&"[:9000]) * 10)(port)


def drip(port: int) -> list[Station]:
    one = Station(port, "127.0.1.1")
    for byte in E2[:60]:
        one.send(bytes([byte]))
    return [one]


ATTACKS: dict[str, tuple[Attack, str]] = {
    "2000 idle": (idle_connections, ""),
    "half frames": (half_frames, ""),
    "endless line": (spoiled(b"x" * 65536), "noise"),
    "endless line after a head": (spoiled(b"##1000" + b"x" * 65536), "noise"),
    "heads only": (spoiled(b"##" * 10_000), "length"),
    "wrong lengths": (spoiled((b"##0291" + E2[6:]) * 100), "length"),
    "wrong CRC": (spoiled(bad_crc(E2) * 100), "crc"),
    "unknown MN": (spoiled(frames.encode("ST=21;CN=2061;PW=123456;MN=STRANGER;CP=&&&&") * 100), "unknown_mn"),
    "wrong password": (spoiled(hour(1, pw="000000") * 100), "password"),
    "GBK garbage": (spoiled("##中文乱码；数据".encode("gbk") * 3000), "length"),
    "10,000 fields": (many_fields, "too_long"),
    "byte by byte, never ended": (drip, ""),
}


@pytest.mark.parametrize("name", list(ATTACKS))
def test_a_good_station_is_answered_while_others_abuse_the_listener(office: Office, name: str) -> None:
    attack, kind = ATTACKS[name]
    allow = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if name == "2000 idle" and allow < 5000:
        pytest.fail(f"this machine allows {allow} open files only")
    with office.open(connections=1000 if kind == "" else 50) as listening, Station(listening.port) as good:
        good.send(hour(1))
        assert good.answer()
        strangers = attack(listening.port)
        slowest = 0.0
        for n in range(20):
            began = time.monotonic()
            good.send(hour(2 + n))
            assert good.answer().startswith(b"QN=202603010000")
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < PATIENCE
        with Station(listening.port, "127.0.0.9") as newcomer:  # and there is room for another good one
            newcomer.send(hour(40))
            assert newcomer.answer()
        if kind:
            office.until(lambda: office.refused().get(kind, 0) >= 1)
        for one in strangers:
            one.socket.close()
    assert len(office.frames()) == 22
    if kind:
        refused = office.refused()
        assert sum(refused.get(one, 0) for one in (kind, "length", "noise", "crc")) <= 30  # cut off after ten


def test_replayed_future_and_old_data_are_kept_raw_and_do_no_harm(office: Office) -> None:
    with office.open() as listening, Station(listening.port) as station:
        for at in ("20990101000000", "19700101000000", "20261399999999", "", "x"):
            frame = frames.encode(f"QN=1;ST=21;CN=2061;PW=123456;MN={MN};Flag=5;CP=&&DataTime={at};w01001-Avg=7&&")
            for _ in range(3):
                station.send(frame)
                assert b"CN=9014" in station.answer()
    assert len(office.frames()) == 5


def mutated(chance: random.Random, data: bytes) -> bytes:
    """The bytes with a few of them changed, left out, doubled or put in."""
    body = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(body))
        kind = chance.randrange(4)
        if kind == 0:
            body[at] = chance.randrange(256)
        elif kind == 1:
            del body[at : at + chance.randrange(1, 8)]
        elif kind == 2:
            body[at:at] = body[at : at + chance.randrange(1, 30)]
        else:
            body[at:at] = chance.choice([b"##", b"&&", b";", b"=", b"PW=", b"Flag=5;", b"\r\n", b"9011", b"\xd6\xd0"])
        body = body or bytearray(b"x")
    return bytes(body)


def test_whatever_is_sent_no_connection_breaks_by_itself(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """2,000 frames spoiled at random, half of them with a right length and CRC: counted or kept, and never an error."""
    chance = random.Random(13)
    office.listen = replace(office.listen, bad_frames=10**9, frames_per_second=10**6)
    ask(office, (DAY, DAY + 60))
    with office.open() as listening, Station(listening.port) as good, Station(listening.port) as wild:
        drained = threading.Thread(target=lambda: [None for _ in iter(wild.answer, b"")])
        drained.start()
        for n in range(2000):
            frame = chance.choice([E2, E4, *E5, E6, hour(n), word_on(E2[6:], "9012", "ExeRtn=1")])
            spoilt = frames.encode(mutated(chance, segment(frame))[:1024]) if n % 2 else mutated(chance, frame)
            wild.send(spoilt)
        good.send(hour(1))
        assert good.answer()
        wild.socket.shutdown(socket.SHUT_WR)
        drained.join(PATIENCE)
        assert not drained.is_alive()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
    refused = office.refused()
    assert sum(refused.values()) > 500
    assert len(refused) >= 5
    assert len(office.frames()) > 100


def test_every_kind_of_bad_frame_can_be_counted() -> None:
    assert {kind.value for kind in frames.Bad} <= {kind.value for kind in Refusal}


def test_refusals_of_countless_names_share_a_row(office: Office) -> None:
    with Journal.open(beside(office.database)) as journal:
        for first in range(0, 3 * KNOCKS, KNOCKS // 2):
            batch = Batch()
            for n in range(first, first + KNOCKS // 2):
                batch.knock(Refusal.UNKNOWN_MN, f"MN{n}", "10.0.0.1", 1000 + n, "x")
            journal.commit(batch)
        rows = journal.refusals()
    assert len(rows) == KNOCKS + 1
    assert sum(knock.count for _, knock in rows) == 3 * KNOCKS
    assert dict(rows)[Refusal.UNKNOWN_MN, "*", "*"].count == 2 * KNOCKS


# ---- requests ------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener looks after its requests twenty times a second."""
    monkeypatch.setattr(house, "BEAT", 0.05)


def word_on(request: bytes, cn: str, result: str) -> bytes:
    """What a station says to a request: 9011 with QnRtn, 9012 with ExeRtn (HJ 212-2017, C.3)."""
    qn = request[3:20].decode()
    return frames.encode(f"QN={qn};ST=91;CN={cn};PW={PASSWORD};MN={MN};Flag=4;CP=&&{result}&&")


def ask(office: Office, *windows: tuple[int, int], cn: str = "2061", mn: str = MN) -> None:
    wanted = [Request(f"r{n}", mn, cn, first, last, 1000) for n, (first, last) in enumerate(windows)]
    spool.leave(spool.spool_of(office.database), wanted)


def requests(office: Office) -> list[tuple[str, str, int]]:
    with office.journal() as journal:
        return [(one.state.value, one.answer, one.frames) for one in journal.requests(MN)]


DAY = periods.hour_ending(periods.parse("2026-03-01").first, 0)


@pytest.mark.usefixtures("quick")
def test_history_is_asked_for_followed_and_its_data_kept(office: Office) -> None:
    office.devices = [device(st="21")]
    with office.open(answer=10) as listening:
        ask(office, (DAY, DAY + 1439), (DAY + 1440, DAY + 1500))
        with Station(listening.port) as station:
            station.send(hour(1))
            assert b"CN=9014" in station.answer()
            asked = station.answer()
            fields = b";ST=21;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=5;"
            assert asked[20:] == fields + b"CP=&&BeginTime=20260301000000,EndTime=20260301235900&&"
            station.send(word_on(asked, "9011", "QnRtn=1"))
            for n in (10, 11, 12):
                station.send(hour(n))
                assert b"CN=9014" in station.answer()
            assert station.quiet(0.1)  # the next one waits for the last word
            station.send(word_on(asked, "9012", "ExeRtn=1"))
            second = station.answer()
            assert b"BeginTime=20260302000000,EndTime=20260302010000" in second
            assert second[:20] != asked[:20]
            station.send(word_on(second, "9011", "QnRtn=1") + word_on(second, "9012", "ExeRtn=100"))
            office.until(lambda: requests(office), [("done", "1", 3), ("no_data", "100", 0)])
    assert list(spool.spool_of(office.database).iterdir()) == []
    assert len(office.frames()) == 4  # words on requests are not data


@pytest.mark.usefixtures("quick")
def test_a_request_is_repeated_with_its_number_and_given_up(office: Office) -> None:
    with office.open(answer=1, repeats=2) as listening, Station(listening.port) as station:
        ask(office, (DAY, DAY + 60), cn="2051")
        station.send(hour(1))
        assert b"CN=9014" in station.answer()
        first, again = station.answer(), station.answer()
        assert first == again
        assert b"CN=2051" in first
        office.until(lambda: requests(office), [("unanswered", "", 0)])
        station.send(word_on(first, "9011", "QnRtn=1"))  # too late
        station.send(hour(2))
        assert b"CN=9014" in station.answer()
    assert requests(office) == [("unanswered", "", 0)]


@pytest.mark.usefixtures("quick")
def test_what_a_station_sends_by_itself_is_no_answer_to_a_request(office: Office) -> None:
    """Hours of another day come all the while: the request is repeated and given up nevertheless."""
    with office.open(answer=1, repeats=2) as listening, Station(listening.port) as station:
        ask(office, (DAY - 2880, DAY - 1441))
        asked, end = 0, time.monotonic() + 2 * PATIENCE
        while requests(office) in ([], [("waiting", "", 0)], [("sent", "", 0)]) and time.monotonic() < end:
            station.send(hour(len(office.frames()) % 24))
            while b"CN=9014" not in station.answer():
                asked += 1
            time.sleep(0.2)
        assert (asked, requests(office)) == (2, [("unanswered", "", 0)])


@pytest.mark.usefixtures("quick")
def test_a_station_may_refuse_and_its_clock_is_set_to_the_time_of_sending(office: Office) -> None:
    with office.open(answer=10) as listening, Station(listening.port) as station:
        ask(office, (0, 0), cn="1012")
        station.send(hour(1))
        assert b"CN=9014" in station.answer()
        asked = station.answer()
        match = re.search(rb"CN=1012;.*SystemTime=(\d{14})&&", asked)
        assert match
        sent = datetime.strptime(match[1].decode(), "%Y%m%d%H%M%S")
        beijing = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=8)
        assert abs((beijing - sent).total_seconds()) < 60
        station.send(word_on(asked, "9011", "QnRtn=3"))
        office.until(lambda: requests(office), [("refused", "3", 0)])


@pytest.mark.usefixtures("quick")
def test_a_request_waits_for_its_station_and_begins_again_when_it_went_away(office: Office) -> None:
    with office.open(answer=10) as listening:
        ask(office, (DAY, DAY + 60))
        (spool.spool_of(office.database) / "x.json").write_text("[1]")
        ask(office, (DAY, DAY + 60), mn="STRANGER")  # the same name: written over before it was read, or after
        with Station(listening.port) as station:
            station.send(hour(1))
            assert b"CN=9014" in station.answer()
    ask(office, (DAY, DAY + 60))
    with office.open() as listening:
        for _ in range(2):
            with Station(listening.port) as station:
                station.send(hour(1))
                assert b"CN=9014" in station.answer()
                assert b"BeginTime=20260301000000" in station.answer()
            office.until(lambda: requests(office), [("waiting", "", 0)])


# ---- beginning and ending ------------------------------------------------------------------------------------------


def test_only_one_listener_has_an_journal_and_a_port(office: Office, tmp_path: Path) -> None:
    with office.open() as listening:
        with pytest.raises(StoreBusy) as busy, office.open():
            pass
        assert f"process {os.getpid()}" in str(busy.value)
        other = Office(tmp_path / "other")
        with pytest.raises(EnvmonError, match=str(listening.port)), other.open(port=listening.port):
            pass
    with office.open():
        pass


def test_every_password_must_be_there(office: Office) -> None:
    office.enrol("A2")
    office.enrol("A3")
    office.secrets = {"PW_A2": PASSWORD, "PW_A3": ""}
    with pytest.raises(ConfigError) as error:
        office.open()
    assert f"PW_{MN}" in str(error.value)
    assert "PW_A3" in str(error.value)
    assert "PW_A2" not in str(error.value)


def test_no_password_is_written_anywhere(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    canary = "C4n4rY"
    office.secrets = {f"PW_{MN}": canary}
    caplog.set_level("DEBUG")
    with office.open(bad_frames=100) as listening, Station(listening.port) as station:
        for frame in (
            hour(1, pw=canary),
            bad_crc(hour(2, pw=canary)),
            hour(3, "STRANGER", canary),
            hour(4, pw=canary + "x"),
            frames.encode(f"PW={canary}"),
            f"PW={canary} {canary}\r\n".encode(),
            frames.encode(f"ST=21;CN=1072;PW={canary};MN={MN};Flag=5;CP=&&NewPW={canary}&&"),
        ):
            station.send(frame)
        assert station.answer()
        assert station.answer()
        time.sleep(0.1)
        for file in office.folder.rglob("*"):
            assert file.is_dir() or canary.encode() not in file.read_bytes(), file
    assert canary not in caplog.text
    assert sum(office.refused().values()) == 5


def test_what_cannot_be_stored_is_not_answered_and_the_listener_goes_on(office: Office) -> None:
    """R3: a disk that takes nothing for a while (a limit on the pages of the file)."""
    with office.open() as listening, Station(listening.port) as station:
        station.send(hour(1))
        assert station.answer()
        journal = listening.house.commits.journal
        pages = journal.db.execute("PRAGMA page_count").fetchone()[0]
        journal.db.execute(f"PRAGMA max_page_count = {pages}")
        station.send(b"".join(hour(n) for n in range(2, 90)))
        assert station.quiet(0.5)
        journal.db.execute("PRAGMA max_page_count = 1000000")
        station.send(hour(2))  # the station repeats
        assert station.answer().startswith(b"QN=20260301000002000")
        office.until(lambda: office.refused().get("unstored", 0) >= 88)
    assert len(office.frames()) == 2
