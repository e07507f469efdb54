"""What form a file has by its header; reviewed air data; intakes of sources, and the rate that counts by them.

Expected values are typed in the files of the tests, or worked out beside them.
"""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from envmon import periods, standards
from envmon.errors import EnvmonError, SourceChanged
from envmon.model import Basis, Intake, Mark, Payload, RateName, Span, Stream
from envmon.pipeline import rating
from envmon.pipeline.importing import events_in, import_file
from envmon.pipeline.judge import judge
from envmon.pipeline.wiring import load_config
from envmon.sources import SOURCES, Context
from envmon.sources.forms import forms_of

ROOT = Path(__file__).parent.parent
NOW = periods.hour_ending(periods.parse("2026-06-15").first, 12)
CONFIG = load_config(ROOT / "config.toml")
MAY_1 = periods.parse("2026-05-01").first
BASES = (Basis.REVIEWED, Span.HOUR), (Basis.REVIEWED, Span.DAY)


def forms(body: str | bytes) -> list[str]:
    raw = body if isinstance(body, bytes) else body.encode()
    return forms_of(Payload("a", raw, NOW), "zh", standards.parameters())


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("data/sample/lab/lab_2022-07.csv", "lab"),
        ("data/sample/events.csv", "events"),
        ("data/sample/archive/china_cities_2022.csv.gz", "archive"),
        ("tests/recorded/water/2023_01_01_02h53m_sichuan.csv", "cnemc_water"),
        ("tests/recorded/water/2021_06_17_13h09m_sichuan.csv", "cnemc_water"),
        ("tests/worked/lake_2022-07.csv", "lab"),
    ],
)
def test_the_form_of_real_files_is_told_by_their_header(path: str, form: str) -> None:
    raw = (ROOT / path).read_bytes()
    assert forms(gzip.decompress(raw) if path.endswith(".gz") else raw) == [form]


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("城市,日期,小时(时段末),PM2.5,O3", ["reviewed"]),
        ("站点名称,日期,SO2(μg/m³)", ["reviewed"]),
        ("水源地名称,月份,取水量(万m³)", ["intake"]),
        ("断面名称,采样日期,氨氮(mg/L)", ["lab"]),
        ("点位名称,监测时间,项目,结果,单位", ["lab"]),
        ("水源地名称,采样日期,铅,苯并(a)芘", ["lab"]),  # lead and BaP are items of air as well, under other names
        ("水源地名称,采样日期,月份,取水量,氨氮", ["intake", "lab"]),
        ("城市,日期", []),
        ("", []),
    ],
)
def test_the_form_by_a_header(head: str, found: list[str]) -> None:
    assert forms(head + "\n") == found


def test_a_list_of_events_is_typed_by_hand_and_may_lack_its_last_line_end() -> None:
    text = "类型,区域或点位,项目,起,止,认定单位,文号\n沙尘,成都市,PM10,2022-12-12,2022-12-13,甲,乙"
    events, refused = events_in(Payload("a.csv", text.encode(), NOW), CONFIG, "zh")
    assert (len(events), refused) == (1, [])


# --- reviewed air data --------------------------------------------------------------------------------------------


def parse(kind: str, text: str | bytes, taken: int = NOW):  # type: ignore[no-untyped-def]
    """Rows as (clock, site, item, span, value, mark); refused as (line, column, reason)."""
    streams = {(span, basis): at for at, (basis, span) in enumerate(BASES)}
    context = Context(
        {"成都": 1, "510100": 1, "甘孜州": 2, "示例沟水源地": 3}, standards.parameters(), lambda s, b: streams[s, b]
    )
    body = text if isinstance(text, bytes) else text.encode()
    found = SOURCES[kind].parse(Payload("a.csv", body, taken), context)
    items = standards.parameter_numbers()
    rows = [(periods.clock(r[0]), r[1], items[r[2]].id, BASES[r[3]][1], r[4], Mark(r[5])) for r in found.rows]
    return found, rows, [(one.line, one.column, one.reason) for one in found.refused]


HOUR_FORMS = {
    "a number, by its end": ("城市,日期,小时(时段末),PM2.5\n成都,2026-05-01,1,35\n", "2026-05-01 01:00"),
    "the last of the day": ("城市,日期,小时（时段末）,PM2.5\n成都,2026-05-01,24,35\n", "2026-05-02 00:00"),
    "the first of the day, named 0": ("城市,日期,小时(时段末),PM2.5\n成都,2026-05-01,0,35\n", "2026-05-01 00:00"),
    "by its start": ("城市,日期,时(时段始),PM2.5\n成都,2026-05-01,0,35\n", "2026-05-01 01:00"),
    "the last by its start": ("城市,日期,时(时段始),PM2.5\n成都,2026年5月1日,23时,35\n", "2026-05-02 00:00"),
    "a clock": ("城市,日期,时间(时段末),PM2.5\n成都,2026-05-01,13:00,35\n", "2026-05-01 13:00"),
    "one column": ("城市,时间(时段始),PM2.5\n成都,2026/5/1 13:00,35\n", "2026-05-01 14:00"),
    "a column that says it": ("城市,日期,小时,时段,PM2.5\n成都,2026-05-01,7,时段始,35\n", "2026-05-01 08:00"),
    "a title that says it": ("小时时标：时段末\n城市,日期,小时,PM2.5\n成都,2026-05-01,7,35\n", "2026-05-01 07:00"),
    "by the code of a city": ("城市编号,日期,小时(时段末),PM2.5\n510100,2026-05-01,7,35\n", "2026-05-01 07:00"),
}


@pytest.mark.parametrize("name", list(HOUR_FORMS))
def test_an_hour_is_stamped_with_its_end_however_it_is_written(name: str) -> None:
    text, clock = HOUR_FORMS[name]
    _, rows, refused = parse("reviewed", text)
    assert (rows, refused) == ([(clock, 1, "pm25", Span.HOUR, 35_000, Mark.NONE)], [])


@pytest.mark.parametrize(
    "text",
    [
        "城市,日期,小时,PM2.5\n成都,2026-05-01,7,35\n",
        "城市,时间,PM2.5\n成都,2026-05-01 07:00,35\n",
        "城市,日期,小时(北京时间),PM2.5\n成都,2026-05-01,7,35\n",
        "时段末或时段始\n城市,日期,小时,PM2.5\n成都,2026-05-01,7,35\n",
    ],
)
def test_hours_of_which_nobody_says_what_they_are_named_by_are_refused(text: str) -> None:
    with pytest.raises(SourceChanged) as caught:
        parse("reviewed", text)
    assert "时段末还是时段始" in caught.value.said("zh")


def test_days_go_to_the_daily_stream_and_end_with_their_day() -> None:
    text = "城市,日期,SO2,NO2,PM10,PM2.5,CO(mg/m³),O3_8h,AQI,首要污染物\n成都,2026-05-01,5,30,61,35,0.9,148,93,O3\n"
    _, rows, refused = parse("reviewed", text)
    assert refused == []
    assert {(row[0], row[1], row[3]) for row in rows} == {("2026-05-02 00:00", 1, Span.DAY)}
    assert {row[2]: row[4] for row in rows} == {
        "so2": 5_000, "no2": 30_000, "pm10": 61_000, "pm25": 35_000, "co": 900, "o3": 148_000, "published_aqi": 93,
    }  # fmt: skip


def test_units_marks_and_what_cannot_enter() -> None:
    text = (
        "序号,城市,日期,小时(时段末),SO2(mg/m³),PM₂.₅,O3_8h,标记,湿度\n"
        "示例,成都,2026-05-01,1,0.005,35,,,\n"
        "1,成都,2026-05-01,1,0.005,35,99,,\n"
        "2,成都,2026-05-01,2,0.006,3x,,维护,\n"
        "3,成都,2026-05-01,3,—,NA,,审核无效,60\n"
        "4,成都,2026-05-01,25,0.006,35,,,\n"
        "5,成都,2026-05-01,5,0.006,35,,不知道,\n"
        "6,成都,2026-05-32,6,0.006,35,,,\n"
        "7,成都,2026-07-01,6,0.006,35,,,\n"
        "8,乐山,2026-05-01,6,0.006,35,,,\n"
        "9,成都,2026-05-01,9,-0.001,35,,无效,\n"
    )
    found, rows, refused = parse("reviewed", text)
    assert [row[2:] for row in rows] == [
        ("so2", Span.HOUR, 5_000, Mark.NONE),
        ("pm25", Span.HOUR, 35_000, Mark.NONE),
        ("so2", Span.HOUR, 6_000, Mark.MAINTENANCE),
        ("so2", Span.HOUR, -1_000, Mark.INVALID),
        ("pm25", Span.HOUR, 35_000, Mark.INVALID),
    ]
    places = [(line, column) for line, column, _ in refused]
    assert places == [(1, 9), (4, 6), (6, 4), (7, 8), (8, 3), (9, 3)]  # a column nobody knows; then cell by cell
    assert found.unknown == {"乐山": 1}


def test_the_last_line_may_be_cut() -> None:
    _, rows, refused = parse("reviewed", "城市,日期,小时(时段末),PM2.5\n成都,2026-05-01,1,35\n成都,2026-05-01,2,3")
    assert (len(rows), [one[0] for one in refused]) == (1, [3])


def test_daily_ozone_without_its_eight_hours_is_refused() -> None:
    _, rows, refused = parse("reviewed", "城市,日期,PM2.5,O3\n成都,2026-05-01,35,148\n")
    assert ([row[2] for row in rows], [(line, column) for line, column, _ in refused]) == (["pm25"], [(1, 4)])


def test_reviewed_hours_are_judged_before_those_of_real_time(make_bureau, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A day whose 24 hours of PM2.5 are 30 in real time and 80 once reviewed: the index rests on 80."""
    bureau = make_bureau(tmp_path / "bureau")
    config, day = bureau.config, periods.parse("2026-05-01").first
    archive, reviewed = tmp_path / "archive.csv", tmp_path / "reviewed.csv"
    items = {"SO2": 5, "NO2": 20, "CO": 0.5, "O3": 60, "PM10": 60, "PM2.5": 30}
    lines = [
        f"{20260501 + (hour == 24)},{hour % 24},{name},{value}"
        for hour in range(1, 25)
        for name, value in items.items()
    ]
    archive.write_text("date,hour,type,成都\n" + "\n".join(lines) + "\n", "utf-8")
    hours = "\n".join(f"成都,2026-05-01,{hour},80" for hour in range(1, 25))
    reviewed.write_text(f"城市,日期,小时(时段末),PM2.5\n{hours}\n", "utf-8")
    with bureau.open(config) as store:
        import_file(store, config, None, archive, NOW)
        judge(store, config, NOW)
        before = store.air_days(store.site_numbers["chengdu"], day, day)
        tally, _ = import_file(store, config, None, reviewed, NOW)
        judge(store, config, NOW)
        after = store.air_days(store.site_numbers["chengdu"], day, day)
        assert (tally.new, tally.refused) == (24, 0)
        number = store.stream(Stream("reviewed", Basis.REVIEWED, Span.HOUR))
        assert store.db.execute("SELECT count(*) FROM reading WHERE stream = ?", (number,)).fetchone() == (24,)
    # HJ 633-2026: 60 ug/m3 is an index of 100, 115 one of 150; 100 + 50 x 20 / 55 = 118.2, rounded up
    assert (before[0].aqi < 100, after[0].aqi) == (True, 119)


GOOD = {
    "reviewed": "序号,城市,日期,小时(时段末),SO2(mg/m³),PM2.5,O3_8h,标记\n1,成都,2026-05-01,1,0.005,35,99,维护\n",
    "intake": "水源地名称,月份,取水量(万m³),备注\n示例沟水源地,2026-05,30.125,\n示例沟水源地,2026年4月,未取水,x\n",
    "events": "类型,区域或点位,项目,起,止,认定单位,文号\n沙尘,成都市,PM10;PM2.5,2022-12-12,2022-12-13,甲,乙\n",
}


@pytest.mark.parametrize("kind", list(GOOD))
def test_mutated_files_raise_nothing_but_typed_errors(kind: str) -> None:
    """2,000 files a form: bytes dropped, doubled, swapped or made random, cells replaced, cut anywhere. Seeded."""
    chance = random.Random(kind)
    cells = [
        "",
        "=1+1",
        "\0",
        "9" * 400,
        "-",
        "24",
        "2026-02-30",
        "１２",
        "1e999",
        "٣",
        "\ud7ff",
        "nan",
        '"',
        "(",
        "（",
        "示例",
    ]
    read = 0
    for case in range(2000):
        text = GOOD[kind]
        for _ in range(chance.randrange(3)):
            parts = text.split(",")
            parts[chance.randrange(len(parts))] = chance.choice(cells)
            text = ",".join(parts)
        raw = bytearray(text.encode())
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(raw))
            raw[at : at + chance.randrange(3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(3)))
        body = bytes(raw[: chance.randrange(len(raw)) if chance.random() < 0.2 else None])
        payload = Payload("a.csv", body, NOW)
        try:
            if case % 8 == 0:  # looking for the header of a laboratory takes longest
                forms_of(payload, "zh", standards.parameters())
            if kind == "events":
                read += bool(events_in(payload, CONFIG, "zh")[0])
            else:
                found = parse(kind, body)[0]
                read += bool(found.rows or found.intakes)
        except EnvmonError as error:
            error.said("zh")
    assert read > 200  # not everything is refused at once


# --- intakes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "cell", "month", "steps"),
    [
        ("取水量(万m³)", "30.125", "2026-05", 30125),
        ("取水量（万吨）", "30.1", "2026年5月", 30100),
        ("取水量", "0", "202605", 0),
        ("月取水量(m³)", "301250", "2026/5", 30125),
        ("取水量(t)", '"1,301,250"', "2026-05-01", 130125),
        ("取水量(万m³/月)", "未取水", "2026.5", 0),
    ],
)
def test_an_intake_in_its_unit(head: str, cell: str, month: str, steps: int) -> None:
    found, _, refused = parse("intake", f"水源地名称,月份,{head}\n示例沟水源地,{month},{cell}\n")
    assert (found.intakes, refused) == ([Intake(3, MAY_1, steps)], [])


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("示例沟水源地,2026-13,1", 2),
        ("示例沟水源地,5月,1", 2),
        ("示例沟水源地,2026-07,1", 2),  # still to come
        ("示例沟水源地,2026-05-12,1", 2),
        ("示例沟水源地,2026-05,-1", 3),
        ("示例沟水源地,2026-05,1.2345", 3),
        ("示例沟水源地,2026-05,很多", 3),
        ("示例沟水源地,2026-05,1e12", 3),
    ],
)
def test_an_intake_that_cannot_be(row: str, column: int) -> None:
    found, _, refused = parse("intake", f"水源地名称,月份,取水量\n{row}\n")
    assert (list(found.intakes), [one[:2] for one in refused]) == ([], [(2, column)])


def test_an_empty_intake_says_nothing_and_a_strange_unit_is_refused() -> None:
    found, _, refused = parse("intake", "水源地名称,月份,取水量\n示例沟水源地,2026-05,\n别处,2026-05,1\n")
    assert (found.intakes, refused, found.unknown) == ([], [], {"别处": 1})
    assert parse("intake", "水源地名称,月份,取水量(桶)\n示例沟水源地,2026-05,1\n")[2][0][:2] == (2, 3)


@pytest.fixture
def volumes(make_bureau, tmp_path: Path):  # type: ignore[no-untyped-def]
    """A bureau with a year's sources sampled in July 2022 (data/sample/lab), and how to import an intake and rate."""
    bureau = make_bureau(tmp_path / "bureau")
    config, now = bureau.config, periods.hour_ending(periods.parse("2023-01-15").first, 12)
    with bureau.open(config) as store:
        for name in ("07", "08", "09"):
            import_file(store, config, None, ROOT / f"data/sample/lab/lab_2022-{name}.csv", now)
        judge(store, config, now)

        def enter(text: str):  # type: ignore[no-untyped-def]
            path = tmp_path / "intake.csv"
            path.write_text(f"水源地名称,月份,取水量\n{text}\n", "utf-8")
            return import_file(store, config, None, path, now)[0]

        def rate(period: str, name: RateName = RateName.GOOD_SOURCES_VOLUME):  # type: ignore[no-untyped-def]
            return rating.rate(store, config, name, "*", periods.parse(period), now)

        yield store, config, enter, rate


def test_a_reported_intake_counts_in_its_month_in_place_of_the_usual_one(volumes) -> None:  # type: ignore[no-untyped-def]
    """Usual intakes (sites.csv): 26.50, 341.00 and 4.20 x 10^4 t a month, in steps of 10 t 26500, 341000, 4200."""
    store, _, enter, rate = volumes
    usual = rate("2022-07")
    assert usual.denominator == 26_500 + 341_000 + 4_200
    assert (tally := enter("示例沟水源地,2022-07,30.125")).new == 1
    assert (tally.read, tally.same, tally.revised) == (1, 0, 0)
    reported = rate("2022-07")
    assert reported.denominator - usual.denominator == 30_125 - 26_500
    assert rate("2022-08").denominator == usual.denominator  # only that month
    # a quarter is counted month by month
    assert rate("2022-Q3").denominator == 3 * usual.denominator + 30_125 - 26_500
    assert enter("示例沟水源地,2022-07,30.125").same == 1
    assert enter("示例沟水源地,2022-07,31").revised == 1
    assert rate("2022-07").denominator - usual.denominator == 31_000 - 26_500
    assert store.db.execute("SELECT volume FROM intake_volume ORDER BY number").fetchall() == [(30125,), (31000,)]
    with pytest.raises(Exception, match="never changed"):
        store.db.execute("UPDATE intake_volume SET volume = 1")


def test_a_source_from_which_no_water_was_taken_was_out_of_use_that_month(volumes) -> None:  # type: ignore[no-untyped-def]
    _, _, enter, rate = volumes
    before = rate("2022-07", RateName.GOOD_SOURCES)
    enter("示例水库水源地,2022-07,未取水")
    after, by_volume = rate("2022-07", RateName.GOOD_SOURCES), rate("2022-07")
    assert before.denominator - after.denominator == 1
    assert [(one.reason.value, one.count) for one in after.excluded] == [("unused", 1)]
    assert by_volume.denominator == 26_500 + 4_200
    assert rate("2022-08", RateName.GOOD_SOURCES).denominator == before.denominator


def test_over_a_year_the_months_are_summed_once_any_is_reported(volumes) -> None:  # type: ignore[no-untyped-def]
    """Each of the two others counts with twelve usual months; the one reported with eleven and what was reported."""
    _, _, enter, rate = volumes
    assert rate("2022").denominator == 26_500 + 341_000 + 4_200
    enter("示例井水源地,2022-07,5")
    assert rate("2022").denominator == 12 * (26_500 + 341_000) + 11 * 4_200 + 5_000


def test_the_past_knows_the_intakes_of_its_time(volumes) -> None:  # type: ignore[no-untyped-def]
    from envmon.store import Store

    store, _, enter, _ = volumes
    enter("示例井水源地,2022-07,5")
    july = periods.parse("2022-07").first
    learned = store.db.execute("SELECT max(learned) FROM batch").fetchone()[0]
    for at, known in ((learned - 1, {}), (learned, {(july, store.site_numbers["source-well"]): 5_000})):
        with Store.open(store.path, readonly=True, as_of=at) as past:
            assert past.intakes(july, july) == known


def test_explain_says_which_intake_was_used(volumes) -> None:  # type: ignore[no-untyped-def]
    from envmon.pipeline import explaining_rates

    store, config, enter, rate = volumes
    enter("示例井水源地,2022-07,5")
    july = periods.parse("2022-07")
    made = rate("2022-07")
    found = explaining_rates.judged_in(store, config, made, "*", july, rating.AS_IN_FORCE)
    names = store.item_names("zh")
    rows = [explaining_rates.site_row(config, one, made.name, span, names) for span, one in found]
    used = {row["site"]: (row["intake"], row["intake_from"]) for row in rows}
    assert used == {
        "示例沟水源地": (26_500, "usual"),
        "示例水库水源地": (341_000, "usual"),
        "示例井水源地": (5_000, "reported"),
    }


def test_a_published_rate_by_volume_is_corrected_when_an_intake_changes(volumes) -> None:  # type: ignore[no-untyped-def]
    from envmon.pipeline import correcting

    store, config, enter, _ = volumes
    now = periods.hour_ending(periods.parse("2023-01-15").first, 13)
    asked = correcting.Asked(RateName.GOOD_SOURCES_VOLUME, "*", periods.parse("2022-07"), rating.AS_IN_FORCE)
    correcting.publish(store, config, asked, "某函", "", now)
    enter("示例井水源地,2022-07,5")
    judge(store, config, now)
    ((_, one),) = store.corrections()
    assert one.became.denominator - one.was.denominator == 5_000 - 4_200


def test_a_hidden_sheet_is_told_and_a_cover_is_passed_over() -> None:
    import io

    import openpyxl

    book = openpyxl.Workbook()
    book.worksheets[0].append(["某市生态环境局 2022 年取水量月报"])
    for name, state in (("七月", "visible"), ("旧表", "hidden"), ("另表", "visible")):
        page = book.create_sheet(name)
        page.sheet_state = state
        page.append(["水源地名称", "月份", "取水量"] if name != "另表" else ["甲", "乙", "丙"])
        page.append(["示例沟水源地", "2022-07", 4.1] if name != "另表" else [1, 2, 3])
    out = io.BytesIO()
    book.save(out)
    read = parse("intake", out.getvalue())[0]
    assert [one.volume for one in read.intakes] == [4100]
    assert [(one.sheet, "隐藏" in one.reason, "表头" in one.reason) for one in read.refused] == [
        ("旧表", True, False),
        ("另表", False, True),
    ]


@pytest.mark.parametrize(
    ("day", "hour", "ending"),
    [
        ("2026-05-01", "1900-01-01 00:00", "2026-05-02 00:00"),  # 24:00 typed into a cell
        ("2026-05-01", "1904-01-02 00:00", "2026-05-02 00:00"),
        ("2026-05-01", "2026-05-02 00:00", "2026-05-02 00:00"),  # the midnight that ends the day, written whole
        ("2026-05-01", "2026-05-01 13:00", "2026-05-01 13:00"),
        ("2026-05-01", "2026-05-03 13:00", None),  # two dates that contradict each other
    ],
)
def test_an_hour_written_as_a_whole_date_is_of_the_day_beside_it(day: str, hour: str, ending: str | None) -> None:
    _, rows, refused = parse("reviewed", f"城市,日期,小时(时段末),PM2.5\n成都,{day},{hour},35\n")
    assert [row[0] for row in rows] == ([ending] if ending else [])
    assert len(refused) == (ending is None)


def test_a_month_that_lost_its_zero_is_not_taken_for_january() -> None:
    """2026.10 typed into a cell is the number 2026.1."""
    found, _, refused = parse("intake", "水源地名称,月份,取水量\n示例沟水源地,2025.1,4.1\n示例沟水源地,2025.9,4.2\n")
    assert [(periods.month_of(one.month).name, one.volume) for one in found.intakes] == [("2025-09", 4200)]
    assert [(line, column) for line, column, _ in refused] == [(2, 2)]
