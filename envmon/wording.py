"""Alerts in words: what an incident is about, and what people are told when something happens to it.

Never here: deciding anything, sending, or what things are called (names come as arguments).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envmon import periods
from envmon.model import OWN_JOBS, Change, Event, Incident, IncidentState
from envmon.rounding import printed
from envmon.texts import joined, t, word

LONG = 72  # hours of silence from which days are said
NAMED = 3  # items, and samples, that are named one by one
LATE = 2 * periods.DAY  # a finding about something longer ago than this is told as 补报


def message(event: Event, name: str, items: Mapping[str, str], lang: str) -> tuple[str, str]:
    """Title and text of what people are told about one event. `name`: of the subject; `items`: names of items."""
    incident = event.incident
    late = event.change is Change.OPEN and event.at - incident.last > LATE
    change = t(f"alert.change.{'late' if late else event.change.value}", lang)
    title = t("alert.title", lang, change=change, what=describe(incident, name, items, lang))
    text = t(
        "alert.text",
        lang,
        severity=word(incident.severity, lang),
        opened=periods.clock(incident.opened),
        last=periods.clock(incident.last),
        rule=incident.rule,
    )
    return title, text


def describe(incident: Incident, name: str, items: Mapping[str, str], lang: str) -> str:
    """What is the matter, or that it is over, in one sentence.

    An incident of a kind that is not known, or whose facts an older version kept otherwise, is named by its rule.
    """
    resolved = incident.state is IncidentState.RESOLVED
    why = next((one for one in ("retired", "void") if resolved and one in incident.facts), None)
    key = f"alert.{why}" if why else f"alert.{incident.kind}.{'resolved' if resolved else 'trouble'}"
    try:
        return t(key, lang, name=name, **_words(incident.facts, items, lang))
    except KeyError:
        return f"{name} {incident.rule}"


def job_name(job: str, lang: str) -> str:
    """What people call a job of the service: its own ones by name, a source by its id.

    >>> job_name("telemetry", "zh"), job_name("pull archive", "zh"), job_name("archive", "zh")
    ('遥测入库', '数据源 archive', '数据源 archive')
    """
    if job in (*OWN_JOBS, "telemetry", "inbox"):
        return t(f"job.{job}", lang)
    return t("job.pull", lang, source=job.removeprefix("pull "))


def late_samples(samples: Sequence[Mapping[str, Any]], items: Mapping[str, str], lang: str) -> str:
    """Samples that did not arrive, the last few of them, each with its period, its item set and what is missing."""
    told = [
        t(
            f"plan.sample.{one['state']}",
            lang,
            period=one["period"],
            items=t(f"item_set.{one['items']}", lang),
            missing=missing_items(one["missing"], items, lang),
        )
        for one in samples[-NAMED:]
    ]
    more = [t("plan.more", lang, count=len(samples))] if len(samples) > NAMED else []
    return joined("semicolon", lang, [*told, *more])


def missing_items(missing: Sequence[str], items: Mapping[str, str], lang: str) -> str:
    """A few missing items by name, many by their number."""
    if len(missing) > NAMED:
        return t("plan.items", lang, count=len(missing))
    return joined("and", lang, [items.get(item, item) for item in missing])


def _words(facts: Mapping[str, Any], items: Mapping[str, str], lang: str) -> dict[str, Any]:
    """Facts as people read them: names of pollutants, items, classes, rates and prospects; tenths as per cent."""
    shown = dict(facts)
    for key in ("primary", "determining", "items"):
        if key in shown:
            names = [items.get(item, item) for item in shown[key]]
            shown[key] = joined("and", lang, names) or t("alert.none", lang)
    for key, kind in (
        ("water_class", "water_class"),
        ("bound", "water_class"),
        ("rate", "rate_name"),
        ("prospect", "prospect"),
    ):
        if key in shown:
            shown[key] = t(f"{kind}.{shown[key].lower()}", lang)
    if "samples" in shown:
        shown["samples"] = late_samples(shown["samples"], items, lang)
    for key in ("tenths", "required"):
        shown[key] = "–" if shown.get(key) is None else f"{printed(shown[key], 1)}%"
    if "hours" in shown:
        key = "alert.days" if shown["hours"] >= LONG else "alert.hours"
        shown["span"] = t(key, lang, days=shown["hours"] // 24, hours=shown["hours"])
    if shown.get("last", "") is None:
        shown["last"] = t("alert.never", lang)
    if shown.get("days") is not None:
        shown["required"] = t("alert.days", lang, days=shown["days"])
    return shown
