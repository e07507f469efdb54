"""The sampling plan: what is due when, what arrived, who hears of what did not.

Deadlines are counted on the calendar: a monthly sample of February 2024 (29 days) with ten days for the laboratory must
have arrived by 10 March, and is overdue from the 11th. The 21 items of a section are those of GB 3838-2002 table 1
without temperature, total nitrogen and coliforms (环办〔2011〕22号).
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from envmon import alerts, config, periods, standards, texts, wording
from envmon.assess import sampling
from envmon.cli import output
from envmon.config import ConfigMistakes, Known, Mistake
from envmon.errors import ConfigError
from envmon.feed import Feed
from envmon.model import (
    Absence,
    Basis,
    Change,
    Config,
    Cycle,
    Event,
    EventKind,
    ExceptionalEvent,
    Intake,
    Mark,
    PlanEntry,
    RateName,
    Rule,
    RuleKind,
    Sample,
    SampleState,
)
from envmon.pipeline import planning
from envmon.pipeline.board import board
from envmon.pipeline.wiring import load_config
from envmon.store import Store
from tests.conftest import SAMPLE, Bureau
from tests.test_cli import width
from tests.test_config import ODD
from tests.test_operation import ask, rate
from tests.test_rounds import Office, at, site

ARRIVED, PARTIAL, OVERDUE = SampleState.ARRIVED, SampleState.PARTIAL, SampleState.OVERDUE
EXPLAINED, DUE, NOT_YET = SampleState.EXPLAINED, SampleState.DUE, SampleState.NOT_YET
ITEMS = ("ph", "do")
ALL = set(ITEMS)


def day(text: str) -> int:
    return periods.parse(text).first


def entry(every: Cycle = Cycle.MONTH, **keys: object) -> PlanEntry:
    return PlanEntry("s", "section_21", every, **keys)  # type: ignore[arg-type]


def one(
    asked: PlanEntry,
    span: str,
    today: str,
    rounds: sampling.Rounds = (),
    absences: tuple[Absence, ...] = (),
) -> Sample:
    (found,) = sampling.samples(asked, ITEMS, rounds, absences, periods.parse(span), day(today))
    return found


# --- what is due when -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "on", "period", "first", "until"),
    [
        (Cycle.MONTH, "2022-07-15", "2022-07", "2022-07-01", "2022-08-10"),
        (Cycle.MONTH, "2024-02-29", "2024-02", "2024-02-01", "2024-03-10"),
        (Cycle.MONTH, "2023-02-28", "2023-02", "2023-02-01", "2023-03-10"),
        (Cycle.MONTH, "2022-12-31", "2022-12", "2022-12-01", "2023-01-10"),
        (Cycle.QUARTER, "2022-03-31", "2022-Q1", "2022-01-01", "2022-04-10"),
        (Cycle.QUARTER, "2022-10-01", "2022-Q4", "2022-10-01", "2023-01-10"),
        (Cycle.HALF_YEAR, "2022-06-30", "2022-H1", "2022-01-01", "2022-07-10"),
        (Cycle.HALF_YEAR, "2022-07-01", "2022-H2", "2022-07-01", "2023-01-10"),
        (Cycle.YEAR, "2022-01-01", "2022", "2022-01-01", "2023-01-10"),
    ],
)
def test_every_cycle_has_its_period_and_its_deadline(
    every: Cycle, on: str, period: str, first: str, until: str
) -> None:
    found = one(entry(every), on, on)
    assert (found.period.name, found.first, found.until) == (period, day(first), day(until))
    assert found.state is DUE


@pytest.mark.parametrize(
    ("within", "today", "state"),
    [
        (10, "2022-06-30", NOT_YET),
        (10, "2022-07-01", DUE),
        (10, "2022-08-10", DUE),  # the last day of the ten
        (10, "2022-08-11", OVERDUE),
        (0, "2022-07-31", DUE),
        (0, "2022-08-01", OVERDUE),
    ],
)
def test_a_sample_is_overdue_on_the_day_after_the_last_day_of_within(
    within: int, today: str, state: SampleState
) -> None:
    assert one(entry(within=within), "2022-07", today).state is state


def test_over_the_turn_of_the_year_december_and_january_are_two_samples() -> None:
    span, rounds = periods.parse("2022-12..2023-01"), [(day("2022-12-31"), ALL)]
    found = sampling.samples(entry(), ITEMS, rounds, (), span, day("2023-01-15"))
    assert [(each.period.name, each.state) for each in found] == [("2022-12", ARRIVED), ("2023-01", DUE)]
    assert [each.sampled for each in found] == [(day("2022-12-31"),), ()]


@pytest.mark.parametrize(
    ("every", "months", "expected"),
    [
        (Cycle.MONTH, (6, 7, 8), ["2022-06", "2022-07", "2022-08"]),
        (Cycle.QUARTER, (1, 4, 7, 10), ["2022-Q1", "2022-Q2", "2022-Q3", "2022-Q4"]),
        (Cycle.QUARTER, (8,), ["2022-Q3"]),
        (Cycle.HALF_YEAR, (5, 11), ["2022-H1", "2022-H2"]),
        (Cycle.YEAR, (6, 7, 8), ["2022"]),
    ],
)
def test_a_list_of_months_says_which_periods_are_asked_for(
    every: Cycle, months: tuple[int, ...], expected: list[str]
) -> None:
    found = sampling.samples(entry(every, months=months), ITEMS, (), (), periods.parse("2022"), day("2022-01-01"))
    assert [each.period.name for each in found] == expected


def test_only_the_months_of_the_list_count_and_the_deadline_follows_the_last_of_them() -> None:
    asked = entry(Cycle.YEAR, months=(6, 7, 8), within=30)
    assert one(asked, "2022", "2022-05-31").state is NOT_YET
    assert one(asked, "2022", "2022-09-30").state is DUE  # 31 August and thirty days
    assert one(asked, "2022", "2022-10-01").state is OVERDUE
    for sampled, state in (("2022-05-31", OVERDUE), ("2022-06-01", ARRIVED), ("2022-08-31", ARRIVED)):
        assert one(asked, "2022", "2022-10-01", [(day(sampled), ALL)]).state is state
    gaps = entry(Cycle.YEAR, months=(3, 9))
    assert one(gaps, "2022", "2022-12-01", [(day("2022-06-15"), ALL)]).state is OVERDUE


def test_the_periods_that_end_while_an_entry_is_valid_are_asked_for() -> None:
    asked = entry(first=day("2022-02-15"), last=day("2022-05-30"))
    found = sampling.samples(asked, ITEMS, (), (), periods.parse("2022"), day("2022-12-01"))
    assert [each.period.name for each in found] == ["2022-02", "2022-03", "2022-04"]


# --- what arrived -----------------------------------------------------------------------------------------------------


def test_rounds_of_a_period_are_taken_together() -> None:
    first, second = (day("2022-07-05"), {"ph", "tp"}), (day("2022-07-20"), {"do"})
    found = one(entry(), "2022-07", "2022-09-01", [first, second])
    assert (found.state, found.sampled, found.missing) == (ARRIVED, (day("2022-07-05"), day("2022-07-20")), ())
    late = one(entry(), "2022-07", "2022-09-01", [first])
    assert (late.state, late.missing) == (PARTIAL, ("do",))
    assert one(entry(), "2022-07", "2022-08-10", [first]).state is DUE  # the rest may still come
    assert one(entry(), "2022-07", "2022-09-01", [(day("2022-07-05"), {"tp"})]).state is OVERDUE


@pytest.mark.parametrize(
    ("every", "reason", "span", "state"),
    [
        (Cycle.MONTH, "frozen", "2022-02-10..2022-02-12", EXPLAINED),
        (Cycle.MONTH, "frozen", "2022-01-10..2022-01-31", OVERDUE),
        (Cycle.QUARTER, "dry", "2022-02-10..2022-03-31", OVERDUE),  # it could have been sampled in January
        (Cycle.QUARTER, "dry", "2022-01-31..2022-03-01", EXPLAINED),
        (Cycle.QUARTER, "unused", "2022-01-01..2022-12-31", EXPLAINED),
        (Cycle.MONTH, "unsampled", "2022-02-10", EXPLAINED),
        (Cycle.QUARTER, "unsampled", "2022-02-10", OVERDUE),  # of one month; January and March are not accounted for
        (Cycle.QUARTER, "unsampled", "2022-01-10..2022-03-10", EXPLAINED),
        (Cycle.YEAR, "unsampled", "2022-02-01..2022-02-28", DUE),
        (Cycle.QUARTER, "not_open", "2022-01-01..2022-12-31", EXPLAINED),
        (Cycle.QUARTER, "not_open", "2022-01-02..2022-12-31", OVERDUE),  # open on the first day of the quarter
        (Cycle.QUARTER, "not_open", "2021-01-01..2022-02-28", OVERDUE),  # open in March
        (Cycle.MONTH, "not_open", "2022-02-28..2022-12-31", OVERDUE),
    ],
)
def test_what_explains_a_missing_sample(every: Cycle, reason: str, span: str, state: SampleState) -> None:
    days = periods.parse(span)
    found = one(entry(every), "2022-02", "2022-06-01", absences=(Absence(reason, days.first, days.last),))
    assert (found.state, found.reason) == (state, reason if state is EXPLAINED else "")


def test_a_site_that_closes_at_the_end_of_a_period_could_be_sampled_in_it_before() -> None:
    closed, asked = Absence("not_open", day("2022-12-31"), periods.LAST_DAY), entry(Cycle.YEAR, within=30)
    assert one(asked, "2022", "2022-06-01", absences=(closed,)).state is DUE
    assert one(asked, "2022", "2023-01-30", absences=(closed,)).state is DUE
    assert one(asked, "2022", "2023-01-31", absences=(closed,)).state is OVERDUE
    summer = entry(Cycle.YEAR, months=(6, 7, 8))
    away = Absence("not_open", day("2022-06-01"), periods.LAST_DAY)
    assert one(summer, "2022", "2022-10-01", absences=(away,)).reason == "not_open"


def test_every_month_may_have_a_reason_of_its_own() -> None:
    """Not in operation until 28 February, dry in March: no chance. An event is named before a month that is closed."""
    shut, dry = Absence("not_open", 0, day("2022-02-28")), Absence("dry", day("2022-03-05"), day("2022-03-09"))
    found = one(entry(Cycle.QUARTER), "2022-02", "2022-06-01", absences=(dry, shut))
    assert (found.state, found.reason) == (EXPLAINED, "dry")


def test_what_arrived_needs_no_explanation_and_what_is_partly_here_can_have_one() -> None:
    away = Absence("unsampled", day("2022-07-01"), day("2022-07-31"))
    found = one(entry(), "2022-07", "2022-09-01", [(day("2022-07-05"), ALL)], (away,))
    assert (found.state, found.reason) == (ARRIVED, "")
    assert one(entry(), "2022-07", "2022-09-01", [(day("2022-07-05"), {"ph"})], (away,)).state is EXPLAINED


# --- the config -------------------------------------------------------------------------------------------------------

SITES = (
    site("r", "section").replace('name = "r"', 'name = "小河"\naliases = ["小河断面"]'),
    site("w", "source", body="groundwater"),
    site("t", "station"),
)
KNOWN = Known(item_sets=standards.item_sets())


def read(tmp_path: Path, plan: str, csv: bytes | str | None = None) -> tuple[PlanEntry, ...]:
    page = f'bureau = "某局"\n{plan}\n[[areas]]\nid = "a"\nname = "某县"\nlevel = "county"\n' + "\n".join(SITES)
    (tmp_path / "config.toml").write_text(page, "utf-8")
    if csv is not None:
        (tmp_path / "p.csv").write_bytes(csv.encode() if isinstance(csv, str) else csv)
    return config.load(tmp_path / "config.toml", KNOWN, "en", {}).plan


def mistakes(tmp_path: Path, plan: str, csv: bytes | str | None = None) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigMistakes) as caught:
        read(tmp_path, plan, csv)
    return caught.value.mistakes


HEAD = "site,items,every,months,within,from,to,note\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("head", [HEAD, "点位,项目,频次,月份,天数,开始日期,结束日期,备注\n"])
def test_a_plan_from_a_csv(tmp_path: Path, encoding: str, head: str) -> None:
    rows = (
        "# 说明\n小河,section_21,month,6..8,5d,2022-01-01,2022-12-31,县站\n\nw,source_groundwater_39,每半年,5;11,,,,\n"
    )
    first, second = read(tmp_path, 'plan = "p.csv"', (head + rows).encode(encoding))
    dates = (day("2022-01-01"), day("2022-12-31"))
    assert first == PlanEntry("r", "section_21", Cycle.MONTH, (6, 7, 8), 5, *dates, note="县站")
    assert second == PlanEntry("w", "source_groundwater_39", Cycle.HALF_YEAR, (5, 11), 10)


def test_a_plan_that_holds_for_ever(tmp_path: Path) -> None:
    (found,) = read(tmp_path, 'plan = "p.csv"', HEAD + "r,section_21,month,,,2022-01-01,9999-12-31,\n")
    assert found.last == periods.LAST_DAY
    assert one(found, "2022-07", "2022-07-15").state is DUE


def test_a_plan_from_tables_and_files_together(tmp_path: Path) -> None:
    tables = (
        '[[plan]]\nsite = "小河断面"\nitems = "section_21"\nevery = "quarter"\nmonths = [1, 4, 7, 10]\nwithin = 20\n'
    )
    tables += 'from = 2022-01-01\n[[plan]]\nfile = "p.csv"\n'
    first, second = read(tmp_path, tables, HEAD + "r,source_surface_109,year,,,,,\n")
    assert (first.site, first.months, first.within, first.first) == ("r", (1, 4, 7, 10), 20, day("2022-01-01"))
    assert (second.items, second.every) == ("source_surface_109", Cycle.YEAR)
    assert read(tmp_path, "") == ()


BROKEN = [
    ("x,section_21,month,,,,,", "site", '"x"', "r w", ""),
    ("小合,section_21,month,,,,,", "site", '"小合"', "r w", ""),
    ("小河断,section_21,month,,,,,", "site", '"小河断"', "r w", "r"),
    ("t,section_21,month,,,,,", "site", '"t"', "section or source", ""),
    ("r,section21,month,,,,,", "items", '"section21"', "section_21", "section_21"),
    ("r,source_groundwater_39,month,,,,,", "items", "groundwater_39", "source_surface_61", ""),
    ("w,section_21,month,,,,,", "items", '"section_21"', "source_groundwater_39", ""),
    ("r,section_21,mouth,,,,,", "every", '"mouth"', "month quarter half_year year", "month"),
    ("r,section_21,month,13,,,,", "months", '"13"', "1 to 12", ""),
    ("r,section_21,month,8..6,,,,", "months", '"8..6"', "6..8", ""),
    ("r,section_21,month,,10h,,,", "within", '"10h"', "0 to 366", ""),
    ("r,section_21,month,,,2022/1/1,,", "from", '"2022/1/1"', "2022-03-01", ""),
    ("r,section_21,month,,,2022-02-01,2022-01-31,", "to", '"2022-01-31"', "before it begins", ""),
    (",section_21,month,,,,,", "site", "not given", "gangtuo-bridge", ""),
    ("r,section_21,month,,", "", "5 cells", "8", ""),
]


@pytest.mark.parametrize(("row", "key", "found", "allowed", "suggestion"), BROKEN, ids=range(len(BROKEN)))
def test_a_mistake_in_the_plan_is_told_with_line_key_and_what_is_allowed(
    tmp_path: Path, row: str, key: str, found: str, allowed: str, suggestion: str
) -> None:
    (told,) = mistakes(tmp_path, 'plan = "p.csv"', HEAD + row + "\n")
    assert (told.file, told.line, told.path, told.suggestion) == (str(tmp_path / "p.csv"), 2, key, suggestion)
    assert found in told.found
    assert allowed in told.allowed


def test_all_mistakes_of_a_plan_are_told_at_once(tmp_path: Path) -> None:
    told = mistakes(tmp_path, 'plan = "p.csv"', HEAD + "x,section_21,month,,,,,\nr,nothing,mouth,,,,,\n")
    assert [(each.line, each.path) for each in told] == [(2, "site"), (3, "every"), (3, "items")]
    twice = mistakes(tmp_path, 'plan = "p.csv"', HEAD + "r,section_21,month,,,,,\n小河,section_21,month,,,,,\n")
    assert [(each.line, each.path) for each in twice] == [(3, "site")]
    assert "p.csv:2 has it" in twice[0].allowed
    (column,) = mistakes(tmp_path, 'plan = "p.csv"', "site,items,every,who\n")
    assert (column.line, column.path) == (1, "who")
    near = mistakes(tmp_path, 'plan = "p.csv"', "site,item,every\nr,section_21,month\n")
    assert [(each.path, each.suggestion) for each in near] == [("item", "items")]
    (gone,) = mistakes(tmp_path, 'plan = "none.csv"')
    assert (gone.path, gone.line) == ("plan", 2)
    assert "none.csv" in gone.found
    (key,) = mistakes(tmp_path, '[[plan]]\nsite = "r"\nitems = "section_21"\nevery = "month"\nfirst = 2022-01-01\n')
    assert (key.path, key.line) == ("plan[1].first", 6)
    assert " from to " in key.allowed


@pytest.mark.parametrize("odd", ODD)
def test_any_value_in_the_plan_is_taken_or_told_and_nothing_else(tmp_path: Path, odd: str) -> None:
    good = {
        "site": '"r"',
        "items": '"section_21"',
        "every": '"month"',
        "months": '"6..8"',
        "within": '"5d"',
        "note": '"x"',
    }
    for key in (*good, "from", "to"):
        table = "[[plan]]\n" + "".join(f"{name} = {value}\n" for name, value in {**good, key: odd}.items())
        told: tuple[Mistake, ...] = ()
        try:
            rows = read(tmp_path, table)
        except ConfigMistakes as error:
            rows, told = (), error.mistakes
        assert len(rows) == 1 or told
        assert {each.path.partition("[1].")[2].partition("[")[0] for each in told} <= {key}


def test_a_rule_can_only_name_sites_of_the_plan(tmp_path: Path) -> None:
    table = '[[plan]]\nsite = "小河"\nitems = "section_21"\nevery = "month"\n'
    rule = '[[rules]]\nid = "late"\nkind = "sampling"\nsites = ["{}"]\n'
    assert len(read(tmp_path, table + rule.format("r"))) == 1
    (told,) = mistakes(tmp_path, table + rule.format("w"))
    assert told.path == "rules[1].sites"
    (grace,) = mistakes(tmp_path, table + rule.format("r") + 'grace = "2h"\n')
    assert grace.path == "rules[1].grace"


def test_settings_in_force_name_the_plan(tmp_path: Path) -> None:
    read(tmp_path, '[[plan]]\nfile = "p.csv"\n[[plan]]\nsite = "r"\nitems = "section_21"\nevery = "year"\n', HEAD)
    found = config.load(tmp_path / "config.toml", KNOWN, "zh", {})
    rows = {each["key"]: each["value"] for each in config.effective(found, KNOWN, {})}
    assert rows["plan"] == "CSV，0 行计划"
    assert (rows["plan[2].every"], rows["plan[2].within"]) == ('"year"', '"10d"')


def test_every_item_set_has_a_name_in_both_languages() -> None:
    for name in {each for sets in standards.item_sets().values() for each in sets}:
        assert all(texts.t(f"item_set.{name}", lang) for lang in texts.LANGUAGES)


# --- through the store ------------------------------------------------------------------------------------------------

SECTION = dict.fromkeys(standards.water(day("2022-01-01")).sets["section_21"].items, 1.0)
PLAN = '[[plan]]\nsite = "s"\nitems = "section_21"\nevery = "month"\nfrom = 2022-01-01\n'
LATE = '[[rules]]\nid = "late"\nkind = "sampling"\nrepeat = "7d"\n'


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def by_hand(office: Office, when: str, without: tuple[str, ...] = (), taken: str = "", **keys: object) -> None:
    values = {item: value for item, value in SECTION.items() if item not in without}
    office.put("s", when, values, taken=taken, basis=Basis.MANUAL, **keys)  # type: ignore[arg-type]


def late(office: Office, when: str) -> list[tuple[str, str, str]]:
    """(name, period, state) of what the board lists."""
    found = board(office.store, at(when), "zh")["outstanding"]
    return [(each["name"], each["period"], each["state"]) for each in found]


def event(
    kind: EventKind, first: str, last: str, learned: str = "2022-01-01T00:00", subject: str = "s"
) -> ExceptionalEvent:
    return ExceptionalEvent(
        0,
        kind,
        subject,
        (),
        at(f"{first}T00:00"),
        at(f"{last}T00:00") + periods.DAY,
        "某局",
        "文 1 号",
        learned=at(learned),
    )


def test_the_21_items_of_a_section_are_what_is_asked_for() -> None:
    assert len(SECTION) == 21


def test_an_overdue_sample_opens_an_incident_and_its_arrival_resolves_it(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE)
    assert office.judge("2022-02-10T23:59") == []
    assert late(office, "2022-02-10T23:59") == []
    assert office.judge("2022-02-11T00:00") == [("open", "s")]
    assert late(office, "2022-02-11T00:00") == [("s", "2022-01", "overdue")]
    assert office.judge("2022-02-11T01:00") == []  # told once
    assert office.judge("2022-02-18T00:00") == [("repeat", "s")]
    by_hand(office, "2022-01-20T10:00", taken="2022-02-19T00:00")
    assert office.judge("2022-02-19T01:00") == [("resolved", "s")]
    assert late(office, "2022-02-19T01:00") == []
    assert [each["change"] for each in office.told()] == ["open", "repeat", "resolved"]
    assert "s 应采未到：2022-01 地表水 21 项未到" in office.told()[0]["title"]


def test_a_later_sample_that_is_overdue_as_well_is_told_at_once(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE.replace('"7d"', '"90d"'))
    assert office.judge("2022-02-11T01:00") == [("open", "s")]
    assert office.judge("2022-03-11T01:00") == [("worse", "s")]
    assert [each["period"] for each in office.told()[-1]["facts"]["samples"]] == ["2022-01", "2022-02"]
    by_hand(office, "2022-01-20T10:00", taken="2022-03-12T00:00")
    assert office.judge("2022-03-12T01:00") == []  # February is still missing
    assert office.judge("2022-04-11T01:00") == [("worse", "s")]  # two again, and one of them is new


def test_a_sample_with_an_older_deadline_that_becomes_outstanding_is_told_when_it_does(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE.replace('"7d"', '"90d"'))
    (frozen,) = office.store.enter_events([event(EventKind.FROZEN, "2022-01-05", "2022-01-25")])
    assert office.judge("2022-06-11T01:00") == [("open", "s")]
    assert [each["period"] for each in office.told()[-1]["facts"]["samples"]] == [f"2022-0{n}" for n in (2, 3, 4, 5)]
    withdrawn = ExceptionalEvent(0, EventKind.FROZEN, "s", (), 0, 1, "某局", "文 2 号", withdraws=frozen.number)
    office.store.enter_events([withdrawn])
    assert office.judge("2022-06-11T02:00") == [("worse", "s")]
    assert "2022-01 地表水 21 项未到" in office.told()[-1]["title"]  # of five it is the one that is named for certain
    assert office.judge("2022-06-11T03:00") == office.judge("2022-06-12T03:00") == []
    by_hand(office, "2022-03-20T10:00", without=("mercury",), taken="2022-06-13T00:00")
    assert office.judge("2022-06-13T01:00") == []  # March is here in part: it was outstanding and still is
    by_hand(office, "2022-04-20T10:00", taken="2022-06-14T00:00")
    assert office.judge("2022-06-14T01:00") == []  # one fewer
    office.put("s", "2022-04-20T10:00", SECTION, mark=Mark.FAULT, taken="2022-06-15T00:00", basis=Basis.MANUAL)
    assert office.judge("2022-06-15T01:00") == [("worse", "s")]  # April was here, and is no longer


def test_a_sample_lacking_items_is_told_with_the_items_and_resolved_when_they_come(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE)
    by_hand(office, "2022-01-20T10:00", without=("mercury", "cyanide"), taken="2022-01-25T00:00")
    assert office.judge("2022-02-10T12:00") == []
    assert office.judge("2022-02-11T12:00") == [("open", "s")]
    (told,) = office.told()
    assert "缺 " in told["title"]
    assert "汞" in told["title"]
    assert [each["state"] for each in told["facts"]["samples"]] == ["partial"]
    assert set(told["facts"]["samples"][0]["missing"]) == {"mercury", "cyanide"}
    office.put("s", "2022-01-20T10:00", {"mercury": 0.1, "cyanide": 0.1}, taken="2022-02-12T00:00", basis=Basis.MANUAL)
    assert office.judge("2022-02-12T12:00") == [("resolved", "s")]


def test_a_value_below_the_detection_limit_is_one_and_an_automatic_one_is_none(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE)
    by_hand(office, "2022-01-20T10:00", mark=Mark.CENSORED)
    office.put("s", "2022-02-20T10:00", SECTION, basis=Basis.REALTIME)
    assert office.judge("2022-03-11T12:00") == [("open", "s")]
    assert late(office, "2022-03-11T12:00") == [("s", "2022-02", "overdue")]


def test_an_event_explains_a_sample_and_taking_it_back_does_so_no_longer(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE)
    assert office.judge("2022-02-11T01:00") == [("open", "s")]
    (entered,) = office.store.enter_events([event(EventKind.FROZEN, "2022-01-05", "2022-01-25")])
    assert office.judge("2022-02-11T02:00") == [("resolved", "s")]
    assert late(office, "2022-02-11T02:00") == []
    (found,) = planning.in_period(office.store, office.config, periods.parse("2022-01"), at("2022-02-11T02:00"))
    assert (found.state, found.reason) == (EXPLAINED, "frozen")
    withdrawn = ExceptionalEvent(0, EventKind.FROZEN, "s", (), 0, 1, "某局", "文 2 号", withdraws=entered.number)
    office.store.enter_events([withdrawn])
    assert office.judge("2022-02-11T03:00") == [("open", "s")]


def test_a_sample_that_an_event_explains_leaves_the_rate_for_the_same_reason(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE)
    office.store.enter_events([event(EventKind.DRY, "2022-01-10", "2022-01-10")])
    assert office.judge("2022-02-11T01:00") == []
    numerator, denominator, excluded = rate(office, RateName.GOOD_SECTIONS, "2022-01", "2022-02-11T01:00")
    assert (numerator, denominator, [reason.value for reason in excluded]) == (0, 0, ["dry"])


def test_a_month_in_which_no_water_was_taken_explains_the_sample_of_a_source(office: Office) -> None:
    office.now_is(site("s", "source", body="lake"), PLAN.replace("section_21", "source_surface_61"), LATE)
    assert office.judge("2022-02-11T01:00") == [("open", "s")]

    def taken(volume: int) -> None:
        kept = office.store.keep("intake", "a.csv", at("2022-02-11T01:00"), at("2022-02-11T01:00"), [], [])
        january = periods.parse("2022-01").first
        office.store.enter_intakes(kept.batch, [Intake(office.store.site_numbers["s"], january, volume)])

    taken(0)
    assert office.judge("2022-02-11T02:00") == [("resolved", "s")]
    (found,) = planning.in_period(office.store, office.config, periods.parse("2022-01"), at("2022-02-11T02:00"))
    assert (found.state, found.reason) == (EXPLAINED, "unused")
    taken(12_000)  # it was a slip
    assert office.judge("2022-02-11T03:00") == [("open", "s")]


def test_a_closed_site_and_an_entry_that_is_over_ask_for_nothing(office: Office) -> None:
    office.now_is(site("s", "section", closed="2021-12-31"), PLAN, LATE)
    assert office.judge("2022-02-11T01:00") == []
    office.now_is(site("s", "section"), PLAN + "to = 2022-01-30\n", LATE)
    assert office.judge("2022-02-11T02:00") == []


def test_an_entry_without_a_start_is_followed_from_the_period_in_which_it_was_first_found(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN.replace("from = 2022-01-01\n", ""), LATE)
    office.judge("2022-02-20T01:00")
    assert late(office, "2022-02-20T01:00") == []  # January is nobody's fault
    assert office.judge("2022-03-11T01:00") == [("open", "s")]
    assert late(office, "2022-03-11T01:00") == [("s", "2022-02", "overdue")]


def test_what_the_running_year_asked_for_before_the_entry_was_first_found_is_asked_for(office: Office) -> None:
    """Once a year in June, first found in October: the year is running, its sample is late."""
    yearly = PLAN.replace("from = 2022-01-01\n", "").replace('"month"', '"year"') + "months = [6]\n"
    office.now_is(site("s", "section"), yearly, LATE)
    assert office.judge("2022-10-20T01:00") == [("open", "s")]
    assert late(office, "2022-10-20T01:00") == [("s", "2022", "overdue")]


def test_an_entry_that_was_away_for_a_round_is_followed_from_where_it_was(office: Office) -> None:
    bare = PLAN.replace("from = 2022-01-01\n", "")
    office.now_is(site("s", "section"), bare, LATE)
    office.judge("2022-01-20T01:00")
    office.now_is(site("s", "section"), LATE)
    office.judge("2022-03-20T01:00")
    office.now_is(site("s", "section"), bare, LATE)
    assert office.judge("2022-03-20T02:00") == [("open", "s")]
    assert [period for _, period, _ in late(office, "2022-03-20T02:00")] == ["2022-01", "2022-02"]
    office.now_is(site("s", "section"), bare.replace('"month"', '"quarter"'), LATE)  # another entry: it begins now
    assert office.judge("2022-03-20T03:00") == [("resolved", "s")]
    assert office.judge("2022-04-11T03:00") == [("open", "s")]
    assert [period for _, period, _ in late(office, "2022-04-11T03:00")] == ["2022-Q1"]


def test_a_site_that_moves_to_another_area_has_the_events_of_that_one(office: Office) -> None:
    other = '[[areas]]\nid = "b"\nname = "乙县"\nlevel = "county"\n'
    section = site("s", "section")
    office.now_is(section, other, PLAN, LATE)
    office.store.enter_events([event(EventKind.FROZEN, "2022-01-05", "2022-01-25", subject="b")])
    assert office.judge("2022-02-11T01:00") == [("open", "s")]
    office.now_is(section.replace('area = "a"', 'area = "b"'), other, PLAN, LATE)
    assert office.judge("2022-02-11T02:00") == [("resolved", "s")]


def test_an_entry_before_the_first_standard_of_its_water_leaves_the_others_alone(office: Office) -> None:
    """GB/T 14848-2017 is in force from 1 May 2018; the surface water standard since 2002."""
    well = PLAN.replace('"s"', '"w"').replace("section_21", "source_groundwater_39")
    section, source = PLAN.replace("2022-01-01", "2017-01-01"), well.replace("2022-01-01", "2017-01-01")
    office.now_is(site("s", "section"), site("w", "source", body="groundwater"), section, source)
    then = ("--as-of", "2017-06-01T12:00")
    found = json.loads(ask(office, *then, "status", "--json"))["outstanding"]
    assert [(each["site"], each["period"]) for each in found] == [("s", f"2017-0{n}") for n in range(1, 5)]
    rows = json.loads(ask(office, *then, "plan", "--json"))
    assert {each["site"] for each in rows} == {"s"}


def test_an_incident_whose_entry_left_the_config_is_closed(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE)
    assert office.judge("2022-02-11T01:00") == [("open", "s")]
    office.now_is(site("s", "section"), PLAN)
    assert office.judge("2022-02-11T01:30") == []
    assert office.open() == []
    assert late(office, "2022-02-11T01:30") == [("s", "2022-01", "overdue")]  # shown, though no rule asks for it
    office.now_is(site("s", "section"), LATE)
    assert office.judge("2022-02-11T02:00") == []
    assert office.open() == []
    assert late(office, "2022-02-11T02:00") == []


def test_an_open_incident_is_known_by_the_rule_for_some_sites_only(office: Office) -> None:
    other = PLAN.replace('"s"', '"u"')
    office.now_is(site("s", "section"), site("u", "section"), PLAN, other, LATE + 'sites = ["u"]\n')
    assert office.judge("2022-02-11T01:00") == [("open", "u")]
    assert [name for name, _, _ in late(office, "2022-02-11T01:00")] == ["s", "u"]


def test_what_is_outstanding_is_worked_out_again_only_when_something_changed(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE)
    office.judge("2022-02-11T01:00")
    asked = "means FROM water_judgement WHERE site IN"
    assert office.statements("2022-02-11T02:00", asked) == 0
    assert office.statements("2022-02-12T00:00", asked) == 1
    by_hand(office, "2022-02-05T10:00", taken="2022-02-12T00:30")
    assert office.statements("2022-02-12T01:00", asked) == 1


def test_looking_back_knows_what_was_overdue_then(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE)
    office.judge("2022-02-11T01:00")
    by_hand(office, "2022-01-20T10:00", taken="2022-02-15T00:00")
    office.judge("2022-02-15T01:00")
    for then, expected in (("2022-02-10T12:00", []), ("2022-02-14T12:00", ["2022-01"]), ("2022-02-16T12:00", [])):
        found = json.loads(ask(office, "--as-of", then, "status", "--json"))
        assert [each["period"] for each in found["outstanding"]] == expected
        rows = json.loads(ask(office, "--as-of", then, "plan", "--json"))
        assert [each["period"] for each in rows if each["state"] == "overdue"] == expected
    (row,) = json.loads(ask(office, "--as-of", "2022-02-16T12:00", "plan", "--period", "2022-01", "--json"))
    assert (row["state"], row["sampled"]) == ("arrived", ["2022-01-20"])


def test_the_plan_as_a_listing(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN, LATE)
    by_hand(office, "2022-02-20T10:00", without=("mercury",))
    office.judge("2022-03-31T12:00")
    at_end = ("--as-of", "2022-03-31T12:00")
    states = {each["period"]: each["state"] for each in json.loads(ask(office, *at_end, "plan", "--json"))}
    assert states == {"2022-01": "overdue", "2022-02": "partial", "2022-03": "due"}
    rows = json.loads(ask(office, *at_end, "plan", "--period", "2022", "--json"))
    assert len(rows) == 3
    whole = json.loads(ask(office, *at_end, "plan", "--period", "2022", "--all", "--json"))
    assert [each["state"] for each in whole[3:]] == ["not_yet"] * 9
    assert "汞" in ask(office, *at_end, "plan")
    assert ask(office, *at_end, "plan", "--csv").startswith("site,items,every,period,first,last,until,state,sampled,")
    office.now_is(site("s", "section"))
    assert "plan.csv" in ask(office, "plan")


def test_status_shows_the_oldest_few_in_eighty_columns(office: Office) -> None:
    names = [f"u{n}" for n in range(7)]
    sites = [
        site(name, "section").replace(f'name = "{name}"', f'name = "很长名称的手工监测断面{name}"') for name in names
    ]
    office.now_is(*sites, *(PLAN.replace('"s"', f'"{name}"') for name in names), LATE)
    office.judge("2022-02-11T01:00")
    for lang, head, more in (("zh", "应采未到 7 项", "另有 2 项"), ("en", "7 samples overdue", "2 more")):
        said = ask(office, "--lang", lang, "status")
        lines = said.splitlines()
        start = next(n for n, line in enumerate(lines) if head in line)
        shown = lines[start + 1 : start + 6]
        assert all("2022-02-10" in line and "2022-01" in line for line in shown)
        assert more in lines[start + 6]
        assert max(width(line) for line in lines) <= 80
        assert re.search(r"\b7\b", lines[start - 1])  # the open alerts, which are these


@pytest.mark.parametrize(
    ("lang", "items", "lacking"), [("zh", "地表水源 61 项", "，缺 4 项"), ("en", "61 items", ", 4 items missing")]
)
def test_status_names_the_items_beside_a_very_long_site(office: Office, lang: str, items: str, lacking: str) -> None:
    name = "某某自治州某某县某某镇某某村某某水库集中式饮用水水源地一级保护区取水口"  # 35 characters, 70 columns
    asked = PLAN.replace("section_21", "source_surface_61")
    office.now_is(site("s", "section").replace('name = "s"', f'name = "{name}"'), asked, LATE)
    part = list(standards.water(day("2022-01-01")).sets["source_surface_61"].items)[4:]
    office.put("s", "2022-01-20T10:00", dict.fromkeys(part, 0.001), taken="2022-01-25T00:00", basis=Basis.MANUAL)
    office.judge("2022-02-11T01:00")
    (line,) = [each for each in ask(office, "--lang", lang, "status").splitlines() if "2022-02-10" in each]
    assert f"2022-01 {items}  某某自治州某某" in line
    assert line.endswith("…" + lacking)
    assert width(line) <= 80


@pytest.mark.parametrize("lang", texts.LANGUAGES)
def test_the_plan_of_the_demo_fits_a_terminal(office: Office, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a name of seven characters and every state; long texts are broken, the rest is narrow enough."""
    office.now_is(
        site("s", "source", body="groundwater").replace('name = "s"', 'name = "示例水库水源地"'),
        PLAN.replace("section_21", "source_groundwater_39").replace('"month"', '"half_year"'),
    )
    office.put("s", "2022-03-20T10:00", {"ph": 7}, taken="2022-03-25T00:00", basis=Basis.MANUAL)
    office.judge("2022-03-31T12:00")
    monkeypatch.setattr(output, "terminal", lambda: 80)
    for when in ("2022-03-31T12:00", "2022-07-31T12:00"):
        lines = ask(office, "--lang", lang, "--as-of", when, "plan").splitlines()
        assert len(lines) > 2
        assert max(map(width, lines)) <= 80


def test_a_reading_database_is_asked_without_a_word_being_written(office: Office) -> None:
    office.now_is(site("s", "section"), PLAN.replace("from = 2022-01-01\n", ""))
    before = office.store.db.total_changes
    ask(office, "plan", "--period", "2022")
    ask(office, "plan")
    assert office.store.meta("plan_since") is None
    assert office.store.db.total_changes == before


def test_words_of_an_incident_name_few_and_count_many() -> None:
    rule = Rule("late", RuleKind.SAMPLING)
    base = {"items": "source_surface_61", "until": "2022-07-10", "state": "partial"}
    rows = [
        {**base, "period": f"2022-0{n}", "missing": ["hg", "cn"] if n == 1 else list("abcdef")} for n in range(1, 6)
    ]
    for count, parts, absent in ((1, ["缺 汞、cn"], "等"), (5, ["2022-05", "6 项", "等 5 项"], "2022-02")):
        (incident,) = (
            found.incident
            for found in alerts.evaluate(alerts.sampling(rule, "x", rows[:count], 0), [], {"late": rule}, 0).events
        )
        title, _ = wording.message(Event(Change.OPEN, incident, 0), "某水源", {"hg": "汞"}, "zh")
        assert all(part in title for part in ["某水源", *parts])
        assert absent not in title


# --- the daemon -------------------------------------------------------------------------------------------------------


def test_the_daemon_tells_of_a_sheet_that_did_not_come_and_hears_it_come(
    make_bureau: type[Bureau], tmp_path: Path
) -> None:
    """The bundled sheets without that of February, which is put on the laboratory's page on 12 March."""
    sample, made = tmp_path / "sample", make_bureau(tmp_path / "bureau")
    shutil.copytree(SAMPLE / "lab", sample / "lab")
    (sample / "lab/lab_2022-02.csv").unlink()
    with Feed(sample, clock=lambda: made.now) as feed:
        made.point(feed.url)
        found = made.config
        with made.open(found) as store:
            assert MONTHLY & overdue(made, store, found, "2022-03-10T08:40") == set()
            assert MONTHLY & overdue(made, store, found, "2022-03-11T08:40") == MONTHLY
            shutil.copy(SAMPLE / "lab/lab_2022-02.csv", sample / "lab")
            assert overdue(made, store, found, "2022-03-12T08:40") == set()
    told = [json.loads(line) for line in Path(found.paths.alerts).read_text("utf-8").splitlines()]
    changes = [each["change"] for each in told if each["subject"] == "example-river" and each["rule"] == "late-sample"]
    assert changes == ["open", "resolved"]


def overdue(made: Bureau, store: Store, found: Config, when: str) -> set[str]:
    """Sites with an open incident of the plan, after the daemon's beat at a time."""
    made.at(when)
    made.tick(store, found, ["lab"])
    return {each.subject for each in store.open_incidents() if each.kind is RuleKind.SAMPLING}


MONTHLY = {"example-river", "example-brook", "source-river", "source-lake"}


def test_a_broken_plan_stops_the_service_before_anything_runs(tmp_path: Path) -> None:
    office = Office(tmp_path)
    with pytest.raises(ConfigError) as told:
        office.now_is(site("s", "section"), PLAN.replace('"month"', '"monthly"'))
    assert "month quarter half_year year" in told.value.said("zh")
    office.store.close()


def test_the_plan_that_init_writes_is_good(tmp_path: Path) -> None:
    config.write_sample(tmp_path / "new")
    found = load_config(tmp_path / "new/config.toml")
    assert {each.every for each in found.plan} == {Cycle.MONTH, Cycle.HALF_YEAR, Cycle.YEAR}
