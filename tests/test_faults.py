"""Every fault of a service (R9): the round ends in time, nothing wrong is stored, the error has a name, others go on.

Each fault is a source of a bureau of its own, beside a good one, pulled by the real daemon into a real store. All
bureaus live at the same time; one that took too long in the crowd is asked once more alone.
"""

from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from envmon import daemon, periods
from envmon.pipeline.board import board
from envmon.pipeline.source_board import lines_of, source_board
from envmon.pipeline.wiring import load_config
from envmon.standards import parameters
from envmon.store import Store
from tests.fault_server import FaultServer, free_port, hanging_port

NOW = periods.minute(datetime(2022, 3, 1, 9, 40))
DEADLINE = 1  # seconds, of one answer and of a round
GOOD_ROWS = 9  # hours 1 to 9 of one item

BUREAU = """
bureau = "某局"
language = "en"
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
id = "bad"
kind = "{kind}"
url = "{url}"
every = "1h"
lookback = "1h"
timeout = 1
round = 1
max_mb = 16
{more}
[[sources]]
id = "good"
kind = "archive"
url = "{good}"
every = "1h"
lookback = "1h"
"""


@dataclass(frozen=True)
class Fault:
    """How a fault is told: in English, as the slot of the source keeps it. rows : stored in spite of it."""

    name: str
    told: str
    kind: str = "archive"
    more: str = ""
    rows: int = 0


AIR = "cnemc_air"
FOLLOWING = "redirects = true"
FAULTS = [
    Fault("refused", "cannot be read .ConnectionError"),
    Fault("no-host", "there is no host"),
    Fault("bad-certificate", "certificate .* is not trusted"),
    Fault("connect-hang", "did not answer in time"),
    Fault("silent", "did not answer in time"),
    Fault("header-drip", "did not answer in time|still sending"),
    Fault("body-drip", "did not answer in time|still sending"),
    Fault("counted-drip", "did not answer in time|still sending"),
    Fault("s500", "answered 500"),
    Fault("s503-retry-1", "answered 503"),
    Fault("s503-retry-864000", "answered 503"),
    Fault("s429-retry-1", "answered 429"),
    Fault("s429-retry-date", "answered 429"),
    Fault("s403", "answered 403"),
    Fault("unasked-304", "answered 304"),
    Fault("cut", "cannot be read"),
    Fault("cut-uncounted", "not the JSON expected", AIR),
    Fault("bad-chunk", "cannot be read"),
    Fault("not-http", "cannot be read"),
    Fault("gzip-damaged", "cannot be read"),
    Fault("gzip-bomb", "more than 16777216 bytes"),
    Fault("ten-million-rows", "more than 16777216 bytes"),
    Fault("redirect-loop", "5 redirects and no end", more=FOLLOWING),
    Fault("redirect-plain", "redirects to"),
    Fault("redirect-private", "is not one this source may ask", more=FOLLOWING),
    Fault("redirect-file", "is not one this source may ask", more=FOLLOWING),
    Fault("gb18030-said-utf8", "", rows=GOOD_ROWS),  # bytes are read, whatever the header says
    Fault("utf8-said-latin1", "", rows=GOOD_ROWS),
    Fault("utf16", "the first line is not"),
    Fault("nan", "not the JSON expected", AIR),
    Fault("infinity", "not the JSON expected", AIR),
    Fault("duplicate-keys", "not the JSON expected", AIR),
    Fault("deep", "not the JSON expected", AIR),
    Fault("huge-number", "", AIR, rows=6),  # that cell is refused, the other six stand
    Fault("login", "the first line is not"),
    Fault("login", "not the JSON expected", AIR),
    Fault("empty", "the answer is empty"),
    Fault("empty", "the answer is empty", AIR),
]
HEAVY = ("gzip-bomb", "ten-million-rows", "deep")  # their memory is measured, so they are asked alone


@dataclass(frozen=True)
class Outcome:
    seconds: float
    memory: int
    rows: dict[str, int]
    failing: list[dict[str, Any]]
    sources: dict[str, dict[str, Any]]


class Yard:
    """The fault servers and the folder the bureaus live in."""

    def __init__(
        self, folder: Path, server: FaultServer, secure: FaultServer, hanging: int, inside: FaultServer
    ) -> None:
        self.folder, self.server, self.inside = folder, server, inside
        server.elsewhere = f"{inside.url}/good/secret"
        self.urls = {
            "refused": f"http://127.0.0.1:{free_port()}/",
            "no-host": "http://envmon-no-such-host.invalid/",
            "bad-certificate": f"{secure.url}/good/",
            "connect-hang": f"http://127.0.0.1:{hanging}/",
        }

    def live(self, fault: Fault) -> Outcome:
        """One tick of a bureau with this fault, in a fresh folder."""
        folder = self.folder / f"{fault.name}-{fault.kind}-{time.monotonic_ns()}"
        folder.mkdir()
        url = self.urls.get(fault.name, f"{self.server.url}/{fault.name}/")
        text = BUREAU.format(kind=fault.kind, url=url, more=fault.more, good=f"{self.server.url}/good/")
        (folder / "config.toml").write_text(text, "utf-8")
        config = load_config(folder / "config.toml")
        opened = partial(Store.open, Path(config.paths.database))
        with opened() as store:
            store.register(config, parameters().values())
        bad, good, *_ = daemon.jobs_of(config)
        if measured := fault.name in HEAVY:
            tracemalloc.start()
        begun = time.monotonic()
        daemon.tick(opened, (bad,), NOW)
        seconds = time.monotonic() - begun
        memory = tracemalloc.get_traced_memory()[1] if measured else 0
        tracemalloc.stop()
        daemon.tick(opened, (bad, good), NOW)  # the bad one waits for its next try, the good one is served
        with opened(readonly=True) as store:
            count = "SELECT count(*) FROM reading r JOIN stream t ON t.number = r.stream WHERE t.source = ?"
            rows = {name: store.db.execute(count, (name,)).fetchone()[0] for name in ("bad", "good")}
            found = source_board(store, lines_of(config), NOW, "en")
            return Outcome(seconds, memory, rows, board(store, NOW, "en")["failing"], {one["id"]: one for one in found})


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    folder = tmp_path_factory.mktemp("faults")
    with FaultServer() as server, FaultServer(secure=True) as secure, FaultServer() as inside, hanging_port() as port:
        yield Yard(folder, server, secure, port, inside)


@pytest.fixture(scope="module")
def outcomes(yard: Yard) -> dict[Fault, Outcome]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RES_OPTIONS", "timeout:1 attempts:1")  # where no name server answers
        light = [fault for fault in FAULTS if fault.name not in HEAVY]
        with ThreadPoolExecutor(8) as crowd:
            found = dict(zip(light, crowd.map(yard.live, light), strict=True))
    found |= {fault: yard.live(fault) for fault in FAULTS if fault.name in HEAVY}
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.name}-{fault.kind}")
def test_a_fault_ends_in_time_has_a_name_and_stores_nothing(
    fault: Fault, outcomes: dict[Fault, Outcome], yard: Yard
) -> None:
    found = outcomes[fault]
    seconds = found.seconds if found.seconds <= DEADLINE + 1 else yard.live(fault).seconds
    assert seconds <= DEADLINE + 1
    assert found.memory <= 64 * 2**20
    assert found.rows == {"bad": fault.rows, "good": GOOD_ROWS}
    assert found.sources["good"]["state"] == "ok"
    if not fault.told:
        assert found.failing == []
        assert found.sources["bad"]["state"] == "ok"
        return
    (failing,) = found.failing
    assert failing["job"] == "pull bad"
    assert failing["tries"] == 1
    assert re.search(fault.told, failing["error"]), failing["error"]
    assert found.sources["bad"]["state"] == "failing"
    assert found.sources["bad"]["error"] == failing["error"]


def test_what_lies_behind_a_redirect_was_never_asked(outcomes: dict[Fault, Outcome], yard: Yard) -> None:
    assert outcomes
    assert yard.inside.asked == []
