"""A week of readings that come late, revised and marked, in rounds at odd times, ends as if all had come at once.

The readings are drawn at random; nothing is expected of their values but that order and rounds do not matter, and that
no trouble of the final judgements is without an incident that covers it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from envmon import periods
from envmon.model import Basis, Incident, Mark, Status, WaterClass
from envmon.pipeline import judge_air
from envmon.pipeline.alerting import days_in_force
from tests.test_rounds import AIR, WATER, Office, at, site

BEGIN, DAYS = "2022-03-29T00:00", 6  # a month ends in it
RULES = "".join(
    f'[[rules]]\nid = "{name}"\nkind = "{kind}"\n{more}'
    for name, kind, more in (
        ("day", "daily_aqi", 'sites = ["a", "t"]\n'),
        ("hour", "hourly_aqi", "above = 150\nhours = 3\n"),
        ("class", "section_class", 'worse_than = "III"\n'),
    )
)
QC = ("", '[qc.spike]\nlevel = "fail"\n', '[qc.flat_line]\nlevel = "fail"\ntimes = 4\n')


class Arrival(NamedTuple):
    """Readings of one site and time, and the minute at which they arrive."""

    arrives: int
    name: str
    ending: int
    values: dict[str, float]
    mark: Mark = Mark.NONE
    basis: Basis = Basis.REALTIME


def arrivals(dice: random.Random) -> Iterator[Arrival]:
    for hour in range(1, 24 * DAYS + 1):
        ending = at(BEGIN) + 60 * hour
        for name in ("t", "u"):
            if dice.random() < 0.06:
                continue  # never comes
            bad = dice.random() < (0.8 if 40 < hour < 60 else 0.15)
            values = AIR | {"pm25": dice.choice([100, 200, 300, 900] if bad else [20, 20, 25, 35])}
            late = ending + dice.choice([30, 30, 30, 30, 90, 300, 1500, 3000])
            yield Arrival(late, name, ending, values)
            if dice.random() < 0.08:
                revised = values | {"pm25": dice.choice([20, 60, 250])}
                mark = dice.choice([Mark.NONE, Mark.FAULT])
                yield Arrival(late + dice.choice([60, 600, 2000]), name, ending, revised, mark)
            if dice.random() < 0.03:
                yield Arrival(ending + 4000, name, ending, values | {"pm25": 15}, basis=Basis.REVIEWED)
        if hour % 4 == 0 and dice.random() > 0.15:
            values = WATER | {"nh3n": dice.choice([0.1, 0.5, 0.9, 1.1, 1.4, 3])}
            late = ending + dice.choice([40, 40, 40, 300, 1600])
            yield Arrival(late, "s", ending, values)
            if dice.random() < 0.25:
                yield Arrival(late + dice.choice([100, 1500]), "s", ending, values, Mark.FAULT)
        if hour % 48 == 0:
            sampled = WATER | {"nh3n": dice.choice([0.2, 2.5])}
            yield Arrival(ending + dice.choice([60, 2000]), "s", ending, sampled, basis=Basis.MANUAL)


def put(office: Office, one: Arrival) -> None:
    when, taken = (periods.moment(minute).isoformat() for minute in (one.ending, one.arrives))
    office.put(one.name, when, one.values, mark=one.mark, taken=taken, basis=one.basis)


def opened(folder: Path, qc: str) -> Office:
    office = Office(folder)
    office.now_is(site("t", "station"), site("u", "station"), site("s", "section"), RULES, qc)
    office.judge(BEGIN)
    return office


def judged(office: Office) -> dict[str, list[tuple[Any, ...]]]:
    """Every judgement and every flag."""
    asked = {
        "air": "SELECT * FROM air_day ORDER BY day, site",
        "water": "SELECT * FROM water_judgement ORDER BY site, span, first, basis",
        "flags": "SELECT * FROM qc_flag WHERE test <> 'duplicate' ORDER BY 1, 2, 3, 4",
    }
    return {name: office.store.db.execute(sql).fetchall() for name, sql in asked.items()}


def troubles(office: Office) -> Iterator[tuple[str, str, int]]:
    """Rule, subject and minute of everything the final judgements call trouble, by what the rules say."""
    numbers, first = office.store.site_numbers, periods.parse(BEGIN[:10]).first
    for name in ("a", "t"):
        for day in office.store.air_days(numbers[name], 0, periods.LAST_DAY):
            if day.aqi > 100:
                yield "day", name, periods.hour_ending(day.day, 24)
    for one in days_in_force(office.store, office.config, next(one for one in office.config.sites if one.id == "s"), 0):
        if one.judgement.status is Status.VALID and one.judgement.water_class > WaterClass.III:
            yield "class", "s", periods.hour_ending(one.first, 24)
    for name in ("t", "u"):
        index = judge_air.hourly_index(office.store, office.config, [numbers[name]], first, first + DAYS - 1)[:, 0]
        for hour in range(3, len(index) + 1):
            if min(index[hour - 3 : hour]) > 150:
                yield "hour", name, periods.hour_ending(first, hour)


def covers(incident: Incident, trouble: tuple[str, str, int]) -> bool:
    rule, subject, minute = trouble
    until = 2**40 if incident.state == "open" else incident.last
    return (incident.rule, incident.subject) == (rule, subject) and incident.opened <= minute <= until


@pytest.mark.parametrize("seed", range(6))
def test_order_and_rounds_do_not_matter_and_no_trouble_is_left_untold(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    queue = sorted(arrivals(dice), key=lambda one: one.arrives)
    end = queue[-1].arrives + 60
    stepwise, at_once = (opened(tmp_path / name, QC[seed % len(QC)]) for name in ("stepwise", "at-once"))
    for one in queue:
        put(at_once, one)
    at_once.judge(periods.moment(end).isoformat())
    now = at(BEGIN)
    while now < end:
        now = min(end, now + dice.choice([60, 60, 60, 240, 1440]))
        while queue and queue[0].arrives <= now:
            put(stepwise, queue.pop(0))
        stepwise.judge(periods.moment(now).isoformat())
    assert judged(stepwise) == judged(at_once)
    for office in (stepwise, at_once):
        known = office.store.incidents(0, 2**40)
        found = list(troubles(office))
        assert {"hour", "class"} <= {rule for rule, _, _ in found}  # the week has its troubles
        assert [one for one in found if not any(covers(incident, one) for incident in known)] == []
        assert len(office.told()) == len(office.store.db.execute("SELECT 1 FROM incident_event").fetchall())
        assert office.judge(periods.moment(end).isoformat()) == []
        office.store.close()
