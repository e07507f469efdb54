"""Import of a year of hourly readings beside a bare `executemany` of the same rows into the same table.

Ours is the whole way: bytes read, parsed, checked, upserted with revisions, days marked, one transaction. The bare way
has the rows ready and no checks, triggers or marks. Both write with WAL and synchronous=FULL. Medians of one run.
Run: python -m bench import
"""

from __future__ import annotations

import csv
import gzip
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from bench.goals import Goal, load
from envmon import standards
from envmon.model import Area, Basis, Channel, Config, Kind, Paths, Row, Site, SourceSpec
from envmon.pipeline.importing import import_file
from envmon.pipeline.pull import context_of
from envmon.sources import SOURCES, read_file
from envmon.store import Store
from envmon.store.schema import READINGS

SAMPLE = Path(__file__).parent.parent / "data" / "sample" / "archive"
ROUNDS = 5
NOW = 28_000_000


def run() -> list[Goal]:
    """The import as a whole; the list of goals asks less (goal 12: the upsert alone)."""
    file = min(SAMPLE.glob("*.gz"))
    config, spec = bureau(file)
    rows = parsed_rows(config, spec, file)
    print(f"import: {file.name}, {len(rows)} readings, {ROUNDS} rounds; {load()}")
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(timed_bare(rows))
        ours.append(timed_import(config, spec, file))
    ratio = statistics.median(ours) / statistics.median(bare)
    print(f"  bare executemany {statistics.median(bare):.2f} s, import {statistics.median(ours):.2f} s")
    return [Goal("import", "a file read, checked and upserted / bare executemany of its rows", ratio, "<=", 3)]


def bureau(path: Path) -> tuple[Config, SourceSpec]:
    """A config whose sites are the columns of the file."""
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        names = next(csv.reader(file))[3:]
    spec = SourceSpec("archive", "archive", "http://127.0.0.1/", 60, 35, 2880, Basis.REALTIME, {"form": "cities"})
    area = Area("all", "all", "prefecture", air=Kind.CITY)
    sites = tuple(Site(f"city-{i}", name, Kind.CITY, "all") for i, name in enumerate(names))
    paths = Paths("", "", "", "", "", "")
    return Config("bench", "en", (area,), sites, (spec,), (), (), (Channel("log", "log"),), paths, {}, {}), spec


def parsed_rows(config: Config, spec: SourceSpec, path: Path) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "x.db") as store:
        store.register(config, standards.parameters().values())
        return SOURCES["archive"].parse(read_file(path, "archive", NOW), context_of(store, config, spec)).rows


def timed_bare(rows: list[Row]) -> float:
    """The rows straight into a table of the same form."""
    table = READINGS[READINGS.index("CREATE TABLE reading (") : READINGS.index("-- Every value that")]
    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA cache_size = -65536")
        db.execute(table)
        began = time.perf_counter()
        db.execute("BEGIN")
        db.executemany(f"INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?, ?, ?, 1, {NOW})", rows)
        db.execute("COMMIT")
        took = time.perf_counter() - began
        db.close()
    return took


def timed_import(config: Config, spec: SourceSpec, path: Path) -> float:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "x.db") as store:
        store.register(config, standards.parameters().values())
        began = time.perf_counter()
        import_file(store, config, spec, path, NOW)
        return time.perf_counter() - began
