"""What a source of kind `table` is told in its options: how to ask, where the records lie, what their fields mean.

Read once for each use and checked as a whole, so that a mistake is told when the config is read and not at night.
Never here: asking, reading an answer.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from envmon import periods
from envmon.model import Mark, Parameter, Span
from envmon.sources.cells import converts, has_other_units
from envmon.sources.context import Problem, strange_keys

FORMATS = ("json", "csv", "xlsx")
SPANS = {"1h": Span.HOUR, "4h": Span.FOUR_HOURS, "1d": Span.DAY, "sample": Span.SAMPLE}
STAMPS = ("start", "end")
METHODS = ("get", "post")
BODIES = ("form", "json")
EPOCHS = {"ms": 1, "s": 1000}
"""Time formats that count from 1970 UTC, and their length in milliseconds."""
MARKS = {mark.name.lower(): mark for mark in Mark}
WINDOW = ("from", "to", "day", "hour", "month")
PLACES = (*WINDOW, "site", "page")
"""What a template may ask for: the window or one step of it, the code of a site, the number of a page."""
STEPS = {"hour": 60, "day": periods.DAY}
DEFAULT_FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m"}
ZONE = re.compile(r"([+-])(\d\d):?(\d\d)\Z")
LENGTH = re.compile(r"(\d{1,4})([hd])\Z")

KEYS = (
    "format", "records", "site", "time", "time_format", "zone", "stamp", "span", "fields", "item", "value", "items",
    "unit", "units", "missing", "mark", "marks", "method", "form", "body", "max_window", "first_page", "page_size",
    "pages", "ok", "count", "keeps",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """The options of one source, understood.

    site : the field that names the site; None: the site that was asked for. time : fields, joined with a blank.
    fields : field -> parameter id (one record, many items); item, value, unit : fields of a record with one item.
    items : what the service calls an item -> parameter id. units : parameter id, or "*", -> printed unit.
    form : fields of what is sent by POST, as a form or `as_json`.
    max_window : longest window of one request, keeps : how far back the service can be asked, in minutes.
    mark : the field of the state mark, `{field}` standing for the item's own field; marks : printed mark -> Mark.
    """

    format: str
    records: str
    site: str | None
    time: tuple[str, ...]
    time_format: str
    zone: tzinfo
    starts: bool
    span: Span
    fields: Mapping[str, str]
    item: str
    value: str
    items: Mapping[str, str]
    unit: str
    units: Mapping[str, str]
    missing: tuple[str, ...]
    mark: str
    marks: Mapping[str, Mark]
    post: bool
    form: Mapping[str, str | int]
    as_json: bool
    max_window: int | None
    keeps: int | None
    first_page: int
    page_size: int | None
    pages: str
    ok: Mapping[str, str]
    count: str

    @property
    def offset(self) -> int:
        """Minutes by which the source's zone is ahead of UTC."""
        return int((self.zone.utcoffset(None) or timedelta()).total_seconds() // 60)

    @property
    def item_ids(self) -> set[str]:
        return {*self.fields.values(), *self.items.values()}

    @property
    def fields_read(self) -> list[str]:
        """The fields read from every record, without those of marks named after an item's."""
        mark = self.mark if "{field}" not in self.mark else ""
        return [name for name in (self.site, *self.time, mark, *self.value_fields) if name]

    @property
    def value_fields(self) -> list[str]:
        """The fields without which a record holds no value."""
        return [*self.fields] or [name for name in (self.item, self.value, self.unit) if name]

    @property
    def mark_fields(self) -> list[str]:
        return [self.mark_field(name) for name in self.fields] if "{field}" in self.mark else []

    def mark_field(self, name: str) -> str:
        """The field with the mark of an item's field."""
        return self.mark.replace("{field}", name)

    def unit_of(self, parameter: Parameter) -> str:
        """The printed unit of an item's values; "" is the parameter's own."""
        return _unit_of(parameter, self.units) or ""


def form_of(options: Mapping[str, Any]) -> Form:
    """The form in options that `problems` finds nothing wrong with."""
    time = options["time"]
    return Form(
        format=options.get("format", "json"),
        records=options.get("records", ""),
        site=options.get("site"),
        time=(time,) if isinstance(time, str) else tuple(time),
        time_format=options.get("time_format", "iso"),
        zone=zone_of(str(options.get("zone", "+08:00"))) or periods.BEIJING,
        starts=options.get("stamp") == "start",
        span=SPANS[options["span"]],
        fields=options.get("fields", {}),
        item=options.get("item", ""),
        value=options.get("value", ""),
        items=options.get("items", {}),
        unit=options.get("unit", ""),
        units=options.get("units", {}),
        missing=tuple(str(one) for one in options.get("missing", ())),
        mark=options.get("mark", ""),
        marks={str(said): MARKS[word] for said, word in options.get("marks", {}).items()},
        post=options.get("method", "get") == "post",
        form=options.get("form", {}),
        as_json=options.get("body") == "json",
        max_window=length_of(options.get("max_window")),
        keeps=length_of(options.get("keeps")),
        first_page=int(options.get("first_page", 1)),
        page_size=options.get("page_size"),
        pages=options.get("pages", ""),
        ok={path: printed(wanted) for path, wanted in options.get("ok", {}).items()},
        count=options.get("count", ""),
    )


def length_of(option: Any) -> int | None:
    """Minutes of `24h` or `7d`; None when it is neither, or nothing."""
    found = LENGTH.match(str(option))
    return int(found[1]) * (60 if found[2] == "h" else periods.DAY) or None if found else None


def zone_of(text: str) -> tzinfo | None:
    """A fixed zone from `+08:00`, `Z` or `UTC`; None when it is none."""
    if text.upper() in ("Z", "UTC"):
        return UTC
    found = ZONE.match(text)
    if not found or int(found[2]) > 14 or int(found[3]) > 59:
        return None
    away = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-away if found[1] == "-" else away)


# --- templates ----------------------------------------------------------------------------------------------------


def places(template: str) -> Iterator[tuple[str, str]]:
    """The (place, format) pairs a template holds. Raises ValueError for one that is broken or asks for more."""
    for _, name, form, conversion in string.Formatter().parse(template):
        if name is not None:
            if name not in PLACES or conversion:
                raise ValueError(name)
            yield name, form or ""


def filled(template: str, values: Mapping[str, Any], zone: tzinfo, quoted: Callable[[str], str] = str) -> str:
    """A template with its places filled; minutes become times in `zone`, in the format that stands in the place.

    >>> filled("a?t={day:%Y%m%d}&s={site}", {"day": 0, "site": "1001A"}, periods.BEIJING)
    'a?t=19700101&s=1001A'
    >>> filled("{from:ms}", {"from": 1}, UTC)
    '60000'
    """
    parts = []
    for text, name, form, _ in string.Formatter().parse(template):
        parts.append(text)
        if name is not None:
            value = values[name]
            parts.append(quoted(_time(value, name, form or "", zone) if name in WINDOW else str(value)))
    return "".join(parts)


def _time(minute: int, name: str, form: str, zone: tzinfo) -> str:
    if form in EPOCHS:
        return str(minute * 60000 // EPOCHS[form])
    at = periods.moment(minute).astimezone(zone)
    if form in ("", "iso"):
        form = DEFAULT_FORMATS.get(name, "")
    return at.strftime(form) if form else at.isoformat(timespec="seconds")


# --- checking -----------------------------------------------------------------------------------------------------


def problems(
    url: str, options: Any, parameters: Mapping[str, Parameter], sites: Collection[str] = ()
) -> Iterator[Problem]:
    """Everything that is wrong with a source of this kind; nothing: `form_of` can read it."""
    yield from _words(options)
    yield from _templates(url, options)
    yield from _columns(options, parameters)


def _words(options: Mapping[str, Any]) -> Iterator[Problem]:
    yield from strange_keys(options, KEYS)
    for key, words, needed in (
        ("format", FORMATS, False),
        ("span", tuple(SPANS), True),
        ("method", METHODS, False),
        ("body", BODIES, False),
        ("stamp", STAMPS, options.get("span") in ("1h", "4h", "1d")),
    ):
        if (key in options and options[key] not in words) or (needed and key not in options):
            yield key, "one_of", {"words": " ".join(words)}
    for key in ("records", "site", "item", "value", "unit", "mark", "pages", "count", "time_format"):
        if key in options and (not isinstance(options[key], str) or (not options[key] and key != "records")):
            yield key, "text", {}
    time = options.get("time")
    if not (isinstance(time, str) and time) and not _texts(time):
        yield "time", "table_time", {}
    if "zone" in options and (not isinstance(options["zone"], str) or zone_of(options["zone"]) is None):
        yield "zone", "table_zone", {}
    missing = options.get("missing", [])
    if not isinstance(missing, list | tuple) or not all(isinstance(one, str | int) for one in missing):
        yield "missing", "texts", {}
    if isinstance(form := options.get("time_format", "iso"), str) and form and not _tells(form, options.get("span")):
        yield "time_format", "table_format", {}
    if "{" in str(options.get("mark", "")).replace("{field}", ""):
        yield "mark", "table_mark", {}
    for key in ("records", "ok", "count", "pages"):
        if key in options and options.get("format", "json") in FORMATS[1:]:
            yield key, "table_json", {}
    for key in ("max_window", "keeps"):
        if key in options and length_of(options[key]) is None:
            yield key, "table_window" if key == "max_window" else "table_past", {}
    for key in ("first_page", "page_size"):
        value = options.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100_000:
            yield key, "whole", {"low": 0, "high": 100_000}


def _tells(form: str, span: Any) -> bool:
    """Whether a time format gives the day back, and the hour where values are of less than a day."""
    if form in (*EPOCHS, "iso"):
        return True
    at = datetime(2026, 5, 21, 13, tzinfo=periods.BEIJING)
    try:
        found = datetime.strptime(at.strftime(form), form)
    except ValueError:
        return False
    return found.date() == at.date() and (span == "1d" or found.hour == at.hour)


def _templates(url: str, options: Mapping[str, Any]) -> Iterator[Problem]:
    asked: set[str] = set()
    form = options.get("form", {})
    if not _table(form):
        yield "form", "table_form", {}
        form = {}
    for key, template in (("", url), *((f"form.{name}", text) for name, text in form.items())):
        try:
            for name, how in places(str(template)):
                asked.add(name)
                if how and how not in (*EPOCHS, "iso") and "%" not in how:
                    raise ValueError(how)
        except ValueError:
            yield key or "url", "table_place", {"words": " ".join(f"{{{place}}}" for place in PLACES)}
    for key in ("form", "body"):
        if options.get(key) and options.get("method", "get") != "post":
            yield key, "table_post", {}
    if "site" not in options and "site" not in asked:
        yield "site", "table_site", {}
    if ("pages" in options or "page_size" in options) and "page" not in asked:
        yield "pages" if "pages" in options else "page_size", "table_page", {}
    if "keeps" in options and not asked & set(WINDOW):
        yield "keeps", "table_keeps", {"words": " ".join(f"{{{place}}}" for place in WINDOW)}


def _columns(options: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> Iterator[Problem]:
    tables = ("fields", "items", "units", "marks", "ok")
    for key in tables:
        if key in options and not _table(options[key]):
            yield key, "table_texts", {}
            return
    wide, long = bool(options.get("fields")), "item" in options and "value" in options
    if wide == long:
        yield "fields", "table_layout", {}
    for key in ("fields", "items"):
        for name, item in options.get(key, {}).items():
            if item not in parameters:
                yield f"{key}.{name}", "table_item", {"word": item}
    for said, word in options.get("marks", {}).items():
        if word not in MARKS:
            yield f"marks.{said}", "one_of", {"words": " ".join(MARKS)}
    yield from _units(options, parameters)


def _units(options: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> Iterator[Problem]:
    """A concentration without a unit would be taken for another one a thousand times as large."""
    units = options.get("units", {})
    for item, unit in units.items():
        if item != "*" and item not in parameters:
            yield f"units.{item}", "table_item", {"word": item}
        elif item != "*" and not converts(str(unit), parameters[item].unit):
            yield f"units.{item}", "table_unit", {"unit": unit, "own": parameters[item].unit}
    items = {*options.get("fields", {}).values(), *options.get("items", {}).values()} & parameters.keys()
    bare = sorted(item for item in items if _unit_of(parameters[item], units) is None)
    if bare and "unit" not in options:
        yield "units", "table_units", {"words": " ".join(bare)}


def _unit_of(parameter: Parameter, units: Mapping[str, str]) -> str | None:
    """The unit stated for an item, alone or with all others; "" for one that has no other unit, None: it is missing."""
    if parameter.id in units:
        return str(units[parameter.id])
    if "*" in units and converts(str(units["*"]), parameter.unit):
        return str(units["*"])
    return None if has_other_units(parameter.unit) else ""


def _table(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(one, str | int) for one in value.values())


def _texts(value: Any) -> bool:
    return isinstance(value, Sequence) and bool(value) and all(isinstance(one, str) and one for one in value)


def printed(value: Any) -> str:
    """A word of the options as an answer would print it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


ABSENT = object()


def at_path(value: Any, path: str, otherwise: Any = None) -> Any:
    """What lies at a dotted path of a JSON value; `otherwise` where there is nothing. Digits count in a list.

    A key that itself holds dots (`PM2.5`) goes before the path it looks like.

    >>> at_path({"data": {"rows": [1, 2]}}, "data.rows.1"), at_path({"a": 1}, "a.b"), at_path([3], "")
    (2, None, [3])
    >>> at_path({"now": {"PM2.5": {"v": 35}}}, "now.PM2.5.v")
    35
    """
    if not path:
        return value
    if isinstance(value, list):
        key, _, rest = path.partition(".")
        here = key.isdecimal() and int(key) < len(value)
        return at_path(value[int(key)], rest, otherwise) if here else otherwise
    if not isinstance(value, Mapping):
        return otherwise
    if path in value:
        return value[path]
    for at in (at for at, letter in enumerate(path) if letter == "."):
        if path[:at] in value:
            found = at_path(value[path[:at]], path[at + 1 :], ABSENT)
            if found is not ABSENT:
                return found
    return otherwise


MIDNIGHT = re.compile(r"[ T]24(?=:?00|时|点|\Z)")


def moment_of(text: str, form: Form) -> datetime | None:
    """A printed time of a record; None when it is none. A time without a zone is one of the source's zone."""
    text = text.strip()
    iso = form.time_format == "iso"
    try:
        if form.time_format in EPOCHS:
            return datetime.fromtimestamp(int(text) * EPOCHS[form.time_format] // 1000, UTC)
        text, late = _midnight(text, form.time_format)
        at = datetime.fromisoformat(text) if iso else datetime.strptime(text, form.time_format)
        at = at if at.tzinfo else at.replace(tzinfo=form.zone)
        return at + timedelta(days=late)
    except (ValueError, OverflowError, OSError):
        return None


def _midnight(text: str, form: str) -> tuple[str, bool]:
    """The end of the day as people write it, 24:00, as the beginning of the next; whether it was that."""
    if form != "iso" and "%H" not in form:
        return text, False
    found = MIDNIGHT.search(text)
    if found:
        return f"{text[: found.start() + 1]}00{text[found.end() :]}", True
    if form == "%Y%m%d%H" and re.fullmatch(r"\d{8}24", text):
        return f"{text[:8]}00", True
    return text, False
