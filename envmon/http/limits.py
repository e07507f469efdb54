"""What a service says of its own limits, in seconds from now. Pure: the service's clock is compared with itself.

Never here: waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

LEFT_ALONE = 86_400
"""Longest time in seconds for which a service is left alone because it says so; then it is asked again."""

EPOCH = 10**9  # a reset later than this is a point in time, not a number of seconds
REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining")
RESET = ("x-ratelimit-reset", "ratelimit-reset")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """What Retry-After asks for: seconds, or a date compared with the answer's own Date. None when it says nothing.

    >>> retry_after({"Retry-After": "864000"}), retry_after({"Retry-After": "soon"})
    (86400.0, None)
    >>> retry_after({"Retry-After": "Fri, 27 Nov 2026 08:01:30 GMT", "Date": "Fri, 27 Nov 2026 08:00:00 GMT"})
    90.0
    """
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return bounded(float(text[:9]))
    then, now = _date(text), _date(headers.get("Date", ""))
    return None if then is None or now is None else bounded((then - now).total_seconds())


def used_up(headers: Mapping[str, str]) -> float | None:
    """Seconds until more may be asked, when the answer says that nothing is left. None when something is.

    >>> used_up({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "42"}), used_up({"x-ratelimit-remaining": "1"})
    (42.0, None)
    """
    remaining = _first(headers, REMAINING)
    reset = _first(headers, RESET)
    if not remaining.isdecimal() or int(remaining[:9]) > 0 or not reset.isdecimal():
        return None
    seconds = float(reset[:12])
    if seconds > EPOCH:
        now = _date(headers.get("Date", ""))
        if now is None:
            return None
        seconds -= now.timestamp()
    return bounded(seconds)


def bounded(seconds: float) -> float:
    return max(0.0, min(seconds, float(LEFT_ALONE)))


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((headers[name].strip() for name in names if name in headers), "")


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return found if found.tzinfo is not None else None
