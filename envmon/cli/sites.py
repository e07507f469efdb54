"""`envmon sites`: the monitoring sites; `envmon sites discover`: what a source lists and the config does not know."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envmon.cli import Session, language
from envmon.cli.output import format_options, guarded, plain, show
from envmon.texts import t, word

if TYPE_CHECKING:
    from envmon.model import Site
    from envmon.pipeline.discovering import Proposal

LANG = language()
PROPOSED = "sites.proposed.csv"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True, help=t("cli.sites.help", LANG), epilog=t("cli.sites.example", LANG))
@click.option("--area", help=t("cli.option.area", LANG))
@format_options
@click.pass_context
def sites(ctx: click.Context, area: str | None, form: str | None) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from envmon import periods
    from envmon.cli.asked import area_of
    from envmon.model import Kind, Medium

    session: Session = ctx.obj
    config = session.config()
    wanted = area_of(area, config) if area else "*"
    latest, numbers = {}, {}
    if session.has_database():
        with session.reading() as store:
            latest, numbers = store.latest(), store.site_numbers
    rows = []
    for site in config.sites:
        if wanted in ("*", site.area):
            last = latest.get(numbers.get(site.id, 0))
            water = site.kind.medium is Medium.WATER
            rows.append(
                {
                    "id": site.id,
                    "name": site.name,
                    "kind": site.kind.value,
                    "kind_name": word(site.kind, session.lang),
                    "area": site.area,
                    "code": site.code,
                    "body": site.body.name.lower() if water else None,
                    "target": site.target_class.name if water else None,
                    "type": site.type.value if site.kind is Kind.STATION else None,
                    "counted": site.counted,
                    "counted_text": counted_text(site, session.lang),
                    "last": periods.clock(last) if last is not None else None,
                    **site.attributes,
                }
            )
    keys = ("id", "name", "kind_name", "area", "counted_text", "last")
    show(rows, form, {key: session.say(f"cli.sites.head.{key}") for key in keys}, session.say("cli.sites.none"))


def counted_text(site: Site, lang: str) -> str:
    """Whether a site enters the rates; of a station that does not by what it is."""
    from envmon.model import StationType

    if site.counted:
        return t("cli.sites.counted", lang)
    return t("cli.sites.not_counted", lang) if site.type is StationType.ASSESSMENT else word(site.type, lang)


@sites.command("discover", help=t("cli.sites.discover.help", LANG), epilog=t("cli.sites.discover.example", LANG))
@click.argument("source")
@click.option("--file", "files", multiple=True, type=FILE, help=t("cli.sites.discover.file", LANG))
@click.option("--everywhere", is_flag=True, help=t("cli.sites.discover.everywhere", LANG))
@click.option("--write", is_flag=True, help=t("cli.sites.discover.write", LANG))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help=t("cli.sites.discover.to", LANG))
@format_options
@click.pass_obj
def discover(
    session: Session,
    source: str,
    files: tuple[Path, ...],
    everywhere: bool,
    write: bool,
    output: Path | None,
    form: str | None,
) -> None:
    from envmon.errors import UsageError
    from envmon.pipeline.discovering import discover as look
    from envmon.pipeline.importing import spec_of

    config = session.config()
    target = output or (Path(config.paths.root) / PROPOSED if write else None)
    if target is not None and target.exists():
        raise UsageError("error.sites.proposed_there", path=target)
    found = look(config, spec_of(config, source), int(time.time() // 60), everywhere, files)
    rows = [
        {
            "change": one.change,
            "change_name": session.say(f"cli.sites.change.{one.change}"),
            "site": one.site,
            "name": plain(one.place.name),
            "kind": one.place.kind.value,
            "code": plain(one.place.code),
            "area": one.area,
            "place": plain(one.place.area),
            "river": plain(one.place.river),
            "basin": plain(one.place.basin),
            "longitude": one.place.longitude,
            "latitude": one.place.latitude,
            "seen": one.seen,
        }
        for one in found
    ]
    keys = ("change_name", "site", "name", "code", "area", "place")
    heads = {key: session.say(f"cli.sites.discover.head.{key}") for key in keys}
    show(rows, form, heads, session.say("cli.sites.discover.none"))
    if target is not None and found:
        write_proposals(session, target, found)
        click.echo(session.say("cli.sites.discover.written", path=target, count=len(found)), err=form is not None)


def write_proposals(session: Session, target: Path, found: list[Proposal]) -> None:
    """The proposals as a sheet in the form of sites.csv, for a person to mend and to name in the config."""
    from envmon.pipeline.discovering import COLUMNS, sheet_row

    config = session.config()
    with target.open("x", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for one in found:
            row = sheet_row(one, config, session.say(f"cli.sites.change.{one.change}"))
            writer.writerow([guarded(value) for value in row.values()])
