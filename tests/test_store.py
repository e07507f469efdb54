"""The store keeps every value it ever saw, once; nothing half-done is ever visible; the outbox survives a crash."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envmon import periods
from envmon.errors import StoreBusy, StoreError
from envmon.model import (
    ABSENT,
    Basis,
    Change,
    Event,
    Flag,
    Incident,
    IncidentState,
    Medium,
    Parameter,
    Rate,
    RateName,
    Refused,
    Row,
    RuleKind,
    Severity,
    Span,
    Stream,
    Verdict,
)
from envmon.store import Store, schema

DAY = periods.parse("2022-03-01").first
NOON = periods.hour_ending(DAY, 12)
PM25, CLASS = 6, 100
LEARNED = 28_000_000  # a minute after all those of the tests


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "envmon.db"


@pytest.fixture
def store(path: Path):  # type: ignore[no-untyped-def]
    with Store.open(path) as opened:
        enter(opened)
        yield opened


def enter(store: Store) -> None:
    with store.writing() as db:
        for number, name in ((1, "a"), (2, "b")):
            db.execute("INSERT OR IGNORE INTO site VALUES (?, ?, 'city', ?, 'x', '{}')", (number, name, name))
        for parameter in (
            Parameter(PM25, "pm25", Medium.AIR, "PM2.5", "PM2.5", "µg/m³", 3),
            Parameter(CLASS, "published_class", Medium.WATER, "类别", "class", "", 0),
        ):
            names = (parameter.name, parameter.name_en)
            row = (parameter.number, parameter.id, parameter.medium.value, *names, parameter.unit, 3)
            db.execute("INSERT OR IGNORE INTO parameter VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    store.site_numbers.update(a=1, b=2)
    assert store.stream(Stream("archive", Basis.REALTIME, Span.HOUR)) == 1


def row(value: int, hour: int = 12, site: int = 1, mark: int = 0) -> Row:
    return (periods.hour_ending(DAY, hour), site, PM25, 1, value, mark)


def keep(store: Store, rows: list[Row], taken: int, refused: tuple[Refused, ...] = ()):  # type: ignore[no-untyped-def]
    return store.keep("archive", f"file {taken}", taken, LEARNED, rows, refused)


def in_force(store: Store) -> list[tuple[int, ...]]:
    return store.db.execute("SELECT ending, site, parameter, stream, value, mark FROM reading").fetchall()


def values_ever(store: Store, hour: int = 12) -> list[tuple[int, int]]:
    return [(e["value"], e["in_force"]) for e in store.history(1, PM25, periods.hour_ending(DAY, hour))]


def test_the_same_value_again_changes_nothing(store: Store) -> None:
    first = keep(store, [row(35000), row(36000, 13)], 100).tally
    again = keep(store, [row(35000), row(36000, 13)], 200).tally
    assert (first.read, first.new, first.same, first.revised) == (2, 2, 0, 0)
    assert (again.read, again.new, again.same, again.revised) == (2, 0, 2, 0)
    assert values_ever(store) == [(35000, 1)]


def test_a_later_value_comes_into_force_and_the_earlier_one_stays_known(store: Store) -> None:
    keep(store, [row(35000)], 100)
    tally = keep(store, [row(38000)], 200).tally
    assert (tally.new, tally.revised) == (0, 1)
    assert values_ever(store) == [(35000, 0), (38000, 1)]
    keep(store, [row(35000)], 300)
    assert values_ever(store) == [(35000, 0), (38000, 0), (35000, 1)]


def test_a_mark_that_changes_is_a_revision(store: Store) -> None:
    keep(store, [row(35000)], 100)
    assert keep(store, [row(35000, mark=2)], 200).tally.revised == 1


def test_an_older_snapshot_never_displaces_a_newer_value(store: Store) -> None:
    keep(store, [row(38000)], 200)
    tally = keep(store, [row(35000), row(10000, 13)], 100).tally
    assert (tally.new, tally.same, tally.revised, tally.older) == (1, 0, 0, 1)
    assert values_ever(store) == [(35000, 0), (38000, 1)]
    assert keep(store, [row(35000), row(10000, 13)], 100).tally.older == 0
    assert values_ever(store) == [(35000, 0), (38000, 1)]


def test_two_values_for_one_key_in_one_batch_are_a_conflict_and_both_stay(store: Store) -> None:
    kept = keep(store, [row(35000), row(36000), row(36000)], 100)
    assert kept.conflicts == [(NOON, 1, PM25)]
    assert values_ever(store) == [(35000, 0), (36000, 1)]


def test_a_payload_that_contradicts_itself_is_stored_once_however_often_it_comes(store: Store) -> None:
    first = keep(store, [row(35000), row(36000)], 100)
    assert (first.tally.new, first.tally.same, first.tally.revised) == (1, 1, 0)
    store.clean(Medium.AIR, [(DAY, 1)])
    for taken in range(101, 150):
        again = keep(store, [row(35000), row(36000)], taken)
        assert (again.tally.new, again.tally.same, again.tally.revised, again.tally.older) == (0, 2, 0, 0)
        assert again.conflicts == [(NOON, 1, PM25)]
    assert store.dirty(Medium.AIR) == []
    assert values_ever(store) == [(35000, 0), (36000, 1)]
    late = keep(store, [row(34000), row(36000)], 50).tally  # an older one, of which only the loser is new
    assert (late.new, late.revised, late.older) == (0, 0, 0)
    assert {value for value, _ in values_ever(store)} == {34000, 35000, 36000}


def test_a_value_seen_by_a_clock_that_was_ahead_gives_way(store: Store) -> None:
    store.keep("archive", "ahead", 2 * LEARNED, 2 * LEARNED, [row(35000), row(35000, 13)])
    for hour, taken in ((12, 900), (13, 100)):  # as the newest payload, and as one behind another
        assert keep(store, [row(38000, hour)], taken).tally.revised == 1
        assert values_ever(store, hour)[-1] == (38000, 1)
    assert keep(store, [row(39000)], 950).tally.revised == 1


def test_a_reading_far_ahead_is_kept_but_not_taken_for_the_latest(store: Store) -> None:
    now = periods.hour_ending(DAY, 12)
    store.keep("archive", "x", now, now, [row(1, 12), row(2, 24), row(3, 24 * 400)])
    assert store.latest() == {1: periods.hour_ending(DAY, 24)}  # the running day may be dated at its end
    assert len(in_force(store)) == 3


def test_the_readings_of_other_sites_are_not_searched(store: Store) -> None:
    """SQLite goes to each hour and site of the batch by the primary key."""
    seen: list[str] = []
    store.db.set_trace_callback(seen.append)
    keep(store, [row(1, hour, site) for hour in (1, 2, 3) for site in (1, 2)], 100)
    store.db.set_trace_callback(None)
    (count, *_) = [one for one in seen if one.startswith("SELECT count(*) FROM reading WHERE")]
    (plan,) = store.db.execute(f"EXPLAIN QUERY PLAN {count}").fetchall()
    assert "USING PRIMARY KEY (ending=? AND site=?)" in plan[3]


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(6)), st.lists(st.integers(1, 3), min_size=6, max_size=6))
def test_whatever_the_order_of_arrival_the_same_values_are_in_force(order: list[int], values: list[int]) -> None:
    """Six snapshots of one hour, taken one after another; fed in any order, some twice."""
    found = []
    for sequence in (list(range(6)), [*order, *order[:3]]):
        with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "x.db") as store:
            enter(store)
            for taken in sequence:
                keep(store, [row(values[taken])], 100 + taken)
            found.append((in_force(store), {value for value, _ in values_ever(store)}))
    assert found[0] == found[1]


def test_what_was_refused_is_kept_with_its_reason(store: Store) -> None:
    refused = (Refused("file", 7, "not a number", "12x", "May", 3),)
    kept = keep(store, [row(1)], 100, refused)
    assert (kept.tally.read, kept.tally.refused) == (2, 1)
    keep(store, [row(1)], 200, refused)  # read again in the next look-back window
    (found,) = store.rejects(0, 2**40, "archive")
    told = {"origin": "file", "sheet": "May", "line": 7, "column": 3, "reason": "not a number", "text": "12x"}
    assert found.items() >= told.items()
    keep(store, [row(1)], 300, (Refused("file", 7, "not a number", "12x", "June", 3),))  # the like on another sheet
    assert {one["sheet"] for one in store.rejects(0, 2**40)} == {"May", "June"}
    assert store.rejects(0, 2**40, "other") == store.rejects(0, LEARNED - 1) == []
    assert (store.reject_count(LEARNED), store.reject_count(LEARNED + 1)) == (2, 0)


def test_only_days_that_changed_are_marked_for_judging(store: Store) -> None:
    keep(store, [row(1), row(2, 24), row(3, site=2)], 100)
    assert store.dirty(Medium.AIR) == [(DAY, 1), (DAY, 2)]
    store.clean(Medium.AIR, [(DAY, 1), (DAY, 2)])
    keep(store, [row(1), row(2, 24), row(4, site=2)], 200)
    assert store.dirty(Medium.AIR) == [(DAY, 2)]
    assert store.latest() == {1: periods.hour_ending(DAY, 24), 2: NOON}


def test_a_reading_can_neither_be_deleted_nor_overwritten_without_trace(store: Store) -> None:
    keep(store, [row(1)], 100)
    for table in ("reading", "reading_history"):
        keep(store, [row(2)], 200)
        with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
            store.db.execute(f"DELETE FROM {table}")
    store.db.execute("UPDATE reading SET value = 9")
    assert values_ever(store) == [(1, 0), (2, 0), (9, 1)]


def test_hours_come_back_as_arrays_with_gaps(store: Store) -> None:
    keep(store, [row(35000, 1), row(-1000, 24), row(7000, 2, site=2, mark=2)], 100)
    values, marks = store.air_hours([2, 1], DAY, DAY)
    assert values.shape == marks.shape == (6, 24, 2)
    assert values[5, :, 1].tolist() == [35000, *[ABSENT] * 22, -1000]
    assert (values[5, 1, 0], marks[5, 1, 0]) == (7000, 2)
    assert (values[:5] == ABSENT).all()
    assert values.dtype == np.int32


def test_of_several_streams_the_reviewed_one_wins_then_the_one_first_in_the_config(store: Store) -> None:
    """Five streams of one hour, entered in this order; each value is the number of its stream."""
    named = [
        ("archive", Basis.REALTIME),
        ("gone", Basis.REALTIME),
        ("first", Basis.REALTIME),
        ("second", Basis.REVIEWED),
    ]
    numbers = [store.stream(Stream(source, basis, Span.HOUR)) for source, basis in [*named, ("gone", Basis.REVIEWED)]]
    assert numbers == [1, 2, 3, 4, 5]
    store.set_meta("sources", ["first", "archive", "second"])

    def winner(*streams: int) -> tuple[int, int]:
        hour = 1 + len(store.db.execute("SELECT DISTINCT ending FROM reading").fetchall())
        minute = periods.hour_ending(DAY, hour)
        store.keep("x", "x", 500, 500, [(minute, 1, PM25, stream, stream, 0) for stream in streams])
        (last,) = {row[2]: row[3] for row in store.water_readings([1], minute - 1, minute)}.values()
        return int(store.air_hours([1], DAY, DAY)[0][5, hour - 1, 0]), last

    assert winner(1, 2) == (1, 1)  # a source that left the config, as when it was renamed, comes last
    assert winner(1, 3) == (3, 3)  # the order of the config, not that of coming
    assert winner(3, 5) == (5, 5)  # reviewed before real-time, even of a source that has gone
    assert winner(1, 2, 3, 4, 5) == (4, 4)


def test_flags_are_replaced_within_their_window_and_tests_only(store: Store) -> None:
    def verdict(test: str, hour: int) -> Verdict:
        return Verdict(periods.hour_ending(DAY, hour), 1, PM25, test, Flag.SUSPECT, "")

    start, end = periods.hour_ending(DAY, 0), periods.hour_ending(DAY, 24)
    store.add_flags([verdict("duplicate", 3)])
    store.save_flags(["spike"], [1], start, end, [verdict("spike", 5)])
    store.save_flags(["spike"], [1], start, end, [verdict("spike", 6)])
    assert store.flags(1, start, end) == [verdict("duplicate", 3), verdict("spike", 6)]


INCIDENT = Incident(
    0, "daily", RuleKind.DAILY_AQI, "a", IncidentState.OPEN, Severity.WARNING, 120, NOON, NOON, NOON, {"aqi": 120}
)


def test_incident_and_notices_are_written_together_and_wait_until_sent(store: Store, path: Path) -> None:
    (event,) = store.apply([Event(Change.OPEN, INCIDENT, NOON)], ["jsonl", "log"])
    assert event.incident.id == 1
    with pytest.raises(StoreError, match="UNIQUE"):
        store.apply([Event(Change.OPEN, INCIDENT, NOON)], ["jsonl"])
    first, second = store.pending_notices()
    assert (first.channel, second.channel, first.event.incident.facts) == ("jsonl", "log", {"aqi": 120})
    store.notice_sent(first, NOON)
    store.notice_failed(second, NOON, "disk full", for_good=False)
    assert [(n.channel, n.tries) for n in store.pending_notices()] == [("log", 1)]
    store.notice_failed(second, NOON, "gone", for_good=True)
    assert store.pending_notices() == []
    (open_one,) = store.open_incidents()
    assert open_one == event.incident


def test_a_resolved_incident_leaves_room_for_the_next(store: Store) -> None:
    from dataclasses import replace

    (event,) = store.apply([Event(Change.OPEN, INCIDENT, NOON)], ["log"])
    resolved = replace(event.incident, state=IncidentState.RESOLVED, last=NOON + 60)
    store.apply([Event(Change.RESOLVED, resolved, NOON + 60)], ["log"])
    assert store.open_incidents() == []
    (again,) = store.apply([Event(Change.OPEN, replace(INCIDENT, opened=NOON + 120), NOON + 120)], ["log"])
    assert again.incident.id == 2
    assert [i.id for i in store.incidents(NOON, NOON + 200)] == [2, 1]
    assert [n.event.change for n in store.pending_notices()] == [Change.OPEN, Change.RESOLVED, Change.OPEN]


def test_slots_are_done_once_or_listed_as_failed(store: Store) -> None:
    assert store.slot_state("pull", 2**40).served is None
    store.start_slots("pull", [60, 120], 130)
    store.finish_slots("pull", [60, 120], 131)
    store.start_slots("pull", [180], 190)
    store.fail_slots("pull", [180], 190, "SourceUnavailable: refused", 191)
    state = store.slot_state("pull", 2**40)
    assert (state.served, state.failures, state.next_try) == (120, 1, 191)
    store.start_slots("pull", [180], 191)
    store.fail_slots("pull", [180], 191, "SourceUnavailable: refused", 193)
    assert store.slot_state("pull", 2**40).failures == 2
    assert store.failing(2**40) == [{"job": "pull", "tries": 2, "since": 180, "error": "SourceUnavailable: refused"}]
    store.start_slots("pull", [180], 193)
    store.finish_slots("pull", [180], 193)
    assert store.failing(2**40) == []
    store.beat(200, 11)
    store.beat(201, 11)
    assert store.last_beat() == 201


def test_a_reader_sees_only_what_is_committed_and_can_write_nothing(store: Store, path: Path) -> None:
    keep(store, [row(1)], 100)
    with Store.open(path, readonly=True) as reader:
        store.db.execute("BEGIN IMMEDIATE")
        store.db.execute("INSERT INTO meta VALUES ('x', '1')")
        assert reader.meta("x") is None
        assert in_force(reader) == [row(1)]
        store.db.execute("COMMIT")
        assert reader.meta("x") == 1
        with pytest.raises(StoreError, match="readonly"):
            reader.set_meta("y", 2)


def test_one_writer_at_a_time_and_the_second_is_told_who(store: Store, path: Path) -> None:
    with pytest.raises(StoreBusy, match=str(os.getpid())):
        Store.open(path, wait=0.05)


def test_a_lock_left_behind_by_a_dead_process_is_not_in_the_way(path: Path) -> None:
    path.parent.mkdir()
    path.with_name("envmon.db.lock").write_text("99999")
    Store.open(path).close()


def test_a_database_of_the_first_schema_is_brought_to_the_present_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as then:
        steps = dict(list(schema.STEPS.items())[:3])
        then.setattr(schema, "STEPS", steps)
        then.setattr(schema, "VERSION", 1)
        Store.open(path).close()
    db = sqlite3.connect(path)
    db.execute("""INSERT INTO meta VALUES ('rules', '{"daily": "daily_aqi"}')""")
    for rule in ("daily", "gone"):
        db.execute(
            "INSERT INTO incident (rule, subject, state, severity, opened, last, told, facts)"
            " VALUES (?, 'a', 'open', 2, 1, 2, 3, '{}')",
            (rule,),
        )
    for editions, good in (("HJ 633-2012", 59), ("HJ 633-2012 HJ 633-2026", 60)):
        rate = Rate(
            RateName.GOOD_DAYS, "a", periods.Period(1, 61, "p"), good, 61, (), tuple(editions.split(" HJ")), "", 0
        )
        content = json.dumps(asdict(rate))
        db.execute("INSERT INTO rate VALUES ('good_days', 'a', 1, 61, ?, ?, 61, ?)", (editions, good, content))
    db.commit()
    db.close()
    with pytest.raises(StoreError, match="older"):
        Store.open(path, readonly=True)
    for _ in range(2):
        with Store.open(path) as store:
            kinds = {one.rule: one.kind for one in store.open_incidents()}
            assert kinds == {"daily": RuleKind.DAILY_AQI, "gone": None}
            (rate,) = store.rates(RateName.GOOD_DAYS, "a", 1, 61, "by-date")
            assert rate.numerator == 60
            assert store.published_figures() == store.corrections() == []
            assert store.db.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def test_a_newer_schema_is_refused(path: Path) -> None:
    Store.open(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    for readonly in (True, False):
        with pytest.raises(StoreError, match="schema 99 is newer"):
            Store.open(path, readonly=readonly)


def test_what_is_not_there_or_not_a_database_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database yet"):
        Store.open(tmp_path / "none.db", readonly=True)
    (tmp_path / "text.db").write_text("these are not the bytes of a database, however long they go on" * 50)
    for readonly in (True, False):
        with pytest.raises(StoreError, match="not a database"):
            Store.open(tmp_path / "text.db", readonly=readonly)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="folder"):
        Store.open(tmp_path / "file" / "envmon.db")


def test_a_read_only_folder_is_said_so(tmp_path: Path) -> None:
    """A real read-only mount, in a namespace of its own; root would walk through mere permissions."""
    folder = tmp_path / "ro"
    folder.mkdir()
    script = """
import sys
from pathlib import Path
from envmon.errors import StoreError
from envmon.store import Store
try:
    Store.open(Path(sys.argv[1]) / "envmon.db")
except StoreError as error:
    print(error)
"""
    mount = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "-Urm", "sh", "-c", mount, "sh", str(folder), sys.executable, script]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "must be writable" in found.stdout, found.stderr


def test_killed_in_the_middle_of_a_batch_nothing_half_done_is_visible(path: Path) -> None:
    """kill -9 while a large batch is written: afterwards it is there whole or not at all, and can be kept again."""
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from envmon.store import Store
with Store.open(Path({str(path)!r})) as store:
    store.stream.__self__
    rows = [(i * 60, 1, 6, 1, i, 0) for i in range(400_000)]
    store.keep("archive", "small", 1, 1, rows[:10])
    print("ready", flush=True)
    store.keep("archive", "large", 2, 2, rows)
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.15)
    child.send_signal(signal.SIGKILL)
    child.wait(timeout=10)
    child.stdout.close()
    with Store.open(path) as store:
        count = store.db.execute("SELECT count(*) FROM reading").fetchone()[0]
        assert count in (10, 400_000)
        assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = [(i * 60, 1, 6, 1, i, 0) for i in range(400_000)]
        store.keep("archive", "large", 2, 2, rows)
        assert store.db.execute("SELECT count(*) FROM reading").fetchone()[0] == 400_000


def test_an_error_in_the_middle_leaves_nothing_of_the_batch(store: Store) -> None:
    with pytest.raises(StoreError, match="nothing of this step"):
        keep(store, [row(1), (NOON, 1, None, 1, 2, 0)], 100)  # type: ignore[list-item]
    assert in_force(store) == []
    assert store.db.execute("SELECT count(*) FROM batch").fetchone()[0] == 0


def test_the_view_for_people_shows_names_and_decimal_values(store: Store) -> None:
    keep(store, [row(35500)], 100)
    found = store.db.execute("SELECT site, parameter, ending, value, unit, source FROM readings").fetchone()
    assert found == ("a", "pm25", "2022-03-01 12:00:00", 35.5, "µg/m³", "archive")


def test_reading_the_store_needs_no_heavy_library(path: Path) -> None:
    Store.open(path).close()
    script = f"""
import sys
from pathlib import Path
from envmon.store import Store
with Store.open(Path({str(path)!r}), readonly=True) as store:
    store.meta("x"), store.outlooks(), store.open_incidents(), store.failing(2**40), store.last_beat(), store.latest()
print(sorted({{"numpy", "pandas", "sqlite_utils", "pydantic", "requests", "matplotlib"}} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
