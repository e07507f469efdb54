"""`envmon listen` (receive telemetry), `envmon stations` (who sends), `envmon station MN` (ask one of them)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language, minute_of
from envmon.cli.output import as_json, format_options, short_time, show, table, terminal
from envmon.cli.status import clip
from envmon.texts import t

if TYPE_CHECKING:
    from envmon.model import Config

LANG = language()
STATION_KEYS = ("mn", "name", "connected", "last", "data_time", "today", "clock_offset", "refused")
REFUSED_KEYS = ("kind_name", "mn", "address", "count", "last", "example")
REQUEST_KEYS = ("command_name", "from", "to", "asked", "state_name", "answer", "frames")
TIMES = ("last", "data_time", "from", "to", "asked")
SHOWN = 20  # refusals below the stations
EXAMPLE = 60  # columns of what was refused; --json has more of it


def now_ms() -> int:
    return int(time.time() * 1000)


@click.command(help=t("cli.listen.help", LANG), epilog=t("cli.listen.example", LANG))
@click.option("--log", "log_form", type=click.Choice(["human", "json"]), default="human", help=t("cli.run.log", LANG))
@click.pass_obj
def listen(session: Session, log_form: str) -> None:
    from envmon.cli.service import start_log
    from envmon.daemon import Stop
    from envmon.listener import Listening

    start_log(log_form)
    stop = Stop()
    with stop.listening(), Listening(session.config()) as listening:
        click.echo(session.say("cli.listen.listening", host=listening.listen.host, port=listening.port))
        while not stop() and not listening.ended:
            time.sleep(0.2)


@click.command(help=t("cli.stations.help", LANG), epilog=t("cli.stations.example", LANG))
@format_options
@click.pass_obj
def stations(session: Session, form: str | None) -> None:
    from envmon.pipeline.stations import overview

    found = overview(session.config(), now_ms())
    if form == "json":
        click.echo(as_json(found))
        return
    heads = heads_of(session, "stations", STATION_KEYS)
    show(found["stations"] if form else shortened(found["stations"]), form, heads, session.say("cli.stations.none"))
    if form is None:
        click.echo(session.say("cli.stations.up" if found["listening"] else "cli.stations.down"))
        tell_refused(session, found["refused"])


@click.command(help=t("cli.station.help", LANG), epilog=t("cli.station.example", LANG))
@click.argument("mn", metavar="MN")
@click.argument("action", type=click.Choice(["backfill", "clock"]), required=False)
@click.option("--from", "since", metavar="TIME", help=t("cli.station.from", LANG))
@click.option("--to", "until", metavar="TIME", help=t("cli.station.to", LANG))
@click.option(
    "--cn",
    type=click.Choice(["2061", "2051", "2031"]),
    default="2061",
    show_default=True,
    help=t("cli.station.cn", LANG),
)
@click.option("--json", "as_object", is_flag=True, help="JSON")
@click.pass_obj
def station(
    session: Session, mn: str, action: str | None, since: str | None, until: str | None, cn: str, as_object: bool
) -> None:
    from envmon.pipeline import stations as known

    config = session.config()
    device = known.device_of(config, mn)
    if action == "backfill":
        if not since:
            raise click.UsageError(session.say("cli.station.from_needed"))
        begin, end = minute_of(since), end_of(until) if until else now_ms() // 60_000
        asked = known.ask_history(config, device, cn, begin, end, now_ms())
        click.echo(session.say("cli.station.asked", count=len(asked), mn=device.mn), err=True)
    elif action == "clock":
        known.set_clock(config, device, now_ms())
        click.echo(session.say("cli.station.asked", count=1, mn=device.mn), err=True)
    show_station(session, config, device.mn, as_object)


def end_of(text: str) -> int:
    """A time as people type it; of a day its end."""
    return minute_of(text) + (1440 if len(text.strip()) == 10 else 0)


def show_station(session: Session, config: Config, mn: str, as_object: bool) -> None:
    """One station, what it was asked for, what was refused of it and what of it nobody knows."""
    from contextlib import ExitStack

    from envmon.pipeline import stations as known

    with ExitStack() as stack:
        store = stack.enter_context(session.reading()) if session.has_database() else None
        found = known.details(config, known.device_of(config, mn), store, now_ms())
    if as_object:
        click.echo(as_json(found))
        return
    click.echo(table(shortened([found]), heads_of(session, "stations", STATION_KEYS), terminal()))
    if found["requests"]:
        click.echo(f"\n{session.say('cli.station.requests')}")
        click.echo(table(shortened(found["requests"]), heads_of(session, "station", REQUEST_KEYS), terminal()))
    if found["unknown"]:
        names = ", ".join(f"{one['name']} ({one['count']})" for one in found["unknown"])
        click.echo(f"\n{session.say('cli.station.unknown', names=names)}")
    tell_refused(session, found["refused_kinds"])


def shortened(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with times as short as they can be said, so that a screen holds them."""
    from envmon import periods

    today = periods.clock(now_ms() // 60_000)
    return [{**row, **{key: short_time(row[key], today) for key in TIMES if key in row}} for row in rows]


def tell_refused(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        click.echo(f"\n{session.say('cli.stations.refused')}")
        short = [{**one, "example": clip(one["example"], EXAMPLE)} for one in shortened(rows[:SHOWN])]
        click.echo(table(short, heads_of(session, "stations", REFUSED_KEYS), terminal()))
    if len(rows) > SHOWN:
        click.echo("  " + session.say("cli.status.more", count=len(rows) - SHOWN))


def heads_of(session: Session, command: str, keys: tuple[str, ...]) -> dict[str, str]:
    return {key: session.say(f"cli.{command}.head.{key}") for key in keys}
