"""Manual review: what people decide counts, is remembered for ever, and is known from when it was entered.

A day of a station needs 20 valid hours of every item (GB 3095-2012 table 4); an hour of a day of 24 that does not count
leaves 23. PM2.5 of 200 in every hour is an index of 250, of 20 one of 29 (HJ 633-2012 table 1): 250 = 200 + 100 x
(200 - 150) / (250 - 150), and 20 x 50 / 35 = 28.57.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from envmon import periods, qc
from envmon.cli import root
from envmon.errors import ConfigError, UsageError
from envmon.model import (
    AirDay,
    Basis,
    Flag,
    Mark,
    Medium,
    Payload,
    RateName,
    Review,
    SourceSpec,
    Span,
    Status,
    Stream,
    Verdict,
    View,
)
from envmon.pipeline import correcting, flagged, judge_air, quality, reviewing
from envmon.pipeline.correcting import Asked
from envmon.pipeline.pull import keep
from envmon.pipeline.wiring import load_config
from envmon.sources import Parsed
from envmon.store import Store
from tests.test_rounds import ITEMS, WATER, Office, at, site

TWO_SITES = (site("t", "station"), site("s", "section"))
DAY = "2022-03-02"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Three days of a station and a section's sample on each, received and judged."""
    made = Office(tmp_path)
    made.now_is(*TWO_SITES)
    for day in (1, 2, 3):
        made.air_day("t", f"2022-03-{day:02}")
        made.put("s", f"2022-03-{day:02}T12:00", WATER)
    made.judge("2022-03-04T09:00")
    yield made
    made.store.close()


def decide(office: Office, first: str, last: str, flag: Flag, when: str, item: str = "pm25", name: str = "t") -> Review:
    asked = Review(0, name, item, *reviewing.span_of(first, last), flag, "采样管脱落", "张三", at(when))
    return reviewing.decide(office.store, asked)[0]


def day_of(office: Office, name: str = "t", day: str = DAY) -> AirDay:
    number = periods.parse(day).first
    (found,) = office.store.air_days(office.store.site_numbers[name], number, number)
    return found


def hours(office: Office, item: str = "pm25", day: str = DAY) -> int:
    return day_of(office, day=day).hours[judge_air.POLLUTANTS.index(item)]


def flags(office: Office, test: str = qc.REVIEW, name: str = "t") -> list[Verdict]:
    found = office.store.flags(office.store.site_numbers[name], 0, 2**40)
    return [one for one in found if one.test == test]


# --- what counts ------------------------------------------------------------------------------------------------------


def test_a_reading_that_people_refuse_does_not_count(office: Office) -> None:
    assert (hours(office), day_of(office).status) == (24, Status.VALID)
    decide(office, f"{DAY} 01:00", f"{DAY} 05:00", Flag.FAIL, "2022-03-04T10:00")
    assert office.store.dirty(Medium.AIR) == [(periods.parse(DAY).first, office.store.site_numbers["t"])]
    office.judge("2022-03-04T11:00")
    assert (hours(office), hours(office, "pm10"), day_of(office).status) == (19, 24, Status.INCOMPLETE)
    assert hours(office, day="2022-03-01") == hours(office, day="2022-03-03") == 24
    assert day_of(office, "a").status is Status.INCOMPLETE  # the area is made of it
    assert [one.ending for one in flags(office)] == [at(f"{DAY}T{hour:02}:00") for hour in range(1, 6)]
    assert {(one.flag, quality.reason(one, "zh")) for one in flags(office)} == {
        (Flag.FAIL, "张三：采样管脱落（第 1 号）")
    }


def test_an_undone_review_leaves_no_trace_in_what_counts_and_its_entries_in_the_list(office: Office) -> None:
    before = day_of(office)
    decide(office, DAY, DAY, Flag.FAIL, "2022-03-04T10:00", item="")
    office.judge("2022-03-04T11:00")
    assert day_of(office).status is Status.INVALID
    _, days = reviewing.undo(office.store, 1, "点位写错", "李四", at("2022-03-04T12:00"))
    assert days == 1
    office.judge("2022-03-04T13:00")
    assert (day_of(office), flags(office), office.store.reviews_in_force()) == (before, [], [])
    first, second = office.store.reviews_made()
    assert (first.undoes, second.undoes, second.by, second.reason) == (None, 1, "李四", "点位写错")
    for number in (1, 2, 7):
        with pytest.raises(UsageError, match=f"no. {number} in force"):
            reviewing.undo(office.store, number, "x", "x", at("2022-03-04T14:00"))


def test_a_reading_that_people_vouch_for_counts_whatever_the_tests_say(office: Office) -> None:
    """Six hours with a mark of fault, one beyond the range (5000), one below zero: 16 hours are left of 24."""
    for hour in range(1, 7):
        office.put("t", f"{DAY}T{hour:02}:00", {"pm25": 20}, mark=Mark.FAULT, taken="2022-03-04T09:10")
    office.put("t", f"{DAY}T07:00", {"pm25": 6000}, taken="2022-03-04T09:10")
    office.put("t", f"{DAY}T08:00", {"pm25": -3}, taken="2022-03-04T09:10")
    office.judge("2022-03-04T09:40")
    assert hours(office) == 16
    decide(office, f"{DAY} 01:00", f"{DAY} 08:00", Flag.GOOD, "2022-03-04T10:00")
    office.judge("2022-03-04T10:40")
    assert hours(office) == 23  # what cannot be below zero never counts
    assert len(flags(office, "device_flag")) == 6  # what the tests said stays beside it
    assert [one.flag for one in flags(office)] == [Flag.GOOD] * 7
    decide(office, f"{DAY} 01:00", f"{DAY} 08:00", Flag.SUSPECT, "2022-03-04T11:00")
    office.judge("2022-03-04T11:40")
    assert hours(office) == 23
    decide(office, f"{DAY} 03:00", f"{DAY} 08:00", Flag.FAIL, "2022-03-04T12:00")  # the last one stands
    office.judge("2022-03-04T12:40")
    assert hours(office) == 18


def test_a_review_waits_for_readings_that_come_later(office: Office) -> None:
    decide(office, "2022-03-05", "2022-03-05", Flag.FAIL, "2022-03-04T10:00")
    assert office.store.dirty(Medium.AIR) == []
    for day in (4, 5):
        office.air_day("t", f"2022-03-{day:02}")
    office.judge("2022-03-06T09:00")
    assert (hours(office, day="2022-03-05"), hours(office, day="2022-03-04")) == (0, 24)


def test_water_is_reviewed_likewise(office: Office) -> None:
    office.put("s", f"{DAY}T12:00", WATER | {"nh3n": 5, "ph": -1}, taken="2022-03-04T09:10")
    office.judge("2022-03-04T09:40")
    assert office.waters("s")[1] == ("INSUFFICIENT", "NONE")  # pH fails: below zero
    decide(office, DAY, DAY, Flag.GOOD, "2022-03-04T10:00", "", "s")
    office.judge("2022-03-04T10:40")
    assert office.waters("s")[1] == ("INSUFFICIENT", "NONE")
    office.put("s", f"{DAY}T12:00", WATER | {"nh3n": 5}, mark=Mark.FAULT, taken="2022-03-04T11:00")
    office.judge("2022-03-04T11:40")
    assert office.waters("s")[1] == ("VALID", "WORSE_THAN_V")  # 5 mg/L of ammonia are above 2.0 (GB 3838-2002 table 1)
    decide(office, DAY, DAY, Flag.FAIL, "2022-03-04T12:00", "nh3n", "s")
    office.judge("2022-03-04T12:40")
    assert office.waters("s")[1][1] != "WORSE_THAN_V"
    assert {one.flag for one in flags(office, name="s")} == {Flag.GOOD, Flag.FAIL}


# --- when it was known ------------------------------------------------------------------------------------------------


def test_an_earlier_time_does_not_know_the_review(office: Office) -> None:
    decide(office, DAY, DAY, Flag.FAIL, "2022-03-04T10:00")
    reviewing.undo(office.store, 1, "点位写错", "李四", at("2022-03-05T10:00"))
    day = periods.parse(DAY).first
    for when, count in (("2022-03-04T09:59", 24), ("2022-03-04T10:00", 0), ("2022-03-05T10:00", 24)):
        with Store.open(office.store.path, readonly=True, as_of=at(when)) as then:
            numbers = [then.site_numbers["t"]]
            _, usable = judge_air.checked_hours(then, office.config, numbers, day, day, save=False)
            assert (usable[5] >= 0).sum() == count, when


def test_a_published_figure_names_the_review_that_corrected_it(office: Office) -> None:
    """Three good days of three; the second one is no valid day without five hours: two of two."""
    asked = Asked(RateName.GOOD_DAYS, "a", periods.parse("2022-03"), View())
    correcting.publish(office.store, office.config, asked, "2022-9", "", at("2022-03-04T10:00"))
    decide(office, f"{DAY} 01:00", f"{DAY} 05:00", Flag.FAIL, "2022-03-05T10:00")
    office.judge("2022-03-05T11:00")
    ((_, one),) = office.store.corrections()
    assert ((one.was.numerator, one.was.denominator), (one.became.numerator, one.became.denominator)) == (
        (3, 3),
        (2, 2),
    )
    assert (one.causes.reviews, one.causes.values, one.since) == ((1,), (), at("2022-03-05T10:00"))
    (turned,) = one.causes.turned
    assert (turned.when, turned.was["status"], turned.now["status"]) == (DAY, "valid", "incomplete")
    office.judge("2022-03-05T12:00")
    assert len(office.store.corrections()) == 1


def test_entries_are_never_changed_nor_deleted(office: Office) -> None:
    decide(office, DAY, DAY, Flag.FAIL, "2022-03-04T10:00")
    for statement in ("DELETE FROM review", "UPDATE review SET flag = 0"):
        with pytest.raises(sqlite3.IntegrityError, match="undone, never"):
            office.store.db.execute(statement)


@pytest.mark.parametrize(("reason", "by"), [(" ", "x"), ("x", ""), ("", "")])
def test_a_review_without_a_reason_or_a_name_is_none(office: Office, reason: str, by: str) -> None:
    asked = Review(0, "t", "", 0, 10**9, Flag.FAIL, reason, by, 1)
    with pytest.raises(UsageError, match="must not be empty"):
        reviewing.decide(office.store, asked)
    assert office.store.reviews_made() == []


def test_rounds_say_what_one_round_says(office: Office, tmp_path: Path) -> None:
    """Three reviews, one of them undone, in a round each, or all known before the first: the same flags and days."""
    steps = [("01:00", "04:00", Flag.FAIL), ("03:00", "06:00", Flag.GOOD), ("20:00", "24:00", Flag.FAIL)]
    for round_, (first, last, flag) in enumerate(steps):
        decide(office, f"{DAY} {first}", f"{DAY} {last}", flag, f"2022-03-04T1{round_}:00")
        office.judge(f"2022-03-04T1{round_}:40")
    reviewing.undo(office.store, 1, "x", "x", at("2022-03-04T14:00"))
    office.judge("2022-03-04T14:40")
    once = Office(tmp_path / "once")
    once.now_is(*TWO_SITES)
    for day in (1, 2, 3):
        once.air_day("t", f"2022-03-{day:02}")
        once.put("s", f"2022-03-{day:02}T12:00", WATER)
    for round_, (first, last, flag) in enumerate(steps):
        decide(once, f"{DAY} {first}", f"{DAY} {last}", flag, f"2022-03-04T1{round_}:00")
    reviewing.undo(once.store, 1, "x", "x", at("2022-03-04T14:00"))
    once.judge("2022-03-04T14:40")
    for table in ("qc_flag", "air_day"):
        rows = [
            made.store.db.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4").fetchall() for made in (office, once)
        ]
        assert rows[0] == rows[1], table
    once.store.close()


# --- maintenance, neighbours, clocks --------------------------------------------------------------------------------

WINDOW = """
[[maintenance]]
site = "t"
from = "2022-03-02 00:30"
to = "2022-03-02 05:00"
items = ["pm25"]
note = "换膜"
"""


def test_maintenance_in_the_config_takes_hours_out_and_gives_them_back(office: Office) -> None:
    office.now_is(*TWO_SITES, WINDOW)
    office.judge("2022-03-04T10:00")
    assert (hours(office), hours(office, "pm10")) == (19, 24)
    assert {quality.reason(one, "zh") for one in flags(office, "maintenance")} == {
        "2022-03-02 00:30 至 2022-03-02 05:00 维护：换膜"
    }
    office.now_is(*TWO_SITES)
    office.judge("2022-03-04T11:00")
    assert (hours(office), flags(office, "maintenance")) == (24, [])


def test_a_published_figure_names_maintenance_that_corrected_it(office: Office) -> None:
    asked = Asked(RateName.GOOD_DAYS, "a", periods.parse("2022-03"), View())
    correcting.publish(office.store, office.config, asked, "2022-9", "", at("2022-03-04T10:00"))
    office.now_is(*TWO_SITES, WINDOW)  # 19 hours are left: no valid day
    office.judge("2022-03-05T11:00")
    ((_, one),) = office.store.corrections()
    assert (one.became.numerator, one.became.denominator, one.causes.settings) == (2, 2, ("maintenance",))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('site = "t"', 'site = "x"', "maintenance[1].site"),
        ('["pm25"]', '["pm2_5"]', "maintenance[1].items"),
        ('to = "2022-03-02 05:00"', 'to = "2022-03-02 00:30"', "结束日期早于开始日期"),
        ('to = "2022-03-02 05:00"', 'to = "5 点"', "2026-05-01 09:00"),
        ('from = "2022-03-02 00:30"\n', "", "maintenance[1].from"),
        ('note = "换膜"', 'notes = "换膜"', "notes"),
    ],
)
def test_mistakes_in_maintenance_are_told(office: Office, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        office.now_is(*TWO_SITES, WINDOW.replace(old, new))
    assert told in caught.value.said("zh")


SEASON = '[[qc.climatology.ranges]]\nitems = ["pm25"]\nsites = ["a"]\nmonths = "3"\nlow = -1\nhigh = 19.5\n'


def test_ranges_in_the_config_are_looked_at(office: Office) -> None:
    office.now_is(*TWO_SITES, SEASON)
    office.judge("2022-03-04T10:00")
    found = flags(office, "climatology")
    assert len(found) == 3 * 24
    assert quality.reason(found[0], "zh") == "20 高于 3 月常见的上限 19.5"


def test_ranges_and_maintenance_of_an_area_are_those_of_its_sections_too(office: Office) -> None:
    """Every month's water of the area: pH 7 is outside 7.5 to 9; on the second day the instruments were cleaned."""
    ranges = SEASON.replace("pm25", "ph").replace("-1", "7.5").replace("19.5", "9")
    window = WINDOW.replace('"t"', '"a"').replace("pm25", "nh3n").replace("05:00", "12:00")
    office.now_is(*TWO_SITES, window, ranges)
    office.judge("2022-03-04T10:00")
    assert [quality.reason(one, "zh") for one in flags(office, "climatology", "s")] == ["7 低于 3 月常见的下限 7.5"] * 3
    assert [one.ending for one in flags(office, "maintenance", "s")] == [at(f"{DAY}T12:00")]
    assert office.waters("s")[1] == ("INSUFFICIENT", "NONE")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('["pm25"]', '["pm"]', "qc.climatology.ranges[1].items"),
        ('["a"]', '["b"]', "qc.climatology.ranges[1].sites"),
        ("low = -1\nhigh = 19.5\n", "", "low"),
        ("high = 19.5", "high = -2", "high 不能小于 low"),
        ("low = -1", 'low = "x"', "应为数"),
        ('months = "3"', "months = 13", "months"),
        ("[[qc.climatology.ranges]]", "[qc.climatology.ranges]", "[[qc.climatology.ranges]]"),
    ],
)
def test_mistakes_in_ranges_are_told(office: Office, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        office.now_is(*TWO_SITES, SEASON.replace(old, new))
    assert told in caught.value.said("zh")


def test_a_late_hour_of_one_station_judges_its_neighbours_anew(tmp_path: Path) -> None:
    """Three stations at 20 and one at 400 in an area of a city series; then all of the three rise to 300."""
    made = Office(tmp_path)
    stations = [site(name, "station") for name in ("t0", "t1", "t2", "t3")]
    made.now_is(*stations, site("c", "city"))
    page = tmp_path / "config.toml"
    page.write_text(page.read_text("utf-8").replace('air = "station"', 'air = "city"'), "utf-8")
    made.config = load_config(page)
    for name in ("t0", "t1", "t2", "t3", "c"):
        made.air_day(name, "2022-03-01", pm25_12=400.0 if name == "t0" else 20.0)
    made.judge("2022-03-02T09:00")
    assert [one.ending for one in flags(made, "neighbours", "t0")] == [at("2022-03-01T12:00")]
    assert quality.reason(flags(made, "neighbours", "t0")[0], "zh") == "400，同区域另外 3 个站点的中位数为 20"
    for name in ("t1", "t2"):
        made.put(name, "2022-03-01T12:00", {"pm25": 300}, taken="2022-03-02T10:00")
    made.judge("2022-03-02T10:40")
    assert flags(made, "neighbours", "t0") == []  # 20, 300, 300: the median is 300
    assert [quality.reason(one, "zh") for one in flags(made, "neighbours", "t3")] == [
        "20，同区域另外 3 个站点的中位数为 300"
    ]
    made.store.close()


def test_a_time_that_cannot_be_is_a_verdict_when_the_payload_is_kept(office: Office) -> None:
    store, item = office.store, ITEMS["pm25"]
    spec = SourceSpec("src", "archive", "", 60, 0, 60, Basis.REALTIME)
    stream = store.stream(Stream("src", spec.basis, Span.HOUR))
    now, number = at("2022-03-04T12:00"), store.site_numbers["t"]
    rows = [(at(when), number, item.number, stream, 5000, 0) for when in ("2022-03-04T12:00", "2022-03-04T14:00")]
    keep(store, spec, Payload("a.csv", b"", now), Parsed(rows, []), {}, now)
    told = [(one.ending, quality.reason(one, "zh")) for one in flags(office, "clock_error")]
    assert told == [(at("2022-03-04T14:00"), "时间比收到时还晚 2 小时（a.csv）")]
    office.judge("2022-03-05T09:00")
    assert len(flags(office, "clock_error")) == 1  # judging leaves what was found at entry


# --- the command line -------------------------------------------------------------------------------------------------


def ask(office: Office, *words: str) -> Result:
    """A command, while nobody else has the store open."""
    office.store.close()
    found = CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), *words])
    office.store = Store.open(office.store.path)
    return found


def said(office: Office, *words: str) -> Any:
    found = ask(office, *words, "--json")
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_a_review_from_the_command_line(office: Office) -> None:
    words = ["review", "set", "t", "PM2.5", f"{DAY} 20:00", f"{DAY} 24:00", "--flag", "fail", "--reason", "停电"]
    found = ask(office, *words, "--by", "张三")
    assert found.exit_code == 0, found.output
    assert "第 1 号" in found.output
    assert "1 天待重新评价" in found.output
    office.judge("2022-03-04T11:00")
    assert hours(office) == 19
    (row,) = said(office, "review", "list")
    assert row.pop("learned")
    assert row == {
        "number": 1,
        "site": "t",
        "site_name": "t",
        "item": "pm25",
        "item_name": "细颗粒物",
        "from": "2022-03-02 19:59",
        "to": "2022-03-03 00:00",
        "flag": "fail",
        "flag_name": "不通过",
        "reason": "停电",
        "by": "张三",
        "undoes": None,
        "in_force": True,
    }
    (listed,) = said(office, "qc", "list", "--month", "2022-03", "--test", "review")
    assert (listed["from"], listed["to"], listed["count"]) == ("2022-03-02 20:00", "2022-03-03 00:00", 5)
    assert (listed["flag"], listed["reason"]) == ("fail", "张三：停电（第 1 号）")
    shown = ask(office, "explain", "day", "t", DAY)
    assert "张三：停电（第 1 号）" in shown.output
    assert ask(office, "review", "undo", "1", "--reason", "写错").exit_code == 0
    assert said(office, "review", "list") == []
    assert [one["undoes"] for one in said(office, "review", "list", "--all")] == [None, 1]
    assert "已撤销" in ask(office, "review", "list", "--all").output


def test_who_decides_is_the_user_of_the_computer_unless_said(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "lihua")
    ask(office, "review", "set", "s", "all", DAY, DAY, "--flag", "suspect", "--reason", "x")
    (one,) = office.store.reviews_made()
    assert (one.by, one.item, one.first, one.last) == ("lihua", "", at(f"{DAY}T00:00"), at("2022-03-03T00:00"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tt", "pm25", DAY, DAY), "没有点位“tt”"),
        (("t", "nh3n", DAY, DAY), "“nh3n”不是t能有的项目"),
        (("t", "pm", DAY, DAY), "“pm”不是t能有的项目"),
        (("t", "pm25", "2022-03-03", DAY), "早于起始"),
        (("t", "pm25", "2022-02-30", DAY), "“2022-02-30”不是日期或时刻"),
        (("t", "pm25", DAY, "25:00"), "“25:00”不是日期或时刻"),
        (("t", "pm25", "0001-01-01", DAY), "不是日期或时刻"),
        (("t", "pm25", DAY, "9999-12-31"), "不是日期或时刻"),
    ],
)
def test_what_is_not_there_is_refused(office: Office, words: tuple[str, ...], told: str) -> None:
    found = ask(office, "review", "set", *words, "--flag", "fail", "--reason", "x")
    assert isinstance(found.exception, UsageError)
    assert told in found.exception.said("zh")
    assert office.store.reviews_made() == []


def test_negative_readings_and_empty_times_are_pointed_out(office: Office) -> None:
    office.put("t", f"{DAY}T08:00", {"pm25": -3}, taken="2022-03-04T09:10")
    found = ask(office, "review", "set", "t", "pm25", DAY, DAY, "--flag", "good", "--reason", "x")
    assert "1 个负值仍按不通过处理" in found.output
    found = ask(office, "review", "set", "t", "pm25", "2023-01-01", "2023-01-01", "--flag", "good", "--reason", "x")
    assert "还没有数据" in found.output


def test_the_list_of_verdicts(office: Office) -> None:
    """PM2.5 of 80 beside PM10 of 60 in two hours that follow one another, and one of -1."""
    for hour in ("03", "04"):
        office.put("t", f"{DAY}T{hour}:00", {"pm25": 80}, taken="2022-03-04T09:10")
    office.put("t", f"{DAY}T09:00", {"so2": -1}, taken="2022-03-04T09:10")
    office.judge("2022-03-04T09:40")
    rows = said(office, "qc", "list", "--month", "2022-03", "--site", "t", "--test", "pm_order")
    assert [(one["item"], one["count"], one["from"][11:], one["to"][11:]) for one in rows] == [
        ("pm10", 2, "03:00", "04:00"),
        ("pm25", 2, "03:00", "04:00"),
    ]
    assert {one["reason"] for one in rows} == {"PM2.5 80 高于 PM10 60"}
    failed = said(office, "qc", "list", "--month", "2022-03", "--flag", "fail")
    assert {(one["item"], one["test"], one["reason"]) for one in failed} == {
        ("so2", "negative", "-1 小于 0"),
        ("so2", "out_of_range", "-1 低于可能的最小值 0"),
    }
    assert "PM2.5 80 高于 PM10 60" in ask(office, "qc", "list", "--month", "2022-03").output
    assert "没有" in ask(office, "qc", "list", "--month", "2021-03").output
    found = ask(office, "qc", "list", "--test", "spikes")
    assert isinstance(found.exception, UsageError)


def test_readings_of_all_sites_are_read_at_once_for_the_list(office: Office) -> None:
    """They lie by time: site by site a province's month would be read hundreds of times."""
    seen: list[str] = []
    office.store.db.set_trace_callback(seen.append)
    rows = flagged.listed(office.store, office.config, office.config.sites, periods.parse("2022-03"), None, None)
    office.store.db.set_trace_callback(None)
    assert rows
    assert sum("FROM reading r" in one for one in seen) == 1


def test_values_below_detection_are_listed_when_asked_for(office: Office) -> None:
    office.put("s", f"{DAY}T12:00", {"nh3n": 0.02}, mark=Mark.CENSORED, taken="2022-03-04T09:10")
    office.judge("2022-03-04T09:40")
    (row,) = said(office, "qc", "list", "--month", "2022-03", "--site", "s", "--test", "below_detection")
    assert (row["flag"], row["reading"], row["reason"]) == ("not_evaluated", "<0.02", "未检出，检出限 0.02，只作说明")


def test_the_table_of_tests_shows_the_settings_in_force(office: Office) -> None:
    office.now_is(*TWO_SITES, "[qc.flat_line]\ntimes = 12\n[qc.spike]\noff = true\n")
    rows = {one["test"]: one for one in said(office, "qc", "tests")}
    assert list(rows) == list(qc.TESTS)
    assert (rows["flat_line"]["settings"]["times"], rows["flat_line"]["changed"]) == (12, True)
    assert (rows["spike"]["on"], rows["negative"]["level"], rows["below_detection"]["level"]) == (False, "fail", None)
    assert all(one["looks_at"] and one["name"] for one in rows.values())
    assert "长时间不变" in ask(office, "qc", "tests").output
