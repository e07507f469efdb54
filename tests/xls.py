"""A small writer of .xls (BIFF8 in an OLE file) and .ods, to test their reading: nothing we use can write them.

After [MS-XLS] 2.4 (records) and [MS-CFB] 2.2-2.6 (sectors, directory).
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from xml.sax.saxutils import escape

ERRORS = {"#DIV/0!": 0x07, "#VALUE!": 0x0F, "#REF!": 0x17, "#N/A": 0x2A}
Cell = str | float | date | None


class XlsSheet(NamedTuple):
    rows: Sequence[Sequence[Cell]]
    merged: Sequence[tuple[int, int, int, int]] = ()  # top, left, bottom, right from 0
    hidden: bool = False


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _bof(kind: int) -> bytes:
    return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))


def _words(text: str, head: str) -> bytes:
    """cch, flags (1: two bytes a letter), letters."""
    return struct.pack(head, len(text), 1) + text.encode("utf-16-le")


def _sheet(page: XlsSheet, strings: dict[str, int], since_1904: bool) -> bytes:
    width = max(map(len, page.rows), default=0)
    out = _bof(0x0010) + record(0x0200, struct.pack("<IIHHH", 0, len(page.rows), 0, width, 0))
    for line, cells in enumerate(page.rows):
        for at, value in enumerate(cells):
            if isinstance(value, str) and value in ERRORS:
                out += record(0x0205, struct.pack("<HHHBB", line, at, 0, ERRORS[value], 1))
            elif isinstance(value, str) and value.startswith("=") and value[1:] in ERRORS:  # its formula failed
                result = struct.pack("<BxBxxxH", 2, ERRORS[value[1:]], 0xFFFF)
                formula = struct.pack("<HHH8sHIH", line, at, 0, result, 0, 0, 3) + b"\x1e\x01\x00"
                out += record(0x0006, formula)
            elif isinstance(value, str):
                out += record(0x00FD, struct.pack("<HHHI", line, at, 0, strings.setdefault(value, len(strings))))
            elif isinstance(value, date):
                serial = (value - (date(1904, 1, 1) if since_1904 else date(1899, 12, 30))).days
                out += record(0x0203, struct.pack("<HHHd", line, at, 1, serial))
            elif value is not None:
                out += record(0x0203, struct.pack("<HHHd", line, at, 0, value))
    if page.merged:
        areas = b"".join(struct.pack("<HHHH", top, bottom, left, right) for top, left, bottom, right in page.merged)
        out += record(0x00E5, struct.pack("<H", len(page.merged)) + areas)
    return out + record(0x000A, b"")


def xls(sheets: Mapping[str, XlsSheet], since_1904: bool = False, more: bytes = b"") -> bytes:
    """An .xls; `more`: further records of the workbook, after its first."""
    strings: dict[str, int] = {}
    pages = [_sheet(page, strings, since_1904) for page in sheets.values()]
    xfs = b"".join(record(0x00E0, struct.pack("<HH16x", 0, ifmt)) for ifmt in (0, 14))
    head = _bof(0x0005) + more + record(0x0042, struct.pack("<H", 1200)) + record(0x0022, struct.pack("<H", since_1904))
    head += xfs
    texts = b"".join(_words(text, "<HB") for text in strings)
    tail = record(0x00FC, struct.pack("<II", len(strings), len(strings)) + texts) + record(0x000A, b"")
    size = sum(4 + 6 + 2 + 2 * len(name) for name in sheets)
    at, bound = len(head) + size + len(tail), b""
    for (name, page), body in zip(sheets.items(), pages, strict=True):
        bound += record(0x0085, struct.pack("<IBB", at, page.hidden, 0) + _words(name, "<BB"))
        at += len(body)
    return ole({"Workbook": head + bound + tail + b"".join(pages)})


def ole(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of streams, each made long enough not to need small sectors."""
    sectors, fat, entries = b"", [], []
    for name, body in streams.items():
        body = body.ljust(4096, b"\0")
        count = -(-len(body) // 512)
        entries.append((name, 2, len(fat), len(body)))
        fat += [*range(len(fat) + 1, len(fat) + count), 0xFFFFFFFE]
        sectors += body.ljust(count * 512, b"\0")
    directory = b""
    none = 0xFFFFFFFF
    for at, (name, kind, start, size) in enumerate([("Root Entry", 5, 0xFFFFFFFE, 0), *entries]):
        title = name.encode("utf-16-le")
        right = at + 1 if 0 < at < len(entries) else none
        child = 1 if at == 0 and entries else none
        directory += struct.pack(
            "<64sHBBIII16xI16xIQ", title, len(title) + 2, kind, 1, none, right, child, 0, start, size
        )
    directory = directory.ljust(-(-len(directory) // 512) * 512, b"\0")
    first_directory, count = len(fat), len(directory) // 512
    fat += [*range(len(fat) + 1, len(fat) + count), 0xFFFFFFFE]
    fats = next(n for n in range(1, 110) if n * 128 >= len(fat) + n)
    first_fat = len(fat)
    fat += [0xFFFFFFFD] * fats
    table = struct.pack(f"<{fats * 128}I", *fat, *[none] * (fats * 128 - len(fat)))
    head = struct.pack(
        "<8s16xHHHHH6xIII4xIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        0,
        fats,
        first_directory,
        4096,
        0xFFFFFFFE,
        0,
        0xFFFFFFFE,
        0,
    )
    difat = struct.pack("<109I", *range(first_fat, first_fat + fats), *[none] * (109 - fats))
    return head + difat + sectors + directory + table


def ods(rows: Sequence[Sequence[Cell]], down: str = "", across: str = "") -> bytes:
    """An .ods of one sheet; `down`, `across`: how often a last cell stands below and beside itself."""

    def cell(value: Cell) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, date):
            return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"/>'
        if isinstance(value, str):
            kind = "error" if value in ERRORS else "string"
            shown = f'office:value-type="string" calcext:value-type="{kind}"'
            return f"<table:table-cell {shown}><text:p>{escape(value)}</text:p></table:table-cell>"
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'

    lines = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    if down:
        last = cell(1).replace("-cell", f'-cell table:number-columns-repeated="{across}"')
        lines += f'<table:table-row table:number-rows-repeated="{down}">{last}</table:table-row>'
    names = {name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("office", "table", "text")}
    names["calcext"] = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
    spaces = " ".join(f'xmlns:{name}="{space}"' for name, space in names.items())
    content = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="表1">{lines}
</table:table></office:spreadsheet></office:body></office:document-content>"""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        pack.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        pack.writestr("META-INF/manifest.xml", "<manifest/>")
        pack.writestr("content.xml", content)
    return out.getvalue()
