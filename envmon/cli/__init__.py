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
from envmon.errors import EnvmonError
from envmon.texts import t

if TYPE_CHECKING:
    from envmon.config import Glance
    from envmon.model import Config
    from envmon.store import Store

COMMANDS = {
    "status": "envmon.cli.status:status",
    "rates": "envmon.cli.judge:rates",
    "assess": "envmon.cli.judge:assess",
    "explain": "envmon.cli.explain:explain",
    "alerts": "envmon.cli.listing:alerts",
    "rejects": "envmon.cli.listing:rejects",
    "sites": "envmon.cli.listing:sites",
    "standards": "envmon.cli.listing:standards",
    "calc": "envmon.cli.calc:calc",
    "import": "envmon.cli.data:import_files",
    "charts": "envmon.cli.data:charts",
    "run": "envmon.cli.service:run",
    "feed": "envmon.cli.service:feed",
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


def lang_first(words: list[str]) -> list[str]:
    """The words with `--lang X` moved to the front: it may be written anywhere."""
    if "--lang" not in words[:-1]:
        return words
    at = words.index("--lang")
    return [*words[at : at + 2], *words[:at], *words[at + 2 :]]


class Commands(click.Group):
    """Knows every command by name and imports it when it is called; the list needs no import at all."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lang = language()
        with formatter.section(t("cli.commands", lang)):
            formatter.write_dl([(name, t(f"cli.{name}.short", lang)) for name in COMMANDS])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, 1)
            if not close:
                raise
            hint = t("cli.did_you_mean", language(), word=close[0])
            raise click.UsageError(f"{error.message} {hint}", ctx) from error


class Session:
    """What every command may ask for: the language, the checked config, the store. Loaded when first asked."""

    def __init__(self, path: Path, lang: str | None) -> None:
        self.path = path
        self.chosen = lang

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

    def has_database(self) -> bool:
        return Path(self.glance.database).exists()

    def reading(self) -> Store:
        """The store, for reading only. A database that is not there yet is said so."""
        from envmon.store import Store

        return Store.open(Path(self.glance.database), readonly=True)

    def say(self, key: str, **values: object) -> str:
        return t(key, self.lang, **values)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, help=t("cli.help", language()))
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
@click.pass_context
def root(ctx: click.Context, config_path: Path, lang: str | None) -> None:
    ctx.obj = Session(config_path, lang or os.environ.get("ENVMON_LANG"))


def main() -> None:
    """Run the command line; every expected error becomes one message on stderr and an exit code."""
    try:
        root(args=lang_first(sys.argv[1:]), prog_name="envmon")
    except EnvmonError as error:
        click.echo(click.style(error.said(language()), fg="red"), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of a pipe (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:  # a file or folder that cannot be made, read or written
        said = t("error.file", language(), path=error.filename or "-", reason=error.strerror or error)
        click.echo(click.style(said, fg="red"), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
