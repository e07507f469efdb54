"""The rows of a file that were refused, as they stood, with the wrong cells and the reasons, to be mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envmon.sheets.book import LONGEST, made, sheet_name

WIDEST = 16_000  # columns of a sheet that are shown
LOOKED_AT = 200  # rows by which a column's width is chosen


@dataclass(frozen=True, slots=True)
class Returned:
    """The refused rows of one sheet: `rows` are (line, cells), `heads` the lines among them that are its header.

    cells : reason by (line, column from 1); lines : reason by line; merged : (top, left, bottom, right) of areas of the
    header, each of whose cells says the same.
    """

    name: str
    rows: Sequence[tuple[int, Sequence[str]]]
    heads: frozenset[int]
    cells: Mapping[tuple[int, int], str]
    lines: Mapping[int, str]
    merged: Sequence[tuple[int, int, int, int]] = ()


def reject_book(pages: Sequence[Returned], heading: str) -> bytes:
    """A workbook with the same sheets, header and rows; wrong cells are red and say why, as does the last column.

    heading : of that column.
    """
    taken: set[str] = set()

    def fill(book: Any) -> None:
        red = book.add_format({"bg_color": "#FF9999", "border": 1})
        head = book.add_format({"bold": True, "bg_color": "#DDDDDD", "text_wrap": True, "valign": "vcenter"})
        title, plain = book.add_format({"bold": True}), book.add_format({})
        why = book.add_format({"text_wrap": True, "font_color": "#AA0000"})
        for page in pages:
            _fill(book.add_worksheet(sheet_name(page.name, taken)), page, heading, (red, head, title, plain, why))

    return made(fill)


def _fill(target: Any, page: Returned, heading: str, formats: tuple[Any, ...]) -> None:
    red, head, title, plain, why = formats
    width = min(WIDEST, max((len(cells) for _, cells in page.rows), default=0))
    last_head = max(page.heads, default=-1)
    for row, (line, cells) in enumerate(page.rows):
        usual = plain if line not in page.heads else head if len(set(filter(None, cells))) > 1 else title
        for column, text in enumerate(cells[:width]):
            reason = page.cells.get((line, column + 1))
            target.write_string(row, column, text[:LONGEST], red if reason else usual)
            if reason:
                target.write_comment(row, column, reason[:LONGEST], {"x_scale": 2, "y_scale": 1 + len(reason) // 80})
        if line == last_head:
            target.write_string(row, width, heading, head)
        elif line in page.lines:
            target.write_string(row, width, page.lines[line][:LONGEST], why)
    for first, last, left, right in _merges(page, width):
        target.merge_range(first, left, last, right, page.rows[first][1][left][:LONGEST], head)
    for column, wide in enumerate(_widths(page, width)):
        target.set_column(column, column, wide)
    target.set_column(width, width, 60)
    target.freeze_panes(sum(line in page.heads for line, _ in page.rows), 0)


def _widths(page: Returned, width: int) -> list[int]:
    """Of each column so many characters that a name or a date is seen whole; a Chinese one takes two."""
    widths = [10] * width
    for line, cells in page.rows[:LOOKED_AT]:
        for at, text in enumerate(cells[:width]):
            if line not in page.heads:
                widths[at] = max(widths[at], min(30, 2 + sum(1 + (letter > "\u2000") for letter in text[:30])))
    return widths


def _merges(page: Returned, width: int) -> Iterator[tuple[int, int, int, int]]:
    """(first row, last row, first column, last column), from 0, of what was one cell in the header; none meets another,
    as they may in a damaged file."""
    taken: set[tuple[int, int]] = set()
    for top, left, bottom, right in page.merged:
        rows = [row for row, (line, _) in enumerate(page.rows) if top <= line <= bottom and line in page.heads]
        cells = {(row, column) for row in rows for column in range(left - 1, right)}
        if len(cells) > 1 and right <= width and taken.isdisjoint(cells):
            taken |= cells
            yield rows[0], rows[-1], left - 1, right - 1
