"""Water classes, main indicators and means against limits typed from the print of GB 3838-2002 and 环办〔2011〕22号."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import date
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envmon import periods, standards
from envmon.assess import water
from envmon.errors import NotAssessable
from envmon.model import NO_VALUE, Body, Status, WaterClass, WaterJudgement
from envmon.rounding import scaled

REGIME = standards.water(periods.number(date(2022, 1, 1)))
NONE, I, II, III, IV, V, WORSE = WaterClass  # noqa: E741

# GB 3838-2002, table 1: the limits of the classes I to V as printed, mg/L; pH and dissolved oxygen apart.
TABLE_1 = {
    "codmn": "2 4 6 10 15",
    "cod": "15 15 20 30 40",
    "bod5": "3 3 4 6 10",
    "nh3n": "0.15 0.5 1.0 1.5 2.0",
    "tp": "0.02 0.1 0.2 0.3 0.4",
    "copper": "0.01 1.0 1.0 1.0 1.0",
    "zinc": "0.05 1.0 1.0 2.0 2.0",
    "fluoride": "1.0 1.0 1.0 1.5 1.5",
    "selenium": "0.01 0.01 0.01 0.02 0.02",
    "arsenic": "0.05 0.05 0.05 0.1 0.1",
    "mercury": "0.00005 0.00005 0.0001 0.001 0.001",
    "cadmium": "0.001 0.005 0.005 0.005 0.01",
    "chromium_vi": "0.01 0.05 0.05 0.05 0.1",
    "lead": "0.01 0.01 0.05 0.05 0.1",
    "cyanide": "0.005 0.05 0.2 0.2 0.2",
    "volatile_phenol": "0.002 0.002 0.005 0.01 0.1",
    "petroleum": "0.05 0.05 0.05 0.5 1.0",
    "las": "0.2 0.2 0.2 0.3 0.3",
    "sulfide": "0.05 0.1 0.2 0.5 1.0",
}
TP_OF_LAKES = "0.01 0.025 0.05 0.1 0.2"
NEVER_DECIDE = {"tn": "0.2 0.5 1.0 1.5 2.0", "fecal_coliform": "200 2000 10000 20000 40000"}  # coliforms: per litre
DISSOLVED_OXYGEN = "7.5 6 5 3 2"
CLEAN = {"ph": "7", "do": "9", "codmn": "1", "nh3n": "0.1"}


def sample(values: Mapping[str, str]) -> dict[str, tuple[int, bool]]:
    """Values as a laboratory writes them; a trailing L means below that detection limit."""
    found = {}
    for item, text in values.items():
        decimals = REGIME.items[item].decimals
        found[item] = (scaled(text.rstrip("L"), decimals), text.endswith("L"))
    return found


def judged(values: Mapping[str, str], body: Body = Body.RIVER, item_set: str = "section_21") -> WaterJudgement:
    return water.judge(sample(values), body, REGIME, item_set)


def around(item: str, limits: str) -> list[tuple[str, Fraction]]:
    """Every printed limit, and one step of the stored decimals to either side of it."""
    step = Fraction(1, 10 ** REGIME.items[item].decimals)
    return [(item, Fraction(text) + side * step) for text in dict.fromkeys(limits.split()) for side in (-1, 0, 1)]


def text_of(item: str, value: Fraction) -> str:
    decimals = REGIME.items[item].decimals
    steps = value * 10**decimals
    assert steps.denominator == 1
    if not decimals:
        return str(steps.numerator)
    return f"{steps.numerator // 10**decimals}.{steps.numerator % 10**decimals:0{decimals}d}"


# ---- classes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("item", "value"), [pair for item in TABLE_1 for pair in around(item, TABLE_1[item])])
def test_a_value_at_or_below_a_limit_has_its_class_and_one_step_more_the_next(item: str, value: Fraction) -> None:
    expected = next((n for n, limit in enumerate(TABLE_1[item].split(), 1) if value <= Fraction(limit)), 6)
    found = judged(CLEAN | {item: text_of(item, value)})
    assert found.water_class == expected
    assert item in found.determining


@pytest.mark.parametrize("item", [item for item in TABLE_1 if item != "tp"])
def test_lakes_have_the_limits_of_rivers_but_for_phosphorus(item: str) -> None:
    for _, value in around(item, TABLE_1[item]):
        values = CLEAN | {item: text_of(item, value)}
        assert judged(values, Body.LAKE).water_class is judged(values).water_class


@pytest.mark.parametrize(("item", "value"), around("do", DISSOLVED_OXYGEN))
def test_dissolved_oxygen_is_worse_the_less_there_is(item: str, value: Fraction) -> None:
    expected = next((n for n, limit in enumerate(DISSOLVED_OXYGEN.split(), 1) if value >= Fraction(limit)), 6)
    assert judged(CLEAN | {item: text_of(item, value)}).water_class == expected


@pytest.mark.parametrize(
    ("ph", "expected"),
    [("5.99", WORSE), ("6", I), ("6.01", I), ("7", I), ("9", I), ("9.00", I), ("9.01", WORSE), ("2", WORSE)],
)
def test_ph_is_within_six_and_nine_or_worse_than_class_five(ph: str, expected: WaterClass) -> None:
    assert judged(CLEAN | {"ph": ph}).water_class is expected


@pytest.mark.parametrize(("item", "value"), around("tp", TP_OF_LAKES))
def test_phosphorus_has_other_limits_in_lakes(item: str, value: Fraction) -> None:
    expected = next((n for n, limit in enumerate(TP_OF_LAKES.split(), 1) if value <= Fraction(limit)), 6)
    assert judged(CLEAN | {item: text_of(item, value)}, Body.LAKE).water_class == expected


def test_the_worst_item_decides_and_ties_decide_together() -> None:
    found = judged(CLEAN | {"codmn": "7", "tp": "0.25", "cod": "18"})
    assert (found.status, found.water_class, found.determining) == (Status.VALID, IV, ("codmn", "tp"))
    assert not found.good
    assert judged(CLEAN | {"codmn": "6", "tp": "0.2"}).good


@pytest.mark.parametrize(("item", "value"), [("tn", "50"), ("water_temp", "45"), ("fecal_coliform", "500000")])
def test_nitrogen_temperature_and_coliforms_never_decide_a_section(item: str, value: str) -> None:
    found = judged(CLEAN | {item: value})
    assert (found.water_class, found.main) == (I, ())
    assert item not in found.judged


@pytest.mark.parametrize(
    ("item", "value"), [pair for item in NEVER_DECIDE for pair in around(item, NEVER_DECIDE[item])]
)
def test_what_never_decides_has_a_class_of_its_own(item: str, value: Fraction) -> None:
    expected = next((n for n, limit in enumerate(NEVER_DECIDE[item].split(), 1) if value <= Fraction(limit)), 6)
    steps = np.array([[sample({item: text_of(item, value)})[item][0]]])
    found = water.item_classes(steps, np.zeros((1, 1), bool), np.array([Body.LAKE]), [REGIME.items[item]])
    assert found.tolist() == [[expected]]
    assert judged(CLEAN | {item: text_of(item, value)}, Body.LAKE).water_class is I


def test_a_section_is_judged_by_the_21_items_of_the_method() -> None:
    """环办〔2011〕22号 part 1: table 1 without water temperature, total nitrogen and faecal coliforms."""
    assert set(REGIME.sets["section_21"].items) == {"ph", "do", *TABLE_1}
    assert len({"ph", "do", *TABLE_1}) == 21


def test_items_that_were_not_measured_are_named() -> None:
    found = judged(CLEAN)
    assert found.judged == ("ph", "do", "codmn", "nh3n")
    assert set(found.missing) == set(TABLE_1) - {"codmn", "nh3n"}
    complete = {item: limits.split()[0] for item, limits in TABLE_1.items()} | {"ph": "7", "do": "7.5"}
    assert (judged(complete).missing, judged(complete).water_class) == ((), I)


def test_an_automatic_station_is_judged_by_five_items() -> None:
    values = CLEAN | {"tp": "0.15", "cod": "39", "mercury": "0.0005"}
    assert judged(values, item_set="auto_5").water_class is III
    assert judged(values).water_class is V
    without = {item: value for item, value in values.items() if item != "tp"}
    assert judged(without, item_set="auto_5").water_class is I  # classes are published without phosphorus


@pytest.mark.parametrize("item", list(CLEAN))
@pytest.mark.parametrize("item_set", ["section_21", "auto_5"])
def test_without_a_required_item_there_is_no_class(item: str, item_set: str) -> None:
    values = {name: value for name, value in (CLEAN | {"tp": "0.5"}).items() if name != item}
    found = judged(values, item_set=item_set)
    assert (found.status, found.water_class, found.main) == (Status.INSUFFICIENT, NONE, ())
    assert item in found.missing
    assert judged({}, item_set=item_set).status is Status.MISSING


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.025L", I),  # half of it is 0.0125
        ("0.3L", I),  # half is 0.15, the limit of class I
        ("0.31L", II),  # half is 0.155
        ("1.0L", II),  # half is 0.5, the limit of class II
        ("1.01L", None),  # the detection limit is above class III: it cannot be judged
    ],
)
def test_below_a_detection_limit_half_of_it_counts(text: str, expected: WaterClass | None) -> None:
    found = judged(CLEAN | {"nh3n": text})
    if expected is None:
        assert (found.status, found.water_class) == (Status.NOT_JUDGEABLE, NONE)  # a value is there: it is not missing
        assert (found.not_judgeable, "nh3n" in found.missing) == (("nh3n",), False)
    else:
        assert found.water_class is expected


@pytest.mark.parametrize(
    ("text", "body", "expected"),
    [
        ("0.05L", Body.LAKE, II),  # the detection limit is class III itself; half of it, 0.025, is class II
        ("0.06L", Body.LAKE, NONE),  # above class III of lakes
        ("0.06L", Body.RIVER, II),  # far below class III of rivers
        ("0.2L", Body.RIVER, II),
        ("0.21L", Body.RIVER, NONE),
    ],
)
def test_whether_a_detection_limit_is_too_coarse_hangs_on_the_body(text: str, body: Body, expected: WaterClass) -> None:
    found = judged(CLEAN | {"tp": text}, body)
    assert found.water_class is (expected or I)  # the other items are class I
    assert ("tp" in found.not_judgeable) is (expected is NONE)
    assert "tp" not in found.missing


def test_what_cannot_be_judged_is_not_what_is_missing() -> None:
    """Both keep a section from its class; that a value is lacking comes first, since a better method would not help."""
    coarse = judged(CLEAN | {"nh3n": "1.01L"})
    lacking = judged({item: text for item, text in (CLEAN | {"nh3n": "1.01L"}).items() if item != "codmn"})
    assert (coarse.status, lacking.status) == (Status.NOT_JUDGEABLE, Status.INSUFFICIENT)
    assert (lacking.not_judgeable, "codmn" in lacking.missing) == (("nh3n",), True)
    alone = judged({"mercury": "0.0003L"}, item_set="section_21")
    assert (alone.status, alone.judged, alone.not_judgeable) == (Status.INSUFFICIENT, (), ("mercury",))
    assert judged({}).status is Status.MISSING


def test_a_source_over_a_limit_fails_whatever_cannot_be_judged() -> None:
    over = judged(CLEAN | {"nh3n": "1.01L", "tp": "0.21"}, item_set="source_surface_61")
    assert (over.status, over.good, over.determining) == (Status.VALID, False, ("tp",))
    within = judged(CLEAN | {"nh3n": "1.01L", "tp": "0.2"}, item_set="source_surface_61")
    assert (within.status, within.good) == (Status.NOT_JUDGEABLE, False)


def test_a_value_below_zero_and_an_unknown_set_are_refused() -> None:
    with pytest.raises(NotAssessable, match="below zero"):
        water.judge({**sample(CLEAN), "tp": (-5, False)}, Body.RIVER, REGIME, "section_21")
    with pytest.raises(NotAssessable, match="section_99"):
        judged(CLEAN, item_set="section_99")


# ---- main indicators -----------------------------------------------------------------------------------------------


def listed(values: Mapping[str, str]) -> list[tuple[str, str | None]]:
    found = judged(CLEAN | values).main
    return [(one.item, None if one.multiple is None else f"{one.multiple / 10:.1f}") for one in found]


def test_multiples_are_counted_from_the_limit_of_class_three() -> None:
    # (7.8 - 6)/6 = 0.3; (0.24 - 0.2)/0.2 = 0.2; (2.5 - 1)/1 = 1.5
    assert listed({"codmn": "7.8", "tp": "0.24"}) == [("codmn", "0.3"), ("tp", "0.2")]
    assert listed({"nh3n": "2.5"}) == [("nh3n", "1.5")]


def test_the_worse_class_comes_first_and_three_are_listed() -> None:
    # V: cod 35 (0.75 -> 0.8); IV: bod5 5 (0.25 -> 0.2), tp 0.26 (0.3), codmn 6.6 (0.1)
    found = listed({"cod": "35", "bod5": "5", "tp": "0.26", "codmn": "6.6"})
    assert found == [("cod", "0.8"), ("tp", "0.3"), ("bod5", "0.2")]


def test_cyanide_and_heavy_metals_come_before_worse_classes() -> None:
    # lead 0.06 is V (0.2), cod 45 worse than V (1.25 -> 1.2, half to even): the metal is first all the same
    assert listed({"cod": "45", "lead": "0.06"}) == [("lead", "0.2"), ("cod", "1.2")]
    assert listed({"cod": "45", "cyanide": "0.3"})[0] == ("cyanide", "0.5")


def test_the_class_goes_before_the_multiple() -> None:
    # fluoride 1.6 is worse than V (0.6); petroleum 0.5 is only IV but nine times over (9.0)
    assert listed({"petroleum": "0.5", "fluoride": "1.6"}) == [("fluoride", "0.6"), ("petroleum", "9.0")]


@pytest.mark.parametrize(
    ("item", "value", "multiple"),
    [
        ("mercury", "0.0005", "4.0"),  # (0.0005 - 0.0001)/0.0001
        ("arsenic", "0.06", "0.2"),
        ("cadmium", "0.006", "0.2"),
        ("chromium_vi", "0.06", "0.2"),
        ("selenium", "0.015", "0.5"),
        ("copper", "1.2", "0.2"),
        ("zinc", "1.5", "0.5"),
    ],
)
def test_every_heavy_metal_comes_before_a_worse_class(item: str, value: str, multiple: str) -> None:
    assert listed({"cod": "60", item: value}) == [(item, multiple), ("cod", "2.0")]


def test_among_metals_the_worse_class_and_the_larger_multiple_decide() -> None:
    # cadmium 0.02 is worse than V (3.0); mercury 0.0005 (4.0) and arsenic 0.06 (0.2) are IV; cod does not fit any more
    found = listed({"arsenic": "0.06", "mercury": "0.0005", "cadmium": "0.02", "cod": "60"})
    assert found == [("cadmium", "3.0"), ("mercury", "4.0"), ("arsenic", "0.2")]


@pytest.mark.parametrize(("value", "multiple"), [("20.1", "0.0"), ("21", "0.0"), ("23", "0.2"), ("25", "0.2")])
def test_a_multiple_is_rounded_half_to_even(value: str, multiple: str) -> None:
    assert listed({"cod": value}) == [("cod", multiple)]  # 0.005, 0.05, 0.15, 0.25


def test_oxygen_and_ph_have_no_multiple() -> None:
    assert listed({"do": "2.5"}) == [("do", None)]
    assert listed({"ph": "9.5"}) == [("ph", None)]


def test_water_of_class_three_has_no_main_indicator() -> None:
    assert listed({"codmn": "6", "tp": "0.2"}) == []


# ---- many at once, order -------------------------------------------------------------------------------------------

ITEMS = tuple(REGIME.sets["section_21"].items)


def test_many_samples_are_judged_as_one_by_one() -> None:
    chance = random.Random(3838)
    rows, bodies, below, single = [], [], [], []
    for _ in range(400):
        values = {}
        for item in ITEMS:
            limits = "6 9" if item == "ph" else DISSOLVED_OXYGEN if item == "do" else TABLE_1[item]
            steps = scaled(chance.choice(limits.split()), REGIME.items[item].decimals) + chance.choice((-1, 0, 1))
            if chance.random() > 0.03:
                values[item] = (steps, item not in ("ph", "do") and chance.random() < 0.1)
        body = chance.choice((Body.RIVER, Body.LAKE))
        rows.append([values[item][0] if item in values else NO_VALUE for item in ITEMS])
        below.append([item in values and values[item][1] for item in ITEMS])
        bodies.append(body)
        shuffled = dict(chance.sample(list(values.items()), len(values)))
        single.append(water.judge(shuffled, body, REGIME, "section_21"))
    found = water.judge_array(np.array(rows), np.array(below), np.array(bodies), REGIME, "section_21", ITEMS)
    assert found.tolist() == [one.water_class for one in single]
    assert {NONE, I, II, III, IV, V, WORSE} >= set(found.tolist()) >= {NONE, V, WORSE}


# ---- means ---------------------------------------------------------------------------------------------------------


def mean(item: str, *texts: str) -> Fraction:
    decimals = REGIME.items[item].decimals
    readings = [(scaled(text.rstrip("L"), decimals), text.endswith("L")) for text in texts]
    top, bottom, _ = water.means({item: readings}, REGIME)[item]
    return Fraction(top, bottom) / 10**decimals


def test_means_are_exact_and_half_a_detection_limit_enters() -> None:
    assert mean("codmn", "1", "2", "2") == Fraction(5, 3)
    assert mean("nh3n", "0.025L", "0.1") == (Fraction("0.0125") + Fraction("0.1")) / 2
    _, _, below = water.means({"nh3n": [(25, True), (25, True)]}, REGIME)["nh3n"]
    assert below == 1


def test_the_mean_of_ph_goes_by_hydrogen_ions() -> None:
    assert mean("ph", "7", "7") == 7
    found = float(mean("ph", "6", "8"))
    assert abs(found + math.log10((1e-6 + 1e-8) / 2)) < 1e-9  # 6.2967, not 7


@given(st.lists(st.integers(6000, 9000), min_size=1, max_size=12))
def test_the_mean_of_ph_lies_within_its_values_and_below_the_plain_mean(values: list[int]) -> None:
    step = 10 ** REGIME.items["ph"].decimals
    readings = [(value * step // 1000, False) for value in values]
    top, bottom, _ = water.means({"ph": readings}, REGIME)["ph"]
    found = Fraction(top, bottom)
    steps = [value for value, _ in readings]
    assert min(steps) <= found <= max(steps)
    assert found <= Fraction(sum(steps), len(steps)) + Fraction(1, 10**6)


def test_the_mean_of_coliforms_is_geometric() -> None:
    assert mean("fecal_coliform", "100", "10000") == 1000
    assert mean("fecal_coliform", "20", "20") == 20
    assert mean("fecal_coliform", "20L", "40") == 20  # half of the detection limit is 10: the root of 400
    assert mean("fecal_coliform", "0", "400") == 0
    assert abs(float(mean("fecal_coliform", "100", "200", "300")) - 181.7120592832139) < 1e-9  # cube root of 6,000,000


@given(st.permutations([(100, False), (200, True), (333, False), (400, False)]))
def test_the_order_of_readings_is_irrelevant(readings: list[tuple[int, bool]]) -> None:
    assert water.means({"tp": readings}, REGIME) == water.means({"tp": sorted(readings)}, REGIME)


@pytest.mark.parametrize(
    ("item", "texts", "expected"),
    [
        ("codmn", ("6.0", "6.1"), "6.0"),  # 6.05, half to even
        ("codmn", ("6.1", "6.2"), "6.2"),  # 6.15, half to even
        ("nh3n", ("0.14", "0.15", "0.15"), "0.15"),  # 0.1466…
        ("do", ("4.9", "5.0"), "5.0"),  # 4.95, half to even
    ],
)
def test_a_mean_is_rounded_once_before_it_is_compared(item: str, texts: tuple[str, ...], expected: str) -> None:
    """Decimals of 环办监测函〔2020〕82号: one for CODMn and oxygen, two for NH3-N."""
    decimals = REGIME.items[item].decimals
    exact = water.means({item: [(scaled(text, decimals), False) for text in texts]}, REGIME)
    assert water.rounded(exact, REGIME)[item] == (scaled(expected, decimals), False)


@pytest.mark.parametrize(
    ("item", "texts", "expected"),
    [
        ("mercury", ("0.000004", "0.000004"), "0.000004"),  # five decimals would leave nothing
        ("mercury", ("0.000014", "0.000016"), "0.00002"),  # 0.000015, half to even: one digit is left
        ("tp", ("0.0004", "0.0003"), "0.0004"),  # 0.00035, half to even
        ("tp", ("0", "0"), "0"),
    ],
)
def test_a_mean_that_would_round_to_nothing_keeps_one_digit(item: str, texts: tuple[str, ...], expected: str) -> None:
    decimals = REGIME.items[item].decimals
    exact = water.means({item: [(scaled(text, decimals), False) for text in texts]}, REGIME)
    assert water.rounded(exact, REGIME)[item] == (scaled(expected, decimals), False)


def test_a_mean_ph_is_a_whole_number() -> None:
    step = 10 ** REGIME.items["ph"].decimals
    for texts, expected in ((("6", "8"), 6), (("8.6", "8.8"), 9), (("9.2", "9.4"), 9)):  # 6.30, 8.69, 9.29
        exact = water.means({"ph": [(scaled(text, REGIME.items["ph"].decimals), False) for text in texts]}, REGIME)
        assert water.rounded(exact, REGIME)["ph"] == (expected * step, False)


def test_a_mean_is_below_detection_only_when_every_value_is() -> None:
    def below(*marks: bool) -> int:
        return water.means({"tp": [(1000, mark) for mark in marks]}, REGIME)["tp"][2]

    assert (below(True, True), below(True, False), below(False, False)) == (1, 0, 0)
    months = [water.means({"tp": [(1000, mark)]}, REGIME) for mark in (True, False)]
    assert water.mean_of_means(months, REGIME)["tp"][2] == 0
    assert water.mean_of_means(months[:1] * 2, REGIME)["tp"][2] == 1


def test_months_may_count_by_their_share_of_days() -> None:
    steps = {name: 10 ** REGIME.items[name].decimals for name in ("ph", "codmn", "fecal_coliform")}
    months = [
        water.means({name: [(value * steps[name], False)] for name, value in values.items()}, REGIME)
        for values in ({"ph": 6, "codmn": 1, "fecal_coliform": 10}, {"ph": 8, "codmn": 2, "fecal_coliform": 160})
    ]
    found = water.mean_of_means(months, REGIME, weights=[3, 1])
    exact = {name: Fraction(top, bottom) / steps[name] for name, (top, bottom, _) in found.items()}
    assert exact["codmn"] == Fraction(5, 4)
    assert abs(exact["ph"] + math.log10((3e-6 + 1e-8) / 4)) < 1e-9
    assert abs(exact["fecal_coliform"] - 20) < 1e-9  # the fourth root of 10 * 10 * 10 * 160


def test_the_ph_of_a_year_goes_by_hydrogen_ions_too() -> None:
    step = 10 ** REGIME.items["ph"].decimals
    months = [water.means({"ph": [(value * step, False)]}, REGIME) for value in (6, 8)]
    top, bottom, _ = water.mean_of_means(months, REGIME)["ph"]
    assert abs(top / bottom / step + math.log10((1e-6 + 1e-8) / 2)) < 1e-9  # 6.2967, not 7


def test_a_mean_of_values_below_detection_is_judged_as_one_of_them() -> None:
    """Mercury below 0.0003 mg/L: class III ends at 0.0001, so it cannot be judged, once or twice."""
    once = judged(CLEAN | {"mercury": "0.0003L"})
    steps = scaled("0.0003", REGIME.items["mercury"].decimals)
    mean_of_two = water.rounded(water.means({"mercury": [(steps, True)] * 2}, REGIME), REGIME)
    twice = water.judge({**sample(CLEAN), **mean_of_two}, Body.RIVER, REGIME, "section_21")
    assert (once.not_judgeable, once.water_class) == (twice.not_judgeable, twice.water_class) == (("mercury",), I)
    fine = water.rounded(
        water.means({"nh3n": [(scaled("0.3", REGIME.items["nh3n"].decimals), True)] * 2}, REGIME), REGIME
    )
    assert water.judge({**sample(CLEAN), **fine}, Body.RIVER, REGIME, "section_21").water_class is I  # half is 0.15


def test_a_year_is_the_mean_of_its_months_however_many_readings_they_have() -> None:
    first = water.means({"codmn": [(10_000, False)] * 9}, REGIME)
    second = water.means({"codmn": [(20_000, False)]}, REGIME)
    third = water.means({"tp": [(500, False)]}, REGIME)
    found = water.mean_of_means([first, second, third], REGIME)
    assert found["codmn"][:2] == (15_000, 1)
    assert found["tp"][:2] == (500, 1)  # of the months that have it
