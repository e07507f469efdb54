"""The gap ledger: what is missing, why, and whether it came; and asking for it again.

Expected gaps are those of the bundled archive, counted from its lines, and of small days laid out in each test.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from envmon import cli, daemon, periods
from envmon.feed import Feed
from envmon.model import (
    Basis,
    Config,
    Flag,
    GapAttempt,
    GapCause,
    GapOutcome,
    GapWindow,
    Mark,
    SiteGaps,
    Span,
    Stream,
    Verdict,
)
from envmon.pipeline import backfill
from envmon.pipeline.gaps import folded, ledger
from envmon.pipeline.importing import import_file, spec_of
from envmon.sources import SOURCES, Source
from envmon.standards import parameters
from envmon.store import Store
from tests.conftest import SAMPLE, Bureau
from tests.test_rounds import AIR, WATER, Office, at, site

SIX = ("so2", "no2", "co", "o3", "pm10", "pm25")
YEAR = SAMPLE / "archive/china_cities_2022.csv.gz"


def told(one: SiteGaps, *causes: GapCause) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """(cause, first, last, items) of a site's gaps, of some causes or of all."""
    return [
        (gap.cause.value, periods.clock(gap.first)[5:], periods.clock(gap.last)[5:], gap.items)
        for gap in one.gaps
        if not causes or gap.cause in causes
    ]


def by_site(store: Store, config: Config, period: str, now: str) -> dict[str, SiteGaps]:
    return {one.site: one for one in ledger(store, config, periods.parse(period), at(now))}


# --- the bundled year ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Bureau:
    """A bureau that was given the bundled year of air as one file, and is not judged."""
    made = Bureau(tmp_path_factory.mktemp("year"))
    config = made.config
    with made.open(config) as store:
        import_file(store, config, spec_of(config, "archive"), YEAR, at("2023-01-01T08:00"))
        store.beat(at("2023-01-01T08:00"), 1)
        store.set_meta("demo", True)  # so that the minute it is, is the beat's
    return made


def missing_hours(city: str) -> list[str]:
    """Ends of the hours of 2022 of which the archive has no value of a city, from its lines alone."""
    with gzip.open(YEAR, "rt", encoding="utf-8") as file:
        head, *lines = csv.reader(file)
    types = {"SO2", "NO2", "CO", "O3", "PM10", "PM2.5"}
    there = {f"{row[0]}{int(row[1]):02}" for row in lines if row[2] in types and row[head.index(city)]}
    hours = [datetime(2022, 1, 1, 1) + timedelta(hours=hour) for hour in range(365 * 24)]
    return [f"{hour:%m-%d %H:00}" for hour in hours if f"{hour:%Y%m%d%H}" not in there and hour.year == 2022]


def hours_of(found: SiteGaps, cause: GapCause) -> list[str]:
    """The hours of which all items are missing for one cause."""
    whole = [gap for gap in found.gaps if gap.cause is cause and gap.items == SIX]
    return [periods.clock(minute)[5:] for gap in whole for minute in range(gap.first, gap.last + 1, 60)]


def test_the_hours_missing_in_the_archive_are_told_as_not_published(year: Bureau) -> None:
    """Those that both cities lack; what the archive has of one of them only, the other did not send."""
    config = year.config
    lacked = {"ganzi-air": missing_hours("甘孜藏族自治州"), "chengdu-air": missing_hours("成都")}
    both = [hour for hour in lacked["ganzi-air"] if hour in lacked["chengdu-air"]]
    assert len(both) == 43 + 1  # the whole hours of data/sample/README.md, and 30 August 21:00 which is there but empty
    with Store.open(year.database, readonly=True) as store:
        found = by_site(store, config, "2022", "2023-01-01T08:00")
    for name, hours in lacked.items():
        assert hours_of(found[name], GapCause.NOT_PUBLISHED) == both
        assert hours_of(found[name], GapCause.SILENT) == [hour for hour in hours if hour not in both]


def test_the_nine_hours_of_13_june_and_the_two_before_them(year: Bureau) -> None:
    """The file of 13 June has 15 hours, 9 to 23; that of 12 June lacks 12, 22 and 23."""
    config = year.config
    with Store.open(year.database, readonly=True) as store:
        found = by_site(store, config, "2022-06-12..2022-06-13", "2023-01-01T08:00")["chengdu-air"]
    assert told(found) == [
        ("not_published", "06-12 12:00", "06-12 12:00", SIX),
        ("not_published", "06-12 22:00", "06-13 08:00", SIX),
    ]
    assert (found.expected, found.valid) == (2 * 24 * 6, (2 * 24 - 12) * 6)
    assert found.by_cause == {GapCause.NOT_PUBLISHED: 12 * 6}


def test_what_was_entered_of_years_before_did_not_come_late(year: Bureau) -> None:
    config = year.config
    with Store.open(year.database, readonly=True) as store:
        found = by_site(store, config, "2022-02", "2023-01-01T08:00")
    assert all(GapCause.FILLED not in one.by_cause for one in found.values())


def test_sections_of_which_nothing_was_ever_fetched_were_not_fetched(year: Bureau) -> None:
    config = year.config
    with Store.open(year.database, readonly=True) as store:
        found = by_site(store, config, "2022-06-13", "2023-01-01T08:00")["sanyi-bridge"]
    assert [gap.cause for gap in found.gaps] == [GapCause.SOURCE_DOWN]
    assert (found.step, found.expected, found.valid) == (240, 6 * len(found.items), 0)
    assert set(found.items) >= {"ph", "do", "codmn", "nh3n"}  # of the automatic five, total phosphorus may lack


# --- causes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.now_is(site("t", "station"), site("u", "station"))
    yield made
    made.store.close()


def fill_day(office: Office, name: str, day: str, but: tuple[int, ...] = (), values: dict[str, float] = AIR) -> None:
    """Every hour of a day but some, each learned at its end."""
    for hour in set(range(1, 25)) - set(but):
        office.put(name, (datetime.fromisoformat(day) + timedelta(hours=hour)).isoformat(), values)


def test_each_cause_is_told_apart(office: Office) -> None:
    """Grace is 2 h; a source that is in no config sends by itself, so each hour is due at its end."""
    fill_day(office, "u", "2022-03-01", (7,))
    fill_day(office, "t", "2022-03-01", (5, 7, 9, 11, 13, 15, 16))
    office.put("t", "2022-03-01T09:00", {item: value for item, value in AIR.items() if item != "so2"})
    office.put("t", "2022-03-01T11:00", AIR, mark=Mark.FAULT)
    office.put("t", "2022-03-01T13:00", {**AIR, "no2": -5})
    office.put("t", "2022-03-01T15:00", AIR, taken="2022-03-01T19:00")
    office.put("t", "2022-03-01T16:00", AIR, taken="2022-03-01T16:30")
    office.put("t", "2022-03-01T16:00", {**AIR, "o3": 51}, taken="2022-03-01T21:00")  # revised, not late
    office.judge("2022-03-02T01:00")
    office.store.add_flags(
        [
            Verdict(
                at("2022-03-01T18:00"), office.store.site_numbers["t"], parameters()["co"].number, "review", Flag.FAIL
            )
        ]
    )
    found = by_site(office.store, office.config, "2022-03-01", "2022-03-02T02:00")
    assert told(found["t"]) == [
        ("silent", "03-01 05:00", "03-01 05:00", SIX),
        ("not_published", "03-01 07:00", "03-01 07:00", SIX),
        ("not_published", "03-01 09:00", "03-01 09:00", ("so2",)),
        ("instrument", "03-01 11:00", "03-01 11:00", SIX),
        ("flagged", "03-01 13:00", "03-01 13:00", ("no2",)),
        ("filled", "03-01 15:00", "03-01 15:00", SIX),
        ("review", "03-01 18:00", "03-01 18:00", ("co",)),
    ]
    details = {gap.cause: gap.detail for gap in found["t"].gaps}
    assert details[GapCause.INSTRUMENT] == ("fault",)
    assert "negative" in details[GapCause.FLAGGED]
    (late,) = (gap for gap in found["t"].gaps if gap.cause is GapCause.FILLED)
    assert (late.sources, late.learned) == (("src",), (at("2022-03-01T19:00"),) * 2)
    # 144 slots: six each at 05, 07, 11, one each at 09, 13, 18; what came late counts
    assert (found["t"].expected, found["t"].valid) == (144, 144 - 18 - 3)
    assert told(found["u"]) == [("not_published", "03-01 07:00", "03-01 07:00", SIX)]


def test_a_value_that_people_let_count_is_no_gap(office: Office) -> None:
    fill_day(office, "t", "2022-03-01", (11,))
    office.put("t", "2022-03-01T11:00", AIR, mark=Mark.CALIBRATION)
    office.judge("2022-03-02T01:00")
    number, minute = office.store.site_numbers["t"], at("2022-03-01T11:00")
    good = [Verdict(minute, number, parameters()[item].number, "review", Flag.GOOD) for item in SIX if item != "co"]
    office.store.add_flags(good)
    (gap,) = by_site(office.store, office.config, "2022-03-01", "2022-03-02T02:00")["t"].gaps
    assert (gap.cause, gap.items, gap.detail) == (GapCause.INSTRUMENT, ("co",), ("calibration",))


def test_what_is_missing_beside_marked_values_has_their_state(office: Office) -> None:
    fill_day(office, "t", "2022-03-01", (11,))
    office.put("t", "2022-03-01T11:00", {"so2": 5, "no2": 6}, mark=Mark.MAINTENANCE)
    (gap,) = by_site(office.store, office.config, "2022-03-01", "2022-03-02T02:00")["t"].gaps
    assert (gap.cause, gap.items, gap.detail, gap.slots) == (GapCause.INSTRUMENT, SIX, ("maintenance",), 6)


def test_an_hour_is_not_yet_due_within_the_grace(office: Office) -> None:
    fill_day(office, "t", "2022-03-01", (20, 21, 22, 23, 24))
    fill_day(office, "u", "2022-03-01", (22, 23, 24))
    found = by_site(office.store, office.config, "2022-03-01", "2022-03-01T22:30")
    # hours up to 22:00 have ended; that of 20:00 was due until 22:00, that of 21:00 is until 23:00
    assert told(found["t"]) == [
        ("silent", "03-01 20:00", "03-01 20:00", SIX),
        ("not_yet_due", "03-01 21:00", "03-01 22:00", SIX),
    ]
    assert (found["t"].expected, found["t"].valid) == (20 * 6, 19 * 6)


def test_a_site_out_of_operation_has_no_gap(office: Office) -> None:
    office.now_is(site("t", "station", opened="2022-03-02", closed="2022-03-02"), site("u", "station"))
    fill_day(office, "u", "2022-03-02")
    fill_day(office, "t", "2022-03-02", (1,))
    found = by_site(office.store, office.config, "2022-03-01..2022-03-03", "2022-03-04T08:00")["t"]
    assert told(found, GapCause.SILENT) == [("silent", "03-02 01:00", "03-02 01:00", SIX)]
    assert found.by_cause == {GapCause.CLOSED: 2 * 144, GapCause.SILENT: 6}
    assert (found.expected, found.valid) == (144, 138)


def test_sites_that_do_not_count_or_are_sampled_by_hand_are_not_expected(office: Office) -> None:
    manual = site("m", "section") + 'attributes = { sampling = "manual" }\n'
    office.now_is(site("t", "station"), site("r", "station", type="roadside"), site("s", "section"), manual)
    assert list(by_site(office.store, office.config, "2022-03-01", "2022-03-04T08:00")) == ["t", "s"]


def test_an_area_that_monitors_some_items_lacks_no_others(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.now_is(site("t", "station"))
    page = office.folder / "config.toml"
    page.write_text(
        page.read_text("utf-8").replace('air = "station"', 'air = "station"\nitems = ["pm25", "o3"]'), "utf-8"
    )
    from envmon.pipeline.wiring import load_config

    config = load_config(page)
    fill_day(office, "t", "2022-03-01", (4,), {"pm25": 20, "o3": 50})
    (gap,) = by_site(office.store, config, "2022-03-01", "2022-03-02T08:00")["t"].gaps
    assert gap.items == ("o3", "pm25")
    office.store.close()


def keep(
    store: Store, source: str, span: Span, name: str, rows: dict[str, dict[str, float]], learned: str = ""
) -> None:
    """Values by their time, from one source, each learned at its end or all at one time."""
    items, stream = parameters(), store.stream(Stream(source, Basis.REALTIME, span))
    for when, values in rows.items():
        minute = at(learned or when)
        store.keep(
            source,
            f"{source}:{name}",
            minute,
            minute,
            [
                (
                    at(when),
                    store.site_numbers[name],
                    items[item].number,
                    stream,
                    round(value * 10 ** items[item].decimals),
                    0,
                )
                for item, value in values.items()
            ],
        )


def test_a_section_is_expected_at_its_own_interval_and_items(office: Office) -> None:
    office.now_is(site("s", "section"), site("z", "section"))
    hours = [f"2022-03-01T{hour:02}:00" for hour in (4, 8, 16, 20)]
    keep(office.store, "water", Span.FOUR_HOURS, "s", {**dict.fromkeys(hours, WATER), "2022-03-02T00:00": {"ph": 7}})
    found = by_site(office.store, office.config, "2022-03-01", "2022-03-02T08:00")
    assert told(found["s"]) == [
        ("not_published", "03-01 12:00", "03-01 12:00", tuple(sorted(WATER, key=lambda i: parameters()[i].number))),
        ("not_published", "03-02 00:00", "03-02 00:00", tuple(i for i in found["s"].items if i != "ph")),
    ]
    assert found["s"].expected == 6 * len(WATER)


def test_a_value_a_little_off_the_grid_is_that_of_its_interval(office: Office) -> None:
    office.now_is(site("s", "section"))
    hours = [f"2022-03-01T{hour:02}:00" for hour in (4, 8, 11, 16, 20)]
    keep(office.store, "water", Span.FOUR_HOURS, "s", dict.fromkeys([*hours, "2022-03-02T00:00"], WATER))
    assert by_site(office.store, office.config, "2022-03-01", "2022-03-02T08:00")["s"].gaps == ()


def test_a_site_that_gives_nothing_but_days_is_expected_day_by_day(office: Office) -> None:
    days = {f"2022-03-{day:02}T00:00": AIR for day in (2, 3, 5)}
    keep(office.store, "days", Span.DAY, "t", days)
    found = by_site(office.store, office.config, "2022-03-01..2022-03-04", "2022-03-06T08:00")["t"]
    assert found.step == 1440
    assert told(found) == [("not_published", "03-04 00:00", "03-04 00:00", SIX)]
    assert found.expected == 4 * 6


def test_a_late_value_of_one_source_is_no_gap_where_another_gave_it_in_time(office: Office) -> None:
    keep(office.store, "first", Span.HOUR, "t", {"2022-03-01T05:00": AIR})
    keep(office.store, "second", Span.HOUR, "t", {"2022-03-01T05:00": AIR}, learned="2022-03-01T20:00")
    keep(office.store, "second", Span.HOUR, "t", {"2022-03-01T06:00": AIR}, learned="2022-03-01T20:00")
    found = by_site(office.store, office.config, "2022-03-01", "2022-03-02T08:00")["t"]
    assert told(found, GapCause.FILLED) == [("filled", "03-01 06:00", "03-01 06:00", SIX)]


def test_runs_are_folded_by_time_and_then_by_items() -> None:
    mask = np.array([[1, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)
    assert folded(mask) == {(0, 1): [0, 1], (3, 3): [0]}
    assert folded(np.zeros((2, 0), bool)) == {}


# --- sources that fail --------------------------------------------------------------------------------------------


def test_hours_of_an_outage_were_not_fetched_and_are_filled_after_it(bureau: Bureau) -> None:
    with bureau.open(bureau.config) as store:
        for clock in ("01:35", "02:35"):
            bureau.at(f"2022-03-01T{clock}")
            bureau.tick(store, bureau.config, ["archive"])
        bureau.edit("/archive/", "/gone/")  # where no day is: the source says so
        broken = bureau.config
        for clock in ("03:35", "04:35", "05:40"):
            bureau.at(f"2022-03-01T{clock}")
            bureau.tick(store, broken, ["archive"])
        found = by_site(store, broken, "2022-03-01", "2022-03-01T05:40")["chengdu-air"]
        # 03:00 should have come at 03:35 and is late from 05:35 on
        assert told(found) == [
            ("source_down", "03-01 03:00", "03-01 03:00", SIX),
            ("not_yet_due", "03-01 04:00", "03-01 05:00", SIX),
        ]
        bureau.edit("/gone/", "/archive/")
        bureau.at("2022-03-01T06:45")
        bureau.tick(store, bureau.config, ["archive"])
        found = by_site(store, bureau.config, "2022-03-01", "2022-03-01T06:45")["chengdu-air"]
        # 03:00 and 04:00 (late from 06:35 on) came at 06:45, 05:00 in time
        assert told(found) == [("filled", "03-01 03:00", "03-01 04:00", SIX)]
        assert found.gaps[0].sources == ("archive",)


def test_a_platform_that_shows_the_latest_only_cannot_make_good_what_was_missed(office: Office) -> None:
    """Runs at 05:00 and 21:00 went well, those between did not; at 21:00 the four slots were served, and 20:00 came."""
    water = '[[sources]]\nid = "water"\nkind = "cnemc_water"\nurl = "http://127.0.0.1:1/"\nevery = "4h"\nat = "01:00"\n'
    office.now_is(site("s", "section"), water)
    day = "2022-03-01T{:02}:00".format
    keep(office.store, "water", Span.FOUR_HOURS, "s", {day(4): WATER, day(20): WATER})
    for slots, run in (([4], 5), ([8, 12, 16, 20], 21)):
        office.store.start_slots("pull water", [at(day(slot)) for slot in slots], at(day(run)))
        office.store.finish_slots("pull water", [at(day(slot)) for slot in slots], at(day(run)))
    found = by_site(office.store, office.config, "2022-03-01", "2022-03-01T23:30")["s"]
    assert [(cause, first, last) for cause, first, last, _ in told(found)] == [
        ("source_down", "03-01 08:00", "03-01 16:00")
    ]


def test_how_far_back_a_source_goes_may_depend_on_its_table(office: Office) -> None:
    office.now_is(site("t", "station"), '[[sources]]\nid = "x"\nkind = "archive"\nurl = "http://a/"\nevery = "1h"\n')
    (spec,) = office.config.sources
    fetch, parse = SOURCES["archive"].fetch, SOURCES["archive"].parse
    assert Source(fetch, parse).reach_of(spec) is None
    assert Source(fetch, parse, reach=60).reach_of(spec) == 60
    assert Source(fetch, parse, reach=lambda one: one.lookback * 2).reach_of(spec) == 2 * 2880


def lacking(folder: Path, hours: set[str]) -> Path:
    """The sample without some rows of its archive: `YYYYMMDD,H`."""
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("*.gz"))
    with gzip.open(YEAR, "rt", encoding="utf-8") as file:
        head, *lines = file.read().splitlines()
    near = [line for line in lines if line.startswith(("202202", "202203"))]
    kept = [line for line in near if ",".join(line.split(",")[:2]) not in hours]
    (folder / "archive/china_cities_2022.csv").write_text("\n".join([head, *kept, ""]), "utf-8")
    return folder


def test_what_is_published_after_the_look_back_is_asked_for_again(tmp_path: Path) -> None:
    """Hours 10 to 12 of 2 March are not there when pulled, and come when no pull reads that day any more."""
    made = Bureau(tmp_path / "bureau")
    text = made.path.read_text("utf-8")
    with (
        Feed(lacking(tmp_path / "early", {"20220302,10", "20220302,11", "20220302,12"}), lambda: made.now) as early,
        Feed(lacking(tmp_path / "late", set()), lambda: made.now) as late,
    ):
        made.point(early.url)
        config = made.config
        with made.open(config) as store:
            for when in ("2022-03-01T01:35", "2022-03-02T20:35", "2022-03-05T00:45"):
                made.at(when)
                made.tick(store, config, ["archive"])
            found = by_site(store, config, "2022-03-02", "2022-03-05T00:45")["chengdu-air"]
            assert told(found, GapCause.NOT_PUBLISHED) == [("not_published", "03-02 10:00", "03-02 12:00", SIX)]
            opened = daemon.kept_open(store)
            made.at("2022-03-05T00:50")
            jobs = tuple(job for job in daemon.jobs_of(config) if job.name == "backfill")
            daemon.tick(opened, jobs, made.now)
            (first,) = store.attempts(0, 2**40)  # still not published
            assert (first.outcome, first.wanted, first.found) == (GapOutcome.NOTHING, 2 * 3 * 6, 0)
            assert backfill.backfill(opened, config, made.now + 239) == []  # it waits four hours
            made.path.write_text(text, "utf-8")
            made.point(late.url)
            made.now += 240
            (second,) = backfill.backfill(opened, made.config, made.now)
            assert (second.outcome, second.found) == (GapOutcome.FILLED, 36)
            assert (second.source, second.first, second.last) == (
                "archive",
                at("2022-03-02T00:00"),
                at("2022-03-03T00:00"),
            )
            assert store.due_windows(2**40, 2**41) == []  # nothing waits any more
            found = by_site(store, made.config, "2022-03-02", "2022-03-05T08:00")["chengdu-air"]
            late = next(gap for gap in found.gaps if gap.learned == (made.now, made.now))
            assert (late.cause, late.first, late.last) == (
                GapCause.FILLED,
                at("2022-03-02T10:00"),
                at("2022-03-02T12:00"),
            )
            assert [one.outcome for one in store.attempts(0, 2**40)] == [GapOutcome.NOTHING, GapOutcome.FILLED]


def test_a_window_is_given_up_after_six_tries_and_a_failure_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Bureau(tmp_path / "bureau")
    with Feed(lacking(tmp_path / "early", {"20220302,10"}), lambda: made.now) as early:
        made.point(early.url)
        config = made.config
        with made.open(config) as store:
            for when in ("2022-03-01T01:35", "2022-03-05T00:45"):
                made.at(when)
                made.tick(store, config, ["archive"])
            opened = daemon.kept_open(store)
            made.edit("/archive/", "/gone/")
            tries = backfill.backfill(opened, made.config, made.now)
            made.edit("/gone/", "/archive/")
            monkeypatch.setattr(backfill, "days_to_enter", lambda *_: None)  # no more days than that one
            for _ in range(60):
                made.now += 360
                tries += backfill.backfill(opened, made.config, made.now)
    assert [one.outcome for one in tries] == [GapOutcome.FAILED] + [GapOutcome.NOTHING] * 5
    assert "/gone/" in tries[0].error
    assert not any(one.error for one in tries[1:])
    pauses = [after.at - before.at for before, after in pairwise(tries)]
    # four, eight, 24, 48 and 96 hours, looked at every six hours
    assert pauses == [360, 720, 1440, 2880, 5760]


def test_a_source_that_cannot_be_reached_is_asked_on_as_long_as_gaps_are_asked_for(office: Office) -> None:
    """After the six tries every four days, until the day lies 31 days back."""
    now = at("2022-03-03T00:00")
    window = GapWindow("archive", at("2022-03-01T00:00"), at("2022-03-02T00:00"))
    office.store.enter_windows([window])
    tried = []
    while waiting := office.store.due_windows(2**40, 2**41):
        (one,) = waiting
        now = max(now, one.next_try)
        tried.append((now - window.last) // periods.DAY)
        attempt = GapAttempt(one.source, one.first, one.last, now, GapOutcome.FAILED, 6, 0, "unreachable")
        backfill.after_asking(office.store, one, attempt, now, 31)
    assert tried == [1, 1, 1, 2, 4, 8, 12, 16, 20, 24, 28, 32]


def test_a_run_looks_at_no_more_than_five_windows_for_each_it_may_ask_for(office: Office) -> None:
    """Of 31 windows without a gap (the archive has no water) four times five go in one run, the newest first."""
    spec = '[[sources]]\nid = "a"\nkind = "archive"\nurl = "http://127.0.0.1:9/"\nevery = "1h"\n'
    office.now_is(site("s", "section"), spec)
    first = at("2022-03-01T00:00")
    ends = [(first + day * periods.DAY, first + (day + 1) * periods.DAY) for day in range(31)]
    office.store.enter_windows(GapWindow("a", *one) for one in ends)
    now = at("2022-04-02T00:00")
    assert backfill.backfill(daemon.kept_open(office.store), office.config, now) == []
    assert [(one.first, one.last) for one in office.store.due_windows(now, 2**40)] == ends[:11]


def test_a_day_that_a_pull_reads_again_is_not_asked_for_before(office: Office) -> None:
    """A station's device lets yesterday be entered at once; the archive's pulls read the last 48 hours again."""
    office.now_is(
        site("t", "station"),
        '[[sources]]\nid = "archive"\nkind = "archive"\nurl = "http://127.0.0.1:9/"\nevery = "1h"\nlookback = "48h"\n',
        '[listen]\n[[devices]]\nmn = "88888880000001"\nsite = "t"\npassword_env = "PW"\nunits = { "*" = "mg/m3" }\n',
    )
    office.store.start_slots("pull archive", [at("2022-03-01T00:00")], at("2022-03-01T00:00"))
    opened = daemon.kept_open(office.store)
    (one,) = backfill.backfill(opened, office.config, at("2022-03-02T00:50"))
    assert (one.source, one.outcome) == ("telemetry", GapOutcome.ASKED)
    tries = backfill.backfill(opened, office.config, at("2022-03-04T00:50"))
    assert [(one.source, periods.clock(one.last)) for one in tries if one.source == "archive"] == [
        ("archive", "2022-03-02 00:00")
    ]


def test_newest_days_are_asked_first_and_a_run_is_bounded(tmp_path: Path) -> None:
    made = Bureau(tmp_path / "bureau")
    days = [f"202203{day:02}" for day in range(2, 9)]
    with Feed(lacking(tmp_path / "early", {f"{day},10" for day in days}), lambda: made.now) as early:
        made.point(early.url)
        config = made.config
        with made.open(config) as store:
            for when in ("2022-03-01T01:35", "2022-03-12T00:45"):
                made.at(when)
                made.tick(store, config, ["archive"])
            tries = backfill.backfill(daemon.kept_open(store), config, made.now)
            assert [periods.clock(one.last)[5:10] for one in tries] == ["03-09", "03-08", "03-07", "03-06"]


def test_days_before_the_service_began_are_left_to_people(tmp_path: Path) -> None:
    made = Bureau(tmp_path / "bureau")
    with Feed(lacking(tmp_path / "all", set()), lambda: made.now) as feed:
        made.point(feed.url)
        config = made.config
        with made.open(config) as store:
            made.at("2022-03-05T00:45")
            made.tick(store, config, ["archive"])
            assert backfill.backfill(daemon.kept_open(store), config, made.now) == []
            found = ledger(store, config, periods.parse("2022-02-20"), made.now)
            windows = backfill.windows_of(config, found, made.now)
            assert [(one.source, one.first) for one in windows] == [("archive", at("2022-02-20T00:00"))]
            (one,) = backfill.asked(daemon.kept_open(store), config, windows, made.now, 5)
            # the archive lacks 22:00 of that day
            assert (one.outcome, one.wanted, one.found) == (GapOutcome.PARTLY, 2 * 24 * 6, 2 * 23 * 6)


def test_a_station_is_asked_where_its_source_cannot_be_read(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, int, int]] = []

    def station(config: Config, site: Any, first: int, last: int, now: int) -> bool:
        calls.append((site.id, first, last))
        return True

    monkeypatch.setitem(backfill.ASKS, "src", station)
    fill_day(office, "t", "2022-03-01", (5,))
    fill_day(office, "u", "2022-03-01")
    now = at("2022-03-03T08:00")
    found = ledger(office.store, office.config, periods.parse("2022-03-01"), now)
    windows = backfill.windows_of(office.config, found, now)
    (one,) = backfill.asked(daemon.kept_open(office.store), office.config, windows, now, 5)
    assert calls == [("t", at("2022-03-01T00:00"), at("2022-03-02T00:00"))]
    assert (one.outcome, one.wanted) == (GapOutcome.ASKED, 6)
    # by itself too: the days since the stations first sent, the newest first
    backfill.backfill(daemon.kept_open(office.store), office.config, now)
    assert [(name, periods.clock(last)[5:10]) for name, _, last in calls[1:]] == [
        ("t", "03-03"),
        ("u", "03-03"),
        ("t", "03-02"),
    ]


# --- several intervals, stations that send, sources that left ---------------------------------------------------------

DEVICE = '[listen]\n[[devices]]\nmn = "88888880000001"\nsite = "s"\npassword_env = "PW"\n'


def hourly(day: str, but: tuple[int, ...] = ()) -> Iterator[str]:
    return (periods.moment(at(f"{day}T00:00") + 60 * hour).isoformat() for hour in range(1, 25) if hour not in but)


def test_each_item_of_a_section_is_expected_as_often_as_it_comes(office: Office) -> None:
    """The station sends two items hourly, the platform gives five every four hours: 2 x 24 + 3 x 6 slots."""
    office.now_is(site("s", "section"))
    for when in hourly("2022-03-01", (5,)):
        keep(office.store, "telemetry", Span.HOUR, "s", {when: {"ph": 7, "do": 8}})
    for hour in (4, 8, 12, 16, 24):
        when = periods.moment(at("2022-03-01T00:00") + 60 * hour).isoformat()
        keep(office.store, "water", Span.FOUR_HOURS, "s", {when: WATER})
    office.store.beat(at("2022-03-02T08:00"), 1)
    office.store.db.execute("UPDATE beat SET started = ?", (at("2022-03-01T00:00"),))
    found = by_site(office.store, office.config, "2022-03-01", "2022-03-02T08:00")["s"]
    assert (found.step, found.expected, found.valid) == (60, 66, 66 - 2 - 3)
    assert [(gap.cause.value, gap.step, gap.minutes, gap.items, gap.sources) for gap in found.gaps] == [
        ("silent", 60, 60, ("ph", "do"), ("telemetry",)),
        ("not_published", 240, 240, ("codmn", "nh3n", "tp"), ("water",)),
    ]


def test_a_station_that_sent_nothing_is_silent_unless_we_were_not_there(office: Office) -> None:
    """It sent at 01:00 to 06:00; the service ran until 09:30. At 12:00 another one sent, so that somebody listened."""
    office.now_is(site("s", "section"), site("r", "section"), DEVICE)
    for when in hourly("2022-03-01", tuple(range(7, 25))):
        keep(office.store, "telemetry", Span.HOUR, "s", {when: {"ph": 7}})
    keep(office.store, "telemetry", Span.HOUR, "r", {"2022-03-01T12:00": {"ph": 7}})
    office.store.beat(at("2022-03-01T09:30"), 1)
    office.store.db.execute("UPDATE beat SET started = ?", (at("2022-02-01T00:00"),))
    found = by_site(office.store, office.config, "2022-03-01", "2022-03-02T08:00")["s"]
    assert [(cause, first[6:], last[6:]) for cause, first, last, _ in told(found)] == [
        ("silent", "07:00", "09:00"),
        ("source_down", "10:00", "11:00"),
        ("silent", "12:00", "12:00"),
        ("source_down", "13:00", "00:00"),
    ]


def test_a_station_that_never_sent_is_silent(office: Office) -> None:
    office.now_is(site("s", "section"), DEVICE)
    office.store.beat(at("2022-03-02T08:00"), 1)
    office.store.db.execute("UPDATE beat SET started = ?", (at("2022-02-01T00:00"),))
    found = by_site(office.store, office.config, "2022-03-01", "2022-03-02T08:00")["s"]
    assert [(gap.cause.value, gap.sources) for gap in found.gaps] == [("silent", ("telemetry",))]


def test_a_source_that_left_the_config_is_not_held_to_be_there(office: Office) -> None:
    """`old` ran until 06:00, then `new`; each value came 170 minutes after its hour, those of failed runs never."""
    new = '[[sources]]\nid = "new"\nkind = "archive"\nurl = "http://a/"\nevery = "1h"\nat = "00:50"\nlookback = "1h"\n'
    office.now_is(site("t", "station"), new)
    for hour, when in enumerate(hourly("2022-03-01"), 1):
        minute = at(when)
        name, ended = ("old" if hour < 7 else "new"), hour not in (3, 10, 11)
        slots = [minute] if ended else []
        office.store.start_slots(f"pull {name}", [minute], minute + 50)
        office.store.finish_slots(f"pull {name}", slots, minute + 50)
        if ended:
            learned = periods.moment(minute + 170).isoformat()
            keep(office.store, name, Span.HOUR, "t", {when: AIR}, learned=learned)
    found = by_site(office.store, office.config, "2022-03-01", "2022-03-02T08:00")["t"]
    assert [(cause, first[6:], last[6:]) for cause, first, last, _ in told(found)] == [
        ("filled", "01:00", "02:00"),  # due at the slot, with two hours of grace
        ("source_down", "03:00", "03:00"),
        ("filled", "04:00", "06:00"),
        ("source_down", "10:00", "10:00"),  # 11:00 was asked for again at 12:00; of those due at :50 none was late
        ("not_published", "11:00", "11:00"),
    ]


def test_a_reviewed_file_in_the_inbox_is_no_source_that_is_always_there(office: Office) -> None:
    """The pulls of 06:00 to 08:00 failed. A `reviewed` file of the day before has nothing to do with it."""
    spec = '[[sources]]\nid = "air"\nkind = "archive"\nurl = "http://a/"\nevery = "1h"\nat = "00:50"\nlookback = "1h"\n'
    office.now_is(site("t", "station"), spec)
    for when in hourly("2022-02-28"):
        office.put("t", when, AIR, basis=Basis.REVIEWED)
    office.store.db.execute("UPDATE stream SET source = 'reviewed'")
    office.store.db.execute("UPDATE batch SET source = 'reviewed'")
    for hour, when in enumerate(hourly("2022-03-01"), 1):
        ended = hour not in (6, 7, 8)
        office.store.start_slots("pull air", [at(when)], at(when) + 50)
        office.store.finish_slots("pull air", [at(when)] if ended else [], at(when) + 50)
        if ended:
            keep(office.store, "air", Span.HOUR, "t", {when: AIR}, learned=periods.moment(at(when) + 50).isoformat())
    found = by_site(office.store, office.config, "2022-03-01", "2022-03-02T08:00")["t"]
    assert [(cause, first[6:], last[6:]) for cause, first, last, _ in told(found)] == [
        ("source_down", "06:00", "07:00"),
        ("not_published", "08:00", "08:00"),  # within the look-back of 09:00
    ]


# --- the command --------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(year: Bureau) -> Callable[..., str]:
    def answer(*words: str, code: int = 0) -> str:
        found = CliRunner().invoke(cli.root, ["--config", str(year.path), "gaps", *words], catch_exceptions=True)
        assert found.exit_code == code, (found.output, found.exception)
        return found.stdout

    return answer


def test_json_has_every_site_with_its_runs(ask: Callable[..., str]) -> None:
    found = json.loads(ask("--month", "2022-06", "--json", "--site", "chengdu-air"))
    (one,) = found["sites"]
    assert (found["from"], found["to"], one["expected"], one["valid"]) == ("2022-06-01", "2022-06-30", 4320, 4236)
    assert one["percent"] == 98.1  # 4236 / 4320 = 98.06 %
    assert [(gap["from"], gap["hours"]) for gap in one["gaps"]][-1] == ("2022-06-12 22:00", 11)


def test_the_table_names_causes_and_the_list_can_be_narrowed(ask: Callable[..., str]) -> None:
    assert "来源未发布 84" in ask("--month", "2022-06", "--site", "chengdu-air")
    assert ask("--month", "2022-06", "--csv", "--cause", "flagged").strip() == ""  # nothing was judged yet
    rows = list(csv.DictReader(ask("--month", "2022-06", "--csv", "--open", "--site", "ganzi-air").splitlines()))
    assert {row["cause"] for row in rows} <= {"not_published", "silent"}
    assert "来源未发布 84" in ask("--month", "2022-06", "--site", "成都")
    ask("--site", "chengdu-ai", code=1)


def test_the_form_is_a_workbook_to_sign(ask: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "登记表.xlsx"
    assert "4 行" in ask("--month", "2022-06", "--site", "chengdu-air", "--form", str(path))
    rows = [
        [cell for cell in row if cell is not None] for row in load_workbook(path).active.iter_rows(values_only=True)
    ]
    assert rows[0] == ["缺测情况登记表"]
    assert rows[2] == ["点位", "起", "止", "项目", "时长（小时）", "原因", "补传情况"]
    assert rows[6] == ["成都", "2022-06-12 22:00", "2022-06-13 08:00", "全部 6 项", 11, "来源未发布", "未补齐"]
    assert [row[0][:4] for row in rows[8:]] == ["填报人：", "审核人：", "日　期："]
    plain = tmp_path / "form.csv"
    ask("--month", "2022-06", "--site", "chengdu-air", "--form", str(plain))
    assert plain.read_text("utf-8-sig").splitlines()[0] == "点位,起,止,项目,时长（小时）,原因,补传情况"
    ask("--month", "2022-06", "--form", str(tmp_path / "form.doc"), code=1)


def test_a_dry_run_lists_windows_and_asks_nothing(ask: Callable[..., str]) -> None:
    found = json.loads(ask("fill", "--month", "2022-06", "--dry-run", "--json"))
    # 5, 7, 12 and 13 June lack whole hours in both cities; 12 June to 13 June is one run over two days
    assert {"2022-06-05", "2022-06-07", "2022-06-12", "2022-06-13"} <= {one["from"][:10] for one in found}
    assert {one["source"] for one in found} == {"archive"}
    assert [one["from"] for one in found] == sorted((one["from"] for one in found), reverse=True)


def test_fill_by_hand_asks_for_a_day_and_says_what_came(tmp_path: Path) -> None:
    made = Bureau(tmp_path / "bureau")
    made.at("2022-03-04")
    with Feed(lacking(tmp_path / "all", set()), lambda: made.now) as feed:
        made.point(feed.url)
        made.open(made.config).close()
        words = ["--config", str(made.path), "gaps", "fill", "--month", "2022-03-02", "--json"]
        asked = CliRunner().invoke(cli.root, words)
        assert asked.exit_code == 0, asked.output
        (one,) = json.loads(asked.stdout)
        assert (one["source"], one["outcome"], one["wanted"], one["found"]) == ("archive", "filled", 288, 288)
        assert (one["from"], one["to"]) == ("2022-03-02 01:00", "2022-03-03 00:00")
        again = CliRunner().invoke(cli.root, words)
        assert json.loads(again.stdout) == []


# --- speed --------------------------------------------------------------------------------------------------------


def test_a_month_of_ten_stations_and_ten_sections_takes_less_than_a_second(office: Office) -> None:
    names = [f"x{at}" for at in range(10)], [f"w{at}" for at in range(10)]
    office.now_is(*(site(name, "station") for name in names[0]), *(site(name, "section") for name in names[1]))
    numbers, items = office.store.site_numbers, parameters()
    start, rows = at("2022-03-01T00:00"), []
    hours = office.store.stream(Stream("src", Basis.REALTIME, Span.HOUR))
    fours = office.store.stream(Stream("water", Basis.REALTIME, Span.FOUR_HOURS))
    for hour in range(1, 31 * 24 + 1):
        ending = start + 60 * hour
        if hour % 50:
            rows += [(ending, numbers[name], items[item].number, hours, 20, 0) for name in names[0] for item in SIX]
        if hour % 4 == 0 and hour % 48:
            rows += [(ending, numbers[name], items[item].number, fours, 20, 0) for name in names[1] for item in WATER]
    office.store.keep("src", "test", start, start, rows)
    best = 10.0
    for _ in range(3):
        began = time.process_time()
        found = by_site(office.store, office.config, "2022-03", "2022-04-02T00:00")
        best = min(best, time.process_time() - began)
    assert found["x0"].valid == (31 * 24 - 14) * 6  # 744 hours less every fiftieth
    assert found["w0"].valid == (31 * 6 - 15) * len(WATER)  # 186 less every twelfth
    assert best < 1.0
