"""What every source is handed and gives back, and the asking they share.

Never here: the form of any one service.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import Any, Protocol

from envmon import periods
from envmon.errors import EnvmonError, SourceChanged, SourceUnavailable, UsageError
from envmon.http import NotFound, Session, Unchanged, joined
from envmon.model import (
    Basis,
    Device,
    ExceptionalEvent,
    Intake,
    Kind,
    Medium,
    Parameter,
    Payload,
    Refused,
    Row,
    Site,
    SourceSpec,
    Span,
)
from envmon.texts import LANGUAGES

EARLY = 60
"""Minutes a reading may lie after the time of collection: two clocks differ, readings do not come from the future."""

REMARK = re.compile(r"\((?:启用|停运|停用)\d*\)\Z")
"""What the platform writes behind a station's name when it opens or closes: `将军桥(启用180816)`."""

GIVE_UP = 3  # failures in a row after which the rest of a round is not asked


Problem = tuple[str, str, dict[str, Any]]
"""What is wrong with an option: (its key, code of `config.allowed`, values of that text)"""


OptionCheck = Callable[[str, Any, Mapping[str, Parameter], Collection[str]], Iterator[Problem]]


class StreamNumber(Protocol):
    """The number of this source's stream of one span; `basis` overrides the source's own."""

    def __call__(self, span: Span, basis: Basis | None = None) -> int: ...


@dataclass(frozen=True)
class Context:
    """What a parser needs to know.

    site_names : id, name, alias or platform code -> site number; `site` looks up and forgives brackets and blanks
    parameters : by id; stream : span -> stream number; spec : the source as configured (its options)
    lang : the language in which refused rows get their reasons; media : site number -> what is monitored there
    shared : number below zero -> (first day, last day, site number) of the sites that had the name one after the other
    ids : site id -> number, of what names a site of the config itself: another may share the id as its code
    devices : enrolled data loggers by MN; by_code : the parameters by factor code
    """

    site_names: Mapping[str, int]
    parameters: Mapping[str, Parameter]
    stream: StreamNumber
    spec: SourceSpec | None = None
    lang: str = LANGUAGES[0]
    media: Mapping[int, Medium] = field(default_factory=dict)
    shared: Mapping[int, Sequence[tuple[int, int, int]]] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    ids: Mapping[str, int] = field(default_factory=dict)
    by_code: dict[str, Parameter] = field(init=False, repr=False, compare=False)
    _sites: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)
    _asked: dict[str, int | None] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_code", codes_of(self.parameters))
        for name, number in self.site_names.items():
            self._sites.setdefault(plain(name), number)

    def site(self, name: str) -> int | None:
        """The number of the site a service calls `name`, with or without a remark; None when it is not configured."""
        try:
            return self._asked[name]
        except KeyError:
            called = plain(name)
            found = self._sites.get(called, self._sites.get(REMARK.sub("", called)))
            return self._asked.setdefault(name, found)

    def own(self, identity: str) -> int | None:
        """The number of the site that the config means by an id."""
        return self.ids[identity] if identity in self.ids else self.site(identity)

    def owner(self, number: int, day: int) -> int:
        """The site behind a number on a day: of several in turn the one that was open, or the last that had been."""
        found = number
        for first, _, site in self.shared.get(number, ()):
            if found == number or first <= day:
                found = site
        return found

    def item(self, parameter: Parameter) -> str:
        """What a parameter is called in a reason."""
        return parameter.name if self.lang == "zh" else parameter.name_en

    def option(self, key: str, default: Any = None) -> Any:
        return self.spec.options.get(key, default) if self.spec else default


class Other(str):
    """A name in `Parsed.unknown` that is of an item or a field, so no site could be meant."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one payload said. `unknown`: names that are not configured -> rows seen under them; an `Other` is no site's.

    intakes, events : of the files that hold these instead of readings.
    """

    rows: list[Row]
    refused: list[Refused] = field(default_factory=list)
    unknown: Mapping[str, int] = field(default_factory=dict)
    intakes: Sequence[Intake] = ()
    events: Sequence[ExceptionalEvent] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A site as a service lists it, for proposing sites. Coordinates are the printed ones; "" is unknown."""

    kind: Kind
    code: str
    name: str
    area: str = ""
    longitude: str = ""
    latitude: str = ""
    river: str = ""
    basin: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One data service or file form.

    fetch(session, spec, now, sites) : payloads of the window [now - spec.lookback, now]. Raises SourceUnavailable or
        SourceChanged after everything that could be had was given.
    parse(payload, context) : bytes -> rows, pure. Raises SourceChanged when the payload is not of this form.
    places(payload) : the sites a payload lists, for proposing them; survey(session, spec, now, sites) : the payloads to
        look for them in; None: what `fetch` gives.
    problems(url, options, parameters, sites) : what is wrong with the options of such a source in the config; None:
        not asked. sites : ids of the air sites there are; none: not known.
    reach : minutes of the past that the service can still be asked for, or a function of the source as configured;
        None: no further than its look-back. What is missing within it is asked for again.
    media : what its values are of, or a function of the source as configured; of a source that fills no gap, nothing.
    """

    fetch: Callable[[Session, SourceSpec, int, Sequence[Site]], Iterator[Payload]]
    parse: Callable[[Payload, Context], Parsed]
    problems: OptionCheck | None = None
    places: Callable[[Payload], list[Place]] | None = None
    survey: Callable[[Session, SourceSpec, int, Sequence[Site]], Iterator[Payload]] | None = None
    reach: int | Callable[[SourceSpec], int | None] | None = None
    media: tuple[Medium, ...] | Callable[[SourceSpec], tuple[Medium, ...]] = tuple(Medium)

    def media_of(self, spec: SourceSpec) -> tuple[Medium, ...]:
        """What the values of one configured source are of."""
        return self.media(spec) if callable(self.media) else self.media

    def reach_of(self, spec: SourceSpec) -> int | None:
        """How far back one configured source can be asked."""
        return self.reach(spec) if callable(self.reach) else self.reach


def codes_of(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Factor code -> parameter; of two with one code the first."""
    found: dict[str, Parameter] = {}
    for parameter in parameters.values():
        if parameter.code:
            found.setdefault(parameter.code, parameter)
    return found


@lru_cache(maxsize=8192)
def plain(name: str) -> str:
    """A name as it is compared: full-width forms as half-width ones, no blanks, small letters.

    >>> plain("沱江大桥（沱江二桥）") == plain("沱江大桥 (沱江二桥)")
    True
    """
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).casefold()


def strange_keys(options: Mapping[str, Any], known: Sequence[str]) -> Iterator[Problem]:
    """The options a kind of source does not know."""
    for key in options:
        if key not in known:
            meant = "".join(get_close_matches(key, known, 1))
            yield key, "one_of", {"words": " ".join(known), "suggestion": meant}


def said_wrong(understand: Callable[[], object]) -> Iterator[Problem]:
    """What reading an option raises, as it is told when the config is read."""
    try:
        understand()
    except UsageError as error:
        yield str(error.values["key"]), "option_form", {"form": error.values["form"]}


Ask = tuple[str, Callable[[], bytes]]
"""(origin, how to ask)"""


BRACKET = re.compile(r"[(（\[]\s*([^)）\]]*)\s*[)）\]]\s*\Z")


def item_names(parameters: Iterable[Parameter]) -> dict[str, Parameter]:
    """Every name people write for items, as `plain` forms: id, names with and without brackets, code."""
    names: dict[str, Parameter] = {}
    for parameter in parameters:
        for name in (parameter.id, parameter.name, BRACKET.sub("", parameter.name), parameter.code, parameter.name_en):
            names.setdefault(plain(name), parameter)
            names.setdefault(plain(name).removesuffix("值"), parameter)
    names.pop("", None)
    return names


def ask_all(asks: Iterable[Ask], now: int, may_be_absent: bool = False) -> Iterator[Payload]:
    """Ask one address after the other and give what came; one that fails does not stop the others.

    may_be_absent : a 404 is "not published yet". A document that did not change since it was kept gives nothing.
    Raises at the end what went wrong: SourceUnavailable, or SourceChanged when nothing worse happened. After GIVE_UP
    failures in a row the rest is left for the next round: the service is down.
    """
    failures: list[EnvmonError] = []
    in_a_row = 0
    for origin, ask in asks:
        if in_a_row == GIVE_UP:
            break
        try:
            body = ask()
            if not body.strip():
                raise SourceUnavailable("error.source.empty", origin=origin)
        except Unchanged:
            in_a_row = 0
            continue
        except (SourceUnavailable, SourceChanged) as error:
            if not (may_be_absent and isinstance(error, NotFound)):
                failures.append(error)
                in_a_row += 1
            continue
        in_a_row = 0
        yield Payload(origin, body, now)
    if failures:
        kind = SourceUnavailable if any(error.retryable for error in failures) else SourceChanged
        raise kind("error.several", errors=tuple(failures))


def monthly(session: Session, spec: SourceSpec, now: int, name: str) -> Iterator[Payload]:
    """The files `NAME_2026-05.csv` of the months the window touches; one that is not there yet is no error."""
    window = periods.Period(periods.today(now - spec.lookback), periods.today(now), "window")
    addresses = [joined(spec.url, f"{name}_{month.name}.csv") for month in periods.months(window)]
    asks = [(url, partial(session.get, url, conditional=True)) for url in addresses]
    yield from ask_all(asks, now, may_be_absent=True)
