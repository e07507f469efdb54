"""Templates: a sheet with its header, choices, checks of dates and one example row, and a sheet that explains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from envmon.sheets.book import made, sheet_name

ROWS = 200_000  # to which the choices and checks reach: hours of a month of many stations
KEPT = 3  # columns that stay in sight: number, site, date
PAGE = 16  # columns that are still legible on one page across
LISTS_AT = 3  # column of the sheet of notes where the choices begin


@dataclass(frozen=True, slots=True)
class Column:
    """One column. example : what the example row says there; choices : of a drop-down; strict : nothing else may stand.

    kind : `text`, `date`, `hour` (0 to 24) or `number`.
    """

    head: str
    example: str | float | date = ""
    kind: str = "text"
    choices: tuple[str, ...] = ()
    strict: bool = True
    width: int = 12


@dataclass(frozen=True, slots=True)
class Template:
    """One sheet to fill in. rows : what stands there already; first, last : the days a date may have."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]] = ()
    first: date = date(2000, 1, 1)
    last: date = date(2099, 12, 31)


def template_book(pages: Sequence[Template], notes: Sequence[str], words: Mapping[str, str]) -> bytes:
    """The workbook of some templates.

    words : `notes`, the name of the sheet of notes, and `date`, `hour`, `choice`: what a wrong cell is told.
    """

    def fill(book: Any) -> None:
        taken: set[str] = {words["notes"].casefold()}
        sheets = [(book.add_worksheet(sheet_name(page.name, taken)), page) for page in pages]
        explained = book.add_worksheet(words["notes"])
        explained.set_column(0, 0, 100)
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        for row, note in enumerate(notes):
            explained.write_string(row, 0, note, wrapped)
        lists: dict[tuple[str, ...], str] = {}
        for target, page in sheets:
            for column in page.columns:
                if column.choices and column.choices not in lists:
                    lists[column.choices] = _list(explained, words["notes"], column, LISTS_AT + len(lists))
            _fill(book, target, page, words, lists)

    return made(fill)


def _list(target: Any, name: str, column: Column, at: int) -> str:
    """Write the choices of a column among the notes; the formula of where they stand."""
    from xlsxwriter.utility import xl_range_abs

    target.write_string(0, at, column.head)
    for row, choice in enumerate(column.choices, 1):
        target.write_string(row, at, choice)
    target.set_column(at, at, 24)
    return f"='{name}'!{xl_range_abs(1, at, len(column.choices), at)}"


def _fill(book: Any, target: Any, page: Template, words: Mapping[str, str], lists: Mapping[Any, str]) -> None:
    head = book.add_format({"bold": True, "bg_color": "#D9E8F5", "border": 1, "text_wrap": True, "valign": "vcenter"})
    grey = {"italic": True, "font_color": "#808080", "bg_color": "#F2F2F2"}
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    example, example_day = book.add_format(grey), book.add_format(grey | {"num_format": "yyyy-mm-dd"})
    for at, column in enumerate(page.columns):
        target.set_column(at, at, column.width, day if column.kind == "date" else None)
        target.write_string(0, at, column.head, head)
        if isinstance(column.example, date):
            target.write_datetime(1, at, datetime(*column.example.timetuple()[:3]), example_day)
        elif isinstance(column.example, str):
            target.write_string(1, at, column.example, example)
        else:
            target.write_number(1, at, column.example, example)
        if check := _check(column, page, words, lists):
            target.data_validation(1, at, ROWS, at, check)
    for row, cells in enumerate(page.rows, 2):
        for at, text in enumerate(cells):
            if text:
                target.write_string(row, at, text)
    target.freeze_panes(1, KEPT)
    target.set_landscape()
    target.set_paper(9)
    target.repeat_rows(0)
    if len(page.columns) <= PAGE:
        target.fit_to_pages(1, 0)
    else:
        target.repeat_columns(0, KEPT - 1)


def _check(column: Column, page: Template, words: Mapping[str, str], lists: Mapping[Any, str]) -> dict[str, Any] | None:
    if column.choices:
        told = {"error_title": column.head[:32], "error_message": words["choice"]}
        return {"validate": "list", "source": lists[column.choices], "show_error": column.strict, **told}
    if column.kind == "date":
        told = {"error_message": words["date"].format(first=page.first, last=page.last)}
        return {"validate": "date", "criteria": "between", "minimum": page.first, "maximum": page.last, **told}
    if column.kind == "hour":
        return {
            "validate": "integer",
            "criteria": "between",
            "minimum": 0,
            "maximum": 24,
            "error_message": words["hour"],
        }
    return None
