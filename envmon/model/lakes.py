"""Two indices of water as printed: the trophic state of a lake, and the water quality index of a city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from envmon.model.places import WaterClass


@dataclass(frozen=True, slots=True)
class TrophicItem:
    """One part of the trophic state index: 10 * (a + b * ln x), x in the unit of the item; r2 makes its weight."""

    a: Fraction
    b: Fraction
    r2: Fraction


@dataclass(frozen=True, slots=True)
class TrophicLevel:
    """One trophic level (营养状态级别). at_most : largest index of it, in steps of the index; None: the last one."""

    id: str
    name: str
    name_en: str
    at_most: int | None


@dataclass(frozen=True, slots=True)
class TrophicRule:
    """The trophic state index, TLI(Σ), of 环办〔2011〕22号: its parts by item, its levels from clear to turbid."""

    id: str
    items: Mapping[str, TrophicItem]
    levels: tuple[TrophicLevel, ...]
    decimals: int


@dataclass(frozen=True, slots=True)
class CityIndexRule:
    """The city water quality index, CWQI: which items against which class, and the decimals of what is published."""

    id: str
    item_set: str
    reference: WaterClass
    neutral_ph: int
    decimals: int
    change_decimals: int  # of the change in per cent
    share_decimals: int  # of an item's share in per cent
