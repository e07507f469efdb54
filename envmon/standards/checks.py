"""What a standards file must hold: which keys and of what kind, numbers that fit their steps, dates without a gap.

Every check raises StandardsError naming file and row. Never here: turning rows into nouns (`load`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from envmon import periods
from envmon.errors import StandardsError
from envmon.model import POLLUTANTS, Parameter
from envmon.rounding import scaled

HEAD = {"id", "family", "title", "from"}
FAMILIES: dict[str, tuple[set[str], set[str]]] = {
    "air-limits": (HEAD - {"from"} | {"phase"}, {"reference_state"}),
    "air-index": (HEAD | {"index", "column", "level"}, {"to", "open_point_from"}),
    "air-method": (HEAD | {"validity", "percentile", "statistics", "evaluation", "annual"}, {"to"}),
    "air-composite": (HEAD | {"composite", "composite_weights"}, {"to"}),
    "surface-water": (HEAD | {"item"}, {"to"}),
    "water-method": (
        HEAD | {"main_indicators", "auto_merge", "rounds", "set", "class", "basin", "basin_level", "trend", "tli"},
        {"to"},
    ),
    "water-index": (HEAD | {"cwqi"}, {"to"}),
    "groundwater": (HEAD | {"item", "set"}, {"to"}),
    "rounding": (HEAD | {"rule"}, {"to"}),
}
"""Family -> keys a file of it must have, keys it may have."""

SECTIONS: dict[str, tuple[set[str], set[str]]] = {
    "reference_state": ({"gases", "particles", "clause"}, {"from", "to"}),
    **dict.fromkeys(
        ("percentile", "statistics", "evaluation", "composite_weights"), ({*POLLUTANTS, "clause"}, set[str]())
    ),
    "annual": ({"with_mean", "multiple_decimals", "clause"}, {"moving_years"}),
    "composite": ({"grade", "ratio_decimals", "decimals", "with_percentile", "clause"}, set()),
    "rule": ({"method", "once_only", "negative", "clause"}, set()),
    "main_indicators": (
        {"reference_class", "max_listed", "multiple_decimals", "priority_items", "no_multiple_items", "clause"}
        | {"basin_order", "not_reported_for_levels"},
        set(),
    ),
    "basin": ({"min_sections", "share_decimals", "clause"}, set()),
    "basin_level": ({"level", "level_name", "clause"}, {"g_min", "g_below", "b_min", "b_below"}),
    "trend": (
        {"no_change_max", "some_change_max", "level_steps_clear", "min_periods", "spearman", "clause"},
        set(),
    ),
    "auto_merge": ({"auto_first_items", "clause"}, set()),
    "rounds": ({"quarter_min", "year_min", "clause"}, set()),
    "class": ({"id", "rank", "name", "level", "level_name", "colour", "rgb", "clause"}, set()),
    "tli": ({"decimals", "item", "level", "clause"}, set()),
    "cwqi": (
        {"item_set", "reference_class", "neutral_ph", "decimals", "change_decimals", "share_decimals", "clause"},
        set(),
    ),
}
"""Sections that are checked as the file is opened: keys they must have, keys they may have."""

NUMBER = (int, str)
KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("from", "to", "open_point_from"), (date,)),
    **dict.fromkeys(("good", "lake_only", "class_I_not_detected", "once_only", "compliance"), (bool,)),
    **dict.fromkeys(("phase", "column", "item", "set", "class", "reference_state"), (list,)),
    **dict.fromkeys(("nodes", "points", "rgb", "codes", "items", "required", "optional", "reference"), (list,)),
    **dict.fromkeys(
        ("priority_items", "no_multiple_items", "auto_first_items", "with_mean", "with_percentile"), (list,)
    ),
    **dict.fromkeys(("basin_order", "not_reported_for_levels", "basin_level", "spearman"), (list,)),
    **dict.fromkeys(("basin", "trend"), (dict,)),
    **dict.fromkeys(("g_min", "g_below", "b_min", "b_below", "no_change_max", "some_change_max"), NUMBER),
    **dict.fromkeys(("min_sections", "share_decimals", "level_steps_clear", "min_periods"), (int,)),
    **dict.fromkeys(("index", "validity", "percentile", "rule", "main_indicators", "auto_merge", "rounds"), (dict,)),
    **dict.fromkeys(("statistics", "evaluation", "annual", "composite", "composite_weights"), (dict,)),
    **dict.fromkeys(("daily", "hourly", "hour_minutes", "limits", "limits_lake"), (dict,)),
    **dict.fromkeys(("low", "high", "grade_1", "grade_2", "saturation_class_I"), NUMBER),
    **dict.fromkeys(("number", "no", "table", "rank", "at_most", "top", "primary_above", "exceeding_above"), (int,)),
    **dict.fromkeys(("missing_blocks_up_to", "max_listed", "multiple_decimals", "decimals_hour"), (int,)),
    **dict.fromkeys(("decimals_assess", "station_share", "station_share_under_4", *POLLUTANTS), (int,)),
    **dict.fromkeys(("day_hours", "window_hours", "window_least", "first_window", "windows"), (int,)),
    **dict.fromkeys(("month_days", "february_days", "year_days", "quarter_min", "year_min"), (int,)),
    **dict.fromkeys(("moving_years", "grade", "ratio_decimals"), (int,)),
    **dict.fromkeys(("tli", "cwqi"), (dict,)),
    **dict.fromkeys(("neutral_ph", "change_decimals", "share_decimals"), (int,)),
    **dict.fromkeys(("a", "b", "r2", "weight", "below", "max"), NUMBER),
    "decimals": (int, dict),  # of a parameter; of the columns of an index, by item
    "limit": (*NUMBER, list),  # of a water item; the rows of a phase
    "level": (str, list),  # of a water class; the rows of an index
    "beyond": (int, str),
    "range": (list, dict),
}
"""What a key holds; a text where nothing is said."""

WORDS = {int: "a whole number", str: "a text", bool: "true or false", date: "a date", list: "a list", dict: "a table"}


def check_run(name: str, spans: Iterable[tuple[int, int | None]]) -> None:
    """Raises StandardsError unless the spans follow one another without overlap or gap, the last one open."""
    following: int | None = None
    spans = sorted(spans, key=lambda span: span[0])
    for count, (first, last) in enumerate(spans):
        if following is not None and first != following:
            what = "overlap" if first < following else "leave a gap"
            raise StandardsError(f"{name}: the dates {what} at {periods.calendar(following)}")
        if last is None and count + 1 < len(spans):
            raise StandardsError(f"{name}: the dates overlap after {periods.calendar(first)}: no end is given")
        if last is not None:
            if last < first:
                raise StandardsError(f"{name}: {periods.calendar(last)} is before {periods.calendar(first)}")
            following = last + 1


def check_keys(name: str, where: str, row: object, allowed: set[str], needed: set[str]) -> None:
    if not isinstance(row, dict):
        raise StandardsError(f"{name}, {where}: must be a table")
    if unknown := sorted(set(row) - allowed):
        raise StandardsError(f"{name}, {where}: unknown key {unknown[0]!r}; known: {', '.join(sorted(allowed))}")
    if missing := sorted(needed - set(row)):
        raise StandardsError(f"{name}, {where}: {missing[0]} is missing")
    for key, value in row.items():
        kinds = KINDS.get(key, (str,))
        if type(value) not in kinds or (key in ("id", "clause") and not value.strip()):
            wanted = " or ".join(WORDS[kind] for kind in kinds)
            raise StandardsError(f"{name}, {where}: {key} must be {wanted}, not {value!r}")


def check_section(name: str, key: str, section: Any) -> None:
    """A table, or each of an array of tables, of a kind that `SECTIONS` describes."""
    needed, more = SECTIONS[key]
    rows = section if isinstance(section, list) else [section]
    for count, row in enumerate(rows, 1):
        check_keys(name, f"{key} {count}" if isinstance(section, list) else key, row, needed | more, needed)


def exact_steps(name: str, where: str, value: object, decimals: int) -> int:
    """A printed number in whole steps of 10^-decimals; it must not have more digits than that."""
    text = str(value) if type(value) in NUMBER else ""
    try:
        steps = scaled(text, decimals)
    except ValueError as error:
        raise StandardsError(f"{name}, {where}: {value!r} is not a number") from error
    if steps != Fraction(text) * 10**decimals:
        raise StandardsError(f"{name}, {where}: {value} has more than {decimals} decimals")
    return steps


def rising(values: Sequence[int]) -> bool:
    return all(earlier < later for earlier, later in pairwise(values))


def check_unit(name: str, where: str, parameter: str, unit: str, items: Mapping[str, Parameter]) -> None:
    if parameter not in items:
        raise StandardsError(f"{name}, {where}: parameters.toml has no parameter {parameter!r}")
    if unit != items[parameter].unit:
        raise StandardsError(f"{name}, {where}: unit {unit!r} is not the parameter's own {items[parameter].unit!r}")


def day_number(name: str, key: str, value: object) -> int:
    if not isinstance(value, date):
        raise StandardsError(f"{name}: {key} must be a date like 2026-03-01, not {value!r}")
    return periods.number(value)
