"""Reviews of readings: entered once, never changed; a wrong one is undone by another entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from envmon import model, periods

if TYPE_CHECKING:
    from envmon.model import Review
    from envmon.store import Store

COLUMNS = "number, site, item, first, last, flag, reason, by, learned, undoes"


def enter_review(store: Store, review: Review) -> tuple[Review, int]:
    """Enter a review and let the days it touches be judged again; returns it with its number, and how many days.

    Only days that were judged are marked: of the others the review is known when they are judged first.
    """
    values = (review.site, review.item, review.first, review.last, int(review.flag), review.reason, review.by)
    span = (periods.day_of(review.first + 1), periods.day_of(review.last))
    with store.writing() as db:
        cursor = db.execute(
            "INSERT INTO review VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*values, review.learned, review.undoes)
        )
        entered = replace(review, number=int(cursor.lastrowid or 0))
        number, days = store.site_numbers[review.site], set[tuple[str, int, int]]()
        for judged in (
            "SELECT 'air', day, site FROM air_day WHERE site = ? AND day BETWEEN ? AND ?",
            "SELECT 'water', first, site FROM water_judgement"
            " WHERE site = ? AND first BETWEEN ? AND ? AND span = 'day'",
        ):
            days.update(db.execute(judged, (number, *span)))
        db.executemany("INSERT OR IGNORE INTO dirty VALUES (?, ?, ?)", sorted(days))
    return entered, len(days)


def reviews_made(store: Store) -> list[Review]:
    """Every entry that was ever made, those that undo others included, in their order."""
    rows = store.db.execute(f"SELECT {COLUMNS} FROM review ORDER BY number")
    return [replace(model.Review(*row), flag=model.Flag(row[5])) for row in rows]


def reviews_in_force(store: Store, sites: Sequence[str] | None = None) -> list[Review]:
    """The entries that nobody undid, in their order; of some sites only."""
    entries = reviews_made(store)
    undone = {one.undoes for one in entries}
    return [
        one
        for one in entries
        if one.undoes is None and one.number not in undone and (sites is None or one.site in sites)
    ]
