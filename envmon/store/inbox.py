"""Files of the inbox with their receipts, and the monthly intakes of sources. Functions here are methods of `Store`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from envmon import model

if TYPE_CHECKING:
    from envmon.model import InboxFile, Intake, Tally
    from envmon.store import Store

COLUMNS = "name, sha256, size, form, source, state, batch, received, moved, reason, content, number"
IN_FORCE = "SELECT month, site, volume, max(number) FROM intake_volume WHERE month BETWEEN ? AND ? GROUP BY month, site"


def enter_intakes(store: Store, batch: int, rows: Iterable[Intake]) -> Tally:
    """Enter monthly intakes; a known one changes nothing, another one revises it and the old one stays."""
    read = new = revised = 0
    with store.writing() as db:
        for one in rows:
            known = intakes(store, one.month, one.month).get((one.month, one.site))
            read, new, revised = read + 1, new + (known is None), revised + (known not in (None, one.volume))
            if known != one.volume:
                row = (one.site, one.month, one.volume, batch)
                db.execute("INSERT INTO intake_volume (site, month, volume, batch) VALUES (?, ?, ?, ?)", row)
    return model.Tally(read=read, new=new, same=read - new - revised, revised=revised)


def intakes(store: Store, first: int, last: int) -> dict[tuple[int, int], int]:
    """The intakes in force of the months whose first day lies from `first` to `last`: (month, site number) -> steps."""
    return {(month, site): volume for month, site, volume, _ in store.db.execute(IN_FORCE, (first, last))}


def count_rows(store: Store, batch: int, tally: Tally) -> None:
    """Say what became of the rows of a batch, where they are more than its readings."""
    from envmon.store import to_json

    with store.writing() as db:
        db.execute("UPDATE batch SET tally = ? WHERE number = ?", (to_json(asdict(tally)), batch))


def enter_file(store: Store, file: InboxFile) -> None:
    """Keep the receipt of a file, in the transaction that keeps its rows."""
    from envmon.store import to_json

    row = asdict(file) | {"state": file.state.value}
    content = {key: row[key] for key in ("tally", "sites", "months", "unknown", "version")}
    values = [row[key] for key in COLUMNS.split(", ")[:10]]
    with store.writing() as db:
        columns = COLUMNS.removesuffix(", number")
        marks = ", ".join("?" * (len(values) + 1))
        db.execute(f"INSERT INTO inbox_file ({columns}) VALUES ({marks})", (*values, to_json(content)))


def inbox_files(store: Store, since: int = 0, source: str | None = None) -> list[InboxFile]:
    """Files taken or refused since a minute, the newest first."""
    rows = store.db.execute(
        f"SELECT {COLUMNS} FROM inbox_file WHERE received >= ? AND (? IS NULL OR source = ?) ORDER BY number DESC",
        (since, source, source),
    )
    return [_file(row) for row in rows]


def same_content(store: Store, sha256: str) -> InboxFile | None:
    """The file with this content that was taken in first, under whatever name."""
    row = store.db.execute(
        f"SELECT {COLUMNS} FROM inbox_file WHERE sha256 = ? AND state = ? ORDER BY number LIMIT 1",
        (sha256, model.InboxState.DONE.value),
    ).fetchone()
    return None if row is None else _file(row)


def _file(row: tuple[Any, ...]) -> InboxFile:
    *own, content, number = row
    own[5] = model.InboxState(own[5])
    rest = json.loads(content)
    receipt: dict[str, Any] = {key: tuple(rest[key]) for key in ("sites", "months", "unknown")}
    return replace(
        model.InboxFile(*own), tally=model.Tally(**rest["tally"]), version=rest["version"], number=number, **receipt
    )
