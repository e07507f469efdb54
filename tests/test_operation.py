"""What a bureau says of its sites: when they are in operation, what they measure, how many of them suffice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from envmon import periods
from envmon.cli import root
from envmon.errors import ConfigError
from envmon.model import RateName, Reason, Status, View
from envmon.pipeline import rating
from tests.test_rounds import AIR, SILENT, WATER, Office, at, site

AREA_B = '[[areas]]\nid = "b"\nname = "乙县"\nlevel = "county"\nair = "station"\nitems = ["pm25", "pm10"]\n'
PM25 = 5  # its place among the pollutants


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def days(office: Office, subject: str, period: str, view: View = View()) -> list[tuple[int, Status, int]]:  # noqa: B008
    """PM2.5, status and number of valid stations of the days of an area."""
    found = rating.days_of(office.store, office.config, subject, periods.parse(period), view)
    return [(day.value[PM25], day.status, day.stations) for day in found]


def rate(office: Office, name: RateName, period: str, now: str) -> tuple[int, int, dict[Reason, int]]:
    found = rating.rate(office.store, office.config, name, "a", periods.parse(period), at(now))
    return found.numerator, found.denominator, {one.reason: one.count for one in found.excluded}


# --- sites that open and close --------------------------------------------------------------------------------------


def test_a_station_is_part_of_its_area_from_the_day_it_opened_to_the_day_it_closed(office: Office) -> None:
    """20 and 200 make 110; before the second station opened, and after it closed, the area's value is 20."""
    office.now_is(site("t", "station"), site("new", "station", opened="2022-03-02", closed="2022-03-03"))
    for day in range(1, 5):
        office.air_day("t", f"2022-03-{day:02}", pm25=20)
        office.air_day("new", f"2022-03-{day:02}", pm25=200, pm10=210)
    office.judge("2022-03-05T12:00")
    expected = [(20, Status.VALID, 1), (110, Status.VALID, 2), (110, Status.VALID, 2), (20, Status.VALID, 1)]
    assert days(office, "a", "2022-03-01..2022-03-04") == expected
    assert days(office, "a", "2022-03-01..2022-03-04", View("HJ 633-2012")) == expected


def test_a_closed_station_is_not_among_those_of_which_a_share_must_be_valid(office: Office) -> None:
    """One of three stations is fewer than 50 %, one of two that are open is enough."""
    office.now_is(*(site(name, "station") for name in ("t", "u", "v")))
    office.air_day("t", "2022-03-01")
    office.judge("2022-03-02T12:00")
    assert [status for _, status, _ in days(office, "a", "2022-03-01")] == [Status.INSUFFICIENT]
    office.now_is(site("t", "station"), site("u", "station"), site("v", "station", closed="2022-02-28"))
    office.judge("2022-03-02T13:00")
    assert days(office, "a", "2022-03-01") == [(20, Status.VALID, 1)]


def test_a_site_out_of_operation_is_not_missed(office: Office) -> None:
    office.now_is(site("t", "station", closed="2022-03-03"), site("u", "station"), SILENT)
    for name in ("t", "u"):
        office.put(name, "2022-03-01T01:00", AIR)
    office.judge("2022-03-01T01:10")
    assert office.judge("2022-03-05T12:00") == [("open", "u")]


def test_a_section_leaves_the_denominator_with_its_reason_while_it_is_not_in_operation(office: Office) -> None:
    office.now_is(site("s", "section"), site("later", "section", opened="2022-04-01"))
    for name in ("s", "later"):
        office.put(name, "2022-03-05T08:00", WATER)
        office.put(name, "2022-04-05T08:00", WATER)
    office.judge("2022-05-01T12:00")
    assert rate(office, RateName.GOOD_SECTIONS, "2022-03", "2022-05-01T12:00") == (1, 1, {Reason.NOT_OPEN: 1})
    assert rate(office, RateName.GOOD_SECTIONS, "2022-04", "2022-05-01T12:00") == (2, 2, {})
    said = ask(office, "explain", "section", "later", "2022-03")
    assert "不在统计时段" in said


def test_what_was_measured_before_a_section_opened_does_not_count(office: Office) -> None:
    """Ammonia of 5 on the 5th is worse than V; the section is in operation from the 15th, and good on the 20th."""
    office.now_is(site("s", "section", opened="2022-03-15"))
    office.put("s", "2022-03-05T08:00", WATER | {"nh3n": 5})
    office.put("s", "2022-03-20T08:00", WATER)
    office.judge("2022-04-01T12:00")
    for period in ("2022-03", "2022-03-15..2022-03-31"):
        assert rate(office, RateName.GOOD_SECTIONS, period, "2022-04-01T12:00") == (1, 1, {})


def test_a_section_open_within_one_month_counts_in_it(office: Office) -> None:
    office.now_is(site("s", "section", opened="2022-03-10", closed="2022-03-20"))
    office.put("s", "2022-03-15T08:00", WATER)
    office.judge("2022-04-01T12:00")
    assert rate(office, RateName.GOOD_SECTIONS, "2022-03", "2022-04-01T12:00") == (1, 1, {})
    assert rate(office, RateName.GOOD_SECTIONS, "2022-02", "2022-04-01T12:00") == (0, 0, {Reason.NOT_OPEN: 1})


def test_years_before_a_standard_answer_all_the_same(office: Office) -> None:
    """A well that opened in 2020 is no reason to say nothing of 2017; its standard is of 2018."""
    well = site("w", "source", body="groundwater", opened="2020-01-01").replace('target_class = "III"\n', "")
    office.now_is(site("s", "section"), well)
    office.put("s", "2017-03-15T08:00", WATER)
    office.judge("2022-04-01T12:00")
    assert rate(office, RateName.GOOD_SOURCES, "2017", "2022-04-01T12:00") == (0, 0, {Reason.NOT_OPEN: 1})
    ask(office, "rates", "--period", "2017-03")


def test_a_site_that_closes_before_it_opens_is_a_mistake(office: Office) -> None:
    with pytest.raises(ConfigError) as told:
        office.now_is(site("t", "station", opened="2022-03-02", closed="2022-03-01"))
    assert "停用日期早于启用日期" in told.value.said("zh")
    with pytest.raises(ConfigError) as told:
        office.now_is(site("t", "station", opened="2022-03"))
    assert "2022-03-01" in told.value.said("zh")


# --- what is measured by plan, and how many stations suffice ------------------------------------------------------


def test_what_is_not_monitored_by_plan_is_not_missing(office: Office) -> None:
    """An area that measures only particles by plan has valid days without the gases; another has not."""
    office.now_is(site("t", "station"), site("p", "station").replace('area = "a"', 'area = "b"'), AREA_B)
    for name in ("t", "p"):
        for hour in range(1, 25):
            when = periods.moment(at("2022-03-01T00:00") + 60 * hour).isoformat()
            office.put(name, when, {"pm25": 20, "pm10": 30})
    office.judge("2022-03-02T12:00")
    assert [status for _, status, _ in days(office, "a", "2022-03-01")] == [Status.INCOMPLETE]
    for view in (View(), View("HJ 633-2012")):
        assert [found[:2] for found in days(office, "b", "2022-03-01", view)] == [(20, Status.VALID)]
    shown = ask(office, "assess", "air", "--period", "2022-03-01").splitlines()
    assert [line.split().count("NA") for line in shown[2:]] == [
        4,
        0,
    ]
    assert [line.split().count("/") for line in shown[2:]] == [0, 4]


def test_the_share_of_stations_can_be_chosen_and_the_days_are_judged_again(office: Office) -> None:
    """Three of four stations are the 75 % asked for; a bureau that asks for all of them has no value that day."""
    stations = [site(name, "station") for name in ("t", "u", "v", "w")]
    office.now_is(*stations)
    for name in ("t", "u", "v"):
        office.air_day(name, "2022-03-01")
    office.judge("2022-03-02T12:00")
    assert days(office, "a", "2022-03-01") == [(20, Status.VALID, 3)]
    office.now_is("[assessment]\nstation_share = 100", *stations)
    office.judge("2022-03-02T13:00")
    assert [status for _, status, _ in days(office, "a", "2022-03-01")] == [Status.INSUFFICIENT]


# --- half-years, the worst water, the board of an earlier time ----------------------------------------------------


def test_half_a_year_is_a_period() -> None:
    first, second = periods.parse("2022-H1"), periods.parse("2022-h2")
    assert (first.days, second.days, first.last + 1, second.name) == (181, 184, second.first, "2022-H2")
    assert periods.year_before(first).name == "2021-H1"


def test_sections_worse_than_class_v_have_a_share_of_their_own(office: Office) -> None:
    """Ammonia of 2.1 mg/L is beyond the 2.0 of class V (GB 3838-2002 table 1), 1.9 is not."""
    office.now_is(site("s", "section"), site("bad", "section"))
    office.put("s", "2022-03-05T08:00", WATER | {"nh3n": 1.9})
    office.put("bad", "2022-03-05T08:00", WATER | {"nh3n": 2.1})
    office.judge("2022-04-01T12:00")
    assert rate(office, RateName.WORSE_THAN_V, "2022-03", "2022-04-01T12:00") == (1, 2, {})
    assert rate(office, RateName.GOOD_SECTIONS, "2022-03", "2022-04-01T12:00") == (0, 2, {})


def test_no_target_can_be_set_on_what_should_be_small(office: Office) -> None:
    target = '[[targets]]\nid = "x"\nrate = "worse_than_v"\narea = "a"\nperiod = "2022"\npercent = "0.0"\n'
    with pytest.raises(ConfigError) as told:
        office.now_is(site("s", "section"), target)
    assert "good_sections" in told.value.said("zh")


def ask(office: Office, *words: str) -> str:
    found = CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), *words])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_the_board_of_an_earlier_time_knows_only_what_was_known_then(office: Office) -> None:
    """The second day is bad; its readings came on the fifth, so on the fourth the rate was still 1 of 1."""
    target = '[[targets]]\nid = "x"\nrate = "good_days"\narea = "a"\nperiod = "2022-03"\npercent = "85.0"\n'
    office.now_is(site("t", "station"), target)
    office.air_day("t", "2022-03-01", taken="2022-03-03T00:00")
    office.judge("2022-03-04T12:00")
    office.air_day("t", "2022-03-02", taken="2022-03-05T00:00", pm25=300, pm10=300)
    office.judge("2022-03-05T12:00")
    then = json.loads(ask(office, "--as-of", "2022-03-04T12:00", "status", "--json"))
    (found,) = then["targets"]
    assert (found["numerator"], found["denominator"], then["as_of"], then["daemon"]) == (1, 1, "2022-03-04 12:00", None)
    (now,) = json.loads(ask(office, "status", "--json"))["targets"]
    assert (now["numerator"], now["denominator"]) == (1, 2)
    assert "截至 2022-03-04 12:00" in ask(office, "--as-of", "2022-03-04T12:00", "status")
