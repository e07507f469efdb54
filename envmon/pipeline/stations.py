"""Stations as their listener last heard them, what it refused, and what they were asked for; requests are left for it.

Never here: sockets. What is shown is what the listener last wrote; whether it lives is told by its last sign of life.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envmon import periods
from envmon.errors import UsageError
from envmon.hj212.data import time_of
from envmon.hj212.segments import ExeRtn, QnRtn
from envmon.model import OPEN_REQUESTS, Config, Device, Heard, Knock, Request, RequestState
from envmon.store import Store, spool
from envmon.store.journal import Journal, Place, beside
from envmon.texts import t, word

ALIVE = 30_000  # ms without a sign of life after which the listener is held to be down
LONGEST = 366 * periods.DAY
CLOCK, HOURS, MINUTES = "1012", "2061", "2051"
COMMANDS = (HOURS, MINUTES, "2031")
"""Histories a station may be asked for: hours, minutes, days."""

Row = dict[str, Any]


def overview(config: Config, now: int) -> Row:
    """Every enrolled device as last heard, and everything refused; `now` in ms."""
    path = beside(config.paths.database)
    if not path.exists():
        return {
            "listening": False,
            "stations": [station(config, one, Heard(one.mn), 0) for one in config.devices],
            "refused": [],
        }
    with Journal.read(path) as journal:
        heard, refusals = {one.mn: one for one in journal.stations()}, journal.refusals()
        listening = is_alive(journal, now)
    counts: dict[str, int] = {}
    for (_, mn, _), knock in refusals:
        counts[mn] = counts.get(mn, 0) + knock.count
    rows = []
    for device in config.devices:
        one = heard.get(device.mn, Heard(device.mn))
        one.connected = one.connected and listening
        rows.append(station(config, device, one, counts.get(device.mn, 0), periods.today(now // 60_000)))
    return {"listening": listening, "stations": rows, "refused": list(refused(refusals, config.language))}


def details(config: Config, device: Device, store: Store | None, now: int) -> Row:
    """One device: as in the overview, with what it was asked for, what was refused and what of it nobody knows."""
    from envmon.pipeline.telemetry import UNKNOWN

    found = overview(config, now)
    own: Row = next(one for one in found["stations"] if one["mn"] == device.mn)
    asked = [request(one, config.language) for one in requests_of(config, device)]
    unknown = ((store.meta(UNKNOWN) if store else None) or {}).get(device.mn, {})
    return own | {
        "requests": asked,
        "refused_kinds": [one for one in found["refused"] if one["mn"] == device.mn],
        "unknown": [{"name": name, "count": count} for name, count in sorted(unknown.items())],
    }


def requests_of(config: Config, device: Device) -> list[Request]:
    """Everything a device was asked for, in the order of asking, and what the listener did not take over yet."""
    waiting = [one for _, one in spool.left(spool.spool_of(config.paths.database)) if one and one.mn == device.mn]
    path = beside(config.paths.database)
    if not path.exists():
        return waiting
    with Journal.read(path) as journal:
        kept = journal.requests(device.mn)
    return kept + [one for one in waiting if one.id not in {one.id for one in kept}]


def is_alive(journal: Journal, now: int) -> bool:
    return now - int(journal.fact("alive") or 0) <= ALIVE


def station(config: Config, device: Device, one: Heard, count: int, today: int = -1) -> Row:
    """One row; times in Beijing time as text. `clock_offset`: seconds its clock was ahead at its last frame."""
    site = next((site.name for site in config.sites if site.id == device.site), device.site)
    return {
        "mn": device.mn,
        "site": device.site,
        "name": device.name or site,
        "connected": one.connected,
        "address": one.address or None,
        "last": clock(one.last),
        "data_time": said_time(one.data_time),
        "today": one.today if one.day == today else 0,
        "frames": one.frames,
        "clock_offset": one.offset,
        "refused": count,
    }


def refused(refusals: list[tuple[Place, Knock]], lang: str) -> Iterator[Row]:
    for (kind, mn, address), knock in refusals:
        yield {
            "kind": kind.value,
            "kind_name": word(kind, lang),
            "mn": mn,
            "address": address,
            "count": knock.count,
            "first": clock(knock.first),
            "last": clock(knock.last),
            "example": knock.example,
        }


def request(one: Request, lang: str) -> Row:
    """One request; `answer` is the station's code in words."""
    history = one.cn != CLOCK
    return {
        "id": one.id,
        "command": one.cn,
        "command_name": t(f"station.command.{one.cn}", lang),
        "from": periods.clock(one.begin) if history else None,
        "to": periods.clock(one.end) if history else None,
        "asked": clock(one.asked),
        "state": one.state.value,
        "state_name": word(one.state, lang),
        "answer": answer_name(one, lang),
        "tries": one.tries,
        "frames": one.frames,
    }


def answer_name(one: Request, lang: str) -> str | None:
    if not one.answer:
        return None
    last = one.state in (RequestState.DONE, RequestState.NO_DATA, RequestState.FAILED)
    kind = ExeRtn if last else QnRtn
    return word(kind(int(one.answer)), lang)


def clock(ms: int) -> str | None:
    return periods.clock(ms // 60_000) if ms else None


def said_time(digits: str) -> str | None:
    """A DataTime as times are written; as it came when it is none."""
    at = time_of(digits)
    return f"{at:%Y-%m-%d %H:%M}" if at else digits or None


def device_of(config: Config, mn: str) -> Device:
    """An enrolled device by its MN, or by its site when it is the only one there."""
    found = [one for one in config.devices if one.mn == mn] or [one for one in config.devices if one.site == mn]
    if len(found) != 1:
        raise UsageError("error.listener.device", mn=mn, known=", ".join(one.mn for one in config.devices) or "-")
    return found[0]


def ask_history(config: Config, device: Device, cn: str, begin: int, end: int, now: int) -> list[Request]:
    """Leave requests for a history from minute `begin` to `end`, one for each day; `now` in ms, what lies after it is
    not asked for. A day that waits to be asked for already is not asked for twice."""
    end = min(end, now // 60_000)
    if not begin < end or end - begin > LONGEST:
        raise UsageError("error.listener.window", first=periods.clock(begin), last=periods.clock(end))
    waiting = {(one.cn, one.begin, one.end) for one in requests_of(config, device) if one.state in OPEN_REQUESTS}
    return leave(config, device, cn, [one for one in days(begin, end) if (cn, *one) not in waiting], now)


def days(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """A window cut at midnight; both ends of a part belong to it.

    >>> [(last - first) // 60 for first, last in days(periods.hour_ending(0, 20), periods.hour_ending(1, 3))]
    [3, 3]
    """
    while begin < end:
        midnight = periods.hour_ending(periods.today(begin) + 1, 0)
        yield begin, min(end, midnight - 1)
        begin = midnight


def set_clock(config: Config, device: Device, now: int) -> list[Request]:
    """Leave a request to set a station's clock; it gets the time at which it is sent."""
    return leave(config, device, CLOCK, [(0, 0)], now)


def leave(config: Config, device: Device, cn: str, windows: list[tuple[int, int]], now: int) -> list[Request]:
    asked = [Request(f"{now}-{device.mn}-{cn}-{begin}", device.mn, cn, begin, end, now) for begin, end in windows]
    spool.leave(spool.spool_of(config.paths.database), asked)
    return asked
