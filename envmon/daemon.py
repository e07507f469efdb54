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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

from envmon import periods
from envmon.errors import EnvmonError, StoreBusy
from envmon.model import Config, SourceSpec
from envmon.pipeline.drawing import draw
from envmon.pipeline.judge import judge
from envmon.pipeline.pull import pull
from envmon.store import Store
from envmon.texts import LANGUAGES

LOG = logging.getLogger("envmon.daemon")

WEEK = 7 * periods.DAY
MONDAY = 4 * periods.DAY - periods.OFFSET  # 1970-01-05 00:00 Beijing time, as a minute
BACKOFF = (1, 2, 4, 8, 16, 32, 60)  # minutes until a failed job is tried again


@dataclass(frozen=True, slots=True)
class Job:
    """One repeated piece of work. It serves slots that start every `every` minutes and is due `at` minutes later.

    work(store, first, last, now): serve the slots from `first` to `last` (minutes at which they start).
    """

    name: str
    every: int
    at: int
    work: Callable[[Store, int, int, int], None]


class Clock(Protocol):
    """Where the time comes from: the machine's clock, or a recorded one."""

    def now(self) -> int: ...


class MachineClock:
    """The wall clock, in minutes."""

    def now(self) -> int:
        return int(time.time() // 60)


def jobs_of(config: Config) -> tuple[Job, ...]:
    """The jobs of a config in the order they are served: pull every source, judge, draw."""

    def pulling(spec: SourceSpec) -> Callable[[Store, int, int, int], None]:
        def work(store: Store, first: int, last: int, now: int) -> None:
            pull(store, config, spec, first, now)

        return work

    def judging(store: Store, first: int, last: int, now: int) -> None:
        judge(store, config, now)

    def drawing(store: Store, first: int, last: int, now: int) -> None:
        for slot in range(first, last + 1, WEEK):
            draw(store, config, periods.week_of(periods.today(slot) - 7), now)

    own = {"judge": judging, "charts": drawing}
    pulls = [Job(f"pull {spec.id}", spec.every, spec.at, pulling(spec)) for spec in config.sources]
    return (*pulls, *(Job(name, plan.every, plan.at, own[name]) for name, plan in config.jobs.items()))


def latest_slot(job: Job, now: int) -> int:
    """Start of the newest slot that is due at `now`. Days start at 00:00, weeks on Monday 00:00, Beijing time."""
    anchor = MONDAY if job.every == WEEK else -periods.OFFSET
    return anchor + (now - job.at - anchor) // job.every * job.every


def due(job: Job, last_done: int | None, now: int) -> range:
    """The slots of a job that wait to be served at `now`: all since the last one done, or only the newest one.

    >>> [slot // 60 for slot in due(Job("x", 60, 5, lambda *_: None), 8 * 60, 11 * 60 + 4)]
    [9, 10]
    """
    newest = latest_slot(job, now)
    if last_done is None:
        return range(newest, newest + 1, job.every)
    # Counted back from the newest, so that slots stay on their grid when a job's `every` was changed.
    return range(newest - (newest - last_done - 1) // job.every * job.every, newest + 1, job.every)


def next_due(jobs: tuple[Job, ...], after: int) -> int:
    """The first minute after `after` at which some job has a new slot."""
    return min(latest_slot(job, after) + job.every + job.at for job in jobs)


def tick(store: Store, jobs: tuple[Job, ...], now: int, stopping: Callable[[], bool] = lambda: False) -> int:
    """Serve everything that is due and leave a beat; returns how many slots were served. Safe to repeat."""
    served = 0
    for job in jobs:
        if stopping():
            break
        state = store.slot_state(job.name)
        slots = due(job, state.last_done, now)
        if not slots or (state.next_try is not None and state.next_try > now):
            continue
        served += guard(store, job, slots, now, state.failures)
    store.beat(now, os.getpid())
    return served


def guard(store: Store, job: Job, slots: range, now: int, failures: int) -> int:
    """Run one job for its waiting slots; record success, or failure with the minute of the next try.

    The only broad `except` of the program: an error of one job must not stop the jobs due after it.
    """
    store.start_slots(job.name, slots, now)
    try:
        job.work(store, slots[0], slots[-1], now)
    except StoreBusy:
        raise
    except Exception as error:
        expected = isinstance(error, EnvmonError)
        LOG.error("%s: %s", job.name, error, exc_info=None if expected else error)
        pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
        lang = store.meta("language") or LANGUAGES[0]
        said = error.said(lang) if isinstance(error, EnvmonError) else f"{type(error).__name__}: {error}"
        store.fail_slots(job.name, slots, now, said, now + pause)
        return 0
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


def serve(opened: Callable[[], Store], jobs: tuple[Job, ...], clock: Clock, stop: Stop, every: int = 30) -> None:
    """Tick until told to stop. The store is open (and locked) only during a tick, so that commands get their turn."""
    import schedule

    def pulse() -> None:
        try:
            with opened() as store:
                tick(store, jobs, clock.now(), stop)
        except StoreBusy as busy:
            LOG.warning("%s; the next beat is in %s s", busy, every)

    pacemaker = schedule.Scheduler()
    pacemaker.every(every).seconds.do(pulse)
    pulse()
    while not stop():
        pacemaker.run_pending()
        time.sleep(0.2)


def replay(
    store: Store, jobs: tuple[Job, ...], start: int, until: int, set_clock: Callable[[int], None], stop: Stop
) -> int:
    """Live through recorded time: jump from one due minute to the next; returns the number of slots served."""
    served, now = 0, start
    while now <= until and not stop():
        set_clock(now)
        served += tick(store, jobs, now, stop)
        now = next_due(jobs, now)
    return served
