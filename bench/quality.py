"""Quality control of five tests (range, climatology, flat line, spike, rate of change): ours beside ioos_qc, per value.

Both get the same thresholds; their flags are compared one by one on the same series. Where the two define a test
otherwise the flags differ as docs/qc.md lists, and only there. SaQC is not measured here: it is under the GPL, which
the house does not import.
Run: python -m bench 11
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bench import generate
from bench.goals import Goal, in_turn, installed, load, tell, versus
from envmon import qc
from envmon.model import ABSENT, NO_VALUE, BoolArray, Flag, IntArray, Mark
from envmon.pipeline.judge_air import LONGEST, PARAMETERS, STORED, WIDEST
from envmon.rounding import scaled

ROUNDS = 5
MANY, FEW = 200, 2
"""Stations for ours, and for a peer that takes one series at a time."""

START = 28928160 - 480  # 2025-01-01 00:00 in Beijing
MONTHS = range(1, 13)
USUAL = {"so2": 60, "no2": 120, "co": 4, "o3": 200, "pm10": 300, "pm25": 150}
RANGES = [
    {"items": [item], "months": [month], "low": "1", "high": str(high + 2 * month)}
    for item, high in USUAL.items()
    for month in MONTHS
]
BY = {"so2": "6", "no2": "15", "co": "0.5", "o3": "40", "pm10": "40", "pm25": "25"}
"""Low, so that there is something to compare."""

TESTS: Mapping[str, Mapping[str, Any]] = {
    "out_of_range": {},
    "climatology": {"ranges": RANGES},
    "flat_line": {"above": dict.fromkeys(USUAL, 0)},
    "spike": {"factor": 1, "by": BY},
    "rate_of_change": {"within": 1, "by": BY},
}
"""The tests that both have, with settings under which they say the same."""

TIMES = int(qc.DEFAULTS["flat_line"]["times"])
GOOD, UNKNOWN, SUSPECT, FAIL, MISSING = 1, 2, 3, 4, 9  # flags of QARTOD
FLAGS = {Flag.GOOD: GOOD, Flag.NOT_EVALUATED: UNKNOWN, Flag.SUSPECT: SUSPECT, Flag.FAIL: FAIL}


def run() -> list[Goal]:
    """Goal 11."""
    saqc = Goal("11", "QC of three tests, per value: SaQC / ours", None, ">=", 150, "SaQC is under the GPL")
    what, alike = "QC of five tests, per value: ioos_qc / ours", "flags unlike those of ioos_qc, the listed ones apart"
    if not installed("ioos_qc"):
        reason = "ioos_qc is not installed"
        return [Goal("11", what, None, ">=", 50, reason), Goal("11", alike, None, "<=", 0, reason), saqc]
    values = readings(MANY)
    few = values[:, :, :FEW]
    print(f"quality: ours {values.size / 1e6:.1f} M values, ioos_qc {few.size / 1e6:.2f} M; {load()}")
    parts = blocks(values)
    jobs = {"ours": lambda: [ours(*part) for part in parts], "ioos_qc": ioos_qc(few)}
    seconds, _ = in_turn(jobs, ROUNDS)
    tell(seconds)
    ratio, how = versus(seconds, "ioos_qc", "ours")
    speed = Goal("11", what, ratio * MANY / FEW, ">=", 50, how.split(";")[0])
    return [speed, Goal("11", alike, unlike(few), "<=", 0), saqc]


def readings(stations: int) -> IntArray:
    """A year of hours as the store gives them."""
    hours = generate.national_year(stations).astype(np.int32)
    finer = [10 ** (stored - made) for stored, made in zip(STORED, generate.STEPS, strict=True)]
    return np.where(hours == NO_VALUE, ABSENT, hours * np.array(finer, np.int32)[:, None, None])


def blocks(values: IntArray) -> list[tuple[IntArray, int]]:
    """What is judged in one go: some days and sites, with a day on each side; and the minute each begins with."""
    found = []
    for start in range(0, values.shape[1], 24 * LONGEST):
        hours = slice(max(0, start - 24), start + 24 * (LONGEST + 1))
        for site in range(0, values.shape[2], WIDEST):
            part = np.ascontiguousarray(values[:, hours, site : site + WIDEST])
            found.append((part, START + 60 * hours.start))
    return found


def ours(values: IntArray, start: int) -> dict[str, IntArray]:
    marks: IntArray = np.full(values.shape, Mark.NONE, np.int8)
    names = [f"s{column}" for column in range(values.shape[2])]
    grid = qc.Grid(values, marks, PARAMETERS, qc.Frame(start, 60, 60, names))
    found = {}
    for name, changes in TESTS.items():
        test = qc.TESTS[name]
        if test is not None:
            found[name] = test(grid, qc.settings_of(name, changes))
    qc.roll_up(found)
    return found


def ioos_qc(values: IntArray) -> Callable[[], list[dict[str, Any]]]:
    """Each series in printed units, NaN where there is none; results by item, then site."""
    from ioos_qc import qartod

    times = np.datetime64("2025-01-01T01:00", "s") + np.arange(values.shape[1]) * np.timedelta64(3600, "s")
    seasons = (times - np.timedelta64(1, "s")).astype("datetime64[s]")  # midnight ends the last hour of a month
    deep = np.zeros(values.shape[1])
    jobs = []
    for row, parameter in enumerate(PARAMETERS):
        unit = 10.0**parameter.decimals
        half, by = 0.5 / unit, scaled(BY[parameter.id], parameter.decimals) / unit
        climate = [
            {"tspan": (one["months"][0],) * 2, "vspan": (float(one["low"]), float(one["high"])), "period": "month"}
            for one in RANGES
            if one["items"] == [parameter.id]
        ]
        span = ((parameter.low or 0) / unit, (parameter.high or 10**9) / unit)
        printed = np.where(values[row] == ABSENT, np.nan, values[row] / unit)
        for site in range(values.shape[2]):
            jobs.append((np.ascontiguousarray(printed[:, site]), span, climate, half, by))

    def job() -> list[dict[str, Any]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [
                {
                    "out_of_range": qartod.gross_range_test(own, span),
                    "climatology": qartod.climatology_test(climate, own, seasons, deep),
                    "flat_line": qartod.flat_line_test(own, times, 3600 * (TIMES - 1), 10**9, tolerance=half),
                    "spike": qartod.spike_test(own, by - half, 10**9, method="differential"),
                    "rate_of_change": qartod.rate_of_change_test(own, times, (by + half) / 3600),
                }
                for own, span, climate, half, by in jobs
            ]

    return job


# --- flag by flag -------------------------------------------------------------------------------------------------


def unlike(values: IntArray) -> int:
    """Flags that differ from those of ioos_qc otherwise than listed; prints how many do as listed."""
    own, theirs = ours(values, START), iter(ioos_qc(values)())
    listed, other, bad = dict.fromkeys(TESTS, 0), 0, dict.fromkeys(TESTS, 0)
    for row in range(len(PARAMETERS)):
        for site in range(values.shape[2]):
            said = next(theirs)
            for test in TESTS:
                mine = as_theirs(own[test][row, :, site], values[row, :, site])
                flags = np.ma.filled(said[test], MISSING).astype(np.int64)
                differs = mine != flags
                expected = differs & as_listed(test, mine, flags, values[row, :, site])
                listed[test] += int(expected.sum())
                bad[test] += int((mine >= SUSPECT).sum() - (mine == MISSING).sum())
                other += int((differs & ~expected).sum())
    told = (f"{test} {bad[test]} flagged, {count} as listed otherwise" for test, count in listed.items())
    print(f"  of {values.size} values: {other} unlike; {'; '.join(told)}")
    return other


def as_theirs(flags: IntArray, values: IntArray) -> IntArray:
    """Our flags in the numbers of QARTOD."""
    found = np.select([flags == flag for flag in FLAGS], list(FLAGS.values()), 0)
    return np.where(values == ABSENT, MISSING, found).astype(np.int64)


def as_listed(test: str, mine: IntArray, theirs: IntArray, values: IntArray) -> BoolArray:
    """Where two flags may differ, as docs/qc.md says.

    climatology : theirs call a missing value good. flat_line : theirs flag a run from its eighth value on, and look
    across gaps; ours the whole run, and no further than a gap. rate_of_change : theirs call the first value, and one
    behind a gap, good; ours not evaluated.
    """
    if test == "rate_of_change":
        return (mine == UNKNOWN) & (theirs == GOOD)
    if test == "climatology":
        return (mine == MISSING) & (theirs == GOOD)
    if test != "flat_line":
        return np.zeros(mine.shape, np.bool_)
    early: BoolArray = np.zeros(mine.shape, np.bool_)
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    for first, last in itertools.pairwise(edges):  # runs of equal values
        early[first : min(last, first + TIMES - 1)] = True
    gap: BoolArray = np.convolve(values == ABSENT, np.ones(TIMES, np.int64))[: len(values)] > 0
    return ((mine == SUSPECT) & (theirs == GOOD) & early) | ((mine == GOOD) & (theirs == SUSPECT) & gap)
