"""Spreadsheets (.xlsx) as rows of text, opened only after the file has been looked over. The only door to openpyxl.

A few kilobytes can hold a sheet that fills all memory, so sizes, the range of cells and document types are checked
first. Never here: what the columns mean.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from datetime import date, datetime, time
from typing import Any

from envmon.errors import SourceChanged
from envmon.model import Payload

MAGIC = b"PK\x03\x04"
FILE_CAP = 20 * 2**20
UNPACKED_CAP = 200 * 2**20
RATIO_CAP = 100
ENTRIES_CAP = 1000
ROWS_CAP, COLUMNS_CAP = 200_000, 256

REFERENCE = re.compile(rb'<(?:row|c)\b[^>]*?\br="([A-Z]*)(\d+)"')
UNCALCULATED = re.compile(rb"<c\b[^>]*>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
DOCTYPE = re.compile(rb"<!DOCTYPE|<!ENTITY", re.IGNORECASE)

LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')  # of a number format: text that is shown as it stands, colours, locales
MIDNIGHT = time()


def cells_of(payload: Payload) -> list[tuple[str, list[tuple[int, list[str]]]]]:
    """The name and the rows of every sheet that has any: (line, cells as text); dates as `YYYY-MM-DD HH:MM`.

    Raises SourceChanged when the file is damaged, too large, or holds formulas nobody has calculated.
    """
    try:
        _look_over(payload)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # missing styles and the like say nothing about the values
            import openpyxl

            book = openpyxl.load_workbook(io.BytesIO(payload.body), read_only=True, data_only=True)
            pages = []
            for page in book.worksheets:
                page.reset_dimensions()  # what the file claims about its size may be wrong
                rows = [[_text(cell.value, cell) for cell in row] for row in page.iter_rows()]
                found = [(line, row) for line, row in enumerate(rows, 1) if any(row)]
                if found:
                    pages.append((page.title, found))
            book.close()
            return pages
    except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError, EOFError, OSError) as error:
        raise SourceChanged("error.source.workbook.open", origin=payload.origin, reason=error) from error


def _look_over(payload: Payload) -> None:
    if len(payload.body) > FILE_CAP:
        raise SourceChanged("error.source.workbook.large", origin=payload.origin, cap=FILE_CAP)
    with zipfile.ZipFile(io.BytesIO(payload.body)) as pack:
        entries = pack.infolist()
        size = sum(entry.file_size for entry in entries)
        if len(entries) > ENTRIES_CAP or size > min(UNPACKED_CAP, RATIO_CAP * max(len(payload.body), 2**16)):
            raise SourceChanged("error.source.workbook.unpacked", origin=payload.origin, size=size)
        for entry in entries:
            if entry.filename.endswith((".xml", ".rels")):
                with pack.open(entry) as file:
                    part = file.read(entry.file_size + 1)
                _look_over_part(payload, entry.filename, part)


def _look_over_part(payload: Payload, name: str, part: bytes) -> None:
    if DOCTYPE.search(part):
        raise SourceChanged("error.source.workbook.doctype", origin=payload.origin, name=name)
    if not name.startswith("xl/worksheets/"):
        return
    for column, row in REFERENCE.findall(part):
        if int(row[:9]) > ROWS_CAP or len(row) > 9 or _column(column) > COLUMNS_CAP:
            cell = (column + row).decode()
            raise SourceChanged(
                "error.source.workbook.range", origin=payload.origin, cell=cell, rows=ROWS_CAP, columns=COLUMNS_CAP
            )
    if formula := UNCALCULATED.search(part):
        where = REFERENCE.search(formula[0])
        cell = (where[1] + where[2]).decode() if where else "?"
        raise SourceChanged("error.source.workbook.formula", origin=payload.origin, cell=cell)


def _column(letters: bytes) -> int:
    """The number of a column: A is 1, IV is 256; no letters (a row) is 0."""
    number = 0
    for letter in letters[:4]:
        number = number * 26 + letter - 64
    return number


def _text(value: Any, cell: Any) -> str:
    """A cell as text. A date cell holds a midnight; that nobody meant one shows in how the cell is formatted."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        clock = "h" in LITERAL.sub("", cell.number_format).lower()
        return value.strftime("%Y-%m-%d %H:%M" if clock or value.time() != MIDNIGHT else "%Y-%m-%d")
    if isinstance(value, date):
        return value.isoformat()
    return str(value).strip()
