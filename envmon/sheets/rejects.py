"""The rows of a file that were refused, as they stood, with the wrong cells and the reasons, to be mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envmon.sheets.book import LONGEST, made, sheet_name

WIDEST = 16_000  # columns of a sheet that are shown


@dataclass(frozen=True, slots=True)
class Returned:
    """The refused rows of one sheet: `rows` are (line, cells), `heads` the lines among them that are its header.

    cells : reason by (line, column from 1); lines : reason by line.
    """

    name: str
    rows: Sequence[tuple[int, Sequence[str]]]
    heads: frozenset[int]
    cells: Mapping[tuple[int, int], str]
    lines: Mapping[int, str]


def reject_book(pages: Sequence[Returned], heading: str) -> bytes:
    """A workbook with the same sheets, header and rows; wrong cells are red and say why, as does the last column.

    heading : of that column.
    """
    taken: set[str] = set()

    def fill(book: Any) -> None:
        red = book.add_format({"bg_color": "#FF9999", "border": 1})
        head, plain = book.add_format({"bold": True, "bg_color": "#DDDDDD"}), book.add_format({})
        why = book.add_format({"text_wrap": True, "font_color": "#AA0000"})
        for page in pages:
            _fill(book.add_worksheet(sheet_name(page.name, taken)), page, heading, (red, head, plain, why))

    return made(fill)


def _fill(target: Any, page: Returned, heading: str, formats: tuple[Any, ...]) -> None:
    red, head, plain, why = formats
    width = min(WIDEST, max((len(cells) for _, cells in page.rows), default=0))
    last_head = max(page.heads, default=-1)
    for row, (line, cells) in enumerate(page.rows):
        usual = head if line in page.heads else plain
        for column, text in enumerate(cells[:width]):
            reason = page.cells.get((line, column + 1))
            target.write_string(row, column, text[:LONGEST], red if reason else usual)
            if reason:
                target.write_comment(row, column, reason[:LONGEST])
        if line == last_head:
            target.write_string(row, width, heading, head)
        elif line in page.lines:
            target.write_string(row, width, page.lines[line][:LONGEST], why)
    target.set_column(0, max(0, width - 1), 12)
    target.set_column(width, width, 60)
    target.freeze_panes(sum(line in page.heads for line, _ in page.rows), 0)
