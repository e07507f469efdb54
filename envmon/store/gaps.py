"""What the gap ledger is made from: which slots have a value, since when, what runs of a source brought, and what was
asked for again. Functions here are methods of `Store`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from envmon import model
from envmon.store.readings import window

if TYPE_CHECKING:
    from envmon.model import Flag, GapAttempt, GapWindow, IntArray, Stream
    from envmon.store import Store

FILE = "instr(origin, '://') = 0"
"""What was not asked for over the network: a file that somebody gave, which says what it spans."""


def streams(store: Store) -> dict[int, Stream]:
    """Every stream there is, by number."""
    rows = store.db.execute("SELECT number, source, basis, span FROM stream")
    return {row[0]: model.Stream(row[1], model.Basis(row[2]), model.Span(row[3])) for row in rows}


def slot_values(store: Store, endings: Sequence[int], sites: Sequence[int]) -> IntArray:
    """Readings of some sites at some times, as columns: site, ending, parameter, stream, value, mark, batch."""
    return _columns(
        store,
        f"SELECT site, ending, parameter, stream, value, mark, batch FROM reading WHERE {window(endings, sites)}",
        7,
    )


def slot_history(store: Store, endings: Sequence[int], sites: Sequence[int]) -> IntArray:
    """Earlier values of some sites at some times, as columns: site, ending, parameter, stream, mark, batch."""
    wanted = window(endings, sites)
    return _columns(
        store, f"SELECT site, ending, parameter, stream, mark, batch FROM reading_history WHERE {wanted}", 6
    )


def spoken_slots(
    store: Store, endings: Sequence[int], sites: Sequence[int], flag: Flag, review: str
) -> list[tuple[int, int, int, str, int]]:
    """Verdicts on readings of some sites at some times, as site, ending, parameter, test, flag: those of one flag, and
    whatever the test `review` says."""
    return store.db.execute(
        f"SELECT site, ending, parameter, test, flag FROM qc_flag WHERE {window(endings, sites)}"
        " AND (flag = ? OR test = ?)",
        (int(flag), review),
    ).fetchall()


def usual_streams(store: Store, endings: Sequence[int], sites: Sequence[int]) -> list[tuple[int, int, int]]:
    """What some sites give, seen at some times: (site, parameter, stream), each once."""
    return store.db.execute(
        f"SELECT DISTINCT site, parameter, stream FROM reading WHERE {window(endings, sites)}"
    ).fetchall()


def heard(store: Store, endings: Sequence[int], sites: Sequence[int]) -> set[tuple[int, str]]:
    """(ending, source) wherever a source had a value of any of some sites."""
    return set(
        store.db.execute(
            "SELECT DISTINCT r.ending, t.source FROM reading r JOIN stream t ON t.number = r.stream"
            f" WHERE {window(endings, sites, 'r.')}"
        )
    )


def batches(store: Store, numbers: Iterable[int]) -> dict[int, tuple[str, int]]:
    """Source and minute learned of some batches."""
    wanted = ", ".join(map(str, sorted(set(numbers))))
    rows = store.db.execute(f"SELECT number, source, learned FROM batch WHERE number IN ({wanted})")
    return {row[0]: (row[1], row[2]) for row in rows}


def runs_of(store: Store, job: str) -> list[tuple[int, int | None]]:
    """Every slot of a job in order of time: its start, and when the run began that ended well (None: none did)."""
    return store.db.execute(
        "SELECT at, iif(state = 'done', started, NULL) FROM slot WHERE job = ? ORDER BY at", (job,)
    ).fetchall()


def file_spans(store: Store, source: str, first: int, last: int) -> list[tuple[int, int]]:
    """First and last ending in each file that was given of a source, where it meets first..last."""
    return store.db.execute(
        f"SELECT first, last FROM batch WHERE source = ? AND last >= ? AND first <= ? AND {FILE} GROUP BY first, last",
        (source, first, last),
    ).fetchall()


def first_sent(store: Store, source: str) -> int | None:
    """When the first values of a source came that sends by itself."""
    found = store.db.execute(f"SELECT min(learned) FROM batch WHERE source = ? AND {FILE}", (source,)).fetchone()[0]
    return None if found is None else int(found)


def enter_windows(store: Store, windows: Iterable[GapWindow]) -> None:
    """Remember windows to ask for; one that waits already stays as it is."""
    with store.writing() as db:
        db.executemany(
            "INSERT OR IGNORE INTO gap_window VALUES (?, ?, ?, ?, ?)",
            [(one.source, one.first, one.last, one.tries, one.next_try) for one in windows],
        )


def due_windows(store: Store, now: int, longest: int) -> list[GapWindow]:
    """Windows whose next try has come; one that waits beyond `longest` was made to by a clock that was ahead."""
    rows = store.db.execute("SELECT * FROM gap_window WHERE next_try <= ? OR next_try > ?", (now, longest))
    return [model.GapWindow(*row) for row in rows]


def postpone_window(store: Store, window: GapWindow) -> None:
    """A window was tried and waits for its next try."""
    with store.writing() as db:
        db.execute(
            "UPDATE gap_window SET tries = ?, next_try = ? WHERE source = ? AND first = ? AND last = ?",
            (window.tries, window.next_try, window.source, window.first, window.last),
        )


def close_window(store: Store, window: GapWindow) -> None:
    """A window has no gap any more, or is given up."""
    with store.writing() as db:
        db.execute(
            "DELETE FROM gap_window WHERE source = ? AND first = ? AND last = ?",
            (window.source, window.first, window.last),
        )


def keep_attempt(store: Store, one: GapAttempt) -> None:
    """Record that a window was asked for, and what came of it."""
    with store.writing() as db:
        db.execute(
            "INSERT INTO gap_attempt (source, first, last, at, outcome, wanted, found, error)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (one.source, one.first, one.last, one.at, one.outcome.value, one.wanted, one.found, one.error),
        )


def attempts(store: Store, first: int, last: int) -> list[GapAttempt]:
    """What was asked for again of the time from `first` to `last`, in the order of asking."""
    rows = store.db.execute(
        "SELECT source, first, last, at, outcome, wanted, found, error FROM gap_attempt"
        " WHERE last >= ? AND first <= ? ORDER BY number",
        (first, last),
    )
    return [replace(model.GapAttempt(*row), outcome=model.GapOutcome(row[4])) for row in rows]


def values_by_source(store: Store, streams: Sequence[int], sites: Sequence[int], first: int, last: int) -> IntArray:
    """Readings of some streams at the full hours with first < ending <= last that carry no mark of an instrument, as
    columns: ending, site, parameter, stream, value. What stations send from minute to minute is not read for it."""
    hours = range((first // 60 + 1) * 60, last + 1, 60)
    return _columns(
        store,
        f"SELECT ending, site, parameter, stream, value FROM reading WHERE {window(hours, sites)} AND ending % 60 = 0"
        f" AND stream IN ({', '.join(map(str, streams))}) AND mark <= {int(model.Mark.CENSORED)}",
        5,
    )


def _columns(store: Store, query: str, width: int) -> IntArray:
    from itertools import chain

    import numpy as np

    # Straight from the cursor: a month of a province is millions of rows, as a list they would take a gigabyte.
    return np.fromiter(chain.from_iterable(store.db.execute(query)), np.int64).reshape(-1, width).T
