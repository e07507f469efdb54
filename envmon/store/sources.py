"""What the board of sources tells of each: latest reading, rows and refusals of a while. Methods of `Store`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from envmon.store import Store


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """Of one source. latest : ending of its latest reading; new, revised, refused : rows since a minute."""

    latest: int | None = None
    new: int = 0
    revised: int = 0
    refused: int = 0


def note_latest(db: sqlite3.Connection, source: str, endings: list[int]) -> None:
    """Remember the latest of these endings as the source's, unless it has a later one."""
    if endings:
        db.execute(
            "INSERT INTO source_latest VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET ending = excluded.ending"
            " WHERE excluded.ending > source_latest.ending",
            (source, max(endings)),
        )


def source_counts(store: Store, source: str, since: int, until: int) -> SourceCounts:
    """What came of a source after minute `since`, up to `until`. A refused row counts when it is first refused."""
    when = (source, since, until)
    latest = store.db.execute("SELECT ending FROM source_latest WHERE source = ?", (source,)).fetchone()
    new, revised = store.db.execute(
        "SELECT total(json_extract(tally, '$.new')), total(json_extract(tally, '$.revised')) FROM batch"
        " WHERE source = ? AND learned > ? AND learned <= ?",
        when,
    ).fetchone()
    (refused,) = store.db.execute(
        "SELECT count(*) FROM batch b JOIN reject r ON r.batch = b.number"
        " WHERE b.source = ? AND b.learned > ? AND b.learned <= ?",
        when,
    ).fetchone()
    return SourceCounts(latest[0] if latest else None, int(new), int(revised), refused)


def heard_sources(store: Store) -> list[str]:
    """Every source that ever had a reading, in the order of their ids."""
    return [row[0] for row in store.db.execute("SELECT source FROM source_latest ORDER BY source")]


def batch_of(store: Store, source: str) -> int:
    """The number of a source's last batch; 0 when it has none."""
    found = store.db.execute("SELECT max(number) FROM batch WHERE source = ?", (source,)).fetchone()[0]
    return int(found or 0)
