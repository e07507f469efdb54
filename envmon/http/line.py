"""Connections that end at the deadline, whatever they wait for: a handshake, a header line, a byte of the body.

A socket's own timeout starts anew with every byte, so a service that drips could hold a round for ever. Never here:
what is asked, how often.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests.adapters
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Cutter:
    """Shuts the connection in use when the time of a request is up; `cut` tells that it did."""

    def __init__(self) -> None:
        self.cut = False
        self._twins: list[socket.socket] = []

    def watch(self, sock: socket.socket) -> None:
        """From now on this is the connection in use. A second descriptor is kept: TLS takes the first one over."""
        self._twins.append(socket.socket(fileno=os.dup(sock.fileno())))
        if self.cut:
            self._shut()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Shut whatever is connected during the block once `seconds` have passed."""
        self.cut = False
        timer = threading.Timer(max(seconds, 0), self._shut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            while self._twins:
                self._twins.pop().close()

    def _shut(self) -> None:
        self.cut = True
        for twin in list(self._twins):
            with suppress(OSError):  # it ended by itself
                twin.shutdown(socket.SHUT_RDWR)


class CutAdapter(requests.adapters.HTTPAdapter):
    """The transport of a session: its connections are watched by a cutter."""

    def __init__(self, cutter: Cutter) -> None:
        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                sock = super()._new_conn()
                cutter.watch(sock)
                return sock

            def request(self, *args: Any, **more: Any) -> None:
                if self.sock is not None:  # of an earlier request
                    cutter.watch(self.sock)
                super().request(*args, **more)

        class Secured(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                sock = super()._new_conn()
                cutter.watch(sock)
                return sock

            def request(self, *args: Any, **more: Any) -> None:
                if self.sock is not None:
                    cutter.watch(self.sock)
                super().request(*args, **more)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecuredPool(HTTPSConnectionPool):
            ConnectionCls = Secured

        self._pools = {"http": PlainPool, "https": SecuredPool}
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: Any, **more: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **more)
        manager.pool_classes_by_scheme = self._pools
        return manager
