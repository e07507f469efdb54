"""Exceptional events: a list is entered, every rate is given once more without them, a dusty day is laid open.

By HJ 633-2012 table 1 PM10 at 300 ug/m3 has an index of 175, at 60 one of 55; ozone at 300 (8 h) is above 200. A day
with nothing left of its particles is INCOMPLETE; without its four worst hours it has the twenty that GB 3095 asks for.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from envmon import periods
from envmon.assess import exceptional
from envmon.cli import root
from envmon.model import Basis, EventKind, ExceptionalEvent, RateName, Reason, View
from envmon.pipeline import rating
from envmon.store import Store
from tests.test_rounds import AIR, WATER, Office, at, site

HEAD = "类型,区域或点位,项目,起,止,认定单位,文号,备注\n"
DUST = "沙尘,某县,PM10;PM2.5,2022-03-02,2022-03-02,省生态环境厅,川环函〔2022〕1号,\n"
TARGET = '[[targets]]\nid = "x"\nrate = "good_days"\narea = "a"\nperiod = "2022-03"\npercent = "85.0"\n'
NOW = "2022-04-05T12:00"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.now_is(site("t", "station"), TARGET)
    yield made
    made.store.close()


def run(office: Office, *words: str) -> Result:
    return CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), *words])


def ask(office: Office, *words: str) -> str:
    found = run(office, *words)
    assert found.exit_code == 0, found.output
    return found.stdout


def entered(office: Office, *lines: str, head: str = HEAD) -> Result:
    """Import a list of these lines; the store is let go of meanwhile."""
    path = office.folder / "list.csv"
    path.write_text(head + "".join(lines), "utf-8")
    office.store.close()
    found = run(office, "event", "import", str(path))
    office.store = Store.open(office.folder / "data/envmon.db")
    return found


def both(
    office: Office, name: RateName = RateName.GOOD_DAYS, period: str = "2022-03", **view: object
) -> tuple[int, ...]:
    """Numerator and denominator with and without the events, and how many days or sites count otherwise."""
    found = rating.rate(office.store, office.config, name, "a", periods.parse(period), at(NOW), View(**view))  # type: ignore[arg-type]
    assert found.without is not None
    return (
        *(found.numerator, found.denominator),
        *(found.without.numerator, found.without.denominator, found.without.changed),
    )


# --- air --------------------------------------------------------------------------------------------------------------


def three_days(office: Office) -> None:
    """A clean day, a dusty one, a clean one."""
    office.air_day("t", "2022-03-01")
    office.air_day("t", "2022-03-02", pm10=300)
    office.air_day("t", "2022-03-03")
    office.judge("2022-03-04T12:00")


def test_a_day_that_fails_by_what_dust_spoiled_leaves_the_rate_without_it(office: Office) -> None:
    three_days(office)
    assert entered(office, DUST).exit_code == 0
    assert both(office) == (2, 3, 2, 2, 1)


def test_or_is_judged_by_the_other_items_where_the_bureau_says_so(office: Office) -> None:
    office.now_is(site("t", "station"), '[assessment]\ndeducted = "without_items"\n')
    three_days(office)
    entered(office, DUST)
    assert both(office) == (2, 3, 3, 3, 1)


def test_a_day_that_fails_without_the_particles_as_well_stays_bad(office: Office) -> None:
    office.air_day("t", "2022-03-02", pm10=300, o3=300)
    office.judge("2022-03-04T12:00")
    entered(office, DUST)
    assert both(office) == (0, 1, 0, 1, 0)


def test_a_good_day_stays_good(office: Office) -> None:
    office.air_day("t", "2022-03-02")
    office.judge("2022-03-04T12:00")
    entered(office, DUST)
    assert both(office) == (1, 1, 1, 1, 0)


def test_a_day_that_lacks_an_item_of_its_own_is_not_good_on_the_others(office: Office) -> None:
    """PM10 of 300 alone settles the day; without it nitrogen dioxide, which was not measured, leaves it open."""
    office.now_is(site("t", "station"), '[assessment]\ndeducted = "without_items"\n')
    start = at("2022-03-02T00:00")
    for hour in range(1, 25):
        values = {item: value for item, value in (AIR | {"pm10": 300}).items() if item != "no2"}
        office.put("t", periods.moment(start + 60 * hour).isoformat(), values)
    office.judge("2022-03-04T12:00")
    entered(office, DUST)
    assert both(office) == (0, 1, 0, 0, 1)


def test_a_changed_choice_counts_the_targets_again(office: Office) -> None:
    three_days(office)
    entered(office, DUST)
    office.judge(NOW)
    office.now_is(site("t", "station"), TARGET, '[assessment]\ndeducted = "without_items"\n')
    office.judge(NOW)
    (target,) = json.loads(ask(office, "status", "--json"))["targets"]
    assert (target["without"]["numerator"], target["without"]["denominator"]) == (3, 3)


def test_only_the_kinds_of_the_period_are_named(office: Office) -> None:
    three_days(office)
    entered(office, DUST, "烟花爆竹,某县,,2021-02-12,2021-02-12,县局,2号,\n")
    found = rating.rate(office.store, office.config, RateName.GOOD_DAYS, "a", periods.parse("2022-03"), at(NOW))
    assert found.without is not None
    assert found.without.kinds == ("dust",)


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("04:00", (0, 1, 1, 1, 1)),  # twenty hours of 60 are left: a daily mean of 60
        ("05:00", (0, 1, 0, 0, 1)),  # nineteen: no daily mean, the day leaves
    ],
)
def test_only_the_spoiled_hours_are_left_out(office: Office, until: str, expected: tuple[int, ...]) -> None:
    """With the four hours of 1000 the mean is (4 x 1000 + 20 x 60) / 24 = 217: beyond 150."""
    office.air_day("t", "2022-03-02", **{f"pm10_{hour:02}": 1000 for hour in range(1, 5)})
    office.judge("2022-03-04T12:00")
    entered(office, f"沙尘,t,,2022-03-02 00:00,2022-03-02 {until},省厅,1号,\n")
    assert both(office) == expected


def test_an_event_of_one_station_leaves_the_area_to_the_others(office: Office) -> None:
    """Two of three stations are enough; they say 60, with the dusty one the mean is (60 + 60 + 600) / 3 = 240."""
    office.now_is(*(site(name, "station") for name in ("t", "u", "v")))
    for name, pm10 in (("t", 600), ("u", 60), ("v", 60)):
        office.air_day(name, "2022-03-02", pm10=pm10)
    office.judge("2022-03-04T12:00")
    entered(office, "沙尘,t,PM10,2022-03-02,2022-03-02,省厅,1号,\n")
    assert both(office) == (0, 1, 1, 1, 1)


def test_every_view_has_its_rate_without(office: Office) -> None:
    three_days(office)
    entered(office, DUST)
    for view in ({"edition": "HJ 633-2026"}, {"basis": Basis.REALTIME}):
        assert both(office, **view) == (2, 3, 2, 2, 1)
    office.store.close()
    for standard in ("by-date", "2012,2026"):
        rows = json.loads(ask(office, "rates", "--period", "2022-03", "--standard", standard, "--json"))
        own = [row["without"] for row in rows if row["rate"] == "good_days" and row["area"] == "a"]
        assert own
        assert {(one["numerator"], one["denominator"], one["kinds"][0]) for one in own} == {(2, 2, "dust")}
    office.store = Store.open(office.folder / "data/envmon.db")


def test_the_target_and_the_board_say_both(office: Office) -> None:
    three_days(office)
    entered(office, DUST)
    assert "扣除沙尘后 100.0%（2/2）" in ask(office, "status")
    (target,) = json.loads(ask(office, "status", "--json"))["targets"]
    assert (target["numerator"], target["denominator"], target["without"]["percent"]) == (2, 3, 100.0)
    assert "扣除沙尘后 100.0%（2/2）" in ask(office, "rates", "--period", "2022-03")
    assert "without dust 100.0% (2/2)" in ask(office, "--lang", "en", "rates", "--period", "2022-03")


def test_days_that_events_touch_come_as_unbroken_runs() -> None:
    def event(first: str, last: str) -> ExceptionalEvent:
        return ExceptionalEvent(0, EventKind.DUST, "a", ("pm10",), at(first), at(last), "", "")

    events = [
        event("2022-03-01T00:00", "2022-03-02T00:00"),
        event("2022-03-02T10:00", "2022-03-03T00:00"),
        event("2022-03-05T23:00", "2022-03-06T01:00"),
        event("2022-02-01T00:00", "2022-02-20T00:00"),
    ]
    found = [(run.name, run.days) for run in exceptional.stretches(events, periods.parse("2022-03"))]
    assert found == [("2022-03-01..2022-03-02", 2), ("2022-03-05..2022-03-06", 2)]


# --- water ------------------------------------------------------------------------------------------------------------


def sections(
    office: Office, period: str, name: RateName = RateName.GOOD_SECTIONS
) -> tuple[int, int, dict[Reason, int]]:
    found = rating.rate(office.store, office.config, name, "a", periods.parse(period), at("2022-05-02T00:00"))
    return found.numerator, found.denominator, {one.reason: one.count for one in found.excluded}


def test_a_dry_section_leaves_the_denominator_with_its_reason(office: Office) -> None:
    office.now_is(site("s", "section"), site("dry", "section"))
    office.put("s", "2022-03-05T08:00", WATER)
    office.judge("2022-04-01T12:00")
    assert sections(office, "2022-03") == (1, 1, {Reason.MISSING: 1})
    entered(office, "断流,dry,,2022-03-01,2022-03-31,县局,2022-3,\n")
    assert sections(office, "2022-03") == (1, 1, {Reason.DRY: 1})
    assert sections(office, "2022-04") == (0, 0, {Reason.MISSING: 2})


def test_what_was_sampled_all_the_same_counts(office: Office) -> None:
    """Ammonia of 5 mg/L is worse than class V: no entry of the list takes the bad month away."""
    office.now_is(site("s", "section"))
    for month, nh3n in (("01", 0.1), ("02", 5), ("03", 0.1)):
        office.put("s", f"2022-{month}-10T08:00", WATER | {"nh3n": nh3n})
    office.judge("2022-04-01T12:00")
    before = sections(office, "2022-02"), sections(office, "2022-Q1")
    entered(office, "冰封,s,,2022-02-01,2022-02-28,县局,2022-4,\n", "停用,s,,2022-02-10,2022-02-10,县局,2022-5,\n")
    assert (sections(office, "2022-02"), sections(office, "2022-Q1")) == before
    assert before[0] == (0, 1, {})


SOURCE = site("w", "source", body="river").replace('target_class = "III"\n', "")


def test_natural_background_is_not_compliant_and_has_a_second_figure(office: Office) -> None:
    """Iron of 0.5 mg/L is beyond the 0.3 of GB 3838-2002 table 2; nothing else is."""
    office.now_is(SOURCE)
    office.put("w", "2022-03-05T08:00", WATER | {"iron": 0.5}, basis=Basis.MANUAL)
    office.judge("2022-04-01T12:00")
    entered(office, "天然背景,w,铁,2022-01-01,2022-12-31,市局,2022-7,\n")
    assert both(office, RateName.GOOD_SOURCES) == (0, 1, 1, 1, 1)
    office.put("w", "2022-03-06T08:00", WATER | {"iron": 0.5, "manganese": 0.2}, basis=Basis.MANUAL)
    office.judge("2022-04-01T13:00")
    assert both(office, RateName.GOOD_SOURCES) == (0, 1, 0, 1, 0)


def test_natural_background_counts_on_its_own_days_only(office: Office) -> None:
    """The round of August is not of the time the entry speaks of; on that of February it is."""
    office.now_is(SOURCE)
    for month, iron in (("02", 0.5), ("08", 0.5)):
        office.put("w", f"2022-{month}-05T08:00", WATER | {"iron": iron}, basis=Basis.MANUAL)
    office.judge("2022-09-01T12:00")
    entered(office, "天然背景,w,铁,2022-02-01,2022-02-28,市局,2022-7,\n")

    def rate(period: str) -> tuple[int, int, int]:
        found = rating.rate(
            office.store, office.config, RateName.GOOD_SOURCES, "a", periods.parse(period), at("2022-09-05T00:00")
        )
        assert found.without is not None
        return found.numerator, found.without.numerator, found.without.changed

    assert rate("2022-02") == (0, 1, 1)
    assert rate("2022-H1") == (0, 1, 1)
    assert rate("2022") == (0, 0, 0)


def test_natural_background_of_a_section_takes_the_items_out_of_its_months(office: Office) -> None:
    """Ammonia of 0.8 is class III; without it the rest is class II, which is what is asked of the section."""
    office.now_is(site("s", "section", target_class="II"))
    for month in ("02", "03"):
        office.put("s", f"2022-{month}-10T08:00", WATER | {"nh3n": 0.8})
    office.judge("2022-04-01T12:00")
    entered(office, "天然背景,s,氨氮,2022-03-01,2022-03-31,市局,2022-7,\n")
    assert both(office, RateName.TARGET_MET) == (0, 1, 1, 1, 1)
    assert both(office, RateName.GOOD_SECTIONS) == (1, 1, 1, 1, 0)
    entered(office, "天然背景,s,总磷,2022-02-10,2022-02-10,市局,2022-8,\n")  # a day is no month
    february = rating.rate(
        office.store, office.config, RateName.TARGET_MET, "a", periods.parse("2022-02"), at("2022-05-02T00:00")
    )
    assert february.without is None


def test_what_leaves_by_its_background_counts_otherwise_too(office: Office) -> None:
    """Of the only item that was measured the background is high: nothing is left to judge."""
    office.now_is(SOURCE)
    office.put("w", "2022-03-05T08:00", {"iron": 0.5}, basis=Basis.MANUAL)
    office.judge("2022-04-01T12:00")
    entered(office, "天然背景,w,铁,2022-03-01,2022-03-31,市局,2022-7,\n")
    assert both(office, RateName.GOOD_SOURCES) == (0, 1, 0, 0, 1)


def test_worse_than_v_counts_the_change_by_its_own_measure(office: Office) -> None:
    """Ammonia of 5 is worse than V; without it COD(Mn) of 8 is class IV: not worse than V, and not good either."""
    office.now_is(site("s", "section"))
    office.put("s", "2022-03-10T08:00", WATER | {"nh3n": 5, "codmn": 8})
    office.judge("2022-04-01T12:00")
    entered(office, "天然背景,s,氨氮,2022-03-01,2022-03-31,市局,2022-7,\n")
    assert both(office, RateName.WORSE_THAN_V) == (1, 1, 0, 1, 1)
    assert both(office, RateName.GOOD_SECTIONS) == (0, 1, 0, 1, 0)


def test_a_bureau_may_list_the_items_of_its_sources(office: Office) -> None:
    """Iron is beyond its limit; a list without it does not ask for it, and what was judged is judged again once."""
    office.now_is(SOURCE)
    office.put("w", "2022-03-05T08:00", WATER | {"iron": 0.5}, basis=Basis.MANUAL)
    office.judge("2022-04-01T12:00")
    office.now_is(SOURCE, '[assessment]\nsurface_sources = ["ph", "do", "nh3n", "manganese"]\n')
    assert office.outcome("2022-04-01T13:00").water_periods > 0
    assert office.outcome("2022-04-01T14:00").water_periods == 0
    (found,) = json.loads(ask(office, "assess", "sources", "--period", "2022-03", "--json"))
    assert (found["good"], found["missing"], found["item_set"]) == (True, ["manganese"], "own_list")
    assert "own_list" in ask(office, "explain", "source", "w", "2022-03")


def test_a_list_that_goes_back_to_a_printed_set_is_no_stumbling_block(office: Office) -> None:
    """Between the change of the config and the next round the stored judgements still name the list."""
    listed = '[assessment]\nsurface_sources = ["ph", "do", "codmn", "nh3n", "iron"]\n'
    office.now_is(SOURCE, listed)
    office.put("w", "2022-03-05T08:00", WATER | {"iron": 0.5}, basis=Basis.MANUAL)
    office.judge("2022-04-01T12:00")
    entered(office, "天然背景,w,铁,2022-03-01,2022-03-31,市局,2022-7,\n")
    office.now_is(SOURCE)
    assert both(office, RateName.GOOD_SOURCES) == (0, 1, 1, 1, 1)
    assert "own_list" in ask(office, "explain", "source", "w", "2022-03")


def test_a_source_out_of_use_leaves_the_denominator(office: Office) -> None:
    office.now_is(SOURCE)
    entered(office, "停用,w,,2022-01-01,2022-12-31,市局,2022-8,\n")
    found = rating.rate(office.store, office.config, RateName.GOOD_SOURCES, "a", periods.parse("2022-03"), at(NOW))
    assert [one.reason for one in found.excluded] == [Reason.UNUSED]
    office.put("w", "2022-03-05T08:00", WATER | {"iron": 0.5}, basis=Basis.MANUAL)  # sampled although out of use
    office.judge("2022-04-01T12:00")
    found = rating.rate(office.store, office.config, RateName.GOOD_SOURCES, "a", periods.parse("2022-03"), at(NOW))
    assert (found.denominator, [one.reason for one in found.excluded]) == (0, [Reason.UNUSED])


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_same_list_again_changes_nothing(office: Office) -> None:
    assert "新增 1" in entered(office, DUST).stdout
    again = entered(office, DUST, DUST)
    assert (again.exit_code, "新增 0，已有 2" in again.stdout) == (0, True)
    assert len(office.store.events()) == 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("沙暴,某县,PM10,2022-03-02,2022-03-02,省厅,1号,\n", "不认识类型"),
        ("沙尘,某某县,PM10,2022-03-02,2022-03-02,省厅,1号,\n", "是不是 某县"),
        ("沙尘,别处,PM10,2022-03-02,2022-03-02,省厅,1号,\n", "envmon sites"),
        ("沙尘,某县,PM1,2022-03-02,2022-03-02,省厅,1号,\n", "PM1"),
        ("沙尘,某县,PM10,2022-03-32,2022-03-02,省厅,1号,\n", "2022-03-32"),
        ("沙尘,某县,PM10,2022-03-03,2022-03-02,省厅,1号,\n", "止不晚于起"),
        ("沙尘,某县,PM10,2022-03-02,2022-03-02,,1号,\n", "认定单位"),
        ("沙尘,某县,PM10,2022-03-02,2022-03-02,省厅,,\n", "文号"),
        ("其他,某县,,2022-03-02,2022-03-02,省厅,1号,\n", "项目"),
        ("天然背景,某县,,2022-03-02,2022-03-02,省厅,1号,\n", "项目"),
        ("沙尘,某县,PM10,2022-03-02,9999-12-31,省厅,1号,\n", "2100"),
        ("沙尘,某县,PM10,0001-01-01,2022-03-02,省厅,1号,\n", "1992"),
        ("断流,t,,2022-03-02,2022-03-02,省厅,1号,\n", "断流"),
    ],
)
def test_a_row_that_cannot_be_understood_is_refused_with_its_reason_and_the_others_enter(
    office: Office, line: str, why: str
) -> None:
    found = entered(office, line, DUST)
    assert found.exit_code == 3
    assert "第 2 行" in found.stderr
    assert why in found.stderr
    assert len(office.store.events()) == 1
    (reject,) = (office.folder / "data/rejects").iterdir()
    assert why in reject.read_text("utf-8-sig")


@pytest.mark.parametrize("text", ["", "类型,区域\n", "名称,采样日期\nx,2022-01-01\n"])
def test_a_file_that_is_no_list_is_refused_whole(office: Office, text: str) -> None:
    found = entered(office, head=text)
    assert found.exit_code != 0
    assert office.store.events() == []


def test_a_list_may_be_of_gb18030_or_a_workbook(office: Office) -> None:
    office.store.close()
    (office.folder / "gbk.csv").write_bytes((HEAD + DUST).encode("gb18030"))
    book = openpyxl.Workbook()
    for row in ("2022年沙尘认定清单", HEAD.strip(), DUST.strip().replace("2022-03-02", "2022年3月9日")):
        book.active.append(row.split(","))
    book.save(office.folder / "list.xlsx")
    said = ask(office, "event", "import", str(office.folder / "gbk.csv"), str(office.folder / "list.xlsx"))
    office.store = Store.open(office.folder / "data/envmon.db")
    assert said.count("新增 1") == 2
    days = [(periods.clock(one.first), periods.clock(one.last)) for one in office.store.events()]
    assert days == [("2022-03-02 00:00", "2022-03-03 00:00"), ("2022-03-09 00:00", "2022-03-10 00:00")]


def test_the_dates_of_a_workbook_are_whole_days_and_its_times_are_times(office: Office) -> None:
    office.store.close()
    book = openpyxl.Workbook()
    book.active.append(HEAD.strip().split(","))
    rows = [
        (datetime(2022, 3, 1), datetime(2022, 3, 3), "yyyy-mm-dd"),
        (datetime(2022, 3, 6), datetime(2022, 3, 6), 'yyyy"年"m"月"d"日"'),
        (datetime(2022, 3, 8), datetime(2022, 3, 8), "yyyy/m/d h:mm"),
        (datetime(2022, 3, 10, 6), datetime(2022, 3, 11), "yyyy/m/d h:mm"),
    ]
    for first, last, form in rows:
        book.active.append(["沙尘", "某县", "PM10", first, last, "省厅", "1号", ""])
        for column in "DE":
            book.active[f"{column}{book.active.max_row}"].number_format = form
    book.save(office.folder / "list.xlsx")
    ask(office, "event", "import", str(office.folder / "list.xlsx"))
    office.store = Store.open(office.folder / "data/envmon.db")
    assert [(periods.clock(one.first), periods.clock(one.last)) for one in office.store.events()] == [
        ("2022-03-01 00:00", "2022-03-04 00:00"),
        ("2022-03-06 00:00", "2022-03-07 00:00"),
        ("2022-03-08 00:00", "2022-03-09 00:00"),
        ("2022-03-10 06:00", "2022-03-11 00:00"),
    ]


@pytest.mark.parametrize(
    ("first", "last", "span"),
    [
        ("2022/3/6 0:00", "2022/3/6 0:00", ("2022-03-06 00:00", "2022-03-07 00:00")),
        ("2022-03-06 08:00", "2022-03-06 24:00", ("2022-03-06 08:00", "2022-03-07 00:00")),
        ("20220306", "2022.03.07", ("2022-03-06 00:00", "2022-03-08 00:00")),
    ],
)
def test_dates_as_people_and_table_programs_write_them(
    office: Office, first: str, last: str, span: tuple[str, str]
) -> None:
    assert entered(office, f"沙尘,某县,PM10,{first},{last},省厅,1号,\n").exit_code == 0
    (one,) = office.store.events()
    assert (periods.clock(one.first), periods.clock(one.last)) == span


def test_a_comma_may_be_part_of_an_item(office: Office) -> None:
    office.now_is(SOURCE)
    assert entered(office, '天然背景,w,"1,2-二氯苯",2022-03-01,2022-03-31,市局,1号,\n').exit_code == 0
    assert entered(office, '天然背景,w,"铁,锰",2022-03-01,2022-03-31,市局,2号,\n').exit_code == 0
    assert [one.items for one in office.store.events()] == [("dichlorobenzene_12",), ("iron", "manganese")]


def test_an_entry_is_withdrawn_by_another_and_both_stay(office: Office) -> None:
    three_days(office)
    entered(office, DUST)
    office.store.close()
    ask(office, "event", "withdraw", "1", "--by", "省厅", "--document", "川环函〔2022〕9号")
    office.store = Store.open(office.folder / "data/envmon.db")
    found = rating.rate(office.store, office.config, RateName.GOOD_DAYS, "a", periods.parse("2022-03"), at(NOW))
    assert (found.numerator, found.denominator, found.without) == (2, 3, None)
    assert json.loads(ask(office, "event", "list", "--json")) == []
    whole = json.loads(ask(office, "event", "list", "--all", "--json"))
    assert [(one["number"], one["withdraws"], one["document"]) for one in whole] == [
        (1, None, "川环函〔2022〕1号"),
        (2, 1, "川环函〔2022〕9号"),
    ]
    office.store.close()
    again = run(office, "event", "withdraw", "1", "--by", "省厅", "--document", "x")
    assert again.exit_code != 0
    (target,) = json.loads(ask(office, "status", "--json"))["targets"]
    assert target["without"] is None
    assert "新增 0，已有 1" in ask(office, "event", "import", str(office.folder / "list.csv"))
    assert json.loads(ask(office, "event", "list", "--json")) == []  # the same list again does not bring it back
    ask(office, "event", "withdraw", "2", "--by", "省厅", "--document", "川环函〔2022〕10号")  # taking that back does
    assert [one["number"] for one in json.loads(ask(office, "event", "list", "--json"))] == [1]
    office.store = Store.open(office.folder / "data/envmon.db")


def test_withdrawing_where_there_is_no_database_makes_none(tmp_path: Path) -> None:
    office = Office(tmp_path / "other")
    office.now_is(site("t", "station"))
    office.store.close()
    (office.folder / "data/envmon.db").unlink()
    assert run(office, "event", "withdraw", "1", "--by", "x", "--document", "x").exit_code != 0
    assert not (office.folder / "data/envmon.db").exists()


@pytest.mark.parametrize("statement", ["DELETE FROM exceptional_event", "UPDATE exceptional_event SET note = 'x'"])
def test_entries_are_never_changed_or_deleted(office: Office, statement: str) -> None:
    entered(office, DUST)
    with pytest.raises(sqlite3.IntegrityError, match="withdrawn"):
        office.store.db.execute(statement)


def test_what_was_not_decided_yet_is_not_known_at_an_earlier_time(office: Office) -> None:
    three_days(office)
    entered(office, DUST)
    then = ("--as-of", "2022-03-20T12:00")
    (row,) = json.loads(ask(office, *then, "rates", "--area", "a", "--period", "2022-03", "--json"))
    assert (row["numerator"], row["denominator"], row["without"]) == (2, 3, None)
    assert json.loads(ask(office, *then, "event", "list", "--json")) == []
    office.store.close()
    refused = run(office, *then, "event", "withdraw", "1", "--by", "x", "--document", "x")
    office.store = Store.open(office.folder / "data/envmon.db")
    assert "--as-of" in str(refused.exception)


# --- evidence ---------------------------------------------------------------------------------------------------------


def test_the_evidence_for_a_dusty_day(office: Office) -> None:
    """PM2.5 of 20 beside PM10 of 300 is a ratio of 0.07; the day before 20 beside 60 is 0.33."""
    three_days(office)
    out = office.folder / "=pack"
    said = json.loads(ask(office, "event", "dust", "--date", "2022-03-02", "--area", "a", "--out", str(out), "--json"))
    (area,) = said["areas"]
    assert (area["aqi"], area["rest"], area["otherwise"]) == (175, 25, "out")
    assert (area["numerator"], area["denominator"]) == (1, 2)  # of the year up to that day
    assert (area["without_numerator"], area["without_denominator"]) == (1, 1)
    with (out / "dust-2022-03-02.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 72
    assert {(row["时间"][:10], row["PM2.5/PM10"]) for row in rows if row["时间"].endswith("12:00")} == {
        ("2022-03-01", "0.33"),
        ("2022-03-02", "0.07"),
        ("2022-03-03", "0.33"),
    }
    assert {Path(file).suffix for file in said["files"]} == {".png", ".svg", ".csv"}
    assert all(Path(file).stat().st_size > 500 for file in said["files"])
    assert office.store.events() == []  # nothing is decided by looking


def test_the_evidence_names_the_station_that_spoils_a_spreadsheet(office: Office) -> None:
    office.now_is(site("t", "station").replace('name = "t"', 'name = "=1+1"'))
    office.air_day("t", "2022-03-02", pm10=300)
    office.judge("2022-03-04T12:00")
    ask(office, "event", "dust", "--date", "2022-03-02", "--out", str(office.folder / "pack"))
    assert "'=1+1" in (office.folder / "pack/dust-2022-03-02.csv").read_text("utf-8-sig")


def test_the_evidence_is_about_one_day_and_says_when_there_is_none(office: Office) -> None:
    assert "不是一天" in run(office, "event", "dust", "--date", "2022-03").output + str(
        run(office, "event", "dust", "--date", "2022-03").exception
    )
    out = office.folder / "none"
    said = json.loads(ask(office, "event", "dust", "--date", "2022-03-02", "--out", str(out), "--json"))
    assert [one["aqi"] for one in said["areas"]] == [None]
    assert len(said["files"]) == 1
