"""What the sources with JSON answers share: whose answer it is, nested keys, times with a zone, spans, next pages.

The site an answer was asked for travels in the fragment of its origin (`…/hours?page=2#site=ganzi-air`), which no
service sees. Never here: the form of any one service, and keys: an origin never holds one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from pathlib import PurePath
from typing import Any
from urllib.parse import parse_qs, urlencode

from envmon import periods
from envmon.errors import SourceChanged, UsageError
from envmon.model import Kind, Site, SourceSpec, Span
from envmon.sources.context import Ask, Context, Problem

PAGES_CAP = 100  # of one question; a service that never ends is not followed further
KINDS = (Kind.CITY, Kind.STATION)
SITES = '{ "ganzi-air" = "2178" }'


def codes(spec: SourceSpec, sites: Sequence[Site]) -> list[tuple[Site, str]]:
    """The air sites to ask for and what this service calls each: option `sites` (site id = code).

    A site's own `code` is the national platforms'; the same number is another place elsewhere, so it is never taken.
    Of the sites of the option those among `sites`: a gap is asked for its own site only.
    Raises UsageError when the option names none.
    """
    own = {site.id: site for site in sites if site.kind in KINDS}
    listed = table(spec.options, spec.id, "sites", SITES)
    if not listed:
        raise UsageError("error.source.no_site", name=spec.id)
    return [(own[name], code) for name, code in listed.items() if name in own]


def site_problems(options: Mapping[str, Any], sites: Collection[str]) -> Iterator[Problem]:
    """What is wrong with option `sites`: no table, an empty one, or ids that no air site has."""
    listed = options.get("sites")
    if not isinstance(listed, Mapping) or not listed:
        yield "sites", "option_form", {"form": SITES}
        return
    for name in listed:
        if sites and name not in sites:
            meant = "".join(get_close_matches(name, sites, 1))
            yield f"sites.{name}", "option_site", {"word": name, "suggestion": meant}


def flag_problems(options: Mapping[str, Any], *keys: str) -> Iterator[Problem]:
    for key in keys:
        if not isinstance(options.get(key, False), bool):
            yield key, "flag", {}


def table(options: Mapping[str, Any], source: str, key: str, form: str) -> dict[str, str]:
    """An option that is a table of texts. Raises UsageError showing `form` when it is none."""
    found = options.get(key, {})
    if not isinstance(found, Mapping):
        raise UsageError("error.source.option", name=source, key=key, form=form)
    return {str(name): str(value) for name, value in found.items()}


def about(url: str, /, **what: str) -> str:
    """An origin that says what was asked: `about(url, site="x")` ends in `#site=x`."""
    return f"{url}#{urlencode({key: value for key, value in what.items() if value})}"


def asked(origin: str) -> dict[str, str]:
    """What `about` put into an origin; a saved file's name is its site.

    >>> asked("http://127.0.0.1/v3/sensors/5/hours#site=ganzi-air"), asked("data/ganzi-air.json")
    ({'site': 'ganzi-air'}, {'site': 'ganzi-air'})
    """
    fragment = origin.rpartition("#")[2] if "#" in origin else ""
    found = {key: values[-1] for key, values in parse_qs(fragment).items()}
    return found or {"site": PurePath(origin).name.partition(".")[0]}


def site_of(context: Context, origin: str, *names: Any) -> tuple[int | None, str]:
    """The site an answer belongs to, and what it is called: as asked for, else by one of the names in the answer."""
    identity = asked(origin).get("site", "")
    if identity and (site := context.own(identity)) is not None:
        return site, identity
    called = [name for name in (identity, *names) if isinstance(name, str) and name]
    for name in called:
        if (site := context.site(name)) is not None:
            return site, name
    return None, called[0] if called else "?"


def inside(found: Any, *keys: str) -> Any:
    """The value under nested keys; None where one is missing or holds no object.

    >>> inside({"period": {"datetimeTo": None}}, "period", "datetimeTo", "utc") is None
    True
    """
    for key in keys:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def zoned(text: Any) -> int | None:
    """The minute of an ISO time that names its zone; None for anything else: no zone here is never guessed.

    >>> zoned("2020-08-18T21:15:00.000Z") == zoned("2020-08-19T05:15:59+08:00"), zoned("2020-08-18T21:15:00")
    (True, None)
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        minute = periods.minute(moment)
        periods.moment(minute)
    except (ValueError, OverflowError):
        return None
    return minute


def stamp(minute: int) -> str:
    """A minute as the UTC time services are asked by.

    >>> stamp(0)
    '1970-01-01T00:00:00Z'
    """
    return f"{periods.moment(minute - 480):%Y-%m-%dT%H:%M:%SZ}"


def span_of(first: int, last: int) -> Span | None:
    """What a value over first < t <= last stands for; None when no values of such an interval are taken.

    Hours must be whole ones; what is shorter is a sample. A day is made here, of hours: a mean over it is not what the
    standards call its value (ozone), nor known to have enough of them.
    """
    length = last - first
    if length == Span.HOUR and last % 60 == 0:
        return Span.HOUR
    return Span.SAMPLE if 0 <= length < Span.HOUR else None


def kept(ask: Callable[[], bytes]) -> tuple[Callable[[], bytes], list[bytes]]:
    """A way to ask that also puts the answer into a list, for those who ask on from what it says."""
    bodies: list[bytes] = []

    def keep() -> bytes:
        bodies.append(ask())
        return bodies[0]

    return keep, bodies


def followed(question: Ask | None, following: Callable[[bytes], Ask | None], cap: int = PAGES_CAP) -> Iterator[Ask]:
    """A question, then the one each answer leads to; one beyond `cap` fails. For `ask_all`.

    following : body of an answer -> the next question, None after the last page; what it cannot read is for the parser
    """
    for _ in range(cap):
        if question is None:
            return
        ask, bodies = kept(question[1])
        yield question[0], ask
        try:
            question = following(bodies[0]) if bodies else None
        except SourceChanged:
            return
    if question is not None:
        yield question[0], partial(_too_many, question[0], cap)


def _too_many(origin: str, cap: int) -> bytes:
    raise SourceChanged("error.source.pages", origin=origin.partition("#")[0], cap=cap)
