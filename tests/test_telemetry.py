"""Telemetry as a whole: config, listener, taking over into readings, hours made of minutes, commands.

Expected numbers are those of the frames themselves, or worked out beside them.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from envmon import cli, daemon, periods
from envmon.config import ConfigMistakes
from envmon.errors import StoreError, UsageError
from envmon.feed.recorded import introduced, records
from envmon.feed.stations import Logger, Stations
from envmon.hj212 import frames
from envmon.listener import Listening, house
from envmon.model import POLLUTANTS, Mark, Medium, RawFrame, Request, RequestState, Row, Span, Tally
from envmon.pipeline import stations, telemetry
from envmon.pipeline.backfill import of_stations
from envmon.pipeline.wiring import load_config
from envmon.standards import parameters
from envmon.store import Store, spool
from envmon.store.journal import Batch, Journal, beside

AIR, WATER = "A0000000000000000000000A", "B110000_0001"
CONFIG = """\
bureau = "某县生态环境局"

[[areas]]
id = "county"
name = "某县"
level = "county"

[[sites]]
id = "park"
name = "公园"
kind = "station"
area = "county"

[[sites]]
id = "bridge"
name = "县城大桥"
kind = "section"
area = "county"
body = "river"

[[rules]]
id = "silent"
kind = "silence"
grace = "2h"

[[channels]]
id = "log"
kind = "log"

[listen]
port = 9212

[[devices]]
mn = "A0000000000000000000000A"
site = "park"
password_env = "PW_AIR"
units = { "*" = "mg/m3" }

[[devices]]
mn = "B110000_0001"
site = "bridge"
st = "21"
password_env = "PW_WATER"
hours = 4
"""
ENVIRON = {"PW_AIR": "123456", "PW_WATER": "654321"}
BEGIN = periods.hour_ending(periods.parse("2026-03-01").first, 8)  # 08:00 Beijing time
ITEMS = parameters()


class Office:
    """A folder with a config; frames are put into the journal as the listener does."""

    def __init__(self, folder: Path, text: str = CONFIG) -> None:
        self.folder = folder
        self.path = folder / "config.toml"
        self.path.write_text(text, "utf-8")
        self.config = load_config(self.path)
        self.database = Path(self.config.paths.database)
        self.qn = 0

    def receive(self, *segments: str, at: int = BEGIN + 61, mn: str = AIR) -> None:
        """Segments as (`CN`, content of CP) received at a minute."""
        with Journal.open(beside(self.database)) as journal:
            batch = Batch()
            for text in segments:
                cn, _, body = text.partition(" ")
                self.qn += 1
                st = "22" if mn == AIR else "21"
                whole = f"QN={self.qn:017d};ST={st};CN={cn};PW=******;MN={mn};Flag=5;CP=&&{body}&&"
                batch.frames.append(RawFrame(at * 60_000 + self.qn % 60_000, mn, cn, "127.0.0.1", whole.encode()))
            journal.commit(batch)

    def open(self, readonly: bool = False) -> Store:
        store = Store.open(self.database, readonly)
        if not readonly:
            store.register(self.config, ITEMS.values())
        return store

    def drain(self, now: int = BEGIN + 60) -> Tally:
        return telemetry.drain(self.open, self.config, now)

    def readings(self) -> list[tuple[str, str, int, int, int]]:
        """(site, item, span, ending as minutes after 08:00, value) in order."""
        with self.open(readonly=True) as store:
            return store.db.execute(
                "SELECT s.id, p.id, t.span, r.ending - ?, r.value, r.mark"
                " FROM reading r JOIN site s ON s.number = r.site"
                " JOIN parameter p ON p.number = r.parameter JOIN stream t ON t.number = r.stream ORDER BY 4, 1, 2, 3",
                (BEGIN,),
            ).fetchall()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def steps(item: str, text: str) -> int:
    """A value in the steps in which an item is stored."""
    digits = ITEMS[item].decimals
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(digits, "0"))


# ---- taking over ---------------------------------------------------------------------------------------------------


def test_frames_become_readings_by_their_kind(office: Office) -> None:
    office.receive("2061 DataTime=20260301080000;a34004-Avg=0.035,a34004-Flag=N;a21026-Avg=0.007,a21026-Flag=D")
    office.receive("2051 DataTime=20260301080000;a34004-Avg=0.031,a34004-Flag=N")
    office.receive("2061 DataTime=20260301080000;w21003-Avg=0.08,w21003-Flag=N", at=BEGIN + 241, mn=WATER)
    tally = office.drain(BEGIN + 300)
    assert tally.new == 4
    assert office.readings() == [
        ("park", "pm25", 10, 10, steps("pm25", "31"), Mark.NONE),
        ("park", "pm25", 60, 60, steps("pm25", "35"), Mark.NONE),
        ("park", "so2", 60, 60, steps("so2", "7"), Mark.FAULT),
        ("bridge", "nh3n", 240, 240, steps("nh3n", "0.08"), Mark.NONE),
    ]


def test_what_was_taken_is_not_taken_again_and_nothing_is_left_out(office: Office) -> None:
    for n in range(3):
        office.receive(*(f"2061 DataTime=202603010{n}0000;a34004-Avg=0.0{n + 10}" for _ in range(700)))
        assert office.drain().new == 1
        assert office.drain() == Tally()
    with office.open(readonly=True) as store:
        with Journal.read(beside(office.database)) as journal:
            known = store.meta("telemetry")
            assert (known["journal"], known["frame"]) == (journal.identity, 2100)
        assert store.db.execute("SELECT count(*) FROM reading_history").fetchone() == (0,)


def test_another_journal_is_read_from_its_beginning(office: Office) -> None:
    office.receive("2061 DataTime=20260301080000;a34004-Avg=0.035")
    office.drain()
    for file in office.database.parent.glob("envmon.telemetry.db*"):
        file.unlink()
    office.receive("2061 DataTime=20260301070000;a34004-Avg=0.036")
    office.drain()
    assert [row[3:5] for row in office.readings()] == [(0, steps("pm25", "36")), (60, steps("pm25", "35"))]


def test_a_journal_put_back_from_a_copy_loses_nothing_that_came_since(office: Office) -> None:
    """The copy numbers what comes anew: numbers that were taken before stand for other frames now."""
    office.receive("2061 DataTime=20260301080000;a34004-Avg=0.035")
    whole = beside(office.database).read_bytes()
    office.receive("2061 DataTime=20260301090000;a34004-Avg=0.036", at=BEGIN + 121)
    assert office.drain(BEGIN + 122).new == 2
    beside(office.database).write_bytes(whole)
    office.receive("2061 DataTime=20260301100000;a34004-Avg=0.037", at=BEGIN + 181)
    office.drain(BEGIN + 182)
    assert [row[4] for row in office.readings()] == [steps("pm25", text) for text in ("35", "36", "37")]
    assert office.drain(BEGIN + 183) == Tally()


def test_frames_are_dropped_once_they_were_taken_and_kept_long_enough(office: Office) -> None:
    """The last one taken stays: by it the place is found again."""
    path, now = beside(office.database), (BEGIN + 100) * 60_000
    office.receive(*(f"2061 DataTime=202603010{n}0000;a34004-Avg=0.035" for n in range(5)))
    with Journal.open(path) as journal:
        assert journal.prune(office.database, now) == 0  # no database, nothing taken
    office.drain()
    office.receive("2061 DataTime=20260301080000;a34004-Avg=0.036")
    with Journal.open(path) as journal:
        assert journal.prune(office.database, (BEGIN + 61) * 60_000) == 0
        assert journal.prune(office.database, now) == 4
        assert [one.number for one in journal.frames(0, 10)] == [5, 6]
    assert office.drain().read == 1
    damage(office.database, "meta")
    with Journal.open(path) as journal, pytest.raises(StoreError, match="malformed"):
        journal.prune(office.database, now)


def damage(database: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\x7f" * size)


def test_a_correction_is_a_revision_and_an_old_repeat_changes_nothing(office: Office) -> None:
    office.receive("2061 DataTime=20260301080000;a34004-Avg=0.035", at=BEGIN + 61)
    office.receive("2061 DataTime=20260301080000;a34004-Avg=0.040", at=BEGIN + 90)
    office.drain(BEGIN + 100)
    office.receive("2061 DataTime=20260301080000;a34004-Avg=0.040", at=BEGIN + 120)
    office.drain(BEGIN + 130)
    assert [row[4] for row in office.readings()] == [steps("pm25", "40")]
    with office.open(readonly=True) as store:
        (was,) = store.db.execute("SELECT value FROM reading_history").fetchall()
        assert was == (steps("pm25", "35"),)
        origins = store.db.execute("SELECT DISTINCT source, origin FROM batch").fetchall()
        assert origins == [("telemetry", f"hj212:{AIR}")]


def test_moments_are_kept_once_a_minute_and_only_if_wanted(tmp_path: Path) -> None:
    office = Office(tmp_path)
    for second, value in (("00", "0.030"), ("30", "0.031")):
        office.receive(f"2011 DataTime=202603010800{second};a34004-Rtd={value}")
    office.drain()
    office.receive("2011 DataTime=20260301080045;a34004-Rtd=0.032")
    office.drain()
    assert office.readings() == [("park", "pm25", Span.MOMENT, 0, steps("pm25", "30"), Mark.NONE)]
    (tmp_path / "b").mkdir()
    other = Office(tmp_path / "b", CONFIG.replace("units = {", "realtime = false\nunits = {"))
    other.receive("2011 DataTime=20260301080000;a34004-Rtd=0.030")
    assert other.drain() == Tally()
    assert other.readings() == []


def test_what_cannot_enter_is_refused_with_its_reason_and_what_nobody_knows_is_counted(office: Office) -> None:
    office.receive(
        "2061 DataTime=20990101000000;a34004-Avg=0.035",
        "2061 DataTime=20160101000000;a34004-Avg=0.035",
        "2061 DataTime=20260301080000;a34004-Avg=abc;x99999-Avg=3;a34002-Avg=0.060",
        "3020 DataTime=20260301080000;x99999-Info=1",
        at=BEGIN + 61,
    )
    office.receive("2061 DataTime=20260301080000;a34004-Avg=0.035", mn="GONE")
    office.drain(BEGIN + 100)
    assert [row[1] for row in office.readings()] == ["pm10"]
    with office.open(readonly=True) as store:
        reasons = [one["reason"] for one in store.rejects(0, 2**40)]
        assert len(reasons) == 4
        assert any("GONE" in one for one in reasons)
        assert store.meta("telemetry_unknown") == {AIR: {"x99999": 1}}


def test_a_killed_process_takes_every_frame_exactly_once(office: Office) -> None:
    """kill -9 while frames are taken over, 12 times: at the end every value is there once and nothing was revised."""
    hours = 24 * 60
    start = periods.hour_ending(periods.parse("2025-12-01").first, 0)
    office.receive(
        *(
            f"2061 DataTime={periods.moment(start + 60 * n):%Y%m%d%H%M%S};a34004-Avg={n / 1000:.3f}"
            for n in range(hours)
        ),
        at=BEGIN,
    )
    script = (
        "import os, sys, time\nfrom pathlib import Path\nsys.path.insert(0, sys.argv[2])\n"
        "from test_telemetry import Office, telemetry\ntelemetry.BATCH = 20\noffice = Office(Path(sys.argv[1]))\n"
        "for _ in sys.stdin:\n"
        "    if child := os.fork():\n        os.waitpid(child, 0)\n        print(flush=True)\n        continue\n"
        "    print(os.getpid(), flush=True)\n    office.drain()\n    os._exit(0)\n"
    )
    command = [sys.executable, "-c", script, str(office.folder), str(Path(__file__).parent)]
    chance, positions = random.Random(9), []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for _ in range(12):
            child.stdin.write("\n")
            pid = int(child.stdout.readline())
            time.sleep(chance.uniform(0.0, 0.1))
            os.kill(pid, signal.SIGKILL)
            assert child.stdout.readline() == "\n"
            with office.open() as store:
                positions.append((store.meta("telemetry") or {"frame": 0})["frame"])
                assert store.db.execute("SELECT count(*) FROM reading").fetchone()[0] == positions[-1]
    office.drain()
    assert positions == sorted(positions)
    assert [row[4] for row in office.readings()] == [n * steps("pm25", "1") for n in range(hours)]
    with office.open(readonly=True) as store:
        assert store.db.execute("SELECT count(*) FROM reading_history").fetchone() == (0,)
        assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_job_is_live_first_and_every_minute(office: Office) -> None:
    jobs = daemon.jobs_of(office.config)
    assert (jobs[0].name, jobs[0].every, jobs[0].live) == ("telemetry", 1, True)
    office.receive("2061 DataTime=20260301080000;a34004-Avg=0.035", at=BEGIN + 60)
    office.open().close()
    assert daemon.tick(office.open, jobs[:1], BEGIN + 61) == 1
    assert len(office.readings()) == 1


def test_a_station_that_stops_sending_is_a_silent_site(office: Office) -> None:
    from envmon.pipeline.alerting import silence_findings

    office.receive("2061 DataTime=20260301080000;a34004-Avg=0.035", at=BEGIN + 60)
    office.drain(BEGIN + 61)
    with office.open() as store:

        def silent(after: int) -> set[str]:
            return {one.subject for one in silence_findings(store, office.config, BEGIN + after) if one.severity}

        assert "park" not in silent(120)
        assert "park" in silent(60 * 10)


# ---- hours made of minutes -----------------------------------------------------------------------------------------


@pytest.fixture
def minutely(tmp_path: Path) -> Office:
    return Office(tmp_path, CONFIG.replace("units = {", 'minutes = 5\nhours_from = "minutes"\nunits = {'))


def five(n: int, **values: str) -> str:
    """The n-th five minutes of 08:00 to 09:00."""
    codes = {"so2": "a21026", "pm25": "a34004"}
    body = ";".join(f"{codes[item]}-Avg={value},{codes[item]}-Flag={value and 'N'}" for item, value in values.items())
    return f"2051 DataTime=2026030108{5 * n:02d}00;{body}"


def hours(office: Office) -> dict[str, tuple[int, int, int]]:
    return {row[1]: (row[3], row[4], row[5]) for row in office.readings() if row[2] == Span.HOUR}


def test_an_hour_is_the_mean_of_its_minutes_once_it_is_over(minutely: Office) -> None:
    """12 x 5 minutes: 0.010 eleven times and 0.021 once: 131 / 12 = 10.9166… µg/m³."""
    minutely.receive(*(five(n, so2="0.010") for n in range(11)), five(11, so2="0.021"), at=BEGIN + 60)
    minutely.drain(BEGIN + 61)
    assert hours(minutely) == {}
    minutely.drain(BEGIN + 65)
    factor = steps("so2", "1")
    exact = divmod(131 * factor, 12)
    assert hours(minutely) == {"so2": (60, exact[0] + (exact[1] * 2 > 12), Mark.NONE)}
    minutely.drain(BEGIN + 66)
    assert len(hours(minutely)) == 1


def test_gases_need_45_minutes_particles_do_not(minutely: Office) -> None:
    minutely.receive(*(five(n, so2="0.010", pm25="0.020") for n in range(8)), at=BEGIN + 60)
    minutely.drain(BEGIN + 65)
    assert hours(minutely) == {"pm25": (60, steps("pm25", "20"), Mark.NONE)}
    minutely.receive(five(8, so2="0.010"), at=BEGIN + 600)  # the ninth comes late: 45 minutes
    minutely.drain(BEGIN + 601)
    assert hours(minutely)["so2"] == (60, steps("so2", "10"), Mark.NONE)


def test_minutes_that_do_not_count_are_left_out_and_late_ones_revise(minutely: Office) -> None:
    minutely.receive(*(five(n, so2="0.010") for n in range(11)), five(11, so2="0.022"), at=BEGIN + 60)
    minutely.receive(five(0, so2="0.999").replace("Flag=N", "Flag=D"), at=BEGIN + 61)
    minutely.drain(BEGIN + 65)  # ten of 10 and one of 22: 122 / 11 = 11.0909…
    factor = steps("so2", "1")
    assert hours(minutely)["so2"][1] == round(122 * factor / 11)
    minutely.receive(five(11, so2="0.010"), at=BEGIN + 70)
    minutely.drain(BEGIN + 71)
    assert hours(minutely)["so2"] == (60, steps("so2", "10"), Mark.NONE)
    for n in range(3, 8):
        minutely.receive(five(n, so2="0.010").replace("Flag=N", "Flag=M"), at=BEGIN + 80)
    minutely.drain(BEGIN + 81)  # 30 minutes are left: the hour does not count any more
    assert hours(minutely)["so2"] == (60, steps("so2", "10"), Mark.MAINTENANCE)


def test_hours_the_station_sends_are_not_used_beside_its_minutes(minutely: Office) -> None:
    minutely.receive("2061 DataTime=20260301080000;a34004-Avg=0.099", five(0, pm25="0.020"), at=BEGIN + 60)
    minutely.drain(BEGIN + 65)
    assert hours(minutely) == {"pm25": (60, steps("pm25", "20"), Mark.NONE)}


# ---- the whole way: simulated stations, sockets, journal, readings ---------------------------------------------------


def beijing() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=8)


def recorded_hours(office: Office, count: int) -> tuple[list[Row], Logger]:
    """Some hours of six items before now, and a logger that holds them."""
    chance, last = random.Random(count), int(time.time()) // 3600 * 60
    rows: list[Row] = [
        (last - 60 * n, 0, ITEMS[name].number, 60, chance.randrange(1, 300) * steps(name, "1"), 0)
        for n in reversed(range(count))
        for name in POLLUTANTS
    ]
    device = office.config.devices[0]
    return rows, Logger(introduced(device, "123456", Medium.AIR), records(rows, device, ITEMS, moments=False))


def stored(office: Office) -> list[tuple[int, int, int]]:
    with office.open(readonly=True) as store:
        return store.db.execute("SELECT ending, parameter, value FROM reading ORDER BY ending, parameter").fetchall()


def listener_of(office: Office) -> Listening:
    assert office.config.listen is not None
    return Listening(replace(office.config, listen=replace(office.config.listen, port=0)), ENVIRON)


def test_what_stations_send_is_what_is_read(office: Office) -> None:
    rows, logger = recorded_hours(office, 20)
    with listener_of(office) as listening:
        stations = Stations("127.0.0.1", listening.port, [logger], beijing)
        stations.send(lambda: False, once=True)
        assert stations.counts["answered"] >= 20
        assert stations.counts["given_up"] == 0
    office.drain(int(time.time() // 60))
    assert stored(office) == sorted((row[0], row[2], row[4]) for row in rows)


def test_history_is_filled_in_from_the_station(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The station has sent nothing of the last 30 hours and is asked for them: two or three days, a request each."""
    monkeypatch.setattr(house, "BEAT", 0.05)
    rows, logger = recorded_hours(office, 30)
    logger.next = len(logger.records)
    begin = f"{periods.moment(rows[0][0] - 60):%Y-%m-%dT%H:%M}"
    said(office, "station", AIR, "backfill", "--from", begin)

    def done() -> bool:
        found = json.loads(said(office, "station", AIR, "--json"))["requests"]
        return {one["state"] for one in found} == {"done"}

    until = time.monotonic() + 20
    with listener_of(office) as listening:
        stations = Stations("127.0.0.1", listening.port, [logger], beijing)
        stations.send(lambda: done() or time.monotonic() > until, once=False)
    office.drain(int(time.time() // 60))
    assert stored(office) == sorted((row[0], row[2], row[4]) for row in rows)
    asked = json.loads(said(office, "station", AIR, "--json"))["requests"]
    assert sum(one["frames"] for one in asked) == 30
    assert {one["answer"] for one in asked} == {"执行成功"}


# ---- the program ---------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """A process of envmon in an office."""

    def __init__(self, office: Office, *words: str) -> None:
        code = "import envmon.cli; envmon.cli.main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            cwd=office.folder,
            env=os.environ | ENVIRON,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        if self.process.stderr and not self.process.stderr.closed:
            self.process.communicate()

    def result(self) -> tuple[int, str]:
        """Wait for its end: (exit code, what it said)."""
        said = self.process.communicate(timeout=30)[1]
        return self.process.returncode, said

    def end(self) -> tuple[int, str]:
        """Ask it to end, as systemd does."""
        self.process.send_signal(signal.SIGTERM)
        return self.result()


def talk(port: int, *sent: bytes) -> list[bytes]:
    """Send frames and give what comes back; waits until somebody listens."""
    until = time.monotonic() + 20
    while True:
        try:
            one = socket.create_connection(("127.0.0.1", port), 5)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.05)
    with one:
        found = []
        for frame in sent:
            one.sendall(frame)
            found.append(one.recv(4096))
        return found


def an_hour_ago(n: int, value: str) -> bytes:
    at = (datetime.now(UTC) + timedelta(hours=8 - n)).replace(minute=0, second=0)
    head = f"QN={at:%Y%m%d%H%M%S}{n:03d};ST=22;CN=2061;PW=123456;MN={AIR};Flag=5"
    return frames.encode(f"{head};CP=&&DataTime={at:%Y%m%d%H%M%S};a34004-Avg={value},a34004-Flag=N&&")


@pytest.fixture
def listening(tmp_path: Path) -> tuple[Office, int]:
    port = free_port()
    return Office(tmp_path, CONFIG.replace("port = 9212", f"port = {port}")), port


def test_run_receives_and_takes_over_and_a_second_one_is_refused(
    listening: tuple[Office, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, port = listening
    with Program(office, "run") as service:
        (answer,) = talk(port, an_hour_ago(2, "0.035"))
        assert b"CN=9014" in answer
        with Program(office, "listen") as other:
            code, said = other.result()
            assert code == 1
            assert f"（进程 {service.process.pid}）" in said
        with Program(office, "run") as other:
            assert other.result()[0] == 1
        code, said = service.end()
    assert code == 0, said
    assert "123456" not in said
    office.drain(int(time.time() // 60))  # what came after the last beat waits for the next minute's
    assert [row[4] for row in office.readings()] == [steps("pm25", "35")]


def test_listen_alone_keeps_frames_for_a_run_that_does_not_listen(listening: tuple[Office, int]) -> None:
    office, port = listening
    with Program(office, "listen") as alone:
        assert b"CN=9014" in talk(port, an_hour_ago(3, "0.030"))[0]
        with Program(office, "run", "--no-listen") as service:
            until = time.monotonic() + 20
            while time.monotonic() < until:
                with contextlib.suppress(StoreError):  # it is being made
                    if office.readings():
                        break
                time.sleep(0.1)
            assert service.end()[0] == 0
        assert b"CN=9014" in talk(port, an_hour_ago(2, "0.035"))[0]
        assert alone.end()[0] == 0
    office.drain(int(time.time() // 60))  # what came after the last beat waits for the next minute's
    assert [row[4] for row in office.readings()] == [steps("pm25", "30"), steps("pm25", "35")]


def said(office: Office, *words: str, code: int = 0) -> str:
    found = CliRunner().invoke(cli.root, ["--config", str(office.path), *words])
    assert found.exit_code == code, found.output
    return found.stdout


def test_stations_are_shown_before_and_after_they_are_heard(office: Office) -> None:
    before = json.loads(said(office, "stations", "--json"))
    assert before["listening"] is False
    assert [one["mn"] for one in before["stations"]] == [AIR, WATER]
    assert "没有运行" in said(office, "stations")
    office.receive("2061 DataTime=20260301080000;x99999-Avg=1")
    office.drain()
    found = json.loads(said(office, "station", AIR, "--json"))
    assert found["unknown"] == [{"name": "x99999", "count": 1}]
    assert "x99999" in said(office, "station", "park")
    assert said(office, "stations", "--csv").count("\n") == 3


def test_requests_are_cut_into_days_and_left_for_the_listener(office: Office) -> None:
    said(office, "station", AIR, "backfill", "--from", "2022-03-01T20:00", "--to", "2022-03-03")
    found = json.loads(said(office, "station", AIR, "--json"))["requests"]
    assert [(one["from"], one["to"]) for one in found] == [
        ("2022-03-01 20:00", "2022-03-01 23:59"),
        ("2022-03-02 00:00", "2022-03-02 23:59"),
        ("2022-03-03 00:00", "2022-03-03 23:59"),
    ]
    assert {one["state"] for one in found} == {"waiting"}
    said(office, "station", AIR, "clock")
    assert json.loads(said(office, "station", AIR, "--json"))["requests"][-1]["command"] == "1012"


def test_a_history_asked_for_up_to_today_ends_now(office: Office) -> None:
    today = datetime.now(periods.BEIJING).date()
    said(office, "station", AIR, "backfill", "--from", f"{today - timedelta(days=1)}", "--to", f"{today}")
    found = json.loads(said(office, "station", AIR, "--json"))["requests"]
    assert found[0]["to"] == f"{today - timedelta(days=1)} 23:59"
    assert found[-1]["to"] <= f"{datetime.now(periods.BEIJING):%Y-%m-%d %H:%M}"


def test_a_day_that_waits_to_be_asked_for_is_not_asked_for_twice(office: Office) -> None:
    words = ("station", AIR, "backfill", "--from", "2022-03-01", "--to")
    for until in ("2022-03-02", "2022-03-02", "2022-03-03"):
        said(office, *words, until)
    found = json.loads(said(office, "station", AIR, "--json"))["requests"]
    assert [one["from"] for one in found] == ["2022-03-01 00:00", "2022-03-02 00:00", "2022-03-03 00:00"]
    with Journal.open(beside(office.database)) as journal:  # the listener took them over, and the station had none
        asked = [one for _, one in spool.left(spool.spool_of(office.database)) if one]
        journal.commit(Batch(requests={one.id: replace(one, state=RequestState.NO_DATA) for one in asked}))
    said(office, *words, "2022-03-01")
    assert len(json.loads(said(office, "station", AIR, "--json"))["requests"]) == 4


def test_gaps_of_a_station_whose_hours_are_made_of_minutes_are_asked_for_as_minutes(minutely: Office) -> None:
    first, config = periods.hour_ending(periods.parse("2026-03-01").first, 0), minutely.config
    for site in config.sites:
        assert of_stations(config, site, first, first + 1440, first + 3000)
        assert not of_stations(replace(config, listen=None), site, first, first + 1440, first + 3000)
    asked = [one for _, one in spool.left(spool.spool_of(minutely.database)) if one]
    assert {(one.mn, one.cn, one.begin, one.end) for one in asked} == {
        (AIR, "2051", first, first + 1439),
        (WATER, "2061", first, first + 1439),
    }


def test_a_first_word_is_not_told_as_a_last_one() -> None:
    """1 is "ready" in QnRtn and "done" in ExeRtn."""
    asked = Request("r", AIR, "2061", BEGIN, BEGIN + 60, 1, RequestState.UNANSWERED, answer="1")
    assert stations.request(asked, "zh")["answer"] == "准备执行请求"
    assert stations.request(replace(asked, state=RequestState.DONE), "zh")["answer"] == "执行成功"


@pytest.mark.parametrize(
    "words",
    [
        ("station", "NOBODY"),
        ("station", AIR, "backfill"),
        ("station", AIR, "backfill", "--from", "2022-03-02", "--to", "2022-03-01"),
        ("station", AIR, "backfill", "--from", "2020-01-01"),
        ("station", AIR, "backfill", "--from", "yesterday"),
        ("station", AIR, "dance"),
        ("station", AIR, "backfill", "--from", "2022-03-01", "--cn", "2011"),
    ],
    ids=" ".join,
)
def test_requests_that_make_no_sense_are_refused(office: Office, words: tuple[str, ...]) -> None:
    found = CliRunner().invoke(cli.root, ["--config", str(office.path), *words])
    assert found.exit_code == 2 or isinstance(found.exception, UsageError)
    assert not list(office.folder.glob("data/*.requests/*"))


# ---- the config ----------------------------------------------------------------------------------------------------


def test_what_stands_in_the_config_is_what_the_listener_gets(tmp_path: Path) -> None:
    text = CONFIG.replace(
        "port = 9212",
        'host = "::"\nport = 9300\nidle = "15m"\nban = "2m"\nkeep = "30d"\nframe_seconds = 10\nanswer = "5s"',
    ).replace('st = "21"', 'st = "21"\naddresses = ["10.1.2.0/24", "fd00::1"]\nfactors = { w01001 = "ph" }')
    config = Office(tmp_path, text).config
    listen = config.listen
    assert listen is not None
    assert (listen.host, listen.port, listen.idle, listen.ban, listen.keep) == ("::", 9300, 900, 120, 30 * 1440)
    assert (listen.frame_seconds, listen.answer, listen.connections, listen.bad_frames) == (10, 5, 2000, 10)
    water = config.devices[1]
    assert (water.mn, water.site, water.hours, water.addresses) == (WATER, "bridge", 4, ("10.1.2.0/24", "fd00::1"))
    assert (dict(water.factors), config.devices[0].units) == ({"w01001": "ph"}, {"*": "mg/m3"})


def test_without_the_tables_nothing_is_received(tmp_path: Path) -> None:
    config = Office(tmp_path, CONFIG[: CONFIG.index("[listen]")]).config
    assert (config.listen, config.devices) == (None, ())
    assert "telemetry" not in [job.name for job in daemon.jobs_of(config)]


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    wrong = """
[listen]
host = "everywhere"
port = 0
idle = "5s"
prot = 1

[[devices]]
mn = "B110000_0001"
site = "bridgee"
password_env = "654 321"
addresses = ["10.1.2.300"]
factors = { w01001 = "phh" }
units = { w21003 = "mg/m4" }

[[devices]]
mn = "A;B"
site = "bridge"
password = "654321"
st = "2"
minutes = 7
hours = 2
hours_from = "minutes"
"""
    text = CONFIG.replace("[listen]\nport = 9212\n", wrong)
    with pytest.raises(ConfigMistakes) as error:
        Office(tmp_path, text)
    found = {one.path for one in error.value.mistakes}
    assert found == {
        "listen.host", "listen.port", "listen.idle", "listen.prot",
        "devices[1].site", "devices[1].password_env", "devices[1].addresses", "devices[1].factors", "devices[1].units",
        "devices[2].mn", "devices[2].password", "devices[2].password_env", "devices[2].st", "devices[2].minutes",
        "devices[2].hours", "devices[2].hours_from", "devices[4].mn",
    }  # fmt: skip
    said = str(error.value)
    assert "bridge" in said
    assert "654" not in said
