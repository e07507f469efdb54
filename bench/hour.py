"""One new hour of many stations: what it costs to follow it, beside working the year to date out again.

Goal 17 is the computation alone, on arrays in memory. Goal 18 is the real way in: rows into the store, one round of
judging with rates and alerts, everything committed; beside the same pipeline judging everything again, and beside a
plain long table into which the hour is written, from which its day is read, and whose day is computed. The readings of
the last days only are stored (the judged days of the whole year are), so the recompute is scaled to the year by days.
Run: python -m bench 17 (or 18)
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import generate
from bench.goals import Goal, in_turn, load, tell, versus
from envmon import periods, standards
from envmon.assess import air
from envmon.model import (
    NO_VALUE,
    AirDays,
    AirRegime,
    Area,
    Basis,
    Config,
    Kind,
    Mark,
    Paths,
    RateName,
    Row,
    Site,
    Span,
    Status,
    Stream,
    Target,
)
from envmon.pipeline.judge import judge
from envmon.pipeline.judge_air import STORED
from envmon.store import Store

FIRST = periods.number(date(2025, 1, 1))
DAYS, STORED_DAYS = 300, 6
"""Days of the year to date, and those whose hourly readings are in the store."""

IN_STORE = 500
"""Stations of goal 18."""

ROUNDS = 5
AREA = 5  # stations of an area
ROUND = 40  # minutes after the hour at which it is judged
Hours = NDArray[np.int16]


def run() -> list[Goal]:
    """Goals 17 and 18."""
    hours = generate.national_year(generate.STATIONS, DAYS + 1)  # the last day is fed hour by hour
    regime = standards.air(FIRST)
    print(f"hour: {generate.STATIONS} stations, {DAYS} days to date, {regime.index.id}; {load()}")
    goals = [computation(hours[:, : 24 * DAYS], regime)]
    with tempfile.TemporaryDirectory() as folder:
        goals += through_the_store(Path(folder), np.ascontiguousarray(hours[:, :, :IN_STORE]), regime)
    return goals


# --- goal 17 --------------------------------------------------------------------------------------------------------


def computation(hours: Hours, regime: AirRegime) -> Goal:
    """The last day of all stations and the running counts, beside all days and their counts."""
    own = np.ascontiguousarray(hours[:, -24:])
    before = counts(air.daily(hours[:, :-24], FIRST, regime, generate.STEPS))
    last = FIRST + hours.shape[1] // 24 - 1

    def new_hour() -> NDArray[np.int64]:
        return before + counts(air.daily(own, last, regime, generate.STEPS))

    def recompute() -> NDArray[np.int64]:
        return counts(air.daily(hours, FIRST, regime, generate.STEPS))

    seconds, answers = in_turn({"recompute": recompute, "one new hour": new_hour}, 3 * ROUNDS, ("one new hour",))
    tell(seconds)
    assert np.array_equal(np.asarray(answers["recompute"]), np.asarray(answers["one new hour"]))
    share, _ = versus(seconds, "one new hour", "recompute")
    best = 100 * min(seconds["one new hour"]) / min(seconds["recompute"])
    return Goal(
        "17", "one new hour, compute / recompute, %", 100 * share, "<=", 0.5, f"medians; best of both {best:.3g}"
    )


def counts(days: AirDays) -> NDArray[np.int64]:
    """Good and valid days of every station: [2, station]."""
    valid = days.status == Status.VALID
    return np.stack([(valid & (days.aqi <= 100)).sum(axis=0), valid.sum(axis=0)])


# --- goal 18 --------------------------------------------------------------------------------------------------------


def through_the_store(folder: Path, hours: Hours, regime: AirRegime) -> list[Goal]:
    office = Office(folder, hours, regime)
    table = LongTable(folder / "long.db", hours, regime)
    timed_from = 24 - ROUNDS  # late hours: the usual way reads all of their day
    for hour in range(1, timed_from):
        office.follow(DAYS, hour)
        table.follow(DAYS, hour)
    running, long = [], []
    for hour in range(timed_from, 24):
        running.append(timed(office.follow, DAYS, hour))
        long.append(timed(table.follow, DAYS, hour))
    closing = timed(office.follow, DAYS, 24)
    again = DAYS * office.recompute()
    hour, plain = statistics.median(running), statistics.median(long)
    print(f"  store of {IN_STORE} stations: running hour {hour:.3f} s, closing hour {closing:.3f} s, ", end="")
    print(f"year to date again {again:.0f} s; long table: an hour {plain:.3f} s")
    office.store.close()
    return [
        Goal("18", "hour of the running day through the store / recompute, %", 100 * hour / again, "<=", 1),
        Goal("18", "hour that closes the day / recompute, %", 100 * closing / again, "<=", 1),
        Goal("18", "hour of the running day through the store / long table, %", 100 * hour / plain, "<=", 1),
    ]


def timed(job: Callable[..., object], *arguments: int) -> float:
    began = time.perf_counter()
    job(*arguments)
    return time.perf_counter() - began


class Office:
    """A bureau of many stations, five an area, with a target for the year and its real store."""

    def __init__(self, folder: Path, hours: Hours, regime: AirRegime) -> None:
        self.config = bureau(hours.shape[2], folder)
        self.store = Store.open(folder / "envmon.db")
        self.store.register(self.config, standards.parameters().values())
        self.stream = self.store.stream(Stream("bench", Basis.REALTIME, Span.HOUR))
        self.sites = [self.store.site_numbers[site.id] for site in self.config.sites]
        # What is stored is finer than what is generated.
        self.finer = [10 ** (stored - made) for stored, made in zip(STORED, generate.STEPS, strict=True)]
        self.hours = hours
        stored = range(DAYS - STORED_DAYS, DAYS)
        self._enter_judged(regime, stored.start)
        for day in stored:
            self.keep(day, range(1, 25))
        self.now = periods.hour_ending(FIRST + DAYS, 0) + ROUND
        judge(self.store, self.config, self.now)

    def _enter_judged(self, regime: AirRegime, days: int) -> None:
        """The judged days before those whose readings are stored, of stations and of areas."""
        own = self.hours[:, : 24 * days]
        self.store.save_air_days(air.daily(own, FIRST, regime, generate.STEPS), self.sites)
        groups = [list(range(start, start + AREA)) for start in range(0, len(self.sites), AREA)]
        areas = air.area_days(own, FIRST, regime, generate.STEPS, groups)
        self.store.save_air_days(areas, [self.store.site_numbers[area.id] for area in self.config.areas])

    def keep(self, day: int, of_day: range) -> None:
        """Some hours of a day, as one payload taken at the last of them."""
        rows: list[Row] = []
        for hour in of_day:
            ending = periods.hour_ending(FIRST + day, hour)
            for row, factor in enumerate(self.finer):
                values = self.hours[row, 24 * day + hour - 1].tolist()
                rows += [
                    (ending, site, row + 1, self.stream, value * factor, Mark.NONE)
                    for site, value in zip(self.sites, values, strict=True)
                    if value != NO_VALUE
                ]
        self.store.keep("bench", "bench", ending, ending, rows)

    def follow(self, day: int, hour: int) -> None:
        """One new hour: kept, judged, its rates and alerts brought up to date."""
        self.keep(day, range(hour, hour + 1))
        self.now = periods.hour_ending(FIRST + day, hour) + ROUND
        judge(self.store, self.config, self.now)

    def recompute(self) -> float:
        """Seconds a day when the stored days are all judged again."""
        (first,) = self.store.db.execute("SELECT min(ending) FROM reading").fetchone()
        with self.store.writing() as db:
            db.execute("DELETE FROM dirty")
            db.execute(
                "INSERT INTO dirty SELECT 'air', day, site FROM air_day WHERE day >= ? AND site IN"
                " (SELECT number FROM site WHERE kind = 'station')",
                (periods.day_of(first),),
            )
        began = time.perf_counter()
        done = judge(self.store, self.config, self.now)
        return (time.perf_counter() - began) / (done.air_days / (len(self.sites) + len(self.config.areas)))


def bureau(stations: int, folder: Path) -> Config:
    areas = tuple(Area(f"a{i}", f"area {i}", "county", air=Kind.STATION) for i in range(-(-stations // AREA)))
    sites = tuple(Site(f"s{i}", f"station {i}", Kind.STATION, f"a{i // AREA}") for i in range(stations))
    target = Target("year", RateName.GOOD_DAYS, "*", periods.parse("2025"), 850)
    paths = Paths(*(str(folder / name) for name in (".", "envmon.db", "alerts.jsonl", "charts", "rejects", "inbox")))
    return Config("bench", "en", areas, sites, (), (target,), (), (), paths, {}, {})


class LongTable:
    """The usual way: one row a value in a plain table with the best key; the hour's day is read and computed."""

    def __init__(self, path: Path, hours: Hours, regime: AirRegime) -> None:
        self.hours, self.regime, self.stations = hours, regime, hours.shape[2]
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute("PRAGMA cache_size = -65536")
        self.db.execute(
            "CREATE TABLE long (t INTEGER, station INTEGER, pollutant INTEGER, value INTEGER,"
            " PRIMARY KEY (t, station, pollutant)) WITHOUT ROWID"
        )
        for day in range(DAYS - STORED_DAYS, DAYS):
            for hour in range(1, 25):
                self.write(24 * day + hour - 1)

    def write(self, row: int) -> None:
        pollutants, stations = np.nonzero(self.hours[:, row] != NO_VALUE)
        values = self.hours[pollutants, row, stations].tolist()
        order = np.lexsort((pollutants, stations)).tolist()
        kept = list(zip(stations.tolist(), pollutants.tolist(), values, strict=True))
        self.db.execute("BEGIN")
        self.db.executemany(
            f"INSERT INTO long VALUES ({row}, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [kept[i] for i in order],
        )
        self.db.execute("COMMIT")

    def follow(self, day: int, hour: int) -> AirDays:
        self.write(24 * day + hour - 1)
        found: NDArray[Any] = np.full((6, 24, self.stations), NO_VALUE, np.int16)
        rows = self.db.execute("SELECT * FROM long WHERE t BETWEEN ? AND ?", (24 * day, 24 * day + 23)).fetchall()
        times, stations, pollutants, values = np.array(rows, np.int64).T
        found[pollutants, times - 24 * day, stations] = values
        return air.daily(found, FIRST + day, self.regime, generate.STEPS)
