"""Published air figures the program must reproduce; see published/air/README.md for where they come from."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from envmon import periods, rounding, standards
from envmon.assess import air
from envmon.model import NO_VALUE, POLLUTANTS, Status

PUBLISHED = Path(__file__).parent / "published" / "air"
STORED = (3,) * 6
CHINESE = {
    "二氧化硫": "so2", "二氧化氮": "no2", "一氧化碳": "co", "臭氧1小时": "o3", "臭氧8小时(O3_8h)": "o3",
    "颗粒物(PM10)": "pm10", "细颗粒物(PM2.5)": "pm25",
}  # fmt: skip
LEVELS = ("优", "良", "轻度污染", "中度污染", "重度污染", "严重污染")


def scaled(text: str, decimals: int = 3) -> int:
    return NO_VALUE if text in ("", "NaN", "—", "-") else rounding.scaled(text, decimals)


def table(rows: Iterable[dict[str, str]], columns: dict[str, str]) -> np.ndarray:
    return np.array([[scaled(row[columns[name]]) for row in rows] for name in POLLUTANTS], np.int32)


def mask(text: str) -> int:
    return sum(1 << POLLUTANTS.index(CHINESE[name]) for name in text.split("|"))


def test_hourly_index_of_the_2020_station_file() -> None:
    with gzip.open(PUBLISHED / "stations_hourly_sichuan_2020.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {"so2": "SO2", "no2": "NO2", "co": "CO", "o3": "O3_1h", "pm10": "PM10", "pm25": "PM2.5"}
    edition = standards.air(periods.number(date(2020, 4, 1))).index
    found = air.hourly(table(rows, columns), edition, STORED)

    published = np.array([scaled(row["AQI"], 0) for row in rows])
    shown = published != NO_VALUE
    assert len({tuple(row.values()) for row, here in zip(rows, shown, strict=True) if here}) == 9908
    assert (found.aqi[shown] == published[shown]).all()

    for row, aqi, level, primary in zip(rows, found.aqi, found.level, found.primary, strict=True):
        if row["Level"] in LEVELS and aqi != NO_VALUE and row["AQI"] != "NaN":
            assert LEVELS[level - 1] == row["Level"], row
        if row["PrimaryPollution"] not in ("NaN", "—", ""):
            assert primary == mask(row["PrimaryPollution"]), row


def test_official_daily_index_of_taiyuan_2026() -> None:
    rows = json.loads((PUBLISHED / "GetCityDayAqiHistoryByCondition_140100.json").read_text("utf-8"))
    columns = {"so2": "SO2_24h", "no2": "NO2_24h", "co": "CO_24h", "o3": "O3_8h_24h", "pm10": "PM10_24h"}
    printed = {name: 1 if name == "co" else 0 for name in POLLUTANTS}
    columns["pm25"] = "PM2_5_24h"
    values = np.array([[scaled(row[columns[name]], printed[name]) for row in rows] for name in POLLUTANTS])
    edition = standards.air(periods.number(date(2026, 8, 21))).index
    found = air.index(values, edition, "daily")

    assert len(rows) == 14
    assert found.published.tolist() == [int(row["AQI"]) for row in rows]
    assert found.primary.tolist() == [
        0 if row["PrimaryPollutant"] == "—" else mask(row["PrimaryPollutant"]) for row in rows
    ]
    assert [LEVELS[level - 1] for level in found.level] == [row["Quality"] for row in rows]

    old = air.index(values, standards.air(periods.number(date(2022, 1, 1))).index, "daily")
    assert (old.aqi == found.aqi).sum() == 13  # one of the days tells the editions apart


def sichuan_hours() -> tuple[np.ndarray, int]:
    """Hours [6, 24 x days, 21 cities] of January to July 2022, and the first day; hour 0 ends the day before."""
    types = {"SO2": 0, "NO2": 1, "CO": 2, "O3": 3, "PM10": 4, "PM2.5": 5}
    first = periods.number(date(2022, 1, 1))
    last = periods.number(date(2022, 7, 31))
    with lzma.open(PUBLISHED / "sichuan_cities_hourly_202201-07.csv.xz", "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    hours = np.full((6, 24 * (last - first + 1), len(rows[0]) - 3), NO_VALUE, np.int32)
    for day, hour, kind, *cells in rows[1:]:
        at = 24 * (periods.number(date(int(day[:4]), int(day[4:6]), int(day[6:]))) - first) + int(hour) - 1
        if at >= 0:
            hours[types[kind], at] = [scaled(cell) for cell in cells]
    return hours, first


@pytest.fixture(scope="module")
def sichuan_days() -> tuple[np.ndarray, np.ndarray, int]:
    hours, first = sichuan_hours()
    found = air.daily(hours, first, standards.air(first), STORED)
    return found.status == Status.VALID, found.aqi, first


def announced() -> list[dict[str, str]]:
    with (PUBLISHED / "official_good_day_rates_sichuan_2022.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", announced(), ids=lambda row: row["to"])
def test_announced_good_day_rates_of_sichuan(row: dict[str, str], sichuan_days: tuple) -> None:
    valid, aqi, first = sichuan_days
    days = slice(0, periods.number(date.fromisoformat(row["to"])) - first + 1)
    rate = rounding.percent_tenths(int(((aqi <= 100) & valid)[days].sum()), int(valid[days].sum()))
    assert rate is not None
    assert abs(rate - rounding.scaled(row["official_good_day_rate_percent"], 1)) <= 3
    assert abs(rate - rounding.scaled(row["recomputed_from_1h_columns_percent"], 1)) <= 1
