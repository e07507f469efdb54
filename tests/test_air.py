"""Ambient air: indices and days against worked cases, grids over every breakpoint, and an exact rational reference."""

from __future__ import annotations

import csv
import itertools
import math
import tomllib
from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from envmon import periods, rounding, standards
from envmon.assess import air
from envmon.errors import NotAssessable
from envmon.model import NO_VALUE, POLLUTANTS, AirRegime, Status

WORKED = Path(__file__).parent / "worked"
DAYS = {"HJ 633-2012": date(2022, 3, 1), "HJ 633-2026": date(2026, 8, 21)}
REGIMES = {name: standards.air(periods.number(day)) for name, day in DAYS.items()}
OLD, NEW = REGIMES.values()
INDEX = tomllib.loads((WORKED / "air_index.toml").read_text("utf-8"))["case"]
HOURS = tomllib.loads((WORKED / "air_days.toml").read_text("utf-8"))["case"]
PRINTED = (0, 0, 1, 0, 0, 0)  # decimals of the index table
STORED = (3,) * 6  # decimals of the store
CO, O3, PM25 = (POLLUTANTS.index(name) for name in ("co", "o3", "pm25"))


def column_rows() -> list[dict[str, str]]:
    with (WORKED / "air_breakpoints.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names(mask: int) -> list[str]:
    return [name for bit, name in enumerate(POLLUTANTS) if int(mask) >> bit & 1]


def given_values(texts: dict[str, str], decimals: Sequence[int] = PRINTED) -> np.ndarray:
    values = [
        rounding.scaled(texts[name], places) if name in texts else NO_VALUE
        for name, places in zip(POLLUTANTS, decimals, strict=True)
    ]
    return np.array(values, np.int32)


# --- index ------------------------------------------------------------------------------------------------------


def test_dates_pick_the_editions() -> None:
    assert [regime.index.id for regime in REGIMES.values()] == list(REGIMES)


@pytest.mark.parametrize("case", INDEX, ids=lambda case: f"{case['edition'][-4:]}-{case['mode']}-{case['given']}")
def test_worked_index(case: dict) -> None:
    found = air.index(given_values(case["given"]), REGIMES[case["edition"]].index, case["mode"])
    for key, expected in case["expect"].items():
        if key.startswith("iaqi_"):
            assert found.iaqi[POLLUTANTS.index(key[5:])] == expected, case["clause"]
        elif isinstance(expected, list):
            assert names(getattr(found, key)) == expected, case["clause"]
        else:
            assert getattr(found, key) == expected, case["clause"]


@pytest.mark.parametrize("row", column_rows(), ids=lambda row: f"{row['edition'][-4:]}-{row['column']}")
def test_every_column_is_the_printed_one(row: dict[str, str]) -> None:
    column = REGIMES[row["edition"]].index.columns[row["column"]]
    typed = [(node, row[str(node)]) for node in (0, 50, 100, 150, 200, 300, 400, 500) if row[str(node)]]
    assert column.nodes == tuple(node for node, _ in typed)
    assert column.points == tuple(rounding.scaled(text, int(row["decimals"])) for _, text in typed)
    assert str(column.beyond) == row["beyond"]


def reference_sub_index(edition: str, column: str, value: Fraction) -> int:
    """Sub-index by fractions from the typed table, for one printed concentration."""
    row = next(row for row in column_rows() if (row["edition"], row["column"]) == (edition, column))
    typed = [(node, Fraction(row[str(node)])) for node in (0, 50, 100, 150, 200, 300, 400, 500) if row[str(node)]]
    for (low_node, low), (high_node, high) in itertools.pairwise(typed):
        if value <= high:
            return math.ceil(low_node + Fraction(high_node - low_node) * (value - low) / (high - low))
    if not row["beyond"].isdigit():
        return reference_sub_index(edition, row["beyond"], value)
    return int(row["beyond"])


@pytest.mark.parametrize("edition", REGIMES)
@pytest.mark.parametrize("mode", ["daily", "hourly"])
@pytest.mark.parametrize("pollutant", POLLUTANTS)
def test_grid_of_every_breakpoint_and_its_neighbours(edition: str, mode: str, pollutant: str) -> None:
    regime, bit = REGIMES[edition], POLLUTANTS.index(pollutant)
    short = "24h" if mode == "daily" or pollutant.startswith("pm") else "1h"
    name = "o3_8h" if (pollutant, mode) == ("o3", "daily") else f"{pollutant}_{short}"
    rows = [row for row in column_rows() if row["edition"] == edition]
    column = next(row for row in rows if row["column"] == name)
    step = Fraction(1, 10 ** int(column["decimals"]))
    points = {
        Fraction(row[str(node)]): node
        for node in (0, 50, 100, 150, 200, 300, 400, 500)
        for row in rows
        if row["column"] == name and row[str(node)]
    }
    grid = sorted({max(point + move * step, Fraction(0)) for point in points for move in (-1, 0, 1)} | {Fraction(9000)})
    values = np.full((6, len(grid)), NO_VALUE, np.int32)
    values[bit] = [int(value / step) for value in grid]
    found = air.index(values, regime.index, mode)
    expected = [reference_sub_index(edition, name, value) for value in grid]
    assert found.iaqi[bit].tolist() == expected
    assert found.aqi.tolist() == expected
    assert all(expected[grid.index(point)] == node for point, node in points.items())


@given(
    st.sampled_from(sorted(REGIMES)),
    st.sampled_from(["daily", "hourly"]),
    hnp.arrays(np.int16, (6, 8), elements=st.integers(NO_VALUE, 32767)),
    st.integers(0, 32767),
)
def test_the_index_never_falls_as_a_value_rises(edition: str, mode: str, values: np.ndarray, rise: int) -> None:
    higher = np.where(values < 0, values, np.minimum(values.astype(np.int32) + rise, 32767)).astype(np.int16)
    low, high = (air.index(each, REGIMES[edition].index, mode) for each in (values, higher))
    assert (low.iaqi <= high.iaqi).all()
    assert (low.aqi <= high.aqi).all()
    assert (low.level <= high.level).all()
    assert high.aqi.max() <= 500
    assert ((low.iaqi == NO_VALUE) == (values == NO_VALUE)).all()


def test_levels_change_after_each_bound() -> None:
    aqi = np.array([NO_VALUE, 0, 1, 50, 51, 100, 101, 150, 151, 200, 201, 300, 301, 500], np.int16)
    for regime in REGIMES.values():
        assert air.level_of(aqi, regime.index).tolist() == [0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]


def test_hourly_rounds_stored_values_half_to_even_once() -> None:
    texts = {"co": "5.05", "pm25": "35.5", "no2": "100.5", "o3": "160.501"}
    found = air.hourly(given_values(texts, STORED), NEW.index, STORED)
    # CO 5.0 (tie, even), PM2.5 36 (tie, even), NO2 100 (tie, even), O3 161
    assert [int(found.iaqi[POLLUTANTS.index(name)]) for name in texts] == [50, 52, 50, 52]
    coarse = air.hourly(np.array([NO_VALUE, NO_VALUE, 5, NO_VALUE, NO_VALUE, 36], np.int16), NEW.index, (0,) * 6)
    assert (coarse.iaqi[CO], coarse.iaqi[PM25]) == (50, 52)


def test_an_item_outside_the_plan_is_not_missing_but_counts_when_there() -> None:
    values = given_values({"so2": "9", "no2": "20", "o3": "100", "pm10": "40", "pm25": "20"})
    plan = air.EVERY & ~(1 << CO)
    assert air.index(values, NEW.index, "daily", plan).published == 50
    assert air.index(values, NEW.index, "daily").published == NO_VALUE
    values[CO] = 41
    assert air.index(values, NEW.index, "daily", plan).aqi == 101


@pytest.mark.parametrize("shape", [(5, 3), (0,), ()])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NotAssessable, match="6"):
        air.index(np.zeros(shape, np.int32), NEW.index, "daily")


def test_negative_values_are_refused_and_the_mark_is_not() -> None:
    values = np.full((6, 2), NO_VALUE)
    assert air.index(values, NEW.index, "hourly").aqi.tolist() == [NO_VALUE, NO_VALUE]
    values[3, 1] = -2
    with pytest.raises(NotAssessable, match="-2"):
        air.index(values, NEW.index, "hourly")
    with pytest.raises(NotAssessable, match="-2"):
        air.daily(np.repeat(values[:, None], 24, axis=1), 0, NEW, PRINTED)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(NotAssessable, match="weekly"):
        air.index(np.zeros((6, 1), np.int32), NEW.index, "weekly")


# --- days -------------------------------------------------------------------------------------------------------


def typed_hours(text: str) -> list[str]:
    hours: list[str] = []
    for part in text.split():
        value, _, times = part.partition("*")
        hours += [value] * int(times or 1)
    return hours


@pytest.mark.parametrize("steps", [PRINTED, STORED], ids=["printed steps", "stored steps"])
@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64])
@pytest.mark.parametrize("case", HOURS, ids=lambda case: case["name"])
def test_worked_days(case: dict, kind: type, steps: tuple[int, ...]) -> None:
    if kind is np.int16 and steps == STORED:
        kind = np.int32  # stored steps do not fit
    bit = POLLUTANTS.index(case["pollutant"])
    hours = np.full((6, 24, 1), NO_VALUE, kind)
    typed = typed_hours(case["hours"])
    assert len(typed) == 24
    hours[bit, :, 0] = [NO_VALUE if text == "-" else rounding.scaled(text, steps[bit]) for text in typed]
    for regime in REGIMES.values():
        found = air.daily(hours, 0, regime, steps)
        value = int(found.value[bit, 0, 0])
        assert ("" if value == NO_VALUE else rounding.printed(value, PRINTED[bit])) == case["expect"]["value"]
        assert found.hours[bit, 0, 0] == case["expect"]["hours"]
        if "windows" in case["expect"]:
            assert found.windows[0, 0] == case["expect"]["windows"]


def reference_day(hours: np.ndarray, regime: AirRegime, steps: Sequence[int]) -> list[int]:
    """Daily values of one site-day [6, 24] in fractions, straight from GB 3095 and HJ 663."""
    values = []
    for bit, row in enumerate(hours.tolist()):
        unit = Fraction(10 ** PRINTED[bit], 10 ** steps[bit])
        valid = [value for value in row if value != NO_VALUE]
        mean = Fraction(sum(valid), len(valid)) if len(valid) >= 20 else None
        if bit == O3:
            windows = [[value for value in row[end - 8 : end] if value != NO_VALUE] for end in range(8, 25)]
            means = [Fraction(sum(window), len(window)) for window in windows if len(window) >= 6]
            mean = max(means, default=None)
            if mean is not None and len(means) < 14 and round(mean * unit) <= 160:
                mean = None
        values.append(NO_VALUE if mean is None else round(mean * unit))
    return values


def reference_index(values: Sequence[int], edition: str) -> list[int]:
    daily_columns = ["so2_24h", "no2_24h", "co_24h", "o3_8h", "pm10_24h", "pm25_24h"]
    return [
        NO_VALUE if value == NO_VALUE else reference_sub_index(edition, column, Fraction(value, 10**places))
        for value, column, places in zip(values, daily_columns, PRINTED, strict=True)
    ]


def some_hours(seed: int, shape: tuple[int, int], kind: type, scale: int = 1) -> np.ndarray:
    """Hours that sit near the thresholds, with gaps that make every count of hours and windows occur."""
    random = np.random.default_rng(seed)
    levels = np.array([60, 60, 30, 165, 130, 70])[:, None, None]
    hours = np.maximum(0, levels + random.normal(0, 8, (6, *shape))) * scale
    gaps = random.random((6, shape[0] // 24, 1, shape[1])) ** 3
    hours[
        random.random((6, shape[0] // 24, 24, shape[1])).reshape(6, *shape)
        < np.repeat(gaps, 24, 2).reshape(6, *shape) * 0.6
    ] = NO_VALUE
    return hours.astype(kind)


@pytest.mark.parametrize("edition", REGIMES)
@pytest.mark.parametrize(
    ("kind", "steps", "scale", "shape"),
    [
        (np.int16, PRINTED, 1, (24 * 2, air.MANY)),
        (np.int16, PRINTED, 1, (24 * 50, 3)),
        (np.int16, PRINTED, 40, (24 * 5, 20)),
        (np.int32, PRINTED, 1, (24, air.MANY + 1)),
        (np.int32, (3, 3, 2, 3, 3, 3), 1000, (24 * 30, 5)),
        (np.int64, (7, 7, 8, 7, 7, 7), 10_000_000, (24 * 4, 10)),
    ],
)
def test_days_equal_the_exact_reference(
    edition: str, kind: type, steps: Sequence[int], scale: int, shape: tuple[int, int]
) -> None:
    hours = some_hours(len(steps) + shape[1], shape, kind, scale)
    regime = REGIMES[edition]
    found = air.daily(hours, 100, regime, steps)
    assert found.first_day == 100
    for day in range(shape[0] // 24):
        for site in range(shape[1]):
            value = reference_day(hours[:, 24 * day : 24 * day + 24, site], regime, steps)
            iaqi = reference_index(value, edition)
            aqi = max(iaqi)
            here = (..., day, site)
            assert found.value[here].tolist() == value
            assert found.iaqi[here].tolist() == iaqi
            assert found.aqi[here] == aqi
            missing = [name for name, each in zip(POLLUTANTS, iaqi, strict=True) if each == NO_VALUE]
            top = [name for name, each in zip(POLLUTANTS, iaqi, strict=True) if each == aqi > 50]
            assert names(found.missing[here]) == missing
            assert names(found.primary[here]) == top


@settings(deadline=None)
@given(hnp.arrays(np.int16, (24,), elements=st.one_of(st.just(NO_VALUE), st.integers(150, 170))))
def test_ozone_windows_equal_the_exact_reference(row: np.ndarray) -> None:
    hours = np.full((6, 24, 1), NO_VALUE, np.int16)
    hours[O3, :, 0] = row
    assert air.daily(hours, 0, OLD, PRINTED).value[:, 0, 0].tolist() == reference_day(hours[..., 0], OLD, PRINTED)


def full_day(**levels: int) -> np.ndarray:
    hours = np.empty((6, 24, 1), np.int32)
    for bit, name in enumerate(POLLUTANTS):
        hours[bit] = levels.get(name, 10)
    return hours


@pytest.mark.parametrize("regime", REGIMES.values(), ids=REGIMES)
def test_status_never_counts_a_gap_as_good(regime: AirRegime) -> None:
    def status(hours: np.ndarray, plan: int = air.EVERY) -> Status:
        return Status(int(air.daily(hours, 0, regime, PRINTED, plan).status[0, 0]))

    assert status(full_day()) is Status.VALID
    gap = full_day()
    gap[PM25] = NO_VALUE
    assert status(gap) is Status.INCOMPLETE
    assert status(gap, air.EVERY & ~(1 << PM25)) is Status.VALID
    bad = full_day(o3=161)
    bad[PM25] = NO_VALUE
    assert status(bad) is Status.VALID  # above 100 whatever the missing item is
    edge = full_day(o3=160)
    edge[PM25] = NO_VALUE
    assert status(edge) is Status.INCOMPLETE
    few = full_day()
    few[:, 5:] = NO_VALUE
    assert status(few) is Status.INSUFFICIENT
    assert status(np.full((6, 24, 1), NO_VALUE)) is Status.MISSING


def test_no_days_and_no_sites() -> None:
    for shape in ((6, 0, 4), (6, 48, 0)):
        found = air.daily(np.zeros(shape, np.int16), 0, NEW, PRINTED)
        assert found.aqi.shape == (shape[1] // 24, shape[2])


def test_hours_must_be_whole_days() -> None:
    with pytest.raises(NotAssessable, match="24 x days"):
        air.daily(np.zeros((6, 25, 1), np.int16), 0, NEW, PRINTED)


def test_steps_by_name_are_the_same() -> None:
    hours = some_hours(1, (48, 3), np.int16)
    by_name = air.daily(hours, 0, NEW, dict(zip(POLLUTANTS, PRINTED, strict=True)))
    assert (by_name.value == air.daily(hours, 0, NEW, PRINTED).value).all()


# --- areas ------------------------------------------------------------------------------------------------------


def stations(*means: str | None) -> np.ndarray:
    """Stations whose PM2.5 is constant through the day; the other pollutants are clean."""
    hours = np.repeat(full_day(), len(means), axis=2).astype(np.int32) * 1000
    for column, mean in enumerate(means):
        hours[PM25, :, column] = NO_VALUE if mean is None else rounding.scaled(mean, 3)
    return hours


def area_value(hours: np.ndarray) -> int:
    return int(air.area_days(hours, 0, NEW, STORED).value[PM25, 0, 0])


def test_an_area_is_the_mean_of_its_stations() -> None:
    assert area_value(stations("30", "40", "51")) == 40  # 121 / 3 = 40.33
    assert area_value(stations("30")) == 30


def test_station_values_go_in_unrounded() -> None:
    # 35.5 and 36.6: the exact mean is 36.05; of values rounded first (36 and 37) it would be 36.5 -> 36
    assert area_value(stations("35.5", "36.6")) == 36
    # 35.4 three times and 36.4: 35.65 -> 36; of 35, 35, 35 and 36 it would be 35.25 -> 35
    assert area_value(stations("35.4", "35.4", "35.4", "36.4")) == 36


def test_stations_with_unlike_hour_counts_weigh_the_same() -> None:
    hours = stations("30", "41")
    hours[PM25, :4, 0] = NO_VALUE
    assert area_value(hours) == 36  # (30 + 41) / 2 = 35.5, not (20 x 30 + 24 x 41) / 44 = 36
    hours[PM25, :, 1] = 40_000
    assert area_value(hours) == 35  # weighed by hours it would be 35.45


def test_the_share_of_valid_stations() -> None:
    assert area_value(stations("40", "40", "40", None)) == 40  # 3 of 4 are 75 %
    assert area_value(stations("40", "40", None, None)) == NO_VALUE
    assert area_value(stations("40", "40", "40", None, None)) == NO_VALUE  # 60 %
    assert area_value(stations("40", "40", None)) == 40  # under four stations half is enough
    assert area_value(stations("40", None)) == 40
    assert area_value(stations("40", None, None)) == NO_VALUE
    found = air.area_days(stations("40", "40", None), 0, NEW, STORED)
    assert found.stations is not None
    assert found.stations[:, 0, 0].tolist() == [3, 3, 3, 3, 3, 2]
    assert found.hours[PM25, 0, 0] == 48
    assert found.windows[0, 0] == 51


def test_several_areas_at_once_and_one_without_stations() -> None:
    hours = some_hours(7, (24 * 40, 9), np.int16)
    areas = [[0, 4, 5], [8], [], [1, 2, 3, 6, 7]]
    together = air.area_days(hours, 5, OLD, PRINTED, areas)
    for number, columns in enumerate(areas):
        alone = air.area_days(hours[:, :, columns], 5, OLD, PRINTED)
        for field in ("value", "hours", "windows", "aqi", "primary", "missing", "status"):
            assert (getattr(together, field)[..., number] == getattr(alone, field)[..., 0]).all(), field
    assert (together.status[:, 2] == Status.MISSING).all()


def test_stations_and_areas_together_are_what_they_are_alone() -> None:
    hours, members = some_hours(5, (24 * 40, 7), np.int32), [[0, 3, 4], [], [6], [1, 2, 3, 5]]
    for regime in REGIMES.values():
        both = air.daily_with_areas(hours, 0, regime, PRINTED, members, required=0b101111)
        alone = (
            air.daily(hours, 0, regime, PRINTED, 0b101111),
            air.area_days(hours, 0, regime, PRINTED, members, 0b101111),
        )
        for one, other in zip(both, alone, strict=True):
            for field in fields(one):
                assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name


def test_an_area_of_one_station_is_judged_as_that_station() -> None:
    hours = some_hours(3, (24 * 60, 1), np.int32, 1000)
    steps = (3, 3, 2, 3, 3, 3)
    area, own = air.area_days(hours, 0, NEW, steps), air.daily(hours, 0, NEW, steps)
    for field in ("value", "iaqi", "aqi", "level", "primary", "exceeding", "missing", "status", "hours", "windows"):
        assert (getattr(area, field) == getattr(own, field)).all(), field


def test_areas_equal_the_exact_reference() -> None:
    hours = some_hours(11, (24 * 40, 5), np.int16)
    found = air.area_days(hours, 0, OLD, PRINTED)
    for day in range(40):
        for bit in range(6):
            exact = []
            for site in range(5):
                row = hours[bit, 24 * day : 24 * day + 24, site].tolist()
                if reference_day(hours[:, 24 * day : 24 * day + 24, site], OLD, PRINTED)[bit] == NO_VALUE:
                    continue
                parts = [row] if bit != O3 else [row[end - 8 : end] for end in range(8, 25)]
                valid = [[value for value in part if value != NO_VALUE] for part in parts]
                exact.append(max(Fraction(sum(v), len(v)) for v in valid if len(v) >= (6 if bit == O3 else 20)))
            expected = round(sum(exact) / len(exact)) if len(exact) >= 4 else NO_VALUE
            assert found.value[bit, day, 0] == expected
