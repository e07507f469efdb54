"""Proposing sites: what a source lists and the config does not know yet, as new sites or new names of known ones.

Nothing is entered: a person reads the proposals, mends them and puts them into the config. Never here: writing files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from envmon.model import Area, Config, Kind, Payload, Site, SourceSpec
from envmon.pipeline.access import session_of
from envmon.pipeline.pull import context, understood
from envmon.sources import SOURCES, Place, read_file
from envmon.sources.cnemc_water import PROVINCES
from envmon.sources.context import Other, plain

ALIKE = 0.75  # from which names are proposed as names of one site
BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
STATE = re.compile(r"[(（](?:启用|停运|停用|新增|对照点|背景点|手工站)\S*?[)）]")
"""Remarks that stand behind names of stations and are no part of them."""
IDENTITY = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}\Z")
LAKES = re.compile(r"[湖库海泊淀池]|水库")
CHANGES = ("new", "renamed", "recoded")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One site a source lists.

    change : `new`; `renamed` (the code of `site`, or a name like its own: a further alias); `recoded` (the name of
    `site` with another code). site : the id of the known site, or the id proposed. area : an id of the config, or "".
    body : of a section, by its name, to be checked. seen : how often the source named it; 0: it was only listed.
    """

    change: str
    site: str
    place: Place
    area: str
    body: str
    seen: int = 0


def discover(
    config: Config, spec: SourceSpec, now: int, everywhere: bool, files: Sequence[Path] = ()
) -> list[Proposal]:
    """Ask a source once for the sites it knows, or read saved answers, and compare them with the config.

    Nothing is stored.
    everywhere : also sites of other areas than the config's. Of a source that tells the province only, those of the
        config's provinces are proposed without it, their area left open.
    Raises SourceUnavailable or SourceChanged when it does not answer or answers otherwise.
    """
    source = SOURCES[spec.kind]
    ask = source.survey or source.fetch
    found: list[Proposal] = []
    if files:
        payloads = [read_file(path, spec.kind, now) for path in files]
    else:
        with session_of(config, spec) as session:
            payloads = list(ask(session, spec, now, config.sites))
    if source.places is None:
        places = list(_named(config, spec, payloads).items())
    else:
        places = [(place, 0) for payload in payloads for place in source.places(payload)]
    book = _Book(config)
    for place, seen in dict(places).items():
        proposal = book.proposal(place, seen, everywhere or source.places is None)
        if proposal is not None:
            found.append(proposal)
    return sorted(found, key=lambda one: (CHANGES.index(one.change), one.area == "", one.area, one.place.name))


def _named(config: Config, spec: SourceSpec, payloads: Sequence[Payload]) -> Counter[Place]:
    """What a source that lists no sites calls those it has values of and the config does not know."""
    numbers = {site.id: number for number, site in enumerate(config.sites, 1)}
    reader = context(config, spec, numbers, lambda span, basis=None: int(span))
    found: Counter[Place] = Counter()
    kind = Kind.SECTION if spec.kind in ("lab",) else Kind.STATION
    for payload in payloads:
        for name, count in understood(spec.kind, payload, reader).unknown.items():
            if not isinstance(name, Other):
                found[Place(kind, name if name.isascii() else "", name)] += count
    return found


class _Book:
    """The sites of a config by their names and codes, and the ids that are taken."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.names: dict[str, list[Site]] = {}
        for site in config.sites:
            for called in {plain(name) for name in (site.id, site.name, *site.aliases)}:
                self.names.setdefault(called, []).append(site)
        self.codes = {plain(site.code): site for site in config.sites if site.code}
        self.provinces = tuple({PROVINCES[area.code[:2]] for area in config.areas if area.code[:2] in PROVINCES})
        self.taken = {site.id for site in config.sites} | {area.id for area in config.areas}

    def proposal(self, place: Place, seen: int, everywhere: bool) -> Proposal | None:
        """What to do about a place; None when it is known, or lies elsewhere."""
        name = STATE.sub("", place.name).strip()
        coded = self.codes.get(plain(place.code)) if place.code else None
        named = self.names.get(plain(name)) or self.names.get(plain(place.name), [])  # stations of two cities: 环保局
        if coded in named or any(not place.code or plain(one.code) in ("", plain(place.code)) for one in named):
            return None
        area = self.area_of(place)
        if coded is not None:
            return Proposal("renamed", coded.id, place, coded.area, "", seen)
        if not everywhere and area is None and not place.area.startswith(self.provinces):
            return None
        here = [one for one in named if one.kind is place.kind and (area is None or one.area == area.id)]
        if len(here) == 1:
            return Proposal("recoded", here[0].id, place, here[0].area, "", seen)
        if not named and not place.code and (alike := self.alike(name, place.kind)) is not None:
            return Proposal("renamed", alike.id, place, alike.area, "", seen)
        body = ("lake" if LAKES.search(name) else "river") if place.kind is Kind.SECTION else ""
        return Proposal("new", self.free_id(place), place, area.id if area else "", body, seen)

    def area_of(self, place: Place) -> Area | None:
        """The area whose name begins as the place's does: 甘孜州 is 甘孜藏族自治州, 成都 is 成都市."""
        wanted = plain(place.area)
        for area in self.config.areas:
            name = plain(area.name)
            if len(wanted) > 1 and (name.startswith(wanted) or wanted.startswith(name) or name[:2] == wanted[:2]):
                return area
        return None

    def alike(self, name: str, kind: Kind) -> Site | None:
        """The known site of a kind whose name is most like this one, brackets aside; None when none is."""
        best, found = ALIKE, None
        for site in self.config.sites:
            if site.kind is kind:
                for own in (site.name, *site.aliases):
                    likeness = _likeness(name, own)
                    if likeness > best:
                        best, found = likeness, site
        return found

    def free_id(self, place: Place) -> str:
        """An id nobody has: the code in small letters, else the kind and a number."""
        wanted = place.code.lower()
        if not IDENTITY.match(wanted) or wanted in self.taken:
            wanted = next(one for one in _numbered(place.kind.value) if one not in self.taken)
        self.taken.add(wanted)
        return wanted


def _likeness(name: str, own: str) -> float:
    """How much two names are alike, from 0 to 1; one that holds the other with a bracket more is the same."""
    bare, own_bare = (plain(BRACKETS.sub("", text)) for text in (name, own))
    if bare and bare == own_bare:
        return 1.0
    if min(len(bare), len(own_bare)) >= 3 and (bare.endswith(own_bare) or own_bare.endswith(bare)):
        return 0.9
    return SequenceMatcher(None, bare, own_bare).ratio()


def _numbered(word: str) -> Iterator[str]:
    number = 1
    while True:
        yield f"{word}-{number:03d}"
        number += 1


COLUMNS = (
    "id", "name", "kind", "area", "code", "aliases", "body", "target_class", "longitude", "latitude", "river",
    "basin", "proposal",
)  # fmt: skip
"""Of the sheet of proposals: those of sites.csv, and what is proposed."""


def sheet_row(one: Proposal, config: Config, said: str) -> dict[str, Any]:
    """A proposal as a row of sites.csv; one that changes a known site is a remark (its first cell begins with #)."""
    place = one.place
    known = next((site for site in config.sites if site.id == one.site), None) if one.change != "new" else None
    row = {
        "id": one.site if known is None else f"# {one.site}",
        "name": place.name if known is None else known.name,
        "kind": place.kind.value,
        "area": one.area,
        "code": place.code,
        "aliases": "" if known is None or one.change == "recoded" else "|".join((*known.aliases, place.name)),
        "body": one.body,
        "target_class": "III" if place.kind is Kind.SECTION and known is None else "",
        "longitude": place.longitude,
        "latitude": place.latitude,
        "river": place.river,
        "basin": place.basin,
        "proposal": said,
    }
    return {key: row[key] for key in COLUMNS}
