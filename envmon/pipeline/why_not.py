"""Why a day of air, a section or a source has no valid judgement, in words: what there is, and what it takes.

No words mean that it has one. Never here: the rules themselves (`assess`), the numbers they ask for (`standards`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from envmon import periods, standards
from envmon.assess import air
from envmon.model import (
    NO_VALUE,
    POLLUTANTS,
    AirDay,
    AirValidity,
    Config,
    Kind,
    Status,
    View,
    WaterJudgement,
    WaterPeriod,
)
from envmon.periods import Period
from envmon.pipeline import judge_air, rating
from envmon.store import Store
from envmon.texts import joined, t, word

NOTHING = {Status.MISSING: "why_not.missing", Status.INVALID: "why_not.invalid"}


# --- a day of air -------------------------------------------------------------------------------------------------


def of_day(store: Store, config: Config, subject: str, day: AirDay, view: View, lang: str) -> list[str]:
    """Why a day of an area or air site is not valid, one sentence for each pollutant that lacks its value."""
    if day.status is Status.VALID:
        return []
    if day.status in NOTHING:
        return [t(NOTHING[day.status], lang)]
    return list(lacking(store, config, subject, day, view, lang).values())


def lacking(store: Store, config: Config, subject: str, day: AirDay, view: View, lang: str) -> dict[str, str]:
    """The pollutants of the plan that have no value on a day, each with the reason; of a valid day too."""
    missing = [item for bit, item in enumerate(POLLUTANTS) if day.missing >> bit & 1]
    rule = judge_air.as_chosen(standards.air(day.day, day.edition), config.assessment).validity
    area = next((one for one in config.areas if one.id == subject and one.air is Kind.STATION), None)
    if area is None:
        return {item: of_item(item, day, rule, lang) for item in missing}
    own = [site for site in judge_air.own_sites(config, area) if site.open_on(day.day)]
    days = [rating.days_of(store, config, site.id, periods.single(day.day), view) for site in own] if missing else []
    if len(days) == 1 and days[0]:
        return {item: of_item(item, days[0][0], rule, lang) for item in missing}
    return {item: of_stations(item, [one[0] for one in days if one], len(own), rule, lang) for item in missing}


def of_item(item: str, day: AirDay, rule: AirValidity, lang: str) -> str:
    """Too few valid hours of a pollutant, or 8-hour means of ozone (GB 3095 table 4)."""
    name, hours = t(f"daily_item.{item}", lang), day.hours[POLLUTANTS.index(item)]
    if not hours:
        return t("why_not.no_hours", lang, item=name)
    if item == "o3":
        return t("why_not.windows", lang, item=name, have=day.windows, need=rule.windows)
    return t("why_not.hours", lang, item=name, have=hours, need=rule.day_hours)


def of_stations(item: str, days: Sequence[AirDay], count: int, rule: AirValidity, lang: str) -> str:
    """Too few stations of an area whose own day is valid (HJ 663 annex A.2). count : stations in operation."""
    row = POLLUTANTS.index(item)
    have = sum(day.value[row] != NO_VALUE for day in days)
    share = share_of(count, rule)
    return t("why_not.stations", lang, item=t(f"daily_item.{item}", lang), have=have, count=count, share=share)


def share_of(count: int, rule: AirValidity) -> int:
    """The share of an area's stations that must be valid, in per cent. count : its stations in operation."""
    return int(air.station_share(np.array(count), rule))


# --- water --------------------------------------------------------------------------------------------------------


def of_water(
    config: Config, judgement: WaterJudgement | None, parts: Sequence[WaterPeriod], whole: Period, lang: str
) -> list[str]:
    """Why a section or source has no class over a period; parts : the judgements it is made of."""
    status = Status.MISSING if judgement is None else judgement.status
    if judgement is None or status in NOTHING:
        return [t(NOTHING[status], lang)]
    if status is Status.TOO_FEW_ROUNDS:
        have = sum(part.judgement.status is Status.VALID for part in parts)
        return [t("why_not.rounds", lang, have=have, need=rating.least_rounds(config, whole))]
    if status in (Status.INSUFFICIENT, Status.NOT_JUDGEABLE):
        return list(required_items(judgement, lang))
    return [] if status is Status.VALID else [word(status, lang)]


def required_items(judgement: WaterJudgement, lang: str) -> Iterator[str]:
    """The required items without a class: those without a value, and those whose detection limit is too high."""
    required = standards.water_item_set(judgement.edition, judgement.item_set).required
    for kind, items in (("no_value", judgement.missing), ("coarse", judgement.not_judgeable)):
        own = [item for item in required if item in items]
        if own:
            yield t(f"why_not.{kind}", lang, items=item_names(own, lang))


def too_coarse(judgement: WaterJudgement | None, lang: str) -> str:
    """The items that cannot be judged because their detection limit is above class III; "" when there are none."""
    items = () if judgement is None else judgement.not_judgeable
    return t("why_not.coarse", lang, items=item_names(items, lang)) if items else ""


def item_names(items: Sequence[str], lang: str) -> str:
    known = standards.parameters()
    return joined("and", lang, [known[item].name if lang == "zh" else known[item].name_en for item in items])
