"""Telemetry taken over: the listener's raw frames become readings, each exactly once, in the order they came.

How far the journal was taken is kept in the main database, in the transaction that keeps the readings: a process that
dies in between loses nothing and repeats nothing. The store is open for one batch at a time.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from envmon import periods, standards
from envmon.errors import EnvmonError
from envmon.hj212.segments import read
from envmon.model import (
    NO_VALUE,
    POLLUTANTS,
    Basis,
    Config,
    Device,
    Mark,
    Payload,
    RawFrame,
    Refused,
    Row,
    Span,
    Stream,
    Tally,
)
from envmon.pipeline.pull import context_of, keep
from envmon.sources import Context, Parsed
from envmon.sources.hj212 import TELEMETRY, rows_of, shown
from envmon.store import Opened, Store
from envmon.store.journal import TAKEN, Journal, beside
from envmon.texts import t

LOG = logging.getLogger("envmon.telemetry")

BATCH = 200  # frames taken over in one transaction: the writer's lock is held for a fraction of a second
PENDING = "telemetry_hours"
"""Meta: hours to be made of minutes, as [MN, ending]."""
UNKNOWN = "telemetry_unknown"
"""Meta: {MN: {what a station sent that nobody knows: how often}}."""
NAMES = 50  # unknown names told apart for one station
UNREADABLE = (EnvmonError, ValueError, ArithmeticError, LookupError)
GRACE = 5  # minutes after its end at which an hour is made of the minutes that came; later ones revise it


def drain(opened: Opened, config: Config, now: int) -> Tally:
    """Take over every frame that has come, then make the hours that are due; the tally counts values."""
    total, path = Tally(), beside(config.paths.database)
    if path.exists():
        with Journal.read(path) as journal:
            end, taken = journal.newest(), -1
            while taken < end:
                with opened() as store:
                    tally, at = take(store, config, journal, now)
                total += tally
                if at == taken or at == 0:
                    break
                taken = at
    with opened() as store:
        return total + make_hours(store, config, now)


def take(store: Store, config: Config, journal: Journal, now: int) -> tuple[Tally, int]:
    """One batch, all or nothing: (what became of its values, the number of the last frame taken)."""
    after = journal.taken(store.meta(TAKEN))
    frames = journal.frames(after, BATCH)
    if not frames:
        return Tally(), after
    total = Tally()
    with store.writing():
        context = context_of(store, config, TELEMETRY)
        unknown: dict[str, Counter[str]] = {}
        hours: set[tuple[str, int]] = set()
        for group in grouped(frames):
            parsed = understood(store, group, context, hours)
            unknown.setdefault(group.mn, Counter()).update(parsed.unknown)
            if parsed.rows or parsed.refused:
                payload = Payload(f"hj212:{group.mn}", b"", group.received)
                total += keep(store, TELEMETRY, payload, parsed, config.qc, now)
        if hours:
            store.set_meta(PENDING, sorted({*map(tuple, store.meta(PENDING) or []), *hours}))
        note_unknown(store, unknown)
        last = frames[-1]
        store.set_meta(TAKEN, {"journal": journal.identity, "frame": last.number, "received": last.received})
    return total, frames[-1].number


@dataclass(slots=True)
class Group:
    """Frames of one station that came in one minute."""

    mn: str
    received: int
    frames: list[RawFrame] = field(default_factory=list)


def grouped(frames: Iterable[RawFrame]) -> Iterable[Group]:
    """Frames by station and minute of receipt, both in the order they came."""
    found: dict[tuple[str, int], Group] = {}
    for one in frames:
        key = (one.mn, one.received // 60_000)
        found.setdefault(key, Group(*key)).frames.append(one)
    return found.values()


def understood(store: Store, group: Group, context: Context, hours: set[tuple[str, int]]) -> Parsed:
    """What a group of frames says. Of the moments of one minute the first is kept; `hours` gets those to be made."""
    device = context.devices.get(group.mn)
    if device is None:
        reason = t("refused.frame.device", context.lang, mn=group.mn)
        return Parsed([], [Refused(f"hj212:{group.mn}", 0, reason)])
    rows: list[Row] = []
    refused: list[Refused] = []
    unknown: Counter[str] = Counter()
    moment = context.stream(Span.MOMENT, Basis.REALTIME)
    for frame in group.frames:
        try:
            found = rows_of(read(frame.segment), device, context, group.received)
        except UNREADABLE as error:  # one frame must not keep those behind it
            reason = error.said(context.lang) if isinstance(error, EnvmonError) else f"{type(error).__name__}: {error}"
            refused.append(Refused(f"hj212:{group.mn}", 0, reason, shown(frame.segment)))
            continue
        rows += found.rows
        refused += found.refused
        unknown.update(found.unknown)
    if device.hours_from == "minutes":
        hour, minute = (context.stream(span, Basis.REALTIME) for span in (Span.HOUR, Span(device.minutes)))
        rows = [row for row in rows if row[3] != hour]
        hours |= {(device.mn, -(-row[0] // 60) * 60) for row in rows if row[3] == minute}
    return Parsed(list(thinned(store, rows, moment, device)), refused, unknown)


def thinned(store: Store, rows: list[Row], moment: int, device: Device) -> Iterator[Row]:
    """The rows with at most one moment a minute: two of one minute are not each other's correction."""
    moments = [row for row in rows if row[3] == moment]
    seen = store.held(moments) if moments else set()
    for row in rows:
        if row[3] == moment:
            if row[:4] in seen or not device.realtime:
                continue
            seen.add(row[:4])
        yield row


def note_unknown(store: Store, found: Mapping[str, Counter[str]]) -> None:
    """Count what stations sent that nobody knows, so that somebody can enrol it."""
    if not any(found.values()):
        return
    known: dict[str, dict[str, int]] = store.meta(UNKNOWN) or {}
    for mn, counts in found.items():
        names = known.setdefault(mn, {}) if counts else {}
        for name, count in counts.items():
            if name in names or len(names) < NAMES:
                names[name] = names.get(name, 0) + count
    store.set_meta(UNKNOWN, known)


# --- hours made of minutes ------------------------------------------------------------------------------------------


def make_hours(store: Store, config: Config, now: int) -> Tally:
    """Make the hours that are over of the minutes that came, by the 45-minute rule; late minutes make them again."""
    pending: list[list[Any]] = store.meta(PENDING) or []
    ready = [one for one in pending if one[1] + GRACE <= now]
    if not ready:
        return Tally()
    devices, total = {one.mn: one for one in config.devices}, Tally()
    with store.writing():
        for mn, ending in ready:
            device = devices.get(mn)
            if device is None or device.hours_from != "minutes" or device.site not in store.site_numbers:
                continue
            rows = hour_of(store, device, ending)
            if rows:
                payload = Payload(f"hj212:{mn}:minutes", b"", now)
                total += keep(store, TELEMETRY, payload, Parsed(rows), config.qc, now)
        store.set_meta(PENDING, [one for one in pending if one not in ready])
    return total


def hour_of(store: Store, device: Device, ending: int) -> list[Row]:
    """One hour of a station as the means of its minutes, exactly as `assess.minutes` makes them.

    Minutes with a mark that does not count, or outside an item's physical range, are no values. An hour that had a mean
    and has too few minutes since they were marked keeps its value, with the mark of those minutes.
    """
    import numpy as np

    from envmon.assess.minutes import hourly_means

    site, items = store.site_numbers[device.site], standards.parameters()
    minute, hour = (
        store.stream(Stream(TELEMETRY.id, Basis.REALTIME, span)) for span in (Span(device.minutes), Span.HOUR)
    )
    values = np.full((len(POLLUTANTS), 60 // device.minutes, 1), NO_VALUE, np.int64)
    spoiled: dict[int, Counter[int]] = {}
    axis = {items[name].number: at for at, name in enumerate(POLLUTANTS)}
    for at, parameter, value, mark in store.values_between(site, minute, ending - 60, ending):
        item = axis.get(parameter)
        if item is None:
            continue
        about = items[POLLUTANTS[item]]
        inside = (about.low is None or value >= about.low) and (about.high is None or value <= about.high)
        if mark in (Mark.NONE, Mark.CENSORED) and inside and value >= 0:
            values[item, 59 // device.minutes - (ending - at) // device.minutes, 0] = value
        else:
            spoiled.setdefault(parameter, Counter())[int(mark)] += 1
    validity = standards.air(periods.today(ending - 1)).validity
    means = hourly_means(values, device.minutes, validity).value[:, 0, 0].tolist()
    before = {parameter: value for _, parameter, value, _ in store.values_between(site, hour, ending - 1, ending)}
    rows = []
    for number, at in axis.items():
        if means[at] != NO_VALUE:
            rows.append((ending, site, number, hour, means[at], int(Mark.NONE)))
        elif number in before:
            mark = next((mark for mark, _ in spoiled.get(number, Counter()).most_common() if mark), Mark.OTHER)
            rows.append((ending, site, number, hour, before[number], int(mark)))
    return rows
