"""Laboratory sheets: manual samples of sections and drinking-water sources, `lab_2022-07.csv` for a month, or any file.

Wide form: 类型, 名称, 采样日期, one column per item (id, Chinese name or HJ 525 code), with its unit in brackets.
Long form: 名称, 采样日期, 项目, 结果, and 单位, 检出限 where known. Turned form: items down, one column per sample.
`0.02L`, `<0.02` and 未检出 (with a detection limit beside it) are below detection; an empty cell and -1 mean not
monitored. A sample without a time of day counts as taken at noon. Where in a sheet they stand is told by `lab_forms`.
Never here: judging, and guessing what a column is: one that is not known is refused, aloud.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from envmon import periods
from envmon.http import Session
from envmon.model import Basis, Parameter, Payload, Refused, Site, SourceSpec, Span
from envmon.sources.cells import ERRORS, MISSING, Unreadable, marked, printed_time, shift_between, tidy
from envmon.sources.context import BRACKET, Context, Parsed, monthly, plain
from envmon.sources.files import Sheet, all_sheets, no_header
from envmon.sources.heads import Items, item_key
from envmon.sources.lab_forms import IGNORED, NOTE, SUMMARIES, Form, form_of, holds_values, is_sample, key_of
from envmon.texts import t

NOT_MONITORED = frozenset(["-1", "未监测", "未测", "不测", "未检测", "未采样", "缺测", "无数据"])
LIMIT_ENDINGS = ("检出限", "limit")
SERIAL = re.compile(r"[3-6]\d{4}(?:\.\d+)?\Z")
"""A day between 1982 and 2091 as a spreadsheet counts."""

CLOCK = re.compile(r"(\d{1,2})[:时](\d{2})?分?(?::\d{2})?\Z")
NOON = 12


@dataclass(frozen=True, slots=True)
class Column:
    """A column (or, in the other forms, an item and a unit) that is understood."""

    parameter: Parameter
    shift: int
    at: int = -1
    limit_at: int | None = None


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The sheets of the months the window touches; a month whose sheet is not there yet is no error."""
    yield from monthly(session, spec, now, "lab")


def parse(payload: Payload, context: Context) -> Parsed:
    """Samples of the configured sites, in the parameters' own units, on the manual stream.

    A sheet of a workbook without a header is refused if it holds values, and so is a hidden one that has a header.
    Raises SourceChanged when no sheet names sites and dates.
    """
    tables = all_sheets(payload, context.lang)
    items = Items(context.parameters)
    forms = [(table, form_of(table, items, payload.origin)) for table in tables]
    if not any(form and not table.hidden for table, form in forms):
        shown = [table for table in tables if not table.hidden]
        raise no_header(payload, shown[0] if shown else Sheet([]), "名称", "采样日期")
    found = Parsed([], [], Counter[str]())
    for table, form in forms:
        if form and not table.hidden:
            _Reader(payload, context, form, table, items, found).read()
        elif form or (not table.hidden and holds_values(table)):
            reason = t("refused.sheet.hidden" if form else "refused.sheet.no_header", context.lang)
            found.refused.append(Refused(payload.origin, 0, reason, sheet=table.name))
    return found


class _Reader:
    """One sheet being read; what it says is added to `found`."""

    def __init__(
        self, payload: Payload, context: Context, form: Form, table: Sheet, items: Items, found: Parsed
    ) -> None:
        self.origin, self.context, self.lang = payload.origin, context, context.lang
        self.form, self.table, self.items = form, table, items
        self.last = payload.taken
        self.rows, self.refused = found.rows, found.refused
        self.unknown: Counter[str] = found.unknown  # type: ignore[assignment]
        self.stream = context.stream(Span.SAMPLE, Basis.MANUAL)
        self.merged: dict[int, list[tuple[int, int]]] = {}  # line -> columns from..to that are one cell
        for top, left, bottom, right in table.merged:
            if right > left:
                for line in range(max(top, form.line + 1), bottom + 1):
                    self.merged.setdefault(line, []).append((left - 1, right - 1))

    def read(self) -> None:
        self.refused += self.table.refused
        data = list(self.form.data)
        if not self.table.ended and data and data[-1] == self.table.rows[-1]:
            cut, cells = data.pop()
            self.refuse(cut, t("refused.cut", self.lang), ",".join(cells))
        if self.form.sites:
            self.read_turned(data)
        elif {"item", "result"} <= self.form.at.keys():
            self.read_long(data)
        else:
            self.read_wide(data)

    def read_wide(self, data: Sequence[tuple[int, list[str]]]) -> None:
        columns = list(self._columns(data))
        for number, cells in data:
            found = self._sample(number, cells, [column.at for column in columns])
            if found is None:
                continue
            for column in columns:
                limits = [cells[column.limit_at]] if column.limit_at is not None else self.form.limits[column.at :][:1]
                self._keep(number, found, column, cells[column.at], "".join(limits), column.at)

    def read_long(self, data: Sequence[tuple[int, list[str]]]) -> None:
        understood: dict[tuple[str, str], Column | str] = {}
        for number, cells in data:
            found = self._sample(number, cells, [self.form.at["result"]])
            if found is None:
                continue
            text = {key: cells[at].strip() for key, at in self.form.at.items()}
            what = text["item"], text.get("unit", "")
            if what not in understood:
                understood[what] = self._item(*what)
            column = understood[what]
            if isinstance(column, str):
                self.refuse(number, column, text["result"], self.form.at["item"] + 1)
            else:
                self._keep(number, found, column, text["result"], text.get("limit", ""), self.form.at["result"])

    def read_turned(self, data: Sequence[tuple[int, list[str]]]) -> None:
        form = self.form
        samples = {at: found for at in form.sites if (found := self._across(at, data))}
        for number, cells in data:
            label = {key: cells[at].strip() for key, at in form.at.items() if at < len(cells)}
            name = label.get("item", "")
            values = [at for at in form.sites if at < len(cells) and cells[at].strip()]
            if not values or plain(name) in SUMMARIES | IGNORED or key_of(name) or NOTE.match(tidy(name)):
                continue
            column = self._item(name, label.get("unit", ""))
            if isinstance(column, str):
                reason = t("refused.row", self.lang, reason=column, count=len(values))
                self.refuse(number, reason, ",".join(cells), form.at["item"] + 1)
                continue
            for at in values:
                if at in samples:
                    self._keep(number, samples[at], column, cells[at], label.get("limit", ""), at)

    def _across(self, at: int, data: Sequence[tuple[int, list[str]]]) -> tuple[int, int] | None:
        """The sample a column of a turned sheet is; None when it is refused or its site is not configured."""
        name, printed = self.form.heads[at].strip(), "".join(self.form.dates[at : at + 1]).strip()
        site = self.context.site(name)
        if site is None:
            self.unknown[name] += sum(1 for _, cells in data if at < len(cells) and cells[at].strip())
            return None
        ending = self._ending(self.form.line, printed, "", name, at)
        return None if ending is None else (ending, site)

    def _columns(self, data: Sequence[tuple[int, list[str]]]) -> Iterator[Column]:
        """The item columns of a wide sheet; one nobody knows is refused together with what it holds."""
        heads = self.form.heads
        limits = {name: at for at, head in enumerate(heads) if (name := _limit_of(head))}
        for at, head in enumerate(heads):
            name = BRACKET.sub("", head.strip())
            if key_of(head) or at in limits.values() or plain(name) in IGNORED or not head.strip():
                continue
            column = self._item(head)
            if isinstance(column, str):
                samples = [cells for _, cells in data if len(cells) > at and is_sample(cells, self.form)]
                values = sum(1 for cells in samples if cells[at].strip())
                reason = t("refused.column", self.lang, reason=column, count=values)
                self.refuse(self.form.line, reason, head, at + 1)
            else:
                beside = at + 1 if key_of("".join(heads[at + 1 : at + 2])) == "limit" else None
                yield Column(column.parameter, column.shift, at, limits.get(item_key(self.items.find(head)[2]), beside))

    def _item(self, head: str, unit: str = "") -> Column | str:
        """The parameter and the shift of its unit, or the reason why there is none."""
        parameter, printed, name = self.items.find(head)
        if parameter is None:
            return t("refused.unknown_item", self.lang, name=name)
        try:
            return Column(parameter, shift_between(unit or printed, parameter.unit))
        except Unreadable as error:
            return t("refused.item", self.lang, item=name, reason=error.said(self.lang))

    def _sample(self, line: int, cells: list[str], values: Sequence[int]) -> tuple[int, int] | None:
        """(ending, site number) of a row; None when it is refused, is no sample or its site is not configured."""
        width, at = len(self.form.heads), self.form.at
        if not any(text.strip() for text in cells[width:]):
            del cells[width:]
        site = self.context.site(cells[at["name"]].strip()) if at["name"] < len(cells) else None
        if site is None and not is_sample(cells, self.form):
            return None
        if len(cells) != width:
            reason = t("refused.width", self.lang, found=len(cells), wanted=width)
            self.refuse(line, reason, ",".join(cells))
            return None
        name = cells[at["name"]].strip()
        if site is None and name and not _failed(name):
            self.unknown[name] += 1
            return None
        if not any(cells[place].strip() for place in values):
            return None  # nothing to keep, so nothing to miss
        if site is None:
            reason = self._failure(name) if name else t("refused.no_name", self.lang)
            self.refuse(line, reason, ",".join(cells), at["name"] + 1)
            return None
        date_at = at.get("date")
        printed = self.form.day if date_at is None else cells[date_at].strip()
        clock = cells[self.form.clock_at].strip() if self.form.clock_at is not None else ""
        ending = self._ending(line, printed, clock, ",".join(cells), date_at)
        return None if ending is None else (ending, site)

    def _ending(self, line: int, printed: str, clock: str, text: str, at: int | None) -> int | None:
        """When a sample was taken; None when that is refused."""
        column = 0 if at is None else at + 1
        if _failed(printed):
            self.refuse(line, self._failure(printed), text, column)
            return None
        ending = self._sampled(printed, clock)
        if ending is None:
            self.refuse(line, t("refused.date", self.lang, printed=printed), text, column)
        elif periods.day_of(ending) > periods.today(self.last):
            self.refuse(line, t("refused.later", self.lang, printed=printed), text, column)
            return None
        return ending

    def _sampled(self, printed: str, clock: str) -> int | None:
        if self.table.name and SERIAL.match(printed):
            first = datetime(1904, 1, 1) if self.table.since_1904 else datetime(1899, 12, 30)
            seconds = round(float(printed) * 86400)
            at, timed = first + timedelta(seconds=seconds), bool(seconds % 86400)
        elif found := printed_time(printed, self.form.year):
            at, timed = found
        elif not printed and clock:
            return self._sampled(clock, "")
        elif self.form.day and CLOCK.match(tidy(printed)):
            return self._sampled(self.form.day, printed)
        else:
            return None
        hour = CLOCK.match(tidy(clock))
        if not timed and hour and int(hour[1]) < 24 and int(hour[2] or 0) < 60:
            return periods.minute(at.replace(hour=int(hour[1]), minute=int(hour[2] or 0)))
        return periods.minute(at if timed else at.replace(hour=NOON))

    def _keep(self, line: int, sample: tuple[int, int], column: Column, text: str, limit: str, at: int) -> None:
        if tidy(text) in NOT_MONITORED:
            return
        item = self.context.item(column.parameter)
        across = [(left, right) for left, right in self.merged.get(line, ()) if left <= at <= right]
        if across and text.strip().upper() not in MISSING:
            if at == across[0][0]:
                self.refuse(line, t("refused.merged", self.lang, item=item), text, at + 1)
            return
        try:
            found = marked(text, column.parameter, column.shift, limit)
        except Unreadable as error:
            self.refuse(line, t("refused.item", self.lang, item=item, reason=error.said(self.lang)), text, at + 1)
            return
        if found is not None:
            ending, site = sample
            self.rows.append((ending, site, column.parameter.number, self.stream, *found))

    def _failure(self, text: str) -> str:
        return t("refused.cell.formula" if text.startswith("=") else "refused.cell.error", self.lang, text=text[:60])

    def refuse(self, line: int, reason: str, text: str, column: int = 0) -> None:
        self.refused.append(Refused(self.origin, line, reason, text[:200], self.table.name, column))


def _failed(text: str) -> bool:
    """Whether a cell is a formula without a result, or with one that is an error."""
    return text.startswith("=") or text in ERRORS


def _limit_of(head: str) -> str:
    """The name of the item whose detection limit a column holds: `锰_检出限`, `manganese_limit`; else nothing."""
    name = item_key(BRACKET.sub("", head.strip()))
    for ending in LIMIT_ENDINGS:
        if name.endswith(ending) and name != ending:
            return item_key(BRACKET.sub("", name.removesuffix(ending).rstrip("_-")))
    return ""
