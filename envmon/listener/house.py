"""The listener at work: its connections, what it knows of stations, and the beat in which it looks after them."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from envmon import periods
from envmon.errors import EnvmonError
from envmon.hj212.segments import HEARTBEAT, Segment, answer
from envmon.listener.commits import Commits
from envmon.listener.gate import Gate
from envmon.listener.line import Line
from envmon.listener.requests import Requests
from envmon.model import Config, Heard, Listen, Refusal, Request
from envmon.store import spool
from envmon.store.journal import Batch, Journal

LOG = logging.getLogger("envmon.listener")

BEAT = 1.0  # seconds
ALIVE = 10_000  # ms between signs of life
ENDED = 1  # ms: a sign of life so old that it is none
OFTEN = 10_000  # ms: of what comes faster the clock is not looked at each time
PRUNE = 10_000  # ms between looks for frames that need not be kept any longer
LAST = 1.0  # seconds
INBOX = 64 * 1024  # bytes of one read
BACKLOG = 4096  # connections that wait to be accepted: after a power cut all stations come at once
DATA_TIME = re.compile(rb"DataTime=(\d{14})")


class House:
    """All that one listener holds. Everything here runs on its loop."""

    def __init__(self, config: Config, listen: Listen, passwords: Mapping[str, str], journal: Journal) -> None:
        self.listen = listen
        self.gate = Gate(listen, config.devices, passwords)
        self.commits = Commits(journal)
        self.requests = Requests(listen, self.gate, self._send)
        self.database = Path(config.paths.database)
        self.inbox = memoryview(bytearray(INBOX))  # where every connection's bytes arrive, to be taken out at once
        self.lines: dict[Line, None] = {}
        self.unproven: dict[Line, None] = {}  # connections that never said anything good, oldest first
        self.by_mn: dict[str, Line] = {}
        self._per_address: dict[str, int] = {}
        self.heard, waiting = journal.begin()
        self.requests.add(one for one in waiting if one.mn in self.gate.enrolled)
        self._noted: dict[str, Heard] = {}
        self._alive = self._pruned = 0

    def now(self) -> int:
        """The time, in ms since 1970."""
        return int(time.time() * 1000)

    # --- connections ---

    def admit(self, line: Line) -> Refusal | None:
        """Take a connection in, or say why not. At the limit the oldest one that never said anything good goes."""
        if self.gate.banned(line.address, line.heard):
            return Refusal.BANNED
        if self._per_address.get(line.address, 0) >= self.listen.per_address:
            return Refusal.PER_ADDRESS
        if len(self.lines) >= self.listen.connections:
            oldest = next(iter(self.unproven), None)
            if oldest is None:
                return Refusal.CONNECTIONS
            oldest.refuse(Refusal.CONNECTIONS)
            oldest.close()
            self.leave(oldest)
        self.lines[line] = self.unproven[line] = None
        self._per_address[line.address] = self._per_address.get(line.address, 0) + 1
        return None

    def leave(self, line: Line) -> None:
        """A connection has ended, or will not be counted any more."""
        if line not in self.lines:
            return
        del self.lines[line]
        self.unproven.pop(line, None)
        self._per_address[line.address] -= 1
        if not self._per_address[line.address]:
            del self._per_address[line.address]
        for mn in line.mns:
            if self.by_mn.get(mn) is line:
                del self.by_mn[mn]
                self.requests.gone(mn, self.now(), self.commits.next)
                self.heard[mn].connected = False
                self._note(self.heard[mn])

    def hears(self, line: Line, segment: Segment, data: bytes, received: int) -> bool:
        """Note a good segment; whether it is to be kept. A heartbeat is answered at once: it promises nothing."""
        self.unproven.pop(line, None)
        self._bind(line, segment.mn)
        one = self.heard[segment.mn]
        day = periods.today(received // 60_000)
        one.today = one.today + 1 if one.day == day else 1
        if one.offset is None or received - one.last > OFTEN:
            one.offset = clock_error(segment.qn, received)
        one.day, one.last, one.frames = day, received, one.frames + 1
        if segment.cn.startswith("20") and (found := DATA_TIME.search(data)):
            one.data_time = found[1].decode()
        self._note(one)
        if self.requests.hears(segment, data, received, self.commits.next):
            return False
        if segment.cn == HEARTBEAT:
            if segment.answer_wanted:
                line.send(answer(segment))
            return False
        return segment.cn not in ("9013", "9014")

    def _bind(self, line: Line, mn: str) -> None:
        """This connection is the station's now. Of two addresses with one MN the newer stays, and it is counted."""
        other = self.by_mn.get(mn)
        if other is line:
            return
        if other is not None and other.address != line.address:
            line.refuse(Refusal.TWO_SOURCES, mn)
            LOG.warning(
                "%s: came from %s and now comes from %s; the earlier connection is closed",
                mn,
                other.address,
                line.address,
            )
            other.close()
            self.leave(other)
        self.by_mn[mn] = line
        line.mns.add(mn)
        one = self.heard.setdefault(mn, Heard(mn))
        one.address, one.connected = line.address, True

    def _note(self, one: Heard) -> None:
        """What is heard is written at the next beat, not with every frame."""
        self._noted[one.mn] = one

    def write_down(self) -> None:
        """Put what was heard since the last beat into the next commit."""
        self.commits.next.heard |= self._noted
        self._noted = {}

    def _send(self, mn: str, segment: Segment) -> bool:
        line = self.by_mn.get(mn)
        if line is None:
            return False
        line.send(segment)
        return True

    # --- the beat ---

    async def beat(self) -> None:
        """Once a second: slow and silent connections, requests, a sign of life, old frames."""
        while True:
            await asyncio.sleep(BEAT)
            at, now = time.monotonic(), self.now()
            self._look_after(at)
            self.gate.forgive(at)
            await self._collect()
            self.requests.step(self.by_mn, now, self.commits.next)
            if now - self._alive >= ALIVE or now < self._alive:
                self.commits.next.alive = self._alive = now
            if now - self._pruned >= PRUNE or now < self._pruned:
                self._pruned = now
                before = now - self.listen.keep * 60_000
                await self.commits.in_turn(partial(self.commits.journal.prune, self.database, before))
            self.write_down()
            if self.commits.next:
                self.commits.touch()

    def _look_after(self, at: float) -> None:
        """Close what began a frame and does not end it, and what says nothing."""
        for line in [line for line in self.lines if not line.held]:
            half = line.half_since and at - line.half_since > self.listen.frame_seconds
            if half or at - line.heard > self.listen.idle:
                line.refuse(Refusal.HALF if half else Refusal.IDLE, next(iter(line.mns), "-"))
                line.close()

    async def _collect(self) -> None:
        """Take requests over from the spool: kept in the journal first, then the file goes."""
        found: dict[Path, Request] = {}
        try:
            for path, one in spool.left(spool.spool_of(self.database)):
                if one is None or one.mn not in self.gate.enrolled:
                    LOG.warning("%s: no request to an enrolled device; set aside", path)
                    path.rename(path.with_suffix(".bad"))
                else:
                    found[path] = one
            batch = Batch(requests={one.id: one for one in found.values()})
            if found and await self.commits.in_turn(lambda: self.commits.journal.commit(batch)):
                self.requests.add(found.values())
                for path in found:
                    path.unlink()
        except OSError as error:  # a folder that cannot be read or written stops requests, not data
            LOG.warning("%s", error)


def clock_error(qn: str, received: int) -> int | None:
    """How many seconds a station's clock is ahead of ours, by the QN it made; None without a QN that is a time."""
    try:
        month, day, hour, minute, second = (int(qn[at : at + 2]) for at in range(4, 14, 2))
        made = datetime(int(qn[:4]), month, day, hour, minute, second, tzinfo=UTC).timestamp() - 60 * periods.OFFSET
    except ValueError:
        return None
    return round(made - received / 1000)


async def serve(house: House, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """Receive until told to stop; then finish the commits in hand and answer them."""
    listen = house.listen
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(lambda: Line(house), listen.host, listen.port, backlog=BACKLOG)
    except OSError as error:
        raise EnvmonError("error.listener.bind", host=listen.host, port=listen.port, reason=error) from error
    port = server.sockets[0].getsockname()[1]
    LOG.info("listening on %s:%s for %s devices", listen.host, port, len(house.gate.enrolled))
    committing, beating = asyncio.create_task(house.commits.run()), asyncio.create_task(house.beat())
    stopping = asyncio.create_task(stop.wait())
    ready(port)
    try:
        done, _ = await asyncio.wait((committing, beating, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.close()
        beating.cancel()
        open_lines = list(house.lines)
        for line in open_lines:
            line.hear_no_more()
            house.leave(line)  # notes that it is gone; its socket stays for the last answers
        house.write_down()
        house.commits.next.alive = ENDED
        house.commits.close()
        await asyncio.wait((committing,))
        await part_with(open_lines)
    for task in done - {stopping}:
        task.result()  # why it ended


async def part_with(lines: Sequence[Line]) -> None:
    """Close connections; those that do not take their last answers within LAST seconds are cut."""
    for line in lines:
        line.end()
    until = time.monotonic() + LAST
    while any(not line.gone for line in lines) and time.monotonic() < until:
        await asyncio.sleep(0.01)
    for line in lines:
        if not line.gone:
            line.close()
    await asyncio.sleep(0)
