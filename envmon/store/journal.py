"""The journal: a small SQLite file of its own in which the listener keeps every frame before it answers.

It stands beside the main database, so that no long step there keeps a station waiting. The listener is its only writer
for as long as it runs (a file lock sees to it); everybody else reads. Never here: what a frame means, passwords.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import astuple, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from envmon.errors import StoreBusy, StoreError
from envmon.model import Heard, Knock, RawFrame, Refusal, Request, RequestState
from envmon.store.writing import transaction

KNOCKS = 2_000  # kinds of refusal by MN and address that are told apart; all others share one row a kind
OTHERS = "*"
PRUNED = 2_000  # old frames dropped in one commit

TABLES = """
CREATE TABLE frame (number INTEGER PRIMARY KEY AUTOINCREMENT, received INTEGER NOT NULL, mn TEXT NOT NULL,
  cn TEXT NOT NULL, address TEXT NOT NULL, segment BLOB NOT NULL, digest BLOB NOT NULL UNIQUE);
CREATE TABLE station (mn TEXT PRIMARY KEY, address TEXT NOT NULL, connected INTEGER NOT NULL, last INTEGER NOT NULL,
  data_time TEXT NOT NULL, frames INTEGER NOT NULL, day INTEGER NOT NULL, today INTEGER NOT NULL, offset INTEGER);
CREATE TABLE refusal (kind TEXT NOT NULL, mn TEXT NOT NULL, address TEXT NOT NULL, count INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, example TEXT NOT NULL, PRIMARY KEY (kind, mn, address)) WITHOUT ROWID;
CREATE TABLE request (id TEXT PRIMARY KEY, mn TEXT NOT NULL, cn TEXT NOT NULL, begin INTEGER NOT NULL,
  "end" INTEGER NOT NULL, asked INTEGER NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
  updated INTEGER NOT NULL, qn TEXT NOT NULL, answer TEXT NOT NULL, frames INTEGER NOT NULL);
CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
"""

TAKEN = "telemetry"
"""The fact in the main database's meta that says how far a journal was taken over, by the last frame taken:
{"journal": identity, "frame": number, "received": ms}."""

Place = tuple[Refusal, str, str]
"""(kind, MN, address) of what was refused."""


@dataclass(slots=True)
class Batch:
    """What one commit writes: all of it or nothing."""

    frames: list[RawFrame] = field(default_factory=list)
    heard: dict[str, Heard] = field(default_factory=dict)
    knocks: dict[Place, Knock] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    alive: int = 0  # ms; when the listener says that it lives

    def __bool__(self) -> bool:
        return bool(self.frames or self.heard or self.knocks or self.requests or self.alive)

    def knock(self, kind: Refusal, mn: str, address: str, now: int, example: str, count: int = 1) -> None:
        """Count a refusal; past KNOCKS different ones in one batch they share a row."""
        place = (kind, mn, address)
        if place not in self.knocks and len(self.knocks) >= KNOCKS:
            place = (kind, OTHERS, OTHERS)
        known = self.knocks.get(place)
        first, total = (known.first, known.count) if known else (now, 0)
        self.knocks[place] = Knock(total + count, first, now, example)


def beside(database: str | Path) -> Path:
    """Where the journal of a main database stands."""
    return Path(database).with_suffix(".telemetry.db")


class Journal:
    """The open journal. Calls may come from different threads, one at a time."""

    def __init__(self, db: sqlite3.Connection, path: Path, lock: IO[str] | None = None) -> None:
        self.db, self.path, self._lock = db, path, lock
        self.identity = self.fact("identity")

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the journal for writing, making it if needed. Raises StoreBusy when another listener has it."""
        from envmon.store import locked

        with ExitStack() as undo:
            try:
                lock = locked(path, 0)
            except StoreBusy as busy:
                raise StoreBusy("error.listener.running", path=path, owner=busy.values["owner"]) from None
            undo.callback(lock.close)
            try:
                db = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
                undo.callback(db.close)
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = FULL")
                if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                    made = f"INSERT INTO fact VALUES ('identity', '{secrets.token_hex(8)}');"
                    db.executescript(f"BEGIN IMMEDIATE;{TABLES}{made}COMMIT;")
                opened = cls(db, path, lock)
            except sqlite3.Error as error:
                raise StoreError("error.store.open", path=path, reason=error) from error
            undo.pop_all()
        return opened

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open the journal for reading. Raises StoreError when it is not there or no journal."""
        if not path.exists():
            raise StoreError("error.listener.none", path=path)
        try:
            db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)
            db.execute("PRAGMA query_only = ON")
            return cls(db, path)
        except sqlite3.Error as error:
            raise StoreError("error.store.open", path=path, reason=error) from error

    def close(self) -> None:
        self.db.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self.db, self.path)

    # --- the listener's side ---

    def commit(self, batch: Batch) -> None:
        """Write a batch; when this returns it is on the disk. A frame that is there already is kept once."""
        with self._writing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO frame (received, mn, cn, address, segment, digest) VALUES (?, ?, ?, ?, ?, ?)",
                [(f.received, f.mn, f.cn, f.address, f.segment, _digest(f.segment)) for f in batch.frames],
            )
            db.executemany(
                "INSERT OR REPLACE INTO station VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [astuple(one) for one in batch.heard.values()],
            )
            db.executemany(
                "INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [astuple(one) for one in batch.requests.values()],
            )
            if batch.knocks:
                _keep_knocks(db, batch.knocks)
            if batch.alive:
                db.execute("INSERT OR REPLACE INTO fact VALUES ('alive', ?)", (str(batch.alive),))

    def begin(self) -> tuple[dict[str, Heard], list[Request]]:
        """Take up where the last listener ended: nobody is connected, and what was asked is asked again."""
        with self._writing() as db:
            db.execute("UPDATE station SET connected = 0")
            db.execute("UPDATE request SET state = 'waiting', tries = 0 WHERE state IN ('sent', 'accepted')")
        waiting = [one for one in self.requests() if one.state is RequestState.WAITING]
        return {one.mn: one for one in self.stations()}, waiting

    def prune(self, database: Path, before: int) -> int:
        """Drop frames that the main database took over, but the last, and that were received before a time [ms]."""
        from envmon.store import Store

        if not database.exists():
            return 0
        try:
            with Store.open(database, readonly=True) as store:
                taken = self.taken(store.meta(TAKEN))
        except sqlite3.Error as error:
            raise StoreError("error.store.step", path=database, reason=error) from error
        with self._writing() as db:
            return db.execute(
                "DELETE FROM frame WHERE number IN (SELECT number FROM frame WHERE number < ? AND received < ?"
                " ORDER BY number LIMIT ?)",
                (taken, before, PRUNED),
            ).rowcount

    # --- everybody's side ---

    def fact(self, key: str) -> str:
        row = self.db.execute("SELECT value FROM fact WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    def taken(self, known: Mapping[str, Any] | None) -> int:
        """The number of the last frame taken, by what the main database knows (TAKEN).

        0 when it knows another journal, or this one was put back from a copy and numbers its frames anew: then all of
        them are taken again, which changes nothing that is known.
        """
        if not known or known["journal"] != self.identity:
            return 0
        place = (known["frame"], known["received"])
        found = self.db.execute("SELECT number FROM frame WHERE (number, received) = (?, ?)", place).fetchone()
        return int(found[0]) if found else 0

    def newest(self) -> int:
        """The number of the frame that came last, whether or not it is still kept."""
        row = self.db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'frame'").fetchone()
        return int(row[0]) if row else 0

    def frames(self, after: int, limit: int) -> list[RawFrame]:
        """The next frames behind a number, in the order they came."""
        rows = self.db.execute(
            "SELECT received, mn, cn, address, segment, number FROM frame WHERE number > ? ORDER BY number LIMIT ?",
            (after, limit),
        )
        return [RawFrame(*row) for row in rows]

    def stations(self) -> list[Heard]:
        rows = self.db.execute("SELECT * FROM station ORDER BY mn")
        return [Heard(row[0], row[1], bool(row[2]), *row[3:]) for row in rows]

    def refusals(self) -> list[tuple[Place, Knock]]:
        """What was refused, latest first."""
        rows = self.db.execute("SELECT * FROM refusal ORDER BY last DESC, kind, mn, address")
        return [((Refusal(row[0]), row[1], row[2]), Knock(*row[3:])) for row in rows]

    def requests(self, mn: str | None = None) -> list[Request]:
        """What stations were asked for, in the order of asking."""
        rows = self.db.execute("SELECT * FROM request WHERE ? IS NULL OR mn = ? ORDER BY asked, id", (mn, mn))
        return [replace(Request(*row), state=RequestState(row[6])) for row in rows]


def _digest(segment: bytes) -> bytes:
    """What tells an exact repeat: MN, CN, QN, PNO and all the values stand in the segment."""
    return blake2b(segment, digest_size=16).digest()


def _keep_knocks(db: sqlite3.Connection, knocks: Mapping[Place, Knock]) -> None:
    """Add to the counts; once there are KNOCKS rows, new places share one row a kind."""
    room = KNOCKS - int(db.execute("SELECT count(*) FROM refusal").fetchone()[0])
    for place, knock in knocks.items():
        if not _add(db, place, knock):
            if room <= 0:
                place = (place[0], OTHERS, OTHERS)
                if _add(db, place, knock):
                    continue
            room -= 1
            db.execute("INSERT INTO refusal VALUES (?, ?, ?, ?, ?, ?, ?)", (*place, *astuple(knock)))


def _add(db: sqlite3.Connection, place: Place, knock: Knock) -> bool:
    return bool(
        db.execute(
            "UPDATE refusal SET count = count + ?, last = ?, example = ? WHERE kind = ? AND mn = ? AND address = ?",
            (knock.count, knock.last, knock.example, *place),
        ).rowcount
    )
