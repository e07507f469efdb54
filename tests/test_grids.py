"""Every breakpoint and limit and its neighbours by one last digit, through whole days, hours, years and samples.

Limits and breakpoints are those typed from the print (`worked/*.csv`, tests/test_drinking.py); the grid of sub-indices
alone stands in tests/test_air.py, the classes of table 1 of GB 3838 in tests/test_water.py.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from envmon import periods, standards
from envmon.assess import air, air_stats, water
from envmon.model import NO_VALUE, POLLUTANTS, AirRegime, Body, Status, WaterRegime
from tests.test_air import REGIMES, column_rows, reference_sub_index
from tests.test_air_stats import days, item
from tests.test_drinking import BASIC, CLASS_III, FULL_ONLY, GROUND, GROUNDWATER, ROUTINE, SURFACE, TABLE_2

WORKED = Path(__file__).parent / "worked"
NODES = (50, 100, 150, 200, 300, 400, 500)
LEVELS = (50, 100, 150, 200, 300, 500)  # HJ 633 table of levels: the largest index of each
STORED = 1000  # steps of a stored concentration in its printed unit
AT = Fraction(1, STORED)
DECIMALS = {name: 1 if name == "co" else 0 for name in POLLUTANTS}
CLEAN = 1  # µg/m3, or mg/m3 of CO: indices up to 25 everywhere


def column_of(pollutant: str, mode: str) -> str:
    if (pollutant, mode) == ("o3", "daily"):
        return "o3_8h"
    return f"{pollutant}_{'24h' if mode == 'daily' or pollutant.startswith('pm') else '1h'}"


def points_of(edition: str, column: str) -> list[Fraction]:
    row = next(row for row in column_rows() if (row["edition"], row["column"]) == (edition, column))
    return [Fraction(row[str(node)]) for node in (0, *NODES) if row[str(node)]]


def around(points: Sequence[Fraction], digit: Fraction) -> list[Fraction]:
    """Each point, one last digit and half of one to its sides, and a thousandth beside those halves."""
    near = {point + half * digit / 2 + off for point in points for half in range(-2, 3) for off in (-AT, 0, AT)}
    return sorted(value for value in near if value >= 0)


@pytest.mark.parametrize("edition", REGIMES)
@pytest.mark.parametrize("mode", ["daily", "hourly"])
@pytest.mark.parametrize("pollutant", POLLUTANTS)
def test_a_day_and_an_hour_at_every_breakpoint(edition: str, mode: str, pollutant: str) -> None:
    """Stored to a thousandth; rounded half to even to the last digit once, then up to the index."""
    regime, row, column = REGIMES[edition], POLLUTANTS.index(pollutant), column_of(pollutant, mode)
    digit = Fraction(1, 10 ** DECIMALS[pollutant])
    grid = around(points_of(edition, column), digit)
    hours = np.full((len(POLLUTANTS), 24, len(grid)), CLEAN * STORED, np.int32)
    hours[row] = [int(value * STORED) for value in grid]
    expected = [reference_sub_index(edition, column, round(value / digit) * digit) for value in grid]
    if mode == "hourly":
        found = air.hourly(hours[:, 0], regime.index, (3,) * 6)
        iaqi, aqi, level, primary = found.iaqi[row], found.aqi, found.level, found.primary
    else:
        judged = air.daily(hours, 0, regime, (3,) * 6)
        assert judged.value[row, 0].tolist() == [round(value / digit) for value in grid]
        assert (judged.status == Status.VALID).all()
        exceeding = [(index > 100) << row if edition.endswith("2012") else 0 for index in expected]
        assert judged.exceeding[0].tolist() == exceeding  # HJ 633-2026 knows no such term
        iaqi, aqi, level, primary = (part[0] for part in (judged.iaqi[row], judged.aqi, judged.level, judged.primary))
    assert iaqi.tolist() == expected
    clean = [index for index in expected if index > 25]  # beyond what the clean items have
    assert aqi.tolist()[-len(clean) :] == clean
    assert level.tolist() == [1 + sum(index > bound for bound in LEVELS[:-1]) for index in expected]
    assert primary.tolist() == [(index > 50) << row for index in expected]


# What HJ 633 says above the last printed point of a column; 2012 carries SO2 1 h and O3 8 h on by another column.
ABOVE = {
    "HJ 633-2012": {
        ("so2", "hourly"): {"801": 201, "1600": 300, "1601": 301, "2100": 400, "2620": 500, "2621": 500},
        ("o3", "daily"): {"801": 301, "1000": 400, "1001": 401, "1200": 500, "1201": 500},
    },
    "HJ 633-2026": {
        ("so2", "hourly"): {"801": 200, "1601": 200, "2621": 200, "9999": 200},
        ("o3", "daily"): {"801": 300, "1001": 300, "1201": 300, "9999": 300},
    },
}
BEYOND = {  # 500 everywhere else, in both editions
    ("so2", "daily"): "2621", ("no2", "daily"): "941", ("no2", "hourly"): "3841", ("co", "daily"): "60.1",
    ("co", "hourly"): "150.1", ("o3", "hourly"): "1201", ("pm10", "daily"): "601", ("pm10", "hourly"): "601",
    ("pm25", "daily"): "501", ("pm25", "hourly"): "501",
}  # fmt: skip
# The smallest value of a column: formula 1 rounded up, 50 / point x one last digit. CO 0.1: 2.5 a day, 1 an hour.
LEAST = {
    ("so2", "daily"): 1, ("so2", "hourly"): 1, ("no2", "daily"): 2, ("no2", "hourly"): 1, ("co", "daily"): 3,
    ("co", "hourly"): 1, ("o3", "daily"): 1, ("o3", "hourly"): 1, ("pm10", "daily"): 1, ("pm10", "hourly"): 1,
    ("pm25", "daily"): 2, ("pm25", "hourly"): 2,
}  # fmt: skip


def one(regime: AirRegime, pollutant: str, mode: str, text: str) -> int:
    values = np.full(len(POLLUTANTS), NO_VALUE, np.int32)
    values[POLLUTANTS.index(pollutant)] = int(Fraction(text) * 10 ** DECIMALS[pollutant])
    return int(air.index(values, regime.index, mode).aqi)


@pytest.mark.parametrize("edition", REGIMES)
def test_above_the_last_breakpoint(edition: str) -> None:
    regime = REGIMES[edition]
    for (pollutant, mode), expected in ABOVE[edition].items():
        assert {text: one(regime, pollutant, mode, text) for text in expected} == expected
    for (pollutant, mode), text in BEYOND.items():
        assert one(regime, pollutant, mode, text) == one(regime, pollutant, mode, "9999") == 500
    assert len(BEYOND) + len(ABOVE[edition]) == 2 * len(POLLUTANTS)


@pytest.mark.parametrize("edition", REGIMES)
def test_nothing_and_the_least(edition: str) -> None:
    """An index of 0 is a valid one of level 1 without a primary pollutant."""
    regime = REGIMES[edition]
    for (pollutant, mode), least in LEAST.items():
        digit = "0.1" if pollutant == "co" else "1"
        assert (one(regime, pollutant, mode, "0"), one(regime, pollutant, mode, digit)) == (0, least), (pollutant, mode)
    day = air.daily(np.zeros((6, 24, 1), np.int32), 0, regime, (3,) * 6)
    assert (day.aqi[0, 0], day.level[0, 0], day.primary[0, 0], day.status[0, 0]) == (0, 1, 0, Status.VALID)


# --- limits of GB 3095 ------------------------------------------------------------------------------------------


def limits() -> Iterator[tuple[str, str, str, int, Fraction]]:
    with (WORKED / "gb3095_limits.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["average"] != "1h":  # no figure of a year is held against an hourly limit
                for stage in ("2012", "transitional", "final"):
                    for zone, mark in ((1, "I"), (2, "II")):
                        yield row["item"], row["average"], stage, zone, Fraction(row[f"{stage} {mark}"])


YEARS = {"2012": "2022", "transitional": "2030", "final": "2031"}


@pytest.mark.parametrize(("name", "average", "stage", "zone", "limit"), list(limits()))
def test_a_year_at_every_limit_of_gb_3095(name: str, average: str, stage: str, zone: int, limit: Fraction) -> None:
    """365 days alike, so mean and percentile are the day's value: one digit below, on and above the limit."""
    year = periods.parse(YEARS[stage])
    regime, digits = standards.air(year.last), 10 ** DECIMALS[name]
    for value in (limit * digits - 1, limit * digits, limit * digits + 1):
        assert value.denominator == 1
        some = days(f"{YEARS[stage]}-01-01", 365, **{name: int(value)})
        found = item(name, air_stats.figures(some, year, year, regime, zone))
        figure = found.mean if average == "annual" else found.percentile
        assert figure is not None
        above = value / digits - limit
        assert (figure.limit, figure.within) == (limit, above <= 0)
        assert figure.multiple == (round(above / limit * 100) if above > 0 else None)
        if average != "annual":
            assert found.over == (365 if above > 0 else 0)


# --- single limits and classes of water -------------------------------------------------------------------------


def good(regime: WaterRegime, body: Body, item_set: str, name: str, steps: int) -> bool:
    basic = BASIC if regime is SURFACE else {"ph": "7.5", "oxygen_consumption": "0.5", "nh3n": "0.02"}
    sample = {key: (int(Fraction(text) * 10 ** regime.items[key].decimals), False) for key, text in basic.items()}
    return water.judge({**sample, name: (steps, False)}, body, regime, item_set).good


@pytest.mark.parametrize("body", [Body.RIVER, Body.LAKE])
@pytest.mark.parametrize(("name", "text"), [*CLASS_III.items(), *TABLE_2.items(), *ROUTINE.items(), *FULL_ONLY.items()])
def test_a_source_at_every_limit_of_the_three_tables(body: Body, name: str, text: str) -> None:
    limit = Fraction(text) * 10 ** SURFACE.items[name].decimals
    assert limit.denominator == 1
    judged = [good(SURFACE, body, "source_surface_109", name, int(limit) + side) for side in (-1, 0, 1)]
    assert judged == [True, True, False]


@pytest.mark.parametrize("name", list(GROUNDWATER))
def test_groundwater_a_step_below_on_and_above_every_limit(name: str) -> None:
    """Classes I to IV as printed; what is beyond the last bound is V."""
    decimals = GROUND.items[name].decimals
    bounds = [math.inf if text == "-" else Fraction(text) * 10**decimals for text in GROUNDWATER[name].split()]
    grid = [int(bound) + side for bound in bounds if bound != math.inf for side in (-1, 0, 1)]
    values, nothing = np.array([grid]).T, np.zeros((len(grid), 1), np.bool_)
    found = water.item_classes(values, nothing, np.full(len(grid), Body.GROUNDWATER), [GROUND.items[name]])[:, 0]
    assert found.tolist() == [next((at for at, bound in enumerate(bounds, 1) if steps <= bound), 5) for steps in grid]


@pytest.mark.parametrize(
    ("regime", "text", "side", "water_class"),
    [
        # GB 3838-2002 table 1: 6 to 9, else worse than V. GB/T 14848-2017 table 1: 6.5 to 8.5 is I, 5.5 to 9.0 is IV.
        (SURFACE, "6", -1, 6), (SURFACE, "6", 0, 1), (SURFACE, "6", 1, 1),
        (SURFACE, "9", -1, 1), (SURFACE, "9", 0, 1), (SURFACE, "9", 1, 6),
        (GROUND, "5.5", -1, 5), (GROUND, "5.5", 0, 4), (GROUND, "6.5", -1, 4), (GROUND, "6.5", 0, 1),
        (GROUND, "8.5", 0, 1), (GROUND, "8.5", 1, 4), (GROUND, "9.0", 0, 4), (GROUND, "9.0", 1, 5),
    ],
)  # fmt: skip
def test_ph_a_stored_step_off_its_bounds(regime: WaterRegime, text: str, side: int, water_class: int) -> None:
    ph = regime.items["ph"]
    steps = int(Fraction(text) * 10**ph.decimals) + side
    found = water.item_classes(np.array([[steps]]), np.zeros((1, 1), np.bool_), np.array([Body.RIVER]), [ph])
    assert found.tolist() == [[water_class]]
