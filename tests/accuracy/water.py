"""Published water classes counted against the program's own; where they come from: published/water/README.md."""

from __future__ import annotations

import csv
import lzma
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, cached_property

import numpy as np

from envmon import periods, rounding, standards
from envmon.assess import water
from envmon.model import NO_VALUE, Body, BoolArray, IntArray, WaterClass
from tests.accuracy.counting import PUBLISHED, Comparison, Kind

FOLDER = PUBLISHED / "water"
ITEMS = ("ph", "do", "codmn", "nh3n", "tp")
PRINTED = dict(zip(ITEMS, ("pH", "DO", "CODMn", "NH3-N", "TP"), strict=True))
CLASSES = {name: WaterClass(number) for number, name in enumerate(("Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ", "劣Ⅴ"), 1)}
NAMES = {number: name for name, number in CLASSES.items()}
REGIME = standards.water(periods.number(date(2022, 1, 1)))
ON_A_LIMIT = {  # GB 3838-2002 table 1, as printed: ph, do, codmn, nh3n, tp of rivers; tp of lakes
    "ph": "6 9",
    "do": "7.5 6 5 3 2",
    "codmn": "2 4 6 10 15",
    "nh3n": "0.15 0.5 1.0 1.5 2.0",
    "tp": "0.02 0.1 0.2 0.3 0.4",
}
TP_OF_LAKES = "0.01 0.025 0.05 0.1 0.2"
Row = dict[str, str]


class Table:
    """The published rows: values [row, item] in steps of the items, bodies and classes [row]."""

    def __init__(self) -> None:
        with (FOLDER / "sections.csv").open(encoding="utf-8") as file:
            bodies = {row["section"]: Body[row["body"].upper()] for row in csv.DictReader(file)}
        with lzma.open(FOLDER / "sections_4h_sichuan_202106-202306.csv.xz", "rt", encoding="utf-8") as file:
            self.rows: list[Row] = list(csv.DictReader(file))
        decimals = [REGIME.items[item].decimals for item in ITEMS]
        known: dict[tuple[str, int], int] = {("*", places): NO_VALUE for places in decimals}
        for row in self.rows:
            for item, places in zip(ITEMS, decimals, strict=True):
                if (row[item], places) not in known:
                    known[row[item], places] = rounding.scaled(row[item], places)
        self.values = np.array(
            [[known[row[item], places] for item, places in zip(ITEMS, decimals, strict=True)] for row in self.rows],
            np.int64,
        )
        self.every = np.arange(len(self.rows))
        self.body = np.array([bodies[row["section"]] for row in self.rows])
        self.published = np.array([CLASSES[row["class"]] for row in self.rows])

    def judged(self, values: IntArray, rows: IntArray, body: Body | None = None) -> IntArray:
        """Classes of some values of some rows; each by its own kind of body, or all by one."""
        nothing = np.zeros(values.shape, np.bool_)
        bodies = self.body[rows] if body is None else np.full(len(rows), body)
        return water.judge_array(values, nothing, bodies, REGIME, "auto_5", ITEMS)

    @cached_property
    def own(self) -> IntArray:
        """Our class of every row."""
        return self.judged(self.values, self.every)

    @cached_property
    def differing(self) -> IntArray:
        """The rows whose class is not the published one."""
        return np.flatnonzero(self.own != self.published)

    @cached_property
    def on_a_limit(self) -> dict[int, int]:
        """Row that differs -> column of a value on a limit that, taken a step aside, gives what is published."""
        found = {}
        for row in self.differing.tolist():
            column = self._explained(row)
            if column is not None:
                found[row] = column
        return found

    def _explained(self, row: int) -> int | None:
        for column, item in enumerate(ITEMS):
            if int(self.values[row, column]) in limits(item, Body(self.body[row])):
                for step in (-1, 1):
                    values = self.values[[row]]
                    values[0, column] += step
                    if self.judged(values, np.array([row]))[0] == self.published[row]:
                        return column
        return None

    @cached_property
    def unexplained(self) -> list[int]:
        """The rows that differ for another reason."""
        return [row for row in self.differing.tolist() if row not in self.on_a_limit]

    @cached_property
    def hanging(self) -> BoolArray:
        """Rows whose class would change if one value on a limit were a step off it."""
        found = np.zeros(len(self.rows), np.bool_)
        for column, item in enumerate(ITEMS):
            on_a_limit = np.zeros(len(self.rows), np.bool_)
            for body in (Body.RIVER, Body.LAKE):
                on_a_limit |= (self.body == body) & np.isin(self.values[:, column], sorted(limits(item, body)))
            for step in (-1, 1):
                values = self.values.copy()
                values[on_a_limit, column] += step
                found |= self.judged(values, self.every) != self.own
        return found

    def example(self, row: int, own: IntArray | None = None) -> str:
        """A row as people read it, with our class of it."""
        one = self.rows[row]
        values = ", ".join(f"{name} {one[item]}" for item, name in PRINTED.items() if one[item] != "*")
        ours = NAMES[(self.own if own is None else own)[row]]
        return f"{one['section']} {one['time']}: {values}; published {one['class']}, ours {ours}"


@cache
def table() -> Table:
    return Table()


def limits(item: str, body: Body) -> set[int]:
    printed = TP_OF_LAKES if item == "tp" and body is Body.LAKE else ON_A_LIMIT[item]
    return {rounding.scaled(text, REGIME.items[item].decimals) for text in printed.split()}


def listed() -> list[Row]:
    """The rows of class_differs.csv."""
    with (FOLDER / "class_differs.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def near(hours: int) -> tuple[set[int], set[int]]:
    """Unexplained rows that have a row of their section so many hours away, and those with the class of its values."""
    known = table()
    places = {(row["section"], row["time"]): at for at, row in enumerate(known.rows)}
    have, carry = set(), set()
    for row in known.unexplained:
        one = known.rows[row]
        when = f"{datetime.fromisoformat(one['time']) + timedelta(hours=hours):%Y-%m-%d %H:%M}"
        other = places.get((one["section"], when))
        if other is not None:
            have.add(row)
            if known.own[other] == known.published[row]:
                carry.add(row)
    return have, carry


@dataclass(frozen=True, slots=True)
class Sections:
    """The published classes: all, by kind of body, and with the limits of rivers for every section."""

    classes: Comparison
    rivers: Comparison
    lakes: Comparison
    as_rivers: Comparison
    hanging: int  # rows whose class hangs on a value at a limit
    by_item: tuple[tuple[str, int], ...]  # of the rows that differ by one: item, rows


@cache
def sections() -> Sections:
    known = table()
    lakes = known.body == Body.LAKE
    columns = Counter(PRINTED[ITEMS[column]] for column in known.on_a_limit.values())
    return Sections(
        classes=compared("all sections, each by its kind of water", known.every),
        rivers=compared("the 99 river sections (河流)", known.every[~lakes]),
        lakes=compared("the 3 lake sections (湖库)", known.every[lakes]),
        as_rivers=as_rivers(),
        hanging=int(known.hanging.sum()),
        by_item=tuple(columns.most_common()),
    )


def compared(figure: str, rows: IntArray) -> Comparison:
    """Some rows by our classes; every one that differs is of one kind."""
    known = table()
    wrong = [row for row in rows.tolist() if known.own[row] != known.published[row]]
    have, carry = near(-4)
    kinds: dict[str, list[int]] = {
        "a value is printed exactly on a limit, and one step to a side of it gives the published class": [],
        "the class is that of the values four hours before": [],
        "unexplained, and no row four hours before to compare with": [],
        "unexplained all the same": [],
    }
    on_a_limit, lags, alone, unexplained = kinds.values()
    for row in wrong:
        kind = (
            on_a_limit if row in known.on_a_limit else lags if row in carry else unexplained if row in have else alone
        )
        kind.append(row)
    made = (Kind(text, len(found), known.example(found[0])) for text, found in kinds.items() if found)
    return Comparison(figure, len(rows), len(rows) - len(wrong), tuple(made))


def as_rivers() -> Comparison:
    """Every section by the limits of rivers: what the fitted kinds of water are worth."""
    known = table()
    own = known.judged(known.values, known.every, Body.RIVER)
    wrong = np.flatnonzero(own != known.published)
    lakes = wrong[known.body[wrong] == Body.LAKE]
    kinds = (
        Kind("river sections: as above", len(wrong) - len(lakes)),
        Kind("lake sections: the limits of rivers do not fit", len(lakes), known.example(int(lakes[0]), own)),
    )
    return Comparison("all sections, every one as a river", len(known.rows), len(known.rows) - len(wrong), kinds)
