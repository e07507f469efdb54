"""Days, sections and sources without what an exceptional event spoiled; the values themselves stay as they are.

A rate is always given as measured. Beside it stands the same rate without the events: a day, section or source that
fails solely through what an event spoiled counts otherwise there. Never here: who decided, storage, rates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from envmon import periods
from envmon.assess import water
from envmon.model import (
    NO_VALUE,
    POLLUTANTS,
    AirDay,
    Body,
    ExceptionalEvent,
    IntArray,
    Status,
    WaterJudgement,
    WaterRegime,
)
from envmon.periods import Period

DEDUCTED = ("drop", "without_items")
"""What becomes of a day that fails solely through what an event spoiled, when too little is left to judge it by: it
leaves the rate, or it is judged by the other pollutants. The notice on deducting dust (环办监测〔2016〕120号) was not
seen to say which."""


def spared(
    hours: IntArray, first_day: int, columns: Mapping[str, list[int]], events: Sequence[ExceptionalEvent]
) -> IntArray:
    """Hours [pollutant, 24 x days, site] with NO_VALUE where an event spoils them.

    columns : of the sites that each subject of an event stands for. An hour that the event touches is spoiled.
    """
    found = hours.copy()
    start, rows = periods.hour_ending(first_day, 0), hours.shape[1]
    for event in events:
        first = max(0, (event.first - start) // 60)
        last = min(rows, -(-(event.last - start) // 60))
        if event.subject in columns and first < last:
            for item in event.items:
                if item in POLLUTANTS:
                    found[POLLUTANTS.index(item), first:last, columns[event.subject]] = NO_VALUE
    return found


def stretches(events: Sequence[ExceptionalEvent], period: Period) -> list[Period]:
    """The days of a period in which an hour is spoiled, as unbroken runs in order."""
    days: set[int] = set()
    for event in events:
        first = max(periods.day_of(event.first + 1), period.first)
        days.update(range(first, min(periods.day_of(event.last), period.last) + 1))
    runs: list[Period] = []
    for day in sorted(days):
        if runs and runs[-1].last == day - 1:
            runs[-1] = periods.between(runs[-1].first, day)
        else:
            runs.append(periods.single(day))
    return runs


def otherwise(day: AirDay, left: AirDay | None, good_up_to: Mapping[str, int], deducted: str) -> str:
    """What a day is without the events: "same", "good", "bad" or "out" (it leaves the rate).

    left : the day judged on what the events left of it. Only a valid day that is not good can count otherwise. One that
    lacks an item of its own as well is never good on the others.
    """
    if day.status is not Status.VALID or day.aqi <= good_up_to[day.edition] or left is None:
        return "same"
    if left.aqi > good_up_to[left.edition]:
        return "same"
    if left.status is Status.VALID:
        return "good"
    return "good" if deducted == "without_items" and left.aqi != NO_VALUE and not day.missing else "out"


def without_items(
    sample: water.Sample, body: Body, regime: WaterRegime, item_set: str, items: Collection[str]
) -> WaterJudgement:
    """A sample or mean judged on the other items alone, as if some were not asked for."""
    chosen = regime.sets[item_set]
    smaller = replace(
        chosen,
        items=tuple(item for item in chosen.items if item not in items),
        required=tuple(item for item in chosen.required if item not in items),
    )
    others = {item: value for item, value in sample.items() if item not in items}
    return water.judge(others, body, replace(regime, sets={**regime.sets, item_set: smaller}), item_set)
