"""Readings as taking over telemetry asks for them. Functions here are methods of `Store`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envmon.model import Row
    from envmon.store import Store

Key = tuple[int, int, int, int]
"""(ending, site, parameter, stream)"""


def held(store: Store, rows: Iterable[Row]) -> set[Key]:
    """The keys of those rows that have a value already."""
    found = "SELECT 1 FROM reading WHERE (ending, site, parameter, stream) = (?, ?, ?, ?)"
    return {key for row in rows if store.db.execute(found, key := row[:4]).fetchone()}


def values_between(store: Store, site: int, stream: int, first: int, last: int) -> list[tuple[int, int, int, int]]:
    """(ending, parameter, value, mark) of one stream of a site with first < ending <= last."""
    return store.db.execute(
        "SELECT ending, parameter, value, mark FROM reading WHERE ending > ? AND ending <= ? AND site = ?"
        " AND stream = ? ORDER BY ending",
        (first, last, site, stream),
    ).fetchall()
