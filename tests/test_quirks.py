"""The odd things real Chinese data hold, one test each. Where another file already has the test, it is named here.

Air
  hours missing altogether, days of 15 hours   test_sources: recorded_day_file, the_bundled_year_is_read_whole
  hour 0 is of the day before; CO 0.98         test_sources: hour_0_belongs_to_the_day_before
  NA NaN — - _ / &mdash; -; empty              test_sources: marks_of_no_value; test_services: air_marks_of_no_value
  index half up in the mirror, up at stations  test_air_published
  SO2 beyond 800 µg/m³ in an hour              test_air_published, every level
  doubled rows, keys with two values           test_bad_input: duplicate_and_contradicting_rows
  a key's two values in a file                 test_sources: contradicting_rows_both_go_to_the_store
  days unsorted                                test_sources: recorded_daily_answer
  numbers as text, /Date(ms)/, no zone         test_services: air_numbers_are_texts, air_times_in_milliseconds
  HTML to a GET, [] , IsPublish, CityCode 0    test_services: air_pages_instead_of_answers and its neighbours
  values of the future                         test_sources: an_answer_from_the_future_is_refused
Water, all in test_sources_water
  GBK, full dates, * and --                    snapshot_of_2021_in_gbk
  no year in the time, 29 February             years_around_new_year, the_year_of_a_time_without_one
  a clock a little ahead                       a_time_a_little_ahead_is_not_taken_for_last_year
  states; no class; codes 1 to 7, Roman, 劣    states_become_marks, states, classes
  two headers swapped; 高锰酸钾指数            spreadsheet_with_two_headers_swapped
  a snapshot cut off                           a_snapshot_that_broke_off_after_a_row, cut_anywhere
  -1 when cold; result 0; no rows; pages       a_cold_platform_is_warmed, an_answer_without_sections, every_page_is_read
  the measured value in an HTML title          json_cells_give_the_unrounded_value
  one name in two provinces                    a_name_in_two_provinces_is_refused
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envmon.errors import SourceChanged, UsageError
from envmon.model import Payload
from envmon.pipeline.pull import context_of, keep
from envmon.sources import SOURCES, Context, Parsed
from tests.test_services import ITEMS, RECORDED, Server, at, context, fetch, reading, server
from tests.test_sources_water import THEAD, section

__all__ = ["server"]

TAKEN = at(2026, 10, 9, 19)


def archive(body: str, *names: str, taken: int = TAKEN, **options: Any) -> Parsed:
    payload = Payload("china_cities.csv", body.encode(), taken)
    return SOURCES["archive"].parse(payload, context("archive", *(names or ("X",)), **options))


def one_site(kind: str, *names: str) -> Context:
    """A site with several names."""
    asked = context(kind)
    return Context(dict.fromkeys(names, 1), ITEMS, asked.stream, asked.spec, "en")


# --- air --------------------------------------------------------------------------------------------------------------


def test_two_columns_for_one_prefecture() -> None:
    """甘孜州 is always empty, the data stand under 甘孜藏族自治州: with both as names nothing is lost or doubled.
    In the recorded day PM2.5 of hour 9 is 7."""
    body = (RECORDED / "archive/china_cities_20220613.csv").read_bytes()
    payload = Payload("china_cities_20220613.csv", body, at(2022, 6, 14))
    parsed = SOURCES["archive"].parse(payload, one_site("archive", "甘孜州", "甘孜藏族自治州"))
    alone = SOURCES["archive"].parse(payload, one_site("archive", "甘孜藏族自治州"))
    assert parsed.rows == alone.rows
    assert len({row[:4] for row in parsed.rows}) == len(parsed.rows) == 15 * 7
    assert (at(2022, 6, 13, 9), 7000, 0) in reading(parsed.rows, "pm25")


def test_a_type_may_be_missing_while_the_others_are_there() -> None:
    parsed = archive("date,hour,type,X\n20220101,1,SO2,5\n20220101,1,CO,0.983\n20220101,2,SO2,6\n")
    assert reading(parsed.rows, "co") == [(at(2022, 1, 1, 1), 983, 0)]
    assert [value for _, value, _ in reading(parsed.rows, "so2")] == [5000, 6000]
    assert parsed.refused == []


def test_moving_means_that_restart_are_not_read() -> None:
    """X_24h at hour 0 is the mean of the day just ended, at hour 1 of one hour: nothing of the kind is taken over."""
    kinds = ("PM2.5_24h", "PM10_24h", "SO2_24h", "NO2_24h", "CO_24h", "O3_24h", "O3_8h", "O3_8h_24h")
    lines = "".join(f"20220101,{hour},{kind},{999 if hour else 1}\n" for hour in range(2) for kind in kinds)
    parsed = archive(f"date,hour,type,X\n{lines}20220101,1,O3,80\n")
    assert [(row[2], row[4]) for row in parsed.rows] == [(ITEMS["o3"].number, 80_000)]
    assert (parsed.refused, parsed.unknown) == ([], {})


SWAP = {"from": "2023-11-09", "types": ["O3", "O3_8h"]}
OZONE = "".join(
    f"{day},{hour},O3,{100 + hour}\n{day},{hour},O3_8h,{50 + hour}\n"
    for day in (20231108, 20231109)
    for hour in (0, 12)
)


def test_swapped_ozone_columns_are_put_right_from_their_day_on() -> None:
    """Without the option a file is read as it says."""
    found = reading(archive(f"date,hour,type,X\n{OZONE}", swapped=SWAP).rows, "o3")
    assert [value // 1000 for _, value, _ in found] == [100, 112, 50, 62]
    found = reading(archive(f"date,hour,type,X\n{OZONE}").rows, "o3")
    assert [value // 1000 for _, value, _ in found] == [100, 112, 100, 112]


def test_swapped_moving_means_touch_no_reading() -> None:
    swap = {"from": "2023-11-09", "types": ["O3_24h", "O3_8h_24h"]}
    body = f"date,hour,type,X\n{OZONE}20231109,1,O3_24h,1\n20231109,1,O3_8h_24h,2\n"
    assert archive(body, swapped=swap).rows == archive(body).rows


BAD_SWAPS: list[Any] = [
    "O3",
    {"from": "soon", "types": ["O3", "O3_8h"]},
    {"from": "2023-11-09", "types": ["O3"]},
    {"from": "2023-11-09", "types": ["O3", "ozone"]},
    {"types": ["O3", "O3_8h"]},
]


@pytest.mark.parametrize("option", BAD_SWAPS, ids=range(5))
def test_a_swap_that_is_not_written_right_is_told(option: Any) -> None:
    with pytest.raises(UsageError, match="swapped"):
        archive("date,hour,type,X\n", swapped=option)


def test_one_city_under_two_names() -> None:
    """ganzizhou and 甘孜州 are one place when the config says so."""
    asked = one_site("cnemc_air", "甘孜藏族自治州", "甘孜州", "ganzizhou")
    assert {asked.site(name) for name in ("甘孜州", "GanZiZhou", "甘孜藏族自治州")} == {1}


@pytest.mark.parametrize(
    ("called", "found"),
    [
        ("将军桥(启用180816)", 1),
        ("将军桥（启用180816）", 1),
        ("将军桥(停运161122)", 1),
        ("将军桥", 1),
        ("水桥子(对照点)", 2),  # the name it is configured by
        ("将军桥(对照点)", None),  # another place: a name of its own, not a remark on when it ran
        ("将军桥(西)", None),
    ],
)
def test_names_with_remarks(called: str, found: int | None) -> None:
    asked = context("cnemc_air", "将军桥", "水桥子(对照点)")
    assert asked.site(called) == found


def test_a_name_with_a_remark_of_its_own_goes_first() -> None:
    """Both configured: the stopped station and the one that followed it are two sites."""
    asked = context("cnemc_air", "将军桥", "将军桥(停运161122)")
    assert (asked.site("将军桥（停运161122）"), asked.site("将军桥")) == (2, 1)


HOUR = {"TimePoint": "2026-10-09T18:00:00", "StationCode": "1081A", "PM2_5": "9", "AQI": "40", "Quality": "—"}


@pytest.mark.parametrize(
    "primary", ["—", "NaN", "", None, "细颗粒物(PM2.5)|臭氧1小时", "颗粒物(PM10),臭氧1小时", "_"], ids=range(7)
)
def test_the_published_primary_pollutant_and_level_change_nothing(primary: str | None) -> None:
    """Ties are joined by `|`, line breaks or `,`; level and primary pollutant are worked out here."""
    body = json.dumps([{**HOUR, "PrimaryPollutant": primary}]).encode()
    parsed = SOURCES["cnemc_air"].parse(Payload("x", body, TAKEN), context("cnemc_air", "1081A"))
    assert [(row[2], row[4]) for row in parsed.rows] == [(6, 9000), (7, 40)]
    assert parsed.refused == []


def test_an_index_may_be_missing_while_the_values_are_there_and_the_other_way_round() -> None:
    rows = [{**HOUR, "AQI": "NA"}, {**HOUR, "PM2_5": "—"}]
    parsed = SOURCES["cnemc_air"].parse(Payload("x", json.dumps(rows).encode(), TAKEN), context("cnemc_air", "1081A"))
    assert [(row[2], row[4]) for row in parsed.rows] == [(6, 9000), (7, 40)]


@pytest.mark.parametrize(
    "head",
    [
        "日期,质量等级,AQI指数,当天AQI排名,PM2.5,PM10,So2,No2,Co,O3",  # tianqihoubao: under the wrong heads
        "date,city,aqi,range,quality,pm2_5,pm10,so2,co,no2,o3,rank",  # aqistudy: a mean of hourly indices
        "Date,Hour,WatchPoint,AQI,Level,PrimaryPollution,PM2.5,PM10,CO,NO2,O3_1h,O3_8h,SO2",
    ],
    ids=range(3),
)
def test_third_party_files_are_not_taken_for_the_archive(head: str) -> None:
    with pytest.raises(SourceChanged, match="first line"):
        archive(f"{head}\n2022-01-01,X,1\n")


# --- water ------------------------------------------------------------------------------------------------------------


def snapshot(taken: int, *rows: list[str]) -> Payload:
    return Payload("water", json.dumps({"result": 1, "total": 1, "thead": THEAD, "tbody": rows}).encode(), taken)


@pytest.mark.parametrize("mark", ["--", "*", "", " ", "??", "-"], ids=range(6))
def test_water_marks_of_no_value(mark: str) -> None:
    payload = snapshot(at(2026, 3, 1, 9), section(总磷=mark, 溶解氧=mark))
    parsed = SOURCES["cnemc_water"].parse(payload, context("cnemc_water", "岗托桥"))
    assert parsed.refused == []
    assert {row[2] for row in parsed.rows} == {ITEMS["published_class"].number}


@pytest.mark.parametrize(
    ("configured", "called"),
    [
        (("沱江大桥(沱江二桥)", "沱江大桥"), "沱江大桥（沱江二桥）"),
        (("沱江大桥(沱江二桥)", "沱江大桥"), "沱江大桥"),
        (("岗托桥", "金沙江岗托桥"), "<span title='所在地市：甘孜州'>金沙江岗托桥</span>"),
    ],
)
def test_section_names_that_changed(configured: tuple[str, ...], called: str) -> None:
    payload = snapshot(at(2026, 3, 1, 9), section(called))
    parsed = SOURCES["cnemc_water"].parse(payload, one_site("cnemc_water", *configured))
    assert {row[1] for row in parsed.rows} == {1}
    assert parsed.unknown == {}


class Bureau:
    """A store with one section, into which snapshots go as they would be pulled."""

    def __init__(self, bureau: Any, store: Any) -> None:
        self.store, self.config = store, bureau.config
        self.spec = next(spec for spec in bureau.config.sources if spec.kind == "cnemc_water")
        self.site = next(site for site in bureau.config.sites if site.kind == "section")

    def take(self, taken: int, learned: int, **cells: str) -> Any:
        payload = snapshot(taken, section(self.site.name, **cells))
        parsed = SOURCES["cnemc_water"].parse(payload, context_of(self.store, self.config, self.spec))
        return keep(self.store, self.spec, payload, parsed, {}, learned)


@pytest.fixture
def watched(make_bureau: Any, tmp_path: Path) -> Any:
    bureau = make_bureau(tmp_path / "bureau")
    with bureau.open(bureau.config) as store:
        yield Bureau(bureau, store)


def in_force(watched: Bureau, item: str) -> list[tuple[int, int]]:
    sql = "SELECT ending, value FROM reading WHERE site = ? AND parameter = ? ORDER BY ending"
    number = watched.store.site_numbers[watched.site.id]
    return list(watched.store.db.execute(sql, (number, ITEMS[item].number)))


def test_a_section_that_keeps_its_old_time_for_weeks_gives_one_reading(watched: Bureau) -> None:
    """06-17 20:00 still stands in the snapshots of July: the same reading, not new ones."""
    for day in (17, 18, 25, 30):
        tally = watched.take(at(2026, 6, day, 21), at(2026, 6, day, 21), 监测时间="06-17 20:00", 总磷="0.05")
        assert tally.new == (2 if day == 17 else 0)
    assert watched.take(at(2026, 7, 9, 9), at(2026, 7, 9, 9), 监测时间="06-17 20:00", 总磷="0.05").same == 2
    assert in_force(watched, "tp") == [(at(2026, 6, 17, 20), 5000)]


def test_revised_values_and_classes_the_latest_snapshot_wins(watched: Bureau) -> None:
    """Also when an earlier snapshot is imported after a later one; what was there before is kept."""
    hour = {"监测时间": "03-01 08:00"}
    watched.take(at(2026, 3, 1, 9), at(2026, 3, 1, 9), **hour, 总磷="0.05", 水质类别="2")
    revised = watched.take(at(2026, 3, 1, 13), at(2026, 3, 1, 13), **hour, 总磷="0.15", 水质类别="3")
    assert (revised.new, revised.revised) == (0, 2)
    older = watched.take(at(2026, 3, 1, 11), at(2026, 3, 2), **hour, 总磷="0.09", 水质类别="2")
    assert (older.new, older.revised, older.older) == (0, 0, 2)
    assert in_force(watched, "tp") == [(at(2026, 3, 1, 8), 15_000)]
    assert in_force(watched, "published_class") == [(at(2026, 3, 1, 8), 3)]
    number = watched.store.site_numbers[watched.site.id]
    history = watched.store.history(number, ITEMS["tp"].number, at(2026, 3, 1, 8))
    assert [row["value"] for row in history] == [5000, 9000, 15_000]


def test_the_older_address_and_a_basin(server: Server) -> None:
    """http://106.37.208.243:8068/GJZ/Ajax/Publish.ashx answers the same questions."""
    server.answer = lambda question: snapshot(0, section()).body
    fetch(server, "cnemc_water", 0, [], base="/GJZ/Ajax/Publish.ashx", river="1200000000", area="510000")
    (question,) = server.asked
    assert question.path == "/GJZ/Ajax/Publish.ashx"
    assert question.form == {
        "AreaID": "510000",
        "RiverID": "1200000000",
        "PageIndex": "1",
        "PageSize": "2000",
        "action": "getRealDatas",
    }
