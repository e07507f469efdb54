"""Explain a day of air: hours, means, roundings and sub-indices of every item, of a site or of an area's stations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from envmon import periods, standards
from envmon.assess import air, exceptional
from envmon.errors import UsageError
from envmon.model import (
    ABSENT,
    NO_VALUE,
    OF_AIR,
    POLLUTANTS,
    AirDay,
    AirDays,
    AirRegime,
    AirValidity,
    Breakpoints,
    Config,
    IntArray,
    Kind,
    Parameter,
    Site,
    Status,
    View,
)
from envmon.pipeline import judge_air, rating, why_not
from envmon.pipeline.explaining import (
    EVENT_KEYS,
    Explanation,
    Part,
    Rows,
    approximately,
    beside,
    common_parts,
    daily_names,
    event_row,
    law_in_words,
    names_of_bits,
    part,
    rounding_rule,
    rule_row,
    touching,
    waiting,
    why_not_counted,
)
from envmon.rounding import plain, printed
from envmon.standards.clauses import clause
from envmon.store import Store
from envmon.texts import joined, t, word

DAILY = {item: "mda8" if item == "o3" else "24h" for item in POLLUTANTS}
"""The averaging time of the limit that a daily value has in GB 3095."""


def explain_day(store: Store, config: Config, subject: str, day: int, view: View) -> Explanation:
    """The daily index of a site, or of an area through the site or the stations it is made of.

    Where readings came after the day was judged, it is judged with them here, and the answer names what is stored.
    """
    lang, single = config.language, periods.single(day)
    name, identity, sites = air_sites(config, subject)
    regime = judge_air.as_chosen(standards.air(day, view.edition), config.assessment)
    open_sites = [site for site in sites if site.open_on(day)]
    columns = DayColumns(store, config, open_sites, day, regime, view) if open_sites else None
    stored = next(iter(rating.days_of(store, config, identity, single, view)), None)
    judged = stored
    if view == rating.AS_IN_FORCE and waiting(store, sites, beside(single)):
        view = View(regime.index.id)  # by the same edition, but judged from the readings
        judged = next(iter(rating.days_of(store, config, identity, single, view)), None)
    reasons = {} if judged is None else why_not.lacking(store, config, identity, judged, view, lang)
    parts = []
    if columns is not None:
        seen = ("site",) if len(open_sites) > 1 else ()
        keys = (*seen, "item_name", "hours", "exact", "value", "limit", "iaqi", "how", "why")
        parts.append(part("items", columns.rows(lang), keys, lang))
    area = next((one for one in config.areas if one.id == identity), None)
    if area is not None and area.air is Kind.STATION and judged is not None and columns is not None:
        rows = area_rows(judged, columns, reasons, lang)
        parts.append(part("area", rows, ("item_name", "stations", "exact", "value", "iaqi", "how", "why"), lang))
    if area is not None:
        parts += other_sites(config, identity, day, lang)
    parts += event_parts(store, config, identity, judged, day, view)
    parts += common_parts(store, config, sites, single, view)
    of_stations = area is not None and area.air is Kind.STATION
    law = day_law(regime, zone_of(config, sites), of_stations, lang)
    parts.append(part("law", law, ("rule", "clause"), lang))
    return Explanation(
        f"{name} {periods.calendar(day)}",
        day_answer(judged, stored, list(reasons.values()), lang),
        law_in_words(regime, lang),
        tuple(parts),
    )


def air_sites(config: Config, subject: str) -> tuple[str, str, list[Site]]:
    """The name and id of an area or air site, and the sites its day is made of."""
    for area in config.areas:
        if subject in (area.id, area.name):
            return area.name, area.id, judge_air.own_sites(config, area)
    for site in config.sites:
        if subject in (site.id, site.name) and site.kind in (Kind.CITY, Kind.STATION):
            return site.name, site.id, [site]
    raise UsageError(t("explain.no_air", config.language, subject=subject))


def zone_of(config: Config, sites: Sequence[Site]) -> int:
    """The functional zone whose limits hold for some sites of one area."""
    return next((area.zone for area in config.areas if sites and area.id == sites[0].area), 2)


def day_answer(day: AirDay | None, stored: AirDay | None, reasons: Sequence[str], lang: str) -> str:
    """A day in one sentence; stored : its judgement in the store, named when readings came since that change it."""
    told = day_told(day, reasons, lang)
    if day is None or stored is None or day == stored:
        return told
    was = t("explain.day.was", lang, aqi=aqi_told(stored, lang), status=word(stored.status, lang))
    return t("explain.day.waiting", lang, answer=told, was=was)


def aqi_told(day: AirDay, lang: str) -> str:
    aqi = air.published(day.aqi, day.missing, standards.index_edition(day.edition))
    return t("explain.day.none", lang) if aqi is None else str(aqi)


def day_told(day: AirDay | None, reasons: Sequence[str], lang: str) -> str:
    if day is None:
        return t("explain.day.not_judged", lang)
    values = {
        "aqi": aqi_told(day, lang),
        "level": t(f"level.{day.level}", lang),
        "primary": daily_names(names_of_bits(day.primary, POLLUTANTS), lang) or "–",
    }
    told = t("explain.day.answer", lang, status=word(day.status, lang), edition=day.edition, **values)
    if day.status is Status.VALID or not reasons:
        return told
    return t("explain.day.because", lang, answer=told, reasons=joined("semicolon", lang, reasons))


# --- the items of a site ------------------------------------------------------------------------------------------


class DayColumns:
    """The hours of some sites on one day, as received and as they count, and what is judged from them."""

    def __init__(
        self, store: Store, config: Config, sites: Sequence[Site], day: int, regime: AirRegime, view: View
    ) -> None:
        numbers = [store.site_numbers[site.id] for site in sites]
        hours = judge_air.checked_hours(store, config, numbers, day, day, save=False, basis=view.basis)
        self.sites, self.regime = sites, regime
        self.raw: IntArray = hours[0]
        self.usable: IntArray = hours[1]
        area = next(area for area in config.areas if area.id == sites[0].area)
        self.zone, self.required = area.zone, judge_air.required(area)
        self.days: AirDays = air.daily(self.usable, day, regime, judge_air.STORED, self.required)

    def rows(self, lang: str) -> Iterator[dict[str, Any]]:
        """One row a site and pollutant of the plan, or of which something came."""
        for column, site in enumerate(self.sites):
            for row, parameter in enumerate(judge_air.PARAMETERS):
                if self.required >> row & 1 or (self.raw[row, :, column] != ABSENT).any():
                    yield self.item_row(row, column, parameter, site, lang)

    def item_row(self, row: int, column: int, parameter: Parameter, site: Site, lang: str) -> dict[str, Any]:
        """Hours, exact mean, rounded value, limit, sub-index and how it came about."""
        item, validity = POLLUTANTS[row], self.regime.validity
        own = hours_of(self.usable, row, column)
        breakpoints = self.regime.index.columns[self.regime.index.daily[item]]
        value, iaqi = int(self.days.value[row, 0, column]), int(self.days.iaqi[row, 0, column])
        windows = int(self.days.windows[0, column])
        if item == "o3":
            exact, count = window_text(own, validity, parameter.decimals), f"{windows}/{25 - validity.first_window}"
        else:
            present = [one for one in own if one != NO_VALUE]
            exact, count = mean_text(present, parameter.decimals), f"{len(present)}/24"
        received = int((self.raw[row, :, column] != ABSENT).sum())
        lacking = self.required >> row & 1 and value < 0
        why = too_few(item, own, windows, received, validity, lang) if lacking else ""
        return {
            "site": site.name,
            "item": item,
            "item_name": t(f"daily_item.{item}", lang),
            "hours": count,
            "received": received,
            "exact": exact,
            "value": None if value < 0 else printed(value, breakpoints.decimals),
            "limit": daily_limit(self.regime, item, self.zone),
            "limit_clause": limit_clause(self.regime, item, DAILY[item]),
            "iaqi": None if iaqi < 0 else iaqi,
            "how": formula(value, breakpoints, self.regime) if value >= 0 else "–",
            "breakpoints_clause": clause(self.regime.index.id, "column", name=breakpoints.name),
            "why": why,
        }

    def exact(self, row: int, column: int) -> Fraction | None:
        """The unrounded daily value of a site in stored steps, None where it is not valid."""
        if self.days.value[row, 0, column] == NO_VALUE:
            return None
        own = hours_of(self.usable, row, column)
        if POLLUTANTS[row] == "o3":
            return max(Fraction(sum(part), len(part)) for part, _ in windows_of(own, self.regime.validity))
        present = [one for one in own if one != NO_VALUE]
        return Fraction(sum(present), len(present))


def hours_of(usable: IntArray, row: int, column: int) -> list[int]:
    """The 24 hours of one item of one site, NO_VALUE where there is none."""
    hours: list[int] = usable[row, :, column].tolist()
    return hours


def too_few(item: str, own: Sequence[int], windows: int, received: int, validity: AirValidity, lang: str) -> str:
    """Why an item of a site has no daily value: nothing came, nothing of it counts, or there is too little."""
    name, hours = t(f"daily_item.{item}", lang), sum(one != NO_VALUE for one in own)
    if not hours:
        return t("why_not.missing" if not received else "why_not.invalid", lang)
    if item == "o3":
        return t("why_not.windows", lang, item=name, have=windows, need=validity.windows)
    return t("why_not.hours", lang, item=name, have=hours, need=validity.day_hours)


def mean_text(present: Sequence[int], decimals: int) -> str:
    """A mean as the fraction it is: sum / count = value, or ≈ where the decimals do not end there."""
    if not present:
        return "–"
    exact = Fraction(sum(present), len(present) * 10**decimals)
    told, sign = cut_off(exact, 4)
    return f"{plain(sum(present), decimals)}/{len(present)} {sign or '='} {told}"


def cut_off(exact: Fraction, digits: int) -> tuple[str, str]:
    """A fraction with some decimals, and the sign that says whether that is all of it: "" or ≈.

    >>> cut_off(Fraction(245, 2), 2), cut_off(Fraction(1, 3), 2)
    (('122.50', ''), ('0.33', '≈'))
    """
    steps = exact * 10**digits
    return printed(round(steps), digits), "" if steps.denominator == 1 else "≈"


def windows_of(hours: Sequence[int], rule: AirValidity) -> Iterator[tuple[list[int], int]]:
    """The valid 8-hour windows of a day: the hours of each that have a value, and the hour it ends."""
    for end in range(rule.first_window, 25):
        own = [value for value in hours[end - rule.window_hours : end] if value != NO_VALUE]
        if len(own) >= rule.window_least:
            yield own, end


def window_text(hours: Sequence[int], rule: AirValidity, decimals: int) -> str:
    """The highest 8-hour mean of ozone with the hour its window ends."""
    windows = list(windows_of(hours, rule))
    if not windows:
        return "–"
    own, end = max(windows, key=lambda one: (Fraction(sum(one[0]), len(one[0])), one[1]))
    return f"{mean_text(own, decimals)} @{end:02d}:00"


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
    ends = [printed(number, column.decimals) for number in (low, high)]
    told, sign = cut_off(exact, 2)
    return f"{ends[0]}–{ends[1]} → {from_}–{to}: {sign}{told} ↑"


def daily_limit(regime: AirRegime, item: str, zone: int) -> str | None:
    """The limit of a daily value in the item's unit, as text."""
    steps = regime.limits.limits.get((item, DAILY[item], zone))
    return None if steps is None else plain(steps, regime.limits.decimals[item])


def limit_clause(regime: AirRegime, item: str, average: str) -> str:
    limits = regime.limits
    return clause(limits.id, "limit", phase=limits.phase, parameter=item, average=average)


# --- an area ------------------------------------------------------------------------------------------------------


def area_rows(day: AirDay, columns: DayColumns, reasons: dict[str, str], lang: str) -> Iterator[dict[str, Any]]:
    """The area's own values: the mean of its valid stations' unrounded daily values, rounded once."""
    regime, count = columns.regime, len(columns.sites)
    share = why_not.share_of(count, regime.validity)
    for row, (item, parameter) in enumerate(zip(POLLUTANTS, judge_air.PARAMETERS, strict=True)):
        if not columns.required >> row & 1:
            continue
        found = [columns.exact(row, column) for column in range(count)]
        own = [one for one in found if one is not None]
        breakpoints = regime.index.columns[regime.index.daily[item]]
        value = day.value[row]
        mean = sum(own, Fraction(0)) / (max(1, len(own)) * 10**parameter.decimals)
        yield {
            "item": item,
            "item_name": t(f"daily_item.{item}", lang),
            "stations": f"{len(own)}/{count} (≥{share}%)",
            "exact": approximately(mean) if own else "–",
            "value": None if value < 0 else printed(value, breakpoints.decimals),
            "iaqi": None if day.iaqi[row] < 0 else day.iaqi[row],
            "how": formula(value, breakpoints, regime) if value >= 0 else "–",
            "why": reasons.get(item, ""),
        }


def other_sites(config: Config, area: str, day: int, lang: str) -> list[Part]:
    """The stations of an area that are not part of its day, and why."""
    rows = [
        {"site": site.name, "type": site.type.value, "why": why}
        for site in config.sites
        if site.area == area and site.kind is Kind.STATION
        if (why := why_not_counted(site, periods.single(day), lang))
    ]
    return [part("not_counted", rows, ("site", "why"), lang)] if rows else []


# --- exceptional events -------------------------------------------------------------------------------------------


def event_parts(
    store: Store, config: Config, subject: str, judged: AirDay | None, day: int, view: View
) -> Iterator[Part]:
    """The exceptional events that touch a day, and what the day is without what they spoil."""
    lang, names = config.language, store.item_names(config.language)
    places = {subject, *(site.area for site in config.sites if site.id == subject)}
    places |= {site.id for site in config.sites if site.area == subject}
    events = [one for one in touching(store.events_in_force(), places, periods.single(day)) if one.kind in OF_AIR]
    if not events:
        return
    yield part("events", [event_row(one, config, names, lang) for one in events], EVENT_KEYS, lang)
    spared = rating.spared_days(store, config, subject, periods.single(day), view)
    if judged is not None and spared is not None:
        yield part("without_events", [without_row(judged, spared.days.get(day), config)], WITHOUT_KEYS, lang)


WITHOUT_KEYS = ("aqi", "rest", "otherwise_name")


def without_row(day: AirDay, left: AirDay | None, config: Config) -> dict[str, Any]:
    """A day beside itself without what the events spoil: its index, that of the rest, and as what it counts then."""
    good_up_to = {name: standards.good_up_to(name) for name in standards.index_editions()}
    otherwise = exceptional.otherwise(day, left, good_up_to, config.assessment.deducted)
    return {
        "aqi": None if day.aqi < 0 else day.aqi,
        "rest": None if left is None or left.aqi < 0 else left.aqi,
        "otherwise": otherwise,
        "otherwise_name": t(f"event.otherwise.{otherwise}", config.language),
    }


# --- the rules ----------------------------------------------------------------------------------------------------


def day_law(regime: AirRegime, zone: int, of_stations: bool, lang: str) -> Rows:
    """What a day rests on, rule by rule, with the clause of each."""
    validity, index = regime.validity, regime.index
    usual, few = validity.station_share
    where = clause(regime.method, "validity")
    windows = {"windows": validity.windows, "all": 25 - validity.first_window, "least": validity.window_least}
    return [
        rule_row("day_hours", where, lang, hours=validity.day_hours),
        rule_row("windows", where, lang, **windows),
        *([rule_row("stations", where, lang, usual=usual, few=few)] if of_stations else []),
        rounding_rule(lang),
        rule_row("limits", limit_clause(regime, "pm25", "24h"), lang, zone=zone),
        rule_row("breakpoints", clause(index.id, "column", name=index.daily["pm25"]), lang),
        rule_row("index", clause(index.id, "index"), lang, above=index.primary_above),
        rule_row("levels", clause(index.id, "level", name="优"), lang, good=standards.good_up_to(index.id)),
    ]
