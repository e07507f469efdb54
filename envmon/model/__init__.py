"""The nouns of the house: what a site, a reading, an edition, a judgement, a rate and an incident are.

Only shapes live here: frozen dataclasses and enums, no rules, no I/O. Whole-number units: a concentration is in steps
of 10^-`decimals` of its parameter's unit; a *minute* and a *day* are as in `periods`.

A noun is loaded when it is first asked for: making sixty dataclasses takes longer than all of `envmon status` may.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envmon.model.alerts import *
    from envmon.model.devices import *
    from envmon.model.exceptional import *
    from envmon.model.figures import *
    from envmon.model.gaps import *
    from envmon.model.inbox import *
    from envmon.model.judgements import *
    from envmon.model.lakes import *
    from envmon.model.law import *
    from envmon.model.levels import *
    from envmon.model.places import *
    from envmon.model.plan import *
    from envmon.model.readings import *
    from envmon.model.reviews import *
    from envmon.model.settings import *
    from envmon.model.telemetry import *

HOMES = {
    "alerts": (
        "Change",
        "Event",
        "Finding",
        "Incident",
        "IncidentState",
        "Message",
        "Rule",
        "RuleKind",
        "Severity",
    ),
    "devices": ("Device",),
    "exceptional": (
        "EventKind",
        "ExceptionalEvent",
        "LEAVING",
        "OF_AIR",
    ),
    "figures": (
        "Causes",
        "ChangedValue",
        "Correction",
        "Place",
        "PublishedFigure",
        "Turned",
    ),
    "gaps": (
        "Gap",
        "GapAttempt",
        "GapCause",
        "GapOutcome",
        "GapWindow",
        "OPEN",
        "SiteGaps",
    ),
    "inbox": (
        "InboxFile",
        "InboxState",
        "Intake",
    ),
    "judgements": (
        "AirDay",
        "AirDays",
        "AirIndex",
        "Exceeded",
        "Exclusion",
        "Outlook",
        "Prospect",
        "Rate",
        "RateName",
        "Reason",
        "Status",
        "Target",
        "View",
        "WaterJudgement",
        "WaterPeriod",
        "Without",
    ),
    "lakes": (
        "CityIndexRule",
        "TrophicItem",
        "TrophicLevel",
        "TrophicRule",
    ),
    "law": (
        "AirRegime",
        "AirStatistics",
        "AirValidity",
        "Breakpoints",
        "Composite",
        "Direction",
        "IndexEdition",
        "Level",
        "LimitPhase",
        "WaterItem",
        "WaterItemSet",
        "WaterRegime",
    ),
    "levels": (
        "BasinLevel",
        "Trend",
        "WaterChange",
        "WaterLevel",
        "WaterLevels",
    ),
    "places": (
        "Area",
        "Body",
        "Kind",
        "Medium",
        "Site",
        "StationType",
        "WaterClass",
    ),
    "plan": (
        "Absence",
        "Cycle",
        "PlanEntry",
        "Sample",
        "SampleState",
    ),
    "readings": (
        "ABSENT",
        "Basis",
        "BoolArray",
        "Flag",
        "HOURLY",
        "IntArray",
        "JUDGED",
        "Mark",
        "NO_VALUE",
        "POLLUTANTS",
        "Parameter",
        "Payload",
        "Refused",
        "Row",
        "Span",
        "Stream",
        "Tally",
        "Verdict",
    ),
    "reviews": ("Review",),
    "settings": (
        "Assessment",
        "Channel",
        "Config",
        "GapSettings",
        "Listen",
        "Maintenance",
        "OWN_JOBS",
        "Paths",
        "Preference",
        "Schedule",
        "SourceSpec",
    ),
    "telemetry": (
        "Heard",
        "Knock",
        "OPEN_REQUESTS",
        "RawFrame",
        "Refusal",
        "Request",
        "RequestState",
    ),
}
"""The file each noun stands in."""


def __getattr__(name: str) -> Any:
    for home, names in HOMES.items():
        if name in names:
            globals()[name] = getattr(import_module(f"envmon.model.{home}"), name)  # asked for once only
            return globals()[name]
    raise AttributeError(f"module 'envmon.model' has no noun {name!r}")
