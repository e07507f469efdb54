"""A workbook read in a process of its own: run by its path, body on stdin, JSON lines on stdout (see `workbook`).

A few kilobytes can make a reader take all memory or abort, so nobody else's process may do this. Imports nothing of
envmon: starting must cost little. .xlsx and .xlsm are read here, by expat, because no library tells merged cells,
formulas without a result, error cells and number formats in one pass; .xls, .et and .ods by calamine.
Never here: what the columns mean.
"""

from __future__ import annotations

import io
import json
import posixpath
import re
import resource
import struct
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, NoReturn
from xml.parsers import expat

UNPACKED_CAP = 200 * 2**20
RATIO_CAP = 100
ENTRIES_CAP = 1000
ROWS_CAP, COLUMNS_CAP = 200_000, 256
CELLS_CAP = 4_000_000
"""Rows times columns of one sheet."""

TEXT_CAP = 32 * 2**20
"""Characters handed back in all."""

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
END_OF_CHAIN = 0xFFFFFFFE
DOCTYPE = re.compile(rb"<!DOCTYPE|<!ENTITY", re.IGNORECASE)
REFERENCE = re.compile(r"([A-Z]{1,4})(\d{1,9})\Z")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff]")
LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]')
"""Of a number format: text that is shown as it stands, blanks, colours, locales; not `[h]`, hours beyond a day."""

DATES = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
CLOCKS = frozenset([18, 19, 20, 21, 22, 32, 33, 34, 35, 45, 46, 47, 55, 56])
PERCENTS = frozenset([9, 10])
"""Number formats that have a number and no text, of which a file says nothing more."""


@dataclass(slots=True)
class Page:
    """One sheet as it is handed back. `rows`: line -> cells from column A; `merged`: (top, left, bottom, right)."""

    name: str
    hidden: bool = False
    rows: dict[int, list[str]] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    since_1904: bool = False

    def put(self, line: int, column: int, text: str) -> None:
        if line > ROWS_CAP or column > COLUMNS_CAP:
            refuse("error.source.workbook.range", cell=f"{letters(column)}{line}", rows=ROWS_CAP, columns=COLUMNS_CAP)
        row = self.rows.setdefault(line, [])
        row += [""] * (column - len(row))
        row[column - 1] = text

    def spread(self) -> int:
        """Let every cell of a merged area say what its first one says, inside what the sheet uses; the width."""
        width = max(map(len, self.rows.values()), default=0)
        if len(self.rows) * width > CELLS_CAP:
            refuse("error.source.workbook.cells", sheet=self.name, cells=len(self.rows) * width, cap=CELLS_CAP)
        clipped, area, last = [], 0, max(self.rows, default=0)
        for top, left, bottom, right in self.merged:
            row = self.rows.get(top, [])
            if len(row) < left or not row[left - 1]:
                continue
            bottom, right = min(bottom, last), min(right, width)
            area += (bottom - top + 1) * (right - left + 1)
            if area > CELLS_CAP:
                refuse("error.source.workbook.cells", sheet=self.name, cells=area, cap=CELLS_CAP)
            clipped.append((top, left, bottom, right))
            for line in range(top, bottom + 1):
                if line in self.rows:
                    for column in range(left, right + 1):
                        self.put(line, column, row[left - 1])
        self.merged = clipped
        return width


class Refusal(Exception):
    """Why a workbook is not read: the key of a text, and the values it asks for."""


def refuse(key: str, **values: object) -> NoReturn:
    raise Refusal(key, values)


def pages_of(body: bytes) -> Iterator[Page]:
    """Every sheet, by what the body is."""
    if body.startswith(OLE):
        old = _Old(body)
        for at, page in enumerate(_calamine(body)):
            page.since_1904 = old.since_1904
            for line, column, failure in old.failures(at):
                page.put(line, column, failure)
            yield page
        return
    with zipfile.ZipFile(io.BytesIO(body)) as pack:
        names = _look_over(pack, len(body))
        if "xl/workbook.bin" in names:
            refuse("error.source.workbook.binary")  # calamine gives its error cells as empty ones
        elif "content.xml" in names:
            yield from _calamine(body)
        else:
            yield from _Workbook(pack).pages()


def _look_over(pack: zipfile.ZipFile, packed: int) -> set[str]:
    """The names of the parts, once their number and sizes are harmless and none declares a document type."""
    entries = pack.infolist()
    size = sum(entry.file_size for entry in entries)
    if len(entries) > ENTRIES_CAP or size > min(UNPACKED_CAP, RATIO_CAP * max(packed, 2**16)):
        refuse("error.source.workbook.unpacked", size=size)
    for entry in entries:
        if entry.filename.endswith((".xml", ".rels")):
            with pack.open(entry) as file:
                if DOCTYPE.search(file.read(4096)):  # one that comes later is met by the parser
                    refuse("error.source.workbook.doctype", name=entry.filename)
    return {entry.filename for entry in entries}


def _parse(pack: zipfile.ZipFile, name: str, reader: Any) -> None:
    """Run a part past `reader`: start(tag, attributes), end(tag) and, of text, words(text)."""

    def doctype(*_: object) -> None:
        refuse("error.source.workbook.doctype", name=name)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = lambda tag, found: reader.start(tag.rpartition(" ")[2], found)
    parser.EndElementHandler = lambda tag: reader.end(tag.rpartition(" ")[2])
    parser.CharacterDataHandler = reader.words
    with pack.open(name) as file:
        parser.ParseFile(file)


class _Reader:
    """Of a part nothing is wanted yet."""

    def start(self, tag: str, found: dict[str, str]) -> None: ...
    def end(self, tag: str) -> None: ...
    def words(self, text: str) -> None: ...


class _Relations(_Reader):
    """Which part is meant by which id: id -> (kind, name)."""

    def __init__(self, pack: zipfile.ZipFile, part: str) -> None:
        self.found: dict[str, tuple[str, str]] = {}
        self.folder, name = posixpath.split(part)
        relations = posixpath.join(self.folder, "_rels", f"{name}.rels")
        if relations in pack.namelist():
            _parse(pack, relations, self)

    def start(self, tag: str, found: dict[str, str]) -> None:
        if tag == "Relationship" and found.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", self.folder, found.get("Target", ""))).lstrip("/")
            self.found[found.get("Id", "")] = found.get("Type", "").rpartition("/")[2], target

    def one(self, kind: str, otherwise: str = "") -> str:
        return next((name for found, name in self.found.values() if found == kind), otherwise)


class _Workbook(_Reader):
    """An .xlsx: its sheets, shared strings and number formats."""

    def __init__(self, pack: zipfile.ZipFile) -> None:
        self.pack, self.since_1904 = pack, False
        self.listed: list[tuple[str, bool, str]] = []  # name, hidden, id
        part = _Relations(pack, "").one("officeDocument", "xl/workbook.xml")
        self.relations = _Relations(pack, part)
        _parse(pack, part, self)
        strings = self.relations.one("sharedStrings", "xl/sharedStrings.xml")
        styles = self.relations.one("styles", "xl/styles.xml")
        self.strings = _Strings(pack, strings).found if strings in pack.namelist() else []
        self.formats = _Styles(pack, styles).kinds if styles in pack.namelist() else []

    def start(self, tag: str, found: dict[str, str]) -> None:
        if tag == "workbookPr":
            self.since_1904 = found.get("date1904") in ("1", "true")
        elif tag == "sheet":
            by_local = {name.rpartition(" ")[2]: value for name, value in found.items()}
            hidden = found.get("state", "visible") != "visible"
            self.listed.append((found.get("name", ""), hidden, by_local.get("id", "")))

    def pages(self) -> Iterator[Page]:
        for name, hidden, key in self.listed:
            kind, part = self.relations.found.get(key, ("", ""))
            if kind == "worksheet":
                page = Page(name, hidden, since_1904=self.since_1904)
                _parse(self.pack, part, _Cells(page, self))
                yield page


class _Strings(_Reader):
    """The texts that cells share; how a word is pronounced is left out."""

    def __init__(self, pack: zipfile.ZipFile, part: str) -> None:
        self.found: list[str] = []
        self.taking = self.spoken = False
        self.parts: list[str] = []
        _parse(pack, part, self)

    def start(self, tag: str, found: dict[str, str]) -> None:
        if tag == "rPh":
            self.spoken = True
        self.taking = tag == "t" and not self.spoken

    def words(self, text: str) -> None:
        if self.taking:
            self.parts.append(text)

    def end(self, tag: str) -> None:
        self.taking = False
        if tag == "rPh":
            self.spoken = False
        elif tag == "si":
            self.found.append(_clean("".join(self.parts)))
            self.parts.clear()


class _Styles(_Reader):
    """What the number formats make of a number, one for every style of a cell: some of `dhp%`."""

    def __init__(self, pack: zipfile.ZipFile, part: str) -> None:
        self.codes: dict[str, str] = {}
        self.styles: list[str] = []
        self.inside = False
        _parse(pack, part, self)
        self.kinds = [self._kind(number) for number in self.styles]

    def start(self, tag: str, found: dict[str, str]) -> None:
        if tag == "numFmt":
            self.codes.setdefault(found.get("numFmtId", ""), found.get("formatCode", ""))
        elif tag == "cellXfs":
            self.inside = True
        elif tag == "xf" and self.inside:
            self.styles.append(found.get("numFmtId", "0"))

    def end(self, tag: str) -> None:
        self.inside = self.inside and tag != "cellXfs"

    def _kind(self, number: str) -> str:
        if number in self.codes:
            code = LITERAL.sub("", self.codes[number].partition(";")[0]).lower()
            if code == "general":
                return ""
            return ("d" if set(code) & set("ymdhs") else "%" if "%" in code else "") + ("h" if "h" in code else "")
        known = int(number) if number.isdigit() else 0
        return ("d" if known in DATES else "%" if known in PERCENTS else "") + ("h" if known in CLOCKS else "")


class _Cells(_Reader):
    """The cells of one sheet of an .xlsx, put on its page."""

    def __init__(self, page: Page, book: _Workbook) -> None:
        self.page, self.book = page, book
        self.line = self.column = 0
        self.kind = self.style = self.value = self.formula = ""
        self.calculated = self.taking = self.spoken = False
        self.parts: list[str] = []
        self.inline: list[str] = []

    def start(self, tag: str, found: dict[str, str]) -> None:
        if tag == "c":
            place = REFERENCE.match(found.get("r", ""))
            if place:
                self.column, self.line = number_of(place[1]), int(place[2])
            else:
                self.column += 1
            self.kind, self.style = found.get("t", "n"), found.get("s", "0")
            self.value = self.formula = ""
            self.inline.clear()
        elif tag in ("v", "t", "f"):
            self.parts.clear()
            self.taking = not self.spoken
        elif tag == "row":
            line = found.get("r", "")
            self.line, self.column = int(line) if line.isdigit() and len(line) < 10 else self.line + 1, 0
        elif tag == "rPh":
            self.spoken = True
        elif tag == "mergeCell":
            corners = [REFERENCE.match(corner) for corner in found.get("ref", "").split(":")]
            if len(corners) == 2 and corners[0] and corners[1]:
                (left, top), (right, bottom) = (corner.groups() for corner in corners if corner)
                self.page.merged.append((int(top), number_of(left), int(bottom), number_of(right)))

    def words(self, text: str) -> None:
        if self.taking:
            self.parts.append(text)

    def end(self, tag: str) -> None:
        if tag in ("v", "t", "f"):
            text, self.taking = "".join(self.parts), False
            if tag == "v":
                self.value = text
            elif tag == "f":
                self.formula = f"={_clean(text)}"
            elif not self.spoken:
                self.inline.append(text)
        elif tag == "rPh":
            self.spoken = False
        elif tag == "c":
            text = self._text()
            if text:
                self.page.put(self.line, self.column, text)

    def _text(self) -> str:
        """The cell as text; a formula nobody has calculated as the formula."""
        value = self.value
        if self.kind == "s":
            return self.book.strings[int(value)] if value else ""  # a text that is not there: the file is damaged
        if self.kind == "inlineStr":
            return _clean("".join(self.inline))
        if self.kind in ("str", "e"):
            return _clean(value)
        if not value.strip():
            return self.formula
        if self.kind == "b":
            return "TRUE" if value.strip() == "1" else "FALSE"
        if self.kind == "d":
            return value.replace("T", " ")[:16].removesuffix(" 00:00")
        place = int(self.style) if self.style.isdigit() else 0
        formats = self.book.formats
        return _shown(float(value), formats[place] if place < len(formats) else "", self.page.since_1904)


def _clean(text: str) -> str:
    if "_x" in text:
        text = ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return CONTROL.sub("", text).strip()


def _shown(value: float, kind: str, since_1904: bool) -> str:
    """A number as text: what it was typed as, to the 15 digits a spreadsheet shows; a date, a time or a percentage."""
    if kind.startswith("d"):
        seconds = round(value * 86400)
        if 0 <= seconds < 86400 and "h" in kind:
            return f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
        first = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30 if value >= 61 else 31)
        if 0 < value < 2_957_003:  # the end of year 9999, counted from 1904
            return _dated(first + timedelta(seconds=seconds), "h" in kind)
    return f"{printed(value * 100)}%" if kind.startswith("%") else printed(value)


def _dated(at: datetime, clock: bool) -> str:
    """A date cell holds a midnight; that nobody meant one shows in how the cell is formatted."""
    return at.strftime("%Y-%m-%d %H:%M" if clock or at.time() != time() else "%Y-%m-%d")


def printed(value: float) -> str:
    """A number as people type it.

    >>> printed(7.0000000000000007e-2), printed(0.1 + 0.2), printed(12.0), printed(1e-5), printed(510100.0)
    ('0.07', '0.3', '12', '0.00001', '510100')
    """
    text = f"{value:.15g}"
    if "e" not in text:
        return text
    digits, _, exponent = text.partition("e")
    return (
        f"{value:.{len(digits.lstrip('-').replace('.', '')) - 1 - int(exponent)}f}" if -12 < int(exponent) < 0 else text
    )


class _Old:
    """Of an .xls what calamine does not tell: cells whose formula failed, the first day of its calendar, a password.

    [MS-CFB] 2.2-2.6 for the file of sectors, [MS-XLS] 2.4 for the records.
    """

    NAMES: ClassVar = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}

    def __init__(self, body: bytes) -> None:
        self.body, self.since_1904 = body, False
        self.size = 1 << min(struct.unpack_from("<H", body, 30)[0], 16)
        first_directory, cutoff = struct.unpack_from("<I4xI", body, 48)
        first_small, next_table = struct.unpack_from("<I4xI", body, 60)
        tables = list(struct.unpack_from("<109I", body, 76))
        for _ in range(len(body) // self.size):
            if next_table >= END_OF_CHAIN - 2:
                break
            *more, next_table = self._numbers(self._sector(next_table))
            tables += more
        self.following = [n for at in tables if at < END_OF_CHAIN - 2 for n in self._numbers(self._sector(at))]
        self.records: list[tuple[int, int, bytes]] = []  # place, kind, content
        directory = self._chain(first_directory)
        root = struct.unpack_from("<I", directory, 116)[0] if len(directory) >= 128 else END_OF_CHAIN
        for at in range(0, len(directory) - 127, 128):
            name = directory[at : at + 64].decode("utf-16-le", "replace").partition("\0")[0]
            start, size = struct.unpack_from("<II", directory, at + 116)
            if name == "EncryptedPackage":
                refuse("error.source.workbook.locked")
            if name in ("Workbook", "Book") and not self.records:
                small = size < cutoff
                self._read((self._small(root, first_small, start) if small else self._chain(start))[:size])

    def _sector(self, number: int) -> bytes:
        return self.body[(number + 1) * self.size : (number + 2) * self.size]

    def _numbers(self, sector: bytes) -> tuple[int, ...]:
        return struct.unpack(f"<{len(sector) // 4}I", sector[: len(sector) // 4 * 4])

    def _chain(self, start: int) -> bytes:
        parts: list[bytes] = []
        while start < len(self.following) and len(parts) <= len(self.following):
            parts.append(self._sector(start))
            start = self.following[start]
        return b"".join(parts)

    def _small(self, root: int, table: int, start: int) -> bytes:
        """A stream of less than 4096 bytes, kept in pieces of 64 inside another."""
        pool, following = self._chain(root), self._numbers(self._chain(table))
        parts: list[bytes] = []
        while start < len(following) and len(parts) <= len(following):
            parts.append(pool[start * 64 : start * 64 + 64])
            start = following[start]
        return b"".join(parts)

    def _read(self, stream: bytes) -> None:
        at = 0
        while at + 4 <= len(stream):
            kind, length = struct.unpack_from("<HH", stream, at)
            if kind in (0x0006, 0x0009, 0x0022, 0x002F, 0x0085, 0x0205, 0x0809):
                self.records.append((at, kind, stream[at + 4 : at + 4 + length]))
            if kind == 0x002F:  # FILEPASS
                refuse("error.source.workbook.locked")
            if kind == 0x0022 and length >= 2:  # Date1904
                self.since_1904 = stream[at + 4] == 1
            at += 4 + length

    def failures(self, page: int) -> Iterator[tuple[int, int, str]]:
        """(line, column, what it shows) of the failed cells of a worksheet."""
        sheets = [content for _, kind, content in self.records if kind == 0x0085 and content[5:6] == b"\0"]
        begins = struct.unpack_from("<I", sheets[page])[0] if page < len(sheets) else -1
        inside = False
        for at, kind, content in self.records:
            if kind in (0x0009, 0x0809):  # BOF
                inside = at == begins
            elif inside and kind in (0x0006, 0x0205) and len(content) >= 8:
                line, column = struct.unpack_from("<HH", content)
                if kind == 0x0205 and content[7] == 1:
                    yield line + 1, column + 1, self.NAMES.get(content[6], "#N/A")
                elif kind == 0x0006 and content[12:14] == b"\xff\xff" and content[6] == 2:
                    yield line + 1, column + 1, self.NAMES.get(content[8], "#N/A")


def _calamine(body: bytes) -> Iterator[Page]:
    """The sheets of an .xls, .et or .ods."""
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(body))
        for found in book.sheets_metadata:
            if found.typ == calamine.SheetTypeEnum.WorkSheet:
                sheet = book.get_sheet_by_name(found.name)
                page = Page(found.name, found.visible != calamine.SheetVisibleEnum.Visible)
                if sheet.end and sheet.start:
                    first_line, first_column = sheet.start
                    for line, cells in enumerate(sheet.to_python(), first_line + 1):
                        for column, value in enumerate(cells, first_column + 1):
                            if text := _valued(value):
                                page.put(line, column, text)
                for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
                    page.merged.append((top + 1, left + 1, bottom + 1, right + 1))
                yield page
    except calamine.PasswordError:
        refuse("error.source.workbook.locked")


def _valued(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return printed(value)
    if isinstance(value, datetime):
        return _dated(value, True)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return _clean(str(value))


def number_of(column: str) -> int:
    """The number of a column: A is 1, IV is 256."""
    number = 0
    for letter in column:
        number = number * 26 + ord(letter) - 64
    return number


def letters(column: int) -> str:
    """The letters of a column, `number_of` turned round."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def main() -> None:
    """Read stdin within limits (argv: bytes of memory, seconds) and write a line per sheet and per row, then `null`."""
    memory, seconds = (int(word) for word in sys.argv[1:3])
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # a pipe is no file
    left = TEXT_CAP
    try:
        for page in pages_of(sys.stdin.buffer.read()):
            width = page.spread()
            say(
                {"sheet": page.name, "hidden": page.hidden, "since_1904": page.since_1904, "width": width}
                | {"merged": page.merged}
            )
            for line in sorted(page.rows):
                cells = page.rows[line]
                left -= sum(map(len, cells))
                if left < 0:
                    refuse("error.source.workbook.cells", sheet=page.name, cells=TEXT_CAP, cap=TEXT_CAP)
                say([line, cells])
        say(None)
    except Refusal as why:
        say({"refused": why.args[0], "values": why.args[1]})


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
