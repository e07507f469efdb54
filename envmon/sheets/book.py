"""A workbook in memory, and the cells of one sheet."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

LONGEST = 32_000  # characters of a cell; Excel drops what is longer
SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f']")  # in the name of a sheet


def made(fill: Callable[[Any], None]) -> bytes:
    """The workbook that `fill` fills."""
    import xlsxwriter

    target = io.BytesIO()
    with xlsxwriter.Workbook(target, SAFE) as book:
        fill(book)
    return target.getvalue()


def sheet_name(wanted: str, taken: set[str]) -> str:
    """A name a sheet may have, like the one wanted; `taken` are those there are, in small letters.

    >>> sheet_name("5月/断面", set()), sheet_name("A", {"a"})
    ('5月_断面', 'A-2')
    """
    plain = FORBIDDEN.sub("_", wanted).strip()[:27] or "1"
    name, count = plain, 1
    while name.casefold() in taken or name.casefold() == "history":
        count += 1
        name = f"{plain}-{count}"
    taken.add(name.casefold())
    return name
