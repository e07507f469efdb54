"""`envmon import` takes files in; `envmon charts` draws pictures of what is stored."""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envmon.cli import Session, language
from envmon.cli.output import as_json, guarded
from envmon.texts import t

if TYPE_CHECKING:
    from envmon.model import Config, Refused, Tally
    from envmon.pipeline.drawing import Drawn

LANG = language()


@click.command("import", help=t("cli.import.help", LANG), epilog=t("cli.import.example", LANG))
@click.option("--source", required=True, metavar="NAME", help=t("cli.import.source", LANG))
@click.option("--json", "as_object", is_flag=True, help="JSON")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def import_files(ctx: click.Context, source: str, as_object: bool, files: tuple[Path, ...]) -> None:
    from envmon.cli.asked import now_of
    from envmon.errors import EnvmonError
    from envmon.pipeline.importing import import_file, spec_of
    from envmon.pipeline.judge import judge
    from envmon.standards import parameters
    from envmon.store import Store

    session: Session = ctx.obj
    config = session.config()
    spec = spec_of(config, source)
    now = int(time.time() // 60)
    results: list[dict[str, object]] = []
    failed = False
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    with Store.open(Path(config.paths.database)) as store:
        store.register(config, parameters().values())
        for path in files:
            try:
                tally, refused = import_file(store, config, spec, path, now)
            except EnvmonError as error:
                failed = True
                results.append({"file": str(path), "error": error.said(session.lang)})
                say(session, as_object, "cli.import.failed", path=path, error=error.said(session.lang))
                continue
            reject = write_rejects(Path(config.paths.rejects), path, refused, session.lang) if refused else None
            results.append(result_of(path, tally, reject))
            say(session, as_object, "cli.import.done", **results[-1])
            if reject:
                say(session, as_object, "cli.import.rejected", count=len(refused), path=reject)
        outcome = judge(store, config, now_of(store))
    if as_object:
        click.echo(as_json(results))
    else:
        click.echo(session.say("cli.import.judged", days=outcome.air_days, waters=outcome.water_periods))
    ctx.exit(1 if failed else 3 if any(one.get("refused") for one in results) else 0)


def say(session: Session, quiet: bool, key: str, **values: object) -> None:
    if not quiet:
        click.echo(session.say(key, **values))


def result_of(path: Path, tally: Tally, reject: Path | None) -> dict[str, object]:
    names = ("read", "new", "same", "revised", "older", "refused")
    counts = {name: getattr(tally, name) for name in names}
    return {"file": str(path), **counts, "reject_file": reject and str(reject)}


def write_rejects(folder: Path, path: Path, refused: Sequence[Refused], lang: str) -> Path:
    """The refused rows of a file, in a CSV file beside the others; returns where.

    Columns, always in this order, headed in `lang`: line (from 1), reason, the row or cell as it stood.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{path.name}.rejected.csv"
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([t(f"cli.rejects.{name}", lang) for name in ("line", "reason", "text")])
        writer.writerows([row.line, guarded(row.reason), guarded(row.text)] for row in refused)
    return target


@click.command(help=t("cli.charts.help", LANG), epilog=t("cli.charts.example", LANG))
@click.option("--week", metavar="2022-W10", help=t("cli.charts.week", LANG))
@click.option("--month", metavar="2022-03", help=t("cli.charts.month", LANG))
@click.option("--year", metavar="2022", help=t("cli.charts.year", LANG))
@click.option("--last-week", is_flag=True, help=t("cli.charts.last_week", LANG))
@click.pass_obj
def charts(session: Session, week: str | None, month: str | None, year: str | None, last_week: bool) -> None:
    from envmon import periods
    from envmon.cli.asked import now_of
    from envmon.errors import EnvmonError, UsageError
    from envmon.pipeline.drawing import draw

    chosen = [one for one in (week, month, year) if one]
    if len(chosen) + last_week != 1:
        raise UsageError(session.say("cli.charts.choose"))
    config = session.config()
    with session.reading() as store:
        now = now_of(store)
        period = periods.week_of(periods.today(now) - 7) if last_week else periods.parse(chosen[0])
        drawn = draw(store, config, period, now)
    if not drawn.files:
        raise EnvmonError("error.charts.none", period=period.name)
    for path in drawn.files:
        click.echo(path)
    keep_shown(session, config, drawn, now)


def keep_shown(session: Session, config: Config, drawn: Drawn, now: int) -> None:
    """Record the figures that charts show; where the database cannot be written, say that they are not recorded."""
    from envmon.errors import StoreError
    from envmon.pipeline.correcting import record
    from envmon.store import Store

    try:
        with Store.open(Path(config.paths.database)) as store:
            record(store, config, drawn.figures, now)
    except StoreError as error:
        said = session.say("cli.charts.not_recorded", error=error.said(session.lang))
        click.echo(click.style(said, fg="yellow"), err=True)
