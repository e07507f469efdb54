"""A rate against its target: how far off, how many more failures are allowed, and whether it can still be made.

The published rate has one decimal, so the *rounded* rate is compared with the target, as bulletins do. Every question
is settled on whole counts: the largest number of failures with which the rounded rate still reaches the target.
Never here: counting days or sites, the calendar, storage.
"""

from __future__ import annotations

from envmon.model import Outlook, Prospect, Rate, RateName, Target
from envmon.rounding import percent_tenths

ALL = 1000
"""Tenths of a percent: nothing may fail."""


def outlook(target: Target, rate: Rate, base: Rate | None, remaining: int) -> Outlook:
    """Where a target stands.

    rate : the target's rate from the start of its period to now; base : the rate of the base period of a `change`
        target from the readings at hand. The target's own `base_percent`, the published figure, goes before it.
    remaining : days of the period still to come, for a rate that counts days; for rates of sections and sources, which
        are judged over the whole period and are a state until it ends, 1 while the period runs and 0 after it.
    """
    coming = remaining if rate.name is RateName.GOOD_DAYS else 0
    total, failures = rate.denominator + coming, rate.denominator - rate.numerator
    required = _required(target, base)
    most = None if required is None else most_failures(total, required)
    if target.days is not None:
        most = total - target.days
    lost = target.days is not None and most is not None and most < 0  # too few days are left, judged or not
    if most is None or (not rate.denominator and not lost):
        return Outlook(target, rate, required, None, None, Prospect.UNKNOWN)
    allowed = most - failures
    gap = None if required is None or rate.tenths is None else rate.tenths - required
    prospect = _prospect(rate, allowed, remaining, required == ALL)
    return Outlook(target, rate, required, gap, allowed, prospect)


def most_failures(total: int, required: int) -> int:
    """The most failures among `total` with which the rounded share still reaches `required` tenths of a percent.

    -1 when not even none suffices (a target above 100 %).

    >>> most_failures(365, 900), most_failures(365, 1000), most_failures(10, 900)
    (36, 0, 1)
    """
    low, high = -1, total
    while low < high:
        middle = (low + high + 1) // 2
        share = percent_tenths(total - middle, total)
        if share is not None and share >= required:
            low = middle
        else:
            high = middle - 1
    return low


def _required(target: Target, base: Rate | None) -> int | None:
    """The rate asked for, in tenths of a percent; None when the base period's rate is not known."""
    if target.percent is not None:
        return target.percent
    known = target.base_percent
    if known is None and base is not None:
        known = base.tenths
    return None if known is None or target.change is None else known + target.change


def _prospect(rate: Rate, allowed: int, remaining: int, asks_for_all: bool) -> Prospect:
    """Settled or open, from the failures still allowed.

    A rate of days is lost once more days failed than the whole period allows, and safe once the days to come cannot
    use up what is left. Between them it is at risk when failing on as before would use it up. A rate of sites can
    still turn until its period ends; but a source that failed a round has failed, and where all are asked for it is
    lost.
    """
    if remaining <= 0:
        return Prospect.MET if allowed >= 0 else Prospect.OUT_OF_REACH
    if rate.name is not RateName.GOOD_DAYS:
        lost = rate.name is RateName.GOOD_SOURCES and asks_for_all
        return Prospect.ON_TRACK if allowed >= 0 else Prospect.OUT_OF_REACH if lost else Prospect.AT_RISK
    if allowed < 0:
        return Prospect.OUT_OF_REACH
    if allowed >= remaining:
        return Prospect.MET
    failures = rate.denominator - rate.numerator
    return Prospect.AT_RISK if failures * remaining > allowed * rate.denominator else Prospect.ON_TRACK
