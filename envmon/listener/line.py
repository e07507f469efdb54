"""One connection: bytes in, frames checked and handed on, answers out. It bears whatever a stranger sends.

Never here: who may speak (`gate`), when a commit is done (`commits`), what is asked of stations (`requests`).
"""

from __future__ import annotations

import asyncio
import math
import socket
import time
from typing import TYPE_CHECKING, cast

from envmon.hj212 import frames, segments
from envmon.hj212.frames import BadFrame, Splitter
from envmon.hj212.segments import BadSegment, Segment
from envmon.listener.gate import plain_address, plain_mn
from envmon.model import RawFrame, Refusal

if TYPE_CHECKING:
    from envmon.listener.house import House

AHEAD = 500  # frames of one connection that wait for their commit before more are read
AHEAD_IN_ALL = 20_000  # and of all connections together: a disk that is slow must not fill the memory
UNREAD = 64 * 1024  # bytes of answers a station may leave unread
BURST = 4  # seconds' worth of frames that may come at once: what gathered while a link was down


class Line(asyncio.BufferedProtocol):
    """A connection from a station, or from whoever. Times are seconds of the monotonic clock."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.address = ""
        self.mns: set[str] = set()
        self.closed = self.gone = False
        self.heard = self.half_since = 0.0
        self._transport: asyncio.Transport
        self._splitter = Splitter(house.listen.longest)
        self._bad = 0
        self._waiting = 0  # frames on their way to the disk
        self._allowance = float(house.listen.frames_per_second * BURST)
        self._counted = 0.0
        self._until = 0.0  # what came too fast is paid for by then
        self.held = False  # not read from for now

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = self._transport.get_extra_info("peername")
        self.address = plain_address(peer[0]) if peer else "-"
        self.heard = self._counted = time.monotonic()
        self._transport.set_write_buffer_limits(high=UNREAD)
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD)
        if refusal := self.house.admit(self):
            self.refuse(refusal)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = self.gone = True
        self.house.leave(self)

    def pause_writing(self) -> None:
        """The station sends and does not take its answers."""
        self.refuse(Refusal.UNREAD)
        self.close()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.house.inbox

    def buffer_updated(self, nbytes: int) -> None:
        self.heard = time.monotonic()
        found = self._splitter.feed(bytes(self.house.inbox[:nbytes]))
        for one in found:
            if self.closed:
                return
            if isinstance(one, BadFrame):
                self._spoil(Refusal(one.kind.value), "-", one.data)
            else:
                self._take(one.segment)
        if not self._splitter.waiting:
            self.half_since = 0.0
        elif found or not self.half_since:
            self.half_since = self.heard
        self._measure(len(found))

    # --- what the house calls ---

    def send(self, segment: Segment) -> None:
        if not self.closed:
            self._transport.write(frames.encode(segments.write(segment)))

    def close(self) -> None:
        self.closed = True
        self._transport.abort()

    def hear_no_more(self) -> None:
        """Read nothing any more; what was read is still answered."""
        self._until = math.inf
        self._hold()

    def end(self) -> None:
        """Close when the last answers have left."""
        self.closed = True
        self._transport.close()

    def refuse(self, kind: Refusal, mn: str = "-", data: bytes = b"") -> None:
        """Count what is refused of this connection."""
        house = self.house
        house.commits.next.knock(kind, mn, self.address, house.now(), house.gate.shown(data))
        house.commits.touch()

    # --- inside ---

    def _take(self, data: bytes) -> None:
        try:
            segment = segments.read(data, values=False)
        except BadSegment:
            self._spoil(Refusal.SEGMENT, "-", data)
            return
        if refusal := self.house.gate.refuses(segment, self.address):
            self._spoil(refusal, plain_mn(segment.mn), data)
            return
        self._bad = 0
        received = self.house.now()
        if not self.house.hears(self, segment, data, received):
            return  # nothing to keep: a heartbeat, or a word on a request
        frame = RawFrame(received, segment.mn, segment.cn, self.address, hidden(data, segment.pw))
        self._waiting += 1

        def kept(on_disk: bool) -> None:
            self._waiting -= 1
            if on_disk and segment.answer_wanted:
                self.send(segments.answer(segment))
            if self.held and self._waiting < AHEAD // 2:
                self._go_on()

        self.house.commits.add(frame, kept)
        if self._waiting >= AHEAD or len(self.house.commits.next.frames) >= AHEAD_IN_ALL:
            self._hold()

    def _spoil(self, kind: Refusal, mn: str, data: bytes) -> None:
        """Count a bad frame; too many in a row end the connection and keep its address out for a while."""
        self.refuse(kind, mn, data)
        self._bad += 1
        if self._bad >= self.house.listen.bad_frames:
            self.house.gate.ban(self.address, time.monotonic())
            self.close()

    def _measure(self, count: int) -> None:
        """Let the allowance of frames grow with time; when it is used up, read on later. Nothing is lost by that."""
        rate = self.house.listen.frames_per_second
        self._allowance = min(rate * BURST, self._allowance + (self.heard - self._counted) * rate) - count
        self._counted = self.heard
        if self._allowance < 0 and not self.closed:
            self.refuse(Refusal.RATE, next(iter(self.mns), "-"))
            self._until = self.heard - self._allowance / rate
            self._hold()
            asyncio.get_running_loop().call_later(self._until - self.heard, self._go_on)

    def _hold(self) -> None:
        self.held = True
        if not self.closed:
            self._transport.pause_reading()

    def _go_on(self) -> None:
        """Read on, if neither the allowance nor the disk is behind."""
        now = time.monotonic()
        if not self.held or self.closed or self._waiting >= AHEAD or now < self._until:
            return
        self.held = False
        self.heard = now
        self.half_since = now if self.half_since else 0.0
        self._transport.resume_reading()


def hidden(data: bytes, password: str) -> bytes:
    """A good segment without its password; quicker than `segments.masked` where there is only the one."""
    written = b"PW=%b;" % password.encode()
    if data.count(written) == data.upper().count(b"PW=") == 1:
        return data.replace(written, b"PW=******;")
    return segments.masked(data)
