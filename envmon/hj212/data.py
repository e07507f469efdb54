"""What the values of a segment stand for: which kind of data, which time, which mark (HJ 212-2017, 6.6.3 to 6.6.5).

Never here: which parameter a factor is, its unit, what is stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from envmon import periods
from envmon.hj212.segments import HEARTBEAT, Segment, Version
from envmon.model import Device, Mark

SURFACE_WATER = "21"


class Kind(Enum):
    """What a segment carries, by its command."""

    REALTIME = "2011"
    STATE = "2021"
    DAY = "2031"
    MINUTE = "2051"
    HOUR = "2061"
    HEARTBEAT = HEARTBEAT
    OTHER = ""


READINGS = (Kind.REALTIME, Kind.MINUTE, Kind.HOUR, Kind.DAY)
COUNTS = {Kind.REALTIME: "Rtd", Kind.MINUTE: "Avg", Kind.HOUR: "Avg", Kind.DAY: "Avg"}
"""Which value of a factor is the reading."""

VALUES = ("Rtd", "Min", "Avg", "Max", "Cou", "ZsRtd", "ZsMin", "ZsAvg", "ZsMax")
MARKS = ("Flag", "EFlag")
FIELD = re.compile(r"([A-Za-z0-9]+)-([A-Za-z]+)\Z")
TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})?\Z", re.ASCII)
LARGEST = re.compile(r"(?=(?:\.?9){4,}\Z)9+(?:\.9+)?\Z")

SOURCES_2017 = {
    "N": Mark.NONE,
    "F": Mark.OUT_OF_SERVICE,
    "M": Mark.MAINTENANCE,
    "S": Mark.BY_HAND,
    "D": Mark.FAULT,
    "C": Mark.CALIBRATION,
    "T": Mark.OVER_RANGE,
    "B": Mark.NO_COMMUNICATION,
}
"""HJ 212-2017, table 8."""

SOURCES_2005 = {
    **{letter: mark for letter, mark in SOURCES_2017.items() if letter != "B"},
    "P": Mark.POWER,
    "0": Mark.CALIBRATION,
    "1": Mark.NONE,  # a value of the weather
    "2": Mark.FAULT,
    "3": Mark.NONE,
}
"""HJ/T 212-2005: letters of sources of pollution, digits of air stations (four programs; the text was not seen)."""

WATER = {
    "N": Mark.NONE,
    "L": Mark.CENSORED,
    "T": Mark.OVER_RANGE,
    "D": Mark.FAULT,
    "F": Mark.NO_COMMUNICATION,
    "B": Mark.NO_COMMUNICATION,
    "M": Mark.MAINTENANCE,
    "S": Mark.BY_HAND,
    "P": Mark.POWER,
    "Z": Mark.NO_WATER,
    "lr": Mark.NO_SUPPLY,
    "lp": Mark.NO_SUPPLY,
    "lw": Mark.NO_WATER,
    "ls": Mark.NO_SUPPLY,
    "ra": Mark.TEST,
    "pt": Mark.TEST,
    "hd": Mark.TEST,
}
"""Surface-water stations (HJ 1404-2024), as their frames and programs show it; S, P, Z and hd rest on one source."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a factor as sent. `mark` is the text of its Flag, empty where there is none."""

    code: str
    kind: str
    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Data:
    """What a segment carries. `at`: its DataTime in Beijing time, None where it is missing or no time."""

    kind: Kind
    at: datetime | None
    values: tuple[Value, ...]

    @property
    def minute(self) -> int | None:
        """The minute in which `at` lies."""
        return None if self.at is None else periods.minute(self.at)


def kind_of(segment: Segment) -> Kind:
    try:
        return Kind(segment.cn)
    except ValueError:
        return Kind.OTHER


def data_of(segment: Segment) -> Data:
    """The values of a segment, each with its mark. Fields that belong to no factor are not among them."""
    found: list[Value] = []
    elsewhere: dict[str, str] = {}  # some loggers put the mark into a group of its own
    for group in segment.groups:
        named = [(*match.groups(), text) for name, text in group if (match := FIELD.match(name))]
        marks = {code: text for code, kind, text in named if kind == "Flag"}
        elsewhere.update(marks)
        found += [Value(code, kind, text, marks.get(code, "")) for code, kind, text in named if kind not in MARKS]
    values = tuple(
        Value(one.code, one.kind, one.text, elsewhere[one.code]) if not one.mark and elsewhere.get(one.code) else one
        for one in found
    )
    return Data(kind_of(segment), time_of(segment.value("DataTime") or ""), values)


def time_of(text: str) -> datetime | None:
    """A time as HJ 212 writes it, 14 digits, or 17 with milliseconds; None when it is none."""
    match = TIME.match(text)
    if match is None:
        return None
    try:
        return datetime(*(int(part) for part in match.groups()[:6]))  # type: ignore[arg-type]
    except ValueError:
        return None


def length_of(kind: Kind, device: Device) -> int:
    """Minutes from the DataTime of a value to the end of the interval it stands for; 0 for a moment."""
    return {Kind.MINUTE: device.minutes, Kind.HOUR: 60 * device.hours, Kind.DAY: periods.DAY}.get(kind, 0)


def mark_of(segment: Segment, text: str) -> Mark:
    """What a mark says; the table depends on the version and, for water stations, on ST. No mark is a normal value."""
    return Mark.NONE if not text else marks_of(segment).get(text, Mark.OTHER)


def marks_of(segment: Segment) -> dict[str, Mark]:
    if segment.version is Version.V2005:
        return SOURCES_2005
    water = segment.version is Version.V2025_OR_WATER and segment.st == SURFACE_WATER
    return WATER if water else SOURCES_2017


def stands_for_nothing(segment: Segment, text: str) -> bool:
    """Whether a value is the largest of its type, by which HJ 212-2025 says that there is none (one source).

    >>> segment = Segment("A1", "2061", "22", flag=8)
    >>> [stands_for_nothing(segment, text) for text in ("9999.99", "99.99", "99999", "999", "9998")]
    [True, True, True, False, False]
    """
    return segment.version is Version.V2025_OR_WATER and LARGEST.match(text) is not None
