"""`envmon calc hours`: values of minutes from a file, as hourly means with the minutes behind them.

Never here: how many minutes an hour needs, how a mean is rounded, or a second copy of either (`assess.minutes`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any

import click

from envmon.cli import language
from envmon.cli.calc_cells import in_steps, minute_of, pollutant
from envmon.cli.calc_rows import Cells, Problems, find_columns, place_of, read, write_table
from envmon.errors import UsageError
from envmon.texts import t

if TYPE_CHECKING:
    from envmon.assess.minutes import Hours

LANG = language()
HOUR, DAY = 60, 1440
LONGEST_GAP = 366 * DAY  # between two times of one file
TIMES = ("time", "时间", "date", "日期")  # headings of the column with the times

Readings = Mapping[int, tuple[int, list[int]]]
"""Minute -> line of the file, value of each column in stored steps."""


@click.command(help=t("calc.hours.help", LANG), epilog=t("calc.hours.example", LANG))
@click.option("--step", type=click.IntRange(1, HOUR), help=t("calc.hours.step", LANG))
@click.option("--json", "as_json", is_flag=True, help=t("calc.json", LANG))
@click.argument("file", type=click.File("rb"), default="-")
@click.pass_context
def hours(ctx: click.Context, step: int | None, as_json: bool, file: IO[bytes]) -> None:
    problems = Problems()
    names, rows = read(file)
    columns = find_columns(names, pollutant, t("calc.aqi.columns", LANG))
    place = next((found for name in TIMES if (found := place_of(names, name)) is not None), None)
    if place is None:
        raise UsageError(t("calc.hours.no_time", LANG, found=", ".join(names), accepted=", ".join(TIMES)))
    readings = read_minutes(rows, len(names), place, columns, problems)
    wanted = step or step_of(sorted(readings))
    if HOUR % wanted:
        raise UsageError(t("calc.hours.step_wrong", LANG, step=wanted))
    heads = ["hour", *(head for item in columns for head in (item, f"minutes_{item}", f"status_{item}"))]
    write_table(heads, list(hour_rows(readings, wanted, list(columns), problems)), as_json)
    problems.finish(ctx)


def read_minutes(
    rows: Iterator[tuple[int, Cells]], width: int, place: int, columns: Mapping[str, int], problems: Problems
) -> dict[int, tuple[int, list[int]]]:
    """The readings by their minute; of a time given twice the later row counts, and it is told."""
    from envmon import periods, standards
    from envmon.model import NO_VALUE

    last = periods.hour_ending(periods.LAST_DAY, 23)  # the hour after it ends in a year that cannot be written
    decimals = {item: standards.parameters()[item].decimals for item in columns}
    found: dict[int, tuple[int, list[int]]] = {}
    for line, cells in rows:
        if len(cells) != width:
            problems.tell("cells", line, found=len(cells), expected=width)
            continue
        at = minute_of(cells[place])
        if at is None or not standards.in_force(_day(at)) or at > last:
            problems.tell("time", line, cell=cells[place].strip())
            continue
        values = []
        for item, column in columns.items():
            value = in_steps(cells[column], decimals[item])
            if value is None:
                problems.tell("cell", line, column=item, cell=cells[column].strip())
            values.append(NO_VALUE if value is None else value)
        if at in found:
            problems.tell("again", line, cell=cells[place].strip(), first=found[at][0])
        found[at] = (line, values)
    return found


def step_of(minutes: list[int]) -> int:
    """The minutes from one value to the next, as most of them are apart.

    Raises UsageError where that says nothing, or does not divide an hour.

    >>> step_of([0, 5, 10, 20, 25])
    5
    """
    apart = Counter(later - earlier for earlier, later in pairwise(minutes))
    if not apart:
        raise UsageError(t("calc.hours.no_step", LANG))
    step = max(apart, key=lambda one: (apart[one], -one))
    if step > HOUR or HOUR % step:
        raise UsageError(t("calc.hours.step_wrong", LANG, step=step))
    return step


def hour_rows(readings: Readings, step: int, items: list[str], problems: Problems) -> Iterator[list[Any]]:
    """One row an hour from the first to the last, day by day: its end, then value, minutes and status of each item."""
    from envmon import standards
    from envmon.assess.minutes import hourly_means

    for at, (line, _) in readings.items():
        if at % step:
            problems.tell("off_step", line, step=step)
    on_step = {at: values for at, (_, values) in readings.items() if at % step == 0}
    if not on_step:
        return
    refuse_gaps(readings, sorted(on_step))
    start, end = (min(on_step) - 1) // HOUR * HOUR, -(-max(on_step) // HOUR) * HOUR
    while start < end:
        following = min(end, start + DAY - (start + HOUR * 8) % DAY)  # whole days, Beijing time
        validity = standards.air(_day(start + HOUR)).validity
        found = hourly_means(laid(on_step, start, following, step, items), step, validity)
        yield from printed_rows(found, start, items)
        start = following


def refuse_gaps(readings: Readings, minutes: list[int]) -> None:
    """Raise UsageError where two neighbouring times are more than LONGEST_GAP apart: one of them is mistyped."""
    from envmon import periods

    for earlier, later in pairwise(minutes):
        if later - earlier > LONGEST_GAP:
            times = {"before": periods.clock(earlier), "after": periods.clock(later)}
            lines = {"line": readings[earlier][0], "other": readings[later][0]}
            raise UsageError(t("calc.hours.gap", LANG, days=LONGEST_GAP // DAY, **times, **lines))


def laid(readings: Mapping[int, list[int]], start: int, end: int, step: int, items: list[str]) -> Any:
    """Values of some minutes as `hourly_means` takes them: [pollutant, time, 1], start < time <= end."""
    import numpy as np

    from envmon.model import NO_VALUE, POLLUTANTS

    values = np.full((len(POLLUTANTS), (end - start) // step, 1), NO_VALUE, np.int64)
    rows = [POLLUTANTS.index(item) for item in items]
    for place, at in enumerate(range(start + step, end + 1, step)):
        if at in readings:
            values[rows, place, 0] = readings[at]
    return values


def printed_rows(found: Hours, start: int, items: list[str]) -> Iterator[list[Any]]:
    from envmon import periods, standards
    from envmon.model import NO_VALUE, POLLUTANTS, Status
    from envmon.rounding import printed

    for hour in range(found.value.shape[1]):
        row: list[Any] = [periods.clock(start + HOUR * (hour + 1))]
        for item in items:
            place = POLLUTANTS.index(item), hour, 0
            value, minutes = int(found.value[place]), int(found.minutes[place])
            status = Status.VALID if value != NO_VALUE else Status.INSUFFICIENT if minutes else Status.MISSING
            shown = None if value == NO_VALUE else printed(value, standards.parameters()[item].decimals)
            row += [shown, minutes, status.name.lower()]
        yield row


def _day(minute: int) -> int:
    from envmon import periods

    return periods.day_of(minute)
