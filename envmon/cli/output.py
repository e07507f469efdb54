"""How a listing leaves the program: an aligned table for people, CSV or JSON for programs.

A listing is a list of flat dicts with stable English keys. Chinese characters take two columns on a terminal, so widths
are counted, not characters. Colours go to a terminal only. Never here: what the rows mean.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import click

Listing = Sequence[Mapping[str, Any]]

UNBOUND = 10_000  # columns of a page without an edge
GAP = 2  # columns between two columns
NARROW = 20  # columns up to which a cell is never broken: dates, classes, names of sites
AFTER_COMMA = re.compile(r"([，；、])(?=\S)")  # a terminal line breaks at blanks only
NO_NUMBER = ("NA", "/")  # what HJ 633 prints in the place of a number
LEAST = 12  # columns a longer text keeps

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠")


def width(text: str) -> int:
    """Columns a text takes on a terminal.

    >>> width("甘孜 a")
    6
    """
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, columns: int, right: bool = False) -> str:
    """The text filled with blanks to a number of columns."""
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks


def plain(text: str) -> str:
    """A text without control characters: names come from files and services and must not steer a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def cell(value: Any) -> str:
    """One value as a table shows it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, list | tuple):
        return " / ".join(cell(item) for item in value) or "–"
    return plain(str(value))


def table(rows: Listing, heads: Mapping[str, str], columns: int = UNBOUND) -> str:
    """Rows as an aligned table; `heads` picks the columns, their order and their headings.

    columns : of the terminal; long texts are broken into lines until the table fits. Numbers and short texts are never
        broken or cut: a table that needs more columns takes them.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="")
    needed = 0
    for key, head in heads.items():
        cells = [cell(row.get(key)) for row in rows]
        numeric = bool(rows) and all(
            isinstance(row.get(key), int | float | None) or row[key] in NO_NUMBER for row in rows
        )
        widest = max(map(width, [head, *cells]))
        least = widest if numeric or widest <= NARROW else LEAST
        needed += least + GAP
        whole = least == widest  # never broken: else rich narrows it beside a longer text, and cuts the end of the row
        justify: Literal["right", "left"] = "right" if numeric else "left"
        shown.add_column(Text(head), justify=justify, min_width=least, overflow="fold", no_wrap=whole)
    for row in rows:
        texts = (cell(row.get(key)) for key in heads)
        shown.add_row(*(Text(text if columns == UNBOUND else AFTER_COMMA.sub(r"\1 ", text)) for text in texts))
    target = io.StringIO()
    Console(file=target, width=max(columns, needed), color_system=None, emoji=False).print(shown)
    return "\n".join(line.rstrip() for line in target.getvalue().splitlines())


def by_name(rows: Listing, name: str, heads: Mapping[str, str], columns: int = UNBOUND) -> str:
    """A table for each value of one column, under that value, so that the other columns have room."""
    parts = []
    for own in dict.fromkeys(row[name] for row in rows):
        parts += ["", cell(own), table([row for row in rows if row[name] == own], heads, columns)]
    return "\n".join(parts[1:])


def short_time(at: str | None, today: str) -> str | None:
    """A time without what is that of today: without the date today, without the year this year.

    >>> short_time("2026-11-28 09:11", "2026-11-28"), short_time("2026-01-05 09:11", "2026-11-28")
    ('09:11', '01-05 09:11')
    """
    if at is None:
        return None
    return at[11:] if at[:10] == today[:10] else at[5:] if at[:4] == today[:4] else at


def terminal() -> int:
    """Columns a table may take: those of the terminal; a file or a pipe has no edge."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBOUND


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def guarded(value: Any) -> Any:
    """A CSV cell that a spreadsheet cannot take for a formula; numbers stay numbers, never 2e-05."""
    if isinstance(value, float) and "e" in repr(value):
        from decimal import Decimal

        return f"{Decimal(repr(value)):f}"
    if isinstance(value, list | tuple):
        value = ";".join(str(item) for item in value)
    if isinstance(value, Mapping):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        value = f"'{value}"
    return value.replace("\r", "\n") if isinstance(value, str) else value  # csv quotes no lone carriage return


def as_csv(rows: Listing) -> str:
    """Rows as CSV; the columns are the keys in the order they first appear."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(map(guarded, keys))
    writer.writerows([guarded(row.get(key)) for key in keys] for row in rows)
    return target.getvalue().rstrip("\n")


def format_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The two options every listing has: --json and --csv."""
    command = click.option("--csv", "form", flag_value="csv", help="CSV")(command)
    return click.option("--json", "form", flag_value="json", help="JSON")(command)


def show(rows: Listing, form: str | None, heads: Mapping[str, str], empty: str) -> None:
    """Print a listing in the form asked for; `empty` is said when a table would have no rows."""
    if form == "json":
        click.echo(as_json(list(rows)))
    elif form == "csv":
        click.echo(as_csv(rows))
    else:
        click.echo(table(rows, heads, terminal()) if rows else empty)
