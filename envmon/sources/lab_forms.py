"""Where in a sheet of a laboratory the samples stand: its header of one or more rows, its turn, what its title tells.

Pure: a sheet in, a `Form` out. Never here: sites, values, refusals; and guessing where two readings are possible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath

from envmon.sources.cells import CENSORED, MISSING, NOT_FOUND, WIDE, is_unit, printed_time, tidy
from envmon.sources.context import BRACKET, plain
from envmon.sources.files import Sheet
from envmon.sources.heads import LIMIT_WORDS, LONGEST, RESULT_WORDS, UNIT_WORDS, Items, folded

SITE_WORDS = (
    *("名称", "断面名称", "断面", "点位名称", "点位", "监测点位", "监测点", "监测断面", "采样点", "采样点位"),
    *("采样地点", "水源地名称", "水源地", "水源名称", "测点名称", "站点名称", "site", "name"),
)
HEADS = {
    **dict.fromkeys(SITE_WORDS, "name"),
    **dict.fromkeys(("采样日期", "采样时间", "监测日期", "监测时间", "日期", "date", "sampled"), "date"),
    **dict.fromkeys(("项目", "监测项目", "分析项目", "检测项目", "指标", "监测指标", "item", "parameter"), "item"),
    **dict.fromkeys((*RESULT_WORDS, "数值", "value"), "result"),
    **dict.fromkeys(UNIT_WORDS, "unit"),
    **dict.fromkeys(LIMIT_WORDS, "limit"),
    **dict.fromkeys(("类型", "类别", "kind", "type"), "kind"),
}
NO_READING = """
    备注 序号 编号 样品编号 点位编号 断面编号 断面代码 站点编码 点位代码 采样人 分析人 审核人 监测单位 检测单位
    委托单位 所在地 省份 城市 地市 区县 县区 乡镇 行政区 河流 河流名称 湖库名称 水体 水体名称 所在水体 所属河流 流域
    水系 经度 纬度 水质类别 评价结果 达标情况 是否达标 超标项目 主要污染物 水质目标 目标类别 取水量 样品状态
    样品性状 天气 水期 分析日期 检测日期 报告日期 报告编号 分析方法 检测方法 监测方法 方法依据 标准限值 标准值 限值
    退回原因 no note remark
"""
IGNORED = frozenset(NO_READING.split())
"""Columns that hold no reading; plain() forms."""

NO_SAMPLE = """
    平均值 平均 均值 最大值 最小值 最大 最小 中位数 合计 总计 样品数 样本数 检出率 超标率 达标率 超标倍数
    最大超标倍数 标准限值 标准值 标准 限值 评价标准 执行标准 达标情况 评价结果 水质类别 是否达标
"""
SUMMARIES = frozenset(NO_SAMPLE.split())
"""Rows below or above the samples that are none; plain() forms."""

NOTE = re.compile(
    r"(备注|注|说明|附注|附|声明|审核|审定|校核|校对|复核|批准|签发|编制|制表|填表|填报|监测|检测|分析|采样|报告|负责|联系|电话|以下空白)"
    r"(人|人员|单位|日期|时间|说明|电话|方式|者|负责人)?\d*\s*(:|\Z)"
)
HEADER_ROWS = 20
"""How far down a header is looked for."""

DATE = r"20\d\d\s*+[年./-]\s*+\d{1,2}+\s*+[月./-]\s*+\d{1,2}+\s*+日?+"
SAMPLED = re.compile(rf"(?:采样|监测|取样)(?:日期|时间)[:|\s]*({DATE})(?!\s*+[-~至—\d])")
TITLED = re.compile(rf"({DATE})(?!\s*+[-~至—\d])")
YEAR = re.compile(r"(20\d\d)\s*年")
FILE_YEAR = re.compile(r"(?<!\d)(20\d\d)")

Line = tuple[int, list[str]]
Known = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Form:
    """How a sheet is laid out.

    line, heads : of the header's last row, and what it says in one row; at : what a column is for -> its place
    data : the rows below the header; limits : detection limits in a row of their own, by column
    clock_at : where the time of day stands; year : of dates without one; day : the one date the title gives
    sites : of a turned sheet, the columns that are samples; dates : by column, when each was taken
    """

    line: int
    heads: list[str]
    at: dict[str, int]
    data: list[Line]
    limits: list[str] = field(default_factory=list)
    clock_at: int | None = None
    year: int | None = None
    day: str = ""
    sites: list[int] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)


def key_of(head: str) -> str | None:
    """What a column is for, by its head; None when it holds an item or nothing."""
    return HEADS.get(plain(BRACKET.sub("", head.strip()))) if len(head) <= LONGEST else None


def form_of(table: Sheet, items: Items, origin: str) -> Form | None:
    """How the sheet is laid out; None when no row of the first ones is a header that can be told surely."""
    return _upright(table, items, origin) or _turned(table, items, origin)


def _known(items: Items) -> Known:
    """Whether a head names an item, looked up once each."""
    return cache(lambda head: bool(head) and items.find(head)[0] is not None)


def _upright(table: Sheet, items: Items, origin: str) -> Form | None:
    known = _known(items)
    rows = [cells for _, cells in table.rows[: HEADER_ROWS + 3]]
    for wanted in ({"name", "date"}, {"name"}):
        for depth in (1, 2, 3):
            for start in range(min(len(rows), HEADER_ROWS)):
                heads = folded(rows[start : start + depth], known)
                keys = [key_of(head) for head in heads]
                if not wanted <= set(keys) or start + depth > len(rows):
                    continue
                year, day = _told_above(table, origin, start)
                if "date" not in keys and not (day and ("result" in keys or sum(map(known, heads)) > 1)):
                    continue
                return _below(table, known, start, start + depth, year, day)
    return None


def _below(table: Sheet, known: Known, start: int, end: int, year: int | None, day: str) -> Form:
    """The form of a sheet whose site and date heads stand in the rows from `start` to before `end`."""
    rows = [cells for _, cells in table.rows[: end + 2]]
    if start and any(
        known(above) and plain(below) in RESULT_WORDS | LIMIT_WORDS
        for above, below in zip(rows[start - 1], rows[start], strict=False)
    ):
        start -= 1  # items above a row of `结果` and `检出限`
    while end < len(rows) and end - start < 4 and _continues(rows[end], rows[start:end], known):
        end += 1
    heads = folded(rows[start:end], known)
    keys = [key_of(head) for head in heads]
    at = {key: place for place, key in reversed(list(enumerate(keys))) if key}  # the first column of a name counts
    dates = [place for place, key in enumerate(keys) if key == "date"]
    dates.sort(key=lambda place: "日期" not in heads[place])
    if dates:
        at["date"] = dates[0]
    data: list[Line] = []
    limits: list[str] = []
    for line, cells in table.rows[end:]:
        if not limits and "item" not in at and _label(cells, at["name"]) & LIMIT_WORDS:
            limits = cells
        else:
            data.append((line, cells))
    clock_at = dates[1] if len(dates) > 1 else None
    return Form(table.rows[end - 1][0], heads, at, data, limits, clock_at, year, day)


def _continues(cells: Sequence[str], above: Sequence[Sequence[str]], known: Known) -> bool:
    """Whether a row still belongs to the header: it has units or names of items, and neither a sample nor a value."""
    fresh, understood = 0, 0
    for at, text in enumerate(map(tidy, cells)):
        heads = [row[at].strip() for row in above if at < len(row)]
        if not text or text in map(tidy, heads):
            continue
        said = is_unit(text.strip("()")) or plain(text) in RESULT_WORDS | LIMIT_WORDS or known(text)
        if any(key_of(head) in ("name", "date") for head in heads) and key_of(text) != "unit":
            return False
        if is_value(text) and not said and text.upper() not in MISSING:
            return False
        fresh, understood = fresh + 1, understood + said
    return understood > 0 and 2 * understood >= fresh


def is_value(text: str) -> bool:
    """Whether a cell says a number, or that something was not found."""
    text = tidy(text)
    return text.upper() in NOT_FOUND or bool(CENSORED.match(text)) or bool(re.match(r"[+-]?\.?\d[\d.,eE+-]*\Z", text))


def holds_values(table: Sheet) -> bool:
    """Whether anything in a sheet could be a result; a cover and a page of notes hold nothing of the kind."""
    return sum(is_value(text) for _, cells in table.rows for text in cells) > 2


def _label(cells: Sequence[str], *places: int) -> set[str]:
    """What a row says of itself: its first words and those where a site would stand; plain() forms."""
    first = next((text for text in cells if text.strip()), "")
    return {plain(text).rstrip(":") for text in (first, *(cells[at] for at in places if at < len(cells)))}


def is_sample(cells: Sequence[str], form: Form) -> bool:
    """Whether a row below the header holds a sample: no note, signature, statistic, limit, or the header once more."""
    filled = [text.strip() for text in cells if text.strip()]
    if len(set(filled)) < 2 or NOTE.match(filled[0].translate(WIDE)):
        return False
    place = form.at["name"]
    if _label(cells, place) & SUMMARIES:
        return False
    return place >= len(cells) or key_of(cells[place]) != "name"


def _told_above(table: Sheet, origin: str, start: int) -> tuple[int | None, str]:
    """(the one year, the one day of sampling) that the title, the sheet's name or the file's name gives."""
    above = ["|".join(dict.fromkeys(cells)).translate(WIDE) for _, cells in table.rows[:start]]
    days = {found for text in above for found in SAMPLED.findall(text)}
    days = days or {found for text in above if ":" not in text for found in TITLED.findall(text)}
    days = {day for day in days if printed_time(day)}
    for texts, pattern in (([*above, table.name], YEAR), ([PurePath(origin).name], FILE_YEAR)):
        years = {int(year) for text in texts for year in pattern.findall(text)}
        if years:
            break
    return (years.pop() if len(years) == 1 else None), (days.pop() if len(days) == 1 else "")


def _turned(table: Sheet, items: Items, origin: str) -> Form | None:
    """A sheet with its items down and its samples across."""
    known = _known(items)
    rows = [cells for _, cells in table.rows]
    for start, cells in enumerate(rows[:HEADER_ROWS]):
        for place, text in enumerate(cells[:4]):
            below = [row[place] for row in rows[start + 1 : start + 31] if place < len(row)]
            parts = {key_of(part) for part in re.split(r"[\\/、]", text.translate(WIDE))}
            named = parts & {"item", "name"} and "result" not in map(key_of, cells)
            if named and sum(map(known, below)) > ("item" not in parts):
                return _across(table, start, place, origin)
    return None


def _across(table: Sheet, start: int, place: int, origin: str) -> Form | None:
    line, heads = table.rows[start]
    keys = [key_of(head) for head in heads]
    at = {key: where for where, key in reversed(list(enumerate(keys))) if key} | {"item": place}
    sites = [
        where
        for where, head in enumerate(heads)
        if where > place and head.strip() and not keys[where] and plain(head) not in IGNORED | SUMMARIES
    ]
    year, day = _told_above(table, origin, start)
    dates: list[str] = []
    data: list[Line] = []
    for row_line, cells in table.rows[max(start - 2, 0) :]:
        filled = [cells[where] for where in sites if where < len(cells) and cells[where].strip()]
        named = {key_of(text) for text in cells[: sites[0] if sites else 0]}
        if not dates and filled and ("date" in named or all(printed_time(text, year) for text in filled)):
            dates = cells
        elif row_line > line:
            data.append((row_line, cells))
    dates = dates or [day] * len(heads) * bool(day)
    return Form(line, heads, at, data, year=year, day=day, sites=sites, dates=dates) if sites and dates else None
