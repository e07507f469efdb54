"""`envmon qc`: what quality control says of readings and why, and its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envmon.cli import Session, language
from envmon.cli.asked import area_of, area_option, now_of
from envmon.cli.output import as_json, by_name, format_options, show, terminal
from envmon.texts import t, word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envmon.model import Config, Flag, Site

LANG = language()


@click.group(help=t("cli.qc.help", LANG), epilog=t("cli.qc.example", LANG))
def qc() -> None:
    pass


@qc.command("list", help=t("cli.qc.list.help", LANG), epilog=t("cli.qc.list.example", LANG))
@click.option("--site", metavar="SITE", help=t("cli.qc.list.site", LANG))
@area_option
@click.option("--month", "period", metavar="PERIOD", help=t("cli.qc.list.month", LANG))
@click.option("--test", metavar="TEST", help=t("cli.qc.list.test", LANG))
@click.option("--flag", type=click.Choice(["good", "suspect", "fail", "missing"]), help=t("cli.qc.list.flag", LANG))
@format_options
@click.pass_obj
def list_command(
    session: Session,
    site: str | None,
    area: str,
    period: str | None,
    test: str | None,
    flag: str | None,
    form: str | None,
) -> None:
    from envmon import periods
    from envmon import qc as control
    from envmon.errors import UsageError
    from envmon.pipeline import flagged, reviewing

    config = session.config()
    known = (*control.TESTS, control.REVIEW)
    if test is not None and test not in known:
        raise UsageError(session.say("cli.qc.unknown_test", test=test, known=" ".join(known)))
    sites = sites_of(config, site, area_of(area, config))
    with session.reading() as store:
        wanted = periods.parse(period) if period else periods.month_of(periods.today(now_of(store)) - 1)
        rows = flagged.listed(store, config, sites, wanted, test, flag_of(flag))
    if form is not None or not rows:
        show(rows, form, {}, session.say("cli.qc.none"))
        return
    told = [
        {**row, "span": reviewing.clocks(row["from"], row["to"]), "reason": row["reason"] or row["test_name"]}
        for row in rows
    ]
    keys = ("span", "count", "item_name", "reading", "flag_name", "reason")
    click.echo(by_name(told, "site_name", {key: session.say(f"cli.qc.head.{key}") for key in keys}, terminal()))


def sites_of(config: Config, site: str | None, area: str) -> Sequence[Site]:
    """One site by its id or a name, or all sites of an area."""
    if site is not None:
        from envmon.pipeline.reviewing import site_of

        return [site_of(config, site)]
    return [one for one in config.sites if area in ("*", one.area)]


def flag_of(text: str | None) -> Flag | None:
    from envmon.model import Flag

    return None if text is None else Flag[text.upper()]


@qc.command(help=t("cli.qc.tests.help", LANG), epilog=t("cli.qc.tests.example", LANG))
@format_options
@click.pass_obj
def tests(session: Session, form: str | None) -> None:
    from envmon.model import Flag
    from envmon.pipeline import quality

    rows = quality.test_rows(session.config())
    if form is None:
        for row in rows:
            flag = None if row["level"] is None else word(Flag[row["level"].upper()], session.lang)
            row["level_name"] = (flag or session.say("cli.qc.information")) if row["on"] else session.say("cli.qc.off")
            row["settings_text"] = " ".join(f"{key}={settings_text(own)}" for key, own in row["settings"].items())
    keys = ("test", "name", "looks_at", "level_name", "settings_text")
    show(rows, form, {key: session.say(f"cli.qc.head.{key}") for key in keys}, session.say("cli.qc.none"))


def settings_text(own: object) -> str:
    """A setting as short as it can be said: thresholds as item:value."""
    if isinstance(own, dict):
        return ",".join(f"{item}:{value}" for item, value in own.items())
    return as_json(own) if isinstance(own, list) and own else str(own)
