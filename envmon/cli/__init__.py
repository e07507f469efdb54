"""The command line: words in, words out, an exit code (0 ok, 1 failed, 2 usage or config, 3 done with data problems).

A command's module is imported only when that command runs, so that `status` and `--version` answer at once.
"""

from __future__ import annotations

import os
import sys
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envmon import __version__
from envmon.cli.clicks import speak
from envmon.cli.output import width
from envmon.errors import EnvmonError, UsageError
from envmon.texts import system_reason, t

if TYPE_CHECKING:
    from envmon.config import Glance
    from envmon.model import Config
    from envmon.store import Store

COMMANDS = {
    "status": "envmon.cli.status:status",
    "rates": "envmon.cli.rates:rates",
    "assess": "envmon.cli.judge:assess",
    "explain": "envmon.cli.explain:explain",
    "stats": "envmon.cli.stats:stats",
    "plan": "envmon.cli.plan:plan",
    "gaps": "envmon.cli.gaps:gaps",
    "alerts": "envmon.cli.listing:alerts",
    "rejects": "envmon.cli.listing:rejects",
    "sources": "envmon.cli.sources:sources",
    "sites": "envmon.cli.sites:sites",
    "standards": "envmon.cli.listing:standards",
    "calc": "envmon.cli.calc:calc",
    "event": "envmon.cli.event:event",
    "qc": "envmon.cli.quality:qc",
    "review": "envmon.cli.review:review",
    "publish": "envmon.cli.corrections:publish",
    "corrections": "envmon.cli.corrections:corrections",
    "import": "envmon.cli.data:import_files",
    "inbox": "envmon.cli.inbox:inbox",
    "template": "envmon.cli.template:template",
    "charts": "envmon.cli.data:charts",
    "run": "envmon.cli.service:run",
    "listen": "envmon.cli.telemetry:listen",
    "stations": "envmon.cli.telemetry:stations",
    "station": "envmon.cli.telemetry:station",
    "feed": "envmon.cli.service:feed",
    "hj212": "envmon.cli.hj212:hj212",
    "demo": "envmon.cli.demo:demo",
    "init": "envmon.cli.setup:init",
    "config": "envmon.cli.setup:config",
}


def language() -> str:
    """The language of help texts: --lang, then ENVMON_LANG, then Chinese."""
    for word, following in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        if word == "--lang" and following in ("zh", "en"):
            return following
        if word.startswith("--lang="):
            return word.partition("=")[2]
    found = os.environ.get("ENVMON_LANG", "zh")
    return found if found in ("zh", "en") else "zh"


ANYWHERE = ("--lang", "--as-of")
"""Options of the program itself that may be written behind a command as well."""

LOOKING_BACK = ("status", "rates", "assess", "explain", "stats", "plan", "alerts", "event", "corrections", "review")
"""Commands that can answer as of an earlier time; the others say so."""


def own_first(words: list[str]) -> list[str]:
    """The words with the program's own options moved to the front."""
    for option in ANYWHERE:
        for at, word in enumerate(words):
            count = 2 if word == option and at + 1 < len(words) else 1 if word.startswith(f"{option}=") else 0
            if count:
                words = [*words[at : at + count], *words[:at], *words[at + count :]]
                break
    return words


speak(language, width)


class Commands(click.Group):
    """Knows every command by name and imports it when it is called; the list needs no import at all.

    commands_at : the module and function of each command. texts : where the short texts of the commands are.
    """

    def __init__(self, *args: Any, commands_at: dict[str, str], texts: str = "cli", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands_at = commands_at
        self.texts = texts

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands_at:
            return None
        module, _, name = self.commands_at[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lang = language()
        with formatter.section(t("cli.commands", lang)):
            formatter.write_dl([(name, t(f"{self.texts}.{name}.short", lang)) for name in self.commands_at])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], self.commands_at, 1)
            if not close:
                raise
            hint = t("cli.did_you_mean", language(), word=close[0])
            raise click.UsageError(f"{error.message} {hint}", ctx) from error


class Session:
    """What every command may ask for: the language, the checked config, the store. Loaded when first asked."""

    def __init__(self, path: Path, lang: str | None, as_of: int | None = None) -> None:
        self.path = path
        self.chosen = lang
        self.as_of = as_of

    @property
    def lang(self) -> str:
        return self.glance.language

    @cached_property
    def glance(self) -> Glance:
        """Where the database is and the language, without checking the whole config."""
        from envmon import config

        return config.glance(str(self.path), self.chosen)

    def config(self) -> Config:
        from envmon.pipeline.wiring import load_config

        return load_config(self.path, self.chosen)

    def writing(self) -> Store:
        """The store, for writing; nothing is written into an earlier time."""
        from envmon.store import Store

        if self.as_of is not None:
            raise UsageError(self.say("cli.as_of.writes"))
        return Store.open(Path(self.glance.database))

    def has_database(self) -> bool:
        return Path(self.glance.database).exists()

    def reading(self) -> Store:
        """The store, for reading only, as of an earlier time when one is asked for."""
        from envmon.store import Store

        return Store.open(Path(self.glance.database), readonly=True, as_of=self.as_of)

    def say(self, key: str, **values: object) -> str:
        return t(key, self.lang, **values)


@click.group(
    cls=Commands,
    commands_at=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=t("cli.help", language()),
)
@click.version_option(__version__, prog_name="envmon", message="%(prog)s %(version)s")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    envvar="ENVMON_CONFIG",
    default="config.toml",
    show_default=True,
    help=t("cli.option.config", language()),
)
@click.option("--lang", type=click.Choice(["zh", "en"]), help=t("cli.option.lang", language()))
@click.option("--as-of", metavar="TIME", help=t("cli.option.as_of", language()))
@click.pass_context
def root(ctx: click.Context, config_path: Path, lang: str | None, as_of: str | None) -> None:
    if as_of is not None and ctx.invoked_subcommand not in LOOKING_BACK:
        commands = ", ".join(LOOKING_BACK)
        raise UsageError(t("cli.as_of.not_here", language(), command=ctx.invoked_subcommand, commands=commands))
    at = None if as_of is None else minute_of(as_of)
    ctx.obj = Session(config_path, lang or os.environ.get("ENVMON_LANG"), at)
    if at is not None:
        from envmon import periods

        click.echo(click.style(ctx.obj.say("cli.as_of.said", at=periods.clock(at)), dim=True), err=True)


def minute_of(text: str) -> int:
    """A time as people type it, Beijing time: 2026-06-05T12:00, with a blank instead of the T, or a day's beginning."""
    from datetime import datetime

    from envmon import periods

    try:
        found = periods.minute(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError) as error:
        raise UsageError(t("cli.as_of.form", language(), text=text)) from error
    if periods.today(found) < periods.FIRST_DAY:
        raise UsageError(t("cli.as_of.form", language(), text=text))
    return found


def main() -> None:
    """Run the command line; every expected error becomes one message on stderr and an exit code."""
    try:
        root(args=own_first(sys.argv[1:]), prog_name="envmon")
    except EnvmonError as error:
        click.echo(click.style(error.said(language()), fg="red"), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of a pipe (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:  # a file or folder that cannot be made, read or written
        said = t("error.file", language(), path=error.filename or "-", reason=system_reason(error, language()))
        click.echo(click.style(said, fg="red"), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
