"""`envmon event`: the list of exceptional events, and evidence for one that nobody has decided yet."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.asked import area_of, area_option, now_of, period_option
from envmon.cli.output import as_csv, as_json, format_options, show, table, terminal
from envmon.texts import joined, t, word

if TYPE_CHECKING:
    from envmon.model import Config, ExceptionalEvent, Parameter
    from envmon.pipeline.dust import Deducted, Pack
    from envmon.store import Store

LANG = language()


@click.group(help=t("cli.event.help", LANG), epilog=t("cli.event.example", LANG))
def event() -> None:
    pass


@event.command("import", help=t("cli.event.import.help", LANG), epilog=t("cli.event.import.example", LANG))
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def import_list(ctx: click.Context, files: tuple[Path, ...]) -> None:
    from envmon.cli.data import write_rejects
    from envmon.pipeline.importing import events_in
    from envmon.sources import read_file
    from envmon.standards import parameters

    session: Session = ctx.obj
    config = session.config()
    refused_any = False
    with session.writing() as store:
        store.register(config, parameters().values())
        for path in files:
            payload = read_file(path, "lab", int(time.time() // 60))
            events, refused = events_in(payload, config, session.lang)
            entered = store.enter_events(events)
            counts = {"new": len(entered), "same": len(events) - len(entered), "refused": len(refused)}
            click.echo(session.say("cli.event.import.done", file=path, **counts))
            for one in refused:
                click.echo("  " + session.say("cli.event.import.refused", line=one.line, reason=one.reason), err=True)
            if refused:
                reject = write_rejects(Path(config.paths.rejects), path, refused, session.lang)
                click.echo(session.say("cli.import.rejected", count=len(refused), path=reject))
            refused_any = refused_any or bool(refused)
        count_again(store, config)
    ctx.exit(3 if refused_any else 0)


def count_again(store: Store, config: Config) -> None:
    """Let targets, overdue samples and what was published stand by the events there are now."""
    from envmon.pipeline import planning, rating
    from envmon.pipeline.correcting import correct

    with store.writing():
        rating.rate_all(store, config, now_of(store))
        planning.outstanding(store, config, now_of(store))
        correct(store, config, now_of(store))


@event.command("list", help=t("cli.event.list.help", LANG), epilog=t("cli.event.list.example", LANG))
@period_option
@click.option("--all", "everything", is_flag=True, help=t("cli.event.list.all", LANG))
@format_options
@click.pass_obj
def list_command(session: Session, period: str | None, everything: bool, form: str | None) -> None:
    from envmon import periods
    from envmon.pipeline.rating import touches

    config = session.config()
    wanted = periods.parse(period) if period else None
    with session.reading() as store:
        standing = store.events_in_force()
        found = store.events() if everything else standing
    rows = [row_of(one, config, session.lang) for one in found if wanted is None or touches(one, wanted)]
    keys = ["number", "kind_name", "subject_name", "item_names", "span_text", "decided_by", "document"]
    if everything and form is None:
        in_force = {one.number for one in standing}
        rows = [{**row, "state": state_of(row, in_force, session)} for row in rows]
        keys.append("state")
    show(rows, form, {key: session.say(f"cli.event.head.{key}") for key in keys}, session.say("cli.event.none"))


def state_of(row: dict[str, Any], in_force: set[int], session: Session) -> str:
    """What an entry withdraws, or that it is withdrawn itself."""
    if row["withdraws"] is not None:
        return session.say("cli.event.withdraws", number=row["withdraws"])
    return "" if row["number"] in in_force else session.say("cli.event.withdrawn")


def row_of(one: ExceptionalEvent, config: Config, lang: str) -> dict[str, Any]:
    """One entry of the list as a plain row."""
    from envmon import periods, standards
    from envmon.model import POLLUTANTS

    names = {site.id: site.name for site in config.sites} | {area.id: area.name for area in config.areas}
    names["*"] = t("bureau.whole", lang)
    items = standards.parameters()
    told = [
        t(f"pollutant.{item}", lang) if item in POLLUTANTS else _name(items[item], lang)
        for item in one.items
        if item in items
    ]
    return {
        "number": one.number,
        "kind": one.kind.value,
        "kind_name": word(one.kind, lang),
        "subject": one.subject,
        "subject_name": names.get(one.subject, one.subject),
        "items": list(one.items),
        "item_names": joined("and", lang, told),
        "from": periods.clock(one.first),
        "to": periods.clock(one.last),
        "span_text": span_text(one),
        "decided_by": one.decided_by,
        "document": one.document,
        "note": one.note,
        "origin": one.origin,
        "learned": periods.clock(one.learned),
        "withdraws": one.withdraws,
    }


def _name(item: Parameter, lang: str) -> str:
    return item.name if lang == "zh" else item.name_en


def span_text(one: ExceptionalEvent) -> str:
    """From when to when, as short as it can be said: whole days as a period, else with the times of day."""
    from envmon import periods

    first, last = periods.day_of(one.first + 1), periods.day_of(one.last)
    if (one.first, one.last) == (periods.hour_ending(first, 0), periods.hour_ending(last, 24)):
        return periods.between(first, last).name.replace("..", " – ")
    return f"{periods.clock(one.first)} – {periods.clock(one.last)}"


@event.command(help=t("cli.event.withdraw.help", LANG), epilog=t("cli.event.withdraw.example", LANG))
@click.argument("number", type=int)
@click.option("--by", "decided_by", required=True, metavar="NAME", help=t("cli.event.withdraw.by", LANG))
@click.option("--document", required=True, metavar="NUMBER", help=t("cli.event.withdraw.document", LANG))
@click.option("--note", default="", metavar="TEXT", help=t("cli.event.withdraw.note", LANG))
@click.pass_obj
def withdraw(session: Session, number: int, decided_by: str, document: str, note: str) -> None:
    from dataclasses import replace

    from envmon.errors import UsageError
    from envmon.standards import parameters

    config = session.config()
    if not session.has_database():
        raise UsageError(session.say("cli.event.withdraw.unknown", number=number))
    with session.writing() as store:
        store.register(config, parameters().values())
        wrong = next((one for one in store.standing_events() if one.number == number), None)
        if wrong is None:
            raise UsageError(session.say("cli.event.withdraw.unknown", number=number))
        entry = replace(wrong, number=0, withdraws=number, learned=int(time.time() // 60), origin="")
        store.enter_events([replace(entry, decided_by=decided_by, document=document, note=note)])
        count_again(store, config)
    click.echo(session.say("cli.event.withdraw.done", number=number))


@event.command(help=t("cli.event.dust.help", LANG), epilog=t("cli.event.dust.example", LANG))
@click.option("--date", required=True, metavar="DATE", help=t("cli.event.dust.date", LANG))
@area_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help=t("cli.event.dust.out", LANG))
@click.option("--json", "as_object", is_flag=True, help="JSON")
@click.pass_obj
def dust(session: Session, date: str, area: str, out: Path | None, as_object: bool) -> None:
    from envmon import periods
    from envmon.errors import UsageError
    from envmon.pipeline import dust as evidence
    from envmon.pipeline.rating import area_name

    config = session.config()
    wanted = periods.parse(date)
    if wanted.days != 1:
        raise UsageError(session.say("cli.event.dust.one_day", date=date))
    with session.reading() as store:
        subject = area_of(area, config)
        found = evidence.pack(store, config, subject, wanted.first, now_of(store))
        name = t("bureau.whole", session.lang) if subject == "*" else area_name(config, subject)
        folder = out or Path(config.paths.charts) / f"dust-{wanted.name}"
        files = [*evidence.draw(store, config, found, name, folder), hour_table(session, found, folder)]
    rows = [deducted_row(one, session.lang) for one in found.areas]
    if as_object:
        click.echo(as_json({"date": wanted.name, "areas": rows, "files": [str(file) for file in files]}))
        return
    click.echo(click.style(session.say("cli.event.dust.title", date=wanted.name), bold=True))
    keys = ("area_name", "aqi", "rest", "otherwise_name", "with_text", "without_text")
    click.echo(table(rows, {key: session.say(f"cli.event.dust.head.{key}") for key in keys}, terminal()))
    click.echo(session.say("cli.event.dust.no_verdict"))
    for file in files:
        click.echo(f"  {file}")


def hour_table(session: Session, found: Pack, folder: Path) -> Path:
    """The hours of every series as a CSV file that a spreadsheet opens as it is; returns where."""
    from envmon import periods
    from envmon.pipeline.dust import hour_rows

    keys = ("ending", "area", "site", "pm10", "pm25", "ratio")
    heads = {key: session.say(f"cli.event.dust.head.{key}") for key in keys}
    rows = [{heads[key]: row[key] for key in keys} for row in hour_rows(found)]
    path = folder / f"dust-{periods.calendar(found.day)}.csv"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("\ufeff" + as_csv(rows) + "\n", "utf-8")
    return path


def deducted_row(one: Deducted, lang: str) -> dict[str, Any]:
    """An area with and without the day."""
    from envmon.pipeline.board import number

    rate, without = one.rate, one.rate.without
    return {
        "area": one.area.id,
        "area_name": one.area.name,
        "aqi": one.aqi,
        "rest": one.rest,
        "otherwise": one.otherwise,
        "otherwise_name": t(f"event.otherwise.{one.otherwise}", lang),
        "percent": number(rate.tenths),
        "numerator": rate.numerator,
        "denominator": rate.denominator,
        "with_text": share(rate.tenths, rate.numerator, rate.denominator),
        "without_percent": None if without is None else number(without.tenths),
        "without_numerator": None if without is None else without.numerator,
        "without_denominator": None if without is None else without.denominator,
        "without_text": None if without is None else share(without.tenths, without.numerator, without.denominator),
    }


def share(tenths: int | None, numerator: int, denominator: int) -> str:
    from envmon.rounding import printed

    return "–" if tenths is None else f"{printed(tenths, 1)}% ({numerator}/{denominator})"
