"""Sites and the sampling plan from a CSV: one row a table, columns as its keys; other columns of a site are attributes.

Written in a spreadsheet: UTF-8 or GB 18030, Chinese or English column names. Never here: what the values may be
(`schema`), whether the area or the site exists (`checks`).
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from envmon.config.mistakes import Decimals
from envmon.config.schema import PlanTable, SiteTable, keys
from envmon.texts import t

COLUMNS = {
    "编号": "id",
    "名称": "name",
    "类型": "kind",
    "区域": "area",
    "代码": "code",
    "别名": "aliases",
    "水体类型": "body",
    "目标类别": "target_class",
    "取水量": "intake",
    "参与统计": "counted",
    "点位类型": "type",
    "启用日期": "opened",
    "停用日期": "closed",
    "湖库": "lake",
    "点位": "point",
}
PLAN_COLUMNS = {
    "点位": "site",
    "项目": "items",
    "频次": "every",
    "月份": "months",
    "天数": "within",
    "开始日期": "from",
    "结束日期": "to",
    "备注": "note",
}
FLAGS = {"true": True, "yes": True, "1": True, "是": True, "false": False, "no": False, "0": False, "否": False}
ENCODINGS = ("utf-8", "gb18030")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a CSV may hold: Chinese names of columns, the keys, those that must be there, and the text that lists them.

    others : whether further columns are attributes; where they are not, they are mistakes.
    """

    columns: Mapping[str, str]
    fields: tuple[str, ...]
    needed: tuple[str, ...]
    header: str
    others: bool

    def allowed(self, lang: str) -> str:
        return t(self.header, lang, words=" ".join(self.fields))


SHEETS = {
    "sites": Sheet(
        COLUMNS,
        tuple(key for key in keys(SiteTable) if key != "attributes"),
        ("id", "name", "kind", "area"),
        "config.csv.header",
        others=True,
    ),
    "plan": Sheet(
        PLAN_COLUMNS, tuple(keys(PlanTable)), ("site", "items", "every"), "config.csv.plan_header", others=False
    ),
}

Tell = Callable[[int, str, str, str, str], None]
"""(line, column, found, allowed, suggestion)"""


def rows(text: str, sheet: Sheet, tell: Tell, lang: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row of a CSV as (line, raw table in the form of `[[sites]]`); rows that cannot be read are told.

    Empty rows and rows whose first cell begins with # are passed over. An empty cell is a key not written.
    """
    lines = _lines(text, tell, lang)
    head = next(lines, None)
    if head is None:
        return tell(0, "", t("config.file.empty", lang), sheet.allowed(lang), "")
    names = _names(head, sheet, tell, lang)
    if names is None:
        return None
    for line, cells in lines:
        if len(cells) != len(names) and any(cells[len(names) :] or [len(cells) < len(names)]):
            found = t("config.csv.cells", lang, count=len(cells))
            tell(line, "", found, t("config.csv.cells.allowed", lang, count=len(names)), "")
        else:
            yield line, _table(names, cells, sheet)


def _lines(text: str, tell: Tell, lang: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that say something, with the line each begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            return tell(begins, "", t("config.csv.broken", lang, reason=error), t("config.csv.broken.cure", lang), "")
        if any(cells) and not cells[0].startswith("#"):
            yield begins, cells


def _names(head: tuple[int, list[str]], sheet: Sheet, tell: Tell, lang: str) -> list[str] | None:
    """The keys the columns stand for, or None when the header cannot be used; misspelt columns are told."""
    line, cells = head
    names = [sheet.columns.get(cell, cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    allowed = sheet.allowed(lang)
    good = True
    for position, name in enumerate(names):
        if not name or name in names[:position]:
            good = False
            tell(line, name, t("config.csv.column_twice" if name else "config.csv.column_unnamed", lang), allowed, "")
        elif name not in sheet.fields and (meant := _meant(name, names, sheet)):
            tell(line, name, t("config.csv.column_near", lang), allowed, meant)
            names[position] = meant
        elif name not in sheet.fields and not sheet.others:
            tell(line, name, t("config.csv.column_unknown", lang), allowed, "")
    for field in sheet.needed:
        if field not in names:
            good = False
            tell(line, field, t("config.csv.column_missing", lang), allowed, "")
    return names if good else None


def _meant(name: str, names: list[str], sheet: Sheet) -> str:
    """The key a column's name is a slip of (`alias`, `TargetClass`), or nothing (`county` is not `counted`)."""
    letters = re.sub(r"[^a-z]", "", name.lower())
    free = {re.sub(r"[^a-z]", "", field): field for field in sheet.fields if field not in names}
    found = difflib.get_close_matches(letters, list(free), n=1, cutoff=0.8)
    return free[found[0]] if found else ""


def _table(names: list[str], cells: list[str], sheet: Sheet) -> dict[str, Any]:
    """One row in the form a table of the config has after reading."""
    table: dict[str, Any] = {}
    attributes: dict[str, str] = {}
    for name, cell in zip(names, cells, strict=False):
        if not cell:
            continue
        if name not in sheet.fields:
            attributes[name] = cell
        elif name == "aliases":
            table[name] = [alias.strip() for alias in re.split(r"[;；|]", cell) if alias.strip()]
        elif name == "counted":
            table[name] = FLAGS.get(cell.lower(), cell)
        elif name == "intake":
            table[name] = Decimals(cell)
        else:
            table[name] = cell
    if attributes and sheet.others:
        table["attributes"] = attributes
    return table
