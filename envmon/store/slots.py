"""Slots and beats: what was done for when, what failed, and whether the daemon lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envmon.store import Store


@dataclass(frozen=True, slots=True)
class SlotState:
    """Where a job stands: its last slot done (None: never), failures in a row since, the minute of the next try."""

    last_done: int | None
    failures: int
    next_try: int | None
    error: str = ""


def slot_state(store: Store, job: str) -> SlotState:
    last = store.db.execute("SELECT max(at) FROM slot WHERE job = ? AND state = 'done'", (job,)).fetchone()[0]
    failed = store.db.execute(
        "SELECT tries, next_try, error FROM slot WHERE job = ? AND state = 'failed' AND at > ?"
        " ORDER BY tries DESC, at DESC LIMIT 1",
        (job, -1 if last is None else last),
    ).fetchone()
    return SlotState(last, *(failed or (0, None, "")))


def start_slots(store: Store, job: str, slots: Sequence[int], now: int) -> None:
    """Enter the slots a job is about to serve; the try counts even if the process dies in it."""
    with store.writing() as db:
        db.executemany(
            "INSERT INTO slot (job, at, state, tries, started) VALUES (?, ?, 'running', 1, ?) ON CONFLICT (job, at)"
            " DO UPDATE SET state = 'running', tries = tries + 1, started = excluded.started, next_try = NULL",
            [(job, at, now) for at in slots],
        )


def finish_slots(store: Store, job: str, slots: Sequence[int], now: int) -> None:
    with store.writing() as db:
        db.executemany(
            "UPDATE slot SET state = 'done', finished = ?, error = NULL WHERE job = ? AND at = ?",
            [(now, job, at) for at in slots],
        )


def fail_slots(store: Store, job: str, slots: Sequence[int], now: int, error: str, next_try: int) -> None:
    with store.writing() as db:
        db.executemany(
            "UPDATE slot SET state = 'failed', finished = ?, error = ?, next_try = ? WHERE job = ? AND at = ?",
            [(now, error, next_try, job, at) for at in slots],
        )


def failing(store: Store) -> list[dict[str, Any]]:
    """Jobs whose newest slot failed: job, tries, since (start of the first slot not served), error."""
    rows = store.db.execute(
        """SELECT job, max(tries), min(at), error FROM slot s WHERE state = 'failed' AND at >
        coalesce((SELECT max(at) FROM slot d WHERE d.job = s.job AND d.state = 'done'), -1) GROUP BY job ORDER BY job"""
    )
    return [dict(zip(("job", "tries", "since", "error"), row, strict=True)) for row in rows]


def beat(store: Store, now: int, pid: int) -> None:
    """Leave a sign of life; one row a daemon."""
    with store.writing() as db:
        db.execute(
            "INSERT INTO beat"
            " VALUES (?, coalesce((SELECT started FROM beat WHERE pid = ? ORDER BY at DESC LIMIT 1), ?), ?)"
            " ON CONFLICT (pid, started) DO UPDATE SET at = max(at, excluded.at)",
            (pid, pid, now, now),
        )


def first_beat(store: Store) -> int | None:
    """When a service first ran on this database."""
    found = store.db.execute("SELECT min(started) FROM beat").fetchone()[0]
    return None if found is None else int(found)


def last_beat(store: Store) -> int | None:
    found = store.db.execute("SELECT max(at) FROM beat").fetchone()[0]
    return None if found is None else int(found)
