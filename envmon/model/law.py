"""The printed standards as nouns: breakpoints, limits, validity, water items, and the regime of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


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
    hour_minutes: Mapping[str, int]  # by pollutant: minutes an hourly mean needs; 0: one value is enough


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
class AirStatistics:
    """HJ 663: how daily values become figures of a month, quarter or year; mappings are by pollutant.

    decimals, evaluation : decimals of a figure as published, and as compared with a limit (table 3).
    percentiles : in per cent (table 1). with_mean : pollutants whose annual mean is judged beside their percentile.
    moving_years : years of the moving mean; None: the edition does not know it.
    """

    decimals: Mapping[str, int]
    evaluation: Mapping[str, int]
    percentiles: Mapping[str, int]
    with_mean: tuple[str, ...]
    multiple_decimals: int
    moving_years: int | None


@dataclass(frozen=True, slots=True)
class Composite:
    """The composite index (环境空气质量综合指数): which figure of a pollutant enters, its weight, decimals."""

    id: str
    grade: int
    weights: Mapping[str, int]
    with_percentile: tuple[str, ...]
    ratio_decimals: int
    decimals: int


@dataclass(frozen=True, slots=True)
class AirRegime:
    """What is in force for ambient air on a day: limits, index, assessment method."""

    limits: LimitPhase
    index: IndexEdition
    validity: AirValidity
    statistics: AirStatistics
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
    required: tuple[str, ...] = ()  # without one of these there is no class
    optional: tuple[str, ...] = ()  # judged when measured, not missed when not
    compliance: bool = False  # asks whether a source complies: one item over its limit settles it, whatever is missing


@dataclass(frozen=True, slots=True)
class WaterRegime:
    """What is in force for surface water (or groundwater) on a day."""

    edition: str  # "GB 3838-2002" | "GB/T 14848-2017"
    method: str  # "环办〔2011〕22号" ...
    items: Mapping[str, WaterItem]
    sets: Mapping[str, WaterItemSet]
    max_main: int  # at most so many main indicators are listed
    min_rounds: tuple[int, int]  # months in which a section must be judged for a whole (quarter, year) to be
    multiple_decimals: int
