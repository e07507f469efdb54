"""The store: one SQLite file that remembers every value it ever saw, every judgement, incident, notice and slot.

The only SQL of the house lives in this folder. One connection writes at a time (a file lock beside the database sees to
it), readers open it read-only. What is acknowledged was committed first. Never here: deciding what a value means.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from envmon.errors import StoreBusy, StoreError
from envmon.store import (
    alerts,
    exceptional,
    figures,
    gaps,
    inbox,
    judgements,
    order,
    past,
    readings,
    reviews,
    schema,
    slots,
    sources,
    telemetry,
)
from envmon.store.writing import transaction

if TYPE_CHECKING:
    from envmon.model import Config, Parameter, Stream

WAIT = 10.0  # seconds to wait for another envmon process that is writing


class SiteNumbers(dict[str, int]):
    """Site id -> its number. A site of the config that was not registered yet has a number of its own that no reading
    has: what is asked about it is answered as for one that was never heard."""

    def __missing__(self, site: str) -> int:
        self[site] = -1 - len(self)
        return self[site]


class Store:
    """An open database. Its methods live in the files of this folder, by what they keep."""

    keep = readings.keep
    add_flags = readings.add_flags
    save_flags = readings.save_flags
    flags = readings.flags
    flags_over = readings.flags_over
    air_hours = readings.air_hours
    bases = readings.bases
    water_readings = readings.water_readings
    history = readings.history
    origins = readings.origins
    revisions = readings.revisions
    dirty = readings.dirty
    judge_again = readings.judge_again
    clean = readings.clean
    latest = readings.latest
    rejects = readings.rejects
    reject_count = readings.reject_count
    enter_intakes = inbox.enter_intakes
    intakes = inbox.intakes
    count_rows = inbox.count_rows
    enter_file = inbox.enter_file
    inbox_files = inbox.inbox_files
    same_content = inbox.same_content
    save_air_days = judgements.save_air_days
    air_days = judgements.air_days
    judged_air_days = judgements.judged_air_days
    save_water = judgements.save_water
    water = judgements.water
    water_days = judgements.water_days
    sampled = judgements.sampled
    save_rates = judgements.save_rates
    rates = judgements.rates
    save_outlooks = judgements.save_outlooks
    outlooks = judgements.outlooks
    enter_events = exceptional.enter_events
    events = exceptional.events
    standing_events = exceptional.standing_events
    events_in_force = exceptional.events_in_force
    enter_review = reviews.enter_review
    reviews_made = reviews.reviews_made
    reviews_in_force = reviews.reviews_in_force
    enter_figures = figures.enter_figures
    published_figures = figures.published_figures
    figures_over = figures.figures_over
    any_figure_over = figures.any_figure_over
    enter_correction = figures.enter_correction
    corrections = figures.corrections
    correction_count = figures.correction_count
    state_of_figure = figures.state_of_figure
    last_batch = figures.last_batch
    judged_batch = figures.judged_batch
    keep_judged_batch = figures.keep_judged_batch
    last_batches = figures.last_batches
    given_since = figures.given_since
    open_incidents = alerts.open_incidents
    incidents = alerts.incidents
    apply = alerts.apply
    refresh = alerts.refresh
    pending_notices = alerts.pending_notices
    notice_sent = alerts.notice_sent
    notice_failed = alerts.notice_failed
    held = telemetry.held
    values_between = telemetry.values_between
    order = order.order
    streams = gaps.streams
    slot_values = gaps.slot_values
    slot_history = gaps.slot_history
    spoken_slots = gaps.spoken_slots
    usual_streams = gaps.usual_streams
    heard = gaps.heard
    batches = gaps.batches
    runs_of = gaps.runs_of
    file_spans = gaps.file_spans
    first_sent = gaps.first_sent
    enter_windows = gaps.enter_windows
    due_windows = gaps.due_windows
    postpone_window = gaps.postpone_window
    close_window = gaps.close_window
    keep_attempt = gaps.keep_attempt
    attempts = gaps.attempts
    values_by_source = gaps.values_by_source
    slot_state = slots.slot_state
    start_slots = slots.start_slots
    finish_slots = slots.finish_slots
    fail_slots = slots.fail_slots
    interrupt_slots = slots.interrupt_slots
    failing = slots.failing
    last_done = slots.last_done
    heard_sources = sources.heard_sources
    source_counts = sources.source_counts
    batch_of = sources.batch_of
    beat = slots.beat
    beats = slots.beats
    last_beat = slots.last_beat

    def __init__(
        self, db: sqlite3.Connection, path: Path, lock: IO[str] | None = None, as_of: int | None = None
    ) -> None:
        self.db, self.path, self._lock = db, path, lock
        self.as_of = as_of  # the minute whose knowledge is read; None: what is known now
        self.site_numbers: dict[str, int] = SiteNumbers(db.execute("SELECT id, number FROM site"))
        self._streams = {row[1:]: row[0] for row in db.execute("SELECT number, source, basis, span FROM stream")}

    @classmethod
    def open(
        cls,
        path: Path,
        readonly: bool = False,
        wait: float = WAIT,
        as_of: int | None = None,
        batch: int | None = None,
        review: int | None = None,
    ) -> Self:
        """Open the database, for writing unless told otherwise; creates or migrates it when writing.

        as_of, batch, review : read only what had been learned by that minute, readings up to that batch and reviews up
        to that one (`past`).
        Raises StoreBusy when another process writes for longer than `wait` seconds, StoreError when the file is not
        there (reading), is not a database, is of a newer schema or cannot be written.
        """
        with ExitStack() as undo:
            lock = None
            if not readonly:
                lock = locked(path, wait)
                undo.callback(lock.close)
            try:
                db = _reader(path) if readonly else _writer(path)
                undo.callback(db.close)
                _check_version(db, path, readonly)
                if as_of is not None:
                    past.look_back(db, as_of, batch, review)
                if readonly:
                    db.execute("PRAGMA query_only = ON")
                opened = cls(db, path, lock, as_of)
            except sqlite3.Error as error:
                raise StoreError("error.store.open", path=path, reason=error) from error
            undo.pop_all()
        return opened

    @property
    def writable(self) -> bool:
        """Whether it was opened for writing."""
        return self._lock is not None

    def close(self) -> None:
        self.db.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing. Inside another one it is part of that one."""
        if self.db.in_transaction:
            yield self.db
            return
        with transaction(self.db, self.path) as db:
            yield db

    def register(self, config: Config, parameters: Iterable[Parameter]) -> None:
        """Give every area, site and parameter its number, once and for ever, and keep what `status` needs to know."""
        from envmon.model import Kind

        parameters = list(parameters)
        places = [(area.id, Kind.AREA.value, area.name, area.id, asdict(area)) for area in config.areas]
        places += [(site.id, site.kind.value, site.name, site.area, asdict(site)) for site in config.sites]
        with self.writing() as db:
            db.executemany(
                "INSERT INTO site (id, kind, name, area, facts) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "kind = excluded.kind, name = excluded.name, area = excluded.area, facts = excluded.facts",
                [(*place[:4], to_json(place[4])) for place in places],
            )
            self._refuse_other_steps(parameters)
            db.executemany(
                "INSERT INTO parameter VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET "
                "name = excluded.name, name_en = excluded.name_en, unit = excluded.unit",
                [(p.number, p.id, p.medium.value, p.name, p.name_en, p.unit, p.decimals) for p in parameters],
            )
            self.set_meta("bureau", config.bureau)
            known = {area.id: area.name for area in config.areas}
            named = {one.id: {"name": known.get(one.area, one.area), "kind": "target"} for one in config.targets}
            named |= {place[0]: {"name": place[2], "kind": place[1]} for place in places}
            self.set_meta("places", named)
            self.set_meta("language", config.language)
            self.set_meta("sources", [source.id for source in config.sources])
            self.set_meta("preferences", [asdict(one) for one in config.preferences])
        self.site_numbers = SiteNumbers(self.db.execute("SELECT id, number FROM site"))

    def _refuse_other_steps(self, parameters: Iterable[Parameter]) -> None:
        """Raises StoreError when an item's values are stored in other steps than this program would read them in."""
        known = {row[0]: row[1:] for row in self.db.execute("SELECT number, id, decimals FROM parameter")}
        for parameter in parameters:
            stored = known.get(parameter.number, (parameter.id, parameter.decimals))
            if stored != (parameter.id, parameter.decimals):
                was, now = f"{stored[0]} ({stored[1]})", f"{parameter.id} ({parameter.decimals})"
                raise StoreError("error.store.steps", path=self.path, number=parameter.number, was=was, now=now)

    def known_stream(self, stream: Stream) -> int | None:
        """The number of a stream; None of one that was never entered."""
        return self._streams.get((stream.source, int(stream.basis), int(stream.span)))

    def stream(self, stream: Stream) -> int:
        """The number of a stream; a new one is entered."""
        key = (stream.source, int(stream.basis), int(stream.span))
        if key not in self._streams:
            with self.writing() as db:
                cursor = db.execute("INSERT INTO stream (source, basis, span) VALUES (?, ?, ?)", key)
                self._streams[key] = int(cursor.lastrowid or 0)
        return int(self._streams[key])

    @property
    def spans(self) -> dict[int, int]:
        """Minutes that the values of each stream stand for, by its number."""
        return {number: key[2] for key, number in self._streams.items()}

    def item_names(self, lang: str) -> dict[str, str]:
        """Names of the monitored items by id, as people know them."""
        name = "name" if lang == "zh" else "name_en"
        return dict(self.db.execute(f"SELECT id, {name} FROM parameter"))

    def set_meta(self, key: str, value: Any) -> None:
        with self.writing() as db:
            db.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
                " WHERE value <> excluded.value",
                (key, to_json(value)),
            )

    def meta(self, key: str) -> Any:
        """A remembered fact, or None."""
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None


Opened = Callable[..., AbstractContextManager[Store]]
"""Opens a store: `opened()` for writing, `opened(readonly=True)` for reading."""


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def locked(path: Path, wait: float) -> IO[str]:
    """The writer's lock, held until released; names the process that has it when it cannot be had."""
    import fcntl

    name = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = name.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError("error.store.folder", path=name, reason=error) from error
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > until:
                file.seek(0)
                owner = file.read().strip() or "?"
                file.close()
                raise StoreBusy("error.store.busy", path=path, owner=owner) from None
            time.sleep(0.02)
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def _reader(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise StoreError("error.store.none", path=path)
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)


def _writer(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA cache_size = -65536")
    return db


def _check_version(db: sqlite3.Connection, path: Path, readonly: bool) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > schema.VERSION:
        raise StoreError("error.store.newer", path=path, version=version, ours=schema.VERSION)
    if version < schema.VERSION:
        if readonly:
            raise StoreError("error.store.older", path=path, version=version, ours=schema.VERSION)
        schema.migrate(db)
