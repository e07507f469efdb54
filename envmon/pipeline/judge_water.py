"""Judge the water: each day and month of a section, each sampling round of a drinking-water source, that was touched.

Open days are judged to date and again when more arrives, months on their closed days. An automatic station's month is
the mean of its readings; a section that was also sampled by hand has a judgement of each kind, and `in_force` says
which one counts.
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from envmon import periods, qc, standards
from envmon.assess import water
from envmon.errors import NotInForce
from envmon.model import (
    ABSENT,
    Basis,
    Body,
    Config,
    Flag,
    Kind,
    Mark,
    Medium,
    Site,
    Status,
    Verdict,
    WaterPeriod,
    WaterRegime,
)
from envmon.periods import Period
from envmon.pipeline import agreeing, quality
from envmon.store import Store

LOG = logging.getLogger("envmon.judge")

NOT_OF_WATER = ("missing", "pm_order", "nox_order", "neighbours", *qc.AT_ENTRY)
"""QC tests that have nothing to say here: an item that a section does not measure is not a gap, and silence is an alert
of its own; duplicates are found where a payload is stored, sources that differ where streams are compared."""

WIDEST = 100  # sites that are judged in one go: what has to fit into memory together

SETS = {
    Basis.MANUAL: "section_21",
    Basis.MERGED: "section_21",
    Basis.REALTIME: "auto_5",
    Basis.REVIEWED: "auto_5",
}

Row = tuple[int, int, int, int, int, int, int]
Readings = Sequence[Row]
"""Rows of `Store.water_readings`: site, ending, parameter, value, mark, basis, span."""


@dataclass(frozen=True, slots=True)
class Part:
    """Sites to judge in one month, each with its days that were touched."""

    month: Period
    days: Mapping[int, set[int]]


def parts(store: Store, config: Config, now: int) -> list[Part]:
    """What is pending, oldest first, in groups of at most WIDEST sites.

    A month is judged on its closed days, so that it says the same all day long: the sites with readings of a day that
    has closed since the last round come along, touched or not.
    """
    sites = {store.site_numbers[one.id] for one in config.sites if one.kind.medium is Medium.WATER}
    today, closed = periods.today(now), judged_until(store)
    touched = store.dirty(Medium.WATER)
    if closed < today - 1:
        touched += store.water_days(closed + 1, today - 1)
    pending: dict[Period, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for day, number in touched:
        if number in sites and day <= today:
            pending[periods.month_of(day)][number].add(day)
    found = []
    for month, days in sorted(pending.items()):
        numbers = sorted(days)
        for start in range(0, len(numbers), WIDEST):
            found.append(Part(month, {number: days[number] for number in numbers[start : start + WIDEST]}))
    return found


def judge_water(store: Store, config: Config, part: Part, now: int) -> list[WaterPeriod]:
    """Judge one part; saves the judgements, which it returns, and the QC verdicts they rest on.

    Where a reading may make those beside it invalid, all days of the month are judged and not only those touched.
    """
    sites = {store.site_numbers[site.id]: site for site in config.sites if store.site_numbers[site.id] in part.days}
    received, valid = checked(store, config, list(sites), part.month)
    decides = qc.reach(config.qc).decides
    made = []
    for number, site in sites.items():
        beside = {periods.day_of(row[1]) for row in received[number]} if decides else set()
        for day in sorted(part.days[number] | {day for day in beside if day <= periods.today(now)}):
            made += judge_span(config, site, number, received[number], valid[number], periods.single(day))
        closed = part.month.until(periods.today(now) - 1)
        if closed.days > 0:
            month = judge_span(config, site, number, received[number], valid[number], closed)
            made += [replace(one, span="month", last=part.month.last) for one in month]
    store.save_water(made)
    store.clean(Medium.WATER, [(day, number) for number, days in part.days.items() for day in days])
    return made


def close_months(store: Store, now: int) -> None:
    """Remember that every month has been judged on its days up to yesterday."""
    store.set_meta("water_closed", periods.today(now) - 1)


def judged_until(store: Store) -> int:
    """The last day that is in the judgement of its month; without end when no round has ended yet."""
    if store.as_of is not None:
        return periods.today(store.as_of) - 1
    return int(store.meta("water_closed") or periods.LAST_DAY)


def days_of(store: Store, config: Config, sites: Mapping[int, Site], period: Period) -> list[WaterPeriod]:
    """The judgements of the single days of some sites, as stored or as they would have been made at an earlier time."""
    if store.as_of is None:
        return store.water(list(sites), "day", period.first, period.last)
    made = []
    for month in periods.months(period):
        received, valid = checked(store, config, list(sites), month, save=False)
        for number, site in sites.items():
            for day in sorted({periods.day_of(row[1]) for row in received[number]}):
                if day in period:
                    made += judge_span(config, site, number, received[number], valid[number], periods.single(day))
    return sorted(made, key=lambda one: (one.first, one.site, one.basis))


def months_of(store: Store, config: Config, sites: Mapping[int, Site], month: Period) -> list[WaterPeriod]:
    """The judgements of one month of some sites on its closed days, as stored or as of an earlier time."""
    if store.as_of is None:
        return store.water(list(sites), "month", month.first, month.first)
    closed = month.until(judged_until(store))
    made = of_part(store, config, sites, closed) if closed.days > 0 else []
    return [replace(one, last=month.last) for one in made]


def of_part(store: Store, config: Config, sites: Mapping[int, Site], period: Period) -> list[WaterPeriod]:
    """Judgements of some sites on the readings of any days, made as those of a month are; nothing is stored."""
    received: dict[int, list[Row]] = defaultdict(list)
    valid: dict[int, list[Row]] = defaultdict(list)
    for month in periods.months(period):
        for found, kept in zip((received, valid), checked(store, config, list(sites), month, save=False), strict=True):
            for number, rows in kept.items():
                found[number] += rows
    return [
        replace(one, span="month")
        for number, site in sites.items()
        for one in judge_span(config, site, number, received[number], valid[number], period)
    ]


def checked(
    store: Store, config: Config, numbers: Sequence[int], month: Period, save: bool = True
) -> tuple[dict[int, list[Row]], dict[int, list[Row]]]:
    """The readings of a month by site: as received, and those that QC lets count; saves the verdicts if wanted."""
    start, end = periods.hour_ending(month.first, 0), periods.hour_ending(month.last, 24)
    received: dict[int, list[Row]] = {number: [] for number in numbers}
    for row in store.water_readings(numbers, start, end):
        received[row[0]].append(row)
    valid: dict[int, list[Row]] = {}
    found: list[Verdict] = []
    for number, rows in received.items():
        valid[number] = []
        for basis in sorted({row[5] for row in rows}):
            own = [row for row in rows if row[5] == basis]
            verdicts = list(spoken(store, config, own, number, start))
            failed = left_out(verdicts)
            valid[number] += [row for row in own if (row[1], row[2]) not in failed]
            found += verdicts
    if save:
        tests = [test for test in qc.TESTS if test not in NOT_OF_WATER]
        store.save_flags([*tests, qc.REVIEW], numbers, start, end, found)
        agreeing.compare(store, config, numbers, start, end)
    return received, valid


def left_out(verdicts: Sequence[Verdict]) -> set[tuple[int, int]]:
    """(ending, parameter) of the readings that do not count: those that failed a test, unless people said otherwise."""
    failed = {(one.ending, one.parameter) for one in verdicts if one.flag >= Flag.FAIL}
    kept = {(one.ending, one.parameter) for one in verdicts if one.test == qc.REVIEW and one.flag < Flag.FAIL}
    return failed - kept


def verdicts(store: Store, config: Config, number: int, month: Period) -> list[Verdict]:
    """What QC says of one site's readings of a month, in their order; nothing is stored."""
    start, end = periods.hour_ending(month.first, 0), periods.hour_ending(month.last, 24)
    rows = store.water_readings([number], start, end)
    bases = sorted({row[5] for row in rows})
    found = [
        one for basis in bases for one in spoken(store, config, [row for row in rows if row[5] == basis], number, start)
    ]
    found += agreeing.verdicts(store, config, [number], start, end)
    return sorted(found, key=lambda one: (one.ending, one.parameter, one.test))


def spoken(store: Store, config: Config, rows: Readings, number: int, start: int) -> Iterator[Verdict]:
    """What QC says of one site's readings of one basis, laid on the evenly spaced times they share."""
    by_number = standards.parameter_numbers()
    items = sorted({row[2] for row in rows})
    step = math.gcd(*(row[1] - start for row in rows))
    length = max(row[1] - start for row in rows) // step
    values = np.full((len(items), length, 1), ABSENT, np.int64)
    marks = np.zeros(values.shape, np.int8)
    for _, ending, parameter, value, mark, _, _ in rows:
        place = items.index(parameter), (ending - start) // step - 1, 0
        values[place], marks[place] = value, mark
    site = [one for one in config.sites if store.site_numbers[one.id] == number]
    frame = quality.frame_of(config, site, start, step, 0)
    reviews = store.reviews_in_force(frame.sites)
    found = quality.checked(values, marks, [by_number[item] for item in items], config, frame, reviews)
    for test in NOT_OF_WATER:
        found.flags.pop(test, None)
    return found.verdicts([number], slice(0, length))


def judge_span(
    config: Config, site: Site, number: int, received: Readings, valid: Readings, span: Period
) -> list[WaterPeriod]:
    """One judgement for each basis (automatic, manual) of which readings were received in the span.

    Where QC let none of them count it says INVALID: an earlier judgement of the same days must not stand.
    """
    made = []
    for basis in sorted({row[5] for row in received if periods.day_of(row[1]) in span}):
        own = [row for row in valid if row[5] == basis and periods.day_of(row[1]) in span]
        try:
            regime, item_set = law_of(config, site, Basis(basis), span.last)
        except NotInForce:
            LOG.info("%s %s lies before the first standard: kept, not judged", site.id, span.name)
            continue
        exact = water.means(by_item(own, regime), regime)
        count = len({row[1] for row in own})
        sample = water.rounded(exact, regime) if count > 1 else as_printed(own, regime)
        judgement = water.judge(sample, site.body, regime, item_set)
        if not own:
            judgement = replace(judgement, status=Status.INVALID)
        made.append(WaterPeriod(number, "day", span.first, span.last, Basis(basis), count, judgement, exact))
    return made


def law_of(config: Config, site: Site, basis: Basis, day: int) -> tuple[WaterRegime, str]:
    """The regime and the item set by which a site is judged on a day."""
    if site.kind is Kind.SOURCE and site.body is Body.GROUNDWATER:
        return standards.of_sources("groundwater_sources", day, config.assessment.groundwater_sources)
    if site.kind is Kind.SOURCE:
        return standards.of_sources("surface_sources", day, config.assessment.surface_sources)
    return standards.water(day), SETS[basis]


def law_of_parts(config: Config, site: Site, parts: Iterable[WaterPeriod], day: int) -> tuple[WaterRegime, str]:
    """The regime and the item set of the mean of several parts, of one section or of several.

    What was sampled by hand in some parts and measured automatically in others is judged on what both have; where a
    bureau merges both, on everything.
    """
    by_hand = [one.basis in (Basis.MANUAL, Basis.MERGED) for one in parts]
    manual = any(by_hand) if config.assessment.section_data == "merged" else all(by_hand)
    return law_of(config, site, Basis.MANUAL if manual else Basis.REALTIME, day)


def by_item(rows: Readings, regime: WaterRegime) -> dict[str, list[tuple[int, bool]]]:
    """Readings of one site by item id; of two values for one time the stream entered first wins."""
    names = standards.parameter_numbers()
    latest: dict[tuple[int, int], tuple[int, bool]] = {}
    for _, ending, parameter, value, mark, _, _ in rows:
        latest[parameter, ending] = (value, mark == Mark.CENSORED)
    found: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for (parameter, _), one in latest.items():
        if names[parameter].id in regime.items:
            found[names[parameter].id].append(one)
    return found


def as_printed(rows: Readings, regime: WaterRegime) -> Mapping[str, tuple[int, bool]]:
    """A single sample, judged as it was printed and not rounded."""
    return {item: values[-1] for item, values in by_item(rows, regime).items()}


def sample_of(means: water.Means, readings: int, regime: WaterRegime, printed: Collection[str] = ()) -> water.Sample:
    """What means are judged by: rounded; those of a single reading, and the `printed` items, as they were printed."""
    single = means if readings == 1 else {item: mean for item, mean in means.items() if item in printed}
    as_they_stand = {
        item: (2 * top // bottom if below else top // bottom, bool(below))
        for item, (top, bottom, below) in single.items()
    }
    return as_they_stand if readings == 1 else {**water.rounded(means, regime), **as_they_stand}


AUTOMATIC_FIRST = (Basis.REVIEWED, Basis.REALTIME, Basis.MANUAL)
MANUAL_FIRST = (Basis.MANUAL, Basis.REVIEWED, Basis.REALTIME)


def in_force(config: Config, site: Site, found: Sequence[WaterPeriod]) -> WaterPeriod | None:
    """Of a site's judgements of one period the one that counts: a valid one first, then by the bureau's rule.

    A source counts by its samples. Where values are merged, the month has one judgement made of both.
    """
    rule = config.assessment.section_data if site.kind is Kind.SECTION else "manual"
    first = AUTOMATIC_FIRST if rule == "automatic" else MANUAL_FIRST
    order = sorted(found, key=lambda one: (one.judgement.status, first.index(one.basis)))
    if rule == "merged":  # whichever of them could be judged alone: a laboratory may do just what the station cannot
        manual = next((one for one in order if one.basis is Basis.MANUAL and one.means), None)
        automatic = next((one for one in order if one.basis is not Basis.MANUAL and one.means), None)
        if manual is not None and automatic is not None:
            return merged(config, site, manual, automatic)
    return order[0] if order else None


def merged(config: Config, site: Site, manual: WaterPeriod, automatic: WaterPeriod) -> WaterPeriod:
    """One judgement of the items an automatic station goes first for, and of the laboratory's others (HBJCH2020-82)."""
    regime, item_set = law_of(config, site, Basis.MANUAL, manual.last)
    first = {item: mean for item, mean in automatic.means.items() if item in standards.automatic_first()}
    means = {**manual.means, **first}
    readings = manual.readings + automatic.readings
    by_hand = manual.means.keys() - first.keys() if manual.readings == 1 else ()
    printed = (*sorted(by_hand), *(first if automatic.readings == 1 else ()))
    judgement = water.judge(sample_of(means, readings, regime, printed), site.body, regime, item_set)
    return replace(manual, basis=Basis.MERGED, readings=readings, judgement=judgement, means=means, printed=printed)


def made_of(store: Store, part: WaterPeriod) -> set[tuple[str, Basis]]:
    """The items, each with the kind of data, whose values a judgement in force is made of: those of its basis, and of a
    merged one what `merged` takes from the station and from the laboratory."""
    names = standards.parameter_numbers()
    rows = store.water_readings([part.site], periods.hour_ending(part.first, 0), periods.hour_ending(part.last, 24))
    given = {(names[row[2]].id, Basis(row[5])) for row in rows}
    if part.basis is not Basis.MERGED:
        return {(item, basis) for item, basis in given if basis is part.basis}
    automatic = {item for item, basis in given if basis is not Basis.MANUAL} & set(standards.automatic_first())
    return {(item, basis) for item, basis in given if (basis is not Basis.MANUAL) == (item in automatic)}
