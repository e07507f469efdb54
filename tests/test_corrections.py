"""Published figures that are other ones later: what is compared, what is told, what it costs.

By HJ 633-2012 table 1, rounded up: 20 ug/m3 of PM2.5 and 60 of PM10 make a good day, 50 + 10 x 50/100 = 55. 80 of
PM2.5 is 100 + 5 x 50/40 = 106.25 -> 107, over 100; 70 is 50 + 35 x 50/40 = 93.75 -> 94. Ammonia of 2.0 mg/L is class V
(GB 3838-2002 table 1). Shares are rounded to one decimal: 2/3 = 66.7 %, 1/3 = 33.3 %.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from envmon import daemon, periods
from envmon.cli import root
from envmon.cli.output import width
from envmon.errors import EnvmonError, UsageError
from envmon.model import (
    AirDay,
    Basis,
    Config,
    Correction,
    EventKind,
    ExceptionalEvent,
    Place,
    PublishedFigure,
    RateName,
    View,
)
from envmon.pipeline import correcting, judge_air
from envmon.pipeline.causes import LISTED
from envmon.pipeline.correcting import Asked, record
from envmon.pipeline.drawing import draw
from envmon.store import Store
from tests.test_rounds import AIR, WATER, Office, at, site

TARGET = '[[targets]]\nid = "g"\nrate = "good_days"\narea = "a"\nperiod = "2022"\npercent = "85.0"\n'
NEW = View("HJ 633-2026")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Three good days of March 2022, received and judged."""
    made = Office(tmp_path)
    made.now_is(site("t", "station"), site("s", "section"), site("u", "section"), TARGET)
    for day in (1, 2, 3):
        made.air_day("t", f"2022-03-{day:02}")
    made.judge("2022-03-04T09:00")
    yield made
    made.store.close()


def publish(
    office: Office,
    when: str,
    period: str = "2022-03",
    name: RateName = RateName.GOOD_DAYS,
    view: View = View(),  # noqa: B008
    document: str = "2022-9",
) -> PublishedFigure:
    asked = Asked(name, "a", periods.parse(period), view)
    return correcting.publish(office.store, office.config, asked, document, "", at(when))


def corrections(office: Office) -> list[Correction]:
    return [one for _, one in office.store.corrections()]


def change(one: Correction) -> tuple[tuple[int, int, int | None], tuple[int, int, int | None]]:
    return tuple((rate.numerator, rate.denominator, rate.tenths) for rate in (one.was, one.became))  # type: ignore[return-value]


def ask(office: Office, *words: str) -> Result:
    return CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), *words])


def said(office: Office, *words: str) -> Any:
    found = ask(office, *words, "--json")
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


# --- values -----------------------------------------------------------------------------------------------------------


def test_a_revised_day_corrects_a_published_rate_once_and_names_its_values(office: Office) -> None:
    figure = publish(office, "2022-03-04T10:00")
    assert (figure.rate.numerator, figure.rate.denominator, figure.rate.tenths) == (3, 3, 1000)
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    office.judge("2022-03-06T09:00")
    (one,) = corrections(office)
    assert change(one) == ((3, 3, 1000), (2, 3, 667))
    assert (one.figure, one.found, one.since) == (figure.number, at("2022-03-06T09:00"), at("2022-03-06T08:15"))
    assert one.causes.count == 24 == len(one.causes.values)  # only PM2.5 was revised
    assert {(v.site, v.item, v.was, v.value, v.source, v.origin) for v in one.causes.values} == {
        ("t", "pm25", 20 * step("pm25"), 80 * step("pm25"), "src", "test")
    }
    assert [v.ending for v in one.causes.values] == [at("2022-03-02T00:00") + 60 * hour for hour in range(1, 25)]
    (turned,) = one.causes.turned
    assert (turned.when, turned.subject, turned.was["good"], turned.now["aqi"]) == ("2022-03-02", "a", True, 107)
    for when in ("2022-03-06T10:00", "2022-03-07T09:00"):
        office.judge(when)
    assert len(corrections(office)) == 1


def step(item: str) -> int:
    from envmon.standards import parameters

    return int(10 ** parameters()[item].decimals)


def test_values_of_the_very_minute_of_publication_are_told_from_those_before(office: Office) -> None:
    """Two payloads of one minute, the figure between them: only the second one is a cause."""
    office.put("t", "2022-03-02T05:00", AIR | {"pm25": 30}, taken="2022-03-04T10:00")
    office.judge("2022-03-04T10:00")
    publish(office, "2022-03-04T10:00")
    office.air_day("t", "2022-03-03", taken="2022-03-04T10:00", pm25=80)
    office.judge("2022-03-04T10:00")
    (one,) = corrections(office)
    assert change(one) == ((3, 3, 1000), (2, 3, 667))
    assert ([turned.when for turned in one.causes.turned], one.causes.count) == (["2022-03-03"], 24)
    assert one.since == one.found == at("2022-03-04T10:00")


def test_a_second_change_is_corrected_from_the_last_state(office: Office) -> None:
    publish(office, "2022-03-04T10:00")
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    office.judge("2022-03-06T09:00")
    office.air_day("t", "2022-03-03", taken="2022-03-08T07:30", pm25=80)
    office.judge("2022-03-08T09:00")
    first, second = corrections(office)
    assert change(second) == (change(first)[1], (1, 3, 333))
    assert second.since == at("2022-03-08T07:30")
    assert {periods.day_of(value.ending) for value in second.causes.values} == {periods.parse("2022-03-03").first}


def test_a_value_that_changes_no_count_corrects_nothing(office: Office) -> None:
    publish(office, "2022-03-04T10:00")
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=70)
    office.judge("2022-03-06T09:00")
    assert corrections(office) == []


def test_late_hours_of_a_missing_day_are_new_values(office: Office) -> None:
    """The fourth of March comes whole, but after the figure that had it as missing; the third is revised as well."""
    office.judge("2022-03-05T09:00")
    figure = publish(office, "2022-03-05T10:00")
    assert (figure.rate.numerator, figure.rate.denominator) == (3, 3)
    assert sum(one.count for one in figure.rate.excluded) == 1
    office.air_day("t", "2022-03-04", taken="2022-03-09T08:00")
    office.judge("2022-03-09T09:00")
    (one,) = corrections(office)
    assert change(one) == ((3, 3, 1000), (4, 4, 1000))
    assert one.causes.count == 24 * len(AIR)
    assert len(one.causes.values) == LISTED
    assert {value.was for value in one.causes.values} == {None}
    assert [turned.was["status"] for turned in one.causes.turned] == ["missing"]


def test_reviewed_values_are_told_against_the_real_time_ones(office: Office) -> None:
    publish(office, "2022-03-04T10:00")
    other = publish(office, "2022-03-04T10:00", view=View(basis=Basis.REALTIME))
    for hour in range(1, 25):
        when = periods.clock(at("2022-03-02T00:00") + 60 * hour)
        office.put("t", when, AIR | {"pm25": 80}, basis=Basis.REVIEWED, taken="2022-03-20T09:00")
    office.judge("2022-03-21T09:00")
    (one,) = corrections(office)
    assert one.figure != other.number  # what rests on real-time values alone is what it was
    assert change(one) == ((3, 3, 1000), (2, 3, 667))
    pm25 = [value for value in one.causes.values if value.item == "pm25"]
    assert {(value.was, value.value, value.basis) for value in pm25} == {
        (20 * step("pm25"), 80 * step("pm25"), Basis.REVIEWED)
    }


def test_a_year_to_date_is_compared_over_the_days_it_counted(office: Office) -> None:
    """Published on the fourth with three days; bad days that close later are none of its business."""
    publish(office, "2022-03-04T10:00", "2022")
    for day in (4, 5, 6):
        office.air_day("t", f"2022-03-{day:02}", pm25=80)
        office.judge(f"2022-03-{day + 1:02}T09:00")
    assert corrections(office) == []
    office.air_day("t", "2022-03-01", taken="2022-03-08T08:00", pm25=80)
    office.judge("2022-03-08T09:00")
    (one,) = corrections(office)
    first = periods.parse("2022").first
    assert (one.became.period.first, one.became.period.last) == (first, periods.parse("2022-03-03").first)
    assert change(one) == ((3, 3, 1000), (2, 3, 667))


def test_a_figure_by_a_named_edition_is_compared_by_it(office: Office) -> None:
    """70 ug/m3 is good by 2012 and 100 + 10 x 50/55 = 109.1 -> 110 by 2026 (60-115 ug/m3 is 100-150)."""
    publish(office, "2022-03-04T10:00")
    figure = publish(office, "2022-03-04T10:00", view=NEW)
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=70)
    office.judge("2022-03-06T09:00")
    (one,) = corrections(office)
    assert (one.figure, change(one)) == (figure.number, ((3, 3, 1000), (2, 3, 667)))
    assert [(turned.was["good"], turned.now["aqi"]) for turned in one.causes.turned] == [(True, 110)]


def test_a_rate_of_sections_is_corrected_by_a_revised_sample(office: Office) -> None:
    for name in ("s", "u"):
        office.put(name, "2022-03-01T08:00", WATER)
    office.judge("2022-03-04T09:30")
    figure = publish(office, "2022-03-04T10:00", "2022-03", RateName.GOOD_SECTIONS)
    assert (figure.rate.numerator, figure.rate.denominator) == (2, 2)
    office.put("u", "2022-03-01T08:00", WATER | {"nh3n": 2.0}, taken="2022-03-10T11:00")
    office.judge("2022-03-10T12:00")
    (one,) = corrections(office)
    assert change(one) == ((2, 2, 1000), (1, 2, 500))
    (value,) = one.causes.values
    assert (value.site, value.item, value.was, value.value) == ("u", "nh3n", step("nh3n") // 10, 2 * step("nh3n"))
    assert [(one.subject, one.was["class"], one.now["class"]) for one in one.causes.turned] == [("u", "II", "V")]
    (row,) = said(office, "corrections")
    assert row["change_text"] == "100.0% (2/2) → 50.0% (1/2)"


def test_a_running_quarter_of_sources_is_counted_month_by_month_as_when_it_was_published(tmp_path: Path) -> None:
    """Of a quarter to date each month counts: (1 + 1) / (1 + 1); when January fails afterwards (0 + 1) / (1 + 1)."""
    office = Office(tmp_path)
    office.now_is(site("w", "source", body="river"))
    for month in ("01", "02"):
        office.put("w", f"2022-{month}-08T08:00", WATER, basis=Basis.MANUAL)
    office.judge("2022-02-20T09:00")
    figure = publish(office, "2022-02-20T10:00", "2022-Q1", RateName.GOOD_SOURCES)
    assert (figure.rate.numerator, figure.rate.denominator) == (2, 2)
    office.put("w", "2022-01-08T08:00", WATER | {"nh3n": 2.0}, taken="2022-03-10T11:00", basis=Basis.MANUAL)
    office.judge("2022-03-10T12:00")
    (one,) = corrections(office)
    assert change(one) == ((2, 2, 1000), (1, 2, 500))
    turned = [(one.when, one.subject, one.was["good"], one.now["good"]) for one in one.causes.turned]
    assert turned == [("2022-01", "w", True, False)]
    assert [(v.item, v.value) for v in one.causes.values] == [("nh3n", 2 * step("nh3n"))]
    office.store.close()


# --- other causes -----------------------------------------------------------------------------------------------------


def test_an_event_that_is_entered_is_a_cause(office: Office) -> None:
    """The section without a sample was missing; that it was dry is another reason in the same figure."""
    office.put("s", "2022-03-01T08:00", WATER)
    office.judge("2022-03-04T09:30")
    publish(office, "2022-03-04T10:00", "2022-03", RateName.GOOD_SECTIONS)
    first, last = at("2022-02-25T00:00"), at("2022-04-10T00:00")
    learned = at("2022-03-05T08:00")
    dry = ExceptionalEvent(0, EventKind.DRY, "u", (), first, last, "某局", "2022-3", learned=learned)
    (dry,) = office.store.enter_events([dry])
    office.judge("2022-03-05T09:00")
    (one,) = corrections(office)
    assert change(one) == ((1, 1, 1000), (1, 1, 1000))
    reasons = [{e.reason.value: e.count for e in rate.excluded} for rate in (one.was, one.became)]
    assert reasons == [{"missing": 1}, {"dry": 1}]
    assert (one.causes.events, one.causes.values, one.since) == ((dry.number,), (), learned)
    office.judge("2022-03-06T09:00")
    assert len(corrections(office)) == 1
    assert "2022-3" in ask(office, "explain", "correction", "1").stdout


def test_dust_stands_beside_a_rate_and_corrects_nothing(office: Office) -> None:
    publish(office, "2022-03-04T10:00")
    span = (at("2022-03-02T00:00"), at("2022-03-03T00:00"))
    dust = ExceptionalEvent(0, EventKind.DUST, "a", ("pm10",), *span, "某局", "2022-3", learned=at("2022-03-05T08:00"))
    office.store.enter_events([dust])
    office.judge("2022-03-05T09:00")
    assert corrections(office) == []


def test_a_setting_is_named_when_no_value_changed(office: Office) -> None:
    """The station turns out to have opened on the second: the first of March leaves the count."""
    publish(office, "2022-03-04T10:00")
    office.judge("2022-03-04T11:00")
    office.now_is(site("t", "station", opened="2022-03-02"), site("s", "section"), site("u", "section"), TARGET)
    office.judge("2022-03-05T09:00")
    (one,) = corrections(office)
    assert change(one) == ((3, 3, 1000), (2, 2, 1000))
    assert (one.causes.values, one.causes.count, one.since) == ((), 0, None)
    assert one.causes.settings == ("sites",)
    (row,) = said(office, "corrections")
    assert (row["since"], row["why_text"]) == (None, "点位设置已变")


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_a_round_that_touches_no_published_figure_counts_none_again(office: Office) -> None:
    publish(office, "2022-03-04T10:00", "2022-03-01")
    for day in (4, 5):
        office.air_day("t", f"2022-03-{day:02}")
        assert office.statements(f"2022-03-{day + 1:02}T09:00", "number IN (SELECT max(number)") == 0
    assert office.statements("2022-03-06T10:00", "published_figure") == 0
    office.put("t", "2022-03-01T08:00", AIR | {"pm25": 21}, taken="2022-03-06T10:10")
    assert office.statements("2022-03-06T11:00", "number IN (SELECT max(number)") == 1


def test_what_was_touched_is_not_forgotten_when_a_round_breaks_off(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(office, "2022-03-04T10:00")
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    with monkeypatch.context() as then:
        then.setattr("envmon.pipeline.judge.rate_all", broken)
        with pytest.raises(OSError, match="broken off"):
            office.judge("2022-03-06T09:00")
    assert corrections(office) == []
    office.judge("2022-03-06T10:00")
    assert [change(one) for one in corrections(office)] == [((3, 3, 1000), (2, 3, 667))]


def broken(*_: object) -> list[object]:
    raise OSError("broken off")


# --- what is published ------------------------------------------------------------------------------------------------


def test_charts_record_what_they_show_once(office: Office) -> None:
    """The good days of the calendar and the year's rate; drawn again, they stand there already."""
    for when in ("2022-03-04T10:00", "2022-03-04T11:00"):
        drawn = draw(office.store, office.config, periods.parse("2022-03"), at(when))
        record(office.store, office.config, drawn.figures, at(when))
    kept = office.store.published_figures()
    assert [(one.place, one.document, one.period.name) for one in kept] == [
        (Place.CHART, "2022-03/calendar-a", "2022-03"),
        (Place.CHART, "2022-03/rates-a", "2022"),
    ]
    assert [(one.rate.numerator, one.rate.denominator) for one in kept] == [(3, 3), (3, 3)]
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    office.judge("2022-03-06T09:00")
    assert [one.figure for one in corrections(office)] == [1, 2]
    assert {change(one) for one in corrections(office)} == {((3, 3, 1000), (2, 3, 667))}


def test_a_figure_that_is_published_anew_is_compared_as_it_is_now(office: Office) -> None:
    """In one document the later figure stands for the earlier one; in two documents each is compared."""
    days = "2022-03-01..2022-03-03"
    first = publish(office, "2022-03-04T10:00", days)
    assert publish(office, "2022-03-04T11:00", days).number == first.number
    other = publish(office, "2022-03-04T11:00", days, document="2022-10")
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    office.judge("2022-03-06T09:00")
    anew = publish(office, "2022-03-06T10:00", days)
    assert len({first.number, other.number, anew.number}) == 3
    office.air_day("t", "2022-03-03", taken="2022-03-08T07:30", pm25=80)
    office.judge("2022-03-08T09:00")
    assert [one.figure for one in corrections(office)] == [first.number, other.number, other.number, anew.number]
    assert change(corrections(office)[-1]) == ((2, 3, 667), (1, 3, 333))


def test_a_chart_of_an_earlier_week_that_shows_a_rate_as_it_stood_then_is_corrected_at_once(office: Office) -> None:
    """The line of the year ends with the third of March as it stood on the fourth; a day of it is another one since."""
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    office.judge("2022-03-06T09:00")
    now = at("2022-03-08T10:00")
    for _ in range(2):
        drawn = draw(office.store, office.config, periods.parse("2022-02-28..2022-03-03"), now)
        record(office.store, office.config, drawn.figures, now)
    calendar, line = office.store.published_figures()
    assert [(one.rate.numerator, one.rate.denominator) for one in (calendar, line)] == [(2, 3), (3, 3)]
    (one,) = corrections(office)
    assert (one.figure, change(one), one.causes.count) == (line.number, ((3, 3, 1000), (2, 3, 667)), 24)
    assert one.since == at("2022-03-06T08:15")


def test_the_daemon_records_what_its_weekly_charts_show(office: Office) -> None:
    (charts,) = (job for job in daemon.jobs_of(office.config) if job.name == "charts")
    monday = at("2022-03-07T00:00")
    charts.work(daemon.kept_open(office.store), monday, monday, at("2022-03-07T06:00"))
    assert [one.document for one in office.store.published_figures()] == ["2022-W09/calendar-a", "2022-W09/rates-a"]


def test_neither_a_figure_nor_a_correction_is_ever_deleted_or_changed(office: Office) -> None:
    publish(office, "2022-03-04T10:00")
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    office.judge("2022-03-06T09:00")
    for statement in (
        "DELETE FROM published_figure",
        "DELETE FROM correction",
        "UPDATE published_figure SET content = ''",
        "UPDATE correction SET was = ''",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            office.store.db.execute(statement)


def test_what_says_nothing_is_not_published(office: Office) -> None:
    with pytest.raises(EnvmonError, match="nothing is counted in 2022-01"):
        publish(office, "2022-03-04T10:00", "2022-01")
    with pytest.raises(UsageError, match="in which document"):
        publish(office, "2022-03-04T10:00", document="  ")
    assert office.store.published_figures() == []


# --- what did not count is no cause -----------------------------------------------------------------------------------


def test_real_time_values_of_a_reviewed_day_are_no_cause(office: Office) -> None:
    """The day was reviewed (33) before the figure: real-time values (22) that come later count for nothing; what is
    reviewed once more (80) does."""
    reviewed(office, "2022-03-02", "2022-03-04T09:10", pm25=33)
    office.judge("2022-03-04T09:30")
    publish(office, "2022-03-04T10:00")
    office.air_day("t", "2022-03-02", taken="2022-03-05T08:00", pm25=22)
    reviewed(office, "2022-03-02", "2022-03-20T09:00", pm25=80)
    office.judge("2022-03-21T09:00")
    (one,) = corrections(office)
    assert one.since == at("2022-03-20T09:00")
    assert {(v.item, v.was, v.value, v.basis) for v in one.causes.values} == {
        ("pm25", 33 * step("pm25"), 80 * step("pm25"), Basis.REVIEWED)
    }
    assert one.causes.count == 24


def reviewed(office: Office, day: str, taken: str, **other: float) -> None:
    for hour in range(1, 25):
        when = periods.clock(at(f"{day}T00:00") + 60 * hour)
        office.put("t", when, AIR | other, basis=Basis.REVIEWED, taken=taken)


def test_of_a_figure_on_real_time_values_the_earlier_real_time_value_is_told(office: Office) -> None:
    reviewed(office, "2022-03-02", "2022-03-04T09:10", pm25=33)
    office.judge("2022-03-04T09:30")
    publish(office, "2022-03-04T10:00", view=View(basis=Basis.REALTIME))
    office.air_day("t", "2022-03-02", taken="2022-03-05T08:00", pm25=80)
    office.judge("2022-03-05T09:00")
    (one,) = corrections(office)
    assert {(v.item, v.was, v.value, v.basis) for v in one.causes.values} == {
        ("pm25", 20 * step("pm25"), 80 * step("pm25"), Basis.REALTIME)
    }


def test_automatic_values_of_a_section_that_is_judged_by_samples_are_no_cause(office: Office) -> None:
    """A sample goes before automatic values (the default); those that come later do not count, whatever they say."""
    office.put("u", "2022-03-01T08:00", WATER, basis=Basis.MANUAL)
    office.put("u", "2022-03-01T12:00", WATER)
    office.judge("2022-03-04T09:30")
    publish(office, "2022-03-04T10:00", "2022-03", RateName.GOOD_SECTIONS)
    office.put("u", "2022-03-02T12:00", WATER | {"nh3n": 5.0}, taken="2022-03-05T08:00")
    office.put("u", "2022-03-01T08:00", WATER | {"nh3n": 2.0}, taken="2022-03-10T11:00", basis=Basis.MANUAL)
    office.judge("2022-03-10T12:00")
    (one,) = corrections(office)
    assert change(one) == ((1, 1, 1000), (0, 1, 0))
    assert [(v.item, v.was, v.value, v.basis) for v in one.causes.values] == [
        ("nh3n", step("nh3n") // 10, 2 * step("nh3n"), Basis.MANUAL)
    ]
    assert one.since == at("2022-03-10T11:00")


def test_of_merged_values_those_count_that_were_merged(tmp_path: Path) -> None:
    """HBJCH2020-82: of ammonia the station goes first, of BOD5 (2.0 mg/L class I, 5 class IV) the laboratory."""
    office = Office(tmp_path)
    office.now_is('[assessment]\nsection_data = "merged"\n', site("s", "section"))
    office.put("s", "2022-03-01T08:00", WATER | {"bod5": 2.0}, basis=Basis.MANUAL)
    office.put("s", "2022-03-01T12:00", WATER)
    office.judge("2022-03-04T09:30")
    publish(office, "2022-03-04T10:00", "2022-03", RateName.GOOD_SECTIONS)
    again = {"nh3n": 1.9, "bod5": 5.0}
    office.put("s", "2022-03-01T08:00", WATER | again, taken="2022-03-10T11:00", basis=Basis.MANUAL)
    office.judge("2022-03-10T12:00")
    (one,) = corrections(office)
    assert change(one) == ((1, 1, 1000), (0, 1, 0))
    assert [(v.item, v.value) for v in one.causes.values] == [("bod5", 5 * step("bod5"))]
    office.store.close()


def test_values_of_a_station_that_does_not_count_are_no_cause(office: Office) -> None:
    other = site("x", "station") + "counted = false\n"
    office.now_is(site("t", "station"), other, site("s", "section"), site("u", "section"), TARGET)
    office.air_day("x", "2022-03-02")
    office.judge("2022-03-04T09:30")
    publish(office, "2022-03-04T10:00")
    for name in ("t", "x"):
        office.air_day(name, "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    office.judge("2022-03-06T09:00")
    (one,) = corrections(office)
    assert ({v.site for v in one.causes.values}, one.causes.count) == ({"t"}, 24)


# --- what waits to be judged is not in a figure -----------------------------------------------------------------------


def test_values_that_wait_to_be_judged_are_not_in_a_chart_drawn_meanwhile(office: Office) -> None:
    """Received at 10:15; the chart of 10:30 knows nothing of it, nor a correction sought at 10:45; judged at 11:00."""
    office.air_day("t", "2022-03-02", taken="2022-03-04T10:15", pm25=80)
    drawn = draw(office.store, office.config, periods.parse("2022-03"), at("2022-03-04T10:30"))
    record(office.store, office.config, drawn.figures, at("2022-03-04T10:30"))
    correcting.correct(office.store, office.config, at("2022-03-04T10:45"))
    assert corrections(office) == []
    office.judge("2022-03-04T11:00")
    assert len(corrections(office)) == 2  # the good days of the calendar and of the year's line
    for one in corrections(office):
        assert change(one) == ((3, 3, 1000), (2, 3, 667))
        assert (one.since, one.causes.count) == (at("2022-03-04T10:15"), 24)
        assert [turned.when for turned in one.causes.turned] == ["2022-03-02"]


def test_a_day_that_waits_to_be_judged_is_not_in_a_chart(office: Office) -> None:
    """Midnight has passed, the round of the fifth has not run: the fourth is not drawn as a day without readings."""
    office.air_day("t", "2022-03-04")
    office.judge("2022-03-04T23:40")
    drawn = draw(office.store, office.config, periods.parse("2022-03"), at("2022-03-05T00:20"))
    assert {one.rate.period.last for one in drawn.figures} == {periods.parse("2022-03-03").first}
    calendar = drawn.figures[0].rate
    assert (calendar.denominator, calendar.excluded) == (3, ())
    record(office.store, office.config, drawn.figures, at("2022-03-05T00:20"))
    office.judge("2022-03-05T00:40")
    assert corrections(office) == []


def test_an_event_that_corrects_while_values_wait_leaves_them_to_the_next_correction(office: Office) -> None:
    for name in ("s", "u"):
        office.put(name, "2022-03-01T08:00", WATER)
    office.judge("2022-03-04T09:30")
    publish(office, "2022-03-04T10:00", "2022-03", RateName.GOOD_SECTIONS)
    office.put("u", "2022-03-01T08:00", WATER | {"nh3n": 2.0}, taken="2022-03-05T08:00")
    span = (at("2022-02-25T00:00"), at("2022-04-10T00:00"))
    unused = ExceptionalEvent(0, EventKind.UNUSED, "s", (), *span, "某局", "2022-3", learned=at("2022-03-05T08:30"))
    office.store.enter_events([unused])
    correcting.correct(office.store, office.config, at("2022-03-05T08:30"))
    office.judge("2022-03-05T09:00")
    first, second = corrections(office)
    assert (change(first)[1], first.causes.values) == ((1, 1, 1000), ())
    assert change(second) == ((1, 1, 1000), (0, 1, 0))
    assert [(v.site, v.item) for v in second.causes.values] == [("u", "nh3n")]
    assert second.since == at("2022-03-05T08:00")


def test_a_chart_of_a_month_that_is_over_holds_what_is_known_by_now(office: Office) -> None:
    """The second of March is bad since the sixth; the chart of the tenth shows it so and the third as it was."""
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    office.judge("2022-03-10T09:00")
    drawn = draw(office.store, office.config, periods.parse("2022-03-01..2022-03-03"), at("2022-03-10T10:00"))
    record(office.store, office.config, drawn.figures, at("2022-03-10T10:00"))
    calendar = office.store.published_figures()[0]
    assert calendar.batch == office.store.last_batch()
    office.air_day("t", "2022-03-03", taken="2022-03-20T08:15", pm25=80)
    office.judge("2022-03-20T09:00")
    (one,) = (one for one in corrections(office) if one.figure == calendar.number)
    assert change(one) == ((2, 3, 667), (1, 3, 333))
    assert ([turned.when for turned in one.causes.turned], one.causes.count) == (["2022-03-03"], 24)
    assert one.since == at("2022-03-20T08:15")


# --- settings beside other causes -------------------------------------------------------------------------------------


def test_a_setting_is_not_forgotten_when_charts_are_drawn_before_it_is_judged(office: Office) -> None:
    """t counts no longer, x (never bad) stands for the area: three days that had been bad are good."""
    office.now_is(site("t", "station"), site("x", "station") + "counted = false\n", TARGET)
    for day in (1, 2, 3):
        office.air_day("t", f"2022-03-{day:02}", taken="2022-03-04T09:10", pm25=80)
        office.air_day("x", f"2022-03-{day:02}")
    office.judge("2022-03-04T09:30")
    publish(office, "2022-03-04T10:00")
    office.now_is(site("t", "station") + "counted = false\n", site("x", "station"), TARGET)
    drawn = draw(office.store, office.config, periods.parse("2022-03"), at("2022-03-04T10:30"))
    record(office.store, office.config, drawn.figures, at("2022-03-04T10:30"))
    office.judge("2022-03-04T11:00")
    found = corrections(office)
    assert {change(one) for one in found} == {((0, 3, 0), (3, 3, 1000))}
    assert {one.causes.settings for one in found} == {("sites",)}
    office.judge("2022-03-04T12:00")
    assert len(corrections(office)) == len(found)


def test_settings_and_values_that_change_in_one_round_are_both_told(office: Office) -> None:
    """The first of March leaves with the station's opening, the second turns bad: 1/2."""
    publish(office, "2022-03-04T10:00")
    office.now_is(site("t", "station", opened="2022-03-02"), site("s", "section"), site("u", "section"), TARGET)
    office.air_day("t", "2022-03-02", taken="2022-03-05T08:15", pm25=80)
    office.judge("2022-03-05T09:00")
    (one,) = corrections(office)
    assert change(one) == ((3, 3, 1000), (1, 2, 500))
    assert (one.causes.settings, one.causes.count) == (("sites",), 24)
    (row,) = said(office, "corrections")
    assert "点位设置已变" in row["why_text"]
    assert "24" in row["why_text"]


# --- many figures -----------------------------------------------------------------------------------------------------


def test_days_are_judged_once_for_all_the_figures_they_are_in(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three figures of one moment over the same days: as they were known then they are judged in one go."""
    for document in ("1", "2", "3"):
        publish(office, "2022-03-04T10:00", document=document)
    for day in (1, 2, 3):
        office.air_day("t", f"2022-03-{day:02}", taken="2022-03-06T08:15", pm25=80)
    asked: list[str] = []
    again = judge_air.judged_again

    def counted(store: Store, config: Config, subject: str, period: periods.Period, *more: Any) -> list[AirDay]:
        asked.append(period.name)
        return again(store, config, subject, period, *more)

    monkeypatch.setattr(judge_air, "judged_again", counted)
    office.judge("2022-03-06T09:00")
    assert [change(one) for one in corrections(office)] == 3 * [((3, 3, 1000), (0, 3, 0))]
    assert asked == ["2022-03-01..2022-03-03"]


def test_each_figure_is_told_the_values_it_rested_on(office: Office) -> None:
    """Published on 20; revised to 30, which changes no count; published on 30; revised to 80."""
    days = "2022-03-01..2022-03-03"
    publish(office, "2022-03-04T10:00", days)
    office.air_day("t", "2022-03-02", taken="2022-03-05T08:00", pm25=30)
    office.judge("2022-03-05T09:00")
    publish(office, "2022-03-05T10:00", days, document="2022-10")
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    office.judge("2022-03-06T09:00")
    found = [{(v.was, v.value) for v in one.causes.values} for one in corrections(office)]
    assert found == [{(was * step("pm25"), 80 * step("pm25"))} for was in (20, 30)]


def test_a_day_that_turns_through_the_first_hour_of_the_next_one_is_told_its_values(office: Office) -> None:
    """The last hour of the third, 1500 ug/m3, makes a mean of (23 x 20 + 1500)/24 = 81.7, over 75; the hour after it
    shows that it is a spike, which QC is set to leave out: 20 is left, and the day is good."""
    office.now_is(site("t", "station"), '[qc.spike]\nlevel = "fail"\n', TARGET)
    office.air_day("t", "2022-03-03", taken="2022-03-04T00:10", pm25_24=1500, pm10_24=1600)
    office.judge("2022-03-04T00:40")
    figure = publish(office, "2022-03-04T00:50")
    assert (figure.rate.numerator, figure.rate.denominator) == (2, 3)
    office.put("t", "2022-03-04T01:00", AIR)
    office.judge("2022-03-04T01:40")
    (one,) = corrections(office)
    assert change(one) == ((2, 3, 667), (3, 3, 1000))
    assert [turned.when for turned in one.causes.turned] == ["2022-03-03"]
    assert {(v.ending, v.was) for v in one.causes.values} == {(at("2022-03-04T01:00"), None)}
    assert one.causes.count == len(AIR)


# --- what a rate rests on ---------------------------------------------------------------------------------------------


def test_a_rate_of_water_is_not_published_by_an_edition_of_air(office: Office) -> None:
    office.put("s", "2022-03-01T08:00", WATER)
    office.judge("2022-03-04T09:30")
    with pytest.raises(UsageError, match="--standard"):
        publish(office, "2022-03-04T10:00", "2022-03", RateName.GOOD_SECTIONS, NEW)
    assert office.store.published_figures() == []


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.fixture
def corrected(office: Office) -> Office:
    """An office with one correction; its clock stands at the ninth of March as that of a recorded demo."""
    publish(office, "2022-03-04T10:00", document="川环〔2022〕9号")
    office.air_day("t", "2022-03-02", taken="2022-03-06T08:15", pm25=80)
    office.judge("2022-03-06T09:00")
    office.store.set_meta("demo", True)
    office.store.beat(at("2022-03-09T09:00"), 1)
    return office


def test_corrections_are_listed(corrected: Office) -> None:
    (row,) = said(corrected, "corrections")
    assert (row["rate"], row["area"], row["period"]) == ("good_days", "a", "2022-03")
    assert (row["from"], row["to"]) == ("2022-03-01", "2022-03-03")
    assert (row["was_percent"], row["became_percent"]) == (100.0, 66.7)
    assert (row["was_numerator"], row["became_numerator"], row["became_denominator"]) == (3, 2, 3)
    assert (row["since"], row["found"]) == ("2022-03-06 08:15", "2022-03-06 09:00")
    assert (row["place"], row["document"], row["published_at"]) == ("bureau", "川环〔2022〕9号", "2022-03-04 10:00")
    assert (row["values"], row["events"], row["settings"]) == (24, [], [])
    assert said(corrected, "corrections", "--period", "2022-04") == []
    assert "没有更正" in ask(corrected, "corrections", "--period", "2022-04").stdout
    assert ask(corrected, "corrections", "--csv").stdout.startswith("number,figure,")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_listing_fits_a_terminal(corrected: Office, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envmon.cli.output.terminal", lambda: 80)
    for words in (("corrections",), ("status",)):
        text = ask(corrected, "--lang", lang, *words).stdout
        assert max(map(width, text.splitlines())) <= 80
        if words == ("corrections",):
            whole = "".join(text.split())
            assert all(part in whole for part in ("某县", "川环〔2022〕9号", "(3/3)", "66.7%", "t", "2022-03-02"))


def test_one_correction_is_explained(corrected: Office) -> None:
    found = said(corrected, "explain", "correction", "1")
    assert "100.0% (3/3) → 66.7% (2/3)" in found["answer"]
    figure, states, turned, values = found["parts"]
    assert figure["rows"][0]["document"] == "川环〔2022〕9号"
    assert [row["excluded"] for row in states["rows"]] == [{}, {}]
    assert (turned["rows"][0]["was_text"], turned["rows"][0]["now_text"]) == ("55 良", "107 轻度污染")
    assert (values["rows"][0]["was"], values["rows"][0]["now"], values["rows"][0]["unit"]) == ("20", "80", "µg/m³")
    assert "| 2022-03-02 01:00 |" in ask(corrected, "explain", "correction", "1", "--md").stdout
    unknown = ask(corrected, "explain", "correction", "7")
    assert isinstance(unknown.exception, UsageError)


def test_status_says_that_there_are_corrections(corrected: Office) -> None:
    assert said(corrected, "status")["corrections"] == 1
    assert "更正已发布数字 1 条" in ask(corrected, "status").stdout
    corrected.store.beat(at("2022-04-09T09:00"), 1)
    assert said(corrected, "status")["corrections"] == 0


def test_as_of_an_earlier_time_there_were_none(corrected: Office) -> None:
    assert said(corrected, "--as-of", "2022-03-06T08:59", "corrections") == []
    assert len(said(corrected, "--as-of", "2022-03-06T09:00", "corrections")) == 1


def test_publish_says_what_it_entered(corrected: Office) -> None:
    corrected.store.close()
    words = ("publish", "good_days", "--area", "某县", "--period", "2022-03", "--document", "9")
    text = ask(corrected, *words).stdout
    assert "已登记 2：优良天数比例 某县 2022-03 66.7%，2/3，统计 2022-03-01 至 2022-03-08" in text
    assert "此前已登记 2" in ask(corrected, *words).stdout
    for wrong in (("publish", "nonsense"), ("publish", "good_days", "--period", "2022-03")):
        assert ask(corrected, *wrong).exit_code == 2
    assert isinstance(ask(corrected, *words[:-3], "2022-01", *words[-2:]).exception, EnvmonError)
    corrected.store = Store.open(corrected.folder / "data/envmon.db")


def test_charts_are_drawn_where_nothing_can_be_recorded(corrected: Office) -> None:
    corrected.store.close()
    lock = corrected.folder / "data/envmon.db.lock"
    lock.unlink()
    lock.mkdir()  # nobody can write now, not even root
    found = ask(corrected, "charts", "--month", "2022-03")
    lock.rmdir()
    assert found.exit_code == 0
    assert "index.html" in found.stdout
    assert "没能登记" in found.stderr
    corrected.store = Store.open(corrected.folder / "data/envmon.db")
    assert [one.place for one in corrected.store.published_figures()] == [Place.BUREAU]


def test_an_event_that_is_imported_or_withdrawn_corrects_at_once(corrected: Office) -> None:
    """Of sections s (class II) and u (class V) the second was not in use all month; and it was, after all."""
    for name, ammonia in (("s", 0.1), ("u", 2.0)):
        corrected.put(name, "2022-03-01T08:00", WATER | {"nh3n": ammonia})
    corrected.judge("2022-03-09T08:00")
    publish(corrected, "2022-03-09T09:00", "2022-03", RateName.GOOD_SECTIONS)
    corrected.store.close()
    listed = corrected.folder / "停用.csv"
    listed.write_text("类型,区域或点位,项目,起,止,认定单位,文号\n停用,u,,2022-02-01,2022-03-31,某局,2022-3\n", "utf-8")
    assert ask(corrected, "event", "import", str(listed)).exit_code == 0
    assert ask(corrected, "event", "withdraw", "1", "--by", "某局", "--document", "2022-4").exit_code == 0
    found = said(corrected, "corrections")[1:]
    assert [row["change_text"] for row in found] == ["50.0% (1/2) → 100.0% (1/1)", "100.0% (1/1) → 50.0% (1/2)"]
    assert [row["events"] for row in found] == [[1], [2]]
    assert found[0]["became_excluded"] == {"unused": 1}
    corrected.store = Store.open(corrected.folder / "data/envmon.db")
