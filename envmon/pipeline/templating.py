"""Templates of what people hand in: which columns, which of the bureau's sites and items they may choose.

Never here: how a workbook is written (`sheets`), or read again (`sources`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from envmon import periods, standards
from envmon.model import Body, Config, EventKind, Kind, Parameter, Site
from envmon.periods import Period
from envmon.sheets.template import Column, Template, template_book
from envmon.sources.files import EXAMPLE
from envmon.texts import t, word

SETS = {
    "lab": "section_21",
    "drinking": "source_surface_61",
    "drinking109": "source_surface_109",
    "groundwater": "source_groundwater_39",
}
AIR = (("SO2", "µg/m³"), ("NO2", "µg/m³"), ("PM10", "µg/m³"), ("PM2.5", "µg/m³"), ("CO", "mg/m³"))
EXAMPLE_DAY = date(2026, 5, 12)
HEAD = Column("序号", width=6)
EXAMPLE_VALUES: dict[str, float | str] = {"ph": 7.5, "do": 7.9, "nh3n": "0.025L", "tp": 0.04}


def template_of(config: Config, kind: str, month: Period | None) -> bytes:
    """The workbook of one kind; with a month dates of no other are taken."""
    pages = {"reviewed": _reviewed, "events": _events, "intake": _intake}.get(kind, _laboratory)(config, kind, month)
    lang = config.language
    keys = ["inbox.notes.all", f"inbox.notes.{NOTES.get(kind, 'lab')}", "inbox.notes.example"]
    words = {
        "notes": t("inbox.notes", lang),
        "date": t("inbox.template.date", lang, first="{first}", last="{last}"),
        "hour": t("inbox.template.hour", lang),
        "choice": t("inbox.template.choice", lang),
    }
    return template_book(pages, [line for key in keys for line in t(key, lang).split("\n")], words)


NOTES = {"reviewed": "reviewed", "events": "events", "intake": "intake"}


def _span(month: Period | None) -> tuple[date, date]:
    if month is None:
        return date(2000, 1, 1), date(2099, 12, 31)
    return periods.calendar(month.first), periods.calendar(month.last)


def _day(month: Period | None) -> date:
    return EXAMPLE_DAY if month is None else periods.calendar(month.first + 11)


def _names(sites: Sequence[Site]) -> tuple[str, ...]:
    return tuple(site.name for site in sites)


def _laboratory(config: Config, kind: str, month: Period | None) -> list[Template]:
    """One row a sample, one column an item."""
    if kind == "lab":
        own = [site for site in config.sites if site.kind is Kind.SECTION]
    else:
        ground = kind.startswith("groundwater")
        sources = (site for site in config.sites if site.kind is Kind.SOURCE)
        own = [site for site in sources if (site.body is Body.GROUNDWATER) is ground]
    names, day = _names(own), _day(month)
    head = "断面名称" if kind == "lab" else "水源地名称"
    columns = [HEAD, Column(head, EXAMPLE[0], choices=names, width=22), Column("采样日期", day, "date")]
    columns += [Column(_item_head(item), EXAMPLE_VALUES.get(item.id, "")) for item in items_of(kind)]
    columns.append(Column("备注", "", width=20))
    return [Template(t(f"inbox.template.{kind}", config.language), columns, (), *_span(month))]


def items_of(kind: str) -> list[Parameter]:
    """The items of a laboratory template: those that are judged, then those that are only told of."""
    parameters = standards.parameters()
    day = periods.number(EXAMPLE_DAY)
    regime = standards.groundwater(day) if kind == "groundwater" else standards.water(day)
    asked = regime.sets[SETS[kind]]
    return [parameters[item] for item in dict.fromkeys((*asked.items, *asked.reference))]


def _item_head(item: Parameter) -> str:
    """An item with its unit, as laboratories head a column; without a unit the bracket says so."""
    return f"{item.name}({item.unit.partition(' or ')[0] or '无量纲'})"


def _reviewed(config: Config, kind: str, month: Period | None) -> list[Template]:
    """Hours on one sheet, days on another."""
    names = _names([site for site in config.sites if site.kind in (Kind.CITY, Kind.STATION)])
    lang, day, span = config.language, _day(month), _span(month)
    begins = [HEAD, Column("站点/城市", EXAMPLE[0], choices=names, width=22), Column("日期", day, "date")]
    marks = ("正常", "维护", "校准", "故障", "无效")
    ends = [Column("标记", "正常", choices=marks), Column("备注", "", width=20)]
    values = [Column(f"{name}({unit})", 0.6 if name == "CO" else 12) for name, unit in AIR]
    hours = [*begins, Column("小时(时段末)", 1, "hour"), *values, Column("O3(µg/m³)", 80), *ends]
    days = [*begins, *values, Column("O3_8h(µg/m³)", 90), *ends]
    return [
        Template(t("inbox.template.hours", lang), hours, (), *span),
        Template(t("inbox.template.days", lang), days, (), *span),
    ]


def _events(config: Config, kind: str, month: Period | None) -> list[Template]:
    lang, day = config.language, _day(month)
    kinds = tuple(word(one, lang) for one in EventKind)
    subjects = (t("bureau.whole", lang), *(area.name for area in config.areas), *_names(config.sites))
    columns = [
        HEAD,
        Column("类型", kinds[0], choices=kinds),
        Column("区域或点位", EXAMPLE[0], choices=tuple(dict.fromkeys(subjects)), width=22),
        Column("项目", "PM10;PM2.5", width=18),
        Column("起", day, "date"),
        Column("止", day, "date"),
        Column("认定单位", "某市生态环境局", width=20),
        Column("文号", "某环函〔2026〕1号", width=20),
        Column("备注", "", width=20),
    ]
    return [Template(t("inbox.template.events", lang), columns, (), *_span(month))]


def _intake(config: Config, kind: str, month: Period | None) -> list[Template]:
    """One row a source and month; of one month the rows are there already."""
    names = _names([site for site in config.sites if site.kind is Kind.SOURCE])
    named = month.name if month else f"{EXAMPLE_DAY:%Y-%m}"
    columns = [
        HEAD,
        Column("水源地名称", EXAMPLE[0], choices=names, width=22),
        Column("月份", named),
        Column("取水量(万m³)", "26.500", width=16),
        Column("备注", "", width=20),
    ]
    rows = [("", name, month.name) for name in names] if month else []
    return [Template(t("inbox.template.intake", config.language), columns, rows)]
