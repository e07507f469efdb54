"""Why a reading is flagged, in numbers: plain facts that the texts `qc.reason.*` put into words.

What is said of a reading rests on what decided its flag and on nothing further away, so that it reads alike however
many days were looked at together. Facts are kept with a verdict as JSON; a fact that ends in `item` names one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from statistics import median_low
from typing import Any

from envmon.model import ABSENT, Mark, Review
from envmon.periods import DAY, clock
from envmon.qc.between import ORDERS, larger, twice_median_of_others
from envmon.qc.grid import Grid, Settings
from envmon.qc.review import REVIEW, review_of
from envmon.qc.single import bounds, meant, overlapping
from envmon.rounding import plain

Facts = dict[str, Any]
Place = tuple[int, int, int]
"""(item, time, site) of a reading in a grid."""


def packed(facts: Mapping[str, object]) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")) if facts else ""


def facts_of(detail: str) -> Facts | None:
    """The facts of a verdict's detail; None when it is something else, as the origin of a duplicate."""
    if not detail.startswith("{"):
        return None
    found: Facts = json.loads(detail)
    return found


def teller(grid: Grid, settings: Mapping[str, Settings], reviews: Sequence[Review] = ()) -> Callable[[str, Place], str]:
    """What tells why a reading of a grid got its flag. settings : whole ones, by test."""

    def tell(test: str, place: Place) -> str:
        if test == REVIEW:
            item, time, site = place
            one = review_of(reviews, grid.frame.sites[site], grid.parameters[item].id, grid.frame.ending(time))
            return packed({"number": one.number, "by": one.by, "reason": one.reason})
        told = TOLD.get(test)
        return "" if told is None else packed(told(grid, settings[test], place))

    return tell


def number(grid: Grid, row: int, value: int) -> str:
    """A value as people write it."""
    return plain(int(value), grid.parameters[row].decimals)


def value_of(grid: Grid, place: Place) -> str:
    return number(grid, place[0], int(grid.values[place]))


def of_mark(grid: Grid, own: Settings, place: Place) -> Facts:
    return {"mark": Mark(int(grid.marks[place])).name.lower()}


def of_value(grid: Grid, own: Settings, place: Place) -> Facts:
    return {"value": value_of(grid, place)}


def of_window(grid: Grid, own: Settings, place: Place) -> Facts:
    item, time, site = place
    one = next(
        window
        for window in grid.frame.windows
        if window.site in (grid.frame.sites[site], *grid.frame.areas[site : site + 1])
        and (not window.items or grid.parameters[item].id in window.items)
        and overlapping(grid, window).start <= time < overlapping(grid, window).stop
    )
    return {"from": clock(one.first), "to": clock(one.last), "note": one.note}


def of_range(grid: Grid, own: Settings, place: Place) -> Facts:
    parameter = grid.parameters[place[0]]
    return _range(grid, place, parameter.low, parameter.high)


def of_season(grid: Grid, own: Settings, place: Place) -> Facts:
    one = next(one for one in reversed(own["ranges"]) if meant(grid, one, *place))
    facts = _range(grid, place, *bounds(one, grid.parameters[place[0]].decimals))
    return facts if grid.months is None else {**facts, "month": int(grid.months[place[1]])}


def _range(grid: Grid, place: Place, low: int | None, high: int | None) -> Facts:
    """The value and the end of the range it lies beyond."""
    value = int(grid.values[place])
    over = high is not None and value > high
    limit = (high if over else low) or 0
    return {"value": value_of(grid, place), "over": over, "limit": number(grid, place[0], limit)}


def of_still(grid: Grid, own: Settings, place: Place) -> Facts:
    return {"value": value_of(grid, place), "times": int(own["times"]), "step": grid.frame.step}


def of_spike(grid: Grid, own: Settings, place: Place) -> Facts:
    item, time, site = place
    around = grid.values[item, [time - 1, time + 1], site]
    before, after = (number(grid, item, value) for value in around)
    return {"value": value_of(grid, place), "before": before, "after": after}


def of_step(grid: Grid, own: Settings, place: Place) -> Facts:
    item, time, site = place
    times = int(own["times"])
    before, after = grid.values[item, time - times : time, site], grid.values[item, time : time + times, site]
    up = after.min() > before.max()
    ends = (before.max(), after.min()) if up else (before.min(), after.max())
    was, became = (number(grid, item, value) for value in ends)
    return {"times": times, "up": bool(up), "was": was, "became": became, "by": str(_by(grid, own, place))}


def of_rate(grid: Grid, own: Settings, place: Place) -> Facts:
    item, time, site = place
    earlier = next(at for at in range(time - 1, -1, -1) if grid.values[item, at, site] != ABSENT)
    minutes = (time - earlier) * grid.frame.step
    before = number(grid, item, grid.values[item, earlier, site])
    return {"value": value_of(grid, place), "before": before, "minutes": minutes, "by": str(_by(grid, own, place))}


def of_block(grid: Grid, own: Settings, place: Place) -> Facts:
    return {"value": value_of(grid, place), "times": int(own["times"]), "step": grid.frame.step}


def of_stale(grid: Grid, own: Settings, place: Place) -> Facts:
    _, time, site = place
    items = int((grid.values[:, time, site] != ABSENT).sum())
    return {"value": value_of(grid, place), "items": items, "times": int(own["times"]), "step": grid.frame.step}


def of_order(test: str) -> Callable[[Grid, Settings, Place], Facts]:
    def facts(grid: Grid, own: Settings, place: Place) -> Facts:
        _, time, site = place
        parts, whole = ORDERS[test]
        rows = {part: grid.row(part) for part in parts}
        high = grid.row(whole) or 0
        broken = (part for part, low in rows.items() if low is not None and _breaks(grid, low, high, place))
        part = next(broken)
        told = [value_of(grid, (row, time, site)) for row in (rows[part] or 0, high)]
        return {"part_item": part, "part": told[0], "whole_item": whole, "whole": told[1]}

    return facts


def _breaks(grid: Grid, part: int, whole: int, place: Place) -> bool:
    """Whether this part is the one that a flag is about."""
    item, time, site = place
    return (
        item in (part, whole)
        and grid.values[part, time, site] != ABSENT
        and bool(larger(grid, part, whole)[time, site])
    )


def of_neighbours(grid: Grid, own: Settings, place: Place) -> Facts:
    item, time, site = place
    columns = [i for i, group in enumerate(grid.frame.peers) if group == grid.frame.peers[site]]
    there = grid.values[item, time : time + 1, columns].reshape(1, -1)
    twice = int(twice_median_of_others(there)[0, columns.index(site)])
    others = int((there != ABSENT).sum()) - 1
    middle = plain(5 * twice, grid.parameters[item].decimals + 1)
    return {"value": value_of(grid, place), "median": middle, "count": others}


def of_history(grid: Grid, own: Settings, place: Place) -> Facts:
    item, time, site = place
    lag = DAY // grid.frame.step
    earlier = [time - lag * day for day in range(1, int(own["days"]) + 1) if time >= lag * day]
    past = [int(value) for value in grid.values[item, earlier, site] if value != ABSENT]
    middle = median_low(past)
    spread = median_low([abs(value - middle) for value in past])
    told = {"median": number(grid, item, middle), "spread": number(grid, item, spread), "count": len(past)}
    return {"value": value_of(grid, place), **told}


def _by(grid: Grid, own: Settings, place: Place) -> str:
    return str(own["by"][grid.parameters[place[0]].id])


TOLD: Mapping[str, Callable[[Grid, Settings, Place], Facts]] = {
    "device_flag": of_mark,
    "maintenance": of_window,
    "negative": of_value,
    "below_detection": of_value,
    "out_of_range": of_range,
    "climatology": of_season,
    "flat_line": of_still,
    "spike": of_spike,
    "step": of_step,
    "rate_of_change": of_rate,
    "repeated_block": of_block,
    "stale_feed": of_stale,
    "pm_order": of_order("pm_order"),
    "nitrogen_order": of_order("nitrogen_order"),
    "nox_order": of_order("nox_order"),
    "neighbours": of_neighbours,
    "same_hour": of_history,
}
