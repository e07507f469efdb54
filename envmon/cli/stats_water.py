"""`envmon stats water` and `envmon stats trend`: the state of surface water over a period, and where it leads."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.asked import area_of, area_option, now_of, period_of, period_option, span_row, view_of
from envmon.cli.judge import level_row, main_rows
from envmon.cli.output import as_csv, as_json, format_options, table, terminal
from envmon.texts import joined, t, word

if TYPE_CHECKING:
    from envmon.model import WaterItem
    from envmon.periods import Period
    from envmon.pipeline.water_statistics import Point, Series, WaterReport, WaterState

LANG = language()
BASIS = click.option("--basis", metavar="BASIS", help=t("cli.option.basis", LANG))


@click.command(help=t("cli.stats.water.help", LANG), epilog=t("cli.stats.water.example", LANG))
@period_option
@area_option
@click.option(
    "--by",
    type=click.Choice(["area", "river", "basin"]),
    default="area",
    show_default=True,
    help=t("cli.stats.water.by", LANG),
)
@BASIS
@format_options
@click.pass_obj
def water(session: Session, period: str | None, area: str, by: str, basis: str | None, form: str | None) -> None:
    from envmon.pipeline import water_statistics

    config, view = session.config(), view_of("by-date", basis, session.lang)
    with session.reading() as store:
        wanted, subject, now = period_of(period, store), area_of(area, config), now_of(store)
        found, ungrouped = water_statistics.groups(config, subject, by)
        reports = [water_statistics.report(store, config, one, wanted, now, view) for one in found]
    rows = [report_row(one, session.lang) for one in reports if one is not None]
    if ungrouped:
        names = joined("and", session.lang, [site.name for site in ungrouped])
        said = session.say("water_levels.ungrouped", count=len(ungrouped), column=by, names=names)
        click.echo(click.style(said, dim=True), err=True)
    if form == "json":
        click.echo(as_json(rows))
    elif form == "csv":
        click.echo(as_csv([flat_row(row) for row in rows]))
    elif not rows:
        click.echo(session.say("water_levels.nothing", period=wanted.name))
    for number, row in enumerate(rows if form is None else ()):
        click.echo("\n" * bool(number) + as_text(row, session))


def report_row(report: WaterReport, lang: str) -> dict[str, Any]:
    """One group's period as plain data with stable keys (docs/json.md)."""
    from envmon import standards

    now, before, rules = report.now, report.before, standards.water_levels()
    counted: dict[str, list[str]] = {}
    for site, reason in now.excluded:
        counted.setdefault(reason.value, []).append(site.name)
    main, main_text = main_of(now, lang)
    row = {
        "by": now.group.by,
        "group": now.group.id,
        "group_name": now.group.name,
        **running_row(now.period),
        "label": t("water_levels.label", lang, method=rules.method),
        "method": rules.method,
        "standard": now.editions,
        "basis": now.basis,
        **state_row(now, lang),
        "main": main,
        "main_text": main_text,
        "judged": [section_row(now, number, lang) for number in range(len(now.judged))],
        "excluded": {reason: len(names) for reason, names in counted.items()},
        "excluded_text": joined("comma", lang, [excluded_text(*one, lang) for one in counted.items()]),
        "before": None if before is None else {**running_row(before.period), **state_row(before, lang)},
        **change_row(report),
        "change_name": None if report.change is None else word(report.change, lang),
    }
    return {**row, "text": paragraph(report, row, lang)}


def running_row(period: Period) -> dict[str, Any]:
    """A period by its name, its days, and as people read it: by its days where it has not run to its end."""
    from envmon import periods

    row = span_row(period)
    whole = periods.parse(period.name).days == period.days
    return {**row, "span_text": period.name if whole else f"{row['from']} – {row['to']}"}


def excluded_text(reason: str, names: list[str], lang: str) -> str:
    told = {"reason": t(f"reason.{reason}", lang), "count": len(names), "names": joined("and", lang, names)}
    return t("water_levels.excluded_one", lang, **told)


def state_row(state: WaterState, lang: str) -> dict[str, Any]:
    """Sections by class, shares, the rule by which they make a level, and the level."""
    from envmon.assess.water_levels import CLASSES
    from envmon.model import WaterLevel

    shares, mean = state.shares, state.mean
    level = None if state.level is WaterLevel.NONE else state.level.name.lower()
    counts = zip(CLASSES, shares.counts, strict=True)
    return {
        "sections": shares.total,
        "classes": [{"class": one.name, "sections": count} for one, count in counts],
        "good": shares.good,
        "good_percent": _tenths(shares.good_tenths),
        "worse_than_v": shares.worst,
        "worse_than_v_percent": _tenths(shares.worst_tenths),
        "rule": "shares" if state.by_shares else "mean" if mean is not None else None,
        "class": None if mean is None else mean.water_class.name,
        "class_name": None if mean is None else word(mean.water_class, lang),
        "level": level,
        "level_name": word(state.level, lang),
    }


def main_of(state: WaterState, lang: str) -> tuple[list[dict[str, Any]], str]:
    """Main indicators as plain rows and in words: of shares with the share of sections beyond class III."""
    from envmon.rounding import percent_tenths

    if state.mean is not None:
        rows, text = main_rows(state.mean.main, lang)
        return [{**row, "sections": None, "percent": None} for row in rows], text
    rows, _ = main_rows([one.worst for one in state.main], lang)
    told = []
    for row, one in zip(rows, state.main, strict=True):
        percent = _tenths(percent_tenths(one.sections, state.shares.total))
        row.update(sections=one.sections, percent=percent)
        told.append(t("water_levels.main_item", lang, name=item_name(one.item, lang), percent=percent))
    return rows, joined("comma", lang, told)


def item_name(item: str, lang: str) -> str:
    from envmon import standards

    found = standards.parameters()[item]
    return found.name if lang == "zh" else found.name_en


def section_row(state: WaterState, number: int, lang: str) -> dict[str, Any]:
    """One section that counts, with its own class and level."""
    from envmon.model import WaterClass

    one = state.judged[number]
    found = one.judgement.water_class if one.judgement else WaterClass.NONE
    named = {"site": one.site.id, "name": one.site.name, "class": found.name, "class_name": word(found, lang)}
    _, main = main_rows(one.judgement.main if one.judgement else (), lang)
    return {**named, **level_row(found, lang), "main_text": main}


def change_row(report: WaterReport) -> dict[str, Any]:
    """How the shares changed, as printed, and the verdict by their exact change."""
    from envmon.rounding import rounded

    now, before, points = report.now.shares, report.before and report.before.shares, report.points
    steps = None if points is None else rounded(points, 1)
    return {
        "good_change": _tenths(_less(now.good_tenths, before.good_tenths if before else None)),
        "worse_than_v_change": _tenths(_less(now.worst_tenths, before.worst_tenths if before else None)),
        "points": _tenths(steps),
        "change": None if report.change is None else report.change.value,
    }


def _less(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


def _tenths(steps: int | None) -> float | None:
    """Tenths as a number for people and JSON."""
    return None if steps is None else steps / 10


def paragraph(report: WaterReport, row: dict[str, Any], lang: str) -> str:
    """The period in words, ready for a bulletin."""
    from envmon import standards

    mark = "" if lang == "zh" else " "
    now, period = report.now, row["period"]
    if now.period.last != report.whole.last:
        period = t("water_levels.until", lang, period=period, day=row["to"])
    said = {"least": standards.water_levels().min_sections, "total": row["sections"]}
    said |= {"name": row["group_name"], "period": period, "level": row["level_name"]}
    said |= {"good": row["good_percent"], "worst": row["worse_than_v_percent"], "class_name": row["class_name"]}
    said |= {"good_count": row["good"], "worst_count": row["worse_than_v"]}
    if not now.judged:
        return t("water_levels.empty", lang, name=row["group_name"], period=period)
    if now.by_shares:
        kind = "by_shares"
    elif now.mean is None:
        kind = "mixed"
    else:
        kind = "single" if row["sections"] == 1 else "by_mean"
    parts = [t(f"water_levels.{kind}", lang, **said)]
    if row["main_text"]:
        parts.append(t("water_levels.main", lang, items=row["main_text"]))
    return mark.join([*parts, compared(report, row, lang)])


def compared(report: WaterReport, row: dict[str, Any], lang: str) -> str:
    """What became of the water since the year before, or why that is not said."""
    before = report.before
    if before is None:
        return t("water_levels.no_before", lang)
    if report.change is None:
        if report.now.by_shares != before.by_shares:
            return t("water_levels.not_compared", lang, total=before.shares.total)
        if report.points is None:
            return t("water_levels.no_level", lang)
    if report.points is None:
        return t("water_levels.compared_level", lang, before=row["before"]["level_name"], change=row["change_name"])
    moved = {"good": points_text(row["good_change"], lang), "worst": points_text(row["worse_than_v_change"], lang)}
    if report.now.level is not before.level:
        moved |= {"before": row["before"]["level_name"], "now": row["level_name"]}
    if report.change is None:
        return t("water_levels.contradicts", lang, **moved)
    if report.now.level is not before.level:
        return t("water_levels.compared_both", lang, change=row["change_name"], **moved)
    return t("water_levels.compared", lang, change=row["change_name"], **moved)


def points_text(points: float, lang: str) -> str:
    way = "up" if points > 0 else "down" if points < 0 else "same"
    return t(f"water_levels.{way}", lang, **({} if way == "same" else {"points": abs(points)}))


def flat_row(row: dict[str, Any]) -> dict[str, Any]:
    """A report as one row of CSV: sections by class, and the year before, in columns of their own."""
    nested = ("classes", "judged", "before", "main", "excluded")
    flat = {key: value for key, value in row.items() if key not in nested}
    by_class = {f"class_{one['class'].lower()}": one["sections"] for one in row["classes"]}
    before = row["before"] or {}
    old = {f"before_{key}": before.get(key) for key in ("period", "sections", "good_percent", "worse_than_v_percent")}
    return {**flat, **by_class, **old, "before_level": before.get("level")}


def as_text(row: dict[str, Any], session: Session) -> str:
    """A report for the terminal: the paragraph, a table of both periods, what is not counted, the law."""
    lines = [click.style(row["text"], bold=True)]
    rows = []
    for one in [row] if row["before"] is None else [row, row["before"]]:
        rows.append({**one, **{entry["class"]: entry["sections"] for entry in one["classes"]}})
    heads = {"span_text": session.say("water_levels.head.period")}
    heads["sections"] = session.say("water_levels.head.sections")
    heads |= {one["class"]: session.say(f"water_levels.head.{one['class'].lower()}") for one in row["classes"]}
    last = ("good_percent", "worse_than_v_percent", "level_name")
    heads |= {key: session.say(f"water_levels.head.{key}") for key in last}
    if row["sections"]:
        lines.append(table(rows, heads, terminal()))
    if row["excluded_text"]:
        lines.append(session.say("water_levels.excluded", excluded=row["excluded_text"]))
    if row["sections"]:
        kinds = joined("and", session.lang, [session.say(f"basis.{kind}") for kind in row["basis"].split("+")])
        editions = joined("and", session.lang, row["standard"])
        lines.append(session.say("water_levels.law", method=row["method"], editions=editions, basis=kinds))
    return "\n".join(lines)


# --- trends -------------------------------------------------------------------------------------------------------


@click.command(help=t("cli.stats.trend.help", LANG), epilog=t("cli.stats.trend.example", LANG))
@click.argument("subject")
@click.argument("item")
@period_option
@click.option(
    "--by",
    type=click.Choice(["month", "quarter", "year"]),
    default="month",
    show_default=True,
    help=t("cli.stats.trend.by", LANG),
)
@BASIS
@format_options
@click.pass_obj
def trend(
    session: Session, subject: str, item: str, period: str | None, by: str, basis: str | None, form: str | None
) -> None:
    from envmon import periods
    from envmon.errors import UsageError
    from envmon.pipeline import water_statistics

    config, view = session.config(), view_of("by-date", basis, session.lang)
    with session.reading() as store:
        wanted, today = period_of(period, store), periods.today(now_of(store))
        spans = [one for one in periods.parts(wanted, by) if one.last < today]
        if not spans:
            raise UsageError(session.say("water_levels.trend.no_spans", period=wanted.name))
        found = water_statistics.trend(store, config, subject, item, spans, view)
    row = trend_row(found, wanted.name, by, session.lang)
    if form == "json":
        click.echo(as_json(row))
    elif form == "csv":
        click.echo(as_csv([{"subject": row["subject"], "item": row["item"], **one} for one in row["series"]]))
    else:
        click.echo(trend_text(row, session))


def trend_row(found: Series, period: str, by: str, lang: str) -> dict[str, Any]:
    """A series and its trend as plain data with stable keys (docs/json.md)."""
    from envmon import standards

    trend = found.found
    usual, strict = trend.critical if trend else (None, None)
    return {
        "subject": found.subject,
        "name": found.name,
        "item": found.item.id if found.item else "good_sections",
        "item_name": series_name(found.item, lang),
        "unit": found.item.unit if found.item else "%",
        "decimals": found.decimals,
        "period": period,
        "by": by,
        "method": standards.water_levels().method,
        "periods": sum(point.value is not None for point in found.points),
        "coefficient": _thousandths(trend.coefficient if trend else None),
        "critical_row": trend.row if trend else None,
        "critical_005": _thousandths(usual),
        "critical_001": _thousandths(strict),
        "significant": None if trend is None or trend.significant is None else trend.significant / 100,
        "trend": trend.trend.value if trend else None,
        "trend_name": word(trend.trend, lang) if trend else None,
        "better": found.better,
        "series": [point_row(point, lang) for point in found.points],
    }


def series_name(item: WaterItem | None, lang: str) -> str:
    if item is None:
        return t("rate_name.good_sections", lang)
    return item.name if lang == "zh" else item.name_en


def point_row(point: Point, lang: str) -> dict[str, Any]:
    return {
        "period": point.period.name,
        "value": None if point.value is None else float(point.value),
        "below_detection": point.below,
        "reason": None if point.reason is None else point.reason.value,
        "reason_name": None if point.reason is None else word(point.reason, lang),
    }


def _thousandths(steps: int | None) -> float | None:
    return None if steps is None else float(Fraction(steps, 1000))


def trend_text(row: dict[str, Any], session: Session) -> str:
    """A trend for the terminal: the verdict, the series, the law."""
    from envmon import standards

    say, share = session.say, row["item"] == "good_sections"
    named = f"{row['item_name']} {row['unit']}".strip()
    head = {"name": row["name"], "item": named, "period": row["period"], "by": say(f"water_levels.trend.{row['by']}")}
    lines = [click.style(say("water_levels.trend.head", **head), bold=True)]
    if row["coefficient"] is None:
        least = standards.water_levels().min_periods
        lines.append(say("water_levels.trend.too_few", count=row["periods"], least=least))
    else:
        own = row["critical_row"] == row["periods"]
        better = {True: "better", False: "worse"}.get(row["better"])
        said = {
            "count": row["periods"],
            "coefficient": f"{row['coefficient']:.3f}",
            "usual": f"{row['critical_005']:.3f}",
            "strict": f"{row['critical_001']:.3f}",
            "row": "" if own else say("water_levels.trend.row", row=row["critical_row"]),
            "trend": row["trend_name"],
            "better": say(f"water_levels.trend.{better}") if better else "",
        }
        lines.append(say("water_levels.trend.found", **said))
    rows = [{**one, "value_text": value_text(one, row["decimals"])} for one in row["series"]]
    keys = ["period", "value_text"] + ["reason_name"] * any(one["reason"] for one in rows)
    lines.append(table(rows, {key: say(f"water_levels.head.{key}") for key in keys}, terminal()))
    lines.append(say("water_levels.trend.law_of_share" if share else "water_levels.trend.law", method=row["method"]))
    return "\n".join(lines)


def value_text(one: dict[str, Any], decimals: int) -> str:
    """A figure of the series with its decimals; one below its detection limit by that limit."""
    if one["value"] is None:
        return "–"
    value: float = one["value"] * (2 if one["below_detection"] else 1)
    shown = f"{value:.{decimals}f}"
    return "<" * bool(one["below_detection"]) + (shown if float(shown) == value else f"{value:.12g}")
