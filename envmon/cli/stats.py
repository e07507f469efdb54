"""`envmon stats`: figures of whole periods. Each kind has a module of its own, imported when it is asked for."""

from __future__ import annotations

import click

from envmon.cli import Commands, language
from envmon.texts import t

LANG = language()

PARTS = {
    "air": "envmon.cli.stats_air:air",
    "rank": "envmon.cli.stats_air:rank",
    "lakes": "envmon.cli.stats_lakes:lakes",
    "cwqi": "envmon.cli.stats_lakes:cwqi",
    "water": "envmon.cli.stats_water:water",
    "trend": "envmon.cli.stats_water:trend",
}


@click.group(
    cls=Commands,
    commands_at=PARTS,
    texts="cli.stats",
    help=t("cli.stats.help", LANG),
    epilog=t("cli.stats.example", LANG),
)
def stats() -> None:
    pass
