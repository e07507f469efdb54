"""`envmon assess`: the judgements of any period that the rates are counted from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.asked import area_of, area_option, known, period_of, period_option, view_of, view_options
from envmon.cli.output import format_options, show
from envmon.texts import joined, t, word

if TYPE_CHECKING:
    from envmon.model import AirDay, Config, Exceeded, Site, View, WaterClass, WaterJudgement, WaterPeriod
    from envmon.periods import Period
    from envmon.store import Store

LANG = language()


@click.group(help=t("cli.assess.help", LANG), epilog=t("cli.assess.example", LANG))
def assess() -> None:
    pass


@assess.command(help=t("cli.assess.air.help", LANG), epilog=t("cli.assess.air.example", LANG))
@period_option
@area_option
@click.option("--site", "sites", multiple=True, help=t("cli.option.site", LANG))
@view_options
@format_options
@click.pass_obj
def air(
    session: Session,
    period: str | None,
    area: str,
    sites: tuple[str, ...],
    edition: str,
    basis: str | None,
    form: str | None,
) -> None:
    from envmon.pipeline import rating, why_not

    config, view = session.config(), view_of(edition, basis, session.lang)
    with session.reading() as store:
        wanted, subject = period_of(period, store), area_of(area, config)
        names = {one.id: one.name for one in config.areas} | {one.id: one.name for one in config.sites}
        subjects = list(sites) or [one.id for one in config.areas if subject in ("*", one.id)]
        rows = []
        for one in subjects:
            known(one, store, session.lang)
            days = rating.days_of(store, config, one, wanted, view)
            for day in days:
                reasons = why_not.of_day(store, config, one, day, view, session.lang)
                rows.append(with_reasons(air_row(day, one, names[one], session.lang), reasons, session.lang))
    values = ("pm25", "pm10", "so2", "no2", "co", "o3")
    keys = ("date", "name", "aqi", "level_name", "primary_names", *values, "status_text")
    rows = rows if form else [marked(row) for row in rows]
    show(rows, form, {key: session.say(f"cli.assess.head.{key}") for key in keys}, session.say("cli.assess.none"))


def marked(row: dict[str, Any]) -> dict[str, Any]:
    """A day as HJ 633-2026 prints it (notes of tables 4 and 5): NA for what is missing, / for what is not monitored.

    An index that may not be published is NA as well.
    """
    from envmon.model import POLLUTANTS

    marks = {item: "NA" if item in row["missing"] else "/" for item in POLLUTANTS if row[item] is None}
    return {**row, **marks, **({"aqi": "NA", "level_name": ""} if row["aqi"] is None else {})}


def with_reasons(row: dict[str, Any], reasons: Sequence[str], lang: str, note: str = "") -> dict[str, Any]:
    """A row with why its judgement is not valid, and with its status as a table shows it: the first reason beside it.

    note : what is to be said of a judgement that is valid.
    """
    status, why = row["status_name"], reasons[0] if reasons else note
    if len(reasons) > 1:
        why = t("cli.assess.more_reasons", lang, why=why, count=len(reasons))
    text = status if why in ("", status) else t("cli.assess.status", lang, status=status, why=why)
    return {**row, "why_not_valid": list(reasons), "status_text": text}


def air_row(day: AirDay, subject: str, name: str, lang: str) -> dict[str, Any]:
    """One judged day; concentrations in the edition's decimals, None where not valid."""
    from envmon import periods, standards
    from envmon.assess.air import published
    from envmon.model import POLLUTANTS
    from envmon.rounding import printed

    edition = standards.index_edition(day.edition)
    decimals = [edition.columns[edition.daily[name]].decimals for name in POLLUTANTS]
    values = [
        None if value < 0 else (int(value) if not places else float(printed(value, places)))
        for value, places in zip(day.value, decimals, strict=True)
    ]
    primary = [pollutant for bit, pollutant in enumerate(POLLUTANTS) if day.primary >> bit & 1]
    missing = [pollutant for bit, pollutant in enumerate(POLLUTANTS) if day.missing >> bit & 1]
    index = published(day.aqi, day.missing, edition)
    level = 0 if index is None else day.level
    return {
        "date": periods.calendar(day.day).isoformat(),
        "subject": subject,
        "name": name,
        "aqi": index,
        "level": level or None,
        "level_name": t(f"level.{level}", lang),
        "primary": primary,
        "primary_names": joined("and", lang, [t(f"daily_item.{one}", lang) for one in primary]),
        **dict(zip(POLLUTANTS, values, strict=True)),
        **{f"iaqi_{p}": None if i < 0 else i for p, i in zip(POLLUTANTS, day.iaqi, strict=True)},
        **{f"hours_{p}": h for p, h in zip(POLLUTANTS, day.hours, strict=True)},
        "o3_windows": day.windows,
        "missing": missing,
        "status": day.status.name.lower(),
        "status_name": word(day.status, lang),
        "stations": day.stations or None,
        "edition": day.edition,
    }


@assess.command("flips", help=t("cli.assess.flips.help", LANG), epilog=t("cli.assess.flips.example", LANG))
@period_option
@area_option
@click.option("--margin", type=click.IntRange(0, 100), help=t("cli.assess.flips.margin", LANG))
@view_options
@format_options
@click.pass_obj
def flips_command(
    session: Session,
    period: str | None,
    area: str,
    margin: int | None,
    edition: str,
    basis: str | None,
    form: str | None,
) -> None:
    from envmon.pipeline import comparing

    config, view = session.config(), view_of(edition, basis, session.lang)
    with session.reading() as store:
        wanted, subject = period_of(period, store), area_of(area, config)
        near = config.assessment.margin if margin is None else margin
        found = comparing.may_flip(store, config, subject, wanted, near, view)
    rows = []
    for one in found:
        reasons = [{"kind": r.kind, "item": r.item or None, "size": r.size} for r in one.reasons]
        told = comparing.reasons_text(one.reasons, session.lang)
        rows.append({**air_row(one.day, one.subject, one.name, session.lang), "reasons": reasons, "reason_text": told})
    keys = ("date", "name", "aqi", "level_name", "status_name", "reason_text")
    empty = session.say("cli.assess.flips.none", period=wanted.name, margin=near)
    show(rows, form, {key: session.say(f"cli.assess.head.{key}") for key in keys}, empty)


@assess.command(help=t("cli.assess.water.help", LANG), epilog=t("cli.assess.water.example", LANG))
@period_option
@area_option
@click.option("--by", type=click.Choice(["period", "month", "day"]), default="period", help=t("cli.assess.by", LANG))
@click.option("--basis", metavar="BASIS", help=t("cli.option.basis", LANG))
@format_options
@click.pass_obj
def water(session: Session, period: str | None, area: str, by: str, basis: str | None, form: str | None) -> None:
    show_waters(session, "section", period, area, by, view_of("by-date", basis, session.lang), form)


@assess.command(help=t("cli.assess.sources.help", LANG), epilog=t("cli.assess.sources.example", LANG))
@period_option
@area_option
@click.option("--by", type=click.Choice(["period", "month", "day"]), default="period", help=t("cli.assess.by", LANG))
@click.option("--basis", metavar="BASIS", help=t("cli.option.basis", LANG))
@format_options
@click.pass_obj
def sources(session: Session, period: str | None, area: str, by: str, basis: str | None, form: str | None) -> None:
    show_waters(session, "source", period, area, by, view_of("by-date", basis, session.lang), form)


def show_waters(
    session: Session, kind: str, period: str | None, area: str, by: str, view: View, form: str | None
) -> None:
    """Sections or sources over a period: one row each, or one for each of its months or days."""
    config = session.config()
    with session.reading() as store:
        wanted, subject = period_of(period, store), area_of(area, config)
        rows = list(water_rows(store, config, kind, subject, wanted, by, view, session.lang))
    verdict = "level_name" if kind == "section" else "good"
    keys = ("period", "name", "class_name", "target_name", verdict, "main_text", "basis_name", "status_text")
    heads = {key: session.say(f"cli.assess.head.{key}") for key in keys}
    if verdict == "level_name":
        heads[verdict] = session.say("water_levels.head.level")
    show(rows, form, heads, session.say("cli.assess.none"))


def water_rows(
    store: Store, config: Config, kind: str, area: str, period: Period, by: str, view: View, lang: str
) -> Iterator[dict[str, Any]]:
    """Judgements as plain rows."""
    from envmon import periods
    from envmon.model import Kind
    from envmon.pipeline import rating, why_not

    if by == "period":
        for found in rating.judged_sites(store, config, Kind(kind), area, period, view):
            row = water_row(found.site, found.judgement, found.parts, period.name, lang)
            reasons = why_not.of_water(config, found.judgement, found.parts, period, lang)
            yield with_reasons(row, reasons, lang, why_not.too_coarse(found.judgement, lang))
        return
    sites = {store.site_numbers[s.id]: s for s in config.sites if s.kind == kind and area in ("*", s.area)}
    for one in rating.parts_of(store, config, sites, by, period):
        if view.basis in (None, one.basis):
            name = periods.calendar(one.first).isoformat()[: 7 if by == "month" else 10]
            row = water_row(sites[one.site], one.judgement, [one], name, lang)
            reasons = why_not.of_water(config, one.judgement, [one], periods.between(one.first, one.last), lang)
            yield with_reasons(row, reasons, lang, why_not.too_coarse(one.judgement, lang))


def water_row(
    site: Site, judgement: WaterJudgement | None, parts: Sequence[WaterPeriod], period: str, lang: str
) -> dict[str, Any]:
    """One judgement of a section or source, and the kinds of data and number of readings it rests on."""
    from envmon.model import Kind, Status, WaterClass

    found = judgement.water_class if judgement else WaterClass.NONE
    main, text = main_rows(judgement.main if judgement else (), lang)
    status = judgement.status if judgement else Status.MISSING
    bases = sorted({part.basis for part in parts})
    return {
        "period": period,
        "site": site.id,
        "name": site.name,
        "class": None if found is WaterClass.NONE else found.name,
        "class_name": word(found, lang),
        **(level_row(found, lang) if site.kind is Kind.SECTION else {}),
        "target": site.target_class.name,
        "target_name": word(site.target_class, lang),
        "good": judgement.good if judgement and status is Status.VALID else None,
        "main": main,
        "main_text": text,
        "missing": list(judgement.missing) if judgement else [],
        "not_judgeable": list(judgement.not_judgeable) if judgement else [],
        "basis": "+".join(basis.name.lower() for basis in bases) or None,
        "basis_name": joined("and", lang, [word(basis, lang) for basis in bases]) or "–",
        "readings": sum(part.readings for part in parts),
        "counted": site.counted,
        "status": status.name.lower(),
        "status_name": word(status, lang),
        "edition": judgement.edition if judgement else None,
        "item_set": judgement.item_set if judgement else None,
    }


def main_rows(main: Sequence[Exceeded], lang: str) -> tuple[list[dict[str, Any]], str]:
    """Main indicators as plain rows, and in words: each with its times over the limit."""
    from envmon import standards
    from envmon.rounding import printed

    names = standards.parameters()
    rows, text = [], []
    for one in main:
        times = None if one.multiple is None else printed(one.multiple, 1)
        name = names[one.item].name if lang == "zh" else names[one.item].name_en
        text.append(t("cli.assess.over", lang, name=name, times=times) if times else name)
        multiple = None if times is None else float(times)
        rows.append({"item": one.item, "class": one.water_class.name, "multiple": multiple})
    return rows, joined("comma", lang, text)


def level_row(found: WaterClass, lang: str) -> dict[str, Any]:
    """The level of one section by its class."""
    from envmon import standards
    from envmon.assess.water_levels import level_of
    from envmon.model import WaterLevel

    level = level_of(found, standards.water_levels())
    return {"level": None if level is WaterLevel.NONE else level.name.lower(), "level_name": word(level, lang)}
