"""Quality control: readings in, flags beside them out. Nothing is deleted and nothing is corrected.

Every test looks at an array [item, time, site] of readings as received (whole steps, ABSENT where there is none) and
answers with flags of the same shape. Each test's verdict is kept apart; the worst one is the roll-up. Whether a
verdict makes a reading invalid (fail) or only suspect is the `level` in its settings, which the config may change.
Never here: limits of any standard, storage, or repairing a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from envmon.model import ABSENT, NO_VALUE, BoolArray, Flag, IntArray, Mark, Parameter, Verdict
from envmon.rounding import scaled

Settings = Mapping[str, Any]

LEVELS = {"fail": Flag.FAIL, "suspect": Flag.SUSPECT}

DEFAULTS: Mapping[str, Settings] = {
    "missing": {},
    "device_flag": {"level": "fail"},
    "negative": {"level": "fail"},
    "out_of_range": {"level": "fail"},
    # Published values are whole numbers and clean air stands still for hours: only a run well above the noise counts.
    "flat_line": {
        "level": "suspect",
        "times": 8,
        "above": {"so2": "30", "no2": "20", "co": "1.5", "o3": "40", "pm10": "30", "pm25": "20"},
    },
    # A single value that stands out from both neighbours by at least `by` (in the item's unit) and `factor` times.
    "spike": {
        "level": "suspect",
        "factor": 3,
        "by": {"so2": "100", "no2": "100", "co": "3", "o3": "150", "pm10": "300", "pm25": "150"},
    },
    "pm_order": {"level": "suspect"},
    "duplicate": {"level": "suspect"},
}
"""Settings of every test. Thresholds by parameter are decimal numbers in its unit; a parameter without one is not
tested by `spike`, and by `flat_line` whatever its value."""


def missing(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """MISSING where a reading was due and none came (缺测)."""
    return np.where(values == ABSENT, Flag.MISSING, Flag.GOOD).astype(np.int8)


def device_flag(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """Readings that came with a mark of maintenance, fault, calibration or of a site without running conditions."""
    return _flags((marks != Mark.NONE) & (marks != Mark.CENSORED), values, settings)


def negative(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """Readings below zero, except of items that may be (water temperature: its range starts below zero)."""
    may = np.array([p.low is not None and p.low < 0 for p in parameters])[:, None, None]
    return _flags((values < 0) & ~may, values, settings)


def out_of_range(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """Readings outside what is physically possible for the item; NOT_EVALUATED for items without a range."""
    low = np.array([ABSENT if p.low is None else p.low for p in parameters], np.int64)[:, None, None]
    high = np.array([2**62 if p.high is None else p.high for p in parameters], np.int64)[:, None, None]
    found = _flags((values < low) | (values > high), values, settings)
    for row, parameter in enumerate(parameters):
        if parameter.low is None and parameter.high is None:
            found[row][values[row] != ABSENT] = Flag.NOT_EVALUATED
    return found


def flat_line(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """Readings in a run of at least `times` equal ones, one after another without a gap."""
    times = int(settings["times"])
    run: IntArray = np.ones(values.shape, np.int32)
    for hour in range(1, values.shape[1]):
        same = (values[:, hour] == values[:, hour - 1]) & (values[:, hour] != ABSENT)
        run[:, hour] += np.where(same, run[:, hour - 1], 0)
    for hour in range(values.shape[1] - 2, -1, -1):  # the whole run, not only its end
        same = (values[:, hour] == values[:, hour + 1]) & (values[:, hour] != ABSENT)
        run[:, hour] = np.where(same, run[:, hour + 1], run[:, hour])
    least = _thresholds(parameters, settings, "above", ABSENT)
    return _flags((run >= times) & (values >= least), values, settings)


def spike(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """A single reading far above or below both its neighbours; NOT_EVALUATED without both of them."""
    found = np.full(values.shape, Flag.NOT_EVALUATED, np.int8)
    found[values == ABSENT] = Flag.GOOD
    if values.shape[1] < 3:
        return found
    middle, before, after = values[:, 1:-1], values[:, :-2], values[:, 2:]
    by, factor = _thresholds(parameters, settings, "by", 2**62), int(settings["factor"])
    high, low = np.maximum(before, after).astype(np.int64), np.minimum(before, after).astype(np.int64)
    up = (middle - high >= by) & (middle >= factor * np.maximum(high, 0))
    down = (low - middle >= by) & (low >= factor * np.maximum(middle, 0))
    testable = (before != ABSENT) & (after != ABSENT) & (middle != ABSENT)
    found[:, 1:-1][testable] = np.where(up | down, _level(settings), Flag.GOOD)[testable]
    return found


def pm_order(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """PM2.5 above PM10, which is a part larger than the whole; both readings are flagged."""
    found = np.zeros(values.shape, np.int8)
    names = [parameter.id for parameter in parameters]
    if "pm25" not in names or "pm10" not in names:
        return found
    fine, coarse = names.index("pm25"), names.index("pm10")
    both = (values[fine] != ABSENT) & (values[coarse] != ABSENT)
    found[[fine, coarse]] = np.where(both & (values[fine] > values[coarse]), _level(settings), Flag.GOOD)
    alone = ~both
    for row in (fine, coarse):
        found[row][alone & (values[row] != ABSENT)] = Flag.NOT_EVALUATED
    return found


Test = Callable[[IntArray, IntArray, Sequence[Parameter], Settings], IntArray]

TESTS: Mapping[str, Test | None] = {
    "missing": missing,
    "device_flag": device_flag,
    "negative": negative,
    "out_of_range": out_of_range,
    "flat_line": flat_line,
    "spike": spike,
    "pm_order": pm_order,
    "duplicate": None,  # found where a payload is stored: two values for one key; see `duplicates`
}


def check(
    values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Mapping[str, Settings]
) -> dict[str, IntArray]:
    """Every test's flags on an array of readings.

    values, marks : [item, time, site], evenly spaced in time; ABSENT where there is no reading.
    parameters : of the first axis; settings : what the config changes, by test (`off = true` leaves a test out).
    """
    found = {}
    for name, test in TESTS.items():
        own = {**DEFAULTS[name], **settings.get(name, {})}
        if test is not None and not own.get("off"):
            found[name] = test(values, marks, parameters, own)
    return found


def roll_up(flags: Mapping[str, IntArray]) -> IntArray:
    """The worst verdict on each reading."""
    worst: IntArray = np.maximum.reduce(list(flags.values()))
    return worst


def usable(values: IntArray, rolled: IntArray) -> IntArray:
    """The readings that count: NO_VALUE where there is none or it failed."""
    return np.where((rolled >= Flag.FAIL) | (values == ABSENT), NO_VALUE, values).astype(values.dtype)


def verdicts(
    flags: Mapping[str, IntArray], start: int, step: int, sites: Sequence[int], parameters: Sequence[int]
) -> Iterator[Verdict]:
    """The verdicts worth keeping (SUSPECT, FAIL, MISSING), one by one.

    start : the minute before the first interval; step : minutes from one reading to the next.
    """
    for test, found in flags.items():
        for item, time, site in np.argwhere(found >= Flag.SUSPECT).tolist():
            flag = Flag(int(found[item, time, site]))
            yield Verdict(start + (time + 1) * step, sites[site], parameters[item], test, flag)


def duplicates(conflicts: Sequence[tuple[int, int, int]], origin: str, settings: Settings) -> list[Verdict]:
    """Verdicts on readings that one payload gave twice with different values: (ending, site, parameter)."""
    level = Flag(_level({**DEFAULTS["duplicate"], **settings}))
    return [Verdict(ending, site, parameter, "duplicate", level, origin) for ending, site, parameter in conflicts]


def _level(settings: Settings) -> Flag:
    return LEVELS[settings.get("level", "suspect")]


def _flags(bad: BoolArray, values: IntArray, settings: Settings) -> IntArray:
    return np.where(bad & (values != ABSENT), _level(settings), Flag.GOOD).astype(np.int8)


def _thresholds(parameters: Sequence[Parameter], settings: Settings, key: str, otherwise: int) -> IntArray:
    """Thresholds by parameter in its own steps, [item, 1, 1]."""
    by_name = settings.get(key) or {}
    steps = [scaled(str(by_name[p.id]), p.decimals) if p.id in by_name else otherwise for p in parameters]
    return np.array(steps, np.int64)[:, None, None]
