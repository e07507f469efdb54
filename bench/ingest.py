"""Import of a year of hourly readings beside a bare `executemany` of the same rows into the same table.

Ours is the whole way: bytes read, parsed, checked, upserted with revisions, days marked, one transaction. The bare way
has the rows ready and no checks, triggers or marks. Both write with WAL and synchronous=FULL. Medians of one run.
Run: python -m bench.ingest [--file sichuan_cities_hourly_2022.csv.gz] [--rounds N]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from envmon import standards
from envmon.model import Area, Basis, Channel, Config, Kind, Paths, Row, Site, SourceSpec
from envmon.pipeline.importing import import_file
from envmon.pipeline.pull import context_of
from envmon.sources import SOURCES, read_file
from envmon.store import Store
from envmon.store.schema import READINGS

SAMPLE = Path(__file__).parent.parent / "data" / "sample" / "archive"
GOAL = 3.0
NOW = 28_000_000


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the ratio, return 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--file", type=Path, default=next(iter(sorted(SAMPLE.glob("*.gz")))))
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    config, spec = bureau(given.file)
    rows = parsed_rows(config, spec, given.file)
    ours, bare = [], []
    for _ in range(given.rounds):
        bare.append(timed_bare(rows))
        ours.append(timed_import(config, spec, given.file))
    ratio = statistics.median(ours) / statistics.median(bare)
    print(f"ingest: {given.file.name}, {len(rows)} readings, {given.rounds} rounds")
    print(f"  bare executemany   {statistics.median(bare):6.2f} s")
    print(f"  envmon import      {statistics.median(ours):6.2f} s   {ratio:.2f} x bare (goal <= {GOAL:g})")
    return int(ratio > GOAL)


def bureau(path: Path) -> tuple[Config, SourceSpec]:
    """A config whose sites are the columns of the file."""
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        names = next(csv.reader(file))[3:]
    spec = SourceSpec("archive", "archive", "http://127.0.0.1/", 60, 35, 2880, Basis.REALTIME, {"form": "cities"})
    area = Area("all", "all", "prefecture", air=Kind.CITY)
    sites = tuple(Site(f"city-{i}", name, Kind.CITY, "all") for i, name in enumerate(names))
    paths = Paths("", "", "", "", "")
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


if __name__ == "__main__":
    raise SystemExit(main())
