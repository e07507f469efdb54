"""`envmon inbox`: what lies in the inbox and what became of what lay there; `envmon inbox run` takes it in now."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.output import format_options, plain, show, table, terminal
from envmon.texts import joined, t, word

if TYPE_CHECKING:
    from envmon.model import Config, InboxFile
    from envmon.pipeline.inbox import Lying

LANG = language()
SETTLE = 2.0
"""Seconds between the two looks at a file that somebody wants taken in now."""
KEPT = 30 * 1440
"""Minutes for which files are listed, unless all are asked for."""


@click.group(invoke_without_command=True, help=t("cli.inbox.help", LANG), epilog=t("cli.inbox.example", LANG))
@click.option("--all", "everything", is_flag=True, help=t("cli.inbox.all", LANG))
@format_options
@click.pass_context
def inbox(ctx: click.Context, everything: bool, form: str | None) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from envmon.cli.asked import now_of
    from envmon.pipeline.inbox import lying

    session: Session = ctx.obj
    config = session.config()
    folder = Path(config.paths.inbox)
    rows = [lying_row(one, session.lang) for one in lying(folder)]
    if session.has_database():
        with session.reading() as store:
            found = store.inbox_files(0 if everything else now_of(store) - KEPT)
        rows += [file_row(one, config, session.lang) for one in found]
    listed(session, rows, form)


@inbox.command("run", help=t("cli.inbox.run.help", LANG), epilog=t("cli.inbox.run.example", LANG))
@format_options
@click.pass_context
def run(ctx: click.Context, form: str | None) -> None:
    from envmon.cli.asked import now_of
    from envmon.model import InboxState
    from envmon.pipeline.inbox import take
    from envmon.pipeline.judge import judge
    from envmon.standards import parameters
    from envmon.store import Store

    session: Session = ctx.obj
    config = session.config()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    database = Path(config.paths.database)
    Path(config.paths.inbox).mkdir(parents=True, exist_ok=True)
    with session.writing() as store:
        store.register(config, parameters().values())
    done = take(partial(Store.open, database), config, int(time.time() // 60), partial(time.sleep, SETTLE))
    rows = [lying_row(one, session.lang) for one in done.waiting]
    rows += [file_row(one, config, session.lang) for one in done.files]
    if any(one.state is InboxState.DONE for one in done.files):
        with session.writing() as store:
            judge(store, config, now_of(store))
    listed(session, rows, form)
    refused = any(one.state is InboxState.REFUSED or one.tally.refused for one in done.files)
    ctx.exit(3 if refused else 0)


def listed(session: Session, rows: Sequence[dict[str, Any]], form: str | None) -> None:
    """A table of what is short; why and where to below it, as a line for each file that was not simply taken."""
    if form is not None or not rows:
        paths = session.config().paths
        show(rows, form, {}, session.say("cli.inbox.none", path=relpath(paths.inbox, paths.root)))
        return
    keys = ("file", "state_name", "received", "form_name", "rows_text")
    click.echo(table(rows, {key: session.say(f"cli.inbox.head.{key}") for key in keys}, terminal()))
    for row in rows:
        if row["reason"]:
            named = row["reason"].startswith(row["file"])  # as many reasons are
            said = row["reason"] if named else session.say("cli.inbox.why", file=row["file"], reason=row["reason"])
            click.echo("\n" + plain(said))
        if row["reason"] and row["moved"]:
            click.echo("  " + session.say("cli.inbox.where", path=plain(row["moved"])))


def lying_row(one: Lying, lang: str) -> dict[str, Any]:
    """Something that lies in the inbox, as a row."""
    name = f"{one.folder}/{one.name}" if one.folder else one.name
    row = dict.fromkeys(KEYS) | {"file": name, "state": one.state.value, "state_name": word(one.state, lang)}
    reason = t(one.reason, lang) if one.reason else t("inbox.unstable", lang)
    return row | {"size": one.size, "sites": [], "months": [], "unknown": [], "rows_text": "", "reason": reason}


KEYS = (
    "file", "state", "state_name", "received", "form", "form_name", "source", "batch", "read", "new", "same", "revised",
    "older", "refused", "rows_text", "sites", "months", "unknown", "reason", "moved", "size", "sha256", "version",
)  # fmt: skip


def file_row(one: InboxFile, config: Config, lang: str) -> dict[str, Any]:
    """A file that was taken or refused, as a row: its receipt."""
    from envmon import periods

    counts = {key: getattr(one.tally, key) for key in one.tally.__slots__}
    shown = [t(f"cli.inbox.rows.{key}", lang, count=count) for key, count in counts.items() if count and key != "read"]
    return {
        "file": one.name,
        "state": one.state.value,
        "state_name": word(one.state, lang),
        "received": periods.clock(one.received),
        "form": one.form or None,
        "form_name": t(f"form.{one.form}", lang) if one.form else None,
        "source": one.source or None,
        "batch": one.batch,
        **counts,
        "rows_text": joined("comma", lang, shown),
        "sites": list(one.sites),
        "months": list(one.months),
        "unknown": list(one.unknown),
        "reason": one.reason,
        "moved": (Path(relpath(config.paths.inbox, config.paths.root)) / one.moved).as_posix(),
        "size": one.size,
        "sha256": one.sha256,
        "version": one.version,
    }
