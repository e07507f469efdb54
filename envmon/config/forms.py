"""The forms a value may have in the config: one small reader each, from what a file holds to the noun's own unit.

A reader returns minutes, tenths, days, enum members; or raises `Wrong`, whose code is a key under `config.allowed` in
the catalogue. Never here: which table holds which key (`schema`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from envmon import periods, rounding
from envmon.config.mistakes import Decimals, closest
from envmon.errors import UsageError
from envmon.model import POLLUTANTS, Basis, Body, Cycle, Kind, Severity, StationType, WaterClass

UNITS = {"m": 1, "h": 60, "d": 1440}
WEEKDAYS = {name: number for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
SECRET = re.compile(r"(?:password|passwd|pwd|secret|token|api_?key|access_?key|credential)s?\Z", re.IGNORECASE)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_|~-]{1,60}\Z")
SECRET_HEADER = re.compile(r"authori[sz]ation|cookie|password|secret|token|key|credential", re.IGNORECASE)
HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})")

AREA_LEVELS = {"county": "county", "prefecture": "prefecture", "区县": "county", "县": "county", "市州": "prefecture"}
AIR_FROM = {"station": Kind.STATION, "city": Kind.CITY}
SITE_KINDS = {kind.value: kind for kind in (Kind.CITY, Kind.STATION, Kind.SECTION, Kind.SOURCE)}
SITE_KINDS |= {"城市": Kind.CITY, "空气站点": Kind.STATION, "断面": Kind.SECTION, "水源": Kind.SOURCE}
STATION_TYPES = {kind.value: kind for kind in StationType} | {
    "评价点": StationType.ASSESSMENT,
    "区域点": StationType.REGIONAL,
    "背景点": StationType.BACKGROUND,
    "污染监控点": StationType.SOURCE,
    "路边点": StationType.ROADSIDE,
    "交通点": StationType.ROADSIDE,
    "对照点": StationType.CONTROL,
}
BODIES = {body.name.lower(): body for body in Body} | {
    "河流": Body.RIVER,
    "湖库": Body.LAKE,
    "地下水": Body.GROUNDWATER,
}
CLASSES = {name: WaterClass[name] for name in ("I", "II", "III", "IV", "V")}
CLASSES |= {sign + end: WaterClass(n) for n, sign in enumerate("ⅠⅡⅢⅣⅤ", 1) for end in ("", "类")}
CLASSES |= {f"{name}类": WaterClass[name] for name in ("I", "II", "III", "IV", "V")}
WORSE_THAN: Mapping[str, WaterClass | None] = CLASSES | {"target": None}
BASES = {basis.name.lower(): basis for basis in Basis if basis is not Basis.MERGED}
SECTION_DATA = {word: word for word in ("manual", "automatic", "merged")}
SEVERITIES = {severity.name.lower(): severity for severity in Severity}
EVERY = {"1h": 60, "4h": 240, "1d": 1440}
CYCLES = {cycle.value: cycle for cycle in Cycle}
CYCLES |= dict(zip(("每月", "每季", "每半年", "每年"), Cycle, strict=True)) | {"每季度": Cycle.QUARTER}


class Wrong(ValueError):
    """A value that does not have its form; `values` fill the text of `config.allowed.<code>`."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def text(value: Any) -> str:
    """A text for one line, without blanks around it."""
    if not isinstance(value, str) or isinstance(value, Decimals) or not value.strip():
        raise Wrong("text")
    if not value.isprintable():
        raise Wrong("printable")
    return value.strip()


def loose_text(value: Any) -> str:
    """A text that may be empty."""
    return "" if value == "" else text(value)


def identity(value: Any) -> str:
    """An id: lower-case ASCII, as in code and JSON."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,39}", value):
        raise Wrong("id")
    return value


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Wrong("flag")
    return value


def region(value: Any) -> str:
    """An administrative region's code (GB/T 2260): 6 digits, or 9 or 12 below the county; may be empty."""
    if not isinstance(value, str) or (value and not re.fullmatch(r"\d{6}(\d{3}){0,2}", value)):
        raise Wrong("region")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list | tuple):
        raise Wrong("texts")
    return tuple(text(item) for item in value)


def text_or_texts(value: Any) -> str | tuple[str, ...]:
    """A text, or a list of at least one, each once."""
    if not isinstance(value, list | tuple):
        return text(value)
    listed = tuple(dict.fromkeys(texts(value)))
    if not listed:
        raise Wrong("texts")
    return listed


def attributes(value: Any) -> dict[str, str]:
    """What else is known of a site, all of it text: basin, river, chief, longitude."""
    if not isinstance(value, Mapping):
        raise Wrong("attributes")
    return {key: str(item) if isinstance(item, int | Decimals) else loose_text(item) for key, item in value.items()}


def options(value: Any) -> dict[str, Any]:
    """Options as the file has them; numbers with a point as plain text. Secrets are named, never written."""
    if not isinstance(value, Mapping):
        raise Wrong("options")
    for key, item in value.items():
        if key.endswith("_env"):
            if not isinstance(item, str) or not VARIABLE.match(item):
                raise Wrong("variable", key=key)
        elif SECRET.search(key):
            raise Wrong("secret", key=key, named=f"{key}_env", hide=True)
    return {key: plain(item) for key, item in value.items()}


def variables(value: Any) -> dict[str, str]:
    """Names of headers or of query parameters, each with the environment variable that holds its secret."""
    if not isinstance(value, Mapping):
        raise Wrong("variables")
    for key, item in value.items():
        if not HEADER.match(key):
            raise Wrong("header", key=key)
        if not isinstance(item, str) or not VARIABLE.match(item):
            raise Wrong("variable", key=key, hide=True)
    return dict(value)


def loose_variable(value: Any) -> str:
    """The name of an environment variable, or nothing."""
    if value != "" and (not isinstance(value, str) or not VARIABLE.match(value)):
        raise Wrong("variable", key="bearer_env", hide=True)
    return str(value)


def headers(value: Any) -> dict[str, str]:
    """Headers that everybody may read, by name; one that usually carries a secret is refused."""
    if not isinstance(value, Mapping):
        raise Wrong("headers")
    for key, item in value.items():
        if not HEADER.match(key):
            raise Wrong("header", key=key)
        if SECRET_HEADER.search(key):
            raise Wrong("secret_header", key=key, hide=True)
        if not isinstance(item, str) or not re.fullmatch(r"[\x20-\x7e]*", item):
            raise Wrong("header_value", key=key)
    return dict(value)


def hosts(value: Any) -> tuple[str, ...]:
    """A list of hosts with their ports: "10.1.2.3:8080", "data.example.cn:443", "[::1]:80"."""
    if not isinstance(value, list | tuple):
        raise Wrong("hosts")
    for item in value:
        match = HOST.fullmatch(item) if isinstance(item, str) else None
        if not match or not 0 < int(match[1]) < 65536:
            raise Wrong("hosts")
    return tuple(dict.fromkeys(item.lower() for item in value))


def plain(value: Any) -> Any:
    """A TOML value with every decimal number as plain text of its digits."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, Decimals) else value


FILLED_IN = re.compile(r"\{[^{}\n]*\}")


def url(value: Any) -> str:
    """A full http(s) address without user or password. A time in it may have blanks: {from:%Y-%m-%d %H:%M}."""
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        port = parts.port
    except ValueError as error:
        raise Wrong("url") from error
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or port == 0
        or re.search(r"\s", FILLED_IN.sub("", value))
    ):
        raise Wrong("url")
    if parts.username or parts.password:
        raise Wrong("url_secret", hide=True)
    return str(value)


def minutes(value: Any) -> int:
    """A length of time such as 30m, 48h, 2d, in minutes."""
    match = re.fullmatch(r"(\d{1,5})([mhd])", value) if isinstance(value, str) else None
    if not match:
        raise Wrong("duration")
    return int(match[1]) * UNITS[match[2]]


def time_of_day(value: Any) -> int:
    """HH:MM, in minutes."""
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if not match:
        raise Wrong("time")
    return int(match[1]) * 60 + int(match[2])


SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds(low: int, high: int) -> Callable[[Any], int]:
    """A reader of short lengths of time, `45s`, `10m`, `1h`, in seconds between low and high."""

    def read(value: Any) -> int:
        match = re.fullmatch(r"(\d{1,5})([smh])", value.strip()) if isinstance(value, str) else None
        found = int(match[1]) * SECONDS[match[2]] if match else -1
        if not low <= found <= high:
            raise Wrong("seconds", low=low, high=high)
        return found

    return read


def variable(value: Any) -> str:
    """The name of an environment variable that holds a secret."""
    if not isinstance(value, str) or not VARIABLE.match(value):
        raise Wrong("password_variable", hide=True)
    return value


def mn(value: Any) -> str:
    """The identity of a device: HJ 212 has 24 hexadecimal digits, the field has others too."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Za-z_.-]{1,32}", value):
        raise Wrong("mn")
    return value


def system(value: Any) -> str:
    """A system code of HJ 212 table 5, two digits; may be empty."""
    if not isinstance(value, str) or not re.fullmatch(r"(\d\d)?", value):
        raise Wrong("system")
    return value


def networks(value: Any) -> tuple[str, ...]:
    """Addresses and networks: `10.1.2.3`, `10.1.2.0/24`, `fd00::/8`."""
    from ipaddress import ip_network

    found = texts(value)
    for one in found:
        try:
            ip_network(one, strict=False)
        except ValueError as error:
            raise Wrong("network", word=one) from error
    return found


def host(value: Any) -> str:
    """The address of one of this machine's interfaces; 0.0.0.0 or :: for all of them."""
    from ipaddress import ip_address

    try:
        return str(ip_address(value if isinstance(value, str) else ""))
    except ValueError as error:
        raise Wrong("host") from error


def names(value: Any) -> dict[str, str]:
    """A table of texts by codes, such as { a34004 = "pm25" }."""
    if not isinstance(value, Mapping):
        raise Wrong("names")
    for key, item in value.items():
        if not isinstance(item, str) or not item.strip() or not re.fullmatch(r"[0-9A-Za-z_*-]{1,20}", key):
            raise Wrong("names")
    return {key: item.strip() for key, item in value.items()}


def slot_time(value: Any, length: int) -> int:
    """When a job of slots of `length` minutes is due, in minutes past the slot: `00:45`, `06:30`, `mon 07:00`."""
    if length <= 1440:
        past = time_of_day(value)
        if past >= length:
            raise Wrong("within_slot", slot=length_text(length))
        return past
    day, _, clock = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if day.lower()[:3] not in WEEKDAYS:
        raise Wrong("week_time")
    return WEEKDAYS[day.lower()[:3]] * 1440 + time_of_day(clock.strip())


def length_text(length: int) -> str:
    """Minutes as they are written in the file.

    >>> length_text(60), length_text(2880), length_text(45)
    ('1h', '2d', '45m')
    """
    unit = next(name for name in ("d", "h", "m") if length % UNITS[name] == 0)
    return f"{length // UNITS[unit]}{unit}"


def _written(value: Any) -> str:
    """A date or number of TOML as one would write it; "" of anything that is no period."""
    return value.isoformat() if type(value) is date else str(value) if type(value) in (int, str) else ""


def period(value: Any) -> periods.Period:
    """A period as `periods.parse` takes it; a bare year or date of TOML is one too."""
    try:
        return periods.parse(_written(value))
    except UsageError as error:
        raise Wrong("period") from error


def day(value: Any) -> int:
    """A date, as the number of its day: 2022-03-01, or 9999-12-31, which people write for "for ever"."""
    if _written(value).strip() == periods.calendar(periods.LAST_DAY).isoformat():
        return periods.LAST_DAY
    found = period(value)
    if found.days != 1:
        raise Wrong("day")
    return found.first


def begin(value: Any) -> int:
    """When something begins, as a minute: 2026-05-01 09:00, or a date alone for the beginning of the day."""
    return _instant(value)[0]


def finish(value: Any) -> int:
    """When something ends: 2026-05-01 11:30, or a date alone for the end of the day."""
    minute, whole_day = _instant(value)
    return minute + periods.DAY * whole_day


def _instant(value: Any) -> tuple[int, bool]:
    """A minute in Beijing time, and whether only a day was written."""
    text = value.isoformat() if isinstance(value, date) else str(value) if type(value) is str else ""
    try:
        found = datetime.fromisoformat(text.strip())
        minute = periods.minute(found)
    except (ValueError, OverflowError) as error:
        raise Wrong("instant") from error
    if not periods.FIRST_DAY <= periods.today(minute) <= periods.LAST_ASKED:
        raise Wrong("instant")
    return minute, re.search(r"[T :]", text.strip()) is None


def decimal(value: Any) -> str:
    """A decimal number of either sign, as its digits."""
    try:
        rounding.scaled(str(value), 9)
    except ValueError as error:
        raise Wrong("decimal") from error
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Wrong("decimal")
    return str(value)


def whole_days(value: Any) -> int:
    """A number of days up to a year: 10, "10" or "10d"."""
    written = str(value) if type(value) in (int, str) else ""
    match = re.fullmatch(r"(\d{1,3})d?", written.strip())
    if not match or int(match[1]) > 366:
        raise Wrong("days")
    return int(match[1])


def months(value: Any) -> tuple[int, ...]:
    """Months of the year, in their order: "1;4;7;10", "6..8", "1..3;7", a single number, or a list of numbers.

    >>> months("6..8"), months("10;1"), months([4, 7]), months(3)
    ((6, 7, 8), (1, 10), (4, 7), (3,))
    """
    listed = (
        value if isinstance(value, list | tuple) else re.split(r"[;；、]", value) if type(value) is str else [value]
    )
    found: set[int] = set()
    for part in listed:
        match = re.fullmatch(r"(\d{1,2})(?:\.\.(\d{1,2}))?", str(part).strip() if type(part) in (int, str) else "")
        if not match:
            raise Wrong("months")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= 12:
            raise Wrong("months")
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def pollutants(value: Any) -> tuple[str, ...]:
    """Some of the six pollutants, each once, in the order of the standards."""
    listed = texts(value)
    unknown = [word for word in listed if word not in POLLUTANTS]
    if unknown:
        raise Wrong("one_of", words=" ".join(POLLUTANTS), suggestion=closest(unknown[0], POLLUTANTS))
    return tuple(item for item in POLLUTANTS if item in listed)


def exact(decimals: int, low: int, high: int, code: str) -> Callable[[Any], int]:
    """A reader of decimal numbers, as steps of 10^-decimals between low and high; more digits are refused."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise Wrong(code)
        try:
            steps, fine = rounding.scaled(str(value), decimals), rounding.scaled(str(value), decimals + 9)
        except ValueError as error:
            raise Wrong(code) from error
        if fine != steps * 10**9 or not low <= steps <= high:
            raise Wrong(code)
        return steps

    return read


def whole(low: int, high: int) -> Callable[[Any], int]:
    """A reader of whole numbers between low and high."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Wrong("whole", low=low, high=high)
        return value

    return read


def among(*numbers: int) -> Callable[[Any], int]:
    """A reader of one of a few whole numbers."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or value not in numbers:
            raise Wrong("one_of", words=" ".join(map(str, numbers)))
        return int(value)

    return read


def number(value: Any) -> str:
    """A decimal number above zero, as its digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Wrong("number")
    try:
        positive = rounding.scaled(str(value), 9) > 0
    except ValueError as error:
        raise Wrong("number") from error
    if not positive:
        raise Wrong("number")
    return str(value)


def one_of(words: Mapping[str, Any]) -> Callable[[Any], Any]:
    """A reader of one of several words; the listed spellings are ASCII ones, Chinese ones are taken too."""
    listed = [word for word in words if word.isascii()]

    def read(value: Any) -> Any:
        if not isinstance(value, str) or isinstance(value, Decimals) or value not in words:
            raise Wrong("one_of", words=" ".join(listed), suggestion=closest(value, listed))
        return words[value]

    return read
