"""`envmon template`: an empty workbook for those who hand data in, with the bureau's own sites to choose from."""

from __future__ import annotations

from pathlib import Path

import click

from envmon.cli import Session, language
from envmon.texts import t

LANG = language()
KINDS = ("lab", "drinking", "drinking109", "groundwater", "reviewed", "events", "intake")


@click.command(help=t("cli.template.help", LANG), epilog=t("cli.template.example", LANG))
@click.argument("kind", type=click.Choice(KINDS))
@click.option(
    "-o", "--output", "target", metavar="FILE", type=click.Path(path_type=Path), help=t("cli.template.o", LANG)
)
@click.option("--month", metavar="2026-05", help=t("cli.template.month", LANG))
@click.option("--force", is_flag=True, help=t("cli.template.force", LANG))
@click.pass_obj
def template(session: Session, kind: str, target: Path | None, month: str | None, force: bool) -> None:
    from envmon import periods
    from envmon.errors import UsageError
    from envmon.pipeline.templating import template_of

    span = periods.parse(month) if month else None
    if span is not None and not periods.is_month(span):
        raise UsageError(session.say("cli.template.no_month", text=month))
    body = template_of(session.config(), kind, span)
    path = target or Path(f"{kind}_{span.name}.xlsx" if span else f"{kind}.xlsx")
    try:
        with path.open("wb" if force else "xb") as file:
            file.write(body)
    except FileExistsError:
        raise UsageError(session.say("cli.template.there", path=path)) from None
    click.echo(session.say("cli.template.written", path=path))
