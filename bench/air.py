"""A national year of air by both editions: ours beside one memory copy, good pandas, polars and DuckDB.

Hourly values -> daily values (valid hours, 8-h windows of ozone, rounding) -> index and primary pollutant of every
station-day, index of every area-day from the unrounded means of its stations, good-day rates of both. What is right is
said by the reference in whole numbers and fractions; of every peer the days that differ from it are counted.
Run: python -m bench 1 (or 2, 3, 4, 9)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import air_peers, air_reference, generate
from bench.air_peers import AREA, Result
from bench.goals import Goal, in_turn, installed, load, tell, versus
from envmon import periods, standards
from envmon.assess import air
from envmon.model import NO_VALUE, AirDays, AirRegime, Status

Hours = NDArray[np.int16]
FIRST = periods.number(date(2025, 1, 1))
EDITIONS = (date(2025, 6, 1), date(2026, 6, 1))  # a day of each
ROUNDS = 5
SAMPLE = 2000
"""Station-days that are also worked out in fractions."""

PEERS = {"pandas": air_peers.pandas_job, "polars": air_peers.polars_job, "duckdb": air_peers.duckdb_job}
SHORT = ("one copy", "ours", "ours, stations only")


def run() -> list[Goal]:
    """Goals 1 to 4 and 9."""
    hours = generate.national_year()
    goals = []
    for regime in regimes():
        goals += edition(hours, regime)
    return goals


def regimes() -> list[AirRegime]:
    return [standards.air(periods.number(day)) for day in EDITIONS]


def edition(hours: Hours, regime: AirRegime) -> list[Goal]:
    """One edition's goals."""
    print(f"air: {hours.shape[2]} stations x {hours.shape[1]} h x 6 = {hours.size / 1e6:.1f} M values, ", end="")
    missing = float((hours == NO_VALUE).mean())
    print(f"{hours.nbytes / 1e6:.0f} MB, {missing:.1%} missing, areas of {AREA}; {regime.index.id}; {load()}")
    seconds, answers = in_turn(contestants(hours, regime), ROUNDS, SHORT)
    tell(seconds)
    stations, areas = air_reference_of(hours, regime)
    for name in (one for one in PEERS if one in answers):
        print(f"  {name}: {differing(answers[name], stations, areas)} differ from the exact reference")
    own = judge(hours, regime)
    wrong = unlike(own[0], stations) + unlike(own[1], areas) + unlike_fractions(hours, own[0], regime)
    year = regime.index.id[-4:]
    whole, how = versus(seconds, "ours", "one copy")
    alone, how_alone = versus(seconds, "ours, stations only", "one copy")
    return [
        Goal(f"1 {year}", "national year, stations and areas / one copy", whole, "<=", 12, how),
        Goal(f"1 {year}", "national year, stations only / one copy", alone, "<=", 12, how_alone),
        against(seconds, f"2 {year}", "pandas", "good pandas / ours", 7),
        against(seconds, f"3 {year}", "polars", "polars, streaming engine / ours", 10),
        against(seconds, f"4 {year}", "duckdb", "DuckDB / ours", 15),
        Goal(
            f"9 {year}", f"of {own[0].aqi.size} station-days and {own[1].aqi.size} area-days, not exact", wrong, "<=", 0
        ),
    ]


def against(seconds: dict[str, list[float]], number: str, peer: str, what: str, bound: float) -> Goal:
    """A goal against a peer, not measured when that is not installed; pandas alone has one thread."""
    if peer not in seconds:
        return Goal(number, what, None, ">=", bound, f"{peer} is not installed")
    ratio, how = versus(seconds, peer, "ours", threads=peer != "pandas")
    return Goal(number, what, ratio, ">=", bound, how)


def contestants(hours: Hours, regime: AirRegime) -> dict[str, Callable[[], object]]:
    """Name -> job; each starts from its own form in memory."""
    target = np.zeros_like(hours)
    jobs: dict[str, Callable[[], object]] = {
        "one copy": lambda: np.copyto(target, hours),
        "ours": lambda: ours(hours, regime),
        "ours, stations only": lambda: rates(air.daily(hours, FIRST, regime, generate.STEPS)),
    }
    return jobs | {name: make(hours, regime) for name, make in PEERS.items() if installed(name)}


def ours(hours: Hours, regime: AirRegime) -> Result:
    stations, areas = judge(hours, regime)
    return Result(stations.aqi, rates(stations), areas.aqi, rates(areas))


def judge(hours: Hours, regime: AirRegime) -> tuple[AirDays, AirDays]:
    """The days of the stations, and those of the areas they make."""
    areas = [range(start, start + AREA) for start in range(0, hours.shape[2], AREA)]
    return air.daily_with_areas(hours, FIRST, regime, generate.STEPS, areas)


def rates(days: AirDays) -> NDArray[Any]:
    """Share of good days among those that count, of every column."""
    counted = days.status == Status.VALID
    share: NDArray[Any] = (counted & (days.aqi <= 100)).sum(axis=0) / counted.sum(axis=0)
    return share


def air_reference_of(hours: Hours, regime: AirRegime) -> tuple[air_reference.Days, air_reference.Days]:
    """The exact days of all stations and areas; a hundred stations at a time keep the 64-bit copies small."""
    parts = [
        air_reference.station_days(hours[:, :, first : first + 100], regime, AREA)
        for first in range(0, hours.shape[2], 100)
    ]
    joined = [
        air_reference.Days(*(np.concatenate(arrays, axis=-1) for arrays in zip(*own, strict=True)))
        for own in zip(*parts, strict=True)
    ]
    return joined[0], joined[1]


def differing(answer: object, stations: air_reference.Days, areas: air_reference.Days) -> str:
    """In how many days a peer has another index."""
    assert isinstance(answer, Result)
    found = []
    for theirs, exact, of in ((answer.aqi, stations, "station-days"), (answer.area_aqi, areas, "area-days")):
        aqi = np.where(np.isnan(theirs), NO_VALUE, theirs)
        moved = ((aqi > 100) != (exact.aqi > 100)).sum()
        found.append(f"{int((aqi != exact.aqi).sum())} of {aqi.size} {of} ({int(moved)} of them good or bad wrongly)")
    return ", ".join(found)


def unlike(days: AirDays, exact: air_reference.Days) -> int:
    """Days of which a value, the index or the primary pollutant is not that of the reference."""
    wrong = (days.value != exact.values).any(axis=0) | (days.aqi != exact.aqi) | (days.primary != exact.primary)
    return int(wrong.sum())


def unlike_fractions(hours: Hours, days: AirDays, regime: AirRegime) -> int:
    """The same for a sample worked out in fractions."""
    random, wrong = np.random.default_rng(0), 0
    places = zip(random.integers(0, len(days.aqi), SAMPLE), random.integers(0, hours.shape[2], SAMPLE), strict=True)
    for day, site in places:
        exact = air_reference.site_day(hours[:, 24 * day : 24 * day + 24, site].tolist(), regime)
        found = (days.value[:, day, site].tolist(), int(days.aqi[day, site]), int(days.primary[day, site]))
        wrong += found != exact
    return wrong
