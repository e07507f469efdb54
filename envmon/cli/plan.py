"""`envmon plan`: the sampling plan and what became of it, one row for each sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.asked import now_of
from envmon.cli.output import format_options, show
from envmon.texts import t

if TYPE_CHECKING:
    from envmon.model import Config, Sample
    from envmon.store import Store

LANG = language()


@click.command(help=t("cli.plan.help", LANG), epilog=t("cli.plan.example", LANG))
@click.option("--period", metavar="PERIOD", help=t("cli.plan.period", LANG))
@click.option("--all", "everything", is_flag=True, help=t("cli.plan.all", LANG))
@format_options
@click.pass_obj
def plan(session: Session, period: str | None, everything: bool, form: str | None) -> None:
    config = session.config()
    with session.reading() as store:
        found = asked_for(store, config, period, everything)
        items = store.item_names(session.lang)
    names = {site.id: site.name for site in config.sites}
    rows = [row_of(one, names, items, session.lang) for one in found]
    keys = ("name", "items_name", "period", "until", "state_name", "detail")
    heads = {key: session.say(f"cli.plan.head.{key}") for key in keys}
    show(rows, form, heads, session.say("cli.plan.none" if config.plan else "cli.plan.no_plan"))


def asked_for(store: Store, config: Config, period: str | None, everything: bool) -> list[Sample]:
    """The samples of a period that can be said something about; without one those that are overdue or due now."""
    from envmon import periods
    from envmon.assess.sampling import OUTSTANDING
    from envmon.model import SampleState
    from envmon.pipeline import planning

    now = now_of(store)
    if period:
        found = planning.in_period(store, config, periods.parse(period), now)
        return [one for one in found if everything or one.state is not SampleState.NOT_YET]
    found = planning.followed(store, config, now)
    return [one for one in found if everything or one.state in (*OUTSTANDING, SampleState.DUE)]


def row_of(one: Sample, names: Mapping[str, str], items: Mapping[str, str], lang: str) -> dict[str, Any]:
    """One sample as a plain row."""
    from envmon.pipeline.planning import row

    return {
        **row(one),
        "name": names[one.entry.site],
        "items_name": t(f"item_set.{one.entry.items}", lang),
        "every_name": t(f"cycle.{one.entry.every}", lang),
        "state_name": t(f"sample_state.{one.state}", lang),
        "detail": detail(one, items, lang),
    }


def detail(one: Sample, items: Mapping[str, str], lang: str) -> str | None:
    """Of what arrived the day of its last round; of what is here in part what it lacks; of the rest why it lacks."""
    from envmon import periods, wording
    from envmon.model import SampleState

    if one.reason:
        return t(f"status.{one.reason}", lang)
    if one.state is SampleState.ARRIVED:
        return periods.calendar(one.sampled[-1]).isoformat()
    if one.sampled:
        return t("cli.plan.lacking", lang, missing=wording.missing_items(one.missing, items, lang))
    return None
