"""The water quality index of an area over a period (CWQI): its river sections and lake points, the year before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from envmon import periods, standards
from envmon.assess import city_index
from envmon.assess.city_index import CityIndex
from envmon.errors import NotInForce
from envmon.model import Body, Config, Kind, Reason, View
from envmon.periods import Period
from envmon.pipeline import lake_statistics, rating
from envmon.pipeline.rating import AS_IN_FORCE, WHOLE
from envmon.store import Store


@dataclass(frozen=True, slots=True)
class CityWater:
    """The index of an area over a period. excluded : sections and lake points that did not enter, by reason."""

    area: str
    period: Period
    edition: str  # of the limits
    basis: str
    index: CityIndex
    excluded: Mapping[Reason, int]


@dataclass(frozen=True, slots=True)
class CityReport:
    """A period beside the same one of the year before; None where that has no section. change : in steps, per cent."""

    now: CityWater
    before: CityWater | None
    change: int | None


def report(
    store: Store, config: Config, area: str, period: Period, now: int, view: View = AS_IN_FORCE
) -> CityReport | None:
    """The index of an area ("*" for the bureau) over the closed days of a period; None when it has no section."""
    closed = period.until(periods.today(now) - 1)
    if closed.days < 1 or not any(one.kind is Kind.SECTION and area in (WHOLE, one.area) for one in config.sites):
        return None
    found = over(store, config, area, closed, view, period)
    try:
        before = over(store, config, area, periods.year_before(closed), view, periods.year_before(period))
    except NotInForce:
        return CityReport(found, None, None)
    totals = found.index.total, before.index.total
    change = None
    if totals[0] is not None and totals[1] is not None:
        change = city_index.change(totals[0], totals[1], standards.city_index())
    return CityReport(found, before if before.index.bodies else None, change)


def over(store: Store, config: Config, area: str, period: Period, view: View, whole: Period) -> CityWater:
    """The index of an area over a period; `whole` is it to its end. Sections that are not counted stay out."""
    regime, rule = standards.water(period.last), standards.city_index()
    rivers = [
        site
        for site in config.sites
        if site.kind is Kind.SECTION and site.body is not Body.LAKE and area in (WHOLE, site.area)
    ]
    of_rivers = rating.judged(store, config, rivers, period, view, whole)
    of_lakes = lake_statistics.points(store, config, area, period, view, whole)
    found = [(False, one, lake_statistics.left_out(one, one.site.counted)) for one in of_rivers]
    found += [(True, one.judged, one.reason) for one in of_lakes]
    entered = [(lake, one) for lake, one, reason in found if reason is None]
    bodies = [
        city_index.body_index([one.means for lake, one in entered if lake is kind], kind, regime, rule)
        for kind in (False, True)
    ]
    excluded = Counter(reason for _, _, reason in found if reason is not None)
    basis = rating.basis_of([one for _, one in entered])
    return CityWater(area, period, regime.edition, basis, city_index.city_index(bodies, rule), excluded)
