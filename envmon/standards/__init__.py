"""The printed standards, and which of them is in force on a day.

One file per printed document stands beside this one; every row cites its clause; `# unconfirmed` marks what rests on
one source only. A file is read when it is first asked for. Superseded editions stay. Never here: judging.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from envmon import periods
from envmon.errors import NotInForce, UsageError
from envmon.model import (
    AirRegime,
    AirValidity,
    CityIndexRule,
    Composite,
    Direction,
    IndexEdition,
    Level,
    LimitPhase,
    Parameter,
    TrophicRule,
    WaterClass,
    WaterItemSet,
    WaterLevels,
    WaterRegime,
)
from envmon.standards import checks, indices, levels, load
from envmon.standards.load import Document

if TYPE_CHECKING:
    from fractions import Fraction

BY_DATE = "by-date"
YEARS = ("2012", "2026")
"""The sets of air standards, by the year of their limits and index."""

INDEX = {"2012": "hj633-2012.toml", "2026": "hj633-2026.toml"}
LIMITS = {"2012": "gb3095-2012.toml", "2026": "gb3095-2026.toml"}
METHODS = {"2012": "hj663-2013.toml", "2026": "hj663-2026.toml"}
WATER = ("gb3838-2002.toml", "hb2011-22.toml", "gbt14848-2017.toml")
COMPOSITE = "hb2014-64.toml"
CITY_INDEX = "cwqi-2017.toml"


@cache
def fingerprint() -> str:
    """Changes when any of the standards files does."""
    from hashlib import sha256

    return sha256(b"".join(path.read_bytes() for path in sorted(load.FOLDER.glob("*.toml")))).hexdigest()


@cache
def parameters() -> Mapping[str, Parameter]:
    """The monitored items by id."""
    return load.parameters()


@cache
def parameter_numbers() -> Mapping[int, Parameter]:
    """The monitored items by their number in the readings table."""
    return {parameter.number: parameter for parameter in parameters().values()}


# --- air ----------------------------------------------------------------------------------------------------------


def choices() -> list[str]:
    """The names a user may give for the standard to judge by."""
    return [BY_DATE, *(f"HJ 633-{year}" for year in YEARS), *YEARS]


def index_editions() -> list[str]:
    return [f"HJ 633-{year}" for year in YEARS]


def in_force(day: int) -> bool:
    """Whether there is a standard for ambient air on a day."""
    try:
        air(day)
    except NotInForce:
        return False
    return True


def air(day: int, choice: str = BY_DATE) -> AirRegime:
    """What is in force for ambient air on a day, or the set of standards chosen by name.

    Raises NotInForce for a day before the first edition, UsageError for a name that is none.
    """
    return _air(day, _year(choice))


@cache
def _air(day: int, chosen: str | None) -> AirRegime:
    _check_families()
    year = chosen or next((y for y in YEARS if _within(_document(INDEX[y]), day)), None)
    if year is None:
        raise NotInForce("error.standard.none", day=periods.calendar(day))
    limits = _limits(year, day)
    method = _document(METHODS[year])
    return AirRegime(limits, _index(year), _validity(year), load.air_statistics(method), method.id)


def named(choice: str) -> str:
    """A choice under its one name: by-date, or the index edition of the set."""
    year = _year(choice)
    return BY_DATE if year is None else _index(year).id


@cache
def composite() -> Composite:
    """How pollutants make the composite index."""
    return load.composite(_document(COMPOSITE))


def index_edition(name: str) -> IndexEdition:
    """An index edition by its name or year."""
    year = _year(name)
    if year is None:
        raise UsageError("error.standard.edition", name=name, editions=", ".join(index_editions()))
    return _index(year)


def air_levels() -> tuple[Level, ...]:
    """The levels of the air quality index: all editions have the same, the latest prints their colours too."""
    return _index(YEARS[-1]).levels


@cache
def good_up_to(name: str) -> int:
    """The largest index of a good day by an edition."""
    return max(level.at_most for level in index_edition(name).levels if level.good)


def _year(choice: str) -> str | None:
    """The year of the set a name stands for; None for by-date. Case and blanks do not matter."""
    plain = choice.lower().replace(" ", "")
    if plain == BY_DATE:
        return None
    for year in YEARS:
        if plain in (year, f"hj633-{year}", f"gb3095-{year}", f"hj633—{year}"):
            return year
    close = get_close_matches(choice, choices(), 1, cutoff=0.4)
    raise UsageError(
        "error.standard.choice", choice=choice, choices=", ".join(choices()), close=(close or choices())[0]
    )


ONLY_PHASE = "single"  # what the files call the stage of limits that has no other beside it


@cache
def _document(name: str) -> Document:
    return load.document(name)


@cache
def _index(year: str) -> IndexEdition:
    return load.index_edition(_document(INDEX[year]), parameters())


@cache
def _validity(year: str) -> AirValidity:
    return load.air_validity(_document(METHODS[year]))


@cache
def _phases(year: str) -> list[tuple[int, int | None, LimitPhase]]:
    return load.limit_phases(_document(LIMITS[year]), parameters())


def _limits(year: str, day: int) -> LimitPhase:
    """The phase of the limits on a day; a day outside them all (a chosen edition) has the nearest."""
    phases = _phases(year)
    for first, last, phase in phases:
        if first <= day and (last is None or day <= last):
            return phase
    return phases[0][2] if day < phases[0][0] else phases[-1][2]


@cache
def _check_families() -> None:
    """Editions of one family must follow one another day by day."""
    for files in (INDEX, LIMITS, METHODS):
        documents = [_document(name) for name in files.values()]
        checks.check_run(", ".join(one.name for one in documents), [(one.first, one.last) for one in documents])


def _within(document: Document, day: int) -> bool:
    return document.first <= day and (document.last is None or day <= document.last)


@cache
def gas_state(day: int) -> tuple[Fraction, Fraction]:
    """(kelvin, pascal) to which the concentrations of gases on a day are reduced (GB 3095 3.14)."""
    from envmon.standards import reference

    return reference.gas_state([_document(name) for name in reversed(LIMITS.values())], day)


# --- water --------------------------------------------------------------------------------------------------------


def water(day: int) -> WaterRegime:
    """What is in force for surface water on a day. Raises NotInForce before GB 3838-2002."""
    return _in_force(_surface(), _document(WATER[0]), day)


def groundwater(day: int) -> WaterRegime:
    """What is in force for groundwater on a day. Raises NotInForce before GB/T 14848-2017."""
    return _in_force(_ground(), _document(WATER[2]), day)


def _in_force(regime: WaterRegime, document: Document, day: int) -> WaterRegime:
    if not _within(document, day):
        raise NotInForce("error.standard.day", name=document.id, day=periods.calendar(day))
    return regime


@cache
def _surface() -> WaterRegime:
    limits, method = _document(WATER[0]), _document(WATER[1])
    return _regime(limits, method, method)


@cache
def _ground() -> WaterRegime:
    limits = _document(WATER[2])
    return _regime(limits, _document(WATER[1]), limits)


def _regime(limits: Document, method: Document, sets: Document) -> WaterRegime:
    main, rounds = method.content["main_indicators"], method.content["rounds"]
    items = load.water_items(limits, parameters(), main["priority_items"], main["no_multiple_items"])
    return WaterRegime(
        edition=limits.id,
        method=method.id,
        items=items,
        sets=load.item_sets(sets, items),
        max_main=main["max_listed"],
        multiple_decimals=main["multiple_decimals"],
        min_rounds=(rounds["quarter_min"], rounds["year_min"]),
    )


def water_item_set(edition: str, name: str) -> WaterItemSet:
    """An item set of surface water or groundwater by the edition it was judged by, and its name.

    What a list of a bureau's own requires is what the usual set of sources requires.
    """
    sets = (_ground() if edition == _ground().edition else _surface()).sets
    return sets[name] if name in sets else next(one for one in sets.values() if one.compliance)


@cache
def automatic_first() -> frozenset[str]:
    """Items for which an automatic station's values go before the laboratory's, where both are merged."""
    return frozenset(_document(WATER[1]).content["auto_merge"]["auto_first_items"])


@cache
def trophic() -> TrophicRule:
    """How the trophic state of a lake is reckoned."""
    method = _document(WATER[1])
    return indices.trophic(method.name, method.id, method.content["tli"], parameters())


@cache
def city_index() -> CityIndexRule:
    """How the water quality index of a city is reckoned."""
    source, regime = _document(CITY_INDEX), _surface()
    return indices.city_index(source.name, source.id, source.content["cwqi"], regime.sets, regime.items)


SOURCES: Mapping[str, Callable[[], WaterRegime]] = {
    "surface_sources": lambda: _surface(),
    "groundwater_sources": lambda: _ground(),
}
"""The regime of each kind of drinking-water source, by the key under which a bureau chooses its items."""

OWN_SET = "own_list"  # the item set of a bureau that lists its items


def source_sets() -> Mapping[str, list[str]]:
    """The item sets that ask whether a source complies, by kind of source."""
    return {kind: [one.id for one in regime().sets.values() if one.compliance] for kind, regime in SOURCES.items()}


def source_items() -> Mapping[str, list[str]]:
    """The items that can be judged, by kind of source."""
    return {
        kind: [item.id for item in regime().items.values() if item.direction is not Direction.NOT_JUDGED]
        for kind, regime in SOURCES.items()
    }


def of_sources(kind: str, day: int, chosen: str | tuple[str, ...]) -> tuple[WaterRegime, str]:
    """The regime in force for a kind of source, and the item set it is judged by: a printed one, or a list of items."""
    regime = groundwater(day) if kind == "groundwater_sources" else water(day)
    return (regime, chosen) if isinstance(chosen, str) else (_with_items(kind, chosen), OWN_SET)


@cache
def _with_items(kind: str, items: tuple[str, ...]) -> WaterRegime:
    """A regime with one more set: of what the usual one requires only that which is on the list is required."""
    regime = SOURCES[kind]()
    usual = next(one for one in regime.sets.values() if one.compliance)
    required = tuple(item for item in usual.required if item in items)
    own = WaterItemSet(OWN_SET, regime.edition, items, required=required, compliance=True)
    return replace(regime, sets={**regime.sets, OWN_SET: own})


def item_sets() -> Mapping[str, list[str]]:
    """Every item set of surface water and of groundwater."""
    return {"surface": list(_surface().sets), "groundwater": list(_ground().sets)}


@cache
def water_levels() -> WaterLevels:
    """How sections make the level of a river, basin or area, and what is a change or a trend of it."""
    method = _document(WATER[1])
    return levels.water_levels(method.name, method.id, method.content)


@cache
def class_colours() -> Mapping[WaterClass, tuple[int, int, int]]:
    """Colours of the water classes (环办〔2011〕22号 table 1; the RGB triples are unconfirmed)."""
    rows = _document(WATER[1]).content["class"]
    return {WaterClass(row["rank"]): tuple(row["rgb"]) for row in rows}


# --- the list -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edition:
    """One document, or one phase of it, with the days it is in force and how much of it is unconfirmed."""

    id: str
    family: str
    title: str
    phase: str
    first: int
    last: int | None
    file: str
    unconfirmed: int


def editions() -> tuple[Edition, ...]:
    """Every document of the program, phases apart, oldest first within its family."""
    found = []
    for name in sorted(path.name for path in Path(load.FOLDER).glob("*.toml") if path.name != "parameters.toml"):
        one = _document(name)
        spans = [("", one.first, one.last)]
        if one.family == "air-limits":
            year = next(year for year, file in LIMITS.items() if file == name)
            spans = [(phase.phase, first, last) for first, last, phase in _phases(year)]
        for phase, first, last in spans:
            found.append(Edition(one.id, one.family, one.title, phase, first, last, name, one.unconfirmed))
    return tuple(sorted(found, key=lambda one: (one.family, one.first)))
