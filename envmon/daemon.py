"""The heartbeat: finds what is due, runs it guarded, leaves a beat.

What is due is read from the store, never from a timer: a slot is one run of one job (`pull air` for 09:00), done once
or listed as failed. `schedule` is only the pulse. Whatever was missed (an outage, a clock that jumped) is due at the
next tick; a job that missed several slots gets them in one run. This module never knows what a job does.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

from envmon import periods
from envmon.errors import EnvmonError, SourceUnavailable, StoreBusy
from envmon.model import Config, SourceSpec
from envmon.pipeline import inbox
from envmon.pipeline.access import job_of
from envmon.pipeline.backfill import backfill
from envmon.pipeline.correcting import record
from envmon.pipeline.drawing import draw
from envmon.pipeline.judge import judge
from envmon.pipeline.pull import pull
from envmon.pipeline.telemetry import drain
from envmon.store import Opened, Store
from envmon.texts import LANGUAGES, t

LOG = logging.getLogger("envmon.daemon")

WEEK = 7 * periods.DAY
BACKOFF = (1, 2, 4, 8, 16, 32, 60)  # minutes until a failed job is tried again


@dataclass(frozen=True, slots=True)
class Job:
    """One repeated piece of work. It serves slots that start every `every` minutes and is due `at` minutes later.

    work(opened, first, last, now): serve the slots from `first` to `last` (minutes at which they start); `opened` opens
        the store, for no longer than is needed: while a service is asked over the network others may write.
    live : it looks at what lies before the door now (a folder, telemetry); recorded time is lived through without it.
    """

    name: str
    every: int
    at: int
    work: Callable[[Opened, int, int, int], None]
    live: bool = False


def kept_open(store: Store) -> Opened:
    """An opener that always gives one store that is open already, for writing."""
    return lambda readonly=False: nullcontext(store)


class Clock(Protocol):
    """Where the time comes from: the machine's clock, or a recorded one."""

    def now(self) -> int: ...


class MachineClock:
    """The wall clock, in minutes."""

    def now(self) -> int:
        return int(time.time() // 60)


def jobs_of(config: Config) -> tuple[Job, ...]:
    """The jobs of a config in the order they are served: pull every source, empty the inbox, judge, draw, and last what
    is missing of the past."""

    def pulling(spec: SourceSpec) -> Callable[[Opened, int, int, int], None]:
        def work(opened: Opened, first: int, last: int, now: int) -> None:
            pull(opened, config, spec, first, now)

        return work

    def judging(opened: Opened, first: int, last: int, now: int) -> None:
        with opened() as store:
            judge(store, config, now)

    def drawing(opened: Opened, first: int, last: int, now: int) -> None:
        for slot in range(first, last + 1, WEEK):
            with opened(readonly=True) as store:
                drawn = draw(store, config, periods.week_of(periods.today(slot) - 7), now)
            with opened() as store:
                record(store, config, drawn.figures, now)

    def draining(opened: Opened, first: int, last: int, now: int) -> None:
        drain(opened, config, now)

    def taking(opened: Opened, first: int, last: int, now: int) -> None:
        inbox.take(opened, config, now)

    def filling(opened: Opened, first: int, last: int, now: int) -> None:
        backfill(opened, config, now)

    own = {"judge": judging, "charts": drawing, "backfill": filling}
    pulls = [Job(job_of(spec), spec.every, spec.at, pulling(spec)) for spec in config.sources]
    pushed = [Job("telemetry", 1, 0, draining, live=True)] if config.devices else []
    dropped = [Job("inbox", 5, 0, taking, live=True)] if Path(config.paths.inbox).is_dir() else []
    planned = (Job(name, plan.every, plan.at, own[name]) for name, plan in config.jobs.items())
    return (*pushed, *pulls, *dropped, *planned)


def latest_slot(job: Job, now: int) -> int:
    """Start of the newest slot that is due at `now`. Days start at 00:00, weeks on Monday 00:00, Beijing time."""
    return periods.slot_before(now, job.every, job.at)


def due(job: Job, served: int | None, now: int) -> range:
    """The slots of a job that wait to be served at `now`: all since the last one served, or only the newest one.

    >>> [slot // 60 for slot in due(Job("x", 60, 5, lambda *_: None), 8 * 60, 11 * 60 + 4)]
    [9, 10]
    """
    newest = latest_slot(job, now)
    if served is None:
        return range(newest, newest + 1, job.every)
    # Counted back from the newest, so that slots stay on their grid when a job's `every` was changed.
    return range(newest - (newest - served - 1) // job.every * job.every, newest + 1, job.every)


def next_due(jobs: tuple[Job, ...], after: int) -> int:
    """The first minute after `after` at which some job has a new slot; without jobs a day later."""
    return min((latest_slot(job, after) + job.every + job.at for job in jobs), default=after + periods.DAY)


def tick(opened: Opened, jobs: tuple[Job, ...], now: int, stopping: Callable[[], bool] = lambda: False) -> int:
    """Serve everything that is due and leave a beat; returns how many slots were served. Safe to repeat.

    Only one process ticks (`single_instance`): a slot that runs at its beginning was left by one that ended.
    """
    with opened() as store:
        ended = t("cli.run.interrupted", store.meta("language") or LANGUAGES[0])
        store.interrupt_slots(ended, lambda tries: pause_after(tries - 1))
    served = 0
    for job in jobs:
        if stopping():
            break
        with opened(readonly=True) as store:
            state = store.slot_state(job.name, now)
        slots = due(job, state.served, now)
        if not slots or waits(state.next_try, now):
            continue
        served += guard(opened, job, slots, now, state.failures)
    with opened() as store:
        store.beat(now, os.getpid())
    return served


def pause_after(failures: int) -> int:
    """Minutes until a job is tried again, by how often it had failed before."""
    return BACKOFF[min(failures, len(BACKOFF) - 1)]


def waits(next_try: int | None, now: int) -> bool:
    """Whether the next try is still to come; one beyond the longest pause was set by a clock that was ahead."""
    return next_try is not None and now < next_try <= now + BACKOFF[-1]


def guard(opened: Opened, job: Job, slots: range, now: int, failures: int) -> int:
    """Run one job for its waiting slots; record success, or failure with the minute of the next try.

    The only broad `except` of the program: an error of one job must not stop the jobs due after it.
    """
    with opened() as store:
        store.start_slots(job.name, slots, now)
    try:
        job.work(opened, slots[0], slots[-1], now)
    except StoreBusy:
        raise
    except Exception as error:
        expected = isinstance(error, EnvmonError)
        LOG.error("%s: %s", job.name, error, exc_info=None if expected else error)
        with opened() as store:
            lang = store.meta("language") or LANGUAGES[0]
            said = error.said(lang) if isinstance(error, EnvmonError) else f"{type(error).__name__}: {error}"
            wanted = error.until if isinstance(error, SourceUnavailable) else 0
            next_try = min(max(now + pause_after(failures), wanted), now + BACKOFF[-1])
            store.fail_slots(job.name, slots, now, said, next_try)
        return 0
    with opened() as store:
        store.finish_slots(job.name, slots, now)
    return len(slots)


class Stop:
    """Becomes true when SIGTERM or SIGINT arrives; the step in hand finishes first."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        LOG.info("signal %s: finishing the step in hand", signal.Signals(number).name)
        self.asked = True

    @contextmanager
    def listening(self) -> Iterator[Stop]:
        """Take the two signals over for a while, and give them back."""
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def single_instance(database: Path) -> Iterator[None]:
    """Hold the daemon's lock beside the database; a second daemon is refused with the first one's process id."""
    import fcntl

    path = database.with_suffix(".daemon.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "?"
            raise StoreBusy("error.daemon.running", path=database, owner=owner) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def serve(opened: Opened, jobs: tuple[Job, ...], clock: Clock, stop: Callable[[], bool], every: int = 30) -> None:
    """Tick until told to stop. The store is open (and locked) only step by step, so that commands get their turn."""
    import schedule

    def pulse() -> None:
        try:
            tick(opened, jobs, clock.now(), stop)
        except StoreBusy as busy:
            LOG.warning("%s; the next beat is in %s s", busy, every)

    pacemaker = schedule.Scheduler()
    pacemaker.every(every).seconds.do(pulse)
    pulse()
    while not stop():
        pacemaker.run_pending()
        time.sleep(0.2)


def replay(
    opened: Opened, jobs: tuple[Job, ...], start: int, until: int, set_clock: Callable[[int], None], stop: Stop
) -> int:
    """Live through recorded time: jump from one due minute to the next; returns the number of slots served."""
    jobs = tuple(job for job in jobs if not job.live)
    served, now = 0, start
    while now <= until and not stop():
        set_clock(now)
        served += tick(opened, jobs, now, stop)
        now = next_due(jobs, now)
    return served
