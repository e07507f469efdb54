"""Simulated stations: data loggers that hold a connection each and send by HJ 212 as real ones do.

Upload by upload, each awaiting its answer and repeated when it stays away; heartbeats; history, clock and refusals when
the platform asks. For the demo of the listener, its tests and its load. Never here: storing, judging.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from envmon import periods
from envmon.errors import EnvmonError
from envmon.feed.recorded import Record, segments_of
from envmon.hj212.data import time_of
from envmon.hj212.frames import Frame, Splitter, encode
from envmon.hj212.segments import HEARTBEAT, INTERACTION, Pair, QnRtn, Segment, read, request_number, write

LOG = logging.getLogger("envmon.feed")

ANSWERS = ("9013", "9014")
HISTORY = ("2031", "2051", "2061")
PATIENCE, REPEATS = 10.0, 3  # HJ 212-2017, 6.5: on mobile links
BEAT = 60.0
LATER = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before connecting again


@dataclass(slots=True)
class Logger:
    """One simulated data logger. `records` in order of their end; `next`: of the first one not yet sent."""

    head: Segment
    records: Sequence[Record]
    next: int = 0
    ahead: timedelta = timedelta()  # of its clock, before the platform set it
    last_number: str = ""


@dataclass
class Stations:
    """Loggers sending to one platform.

    clock : the Beijing time that is now, without zone; shift : minutes added to recorded times
    patience : seconds an answer is awaited; repeats : how often an upload is sent again; beat : seconds of silence
    after which a heartbeat is sent, 0 for none; tick : seconds between two looks at what is due
    counts : connected, sent, answered, repeated, given_up, heartbeats, requests
    """

    host: str
    port: int
    loggers: Sequence[Logger]
    clock: Callable[[], datetime]
    shift: int = 0
    patience: float = PATIENCE
    repeats: int = REPEATS
    beat: float = BEAT
    tick: float = 0.2
    counts: Counter[str] = field(default_factory=Counter)

    async def run(self, stop: Callable[[], bool], once: bool = False) -> None:
        """Send until `stop` says so; with `once` until every logger has sent what is due."""
        pending = {asyncio.create_task(self._keep_connected(logger, once)) for logger in self.loggers}
        try:
            while pending and not stop():
                done, pending = await asyncio.wait(pending, timeout=self.tick)
                for task in done:
                    task.result()
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def send(self, stop: Callable[[], bool], once: bool) -> None:
        """`run`, from code that knows no event loop."""
        asyncio.run(self.run(stop, once))

    def due(self, logger: Logger) -> bool:
        """Whether a logger holds a record whose period is over."""
        if logger.next >= len(logger.records):
            return False
        return logger.records[logger.next].ending + self.shift <= periods.minute(self.clock())

    async def _keep_connected(self, logger: Logger, once: bool) -> None:
        failures = 0
        while not (once and not self.due(logger)):
            try:
                reader, writer = await asyncio.open_connection(self.host, self.port)
                line = Line(self, logger, reader, writer)
                self.counts["connected"] += 1
                failures = 0
                try:
                    await line.speak(once)
                finally:
                    await line.close()
            except OSError as error:
                if not failures:
                    LOG.warning("%s %s:%s: %s; trying again", logger.head.mn, self.host, self.port, error)
                await asyncio.sleep(LATER[min(failures, len(LATER) - 1)])
                failures += 1


class Line:
    """One connection of one logger, from the loggers' side."""

    def __init__(
        self, stations: Stations, logger: Logger, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.stations, self.logger, self.counts = stations, logger, stations.counts
        self._reader, self._writer = reader, writer
        self._awaited: dict[str, asyncio.Future[None]] = {}
        self._asked: deque[Segment] = deque()
        self._woken = asyncio.Event()
        self._hearing = asyncio.create_task(self._hear())
        self._silent_since = asyncio.get_running_loop().time() - stations.beat  # it says at once who it is

    async def speak(self, once: bool) -> None:
        """Send what is due and answer what is asked. Raises OSError when the connection ends."""
        while True:
            if self._hearing.done():
                raise ConnectionResetError("the platform closed the connection")
            if self._asked:
                await self._execute(self._asked.popleft())
            elif self.stations.due(self.logger):
                record = self.logger.records[self.logger.next]
                await self._upload(record)
                self.logger.next += 1
            elif once:
                return
            elif self._is_silent():
                await self._deliver(replace(self.logger.head, cn=HEARTBEAT), "heartbeats")
            else:
                self._woken.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), self.stations.tick)

    async def close(self) -> None:
        self._hearing.cancel()
        self._writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await self._writer.wait_closed()

    def _is_silent(self) -> bool:
        return 0 < self.stations.beat <= asyncio.get_running_loop().time() - self._silent_since

    async def _hear(self) -> None:
        """Take in what the platform sends: answers wake who awaits them, requests wait for their turn."""
        splitter = Splitter()
        with suppress(OSError):
            while data := await self._reader.read(4096):
                for one in splitter.feed(data):
                    with suppress(EnvmonError):
                        if isinstance(one, Frame):
                            self._take(read(one.segment))
        self._woken.set()
        for future in self._awaited.values():
            if not future.done():
                future.set_exception(ConnectionResetError("the platform closed the connection"))

    def _take(self, said: Segment) -> None:
        if said.cn not in ANSWERS:
            self._asked.append(said)
            self._woken.set()
        elif (future := self._awaited.get(said.qn)) and not future.done():
            future.set_result(None)

    async def _send(self, segment: Segment) -> None:
        self._writer.write(encode(write(segment)))
        await self._writer.drain()
        self._silent_since = asyncio.get_running_loop().time()

    async def _upload(self, record: Record) -> None:
        for segment in segments_of(record, self.logger.head, self.stations.shift):
            await self._deliver(segment, "sent")

    async def _deliver(self, segment: Segment, counted: str) -> None:
        """Send until answered, at most `repeats` times more; then the platform may ask for it another day."""
        segment = replace(segment, qn=self._number())
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited[segment.qn] = future
        self.counts[counted] += 1
        try:
            for attempt in range(1 + self.stations.repeats):
                self.counts["repeated"] += attempt > 0
                await self._send(segment)
                if not segment.answer_wanted:
                    return
                try:
                    await asyncio.wait_for(asyncio.shield(future), self.stations.patience)
                except TimeoutError:
                    continue
                self.counts["answered"] += 1
                return
            self.counts["given_up"] += 1
        finally:
            del self._awaited[segment.qn]
            if not future.done():
                future.cancel()

    def _number(self) -> str:
        """A QN of its own for every upload: the time by the logger's clock, never the same twice."""
        at = self.stations.clock() + self.logger.ahead
        if (before := time_of(self.logger.last_number)) and request_number(at) <= self.logger.last_number:
            at = before + timedelta(milliseconds=int(self.logger.last_number[14:]) + 1)
        self.logger.last_number = request_number(at)
        return self.logger.last_number

    async def _execute(self, asked: Segment) -> None:
        """Do what the platform asks: 9011, the data, 9012 (HJ 212-2017, 6.2)."""
        self.counts["requests"] += 1
        head, known = self.logger.head, asked.cn in (*HISTORY, "1012")
        word = QnRtn.READY if known else QnRtn.COMMAND
        word = QnRtn.PASSWORD if asked.pw != head.pw else QnRtn.DEVICE if asked.mn != head.mn else word
        await self._send(self._interaction(asked, "9011", ("QnRtn", str(int(word)))))
        if word is not QnRtn.READY:
            return
        if asked.cn == "1012":
            done = self._set_clock(asked)
        else:
            kept = list(self._history(asked))
            for record in kept:
                await self._upload(record)
            done = 1 if kept else 100
        await self._send(self._interaction(asked, "9012", ("ExeRtn", str(done))))

    def _interaction(self, asked: Segment, cn: str, result: Pair) -> Segment:
        head = self.logger.head
        return Segment(head.mn, cn, INTERACTION, asked.qn, head.pw, (head.flag or 0) & ~3, groups=((result,),))

    def _set_clock(self, asked: Segment) -> int:
        at = time_of(asked.value("SystemTime") or "")
        if at is None:
            return 3
        self.logger.ahead = at - self.stations.clock()
        return 1

    def _history(self, asked: Segment) -> Iterator[Record]:
        begin, end = (time_of(asked.value(name) or "") for name in ("BeginTime", "EndTime"))
        if begin is None or end is None:
            return
        first, last, now = periods.minute(begin), periods.minute(end), periods.minute(self.stations.clock())
        for record in self.logger.records:
            start, ending = record.start + self.stations.shift, record.ending + self.stations.shift
            if record.cn == asked.cn and first <= start <= last and ending <= now:
                yield record
