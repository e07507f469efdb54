"""Hourly air archive: one CSV a day, one column per city or station (`china_cities_20220101.csv`, `china_sites_…`).

Columns: date (YYYYMMDD), hour (0..23, UTC+8), type, then one column per city name or station code. An hour is named by
its end, so hour 0 belongs to the day before. Moving means (`_24h`, `_8h`) are not read: envmon makes its own.
Merged files of many days have the same form. Never here: judging, flags, the index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from envmon import periods
from envmon.errors import SourceChanged, SourceUnavailable, UsageError
from envmon.http import Session, joined
from envmon.model import Parameter, Payload, Refused, Row, Site, SourceSpec, Span
from envmon.sources.cells import Unreadable, number, printed_time, snippet
from envmon.sources.context import EARLY, Context, Other, Parsed, Problem, ask_all, said_wrong
from envmon.texts import t

TYPES = {
    b"SO2": "so2",
    b"NO2": "no2",
    b"CO": "co",
    b"O3": "o3",
    b"PM10": "pm10",
    b"PM2.5": "pm25",
    b"AQI": "published_aqi",
}
SKIPPED = frozenset([b"PM2.5_24h", b"PM10_24h", b"SO2_24h", b"NO2_24h", b"CO_24h", b"O3_24h", b"O3_8h", b"O3_8h_24h"])
FORMS = ("cities", "sites")
UNREADABLE = -(2**62)
BOM = b"\xef\xbb\xbf"


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The day files of the window; option `form` is `cities` (default) or `sites`. A day not yet there is no error.

    Raises SourceUnavailable also when of several days not one is there: then the address is wrong.
    """
    form = spec.options.get("form", "cities")
    # hour 0 stands in the file of the day that begins with it, so the running day is asked for too
    days = range(periods.today(now - spec.lookback), periods.today(now) + 1)
    addresses = [joined(spec.url, f"china_{form}_{periods.calendar(day):%Y%m%d}.csv") for day in days]
    found = False
    asks = [(url, partial(session.get, url, conditional=True)) for url in addresses]
    for payload in ask_all(asks, now, may_be_absent=True):
        found = True
        yield payload
    if not found and not session.unchanged and len(addresses) > 1:
        raise SourceUnavailable("error.source.no_days", count=len(addresses), url=addresses[-1])


def problems(url: str, options: Any, parameters: Mapping[str, Parameter], sites: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the options in the config."""
    if options.get("form", "cities") not in FORMS:
        yield "form", "one_of", {"words": " ".join(FORMS)}
    yield from said_wrong(lambda: _swapped("", options.get("swapped")))


def parse(payload: Payload, context: Context) -> Parsed:
    """Hourly rows of the configured cities or stations.

    Raises SourceChanged when the first line is not the header of this form.
    """
    head, _, rest = payload.body.removeprefix(BOM).partition(b"\n")
    names = _header(head, payload)
    table = _Table(payload, names, context)
    lines = rest.split(b"\n")
    tail = lines.pop()  # empty when the last line is ended
    table.read(lines)
    table.read_tail(len(lines) + 2, tail)
    return Parsed(table.rows, table.refused, table.unknown)


def _header(line: bytes, payload: Payload) -> list[str]:
    for encoding in ("utf-8", "gb18030"):
        try:
            names = line.decode(encoding).strip().split(",")
        except UnicodeDecodeError:
            continue
        if names[:3] == ["date", "hour", "type"] and len(names) > 3:
            return names[3:]
        break
    raise SourceChanged("error.source.first_line", origin=payload.origin, begins=snippet(line))


class _Column(dict[bytes, "int | None"]):
    """Printed text -> steps of one parameter; each text is understood once."""

    def __init__(self, parameter: Parameter) -> None:
        super().__init__({b"": None})
        self.parameter = parameter

    def __missing__(self, text: bytes) -> int | None:
        try:
            value = number(text.decode("utf-8", "replace"), self.parameter)
        except Unreadable:
            value = UNREADABLE
        self[text] = value
        return value


class _Table:
    """One file being read: what is in it so far."""

    def __init__(self, payload: Payload, names: list[str], context: Context) -> None:
        self.origin, self.width, self.lang = payload.origin, len(names), context.lang
        self.latest = payload.taken + EARLY
        self.rows: list[Row] = []
        self.refused: list[Refused] = []
        self.unknown: Counter[str] = Counter()
        self.names = names
        known = {at: site for at, name in enumerate(names) if (site := context.site(name)) is not None}
        self.positions, self.sites = list(known), list(known.values())
        self.strangers = [name for at, name in enumerate(names) if at not in known]
        self.columns = {kind: _Column(context.parameters[name]) for kind, name in TYPES.items()}
        self.stream = context.stream(Span.HOUR)
        self.swap_from, self.swapped = _swapped(context.spec.id if context.spec else "", context.option("swapped"))

    def read(self, lines: Iterable[bytes]) -> None:
        """Take in whole lines; the first is line 2 of the file."""
        endings: dict[tuple[bytes, bytes], int | None] = {}
        positions, sites, stream, width = self.positions, self.sites, self.stream, self.width
        taken = 0
        for line_number, line in enumerate(lines, 2):
            try:
                day, hour, kind, rest = line.split(b",", 3)
            except ValueError:
                if line.strip():
                    self._refuse(line_number, t("refused.short", self.lang), line)
                continue
            if self.swapped and day >= self.swap_from:
                kind = self.swapped.get(kind, kind)
            column = self.columns.get(kind)
            if column is None:
                if kind not in SKIPPED:
                    self.unknown[Other(f"type {snippet(kind)}")] += 1
                continue
            values = rest.rstrip(b"\r").split(b",")
            if len(values) != width:
                reason = t("refused.width", self.lang, found=len(values) + 3, wanted=width + 3)
                self._refuse(line_number, reason, line)
                continue
            key = day, hour
            if key not in endings:
                endings[key] = _ending(day, hour)
            ending = endings[key]
            if ending is None:
                self._refuse(line_number, t("refused.hour", self.lang), line)
                continue
            if ending > self.latest:
                self._refuse(line_number, t("refused.future", self.lang, at=periods.clock(ending)), line)
                continue
            steps = [column[values[at]] for at in positions]
            if UNREADABLE in steps:
                steps = self._without_unreadable(line_number, kind, values, steps)
            item = column.parameter.number
            self.rows += [
                (ending, site, item, stream, value, 0)
                for site, value in zip(sites, steps, strict=True)
                if value is not None
            ]
            taken += 1
        for name in self.strangers:
            self.unknown[name] += taken

    def read_tail(self, line_number: int, line: bytes) -> None:
        """The last line when nothing ends it: it may be cut anywhere, so a wanted one does not enter."""
        parts = line.split(b",")
        if line.strip() and not (len(parts) == self.width + 3 and parts[2] in SKIPPED):
            self._refuse(line_number, t("refused.cut", self.lang), line)

    def _without_unreadable(
        self, line_number: int, kind: bytes, values: list[bytes], steps: list[int | None]
    ) -> list[int | None]:
        for at, value in zip(self.positions, steps, strict=True):
            if value == UNREADABLE:
                reason = t("refused.value", self.lang, item=snippet(kind), site=self.names[at])
                self._refuse(line_number, reason, values[at])
        return [None if value == UNREADABLE else value for value in steps]

    def _refuse(self, line_number: int, reason: str, text: bytes) -> None:
        self.refused.append(Refused(self.origin, line_number, reason, text.decode("utf-8", "replace")[:200]))


def _swapped(source: str, option: Any) -> tuple[bytes, dict[bytes, bytes]]:
    """Option `swapped`: the day (YYYYMMDD) from which two types stand under each other's name, and their right names.

    Raises UsageError when it is not written right.
    """
    if option is None:
        return b"", {}
    found = printed_time(str(option.get("from"))) if isinstance(option, Mapping) else None
    types = option.get("types") if isinstance(option, Mapping) else None
    known = {kind.decode() for kind in (*TYPES, *SKIPPED)}
    if not found or not isinstance(types, list | tuple) or len(types) != 2 or not set(map(str, types)) <= known:
        form = '{ from = "2023-11-09", types = ["O3", "O3_8h"] }'
        raise UsageError("error.source.option", name=source, key="swapped", form=form)
    one, other = (str(kind).encode() for kind in types)
    return f"{found[0]:%Y%m%d}".encode(), {one: other, other: one}


def _ending(day: bytes, hour: bytes) -> int | None:
    try:
        if len(day) != 8 or not 0 <= int(hour) <= 23:
            return None
        return periods.minute(datetime(int(day[:4]), int(day[4:6]), int(day[6:]), int(hour)))
    except ValueError:
        return None
