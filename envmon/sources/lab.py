"""Laboratory sheets: manual samples of sections and drinking-water sources, `lab_2022-07.csv` for a month, or any file.

Wide form: 类型, 名称, 采样日期, one column per item (id, Chinese name or HJ 525 code), with its unit in brackets.
Long form: 名称, 采样日期, 项目, 结果, and 单位, 检出限 where known. `0.02L`, `<0.02` and 未检出 (with a detection limit
beside it) are below detection; an empty cell and -1 mean not monitored. A sample without a time of day counts as taken
at noon. Never here: judging, and guessing what a column is: one that is not known is refused, aloud.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from envmon import periods
from envmon.http import Session
from envmon.model import Basis, Medium, Parameter, Payload, Refused, Row, Site, SourceSpec, Span
from envmon.sources.cells import Unreadable, marked, printed_time, shift_between
from envmon.sources.context import BRACKET, Context, Parsed, item_names, monthly, plain
from envmon.sources.files import Sheet, find_header, no_header, sheet
from envmon.texts import t

HEADS = {
    **dict.fromkeys(("名称", "断面名称", "点位名称", "监测点位", "水源地名称", "水源名称", "site", "name"), "name"),
    **dict.fromkeys(("采样日期", "采样时间", "监测日期", "监测时间", "日期", "date", "sampled"), "date"),
    **dict.fromkeys(("项目", "监测项目", "分析项目", "item", "parameter"), "item"),
    **dict.fromkeys(("结果", "监测结果", "监测值", "浓度", "数值", "result", "value"), "result"),
    **dict.fromkeys(("单位", "计量单位", "unit"), "unit"),
    **dict.fromkeys(("检出限", "方法检出限", "limit"), "limit"),
    **dict.fromkeys(("类型", "类别", "kind", "type"), "kind"),
}
IGNORED = frozenset(
    ["备注", "序号", "编号", "样品编号", "点位编号", "采样人", "分析人", "审核人", "监测单位", "检测单位"]
) | frozenset(["所在地", "区县", "水质类别", "评价结果", "取水量", "退回原因", "note", "remark", "no"])
"""Columns that hold no reading; plain() forms."""

SYNONYMS = {
    "高锰酸钾指数": "codmn",
    "化学需氧量": "cod",
    "生化需氧量": "bod5",
    "六价铬": "chromium_vi",
    "挥发酚": "volatile_phenol",
    "挥发性酚类": "volatile_phenol",
    "阴离子表面活性剂": "las",
    "石油类": "petroleum",
    "粪大肠菌群": "fecal_coliform",
    "硫酸盐": "sulfate",
    "氯化物": "chloride",
    "硝酸盐": "nitrate",
    "硝酸盐氮": "nitrate",
    "亚硝酸盐": "nitrite",
    "亚硝酸盐氮": "nitrite",
    "总硬度": "total_hardness",
    "溶解性总固体": "tds",
    "耗氧量": "oxygen_consumption",
}
"""Names laboratories write that the standards print otherwise."""

LIMIT_ENDINGS = ("检出限", "limit")
NOT_MONITORED = "-1"
NOON = 12


@dataclass(frozen=True, slots=True)
class Column:
    """A column (or, in the long form, an item and a unit) that is understood."""

    parameter: Parameter
    shift: int
    at: int = -1
    limit_at: int | None = None


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The sheets of the months the window touches; a month whose sheet is not there yet is no error."""
    yield from monthly(session, spec, now, "lab")


def parse(payload: Payload, context: Context) -> Parsed:
    """Samples of the configured sites, in the parameters' own units, on the manual stream.

    Raises SourceChanged when no row names a site column and a date column.
    """
    table = sheet(payload, context.lang)
    found = find_header(table, _head, ("name", "date"))
    if found is None:
        raise no_header(payload, table, "名称", "采样日期")
    at, keys = found
    line, heads = table.rows[at]
    reader = _Reader(payload, context, keys, table)
    data = table.rows[at + 1 :]
    if not table.ended and data:
        cut, cells = data.pop()
        reader.refuse(cut, t("refused.cut", context.lang), ",".join(cells))
    if {"item", "result"} <= reader.at.keys():
        reader.read_long(data)
    else:
        reader.read_wide(line, heads, data)
    return Parsed(reader.rows, reader.refused, reader.unknown)


def _head(text: str) -> str | None:
    return HEADS.get(plain(BRACKET.sub("", text.strip())))


def _names(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Every name a laboratory may use for an item of water, as `plain` forms."""
    names = item_names(parameter for parameter in parameters.values() if parameter.medium is Medium.WATER)
    for name, parameter_id in SYNONYMS.items():
        if parameter_id in parameters:
            names.setdefault(plain(name), parameters[parameter_id])
    return names


class _Reader:
    """One sheet being read: what is in it so far."""

    def __init__(self, payload: Payload, context: Context, keys: Sequence[str | None], table: Sheet) -> None:
        self.origin, self.context, self.width = payload.origin, context, len(keys)
        self.lang = context.lang
        self.at = {key: at for at, key in reversed(list(enumerate(keys))) if key}  # the first column of a name counts
        self.last = payload.taken
        self.rows: list[Row] = []
        self.refused: list[Refused] = list(table.refused)
        self.unknown: Counter[str] = Counter()
        self.names = _names(context.parameters)
        self.stream = context.stream(Span.SAMPLE, Basis.MANUAL)

    def read_wide(self, line: int, heads: Sequence[str], data: Sequence[tuple[int, list[str]]]) -> None:
        columns = list(self._columns(line, heads, data))
        for number, cells in data:
            found = self._sample(number, cells)
            if found is None:
                continue
            for column in columns:
                limit = cells[column.limit_at] if column.limit_at is not None else ""
                self._keep(number, found, column, cells[column.at], limit)

    def read_long(self, data: Sequence[tuple[int, list[str]]]) -> None:
        understood: dict[tuple[str, str], Column | str] = {}
        for number, cells in data:
            found = self._sample(number, cells)
            if found is None:
                continue
            text = {key: cells[at].strip() for key, at in self.at.items()}
            what = text["item"], text.get("unit", "")
            if what not in understood:
                understood[what] = self._item(*what)
            column = understood[what]
            if isinstance(column, str):
                self.refuse(number, column, text["result"])
            else:
                self._keep(number, found, column, text["result"], text.get("limit", ""))

    def _columns(self, line: int, heads: Sequence[str], data: Sequence[tuple[int, list[str]]]) -> Iterator[Column]:
        """The item columns of a wide sheet; one nobody knows is refused together with what it holds."""
        limits = {name: at for at, head in enumerate(heads) if (name := _limit_of(head))}
        for at, head in enumerate(heads):
            name = BRACKET.sub("", head.strip())
            if _head(head) or at in limits.values() or plain(name) in IGNORED or not head.strip():
                continue
            unit = BRACKET.search(head.strip())
            column = self._item(name, unit[1] if unit else "", head)
            if isinstance(column, str):
                values = sum(1 for _, cells in data if len(cells) > at and cells[at].strip())
                self.refuse(line, t("refused.column", self.lang, reason=column, count=values), head)
            else:
                yield Column(column.parameter, column.shift, at, limits.get(plain(name)))

    def _item(self, name: str, unit: str, head: str = "") -> Column | str:
        """The parameter and the shift of its unit, or the reason why there is none."""
        parameter = self.names.get(plain(name)) or self.names.get(plain(head))
        if parameter is None:
            return t("refused.unknown_item", self.lang, name=name)
        try:
            return Column(parameter, shift_between(unit, parameter.unit))
        except Unreadable as error:
            return t("refused.item", self.lang, item=name, reason=error.said(self.lang))

    def _sample(self, line: int, cells: Sequence[str]) -> tuple[int, int] | None:
        """(ending, site number) of a row; None when it is refused or its site is not configured."""
        if len(cells) != self.width:
            reason = t("refused.width", self.lang, found=len(cells), wanted=self.width)
            self.refuse(line, reason, ",".join(cells))
            return None
        name, printed = cells[self.at["name"]].strip(), cells[self.at["date"]].strip()
        site = self.context.site(name)
        if site is None:
            self.unknown[name] += 1
            return None
        ending = _sampled(printed)
        if ending is None:
            self.refuse(line, t("refused.date", self.lang, printed=printed), ",".join(cells))
            return None
        if periods.day_of(ending) > periods.today(self.last):
            self.refuse(line, t("refused.later", self.lang, printed=printed), ",".join(cells))
            return None
        return ending, site

    def _keep(self, line: int, sample: tuple[int, int], column: Column, text: str, limit: str) -> None:
        if text.strip() == NOT_MONITORED:
            return
        try:
            found = marked(text, column.parameter, column.shift, limit)
        except Unreadable as error:
            item = self.context.item(column.parameter)
            self.refuse(line, t("refused.item", self.lang, item=item, reason=error.said(self.lang)), text)
            return
        if found is not None:
            ending, site = sample
            self.rows.append((ending, site, column.parameter.number, self.stream, *found))

    def refuse(self, line: int, reason: str, text: str) -> None:
        self.refused.append(Refused(self.origin, line, reason, text[:200]))


def _limit_of(head: str) -> str:
    """The plain name of the item whose detection limit a column holds: `锰_检出限`, `manganese_limit`; else nothing."""
    name = plain(BRACKET.sub("", head.strip()))
    for ending in LIMIT_ENDINGS:
        if name.endswith(ending) and name != ending:
            return plain(BRACKET.sub("", name.removesuffix(ending).rstrip("_-")))
    return ""


def _sampled(printed: str) -> int | None:
    found = printed_time(printed)
    if found is None:
        return None
    at, timed = found
    return periods.minute(at if timed else at.replace(hour=NOON))
