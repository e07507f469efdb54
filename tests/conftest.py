"""A bureau to test with: the repository's own config and sites in a fresh folder, its services replayed on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from envmon import daemon, periods
from envmon.feed import Feed
from envmon.model import Config
from envmon.pipeline.judge import judge
from envmon.pipeline.pull import pull
from envmon.pipeline.wiring import load_config
from envmon.standards import parameters
from envmon.store import Store

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data/sample"
WORKING = "http://127.0.0.1:8930"  # the address config.toml gives its services

os.environ.pop("ENVMON_LANG", None)  # tests read the Chinese texts unless they ask for others
os.environ.pop("ENVMON_CONFIG", None)


class Bureau:
    """A folder with the config and its CSVs whose services answer on loopback, as of the recorded minute `now`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "config.toml"
        self.now = periods.hour_ending(periods.parse("2022-03-01").first, 0)
        folder.mkdir(parents=True, exist_ok=True)
        self.path.write_text((ROOT / "config.toml").read_text("utf-8"), "utf-8")
        for name in ("sites.csv", "plan.csv"):
            (folder / name).write_bytes((ROOT / name).read_bytes())

    def point(self, url: str) -> None:
        """Let every source of the config ask this server."""
        self.edit(WORKING, url)

    def edit(self, old: str, new: str) -> None:
        text = self.path.read_text("utf-8")
        assert old in text
        self.path.write_text(text.replace(old, new), "utf-8")

    @property
    def config(self) -> Config:
        return load_config(self.path)

    @property
    def database(self) -> Path:
        return self.folder / "data/envmon.db"

    def open(self, config: Config | None = None) -> Store:
        """The store, with the config's sites and items entered."""
        store = Store.open(self.database)
        store.register(config or self.config, parameters().values())
        return store

    def at(self, text: str) -> int:
        """Set recorded time to a Beijing time, `2022-03-01T09:40` or `2022-03-01` (its end)."""
        date, _, clock = text.partition("T")
        hours, minutes = (int(part) for part in (clock or "24:00").split(":"))
        self.now = periods.hour_ending(periods.parse(date).first, 0) + 60 * hours + minutes
        return self.now

    def tick(self, store: Store, config: Config, sources: Sequence[str] | None = None) -> int:
        """One beat of the daemon at `now`; of the pulls only those of `sources`."""
        jobs = [job for job in daemon.jobs_of(config) if job.name not in ("charts", "backfill")]
        if sources is not None:
            jobs = [job for job in jobs if job.name == "judge" or job.name.removeprefix("pull ") in sources]
        return daemon.tick(daemon.kept_open(store), tuple(jobs), self.now)

    def pull(self, store: Store, config: Config, name: str) -> None:
        """Ask one source now, without a slot."""
        spec = next(spec for spec in config.sources if spec.id == name)
        pull(daemon.kept_open(store), config, spec, self.now, self.now)

    def judge(self, store: Store, config: Config) -> None:
        judge(store, config, self.now)


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Bureau]:
    """A bureau whose services replay data/sample."""
    made = Bureau(tmp_path / "bureau")
    with Feed(SAMPLE, clock=lambda: made.now) as feed:
        made.point(feed.url)
        yield made


@pytest.fixture(scope="session")
def make_bureau() -> type[Bureau]:
    """Bureau(folder): for tests that serve other data, or keep one bureau for many tests."""
    return Bureau
