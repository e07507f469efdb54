"""Exceptional events: entered once, never changed; a wrong one is withdrawn by another entry."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from envmon.model import EventKind, ExceptionalEvent

if TYPE_CHECKING:
    from envmon.store import Store

COLUMNS = "number, kind, subject, items, first, last, decided_by, document, note, origin, learned, withdraws"


def enter_events(store: Store, entries: Iterable[ExceptionalEvent]) -> list[ExceptionalEvent]:
    """Enter events that were never entered before, withdrawn or not; returns those entered, with their numbers."""
    entered = []
    with store.writing() as db:
        known = {_row(one)[:SAID] for one in events(store) if one.withdraws is None}
        for event in entries:
            row = _row(event)
            if event.withdraws is None and row[:SAID] in known:
                continue
            places = ", ".join("?" * len(row))
            cursor = db.execute(f"INSERT INTO exceptional_event VALUES (NULL, {places})", row)
            known.add(row[:SAID])
            entered.append(replace(event, number=int(cursor.lastrowid or 0)))
    return entered


SAID = 7
"""So many columns make two entries the same; not those on where it came from, and when."""


def _row(event: ExceptionalEvent) -> tuple[object, ...]:
    """The columns after the number, in the order of the table."""
    items = json.dumps(list(event.items))
    said = (event.kind.value, event.subject, items, event.first, event.last, event.decided_by, event.document)
    return (*said, event.note, event.origin, event.learned, event.withdraws)


def events(store: Store) -> list[ExceptionalEvent]:
    """Every entry that was ever made, withdrawals included, in their order."""
    rows = store.db.execute(f"SELECT {COLUMNS} FROM exceptional_event ORDER BY number")
    return [ExceptionalEvent(row[0], EventKind(row[1]), row[2], tuple(json.loads(row[3])), *row[4:]) for row in rows]


def standing_events(store: Store) -> list[ExceptionalEvent]:
    """The entries and withdrawals not withdrawn themselves: what takes back a withdrawal revives the entry."""
    entries = events(store)
    gone: set[int | None] = set()
    for one in reversed(entries):
        if one.number not in gone:
            gone.add(one.withdraws)
    return [one for one in entries if one.number not in gone]


def events_in_force(store: Store) -> list[ExceptionalEvent]:
    """The entries that nobody withdrew."""
    return [one for one in standing_events(store) if one.withdraws is None]
