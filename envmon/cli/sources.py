"""`envmon sources`: how every source goes; `envmon sources try`: ask one once and store nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from envmon.cli import Session, language
from envmon.cli.output import as_json, format_options, plain, short_time, show, table, terminal
from envmon.texts import t

LANG = language()
UNITS = ((1440, "days"), (60, "hours"), (1, "minutes"))


@click.group(invoke_without_command=True, help=t("cli.sources.help", LANG), epilog=t("cli.sources.example", LANG))
@format_options
@click.pass_context
def sources(ctx: click.Context, form: str | None) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from envmon.cli.asked import now_of
    from envmon.pipeline.source_board import given, lines_of, source_board

    session: Session = ctx.obj
    lines = lines_of(session.config())
    with session.reading() as store:
        now = now_of(store)
        rows = source_board(store, [*lines, *given(store, lines)], now, session.lang)
    if form:
        show(rows, form, {}, "")
        return
    keys = ("id", "kind", "state_name", "success_text", "lag_text", "rows_text", "refused", "next_text")
    told = [with_texts(row, now, session.lang) for row in rows]
    show(told, None, {key: session.say(f"cli.sources.head.{key}") for key in keys}, session.say("cli.sources.none"))
    for row in rows:
        if row["error"]:
            click.echo(
                session.say("cli.sources.failed", id=row["id"], count=row["failures"], error=plain(row["error"]))
            )


def with_texts(row: Mapping[str, Any], now: int, lang: str) -> dict[str, Any]:
    """A row as the table shows it: short times, the lag in its largest unit, new and revised rows together."""
    from envmon import periods

    today = periods.clock(now)
    return {
        **row,
        "success_text": short_time(row["last_success"], today),
        "next_text": short_time(row["next"], today),
        "lag_text": None if row["lag"] is None else length(row["lag"], lang),
        "rows_text": f"{row['new']}/{row['revised']}",
    }


def length(minutes: int, lang: str) -> str:
    """Minutes in at most two units.

    >>> length(45, "en"), length(95, "en"), length(3 * 1440 + 120, "zh")
    ('45m', '1h35m', '3天2小时')
    """
    parts = []
    for size, unit in UNITS:
        count, minutes = divmod(minutes, size)
        parts += [t(f"cli.sources.{unit}", lang, count=count)] if count else []
    return "".join(parts[:2]) or t("cli.sources.minutes", lang, count=0)


@sources.command("try", help=t("cli.sources.try.help", LANG), epilog=t("cli.sources.try.example", LANG))
@click.argument("name")
@click.option("--rows", default=10, show_default=True, type=click.IntRange(0), help=t("cli.sources.try.rows", LANG))
@click.option("--at", metavar="TIME", help=t("cli.sources.try.at", LANG))
@click.option("--json", "as_object", is_flag=True, help="JSON")
@click.pass_context
def try_one(ctx: click.Context, name: str, rows: int, at: str | None, as_object: bool) -> None:
    from envmon.cli.service import minute_of
    from envmon.pipeline.importing import spec_of
    from envmon.pipeline.trying import attempt

    session: Session = ctx.obj
    config = session.config()
    spec = spec_of(config, name)
    found = attempt(config, spec, minute_of(at) if at else int(time.time() // 60), rows)
    if as_object:
        click.echo(as_json(found))
    else:
        tell(found, session)
    ctx.exit(1 if found["errors"] else 3 if found["summary"]["refused"] else 0)


def tell(found: Mapping[str, Any], session: Session) -> None:
    """What came, for people: answers, first rows, names nobody configured, refusals, a summary."""
    click.echo(session.say("cli.sources.try.head", **{key: found[key] for key in ("source", "kind", "from", "to")}))
    parts: Sequence[tuple[str, tuple[str, ...]]] = (
        ("payloads", ("origin", "bytes", "taken", "rows", "refused")),
        ("rows", ("name", "item_name", "time", "value", "unit", "mark")),
        ("unknown", ("name", "count", "closest")),
        ("refused", ("origin", "line", "reason", "text")),
    )
    for part, keys in parts:
        if found[part]:
            heads = {key: session.say(f"cli.sources.try.{part}.{key}") for key in keys}
            title = session.say(f"cli.sources.try.{part}.title", shown=len(found[part]), all=found["summary"][part])
            click.echo(f"\n{title}\n{table(found[part], heads, terminal())}")
    click.echo("")
    for error in found["errors"]:
        click.echo(click.style(session.say("cli.sources.try.error", error=plain(error)), fg="red"))
    click.echo(session.say("cli.sources.try.summary", **found["summary"]))
