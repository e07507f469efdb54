"""Published figures and their corrections: entered, listed, never changed. Functions here are methods of `Store`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from envmon import model, periods
from envmon.periods import Period
from envmon.store.judgements import rate_of
from envmon.store.readings import judged_spans, ranks

if TYPE_CHECKING:
    from envmon.model import Correction, PublishedFigure, Rate
    from envmon.store import Store

COLUMNS = "number, at, place, document, rate, subject, period, ends, first, last, asked, basis, batch, note, content"
SAME = """place, rate, subject, period, first, last, asked, basis,
  CASE place WHEN 'bureau' THEN document END"""
"""Makes two entries one figure. Where a chart is drawn does not matter; what the bureau published stands in each of its
documents."""
JUDGED = "judged_batch"  # what is remembered of the last round of judging
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


def judged_batch(store: Store) -> int:
    """The number of the last batch whose readings have been judged: the last that is in what judgements say."""
    known = store.meta(JUDGED)
    return last_batch(store) if known is None else int(known)  # an earlier version did not remember it


def keep_judged_batch(store: Store, batch: int) -> None:
    """Remember that everything up to a batch has been judged."""
    store.set_meta(JUDGED, batch)


def last_batches(store: Store, sites: Sequence[int], first: int, last: int, batch: int) -> dict[int, int]:
    """The last batch up to a given one that brought a reading of some sites, first < ending <= last, by day."""
    where = f"""ending > :first AND ending <= :last AND site IN ({", ".join(map(str, sites))}) AND batch <= :batch
      AND stream IN (SELECT number FROM stream WHERE span IN ({judged_spans()}))"""
    rows = store.db.execute(
        f"""SELECT (ending - 1 + {periods.OFFSET}) / {periods.DAY} AS day, max(batch) FROM (
          SELECT ending, batch FROM reading WHERE {where}
          UNION ALL SELECT ending, batch FROM reading_history WHERE {where}) GROUP BY day""",
        {"first": first, "last": last, "batch": batch},
    )
    return dict(rows.fetchall())


class Given(NamedTuple):
    """A value that a stream gives, or gave when a batch was the last.

    known_then : it was in force then. in_force : it is now. item : id. value : in stored steps.
    """

    ending: int
    site: int
    item: str
    basis: int
    span: int
    value: int
    mark: int
    source: str
    origin: str
    learned: int
    known_then: bool
    in_force: bool


def given_since(store: Store, sites: Sequence[int], first: int, last: int, batch: int) -> list[Given]:
    """All that is and was given, first < ending <= last, wherever a value came after a batch.

    By ending, site and item; of these the stream of the highest rank (`ranks`) comes last.
    """
    rows = store.db.execute(
        f"""WITH news AS (SELECT DISTINCT ending, site, parameter FROM reading
          WHERE ending > :first AND ending <= :last AND batch > :batch AND site IN ({", ".join(map(str, sites))}))
        SELECT g.stream, g.ending, g.site, p.id, t.basis, t.span, g.value, g.mark, b.source, b.origin, b.learned,
          g.batch <= :batch, g.in_force
        FROM (SELECT ending, site, parameter, stream, value, mark, batch, 1 AS in_force
            FROM news JOIN reading USING (ending, site, parameter)
          UNION ALL SELECT ending, site, parameter, stream, value, mark, batch, 0
            FROM news JOIN reading_history USING (ending, site, parameter)
            WHERE batch <= :batch AND replaced_by > :batch) g
        JOIN batch b ON b.number = g.batch JOIN stream t ON t.number = g.stream
        JOIN parameter p ON p.number = g.parameter WHERE t.span IN ({judged_spans()})""",
        {"first": first, "last": last, "batch": batch},
    ).fetchall()
    rank = ranks(store)
    rows.sort(key=lambda row: (row[1:4], rank[row[0]]))
    return [Given(*row[1:]) for row in rows]
