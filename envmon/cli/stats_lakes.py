"""`envmon stats lakes` and `envmon stats cwqi`: lakes with their trophic state, the water quality index of an area."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.asked import area_of, area_option, now_of, period_of, period_option, span_row, view_of
from envmon.cli.output import as_csv, as_json, format_options, table, terminal
from envmon.texts import joined, t, word

if TYPE_CHECKING:
    from envmon.assess.city_index import BodyIndex, Ratio
    from envmon.assess.lakes import TrophicPart
    from envmon.model import Config
    from envmon.pipeline.city_water import CityReport, CityWater
    from envmon.pipeline.lake_statistics import Lake, LakeReport, Point

LANG = language()


@click.command(help=t("cli.stats.lakes.help", LANG), epilog=t("cli.stats.lakes.example", LANG))
@period_option
@area_option
@click.option("--basis", metavar="BASIS", help=t("cli.option.basis", LANG))
@format_options
@click.pass_obj
def lakes(session: Session, period: str | None, area: str, basis: str | None, form: str | None) -> None:
    from envmon.pipeline import lake_statistics

    config, view = session.config(), view_of("by-date", basis, session.lang)
    with session.reading() as store:
        wanted, subject = period_of(period, store), area_of(area, config)
        reports = lake_statistics.report(store, config, subject, wanted, now_of(store), view)
    found = [lake_row(one, session.lang) for one in reports]
    if form == "json":
        click.echo(as_json(found))
    elif form == "csv":
        click.echo(as_csv([{**flat(row), **part} for row in found for part in row["parts"]]))
    else:
        click.echo(lakes_text(found, session) if found else session.say("cli.stats.lakes.none", period=wanted.name))


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the lists that are rows of their own."""
    return {key: value for key, value in row.items() if key not in ("parts", "points", "main", "items", "rivers")}


# --- lakes --------------------------------------------------------------------------------------------------------


def lake_row(report: LakeReport, lang: str) -> dict[str, Any]:
    """One lake over a period as plain data with stable keys (docs/json.md)."""
    from envmon import standards
    from envmon.cli.judge import water_row
    from envmon.model import WaterClass

    lake, before, rule = report.now, report.before, standards.trophic()
    parts = [part for point in lake.entered for part in point.judged.parts]
    judged = water_row(lake.points[0].sites[0], lake.judgement, parts, lake.period.name, lang)
    old = None if before is None else before.trophic.total
    change = None if lake.trophic.total is None or old is None else lake.trophic.total - old
    kept = ("class", "class_name", "good", "main", "main_text", "status", "status_name", "basis", "edition", "item_set")
    return {
        "lake": lake.name,
        "areas": list(dict.fromkeys(site.area for point in lake.points for site in point.sites)),
        **span_row(lake.period),
        "points_entered": len(lake.entered),
        "points_count": len(lake.points),
        **{key: judged[key] for key in kept},
        "tn_class": None if lake.nitrogen is WaterClass.NONE else lake.nitrogen.name,
        "tn_class_name": word(lake.nitrogen, lang),
        "tli": _number(lake.trophic.total, rule.decimals),
        **level_row(lake, "level", lang),
        "missing": list(lake.trophic.missing),
        "method": rule.id,
        **before_row(before, lang),
        "tli_change": _number(change, rule.decimals),
        "parts": [part_row(one, lake, lang) for one in lake.trophic.parts],
        "points": [point_row(one, lang) for one in lake.points],
    }


def level_row(lake: Lake | None, key: str, lang: str) -> dict[str, Any]:
    """The trophic level, and its name as the document prints it."""
    level = None if lake is None else lake.trophic.level
    name = "–" if level is None else level.name if lang == "zh" else level.name_en
    return {key: None if level is None else level.id, f"{key}_name": name}


def before_row(before: Lake | None, lang: str) -> dict[str, Any]:
    """Class, index and level of the same period a year before."""
    from envmon import standards
    from envmon.model import WaterClass

    found = before.judgement.water_class if before and before.judgement else WaterClass.NONE
    return {
        "before_class": None if found is WaterClass.NONE else found.name,
        "before_class_name": word(found, lang),
        "before_tli": _number(before.trophic.total if before else None, standards.trophic().decimals),
        **level_row(before, "before_level", lang),
    }


def part_row(part: TrophicPart, lake: Lake, lang: str) -> dict[str, Any]:
    """One item of the trophic state: its mean, its own index, its weight, and the points that have a value of it."""
    from envmon import standards

    parameter, decimals = standards.parameters()[part.item], standards.trophic().decimals
    return {
        "item": part.item,
        "item_name": parameter.name if lang == "zh" else parameter.name_en,
        "unit": parameter.unit,
        "mean": _exact(part.mean, parameter.decimals),
        "index": _number(part.index, decimals),
        "weight": _exact(part.weight, 4),
        "points": sum(part.item in one.judged.means for one in lake.entered),
    }


def point_row(point: Point, lang: str) -> dict[str, Any]:
    """One sampling point, and why it did not enter when it did not."""
    from envmon.model import WaterClass

    found = point.judged.judgement.water_class if point.judged.judgement else WaterClass.NONE
    return {
        "name": point.name,
        "sites": [site.id for site in point.sites],
        "class": None if found is WaterClass.NONE else found.name,
        "readings": sum(part.readings for part in point.judged.parts),
        "reason": None if point.reason is None else point.reason.value,
        "reason_name": "" if point.reason is None else word(point.reason, lang),
    }


def lakes_text(found: list[dict[str, Any]], session: Session) -> str:
    """The lakes as a table; under it the parts of each index, or what is missing, and the points left out."""
    shown = []
    for row in found:
        before = "–" if row["before_tli"] is None else f"{row['before_tli']:.1f} ({row['tli_change'] or 0:+.1f})"
        if row["tli"] is None and row["before_tli"] is not None:
            before = f"{row['before_tli']:.1f}"
        name = row["class_name"] if row["class"] else row["status_name"]
        counted = f"{row['points_entered']}/{row['points_count']}"
        shown.append({**row, "counted": counted, "class_text": name, "before_text": before})
    keys = ("lake", "counted", "class_text", "main_text", "tli", "level_name", "before_text")
    lines = [table(shown, {key: session.say(f"cli.stats.lakes.head.{key}") for key in keys}, terminal())]
    for row in found:
        lines += lake_lines(row, session)
    return "\n".join(lines)


def lake_lines(row: dict[str, Any], session: Session) -> list[str]:
    say, lang = session.say, session.lang
    names = {part["item"]: part["item_name"] for part in row["parts"]}
    values = [f"{part['item_name']} {part['index']:.1f}" for part in row["parts"] if part["index"] is not None]
    lines = []
    if values:
        lines.append(say("cli.stats.lakes.parts", lake=row["lake"], parts=joined("comma", lang, values)))
    if row["tn_class"]:
        lines.append(say("cli.stats.lakes.nitrogen", lake=row["lake"], tn_class=row["tn_class_name"]))
    if row["missing"] and row["points_entered"]:
        missing = joined("and", lang, [names[item] for item in row["missing"]])
        lines.append(say("cli.stats.lakes.missing", lake=row["lake"], items=missing))
    few = [part["item_name"] for part in row["parts"] if 0 < part["points"] < row["points_entered"]]
    if few:
        lines.append(say("cli.stats.lakes.not_everywhere", lake=row["lake"], items=joined("and", lang, few)))
    for point in row["points"]:
        if point["reason"] is not None:
            said = {"lake": row["lake"], "point": point["name"], "reason": point["reason_name"]}
            lines.append(say("cli.stats.lakes.left_out", **said))
    return lines


# --- the city water quality index ---------------------------------------------------------------------------------


@click.command(help=t("cli.stats.cwqi.help", LANG), epilog=t("cli.stats.cwqi.example", LANG))
@period_option
@area_option
@click.option("--basis", metavar="BASIS", help=t("cli.option.basis", LANG))
@format_options
@click.pass_obj
def cwqi(session: Session, period: str | None, area: str, basis: str | None, form: str | None) -> None:
    from envmon.pipeline import city_water

    config, view = session.config(), view_of("by-date", basis, session.lang)
    with session.reading() as store:
        wanted, subject = period_of(period, store), area_of(area, config)
        subjects = [subject] if subject != "*" else ["*", *(one.id for one in config.areas)]
        reports = [city_water.report(store, config, one, wanted, now_of(store), view) for one in subjects]
    found = [city_row(one, config, session.lang) for one in reports if one is not None]
    if form == "json":
        click.echo(as_json(found))
    elif form == "csv":
        click.echo(as_csv([{**flat(row), **item} for row in found for item in row["items"]]))
    elif not found:
        click.echo(session.say("cli.stats.none", period=wanted.name))
    for number, row in enumerate(found if form is None else ()):
        click.echo("\n" * bool(number) + city_text(row, session))


def city_row(report: CityReport, config: Config, lang: str) -> dict[str, Any]:
    """One area's index as plain data with stable keys (docs/json.md)."""
    from envmon import standards
    from envmon.pipeline import rating

    now, before, rule = report.now, report.before, standards.city_index()
    rivers, lakes = (body_of(now, lake) for lake in (False, True))
    name = t("cli.stats.cwqi.bureau", lang) if now.area == "*" else rating.area_name(config, now.area)
    excluded = {reason.value: count for reason, count in now.excluded.items()}
    return {
        "area": now.area,
        "area_name": name,
        **span_row(now.period),
        "standard": [rule.id, now.edition],
        "basis": now.basis,
        "value": _number(now.index.total, rule.decimals),
        "complete": now.index.total is not None,
        **body_row("river", rivers, rule.decimals),
        **body_row("lake", lakes, rule.decimals),
        "before": _number(before.index.total if before else None, rule.decimals),
        "change": _number(report.change, rule.change_decimals),
        "excluded": excluded,
        "excluded_text": joined("comma", lang, [f"{word(r, lang)} {count}" for r, count in now.excluded.items()]),
        "items": [item_row(item, rivers, lakes, now, lang) for item in items_of(now)],
    }


def body_of(found: CityWater, lake: bool) -> BodyIndex | None:
    return next((one for one in found.index.bodies if one.lake is lake), None)


def items_of(found: CityWater) -> list[str]:
    """The items of the index, in the order of their set."""
    return [one.item for one in found.index.bodies[0].ratios] if found.index.bodies else []


def body_row(name: str, body: BodyIndex | None, decimals: int) -> dict[str, Any]:
    """Rivers or lakes: sections they rest on, those of them with every item, index, items without a value."""
    return {
        f"{name}_sections": body.sections if body else 0,
        f"{name}_whole": body.whole if body else 0,
        f"{name}_value": _exact(body.total if body else None, decimals),
        f"{name}_missing": list(body.missing) if body else [],
    }


def item_row(
    item: str, rivers: BodyIndex | None, lakes: BodyIndex | None, found: CityWater, lang: str
) -> dict[str, Any]:
    """One item: mean, ratio and sections of rivers and of lakes, its share of the index."""
    from envmon import standards

    parameter, rule = standards.parameters()[item], standards.city_index()
    row: dict[str, Any] = {
        "item": item,
        "item_name": parameter.name if lang == "zh" else parameter.name_en,
        "unit": parameter.unit,
    }
    for name, body in (("river", rivers), ("lake", lakes)):
        one: Ratio | None = next((ratio for ratio in body.ratios if ratio.item == item), None) if body else None
        row[f"{name}_mean"] = _exact(one.mean if one else None, parameter.decimals)
        row[f"{name}_ratio"] = _exact(one.ratio if one else None, rule.decimals)
        row[f"{name}_with_value"] = one.sections if one else 0
    row["share"] = _number(found.index.shares.get(item), rule.share_decimals)
    return row


def city_text(row: dict[str, Any], session: Session) -> str:
    """An area for the terminal: the index or what it lacks, rivers and lakes, a table of the items."""
    say, lang = session.say, session.lang
    head = say("cli.stats.cwqi.head", name=row["area_name"], first=row["from"], last=row["to"])
    lines = [click.style(head, bold=True), joined("comma", lang, row["standard"])]
    names = {item["item"]: item["item_name"] for item in row["items"]}
    if row["complete"]:
        lines.append(say("cli.stats.cwqi.value", value=f"{row['value']:.4f}"))
        if row["change"] is not None:
            lines[-1] += say("cli.stats.cwqi.change", before=f"{row['before']:.4f}", change=f"{row['change']:+.2f}")
    else:
        lines.append(say("cli.stats.cwqi.no_section" if not row["items"] else "cli.stats.cwqi.incomplete"))
    for body in ("river", "lake"):
        if not row[f"{body}_sections"]:
            continue
        value = row[f"{body}_value"]
        shown = say("cli.stats.cwqi.open") if value is None else f"{value:.4f}"
        lines.append(say(f"cli.stats.cwqi.{body}", sections=row[f"{body}_sections"], value=shown))
        if value is not None and row[f"{body}_whole"] < row[f"{body}_sections"]:
            lines[-1] += say("cli.stats.cwqi.not_whole", count=row[f"{body}_sections"] - row[f"{body}_whole"])
        if row[f"{body}_missing"]:
            missing = joined("and", lang, [names[item] for item in row[f"{body}_missing"]])
            lines.append(say("cli.stats.cwqi.missing", items=missing))
    if row["excluded_text"]:
        lines.append(say("cli.stats.cwqi.excluded", excluded=row["excluded_text"]))
    if row["items"]:
        bodies = [body for body in ("river", "lake") if row[f"{body}_sections"]]
        own = [f"{body}_{key}" for body in bodies for key in ("mean", "ratio", "with_value")]
        keys = ("item_name", *own, *(("share",) if row["complete"] else ()))
        rows = [{**item, **item_texts(item)} for item in row["items"]]
        lines.append(table(rows, {key: say(f"cli.stats.cwqi.head.{key}") for key in keys}, terminal()))
    return "\n".join(lines)


def item_texts(item: dict[str, Any]) -> dict[str, str]:
    """Means and ratios of an item as people write them: never 2e-05, ratios in all their decimals."""
    from envmon import standards
    from envmon.rounding import plain

    decimals, places = standards.parameters()[item["item"]].decimals, standards.city_index().decimals
    found = {}
    for body in ("river", "lake"):
        mean, ratio = item[f"{body}_mean"], item[f"{body}_ratio"]
        found[f"{body}_mean"] = "–" if mean is None else plain(round(mean * 10**decimals), decimals)
        found[f"{body}_ratio"] = "–" if ratio is None else f"{ratio:.{places}f}"
    return found


def _number(steps: int | None, decimals: int) -> float | None:
    """Whole steps of 10^-decimals as a number for people and JSON."""
    from envmon.rounding import printed

    return None if steps is None else float(printed(steps, decimals))


def _exact(value: Fraction | None, decimals: int) -> float | None:
    """An exact figure, rounded for people and JSON."""
    from envmon.rounding import rounded

    return None if value is None else _number(rounded(value, decimals), decimals)
