"""OGC SensorThings 1.0/1.1 (FROST and others): the observations of a thing's datastreams, as JSON.

Numbers of things may be texts. A phenomenonTime is an instant or an interval; what stands for less than an hour is a
sample, which is kept and shown but makes no hourly mean. A unit must be stated, by the service or in the config.
Links to further pages are followed to hosts the config names. Never here: judging; an odd value is for quality control.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote, urljoin

from envmon import periods, standards
from envmon.errors import SourceChanged, UsageError
from envmon.http import Session, joined
from envmon.model import Basis, Medium, Parameter, Payload, Refused, Row, Site, SourceSpec, Span
from envmon.sources.answers import (
    about,
    asked,
    codes,
    flag_problems,
    followed,
    inside,
    site_of,
    site_problems,
    span_of,
    stamp,
    table,
    zoned,
)
from envmon.sources.cells import Unreadable, converts, snippet
from envmon.sources.context import (
    EARLY,
    Ask,
    Context,
    Other,
    Parsed,
    Problem,
    ask_all,
    item_names,
    plain,
    said_wrong,
    strange_keys,
)
from envmon.sources.files import strict_json
from envmon.sources.gases import RATIOS, steps
from envmon.texts import t

PAGE_SIZE = 1000
SPANS = {"sample": Span.SAMPLE, "hour": Span.HOUR}


class Items:
    """Which item a datastream holds, by options `properties` and `units` and by the names people write."""

    def __init__(self, spec: SourceSpec, parameters: Mapping[str, Parameter]) -> None:
        self.parameters = parameters
        self.properties = table(spec.options, spec.id, "properties", '{ "saqn:op:mcpm2p5" = "pm25" }')
        self.units = table(spec.options, spec.id, "units", '{ pm25 = "µg/m³" }')
        self.names = item_names(one for one in parameters.values() if one.medium is Medium.AIR)
        if not set(self.properties.values()) <= parameters.keys():
            raise UsageError("error.source.option", name=spec.id, key="properties", form='{ … = "pm25" }')
        for item, unit in self.units.items():
            if item not in parameters or not (unit.strip().lower() in RATIOS or converts(unit, parameters[item].unit)):
                raise UsageError("error.source.option", name=spec.id, key="units", form='{ pm25 = "µg/m³" }')

    def of(self, stream: Mapping[str, str]) -> Parameter | None:
        for key in ("stream", "property", "called"):
            if stream.get(key) in self.properties:
                return self.parameters[self.properties[stream[key]]]
        return self.names.get(plain(stream.get("called", "")))

    def in_order(self, streams: Iterable[dict[str, Any]]) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """Datastreams with what is known of them; those the option names by their own number first."""
        described = [(_described(one), one) for one in streams]
        return sorted(described, key=lambda pair: pair[0].get("stream") not in self.properties)


KEPT = 366 * periods.DAY
"""Minutes of the past that are asked for again; how much a server keeps is its own affair."""


def problems(url: str, options: Any, parameters: Mapping[str, Parameter], sites: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the options in the config."""
    yield from strange_keys(options, ("sites", "properties", "units", "instant", "ppm"))
    yield from site_problems(options, sites)
    yield from flag_problems(options, "ppm")
    spec = SourceSpec("", "sensorthings", url, 60, 0, 60, Basis.REALTIME, options)
    yield from said_wrong(lambda: Items(spec, parameters))
    yield from said_wrong(lambda: _instant(spec))


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The datastreams of every site's thing, each with its observations of the look-back, page by page.

    Option `sites` gives each site the `@iot.id` of its thing. Of two datastreams of one item only the first is read on.
    Raises UsageError when the option names no site.
    """
    yield from ask_all(_asks(session, spec, now, codes(spec, sites)), now)


def _asks(session: Session, spec: SourceSpec, now: int, wanted: Sequence[tuple[Site, str]]) -> Iterator[Ask]:
    items = Items(spec, standards.parameters())
    since = f"phenomenonTime ge {stamp(now - spec.lookback)} and phenomenonTime le {stamp(now + EARLY)}"
    expand = (
        "ObservedProperty($select=name,@iot.id),"
        f"Observations($select=phenomenonTime,result;$filter={since};$orderby=phenomenonTime;$top={PAGE_SIZE})"
    )
    for site, code in wanted:
        key = code if code.isdigit() else "'" + code.replace("'", "''") + "'"
        url = joined(spec.url, f"Things({quote(key, safe='')})/Datastreams")
        pages = _Pages(session, url, {"site": site.id})
        yield from followed((about(url, site=site.id), partial(session.get, url, {"$expand": expand})), pages.following)
        for stream, link in _continued(pages.bodies, items):
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


def _continued(bodies: Iterable[bytes], items: Items) -> list[tuple[dict[str, str], object]]:
    """Datastreams of which a thing's answers hold only the first observations: what they are, the link to the rest."""
    streams: list[dict[str, Any]] = []
    for body in bodies:
        with suppress(SourceChanged):  # the parser tells
            streams += _values(Payload("", body, 0))
    found: dict[str, tuple[dict[str, str], object]] = {}
    for said, stream in items.in_order(streams):
        if parameter := items.of(said):
            found.setdefault(parameter.id, (said, stream.get("Observations@iot.nextLink")))
    return list(found.values())


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
    for said, stream in reader.items.in_order(one for one in values if "Observations" in one):
        observations = stream["Observations"]
        if not isinstance(observations, list) or not all(isinstance(one, dict) for one in observations):
            raise SourceChanged("error.source.no_values", origin=payload.origin)
        reader.read(said, observations)
    return Parsed(reader.rows, reader.refused, reader.unknown)


def _instant(spec: SourceSpec) -> Span:
    instant = str(spec.options.get("instant", "sample"))
    if instant not in SPANS:
        raise UsageError("error.source.option", name=spec.id, key="instant", form='"sample" / "hour"')
    return SPANS[instant]


class _Reader:
    """One answer being read: what is in it so far."""

    def __init__(self, payload: Payload, context: Context) -> None:
        self.payload, self.context = payload, context
        self.rows: list[Row] = []
        self.refused: list[Refused] = []
        self.unknown: Counter[str] = Counter()
        self.line = 0
        spec = context.spec or SourceSpec("sensorthings", "sensorthings", "", 60, 0, 60, Basis.REALTIME)
        self.items = Items(spec, context.parameters)
        self.instant = _instant(spec)
        self.read_so_far: set[tuple[int, int]] = set()

    def read(self, stream: Mapping[str, str], observations: Sequence[Mapping[str, Any]]) -> None:
        parameter = self.items.of(stream)
        site, called = site_of(self.context, self.payload.origin, stream.get("thing"), stream.get("stream"))
        start, self.line = self.line, self.line + len(observations)
        if not observations:
            return
        if parameter is None:
            name = stream.get("called") or stream.get("property") or "?"
            self.unknown[Other(f"property {name}")] += len(observations)
            return
        if site is None:
            self.unknown[called] += len(observations)
            return
        if (site, parameter.number) in self.read_so_far:
            item = self.context.item(parameter)
            reason = t("refused.second_stream", self.context.lang, item=item, count=len(observations))
            self.refused.append(Refused(self.payload.origin, start + 1, reason, snippet(stream.get("stream", ""))))
            return
        self.read_so_far.add((site, parameter.number))
        for line, one in enumerate(observations, start + 1):
            try:
                found = self._reading(stream, parameter, site, one)
            except Unreadable as error:
                item = self.context.item(parameter)
                reason = t("refused.item", self.context.lang, item=item, reason=error.said(self.context.lang))
                self.refused.append(Refused(self.payload.origin, line, reason, snippet(str(one.get("result")))))
            else:
                self.rows += [found] if found else []

    def _reading(
        self, stream: Mapping[str, str], parameter: Parameter, site: int, one: Mapping[str, Any]
    ) -> Row | None:
        result = one.get("result")
        if result is None:
            return None
        last, span = self._when(one.get("phenomenonTime"))
        unit = stream.get("unit", "").strip() or self.items.units.get(parameter.id)
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
