"""Judgements: daily air values, water classes, rates against targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from envmon.model.places import WaterClass
from envmon.model.readings import Basis, IntArray
from envmon.periods import Period


class Status(IntEnum):
    """Why a judgement has a value, or has none."""

    VALID = 0
    MISSING = 1  # nothing was received
    INSUFFICIENT = 2  # too few valid values
    INCOMPLETE = 3  # an item is missing and the index of the rest does not settle the day
    INVALID = 4  # everything received was flagged
    TOO_FEW_ROUNDS = 5  # judged in fewer months than a whole quarter or year asks for
    NOT_OPEN = 6  # the site was not in operation
    DRY = 7  # the events of the bureau say why it was not sampled: 7 to 10
    FROZEN = 8
    UNSAMPLED = 9
    UNUSED = 10
    NOT_JUDGEABLE = 11  # a detection limit above class III stands where a required value should


@dataclass(frozen=True, slots=True)
class AirDays:
    """Daily air judgements. Arrays run [pollutant, day, site] or [day, site].

    value : daily value in steps of the edition (24-h mean; o3: daily maximum 8-h mean), NO_VALUE where not valid
    hours : valid hours of the day; windows : valid 8-h ozone windows [day, site]
    iaqi : sub-index; aqi : index of the items there are (NO_VALUE if none); level : 1..6, 0 = none
    primary, exceeding, missing : pollutant masks (bit i is POLLUTANTS[i])
    status : Status; VALID days are those that count in the good-day rate
    stations : [pollutant, day, area] valid stations behind an area's value (`hours`, `windows` are then sums over all
        its stations); None where the sites are judged by themselves
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
    stations: IntArray | None = None


@dataclass(frozen=True, slots=True)
class AirDay:
    """One stored row of `AirDays`: a site or area on a day. Tuples run over POLLUTANTS; `stations` is 0 for a site."""

    day: int
    site: int  # the site's number in the store
    edition: str
    value: tuple[int, ...]
    hours: tuple[int, ...]
    iaqi: tuple[int, ...]
    windows: int
    aqi: int
    level: int
    primary: int
    exceeding: int
    missing: int
    status: Status
    stations: int


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
    not_judgeable: tuple[str, ...] = ()  # items with a value below a detection limit that is itself above class III

    @property
    def good(self) -> bool:
        """Class III or better (for a source: every judged item within its limit)."""
        return WaterClass.I <= self.water_class <= WaterClass.III


@dataclass(frozen=True, slots=True)
class WaterPeriod:
    """The judgement of one water site over one span of days, with the exact means it rests on.

    span : "sample" (the days are one), "day" or "month"; means : item -> (numerator, denominator, 1 if every reading
    was below its detection limit), in stored steps, unrounded.
    """

    site: int  # the site's number in the store
    span: str
    first: int
    last: int
    basis: Basis
    readings: int
    judgement: WaterJudgement
    means: Mapping[str, tuple[int, int, int]]
    printed: tuple[str, ...] = ()  # of merged data the items of a single reading, which are judged as printed


@dataclass(frozen=True, slots=True)
class View:
    """How readings are judged: each day by the standard in force on it or all by one edition, and on which data.

    basis : only values of this kind; None: the best of what there is (reviewed before real-time, manual by the rule).
    """

    edition: str = "by-date"
    basis: Basis | None = None


class RateName(StrEnum):
    GOOD_DAYS = "good_days"
    GOOD_SECTIONS = "good_sections"
    TARGET_MET = "target_met"
    WORSE_THAN_V = "worse_than_v"  # the smaller, the better: no target can be set on it
    GOOD_SOURCES = "good_sources"
    GOOD_SOURCES_VOLUME = "good_sources_volume"


class Reason(StrEnum):
    """Why something is not in a denominator."""

    MISSING = "missing"
    INSUFFICIENT = "insufficient"
    INCOMPLETE = "incomplete"
    INVALID = "invalid"
    TOO_FEW_ROUNDS = "too_few_rounds"
    NOT_OPEN = "not_open"
    DRY = "dry"
    FROZEN = "frozen"
    UNSAMPLED = "unsampled"
    UNUSED = "unused"
    NOT_JUDGEABLE = "not_judgeable"
    NOT_COUNTED = "not_counted"
    NO_VOLUME = "no_volume"


@dataclass(frozen=True, slots=True)
class Exclusion:
    reason: Reason
    count: int


@dataclass(frozen=True, slots=True)
class Without:
    """A rate once more, without what exceptional events spoiled; `changed`: days or sites that count otherwise then."""

    numerator: int
    denominator: int
    tenths: int | None
    changed: int
    kinds: tuple[str, ...]  # of the events, as in EventKind


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
    without: Without | None = None  # None: no exceptional event touches it


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
