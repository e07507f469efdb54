"""The form in which a bureau registers missing values (缺测情况登记表): a table to print, sign and file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envmon.sheets.book import LONGEST, made, sheet_name

WIDTHS = (18, 17, 17, 24, 8, 24, 30)  # of the columns, in characters


def write(
    path: Path, title: str, about: str, heads: Sequence[str], rows: Sequence[Sequence[object]], signed: Sequence[str]
) -> None:
    """Write the form as a workbook of one A4 sheet across.

    about : a line under the title; signed : the lines below the table, each to be filled in by hand.
    Raises OSError when it cannot be written.
    """

    def fill(book: Any) -> None:
        sheet = book.add_worksheet(sheet_name(title, set()))
        frame = {"border": 1, "text_wrap": True, "valign": "vcenter", "font_size": 10}
        head = book.add_format({**frame, "bold": True, "align": "center", "bg_color": "#EDEDED"})
        large, small = {"bold": True, "font_size": 16, "align": "center"}, {"font_size": 10}
        for line, (text, form) in enumerate(((title, large), (about, small))):
            sheet.merge_range(line, 0, line, len(heads) - 1, text, book.add_format(form))
        for column, (name, width) in enumerate(zip(heads, WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(2, column, name, head)
        _table(sheet, rows, book.add_format(frame))
        for at, to_sign in enumerate(signed, len(rows) + 4):
            sheet.write_string(at, 0, to_sign)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(2)
        sheet.freeze_panes(3, 0)
        sheet.set_footer("&C&P / &N")

    path.write_bytes(made(fill))


def _table(sheet: Any, rows: Sequence[Sequence[object]], body: Any) -> None:
    for at, row in enumerate(rows, 3):
        for column, value in enumerate(row):
            if isinstance(value, int | float):
                sheet.write_number(at, column, value, body)
            else:
                sheet.write_string(at, column, str(value)[:LONGEST], body)
