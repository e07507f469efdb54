"""What holds for any values: more is never better, order does not matter, parts add up, editions change at midnight.

The examples are the same in every run. Areas that round once stand in tests/test_air.py (against exact fractions) and
tests/test_counterexamples.py; that the parts of one cut add up, in tests/test_rates.py.
"""

from __future__ import annotations

import csv
import gzip
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envmon import periods, standards
from envmon.assess import air, air_stats, rates, water
from envmon.assess.exceptional import DEDUCTED
from envmon.model import NO_VALUE, POLLUTANTS, AirDay, Body, Direction, Rate, RateName, Reason, Status
from envmon.periods import Period
from envmon.pipeline import judge_air, rating
from envmon.pipeline.importing import import_file, spec_of
from envmon.rounding import scaled
from tests.test_air_stats import days as constant_days
from tests.test_air_stats import item
from tests.test_pipeline import state
from tests.test_rates import GOOD, NEW, OLD, air_day
from tests.test_rounds import Office, at, site

SAMPLE = Path(__file__).parent.parent / "data/sample"
FIXED = settings(max_examples=40, deadline=None, derandomize=True)
STORED = (3,) * len(POLLUTANTS)
EDITIONS = ["2012", "2026"]
CHANGE = date(2026, 3, 1)  # the first day of HJ 633-2026, GB 3095-2026 and HJ 663-2026
FINAL = date(2031, 1, 1)  # the first day of the final limits of GB 3095-2026
SEEDS = st.integers(0, 2**32 - 1)
BODIES = (Body.RIVER, Body.LAKE)


# --- more is never better ---------------------------------------------------------------------------------------


def hours_of(seed: int, count: int, sites: int) -> np.ndarray:
    """Hours [6, count, sites] in thousandths, from clean to beyond the tables, some of them missing."""
    chance = np.random.default_rng(seed)
    top = np.array([900, 300, 8, 400, 300, 200])[:, None, None]
    hours = (chance.random((6, count, sites)) ** 2 * top * chance.choice([0.2, 1, 4]) * 1000).astype(np.int32)
    hours[chance.random(hours.shape) < chance.choice([0, 0.1, 0.3])] = NO_VALUE
    return hours


def raised(hours: np.ndarray, row: int, seed: int) -> np.ndarray:
    """The same hours with one pollutant higher here and there; what is missing stays so."""
    chance = np.random.default_rng(seed + 1)
    more = hours.copy()
    up = (chance.random(hours.shape[1:]) ** 3 * (20_000 if row == POLLUTANTS.index("co") else 400_000)).astype(np.int32)
    more[row] = np.where(hours[row] == NO_VALUE, NO_VALUE, hours[row] + up)
    return more


@FIXED
@given(st.sampled_from(EDITIONS), st.integers(0, 5), SEEDS)
def test_an_hour_with_more_of_one_pollutant_has_no_lower_index(edition: str, row: int, seed: int) -> None:
    hours, index = hours_of(seed, 24, 40), standards.index_edition(edition)
    low, high = air.hourly(hours, index, STORED), air.hourly(raised(hours, row, seed), index, STORED)
    assert (low.iaqi[row] <= high.iaqi[row]).all()
    assert (low.aqi <= high.aqi).all()
    assert (low.level <= high.level).all()
    others = [other for other in range(6) if other != row]
    assert (low.iaqi[others] == high.iaqi[others]).all()


@FIXED
@given(st.sampled_from(EDITIONS), st.integers(0, 5), SEEDS)
def test_a_day_with_more_of_one_pollutant_has_no_lower_index(edition: str, row: int, seed: int) -> None:
    regime, hours = standards.air(0, edition), hours_of(seed, 48, 30)
    low, high = (air.daily(each, 0, regime, STORED) for each in (hours, raised(hours, row, seed)))
    assert (low.value[row] <= high.value[row]).all()
    assert (low.aqi <= high.aqi).all()
    assert (low.level <= high.level).all()
    for once, then in zip(low.status.ravel().tolist(), high.status.ravel().tolist(), strict=True):
        # more can only settle a day that was open for a missing item or for too few windows of ozone
        assert once == then or then == Status.VALID or (once, then) == (Status.INSUFFICIENT, Status.INCOMPLETE)


SETS = {"section_21": standards.water(20_000), "source_groundwater_39": standards.groundwater(20_000)}
CLEAN = {"ph": "7.5", "do": "9"}  # nothing of all else


@FIXED
@given(st.sampled_from([(name, item) for name, regime in SETS.items() for item in regime.sets[name].items]), SEEDS)
def test_more_of_an_item_never_makes_a_better_class(which: tuple[str, str], seed: int) -> None:
    """Less, for oxygen; pH has bounds on both sides. Some of the other items are bad as well."""
    (name, item), chance = which, np.random.default_rng(seed)
    regime = SETS[name]
    names, rows = list(regime.sets[name].items), 400
    values = np.tile([scaled(CLEAN.get(one, "0"), regime.items[one].decimals) for one in names], (rows, 1))
    column, other = names.index(item), int(chance.integers(len(names)))
    for at_column, often in ((other, 0.3), (column, 1)):
        top = max((bound for bound in regime.items[names[at_column]].limits if bound is not None), default=1)
        some = chance.random(rows) < often
        values[some, at_column] = (chance.random(rows) * 1.5 * top).astype(np.int64)[some]
    more = values.copy()
    more[:, column] += (chance.random(rows) * (1 + values[:, column])).astype(np.int64)
    if regime.items[item].direction is Direction.AT_LEAST:
        values, more = more, values
    body = np.full(rows, Body.GROUNDWATER) if regime is not SETS["section_21"] else chance.choice(BODIES, rows)
    none = np.zeros(values.shape, np.bool_)
    before, after = (water.judge_array(each, none, body, regime, name, names) for each in (values, more))
    assert before.min() > 0
    if regime.items[item].direction is not Direction.BETWEEN:
        assert (before <= after).all()


# --- order does not matter --------------------------------------------------------------------------------------


def lines_of(path: Path, wanted: str) -> list[list[str]]:
    """Header and rows of a packed table that hold a text."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return [header, *(row for row in rows if any(cell.startswith(wanted) for cell in row))]


def written(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def files() -> dict[str, list[list[str]]]:
    return {
        "archive": lines_of(SAMPLE / "archive/china_cities_2022.csv.gz", "2022011"),  # 10 to 19 January
        "water": lines_of(SAMPLE / "water/sections_4h_202112-202212.csv.gz", "2022-01-1"),
    }


def lived(folder: Path, make_bureau, parts: dict[str, list[list[list[str]]]]):  # type: ignore[no-untyped-def]
    """What a bureau has judged, and its rates, when these tables came one after another."""
    bureau = make_bureau(folder)
    config, now = bureau.config, bureau.at("2022-02-02T08:00")
    with bureau.open(config) as store:
        for name, tables in parts.items():
            for count, (header, *rows) in enumerate(tables):
                path = written(folder / f"{name}{count}.csv", header, rows)
                tally, refused = import_file(store, config, spec_of(config, name), path, now)
                assert (tally.new > 0, refused) == (True, [])
        bureau.judge(store, config)
        january = periods.parse("2022-01")
        return state(store), [rating.rate(store, config, name, "*", january, now) for name in RateName]


@pytest.mark.parametrize("seed", range(2))
def test_the_order_of_rows_and_files_is_irrelevant(tmp_path: Path, make_bureau, files, seed: int) -> None:  # type: ignore[no-untyped-def]
    dice = random.Random(seed)
    shuffled = {}
    for name, (header, *rows) in files.items():
        mixed = dice.sample(rows, len(rows))
        cut = len(rows) // 3
        shuffled[name] = [[header, *mixed[:cut]], [header, *mixed[cut:]]]
    straight = lived(tmp_path / "straight", make_bureau, {name: [table] for name, table in files.items()})
    mixed_up = lived(tmp_path / "mixed", make_bureau, dict(reversed(shuffled.items())))
    assert mixed_up == straight
    found = {rate.name: rate.denominator for rate in straight[1]}
    assert found[RateName.GOOD_DAYS] >= 18
    assert found[RateName.GOOD_SECTIONS] > 0


# --- parts add up -----------------------------------------------------------------------------------------------

STATUSES = [None, *[Status.VALID] * 3, *Status]  # None: nothing is known of the day


def some_days(dice: random.Random, year: Period, share: float) -> dict[int, AirDay]:
    """Days of a year by number, about such a share of them; those before 1 March 2026 by the old edition."""
    change, found = periods.number(CHANGE), {}
    for day in year:
        status = dice.choice(STATUSES) if dice.random() < share else None
        if status is not None:
            found[day] = air_day(day, dice.randrange(200), status, OLD if day < change else NEW)
    return found


def reasons(parts: Sequence[Rate]) -> Counter[Reason]:
    return Counter({reason: sum(one.count for part in parts for one in part.excluded if one.reason is reason)
                    for reason in {one.reason for part in parts for one in part.excluded}})  # fmt: skip


@FIXED
@given(SEEDS)
def test_months_quarters_and_half_years_add_up_to_the_year(seed: int) -> None:
    """2026, whose editions change on the way; with exceptional events and without."""
    year, dice = periods.year(2026), random.Random(seed)
    days, left = some_days(dice, year, 1), some_days(dice, year, dice.choice([0, 0.05]))
    spared = rates.Spared(left, dice.choice(DEDUCTED), ("dust",)) if left else None

    def rate(period: Period) -> Rate:
        return rates.good_days("anzhou", period, days.values(), GOOD, "realtime", within(spared, period))

    whole = rate(year)
    for parts in (
        [periods.month(2026, count) for count in range(1, 13)],
        [periods.quarter(2026, count) for count in range(1, 5)],
        [periods.half_year(2026, count) for count in (1, 2)],
    ):
        made = [rate(part) for part in parts]
        joined = rates.together(RateName.GOOD_DAYS, "anzhou", year, made)
        assert joined == whole
        assert reasons(made) == reasons([whole])
    assert whole.denominator + sum(reasons([whole]).values()) == 365


def within(spared: rates.Spared | None, period: Period) -> rates.Spared | None:
    """What is spared of a period; None where no event touches it."""
    own = {day: one for day, one in spared.days.items() if day in period} if spared else {}
    return replace(spared, days=own) if spared and own else None


# --- editions change at midnight --------------------------------------------------------------------------------


@FIXED
@given(st.dates(date(2013, 1, 1), date(2060, 12, 31)))
def test_the_day_alone_picks_the_edition(day: date) -> None:
    regime = standards.air(periods.number(day))
    assert regime.index.id == ("HJ 633-2012" if day < CHANGE else "HJ 633-2026")
    assert regime.limits.id == ("GB 3095-2012" if day < CHANGE else "GB 3095-2026")
    assert regime.limits.phase == ("single" if day < CHANGE else "transitional" if day < FINAL else "final")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def test_hours_and_days_change_at_midnight_of_beijing(office: Office) -> None:
    """PM2.5 70 all the time: 50 + 50/40 x 35 = 93.75, up to 94, until 28 February 24:00; 100 + 50/55 x 10 = 109.09, up
    to 110, in the hour that begins there. Midnight of UTC, eight hours later, changes nothing."""
    office.now_is(site("t", "station"))
    for day in ("2026-02-28", "2026-03-01"):
        office.air_day("t", day, pm25=70)
    office.judge("2026-03-02T12:00")
    first, number = periods.number(date(2026, 2, 28)), office.store.site_numbers["t"]
    assert periods.hour_ending(first, 24) == at("2026-03-01T00:00")
    hours = judge_air.hourly_index(office.store, office.config, [number], first, first + 1)[:, 0]
    assert hours.tolist() == [94] * 24 + [110] * 24
    for subject in ("t", "a"):
        days = office.store.air_days(office.store.site_numbers[subject], first, first + 1)
        assert [(day.aqi, day.level, day.edition) for day in days] == [(94, 2, "HJ 633-2012"), (110, 3, "HJ 633-2026")]
    period = periods.parse("2026-02-28..2026-03-01")
    found = rating.rate(office.store, office.config, RateName.GOOD_DAYS, "a", period, at("2026-03-02T12:00"))
    assert (found.numerator, found.denominator, found.editions) == (1, 2, ("HJ 633-2012", "HJ 633-2026"))


def test_the_final_limits_hold_from_new_year_2031(office: Office) -> None:
    """PM2.5 55: index 50 + 50/25 x 20 = 90 on both sides of New Year, a good day; the daily limit falls from 60 to 50
    (GB 3095-2026 table 1), which figures of the new year meet."""
    office.now_is(site("t", "station"))
    for day in ("2030-12-31", "2031-01-01"):
        office.air_day("t", day, pm25=55)
    office.judge("2031-01-02T12:00")
    first = periods.number(date(2030, 12, 31))
    days = office.store.air_days(office.store.site_numbers["t"], first, first + 1)
    assert [(day.aqi, day.edition) for day in days] == [(90, "HJ 633-2026")] * 2
    for year, over, annual in (("2030", 0, 30), ("2031", 365, 25)):
        whole = periods.parse(year)
        same = constant_days(f"{year}-01-01", 365, pm25=55)
        found = item("pm25", air_stats.figures(same, whole, whole, standards.air(whole.last), 2))
        assert found.mean is not None
        assert (found.over, found.mean.limit) == (over, annual)
