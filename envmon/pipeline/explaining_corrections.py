"""Corrections in rows and words: for the listing, and each one taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from envmon import periods, standards
from envmon.errors import UsageError
from envmon.model import (
    Causes,
    ChangedValue,
    Config,
    Correction,
    ExceptionalEvent,
    PublishedFigure,
    Rate,
    Status,
    Turned,
    WaterClass,
)
from envmon.pipeline import rating
from envmon.pipeline.board import counted_of, number
from envmon.pipeline.explaining import EVENT_KEYS, Explanation, Part, event_row, part, shown
from envmon.rounding import printed
from envmon.texts import joined, t, word

if TYPE_CHECKING:
    from envmon.store import Store


def correction_row(figure: PublishedFigure, one: Correction, config: Config) -> dict[str, Any]:
    """One correction as a plain row."""
    lang = config.language
    states = {
        f"{name}_{key}": value
        for name, rate in (("was", one.was), ("became", one.became))
        for key, value in state_row(rate, lang).items()
        if key in ("percent", "numerator", "denominator", "excluded")
    }
    return {
        "number": one.number,
        **figure_row(figure, config),
        **states,
        "change_text": change_text(one, lang),
        "since": None if one.since is None else periods.clock(one.since),
        "found": periods.clock(one.found),
        "values": one.causes.count,
        "events": list(one.causes.events),
        "reviews": list(one.causes.reviews),
        "settings": list(one.causes.settings),
        "why_text": why_text(one.causes, config),
    }


def figure_row(figure: PublishedFigure, config: Config) -> dict[str, Any]:
    """A published figure: which, where, and what was asked for."""
    rate, lang = figure.rate, config.language
    return {
        "figure": figure.number,
        "figure_text": figure_text(figure, config),
        "rate": rate.name.value,
        "area": rate.subject,
        "period": figure.period.name,
        "from": periods.calendar(rate.period.first).isoformat(),
        "to": periods.calendar(rate.period.last).isoformat(),
        "standard": figure.view.edition,
        "standard_name": t("view.by_date", lang) if figure.view.edition == standards.BY_DATE else figure.view.edition,
        "asked_basis": None if figure.view.basis is None else figure.view.basis.name.lower(),
        "place": figure.place.value,
        "place_name": word(figure.place, lang),
        "document": figure.document,
        "note": figure.note,
        "published_at": periods.clock(figure.at),
    }


def figure_text(figure: PublishedFigure, config: Config) -> str:
    """Rate, area and period in words."""
    lang, subject = config.language, figure.rate.subject
    area = t("bureau.whole", lang) if subject == rating.WHOLE else rating.area_name(config, subject)
    return f"{word(figure.rate.name, lang)} {area} {figure.period.name}"


def percent_text(rate: Rate) -> str:
    return "–" if rate.tenths is None else f"{printed(rate.tenths, 1)}%"


def value_text(rate: Rate, lang: str) -> str:
    return f"{percent_text(rate)} ({counted_of(rate, lang)})"


def change_text(one: Correction, lang: str) -> str:
    return f"{value_text(one.was, lang)} → {value_text(one.became, lang)}"


def why_text(causes: Causes, config: Config) -> str:
    """The causes in a few words: how many values and where the first of them is, events, settings."""
    lang, told = config.language, []
    if causes.values:
        sites = dict.fromkeys((value.site, periods.day_of(value.ending)) for value in causes.values)
        site, day = next(iter(sites))
        key = "correction.values_more" if len(sites) > 1 or causes.count > len(causes.values) else "correction.values"
        told.append(t(key, lang, count=causes.count, first=f"{name_of(site, config)} {periods.calendar(day)}"))
    if causes.events:
        told.append(t("correction.events", lang, numbers=joined("and", lang, map(str, causes.events))))
    if causes.reviews:
        told.append(t("correction.reviews", lang, numbers=joined("and", lang, map(str, causes.reviews))))
    if causes.settings:
        names = joined("and", lang, [t(f"correction.setting.{name}", lang) for name in causes.settings])
        told.append(t("correction.settings", lang, names=names))
    return joined("semicolon", lang, told) or t("correction.unknown", lang)


def name_of(subject: str, config: Config) -> str:
    """The name of a site or area; one that has left the config by its id."""
    names = {one.id: one.name for one in config.areas} | {one.id: one.name for one in config.sites}
    return names.get(subject, subject)


def state_row(rate: Rate, lang: str) -> dict[str, Any]:
    """What a figure was or is."""
    told = [t("board.excluded", lang, reason=word(one.reason, lang), count=one.count) for one in rate.excluded]
    return {
        "percent": number(rate.tenths),
        "numerator": rate.numerator,
        "denominator": rate.denominator,
        "counted_text": counted_of(rate, lang),
        "excluded": {one.reason.value: one.count for one in rate.excluded},
        "excluded_text": joined("comma", lang, told),
        "editions": list(rate.editions),
        "basis": rate.basis,
    }


# --- one correction -----------------------------------------------------------------------------------------------


def explain_correction(store: Store, config: Config, wanted: int) -> Explanation:
    """A correction with everything that was kept with it.

    Raises UsageError when there is no correction of that number.
    """
    lang = config.language
    pair = next((pair for pair in store.corrections() if pair[1].number == wanted), None)
    if pair is None:
        raise UsageError("error.corrections.unknown", number=wanted)
    figure, one = pair
    causes = one.causes
    since = t("explain.correction.since_found", lang) if one.since is None else periods.clock(one.since)
    found = {"found": periods.clock(one.found), "why": why_text(causes, config)}
    answer = t("explain.correction.answer", lang, change=change_text(one, lang), since=since, **found)
    states = [
        {"state_name": t(f"explain.correction.{name}", lang), **state_row(rate, lang)}
        for name, rate in (("was", one.was), ("now", one.became))
    ]
    events = [event_told(store, event, config) for event in store.events() if event.number in causes.events]
    title = t("explain.correction.values", lang, count=causes.count, listed=len(causes.values))
    values = [changed_row(value, config) for value in causes.values]
    parts = [
        Part(
            "figure",
            t("explain.correction.figure", lang),
            [figure_row(figure, config)],
            ("place_name", "document", "published_at", "from", "to", "standard_name", "note"),
        ),
        Part(
            "states",
            t("explain.correction.states", lang),
            states,
            ("state_name", "percent", "counted_text", "excluded_text", "editions"),
        ),
        Part(
            "turned",
            t("explain.correction.turned", lang),
            [turned_row(turned, config) for turned in causes.turned],
            ("when", "subject_name", "was_text", "now_text"),
        ),
        Part(
            "values",
            title,
            values,
            ("site", "item_name", "at", "was_text", "now_text", "basis_name", "learned", "origin"),
        ),
        replace(part("events", events, ("number", *EVENT_KEYS), lang), title=t("explain.correction.events", lang)),
    ]
    question = t("explain.correction.question", lang, number=one.number, figure=figure_text(figure, config))
    law = " / ".join(one.became.editions) or "–"
    return Explanation(question, answer, law, tuple(told for told in parts if told.rows))


def turned_row(one: Turned, config: Config) -> dict[str, Any]:
    lang = config.language
    texts = {"was_text": said_text(one.was, lang), "now_text": said_text(one.now, lang)}
    name = name_of(one.subject, config)
    return {"when": one.when, "subject": one.subject, "subject_name": name, "was": one.was, "now": one.now, **texts}


def said_text(facts: Mapping[str, Any], lang: str) -> str:
    """How a day or site was judged, in words."""
    if facts["status"] != "valid":
        return t("compare.not_counted", lang, why=word(Status[facts["status"].upper()], lang))
    if "aqi" in facts:
        return t("compare.day", lang, aqi=facts["aqi"], level=t(f"level.{facts['level']}", lang))
    return word(WaterClass[facts["class"] or "NONE"], lang)


def changed_row(one: ChangedValue, config: Config) -> dict[str, Any]:
    """One value that is new or changed; values as people read them (`explaining.shown`)."""
    item, lang = standards.parameters()[one.item], config.language
    was = None if one.was is None else shown(one.was, one.was_mark, item, lang)
    now = shown(one.value, one.mark, item, lang)
    return {
        "site_id": one.site,
        "site": name_of(one.site, config),
        "item": one.item,
        "item_name": item.name if lang == "zh" else item.name_en,
        "at": periods.clock(one.ending),
        "was": was,
        "now": now,
        "was_text": was or t("correction.none", lang),
        "now_text": now,
        "unit": item.unit,
        "basis": one.basis.name.lower(),
        "basis_name": word(one.basis, lang),
        "source": one.source,
        "origin": one.origin,
        "learned": periods.clock(one.learned),
    }


def event_told(store: Store, event: ExceptionalEvent, config: Config) -> dict[str, Any]:
    """An event that is a cause, with what it withdraws and when it was learned."""
    row = event_row(event, config, store.item_names(config.language), config.language)
    return {**row, "withdraws": event.withdraws, "learned": periods.clock(event.learned)}
