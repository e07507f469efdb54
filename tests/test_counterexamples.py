"""Values that public libraries get wrong; every expected number is worked from the printed standard, steps shown.

What the others answer was asked of python-aqi 0.6.1 (`to_iaqi(..., algo=ALGO_MEP)`, HJ 633-2012) and aqi-hub 0.3.3
(`cal_iaqi_cn`, `cal_aqi_cn`, HJ 633-2026) in an environment of their own; neither is needed here.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from envmon import periods, rounding, standards
from envmon.assess import air
from envmon.model import NO_VALUE, POLLUTANTS, AirDays, AirRegime, Status

OLD, NEW = (standards.air(periods.number(day)) for day in (date(2022, 3, 1), date(2026, 8, 21)))
CLEAN = {"so2": "9", "no2": "20", "co": "0.5", "o3": "60", "pm10": "30", "pm25": "20"}  # indices up to 30
STORED = (3,) * len(POLLUTANTS)


def day(regime: AirRegime, **given: str) -> AirDays:
    """A day of 24 hours; an item as `4.0*12 4.1*12`, one value all day, or "" for nothing. The others are clean."""
    hours = np.full((len(POLLUTANTS), 24, 1), NO_VALUE, np.int32)
    for row, name in enumerate(POLLUTANTS):
        at = 0
        for part in (CLEAN | given)[name].split():
            value, _, times = part.partition("*")
            count = int(times or 24)
            hours[row, at : at + count, 0] = rounding.scaled(value, 3)
            at += count
    return air.daily(hours, 0, regime, STORED)


# Regime, item, its hours, the daily value as printed, sub-index, level of the day.
CASES = [
    # CO 4.5 mg/m3: 100 + 50/10 x 0.5 = 102.5, up to 103. python-aqi cuts CO to whole milligrams: 100, a good day.
    (OLD, "co", "4.5", "4.5", 103, 3),
    # CO 4.1: 100 + 50/10 x 0.1 = 100.5, up to 101, the smallest bad day. python-aqi: 100.
    (OLD, "co", "4.1", "4.1", 101, 3),
    # CO 2.2: 50 + 50/2 x 0.2 = 55 exactly. aqi-hub: 56, from a binary fraction a little above; python-aqi: 50.
    (NEW, "co", "2.2", "2.2", 55, 2),
    (OLD, "co", "2.2", "2.2", 55, 2),
    # SO2 300 as a 24-h mean: 100 + 50/325 x 150 = 123.08, up to 124. aqi-hub takes the 1-h column and calls it 72, 良.
    (NEW, "so2", "300", "300", 124, 3),
    # SO2 155: 100 + 50/325 x 5 = 100.77, up to 101. python-aqi: 102.
    (OLD, "so2", "155", "155", 101, 3),
    # PM2.5 35.9 rounds to 36: 50 + 50/40 x 1 = 51.25, up to 52 (2026: 50/25, 52). python-aqi cuts to 35: 50, 优.
    (OLD, "pm25", "35.9", "36", 52, 2),
    (NEW, "pm25", "35.9", "36", 52, 2),
    # PM2.5 36: 51.25 goes up. python-aqi rounds to the nearest: 51.
    (OLD, "pm25", "36", "36", 52, 2),
    # PM2.5 35 lies on a breakpoint: 50. Both libraries agree; a sum of binary fractions that goes up may not.
    (OLD, "pm25", "35", "35", 50, 1),
    (NEW, "pm25", "35", "35", 50, 1),
    # PM2.5 501 is beyond the table, and its index stays 500. python-aqi fails with IndexError.
    (OLD, "pm25", "501", "501", 500, 6),
    (OLD, "pm10", "601", "601", 500, 6),
    # O3 801 as an 8-h mean: 2012 goes on with the 1-h column, 300 + 100/200 x 1 = 300.5, up; 2026 stays at 300.
    # python-aqi fails with TypeError.
    (OLD, "o3", "801", "801", 301, 6),
    # PM2.5 75 is a good day by 2012 (100) and none by 2026: 100 + 50/55 x 15 = 113.6, up. python-aqi knows 2012 only.
    (OLD, "pm25", "75", "75", 100, 2),
    (NEW, "pm25", "75", "75", 114, 3),
    # A mean of 60.4 rounds to 60 before it meets the table: 100, 良. aqi-hub takes 60.4 as it is: 101, a bad day.
    (NEW, "pm25", "60.4", "60", 100, 2),
    # The same with ozone at 160.4: 100. aqi-hub: 101.
    (NEW, "o3", "160.4", "160", 100, 2),
    # Twelve hours of 1.2 and twelve of 1.3 are 1.25 mg/m3, a tie, to the even 1.2: 50/2 x 1.2 = 30. A running sum of
    # binary fractions divided by 24 is 1.2500000000000002 and rounds to 1.3, 33; aqi-hub on 1.25: 32.
    (NEW, "co", "1.2*12 1.3*12", "1.2", 30, 1),
    # Ten hours of 4.0 and ten of 4.1 are 4.05, a tie, to the even 4.0: 100, a good day. aqi-hub on 4.05: 101.
    (NEW, "co", "4.0*10 4.1*10", "4.0", 100, 2),
    # 2.0 and 2.1 are 2.05, to the even 2.0: 50, 优. A running sum gives 2.0500000000000007, 2.1, 53.
    (NEW, "co", "2.0*12 2.1*12", "2.0", 50, 1),
    # 34.5 to the even 34: 50/35 x 34 = 48.57, up to 49. aqi-hub on 34.5: 50.
    (NEW, "pm25", "34*12 35*12", "34", 49, 1),
]


@pytest.mark.parametrize(
    ("regime", "item", "hours", "value", "index", "level"),
    CASES,
    ids=[f"{regime.index.id[-4:]} {item} {hours}" for regime, item, hours, *_ in CASES],
)
def test_a_day_is_what_the_print_says(
    regime: AirRegime, item: str, hours: str, value: str, index: int, level: int
) -> None:
    found, row = day(regime, **{item: hours}), POLLUTANTS.index(item)
    decimals = 1 if item == "co" else 0
    assert rounding.printed(int(found.value[row, 0, 0]), decimals) == value
    assert (found.iaqi[row, 0, 0], found.aqi[0, 0], found.level[0, 0]) == (index, index, level)
    assert found.primary[0, 0] == (0 if index <= 50 else 1 << row)
    assert found.status[0, 0] == Status.VALID


def test_sulphur_dioxide_above_800_in_an_hour() -> None:
    """2012 goes on with the 24-h column, 200 + 100/800 = 200.125, up; 2026 stays at 200. python-aqi: TypeError."""
    hour = np.array([rounding.scaled("801" if name == "so2" else CLEAN[name], 3) for name in POLLUTANTS], np.int32)
    assert [int(air.hourly(hour, regime.index, STORED).aqi) for regime in (OLD, NEW)] == [201, 200]


def test_the_mean_of_stations_is_rounded_once() -> None:
    """60.6, 60.6 and 60.1 are 60.43, so 60 and index 100; rounded first they are 61, 61 and 60, 60.67, so 61: 101, a
    bad day made by rounding twice."""
    hours = np.concatenate([hours_of(mean) for mean in ("60.6", "60.6", "60.1")], axis=2)
    found = air.area_days(hours, 0, NEW, STORED)
    assert (found.value[POLLUTANTS.index("pm25"), 0, 0], found.aqi[0, 0]) == (60, 100)


def hours_of(pm25: str) -> np.ndarray:
    """A clean station with one mean of PM2.5 all day."""
    texts = CLEAN | {"pm25": pm25}
    values = np.array([rounding.scaled(texts[name], 3) for name in POLLUTANTS], np.int32)
    return np.repeat(values[:, None, None], 24, axis=1)


def test_a_missing_item_is_not_a_good_day() -> None:
    """HJ 633-2026 5.3.1: without PM2.5 an index up to 100 is not published. aqi-hub answers the 30 of the rest."""
    found = day(NEW, pm25="")
    assert found.status[0, 0] == Status.INCOMPLETE
    assert air.published(int(found.aqi[0, 0]), int(found.missing[0, 0]), NEW.index) is None
