"""`envmon init` writes a commented sample; `envmon config check|show` reads the bureau's page back."""

from __future__ import annotations

from pathlib import Path

import click

from envmon.cli import Session, language
from envmon.cli.output import format_options, show
from envmon.texts import t

LANG = language()


@click.command(help=t("cli.init.help", LANG), epilog=t("cli.init.example", LANG))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def init(session: Session, folder: Path) -> None:
    from envmon.config import write_sample

    lang = session.chosen or LANG  # there is no config yet that could say
    for path in write_sample(str(folder), lang):
        click.echo(t("cli.init.written", lang, path=path))
    click.echo(t("cli.init.next", lang, path=folder / "config.toml"))


@click.group(help=t("cli.config.help", LANG), epilog=t("cli.config.example", LANG))
def config() -> None:
    pass


@config.command(help=t("cli.config.check.help", LANG), epilog=t("cli.config.example", LANG))
@click.pass_obj
def check(session: Session) -> None:
    found = session.config()
    click.echo(
        session.say(
            "cli.config.check.good",
            path=session.path,
            areas=len(found.areas),
            sites=len(found.sites),
            sources=len(found.sources),
            targets=len(found.targets),
            rules=len(found.rules),
        )
    )


@config.command("show", help=t("cli.config.show.help", LANG), epilog=t("cli.config.show.example", LANG))
@format_options
@click.pass_obj
def show_config(session: Session, form: str | None) -> None:
    from envmon.config import effective
    from envmon.pipeline.wiring import known

    heads = {key: session.say(f"cli.config.head.{key}") for key in ("key", "value", "origin")}
    show(effective(session.config(), known()), form, heads, "")
