"""OGC SensorThings 1.0/1.1 (FROST and others): the observations of a thing's datastreams, as JSON.

Numbers of things may be texts. A phenomenonTime is an instant or an interval; what stands for less than an hour is a
sample, which is kept and shown but makes no hourly mean. A unit must be stated, by the service or in the config.
Links to further pages are followed to hosts the config names. Never here: judging; an odd value is for quality control.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote, urljoin

from envmon import periods
from envmon.errors import SourceChanged, UsageError
from envmon.http import Session, joined
from envmon.model import Medium, Parameter, Payload, Refused, Row, Site, SourceSpec, Span
from envmon.sources.answers import (
    about,
    asked,
    codes,
    followed,
    inside,
    site_of,
    span_of,
    stamp,
    table,
    zoned,
)
from envmon.sources.cells import Unreadable, snippet
from envmon.sources.context import EARLY, Ask, Context, Parsed, ask_all, item_names, plain
from envmon.sources.files import strict_json
from envmon.sources.gases import steps
from envmon.texts import t

PAGE_SIZE = 1000
SPANS = {"sample": Span.SAMPLE, "hour": Span.HOUR}


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The datastreams of every site's thing, each with its observations of the look-back, page by page.

    A site's code is the thing's `@iot.id`. Raises UsageError when no site has a code.
    """
    yield from ask_all(_asks(session, spec, now, codes(spec, sites)), now)


def _asks(session: Session, spec: SourceSpec, now: int, wanted: Sequence[tuple[Site, str]]) -> Iterator[Ask]:
    since = f"phenomenonTime ge {stamp(now - spec.lookback)}"
    expand = (
        "ObservedProperty($select=name,@iot.id),"
        f"Observations($select=phenomenonTime,result;$filter={since};$orderby=phenomenonTime;$top={PAGE_SIZE})"
    )
    for site, code in wanted:
        key = code if code.isdigit() else "'" + code.replace("'", "''") + "'"
        url = joined(spec.url, f"Things({quote(key, safe='')})/Datastreams")
        pages = _Pages(session, url, {"site": site.id})
        yield from followed((about(url, site=site.id), partial(session.get, url, {"$expand": expand})), pages.following)
        for stream, link in [more for body in pages.bodies for more in _continued(body)]:
            rest = _Pages(session, url, {"site": site.id, **stream})
            yield from followed(rest.ask(link), rest.following)


class _Pages:
    """One list being read page by page; `what` goes into the origins of its pages."""

    def __init__(self, session: Session, url: str, what: Mapping[str, str]) -> None:
        self.session, self.url, self.what = session, url, what
        self.bodies: list[bytes] = []
        self.page = 1

    def following(self, body: bytes) -> Ask | None:
        self.bodies.append(body)
        return self.ask(inside(strict_json(Payload(self.url, body, 0)), "@iot.nextLink"))

    def ask(self, link: object) -> Ask | None:
        """The question a link asks. The session refuses one that leads to a host the config does not name."""
        if not isinstance(link, str):
            return None
        self.page += 1
        origin = about(f"{self.url}?page={self.page}", **self.what)
        return origin, partial(self._get, link)

    def _get(self, link: str) -> bytes:
        try:
            target = urljoin(self.url, link)
        except ValueError:
            raise SourceChanged("error.source.link", url=self.url, link=snippet(link)) from None
        return self.session.get(target)


def _continued(body: bytes) -> list[tuple[dict[str, str], object]]:
    """Datastreams of which an answer holds only the first observations: what they are, and the link to the rest."""
    try:
        streams = _values(Payload("", body, 0))
    except SourceChanged:
        return []
    return [(_described(one), link) for one in streams if (link := one.get("Observations@iot.nextLink"))]


def _values(payload: Payload) -> list[dict[str, Any]]:
    values = inside(strict_json(payload), "value")
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        raise SourceChanged("error.source.no_values", origin=payload.origin)
    return values


def _described(stream: Mapping[str, Any]) -> dict[str, str]:
    """What must be known of a datastream to read its observations; as texts, "" where it is not said."""
    said = {
        "stream": stream.get("@iot.id"),
        "property": inside(stream, "ObservedProperty", "@iot.id"),
        "called": inside(stream, "ObservedProperty", "name"),
        "unit": inside(stream, "unitOfMeasurement", "symbol"),
        "thing": inside(stream, "Thing", "@iot.id"),
    }
    return {key: value for key, value in said.items() if isinstance(value, str)}


def parse(payload: Payload, context: Context) -> Parsed:
    """Observations of datastreams of known properties, nested in their datastreams or bare as on a further page.

    Option `properties` ("saqn:op:mcpm2p5" = "pm25") names the item of an observed property or a datastream, by number
    or name; `units` (pm25 = "µg/m³") the unit where the service names none; `instant` what a value of an instant
    stands for: `sample` (default) or `hour`, the hour that ends then.
    Raises SourceChanged when the answer has no list of values, UsageError for a wrong option.
    """
    values = _values(payload)
    reader = _Reader(payload, context)
    bare = [one for one in values if "phenomenonTime" in one]
    if bare:
        reader.read(asked(payload.origin), bare)
    for stream in values:
        if "Observations" in stream:
            observations = stream["Observations"]
            if not isinstance(observations, list) or not all(isinstance(one, dict) for one in observations):
                raise SourceChanged("error.source.no_values", origin=payload.origin)
            reader.read(_described(stream), observations)
    return Parsed(reader.rows, reader.refused, reader.unknown)


class _Reader:
    """One answer being read: what is in it so far."""

    def __init__(self, payload: Payload, context: Context) -> None:
        self.payload, self.context = payload, context
        self.rows: list[Row] = []
        self.refused: list[Refused] = []
        self.unknown: Counter[str] = Counter()
        self.line = 0
        options, source = (context.spec.options, context.spec.id) if context.spec else ({}, "sensorthings")
        self.properties = table(options, source, "properties", '{ "saqn:op:mcpm2p5" = "pm25" }')
        self.units = table(options, source, "units", '{ pm25 = "µg/m³" }')
        instant = options.get("instant", "sample")
        if instant not in SPANS or not set(self.properties.values()) <= context.parameters.keys():
            key, form = ("properties", '{ … = "pm25" }') if instant in SPANS else ("instant", '"sample" / "hour"')
            raise UsageError("error.source.option", name=source, key=key, form=form)
        self.instant = SPANS[instant]
        self.names = item_names(one for one in context.parameters.values() if one.medium is Medium.AIR)

    def read(self, stream: Mapping[str, str], observations: Sequence[Mapping[str, Any]]) -> None:
        parameter = self._parameter(stream)
        site, called = site_of(self.context, self.payload.origin, stream.get("thing"), stream.get("stream"))
        start, self.line = self.line, self.line + len(observations)
        if parameter is None:
            self.unknown[f"property {stream.get('called') or stream.get('property') or '?'}"] += len(observations)
            return
        if site is None:
            self.unknown[called] += len(observations)
            return
        for line, one in enumerate(observations, start + 1):
            try:
                found = self._reading(stream, parameter, site, one)
            except Unreadable as error:
                item = self.context.item(parameter)
                reason = t("refused.item", self.context.lang, item=item, reason=error.said(self.context.lang))
                self.refused.append(Refused(self.payload.origin, line, reason, snippet(str(one.get("result")))))
            else:
                self.rows += [found] if found else []

    def _parameter(self, stream: Mapping[str, str]) -> Parameter | None:
        keys = [stream[key] for key in ("stream", "property", "called") if key in stream]
        for key in keys:
            if key in self.properties:
                return self.context.parameters[self.properties[key]]
        return self.names.get(plain(stream.get("called", "")))

    def _reading(
        self, stream: Mapping[str, str], parameter: Parameter, site: int, one: Mapping[str, Any]
    ) -> Row | None:
        result = one.get("result")
        if result is None:
            return None
        last, span = self._when(one.get("phenomenonTime"))
        unit = stream.get("unit", "").strip() or self.units.get(parameter.id)
        value = steps(self.context, result, unit, parameter, periods.day_of(last))
        return None if value is None else (last, site, parameter.number, self.context.stream(span), value, 0)

    def _when(self, printed: Any) -> tuple[int, Span]:
        """The end of what a value stands for, and for how long it does."""
        begins, _, ends = str(printed).partition("/")
        first, last = zoned(begins), zoned(ends or begins)
        if first is None or last is None:
            raise Unreadable("refused.utc", printed=snippet(str(printed)))
        if last > self.payload.taken + EARLY:
            raise Unreadable("refused.future", at=periods.clock(last))
        span = span_of(last - 60, last) if not ends and self.instant is Span.HOUR else span_of(first, last)
        if span is None:
            raise Unreadable("refused.interval", first=periods.clock(first), last=periods.clock(last))
        return last, span
