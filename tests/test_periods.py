"""The calendar: which day the 24:00 hour belongs to, ISO weeks at New Year, months, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envmon import periods
from envmon.errors import UsageError

DAYS = st.dates(date(1992, 1, 1), date(2060, 12, 31))


def test_the_24_oclock_hour_belongs_to_the_day_it_ends() -> None:
    new_year = periods.number(date(2022, 1, 1))
    assert periods.day_of(periods.minute(datetime(2022, 1, 1, 1))) == new_year
    assert periods.day_of(periods.minute(datetime(2022, 1, 2, 0))) == new_year
    assert periods.day_of(periods.minute(datetime(2022, 1, 2, 0)) + 1) == new_year + 1
    assert periods.hour_ending(new_year, 24) == periods.minute(datetime(2022, 1, 2, 0))


def test_beijing_time_is_eight_hours_ahead() -> None:
    assert periods.minute(datetime(2022, 1, 1, 0)) == periods.minute(datetime(2021, 12, 31, 16, tzinfo=UTC))
    assert periods.clock(periods.minute(datetime(2026, 3, 1, 9, 5))) == "2026-03-01 09:05"


def test_the_running_day_changes_at_midnight() -> None:
    midnight = periods.minute(datetime(2022, 3, 1))
    assert periods.today(midnight) == periods.number(date(2022, 3, 1))
    assert periods.today(midnight - 1) == periods.number(date(2022, 2, 28))


# ISO 8601 week dates, read off a calendar.
@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2022-W10", date(2022, 3, 7), date(2022, 3, 13)),
        ("2020-W53", date(2020, 12, 28), date(2021, 1, 3)),
        ("2025-W01", date(2024, 12, 30), date(2025, 1, 5)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2022-12", date(2022, 12, 1), date(2022, 12, 31)),
        ("2022-Q4", date(2022, 10, 1), date(2022, 12, 31)),
        ("2022-q1", date(2022, 1, 1), date(2022, 3, 31)),
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2022-03-05", date(2022, 3, 5), date(2022, 3, 5)),
        ("2022-01..2022-02", date(2022, 1, 1), date(2022, 2, 28)),
        ("2022-01-05..2022", date(2022, 1, 5), date(2022, 12, 31)),
    ],
)
def test_periods_as_people_type_them(text: str, first: date, last: date) -> None:
    found = periods.parse(text)
    assert (periods.calendar(found.first), periods.calendar(found.last)) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22",
        "2022..2023..2024",
        "2022-13",
        "2022-00",
        "2022-W54",
        "2021-W53",
        "2022-Q5",
        "2022-02-30",
        "1990",
        "2022..2021",
        "明年",
    ],
)
def test_what_is_not_a_period_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match="period"):
        periods.parse(text)


@pytest.mark.parametrize(
    "text", ["9998-01-01", "9998", "9999-H1", "9999-W52", "9999", "9999-12", "9999-12-31", "2022..9999"]
)
def test_a_period_after_which_the_calendar_ends_is_refused(text: str) -> None:
    assert periods.parse("9997").last == periods.parse("9997-12-31").last
    with pytest.raises(UsageError) as told:
        periods.parse(text)
    assert text.removeprefix("2022..") in told.value.said("zh")


@given(DAYS)
def test_every_day_is_in_its_own_week_month_and_year(day: date) -> None:
    count = periods.number(day)
    for period in (periods.week_of(count), periods.month_of(count), periods.year_of(count), periods.single(count)):
        assert count in period
        assert periods.parse(period.name) == period
    assert periods.week_of(count).days == 7
    assert periods.calendar(count) == day


@given(DAYS)
def test_the_months_of_a_year_cover_it_without_gap_or_overlap(day: date) -> None:
    year = periods.year_of(periods.number(day))
    months = periods.months(year)
    assert len(months) == 12
    assert [d for month in months for d in month] == list(year)
    quarters = [periods.quarter(day.year, count) for count in range(1, 5)]
    assert [d for quarter in quarters for d in quarter] == list(year)


def test_the_part_of_a_period_up_to_a_day() -> None:
    year = periods.parse("2022")
    assert year.until(year.first + 58).days == 59
    assert year.until(year.last + 5) == year
