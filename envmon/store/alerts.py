"""Incidents and the outbox. An event, its incident and its notices are written together, before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from envmon.model import Change, Event, Incident, IncidentState, RuleKind, Severity

if TYPE_CHECKING:
    import sqlite3

    from envmon.store import Store

COLUMNS = "id, rule, kind, subject, state, severity, value, opened, last, told, facts"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message of one event on one channel, not yet accepted. `event_id` stays the same over restarts."""

    id: int
    event_id: int
    channel: str
    tries: int
    event: Event


def open_incidents(store: Store) -> list[Incident]:
    return _incidents(store, "WHERE state = 'open' ORDER BY severity DESC, opened", ())


def incidents(store: Store, first: int, last: int) -> list[Incident]:
    """Incidents that were open at some minute from `first` to `last`, newest first."""
    return _incidents(
        store, "WHERE opened <= ? AND (state = 'open' OR last >= ?) ORDER BY opened DESC, id DESC", (last, first)
    )


def _incidents(store: Store, where: str, values: tuple[int, ...]) -> list[Incident]:
    return [_incident(row) for row in store.db.execute(f"SELECT {COLUMNS} FROM incident {where}", values)]


def _incident(row: Sequence[Any]) -> Incident:
    number, rule, kind, subject, state, severity, value, opened, last, told, facts = row
    kind = None if kind is None else RuleKind(kind)
    state, severity, facts = IncidentState(state), Severity(severity), json.loads(facts)
    return Incident(number, rule, kind, subject, state, severity, value, opened, last, told, facts)


def apply(store: Store, events: Iterable[Event], channels: Sequence[str]) -> list[Event]:
    """Write what happened to incidents, and one notice a channel; returns the events with their incidents' numbers."""
    from envmon.store import to_json

    done, opened = [], dict[tuple[str, str], int]()
    with store.writing() as db:
        for event in events:
            incident = event.incident  # one opened in this very go has no number of its own yet
            number = _enter(db, replace(incident, id=incident.id or opened.get(incident.key, 0)))
            opened[incident.key] = number if incident.state is IncidentState.OPEN else 0
            facts = to_json(dict(event.incident.facts))
            cursor = db.execute(
                "INSERT INTO incident_event (incident, change, at, severity, value, finding, facts)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    event.change.value,
                    event.at,
                    int(event.incident.severity),
                    event.incident.value,
                    event.incident.last,
                    facts,
                ),
            )
            db.executemany(
                "INSERT INTO notice (event, channel) VALUES (?, ?)", [(cursor.lastrowid, name) for name in channels]
            )
            done.append(replace(event, incident=replace(event.incident, id=number)))
    return done


def refresh(store: Store, incidents: Iterable[Incident]) -> None:
    """Let open incidents know what was found since, without telling anyone."""
    with store.writing() as db:
        for incident in incidents:
            _enter(db, incident)


def _enter(db: sqlite3.Connection, incident: Incident) -> int:
    """Write an incident, new or changed; returns its number."""
    from envmon.store import to_json

    row = (
        incident.rule,
        incident.kind,
        incident.subject,
        incident.state.value,
        int(incident.severity),
        incident.value,
        incident.opened,
        incident.last,
        incident.told,
        to_json(dict(incident.facts)),
    )
    if incident.id:
        names = ", ".join(f"{name} = ?" for name in COLUMNS.split(", ")[1:])
        db.execute(f"UPDATE incident SET {names} WHERE id = ?", (*row, incident.id))
        return incident.id
    cursor = db.execute(f"INSERT INTO incident ({COLUMNS[4:]}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return int(cursor.lastrowid or 0)


def pending_notices(store: Store) -> list[Notice]:
    """Notices still to be sent, oldest first, with the incident as it was at the event."""
    rows = store.db.execute(
        f"""SELECT n.id, n.event, n.channel, n.tries, e.change, e.at, e.severity, e.value, e.finding, e.facts,
        {", ".join("i." + name for name in COLUMNS.split(", "))}
        FROM notice n JOIN incident_event e ON e.id = n.event JOIN incident i ON i.id = e.incident
        WHERE n.state = 'pending' ORDER BY n.id"""
    ).fetchall()
    found = []
    for number, event, channel, tries, change, at, severity, value, finding, facts, *incident in rows:
        then = replace(
            _incident(incident),
            state=IncidentState.RESOLVED if change == Change.RESOLVED else IncidentState.OPEN,
            severity=Severity(severity),
            value=value,
            last=finding,
            facts=json.loads(facts),
        )
        found.append(Notice(number, event, channel, tries, Event(Change(change), then, at)))
    return found


def notice_sent(store: Store, notice: Notice, now: int) -> None:
    with store.writing() as db:
        db.execute(
            "UPDATE notice SET state = 'sent', tries = tries + 1, tried = ?, error = NULL WHERE id = ?",
            (now, notice.id),
        )


def notice_failed(store: Store, notice: Notice, now: int, error: str, for_good: bool) -> None:
    """Record a failed sending; it stays pending unless it failed for good."""
    with store.writing() as db:
        db.execute(
            "UPDATE notice SET state = ?, tries = tries + 1, tried = ?, error = ? WHERE id = ?",
            ("refused" if for_good else "pending", now, error, notice.id),
        )
