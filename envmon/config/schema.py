"""What may stand in config.toml: every table's keys, their forms and their defaults. The only door to pydantic.

A field is read by one small function that returns the noun's own unit (minutes, tenths, days) or raises a problem whose
code is a key under `config.allowed` in the catalogue. Defaults are written as one would write them in the file.
Never here: other tables (see `checks`), files, the environment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from envmon import periods, rounding
from envmon.config import DATABASE
from envmon.config.mistakes import Decimals, closest, shown
from envmon.errors import UsageError
from envmon.model import Basis, Body, Kind, RateName, RuleKind, Severity, WaterClass
from envmon.texts import t

Problem = tuple[str, str, dict[str, Any]]
"""(field, code of `config.allowed`, values of its text)"""

INTAKE_DECIMALS = 3  # 10^4 t a month as printed, in steps of 10 t
UNITS = {"m": 1, "h": 60, "d": 1440}
WEEKDAYS = {name: number for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
SECRET = re.compile(r"(?:password|passwd|pwd|secret|token|api_?key|access_?key|credential)s?\Z", re.IGNORECASE)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def default(written: Any, **more: Any) -> Any:
    """A field's default, in the form it would have in the file; it is read like a written value."""
    return Field(written, **more)


def absent() -> Any:
    """The default of a key that has no value unless it is written."""
    return Field(None, validate_default=False)


def problem(code: str, **values: Any) -> PydanticCustomError:
    return PydanticCustomError("envmon", "{code}", {"code": code, **values})


# --- forms ------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if not isinstance(value, str) or isinstance(value, Decimals) or not value.strip():
        raise problem("text")
    if not value.isprintable():
        raise problem("printable")
    return value.strip()


def _loose_text(value: Any) -> str:
    return "" if value == "" else _text(value)


def _identity(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,39}", value):
        raise problem("id")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise problem("flag")
    return value


def _region(value: Any) -> str:
    if not isinstance(value, str) or (value and not re.fullmatch(r"\d{6}(\d{3}){0,2}", value)):
        raise problem("region")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise problem("texts")
    return tuple(_text(item) for item in value)


def _attributes(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise problem("attributes")
    return {key: str(item) if isinstance(item, int | Decimals) else _loose_text(item) for key, item in value.items()}


def _options(value: Any) -> dict[str, Any]:
    """Options as the file has them; numbers with a point as plain text. Secrets are named, never written."""
    if not isinstance(value, Mapping):
        raise problem("options")
    for key, item in value.items():
        if key.endswith("_env"):
            if not isinstance(item, str) or not VARIABLE.match(item):
                raise problem("variable", key=key)
        elif SECRET.search(key):
            raise problem("secret", key=key, named=f"{key}_env", hide=True)
    return {key: plain(item) for key, item in value.items()}


def plain(value: Any) -> Any:
    """A TOML value with every decimal number as plain text of its digits."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, Decimals) else value


def _url(value: Any) -> str:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        port = parts.port
    except ValueError as error:
        raise problem("url") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or re.search(r"\s", value):
        raise problem("url")
    if parts.username or parts.password:
        raise problem("url_secret", hide=True)
    return str(value)


def minutes(value: Any) -> int:
    """A length of time such as 30m, 48h, 2d, in minutes."""
    match = re.fullmatch(r"(\d{1,5})([mhd])", value) if isinstance(value, str) else None
    if not match:
        raise problem("duration")
    return int(match[1]) * UNITS[match[2]]


def time_of_day(value: Any) -> int:
    """HH:MM, in minutes."""
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if not match:
        raise problem("time")
    return int(match[1]) * 60 + int(match[2])


def slot_time(value: Any, length: int) -> int:
    """When a job of slots of `length` minutes is due, in minutes past the slot: `00:45`, `06:30`, `mon 07:00`."""
    if length <= 1440:
        past = time_of_day(value)
        if past >= length:
            raise problem("within_slot", slot=periods_text(length))
        return past
    day, _, clock = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if day.lower()[:3] not in WEEKDAYS:
        raise problem("week_time")
    return WEEKDAYS[day.lower()[:3]] * 1440 + time_of_day(clock.strip())


def periods_text(length: int) -> str:
    """Minutes as they are written in the file.

    >>> periods_text(60), periods_text(2880), periods_text(45)
    ('1h', '2d', '45m')
    """
    unit = next(name for name in ("d", "h", "m") if length % UNITS[name] == 0)
    return f"{length // UNITS[unit]}{unit}"


def _period(value: Any) -> periods.Period:
    text = value.isoformat() if type(value) is date else str(value) if type(value) in (int, str) else ""
    try:
        return periods.parse(text)
    except UsageError as error:
        raise problem("period") from error


def exact(decimals: int, low: int, high: int, code: str) -> Callable[[Any], int]:
    """A reader of decimal numbers, as steps of 10^-decimals between low and high; more digits are refused."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise problem(code)
        try:
            steps, fine = rounding.scaled(str(value), decimals), rounding.scaled(str(value), decimals + 9)
        except ValueError as error:
            raise problem(code) from error
        if fine != steps * 10**9 or not low <= steps <= high:
            raise problem(code)
        return steps

    return read


def whole(low: int, high: int) -> Callable[[Any], int]:
    """A reader of whole numbers between low and high."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise problem("whole", low=low, high=high)
        return value

    return read


def one_of(words: Mapping[str, Any]) -> Callable[[Any], Any]:
    """A reader of one of several words; the listed spellings are ASCII ones, Chinese ones are taken too."""
    listed = [word for word in words if word.isascii()]

    def read(value: Any) -> Any:
        if not isinstance(value, str) or isinstance(value, Decimals) or value not in words:
            raise problem("one_of", words=" ".join(listed), suggestion=closest(value, listed))
        return words[value]

    return read


AREA_LEVELS = {"county": "county", "prefecture": "prefecture", "区县": "county", "县": "county", "市州": "prefecture"}
AIR_FROM = {"station": Kind.STATION, "city": Kind.CITY}
SITE_KINDS = {kind.value: kind for kind in (Kind.CITY, Kind.STATION, Kind.SECTION, Kind.SOURCE)}
SITE_KINDS |= {"城市": Kind.CITY, "空气站点": Kind.STATION, "断面": Kind.SECTION, "水源": Kind.SOURCE}
BODIES = {body.name.lower(): body for body in Body} | {
    "河流": Body.RIVER,
    "湖库": Body.LAKE,
    "地下水": Body.GROUNDWATER,
}
CLASSES = {name: WaterClass[name] for name in ("I", "II", "III", "IV", "V")}
CLASSES |= {sign + end: WaterClass(n) for n, sign in enumerate("ⅠⅡⅢⅣⅤ", 1) for end in ("", "类")}
CLASSES |= {f"{name}类": WaterClass[name] for name in ("I", "II", "III", "IV", "V")}
BASES = {basis.name.lower(): basis for basis in Basis}
SEVERITIES = {severity.name.lower(): severity for severity in Severity}
EVERY = {"1h": 60, "4h": 240, "1d": 1440}

Text = Annotated[str, PlainValidator(_text)]
Loose = Annotated[str, PlainValidator(_loose_text)]
Identity = Annotated[str, PlainValidator(_identity)]
Texts = Annotated[tuple[str, ...], PlainValidator(_texts)]
Duration = Annotated[int, PlainValidator(minutes)]
Options = Annotated[dict[str, Any], PlainValidator(_options)]
AnyPeriod = Annotated[periods.Period, PlainValidator(_period)]


# --- tables -----------------------------------------------------------------------------------------------------


class Table(BaseModel):
    """A table of the file: unknown keys are mistakes, defaults are read like written values."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, arbitrary_types_allowed=True)

    def problems(self) -> Iterator[Problem]:
        """What is wrong between the keys of this table."""
        return iter(())


class AreaTable(Table):
    id: Identity = Field(examples=['"ganzi"'])
    name: Text = Field(examples=['"甘孜藏族自治州"'])
    level: Annotated[str, PlainValidator(one_of(AREA_LEVELS))] = Field(examples=['"prefecture"'])
    code: Annotated[str, PlainValidator(_region)] = ""
    zone: Annotated[int, PlainValidator(whole(1, 2))] = 2
    air: Annotated[Kind, PlainValidator(one_of(AIR_FROM))] = default("station")


class SiteTable(Table):
    id: Identity = Field(examples=['"ganzi-air"'])
    name: Text = Field(examples=['"岗托桥"'])
    kind: Annotated[Kind, PlainValidator(one_of(SITE_KINDS))] = Field(examples=['"section"'])
    area: Text = Field(examples=['"ganzi"'])
    code: Loose = ""
    aliases: Texts = default([])
    body: Annotated[Body, PlainValidator(one_of(BODIES))] = default("river")
    target_class: Annotated[WaterClass, PlainValidator(one_of(CLASSES))] = default("III")
    intake: Annotated[int | None, PlainValidator(exact(INTAKE_DECIMALS, 0, 10**9, "intake"))] = absent()
    counted: Annotated[bool, PlainValidator(_flag)] = True
    attributes: Annotated[dict[str, str], PlainValidator(_attributes)] = default({})

    def problems(self) -> Iterator[Problem]:
        written = self.model_fields_set
        if self.kind in (Kind.SECTION, Kind.SOURCE) and "body" not in written:
            yield "body", "body_needed", {"hide": True}
        for key, kinds in {
            "body": (Kind.SECTION, Kind.SOURCE),
            "target_class": (Kind.SECTION,),
            "intake": (Kind.SOURCE,),
        }.items():
            if key in written and self.kind not in kinds:
                yield key, "only_for", {"kinds": " ".join(kinds), "kind": str(self.kind)}
        if self.kind is Kind.SECTION and self.body is Body.GROUNDWATER:
            yield "body", "one_of", {"words": "river lake"}


class SourceTable(Table):
    id: Identity = Field(examples=['"archive"'])
    kind: Text = Field(examples=['"archive"'])
    url: Annotated[str, PlainValidator(_url)] = Field(examples=['"http://127.0.0.1:8930/archive/"'])
    every: Annotated[int, PlainValidator(one_of(EVERY))] = Field(examples=['"1h"'])
    at: Annotated[int, PlainValidator(time_of_day)] = default("00:00")
    lookback: Duration = default("48h")
    basis: Annotated[Basis, PlainValidator(one_of(BASES))] = default("realtime")
    options: Options = default({})

    def problems(self) -> Iterator[Problem]:
        if self.at >= self.every:
            yield "at", "within_slot", {"slot": periods_text(self.every)}
        if self.lookback < self.every:
            yield "lookback", "lookback", {"every": periods_text(self.every)}


class TargetTable(Table):
    id: Identity = Field(examples=['"good-days-2022"'])
    rate: Annotated[RateName, PlainValidator(one_of({rate.value: rate for rate in RateName}))] = Field(
        examples=['"good_days"']
    )
    area: Text = Field(examples=['"ganzi"'])
    period: AnyPeriod = Field(examples=['"2022"'])
    percent: Annotated[int | None, PlainValidator(exact(1, 0, 1000, "percent"))] = absent()
    days: Annotated[int | None, PlainValidator(whole(0, 366 * 10))] = absent()
    change: Annotated[int | None, PlainValidator(exact(1, -1000, 1000, "change"))] = absent()
    base: AnyPeriod | None = absent()
    base_percent: Annotated[int | None, PlainValidator(exact(1, 0, 1000, "percent"))] = absent()
    edition: Text = "by-date"

    def problems(self) -> Iterator[Problem]:
        written = self.model_fields_set
        goals = [key for key in ("percent", "days", "change") if key in written]
        if len(goals) != 1:
            yield goals[1] if goals else "", "one_goal", {}
        if self.days is not None and self.rate is not RateName.GOOD_DAYS:
            yield "days", "days_rate", {}
        elif self.days is not None and self.days > self.period.days:
            yield "days", "days_in_period", {"days": self.period.days}
        if self.change is not None and self.base is None:
            yield "base", "base_needed", {"hide": True}
        for key in ("base", "base_percent"):
            if key in written and self.change is None:
                yield key, "base_with_change", {}
        if self.base is not None and self.base.last >= self.period.first:
            yield "base", "base_before", {"period": self.period.name}


RULE_KEYS: Mapping[RuleKind, tuple[str, ...]] = {
    RuleKind.DAILY_AQI: ("above",),
    RuleKind.HOURLY_AQI: ("above", "hours"),
    RuleKind.SECTION_CLASS: ("worse_than",),
    RuleKind.SOURCE_COMPLIANCE: (),
    RuleKind.TARGET: (),
    RuleKind.SILENCE: ("grace",),
    RuleKind.SERVICE: ("hours", "grace"),
}


class RuleTable(Table):
    id: Identity = Field(examples=['"daily-aqi"'])
    kind: Annotated[RuleKind, PlainValidator(one_of({kind.value: kind for kind in RuleKind}))] = Field(
        examples=['"daily_aqi"']
    )
    above: Annotated[int, PlainValidator(whole(0, 500))] = 100
    hours: Annotated[int, PlainValidator(whole(1, 720))] = 1
    worse_than: Annotated[WaterClass | None, PlainValidator(one_of(CLASSES | {"target": None}))] = default("target")
    grace: Duration = default("2h")
    repeat: Duration = default("1d")
    severity: Annotated[Severity, PlainValidator(one_of(SEVERITIES))] = default("warning")
    sites: Texts = default([])

    def problems(self) -> Iterator[Problem]:
        own = RULE_KEYS[self.kind]
        for key in ("above", "hours", "worse_than", "grace"):
            if key in self.model_fields_set and key not in own:
                words = " ".join((*own, "repeat", "severity", "sites"))
                yield key, "rule_keys", {"kind": self.kind.value, "words": words}
        if self.repeat == 0:
            yield "repeat", "duration", {}


class ChannelTable(Table):
    id: Identity = Field(examples=['"log"'])
    kind: Text = Field(examples=['"log"'])
    options: Options = default({})


class PathsTable(Table):
    database: Text = DATABASE
    alerts: Text = "data/alerts.jsonl"
    charts: Text = "charts"
    rejects: Text = "data/rejects"


class Page(Table):
    """The top of the file. Lists of tables are checked table by table, so they are only named here."""

    bureau: Text = Field(examples=['"某县生态环境局"'])
    language: Annotated[str, PlainValidator(one_of({"zh": "zh", "en": "en"}))] = default("zh")
    paths: Any = default({})
    areas: Any = default([])
    sites: Any = default([])
    sources: Any = default([])
    targets: Any = default([])
    rules: Any = default([])
    channels: Any = default([])
    jobs: Any = default({})
    qc: Any = default({})


LISTS: Mapping[str, type[Table]] = {
    "areas": AreaTable,
    "sites": SiteTable,
    "sources": SourceTable,
    "targets": TargetTable,
    "rules": RuleTable,
    "channels": ChannelTable,
}


# --- reading one table ------------------------------------------------------------------------------------------

Report = Callable[[tuple[str | int, ...], str, str, str], None]
"""(path inside the table, found, allowed, suggestion)"""


Form = TypeVar("Form", bound=Table)


def read_table(form: type[Form], raw: Any, report: Report, lang: str) -> Form | None:
    """A table checked against its form; every mistake is reported, and then there is no table."""
    try:
        table = form.model_validate(raw)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _report(detail, form, report, lang)
        return None
    found = list(table.problems())
    for key, code, values in found:
        tell(report, (key,) if key else (), code, raw.get(key), values, lang)
    return None if found else table


def tell(
    report: Report, path: tuple[str | int, ...], code: str, value: Any, values: Mapping[str, Any], lang: str
) -> None:
    """Report one problem by its code; `hide` among the values keeps what was written out of the message."""
    found = t("config.found.missing", lang) if value is None else t("config.found.value", lang, value=shown(value))
    if values.get("hide"):
        found = t("config.found.missing" if value is None else "config.found.hidden", lang)
    rest = {key: item for key, item in values.items() if key not in ("hide", "suggestion", "code")}
    report(path, found, t(f"config.allowed.{code}", lang, **rest), str(values.get("suggestion", "")))


def _report(detail: Any, form: type[Table], report: Report, lang: str) -> None:
    path, kind = detail["loc"], detail["type"]
    if kind == "envmon":
        tell(report, path, detail["ctx"]["code"], detail["input"], detail["ctx"], lang)
    elif kind == "missing":
        examples = form.model_fields[path[-1]].examples or []
        allowed = t("config.allowed.required", lang, example=f"{path[-1]} = {examples[0]}")
        report(path, t("config.found.missing", lang), allowed, "")
    elif kind == "extra_forbidden":
        unknown_key(report, path, form.model_fields, lang)
    else:
        tell(report, path, "table", detail["input"], {}, lang)


def unknown_key(report: Report, path: tuple[str | int, ...], words: Iterable[str], lang: str) -> None:
    """Report a key nobody knows, with the keys there are and the one probably meant."""
    known = list(words)
    allowed = t("config.allowed.one_of", lang, words=" ".join(known))
    report(path, t("config.found.unknown_key", lang), allowed, closest(path[-1], known))
