"""Compare: the days and sites that two or more views judge differently, and why; and the days that review may flip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envmon import periods, standards
from envmon.assess import air, flips
from envmon.model import POLLUTANTS, AirDay, Config, Kind, RateName, Status, View, WaterClass
from envmon.periods import Period
from envmon.pipeline import judge_air, rating
from envmon.rounding import printed
from envmon.store import Store
from envmon.texts import joined, t, word


@dataclass(frozen=True, slots=True)
class Difference:
    """One day of an area, or one site over the period, that the views do not judge alike.

    said : what each view says, in their order: plain facts and a `text` for people.
    counts_differently : it is good, bad or not counted in one view and something else in another.
    """

    rate: RateName
    when: str
    subject: str
    name: str
    said: tuple[Mapping[str, Any], ...]
    counts_differently: bool
    why: str


def differences(
    store: Store, config: Config, area: str, period: Period, now: int, views: Sequence[View]
) -> list[Difference]:
    """What differs among the closed days of a period: the days of air first, then sections, then sources."""
    closed = period.until(periods.today(now) - 1)
    if closed.days < 1:
        return []
    found = [
        one
        for place in rating.areas_with_air(config, area)
        for one in differing_days(store, config, place.id, place.name, closed, views)
    ]
    if len({view.basis for view in views}) > 1:  # sections and sources have one edition
        found += differing_sites(store, config, area, closed, views)
    return found


# --- days of air --------------------------------------------------------------------------------------------------


def differing_days(
    store: Store, config: Config, area: str, name: str, period: Period, views: Sequence[View]
) -> Iterator[Difference]:
    """The days of an area whose outcome or level is not the same in all views."""
    by_view = [{day.day: day for day in rating.days_of(store, config, area, period, view)} for view in views]
    for number in period:
        days = [found.get(number) for found in by_view]
        outcomes = [outcome(day) for day in days]
        levels = {day.level if day is not None and day.status is Status.VALID else 0 for day in days}
        if len(set(outcomes)) > 1 or len(levels) > 1:
            said = tuple(day_said(day, config.language) for day in days)
            date = periods.calendar(number).isoformat()
            differs = len(set(outcomes)) > 1
            why = why_days_differ(days, config.language)
            yield Difference(RateName.GOOD_DAYS, date, area, name, said, differs, why)


def outcome(day: AirDay | None) -> bool | None:
    """Whether a day is good; None when it does not count."""
    if day is None or day.status is not Status.VALID:
        return None
    return day.aqi <= standards.good_up_to(day.edition)


def day_said(day: AirDay | None, lang: str) -> dict[str, Any]:
    """What one view says of a day."""
    if day is None or day.status is not Status.VALID:
        status = Status.MISSING if day is None else day.status
        text = t("compare.not_counted", lang, why=word(status, lang))
        return {"aqi": None, "level": None, "good": None, "status": status.name.lower(), "text": text}
    aqi = air.published(day.aqi, day.missing, standards.index_edition(day.edition))
    text = t("compare.day", lang, aqi=aqi, level=t(f"level.{day.level}", lang))
    return {
        "aqi": aqi,
        "level": day.level,
        "good": outcome(day),
        "status": "valid",
        "edition": day.edition,
        "text": text,
    }


def why_days_differ(days: Sequence[AirDay | None], lang: str) -> str:
    """The items that make the difference: their values, sub-indices and valid hours in each view, parted by a slash."""
    told = []
    for row, item in enumerate(POLLUTANTS):
        if not any(day is not None and day.iaqi[row] == day.aqi >= 0 for day in days) and not lacks(days, row):
            continue  # another item sets the index in every view
        values = [value_of(day, row) for day in days]
        iaqi = [None if day is None or day.iaqi[row] < 0 else day.iaqi[row] for day in days]
        hours = [None if day is None else day.hours[row] for day in days]
        if len(set(iaqi)) > 1 or len(set(hours)) > 1:
            parts = {"item": t(f"daily_item.{item}", lang), "values": apart(values), "iaqi": apart(iaqi)}
            key = "compare.item_hours" if len(set(hours)) > 1 else "compare.item"
            told.append(t(key, lang, **parts, hours=apart(hours)))
    return joined("comma", lang, told)


def lacks(days: Sequence[AirDay | None], row: int) -> bool:
    """Whether an item is missing in one view and not in another."""
    return len({day is None or bool(day.missing >> row & 1) for day in days}) > 1


def value_of(day: AirDay | None, row: int) -> str | None:
    if day is None or day.value[row] < 0:
        return None
    edition = standards.index_edition(day.edition)
    return printed(day.value[row], edition.columns[edition.daily[POLLUTANTS[row]]].decimals)


def apart(values: Sequence[Any]) -> str:
    """One value for all views, or one for each."""
    told = ["–" if value is None else str(value) for value in values]
    return told[0] if len(set(told)) == 1 else " / ".join(told)


# --- sections and sources -----------------------------------------------------------------------------------------


def differing_sites(
    store: Store, config: Config, area: str, period: Period, views: Sequence[View]
) -> Iterator[Difference]:
    """The sections and sources whose judgement over the period is not the same in all views."""
    for kind, rate in ((Kind.SECTION, RateName.GOOD_SECTIONS), (Kind.SOURCE, RateName.GOOD_SOURCES)):
        by_view = [rating.judged_sites(store, config, kind, area, period, view) for view in views]
        for same in zip(*by_view, strict=True):
            said = tuple(site_said(one, config.language) for one in same)
            if len({(one["class"], one["good"]) for one in said}) > 1:
                why = joined("comma", config.language, [site_why(one, config.language) for one in same])
                differs = len({one["good"] for one in said}) > 1
                yield Difference(rate, period.name, same[0].site.id, same[0].site.name, said, differs, why)


def site_said(found: rating.Judged, lang: str) -> dict[str, Any]:
    """What one view says of a section or source."""
    judged = found.judgement
    if judged is None or judged.status is not Status.VALID:
        status = Status.MISSING if judged is None else judged.status
        text = t("compare.not_counted", lang, why=word(status, lang))
        return {"class": None, "good": None, "status": status.name.lower(), "text": text}
    name = None if judged.water_class is WaterClass.NONE else judged.water_class.name
    return {"class": name, "good": judged.good, "status": "valid", "text": word(judged.water_class, lang)}


def site_why(found: rating.Judged, lang: str) -> str:
    """What the judgement of one view rests on."""
    names = standards.parameters()
    items = [] if found.judgement is None else list(found.judgement.determining)
    text = joined("and", lang, [names[item].name if lang == "zh" else names[item].name_en for item in items]) or "–"
    return t("compare.site", lang, readings=sum(part.readings for part in found.parts), items=text)


# --- what review may flip -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flip:
    """A day whose outcome a small change of the data may turn, with the reasons."""

    day: AirDay
    subject: str
    name: str
    reasons: tuple[flips.Reason, ...]


def may_flip(store: Store, config: Config, area: str, period: Period, margin: int, view: View) -> list[Flip]:
    """The days of the areas that may be judged otherwise once their data are reviewed."""
    found = []
    for place in rating.areas_with_air(config, area):
        of_stations = place.air is Kind.STATION
        own = [one for one in config.sites if one.area == place.id and one.kind is Kind.STATION and one.counted]
        for day in rating.days_of(store, config, place.id, period, view):
            stations = sum(one.open_on(day.day) for one in own) if of_stations else 0
            validity = judge_air.as_chosen(standards.air(day.day, view.edition), config.assessment).validity
            good = standards.good_up_to(day.edition)
            if reasons := flips.reasons(day, margin, validity, good, stations):
                found.append(Flip(day, place.id, place.name, reasons))
    return found


def reasons_text(reasons: Sequence[flips.Reason], lang: str) -> str:
    """The reasons in words; items with the same trouble of the same size are named together."""
    alike: dict[tuple[str, int], list[str]] = {}
    for one in reasons:
        alike.setdefault((one.kind, one.size), []).append(t(f"daily_item.{one.item}", lang) if one.item else "")
    told = [
        t(f"flip.{kind}", lang, size=size, items=joined("and", lang, items)) for (kind, size), items in alike.items()
    ]
    return joined("comma", lang, told)
