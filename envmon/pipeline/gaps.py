"""The gap ledger: every expected slot of every counted site that reports by itself, and why it has no valid value.

It is made from what the store holds anyway: readings with the batch they came in, QC verdicts, the runs of each source
and the files that were given. Air: each hour of each item of the area; sections: each interval of each item they gave
in the last thirty days; days only of a site that gives nothing but days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from envmon import periods, qc, standards
from envmon.model import (
    ABSENT,
    POLLUTANTS,
    Basis,
    BoolArray,
    Config,
    Flag,
    Gap,
    GapCause,
    IntArray,
    Kind,
    Mark,
    Medium,
    Site,
    SiteGaps,
    SourceSpec,
    Span,
    Stream,
)
from envmon.periods import Period
from envmon.sources import SOURCES
from envmon.sources.hj212 import TELEMETRY
from envmon.store import Store

AIR = (Kind.CITY, Kind.STATION)
USUAL = 30  # days before a period in which a site shows what it gives, and which source gives it
SAMPLED = 240  # minutes between the times at which that is looked up
REVIEW = "review"  # the test whose verdict somebody gave by hand
NEVER = 2**40
CODE = {cause: at for at, cause in enumerate(GapCause, 1)}


def ledger(
    store: Store, config: Config, period: Period, now: int, sites: Sequence[Site] | None = None
) -> list[SiteGaps]:
    """The gaps of a period up to now, site by site in the order of the config; of some sites when they are named."""
    wanted = [site for site in config.sites if followed(site) and (sites is None or site in sites)]
    start, end = periods.hour_ending(period.first, 0), min(periods.hour_ending(period.last, 24), now // 60 * 60)
    if not wanted or end <= start:
        return []
    book = Book(store, config, wanted, start, end, now)
    return [of_site(book, site) for site in wanted]


def followed(site: Site) -> bool:
    """Whether values of a site are expected at a steady pace: it counts, and is not sampled by hand."""
    return site.counted and site.kind in (*AIR, Kind.SECTION) and site.attributes.get("sampling") != "manual"


@dataclass
class Book:
    """What the store knows of some sites between two minutes, read once for all of them."""

    store: Store
    config: Config
    sites: Sequence[Site]
    start: int
    end: int
    now: int
    routes: dict[tuple[str, int], Route] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers = {site.id: self.store.site_numbers[site.id] for site in self.sites}
        ids = list(self.numbers.values())
        self.hours = list(range(self.start + 60, self.end + 1, 60))
        self.streams: dict[int, Stream] = self.store.streams()
        self.items = standards.parameter_numbers()
        self.values = by_site(self.store.slot_values(self.hours, ids))
        seen = range((self.start // SAMPLED - USUAL * periods.DAY // SAMPLED) * SAMPLED, self.start + 1, SAMPLED)
        given = self.store.usual_streams(list(seen), ids)
        for number, columns in self.values.items():
            given += [(number, *pair) for pair in np.unique(columns[1:3], axis=1).T.tolist()]
        self.usual: dict[int, set[tuple[int, Stream]]] = {number: set() for number in ids}
        for number, item, stream in given:
            if self.streams[stream].basis is not Basis.MANUAL and self.streams[stream].span >= Span.HOUR:
                self.usual[number].add((item, self.streams[stream]))
        self.history = by_site(self.store.slot_history(self.hours, ids))
        self.spoken: dict[int, list[tuple[int, int, str, int]]] = {}
        for number, *rest in self.store.spoken_slots(self.hours, ids, Flag.FAIL, REVIEW):
            self.spoken.setdefault(number, []).append(tuple(rest))  # type: ignore[arg-type]
        told = [column[-1] for table in (self.values, self.history) for column in table.values()]
        self.batches = self.store.batches({number for column in told for number in np.unique(column).tolist()})

    @cached_property
    def learned(self) -> tuple[IntArray, IntArray]:
        """The batches there are, in order, and when each was learned."""
        pairs = sorted((number, when) for number, (_, when) in self.batches.items())
        return tuple(np.array(pairs, np.int64).reshape(-1, 2).T)  # type: ignore[return-value]

    @cached_property
    def heard(self) -> Mapping[str, list[int]]:
        """Source -> endings of which it had values of any configured site."""
        everywhere = [self.store.site_numbers[site.id] for site in self.config.sites]
        found: dict[str, list[int]] = {}
        for ending, source in self.store.heard(self.hours, everywhere):
            found.setdefault(source, []).append(ending)
        return found

    @cached_property
    def core(self) -> Sequence[str]:
        """The items of a section that has given none yet."""
        return standards.water(periods.day_of(self.end)).sets["auto_5"].required

    def steps(self, site: Site) -> list[tuple[int, list[int]]]:
        """Minutes between values, and the items that come so often: of air the shortest interval of the site for all
        its items, of a section that of each item: what a station sends hourly, the platform may give every four."""
        items, shortest = self.items_of(site), dict[int, int]()
        for item, stream in self.usual[self.numbers[site.id]]:
            shortest[item] = min(shortest.get(item, int(Span.DAY)), int(stream.span))
        if site.kind in AIR:
            return [(min(shortest.values(), default=int(Span.HOUR)), items)]
        found: dict[int, list[int]] = {}
        for item in items:
            found.setdefault(shortest.get(item, int(Span.FOUR_HOURS)), []).append(item)
        return sorted(found.items())

    def items_of(self, site: Site) -> list[int]:
        """The items expected of a site, by number: of air those of its area, of a section those it gives."""
        if site.kind in AIR:
            area = next(area for area in self.config.areas if area.id == site.area)
            own = [item for item in POLLUTANTS if item in (area.items or POLLUTANTS)]
            return [standards.parameters()[item].number for item in own]
        given = {item for item, _ in self.usual[self.numbers[site.id]]} - {
            standards.parameters()["published_class"].number
        }
        return sorted(given) or [standards.parameters()[item].number for item in self.core]

    def sources_of(self, site: Site, step: int, items: Sequence[int]) -> list[str]:
        """Where values of a site come from: the sources that gave it such, else all of its medium, in config order, and
        its device."""
        usual = self.usual[self.numbers[site.id]]
        seen = {stream.source for item, stream in usual if stream.span == step and item in items}
        medium = site.kind.medium
        order = [spec.id for spec in self.config.sources]
        if not seen:
            seen = {one.id for one in self.config.sources if one.basis is not Basis.MANUAL and medium in media_of(one)}
            seen |= {TELEMETRY.id for device in self.config.devices if device.site == site.id}
        return sorted(seen, key=lambda source: order.index(source) if source in order else len(order))

    def route(self, source: str, step: int) -> Route:
        """What became of a source's runs, on the grid of one step."""
        if (source, step) not in self.routes:
            spec = next((one for one in self.config.sources if one.id == source), None)
            self.routes[source, step] = route_of(self.store, source, spec, self.grid(step))
        return self.routes[source, step]

    def grid(self, step: int) -> IntArray:
        return np.arange(self.start + step, self.end + 1, step, dtype=np.int64)


def media_of(spec: SourceSpec) -> tuple[Medium, ...]:
    return SOURCES[spec.kind].media_of(spec) if spec.kind in SOURCES else tuple(Medium)


def by_site(columns: IntArray) -> dict[int, IntArray]:
    """Columns by the site in the first of them, without it."""
    if not columns.size:
        return {}
    order = np.argsort(columns[0], kind="stable")
    sorted_columns = columns[:, order]
    numbers, starts = np.unique(sorted_columns[0], return_index=True)
    ends = [*starts[1:].tolist(), sorted_columns.shape[1]]
    return {
        number: sorted_columns[1:, start:end]
        for number, start, end in zip(numbers.tolist(), starts.tolist(), ends, strict=True)
    }


# --- what the runs of a source brought ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Route:
    """A source over a grid of endings: `due`, the minute of the run that should bring each; `covered`, whether one
    that ended well, or a file, told what there was; `watched`, whether it was asked at all by then: what somebody
    enters of the years before did not come late."""

    due: IntArray
    covered: BoolArray
    watched: BoolArray


def route_of(store: Store, source: str, spec: SourceSpec | None, grid: IntArray) -> Route:
    """What the runs of a source and its files say. One that never had a run sends by itself: it is always there, and
    telemetry while the service runs; but reviewed values that are not in the config are those of files somebody gave.
    """
    runs = store.runs_of(f"pull {source}")
    if spec is None and not runs and source != TELEMETRY.id and reviewed_only(store, source):
        nothing: BoolArray = np.zeros(grid.shape, np.bool_)
        return Route(np.full(grid.shape, NEVER, np.int64), nothing | in_files(store, source, grid), nothing)
    if not grid.size or (spec is None and not runs):
        always: BoolArray = np.ones(grid.shape, np.bool_)
        return Route(grid, running(store, grid) if source == TELEMETRY.id else always, always)
    if spec is None:
        return left_route(runs, grid)
    due = due_of(spec, grid, np.array([at for at, _ in runs], np.int64))
    watched = grid > (runs[0][0] + spec.at - spec.every if runs else NEVER)
    good = sorted((started, at) for at, started in runs if started is not None)
    reach = SOURCES[spec.kind].reach_of(spec) if spec.kind in SOURCES else None
    covered: BoolArray = np.zeros(grid.shape, np.bool_)
    if good:
        started, at = np.array(good, np.int64).T
        first = np.searchsorted(started, due)  # of the slots of one run the earliest comes first
        there = first < len(started)
        run = first[there]
        covered[there] = at[run] - spec.lookback <= grid[there]
        if reach is not None:  # a late run of several slots asks for all of them, the service has what it still keeps
            covered[there] &= started[run] - reach < grid[there]
    return Route(due, covered | in_files(store, source, grid), watched)


def reviewed_only(store: Store, source: str) -> bool:
    return all(stream.basis is not Basis.REALTIME for stream in store.streams().values() if stream.source == source)


def in_files(store: Store, source: str, grid: IntArray) -> BoolArray:
    """Whether a file that somebody gave spans each ending."""
    found: BoolArray = np.zeros(grid.shape, np.bool_)
    for first_ending, last_ending in store.file_spans(source, int(grid[0]), int(grid[-1])) if grid.size else ():
        found |= (first_ending <= grid) & (grid <= last_ending)
    return found


def running(store: Store, grid: IntArray) -> BoolArray:
    """Whether the service was there within the hour after each ending, in which stations send."""
    found: BoolArray = np.zeros(grid.shape, np.bool_)
    for started, last in store.beats():
        found |= (started - Span.HOUR < grid) & (grid <= last)
    return found


def left_route(runs: Sequence[tuple[int, int | None]], grid: IntArray) -> Route:
    """A source that has left the config: due at the slots it had, and at none after them."""
    slots = np.array([at for at, _ in runs], np.int64)
    good = np.array([started is not None for _, started in runs], np.bool_)
    place = np.searchsorted(slots, grid)
    there = place < len(slots)
    due, covered = np.full(grid.shape, NEVER, np.int64), np.zeros(grid.shape, np.bool_)
    due[there], covered[there] = slots[place[there]], good[place[there]]
    return Route(due, covered, grid >= slots[0])


def due_of(spec: SourceSpec, grid: IntArray, slots: IntArray) -> IntArray:
    """The minute of the run that should bring each ending: by the slots there were, beyond them by the config."""
    anchor = spec.at - periods.OFFSET
    planned = anchor - (anchor - grid) // spec.every * spec.every
    index = np.searchsorted(slots + spec.at, grid)
    entered = index < len(slots)  # of the time before the first of them nothing was planned
    entered[entered] &= (index[entered] > 0) | (slots[index[entered]] + spec.at - grid[entered] <= spec.every)
    planned[entered] = slots[index[entered]] + spec.at
    found: IntArray = planned
    return found


# --- one site -----------------------------------------------------------------------------------------------------


def of_site(book: Book, site: Site) -> SiteGaps:
    """The slots of a site, of all its items: what is expected at several intervals is added up."""
    parts = [of_items(book, site, step, items) for step, items in book.steps(site)]
    if len(parts) == 1:
        return parts[0]
    counted = {cause: sum(part.by_cause.get(cause, 0) for part in parts) for cause in GapCause}
    return SiteGaps(
        site.id,
        min(part.step for part in parts),
        tuple(item for part in parts for item in part.items),
        sum(part.expected for part in parts),
        sum(part.valid for part in parts),
        {cause: count for cause, count in counted.items() if count},
        tuple(sorted((gap for part in parts for gap in part.gaps), key=lambda gap: (gap.first, gap.last))),
    )


def of_items(book: Book, site: Site, step: int, items: Sequence[int]) -> SiteGaps:
    """Each slot [item, interval] of some items of a site with its cause, folded into runs."""
    sources = book.sources_of(site, step, items)
    grid = book.grid(step)
    routes = [book.route(source, step) for source in sources]
    due = np.min([route.due for route in routes], axis=0) if routes else grid
    due = np.where(due < NEVER, due, grid) + book.config.gaps.grace
    column = Column(book, site, step, items, len(grid))
    causes = column.judged()
    watched = any_of([route.watched for route in routes], grid)
    late = (column.learned > due) & (column.learned < NEVER) & watched
    causes[(causes == 0) & late] = CODE[GapCause.FILLED]
    causes = np.where(
        column.have, causes, absent(book, column, sources, grid, due, any_of([r.covered for r in routes], grid))
    )
    column.share_state(causes)
    causes[:, ~in_operation(site, grid)] = CODE[GapCause.CLOSED]
    gaps = sorted(runs(book, site, step, items, grid, causes, column, sources), key=lambda gap: (gap.first, gap.last))
    counts = {cause: int((causes == CODE[cause]).sum()) for cause in GapCause}
    valid = int((causes == 0).sum()) + counts[GapCause.FILLED]
    expected = causes.size - counts[GapCause.CLOSED] - counts[GapCause.NOT_YET_DUE]
    names = tuple(book.items[item].id for item in items)
    return SiteGaps(site.id, step, names, expected, valid, {c: n for c, n in counts.items() if n}, tuple(gaps))


def any_of(masks: Sequence[BoolArray], grid: IntArray) -> BoolArray:
    found: BoolArray = np.any([np.zeros(grid.shape, np.bool_), *masks], axis=0)
    return found


def absent(
    book: Book, column: Column, sources: Sequence[str], grid: IntArray, due: IntArray, covered: BoolArray
) -> IntArray:
    """The cause for each interval in which a value is not there; covered : a source was read that would have it.

    A station that sends by itself and sent nothing is silent, also where no other sent; where others did, we listened.
    """
    alone = ~column.have.any(axis=0)
    if alone.any():
        if TELEMETRY.id in sources:
            covered = covered | (alone & np.isin(grid, book.heard.get(TELEMETRY.id, ())))
        else:
            alone &= np.isin(grid, [ending for source in sources for ending in book.heard.get(source, ())])
    found: IntArray = np.where(alone, CODE[GapCause.SILENT], CODE[GapCause.NOT_PUBLISHED])
    found = np.where(covered, found, CODE[GapCause.SOURCE_DOWN])
    return np.where(due > book.now, CODE[GapCause.NOT_YET_DUE], found)


def in_operation(site: Site, grid: IntArray) -> BoolArray:
    days = (grid - 1 + periods.OFFSET) // periods.DAY
    opened = -NEVER if site.opened is None else site.opened
    closed = NEVER if site.closed is None else site.closed
    found: BoolArray = (opened <= days) & (days <= closed)
    return found


class Column:
    """The slots of one site, all [item, interval].

    have : a value was received; mark : its state mark; learned : when the first value without a mark came;
    origin : the batch of that value; tests : QC tests that let the value not count, as bits of `names`; approved :
    people said that it counts.
    """

    def __init__(self, book: Book, site: Site, step: int, items: Sequence[int], slots: int) -> None:
        number = book.numbers[site.id]
        shape = len(items), slots
        self.book, self.is_air, self.start, self.step = book, site.kind in AIR, book.start, step
        self.rows = {item: row for row, item in enumerate(items)}
        self.row_of = np.full(max(items) + 2, -1, np.int64)  # by the number of an item; the last is any other
        self.row_of[list(items)] = np.arange(len(items))
        self.value = np.full(shape, ABSENT, np.int64)
        self.mark = np.zeros(shape, np.int8)
        self.learned = np.full(shape, NEVER, np.int64)
        self.origin = np.zeros(shape, np.int64)
        self.tests = np.zeros(shape, np.int64)
        self.names: list[str] = []
        self.sources = sorted({source for source, _ in book.batches.values()})
        none = np.zeros((6, 0), np.int64)
        self._values(number, book.values.get(number, none))
        self._earlier(book.history.get(number, none[:5]))
        self.approved: BoolArray = np.zeros(shape, np.bool_)
        self._spoken(book.spoken.get(number, ()))
        self.have: BoolArray = self.value != ABSENT

    def _place(self, ending: IntArray, parameter: IntArray, stream: IntArray) -> tuple[BoolArray, IntArray, IntArray]:
        """Which of some rows are of this grid, and where they stand in it."""
        row = self.row_of[np.minimum(parameter, len(self.row_of) - 1)]
        own = {
            one for one, what in self.book.streams.items() if what.span == self.step and what.basis is not Basis.MANUAL
        }
        slot = -((self.start - ending) // self.step) - 1
        inside = (row >= 0) & (slot < self.value.shape[1]) & np.isin(stream, list(own))
        return inside, row[inside], slot[inside]

    def _values(self, number: int, columns: IntArray) -> None:
        order = np.argsort(self.book.store.order().ranks(columns[2], number, columns[1]), kind="stable")
        ending, parameter, stream, value, mark, batch = columns[:, order]
        inside, row, slot = self._place(ending, parameter, stream)
        self.value[row, slot], self.mark[row, slot] = value[inside], mark[inside]
        self._learn(row, slot, mark[inside], batch[inside])

    def _earlier(self, columns: IntArray) -> None:
        ending, parameter, stream, mark, batch = columns
        inside, row, slot = self._place(ending, parameter, stream)
        self._learn(row, slot, mark[inside], batch[inside])

    def _learn(self, row: IntArray, slot: IntArray, mark: IntArray, batch: IntArray) -> None:
        """When the first value that counts came: of writes into one place the last one stays."""
        known, when = self.book.learned
        learned = when[np.searchsorted(known, batch)]
        counts = (mark == Mark.NONE) | (mark == Mark.CENSORED)
        counts &= learned < self.learned[row, slot]
        order = np.argsort(-learned[counts], kind="stable")
        place = row[counts][order], slot[counts][order]
        self.learned[place], self.origin[place] = learned[counts][order], batch[counts][order]

    def _spoken(self, found: Iterable[tuple[int, int, str, int]]) -> None:
        """Tests that let a value not count; where people let it count, theirs is the last word."""
        for ending, parameter, test, flag in found:
            row, slot = self.rows.get(parameter), -((self.start - ending) // self.step) - 1
            if row is None or slot >= self.tests.shape[1]:
                continue
            if test == REVIEW and flag < Flag.FAIL:
                self.approved[row, slot] = True
                continue
            if test not in self.names:
                self.names.append(test)
            self.tests[row, slot] |= 1 << self.names.index(test)
        self.tests[self.approved] = 0

    def judged(self) -> IntArray:
        """The cause of each slot that has a value: 0 where it counts.

        A mark counts before the day is judged too; a value below zero of air never does (`qc.usable`).
        """
        marked = (self.mark != Mark.NONE) & (self.mark != Mark.CENSORED) & ~self.approved
        device = qc.settings_of("device_flag", self.book.config.qc.get("device_flag", {}))
        found = np.zeros(self.value.shape, np.int8)
        below = (self.value < 0) & (self.value != ABSENT) & self.is_air
        found[(self.tests != 0) | below] = CODE[GapCause.FLAGGED]
        waiting = (
            marked & (self.tests == 0) if device["level"] == "fail" and not device["off"] else np.zeros_like(marked)
        )
        found[(marked & (self.tests != 0)) | waiting] = CODE[GapCause.INSTRUMENT]
        if REVIEW in self.names:
            found[self.tests >> self.names.index(REVIEW) & 1 == 1] = CODE[GapCause.REVIEW]
        return found

    def share_state(self, causes: IntArray) -> None:
        """Where all that came has a mark that makes it invalid, what did not come is in that state too."""
        marked = self.have & (causes == CODE[GapCause.INSTRUMENT])
        whole = (marked | ~self.have).all(axis=0) & marked.any(axis=0)
        state = np.broadcast_to(np.where(marked, self.mark, 0).max(axis=0), causes.shape)
        unsaid = ~self.have & whole
        causes[unsaid], self.mark[unsaid] = CODE[GapCause.INSTRUMENT], state[unsaid]

    def detail(self, cause: GapCause) -> IntArray:
        """What a cause is told apart by: the mark, the tests, the source it came from and the day it did; zero for
        any other."""
        if cause is GapCause.INSTRUMENT:
            return self.mark.astype(np.int64)
        if cause is GapCause.FLAGGED:
            return self.tests
        if cause is GapCause.FILLED:
            batches, place = np.unique(self.origin, return_inverse=True)
            told = [self.book.batches.get(one, ("", 0)) for one in batches.tolist()]
            given = [self.sources.index(source) << 32 | periods.today(when) if source else 0 for source, when in told]
            return np.array(given, np.int64)[place].reshape(self.origin.shape)
        return np.zeros_like(self.tests)

    def named(self, cause: GapCause, detail: int) -> tuple[str, ...]:
        """A detail as the ids of tests, of a mark or of a source; a value below zero that no test spoke of is
        `negative`."""
        if cause is GapCause.INSTRUMENT:
            return (Mark(detail).name.lower(),)
        if cause is GapCause.FLAGGED:
            return tuple(name for at, name in enumerate(self.names) if detail >> at & 1) or ("negative",)
        if cause is GapCause.FILLED:
            return (self.sources[detail >> 32],)
        return ()


# --- runs ---------------------------------------------------------------------------------------------------------


def runs(
    book: Book,
    site: Site,
    step: int,
    items: Sequence[int],
    grid: IntArray,
    causes: IntArray,
    column: Column,
    sources: Sequence[str],
) -> Iterator[Gap]:
    """The slots of a site folded: those of one cause and detail that follow one another, and items that share a run."""
    for cause in GapCause:
        found = causes == CODE[cause]
        if not found.any():
            continue
        details = column.detail(cause)
        for detail in np.unique(details[found]).tolist():
            for (first, last), rows in folded(found & (details == detail)).items():
                learned, came = None, tuple(sources)
                if cause is GapCause.FILLED:
                    when, came = column.learned[rows, first : last + 1], column.named(cause, detail)
                    learned = int(when.min()), int(when.max())
                yield Gap(
                    site.id,
                    cause,
                    int(grid[first]),
                    int(grid[last]),
                    step,
                    tuple(book.items[items[row]].id for row in rows),
                    len(rows) * (last - first + 1),
                    () if learned else column.named(cause, detail),
                    came,
                    learned,
                )


def folded(mask: BoolArray) -> Mapping[tuple[int, int], list[int]]:
    """First and last place of every run along the second axis -> the rows that have it.

    >>> folded(np.array([[1, 1, 0, 1], [1, 1, 0, 0]], bool))
    {(0, 1): [0, 1], (3, 3): [0]}
    """
    edge = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    found: dict[tuple[int, int], list[int]] = {}
    for (row, first), (_, after) in zip(np.argwhere(edge == 1).tolist(), np.argwhere(edge == -1).tolist(), strict=True):
        found.setdefault((first, after - 1), []).append(row)
    return found
