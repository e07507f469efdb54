"""The sampling plan against what arrived: every sample of a cycle is here, partly here, explained, due or overdue.

A sample has arrived when the rounds of the months it may be taken in have a value of every item together; a value below
the detection limit is one. Until the end of its last month and the days the laboratory has after that it is due, then
it is overdue. Never here: where rounds and explanations come from, which items a set has, who is told.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from operator import itemgetter

from envmon import periods
from envmon.model import Absence, Cycle, PlanEntry, Reason, Sample, SampleState
from envmon.periods import Period

Rounds = Sequence[tuple[int, Collection[str]]]
"""Day of each manual round of one site, and the items it has a value of."""

OUTSTANDING = (SampleState.OVERDUE, SampleState.PARTIAL)
NOT_OPEN = Reason.NOT_OPEN.value


def samples(
    entry: PlanEntry, items: Sequence[str], rounds: Rounds, absences: Sequence[Absence], span: Period, today: int
) -> list[Sample]:
    """The samples of one entry whose months touch a span of days, oldest first.

    items : those its set asks for; rounds : of its site, at least of all days of the periods that touch the span.
    """
    found, rounds = [], sorted(rounds, key=itemgetter(0))
    for period in cycles(entry.every, span):
        months = open_months(entry, period)
        if months and months[0].first <= span.last and months[-1].last >= span.first:
            found.append(sample(entry, period, months, items, rounds, absences, today))
    return found


def cycles(every: Cycle, span: Period) -> Iterator[Period]:
    """The calendar periods of a cycle that touch a span of days."""
    day = span.first
    while day <= span.last:
        found = cycle_of(every, day)
        yield found
        day = found.last + 1


def cycle_of(every: Cycle, day: int) -> Period:
    """The month, quarter, half-year or year a day lies in.

    >>> [cycle_of(every, periods.parse("2024-02-29").first).name for every in Cycle]
    ['2024-02', '2024-Q1', '2024-H1', '2024']
    """
    on = periods.calendar(day)
    if every is Cycle.MONTH:
        return periods.month(on.year, on.month)
    if every is Cycle.QUARTER:
        return periods.quarter(on.year, (on.month + 2) // 3)
    if every is Cycle.HALF_YEAR:
        return periods.half_year(on.year, (on.month + 5) // 6)
    return periods.year(on.year)


def open_months(entry: PlanEntry, period: Period) -> list[Period]:
    """The months of a period in which it may be sampled; none when the entry asks nothing of the period.

    An entry asks for the periods that end while it is valid.
    """
    begun = entry.first is None or entry.first <= period.last
    if not begun or (entry.last is not None and entry.last < period.last):
        return []
    months = periods.months(period)
    return [one for one in months if not entry.months or periods.calendar(one.first).month in entry.months]


def sample(
    entry: PlanEntry,
    period: Period,
    months: Sequence[Period],
    items: Sequence[str],
    rounds: Rounds,
    absences: Sequence[Absence],
    today: int,
) -> Sample:
    """One sample, taken in any of `months`; `rounds` by their days."""
    asked = set(items)
    own = [(day, asked & set(found)) for month in months for day, found in within(rounds, month)]
    here = set().union(*(found for _, found in own))
    missing = tuple(item for item in items if item not in here)
    until, reason = months[-1].last + entry.within, explanation(months, absences)
    if not missing:
        state = SampleState.ARRIVED
    elif today < months[0].first:
        state = SampleState.NOT_YET
    elif reason:
        state = SampleState.EXPLAINED
    elif today <= until:
        state = SampleState.DUE
    else:
        state = SampleState.PARTIAL if here else SampleState.OVERDUE
    return Sample(
        entry=entry,
        period=period,
        first=months[0].first,
        last=months[-1].last,
        until=until,
        state=state,
        sampled=tuple(sorted({day for day, found in own if found})),
        missing=missing,
        reason=reason if state is SampleState.EXPLAINED else "",
    )


def within(rounds: Rounds, month: Period) -> Rounds:
    """The rounds of a month, out of all that are sorted by their days."""
    first = bisect_left(rounds, month.first, key=itemgetter(0))
    return rounds[first : bisect_right(rounds, month.last, key=itemgetter(0))]


def explanation(months: Sequence[Period], absences: Sequence[Absence]) -> str:
    """Why nothing could be sampled in any of the months; "" when that is not known.

    Every month needs its reason: an event that reaches into it, or that the site was not in operation on any day of it.
    A month without one was a chance to sample. An event says more than that the site was closed in other months.
    """
    found = [[one.reason for one in absences if accounts_for(one, month)] for month in months]
    if not all(found):
        return ""
    if all(NOT_OPEN in reasons for reasons in found):
        return NOT_OPEN
    return next(one for reasons in found for one in reasons if one != NOT_OPEN)


def accounts_for(one: Absence, month: Period) -> bool:
    """Whether an absence says why a month has no sample; a site that was open on some of its days could be sampled."""
    if one.reason == NOT_OPEN:
        return one.first <= month.first and month.last <= one.last
    return one.first <= month.last and month.first <= one.last
