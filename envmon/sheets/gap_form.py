"""The form in which a bureau registers missing values (缺测情况登记表): a table to print, sign and file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

WIDTHS = (18, 17, 17, 24, 8, 24, 30)  # of the columns, in characters


def write(
    path: Path, title: str, about: str, heads: Sequence[str], rows: Sequence[Sequence[object]], signed: Sequence[str]
) -> None:
    """Write the form as a workbook of one A4 sheet across.

    about : a line under the title; signed : the lines below the table, each to be filled in by hand.
    Texts are entered as texts: none becomes a formula or a link. Raises OSError when it cannot be written.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    book = Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    sheet = book.add_worksheet(title[:31])
    frame = {"border": 1, "text_wrap": True, "valign": "vcenter", "font_size": 10}
    body, head = (
        book.add_format(frame),
        book.add_format({**frame, "bold": True, "align": "center", "bg_color": "#EDEDED"}),
    )
    sheet.merge_range(
        0, 0, 0, len(heads) - 1, title, book.add_format({"bold": True, "font_size": 16, "align": "center"})
    )
    sheet.merge_range(1, 0, 1, len(heads) - 1, about, book.add_format({"font_size": 10}))
    for column, (name, width) in enumerate(zip(heads, WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(2, column, name, head)
    for at, row in enumerate(rows, 3):
        for column, value in enumerate(row):
            if isinstance(value, int | float):
                sheet.write_number(at, column, value, body)
            else:
                sheet.write_string(at, column, str(value), body)
    for at, line in enumerate(signed, len(rows) + 4):
        sheet.write_string(at, 0, line)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(2)
    sheet.freeze_panes(3, 0)
    sheet.set_footer("&C&P / &N")
    try:
        book.close()
    except FileCreateError as error:
        cause = error.args[0] if error.args else error
        raise cause if isinstance(cause, OSError) else OSError(str(error)) from error
