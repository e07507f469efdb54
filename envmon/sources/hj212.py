"""HJ 212: what stations push. A segment's values as rows; files of recorded frames for `envmon import`.

Frames come in at the listener, which keeps every one; there is nothing to fetch. Never here: sockets, passwords,
acknowledging.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from envmon import periods
from envmon.errors import UsageError
from envmon.hj212.data import (
    COUNTS,
    READINGS,
    VALUES,
    Data,
    Kind,
    Value,
    data_of,
    length_of,
    mark_of,
    stands_for_nothing,
)
from envmon.hj212.frames import Bad, BadFrame, frames_of
from envmon.hj212.segments import BadSegment, Segment, masked, read
from envmon.http import Session
from envmon.model import Basis, Device, Mark, Medium, Parameter, Payload, Refused, Row, Site, SourceSpec, Span
from envmon.sources.cells import MISSING, Unreadable, is_concentration, number, shift_between
from envmon.sources.context import Context, Parsed
from envmon.texts import t

TELEMETRY = SourceSpec("telemetry", "hj212", "", 60, 0, 0, Basis.REALTIME)
"""The source that readings of stations belong to; it is not in the config and is never asked."""

AHEAD = 10
"""Minutes a station's clock may be ahead of ours."""

BACKFILL = 365 * periods.DAY
"""Minutes of the past a station may fill in; before that a clock is more likely wrong than the record late."""

UNIT_UNKNOWN = ("w01016",)
"""Factors of water that stations send in several units: chlorophyll a."""


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """Raises UsageError: stations push, there is nothing to ask."""
    raise UsageError("error.frame.pushed", source=spec.id)


def parse(payload: Payload, context: Context) -> Parsed:
    """Recorded frames, one or more a line, whatever stands before the first `##` of a line.

    Frames of devices that are not enrolled are counted under their MN. A recording may be of any age.
    """
    rows: list[Row] = []
    refused: list[Refused] = []
    unknown: Counter[str] = Counter()
    for line, text in enumerate(payload.body.splitlines(), 1):
        for one in frames_of(text):
            if isinstance(one, BadFrame):
                refused.append(Refused(payload.origin, line, t(BAD[one.kind], context.lang), shown(one.data)))
                continue
            found = _of_frame(one.segment, payload, context, line)
            rows += found.rows
            refused += found.refused
            unknown.update(found.unknown)
    return Parsed(rows, refused, unknown)


BAD = {
    Bad.NOISE: "refused.frame.noise",
    Bad.LENGTH: "refused.frame.length",
    Bad.TOO_LONG: "refused.frame.too_long",
    Bad.CRC: "refused.frame.crc",
    Bad.CRC_MODBUS: "refused.frame.crc_modbus",
    Bad.ENCRYPTED: "refused.frame.encrypted",
}
"""Why a frame is refused, as a key of the catalogue."""


def shown(data: bytes) -> str:
    """The beginning of a frame or segment as it may be kept: without its password."""
    return masked(data).decode("utf-8", "replace")[:200]


def _of_frame(data: bytes, payload: Payload, context: Context, line: int) -> Parsed:
    try:
        segment = read(data)
    except BadSegment as error:
        return Parsed([], [Refused(payload.origin, line, error.said(context.lang), shown(data))])
    device = context.devices.get(segment.mn)
    if device is None:
        return Parsed([], [], {segment.mn: len(data_of(segment).values)})
    found = rows_of(segment, device, context, payload.taken, backfill=None)
    return Parsed(found.rows, [Refused(payload.origin, line, r.reason, r.text) for r in found.refused], found.unknown)


def rows_of(
    segment: Segment, device: Device, context: Context, received: int, *, backfill: int | None = BACKFILL
) -> Parsed:
    """The readings in one segment of an enrolled device.

    received : minute at which the frame came; backfill : minutes of the past that may still be filled in, None any
    Segments without readings (heartbeats, answers, states) give nothing. What cannot enter is refused with its reason;
    `unknown` counts factors and marks that nobody knows, and values that were sent empty.
    """
    origin, data = f"hj212:{segment.mn}", data_of(segment)
    if data.kind not in READINGS:
        return Parsed([])
    try:
        site = _site(segment, device, context)
        if data.at is None or data.at.year < 1992:
            raise Unreadable("refused.frame.no_time", printed=(segment.value("DataTime") or "")[:20])
        ending = _ending(data.kind, data.at, device, received, backfill)
    except Unreadable as error:
        return Parsed([], [Refused(origin, 0, error.said(context.lang), _said(segment, data))])
    reader = _Reader(segment, data, device, context)
    stream = context.stream(_span(data.kind, device), Basis.REALTIME)
    rows: list[Row] = []
    refused: list[Refused] = []
    for value in reader.values():
        try:
            found = reader.reading(value)
        except Unreadable as error:
            text = f"{value.code}-{value.kind}={value.text}"
            refused.append(Refused(origin, 0, error.said(context.lang), text[:200]))
            continue
        if found is not None:
            rows.append((ending, site, found[0].number, stream, *found[1:]))
    return Parsed(rows, refused, reader.unknown)


def _said(segment: Segment, data: Data) -> str:
    return f"CN={segment.cn};DataTime={segment.value('DataTime') or ''};{len(data.values)}"


def _site(segment: Segment, device: Device, context: Context) -> int:
    if device.st and segment.st != device.st:
        raise Unreadable("refused.frame.st", st=segment.st, wanted=device.st)
    site = context.own(device.site)
    if site is None:
        raise Unreadable("refused.frame.site", site=device.site)
    return site


def _ending(kind: Kind, at: datetime, device: Device, received: int, backfill: int | None) -> int:
    """The minute at which the interval of the data ends. Raises Unreadable for a time that cannot be right."""
    start, length = periods.minute(at), length_of(kind, device)
    if kind is Kind.DAY:
        start = periods.hour_ending(periods.today(start), 0)  # precise to the day
    if length and (start + periods.OFFSET) % length:
        raise Unreadable("refused.frame.start", at=_clock(at), cn=kind.value, minutes=length)
    ending = start + length
    if ending > received + AHEAD:
        raise Unreadable("refused.frame.ahead", at=_clock(at), ending=periods.clock(ending))
    if backfill is not None and ending < received - backfill:
        raise Unreadable("refused.frame.old", at=_clock(at), days=backfill // periods.DAY)
    return ending


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _span(kind: Kind, device: Device) -> Span:
    if kind is Kind.REALTIME:
        return Span.MOMENT
    return Span(length_of(kind, device))


class _Reader:
    """One segment being read by the settings of its device."""

    def __init__(self, segment: Segment, data: Data, device: Device, context: Context) -> None:
        self.segment, self.data, self.device, self.context = segment, data, device, context
        self.wanted = COUNTS[data.kind]
        self.unknown: Counter[str] = Counter()

    def values(self) -> Iterator[Value]:
        """The value of each factor that is its reading; a factor sent without one is given as it is."""
        kinds: dict[str, set[str]] = {}
        for one in self.data.values:
            kinds.setdefault(one.code, set()).add(one.kind)
            if one.kind not in VALUES:
                self.unknown[f"{one.code}-{one.kind}"] += 1
        for one in self.data.values:
            if one.kind == self.wanted:
                yield one
            elif one.kind in VALUES and self.wanted not in kinds[one.code]:
                kinds[one.code].add(self.wanted)  # said once
                yield one

    def reading(self, value: Value) -> tuple[Parameter, int, Mark] | None:
        """(parameter, value in its steps, mark); None where there is nothing to keep. Raises Unreadable."""
        parameter = self._parameter(value.code)
        if parameter is None:
            self.unknown[value.code] += 1
            return None
        if value.kind != self.wanted:
            raise Unreadable("refused.frame.kind", code=value.code, cn=self.data.kind.value, wanted=self.wanted)
        mark = mark_of(self.segment, value.mark)
        if mark is Mark.OTHER:
            self.unknown[f"{value.code}-Flag={value.mark[:20]}"] += 1
        if value.text.upper() in MISSING or stands_for_nothing(self.segment, value.text):
            self.unknown[f"{value.code}={value.text[:20]}"] += 1
            return None
        steps = number(value.text, parameter, self._shift(value.code, parameter))
        return None if steps is None else (parameter, steps, mark)

    def _parameter(self, code: str) -> Parameter | None:
        own = self.device.factors.get(code)
        return self.context.parameters.get(own) if own is not None else self.context.by_code.get(code)

    def _shift(self, code: str, parameter: Parameter) -> int:
        """From the unit the device sends to the parameter's own; a concentration in air has no unit by itself."""
        unit = self.device.units.get(code)
        if unit is None and is_concentration(parameter.unit):
            unit = self.device.units.get("*")
            if unit is None and (parameter.medium is Medium.AIR or code in UNIT_UNKNOWN):
                raise Unreadable("refused.frame.unit", code=code, mn=self.device.mn)
            unit = unit or "mg/L"
        return shift_between(unit or "", parameter.unit)
