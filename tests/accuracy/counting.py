"""How published values and the program's own compare: how many are equal, and what the others have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envmon.rounding import half_even, printed

PUBLISHED = Path(__file__).resolve().parent.parent / "published"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of difference: what explains it, how many values it has, and one of them."""

    explanation: str
    count: int
    example: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One published figure: how many values were compared and found equal; every other belongs to one kind."""

    figure: str
    published: int
    equal: int
    kinds: tuple[Kind, ...] = ()

    def __post_init__(self) -> None:
        counted = self.equal + sum(kind.count for kind in self.kinds)
        if counted != self.published:
            raise ValueError(f"{self.figure}: {self.published} values, but {counted} accounted for")

    @property
    def share(self) -> str:
        """Per cent of the values that are equal, to two decimals; 100.00 only when every one is."""
        hundredths = half_even(10_000 * self.equal, self.published)
        return f"{printed(hundredths if self.equal == self.published else min(hundredths, 9_999), 2)} %"
