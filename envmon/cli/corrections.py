"""`envmon publish` enters what the bureau published; `envmon corrections` lists what of it is another figure now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from envmon.cli import Session, language
from envmon.cli.asked import area_of, area_option, now_of, period_of, view_name, view_of, view_options
from envmon.cli.output import format_options, show
from envmon.model import RateName
from envmon.texts import t

LANG = language()
RATES = [one.value for one in RateName]


@click.command(help=t("cli.publish.help", LANG), epilog=t("cli.publish.example", LANG))
@click.argument("rate", type=click.Choice(RATES))
@area_option
@click.option("--period", required=True, metavar="PERIOD", help=t("cli.publish.period", LANG))
@click.option("--document", required=True, metavar="NUMBER", help=t("cli.publish.document", LANG))
@view_options
@click.option("--note", default="", metavar="TEXT", help=t("cli.publish.note", LANG))
@click.pass_obj
def publish(
    session: Session, rate: str, area: str, period: str, document: str, edition: str, basis: str | None, note: str
) -> None:
    from envmon import periods
    from envmon.model import RateName
    from envmon.pipeline import correcting
    from envmon.pipeline.board import counted_of
    from envmon.pipeline.explaining_corrections import figure_text, percent_text
    from envmon.pipeline.judge import judge
    from envmon.standards import parameters
    from envmon.store import Store

    config, view = session.config(), view_of(edition, basis, session.lang)
    with Store.open(Path(config.paths.database)) as store:
        store.register(config, parameters().values())
        now, subject, wanted = now_of(store), area_of(area, config), period_of(period, store)
        judge(store, config, now)  # the figure rests on everything there is
        asked = correcting.Asked(RateName(rate), subject, wanted, view)
        known = {one.number for one in store.published_figures()}
        figure = correcting.publish(store, config, asked, document, note, now)
    counted = figure.rate.period
    click.echo(
        session.say(
            "cli.publish.same" if figure.number in known else "cli.publish.done",
            number=figure.number,
            figure=figure_text(figure, config),
            value=percent_text(figure.rate),
            counted=counted_of(figure.rate, session.lang),
            first=periods.calendar(counted.first),
            last=periods.calendar(counted.last),
            standard=view_name(view, session.lang),
            document=figure.document,
        )
    )


@click.command(help=t("cli.corrections.help", LANG), epilog=t("cli.corrections.example", LANG))
@click.option("--period", metavar="PERIOD", help=t("cli.corrections.period", LANG))
@format_options
@click.pass_obj
def corrections(session: Session, period: str | None, form: str | None) -> None:
    from envmon import periods
    from envmon.pipeline.explaining_corrections import correction_row

    config = session.config()
    span = periods.parse(period) if period else None
    first, last = (periods.hour_ending(span.first, 0), periods.hour_ending(span.last, 24)) if span else (0, 2**40)
    with session.reading() as store:
        rows = [correction_row(figure, one, config) for figure, one in store.corrections(first, last)]
    if form is None:  # a terminal has no room for the minute
        rows = [{**row, "since": row["since"] and row["since"][:10], "document": where(row)} for row in rows]
    keys = ("number", "figure_text", "document", "change_text", "since", "why_text")
    heads = {key: session.say(f"cli.corrections.head.{key}") for key in keys}
    show(rows, form, heads, session.say("cli.corrections.none"))


def where(row: dict[str, Any]) -> str:
    """Where a figure was published: the bureau's document, or a chart, which is said."""
    return str(row["document"]) if row["place"] == "bureau" else f"{row['place_name']} {row['document']}"
