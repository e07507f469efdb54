"""Reading what 环办〔2011〕22号 says of rivers, basins and areas, of changes and of trends.

Raises StandardsError naming file and row. Never here: what follows from the rules (`assess.water_levels`).
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

from envmon.errors import StandardsError
from envmon.model import BasinLevel, WaterClass, WaterLevel, WaterLevels
from envmon.rounding import printed
from envmon.standards.checks import exact_steps, rising

Table = dict[str, Any]

BASIN_ORDERS = (["exceed_rate"],)
"""Orders of the main indicators of a basin that `assess.water_levels` knows."""

LARGEST_SHARE = 100
CRITICAL_DECIMALS = 3


def water_levels(name: str, method: str, content: Table) -> WaterLevels:
    """The rules of a file of the family water-method. name : of the file; method : its id."""
    main, basin, trend = content["main_indicators"], content["basin"], content["trend"]
    decimals = basin["share_decimals"]
    if main["basin_order"] not in BASIN_ORDERS:
        raise StandardsError(f"{name}, main_indicators: basin_order must be {' or '.join(map(str, BASIN_ORDERS))}")
    changes = [exact_steps(name, "trend", trend[key], decimals) for key in ("no_change_max", "some_change_max")]
    if not rising([0, *changes]):
        raise StandardsError(f"{name}, trend: no_change_max and some_change_max must rise from 0")
    for where, key, least in (("basin", "min_sections", 2), ("trend", "level_steps_clear", 2)):
        if content[where][key] < least:
            raise StandardsError(f"{name}, {where}: {key} must be at least {least}")
    critical = _critical(name, trend["spearman"])
    if trend["min_periods"] < min(critical):
        raise StandardsError(f"{name}, trend: min_periods is below the first row of spearman")
    _check_names(name, content)
    return WaterLevels(
        method=method,
        of_class=_of_class(name, content["class"]),
        min_sections=basin["min_sections"],
        decimals=decimals,
        basin=_basin(name, content["basin_level"], decimals),
        max_main=main["max_listed"],
        not_reported=tuple(_level(name, "main_indicators", one) for one in main["not_reported_for_levels"]),
        no_change=changes[0],
        some_change=changes[1],
        steps_clear=trend["level_steps_clear"],
        min_periods=trend["min_periods"],
        critical=critical,
    )


def _level(name: str, where: str, text: object) -> WaterLevel:
    known = {one.name.lower(): one for one in WaterLevel if one is not WaterLevel.NONE}
    if not isinstance(text, str) or text not in known:
        raise StandardsError(f"{name}, {where}: level must be one of {', '.join(known)}, not {text!r}")
    return known[text]


def _of_class(name: str, rows: list[Table]) -> dict[WaterClass, WaterLevel]:
    """The level of a section by its class (table 1)."""
    ranks = [row["rank"] for row in rows]
    if ranks != [one.value for one in WaterClass if one is not WaterClass.NONE]:
        raise StandardsError(f"{name}, class: ranks must be 1, 2, 3 … {WaterClass.WORSE_THAN_V.value}, not {ranks}")
    found = {WaterClass(row["rank"]): _level(name, f"class {row['rank']}", row["level"]) for row in rows}
    for better, worse in pairwise(found):
        if found[worse] < found[better]:
            raise StandardsError(f"{name}, class {worse.value}: its level is better than that of a better class")
    return found


def _check_names(name: str, content: Table) -> None:
    """A level has one name wherever it stands."""
    names: dict[str, str] = {}
    for kind in ("class", "basin_level"):
        for count, row in enumerate(content[kind], 1):
            if names.setdefault(row["level"], row["level_name"]) != row["level_name"]:
                raise StandardsError(f"{name}, {kind} {count}: level_name differs from an earlier one")


def _basin(name: str, rows: list[Table], decimals: int) -> tuple[BasinLevel, ...]:
    """The rows of table 2. Every pair of shares must fit one row and no other."""
    whole = LARGEST_SHARE * 10**decimals
    found = []
    for count, row in enumerate(rows, 1):
        where = f"basin_level {count}"
        keys = ("g_min", "g_below", "b_min", "b_below")
        bounds = [exact_steps(name, where, row[key], decimals) if key in row else None for key in keys]
        if any(bound is not None and not 0 < bound < whole for bound in bounds):
            raise StandardsError(f"{name}, {where}: a share must be between 0 and {LARGEST_SHARE}")
        found.append(BasinLevel(_level(name, where, row["level"]), *bounds))
    if [one.level for one in found] != [one for one in WaterLevel if one is not WaterLevel.NONE]:
        raise StandardsError(f"{name}, basin_level: every level stands there once, the best first")
    good = {0, whole, *(cut for one in found for cut in (one.good_least, one.good_below) if cut is not None)}
    bad = {0, whole, *(cut for one in found for cut in (one.bad_least, one.bad_below) if cut is not None)}
    for g, b in product(_beside(good), _beside(bad)):
        fitting = [one for one in found if one.takes(g, b)]
        if g >= 0 and b >= 0 and g + b <= whole and len(fitting) != 1:
            shares = f"g = {printed(g, decimals)}, b = {printed(b, decimals)}"
            raise StandardsError(f"{name}, basin_level: {len(fitting)} rows take {shares}; there must be one")
    return tuple(found)


def _beside(cuts: set[int]) -> list[int]:
    """Every cut and the step below it: within these all others lie."""
    return sorted({near for cut in cuts for near in (cut - 1, cut)})


def _critical(name: str, rows: list[object]) -> dict[int, tuple[int, int]]:
    """Periods -> critical values at 0.05 and 0.01, in thousandths."""
    found: dict[int, tuple[int, int]] = {}
    for count, row in enumerate(rows, 1):
        where = f"trend, spearman {count}"
        if not isinstance(row, list) or len(row) != 3 or type(row[0]) is not int:
            raise StandardsError(f"{name}, {where}: must be [periods, value at 0.05, value at 0.01]")
        usual, strict = (exact_steps(name, where, value, CRITICAL_DECIMALS) for value in row[1:])
        if not 0 < usual <= strict <= 10**CRITICAL_DECIMALS:
            raise StandardsError(f"{name}, {where}: values must be above 0, at most 1, that at 0.01 the larger")
        found[row[0]] = (usual, strict)
    for column in (0, 1):
        values = [-found[periods][column] for periods in found]
        if not found or not rising(list(found)) or len(found) != len(rows) or not rising(values):
            raise StandardsError(f"{name}, trend: spearman: periods must rise and values fall from row to row")
    return found
