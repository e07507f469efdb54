"""`envmon run` (the service, or one beat of it) and `envmon feed` (the replay server)."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envmon.cli import Session, language
from envmon.texts import t

if TYPE_CHECKING:
    from envmon.daemon import Job

LANG = language()


def minute_of(text: str) -> int:
    """A point in time as people type it, Beijing time: `2022-03-01` (its end) or `2022-03-01T09:00`."""
    from datetime import datetime

    from envmon import periods
    from envmon.errors import UsageError

    if len(text) == 10:
        return periods.hour_ending(periods.parse(text).first, 24)
    try:
        return periods.minute(datetime.fromisoformat(text))
    except ValueError:
        raise UsageError("error.time", text=text) from None


def start_log(form: str, path: Path | None = None) -> None:
    """Send the log to stderr, or into a file, as lines for people or as JSON."""
    from envmon.cli.logs import formatter

    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.StreamHandler() if path is None else logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


@click.command(help=t("cli.run.help", LANG), epilog=t("cli.run.example", LANG))
@click.option("--once", is_flag=True, help=t("cli.run.once", LANG))
@click.option("--from", "since", metavar="TIME", help=t("cli.run.from", LANG))
@click.option("--until", metavar="TIME", help=t("cli.run.until", LANG))
@click.option("--dry-run", is_flag=True, help=t("cli.run.dry_run", LANG))
@click.option("--no-listen", is_flag=True, help=t("cli.run.no_listen", LANG))
@click.option("--log", "log_form", type=click.Choice(["human", "json"]), default="human", help=t("cli.run.log", LANG))
@click.pass_obj
def run(
    session: Session, once: bool, since: str | None, until: str | None, dry_run: bool, no_listen: bool, log_form: str
) -> None:
    from envmon import daemon
    from envmon.errors import UsageError
    from envmon.standards import parameters
    from envmon.store import Store

    config = session.config()
    start_log(log_form)
    database, clock, stop = Path(config.paths.database), daemon.MachineClock(), daemon.Stop()
    if not dry_run:
        Path(config.paths.inbox).mkdir(parents=True, exist_ok=True)
    jobs = daemon.jobs_of(config)
    if dry_run:
        say_what_is_due(session, database, jobs, minute_of(until) if until else clock.now())
        return
    with daemon.single_instance(database), stop.listening():
        with Store.open(database) as store:
            if store.meta("demo"):
                raise UsageError("error.demo.database", path=database)
            store.register(config, parameters().values())
        if since or until:
            end = minute_of(until) if until else clock.now()
            with Store.open(database) as store:
                begin = minute_of(since) if since else end
                daemon.replay(daemon.kept_open(store), jobs, begin, end, lambda now: None, stop)
        elif once:
            daemon.tick(partial(Store.open, database), jobs, clock.now(), stop)
        elif config.listen is None or no_listen:
            daemon.serve(partial(Store.open, database), jobs, clock, stop)
        else:
            from envmon.listener import Listening

            with Listening(config) as listening:
                daemon.serve(partial(Store.open, database), jobs, clock, lambda: stop() or listening.ended)


def say_what_is_due(session: Session, database: Path, jobs: tuple[Job, ...], now: int) -> None:
    """List the slots that would run at `now`; nothing is fetched and nothing is written."""
    from envmon import daemon, periods
    from envmon.store import Store
    from envmon.wording import job_name

    known = database.exists()
    for job in jobs:
        served = None
        if known:
            with Store.open(database, readonly=True) as store:
                served = store.slot_state(job.name, now).served
        slots = daemon.due(job, served, now)
        times = f"{periods.clock(slots[0])} … {periods.clock(slots[-1])}" if slots else "–"
        click.echo(session.say("cli.run.due", job=job_name(job.name, session.lang), count=len(slots), times=times))


@click.command(help=t("cli.feed.help", LANG), epilog=t("cli.feed.example", LANG))
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default="data/sample")
@click.option("--port", default=8930, show_default=True, help=t("cli.feed.port", LANG))
@click.option("--at", "at", metavar="TIME", help=t("cli.feed.at", LANG))
@click.option("--speed", default=1.0, show_default=True, help=t("cli.feed.speed", LANG))
@click.option("--hj212", "platform", metavar="HOST:PORT", help=t("cli.feed.hj212", LANG))
@click.option("--hours", default=24, show_default=True, type=click.IntRange(0), help=t("cli.feed.hours", LANG))
@click.option("--realtime", is_flag=True, help=t("cli.feed.realtime", LANG))
@click.option("--once", is_flag=True, help=t("cli.feed.once", LANG))
@click.pass_obj
def feed(
    session: Session,
    folder: Path,
    port: int,
    at: str | None,
    speed: float,
    platform: str | None,
    hours: int,
    realtime: bool,
    once: bool,
) -> None:
    import time

    from envmon.daemon import Stop
    from envmon.feed import Feed

    started, origin = time.monotonic(), minute_of(at) if at else None
    if platform:
        from envmon.cli.stations import send

        send(session, folder, platform, origin, hours, realtime, once)
        return

    def clock() -> int:
        if origin is None:
            return int(time.time() // 60)
        return origin + int((time.monotonic() - started) * speed / 60)

    stop = Stop()
    with Feed(folder, clock=clock, port=port) as server, stop.listening():
        click.echo(session.say("cli.feed.serving", folder=folder, url=server.url))
        while not stop():
            time.sleep(0.2)
