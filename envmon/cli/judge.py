"""`envmon rates` and `envmon assess`: compliance rates of any period, and the judgements they are counted from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.output import format_options, show
from envmon.texts import joined, t, word

if TYPE_CHECKING:
    from envmon.model import AirDay, Config, Outlook, Rate, Site, WaterJudgement, WaterPeriod
    from envmon.periods import Period
    from envmon.store import Store

LANG = language()


def now_of(store: Store) -> int:
    """The minute it is: of a recorded demo the last one it lived through."""
    beat = store.last_beat()
    return beat if store.meta("demo") and beat is not None else int(time.time() // 60)


def period_of(text: str | None, store: Store) -> Period:
    """The period asked for; by default the year of yesterday."""
    from envmon import periods

    return periods.parse(text) if text else periods.year_of(periods.today(now_of(store)) - 1)


def area_of(area: str, config: Config) -> str:
    """An area by id or name, or "*"."""
    from difflib import get_close_matches

    from envmon.errors import UsageError

    names = {one.name: one.id for one in config.areas} | {one.id: one.id for one in config.areas} | {"*": "*"}
    if area not in names:
        close = get_close_matches(area, names, 1)
        hint = t("cli.did_you_mean", config.language, word=close[0]) if close else ", ".join(names)
        raise UsageError(t("cli.unknown_area", config.language, area=area, hint=hint))
    return names[area]


@click.command(help=t("cli.rates.help", LANG), epilog=t("cli.rates.example", LANG))
@click.option("--period", metavar="PERIOD", help=t("cli.option.period", LANG))
@click.option("--area", default="*", show_default=True, help=t("cli.option.area", LANG))
@click.option("--standard", "edition", default="by-date", show_default=True, help=t("cli.rates.standard", LANG))
@format_options
@click.pass_obj
def rates(session: Session, period: str | None, area: str, edition: str, form: str | None) -> None:
    from envmon.model import RateName
    from envmon.pipeline import rating

    config = session.config()
    with session.reading() as store:
        now, wanted = now_of(store), period_of(period, store)
        subject = area_of(area, config)
        subjects = [subject] if subject != "*" else ["*", *(one.id for one in config.areas)]
        rows = []
        for one in subjects:
            for name in RateName:
                found = rating.rate(store, config, name, one, wanted, now, edition)
                outlook = rating.matching(store, config, found, wanted, now, edition)
                if found.denominator or found.excluded:
                    rows.append(rate_row(found, outlook, config, session.lang))
    heads = {
        key: session.say(f"cli.rates.head.{key}")
        for key in ("rate_name", "percent", "counted", "excluded_text", "required_text", "gap", "allowed")
    }
    if form or not rows:
        show(rows, form, heads, session.say("cli.rates.none", period=wanted.name))
        return
    for number, name_of_area in enumerate(dict.fromkeys(row["area_name"] for row in rows)):
        click.echo("\n" * bool(number) + click.style(f"{name_of_area} {wanted.name}", bold=True))
        show([row for row in rows if row["area_name"] == name_of_area], form, heads, "")


def rate_row(rate: Rate, outlook: Outlook | None, config: Config, lang: str) -> dict[str, Any]:
    """One rate with everything behind it, and its target when there is one."""
    from envmon import periods
    from envmon.pipeline import rating
    from envmon.pipeline.board import number, required_text

    names = {one.id: one.name for one in config.areas} | {"*": t("bureau.whole", lang)}
    excluded = [t("board.excluded", lang, reason=word(e.reason, lang), count=e.count) for e in rate.excluded]
    days, required = (outlook.target.days, outlook.required) if outlook else (None, None)
    return {
        "rate": rate.name.value,
        "rate_name": word(rate.name, lang),
        "area": rate.subject,
        "area_name": names[rate.subject],
        "period": rate.period.name,
        "from": periods.calendar(rate.period.first).isoformat(),
        "to": periods.calendar(rate.period.last).isoformat(),
        "percent": number(rate.tenths),
        "numerator": rate.numerator,
        "denominator": rate.denominator,
        "counted": rating.counted(rate, lang),
        "excluded": {e.reason.value: e.count for e in rate.excluded},
        "excluded_text": joined("comma", lang, excluded),
        "editions": list(rate.editions),
        "basis": rate.basis,
        "target": outlook and outlook.target.id,
        "required": None if days is not None else number(required),
        "required_days": days,
        "required_text": required_text(required, days, lang),
        "gap": number(outlook.gap) if outlook else None,
        "allowed": outlook and outlook.allowed,
        "prospect": outlook and outlook.prospect.value,
    }


@click.group(help=t("cli.assess.help", LANG), epilog=t("cli.assess.example", LANG))
def assess() -> None:
    pass


@assess.command(help=t("cli.assess.air.help", LANG), epilog=t("cli.assess.air.example", LANG))
@click.option("--period", metavar="PERIOD", help=t("cli.option.period", LANG))
@click.option("--area", default="*", show_default=True, help=t("cli.option.area", LANG))
@click.option("--site", "sites", multiple=True, help=t("cli.option.site", LANG))
@click.option("--standard", "edition", default="by-date", show_default=True, help=t("cli.rates.standard", LANG))
@format_options
@click.pass_obj
def air(
    session: Session, period: str | None, area: str, sites: tuple[str, ...], edition: str, form: str | None
) -> None:
    from envmon.pipeline import rating

    config = session.config()
    with session.reading() as store:
        wanted, subject = period_of(period, store), area_of(area, config)
        names = {one.id: one.name for one in config.areas} | {one.id: one.name for one in config.sites}
        subjects = list(sites) or [one.id for one in config.areas if subject in ("*", one.id)]
        rows = []
        for one in subjects:
            known(one, store, session.lang)
            days = rating.days_of(store, config, one, wanted, edition)
            rows += [air_row(day, one, names[one], session.lang) for day in days]
    values = ("pm25", "pm10", "so2", "no2", "co", "o3")
    keys = ("date", "name", "aqi", "level_name", "primary_names", *values, "status_name")
    show(rows, form, {key: session.say(f"cli.assess.head.{key}") for key in keys}, session.say("cli.assess.none"))


def known(site: str, store: Store, lang: str) -> None:
    """Raises UsageError for a site that is not registered."""
    from difflib import get_close_matches

    from envmon.errors import UsageError

    if site not in store.site_numbers:
        close = get_close_matches(site, store.site_numbers, 1)
        hint = t("cli.did_you_mean", lang, word=close[0]) if close else t("cli.see_sites", lang)
        raise UsageError(t("cli.unknown_site", lang, site=site, hint=hint))


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
    return {
        "date": periods.calendar(day.day).isoformat(),
        "subject": subject,
        "name": name,
        "aqi": published(day.aqi, day.missing, edition),
        "level": day.level or None,
        "level_name": t(f"level.{day.level}", lang),
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


@assess.command(help=t("cli.assess.water.help", LANG), epilog=t("cli.assess.water.example", LANG))
@click.option("--period", metavar="PERIOD", help=t("cli.option.period", LANG))
@click.option("--area", default="*", show_default=True, help=t("cli.option.area", LANG))
@click.option("--by", type=click.Choice(["period", "month", "day"]), default="period", help=t("cli.assess.by", LANG))
@format_options
@click.pass_obj
def water(session: Session, period: str | None, area: str, by: str, form: str | None) -> None:
    show_waters(session, "section", period, area, by, form)


@assess.command(help=t("cli.assess.sources.help", LANG), epilog=t("cli.assess.sources.example", LANG))
@click.option("--period", metavar="PERIOD", help=t("cli.option.period", LANG))
@click.option("--area", default="*", show_default=True, help=t("cli.option.area", LANG))
@click.option("--by", type=click.Choice(["period", "month", "day"]), default="period", help=t("cli.assess.by", LANG))
@format_options
@click.pass_obj
def sources(session: Session, period: str | None, area: str, by: str, form: str | None) -> None:
    show_waters(session, "source", period, area, by, form)


def show_waters(session: Session, kind: str, period: str | None, area: str, by: str, form: str | None) -> None:
    """Sections or sources over a period: one row each, or one for each of its months or days."""
    config = session.config()
    with session.reading() as store:
        wanted, subject = period_of(period, store), area_of(area, config)
        rows = list(water_rows(store, config, kind, subject, wanted, by, session.lang))
    keys = ("period", "name", "class_name", "target_name", "good", "main_text", "basis_name", "status_name")
    show(rows, form, {key: session.say(f"cli.assess.head.{key}") for key in keys}, session.say("cli.assess.none"))


def water_rows(
    store: Store, config: Config, kind: str, area: str, period: Period, by: str, lang: str
) -> Iterator[dict[str, Any]]:
    """Judgements as plain rows."""
    from envmon import periods
    from envmon.model import Kind
    from envmon.pipeline import rating

    if by == "period":
        for found in rating.judged_sites(store, config, Kind(kind), area, period):
            yield water_row(found.site, found.judgement, found.parts, period.name, lang)
        return
    sites = {store.site_numbers[s.id]: s for s in config.sites if s.kind == kind and area in ("*", s.area)}
    for one in store.water(list(sites), by, period.first, period.last):
        name = periods.calendar(one.first).isoformat()[: 7 if by == "month" else 10]
        yield water_row(sites[one.site], one.judgement, [one], name, lang)


def water_row(
    site: Site, judgement: WaterJudgement | None, parts: Sequence[WaterPeriod], period: str, lang: str
) -> dict[str, Any]:
    """One judgement of a section or source, and the kinds of data and number of readings it rests on."""
    from envmon import standards
    from envmon.model import Status, WaterClass
    from envmon.rounding import printed

    names = standards.parameters()
    found = judgement.water_class if judgement else WaterClass.NONE
    main, text = [], []
    for one_main in judgement.main if judgement else ():
        times = None if one_main.multiple is None else printed(one_main.multiple, 1)
        name = names[one_main.item].name if lang == "zh" else names[one_main.item].name_en
        text.append(t("cli.assess.over", lang, name=name, times=times) if times else name)
        multiple = None if times is None else float(times)
        main.append({"item": one_main.item, "class": one_main.water_class.name, "multiple": multiple})
    status = judgement.status if judgement else Status.MISSING
    bases = sorted({part.basis for part in parts})
    return {
        "period": period,
        "site": site.id,
        "name": site.name,
        "class": None if found is WaterClass.NONE else found.name,
        "class_name": word(found, lang),
        "target": site.target_class.name,
        "target_name": word(site.target_class, lang),
        "good": judgement.good if judgement and status is Status.VALID else None,
        "main": main,
        "main_text": joined("comma", lang, text),
        "missing": list(judgement.missing) if judgement else [],
        "basis": "+".join(basis.name.lower() for basis in bases) or None,
        "basis_name": joined("and", lang, [word(basis, lang) for basis in bases]) or "–",
        "readings": sum(part.readings for part in parts),
        "counted": site.counted,
        "status": status.name.lower(),
        "status_name": word(status, lang),
        "edition": judgement.edition if judgement else None,
        "item_set": judgement.item_set if judgement else None,
    }
