"""Which days of air a small change may turn: near the limit, hardly enough data, or one item short of counting.

Real-time values are reviewed later; these are the days to look at first. Never here: the review itself, storage, texts.
"""

from __future__ import annotations

from dataclasses import dataclass

from envmon.model import POLLUTANTS, AirDay, AirValidity, Status

O3 = POLLUTANTS.index("o3")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a day may flip. kind: near, hours, windows, stations or missing; `size` is the index, hours, windows or
    stations it has; `item` the pollutant it is about ("" where it is about all)."""

    kind: str
    size: int
    item: str = ""


def reasons(day: AirDay, margin: int, validity: AirValidity, good_up_to: int, stations: int = 0) -> tuple[Reason, ...]:
    """Every reason for which a day may be judged otherwise, none when it stands fast.

    margin : of the index, on both sides of the largest good one. stations : how many an area is made of, 0 for a site
    or a city series, whose own hours are counted instead. Few hours and windows are the least that are enough, or one
    more: 20-21 hours, 14-15 windows.
    """
    if day.status is Status.INCOMPLETE:
        return _missing(day)
    if day.status is not Status.VALID:
        return ()
    found = _near(day, margin, good_up_to)
    return (*found, *(_few_stations(day, validity, stations) if stations else _few_hours(day, validity)))


def _missing(day: AirDay) -> tuple[Reason, ...]:
    absent = [name for bit, name in enumerate(POLLUTANTS) if day.missing >> bit & 1]
    return (Reason("missing", 1, absent[0]),) if len(absent) == 1 else ()


def _near(day: AirDay, margin: int, good_up_to: int) -> tuple[Reason, ...]:
    """The items whose sub-index lies within the margin of the limit, when the day turns on them.

    A bad day can only turn good when every item that is over the limit is near it.
    """
    near = [i for i, index in enumerate(day.iaqi) if good_up_to - margin < index <= good_up_to + margin]
    over = [i for i, index in enumerate(day.iaqi) if index > good_up_to]
    if not set(over) <= set(near):
        return ()
    return tuple(Reason("near", day.iaqi[i], POLLUTANTS[i]) for i in near if not over or i in over)


def _few_hours(day: AirDay, validity: AirValidity) -> tuple[Reason, ...]:
    """Items that would have no daily value with two valid hours, or ozone windows, less."""
    found = []
    for row, name in enumerate(POLLUTANTS):
        if row != O3 and validity.day_hours <= day.hours[row] <= validity.day_hours + 1:
            found.append(Reason("hours", day.hours[row], name))
    if validity.windows <= day.windows <= validity.windows + 1:
        found.append(Reason("windows", day.windows, "o3"))
    return tuple(found)


def _few_stations(day: AirDay, validity: AirValidity, stations: int) -> tuple[Reason, ...]:
    """One valid station less and the area has no value."""
    usual, few = validity.station_share
    share = few if stations < 4 else usual
    left = day.stations - 1
    short = left < 1 or 100 * left < share * stations
    return (Reason("stations", day.stations),) if short else ()
