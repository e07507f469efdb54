"""The steps together: however the same readings arrive, hour by hour or at once, once or twice, the end is the same."""

from __future__ import annotations

import csv
import gzip
import json
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envmon import daemon, periods
from envmon.feed import Feed
from envmon.model import Medium
from envmon.pipeline.importing import import_file, spec_of
from envmon.pipeline.pull import pull
from envmon.store import Store

SAMPLE = Path(__file__).parent.parent / "data/sample"
START, UNTIL = "2022-03-01T00:00", "2022-03-08T08:40"
LAST_WATER_PULL = "2022-03-08T05:00"


def state(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that must not depend on how the readings came: no batches, no times of learning."""
    days = [row[1] for row in store.db.execute("PRAGMA table_info(air_day)") if row[1] != "version"]
    waters = [row[1] for row in store.db.execute("PRAGMA table_info(water_judgement)") if row[1] != "version"]
    asked = {
        "readings": "SELECT ending, p.id, c.id, t.source, t.basis, t.span, value, mark FROM reading r"
        " JOIN site p ON p.number = r.site JOIN parameter c ON c.number = r.parameter"
        " JOIN stream t ON t.number = r.stream ORDER BY 1, 2, 3, 4, 5, 6",
        "air days": f"""SELECT {", ".join(f'"{name}"' for name in days)} FROM air_day ORDER BY day, site""",
        "waters": f"SELECT {', '.join(waters)} FROM water_judgement ORDER BY 1, 2, 3, 5",
        "flags": "SELECT ending, site, parameter, test, flag FROM qc_flag ORDER BY 1, 2, 3, 4",
        "open": "SELECT rule, subject, severity, value FROM incident WHERE state = 'open' ORDER BY 1, 2",
        "pending": "SELECT * FROM dirty WHERE (day + 1) * 1440 - 480 < (SELECT max(at) FROM beat) ORDER BY 1, 2, 3",
    }
    return {name: store.db.execute(sql).fetchall() for name, sql in asked.items()}


def events(store: Store) -> list[tuple[Any, ...]]:
    sql = "SELECT rule, subject, change, at, e.severity, e.value FROM incident_event e JOIN incident i"
    return store.db.execute(f"{sql} ON i.id = e.incident ORDER BY at, rule, subject, e.id").fetchall()


def own_jobs(config) -> tuple[daemon.Job, ...]:  # type: ignore[no-untyped-def]
    return tuple(job for job in daemon.jobs_of(config) if job.name not in ("charts", "backfill"))


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory, make_bureau) -> dict[str, Any]:  # type: ignore[no-untyped-def]
    """The week lived through in one run, with the store open all the time."""
    bureau = make_bureau(tmp_path_factory.mktemp("straight"))
    with Feed(SAMPLE, clock=lambda: bureau.now) as feed:
        bureau.point(feed.url)
        config, until = bureau.config, bureau.at(UNTIL)
        start = bureau.at(START)
        with bureau.open(config) as store:
            served = daemon.replay(
                daemon.kept_open(store),
                own_jobs(config),
                start,
                until,
                lambda now: setattr(bureau, "now", now),
                daemon.Stop(),
            )
            found: dict[str, Any] = {"state": state(store), "events": events(store), "served": served}
    found["told"] = [json.loads(line) for line in Path(config.paths.alerts).read_text("utf-8").splitlines()]
    return found


def test_the_week_is_really_there(straight: dict[str, Any]) -> None:
    """Counts by hand from the recorded files: what the other tests compare is not empty."""
    with gzip.open(SAMPLE / "archive/china_cities_2022.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    wanted = {"SO2", "NO2", "CO", "O3", "PM10", "PM2.5", "AQI"}
    span = [row for row in rows[1:] if "2022022600" <= row[0] + row[1].zfill(2) <= "2022030808" and row[2] in wanted]
    printed = sum(bool(cell) for row in span for cell in row[3:])
    readings = straight["state"]["readings"]
    assert sum(row[3] == "archive" for row in readings) == printed > 3000
    hours, fours, days = 178, 45, 9  # from the slots due before the start (23:00, 20:00, 28 February) to the last
    assert straight["served"] == hours + fours + days + hours
    assert {row[3] for row in readings} == {"archive", "water", "lab"}
    assert len(straight["state"]["air days"]) >= 4 * 7  # two cities, two areas
    assert straight["state"]["pending"] == []


def test_hour_by_hour_with_the_store_closed_between(bureau, straight: dict[str, Any]) -> None:  # type: ignore[no-untyped-def]
    config, until = bureau.config, bureau.at(UNTIL)
    now = bureau.at(START)
    while now <= until:
        bureau.now = now
        with bureau.open(config) as store:
            bureau.tick(store, config)
        now = daemon.next_due(own_jobs(config), now)
    with bureau.open(config) as store:
        assert state(store) == straight["state"]
        assert events(store) == straight["events"]
        assert store.db.execute("SELECT count(*) FROM slot WHERE state <> 'done'").fetchone() == (0,)
        assert store.db.execute("SELECT count(*), max(tries) FROM slot").fetchone() == (straight["served"], 1)
    told = [json.loads(line) for line in Path(config.paths.alerts).read_text("utf-8").splitlines()]
    assert [one["id"] for one in told] == [one["id"] for one in straight["told"]]
    assert len({one["id"] for one in told}) == len(told)  # a restart repeats no alert


def test_fed_twice(bureau, straight: dict[str, Any]) -> None:  # type: ignore[no-untyped-def]
    config, until = bureau.config, bureau.at(UNTIL)
    now = bureau.at(START)
    with bureau.open(config) as store:
        while now <= until:
            bureau.now = now
            bureau.tick(store, config)
            sql = "SELECT job, min(at) FROM slot WHERE finished = ? GROUP BY job"
            for job, first in store.db.execute(sql, (now,)).fetchall():
                if job == "judge":
                    bureau.judge(store, config)
                else:
                    again = pull(
                        daemon.kept_open(store), config, spec_of(config, job.removeprefix("pull ")), first, now
                    )
                    assert (again.new, again.revised, again.older, again.refused) == (0, 0, 0, 0)
            now = daemon.next_due(own_jobs(config), now)
        assert state(store) == straight["state"]
        assert events(store) == straight["events"]
        assert store.db.execute("SELECT count(*) FROM reading_history").fetchone() == (0,)


def test_imported_at_once(bureau, tmp_path: Path, straight: dict[str, Any]) -> None:  # type: ignore[no-untyped-def]
    config = bureau.config
    bureau.at(START)
    with bureau.open(config) as store:
        bureau.judge(store, config)  # who is silent counts from here
        now = bureau.at(UNTIL)
        for name, path in week_as_files(config, tmp_path):
            tally, refused = import_file(store, config, spec_of(config, name), path, now)
            assert refused == []
            assert tally.new > 0
        store.beat(now, 1)
        bureau.judge(store, config)
        found = state(store)
        for part in ("readings", "air days", "waters", "flags", "pending", "open"):
            assert found[part] == straight["state"][part], part


def week_as_files(config, folder: Path) -> list[tuple[str, Path]]:  # type: ignore[no-untyped-def]
    """The week's readings as files: what the feed answers at its end, and the water rows that were seen till then."""
    urls = {spec.id: spec.url for spec in config.sources}
    names = [
        ("archive", f"china_cities_2022{day}.csv")
        for day in ("0226", "0227", "0228", *(f"030{d}" for d in range(1, 9)))
    ]
    names += [("lab", f"lab_2022-0{month}.csv") for month in (1, 2, 3)]
    made = []
    for source, name in names:
        with urllib.request.urlopen(urls[source] + name, timeout=10) as answer:
            (folder / name).write_bytes(answer.read())
        made.append((source, folder / name))
    with gzip.open(SAMPLE / "water/sections_4h_202112-202212.csv.gz", "rt", encoding="utf-8-sig") as file:
        head, *rows = list(csv.reader(file))
    at, start, last = head.index("监测时间"), START.replace("T", " "), LAST_WATER_PULL.replace("T", " ")
    before = {row[2]: row for row in sorted(rows, key=lambda row: row[at]) if row[at] <= start}
    kept = [*before.values(), *(row for row in rows if start < row[at] <= last)]
    path = folder / "sections.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *kept])
    return [*made, ("water", path)]


# ---- late and revised ------------------------------------------------------------------------------------------------


def recorded(folder: Path, change: Callable[[list[str]], list[str] | None]) -> Path:
    """A folder like data/sample with only the air of March 2022, each row as `change` gives it (None: not there)."""
    (folder / "archive").mkdir(parents=True)
    with gzip.open(SAMPLE / "archive/china_cities_2022.csv.gz", "rt", encoding="utf-8") as file:
        head, *rows = list(csv.reader(file))
    found = [changed for row in rows if row[0].startswith("202203") and (changed := change(row)) is not None]
    with (folder / "archive/china_cities_2022.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *found])
    (folder / "archive/cities.csv").write_bytes((SAMPLE / "archive/cities.csv").read_bytes())
    return folder


def test_late_hours_and_a_revised_value_judge_the_day_again(bureau, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """甘孜, 4 March: 6 hours are missing at first (18 are too few), then come; then one PM2.5 value is revised."""

    def early(row: list[str]) -> list[str] | None:
        return None if row[0] == "20220304" and 10 <= int(row[1]) <= 15 else row

    def revised(row: list[str]) -> list[str]:
        where = (row[0], row[1], row[2])
        return [*row[:3], *("200" for _ in row[3:])] if where == ("20220304", "14", "PM2.5") else row

    config = bureau.config
    day = periods.parse("2022-03-04").first
    seen = []
    made = [
        ("2022-03-05T00:40", recorded(tmp_path / "early", early)),
        ("2022-03-05T01:40", recorded(tmp_path / "late", lambda row: row)),
        ("2022-03-05T02:40", recorded(tmp_path / "revised", revised)),
        ("2022-03-05T03:40", tmp_path / "revised"),
    ]
    for moment, folder in made:
        bureau.at(moment)
        with Feed(folder, clock=lambda: bureau.now) as feed, bureau.open(config) as store:
            here = with_url(config, feed.url)
            bureau.tick(store, here, ["archive"])
            number, item = store.site_numbers["ganzi-air"], 6
            (judged,) = store.air_days(number, day, day)
            (area,) = store.air_days(store.site_numbers["ganzi"], day, day)
            assert (area.aqi, area.value, area.status) == (judged.aqi, judged.value, judged.status)
            seen.append((judged.status.name, judged.hours[5], judged.value[5]))
            history = store.history(number, item, periods.hour_ending(day, 14))
    assert [(status, hours) for status, hours, _ in seen] == [
        ("INSUFFICIENT", 18),
        ("VALID", 24),
        ("VALID", 24),
        ("VALID", 24),
    ]
    first, last = history
    assert (first["in_force"], last["in_force"], last["value"]) == (0, 1, 200_000)
    assert seen[1][2] == mean_of_day(first["value"])
    assert seen[2][2] == seen[3][2] == mean_of_day(200_000)
    assert first["taken"] < last["taken"]


def mean_of_day(at_14: int) -> int:
    """The mean of the 24 recorded PM2.5 values of 甘孜 on 4 March, with another one at 14:00; rounded half to even."""
    with gzip.open(SAMPLE / "archive/china_cities_2022.csv.gz", "rt", encoding="utf-8") as file:
        head, *rows = list(csv.reader(file))
    column = head.index("甘孜藏族自治州")
    stamps = [("20220304", str(hour)) for hour in range(1, 24)] + [("20220305", "0")]
    values = [int(row[column]) for row in rows if (row[0], row[1]) in stamps and row[2] == "PM2.5"]
    at = [row[1] for row in rows if (row[0], row[1]) in stamps and row[2] == "PM2.5"].index("14")
    values[at] = at_14 // 1000
    assert len(values) == 24
    return round(sum(values) / 24)


def with_url(config, url: str):  # type: ignore[no-untyped-def]
    return replace(config, sources=tuple(replace(s, url=f"{url}/{s.id}/") for s in config.sources))


def classes(store: Store, site: str) -> list[tuple[str, int]]:
    """(span, class) of every stored judgement of a section."""
    sql = "SELECT span, json_extract(content, '$.water_class') FROM water_judgement WHERE site = ? ORDER BY first, span"
    return store.db.execute(sql, (store.site_numbers[site],)).fetchall()


def test_a_section_that_turns_out_to_be_a_lake_is_judged_again(bureau) -> None:  # type: ignore[no-untyped-def]
    """201医院 has 0.13 to 0.19 mg/L of phosphorus in January 2022: class III in a river, V in a lake."""
    until = bureau.at("2022-01-20T08:40")
    path = SAMPLE / "water/sections_4h_202112-202212.csv.gz"
    with bureau.open() as store:
        import_file(store, bureau.config, spec_of(bureau.config, "water"), path, until)
        bureau.judge(store, bureau.config)
        before, other = classes(store, "hospital-201"), classes(store, "sanyi-bridge")
        assert ("month", 3) in before
    sites = bureau.folder / "sites.csv"
    lines = sites.read_text("utf-8").splitlines(keepends=True)
    lines = [line.replace(",river,", ",lake,") if line.startswith("hospital-201,") else line for line in lines]
    sites.write_text("".join(lines), "utf-8")
    with bureau.open() as store:
        bureau.judge(store, bureau.config)
        after = classes(store, "hospital-201")
        assert len(after) == len(before)
        assert ("month", 5) in after
        assert classes(store, "sanyi-bridge") == other
        assert [day for day, _ in store.dirty(Medium.WATER) if day <= periods.today(until)] == []


def test_an_area_made_of_stations_instead_of_its_city_series_loses_the_days_of_the_series(bureau) -> None:  # type: ignore[no-untyped-def]
    bureau.at("2022-01-06T08:40")
    path = SAMPLE / "archive/china_cities_2022.csv.gz"
    with bureau.open() as store:
        import_file(store, bureau.config, spec_of(bureau.config, "archive"), path, bureau.now)
        bureau.judge(store, bureau.config)
        assert len(store.air_days(store.site_numbers["chengdu"], 0, periods.LAST_DAY)) > 0
    bureau.edit('code = "510100"\nzone = 2\nair = "city"', 'code = "510100"\nzone = 2\nair = "station"')
    with bureau.open() as store:
        bureau.judge(store, bureau.config)
        assert store.air_days(store.site_numbers["chengdu"], 0, periods.LAST_DAY) == []
        assert len(store.air_days(store.site_numbers["chengdu-air"], 0, periods.LAST_DAY)) > 0
        assert len(store.air_days(store.site_numbers["ganzi"], 0, periods.LAST_DAY)) > 0


def test_judging_again_with_nothing_new_writes_nothing_but_what_says_when(bureau) -> None:  # type: ignore[no-untyped-def]
    config = bureau.config
    bureau.at("2022-03-03T08:40")
    with bureau.open(config) as store:
        bureau.judge(store, config)
        bureau.at("2022-03-05T08:40")
        bureau.tick(store, config)
        before, told = state(store), Path(config.paths.alerts).read_bytes()
        for _ in range(2):
            start = store.db.total_changes
            bureau.judge(store, config)
            written = store.db.total_changes - start
        rates = len(config.targets) + sum(one.base is not None for one in config.targets)
        assert written == 2 * len(config.targets) + rates  # where each target stands, and its rates: the same rows anew
        assert state(store) == before
        assert Path(config.paths.alerts).read_bytes() == told
        start = store.db.total_changes
        assert bureau.tick(store, config) == 0
        assert store.db.total_changes - start == 1  # the beat
