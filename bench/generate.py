"""A national year of hourly air data that looks like the real thing, in the dense form the assessment takes.

Seasons, days and weather move the values; dust storms reach several thousand µg/m³; 3 % are missing, a third of them
single hours and the rest outages of 6 to 72 hours. The same seed gives the same year.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envmon.model import NO_VALUE, POLLUTANTS

STATIONS = 2000
YEAR = 365
STEPS = (0, 0, 1, 0, 0, 0)
"""Decimals of the generated values: whole µg/m³, CO in 0.1 mg/m³."""

# level, winter swing, day swing, hour of the day's peak, how much place and weather matter
SHAPE = {
    "so2": (8, 0.3, 0.2, 10, 0.8),
    "no2": (21, 0.4, 0.3, 20, 0.8),
    "co": (6, 0.4, 0.2, 9, 0.6),
    "o3": (62, -0.35, 0.6, 15, 0.35),
    "pm10": (50, 0.35, 0.15, 21, 1.0),
    "pm25": (27, 0.5, 0.15, 21, 1.0),
}
SINGLE, OUTAGES = 0.01, 0.02  # shares of missing values


def national_year(stations: int = STATIONS, days: int = YEAR, seed: int = 2026) -> NDArray[np.int16]:
    """Hours [pollutant, 24 x days, station], NO_VALUE where missing, in `STEPS`."""
    random = np.random.default_rng(seed)
    hours = np.arange(24 * days)
    place = random.lognormal(0, 0.35, stations).astype(np.float32)
    weather = _weather(random, days, stations)
    gone = _outages(random, len(hours), stations)
    year = np.empty((len(POLLUTANTS), len(hours), stations), np.int16)
    for row, name in enumerate(POLLUTANTS):
        level, winter, swing, peak, share = SHAPE[name]
        season = 1 + winter * np.cos(2 * np.pi * (hours / 24 - 10) / 365)
        clock = 1 + swing * np.cos(2 * np.pi * ((hours + 1) % 24 - peak) / 24)
        local = (place * weather) ** np.float32(share)
        values = (level * season * clock).astype(np.float32)[:, None] * np.repeat(local, 24, axis=0)
        values *= 1 + 0.15 * random.standard_normal(values.shape, np.float32)
        if name == "pm10":
            _raise_dust(random, values)
        year[row] = np.clip(np.rint(values), 0, 9999)
        year[row][gone | (random.random(values.shape, np.float32) < SINGLE)] = NO_VALUE
    return year


def _weather(random: np.random.Generator, days: int, stations: int) -> NDArray[np.float32]:
    """How much each day holds pollution at each station; one day follows from the one before."""
    state = np.empty((days, stations), np.float32)
    now = random.standard_normal(stations)
    for day in range(days):
        now = 0.7 * now + np.sqrt(1 - 0.7**2) * random.standard_normal(stations)
        state[day] = np.exp(0.45 * now)
    return state


def _outages(random: np.random.Generator, hours: int, stations: int) -> NDArray[np.bool_]:
    """Whole stations silent for 6 to 72 hours at a time."""
    gone = np.zeros((hours, stations), bool)
    count = round(OUTAGES * hours * stations / 39)
    starts, sites = random.integers(0, hours, count), random.integers(0, stations, count)
    for start, site, length in zip(starts, sites, random.integers(6, 73, count), strict=True):
        gone[start : start + length, site] = True
    return gone


def _raise_dust(random: np.random.Generator, values: NDArray[np.float32]) -> None:
    """About ten dust storms a year, each over a twentieth of the stations for a day or two, in place."""
    hours, stations = values.shape
    for _ in range(max(1, hours // 876)):
        start, first = int(random.integers(0, hours)), int(random.integers(0, stations))
        size = np.float32(random.lognormal(6.5, 0.8))
        values[start : start + int(random.integers(12, 48)), first : first + max(1, stations // 20)] += size
