"""Minutes to hours: how many it takes, which hour they belong to, and one rounding. Expected numbers worked by hand."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from click.testing import CliRunner

from envmon import cli, periods, standards
from envmon.assess.minutes import hourly_means
from envmon.errors import NotAssessable, UsageError
from envmon.model import NO_VALUE, POLLUTANTS

RULE = standards.air(periods.parse("2026-03-02").first).validity
O3, PM25 = POLLUTANTS.index("o3"), POLLUTANTS.index("pm25")
GASES = ("so2", "no2", "co", "o3")


def hour_of(given: list[int], step: int) -> tuple[dict[str, int], int]:
    """The mean of one hour by pollutant, and the minutes; every pollutant has the same values, the rest are gaps."""
    values = np.full((len(POLLUTANTS), 60 // step, 1), NO_VALUE)
    values[:, : len(given), 0] = given
    found = hourly_means(values, step, RULE)
    (minutes,) = set(found.minutes.ravel().tolist())
    return dict(zip(POLLUTANTS, found.value.ravel().tolist(), strict=True)), minutes


@pytest.mark.parametrize(
    ("count", "step", "minutes", "gases"),
    [(45, 1, 45, True), (44, 1, 44, False), (60, 1, 60, True), (9, 5, 45, True), (8, 5, 40, False), (3, 15, 45, True)],
)
def test_gases_need_45_minutes_of_an_hour(count: int, step: int, minutes: int, gases: bool) -> None:
    """GB 3095-2026 table 4: SO2, NO2, CO, O3 at least 45 minutes; for particles it gives no number."""
    means, found = hour_of([7] * count, step)
    assert found == minutes
    assert {item: means[item] for item in GASES} == dict.fromkeys(GASES, 7 if gases else NO_VALUE)
    assert (means["pm10"], means["pm25"]) == (7, 7)


def test_an_hour_without_a_value_has_no_mean_whatever_the_pollutant() -> None:
    means, minutes = hour_of([], 5)
    assert (set(means.values()), minutes) == ({NO_VALUE}, 0)
    assert hour_of([12_000], 5) == (dict.fromkeys(GASES, NO_VALUE) | {"pm10": 12_000, "pm25": 12_000}, 5)


@pytest.mark.parametrize("edition", ["2012", "2026"])
def test_both_editions_ask_for_the_same_minutes(edition: str) -> None:
    found = standards.air(periods.parse("2026-03-02").first, edition).validity.hour_minutes
    assert found == {"so2": 45, "no2": 45, "co": 45, "o3": 45, "pm10": 0, "pm25": 0}


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([1, 2, 2, 1], 2),  # 1.5: to the even one
        ([2, 3, 3, 2], 2),  # 2.5
        ([3, 4, 4, 3], 4),  # 3.5
        ([0, 0, 0, 1], 0),
        ([81, 80, 83], 81),  # 244 / 3 = 81.33
    ],
)
def test_the_mean_is_exact_and_rounded_once_half_to_even(values: list[int], mean: int) -> None:
    assert hour_of(values, 15)[0]["o3"] == mean


def test_many_hours_and_sites_are_as_one_by_one() -> None:
    chance = random.Random(5)
    values = np.array(
        [[[chance.choice([NO_VALUE, *range(40)]) for _ in range(3)] for _ in range(60 * 7)] for _ in POLLUTANTS]
    )
    found = hourly_means(values, 1, RULE)
    assert found.value.shape == found.minutes.shape == (6, 7, 3)
    for row, item in enumerate(POLLUTANTS):
        for hour in range(7):
            for site in range(3):
                own = [one for one in values[row, 60 * hour : 60 * hour + 60, site].tolist() if one != NO_VALUE]
                enough = len(own) >= (45 if item in GASES else 1)
                expected = round(Fraction(sum(own), len(own))) if enough else NO_VALUE  # of a Fraction: half to even
                assert found.value[row, hour, site] == expected
                assert found.minutes[row, hour, site] == len(own)


@pytest.mark.parametrize(
    ("shape", "step"),
    [((6, 60, 1), 7), ((6, 60, 1), 0), ((6, 60, 1), 120), ((6, 61, 1), 1), ((5, 60, 1), 1), ((6, 60), 1)],
)
def test_what_is_no_whole_hour_of_minutes_is_refused(shape: tuple[int, ...], step: int) -> None:
    with pytest.raises(NotAssessable):
        hourly_means(np.zeros(shape, int), step, RULE)


def test_a_value_below_zero_is_refused() -> None:
    with pytest.raises(NotAssessable, match="below zero"):
        hourly_means(np.full((6, 60, 1), -2), 1, RULE)


# ---- the command ---------------------------------------------------------------------------------------------------


def calc_hours(text: str, *options: str) -> tuple[int, list[str], list[str]]:
    """The exit code, the lines of the answer and what was told on stderr."""
    said = CliRunner().invoke(
        cli.root, ["calc", "hours", *options, "-"], input=text.encode(), prog_name="envmon", catch_exceptions=False
    )
    return said.exit_code, said.stdout.splitlines(), said.stderr.splitlines()


def five_minutes(first: str, values: list[str], item: str = "o3") -> str:
    day, _, clock = first.partition(" ")
    start = 60 * int(clock[:2]) + int(clock[3:])
    times = [start + 5 * i for i in range(len(values))]
    lines = [f"{day} {at // 60:02d}:{at % 60:02d},{value}" for at, value in zip(times, values, strict=True)]
    return f"time,{item}\n" + "\n".join(lines) + "\n"


def test_an_hour_labelled_16_covers_15_to_16() -> None:
    """Twelve values from 15:05 to 16:00 make the hour 16:00; the thirteenth, at 16:05, belongs to the next one."""
    code, lines, _ = calc_hours(five_minutes("2026-03-02 15:05", ["10"] * 11 + ["22", "40"]))
    assert code == 0
    assert lines == [
        "hour,o3,minutes_o3,status_o3",
        "2026-03-02 16:00,11.000,60,valid",  # (11 x 10 + 22) / 12
        "2026-03-02 17:00,,5,insufficient",
    ]


def test_the_last_hour_of_a_day_is_written_24_or_0() -> None:
    text = five_minutes("2026-03-02 23:05", ["10"] * 12)
    assert "2026-03-02 24:00" in text
    for same in (text, text.replace("2026-03-02 24:00", "2026-03-03 00:00")):
        assert calc_hours(same)[1][1:] == ["2026-03-03 00:00,10.000,60,valid"]


def test_hours_between_are_missing_and_hours_of_many_days_come_in_order() -> None:
    early = five_minutes("2026-02-28 22:05", ["30"] * 12, "pm25")
    late = five_minutes("2026-03-02 01:05", ["50"], "pm25").partition("\n")[2]
    code, lines, _ = calc_hours(early + late)
    assert code == 0
    assert lines[1] == "2026-02-28 23:00,30.000,60,valid"
    assert lines[-1] == "2026-03-02 02:00,50.000,5,valid"  # one value of a particle is enough
    assert len(lines) == 1 + 28
    assert {line.split(",", 1)[1] for line in lines[2:-1]} == {",0,missing"}


def test_rows_that_cannot_be_used_are_told_and_the_rest_goes_on() -> None:
    text = five_minutes("2026-03-02 15:05", ["10"] * 12)  # lines 2 to 13; 16:00 is line 13
    bad = ["2026-03-02 16:07,99", "2026-03-02,99", "nonsense,99", "2026-03-02 16:00,x", "2026-03-02 15:05,16", "17:00"]
    code, lines, told = calc_hours(text + "\n".join(bad) + "\n")
    assert code == 3
    assert lines[1:] == ["2026-03-02 16:00,10.545,55,valid"]  # 16:00 lost its value, 15:05 is 16: (10 x 10 + 16) / 11
    assert [line.split(" ")[1] for line in told[:-1]] == ["15", "16", "17", "17", "18", "19", "14"]
    assert told[-1] == "共 7 处问题"


def test_how_far_values_are_apart_is_taken_from_the_times_or_said() -> None:
    one = "time,pm25\n2026-03-02 15:05,10\n"
    with pytest.raises(UsageError, match="--step"):
        calc_hours(one)
    assert calc_hours(one, "--step", "5")[1][1:] == ["2026-03-02 16:00,10.000,5,valid"]
    with pytest.raises(UsageError, match="7"):
        calc_hours("time,pm25\n2026-03-02 15:07,10\n2026-03-02 15:14,10\n")
    with pytest.raises(UsageError, match="time"):
        calc_hours("pm25\n10\n")


def test_a_mistyped_year_is_refused_with_its_line() -> None:
    """The second value was meant for 2026; without this, 36,000 rows of missing hours would follow."""
    text = "time,pm25\n2026-03-02 15:05,10\n2030-03-02 15:10,11\n2026-03-02 15:15,12\n"
    with pytest.raises(UsageError, match=r"4.*2026-03-02 15:15.*3.*2030-03-02 15:10.*366"):
        calc_hours(text, "--step", "5")
    one_year = "time,pm25\n2025-03-02 15:05,10\n2026-03-02 15:05,11\n"
    assert len(calc_hours(one_year, "--step", "5")[1]) == 1 + 365 * 24 + 1


def test_the_last_hour_there_is_cannot_be_written_and_is_told() -> None:
    """It ends at 24:00 on 31 December 9999; the one before it is fine."""
    text = "time,pm25\n9999-12-31 22:35,10\n9999-12-31 23:00,12\n9999-12-31 23:59,10\n9999-12-31 24:00,10\n"
    code, lines, told = calc_hours(text, "--step", "1")
    assert code == 3
    assert lines[1:] == ["9999-12-31 23:00,11.000,2,valid"]
    assert [line.split(" ")[1] for line in told[:-1]] == ["4", "5"]
