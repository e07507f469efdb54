"""Quality control of three tests (range, flat line, spike): ours beside ioos_qc, per value.

The tests are of the same kind with the same thresholds where both have them; their definitions differ, so flags are
not compared. SaQC is not measured here: it is under the GPL, which the house does not import.
Run: python -m bench 11
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from bench import generate
from bench.goals import Goal, in_turn, installed, load, tell, versus
from envmon import qc
from envmon.model import ABSENT, NO_VALUE, IntArray, Mark, Parameter
from envmon.pipeline.judge_air import LONGEST, PARAMETERS, STORED, WIDEST
from envmon.rounding import scaled

ROUNDS = 5
MANY, FEW = 200, 2
"""Stations for ours, and for a peer that takes one series at a time."""

TESTS = {"out_of_range": qc.out_of_range, "flat_line": qc.flat_line, "spike": qc.spike}


def run() -> list[Goal]:
    """Goal 11."""
    saqc = Goal("11", "QC of three tests, per value: SaQC / ours", None, ">=", 150, "SaQC is under the GPL")
    what = "QC of three tests, per value: ioos_qc / ours"
    if not installed("ioos_qc"):
        return [Goal("11", what, None, ">=", 50, "ioos_qc is not installed"), saqc]
    values = readings(MANY)
    print(f"quality: ours {values.size / 1e6:.1f} M values, ioos_qc {values[:, :, :FEW].size / 1e6:.2f} M; {load()}")
    parts = blocks(values)
    jobs = {"ours": lambda: [ours(part) for part in parts], "ioos_qc": ioos_qc(values[:, :, :FEW])}
    seconds, _ = in_turn(jobs, ROUNDS)
    tell(seconds)
    ratio, how = versus(seconds, "ioos_qc", "ours")
    return [Goal("11", what, ratio * MANY / FEW, ">=", 50, how.split(";")[0]), saqc]


def readings(stations: int) -> IntArray:
    """A year of hours as the store gives them."""
    hours = generate.national_year(stations).astype(np.int32)
    finer = [10 ** (stored - made) for stored, made in zip(STORED, generate.STEPS, strict=True)]
    return np.where(hours == NO_VALUE, ABSENT, hours * np.array(finer, np.int32)[:, None, None])


def blocks(values: IntArray) -> list[IntArray]:
    """What is judged in one go: some days and sites, with a day on each side."""
    found = []
    for start in range(0, values.shape[1], 24 * LONGEST):
        hours = slice(max(0, start - 24), start + 24 * (LONGEST + 1))
        for site in range(0, values.shape[2], WIDEST):
            found.append(np.ascontiguousarray(values[:, hours, site : site + WIDEST]))
    return found


def ours(values: IntArray) -> IntArray:
    marks: IntArray = np.full(values.shape, Mark.NONE, np.int8)
    found = {name: test(values, marks, PARAMETERS, qc.settings_of(name, {})) for name, test in TESTS.items()}
    return qc.roll_up(found)


def ioos_qc(values: IntArray) -> Callable[[], object]:
    """Each series in printed units, NaN where there is none; 8 equal hours are 7 hours of standing still."""
    from ioos_qc import qartod

    times = np.datetime64("2025-01-01", "s") + np.arange(values.shape[1]) * np.timedelta64(3600, "s")
    series: list[tuple[Parameter, object]] = []
    for row, parameter in enumerate(PARAMETERS):
        printed = np.where(values[row] == ABSENT, np.nan, values[row] / 10.0**parameter.decimals)
        series += [(parameter, np.ascontiguousarray(printed[:, site])) for site in range(values.shape[2])]

    def job() -> object:
        flags = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for parameter, own in series:
                unit = 10.0**parameter.decimals
                span = ((parameter.low or 0) / unit, (parameter.high or 10**9) / unit)
                still = 3600 * (int(qc.DEFAULTS["flat_line"]["times"]) - 1)
                by = scaled(qc.DEFAULTS["spike"]["by"][parameter.id], parameter.decimals) / unit
                flags.append(qartod.gross_range_test(own, span))
                flags.append(qartod.flat_line_test(own, times, still, 10**9, tolerance=1 / unit))
                flags.append(qartod.spike_test(own, by, 10**9))
        return flags

    return job
