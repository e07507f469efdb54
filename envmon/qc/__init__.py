"""Quality control: readings in, flags beside them out. Nothing is deleted and nothing is corrected.

Every test looks at a grid of readings [item, time, site] as received (whole steps, ABSENT where there is none) and
answers with flags of the same shape. Each test's verdict is kept apart; the worst one is the roll-up, unless people
reviewed the reading: then their word stands. Whether a verdict makes a reading invalid (fail) or only suspect is the
`level` in its settings, which the config may change. docs/qc.md says what each test looks at.
Never here: limits of any standard, storage, or repairing a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from envmon.model import NO_VALUE, Flag, IntArray, Parameter, Verdict
from envmon.qc import between, series, single
from envmon.qc.agreement import disagreeing
from envmon.qc.entry import clock_errors, duplicates
from envmon.qc.grid import Frame, Grid, Settings, level
from envmon.qc.reasons import Place, facts_of, packed, teller
from envmon.qc.review import NOT_REVIEWED, REVIEW, reviewed, roll_up
from envmon.qc.settings import DEFAULTS, settings_of

__all__ = [
    "AT_ENTRY",
    "DEFAULTS",
    "NOT_REVIEWED",
    "REVIEW",
    "TESTS",
    "Frame",
    "Grid",
    "Place",
    "Reach",
    "Settings",
    "check",
    "check_grid",
    "clock_errors",
    "disagreeing",
    "duplicates",
    "facts_of",
    "looks_around",
    "packed",
    "reach",
    "reviewed",
    "roll_up",
    "settings_of",
    "teller",
    "usable",
    "verdicts",
    "whole_settings",
]

Test = Callable[[Grid, Settings], IntArray]

TESTS: Mapping[str, Test | None] = {
    "missing": single.missing,
    "device_flag": single.device_flag,
    "maintenance": single.maintenance,
    "negative": single.negative,
    "below_detection": single.below_detection,
    "out_of_range": single.out_of_range,
    "climatology": single.climatology,
    "flat_line": series.flat_line,
    "spike": series.spike,
    "step": series.step,
    "rate_of_change": series.rate_of_change,
    "repeated_block": series.repeated_block,
    "stale_feed": series.stale_feed,
    "pm_order": between.pm_order,
    "nitrogen_order": between.nitrogen_order,
    "nox_order": between.nox_order,
    "neighbours": between.neighbours,
    "same_hour": series.same_hour,
    "duplicate": None,
    "sources_disagree": None,
    "clock_error": None,
}

AT_ENTRY = tuple(name for name, test in TESTS.items() if test is None)
"""Tests whose verdicts are not found in arrays, but where a payload is stored (`duplicates`, `clock_errors`) or where
streams are beside each other (`disagreeing`)."""


def check(
    values: IntArray,
    marks: IntArray,
    parameters: Sequence[Parameter],
    settings: Mapping[str, Settings],
    frame: Frame | None = None,
) -> dict[str, IntArray]:
    """Every test's flags on an array of readings.

    values, marks : [item, time, site], evenly spaced in time; ABSENT where there is no reading.
    parameters : of the first axis; settings : what the config changes, by test; frame : when and where.
    """
    return check_grid(Grid(values, marks, parameters, frame or Frame()), settings)


def check_grid(grid: Grid, settings: Mapping[str, Settings]) -> dict[str, IntArray]:
    """Every test's flags on a grid; some arrays may be the same one, so they are not to be written to.

    A test that is `off` does not vanish, it says NOT_EVALUATED: so its earlier verdicts are replaced when the days are
    judged again.
    """
    found = {}
    for name, test in TESTS.items():
        own = settings_of(name, settings.get(name, {}))
        if test is not None:
            found[name] = grid.unseen if own["off"] else test(grid, own)
    return found


def whole_settings(settings: Mapping[str, Settings]) -> dict[str, Settings]:
    """The settings of every test, with what the config changes in them."""
    return {name: settings_of(name, settings.get(name, {})) for name in TESTS}


class Reach(NamedTuple):
    """How many days before and after a day of hourly readings may decide what QC says of it, and whether a reading at
    another time may make one invalid."""

    before: int
    after: int
    decides: bool


def reach(settings: Mapping[str, Settings]) -> Reach:
    """How far the tests that are on look."""
    own = whole_settings(settings)
    still, shift, stale = (int(own[test]["times"]) for test in ("flat_line", "step", "stale_feed"))
    hours = {
        "flat_line": (still - 1, still - 1),
        "spike": (1, 1),
        "step": (shift, shift - 1),
        "rate_of_change": (int(own["rate_of_change"]["within"]), 0),
        "repeated_block": (24, 0),  # of whole days
        "stale_feed": (stale - 1, stale - 1),
        "same_hour": (24 * int(own["same_hour"]["days"]), 0),
    }
    on = {test: ends for test, ends in hours.items() if not own[test]["off"]}
    before, after = (-(-max((ends[side] for ends in on.values()), default=0) // 24) for side in (0, 1))
    return Reach(before, after, any(level(own[test]) is Flag.FAIL for test in on))


def looks_around(settings: Mapping[str, Settings]) -> bool:
    """Whether what QC says of a station may depend on the other stations of its area."""
    return not settings_of("neighbours", settings.get("neighbours", {}))["off"]


def usable(values: IntArray, rolled: IntArray) -> IntArray:
    """The concentrations that count: NO_VALUE where there is none, where it failed, and, whatever the settings, below
    zero: no value there could be told from NO_VALUE."""
    return np.where((rolled >= Flag.FAIL) | (values < 0), NO_VALUE, values).astype(values.dtype)


def verdicts(
    flags: Mapping[str, IntArray],
    start: int,
    step: int,
    sites: Sequence[int],
    parameters: Sequence[int],
    tell: Callable[[str, Place], str] | None = None,
) -> Iterator[Verdict]:
    """The verdicts worth keeping (SUSPECT, FAIL, MISSING, and whatever people said), one by one.

    start : the minute before the first interval; step : minutes from one reading to the next. tell : says why, of a
    place in `flags`.
    """
    for test, found in flags.items():
        kept = found >= (Flag.GOOD if test == REVIEW else Flag.SUSPECT)
        if not kept.any():
            continue
        for (item, time, site), flag in zip(np.argwhere(kept).tolist(), found[kept].tolist(), strict=True):
            detail = "" if tell is None or flag == Flag.MISSING else tell(test, (item, time, site))
            yield Verdict(start + (time + 1) * step, sites[site], parameters[item], test, Flag(flag), detail)
