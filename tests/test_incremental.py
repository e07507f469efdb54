"""A new hour costs what it touches: rows are counted here, not seconds. And whatever the rounds, the end is the same.

A small bureau (class `Office`) whose store counts what it is asked: the rows a statement hands out, and the rows that
inserts, updates and deletes change.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from envmon import periods
from envmon.model import Basis, Mark, RateName, View
from envmon.pipeline import rating, rejudging
from envmon.store import Store
from tests.test_rounds import AIR, WATER, Office, at, site

STATIONS = [f"t{i}" for i in range(4)]
QC_DECIDES = '[qc.spike]\nlevel = "fail"\n[qc.flat_line]\nlevel = "fail"\ntimes = 5\n'
TARGETS = "".join(
    f'[[targets]]\nid = "{name}"\nrate = "{rate}"\narea = "a"\nperiod = "2022"\npercent = "85.0"\n{more}'
    for name, rate, more in (
        ("days", "good_days", ""),
        ("named", "good_days", 'edition = "HJ 633-2012"\n'),
        ("sections", "good_sections", ""),
    )
)


class Counted:
    """What a store is asked between `with` and its end: rows read by table, and rows changed.

    Every statement runs as ever; rows are counted as they are fetched.
    """

    def __init__(self, store: Store) -> None:
        self.store, self.plain = store, store.db
        self.read: Counter[str] = Counter()
        self.changed = 0

    def __enter__(self) -> Counted:
        counted = self

        class Rows:
            """A cursor whose rows are counted."""

            def __init__(self, cursor: sqlite3.Cursor, table: str) -> None:
                self.cursor, self.table = cursor, table

            def __iter__(self) -> Iterator[Any]:
                for row in self.cursor:
                    counted.read[self.table] += 1
                    yield row

            def fetchall(self) -> list[Any]:
                return list(self)

            def fetchone(self) -> Any:
                return next(iter(self), None)

            def __getattr__(self, name: str) -> Any:
                return getattr(self.cursor, name)

        class Asked:
            """The connection, with its questions counted by the table they ask."""

            def execute(self, sql: str, *more: Any) -> Any:
                outer = sql
                while (shorter := re.sub(r"\([^()]*\)", "", outer)) != outer:
                    outer = shorter
                table = re.search(r"FROM\s+(\w+)", outer)
                cursor = counted.plain.execute(sql, *more)
                return Rows(cursor, table[1] if table else "") if sql.lstrip().startswith("SELECT") else cursor

            def __getattr__(self, name: str) -> Any:
                return getattr(counted.plain, name)

        self.before = self.plain.total_changes
        self.store.db = Asked()  # type: ignore[assignment]
        return self

    def __exit__(self, *error: object) -> None:
        self.store.db = self.plain
        self.changed = self.plain.total_changes - self.before


def year(office: Office, days: int, *parts: str) -> None:
    """A bureau of four stations, whose first days of March 2022 have been received and judged."""
    office.now_is(*(site(name, "station") for name in STATIONS), *parts)
    for day in range(1, days + 1):
        for name in STATIONS:
            office.air_day(name, f"2022-03-{day:02}")
    office.judge(f"2022-03-{days + 1:02}T00:40")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def hour(office: Office, when: str, taken: str = "", **other: float) -> None:
    """One hour of all stations."""
    for name in STATIONS:
        office.put(name, when, AIR | other, taken=taken)


def cost(office: Office, now: str) -> tuple[Counter[str], int]:
    """Rows read by table, and rows changed, of one round of judging."""
    with Counted(office.store) as counted:
        office.outcome(now)
    return counted.read, counted.changed


def days_of(office: Office, name: str) -> list[tuple[int, int]]:
    found = office.store.air_days(office.store.site_numbers[name], 0, periods.LAST_DAY)
    return [(day.day, day.aqi) for day in found]


# --- what a new hour reads and writes ---------------------------------------------------------------------------------


def test_an_hour_of_the_running_day_reads_no_hour_and_no_day_again(office: Office) -> None:
    """Keeping marks four site-days; no day has closed, so nothing is judged and no rate is counted again."""
    year(office, 10, TARGETS)
    with Counted(office.store) as counted:
        hour(office, "2022-03-11T01:00")
    # Of each payload: its batch, six readings, the mark of one site-day, its latest hour, its tally; once the latest
    # hour of the source; nothing beside.
    assert counted.changed == len(STATIONS) * (1 + 6 + 1 + 1 + 1) + 1
    assert counted.read["reading"] <= 2 * len(STATIONS)  # two counts of what stood there
    assert len(office.store.dirty("air")) == len(STATIONS)  # type: ignore[arg-type]
    read, changed = cost(office, "2022-03-11T01:40")
    assert read["reading"] == read["air_day"] == 0
    # Of the three targets the rate, and the outlook taken out and put in; up to which batch all is judged.
    assert changed == 3 + 3 + 3 + 1


def test_the_cost_of_an_hour_does_not_grow_with_the_year(tmp_path: Path) -> None:
    found = []
    for days in (3, 12):
        office = Office(tmp_path / str(days))
        year(office, days, TARGETS)
        next_day = f"2022-03-{days + 1:02}"
        hour(office, f"{next_day}T01:00")
        running = cost(office, f"{next_day}T01:40")
        for one in range(2, 24):
            hour(office, f"{next_day}T{one:02}:00")
        hour(office, f"2022-03-{days + 2:02}T00:00")
        closing, changed = cost(office, f"2022-03-{days + 2:02}T00:40")
        found.append((running, closing["reading"], changed))
        office.store.close()
    assert found[0][0] == found[1][0]
    # Only the rate by a named edition judges the hours of its period again, once a day; what is judged reads no more.
    grown = found[1][1] - found[0][1]
    assert grown == 9 * 24 * 6 * len(STATIONS)
    assert found[0][2] == found[1][2]


def test_the_hour_that_closes_a_day_reads_that_day_and_those_beside_it(office: Office) -> None:
    """QC looks across midnight: the day before is judged again, and one more on either side is read."""
    year(office, 10)
    hour(office, "2022-03-11T01:00")
    read, _ = cost(office, "2022-03-12T00:40")
    day = 24 * 6 * len(STATIONS)
    assert read["reading"] == 2 * day + 6 * len(STATIONS)  # the ninth, the tenth, the one hour of the eleventh
    assert [number for number, _ in days_of(office, "a")][-1] == periods.parse("2022-03-11").first


@pytest.mark.parametrize(("extra", "days"), [("", 3), (QC_DECIDES, 3)])
def test_a_late_hour_judges_its_own_site_day_and_its_neighbours_only(office: Office, extra: str, days: int) -> None:
    """One station's late hour: its day and the two beside it are judged, with the stations that share its area."""
    year(office, 10, site("far", "station").replace('area = "a"', 'area = "b"'), extra, AREA_B)
    office.put("t1", "2022-03-05T12:00", AIR | {"pm25": 90}, taken="2022-03-11T05:00")
    before = {name: days_of(office, name) for name in ("t0", "far", "b")}
    seen: list[str] = []
    office.store.db.set_trace_callback(seen.append)
    read, _ = cost(office, "2022-03-11T05:40")
    office.store.db.set_trace_callback(None)
    written = [re.findall(r"-?\d+", one)[:2] for one in seen if "INTO air_day" in one]
    numbers = {str(office.store.site_numbers[name]) for name in (*STATIONS, "a")}
    around = {str(periods.parse(f"2022-03-{day:02}").first) for day in (4, 5, 6)}
    assert sorted(map(tuple, written)) == sorted((day, number) for day in around for number in numbers)
    assert read["reading"] == (days + 2) * 24 * 6 * len(STATIONS)
    assert before == {name: days_of(office, name) for name in before}


AREA_B = '[[areas]]\nid = "b"\nname = "乙县"\nlevel = "county"\nair = "station"\n'


def test_the_same_hour_again_touches_nothing(office: Office) -> None:
    year(office, 5, TARGETS)
    hour(office, "2022-03-04T12:00", taken="2022-03-06T03:00")
    assert office.store.dirty("air") == []  # type: ignore[arg-type]
    read, _ = cost(office, "2022-03-06T03:40")
    assert read["reading"] == read["air_day"] == 0


# --- rates of the year to date ----------------------------------------------------------------------------------------


def test_a_rate_follows_from_the_judged_days_without_their_hours(office: Office) -> None:
    """Ten good days; the eleventh has PM2.5 of 200 (index 250, HJ 633-2012 table 1): 10 of 11."""
    year(office, 10, TARGETS.replace('edition = "HJ 633-2012"\n', ""))
    for one in range(1, 24):
        hour(office, f"2022-03-11T{one:02}:00", pm25=200, pm10=250)
    hour(office, "2022-03-12T00:00", pm25=200, pm10=250)
    read, _ = cost(office, "2022-03-12T00:40")
    assert read["air_day"] == 11  # the days of the area, for both targets; the hours of three days, as above
    assert read["reading"] == 3 * 24 * 6 * len(STATIONS)
    (rate,) = (one["rate"] for one in office.store.outlooks() if one["target"]["id"] == "days")
    assert (rate["numerator"], rate["denominator"]) == (10, 11)


def test_a_kept_rate_is_not_used_when_the_areas_are_others(office: Office) -> None:
    """The rate of the whole bureau loses the days of an area that leaves it, though no day is judged for that."""
    whole = TARGETS.replace('area = "a"', 'area = "*"')
    other = site("far", "station").replace('area = "a"', 'area = "b"')
    year(office, 3, other, AREA_B, whole)
    for day in (1, 2, 3):
        office.air_day("far", f"2022-03-{day:02}", taken="2022-03-04T01:00", pm25=200, pm10=250)
    office.judge("2022-03-04T01:40")

    def rates() -> list[tuple[int, int]]:
        found = [one["rate"] for one in office.store.outlooks() if one["target"]["rate"] == "good_days"]
        return [(one["numerator"], one["denominator"]) for one in found]

    assert rates() == [(3, 6), (3, 6)]
    office.now_is(*(site(name, "station") for name in STATIONS), whole)
    office.judge("2022-03-04T02:40")
    assert rates() == [(3, 3), (3, 3)]


# --- any rounds end as a full recompute -------------------------------------------------------------------------------

DAYS = 5
BEGIN = "2022-03-29T00:00"  # a month ends in it


class Arrival(NamedTuple):
    name: str
    ending: int
    values: dict[str, float]
    mark: Mark
    basis: Basis


def arrivals(dice: random.Random) -> list[Arrival]:
    """The readings of some days, then revisions of some and deletions: a mark that makes them not count.

    Most of those lie beside midnight, where what is said of one day rests on the next.
    """
    first = []
    for number in range(1, 24 * DAYS + 1):
        ending = at(BEGIN) + 60 * number
        for name in STATIONS[:2]:
            if dice.random() < 0.95:
                level = dice.choice([20, 20, 30, 300])
                first.append(Arrival(name, ending, AIR | {"pm25": level, "o3": 50 + level}, Mark.NONE, Basis.REALTIME))
        if number % 4 == 0:
            values = WATER | {"nh3n": dice.choice([0.1, 0.9, 1.1, 3])}
            first.append(Arrival("s", ending, values, Mark.NONE, Basis.REALTIME))
    later = []
    beside = [one for one in first if (one.ending - at(BEGIN)) // 60 % 24 in (0, 1) and one.name != "s"]
    for one in dice.sample(first, 20) + dice.choices(beside, k=20):
        what = dice.choice(["revise", "revise", "revise", "delete", "review", "restore"])
        item = "nh3n" if one.name == "s" else "pm25"
        changed = {item: 2 if item == "nh3n" else 20 if one.values[item] > 100 else 300}
        values = one.values | (changed if what == "revise" else {})
        basis = Basis.REVIEWED if what == "review" else one.basis
        mark = Mark.FAULT if what in ("delete", "restore") else Mark.NONE
        later.append(one._replace(values=values, mark=mark, basis=basis))
        if what == "restore":
            later.append(one)
    # First values in any order; what comes later in the order made, so that the last word is the same everywhere.
    dice.shuffle(first)
    return first + later


def tables(office: Office) -> dict[str, list[tuple[Any, ...]]]:
    """Everything derived from readings; when and in which batch a thing was learned is not part of it."""
    asked = {
        "air": "SELECT * FROM air_day ORDER BY day, site",
        "water": "SELECT * FROM water_judgement ORDER BY site, span, first, basis",
        "flags": "SELECT * FROM qc_flag ORDER BY ending, site, parameter, test",
        "outlook": "SELECT target, content FROM outlook ORDER BY target",
    }
    return {name: office.store.db.execute(sql).fetchall() for name, sql in asked.items()}


@pytest.mark.parametrize("seed", range(6))
def test_any_rounds_end_as_judging_everything_again_does(office: Office, seed: int) -> None:
    """Batches of random size with rounds between them; then all is forgotten that was judged, and judged from nothing.

    The forgetting is that of `mark_outdated`: another version of the program judged it, so every day is judged again.
    """
    dice = random.Random(seed)
    parts = *(site(name, "station") for name in STATIONS[:2]), site("s", "section"), TARGETS, QC_DECIDES * (seed % 2)
    office.now_is(*parts)
    office.judge(BEGIN)
    end = at(BEGIN) + 24 * 60 * DAYS + 40
    queue, taken = arrivals(dice), at(BEGIN)
    rounds = 0
    while queue:
        left = len(queue) - 40
        size = min(left, dice.choice([10, 30, 60])) if left > 0 else dice.choice([1, 1, 3])  # revisions one by one
        for one in queue[:size]:
            taken += 1
            when, seen = (periods.moment(minute).isoformat() for minute in (one.ending, taken))
            office.put(one.name, when, one.values, mark=one.mark, taken=seen, basis=one.basis)
        del queue[:size]
        # The clock of the rounds goes on as well: days close while their readings are still coming.
        office.judge(periods.moment(min(end, taken + dice.randrange(24 * 60 * DAYS))).isoformat())
        rounds += 1
    office.judge(periods.moment(end).isoformat())
    stepwise = tables(office)
    assert rounds > 20
    assert all(stepwise.values())

    office.store.set_meta("judged_by", office.store.meta("judged_by") | {"rules": ["another version", ""]})
    with Counted(office.store) as counted:
        rejudging.mark_outdated(office.store, office.config)
    assert counted.changed > DAYS * 3  # every judged site-day is marked
    again = periods.moment(end).isoformat()
    with office.store.writing() as db:
        for table in ("air_day", "water_judgement", "qc_flag", "rate", "outlook"):
            db.execute(f"DELETE FROM {table}")
    office.judge(again)
    assert tables(office) == stepwise


def test_the_rate_of_any_period_equals_that_of_days_judged_from_their_hours(office: Office) -> None:
    """Stored days and days judged again from hours by the edition in force then (HJ 633-2012) count alike."""
    dice = random.Random(663)
    office.now_is(*(site(name, "station") for name in STATIONS[:2]))
    for one in arrivals(dice):
        if one.name != "s":
            office.put(one.name, periods.moment(one.ending).isoformat(), one.values, mark=one.mark, basis=one.basis)
            if dice.random() < 0.02:
                office.judge(periods.moment(at(BEGIN) + dice.randrange(24 * 60 * DAYS)).isoformat())
    now = at(BEGIN) + 24 * 60 * DAYS + 40
    office.outcome(periods.moment(now).isoformat())
    whole = periods.parse("2022")
    stored, again = (
        rating.rate(office.store, office.config, RateName.GOOD_DAYS, "a", whole, now, View(edition))
        for edition in ("by-date", "HJ 633-2012")
    )
    assert (stored.numerator, stored.denominator) == (again.numerator, again.denominator)
    assert stored.denominator > 0
