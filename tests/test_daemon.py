"""The heartbeat: every slot is served once, failures wait and do not spread, an outage is made up for in one run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from envmon import daemon, periods
from envmon.cli import Session
from envmon.cli.status import about_service
from envmon.daemon import Job
from envmon.errors import SourceUnavailable, StoreBusy, UsageError
from envmon.pipeline.board import board
from envmon.pipeline.importing import import_file, spec_of
from envmon.store import Opened, Store

SAMPLE = Path(__file__).parent.parent / "data/sample"
HOUR, DAY, WEEK = 60, 1440, 7 * 1440
MIDNIGHT = periods.hour_ending(periods.parse("2022-03-09").first, 0)  # a Wednesday
NINE = MIDNIGHT + 9 * HOUR
LATER = MIDNIGHT + 99 * DAY


def idle(opened: Opened, first: int, last: int, now: int) -> None:
    pass


class Work:
    """A job's work that notes what it was asked to serve, and fails while told to."""

    def __init__(self) -> None:
        self.runs: list[tuple[int, int, int]] = []
        self.error: Exception | None = None

    def __call__(self, opened: Opened, first: int, last: int, now: int) -> None:
        self.runs.append((first, last, now))
        if self.error is not None:
            raise self.error


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "envmon.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


def slots(store: Store, job: str, state: str = "done") -> list[int]:
    return [row[0] for row in store.db.execute("SELECT at FROM slot WHERE job=? AND state=? ORDER BY at", (job, state))]


# ---- which slots are due -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "at", "now", "newest"),
    [
        (HOUR, 35, NINE + 34, NINE - HOUR),  # 09:34: the hour that starts at 09:00 is due at 09:35
        (HOUR, 35, NINE + 35, NINE),
        (4 * HOUR, HOUR, MIDNIGHT + HOUR - 1, MIDNIGHT - 4 * HOUR),
        (4 * HOUR, HOUR, MIDNIGHT + HOUR, MIDNIGHT),
        (DAY, 8 * HOUR, MIDNIGHT + 8 * HOUR - 1, MIDNIGHT - DAY),  # days begin at 00:00 Beijing time
        (DAY, 8 * HOUR, MIDNIGHT + 8 * HOUR, MIDNIGHT),
        (WEEK, 6 * HOUR, NINE, MIDNIGHT - 2 * DAY),  # Wednesday: the week that began on Monday
        (WEEK, 6 * HOUR, MIDNIGHT + 5 * DAY + 6 * HOUR - 1, MIDNIGHT - 2 * DAY),  # next Monday 05:59
        (WEEK, 6 * HOUR, MIDNIGHT + 5 * DAY + 6 * HOUR, MIDNIGHT + 5 * DAY),
    ],
)
def test_latest_slot(every: int, at: int, now: int, newest: int) -> None:
    assert daemon.latest_slot(Job("x", every, at, idle), now) == newest


def test_a_first_start_serves_only_the_newest_slot_and_later_ones_all_since_the_last() -> None:
    job = Job("x", HOUR, 5, idle)
    assert list(daemon.due(job, None, NINE + 5)) == [NINE]
    assert list(daemon.due(job, NINE, NINE + 64)) == []
    assert list(daemon.due(job, NINE, NINE + 3 * HOUR + 5)) == [NINE + HOUR, NINE + 2 * HOUR, NINE + 3 * HOUR]


def test_slots_stay_on_the_hour_when_a_job_is_asked_less_often_than_before() -> None:
    four = Job("x", 4 * HOUR, 0, idle)
    assert list(daemon.due(four, NINE, NINE + HOUR)) == []
    assert list(daemon.due(four, NINE, MIDNIGHT + 17 * HOUR)) == [MIDNIGHT + 12 * HOUR, MIDNIGHT + 16 * HOUR]


def test_without_jobs_the_next_beat_is_a_day_later() -> None:
    assert daemon.next_due((), NINE) == NINE + DAY


def test_next_due_is_the_first_of_all_jobs() -> None:
    jobs = (Job("a", HOUR, 35, idle), Job("b", HOUR, 40, idle), Job("c", DAY, 8 * HOUR, idle))
    assert daemon.next_due(jobs, NINE) == NINE + 35
    assert daemon.next_due(jobs, NINE + 35) == NINE + 40
    assert daemon.next_due(jobs, NINE + 40) == NINE + 95
    assert daemon.next_due(jobs[2:], NINE) == MIDNIGHT + DAY + 8 * HOUR


def test_the_jobs_of_a_config_pull_first_then_judge_then_draw_then_fill(bureau) -> None:  # type: ignore[no-untyped-def]
    jobs = daemon.jobs_of(bureau.config)
    assert [(job.name, job.every, job.at) for job in jobs] == [
        ("pull archive", HOUR, 35),
        ("pull water", 4 * HOUR, HOUR),
        ("pull lab", DAY, 8 * HOUR),
        ("judge", HOUR, 40),
        ("charts", WEEK, 6 * HOUR),
        ("backfill", 4 * HOUR, 50),
    ]


# ---- ticks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SourceUnavailable("refused"), "refused"),
        (UsageError("error.source.no_codes", name="air"), "数据源 air：没有一个城市或空气站点写了 code"),
        (ValueError("a bug"), "ValueError: a bug"),
        (KeyError("x"), "KeyError: 'x'"),
        (OSError("disk"), "OSError: disk"),
    ],
)
def test_a_job_that_raises_is_recorded_and_does_not_stop_the_next(store: Store, error: Exception, said: str) -> None:
    bad, good = Work(), Work()
    bad.error = error
    assert daemon.tick(daemon.kept_open(store), (Job("bad", HOUR, 0, bad), Job("good", HOUR, 0, good)), NINE) == 1
    assert slots(store, "good") == [NINE]
    assert slots(store, "bad") == []
    (failing,) = store.failing(LATER)
    assert failing["job"] == "bad"
    assert failing["tries"] == 1
    assert failing["error"].startswith(said)
    assert store.last_beat() == NINE


def test_a_failed_job_is_tried_again_after_longer_and_longer_pauses(store: Store) -> None:
    work = Work()
    work.error = SourceUnavailable("refused")
    job = Job("x", DAY, 0, work)
    for minute in range(MIDNIGHT, MIDNIGHT + 3 * HOUR):
        daemon.tick(daemon.kept_open(store), (job,), minute)
    tried = [now - MIDNIGHT for _, _, now in work.runs]
    assert tried == [0, 1, 3, 7, 15, 31, 63, 123]
    work.error = None
    assert daemon.tick(daemon.kept_open(store), (job,), MIDNIGHT + 183) == 1
    assert slots(store, "x") == [MIDNIGHT]
    assert store.failing(LATER) == []


def test_a_success_begins_the_pauses_anew(store: Store) -> None:
    work = Work()
    job = Job("x", HOUR, 0, work)
    work.error = SourceUnavailable("refused")
    for minute in (NINE, NINE + 1, NINE + 3):
        daemon.tick(daemon.kept_open(store), (job,), minute)
    work.error = None
    daemon.tick(daemon.kept_open(store), (job,), NINE + 7)
    work.error = SourceUnavailable("refused")
    daemon.tick(daemon.kept_open(store), (job,), NINE + HOUR)
    state = store.slot_state("x", LATER)
    assert (state.served, state.failures, state.next_try) == (NINE, 1, NINE + HOUR + 1)


def test_while_a_service_is_out_the_hours_pile_up_and_are_served_in_one_run(store: Store) -> None:
    work = Work()
    job = Job("x", HOUR, 5, work)
    daemon.tick(daemon.kept_open(store), (job,), NINE + 5)
    work.error = SourceUnavailable("refused")
    for minute in range(NINE + 65, NINE + 5 * HOUR + 5, 1):
        daemon.tick(daemon.kept_open(store), (job,), minute)
    work.error = None
    work.runs.clear()
    daemon.tick(daemon.kept_open(store), (job,), NINE + 7 * HOUR)
    assert work.runs == [(NINE + HOUR, NINE + 6 * HOUR, NINE + 7 * HOUR)]
    assert slots(store, "x") == [NINE + hour * HOUR for hour in range(7)]
    assert slots(store, "x", "failed") == []


def test_a_job_that_runs_every_few_minutes_does_not_pile_up_slots(store: Store) -> None:
    job = Job("often", 5, 0, idle)
    for now in range(NINE, NINE + 5 * DAY, 5):
        daemon.tick(daemon.kept_open(store), (job,), now)
    assert slots(store, "often")[-1] == NINE + 5 * DAY - 5
    assert len(slots(store, "often")) <= 2 * DAY // 5 + 24


def test_recorded_time_is_lived_through_without_live_jobs(store: Store) -> None:
    jobs = (Job("often", 5, 0, idle, live=True), Job("hourly", HOUR, 0, idle))
    daemon.replay(daemon.kept_open(store), jobs, NINE, NINE + 2 * HOUR, lambda now: None, daemon.Stop())
    assert slots(store, "often") == []
    assert slots(store, "hourly") == [NINE, NINE + HOUR, NINE + 2 * HOUR]


def test_an_outage_is_made_up_for_in_one_ranged_run_with_every_slot_recorded(store: Store) -> None:
    hourly, weekly = Work(), Work()
    jobs = (Job("hourly", HOUR, 35, hourly), Job("weekly", WEEK, 6 * HOUR, weekly))
    daemon.tick(daemon.kept_open(store), jobs, NINE + 35)
    assert daemon.tick(daemon.kept_open(store), jobs, NINE + 35 + 10 * DAY) == 240 + 1
    assert hourly.runs[1:] == [(NINE + HOUR, NINE + 10 * DAY, NINE + 35 + 10 * DAY)]
    assert slots(store, "hourly") == [NINE + hour * HOUR for hour in range(241)]
    assert slots(store, "weekly") == [MIDNIGHT - 2 * DAY, MIDNIGHT + 5 * DAY]


def test_a_restart_repeats_nothing(path: Path) -> None:
    work = Work()
    job = Job("x", HOUR, 0, work)
    for _ in range(3):
        with Store.open(path) as store:
            daemon.tick(daemon.kept_open(store), (job,), NINE)
    assert work.runs == [(NINE, NINE, NINE)]


def test_a_slot_that_was_running_when_the_process_died_is_served_again(path: Path) -> None:
    work = Work()
    job = Job("x", HOUR, 0, work)
    with Store.open(path) as store:
        store.start_slots("x", range(NINE, NINE + 1), NINE)
        assert store.failing(NINE) == []  # as far as anyone can tell it runs
    with Store.open(path) as store:
        assert daemon.tick(daemon.kept_open(store), (job,), NINE + 1) == 1
        assert slots(store, "x") == [NINE]
        assert store.db.execute("SELECT tries FROM slot").fetchone() == (2,)


def test_a_job_that_kills_the_process_is_tried_less_and_less_often(path: Path) -> None:
    """A real process that dies in the job, started again every minute as a service manager does."""
    Store.open(path).close()
    script = f"""
import os, sys
from functools import partial
from pathlib import Path
from envmon import daemon
from envmon.store import Store
jobs = (daemon.Job("good", 60, 0, lambda *_: None), daemon.Job("x", 60, 0, lambda *_: os._exit(9)))
for now in range(int(sys.argv[1]), {NINE + 16}):
    daemon.tick(partial(Store.open, Path({str(path)!r})), jobs, now)
"""
    died, now = [], NINE
    while now < NINE + 16:
        done = subprocess.run([sys.executable, "-c", script, str(now)], capture_output=True, check=False)
        with Store.open(path, readonly=True) as store:
            (row,) = store.db.execute("SELECT started FROM slot WHERE job = 'x' AND state <> 'done'").fetchall()
        if done.returncode != 9:
            break
        died.append(row[0] - NINE)
        now = row[0] + 1
    assert died == [0, 1, 3, 7, 15]
    with Store.open(path) as store:
        daemon.tick(daemon.kept_open(store), (), NINE + 16)
        assert slots(store, "good") == [NINE]
        (failing,) = store.failing(NINE + 16)
        assert (failing["job"], failing["tries"], failing["error"]) == ("x", 5, "进程在这项工作中途结束")


def test_a_first_start_that_fails_for_days_keeps_every_slot_since(store: Store) -> None:
    work = Work()
    work.error = SourceUnavailable("refused")
    job = Job("x", HOUR, 5, work)
    for hour in range(72):
        daemon.tick(daemon.kept_open(store), (job,), NINE + 5 + hour * HOUR)
    work.error = None
    assert daemon.tick(daemon.kept_open(store), (job,), NINE + 5 + 72 * HOUR) == 73
    assert work.runs[-1][:2] == (NINE, NINE + 72 * HOUR)
    assert store.failing(LATER) == []


def test_a_clock_that_was_ahead_once_stops_nothing(store: Store) -> None:
    good, bad = Work(), Work()
    jobs = (Job("good", HOUR, 0, good), Job("bad", DAY, 0, bad))
    opened = daemon.kept_open(store)
    daemon.tick(opened, jobs, NINE)
    bad.error = SourceUnavailable("refused")
    daemon.tick(opened, jobs, NINE + 3650 * DAY)
    bad.error = None
    assert daemon.tick(opened, jobs, NINE + HOUR) == 1
    assert sum(daemon.tick(opened, jobs, NINE + hour * HOUR) for hour in range(2, 48)) == 46 + 2
    assert store.failing(NINE + 48 * HOUR) == []


def test_a_beat_of_a_clock_that_was_ahead_is_said_and_not_taken_for_life(bureau, store: Store) -> None:  # type: ignore[no-untyped-def]
    store.beat(NINE, 1)
    store.beat(NINE + 3650 * DAY, 2)
    found = board(store, NINE + 11, "zh")["daemon"]
    assert found == {
        "alive": False,
        "last_beat": periods.clock(NINE),
        "clock_ahead": periods.clock(NINE + 3650 * DAY),
    }
    assert "机器时钟曾经走快" in "\n".join(about_service(board(store, NINE + 11, "zh"), Session(bureau.path, "zh")))
    store.beat(NINE + 10, 3)  # the next one, with the clock set right
    found = board(store, NINE + 11, "zh")["daemon"]
    assert (found["alive"], found["clock_ahead"]) == (True, None)


def test_status_names_a_failing_job_in_words(store: Store, bureau) -> None:  # type: ignore[no-untyped-def]
    """A source by its id, not by the English name of its job."""
    store.start_slots("pull archive", [NINE], NINE)
    store.fail_slots("pull archive", [NINE], NINE, "没有应答", NINE + 5)
    for lang, words in (("zh", "数据源 archive 自"), ("en", "source archive")):
        told = "\n".join(about_service(board(store, NINE + 1, lang), Session(bureau.path, lang)))
        assert words in told
        assert "pull" not in told


def test_a_clock_set_back_serves_no_slot_twice(store: Store) -> None:
    work = Work()
    job = Job("x", HOUR, 0, work)
    times = [NINE, NINE + HOUR, NINE - 5 * HOUR, NINE, NINE + HOUR, NINE + HOUR + 59, NINE + 2 * HOUR]
    for now in times:
        daemon.tick(daemon.kept_open(store), (job,), now)
    assert [run[:2] for run in work.runs] == [(NINE + hour * HOUR, NINE + hour * HOUR) for hour in (0, 1, -5, 2)]
    assert store.last_beat() == NINE + 2 * HOUR


def test_a_tick_told_to_stop_finishes_the_job_in_hand_and_begins_no_other(store: Store) -> None:
    stop, second = daemon.Stop(), Work()

    def first(opened: Opened, *_: int) -> None:
        stop.asked = True

    assert daemon.tick(daemon.kept_open(store), (Job("a", HOUR, 0, first), Job("b", HOUR, 0, second)), NINE, stop) == 1
    assert slots(store, "a") == [NINE]
    assert second.runs == []
    assert store.last_beat() == NINE


def test_a_store_busy_is_nobodys_failure(store: Store) -> None:
    work = Work()
    work.error = StoreBusy("process 1 is writing")
    with pytest.raises(StoreBusy):
        daemon.tick(daemon.kept_open(store), (Job("x", HOUR, 0, work),), NINE)
    assert store.failing(LATER) == []


def test_replay_jumps_from_one_due_minute_to_the_next(store: Store) -> None:
    hourly, daily, clock = Work(), Work(), []
    jobs = (Job("hourly", HOUR, 35, hourly), Job("daily", DAY, 8 * HOUR, daily))
    until = MIDNIGHT + DAY
    assert daemon.replay(daemon.kept_open(store), jobs, MIDNIGHT, until, clock.append, daemon.Stop()) == 25 + 2
    assert [now for _, _, now in hourly.runs] == [MIDNIGHT, *range(MIDNIGHT + 35, until, HOUR)]
    assert [now for _, _, now in daily.runs] == [MIDNIGHT, MIDNIGHT + 8 * HOUR]
    assert clock == sorted(set(clock))


def test_serve_opens_the_store_only_for_a_tick_and_survives_a_busy_one(path: Path) -> None:
    stop, ticks = daemon.Stop(), []

    class Clock:
        def now(self) -> int:
            return NINE

    def work(opened: Opened, *_: int) -> None:
        ticks.append(opened)
        stop.asked = True

    def opened(readonly: bool = False) -> Store:
        if not ticks:
            stop.asked = True  # one pulse is enough
            raise StoreBusy("process 1 is writing")
        return Store.open(path)

    daemon.serve(opened, (Job("x", HOUR, 0, work),), Clock(), stop)
    assert ticks == []
    stop.asked = False
    daemon.serve(partial(Store.open, path), (Job("x", HOUR, 0, work),), Clock(), stop)
    assert len(ticks) == 1
    Store.open(path, wait=0).close()  # free again


# ---- one daemon at a time; signals ---------------------------------------------------------------------------------


def test_a_second_daemon_is_refused_with_the_first_ones_process(path: Path) -> None:
    refused = pytest.raises(StoreBusy, match=str(os.getpid()))
    with daemon.single_instance(path), refused, daemon.single_instance(path):
        pass
    with daemon.single_instance(path):
        pass


class Slow:
    """A service that has only empty day files and keeps the caller waiting for them until `go` is set."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        slow = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                slow.asked.set()
                slow.go.wait(20)
                body = "date,hour,type,甘孜州\n".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    made.thread.start()
    yield made
    made.go.set()
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


@pytest.fixture
def started(bureau) -> Iterator[Callable[[], subprocess.Popen[str]]]:  # type: ignore[no-untyped-def]
    running: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "import envmon.cli; envmon.cli.main()", "--config", str(bureau.path), "run"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_step_in_hand_finish_and_ends_well(bureau, slow, started, number) -> None:  # type: ignore[no-untyped-def]
    bureau.edit(bureau.config.sources[0].url.removesuffix("/archive/"), slow.url)
    first = started()
    assert slow.asked.wait(20)  # the first pull is under way
    second = started()
    out, err = second.communicate(timeout=30)
    assert second.returncode == 1
    assert str(first.pid) in err
    assert "Traceback" not in err
    first.send_signal(number)
    slow.go.set()
    out, err = first.communicate(timeout=30)
    assert (first.returncode, out) == (0, "")
    assert "Traceback" not in err
    with Store.open(bureau.database, readonly=True) as store:
        found = store.db.execute("SELECT job, state FROM slot").fetchall()
        assert found == [("pull archive", "done")]  # and no other job was begun
        assert store.last_beat() is not None


def test_others_may_write_while_a_service_keeps_a_pull_waiting(bureau, slow) -> None:  # type: ignore[no-untyped-def]
    bureau.edit(bureau.config.sources[0].url.removesuffix("/archive/"), slow.url)
    config, now = bureau.config, bureau.at("2022-01-24T08:35")
    bureau.open(config).close()
    jobs = tuple(job for job in daemon.jobs_of(config) if job.name == "pull archive")
    beat = threading.Thread(target=daemon.tick, args=(partial(Store.open, bureau.database), jobs, now), daemon=True)
    beat.start()
    assert slow.asked.wait(20)
    with Store.open(bureau.database, wait=0) as store:
        spec = spec_of(config, "archive")
        tally, _ = import_file(store, config, spec, SAMPLE / "archive/china_cities_2022.csv.gz", now)
        assert tally.new > 1000
    slow.go.set()
    beat.join(30)
    assert not beat.is_alive()
    with Store.open(bureau.database, readonly=True) as store:
        assert len(slots(store, "pull archive")) == 1


def test_the_charts_of_every_missed_week_are_drawn(bureau) -> None:  # type: ignore[no-untyped-def]
    now = bureau.at("2022-01-24T08:00")  # a Monday
    config = bureau.config
    with bureau.open(config) as store:
        path = SAMPLE / "archive/china_cities_2022.csv.gz"
        import_file(store, config, spec_of(config, "archive"), path, now)
        bureau.judge(store, config)
        (job,) = [job for job in daemon.jobs_of(config) if job.name == "charts"]
        slots = daemon.due(job, daemon.latest_slot(job, now) - 2 * WEEK, now)
        assert len(slots) == 2
        assert daemon.guard(daemon.kept_open(store), job, slots, now, 0) == 2
    folders = sorted(path.name for path in (bureau.folder / "charts").iterdir())
    assert folders == ["2022-W02", "2022-W03"]
    assert all((bureau.folder / "charts" / name / "index.html").exists() for name in folders)
