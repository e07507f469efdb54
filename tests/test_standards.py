"""The standards files: every number against a second transcription, what is in force when, every mistake refused."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from envmon import periods, standards
from envmon.errors import NotInForce, StandardsError, UsageError
from envmon.model import NO_VALUE, POLLUTANTS, Direction, Medium, WaterClass, WaterItem
from envmon.rounding import printed, scaled
from envmon.standards import load

WORKED = Path(__file__).parent / "worked"
UNITS = {"ug/m3": "µg/m³", "mg/m3": "mg/m³", "无量纲": ""}
DAY = periods.number(date(2026, 6, 1))
CHANGE = periods.number(date(2026, 3, 1))
FINAL = periods.number(date(2031, 1, 1))
START = periods.number(date(2013, 1, 1))


def typed(name: str) -> list[dict[str, str]]:
    with (WORKED / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --- numbers as printed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", typed("gb3095_limits.csv"), ids=lambda row: f"{row['item']}-{row['average']}")
@pytest.mark.parametrize(
    ("stage", "day"), [("2012", START), ("2012", CHANGE - 1), ("transitional", CHANGE), ("final", FINAL)]
)
def test_air_limits_are_the_printed_ones(row: dict[str, str], stage: str, day: int) -> None:
    phase = standards.air(day).limits
    decimals = phase.decimals[row["item"]]
    assert standards.parameters()[row["item"]].unit == UNITS[row["unit"]]
    for grade, mark in ((1, "I"), (2, "II")):
        assert phase.limits[row["item"], row["average"], grade] == scaled(row[f"{stage} {mark}"], decimals)


@pytest.mark.parametrize("day", [START, CHANGE, FINAL])
def test_there_are_no_other_limits_of_the_six(day: int) -> None:
    expected = {(row["item"], row["average"], grade) for row in typed("gb3095_limits.csv") for grade in (1, 2)}
    assert {key for key in standards.air(day).limits.limits if key[0] in POLLUTANTS} == expected


def of_row(row: dict[str, str], item: WaterItem, classes: Sequence[str], finer: int = 0) -> tuple[int | None, ...]:
    return tuple(scaled(row[name], item.decimals - finer) if row[name] else None for name in classes)


@pytest.mark.parametrize("row", typed("gb3838_limits.csv"), ids=lambda row: row["id"] + row["body"])
def test_surface_water_limits_are_the_printed_ones(row: dict[str, str]) -> None:
    item = standards.water(DAY).items[row["id"]]
    assert item.unit == UNITS.get(row["unit"], row["unit"])
    if row["id"] == "ph":
        assert item.direction is Direction.BETWEEN
        assert (item.low, item.limits) == ((6 * 10**item.decimals,) * 5, (9 * 10**item.decimals,) * 5)
        return
    assert item.direction is (Direction.AT_LEAST if row["id"] == "do" else Direction.AT_MOST)
    bounds = of_row(row, item, ("I", "II", "III", "IV", "V"))
    if item.table > 1:  # the transcription writes a single limit under I
        bounds = (None, None, bounds[0], None, None)
    assert (item.lake if row["body"] else item.limits) == bounds


def test_surface_water_has_every_item_of_the_three_tables() -> None:
    items = standards.water(DAY).items.values()
    assert [sum(item.table == table for item in items) for table in (1, 2, 3)] == [24, 5, 80]
    assert {item.id for item in items if item.table} == {row["id"] for row in typed("gb3838_limits.csv")} | {
        "water_temp"
    }
    assert [item.id for item in items if item.lake] == ["tp"]
    assert [item.id for item in items if item.lake_only] == ["tn"]


@pytest.mark.parametrize("row", typed("gbt14848_limits.csv"), ids=lambda row: row["id"])
def test_groundwater_limits_are_the_printed_ones(row: dict[str, str]) -> None:
    item = standards.groundwater(DAY).items[row["id"]]
    classes = ("I", "II", "III", "IV")
    if row["I"] == "无":
        assert item.direction is Direction.PRESENT
        return
    if row["id"] == "ph":
        assert item.low == tuple(scaled(text, item.decimals) for text in ("6.5", "6.5", "6.5", "5.5"))
        assert item.limits == tuple(scaled(text, item.decimals) for text in ("8.5", "8.5", "8.5", "9"))
        return
    micro = row["unit"] == "μg/L"
    assert item.unit == "mg/L" or not micro
    # No bound of its own: "not detected" (class I), and class IV as all that is beyond class III.
    row = {key: "" if key in classes and (text.startswith((">", "not"))) else text for key, text in row.items()}
    found = of_row(row, item, classes, 3 if micro else 0)
    assert item.direction is Direction.AT_MOST
    assert item.limits + (None,) * (4 - len(item.limits)) == found


def test_organic_groundwater_limits_are_in_the_unit_of_the_readings() -> None:
    benzene = standards.groundwater(DAY).items["benzene"]  # 10 µg/L in class III
    assert benzene.limits[2] == scaled("0.010", benzene.decimals)
    assert benzene.limits[2] == standards.water(DAY).items["benzene"].limits[2]  # 0.01 mg/L in GB 3838


def test_indices_differ_where_the_editions_do() -> None:
    old, new = (standards.index_edition(name) for name in standards.index_editions())
    assert (old.exceeding_above, new.exceeding_above) == (100, None)
    assert (old.missing_blocks_up_to, new.missing_blocks_up_to) == (None, 100)
    assert {edition.primary_above for edition in (old, new)} == {50}
    assert {edition.top for edition in (old, new)} == {500}
    differing = [name for name, column in old.columns.items() if column.points != new.columns[name].points]
    assert differing == ["pm10_24h", "pm25_24h"]
    assert [edition.columns["so2_1h"].beyond for edition in (old, new)] == ["so2_24h", 200]
    assert [edition.columns["o3_8h"].beyond for edition in (old, new)] == ["o3_1h", 300]
    assert [column.decimals for column in new.columns.values() if column.name[:2] == "co"] == [1, 1]
    assert {column.decimals for column in new.columns.values() if column.name[:2] != "co"} == {0}
    for edition in (old, new):
        assert edition.daily["o3"] == "o3_8h"
        assert (edition.hourly["o3"], edition.hourly["pm10"], edition.hourly["so2"]) == ("o3_1h", "pm10_24h", "so2_1h")


def test_levels_are_those_of_the_print() -> None:
    for name in standards.index_editions():
        levels = standards.index_edition(name).levels
        found = [(level.number, level.name, level.at_most, level.good, level.rgb) for level in levels]
        assert found == [
            (1, "优", 50, True, (0, 228, 0)),
            (2, "良", 100, True, (255, 255, 0)),
            (3, "轻度污染", 150, False, (255, 126, 0)),
            (4, "中度污染", 200, False, (255, 0, 0)),
            (5, "重度污染", 300, False, (153, 0, 76)),
            (6, "严重污染", 500, False, (126, 0, 35)),
        ]
        assert standards.good_up_to(name) == 100


def test_validity_is_that_of_gb_3095_table_4() -> None:
    for day in (START, CHANGE):
        rule = standards.air(day).validity
        assert [rule.hour_minutes[item] for item in ("so2", "no2", "co", "o3")] == [45] * 4
        assert (rule.day_hours, rule.window_hours, rule.window_least, rule.first_window) == (20, 8, 6, 8)
        assert (rule.windows, rule.month_days, rule.february_days, rule.year_days) == (14, 27, 25, 324)
        assert rule.station_share == (75, 50)


# --- what is in force ---------------------------------------------------------------------------------------------

OLD = "HJ 633-2012 · GB 3095-2012 single · HJ 663-2013"
TRANSITIONAL = "HJ 633-2026 · GB 3095-2026 transitional · HJ 663-2026"
LATER = "HJ 633-2026 · GB 3095-2026 final · HJ 663-2026"


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (START, OLD),
        (CHANGE - 1, OLD),
        (CHANGE, TRANSITIONAL),
        (FINAL - 1, TRANSITIONAL),
        (FINAL, LATER),
        (FINAL + 20000, LATER),
    ],
)
def test_air_by_date(day: int, name: str) -> None:
    assert standards.air(day).name == name


def test_a_forced_edition_brings_the_limits_of_its_time() -> None:
    assert standards.air(CHANGE + 5, "2012").name == OLD
    assert standards.air(CHANGE - 400, "2026").name == TRANSITIONAL
    assert standards.air(FINAL, "HJ 633-2012").name == OLD
    assert standards.air(START - 400, "HJ 633-2012").name == OLD  # a comparison, not a claim that it was in force


@pytest.mark.parametrize("choice", ["2026", "HJ 633-2026", "hj633-2026", "HJ633-2026", "hj 633-2026"])
def test_choices_are_understood_loosely(choice: str) -> None:
    assert standards.air(START, choice).index.id == "HJ 633-2026"
    assert standards.index_edition(choice).id == "HJ 633-2026"


def test_every_choice_that_is_offered_is_taken() -> None:
    assert set(standards.choices()) >= {"by-date", "HJ 633-2012", "HJ 633-2026"}
    for choice in standards.choices():
        assert standards.air(DAY, choice).limits.limits


def test_an_unknown_choice_names_the_likeliest() -> None:
    with pytest.raises(UsageError, match=r"HJ 633-2021.*HJ 633-2012.*did you mean HJ 633-20"):
        standards.air(DAY, "HJ 633-2021")
    with pytest.raises(UsageError, match="by-date"):
        standards.air(DAY, "by-dat")
    with pytest.raises(UsageError, match="HJ 633-2026"):
        standards.index_edition("by-date")


def test_before_the_first_edition_nothing_is_in_force() -> None:
    with pytest.raises(NotInForce, match="2012-12-31"):
        standards.air(START - 1)
    with pytest.raises(NotInForce, match="2018-04-30"):
        standards.groundwater(periods.number(date(2018, 4, 30)))
    with pytest.raises(NotInForce, match="2002-05-31"):
        standards.water(periods.number(date(2002, 5, 31)))
    assert standards.groundwater(periods.number(date(2018, 5, 1))).edition == "GB/T 14848-2017"


def test_the_list_names_every_document_and_its_days() -> None:
    rows = standards.editions()
    assert {row.file for row in rows} == {path.name for path in load.FOLDER.glob("*.toml")} - {"parameters.toml"}
    assert len(rows) == len({(row.id, row.phase) for row in rows}) == 13
    phases = [(row.phase, row.first, row.last) for row in rows if row.id == "GB 3095-2026"]
    assert phases == [("transitional", CHANGE, FINAL - 1), ("final", FINAL, None)]
    for row in rows:
        assert row.title
        assert row.unconfirmed == (load.FOLDER / row.file).read_text("utf-8").count("# unconfirmed")


# --- parameters ---------------------------------------------------------------------------------------------------


def test_parameter_numbers_never_change() -> None:
    """They are in every database: a number that moves makes old readings those of another item."""
    found = {name: standards.parameters()[name].number for name in (*POLLUTANTS, "published_aqi", "published_class")}
    assert list(found.values()) == [1, 2, 3, 4, 5, 6, 7, 100]
    fixed = {"water_temp": 101, "ph": 102, "do": 103, "codmn": 104, "nh3n": 107, "tp": 108, "tn": 109, "thallium": 209}
    fixed |= {"conductivity": 210, "turbidity": 211, "sd": 212, "chla": 213, "algae_density": 214, "gross_beta": 244}
    assert {name: standards.parameters()[name].number for name in fixed} == fixed
    assert {number: one.number for number, one in standards.parameter_numbers().items()} == {
        one.number: one.number for one in standards.parameters().values()
    }


def test_readings_are_stored_finer_than_the_limits() -> None:
    known = standards.parameters()
    for regime in (standards.water(DAY), standards.groundwater(DAY)):
        for item in regime.items.values():
            assert (item.decimals, item.unit) == (known[item.id].decimals, known[item.id].unit)
            assert known[item.id].medium is Medium.WATER
            if item.unit not in ("个/L", "cells/L"):  # whole counts have no fraction
                assert item.decimals >= 4, item.id
            for bound in (*item.limits, *item.lake, *item.low):
                assert bound is None or bound % 100 == 0, item.id  # two digits to spare
            assert item.round_to is None or item.round_to <= item.decimals
    assert [known[name].decimals for name in POLLUTANTS] == [3] * 6
    assert known["published_aqi"].decimals == known["published_class"].decimals == 0


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        # detection limits [mg/L] laboratories print: HJ 700-2014 (metals), HJ 639-2012, HJ 587-2010, HJ 478-2009
        ("copper", "0.00008"),
        ("zinc", "0.00067"),
        ("manganese", "0.00012"),
        ("nickel", "0.00006"),
        ("cobalt", "0.00003"),
        ("thallium", "0.00002"),
        ("lead", "0.00009"),
        ("cadmium", "0.00005"),
        ("atrazine", "0.00008"),
        ("benzo_a_pyrene", "0.0000004"),
        ("nh3n", "0.025"),
        ("tp", "0.01"),
    ],
)
def test_a_detection_limit_is_stored_as_printed(name: str, limit: str) -> None:
    one = standards.parameters()[name]
    assert printed(scaled(limit, one.decimals), one.decimals).rstrip("0") == limit


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("ph", ["0", "7.35", "14"], ["14.1"]),
        ("do", ["0", "25", "50"], ["50.1"]),
        ("water_temp", ["-4", "0", "45"], ["-5.1", "50.1"]),
        ("pm25", ["0", "1500"], ["5001", "-1"]),
        ("pm10", ["9985"], ["10001"]),
        ("co", ["0.1", "150"], ["201"]),
    ],
)
def test_what_can_be_is_not_refused(name: str, inside: list[str], outside: list[str]) -> None:
    one = standards.parameters()[name]
    assert one.low is not None
    assert one.high is not None
    assert all(one.low <= scaled(text, one.decimals) <= one.high for text in inside)
    assert not any(one.low <= scaled(text, one.decimals) <= one.high for text in outside)


def test_no_value_is_no_possible_limit() -> None:
    for day in (START, CHANGE, FINAL):
        assert NO_VALUE not in standards.air(day).limits.limits.values()


# --- item sets ----------------------------------------------------------------------------------------------------


def test_sets_hold_as_many_items_as_their_names_say() -> None:
    sets = standards.water(DAY).sets
    assert len(sets["section_21"].items) == 21
    assert set(sets["section_21"].reference) == {"water_temp", "tn", "fecal_coliform"}
    # 61 items are monitored: 58 of them decide, three are only reported; COD is measured by some (62)
    routine = sets["source_surface_61"]
    assert len(routine.items) + len(routine.reference) == 61
    assert routine.optional == ("cod",)
    full = sets["source_surface_109"]
    assert len(full.items) + len(full.reference) == 109
    assert set(routine.items) < set(full.items)
    assert len(standards.groundwater(DAY).sets["source_groundwater_39"].items) == 39


def test_an_automatic_station_has_a_class_without_total_phosphorus_but_not_without_the_others() -> None:
    auto = standards.water(DAY).sets["auto_5"]
    assert auto.items == auto.required == ("ph", "do", "codmn", "nh3n")
    assert auto.optional == ("tp",)
    assert "tn" in auto.reference


def test_main_indicators_as_the_method_asks() -> None:
    regime = standards.water(DAY)
    assert (regime.edition, regime.method, regime.max_main) == ("GB 3838-2002", "环办〔2011〕22号", 3)
    assert {item.id for item in regime.items.values() if not item.has_multiple} == {"water_temp", "ph", "do"}
    first = {item.id for item in regime.items.values() if item.priority}
    assert first == {
        "cyanide", "lead", "chromium_vi", "mercury", "cadmium", "copper", "zinc", "arsenic", "selenium"
    }  # fmt: skip
    rounding = {"ph": 0, "do": 1, "codmn": 1, "bod5": 1, "nh3n": 2, "volatile_phenol": 4}  # 环办监测函〔2020〕82号
    assert {name: regime.items[name].round_to for name in rounding} == rounding


def test_every_water_class_has_a_colour() -> None:
    assert set(standards.class_colours()) == set(WaterClass) - {WaterClass.NONE}


# --- mistakes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in load.FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_a_copy_of_the_files_is_good(folder: Path) -> None:
    load.check(folder)


UG = 'unit = "µg/m³"'
MISTAKES = [
    # file, old, new, what the message must name
    ("gb3095-2012.toml", 'average = "24h"', 'average = "24h"\ncolour = "red"', "limit so2 24h: unknown key 'colour'"),
    ("gb3095-2012.toml", "to = 2026-02-28", "to = 2026-03-05", "overlap at 2026-03-06"),
    ("gb3095-2012.toml", "to = 2026-02-28", "to = 2026-02-20", "leave a gap at 2026-02-21"),
    ("gb3095-2012.toml", "to = 2026-02-28\n", "", "no end is given"),
    ("gb3095-2012.toml", "to = 2026-02-28", "to = 2012-02-28", "2012-02-28 is before 2013-01-01"),
    ("gb3095-2012.toml", "from = 2013-01-01", 'from = "2013-01-01"', "from must be a date"),
    ("gb3095-2026.toml", "to = 2030-12-31", "to = 2030-12-30", "leave a gap at 2030-12-31"),
    ("gb3095-2026.toml", "from = 2031-01-01", "from = 2030-12-31", "overlap at 2031-01-01"),
    ("gb3095-2026.toml", '  clause = "表1"\n', "", "limit so2 annual: clause is missing"),
    ("gb3095-2026.toml", 'clause = "表1"', 'clause = " "', "limit so2 annual: clause must be"),
    ("gb3095-2026.toml", UG, 'unit = "mg/m³"', "limit so2 annual: unit 'mg/m³' is not the parameter's own 'µg/m³'"),
    ("gb3095-2026.toml", 'grade_1 = "20"', 'grade_1 = "200"', "limit so2 annual: grade 1"),
    ("gb3095-2026.toml", 'grade_1 = "20"', 'grade_1 = "20.0001"', "limit so2 annual: 20.0001 has more than 3"),
    ("gb3095-2026.toml", 'grade_1 = "20"', 'grade_1 = "twenty"', "limit so2 annual: 'twenty' is not a number"),
    ("gb3095-2026.toml", 'average = "24h"', 'average = "annual"', "limit so2 annual: given twice"),
    ("gb3095-2026.toml", 'average = "24h"', 'average = "daily"', "average must be one of"),
    ("gb3095-2026.toml", 'parameter = "so2"', 'parameter = "so3"', "no parameter 'so3'"),
    ("gb3095-2026.toml", 'family = "air-limits"', 'family = "air"', "'family' must be one of"),
    ("hj633-2026.toml", "[0, 50, 150, 475,", "[0, 150, 150, 475,", "column so2_24h: points must rise"),
    ("hj633-2026.toml", "[0, 50, 150, 475,", "[1, 50, 150, 475,", "column so2_24h: points must rise from 0"),
    ("hj633-2026.toml", "[0, 50, 150, 475,", "[0, 50.5, 150, 475,", "column so2_24h: 50.5 has more than 0 decimals"),
    ("hj633-2026.toml", "[0, 50, 150, 475,", "[0, 50, 150, 475, 500,", "column so2_24h: 9 points for 8 nodes"),
    ("hj633-2026.toml", "nodes = [0, 50, 100,", "nodes = [0, 100, 50,", "nodes of index must rise"),
    ("hj633-2026.toml", "beyond = 200", "beyond = 150", "column so2_1h: beyond must be between 200 and 500"),
    ("hj633-2012.toml", 'beyond = "so2_24h"', 'beyond = "so2_25h"', "column so2_1h: beyond names no column"),
    ("hj633-2012.toml", 'beyond = "so2_24h"', 'beyond = "no2_24h"', "column so2_1h: beyond names no column of so2"),
    ("hj633-2026.toml", 'so2 = "so2_24h"', 'so2 = "no2_24h"', "index.daily: so2 names no column of its own"),
    ("hj633-2026.toml", 'so2 = "so2_24h"\n', "", "index.daily: must have one value"),
    ("hj633-2026.toml", "at_most = 100", "at_most = 50", "at_most must rise"),
    ("hj633-2026.toml", "at_most = 500", "at_most = 501", "level 6: at_most must rise from level to level and end"),
    ("hj633-2026.toml", "good = true", "good = false", "the good levels come first"),
    ("hj633-2026.toml", "number = 2\n", "number = 7\n", "numbers must be 1, 2, 3"),
    ("hj633-2026.toml", "rgb = [0, 228, 0]", "rgb = [0, 228]", "level 1: rgb must be three"),
    ("hj633-2026.toml", "primary_above = 50", 'primary_above = "50"', "index: primary_above must be a whole number"),
    ("hj633-2026.toml", 'id = "HJ 633-2026"', 'no = "HJ 633-2026"', "unknown key 'no'"),
    ("hj633-2026.toml", "from = 2026-03-01", "from = 2026-03-01\nuntil = 2031-01-01", "file: unknown key 'until'"),
    ("hj663-2026.toml", "day_hours = 20", "day_hours = 20.0", "validity: day_hours must be a whole number"),
    ("hj663-2026.toml", "february_days = 25\n", "", "validity: february_days is missing"),
    ("hj663-2026.toml", "o3 = 45, pm10", "o3 = 61, pm10", "validity: hour_minutes must have a number up to 60"),
    ("hj663-2026.toml", ", pm25 = 0 }", " }", "validity: hour_minutes must have a number up to 60"),
    ("hj663-2026.toml", "day_hours = 20", "hours = 20", "validity: unknown key 'hours'"),
    ("gb3838-2002.toml", 'unit = "℃"', 'unit = "K"', "item water_temp: unit 'K' is not the parameter's own '℃'"),
    ("gb3838-2002.toml", 'clause = "表1 第1项"\n', "", "item water_temp: clause is missing"),
    (
        "gb3838-2002.toml",
        "II = 4.0, III = 6.0",
        "II = 6.0, III = 4.0",
        "item codmn: a worse class has a stricter limit",
    ),
    ("gb3838-2002.toml", "I = 7.5, II = 6.0", "I = 5.5, II = 6.0", "item do: a worse class has a stricter limit"),
    ("gb3838-2002.toml", "I = 7.5, II = 6.0", "VI = 7.5, II = 6.0", "item do: limits knows no class 'VI'"),
    ("gb3838-2002.toml", "I = 0.02, II = 0.1", "I = 0.0200001, II = 0.1", "item tp: 0.0200001 has more than"),
    ("gb3838-2002.toml", 'direction = "ge"', 'direction = "none"', "item do: the limits do not go with direction"),
    ("gb3838-2002.toml", 'direction = "ge"', 'direction = "up"', "item do: direction must be one of"),
    ("gb3838-2002.toml", "range = [6.0, 9.0]", "range = [6.0]", "item ph: a range is [low, high]"),
    ("gb3838-2002.toml", "range = [6.0, 9.0]", "range = [6.0, 9.0]\nlimit = 9", "item ph: has more than one of limit"),
    ("gb3838-2002.toml", 'id = "do"', 'id = "ph"', "item ph: given twice"),
    ("gb3838-2002.toml", 'id = "do"', 'id = "dissolved"', "item dissolved: given twice, or no parameter"),
    ("gb3838-2002.toml", "decimals_assess = 1", "decimals_assess = 9", "item water_temp: readings have"),
    ("gb3838-2002.toml", "table = 1", 'table = "1"', "item water_temp: table must be a whole number"),
    (
        "hb2011-22.toml",
        'items = ["ph", "do"',
        'items = ["pH", "do"',
        "set section_21: no limits are known for item 'pH'",
    ),
    ("hb2011-22.toml", 'items = ["ph", "do"', 'items = ["water_temp", "do"', "set section_21: item 'water_temp'"),
    ("hb2011-22.toml", 'items = ["ph", "do"', 'items = ["do", "do"', "set section_21: item 'do'"),
    ("hb2011-22.toml", 'required = ["ph"', 'required = ["tn"', "set section_21: required items decide"),
    ("hb2011-22.toml", 'id = "auto_5"', 'id = "section_21"', "set section_21: given twice"),
    ("hb2011-22.toml", "max_listed = 3", "max_listed = 3\nmost = 3", "main_indicators: unknown key 'most'"),
    ("hb2011-22.toml", "rank = 1\n", "", "class 1: rank is missing"),
    ("hb2011-22.toml", 'auto_first_items = ["ph"', 'auto_first_items = ["pH"', "auto_merge: 'pH' is no parameter"),
    ("hb2011-22.toml", "quarter_min = 2", 'quarter_min = "two"', "rounds: quarter_min must be a whole number"),
    ("hb2011-22.toml", "year_min = 8 ", "# ", "rounds: year_min is missing"),
    ("gbt14848-2017.toml", "from = 2018-05-01", "since = 2018-05-01", "file: unknown key 'since'"),
    ("gbt14848-2017.toml", 'unit = "μg/L"', 'unit = "ng/L"', "item trichloromethane: unit 'ng/L'"),
    ("gbt8170-2008.toml", "clause = ", "place = ", "rule: unknown key 'place'"),
    ("parameters.toml", "[[parameter]]", "parameters = 1\n[[parameter]]", "file: unknown key 'parameters'"),
    ("parameters.toml", "number = 2\n", "number = 1\n", "parameter no2: id or number is given twice"),
    ("parameters.toml", 'id = "no2"', 'id = "so2"', "parameter so2: id or number is given twice"),
    ("parameters.toml", 'medium = "air"', 'medium = "soil"', "parameter so2: medium must be one of"),
    ("parameters.toml", 'low = "0"', 'low = "20000"', "parameter so2: low must be below high"),
    ("parameters.toml", 'low = "0"', 'low = "zero"', "parameter so2: 'zero' is not a number"),
    ("parameters.toml", "decimals = 3", 'decimals = "3"', "parameter so2: decimals must be"),
    ("parameters.toml", 'id = "so2"', 'id = "so2', "cannot be read"),
]


@pytest.mark.parametrize(("file", "old", "new", "named"), MISTAKES, ids=lambda text: str(text)[:30])
def test_a_mistake_names_file_and_row(folder: Path, file: str, old: str, new: str, named: str) -> None:
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(StandardsError) as caught:
        load.check(folder)
    assert named in str(caught.value)
    assert file in str(caught.value)


@pytest.mark.parametrize("name", sorted(path.name for path in load.FOLDER.glob("*.toml")))
def test_a_file_that_is_missing_or_not_text_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff\xfe")
    with pytest.raises(StandardsError, match=name):
        load.check(folder)
    (folder / name).unlink()
    if name in ("parameters.toml", "hb2011-22.toml", "gbt8170-2008.toml", "gb3838-2002.toml", "gbt14848-2017.toml"):
        with pytest.raises(StandardsError, match=r"parameters.toml|no file of family"):
            load.check(folder)


def tables_of(text: str) -> dict[str, slice]:
    """Where the body of the first table of each kind stands in a standards file; "" is the file's own head."""
    heads = [*re.finditer(r"^ *\[+([\w.]+)\]+[^\n]*\n", text, re.MULTILINE)]
    ends = [*(head.start() for head in heads), len(text)]
    found = {"": slice(0, ends[0])}
    for head, end in zip(heads, ends[1:], strict=True):
        found.setdefault(head[1], slice(head.end(), end))
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in load.FOLDER.glob("*.toml")))
def test_no_table_takes_an_unknown_key_or_goes_without_its_clause(folder: Path, name: str) -> None:
    text = (folder / name).read_text("utf-8")
    kinds = tables_of(text)
    assert len(kinds) > 1
    for kind, place in kinds.items():
        body = text[place]
        without = re.sub(r"^ *clause = .*\n", "", body, count=1, flags=re.MULTILINE)
        for changed, named in ((f"surplus = 1\n{body}", ""), (without, "clause is missing")):
            if changed != body:
                (folder / name).write_text(text[: place.start] + changed + text[place.stop :], "utf-8")
                with pytest.raises(StandardsError) as caught:
                    load.check(folder)
                assert name in str(caught.value), kind
                assert named in str(caught.value), kind


def test_floats_never_appear(folder: Path) -> None:
    """Fractions are read as the printed text: 0.1 stays 0.1."""
    text = (
        (folder / "gb3838-2002.toml").read_text("utf-8").replace("I = 0.00005,", "I = 0.000049999999999999999999,", 1)
    )
    (folder / "gb3838-2002.toml").write_text(text, "utf-8")
    with pytest.raises(StandardsError, match="item mercury"):
        load.check(folder)
