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

from envmon import periods, rounding, standards
from envmon.errors import SourceChanged, SourceUnavailable, UsageError
from envmon.http import Session, shown
from envmon.model import Kind, Mark, Medium, Parameter, Payload, Refused, Row, Site, SourceSpec, Span
from envmon.sources.answers import about, followed
from envmon.sources.answers import asked as asked_for
from envmon.sources.cells import MISSING, Unreadable, marked, shift_between, snippet
from envmon.sources.context import EARLY, Ask, Context, Other, Parsed, ask_all, item_names, plain
from envmon.sources.files import Sheet, find_header, no_header, sheet, strict_json
from envmon.sources.table_form import ABSENT, STEPS, WINDOW, Form, at_path, filled, form_of, moment_of, places
from envmon.texts import t

MOST_PAGES = 1000
KEPT = 30 * periods.DAY
"""Minutes of the past a service is asked for when its address takes a window and option `keeps` says nothing."""
OLDEST = periods.calendar(periods.FIRST_DAY).year + 1
"""Year before which a time is none: services write 0 milliseconds, or 1900, where they have none."""
Values = dict[str, Any]


# --- asking -------------------------------------------------------------------------------------------------------


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """One answer for each address the template gives: step by step of the window, site by site, page by page.

    A file of a step that is not there yet (404) is no error, unless of several not one is.
    Raises UsageError when it is to be asked site by site and no site has a code.
    """
    form = form_of(spec.options)
    names = _places(spec, form)
    if "site" in names and not _codes(spec, form, sites):
        raise UsageError("error.source.table_codes", name=spec.id)
    steps = list(asks(spec, form, names, now, sites))
    by_step = bool(names & {"hour", "day", "month"})
    found = False
    for payload in ask_all(_questions(session, spec, form, names, steps), now, may_be_absent=by_step):
        found = True
        yield payload
    if by_step and not found and len(steps) > 1:
        raise SourceUnavailable("error.source.nothing_there", count=len(steps), url=shown(spec.url))


def reach(spec: SourceSpec) -> int | None:
    """How far back a service can be asked: option `keeps`, or KEPT; None when its address takes no window."""
    form = form_of(spec.options)
    return (form.keeps or KEPT) if _places(spec, form) & set(WINDOW) else None


def media(spec: SourceSpec) -> tuple[Medium, ...]:
    """What the items named in the options are of; all where the service's own names are taken."""
    items = form_of(spec.options).item_ids
    known = standards.parameters()
    return tuple(one for one in Medium if not items or any(known[item].medium is one for item in items))


def _places(spec: SourceSpec, form: Form) -> set[str]:
    return {name for text in (spec.url, *form.form.values()) for name, _ in places(str(text))}


def _codes(spec: SourceSpec, form: Form, sites: Sequence[Site]) -> list[str]:
    """The codes to ask for, each once: sites that followed one another may share theirs."""
    mine = media(spec)
    found = [site.code for site in sites if site.kind is not Kind.AREA and site.kind.medium in mine]
    return list(dict.fromkeys(code for code in found if code))


def asks(spec: SourceSpec, form: Form, names: set[str], now: int, sites: Sequence[Site]) -> Iterator[Values]:
    """The values to fill the templates with, for all of the look-back."""
    since = now - spec.lookback - (int(form.span) if form.starts else 0)  # an hour that ends after it began before
    codes = _codes(spec, form, sites) if "site" in names else [""]
    for window in windows(form, names, since, now):
        for code in codes:
            yield {**window, "site": code} if code else window


def windows(form: Form, asked: set[str], since: int, until: int) -> Iterator[Values]:
    """The window in the steps the template asks for: hours, days or months of the source's zone, or pieces of it.

    What is named by its end may stand at `until` itself, in the step that begins there.
    """
    name = next((one for one in ("hour", "day", "month") if one in asked), "")
    if name:
        for begin, end in _steps(name, form.offset, since, until if form.starts else until + 1):
            yield {"hour": begin, "day": begin, "month": begin, "from": begin, "to": end}
        return
    length = (form.max_window if asked & {"from", "to"} else None) or max(until - since, 1)
    for begin in range(since, until, length):
        yield {"from": begin, "to": min(begin + length, until)}


def _steps(name: str, offset: int, since: int, until: int) -> Iterator[tuple[int, int]]:
    """(first minute, end) of the steps from the one that holds `since` to the last that begins before `until`."""
    if name == "month":
        for month in periods.months(periods.between(*((at + offset) // periods.DAY for at in (since, until - 1)))):
            yield month.first * periods.DAY - offset, (month.last + 1) * periods.DAY - offset
        return
    length = STEPS[name]
    for begin in range((since + offset) // length * length - offset, until, length):
        yield begin, begin + length


def _questions(session: Session, spec: SourceSpec, form: Form, names: set[str], steps: list[Values]) -> Iterator[Ask]:
    for values in steps:
        if "page" in names:
            pages = _Pages(session, spec, form, values)
            yield from followed(pages.ask(), pages.following, MOST_PAGES)
        else:
            yield _ask(session, spec, form, values)


class _Pages:
    """One question being read page by page: until the last by the number of pages or records told, or one not full."""

    def __init__(self, session: Session, spec: SourceSpec, form: Form, values: Values) -> None:
        self.session, self.spec, self.form, self.values = session, spec, form, values
        self.page, self.seen, self.last = form.first_page, 0, b""

    def ask(self) -> Ask:
        return _ask(self.session, self.spec, self.form, {**self.values, "page": self.page})

    def following(self, body: bytes) -> Ask | None:
        origin = self.ask()[0]
        try:
            more = self._more(Payload(origin, body, 0))
        except _Astray as error:
            return origin, partial(_fail, error)
        self.page, self.last = self.page + 1, body
        return self.ask() if more else None

    def _more(self, payload: Payload) -> bool:
        """Whether another page follows. Raises _Astray for what no reader of one page alone would see."""
        form = self.form
        if form.format != "json":
            count = len(_below(payload, form, "zh")[2])
            more, told = count >= (form.page_size or 1), 0
        else:
            answer = strict_json(payload)
            count = len(_records(payload, form, answer))
            told = _told(payload, answer, form.count) if form.count else 0
            more = self.seen + count < told if form.count else count >= (form.page_size or 1)
            if form.pages:
                more = self.page - form.first_page + 1 < _told(payload, answer, form.pages)
        self.seen += count
        if more and count and payload.body == self.last:
            raise _Astray("error.source.same_page", origin=payload.origin, page=self.page)
        if self.seen < told and (not more or not count):
            raise _Astray("error.source.count", origin=payload.origin, told=told, found=self.seen)
        return more


class _Astray(SourceChanged):
    """Pages that do not turn, or do not hold what they say."""


def _fail(error: SourceChanged) -> bytes:
    raise error


def _told(payload: Payload, answer: Any, path: str) -> int:
    told = _text(at_path(answer, path))
    if not told.isdecimal():
        raise _Astray("error.source.path", origin=payload.origin, path=path)
    return int(told[:9])


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
    if form.format == "json":
        paged = context.spec is not None and "page" in _places(context.spec, form)
        found, there = _json(payload, form, paged)
    else:
        found, there = _table(payload, form, context.lang, reader)
    for record in found:
        reader.read(record)
    if found:
        reader.miss([name for name in form.value_fields if name not in there], found)
    return Parsed(reader.rows, reader.refused, reader.unknown)


def _json(payload: Payload, form: Form, paged: bool) -> tuple[list[Record], set[str]]:
    """The records, and the fields that at least one of them has. `paged`: it is one page of `count` records."""
    answer = strict_json(payload)
    for path, wanted in form.ok.items():
        said = at_path(answer, path)
        if _text(said) != wanted:
            raise SourceChanged("error.source.not_ok", origin=payload.origin, path=path, said=snippet(_text(said)))
    records = _records(payload, form, answer)
    if form.count and not paged and _text(at_path(answer, form.count)) != str(len(records)):
        told = snippet(_text(at_path(answer, form.count)))
        raise SourceChanged("error.source.count", origin=payload.origin, told=told, found=len(records))
    names = [*form.fields_read, *form.mark_fields]
    found: list[Record] = []
    there: set[str] = set()
    for line, record in enumerate(records, 1):
        cells = {name: cell for name in names if (cell := at_path(record, name, ABSENT)) is not ABSENT}
        there |= cells.keys()
        found.append(Record(line, {name: _text(cell) for name, cell in cells.items()}))
    return found, there


def _records(payload: Payload, form: Form, answer: Any) -> list[Any]:
    found = at_path(answer, form.records)
    if not isinstance(found, list) or not all(isinstance(one, dict | list) for one in found):
        raise SourceChanged("error.source.path", origin=payload.origin, path=form.records or ".")
    return found


def _below(payload: Payload, form: Form, lang: str) -> tuple[Sheet, list[str | None], list[tuple[int, list[str]]]]:
    """A table, what its columns hold by the header's words (brackets and blanks forgiven), the rows below these."""
    table = sheet(payload, lang)
    wanted = {plain(name): name for name in (*form.fields_read, *form.mark_fields)}
    needed = [name for name in (form.site, *form.time, form.item, form.value) if name]
    found = find_header(table, lambda head: wanted.get(plain(head)), needed)
    if found is None:
        raise no_header(payload, table, *needed)
    return table, found[1], table.rows[found[0] + 1 :]


def _table(payload: Payload, form: Form, lang: str, reader: _Reader) -> tuple[list[Record], set[str]]:
    table, keys, rows = _below(payload, form, lang)
    reader.refused += table.refused
    if not table.ended and rows:
        line, cells = rows.pop()
        reader.refuse(line, "refused.cut", ",".join(cells))
    found = []
    for line, cells in rows:
        if len(cells) < len(keys) or any(cell.strip() for cell in cells[len(keys) :]):
            reader.refuse(line, "refused.width", ",".join(cells), found=len(cells), wanted=len(keys))
        else:
            found.append(Record(line, {key: cells[column] for column, key in enumerate(keys) if key}))
    return found, {key for key in keys if key}


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
                mark = record.values.get(form.mark_field(field), "")
                self._keep(record, ending, site, self.context.parameters[item], record.values.get(field, ""), mark)
            return
        said = record.values.get(form.item, "")
        parameter = self._item(said)
        if parameter is None:
            self.unknown[Other(f"{form.item} {snippet(said)}")] += 1
            return
        mark = record.values.get(form.mark, "") if form.mark else ""
        self._keep(record, ending, site, parameter, record.values.get(form.value, ""), mark)

    def miss(self, absent: Sequence[str], records: Sequence[Record]) -> None:
        """Tell of fields no record has. JSON may leave out what is empty, but not everything a record is read for."""
        form = self.form
        if form.format == "json" and form.fields and len(absent) < len(form.fields):
            self.unknown.update({Other(f"field {name}"): len(records) for name in absent})
        elif absent:
            self.refuse(records[0].line, "refused.table_field", "", fields=", ".join(absent))

    def _item(self, said: str) -> Parameter | None:
        if said in self.form.items:
            return self.context.parameters[self.form.items[said]]
        return self.names.get(plain(said))

    def _ending(self, record: Record) -> int | None:
        form = self.form
        text = " ".join(part for name in form.time if (part := record.values.get(name, "").strip()))
        at = moment_of(text, form)
        if at is None or at.year < OLDEST:
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
