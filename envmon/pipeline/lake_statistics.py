"""Lakes over a period: their sampling points, the class and the trophic state of their means, the year before.

A section of a lake belongs to the one its attribute `lake` names (without it, to one of its own name); sections with
the same `point` are depths of one sampling point. Means are made over depths, then over time, then over points.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from envmon import periods, standards
from envmon.assess import lakes, water
from envmon.assess.lakes import TrophicState
from envmon.errors import NotInForce
from envmon.model import (
    LEAVING,
    Basis,
    Body,
    Config,
    EventKind,
    Kind,
    Reason,
    Site,
    Status,
    View,
    WaterClass,
    WaterJudgement,
    WaterPeriod,
)
from envmon.periods import Period
from envmon.pipeline import judge_water, rating
from envmon.pipeline.rating import AS_IN_FORCE, WHOLE, Judged
from envmon.store import Store

LAKE, POINT = "lake", "point"
"""Attributes of a section: the lake it belongs to, the sampling point of which it is one depth."""

WITH_MEANS = (Status.VALID, Status.INSUFFICIENT, Status.NOT_JUDGEABLE, Status.MISSING)
"""What has means may enter with them though it has no class: the items of the trophic state do not decide one."""


@dataclass(frozen=True, slots=True)
class Point:
    """One sampling point of a lake over a period, made of one section or of several depths. reason : it is left out."""

    name: str
    sites: tuple[Site, ...]
    judged: Judged
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Lake:
    """A lake over a period.

    entered : the points in its means; judgement : None when no reading came; nitrogen : class of its total nitrogen;
    means : exact. A lake of which no point is counted is shown on all of them; it enters no rate and no index.
    """

    name: str
    period: Period
    points: tuple[Point, ...]
    entered: tuple[Point, ...]
    judgement: WaterJudgement | None
    nitrogen: WaterClass
    means: water.Means
    trophic: TrophicState


@dataclass(frozen=True, slots=True)
class LakeReport:
    """A lake over a period beside the same period of the year before; None: no point has a value of it."""

    now: Lake
    before: Lake | None


def report(
    store: Store, config: Config, area: str, period: Period, now: int, view: View = AS_IN_FORCE
) -> list[LakeReport]:
    """The lakes of an area ("*" for the bureau) over the closed days of a period, in the order of the sites."""
    closed = period.until(periods.today(now) - 1)
    if closed.days < 1:
        return []
    found = over(store, config, area, closed, view, period)
    try:
        before = over(store, config, area, periods.year_before(closed), view, periods.year_before(period))
    except NotInForce:
        before = []
    earlier = {one.name: one for one in before if one.entered}
    return [LakeReport(lake, earlier.get(lake.name)) for lake in found]


def over(store: Store, config: Config, area: str, period: Period, view: View, whole: Period) -> list[Lake]:
    """Every lake of an area over a period; `whole` is the period to its end."""
    of_lake: dict[str, list[Point]] = defaultdict(list)
    for point in points(store, config, area, period, view, whole):
        of_lake[lake_name(point.sites[0])].append(point)
    return [lake_of(config, name, own, period) for name, own in of_lake.items()]


def lake_name(site: Site) -> str:
    return site.attributes.get(LAKE) or site.name


def lake_of(config: Config, name: str, points: Sequence[Point], period: Period) -> Lake:
    """The class and trophic state of a lake on the mean of its points; of a single point its own judgement."""
    entered = [point for point in points if point.reason is None]
    if not entered:
        entered = [point for point in points if left_out(point.judged, counted=True) is None]
    own = [point.judged for point in entered]
    parts = [part for one in own for part in one.parts]
    regime, item_set = judge_water.law_of_parts(config, points[0].sites[0], parts, period.last)
    means = lakes.over_points([one.means for one in own], regime)
    if len(own) > 1:
        judgement: WaterJudgement | None = water.judge(water.rounded(means, regime), Body.LAKE, regime, item_set)
    else:  # its own, or why none of them has one
        judgement = next((one.judgement for one in own or [point.judged for point in points] if one.judgement), None)
    trophic = lakes.trophic_state(means, regime, standards.trophic())
    nitrogen = lakes.nitrogen_class(means, regime)
    return Lake(name, period, tuple(points), tuple(entered), judgement, nitrogen, means, trophic)


def points(store: Store, config: Config, area: str, period: Period, view: View, whole: Period) -> list[Point]:
    """The sampling points of the lakes of an area, each judged over a period; `whole` is the period to its end."""
    grouped: dict[tuple[str, str], list[Site]] = defaultdict(list)
    for site in config.sites:
        if site.kind is Kind.SECTION and site.body is Body.LAKE and area in (WHOLE, site.area):
            grouped[lake_name(site), site.attributes.get(POINT) or f"site {site.id}"].append(site)
    plain = [own[0] for own in grouped.values() if len(own) == 1]
    judged = {one.site.id: one for one in rating.judged(store, config, plain, period, view, whole)}
    found = []
    for own in grouped.values():
        site = own[0]
        one = judged[site.id] if len(own) == 1 else with_depths(store, config, own, period, view, whole)
        name = site.name if len(own) == 1 else site.attributes[POINT]
        found.append(Point(name, tuple(own), one, left_out(one, any(depth.counted for depth in own))))
    return found


def left_out(found: Judged, counted: bool) -> Reason | None:
    """Why a section or point does not enter the mean of several; None when it does."""
    if not counted:
        return Reason.NOT_COUNTED
    if found.judgement is None or (found.judgement.status in WITH_MEANS and not found.means):
        return Reason.MISSING
    return None if found.judgement.status in WITH_MEANS else Reason[found.judgement.status.name]


def with_depths(
    store: Store, config: Config, depths: Sequence[Site], period: Period, view: View, whole: Period
) -> Judged:
    """A point of several depths, judged like a section on means made over the depths of each day first.

    Depths that are not counted or not in use stay out. The store keeps one value of a section and time, so each depth
    is a section of its own.
    """
    counted = [site for site in depths if site.counted] or list(depths)
    so_far = period.until(judge_water.judged_until(store))
    events = [one for one in store.events_in_force() if one.kind in LEAVING and rating.touches(one, period)]
    unused = [one for one in events if one.kind is EventKind.UNUSED]
    used = [site for site in counted if not rating.covered(so_far, [e for e in unused if rating.concerns(e, site)])]
    counted = used or counted
    by_part: dict[tuple[Period, Basis], dict[int, list[WaterPeriod]]] = defaultdict(lambda: defaultdict(list))
    together = period.days < rating.LEAST_OF_MONTHS  # as `rating.parts_over` judges a section
    numbers = {store.site_numbers[site.id]: site for site in counted}
    for day in judge_water.days_of(store, config, numbers, period):
        site = numbers[day.site]
        if view.basis in (None, day.basis) and site.open_on(day.first):
            by_part[period if together else periods.month_of(day.first), day.basis][day.first].append(day)
    point = replace(
        counted[0],
        opened=None if any(one.opened is None for one in counted) else min(one.opened or 0 for one in counted),
        closed=None if any(one.closed is None for one in counted) else max(one.closed or 0 for one in counted),
    )
    parts = []
    for (span, basis), days in by_part.items():
        inside = Period(max(span.first, period.first), min(span.last, period.last), span.name)
        parts.append(part_of_depths(config, point, basis, inside, days))
    own = [] if parts and used else [one for one in events if any(rating.concerns(one, site) for site in counted)]
    return rating.over_period(config, point, parts, so_far, whole, own)


def part_of_depths(
    config: Config, site: Site, basis: Basis, month: Period, days: Mapping[int, Sequence[WaterPeriod]]
) -> WaterPeriod:
    """The judgement of a point for a month, or some days, from those of its depths, like a section's from readings."""
    regime, item_set = judge_water.law_of(config, site, basis, month.last)
    times = [[one.means for one in own if one.means] for own in days.values()]
    means = lakes.over_time([depths for depths in times if depths], regime)
    rows = [one for own in days.values() for one in own]
    readings = sum(one.readings for one in rows)
    sample = judge_water.sample_of(means, readings, regime)
    judgement = water.judge(sample, Body.LAKE, regime, item_set)
    if not means:
        judgement = replace(judgement, status=Status.INVALID)
    return WaterPeriod(rows[0].site, "month", month.first, month.last, basis, readings, judgement, means)
