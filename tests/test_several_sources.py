"""Several sources of one site: whose value goes first, and where they disagree.

The day of 1 March 2022 of station `t`: PM2.5 is 35 by `one`, 36 by `two`, 120 by `three`, at every hour; what a test
changes stands in it. Sources come in the order one, two, three of the config.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envmon import periods, qc
from envmon.config import ConfigMistakes
from envmon.model import POLLUTANTS, Basis, Flag, Kind, Span, Stream, View
from envmon.pipeline import quality
from envmon.pipeline.explaining_air import explain_day
from envmon.pipeline.explaining_water import explain_water
from envmon.standards import parameters
from tests.test_rounds import AIR, WATER, Office, at, site

ITEMS = parameters()
DAY = "2022-03-01"
FIRST = periods.parse(DAY).first
NOW = "2022-03-02T01:00"


def source(name: str) -> str:
    return f'[[sources]]\nid = "{name}"\nkind = "archive"\nurl = "http://127.0.0.1:1/{name}/"\nevery = "1h"\n'


SOURCES = "".join(map(source, ("one", "two", "three")))


def preference(*sources: str, sites: str = "", items: str = "") -> str:
    listed = ", ".join(f'"{name}"' for name in sources)
    more = "".join(
        f"{key} = [{', '.join(repr(word) for word in words.split())}]\n"
        for key, words in (("sites", sites), ("items", items))
        if words
    )
    return f"[[preferences]]\nsources = [{listed}]\n{more}"


def give(
    office: Office,
    by: str,
    name: str,
    when: str,
    values: Mapping[str, float],
    taken: str = "",
    basis: Basis = Basis.REALTIME,
    span: Span = Span.HOUR,
) -> None:
    stream = office.store.stream(Stream(by, basis, span))
    minute = at(taken or when)
    rows = [
        (
            at(when),
            office.store.site_numbers[name],
            ITEMS[item].number,
            stream,
            round(value * 10 ** ITEMS[item].decimals),
            0,
        )
        for item, value in values.items()
    ]
    office.store.keep(by, f"{by}://x", minute, minute, rows)


def hours() -> list[str]:
    start = at(f"{DAY}T00:00")
    return [periods.moment(start + 60 * hour).isoformat() for hour in range(1, 25)]


PM25 = {"one": 35, "two": 36, "three": 120}


def whole_day(
    office: Office, names: tuple[str, ...] = ("t",), but: Mapping[str, tuple[int, ...]] | None = None
) -> None:
    """The day by each source, but for some hours of a source."""
    for by, value in PM25.items():
        for hour, when in enumerate(hours(), 1):
            if hour not in (but or {}).get(by, ()):
                for name in names:
                    give(office, by, name, when, {**AIR, "pm25": value})


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.now_is(site("t", "station"), site("u", "station"), SOURCES)
    yield made
    made.store.close()


def used(office: Office, name: str, item: str = "pm25") -> list[int]:
    """What is judged by, in the item's unit, hour by hour."""
    values, _ = office.store.air_hours([office.store.site_numbers[name]], FIRST, FIRST)
    row = POLLUTANTS.index(item)
    return [int(value) // 10 ** ITEMS[item].decimals for value in values[row, :, 0]]


def daily(office: Office, name: str) -> int | None:
    """The judged daily PM2.5 as stored."""
    day = next((one for one in office.store.air_days(office.store.site_numbers[name], FIRST, FIRST)), None)
    return None if day is None else day.value[5]


# --- order --------------------------------------------------------------------------------------------------------


def test_without_a_preference_the_order_of_the_config_decides_hour_by_hour(office: Office) -> None:
    whole_day(office, but={"one": (3, 4), "two": (4,)})
    assert used(office, "t") == [35, 35, 36, 120, *[35] * 20]


def test_a_preference_holds_for_its_sites_and_items_only(office: Office) -> None:
    chosen = preference("three", "two", sites="t", items="pm25")
    office.now_is(site("t", "station"), site("u", "station"), SOURCES, chosen)
    whole_day(office, ("t", "u"), but={"three": (5,), "two": (6,)})
    for when in hours():
        give(office, "three", "t", when, {"no2": 99})
    assert used(office, "t") == [*[120] * 4, 36, *[120] * 19]
    assert used(office, "u") == [35] * 24
    values, _ = office.store.air_hours([office.store.site_numbers["t"]], FIRST, FIRST)
    assert set((values[1, :, 0] // 10 ** ITEMS["no2"].decimals).tolist()) == {AIR["no2"]}  # by one


def test_the_first_preference_that_fits_decides_and_unnamed_sources_come_after(office: Office) -> None:
    chosen = preference("two", sites="t", items="pm25") + preference("three")
    office.now_is(site("t", "station"), site("u", "station"), SOURCES, chosen)
    whole_day(office, ("t", "u"), but={"two": (7,), "three": (8,)})
    assert used(office, "t") == [*[36] * 6, 35, *[36] * 17]  # without two: one, as in the config
    assert used(office, "u") == [*[120] * 7, 35, *[120] * 16]


def test_reviewed_values_go_first_whatever_is_preferred(office: Office) -> None:
    office.now_is(site("t", "station"), site("u", "station"), SOURCES, preference("three"))
    whole_day(office)
    give(office, "one", "t", hours()[9], {"pm25": 40}, basis=Basis.REVIEWED)
    assert used(office, "t") == [*[120] * 9, 40, *[120] * 14]


def test_the_same_order_holds_one_by_one_and_all_at_once(office: Office) -> None:
    chosen = (
        preference("two", sites="t", items="pm25 o3") + preference("three", items="so2") + preference("three", "two")
    )
    office.now_is(site("t", "station"), site("u", "station"), SOURCES, chosen)
    whole_day(office, ("t", "u"))
    order = office.store.order()
    grid = [(s, n, p) for s in (1, 2, 3) for n in office.store.site_numbers.values() for p in range(1, 7)]
    streams, sites, items = (np.array(column) for column in zip(*grid, strict=True))
    assert order.ranks(streams, sites, items).tolist() == [order.rank(*one) for one in grid]


def test_a_changed_preference_judges_the_days_of_its_sites_again(office: Office) -> None:
    whole_day(office, ("t", "u"))
    office.judge(NOW)
    assert (daily(office, "t"), daily(office, "u")) == (35, 35)
    office.now_is(site("t", "station"), site("u", "station"), SOURCES, preference("three", sites="t"))
    office.judge(NOW)
    assert (daily(office, "t"), daily(office, "u")) == (120, 35)
    office.now_is(site("t", "station"), site("u", "station"), SOURCES)
    office.judge(NOW)
    assert (daily(office, "t"), daily(office, "u")) == (35, 35)


@pytest.mark.parametrize("seed", range(4))
def test_order_of_arrival_does_not_matter(tmp_path: Path, seed: int) -> None:
    """Three sources shuffled, late and twice end as they would have in order."""
    dice, chosen = random.Random(seed), preference("two", items="pm25")
    ends = []
    for shuffled in (False, True):
        made = Office(tmp_path / str(shuffled))
        made.now_is(site("t", "station"), SOURCES, chosen)
        arrivals = [(by, when) for by in PM25 for when in hours()]
        if shuffled:
            arrivals += dice.sample(arrivals, 20)
            dice.shuffle(arrivals)
        for at_, (by, when) in enumerate(arrivals):
            give(made, by, "t", when, {**AIR, "pm25": PM25[by]}, taken=f"2022-03-02T0{at_ // 60}:{at_ % 60:02}")
            if shuffled and dice.random() < 0.1:
                made.judge("2022-03-02T03:00")
        made.judge("2022-03-02T03:00")
        flags = made.store.db.execute("SELECT * FROM qc_flag ORDER BY 1, 2, 3, 4").fetchall()
        ends.append((used(made, "t"), daily(made, "t"), flags))
        made.store.close()
    assert ends[0] == ends[1]
    assert ends[0][0] == [36] * 24


# --- disagreement -------------------------------------------------------------------------------------------------


def apart(office: Office, name: str = "t") -> list[tuple[str, str, str]]:
    """(time, item, detail) of every disagreement that is kept of a site."""
    by_number = {one.number: one.id for one in ITEMS.values()}
    found = office.store.flags(office.store.site_numbers[name], 0, 2**40)
    own = [one for one in found if one.test == "sources_disagree"]
    assert all(one.flag is Flag.SUSPECT for one in own)
    times = [periods.clock(one.ending)[5:] for one in own]
    said = [quality.reason(one, "en").removeprefix("sources say ") for one in own]
    return list(zip(times, [by_number[one.parameter] for one in own], said, strict=True))


@pytest.mark.parametrize(
    ("item", "first", "second", "differ"),
    [
        ("pm25", 35, 40, False),  # 5 is not more than 5
        ("pm25", 35, 41, True),  # 6 > 5, 14.6 % of 41
        ("pm25", 100, 111, False),  # 11 is 9.9 % of 111
        ("pm25", 100, 112, True),  # 12 is 10.7 % of 112
        ("co", 0.8, 0.812, False),  # the same value, rounded
        ("co", 0.8, 1.1, True),  # 0.3 > 0.2, 27 %
        ("o3", 0, 11, True),
        ("o3", 0, 10, False),
    ],
)
def test_sources_disagree_beyond_an_amount_and_a_share(
    office: Office, item: str, first: float, second: float, differ: bool
) -> None:
    for when in hours():
        give(office, "one", "t", when, AIR)
    give(office, "one", "t", hours()[4], {item: first})
    give(office, "two", "t", hours()[4], {item: second})
    office.judge(NOW)
    told = [("03-01 05:00", item, f"one {first:g}, two {second:g}")] if differ else []
    assert [(when, what) for when, what, _ in apart(office)] == [(when, what) for when, what, _ in told]
    if differ and item == "pm25":
        assert apart(office) == told


def test_a_disagreement_is_a_record_beside_both_readings_and_goes_when_they_agree(office: Office) -> None:
    for when in hours():
        give(office, "one", "t", when, AIR)
        give(office, "two", "t", when, AIR)
    give(office, "two", "t", hours()[6], {"pm25": 90}, taken=f"{DAY}T08:00")
    office.judge(NOW)
    assert apart(office) == [("03-01 07:00", "pm25", "one 20, two 90")]
    assert used(office, "t") == [20] * 24
    both = "SELECT value FROM reading WHERE ending = ? AND parameter = ? ORDER BY value"
    kept = office.store.db.execute(both, (at(hours()[6]), ITEMS["pm25"].number)).fetchall()
    assert [value // 10 ** ITEMS["pm25"].decimals for (value,) in kept] == [20, 90]
    give(office, "two", "t", hours()[6], {"pm25": 21}, taken="2022-03-02T02:00")
    office.judge("2022-03-02T03:00")
    assert apart(office) == []


def test_the_tolerance_is_set_item_by_item_and_the_test_can_be_off(office: Office) -> None:
    def with_settings(settings: str) -> list[tuple[str, str, str]]:
        office.now_is(site("t", "station"), SOURCES, settings)
        office.judge(NOW)
        return apart(office)

    for when in hours():
        give(office, "one", "t", when, AIR)
        give(office, "two", "t", when, {**AIR, "pm25": 21, "o3": 90})
    assert {item for _, item, _ in with_settings("")} == {"o3"}
    assert {item for _, item, _ in with_settings('[qc.sources_disagree]\npercent = 1\nby = { pm25 = "0.5" }\n')} == {
        "o3",
        "pm25",
    }
    assert with_settings("[qc.sources_disagree]\noff = true\n") == []


def test_sections_are_compared_too_and_only_with_their_own_kind_of_data(office: Office) -> None:
    office.now_is(site("s", "section"), SOURCES)
    when = f"{DAY}T08:00"
    give(office, "one", "s", when, WATER, span=Span.FOUR_HOURS)
    give(office, "two", "s", when, {**WATER, "nh3n": 0.9}, span=Span.FOUR_HOURS)
    give(office, "three", "s", when, {**WATER, "tp": 0.9}, basis=Basis.MANUAL, span=Span.SAMPLE)
    office.judge(NOW)
    assert apart(office, "s") == [("03-01 08:00", "nh3n", "one 0.1, two 0.9")]


def test_one_source_alone_disagrees_with_nobody() -> None:
    keys = np.array([[60, 60, 120], [1, 1, 1], [6, 5, 6]])
    numbers = {one.number: one for one in ITEMS.values()}
    assert qc.disagreeing(keys, np.array([1, 1, 1]), np.array([10, 500, 90]), numbers, {}) == {}
    none = np.zeros((3, 0), np.int64)
    assert qc.disagreeing(none, none[0], none[0], numbers, {}) == {}


# --- explanations -------------------------------------------------------------------------------------------------


def rows_of(explanation: Any) -> list[dict[str, Any]]:
    return next((part.rows for part in explanation.parts if part.id == "sources"), [])


def test_explain_day_says_whose_value_was_used_and_what_the_others_said(office: Office) -> None:
    whole_day(office, but={"three": tuple(hour for hour in range(1, 25) if hour != 5)})
    office.judge(NOW)
    rows = [
        row for row in rows_of(explain_day(office.store, office.config, "t", FIRST, View())) if row["item"] == "pm25"
    ]
    assert [(row["at"][11:], row["source"], row["reading"], row["others"]) for row in rows] == [
        ("01:00", "one", "35", ["two 36"]),
        ("02:00", "one", "35", ["two 36"]),
        ("03:00", "one", "35", ["two 36"]),
        ("04:00", "one", "35", ["two 36"]),
        ("05:00", "one", "35", ["two 36", "three 120"]),
        *[(f"{hour:02}:00", "one", "35", ["two 36"]) for hour in range(6, 24)],
        ("00:00", "one", "35", ["two 36"]),
    ]
    same = [
        row for row in rows_of(explain_day(office.store, office.config, "t", FIRST, View())) if row["item"] == "no2"
    ]
    assert [(row["at"][11:], row["until"][11:], row["count"], row["reading"]) for row in same] == [
        ("01:00", "00:00", 23, None),
        ("05:00", "05:00", 1, None),
    ]


def test_explain_of_one_source_has_no_such_part(office: Office) -> None:
    for when in hours():
        give(office, "one", "t", when, AIR)
    office.judge(NOW)
    assert rows_of(explain_day(office.store, office.config, "t", FIRST, View())) == []


def test_explain_section_says_it_too(office: Office) -> None:
    office.now_is(site("s", "section"), SOURCES)
    give(office, "one", "s", f"{DAY}T08:00", WATER, span=Span.FOUR_HOURS)
    give(office, "two", "s", f"{DAY}T08:00", {**WATER, "nh3n": 0.9}, span=Span.FOUR_HOURS)
    office.judge("2022-03-03T01:00")
    found = explain_water(office.store, office.config, Kind.SECTION, "s", periods.parse(DAY), at(NOW), View())
    assert [(row["source"], row["others"]) for row in rows_of(found) if row["item"] == "nh3n"] == [("one", ["two 0.9"])]


# --- config -------------------------------------------------------------------------------------------------------


def test_every_mistake_of_a_preference_is_told_at_once(office: Office) -> None:
    wrong = preference("on", sites="tt", items="pm2") + "[[preferences]]\nsources = []\n"
    with pytest.raises(ConfigMistakes) as caught:
        office.now_is(site("t", "station"), SOURCES, wrong)
    told = {(one.path, one.suggestion) for one in caught.value.mistakes}
    assert told == {
        ("preferences[1].sources", "one"),
        ("preferences[1].sites", ""),
        ("preferences[1].items", "pm25"),
        ("preferences[2].sources", ""),
    }


def test_the_gap_settings_are_read_and_checked(office: Office) -> None:
    office.now_is(site("t", "station"), '[gaps]\ngrace = "30m"\ndays = 7\nwindows = 2\n')
    assert (office.config.gaps.grace, office.config.gaps.days, office.config.gaps.windows) == (30, 7, 2)
    with pytest.raises(ConfigMistakes) as caught:
        office.now_is(site("t", "station"), '[gaps]\ngrace = "soon"\ndays = 999\nwindow = 2\n')
    assert len(caught.value.mistakes) == 3


def test_only_values_that_are_judged_are_compared(office: Office) -> None:
    """Minutes, moments and days of two senders say nothing of the hours that end with them."""
    for when in hours():
        for by in ("one", "two"):
            give(office, by, "t", when, AIR)
            for span in (Span.MINUTES_5, Span.MOMENT, Span.DAY):
                give(office, by, "t", when, {**AIR, "pm25": PM25[by] * 9}, span=span)
    give(office, "three", "t", hours()[2], {"pm25": 99}, span=Span.MINUTES_5)
    office.judge(NOW)
    assert apart(office) == []
    parts = explain_day(office.store, office.config, "t", FIRST, View()).parts
    assert {row["others"][0] for one in parts if one.id == "sources" for row in one.rows} == {"two ="}


def test_of_two_kinds_of_data_the_reviewed_sources_are_told_whichever_came_first(tmp_path: Path) -> None:
    """Of one reading one verdict is kept: that on the kind that is judged by."""
    found = []
    for order in ((Basis.REALTIME, Basis.REVIEWED), (Basis.REVIEWED, Basis.REALTIME)):
        made = Office(tmp_path / order[0].name)
        made.now_is(site("t", "station"), SOURCES)
        for basis in order:
            give(made, "one", "t", hours()[4], AIR, basis=basis)
            give(made, "two", "t", hours()[4], AIR | {"pm25": 70 + 10 * basis}, basis=basis)
        made.judge(NOW)
        found.append(apart(made))
        made.store.close()
    assert found == [[("03-01 05:00", "pm25", "one 20, two 80")]] * 2
