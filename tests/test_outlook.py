"""Outlooks: a rate against its target, every expected number worked by hand from whole days.

The printed rate, rounded to one decimal, is what is compared. For 90.0 % of 365 days: 36 days over leave 329/365 =
90.137 % (90.1, reached), 37 leave 328/365 = 89.863 % (89.9, missed); so 36 days may be over. In 366 days also 36:
330/366 = 90.164 % (90.2), 329/366 = 89.891 % (89.9).
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envmon import periods
from envmon.assess.outlook import most_failures, outlook
from envmon.model import Outlook, Prospect, Rate, RateName, Target

YEAR, LEAP = periods.year(2022), periods.year(2024)
MET, ON_TRACK, AT_RISK, LOST = Prospect.MET, Prospect.ON_TRACK, Prospect.AT_RISK, Prospect.OUT_OF_REACH


def rate(good: int, total: int, name: RateName = RateName.GOOD_DAYS) -> Rate:
    """A rate as the bulletin prints it; a Fraction rounds half to even."""
    tenths = round(Fraction(1000 * good, total)) if total else None
    return Rate(name, "anzhou", YEAR, good, total, (), (), "realtime", tenths)


def target(**asked: object) -> Target:
    asked.setdefault("rate", RateName.GOOD_DAYS)
    return Target(id="t", area="anzhou", period=YEAR, **asked)  # type: ignore[arg-type]


def stands(one: Target, good: int, total: int, remaining: int, base: Rate | None = None) -> Outlook:
    return outlook(one, rate(good, total, one.rate), base, remaining)


# --- how many failures are allowed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "required", "most"),
    [
        (365, 900, 36),
        (366, 900, 36),
        (365, 901, 36),  # 329/365 prints as 90.1
        (365, 902, 35),  # 330/365 = 90.411 %
        (366, 902, 36),  # 330/366 = 90.164 % prints as 90.2: one day more than in a common year
        (365, 950, 18),  # 347/365 = 95.068 %, 346/365 = 94.795 %
        (366, 950, 18),  # 348/366 = 95.082 %, 347/366 = 94.809 %
        (365, 800, 73),  # 292/365 = 80.0 % exactly, 291/365 = 79.726 %
        (365, 1000, 0),
        (365, 997, 1),  # 364/365 = 99.726 % prints as 99.7
        (365, 998, 0),
        (365, 0, 365),
        (365, 1001, -1),  # more than everything
        (10, 900, 1),
        (10, 899, 1),
        (10, 901, 0),
        (7, 857, 1),  # 6/7 = 85.714 %
        (7, 858, 0),
        (1, 900, 0),
        (0, 900, -1),  # of nothing no share can be made
    ],
)
def test_most_failures_worked_by_hand(total: int, required: int, most: int) -> None:
    assert most_failures(total, required) == most


def test_the_printed_rate_is_compared_so_rounding_can_make_a_target() -> None:
    """36 of 359 days over is more than a tenth, but 323/359 = 89.972 % is printed as 90.0."""
    assert most_failures(359, 900) == 36
    assert most_failures(359, 901) == 35  # 324/359 = 90.251 %


def test_a_tie_rounds_to_the_even_tenth_before_it_is_compared() -> None:
    """1799/2000 = 89.95 % is printed as 90.0, 1801/2000 = 90.05 % as 90.0 too (GB/T 8170)."""
    assert most_failures(2000, 900) == 201
    assert most_failures(2000, 901) == 198  # 1802/2000 = 90.1 %


@settings(max_examples=60)
@given(st.integers(1, 400), st.integers(0, 1000))
def test_most_failures_is_the_last_that_reaches_when_all_are_tried(total: int, required: int) -> None:
    reaching = [f for f in range(total + 1) if round(Fraction(1000 * (total - f), total)) >= required]
    assert most_failures(total, required) == max(reaching, default=-1)


# --- a rate of days asked for in per cent ------------------------------------------------------------------------

NINETY = target(percent=900)


def test_a_rate_above_its_target_half_way() -> None:
    """181 days, 16 over: 165/181 = 91.160 %, 1.2 points above; 36 - 16 = 20 more may be over."""
    found = stands(NINETY, 165, 181, 184)
    assert (found.required, found.gap, found.allowed) == (900, 12, 20)
    assert found.target is NINETY
    assert found.rate.tenths == 912


def test_a_rate_below_its_target_has_a_negative_gap() -> None:
    """181 days, 20 over: 161/181 = 88.950 %; 1.0 points short, yet 16 more may be over."""
    found = stands(NINETY, 161, 181, 184)
    assert (found.gap, found.allowed) == (-10, 16)


@pytest.mark.parametrize(
    ("over", "allowed", "gap", "prospect"),
    [
        (35, 1, 4, MET),  # 330/365 = 90.4
        (36, 0, 1, MET),  # 329/365 = 90.1: just made
        (37, -1, -1, LOST),  # 328/365 = 89.9: just missed
        (38, -2, -4, LOST),  # 327/365 = 89.589
    ],
)
def test_at_above_and_below_the_limit_when_the_year_is_over(
    over: int, allowed: int, gap: int, prospect: Prospect
) -> None:
    found = stands(NINETY, 365 - over, 365, 0)
    assert (found.allowed, found.gap, found.prospect) == (allowed, gap, prospect)


@pytest.mark.parametrize(("over", "allowed", "prospect"), [(36, 0, MET), (37, -1, LOST)])
def test_a_leap_year_has_one_day_more_to_judge(over: int, allowed: int, prospect: Prospect) -> None:
    found = outlook(
        Target("t", RateName.GOOD_DAYS, "anzhou", LEAP, percent=900), rate(LEAP.days - over, LEAP.days), None, 0
    )
    assert (found.allowed, found.prospect) == (allowed, prospect)


def test_one_day_more_makes_the_difference_in_a_leap_year() -> None:
    """90.2 %: after 300 days with 36 over, 65 days to come are not enough (329/365 = 90.1), 66 are (330/366 = 90.2)."""
    asked = target(percent=902)
    assert stands(asked, 264, 300, 65).allowed == -1
    assert stands(asked, 264, 300, 65).prospect is LOST
    assert stands(asked, 264, 300, 66).allowed == 0
    assert stands(asked, 264, 300, 66).prospect is AT_RISK


@pytest.mark.parametrize(
    ("over", "judged", "remaining", "allowed", "prospect"),
    [
        (10, 100, 265, 26, AT_RISK),  # at this pace 26.5 more of 265, 26 allowed
        (9, 100, 265, 27, ON_TRACK),  # at this pace 23.85 more, 27 allowed
        (0, 100, 265, 36, ON_TRACK),  # none so far, but 265 days could all be over
        (36, 100, 265, 0, AT_RISK),  # can be made only without one more
        (37, 100, 265, -1, LOST),
        (100, 100, 265, -64, LOST),  # every day over
        (10, 339, 26, 26, MET),  # even if all 26 days to come are over
        (10, 338, 27, 26, ON_TRACK),  # one day too many to be sure
        (11, 339, 26, 25, ON_TRACK),
        (36, 364, 1, 0, AT_RISK),  # a tenth of a day over is to be expected, none allowed
    ],
)
def test_prospects_of_a_year_of_365_days(
    over: int, judged: int, remaining: int, allowed: int, prospect: Prospect
) -> None:
    found = stands(NINETY, judged - over, judged, remaining)
    assert (found.allowed, found.prospect) == (allowed, prospect)


def test_a_pace_that_uses_up_exactly_what_is_left_is_on_track() -> None:
    """80 % of 365 days: 73 may be over. 20 of 100 over so far, at that pace 53 more of 265, 53 allowed."""
    found = stands(target(percent=800), 80, 100, 265)
    assert (found.gap, found.allowed, found.prospect) == (0, 53, ON_TRACK)
    assert stands(target(percent=800), 79, 100, 265).prospect is AT_RISK


def test_nothing_judged_yet_is_unknown() -> None:
    found = stands(NINETY, 0, 0, 365)
    assert (found.required, found.gap, found.allowed, found.prospect) == (900, None, None, Prospect.UNKNOWN)


def test_nothing_judged_and_nothing_to_come_is_unknown_too() -> None:
    assert stands(NINETY, 0, 0, 0).prospect is Prospect.UNKNOWN


def test_all_days_over_is_out_of_reach_once_too_many_failed_and_not_before() -> None:
    """30 days, all over: 6 more are allowed. 37 days, all over: lost."""
    found = stands(NINETY, 0, 30, 335)
    assert (found.gap, found.allowed, found.prospect) == (-900, 6, AT_RISK)
    assert stands(NINETY, 0, 36, 329).prospect is AT_RISK
    assert stands(NINETY, 0, 37, 328).prospect is LOST


def test_days_without_a_judgement_shrink_what_is_allowed() -> None:
    """Of the 365 days 65 could not be judged: of 300, 30 may be over (270/300 = 90.0 %), 25 are."""
    found = stands(NINETY, 75, 100, 200)
    assert (found.allowed, found.prospect) == (5, AT_RISK)


def test_a_rate_of_one_hundred_is_lost_with_the_first_failure() -> None:
    every = target(percent=1000)
    assert stands(every, 100, 100, 265).prospect is ON_TRACK
    assert (stands(every, 99, 100, 265).allowed, stands(every, 99, 100, 265).prospect) == (-1, LOST)


def test_a_source_that_failed_a_round_stays_failed_and_a_section_can_still_turn() -> None:
    """Of 3 sources 1 failed in a year that has 100 days to come: a source counts when every round complied."""
    every = target(percent=1000, rate=RateName.GOOD_SOURCES)
    assert stands(every, 2, 3, 100).prospect is LOST
    assert stands(every, 3, 3, 100).prospect is ON_TRACK
    assert stands(target(percent=900, rate=RateName.GOOD_SOURCES), 2, 3, 100).prospect is AT_RISK  # more may be judged
    assert stands(target(percent=1000, rate=RateName.GOOD_SECTIONS), 2, 3, 100).prospect is AT_RISK


# --- asked for in days -------------------------------------------------------------------------------------------

DAYS = target(days=330)


@pytest.mark.parametrize(
    ("good", "judged", "remaining", "allowed", "prospect"),
    [
        (165, 181, 184, 19, ON_TRACK),  # 365 - 330 = 35 may be over, 16 are; at this pace 16.3 more, 19 allowed
        (330, 365, 0, 0, MET),
        (329, 365, 0, -1, LOST),
        (331, 365, 0, 1, MET),
        (330, 340, 25, 25, MET),  # reached already: the rest may all be over
        (329, 340, 25, 24, ON_TRACK),
        (64, 100, 265, -1, LOST),  # 64 + 265 = 329
        (65, 100, 265, 0, AT_RISK),
    ],
)
def test_a_target_in_days(good: int, judged: int, remaining: int, allowed: int, prospect: Prospect) -> None:
    found = stands(DAYS, good, judged, remaining)
    assert (found.allowed, found.prospect) == (allowed, prospect)
    assert (found.required, found.gap) == (None, None)


def test_a_target_in_days_allows_one_more_in_a_leap_year() -> None:
    assert stands(DAYS, 100, 100, 266).allowed == 36
    assert stands(DAYS, 100, 100, 265).allowed == 35


def test_days_that_were_not_judged_are_not_good_for_a_target_in_days() -> None:
    """All 300 judged days good and 35 to come, 30 never judged: 335 can still be reached, 5 may fail."""
    assert stands(DAYS, 300, 300, 35).allowed == 5
    assert stands(DAYS, 300, 300, 29).prospect is LOST


def test_more_days_than_the_period_has_are_out_of_reach_from_the_start() -> None:
    assert stands(target(days=366), 1, 1, 364).prospect is LOST


def test_a_target_in_days_with_nothing_judged_is_unknown() -> None:
    assert stands(DAYS, 0, 0, 365).prospect is Prospect.UNKNOWN


# --- asked for as a change against a base period -----------------------------------------------------------------


def test_a_change_is_added_to_the_rate_of_the_base_period() -> None:
    """Base 321/365 = 87.945 % = 87.9; two points more is 89.9: 37 of 365 may be over (328/365 prints as 89.9)."""
    found = stands(target(change=20, base=periods.year(2021)), 165, 181, 184, rate(321, 365))
    assert (found.required, found.gap, found.allowed) == (899, 13, 21)


def test_a_change_may_be_downwards() -> None:
    """Base 95.0 %, not more than 1.5 points lower: 93.5. 24 may be over: 341/365 = 93.425 is 93.4, 342/365 = 93.7."""
    found = stands(target(change=-15, base=periods.year(2021)), 342, 365, 0, rate(950, 1000))
    assert (found.required, found.gap, found.allowed, found.prospect) == (935, 2, 0, MET)
    assert stands(target(change=-15), 341, 365, 0, rate(950, 1000)).prospect is LOST


def test_no_change_asks_for_the_same_again() -> None:
    found = stands(target(change=0), 9, 10, 0, rate(90, 100))
    assert (found.required, found.gap, found.allowed, found.prospect) == (900, 0, 0, MET)


def test_the_written_base_is_used() -> None:
    asked = target(change=10, base=periods.year(2021), base_percent=880)
    assert stands(asked, 90, 100, 265).required == 890
    assert stands(asked, 90, 100, 265, rate(0, 0)).required == 890


def test_the_written_base_goes_before_the_readings_at_hand() -> None:
    """It is the published figure; the readings may be one month of the base year."""
    asked = target(change=10, base=periods.year(2021), base_percent=880)
    assert stands(asked, 90, 100, 265, rate(80, 100)).required == 890


def test_an_unknown_base_leaves_the_target_unknown() -> None:
    found = stands(target(change=10, base=periods.year(2021)), 90, 100, 265)
    assert (found.required, found.gap, found.allowed, found.prospect) == (None, None, None, Prospect.UNKNOWN)
    assert found.rate.tenths == 900


def test_a_change_beyond_one_hundred_per_cent_is_out_of_reach() -> None:
    found = stands(target(change=30, base_percent=980), 100, 100, 265)
    assert (found.required, found.gap, found.allowed, found.prospect) == (1010, -10, -1, LOST)


# --- sections and sources: a state until the period ends ---------------------------------------------------------

SECTIONS = target(percent=850, rate=RateName.GOOD_SECTIONS)


@pytest.mark.parametrize(
    ("good", "remaining", "allowed", "prospect"),
    [
        (10, 1, 1, ON_TRACK),  # one of ten may fail (90.0), two may not (80.0)
        (9, 1, 0, ON_TRACK),
        (8, 1, -1, AT_RISK),
        (0, 1, -9, AT_RISK),  # it may still turn
        (9, 0, 0, MET),
        (8, 0, -1, LOST),
    ],
)
def test_prospects_of_ten_sections(good: int, remaining: int, allowed: int, prospect: Prospect) -> None:
    found = stands(SECTIONS, good, 10, remaining)
    assert (found.allowed, found.prospect) == (allowed, prospect)


def test_time_to_come_adds_no_sections() -> None:
    """The one that stands for the rest of the period is not an eleventh section."""
    assert stands(SECTIONS, 9, 10, 1).allowed == stands(SECTIONS, 9, 10, 0).allowed == 0


def test_a_target_in_days_that_the_days_to_come_cannot_make_is_lost_though_no_day_was_judged() -> None:
    assert stands(target(days=300), 0, 0, 265).prospect is Prospect.OUT_OF_REACH
    assert stands(target(days=265), 0, 0, 265).prospect is Prospect.UNKNOWN
    assert stands(target(days=1), 0, 0, 0).prospect is Prospect.OUT_OF_REACH


def test_no_section_judged_yet_is_unknown() -> None:
    assert stands(SECTIONS, 0, 0, 1).prospect is Prospect.UNKNOWN


def test_sources_by_volume_allow_a_volume() -> None:
    """200.0 x 10^4 t a month in steps of 10 t; for 95.0 %, printed, at least 94.95 % (a tie, to the even 95.0)."""
    found = stands(target(percent=950, rate=RateName.GOOD_SOURCES_VOLUME), 200_000, 200_000, 1)
    assert (found.gap, found.allowed, found.prospect) == (50, 10_100, ON_TRACK)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 1000))
def test_what_is_settled_stays_settled_whatever_the_days_to_come_bring(
    good: int, over: int, remaining: int, required: int
) -> None:
    """Met: holds if every day to come is over. Out of reach: not made even if every day to come is good."""
    if good + over == 0:
        return
    asked = target(percent=required)
    now = stands(asked, good, good + over, remaining)
    worst = stands(asked, good, good + over + remaining, 0)
    best = stands(asked, good + remaining, good + over + remaining, 0)
    assert (now.prospect is MET) == (worst.prospect is MET)
    assert (now.prospect is LOST) == (best.prospect is LOST)
    assert worst.gap is not None
    assert (worst.gap >= 0) == (worst.prospect is MET)
