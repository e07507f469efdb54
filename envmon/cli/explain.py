"""`envmon explain`: where one number comes from, in the terminal, as JSON or as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.asked import area_of, area_option, now_of, period_of, period_option, view_of, view_options
from envmon.cli.output import as_json, cell, table, terminal
from envmon.model import RateName
from envmon.texts import t

if TYPE_CHECKING:
    from envmon.pipeline.explaining import Explanation

LANG = language()


def forms(command: Callable[..., Any]) -> Callable[..., Any]:
    """The forms an explanation comes in."""
    command = click.option("--md", "form", flag_value="md", help="Markdown")(command)
    return click.option("--json", "form", flag_value="json", help="JSON")(command)


@click.group(help=t("cli.explain.help", LANG), epilog=t("cli.explain.example", LANG))
def explain() -> None:
    pass


@explain.command(help=t("cli.explain.day.help", LANG), epilog=t("cli.explain.day.example", LANG))
@click.argument("subject")
@click.argument("date")
@view_options
@forms
@click.pass_obj
def day(session: Session, subject: str, date: str, edition: str, basis: str | None, form: str | None) -> None:
    from envmon import periods
    from envmon.errors import UsageError
    from envmon.pipeline.explaining_air import explain_day

    config, wanted, view = session.config(), periods.parse(date), view_of(edition, basis, session.lang)
    if wanted.days != 1:
        raise UsageError("error.one_day", text=date)
    with session.reading() as store:
        tell(explain_day(store, config, subject, wanted.first, view), form, session)


@explain.command(help=t("cli.explain.rate.help", LANG), epilog=t("cli.explain.rate.example", LANG))
@click.argument("name", type=click.Choice([one.value for one in RateName]))
@area_option
@period_option
@view_options
@forms
@click.pass_obj
def rate(
    session: Session, name: str, area: str, period: str | None, edition: str, basis: str | None, form: str | None
) -> None:
    from envmon.pipeline.explaining_rates import explain_rate

    config, view = session.config(), view_of(edition, basis, session.lang)
    with session.reading() as store:
        subject, wanted = area_of(area, config), period_of(period, store)
        found = explain_rate(store, config, RateName(name), subject, wanted, now_of(store), view)
        tell(found, form, session)


@explain.command(help=t("cli.explain.section.help", LANG), epilog=t("cli.explain.section.example", LANG))
@click.argument("subject")
@click.argument("period")
@click.option("--basis", metavar="BASIS", help=t("cli.option.basis", LANG))
@forms
@click.pass_obj
def section(session: Session, subject: str, period: str, basis: str | None, form: str | None) -> None:
    tell_water(session, "section", subject, period, basis, form)


@explain.command(help=t("cli.explain.source.help", LANG), epilog=t("cli.explain.source.example", LANG))
@click.argument("subject")
@click.argument("period")
@click.option("--basis", metavar="BASIS", help=t("cli.option.basis", LANG))
@forms
@click.pass_obj
def source(session: Session, subject: str, period: str, basis: str | None, form: str | None) -> None:
    tell_water(session, "source", subject, period, basis, form)


def tell_water(session: Session, kind: str, subject: str, period: str, basis: str | None, form: str | None) -> None:
    from envmon import periods
    from envmon.model import Kind
    from envmon.pipeline.explaining_water import explain_water

    config, view = session.config(), view_of("by-date", basis, session.lang)
    with session.reading() as store:
        found = explain_water(store, config, Kind(kind), subject, periods.parse(period), now_of(store), view)
        tell(found, form, session)


@explain.command(help=t("cli.explain.stats.help", LANG), epilog=t("cli.explain.stats.example", LANG))
@click.argument("item", metavar="ITEM")
@area_option
@period_option
@view_options
@forms
@click.pass_obj
def stats(
    session: Session, item: str, area: str, period: str | None, edition: str, basis: str | None, form: str | None
) -> None:
    from envmon.pipeline import explaining_stats

    config, view = session.config(), view_of(edition, basis, session.lang)
    with session.reading() as store:
        name, wanted = item_of(item, session.lang), period_of(period, store)
        subject = explaining_stats.area_of(config, area_of(area, config))
        found = explaining_stats.explain_stats(store, config, name, subject, wanted, now_of(store), view)
        tell(found, form, session)


def item_of(text: str, lang: str) -> str:
    """A pollutant in any of its spellings, or the composite index. Raises UsageError for anything else."""
    from envmon.cli.calc_cells import pollutant
    from envmon.errors import UsageError
    from envmon.pipeline.explaining_stats import COMPOSITE, ITEMS

    found = pollutant(text) or (COMPOSITE if text.strip().lower() in (COMPOSITE, "综合指数") else None)
    if found is None:
        raise UsageError(t("explain.stats.unknown", lang, item=text, known=", ".join(ITEMS)))
    return found


@explain.command(help=t("cli.explain.correction.help", LANG), epilog=t("cli.explain.correction.example", LANG))
@click.argument("number", type=int)
@forms
@click.pass_obj
def correction(session: Session, number: int, form: str | None) -> None:
    from envmon.pipeline.explaining_corrections import explain_correction

    config = session.config()
    with session.reading() as store:
        tell(explain_correction(store, config, number), form, session)


def tell(found: Explanation, form: str | None, session: Session) -> None:
    if form == "json":
        click.echo(as_json(asdict(found)))
    elif form == "md":
        click.echo(markdown(found, session))
    else:
        click.echo(
            f"{click.style(found.question, bold=True)}\n{found.answer}\n{session.say('cli.explain.law', law=found.law)}"
        )
        for part in found.parts:
            heads = {key: session.say(f"cli.explain.head.{key}") for key in part.keys}
            body = table(part.rows, heads, terminal()) if part.rows else session.say("cli.explain.nothing")
            click.echo(f"\n{part.title}\n{body}")


def markdown(found: Explanation, session: Session) -> str:
    """The explanation as a Markdown page."""
    lines = [f"# {found.question}", "", found.answer, "", f"{session.say('cli.explain.law', law=found.law)}"]
    for part in found.parts:
        lines += ["", f"## {part.title}", ""]
        if not part.rows:
            lines.append(session.say("cli.explain.nothing"))
            continue
        lines.append("| " + " | ".join(session.say(f"cli.explain.head.{key}") for key in part.keys) + " |")
        lines.append("|" + " --- |" * len(part.keys))
        lines += ["| " + " | ".join(escaped(row.get(key)) for key in part.keys) + " |" for row in part.rows]
    return "\n".join(lines)


def escaped(value: Any) -> str:
    return cell(value).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
