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

FACTOR_DECIMALS = 3  # of the factor of `spike`, so that 2.5 is exact

LEVELS = {"fail": Flag.FAIL, "suspect": Flag.SUSPECT}

DEFAULTS: Mapping[str, Settings] = {
    "missing": {"off": False},
    "device_flag": {"off": False, "level": "fail"},
    "negative": {"off": False, "level": "fail"},
    "out_of_range": {"off": False, "level": "fail"},
    # Published values are whole numbers and clean air stands still for hours: only a run well above the noise counts.
    # The water platform prints less than the detection limit as the limit itself (NH3-N 0.025, TP 0.005, TN 0.05), and
    # a section rightly keeps its class for months (7: no class is).
    "flat_line": {
        "off": False,
        "level": "suspect",
        "times": 8,
        "above": {
            "so2": "30",
            "no2": "20",
            "co": "1.5",
            "o3": "40",
            "pm10": "30",
            "pm25": "20",
            "nh3n": "0.05",
            "tp": "0.01",
            "tn": "0.1",
            "published_class": "7",
        },
    },
    # A single value that stands out from both neighbours by at least `by` (in the item's unit) and `factor` times.
    "spike": {
        "off": False,
        "level": "suspect",
        "factor": 3,
        "by": {"so2": "100", "no2": "100", "co": "3", "o3": "150", "pm10": "300", "pm25": "150"},
    },
    "pm_order": {"off": False, "level": "suspect"},
    "duplicate": {"off": False},
    # Two sources of one kind of data about one time: apart by more than `by` (in the item's unit, 0 where none is
    # named) and by more than `percent` of the larger. One rounds, the other does not: that alone is no disagreement.
    "sources_disagree": {
        "off": False,
        "percent": 10,
        "by": {
            "so2": "5",
            "no2": "5",
            "co": "0.2",
            "o3": "10",
            "pm10": "10",
            "pm25": "5",
            "water_temp": "1",
            "ph": "0.1",
            "do": "0.3",
            "codmn": "0.3",
            "nh3n": "0.02",
            "tp": "0.01",
            "tn": "0.1",
        },
    },
}
"""Settings of every test. Thresholds by parameter are decimal numbers in its unit; a parameter without one is not
tested by `spike`, and by `flat_line` whatever its value."""


def missing(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """MISSING where a reading was due and none came (缺测)."""
    return np.where(values == ABSENT, np.int8(Flag.MISSING), np.int8(Flag.GOOD))


def device_flag(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """Readings that came with a mark of maintenance, fault, calibration or of a site without running conditions."""
    return _flags((marks != Mark.NONE) & (marks != Mark.CENSORED), values, settings)


def negative(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """Readings below zero, except of items that may be (water temperature: its range starts below zero)."""
    may = np.array([p.low is not None and p.low < 0 for p in parameters])[:, None, None]
    return _flags((values < 0) & ~may, values, settings)


def out_of_range(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """Readings outside what is physically possible for the item; NOT_EVALUATED for items without a range."""
    found: IntArray = np.zeros(values.shape, np.int8)
    for row, parameter in enumerate(parameters):
        if parameter.low is None and parameter.high is None:
            found[row] = _not_evaluated(values[row])
            continue
        bad: BoolArray = np.zeros(values[row].shape, np.bool_)
        if parameter.low is not None:
            bad |= values[row] < parameter.low
        if parameter.high is not None:
            bad |= values[row] > parameter.high
        found[row] = _flags(bad, values[row], settings)
    return found


def flat_line(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """Readings in a run of at least `times` equal ones, one after another without a gap.

    Readings below their detection limit stand still by nature: they are NOT_EVALUATED and end a run. In a series
    shorter than `times` nothing is evaluated.
    """
    times = int(settings["times"])
    found: IntArray = np.zeros(values.shape, np.int8)
    for row, parameter in enumerate(parameters):
        own, censored = values[row], marks[row] == Mark.CENSORED
        if len(own) < times:
            found[row] = _not_evaluated(own)
            continue
        counts = (own != ABSENT) & ~censored
        least = _threshold(parameter, settings, "above")
        still = _in_runs((own[1:] == own[:-1]) & counts[1:] & counts[:-1], times)
        found[row] = _flags(still if least is None else still & (own >= least), own, settings)
        found[row][censored & (own != ABSENT)] = Flag.NOT_EVALUATED
    return found


def spike(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """A single reading far above or below both its neighbours; NOT_EVALUATED without both, or without a threshold."""
    factor = scaled(str(settings["factor"]), FACTOR_DECIMALS)
    found: IntArray = np.zeros(values.shape, np.int8)
    for row, parameter in enumerate(parameters):
        own, by = values[row], _threshold(parameter, settings, "by")
        found[row] = _not_evaluated(own)
        if by is None or len(own) < 3:
            continue
        middle, before, after = own[1:-1], own[:-2], own[2:]
        testable = (before != ABSENT) & (after != ABSENT) & (middle != ABSENT)
        above, below = np.maximum(before, after), np.minimum(before, after)
        over, under = (np.subtract(*pair, dtype=np.int64) >= by for pair in ((middle, above), (below, middle)))
        time, site = np.nonzero(testable & (over | under))  # few, so that the factor is cheap
        here, high, low = (each[time, site].astype(np.int64) for each in (middle, above, below))
        unit = 10**FACTOR_DECIMALS
        up = over[time, site] & (here * unit >= factor * np.maximum(high, 0))
        down = under[time, site] & (low * unit >= factor * np.maximum(here, 0))
        inner = found[row, 1:-1]
        inner[testable] = Flag.GOOD
        inner[time[up | down], site[up | down]] = _level(settings)
    return found


def pm_order(values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Settings) -> IntArray:
    """PM2.5 above PM10, which is a part larger than the whole; both are flagged, NOT_EVALUATED where one is alone."""
    found: IntArray = np.zeros(values.shape, np.int8)
    rows = {parameter.id: row for row, parameter in enumerate(parameters) if parameter.id in ("pm25", "pm10")}
    for row in rows.values():
        found[row] = _not_evaluated(values[row])
    if len(rows) == 2:
        fine, coarse = values[rows["pm25"]], values[rows["pm10"]]
        both = (fine != ABSENT) & (coarse != ABSENT)
        for row in rows.values():
            found[row][both] = np.where(fine > coarse, np.int8(_level(settings)), np.int8(Flag.GOOD))[both]
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
    "sources_disagree": None,  # found where streams are compared: `pipeline.agreeing`
}


def check(
    values: IntArray, marks: IntArray, parameters: Sequence[Parameter], settings: Mapping[str, Settings]
) -> dict[str, IntArray]:
    """Every test's flags on an array of readings.

    values, marks : [item, time, site], evenly spaced in time; ABSENT where there is no reading.
    parameters : of the first axis; settings : what the config changes, by test. A test that is `off` does not vanish,
        it says NOT_EVALUATED: so its earlier verdicts are replaced when the days are judged again.
    """
    found = {}
    for name, test in TESTS.items():
        own = settings_of(name, settings.get(name, {}))
        if test is not None:
            found[name] = _not_evaluated(values) if own["off"] else test(values, marks, parameters, own)
    return found


def settings_of(test: str, changes: Settings) -> Settings:
    """A test's settings: the defaults with the config's changes in them; thresholds are changed item by item."""
    own = dict(DEFAULTS[test])
    for key, value in changes.items():
        own[key] = {**own.get(key, {}), **value} if isinstance(value, Mapping) else value
    return own


def reach(settings: Mapping[str, Settings]) -> tuple[int, bool]:
    """How many readings before and after one may decide what QC says of it, and whether they may make it invalid."""
    spikes, still = (settings_of(test, settings.get(test, {})) for test in ("spike", "flat_line"))
    sizes = {1: spikes, max(1, int(still["times"]) - 1): still}
    own = {size: one for size, one in sizes.items() if not one["off"]}
    return max(own, default=0), any(_level(one) is Flag.FAIL for one in own.values())


def roll_up(flags: Mapping[str, IntArray]) -> IntArray:
    """The worst verdict on each reading."""
    worst: IntArray = np.maximum.reduce(list(flags.values()))
    return worst


def usable(values: IntArray, rolled: IntArray) -> IntArray:
    """The concentrations that count: NO_VALUE where there is none, where it failed, and, whatever the settings, below
    zero: no value there could be told from NO_VALUE."""
    return np.where((rolled >= Flag.FAIL) | (values < 0), NO_VALUE, values).astype(values.dtype)


def verdicts(
    flags: Mapping[str, IntArray], start: int, step: int, sites: Sequence[int], parameters: Sequence[int]
) -> Iterator[Verdict]:
    """The verdicts worth keeping (SUSPECT, FAIL, MISSING), one by one.

    start : the minute before the first interval; step : minutes from one reading to the next.
    """
    for test, found in flags.items():
        kept = found >= Flag.SUSPECT
        for (item, time, site), flag in zip(np.argwhere(kept).tolist(), found[kept].tolist(), strict=True):
            yield Verdict(start + (time + 1) * step, sites[site], parameters[item], test, Flag(flag))


def duplicates(conflicts: Sequence[tuple[int, int, int]], origin: str, settings: Settings) -> list[Verdict]:
    """Verdicts on readings that one payload gave twice with different values: (ending, site, parameter)."""
    if settings_of("duplicate", settings)["off"]:
        return []
    return [
        Verdict(ending, site, parameter, "duplicate", Flag.SUSPECT, origin) for ending, site, parameter in conflicts
    ]


def _level(settings: Settings) -> Flag:
    return LEVELS[settings.get("level", "suspect")]


def _flags(bad: BoolArray, values: IntArray, settings: Settings) -> IntArray:
    return np.where(bad & (values != ABSENT), np.int8(_level(settings)), np.int8(Flag.GOOD))


def _not_evaluated(values: IntArray) -> IntArray:
    """NOT_EVALUATED on every reading; where there is none, there is nothing to evaluate."""
    return np.where(values == ABSENT, np.int8(Flag.GOOD), np.int8(Flag.NOT_EVALUATED))


def _in_runs(same: BoolArray, times: int) -> BoolArray:
    """Which readings lie in a run of at least `times`, from which are like the one before them [time - 1, site]."""
    starts = len(same) + 2 - times  # places where a run of that length may begin
    whole: BoolArray = np.ones((starts, *same.shape[1:]), np.bool_)
    for later in range(times - 1):
        whole &= same[later : later + starts]
    found: BoolArray = np.zeros((len(same) + 1, *same.shape[1:]), np.bool_)
    for later in range(times):
        found[later : later + starts] |= whole
    return found


def _threshold(parameter: Parameter, settings: Settings, key: str) -> int | None:
    """A parameter's threshold in its own steps; None when the settings name none for it."""
    text = (settings.get(key) or {}).get(parameter.id)
    return None if text is None else scaled(str(text), parameter.decimals)
