"""`envmon gaps`: what values are missing and why, as a list or as a form to sign; and asking for them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.asked import known, now_of, span_row
from envmon.cli.output import as_csv, as_json, by_name, format_options, table, terminal
from envmon.texts import joined, t, word

if TYPE_CHECKING:
    from envmon.model import Config, Gap, GapAttempt, GapWindow, SiteGaps
    from envmon.periods import Period
    from envmon.store import Store

LANG = language()
CAUSES = (
    "not_yet_due",
    "source_down",
    "not_published",
    "silent",
    "flagged",
    "instrument",
    "review",
    "filled",
    "closed",
)
ENDED = ("filled", "closed", "not_yet_due")
"""Causes of what is no open gap."""
SUMMARY = ("name", "expected", "valid", "percent", "causes_text")
LISTED = ("from", "to", "hours", "items_text", "cause_name", "detail_text", "filled_to")
AT_ONCE = 31  # windows that one `gaps fill` asks for


@click.command(help=t("cli.gaps.help", LANG), epilog=t("cli.gaps.example", LANG))
@click.argument("action", required=False, type=click.Choice(["fill"]))
@click.option("--month", "--period", "period", metavar="PERIOD", help=t("cli.gaps.period", LANG))
@click.option("--site", help=t("cli.gaps.site", LANG))
@click.option("--cause", type=click.Choice(CAUSES), help=t("cli.gaps.cause", LANG))
@click.option("--open", "only_open", is_flag=True, help=t("cli.gaps.open", LANG))
@click.option("--form", "form_file", type=click.Path(dir_okay=False, path_type=Path), help=t("cli.gaps.form", LANG))
@click.option("--dry-run", is_flag=True, help=t("cli.gaps.dry_run", LANG))
@format_options
@click.pass_obj
def gaps(
    session: Session,
    action: str | None,
    period: str | None,
    site: str | None,
    cause: str | None,
    only_open: bool,
    form_file: Path | None,
    dry_run: bool,
    form: str | None,
) -> None:
    from envmon import periods
    from envmon.pipeline.gaps import ledger

    config = session.config()
    with session.reading() as store:
        now = now_of(store)
        span = periods.parse(period) if period else periods.month_of(periods.today(now) - 1)
        sites = [one for one in config.sites if site in (one.id, one.name, *one.aliases)] if site else None
        if site and not sites:
            known(site, store, session.lang)
        found = ledger(store, config, span, now, sites)
        tried = store.attempts(periods.hour_ending(span.first, 1), periods.hour_ending(span.last, 24))
        items = store.item_names(session.lang)
    if action == "fill":
        fill(session, config, found, now, dry_run, form)
        return
    wanted = [
        one for one in CAUSES if (one == cause if cause else one != "closed" and not (only_open and one in ENDED))
    ]
    rows = [row_of(gap, one, config, items, session.lang) for one in found for gap in one.gaps if gap.cause in wanted]
    if form_file:
        save_form(form_file, rows, span, config, session, tried)
    elif form == "json":
        click.echo(as_json(whole(found, rows, span, config, tried, session.lang)))
    elif form == "csv":
        click.echo(as_csv(rows))
    else:
        for part in said(found, rows, config, session):
            click.echo(part)


def row_of(gap: Gap, of: SiteGaps, config: Config, items: Mapping[str, str], lang: str) -> dict[str, Any]:
    """One gap of a site as a plain row; all items of the site are named by their count."""
    from envmon import periods

    site = next(one for one in config.sites if one.id == gap.site)
    named = joined("comma", lang, [items[one] for one in gap.items])
    if len(gap.items) > 1 and gap.items == of.items:
        named = t("cli.gaps.all_items", lang, count=len(gap.items))
    came = [periods.clock(minute) for minute in gap.learned or ()]
    kind = "mark" if gap.cause == "instrument" else "qc"
    detail = joined("comma", lang, [t(f"{kind}.{one}", lang) for one in gap.detail])
    return {
        "site": gap.site,
        "name": site.name,
        "cause": gap.cause.value,
        "cause_name": word(gap.cause, lang),
        "from": periods.clock(gap.first),
        "to": periods.clock(gap.last),
        "hours": gap.minutes // 60,
        "items": list(gap.items),
        "items_text": named,
        "slots": gap.slots,
        "detail": list(gap.detail),
        "detail_text": detail or joined("comma", lang, gap.sources),
        "sources": list(gap.sources),
        "filled_from": came[0] if came else None,
        "filled_to": came[1] if came else None,
    }


def summary_of(one: SiteGaps, config: Config, lang: str) -> dict[str, Any]:
    """What became of all slots of one site."""
    from envmon.rounding import percent_tenths

    site = next(own for own in config.sites if own.id == one.site)
    tenths = percent_tenths(one.valid, one.expected)
    counted = [f"{word(cause, lang)} {count}" for cause, count in one.by_cause.items()]
    return {
        "site": one.site,
        "name": site.name,
        "area": site.area,
        "items": list(one.items),
        "step": one.step,
        "expected": one.expected,
        "valid": one.valid,
        "percent": None if tenths is None else tenths / 10,
        "by_cause": {cause.value: count for cause, count in one.by_cause.items()},
        "causes_text": joined("comma", lang, counted),
    }


def whole(
    found: Sequence[SiteGaps],
    rows: Sequence[dict[str, Any]],
    span: Period,
    config: Config,
    tried: Sequence[GapAttempt],
    lang: str,
) -> dict[str, Any]:
    """The whole answer for programs."""
    sites = [
        {**summary_of(one, config, lang), "gaps": [row for row in rows if row["site"] == one.site]} for one in found
    ]
    return {**span_row(span), "sites": sites, "attempts": [attempt_row(one, lang) for one in tried]}


def said(found: Sequence[SiteGaps], rows: Sequence[dict[str, Any]], config: Config, session: Session) -> Iterator[str]:
    """The summary and the gaps as tables."""
    if not found:
        yield session.say("cli.gaps.no_sites")
        return
    heads = {key: session.say(f"cli.gaps.head.{key}") for key in SUMMARY}
    yield table([summary_of(one, config, session.lang) for one in found], heads, terminal())
    if rows:
        shown = [key for key in LISTED if key != "filled_to" or any(row[key] for row in rows)]
        yield ""
        yield by_name(rows, "name", {key: session.say(f"cli.gaps.head.{key}") for key in shown}, terminal())
    else:
        yield session.say("cli.gaps.none")


# --- the form -----------------------------------------------------------------------------------------------------

FORM = ("name", "from", "to", "items_text", "hours", "reason", "made_good")


def save_form(
    path: Path,
    rows: Sequence[dict[str, Any]],
    span: Period,
    config: Config,
    session: Session,
    tried: Sequence[GapAttempt],
) -> None:
    """Write the form: a workbook to print, or its table as CSV where the name ends so."""
    from envmon.errors import UsageError

    heads = {key: session.say(f"cli.gaps.form.{key}") for key in FORM}
    listed = [form_row(row, tried, session.lang) for row in rows if row["cause"] != "not_yet_due"]
    if path.suffix.lower() == ".csv":
        named = [{heads[key]: row[key] for key in FORM} for row in listed]
        path.write_text("\ufeff" + as_csv(named or [dict.fromkeys(heads.values(), "")]) + "\n", "utf-8")
    elif path.suffix.lower() == ".xlsx":
        from envmon.sheets import gap_form

        about = session.say("cli.gaps.form.about", bureau=config.bureau, period=span.name)
        signed = [session.say(f"cli.gaps.form.{key}") for key in ("filled_in_by", "checked_by", "date")]
        cells = [[row[key] for key in FORM] for row in listed]
        gap_form.write(path, session.say("cli.gaps.form.title"), about, list(heads.values()), cells, signed)
    else:
        raise UsageError(session.say("cli.gaps.form.suffix", path=path))
    click.echo(session.say("cli.gaps.form.saved", path=path, count=len(listed)))


def form_row(row: Mapping[str, Any], tried: Sequence[GapAttempt], lang: str) -> dict[str, Any]:
    """One line of the form: why, and whether it was made good or how often it was asked for."""
    from envmon import periods

    own = [
        one
        for one in tried
        if periods.clock(one.first) < row["to"]
        and row["from"] <= periods.clock(one.last)
        and one.source in row["sources"]
    ]
    if row["cause"] == "filled":
        made_good = t("cli.gaps.form.filled", lang, at=row["filled_to"], source=row["detail_text"])
    elif own:
        made_good = t("cli.gaps.form.tried", lang, count=len(own), at=periods.clock(own[-1].at))
    else:
        made_good = t("cli.gaps.form.missing", lang)
    told = row["detail_text"] if row["detail"] else ""
    reason = t("cli.gaps.form.because", lang, cause=row["cause_name"], detail=told) if told else row["cause_name"]
    return {**row, "reason": reason, "made_good": made_good}


# --- asking again -------------------------------------------------------------------------------------------------


def fill(
    session: Session, config: Config, found: Sequence[SiteGaps], now: int, dry_run: bool, form: str | None
) -> None:
    """Ask for the open gaps again, newest days first, and say what came."""
    from envmon.pipeline.backfill import asked, windows_of
    from envmon.standards import parameters

    windows = windows_of(config, found, now)
    if dry_run or not windows:
        planned = [window_row(one) for one in windows]
        show_tries(planned, form, ("source", "from", "to"), session, "cli.gaps.fill.nothing")
        return
    with session.writing() as store:
        store.register(config, parameters().values())

    def opened(readonly: bool = False) -> Store:
        return session.reading() if readonly else session.writing()

    tries = [attempt_row(one, session.lang) for one in asked(opened, config, windows, now, AT_ONCE)]
    if len(windows) > AT_ONCE and form is None:
        click.echo(session.say("cli.gaps.fill.more", count=AT_ONCE, windows=len(windows)), err=True)
    keys = ("source", "from", "to", "wanted", "found", "outcome_name", "error")
    show_tries(tries, form, keys, session, "cli.gaps.fill.nothing")


def show_tries(
    rows: Sequence[dict[str, Any]], form: str | None, keys: Sequence[str], session: Session, empty: str
) -> None:
    from envmon.cli.output import show

    show(rows, form, {key: session.say(f"cli.gaps.head.{key}") for key in keys}, session.say(empty))


def window_row(one: GapWindow | GapAttempt) -> dict[str, Any]:
    """The time asked for: the ends of its first and last hour."""
    from envmon import periods

    return {"source": one.source, "from": periods.clock(one.first + 60), "to": periods.clock(one.last)}


def attempt_row(one: GapAttempt, lang: str) -> dict[str, Any]:
    """One asking again as a plain row."""
    from envmon import periods

    return {
        **window_row(one),
        "at": periods.clock(one.at),
        "outcome": one.outcome.value,
        "outcome_name": word(one.outcome, lang),
        "wanted": one.wanted,
        "found": one.found,
        "error": one.error or None,
    }
