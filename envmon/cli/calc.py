"""`envmon calc`: judge values straight from a file or a pipe by the standards, without a database.

Every column of the input comes out first and unchanged; the judgement follows it. Rows are read, judged and written in
blocks, so that a long file needs little memory. A cell that cannot be used is named on stderr with line and column and
the exit code becomes 3; the rest goes on. Never here: a limit, a rounding rule, or a second copy of any judgement.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

import click

from envmon.cli import language
from envmon.cli.calc_cells import day_of, in_steps, pollutant
from envmon.cli.calc_hours import hours
from envmon.cli.calc_rows import Cells, Problems, find_columns, place_of, read, write
from envmon.errors import NotInForce, UsageError
from envmon.texts import t

if TYPE_CHECKING:
    from envmon.assess.water import Sample
    from envmon.model import Body, IndexEdition, WaterClass, WaterRegime

LANG = language()
NOT_MONITORED = "/"  # HJ 633-2026, notes of tables 4 and 5
CENSORED = re.compile(r"[<＜]\s*(\S+)|(\S+?)\s*[LlＬ]")


@click.group(help=t("calc.help", LANG))
def calc() -> None:
    pass


calc.add_command(hours)


@calc.command(help=t("calc.aqi.help", LANG), epilog=t("calc.aqi.example", LANG))
@click.option("--standard", default="by-date", help=t("calc.aqi.standard", LANG))
@click.option(
    "--mode", type=click.Choice(["daily", "hourly"]), default="daily", show_default=True, help=t("calc.aqi.mode", LANG)
)
@click.option("--json", "as_json", is_flag=True, help=t("calc.json", LANG))
@click.argument("file", type=click.File("rb"), default="-")
@click.pass_context
def aqi(ctx: click.Context, standard: str, mode: str, as_json: bool, file: IO[bytes]) -> None:
    from envmon import standards

    problems = Problems()
    named = None if standard == standards.BY_DATE else standards.index_edition(standard)
    names, rows = read(file)
    columns = find_columns(names, pollutant, t("calc.aqi.columns", LANG))
    judge = AirJudge(columns, place_of(names, "date"), named, mode, problems)
    added = ["aqi", "level", "primary", *(f"iaqi_{name}" for name in columns), "edition"]
    write(names, added, rows, judge.rows, as_json, problems)
    problems.finish(ctx)


@calc.command(help=t("calc.water.help", LANG), epilog=t("calc.water.example", LANG))
@click.option("--assessment", default="section_21", show_default=True, help=t("calc.water.assessment", LANG))
@click.option("--json", "as_json", is_flag=True, help=t("calc.json", LANG))
@click.argument("file", type=click.File("rb"), default="-")
@click.pass_context
def water(ctx: click.Context, assessment: str, as_json: bool, file: IO[bytes]) -> None:
    from envmon import standards

    problems = Problems()
    regime = standards.water(_today())
    if assessment not in regime.sets:
        raise UsageError(t("calc.water.unknown_set", LANG, name=assessment, known=", ".join(sorted(regime.sets))))
    names, rows = read(file)
    wanted = set(regime.items)
    columns = find_columns(
        names, lambda name: name.lower() if name.lower() in wanted else None, "ph, do, codmn, nh3n, tp …"
    )
    judge = WaterJudge(columns, place_of(names, "body"), asked(regime, assessment, columns), assessment, problems)
    write(names, ["class", "good", "main", "edition"], rows, judge.rows, as_json, problems)
    problems.finish(ctx)


# --- air --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class AirJudge:
    """Judges blocks of rows by the index edition of each row's day, or by one named edition."""

    columns: dict[str, int]
    day_column: int | None
    named: IndexEdition | None
    mode: str
    problems: Problems
    editions: dict[str, IndexEdition | None] = field(default_factory=dict)  # by the text of the date
    steps: dict[tuple[str, int], int | None] = field(default_factory=dict)  # by text and decimals

    def rows(self, block: list[tuple[int, Cells]]) -> list[list[Any]]:
        """The added cells of each row, in order. Rows of one edition and one plan are judged together."""
        import numpy as np

        from envmon.assess import air
        from envmon.model import POLLUTANTS

        found: list[list[Any]] = [[None] * (4 + len(self.columns)) for _ in block]
        groups: dict[tuple[str, int], tuple[IndexEdition, list[int], list[list[int]]]] = {}
        for place, (line, cells) in enumerate(block):
            edition = self.edition(line, cells)
            if edition is not None:
                values, plan = self.values(line, cells, edition)
                group = groups.setdefault((edition.id, plan), (edition, [], []))
                group[1].append(place)
                group[2].append(values)
        names = {mask: ";".join(name for bit, name in enumerate(POLLUTANTS) if mask >> bit & 1) for mask in range(64)}
        for (_, plan), (edition, places, judged) in groups.items():
            index = air.index(np.array(judged).T, edition, self.mode, plan)
            parts = [index.iaqi[POLLUTANTS.index(name)].tolist() for name in self.columns]
            facts = zip(
                places, index.published.tolist(), index.level.tolist(), index.primary.tolist(), *parts, strict=True
            )
            for place, published, level, primary, *parts_here in facts:
                shown = (published, level, names[primary]) if published >= 0 else ("NA", None, "")
                found[place] = [*shown, *(part if part >= 0 else None for part in parts_here), edition.id]
        return found

    def edition(self, line: int, cells: Cells) -> IndexEdition | None:
        """The edition of a row; None when its date cannot be used (told)."""
        if self.named is not None:
            return self.named
        text = "" if self.day_column is None else cells[self.day_column].strip()
        if text not in self.editions:
            self.editions[text] = self.in_force(text)
        edition = self.editions[text]
        if edition is None:
            self.problems.tell("date", line, cell=text)
        return edition

    def in_force(self, text: str) -> IndexEdition | None:
        """The edition of a date as printed, or of today when there is no date column; None when there is none."""
        from envmon import standards

        day = _today() if self.day_column is None else day_of(text, hourly=self.mode == "hourly")
        try:
            return None if day is None else standards.air(day).index
        except NotInForce:
            return None

    def values(self, line: int, cells: Cells, edition: IndexEdition) -> tuple[list[int], int]:
        """Values in the edition's steps, NO_VALUE where there is none, and the mask of monitored pollutants."""
        from envmon.model import NO_VALUE, POLLUTANTS

        used = edition.daily if self.mode == "daily" else edition.hourly
        values, plan = [NO_VALUE] * len(POLLUTANTS), 0
        for name, place in self.columns.items():
            text, row = cells[place].strip(), POLLUTANTS.index(name)
            if text == NOT_MONITORED:
                continue
            plan |= 1 << row
            key = (text, edition.columns[used[name]].decimals)
            if key not in self.steps:
                self.steps[key] = in_steps(*key)
            value = self.steps[key]
            if value is None:
                self.problems.tell("cell", line, column=name, cell=text)
            values[row] = NO_VALUE if value is None else value
        if len(self.steps) > 100_000:
            self.steps.clear()
        return values, plan


# --- water ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class WaterJudge:
    """Judges blocks of rows; a row is one sample or one mean as reported."""

    columns: dict[str, int]
    body: int | None
    regime: WaterRegime
    item_set: str
    problems: Problems
    known: dict[tuple[str, str], tuple[int | None, bool]] = field(default_factory=dict)  # by item and text

    def rows(self, block: list[tuple[int, Cells]]) -> list[list[Any]]:
        """The added cells of each row, in order."""
        import numpy as np

        from envmon.assess.water import item_classes, judge_array
        from envmon.model import NO_VALUE, Body, WaterClass

        chosen = self.regime.sets[self.item_set]
        names = [name for name in self.columns if name in chosen.items + chosen.optional]
        bodies = [self.body_of(line, cells) for line, cells in block]
        samples = [self.sample(line, cells) for line, cells in block]
        absent = (NO_VALUE, False)
        pairs = [[sample.get(name, absent) for name in names] for sample in samples]
        both = np.array(pairs, np.int64).reshape(len(block), len(names), 2)
        values, below = both[..., 0], both[..., 1] == 1
        kinds = np.array([Body.RIVER if body is None else body for body in bodies], np.int8)
        classes = judge_array(values, below, kinds, self.regime, self.item_set, names).tolist()
        parts = item_classes(values, below, kinds, [self.regime.items[name] for name in names]).tolist()
        found: list[list[Any]] = []
        for body, sample, number, part in zip(bodies, samples, classes, parts, strict=True):
            if body is None:
                found.append([None, None, "", ""])
            elif number == WaterClass.NONE:
                found.append(["NA", None, "", self.regime.edition])
            else:
                items = {name: WaterClass(one) for name, one in zip(names, part, strict=True) if one > WaterClass.III}
                shown = "V-" if number == WaterClass.WORSE_THAN_V else WaterClass(number).name
                found.append([shown, number <= WaterClass.III, self.main(sample, items, body), self.regime.edition])
        return found

    def main(self, sample: Sample, classes: dict[str, WaterClass], body: Body) -> str:
        """Main indicators with their multiples, as codmn(0.3);tp(0.2)."""
        from envmon.assess.water import main_indicators
        from envmon.rounding import printed

        return ";".join(
            one.item if one.multiple is None else f"{one.item}({printed(one.multiple, self.regime.multiple_decimals)})"
            for one in main_indicators(sample, classes, body, self.regime)
        )

    def body_of(self, line: int, cells: Cells) -> Body | None:
        from envmon.model import Body

        text = cells[self.body].strip().lower() if self.body is not None else ""
        body = {"": Body.RIVER, "river": Body.RIVER, "lake": Body.LAKE}.get(text)
        if body is None:
            self.problems.tell("body", line, cell=text)
        return body

    def sample(self, line: int, cells: Cells) -> Sample:
        """Item -> (value in the item's steps, below the detection limit) of one row; missing items are left out."""
        found = {}
        for name, place in self.columns.items():
            key = (name, cells[place])
            if key not in self.known:
                self.known[key] = censored_steps(cells[place], self.regime.items[name].decimals)
            value, censored = self.known[key]
            if value is None:
                self.problems.tell("cell", line, column=name, cell=cells[place].strip())
            elif value >= 0:
                found[name] = (value, censored)
        if len(self.known) > 100_000:
            self.known.clear()
        return found


def asked(regime: WaterRegime, item_set: str, columns: dict[str, int]) -> WaterRegime:
    """The regime with only those items required that have a column: what has none was not to be measured."""
    chosen = regime.sets[item_set]
    required = tuple(name for name in chosen.required if name in columns)
    return replace(regime, sets={**regime.sets, item_set: replace(chosen, required=required)})


def censored_steps(text: str, decimals: int) -> tuple[int | None, bool]:
    """A value as `in_steps`, and whether it was printed as below a detection limit, which then is the value.

    >>> censored_steps("0.025L", 3), censored_steps("<0.025", 3), censored_steps("0.3", 1)
    ((25, True), (25, True), (3, False))
    """
    match = CENSORED.fullmatch(text.strip())
    return in_steps((match[1] or match[2]) if match else text, decimals), match is not None


def _today() -> int:
    from envmon import periods

    return periods.today(int(time.time() // 60))
