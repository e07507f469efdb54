"""Any service that answers with a table: JSON, CSV or a workbook over HTTP, described in the config alone.

The options (`table_form`) say how the address is made, where the records lie, and what their fields, units, times and
marks mean. Never here: guessing any of that.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from envmon import periods, rounding
from envmon.errors import SourceChanged
from envmon.http import Session
from envmon.model import Kind, Mark, Parameter, Payload, Refused, Row, Site, SourceSpec, Span
from envmon.sources.answers import about
from envmon.sources.answers import asked as asked_for
from envmon.sources.cells import MISSING, Unreadable, marked, shift_between, snippet
from envmon.sources.context import EARLY, Ask, Context, Parsed, ask_all, item_names, plain
from envmon.sources.files import find_header, no_header, sheet, strict_json
from envmon.sources.table_form import STEPS, Form, at_path, filled, form_of, moment_of, places
from envmon.texts import t

MOST_PAGES = 1000
KEPT = 31 * periods.DAY
Values = dict[str, Any]


# --- asking -------------------------------------------------------------------------------------------------------


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """One answer for each address the template gives: step by step of the window, site by site, page by page."""
    form, asked = form_of(spec.options), places_of(spec)
    for values in asks(form, asked, now - spec.lookback, now, sites):
        if "page" not in asked:
            yield from ask_all([_ask(session, spec, form, values)], now)
            continue
        for page in range(form.first_page, form.first_page + MOST_PAGES):
            more = True
            for payload in ask_all([_ask(session, spec, form, {**values, "page": page})], now):
                more = _more(payload, form, page)
                yield payload
            if not more:
                break
        else:
            raise SourceChanged("error.source.endless_pages", origin=spec.id, count=MOST_PAGES)


def places_of(spec: SourceSpec) -> set[str]:
    """The places that the address and the form sent leave to be filled in."""
    return {name for text in (spec.url, *spec.options.get("form", {}).values()) for name, _ in places(str(text))}


def reach(spec: SourceSpec) -> int | None:
    """A service that is asked for a time is asked for a month back; how much it keeps, only it knows."""
    return KEPT if places_of(spec) & {"from", "to", *STEPS, "month"} else None


def asks(form: Form, asked: set[str], since: int, until: int, sites: Sequence[Site]) -> Iterator[Values]:
    """The values to fill a template with, for all of the window from `since` to `until`."""
    codes = [site.code for site in sites if site.code and site.kind is not Kind.AREA] if "site" in asked else [""]
    for window in windows(form, asked, since, until):
        for code in codes:
            yield {**window, "site": code} if code else window


def windows(form: Form, asked: set[str], since: int, until: int) -> Iterator[Values]:
    """The window in the steps the template asks for: months, days or hours of Beijing's calendar, or pieces of it."""
    if "month" in asked:
        period = periods.between(periods.today(since), periods.today(until))
        for month in periods.months(period):
            yield {"month": periods.hour_ending(month.first, 0), "from": since, "to": until}
        return
    name = next((one for one in ("hour", "day") if one in asked), "")
    length = STEPS[name] if name else form.max_window or max(until - since, 1)
    begin = (since + periods.OFFSET) // length * length - periods.OFFSET if name else since
    while begin < until:
        end = begin + length if name else min(begin + length, until)
        yield {"hour": begin, "day": begin, "from": begin, "to": end}
        begin = end


def _ask(session: Session, spec: SourceSpec, form: Form, values: Values) -> Ask:
    """An address and how to ask it; behind its `#` stands what it does not show: the form sent, the site asked for."""
    url = filled(spec.url, values, form.zone, partial(quote, safe=""))
    fields = {name: sent(text, form, values) for name, text in form.form.items()}
    told = {**{name: str(value) for name, value in fields.items()}, "site": str(values.get("site", ""))}
    if form.as_json:
        ask = partial(session.post, url, json=json.dumps(fields, ensure_ascii=False).encode())
    else:
        ask = (
            partial(session.post, url, form={name: str(value) for name, value in fields.items()})
            if form.post
            else partial(session.get, url)
        )
    return about(url, **told) if any(told.values()) else url, ask


def sent(text: str | int, form: Form, values: Values) -> str | int:
    """One field of what is sent; whole numbers and the number of a page stay numbers, which JSON tells apart."""
    return (
        text if isinstance(text, int) else int(values["page"]) if text == "{page}" else filled(text, values, form.zone)
    )


def _more(payload: Payload, form: Form, page: int) -> bool:
    """Whether another page follows: by the number of pages the answer tells, or because this one is full."""
    answer = strict_json(payload) if form.format == "json" else None
    if form.pages and answer is not None:
        told = str(at_path(answer, form.pages))
        if not told.isdecimal():
            raise SourceChanged("error.source.path", origin=payload.origin, path=form.pages)
        return page - form.first_page + 1 < int(told)
    count = len(_records(payload, form, answer)) if answer is not None else len(sheet(payload, "zh").rows) - 1
    return count >= (form.page_size or 1)


# --- reading ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """One record: where it stands (from 1) and its fields as text, by the names the options use."""

    line: int
    values: Mapping[str, str]


def parse(payload: Payload, context: Context) -> Parsed:
    """Records of the configured sites.

    Raises SourceChanged when the answer is not of the format, says that it failed, or holds no such records.
    """
    form = form_of(context.spec.options if context.spec else {})
    reader = _Reader(payload, context, form)
    for record in _table(payload, form, context.lang, reader) if form.format != "json" else _json(payload, form):
        reader.read(record)
    return Parsed(reader.rows, reader.refused, reader.unknown)


def _json(payload: Payload, form: Form) -> Iterator[Record]:
    answer = strict_json(payload)
    for path, wanted in form.ok.items():
        said = at_path(answer, path)
        if _text(said) != wanted:
            raise SourceChanged("error.source.not_ok", origin=payload.origin, path=path, said=snippet(_text(said)))
    records = _records(payload, form, answer)
    if form.count and _text(at_path(answer, form.count)) != str(len(records)):
        told = snippet(_text(at_path(answer, form.count)))
        raise SourceChanged("error.source.count", origin=payload.origin, told=told, found=len(records))
    wanted_fields = _wanted(form)
    for line, record in enumerate(records, 1):
        values = {name: _text(found) for name in wanted_fields if (found := at_path(record, name)) is not None}
        if form.mark and "{field}" in form.mark:
            for name in form.fields:
                values[_mark_field(form, name)] = _text(at_path(record, _mark_field(form, name)))
        yield Record(line, values)


def _records(payload: Payload, form: Form, answer: Any) -> list[Any]:
    found = at_path(answer, form.records)
    if not isinstance(found, list) or not all(isinstance(one, dict | list) for one in found):
        raise SourceChanged("error.source.path", origin=payload.origin, path=form.records or ".")
    return found


def _table(payload: Payload, form: Form, lang: str, reader: _Reader) -> Iterator[Record]:
    """Rows below the header, by the header's words (brackets and blanks forgiven)."""
    table = sheet(payload, lang)
    wanted = {plain(name): name for name in (*_wanted(form), *(_mark_field(form, name) for name in form.fields))}
    needed = [name for name in (form.site, *form.time, form.item, form.value) if name]
    found = find_header(table, lambda head: wanted.get(plain(head)), needed)
    if found is None:
        raise no_header(payload, table, *needed)
    at, keys = found
    reader.refused += table.refused
    rows = table.rows[at + 1 :]
    if not table.ended and rows:
        line, cells = rows.pop()
        reader.refuse(line, "refused.cut", ",".join(cells))
    for line, cells in rows:
        if len(cells) < len(keys):
            reader.refuse(line, "refused.width", ",".join(cells), found=len(cells), wanted=len(keys))
        else:
            yield Record(line, {key: cells[column] for column, key in enumerate(keys) if key})


def _wanted(form: Form) -> list[str]:
    mark = form.mark if "{field}" not in form.mark else ""
    return [name for name in (form.site, *form.time, form.item, form.value, form.unit, mark, *form.fields) if name]


def _mark_field(form: Form, name: str) -> str:
    return form.mark.replace("{field}", name)


def _text(value: Any) -> str:
    """A JSON value as it was printed; what has no printed form is a mark of nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else "" if value is None else snippet(str(value))


class _Reader:
    """One answer being read: what is in it so far."""

    def __init__(self, payload: Payload, context: Context, form: Form) -> None:
        self.payload, self.context, self.form = payload, context, form
        self.names = item_names(context.parameters.values())
        self.stream = context.stream(form.span)
        self.asked = asked_for(payload.origin).get("site", "")
        self.latest = payload.taken + EARLY
        if form.span is Span.DAY:
            self.latest = periods.hour_ending(periods.today(payload.taken), 24)
        self.rows: list[Row] = []
        self.refused: list[Refused] = []
        self.unknown: Counter[str] = Counter()

    def read(self, record: Record) -> None:
        form = self.form
        name = record.values.get(form.site, "") if form.site else self.asked
        site = self.context.site(name)
        if site is None:
            self.unknown[name or "?"] += 1
            return
        ending = self._ending(record)
        if ending is None:
            return
        if form.fields:
            for field, item in form.fields.items():
                mark = record.values.get(_mark_field(form, field), "") if form.mark else ""
                self._keep(record, ending, site, self.context.parameters[item], record.values.get(field, ""), mark)
            return
        said = record.values.get(form.item, "")
        parameter = self._item(said)
        if parameter is None:
            self.unknown[f"{form.item} {snippet(said)}"] += 1
            return
        mark = record.values.get(form.mark, "") if form.mark else ""
        self._keep(record, ending, site, parameter, record.values.get(form.value, ""), mark)

    def _item(self, said: str) -> Parameter | None:
        if said in self.form.items:
            return self.context.parameters[self.form.items[said]]
        return self.names.get(plain(said))

    def _ending(self, record: Record) -> int | None:
        form = self.form
        text = " ".join(part for name in form.time if (part := record.values.get(name, "").strip()))
        at = moment_of(text, form)
        if at is None:
            self.refuse(record.line, "refused.table_time", text, text=snippet(text))
            return None
        point = periods.minute(at.replace(second=0, microsecond=0)) + (at.second >= 30)
        ending = point + int(form.span) if form.starts else point
        if form.span is Span.DAY:
            day = periods.today(point) if form.starts else periods.day_of(point)
            ending = periods.hour_ending(day, 24)
        elif form.span and (ending + periods.OFFSET) % int(form.span):
            self.refuse(record.line, "refused.table_interval", text, text=snippet(text))
            return None
        if ending > self.latest:
            self.refuse(record.line, "refused.future", text, at=periods.clock(ending))
            return None
        return ending

    def _keep(self, record: Record, ending: int, site: int, parameter: Parameter, text: str, said: str) -> None:
        form = self.form
        if self._absent(text):
            return
        if self.context.media.get(site, parameter.medium) is not parameter.medium:
            medium = t(f"medium.{parameter.medium}", self.context.lang)
            self.refuse(record.line, "refused.table_medium", text, item=self.context.item(parameter), medium=medium)
            return
        try:
            unit = record.values.get(form.unit, "") if form.unit else form.unit_of(parameter)
            found = marked(text, parameter, shift_between(unit, parameter.unit))
        except Unreadable as error:
            item = self.context.item(parameter)
            self.refuse(record.line, "refused.item", text, item=item, reason=error.said(self.context.lang))
            return
        if found is None:
            return
        value, mark = found
        if form.mark and said.strip() not in ("", *MISSING):
            own = form.marks.get(said.strip())
            if own is None:
                self.refuse(record.line, "refused.table_mark", text, mark=snippet(said))
                return
            mark = mark if own is Mark.NONE else own
        self.rows.append((ending, site, parameter.number, self.stream, value, mark))

    def _absent(self, text: str) -> bool:
        """Whether a cell holds one of the source's own marks of nothing; numbers are compared as numbers."""
        text = text.strip()
        if text.upper() in MISSING or text in self.form.missing:
            return True
        try:
            return any(rounding.scaled(text, 9) == rounding.scaled(mark, 9) for mark in self.form.missing)
        except ValueError:
            return False

    def refuse(self, line: int, key: str, row: str, **values: object) -> None:
        reason = t(key, self.context.lang, **values)
        self.refused.append(Refused(self.payload.origin, line, reason, row[:200]))
