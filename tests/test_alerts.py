"""Alerts: what each kind of rule finds, what that does to incidents, and what people read; worked by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envmon import alerts, periods, standards, wording
from envmon.model import (
    NO_VALUE,
    AirDay,
    Basis,
    Change,
    Event,
    Exceeded,
    Finding,
    Incident,
    IncidentState,
    Kind,
    Outlook,
    Prospect,
    Rate,
    RateName,
    Rule,
    RuleKind,
    Severity,
    Site,
    Status,
    Target,
    WaterClass,
    WaterJudgement,
    WaterPeriod,
)
from envmon.store import Store

INFO, WARNING, SERIOUS, CRITICAL = Severity
LEVELS = standards.index_edition("HJ 633-2026").levels
DAY = periods.number(periods.calendar(0).replace(year=2022, month=3, day=1))
NOON = periods.minute(datetime(2022, 3, 10, 12))
HOUR = 60
SO2, PM25 = 1, 32  # bits of the pollutants, in the order so2 no2 co o3 pm10 pm25


def rule(kind: RuleKind, **settings: object) -> Rule:
    return Rule(kind.value, kind, **settings)  # type: ignore[arg-type]


def air_day(aqi: int, day: int = DAY, status: Status = Status.VALID, primary: int = PM25) -> AirDay:
    nothing = (NO_VALUE,) * 6
    return AirDay(day, 1, "HJ 633-2012", nothing, nothing, nothing, 0, aqi, 3, primary, 0, 0, status, 0)


def section(target: WaterClass = WaterClass.III) -> Site:
    return Site("qingxi", "清溪断面", Kind.SECTION, "anzhou", target_class=target)


def water(
    water_class: WaterClass,
    day: int = DAY,
    status: Status = Status.VALID,
    determining: tuple[str, ...] = (),
    main: tuple[Exceeded, ...] = (),
) -> WaterPeriod:
    judged = WaterJudgement(status, water_class, determining, main, (), (), "GB 3838-2002", "section_21")
    return WaterPeriod(1, "day", day, day, Basis.MANUAL, 1, judged, {})


# --- finders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("aqi", "severity"),
    [
        (0, None),
        (100, None),
        (101, WARNING),  # level three, the first that is not good: the rule's own severity
        (150, WARNING),
        (151, SERIOUS),
        (200, SERIOUS),
        (201, CRITICAL),
        (300, CRITICAL),
        (301, CRITICAL),  # there is nothing beyond
        (500, CRITICAL),
    ],
)
def test_a_day_above_one_hundred_is_found_with_the_severity_of_its_level(aqi: int, severity: Severity | None) -> None:
    (found,) = alerts.daily_aqi(rule(RuleKind.DAILY_AQI), "anzhou", [air_day(aqi)], LEVELS)
    assert (found.rule, found.subject, found.value, found.severity) == ("daily_aqi", "anzhou", aqi, severity)
    assert periods.clock(found.at) == "2022-03-02 00:00"  # the end of the first of March
    assert found.facts["day"] == "2022-03-01"


@pytest.mark.parametrize(("aqi", "severity"), [(101, INFO), (151, WARNING), (201, SERIOUS), (301, CRITICAL)])
def test_severity_starts_where_the_rule_says(aqi: int, severity: Severity) -> None:
    (found,) = alerts.daily_aqi(rule(RuleKind.DAILY_AQI, severity=INFO), "anzhou", [air_day(aqi)], LEVELS)
    assert found.severity is severity


@pytest.mark.parametrize(("aqi", "severity"), [(150, None), (151, SERIOUS), (51, None)])
def test_a_daily_rule_may_have_another_threshold(aqi: int, severity: Severity | None) -> None:
    (found,) = alerts.daily_aqi(rule(RuleKind.DAILY_AQI, above=150), "anzhou", [air_day(aqi)], LEVELS)
    assert found.severity is severity


@pytest.mark.parametrize("status", [Status.INSUFFICIENT, Status.INCOMPLETE, Status.INVALID])
def test_an_unfinished_day_gives_no_all_clear(status: Status) -> None:
    found = alerts.daily_aqi(rule(RuleKind.DAILY_AQI), "anzhou", [air_day(60, status=status)], LEVELS)
    assert says_nothing(found)


def test_an_unfinished_day_that_is_over_already_is_trouble() -> None:
    found = alerts.daily_aqi(rule(RuleKind.DAILY_AQI), "anzhou", [air_day(160, status=Status.INCOMPLETE)], LEVELS)
    assert [one.severity for one in found] == [SERIOUS]


def test_a_day_without_an_index_says_nothing() -> None:
    found = alerts.daily_aqi(rule(RuleKind.DAILY_AQI), "a", [air_day(NO_VALUE, status=Status.MISSING)], LEVELS)
    assert says_nothing(found)


def test_several_days_are_found_one_by_one() -> None:
    days = [air_day(90, DAY), air_day(130, DAY + 1), air_day(80, DAY + 2)]
    found = alerts.daily_aqi(rule(RuleKind.DAILY_AQI), "anzhou", days, LEVELS)
    assert [(one.at, one.severity) for one in found] == [
        (periods.hour_ending(DAY, 24), None),
        (periods.hour_ending(DAY + 1, 24), WARNING),
        (periods.hour_ending(DAY + 2, 24), None),
    ]


def test_the_pollutants_of_a_mask_are_named_in_order() -> None:
    assert alerts.pollutants(SO2 | PM25) == ["so2", "pm25"]
    assert alerts.pollutants(0) == []


def hours(values: list[int], above: int = 200, count: int = 3, since: int = 0) -> list[Finding]:
    """What a rule of so many hours finds in the first hours of the day; those up to `since` only begin runs."""
    endings = [periods.hour_ending(DAY, hour + 1) for hour in range(len(values))]
    one = rule(RuleKind.HOURLY_AQI, above=above, hours=count)
    start = periods.hour_ending(DAY, since)
    return alerts.hourly_aqi(one, "station", endings, np.array(values, np.int32), LEVELS, start)


def told_apart(found: list[Finding]) -> tuple[list[int], list[int]]:
    """The hours found in trouble, and those found well; the rest must be void."""
    hour = {one.at: (one.at - periods.hour_ending(DAY, 0)) // HOUR for one in found}
    trouble = [hour[one.at] for one in found if one.severity is not None]
    well = [hour[one.at] for one in found if one.severity is None and not one.void]
    assert len(trouble) + len(well) + sum(one.void for one in found) == len(found)
    return trouble, well


def says_nothing(found: Iterable[Finding]) -> bool:
    return all(one.void and one.severity is None for one in found)


@pytest.mark.parametrize(
    ("values", "trouble", "well"),
    [
        ([201, 201, 201], [3], []),
        ([201, 201], [], []),  # not yet three hours
        ([200, 201, 201], [], [1]),  # 200 is not above 200
        ([201, 201, 201, 150], [3], [4]),  # over, but it was: a late hour must not be lost
        ([150, 201, 250, 301, 301], [4, 5], [1]),
        ([201, NO_VALUE, 201, 201], [], []),  # a gap breaks the run
        ([NO_VALUE, 201, 201, 201], [4], []),
        ([201, 201, 201, NO_VALUE], [3], []),
        ([201, 201, 201, NO_VALUE, 201], [3], []),  # too short a run is neither trouble nor an all-clear
        ([300, 300, 300, 90, 300, 300], [3], [4]),
        ([NO_VALUE, NO_VALUE], [], []),
        ([], [], []),
    ],
)
def test_hours_above_a_threshold_must_run_on(values: list[int], trouble: list[int], well: list[int]) -> None:
    assert told_apart(hours(values)) == (trouble, well)


def test_an_hour_in_trouble_says_which_how_bad_and_for_how_long() -> None:
    *_, found = hours([210, 220, 230])
    assert (found.rule, found.subject, found.value, found.severity) == ("hourly_aqi", "station", 230, CRITICAL)
    assert periods.clock(found.at) == "2022-03-01 03:00"
    assert (found.facts["hours"], found.facts["above"], found.facts["aqi"]) == (3, 200, 230)


def test_hours_before_the_ones_asked_for_only_begin_runs() -> None:
    found = hours([250, 250, 250, 250, 90], since=3)
    assert told_apart(found) == ([4], [5])
    assert found[0].facts["hours"] == 4


@given(st.lists(st.sampled_from([NO_VALUE, 100, 200, 201, 320]), max_size=10), st.integers(1, 4))
def test_hourly_trouble_is_that_the_last_hours_are_all_above(values: list[int], count: int) -> None:
    runs = [values[max(0, hour - count) : hour] for hour in range(1, len(values) + 1)]
    trouble = [hour for hour, run in enumerate(runs, 1) if len(run) == count and min(run) > 200]
    well = [hour for hour, value in enumerate(values, 1) if 0 <= value <= 200]
    assert told_apart(hours(values, count=count)) == (trouble, well)


@pytest.mark.parametrize(
    ("asked", "found_class", "worse_than", "trouble"),
    [
        (WaterClass.II, WaterClass.II, None, False),
        (WaterClass.II, WaterClass.III, None, True),  # good water, but worse than its target
        (WaterClass.IV, WaterClass.IV, None, False),
        (WaterClass.IV, WaterClass.V, None, True),
        (WaterClass.IV, WaterClass.IV, WaterClass.III, True),  # meets its target, but worse than III
        (WaterClass.II, WaterClass.III, WaterClass.III, False),
        (WaterClass.V, WaterClass.WORSE_THAN_V, None, True),
    ],
)
def test_a_section_is_measured_by_the_rule_or_by_its_own_target(
    asked: WaterClass, found_class: WaterClass, worse_than: WaterClass | None, trouble: bool
) -> None:
    one = rule(RuleKind.SECTION_CLASS, worse_than=worse_than, severity=SERIOUS)
    (found,) = alerts.section_class(one, section(asked), [water(found_class)])
    assert found.severity == (SERIOUS if trouble else None)
    assert (found.subject, found.value) == ("qingxi", int(found_class))
    assert periods.clock(found.at) == "2022-03-02 00:00"
    assert (found.facts["water_class"], found.facts["bound"]) == (found_class.name, (worse_than or asked).name)


def test_a_section_without_a_class_says_nothing() -> None:
    judged = [water(WaterClass.NONE, status=Status.INSUFFICIENT), water(WaterClass.V, status=Status.INVALID)]
    assert says_nothing(alerts.section_class(rule(RuleKind.SECTION_CLASS), section(), judged))


def test_a_source_is_found_with_the_items_beyond_their_limits() -> None:
    beyond = (Exceeded("fluoride", WaterClass.IV, 3), Exceeded("nitrate", WaterClass.IV, None))
    judged = [water(WaterClass.IV, main=beyond), water(WaterClass.II, DAY + 30)]
    bad, well = alerts.source_compliance(rule(RuleKind.SOURCE_COMPLIANCE, severity=CRITICAL), section(), judged)
    assert (bad.severity, bad.value, bad.facts["items"]) == (CRITICAL, 2, ["fluoride", "nitrate"])
    assert (well.severity, well.value, well.facts["items"]) == (None, 0, [])
    assert well.at - bad.at == 30 * periods.DAY


def test_a_round_of_a_source_that_could_not_be_judged_says_nothing() -> None:
    judged = [water(WaterClass.NONE, status=Status.INCOMPLETE)]
    assert says_nothing(alerts.source_compliance(rule(RuleKind.SOURCE_COMPLIANCE), section(), judged))


def outlook(prospect: Prospect, days: int | None = None) -> Outlook:
    promised = Target("air-2022", RateName.GOOD_DAYS, "anzhou", periods.year(2022), None if days else 900, days)
    reached = Rate(RateName.GOOD_DAYS, "anzhou", periods.year(2022), 161, 181, (), (), "realtime", 890)
    return Outlook(promised, reached, None if days else 900, -10, 16, prospect)


@pytest.mark.parametrize(
    ("prospect", "severity"),
    [
        (Prospect.AT_RISK, WARNING),
        (Prospect.OUT_OF_REACH, SERIOUS),  # one step more than the rule's
        (Prospect.ON_TRACK, None),
        (Prospect.MET, None),
        (Prospect.UNKNOWN, None),
    ],
)
def test_a_target_at_risk_or_out_of_reach_is_found(prospect: Prospect, severity: Severity | None) -> None:
    (found,) = alerts.target(rule(RuleKind.TARGET), [outlook(prospect)], NOON)
    assert (found.subject, found.at, found.severity) == ("air-2022", NOON, severity)
    assert (found.facts["tenths"], found.facts["required"], found.facts["allowed"]) == (890, 900, 16)


def test_a_target_whose_period_is_over_is_found_as_it_ended() -> None:
    later = periods.hour_ending(periods.year(2022).last, 24) + 3 * 1440
    (found,) = alerts.target(rule(RuleKind.TARGET), [outlook(Prospect.OUT_OF_REACH)], later)
    assert (periods.clock(found.at), found.final, found.severity) == ("2023-01-01 00:00", True, SERIOUS)
    book = Book(now=later)
    assert book.hear(replace(found, rule=DAILY.id)) == [Change.OPEN]
    assert book.hear(replace(found, rule=DAILY.id), after=10 * 1440) == []  # told once


def test_a_critical_target_rule_has_no_step_beyond() -> None:
    (found,) = alerts.target(rule(RuleKind.TARGET, severity=CRITICAL), [outlook(Prospect.OUT_OF_REACH)], NOON)
    assert found.severity is CRITICAL


@pytest.mark.parametrize(("quiet", "silent"), [(0, False), (60, False), (180, False), (181, True), (6000, True)])
def test_an_hourly_site_is_silent_beyond_its_hour_and_two_hours_of_grace(quiet: int, silent: bool) -> None:
    one = rule(RuleKind.SILENCE, grace=120)
    (found,) = alerts.silence(one, "station", NOON - quiet, 0, HOUR, NOON)
    assert (found.severity == WARNING) is silent
    assert (found.subject, found.at, found.facts["hours"]) == ("station", NOON, quiet // 60)


@pytest.mark.parametrize(("quiet", "silent"), [(360, False), (361, True)])
def test_a_four_hourly_section_may_be_quiet_for_longer(quiet: int, silent: bool) -> None:
    (found,) = alerts.silence(rule(RuleKind.SILENCE, grace=120), "qingxi", NOON - quiet, 0, 240, NOON)
    assert (found.severity is not None) is silent


@pytest.mark.parametrize(("listening", "silent"), [(180, False), (181, True)])
def test_a_site_never_heard_of_is_silent_since_the_service_listens(listening: int, silent: bool) -> None:
    (found,) = alerts.silence(rule(RuleKind.SILENCE), "typo", None, NOON - listening, HOUR, NOON)
    assert (found.severity is not None) is silent
    assert found.facts["last"] is None


def test_a_reading_older_than_the_listening_says_nothing_about_silence() -> None:
    (found,) = alerts.silence(rule(RuleKind.SILENCE), "archive", NOON - 400 * 1440, NOON - 180, HOUR, NOON)
    assert found.severity is None  # last year was imported three hours ago
    (found,) = alerts.silence(rule(RuleKind.SILENCE), "archive", NOON - 400 * 1440, NOON - 181, HOUR, NOON)
    assert (found.severity, found.facts["hours"]) == (WARNING, 400 * 24)


@pytest.mark.parametrize(("failures", "failing"), [(0, False), (2, False), (3, True), (40, True)])
def test_a_service_is_found_after_so_many_failures_in_a_row(failures: int, failing: bool) -> None:
    (found,) = alerts.service(rule(RuleKind.SERVICE, hours=3), "cnemc", failures, "timed out", NOON)
    assert (found.severity == WARNING) is failing
    assert (found.subject, found.value, found.facts["error"]) == ("cnemc", failures, "timed out")


# --- decisions ---------------------------------------------------------------------------------------------------

DAILY = rule(RuleKind.DAILY_AQI, repeat=1440)
RULES = {DAILY.id: DAILY, "section_class": rule(RuleKind.SECTION_CLASS), "service": rule(RuleKind.SERVICE)}


def day_finding(day: int, aqi: int, subject: str = "anzhou") -> Finding:
    """A day of March 2022, as the finder for daily values would have it."""
    severity = None if aqi <= 100 else WARNING if aqi <= 150 else SERIOUS if aqi <= 200 else CRITICAL
    return Finding(DAILY.id, subject, periods.hour_ending(DAY + day - 1, 24), severity, aqi, {"day": day, "aqi": aqi})


def no_judgement(day: int) -> Finding:
    """That day of March 2022 cannot be judged any more."""
    return Finding(DAILY.id, "anzhou", periods.hour_ending(DAY + day - 1, 24), None, None, {"void": True}, void=True)


@dataclass
class Book:
    """Keeps incidents between decisions as a store would: by number, open until resolved."""

    now: int = NOON
    number: int = 0
    open: dict[tuple[str, str], Incident] = field(default_factory=dict)
    told: list[tuple[str, Change]] = field(default_factory=list)

    def hear(self, *findings: Finding, after: int = 0) -> list[Change]:
        self.now += after
        decision = alerts.evaluate(findings, list(self.open.values()), RULES, self.now)
        for event in decision.events:
            one = event.incident
            assert event.at == one.told == self.now
            if event.change is Change.OPEN:
                assert one.key not in self.open
                self.number += 1
            kept = replace(one, id=self.open[one.key].id if one.key in self.open else self.number)
            if one.state is IncidentState.OPEN:
                self.open[one.key] = kept
            else:
                del self.open[one.key]
            self.told.append((one.subject, event.change))
        for one in decision.quiet:
            self.open[one.key] = one
        return [event.change for event in decision.events]

    @property
    def only(self) -> Incident:
        (found,) = self.open.values()
        return found


def test_trouble_opens_an_incident() -> None:
    one = day_finding(1, 120)
    decision = alerts.evaluate([one], [], RULES, NOON)
    expected = Incident(
        0, "daily_aqi", RuleKind.DAILY_AQI, "anzhou", IncidentState.OPEN, WARNING, 120, one.at, one.at, NOON, one.facts
    )
    assert decision.events == [Event(Change.OPEN, expected, NOON)]
    assert decision.quiet == []


def test_trouble_whose_judgement_is_gone_is_taken_back() -> None:
    book = Book()
    assert book.hear(day_finding(1, 120)) == [Change.OPEN]
    assert book.hear(no_judgement(2), after=60) == []  # a day without index is no all-clear
    assert book.hear(no_judgement(1), after=60) == [Change.RESOLVED]
    assert book.open == {}


def test_only_the_last_day_of_several_is_taken_back() -> None:
    book = Book()
    book.hear(day_finding(1, 120), day_finding(2, 130))
    assert book.hear(day_finding(1, 120), no_judgement(2), after=60) == []
    (incident,) = book.open.values()
    assert (incident.last, incident.facts["day"]) == (periods.hour_ending(DAY, 24), 1)
    assert book.hear(day_finding(2, 90), after=60) == [Change.RESOLVED]


def test_an_all_clear_without_an_incident_says_nothing() -> None:
    assert alerts.evaluate([day_finding(1, 60)], [], RULES, NOON) == alerts.Decision([], [])


def test_no_findings_say_nothing_about_open_incidents() -> None:
    book = Book()
    book.hear(day_finding(1, 120))
    assert book.hear(after=10 * 1440) == []
    assert len(book.open) == 1


def test_an_all_clear_resolves_and_new_trouble_opens_anew() -> None:
    book = Book()
    assert book.hear(day_finding(1, 120)) == [Change.OPEN]
    first = book.only.id
    assert book.hear(day_finding(2, 100), after=1440) == [Change.RESOLVED]
    assert book.open == {}
    assert book.hear(day_finding(3, 110), after=1440) == [Change.OPEN]
    assert book.only.id != first


def test_a_resolved_incident_keeps_when_it_began_and_knows_when_it_ended() -> None:
    opened = replace(alerts.evaluate([day_finding(1, 160)], [], RULES, NOON).events[0].incident, id=7)
    (event,) = alerts.evaluate([day_finding(3, 70)], [opened], RULES, NOON + 60).events
    assert (event.change, event.incident.state, event.incident.id) == (Change.RESOLVED, IncidentState.RESOLVED, 7)
    assert (event.incident.opened, event.incident.last) == (day_finding(1, 0).at, day_finding(3, 0).at)
    assert event.incident.severity is SERIOUS
    assert event.incident.facts == {"day": 3, "aqi": 70}


def test_a_higher_severity_is_told_as_worse() -> None:
    book = Book()
    book.hear(day_finding(1, 149))
    assert book.hear(day_finding(2, 151), after=60) == [Change.WORSE]
    assert (book.only.severity, book.only.value) == (SERIOUS, 151)


@pytest.mark.parametrize(("aqi", "told"), [(260, []), (299, []), (300, [Change.WORSE]), (450, [Change.WORSE])])
def test_within_one_severity_fifty_index_points_more_are_worse(aqi: int, told: list[Change]) -> None:
    book = Book()
    book.hear(day_finding(1, 250))
    assert book.hear(day_finding(2, aqi), after=60) == told


def test_growth_is_measured_from_what_was_told_last() -> None:
    """250, then 290 (not told), then 310: 60 above what people know."""
    book = Book()
    book.hear(day_finding(1, 250))
    assert book.hear(day_finding(2, 290), after=60) == []
    assert book.hear(day_finding(3, 310), after=60) == [Change.WORSE]
    assert book.hear(day_finding(4, 359), after=60) == []
    assert book.hear(day_finding(5, 360), after=60) == [Change.WORSE]


@pytest.mark.parametrize(("then", "told"), [(4, []), (5, [Change.WORSE]), (6, [Change.WORSE])])
def test_one_water_class_more_is_worse(then: int, told: list[Change]) -> None:
    book = Book()
    book.hear(Finding("section_class", "qingxi", NOON, WARNING, 4))
    assert book.hear(Finding("section_class", "qingxi", NOON + 1440, WARNING, then), after=60) == told


def test_more_failures_of_a_service_are_not_told_each_time() -> None:
    book = Book()
    told = [book.hear(Finding("service", "cnemc", NOON + i, WARNING, 3 + i), after=1) for i in range(100)]
    assert told == [[Change.OPEN]] + [[]] * 99


def test_milder_trouble_neither_resolves_nor_is_told_and_the_worst_is_kept() -> None:
    book = Book()
    book.hear(day_finding(1, 210))
    assert book.hear(day_finding(2, 110), after=60) == []
    assert (book.only.severity, book.only.value) == (CRITICAL, 210)


def test_trouble_that_goes_on_is_repeated_after_its_interval_only() -> None:
    book = Book()
    book.hear(day_finding(1, 120))
    assert book.hear(day_finding(2, 120), after=1439) == []
    assert book.hear(day_finding(2, 120), after=1) == [Change.REPEAT]
    assert book.hear(day_finding(2, 120), after=1439) == []
    assert book.hear(day_finding(3, 120), after=1) == [Change.REPEAT]


def test_a_reminder_tells_the_latest_trouble() -> None:
    book = Book()
    book.hear(day_finding(1, 120))
    assert book.hear(day_finding(1, 120), day_finding(2, 125), after=1440) == [Change.REPEAT]
    assert (book.only.facts["day"], book.only.last) == (2, periods.hour_ending(DAY + 1, 24))


def test_getting_worse_starts_the_interval_again() -> None:
    book = Book()
    book.hear(day_finding(1, 120))
    assert book.hear(day_finding(2, 160), after=1000) == [Change.WORSE]
    assert book.hear(day_finding(2, 160), after=1439) == []
    assert book.hear(day_finding(2, 160), after=1) == [Change.REPEAT]


def test_what_is_found_quietly_moves_the_incident_on_but_not_when_it_was_told() -> None:
    book = Book()
    book.hear(day_finding(1, 120))
    decision = alerts.evaluate([day_finding(2, 130)], [book.only], RULES, NOON + 60)
    assert decision.events == []
    (quiet,) = decision.quiet
    assert (quiet.id, quiet.last, quiet.told) == (book.only.id, day_finding(2, 0).at, NOON)
    assert quiet.facts == {"day": 2, "aqi": 130}


def test_each_cause_has_one_incident_of_its_own() -> None:
    book = Book()
    told = book.hear(
        day_finding(1, 120),
        day_finding(2, 130),
        day_finding(1, 120, "beichuan"),
        Finding("section_class", "anzhou", NOON, WARNING, 4),
    )
    assert told == [Change.OPEN] * 3
    assert set(book.open) == {("daily_aqi", "anzhou"), ("daily_aqi", "beichuan"), ("section_class", "anzhou")}


def test_resolving_one_cause_leaves_the_others_open() -> None:
    book = Book()
    book.hear(day_finding(1, 120), day_finding(1, 120, "beichuan"))
    assert book.hear(day_finding(2, 80), after=60) == [Change.RESOLVED]
    assert set(book.open) == {("daily_aqi", "beichuan")}


def test_trouble_that_got_worse_before_it_was_told_is_told_once_at_its_worst() -> None:
    (event,) = alerts.evaluate([day_finding(1, 120), day_finding(2, 260)], [], RULES, NOON).events
    assert (event.change, event.incident.severity, event.incident.value) == (Change.OPEN, CRITICAL, 260)
    assert event.incident.opened == day_finding(1, 0).at


def test_findings_of_a_rule_that_is_no_longer_there_say_nothing() -> None:
    assert alerts.evaluate([replace(day_finding(1, 300), rule="gone")], [], RULES, NOON) == alerts.Decision([], [])


def test_trouble_found_late_opens_an_incident() -> None:
    book = Book(now=NOON + 30 * 1440)
    assert book.hear(day_finding(1, 180)) == [Change.OPEN]
    assert book.only.opened == day_finding(1, 0).at


def test_trouble_found_late_together_with_a_newer_all_clear_is_told_and_over() -> None:
    book = Book()
    assert book.hear(day_finding(5, 60), day_finding(2, 180)) == [Change.OPEN, Change.RESOLVED]
    assert book.open == {}


def test_a_late_all_clear_for_an_earlier_day_resolves_nothing() -> None:
    book = Book()
    book.hear(day_finding(5, 120))
    assert book.hear(day_finding(4, 60), after=60) == []
    assert book.only.last == day_finding(5, 0).at


def test_a_revision_that_makes_the_day_itself_good_resolves() -> None:
    book = Book()
    book.hear(day_finding(5, 120))
    assert book.hear(day_finding(5, 99), after=60) == [Change.RESOLVED]


def test_a_late_earlier_day_is_no_reason_to_repeat() -> None:
    book = Book()
    book.hear(day_finding(5, 120))
    assert book.hear(day_finding(4, 120), after=5000) == []


def test_a_late_earlier_day_that_was_worse_is_told_and_the_incident_stays_as_recent_as_it_was() -> None:
    book = Book()
    book.hear(day_finding(5, 120))
    assert book.hear(day_finding(4, 260), after=60) == [Change.WORSE]
    assert (book.only.severity, book.only.last) == (CRITICAL, day_finding(5, 0).at)


MANY = st.lists(
    st.tuples(st.sampled_from(["anzhou", "beichuan"]), st.integers(1, 20), st.integers(30, 400)),
    unique_by=lambda one: one[:2],
    max_size=12,
)


@given(MANY, st.data())
def test_the_order_of_findings_does_not_matter(given_days: list[tuple[str, int, int]], data: st.DataObject) -> None:
    findings = [day_finding(day, aqi, subject) for subject, day, aqi in given_days]
    before = [
        replace(alerts.evaluate([day_finding(8, 160)], [], RULES, NOON).events[0].incident, id=1),
    ]
    shuffled = data.draw(st.permutations(findings))
    assert alerts.evaluate(shuffled, before, RULES, NOON + 60) == alerts.evaluate(findings, before, RULES, NOON + 60)


@given(MANY)
def test_after_all_findings_at_once_an_incident_is_open_when_the_newest_is_trouble(
    given_days: list[tuple[str, int, int]],
) -> None:
    book = Book()
    book.hear(*(day_finding(day, aqi, subject) for subject, day, aqi in given_days))
    newest: dict[str, tuple[int, int]] = {}
    for subject, day, aqi in given_days:
        newest[subject] = max(newest.get(subject, (0, 0)), (day, aqi))
    assert {subject for _, subject in book.open} == {subject for subject, (_, aqi) in newest.items() if aqi > 100}


@given(MANY)
def test_the_same_trouble_again_says_nothing(given_days: list[tuple[str, int, int]]) -> None:
    book = Book()
    findings = [day_finding(day, aqi, subject) for subject, day, aqi in given_days if aqi > 100]
    book.hear(*findings)
    assert book.hear(*findings, after=1439) == []


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "envmon.db"


def beat(database: Path, findings: Iterable[Finding], now: int) -> list[Change]:
    """One decision of a process that starts, decides and ends."""
    with Store.open(database) as store:
        found = list(findings)
        known = store.incidents(min(one.at for one in found), now)
        decision = alerts.evaluate(found, known, RULES, now)
        store.apply(decision.events, ["log"])
        store.refresh(decision.quiet)
        return [event.change for event in decision.events]


def test_a_restart_repeats_nothing_and_forgets_nothing(database: Path) -> None:
    findings = [day_finding(1, 120), day_finding(1, 260, "beichuan")]
    assert beat(database, findings, NOON) == [Change.OPEN, Change.OPEN]
    for minutes in (0, 1, 1439):
        assert beat(database, findings, NOON + minutes) == []
    assert beat(database, findings, NOON + 1440) == [Change.REPEAT, Change.REPEAT]
    assert beat(database, findings, NOON + 1441) == []
    assert beat(database, [day_finding(2, 90)], NOON + 1500) == [Change.RESOLVED]
    assert beat(database, [day_finding(2, 90)], NOON + 1501) == []
    with Store.open(database) as store:
        (left,) = store.open_incidents()
    assert (left.subject, left.severity, left.told) == ("beichuan", CRITICAL, NOON + 1440)


def test_what_was_found_quietly_is_still_known_after_a_restart(database: Path) -> None:
    beat(database, [day_finding(1, 120)], NOON)
    assert beat(database, [day_finding(2, 130)], NOON + 60) == []
    assert beat(database, [day_finding(1, 80)], NOON + 61) == []  # a revision of the first day; the second is bad
    assert beat(database, [day_finding(2, 80)], NOON + 62) == [Change.RESOLVED]


def incidents(database: Path) -> list[tuple[int, str, str, str]]:
    """(number, state, first and last day) of every incident, in the order they were opened."""
    with Store.open(database) as store:
        found = sorted(store.incidents(0, 2**40), key=lambda one: one.id)
    return [(one.id, one.state.value, periods.clock(one.opened)[:10], periods.clock(one.last)[:10]) for one in found]


def test_a_season_judged_in_one_go_opens_and_resolves_in_turn(database: Path) -> None:
    season = [day_finding(day, aqi) for day, aqi in enumerate([120, 60, 130, 140, 70, 110], 1)]
    turns = [Change.OPEN, Change.RESOLVED] * 2 + [Change.OPEN]
    assert beat(database, season, NOON) == turns
    assert beat(database, season, NOON + 1) == []
    assert incidents(database) == [
        (1, "resolved", "2022-03-02", "2022-03-03"),  # a day's minute is the midnight that ends it
        (2, "resolved", "2022-03-04", "2022-03-06"),
        (3, "open", "2022-03-07", "2022-03-07"),
    ]


def test_trouble_told_and_over_is_not_told_again_when_its_day_is_judged_again(database: Path) -> None:
    beat(database, [day_finding(1, 120), day_finding(2, 130)], NOON)
    assert beat(database, [day_finding(3, 80)], NOON + 1440) == [Change.RESOLVED]
    assert beat(database, [day_finding(2, 135), day_finding(3, 80)], NOON + 1500) == []
    assert beat(database, [day_finding(2, 180), day_finding(3, 80)], NOON + 1501) == [Change.OPEN, Change.RESOLVED]
    assert beat(database, [day_finding(2, 180), day_finding(3, 80)], NOON + 1502) == []  # the worse is told as well


def test_a_good_day_that_is_revised_to_bad_is_told_again(database: Path) -> None:
    beat(database, [day_finding(1, 120)], NOON)
    assert beat(database, [day_finding(2, 99)], NOON + 1440) == [Change.RESOLVED]
    assert beat(database, [day_finding(2, 101)], NOON + 1500) == [Change.OPEN]


def test_an_incident_opened_by_several_days_is_as_recent_as_the_latest(database: Path) -> None:
    assert beat(database, [day_finding(1, 120), day_finding(2, 130)], NOON) == [Change.OPEN]
    assert incidents(database) == [(1, "open", "2022-03-02", "2022-03-03")]
    assert beat(database, [day_finding(1, 80)], NOON + 60) == []  # a revision of the first day; the second is bad


def test_an_open_incident_reaches_back_to_trouble_found_late(database: Path) -> None:
    beat(database, [day_finding(5, 120)], NOON)
    assert beat(database, [day_finding(3, 120)], NOON + 1) == []
    assert beat(database, [day_finding(6, 50)], NOON + 1440) == [Change.RESOLVED]
    assert beat(database, [day_finding(3, 120), day_finding(6, 50)], NOON + 1441) == []


def test_getting_worse_when_a_repeat_is_due_is_told_as_worse() -> None:
    book = Book()
    book.hear(day_finding(1, 120))
    assert book.hear(day_finding(2, 120), day_finding(3, 160), after=1440) == [Change.WORSE]


def test_going_on_and_over_in_one_go_is_told_as_over(database: Path) -> None:
    beat(database, [day_finding(1, 120)], NOON)
    assert beat(database, [day_finding(2, 120), day_finding(3, 60)], NOON + 1440) == [Change.RESOLVED]


def test_a_notice_tells_how_things_stood_at_its_event(database: Path) -> None:
    found = alerts.daily_aqi(DAILY, "anzhou", [air_day(120, DAY), air_day(60, DAY + 1)], LEVELS)
    assert beat(database, found, NOON) == [Change.OPEN, Change.RESOLVED]
    with Store.open(database) as store:
        notices = store.pending_notices()
    assert [one.event.incident.state for one in notices] == [IncidentState.OPEN, IncidentState.RESOLVED]
    titles = [wording.message(one.event, "安州", ITEMS, "zh")[0] for one in notices]
    assert ["大于 100" in title for title in titles] == ["恢复优良" not in title for title in titles] == [True, False]


# --- words -------------------------------------------------------------------------------------------------------

ITEMS = {"pm25": "PM2.5", "so2": "SO₂", "codmn": "高锰酸盐指数", "fluoride": "氟化物"}
STATION = (rule(RuleKind.HOURLY_AQI, above=200, hours=3), hours([210, 220, 230]))
LATE_SAMPLE = {
    "items": "source_surface_61",
    "period": "2022-02",
    "until": "2022-03-10",
    "state": "partial",
    "missing": ["fluoride", "codmn"],
}
TROUBLE = {
    RuleKind.DAILY_AQI: (DAILY, alerts.daily_aqi(DAILY, "x", [air_day(152, primary=SO2 | PM25)], LEVELS)),
    RuleKind.HOURLY_AQI: STATION,
    RuleKind.SECTION_CLASS: (
        RULES["section_class"],
        alerts.section_class(RULES["section_class"], section(), [water(WaterClass.V, determining=("codmn",))]),
    ),
    RuleKind.SOURCE_COMPLIANCE: (
        rule(RuleKind.SOURCE_COMPLIANCE),
        alerts.source_compliance(
            rule(RuleKind.SOURCE_COMPLIANCE),
            section(),
            [water(WaterClass.IV, main=(Exceeded("fluoride", WaterClass.IV, 3),))],
        ),
    ),
    RuleKind.TARGET: (rule(RuleKind.TARGET), alerts.target(rule(RuleKind.TARGET), [outlook(Prospect.AT_RISK)], NOON)),
    RuleKind.SILENCE: (
        rule(RuleKind.SILENCE),
        alerts.silence(rule(RuleKind.SILENCE), "x", NOON - 300, 0, HOUR, NOON),
    ),
    RuleKind.SERVICE: (RULES["service"], alerts.service(RULES["service"], "x", 4, "timed out", NOON)),
    RuleKind.SAMPLING: (rule(RuleKind.SAMPLING), alerts.sampling(rule(RuleKind.SAMPLING), "x", [LATE_SAMPLE], NOON)),
}


def told(kind: RuleKind, lang: str, now: int = NOON, resolved: Finding | None = None) -> tuple[str, str]:
    one, findings = TROUBLE[kind]
    (event,) = alerts.evaluate(findings, [], {one.id: one}, now).events
    if resolved is not None:
        incident = replace(event.incident, id=1)
        (event,) = alerts.evaluate([resolved], [incident], {one.id: one}, now).events
    stored = json.loads(json.dumps(event.incident.facts))  # the words come from what the store keeps
    return wording.message(replace(event, incident=replace(event.incident, facts=stored)), "安州", ITEMS, lang)


@pytest.mark.parametrize(
    ("kind", "lang", "parts"),
    [
        (RuleKind.DAILY_AQI, "zh", ["2022-03-01", "152", "大于 100", "SO₂、PM2.5"]),
        (RuleKind.DAILY_AQI, "en", ["2022-03-01", "152", "above 100", "SO₂, PM2.5"]),
        (RuleKind.HOURLY_AQI, "zh", ["2022-03-01 03:00", "230", "200", "3 小时"]),
        (RuleKind.HOURLY_AQI, "en", ["2022-03-01 03:00", "230", "200", "3 h"]),
        (RuleKind.SECTION_CLASS, "zh", ["2022-03-01", "Ⅴ类", "Ⅲ类", "高锰酸盐指数"]),
        (RuleKind.SECTION_CLASS, "en", ["2022-03-01", "class V", "class III", "高锰酸盐指数"]),
        (RuleKind.SOURCE_COMPLIANCE, "zh", ["2022-03-01", "超标", "氟化物"]),
        (RuleKind.SOURCE_COMPLIANCE, "en", ["2022-03-01", "not compliant", "氟化物"]),
        (RuleKind.TARGET, "zh", ["2022", "89.0%", "161/181", "90.0%", "有风险"]),
        (RuleKind.TARGET, "en", ["2022", "89.0%", "161/181", "90.0%", "at risk"]),
        (RuleKind.SILENCE, "zh", ["5 小时", "2022-03-10 07:00"]),
        (RuleKind.SILENCE, "en", ["5 h", "2022-03-10 07:00"]),
        (RuleKind.SERVICE, "zh", ["4 次", "timed out"]),
        (RuleKind.SERVICE, "en", ["4 times", "timed out"]),
        (RuleKind.SAMPLING, "zh", ["2022-02", "地表水源 61 项", "缺 氟化物、高锰酸盐指数"]),
        (RuleKind.SAMPLING, "en", ["2022-02", "61 items", "氟化物, 高锰酸盐指数 missing"]),
    ],
)
def test_a_message_names_the_place_the_value_and_what_it_is_measured_by(
    kind: RuleKind, lang: str, parts: list[str]
) -> None:
    title, text = told(kind, lang)
    for part in ["安州", *parts]:
        assert part in title
    assert kind.value in text  # which rule it was
    assert "{" not in title + text


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", list(RuleKind))
def test_a_message_without_names_for_items_uses_their_keys(kind: RuleKind, lang: str) -> None:
    one, findings = TROUBLE[kind]
    (event,) = alerts.evaluate(findings, [], {one.id: one}, NOON).events
    title, _ = wording.message(event, "Anzhou", {}, lang)
    assert "Anzhou" in title


def test_every_kind_of_rule_has_words() -> None:
    assert set(TROUBLE) == set(RuleKind)


@pytest.mark.parametrize(
    ("lang", "severity", "change"), [("zh", "警告", "新告警"), ("en", "warning", "new")], ids=["zh", "en"]
)
def test_a_message_says_how_severe_it_is_and_since_when(lang: str, severity: str, change: str) -> None:
    title, text = told(RuleKind.TARGET, lang)
    assert change in title
    assert severity in text
    assert "2022-03-10 12:00" in text


@pytest.mark.parametrize(("days", "late"), [(0, False), (2, False), (3, True)])
def test_trouble_found_more_than_two_days_after_its_day_is_told_as_late(days: int, late: bool) -> None:
    end = periods.hour_ending(DAY, 24)
    title, _ = told(RuleKind.DAILY_AQI, "zh", now=end + days * periods.DAY)
    assert ("补报" in title) is late
    assert ("新告警" in title) is not late


@pytest.mark.parametrize(
    ("lang", "over"), [("zh", ["解除", "恢复优良", "88"]), ("en", ["resolved", "good again", "88"])]
)
def test_a_message_says_that_it_is_over(lang: str, over: list[str]) -> None:
    (well,) = alerts.daily_aqi(DAILY, "x", [air_day(88, DAY + 1)], LEVELS)
    title, _ = told(RuleKind.DAILY_AQI, lang, resolved=well)
    for part in ["安州", "2022-03-02", *over]:
        assert part in title


def test_a_target_in_days_is_told_in_days() -> None:
    one = rule(RuleKind.TARGET)
    (event,) = alerts.evaluate(
        alerts.target(one, [outlook(Prospect.OUT_OF_REACH, 330)], NOON), [], {one.id: one}, NOON
    ).events
    assert "330 天" in wording.message(event, "安州", {}, "zh")[0]
    assert "330 days" in wording.message(event, "安州", {}, "en")[0]


@pytest.mark.parametrize(
    ("last", "zh", "en"),
    [
        (NOON - 71 * HOUR, "71 小时", "71 h"),
        (NOON - 72 * HOUR, "3 天", "3 days"),
        (None, "从未收到", "never"),
    ],
)
def test_silence_is_told_in_hours_then_in_days_and_a_site_may_never_have_spoken(
    last: int | None, zh: str, en: str
) -> None:
    one = rule(RuleKind.SILENCE)
    (event,) = alerts.evaluate(
        alerts.silence(one, "x", last, NOON - 500 * HOUR, HOUR, NOON), [], {one.id: one}, NOON
    ).events
    assert zh in wording.message(event, "安州", {}, "zh")[0]
    assert en in wording.message(event, "安州", {}, "en")[0]
