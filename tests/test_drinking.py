"""Drinking-water sources against limits typed from the print: GB 3838-2002 tables 1 to 3, GB/T 14848-2017 table 1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

import pytest

from envmon import periods, standards
from envmon.assess import water
from envmon.model import Body, Status, WaterClass, WaterJudgement, WaterRegime
from envmon.rounding import scaled

DAY = periods.number(date(2022, 7, 5))
SURFACE, GROUND = standards.water(DAY), standards.groundwater(DAY)

# Surface sources: class III of table 1 (typed in full in test_water), and the single limits of tables 2 and 3, mg/L.
CLASS_III = {"codmn": "6", "nh3n": "1.0", "fluoride": "1.0", "arsenic": "0.05", "lead": "0.05", "petroleum": "0.05"}
TABLE_2 = {"sulfate": "250", "chloride": "250", "nitrate": "10", "iron": "0.3", "manganese": "0.1"}
TABLE_3 = {
    "trichloromethane": "0.06", "tetrachloromethane": "0.002", "benzene": "0.01", "formaldehyde": "0.9",
    "dehp": "0.008", "atrazine": "0.003", "benzo_a_pyrene": "0.0000028", "boron": "0.5", "antimony": "0.005",
    "nickel": "0.02", "barium": "0.7", "vanadium": "0.05", "thallium": "0.0001", "beryllium": "0.002",
}  # fmt: skip

# Groundwater: limits of the classes I to IV as printed, mg/L.
GROUNDWATER = {
    "total_hardness": "150 300 450 650",
    "tds": "300 500 1000 2000",
    "sulfate": "50 150 250 350",
    "chloride": "50 150 250 350",
    "iron": "0.1 0.2 0.3 2.0",
    "manganese": "0.05 0.05 0.10 1.50",
    "oxygen_consumption": "1.0 2.0 3.0 10.0",
    "nh3n": "0.02 0.10 0.50 1.50",
    "nitrate": "2.0 5.0 20.0 30.0",
    "nitrite": "0.01 0.10 1.00 4.80",
    "fluoride": "1.0 1.0 1.0 2.0",
    "arsenic": "0.001 0.001 0.01 0.05",
    "mercury": "0.0001 0.0001 0.001 0.002",
    "lead": "0.005 0.005 0.01 0.10",
}


def judged(values: Mapping[str, str], regime: WaterRegime, body: Body, item_set: str) -> WaterJudgement:
    """Values as a laboratory writes them; a trailing L means below that detection limit."""
    found = {}
    for item, text in values.items():
        found[item] = (scaled(text.rstrip("L"), regime.items[item].decimals), text.endswith("L"))
    return water.judge(found, body, regime, item_set)


def surface(body: Body = Body.LAKE, **values: str) -> WaterJudgement:
    return judged(
        {"ph": "7.8", "do": "8.0", "codmn": "2.0", "nh3n": "0.1"} | values, SURFACE, body, "source_surface_61"
    )


def ground(**values: str) -> WaterJudgement:
    return judged(
        {"ph": "7.5", "oxygen_consumption": "0.5", "nh3n": "0.02"} | values,
        GROUND,
        Body.GROUNDWATER,
        "source_groundwater_39",
    )


def a_step_more(regime: WaterRegime, item: str, text: str) -> str:
    decimals = regime.items[item].decimals
    steps = int((Fraction(text) + Fraction(1, 10**decimals)) * 10**decimals)
    return f"{steps // 10**decimals}.{steps % 10**decimals:0{decimals}d}"


@pytest.mark.parametrize(("item", "limit"), [*CLASS_III.items(), *TABLE_2.items(), *TABLE_3.items()])
def test_a_surface_source_complies_up_to_the_limit_of_every_item(item: str, limit: str) -> None:
    found = surface(**{item: limit})
    assert (found.status, found.good, found.main) == (Status.VALID, True, ())
    found = surface(**{item: a_step_more(SURFACE, item, limit)})
    assert not found.good
    assert [one.item for one in found.main] == [item]


@pytest.mark.parametrize(("body", "limit"), [(Body.RIVER, "0.2"), (Body.LAKE, "0.05")])
def test_phosphorus_of_a_reservoir_is_judged_by_the_limits_of_lakes(body: Body, limit: str) -> None:
    assert surface(body, tp=limit).good
    assert not surface(body, tp=a_step_more(SURFACE, "tp", limit)).good


def test_nitrogen_temperature_and_coliforms_do_not_make_a_source_fail() -> None:
    assert surface(tn="5", water_temp="40", fecal_coliform="50000").good


def test_items_beyond_their_limits_are_listed_with_multiples() -> None:
    # (0.15 - 0.1)/0.1 = 0.5; (300 - 250)/250 = 0.2
    found = surface(manganese="0.15", sulfate="300")
    assert [(one.item, one.multiple) for one in found.main] == [("manganese", 5), ("sulfate", 2)]


def test_below_a_detection_limit_a_source_complies_unless_the_limit_is_too_coarse_to_tell() -> None:
    assert surface(mercury="0.00004L").good
    found = surface(benzene="0.05L")  # the limit is 0.01
    assert found.good
    assert "benzene" in found.missing


@pytest.mark.parametrize("item", list(GROUNDWATER))
def test_groundwater_is_judged_by_its_own_classes(item: str) -> None:
    limits = GROUNDWATER[item].split()
    for text in dict.fromkeys(limits):
        for value in (text, a_step_more(GROUND, item, text)):
            expected = next((n for n, limit in enumerate(limits, 1) if Fraction(value) <= Fraction(limit)), 5)
            assert ground(**{item: value}).water_class == expected, (item, value)
    assert ground(**{item: limits[2]}).good
    assert not ground(**{item: a_step_more(GROUND, item, limits[2])}).good


@pytest.mark.parametrize(
    ("ph", "expected"),
    [
        ("6.5", WaterClass.I), ("8.5", WaterClass.I), ("6.49", WaterClass.IV), ("8.51", WaterClass.IV),
        ("5.5", WaterClass.IV), ("9.0", WaterClass.IV), ("5.49", WaterClass.V), ("9.01", WaterClass.V),
    ],
)  # fmt: skip
def test_ph_of_groundwater(ph: str, expected: WaterClass) -> None:
    assert ground(ph=ph).water_class is expected


@pytest.mark.parametrize("missing", ["ph", "do", "codmn", "nh3n"])
def test_a_round_without_a_basic_item_says_nothing_unless_another_item_is_over_its_limit(missing: str) -> None:
    values = {item: "7.8" if item == "ph" else "8" if item == "do" else "0.1" for item in ("ph", "do", "codmn", "nh3n")}
    del values[missing]
    found = judged(values | {"manganese": "0.1"}, SURFACE, Body.LAKE, "source_surface_61")
    assert (found.status, found.good) == (Status.INSUFFICIENT, False)
    assert missing in found.missing
    found = judged(values | {"manganese": "0.11"}, SURFACE, Body.LAKE, "source_surface_61")
    assert (found.status, found.good, [one.item for one in found.main]) == (Status.VALID, False, ["manganese"])


def test_a_groundwater_round_of_one_item_says_nothing_unless_that_is_over_its_limit() -> None:
    def alone(value: str) -> WaterJudgement:
        return judged({"ph": value}, GROUND, Body.GROUNDWATER, "source_groundwater_39")

    assert alone("7").status is Status.INSUFFICIENT
    assert (alone("9").status, alone("9").good) == (Status.VALID, False)


def test_groundwater_and_surface_water_have_limits_of_their_own_for_one_item() -> None:
    assert surface(nitrate="10").good
    assert not surface(nitrate="10.1").good
    assert ground(nitrate="20").good
    assert surface(nh3n="0.9").good
    assert not ground(nh3n="0.51").good
