"""`envmon rates`: the compliance rates of any period, in one view or in several side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.asked import (
    area_of,
    area_option,
    now_of,
    period_of,
    period_option,
    span_row,
    view_name,
    view_options,
    views_of,
)
from envmon.cli.output import format_options, show
from envmon.texts import joined, t, word

if TYPE_CHECKING:
    from envmon.model import Config, Outlook, Rate, View
    from envmon.periods import Period
    from envmon.store import Store

LANG = language()


@click.command(help=t("cli.rates.help", LANG), epilog=t("cli.rates.example", LANG))
@period_option
@area_option
@view_options
@click.option("--diff", is_flag=True, help=t("cli.rates.diff", LANG))
@format_options
@click.pass_obj
def rates(
    session: Session, period: str | None, area: str, edition: str, basis: str | None, diff: bool, form: str | None
) -> None:
    config, views = session.config(), views_of(edition, basis, session.lang)
    with session.reading() as store:
        wanted, subject = period_of(period, store), area_of(area, config)
        if diff:
            show_differences(session, store, config, subject, wanted, views, form)
            return
        subjects = [subject] if subject != "*" else ["*", *(one.id for one in config.areas)]
        rows = [row for one in subjects for row in rate_rows(store, config, one, wanted, views, session.lang)]
    columns = ("percent", "counted", "excluded_text", "required_text", "gap", "allowed")
    keys = ("rate_name", *(("view_name",) if len(views) > 1 else ()), *columns)
    heads = {key: session.say(f"cli.rates.head.{key}") for key in keys}
    if form or not rows:
        show(rows, form, heads, session.say("cli.rates.none", period=wanted.name))
        return
    for number, name_of_area in enumerate(dict.fromkeys(row["area_name"] for row in rows)):
        click.echo("\n" * bool(number) + click.style(f"{name_of_area} {wanted.name}", bold=True))
        own = [row for row in rows if row["area_name"] == name_of_area]
        show(own, form, heads, "")
        for row in own:
            if row["without"] is not None:
                click.echo(session.say("cli.rates.without", rate=row["rate_name"], text=row["without"]["text"]))


def rate_rows(
    store: Store, config: Config, area: str, period: Period, views: list[View], lang: str
) -> list[dict[str, Any]]:
    """Every rate of an area, each in all views; one that has nothing to count in any view is left out."""
    from envmon.model import RateName
    from envmon.pipeline import rating

    now, rows = now_of(store), []
    for name in RateName:
        for view in views:
            found = rating.rate(store, config, name, area, period, now, view)
            outlook = rating.matching(store, config, found, period, now, view)
            if found.denominator or found.excluded:
                rows.append({**rate_row(found, outlook, config, lang), **view_row(view, lang)})
    return rows


def view_row(view: View, lang: str) -> dict[str, Any]:
    """What was asked for, beside what a rate rests on (`editions`, `basis`)."""
    return {
        "standard": view.edition,
        "asked_basis": None if view.basis is None else view.basis.name.lower(),
        "view_name": view_name(view, lang),
    }


def show_differences(
    session: Session, store: Store, config: Config, area: str, period: Period, views: list[View], form: str | None
) -> None:
    """The days and sites that the views judge differently, one row each."""
    from envmon.errors import UsageError
    from envmon.pipeline import comparing

    if len(views) < 2:
        raise UsageError(session.say("cli.rates.one_view"))
    found = comparing.differences(store, config, area, period, now_of(store), views)
    rows = [difference_row(one, views, session.lang) for one in found]
    heads = {key: session.say(f"cli.rates.head.{key}") for key in ("when", "name")}
    heads |= {f"view_{number}": view_name(view, session.lang) for number, view in enumerate(views, 1)}
    heads["why"] = session.say("cli.rates.head.why")
    if form:
        rows = [{key: value for key, value in row.items() if not key.startswith("view_")} for row in rows]
    show(rows, form, heads, session.say("cli.rates.no_difference", period=period.name))


def difference_row(one: Any, views: list[View], lang: str) -> dict[str, Any]:
    """One day or site that is judged differently: what each view says of it, and why."""
    outcomes = [{**view_row(view, lang), **said} for view, said in zip(views, one.said, strict=True)]
    return {
        "when": one.when,
        "subject": one.subject,
        "name": one.name,
        "rate": one.rate.value,
        "counts_differently": one.counts_differently,
        "views": outcomes,
        **{f"view_{number}": said["text"] for number, said in enumerate(one.said, 1)},
        "why": one.why,
    }


def rate_row(rate: Rate, outlook: Outlook | None, config: Config, lang: str) -> dict[str, Any]:
    """One rate with everything behind it, and its target when there is one."""
    from dataclasses import asdict

    from envmon.pipeline.board import counted_of, number, required_text, without

    names = {one.id: one.name for one in config.areas} | {"*": t("bureau.whole", lang)}
    excluded = [t("board.excluded", lang, reason=word(e.reason, lang), count=e.count) for e in rate.excluded]
    days, required = (outlook.target.days, outlook.required) if outlook else (None, None)
    return {
        "rate": rate.name.value,
        "rate_name": word(rate.name, lang),
        "area": rate.subject,
        "area_name": names[rate.subject],
        **span_row(rate.period),
        "percent": number(rate.tenths),
        "numerator": rate.numerator,
        "denominator": rate.denominator,
        "counted": counted_of(rate, lang),
        "excluded": {e.reason.value: e.count for e in rate.excluded},
        "excluded_text": joined("comma", lang, excluded),
        "editions": list(rate.editions),
        "basis": rate.basis,
        "without": without(rate.name, None if rate.without is None else asdict(rate.without), lang),
        "target": outlook and outlook.target.id,
        "required": None if days is not None else number(required),
        "required_days": days,
        "required_text": required_text(required, days, lang),
        "gap": number(outlook.gap) if outlook else None,
        "allowed": outlook and outlook.allowed,
        "prospect": outlook and outlook.prospect.value,
    }
