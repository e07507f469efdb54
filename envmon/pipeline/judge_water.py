"""Judge the water: each day and month of a section, each sampling round of a drinking-water source, that was touched.

Open days and months are judged to date and again when more arrives. An automatic station's month is the mean of its
readings; a section that was also sampled by hand has a judgement of each kind, and `in_force` says which one counts.
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

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
    Verdict,
    WaterPeriod,
    WaterRegime,
)
from envmon.periods import Period
from envmon.store import Store

LOG = logging.getLogger("envmon.judge")

NOT_OF_WATER = ("missing", "pm_order", "duplicate")
"""QC tests that have nothing to say here: an item that a section does not measure is not a gap, and silence is an alert
of its own; duplicates are found where a payload is stored."""

SETS = {Basis.MANUAL: "section_21", Basis.REALTIME: "auto_5", Basis.REVIEWED: "auto_5"}

Row = tuple[int, int, int, int, int, int, int]
Readings = Sequence[Row]
"""Rows of `Store.water_readings`: site, ending, parameter, value, mark, basis, span."""


def judge_water(store: Store, config: Config, now: int) -> list[WaterPeriod]:
    """Judge what is pending; returns the judgements that were made."""
    sites = {store.site_numbers[s.id]: s for s in config.sites if s.kind in (Kind.SECTION, Kind.SOURCE)}
    pending: dict[int, set[int]] = defaultdict(set)
    dirty = store.dirty(Medium.WATER)
    for day, number in dirty:
        if number in sites and day <= periods.today(now):
            pending[number].add(day)
    made: list[WaterPeriod] = []
    for number, days in pending.items():
        made += judge_site(store, config, sites[number], number, days)
    store.save_water(made)
    store.clean(Medium.WATER, [(day, number) for day, number in dirty if day in pending.get(number, ())])
    return made


def judge_site(store: Store, config: Config, site: Site, number: int, days: Iterable[int]) -> list[WaterPeriod]:
    """The judgements of one site that its touched days ask for; saves its QC verdicts."""
    made = []
    for month in sorted({periods.month_of(day) for day in days}):
        start, end = periods.hour_ending(month.first, 0), periods.hour_ending(month.last, 24)
        rows = store.water_readings([number], start, end)
        valid = checked(store, config, number, rows, start, end)
        spans = {periods.single(day) for day in month if day in days} | {month}
        for span in sorted(spans):
            made += judge_span(site, number, valid, span)
    return made


def checked(store: Store, config: Config, number: int, rows: Readings, start: int, end: int) -> Readings:
    """The readings of one site that QC lets count; saves the verdicts."""
    kept: list[Row] = []
    found: list[Verdict] = []
    for basis in sorted({row[5] for row in rows}):
        own = [row for row in rows if row[5] == basis]
        verdicts = list(spoken(own, number, start, config.qc))
        failed = {(one.ending, one.parameter) for one in verdicts if one.flag >= Flag.FAIL}
        kept += [row for row in own if (row[1], row[2]) not in failed]
        found += verdicts
    store.save_flags([test for test in qc.TESTS if test not in NOT_OF_WATER], [number], start, end, found)
    return kept


def spoken(rows: Readings, number: int, start: int, settings: Mapping[str, qc.Settings]) -> Iterator[Verdict]:
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
    flags = qc.check(values, marks, [by_number[item] for item in items], settings)
    own = {test: verdict for test, verdict in flags.items() if test not in NOT_OF_WATER}
    return qc.verdicts(own, start, step, [number], items)


def judge_span(site: Site, number: int, rows: Readings, span: Period) -> list[WaterPeriod]:
    """One judgement for each basis (automatic, manual) that has readings in the span."""
    made = []
    name = "day" if span.days == 1 else "month"
    for basis in sorted({row[5] for row in rows}):
        own = [row for row in rows if row[5] == basis and periods.day_of(row[1]) in span]
        if not own:
            continue
        try:
            regime, item_set = law_of(site, Basis(basis), span.last)
        except NotInForce:
            LOG.info("%s %s lies before the first standard: kept, not judged", site.id, span.name)
            continue
        exact = water.means(by_item(own, regime), regime)
        count = len({row[1] for row in own})
        sample = water.rounded(exact, regime) if count > 1 else as_printed(own, regime)
        judgement = water.judge(sample, site.body, regime, item_set)
        made.append(WaterPeriod(number, name, span.first, span.last, Basis(basis), count, judgement, exact))
    return made


def law_of(site: Site, basis: Basis, day: int) -> tuple[WaterRegime, str]:
    """The regime and the item set by which a site is judged on a day."""
    if site.kind is Kind.SOURCE and site.body is Body.GROUNDWATER:
        return standards.groundwater(day), "source_groundwater_39"
    if site.kind is Kind.SOURCE:
        return standards.water(day), "source_surface_61"
    return standards.water(day), SETS[basis]


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


def in_force(found: Sequence[WaterPeriod]) -> WaterPeriod | None:
    """Of a site's judgements of one period the one that counts: a valid manual one before an automatic one."""
    order = sorted(found, key=lambda one: (one.judgement.status, one.basis is not Basis.MANUAL))
    return order[0] if order else None
