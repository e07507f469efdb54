"""Rates: what counts, what is left out and why, and how the share is rounded; every expected number worked by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envmon import periods, standards
from envmon.assess import rates
from envmon.model import (
    NO_VALUE,
    AirDay,
    Kind,
    Rate,
    RateName,
    Reason,
    Site,
    Status,
    WaterClass,
    WaterJudgement,
)
from envmon.periods import Period

OLD, NEW = "HJ 633-2012", "HJ 633-2026"
GOOD = {OLD: 100, NEW: 100}  # HJ 633 table 2: levels one and two (优, 良) end at 100
MARCH = periods.month(2022, 3)
I, II, III, IV, V = WaterClass.I, WaterClass.II, WaterClass.III, WaterClass.IV, WaterClass.V  # noqa: E741


def air_day(day: int, aqi: int = 50, status: Status = Status.VALID, edition: str = OLD) -> AirDay:
    nothing = (NO_VALUE,) * 6
    return AirDay(day, 1, edition, nothing, nothing, nothing, 0, aqi, 0, 0, 0, 0, status, 0)


def of_days(period: Period, days: list[AirDay]) -> Rate:
    return rates.good_days("anzhou", period, days, GOOD, "realtime")


def site(name: str, target: WaterClass = III, intake: int | None = None, counted: bool = True) -> Site:
    return Site(name, name, Kind.SECTION, "anzhou", target_class=target, intake=intake, counted=counted)


def water(water_class: WaterClass, status: Status = Status.VALID, edition: str = "GB 3838-2002") -> WaterJudgement:
    return WaterJudgement(status, water_class, (), (), (), (), edition, "section_21")


def excluded(rate: Rate) -> dict[Reason, int]:
    return {one.reason: one.count for one in rate.excluded}


# --- good days ---------------------------------------------------------------------------------------------------


def test_a_month_without_gaps() -> None:
    """March 2022: 31 days, days 5 and 6 above 100. 29/31 = 93.548 %."""
    days = [air_day(day, 101 if day - MARCH.first in (4, 5) else 50) for day in MARCH]
    found = of_days(MARCH, days)
    assert (found.name, found.subject, found.period, found.basis) == (RateName.GOOD_DAYS, "anzhou", MARCH, "realtime")
    assert (found.numerator, found.denominator, found.tenths) == (29, 31, 935)
    assert found.excluded == ()
    assert found.editions == (OLD,)


@pytest.mark.parametrize(("aqi", "good"), [(0, 1), (50, 1), (51, 1), (100, 1), (101, 0), (500, 0)])
def test_a_day_is_good_up_to_an_index_of_one_hundred(aqi: int, good: int) -> None:
    one = periods.single(MARCH.first)
    found = of_days(one, [air_day(MARCH.first, aqi)])
    assert (found.numerator, found.denominator) == (good, 1)


@pytest.mark.parametrize("edition", [OLD, NEW])
def test_both_editions_call_a_day_good_up_to_one_hundred(edition: str) -> None:
    assert standards.good_up_to(edition) == GOOD[edition]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.MISSING, Reason.MISSING),
        (Status.INSUFFICIENT, Reason.INSUFFICIENT),
        (Status.INCOMPLETE, Reason.INCOMPLETE),
        (Status.INVALID, Reason.INVALID),
    ],
)
def test_a_day_that_was_not_judged_is_excluded_with_its_reason_and_never_good(status: Status, reason: Reason) -> None:
    """Four days: good, over, not judged (although an index of the rest is there), good. 2 of 3 = 66.7 %."""
    first = MARCH.first
    days = [air_day(first), air_day(first + 1, 150), air_day(first + 2, 40, status), air_day(first + 3)]
    found = of_days(Period(first, first + 3, "four days"), days)
    assert (found.numerator, found.denominator, found.tenths) == (2, 3, 667)
    assert excluded(found) == {reason: 1}


def test_a_day_without_any_row_is_missing() -> None:
    found = of_days(MARCH, [air_day(MARCH.first), air_day(MARCH.last, 120)])
    assert (found.numerator, found.denominator, found.tenths) == (1, 2, 500)
    assert excluded(found) == {Reason.MISSING: 29}


def test_each_reason_is_counted_by_itself() -> None:
    """Ten days: 3 good, 1 over, 2 without rows, 2 insufficient, 1 incomplete, 1 invalid. 3/4."""
    first = MARCH.first
    statuses = [Status.INSUFFICIENT, Status.INSUFFICIENT, Status.INCOMPLETE, Status.INVALID]
    days = [air_day(first + i, aqi) for i, aqi in enumerate((30, 60, 100, 130))]
    days += [air_day(first + 4 + i, NO_VALUE, status) for i, status in enumerate(statuses)]
    found = of_days(Period(first, first + 9, "ten days"), days)
    assert (found.numerator, found.denominator, found.tenths) == (3, 4, 750)
    assert excluded(found) == {
        Reason.MISSING: 2,
        Reason.INSUFFICIENT: 2,
        Reason.INCOMPLETE: 1,
        Reason.INVALID: 1,
    }


def test_days_outside_the_period_do_not_count() -> None:
    days = [air_day(MARCH.first - 1, 30), air_day(MARCH.first, 120), air_day(MARCH.last + 1, 30)]
    found = of_days(MARCH, days)
    assert (found.numerator, found.denominator, excluded(found)) == (0, 1, {Reason.MISSING: 30})


def test_the_order_of_days_does_not_matter() -> None:
    days = [air_day(day, 101 if day % 3 else 80) for day in MARCH]
    assert of_days(MARCH, days) == of_days(MARCH, days[::-1])


def test_a_period_without_any_valid_day_has_no_rate() -> None:
    found = of_days(MARCH, [])
    assert (found.numerator, found.denominator, found.tenths) == (0, 0, None)
    assert excluded(found) == {Reason.MISSING: 31}
    assert found.editions == ()


def test_all_days_over_is_a_rate_of_nought_and_not_none() -> None:
    found = of_days(MARCH, [air_day(day, 101) for day in MARCH])
    assert (found.numerator, found.denominator, found.tenths) == (0, 31, 0)


def test_a_period_that_crosses_editions_judges_each_day_by_its_own_and_names_both() -> None:
    """Feb 27 and 28 by the old edition, Mar 1 and 2 by the new; a made-up limit of 90 tells them apart. 3/4."""
    first = periods.number(date(2026, 2, 27))
    days = [
        air_day(first, 95, edition=OLD),
        air_day(first + 1, 100, edition=OLD),
        air_day(first + 2, 95, edition=NEW),
        air_day(first + 3, 90, edition=NEW),
    ]
    found = rates.good_days("anzhou", Period(first, first + 3, "change"), days, {OLD: 100, NEW: 90}, "realtime")
    assert (found.numerator, found.denominator, found.tenths) == (3, 4, 750)
    assert found.editions == (OLD, NEW)


def test_an_edition_that_judged_no_counted_day_is_not_named() -> None:
    first = MARCH.first
    days = [air_day(first, 30, edition=OLD), air_day(first + 1, NO_VALUE, Status.MISSING, NEW)]
    assert of_days(Period(first, first + 1, "two days"), days).editions == (OLD,)


@pytest.mark.parametrize(
    ("period", "length", "over", "tenths"),
    [
        ("2023", 365, 36, 901),  # 329/365 = 90.137 %
        ("2024", 366, 37, 899),  # a leap year: 329/366 = 89.891 %
        ("2024-02", 29, 1, 966),  # 28/29 = 96.552 %
        ("2023-02", 28, 1, 964),  # 27/28 = 96.429 %
        ("2022-W10", 7, 1, 857),  # 6/7 = 85.714 %
        ("2020-W53", 7, 2, 714),  # 5/7 = 71.429 %
        ("2023-Q1", 90, 1, 989),  # 31 + 28 + 31 days; 89/90 = 98.889 %
        ("2024-Q1", 91, 1, 989),  # 90/91 = 98.901 %
        ("2022-Q4", 92, 5, 946),  # 87/92 = 94.565 %
    ],
)
def test_calendar_periods_have_their_own_lengths(period: str, length: int, over: int, tenths: int) -> None:
    span = periods.parse(period)
    found = of_days(span, [air_day(day, 101 if day < span.first + over else 60) for day in span])
    assert (found.denominator, found.numerator, found.tenths) == (length, length - over, tenths)


def test_an_iso_week_counts_the_days_of_the_old_year_that_belong_to_it() -> None:
    """2020-W53 runs from Monday 2020-12-28 to Sunday 2021-01-03."""
    monday = periods.number(date(2020, 12, 28))
    found = of_days(periods.parse("2020-W53"), [air_day(day) for day in range(monday - 3, monday + 10)])
    assert (found.numerator, found.denominator, excluded(found)) == (7, 7, {})
    first_sunday_after = periods.number(date(2021, 1, 3))
    assert of_days(periods.parse("2020-W53"), [air_day(first_sunday_after + 1)]).denominator == 0


def test_the_last_of_february_counts_in_a_leap_year() -> None:
    leap = periods.number(date(2024, 2, 29))
    found = of_days(periods.year(2024), [air_day(leap)])
    assert (found.numerator, found.denominator, excluded(found)) == (1, 1, {Reason.MISSING: 365})


# GB/T 8170-2008 3.2: to one decimal; a tie goes to the even digit.
@pytest.mark.parametrize(
    ("good", "total", "tenths"),
    [
        (1, 16, 62),  # 6.25 % -> 6.2
        (3, 16, 188),  # 18.75 % -> 18.8
        (5, 16, 312),  # 31.25 % -> 31.2
        (7, 16, 438),  # 43.75 % -> 43.8
        (1, 3, 333),
        (2, 3, 667),
        (0, 16, 0),
        (16, 16, 1000),
        (364, 365, 997),  # 99.726 %: only whole is 100.0
    ],
)
def test_shares_round_half_to_even_on_one_decimal(good: int, total: int, tenths: int) -> None:
    span = Period(MARCH.first, MARCH.first + total - 1, "run")
    found = of_days(span, [air_day(day, 80 if day < span.first + good else 180) for day in span])
    assert (found.numerator, found.denominator, found.tenths) == (good, total, tenths)


DAYS = st.lists(st.tuples(st.sampled_from([None, *Status]), st.integers(0, 200)), min_size=1, max_size=60)


@given(DAYS, st.data())
def test_counts_of_the_parts_of_a_period_add_up_to_those_of_the_whole(
    given_days: list[tuple[Status | None, int]], data: st.DataObject
) -> None:
    first, count = MARCH.first, len(given_days)
    days = [air_day(first + i, aqi, status) for i, (status, aqi) in enumerate(given_days) if status is not None]
    cut = data.draw(st.integers(0, count - 1))
    whole = of_days(Period(first, first + count - 1, "whole"), days)
    parts = [of_days(Period(first, first + cut, "head"), days)]
    if cut < count - 1:
        parts.append(of_days(Period(first + cut + 1, first + count - 1, "tail"), days))
    assert sum(part.numerator for part in parts) == whole.numerator
    assert sum(part.denominator for part in parts) == whole.denominator
    reasons: Counter[Reason] = Counter()
    for part in parts:
        reasons.update(excluded(part))
    assert reasons == excluded(whole)
    assert whole.denominator + sum(excluded(whole).values()) == count  # every day is somewhere, once


@given(DAYS)
def test_the_rate_is_that_of_the_days_counted_one_by_one(given_days: list[tuple[Status | None, int]]) -> None:
    first = MARCH.first
    days = [air_day(first + i, aqi, status) for i, (status, aqi) in enumerate(given_days) if status is not None]
    found = of_days(Period(first, first + len(given_days) - 1, "run"), days)
    valid = [aqi for status, aqi in given_days if status is Status.VALID]
    good = [aqi for aqi in valid if aqi <= 100]
    assert (found.numerator, found.denominator) == (len(good), len(valid))
    exact = round(Fraction(1000 * len(good), len(valid))) if valid else None  # Python rounds a Fraction half to even
    assert found.tenths == exact


def test_areas_together_count_their_days_and_do_not_average_their_rates() -> None:
    """9/10 and 10/30: together 19/40 = 47.5 %; the mean of 90.0 and 33.3 would be 61.7."""
    first = MARCH.first
    small = Period(first, first + 9, "run")
    large = Period(first, first + 29, "run")
    one = of_days(small, [air_day(day, 120 if day == first else 50) for day in small])
    two = rates.good_days(
        "b", large, [air_day(d, 50 if d < first + 10 else 120, edition=NEW) for d in large], GOOD, "x"
    )
    found = rates.together(RateName.GOOD_DAYS, "*", large, [one, two])
    assert (found.subject, found.numerator, found.denominator, found.tenths) == ("*", 19, 40, 475)
    assert found.editions == (OLD, NEW)
    assert found.basis == "realtime+x"


def test_areas_together_keep_every_exclusion() -> None:
    first = MARCH.first
    span = Period(first, first + 2, "three days")
    one = of_days(span, [air_day(first), air_day(first + 1, NO_VALUE, Status.INSUFFICIENT)])
    two = of_days(span, [air_day(first), air_day(first + 1)])
    found = rates.together(RateName.GOOD_DAYS, "*", span, [one, two])
    assert (found.numerator, found.denominator) == (3, 3)
    assert excluded(found) == {Reason.MISSING: 2, Reason.INSUFFICIENT: 1}


def test_no_areas_together_have_no_rate() -> None:
    found = rates.together(RateName.GOOD_DAYS, "*", MARCH, [])
    assert (found.denominator, found.tenths, found.basis) == (0, None, "none")


# --- sections ----------------------------------------------------------------------------------------------------


def test_sections_are_good_up_to_class_three() -> None:
    """One section of each class: I, II, III are good (环办〔2011〕22号), so 3/6."""
    judged = [(site(one.name), water(one)) for one in WaterClass if one]
    found = rates.good_sections("*", MARCH, judged, "manual")
    assert (found.name, found.numerator, found.denominator, found.tenths) == (RateName.GOOD_SECTIONS, 3, 6, 500)
    assert (found.basis, found.editions) == ("manual", ("GB 3838-2002",))


def test_a_good_section_may_miss_its_target_and_a_bad_one_may_meet_it() -> None:
    """Class III where II is asked: good, target missed. IV where IV is asked: not good, target met. V/IV: neither."""
    judged = [
        (site("upper", II), water(III)),
        (site("lower", IV), water(IV)),
        (site("drain", IV), water(V)),
        (site("spring", II), water(I)),
        (site("reach", II), water(II)),
    ]
    good = rates.good_sections("*", MARCH, judged, "manual")
    met = rates.target_met("*", MARCH, judged, "manual")
    assert (good.name, good.numerator, good.denominator, good.tenths) == (RateName.GOOD_SECTIONS, 3, 5, 600)
    assert (met.name, met.numerator, met.denominator, met.tenths) == (RateName.TARGET_MET, 3, 5, 600)
    assert rates.target_met("*", MARCH, judged[1:2], "manual").numerator == 1
    assert rates.good_sections("*", MARCH, judged[1:2], "manual").numerator == 0
    assert rates.target_met("*", MARCH, judged[:1], "manual").numerator == 0
    assert rates.good_sections("*", MARCH, judged[:1], "manual").numerator == 1


@pytest.mark.parametrize("name", list(rates.RATES))
def test_sites_that_were_not_judged_are_excluded_with_their_reason(name: RateName) -> None:
    judged = [
        (site("good", intake=1000), water(II)),
        (site("silent", intake=1000), None),
        (site("few", intake=1000), water(WaterClass.NONE, Status.INSUFFICIENT)),
        (site("flagged", intake=1000), water(WaterClass.NONE, Status.INVALID)),
        (site("partly", intake=1000), water(WaterClass.NONE, Status.INCOMPLETE)),
        (site("background", intake=1000, counted=False), water(V)),
    ]
    found = rates.RATES[name]("*", MARCH, judged, "manual")
    whole, tenths = (0, 0) if name is RateName.WORSE_THAN_V else (found.denominator, 1000)  # which counts the bad
    assert found.name is name
    assert found.denominator > 0
    assert (found.numerator, found.tenths) == (whole, tenths)
    assert excluded(found) == {
        Reason.MISSING: 1,
        Reason.INSUFFICIENT: 1,
        Reason.INVALID: 1,
        Reason.INCOMPLETE: 1,
        Reason.NOT_COUNTED: 1,
    }


def test_a_site_that_is_not_counted_has_that_one_reason_only() -> None:
    found = rates.good_sections("*", MARCH, [(site("background", counted=False), None)], "manual")
    assert excluded(found) == {Reason.NOT_COUNTED: 1}


@pytest.mark.parametrize("name", list(rates.RATES))
def test_no_sites_have_no_rate(name: RateName) -> None:
    found = rates.RATES[name]("*", MARCH, [], "none")
    assert (found.numerator, found.denominator, found.tenths, found.excluded) == (0, 0, None, ())


def test_every_rate_but_that_of_days_is_in_the_registry() -> None:
    assert set(rates.RATES) | {RateName.GOOD_DAYS} == set(RateName)


def test_sections_of_two_editions_name_both() -> None:
    judged = [(site("a"), water(II)), (site("b"), water(II, edition="made up"))]
    assert rates.good_sections("*", MARCH, judged, "manual").editions == ("GB 3838-2002", "made up")


# --- sources -----------------------------------------------------------------------------------------------------

# intake in steps of 10 t a month: 120.5, 30 and 49.5 times 10^4 t
SOURCES = [
    (site("reservoir", intake=120_500), water(II)),
    (site("well", intake=30_000), water(IV, edition="GB/T 14848-2017")),
    (site("river", intake=49_500), water(III)),
]


def test_sources_by_count_and_by_volume_differ() -> None:
    """2 of 3 sources = 66.7 %, but 170.0 of 200.0 x 10^4 t = 85.0 %."""
    count = rates.good_sources("*", MARCH, SOURCES, "manual")
    volume = rates.good_sources_volume("*", MARCH, SOURCES, "manual")
    assert (count.name, count.numerator, count.denominator, count.tenths) == (RateName.GOOD_SOURCES, 2, 3, 667)
    assert (volume.name, volume.tenths) == (RateName.GOOD_SOURCES_VOLUME, 850)
    assert (volume.numerator, volume.denominator) == (170_000, 200_000)
    assert count.editions == volume.editions == ("GB 3838-2002", "GB/T 14848-2017")


def test_a_source_without_a_known_intake_leaves_the_volume_but_not_the_count() -> None:
    """Without the river's intake: 120.5 of 150.5 = 80.066 %; by count still 2 of 3."""
    judged = [*SOURCES[:2], (replace(SOURCES[2][0], intake=None), SOURCES[2][1])]
    volume = rates.good_sources_volume("*", MARCH, judged, "manual")
    assert (volume.numerator, volume.denominator, volume.tenths) == (120_500, 150_500, 801)
    assert excluded(volume) == {Reason.NO_VOLUME: 1}
    assert rates.good_sources("*", MARCH, judged, "manual").tenths == 667


def test_a_source_that_was_not_sampled_takes_its_volume_out_as_well() -> None:
    """Well left out: the rest complies, 100.0 %. The reason is the missing sample and not the missing intake."""
    judged = [SOURCES[0], (site("well"), None), SOURCES[2]]
    volume = rates.good_sources_volume("*", MARCH, judged, "manual")
    assert (volume.numerator, volume.denominator, volume.tenths) == (170_000, 170_000, 1000)
    assert excluded(volume) == {Reason.MISSING: 1}


def test_a_volume_of_nought_is_no_rate() -> None:
    found = rates.good_sources_volume("*", MARCH, [(site("resting", intake=0), water(II))], "manual")
    assert (found.denominator, found.tenths) == (0, None)


CLASSES = st.lists(
    st.tuples(st.sampled_from([c for c in WaterClass if c]), st.sampled_from([II, III, IV])), max_size=30
)


@given(CLASSES, st.integers(0, 30))
def test_counts_of_two_groups_of_sections_add_up(classes: list[tuple[WaterClass, WaterClass]], cut: int) -> None:
    judged = [(site(f"s{i}", target, intake=10 * i), water(one)) for i, (one, target) in enumerate(classes)]
    for count in rates.RATES.values():
        whole = count("*", MARCH, judged, "manual")
        parts = [count("*", MARCH, judged[:cut], "manual"), count("*", MARCH, judged[cut:], "manual")]
        assert sum(part.numerator for part in parts) == whole.numerator
        assert sum(part.denominator for part in parts) == whole.denominator


def test_a_longer_run_of_days_is_the_same_wherever_it_lies() -> None:
    """The same ten days, 4 of them over, at a month's, a year's and a leap day's edge: 60.0 % everywhere."""
    for start in (date(2022, 3, 27), date(2021, 12, 28), date(2024, 2, 24)):
        first = periods.number(start)
        span = periods.parse(f"{start}..{start + timedelta(days=9)}")
        found = of_days(span, [air_day(first + i, 120 if i in (2, 3, 4, 9) else 100) for i in range(10)])
        assert (found.numerator, found.denominator, found.tenths) == (6, 10, 600)
