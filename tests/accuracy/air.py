"""Published air figures counted against the program's own; where they come from: published/air/README.md."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np

from envmon import periods, rounding, standards
from envmon.assess import air, rates
from envmon.model import NO_VALUE, POLLUTANTS, AirDay, IndexEdition, IntArray, Rate, RateName
from envmon.pipeline.judge_air import rows_of
from envmon.rounding import percent_tenths
from tests.accuracy.counting import PUBLISHED, Comparison, Kind

FOLDER = PUBLISHED / "air"
CITY_FILES = (
    FOLDER / "sichuan_cities_hourly_202201-07.csv.xz",
    FOLDER / "sichuan_cities_aqi_hourly_202201-07.csv.xz",
)
BREAKPOINTS = PUBLISHED.parent / "worked" / "air_breakpoints.csv"  # typed from the print
STORED = (3,) * len(POLLUTANTS)
CHINESE = {
    "二氧化硫": "so2", "二氧化氮": "no2", "一氧化碳": "co", "臭氧1小时": "o3", "臭氧8小时(O3_8h)": "o3",
    "颗粒物(PM10)": "pm10", "细颗粒物(PM2.5)": "pm25",
}  # fmt: skip
LEVELS = ("优", "良", "轻度污染", "中度污染", "重度污染", "严重污染")
NOTHING = ("", "NaN", "—", "-")
TYPES = ("SO2", "NO2", "CO", "O3", "PM10", "PM2.5", "AQI")  # of the city files, in the order of POLLUTANTS
NODES = (0, 50, 100, 150, 200, 300, 400, 500)
Row = dict[str, str]


@cache
def scaled(text: str, decimals: int = 3) -> int:
    return NO_VALUE if text in NOTHING else rounding.scaled(text, decimals)


def table(rows: Iterable[Row], columns: Mapping[str, str], decimals: Sequence[int] = STORED) -> IntArray:
    """Values [pollutant, row] of named columns, in steps."""
    known = list(rows)
    return np.array(
        [
            [scaled(row[columns[name]], places) for row in known]
            for name, places in zip(POLLUTANTS, decimals, strict=True)
        ],
        np.int32,
    )


def mask(text: str) -> int:
    """Primary pollutants as they are printed, `|` between those that tie."""
    return 0 if text in NOTHING else sum(1 << POLLUTANTS.index(CHINESE[name]) for name in text.split("|"))


def edition_of(day: date) -> IndexEdition:
    return standards.air(periods.number(day)).index


# --- hourly values of stations ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stations:
    """The hourly station file: its rows, the distinct ones with an index, and three comparisons of these."""

    rows: int
    distinct: int
    index: Comparison
    level: Comparison
    primary: Comparison
    ties: int  # rows whose primary pollutants are more than one


@cache
def stations() -> Stations:
    with gzip.open(FOLDER / "stations_hourly_sichuan_2020.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    distinct = list({tuple(row.values()): row for row in rows}.values())
    shown = [row for row in distinct if row["AQI"] not in NOTHING]
    columns = {"so2": "SO2", "no2": "NO2", "co": "CO", "o3": "O3_1h", "pm10": "PM10", "pm25": "PM2.5"}
    found = air.hourly(table(shown, columns), edition_of(date(2020, 4, 1)), STORED)
    return Stations(
        rows=len(rows),
        distinct=len(distinct),
        index=compared("index (AQI)", [int(row["AQI"]) for row in shown], found.aqi),
        level=compared("level (级别)", [LEVELS.index(row["Level"]) + 1 for row in shown], found.level),
        primary=compared(
            "primary pollutants (首要污染物)", [mask(row["PrimaryPollution"]) for row in shown], found.primary
        ),
        ties=sum("|" in row["PrimaryPollution"] for row in shown),
    )


def compared(figure: str, published: Sequence[int], own: IntArray) -> Comparison:
    """A comparison in which nothing explains a difference."""
    wrong = np.flatnonzero(np.array(published) != own)
    kinds = (Kind("unexplained", len(wrong), f"row {wrong[0]}"),) if len(wrong) else ()
    return Comparison(figure, len(published), len(published) - len(wrong), kinds)


# --- hourly values of cities ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cities:
    """The hourly city files: the index, the level, and the index as those files seem to round it."""

    hours: int  # with at least one published index
    cities: int
    index: Comparison
    level: Comparison
    half_up: Comparison


@dataclass(frozen=True, slots=True)
class CityHours:
    """Hours [pollutant, hour, city] in thousandths, the published index [hour, city], and what an hour is."""

    values: IntArray
    published: IntArray
    cities: tuple[str, ...]
    hours: tuple[str, ...]  # as labelled: the end of the hour

    def example(self, where: IntArray, own: IntArray) -> str:
        """The first of some places, as people read it."""
        hour, city = np.argwhere(where)[0]
        parts = [
            f"{name} {rounding.printed(int(value), 3).rstrip('0').rstrip('.')}"
            for name, value in zip(TYPES, self.values[:, hour, city], strict=False)
            if value != NO_VALUE
        ]
        shown = f"published {self.published[hour, city]}, ours {own[hour, city]}"
        return f"{self.cities[city]} {self.hours[hour]}: {', '.join(parts)}; {shown}"


@cache
def cities(files: tuple[Path, ...] = CITY_FILES) -> Cities:
    """The published hourly index of city files in the form of the archive; together they have all of TYPES."""
    read = city_hours(files)
    edition = edition_of(date(2022, 1, 1))
    found = air.hourly(read.values, edition, STORED)
    shown = read.published != NO_VALUE
    theirs = half_up(read.values)
    level = air.level_of(read.published.astype(np.int16), edition)
    differs = {
        "ours is 1 higher: the city files round the last step half up, the standard rounds it up": (
            (found.aqi == read.published + 1) & (theirs == read.published)
        ),
        "ours is 1 lower: CO is printed with two decimals and ends in 5; we round it half to even to the one decimal "
        "of HJ 663 first, the city files do not": (found.aqi == read.published - 1) & (theirs == read.published),
    }
    kinds = [
        Kind(text, int(where.sum()), read.example(where, found.aqi))
        for text, where in ((text, where & shown) for text, where in differs.items())
        if where.any()
    ]
    equal = int((shown & (found.aqi == read.published)).sum())
    rest = int(shown.sum()) - equal - sum(kind.count for kind in kinds)
    return Cities(
        hours=int(shown.any(axis=1).sum()),
        cities=len(read.cities),
        index=Comparison(
            "index (AQI)", int(shown.sum()), equal, (*kinds, *([Kind("unexplained", rest)] if rest else []))
        ),
        level=compared("level (级别)", level[shown].tolist(), found.level[shown]),
        half_up=compared("index, rounded half up", read.published[shown].tolist(), theirs[shown]),
    )


@cache
def city_hours(files: tuple[Path, ...]) -> CityHours:
    """Wide city files, plain or packed: one row an hour and type, one column a city."""
    cells: dict[tuple[str, int], dict[str, list[str]]] = {}
    names: list[str] = []
    for path in files:
        with _opened(path) as file:
            rows = csv.reader(file)
            names = next(rows)[3:]
            for day, hour, kind, *row in rows:
                if kind in TYPES:
                    cells.setdefault((day, int(hour)), {})[kind] = row
    empty = [""] * len(names)
    values = np.array(
        [
            [[scaled(cell, 0 if kind == "AQI" else 3) for cell in found.get(kind, empty)] for found in cells.values()]
            for kind in TYPES
        ],
        np.int32,
    )
    labels = tuple(f"{day[:4]}-{day[4:6]}-{day[6:]} {hour:02d}:00" for day, hour in cells)
    return CityHours(values[:-1], values[-1], tuple(names), labels)


def _opened(path: Path) -> IO[str]:
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    file: IO[str] = opener(path, "rt", encoding="utf-8-sig")
    return file


def half_up(values: IntArray) -> IntArray:
    """Hourly index of HJ 633-2012 whose last step is rounded half up, of values [pollutant, ...] in thousandths.

    Not how the standard rounds, but how the city files seem to. Whole numbers, from the breakpoints as typed.
    """
    with BREAKPOINTS.open(encoding="utf-8") as file:
        columns = {row["column"]: row for row in csv.DictReader(file) if row["edition"] == "HJ 633-2012"}
    found = [
        _half_up(own, columns, f"{name}_{'24h' if name.startswith('pm') else '1h'}")
        for name, own in zip(POLLUTANTS, values, strict=True)
    ]
    highest: IntArray = np.max(found, axis=0)
    return highest


def _half_up(values: IntArray, columns: Mapping[str, Row], name: str) -> IntArray:
    row = columns[name]
    typed = [(node, rounding.scaled(row[str(node)], 3)) for node in NODES if row[str(node)]]
    found = np.full(values.shape, NO_VALUE)
    for (low_node, low), (high_node, high) in pairwise(typed):
        inside = (values >= low) & (values <= high)
        rise, run = high_node - low_node, high - low
        found[inside] = (2 * (low_node * run + rise * (values[inside] - low)) + run) // (2 * run)
    above = values > typed[-1][1]
    found[above] = int(row["beyond"]) if row["beyond"].isdigit() else _half_up(values, columns, row["beyond"])[above]
    return found


# --- official daily index ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taiyuan:
    """Fourteen official days, by the edition in force and by the one before."""

    index: Comparison
    level: Comparison
    primary: Comparison
    index_2012: Comparison
    levels: tuple[int, ...]


@cache
def taiyuan() -> Taiyuan:
    rows = json.loads((FOLDER / "GetCityDayAqiHistoryByCondition_140100.json").read_text("utf-8"))
    columns = {"so2": "SO2_24h", "no2": "NO2_24h", "co": "CO_24h", "o3": "O3_8h_24h", "pm10": "PM10_24h"}
    values = table(rows, columns | {"pm25": "PM2_5_24h"}, (0, 0, 1, 0, 0, 0))
    found = air.index(values, edition_of(date(2026, 8, 21)), "daily")
    before = air.index(values, edition_of(date(2022, 1, 1)), "daily")
    published = [int(row["AQI"]) for row in rows]
    kinds = []
    for at in np.flatnonzero(before.aqi != published):
        row = rows[at]
        day = periods.clock(int(re.findall(r"\d+", row["TimePoint"])[0]) // 60_000)[:10]
        text = f"{day}: PM2.5 {row['PM2_5_24h']}, PM10 {row['PM10_24h']}, O3 8 h {row['O3_8h_24h']}; published "
        text += f"{published[at]}, by the 2012 edition {before.aqi[at]}"
        kinds.append(Kind("the breakpoints of HJ 633-2012, no longer in force", 1, text))
    return Taiyuan(
        index=compared("index (AQI), HJ 633-2026", published, found.published),
        level=compared("level (级别)", [LEVELS.index(row["Quality"]) + 1 for row in rows], found.level),
        primary=compared(
            "primary pollutants (首要污染物)", [mask(row["PrimaryPollutant"]) for row in rows], found.primary
        ),
        index_2012=Comparison("index by HJ 633-2012", len(rows), len(rows) - len(kinds), tuple(kinds)),
        levels=tuple(found.level.tolist()),
    )


# --- announced good-day rates -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Announced:
    """A good-day rate as announced (tenths of a percent), by whom, and ours: days of all cities counted together."""

    first: str
    last: str
    tenths: int
    source: str
    ours: Rate

    @property
    def gap(self) -> int:
        """Ours less theirs, in tenths of a point."""
        assert self.ours.tenths is not None
        return self.ours.tenths - self.tenths

    @property
    def days_apart(self) -> int:
        """How many more (fewer: below 0) good days would give the announced rate."""
        good, valid = self.ours.numerator, self.ours.denominator
        fits = (more for more in range(-good, valid - good + 1) if percent_tenths(good + more, valid) == self.tenths)
        return min(fits, key=abs)


@cache
def good_day_rates() -> tuple[Announced, ...]:
    """The announced rates of Sichuan for five periods of 2022, and ours from the hourly values of its 21 cities."""
    days = sichuan_days()
    good_up_to = {name: standards.good_up_to(name) for name in standards.index_editions()}
    made = []
    for row in announced():
        period = periods.parse(f"{row['from']}..{row['to']}")
        parts = [rates.good_days(name, period, own, good_up_to, "realtime") for name, own in days.items()]
        ours = rates.together(RateName.GOOD_DAYS, "*", period, parts)
        tenths = rounding.scaled(row["official_good_day_rate_percent"], 1)
        made.append(Announced(row["from"], row["to"], tenths, row["source"], ours))
    return tuple(made)


def announced() -> list[Row]:
    with (FOLDER / "official_good_day_rates_sichuan_2022.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def sichuan_days() -> Mapping[str, Sequence[AirDay]]:
    """The days of each city, January to July 2022, judged from its hours; hour 0 ends the day before."""
    read = city_hours(CITY_FILES)
    first, last = (periods.number(day) for day in (date(2022, 1, 1), date(2022, 7, 31)))
    hours = np.full((len(POLLUTANTS), 24 * (last - first + 1), len(read.cities)), NO_VALUE, np.int32)
    for at, label in enumerate(read.hours):
        place = (periods.minute(datetime.fromisoformat(label)) - periods.hour_ending(first, 1)) // 60
        if place >= 0:
            hours[:, place] = read.values[:, at]
    regime = standards.air(first)
    return {
        name: rows_of(air.daily(hours[:, :, [column]], first, regime, STORED), column)
        for column, name in enumerate(read.cities)
    }
