"""Explain a rate: numerator and denominator, everything that is in neither, and what exceptional events change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from envmon import periods, standards
from envmon.assess import rates
from envmon.model import (
    LEAVING,
    OF_AIR,
    POLLUTANTS,
    AirDay,
    Area,
    Config,
    EventKind,
    ExceptionalEvent,
    Kind,
    Rate,
    RateName,
    Status,
    View,
    WaterClass,
)
from envmon.periods import Period
from envmon.pipeline import judge_air, judge_water, rating, why_not
from envmon.pipeline.board import amount, counted, counted_of
from envmon.pipeline.explaining import (
    EVENT_KEYS,
    STEPS,
    Explanation,
    Part,
    Rows,
    approximately,
    daily_names,
    event_row,
    names_of_bits,
    part,
    revised_days,
    rounding_rule,
    rule_row,
    step_row,
    touching,
    waiting,
    why_not_counted,
    with_waiting,
)
from envmon.pipeline.explaining_air import without_row
from envmon.pipeline.explaining_water import item_set_clause, knowing
from envmon.rounding import percent
from envmon.standards.clauses import clause
from envmon.store import Store
from envmon.texts import joined, t, word

# What a site's judgement must be, to be in the numerator; clauses of 环办〔2011〕22号 are beside its item sets.
GOALS = {
    RateName.GOOD_SECTIONS: "good",
    RateName.TARGET_MET: "target_met",
    RateName.WORSE_THAN_V: "worse_than_v",
    RateName.GOOD_SOURCES: "complies",
    RateName.GOOD_SOURCES_VOLUME: "complies",
}


def explain_rate(
    store: Store, config: Config, name: RateName, area: str, period: Period, now: int, view: View
) -> Explanation:
    """A rate with everything that is not in its numerator, one by one."""
    lang = config.language
    rate = rating.rate(store, config, name, area, period, now, view)
    subject = t("bureau.whole", lang) if area == rating.WHOLE else rating.area_name(config, area)
    parts = [part("calculation", calculation(rate, lang), STEPS, lang)]
    if name is RateName.GOOD_DAYS:
        parts += day_parts(store, config, area, rate.period.until(periods.today(now) - 1), view)
        rules = [*days_law(rate, lang), rounding_rule(lang)]
    else:
        found = judged_in(store, config, rate, area, period, view)
        parts += site_parts(store, config, rate, found, view)
        rules = [*sites_law(config, rate, found), rounding_rule(lang)]
    parts.append(part("law", rules, ("rule", "clause"), lang))
    law = " / ".join(rate.editions) or "–"
    answer = with_waiting(rate_answer(rate, lang), days_waiting(store, config, rate, area, view), lang)
    return Explanation(f"{word(name, lang)} {subject} {period.name}", answer, law, tuple(parts))


def days_waiting(store: Store, config: Config, rate: Rate, area: str, view: View) -> int:
    """How many site-days of a rate have readings that came after they were judged; none where days are judged anew."""
    if rate.name is not RateName.GOOD_DAYS:
        sites = [
            one for one in config.sites if one.kind is rating.KINDS[rate.name] and area in (rating.WHOLE, one.area)
        ]
        return waiting(store, sites, rate.period)
    if view != rating.AS_IN_FORCE:
        return 0
    own = [site for one in rating.areas_with_air(config, area) for site in judge_air.own_sites(config, one)]
    return waiting(store, own, rate.period)


def rate_answer(rate: Rate, lang: str) -> str:
    """The rate as measured, and beside it without what exceptional events spoiled."""
    counts = {"counted": counted_of(rate, lang), "percent": percent(rate.tenths)}
    told = t("explain.rate.answer", lang, rate=word(rate.name, lang), basis=basis_in_words(rate, lang), **counts)
    if rate.without is None:
        return told
    kinds = joined("and", lang, [t(f"event_kind.{kind}", lang) for kind in rate.without.kinds])
    said = counted(rate.name, rate.without.numerator, rate.without.denominator, lang)
    other = {"percent": percent(rate.without.tenths), "counted": said}
    return t("explain.rate.without", lang, answer=told, kinds=kinds, changed=rate.without.changed, **other)


def basis_in_words(rate: Rate, lang: str) -> str:
    """The kinds of data of a rate, which names them joined by +."""
    kinds = [t(f"basis.{kind}", lang) for kind in rate.basis.split("+") if kind != "none"]
    return joined("and", lang, kinds) or "–"


def calculation(rate: Rate, lang: str) -> Iterator[dict[str, Any]]:
    """Numerator, denominator, what is in neither, the share before and after rounding."""
    for name, number in (("numerator", rate.numerator), ("denominator", rate.denominator)):
        yield step_row(name, amount(rate.name, number, lang), lang)
    if rate.excluded:
        told = [f"{word(one.reason, lang)} {one.count}" for one in rate.excluded]
        yield step_row("excluded", joined("comma", lang, told), lang)
    if rate.denominator:
        yield step_row("exact", approximately(100 * Fraction(rate.numerator, rate.denominator)), lang)
        yield step_row("published", percent(rate.tenths), lang, clause("GB/T 8170-2008", "rule"), 1)


# --- days of air --------------------------------------------------------------------------------------------------


def day_parts(store: Store, config: Config, area: str, period: Period, view: View) -> Iterator[Part]:
    """Days over the limit, days that are not counted and why, of every area; what exceptional events change."""
    lang = config.language
    over: Rows = []
    out: Rows = []
    otherwise: Rows = []
    events: dict[int, ExceptionalEvent] = {}
    areas = rating.areas_with_air(config, area)
    for one in areas:
        days = {day.day: day for day in rating.days_of(store, config, one.id, period, view)}
        for number in period:
            found = days.get(number)
            if found is None or found.status is not Status.VALID:
                out.append(out_row(store, config, one, number, found, view))
            elif found.aqi > standards.good_up_to(found.edition):
                over.append(over_row(one, found, lang))
        own = touching(store.events_in_force(), places_of(config, one), period)
        events |= {event.number: event for event in own if event.kind in OF_AIR}
        otherwise += otherwise_rows(store, config, one, period, view, days, own)
    yield part("over", over, ("area", "date", "aqi", "primary_names", "edition"), lang)
    yield part("out", out, ("area", "date", "why", "reasons"), lang)
    if events:
        names = store.item_names(lang)
        yield part("events", [event_row(one, config, names, lang) for one in events.values()], EVENT_KEYS, lang)
        keys = ("area", "date", "aqi", "rest", "otherwise_name", "decided_by", "document")
        yield part("without_events", otherwise, keys, lang)
    sites = [site for one in areas for site in judge_air.own_sites(config, one)]
    yield from stations_out(config, areas, period, lang)
    yield revised_days(store, sites, period, lang, view.basis)


def over_row(area: Area, day: AirDay, lang: str) -> dict[str, Any]:
    primary = names_of_bits(day.primary, POLLUTANTS)
    return {
        "area": area.name,
        "date": periods.calendar(day.day).isoformat(),
        "aqi": day.aqi,
        "primary": primary,
        "primary_names": daily_names(primary, lang),
        "edition": day.edition,
    }


def out_row(store: Store, config: Config, area: Area, number: int, found: AirDay | None, view: View) -> dict[str, Any]:
    """A day that does not count, with its status, the reasons and the hours behind them."""
    lang = config.language
    status = Status.MISSING if found is None else found.status
    reasons = (
        [t("why_not.missing", lang)] if found is None else why_not.of_day(store, config, area.id, found, view, lang)
    )
    row = {"area": area.name, "date": periods.calendar(number).isoformat(), "why": word(status, lang)}
    return {**row, "reasons": reasons, **hours_of(found)}


def hours_of(day: AirDay | None) -> dict[str, Any]:
    """Valid hours by pollutant of a day that does not count."""
    if day is None:
        return {"hours": None}
    pairs = zip(POLLUTANTS, day.hours, strict=True)
    return {"hours": " ".join(f"{name}:{count}" for name, count in pairs), "o3_windows": day.windows}


def places_of(config: Config, area: Area) -> set[str]:
    """The ids that an event about an area's air may name."""
    return {area.id, *(site.id for site in config.sites if site.area == area.id)}


def otherwise_rows(
    store: Store,
    config: Config,
    area: Area,
    period: Period,
    view: View,
    days: Mapping[int, AirDay],
    events: Sequence[ExceptionalEvent],
) -> Iterator[dict[str, Any]]:
    """The days that count otherwise without what the events spoiled, and who decided that, with which document."""
    spared = rating.spared_days(store, config, area.id, period, view)
    for number, left in {} if spared is None else dict(sorted(spared.days.items())).items():
        row = without_row(days[number], left, config) if number in days else {"otherwise": "same"}
        if row["otherwise"] != "same":
            own = [one for one in events if one.kind in OF_AIR and rating.touches(one, periods.single(number))]
            yield {
                "area": area.name,
                "date": periods.calendar(number).isoformat(),
                **row,
                "events": [one.number for one in own],
                "decided_by": [one.decided_by for one in own],
                "document": [one.document for one in own],
            }


def stations_out(config: Config, areas: Sequence[Area], period: Period, lang: str) -> Iterator[Part]:
    """The stations that enter no figure of the areas, and why."""
    rows = [
        {"site": site.name, "type": site.type.value, "why": why}
        for site in config.sites
        if site.kind is Kind.STATION and any(site.area == one.id for one in areas)
        if (why := why_not_counted(site, period, lang))
    ]
    if rows:
        yield part("not_counted", rows, ("site", "why"), lang)


# --- sections and sources -----------------------------------------------------------------------------------------


InSpan = tuple[Period, rating.Judged]


def judged_in(store: Store, config: Config, rate: Rate, area: str, period: Period, view: View) -> list[InSpan]:
    """The sections or sources of a rate in each of the spans in which they are counted."""
    kind = rating.KINDS[rate.name]
    found: list[InSpan] = []
    for span in rating.counted_in(rate.name, period, rate.period):
        own = rating.judged_sites(store, config, kind, area, span, view, period)
        own = rating.with_intakes(store, own, span) if rate.name is RateName.GOOD_SOURCES_VOLUME else own
        found += [(span, one) for one in own]
    return found


def site_parts(store: Store, config: Config, rate: Rate, found: Sequence[InSpan], view: View) -> Iterator[Part]:
    """Every section or source of the rate with its judgement, in each of the spans in which they are counted."""
    lang, names = config.language, store.item_names(config.language)
    rows = [{"part": span.name, **site_row(config, one, rate.name, span, names)} for span, one in found]
    columns: tuple[str, ...] = ("part",) if len({span for span, _ in found}) > 1 else ()
    columns += ("site", "class", "target", "counted", "good", "determining_names", "why", "without")
    yield part("sites", rows, columns, lang)
    sites = list({one.site.id: one.site for _, one in found}.values())
    subjects = {place for site in sites for place in (site.id, site.area)}
    kinds = (*LEAVING, EventKind.BACKGROUND)
    events = [one for one in touching(store.events_in_force(), subjects, rate.period) if one.kind in kinds]
    if events:
        yield part("events", [event_row(one, config, names, lang) for one in events], EVENT_KEYS, lang)
    yield revised_days(store, sites, rate.period, lang, view.basis)


def site_row(
    config: Config, one: rating.Judged, name: RateName, span: Period, names: Mapping[str, str]
) -> dict[str, Any]:
    """One section or source of a rate: what it was judged to be, whether it is in the numerator, and why not."""
    site, found, lang = one.site, one.judgement, config.language
    status = found.status if found else Status.MISSING
    counted = site.counted and status is Status.VALID
    if name is RateName.GOOD_SOURCES_VOLUME and site.intake is None:
        counted = False
    bad = list(found.determining) if found and not found.good else []
    without = ""
    if one.natural is not None and found is not None and one.natural.good != found.good:
        without = t("explain.rate.natural", lang, class_name=word(one.natural.water_class, lang))
    return {
        "site": site.name,
        "class": word(found.water_class, lang) if found else None,
        "target": word(site.target_class, lang),
        "counted": counted,
        "good": found.good if found and counted else None,
        "in_numerator": in_numerator(one, name) if counted else None,
        "determining": bad,
        "determining_names": [names[item] for item in bad],
        "why": "" if counted else why_out(config, one, span, lang),
        "without": without,
        "intake": site.intake,
        "intake_from": None if site.intake is None else "reported" if one.reported else "usual",
    }


def in_numerator(one: rating.Judged, name: RateName) -> bool:
    """Whether a judged site is counted in the numerator of a rate (`assess.rates`)."""
    found = rates.RATES[name](one.site.id, periods.single(periods.FIRST_DAY), [(one.site, one.judgement)], "")
    return found.numerator > 0


def why_out(config: Config, one: rating.Judged, span: Period, lang: str) -> str:
    """Why a site is not in the denominator, in words."""
    status = one.judgement.status if one.judgement else Status.MISSING
    if not one.site.counted:
        return t("reason.not_counted", lang)
    if status is Status.VALID:
        return t("reason.no_volume", lang)
    reasons = why_not.of_water(config, one.judgement, one.parts, span, lang)
    told = joined("semicolon", lang, reasons)
    return told if told == word(status, lang) else t("explain.why", lang, test=word(status, lang), flag=told)


# --- the rules ----------------------------------------------------------------------------------------------------


def days_law(rate: Rate, lang: str) -> Iterator[dict[str, Any]]:
    """What a rate of good days rests on, rule by rule."""
    for edition in rate.editions:
        yield rule_row("good_day", clause(edition, "level", name="优"), lang, good=standards.good_up_to(edition))
    if rate.editions:
        method = standards.air(rate.period.last, rate.editions[-1]).method
        yield rule_row("valid_day", clause(method, "validity"), lang)


def sites_law(config: Config, rate: Rate, found: Sequence[InSpan]) -> Iterator[dict[str, Any]]:
    """What a rate of sections or sources rests on, rule by rule; of sources where each list of items stands.

    How many months must have been judged is asked of sections only; of a quarter of sources its months are summed.
    """
    lang, bound = config.language, word(WaterClass.III, config.language)
    if rating.KINDS[rate.name] is Kind.SECTION:
        method = standards.water(rate.period.last).method
        yield rule_row(GOALS[rate.name], clause(method, "class", id="III"), lang, bound=bound)
        if (least := rating.least_rounds(config, rate.period)) > 1:
            yield rule_row("least_rounds", clause(method, "rounds"), lang, least=least)
        return
    sets = [set_clause(config, one, span) for span, one in found if one.judgement is not None and one.parts]
    for where in dict.fromkeys(sets):
        yield rule_row(GOALS[rate.name], where, lang, bound=bound)
    if len({span for span, _ in found}) > 1:
        yield rule_row("months_summed", "", lang)


def set_clause(config: Config, one: rating.Judged, span: Period) -> str:
    """Where the items stand that a source was judged by: another document for groundwater, the config for a list."""
    if one.judgement is None:
        return ""
    regime, _ = judge_water.law_of(config, one.site, one.parts[-1].basis, span.last)
    return item_set_clause(knowing(regime, one.judgement), one.judgement.item_set)
