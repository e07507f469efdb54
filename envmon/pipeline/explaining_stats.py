"""Explain a figure of air over a period: mean and percentile of an item against their limits; the composite index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from envmon import periods, standards
from envmon.assess import air_stats
from envmon.assess.air_stats import Figure, ItemFigures
from envmon.errors import UsageError
from envmon.model import NO_VALUE, POLLUTANTS, AirDay, AirRegime, Composite, Config, View
from envmon.periods import Period
from envmon.pipeline import air_statistics, judge_air, rating, why_not
from envmon.pipeline.air_statistics import AirPeriod, AirReport
from envmon.pipeline.explaining import (
    STEPS,
    Explanation,
    Part,
    Rows,
    approximately,
    fraction_text,
    law_in_words,
    part,
    revised_days,
    rounding_rule,
    rule_row,
    step_row,
)
from envmon.pipeline.explaining_air import DAILY, limit_clause
from envmon.rounding import plain, printed
from envmon.standards.clauses import clause
from envmon.store import Store
from envmon.texts import joined, t, word

COMPOSITE = "composite"
ITEMS = (*POLLUTANTS, COMPOSITE)
"""What can be asked for."""


def explain_stats(
    store: Store, config: Config, item: str, area: str, period: Period, now: int, view: View
) -> Explanation:
    """The mean and the percentile of an item over the closed days of a period, or the composite index."""
    lang = config.language
    place = next(one for one in config.areas if one.id == area)
    report = air_statistics.report(store, config, place, period, now, view)
    name = t("explain.stats.index_name", lang) if item == COMPOSITE else t(f"daily_item.{item}", lang)
    question = f"{name} {place.name} {period.name}"
    if report is None:
        return Explanation(question, t("cli.stats.none", lang, period=period.name), "–", ())
    found, sites = report.now, judge_air.own_sites(config, place)
    law = law_in_words(found.regime, lang)
    if item == COMPOSITE:
        answer, parts = composite(found, lang)
        return Explanation(question, answer, f"{law} · {standards.composite().id}", (*parts,))
    own = View(found.regime.index.id, view.basis)
    days = rating.days_of(store, config, area, found.period, own)
    figures = next(one for one in found.items if one.item == item)
    parts = [*item_parts(figures, days, found, period, lang), *moving_parts(report, item, lang)]
    parts.append(part("lacking", lacking_days(store, config, area, item, days, found.period, own), LACKING, lang))
    parts += [revised_days(store, sites, found.period, lang, view.basis), law_part(found.regime, item, lang)]
    return Explanation(question, item_answer(figures, found.regime, lang), law, tuple(parts))


LACKING = ("date", "status_name", "why")


def item_answer(figures: ItemFigures, regime: AirRegime, lang: str) -> str:
    """Both figures as published, how many days stand behind them, and whether there are enough."""
    decimals = regime.statistics.decimals[figures.item]
    shown = ["–" if one is None else printed(one.shown, decimals) for one in (figures.mean, figures.percentile)]
    valid = {True: "explain.stats.valid", False: "explain.stats.not_valid", None: "explain.stats.open"}[figures.valid]
    per_cent = regime.statistics.percentiles[figures.item]
    return t(
        "explain.stats.answer",
        lang,
        mean=shown[0],
        percentile=shown[1],
        per_cent=per_cent,
        days=figures.days,
        valid=t(valid, lang),
    )


def item_parts(
    figures: ItemFigures, days: Sequence[AirDay], found: AirPeriod, whole: Period, lang: str
) -> Iterator[Part]:
    """The two figures step by step, the months with their numbers of valid days, and the daily values."""
    regime, row = found.regime, POLLUTANTS.index(figures.item)
    values = {day.day: day.value[row] for day in days if day.day in found.period and day.value[row] != NO_VALUE}
    if figures.mean is not None and figures.percentile is not None:
        yield part("mean", mean_rows(figures.mean, list(values.values()), figures.item, regime, lang), STEPS, lang)
        rows = percentile_rows(figures.percentile, list(values.values()), figures.item, regime, lang)
        yield part("percentile", rows, STEPS, lang)
    yield part("validity", validity_rows(values, figures, whole, regime, lang), VALIDITY, lang)
    yield part("daily_values", daily_values(values, found, figures.item), ("month", "days", "sum", "daily"), lang)


def mean_rows(figure: Figure, values: Sequence[int], item: str, regime: AirRegime, lang: str) -> Iterator[Any]:
    """Number of days, sum, exact mean, then as published and as compared with the annual limit."""
    decimals = regime.index.columns[regime.index.daily[item]].decimals
    yield step_row("days", str(len(values)), lang)
    yield step_row("sum", plain(sum(values), decimals), lang)
    yield step_row("exact", approximately(figure.exact), lang)
    yield from figure_rows(figure, item, "annual", regime, lang)


def percentile_rows(figure: Figure, values: Sequence[int], item: str, regime: AirRegime, lang: str) -> Iterator[Any]:
    """The place of the percentile, the two values it lies between, then as for the mean."""
    decimals = regime.index.columns[regime.index.daily[item]].decimals
    per_cent = regime.statistics.percentiles[item]
    made = air_stats.percentile(values, per_cent)
    below, above = plain(made.below, decimals), plain(made.above, decimals)
    where = clause(regime.method, "percentile")
    yield step_row("days", str(made.count), lang)
    yield step_row("place", f"1 + ({made.count} − 1) × {per_cent}% = {approximately(made.place)}", lang, where)
    yield step_row("rank", str(made.rank), lang)
    yield step_row("between", f"X({made.rank}) = {below}, X({made.rank + 1}) = {above}", lang)
    exact = f"{below} + ({above} − {below}) × {approximately(made.place - made.rank)} = {approximately(figure.exact)}"
    yield step_row("exact", exact, lang)
    yield from figure_rows(figure, item, DAILY[item], regime, lang)


def figure_rows(figure: Figure, item: str, average: str, regime: AirRegime, lang: str) -> Iterator[dict[str, Any]]:
    """A figure as published, and as compared with its limit; by how many times it is beyond it."""
    rule = regime.statistics
    places = rule.decimals[item]
    yield step_row("published", printed(figure.shown, places), lang, clause(regime.method, "statistics"), places)
    if figure.limit is None:
        yield step_row("limit", t("explain.stats.no_limit", lang), lang)
        return
    evaluated, places = air_stats.evaluated_as(figure.exact, item, regime), rule.evaluation[item]
    told, limit = fraction_text(evaluated), fraction_text(figure.limit)
    yield step_row("evaluated", told, lang, clause(regime.method, "evaluation"), places)
    yield step_row("limit", limit, lang, limit_clause(regime, item, average))
    sign = "≤" if figure.within else ">"
    yield step_row("compared", f"{told} {sign} {limit}", lang)
    if figure.multiple is not None:
        exact, decimals = (evaluated - figure.limit) / figure.limit, rule.multiple_decimals
        value = f"({told} − {limit}) / {limit} = {approximately(exact)} → {printed(figure.multiple, decimals)}"
        yield step_row("multiple", value, lang, clause(regime.method, "annual"), decimals)


VALIDITY = ("month", "have", "need", "enough", "why")


def validity_rows(
    values: Mapping[int, int], figures: ItemFigures, whole: Period, regime: AirRegime, lang: str
) -> Iterator[dict[str, Any]]:
    """The valid days of every month, and of a year in all, beside those it needs (GB 3095 table 4)."""
    rule, gaps = regime.validity, {gap.month: gap for gap in figures.gaps}
    for month in periods.months(whole):
        february = periods.calendar(month.first).month == 2
        have, need = sum(day in month for day in values), rule.february_days if february else rule.month_days
        yield validity_row(month.name, have, need, figures.valid is not None, month in gaps, lang)
    if periods.is_year(whole):
        name = t("explain.stats.year", lang)
        yield validity_row(name, len(values), rule.year_days, figures.valid is not None, None in gaps, lang)


def validity_row(name: str, have: int, need: int, asked: bool, gap: bool, lang: str) -> dict[str, Any]:
    why = t("explain.stats.gap", lang, have=have, need=need) if gap else ""
    return {"month": name, "have": have, "need": need, "enough": not gap if asked else None, "why": why}


def daily_values(values: Mapping[int, int], found: AirPeriod, item: str) -> Rows:
    """The valid daily values month by month, in the order of their days, with their number and sum."""
    decimals = found.regime.index.columns[found.regime.index.daily[item]].decimals
    rows = []
    for month in periods.months(found.period):
        own = {day: value for day, value in sorted(values.items()) if day in month}
        rows.append(
            {
                "month": month.name,
                "days": len(own),
                "sum": plain(sum(own.values()), decimals),
                "dates": [periods.calendar(day).isoformat() for day in own],
                "daily": [plain(value, decimals) for value in own.values()],
            }
        )
    return rows


def lacking_days(
    store: Store, config: Config, area: str, item: str, days: Sequence[AirDay], period: Period, view: View
) -> Iterator[dict[str, Any]]:
    """The days of a period on which an item has no valid value, each with the reason."""
    lang, row = config.language, POLLUTANTS.index(item)
    known = {day.day: day for day in days}
    for number in period:
        day, date = known.get(number), periods.calendar(number).isoformat()
        if day is None:
            yield {"date": date, "status": None, "status_name": t("explain.day.not_judged", lang), "why": ""}
        elif day.value[row] == NO_VALUE:
            why = why_not.lacking(store, config, area, day, view, lang).get(item, "")
            status = {"status": day.status.name.lower(), "status_name": word(day.status, lang)}
            yield {"date": date, **status, "why": why}


def moving_parts(report: AirReport, item: str, lang: str) -> list[Part]:
    """The mean of several years, where the edition has one and every year is valid."""
    figure, regime = report.moving.get(item), report.now.regime
    if figure is None:
        return []
    average = "annual" if item in regime.statistics.with_mean else DAILY[item]
    rows = [step_row("exact", approximately(figure.exact), lang), *figure_rows(figure, item, average, regime, lang)]
    return [part("moving", rows, STEPS, lang)]


def law_part(regime: AirRegime, item: str, lang: str) -> Part:
    """The rules a figure rests on."""
    validity, statistics = regime.validity, regime.statistics
    where = clause(regime.method, "validity")
    numbers = {"month": validity.month_days, "february": validity.february_days, "year": validity.year_days}
    rows = [
        rule_row("days_of_period", where, lang, **numbers),
        rule_row("percentile", clause(regime.method, "percentile"), lang, per_cent=statistics.percentiles[item]),
        rule_row("decimals", clause(regime.method, "statistics"), lang),
        rounding_rule(lang),
    ]
    return part("law", rows, ("rule", "clause"), lang)


# --- composite index ----------------------------------------------------------------------------------------------


def composite(found: AirPeriod, lang: str) -> tuple[str, list[Part]]:
    """Each figure over its limit, rounded, weighed and summed."""
    index, rule = found.composite, standards.composite()
    rows = [composite_row(one, found, rule, lang) for one in found.items]
    keys = ("item_name", "figure", "published", "limit", "quotient", "ratio", "weight", "weighed", "share", "why")
    weighed = {item: ratio * rule.weights[item] for item, ratio in index.ratios.items()}
    total = Fraction(sum(weighed.values()), 10**rule.ratio_decimals)
    where = clause(rule.id, "composite")
    terms = " + ".join(printed(one, rule.ratio_decimals) for one in weighed.values())
    steps = []
    if index.total is None:
        answer = t("cli.stats.air.no_composite", lang, items=joined("and", lang, daily(index.missing, lang)))
    else:
        told = printed(index.total, rule.decimals)
        answer = t("explain.stats.composite", lang, value=told, standard=rule.id)
        steps = [
            step_row("terms", f"{terms} = {fraction_text(total)}", lang, where),
            step_row("published", told, lang, where, rule.decimals),
            step_row("largest", joined("and", lang, daily(index.largest, lang)), lang),
        ]
    laws = [
        rule_row("composite", where, lang, grade=rule.grade, decimals=rule.ratio_decimals),
        rule_row("weights", clause(rule.id, "composite_weights"), lang),
        rounding_rule(lang),
    ]
    return answer, [
        part("ratios", rows, keys, lang),
        part("total", steps, STEPS, lang),
        part("law", laws, ("rule", "clause"), lang),
    ]


def daily(items: Sequence[str], lang: str) -> list[str]:
    return [t(f"daily_item.{item}", lang) for item in items]


def composite_row(one: ItemFigures, found: AirPeriod, rule: Composite, lang: str) -> dict[str, Any]:
    """One pollutant: which figure enters, its limit, the ratio before and after rounding, weight and share."""
    high, regime, index = one.item in rule.with_percentile, found.regime, found.composite
    figure, average = (one.percentile, DAILY[one.item]) if high else (one.mean, "annual")
    row: dict[str, Any] = {
        "item": one.item,
        "item_name": t(f"daily_item.{one.item}", lang),
        "figure": t("explain.stats.percentile_of", lang, per_cent=regime.statistics.percentiles[one.item])
        if high
        else t("explain.stats.mean", lang),
        **dict.fromkeys(("published", "limit", "quotient", "ratio", "weight", "weighed", "share")),
        "limit_clause": limit_clause(regime, one.item, average),
        "why": t("explain.stats.no_figure", lang),
    }
    steps = regime.limits.limits.get((one.item, average, rule.grade))
    if figure is None or steps is None or one.item not in index.ratios:
        return row
    limit = Fraction(steps, 10 ** regime.limits.decimals[one.item])
    decimals, ratio = regime.statistics.decimals[one.item], index.ratios[one.item]
    exact = Fraction(figure.shown, 10**decimals) / limit
    weight = rule.weights[one.item]
    return row | {
        "published": printed(figure.shown, decimals),
        "limit": fraction_text(limit),
        "quotient": approximately(exact),
        "ratio": printed(ratio, rule.ratio_decimals),
        "weight": weight,
        "weighed": printed(ratio * weight, rule.ratio_decimals),
        "share": f"{printed(index.shares[one.item], 1)}%" if one.item in index.shares else None,
        "why": "",
    }


def area_of(config: Config, area: str) -> str:
    """The one area that is meant. Raises UsageError when the bureau has several and none was named."""
    if area != rating.WHOLE:
        return area
    found = rating.areas_with_air(config, area)
    if len(found) != 1:
        areas = ", ".join(one.id for one in found)
        raise UsageError(t("explain.stats.which_area", config.language, areas=areas))
    return found[0].id
