"""What may stand in config.toml: every table's keys and their defaults. The only door to pydantic.

The fields of a table are those of its noun in `model`; their forms are in `forms`. Defaults are written as one would
write them in the file. Never here: other tables (`checks`), files, the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from envmon import periods
from envmon.config import DATABASE, forms
from envmon.config.mistakes import closest, shown
from envmon.model import Basis, Body, Cycle, Kind, Medium, RateName, RuleKind, Severity, StationType, WaterClass
from envmon.rounding import scaled
from envmon.texts import t

Problem = tuple[str, str, dict[str, Any]]
"""(field, code of `config.allowed`, values of its text)"""

RANGE_DECIMALS = 9  # as far as two ends of a range are compared
INTAKE_DECIMALS = 3  # 10^4 t a month as printed, in steps of 10 t
RATES = {rate.value: rate for rate in RateName if rate is not RateName.WORSE_THAN_V}
"""The rates a target can be set on: the larger, the better."""
RULE_KINDS = {kind.value: kind for kind in RuleKind}


QC_SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    "off": forms.flag,
    "level": forms.one_of({"suspect": "suspect", "fail": "fail"}),
    "times": forms.whole(2, 8760),
    "changes": forms.whole(1, 8760),
    "items": forms.whole(1, 200),
    "within": forms.whole(1, 168),
    "least": forms.whole(1, 366),
    "days": forms.whole(1, 366),
    "ahead": forms.whole(0, 1440),
    "factor": forms.number,
    "percent": forms.number,
}
"""Forms of a QC test's settings; `ranges` is a list of tables, any other a table of thresholds by item."""


def default(written: Any, **more: Any) -> Any:
    """A field's default, in the form it would have in the file; it is read like a written value."""
    return Field(written, **more)


def absent() -> Any:
    """The default of a key that has no value unless it is written."""
    return Field(None, validate_default=False)


Text = Annotated[str, PlainValidator(forms.text)]
Loose = Annotated[str, PlainValidator(forms.loose_text)]
Identity = Annotated[str, PlainValidator(forms.identity)]
Texts = Annotated[tuple[str, ...], PlainValidator(forms.texts)]
SetOrItems = Annotated[str | tuple[str, ...], PlainValidator(forms.text_or_texts)]
Duration = Annotated[int, PlainValidator(forms.minutes)]
Options = Annotated[dict[str, Any], PlainValidator(forms.options)]
AnyPeriod = Annotated[periods.Period, PlainValidator(forms.period)]


# --- tables -----------------------------------------------------------------------------------------------------


class Table(BaseModel):
    """A table of the file: unknown keys are mistakes, defaults are read like written values."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, arbitrary_types_allowed=True)

    @classmethod
    def implied(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Values of keys that follow from what others say, unless they are written."""
        return {}

    def problems(self) -> Iterator[Problem]:
        """What is wrong between the keys of this table."""
        return iter(())


class AreaTable(Table):
    id: Identity = Field(examples=['"ganzi"'])
    name: Text = Field(examples=['"甘孜藏族自治州"'])
    level: Annotated[str, PlainValidator(forms.one_of(forms.AREA_LEVELS))] = Field(examples=['"prefecture"'])
    code: Annotated[str, PlainValidator(forms.region)] = ""
    zone: Annotated[int, PlainValidator(forms.whole(1, 2))] = 2
    air: Annotated[Kind, PlainValidator(forms.one_of(forms.AIR_FROM))] = default("station")
    items: Annotated[tuple[str, ...], PlainValidator(forms.pollutants)] = default([])


class SiteTable(Table):
    id: Identity = Field(examples=['"ganzi-air"'])
    name: Text = Field(examples=['"岗托桥"'])
    kind: Annotated[Kind, PlainValidator(forms.one_of(forms.SITE_KINDS))] = Field(examples=['"section"'])
    area: Text = Field(examples=['"ganzi"'])
    code: Loose = ""
    aliases: Texts = default([])
    body: Annotated[Body, PlainValidator(forms.one_of(forms.BODIES))] = default("river")
    target_class: Annotated[WaterClass, PlainValidator(forms.one_of(forms.CLASSES))] = default("III")
    intake: Annotated[int | None, PlainValidator(forms.exact(INTAKE_DECIMALS, 0, 10**9, "intake"))] = absent()
    counted: Annotated[bool, PlainValidator(forms.flag)] = True
    type: Annotated[StationType, PlainValidator(forms.one_of(forms.STATION_TYPES))] = default("assessment")
    opened: Annotated[int | None, PlainValidator(forms.day)] = absent()
    closed: Annotated[int | None, PlainValidator(forms.day)] = absent()
    attributes: Annotated[dict[str, str], PlainValidator(forms.attributes)] = default({})

    @classmethod
    def implied(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        """A station that is no assessment station does not count (HJ 663 annex A.2, note)."""
        written = raw.get("type")
        kind = forms.STATION_TYPES.get(written) if isinstance(written, str) else None
        return {} if kind in (None, StationType.ASSESSMENT) else {"counted": False}

    def problems(self) -> Iterator[Problem]:
        written = self.model_fields_set
        if self.kind.medium is Medium.WATER and "body" not in written:
            yield "body", "body_needed", {"hide": True}
        if self.type is not StationType.ASSESSMENT and self.counted:
            yield "counted", "type_not_counted", {"type": self.type.value}
        for key, kinds in {
            "type": (Kind.STATION,),
            "body": (Kind.SECTION, Kind.SOURCE),
            "target_class": (Kind.SECTION,),
            "intake": (Kind.SOURCE,),
        }.items():
            if key in written and self.kind not in kinds:
                yield key, "only_for", {"kinds": " ".join(kinds), "kind": str(self.kind)}
        if self.opened is not None and self.closed is not None and self.closed < self.opened:
            yield "closed", "closed_before", {}
        if self.kind is Kind.SECTION and self.body is Body.GROUNDWATER:
            yield "body", "one_of", {"words": "river lake"}


class PlanTable(Table):
    site: Text = Field(examples=['"gangtuo-bridge"'])
    items: Text = Field(examples=['"section_21"'])
    every: Annotated[Cycle, PlainValidator(forms.one_of(forms.CYCLES))] = Field(examples=['"month"'])
    months: Annotated[tuple[int, ...], PlainValidator(forms.months)] = default([])
    within: Annotated[int, PlainValidator(forms.whole_days)] = default("10d")
    first: Annotated[int | None, PlainValidator(forms.day)] = Field(None, validate_default=False, alias="from")
    last: Annotated[int | None, PlainValidator(forms.day)] = Field(None, validate_default=False, alias="to")
    note: Loose = ""

    def problems(self) -> Iterator[Problem]:
        if self.first is not None and self.last is not None and self.last < self.first:
            yield "to", "to_before_from", {}


class SourceTable(Table):
    id: Identity = Field(examples=['"archive"'])
    kind: Text = Field(examples=['"archive"'])
    url: Annotated[str, PlainValidator(forms.url)] = Field(examples=['"http://127.0.0.1:8930/archive/"'])
    every: Annotated[int, PlainValidator(forms.one_of(forms.EVERY))] = Field(examples=['"1h"'])
    at: Annotated[int, PlainValidator(forms.time_of_day)] = default("00:00")
    lookback: Duration = default("48h")
    basis: Annotated[Basis, PlainValidator(forms.one_of(forms.BASES))] = default("realtime")
    options: Options = default({})
    hosts: Annotated[tuple[str, ...], PlainValidator(forms.hosts)] = default([])
    redirects: Annotated[bool, PlainValidator(forms.flag)] = False
    pause: Annotated[int, PlainValidator(forms.exact(3, 0, 60_000, "pause"))] = 0
    timeout: Annotated[int, PlainValidator(forms.whole(1, 300))] = 30
    round: Annotated[int, PlainValidator(forms.whole(1, 3600))] = 300
    max_mb: Annotated[int, PlainValidator(forms.whole(1, 1024))] = 64
    ca_file: Loose = ""
    headers: Annotated[dict[str, str], PlainValidator(forms.headers)] = default({})
    headers_env: Annotated[dict[str, str], PlainValidator(forms.variables)] = default({})
    query_env: Annotated[dict[str, str], PlainValidator(forms.variables)] = default({})
    bearer_env: Annotated[str, PlainValidator(forms.loose_variable)] = ""

    def problems(self) -> Iterator[Problem]:
        if self.at >= self.every:
            yield "at", "within_slot", {"slot": forms.length_text(self.every)}
        if self.lookback < self.every:
            yield "lookback", "lookback", {"every": forms.length_text(self.every)}


class TargetTable(Table):
    id: Identity = Field(examples=['"good-days-2022"'])
    rate: Annotated[RateName, PlainValidator(forms.one_of(RATES))] = Field(examples=['"good_days"'])
    area: Text = Field(examples=['"ganzi"'])
    period: AnyPeriod = Field(examples=['"2022"'])
    percent: Annotated[int | None, PlainValidator(forms.exact(1, 0, 1000, "percent"))] = absent()
    days: Annotated[int | None, PlainValidator(forms.whole(0, 366 * 10))] = absent()
    change: Annotated[int | None, PlainValidator(forms.exact(1, -1000, 1000, "change"))] = absent()
    base: AnyPeriod | None = absent()
    base_percent: Annotated[int | None, PlainValidator(forms.exact(1, 0, 1000, "percent"))] = absent()
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
    RuleKind.SAMPLING: (),
}


class RuleTable(Table):
    id: Identity = Field(examples=['"daily-aqi"'])
    kind: Annotated[RuleKind, PlainValidator(forms.one_of(RULE_KINDS))] = Field(examples=['"daily_aqi"'])
    above: Annotated[int, PlainValidator(forms.whole(0, 500))] = 100
    hours: Annotated[int, PlainValidator(forms.whole(1, 720))] = 1
    worse_than: Annotated[WaterClass | None, PlainValidator(forms.one_of(forms.WORSE_THAN))] = default("target")
    grace: Duration = default("2h")
    repeat: Duration = default("1d")
    severity: Annotated[Severity, PlainValidator(forms.one_of(forms.SEVERITIES))] = default("warning")
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


class MaintenanceTable(Table):
    site: Text = Field(examples=['"county-station"'])
    first: Annotated[int, PlainValidator(forms.begin)] = Field(alias="from", examples=['"2026-05-01 09:00"'])
    last: Annotated[int, PlainValidator(forms.finish)] = Field(alias="to", examples=['"2026-05-01 11:30"'])
    items: Texts = default([])
    note: Loose = ""

    def problems(self) -> Iterator[Problem]:
        if self.last <= self.first:
            yield "to", "to_before_from", {}


class RangeTable(Table):
    """One range of `[[qc.climatology.ranges]]`."""

    items: Texts = Field(examples=['["water_temp"]'])
    sites: Texts = default([])
    months: Annotated[tuple[int, ...], PlainValidator(forms.months)] = default([])
    low: Annotated[str | None, PlainValidator(forms.decimal)] = absent()
    high: Annotated[str | None, PlainValidator(forms.decimal)] = absent()

    def problems(self) -> Iterator[Problem]:
        if self.low is None and self.high is None:
            yield "", "range_end", {}
            return
        low, high = (scaled(end or "0", RANGE_DECIMALS) for end in (self.low, self.high))
        if None not in (self.low, self.high) and low > high:
            yield "high", "range_order", {}


class PathsTable(Table):
    database: Text = DATABASE
    alerts: Text = "data/alerts.jsonl"
    charts: Text = "charts"
    rejects: Text = "data/rejects"
    inbox: Text = "data/inbox"


class AssessmentTable(Table):
    margin: Annotated[int, PlainValidator(forms.whole(0, 100))] = 5
    station_share: Annotated[int | None, PlainValidator(forms.whole(1, 100))] = absent()
    station_share_under_4: Annotated[int | None, PlainValidator(forms.whole(1, 100))] = absent()
    section_data: Annotated[str, PlainValidator(forms.one_of(forms.SECTION_DATA))] = "manual"
    surface_sources: SetOrItems = "source_surface_61"
    groundwater_sources: SetOrItems = "source_groundwater_39"
    quarter_min_rounds: Annotated[int | None, PlainValidator(forms.whole(1, 3))] = absent()
    year_min_rounds: Annotated[int | None, PlainValidator(forms.whole(1, 12))] = absent()
    deducted: Annotated[str, PlainValidator(forms.one_of({"drop": "drop", "without_items": "without_items"}))] = "drop"


class ListenTable(Table):
    host: Annotated[str, PlainValidator(forms.host)] = "127.0.0.1"
    port: Annotated[int, PlainValidator(forms.whole(1, 65535))] = 9212
    connections: Annotated[int, PlainValidator(forms.whole(1, 20_000))] = 2000
    per_address: Annotated[int, PlainValidator(forms.whole(1, 20_000))] = 20
    idle: Annotated[int, PlainValidator(forms.seconds(10, 86_400))] = default("10m")
    frame_seconds: Annotated[int, PlainValidator(forms.whole(1, 600))] = 5
    bad_frames: Annotated[int, PlainValidator(forms.whole(1, 1000))] = 10
    ban: Annotated[int, PlainValidator(forms.seconds(0, 86_400))] = default("60s")
    frames_per_second: Annotated[int, PlainValidator(forms.whole(1, 10_000))] = 50
    longest: Annotated[int, PlainValidator(forms.whole(1024, 9999))] = 1024
    answer: Annotated[int, PlainValidator(forms.seconds(1, 3600))] = default("10s")
    repeats: Annotated[int, PlainValidator(forms.whole(1, 10))] = 3
    keep: Duration = default("7d")


class DeviceTable(Table):
    mn: Annotated[str, PlainValidator(forms.mn)] = Field(examples=['"010000A8900016F000169DC0"'])
    site: Text = Field(examples=['"ganzi-air"'])
    password_env: Annotated[str, PlainValidator(forms.variable)] = Field(examples=['"ENVMON_PW_1"'])
    name: Loose = ""
    st: Annotated[str, PlainValidator(forms.system)] = ""
    addresses: Annotated[tuple[str, ...], PlainValidator(forms.networks)] = default([])
    factors: Annotated[dict[str, str], PlainValidator(forms.names)] = default({})
    units: Annotated[dict[str, str], PlainValidator(forms.names)] = default({})
    minutes: Annotated[int, PlainValidator(forms.among(1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30))] = 10
    hours: Annotated[int, PlainValidator(forms.among(1, 4))] = 1
    hours_from: Annotated[str, PlainValidator(forms.one_of({"hours": "hours", "minutes": "minutes"}))] = "hours"
    realtime: Annotated[bool, PlainValidator(forms.flag)] = True


class GapsTable(Table):
    grace: Duration = default("2h")
    days: Annotated[int, PlainValidator(forms.whole(0, 366))] = 31
    windows: Annotated[int, PlainValidator(forms.whole(1, 100))] = 4


class PreferenceTable(Table):
    sources: Texts = Field(examples=['["archive"]'])
    sites: Texts = default([])
    items: Texts = default([])


class Page(Table):
    """The top of the file. Lists of tables are checked table by table, so they are only named here."""

    bureau: Text = Field(examples=['"某县生态环境局"'])
    language: Annotated[str, PlainValidator(forms.one_of({"zh": "zh", "en": "en"}))] = default("zh")
    paths: Any = default({})
    assessment: Any = default({})
    gaps: Any = default({})
    areas: Any = default([])
    sites: Any = default([])
    plan: Any = default([])
    sources: Any = default([])
    preferences: Any = default([])
    targets: Any = default([])
    rules: Any = default([])
    channels: Any = default([])
    listen: Any = absent()
    devices: Any = default([])
    maintenance: Any = default([])
    jobs: Any = default({})
    qc: Any = default({})


LISTS: Mapping[str, type[Table]] = {
    "areas": AreaTable,
    "sites": SiteTable,
    "plan": PlanTable,
    "sources": SourceTable,
    "preferences": PreferenceTable,
    "targets": TargetTable,
    "rules": RuleTable,
    "channels": ChannelTable,
    "devices": DeviceTable,
    "maintenance": MaintenanceTable,
}


def keys(form: type[Table]) -> list[str]:
    """The keys of a table as they are written; `from` is no name for a field."""
    return [field.alias or name for name, field in form.model_fields.items()]


# --- reading one table ------------------------------------------------------------------------------------------

Report = Callable[[tuple[str | int, ...], str, str, str], None]
"""(path inside the table, found, allowed, suggestion)"""


Form = TypeVar("Form", bound=Table)


def read_table(form: type[Form], raw: Any, report: Report, lang: str) -> Form | None:
    """A table checked against its form; every mistake is reported, and then there is no table."""
    try:
        table = form.model_validate({**form.implied(raw), **raw} if isinstance(raw, dict) else raw)
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
    rest = {key: item for key, item in values.items() if key not in ("hide", "suggestion")}
    report(path, found, t(f"config.allowed.{code}", lang, **rest), str(values.get("suggestion", "")))


def _report(detail: Any, form: type[Table], report: Report, lang: str) -> None:
    path, kind = detail["loc"], detail["type"]
    if kind == "value_error":
        wrong = detail["ctx"]["error"]
        tell(report, path, wrong.code, detail["input"], wrong.values, lang)
    elif kind == "missing":
        missing = next(field for name, field in form.model_fields.items() if path[-1] in (name, field.alias))
        examples = missing.examples or []
        allowed = t("config.allowed.required", lang, example=f"{path[-1]} = {examples[0]}")
        report(path, t("config.found.missing", lang), allowed, "")
    elif kind == "extra_forbidden":
        unknown_key(report, path, keys(form), lang)
    else:
        tell(report, path, "table", detail["input"], {}, lang)


def unknown_key(report: Report, path: tuple[str | int, ...], words: Iterable[str], lang: str) -> None:
    """Report a key nobody knows, with the keys there are and the one probably meant."""
    known = list(words)
    allowed = t("config.allowed.one_of", lang, words=" ".join(known))
    report(path, t("config.found.unknown_key", lang), allowed, closest(path[-1], known))
