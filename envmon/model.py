"""The nouns of the house: what a site, a reading, an edition, a judgement, a rate and an incident are.

Only shapes live here: frozen dataclasses and enums, no rules, no I/O. Whole-number units: a concentration is in steps
of 10^-`decimals` of its parameter's unit; a *minute* and a *day* are as in `periods`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envmon.periods import Period

IntArray = NDArray[np.signedinteger[Any]]
BoolArray = NDArray[np.bool_]

NO_VALUE = -1
"""In concentration, index and class arrays: there is no value here (every real one is zero or more)."""

ABSENT = -(2**31)
"""In arrays of raw readings, which may be negative: nothing was received. QC turns it into NO_VALUE (`qc.usable`)."""

POLLUTANTS = ("so2", "no2", "co", "o3", "pm10", "pm25")
"""The six items of the daily index. Axis 0 of every air array has this order, and bit i of every pollutant mask."""


# --- places -----------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What a site is. An `area` is judged like a site: its values come from its stations or its `city` series."""

    AREA = "area"
    CITY = "city"  # the area's own published hourly series
    STATION = "station"
    SECTION = "section"
    SOURCE = "source"  # a drinking-water source


class Body(IntEnum):
    """Kind of water body; decides which phosphorus limits apply. Groundwater has its own standard."""

    RIVER = 0
    LAKE = 1
    GROUNDWATER = 2


class WaterClass(IntEnum):
    """Water class by GB 3838-2002; larger is worse. NONE = not assessed."""

    NONE = 0
    I = 1  # noqa: E741
    II = 2
    III = 3
    IV = 4
    V = 5
    WORSE_THAN_V = 6


@dataclass(frozen=True, slots=True)
class Area:
    id: str
    name: str
    level: str  # "county" | "prefecture"
    code: str = ""
    zone: int = 2  # functional zone class 1 or 2 (GB 3095)
    air: Kind = Kind.STATION  # where its air values come from: its stations, or its own city series


@dataclass(frozen=True, slots=True)
class Site:
    id: str
    name: str
    kind: Kind
    area: str
    code: str = ""  # the code the national platforms use
    aliases: tuple[str, ...] = ()
    body: Body = Body.RIVER
    target_class: WaterClass = WaterClass.III
    intake: int | None = None  # usual intake of a source, in 10 t a month (two decimals of 10^4 t are 100 t)
    counted: bool = True  # False: shown, but not part of any rate (background, control point)
    attributes: Mapping[str, str] = field(default_factory=dict)  # basin, river, chief, longitude, ...


# --- readings ---------------------------------------------------------------------------------------------------


class Medium(StrEnum):
    AIR = "air"
    WATER = "water"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One monitored item. `decimals` is the step in which its readings are stored: finer than any instrument."""

    number: int  # the key in the readings table; never reused
    id: str
    medium: Medium
    name: str
    name_en: str
    unit: str
    decimals: int
    code: str = ""  # HJ 525 / HJ 212 factor code
    low: int | None = None  # physically possible range, in steps; outside is refused by QC, not by the parser
    high: int | None = None


class Basis(IntEnum):
    """Whether values are as published in real time or after review."""

    REALTIME = 0
    REVIEWED = 1
    MANUAL = 2  # sampled and analysed in a laboratory


class Span(IntEnum):
    """Length of the interval a value stands for, in minutes; 0 is a grab sample."""

    SAMPLE = 0
    HOUR = 60
    FOUR_HOURS = 240
    DAY = 1440


class Mark(IntEnum):
    """The state mark that came with a value (数据标记), or what its printed form said."""

    NONE = 0
    CENSORED = 1  # below the detection limit; the value is that limit
    MAINTENANCE = 2
    FAULT = 3
    CALIBRATION = 4
    UNFIT = 5  # site without running conditions (不具备运行条件)


@dataclass(frozen=True, slots=True)
class Stream:
    """Where a reading comes from and what it stands for. One row of the `stream` table; readings hold its number."""

    source: str
    basis: Basis
    span: Span


Row = tuple[int, int, int, int, int, int]
"""One reading: (ending [minute], site number, parameter number, stream number, value [steps], Mark)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row or cell that did not enter, and why."""

    origin: str  # file or address
    line: int  # 1-based; 0 when the whole payload was refused
    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """One answer of a service or one file, as bytes, with the time it was taken (a snapshot's own, when known)."""

    origin: str
    body: bytes
    taken: int  # minute


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the rows of one batch. `older`: came from an earlier snapshot than the value in force."""

    read: int = 0
    new: int = 0
    same: int = 0
    revised: int = 0
    older: int = 0
    refused: int = 0

    def __add__(self, other: Tally) -> Tally:
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__slots__)
        return Tally(*(mine + theirs for mine, theirs in pairs))


# --- quality control --------------------------------------------------------------------------------------------


class Flag(IntEnum):
    """QC verdict (质控标识); the worst of a reading's verdicts is its roll-up. From FAIL on a value does not count."""

    GOOD = 0
    NOT_EVALUATED = 1
    SUSPECT = 2
    FAIL = 3
    MISSING = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """One QC test's finding on one reading or expected slot."""

    ending: int
    site: int
    parameter: int
    test: str
    flag: Flag
    detail: str = ""


# --- standards --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Breakpoints:
    """One column of the index table: `points[i]` steps of concentration at index `nodes[i]`.

    A column may end early (SO2 1 h, O3 8 h); `beyond` says what happens above its last point: the name of the column
    that carries on, or a fixed index.
    """

    name: str  # e.g. "o3_8h"
    points: tuple[int, ...]
    nodes: tuple[int, ...]
    decimals: int
    beyond: str | int


@dataclass(frozen=True, slots=True)
class Level:
    """One level (级别) of the index."""

    number: int
    name: str
    name_en: str
    at_most: int  # largest index of the level
    good: bool
    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class IndexEdition:
    """One printed edition of HJ 633: how concentrations become an index."""

    id: str
    columns: Mapping[str, Breakpoints]
    daily: Mapping[str, str]  # pollutant -> column used for daily values
    hourly: Mapping[str, str]  # pollutant -> column used for 1-h values
    levels: tuple[Level, ...]
    primary_above: int  # primary pollutants are named when the index is above this
    exceeding_above: int | None  # exceeding pollutants; None: the edition does not know the term
    top: int  # largest index
    missing_blocks_up_to: int | None  # with a missing item an index up to this is not published; None: it is


@dataclass(frozen=True, slots=True)
class AirValidity:
    """GB 3095 table 4 and HJ 663: how many hours make a day, and the 8-hour ozone windows."""

    day_hours: int  # 20
    window_hours: int  # 8
    window_least: int  # 6
    first_window: int  # 8: the first window ends at hour 8
    windows: int  # 14 of 17
    month_days: int
    february_days: int
    year_days: int
    station_share: tuple[int, int]  # stations of an area that must be valid, per cent: (usual, under 4 stations)


@dataclass(frozen=True, slots=True)
class LimitPhase:
    """One dated stage of GB 3095. `limits[(pollutant, average, grade)]` in steps of `decimals`.

    average: "annual", "24h", "1h", "mda8"; grade 1 or 2.
    """

    id: str
    phase: str
    limits: Mapping[tuple[str, str, int], int]
    decimals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AirRegime:
    """What is in force for ambient air on a day: limits, index, assessment method."""

    limits: LimitPhase
    index: IndexEdition
    validity: AirValidity
    method: str  # "HJ 663-2026"

    @property
    def name(self) -> str:
        return f"{self.index.id} · {self.limits.id} {self.limits.phase} · {self.method}"


class Direction(StrEnum):
    AT_MOST = "at_most"
    AT_LEAST = "at_least"
    BETWEEN = "between"
    PRESENT = "present"  # judged by "found" or "not found" (odour, visible matter); value 0 or 1
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True, slots=True)
class WaterItem:
    """One item of a water standard. Limits are in steps of 10^-decimals; index 0 is class I.

    limits : bounds for I..V (I..IV for groundwater, V being what lies beyond); a single-limit item (tables 2 and 3)
        has that bound at class III and none elsewhere. `lake` replaces them for lakes and reservoirs. None = no bound.
    low : lower bounds of a BETWEEN item, parallel to `limits`.
    """

    id: str
    table: int
    name: str
    name_en: str
    unit: str
    decimals: int
    direction: Direction
    limits: tuple[int | None, ...]
    lake: tuple[int | None, ...] = ()
    low: tuple[int | None, ...] = ()
    lake_only: bool = False
    round_to: int | None = None  # decimals of a mean before it is compared (HBJCH2020-82)
    has_multiple: bool = True
    priority: bool = False  # cyanide and heavy metals: listed first among the main indicators


@dataclass(frozen=True, slots=True)
class WaterItemSet:
    """Which items decide an assessment: `section_21`, `auto_5`, `source_surface_61` ..."""

    id: str
    document: str
    items: tuple[str, ...]
    reference: tuple[str, ...] = ()  # reported, never decide
    optional: tuple[str, ...] = ()  # judged when measured, not missed when not


@dataclass(frozen=True, slots=True)
class WaterRegime:
    """What is in force for surface water (or groundwater) on a day."""

    edition: str  # "GB 3838-2002" | "GB/T 14848-2017"
    method: str  # "环办〔2011〕22号" ...
    items: Mapping[str, WaterItem]
    sets: Mapping[str, WaterItemSet]
    max_main: int  # at most so many main indicators are listed
    multiple_decimals: int


# --- judgements -------------------------------------------------------------------------------------------------


class Status(IntEnum):
    """Why a judgement has a value, or has none."""

    VALID = 0
    MISSING = 1  # nothing was received
    INSUFFICIENT = 2  # too few valid values
    INCOMPLETE = 3  # an item is missing and the index of the rest does not settle the day
    INVALID = 4  # everything received was flagged


@dataclass(frozen=True, slots=True)
class AirDays:
    """Daily air judgements. Arrays run [pollutant, day, site] or [day, site].

    value : daily value in steps of the edition (24-h mean; o3: daily maximum 8-h mean), NO_VALUE where not valid
    hours : valid hours of the day; windows : valid 8-h ozone windows [day, site]
    iaqi : sub-index; aqi : index of the items there are (NO_VALUE if none); level : 1..6, 0 = none
    primary, exceeding, missing : pollutant masks (bit i is POLLUTANTS[i])
    status : Status; VALID days are those that count in the good-day rate
    """

    first_day: int
    edition: str
    value: IntArray
    hours: IntArray
    windows: IntArray
    iaqi: IntArray
    aqi: IntArray
    level: IntArray
    primary: IntArray
    exceeding: IntArray
    missing: IntArray
    status: IntArray


@dataclass(frozen=True, slots=True)
class AirIndex:
    """Index of concentrations of any shape: `iaqi` [pollutant, ...], the rest [...]. Masks as in `AirDays`.

    published : the index as the edition lets it be published, NO_VALUE where a missing item blocks it (NA)
    """

    iaqi: IntArray
    aqi: IntArray
    published: IntArray
    level: IntArray
    primary: IntArray
    exceeding: IntArray
    missing: IntArray


@dataclass(frozen=True, slots=True)
class Exceeded:
    """An item beyond its limit; `multiple` is by how many times, in steps of 10^-multiple_decimals (None: has none)."""

    item: str
    water_class: WaterClass
    multiple: int | None


@dataclass(frozen=True, slots=True)
class WaterJudgement:
    """The class of one sample or mean, or the compliance of a drinking-water source."""

    status: Status
    water_class: WaterClass
    determining: tuple[str, ...]  # items in the worst class
    main: tuple[Exceeded, ...]  # main indicators, in reporting order
    judged: tuple[str, ...]  # items that were judged
    missing: tuple[str, ...]  # items of the set without a value
    edition: str
    item_set: str

    @property
    def good(self) -> bool:
        """Class III or better (for a source: every judged item within its limit)."""
        return WaterClass.I <= self.water_class <= WaterClass.III


# --- rates and targets ------------------------------------------------------------------------------------------


class RateName(StrEnum):
    GOOD_DAYS = "good_days"
    GOOD_SECTIONS = "good_sections"
    TARGET_MET = "target_met"
    GOOD_SOURCES = "good_sources"
    GOOD_SOURCES_VOLUME = "good_sources_volume"


class Reason(StrEnum):
    """Why something is not in a denominator."""

    MISSING = "missing"
    INSUFFICIENT = "insufficient"
    INCOMPLETE = "incomplete"
    INVALID = "invalid"
    NOT_COUNTED = "not_counted"
    NO_VOLUME = "no_volume"


@dataclass(frozen=True, slots=True)
class Exclusion:
    reason: Reason
    count: int


@dataclass(frozen=True, slots=True)
class Rate:
    """One compliance rate: never a bare number. `tenths` is the share in tenths of a percent, or None."""

    name: RateName
    subject: str  # area id, or "*" for the whole bureau
    period: Period
    numerator: int
    denominator: int
    excluded: tuple[Exclusion, ...]
    editions: tuple[str, ...]
    basis: str
    tenths: int | None


class Prospect(StrEnum):
    """Whether a target can still be made."""

    UNKNOWN = "unknown"
    MET = "met"  # settled: cannot be missed any more
    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    OUT_OF_REACH = "out_of_reach"


@dataclass(frozen=True, slots=True)
class Target:
    """What a leader promised. Exactly one of percent (tenths), days, change (tenths of a point against `base`)."""

    id: str
    rate: RateName
    area: str
    period: Period
    percent: int | None = None
    days: int | None = None
    change: int | None = None
    base: Period | None = None
    base_percent: int | None = None  # the base period's rate in tenths, where readings of that time are not at hand
    edition: str = "by-date"


@dataclass(frozen=True, slots=True)
class Outlook:
    """A rate against its target. Everything in tenths of a percent (gap: tenths of a point, negative = short)."""

    target: Target
    rate: Rate
    required: int | None
    gap: int | None
    allowed: int | None  # how many more failures (days, sections, sources) the target allows; < 0: too many
    prospect: Prospect


# --- alerts -----------------------------------------------------------------------------------------------------


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


class IncidentState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause from open to resolved (告警事件). `key` is rule and subject; at most one is open for a key."""

    id: int  # 0 until stored
    rule: str
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


# --- configuration, as the other floors see it --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One data service and its schedule. Times in minutes; `at` counts from the start of each slot."""

    id: str
    kind: str  # a name in sources.SOURCES
    url: str
    every: int  # 60, 240, 1440
    at: int  # minutes past the slot when it is due
    lookback: int  # minutes of the past read again each time
    basis: Basis
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Channel:
    id: str
    kind: str  # a name in notify.CHANNELS
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paths:
    """Absolute paths as text; resolved against the folder of config.toml."""

    root: str
    database: str
    alerts: str
    charts: str
    rejects: str


@dataclass(frozen=True, slots=True)
class Config:
    bureau: str
    language: str
    areas: tuple[Area, ...]
    sites: tuple[Site, ...]
    sources: tuple[SourceSpec, ...]
    targets: tuple[Target, ...]
    rules: tuple[Rule, ...]
    channels: tuple[Channel, ...]
    paths: Paths
    jobs: Mapping[str, int]  # own slots: job name -> minutes past its slot (assess, rates, charts ...)
    qc: Mapping[str, Mapping[str, Any]]  # test -> settings
