"""Many sections and periods at once: the same means and classes as `envmon.assess.water` gives one by one.

That module is tested against the print (tests/test_water.py); here arrays are held against it, and a few cases against
hand arithmetic.
"""

from __future__ import annotations

import random
from datetime import date

import numpy as np
import pytest

from envmon import periods, standards
from envmon.assess import water, water_periods
from envmon.errors import NotAssessable
from envmon.model import NO_VALUE, Body, BoolArray, IntArray
from envmon.rounding import scaled

REGIME = standards.water(periods.number(date(2022, 1, 1)))
GROUND = standards.groundwater(periods.number(date(2022, 1, 1)))
TABLE = [
    item.id for item in REGIME.items.values() if item.table == 1 and item.id not in ("water_temp", "fecal_coliform")
]
AUTO = ["ph", "do", "codmn", "nh3n", "tp"]


def steps(item: str, text: str) -> int:
    return scaled(text, REGIME.items[item].decimals)


def one_by_one(
    values: IntArray, censored: BoolArray, starts: list[int], bodies: list[Body], item_set: str, names: list[str]
) -> tuple[list[list[dict[str, tuple[int, bool]]]], list[list[int]]]:
    """Samples and classes [period][section] as the pipeline makes them of the readings of one section at a time."""
    samples, classes = [], []
    for start, end in zip(starts, [*starts[1:], values.shape[1]], strict=True):
        row, found = [], []
        for section, body in enumerate(bodies):
            own = values[:, start:end, section] != NO_VALUE
            readings = {
                name: [
                    (int(values[i, start + time, section]), bool(censored[i, start + time, section]))
                    for time in np.flatnonzero(own[i]).tolist()
                ]
                for i, name in enumerate(names)
            }
            readings = {name: there for name, there in readings.items() if there and name in REGIME.items}
            many = own.any(axis=0).sum() > 1
            exact = water.means(readings, REGIME)
            sample = water.rounded(exact, REGIME) if many else {name: there[-1] for name, there in readings.items()}
            row.append(dict(sample))
            found.append(int(water.judge(sample, body, REGIME, item_set).water_class))
        samples.append(row)
        classes.append(found)
    return samples, classes


def assert_same(
    values: IntArray, censored: BoolArray, starts: list[int], bodies: list[Body], item_set: str, names: list[str]
) -> set[int]:
    """Holds the arrays against the one-by-one way; returns the classes met."""
    samples, classes = one_by_one(values, censored, starts, bodies, item_set, names)
    own, below = water_periods.rounded_means(values, censored, starts, REGIME, names)
    for period, row in enumerate(samples):
        for section, sample in enumerate(row):
            for i, name in enumerate(names):
                expected = sample.get(name, (NO_VALUE, False))
                assert (own[i, period, section], below[i, period, section]) == expected, (name, period, section)
    found = water_periods.period_classes(values, censored, starts, bodies, REGIME, item_set, names)
    assert found.tolist() == classes
    return set(found.ravel().tolist())


def around_limits(chance: random.Random, name: str) -> int:
    """A concentration on a limit of the item or within a few steps of it, or far from any, or zero."""
    item = REGIME.items[name]
    near = [bound for bound in (*item.limits, *item.lake, *item.low) if bound is not None]
    at = chance.choice(near) + chance.choice((-100, -50, -1, 0, 0, 1, 50, 100))
    return max(0, chance.choice((at, at, at, at // 10, 0)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("item_set", "names"), [("auto_5", [*AUTO, "tn"]), ("section_21", TABLE)])
def test_readings_on_and_beside_limits(seed: int, item_set: str, names: list[str]) -> None:
    """Limits, ties of rounding, gaps, detection limits, months of one sample and of none."""
    chance = random.Random(seed)
    starts, times, sections = [0, 1, 4, 9], 20, 12
    values = np.full((len(names), times, sections), NO_VALUE, np.int32)
    for place in np.ndindex(values.shape):
        if chance.random() < (0.85, 0.2)[place[2] % 2]:
            values[place] = around_limits(chance, names[place[0]])
    censored = np.array([[[chance.random() < 0.3 for _ in range(sections)] for _ in range(times)] for _ in names])
    censored[:, :, ::3] = False
    censored[:, 4:9] = True  # whole periods below detection
    bodies = [chance.choice((Body.RIVER, Body.LAKE)) for _ in range(sections)]
    met = assert_same(values, censored, starts, bodies, item_set, names)
    assert {0, 6} <= met


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_months_like_those_of_automatic_stations(seed: int, kind: type) -> None:
    """Values of a common size, so that means lie anywhere; pH swings around the tie of 7.5 and stands still on 8.5."""
    random_ = np.random.default_rng(seed)
    values = np.empty((len(AUTO), 120, 30), kind)
    for row, (name, level) in enumerate({"ph": 75000, "do": 60000, "codmn": 40000, "nh3n": 5000, "tp": 10000}.items()):
        swing = random_.normal(level, level / (60 if name == "ph" else 4), values.shape[1:])
        values[row] = np.maximum(np.rint(swing / 100) * 100, 0)
    values[0, :, :3] = 85000
    values[0, ::2, 3], values[0, 1::2, 3] = 74900, 75100
    values[:, :, 4] = NO_VALUE
    values[random_.random(values.shape) < 0.05] = NO_VALUE
    bodies = [Body.LAKE if section % 5 == 0 else Body.RIVER for section in range(30)]
    censored = np.zeros(values.shape, bool)
    met = assert_same(values, censored, [0, 30, 61, 62], bodies, "auto_5", AUTO)
    assert len(met) >= 4
    plain = water_periods.period_classes(values, None, [0, 30, 61, 62], bodies, REGIME, "auto_5", AUTO)
    marked = water_periods.period_classes(values, censored, [0, 30, 61, 62], bodies, REGIME, "auto_5", AUTO)
    assert plain.tolist() == marked.tolist()


def test_items_with_other_means_and_items_without_a_limit() -> None:
    """Coliforms go by the geometric mean; what is no item of the standard only says that there was a time."""
    names = ["fecal_coliform", "ph", "published_class"]
    gap = NO_VALUE
    values = np.array([[[200], [800], [gap]], [[70000], [gap], [gap]], [[5], [5], [5]]])
    own, _ = water_periods.rounded_means(values, None, [0, 2], REGIME, names)
    assert own[:2, :, 0].tolist() == [[400, gap], [70000, gap]]  # 400: the root of 200 x 800
    found = water_periods.period_classes(values, None, [0, 2], [Body.RIVER], REGIME, "auto_5", names)
    assert found.tolist() == [[0], [0]]


def test_hand_arithmetic_of_a_month() -> None:
    """CODMn 3.95, 4.05, 4.15: mean 4.05, a tie, to the even 4.0: class II (4 is its limit, GB 3838-2002 table 1)."""
    texts = {
        "ph": ("7", "8", "7"),
        "do": ("7.5", "7.5", "7.5"),
        "codmn": ("3.95", "4.05", "4.15"),
        "nh3n": ("0.1",) * 3,
    }
    values = np.array([[[steps(item, text)] for text in row] for item, row in texts.items()], np.int32)
    own, _ = water_periods.rounded_means(values, None, [0], REGIME, list(texts))
    assert own[2, 0, 0] == steps("codmn", "4.0")
    assert own[0, 0, 0] == steps("ph", "7")  # -log10((2 x 10^-7 + 10^-8) / 3) = 7.155, not the plain 7.333
    found = water_periods.period_classes(values, None, [0], [Body.RIVER], REGIME, "auto_5", list(texts))
    assert found.tolist() == [[2]]


def test_a_single_sample_is_judged_as_printed_and_two_are_rounded() -> None:
    """CODMn of 4.04 mg/L is above 4 when printed so, and 4.0 as a mean."""
    names = ["ph", "do", "codmn", "nh3n"]
    one = [steps(name, text) for name, text in zip(names, ("7", "8", "4.04", "0.1"), strict=True)]
    values = np.array([[[value], [value], [value]] for value in one])
    found = water_periods.period_classes(values, None, [0, 1], [Body.RIVER], REGIME, "auto_5", names)
    assert found.tolist() == [[3], [2]]


def test_numbers_too_large_for_32_bits_are_added_up_rightly() -> None:
    large = 2**31 - 2
    values = np.full((1, 300, 2), large, np.int32)
    own, _ = water_periods.rounded_means(values, None, [0], REGIME, ["sulfate"])
    assert own.ravel().tolist() == [large, large]


def test_what_is_no_concentration_or_no_such_array_is_refused() -> None:
    values = np.full((1, 2, 2), 5, np.int32)
    values[0, 1, 1] = -2
    with pytest.raises(NotAssessable, match="below zero"):
        water_periods.rounded_means(values, None, [0], REGIME, ["nh3n"])
    for starts in ([1], [], [0, 0], [0, 2, 1]):
        with pytest.raises(NotAssessable, match="periods"):
            water_periods.rounded_means(abs(values), None, starts, REGIME, ["nh3n"])
    with pytest.raises(NotAssessable, match="marks"):
        water_periods.rounded_means(abs(values), np.zeros((1, 1, 2), bool), [0], REGIME, ["nh3n"])
    with pytest.raises(NotAssessable, match="no item set"):
        water_periods.period_classes(abs(values), None, [0], [Body.RIVER] * 2, REGIME, "none", ["nh3n"])


def test_groundwater_goes_the_same_way() -> None:
    """GB/T 14848-2017 has a class V beyond class IV and a two-sided pH of its own; the sums do not know which it is."""
    names = [name for name in GROUND.sets["source_groundwater_39"].items if name in GROUND.items]
    chance = random.Random(14848)
    values = np.full((len(names), 6, 8), NO_VALUE, np.int32)
    for place in np.ndindex(values.shape):
        bounds = [bound for bound in GROUND.items[names[place[0]]].limits if bound is not None] or [1]
        values[place] = max(0, chance.choice(bounds) + chance.choice((-1, 0, 1)))
    own, below = water_periods.rounded_means(values, None, [0, 3], GROUND, names)
    for period, section in np.ndindex(own.shape[1:]):
        span = slice(3 * period, 3 * period + 3)
        readings = {name: [(v, False) for v in values[i, span, section].tolist()] for i, name in enumerate(names)}
        expected = water.rounded(water.means(readings, GROUND), GROUND)
        assert {name: (own[i, period, section], False) for i, name in enumerate(names)} == expected
    assert not below.any()
