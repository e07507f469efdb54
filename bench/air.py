"""Hourly values to daily values, index and the year's good-day rate, for a national year: ours beside its peers.

Every contestant takes its turn in each round of one run; what counts is the ratio of the medians. Peers of several
threads suffer more from busy neighbours, so the ratio of the best runs stands beside it.
Run: python -m bench.air [--stations N] [--rounds N]
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bench import air_peers, air_reference, generate
from envmon import periods, standards
from envmon.assess import air
from envmon.model import NO_VALUE, AirDays, AirRegime, Status

SAMPLE = 2000
"""Station-days that are also worked out in fractions."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, return 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--stations", type=int, default=generate.STATIONS)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args(arguments)
    hours = generate.national_year(given.stations)
    regime = standards.air(periods.number(date(2025, 6, 1)))
    missing = float((hours == NO_VALUE).mean())
    print(f"air: {given.stations} stations x {hours.shape[1]} h x 6 = {hours.size / 1e6:.1f} M values, ", end="")
    print(f"{hours.nbytes / 1e6:.0f} MB, {missing:.1%} missing, {regime.index.id}")
    seconds, answers = measure(contestants(hours, regime), given.rounds)
    median = {name: statistics.median(runs) for name, runs in seconds.items()}
    for name, runs in seconds.items():
        beside = f", best of both {min(runs) / min(seconds['ours']):5.2f}" if name in PEERS else ""
        line = f"  {name:9} median {median[name]:8.4f} s, best {min(runs):8.4f} s{beside}"
        print(line + (f", {differing(answers[name], answers['ours'])} index values differ" if name in PEERS else ""))
    wrong = differences(hours, regime)
    extra = extra_memory(hours, regime)
    goals = [
        ("ours / one copy", median["ours"] / median["one copy"], "<=", 12.0),
        ("pandas / ours", median["pandas"] / median["ours"], ">=", 7.0),
        ("polars / ours", median["polars"] / median["ours"], ">=", 10.0),
        ("DuckDB / ours", median["duckdb"] / median["ours"], ">=", 15.0),
        ("extra memory / data", extra / hours.nbytes, "<=", 0.3),
        ("station-days differing from the exact reference", float(wrong), "<=", 0.0),
    ]
    missed = 0
    for name, value, relation, bound in goals:
        met = value <= bound if relation == "<=" else value >= bound
        missed += not met
        print(f"  {name:48} {value:8.2f}  goal {relation} {bound:g}  {'met' if met else 'MISSED'}")
    return int(missed > 0)


PEERS = {"pandas": air_peers.pandas_job, "polars": air_peers.polars_job, "duckdb": air_peers.duckdb_job}


def contestants(hours: NDArray[np.int16], regime: AirRegime) -> dict[str, Callable[[], object]]:
    """Name -> job; each starts from its own form in memory."""
    target = np.zeros_like(hours)

    def copy() -> None:
        np.copyto(target, hours)

    def ours() -> air_peers.Result:
        days = judge(hours, regime)
        counted = days.status == Status.VALID
        good = counted & (days.aqi <= 100)
        return days.aqi, good.sum(axis=0) / counted.sum(axis=0)

    jobs: dict[str, Callable[[], object]] = {"one copy": copy, "ours": ours}
    return jobs | {name: make(hours, regime) for name, make in PEERS.items()}


def judge(hours: NDArray[np.int16], regime: AirRegime) -> AirDays:
    return air.daily(hours, periods.number(date(2025, 1, 1)), regime, generate.STEPS)


def measure(
    jobs: dict[str, Callable[[], object]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, air_peers.Result]]:
    """Seconds of every run, and each contestant's last answer."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    answers: dict[str, air_peers.Result] = {}
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.perf_counter()
            answer = job()
            seconds[name].append(time.perf_counter() - start)
            if isinstance(answer, tuple):
                answers[name] = answer
    return seconds, answers


def differing(peer: air_peers.Result, ours: air_peers.Result) -> int:
    theirs = np.where(np.isnan(peer[0]), NO_VALUE, peer[0])
    return int((theirs != ours[0]).sum())


def differences(hours: NDArray[np.int16], regime: AirRegime) -> int:
    """Station-days of ours that differ from the integer reference, or in a sample from the one in fractions."""
    days = judge(hours, regime)
    stations, wrong = hours.shape[2], 0
    for first in range(0, stations, 100):  # a hundred stations at a time keeps the 64-bit copies small
        part = slice(first, first + 100)
        values, aqi = air_reference.station_days(hours[:, :, part], regime)
        wrong += int(((days.value[:, :, part] != values).any(axis=0) | (days.aqi[:, part] != aqi)).sum())
    random = np.random.default_rng(0)
    picked = zip(random.integers(0, days.aqi.shape[0], SAMPLE), random.integers(0, stations, SAMPLE), strict=True)
    for day, site in picked:
        exact = air_reference.site_day(hours[:, 24 * day : 24 * day + 24, site].tolist(), regime)
        found = (days.value[:, day, site].tolist(), int(days.aqi[day, site]), int(days.primary[day, site]))
        wrong += found != exact
    return wrong


def extra_memory(hours: NDArray[np.int16], regime: AirRegime) -> int:
    """Largest number of bytes allocated beside the data while judging, the results included."""
    tracemalloc.start()
    judge(hours, regime)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


if __name__ == "__main__":
    raise SystemExit(main())
