"""Reading two indices of water from their files: the trophic state of lakes, the water quality index of cities.

Every mistake raises StandardsError naming file and row. Never here: computing an index (`assess`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from envmon.errors import StandardsError
from envmon.model import (
    CityIndexRule,
    Direction,
    Parameter,
    TrophicItem,
    TrophicLevel,
    TrophicRule,
    WaterClass,
    WaterItem,
    WaterItemSet,
)
from envmon.rounding import rounded, scaled
from envmon.standards.checks import check_keys, check_unit, exact_steps, rising

Table = dict[str, Any]

WEIGHT_DECIMALS = 4
MOST_DECIMALS = 6
NEUTRAL = (6, 8)  # a neutral pH beyond these is a slip of the pen


def trophic(name: str, document: str, section: Table, parameters: Mapping[str, Parameter]) -> TrophicRule:
    """The trophic state index of `[tli]`. name : of the file; document : its id."""
    if not 0 <= section["decimals"] <= MOST_DECIMALS:
        raise StandardsError(f"{name}, tli: decimals must be from 0 to {MOST_DECIMALS}")
    items: dict[str, TrophicItem] = {}
    for row in section["item"]:
        where = f"tli.item {row.get('id', '?') if isinstance(row, dict) else '?'}"
        keys = {"id", "a", "b", "r2", "weight", "unit", "clause"}
        check_keys(name, where, row, keys, keys)
        check_unit(name, where, row["id"], row["unit"], parameters)
        if row["id"] in items:
            raise StandardsError(f"{name}, {where}: given twice")
        a, b, r2 = (_fraction(name, where, row[key]) for key in ("a", "b", "r2"))
        if not 0 < r2 <= 1:
            raise StandardsError(f"{name}, {where}: r2 must be above 0 and at most 1")
        items[row["id"]] = TrophicItem(a, b, r2)
    _check_weights(name, section["item"], items)
    levels = _levels(name, section["level"], section["decimals"])
    return TrophicRule(document, items, levels, section["decimals"])


def _check_weights(name: str, rows: Sequence[Table], items: Mapping[str, TrophicItem]) -> None:
    """The weights as printed must be those that r2 makes."""
    total = sum((item.r2 for item in items.values()), Fraction(0))
    for row in rows:
        made = items[row["id"]].r2 / total
        where = f"tli.item {row['id']}"
        printed = exact_steps(name, where, row["weight"], WEIGHT_DECIMALS)
        if printed != rounded(made, WEIGHT_DECIMALS):
            raise StandardsError(f"{name}, {where}: weight is not r2 over the sum of r2")


def _levels(name: str, rows: Sequence[Table], decimals: int) -> tuple[TrophicLevel, ...]:
    """The levels in rising order, each but the last with a bound: `max`, or `below` where the bound is beyond it."""
    found: list[TrophicLevel] = []
    for count, row in enumerate(rows, 1):
        where = f"tli.level {row.get('id', count) if isinstance(row, dict) else count}"
        needed = {"id", "name", "name_en", "clause"}
        check_keys(name, where, row, needed | {"below", "max"}, needed)
        bounds = [key for key in ("below", "max") if key in row]
        if len(bounds) != (count < len(rows)):
            raise StandardsError(f"{name}, {where}: every level but the last has one bound, below or max")
        steps = [exact_steps(name, where, row[key], decimals) - (key == "below") for key in bounds]
        found.append(TrophicLevel(row["id"], row["name"], row["name_en"], steps[0] if steps else None))
    bounded = [level.at_most for level in found if level.at_most is not None]
    if not found or not rising(bounded) or len({level.id for level in found}) != len(found):
        raise StandardsError(f"{name}, tli.level: bounds must rise from level to level, each level once")
    return tuple(found)


def city_index(
    name: str, document: str, section: Table, sets: Mapping[str, WaterItemSet], items: Mapping[str, WaterItem]
) -> CityIndexRule:
    """The city water quality index of `[cwqi]`; every item of its set must have a limit of the class."""
    classes = [one.name for one in WaterClass if WaterClass.I <= one <= WaterClass.V]
    if section["reference_class"] not in classes:
        raise StandardsError(f"{name}, cwqi: reference_class must be one of {', '.join(classes)}")
    if section["item_set"] not in sets:
        raise StandardsError(f"{name}, cwqi: item_set must be one of {', '.join(sets)}")
    reference = WaterClass[section["reference_class"]]
    for item in sets[section["item_set"]].items:
        known = items[item].direction in (Direction.AT_MOST, Direction.AT_LEAST, Direction.BETWEEN)
        if not known or not items[item].limits[reference - 1]:
            raise StandardsError(f"{name}, cwqi: item {item!r} has no limit of class {reference.name}")
    if not NEUTRAL[0] < section["neutral_ph"] < NEUTRAL[1]:
        raise StandardsError(f"{name}, cwqi: neutral_ph must be between {NEUTRAL[0]} and {NEUTRAL[1]}")
    places = {key: section[key] for key in ("decimals", "change_decimals", "share_decimals")}
    for key, value in places.items():
        if type(value) is not int or not 0 <= value <= MOST_DECIMALS:
            raise StandardsError(f"{name}, cwqi: {key} must be from 0 to {MOST_DECIMALS}")
    return CityIndexRule(document, section["item_set"], reference, section["neutral_ph"], **places)


def _fraction(name: str, where: str, value: object) -> Fraction:
    """A printed number, exactly. Raises StandardsError for what is none."""
    try:
        scaled(str(value), 0)
    except ValueError as error:
        raise StandardsError(f"{name}, {where}: {value!r} is not a number") from error
    return Fraction(str(value))
