"""Drinking-water sources against limits typed from the print: GB 3838-2002 tables 1 to 3, GB/T 14848-2017 table 1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

import numpy as np
import pytest

from envmon import periods, standards
from envmon.assess import water
from envmon.model import NO_VALUE, Body, Status, WaterClass, WaterJudgement, WaterRegime
from envmon.rounding import scaled

DAY = periods.number(date(2022, 7, 5))
SURFACE, GROUND = standards.water(DAY), standards.groundwater(DAY)

# Surface sources: class III of table 1 for rivers, and the single limits of tables 2 and 3, mg/L.
CLASS_III = {
    "codmn": "6", "bod5": "4", "nh3n": "1.0", "copper": "1.0", "zinc": "1.0", "fluoride": "1.0", "selenium": "0.01",
    "arsenic": "0.05", "mercury": "0.0001", "cadmium": "0.005", "chromium_vi": "0.05", "lead": "0.05",
    "cyanide": "0.2", "volatile_phenol": "0.005", "petroleum": "0.05", "las": "0.2", "sulfide": "0.2", "cod": "20",
}  # fmt: skip
TABLE_2 = {"sulfate": "250", "chloride": "250", "nitrate": "10", "iron": "0.3", "manganese": "0.1"}
ROUTINE = {  # the 33 items of table 3 that are measured in every round
    "trichloromethane": "0.06", "tetrachloromethane": "0.002", "trichloroethylene": "0.07",
    "tetrachloroethylene": "0.04", "styrene": "0.02", "formaldehyde": "0.9", "benzene": "0.01", "toluene": "0.7",
    "ethylbenzene": "0.3", "xylene": "0.5", "isopropylbenzene": "0.25", "chlorobenzene": "0.3",
    "dichlorobenzene_12": "1.0", "dichlorobenzene_14": "0.3", "trichlorobenzene": "0.02", "nitrobenzene": "0.017",
    "dinitrobenzene": "0.5", "nitrochlorobenzene": "0.05", "dibutyl_phthalate": "0.003", "dehp": "0.008",
    "ddt": "0.001", "lindane": "0.002", "atrazine": "0.003", "benzo_a_pyrene": "0.0000028", "molybdenum": "0.07",
    "cobalt": "1.0", "beryllium": "0.002", "boron": "0.5", "antimony": "0.005", "nickel": "0.02", "barium": "0.7",
    "vanadium": "0.05", "thallium": "0.0001",
}  # fmt: skip
FULL_ONLY = {  # the other 47 of table 3, measured in a full analysis
    "tribromomethane": "0.1", "dichloromethane": "0.02", "dichloroethane_12": "0.03", "epichlorohydrin": "0.02",
    "vinyl_chloride": "0.005", "dichloroethylene_11": "0.03", "dichloroethylene_12": "0.05", "chloroprene": "0.002",
    "hexachlorobutadiene": "0.0006", "acetaldehyde": "0.05", "acrolein": "0.1", "chloral": "0.01",
    "tetrachlorobenzene": "0.02", "hexachlorobenzene": "0.05", "dinitrotoluene_24": "0.0003",
    "trinitrotoluene_246": "0.5", "dinitrochlorobenzene_24": "0.5", "dichlorophenol_24": "0.093",
    "trichlorophenol_246": "0.2", "pentachlorophenol": "0.009", "aniline": "0.1", "benzidine": "0.0002",
    "acrylamide": "0.0005", "acrylonitrile": "0.1", "hydrazine_hydrate": "0.01", "tetraethyl_lead": "0.0001",
    "pyridine": "0.2", "turpentine": "0.2", "picric_acid": "0.5", "butyl_xanthate": "0.005",
    "active_chlorine": "0.01", "heptachlor_epoxide": "0.0002", "parathion": "0.003", "methyl_parathion": "0.002",
    "malathion": "0.05", "dimethoate": "0.08", "dichlorvos": "0.05", "trichlorfon": "0.05", "demeton": "0.03",
    "chlorothalonil": "0.01", "carbaryl": "0.05", "deltamethrin": "0.02", "methylmercury": "0.000001",
    "pcb": "0.00002", "microcystin_lr": "0.001", "yellow_phosphorus": "0.003", "titanium": "0.1",
}  # fmt: skip

# Groundwater, table 1: limits of the classes I to IV as printed, mg/L; - = no bound of its own.
# Anionic surfactants, pH and what is smelt or seen have tests of their own.
GROUNDWATER = {
    "colour": "5 5 15 25",
    "turbidity": "3 3 3 10",
    "total_hardness": "150 300 450 650",
    "tds": "300 500 1000 2000",
    "sulfate": "50 150 250 350",
    "chloride": "50 150 250 350",
    "iron": "0.1 0.2 0.3 2.0",
    "manganese": "0.05 0.05 0.10 1.50",
    "copper": "0.01 0.05 1.00 1.50",
    "zinc": "0.05 0.5 1.00 5.00",
    "aluminium": "0.01 0.05 0.20 0.50",
    "volatile_phenol": "0.001 0.001 0.002 0.01",
    "oxygen_consumption": "1.0 2.0 3.0 10.0",
    "nh3n": "0.02 0.10 0.50 1.50",
    "sulfide": "0.005 0.01 0.02 0.10",
    "sodium": "100 150 200 400",
    "total_coliform": "3.0 3.0 3.0 100",
    "plate_count": "100 100 100 1000",
    "nitrite": "0.01 0.10 1.00 4.80",
    "nitrate": "2.0 5.0 20.0 30.0",
    "cyanide": "0.001 0.01 0.05 0.1",
    "fluoride": "1.0 1.0 1.0 2.0",
    "iodide": "0.04 0.04 0.08 0.50",
    "mercury": "0.0001 0.0001 0.001 0.002",
    "arsenic": "0.001 0.001 0.01 0.05",
    "selenium": "0.01 0.01 0.01 0.1",
    "cadmium": "0.0001 0.001 0.005 0.01",
    "chromium_vi": "0.005 0.01 0.05 0.10",
    "lead": "0.005 0.005 0.01 0.10",
    "trichloromethane": "0.0005 0.006 0.06 0.3",  # printed in μg/L, as the next three
    "tetrachloromethane": "0.0005 0.0005 0.002 0.05",
    "benzene": "0.0005 0.001 0.01 0.12",
    "toluene": "0.0005 0.14 0.7 1.4",
    "gross_alpha": "0.1 0.1 0.5 -",  # Bq/L; class IV is what lies beyond class III
    "gross_beta": "0.1 1.0 1.0 -",
}


def judged(values: Mapping[str, str], regime: WaterRegime, body: Body, item_set: str) -> WaterJudgement:
    """Values as a laboratory writes them; a trailing L means below that detection limit."""
    found = {}
    for item, text in values.items():
        found[item] = (scaled(text.rstrip("L"), regime.items[item].decimals), text.endswith("L"))
    return water.judge(found, body, regime, item_set)


BASIC = {"ph": "7.8", "do": "8.0", "codmn": "2.0", "nh3n": "0.1"}


def surface(body: Body = Body.LAKE, item_set: str = "source_surface_61", **values: str) -> WaterJudgement:
    return judged(BASIC | values, SURFACE, body, item_set)


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


@pytest.mark.parametrize(("item", "limit"), [*CLASS_III.items(), *TABLE_2.items(), *ROUTINE.items()])
def test_a_surface_source_complies_up_to_the_limit_of_every_item(item: str, limit: str) -> None:
    found = surface(**{item: limit})
    assert (found.status, found.good, found.main) == (Status.VALID, True, ())
    found = surface(**{item: a_step_more(SURFACE, item, limit)})
    assert not found.good
    assert [one.item for one in found.main] == [item]


@pytest.mark.parametrize(
    ("item", "limit"), [*CLASS_III.items(), *TABLE_2.items(), *ROUTINE.items(), *FULL_ONLY.items()]
)
def test_a_full_analysis_asks_for_every_item_of_the_three_tables(item: str, limit: str) -> None:
    assert surface(item_set="source_surface_109", **{item: limit}).good
    found = surface(item_set="source_surface_109", **{item: a_step_more(SURFACE, item, limit)})
    assert (found.good, [one.item for one in found.main]) == (False, [item])


def test_a_routine_round_leaves_out_47_items_of_table_3() -> None:
    assert (len(ROUTINE), len(FULL_ONLY)) == (33, 47)
    assert surface(**dict.fromkeys(FULL_ONLY, "1")).good
    basic = {"ph", "do", "tp", *CLASS_III} - {"cod"}
    assert set(SURFACE.sets["source_surface_61"].items) == {*basic, *TABLE_2, *ROUTINE}
    assert set(SURFACE.sets["source_surface_109"].items) == {*basic, "cod", *TABLE_2, *ROUTINE, *FULL_ONLY}


@pytest.mark.parametrize(("item", "inside", "outside"), [("do", "5", "4.99"), ("ph", "6", "5.99"), ("ph", "9", "9.01")])
def test_oxygen_and_ph_of_a_source_have_the_bounds_of_class_three(item: str, inside: str, outside: str) -> None:
    assert surface(**{item: inside}).good
    found = surface(**{item: outside})
    assert (found.good, [(one.item, one.multiple) for one in found.main]) == (False, [(item, None)])


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
    assert (found.not_judgeable, "benzene" in found.missing) == (("benzene",), False)


@pytest.mark.parametrize("item", list(GROUNDWATER))
def test_groundwater_is_judged_by_its_own_classes(item: str) -> None:
    printed = GROUNDWATER[item].split()
    limits = [None if text == "-" else Fraction(text) for text in printed]
    for text in dict.fromkeys(text for text in printed if text != "-"):
        for value in (text, a_step_more(GROUND, item, text)):
            within = (n for n, limit in enumerate(limits, 1) if limit is None or Fraction(value) <= limit)
            assert ground(**{item: value}).water_class == next(within, 5), (item, value)
    assert ground(**{item: printed[2]}).good
    assert not ground(**{item: a_step_more(GROUND, item, printed[2])}).good


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.1001", WaterClass.III), ("0.3", WaterClass.III), ("0.3001", WaterClass.V), ("0.05L", WaterClass.I)],
)
def test_surfactants_in_groundwater_have_no_class_four_and_class_one_when_not_detected(
    text: str, expected: WaterClass
) -> None:
    assert ground(las=text).water_class is expected


def test_what_can_be_smelt_or_seen_makes_groundwater_class_five() -> None:
    """Odour and taste, visible matter: none in the classes I to IV, any in class V."""
    for item in ("odour_taste", "visible_matter"):
        assert ground(**{item: "0"}).water_class is WaterClass.I
        found = ground(**{item: "1"})
        assert (found.water_class, found.determining) == (WaterClass.V, (item,))
        assert [(one.item, one.multiple) for one in found.main] == [(item, None)]


def test_the_39_regular_items_of_groundwater_are_those_of_table_1() -> None:
    expected = {"ph", "las", "odour_taste", "visible_matter", *GROUNDWATER}
    assert set(GROUND.sets["source_groundwater_39"].items) == expected
    assert len(expected) == 39


def test_groundwater_items_beyond_class_three_are_listed_with_multiples_metals_first() -> None:
    # (0.6 - 0.3)/0.3 = 1.0; (0.25 - 0.1)/0.1 = 1.5; (0.02 - 0.01)/0.01 = 1.0; (900 - 450)/450 = 1.0 and class V
    found = ground(iron="0.6", manganese="0.25", arsenic="0.02", total_hardness="900")
    assert [(one.item, one.multiple) for one in found.main] == [
        ("arsenic", 10),
        ("total_hardness", 10),
        ("manganese", 15),
    ]


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


def test_many_rounds_are_judged_by_the_same_rule() -> None:
    names = ["ph", "do", "codmn", "nh3n", "manganese"]
    decimals = [SURFACE.items[name].decimals for name in names]
    rounds = ["- 8 2 0.1 0.15", "- 8 2 0.1 0.1", "7 8 2 0.1 0.1"]
    texts = [zip(line.split(), decimals, strict=True) for line in rounds]
    values = np.array([[NO_VALUE if text == "-" else scaled(text, places) for text, places in row] for row in texts])
    nothing, bodies = np.zeros(values.shape, np.bool_), np.full(3, Body.LAKE)
    found = water.judge_array(values, nothing, bodies, SURFACE, "source_surface_61", names)
    assert found.tolist() == [WaterClass.IV, WaterClass.NONE, WaterClass.I]


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
