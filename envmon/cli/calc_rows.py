"""Rows in and rows out of `envmon calc`: CSV in UTF-8 or GB18030, block by block; CSV or JSON lines out.

Never here: what a column means or how a row is judged.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, Any

import click

from envmon.cli import language
from envmon.errors import UsageError
from envmon.texts import t

LANG = language()
BLOCK = 8192  # rows judged at a time
HEAD = 2**20  # bytes that decide between UTF-8 and GB18030

Cells = list[str]
Judge = Callable[[list[tuple[int, Cells]]], list[list[Any]]]


@dataclass(slots=True)
class Problems:
    """What could not be used; told at once, counted for the exit code."""

    count: int = 0

    def tell(self, reason: str, line: int, **values: object) -> None:
        click.echo(t(f"calc.problem.{reason}", LANG, line=line, **values), err=True)
        self.count += 1

    def finish(self, ctx: click.Context) -> None:
        if self.count:
            click.echo(t("calc.problems", LANG, count=self.count), err=True)
            ctx.exit(3)


def read(file: IO[bytes]) -> tuple[Cells, Iterator[tuple[int, Cells]]]:
    """The header and the rows of a CSV file, each with the line it starts on; empty lines are left out.

    Raises UsageError for a file without a header and for bytes that are neither UTF-8 nor GB18030.
    """
    reader = csv.reader(_lines(file))
    rows = _rows(reader)
    try:
        _, names = next(rows)
    except StopIteration:
        raise UsageError(t("calc.empty", LANG)) from None
    return names, rows


def _rows(reader: Any) -> Iterator[tuple[int, Cells]]:
    line = 1
    try:
        for cells in reader:
            if cells and (len(cells) > 1 or cells[0].strip()):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(t("calc.broken", LANG, line=line, error=error)) from error


def _lines(file: IO[bytes]) -> Iterator[str]:
    """The lines of a file as text. What its first part is decides; a later line may still be of the other kind."""
    some: Callable[[int], bytes] = getattr(file, "read1", file.read)  # what a pipe has by now, without waiting for more
    first = some(HEAD) + file.readline()
    codes = ("utf-8", "gb18030")
    try:
        first.decode("utf-8")
    except UnicodeDecodeError:
        codes = ("gb18030", "utf-8")
    for number, raw in enumerate(chain(io.BytesIO(first.removeprefix(b"\xef\xbb\xbf")), file), 1):
        yield _decoded(raw, codes, number)


def _decoded(raw: bytes, codes: Sequence[str], number: int) -> str:
    for code in codes:
        try:
            return raw.decode(code)
        except UnicodeDecodeError:
            continue
    raise UsageError(t("calc.encoding", LANG, line=number))


def find_columns(names: Cells, known: Callable[[str], str | None], accepted: str) -> dict[str, int]:
    """Place of each column that is to be judged, by its id. Raises UsageError for none or for one given twice."""
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        identity = known(unicodedata.normalize("NFKC", name).strip())
        if identity in found:
            raise UsageError(t("calc.twice", LANG, one=names[found[identity]], other=name))
        if identity is not None:
            found[identity] = place
    if not found:
        raise UsageError(t("calc.no_columns", LANG, found=", ".join(names), accepted=accepted))
    return found


def place_of(names: Cells, wanted: str) -> int | None:
    """Where a column stands; None when there is none. Raises UsageError when it is there twice."""
    places = [place for place, name in enumerate(names) if name.strip().lower() == wanted]
    if len(places) > 1:
        raise UsageError(t("calc.twice", LANG, one=names[places[0]], other=names[places[1]]))
    return places[0] if places else None


def write(
    names: Cells,
    added: Sequence[str],
    rows: Iterator[tuple[int, Cells]],
    judge: Judge,
    as_json: bool,
    problems: Problems,
) -> None:
    """Judge the rows block by block and write them as CSV or as JSON lines, in UTF-8.

    An input column of the same name as an added one comes out as input_NAME. A row with another number of cells than
    the header has may have lost something: it is told and not judged.
    """
    out = sys.stdout.buffer
    heads = [f"input_{name.strip()}" if name.strip() in added else name for name in names]
    if not as_json:
        out.write(_as_csv([[*heads, *added]]))
    while block := list(islice(rows, BLOCK)):
        whole = [(line, cells) for line, cells in block if len(cells) == len(names)]
        judged = iter(judge(whole))
        full = []
        for line, cells in block:
            if len(cells) == len(names):
                full.append([*cells, *next(judged)])
            else:
                problems.tell("cells", line, found=len(cells), expected=len(names))
                padded = [*cells, *[""] * len(names)][: len(names)]
                full.append([*padded, *[None] * len(added)])
        out.write(_as_json([*heads, *added], full) if as_json else _as_csv(full))
    out.flush()


def write_table(heads: Sequence[str], rows: Sequence[Sequence[Any]], as_json: bool) -> None:
    """Rows of an answer that does not follow the rows of the input, as CSV or as JSON lines, in UTF-8."""
    out = sys.stdout.buffer
    out.write(_as_json(heads, rows) if as_json else _as_csv([heads, *rows]))
    out.flush()


def _as_csv(rows: Sequence[Sequence[Any]]) -> bytes:
    target = io.StringIO()
    shown = ([str(cell).lower() if isinstance(cell, bool) else cell for cell in row] for row in rows)
    csv.writer(target, lineterminator="\n").writerows(shown)
    return target.getvalue().encode()


def _as_json(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    lines = (json.dumps(dict(zip(heads, row, strict=True)), ensure_ascii=False) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()
