"""Group commit: what comes while one commit runs goes into the next; answers leave when their commit is on the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from envmon.errors import StoreError
from envmon.model import RawFrame, Refusal
from envmon.store.journal import Batch, Journal

LOG = logging.getLogger("envmon.listener")

RETRY = 1.0  # seconds between tries while the disk refuses
GATHER = 0.005  # seconds frames are gathered before a commit: shorter than a station notices, long enough to share one
LAST = 3  # tries of the last commit, when the listener ends


class Commits:
    """The one queue to the journal. A batch that cannot be written is not answered: the stations repeat it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.next = Batch()
        self.unwell = False
        self._answers: list[Callable[[bool], None]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._thread = ThreadPoolExecutor(1, "envmon-journal")

    def add(self, frame: RawFrame, answered: Callable[[bool], None]) -> None:
        """Take a frame into the next commit; `answered` is told whether it was kept."""
        self.next.frames.append(frame)
        self._answers.append(answered)
        self._wake.set()

    def touch(self) -> None:
        """Something but frames waits in `next`."""
        self._wake.set()

    async def run(self) -> None:
        """Commit until closed, then once more."""
        while not self._closing:
            await self._wake.wait()
            await asyncio.sleep(GATHER)
            self._wake.clear()
            if not await self._commit():
                await asyncio.sleep(RETRY)
        for _ in range(LAST):
            if await self._commit():
                break

    def close(self) -> None:
        self._closing = True
        self._wake.set()

    async def in_turn(self, work: Callable[[], object]) -> bool:
        """Other work on the journal, between two commits; whether it could be done."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except StoreError as error:
            LOG.warning("%s", error)
            return False
        return True

    def shutdown(self) -> None:
        self._thread.shutdown()

    async def _commit(self) -> bool:
        batch, self.next = self.next, Batch()
        answers, self._answers = self._answers, []
        if not batch:
            return True
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self.journal.commit, batch)
        except StoreError as error:
            self._tell(error)
            self._again(batch)
        else:
            if self.unwell:
                LOG.warning("%s: frames are kept and answered again", self.journal.path)
            self.unwell = False
        for answered in answers:
            answered(not self.unwell)
        return not self.unwell

    def _tell(self, error: StoreError) -> None:
        if not self.unwell:
            LOG.error("%s; stations get no answer until frames can be kept again", error)
        self.unwell = True

    def _again(self, batch: Batch) -> None:
        """What is known besides the frames goes into the next try; what came since is newer."""
        self.next.heard = batch.heard | self.next.heard
        self.next.requests = batch.requests | self.next.requests
        for (kind, mn, address), knock in batch.knocks.items():
            self.next.knock(kind, mn, address, knock.last, knock.example, knock.count)
        for frame in batch.frames:
            self.next.knock(Refusal.UNSTORED, frame.mn, frame.address, frame.received, "")
        self._wake.set()
