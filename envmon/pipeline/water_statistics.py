"""Surface water over a period: the state of areas, rivers and basins, the year before, and trends of many periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from envmon import periods, standards
from envmon.assess import rates, water_levels
from envmon.assess.water_levels import MainItem, RankTrend, Shares
from envmon.errors import UsageError
from envmon.model import (
    Config,
    Direction,
    Exceeded,
    Kind,
    RateName,
    Reason,
    Site,
    Status,
    View,
    WaterChange,
    WaterItem,
    WaterJudgement,
    WaterLevel,
)
from envmon.periods import Period
from envmon.pipeline import judge_water, rating
from envmon.store import Store
from envmon.texts import t

BY = ("area", "river", "basin")
"""What sections are taken together by; river and basin are columns of sites.csv."""


@dataclass(frozen=True, slots=True)
class Group:
    """The bureau's sections of one area ("*": of all), river or basin."""

    by: str
    id: str
    name: str
    sites: tuple[Site, ...]


def groups(config: Config, area: str, by: str) -> tuple[list[Group], list[Site]]:
    """The sections of an area ("*" for all) group by group, and those that do not say what they belong to."""
    sections = [site for site in config.sites if site.kind is Kind.SECTION and area in (rating.WHOLE, site.area)]
    if by == "area":
        found = [
            Group(by, one.id, one.name, tuple(site for site in sections if site.area == one.id)) for one in config.areas
        ]
        if area == rating.WHOLE and len(config.areas) > 1:
            found.insert(0, Group(by, area, t("bureau.whole", config.language), tuple(sections)))
        return [one for one in found if one.sites], []
    own = [(site, site.attributes.get(by, "").strip()) for site in sections]
    names = dict.fromkeys(name for _, name in own if name)
    found = [Group(by, name, name, tuple(site for site, its in own if its == name)) for name in names]
    return found, [site for site, name in own if not name]


@dataclass(frozen=True, slots=True)
class WaterState:
    """The water of a group of sections over the closed days of a period.

    judged : sections that count, with a class; excluded : the others, each with its reason. by_shares : whether there
    were enough sections for shares to make the level; else `mean` judges the mean of their items, which is None when
    there is no section, or when rivers and lakes stand together, whose limits differ. main : of shares only.
    """

    group: Group
    period: Period
    judged: Sequence[rating.Judged]
    excluded: Sequence[tuple[Site, Reason]]
    shares: Shares
    by_shares: bool
    mean: WaterJudgement | None
    level: WaterLevel
    main: tuple[MainItem, ...]

    @property
    def basis(self) -> str:
        return rating.basis_of(self.judged)

    @property
    def editions(self) -> list[str]:
        return list(dict.fromkeys(one.judgement.edition for one in self.judged if one.judgement))


@dataclass(frozen=True, slots=True)
class WaterReport:
    """A period beside the same one of the year before (None: no section of it was judged).

    whole : the period asked for, of which `now` has the days that are over. points : change of the shares, in
    percentage points, better is positive; None when they are not compared. change : None without the year before, or
    when the sections of one were too few for shares and those of the other were not.
    """

    whole: Period
    now: WaterState
    before: WaterState | None
    points: Fraction | None
    change: WaterChange | None


def report(store: Store, config: Config, group: Group, period: Period, now: int, view: View) -> WaterReport | None:
    """The state of a group with its comparison; None for a period still to come."""
    closed = period.until(periods.today(now) - 1)
    if closed.days < 1:
        return None
    found = state(store, config, group, closed, view, period)
    before = state(store, config, group, periods.year_before(closed), view, periods.year_before(period))
    if not before.judged:
        return WaterReport(period, found, None, None, None)
    rules = standards.water_levels()
    points = change = None
    if found.by_shares == before.by_shares and WaterLevel.NONE not in (found.level, before.level):
        change = water_levels.change_of_levels(found.level, before.level, rules)
        if found.by_shares:
            points, by_shares = water_levels.change_of_shares(found.shares, before.shares, rules)
            change = water_levels.stronger(by_shares, change)
    return WaterReport(period, found, before, points, change)


def state(store: Store, config: Config, group: Group, period: Period, view: View, whole: Period) -> WaterState:
    """The sections of a group over a period, and the level they make; `whole` is the period to its end."""
    found = rating.judged(store, config, group.sites, period, view, whole)
    judged, excluded = [], []
    for one in found:
        reason = rates.reason_of(one.site, one.judgement)
        if reason is None:
            judged.append(one)
        else:
            excluded.append((one.site, reason))
    rules = standards.water_levels()
    shares = water_levels.shares_of(one.judgement.water_class for one in judged if one.judgement)
    mean: WaterJudgement | None = None
    main: tuple[MainItem, ...] = ()
    if by_shares := shares.total >= rules.min_sections:
        level = water_levels.level_by_shares(shares, rules)
        regime = standards.water(period.last)
        beyond = [beyond_iii(one, period) for one in judged]
        main = water_levels.main_of_sections(beyond, level, regime, rules)
    else:
        mean = mean_of(config, judged, period)
        level = WaterLevel.NONE if mean is None else water_levels.level_of(mean.water_class, rules)
    return WaterState(group, period, judged, excluded, shares, by_shares, mean, level, main)


def beyond_iii(one: rating.Judged, period: Period) -> tuple[Exceeded, ...]:
    """Every item of a judged section beyond class III, on the values it was judged by."""
    if one.judgement is None or one.judgement.good:
        return ()
    regime = standards.water(period.last)
    return water_levels.beyond_iii(rating.sample_of(one, regime), one.site.body, regime, one.judgement.item_set)


def mean_of(config: Config, judged: Sequence[rating.Judged], period: Period) -> WaterJudgement | None:
    """Few sections as one; a single one as it was judged."""
    if len(judged) < 2:
        return judged[0].judgement if judged else None
    bodies = {one.site.body for one in judged}
    if len(bodies) > 1:
        return None
    parts = [part for one in judged for part in one.parts]
    regime, item_set = judge_water.law_of_parts(config, judged[0].site, parts, period.last)
    return water_levels.judge_means([one.means for one in judged], bodies.pop(), regime, item_set)


# --- trends -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
    """One period of a series: its figure as printed, in the series' unit; None with the reason why there is none."""

    period: Period
    value: Fraction | None
    below: bool = False  # every reading was below its detection limit: half of it is the value
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A figure over several periods, and where it leads.

    item : a water item, or None for the share of good sections. decimals : of its figures. found : None when there are
    too few periods. better : None without a trend and where neither direction is better.
    """

    subject: str
    name: str
    item: WaterItem | None
    decimals: int
    points: Sequence[Point]
    found: RankTrend | None
    better: bool | None


GOOD_SECTIONS = RateName.GOOD_SECTIONS.value


def trend(store: Store, config: Config, subject: str, item: str, spans: Sequence[Period], view: View) -> Series:
    """A section's item, or an area's share of good sections, over periods that are over.

    Figures enter as they are printed, so that the result can be counted again by hand. Raises UsageError for a section,
    area or item that is not known.
    """
    if item == GOOD_SECTIONS:
        return trend_of_share(store, config, subject, spans, view)
    site = next((one for one in config.sites if one.kind is Kind.SECTION and subject in (one.id, one.name)), None)
    if site is None:
        raise UsageError(t("water_levels.no_section", config.language, subject=subject))
    entry = item_named(item, spans[-1].last, config.language)
    points = [point(store, config, site, entry, span, view) for span in spans]
    decimals = entry.decimals if entry.round_to is None else entry.round_to
    return _series(site.id, site.name, entry, decimals, points, entry.direction)


def trend_of_share(store: Store, config: Config, subject: str, spans: Sequence[Period], view: View) -> Series:
    """The share of good sections of an area, or of the whole bureau ("*")."""
    names = {rating.WHOLE: t("bureau.whole", config.language)} | {one.id: one.name for one in config.areas}
    area = next((key for key, name in names.items() if subject in (key, name)), None)
    if area is None:
        raise UsageError(t("water_levels.no_area", config.language, subject=subject, known=", ".join(names)))
    points = []
    for span in spans:
        tenths = rating.of_sites(store, config, RateName.GOOD_SECTIONS, area, span, view, span).tenths
        missing = Reason.MISSING if tenths is None else None
        points.append(Point(span, None if tenths is None else Fraction(tenths, 10), reason=missing))
    return _series(area, names[area], None, 1, points, Direction.AT_LEAST)


def _series(
    subject: str, name: str, item: WaterItem | None, decimals: int, points: Sequence[Point], direction: Direction
) -> Series:
    values = [one.value for one in points if one.value is not None]
    found = water_levels.trend_of(values, standards.water_levels())
    better = None if found is None else water_levels.is_better(found.trend, direction)
    return Series(subject, name, item, decimals, points, found, better)


def item_named(text: str, day: int, lang: str) -> WaterItem:
    """A water item by its id or either of its names. Raises UsageError naming what was probably meant."""
    from difflib import get_close_matches

    items = standards.water(day).items
    names = {name.lower(): one for one in items.values() for name in (one.name_en, one.name, one.id)}
    if text.strip().lower() not in names:
        close = get_close_matches(text.strip().lower(), names, 1)
        hint = t("cli.did_you_mean", lang, word=close[0]) if close else ", ".join(items)
        raise UsageError(t("water_levels.no_item", lang, item=text, hint=hint))
    return names[text.strip().lower()]


def point(store: Store, config: Config, site: Site, item: WaterItem, span: Period, view: View) -> Point:
    """The mean of one item over one period, rounded as it is judged; a year or quarter needs enough months of it."""
    (found,) = rating.judged(store, config, [site], span, view)
    months = [part for part in found.parts if item.id in part.means]
    if not months:
        status = found.judgement.status if found.judgement else Status.MISSING
        return Point(span, None, reason=rates.REASONS.get(status, Reason.MISSING))
    if len(months) < rating.least_rounds(config, span):
        return Point(span, None, reason=Reason.TOO_FEW_ROUNDS)
    value, below = rating.sample_of(found, standards.water(span.last))[item.id]
    return Point(span, Fraction(value, 10**item.decimals * (2 if below else 1)), below)
