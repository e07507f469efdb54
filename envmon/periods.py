"""Hours, days, weeks, months: every calendar question, answered in Asia/Shanghai time and nothing else.

Two whole-number clocks are used everywhere:
* a *minute* is minutes since 1970-01-01 00:00 UTC; a reading's `ending` is one;
* a *day* is days since 1970-01-01 of the Beijing calendar; the hour ending at 24:00 belongs to the day it ends.

China has had one zone and no summer time since 1991-09-15; earlier days are refused rather than guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from envmon.errors import UsageError

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
EPOCH = date(1970, 1, 1)
OFFSET = 480
DAY = 1440
LAST_DAY = (date(9999, 12, 31) - EPOCH).days
FIRST_DAY = (date(1991, 9, 15) - EPOCH).days
LAST_ASKED = (date(9997, 12, 31) - EPOCH).days  # what follows from a period (a deadline, the next month) has a date too


def minute(moment: datetime) -> int:
    """Minutes since the epoch; a time without zone is Beijing time.

    >>> minute(datetime(1970, 1, 1, 8))
    0
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=BEIJING)
    return int(moment.timestamp() // 60)


def moment(minutes: int) -> datetime:
    """The Beijing time of a minute.

    >>> moment(0).isoformat()
    '1970-01-01T08:00:00+08:00'
    """
    return datetime.fromtimestamp(minutes * 60, UTC).astimezone(BEIJING)


def clock(minutes: int) -> str:
    """A minute as people read it, Beijing time.

    >>> clock(0)
    '1970-01-01 08:00'
    """
    return moment(minutes).strftime("%Y-%m-%d %H:%M")


def day_of(ending: int) -> int:
    """The day a value belongs to whose interval ends at `ending` (24:00 is still that day).

    >>> day_of(minute(datetime(2022, 1, 2, 0))) == number(date(2022, 1, 1))
    True
    """
    return (ending - 1 + OFFSET) // DAY


def hour_ending(day: int, hour: int) -> int:
    """The minute at which hour 1..24 of a day ends."""
    return day * DAY - OFFSET + hour * 60


def number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def calendar(day: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=day)


def today(now: int) -> int:
    """The day that is running at minute `now`; at exactly 24:00 the new one."""
    return (now + OFFSET) // DAY


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A closed run of days, first and last included, with the name it is known by (`2022-03`, `2022-W10`)."""

    first: int
    last: int
    name: str

    @property
    def days(self) -> int:
        return self.last - self.first + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, int) and self.first <= day <= self.last

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1))

    def until(self, day: int) -> Period:
        """The part of the period up to and including `day`, under the same name."""
        return Period(self.first, min(self.last, day), self.name)


def slot_before(now: int, every: int, at: int) -> int:
    """Start of the newest slot of `every` minutes that is due (`at` minutes after its start) at minute `now`.

    Days start at 00:00, weeks on Monday 00:00, Beijing time.

    >>> clock(slot_before(minute(datetime(2022, 3, 9, 9, 34)), 60, 35))
    '2022-03-09 08:00'
    """
    anchor = (4 * DAY if every == 7 * DAY else 0) - OFFSET  # 1970-01-05 was a Monday
    return anchor + (now - at - anchor) // every * every


def single(day: int) -> Period:
    return Period(day, day, calendar(day).isoformat())


def week(year: int, count: int) -> Period:
    """An ISO week, Monday to Sunday."""
    monday = number(date.fromisocalendar(year, count, 1))
    return Period(monday, monday + 6, f"{year}-W{count:02d}")


def month(year: int, count: int) -> Period:
    first = date(year, count, 1)
    following = date(year + count // 12, count % 12 + 1, 1)
    return Period(number(first), number(following) - 1, f"{year}-{count:02d}")


def quarter(year: int, count: int) -> Period:
    return Period(month(year, 3 * count - 2).first, month(year, 3 * count).last, f"{year}-Q{count}")


def is_quarter(period: Period) -> bool:
    on = calendar(period.first)
    whole = quarter(on.year, (on.month + 2) // 3)
    return (whole.first, whole.last) == (period.first, period.last)


def is_month(period: Period) -> bool:
    whole = month_of(period.first)
    return (whole.first, whole.last) == (period.first, period.last)


def is_year(period: Period) -> bool:
    whole = year_of(period.first)
    return (whole.first, whole.last) == (period.first, period.last)


def year(count: int) -> Period:
    return Period(number(date(count, 1, 1)), number(date(count, 12, 31)), f"{count}")


def half_year(year: int, count: int) -> Period:
    return Period(month(year, 6 * count - 5).first, month(year, 6 * count).last, f"{year}-H{count}")


def month_of(day: int) -> Period:
    on = calendar(day)
    return month(on.year, on.month)


def week_of(day: int) -> Period:
    iso = calendar(day).isocalendar()
    return week(iso.year, iso.week)


def year_of(day: int) -> Period:
    return year(calendar(day).year)


def year_before(period: Period) -> Period:
    """The same days of the year before; what ends with a month ends with it there too, a week has the same number.

    >>> year_before(parse("2024-02")).days, year_before(parse("2024-02-01..2024-02-29")).name
    (28, '2023-02')
    >>> year_before(parse("2025-02-28")).name, year_before(parse("2024-02-29")).name
    ('2024-02-28', '2023-02-28')
    """
    iso = calendar(period.first).isocalendar()
    if period == week(iso.year, iso.week):
        return week(iso.year - 1, min(iso.week, 52))
    first, last = calendar(period.first), calendar(period.last)
    there, end = month(first.year - 1, first.month), month(last.year - 1, last.month)
    start = there.first + min(first.day, there.days) - 1
    to_the_end = period.last == month_of(period.last).last and period.days > 1
    stop = end.last if to_the_end else end.first + min(last.day, end.days) - 1
    named = re.fullmatch(r"(\d{4})(-[QqHh][1-4]|-\d{2})?", period.name)
    name = f"{int(named[1]) - 1}{named[2] or ''}" if named else between(start, stop).name
    return Period(start, stop, name)


def between(first: int, last: int) -> Period:
    """The period from one day to another, by the name of the day, month or year when it is one."""
    for one in (single(first), month_of(first), year_of(first)):
        if (one.first, one.last) == (first, last):
            return one
    return Period(first, last, f"{calendar(first)}..{calendar(last)}")


def months(period: Period) -> list[Period]:
    """The calendar months a period touches, whole, in order."""
    found, day = [], period.first
    while day <= period.last:
        found.append(month_of(day))
        day = found[-1].last + 1
    return found


def parts(period: Period, by: str) -> list[Period]:
    """The whole months, quarters or years that lie in a period, in order; by is "month", "quarter" or "year".

    >>> [one.name for one in parts(parse("2022-02..2022-09"), "quarter")]
    ['2022-Q2', '2022-Q3']
    """
    found: dict[Period, None] = {}
    for one in months(period):
        on = calendar(one.first)
        whole = {"month": one, "quarter": quarter(on.year, (on.month + 2) // 3), "year": year(on.year)}[by]
        if period.first <= whole.first and whole.last <= period.last:
            found[whole] = None
    return list(found)


FORMS: tuple[tuple[str, str], ...] = (
    (r"(\d{4})", "2022"),
    (r"(\d{4})-[Qq]([1-4])", "2022-Q1"),
    (r"(\d{4})-[Hh]([12])", "2022-H1"),
    (r"(\d{4})-[Ww](\d{2})", "2022-W10"),
    (r"(\d{4})-(\d{2})", "2022-03"),
    (r"(\d{4})-(\d{2})-(\d{2})", "2022-03-01"),
)


def parse(text: str) -> Period:
    """A period as people type it: 2022, 2022-H1, 2022-Q1, 2022-W10, 2022-03, 2022-03-01, or two of them joined by `..`.

    Raises UsageError naming the accepted forms.

    >>> parse("2022-W10").days, parse("2024-02").days, parse("2022-03-01..2022-03").days
    (7, 29, 31)
    """
    text = text.strip()
    if ".." in text:
        start, _, end = text.partition("..")
        if ".." in end:
            raise UsageError("error.period.form", text=text, forms="2022-01..2022-06")
        first, last = parse(start).first, parse(end).last
        if last < first:
            raise UsageError("error.period.order", text=text)
        return Period(first, last, text)
    numbers = [re.fullmatch(form, text) for form, _ in FORMS]
    try:
        found = _build(numbers)
    except ValueError as error:
        raise UsageError("error.period.calendar", text=text) from error
    if found is None:
        forms = ", ".join(example for _, example in FORMS)
        raise UsageError("error.period.form", text=text, forms=forms)
    if found.first < FIRST_DAY:
        raise UsageError("error.period.early", text=text, day=calendar(FIRST_DAY))
    if found.last > LAST_ASKED:
        raise UsageError("error.period.late", text=text, day=calendar(LAST_ASKED))
    return found


def _build(numbers: list[re.Match[str] | None]) -> Period | None:
    whole, by_quarter, by_half, by_week, by_month, by_day = numbers
    if whole:
        return year(int(whole[1]))
    if by_quarter:
        return quarter(int(by_quarter[1]), int(by_quarter[2]))
    if by_half:
        return half_year(int(by_half[1]), int(by_half[2]))
    if by_week:
        return week(int(by_week[1]), int(by_week[2]))
    if by_month:
        return month(int(by_month[1]), int(by_month[2]))
    if by_day:
        return single(number(date(int(by_day[1]), int(by_day[2]), int(by_day[3]))))
    return None
