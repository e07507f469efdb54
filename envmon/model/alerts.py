"""Alerts: rules, findings, incidents, what is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from envmon.model.places import WaterClass


class Severity(IntEnum):
    INFO = 1
    WARNING = 2
    SERIOUS = 3
    CRITICAL = 4


class RuleKind(StrEnum):
    DAILY_AQI = "daily_aqi"
    HOURLY_AQI = "hourly_aqi"
    SECTION_CLASS = "section_class"
    SOURCE_COMPLIANCE = "source_compliance"
    TARGET = "target"
    SILENCE = "silence"
    SERVICE = "service"
    SAMPLING = "sampling"


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert rule. Meaning of `above` and `hours` depends on the kind; `worse_than` is for section classes."""

    id: str
    kind: RuleKind
    above: int = 100
    hours: int = 1
    worse_than: WaterClass | None = None  # None: the section's own target class
    grace: int = 120  # minutes beyond the period before a site counts as silent
    repeat: int = 1440  # minutes until an open incident is told again
    severity: Severity = Severity.WARNING
    sites: tuple[str, ...] = ()  # empty: all


@dataclass(frozen=True, slots=True)
class Finding:
    """What a judgement says about one rule and one subject now: bad (severity) or well again (None)."""

    rule: str
    subject: str  # site or area id, source id, target id
    at: int  # minute the finding is about (end of the hour, day, period)
    severity: Severity | None
    value: int | None = None  # comparable size of the trouble: larger is worse
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the message needs
    void: bool = False  # that minute cannot be judged (any more): takes back trouble found at it, says nothing else
    final: bool = False  # how it ended: told once, not repeated


class IncidentState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause from open to resolved (告警事件). `key` is rule and subject; at most one is open for a key."""

    id: int  # 0 until stored
    rule: str
    kind: RuleKind | None  # of the rule when it opened; None: not known (kept before kinds were)
    subject: str
    state: IncidentState
    severity: Severity
    value: int | None
    opened: int  # minute of the finding that opened it
    last: int  # minute of the latest finding
    told: int  # minute (of the clock) it was last told
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return self.rule, self.subject


class Change(StrEnum):
    """What happened to an incident, and so why a notice is written."""

    OPEN = "open"
    WORSE = "worse"
    REPEAT = "repeat"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one incident, to be stored and told."""

    change: Change
    incident: Incident
    at: int  # minute of the clock


@dataclass(frozen=True, slots=True)
class Message:
    """One notice on its way out. `id` is stable over restarts, so a double can be told from a new one."""

    id: str
    at: str  # Beijing time
    change: Change
    rule: str
    subject: str
    severity: Severity
    title: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
