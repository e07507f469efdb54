"""Alert and tell: findings of what was just judged, changes to incidents, notices into the outbox, then out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from envmon import alerts, periods, standards, wording
from envmon.errors import ChannelRefused
from envmon.model import (
    POLLUTANTS,
    Change,
    Config,
    Event,
    Finding,
    IncidentState,
    Kind,
    Message,
    Outlook,
    Rule,
    RuleKind,
    Site,
    WaterPeriod,
)
from envmon.notify import CHANNELS
from envmon.pipeline import judge_air, judge_water, planning
from envmon.store import Store
from envmon.texts import t

LOG = logging.getLogger("envmon.alert")

AIR = (Kind.CITY, Kind.STATION)

PERIODS = {Kind.CITY: 60, Kind.STATION: 60, Kind.SECTION: 240}
"""Minutes from one reading to the next, by kind of site; sources are sampled by plan, not by the hour."""

AFTERMATH = 31 * periods.DAY
"""How long a target is followed after its period: the last samples of a year come in January."""


def alert_judged(
    store: Store, config: Config, days: Sequence[tuple[int, int]], waters: Sequence[WaterPeriod], now: int
) -> list[Event]:
    """Decide on what was just judged: (day, site number) pairs of air, judgements of water."""
    found = [*air_findings(store, config, days), *hour_findings(store, config, days)]
    if waters:
        found += water_findings(store, config, waters, now)
    return decide(store, config, found, now)


def alert_targets(store: Store, config: Config, outlooks: Sequence[Outlook], now: int) -> list[Event]:
    """Decide on where the targets stand."""
    standing = {one.target.id: one for one in outlooks}
    found: list[Finding] = []
    for rule in rules_of(config, RuleKind.TARGET):
        followed = [standing[subject] for subject in subjects(config, rule, now) if subject in standing]
        found += alerts.target(rule, followed, now)
    return decide(store, config, found, now)


def alert_watched(store: Store, config: Config, now: int) -> list[Event]:
    """Decide on what nothing was judged for: the last hours, open incidents, who is silent, what fails or is late."""
    today = periods.today(now)
    air_sites = [store.site_numbers[one.id] for one in config.sites if one.kind in AIR]
    hours = hour_findings(store, config, [(today, number) for number in air_sites])
    found = [
        *(one for one in hours if one.at <= now),
        *water_findings(store, config, [], now),
        *silence_findings(store, config, now),
        *service_findings(store, config, now),
        *sampling_findings(store, config, now),
    ]
    return decide(store, config, found, now)


def decide(store: Store, config: Config, findings: Sequence[Finding], now: int) -> list[Event]:
    """Let findings change incidents; writes what happened, and the notices about it."""
    rules = {rule.id: rule for rule in config.rules}
    times = [finding.at for finding in findings]
    over = store.incidents(min(times), max(*times, now)) if times else []
    # Every open one, also one about a day that is not over: its minute lies ahead of what was found now.
    known = [*store.open_incidents(), *(one for one in over if one.state is IncidentState.RESOLVED)]
    decision = alerts.evaluate(findings, known, rules, now)
    events = store.apply(decision.events, [channel.id for channel in config.channels])
    store.refresh(decision.quiet)
    return events


def retire(store: Store, config: Config, now: int) -> None:
    """Close open incidents that nothing can follow any more; nobody is told, they say why.

    Their rule or subject has left the config, the rule is of another kind now, or their target's period is over.
    """
    followed = {(rule.id, rule.kind, subject) for rule in config.rules for subject in subjects(config, rule, now)}
    for one in store.open_incidents():
        if (one.rule, one.kind, one.subject) not in followed:
            LOG.info("incident %s (%s, %s) is closed: nothing follows it any more", one.id, one.rule, one.subject)
            facts = {**one.facts, "retired": True}
            closed = replace(one, state=IncidentState.RESOLVED, told=now, facts=facts)
            store.apply([Event(Change.RESOLVED, closed, now)], channels=())


def subjects(config: Config, rule: Rule, now: int) -> list[str]:
    """What a rule follows: those of its `sites` it can look at, or all (a daily rule: all areas)."""
    areas = [area.id for area in config.areas]
    air = [site.id for site in config.sites if site.kind in AIR]
    counted = [site for site in config.sites if site.counted]
    found = {
        RuleKind.DAILY_AQI: [*areas, *air] if rule.sites else areas,
        RuleKind.HOURLY_AQI: air,
        RuleKind.SECTION_CLASS: [site.id for site in counted if site.kind is Kind.SECTION],
        RuleKind.SOURCE_COMPLIANCE: [site.id for site in counted if site.kind is Kind.SOURCE],
        RuleKind.TARGET: [
            one.id for one in config.targets if now <= periods.hour_ending(one.period.last, 24) + AFTERMATH
        ],
        RuleKind.SILENCE: [site.id for site in config.sites if expected(site, now)],
        RuleKind.SERVICE: [*(source.id for source in config.sources), *config.jobs],
        RuleKind.SAMPLING: [site.id for site in planning.planned_sites(config)],
    }[rule.kind]
    return [subject for subject in found if not rule.sites or subject in rule.sites]


def rules_of(config: Config, kind: RuleKind) -> list[Rule]:
    return [rule for rule in config.rules if rule.kind is kind]


def air_findings(store: Store, config: Config, judged: Iterable[tuple[int, int]]) -> Iterator[Finding]:
    """Days of areas, and of stations that a rule names, from the first that was just judged to the latest.

    Where an incident is open, from its beginning: whether it stands may depend on all of its days.
    """
    touched: dict[int, int] = {}
    for day, number in judged:
        touched[number] = min(day, touched.get(number, day))
    for rule in rules_of(config, RuleKind.DAILY_AQI):
        opened = open_since(store, rule)
        for subject in subjects(config, rule, 0):
            number = store.site_numbers[subject]
            if number in touched:
                first = min(touched[number], opened.get(subject, touched[number]))
                days = store.air_days(number, first, periods.LAST_DAY)
                yield from alerts.daily_aqi(rule, subject, days, standards.air_levels())


def open_since(store: Store, rule: Rule) -> dict[str, int]:
    """The first day of the open incidents of a rule, by subject."""
    return {one.subject: periods.day_of(one.opened) for one in store.open_incidents() if one.rule == rule.id}


def hour_findings(store: Store, config: Config, judged: Sequence[tuple[int, int]]) -> Iterator[Finding]:
    """Hours of the days just judged and of the days beside them: a run of bad hours goes over midnight."""
    rules = rules_of(config, RuleKind.HOURLY_AQI)
    followed = {one for rule in rules for one in subjects(config, rule, 0)}
    touched = {number for _, number in judged}
    numbers = {one: store.site_numbers[one] for one in sorted(followed) if store.site_numbers[one] in touched}
    if not numbers:
        return
    first, last = min(day for day, _ in judged) - 1, max(day for day, _ in judged) + 1
    before = -(-max(rule.hours for rule in rules) // 24)  # days: a run may have begun earlier
    index = judge_air.hourly_index(store, config, list(numbers.values()), first - before, last)
    start = periods.hour_ending(first - before, 0)
    endings = range(start + 60, start + 60 + 60 * len(index), 60)
    for rule in rules:
        own = set(subjects(config, rule, 0))
        for column, subject in enumerate(numbers):
            if subject in own:
                since = periods.hour_ending(first, 0)
                yield from alerts.hourly_aqi(rule, subject, endings, index[:, column], standards.air_levels(), since)


def water_findings(store: Store, config: Config, judged: Sequence[WaterPeriod], now: int) -> Iterator[Finding]:
    """Days of sections and rounds of sources, from the first that was just judged to the latest.

    Where an incident is open, from its beginning; without anything judged all that are open, for the running day can be
    in trouble but is well only when it is over.
    """
    touched: dict[int, int] = {}
    for one in judged:
        touched[one.site] = min(one.first, touched.get(one.site, one.first))
    sites = {site.id: site for site in config.sites}
    finders = {RuleKind.SECTION_CLASS: alerts.section_class, RuleKind.SOURCE_COMPLIANCE: alerts.source_compliance}
    for kind, finder in finders.items():
        for rule in rules_of(config, kind):
            opened = open_since(store, rule)
            for subject in subjects(config, rule, now):
                number = store.site_numbers[subject]
                since = [day for day in (touched.get(number), opened.get(subject)) if day is not None]
                if since and (not judged or number in touched):
                    days = days_in_force(store, config, sites[subject], min(since))
                    found = finder(rule, sites[subject], days)
                    yield from (one for one in found if one.at <= now or one.severity is not None)


def days_in_force(store: Store, config: Config, site: Site, first: int) -> list[WaterPeriod]:
    """The judgement in force of every day of a water site from `first` on."""
    by_day: dict[int, list[WaterPeriod]] = {}
    for one in store.water([store.site_numbers[site.id]], "day", first, periods.LAST_DAY):
        by_day.setdefault(one.first, []).append(one)
    return [found for day in by_day.values() if (found := judge_water.in_force(config, site, day)) is not None]


def silence_findings(store: Store, config: Config, now: int) -> Iterator[Finding]:
    """Sites that have not been heard of for longer than their period and the rule's grace."""
    latest, since = store.latest(), listening(store, config, now)
    sites = {site.id: site for site in config.sites}
    for rule in rules_of(config, RuleKind.SILENCE):
        for subject in subjects(config, rule, now):
            last, period = latest.get(store.site_numbers[subject]), PERIODS[sites[subject].kind]
            yield from alerts.silence(rule, subject, last, since[subject], period, now)


def listening(store: Store, config: Config, now: int) -> dict[str, int]:
    """Since when envmon listens to each site: the first round that found it in the config."""
    before = store.meta("listening") or {}
    since = {site.id: min(now, before.get(site.id, now)) for site in config.sites if expected(site, now)}
    if since != before:
        store.set_meta("listening", since)
    return since


def expected(site: Site, now: int) -> bool:
    """Whether a site reports by itself at a steady pace; hand-sampled sections and sources and closed ones do not."""
    return site.kind in PERIODS and site.attributes.get("sampling") != "manual" and site.open_on(periods.today(now))


def service_findings(store: Store, config: Config, now: int) -> Iterator[Finding]:
    """Jobs (pulls of a source, judging, drawing) that fail, or work again."""
    failing = {row["job"].removeprefix("pull "): row for row in store.failing(now)}
    for rule in rules_of(config, RuleKind.SERVICE):
        for subject in subjects(config, rule, now):
            row = failing.get(subject, {"tries": 0, "error": ""})
            yield from alerts.service(rule, subject, row["tries"], row["error"], now)


TOLD = ("items", "period", "until", "state", "missing")
"""What an incident knows of each late sample."""


def sampling_findings(store: Store, config: Config, now: int) -> Iterator[Finding]:
    """Sites of the sampling plan with samples that are overdue or lack items, and those without."""
    late = planning.outstanding(store, config, now)
    for rule in rules_of(config, RuleKind.SAMPLING):
        for subject in subjects(config, rule, now):
            own = [{key: one[key] for key in TOLD} for one in late if one["site"] == subject]
            yield from alerts.sampling(rule, subject, own, now)


def tell(store: Store, config: Config, now: int) -> int:
    """Send what waits in the outbox; returns how many were accepted. A channel that fails is tried at the next beat."""
    names = names_of(config)
    channels = {channel.id: channel for channel in config.channels}
    sent = 0
    for notice in store.pending_notices():
        incident = notice.event.incident
        channel = channels.get(notice.channel)
        if channel is None:
            store.notice_failed(notice, now, "the channel is no longer in the config", for_good=True)
            continue
        name = names.get(incident.subject, incident.subject)
        if incident.kind is RuleKind.SERVICE:
            name = wording.job_name(incident.subject, config.language)
        title, text = wording.message(notice.event, name, item_names(config.language), config.language)
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
    areas = {area.id: area.name for area in config.areas} | {"*": t("bureau.whole", config.language)}
    return names | {target.id: areas[target.area] for target in config.targets}


def item_names(lang: str) -> dict[str, str]:
    """Names of items as people know them."""
    found = {p.id: p.name if lang == "zh" else p.name_en for p in standards.parameters().values()}
    return found | {name: t(f"pollutant.{name}", lang) for name in POLLUTANTS}
