"""Quality control: every test at, just below and just above its threshold, and against plain loops over single series.

A series is written as people would note it: values in the item's unit, `-` where none came, `<` before a detection
limit. Flags are written one letter a reading: `.` good, `?` not evaluated, `s` suspect, `F` fail, `M` missing.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from envmon import periods, qc, rounding, standards
from envmon.model import ABSENT, NO_VALUE, POLLUTANTS, Flag, Mark, Parameter, Verdict

LETTERS = ".?sFM"
PARAMETERS = standards.parameters()
AIR = [PARAMETERS[name] for name in POLLUTANTS]

# In the items' units: a run counts from `above` up, a spike stands out by at least `by`.
ABOVE = {"so2": "30", "no2": "20", "co": "1.5", "o3": "40", "pm10": "30", "pm25": "20"}
ABOVE |= {"nh3n": "0.05", "tp": "0.01", "tn": "0.1"}
BY = {"so2": "100", "no2": "100", "co": "3", "o3": "150", "pm10": "300", "pm25": "150"}
HIGHEST = {"so2": "10000", "no2": "5000", "co": "200", "o3": "2000", "pm10": "10000", "pm25": "5000"}


def noted(parameters: Sequence[Parameter], *series: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and marks [item, time, 1] of one site."""
    rows = [text.split() for text in series]
    values = [
        [ABSENT if word == "-" else rounding.scaled(word.lstrip("<"), parameter.decimals) for word in row]
        for parameter, row in zip(parameters, rows, strict=True)
    ]
    marks = [[Mark.CENSORED if word.startswith("<") else Mark.NONE for word in row] for row in rows]
    return np.array(values, np.int32)[..., None], np.array(marks, np.uint8)[..., None]


def letters(flags: np.ndarray) -> str:
    return "".join(LETTERS[flag] for flag in flags)


def said(test: str, name: str, series: str, changes: Mapping[str, Any] | None = None) -> str:
    """What one test says of a series of one item."""
    parameters = [PARAMETERS[name]]
    values, marks = noted(parameters, series)
    return letters(qc.check(values, marks, parameters, {test: changes or {}})[test][0, :, 0])


def one_step(text: str, name: str, steps: int = 1) -> str:
    """The number that lies so many of the store's steps above."""
    places = PARAMETERS[name].decimals
    return rounding.printed(rounding.scaled(text, places) + steps, places)


# --- one reading at a time ------------------------------------------------------------------------------------------


def test_missing_is_where_nothing_came() -> None:
    assert said("missing", "pm25", "30 - 0 -5 -") == ".M..M"


@pytest.mark.parametrize("mark", Mark)
def test_device_marks_fail_except_of_a_detection_limit(mark: Mark) -> None:
    values, marks = noted(AIR[:1], "30 30 -")
    marks[0, 1:] = mark
    found = qc.check(values, marks, AIR[:1], {})["device_flag"]
    assert letters(found[0, :, 0]) == (".." if mark in (Mark.NONE, Mark.CENSORED) else ".F") + "."


@pytest.mark.parametrize("name", POLLUTANTS)
def test_negative_begins_one_step_below_zero(name: str) -> None:
    assert said("negative", name, "-0.001 0 0.001 -") == "F..."


def test_water_may_be_colder_than_zero() -> None:
    assert said("negative", "water_temp", "-5.0001 -5 0") == "..."
    assert said("out_of_range", "water_temp", "-5.0001 -5 50 50.0001 -") == "F..F."


@pytest.mark.parametrize(("name", "highest"), HIGHEST.items())
def test_out_of_range_begins_one_step_beyond_what_is_possible(name: str, highest: str) -> None:
    series = f"-0.001 0 {one_step(highest, name, -1)} {highest} {one_step(highest, name)} -"
    assert said("out_of_range", name, series) == "F...F."


def test_ph_ends_at_14() -> None:
    assert said("out_of_range", "ph", "-0.0001 0 14 14.0001") == "F..F"


def test_a_range_may_be_open_at_one_end_or_both() -> None:
    ph = PARAMETERS["ph"]
    values, marks = noted([ph] * 3, "-1 15 -", "-1 15 -", "-1 15 -")
    items = [replace(ph, low=None), replace(ph, high=None), replace(ph, low=None, high=None)]
    found = qc.check(values, marks, items, {})["out_of_range"]
    assert [letters(row) for row in found[..., 0]] == [".F.", "F..", "??."]


# --- flat line ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "above"), ABOVE.items())
def test_eight_equal_readings_are_a_flat_line_from_the_threshold_up(name: str, above: str) -> None:
    below, higher = one_step(above, name, -1), one_step(above, name)
    assert said("flat_line", name, f"{above} " * 7) == "?" * 7  # a series of seven cannot hold a run of eight
    assert said("flat_line", name, f"{above} " * 7 + "0") == "." * 8
    assert said("flat_line", name, f"0 {above}" + f" {above}" * 7 + " 0") == "." + "s" * 8 + "."
    assert said("flat_line", name, f"{above} " * 9 + "0") == "s" * 9 + "."
    assert said("flat_line", name, f"{below} " * 8) == "." * 8
    assert said("flat_line", name, f"{higher} " * 8) == "s" * 8


def test_one_step_of_difference_ends_a_run() -> None:
    assert said("flat_line", "pm25", "30 " * 7 + "30.001 " + "30 " * 8) == "." * 8 + "s" * 8


def test_a_run_across_a_gap_is_no_run() -> None:
    assert said("flat_line", "pm25", "30 " * 7 + "- " + "30 " * 7) == "." * 15
    assert said("flat_line", "pm25", "30 " * 7 + "- " + "30 " * 8) == "." * 8 + "s" * 8
    assert said("flat_line", "pm25", "- " * 12) == "." * 12  # silence is another test's


def test_detection_limits_stand_still_by_nature() -> None:
    assert said("flat_line", "tp", "<0.01 " * 10) == "?" * 10
    assert said("flat_line", "codmn", "0.5 " * 10) == "s" * 10  # no threshold of its own: whatever the value
    assert said("flat_line", "codmn", "0.5 " * 4 + "<0.5 " + "0.5 " * 4) == "....?...."
    for name, limit in (("nh3n", "0.025"), ("tp", "0.005"), ("tn", "0.05")):  # as the platform prints them, without <
        assert said("flat_line", name, f"{limit} " * 10) == "." * 10


@pytest.mark.parametrize("water_class", range(1, 7))
def test_a_section_may_keep_its_class(water_class: int) -> None:
    assert said("flat_line", "published_class", f"{water_class} " * 10) == "." * 10


def test_another_length_of_run() -> None:
    assert said("flat_line", "pm25", "30 30 30 31 31", {"times": 3}) == "sss.."
    assert said("flat_line", "pm25", "30 30 30 31 31", {"times": 2}) == "sssss"
    assert said("flat_line", "pm25", "30 30 30 31 31", {"times": 6}) == "?????"


# --- spike ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "by"), BY.items())
def test_a_spike_stands_out_by_the_threshold(name: str, by: str) -> None:
    below, higher = one_step(by, name, -1), one_step(by, name)
    assert said("spike", name, f"0 {by} 0") == "?s?"
    assert said("spike", name, f"0 {below} 0") == "?.?"
    assert said("spike", name, f"0 {higher} 0") == "?s?"
    assert said("spike", name, f"{by} 0 {by}") == "?s?"
    assert said("spike", name, f"{below} 0 {by}") == "?.?"  # the nearer of the neighbours decides
    assert said("spike", name, f"0 {higher} 0.002") == "?.?"


def test_a_spike_is_three_times_as_high_or_as_low() -> None:
    assert said("spike", "pm25", "100 300 100") == "?s?"
    assert said("spike", "pm25", "100 299.999 100") == "?.?"
    assert said("spike", "pm25", "100 300.001 100") == "?s?"
    assert said("spike", "pm25", "300 100 400") == "?s?"
    assert said("spike", "pm25", "300 100.001 400") == "?.?"
    assert said("spike", "pm25", "300 99.999 400") == "?s?"


def test_a_factor_with_decimals_is_exact() -> None:
    assert said("spike", "pm25", "200 500 200", {"factor": "2.5"}) == "?s?"
    assert said("spike", "pm25", "200 499.999 200", {"factor": "2.5"}) == "?.?"
    assert said("spike", "pm25", "200 499.999 200", {"factor": "2.499"}) == "?s?"


def test_a_step_or_a_slope_is_no_spike() -> None:
    assert said("spike", "pm25", "10 10 500 500 500 10 10") == "?.....?"
    assert said("spike", "pm25", "10 200 400 600 400 200 10") == "?.....?"


def test_a_spike_needs_both_neighbours() -> None:
    assert said("spike", "pm25", "500 10 10") == "?.?"
    assert said("spike", "pm25", "10 10 500") == "?.?"
    assert said("spike", "pm25", "10 500 - 500 10") == "??.??"
    assert said("spike", "pm25", "10 500") == "??"
    assert said("spike", "pm25", "500") == "?"
    assert said("spike", "pm25", "-") == "."


def test_an_item_without_a_threshold_has_no_spikes() -> None:
    assert said("spike", "tp", "0.01 9 0.01") == "???"
    assert said("spike", "tp", "0.01 9 0.01", {"by": {"tp": "8.99"}}) == "?s?"


def test_beside_an_impossible_value_the_possible_ones_are_no_spikes() -> None:
    assert said("spike", "pm25", "30 999999 30 30 -999 30 30") == "?s..s.?"


# --- PM2.5 and PM10 -------------------------------------------------------------------------------------------------


def test_pm25_above_pm10_makes_both_suspect() -> None:
    pair = [PARAMETERS["pm10"], PARAMETERS["pm25"]]
    series = "30 30 30 30 - -", "29.999 30 30.001 - 30 -"
    for order in (1, -1):
        values, marks = noted(pair[::order], *series[::order])
        found = qc.check(values, marks, pair[::order], {})["pm_order"]
        assert [letters(row) for row in found[..., 0]][::order] == ["..s?..", "..s.?."]


def test_one_of_them_alone_is_not_evaluated_and_the_others_never_suspect() -> None:
    assert said("pm_order", "pm25", "30 -") == "?."
    assert said("pm_order", "o3", "30 -") == ".."


# --- two values for one key -----------------------------------------------------------------------------------------


def test_a_contradiction_in_a_payload_is_a_verdict_that_names_the_payload() -> None:
    ending = periods.hour_ending(periods.parse("2022-03-04").first, 8)
    conflicts = [(ending, 7, 6), (ending + 60, 7, 6)]
    assert qc.duplicates(conflicts, "a.csv", {}) == [
        Verdict(ending, 7, 6, "duplicate", Flag.SUSPECT, "a.csv"),
        Verdict(ending + 60, 7, 6, "duplicate", Flag.SUSPECT, "a.csv"),
    ]
    assert qc.duplicates(conflicts, "a.csv", {"off": True}) == []
    assert qc.duplicates([], "a.csv", {}) == []


# --- settings -------------------------------------------------------------------------------------------------------

ALL_WRONG = "-9 - 30 30 30 30 30 30 30 30 999999 30"


@pytest.mark.parametrize("name", [name for name, test in qc.TESTS.items() if test])
def test_a_test_that_is_off_says_so_and_leaves_the_others(name: str) -> None:
    values, marks = noted([PARAMETERS["pm25"]], ALL_WRONG)
    on, off = (qc.check(values, marks, [PARAMETERS["pm25"]], wanted) for wanted in ({}, {name: {"off": True}}))
    assert letters(off[name][0, :, 0]) == "?." + "?" * 10
    assert list(on) == list(off)
    assert all((on[other] == off[other]).all() for other in on if other != name)
    again = qc.check(values, marks, [PARAMETERS["pm25"]], {name: {"off": False}})
    assert (again[name] == on[name]).all()


def test_a_level_turns_suspect_into_fail_and_back() -> None:
    assert said("spike", "pm25", "10 500 10", {"level": "fail"}) == "?F?"
    assert said("flat_line", "pm25", "30 " * 8, {"level": "fail"}) == "F" * 8
    assert said("negative", "pm25", "-1 0", {"level": "suspect"}) == "s."
    assert said("out_of_range", "pm25", "5001 0", {"level": "suspect"}) == "s."


def test_a_threshold_of_one_item_leaves_the_others() -> None:
    before = copy.deepcopy(dict(qc.DEFAULTS))
    changes = {"spike": {"by": {"pm25": "40"}}, "flat_line": {"above": {"pm25": 100}}}
    values, marks = noted(AIR, *["0 40 0 0 0 0 0 0 0 0 0"] * 6)
    found = qc.check(values, marks, AIR, changes)["spike"]
    expected = {"co": "?s", "pm25": "?s"}  # 3 mg/m³ of CO was enough already
    assert [letters(row[:2]) for row in found[..., 0]] == [expected.get(name, "?.") for name in POLLUTANTS]
    values, marks = noted(AIR, *["50 " * 8] * 6)
    found = qc.check(values, marks, AIR, changes)["flat_line"]
    assert [letters(row) for row in found[..., 0]] == ["s" * 8] * 5 + ["." * 8]
    settings = {"off": False, "level": "suspect", "factor": 3, "by": {**BY, "pm25": "40"}}
    assert qc.settings_of("spike", changes["spike"]) == settings
    assert before == qc.DEFAULTS


def test_the_defaults_are_those_noted_here() -> None:
    assert qc.DEFAULTS["flat_line"]["above"] == {**ABOVE, "published_class": "7"}
    assert qc.DEFAULTS["spike"]["by"] == BY
    levels = {name: own.get("level") for name, own in qc.DEFAULTS.items()}
    failing = ["device_flag", "maintenance", "negative", "out_of_range"]
    assert [name for name, level in levels.items() if level == "fail"] == failing
    assert list(qc.TESTS) == list(qc.DEFAULTS)


# --- the roll-up and what counts ------------------------------------------------------------------------------------


def test_the_roll_up_is_the_worst_verdict() -> None:
    flags = [np.array([*pair], np.int8) for pair in np.indices((5, 5)).reshape(2, -1)]
    assert qc.roll_up({"a": flags[0], "b": flags[1]}).tolist() == [max(a, b) for a in range(5) for b in range(5)]
    values, marks = noted([PARAMETERS["pm25"]], ALL_WRONG)
    rolled = qc.roll_up(qc.check(values, marks, [PARAMETERS["pm25"]], {}))
    assert letters(rolled[0, :, 0]) == "FM" + "s" * 8 + "F?"


def test_only_failed_and_missing_readings_do_not_count() -> None:
    values = np.array([5, 5, 5, 5, ABSENT, ABSENT, 0], np.int32)
    rolled = np.array([0, 1, 2, 3, 4, 1, 0], np.int8)
    found = qc.usable(values, rolled)
    assert found.tolist() == [5, 5, 5, NO_VALUE, NO_VALUE, NO_VALUE, 0]
    assert found.dtype == values.dtype
    assert values.tolist() == [5, 5, 5, 5, ABSENT, ABSENT, 0]  # the readings themselves stay


def test_a_negative_reading_never_counts_whatever_the_settings() -> None:
    values, marks = noted([PARAMETERS["pm25"]], "-0.001 -30 30")
    wanted = {"negative": {"level": "suspect"}, "out_of_range": {"off": True}}
    rolled = qc.roll_up(qc.check(values, marks, [PARAMETERS["pm25"]], wanted))
    assert letters(rolled[0, :, 0]) == "ss?"
    assert qc.usable(values, rolled)[0, :, 0].tolist() == [NO_VALUE, NO_VALUE, 30000]


def test_each_verdict_carries_its_test_as_the_reason() -> None:
    values, marks = noted([PARAMETERS["pm25"]], "30 500 30 - -1")
    marks[0, 2] = Mark.FAULT
    start = periods.hour_ending(periods.parse("2022-03-04").first, 0)
    flags = qc.check(values, marks, [PARAMETERS["pm25"]], {})
    found = list(qc.verdicts(flags, start, 60, [41], [6]))
    expected = [
        (4, "missing", Flag.MISSING),
        (3, "device_flag", Flag.FAIL),
        (5, "negative", Flag.FAIL),
        (5, "out_of_range", Flag.FAIL),
        (2, "spike", Flag.SUSPECT),
        (2, "rate_of_change", Flag.SUSPECT),  # by 470 in an hour, up and down
        (3, "rate_of_change", Flag.SUSPECT),
    ]
    assert found == [Verdict(start + 60 * hour, 41, 6, test, flag) for hour, test, flag in expected]
    assert all(isinstance(one.flag, Flag) for one in found)


def test_verdicts_name_their_site_and_item() -> None:
    flags = np.zeros((2, 3, 4), np.int8)
    flags[1, 0, 3], flags[0, 2, 1] = Flag.SUSPECT, Flag.FAIL
    found = list(qc.verdicts({"spike": flags}, 1000, 240, [11, 12, 13, 14], [3, 6]))
    assert found == [Verdict(1720, 12, 3, "spike", Flag.FAIL), Verdict(1240, 14, 6, "spike", Flag.SUSPECT)]


# --- many sites, and plain loops ------------------------------------------------------------------------------------

STEPS = st.sampled_from([ABSENT, -30, -9, -1, 0, 1, 2, 3, 4, 5, 10, 30])  # few, so that runs and spikes are common
MARKS = st.sampled_from([Mark.NONE] * 6 + [Mark.CENSORED, Mark.FAULT])


@st.composite
def arrays(draw: st.DrawFn, items: int = 2) -> tuple[np.ndarray, np.ndarray]:
    shape = (items, draw(st.integers(1, 16)), draw(st.integers(1, 4)))
    found = draw(hnp.arrays(np.int32, shape, elements=STEPS)), draw(hnp.arrays(np.uint8, shape, elements=MARKS))
    run = draw(st.integers(1, 12))
    if draw(st.booleans()):
        found[0][0, :run, 0], found[1][0, :run, 0] = 3, Mark.NONE
    return found


WHOLE = [replace(PARAMETERS[name], decimals=0) for name in ("pm10", "pm25")]
LOW = {
    "flat_line": {"times": 4, "above": {"pm10": 2, "pm25": 0}},
    "spike": {"factor": "2.5", "by": {"pm10": 2, "pm25": 9}},
}


@given(arrays(), st.randoms(use_true_random=False))
def test_sites_are_independent(given_arrays: tuple[np.ndarray, np.ndarray], chance: Any) -> None:
    values, marks = given_arrays
    order = chance.sample(range(values.shape[2]), values.shape[2])
    straight = qc.check(values, marks, WHOLE, LOW)
    shuffled = qc.check(values[..., order], marks[..., order], WHOLE, LOW)
    for test, flags in straight.items():
        assert (flags[..., order] == shuffled[test]).all(), test
    alone = qc.check(values[..., :1], marks[..., :1], WHOLE, LOW)
    assert all((flags[..., :1] == alone[test]).all() for test, flags in straight.items())


def flat_by_hand(values: list[int], censored: list[bool], times: int, above: int) -> str:
    if len(values) < times:
        return "".join("." if value == ABSENT else "?" for value in values)
    found = ""
    for (value, below), run in groupby(zip(values, censored, strict=True)):
        length = len(list(run))
        if value == ABSENT:
            found += "." * length
        elif below:
            found += "?" * length
        else:
            found += ("s" if length >= times and value >= above else ".") * length
    return found


def spike_by_hand(values: list[int], factor: Fraction, by: int) -> str:
    found = ""
    for i, here in enumerate(values):
        around = [values[i - 1] if i > 0 else ABSENT, values[i + 1] if i + 1 < len(values) else ABSENT]
        if here == ABSENT:
            found += "."
        elif ABSENT in around:
            found += "?"
        else:
            high, low = max(around), min(around)
            up = here >= high + by and here >= factor * max(high, 0)
            down = here <= low - by and low >= factor * max(here, 0)
            found += "s" if up or down else "."
    return found


@settings(max_examples=300)
@given(arrays(), st.integers(2, 9), st.integers(0, 5))
def test_flat_line_agrees_with_a_plain_loop(
    given_arrays: tuple[np.ndarray, np.ndarray], times: int, above: int
) -> None:
    values, marks = given_arrays
    changes = {"flat_line": {"times": times, "above": {"pm10": above, "pm25": above}}}
    found = qc.check(values, marks, WHOLE, changes)["flat_line"]
    for item, site in np.ndindex(values.shape[0], values.shape[2]):
        censored = (marks[item, :, site] == Mark.CENSORED).tolist()
        expected = flat_by_hand(values[item, :, site].tolist(), censored, times, above)
        assert letters(found[item, :, site]) == expected


@settings(max_examples=300)
@given(arrays(), st.sampled_from(["1", "1.5", "2.5", "3", "10"]), st.integers(1, 9))
def test_spike_agrees_with_a_plain_loop(given_arrays: tuple[np.ndarray, np.ndarray], factor: str, by: int) -> None:
    values, marks = given_arrays
    changes = {"spike": {"factor": factor, "by": {"pm10": by, "pm25": by}}}
    found = qc.check(values, marks, WHOLE, changes)["spike"]
    for item, site in np.ndindex(values.shape[0], values.shape[2]):
        expected = spike_by_hand(values[item, :, site].tolist(), Fraction(factor), by)
        assert letters(found[item, :, site]) == expected


def test_the_largest_stored_numbers_do_not_overflow() -> None:
    top = 2**31 - 1
    values = np.array([[[0], [top], [0], [top], [-top], [top]]], np.int32)
    found = qc.check(values, np.zeros(values.shape, np.uint8), WHOLE[:1], LOW)["spike"]
    assert letters(found[0, :, 0]) == "?ssss?"
