"""Settings of every test, as they are without the config.

Thresholds by parameter are decimal numbers in its unit; a parameter without one is not tested, except by `flat_line`,
which then tests it whatever its value. Whole numbers are readings (`times`), hours (`within`) or days (`days`).
"""

from __future__ import annotations

from collections.abc import Mapping

from envmon.qc.grid import Settings

JUMPS = {"so2": "100", "no2": "100", "co": "3", "o3": "150", "pm10": "300", "pm25": "150"}
"""By so much hourly values hardly ever differ, from hour to hour or between stations of one place."""

RATES = JUMPS | {"water_temp": "3", "ph": "0.5", "do": "3", "codmn": "5", "nh3n": "1", "tp": "0.25", "tn": "3"}
"""By so much an hour values hardly ever change: of 1.2 million 4-hour differences of Sichuan sections (2021-2023) about
one in 7,000 is larger."""

DEFAULTS: Mapping[str, Settings] = {
    "missing": {"off": False},
    "device_flag": {"off": False, "level": "fail"},
    "maintenance": {"off": False, "level": "fail"},
    "negative": {"off": False, "level": "fail"},
    "below_detection": {"off": False},
    "out_of_range": {"off": False, "level": "fail"},
    # Ranges of a season: tables with items, sites (or areas), months, low, high. Nobody but the bureau knows them.
    "climatology": {"off": False, "level": "suspect", "ranges": []},
    # Published values are whole numbers and clean air stands still for hours: only a run well above the noise counts.
    # The water platform prints less than the detection limit as the limit itself (NH3-N 0.025, TP 0.005, TN 0.05), and
    # a section rightly keeps its class for months (7: no class is).
    "flat_line": {
        "off": False,
        "level": "suspect",
        "times": 8,
        "above": {
            "so2": "30",
            "no2": "20",
            "co": "1.5",
            "o3": "40",
            "pm10": "30",
            "pm25": "20",
            "nh3n": "0.05",
            "tp": "0.01",
            "tn": "0.1",
            "published_class": "7",
        },
    },
    # A single value that stands out from both neighbours by at least `by` (in the item's unit) and `factor` times.
    "spike": {"off": False, "level": "suspect", "factor": 3, "by": JUMPS},
    # `times` values all at least `by` above, or below, the `times` values before them.
    "step": {"off": False, "level": "suspect", "times": 3, "by": JUMPS},
    # More than `by` an hour since the reading before, which is at most `within` hours ago.
    "rate_of_change": {"off": False, "level": "suspect", "within": 6, "by": RATES},
    # `times` values of a day equal, one by one, to those of the day before, with `changes` changes among them: of any
    # 24 hours that were copied twelve lie in one day.
    "repeated_block": {"off": False, "level": "suspect", "times": 12, "changes": 6},
    # All items of a site, at least `items`, stand still together for `times` readings.
    "stale_feed": {"off": False, "level": "suspect", "times": 6, "items": 4},
    "pm_order": {"off": False, "level": "suspect"},
    "nitrogen_order": {"off": False, "level": "suspect"},
    "nox_order": {"off": False, "level": "suspect"},
    # Beyond the median of at least `least` other stations of the area by `by` and `factor` times.
    "neighbours": {"off": False, "level": "suspect", "least": 3, "factor": 3, "by": JUMPS},
    # Further from the median of the same hour of the `days` days before than `factor` times their median deviation,
    # and than `by`. It reads as many days more, so it is for bureaus that ask for it.
    "same_hour": {"off": True, "level": "suspect", "days": 14, "least": 10, "factor": 8, "by": JUMPS},
    "duplicate": {"off": False},
    # Two sources of one kind of data about one time: apart by more than `by` (in the item's unit, 0 where none is
    # named) and by more than `percent` of the larger. One rounds, the other does not: that alone is no disagreement.
    "sources_disagree": {
        "off": False,
        "percent": 10,
        "by": {
            "so2": "5",
            "no2": "5",
            "co": "0.2",
            "o3": "10",
            "pm10": "10",
            "pm25": "5",
            "water_temp": "1",
            "ph": "0.1",
            "do": "0.3",
            "codmn": "0.3",
            "nh3n": "0.02",
            "tp": "0.01",
            "tn": "0.1",
        },
    },
    # Minutes a station's clock may be ahead of ours.
    "clock_error": {"off": False, "ahead": 10},
}


def settings_of(test: str, changes: Settings) -> Settings:
    """A test's settings: the defaults with the config's changes in them; thresholds are changed item by item."""
    own = dict(DEFAULTS[test])
    for key, value in changes.items():
        own[key] = {**own.get(key, {}), **value} if isinstance(value, Mapping) else value
    return own
