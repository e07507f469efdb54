"""Rounds of judging after rounds: readings that come late or again, configs that change, parts that fail.

A small bureau of one area; its readings go into the real store, and what is told into a real file. Ammonia above
1.0 mg/L is worse than class III (GB 3838-2002 table 1); an hour of PM2.5 at 300 ug/m3 has an index above 300
(HJ 633-2012 table 1).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from envmon import daemon, periods
from envmon.errors import StoreError
from envmon.model import Basis, Config, Kind, Mark, RateName, Site, Span, Status, Stream
from envmon.pipeline import drawing, judge_air, judge_water, rating
from envmon.pipeline.board import board, incident, names_of
from envmon.pipeline.judge import Outcome, judge
from envmon.pipeline.wiring import load_config
from envmon.standards import parameters
from envmon.store import Store

ITEMS = parameters()
AIR = {"so2": 10, "no2": 10, "co": 0.5, "o3": 50, "pm10": 60, "pm25": 20}
WATER = {"ph": 7, "do": 8, "codmn": 2, "nh3n": 0.1, "tp": 0.05}
BUREAU = """
bureau = "某局"
[[areas]]
id = "a"
name = "某县"
level = "county"
air = "station"
[[channels]]
id = "file"
kind = "jsonl"
"""
SECTION = '[[rules]]\nid = "r"\nkind = "section_class"\nworse_than = "III"\n'
SILENT = '[[rules]]\nid = "r"\nkind = "silence"\ngrace = "24h"\nrepeat = "7d"\n'
HOURLY = '[[rules]]\nid = "r"\nkind = "hourly_aqi"\nabove = 150\nhours = 3\n'
DAILY = '[[rules]]\nid = "r"\nkind = "daily_aqi"\n'


def site(name: str, kind: str, **keys: str) -> str:
    keys = {"body": "river", "target_class": "III", **keys} if kind == "section" else keys
    more = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    return f'[[sites]]\nid = "{name}"\nname = "{name}"\nkind = "{kind}"\narea = "a"\n{more}'


def at(text: str) -> int:
    return periods.minute(datetime.fromisoformat(text))


class Office:
    """The bureau's folder, its open store and its config, which may be written anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.open(folder / "data/envmon.db")

    def now_is(self, *parts: str) -> None:
        """The bureau's page becomes this."""
        (self.folder / "config.toml").write_text("\n".join((BUREAU, *parts)), "utf-8")
        self.config: Config = load_config(self.folder / "config.toml")
        self.store.register(self.config, ITEMS.values())

    def put(
        self,
        name: str,
        when: str,
        values: Mapping[str, float],
        *,
        mark: Mark = Mark.NONE,
        taken: str = "",
        basis: Basis = Basis.REALTIME,
    ) -> None:
        """Readings of one time, kept as a payload taken then (or when `taken` says)."""
        stream = self.store.stream(Stream("src", basis, Span.HOUR))
        number, minute = self.store.site_numbers[name], at(taken or when)
        self.store.keep(
            "src",
            "test",
            minute,
            minute,
            [
                (at(when), number, ITEMS[item].number, stream, round(value * 10 ** ITEMS[item].decimals), mark)
                for item, value in values.items()
            ],
        )

    def air_day(self, name: str, day: str, taken: str = "", **other: float) -> None:
        """A whole day of hours; `other` values by item, or for one hour as pm25_07."""
        start = at(f"{day}T00:00")
        for hour in range(1, 25):
            values = {item: other.get(f"{item}_{hour:02}", other.get(item, value)) for item, value in AIR.items()}
            self.put(name, periods.moment(start + 60 * hour).isoformat(), values, taken=taken)

    def judge(self, when: str) -> list[tuple[str, str]]:
        """One round: (change, subject) of what it told."""
        return [(event.change.value, event.incident.subject) for event in self.outcome(when).events]

    def outcome(self, when: str) -> Outcome:
        return judge(self.store, self.config, at(when))

    def told(self) -> list[dict[str, Any]]:
        path = Path(self.config.paths.alerts)
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def open(self) -> list[str]:
        return [one.subject for one in self.store.open_incidents()]

    def waters(self, name: str, span: str = "day") -> list[tuple[str, str]]:
        found = self.store.water([self.store.site_numbers[name]], span, 0, periods.LAST_DAY)
        return [(one.judgement.status.name, one.judgement.water_class.name) for one in found]

    def statements(self, when: str, part: str) -> int:
        """How many statements of one round of judging hold some text."""
        seen: list[str] = []
        self.store.db.set_trace_callback(seen.append)
        self.judge(when)
        self.store.db.set_trace_callback(None)
        return sum(part in one for one in seen)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


# --- readings that come again -----------------------------------------------------------------------------------------


def test_a_bad_day_whose_readings_are_marked_invalid_is_taken_back(office: Office) -> None:
    office.now_is(site("s", "section"), SECTION)
    office.put("s", "2022-03-10T12:00", WATER | {"nh3n": 5})
    assert office.judge("2022-03-11T12:00") == [("open", "s")]
    office.put("s", "2022-03-10T12:00", WATER | {"nh3n": 5}, mark=Mark.FAULT, taken="2022-03-11T13:00")
    assert office.judge("2022-03-11T13:40") == [("resolved", "s")]
    assert office.waters("s") == office.waters("s", "month") == [("INVALID", "NONE")]
    assert "2022-03-10" in office.told()[-1]["title"]
    found = rating.rate(
        office.store, office.config, RateName.GOOD_SECTIONS, "*", periods.parse("2022-03"), at("2022-04-05T00:00")
    )
    assert (found.denominator, [one.reason.value for one in found.excluded]) == (0, ["invalid"])


def test_an_incident_of_two_bad_days_stays_open_when_only_the_second_is_taken_back(office: Office) -> None:
    office.now_is(site("s", "section"), SECTION)
    for day in ("10", "11"):
        office.put("s", f"2022-03-{day}T12:00", WATER | {"nh3n": 5})
    assert office.judge("2022-03-12T12:00") == [("open", "s")]
    office.put("s", "2022-03-11T12:00", WATER | {"nh3n": 5}, mark=Mark.FAULT, taken="2022-03-12T13:00")
    assert office.judge("2022-03-12T13:40") == []
    (incident,) = office.store.open_incidents()
    assert periods.clock(incident.last) == "2022-03-11 00:00"
    office.put("s", "2022-03-12T12:00", WATER)
    assert office.judge("2022-03-13T00:40") == [("resolved", "s")]


def test_a_bad_air_day_whose_hours_are_marked_invalid_is_taken_back(office: Office) -> None:
    office.now_is(site("t", "station"), DAILY)
    office.air_day("t", "2022-03-10", pm25=200, pm10=250)
    assert office.judge("2022-03-11T00:40") == [("open", "a")]
    for hour in range(1, 25):
        when = periods.moment(at("2022-03-10T00:00") + 60 * hour).isoformat()
        office.put("t", when, AIR | {"pm25": 200, "pm10": 250}, mark=Mark.FAULT, taken="2022-03-11T01:00")
    assert office.judge("2022-03-11T01:40") == [("resolved", "a")]
    days = office.store.air_days(office.store.site_numbers["a"], 0, periods.LAST_DAY)
    assert [day.status for day in days] == [Status.INVALID]  # not as if nothing had been received


# --- late hours -------------------------------------------------------------------------------------------------------


def test_bad_hours_that_arrive_together_with_the_good_ones_after_them_are_told(office: Office) -> None:
    office.now_is(site("t", "station"), HOURLY)
    for hour in range(1, 9):
        office.put("t", f"2022-03-10T{hour:02}:00", AIR | ({"pm25": 300, "pm10": 350} if hour <= 6 else {}))
    assert office.judge("2022-03-10T08:40") == [("open", "t"), ("resolved", "t")]
    assert "2022-03-10 03:00" in office.told()[0]["title"]
    assert office.judge("2022-03-10T08:41") == []


def test_bad_hours_of_last_week_are_told_when_they_arrive(office: Office) -> None:
    office.now_is(site("t", "station"), HOURLY)
    for day in ("08", "10", "18", "19"):
        office.air_day("t", f"2022-03-{day}")
    assert office.judge("2022-03-20T08:40") == []
    # The ninth comes at last; its run of bad hours begins late on it and ends on the tenth, which is there already.
    office.air_day("t", "2022-03-09", taken="2022-03-20T09:00", pm25_22=300, pm25_23=300, pm10_22=350, pm10_23=350)
    assert office.judge("2022-03-20T09:40") == []  # two hours: not yet a run
    office.put("t", "2022-03-10T00:00", AIR | {"pm25": 300, "pm10": 350}, taken="2022-03-20T10:00")
    assert office.judge("2022-03-20T10:40") == [("open", "t"), ("resolved", "t")]
    assert "补报" in office.told()[0]["title"]


def test_a_bad_running_day_and_a_late_bad_day_before_it_are_one_incident(office: Office) -> None:
    office.now_is(site("s", "section"), SECTION)
    office.put("s", "2022-03-10T08:00", WATER | {"nh3n": 5})
    assert office.judge("2022-03-10T09:40") == [("open", "s")]
    office.put("s", "2022-03-09T12:00", WATER | {"nh3n": 5}, taken="2022-03-10T13:00")
    flagged = {item: WATER[item] for item in ("ph", "do", "codmn")} | {"nh3n": 5}
    office.put("s", "2022-03-10T08:00", flagged, mark=Mark.FAULT, taken="2022-03-10T13:00")
    assert office.judge("2022-03-10T13:40") == []
    (incident,) = office.store.open_incidents()
    assert periods.clock(incident.opened) == "2022-03-10 00:00"


def test_a_running_day_opens_an_incident_once_and_is_well_only_when_it_is_over(office: Office) -> None:
    office.now_is(site("s", "section"), SECTION)
    told = []
    for hour, ammonia in ((4, 1.2), (8, 0.7), (12, 1.2), (16, 0.7), (20, 0.3)):
        office.put("s", f"2022-03-10T{hour:02}:00", WATER | {"nh3n": ammonia})
        told += office.judge(f"2022-03-10T{hour:02}:40")
    assert told == [("open", "s")]
    assert office.judge("2022-03-11T00:40") == [("resolved", "s")]  # nothing came since; the mean was 0.82


def test_a_rate_of_closed_days_does_not_change_during_the_day(office: Office) -> None:
    """Six readings of 0.8 on one day and one of 1.6 on the next: the mean of all is 0.91, that of the days 1.2."""
    office.now_is(site("s", "section"))
    for hour in (1, 5, 9, 13, 17, 21):
        office.put("s", f"2022-03-10T{hour:02}:00", WATER | {"nh3n": 0.8})
    office.put("s", "2022-03-11T12:00", WATER | {"nh3n": 1.6})
    office.judge("2022-03-12T00:40")

    def rate(when: str) -> tuple[int, int]:
        found = rating.rate(
            office.store, office.config, RateName.GOOD_SECTIONS, "*", periods.parse("2022-03"), at(when)
        )
        return found.numerator, found.denominator

    assert rate("2022-03-12T00:40") == (1, 1)
    office.put("s", "2022-03-12T04:00", WATER | {"nh3n": 9})
    office.judge("2022-03-12T05:40")
    assert rate("2022-03-12T05:40") == (1, 1)
    office.judge("2022-03-13T00:40")  # with the day closed its reading counts, though none came since
    assert rate("2022-03-13T00:40") == (0, 1)


# --- quality control does not depend on what is judged together -------------------------------------------------------


@pytest.mark.parametrize("level", ["fail", "suspect"])
def test_a_spike_at_midnight_is_seen_however_the_days_are_judged(tmp_path: Path, level: str) -> None:
    found = []
    for rounds in (["2022-03-11T00:40", "2022-03-12T00:40"], ["2022-03-12T00:40"]):
        office = Office(tmp_path / str(len(rounds)))
        office.now_is(site("t", "station"), f'[qc.spike]\nlevel = "{level}"\n')
        for day, last in (("2022-03-10", 900), ("2022-03-11", 20)):
            office.air_day("t", day, pm25_24=last)
            for when in rounds[:-1]:
                office.judge(when)
        office.judge(rounds[-1])
        number = office.store.site_numbers["t"]
        days = [(day.day, day.aqi, day.hours) for day in office.store.air_days(number, 0, periods.LAST_DAY)]
        flags = [one.ending for one in office.store.flags(number, 0, 2**40) if one.test == "spike"]
        found.append((days, flags))
        office.store.close()
    assert found[0] == found[1]
    assert found[0][1] == [at("2022-03-11T00:00")]


def test_a_reading_that_completes_a_still_run_takes_the_days_before_it_with_it(office: Office) -> None:
    office.now_is(site("s", "section"), '[qc.flat_line]\nlevel = "fail"\ntimes = 8\n')
    still = WATER | {"nh3n": 0.6}
    for hour in range(4, 29, 4):
        office.put("s", periods.moment(at("2022-03-10T00:00") + 60 * hour).isoformat(), still)
    office.judge("2022-03-11T04:40")
    assert office.waters("s") == [("VALID", "III")] * 2  # seven equal readings are not yet a still run
    office.put("s", "2022-03-11T08:00", still)
    office.judge("2022-03-11T08:40")
    assert [status for status, _ in office.waters("s")] == ["INVALID"] * 2


def test_where_a_spike_invalidates_the_first_hour_after_midnight_settles_yesterday(office: Office) -> None:
    office.now_is(site("t", "station"), '[qc.spike]\nlevel = "fail"\n')
    office.air_day("t", "2022-03-10", pm25_24=900, pm10_24=950)
    office.judge("2022-03-11T00:40")

    def hours() -> int:
        (day,) = office.store.air_days(office.store.site_numbers["t"], 0, periods.LAST_DAY)
        return day.hours[5]

    assert hours() == 24
    office.put("t", "2022-03-11T01:00", AIR)
    office.judge("2022-03-11T01:40")
    assert hours() == 23


# --- a config that changes --------------------------------------------------------------------------------------------


def test_a_rule_that_becomes_another_kind_loses_no_notice(office: Office) -> None:
    blocked = office.folder / "blocked"
    blocked.write_text("")  # its folder cannot be made: the notice waits
    paths = '[paths]\nalerts = "blocked/alerts.jsonl"\n'
    office.now_is(site("t", "station"), SILENT, paths)
    office.judge("2022-03-01T00:40")
    assert office.judge("2022-03-10T12:40") == [("open", "t")]
    assert len(office.store.pending_notices()) == 1
    blocked.unlink()
    office.now_is(site("t", "station"), HOURLY, paths)
    assert office.judge("2022-03-10T13:40") == []
    assert ["9 天没有数据" in one["title"] for one in office.told()] == [True]
    assert office.open() == []  # nothing follows it any more
    assert board(office.store, at("2022-03-10T13:40"), "zh")["open_incidents"] == 0
    (closed,) = office.store.incidents(0, 2**40)
    assert closed.facts["retired"] is True


def test_a_notice_whose_facts_are_of_another_version_is_told_by_its_rule(office: Office) -> None:
    office.now_is(site("s", "section"), SECTION)
    office.put("s", "2022-03-10T12:00", WATER | {"nh3n": 5})
    office.store.db.execute(
        "CREATE TRIGGER old AFTER INSERT ON incident_event BEGIN UPDATE incident_event SET facts = '{}'; END"
    )
    assert office.judge("2022-03-11T12:00") == [("open", "s")]
    assert office.told()[0]["title"] == "【新告警】s r"


@pytest.mark.parametrize(
    "later",
    [
        (site("u", "station"), SILENT),  # the site has gone
        (site("t", "station"), site("u", "station")),  # the rule has gone
        (site("t", "station"), site("u", "station"), SILENT + 'sites = ["u"]\n'),  # the rule looks elsewhere
    ],
)
def test_an_incident_that_nothing_follows_any_more_is_closed_and_says_why(
    office: Office, later: tuple[str, ...]
) -> None:
    office.now_is(site("t", "station"), site("u", "station"), SILENT)
    office.judge("2022-03-01T00:40")
    office.put("u", "2022-03-10T12:00", AIR)
    assert office.judge("2022-03-10T12:40") == [("open", "t")]
    office.now_is(*later)
    assert office.judge("2022-03-10T13:40") == []
    assert office.open() == []
    assert len(office.told()) == 1
    (closed,) = board_of_all(office)
    assert "关闭" in closed["title"]


def board_of_all(office: Office) -> list[dict[str, Any]]:
    names = names_of(office.store, "zh")
    return [incident(one, names, "zh") for one in office.store.incidents(0, 2**40)]


def test_the_target_of_a_year_that_is_over_is_told_once_and_closed_a_month_later(office: Office) -> None:
    target = '[[targets]]\nid = "g"\nrate = "good_days"\narea = "a"\nperiod = "2022"\npercent = "90.0"\n'
    office.now_is(site("t", "station"), target, '[[rules]]\nid = "r"\nkind = "target"\nrepeat = "7d"\n')
    office.air_day("t", "2022-12-30")
    office.air_day("t", "2022-12-31", pm25=200, pm10=250)
    assert office.judge("2023-01-01T00:40") == [("open", "g")]
    later = [office.judge(f"2023-{day}T00:40") for day in ("01-08", "01-20", "01-31", "02-02", "03-01", "12-31")]
    assert later == [[]] * 6
    assert office.open() == []
    assert office.outcome("2024-02-01T00:40").events == []


def test_a_new_site_and_an_old_archive_are_not_silent_at_once(office: Office) -> None:
    office.now_is(site("t", "station"), SILENT)
    office.judge("2022-03-01T00:40")
    assert office.judge("2022-03-05T00:40") == [("open", "t")]
    office.now_is(site("t", "station"), site("u", "station"), site("w", "station"), SILENT)
    office.air_day("w", "2020-03-10", taken="2022-03-05T01:00")
    assert office.judge("2022-03-05T01:40") == []
    assert office.judge("2022-03-06T02:40") == []  # its hour and the 24 of grace
    assert sorted(office.judge("2022-03-06T02:41")) == [("open", "u"), ("open", "w")]


def test_a_site_that_comes_back_as_something_else_is_judged_as_that(office: Office) -> None:
    """Phosphorus of 0.04 mg/L is class II in a river and class III in a lake (GB 3838-2002 table 1)."""
    river, lake = site("s", "section", body="river"), site("s", "section", body="lake")
    office.now_is(river)
    office.put("s", "2022-03-10T12:00", WATER | {"tp": 0.04})
    office.judge("2022-03-11T00:40")
    assert office.waters("s") == [("VALID", "II")]
    office.now_is(site("t", "station"))
    office.judge("2022-03-12T00:40")
    office.now_is(site("t", "station"), lake)
    office.judge("2022-03-13T00:40")
    assert office.waters("s") == [("VALID", "III")]


def test_a_site_judged_by_other_rules_while_away_is_judged_by_today_s(office: Office) -> None:
    section = site("s", "section")
    office.now_is(section)
    office.put("s", "2022-03-10T12:00", WATER | {"nh3n": -1})
    office.judge("2022-03-11T00:40")
    assert office.waters("s") == [("INSUFFICIENT", "NONE")]
    for parts in ((site("t", "station"),), (site("t", "station"), "[qc.negative]\noff = true\n")):
        office.now_is(*parts)
        office.judge("2022-03-12T00:40")
    seen = office.store.dirty("water")  # type: ignore[arg-type]
    office.now_is(section, "[qc.negative]\noff = true\n")
    assert seen == []
    assert office.statements("2022-03-13T00:40", "INSERT OR REPLACE INTO water_judgement") == 2  # the day and its month


# --- rates ------------------------------------------------------------------------------------------------------------

TARGET = '[[targets]]\nid = "{0}"\nrate = "good_days"\narea = "a"\nperiod = "2026"\npercent = "90.0"\nedition = "{1}"\n'


def test_rates_are_kept_by_what_their_target_asks_for(office: Office) -> None:
    """A late day brings another edition into the by-date rate: the row of that day is replaced, not doubled."""
    office.now_is(site("t", "station"), TARGET.format("one", "by-date"), TARGET.format("two", "HJ 633-2012"))
    office.air_day("t", "2026-01-01")
    office.judge("2026-01-02T00:40")
    office.judge("2026-03-02T00:40")
    office.air_day("t", "2026-03-01", taken="2026-03-02T09:00")  # the first day of HJ 633-2026
    now = "2026-03-02T09:40"
    office.judge(now)
    year = periods.parse("2026")
    lines = [drawing.line(office.store, office.config, one, year, at(now)).rates for one in office.config.targets]
    assert [[len(one.editions) for one in line] for line in lines] == [[1, 2], [1, 1]]
    assert [[one.denominator for one in line] for line in lines] == [[1, 2], [1, 2]]
    assert lines[1][-1].editions == ("HJ 633-2012",)


def test_a_rate_by_a_named_edition_is_made_again_only_when_a_day_was_judged(office: Office) -> None:
    office.now_is(site("t", "station"), TARGET.format("two", "HJ 633-2012"))
    office.air_day("t", "2026-01-01")
    office.air_day("t", "2026-01-02")
    reads = [office.statements(f"2026-01-03T0{hour}:40", "FROM reading WHERE ending") for hour in range(4)]
    assert reads[0] > reads[1] == reads[2] == reads[3]
    (kept,) = office.store.outlooks()
    assert (kept["rate"]["numerator"], kept["rate"]["denominator"]) == (2, 2)
    office.air_day("t", "2026-01-02", taken="2026-01-03T05:00", pm25=200, pm10=250)
    office.judge("2026-01-03T05:40")
    (kept,) = office.store.outlooks()
    assert (kept["rate"]["numerator"], kept["rate"]["denominator"]) == (1, 2)


# --- parts ------------------------------------------------------------------------------------------------------------


def test_a_long_history_is_judged_in_parts_of_a_month_and_whole_areas(office: Office) -> None:
    names = [f"t{i}" for i in range(3)]
    office.now_is(*(site(name, "station") for name in names))
    for name in names:
        office.put(name, "2021-01-01T12:00", AIR, taken="2022-03-10T00:00")
    parts = judge_air.parts(office.store, office.config, at("2022-03-10T00:40"))
    days = [day for part in parts for day in range(part.first, part.last + 1)]
    assert days == list(range(periods.parse("2021-01-01").first, periods.parse("2022-03-09").last + 1))
    assert max(part.last - part.first + 1 for part in parts) == 31
    assert all(len(part.sites) == 3 for part in parts)


def test_areas_are_judged_in_groups_but_never_divided() -> None:
    sites = {
        area * 100 + i: Site(f"s{area}-{i}", "s", Kind.STATION, f"a{area}") for area in range(5) for i in range(40)
    }
    groups = list(judge_air.blocks(sites, {f"a{area}": 63 for area in range(5)}))
    assert [len(group) for group in groups] == [80, 80, 40]
    assert set().union(*groups) == set(sites)
    assert sum(len({number // 100 for number in group}) for group in groups) == 5  # no area stands in two


def test_one_question_asks_for_the_month_of_all_sections(office: Office) -> None:
    names = [f"s{i}" for i in range(20)]
    office.now_is(*(site(name, "section") for name in names))
    for name in names:
        office.put(name, "2022-03-10T12:00", WATER)
    assert office.statements("2022-03-10T12:40", "JOIN stream s ON s.number = r.stream") <= 1
    assert len(office.waters("s7")) == 1


def test_what_was_judged_before_a_part_that_fails_is_kept_and_told(office: Office) -> None:
    office.now_is(site("t", "station"), site("s", "section"), DAILY)
    office.air_day("t", "2022-03-10", pm25=200, pm10=250)
    office.put("s", "2022-03-10T12:00", WATER)
    office.store.db.execute("ALTER TABLE water_judgement RENAME TO lost")
    with pytest.raises(StoreError, match="water_judgement"):
        office.judge("2022-03-11T00:40")
    assert office.open() == ["a"]
    assert [one["subject"] for one in office.told()] == ["a"]
    office.store.db.execute("ALTER TABLE lost RENAME TO water_judgement")
    assert office.judge("2022-03-11T01:40") == []
    assert office.waters("s") == [("VALID", "II")]


def test_people_hear_of_a_judging_that_fails_at_every_beat(office: Office) -> None:
    office.now_is(site("s", "section"), '[[rules]]\nid = "r"\nkind = "service"\nhours = 3\n')
    office.put("s", "2022-03-10T12:00", WATER)
    office.store.db.execute("ALTER TABLE water_judgement RENAME TO lost")
    (job,) = (one for one in daemon.jobs_of(office.config) if one.name == "judge")
    start = at("2022-03-11T00:40")
    for minute in range(start, start + 60):
        daemon.tick(daemon.kept_open(office.store), (job,), minute)
    assert [(one["subject"], one["change"]) for one in office.told()] == [("judge", "open")]
    assert "判定任务 连续失败 3 次" in office.told()[0]["title"]
    office.store.db.execute("ALTER TABLE lost RENAME TO water_judgement")
    for minute in range(start + 60, start + 200):
        daemon.tick(daemon.kept_open(office.store), (job,), minute)
    assert [one["change"] for one in office.told()] == ["open", "resolved"]


def test_months_are_closed_by_the_calendar_and_not_by_a_reading(office: Office) -> None:
    office.now_is(site("s", "section"))
    office.put("s", "2022-03-31T12:00", WATER)
    office.judge("2022-03-31T12:40")
    assert office.waters("s") == [("VALID", "II")]
    assert office.waters("s", "month") == []  # its only day is not over
    office.judge("2022-04-01T00:40")
    assert office.waters("s", "month") == [("VALID", "II")]
    assert judge_water.judged_until(office.store) == periods.parse("2022-03-31").last
