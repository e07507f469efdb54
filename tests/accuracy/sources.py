"""Published shares of drinking water (饮用水水源达标率) counted again by the program's own rates."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache

from envmon import periods, rounding
from envmon.assess import rates
from envmon.model import Kind as SiteKind
from envmon.model import Rate, Site, Status, WaterClass, WaterJudgement
from tests.accuracy.counting import PUBLISHED, Comparison, Kind

FILE = PUBLISHED / "water" / "drinking_water_shares.csv"
INTAKE = 3  # decimals of an intake in 10^4 t
CLASS_II = "class II or better"


@dataclass(frozen=True, slots=True)
class Share:
    """One published share: its counts as printed, its percentage in tenths, and our rate of the same counts."""

    period: str
    region: str
    share: str  # number, volume, or a class
    compliant: str
    total: str
    unit: str
    report: str
    tenths: int
    ours: Rate

    @property
    def tie(self) -> bool:
        """Whether the exact share lies half-way between two tenths of a percent."""
        return 2000 * self.ours.numerator % (2 * self.ours.denominator) == self.ours.denominator


@cache
def shares() -> tuple[Share, ...]:
    with FILE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    made = []
    for row in rows:
        tenths = rounding.scaled(row.pop("percent"), 1)
        ours = counted(row["share"], row["period"], row["compliant"], row["total"])
        made.append(Share(**row, tenths=tenths, ours=ours))
    return tuple(made)


def counted(share: str, period: str, compliant: str, total: str) -> Rate:
    """The program's rate of so many sources, or of so much water from sources that comply and that do not."""
    when = periods.parse(period)
    if share == "volume":
        good, every = (rounding.scaled(text, INTAKE) for text in (compliant, total))
        taken = [source(WaterClass.III, good), source(WaterClass.IV, every - good)]
        return rates.good_sources_volume("*", when, taken, "manual")
    asked = WaterClass.II if share == CLASS_II else WaterClass.III
    judged = [source(asked if at < int(compliant) else WaterClass.IV, asked=asked) for at in range(int(total))]
    count = rates.target_met if share == CLASS_II else rates.good_sources
    return count("*", when, judged, "manual")


def source(
    water_class: WaterClass, intake: int | None = None, asked: WaterClass = WaterClass.III
) -> tuple[Site, WaterJudgement]:
    """A source of a class, its intake in steps of 10 t, and the class asked of it."""
    site = Site("source", "source", SiteKind.SOURCE, "area", target_class=asked, intake=intake)
    return site, WaterJudgement(Status.VALID, water_class, (), (), (), (), "printed", "printed")


@cache
def comparison() -> Comparison:
    wrong = [one for one in shares() if one.ours.tenths != one.tenths]
    kinds = {
        "the exact share is a tie: the report rounds it half up, GB/T 8170 to the even digit": [
            o for o in wrong if o.tie
        ],
        "unexplained": [one for one in wrong if not one.tie],
    }
    made = (Kind(text, len(found), example(found[0])) for text, found in kinds.items() if found)
    return Comparison("share of sources or of water, to 0.1 %", len(shares()), len(shares()) - len(wrong), tuple(made))


def example(one: Share) -> str:
    ours = "none" if one.ours.tenths is None else rounding.printed(one.ours.tenths, 1)
    published = rounding.printed(one.tenths, 1)
    return f"{one.period}, {one.compliant} of {one.total} {one.unit}: published {published}, ours {ours}"
