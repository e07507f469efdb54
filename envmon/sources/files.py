"""Files and bodies as tables of text: decompression, encodings, CSV, JSON. What the columns mean is not known here.

Never here: guessing. A line that is neither UTF-8 nor GB18030 is refused, not replaced.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from envmon import periods
from envmon.errors import SourceChanged, UsageError
from envmon.model import Payload, Refused
from envmon.sources.cells import Unreadable, snippet
from envmon.sources.workbook import MAGIC, pages_of
from envmon.texts import t

CAP = 2**30
"""Largest file once unpacked, in bytes."""

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".et", ".ods")
SUFFIXES = (
    ".csv", ".csv.gz", ".csv.xz", ".txt", ".tsv", ".json", ".json.gz", ".json.xz", ".xml", ".xml.gz", *WORKBOOKS,
)  # fmt: skip
CAPTURES = (".txt", ".log", ".txt.gz", ".log.gz")  # of what stations sent
MAGICS = {**dict.fromkeys(MAGIC, ".xlsx"), b"\x1f\x8b": ".csv.gz", b"\xfd7zXZ\x00": ".csv.xz"}
SMALL = 2**20  # bytes of a workbook that is kept at hand after it was read
NOTES = ("填写说明", "Notes", "退回原因清单", "reasons")
"""Sheets that explain: of a template, of what came back."""
EXAMPLE = ("示例", "example")
"""What a template's example row says where a site is named: within its first EXAMPLE_CELLS, even when a column went.

Not in a column of its own: somebody who types over the example, or deletes that column, must lose or invent nothing.
"""
EXAMPLE_CELLS = 3

NAMED_TIME = re.compile(r"(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[ _T-]+(\d\d)[h:_-]?(\d\d)")
FULL_DATE = re.compile(rb"20\d\d[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d\d")
CAPTURE = "抓取时间".encode()
CAPTURED = re.compile(rb",(20\d\d-\d\d-\d\d \d\d:\d\d)\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as text: `rows` are (line, cells), the header is one of them; `ended`: the last line has its end."""

    rows: list[tuple[int, list[str]]]
    refused: list[Refused] = field(default_factory=list)
    ended: bool = True
    name: str = ""  # of a workbook's sheet
    hidden: bool = False
    since_1904: bool = False  # what a date written as a number counts from; of a CSV nobody knows
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Of a workbook's sheet: (top, left, bottom, right) from 1; each of these cells holds what the first one says."""


def read_file(path: Path, kind: str, taken: int, raw: bytes | None = None) -> Payload:
    """A file for the parser of source kind `kind`, unpacked.

    taken : when its content was taken, unless the file says so itself (a snapshot's name, a column 抓取时间)
    raw : its bytes, where they have been read already; then `path` is only its name
    Raises UsageError when the file cannot be opened, has an unknown ending, or is a snapshot whose year nothing tells;
    SourceChanged when it is damaged or larger than CAP.
    """
    name = path.name.lower()
    suffixes = CAPTURES if kind == "hj212" else SUFFIXES
    if not name.endswith(suffixes):
        raise UsageError("error.file.kind", path=path, kinds=" ".join(suffixes))
    try:
        body = _unpacked(path, raw)
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceChanged("error.source.damaged", path=path, reason=error) from error
    except OSError as error:
        raise UsageError("error.file.read", path=path, reason=error) from error
    if kind == "cnemc_water":
        taken = _snapshot_time(path, body, taken)
    return Payload(str(path), body, taken)


def _unpacked(path: Path, raw: bytes | None) -> bytes:
    suffix = path.suffix.lower()
    with path.open("rb") if raw is None else io.BytesIO(raw) as packed, _opened(packed, suffix) as file:
        body: bytes = file.read(CAP + 1)
    if len(body) > CAP:
        raise SourceChanged("error.source.large", path=path, cap=CAP)
    return body


def _opened(packed: IO[bytes], suffix: str) -> Any:
    """The unpacked content of a file, to read."""
    return gzip.open(packed) if suffix == ".gz" else lzma.open(packed) if suffix == ".xz" else packed


def ending_of(raw: bytes) -> str:
    """The ending a file without a name would have, by how its content begins."""
    text = ".json" if raw.lstrip(b"\xef\xbb\xbf \r\n")[:1] in (b"{", b"[") else ".csv"
    return next((ending for magic, ending in MAGICS.items() if raw.startswith(magic)), text)


def _snapshot_time(path: Path, body: bytes, taken: int) -> int:
    """When a water snapshot was saved: by its name, its 抓取时间 column, or as given if no year is missing."""
    if named := NAMED_TIME.search(path.name):
        try:
            return periods.minute(datetime(*(int(part) for part in named.groups())))  # type: ignore[arg-type]
        except ValueError:
            pass
    if CAPTURE in body[:2000] and (captured := CAPTURED.findall(body)):
        return periods.minute(datetime.fromisoformat(max(captured).decode()))
    if not FULL_DATE.search(body):
        raise UsageError("error.file.year", path=path)
    return taken


def sheet(payload: Payload, lang: str) -> Sheet:
    """The first sheet of `sheets` that holds anything; an empty one when none does."""
    return next(iter(sheets(payload, lang)), Sheet([]))


def sheets(payload: Payload, lang: str) -> list[Sheet]:
    """Every sheet of a workbook that holds anything and is not hidden, or the one table of a CSV.

    lang : of the reasons why a line is refused
    Raises SourceChanged for a workbook that cannot or must not be opened.
    """
    return [table for table in all_sheets(payload, lang) if not table.hidden]


def all_sheets(payload: Payload, lang: str) -> list[Sheet]:
    """`sheets` and the hidden ones."""
    if payload.body.startswith(MAGIC):
        return [
            Sheet(
                written(rows),
                name=page["sheet"],
                hidden=page["hidden"],
                since_1904=page["since_1904"],
                merged=[(top, left, bottom, right) for top, left, bottom, right in page["merged"]],
            )
            for page, rows in (_remembered if len(payload.body) <= SMALL else pages_of)(payload)
            if rows and page["sheet"] not in NOTES
        ]
    return [_separated(payload, lang)]


@lru_cache(maxsize=1)
def _remembered(payload: Payload) -> list[tuple[dict[str, Any], list[tuple[int, list[str]]]]]:
    """`pages_of`, once for all who ask of one file: what is it, what does it say, which of its rows go back."""
    return pages_of(payload)


def written(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The rows without the example row of a template."""
    return [row for row in rows if not any(cell.strip() in EXAMPLE for cell in row[1][:EXAMPLE_CELLS])]


def _separated(payload: Payload, lang: str) -> Sheet:
    """The table in a CSV: UTF-8 or GB18030, even mixed by line, or UTF-16; parted by commas, semicolons or tabs."""
    lines, refused = _lines(payload, lang)
    reader = csv.reader(iter(lines), delimiter=_delimiter(lines))
    rows: list[tuple[int, list[str]]] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            reason = t("refused.csv", lang, reason=error)
            refused.append(Refused(payload.origin, line, reason, lines[line - 1][:200]))
            continue
        if any(cell.strip() for cell in cells):
            rows.append((line, cells))
    return Sheet(written(rows), refused, bool(lines) and lines[-1].endswith(("\n", "\r")))


def _delimiter(lines: Sequence[str]) -> str:
    """What parts the columns: that by which most of the first lines have one width; the comma when in doubt."""

    def alike(delimiter: str) -> int:
        try:
            widths = Counter(map(len, csv.reader([line for line in lines[:40] if line.strip()], delimiter=delimiter)))
        except csv.Error:
            return 0
        widths.pop(1, None)
        return max(widths.values(), default=0)

    return max(",;\t", key=alike)  # the first of equals


def _lines(payload: Payload, lang: str) -> tuple[list[str], list[Refused]]:
    body = payload.body
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return body[: len(body) // 2 * 2].decode("utf-16").splitlines(keepends=True), []
        except UnicodeDecodeError as error:
            raise SourceChanged("error.source.encoding", origin=payload.origin, reason=error) from error
    try:
        return body.decode("utf-8-sig").splitlines(keepends=True), []
    except UnicodeDecodeError:
        pass
    lines, refused = [], []
    for number, raw in enumerate(body.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True), 1):
        text = _decoded(raw)
        if text is None:
            refused.append(Refused(payload.origin, number, t("refused.encoding", lang), snippet(raw)))
        lines.append("\n" if text is None else text)  # keeps the count of the lines
    return lines, refused


def _decoded(raw: bytes) -> str | None:
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def strict_json(payload: Payload) -> Any:
    """What a JSON body says, every number as the text it was printed as.

    Raises SourceChanged for anything else: HTML, half an answer, NaN, a key that stands twice, absurd nesting.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise Unreadable("refused.key_twice", key=Counter(key for key, _ in pairs).most_common(1)[0][0])
        return found

    def refuse(word: str) -> Any:
        raise Unreadable("refused.cell.number", text=word)

    try:
        text = payload.body.decode("utf-8-sig")
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=refuse, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        begins = snippet(payload.body[:400])
        raise SourceChanged("error.source.no_json", origin=payload.origin, reason=error, begins=begins) from error


def find_header(
    table: Sheet, key_of: Callable[[str], str | None], wanted: Collection[str]
) -> tuple[int, list[str | None]] | None:
    """Where among the first 20 rows the header stands, and what each column holds; None when no row has all wanted."""
    for at, (_, cells) in enumerate(table.rows[:20]):
        keys = [key_of(cell) for cell in cells]
        if set(wanted) <= set(keys):
            return at, keys
    return None


def no_header(payload: Payload, table: Sheet, *wanted: str) -> SourceChanged:
    """The error to raise when `find_header` found none; `wanted`: the columns as a file should name them."""
    begins = snippet(" | ".join(table.rows[0][1]) if table.rows else "")
    return SourceChanged("error.source.no_header", origin=payload.origin, wanted=", ".join(wanted), begins=begins)
