"""Requests to stations: sent when the station is there, one at a time, repeated, and followed to their end.

Request, first word (9011), data, last word (9012): HJ 212-2017 6.5. The data come as ordinary frames.
Never here: sockets, the store, what history means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from envmon import periods
from envmon.hj212 import segments
from envmon.hj212.data import data_of
from envmon.hj212.segments import ExeRtn, QnRtn, Segment
from envmon.listener.gate import Gate
from envmon.model import Listen, Request, RequestState
from envmon.store.journal import Batch

CLOCK = "1012"
PATIENCE = 12  # times `answer` a station that accepted may be silent before its last word


class Requests:
    """What is asked of stations. `send(mn, segment)` says whether the station was there; times in ms."""

    def __init__(self, listen: Listen, gate: Gate, send: Callable[[str, Segment], bool]) -> None:
        self._listen, self._gate, self._send = listen, gate, send
        self._waiting: dict[str, list[Request]] = {}
        self._open: dict[str, Request] = {}
        self._number = 0

    def add(self, requests: Iterable[Request]) -> None:
        for one in requests:
            self._waiting.setdefault(one.mn, []).append(one)

    def step(self, present: Iterable[str], now: int, batch: Batch) -> None:
        """Send what is next to every station that is there, and again what was not answered in time."""
        for mn in [mn for mn in present if mn in self._waiting and mn not in self._open]:
            self._open[mn] = self._waiting[mn].pop(0)
            if not self._waiting[mn]:
                del self._waiting[mn]
            self._ask(self._open[mn], now, batch)
        for mn, one in list(self._open.items()):
            accepted = one.state is RequestState.ACCEPTED
            if now - one.updated < 1000 * self._listen.answer * (PATIENCE if accepted else 1):
                continue
            if one.tries >= self._listen.repeats or accepted:
                self._end(mn, RequestState.UNANSWERED, now, batch)
            else:
                self._ask(one, now, batch)

    def gone(self, mn: str, now: int, batch: Batch) -> None:
        """The station went away: what it was asked is asked again when it is back."""
        one = self._open.pop(mn, None)
        if one is not None:
            one.state, one.updated, one.tries = RequestState.WAITING, now, 0
            self._waiting.setdefault(mn, []).insert(0, one)
            batch.requests[one.id] = one

    def hears(self, segment: Segment, data: bytes, now: int, batch: Batch) -> bool:
        """Follow a station's word on a request; whether the segment was one. `data`: the segment as it came."""
        one = self._open.get(segment.mn)
        if segment.cn not in ("9011", "9012"):
            if one is not None and segment.cn == one.cn and within(one, data):
                one.frames, one.updated = one.frames + 1, now
                one.state = RequestState.ACCEPTED  # its first word may have been lost
                batch.requests[one.id] = one
            return False
        if one is None or segment.qn != one.qn:
            return True
        said = segments.outcome(segments.read(data))
        one.answer = "" if said is None else str(said.value)
        if segment.cn == "9011" and said is QnRtn.READY:
            one.state, one.updated = RequestState.ACCEPTED, now
            batch.requests[one.id] = one
        else:
            self._end(segment.mn, last_word(said), now, batch)
        return True

    def _end(self, mn: str, state: RequestState, now: int, batch: Batch) -> None:
        one = self._open.pop(mn)
        one.state, one.updated = state, now
        batch.requests[one.id] = one

    def _ask(self, one: Request, now: int, batch: Batch) -> None:
        """Send a request; a repeat carries the number of the first."""
        password = self._gate.enrolled[one.mn].password.decode("utf-8", "surrogateescape")
        at = datetime.fromtimestamp(now / 1000, periods.BEIJING)
        if not one.qn or one.state is RequestState.WAITING:
            self._number = max(self._number + 1, now)  # two requests never share a millisecond
            one.qn = segments.request_number(datetime.fromtimestamp(self._number / 1000, periods.BEIJING))
        asked = segments.address_to(one.mn, password, self._gate.systems.get(one.mn, ""), one.qn)
        if one.cn == CLOCK:
            segment = segments.set_clock(asked, at)
        else:
            segment = segments.fetch_history(asked, one.cn, one.begin, one.end)
        if self._send(one.mn, segment):
            one.state, one.tries, one.updated = RequestState.SENT, one.tries + 1, now
            batch.requests[one.id] = one


def within(one: Request, data: bytes) -> bool:
    """Whether data are of the time that was asked for; what a station sends by itself answers nothing."""
    at = data_of(segments.read(data)).minute
    return at is not None and one.begin - periods.DAY < at <= one.end  # of a day that has begun before


def last_word(said: QnRtn | ExeRtn | None) -> RequestState:
    """How a request ended by the code a station closed it with."""
    if said is ExeRtn.DONE:
        return RequestState.DONE
    if said is ExeRtn.NO_DATA:
        return RequestState.NO_DATA
    return RequestState.REFUSED if isinstance(said, QnRtn) else RequestState.FAILED
