"""Rates over periods as people ask for them: whole months, months that a period cuts, periods still to come."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from envmon import periods
from envmon.model import RateName, View
from envmon.pipeline import rating
from envmon.pipeline.explaining_rates import explain_rate
from envmon.pipeline.importing import import_file, spec_of
from envmon.standards import parameters
from envmon.store import Store

SAMPLE = Path(__file__).parent.parent / "data/sample"
WATER = SAMPLE / "water/sections_4h_202112-202212.csv.gz"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, make_bureau):  # type: ignore[no-untyped-def]
    """The bureau on 20 April 2022, with the section readings of the sample imported."""
    bureau = make_bureau(tmp_path_factory.mktemp("rating"))
    config, now = bureau.config, bureau.at("2022-04-20T08:00")
    with bureau.open(config) as store:
        import_file(store, config, spec_of(config, "water"), WATER, now)
        bureau.judge(store, config)
        yield store, config, now


def phosphorus(section: str) -> dict[date, list[Fraction]]:
    """Published phosphorus of a section by day, straight from the sample; the reading of 0:00 ends the day before."""
    found: dict[date, list[Fraction]] = defaultdict(list)
    with gzip.open(WATER, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            counts = row["站点情况"] == "正常" and row["总磷(mg/L)"] not in ("*", "--", "")
            if row["断面名称"] == section and counts:
                moment = datetime.fromisoformat(row["监测时间"])
                found[(moment - timedelta(minutes=1)).date()].append(Fraction(row["总磷(mg/L)"]))
    return found


def mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def judged_mean(store: Store, config, period: str) -> Fraction:  # type: ignore[no-untyped-def]
    site = next(one for one in config.sites if one.id == "sanyi-bridge")
    (found,) = rating.judged(store, config, [site], periods.parse(period))
    top, bottom, _ = found.means["tp"]
    return Fraction(top, bottom * 10 ** parameters()["tp"].decimals)


def test_a_month_is_the_mean_of_its_readings(lived) -> None:  # type: ignore[no-untyped-def]
    store, config, _ = lived
    march = [value for day, own in phosphorus("三邑大桥").items() if day.isoformat()[:7] == "2022-03" for value in own]
    assert len(march) > 50
    assert judged_mean(store, config, "2022-03") == mean(march)


def test_a_quarter_is_the_mean_of_its_months(lived) -> None:  # type: ignore[no-untyped-def]
    store, config, _ = lived
    months: dict[str, list[Fraction]] = defaultdict(list)
    for day, own in phosphorus("三邑大桥").items():
        months[day.isoformat()[:7]] += own
    quarter = [mean(months[name]) for name in ("2022-01", "2022-02", "2022-03")]
    assert judged_mean(store, config, "2022-Q1") == mean(quarter)


def test_a_month_that_the_period_cuts_is_the_mean_of_its_readings_inside(lived) -> None:  # type: ignore[no-untyped-def]
    store, config, _ = lived
    days = phosphorus("三邑大桥")
    january = [one for day, own in days.items() if date(2022, 1, 12) <= day <= date(2022, 1, 31) for one in own]
    february = [value for day, own in days.items() if day.isoformat()[:7] == "2022-02" for value in own]
    march = [one for day, own in days.items() if date(2022, 3, 1) <= day <= date(2022, 3, 10) for one in own]
    weighed = mean(january) * Fraction(20, 31) + mean(february) + mean(march) * Fraction(10, 31)
    assert judged_mean(store, config, "2022-01-12..2022-03-10") == weighed / (1 + Fraction(30, 31))


def test_the_running_month_counts_by_the_days_that_are_over(lived) -> None:  # type: ignore[no-untyped-def]
    """On 20 April the year is January to March and 19 of the 30 days of April."""
    store, config, _ = lived
    months: dict[str, list[Fraction]] = defaultdict(list)
    for day, own in phosphorus("三邑大桥").items():
        if date(2022, 1, 1) <= day < date(2022, 4, 20):
            months[day.isoformat()[:7]] += own
    whole = [mean(months[f"2022-0{month}"]) for month in (1, 2, 3)]
    april = mean(months["2022-04"]) * Fraction(19, 30)
    assert judged_mean(store, config, "2022") == (sum(whole) + april) / (3 + Fraction(19, 30))


def test_a_week_across_two_months_is_the_mean_of_its_readings(lived) -> None:  # type: ignore[no-untyped-def]
    store, config, _ = lived
    days = phosphorus("三邑大桥").items()
    week = [one for day, own in days if date(2022, 3, 28) <= day <= date(2022, 4, 3) for one in own]
    assert len(week) > 20
    assert judged_mean(store, config, "2022-W13") == mean(week)


def test_a_period_still_to_come_has_no_rate(lived) -> None:  # type: ignore[no-untyped-def]
    store, config, now = lived
    for name in RateName:
        found = rating.rate(store, config, name, "*", periods.parse("2023"), now)
        assert (found.numerator, found.denominator, found.tenths, found.excluded) == (0, 0, None, ())


SHEET = "类型,名称,采样日期,pH,溶解氧(mg/L),高锰酸盐指数(mg/L),氨氮(mg/L)\n"


def sources_of(bureau, *rows: str) -> tuple[int, int, dict[str, int]]:  # type: ignore[no-untyped-def]
    """Good sources, sources, exclusions in 2022, from a sheet of 示例水库水源地."""
    config, now = bureau.config, bureau.at("2022-12-31T08:00")
    sheet = bureau.folder / "lab.csv"
    sheet.write_text(SHEET + "".join(f"水源地,示例水库水源地,{row}\n" for row in rows), "utf-8")
    with bureau.open(config) as store:
        import_file(store, config, spec_of(config, "lab"), sheet, now)
        bureau.judge(store, config)
        found = rating.rate(store, config, RateName.GOOD_SOURCES, "*", periods.parse("2022"), now)
    return found.numerator, found.denominator, {one.reason.value: one.count for one in found.excluded}


def test_a_round_that_failed_is_not_hidden_by_a_later_one_that_could_not_be_judged(bureau) -> None:  # type: ignore[no-untyped-def]
    assert sources_of(bureau, "2022-01-05,7.5,8,2,1.5", "2022-02-05,7.5,8,,") == (0, 1, {"missing": 2})


def test_a_round_that_could_not_be_judged_does_not_take_a_complying_source_away(bureau) -> None:  # type: ignore[no-untyped-def]
    assert sources_of(bureau, "2022-01-05,7.5,8,2,0.5", "2022-02-05,7.5,8,,") == (1, 1, {"missing": 2})


def test_a_source_with_no_judged_round_leaves_the_rate(bureau) -> None:  # type: ignore[no-untyped-def]
    assert sources_of(bureau, "2022-02-05,7.5,8,,") == (0, 0, {"missing": 2, "insufficient": 1})


def test_readings_older_than_their_standard_are_kept_and_stop_nothing(bureau) -> None:  # type: ignore[no-untyped-def]
    config, now = bureau.config, bureau.at("2022-12-31T08:00")
    sheet = bureau.folder / "lab.csv"
    sheet.write_text(
        "类型,名称,采样日期,pH,溶解氧(mg/L),高锰酸盐指数(mg/L),氨氮(mg/L),耗氧量(mg/L)\n"
        "水源地,示例井水源地,2017-01-05,7.5,,,0.1,1\n"  # GB/T 14848-2017 is in force since 2018-05-01
        "水源地,示例水库水源地,2022-01-05,7.5,8,2,0.5,\n",
        "utf-8",
    )
    day = bureau.folder / "old.csv"
    day.write_text("date,hour,type,成都\n" + "".join(f"20121201,{hour},PM2.5,30\n" for hour in range(24)), "utf-8")
    with bureau.open(config) as store:
        import_file(store, config, spec_of(config, "lab"), sheet, now)
        import_file(store, config, spec_of(config, "archive"), day, now)
        bureau.judge(store, config)
        found = rating.rate(store, config, RateName.GOOD_SOURCES, "*", periods.parse("2022"), now)
        assert (found.numerator, found.denominator) == (1, 1)
        assert store.db.execute("SELECT count(*) FROM reading").fetchone()[0] == 3 + 4 + 24
        bureau.judge(store, config)


def test_a_rate_of_days_says_of_which_basis_its_hours_are(bureau) -> None:  # type: ignore[no-untyped-def]
    bureau.edit(
        'lookback = "48h"\nbasis = "realtime"\noptions = { form = "cities" }', 'lookback = "48h"\nbasis = "reviewed"'
    )
    config, now = bureau.config, bureau.at("2022-01-06T08:00")
    with bureau.open(config) as store:
        import_file(store, config, spec_of(config, "archive"), SAMPLE / "archive/china_cities_2022.csv.gz", now)
        bureau.judge(store, config)
        found = rating.rate(store, config, RateName.GOOD_DAYS, "ganzi", periods.parse("2022"), now)
    assert found.denominator == 5
    assert found.basis == "reviewed"


def test_an_open_period_counts_up_to_yesterday(lived) -> None:  # type: ignore[no-untyped-def]
    store, config, now = lived
    found = rating.rate(store, config, RateName.GOOD_SECTIONS, "*", periods.parse("2022"), now)
    assert periods.calendar(found.period.last) == date(2022, 4, 19)
    assert found.period.name == "2022"
    assert found.basis == "realtime"
    assert found.denominator + sum(one.count for one in found.excluded) == 12


def test_a_quarter_of_sources_is_counted_month_by_month(bureau) -> None:  # type: ignore[no-untyped-def]
    """Two complying rounds and one that fails are 2/3 of the quarter, and of the year one source that fails."""
    config, now = bureau.config, bureau.at("2022-12-31T08:00")
    sheet = bureau.folder / "lab.csv"
    rounds = ("2022-04-05,7.5,8,2,0.5", "2022-05-05,7.5,8,2,1.5", "2022-06-05,7.5,8,2,0.5", "2022-08-05,7.5,8,2,0.5")
    sheet.write_text(SHEET + "".join(f"水源地,示例水库水源地,{row}\n" for row in rounds), "utf-8")
    with bureau.open(config) as store:
        import_file(store, config, spec_of(config, "lab"), sheet, now)
        bureau.judge(store, config)

        def counted(name: RateName, period: str) -> tuple[int, int]:
            found = rating.rate(store, config, name, "*", periods.parse(period), now)
            return found.numerator, found.denominator

        assert counted(RateName.GOOD_SOURCES, "2022-Q2") == (2, 3)
        assert counted(RateName.GOOD_SOURCES, "2022-Q3") == (1, 1)  # sampled once
        assert counted(RateName.GOOD_SOURCES, "2022-Q1") == (0, 0)
        assert counted(RateName.GOOD_SOURCES, "2022") == (0, 1)
        intake = next(site.intake for site in config.sites if site.name == "示例水库水源地")
        assert counted(RateName.GOOD_SOURCES_VOLUME, "2022-Q2") == (2 * intake, 3 * intake)
        shown = explain_rate(store, config, RateName.GOOD_SOURCES, "*", periods.parse("2022-Q2"), now, View())
        (sites,) = (part for part in shown.parts if part.id == "sites")
        own = [(row["part"], row["good"]) for row in sites.rows if row["site"] == "示例水库水源地"]
        assert own == [("2022-04", True), ("2022-05", False), ("2022-06", True)]
