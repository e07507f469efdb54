"""Slots and beats: what was done for when, what failed, and whether the daemon lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envmon.store import Store


KEPT = 2 * 1440  # minutes for which the slots of a job that runs more than once an hour stay listed
LEEWAY = 10  # minutes: a clock that is set back a little was not wrong before


@dataclass(frozen=True, slots=True)
class SlotState:
    """Where a job stands.

    served : no slot up to this one waits any more: the last one done, or all before the first ever entered (None: the
        job never ran); failures : in a row since; next_try : the minute of the next try.
    """

    served: int | None
    failures: int
    next_try: int | None
    error: str = ""


def slot_state(store: Store, job: str, now: int) -> SlotState:
    """Slots started later than now were served by a clock that was ahead, before their time: they say nothing."""
    now += LEEWAY
    done, first = store.db.execute(
        "SELECT max(at) FILTER (WHERE state = 'done'), min(at) FROM slot WHERE job = ? AND started <= ?",
        (job, now),
    ).fetchone()
    served = done if done is not None or first is None else first - 1
    failed = store.db.execute(
        "SELECT tries, next_try, error FROM slot WHERE job = ? AND state = 'failed' AND at > ? AND started <= ?"
        " ORDER BY tries DESC, at DESC LIMIT 1",
        (job, -1 if served is None else served, now),
    ).fetchone()
    return SlotState(served, *(failed or (0, None, "")))


def last_done(store: Store, job: str, now: int) -> int | None:
    """The minute at which a job last ended well."""
    found = store.db.execute(
        "SELECT max(finished) FROM slot WHERE job = ? AND state = 'done' AND started <= ?", (job, now + LEEWAY)
    ).fetchone()[0]
    return None if found is None else int(found)


def start_slots(store: Store, job: str, slots: Sequence[int], now: int) -> None:
    """Enter the slots a job is about to serve; the try counts even if the process dies in it."""
    with store.writing() as db:
        db.executemany(
            "INSERT INTO slot (job, at, state, tries, started) VALUES (?, ?, 'running', 1, ?) ON CONFLICT (job, at)"
            " DO UPDATE SET state = 'running', tries = tries + 1, started = excluded.started, next_try = NULL",
            [(job, at, now) for at in slots],
        )


def finish_slots(store: Store, job: str, slots: Sequence[int], now: int) -> None:
    """These slots are served. Of a job with slots shorter than an hour the old ones go: they would only pile up."""
    with store.writing() as db:
        db.executemany(
            "UPDATE slot SET state = 'done', finished = ?, error = NULL WHERE job = ? AND at = ?",
            [(now, job, at) for at in slots],
        )
        if any(at % 60 for at in slots):
            db.execute("DELETE FROM slot WHERE job = ? AND state = 'done' AND at < ?", (job, slots[0] - KEPT))


def fail_slots(store: Store, job: str, slots: Sequence[int], now: int, error: str, next_try: int) -> None:
    with store.writing() as db:
        db.executemany(
            "UPDATE slot SET state = 'failed', finished = ?, error = ?, next_try = ? WHERE job = ? AND at = ?",
            [(now, error, next_try, job, at) for at in slots],
        )


def interrupt_slots(store: Store, error: str, pause: Callable[[int], int]) -> None:
    """Slots still running although nobody runs them have failed: the process ended in them, or could not write.

    pause(tries) : the minutes from their start to the next try.
    """
    rows = store.db.execute("SELECT job, at, tries, started FROM slot WHERE state = 'running'").fetchall()
    if rows:
        with store.writing() as db:
            db.executemany(
                "UPDATE slot SET state = 'failed', error = ?, next_try = ? WHERE job = ? AND at = ?",
                [(error, started + pause(tries), job, at) for job, at, tries, started in rows],
            )


def failing(store: Store, now: int) -> list[dict[str, Any]]:
    """Jobs that failed and were not done since: job, tries, since (start of the first slot not served), error.

    A job that is being tried again counts as failing until that try is done.
    """
    now += LEEWAY
    rows = store.db.execute(
        """SELECT job, max(iif(state = 'failed', tries, tries - 1)) AS failures, min(at), max(error) FROM slot s
        WHERE state IN ('failed', 'running') AND started <= :now AND at > coalesce(
          (SELECT max(at) FROM slot d WHERE d.job = s.job AND d.state = 'done' AND d.started <= :now), -1)
        GROUP BY job HAVING failures > 0 ORDER BY job""",
        {"now": now},
    )
    return [dict(zip(("job", "tries", "since", "error"), row, strict=True)) for row in rows]


def beat(store: Store, now: int, pid: int) -> None:
    """Leave a sign of life; one row a daemon. A beat of a clock that was ahead is brought down to now."""
    with store.writing() as db:
        db.execute("UPDATE beat SET at = ? WHERE at > ?", (now, now))
        db.execute(
            "INSERT INTO beat"
            " VALUES (?, coalesce((SELECT started FROM beat WHERE pid = ? ORDER BY at DESC LIMIT 1), ?), ?)"
            " ON CONFLICT (pid, started) DO UPDATE SET at = excluded.at",
            (pid, pid, now, now),
        )


def beats(store: Store) -> list[tuple[int, int]]:
    """From when to when each daemon lived."""
    return store.db.execute("SELECT started, at FROM beat").fetchall()


def last_beat(store: Store, until: int = 2**40) -> int | None:
    """The latest sign of life up to a minute."""
    found = store.db.execute("SELECT max(at) FROM beat WHERE at <= ?", (until,)).fetchone()[0]
    return None if found is None else int(found)
