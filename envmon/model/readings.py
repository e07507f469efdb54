"""Readings as they arrive, what marks them, and what quality control says of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from envmon.model.places import Medium

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    IntArray = NDArray[np.signedinteger[Any]]
    BoolArray = NDArray[np.bool_]
else:  # names for annotations only: `status` reads these nouns and must not wait for NumPy
    IntArray = BoolArray = Any

NO_VALUE = -1
"""In concentration, index and class arrays: there is no value here (every real one is zero or more)."""

ABSENT = -(2**31)
"""In arrays of raw readings, which may be negative: nothing was received. QC turns it into NO_VALUE (`qc.usable`)."""

POLLUTANTS = ("so2", "no2", "co", "o3", "pm10", "pm25")
"""The six items of the daily index. Axis 0 of every air array has this order, and bit i of every pollutant mask."""


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
    MERGED = 3  # of judgements only: items of an automatic station and others of a laboratory together


class Span(IntEnum):
    """Length of the interval a value stands for, in minutes; 0 is a grab sample, -1 an instrument's value of a moment.

    Moments and spans of less than an hour are kept, and judged by nobody (JUDGED).
    """

    MOMENT = -1
    SAMPLE = 0
    MINUTES_1 = 1
    MINUTES_2 = 2
    MINUTES_3 = 3
    MINUTES_4 = 4
    MINUTES_5 = 5
    MINUTES_6 = 6
    MINUTES_10 = 10
    MINUTES_12 = 12
    MINUTES_15 = 15
    MINUTES_20 = 20
    MINUTES_30 = 30
    HOUR = 60
    FOUR_HOURS = 240
    DAY = 1440


JUDGED = (Span.SAMPLE, Span.HOUR, Span.FOUR_HOURS, Span.DAY)
"""Spans whose values make a day worth judging again."""

HOURLY = (Span.SAMPLE, Span.HOUR, Span.FOUR_HOURS)
"""Spans a site's water is judged by: a mean of the day would count beside the hours it was made of."""


class Mark(IntEnum):
    """The state mark that came with a value (数据标记), or what its printed form said."""

    NONE = 0
    CENSORED = 1  # below the detection limit; the value is that limit
    MAINTENANCE = 2
    FAULT = 3
    CALIBRATION = 4
    UNFIT = 5  # site without running conditions (不具备运行条件)
    OVER_RANGE = 6
    NO_COMMUNICATION = 7  # between instrument and logger
    OUT_OF_SERVICE = 8
    BY_HAND = 9  # entered by a person
    POWER = 10
    NO_WATER = 11  # nothing to sample at the intake
    NO_SUPPLY = 12  # of reagent, pure water or standard
    TEST = 13  # recovery, parallel or other quality test
    OTHER = 14  # a mark nobody knows
    INVALID = 20  # found invalid by review (审核无效)


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
    sheet: str = ""  # of a workbook
    column: int = 0  # 1-based; 0 when the whole row was refused


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
