"""The cells of a file that `envmon calc` reads: days and minutes, concentrations in steps, names of pollutants."""

from __future__ import annotations

import re
from datetime import date

LARGEST = 10**9  # steps; beyond it a number is a mistake, not a measurement
MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "--", "—", "–"}
DATE = re.compile(
    r"(\d{4})(?:(\d{2})(\d{2})|([-/])(\d{1,2})\4(\d{1,2}))(?:[T ]+(\d{1,2})(?::(\d{2})(?::\d{2}(?:\.\d+)?)?)?)?"
)


def moment_of(text: str) -> tuple[int, int | None] | None:
    """The day of a date and the minutes of its time of day (up to 24:00; None without one); None for anything else."""
    from envmon import periods

    match = DATE.fullmatch(text.strip())
    if not match:
        return None
    year, month, day = int(match[1]), int(match[2] or match[5]), int(match[3] or match[6])
    minute = int(match[8] or 0)
    into = 60 * int(match[7] or 0) + minute
    if into > 1440 or minute > 59:
        return None
    try:
        found = periods.number(date(year, month, day))
    except ValueError:
        return None
    return found, into if match[7] else None


def day_of(text: str, hourly: bool) -> int | None:
    """The day of a date, or of the hour that ends at a time of day; None for anything else.

    >>> day_of("2026-03-01", False) == day_of("20260301", False) == day_of("2026/3/1 0:00", False)
    True
    >>> day_of("2026-03-01", True) - day_of("2026-03-01 00:00", True), day_of("2026-13-01", False)
    (1, None)
    """
    from envmon import periods

    found = moment_of(text)
    if found is None:
        return None
    day, into = found
    return periods.day_of(periods.hour_ending(day, 0) + into) if hourly and into is not None else day


def minute_of(text: str) -> int | None:
    """A date with a time of day, Beijing time, as a minute; None for anything else.

    >>> minute_of("2026-03-01 24:00") == minute_of("2026/3/2 0:00"), minute_of("2026-03-01")
    (True, None)
    """
    from envmon import periods

    found = moment_of(text)
    if found is None or found[1] is None:
        return None
    return periods.hour_ending(found[0], 0) + found[1]


def in_steps(text: str, decimals: int) -> int | None:
    """A concentration in steps, NO_VALUE for a missing one, None for a cell that is no concentration.

    >>> in_steps("2.25", 1), in_steps(" NA", 0), in_steps("-3", 0), in_steps("high", 0)
    (22, -1, None, None)
    """
    from envmon.model import NO_VALUE
    from envmon.rounding import scaled

    text = text.strip()
    if text.lower() in MISSING:
        return NO_VALUE
    try:
        value = scaled(text, decimals)
    except ValueError:
        return None
    return None if text.startswith("-") or value > LARGEST else value


def pollutant(name: str) -> str | None:
    """The pollutant a heading names: pm25, PM2.5, PM 2.5, O3 ...; None for any other column."""
    from envmon.model import POLLUTANTS

    plain = re.sub(r"[\s._-]", "", name.lower())
    return plain if plain in POLLUTANTS else None
