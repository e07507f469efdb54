"""A loopback server that misbehaves in every way of the fault list R9 (and a few more), and behaves when asked to.

The first part of a path names the fault: /body-drip/china_cities_20220301.csv. `asked` holds the requests as
(fault, method, path with query, headers). Faults below HTTP (refused, hanging, badly certified) are ports of their own.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

TLS = Path(__file__).parent / "recorded/tls"
CERTIFICATE = TLS / "cert.pem"
DAY_FILE = "date,hour,type,成都\n" + "".join(f"20220301,{hour},PM2.5,{30 + hour}\n" for hour in range(1, 10))
CITY = (
    '[{"TimePoint":"2022-03-01T09:00:00","CityCode":510100,"Area":"成都市","PM2_5":"%s","PM10":"50","SO2":"5",'
    '"NO2":"20","O3":"40","CO":"0.5","AQI":"50"}]'
)
LOGIN = "<!DOCTYPE html><html><head><title>登录</title></head><body><form>用户名 密码</form></body></html>"
ROW = b"20220301,1,PM2.5,31\n"
Page = BaseHTTPRequestHandler


class FaultServer:
    """Use as a context manager. `changes`: what the fault `document` serves, with its ETag."""

    def __init__(self, secure: bool = False) -> None:
        self.asked: list[tuple[str, str, str, dict[str, str]]] = []
        self.over = threading.Event()
        self.answers: dict[str, Callable[[Page], None]] = {}
        self.document, self.tag = DAY_FILE, '"1"'
        self.elsewhere = "http://127.0.0.1:9/"
        server = self

        class Pages(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                fault = urlsplit(self.path).path.split("/")[1]
                server.asked.append((fault, self.command, self.path, dict(self.headers)))
                with suppress(OSError):  # the client has seen enough
                    getattr(server, fault.replace("-", "_"))(self)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that hangs up is what is tested

        self._server = Quiet(("127.0.0.1", 0), Pages)
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE, TLS / "key.pem")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if secure else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def of(self, fault: str) -> list[tuple[str, str, str, dict[str, str]]]:
        """The requests that asked for one fault."""
        return [one for one in self.asked if one[0] == fault]

    # --- ways to answer ---

    @staticmethod
    def send(page: Page, body: bytes, status: int = 200, length: int | None = -1, **headers: str) -> None:
        """An answer; `length` None: without Content-Length, ended by closing."""
        page.send_response(status)
        for name, value in headers.items():
            page.send_header(name.replace("_", "-"), value)
        if length is None:
            page.close_connection = True
            page.send_header("Connection", "close")
        else:
            page.send_header("Content-Length", str(len(body) if length < 0 else length))
        page.end_headers()
        page.wfile.write(body)

    def good(self, page: Page) -> None:
        self.send(page, DAY_FILE.encode())

    def echo(self, page: Page) -> None:
        """A login page that quotes the request, keys and all."""
        told = f"{page.path} {page.headers}".encode()
        self.send(page, LOGIN.encode() + told)

    def documents(self, page: Page) -> None:
        """One document with validators."""
        if page.headers.get("If-None-Match") == self.tag:
            page.send_response(304)
            page.send_header("ETag", self.tag)
            page.end_headers()
            return
        self.send(page, self.document.encode(), ETag=self.tag)

    # --- slow ---

    def header_drip(self, page: Page) -> None:
        page.close_connection = True
        page.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.over.wait(0.05):
            page.wfile.write(b".")

    def body_drip(self, page: Page) -> None:
        page.close_connection = True
        page.send_response(200)
        page.end_headers()
        page.wfile.write(DAY_FILE.encode())
        while not self.over.wait(0.05):
            page.wfile.write(b"2")

    def counted_drip(self, page: Page) -> None:
        """As body_drip, with a length that is never reached."""
        page.close_connection = True
        page.send_response(200)
        page.send_header("Content-Length", "1000000")
        page.end_headers()
        while not self.over.wait(0.05):
            page.wfile.write(b"2")

    def silent(self, page: Page) -> None:
        page.close_connection = True
        self.over.wait(20)

    # --- refusals ---

    def s500(self, page: Page) -> None:
        self.send(page, b"oops", 500)

    def s503_retry_1(self, page: Page) -> None:
        self.send(page, b"", 503, Retry_After="1")

    def s503_retry_864000(self, page: Page) -> None:
        self.send(page, b"", 503, Retry_After="864000")

    def s429_retry_1(self, page: Page) -> None:
        self.send(page, b"", 429, Retry_After="1")

    def s429_retry_date(self, page: Page) -> None:
        """An hour from now by the server's own clock."""
        self.send(page, b"", 429, Retry_After=page.date_time_string(int(time.time()) + 3600))

    def s403(self, page: Page) -> None:
        self.send(page, b"no", 403)

    def unasked_304(self, page: Page) -> None:
        page.send_response(304)
        page.end_headers()

    # --- broken on the way ---

    def cut(self, page: Page) -> None:
        self.send(page, DAY_FILE.encode()[:60], length=len(DAY_FILE))
        page.close_connection = True

    def cut_uncounted(self, page: Page) -> None:
        self.send(page, (CITY % "30").encode()[:90], length=None)

    def bad_chunk(self, page: Page) -> None:
        page.close_connection = True
        page.send_response(200)
        page.send_header("Transfer-Encoding", "chunked")
        page.end_headers()
        page.wfile.write(b"5\r\ndate,\r\nzz\r\n")

    def not_http(self, page: Page) -> None:
        page.close_connection = True
        page.wfile.write(b"\x00\xff SSH-2.0 hello\r\n\r\n")

    def gzip_damaged(self, page: Page) -> None:
        self.send(page, gzip.compress(DAY_FILE.encode())[:40] + b"\0" * 20, Content_Encoding="gzip")

    # --- too much ---

    def gzip_bomb(self, page: Page) -> None:
        self.send(page, BOMB, Content_Encoding="gzip")

    def ten_million_rows(self, page: Page) -> None:
        page.close_connection = True
        page.send_response(200)
        page.end_headers()
        page.wfile.write("date,hour,type,成都\n".encode())
        some = ROW * 10_000
        for _ in range(1000):
            page.wfile.write(some)

    # --- elsewhere ---

    def redirect_loop(self, page: Page) -> None:
        self.send(page, b"", 302, Location=page.path)

    def redirect_plain(self, page: Page) -> None:
        self.send(page, b"", 302, Location="/good/china_cities_20220301.csv")

    def redirect_private(self, page: Page) -> None:
        self.send(page, b"", 302, Location=self.elsewhere)

    def redirect_file(self, page: Page) -> None:
        self.send(page, b"", 302, Location="file:///etc/passwd")

    # --- charsets ---

    def gb18030_said_utf8(self, page: Page) -> None:
        self.send(page, DAY_FILE.encode("gb18030"), Content_Type="text/csv; charset=utf-8")

    def utf8_said_latin1(self, page: Page) -> None:
        self.send(page, DAY_FILE.encode(), Content_Type="text/csv; charset=iso-8859-1")

    def utf16(self, page: Page) -> None:
        self.send(page, DAY_FILE.encode("utf-16"), Content_Type="text/csv; charset=utf-8")

    # --- bodies ---

    def nan(self, page: Page) -> None:
        self.send(page, (CITY % "30").replace('"50"', "NaN", 1).encode())

    def infinity(self, page: Page) -> None:
        self.send(page, (CITY % "30").replace('"50"', "-Infinity", 1).encode())

    def duplicate_keys(self, page: Page) -> None:
        self.send(page, (CITY % "30").replace('"PM10"', '"PM2_5"').encode())

    def deep(self, page: Page) -> None:
        self.send(page, b"[" * 200_000)

    def huge_number(self, page: Page) -> None:
        self.send(page, (CITY % "30").replace('"30"', "9" * 5000).encode())

    def login(self, page: Page) -> None:
        self.send(page, LOGIN.encode(), Content_Type="text/html")

    def empty(self, page: Page) -> None:
        self.send(page, b"")


BOMB = gzip.compress(bytes(2**28), 1)
"""256 MiB of nothing."""


@contextmanager
def hanging_port() -> Iterator[int]:
    """A port where connecting neither succeeds nor fails: its queue is full and nobody takes from it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            yield listener.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def header(request: tuple[str, str, str, Mapping[str, str]], name: str) -> str | None:
    """A header of a request, however its name is written."""
    return next((value for key, value in request[3].items() if key.lower() == name.lower()), None)
