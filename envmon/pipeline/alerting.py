"""Alert and tell: findings of what was just judged, changes to incidents, notices into the outbox, then out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from envmon import alerts, periods, standards, wording
from envmon.assess import air
from envmon.errors import ChannelRefused
from envmon.model import (
    POLLUTANTS,
    Config,
    Event,
    Finding,
    IncidentState,
    Kind,
    Level,
    Message,
    Outlook,
    Rule,
    RuleKind,
    Site,
    WaterPeriod,
)
from envmon.notify import CHANNELS
from envmon.pipeline import judge_air, judge_water
from envmon.store import Store
from envmon.texts import t

LOG = logging.getLogger("envmon.alert")

PERIODS = {Kind.CITY: 60, Kind.STATION: 60, Kind.SECTION: 240}
"""Minutes from one reading to the next, by kind of site; sources are sampled by plan, not by the hour."""


def alert(
    store: Store,
    config: Config,
    days: Iterable[tuple[int, int]],
    waters: Sequence[WaterPeriod],
    outlooks: Sequence[Outlook],
    now: int,
) -> list[Event]:
    """Decide on what was judged (air days, waters) and on how things stand now; writes incidents and notices."""
    findings = [
        *air_findings(store, config, days),
        *hour_findings(store, config, now),
        *water_findings(store, config, waters),
        *(f for rule in rules_of(config, RuleKind.TARGET) for f in alerts.target(rule, chosen(rule, outlooks), now)),
        *silence_findings(store, config, now),
        *service_findings(store, config, now),
    ]
    rules = {rule.id: rule for rule in config.rules}
    times = [finding.at for finding in findings]
    over = store.incidents(min(times), max(*times, now)) if times else []
    # Every open one, also one about a day that is not over: its minute lies ahead of what was found now.
    known = [*store.open_incidents(), *(one for one in over if one.state is IncidentState.RESOLVED)]
    decision = alerts.evaluate(findings, known, rules, now)
    events = store.apply(decision.events, [channel.id for channel in config.channels])
    store.refresh(decision.quiet)
    return events


def rules_of(config: Config, kind: RuleKind) -> list[Rule]:
    return [rule for rule in config.rules if rule.kind is kind]


def watched(rule: Rule, subject: str) -> bool:
    return not rule.sites or subject in rule.sites


def chosen(rule: Rule, outlooks: Sequence[Outlook]) -> list[Outlook]:
    return [one for one in outlooks if watched(rule, one.target.id)]


def levels() -> Sequence[Level]:
    """The levels of the index; all editions have the same."""
    return standards.index_edition("HJ 633-2026").levels


def air_findings(store: Store, config: Config, judged: Iterable[tuple[int, int]]) -> Iterator[Finding]:
    """Days of areas, and of stations that a rule names, from the first that was just judged to the latest."""
    since: dict[int, int] = {}
    for day, number in judged:
        since[number] = min(day, since.get(number, day))
    names = {store.site_numbers[area.id]: area.id for area in config.areas}
    names |= {store.site_numbers[site.id]: site.id for site in config.sites}
    areas = {area.id for area in config.areas}
    for rule in rules_of(config, RuleKind.DAILY_AQI):
        for number, first in since.items():
            subject = names.get(number, "")
            if subject in (rule.sites or areas):
                yield from alerts.daily_aqi(rule, subject, store.air_days(number, first, periods.LAST_DAY), levels())


def hour_findings(store: Store, config: Config, now: int) -> Iterator[Finding]:
    """The hourly index of the last hours of every air site, up to yesterday's start."""
    sites = [site for site in config.sites if site.kind in (Kind.CITY, Kind.STATION)]
    found = rules_of(config, RuleKind.HOURLY_AQI)
    if not sites or not found:
        return
    today = periods.today(now)
    numbers = [store.site_numbers[site.id] for site in sites]
    _, usable = judge_air.checked_hours(store, config, numbers, today - 1, today, save=False)
    edition = standards.air(today).index
    index = air.hourly(usable, edition, judge_air.STORED).aqi
    endings = [periods.hour_ending(today - 1, hour) for hour in range(1, 49)]
    past = [i for i, ending in enumerate(endings) if ending <= now]
    for rule in found:
        for column, site in enumerate(sites):
            if watched(rule, site.id):
                yield from alerts.hourly_aqi(
                    rule, site.id, [endings[i] for i in past], index[past, column], edition.levels
                )


def water_findings(store: Store, config: Config, judged: Sequence[WaterPeriod]) -> Iterator[Finding]:
    """Days of sections and rounds of sources, from the first that was just judged to the latest."""
    sites = {store.site_numbers[site.id]: site for site in config.sites}
    since: dict[int, int] = {}
    for one in judged:
        since[one.site] = min(one.first, since.get(one.site, one.first))
    for number, first in since.items():
        site = sites[number]
        if not site.counted:
            continue
        by_day: dict[int, list[WaterPeriod]] = {}
        for one in store.water([number], "day", first, periods.LAST_DAY):
            by_day.setdefault(one.first, []).append(one)
        own = [found for day in by_day.values() if (found := judge_water.in_force(day)) is not None]
        kind = RuleKind.SOURCE_COMPLIANCE if site.kind is Kind.SOURCE else RuleKind.SECTION_CLASS
        for rule in rules_of(config, kind):
            if watched(rule, site.id):
                finder = alerts.source_compliance if site.kind is Kind.SOURCE else alerts.section_class
                yield from finder(rule, site, own)


def silence_findings(store: Store, config: Config, now: int) -> Iterator[Finding]:
    """Sites that have not been heard of for longer than their period and the rule's grace."""
    latest, since = store.latest(), store.first_beat()
    for rule in rules_of(config, RuleKind.SILENCE):
        for site in config.sites:
            if watched(rule, site.id) and expected(site):
                last = latest.get(store.site_numbers[site.id])
                yield from alerts.silence(rule, site.id, last, now if since is None else since, PERIODS[site.kind], now)


def expected(site: Site) -> bool:
    """Whether a site reports by itself at a steady pace; hand-sampled sections and sources do not."""
    return site.kind in PERIODS and site.attributes.get("sampling") != "manual"


def service_findings(store: Store, config: Config, now: int) -> Iterator[Finding]:
    """Sources whose pulls fail, or answer again."""
    failing = {row["job"]: row for row in store.failing()}
    for rule in rules_of(config, RuleKind.SERVICE):
        for source in config.sources:
            if watched(rule, source.id):
                row = failing.get(f"pull {source.id}", {"tries": 0, "error": ""})
                yield from alerts.service(rule, source.id, row["tries"], row["error"], now)


def tell(store: Store, config: Config, now: int) -> int:
    """Send what waits in the outbox; returns how many were accepted. A channel that fails is tried at the next beat."""
    names = names_of(config)
    rules = {rule.id: rule for rule in config.rules}
    channels = {channel.id: channel for channel in config.channels}
    sent = 0
    for notice in store.pending_notices():
        incident = notice.event.incident
        channel, rule = channels.get(notice.channel), rules.get(incident.rule)
        if channel is None or rule is None:
            store.notice_failed(notice, now, "the channel or the rule is no longer in the config", for_good=True)
            continue
        name = names.get(incident.subject, incident.subject)
        title, text = wording.message(notice.event, rule, name, item_names(config.language), config.language)
        message = Message(
            id=f"{incident.id}-{notice.event_id}",
            at=periods.clock(notice.event.at),
            change=notice.event.change,
            rule=incident.rule,
            subject=incident.subject,
            severity=incident.severity,
            title=title,
            text=text,
            facts=incident.facts,
        )
        try:
            CHANNELS[channel.kind](message, channel, config.paths)
        except ChannelRefused as error:
            store.notice_failed(notice, now, str(error), for_good=True)
        except OSError as error:
            store.notice_failed(notice, now, str(error), for_good=False)
        else:
            store.notice_sent(notice, now)
            sent += 1
    return sent


def names_of(config: Config) -> dict[str, str]:
    """Names of everything an incident can be about."""
    names = {area.id: area.name for area in config.areas} | {site.id: site.name for site in config.sites}
    names |= {source.id: source.id for source in config.sources}
    areas = {area.id: area.name for area in config.areas} | {"*": t("bureau.whole", config.language)}
    return names | {target.id: areas[target.area] for target in config.targets}


def item_names(lang: str) -> dict[str, str]:
    """Names of items as people know them."""
    found = {p.id: p.name if lang == "zh" else p.name_en for p in standards.parameters().values()}
    return found | {name: t(f"pollutant.{name}", lang) for name in POLLUTANTS}
