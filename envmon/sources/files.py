"""Files and bodies as tables of text: decompression, encodings, CSV, JSON. What the columns mean is not known here.

Never here: guessing. A line that is neither UTF-8 nor GB18030 is refused, not replaced.
"""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import re
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from envmon import periods
from envmon.errors import SourceChanged, UsageError
from envmon.model import Payload, Refused
from envmon.sources.cells import snippet
from envmon.sources.workbook import MAGIC, cells_of

CAP = 2**30
"""Largest file once unpacked, in bytes."""

SUFFIXES = (".csv", ".csv.gz", ".csv.xz", ".json", ".json.gz", ".json.xz", ".xlsx")
NAMED_TIME = re.compile(r"(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[ _T-]+(\d\d)[h:_-]?(\d\d)")
FULL_DATE = re.compile(rb"20\d\d[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d\d")
CAPTURE = "抓取时间".encode()
CAPTURED = re.compile(rb",(20\d\d-\d\d-\d\d \d\d:\d\d)\r?$", re.MULTILINE)

CUT = "the file ends inside this line; its values may be cut (if it is whole, add a line end)"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as text: `rows` are (line, cells), the header is one of them; `ended`: the last line has its end."""

    rows: list[tuple[int, list[str]]]
    refused: list[Refused] = field(default_factory=list)
    ended: bool = True


def read_file(path: Path, kind: str, taken: int) -> Payload:
    """A file for the parser of source kind `kind`, unpacked.

    taken : when its content was taken, unless the file says so itself (a snapshot's name, a column 抓取时间)
    Raises UsageError when the file cannot be opened, has an unknown ending, or is a snapshot whose year nothing tells;
    SourceChanged when it is damaged or larger than CAP.
    """
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise UsageError("error.file.kind", path=path, kinds=" ".join(SUFFIXES))
    try:
        body = _unpacked(path)
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceChanged(f"{path}: the compressed file is damaged or cut off ({error}); nothing was read") from error
    except OSError as error:
        raise UsageError("error.file.read", path=path, reason=error.strerror or error) from error
    if kind == "cnemc_water":
        taken = _snapshot_time(path, body, taken)
    return Payload(str(path), body, taken)


def _unpacked(path: Path) -> bytes:
    opened = gzip.open if path.suffix == ".gz" else lzma.open if path.suffix == ".xz" else open
    with opened(path, "rb") as file:
        body: bytes = file.read(CAP + 1)
    if len(body) > CAP:
        raise SourceChanged(f"{path}: more than {CAP} bytes; split it")
    return body


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


def sheet(payload: Payload) -> Sheet:
    """The table in a CSV (UTF-8 or GB18030, even mixed by line) or in the first sheet of an .xlsx.

    Raises SourceChanged for a workbook that cannot or must not be opened.
    """
    if payload.body.startswith(MAGIC):
        return Sheet(cells_of(payload))
    lines, refused = _lines(payload)
    reader = csv.reader(iter(lines))
    rows: list[tuple[int, list[str]]] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            refused.append(Refused(payload.origin, line, f"no CSV: {error}", lines[line - 1][:200]))
            continue
        if any(cell.strip() for cell in cells):
            rows.append((line, cells))
    return Sheet(rows, refused, payload.body.endswith((b"\n", b"\r")))


def _lines(payload: Payload) -> tuple[list[str], list[Refused]]:
    body = payload.body
    try:
        return body.decode("utf-8-sig").splitlines(keepends=True), []
    except UnicodeDecodeError:
        pass
    lines, refused = [], []
    for number, raw in enumerate(body.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True), 1):
        text = _decoded(raw)
        if text is None:
            refused.append(Refused(payload.origin, number, "neither UTF-8 nor GB18030", snippet(raw)))
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
            raise ValueError("a key stands twice")
        return found

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no number")

    try:
        text = payload.body.decode("utf-8-sig")
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=refuse, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        begins = snippet(payload.body[:400])
        raise SourceChanged(f"{payload.origin}: not the JSON expected ({error}); it begins {begins!r}") from error


def find_header(
    table: Sheet, key_of: Callable[[str], str | None], wanted: Collection[str]
) -> tuple[int, list[str | None]] | None:
    """Where among the first ten rows the header stands, and what each column holds; None when no row has all wanted."""
    for at, (_, cells) in enumerate(table.rows[:10]):
        keys = [key_of(cell) for cell in cells]
        if set(wanted) <= set(keys):
            return at, keys
    return None
