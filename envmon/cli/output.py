"""How a listing leaves the program: an aligned table for people, CSV or JSON for programs.

A listing is a list of flat dicts with stable English keys. Chinese characters take two columns on a terminal, so widths
are counted, not characters. Colours go to a terminal only. Never here: what the rows mean.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

Listing = Sequence[Mapping[str, Any]]

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
        return "、".join(cell(item) for item in value) or "–"
    return plain(str(value))


def table(rows: Listing, heads: Mapping[str, str]) -> str:
    """Rows as an aligned table; `heads` picks the columns, their order and their headings."""
    lines = [list(heads.values())] + [[cell(row.get(key)) for key in heads] for row in rows]
    widths = [max(width(line[i]) for line in lines) for i in range(len(heads))]
    numeric = [bool(rows) and all(isinstance(row.get(key), int | float | None) for row in rows) for key in heads]
    shown = []
    for line in lines:
        cells = (pad(text, columns, right) for text, columns, right in zip(line, widths, numeric, strict=True))
        shown.append("  ".join(cells).rstrip())
    shown.insert(1, "  ".join("─" * columns for columns in widths))
    return "\n".join(shown)


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def guarded(value: Any) -> Any:
    """A CSV cell that a spreadsheet cannot take for a formula; numbers stay numbers."""
    if isinstance(value, list | tuple):
        value = ";".join(str(item) for item in value)
    if isinstance(value, Mapping):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def as_csv(rows: Listing) -> str:
    """Rows as CSV; the columns are the keys in the order they first appear."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(keys)
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
        click.echo(table(rows, heads) if rows else empty)
