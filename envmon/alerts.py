"""Alert decisions: judgements -> findings -> what happens to incidents -> what people are told.

A finding says what one judgement means for one rule and one subject: trouble of some severity, or well again. An
incident gathers all trouble of one cause (rule and subject) from open to resolved. Everything here is a function of its
arguments, so that deciding twice, late or in another order ends the same.

Late data: a finding is about its own minute, not about now. Trouble found late opens an incident like any other (its
notice says 补报), and the newer good judgements handed in with it resolve it at once. A finding older than what the
incident already knows never resolves it, and trouble that a resolved incident has told already is not told again.
Trouble whose own judgement is gone (its readings were marked invalid since) is taken back: the incident goes back to
the trouble before it, or is resolved when there is none.

Never here: storage, sending, the clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from envmon import periods
from envmon.model import (
    POLLUTANTS,
    AirDay,
    Change,
    Event,
    Finding,
    Incident,
    IncidentState,
    IntArray,
    Level,
    Outlook,
    Prospect,
    Rule,
    RuleKind,
    Severity,
    Site,
    Status,
    WaterPeriod,
)

CLEARLY_WORSE = {RuleKind.DAILY_AQI: 50, RuleKind.HOURLY_AQI: 50, RuleKind.SECTION_CLASS: 1}
"""By how much a value must grow, at the same severity, before people are told again."""


# --- finders: one for each kind of rule ---------------------------------------------------------------------------


def daily_aqi(rule: Rule, subject: str, days: Iterable[AirDay], levels: Sequence[Level]) -> list[Finding]:
    """Days whose index is above the rule's; the severity follows the level. Days without an index are void."""
    found = []
    for day in days:
        at = periods.hour_ending(day.day, 24)
        if day.aqi < 0 or (day.status is not Status.VALID and day.aqi <= rule.above):
            found.append(_void(rule, subject, at, periods.calendar(day.day).isoformat()))
            continue
        facts = {
            "day": periods.calendar(day.day).isoformat(),
            "aqi": day.aqi,
            "above": rule.above,
            "level": day.level,
            "primary": pollutants(day.primary),
            "edition": day.edition,
        }
        severity = _by_level(day.aqi, levels, rule.severity) if day.aqi > rule.above else None
        found.append(Finding(rule.id, subject, at, severity, day.aqi, facts))
    return found


def hourly_aqi(
    rule: Rule, subject: str, endings: Sequence[int], index: IntArray, levels: Sequence[Level], since: int
) -> list[Finding]:
    """Hours at which the index had been above the rule's for its number of hours running, and others.

    endings : minutes, hour after hour; index : of the same length, below zero where there is none (a gap breaks the
        run). Only hours that end after `since` are found; those before it are there for the runs they begin.
    """
    run, found = 0, []
    for ending, value in zip(endings, index.tolist(), strict=True):
        run = run + 1 if value > rule.above else 0
        if ending <= since:
            continue
        facts = {"at": periods.clock(ending), "aqi": value, "hours": run, "above": rule.above}
        if value < 0 or 0 < run < rule.hours:  # nothing to judge, or too short a run: neither trouble nor well again
            found.append(_void(rule, subject, ending, periods.clock(ending)))
        else:
            severity = _by_level(value, levels, rule.severity) if run else None
            found.append(Finding(rule.id, subject, ending, severity, value, facts))
    return found


def section_class(rule: Rule, site: Site, judged: Iterable[WaterPeriod]) -> list[Finding]:
    """Judgements of a section worse than the rule's class, or than the section's own target."""
    bound = rule.worse_than or site.target_class
    found = []
    for one in judged:
        at = periods.hour_ending(one.last, 24)
        if one.judgement.status is not Status.VALID:
            found.append(_void(rule, site.id, at, periods.calendar(one.first).isoformat()))
            continue
        worse = one.judgement.water_class > bound
        facts = {
            "day": periods.calendar(one.first).isoformat(),
            "water_class": one.judgement.water_class.name,
            "bound": bound.name,
            "determining": list(one.judgement.determining),
            "edition": one.judgement.edition,
        }
        severity = rule.severity if worse else None
        found.append(Finding(rule.id, site.id, at, severity, int(one.judgement.water_class), facts))
    return found


def source_compliance(rule: Rule, site: Site, judged: Iterable[WaterPeriod]) -> list[Finding]:
    """Rounds of a drinking-water source that did not comply, with the items beyond their limits."""
    found = []
    for one in judged:
        at = periods.hour_ending(one.last, 24)
        if one.judgement.status is not Status.VALID:
            found.append(_void(rule, site.id, at, periods.calendar(one.first).isoformat()))
            continue
        facts = {
            "day": periods.calendar(one.first).isoformat(),
            "items": [exceeded.item for exceeded in one.judgement.main],
            "edition": one.judgement.edition,
        }
        severity = None if one.judgement.good else rule.severity
        value = len(one.judgement.main)
        found.append(Finding(rule.id, site.id, at, severity, value, facts))
    return found


def _void(rule: Rule, subject: str, at: int, when: str) -> Finding:
    """A day (or hour) that has no judgement."""
    return Finding(rule.id, subject, at, None, facts={"when": when, "void": True}, void=True)


def target(rule: Rule, outlooks: Iterable[Outlook], now: int) -> list[Finding]:
    """Targets at risk (the rule's severity) or out of reach (one step more); of a period that is over, as it ended."""
    found = []
    for one in outlooks:
        severity = None
        if one.prospect is Prospect.AT_RISK:
            severity = rule.severity
        elif one.prospect is Prospect.OUT_OF_REACH:
            severity = Severity(min(rule.severity + 1, Severity.CRITICAL))
        facts = {
            "rate": one.rate.name.value,
            "area": one.target.area,
            "period": one.target.period.name,
            "tenths": one.rate.tenths,
            "numerator": one.rate.numerator,
            "denominator": one.rate.denominator,
            "required": one.required,
            "days": one.target.days,
            "allowed": one.allowed,
            "prospect": one.prospect.value,
        }
        end = periods.hour_ending(one.target.period.last, 24)
        found.append(Finding(rule.id, one.target.id, min(now, end), severity, None, facts, final=now > end))
    return found


def silence(rule: Rule, subject: str, last: int | None, since: int, period: int, now: int) -> list[Finding]:
    """A site from which nothing came for longer than its period and the rule's grace.

    since : when envmon began to listen to it; whatever is older (an imported archive) says nothing about silence. One
    never heard of may have a wrong name or code.
    """
    quiet = now - max(since, since if last is None else last)
    severity = rule.severity if quiet > period + rule.grace else None
    facts = {"last": None if last is None else periods.clock(last), "hours": (now - (last or since)) // 60}
    return [Finding(rule.id, subject, now, severity, None, facts)]


def service(rule: Rule, subject: str, failures: int, error: str, now: int) -> list[Finding]:
    """A source or job that failed at least `hours` times in a row (the rule's count), or works again."""
    severity = rule.severity if failures >= rule.hours else None
    return [Finding(rule.id, subject, now, severity, failures, {"failures": failures, "error": error})]


def sampling(rule: Rule, subject: str, outstanding: Sequence[Mapping[str, Any]], now: int) -> list[Finding]:
    """Samples of a site that are overdue or lack items after their deadline, or that none is.

    outstanding : the facts of each: items, period, until (ISO date), state, missing. The value is their number. An
    incident knows by its facts which of them it has told of: any other is told, however old its deadline is.
    """
    if not outstanding:
        return [Finding(rule.id, subject, now, None)]
    facts = {"samples": [dict(one) for one in outstanding]}
    return [Finding(rule.id, subject, now, rule.severity, len(outstanding), facts)]


def pollutants(mask: int) -> list[str]:
    """The pollutants of a mask."""
    return [name for bit, name in enumerate(POLLUTANTS) if mask >> bit & 1]


def _by_level(aqi: int, levels: Sequence[Level], least: Severity) -> Severity:
    """Severity of an index: the rule's own for the first level that is not good, one more for each further level."""
    bad = [level.number for level in levels if not level.good]
    number = next((level.number for level in levels if aqi <= level.at_most), levels[-1].number)
    return Severity(min(least + max(0, number - bad[0]), Severity.CRITICAL))


# --- decisions ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decision:
    """What findings change. `events` are stored and told; `quiet` are open incidents that know more than before."""

    events: list[Event]
    quiet: list[Incident]


def evaluate(
    findings: Iterable[Finding], incidents: Sequence[Incident], rules: Mapping[str, Rule], now: int
) -> Decision:
    """What the findings change: incidents that open, get worse, are repeated or are resolved.

    incidents : the open ones, and the resolved ones that reach into the time the findings are about: what those have
    told is not told again. The order of findings does not matter; the same findings again change nothing until the
    rule's repeat interval is over.
    """
    grouped: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[finding.rule, finding.subject].append(finding)
    current = {one.key: one for one in incidents if one.state is IncidentState.OPEN}
    over = [one for one in incidents if one.state is IncidentState.RESOLVED]
    decision = Decision([], [])
    for key in sorted(grouped):
        if key[0] in rules:
            rule = rules[key[0]]
            told = [one for one in over if one.key == key and one.kind is rule.kind]
            found = sorted(grouped[key], key=lambda f: (f.at, f.severity or 0))
            events, quiet = _follow(current.get(key), found, told, rule, now)
            decision.events.extend(events)
            decision.quiet.extend(quiet)
    return decision


def _follow(
    before: Incident | None, findings: Sequence[Finding], over: Sequence[Incident], rule: Rule, now: int
) -> tuple[list[Event], list[Incident]]:
    """One cause through its findings, oldest first: what is told, and the open incident when it only knows more."""
    incident, events = before, list[Event]()
    earlier: Finding | None = None  # the last trouble seen here
    for finding in findings:
        if _told(finding, over):
            continue
        if finding.void:
            if incident is None or finding.at != incident.last:
                continue
            if earlier is not None and incident.opened <= earlier.at < finding.at:
                incident = replace(incident, last=earlier.at, facts=earlier.facts)
                continue
        earlier = earlier if finding.severity is None else finding
        event = _step(incident, finding, rule, now)
        if event is not None:
            events.append(event)
            incident = event.incident if event.incident.state is IncidentState.OPEN else None
        elif incident is not None and finding.severity is not None:
            incident = replace(incident, opened=min(incident.opened, finding.at))
            if finding.at >= incident.last:
                incident = replace(incident, last=finding.at, facts=finding.facts)
    events = _folded(events)
    if incident is None or incident == before or (events and events[-1].incident == incident):
        return events, []
    if incident.id == 0 or (events and events[-1].change is Change.REPEAT):  # told with all that was found
        return [*events[:-1], replace(events[-1], incident=incident)], []
    return events, [incident]


def _told(finding: Finding, over: Iterable[Incident]) -> bool:
    """Whether trouble lies within a resolved incident that was as bad: judged again, it is no news.

    Not so at the very minute of the judgement that resolved it: that judgement has been revised.
    """
    severity = finding.severity
    return severity is not None and any(
        one.opened <= finding.at < one.last and severity <= one.severity for one in over
    )


def _step(incident: Incident | None, finding: Finding, rule: Rule, now: int) -> Event | None:
    """What one finding does to the incident of its cause."""
    if finding.severity is None:
        if incident is None or finding.at < incident.last:
            return None
        closed = replace(incident, state=IncidentState.RESOLVED, last=finding.at, told=now, facts=finding.facts)
        return Event(Change.RESOLVED, closed, now)
    if incident is None:
        fresh = Incident(
            0,
            finding.rule,
            rule.kind,
            finding.subject,
            IncidentState.OPEN,
            finding.severity,
            finding.value,
            finding.at,
            finding.at,
            now,
            finding.facts,
        )
        return Event(Change.OPEN, fresh, now)
    opened, last = min(incident.opened, finding.at), max(incident.last, finding.at)
    newer = replace(incident, opened=opened, last=last, told=now, facts=finding.facts)
    known, more = _samples(incident, finding)
    if more:  # put last, because of many the last are named
        newer = replace(newer, facts={**finding.facts, "samples": [*known, *more]})
    if finding.severity > incident.severity or more or _grown(incident, finding, rule.kind):
        value = max(filter(None, (finding.value, incident.value)), default=None)
        severity = max(finding.severity, incident.severity)
        return Event(Change.WORSE, replace(newer, severity=severity, value=value), now)
    if not finding.final and finding.at >= incident.last and now - incident.told >= rule.repeat:
        return Event(Change.REPEAT, newer, now)
    return None


def _grown(incident: Incident, finding: Finding, kind: RuleKind) -> bool:
    """Whether the value of a finding is clearly worse than any its incident has told of."""
    margin = CLEARLY_WORSE.get(kind)
    if margin is None or finding.value is None or incident.value is None:
        return False
    return finding.value >= incident.value + margin


def _samples(incident: Incident, finding: Finding) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The outstanding samples of a finding: those its incident knows of, and others, whatever their deadlines."""
    told = {(one["items"], one["period"]) for one in incident.facts.get("samples", ())}
    found = finding.facts.get("samples", ())
    known = [one for one in found if (one["items"], one["period"]) in told]
    return known, [one for one in found if one not in known]


def _folded(events: Sequence[Event]) -> list[Event]:
    """Several changes of one incident in one go, told once: opened and worse is opened at its worst.

    That it went on is not told when something else is; that it opened or got worse is, even when it is over.
    """
    kept: list[Event] = []
    for event in events:
        before = kept[-1].change if kept else Change.RESOLVED
        if before is Change.REPEAT:
            kept[-1] = event
        elif before is Change.RESOLVED or event.change is Change.RESOLVED:
            kept.append(event)
        else:
            kept[-1] = replace(event, change=before)
    return kept
