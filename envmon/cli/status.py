"""`envmon status`: the one screen a leader asks for. Reads stored results only, so it answers at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.output import as_json, pad, plain, width
from envmon.texts import t

if TYPE_CHECKING:
    from envmon.model import Outlook
    from envmon.store import Store

LANG = language()
COLOURS = {
    "met": "green",
    "on_track": "green",
    "at_risk": "yellow",
    "out_of_reach": "red",
    "critical": "red",
    "serious": "red",
    "warning": "yellow",
}
LEAST_OF_NAME = 16  # columns of a site's name that are shown whatever stands beside it
SHOWN = 5  # incidents, silent sites and failing jobs listed before "and n more"


@click.command(help=t("cli.status.help", LANG), epilog=t("cli.status.example", LANG))
@click.option("--json", "as_object", is_flag=True, help="JSON")
@click.pass_obj
def status(session: Session, as_object: bool) -> None:
    from envmon.pipeline.board import board

    with session.reading() as store:
        outlooks, late = (None, []) if session.as_of is None else then(session, store, session.as_of)
        found = board(store, session.as_of or int(time.time() // 60), session.lang, outlooks, late)
    click.echo(as_json(found) if as_object else screen(found, session))


def then(session: Session, store: Store, at: int) -> tuple[list[Outlook], list[dict[str, Any]]]:
    """Where every target stood at an earlier minute and which samples were overdue, from the readings known then."""
    from envmon.assess.sampling import OUTSTANDING
    from envmon.pipeline import planning, rating

    config = session.config()
    stood = [rating.stand(store, config, one, at) for one in config.targets if rating.started(one, at)]
    late = [planning.row(one) for one in planning.followed(store, config, at) if one.state in OUTSTANDING]
    return stood, late


def screen(found: Mapping[str, Any], session: Session) -> str:
    """The board as text of at most 80 columns."""
    head = session.say("cli.status.recorded" if found["recorded"] else "cli.status.as_of", at=found["as_of"])
    lines = [f"{click.style(plain(found['bureau']), bold=True)}  {head}", ""]
    for target in found["targets"]:
        lines += about_target(target, session)
    if not found["targets"]:
        lines.append(session.say("cli.status.no_targets"))
    lines += ["", *about_incidents(found, session), *about_plan(found, session)]
    lines += about_silence(found, session)
    if found["corrections"]:
        lines.append(session.say("cli.status.corrections", count=found["corrections"]))
    if found["daemon"] is not None:
        lines += about_service(found, session)
    return "\n".join(lines)


def about_target(target: Mapping[str, Any], session: Session) -> list[str]:
    """Name and value; target, gap, what is still allowed; what the value rests on; and without exceptional events."""
    name = f"{target['label']} {target['subject_name']} {target['period']}"
    value = "–" if target["percent"] is None else f"{target['percent']:.1f}%"
    verdict = click.style(target["prospect_name"], fg=COLOURS.get(target["prospect"]), bold=True)
    first = f"{pad(plain(name), 44)}{pad(value, 8, right=True)}  {verdict}"
    required = session.say("cli.status.required", required=target["required_text"]) if target["required_text"] else ""
    gap = "" if target["gap"] is None else gap_in_words(target["gap"], session)
    allowed = target["allowed"]
    room = ""
    if allowed is not None:
        key = "cli.status.allowed" if allowed >= 0 else "cli.status.too_many"
        room = session.say(f"{key}.{target['rate']}", count=abs(allowed))
    basis = [target["counted"]]
    if target["excluded"]:
        basis.append(session.say("cli.status.excluded", excluded=target["excluded_text"]))
    facts = "  ".join(part for part in (required, gap, room) if part)
    rest = "  " + "  ".join([*basis, " / ".join(target["editions"])])
    lines = [first, f"  {facts}", click.style(clip(rest, 80), dim=True)]
    return lines if target["without"] is None else [*lines, f"  {target['without']['text']}"]


def gap_in_words(gap: float, session: Session) -> str:
    """The gap in points as above, below or on the target."""
    key = "above" if gap > 0 else "below" if gap < 0 else "level"
    return session.say(f"cli.status.{key}", gap=f"{abs(gap):.1f}")


def about_incidents(found: Mapping[str, Any], session: Session) -> list[str]:
    incidents, apart = found["incidents"], found["open_incidents"] - len(found["incidents"])
    key = "cli.status.incidents_apart" if apart else "cli.status.incidents"
    lines = [session.say(key, count=found["open_incidents"], apart=apart)]
    for incident in incidents[:SHOWN]:
        severity = click.style(incident["severity_name"], fg=COLOURS.get(incident["severity"]))
        lines.append(clip(f"  {severity}  {incident['since']}  {plain(incident['title'])}", 80))
    return lines + more(len(incidents) - SHOWN, session)


def about_plan(found: Mapping[str, Any], session: Session) -> list[str]:
    """Samples of the plan that did not arrive in time, the oldest few of them."""
    late = found["outstanding"]
    if not late:
        return []
    lines = [session.say("cli.status.outstanding", count=len(late))]
    for one in late[:SHOWN]:
        lacking = session.say("cli.status.late_lacking", missing=one["missing_text"]) if one["missing_text"] else ""
        values = {"items": one["items_name"], "period": one["period"], "until": one["until"], "lacking": lacking}
        rest = width("  " + session.say("cli.status.late_sample", site="", **values))
        site = clip(plain(one["name"]), max(80 - rest, LEAST_OF_NAME))  # of a long name the end goes first
        lines.append(clip("  " + session.say("cli.status.late_sample", site=site, **values), 80))
    return lines + more(len(late) - SHOWN, session)


def about_silence(found: Mapping[str, Any], session: Session) -> list[str]:
    silent = found["silent_sites"]
    if not silent and found["unheard_sites"] is None:
        return []
    if not silent:
        key = "cli.status.unheard" if found["unheard_sites"] else "cli.status.all_heard"
        return [session.say(key, count=found["unheard_sites"] or found["sites"])]
    lines = [session.say("cli.status.silent", count=len(silent), sites=found["sites"])]
    lines += [
        clip("  " + session.say("cli.status.last_heard", site=plain(row["name"]), at=row["last"] or "–"), 80)
        for row in silent[:SHOWN]
    ]
    return lines + more(len(silent) - SHOWN, session)


def about_service(found: Mapping[str, Any], session: Session) -> list[str]:
    from envmon.wording import job_name

    daemon = found["daemon"]
    key = "cli.status.alive" if daemon["alive"] else "cli.status.dead" if daemon["last_beat"] else "cli.status.never"
    if found["recorded"]:
        key = "cli.status.replayed"
    lines = [click.style(session.say(key, at=daemon["last_beat"]), fg=None if daemon["alive"] else "yellow")]
    if daemon["clock_ahead"]:
        lines.append(click.style(session.say("cli.status.clock_ahead", at=daemon["clock_ahead"]), fg="yellow"))
    if found["refused_rows"]:
        lines.append(session.say("cli.status.refused", count=found["refused_rows"]))
    for job in found["failing"][:SHOWN]:
        told = {**job, "job": job_name(job["job"], session.lang)}
        lines.append(clip("  " + session.say("cli.status.failing", **told), 80))
    return lines + more(len(found["failing"]) - SHOWN, session)


def more(count: int, session: Session) -> list[str]:
    return ["  " + session.say("cli.status.more", count=count)] if count > 0 else []


def clip(text: str, columns: int) -> str:
    """The text cut to a number of columns, with a mark where it was cut; colour codes take no column."""
    bare = click.unstyle(text)
    if width(bare) <= columns:
        return text
    kept = ""
    for character in bare:
        if width(kept + character) > columns - 1:
            break
        kept += character
    return kept + "…"
