"""Where a number is printed: the document and clause beside a section or row of the standards files.

The nouns that judging uses do not carry their clauses; who explains a number asks here. Never here: the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from envmon.errors import StandardsError
from envmon.standards import load


@cache
def clause(document: str, section: str, **row: str) -> str:
    """The document and clause of a section, or of the row of it that has these values.

    document : its id ("GB 3095-2012"). section : as in the file; a `limit` of a phase is asked for with `phase`.
    Raises StandardsError where there is no such row.

    >>> clause("GB 3095-2012", "limit", phase="single", parameter="pm25", average="24h")
    'GB 3095-2012 表1'
    >>> clause("GB 3838-2002", "item", id="nh3n"), clause("HJ 633-2012", "column", name="o3_8h")
    ('GB 3838-2002 表1 第7项', 'HJ 633-2012 表1')
    """
    content = _contents()[document]
    rows = content.get(section)
    if section == "limit":
        phase = row.pop("phase")
        rows = next((one["limit"] for one in content["phase"] if one["name"] == phase), None)
    for one in rows if isinstance(rows, list) else [rows or {}]:
        if all(one.get(key) == value for key, value in row.items()) and "clause" in one:
            return f"{document} {one['clause']}"
    raise StandardsError(f"{document}, {section}: there is no row with {row}")


@cache
def _contents() -> Mapping[str, Mapping[str, Any]]:
    """Every file but that of the parameters, by the id of its document."""
    names = (path.name for path in sorted(load.FOLDER.glob("*.toml")) if path.name != load.PARAMETERS)
    return {one.id: one.content for one in map(load.document, names)}
