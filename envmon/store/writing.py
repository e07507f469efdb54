"""One transaction of a SQLite file: all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envmon.errors import StoreError


@contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """Write to `path`, an open database. Raises StoreError when SQLite cannot; then nothing of it is written."""
    try:
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError("error.store.step", path=path, reason=error) from error
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
