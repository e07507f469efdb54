"""`envmon feed --hj212`: recorded readings sent to a platform by simulated stations."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envmon.cli import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envmon.feed.stations import Logger
    from envmon.model import Config, Row


def send(session: Session, folder: Path, platform: str, at: int | None, hours: int, realtime: bool, once: bool) -> None:
    """Let the devices of the config send what was recorded, as if minute `at` were now; until Ctrl-C, or `once`."""
    from envmon import periods
    from envmon.daemon import Stop
    from envmon.errors import UsageError
    from envmon.feed.recorded import rows_in
    from envmon.feed.stations import Stations
    from envmon.standards import parameters

    host, _, port = platform.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError("error.feed.platform", text=platform)

    def clock() -> datetime:
        return datetime.now(periods.BEIJING).replace(tzinfo=None)

    config = session.config()
    wanted = {device.site for device in config.devices}
    found = rows_in(folder, [site for site in config.sites if site.id in wanted], parameters())
    if not any(found.values()):
        raise UsageError("error.feed.no_devices", folder=folder)
    now = periods.minute(clock())
    if at is None:
        at = min(rows[0][0] for rows in found.values()) + periods.DAY
    shift = (now - at) // periods.DAY * periods.DAY
    loggers = loggers_of(config, found, now - shift - 60 * hours, realtime)
    stations = Stations(host.strip("[]"), int(port), loggers, clock, shift)
    click.echo(session.say("cli.feed.sending", count=len(loggers), platform=platform, at=periods.clock(now - shift)))
    stop = Stop()
    with stop.listening():
        stations.send(stop, once)
    counts = {name: stations.counts[name] for name in COUNTED}
    click.echo(session.say("cli.feed.sent", **counts))


COUNTED = ("connected", "sent", "answered", "repeated", "given_up", "heartbeats", "requests")


def loggers_of(config: Config, found: Mapping[str, list[Row]], first: int, realtime: bool) -> list[Logger]:
    """A simulated logger for each device, holding all its records; those that end after minute `first` are sent."""
    from envmon.config import resolved
    from envmon.feed.recorded import introduced, records
    from envmon.feed.stations import Logger
    from envmon.standards import parameters

    named = {f"{one.mn}_env": one.password_env for one in config.devices}
    passwords = resolved(named, config.language, os.environ)
    kinds = {site.id: site.kind for site in config.sites}
    loggers = []
    for device in config.devices:
        medium = kinds[device.site].medium
        kept = records(found.get(device.site, []), device, parameters(), realtime)
        start = next((at for at, record in enumerate(kept) if record.ending > first), len(kept))
        loggers.append(Logger(introduced(device, str(passwords[device.mn]), medium), kept, start))
    return loggers
