"""Explain a section or a drinking-water source: means, roundings, limits and classes of its items; its rounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from envmon import periods, standards
from envmon.assess import water, water_levels
from envmon.errors import UsageError
from envmon.model import (
    LEAVING,
    Basis,
    Body,
    Config,
    EventKind,
    ExceptionalEvent,
    Kind,
    Site,
    Status,
    View,
    WaterClass,
    WaterItem,
    WaterJudgement,
    WaterLevel,
    WaterPeriod,
    WaterRegime,
)
from envmon.periods import Period
from envmon.pipeline import judge_water, rating, why_not
from envmon.pipeline.explaining import (
    EVENT_KEYS,
    LONGEST_LIST,
    Explanation,
    Part,
    Rows,
    approximately,
    bounds,
    common_parts,
    event_row,
    part,
    revised_days,
    rounding_rule,
    rule_row,
    shown,
    touching,
    waiting,
    why_not_counted,
    with_waiting,
)
from envmon.rounding import plain, printed
from envmon.standards.clauses import clause
from envmon.store import Store
from envmon.texts import joined, t, word

OTHER = {Kind.SECTION: Kind.SOURCE, Kind.SOURCE: Kind.SECTION}
MORE = 4  # decimals of an exact mean beside those it is rounded to
ITEM_KEYS = ("name", "exact", "value", "limits", "class", "multiple", "decides", "note", "clause")


def explain_water(
    store: Store, config: Config, kind: Kind, subject: str, whole: Period, now: int, view: View
) -> Explanation:
    """The class of a section, or the compliance of a source, over the closed days of a period, item by item.

    Those are the days that a rate counts; a single day is explained to date.
    """
    lang = config.language
    site = water_site(config, kind, subject)
    period, question = closed_days(whole, now), f"{site.name} {whole.name}"
    events = events_of(store, site, whole)
    parts: list[Part] = []
    if period.days < 1:
        parts += event_parts(store, config, events)
        return Explanation(question, t("explain.water.to_come", lang), "–", tuple(parts))
    (found,) = rating.judged(store, config, [site], period, view, whole)
    judged = found.judgement
    if judged is None or not found.parts:
        reasons = joined("semicolon", lang, why_not.of_water(config, judged, found.parts, whole, lang))
        parts += event_parts(store, config, events)
        answer = t("explain.water.none", lang, status=reasons)
        answer = with_waiting(answer, waiting(store, [site], period), lang)
        return Explanation(question, answer, "–", tuple(parts))
    regime = knowing(judge_water.law_of(config, site, found.parts[-1].basis, period.last)[0], judged)
    if kind is Kind.SOURCE:
        parts.append(part("rounds", rounds(config, found, regime), ROUND_KEYS, lang))
    parts.append(part("items", item_rows(found, judged, regime, events, lang), ITEM_KEYS, lang, "water_items"))
    parts += lacking_parts(judged, lang)
    if kind is Kind.SECTION:
        weighed = period.until(judge_water.judged_until(store))
        parts += month_parts(found, judged, regime, weighed, lang)
    parts += event_parts(store, config, events)
    parts += natural_parts(found, lang)
    if period.days <= LONGEST_LIST:
        parts.append(part("readings", samples(store, site, period, lang, view.basis), ("at", "sample"), lang))
        parts += common_parts(store, config, [site], period, view)
    else:
        quality, _, came, *_ = common_parts(store, config, [site], period, view)
        parts += [quality, revised_days(store, [site], period, lang, view.basis), came]
    parts.append(part("law", water_law(config, site, judged, regime, period, lang), ("rule", "clause"), lang))
    law = f"{judged.edition} · {regime.method} · {judged.item_set}"
    answer = with_waiting(water_answer(config, found, judged, whole), waiting(store, [site], period), lang)
    return Explanation(question, answer, law, tuple(parts))


def closed_days(period: Period, now: int) -> Period:
    """The days of a period that are over; a single day as it is."""
    return period if period.days == 1 else period.until(periods.today(now) - 1)


def knowing(regime: WaterRegime, judged: WaterJudgement) -> WaterRegime:
    """The regime with the item set that a judgement names, also when the config has left its own list since."""
    if judged.item_set in regime.sets:
        return regime
    asked = {*judged.judged, *judged.missing, *judged.not_judgeable}
    usual = standards.water_item_set(judged.edition, judged.item_set)
    own = replace(usual, id=judged.item_set, items=tuple(item for item in regime.items if item in asked), optional=())
    return replace(regime, sets={**regime.sets, judged.item_set: own})


def water_site(config: Config, kind: Kind, subject: str) -> Site:
    """The section or source named; Raises UsageError for another one, saying which command is meant."""
    site = next((one for one in config.sites if subject in (one.id, one.name) and one.kind in OTHER), None)
    if site is None:
        raise UsageError(t("explain.no_water", config.language, subject=subject))
    if site.kind is not kind:
        raise UsageError(t("explain.other_kind", config.language, name=site.name, command=site.kind.value))
    return site


def water_answer(config: Config, found: rating.Judged, judged: WaterJudgement, period: Period) -> str:
    lang, site = config.language, found.site
    reasons = why_not.of_water(config, judged, found.parts, period, lang)
    status = word(judged.status, lang)
    if reasons and reasons != [status]:
        status = t("explain.why", lang, test=status, flag=joined("semicolon", lang, reasons))
    if out := why_not_counted(site, period, lang):
        status = joined("semicolon", lang, [status, t("explain.not_counted", lang, why=out)])
    told = class_and_level(site, judged.water_class, lang)
    if site.kind is Kind.SOURCE and judged.status is Status.VALID:
        told = t("explain.source.complies" if judged.good else "explain.source.fails", lang)
    return t(
        "explain.water.answer",
        lang,
        class_name=told,
        readings=sum(one.readings for one in found.parts),
        basis=joined("and", lang, [word(basis, lang) for basis in sorted({one.basis for one in found.parts})]),
        status=status,
    )


def class_and_level(site: Site, water_class: WaterClass, lang: str) -> str:
    """A class in words; that of a section with the level it means (水质状况)."""
    level = water_levels.level_of(water_class, standards.water_levels())
    if site.kind is not Kind.SECTION or level is WaterLevel.NONE:
        return word(water_class, lang)
    return t("water_levels.class_and_level", lang, class_name=word(water_class, lang), level=word(level, lang))


# --- items --------------------------------------------------------------------------------------------------------


def item_rows(
    found: rating.Judged,
    judged: WaterJudgement,
    regime: WaterRegime,
    events: Sequence[ExceptionalEvent],
    lang: str,
) -> Iterator[dict[str, Any]]:
    """Every item with a value, in the order of the standard, and those that decide first."""
    natural = {item for one in events if one.kind is EventKind.BACKGROUND for item in one.items}
    items = [item for item in regime.items if item in found.means]
    for item in sorted(items, key=lambda one: one not in judged.determining):
        row = water_row(item, found, judged, regime, lang)
        if item in natural:
            row["note"] = joined(
                "semicolon", lang, [one for one in (row["note"], t("event_kind.background", lang)) if one]
            )
        yield row


def water_row(
    item: str, found: rating.Judged, judged: WaterJudgement, regime: WaterRegime, lang: str
) -> dict[str, Any]:
    """One item: exact mean, rounded value, class bounds, class, multiple, and whether it decided."""
    entry, chosen, lake = regime.items[item], regime.sets[judged.item_set], found.site.body is Body.LAKE
    _, _, below = found.means[item]
    value, censored = rating.sample_of(found, regime)[item]
    deciding = item in (*chosen.items, *chosen.optional)
    own = item_class(value, censored, found.site, entry)
    times = water.multiple((value, censored), entry, lake, regime) if deciding and own > WaterClass.III else None
    return {
        "item": item,
        "name": f"{entry.name if lang == 'zh' else entry.name_en} {entry.unit}".strip(),
        "exact": exact_text(found.means[item], entry),
        "all_below_detection": bool(below),
        "rounded_to": None if item in rating.printed_items(found) else entry.round_to,
        "value": "<" * censored + plain(value, entry.decimals),
        "limits": limits_in_words(entry, lake),
        "class": word(own, lang) if deciding else None,
        "multiple": None if times is None else printed(times, regime.multiple_decimals),
        "decides": item in judged.determining,
        "judged": item in judged.judged,
        "note": censored_note(value, censored, entry, lake, lang) if deciding else t("explain.water.never", lang),
        "clause": clause(regime.edition, "item", id=item).removeprefix(regime.edition).strip(),
    }


def censored_note(value: int, censored: bool, item: WaterItem, lake: bool, lang: str) -> str:
    """What a detection limit does to a value: half of it counts, unless the limit itself is above class III."""
    if not censored:
        return ""
    limits = water.limits_of(item, lake) if item.limits else []
    text = {"limit": plain(value, item.decimals), "half": plain(5 * value, item.decimals + 1)}
    if limits and value > limits[water.III]:
        return t("explain.water.coarse", lang, **text)
    if limits and value > limits[0]:
        return t("explain.water.between", lang, **text)
    return t("explain.water.below", lang, **text)


def limits_in_words(item: WaterItem, lake: bool) -> list[str]:
    """The bounds of the classes I to V; of an item with two bounds both, as 6–9."""
    bounds_ = ["–" if bound == water.BEYOND else plain(bound, item.decimals) for bound in water.limits_of(item, lake)]
    if not item.low:
        return bounds_
    lows = ["" if low is None else f"{plain(low, item.decimals)}–" for low in item.low]
    return [low + bound for low, bound in zip(lows, bounds_, strict=True)]


def item_class(value: int, censored: bool, site: Site, item: WaterItem) -> WaterClass:
    found = water.item_classes(np.array([[value]]), np.array([[censored]]), np.array([site.body]), [item])
    return WaterClass(int(found[0, 0]))


def lacking_parts(judged: WaterJudgement, lang: str) -> Iterator[Part]:
    """The items of the set that were not judged: without a value, or with one that cannot be judged."""
    required = standards.water_item_set(judged.edition, judged.item_set).required
    known = standards.parameters()
    rows = [
        {
            "item": item,
            "name": known[item].name if lang == "zh" else known[item].name_en,
            "required": item in required,
            "why": t(f"explain.water.{why}", lang),
        }
        for why, items in (("no_value", judged.missing), ("not_judgeable", judged.not_judgeable))
        for item in items
    ]
    if rows:
        yield part("not_judged", rows, ("name", "required", "why"), lang)


# --- what a longer period is made of ------------------------------------------------------------------------------


def month_parts(
    found: rating.Judged, judged: WaterJudgement, regime: WaterRegime, period: Period, lang: str
) -> Iterator[Part]:
    """The months a period is the mean of, each with its weight, and of the deciding items the mean of every month.

    period : as far as it was judged, which decides what a running month weighs.
    """
    several = len(found.parts) > 1
    rows = [month_row(one, period, several, lang) for one in found.parts]
    yield part("parts", rows, ("part", "basis", "readings", "class", "weight", "why"), lang)
    if several and judged.determining:
        means = [
            {
                "part": periods.between(one.first, one.last).name,
                "item": item,
                "item_name": regime.items[item].name if lang == "zh" else regime.items[item].name_en,
                "exact": exact_text(one.means[item], regime.items[item]),
                "readings": one.readings,
            }
            for item in judged.determining
            for one in found.parts
            if item in one.means
        ]
        yield part("months", means, ("item_name", "part", "exact", "readings"), lang)


def month_row(one: WaterPeriod, period: Period, several: bool, lang: str) -> dict[str, Any]:
    """One stored judgement that a longer period is made of, and by what share of its days it counts."""
    month = periods.month_of(one.first)
    (share,) = rating.weights([one], period)
    days = month.days * share // rating.MONTH
    status = one.judgement.status
    return {
        "part": periods.between(one.first, one.last).name,
        "basis": word(one.basis, lang),
        "readings": one.readings,
        "class": word(one.judgement.water_class, lang),
        "weight": f"{days}/{month.days}" if several else None,
        "why": "" if status is Status.VALID else word(status, lang),
    }


def exact_text(mean: tuple[int, int, int], item: WaterItem) -> str:
    """A mean before rounding, with more digits than any value is rounded to."""
    top, bottom, _ = mean
    digits = item.decimals if item.round_to is None else max(item.decimals, item.round_to + MORE)
    return approximately(Fraction(top, bottom * 10**item.decimals), digits)


ROUND_KEYS = ("part", "basis", "class", "over_names", "readings", "decides", "why")


def rounds(config: Config, found: rating.Judged, regime: WaterRegime) -> Iterator[dict[str, Any]]:
    """Every round of a source: whether it complies, what was over its limit, and which round settles the period."""
    lang = config.language
    for one in found.parts:
        judged = one.judgement
        valid = judged.status is Status.VALID
        over = list(judged.determining) if valid and not judged.good else []
        names = [regime.items[item].name if lang == "zh" else regime.items[item].name_en for item in over]
        complies = t("explain.source.complies" if judged.good else "explain.source.fails", lang)
        reasons = why_not.of_water(config, judged, [one], periods.single(one.first), lang)
        yield {
            "part": periods.calendar(one.first).isoformat(),
            "basis": word(one.basis, lang),
            "class": complies if valid else word(judged.status, lang),
            "good": judged.good if valid else None,
            "over": over,
            "over_names": names,
            "readings": one.readings,
            "decides": judged is found.judgement,
            "why": joined("semicolon", lang, reasons),
        }


# --- readings, events, natural background -------------------------------------------------------------------------


def samples(store: Store, site: Site, period: Period, lang: str, basis: Basis | None) -> Rows:
    """Every reading time with its values; what is below a detection limit is written <limit."""
    start, end = bounds(period)
    items, rows = standards.parameter_numbers(), []
    by_time: dict[int, dict[str, str]] = {}
    for _, ending, number, value, mark, own, _ in store.water_readings([store.site_numbers[site.id]], start, end):
        if basis not in (None, own):
            continue
        item = items[number]
        by_time.setdefault(ending, {})[item.id] = shown(value, mark, item, lang)
    names = store.item_names(lang)
    for ending, values in by_time.items():
        told = joined("comma", lang, [f"{names[item]} {value}" for item, value in values.items()])
        rows.append({"at": periods.clock(ending), "values": values, "sample": told})
    return rows


def events_of(store: Store, site: Site, period: Period) -> list[ExceptionalEvent]:
    """The events about a section or source that touch a period."""
    kinds = (*LEAVING, EventKind.BACKGROUND)
    return [one for one in touching(store.events_in_force(), (site.id, site.area), period) if one.kind in kinds]


def event_parts(store: Store, config: Config, events: Sequence[ExceptionalEvent]) -> Iterator[Part]:
    lang = config.language
    if events:
        names: Mapping[str, str] = store.item_names(lang)
        yield part("events", [event_row(one, config, names, lang) for one in events], EVENT_KEYS, lang)


def natural_parts(found: rating.Judged, lang: str) -> Iterator[Part]:
    """What a site is without the items whose natural background is high; it stays beside the judgement."""
    if found.natural is not None and found.judgement is not None:
        row = {
            "class": word(found.judgement.water_class, lang),
            "rest": word(found.natural.water_class, lang),
            "good": found.natural.good,
        }
        yield part("natural", [row], ("class", "rest", "good"), lang)


# --- the rules ----------------------------------------------------------------------------------------------------


def water_law(
    config: Config, site: Site, judged: WaterJudgement, regime: WaterRegime, period: Period, lang: str
) -> Rows:
    """What the class rests on, rule by rule, with the clause of each."""
    chosen = regime.sets[judged.item_set]
    where = item_set_clause(regime, judged.item_set)
    required = why_not.item_names(chosen.required, lang)
    method = standards.water(period.last).method
    rows = [
        rule_row("item_set", where, lang, items=len(chosen.items), required=required),
        rule_row("worst_item", clause(method, "main_indicators"), lang),
        rule_row("means", clause(method, "set", id="section_21"), lang),
        rounding_rule(lang),
    ]
    if site.kind is Kind.SOURCE:
        rows.insert(1, rule_row("complies", where, lang, bound=word(WaterClass.III, lang)))
    elif (least := rating.least_rounds(config, period)) > 1:
        rows.insert(1, rule_row("least_rounds", clause(method, "rounds"), lang, least=least))
    return rows


def item_set_clause(regime: WaterRegime, item_set: str) -> str:
    """Where an item set stands: the document and clause, or the config for a list of the bureau's own."""
    if item_set == standards.OWN_SET:
        return "config.toml [assessment]"
    return clause(regime.sets[item_set].document, "set", id=item_set)
