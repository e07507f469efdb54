"""Ambient air: values of minutes -> hourly means, with the minutes behind each of them (GB 3095 table 4).

What delivers minutes (an instrument's file, telemetry) is turned into hours here and nowhere else. Never here: how many
minutes an hour needs (it comes with the regime), QC, files, the clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envmon.errors import NotAssessable
from envmon.model import NO_VALUE, POLLUTANTS, AirValidity, IntArray
from envmon.rounding import half_even_array

HOUR = 60


@dataclass(frozen=True, slots=True)
class Hours:
    """Hourly means [pollutant, hour, site] in the steps of the minutes, NO_VALUE where too few are valid, and the
    minutes that have a value, of the same shape."""

    value: IntArray
    minutes: IntArray


def hourly_means(values: IntArray, step: int, validity: AirValidity) -> Hours:
    """The hourly means of whole hours of minute values.

    values : [pollutant, 60 / step x hours, site] after QC, in stored steps, NO_VALUE where there is none. A value is
        labelled by the end of its interval of `step` minutes, and stands for all of them: the first one of an hour
        labelled 16 ends at 15:00 and `step` minutes, the last at 16:00.
    step : minutes of one value, a divisor of 60.
    The exact mean is rounded once, half to even, to a stored step. A pollutant for which `validity.hour_minutes` asks
    for none (particles) has a mean as soon as it has a value.
    Raises NotAssessable for another shape or step, and for a concentration below zero other than the mark.
    Source: GB 3095 table 4 (minutes of an hour), GB/T 8170 (rounding).

    >>> rule = AirValidity(20, 8, 6, 8, 14, 27, 25, 324, (75, 50), dict.fromkeys(POLLUTANTS, 45))
    >>> found = hourly_means(np.array([[[10]] * 8 + [[11]] + [[NO_VALUE]] * 3] * 6), 5, rule)
    >>> found.value[0].tolist(), found.minutes[0].tolist()
    ([[10]], [[45]])
    """
    if not 1 <= step <= HOUR or HOUR % step:
        raise NotAssessable(f"minute values must divide an hour evenly, not come every {step} minutes")
    each = HOUR // step
    if values.ndim != 3 or values.shape[0] != len(POLLUTANTS) or values.shape[1] % each:
        raise NotAssessable(f"values must be [{len(POLLUTANTS)}, {each} x hours, site], not {values.shape}")
    if int(values.min(initial=0)) < NO_VALUE:
        raise NotAssessable("a concentration below zero reached the mean; quality control must mark it first")
    by_hour = values.reshape(len(POLLUTANTS), values.shape[1] // each, each, values.shape[2])
    there = by_hour != NO_VALUE
    count = there.sum(axis=2)
    total = np.where(there, by_hour, 0).sum(axis=2, dtype=np.int64)
    mean = half_even_array(total, np.maximum(count, 1))
    least = np.array([validity.hour_minutes[item] for item in POLLUTANTS]).reshape(-1, 1, 1)
    mean[(count == 0) | (count * step < least)] = NO_VALUE
    return Hours(mean, count * step)
