"""How a source may be asked: allowed hosts, redirects, secrets, pace, documents that did not change, rounds that fail.

Against the fault server on loopback, through real sockets; where a round is meant, through the real daemon and store.
"""

from __future__ import annotations

import json
import logging
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from envmon import config as configuration
from envmon import daemon, http, periods, rounding
from envmon.cli import root
from envmon.config import ConfigMistakes
from envmon.errors import ConfigError, EnvmonError, SourceUnavailable
from envmon.http.limits import retry_after, used_up
from envmon.model import Config
from envmon.pipeline import access
from envmon.pipeline.importing import import_file
from envmon.pipeline.pull import pull
from envmon.pipeline.source_board import Line, lines_of, source_board
from envmon.pipeline.wiring import load_config
from envmon.standards import parameters
from envmon.store import Store
from tests.fault_server import CERTIFICATE, DAY_FILE, FaultServer, header

NOW = periods.minute(datetime(2022, 3, 1, 9, 40))
SECRET = "s3cr/t canary+&=1"
CANARY = "canary"  # in every way of writing it

BUREAU = """
bureau = "某局"
[[areas]]
id = "a"
name = "某市"
level = "prefecture"
[[sites]]
id = "chengdu"
name = "成都"
kind = "city"
area = "a"
code = "510100"
[[sources]]
id = "one"
kind = "{kind}"
url = "{url}"
every = "1h"
lookback = "1h"
{more}
"""


class Office:
    """A bureau with one source, and its daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW
        self.config: Config

    def configure(self, url: str, more: str = "", kind: str = "archive") -> Config:
        text = BUREAU.format(kind=kind, url=url, more=more)
        (self.folder / "config.toml").write_text(text, "utf-8")
        self.config = load_config(self.folder / "config.toml")
        with self.opened() as store:
            store.register(self.config, parameters().values())
        return self.config

    @property
    def opened(self) -> Callable[..., Store]:
        return partial(Store.open, Path(self.config.paths.database))

    def tick(self, minutes: int = 0) -> int:
        """One beat so many minutes later; only the pulls."""
        self.now += minutes
        jobs = tuple(job for job in daemon.jobs_of(self.config) if job.name.startswith("pull "))
        return daemon.tick(self.opened, jobs, self.now)

    def row(self) -> dict[str, Any]:
        with self.opened(readonly=True) as store:
            (found,) = source_board(store, lines_of(self.config), self.now, "zh")
        return found

    def batches(self) -> int:
        with self.opened(readonly=True) as store:
            return int(store.db.execute("SELECT count(*) FROM batch").fetchone()[0])

    def run(self, *words: str) -> Any:
        return CliRunner().invoke(root, ["--config", str(self.folder / "config.toml"), *words])


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as found:
        yield found


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries that do not wait."""
    monkeypatch.setattr("envmon.http.session.PAUSE", 0.001)


@pytest.fixture
def other() -> Iterator[FaultServer]:
    with FaultServer() as found:
        yield found


class Steady:
    """A clock that only pauses move; `pauses` holds them."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, list[float]()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def asking(server: FaultServer, steady: Steady | None = None, probe: bool = False, **rules: Any) -> http.Session:
    """A session that may ask this server only."""
    home = http.endpoint(server.url)
    rules = {"hosts": frozenset([home]), "home": home, "scheme": "http", **rules}
    clock = steady or Steady()
    return http.Session(http.Access(**rules), probe=probe, sleep=clock.sleep, steady=clock, jitter=lambda: 0)


# ---- who may be asked ----------------------------------------------------------------------------------------------


def test_a_host_that_is_not_allowed_is_not_connected_to(server: FaultServer, other: FaultServer) -> None:
    with asking(server) as session:
        for url in (
            f"{other.url}/good/a.csv",
            f"http://localhost:{server.port}/good/a.csv",  # another name is another host
            f"https://127.0.0.1:{server.port}@127.0.0.1:{other.port}/good",
            f"http://127.0.0.1:{other.port}\\@127.0.0.1:{server.port}/good",
            f"file://127.0.0.1:{server.port}/etc/passwd",
            f"ftp://127.0.0.1:{server.port}/a",
            "http://[::1/a",
            "/good/a.csv",
            "",
        ):
            with pytest.raises(SourceUnavailable) as caught:
                session.get(url)
            assert caught.value.message in ("error.http.host", "error.http.line"), url
        assert session.get(f"{server.url}/good/a.csv") == DAY_FILE.encode()
    assert other.asked == []
    assert len(server.asked) == 1


def test_the_hosts_of_a_source_are_its_own_and_those_listed(office: Office, server: FaultServer) -> None:
    config = office.configure("https://Air.Example.cn/x", 'hosts = ["10.1.2.3:8080", "[::1]:80"]')
    found = access.access_of(config, config.sources[0])
    assert found.hosts == {"air.example.cn:443", "10.1.2.3:8080", "[::1]:80"}
    assert (found.home, found.scheme) == ("air.example.cn:443", "https")


def test_redirects_are_followed_only_when_allowed_and_only_for_get(server: FaultServer) -> None:
    with asking(server, redirects=True) as session:
        assert session.get(f"{server.url}/redirect-plain/a") == DAY_FILE.encode()
        with pytest.raises(SourceUnavailable, match="redirects to"):
            session.post(f"{server.url}/redirect-plain/a")
    with asking(server) as session, pytest.raises(SourceUnavailable, match="redirects to"):
        session.get(f"{server.url}/redirect-plain/a")
    assert [one[0] for one in server.asked] == ["redirect-plain", "good", "redirect-plain", "redirect-plain"]


# ---- secrets -------------------------------------------------------------------------------------------------------


def test_secrets_are_added_by_the_session_and_go_home_only(server: FaultServer, other: FaultServer) -> None:
    server.elsewhere = f"{other.url}/good/a"
    secrets = {"secret_headers": {"X-API-Key": SECRET}, "secret_query": {"token": SECRET}}
    hosts = frozenset([http.endpoint(server.url), http.endpoint(other.url)])
    with asking(server, hosts=hosts, redirects=True, **secrets) as session:
        session.get(f"{server.url}/redirect-private/a", {"page": "1"})
        session.get(f"{server.url}/good/a?token=given")  # a link of the service's own that carries it already
    first, second = server.asked
    assert first[2] == "/redirect-private/a?page=1&token=s3cr%2Ft+canary%2B%26%3D1"
    assert header(first, "X-API-Key") == SECRET
    assert second[2] == "/good/a?token=given"
    (away,) = other.asked
    assert away[2] == "/good/a"
    assert header(away, "X-API-Key") is None


def test_secrets_come_from_the_environment_in_three_forms(
    office: Office, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = 'headers_env = { X-API-Key = "ENVMON_A" }\nquery_env = { token = "ENVMON_B" }\nbearer_env = "ENVMON_C"\n'
    office.configure(f"{server.url}/good/", more + 'headers = { Referer = "http://10.1.2.3/" }')
    monkeypatch.setenv("ENVMON_A", "aaaa\n")
    monkeypatch.delenv("ENVMON_B", raising=False)
    with pytest.raises(ConfigError, match="ENVMON_B ENVMON_C"):
        access.access_of(office.config, office.config.sources[0])
    assert office.tick() == 0
    assert server.asked == []
    assert "ENVMON_B ENVMON_C" in office.row()["error"]
    monkeypatch.setenv("ENVMON_B", "bbbb")
    monkeypatch.setenv("ENVMON_C", "cccc")
    assert office.tick(1) == 1
    (asked,) = server.asked
    assert asked[2].endswith(".csv?token=bbbb")
    assert [header(asked, name) for name in ("X-API-Key", "Authorization", "Referer")] == [
        "aaaa",
        "Bearer cccc",
        "http://10.1.2.3/",
    ]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", ["echo", "redirect-loop", "s503-retry-864000", "silent", "good", "refused"])
def test_a_secret_appears_nowhere(
    office: Office,
    server: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    """Not in the database, the log, an error, a file's name, or what any command prints; the URL says it in full."""
    caplog.set_level(logging.DEBUG)
    more = 'headers_env = { X-API-Key = "ENVMON_A" }\nquery_env = { token = "ENVMON_A" }\nbearer_env = "ENVMON_A"\n'
    url = "http://127.0.0.1:9/" if fault == "refused" else f"{server.url}/{fault}/"
    office.configure(url, f"{more}timeout = 1\nround = 1\nredirects = true")
    monkeypatch.setenv("ENVMON_A", SECRET)
    office.tick()
    said = "".join(
        office.run(*words).output
        for words in (["status", "--json"], ["sources"], ["sources", "try", "one", "--json"], ["rejects"])
    )
    said += office.run("config", "show").output + str(access.access_of(office.config, office.config.sources[0]))
    names = "".join(str(path) for path in office.folder.rglob("*"))
    stored = b"".join(path.read_bytes() for path in (office.folder / "data").glob("envmon.db*"))
    for text in (said, names, caplog.text, stored.decode("latin-1")):
        assert CANARY not in text
    if fault in ("echo", "good"):
        assert CANARY in server.asked[0][2]


def test_an_address_or_an_answer_that_quotes_a_secret_is_blotted() -> None:
    rules = http.Access(secret_query={"token": "abc"}, secret_headers={"Authorization": f"Bearer {SECRET}"})
    with http.Session(rules) as session:
        assert session.without_secrets("http://a/b?token=zzz&x=1") == "http://a/b?token=***&x=1"
        assert session.without_secrets("no s3cr%2Ft%20canary%2B%26%3D1 here") == "no *** here"
        assert session.without_secrets(f"no {SECRET} here, nor abc") == "no *** here, nor abc"


# ---- certificates --------------------------------------------------------------------------------------------------


def test_a_source_may_bring_its_own_authority_and_verification_is_never_off(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURL_CA_BUNDLE", "")  # which switches it off in some programs
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "")
    with FaultServer(secure=True) as secure:
        office.configure(f"{secure.url}/good/")
        assert office.tick() == 0
        assert "证书不可信" in office.row()["error"]
        (office.folder / "own.pem").write_bytes(CERTIFICATE.read_bytes())
        office.configure(f"{secure.url}/good/", 'ca_file = "own.pem"')
        assert office.tick(2) == 1
        office.configure(f"{secure.url}/good/", 'ca_file = "none.pem"')
        with pytest.raises(ConfigError, match=r"one: its ca_file .*none\.pem is not there"):
            access.access_of(office.config, office.config.sources[0])


# ---- pace ----------------------------------------------------------------------------------------------------------

DATE = "Fri, 27 Nov 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "1"}, 1),
        ({"Retry-After": "864000"}, 86400),  # ten days are cut to one
        ({"Retry-After": "9" * 400}, 86400),
        ({"Retry-After": "Fri, 27 Nov 2026 08:01:30 GMT", "Date": DATE}, 90),
        ({"Retry-After": "Fri, 27 Nov 2026 07:00:00 GMT", "Date": DATE}, 0),
        ({"Retry-After": "Fri, 27 Nov 2026 08:01:30 GMT"}, None),  # whose clock?
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: int | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "42"}, 42),  # OpenAQ: seconds
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795766460", "Date": DATE}, 60),  # others: a time
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795766460"}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "7"}, 7),
        ({"x-ratelimit-remaining": "12", "x-ratelimit-reset": "42"}, None),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "42"}, None),
    ],
)
def test_a_limit_used_up(headers: dict[str, str], seconds: int | None) -> None:
    """1795766460 is 2026-11-27 08:01:00 UTC: 20,784 days x 86,400 + 28,860."""
    assert 20_784 * 86_400 + 28_860 == 1_795_766_460
    assert used_up(headers) == seconds


@given(st.text(max_size=40), st.text(max_size=40), st.text("0123456789.-:GMTFri,Nov ", max_size=40))
@settings(max_examples=200, deadline=None)
def test_headers_that_say_nonsense_are_no_error(after: str, reset: str, date: str) -> None:
    for text in (after, date):
        headers = {"Retry-After": text, "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset, "Date": date}
        for found in (retry_after(headers), used_up(headers)):
            assert found is None or 0 <= found <= http.LEFT_ALONE


ANSWER = (
    b'HTTP/1.1 200 OK\r\nServer: x\r\nETag: "1"\r\nRetry-After: 1\r\nContent-Type: text/csv\r\n'
    b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\nLocation: http://127.0.0.1/a\r\n\r\n"
    b"5\r\ndate,\r\n0\r\n\r\n"
)
PIECES = (b"\x00", b"\xff", b"\r\n", b"\n", b":", b"302", b"-1", b"9" * 30, b"Content-Length: 3\r\n")


def test_whatever_bytes_a_server_sends_every_failure_has_its_type() -> None:
    """800 answers with bytes changed, cut, doubled and put in; always the same ones."""
    chance = random.Random(212)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            while True:
                with suppress(OSError):
                    client, _ = listener.accept()
                    with client:
                        client.recv(4096)
                        client.sendall(mutated(chance))
                if over.is_set():
                    return

        over = threading.Event()
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        typed = came = 0
        with http.Session(deadline=2, cap=2**20, retries=0, sleep=lambda seconds: None) as session:
            for case in range(800):
                session._over = None  # a Retry-After of long ends a round; here every answer is a round of its own
                try:
                    session.get(f"http://127.0.0.1:{port}/{case}", conditional=True)
                    came += 1
                except EnvmonError:
                    typed += 1
            over.set()
            with suppress(EnvmonError):
                session.get(f"http://127.0.0.1:{port}/end")
        thread.join(5)
    assert came + typed == 800
    assert typed > 100


def mutated(chance: random.Random) -> bytes:
    """The answer with one to four changes; half of the time without gzip, whose body it is not."""
    body = bytearray(ANSWER if chance.random() < 0.5 else ANSWER.replace(b"Content-Encoding: gzip\r\n", b""))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(body) + 1)
        piece = chance.choice(
            [b"\x00", b"\xff", b"\r\n", b":", b"302", b"-1", b"9" * 30, b"Content-Length: 3\r\n", b"\n"]
        )
        match chance.randrange(4):
            case 0:
                body[at : at + len(piece)] = piece
            case 1:
                body[at:at] = piece
            case 2:
                del body[at : at + chance.randint(1, 20)]
            case _:
                del body[max(at, 5) :]
    return bytes(body)


def test_a_short_retry_after_is_waited_for_and_a_long_one_ends_the_round(server: FaultServer) -> None:
    steady = Steady()
    with asking(server, steady) as session:
        with pytest.raises(SourceUnavailable, match="503"):
            session.get(f"{server.url}/s503-retry-1/a")
        assert steady.pauses == [1, 1]  # two more tries
        assert session.alone == 0
        with pytest.raises(SourceUnavailable, match="503"):
            session.get(f"{server.url}/s503-retry-864000/a")
        with pytest.raises(SourceUnavailable, match="503"):
            session.get(f"{server.url}/good/a")
        assert session.alone == 86400
    assert [one[0] for one in server.asked] == ["s503-retry-1"] * 3 + ["s503-retry-864000"]


def test_a_service_is_left_alone_over_a_restart(office: Office, server: FaultServer) -> None:
    """429 with a date an hour ahead: nothing is tried until that hour is over, and by hand it is not asked either."""
    office.configure(f"{server.url}/s429-retry-date/")
    assert office.tick() == 0
    assert office.row()["next"] == "2022-03-01 10:40"
    for _ in range(11):
        office.tick(5)
    office.configure(f"{server.url}/s429-retry-date/")  # read anew
    with pytest.raises(SourceUnavailable) as caught:
        pull(office.opened, office.config, office.config.sources[0], office.now, office.now)
    assert "2022-03-01 10:40 之前不再访问" in caught.value.said("zh")
    assert len(server.asked) == 1
    assert (office.row()["state"], office.row()["failures"]) == ("failing", 1)
    office.tick(5)
    assert len(server.asked) == 2


def test_ten_days_are_remembered_as_one_and_looked_at_every_hour(office: Office, server: FaultServer) -> None:
    office.configure(f"{server.url}/s503-retry-864000/")
    office.tick()
    assert office.row()["next"] == "2022-03-02 09:40"
    for _ in range(23):
        office.tick(60)
    assert len(server.asked) == 1
    assert office.row()["failures"] == 24  # the first, and once an hour
    office.tick(60)
    assert len(server.asked) == 2


def test_a_pause_between_requests_and_an_end_of_the_round(server: FaultServer) -> None:
    steady = Steady()
    with asking(server, steady, pause=1.5, round=4) as session:
        for _ in range(3):
            session.get(f"{server.url}/good/a")
        assert steady.pauses == [1.5, 1.5]
        for _ in range(2):
            with pytest.raises(SourceUnavailable, match="has taken its 4 s"):
                session.get(f"{server.url}/good/a")
    assert len(server.asked) == 3


def test_a_retry_is_scattered_by_at_most_a_quarter(server: FaultServer) -> None:
    steady = Steady()
    with (
        http.Session(sleep=steady.sleep, steady=steady, jitter=lambda: 1.0) as session,
        pytest.raises(SourceUnavailable),
    ):
        session.get(f"{server.url}/s500/a")
    assert steady.pauses == [0.625, 1.25]  # 0.5 and 1.0 s with a quarter more


# ---- unchanged documents -------------------------------------------------------------------------------------------


def test_a_document_that_did_not_change_is_not_sent_again(office: Office, server: FaultServer) -> None:
    office.configure(f"{server.url}/documents/")
    assert office.tick() == 1
    assert office.tick(60) == 1
    assert [header(one, "If-None-Match") for one in server.asked] == [None, '"1"']
    assert office.batches() == 1
    server.document, server.tag = DAY_FILE + "20220301,10,PM2.5,77\n", '"2"'
    assert office.tick(60) == 1
    assert office.batches() == 2
    assert office.tick(60) == 1
    assert [header(one, "If-None-Match") for one in server.asked] == [None, '"1"', '"1"', '"2"']
    assert office.row()["state"] == "ok"


def test_a_document_is_asked_for_anew_when_more_may_be_seen_in_it(office: Office, server: FaultServer) -> None:
    """After an import of the same source, and after the config changed, a 304 could hide what is not in the store."""
    office.configure(f"{server.url}/documents/")
    office.tick()
    older = office.folder / "china_cities_20220301.csv"
    older.write_text(DAY_FILE.replace("PM2.5,31", "PM2.5,99"), "utf-8")
    with office.opened() as store:
        import_file(store, office.config, office.config.sources[0], older, office.now + 30)
    office.tick(60)
    office.tick(60)
    assert [header(one, "If-None-Match") for one in server.asked] == [None, None, '"1"']
    office.configure(f"{server.url}/documents/", "options = { form = 'cities' }")
    office.tick(60)
    assert header(server.asked[-1], "If-None-Match") is None
    with office.opened(readonly=True) as store:
        (value,) = store.db.execute("SELECT value FROM reading ORDER BY ending LIMIT 1").fetchone()
    assert rounding.plain(value, parameters()["pm25"].decimals) == "31"  # what the service says, not the older file


def test_a_document_with_a_refused_row_is_read_again(office: Office, server: FaultServer) -> None:
    """An hour that lies ahead is refused today and may be taken tomorrow, from the same document."""
    office.configure(f"{server.url}/documents/")
    server.document = DAY_FILE + "20220301,12,PM2.5,77\n"
    office.tick()
    office.now = NOW + 180
    office.tick()
    assert [header(one, "If-None-Match") for one in server.asked] == [None, None]
    with office.opened(readonly=True) as store:
        assert store.db.execute("SELECT count(*) FROM reading").fetchone()[0] == 10


def test_nothing_of_an_address_is_remembered_in_clear(office: Office, server: FaultServer) -> None:
    office.configure(f"{server.url}/documents/")
    office.tick()
    with office.opened(readonly=True) as store:
        kept = store.meta("round one")
    assert list(kept["documents"].values()) == [['"1"', ""]]
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in kept["documents"])


# ---- rounds that fail ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
def test_a_source_that_fails_is_asked_ever_more_rarely_and_probed_by_one_request(
    office: Office, server: FaultServer
) -> None:
    """Tries 1, 2, 4, 8 minutes apart. Three failed rounds ask three times each; from then on a round asks once."""
    office.configure(f"{server.url}/s500/")
    assert office.row()["state"] == "never"
    states = []
    for minutes in (0, 1, 2, 4, 8):
        office.tick(minutes)
        states.append((office.row()["state"], len(server.asked)))
    assert states == [("failing", 3), ("failing", 6), ("open", 9), ("open", 10), ("open", 11)]
    assert office.row()["failures"] == 5
    with office.opened() as store:
        spec = office.config.sources[0]
        assert (
            access.remembered(lambda readonly: daemon.kept_open(store)(), office.config, spec, NOW + 20).failures == 5
        )
    FaultServer.s500, broken = FaultServer.good, FaultServer.s500  # type: ignore[method-assign]
    try:
        office.tick(16)
    finally:
        FaultServer.s500 = broken  # type: ignore[method-assign]
    row = office.row()
    assert (row["state"], row["failures"], row["error"], row["new"]) == ("ok", 0, None, 9)


def test_a_probe_that_is_answered_lets_the_rest_of_the_round_pass(server: FaultServer) -> None:
    with asking(server, probe=True) as session:
        assert session.get(f"{server.url}/good/a")
        with pytest.raises(SourceUnavailable, match="500"):
            session.get(f"{server.url}/s500/a")
        assert session.get(f"{server.url}/good/a")
    with asking(server, probe=True) as session:
        for _ in range(2):
            with pytest.raises(SourceUnavailable, match="500"):
                session.get(f"{server.url}/s500/a")
    assert [one[0] for one in server.asked] == ["good", "s500", "s500", "s500", "good", "s500"]


# ---- the board and the try -----------------------------------------------------------------------------------------


def test_a_line_of_the_board(office: Office, server: FaultServer) -> None:
    """At 09:40 the file holds hours 1 to 9: the latest ends at 09:00, 40 minutes ago; the next slot is at 10:00."""
    office.configure(f"{server.url}/good/")
    assert office.row()["next"] == "2022-03-01 09:40"  # due now
    office.tick()
    assert office.row() == {
        "id": "one", "kind": "archive", "state": "ok", "state_name": "正常",
        "last_success": "2022-03-01 09:40", "latest": "2022-03-01 09:00", "lag": 40,
        "new": 9, "revised": 0, "refused": 0, "next": "2022-03-01 10:00", "failures": 0, "error": None,
    }  # fmt: skip
    office.now += 1440
    assert [office.row()[key] for key in ("new", "lag")] == [0, 1480]
    with office.opened(readonly=True) as store:  # what comes by itself has a line of the same form
        (pushed,) = source_board(store, [Line("one", "hj212")], NOW, "en")
    assert [pushed[key] for key in ("state", "last_success", "latest", "next")] == [
        "ok",
        None,
        "2022-03-01 09:00",
        None,
    ]


def test_a_try_stores_nothing(office: Office, server: FaultServer) -> None:
    office.configure(f"{server.url}/good/")
    with office.opened(readonly=True) as store:
        before = list(store.db.iterdump())
    found = office.run("sources", "try", "one", "--at", "2022-03-01T09:40", "--rows", "2")
    assert found.exit_code == 0, found.output
    assert "试取 one（archive）：2022-03-01 08:40 至 2022-03-01 09:40" in found.output
    assert "前 2 行，共 9 行" in found.output
    assert re.search(r"成都 +细颗粒物 +2022-03-01 01:00 +31 +µg/m³", found.output)
    assert 22 + 9 * 20 == 202  # bytes of the header, 成都 being six of them, and of nine rows
    assert "1 份答复，202 字节；可用 9 行（1 个点位，1 个项目），会拒收 0 行" in found.output
    with office.opened(readonly=True) as store:
        assert list(store.db.iterdump()) == before


def test_a_try_needs_no_database_and_tells_strangers_and_refusals(office: Office, server: FaultServer) -> None:
    office.configure(f"{server.url}/documents/")
    Path(office.config.paths.database).unlink()
    server.document = (
        "date,hour,type,成都市,凉山州\n20220301,1,PM2.5,3x,5\n20220301,2,PM2.5,31,6\n20220301,99,PM2.5,1,1\n"
    )
    found = office.run("sources", "try", "one", "--at", "2022-03-01T09:40", "--json")
    assert found.exit_code == 3
    told = json.loads(found.output)
    assert told["unknown"] == [
        {"name": "成都市", "count": 2, "closest": "chengdu"},
        {"name": "凉山州", "count": 2, "closest": None},
    ]
    assert told["rows"] == []
    assert [one["line"] for one in told["refused"]] == [4]
    assert not Path(office.config.paths.database).exists()
    found = office.run("sources", "try", "one", "--at", "2022-03-01T09:40")
    assert "没有配置的名称，列出 2 个，共 2 个" in found.output
    assert "会被拒收的行，列出 1 行，共 1 行" in found.output


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("fault", "told"), [("login", "第一行不是"), ("s500", "HTTP 500"), ("empty", "答复是空的")])
def test_a_try_that_fails_says_why_and_returns_1(office: Office, server: FaultServer, fault: str, told: str) -> None:
    office.configure(f"{server.url}/{fault}/")
    found = office.run("sources", "try", "one", "--at", "2022-03-01T09:40")
    assert found.exit_code == 1
    assert told in found.output
    assert not (office.folder / "data/rejects").exists()


def test_a_source_nobody_configured(office: Office, server: FaultServer) -> None:
    office.configure(f"{server.url}/good/")
    found = office.run("sources", "try", "on")
    assert isinstance(found.exception, Exception)
    assert "one" in str(found.exception)


# ---- config --------------------------------------------------------------------------------------------------------


def test_every_mistake_of_how_a_source_is_asked_is_told_at_once(office: Office) -> None:
    more = """
hosts = ["10.1.2.3", "a:99999"]
redirects = "yes"
pause = "-1"
timeout = 0
round = 99999
max_mb = "64"
headers = { Authorization = "Bearer canary" }
headers_env = { "X API" = "A" }
query_env = { token = "canary-value-itself" }
bearer_env = "canary value"
"""
    with pytest.raises(ConfigMistakes) as caught:
        office.configure("http://127.0.0.1:9/", more)
    paths = {one.path.removeprefix("sources[1].") for one in caught.value.mistakes}
    keys = "hosts redirects pause timeout round max_mb headers headers_env query_env bearer_env"
    assert paths == set(keys.split())
    assert CANARY not in str(caught.value)
    assert all(re.search("[\u4e00-\u9fff]", one.allowed) for one in caught.value.mistakes)


def test_what_is_shown_of_a_secret_is_its_variable_and_whether_it_is_set(office: Office) -> None:
    more = 'headers_env = { X-API-Key = "ENVMON_A" }\nbearer_env = "ENVMON_B"'
    config = office.configure("http://127.0.0.1:9/", more)
    shown = {one["key"]: one["value"] for one in configuration.effective(config, environ={"ENVMON_A": CANARY})}
    assert "ENVMON_A" in shown["sources[1].headers_env.X-API-Key"]
    assert "ENVMON_B" in shown["sources[1].bearer_env"]
    assert shown["sources[1].headers_env.X-API-Key"] != shown["sources[1].bearer_env"].replace("_B", "_A")
    assert CANARY not in str(shown)
