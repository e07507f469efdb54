"""Places: areas, monitoring sites, the kinds of water bodies and classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from envmon import periods


class Medium(StrEnum):
    AIR = "air"
    WATER = "water"


class Kind(StrEnum):
    """What a site is. An `area` is judged like a site: its values come from its stations or its `city` series."""

    AREA = "area"
    CITY = "city"  # the area's own published hourly series
    STATION = "station"
    SECTION = "section"
    SOURCE = "source"  # a drinking-water source

    @property
    def medium(self) -> Medium:
        """What is monitored there."""
        return Medium.WATER if self in (Kind.SECTION, Kind.SOURCE) else Medium.AIR


class StationType(StrEnum):
    """What an air station stands for. Only assessment stations make a city's values (HJ 663 annex A.2, note)."""

    ASSESSMENT = "assessment"
    REGIONAL = "regional"
    BACKGROUND = "background"
    SOURCE = "source"  # beside a source of pollution
    ROADSIDE = "roadside"
    CONTROL = "control"


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
    items: tuple[str, ...] = ()  # pollutants monitored by plan, in any order; () = all six


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
    intake: int | None = None  # usual intake of a source, in steps of 10 t a month (10^4 t with three decimals)
    counted: bool = True  # False: shown, but not part of any rate
    type: StationType = StationType.ASSESSMENT  # of a station; any other is not counted
    opened: int | None = None  # first day (days since 1970) on which it counts; None: since ever
    closed: int | None = None  # last day on which it counts; None: it is open
    attributes: Mapping[str, str] = field(default_factory=dict)  # basin, river, chief, longitude, ...

    @property
    def open_days(self) -> tuple[int, int]:
        """First and last day of operation, far away where they are not known."""
        first = periods.FIRST_DAY if self.opened is None else self.opened
        return first, periods.LAST_DAY if self.closed is None else self.closed

    def open_on(self, day: int) -> bool:
        """Whether the site is in operation on a day."""
        return (self.opened is None or self.opened <= day) and (self.closed is None or day <= self.closed)
