"""National air platform: the last 24 hours and the last 14 days of a city, the last 24 hours of a station, as JSON.

Numbers come as text, times as `/Date(ms)/` or ISO without a zone (Beijing). An hour is named by its end; a daily row is
named by 00:00 of its own day. Never here: judging; the platform's index enters as `published_aqi`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from envmon import periods
from envmon.errors import SourceChanged, UsageError
from envmon.http import Session, joined
from envmon.model import Kind, Payload, Refused, Row, Site, SourceSpec, Span
from envmon.sources.cells import Unreadable, number, snippet
from envmon.sources.context import EARLY, Ask, Context, Parsed, ask_all
from envmon.sources.files import strict_json
from envmon.texts import t

PAGES = "HourChangesPublish"
CITY_HOURS = "GetCityRealTimeAqiHistoryByCondition"
CITY_DAYS = "GetCityDayAqiHistoryByCondition"
STATION_HOURS = "GetAqiHistoryByCondition"

HOURLY = {
    "SO2": "so2",
    "NO2": "no2",
    "CO": "co",
    "O3": "o3",
    "PM10": "pm10",
    "PM2_5": "pm25",
    "AQI": "published_aqi",
}
DAILY = {
    "SO2_24h": "so2",
    "NO2_24h": "no2",
    "CO_24h": "co",
    "O3_8h_24h": "o3",
    "PM10_24h": "pm10",
    "PM2_5_24h": "pm25",
    "AQI": "published_aqi",
}
STAMP = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/\Z")


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """One answer per configured city (hours, and days unless option `days` is false) and station with a code.

    The service itself decides how far back it goes: 24 hours, 14 days. Raises UsageError when no site has a code.
    """
    asks: list[Ask] = []
    for site in sites:
        if site.kind is Kind.CITY and site.code:
            pages = [CITY_HOURS, CITY_DAYS] if spec.options.get("days", True) else [CITY_HOURS]
            asks += [_ask(session, spec.url, page, {"citycode": site.code}) for page in pages]
        elif site.kind is Kind.STATION and site.code:
            asks.append(_ask(session, spec.url, STATION_HOURS, {"stationCode": site.code}))
    if not asks:
        raise UsageError("error.source.no_codes", name=spec.id)
    yield from ask_all(asks, now)


def _ask(session: Session, base: str, page: str, who: Mapping[str, str]) -> Ask:
    url = joined(base, f"{PAGES}/{page}")
    # a POST without a form body is answered with nothing, one without the query with an error
    return f"{url}?{urlencode(who)}", partial(session.post, url, who, who)


def parse(payload: Payload, context: Context) -> Parsed:
    """Hourly or daily rows, told apart by their keys. An empty list is an answer: no rows.

    Raises SourceChanged when the answer is not a list of objects of one of the two forms.
    """
    answer = strict_json(payload)
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise SourceChanged("error.source.no_list", origin=payload.origin)
    rows: list[Row] = []
    refused: list[Refused] = []
    unknown: Counter[str] = Counter()
    day_end = periods.hour_ending(periods.today(payload.taken), 24)
    latest = {Span.HOUR: payload.taken + EARLY, Span.DAY: day_end}
    for line, row in enumerate(answer, 1):
        fields, span = _form(payload, row)
        site, name = _site(payload, context, row)
        if site is None:
            unknown[name] += 1
            continue
        ending = _ending(row["TimePoint"], span)
        if ending is None:
            reason = t("refused.time_point", context.lang)
            refused.append(Refused(payload.origin, line, reason, str(row["TimePoint"])))
            continue
        if ending > latest[span]:
            reason = t("refused.future", context.lang, at=periods.clock(ending))
            refused.append(Refused(payload.origin, line, reason, str(row["TimePoint"])))
            continue
        stream = context.stream(span)
        for key, parameter_id in fields.items():
            parameter = context.parameters[parameter_id]
            text = row.get(key)
            try:
                value = None if text is None else number(str(text), parameter)
            except Unreadable as error:
                reason = t("refused.item", context.lang, item=key, reason=error.said(context.lang))
                refused.append(Refused(payload.origin, line, reason, str(text)))
                continue
            if value is not None:
                rows.append((ending, site, parameter.number, stream, value, 0))
    return Parsed(rows, refused, unknown)


def _form(payload: Payload, row: Mapping[str, Any]) -> tuple[Mapping[str, str], Span]:
    if "TimePoint" in row and "PM2_5" in row:
        return HOURLY, Span.HOUR
    if "TimePoint" in row and "PM2_5_24h" in row:
        return DAILY, Span.DAY
    raise SourceChanged("error.source.keys", origin=payload.origin, keys=snippet(", ".join(row)))


def _site(payload: Payload, context: Context, row: Mapping[str, Any]) -> tuple[int | None, str]:
    """The site of a row and what the service calls it: by station code, city code, the code asked for, or name."""
    asked = parse_qs(urlsplit(payload.origin).query)
    station = row.get("StationCode") or "".join(asked.get("stationCode", []))
    if station:
        return context.site(str(station)), str(station)
    names = [row.get("CityCode"), *asked.get("citycode", []), row.get("Area")]
    for name in names:
        if name and (site := context.site(str(name))) is not None:
            return site, str(name)
    return None, next((str(name) for name in reversed(names) if name), "?")


def _ending(text: Any, span: Span) -> int | None:
    stamp = STAMP.match(str(text))
    try:
        point = int(stamp[1]) // 60000 if stamp else periods.minute(datetime.fromisoformat(str(text)))
        periods.moment(point)
    except (ValueError, OverflowError, OSError):
        return None
    return periods.hour_ending(periods.today(point), 24) if span is Span.DAY else point
