"""The HTTP session against a loopback server that misbehaves in every way seen so far."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from envmon import __version__, http
from envmon.errors import SourceChanged, SourceUnavailable


class Faulty:
    """A server whose paths name their fault. `asked` counts requests, `over` ends the slow ones."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.forms: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.over = threading.Event()
        faulty = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                faulty.asked.append(self.path)
                faulty.headers.append(dict(self.headers))
                getattr(faulty, path.strip("/").replace("-", "_"))(self)

            def do_POST(self) -> None:
                faulty.forms.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @staticmethod
    def send(page: BaseHTTPRequestHandler, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        page.send_response(status)
        for name, value in headers.items():
            page.send_header(name.replace("_", "-"), value)
        page.send_header("Content-Length", str(len(body) if length is None else length))
        page.end_headers()
        page.wfile.write(body)

    def good(self, page: BaseHTTPRequestHandler) -> None:
        self.send(page, 200, "监测".encode("gb18030"), Content_Type="text/csv")

    def missing(self, page: BaseHTTPRequestHandler) -> None:
        self.send(page, 404, b"<html>404</html>")

    def forbidden(self, page: BaseHTTPRequestHandler) -> None:
        self.send(page, 403, b"no")

    def broken(self, page: BaseHTTPRequestHandler) -> None:
        self.send(page, 500, b"oops")

    def broken_once(self, page: BaseHTTPRequestHandler) -> None:
        first = len([path for path in self.asked if path.startswith("/broken-once")]) == 1
        self.send(page, 503 if first else 200, b"fine now")

    def moved(self, page: BaseHTTPRequestHandler) -> None:
        self.send(page, 302, b"", Location="/good?token=secret")

    def cut(self, page: BaseHTTPRequestHandler) -> None:
        self.send(page, 200, b"half", length=100)

    def bomb(self, page: BaseHTTPRequestHandler) -> None:
        self.send(page, 200, gzip.compress(bytes(2**22)), Content_Encoding="gzip")

    def zipped(self, page: BaseHTTPRequestHandler) -> None:
        self.send(page, 200, gzip.compress(b"a,b\n" * 1000), Content_Encoding="gzip")

    def silent(self, page: BaseHTTPRequestHandler) -> None:
        self.over.wait(10)

    def drip(self, page: BaseHTTPRequestHandler) -> None:
        page.send_response(200)
        page.end_headers()
        while not self.over.wait(0.02):
            page.wfile.write(b".")


@pytest.fixture
def faulty() -> Iterator[Faulty]:
    server = Faulty()
    server.thread.start()
    yield server
    server.over.set()
    server.server.shutdown()
    server.server.server_close()
    server.thread.join()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def session(pauses: list[float]) -> Iterator[http.Session]:
    with http.Session(deadline=5, cap=2**20, sleep=pauses.append, jitter=lambda: 0) as session:
        yield session


def test_answers_are_bytes_whatever_the_header_says(session: http.Session, faulty: Faulty) -> None:
    assert session.get(faulty.url + "/good") == "监测".encode("gb18030")
    assert faulty.headers[0]["User-Agent"] == f"envmon/{__version__}"


def test_post_carries_query_and_form(session: http.Session, faulty: Faulty) -> None:
    session.post(faulty.url + "/good", {"citycode": "140100"}, {"citycode": "140100"})
    assert faulty.asked == ["/good?citycode=140100"]
    assert faulty.forms == ["citycode=140100"]


def test_404_is_told_apart_and_asked_once(session: http.Session, faulty: Faulty) -> None:
    with pytest.raises(http.NotFound) as caught:
        session.get(faulty.url + "/missing")
    assert caught.value.said("zh") == f"{faulty.url}/missing 处没有内容（HTTP 404）；请检查地址"
    assert len(faulty.asked) == 1


def test_other_refusals_are_unavailable_and_asked_once(session: http.Session, faulty: Faulty) -> None:
    with pytest.raises(SourceUnavailable, match="403"):
        session.get(faulty.url + "/forbidden")
    assert len(faulty.asked) == 1


def test_500_is_asked_again_with_short_growing_pauses(
    session: http.Session, faulty: Faulty, pauses: list[float]
) -> None:
    with pytest.raises(SourceUnavailable, match="answered 500; it will be asked again") as caught:
        session.get(faulty.url + "/broken")
    assert caught.value.said("zh") == f"{faulty.url}/broken 暂时不能服务（HTTP 500）；稍后会再问"
    assert caught.value.retryable
    assert len(faulty.asked) == 3
    assert pauses == [0.5, 1.0]


def test_a_passing_failure_passes(session: http.Session, faulty: Faulty, pauses: list[float]) -> None:
    assert session.get(faulty.url + "/broken-once") == b"fine now"
    assert pauses == [0.5]


def test_a_redirect_is_not_followed_and_its_query_not_shown(session: http.Session, faulty: Faulty) -> None:
    with pytest.raises(SourceUnavailable, match=r"redirects to .*/good;") as caught:
        session.get(faulty.url + "/moved")
    assert "secret" not in str(caught.value)
    assert faulty.asked == ["/moved"]


def test_a_body_broken_off_is_no_answer(session: http.Session, faulty: Faulty) -> None:
    with pytest.raises(SourceUnavailable):
        session.get(faulty.url + "/cut")
    assert len(faulty.asked) == 3


def test_a_bomb_stops_at_the_cap(session: http.Session, faulty: Faulty) -> None:
    with pytest.raises(SourceChanged, match="more than 1048576 bytes"):
        session.get(faulty.url + "/bomb")
    assert len(faulty.asked) == 1


def test_compressed_answers_are_unpacked(session: http.Session, faulty: Faulty) -> None:
    assert session.get(faulty.url + "/zipped") == b"a,b\n" * 1000


@pytest.mark.parametrize("fault", ["silent", "drip"])
def test_a_slow_server_ends_at_the_deadline(faulty: Faulty, fault: str, pauses: list[float]) -> None:
    with (
        http.Session(deadline=0.3, sleep=pauses.append) as session,
        pytest.raises(SourceUnavailable, match=r"in time|still sending"),
    ):
        session.get(f"{faulty.url}/{fault}?key=secret")
    assert len(faulty.asked) == 1
    assert pauses == []


def test_nobody_listening(session: http.Session, faulty: Faulty) -> None:
    free = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = free.server_address[1]
    free.server_close()
    with pytest.raises(SourceUnavailable) as caught:
        session.get(f"http://127.0.0.1:{port}/a?key=secret")
    assert "secret" not in str(caught.value)


def test_no_proxy_for_loopback(session: http.Session, faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert session.get(faulty.url + "/good")
