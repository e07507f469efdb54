"""OpenAQ v3: hourly means of the sensors of a location, as JSON; needs a key, 60 questions a minute.

A period's end is `period.datetimeTo.utc`. Negative values are kept for quality control; a value OpenAQ has flagged
enters marked, so that it does not count. Never here: judging, choosing which sensor of two is the better one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from envmon import periods, rounding, standards
from envmon.errors import SourceChanged
from envmon.http import Session, joined
from envmon.model import Mark, Parameter, Payload, Refused, Row, Site, SourceSpec, Span
from envmon.sources.answers import (
    about,
    codes,
    flag_problems,
    followed,
    inside,
    kept,
    site_of,
    site_problems,
    span_of,
    stamp,
    zoned,
)
from envmon.sources.cells import Unreadable, snippet
from envmon.sources.context import EARLY, Ask, Context, Other, Parsed, Problem, ask_all, strange_keys
from envmon.sources.files import strict_json
from envmon.sources.gases import steps
from envmon.texts import t

KEPT = 366 * periods.DAY
"""Minutes of the past that are asked for again; the service itself keeps all of it."""
ITEMS = frozenset(["so2", "no2", "co", "o3", "pm10", "pm25", "nox"])
PAGE_SIZE = 1000
SENSOR = re.compile(r"[0-9]{1,18}\Z")


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The sensors of the sites' locations, and the hours of the look-back of those that measure one of ITEMS.

    Option `sites` gives each site the number of its location. A sensor that fell silent before the look-back is not
    asked. Raises UsageError when the option names no site.
    """
    yield from ask_all(_asks(session, spec, now, codes(spec, sites)), now)


def problems(url: str, options: Any, parameters: Mapping[str, Parameter], sites: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the options in the config."""
    yield from strange_keys(options, ("sites", "ppm"))
    yield from site_problems(options, sites)
    yield from flag_problems(options, "ppm")


def _asks(session: Session, spec: SourceSpec, now: int, wanted: Sequence[tuple[Site, str]]) -> Iterator[Ask]:
    first = now - spec.lookback
    for site, code in wanted:
        url = joined(spec.url, f"v3/locations/{quote(code, safe='')}/sensors")
        ask, bodies = kept(partial(session.get, url))
        yield about(url, site=site.id), ask
        for sensor in _alive(bodies, first):
            yield from _hours(session, spec, site, sensor, (first, now))


def _hours(session: Session, spec: SourceSpec, site: Site, sensor: str, window: tuple[int, int]) -> Iterator[Ask]:
    url = joined(spec.url, f"v3/sensors/{quote(sensor, safe='')}/hours")
    between = {"datetime_from": stamp(window[0]), "datetime_to": stamp(window[1]), "limit": str(PAGE_SIZE)}
    page = 0

    def following(body: bytes) -> Ask | None:
        """`meta.found` may be a text such as ">1000": what counts is whether a page is full."""
        nonlocal page
        if page and len(_results(Payload(url, body, 0))) < PAGE_SIZE:
            return None
        page += 1
        origin = about(f"{url}?page={page}", site=site.id)
        return origin, partial(session.get, url, {**between, "page": str(page)})

    yield from followed(following(b""), following)


def _alive(bodies: Sequence[bytes], first: int) -> list[str]:
    """Numbers of the sensors worth asking, of each item the one that is there longest: two would revise each other.

    None when the list cannot be read, of which the parser tells.
    """
    try:
        listed = [row for body in bodies for row in _results(Payload("", body, 0))]
    except SourceChanged:
        return []
    found: dict[str, int] = {}
    for row in listed:
        item, printed = _item(row), str(row.get("id"))
        last = zoned(inside(row, "datetimeLast", "utc"))
        if item in ITEMS and SENSOR.match(printed) and (last is None or last >= first):
            found[item] = min(int(printed), found.get(item, int(printed)))
    return [str(sensor) for sensor in found.values()]


def _item(row: Mapping[str, Any]) -> str:
    return str(inside(row, "parameter", "name"))


def _results(payload: Payload) -> list[dict[str, Any]]:
    rows = inside(strict_json(payload), "results")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceChanged("error.source.no_results", origin=payload.origin)
    return rows


def parse(payload: Payload, context: Context) -> Parsed:
    """Values of whole hours in the parameters' own units; a list of sensors holds none.

    Gases in ppm or ppb are refused unless option `ppm` is true; then they are turned exactly (`gases`).
    Raises SourceChanged when the answer has no list of results.
    """
    answer = _results(payload)
    site, called = site_of(context, payload.origin)
    rows: list[Row] = []
    refused: list[Refused] = []
    unknown: Counter[str] = Counter()
    for line, row in enumerate(answer, 1):
        name = _item(row)
        if name not in ITEMS:
            unknown[Other(f"parameter {snippet(name)}")] += 1
        elif site is None:
            unknown[called] += 1
        elif "period" in row:
            try:
                found = _reading(row, context, site, payload.taken)
            except Unreadable as error:
                reason = t("refused.item", context.lang, item=name, reason=error.said(context.lang))
                refused.append(Refused(payload.origin, line, reason, snippet(str(row.get("value")))))
            else:
                rows += [found] if found else []
    return Parsed(rows, refused, unknown)


def _reading(row: Mapping[str, Any], context: Context, site: int, taken: int) -> Row | None:
    ends = [inside(row, "period", end, "utc") for end in ("datetimeFrom", "datetimeTo")]
    first, last = (zoned(end) for end in ends)
    if first is None or last is None:
        raise Unreadable("refused.utc", printed=snippet(str(ends[0 if first is None else 1])))
    if last > taken + EARLY:
        raise Unreadable("refused.future", at=periods.clock(last))
    if span_of(first, last) is not Span.HOUR:
        raise Unreadable("refused.interval", first=periods.clock(first), last=periods.clock(last))
    parameter = context.parameters[_item(row)]
    unit = inside(row, "parameter", "units")
    found = steps(context, row.get("value"), unit, parameter, periods.day_of(last))
    if found is None:
        return None
    _check_minutes(inside(row, "coverage", "percentComplete"), parameter.id, periods.day_of(last))
    mark = Mark.FAULT if inside(row, "flagInfo", "hasFlags") is True else Mark.NONE
    return last, site, parameter.number, context.stream(Span.HOUR), found, int(mark)


def _check_minutes(percent: Any, item: str, day: int) -> None:
    """Raises Unreadable when an hourly mean is known to rest on fewer minutes than the standard of the day asks for."""
    try:
        known = rounding.scaled(percent, 1) if isinstance(percent, str) else 1000
    except ValueError:
        return
    needed = standards.air(day).validity.hour_minutes.get(item, 0) if standards.in_force(day) else 0
    if known * 60 < needed * 1000:
        raise Unreadable("refused.minutes", percent=percent, needed=needed)
