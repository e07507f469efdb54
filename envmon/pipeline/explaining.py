"""Explain: one number taken apart: the readings behind it, what was left out and why, every rounding, the clause.

An explanation is data first (titled tables of plain rows), so that the terminal, JSON and Markdown say the same. What
every explanation is made of stands here; `explaining_air`, `_stats`, `_rates` and `_water` take the numbers apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from envmon import periods, standards
from envmon.model import (
    AirRegime,
    Basis,
    Config,
    ExceptionalEvent,
    Flag,
    Kind,
    Mark,
    Medium,
    Parameter,
    Site,
    Span,
    StationType,
    Verdict,
    View,
    WaterClass,
)
from envmon.periods import Period
from envmon.pipeline import agreeing, judge_air, judge_water, quality, rating
from envmon.rounding import plain
from envmon.standards.clauses import clause
from envmon.store import Store
from envmon.texts import joined, t, word

Rows = list[dict[str, Any]]

CLASS = "published_class"  # kept beside the readings, as the class's number
LONGEST_LIST = 31  # days of readings that are listed one by one
LONGEST_FRACTION = 20  # signs of a fraction that is written out
ROUNDING = "GB/T 8170-2008"


@dataclass(frozen=True, slots=True)
class Part:
    """One titled table of an explanation; `keys` are shown to people, in this order, all of them to programs."""

    id: str
    title: str
    rows: Rows
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was asked, the answer in one sentence, the law it rests on, and the parts it is made of."""

    question: str
    answer: str
    law: str
    parts: tuple[Part, ...]


def part(name: str, rows: Iterable[dict[str, Any]], keys: Sequence[str], lang: str, title: str = "") -> Part:
    """A part under its title; of the columns those that say something in some row are shown, but for an empty table."""
    found = list(rows)
    told = [key for key in keys if not found or any(row.get(key) not in (None, "", [], "–") for row in found)]
    return Part(name, t(f"explain.part.{title or name}", lang), found, tuple(told))


# --- law ----------------------------------------------------------------------------------------------------------


def law_in_words(regime: AirRegime, lang: str) -> str:
    """The documents air was judged by, with the stage of the limits where there is more than one."""
    limits = regime.limits
    stage = "" if limits.phase == standards.ONLY_PHASE else f" {t(f'phase.{limits.phase}', lang)}"
    return f"{regime.index.id} · {limits.id}{stage} · {regime.method}"


def rule_row(name: str, where: str, lang: str, **values: Any) -> dict[str, Any]:
    """One rule that an explanation rests on: what it says, and the document and clause that say so."""
    return {"rule": t(f"explain.rule.{name}", lang, **values), "clause": where}


def rounding_rule(lang: str) -> dict[str, Any]:
    return rule_row("rounding", clause(ROUNDING, "rule"), lang)


STEPS = ("step", "result", "clause")


def step_row(step: str, result: str, lang: str, where: str = "", decimals: int | None = None) -> dict[str, Any]:
    """One step of a calculation; a rounding says to how many decimals."""
    name = t(f"explain.step.{step}", lang)
    if decimals is not None:
        name = t("explain.step.to_decimals", lang, step=name, decimals=decimals)
    return {"what": step, "step": name, "result": result, "decimals": decimals, "clause": where}


# --- where readings came from, and what became of them ------------------------------------------------------------


def bounds(period: Period) -> tuple[int, int]:
    """The minutes after which and up to which the readings of a period lie."""
    return periods.hour_ending(period.first, 0), periods.hour_ending(period.last, 24)


def waiting(store: Store, sites: Iterable[Site], period: Period) -> int:
    """How many site-days of a period have readings that came after they were judged.

    What is stored does not know them. At an earlier time nothing waits: everything is judged again.
    """
    if store.as_of is not None:
        return 0
    numbers = {store.site_numbers[site.id] for site in sites}
    touched = [one for medium in Medium for one in store.dirty(medium)]
    return sum(day in period and number in numbers for day, number in touched)


def beside(period: Period) -> Period:
    """A period with the days before and after it: quality control looks across midnight."""
    return Period(period.first - 1, period.last + 1, period.name)


def with_waiting(answer: str, days: int, lang: str) -> str:
    """An answer that rests on what is stored, with the days of which more has come since."""
    return t("explain.waiting", lang, answer=answer, days=days) if days else answer


def common_parts(store: Store, config: Config, sites: Sequence[Site], period: Period, view: View) -> list[Part]:
    """What QC said of the readings, which of them were revised, and where they came from."""
    lang = config.language
    seen = ("site",) if len(sites) > 1 else ()
    found = left_out(store, config, sites, period, view.basis)
    revised = revisions(store, sites, period, lang, view.basis)
    came = origins(store, sites, period, lang, view.basis)
    until = ("until", "count") if any(row["count"] > 1 for row in found) else ()
    columns = (*seen, "at", "item_name", "was", "became", "basis", "source", "learned")
    several = beside_one_another(store, sites, period, lang, view.basis)
    chosen = (
        [part("sources", several, (*seen, "at", "until", "count", "item_name", "source", "reading", "others"), lang)]
        if several
        else []
    )
    return [
        part("left_out", found, (*seen, "at", *until, "item_name", "reading", "why", "reason"), lang),
        part("revisions", revised, columns, lang),
        part("origins", came, (*seen, "source", "basis", "origin", "payloads", "learned", "values"), lang),
        *chosen,
    ]


# --- what QC said -------------------------------------------------------------------------------------------------

Values = Mapping[tuple[int, int], tuple[int, int]]
"""(parameter number, minute an interval ends) -> value and mark of a reading."""


def left_out(store: Store, config: Config, sites: Sequence[Site], period: Period, basis: Basis | None) -> Rows:
    """Readings that QC spoke of, those of one test that follow one another in one row: what came, and what was said."""
    found = []
    for site in sites:
        values = values_of(store, site, period, basis)
        for run in unbroken(verdicts(store, config, site, period, basis), values):
            found.append(run_row(store, site, run, values, config.language))
    return found


def run_row(store: Store, site: Site, run: Sequence[Verdict], values: Values, lang: str) -> dict[str, Any]:
    """Verdicts of one test on an item that follow one another; of several values the lowest and the highest."""
    one, parameter = run[0], standards.parameter_numbers()[run[0].parameter]
    test, flag = t(f"qc.{one.test}", lang), word(one.flag, lang)
    there = sorted({values[own.parameter, own.ending] for own in run if (own.parameter, own.ending) in values})
    ends = [shown(value, mark, parameter, lang) for value, mark in (there[0], there[-1])] if there else []
    return {
        "site": site.name,
        "at": periods.clock(one.ending),
        "until": periods.clock(run[-1].ending),
        "count": len(run),
        "item": parameter.id,
        "item_name": store.item_names(lang)[parameter.id],
        "reading": "–".join(dict.fromkeys(ends)) or None,
        "test": one.test,
        "flag": one.flag.name.lower(),
        "why": test if one.flag is Flag.MISSING else t("explain.why", lang, test=test, flag=flag),
        "reason": quality.reason_of_run(run, lang),
    }


def unbroken(found: Sequence[Verdict], values: Values) -> list[list[Verdict]]:
    """Verdicts in runs of one test and flag on an item, with no other reading of it between them.

    found : in the order of their times.
    """
    times = sorted({*values, *((one.parameter, one.ending) for one in found)})
    place = {key: i for i, key in enumerate(times)}
    runs: list[list[Verdict]] = []
    last: dict[tuple[int, str, Flag], list[Verdict]] = {}
    for one in found:
        run = last.get((one.parameter, one.test, one.flag))
        if run and place[one.parameter, one.ending] == place[one.parameter, run[-1].ending] + 1:
            run.append(one)
        else:
            runs.append([one])
            last[one.parameter, one.test, one.flag] = runs[-1]
    return runs


def values_of(store: Store, site: Site, period: Period, basis: Basis | None) -> Values:
    """The readings of a site that its judgement looks at; of several for one time the one that goes first."""
    return values_over(store, [site], period, basis)[store.site_numbers[site.id]]


def values_over(store: Store, sites: Sequence[Site], period: Period, basis: Basis | None) -> dict[int, Values]:
    """As `values_of`, of several sites by number: readings lie by time, so all of them are read at once."""
    is_air = {store.site_numbers[site.id]: site.kind in OF_AIR_KIND for site in sites}
    found: dict[int, dict[tuple[int, int], tuple[int, int]]] = {number: {} for number in is_air}
    for number, ending, parameter, value, mark, own, span in store.water_readings(list(is_air), *bounds(period)):
        if basis in (None, own) and (not is_air[number] or span == Span.HOUR):
            found[number][parameter, ending] = (value, mark)
    return dict(found)


def verdicts(store: Store, config: Config, site: Site, period: Period, basis: Basis | None) -> list[Verdict]:
    """What QC says of a site's readings, as stored; or of one kind of data, or as it would have at an earlier time."""
    number, (start, end) = store.site_numbers[site.id], bounds(period)
    is_air = site.kind in OF_AIR_KIND
    if store.as_of is None and basis is None and not (is_air and waiting(store, [site], beside(period))):
        return store.flags(number, start, end)
    if is_air:
        return judge_air.verdicts(store, config, [number], period.first, period.last, basis)
    found = [one for month in periods.months(period) for one in of_month(store, config, number, month, basis)]
    return [one for one in found if start < one.ending <= end]


OF_AIR_KIND = (Kind.CITY, Kind.STATION)


def of_month(store: Store, config: Config, number: int, month: Period, basis: Basis | None) -> list[Verdict]:
    """What QC says of a water site's readings of a month, of one kind of data or of each."""
    if basis is None:
        return judge_water.verdicts(store, config, number, month)
    start, end = bounds(month)
    rows = [row for row in store.water_readings([number], start, end) if row[5] == basis]
    found = [
        *(judge_water.spoken(store, config, rows, number, start) if rows else ()),
        *agreeing.verdicts(store, config, [number], start, end, basis),
    ]
    return sorted(found, key=lambda one: (one.ending, one.parameter, one.test))


# --- several sources ----------------------------------------------------------------------------------------------


def beside_one_another(store: Store, sites: Sequence[Site], period: Period, lang: str, basis: Basis | None) -> Rows:
    """Values that several sources gave: whose was used, and what the others said. None of a long period.

    Where all said the same, the times of one item and source are one row without a reading.
    """
    groups = agreeing.rivals(store, basis) if period.days <= LONGEST_LIST else []
    by_number = {store.site_numbers[site.id]: site for site in sites}
    names, items, words = store.streams(), standards.parameter_numbers(), store.item_names(lang)
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for (ending, number, item), told in agreeing.given(store, groups, list(by_number), *bounds(period)).items():
        values = [(names[stream].source, shown(value, Mark.NONE, items[item], lang)) for stream, value in told]
        alike = len({value for _, value in values}) == 1
        others = [f"{source} {'=' if alike else value}" for source, value in values[1:]]
        row: dict[str, Any] = {
            "site": by_number[number].name,
            "at": periods.clock(ending),
            "until": periods.clock(ending),
            "count": 1,
            "item": items[item].id,
            "item_name": words[items[item].id],
            "source": values[0][0],
            "reading": None if alike else values[0][1],
            "others": others,
        }
        same = rows.setdefault((number, item, *others, row["source"]) if alike else (number, item, ending), row)
        if same is not row:
            same["until"], same["count"] = row["until"], same["count"] + 1
    return list(rows.values())


# --- what became of readings, and where they came from ------------------------------------------------------------


def revisions(store: Store, sites: Sequence[Site], period: Period, lang: str, basis: Basis | None) -> Rows:
    """The readings that were another value before: from what to what, when that was learned, and of which service."""
    by_number = {store.site_numbers[site.id]: site for site in sites}
    items, words = standards.parameter_numbers(), store.item_names(lang)
    return [
        {
            "site": by_number[one["site"]].name,
            "at": periods.clock(one["ending"]),
            "item": items[one["parameter"]].id,
            "item_name": words[items[one["parameter"]].id],
            "was": shown(one["was"], one["was_mark"], items[one["parameter"]], lang),
            "was_mark": mark_name(one["was_mark"]),
            "was_learned": periods.clock(one["was_learned"]),
            "became": shown(one["became"], one["became_mark"], items[one["parameter"]], lang),
            "became_mark": mark_name(one["became_mark"]),
            "learned": periods.clock(one["became_learned"]),
            "basis": word(one["basis"], lang),
            "source": one["source"],
            "origin": one["became_origin"],
        }
        for one in store.revisions(list(by_number), *bounds(period), basis)
    ]


def mark_name(mark: int) -> str | None:
    return None if mark == Mark.NONE else Mark(mark).name.lower()


def revised_days(store: Store, sites: Sequence[Site], period: Period, lang: str, basis: Basis | None) -> Part:
    """Of a longer period the days with revised readings: how many of which site, and when the last was learned."""
    names = {store.site_numbers[site.id]: site.name for site in sites}
    days: dict[tuple[int, int, Basis], list[int]] = {}
    for one in store.revisions(list(names), *bounds(period), basis):
        days.setdefault((periods.day_of(one["ending"]), one["site"], one["basis"]), []).append(one["became_learned"])
    rows = [
        {
            "site": names[number],
            "date": periods.calendar(day).isoformat(),
            "basis": word(own, lang),
            "revised": len(learned),
            "learned": periods.clock(max(learned)),
        }
        for (day, number, own), learned in sorted(days.items())
    ]
    return part("revised_days", rows, ("site", "date", "basis", "revised", "learned"), lang)


def origins(store: Store, sites: Sequence[Site], period: Period, lang: str, basis: Basis | None) -> Rows:
    """The payloads the readings came from; of a period longer than LONGEST_LIST days how many of each source."""
    rows = []
    for site in sites:
        found = store.origins(store.site_numbers[site.id], *bounds(period), basis)
        together = by_source(found) if period.days > LONGEST_LIST else [one | {"payloads": None} for one in found]
        for one in together:
            told = {"basis": word(one["basis"], lang), "learned": periods.clock(one["learned"])}
            rows.append({"site": site.name, **one, **told})
    return rows


def by_source(found: Iterable[dict[str, Any]]) -> Rows:
    """Payloads of each source and kind of data together: how many, when the last was learned, how many values."""
    groups: dict[tuple[str, Basis], Rows] = {}
    for one in found:
        groups.setdefault((one["source"], one["basis"]), []).append(one)
    return [
        {
            "source": source,
            "basis": basis,
            "origin": None,
            "payloads": len(own),
            "learned": max(one["learned"] for one in own),
            "values": sum(one["values"] for one in own),
        }
        for (source, basis), own in groups.items()
    ]


# --- what does not count, and what was decided --------------------------------------------------------------------


def why_not_counted(site: Site, period: Period, lang: str) -> str:
    """Why a site enters no figure of a period; "" when it does."""
    if not site.counted:
        if site.type is StationType.ASSESSMENT:
            return t("explain.counted_false", lang)
        return t("explain.station_type", lang, type=word(site.type, lang))
    return "" if any(site.open_on(day) for day in period) else t("reason.not_open", lang)


def event_row(event: ExceptionalEvent, config: Config, names: Mapping[str, str], lang: str) -> dict[str, Any]:
    """An exceptional event: what, where, when, and who decided with which document."""
    places = {area.id: area.name for area in config.areas} | {site.id: site.name for site in config.sites}
    places["*"] = t("bureau.whole", lang)
    return {
        "number": event.number,
        "event": word(event.kind, lang),
        "subject": event.subject,
        "subject_name": places.get(event.subject, event.subject),
        "items": list(event.items),
        "item_names": [names.get(item, item) for item in event.items],
        "from": periods.clock(event.first),
        "to": periods.clock(event.last),
        "decided_by": event.decided_by,
        "document": event.document,
        "note": event.note,
    }


EVENT_KEYS = ("event", "subject_name", "item_names", "from", "to", "decided_by", "document")


def touching(events: Iterable[ExceptionalEvent], subjects: Iterable[str], period: Period) -> list[ExceptionalEvent]:
    """The events about some places, or about all, that touch a period."""
    wanted = {*subjects, rating.WHOLE}
    return [one for one in events if one.subject in wanted and rating.touches(one, period)]


# --- numbers as people read them ----------------------------------------------------------------------------------


def shown(value: int, mark: int, item: Parameter, lang: str) -> str:
    """A reading as text: below its detection limit with <, a published class by its name, any other mark in words."""
    if item.id == CLASS:
        return word(WaterClass(value), lang)
    told = "<" * (mark == Mark.CENSORED) + plain(value, item.decimals)
    return told if mark in (Mark.NONE, Mark.CENSORED) else f"{told} {word(Mark(mark), lang)}"


def fraction_text(exact: Fraction) -> str:
    """A limit or other fraction whose decimals end, as people write it.

    >>> fraction_text(Fraction(15, 100)), fraction_text(Fraction(60))
    ('0.15', '60')
    """
    return plain(int(exact * 10**6), 6)


def approximately(exact: Fraction, digits: int = 4) -> str:
    """An exact fraction with its first decimals, marked where they do not end there; for people only.

    A fraction that is too long to be read, as that of a mean pH, is left out.

    >>> approximately(Fraction(91, 24)), approximately(Fraction(7, 2)), approximately(Fraction(1, 10**20))
    ('91/24 ≈ 3.7917', '3.5', '≈ 0')
    """
    steps = exact * 10**digits
    if steps.denominator == 1:
        return plain(int(steps), digits)
    fraction, told = f"{exact.numerator}/{exact.denominator}", f"≈ {plain(round(steps), digits)}"
    return f"{fraction} {told}" if len(fraction) <= LONGEST_FRACTION else told


def names_of_bits(mask: int, names: Sequence[str]) -> list[str]:
    """The pollutants of a mask."""
    return [name for bit, name in enumerate(names) if mask >> bit & 1]


def daily_names(items: Sequence[str], lang: str) -> str:
    return joined("and", lang, [t(f"daily_item.{item}", lang) for item in items])
