"""`envmon stats air` and `envmon stats rank`: concentrations, composite index and comparison of a whole period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.asked import area_of, area_option, now_of, period_of, period_option, span_row, view_of, view_options
from envmon.cli.output import as_csv, as_json, format_options, show, table, terminal
from envmon.texts import joined, t

if TYPE_CHECKING:
    from envmon.assess.air_stats import Figure, Gap, ItemFigures
    from envmon.pipeline.air_statistics import AirPeriod, AirReport, Placed

LANG = language()


@click.command(help=t("cli.stats.air.help", LANG), epilog=t("cli.stats.air.example", LANG))
@period_option
@area_option
@view_options
@format_options
@click.pass_obj
def air(session: Session, period: str | None, area: str, edition: str, basis: str | None, form: str | None) -> None:
    from envmon.pipeline import air_statistics

    config, view = session.config(), view_of(edition, basis, session.lang)
    with session.reading() as store:
        wanted, subject, now = period_of(period, store), area_of(area, config), now_of(store)
        places = [one for one in config.areas if subject in ("*", one.id)]
        reports = [air_statistics.report(store, config, one, wanted, now, view) for one in places]
    found = [report_row(one, session.lang) for one in reports if one is not None]
    if form == "json":
        click.echo(as_json(found))
    elif form == "csv":
        click.echo(as_csv([{**shared_row(row), **item} for row in found for item in row["items"]]))
    elif not found:
        click.echo(session.say("cli.stats.none", period=wanted.name))
    for number, row in enumerate(found if form is None else ()):
        click.echo("\n" * bool(number) + as_text(row, session))


def shared_row(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("area", "area_name", "period", "from", "to", "standard", "basis")}


def report_row(report: AirReport, lang: str) -> dict[str, Any]:
    """One area's period as plain data with stable keys (docs/json.md)."""
    from envmon.pipeline import air_statistics

    now, before = report.now, report.before
    rate, old = now.rate, before.compared if before else None
    points = air_statistics.change(report, "good_days")
    earlier = {one.item: one for one in before.items} if before else {}
    return {
        "area": now.area.id,
        "area_name": now.area.name,
        **span_row(now.period),
        "zone": now.area.zone,
        "standard": [now.regime.limits.id, now.regime.index.id, now.regime.method],
        "basis": rate.basis,
        "good_days": {
            "percent": _places(rate.tenths, 1),
            "numerator": rate.numerator,
            "denominator": rate.denominator,
            "editions": list(rate.editions),
            "compared_percent": _places(now.compared.tenths, 1),
            "before_percent": _places(old.tenths if old else None, 1),
            "change_points": _places(points, 1),
        },
        "items": [item_row(one, earlier.get(one.item), report.moving.get(one.item), now, lang) for one in now.items],
        "composite": composite_row(report),
    }


def item_row(
    one: ItemFigures, before: ItemFigures | None, moving: Figure | None, found: AirPeriod, lang: str
) -> dict[str, Any]:
    """One pollutant: its figures, what they are compared with, whether there were enough days and why not."""
    rule = found.regime.statistics
    decimals = rule.decimals[one.item]
    gaps = [gap_text(gap, lang) for gap in one.gaps]
    return {
        "item": one.item,
        "item_name": t(f"daily_item.{one.item}", lang),
        "days": one.days,
        "over_days": one.over,
        "valid": one.valid,
        "not_valid_because": gaps,
        **figure_row("mean", one.mean, before.mean if before else None, decimals, rule.multiple_decimals),
        "percentile_of": rule.percentiles[one.item],
        **figure_row(
            "percentile", one.percentile, before.percentile if before else None, decimals, rule.multiple_decimals
        ),
        "compliant": one.compliant,
        "moving_mean": _places(moving.shown if moving else None, decimals),
    }


def figure_row(
    name: str, one: Figure | None, before: Figure | None, decimals: int, multiple_decimals: int
) -> dict[str, Any]:
    from envmon.assess.air_stats import change_tenths

    change = change_tenths(one.shown, before.shown) if one and before else None
    limit = one.limit if one else None
    return {
        name: _places(one.shown if one else None, decimals),
        f"{name}_limit": None if limit is None else int(limit) if limit.denominator == 1 else float(limit),
        f"{name}_within": one.within if one else None,
        f"{name}_multiple": _places(one.multiple if one else None, multiple_decimals),
        f"{name}_before": _places(before.shown if before else None, decimals),
        f"{name}_change": _places(change, 1),
    }


def composite_row(report: AirReport) -> dict[str, Any]:
    """The composite index with its ratios and shares."""
    from envmon import standards
    from envmon.assess.air_stats import change_tenths

    rule, now = standards.composite(), report.now.composite
    before = report.before.composite.total if report.before else None
    change = None if now.total is None or before is None else change_tenths(now.total, before)
    return {
        "value": _places(now.total, rule.decimals),
        "standard": rule.id,
        "ratios": {item: _places(ratio, rule.ratio_decimals) for item, ratio in now.ratios.items()},
        "shares": {item: _places(share, 1) for item, share in now.shares.items()},
        "largest": list(now.largest),
        "missing": list(now.missing),
        "before": _places(before, rule.decimals),
        "change": _places(change, 1),
    }


def gap_text(gap: Gap, lang: str) -> str:
    if gap.month is None:
        return t("cli.stats.year_gap", lang, have=gap.have, need=gap.need)
    return t("cli.stats.month_gap", lang, month=gap.month.name, have=gap.have, need=gap.need)


def as_text(row: dict[str, Any], session: Session) -> str:
    """A report for the terminal: good days, a table of the pollutants, the composite index, what is missing."""
    say, rate, index = session.say, row["good_days"], row["composite"]
    head = say("cli.stats.air.head", name=row["area_name"], first=row["from"], last=row["to"])
    law = joined("comma", session.lang, row["standard"])
    counted = {"percent": _shown(rate["percent"]), "good": rate["numerator"], "days": rate["denominator"]}
    lines = [click.style(head, bold=True), law, say("cli.stats.air.good_days", **counted)]
    if rate["change_points"] is not None:
        edition = row["standard"][1]
        key = "points" if rate["editions"] in ([], [edition]) else "points_by_one"
        points = {"before": _shown(rate["before_percent"]), "points": f"{rate['change_points']:+.1f}"}
        compared = _shown(rate["compared_percent"])
        lines[-1] += say(f"cli.stats.air.{key}", **points, compared=compared, edition=edition)
    rows = []
    for item in row["items"]:
        verdict = {True: "yes", False: "no", None: "open"}[item["compliant"]]
        shown = {
            "mean_text": _against(item, "mean"),
            "percentile_text": _against(item, "percentile"),
            "mean_change_text": _signed(item["mean_change"]),
            "percentile_change_text": _signed(item["percentile_change"]),
            "compliant_text": say(f"cli.stats.air.{verdict}")
            if item["valid"] is not False
            else say("cli.stats.invalid"),
        }
        rows.append({**item, **shown})
    keys = (
        *("item_name", "mean_text", "mean_change_text", "percentile_text", "percentile_change_text"),
        *("over_days", "days", "compliant_text"),
    )
    lines.append(table(rows, {key: say(f"cli.stats.head.{key}") for key in keys}, terminal()))
    lines += composite_lines(index, session)
    missing = {gap: None for item in row["items"] for gap in item["not_valid_because"]}
    for gap in missing:
        items = [one["item_name"] for one in row["items"] if gap in one["not_valid_because"]]
        names = say("cli.stats.all_items") if len(items) == len(row["items"]) else joined("and", session.lang, items)
        lines.append(say("cli.stats.air.not_valid", items=names, gap=gap))
    moving = [
        say("cli.stats.air.moving_one", name=one["item_name"], value=one["moving_mean"])
        for one in row["items"]
        if one["moving_mean"] is not None
    ]
    if moving:
        lines.append(say("cli.stats.air.moving", values=joined("comma", session.lang, moving)))
    return "\n".join(lines)


def composite_lines(index: dict[str, Any], session: Session) -> list[str]:
    name = session.lang
    if index["value"] is None:
        items = [t(f"daily_item.{one}", name) for one in index["missing"]]
        return [session.say("cli.stats.air.no_composite", items=joined("and", name, items))]
    largest = joined("and", name, [t(f"daily_item.{one}", name) for one in index["largest"]])
    shares = [f"{t(f'daily_item.{item}', name)} {share:.1f}%" for item, share in index["shares"].items()]
    change = _signed(index["change"])
    said = session.say("cli.stats.air.composite", value=f"{index['value']:.2f}", standard=index["standard"])
    if index["change"] is not None:
        said += session.say("cli.stats.air.composite_change", before=f"{index['before']:.2f}", change=change)
    return [said, session.say("cli.stats.air.shares", largest=largest, shares=joined("comma", name, shares))]


def _against(item: dict[str, Any], name: str) -> str:
    """A figure with the limit it is held against: 36 / 35 (0.03)."""
    value, limit, multiple = item[name], item[f"{name}_limit"], item[f"{name}_multiple"]
    if value is None:
        return "–"
    beyond = f" (+{multiple})" if multiple is not None else ""
    return f"{value}" if limit is None else f"{value} / {limit}{beyond}"


def _signed(change: float | None) -> str:
    return "–" if change is None else f"{change:+.1f}%"


def _shown(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:.1f}"


def _places(steps: int | None, decimals: int) -> int | float | None:
    """Whole steps of 10^-decimals as a number for people and JSON."""
    from envmon.rounding import printed

    return None if steps is None else steps if not decimals else float(printed(steps, decimals))


@click.command(help=t("cli.stats.rank.help", LANG), epilog=t("cli.stats.rank.example", LANG))
@period_option
@click.option("--by", default="composite", show_default=True, metavar="FIGURE", help=t("cli.stats.rank.by", LANG))
@view_options
@format_options
@click.pass_obj
def rank(session: Session, period: str | None, by: str, edition: str, basis: str | None, form: str | None) -> None:
    from envmon.errors import UsageError
    from envmon.pipeline import air_statistics

    if by not in air_statistics.BY:
        raise UsageError(session.say("cli.stats.rank.unknown", by=by, known=", ".join(air_statistics.BY)))
    config, view = session.config(), view_of(edition, basis, session.lang)
    with session.reading() as store:
        wanted, now = period_of(period, store), now_of(store)
        found = [air_statistics.report(store, config, area, wanted, now, view) for area in config.areas]
    reports = [one for one in found if one is not None]
    rows = rank_rows(air_statistics.ranking(reports, by), by, session.lang)
    heads = {key: session.say(f"cli.stats.rank.head.{key}") for key in ("place", "area_name")}
    heads["value"] = (
        session.say(f"cli.stats.rank.{by}") if by in ("composite", "good_days") else t(f"daily_item.{by}", session.lang)
    )
    if any(row["compared"] != row["value"] for row in rows):  # both years by one edition, and that is not by date
        heads["compared"] = session.say("cli.stats.rank.head.compared")
    heads["before"] = session.say("cli.stats.rank.head.before")
    heads["change"] = session.say("cli.stats.rank.head.points" if by == "good_days" else "cli.stats.rank.head.change")
    heads["change_place"] = session.say("cli.stats.rank.head.change_place")
    if not all(row["valid"] for row in rows):
        heads["valid_text"] = session.say("cli.stats.rank.head.valid_text")
    show(rows, form, heads, session.say("cli.stats.none", period=wanted.name))


def rank_rows(placed: Sequence[Placed], by: str, lang: str) -> list[dict[str, Any]]:
    """Areas in their order, with the figure, the one of the year before, and the place by change."""
    from envmon import standards

    rows = []
    for one in placed:
        now = one.report.now
        if by == "composite":
            decimals = standards.composite().decimals
        else:
            decimals = 1 if by == "good_days" else now.regime.statistics.decimals[by]
        rows.append(
            {
                "place": one.place,
                "area": now.area.id,
                "area_name": now.area.name,
                "period": now.period.name,
                "by": by,
                "value": _places(one.value, decimals),
                "compared": _places(now.compared.tenths if by == "good_days" else one.value, decimals),
                "before": _places(one.before, decimals),
                "change": _places(one.change, 1),
                "change_place": one.change_place,
                "valid": now.enough,
                "valid_text": "" if now.enough else t("cli.stats.invalid", lang),
                "standard": [now.regime.index.id, now.regime.method],
                "basis": now.rate.basis,
            }
        )
    return rows
