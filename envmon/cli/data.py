"""`envmon import` takes files in; `envmon charts` draws pictures of what is stored."""

from __future__ import annotations

import csv
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envmon.cli import Session, language
from envmon.cli.output import as_json, guarded, plain
from envmon.texts import joined, t

if TYPE_CHECKING:
    from envmon.model import Config, Refused, SourceSpec, Tally
    from envmon.pipeline.drawing import Drawn
    from envmon.store import Opened, Store

LANG = language()
REJECTED = ("sheet", "line", "column", "reason", "text")
SHOWN = 20  # refusals a rehearsal tells one by one


@click.command("import", help=t("cli.import.help", LANG), epilog=t("cli.import.example", LANG))
@click.option("--source", metavar="NAME", help=t("cli.import.source", LANG))
@click.option("--dry-run", is_flag=True, help=t("cli.import.dry_run", LANG))
@click.option("--json", "as_object", is_flag=True, help="JSON")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.pass_context
def import_files(
    ctx: click.Context, source: str | None, dry_run: bool, as_object: bool, files: tuple[Path, ...]
) -> None:
    from envmon.cli.asked import now_of
    from envmon.pipeline.importing import chosen, rehearsed
    from envmon.pipeline.judge import judge
    from envmon.standards import parameters
    from envmon.store import Store

    session: Session = ctx.obj
    config = session.config()
    spec = chosen(config, source) if source else None
    paths = given(files, session)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    outcome = None
    if dry_run:
        with opened_for(config) as store, rehearsed(store):
            store.register(config, parameters().values())
            kept: Opened = lambda readonly=False: nullcontext(store)  # noqa: E731
            results = [take_in(session, kept, config, spec, path, dry_run, as_object) for path in paths]
    else:
        opened = partial(Store.open, Path(config.paths.database))
        with opened() as store:
            store.register(config, parameters().values())
        results = [take_in(session, opened, config, spec, path, dry_run, as_object) for path in paths]
        with opened() as store:
            outcome = judge(store, config, now_of(store))
    if as_object:
        click.echo(as_json(results))
    elif outcome is None:
        click.echo(session.say("cli.import.rehearsed"))
    else:
        click.echo(session.say("cli.import.judged", days=outcome.air_days, waters=outcome.water_periods))
    ctx.exit(1 if any("error" in one for one in results) else 3 if any(one.get("refused") for one in results) else 0)


def given(files: tuple[Path, ...], session: Session) -> list[Path]:
    """The files named, and those directly in the folders named."""
    from envmon.errors import UsageError

    found: list[Path] = []
    for path in files:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith((".", "~$")))
        if not inside:
            raise UsageError(session.say("cli.import.empty_folder", path=path))
        found += inside
    return found


@contextmanager
def opened_for(config: Config) -> Iterator[Store]:
    """The store for a rehearsal; without a database an empty one that goes again."""
    import tempfile

    from envmon.store import Store

    path = Path(config.paths.database)
    if not path.exists():
        with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "none.db") as store:
            yield store
        return
    with Store.open(path) as store:
        yield store


def take_in(
    session: Session,
    opened: Opened,
    config: Config,
    spec: SourceSpec | None,
    path: Path,
    dry_run: bool,
    quiet: bool,
) -> dict[str, object]:
    """Import one file and say what became of it; `-` is what comes in on stdin."""
    from envmon.errors import EnvmonError, StoreError
    from envmon.pipeline.importing import enter, understand
    from envmon.sources.files import ending_of

    now, name = int(time.time() // 60), path
    raw: bytes | None = None
    if str(path) == "-":
        raw = sys.stdin.buffer.read()
        name = Path(f"stdin{ending_of(raw)}")
    try:
        with opened(readonly=True) as store:  # others may write while a large file is read
            read = understand(store, config, spec, name, now, raw)
        with opened() as store:
            tally = enter(store, config, read, now)[0]
    except StoreError:
        raise
    except EnvmonError as error:
        said = error.said(session.lang)
        say(session, quiet, "cli.import.failed", path=plain(str(path)), error=plain(said))
        return {"file": str(path), "error": said}
    refused = read.parsed.refused
    reject = write_rejects(Path(config.paths.rejects), name, refused, session.lang) if refused and not dry_run else None
    result = result_of(path, tally, reject) | {"form": read.form, "dry_run": dry_run}
    say(session, quiet, "cli.import.done", **result | {"file": plain(str(path))})
    if reject:
        say(session, quiet, "cli.import.rejected", count=len(refused), path=plain(str(reject)))
    for one in refused[:SHOWN] if dry_run else ():
        say(session, quiet, "cli.import.would_refuse", place=place_of(one, session), reason=plain(one.reason))
    if dry_run and len(refused) > SHOWN:
        say(session, quiet, "cli.import.more", count=len(refused) - SHOWN)
    return result


def place_of(one: Refused, session: Session) -> str:
    """Where in its file something stands that is refused."""
    known = {"sheet": plain(one.sheet), "line": one.line, "column": one.column}
    parts = [session.say(f"cli.import.place.{key}", **{key: value}) for key, value in known.items() if value]
    return joined("comma", session.lang, parts) or session.say("cli.import.place.file")


def say(session: Session, quiet: bool, key: str, **values: object) -> None:
    if not quiet:
        click.echo(session.say(key, **values))


def result_of(path: Path, tally: Tally, reject: Path | None) -> dict[str, object]:
    names = ("read", "new", "same", "revised", "older", "refused")
    counts = {name: getattr(tally, name) for name in names}
    return {"file": str(path), **counts, "reject_file": reject and str(reject)}


def write_rejects(folder: Path, path: Path, refused: Sequence[Refused], lang: str) -> Path:
    """The refused rows of a file, in a CSV file beside the others; returns where.

    Columns, always in this order, headed in `lang`: sheet of a workbook, line (from 1), column (from 1; empty for a
    whole row), reason, the row or cell as it stood.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{path.name}.rejected.csv"
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([t(f"cli.rejects.{name}", lang) for name in REJECTED])
        for row in refused:
            texts = (row.sheet, row.line, row.column or "", row.reason, row.text)
            writer.writerow([guarded(text) for text in texts])
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
