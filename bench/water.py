"""Water month classes of a national year of automatic sections: ours beside one memory copy and good pandas.

3,600 sections x 6 readings a day x 9 items, whole steps, 3 % missing -> monthly means (pH by hydrogen ions), rounded,
class of every section-month, share of classes I to III. A sample is worked out one by one in fractions as well.
Run: python -m bench 23
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.goals import Goal, in_turn, installed, load, tell, versus
from envmon import periods, standards
from envmon.assess import water, water_periods
from envmon.model import NO_VALUE, Body, WaterRegime

ITEMS = ("ph", "do", "codmn", "cod", "bod5", "nh3n", "tp", "fluoride", "petroleum")
LEVELS = (7.6, 8.5, 3.2, 13.0, 2.2, 0.35, 0.09, 0.4, 0.02)
"""Usual values in the printed unit; places and days move them."""

ITEM_SET = "section_21"
SECTIONS, A_DAY = 3600, 6
ROUNDS = 7
SAMPLE = 400
"""Section-months that are also judged one by one."""

Shares = tuple[NDArray[Any], float]


def run() -> list[Goal]:
    """Goal 23."""
    regime = standards.water(periods.number(date(2025, 6, 1)))
    values, bodies = national_year(SECTIONS, regime)
    target = np.zeros_like(values)
    jobs: dict[str, Callable[[], object]] = {
        "one copy": lambda: np.copyto(target, values),
        "ours": lambda: ours(values, bodies, regime),
    }
    if installed("pandas"):
        jobs["pandas"] = pandas_job(values, bodies, regime)
    print(f"water: {SECTIONS} sections x {values.shape[1]} times x {len(ITEMS)} items = ", end="")
    print(f"{values.size / 1e6:.1f} M values, {values.nbytes / 1e6:.0f} MB, {regime.edition}; {load()}")
    seconds, answers = in_turn(jobs, ROUNDS, ("one copy", "ours"))
    tell(seconds)
    found = answers["ours"]
    assert isinstance(found, tuple)
    copies, of_copies = versus(seconds, "ours", "one copy")
    peer, how = None, "pandas is not installed"
    if "pandas" in seconds:
        peer, how = versus(seconds, "pandas", "ours")
        theirs = answers["pandas"]
        assert isinstance(theirs, tuple)
        print(f"  share of I-III {found[1]:.4f}; {int((theirs[0] != found[0]).sum())} classes of pandas differ")
    wrong = differing(values, bodies, regime, found[0])
    return [
        Goal("23", "water month classes: ours / one copy", copies, "<=", 4, of_copies),
        Goal("23", "water month classes: good pandas / ours", peer, ">=", 8, how),
        Goal("23", f"of {SAMPLE} section-months, classes unlike one by one", wrong, "<=", 0),
    ]


def month_starts() -> list[int]:
    """The row at which each month of 2025 begins."""
    first = date(2025, 1, 1)
    return [A_DAY * (date(2025, month, 1) - first).days for month in range(1, 13)]


def national_year(sections: int, regime: WaterRegime, seed: int = 3838) -> tuple[NDArray[np.int32], list[Body]]:
    """Readings [item, time, section] in steps of the regime, and the kind of every section's water."""
    random = np.random.default_rng(seed)
    times = A_DAY * 365
    values = np.empty((len(ITEMS), times, sections), np.int32)
    for row, (name, level) in enumerate(zip(ITEMS, LEVELS, strict=True)):
        decimals = regime.items[name].decimals
        place = random.normal(0, 0.4, sections) if name == "ph" else level * random.lognormal(0, 0.5, sections) - level
        day = np.repeat(random.standard_normal((365, sections), np.float32), A_DAY, axis=0)[:times]
        day = 0.8 * day + 0.4 * random.standard_normal((times, sections), np.float32)
        own = level + place + (0.15 * day if name == "ph" else 0.25 * day * (level + place))
        printed = 10 ** (regime.items[name].round_to or 0) * (100 if name == "ph" else 10)  # finer than the means
        coarse = 10**decimals // printed
        values[row] = np.maximum(np.rint(own * printed), 0).astype(np.int32) * coarse
    values[random.random(values.shape, np.float32) < 0.03] = NO_VALUE
    return values, [Body.LAKE if section % 10 == 0 else Body.RIVER for section in range(sections)]


def ours(values: NDArray[np.int32], bodies: list[Body], regime: WaterRegime) -> Shares:
    found = water_periods.period_classes(values, None, month_starts(), bodies, regime, ITEM_SET, ITEMS)
    return found, float(((found > 0) & (found <= 3)).sum() / (found > 0).sum())


def pandas_job(values: NDArray[np.int32], bodies: list[Body], regime: WaterRegime) -> Callable[[], Shares]:
    """Good pandas: a wide frame an item, resample by month, round, limits by searchsorted; floats, as is usual."""
    import pandas as pd

    index = pd.date_range("2025-01-01", periods=values.shape[1], freq="4h")
    frames = {}
    for row, name in enumerate(ITEMS):
        printed = values[row] / 10.0 ** regime.items[name].decimals
        printed[values[row] == NO_VALUE] = np.nan
        frames[name] = pd.DataFrame(printed, index=index)
    lake = np.array(bodies) == Body.LAKE
    bounds = {
        (name, kind): np.array(water.limits_of(regime.items[name], kind)) / 10.0 ** regime.items[name].decimals
        for name in ITEMS
        for kind in (False, True)
    }

    def job() -> Shares:
        worst = np.zeros((12, values.shape[2]), np.int8)
        for name in ITEMS:
            frame, decimals = frames[name], regime.items[name].round_to
            if name == "ph":
                mean = np.round(-np.log10((10.0**-frame).resample("MS").mean().to_numpy()), decimals)
                classes = np.where((mean >= 6) & (mean <= 9), 1, 6)
            else:
                mean = np.round(frame.resample("MS").mean().to_numpy(), decimals)
                classes = np.empty(mean.shape, np.int8)
                for kind, own in ((False, ~lake), (True, lake)):
                    limits = bounds[name, kind]
                    if name == "do":
                        classes[:, own] = 6 - np.searchsorted(limits[::-1], mean[:, own] + 1e-9, side="right")
                    else:
                        classes[:, own] = 1 + np.searchsorted(limits, mean[:, own] - 1e-9, side="left")
            worst = np.maximum(worst, np.where(np.isnan(mean), 0, classes))
        return worst, float(((worst > 0) & (worst <= 3)).sum() / (worst > 0).sum())

    return job


def differing(
    values: NDArray[np.int32], bodies: list[Body], regime: WaterRegime, found: NDArray[Any], seed: int = 0
) -> int:
    """How many of a sample of section-months have another class when they are judged one by one."""
    random, starts = np.random.default_rng(seed), [*month_starts(), values.shape[1]]
    wrong = 0
    for month, section in zip(
        random.integers(0, 12, SAMPLE).tolist(), random.integers(0, values.shape[2], SAMPLE).tolist(), strict=True
    ):
        block = values[:, starts[month] : starts[month + 1], section].tolist()
        own = {name: [(v, False) for v in line if v >= 0] for name, line in zip(ITEMS, block, strict=True)}
        sample = water.rounded(water.means(own, regime), regime)
        wrong += int(water.judge(sample, bodies[section], regime, ITEM_SET).water_class) != found[month, section]
    return wrong
