"""Explanations: every input, revision, rounding, limit and reason behind a number. Expected numbers worked by hand.

The office is that of `test_rounds`: an area of stations, a section and a source, with readings put in one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from envmon import periods
from envmon.cli import root
from envmon.errors import UsageError
from envmon.model import Basis, EventKind, ExceptionalEvent, Kind, Mark, RateName, Status, View
from envmon.pipeline import rating
from envmon.pipeline.explaining import Explanation
from envmon.pipeline.explaining_air import explain_day
from envmon.pipeline.explaining_rates import explain_rate
from envmon.pipeline.explaining_stats import explain_stats
from envmon.pipeline.explaining_water import explain_water
from envmon.pipeline.rating import AS_IN_FORCE
from envmon.standards.clauses import clause
from tests.test_rounds import AIR, ITEMS, WATER, Office, at, site

GB3095, HJ633, HJ663 = "GB 3095-2012", "HJ 633-2012", "HJ 663-2013"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def rows(found: Explanation, name: str) -> list[dict[str, Any]]:
    return next((part.rows for part in found.parts if part.id == name), [])


def ask(office: Office, *words: str) -> str:
    found = CliRunner().invoke(
        root, ["--config", str(office.folder / "config.toml"), *words], catch_exceptions=False, prog_name="envmon"
    )
    assert found.exit_code == 0, found.output
    return found.stdout


def day_of(office: Office, subject: str, date: str) -> Explanation:
    return explain_day(office.store, office.config, subject, periods.parse(date).first, View())


def enter(office: Office, kind: EventKind, subject: str, items: tuple[str, ...], period: str) -> None:
    span = periods.parse(period)
    start, end = periods.hour_ending(span.first, 0), periods.hour_ending(span.last, 24)
    office.store.enter_events([ExceptionalEvent(0, kind, subject, items, start, end, "省厅", "川环函〔2022〕9号")])


# --- a day --------------------------------------------------------------------------------------------------------


def test_a_day_that_is_not_valid_says_why_in_words(office: Office) -> None:
    """PM10 and ozone have hours 1 to 17: 8-hour windows ending 8 to 17 are full, those ending 18 and 19 have 7 and 6
    of their hours, which is enough; that makes 12. GB 3095 table 4 asks for 20 hours, HJ 663 for 14 windows."""
    office.now_is(site("t", "station"))
    for hour in range(1, 25):
        values = {item: value for item, value in AIR.items() if hour <= 17 or item not in ("pm10", "o3")}
        office.put("t", periods.moment(at("2022-03-01T00:00") + 60 * hour).isoformat(), values)
    office.judge("2022-03-02T12:00")
    told = ["O₃-8h 有效 8 小时滑动均值 12 个，至少要 14", "PM₁₀ 有效 17 小时，至少要 20"]
    for subject in ("t", "a"):
        found = day_of(office, subject, "2022-03-01")
        assert found.answer.endswith("；".join(told))
        assert {row["item"]: row["why"] for row in rows(found, "items") if row["why"]} == dict(
            zip(("o3", "pm10"), told, strict=True)
        )
    (row,) = json.loads(ask(office, "assess", "air", "--period", "2022-03-01", "--json"))
    assert (row["status"], row["why_not_valid"]) == ("incomplete", told)
    assert row["status_text"] == f"缺项：{told[0]}，等 2 条"
    assert told[0] in ask(office, "assess", "air", "--period", "2022-03-01").replace("\n", "")


def test_an_area_says_how_many_of_its_stations_are_valid(office: Office) -> None:
    """Two of four stations: HJ 663 asks for 75 % of them."""
    office.now_is(*(site(name, "station") for name in "tuvw"))
    for name in "tu":
        office.air_day(name, "2022-03-01")
    for name in "vw":
        office.put(name, "2022-03-01T01:00", AIR)
    office.judge("2022-03-02T12:00")
    found = day_of(office, "a", "2022-03-01")
    area = {row["item"]: row for row in rows(found, "area")}
    assert area["pm25"]["stations"] == "2/4 (≥75%)"
    assert area["pm25"]["why"] == "PM₂.₅ 有效站点 2/4，至少 75%"
    (row,) = json.loads(ask(office, "assess", "air", "--period", "2022-03-01", "--json"))
    assert len(row["why_not_valid"]) == 6
    assert row["why_not_valid"][5] == "PM₂.₅ 有效站点 2/4，至少 75%"


def test_nothing_received_and_nothing_valid_are_two_reasons(office: Office) -> None:
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-03-01")
    for hour in range(1, 25):
        when = periods.moment(at("2022-03-02T00:00") + 60 * hour).isoformat()
        office.put("t", when, AIR, mark=Mark.FAULT)
    office.judge("2022-03-04T12:00")
    found = json.loads(ask(office, "assess", "air", "--period", "2022-03-02..2022-03-03", "--json"))
    assert [(row["status"], row["why_not_valid"]) for row in found] == [
        ("invalid", ["收到的数据都被质控判为无效"]),
        ("missing", ["没有收到数据"]),
    ]


def test_an_area_is_the_mean_of_unrounded_station_values(office: Office) -> None:
    """20.5 and 20.25 (18 hours of 20, 6 of 21): the mean is 20.375, printed 20; PM10 60 and 61: 60.5, to the even."""
    office.now_is(site("t", "station"), site("u", "station"))
    office.air_day("t", "2022-03-01", pm25=20.5, pm10=60)
    office.air_day("u", "2022-03-01", pm10=61, **{f"pm25_{hour:02}": 21 for hour in range(1, 7)})
    office.judge("2022-03-02T12:00")
    area = {row["item"]: row for row in rows(day_of(office, "a", "2022-03-01"), "area")}
    assert (area["pm25"]["exact"], area["pm25"]["value"]) == ("20.375", "20")
    assert (area["pm10"]["exact"], area["pm10"]["value"]) == ("60.5", "60")
    items = [row for row in rows(day_of(office, "a", "2022-03-01"), "items") if row["item"] == "pm25"]
    assert [(row["site"], row["exact"]) for row in items] == [("t", "492/24 = 20.5000"), ("u", "486/24 = 20.2500")]


def test_a_revised_reading_shows_from_what_to_what_when_and_from_where(office: Office) -> None:
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-03-01", pm25=70)
    office.put("t", "2022-03-01T09:00", {"pm25": 82.5}, taken="2022-03-04T08:00")
    office.judge("2022-03-04T12:00")
    (found,) = rows(day_of(office, "t", "2022-03-01"), "revisions")
    assert found == {
        "site": "t",
        "at": "2022-03-01 09:00",
        "item": "pm25",
        "item_name": "细颗粒物",
        "was": "70",
        "was_mark": None,
        "was_learned": "2022-03-01 09:00",
        "became": "82.5",
        "became_mark": None,
        "learned": "2022-03-04 08:00",
        "basis": "实时发布",
        "source": "src",
        "origin": "test",
    }
    rate = explain_rate(
        office.store,
        office.config,
        RateName.GOOD_DAYS,
        "a",
        periods.parse("2022-03-01"),
        at("2022-03-04T12:00"),
        View(),
    )
    (day,) = rows(rate, "revised_days")
    assert (day["date"], day["revised"], day["learned"]) == ("2022-03-01", 1, "2022-03-04 08:00")


def test_a_revision_by_its_mark_alone_shows_the_mark(office: Office) -> None:
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-03-01", pm25=20)
    office.put("t", "2022-03-01T09:00", {"pm25": 20}, mark=Mark.MAINTENANCE, taken="2022-03-04T08:00")
    office.judge("2022-03-04T12:00")
    (found,) = rows(day_of(office, "t", "2022-03-01"), "revisions")
    assert (found["was"], found["became"]) == ("20", "20 维护")
    assert (found["was_mark"], found["became_mark"]) == (None, "maintenance")
    assert "20 维护" in ask(office, "explain", "day", "t", "2022-03-01")


def test_one_kind_of_data_shows_its_own_quality_control_revisions_and_origins(office: Office) -> None:
    """PM2.5 of 09:00 came in real time as 70, then as 82, and was reviewed to 75 with the mark of a fault."""
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-03-01", pm25=70)
    office.put("t", "2022-03-01T09:00", {"pm25": 82}, taken="2022-03-02T08:00")
    for value, mark, taken in ((76, Mark.NONE, "2022-03-05T08:00"), (75, Mark.FAULT, "2022-03-06T08:00")):
        office.put("t", "2022-03-01T09:00", {"pm25": value}, mark=mark, taken=taken, basis=Basis.REVIEWED)
    office.judge("2022-03-07T12:00")
    day, span = periods.parse("2022-03-01").first, periods.parse("2022-03-01")
    changes, failed, came, revised = {}, {}, {}, {}
    for basis in (None, Basis.REALTIME, Basis.REVIEWED):
        view = View("by-date", basis)
        found = explain_day(office.store, office.config, "t", day, view)
        changes[basis] = [(row["was"], row["became"], row["basis"]) for row in rows(found, "revisions")]
        failed[basis] = [row["reading"] for row in rows(found, "left_out") if row["flag"] == "fail"]
        came[basis] = sorted({(row["basis"], row["values"]) for row in rows(found, "origins")})
        rate = explain_rate(office.store, office.config, RateName.GOOD_DAYS, "a", span, at("2022-03-07T12:00"), view)
        revised[basis] = [(row["basis"], row["revised"]) for row in rows(rate, "revised_days")]
    realtime, reviewed = ("70", "82", "实时发布"), ("76", "75 故障", "审核后")
    assert changes == {None: [realtime, reviewed], Basis.REALTIME: [realtime], Basis.REVIEWED: [reviewed]}
    assert failed == {None: ["75 故障"], Basis.REALTIME: [], Basis.REVIEWED: ["75 故障"]}
    assert [name for name, _ in came[Basis.REALTIME]] == ["实时发布"] * len(came[Basis.REALTIME])
    assert came[Basis.REVIEWED] == [("审核后", 1)]
    assert revised[Basis.REALTIME] == [("实时发布", 1)]
    assert revised[Basis.REVIEWED] == [("审核后", 1)]
    assert revised[None] == [("实时发布", 1), ("审核后", 1)]


def test_hours_of_one_verdict_that_follow_one_another_are_one_row(office: Office) -> None:
    """Ozone fails from 03:00 to 06:00 and at 08:00; 07:00 lies between. PM2.5 does not come from 21:00 to 23:00."""
    office.now_is(site("t", "station"))
    for hour in range(1, 25):
        when = periods.moment(at("2022-03-01T00:00") + 60 * hour).isoformat()
        office.put("t", when, {item: AIR[item] for item in AIR if item != "o3" and (item, hour // 3) != ("pm25", 7)})
        mark = Mark.FAULT if hour in (3, 4, 5, 6, 8) else Mark.NONE
        office.put("t", when, {"o3": 50 + hour}, mark=mark)
    office.judge("2022-03-02T12:00")
    found = rows(day_of(office, "t", "2022-03-01"), "left_out")
    failed = [row for row in found if row["flag"] == "fail"]
    assert [(row["at"][11:], row["until"][11:], row["count"], row["reading"]) for row in failed] == [
        ("03:00", "06:00", 4, "53 故障–56 故障"),
        ("08:00", "08:00", 1, "58 故障"),
    ]
    (missing,) = [row for row in found if row["test"] == "missing" and row["item"] == "pm25"]
    assert (missing["at"][11:], missing["until"][11:], missing["count"], missing["reading"]) == (
        "21:00", "23:00", 3, None,
    )  # fmt: skip


def test_as_of_an_earlier_time_a_later_revision_is_not_known(office: Office) -> None:
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-03-01", pm25=70)
    office.put("t", "2022-03-01T09:00", {"pm25": 82.5}, taken="2022-03-04T08:00")
    office.put("t", "2022-03-01T09:00", {"pm25": 90}, taken="2022-03-06T08:00")
    office.judge("2022-03-06T12:00")
    known = {"2022-03-03": [], "2022-03-05": [("70", "82.5")], "2022-03-07": [("70", "82.5"), ("82.5", "90")]}
    for when, expected in known.items():
        made = json.loads(ask(office, "--as-of", when, "explain", "day", "t", "2022-03-01", "--json"))
        (part,) = [part for part in made["parts"] if part["id"] == "revisions"]
        assert [(row["was"], row["became"]) for row in part["rows"]] == expected


def test_several_revisions_of_one_reading_follow_one_another(office: Office) -> None:
    """Three payloads, then one that was taken before all of them and learned last: its value was never in force."""
    office.now_is(site("t", "station"))
    for taken, value in (("2022-03-01T01:05", 10), ("2022-03-01T02:05", 20), ("2022-03-01T03:05", 30)):
        office.put("t", "2022-03-01T01:00", {"o3": value}, taken=taken)
    steps, number = 10 ** ITEMS["o3"].decimals, office.store.site_numbers["t"]
    row = (at("2022-03-01T01:00"), number, ITEMS["o3"].number, 1, 5 * steps, Mark.NONE)
    office.store.keep("src", "old", at("2022-03-01T01:01"), at("2022-03-01T04:00"), [row])
    found = office.store.revisions([number], at("2022-03-01T00:00"), at("2022-03-01T23:00"))
    assert [(one["was"] // steps, one["became"] // steps) for one in found] == [(10, 20), (20, 30), (5, 30)]
    learned = [(periods.clock(one["was_learned"])[11:], periods.clock(one["became_learned"])[11:]) for one in found]
    assert learned == [("01:05", "02:05"), ("02:05", "03:05"), ("04:00", "03:05")]
    assert office.store.revisions([number], at("2022-03-01T01:00"), at("2022-03-02T00:00")) == []


def test_a_station_that_does_not_count_is_named_with_what_it_is(office: Office) -> None:
    office.now_is(site("t", "station"), site("u", "station", type="背景点"), site("v", "station", closed="2022-02-28"))
    for name in "tuv":
        office.air_day(name, "2022-03-01")
    office.judge("2022-03-02T12:00")
    found = {row["site"]: row["why"] for row in rows(day_of(office, "a", "2022-03-01"), "not_counted")}
    assert found == {"u": "背景点：只有城市评价点参与（HJ 663 附录A.2 注）", "v": "不在统计时段"}
    assert {row["site"] for row in rows(day_of(office, "a", "2022-03-01"), "items")} == {"t"}
    (listed,) = [row for row in json.loads(ask(office, "sites", "--json")) if row["id"] == "u"]
    assert (listed["type"], listed["counted"], listed["counted_text"]) == ("background", False, "背景点")


def test_every_limit_and_rule_of_a_day_has_its_clause(office: Office) -> None:
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-03-01", pm25=93)
    office.judge("2022-03-02T12:00")
    found = day_of(office, "t", "2022-03-01")
    (pm25,) = [row for row in rows(found, "items") if row["item"] == "pm25"]
    assert (pm25["limit"], pm25["limit_clause"]) == ("75", f"{GB3095} 表1")
    assert (pm25["iaqi"], pm25["how"]) == (123, "75–115 → 100–150: 122.50 ↑")  # 100 + 18 x 50/40
    assert pm25["breakpoints_clause"] == f"{HJ633} 表1"
    where = [row["clause"] for row in rows(found, "law")]
    assert f"{HJ663} 6.1.2；GB 3095 表4" in where
    assert "GB/T 8170-2008 3.2，3.3" in where


def test_a_day_with_readings_that_wait_to_be_judged_agrees_with_its_items(office: Office) -> None:
    """PM10 at 60 is index 55 (50 + 10 x 50/100); at 110 it is 80. The later values are not judged yet."""
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-03-01")
    office.judge("2022-03-02T12:00")
    office.air_day("t", "2022-03-01", taken="2022-03-03T08:00", pm10=110)
    for subject in ("t", "a"):
        found = day_of(office, subject, "2022-03-01")
        assert found.answer.startswith("AQI 80，良")
        assert found.answer.endswith("含评价之后收到的数据；已入库的评价是 AQI 55，有效")
        (pm10,) = [row for row in rows(found, "items") if row["item"] == "pm10"]
        assert (pm10["value"], pm10["iaqi"]) == ("110", 80)
    (area,) = [row for row in rows(day_of(office, "a", "2022-03-01"), "area") if row["item"] == "pm10"]
    assert (area["value"], area["iaqi"]) == ("110", 80)
    span, now = periods.parse("2022-03-01"), at("2022-03-03T08:30")
    rate = explain_rate(office.store, office.config, RateName.GOOD_DAYS, "a", span, now, View())
    assert rate.answer.endswith("另有 1 个点位日的数据在评价之后收到，尚未评价")
    office.judge("2022-03-03T12:00")
    assert day_of(office, "t", "2022-03-01").answer.startswith("AQI 80")
    assert "入库" not in day_of(office, "t", "2022-03-01").answer
    assert "尚未" not in explain_rate(office.store, office.config, RateName.GOOD_DAYS, "a", span, now, View()).answer


def test_verdicts_on_readings_that_wait_are_those_of_now(office: Office) -> None:
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-03-01")
    office.judge("2022-03-02T12:00")
    office.put("t", "2022-03-01T09:00", {"o3": 50}, mark=Mark.FAULT, taken="2022-03-03T08:00")
    failed = [row for row in rows(day_of(office, "t", "2022-03-01"), "left_out") if row["flag"] == "fail"]
    assert [(row["at"], row["reading"]) for row in failed] == [("2022-03-01 09:00", "50 故障")]


# --- a rate -------------------------------------------------------------------------------------------------------


def test_a_rate_names_what_exceptional_events_change_and_who_decided(office: Office) -> None:
    """PM10 at 200 is index 125; without PM10 and PM2.5 too little is left, and the day leaves the rate: 1/2 -> 1/1."""
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-03-01", pm10=200)
    office.air_day("t", "2022-03-02")
    office.judge("2022-03-03T12:00")
    enter(office, EventKind.DUST, "a", ("pm10", "pm25"), "2022-03-01")
    span, now = periods.parse("2022-03-01..2022-03-02"), at("2022-03-03T12:00")
    found = explain_rate(office.store, office.config, RateName.GOOD_DAYS, "a", span, now, View())
    assert "50.0% = 1/2" in found.answer
    assert found.answer.endswith("扣除沙尘后 100.0% = 1/1，1 个不同")
    (row,) = rows(found, "without_events")
    assert (row["date"], row["aqi"], row["otherwise"]) == ("2022-03-01", 125, "out")
    assert (row["decided_by"], row["document"]) == (["省厅"], ["川环函〔2022〕9号"])
    (event,) = rows(day_of(office, "a", "2022-03-01"), "events")
    assert (event["event"], event["document"], event["item_names"]) == (
        "沙尘",
        "川环函〔2022〕9号",
        ["可吸入颗粒物", "细颗粒物"],
    )
    steps = {row["what"]: row["result"] for row in rows(found, "calculation")}
    assert (steps["exact"], steps["published"]) == ("50", "50.0%")


def test_days_still_to_come_are_not_missing(office: Office) -> None:
    """On 9 June 2022 nothing is known of 2023, and of the year the days since 9 June are not over."""
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-06-07")
    office.judge("2022-06-09T08:00")
    then = ("--as-of", "2022-06-09T08:00", "explain", "rate", "good_days", "--area", "a", "--json", "--period")
    for period, last in (("2023", None), ("2022-06", "2022-06-08")):
        parts = {one["id"]: one["rows"] for one in json.loads(ask(office, *then, period))["parts"]}
        assert max((row["date"] for row in parts["out"]), default=None) == last
    assert parts["out"][-1]["reasons"] == ["没有收到数据"]


def test_a_rate_says_of_every_day_left_out_what_it_lacked(office: Office) -> None:
    office.now_is(site("t", "station"))
    office.air_day("t", "2022-03-01")
    for hour in range(1, 20):
        office.put("t", periods.moment(at("2022-03-02T00:00") + 60 * hour).isoformat(), AIR)
    office.judge("2022-03-04T12:00")
    span, now = periods.parse("2022-03-01..2022-03-03"), at("2022-03-04T12:00")
    found = explain_rate(office.store, office.config, RateName.GOOD_DAYS, "a", span, now, View())
    short, nothing = rows(found, "out")
    assert short["reasons"][0] == "SO₂ 有效 19 小时，至少要 20"
    assert len(short["reasons"]) == 5  # ozone has 14 windows, which is enough
    assert (nothing["date"], nothing["reasons"]) == ("2022-03-03", ["没有收到数据"])


# --- figures of a period ------------------------------------------------------------------------------------------


@pytest.fixture
def month(office: Office) -> Office:
    """March 2022: PM2.5 is the number of the day; the other items as in AIR."""
    office.now_is(site("t", "station"))
    for day in range(1, 32):
        office.air_day("t", f"2022-03-{day:02}", pm25=day)
    office.judge("2022-04-01T12:00")
    return office


def stats(office: Office, item: str, period: str, now: str = "2022-04-01T12:00") -> Explanation:
    return explain_stats(office.store, office.config, item, "a", periods.parse(period), at(now), View())


def steps_of(found: Explanation, name: str) -> Mapping[str, str]:
    return {row["what"]: row["result"] for row in rows(found, name)}


def test_a_mean_and_a_percentile_step_by_step(month: Office) -> None:
    """1 to 31: the sum is 496, the mean 16. k = 1 + 30 x 0.95 = 29.5, between 29 and 30: 29.5, printed 30 (to the
    even); the limit of a day is 75."""
    found = stats(month, "pm25", "2022-03")
    assert found.answer == "均值 16，第 95 百分位数 30，31 个有效日；天数足够"
    mean = steps_of(found, "mean")
    assert (mean["days"], mean["sum"], mean["exact"], mean["published"]) == ("31", "496", "16", "16")
    high = steps_of(found, "percentile")
    assert high["place"] == "1 + (31 − 1) × 95% = 29.5"
    assert (high["rank"], high["between"]) == ("29", "X(29) = 29, X(30) = 30")
    assert high["exact"] == "29 + (30 − 29) × 0.5 = 29.5"
    assert (high["published"], high["evaluated"], high["compared"]) == ("30", "30", "30 ≤ 75")
    clauses = {row["what"]: row["clause"] for row in rows(found, "percentile")}
    assert (clauses["limit"], clauses["place"]) == (f"{GB3095} 表1", f"{HJ663} 表1，附录A.6")
    (values,) = rows(found, "daily_values")
    assert values["daily"] == [str(day) for day in range(1, 32)]
    assert (values["days"], values["sum"]) == (31, "496")


def test_a_figure_beyond_its_limit_shows_its_multiple(office: Office) -> None:
    """All days at 93: percentile 93, limit 75: 18/75 = 0.24 times over (HJ 663: two decimals)."""
    office.now_is(site("t", "station"))
    for day in range(1, 32):
        office.air_day("t", f"2022-03-{day:02}", pm25=93)
    office.judge("2022-04-01T12:00")
    high = steps_of(stats(office, "pm25", "2022-03"), "percentile")
    assert (high["compared"], high["multiple"]) == ("93 > 75", "(93 − 75) / 75 = 0.24 → 0.24")


def test_a_month_of_too_few_days_says_how_many_it_has_and_needs(office: Office) -> None:
    """26 whole days; a month other than February needs 27 (GB 3095 table 4)."""
    office.now_is(site("t", "station"))
    for day in range(1, 27):
        office.air_day("t", f"2022-03-{day:02}")
    for hour in range(1, 13):
        office.put("t", periods.moment(at("2022-03-27T00:00") + 60 * hour).isoformat(), AIR)
    office.judge("2022-04-01T12:00")
    found = stats(office, "pm25", "2022-03")
    assert found.answer.endswith("26 个有效日；天数不足")
    (row,) = rows(found, "validity")
    assert (row["month"], row["have"], row["need"], row["enough"]) == ("2022-03", 26, 27, False)
    assert row["why"] == "有 26 天，至少 27 天"
    lacking = {row["date"]: row["why"] for row in rows(found, "lacking")}
    assert lacking["2022-03-27"] == "PM₂.₅ 有效 12 小时，至少要 20"
    assert len(lacking) == 5
    some = stats(office, "pm25", "2022-03-01..2022-03-20")
    assert some.answer.endswith("标准对这一时段没有天数要求，或时段未完")


def test_the_composite_index_item_by_item(month: Office) -> None:
    """10/60 = 0.17, 10/40 = 0.25, 0.5/4 = 0.125 -> 0.12 (to the even), 50/160 = 0.31, 60/70 = 0.86, 16/35 = 0.46:
    2.17 in all; PM10 is the largest with 0.86/2.17 = 39.6 %."""
    found = stats(month, "composite", "2022-03")
    assert found.answer == "综合指数 2.17（环办〔2014〕64号）"
    ratios = {row["item"]: (row["published"], row["limit"], row["ratio"]) for row in rows(found, "ratios")}
    assert ratios == {
        "so2": ("10", "60", "0.17"),
        "no2": ("10", "40", "0.25"),
        "co": ("0.5", "4", "0.12"),
        "o3": ("50", "160", "0.31"),
        "pm10": ("60", "70", "0.86"),
        "pm25": ("16", "35", "0.46"),
    }
    total = steps_of(found, "total")
    assert total["terms"] == "0.17 + 0.25 + 0.12 + 0.31 + 0.86 + 0.46 = 2.17"
    assert (total["published"], total["largest"]) == ("2.17", "PM₁₀")
    (pm10,) = [row for row in rows(found, "ratios") if row["item"] == "pm10"]
    assert (pm10["share"], pm10["quotient"]) == ("39.6%", "6/7 ≈ 0.8571")


# --- water --------------------------------------------------------------------------------------------------------


def water(
    office: Office, kind: Kind, name: str, period: str, now: str = "2022-12-31T12:00", view: View = AS_IN_FORCE
) -> Explanation:
    return explain_water(office.store, office.config, kind, name, periods.parse(period), at(now), view)


def test_a_running_month_shows_the_weight_it_really_had(office: Office) -> None:
    """On 3 March two of 31 days of March are over. Ammonia 0.1, 0.1 and 3: (0.1 + 0.1 + 3 x 2/31) / (2 + 2/31) =
    12.2/64 = 0.190625, class II; with March in full it would be 3.2/3 = 1.07, class IV."""
    office.now_is(site("s", "section"))
    for date, ammonia in (("2022-01-10", 0.1), ("2022-02-10", 0.1), ("2022-03-01", 3)):
        office.put("s", f"{date}T12:00", WATER | {"nh3n": ammonia})
    office.judge("2022-03-03T12:00")
    found = water(office, Kind.SECTION, "s", "2022", "2022-03-03T12:00")
    assert [row["weight"] for row in rows(found, "parts")] == ["31/31", "28/28", "2/31"]
    assert found.answer.startswith("Ⅱ类")
    (ammonia,) = [row for row in rows(found, "items") if row["item"] == "nh3n"]
    assert ammonia["exact"] == "0.190625"


def test_what_today_brings_is_in_the_explanation_when_it_is_in_the_rate(office: Office) -> None:
    """Week 9 of 2022 lies across two months: 28 February and 1 March are over, 2 March runs."""
    office.now_is(site("s", "section"))
    for date, ammonia in (("2022-02-28", 0.1), ("2022-03-01", 0.1), ("2022-03-02", 5)):
        office.put("s", f"{date}T04:00", WATER | {"nh3n": ammonia})
    now = "2022-03-02T12:00"
    office.judge(now)
    span = periods.parse("2022-W09")
    rate = explain_rate(office.store, office.config, RateName.GOOD_SECTIONS, "a", span, at(now), View())
    found = water(office, Kind.SECTION, "s", "2022-W09", now)
    assert rows(rate, "sites")[0]["class"] == "Ⅱ类"
    assert found.answer.startswith("Ⅱ类")
    assert [row["at"] for row in rows(found, "readings")] == ["2022-02-28 04:00", "2022-03-01 04:00"]
    assert water(office, Kind.SECTION, "s", "2022-03-02", now).answer.startswith("劣Ⅴ类")  # of a day: to date
    assert water(office, Kind.SECTION, "s", "2022-04", now).answer == "时段内还没有结束的日子"


def test_a_section_says_that_readings_wait_to_be_judged(office: Office) -> None:
    office.now_is(site("s", "section"))
    office.put("s", "2022-03-10T12:00", WATER)
    office.judge("2022-04-02T12:00")
    office.put("s", "2022-03-10T12:00", WATER | {"nh3n": 5}, taken="2022-04-02T13:00")
    told = "另有 1 个点位日的数据在评价之后收到，尚未评价"
    for found in (
        water(office, Kind.SECTION, "s", "2022-03"),
        explain_rate(
            office.store, office.config, RateName.GOOD_SECTIONS, "a", periods.parse("2022-03"),
            at("2022-04-02T13:30"), View(),
        ),
    ):  # fmt: skip
        assert found.answer.endswith(told)
    office.judge("2022-04-02T14:00")
    assert water(office, Kind.SECTION, "s", "2022-03").answer.startswith("劣Ⅴ类")
    assert told not in water(office, Kind.SECTION, "s", "2022-03").answer


def test_over_a_longer_period_payloads_of_one_source_are_one_row(office: Office) -> None:
    office.now_is(site("s", "section"))
    for date in ("2022-01-10", "2022-02-10", "2022-03-10"):
        office.put("s", f"{date}T12:00", WATER)
    office.put("s", "2022-03-11T12:00", WATER, basis=Basis.MANUAL)
    office.judge("2022-04-02T12:00")
    long = rows(water(office, Kind.SECTION, "s", "2022-Q1"), "origins")
    assert [(row["basis"], row["payloads"], row["values"], row["learned"]) for row in long] == [
        ("实时发布", 3, 15, "2022-03-10 12:00"),
        ("手工监测", 1, 5, "2022-03-11 12:00"),
    ]
    short = rows(water(office, Kind.SECTION, "s", "2022-03"), "origins")
    assert [(row["origin"], row["payloads"], row["values"]) for row in short] == [("test", None, 5)] * 2


def test_a_mean_that_is_cut_off_is_marked_and_keeps_its_fraction(office: Office) -> None:
    """1.00, 1.00 and 1.02 are 3.02/3 = 1.00667; two of 0.02 and one of 0.03 are 7/300 = 0.023333."""
    office.now_is(site("s", "section"), site("t", "station"))
    for hour, (ammonia, phosphorus) in enumerate(((1, 0.02), (1, 0.02), (1.02, 0.03)), 1):
        office.put("s", f"2022-03-01T{4 * hour:02}:00", WATER | {"nh3n": ammonia, "tp": phosphorus})
    office.air_day("t", "2022-03-01", pm25_01=21, pm10=151)
    office.judge("2022-03-02T12:00")
    exact = {row["item"]: row["exact"] for row in rows(water(office, Kind.SECTION, "s", "2022-03-01"), "items")}
    assert exact["nh3n"].startswith("151/150 ≈ 1.00666")
    assert exact["tp"].startswith("7/300 ≈ 0.02333")
    assert exact["do"] == "8"
    assert exact["ph"] == "7"
    found = {row["item"]: row for row in rows(day_of(office, "t", "2022-03-01"), "items")}
    assert found["pm25"]["exact"] == "481/24 ≈ 20.0417"
    assert found["pm25"]["how"] == "0–35 → 0–50: ≈28.57 ↑"  # 20 x 50/35
    assert found["pm10"]["how"] == "150–250 → 100–150: 100.50 ↑"  # 100 + 1 x 50/100


def test_a_detection_limit_between_two_bounds_is_told_and_half_of_it_decides(office: Office) -> None:
    """Ammonia below 0.4: class I ends at 0.15, class III at 1.0; half of it, 0.2, is class II."""
    office.now_is(site("s", "section"))
    office.put("s", "2022-03-01T12:00", {item: value for item, value in WATER.items() if item != "nh3n"})
    office.put("s", "2022-03-01T12:00", {"nh3n": 0.4}, mark=Mark.CENSORED)
    office.judge("2022-03-02T12:00")
    first, *_ = rows(water(office, Kind.SECTION, "s", "2022-03-01"), "items")
    assert (first["item"], first["value"], first["class"], first["decides"]) == ("nh3n", "<0.4", "Ⅱ类", True)
    assert first["note"] == "检出限 0.4 高于Ⅰ类限值，按一半 0.2 定类"
    assert first["clause"] == "表1 第7项"


def test_a_detection_limit_above_class_iii_is_counted_apart(office: Office) -> None:
    """Ammonia below 1.2, class III ends at 1.0: the section has no class, and leaves the rate with its own reason."""
    office.now_is(site("s", "section"), site("u", "section"))
    for name in "su":
        office.put(name, "2022-03-01T12:00", {item: value for item, value in WATER.items() if item != "nh3n"})
    office.put("s", "2022-03-01T12:00", {"nh3n": 1.2}, mark=Mark.CENSORED)
    office.put("u", "2022-03-01T12:00", {"nh3n": 0.1})
    office.judge("2022-04-02T12:00")
    assert office.waters("s", "month") == [("NOT_JUDGEABLE", "NONE")]
    found = rating.rate(
        office.store, office.config, RateName.GOOD_SECTIONS, "a", periods.parse("2022-03"), at("2022-04-02T12:00")
    )
    assert (found.numerator, found.denominator) == (1, 1)
    assert [(one.reason.value, one.count) for one in found.excluded] == [("not_judgeable", 1)]
    told = "检出限高于Ⅲ类限值，无法判断：氨氮"
    shown = water(office, Kind.SECTION, "s", "2022-03")
    assert told in shown.answer
    assert [(row["item"], row["required"]) for row in rows(shown, "not_judged")][-1:] == [("nh3n", True)]
    (row,) = [
        one for one in json.loads(ask(office, "assess", "water", "--period", "2022-03", "--json")) if one["site"] == "s"
    ]
    assert (row["status"], row["not_judgeable"], row["why_not_valid"]) == ("not_judgeable", ["nh3n"], [told])
    assert "nh3n" not in row["missing"]


def test_a_judgement_that_an_earlier_version_kept_is_read_as_it_was(office: Office) -> None:
    office.now_is(site("s", "section"))
    office.put("s", "2022-03-01T12:00", WATER)
    office.judge("2022-03-02T12:00")
    (content,) = office.store.db.execute("SELECT content FROM water_judgement WHERE span = 'day'").fetchone()
    old = {key: value for key, value in json.loads(content).items() if key != "not_judgeable"}
    office.store.db.execute("UPDATE water_judgement SET content = ?", (json.dumps(old),))
    (day,) = office.store.water([office.store.site_numbers["s"]], "day", 0, periods.LAST_DAY)
    assert (day.judgement.not_judgeable, day.judgement.status) == ((), Status.VALID)


def test_a_quarter_of_too_few_rounds_says_how_many_it_has_and_needs(office: Office) -> None:
    office.now_is(site("s", "section"))
    office.put("s", "2022-03-01T12:00", WATER)
    office.judge("2022-04-02T12:00")
    told = "有评价结果的月份 1 个，至少要 2"
    assert told in water(office, Kind.SECTION, "s", "2022-Q1").answer
    (row,) = json.loads(ask(office, "assess", "water", "--period", "2022-Q1", "--json"))
    assert (row["status"], row["why_not_valid"]) == ("too_few_rounds", [told])


def test_missing_required_items_are_named(office: Office) -> None:
    office.now_is(site("s", "section"))
    office.put("s", "2022-03-01T12:00", {"ph": 7, "do": 8})
    office.judge("2022-03-02T12:00")
    assert "缺必测项目：高锰酸盐指数、氨氮" in water(office, Kind.SECTION, "s", "2022-03-01").answer


SOURCE = site("w", "source", body="river")


@pytest.fixture
def source(office: Office) -> Office:
    """A source with two rounds: in the second one manganese is 0.15, its limit 0.1 (GB 3838-2002 table 2)."""
    office.now_is(SOURCE, site("s", "section"))
    for date, manganese in (("2022-07-05", 0.05), ("2022-08-05", 0.15)):
        office.put("w", f"{date}T10:00", WATER | {"manganese": manganese}, basis=Basis.MANUAL)
    office.judge("2022-09-02T12:00")
    return office


def test_a_source_is_explained_round_by_round(source: Office) -> None:
    found = water(source, Kind.SOURCE, "w", "2022-Q3")
    assert found.answer.startswith("不达标")
    first, second = rows(found, "rounds")
    assert (first["part"], first["good"], first["over"], first["decides"]) == ("2022-07-05", True, [], False)
    assert (second["part"], second["good"], second["over"], second["decides"]) == (
        "2022-08-05", False, ["manganese"], True,
    )  # fmt: skip
    item, *_ = rows(found, "items")
    assert (item["item"], item["value"], item["limits"][2]) == ("manganese", "0.15", "0.1")
    assert (item["multiple"], item["decides"], item["rounded_to"]) == ("0.5", True, None)
    assert item["clause"].startswith("表2")


def test_natural_background_stands_beside_the_judgement_of_a_source(source: Office) -> None:
    enter(source, EventKind.BACKGROUND, "w", ("manganese",), "2022-08")
    found = water(source, Kind.SOURCE, "w", "2022-08")
    (row,) = rows(found, "natural")
    assert (row["class"], row["good"]) == ("Ⅳ类", True)
    (event,) = rows(found, "events")
    assert (event["document"], event["item_names"]) == ("川环函〔2022〕9号", ["锰"])
    assert rows(found, "items")[0]["note"] == "天然背景"
    rate = explain_rate(
        source.store,
        source.config,
        RateName.GOOD_SOURCES,
        "a",
        periods.parse("2022-08"),
        at("2022-09-02T12:00"),
        View(),
    )
    assert rows(rate, "sites")[0]["without"].startswith("不计天然背景项目时")
    assert "扣除天然背景后 100.0% = 1/1" in rate.answer


def rules_of(office: Office, name: RateName, period: str) -> dict[str, str]:
    span, now = periods.parse(period), at("2022-12-31T12:00")
    found = explain_rate(office.store, office.config, name, "a", span, now, View())
    return {row["rule"]: row["clause"] for row in rows(found, "law")}


def test_the_rules_of_a_rate_of_sources_are_those_of_sources(source: Office) -> None:
    """No number of months is asked of sources; the months of a quarter are summed."""
    complies = "达标：每一轮的每一项都不超过限值（基本项目为Ⅲ类）"
    quarter = rules_of(source, RateName.GOOD_SOURCES, "2022-Q3")
    assert not any("个月有评价结果" in rule for rule in quarter)
    assert "季度由各月相加：分子、分母都是各月之和，没有监测的月份不计" in quarter
    assert quarter[complies] == "环办〔2011〕22号 GB 3838-2002 表1–表3"
    assert not any("相加" in rule for rule in rules_of(source, RateName.GOOD_SOURCES, "2022-08"))
    assert "至少 2 个月有评价结果" in rules_of(source, RateName.GOOD_SECTIONS, "2022-Q3")


def test_groundwater_and_a_list_of_ones_own_have_their_own_clause(office: Office) -> None:
    office.now_is(site("g", "source", body="groundwater"))
    office.put("g", "2022-08-05T10:00", {"ph": 7, "nh3n": 0.1}, basis=Basis.MANUAL)
    office.judge("2022-09-02T12:00")
    (where,) = [one for rule, one in rules_of(office, RateName.GOOD_SOURCES, "2022-08").items() if "达标" in rule]
    assert where.startswith("GB/T 14848-2017")
    office.now_is('[assessment]\ngroundwater_sources = ["ph", "nh3n"]', site("g", "source", body="groundwater"))
    office.judge("2022-09-02T13:00")
    (where,) = [one for rule, one in rules_of(office, RateName.GOOD_SOURCES, "2022-08").items() if "达标" in rule]
    assert where == "config.toml [assessment]"


def test_a_section_is_no_source(source: Office) -> None:
    for kind, name in ((Kind.SECTION, "w"), (Kind.SOURCE, "s")):
        with pytest.raises(UsageError, match="envmon explain"):
            water(source, kind, name, "2022-08")
    with pytest.raises(UsageError, match="nowhere"):
        water(source, Kind.SOURCE, "nowhere", "2022-08")


# --- the command --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("day", "t", "2022-03-05"),
        ("day", "a", "2022-03-05"),
        ("rate", "good_days", "--area", "a", "--period", "2022-03"),
        ("rate", "worse_than_v", "--period", "2022-03"),
        ("stats", "PM2.5", "--period", "2022-03"),
        ("stats", "综合指数", "--area", "a", "--period", "2022-03"),
        ("section", "s", "2022-03"),
        ("source", "w", "2022-08"),
    ],
)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_explanation_in_every_form(office: Office, words: tuple[str, ...], lang: str) -> None:
    office.now_is(SOURCE, site("s", "section"), site("t", "station"))
    office.air_day("t", "2022-03-05")
    office.put("s", "2022-03-05T12:00", WATER)
    office.put("w", "2022-08-05T10:00", WATER, basis=Basis.MANUAL)
    office.judge("2022-09-02T12:00")
    made = json.loads(ask(office, "--lang", lang, "explain", *words, "--json"))
    page = ask(office, "--lang", lang, "explain", *words, "--md")
    screen = ask(office, "--lang", lang, "explain", *words)
    assert len({part["id"] for part in made["parts"]}) == len(made["parts"]) > 2
    assert all(set(part["keys"]) <= set(row) for part in made["parts"] for row in part["rows"])
    for part in made["parts"]:
        assert f"## {part['title']}" in page
        assert part["title"] in screen
    assert made["answer"] in page


def test_a_figure_needs_one_area_and_a_known_item(office: Office) -> None:
    office.now_is(site("t", "station"))
    with pytest.raises(UsageError, match="composite"):
        ask(office, "explain", "stats", "dust")


def test_a_clause_that_is_not_there_is_an_error() -> None:
    from envmon.errors import StandardsError

    with pytest.raises(StandardsError, match="no row"):
        clause(GB3095, "limit", phase="single", parameter="pm25", average="8h")
