"""`envmon alerts`, `rejects`, `standards`: what there is, one row each."""

from __future__ import annotations

import click

from envmon.cli import Session, language
from envmon.cli.output import format_options, show
from envmon.texts import t

LANG = language()


@click.command(help=t("cli.alerts.help", LANG), epilog=t("cli.alerts.example", LANG))
@click.option("--all", "everything", is_flag=True, help=t("cli.alerts.all", LANG))
@click.option("--period", metavar="PERIOD", help=t("cli.alerts.period", LANG))
@format_options
@click.pass_obj
def alerts(session: Session, everything: bool, period: str | None, form: str | None) -> None:
    from envmon import periods
    from envmon.pipeline.board import incident, names_of

    with session.reading() as store:
        names = names_of(store, session.lang)
        if period:
            span = periods.parse(period)
            found = store.incidents(periods.hour_ending(span.first, 0), periods.hour_ending(span.last, 24))
        elif everything:
            found = store.incidents(0, 2**40)
        else:
            found = store.open_incidents()
        rows = [incident(one, names, session.lang) for one in found]
    keys = ("id", "state_name", "severity_name", "since", "title")
    heads = {key: session.say(f"cli.alerts.head.{key}") for key in keys}
    show(rows, form, heads, session.say("cli.alerts.none"))


@click.command(help=t("cli.rejects.help", LANG), epilog=t("cli.rejects.example", LANG))
@click.option("--source", metavar="NAME", help=t("cli.rejects.source", LANG))
@click.option("--period", metavar="PERIOD", help=t("cli.rejects.period", LANG))
@format_options
@click.pass_obj
def rejects(session: Session, source: str | None, period: str | None, form: str | None) -> None:
    from envmon import periods

    span = periods.parse(period) if period else None
    first, last = (periods.hour_ending(span.first, 0), periods.hour_ending(span.last, 24)) if span else (0, 2**40)
    with session.reading() as store:
        rows = [{**row, "learned": periods.clock(row["learned"])} for row in store.rejects(first, last, source)]
    places = ("sheet", "line", "column") if any(row["sheet"] for row in rows) else ("line", "column")
    keys = ("learned", "source", "origin", *places, "reason", "text")
    show(rows, form, {key: session.say(f"cli.rejects.head.{key}") for key in keys}, session.say("cli.rejects.none"))


@click.command(help=t("cli.standards.help", LANG), epilog=t("cli.standards.example", LANG))
@format_options
@click.pass_obj
def standards(session: Session, form: str | None) -> None:
    from envmon import periods
    from envmon import standards as law

    def date(day: int | None) -> str | None:
        return None if day is None else periods.calendar(day).isoformat()

    rows = [
        {
            "id": one.id,
            "phase": one.phase,
            "phase_name": "" if one.phase in ("", law.ONLY_PHASE) else session.say(f"phase.{one.phase}"),
            "title": one.title,
            "from": date(one.first),
            "to": date(one.last),
            "family": one.family,
            "file": one.file,
            "unconfirmed": one.unconfirmed,
        }
        for one in law.editions()
    ]
    keys = ("id", "phase_name", "from", "to", "title", "unconfirmed")
    show(rows, form, {key: session.say(f"cli.standards.head.{key}") for key in keys}, "")
