"""Figures of months, quarters and years, worked by hand from the formulas of HJ 663 and 环办〔2014〕64号."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

from envmon import periods, standards
from envmon.assess import air_stats
from envmon.cli import root
from envmon.errors import UsageError
from envmon.model import NO_VALUE, POLLUTANTS, AirDay, Status, View
from envmon.pipeline import air_statistics
from tests.test_rounds import Office, at, site

JANUARY, YEAR = periods.parse("2022-01"), periods.parse("2022")
OLD = standards.air(JANUARY.last, "HJ 633-2012")
NEW = standards.air(periods.parse("2026-12").last, "by-date")


def days(first: str, count: int, **values: int) -> list[AirDay]:
    """So many days from a date on, all alike; pollutants not named are not valid. In steps: CO in 0.1 mg/m3."""
    value = tuple(values.get(item, NO_VALUE) for item in POLLUTANTS)
    start, none = periods.parse(first).first, (0,) * len(POLLUTANTS)
    return [
        AirDay(start + n, 1, "HJ 633-2012", value, none, none, 0, 50, 1, 0, 0, 0, Status.VALID, 1) for n in range(count)
    ]


def item(name: str, found: list[air_stats.ItemFigures]) -> air_stats.ItemFigures:
    return found[POLLUTANTS.index(name)]


def figures(some: list[AirDay], period: str, regime=OLD, zone: int = 2) -> list[air_stats.ItemFigures]:  # type: ignore[no-untyped-def]
    whole = periods.parse(period)
    return air_stats.figures(some, whole, whole, regime, zone)


# --- percentiles and means ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "per_cent", "expected"),
    [
        (365, 98, Fraction(35772, 100)),  # k = 1 + 364 x 0.98 = 357.72
        (365, 95, Fraction(3468, 10)),
        (365, 90, Fraction(3286, 10)),
        (31, 90, Fraction(28)),  # k = 1 + 30 x 0.9 = 28
        (1, 98, Fraction(1)),
        (2, 95, Fraction(195, 100)),
    ],
)
def test_the_percentile_lies_between_the_places_of_annex_a6(count: int, per_cent: int, expected: Fraction) -> None:
    assert air_stats.percentile(list(range(count, 0, -1)), per_cent).exact == expected


def test_a_mean_is_rounded_once_and_half_to_even() -> None:
    """34 and 35 make 34.5, which GB/T 8170 rounds to 34; 35 and 36 make 35.5, which becomes 36."""
    for low, high, shown in ((34, 35, 34), (35, 36, 36)):
        found = item("pm25", figures(days("2022-01-01", 1, pm25=low) + days("2022-01-02", 1, pm25=high), "2022-01"))
        assert found.mean is not None
        assert found.mean.shown == shown


def test_the_edition_of_2026_prints_fine_particles_with_a_decimal() -> None:
    found = item("pm25", figures(days("2026-04-01", 1, pm25=34) + days("2026-04-02", 1, pm25=35), "2026-04", NEW))
    assert found.mean is not None
    assert found.mean.shown == 345  # 34.5


# --- compliance ---------------------------------------------------------------------------------------------------


def test_a_year_complies_by_its_mean_and_by_its_percentile() -> None:
    """PM2.5 class 2 of 2012: 35 a year, 75 a day. 340 days of 30 and 25 days of 80: the mean is 12,200/365 = 33.4,
    the 95th percentile place 346.8 lies among the days of 80, (80 - 75)/75 = 0.07 beyond the limit."""
    found = item("pm25", figures(days("2022-01-01", 340, pm25=30) + days("2022-12-07", 25, pm25=80), "2022"))
    assert found.mean is not None
    assert found.percentile is not None
    assert (found.mean.shown, found.mean.within, found.mean.multiple) == (33, True, None)
    assert (found.percentile.shown, found.percentile.within, found.percentile.multiple) == (80, False, 7)
    assert (found.days, found.over, found.valid, found.compliant) == (365, 25, True, False)


def test_a_mean_on_the_limit_complies_and_one_above_gives_its_multiple() -> None:
    """35.4 is evaluated as 35; 36 is (36 - 35)/35 = 0.03 beyond."""
    near = days("2022-01-01", 219, pm25=35) + days("2022-08-08", 146, pm25=36)  # 35.4
    for some, within, multiple in ((near, True, None), (days("2022-01-01", 365, pm25=36), False, 3)):
        found = item("pm25", figures(some, "2022"))
        assert found.mean is not None
        assert (found.mean.within, found.mean.multiple) == (within, multiple)


def test_the_zone_decides_which_limit_holds() -> None:
    """Annual PM10: 70 in a class-2 zone, 40 in a class-1 zone."""
    for zone, limit, multiple in ((2, 70, None), (1, 40, 25)):
        found = item("pm10", figures(days("2022-01-01", 365, pm10=50), "2022", zone=zone))
        assert found.mean is not None
        assert (found.mean.limit, found.mean.multiple) == (limit, multiple)


def test_carbon_monoxide_and_ozone_have_no_annual_mean_to_keep() -> None:
    found = figures(days("2022-01-01", 365, co=12, o3=100), "2022")
    for name in ("co", "o3"):
        one = item(name, found)
        assert one.mean is not None
        assert (one.mean.limit, one.compliant) == (None, True)


def test_a_month_is_not_held_against_a_limit_of_a_year() -> None:
    found = item("pm25", figures(days("2022-01-01", 31, pm25=50), "2022-01"))
    assert found.mean is not None
    assert (found.mean.limit, found.compliant) == (None, None)


# --- validity -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("period", "count", "valid"), [("2022-01", 27, True), ("2022-01", 26, False)])
def test_a_month_needs_27_valid_days(period: str, count: int, valid: bool) -> None:
    assert item("so2", figures(days("2022-01-01", count, so2=9), period)).valid is valid


@pytest.mark.parametrize(("count", "valid"), [(25, True), (24, False)])
def test_february_needs_25_valid_days(count: int, valid: bool) -> None:
    assert item("so2", figures(days("2022-02-01", count, so2=9), "2022-02")).valid is valid


def test_a_year_with_one_short_month_is_not_valid_and_says_which() -> None:
    """360 days are more than 324, yet January has 26 where it needs 27."""
    some = days("2022-01-01", 26, no2=20) + days("2022-02-01", 334, no2=20)
    found = item("no2", figures(some, "2022"))
    assert (found.valid, found.compliant) == (False, None)
    (gap,) = found.gaps
    assert gap.month is not None
    assert (gap.month.name, gap.have, gap.need) == ("2022-01", 26, 27)


def test_a_year_of_323_days_is_not_valid_though_every_month_is() -> None:
    """27 days in each month but 25 in February are 322; one more is 323, two more are 324."""
    some = []
    for month in range(1, 13):
        some += days(f"2022-{month:02}-01", 25 if month == 2 else 27, so2=9)
    for more, valid in ((1, False), (2, True)):
        extra = days("2022-01-28", more, so2=9)
        found = item("so2", figures(sorted(some + extra, key=lambda day: day.day), "2022"))
        assert (found.days, found.valid) == (322 + more, valid)
        assert [(gap.month, gap.have, gap.need) for gap in found.gaps] == ([] if valid else [(None, 323, 324)])


def test_a_week_and_a_period_that_is_not_over_ask_for_no_number_of_days() -> None:
    whole = periods.parse("2022-01")
    running = periods.parse("2022-01-01..2022-01-05")
    found = air_stats.figures(days("2022-01-01", 5, so2=9), running, whole, OLD, 2)
    assert (item("so2", found).valid, item("so2", found).gaps) == (None, ())


# --- several years, composite index, order ------------------------------------------------------------------------


def test_the_moving_mean_is_of_three_valid_years() -> None:
    """30, 33 and 37 make 33.33; the edition of 2012 knows no moving mean."""
    years = [
        item("pm25", figures(days(f"{year}-01-01", 365, pm25=value), str(year), NEW))
        for year, value in ((2026, 30), (2027, 33), (2029, 37))
    ]
    found = air_stats.moving_mean(years, NEW)
    assert found is not None
    assert (found.exact, found.shown) == (Fraction(100, 3), 333)
    assert air_stats.moving_mean(years[:2], NEW) is None
    assert air_stats.moving_mean(years, OLD) is None
    short = item("pm25", figures(days("2026-01-01", 300, pm25=30), "2026", NEW))
    assert air_stats.moving_mean([short, *years[1:]], NEW) is None


def test_every_ratio_of_the_composite_index_is_rounded_before_the_sum() -> None:
    """SO2 10/60 -> 0.17, NO2 31/40 -> 0.78, CO 1.1/4 -> 0.28, ozone 150/160 -> 0.94, PM10 62/70 -> 0.89, PM2.5 38/35 ->
    1.09: together 4.15, of which PM2.5 is 26.3 %. The sum of the exact ratios would be 4.126, printed 4.13."""
    some = days("2022-01-01", 365, so2=10, no2=31, co=11, o3=150, pm10=62, pm25=38)
    found = air_stats.composite(figures(some, "2022"), OLD, standards.composite())
    assert found.ratios == {"so2": 17, "no2": 78, "co": 28, "o3": 94, "pm10": 89, "pm25": 109}
    assert (found.total, found.largest, found.missing) == (415, ("pm25",), ())
    assert found.shares["pm25"] == 263


def test_without_a_pollutant_there_is_no_composite_index() -> None:
    found = air_stats.composite(figures(days("2022-01-01", 365, so2=10), "2022"), OLD, standards.composite())
    assert found.total is None
    assert set(found.missing) == {"no2", "co", "o3", "pm10", "pm25"}


def test_equal_figures_share_a_place_as_in_the_published_ranking_of_sichuan() -> None:
    """Table 1 of the department's report of 20 September 2024: 德阳 and 达州 with 3.53 are both 12th, 成都 is 14th."""
    published = {"资阳": 341, "内江": 342, "广安": 343, "德阳": 353, "达州": 353, "成都": 354, "攀枝花": 358}
    places = air_stats.ranks(published)
    assert [8 + places[name] for name in published] == [9, 10, 11, 12, 12, 14, 15]


def test_a_change_of_a_concentration_is_in_per_cent() -> None:
    """36 after 40 is -10.0 %; 29 after 30 is -3.3 %, as the ministry gave it for PM2.5 in 2022."""
    assert [air_stats.change_tenths(36, 40), air_stats.change_tenths(29, 30)] == [-100, -33]
    assert air_stats.change_tenths(5, 0) is None


# --- as a user meets it -------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.now_is(site("t", "station"))
    for year, value in ((2022, 40), (2023, 30)):
        for day in range(1, 4):
            made.air_day("t", f"{year}-03-{day:02}", pm25=value)
    made.judge("2023-03-04T12:00")
    yield made
    made.store.close()


def ask(office: Office, *words: str) -> str:
    found = CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), *words])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_a_period_stands_beside_the_same_one_of_the_year_before(office: Office) -> None:
    (found,) = json.loads(ask(office, "stats", "air", "--period", "2023-03-01..2023-03-03", "--json"))
    fine = next(one for one in found["items"] if one["item"] == "pm25")
    assert (fine["mean"], fine["mean_before"], fine["mean_change"], fine["days"]) == (30, 40, -25.0, 3)
    rate = found["good_days"]
    assert (rate["percent"], rate["before_percent"], rate["change_points"]) == (100.0, 100.0, 0.0)
    text = ask(office, "stats", "air", "--period", "2023-03-01..2023-03-03")
    assert "-25.0%" in text
    assert "HJ 663-2013" in text


def test_both_years_are_judged_by_the_edition_of_the_later_one(office: Office) -> None:
    """1 March 2026 is the first day of the edition of 2026, so March 2025 beside it is judged by that edition too."""
    for year in (2025, 2026):
        office.air_day("t", f"{year}-03-01", pm25=70)  # index 94 by 2012, 110 by 2026
    office.judge("2026-03-02T12:00")
    found = air_statistics.report(
        office.store, office.config, office.config.areas[0], periods.parse("2026-03-01"), at("2026-03-02T12:00"), View()
    )
    assert found is not None
    assert found.before is not None
    assert found.before.rate.editions == found.now.rate.editions
    assert (found.before.rate.numerator, found.before.rate.denominator) == (0, 1)


def test_the_good_days_of_a_period_are_those_of_its_own_dates(office: Office) -> None:
    """PM2.5 of 70 is good by the edition of 2012 (index 94), bad by that of 2026 (110), in force from 1 March 2026.

    The figures of the period are by the edition of its last day; its good days are each by the edition in force.
    """
    for day in ("2025-02-28", "2025-03-01", "2026-02-28", "2026-03-01"):
        office.air_day("t", day, pm25=70)
    office.judge("2026-03-02T12:00")
    (found,) = json.loads(ask(office, "stats", "air", "--period", "2026-02-28..2026-03-01", "--json"))
    good = found["good_days"]
    assert (good["numerator"], good["denominator"], good["editions"]) == (1, 2, ["HJ 633-2012", "HJ 633-2026"])
    assert (good["compared_percent"], good["before_percent"], good["change_points"]) == (0.0, 0.0, 0.0)
    assert "两年都按 HJ 633-2026" in ask(office, "stats", "air", "--period", "2026-02-28..2026-03-01")
    (row,) = json.loads(
        ask(office, "stats", "rank", "--by", "good_days", "--period", "2026-02-28..2026-03-01", "--json")
    )
    assert (row["value"], row["compared"], row["before"], row["change"]) == (50.0, 0.0, 0.0, 0.0)
    assert "按同一版" in ask(office, "stats", "rank", "--by", "good_days", "--period", "2026-02-28..2026-03-01")


def test_an_area_without_enough_days_has_a_figure_and_no_place(office: Office) -> None:
    (row,) = json.loads(ask(office, "stats", "rank", "--by", "pm25", "--period", "2023-02..2023-02", "--json")) or [{}]
    assert row == {}
    office.air_day("t", "2023-02-01", pm25=20)
    office.judge("2023-03-04T13:00")
    (row,) = json.loads(ask(office, "stats", "rank", "--by", "pm25", "--period", "2023-02", "--json"))
    assert (row["value"], row["place"], row["valid"]) == (20, None, False)
    assert "天数不足" in ask(office, "stats", "rank", "--by", "pm25", "--period", "2023-02")


def test_areas_are_ranked_and_an_unknown_figure_is_refused(office: Office) -> None:
    (row,) = json.loads(ask(office, "stats", "rank", "--by", "pm25", "--period", "2023-03-01..2023-03-03", "--json"))
    assert (row["place"], row["value"], row["before"], row["change"], row["change_place"]) == (1, 30, 40, -25.0, 1)
    words = ["--config", str(office.folder / "config.toml"), "stats", "rank", "--by", "pm99"]
    refused = CliRunner().invoke(root, words)
    assert isinstance(refused.exception, UsageError)
    assert "pm99" in str(refused.exception)


def test_a_month_with_too_few_days_says_so(office: Office) -> None:
    text = ask(office, "stats", "air", "--period", "2022-03")
    assert "2022-03 有效日 3 天，至少 27 天" in text
