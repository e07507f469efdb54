"""The listener as a thread with a loop of its own, beside whatever else the process does."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from envmon.config import resolved
from envmon.errors import ConfigError
from envmon.listener.house import House, serve
from envmon.model import Config, Listen
from envmon.store.journal import Journal, beside

LOG = logging.getLogger("envmon.listener")

OTHER_FILES = 100  # open files of the rest of the process


class Listening:
    """Receives from `with` to its end. Raises when it cannot begin; `failed` says why it ended by itself."""

    def __init__(self, config: Config, environ: Mapping[str, str] = os.environ) -> None:
        if config.listen is None:
            raise ConfigError("error.listener.no_table", path=config.file)
        self.listen: Listen = config.listen
        self.port = 0
        self._config = config
        self._passwords = passwords_of(config, environ)
        self._ready = threading.Event()
        self._stop: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self.house: House
        self._thread = ThreadPoolExecutor(1, "envmon-listener")
        self._running: Future[None]

    @property
    def ended(self) -> bool:
        """Whether it ended by itself; leaving the `with` raises why."""
        return self._running.done()

    def __enter__(self) -> Self:
        self._running = self._thread.submit(lambda: asyncio.run(self._work()))
        self._running.add_done_callback(lambda _: self._ready.set())
        self._ready.wait()
        if self.ended:
            self._thread.shutdown()
            self._running.result()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self.ended:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.shutdown()
        if kind is None:
            self._running.result()

    async def _work(self) -> None:
        allow_files(self.listen.connections + OTHER_FILES)
        self._stop, self._loop = asyncio.Event(), asyncio.get_running_loop()
        with Journal.open(beside(self._config.paths.database)) as journal:
            self.house = House(self._config, self.listen, self._passwords, journal)
            try:
                await serve(self.house, self._begun, self._stop)
            finally:
                self.house.commits.shutdown()

    def _begun(self, port: int) -> None:
        self.port = port
        self._ready.set()


def passwords_of(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """Every device's password by MN. Raises ConfigError naming all variables that are not set."""
    named = {f"{one.mn}_env": one.password_env for one in config.devices}
    return {mn: str(password) for mn, password in resolved(named, config.language, environ).items()}


def allow_files(wanted: int) -> None:
    """Let the process open as many files as it may need, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        allowed = min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < wanted:
            LOG.warning("only %s open files are allowed here, [listen] connections asks for %s", allowed, wanted)
