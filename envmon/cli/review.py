"""`envmon review`: what people decide about readings by hand."""

from __future__ import annotations

import getpass
import time

import click

from envmon.cli import Session, language
from envmon.cli.output import format_options, show
from envmon.texts import t, word

LANG = language()


@click.group(help=t("cli.review.help", LANG), epilog=t("cli.review.example", LANG))
def review() -> None:
    pass


@review.command("set", help=t("cli.review.set.help", LANG), epilog=t("cli.review.set.example", LANG))
@click.argument("site")
@click.argument("param")
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="TO")
@click.option(
    "--flag", required=True, type=click.Choice(["good", "suspect", "fail"]), help=t("cli.review.set.flag", LANG)
)
@click.option("--reason", required=True, metavar="TEXT", help=t("cli.review.reason", LANG))
@click.option("--by", metavar="NAME", help=t("cli.review.by", LANG))
@click.pass_obj
def set_command(
    session: Session, site: str, param: str, first: str, last: str, flag: str, reason: str, by: str | None
) -> None:
    from envmon.model import Flag, Review
    from envmon.pipeline import reviewing
    from envmon.standards import parameters

    config = session.config()
    place = reviewing.site_of(config, site)
    item, span = reviewing.item_of(config, place, param), reviewing.span_of(first, last)
    decided = Flag[flag.upper()]
    with session.writing() as store:
        store.register(config, parameters().values())
        asked = Review(0, place.id, item, *span, decided, reason, whom(by), int(time.time() // 60))
        entered, days = reviewing.decide(store, asked)
        there, negative = reviewing.unusable(store, config, asked)
    row = reviewing.row_of(entered, config)
    said = {"site": place.name, "item": row["item_name"], "span": reviewing.span_text(entered)}
    said["flag"] = word(decided, session.lang)
    click.echo(session.say("cli.review.set.done", number=entered.number, days=days, **said))
    if not there:
        click.echo(session.say("cli.review.nothing"))
    elif negative and decided is not Flag.FAIL:
        click.echo(session.say("cli.review.negative", count=negative))


def whom(by: str | None) -> str:
    """Who decides: as said, else the user of this computer. An empty name is left to be refused."""
    try:
        return getpass.getuser() if by is None else by
    except (KeyError, OSError):  # a user without a name
        return ""


@review.command("list", help=t("cli.review.list.help", LANG), epilog=t("cli.review.list.example", LANG))
@click.option("--site", metavar="SITE", help=t("cli.review.list.site", LANG))
@click.option("--all", "everything", is_flag=True, help=t("cli.review.list.all", LANG))
@format_options
@click.pass_obj
def list_command(session: Session, site: str | None, everything: bool, form: str | None) -> None:
    from envmon.pipeline import reviewing

    config = session.config()
    wanted = None if site is None else reviewing.site_of(config, site).id
    with session.reading() as store:
        standing = store.reviews_in_force()
        found = store.reviews_made() if everything else standing
    in_force = {one.number for one in standing}
    rows = []
    for one in found:
        if wanted in (None, one.site):
            row = reviewing.row_of(one, config) | {"in_force": one.number in in_force}
            if form is None:
                row |= {"span": reviewing.span_text(one), "state": state_of(session, one.undoes, row["in_force"])}
                row["flag_name"] = row["flag_name"] if one.undoes is None else None  # it judges nothing
            rows.append(row)
    keys = ("number", "site_name", "item_name", "span", "flag_name", "reason", "by", "learned", "state")
    heads = {key: session.say(f"cli.review.head.{key}") for key in keys if everything or key != "state"}
    show(rows, form, heads, session.say("cli.review.none"))


def state_of(session: Session, undoes: int | None, in_force: bool) -> str:
    if undoes is not None:
        return session.say("cli.review.undoes", number=undoes)
    return "" if in_force else session.say("cli.review.undone")


@review.command(help=t("cli.review.undo.help", LANG), epilog=t("cli.review.undo.example", LANG))
@click.argument("number", type=int)
@click.option("--reason", required=True, metavar="TEXT", help=t("cli.review.reason", LANG))
@click.option("--by", metavar="NAME", help=t("cli.review.by", LANG))
@click.pass_obj
def undo(session: Session, number: int, reason: str, by: str | None) -> None:
    from envmon.errors import UsageError
    from envmon.pipeline import reviewing
    from envmon.standards import parameters

    config = session.config()
    if not session.has_database():
        raise UsageError("error.review.unknown", number=number)
    with session.writing() as store:
        store.register(config, parameters().values())
        _, days = reviewing.undo(store, number, reason, whom(by), int(time.time() // 60))
    click.echo(session.say("cli.review.undo.done", number=number, days=days))
