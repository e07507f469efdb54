"""`envmon demo`: the whole job on the bundled real readings, in recorded time, over real HTTP."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envmon.cli import Session, language
from envmon.texts import t

if TYPE_CHECKING:
    from envmon.model import Config

LANG = language()
FEED = "http://127.0.0.1:8930"  # the address under which config.toml names the replay server
FIRST, LAST = "2022-01-01", "2022-12-31"


@click.command(help=t("cli.demo.help", LANG), epilog=t("cli.demo.example", LANG))
@click.option("--until", default=LAST, show_default=True, metavar="DATE", help=t("cli.demo.until", LANG))
@click.option(
    "--sample",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="data/sample",
    show_default=True,
    help=t("cli.demo.sample", LANG),
)
@click.pass_obj
def demo(session: Session, until: str, sample: Path) -> None:
    from envmon.cli.service import minute_of, start_log

    began = time.monotonic()
    config = session.config()
    start_afresh(config, session)
    log = Path(config.paths.database).with_suffix(".log")
    start_log("human", log)
    click.echo(session.say("cli.demo.begin", sample=sample, first=FIRST, last=until))
    served = live_through(config, sample, minute_of(FIRST) - 1440, minute_of(until) + 480)
    click.echo(session.say("cli.demo.served", slots=served, seconds=f"{time.monotonic() - began:.0f}"))
    show_results(config, draw_year(config, until), session)


def draw_year(config: Config, until: str) -> list[Path]:
    """The charts of the recorded year and of its last whole week."""
    from envmon import periods
    from envmon.cli.service import minute_of
    from envmon.pipeline.correcting import record
    from envmon.pipeline.drawing import draw
    from envmon.store import Store

    now = minute_of(until) + 480
    last = periods.today(now) - 1
    with Store.open(Path(config.paths.database)) as store:
        drawn = [draw(store, config, one, now) for one in (periods.week_of(last - 6), periods.year_of(last))]
        record(store, config, [figure for one in drawn for figure in one.figures], now)
    return [file for one in drawn for file in one.files]


def start_afresh(config: Config, session: Session) -> None:
    """Remove what an earlier demo left; a database that is not the demo's own is never touched."""
    from envmon.errors import UsageError
    from envmon.store import Store

    database = Path(config.paths.database)
    if database.exists():
        with Store.open(database, readonly=True) as store:
            if not store.meta("demo"):
                raise UsageError(session.say("cli.demo.not_mine", path=database))
        for suffix in ("", "-wal", "-shm"):
            Path(f"{database}{suffix}").unlink(missing_ok=True)
        for made in (config.paths.alerts, database.with_suffix(".log")):
            Path(made).unlink(missing_ok=True)


def live_through(config: Config, sample: Path, start: int, until: int) -> int:
    """Serve the sample on loopback and run the daemon's own beats from one due minute to the next."""
    from envmon import daemon
    from envmon.feed import Feed
    from envmon.standards import parameters
    from envmon.store import Store

    now = [start]
    with Feed(sample, clock=lambda: now[0]) as feed:
        here = replace(config, sources=tuple(replace(s, url=s.url.replace(FEED, feed.url)) for s in config.sources))
        database = Path(config.paths.database)
        stop = daemon.Stop()
        with daemon.single_instance(database), Store.open(database) as store, stop.listening():
            store.register(config, parameters().values())
            store.set_meta("demo", True)
            return daemon.replay(
                daemon.kept_open(store),
                daemon.jobs_of(unhurried(here)),
                start,
                until,
                lambda minute: now.__setitem__(0, minute),
                stop,
            )


def unhurried(config: Config) -> Config:
    """The same sources, asked once a recorded day where one answer holds the whole day: a year passes in a minute."""
    from envmon.model import Schedule
    from envmon.periods import DAY

    sources = tuple(replace(s, every=DAY, at=95) if s.kind == "archive" else s for s in config.sources)
    return replace(config, sources=sources, jobs={"judge": Schedule(DAY, 130)})


def show_results(config: Config, files: list[Path], session: Session) -> None:
    """The status screen, and a line for each thing that was made, saying where it is."""
    from envmon.cli.status import screen
    from envmon.pipeline.board import board
    from envmon.store import Store

    with Store.open(Path(config.paths.database), readonly=True) as store:
        click.echo("\n" + screen(board(store, 0, session.lang), session) + "\n")
    alerts = Path(config.paths.alerts)
    count = len(alerts.read_text("utf-8").splitlines()) if alerts.exists() else 0
    click.echo(session.say("cli.demo.database", path=shown(config.paths.database)))
    click.echo(session.say("cli.demo.alerts", count=count, path=shown(alerts)))
    click.echo(session.say("cli.demo.log", path=shown(Path(config.paths.database).with_suffix(".log"))))
    for path in files:
        if path.suffix in (".png", ".html"):
            click.echo(session.say("cli.demo.chart" if path.suffix == ".png" else "cli.demo.page", path=shown(path)))
    click.echo(session.say("cli.demo.next"))


def shown(path: Path | str) -> str:
    """A path as short as it can be said from here."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)
