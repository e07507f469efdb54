"""Explain: one number taken apart: the readings behind it, what was left out and why, every rounding, the clause.

An explanation is data first (titled tables of plain rows), so that the terminal, JSON and Markdown say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from envmon import periods, standards
from envmon.assess import air, water, water_levels
from envmon.errors import UsageError
from envmon.model import (
    ABSENT,
    NO_VALUE,
    POLLUTANTS,
    AirDay,
    AirRegime,
    Body,
    Breakpoints,
    Config,
    Flag,
    Kind,
    Mark,
    Parameter,
    Rate,
    RateName,
    Site,
    Status,
    Verdict,
    View,
    WaterClass,
    WaterItem,
    WaterJudgement,
    WaterLevel,
    WaterPeriod,
    WaterRegime,
)
from envmon.periods import Period
from envmon.pipeline import judge_air, judge_water, rating
from envmon.pipeline.board import counted
from envmon.rounding import printed
from envmon.store import Store
from envmon.texts import joined, t, word

Rows = list[dict[str, Any]]

CLASS = "published_class"  # kept beside the readings, as the class's number
LONGEST_LIST = 31  # days of readings that are listed one by one


@dataclass(frozen=True, slots=True)
class Part:
    """One titled table of an explanation; `keys` are shown to people, in this order, all of them to programs."""

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


# --- a day of air -------------------------------------------------------------------------------------------------


def explain_day(store: Store, config: Config, subject: str, day: int, view: View) -> Explanation:
    """The daily index of a site, or of an area through the site or the stations it is made of."""
    lang = config.language
    name, sites = air_sites(config, subject)
    regime = standards.air(day, view.edition)
    numbers = [store.site_numbers[site.id] for site in sites]
    raw, usable = judge_air.checked_hours(store, config, numbers, day, day, save=False, basis=view.basis)
    rows = [row for column in range(len(sites)) for row in item_rows(raw, usable, column, sites[column], regime, lang)]
    judged = judged_day(store, config, subject, day, view)
    parts = [
        Part(t("explain.day.items", lang), rows, ("site", "item_name", "hours", "exact", "value", "iaqi", "how")),
        Part(
            t("explain.day.left_out", lang),
            left_out(store, config, sites, numbers, periods.single(day)),
            ("site", "at", "item_name", "reading", "why"),
        ),
        Part(
            t("explain.origins", lang),
            origins(store, sites, numbers, periods.single(day)),
            ("site", "source", "origin", "learned", "values"),
        ),
    ]
    if judged is not None and len(sites) > 1:
        parts.insert(1, Part(t("explain.day.area", lang), [area_row(judged, regime)], (*POLLUTANTS, "aqi")))
    answer = day_answer(judged, lang)
    return Explanation(f"{name} {periods.calendar(day)}", answer, law_in_words(regime, lang), tuple(parts))


def law_in_words(regime: AirRegime, lang: str) -> str:
    """The documents a day was judged by, with the stage of the limits where there is more than one."""
    limits = regime.limits
    stage = "" if limits.phase == standards.ONLY_PHASE else f" {t(f'phase.{limits.phase}', lang)}"
    return f"{regime.index.id} · {limits.id}{stage} · {regime.method}"


def air_sites(config: Config, subject: str) -> tuple[str, list[Site]]:
    """The name of an area or air site, and the sites its day is made of."""
    for area in config.areas:
        if subject in (area.id, area.name):
            return area.name, judge_air.own_sites(config, area)
    for site in config.sites:
        if subject in (site.id, site.name) and site.kind in (Kind.CITY, Kind.STATION):
            return site.name, [site]
    raise UsageError(t("explain.no_air", config.language, subject=subject))


def judged_day(store: Store, config: Config, subject: str, day: int, view: View) -> AirDay | None:
    """The stored judgement of the day, or the one another view gives."""
    named = [(one.id, one.name) for one in config.areas] + [(one.id, one.name) for one in config.sites]
    wanted = next(names[0] for names in named if subject in names)
    found = rating.days_of(store, config, wanted, periods.single(day), view)
    return found[0] if found else None


def day_answer(day: AirDay | None, lang: str) -> str:
    if day is None:
        return t("explain.day.not_judged", lang)
    primary = [name for bit, name in enumerate(POLLUTANTS) if day.primary >> bit & 1]
    names = joined("and", lang, [t(f"daily_item.{name}", lang) for name in primary])
    aqi = air.published(day.aqi, day.missing, standards.index_edition(day.edition))
    values = {
        "aqi": t("explain.day.none", lang) if aqi is None else aqi,
        "level": t(f"level.{day.level}", lang),
        "primary": names or "–",
    }
    return t("explain.day.answer", lang, status=word(day.status, lang), edition=day.edition, **values)


def item_rows(raw: Any, usable: Any, column: int, site: Site, regime: AirRegime, lang: str) -> Iterator[dict[str, Any]]:
    """One row a pollutant: hours, exact mean, rounded value, sub-index and how it came about."""
    days = air.daily(usable[:, :, column : column + 1], 0, regime, judge_air.STORED)
    for row, (pollutant, parameter) in enumerate(zip(POLLUTANTS, judge_air.PARAMETERS, strict=True)):
        hours = [int(value) for value in usable[row, :, column]]
        present = [value for value in hours if value != NO_VALUE]
        breakpoints = regime.index.columns[regime.index.daily[pollutant]]
        value, iaqi = int(days.value[row, 0, 0]), int(days.iaqi[row, 0, 0])
        if pollutant == "o3":
            exact, how_many = best_window(hours, regime, parameter)
        else:
            exact = mean_text(sum(present), len(present), parameter.decimals) if present else "–"
            how_many = f"{len(present)}/24"
        yield {
            "site": site.name,
            "item": pollutant,
            "item_name": t(f"daily_item.{pollutant}", lang),
            "hours": how_many,
            "received": int((raw[row, :, column] != ABSENT).sum()),
            "exact": exact,
            "value": None if value < 0 else printed(value, breakpoints.decimals),
            "iaqi": None if iaqi < 0 else iaqi,
            "how": formula(value, breakpoints, regime) if value >= 0 else "–",
        }


def mean_text(total: int, count: int, decimals: int) -> str:
    """A mean as the fraction it is: total / count = value."""
    exact = Fraction(total, count * 10**decimals)
    return f"{plain(total, decimals)}/{count} = {float(exact):.4f}"


def best_window(hours: Sequence[int], regime: AirRegime, parameter: Parameter) -> tuple[str, str]:
    """The highest 8-hour mean of ozone with the hour its window ends, and how many windows are valid."""
    rule = regime.validity
    windows = []
    for end in range(rule.first_window, 25):
        part = [value for value in hours[end - rule.window_hours : end] if value != NO_VALUE]
        if len(part) >= rule.window_least:
            windows.append((Fraction(sum(part), len(part)), sum(part), len(part), end))
    if not windows:
        return "–", "0"
    _, total, count, end = max(windows)
    return f"{mean_text(total, count, parameter.decimals)} @{end:02d}:00", f"{len(windows)}/17"


def formula(value: int, column: Breakpoints, regime: AirRegime) -> str:
    """How a sub-index came from a concentration: the two breakpoints around it and the rounding up."""
    while value > column.points[-1]:
        if not isinstance(column.beyond, str):
            return f"> {printed(column.points[-1], column.decimals)} → {column.beyond}"
        column = regime.index.columns[column.beyond]
    upper = next(i for i in range(1, len(column.points)) if value <= column.points[i])
    low, high = column.points[upper - 1], column.points[upper]
    from_, to = column.nodes[upper - 1], column.nodes[upper]
    exact = Fraction((to - from_) * (value - low), high - low) + from_
    shown = [printed(number, column.decimals) for number in (low, high)]
    return f"{shown[0]}–{shown[1]} → {from_}–{to}: {float(exact):.2f} ↑"


def area_row(day: AirDay, regime: AirRegime) -> dict[str, Any]:
    """The area's own values: the mean of its valid stations' daily values, rounded once."""
    columns = [regime.index.columns[regime.index.daily[name]] for name in POLLUTANTS]
    values = {
        name: None if value < 0 else printed(value, column.decimals)
        for name, value, column in zip(POLLUTANTS, day.value, columns, strict=True)
    }
    return {**values, "aqi": day.aqi if day.aqi >= 0 else None, "stations": day.stations}


def left_out(store: Store, config: Config, sites: Sequence[Site], numbers: Sequence[int], period: Period) -> Rows:
    """Readings that QC spoke of: what came, what was said, and whether the reading counts all the same."""
    lang = config.language
    names, words = standards.parameter_numbers(), store.item_names(lang)
    found = []
    for site, number in zip(sites, numbers, strict=True):
        for verdict in verdicts(store, config, site, number, period):
            parameter = names[verdict.parameter]
            history = store.history(number, verdict.parameter, verdict.ending)
            value = plain(history[-1]["value"], parameter.decimals) if history else None
            test, flag = t(f"qc.{verdict.test}", lang), word(verdict.flag, lang)
            found.append(
                {
                    "site": site.name,
                    "at": periods.clock(verdict.ending),
                    "item": parameter.id,
                    "item_name": words[parameter.id],
                    "reading": value,
                    "test": verdict.test,
                    "flag": verdict.flag.name.lower(),
                    "why": test if verdict.flag is Flag.MISSING else t("explain.why", lang, test=test, flag=flag),
                }
            )
    return found


def verdicts(store: Store, config: Config, site: Site, number: int, period: Period) -> list[Verdict]:
    """What QC says of a site's readings, as stored or as it would have said at an earlier time."""
    start, end = periods.hour_ending(period.first, 0), periods.hour_ending(period.last, 24)
    if store.as_of is None:
        return store.flags(number, start, end)
    if site.kind in (Kind.CITY, Kind.STATION):
        return judge_air.verdicts(store, config, [number], period.first, period.last)
    found = [one for month in periods.months(period) for one in judge_water.verdicts(store, config, number, month)]
    return [one for one in found if start < one.ending <= end]


def origins(store: Store, sites: Sequence[Site], numbers: Sequence[int], period: Period) -> Rows:
    """The payloads the readings in force came from."""
    rows = []
    for site, number in zip(sites, numbers, strict=True):
        start, end = periods.hour_ending(period.first, 0), periods.hour_ending(period.last, 24)
        for found in store.origins(number, start, end):
            rows.append({"site": site.name, **found, "learned": periods.clock(found["learned"])})
    return rows


# --- a rate -------------------------------------------------------------------------------------------------------


def explain_rate(
    store: Store, config: Config, name: RateName, area: str, period: Period, now: int, view: View
) -> Explanation:
    """A rate with everything that is not in its numerator, one by one."""
    lang = config.language
    rate = rating.rate(store, config, name, area, period, now, view)
    subject = t("bureau.whole", lang) if area == rating.WHOLE else rating.area_name(config, area)
    percent = "–" if rate.tenths is None else f"{printed(rate.tenths, 1)}%"
    counts = {"counted": counted(rate.name, rate.numerator, rate.denominator, lang), "percent": percent}
    answer = t("explain.rate.answer", lang, rate=word(name, lang), basis=basis_in_words(rate, lang), **counts)
    if name is RateName.GOOD_DAYS:
        parts = tuple(day_parts(store, config, area, rate.period, view))
    else:
        parts = (site_part(store, config, name, area, rating.counted_in(name, period, rate.period), view),)
    law = " / ".join(rate.editions) or "–"
    return Explanation(f"{word(name, lang)} {subject} {period.name}", answer, law, parts)


def basis_in_words(rate: Rate, lang: str) -> str:
    """The kinds of data of a rate, which names them joined by +."""
    kinds = [t(f"basis.{kind}", lang) for kind in rate.basis.split("+") if kind != "none"]
    return joined("and", lang, kinds) or "–"


def day_parts(store: Store, config: Config, area: str, period: Period, view: View) -> Iterator[Part]:
    """Days over the limit, and days that are not counted, of every area of the rate."""
    lang = config.language
    over: Rows = []
    out: Rows = []
    for one in rating.areas_with_air(config, area):
        days = {day.day: day for day in rating.days_of(store, config, one.id, period, view)}
        for number in period:
            found, date = days.get(number), periods.calendar(number).isoformat()
            if found is None or found.status is not Status.VALID:
                status = Status.MISSING if found is None else found.status
                out.append({"area": one.name, "date": date, "why": word(status, lang), **hours_of(found)})
            elif found.aqi > standards.good_up_to(found.edition):
                names = [name for bit, name in enumerate(POLLUTANTS) if found.primary >> bit & 1]
                told = joined("and", lang, [t(f"daily_item.{name}", lang) for name in names])
                row = {"area": one.name, "date": date, "aqi": found.aqi, "primary": names, "primary_names": told}
                over.append({**row, "edition": found.edition})
    yield Part(t("explain.rate.over", lang), over, ("area", "date", "aqi", "primary_names", "edition"))
    yield Part(t("explain.rate.out", lang), out, ("area", "date", "why", "hours"))


def hours_of(day: AirDay | None) -> dict[str, Any]:
    """Valid hours by pollutant of a day that does not count."""
    if day is None:
        return {"hours": None}
    pairs = zip(POLLUTANTS, day.hours, strict=True)
    return {"hours": " ".join(f"{name}:{count}" for name, count in pairs), "o3_windows": day.windows}


def site_part(store: Store, config: Config, name: RateName, area: str, spans: Sequence[Period], view: View) -> Part:
    """Every section or source of the rate with its judgement, in each of the spans in which they are counted."""
    lang, names = config.language, store.item_names(config.language)
    rows = [
        {"part": span.name, **site_row(one, names, lang)}
        for span in spans
        for one in rating.judged_sites(store, config, rating.KINDS[name], area, span, view)
    ]
    columns: tuple[str, ...] = ("part",) if len(spans) > 1 else ()
    columns += ("site", "class", "target", "counted", "good", "determining_names", "why")
    return Part(t("explain.rate.sites", lang), rows, columns)


def site_row(one: rating.Judged, names: Mapping[str, str], lang: str) -> dict[str, Any]:
    """One section or source of a rate: what it was judged to be, and why it does not count."""
    site, found = one.site, one.judgement
    status = found.status if found else Status.MISSING
    counted = site.counted and status is Status.VALID
    bad = list(found.determining) if found and not found.good else []
    return {
        "site": site.name,
        "class": word(found.water_class, lang) if found else None,
        "target": word(site.target_class, lang),
        "counted": counted,
        "good": found.good if found and counted else None,
        "determining": bad,
        "determining_names": [names[item] for item in bad],
        "why": "" if counted else word(status, lang) if site.counted else t("reason.not_counted", lang),
        "intake": site.intake,
    }


# --- a section or source ------------------------------------------------------------------------------------------


def explain_water(store: Store, config: Config, subject: str, period: Period, view: View) -> Explanation:
    """The class of a section (or the compliance of a source) over a period, item by item."""
    lang = config.language
    site = next((s for s in config.sites if subject in (s.id, s.name) and s.kind in (Kind.SECTION, Kind.SOURCE)), None)
    if site is None:
        raise UsageError(t("explain.no_water", lang, subject=subject))
    (found,) = rating.judged(store, config, [site], period, view)
    question, judged = f"{site.name} {period.name}", found.judgement
    if judged is None or not found.parts:
        status = Status.MISSING if judged is None else judged.status
        return Explanation(question, t("explain.water.none", lang, status=word(status, lang)), "–", ())
    regime, _ = judge_water.law_of(config, site, found.parts[-1].basis, period.last)
    items = [water_row(item, found, judged, regime, lang) for item in regime.items if item in found.means]
    parts = [
        Part(
            t("explain.water.items", lang),
            items,
            ("name", "exact", "value", "limits", "class", "decides"),
        ),
        Part(
            t("explain.water.parts", lang),
            [part_row(part, lang) for part in found.parts],
            ("part", "basis", "readings", "class"),
        ),
    ]
    if period.days <= LONGEST_LIST:
        parts.append(Part(t("explain.water.readings", lang), samples(store, site, period, lang), ("at", "sample")))
    numbers = [store.site_numbers[site.id]]
    parts.append(
        Part(
            t("explain.day.left_out", lang),
            left_out(store, config, [site], numbers, period),
            ("at", "item_name", "reading", "why"),
        )
    )
    sources = ("source", "origin", "learned", "values")
    parts.append(Part(t("explain.origins", lang), origins(store, [site], numbers, period), sources))
    answer = t(
        "explain.water.answer",
        lang,
        class_name=class_and_level(site, judged.water_class, lang),
        readings=sum(part.readings for part in found.parts),
        basis=joined("and", lang, [word(basis, lang) for basis in sorted({part.basis for part in found.parts})]),
        status=word(judged.status, lang),
    )
    return Explanation(question, answer, f"{judged.edition} · {regime.method} · {judged.item_set}", tuple(parts))


def class_and_level(site: Site, water_class: WaterClass, lang: str) -> str:
    """A class in words; that of a section with the level it means (水质状况)."""
    level = water_levels.level_of(water_class, standards.water_levels())
    if site.kind is not Kind.SECTION or level is WaterLevel.NONE:
        return word(water_class, lang)
    return t("water_levels.class_and_level", lang, class_name=word(water_class, lang), level=word(level, lang))


def water_row(
    item: str, found: rating.Judged, judged: WaterJudgement, regime: WaterRegime, lang: str
) -> dict[str, Any]:
    """One item: exact mean, rounded value, class bounds, class, and whether it decided."""
    entry, chosen = regime.items[item], regime.sets[judged.item_set]
    top, bottom, below = found.means[item]
    site = found.site
    readings = sum(part.readings for part in found.parts)
    value, censored = judge_water.sample_of({item: found.means[item]}, readings, regime)[item]
    deciding = item in (*chosen.items, *chosen.optional)
    return {
        "item": item,
        "name": f"{entry.name if lang == 'zh' else entry.name_en} {entry.unit}".strip(),
        "exact": np.format_float_positional(top / (bottom * 10**entry.decimals), 6, fractional=False, trim="-"),
        "all_below_detection": bool(below),
        "value": "<" * censored + plain(value, entry.decimals),
        "limits": limits_in_words(entry, site.body is Body.LAKE),
        "class": word(item_class(value, censored, site, entry), lang) if deciding else None,
        "decides": item in judged.determining,
        "judged": item in judged.judged,
    }


def limits_in_words(item: WaterItem, lake: bool) -> list[str]:
    """The bounds of the classes I to V; of an item with two bounds both, as 6–9."""
    bounds = ["–" if bound == water.BEYOND else plain(bound, item.decimals) for bound in water.limits_of(item, lake)]
    if not item.low:
        return bounds
    lows = ["" if low is None else f"{plain(low, item.decimals)}–" for low in item.low]
    return [low + bound for low, bound in zip(lows, bounds, strict=True)]


def part_row(part: WaterPeriod, lang: str) -> dict[str, Any]:
    """One stored judgement that a longer period is made of."""
    return {
        "part": periods.between(part.first, part.last).name,
        "basis": word(part.basis, lang),
        "readings": part.readings,
        "class": word(part.judgement.water_class, lang),
    }


def samples(store: Store, site: Site, period: Period, lang: str) -> Rows:
    """Every reading time with its values in force; what is below a detection limit is written <limit."""
    start, end = periods.hour_ending(period.first, 0), periods.hour_ending(period.last, 24)
    items, rows = standards.parameter_numbers(), []
    by_time: dict[int, dict[str, str]] = {}
    for _, ending, number, value, mark, _, _ in store.water_readings([store.site_numbers[site.id]], start, end):
        item = items[number]
        shown = "<" * (mark == Mark.CENSORED) + plain(value, item.decimals)
        by_time.setdefault(ending, {})[item.id] = word(WaterClass(value), lang) if item.id == CLASS else shown
    names = store.item_names(lang)
    for ending, values in by_time.items():
        told = joined("comma", lang, [f"{names[item]} {value}" for item, value in values.items()])
        rows.append({"at": periods.clock(ending), "values": values, "sample": told})
    return rows


def item_class(value: int, censored: bool, site: Site, item: WaterItem) -> WaterClass:
    found = water.item_classes(np.array([[value]]), np.array([[censored]]), np.array([site.body]), [item])
    return WaterClass(int(found[0, 0]))


def plain(value: int, decimals: int) -> str:
    """A stored value without the zeros that storing it added."""
    text = printed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text
