"""Which form a file has, told by its header: a laboratory's sheet, reviewed air data, intakes, events, an air archive …

Never here: guessing. A file that could be two things is neither; a folder named for the form or the source decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from envmon.model import Parameter, Payload
from envmon.sources import cnemc_water, event_list, intake, reviewed
from envmon.sources.files import Sheet, find_header, sheets
from envmon.sources.heads import Items
from envmon.sources.lab_forms import form_of

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "lab": ("名称", "采样日期", "氨氮…"),
    "reviewed": reviewed.SHOWN,
    "intake": intake.SHOWN,
    "events": tuple(map(event_list.column, event_list.NEEDED)),
    "archive": ("date", "hour", "type"),
    "cnemc_water": ("断面名称", "监测时间", "站点情况"),
    "cnemc_air": ("TimePoint",),
}
"""Every form a file may have, and the columns it is known by."""

SNAPSHOT = ("state", "captured")  # what only a saved table of the national platform has


def forms_of(payload: Payload, lang: str, parameters: Mapping[str, Parameter]) -> list[str]:
    """The forms a file could have by what it holds: one, none, or several where that is not clear.

    Raises SourceChanged for a workbook that cannot or must not be opened.
    """
    begins = payload.body[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if begins.startswith(b"date,hour,type,"):
        return ["archive"]
    if begins[:1] in (b"{", b"["):
        words = {"cnemc_water": b'"tbody"', "cnemc_air": b'"TimePoint"'}
        return [form for form, word in words.items() if word in payload.body]
    found = [form for table in sheets(payload, lang) for form in _forms_of_sheet(table, parameters)]
    return list(dict.fromkeys(found))


def header_line(table: Sheet, parameters: Mapping[str, Parameter]) -> int:
    """The line of the last row of the header, in whatever form; 0 when none is known."""
    return max(_headers(table, parameters).values(), default=0)


def _forms_of_sheet(table: Sheet, parameters: Mapping[str, Parameter]) -> list[str]:
    found = list(_headers(table, parameters))
    return [form for form in found if form != "lab" or "cnemc_water" not in found]


def _headers(table: Sheet, parameters: Mapping[str, Parameter]) -> dict[str, int]:
    """The forms whose header a sheet has, and the line it ends in."""
    air = reviewed.air_names(parameters)
    snapshots = (find_header(table, cnemc_water._key, ("name", "time", key)) for key in SNAPSHOT)
    headers = {
        "events": find_header(table, event_list.key_of, event_list.NEEDED),
        "intake": find_header(table, intake.key_of, ("name", "month", "volume")),
        "reviewed": find_header(table, lambda head: reviewed.key_of(head, air), ("name", "item")),
        "cnemc_water": next(filter(None, snapshots), None),
    }
    found = {form: table.rows[header[0]][0] for form, header in headers.items() if header}
    return found | _laboratory(table, parameters)


@cache
def _items(parameters: tuple[Parameter, ...]) -> Items:
    return Items({one.id: one for one in parameters})


def _laboratory(table: Sheet, parameters: Mapping[str, Parameter]) -> dict[str, int]:
    """Where the header of a laboratory's sheet ends, if it names an item or has one row a value."""
    items = _items(tuple(parameters.values()))
    form = form_of(table, items, "")
    if form is None:
        return {}
    told = form.sites or {"item", "result"} <= form.at.keys() or any(items.find(head)[0] for head in form.heads if head)
    return {"lab": form.line} if told else {}
