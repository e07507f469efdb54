"""Reading the standards files: TOML in, nouns of `model` out, every number scaled exactly.

A file that is incomplete or contradicts itself stops the program, naming file and row: unknown keys, a missing clause,
a unit that is not the parameter's own, breakpoints that do not rise, phases that overlap or leave a gap.
Never here: which edition is in force on a day (`standards`), or what follows from a limit (`assess`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envmon.errors import StandardsError
from envmon.model import (
    POLLUTANTS,
    AirStatistics,
    AirValidity,
    Breakpoints,
    Composite,
    Direction,
    IndexEdition,
    Level,
    LimitPhase,
    Medium,
    Parameter,
    WaterItem,
    WaterItemSet,
)
from envmon.standards.checks import (
    FAMILIES,
    SECTIONS,
    check_keys,
    check_run,
    check_section,
    check_unit,
    day_number,
    exact_steps,
    rising,
)
from envmon.standards.indices import city_index, trophic
from envmon.standards.levels import water_levels

FOLDER = Path(__file__).parent
PARAMETERS = "parameters.toml"

Table = dict[str, Any]
Bounds = tuple[int | None, ...]

CLASSES = ("I", "II", "III", "IV", "V")
AVERAGES = ("annual", "24h", "1h", "mda8", "quarter")
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
    needed, more = FAMILIES.get(str(content.get("family")), (set(), set()))
    if not needed:
        raise StandardsError(f"{name}, file: 'family' must be one of {', '.join(FAMILIES)}")
    check_keys(name, "file", content, needed | more, needed)
    for key in SECTIONS.keys() & content.keys():
        check_section(name, key, content[key])
    phases = content.get("phase", [content])
    for phase in phases:
        if not isinstance(phase, dict):
            raise StandardsError(f"{name}, phase: must be a table")
    first = min((day_number(name, "from", phase.get("from")) for phase in phases), default=None)
    if first is None:
        raise StandardsError(f"{name}, phase: there is none")
    last = [None if phase.get("to") is None else day_number(name, "to", phase["to"]) for phase in phases]
    end = None if None in last else max(day for day in last if day is not None)
    marks = text.count("# unconfirmed")
    return Document(name, content["id"], content["family"], content["title"], first, end, content, marks)


def parameters(folder: Path = FOLDER) -> dict[str, Parameter]:
    """The monitored items by id."""
    name = PARAMETERS
    try:
        content = tomllib.loads((folder / name).read_text(encoding="utf-8"), parse_float=str)
        rows = content.pop("parameter")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise StandardsError(f"{name}: cannot be read: {error}") from error
    if content:
        raise StandardsError(f"{name}, file: unknown key {min(content)!r}; known: parameter")
    found: dict[str, Parameter] = {}
    numbers: set[int] = set()
    keys = {"number", "id", "medium", "name", "name_en", "unit", "decimals", "code", "low", "high"}
    for row in rows:
        where = f"parameter {row.get('id', '?')}"
        check_keys(name, where, row, keys, keys - {"code", "low", "high"})
        if row["id"] in found or row["number"] in numbers:
            raise StandardsError(f"{name}, {where}: id or number is given twice")
        low, high = (exact_steps(name, where, row[k], row["decimals"]) if k in row else None for k in ("low", "high"))
        if low is not None and high is not None and low >= high:
            raise StandardsError(f"{name}, {where}: low must be below high")
        if row["medium"] not in list(Medium):
            raise StandardsError(f"{name}, {where}: medium must be one of {', '.join(Medium)}")
        medium = Medium(row["medium"])
        found[row["id"]] = Parameter(
            row["number"], row["id"], medium, row["name"], row["name_en"], row["unit"], row["decimals"],
            row.get("code", ""), low, high,
        )  # fmt: skip
        numbers.add(row["number"])
    return found


def check(folder: Path = FOLDER) -> None:
    """Read every file of a folder and make its nouns. Raises StandardsError for the first mistake."""
    known = parameters(folder)
    documents = [document(path.name, folder) for path in sorted(folder.glob("*.toml")) if path.name != PARAMETERS]
    for family in FAMILIES:
        members = [one for one in documents if one.family == family]
        check_run(", ".join(one.name for one in members), [(one.first, one.last) for one in members])
    by_family = {one.family: one for one in documents}
    if missing := sorted(FAMILIES.keys() - by_family.keys()):
        raise StandardsError(f"{folder.name}: there is no file of family {missing[0]!r}")
    method = by_family["water-method"]
    main = method.content["main_indicators"]
    water_levels(method.name, method.id, method.content)
    if unknown := sorted(set(method.content["auto_merge"]["auto_first_items"]) - known.keys()):
        raise StandardsError(f"{method.name}, auto_merge: {unknown[0]!r} is no parameter of {PARAMETERS}")
    for one in documents:
        if one.family == "air-limits":
            limit_phases(one, known)
        elif one.family == "air-index":
            index_edition(one, known)
        elif one.family == "air-method":
            air_validity(one)
            air_statistics(one)
        elif one.family == "air-composite":
            composite(one)
        elif one.family in ("surface-water", "groundwater"):
            items = water_items(one, known, main["priority_items"], main["no_multiple_items"])
            sets = item_sets(by_family["water-method"] if one.family == "surface-water" else one, items)
            if one.family == "surface-water":
                index = by_family["water-index"]
                trophic(method.name, method.id, method.content["tli"], known)
                city_index(index.name, index.id, index.content["cwqi"], sets, items)


# --- air ----------------------------------------------------------------------------------------------------------


def index_edition(source: Document, items: Mapping[str, Parameter]) -> IndexEdition:
    """An edition of HJ 633."""
    name, content = source.name, source.content
    index = content["index"]
    needed = {"nodes", "top", "primary_above", "clause", "decimals", "daily", "hourly"}
    check_keys(name, "index", index, needed | {"exceeding_above", "missing_blocks_up_to"}, needed)
    for part in ("decimals", "daily", "hourly"):
        for item in POLLUTANTS:
            kind = int if part == "decimals" else str
            if type(index[part].get(item)) is not kind or index[part].keys() - set(POLLUTANTS):
                raise StandardsError(f"{name}, index.{part}: must have one value for each of {', '.join(POLLUTANTS)}")
    columns: dict[str, Breakpoints] = {}
    for row in content["column"]:
        column = _column(name, row, index, items)
        if column.name in columns:
            raise StandardsError(f"{name}, column {column.name}: given twice")
        columns[column.name] = column
    owner = {row["name"]: row["parameter"] for row in content["column"]}
    for use in ("daily", "hourly"):
        for pollutant in POLLUTANTS:
            if owner.get(index[use][pollutant]) != pollutant:
                raise StandardsError(f"{name}, index.{use}: {pollutant} names no column of its own")
    _check_beyond(name, columns, owner, index["top"])
    levels = tuple(_level(name, row) for row in content["level"])
    _check_levels(name, levels, index["top"])
    return IndexEdition(
        id=source.id,
        columns=columns,
        daily={pollutant: index["daily"][pollutant] for pollutant in POLLUTANTS},
        hourly={pollutant: index["hourly"][pollutant] for pollutant in POLLUTANTS},
        levels=levels,
        primary_above=index["primary_above"],
        exceeding_above=index.get("exceeding_above"),
        top=index["top"],
        missing_blocks_up_to=index.get("missing_blocks_up_to"),
    )


def _column(name: str, row: Table, index: Table, items: Mapping[str, Parameter]) -> Breakpoints:
    where = f"column {row.get('name', '?')}"
    keys = {"name", "parameter", "unit", "points", "beyond", "clause"}
    check_keys(name, where, row, keys, keys)
    check_unit(name, where, row["parameter"], row["unit"], items)
    decimals = index["decimals"][row["parameter"]]
    points = tuple(exact_steps(name, where, point, decimals) for point in row["points"])
    nodes = tuple(index["nodes"][: len(points)])
    if len(nodes) != len(points) or len(points) < 2:
        raise StandardsError(f"{name}, {where}: {len(points)} points for {len(index['nodes'])} nodes")
    for what, values in (("points", points), ("nodes of index", nodes)):
        if any(type(value) is not int for value in values) or values[0] != 0 or not rising(values):
            raise StandardsError(f"{name}, {where}: {what} must rise from 0")
    return Breakpoints(row["name"], points, nodes, decimals, row["beyond"])


def _check_beyond(name: str, columns: Mapping[str, Breakpoints], owner: Mapping[str, str], top: int) -> None:
    """Above its last point a column stays at an index it has reached, or a longer one of the same item carries on."""
    for column in columns.values():
        where, beyond = f"column {column.name}", column.beyond
        if isinstance(beyond, int):
            if not column.nodes[-1] <= beyond <= top:
                raise StandardsError(f"{name}, {where}: beyond must be between {column.nodes[-1]} and {top}")
        elif owner.get(beyond) != owner[column.name]:
            raise StandardsError(f"{name}, {where}: beyond names no column of {owner[column.name]}")
        elif isinstance(columns[beyond].beyond, str) or columns[beyond].points[-1] <= column.points[-1]:
            raise StandardsError(f"{name}, {where}: column {beyond} does not go further")


def _check_levels(name: str, levels: Sequence[Level], top: int) -> None:
    if [level.number for level in levels] != list(range(1, len(levels) + 1)) or not levels:
        raise StandardsError(f"{name}, level: numbers must be 1, 2, 3 …")
    if not rising([level.at_most for level in levels]) or levels[-1].at_most != top:
        raise StandardsError(
            f"{name}, level {levels[-1].number}: at_most must rise from level to level and end at {top}"
        )
    good = [level.good for level in levels]
    if not good[0] or good != sorted(good, reverse=True):
        raise StandardsError(f"{name}, level {good.index(True) + 1 if any(good) else 1}: the good levels come first")


def _level(name: str, row: Table) -> Level:
    where = f"level {row.get('number', '?')}" if isinstance(row, dict) else "level"
    keys = {"number", "name", "name_en", "at_most", "good", "rgb", "clause"}
    check_keys(name, where, row, keys, keys)
    if len(row["rgb"]) != 3 or not all(type(part) is int and 0 <= part <= 255 for part in row["rgb"]):
        raise StandardsError(f"{name}, {where}: rgb must be three numbers from 0 to 255")
    red, green, blue = row["rgb"]
    return Level(row["number"], row["name"], row["name_en"], row["at_most"], row["good"], (red, green, blue))


def limit_phases(source: Document, items: Mapping[str, Parameter]) -> list[tuple[int, int | None, LimitPhase]]:
    """The phases of an edition of GB 3095: (first day, last day or None, limits), in order."""
    name, content = source.name, source.content
    found = []
    for phase in content["phase"]:
        where = f"phase {phase.get('name', '?')}"
        check_keys(name, where, phase, {"name", "from", "to", "limit"}, {"name", "from", "limit"})
        limits: dict[tuple[str, str, int], int] = {}
        for row in phase["limit"]:
            spot = f"{where}, limit {row.get('parameter', '?')} {row.get('average', '?')}"
            keys = {"parameter", "average", "grade_1", "grade_2", "unit", "clause"}
            check_keys(name, spot, row, keys, keys)
            check_unit(name, spot, row["parameter"], row["unit"], items)
            if row["average"] not in AVERAGES:
                raise StandardsError(f"{name}, {spot}: average must be one of {', '.join(AVERAGES)}")
            for grade in (1, 2):
                key = (row["parameter"], row["average"], grade)
                if key in limits:
                    raise StandardsError(f"{name}, {spot}: given twice")
                limits[key] = exact_steps(name, spot, row[f"grade_{grade}"], items[row["parameter"]].decimals)
            if limits[*key[:2], 1] > limits[*key[:2], 2]:
                raise StandardsError(f"{name}, {spot}: grade 1 is never above grade 2")
        for pollutant in POLLUTANTS:
            if (pollutant, "mda8" if pollutant == "o3" else "24h", 2) not in limits:
                raise StandardsError(f"{name}, {where}: there is no daily limit of {pollutant}")
        used = {parameter: items[parameter].decimals for parameter, _, _ in limits}
        first, last = day_number(name, "from", phase["from"]), phase.get("to")
        found.append((first, last and day_number(name, "to", last), LimitPhase(source.id, phase["name"], limits, used)))
    check_run(name, [(first, last) for first, last, _ in found])
    return found


def air_validity(source: Document) -> AirValidity:
    """The validity rules of an edition of HJ 663."""
    keys = {
        "day_hours", "window_hours", "window_least", "first_window", "windows", "month_days", "february_days",
        "year_days", "station_share", "station_share_under_4", "hour_minutes", "clause",
    }  # fmt: skip
    row = source.content.get("validity", {})
    check_keys(source.name, "validity", row, keys, keys)
    minutes = row["hour_minutes"]
    if minutes.keys() != set(POLLUTANTS) or not all(type(one) is int and 0 <= one <= 60 for one in minutes.values()):
        wanted = ", ".join(POLLUTANTS)
        raise StandardsError(f"{source.name}, validity: hour_minutes must have a number up to 60 for each of {wanted}")
    plain = {key: row[key] for key in keys - {"station_share", "station_share_under_4", "hour_minutes", "clause"}}
    share = row["station_share"], row["station_share_under_4"]
    return AirValidity(**plain, station_share=share, hour_minutes=_by_pollutant(minutes))


def air_statistics(source: Document) -> AirStatistics:
    """The rules of an edition of HJ 663 for months, quarters and years."""
    content, annual = source.content, source.content["annual"]
    for item in annual["with_mean"]:
        if item not in POLLUTANTS:
            raise StandardsError(f"{source.name}, annual: with_mean: {item!r} is no pollutant")
    for item in POLLUTANTS:
        if not 0 < content["percentile"][item] < 100:
            raise StandardsError(f"{source.name}, percentile: {item} must be between 0 and 100")
        if content["evaluation"][item] > content["statistics"][item]:
            raise StandardsError(f"{source.name}, evaluation: {item} has more decimals than its statistics")
    return AirStatistics(
        decimals=_by_pollutant(content["statistics"]),
        evaluation=_by_pollutant(content["evaluation"]),
        percentiles=_by_pollutant(content["percentile"]),
        with_mean=tuple(annual["with_mean"]),
        multiple_decimals=annual["multiple_decimals"],
        moving_years=annual.get("moving_years"),
    )


def composite(source: Document) -> Composite:
    """The composite index of 环办〔2014〕64号."""
    row = source.content["composite"]
    if unknown := sorted(set(row["with_percentile"]) - set(POLLUTANTS)):
        raise StandardsError(f"{source.name}, composite: with_percentile: {unknown[0]!r} is no pollutant")
    return Composite(
        id=source.id,
        grade=row["grade"],
        weights=_by_pollutant(source.content["composite_weights"]),
        with_percentile=tuple(row["with_percentile"]),
        ratio_decimals=row["ratio_decimals"],
        decimals=row["decimals"],
    )


def _by_pollutant(row: Table) -> dict[str, int]:
    return {item: row[item] for item in POLLUTANTS}


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
        check_keys(source.name, where, row, ITEM_KEYS, {"id", "name", "name_en", "unit", "direction", "clause"})
        if row["id"] not in items or row["id"] in found:
            raise StandardsError(f"{source.name}, {where}: given twice, or no parameter of parameters.toml")
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
        return exact_steps(name, where, value, parameter.decimals - (3 if factor > 1 else 0))

    for key in ("limits", "limits_lake", "range"):
        if isinstance(row.get(key), dict) and (unknown := row[key].keys() - set(CLASSES)):
            raise StandardsError(f"{name}, {where}: {key} knows no class {min(unknown)!r}")
    if len({"limit", "limits", "range"} & row.keys()) > 1:
        raise StandardsError(f"{name}, {where}: has more than one of limit, limits and range")
    low: tuple[int | None, ...] = ()
    if "range" in row:
        spans = row["range"] if isinstance(row["range"], dict) else dict.fromkeys(CLASSES, row["range"])
        if any(not isinstance(pair, list) or len(pair) != 2 for pair in spans.values()):
            raise StandardsError(f"{name}, {where}: a range is [low, high]")
        limits = _by_class(spans, lambda pair: steps(pair[1]))
        low = _by_class(spans, lambda pair: steps(pair[0]))
    elif "limit" in row:
        limits = (None, None, steps(row["limit"]), None, None)
    else:
        limits = _by_class(row.get("limits", {}), steps)
    lake = _by_class(row["limits_lake"], steps) if "limits_lake" in row else ()
    _check_bounds(name, where, DIRECTIONS[row["direction"]], limits, lake, low)
    if row.get("decimals_assess", 0) > parameter.decimals:
        raise StandardsError(f"{name}, {where}: readings have {parameter.decimals} decimals, a mean cannot have more")
    return WaterItem(
        id=row["id"],
        table=row.get("table", 1),
        name=row["name"],
        name_en=row["name_en"],
        unit=parameter.unit,
        decimals=parameter.decimals,
        direction=DIRECTIONS[row["direction"]],
        limits=limits,
        lake=lake,
        low=low,
        lake_only=row.get("lake_only", False),
        round_to=row.get("decimals_assess"),
        has_multiple=row["id"] not in plain,
        priority=row["id"] in priority,
    )


def _check_bounds(name: str, where: str, direction: Direction, limits: Bounds, lake: Bounds, low: Bounds) -> None:
    """Bounds are there where the direction asks for them, and none is stricter than that of a better class."""
    judged = direction in (Direction.AT_MOST, Direction.AT_LEAST, Direction.BETWEEN)
    if judged != any(bound is not None for bound in limits) or bool(low) != (direction is Direction.BETWEEN):
        raise StandardsError(f"{name}, {where}: the limits do not go with direction {direction.value!r}")
    if lake and len(lake) != len(limits):
        raise StandardsError(f"{name}, {where}: limits_lake must have the classes that limits has")
    falling = direction is Direction.AT_LEAST
    for bounds, turned in ((limits, falling), (lake, falling), (low, True)):
        known = [bound for bound in bounds if bound is not None]
        if known != sorted(known, reverse=turned):
            raise StandardsError(f"{name}, {where}: a worse class has a stricter limit than a better one")


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
        check_keys(source.name, where, row, needed | {"optional", "reference", "compliance"}, needed)
        judged = [*row["items"], *row.get("optional", ())]
        for item in (*judged, *row["required"], *row.get("reference", ())):
            if item not in items:
                raise StandardsError(f"{source.name}, {where}: no limits are known for item {item!r}")
        for item in judged:
            if items[item].direction is Direction.NOT_JUDGED or judged.count(item) > 1:
                raise StandardsError(f"{source.name}, {where}: item {item!r} has no limits, or stands twice")
        if set(judged) & set(row.get("reference", ())) or not set(row["required"]) <= set(judged):
            raise StandardsError(f"{source.name}, {where}: required items decide, items for reference do not")
        if row["id"] in found:
            raise StandardsError(f"{source.name}, {where}: given twice")
        found[row["id"]] = WaterItemSet(
            id=row["id"],
            document=source.id,
            items=tuple(row["items"]),
            reference=tuple(row.get("reference", ())),
            required=tuple(row["required"]),
            optional=tuple(row.get("optional", ())),
            compliance=row.get("compliance", False),
        )
    return found
