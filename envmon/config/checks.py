"""What must agree between the tables: ids, references, names, and the kinds the other rooms know.

Works on the tables as written, so that one broken key does not hide the next mistake. Never here: what one table may
hold (`schema`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envmon import periods
from envmon.config.forms import BODIES, SITE_KINDS, Wrong, day
from envmon.config.known import Known
from envmon.config.mistakes import closest
from envmon.config.schema import Problem
from envmon.model import OWN_JOBS, Body, Kind, RuleKind

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One table of a list as written: the file and line it stands in and its path there."""

    file: str
    line: int
    path: Path
    raw: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The kind of a site, whatever spelling it was written in."""
        return str(SITE_KINDS.get(self.text("kind"), self.text("kind")))

    def text(self, key: str) -> str:
        value = self.raw.get(key)
        return value.strip() if isinstance(value, str) else ""


Entries = Mapping[str, Sequence[Entry]]
Found = tuple[Entry, Problem]


def check(entries: Entries, known: Known) -> Iterator[Found]:
    """Every disagreement between tables, with the table it is reported at."""
    yield from _unique(entries["areas"], entries["sites"])
    for name in ("sources", "targets", "rules", "channels"):
        yield from _unique(entries[name])
    yield from _references(entries, known)
    yield from _rule_subjects(entries)
    yield from _preferences(entries, known)
    yield from _names(entries["sites"])
    yield from _plan(entries, known)
    yield from _city_series(entries)
    yield from _devices(entries, known)


def _unique(*lists: Sequence[Entry]) -> Iterator[Found]:
    first: dict[str, Entry] = {}
    for entry in (entry for entries in lists for entry in entries):
        identity = entry.text("id")
        if identity and first.setdefault(identity, entry) is not entry:
            yield entry, ("id", "unique", {"where": _where(first[identity])})


def _where(entry: Entry) -> str:
    return f"{entry.file}:{entry.line}"


def _references(entries: Entries, known: Known) -> Iterator[Found]:
    areas = {entry.text("id"): entry.text("name") for entry in entries["areas"]}
    for entry in entries["sites"]:
        yield from _named(entry, "area", areas, areas)
    for entry in entries["targets"]:
        yield from _named(entry, "area", [*areas, "*"], areas)
        yield from _named(entry, "edition", known.editions and ["by-date", *known.editions])
    air = [entry.text("id") for entry in entries["sites"] if entry.kind in AIR]
    for entry in entries["sources"]:
        yield from _named(entry, "kind", known.sources)
        yield from _options(entry, known, air)
    for entry in entries["channels"]:
        yield from _named(entry, "kind", known.channels)
    for entry in entries["maintenance"]:
        yield from _named(entry, "site", places(entries))
        yield from _each_named(entry, "items", known.items)


def places(entries: Entries) -> list[str]:
    """The ids of all sites and areas."""
    return [entry.text("id") for name in ("sites", "areas") for entry in entries[name]]


def _each_named(entry: Entry, key: str, allowed: Collection[str]) -> Iterator[Found]:
    """A list of words each of which must be among the allowed ones; not checked when none are known."""
    words = entry.raw.get(key)
    for word in words if isinstance(words, list) and allowed else ():
        if isinstance(word, str) and word not in allowed:
            yield entry, (key, "one_of", _listed(allowed, closest(word, allowed)))


def _options(entry: Entry, known: Known, air: Sequence[str]) -> Iterator[Found]:
    """What a kind of source finds wrong with its own options; their form was checked before."""
    find, options = known.options.get(entry.text("kind")), entry.raw.get("options", {})
    for key, code, values in find(entry.text("url"), options, air) if find and isinstance(options, Mapping) else ():
        path = "url" if key == "url" else ".".join(("options", key)).rstrip(".")
        yield entry, (path, code, values)


def _named(
    entry: Entry, key: str, allowed: Collection[str] | None, names: Mapping[str, str] | None = None
) -> Iterator[Found]:
    """A key whose word must be among the allowed ones; `names` are Chinese names that stand for an id."""
    word = entry.text(key)
    if word and allowed is not None and word not in allowed:
        meant = next((identity for identity, name in (names or {}).items() if name == word), "")
        yield entry, (key, "one_of", _listed(allowed, meant or closest(word, allowed)))


def _listed(allowed: Collection[str], meant: str) -> dict[str, Any]:
    words = sorted(allowed)
    text = " ".join(words[:20]) + (f" … ({len(words)})" if len(words) > 20 else "")
    return {"words": text or "-", "suggestion": meant}


def _rule_subjects(entries: Entries) -> Iterator[Found]:
    """What `sites` of a rule may name depends on what the rule looks at."""
    of_kind: dict[str, list[str]] = {"area": [entry.text("id") for entry in entries["areas"]]}
    for entry in entries["sites"]:
        of_kind.setdefault(entry.kind, []).append(entry.text("id"))
    air = [*of_kind["area"], *of_kind.get(Kind.CITY, ()), *of_kind.get(Kind.STATION, ())]
    every = [entry.text("id") for entry in entries["sites"]]
    subjects = {
        RuleKind.DAILY_AQI: air,
        RuleKind.HOURLY_AQI: air[len(of_kind["area"]) :],  # an area has no hourly index of its own
        RuleKind.SECTION_CLASS: of_kind.get(Kind.SECTION, []),
        RuleKind.SOURCE_COMPLIANCE: of_kind.get(Kind.SOURCE, []),
        RuleKind.TARGET: [entry.text("id") for entry in entries["targets"]],
        RuleKind.SILENCE: every,
        RuleKind.SERVICE: [*(entry.text("id") for entry in entries["sources"]), *OWN_JOBS],
        RuleKind.SAMPLING: [site.text("id") for site in _planned(entries).values()],
    }
    for entry in entries["rules"]:
        allowed = subjects.get(entry.text("kind"))  # type: ignore[call-overload]
        written = entry.raw.get("sites")
        if allowed is None or not isinstance(written, list):
            continue
        choice = set(allowed)
        for word in written:
            if isinstance(word, str) and word not in choice:
                yield entry, ("sites", "subject", {"word": word, **_listed(choice, closest(word, choice))})


def _preferences(entries: Entries, known: Known) -> Iterator[Found]:
    """An order of preference names sources, sites and items there are, each source once."""
    ids = {name: [entry.text("id") for entry in entries[name]] for name in ("sources", "sites")}
    allowed: dict[str, Collection[str]] = {**ids, "items": known.items, "sources": [*ids["sources"], *known.pushed]}
    for entry in entries["preferences"]:
        for key, choice in allowed.items():
            written = entry.raw.get(key)
            for word in written if isinstance(written, list) else ():
                if isinstance(word, str) and choice and word not in choice:
                    yield entry, (key, "listed", {"word": word, **_listed(choice, closest(word, choice))})
        if entry.raw.get("sources") == []:
            yield entry, ("sources", "some_sources", {})


def _names(sites: Sequence[Entry]) -> Iterator[Found]:
    """Readings find their site by id, code, name or alias, brackets and blanks forgiven: each must lead to one site.

    Names of stations that both have a code may be the same: many cities have a 环保局. So may names and codes of sites
    of which one was closed before the other opened: a station moves and keeps its name, a code is given again.
    """
    codes: dict[str, list[Entry]] = {}
    names: dict[str, list[Entry]] = {}
    for entry in sites:
        code = entry.text("code")
        owners = codes.setdefault(plain_name(code), []) if code else []
        if other := next((one for one in owners if not _apart(entry, one)), None):
            yield entry, ("code", "unique", {"where": _where(other)})
        owners.append(entry)
        for key, word in (("id", entry.text("id")), ("name", entry.text("name")), *_aliases(entry)):
            owners = names.setdefault(plain_name(word), []) if word else []
            if key != "id" and (other := next((one for one in owners if _confused(entry, one)), None)):
                yield entry, (key, "name_twice", {"word": word, "where": _where(other)})
            owners.append(entry)


def _confused(entry: Entry, other: Entry) -> bool:
    """Whether a name that two sites share could lead to either."""
    told_apart = entry.kind == other.kind == Kind.STATION and entry.text("code") and other.text("code")
    return other is not entry and not told_apart and not _apart(entry, other)


def _apart(entry: Entry, other: Entry) -> bool:
    """Whether one of two sites was closed before the other opened."""
    (opened, closed), (other_opened, other_closed) = _open(entry), _open(other)
    return closed < other_opened or other_closed < opened


def _open(entry: Entry) -> tuple[int, int]:
    """First and last day on which a site is open; a date that is no date is told elsewhere."""
    found = []
    for key, otherwise in (("opened", periods.FIRST_DAY), ("closed", periods.LAST_DAY)):
        try:
            found.append(otherwise if entry.raw.get(key) is None else day(entry.raw[key]))
        except Wrong:
            found.append(otherwise)
    return found[0], found[1]


def _plan(entries: Entries, known: Known) -> Iterator[Found]:
    """An entry of the plan names a section or source, and an item set of its kind of water; once for a cycle."""
    sites, first = _planned(entries, every=True), dict[tuple[str, ...], Entry]()
    for entry in entries["plan"]:
        word = entry.text("site")
        site = sites.get(plain_name(word))
        if word and site is None:
            ids = [one.text("id") for one in sites.values()]
            meant = sites.get(closest(plain_name(word), sites))
            yield entry, ("site", "planned_site", _listed(set(ids), meant.text("id") if meant else ""))
        if site is None:
            continue
        sets = known.item_sets.get("groundwater" if site.raw.get("body") in GROUND else "surface")
        yield from _named(entry, "items", sets)
        told_apart = (site.text("id"), entry.text("items"), entry.text("every"), str(entry.raw.get("from")))
        if first.setdefault(told_apart, entry) is not entry:
            yield entry, ("site", "planned_twice", {"where": _where(first[told_apart])})


GROUND = [word for word, body in BODIES.items() if body is Body.GROUNDWATER]


def _planned(entries: Entries, every: bool = False) -> dict[str, Entry]:
    """Sections and sources by each of their names: those in the plan, or every one that could be."""
    sites = [site for site in entries["sites"] if site.kind in (Kind.SECTION, Kind.SOURCE)]
    named = {plain_name(entry.text("site")) for entry in entries["plan"]}
    return {one: site for site in sites for one in names_of(site) if every or named & set(names_of(site))}


def names_of(site: Entry) -> list[str]:
    """What a section or source may be called: its id, name and aliases, as they are compared."""
    return [plain_name(word) for word in (site.text("id"), site.text("name"), *(a for _, a in _aliases(site))) if word]


def _aliases(entry: Entry) -> Iterator[tuple[str, str]]:
    aliases = entry.raw.get("aliases")
    for alias in aliases if isinstance(aliases, list) else ():
        if isinstance(alias, str):
            yield "aliases", alias.strip()


def plain_name(name: str) -> str:
    """A name as sources compare it: full-width forms as half-width ones, no blanks, small letters."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _city_series(entries: Entries) -> Iterator[Found]:
    """An area judged by its own published series needs exactly one."""
    areas = {area.text("id") for area in entries["areas"]}
    series = [site.text("area") for site in entries["sites"] if site.kind == Kind.CITY]
    if not set(series) <= areas:
        return  # which area is meant must be settled first
    for area in entries["areas"]:
        count = series.count(area.text("id"))
        if area.raw.get("air") == "city" and count != 1:
            yield area, ("air", "one_city", {"count": count, "area": area.text("id")})


def _devices(entries: Entries, known: Known) -> Iterator[Found]:
    """Every device has an MN of its own, a site that measures, items that exist; only air has minutes made hours."""
    first: dict[str, Entry] = {}
    sites = {site.text("id"): site for site in entries["sites"]}
    for entry in entries["devices"]:
        mn = entry.text("mn")
        if mn and first.setdefault(mn, entry) is not entry:
            yield entry, ("mn", "unique", {"where": _where(first[mn])})
        yield from _named(entry, "site", sites, {identity: site.text("name") for identity, site in sites.items()})
        factors = entry.raw.get("factors")
        for item in factors.values() if isinstance(factors, Mapping) else ():
            if isinstance(item, str) and known.items and item not in known.items:
                yield entry, ("factors", "factor", {"word": item, "suggestion": closest(item, known.items)})
        units = entry.raw.get("units")
        for unit in units.values() if isinstance(units, Mapping) else ():
            if isinstance(unit, str) and not known.is_unit(unit):
                yield entry, ("units", "unit", {"word": unit})
        site = sites.get(entry.text("site"))
        if entry.raw.get("hours_from") == "minutes" and site is not None and site.kind not in AIR:
            yield entry, ("hours_from", "only_for", {"kinds": " ".join(AIR), "kind": site.kind})


AIR = (Kind.STATION, Kind.CITY)
