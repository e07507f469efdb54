"""A year from a Parquet file, and from envmon's own store: ours beside polars.

The store is SQLite with one row a value (docs/decisions/002), not the packed numbers this goal was set for; a few
stations are enough to see what reading them costs. polars reads the same stations from Parquet.
Run: python -m bench 7
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import air, air_peers, generate
from bench.air import FIRST, Hours
from bench.goals import Goal, in_turn, installed, load, tell, versus
from bench.hour import bureau
from envmon import periods, standards
from envmon.assess import air as assess
from envmon.model import NO_VALUE, POLLUTANTS, AirRegime, Basis, Mark, Row, Span, Stream
from envmon.pipeline.judge_air import STORED
from envmon.store import Store

ROUNDS = 5
MANY, FEW = 500, 10
"""Stations in the Parquet file of the first part, and in the store."""


def run() -> list[Goal]:
    """Goal 7."""
    if not (installed("pyarrow") and installed("polars")):
        return [Goal("7", "polars from Parquet / ours", None, ">=", 1.8, "pyarrow or polars is not installed")]
    regime = air.regimes()[-1]
    with tempfile.TemporaryDirectory() as folder:
        many, few = Path(folder) / "many.parquet", Path(folder) / "few.parquet"
        hours = generate.national_year(MANY)
        write_parquet(hours, many)
        size = many.stat().st_size
        print(f"files: {MANY} stations, {hours.size / 1e6:.1f} M values, Parquet {size / 1e6:.0f} MB; {load()}")
        seconds, _ = in_turn({"ours": from_parquet(many, regime), "polars": scan(many, regime)}, ROUNDS)
        tell(seconds)
        ratio, how = versus(seconds, "polars", "ours", threads=True)
        goals = [Goal("7", "from Parquet: polars / ours (read by pyarrow)", ratio, ">=", 1.8, how)]
        hours = np.ascontiguousarray(hours[:, :, :FEW])
        write_parquet(hours, few)
        with Store.open(Path(folder) / "envmon.db") as store:
            sites = fill(store, hours, Path(folder))
            print(f"files: {FEW} stations, {hours.size / 1e6:.2f} M values, store of one row a value; {load()}")
            jobs = {"ours": from_store(store, sites, hours.shape[1] // 24, regime), "polars": scan(few, regime)}
            seconds, _ = in_turn(jobs, ROUNDS)
        tell(seconds)
        ratio, how = versus(seconds, "polars", "ours", threads=True)
        goals.append(Goal("7", "polars from Parquet / ours from the own store of rows", ratio, ">=", 8, how))
    return goals


def write_parquet(hours: Hours, path: Path) -> None:
    """One row a station and hour, whole numbers, null where missing; sorted by station."""
    import polars as pl

    columns = air_peers.long_columns(hours)
    for row, name in enumerate(POLLUTANTS):
        columns[name] = np.ascontiguousarray(hours[row].T).reshape(-1)
    frame = pl.DataFrame(columns).with_columns(pl.col(POLLUTANTS).replace(NO_VALUE, None))
    frame.write_parquet(path, compression="zstd")


def scan(path: Path, regime: AirRegime) -> Callable[[], object]:
    import polars as pl

    frame = pl.scan_parquet(path).with_columns(pl.col(POLLUTANTS).cast(pl.Float32))
    return air_peers.polars_plan(frame.with_columns(pl.col("co") / 10), regime)


def from_parquet(path: Path, regime: AirRegime) -> Callable[[], object]:
    """Column by column into the dense form; the file says how many stations there are."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    def job() -> object:
        table = pq.read_table(path, columns=["station", *POLLUTANTS])
        stations = pc.max(table["station"]).as_py() + 1
        hours = np.empty((len(POLLUTANTS), len(table) // stations, stations), np.int16)
        for row, name in enumerate(POLLUTANTS):
            hours[row] = pc.fill_null(table[name], NO_VALUE).to_numpy().reshape(stations, -1).T
        return air.ours(hours, regime)

    return job


def fill(store: Store, hours: Hours, folder: Path) -> list[int]:
    """Keep a year of hours, a month a payload; the numbers of the sites."""
    config = bureau(hours.shape[2], folder)
    store.register(config, standards.parameters().values())
    sites = [store.site_numbers[site.id] for site in config.sites]
    stream = store.stream(Stream("bench", Basis.REALTIME, Span.HOUR))
    for start in range(0, hours.shape[1], 24 * 30):
        part = hours[:, start : start + 24 * 30]
        rows = rows_of(part, FIRST + start // 24, sites, stream)
        store.keep("bench", "bench", rows[-1][0], rows[-1][0], rows)
    return sites


def rows_of(hours: Hours, first: int, sites: Sequence[int], stream: int) -> list[Row]:
    """Hours as rows of the store, in its steps, which are finer than those generated."""
    finer = [10 ** (stored - made) for stored, made in zip(STORED, generate.STEPS, strict=True)]
    start = periods.hour_ending(first, 0)
    place: Any = np.nonzero(hours.transpose(1, 2, 0) != NO_VALUE)  # in order of time
    values = hours.transpose(1, 2, 0)[place].tolist()
    return [
        (start + 60 * (hour + 1), sites[site], row + 1, stream, value * finer[row], Mark.NONE)
        for hour, site, row, value in zip(*(axis.tolist() for axis in place), values, strict=True)
    ]


def from_store(store: Store, sites: list[int], days: int, regime: AirRegime) -> Callable[[], object]:
    def job() -> object:
        values, _ = store.air_hours(sites, FIRST, FIRST + days - 1)
        usable = np.where(values < 0, NO_VALUE, values)
        areas = [range(start, start + air_peers.AREA) for start in range(0, len(sites), air_peers.AREA)]
        stations, together = assess.daily_with_areas(usable, FIRST, regime, STORED, areas)
        return air.rates(stations), air.rates(together)

    return job
