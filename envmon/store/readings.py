"""Readings: kept once, revised without forgetting, read back as arrays. Functions here are methods of `Store`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from envmon import model, periods
from envmon.store.order import order
from envmon.store.sources import note_latest

if TYPE_CHECKING:
    import sqlite3

    from envmon.model import Basis, IntArray, Medium, Refused, Row, Span, Tally, Verdict
    from envmon.store import Store

CHANGED = "(reading.value <> excluded.value OR reading.mark <> excluded.mark)"
ENTER = f"""ON CONFLICT DO UPDATE SET value = excluded.value, mark = excluded.mark, seen = excluded.seen,
  batch = iif({CHANGED}, excluded.batch, reading.batch)
  WHERE excluded.seen > reading.seen OR (excluded.seen = reading.seen AND {CHANGED}) OR reading.seen > :learned"""
"""A value last seen later than it is now was taken by a clock that was ahead: it gives way like any earlier one."""

SEEKS = 3_000_000  # times x sites up to which they are looked up one by one; beyond, reading the range is faster


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one batch. `conflicts`: (ending, site, parameter) given twice with different values inside it.

    Moments and minutes are none: several of an instrument's values may fall into one minute.
    """

    tally: Tally
    conflicts: list[tuple[int, int, int]]
    batch: int


def keep(
    store: Store,
    source: str,
    origin: str,
    taken: int,
    learned: int,
    rows: Iterable[Row],
    refused: Sequence[Refused] = (),
) -> Kept:
    """Store one payload's readings, all or nothing.

    The same value again changes nothing but when it was last seen. A different one from a payload taken later (or at
    the same time) comes into force and the earlier one moves to the history; one from a payload taken before the value
    in force was last seen goes to the history at once. Of two different values for one key inside the batch the later
    row wins; the other goes to the history, once however often it comes, and is counted as `same`.
    """
    rows = rows if isinstance(rows, list) else list(rows)
    last = dict(zip(map(itemgetter(0, 1, 2, 3), rows), rows, strict=True))
    lost = [] if len(last) == len(rows) else [row for row in rows if row != last[row[:4]]]
    own = rows if len(last) == len(rows) else list(last.values())
    with store.writing() as db:
        newest = db.execute("SELECT max(taken) FROM batch WHERE taken <= ?", (learned,)).fetchone()[0]
        cursor = db.execute(
            "INSERT INTO batch (source, origin, taken, learned) VALUES (?, ?, ?, ?)", (source, origin, taken, learned)
        )
        times = {"batch": int(cursor.lastrowid or 0), "taken": taken, "learned": learned}
        ends = sorted({row[0] for row in own})
        batch, place = times["batch"], window(ends, sorted({row[1] for row in own}))
        before, older = _count(db, place), 0
        if newest is None or taken >= newest:
            enter = ENTER.replace(":learned", str(learned))
            db.executemany(f"INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?, {batch}, {taken}) {enter}", own)
        else:
            older = _keep_behind(db, own, times)
        new, revised = len(own), 0
        if before:  # where nothing was, everything is new
            new, revised = _count(db, place) - before, _revised(db, place, batch)
        _keep_lost(db, lost, batch)
        tally = model.Tally(
            len(rows) + len(refused), new, len(rows) - new - revised - older, revised, older, len(refused)
        )
        _after_keeping(db, place, batch, learned)
        note_latest(db, source, [row[0] for row in own if row[0] <= learned + periods.DAY])
        _keep_refused(db, batch, refused)
        span = (ends[0], ends[-1]) if ends else (None, None)
        db.execute(
            "UPDATE batch SET tally = ?, first = ?, last = ? WHERE number = ?", (_tally_text(tally), *span, batch)
        )
        judged = {row[0] for row in db.execute(f"SELECT number FROM stream WHERE span IN ({judged_spans()})")}
    return Kept(tally, sorted({row[:3] for row in lost if row[3] in judged}), batch)


def judged_spans() -> str:
    """The spans a judgement may rest on, for SQL: a station's moments and minutes are no part of any explanation."""
    return ", ".join(str(int(span)) for span in model.JUDGED)


def window(times: Sequence[int], sites: Sequence[int], table: str = "") -> str:
    """SQL that finds readings by times, in their order, and sites, so that those of others are not read."""
    if len(times) * len(sites) <= SEEKS:
        when = f"{table}ending IN ({', '.join(map(str, times))})"
    else:
        when = f"{table}ending BETWEEN {times[0]} AND {times[-1]}"
    return f"{when} AND {table}site IN ({', '.join(map(str, sites))})"


def _count(db: sqlite3.Connection, place: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM reading WHERE {place}").fetchone()[0])


def _keep_behind(db: sqlite3.Connection, rows: list[Row], times: dict[str, int]) -> int:
    """Keep rows of a payload that is not the newest; returns how many went straight to the history.

    A value in force that was seen later stays in force; the same older value is kept only once.
    """
    db.execute(
        "CREATE TEMP TABLE IF NOT EXISTS incoming (ending INTEGER, site INTEGER, parameter INTEGER, stream INTEGER,"
        " value INTEGER, mark INTEGER)"
    )
    db.execute("DELETE FROM incoming")
    db.executemany("INSERT INTO incoming VALUES (?, ?, ?, ?, ?, ?)", rows)
    cursor = db.execute(
        """INSERT OR IGNORE INTO reading_history
        SELECT i.ending, i.site, i.parameter, i.stream, i.value, i.mark, :batch, r.batch
        FROM incoming i JOIN reading r USING (ending, site, parameter, stream)
        WHERE (r.value <> i.value OR r.mark <> i.mark) AND r.seen > :taken AND r.seen <= :learned AND NOT EXISTS (
          SELECT 1 FROM reading_history h JOIN batch hb ON hb.number = h.batch
          WHERE (h.ending, h.site, h.parameter, h.stream, h.value, h.mark)
            = (i.ending, i.site, i.parameter, i.stream, i.value, i.mark) AND hb.taken = :taken)""",
        times,
    )
    db.execute(f"INSERT INTO reading SELECT *, :batch, :taken FROM incoming WHERE true {ENTER}", times)
    return cursor.rowcount


def _revised(db: sqlite3.Connection, place: str, batch: int) -> int:
    """How many rows of the batch replaced another value."""
    found = db.execute(f"SELECT count(*) FROM reading_history WHERE {place} AND replaced_by = ?", (batch,)).fetchone()
    return int(found[0])


def _keep_lost(db: sqlite3.Connection, rows: list[Row], batch: int) -> None:
    """Into the history with what the batch itself contradicts, unless the history knows it."""
    db.executemany(
        f"""INSERT OR IGNORE INTO reading_history SELECT ?1, ?2, ?3, ?4, ?5, ?6, {batch}, {batch}
        WHERE NOT EXISTS (SELECT 1 FROM reading_history
          WHERE (ending, site, parameter, stream, value, mark) = (?1, ?2, ?3, ?4, ?5, ?6))""",
        rows,
    )


def _after_keeping(db: sqlite3.Connection, place: str, batch: int, learned: int) -> None:
    """Mark the site-days that changed for judging, and remember each site's latest reading.

    One that lies more than a day ahead (a misnamed file) does not count as heard: its site would never be silent again.
    """
    db.execute(
        f"""INSERT OR IGNORE INTO dirty
        SELECT DISTINCT p.medium, (r.ending - 1 + {periods.OFFSET}) / {periods.DAY}, r.site
        FROM reading r JOIN parameter p ON p.number = r.parameter WHERE {place} AND r.batch = ?
        AND r.stream IN (SELECT number FROM stream WHERE span IN ({judged_spans()}))""",
        (batch,),
    )
    db.execute(
        f"""INSERT INTO site_latest SELECT site, max(ending), ? FROM reading WHERE {place} AND batch = ?
        AND ending <= {learned + periods.DAY} GROUP BY site
        ON CONFLICT (site) DO UPDATE SET ending = excluded.ending, learned = excluded.learned
        WHERE excluded.ending > site_latest.ending""",
        (learned, batch),
    )


def _keep_refused(db: sqlite3.Connection, batch: int, refused: Sequence[Refused]) -> None:
    """Keep what was refused, unless it was for the same reason before: a look-back window reads it again and again."""
    db.executemany(
        """INSERT INTO reject (batch, line, origin, reason, text, sheet, at_column)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM reject WHERE origin = ?3 AND line = ?2
          AND reason = ?4 AND text = ?5 AND sheet = ?6 AND at_column = ?7)""",
        [(batch, row.line, row.origin, row.reason, row.text[:1000], row.sheet, row.column) for row in refused],
    )


def _tally_text(tally: Tally) -> str:
    from dataclasses import asdict

    from envmon.store import to_json

    return to_json(asdict(tally))


def air_hours(
    store: Store,
    sites: Sequence[int],
    first_day: int,
    last_day: int,
    basis: Basis | None = None,
    more: Sequence[int] = (),
) -> tuple[IntArray, IntArray]:
    """Hourly means of some sites: (values, marks), both [pollutant, 24 x days, site].

    values int32 in stored steps, ABSENT where nothing was received; marks int8. Where several streams give one hour,
    the one of the highest rank wins (`order`). more : numbers of further items in order, a row each behind the
    pollutants; when nothing came of any of them there are no such rows.
    """
    import numpy as np

    streams = _streams(store, model.Span.HOUR, basis)
    columns = {site: i for i, site in enumerate(sites)}
    hours = 24 * (last_day - first_day + 1)
    items = [*range(1, len(model.POLLUTANTS) + 1), *more]
    values = np.full((len(items), hours, len(sites)), model.ABSENT, np.int32)
    marks = np.zeros(values.shape, np.int8)
    start = periods.hour_ending(first_day, 0)
    rows = store.db.execute(
        f"SELECT stream, ending, site, parameter, value, mark FROM reading WHERE ending > ? AND ending <= ?"
        f" AND (parameter <= {len(model.POLLUTANTS)} OR parameter IN ({', '.join(map(str, more))}))"
        f" AND site IN ({_marks(sites)})"
        f" AND stream IN ({_marks(streams)}) AND (ending - ?) % 60 = 0",
        (start, periods.hour_ending(last_day, 24), *sites, *streams, start),
    ).fetchall()
    if rows:
        found = np.array(rows, np.int64).T
        if len(streams) > 1:  # of two writes into one place the last one stays
            found = found[:, np.argsort(order(store).ranks(found[0], found[2], found[3]), kind="stable")]
        _, ending, site, parameter, value, mark = found
        lines = np.searchsorted(items, parameter)
        place = (lines, (ending - start) // 60 - 1, np.array([columns[number] for number in site.tolist()]))
        values[place] = value
        marks[place] = mark
        if lines.max() >= len(model.POLLUTANTS):
            return values, marks
    return values[: len(model.POLLUTANTS)], marks[: len(model.POLLUTANTS)]


def bases(store: Store, span: Span) -> list[Basis]:
    """The bases of the streams of one span: whether hourly values came in real time, reviewed, or both."""
    heard = "" if store.as_of is None else f"AND source IN (SELECT source FROM batch WHERE learned <= {store.as_of})"
    rows = store.db.execute(f"SELECT DISTINCT basis FROM stream WHERE span = ? {heard} ORDER BY basis", (int(span),))
    return [model.Basis(row[0]) for row in rows]


def water_readings(
    store: Store, sites: Sequence[int], first: int, last: int
) -> list[tuple[int, int, int, int, int, int, int]]:
    """Readings of water sites with first < ending <= last, oldest first.

    Each (site, ending, parameter, value, mark, basis, span); where several streams of one basis give one value, the
    one of the highest rank (`order`) comes last, so that it wins in a dict. What a station sends for a moment, for
    minutes or for a whole day is not among them: it says again what its hours say.
    """
    rows = store.db.execute(
        f"""SELECT r.site, r.ending, r.parameter, r.value, r.mark, s.basis, s.span, s.number
        FROM reading r JOIN stream s ON s.number = r.stream
        WHERE r.ending > ? AND r.ending <= ? AND r.site IN ({_marks(sites)})
        AND s.span IN ({_marks(model.HOURLY)})""",
        (first, last, *sites, *model.HOURLY),
    ).fetchall()
    rank = order(store).rank
    rows.sort(key=lambda row: (row[1], rank(row[7], row[0], row[2])))
    return [row[:7] for row in rows]


def history(store: Store, site: int, parameter: int, ending: int) -> list[dict[str, Any]]:
    """Every value a reading ever had, the one in force last: value, mark, source, origin, taken, learned, in_force."""
    rows = store.db.execute(
        """SELECT r.value, r.mark, t.source, b.origin, b.taken, b.learned, r.in_force FROM (
          SELECT value, mark, stream, batch, 0 AS in_force FROM reading_history
            WHERE ending = :ending AND site = :site AND parameter = :parameter
          UNION ALL SELECT value, mark, stream, batch, 1 FROM reading
            WHERE ending = :ending AND site = :site AND parameter = :parameter) r
        JOIN batch b ON b.number = r.batch JOIN stream t ON t.number = r.stream
        ORDER BY r.in_force, b.taken, b.number""",
        {"ending": ending, "site": site, "parameter": parameter},
    ).fetchall()
    names = ("value", "mark", "source", "origin", "taken", "learned", "in_force")
    return [dict(zip(names, row, strict=True)) for row in rows]


def revisions(
    store: Store, sites: Sequence[int], first: int, last: int, basis: Basis | None = None
) -> list[dict[str, Any]]:
    """Every earlier value of some sites' readings with first < ending <= last, and what stood in its place after it.

    basis : only values of this kind. Each with site, ending, parameter, source, basis; `was`, `was_mark`, `was_learned`
    (minute), `was_origin`; `became`, `became_mark`, `became_learned`, `became_origin`. A value that a payload itself
    contradicted, or that came from an older payload than the value in force, was never in force: what took its place
    may have been learned before it.
    """
    rows = store.db.execute(
        f"""SELECT h.site, h.ending, h.parameter, t.source, t.basis, h.value, h.mark, b.learned, b.origin,
          coalesce(r.value, n.value), coalesce(r.mark, n.mark), c.learned, c.origin
        FROM reading_history h JOIN stream t ON t.number = h.stream
        JOIN batch b ON b.number = h.batch JOIN batch c ON c.number = h.replaced_by
        LEFT JOIN reading r ON (r.ending, r.site, r.parameter, r.stream, r.batch)
          = (h.ending, h.site, h.parameter, h.stream, h.replaced_by)
        LEFT JOIN reading_history n ON r.batch IS NULL AND n.replaced_by <> h.replaced_by
          AND (n.ending, n.site, n.parameter, n.stream, n.batch)
          = (h.ending, h.site, h.parameter, h.stream, h.replaced_by)
        WHERE h.ending > ? AND h.ending <= ? AND h.site IN ({_marks(sites)}) AND (? IS NULL OR t.basis = ?)
          AND t.span IN ({judged_spans()})
        GROUP BY h.ending, h.site, h.parameter, h.stream, h.replaced_by, h.batch, h.value, h.mark
        ORDER BY h.ending, h.site, h.parameter, b.learned, h.batch""",
        (first, last, *sites, basis, basis),
    )
    names = (
        "site", "ending", "parameter", "source", "basis", "was", "was_mark", "was_learned", "was_origin",
        "became", "became_mark", "became_learned", "became_origin",
    )  # fmt: skip
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**one, "basis": model.Basis(one["basis"])} for one in found]


def origins(store: Store, site: int, first: int, last: int, basis: Basis | None = None) -> list[dict[str, Any]]:
    """The payloads a site's values came from, first < ending <= last: source, basis, origin, learned, values.

    basis : only values of this kind.
    """
    rows = store.db.execute(
        f"""SELECT b.source, t.basis, b.origin, b.learned, count(*) FROM reading r JOIN batch b ON b.number = r.batch
        JOIN stream t ON t.number = r.stream
        WHERE r.ending > ? AND r.ending <= ? AND r.site = ? AND (? IS NULL OR t.basis = ?)
        AND t.span IN ({judged_spans()})
        GROUP BY b.number, t.basis ORDER BY b.number, t.basis""",
        (first, last, site, basis, basis),
    )
    names = ("source", "basis", "origin", "learned", "values")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**one, "basis": model.Basis(one["basis"])} for one in found]


def add_flags(store: Store, verdicts: Iterable[Verdict]) -> None:
    """Enter QC verdicts; one test has one verdict on one reading."""
    with store.writing() as db:
        db.executemany(
            "INSERT OR REPLACE INTO qc_flag VALUES (?, ?, ?, ?, ?, ?)",
            [(v.ending, v.site, v.parameter, v.test, int(v.flag), v.detail) for v in verdicts],
        )


def save_flags(
    store: Store, tests: Sequence[str], sites: Sequence[int], first: int, last: int, verdicts: Iterable[Verdict]
) -> None:
    """Replace what some tests said of some sites' readings with first < ending <= last."""
    with store.writing() as db:
        db.execute(
            f"DELETE FROM qc_flag WHERE ending > ? AND ending <= ? AND site IN ({_marks(sites)})"
            f" AND test IN ({_marks(tests)})",
            (first, last, *sites, *tests),
        )
        add_flags(store, verdicts)


def flags(store: Store, site: int, first: int, last: int) -> list[Verdict]:
    """QC verdicts on a site's readings with first < ending <= last."""
    rows = store.db.execute(
        "SELECT * FROM qc_flag WHERE ending > ? AND ending <= ? AND site = ? ORDER BY ending, parameter, test",
        (first, last, site),
    )
    return [replace(model.Verdict(*row), flag=model.Flag(row[4])) for row in rows]


def flags_over(store: Store, first: int, last: int) -> list[Verdict]:
    """QC verdicts on all sites' readings with first < ending <= last."""
    rows = store.db.execute(
        "SELECT * FROM qc_flag WHERE ending > ? AND ending <= ? ORDER BY ending, site, parameter, test", (first, last)
    )
    return [replace(model.Verdict(*row), flag=model.Flag(row[4])) for row in rows]


def dirty(store: Store, medium: Medium) -> list[tuple[int, int]]:
    """(day, site number) pairs whose readings changed since they were judged."""
    return store.db.execute("SELECT day, site FROM dirty WHERE medium = ? ORDER BY day, site", (medium,)).fetchall()


def judge_again(store: Store, sites: Sequence[int], areas: Sequence[int]) -> int:
    """Mark every judged day of some sites, and drop the days of some areas, which are made of them; days marked."""
    with store.writing() as db:
        db.executemany("DELETE FROM air_day WHERE site = ?", [(area,) for area in areas])
        before = db.total_changes
        for judged in (
            "SELECT 'air', day, site FROM air_day WHERE site = ?",
            "SELECT 'water', first, site FROM water_judgement WHERE span = 'day' AND site = ?",
        ):
            db.executemany(f"INSERT OR IGNORE INTO dirty {judged}", [(site,) for site in sites])
        return db.total_changes - before


def clean(store: Store, medium: Medium, pairs: Iterable[tuple[int, int]]) -> None:
    """These site-days have been judged."""
    with store.writing() as db:
        db.executemany(f"DELETE FROM dirty WHERE medium = '{medium.value}' AND day = ? AND site = ?", pairs)


def latest(store: Store) -> dict[int, int]:
    """The end of the latest reading of every site that ever had one, by site number."""
    return dict(store.db.execute("SELECT site, ending FROM site_latest"))


def rejects(store: Store, first: int, last: int, source: str | None = None) -> list[dict[str, Any]]:
    """Rows refused that were learned from minute `first` to `last`, newest first: learned, source, origin, sheet, line,
    column, reason, text."""
    rows = store.db.execute(
        """SELECT b.learned, b.source, r.origin, r.sheet, r.line, r.at_column, r.reason, r.text
        FROM reject r JOIN batch b ON b.number = r.batch
        WHERE b.learned BETWEEN ? AND ? AND (? IS NULL OR b.source = ?) ORDER BY b.learned DESC, r.rowid""",
        (first, last, source, source),
    )
    keys = ("learned", "source", "origin", "sheet", "line", "column", "reason", "text")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def reject_count(store: Store, since: int) -> int:
    """How many rows were refused since a minute."""
    found = store.db.execute(
        "SELECT count(*) FROM reject r JOIN batch b ON b.number = r.batch WHERE b.learned >= ?", (since,)
    ).fetchone()
    return int(found[0])


def _streams(store: Store, span: Span, basis: Basis | None) -> list[int]:
    rows = store.db.execute(
        "SELECT number FROM stream WHERE span = ? AND (? IS NULL OR basis = ?)", (span, basis, basis)
    )
    return [row[0] for row in rows]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
