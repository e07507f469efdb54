"""Reading the standards files: TOML in, nouns of `model` out, every number scaled exactly.

A file that is incomplete or contradicts itself stops the program with the file and the row: unknown keys, a
missing clause, a unit that is not the parameter's own, breakpoints that do not rise, phases that overlap or leave a gap.
Never here: which edition is in force on a day (`standards`), or what follows from a limit (`assess`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from envmon import periods
from envmon.errors import StandardsError
from envmon.model import (
    POLLUTANTS,
    AirValidity,
    Breakpoints,
    Direction,
    IndexEdition,
    Level,
    LimitPhase,
    Medium,
    Parameter,
    WaterItem,
    WaterItemSet,
)
from envmon.rounding import scaled

FOLDER = Path(__file__).parent

Table = dict[str, Any]

CLASSES = ("I", "II", "III", "IV", "V")
DIRECTIONS = {
    "le": Direction.AT_MOST,
    "ge": Direction.AT_LEAST,
    "range": Direction.BETWEEN,
    "text": Direction.PRESENT,
    "none": Direction.NOT_JUDGED,
}
MICROGRAMS = "μg/L"


@dataclass(frozen=True, slots=True)
class Document:
    """One file as read. `first`, `last`: days it is in force (None: no end)."""

    name: str
    id: str
    family: str
    title: str
    first: int
    last: int | None
    content: Table
    unconfirmed: int


def document(name: str, folder: Path = FOLDER) -> Document:
    """Read one standards file; numbers with a decimal point stay text until they are scaled."""
    path = folder / name
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text, parse_float=str)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StandardsError(f"{name}: cannot be read: {error}") from error
    for key in ("id", "family", "title"):
        if not isinstance(content.get(key), str):
            raise StandardsError(f'{name}: {key} is missing; write {key} = "…"')
    phases = content.get("phase", [content])
    first = min(_day(name, "from", phase.get("from")) for phase in phases)
    last = [None if phase.get("to") is None else _day(name, "to", phase["to"]) for phase in phases]
    end = None if None in last else max(day for day in last if day is not None)
    marks = text.count("# unconfirmed")
    return Document(name, content["id"], content["family"], content["title"], first, end, content, marks)


def parameters(folder: Path = FOLDER) -> dict[str, Parameter]:
    """The monitored items by id."""
    name = "parameters.toml"
    try:
        rows = tomllib.loads((folder / name).read_text(encoding="utf-8"), parse_float=str)["parameter"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise StandardsError(f"{name}: cannot be read: {error}") from error
    found: dict[str, Parameter] = {}
    numbers: set[int] = set()
    keys = {"number", "id", "medium", "name", "name_en", "unit", "decimals", "code", "low", "high"}
    for row in rows:
        where = f"parameter {row.get('id', '?')}"
        _check_keys(name, where, row, keys, keys - {"code", "low", "high"})
        if row["id"] in found or row["number"] in numbers:
            raise StandardsError(f"{name}, {where}: id or number is given twice")
        low, high = (None if row.get(k) is None else scaled(row[k], row["decimals"]) for k in ("low", "high"))
        medium = Medium(row["medium"])
        found[row["id"]] = Parameter(
            row["number"], row["id"], medium, row["name"], row["name_en"], row["unit"], row["decimals"],
            row.get("code", ""), low, high,
        )  # fmt: skip
        numbers.add(row["number"])
    return found


# --- air ----------------------------------------------------------------------------------------------------------


def index_edition(source: Document, items: Mapping[str, Parameter]) -> IndexEdition:
    """An edition of HJ 633."""
    name, content = source.name, source.content
    _check_keys(
        name, "file", content,
        {"id", "family", "title", "from", "to", "open_point_from", "index", "column", "level"},
        {"index", "column", "level"},
    )  # fmt: skip
    index = content["index"]
    needed = {"nodes", "top", "primary_above", "clause", "decimals", "daily", "hourly"}
    _check_keys(name, "index", index, needed | {"exceeding_above", "missing_blocks_up_to"}, needed)
    columns = {row.get("name", "?"): _column(name, row, index, items) for row in content["column"]}
    for use in ("daily", "hourly"):
        for pollutant in POLLUTANTS:
            if index[use].get(pollutant) not in columns:
                raise StandardsError(f"{name}, index.{use}: {pollutant} names no column of this file")
    for column in columns.values():
        if isinstance(column.beyond, str) and column.beyond not in columns:
            raise StandardsError(f"{name}, column {column.name}: beyond names no column of this file")
    return IndexEdition(
        id=source.id,
        columns=columns,
        daily={pollutant: index["daily"][pollutant] for pollutant in POLLUTANTS},
        hourly={pollutant: index["hourly"][pollutant] for pollutant in POLLUTANTS},
        levels=tuple(_level(name, row) for row in content["level"]),
        primary_above=index["primary_above"],
        exceeding_above=index.get("exceeding_above"),
        top=index["top"],
        missing_blocks_up_to=index.get("missing_blocks_up_to"),
    )


def _column(name: str, row: Table, index: Table, items: Mapping[str, Parameter]) -> Breakpoints:
    where = f"column {row.get('name', '?')}"
    keys = {"name", "parameter", "unit", "points", "beyond", "clause"}
    _check_keys(name, where, row, keys, keys)
    _check_unit(name, where, row["parameter"], row["unit"], items)
    decimals = index["decimals"][row["parameter"]]
    points = tuple(scaled(str(point), decimals) for point in row["points"])
    nodes = tuple(index["nodes"][: len(points)])
    if len(nodes) != len(points) or len(points) < 2:
        raise StandardsError(f"{name}, {where}: {len(points)} points for {len(index['nodes'])} nodes")
    if any(later <= earlier for earlier, later in pairwise(points)):
        raise StandardsError(f"{name}, {where}: points must rise")
    return Breakpoints(row["name"], points, nodes, decimals, row["beyond"])


def _level(name: str, row: Table) -> Level:
    where = f"level {row.get('number', '?')}"
    keys = {"number", "name", "name_en", "at_most", "good", "rgb", "clause"}
    _check_keys(name, where, row, keys, keys)
    red, green, blue = row["rgb"]
    return Level(row["number"], row["name"], row["name_en"], row["at_most"], row["good"], (red, green, blue))


def limit_phases(source: Document, items: Mapping[str, Parameter]) -> list[tuple[int, int | None, LimitPhase]]:
    """The phases of an edition of GB 3095: (first day, last day or None, limits), in order."""
    name, content = source.name, source.content
    _check_keys(name, "file", content, {"id", "family", "title", "reference_state", "phase"}, {"phase"})
    found = []
    for phase in content["phase"]:
        where = f"phase {phase.get('name', '?')}"
        _check_keys(name, where, phase, {"name", "from", "to", "limit"}, {"name", "from", "limit"})
        limits: dict[tuple[str, str, int], int] = {}
        for row in phase["limit"]:
            spot = f"{where}, limit {row.get('parameter', '?')} {row.get('average', '?')}"
            keys = {"parameter", "average", "grade_1", "grade_2", "unit", "clause"}
            _check_keys(name, spot, row, keys, keys)
            _check_unit(name, spot, row["parameter"], row["unit"], items)
            for grade in (1, 2):
                key = (row["parameter"], row["average"], grade)
                if key in limits:
                    raise StandardsError(f"{name}, {spot}: given twice")
                limits[key] = scaled(row[f"grade_{grade}"], items[row["parameter"]].decimals)
        used = {parameter: items[parameter].decimals for parameter, _, _ in limits}
        first, last = _day(name, "from", phase["from"]), phase.get("to")
        found.append((first, last and _day(name, "to", last), LimitPhase(source.id, phase["name"], limits, used)))
    check_run(name, [(first, last) for first, last, _ in found])
    return found


def air_validity(source: Document) -> AirValidity:
    """The validity rules of an edition of HJ 663."""
    keys = {
        "day_hours", "window_hours", "window_least", "first_window", "windows", "month_days", "february_days",
        "year_days", "station_share", "station_share_under_4", "clause",
    }  # fmt: skip
    row = source.content.get("validity", {})
    _check_keys(source.name, "validity", row, keys, keys)
    plain = {key: row[key] for key in keys - {"station_share", "station_share_under_4", "clause"}}
    return AirValidity(**plain, station_share=(row["station_share"], row["station_share_under_4"]))


# --- water --------------------------------------------------------------------------------------------------------

ITEM_KEYS = {
    "id", "table", "no", "group", "code", "codes", "name", "name_en", "unit", "note", "direction", "limits", "limit",
    "limits_lake", "range", "lake_only", "saturation_class_I", "decimals_hour", "decimals_assess", "present_class",
    "class_I_not_detected", "above_III_class", "clause",
}  # fmt: skip


def water_items(
    source: Document, items: Mapping[str, Parameter], priority: Sequence[str] = (), plain: Sequence[str] = ()
) -> dict[str, WaterItem]:
    """The items of GB 3838 or GB/T 14848, limits in steps of their parameters.

    priority : items named first among the main indicators; plain : items that have no multiple.
    """
    found = {}
    for row in source.content.get("item", ()):
        where = f"item {row.get('id', '?')}"
        _check_keys(source.name, where, row, ITEM_KEYS, {"id", "name", "name_en", "unit", "direction", "clause"})
        if row["id"] not in items:
            raise StandardsError(f"{source.name}, {where}: parameters.toml has no such parameter")
        if row["direction"] not in DIRECTIONS:
            raise StandardsError(f"{source.name}, {where}: direction must be one of {', '.join(DIRECTIONS)}")
        found[row["id"]] = _water_item(source.name, where, row, items[row["id"]], priority, plain)
    return found


def _water_item(
    name: str, where: str, row: Table, parameter: Parameter, priority: Sequence[str], plain: Sequence[str]
) -> WaterItem:
    factor = 1000 if row["unit"] == MICROGRAMS and parameter.unit == "mg/L" else 1
    if factor == 1 and row["unit"] != parameter.unit:
        raise StandardsError(f"{name}, {where}: unit {row['unit']!r} is not the parameter's own {parameter.unit!r}")

    def steps(value: Any) -> int:
        fine = scaled(str(value), parameter.decimals + 3)
        step = 1000 * factor
        if fine % step:
            raise StandardsError(f"{name}, {where}: {value} has more digits than the parameter's {parameter.decimals}")
        return fine // step

    low: tuple[int | None, ...] = ()
    if "range" in row:
        spans = row["range"] if isinstance(row["range"], dict) else dict.fromkeys(CLASSES, row["range"])
        limits = _by_class(spans, lambda pair: steps(pair[1]))
        low = _by_class(spans, lambda pair: steps(pair[0]))
    elif "limit" in row:
        limits = (None, None, steps(row["limit"]), None, None)
    else:
        limits = _by_class(row.get("limits", {}), steps)
    if DIRECTIONS[row["direction"]] in (Direction.AT_MOST, Direction.AT_LEAST, Direction.BETWEEN) and not any(limits):
        raise StandardsError(f"{name}, {where}: has a direction but no limit")
    return WaterItem(
        id=row["id"],
        table=row.get("table", 1),
        name=row["name"],
        name_en=row["name_en"],
        unit=parameter.unit,
        decimals=parameter.decimals,
        direction=DIRECTIONS[row["direction"]],
        limits=limits,
        lake=_by_class(row["limits_lake"], steps) if "limits_lake" in row else (),
        low=low,
        lake_only=row.get("lake_only", False),
        round_to=row.get("decimals_assess"),
        has_multiple=row["id"] not in plain,
        priority=row["id"] in priority,
    )


def _by_class(limits: Mapping[str, Any], steps: Any) -> tuple[int | None, ...]:
    """Bounds from class I on; those of groundwater end at IV unless the file says V."""
    last = max((CLASSES.index(key) for key in limits), default=-1)
    length = max(last + 1, 4) if limits else 0
    return tuple(steps(limits[key]) if key in limits else None for key in CLASSES[:length])


def item_sets(source: Document, items: Mapping[str, WaterItem]) -> dict[str, WaterItemSet]:
    """The item sets of a document; every item they name must have limits."""
    found = {}
    for row in source.content.get("set", ()):
        where = f"set {row.get('id', '?')}"
        needed = {"id", "use", "items", "required", "clause"}
        _check_keys(source.name, where, row, needed | {"optional", "reference"}, needed)
        for item in (*row["items"], *row.get("optional", ()), *row["required"]):
            if item not in items:
                raise StandardsError(f"{source.name}, {where}: no limits are known for item {item!r}")
        found[row["id"]] = WaterItemSet(
            id=row["id"],
            document=source.id,
            items=tuple(row["items"]),
            reference=tuple(row.get("reference", ())),
            required=tuple(row["required"]),
            optional=tuple(row.get("optional", ())),
        )
    return found


# --- checks -------------------------------------------------------------------------------------------------------


def check_run(name: str, spans: Iterable[tuple[int, int | None]]) -> None:
    """Raises StandardsError unless the spans follow one another without overlap or gap, the last one open."""
    following: int | None = None
    spans = sorted(spans)
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


def _check_keys(name: str, where: str, row: object, allowed: set[str], needed: set[str]) -> None:
    if not isinstance(row, dict):
        raise StandardsError(f"{name}, {where}: must be a table")
    if unknown := sorted(set(row) - allowed):
        raise StandardsError(f"{name}, {where}: unknown key {unknown[0]!r}; known: {', '.join(sorted(allowed))}")
    if missing := sorted(needed - set(row)):
        raise StandardsError(f"{name}, {where}: {missing[0]} is missing")


def _check_unit(name: str, where: str, parameter: str, unit: str, items: Mapping[str, Parameter]) -> None:
    if parameter not in items:
        raise StandardsError(f"{name}, {where}: parameters.toml has no parameter {parameter!r}")
    if unit != items[parameter].unit:
        raise StandardsError(f"{name}, {where}: unit {unit!r} is not the parameter's own {items[parameter].unit!r}")


def _day(name: str, key: str, value: object) -> int:
    if not isinstance(value, date):
        raise StandardsError(f"{name}: {key} must be a date like 2026-03-01, not {value!r}")
    return periods.number(value)
