"""What goes back to whoever handed a file in: its refused rows, sheet by sheet, with the header they need to be read.

Never here: why a row is refused (`sources`), the form of the workbook (`sheets`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from envmon import standards
from envmon.errors import SourceChanged
from envmon.model import Payload, Refused
from envmon.sheets.rejects import Returned, reject_book
from envmon.sources.files import Sheet, sheets
from envmon.sources.forms import header_line
from envmon.texts import joined, t

MOST = 20_000  # refused rows that go back; of more the list is in `envmon rejects`
VALUE = re.compile("[<＜+-]?[0-9０-９]")
CELLS = 500_000  # of one sheet that goes back
LARGEST = 50 * 2**20  # bytes of a file whose rows are looked up


def returned_book(payload: Payload, refused: Sequence[Refused], lang: str) -> bytes:
    """The reject workbook of a file; where it has no rows to show (JSON), the reasons alone."""
    pages = _pages(payload, refused[:MOST], lang)
    heading = t("inbox.reject.reason", lang)
    shown = [replace(page, rows=page.rows[: _most(page)]) for page in pages]
    if shown != pages or len(refused) > MOST:
        count = max(len(page.rows) - len(page.heads) for page in shown)
        heading = t("inbox.reject.more", lang, reason=heading, count=count)
    return reject_book(shown, heading)


def _most(page: Returned) -> int:
    """How many rows of a sheet go back: a workbook of millions of cells would take all memory."""
    return len(page.heads) + max(1, CELLS // max(1, *(len(cells) for _, cells in page.rows[:100])))


def _pages(payload: Payload, refused: Sequence[Refused], lang: str) -> list[Returned]:
    try:
        tables = sheets(payload, lang) if len(payload.body) <= LARGEST else []
    except SourceChanged:
        tables = []
    by_sheet: dict[str, list[Refused]] = defaultdict(list)
    for one in refused:
        by_sheet[one.sheet].append(one)
    found, lost = [], []
    for table in tables:
        own = by_sheet.pop(table.name, []) + by_sheet.pop("", [])  # without a name it is the first sheet
        shown = [line for line, _ in table.rows]
        lost += [one for one in own if one.line not in shown]
        if rest := [one for one in own if one.line in shown]:
            found.append(_page(table, rest, lang))
    if left := [*lost, *(one for rows in by_sheet.values() for one in rows)]:
        found.append(_reasons(left, lang))
    return found


def _page(table: Sheet, refused: Sequence[Refused], lang: str) -> Returned:
    by_line: dict[int, list[Refused]] = defaultdict(list)
    for one in refused:
        by_line[one.line].append(one)
    heads = _heads(table, by_line)
    cells: dict[tuple[int, int], str] = {}
    wanted, whole = set(heads) | set(by_line), set()
    for line, row in table.rows:
        for one in by_line.get(line, []):
            column = one.column or _column(row, one.text)
            if column:
                cells[line, column] = joined("semicolon", lang, filter(None, (cells.get((line, column)), one.reason)))
            if column and line in heads:
                whole.add(column)  # a column nobody knows: what stands in it must come again
    wanted |= {line for line, row in table.rows for at in whole if at <= len(row) and row[at - 1].strip()}
    reasons = {
        line: joined("semicolon", lang, dict.fromkeys(one.reason for one in own)) for line, own in by_line.items()
    }
    merged = [area for area in table.merged if heads.issuperset({area[0], area[2]})]
    return Returned(table.name or "1", [row for row in table.rows if row[0] in wanted], heads, cells, reasons, merged)


def _heads(table: Sheet, by_line: dict[int, list[Refused]]) -> frozenset[int]:
    """The lines of the header: all down to the row that names the columns, and a row of units below it."""
    last = header_line(table, standards.parameters())
    heads = [line for line, _ in table.rows if line <= last] or [table.rows[0][0]]
    for line, cells in table.rows[len(heads) :]:
        if line in by_line or any(VALUE.match(cell.strip()) for cell in cells):
            break
        heads.append(line)
    return frozenset(heads)


def _column(cells: Sequence[str], text: str) -> int:
    """The column, from 1, of the one cell that says just this; 0 when there is none, or several."""
    same = [at for at, cell in enumerate(cells, 1) if cell.strip() == text.strip()]
    return same[0] if text.strip() and len(same) == 1 else 0


def _reasons(refused: Sequence[Refused], lang: str) -> Returned:
    """The reasons alone, one row each, for what has no row of its own."""
    names = ("sheet", "line", "column", "text")
    rows: list[tuple[int, Sequence[str]]] = [(0, [t(f"inbox.reject.{name}", lang) for name in names])]
    rows += [(at, [one.sheet, str(one.line), str(one.column or ""), one.text]) for at, one in enumerate(refused, 1)]
    return Returned(
        t("inbox.reject.list", lang), rows, frozenset([0]), {}, dict(enumerate((r.reason for r in refused), 1))
    )
