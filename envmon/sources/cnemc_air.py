"""National air platform: hours and days of cities, hours of stations, as JSON and as the XML of the older interface.

Numbers come as text, times as `/Date(ms)/` or ISO without a zone (Beijing). An hour is named by its end; a daily row is
named by 00:00 of its own day. Never here: judging; the platform's index enters as `published_aqi`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from envmon import periods
from envmon.errors import SourceChanged, UsageError
from envmon.http import Session, joined
from envmon.model import Kind, Parameter, Payload, Refused, Row, Site, SourceSpec, Span
from envmon.sources.answers import flag_problems
from envmon.sources.cells import Unreadable, number, snippet
from envmon.sources.context import EARLY, Ask, Context, Parsed, Place, Problem, ask_all, strange_keys
from envmon.sources.files import strict_json
from envmon.texts import t


@dataclass(frozen=True, slots=True)
class Route:
    """One question of the platform. `by`: of each what it is asked (none: once); `key`: what carries its code or name.

    get : by GET with the key in the query; otherwise by POST with it in the query and the form
    """

    page: str
    by: Kind | None = None
    key: str = ""
    get: bool = False


ROUTES = {
    "city_hours": Route("HourChangesPublish/GetCityRealTimeAqiHistoryByCondition", Kind.CITY, "citycode"),
    "city_days": Route("HourChangesPublish/GetCityDayAqiHistoryByCondition", Kind.CITY, "citycode"),
    "station_hours": Route("HourChangesPublish/GetAqiHistoryByCondition", Kind.STATION, "stationCode"),
    "city_now": Route("CityData/GetAQIDataPublishLiveInfo", Kind.CITY, "cityCode"),
    "city_stations_now": Route("CityData/GetAQIDataPublishLive", Kind.CITY, "cityName", get=True),
    "all_stations_now": Route("HourChangesPublish/GetAllAQIPublishLive"),
    "all_stations_hours": Route("HourChangesPublish/GetAQIHistoryByConditionHis", key="date"),
    "all_cities_day": Route("CityData/GetAllCityDayAQIModels", get=True),
}
"""What option `routes` may name: the last 24 hours and 14 days of a city, 24 hours of a station; the latest hour of a
city, of a city's stations, of all stations; all stations at each hour of the look-back, which the platform keeps for a
day; the latest daily index of all cities, without concentrations."""

USUAL = ("city_hours", "city_days", "station_hours")
KEPT_HOURS = 24
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
INDEX_ONLY = {"GetAllCityDayAQIModels": Span.DAY, "GetAllCityRealTimeAQIModels": Span.HOUR}
"""Pages whose rows hold an index and no concentrations; what it is of is not said in the rows."""

STAMP = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/\Z")
XML_CAP = 64 * 2**20  # bytes; all stations of an hour are 2.4 MB
XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<GetAQIDataPublishLives")


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """One answer per route of option `routes` and city or station with a code; the routes of `all_…` ask once.

    Without the option: the hours and days of cities (`days = false`: hours only), the hours of stations. The service
    itself decides how far back it goes. Option `cities` names the cities as the platform does (with 市), where the
    sites are called otherwise, for `city_stations_now`.
    Raises UsageError for an unknown route, and when there is nothing to ask for.
    """
    usual = [name for name in USUAL if name != "city_days" or spec.options.get("days", True)]
    names = _texts(spec.options.get("routes", usual))
    if strangers := [name for name in names if name not in ROUTES]:
        raise UsageError(
            "error.source.option_routes", name=spec.id, strangers=", ".join(strangers), known=" ".join(ROUTES)
        )
    by_site = sorted((ROUTES[name] for name in names), key=lambda route: route.by is None)
    asks = [_ask(session, spec.url, route, value) for route in by_site for value in _values(route, spec, now, sites)]
    if not asks:
        raise UsageError("error.source.no_codes", name=spec.id)
    yield from ask_all(asks, now)


def problems(url: str, options: Any, parameters: Mapping[str, Parameter], sites: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the options in the config."""
    yield from strange_keys(options, ("routes", "days", "cities"))
    if any(name not in ROUTES for name in _texts(options.get("routes", USUAL))):
        yield "routes", "one_of", {"words": " ".join(ROUTES)}
    yield from flag_problems(options, "days")


def survey(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The answer that lists every station of the platform."""
    yield from ask_all([_ask(session, spec.url, ROUTES["all_stations_now"], "")], now)


def _texts(option: Any) -> list[str]:
    """An option that is one text or several."""
    return [str(one) for one in (option if isinstance(option, list | tuple) else [option])]


def _values(route: Route, spec: SourceSpec, now: int, sites: Sequence[Site]) -> list[str]:
    """What a route is asked for, one after the other: codes, names or hours; one empty text when it asks for all."""
    mine = [site for site in sites if site.kind is route.by]
    if route.key == "cityName":
        return _texts(spec.options.get("cities", [site.name for site in mine]))
    if route.by is not None:
        return list(dict.fromkeys(site.code for site in mine if site.code))  # two in turn may share one
    if not route.key:
        return [""]
    last = now // 60
    first = max(last - KEPT_HOURS + 1, (now - spec.lookback) // 60 + 1)
    return [f"{periods.moment(hour * 60):%Y-%m-%d %H:00:00}" for hour in range(last, first - 1, -1)]


def _ask(session: Session, base: str, route: Route, value: str) -> Ask:
    url, who = joined(base, route.page), {route.key: value} if route.key else {}
    origin = f"{url}?{urlencode(who)}" if who else url
    if route.get:
        return origin, partial(session.get, url, who)
    if route.key == "date":
        return origin, partial(session.post, url, None, who)
    # a POST without a form body is answered with nothing, one without the query with an error
    return origin, partial(session.post, url, who, who)


def parse(payload: Payload, context: Context) -> Parsed:
    """Hourly or daily rows, told apart by their keys. An empty list is an answer: no rows.

    Raises SourceChanged when the answer is not a list of objects, or not one of them has a form that is known.
    """
    answer = _answer(payload)
    forms = [_form(payload, row) for row in answer]
    if answer and not any(forms):
        raise SourceChanged("error.source.keys", origin=payload.origin, keys=snippet(", ".join(answer[0])))
    rows: list[Row] = []
    refused: list[Refused] = []
    unknown: Counter[str] = Counter()
    day_end = periods.hour_ending(periods.today(payload.taken), 24)
    latest = {Span.HOUR: payload.taken + EARLY, Span.DAY: day_end}

    def refuse(line: int, text: Any, key: str, **values: object) -> None:
        refused.append(Refused(payload.origin, line, t(key, context.lang, **values), snippet(str(text))))

    for line, (row, form) in enumerate(zip(answer, forms, strict=True), 1):
        if form is None:
            refuse(line, row, "refused.keys", keys=snippet(", ".join(row)))
            continue
        fields, span = form
        site, name = _site(payload, context, row)
        if site is None:
            unknown[name] += 1
            continue
        ending = _ending(row["TimePoint"], span)
        if ending is None:
            refuse(line, row["TimePoint"], "refused.time_point")
            continue
        if ending > latest[span]:
            refuse(line, row["TimePoint"], "refused.future", at=periods.clock(ending))
            continue
        stream = context.stream(span)
        for key, parameter_id in fields.items():
            parameter, text = context.parameters[parameter_id], row.get(key)
            try:
                value = None if text is None else number(str(text), parameter)
            except Unreadable as error:
                refuse(line, text, "refused.item", item=key, reason=error.said(context.lang))
                continue
            if value is not None:
                rows.append((ending, site, parameter.number, stream, value, 0))
    return Parsed(rows, refused, unknown)


def _answer(payload: Payload) -> list[dict[str, Any]]:
    """The rows of an answer, whatever it came as; one object is a list of one."""
    if XML.match(payload.body):
        return _xml(payload)
    answer = strict_json(payload)
    rows = [answer] if isinstance(answer, dict) else answer
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceChanged("error.source.no_list", origin=payload.origin)
    return rows


def _xml(payload: Payload) -> list[dict[str, Any]]:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    if len(payload.body) > XML_CAP:
        raise SourceChanged("error.source.large", path=payload.origin, cap=XML_CAP)
    try:
        root = fromstring(payload.body.replace(b"&mdash;", b"-"))  # HTML's mark of no value is no entity of XML
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise SourceChanged("error.source.xml", origin=payload.origin, reason=error) from error
    rows = [one for one in root.iter() if str(one.tag).endswith("}AQIDataPublishLive")]
    return [{str(cell.tag).rpartition("}")[2]: cell.text for cell in row} for row in rows]


def _form(payload: Payload, row: Mapping[str, Any]) -> tuple[Mapping[str, str], Span] | None:
    """The keys of a row's values and what they are of; None when it has no form that is known."""
    page = urlsplit(payload.origin).path.rpartition("/")[2].partition(".")[0]
    if "TimePoint" in row and "AQI" in row and page in INDEX_ONLY:
        return {"AQI": "published_aqi"}, INDEX_ONLY[page]
    if "TimePoint" in row and "PM2_5" in row:
        return HOURLY, Span.HOUR
    if "TimePoint" in row and "PM2_5_24h" in row:
        return DAILY, Span.DAY
    return None


def _site(payload: Payload, context: Context, row: Mapping[str, Any]) -> tuple[int | None, str]:
    """The site of a row and what the service calls it: by station code, city code, the code asked for, or name."""
    asked = parse_qs(urlsplit(payload.origin).query)
    station = row.get("StationCode") or "".join(asked.get("stationCode", []))
    if station:
        return context.site(str(station)), str(station)
    cities = [code for code in (row.get("CityCode"), *asked.get("citycode", []), *asked.get("cityCode", [])) if code]
    names = [*(code for code in cities if code != "0"), row.get("Area"), row.get("CityName")]  # live rows hold a 0
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
    if span is Span.DAY:
        return periods.hour_ending(periods.today(point), 24)
    return None if point % Span.HOUR else point


def stations(payload: Payload) -> list[Place]:
    """The stations of any answer that names them: `GetAllAQIPublishLive`, the older XML. Each once.

    Raises SourceChanged when the answer is not a list of objects.
    """
    found: dict[str, Place] = {}
    for row in _answer(payload):
        code, name, area, east, north = (
            str(row.get(key) or "") for key in ("StationCode", "PositionName", "Area", "Longitude", "Latitude")
        )
        if code:
            found.setdefault(code, Place(Kind.STATION, code, name, area, east, north))
    return list(found.values())
