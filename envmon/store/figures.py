"""Published figures and their corrections: entered, listed, never changed. Functions here are methods of `Store`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from envmon import model
from envmon.periods import Period
from envmon.store.judgements import rate_of
from envmon.store.readings import ranks

if TYPE_CHECKING:
    from envmon.model import Basis, Correction, PublishedFigure, Rate
    from envmon.store import Store

COLUMNS = "number, at, place, document, rate, subject, period, ends, first, last, asked, basis, batch, note, content"
SAME = """place, rate, subject, period, first, last, asked, basis,
  CASE place WHEN 'bureau' THEN document END"""
"""Makes two entries one figure. Where a chart is drawn does not matter; what the bureau published stands in each of its
documents."""
LATEST = f"SELECT max(number) FROM published_figure GROUP BY {SAME}"


def enter_figures(store: Store, figures: Iterable[PublishedFigure]) -> list[PublishedFigure]:
    """Enter figures, except those that were last published just so; returns all of them with their numbers."""
    from envmon.store import to_json

    entered = []
    with store.writing() as db:
        for one in figures:
            content = to_json(asdict(one.rate))
            row = (one.at, one.place.value, one.document, *_key(one), one.batch, one.note, content)
            before = _last_published(store, one)
            if before is not None and before[1] == content:
                entered.append(replace(one, number=before[0]))
                continue
            places = ", ".join("?" * len(row))
            cursor = db.execute(f"INSERT INTO published_figure VALUES (NULL, {places})", row)
            entered.append(replace(one, number=int(cursor.lastrowid or 0)))
    return entered


def _key(one: PublishedFigure) -> tuple[object, ...]:
    """The columns from `rate` to `basis`."""
    basis = None if one.view.basis is None else int(one.view.basis)
    counted = one.rate.period
    asked = (one.period.name, one.period.last, counted.first, counted.last, one.view.edition, basis)
    return (one.rate.name.value, one.rate.subject, *asked)


def _last_published(store: Store, one: PublishedFigure) -> tuple[int, str] | None:
    """Number and content of the entry of this figure that was published last."""
    found: tuple[int, str] | None = store.db.execute(
        """SELECT number, content FROM published_figure
        WHERE rate = ? AND subject = ? AND period = ? AND ends = ? AND first = ? AND last = ? AND asked = ?
        AND basis IS ? AND place = ? AND (place = ? OR document = ?) ORDER BY number DESC LIMIT 1""",
        (*_key(one), one.place.value, model.Place.CHART.value, one.document),
    ).fetchone()
    return found


def published_figures(store: Store) -> list[PublishedFigure]:
    """Every figure that was published, in order."""
    return [_figure(row) for row in store.db.execute(f"SELECT {COLUMNS} FROM published_figure ORDER BY number")]


def figures_over(store: Store, first: int, last: int) -> list[PublishedFigure]:
    """The figures that count a day from `first` to `last`, each as last published."""
    rows = store.db.execute(
        f"SELECT {COLUMNS} FROM published_figure WHERE last >= ? AND first <= ? AND number IN ({LATEST})"
        " ORDER BY number",
        (first, last),
    )
    return [_figure(row) for row in rows]


def any_figure_over(store: Store, first: int, last: int) -> bool:
    """Whether a published figure counts a day from `first` to `last`."""
    found = store.db.execute("SELECT 1 FROM published_figure WHERE last >= ? AND first <= ? LIMIT 1", (first, last))
    return found.fetchone() is not None


def _figure(row: Sequence[Any]) -> PublishedFigure:
    number, at, place, document, _, _, period, ends, first, _, asked, basis, batch, note, content = row
    return model.PublishedFigure(
        at=at,
        place=model.Place(place),
        document=document,
        period=Period(first, ends, period),
        view=model.View(asked, None if basis is None else model.Basis(basis)),
        rate=rate_of(json.loads(content)),
        batch=batch,
        note=note,
        number=number,
    )


def enter_correction(store: Store, one: Correction) -> Correction:
    """Enter a correction; returns it with its number."""
    from envmon.store import to_json

    contents = [to_json(asdict(part)) for part in (one.was, one.became, one.causes)]
    with store.writing() as db:
        cursor = db.execute(
            "INSERT INTO correction (figure, found, since, batch, was, became, causes) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (one.figure, one.found, one.since, one.batch, *contents),
        )
    return replace(one, number=int(cursor.lastrowid or 0))


def corrections(store: Store, first: int = 0, last: int = 2**40) -> list[tuple[PublishedFigure, Correction]]:
    """The corrections found from minute `first` to `last`, with their figures, in order."""
    known = {one.number: one for one in published_figures(store)}
    rows = store.db.execute(
        "SELECT number, figure, found, since, batch, was, became, causes FROM correction WHERE found BETWEEN ? AND ?"
        " ORDER BY number",
        (first, last),
    )
    return [(known[row[1]], _correction(row)) for row in rows]


def correction_count(store: Store, first: int, last: int) -> int:
    """How many corrections were found from minute `first` to `last`."""
    found = store.db.execute("SELECT count(*) FROM correction WHERE found BETWEEN ? AND ?", (first, last)).fetchone()
    return int(found[0])


def _correction(row: Sequence[Any]) -> Correction:
    number, figure, found, since, batch, was, became, causes = row
    told = json.loads(causes)
    values = [model.ChangedValue(**{**one, "basis": model.Basis(one["basis"])}) for one in told["values"]]
    return model.Correction(
        figure=figure,
        found=found,
        since=since,
        was=rate_of(json.loads(was)),
        became=rate_of(json.loads(became)),
        causes=model.Causes(
            values=tuple(values),
            count=told["count"],
            turned=tuple(model.Turned(**one) for one in told["turned"]),
            events=tuple(told["events"]),
            settings=tuple(told["settings"]),
        ),
        batch=batch,
        number=number,
    )


def state_of_figure(store: Store, one: PublishedFigure) -> tuple[Rate, int]:
    """What a figure was last known to be, and the number of the last batch of readings that is in that."""
    row = store.db.execute(
        "SELECT became, batch FROM correction WHERE figure = ? ORDER BY number DESC LIMIT 1", (one.number,)
    ).fetchone()
    return (one.rate, one.batch) if row is None else (rate_of(json.loads(row[0])), row[1])


def last_batch(store: Store, at: int = 2**40) -> int:
    """The number of the last batch that was learned by a minute; 0 when there is none."""
    found = store.db.execute("SELECT coalesce(max(number), 0) FROM batch WHERE learned <= ?", (at,)).fetchone()
    return int(found[0])


Changed = tuple[int, int, int, int, int, int, int, str, str, int]
"""ending, site number, parameter number, stream, value, mark, basis, source, origin, learned."""


def changed_readings(
    store: Store, sites: Sequence[int], first: int, last: int, batch: int, basis: Basis | None
) -> list[Changed]:
    """Values in force with first < ending <= last that came after a batch, oldest first."""
    return store.db.execute(
        f"""SELECT r.ending, r.site, r.parameter, r.stream, r.value, r.mark, t.basis, b.source, b.origin, b.learned
        FROM reading r JOIN batch b ON b.number = r.batch JOIN stream t ON t.number = r.stream
        WHERE r.ending > ? AND r.ending <= ? AND r.batch > ? AND r.site IN ({", ".join("?" * len(sites))})
        AND (? IS NULL OR t.basis = ?) ORDER BY r.ending, r.site, r.parameter, b.number""",
        (first, last, batch, *sites, basis, basis),
    ).fetchall()


def value_known(store: Store, site: int, parameter: int, ending: int, batch: int) -> tuple[int, int] | None:
    """Value and mark of a reading as they counted when a batch was the last; None where none had come.

    Where several streams give it, that of the highest rank counts.
    """
    rows = store.db.execute(
        """SELECT stream, value, mark FROM reading_history
          WHERE (ending, site, parameter) = (:ending, :site, :parameter) AND batch <= :batch AND replaced_by > :batch
        UNION ALL SELECT stream, value, mark FROM reading
          WHERE (ending, site, parameter) = (:ending, :site, :parameter) AND batch <= :batch""",
        {"ending": ending, "site": site, "parameter": parameter, "batch": batch},
    ).fetchall()
    if not rows:
        return None
    rank = ranks(store)
    _, value, mark = max(rows, key=lambda row: rank[row[0]])
    return value, mark
