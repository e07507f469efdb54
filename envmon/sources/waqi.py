"""WAQI (aqicn.org): the latest index of a station or city, as JSON; needs a token.

Its `iaqi` are sub-indices by the breakpoints of the US EPA, not concentrations, and its `aqi` is not the index of
HJ 633: neither can be turned back. So the index alone enters, as `waqi_aqi`, and counts for nothing. Of its times only
`iso` is one: `v` is local time counted as if it were UTC. Never here: concentrations, forecasts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from envmon import periods
from envmon.errors import SourceChanged, SourceUnavailable
from envmon.http import Session, joined
from envmon.model import Parameter, Payload, Refused, Site, SourceSpec, Span
from envmon.sources.answers import about, codes, inside, site_of, site_problems, zoned
from envmon.sources.cells import Unreadable, number, snippet
from envmon.sources.context import EARLY, Context, Parsed, Problem, ask_all, strange_keys
from envmon.sources.files import strict_json
from envmon.texts import t

UNKNOWN = ("unknown station", "unknown id", "unknown city")
INDEX = "waqi_aqi"


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The latest answer for every site of option `sites`: a station's number (`1451`, `@1451`), a city (`beijing`) or
    `geo:30.05;101.96`.

    Raises UsageError when it names no site; SourceUnavailable for a wrong key or too many questions.
    """
    asks = []
    for site, code in codes(spec, sites):
        feed = quote(f"@{code}" if code.isdigit() else code, safe="@:;")
        url = joined(spec.url, f"feed/{feed}/")
        asks.append((about(url, site=site.id), partial(_ask, partial(session.get, url), url)))
    yield from ask_all(asks, now)


def problems(url: str, options: Any, parameters: Mapping[str, Parameter], sites: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the options in the config."""
    yield from strange_keys(options, ("sites",))
    yield from site_problems(options, sites)


def _ask(ask: Callable[[], bytes], url: str) -> bytes:
    """An answer; the one that says "wrong key" with status 200 is a failure. An unknown station is for the parser."""
    body = ask()
    with suppress(SourceChanged):
        _data(Payload(url, body, 0))
    return body


def _data(payload: Payload) -> dict[str, object]:
    """What the answer says of the station. Status "error" comes with 200, and inside an "ok" as well."""
    answer = strict_json(payload)
    status, data = inside(answer, "status"), inside(answer, "data")
    if status == "ok" and inside(data, "status") == "error":
        status, data = "error", inside(data, "msg")
    if status == "error":
        said = snippet(str(data))
        if said.lower() in UNKNOWN:
            raise SourceChanged("error.source.waqi.unknown", origin=payload.origin, said=said)
        key = "error.source.waqi.key" if "key" in said.lower() else "error.source.waqi.refused"
        raise SourceUnavailable(key, origin=payload.origin, said=said)
    if status != "ok" or not isinstance(data, dict) or "aqi" not in data:
        raise SourceChanged("error.source.waqi.form", origin=payload.origin)
    return data


def parse(payload: Payload, context: Context) -> Parsed:
    """At most one row: the index of the latest hour.

    Raises SourceChanged for an unknown station and any other form; SourceUnavailable for a wrong key.
    """
    data = _data(payload)
    site, called = site_of(context, payload.origin, inside(data, "city", "name"))
    if site is None:
        return Parsed([], [], {called: 1})
    parameter = context.parameters[INDEX]
    try:
        value = number(str(data["aqi"]), parameter)
        if value is None:
            return Parsed([])
        printed = inside(data, "time", "iso")
        ending = zoned(printed)
        if ending is None:
            raise Unreadable("refused.utc", printed=snippet(str(printed)))
        if ending > payload.taken + EARLY:
            raise Unreadable("refused.future", at=periods.clock(ending))
    except Unreadable as error:
        reason = t("refused.item", context.lang, item=context.item(parameter), reason=error.said(context.lang))
        return Parsed([], [Refused(payload.origin, 1, reason, snippet(str(data["aqi"])))])
    span = Span.SAMPLE if ending % Span.HOUR else Span.HOUR  # some stations are asked at any minute
    return Parsed([(ending, site, parameter.number, context.stream(span), value, 0)])
