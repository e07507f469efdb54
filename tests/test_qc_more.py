"""The further tests of quality control: each at, just below and just above its threshold, worked out by hand.

Series are written as in test_qc: values in the item's unit, `-` where none came, `<` before a detection limit; flags
one letter a reading: `.` good, `?` not evaluated, `s` suspect, `F` fail.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envmon import periods, qc
from envmon.model import ABSENT, POLLUTANTS, Flag, Maintenance, Mark, Verdict
from envmon.pipeline import quality
from envmon.rounding import scaled
from tests.test_qc import AIR, PARAMETERS, arrays, letters, noted, said

RECORDED = Path(__file__).parent / "recorded"


def at(text: str) -> int:
    return periods.minute(datetime.fromisoformat(text))


def frame(start: str = "2026-05-01T00:00", step: int = 60, sites: Sequence[str] = ("s",), **more: Any) -> qc.Frame:
    """Readings that begin after a time; the first ends one step later."""
    return qc.Frame(at(start), step, more.pop("span", step), sites, **more)


def of_items(test: str, series: dict[str, str], changes: dict[str, Any] | None = None, **where: Any) -> dict[str, str]:
    """What one test says of several items of one site."""
    parameters = [PARAMETERS[name] for name in series]
    values, marks = noted(parameters, *series.values())
    found = qc.check(values, marks, parameters, {test: changes or {}}, frame(**where))[test]
    return {name: letters(found[row, :, 0]) for row, name in enumerate(series)}


def of_sites(
    test: str, item: str, series: Sequence[str], changes: dict[str, Any] | None = None, **where: Any
) -> list[str]:
    """What one test says of one item at several sites."""
    pairs = zip(*(noted([PARAMETERS[item]], one) for one in series), strict=True)
    values, marks = (np.concatenate(one, axis=2) for one in pairs)
    names = [f"s{column}" for column in range(len(series))]
    found = qc.check(values, marks, [PARAMETERS[item]], {test: changes or {}}, frame(sites=names, **where))[test]
    return [letters(found[0, :, column]) for column in range(len(series))]


def reasons(test: str, series: dict[str, str], changes: dict[str, Any] | None = None, **where: Any) -> list[str]:
    """The distinct reasons one test gives, in Chinese."""
    parameters = [PARAMETERS[name] for name in series]
    values, marks = noted(parameters, *series.values())
    grid = qc.Grid(values, marks, parameters, frame(**where))
    chosen = {test: changes or {}}
    flags = {test: qc.check_grid(grid, chosen)[test]}
    tell = qc.teller(grid, qc.whole_settings(chosen))
    numbers = [one.number for one in parameters]
    found = qc.verdicts(flags, grid.frame.start or 0, grid.frame.step, [1], numbers, tell)
    return list(dict.fromkeys(quality.reason(one, "zh") for one in found))


# --- ranges of a season ---------------------------------------------------------------------------------------------


def test_no_range_is_set_unless_the_bureau_sets_one() -> None:
    assert said("climatology", "water_temp", "5 - 45") == "?.?"


RANGE = {"items": ["water_temp"], "low": "2", "high": "28"}


def test_a_range_includes_its_ends() -> None:
    series = {"water_temp": "1.9999 2 28 28.0001 -"}
    assert of_items("climatology", series, {"ranges": [RANGE]}) == {"water_temp": "s..s."}
    assert of_items("climatology", series, {"ranges": [{**RANGE, "low": None}]}) == {"water_temp": "...s."}
    assert of_items("climatology", series, {"ranges": [RANGE], "level": "fail"}) == {"water_temp": "F..F."}


def test_a_range_is_of_the_month_the_reading_lies_in() -> None:
    """The interval ending at midnight is the last of April (2026-05-01 00:00)."""
    changes = {"ranges": [{**RANGE, "months": [4]}]}
    assert of_items("climatology", {"water_temp": "1 1 1"}, changes, start="2026-04-30T22:00") == {"water_temp": "ss?"}


def test_a_range_is_of_some_sites_or_of_an_area_and_the_last_one_decides() -> None:
    series, areas = ["1", "1", "1"], ["a", "a", "b"]
    of_area = {"ranges": [{**RANGE, "sites": ["a"]}, {**RANGE, "sites": ["s1"], "low": "0"}]}
    assert of_sites("climatology", "water_temp", series, of_area, areas=areas) == ["s", ".", "?"]


# --- step -----------------------------------------------------------------------------------------------------------


def test_a_step_is_a_new_level_of_three_values() -> None:
    assert said("step", "pm25", "10 20 10 170 180 200 190") == "???s.??"  # 170 - 20 = 150
    assert said("step", "pm25", "10 20 10 169.999 180 200 190") == "???..??"
    assert said("step", "pm25", "170 180 170 20 10 20 10") == "???s.??"
    assert said("step", "pm25", "10 20 10 500 500 10 10") == "???..??"  # back after two hours
    assert said("step", "pm25", "10 20 10 500 500 500 10") == "???s.??"


def test_a_step_needs_six_values_in_a_row() -> None:
    assert said("step", "pm25", "10 10 10 500 500") == "?????"
    assert said("step", "pm25", "10 - 10 10 500 500 500") == "?.?????"
    assert said("step", "pm25", "10 10 10 500 - 500 500") == "????.??"
    assert said("step", "pm25", "10 10 10 9999 500 500 500") == "???????"  # 9999 is not possible: no level of PM2.5
    assert said("step", "conductivity", "1 1 1 9 9 9") == "??????"  # no threshold


# --- rate of change -------------------------------------------------------------------------------------------------


def test_a_rate_is_counted_by_the_hours_between_two_values() -> None:
    assert said("rate_of_change", "pm25", "10 160 10.001") == "?.."  # 150 an hour, and a little less
    assert said("rate_of_change", "pm25", "10 160.001 10") == "?ss"
    assert said("rate_of_change", "pm25", "10 - 310") == "?.."  # 150 an hour over two hours
    assert said("rate_of_change", "pm25", "10 - 310.001") == "?.s"


def test_a_rate_looks_back_six_hours() -> None:
    assert said("rate_of_change", "pm25", "10 - - - - - 911") == "?.....s"  # 901 in six hours: 150.17
    assert said("rate_of_change", "pm25", "10 - - - - - - 999") == "?......?"
    assert said("rate_of_change", "pm25", "10 - - 999", {"within": 2}) == "?..?"
    assert said("rate_of_change", "pm25", "10 - - 999", {"within": 3}) == "?..s"


def test_a_rate_of_water_by_its_four_hours() -> None:
    """pH by more than 0.5 an hour is more than 2 in four hours."""
    series = {"ph": "7 9 6.9999"}
    assert of_items("rate_of_change", series, step=240) == {"ph": "?.s"}


def test_impossible_values_take_no_part_in_a_rate() -> None:
    assert said("rate_of_change", "pm25", "30 9999 30 -999 30") == "??.?."


# --- repeated blocks ------------------------------------------------------------------------------------------------

DAY = "3 5 8 6 4 7 9 11 10 12 14 13 15 16 18 17 15 14 12 11 9 8 6 5"
OTHER = "4 6 9 7 5 8 10 12 11 13 15 14 16 17 19 18 16 15 13 12 10 9 7 6"


def test_a_day_that_was_copied() -> None:
    assert said("repeated_block", "pm25", f"{DAY} {DAY}") == "?" * 24 + "s" * 24
    assert said("repeated_block", "pm25", f"{DAY} {OTHER}") == "?" * 24 + "." * 24
    assert said("repeated_block", "pm25", f"{DAY} {DAY} {OTHER} {OTHER}") == "?" * 24 + "s" * 24 + "." * 24 + "s" * 24


def test_twelve_hours_in_one_day_make_a_block() -> None:
    same, other = DAY.split(), OTHER.split()
    eleven, twelve = other[:3] + same[3:14] + other[14:], other[:3] + same[3:15] + other[15:]
    assert said("repeated_block", "pm25", f"{DAY} {' '.join(eleven)}") == "?" * 24 + "." * 24
    assert said("repeated_block", "pm25", f"{DAY} {' '.join(twelve)}") == "?" * 24 + "..." + "s" * 12 + "." * 9
    gap = [*same[:6], "-", *same[7:17], *other[17:]]  # six and ten: a gap parts them
    assert said("repeated_block", "pm25", f"{DAY} {' '.join(gap)}") == "?" * 24 + "." * 24


def test_twenty_four_hours_copied_at_any_hour_show_in_one_of_two_days() -> None:
    """From 15:00 on the day before is repeated: ten hours of one day and fourteen of the next."""
    days = [DAY.split(), OTHER.split(), [str(int(one) + 7) for one in DAY.split()]]
    hours = [one for day in days for one in day]
    hours[24 + 14 : 48 + 14] = hours[14 : 24 + 14]
    found = said("repeated_block", "pm25", " ".join(hours))
    assert found == "?" * 24 + "." * 24 + "s" * 14 + "." * 10


def test_what_stands_still_is_a_flat_line_and_no_block() -> None:
    """The hour before the block counts: 3, then 4 3 4 3 4 3 are six changes; two of them less are too few."""
    six, four = ("4 3 " * pairs + "3 " * (24 - 2 * pairs) for pairs in (3, 2))
    assert said("repeated_block", "pm25", f"{six} {six}") == "?" * 24 + "s" * 12 + "." * 12
    assert said("repeated_block", "pm25", f"{four} {four}") == "?" * 24 + "." * 24


def test_blocks_are_of_readings_at_the_same_hours_every_day() -> None:
    two = f"{DAY} {DAY}"
    assert of_items("repeated_block", {"pm25": two}, start="2026-05-01T05:00") == {"pm25": "?" * 48}
    four_hourly = "1 2 3 4 5 6 1 2 3 4 5 6"
    assert of_items("repeated_block", {"nh3n": four_hourly}, step=240) == {"nh3n": "?" * 12}  # six a day are too few
    changes = {"times": 6, "changes": 5}
    assert of_items("repeated_block", {"nh3n": four_hourly}, changes, step=240) == {"nh3n": "?" * 6 + "s" * 6}


# --- a feed that stands still ---------------------------------------------------------------------------------------


def test_all_items_together_for_six_hours() -> None:
    still = {"so2": "5 " * 6 + "5", "no2": "8 " * 6 + "8", "o3": "60 " * 6 + "61", "pm25": "9 " * 6 + "9"}
    assert of_items("stale_feed", still) == dict.fromkeys(still, "s" * 6 + ".")
    assert of_items("stale_feed", still | {"o3": "60 60 60 61 61 61 61"}) == dict.fromkeys(still, "." * 7)
    three = {name: still[name] for name in ("so2", "no2", "o3")}
    assert of_items("stale_feed", three) == dict.fromkeys(three, "?" * 7)
    assert of_items("stale_feed", three, {"items": 3}) == dict.fromkeys(three, "s" * 6 + ".")


def test_an_item_that_comes_or_goes_ends_the_standing_still() -> None:
    series = {"so2": "5 " * 7, "no2": "8 " * 7, "o3": "60 " * 7, "pm25": "9 " * 7, "co": "- 1 1 1 1 1 1"}
    expected = dict.fromkeys(series, ".ssssss")
    assert of_items("stale_feed", series) == expected
    series["co"] = "- - - 1 1 1 1"
    assert set(of_items("stale_feed", series).values()) == {"." * 7}


def test_the_station_that_stood_still_in_2020() -> None:
    """梁家巷, Chengdu, 2020-04-07: pm25.in showed 50, 89, 0.8, 37, 80 all day; its neighbour went on."""
    columns = {"no2": "NO2", "co": "CO", "o3": "O3_1h", "pm10": "PM10", "pm25": "PM2.5"}
    with (RECORDED / "stations/chengdu_20200407.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["WatchPoint"], int(row["Hour"])): row for row in csv.DictReader(file)}
    hours = range(9, 22)  # the crawler slept before
    found = {}
    for station in ("梁家巷", "金泉两河"):
        series = {
            item: " ".join(rows[station, hour][name] if (station, hour) in rows else "-" for hour in hours)
            for item, name in columns.items()
        }
        found[station] = of_items("stale_feed", series)
    assert set(found["梁家巷"].values()) == {"s" * len(hours)}
    assert set("".join(found["金泉两河"].values())) <= {".", "?"}


# --- parts and wholes -----------------------------------------------------------------------------------------------


def test_ammonia_is_part_of_total_nitrogen() -> None:
    series = {"nh3n": "0.5 0.5 0.5001 - <0.6 0.6", "tn": "0.6 0.5 0.5 1 0.5 <0.5"}
    assert of_items("nitrogen_order", series) == {"nh3n": "..s.?s", "tn": "..s??s"}


def test_nitrogen_oxides_weigh_more_than_their_parts() -> None:
    """NOx is kept in finer steps than NO2 and NO: 40.0001 against 40.000."""
    series = {"no2": "40 40.001 40 -", "no": "- - 41 5", "nox": "40 40.0001 40 9"}
    assert of_items("nox_order", series) == {"no2": ".s..", "no": "..s.", "nox": ".ss."}


# --- neighbours -----------------------------------------------------------------------------------------------------


def test_a_station_unlike_the_others_of_its_area() -> None:
    """PM2.5, by 150 and three times: the others have the median 75 (70, 75, 80), and 225 is three times that."""
    others, peers = ["70", "75", "80"], ["a"] * 4
    assert of_sites("neighbours", "pm25", ["225", *others], peers=peers) == ["s", ".", ".", "."]
    assert of_sites("neighbours", "pm25", ["224.999", *others], peers=peers) == [".", ".", ".", "."]
    assert of_sites("neighbours", "pm25", ["225", "100", "75", "80"], peers=peers) == [".", ".", ".", "."]  # 145 apart
    assert of_sites("neighbours", "pm25", ["10", "160", "170", "160"], peers=peers) == ["s", ".", ".", "."]


def test_the_median_of_an_even_number_lies_between_the_middle_two() -> None:
    """Of 10, 20, 31 and 40 it is 25.5: 175.5 is 150 away."""
    others = ["10", "31", "20", "40"]
    for value, expected in (("175.5", "s"), ("175.499", ".")):
        assert of_sites("neighbours", "pm25", [value, *others], peers=["a"] * 5)[0] == expected


def test_three_neighbours_are_needed_and_only_of_the_same_area() -> None:
    series = ["900", "70", "75", "80"]
    assert of_sites("neighbours", "pm25", series, peers=["a", "a", "a", "b"]) == ["?"] * 4
    assert of_sites("neighbours", "pm25", series, peers=["", "", "", ""]) == ["?"] * 4  # cities have no neighbours
    assert of_sites("neighbours", "pm25", ["900", "70", "75", "-"], peers=["a"] * 4) == ["?", "?", "?", "."]
    assert of_sites("neighbours", "pm25", series, {"least": 4}, peers=["a"] * 4) == ["?"] * 4
    assert of_sites("neighbours", "pm25", series) == ["?"] * 4  # nobody is to be compared with


@settings(max_examples=100)
@given(st.lists(st.sampled_from([ABSENT, 0, 1, 2, 3, 5, 9]), min_size=2, max_size=7), st.integers(1, 4))
def test_neighbours_agree_with_plain_medians(values: list[int], least: int) -> None:
    """Two areas side by side, the second one turned around; by 2 steps and two times."""
    changes = {"neighbours": {"least": least, "factor": 2, "by": {"pm25": "0.002"}}}
    count = len(values)
    both = np.array([[[*values, *values[::-1]]]], np.int32)
    names = [f"s{i}" for i in range(2 * count)]
    where = frame(sites=names, peers=["a"] * count + ["b"] * count)
    found = qc.check(both, np.zeros(both.shape, np.int8), [PARAMETERS["pm25"]], changes, where)["neighbours"]
    expected = ""
    for i, value in enumerate(values):
        others = [one for j, one in enumerate(values) if j != i and one != ABSENT]
        if value == ABSENT or len(others) < least:
            expected += "." if value == ABSENT else "?"
        else:
            high, low = max(value, median(others)), min(value, median(others))
            expected += "s" if high - low >= 2 and high >= 2 * low else "."
    assert letters(found[0, 0]) == expected + expected[::-1]


# --- the same hour of earlier days ----------------------------------------------------------------------------------


def history(values: Sequence[str], hours: int = 24) -> str:
    """One value a day, at its first hour."""
    return " ".join(" ".join([value, *["-"] * (hours - 1)]) for value in values)


def test_an_hour_unlike_the_same_hour_of_ten_days() -> None:
    """Median of 20..29 (ten days): the lower middle one, 24; distances 0 1 1 2 2 3 3 4 4 5: 2. Eight times 2 is 16."""
    past = [str(20 + one) for one in range(10)]
    on = {"off": False, "by": {"pm25": "10"}}
    for value, expected in (("40", "."), ("40.001", "s"), ("8", "."), ("7.999", "s")):
        assert said("same_hour", "pm25", history([*past, value]), on)[240] == expected
    assert said("same_hour", "pm25", history([*past[:9], "999"]), on)[216] == "?"  # nine days are too few
    assert said("same_hour", "pm25", history([*past, "173"]), {"off": False})[240] == "."  # by less than 150
    assert said("same_hour", "pm25", history([*past, "174"]), {"off": False})[240] == "s"
    assert set(said("same_hour", "pm25", history([*past, "999"]))) == {"?", "."}  # off


def test_history_ends_after_so_many_days() -> None:
    """Of three days before: 10, 10, 10; the day before those does not count, nor does the day after."""
    on = {"off": False, "by": {"pm25": "5"}, "days": 3, "least": 3}
    assert said("same_hour", "pm25", history(["90", "10", "10", "10", "90", "10"]), on)[96] == "s"
    assert said("same_hour", "pm25", history(["10", "10", "10", "10"]), on | {"least": 4})[72] == "?"
    assert of_items("same_hour", {"pm25": "1 2 3"}, on, step=77) == {"pm25": "???"}


# --- maintenance and times ------------------------------------------------------------------------------------------


def test_maintenance_covers_every_hour_it_touches() -> None:
    """From 01:30 to 03:00: the hours ending 02:00 and 03:00; to 03:01 that ending 04:00 as well."""
    for last, expected in (("03:00", ".FF.."), ("03:01", ".FFF."), ("01:59", ".F...")):
        windows = [Maintenance("s", at("2026-05-01T01:30"), at(f"2026-05-01T{last}"))]
        assert of_items("maintenance", {"pm25": "5 5 5 5 5"}, windows=windows) == {"pm25": expected}


def test_maintenance_is_of_its_site_or_area_and_items() -> None:
    begin, end = at("2026-05-01T00:00"), at("2026-05-01T01:00")
    of = {"s1": ["s1"], "a": ["s0", "s1"], "x": []}
    for name, hit in of.items():
        windows = [Maintenance(name, begin, end)]
        found = of_sites("maintenance", "pm25", ["5", "5", "5"], areas=["a", "a", "b"], windows=windows)
        assert [f"s{i}" for i, flags in enumerate(found) if flags == "F"] == hit
    windows = [Maintenance("s", begin, end, ("o3",))]
    assert of_items("maintenance", {"pm25": "5", "o3": "5"}, windows=windows) == {"pm25": ".", "o3": "F"}
    assert of_items("maintenance", {"pm25": "-"}, windows=[Maintenance("s", begin, end)]) == {"pm25": "."}


def test_a_sample_is_in_maintenance_at_its_own_minute_only() -> None:
    windows = [Maintenance("s", at("2026-05-01T05:00"), at("2026-05-01T08:00"))]
    found = of_items("maintenance", {"ph": "7 7 7"}, step=240, span=0, windows=windows)  # at 04:00, 08:00, 12:00
    assert found == {"ph": ".F."}


def test_values_below_detection_are_information() -> None:
    assert said("below_detection", "nh3n", "<0.02 0.02 -") == "?.."


NOON = at("2026-05-01T12:00")


@pytest.mark.parametrize(
    ("ending", "stream", "kind"),
    [
        (NOON, 1, None),
        (NOON + 60, 1, "ahead"),  # an hour that has not ended
        (NOON + 10, 3, None),  # a sample: ten minutes of grace
        (NOON + 11, 3, "ahead"),
        (NOON - 30, 1, "between"),
        (NOON - 60, 2, "between"),  # 11:00 is no end of four hours
        (at("2026-05-01T00:00"), 4, None),
        (at("2026-05-01T08:00"), 4, "between"),  # midnight in Greenwich is no end of a day in Beijing
    ],
)
def test_times_that_cannot_be(ending: int, stream: int, kind: str | None) -> None:
    spans = {1: 60, 2: 240, 3: 0, 4: 1440}
    found = qc.clock_errors([(ending, 7, 6, stream, 5000, 0)], NOON, spans, "a.csv", {})
    assert [(one.test, one.flag, (qc.facts_of(one.detail) or {})["kind"]) for one in found] == (
        [] if kind is None else [("clock_error", Flag.SUSPECT, kind)]
    )
    assert qc.clock_errors([(ending, 7, 6, stream, 5000, 0)], NOON, spans, "a.csv", {"off": True}) == []


# --- reasons --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "series", "expected"),
    [
        ("pm_order", {"pm25": "80", "pm10": "75"}, ["PM2.5 80 高于 PM10 75"]),
        ("flat_line", {"pm25": "31 " * 8}, ["连续 8 小时以上为 31，未变化"]),
        ("negative", {"so2": "-0.5"}, ["-0.5 小于 0"]),
        ("out_of_range", {"pm25": "5000.001"}, ["5000.001 高于可能的最大值 5000"]),
        ("spike", {"pm25": "10 500 12"}, ["500，而前一个值 10、后一个值 12"]),
        ("step", {"pm25": "10 20 10 170 180 200"}, ["由此 3 个值不低于 170，之前 3 个值不高于 20，相差 150 以上"]),
        ("rate_of_change", {"pm25": "10 - - 500"}, ["3 小时内由 10 变为 500，每小时超过 150"]),
        (
            "stale_feed",
            {"so2": "5 " * 6, "no2": "8 " * 6, "o3": "60 " * 6, "pm25": "9 " * 6},
            [f"全部 4 项连续 6 小时以上一起不变（本项 {value}）" for value in (5, 8, 60, 9)],
        ),
        ("nitrogen_order", {"nh3n": "0.6", "tn": "0.5"}, ["氨氮 0.6 高于 总氮 0.5"]),
        ("nox_order", {"no2": "1", "no": "9", "nox": "8"}, ["NO 9 高于 NOx 8"]),
    ],
)
def test_reasons_say_the_numbers(test: str, series: dict[str, str], expected: list[str]) -> None:
    assert reasons(test, series) == expected


def test_reasons_of_what_the_bureau_sets() -> None:
    ranges = {"ranges": [{**RANGE, "months": [5]}]}
    assert reasons("climatology", {"water_temp": "1.5 30"}, ranges) == [
        "1.5 低于 5 月常见的下限 2",
        "30 高于 5 月常见的上限 28",
    ]
    windows = [Maintenance("s", at("2026-05-01T00:00"), at("2026-05-01T01:00"), (), "换滤膜")]
    told = reasons("maintenance", {"pm25": "5"}, windows=windows)
    assert told == ["2026-05-01 00:00 至 2026-05-01 01:00 维护：换滤膜"]


def test_every_flag_of_every_test_has_a_reason_in_both_languages() -> None:
    """One grid on which every array test but `missing` finds something."""
    day = [int(one) for one in DAY.split()]
    items = ["so2", "no2", "co", "o3", "pm10", "pm25", "nh3n", "tn", "nox", "water_temp"]
    parameters = [PARAMETERS[name] for name in items]
    values = np.full((len(items), 24 * 12, 5), ABSENT, np.int64)
    values[5] = np.array(day * 12)[:, None] * 1000
    values[5, 24:48, 0] = np.array([one + 90 for one in day]) * 1000  # only of the first station: its neighbours stay
    values[5, 120, 0], values[5, 130, 1], values[5, 140:144, 2] = 900_000, -1000, 400_000
    values[4, 5, 0], values[6, 5, 0], values[7, 5, 0], values[9, 5, 0] = 1, 20_000, 1, 600_000
    values[1, 5, 0], values[8, 5, 0] = 9000, 10
    values[:4, 200:210], values[5, 200:210], values[5, 250, 0] = 50_000, 50_000, 900_000
    marks = np.zeros(values.shape, np.int8)
    marks[5, 7, 3] = Mark.FAULT
    windows = [Maintenance("s4", at("2026-05-01T00:00"), at("2026-05-01T03:00"), ("pm25",))]
    where = frame(sites=[f"s{i}" for i in range(5)], peers=["a"] * 5, windows=windows)
    chosen: dict[str, Any] = {"same_hour": {"off": False}, "climatology": {"ranges": [RANGE]}}
    grid = qc.Grid(values, marks, parameters, where)
    flags = qc.check_grid(grid, chosen)
    found = set()
    for one in qc.verdicts(
        flags, at("2026-05-01T00:00"), 60, range(5), range(10), qc.teller(grid, qc.whole_settings(chosen))
    ):
        for lang in ("zh", "en"):
            assert bool(quality.reason(one, lang)) == (one.test != "missing")
        found.add(one.test)
    assert found == set(qc.TESTS) - set(qc.AT_ENTRY) - {"below_detection"}


def test_verdicts_of_earlier_programs_have_no_facts() -> None:
    assert quality.reason(Verdict(0, 1, 6, "spike", Flag.SUSPECT), "zh") == ""
    told = quality.reason(Verdict(0, 1, 6, "duplicate", Flag.SUSPECT, "a.csv"), "zh")
    assert told == "同一份数据（a.csv）给出两个不同的值"


# --- whatever the order ---------------------------------------------------------------------------------------------

ON: dict[str, Any] = {
    "same_hour": {"off": False, "days": 2, "least": 1, "by": {"pm10": "0.002", "pm25": "0.002"}},
    "neighbours": {"least": 1, "factor": 2, "by": {"pm10": "0.002", "pm25": "0.002"}},
    "step": {"times": 2, "by": {"pm10": "0.002", "pm25": "0.002"}},
    "rate_of_change": {"within": 3, "by": {"pm10": "0.002", "pm25": "0.002"}},
    "repeated_block": {"times": 2, "changes": 1},
    "stale_feed": {"times": 2, "items": 1},
    "flat_line": {"times": 2},
}
PAIR = [PARAMETERS["pm10"], PARAMETERS["pm25"]]


@settings(max_examples=60)
@given(arrays(), st.randoms(use_true_random=False), st.lists(st.sampled_from("ab"), min_size=4, max_size=4))
def test_the_order_of_sites_says_nothing(
    given_arrays: tuple[np.ndarray, np.ndarray], chance: Any, areas: list[str]
) -> None:
    values, marks = given_arrays
    count = values.shape[2]
    order = chance.sample(range(count), count)
    names, areas = [f"s{i}" for i in range(count)], areas[:count]
    straight = qc.check(values, marks, PAIR, ON, frame(step=360, sites=names, peers=areas))
    moved = frame(step=360, sites=[names[i] for i in order], peers=[areas[i] for i in order])
    shuffled = qc.check(values[..., order], marks[..., order], PAIR, ON, moved)
    for test, flags in straight.items():
        assert (flags[..., order] == shuffled[test]).all(), test


@settings(max_examples=60)
@given(st.lists(st.sampled_from([ABSENT, 1, 2, 3, 3, 9]), min_size=24 * 9, max_size=24 * 9), st.integers(0, 4))
def test_a_day_with_those_that_qc_looks_at_says_what_all_days_say(hours: list[int], day: int) -> None:
    """Days are checked one by one with as many beside them as `reach` says: what is flagged, and why, is the same."""
    before, after, _ = qc.reach(ON)
    values = np.array([hours, hours[::-1]], np.int32)[..., None]
    marks = np.zeros(values.shape, np.int8)
    first, last = 24 * (day + 2), 24 * (day + 3)
    part = slice(first - 24 * before, last + 24 * after)

    def said_of(own: slice, keep: slice) -> list[Verdict]:
        start = at("2026-05-01T00:00") + 60 * own.start
        grid = qc.Grid(values[:, own], marks[:, own], PAIR, qc.Frame(start, 60, 60, ["s"]))
        found = quality.Checked(grid, qc.check_grid(grid, ON), qc.teller(grid, qc.whole_settings(ON)))
        return list(found.verdicts([1], keep))

    whole = said_of(slice(0, values.shape[1]), slice(first, last))
    alone = said_of(part, slice(24 * before, 24 * before + 24))
    assert whole == alone


def test_how_far_the_tests_look() -> None:
    assert qc.reach({}) == (1, 1, False)
    assert qc.reach({"same_hour": {"off": False}}) == (14, 1, False)
    assert qc.reach({"flat_line": {"times": 26}}) == (2, 2, False)
    looking = ("flat_line", "spike", "step", "rate_of_change", "repeated_block", "stale_feed")
    off = {name: {"off": True} for name in looking}
    assert qc.reach(off) == (0, 0, False)
    assert qc.reach({"step": {"level": "fail"}}) == (1, 1, True)


def test_a_test_that_cannot_run_says_so_of_every_reading() -> None:
    """One reading of one site: nothing beside it to compare it with."""
    values, marks = noted(AIR, *["30"] * 6)
    found = qc.check(values, marks, AIR, {})
    cannot = {name for name, flags in found.items() if (flags == Flag.NOT_EVALUATED).all()}
    needs_more = {"flat_line", "spike", "step", "rate_of_change", "repeated_block", "stale_feed", "same_hour"}
    assert cannot == needs_more | {"climatology", "neighbours"}
    assert list(found) == [name for name in qc.TESTS if name not in qc.AT_ENTRY]
    assert scaled("30", AIR[0].decimals) == 30_000
    assert len(POLLUTANTS) == 6


def test_the_page_about_qc_has_a_row_for_every_test() -> None:
    page = (Path(__file__).parents[1] / "docs/qc.md").read_text("utf-8")
    assert [name for name in qc.TESTS if f"\n| `{name}` | " not in page] == []
