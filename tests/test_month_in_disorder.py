"""A real month fed hour by hour, late, twice, shuffled, with revisions, through several sources at once, ends with the
same database as one clean pass.

June 2022 of the bundled sample: two cities by the archive, by a neighbour's archive and by the national platform's
JSON, ten sections by the water platform. The answers are those of the replay server at each minute. The neighbour's
values and the revisions are those of the archive with some of them changed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from envmon import periods
from envmon.feed import Library, answer
from envmon.model import Config, Payload
from envmon.pipeline.gaps import ledger
from envmon.pipeline.judge import judge
from envmon.pipeline.pull import context_of, keep
from envmon.sources import SOURCES
from envmon.store import Store
from tests.conftest import SAMPLE, Bureau
from tests.test_rounds import at

MONTH = periods.parse("2022-06")
START, END = periods.hour_ending(MONTH.first, 0), periods.hour_ending(MONTH.last, 24)
LATER = at("2022-07-05T08:00")
CITIES = ("510100", "513300")
MORE = """
[[sources]]
id = "neighbour"
kind = "archive"
url = "http://127.0.0.1:1/"
every = "1h"
[[sources]]
id = "platform"
kind = "cnemc_air"
url = "http://127.0.0.1:1/"
every = "1h"
[[preferences]]
sources = ["neighbour"]
sites = ["ganzi-air"]
items = ["pm25", "o3"]
[[preferences]]
sources = ["platform", "archive"]
items = ["so2"]
"""


class Arrival(NamedTuple):
    """One answer of a source."""

    taken: int
    source: str
    origin: str
    body: bytes


def changed(body: bytes, kind: bytes, every: int, by: int) -> bytes:
    """A day file with some hours of one type raised: every so many, in all cities."""
    lines = body.split(b"\n")
    for place, line in enumerate(lines):
        cells = line.split(b",")
        if len(cells) > 3 and cells[2] == kind and int(cells[1]) % every == 0:
            values = [str(int(cell) + by).encode() if cell.isdigit() else cell for cell in cells[3:]]
            lines[place] = b",".join([*cells[:3], *values])
    return b"\n".join(lines)


def arrivals() -> Iterator[Arrival]:
    """What the services say over the month, in the order of asking; no two answers of a source are of one minute."""
    library = Library(SAMPLE)

    def day_file(now: int, of: int) -> tuple[str, bytes]:
        path = f"/archive/china_cities_{periods.moment(of):%Y%m%d}.csv"
        found = answer(library, now, "GET", path, "")
        return f"http://archive{path}", found.body if found.status == 200 else b""

    for now in range(START + 60, END + 1, 60):
        origin, body = day_file(now, now)
        if body:
            yield Arrival(now + 35, "archive", origin, body)
            yield Arrival(now + 36, "neighbour", origin, changed(body, b"PM2.5", 5, 40))
        if periods.moment(now).hour == 12:  # a revision of the day before
            origin, body = day_file(now, now - 1440)
            if body:
                yield Arrival(now + 50, "archive", origin, changed(body, b"PM10", 7, 3))
        if now % 360 == 0:
            for place, code in enumerate(CITIES):
                path = f"/air/HourChangesPublish/GetCityRealTimeAqiHistoryByCondition?citycode={code}"
                yield Arrival(
                    now + 40 + place, "platform", f"http://platform{path}", answer(library, now, "POST", path, "").body
                )
        if now % 240 == 0:
            page = "/water/Ajax/Publish.ashx"
            body = answer(library, now, "POST", page, "action=getRealDatas").body
            yield Arrival(now + 45, "water", f"http://water{page}", body)


class Office:
    """A bureau whose readings are handed in one by one."""

    def __init__(self, folder: Path) -> None:
        made = Bureau(folder)
        with made.path.open("a", encoding="utf-8") as file:
            file.write(MORE)
        self.config: Config = made.config
        self.store: Store = made.open(self.config)
        self.store.db.execute("PRAGMA synchronous = OFF")  # no power fails here
        self.specs = {spec.id: spec for spec in self.config.sources}

    def take(self, one: Arrival, learned: int) -> None:
        spec, payload = self.specs[one.source], Payload(one.origin, one.body, one.taken)
        parsed = SOURCES[spec.kind].parse(payload, context_of(self.store, self.config, spec))
        keep(self.store, spec, payload, parsed, {}, learned)

    def ends(self) -> dict[str, Any]:
        """Everything that must not depend on the order: readings, what they were before, flags, judgements, gaps."""
        key = "r.ending, r.site, p.id, t.source, t.basis, t.span, r.value, r.mark"
        of = "r JOIN stream t ON t.number = r.stream JOIN parameter p ON p.number = r.parameter"
        asked = {
            "readings": f"SELECT {key}, r.seen FROM reading {of} ORDER BY 1, 2, 3, 4, 5, 6",
            "history": f"SELECT DISTINCT {key} FROM reading_history {of} ORDER BY 1, 2, 3, 4, 5, 6, 7",
            "flags": "SELECT * FROM qc_flag WHERE test <> 'duplicate' ORDER BY 1, 2, 3, 4",
            "air": "SELECT * FROM air_day ORDER BY day, site",
            "water": "SELECT * FROM water_judgement ORDER BY site, span, first, basis",
            "latest": "SELECT site, ending FROM site_latest ORDER BY site",
        }
        found: dict[str, Any] = {name: self.store.db.execute(sql).fetchall() for name, sql in asked.items()}
        found["valid"] = [(one.site, one.expected, one.valid) for one in ledger(self.store, self.config, MONTH, LATER)]
        return found


@pytest.fixture(scope="module")
def queue() -> list[Arrival]:
    return list(arrivals())


@pytest.fixture(scope="module")
def clean(queue: list[Arrival], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The end of one clean pass, judged once."""
    office = Office(tmp_path_factory.mktemp("clean"))
    for one in queue:
        office.take(one, one.taken)
    judge(office.store, office.config, LATER)
    found = office.ends()
    office.store.close()
    return found


def test_the_month_is_real_and_has_revisions_and_disagreements(queue: list[Arrival], clean: dict[str, Any]) -> None:
    assert {one.source for one in queue} == {"archive", "neighbour", "platform", "water"}
    assert len(queue) > 1700
    assert len(clean["readings"]) > 40_000
    assert len(clean["history"]) > 100
    assert {row[3] for row in clean["flags"]} >= {"missing", "sources_disagree"}
    assert len(clean["air"]) >= 30 * 4  # two cities and two areas


@pytest.mark.parametrize("seed", [7])
def test_late_twice_and_shuffled_ends_like_one_clean_pass(
    queue: list[Arrival], clean: dict[str, Any], tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    arriving = [(one.taken + dice.choice([0, 0, 5, 90, 700, 3000, 6000]), one) for one in queue]
    arriving += [(one.taken + dice.randrange(7000), one) for one in dice.sample(queue, len(queue) // 10)]
    arriving.sort(key=lambda pair: (pair[0], dice.random()))
    office = Office(tmp_path / "late")
    rounds = sorted(dice.sample(range(START, END), 5))
    for learned, one in arriving:
        while rounds and rounds[0] <= learned:
            judge(office.store, office.config, rounds.pop(0))
        office.take(one, learned)
    judge(office.store, office.config, LATER)
    found = office.ends()
    office.store.close()
    for name, expected in clean.items():
        assert found[name] == expected, name
