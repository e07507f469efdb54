"""A year of a hundred stations the usual way: one pandas frame, groupby and apply; and libraries of one value.

The libraries know only the step from daily values to the index; they are timed on some station-days and their
differences from the exact index are counted. openair is not measured: it needs R.
Run: python -m bench 5 (or 6)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench import air, air_peers, generate
from bench.goals import Goal, in_turn, installed, load, tell, versus
from envmon.model import NO_VALUE, POLLUTANTS, AirRegime

ROUNDS = 5
STATIONS = 100
SAMPLE = 3000
"""Station-days that are given to the libraries of one value."""


def run() -> list[Goal]:
    """Goals 5 and 6."""
    hours = generate.national_year(STATIONS)
    regime = air.regimes()[0]
    print(f"usual: {STATIONS} stations x {hours.shape[1]} h x 6 = {hours.size / 1e6:.1f} M values; ", end="")
    print(f"{regime.index.id}; {load()}")
    jobs: dict[str, Callable[[], object]] = {"ours": lambda: air.ours(hours, regime), "usual": job(hours, regime)}
    seconds, answers = in_turn(jobs, ROUNDS, ("ours",))
    tell(seconds)
    stations, _ = air.air_reference_of(hours, regime)
    usual = answers["usual"]
    assert isinstance(usual, np.ndarray)
    wrong = int((usual != stations.aqi).sum())
    print(f"  usual pandas: {wrong} of {usual.size} station-days differ from the exact reference")
    by_value(hours)
    ratio, how = versus(seconds, "usual", "ours")
    return [
        Goal("5", f"usual pandas / ours, {STATIONS} stations", ratio, ">=", 500, how),
        Goal("6", "openair / ours", None, ">=", 500, "openair needs R"),
    ]


def job(hours: NDArray[np.int16], regime: AirRegime) -> Callable[[], NDArray[np.int64]]:
    """Long frame; groupby of station and date, groupby-rolling for ozone, sub-indices, index and primary by apply."""
    import pandas as pd

    frame = pd.DataFrame(air_peers.long_columns(hours))
    tables = dict(zip(POLLUTANTS, air_peers.columns(regime), strict=True))
    shape = hours.shape[1] // 24, hours.shape[2]
    indices = [f"iaqi_{name}" for name in POLLUTANTS]

    def sub_index(name: str, value: float) -> float:
        if math.isnan(value):
            return math.nan
        points, nodes = tables[name]
        for at in range(1, len(points)):
            if value <= points[at]:
                rise, run = nodes[at] - nodes[at - 1], points[at] - points[at - 1]
                return math.ceil(rise / run * (value - points[at - 1]) + nodes[at - 1])
        return nodes[-1]

    def primary(row: pd.Series) -> str:
        if not row["aqi"] > 50:
            return ""
        return ",".join(name for name in POLLUTANTS if row[f"iaqi_{name}"] == row["aqi"])

    def judged(days: pd.DataFrame) -> pd.DataFrame:
        for name in POLLUTANTS:
            days[name] = days[name].round(1 if name == "co" else 0)
            days[f"iaqi_{name}"] = days.apply(lambda row, name=name: sub_index(name, row[name]), axis=1)
        days["aqi"] = days[indices].max(axis=1)
        days["primary"] = days.apply(primary, axis=1)
        counted = days[days[indices].notna().all(axis=1) | (days["aqi"] > 100)]
        days.attrs["rate"] = (counted["aqi"] <= 100).groupby(level=0).mean()
        return days

    def work() -> NDArray[np.int64]:
        table = frame.copy()
        table["date"] = table["time"].dt.date
        table["o3_8h"] = table.groupby("station")["o3"].rolling(8, min_periods=6).mean().reset_index(0, drop=True)
        table.loc[table["time"].dt.hour < 7, "o3_8h"] = np.nan
        groups = table.groupby(["station", "date"])
        days = pd.DataFrame(index=groups.size().index)
        for name in POLLUTANTS:
            of = groups["o3_8h" if name == "o3" else name]
            value = of.max() if name == "o3" else of.mean()
            enough = (of.count() >= 14) | (value.round(0) > 160) if name == "o3" else of.count() >= 20
            days[name] = value.where(enough)
        areas = days.groupby([days.index.get_level_values(0) // air_peers.AREA, days.index.get_level_values(1)])
        judged(areas.mean().where(areas.count() >= air_peers.NEEDED))
        found = judged(days)["aqi"].fillna(NO_VALUE).to_numpy(np.int64)
        return found.reshape(shape[1], shape[0]).T

    return work


def by_value(hours: NDArray[np.int16]) -> None:
    """Time the libraries that take the daily values of one station-day, and count their wrong indices by edition."""
    for name, index, regime in zip(("aqi", "aqi_hub"), (python_aqi, aqi_hub), air.regimes(), strict=True):
        if not installed(name):
            print(f"  {name} is not installed")
            continue
        days = air.judge(hours, regime)[0]
        whole = (days.missing == 0).ravel()
        values = days.value.reshape(6, -1).T[whole][:SAMPLE].tolist()
        began = time.perf_counter()
        found = [index(row) for row in values]
        took = time.perf_counter() - began
        wrong = sum(one != right for one, right in zip(found, days.aqi.ravel()[whole].tolist(), strict=False))
        print(f"  {name}: daily values to index only, {6 * len(values) / took:.0f} values/s; ", end="")
        print(f"{wrong} of {len(values)} station-days differ from {regime.index.id}")


def python_aqi(row: list[int]) -> int | None:
    """python-aqi (MEP); it takes decimal text and knows no value above its table."""
    import aqi

    keys = (aqi.constants.POLLUTANT_SO2_24H, aqi.constants.POLLUTANT_NO2_24H, aqi.constants.POLLUTANT_CO_24H)
    keys += (aqi.POLLUTANT_O3_8H, aqi.POLLUTANT_PM10, aqi.POLLUTANT_PM25)
    texts = [str(value / 10) if name == "co" else str(value) for name, value in zip(POLLUTANTS, row, strict=True)]
    try:
        return int(aqi.to_aqi(list(zip(keys, texts, strict=True)), algo=aqi.ALGO_MEP))
    except IndexError:
        return None


def aqi_hub(row: list[int]) -> int | None:
    from aqi_hub.aqi_cn.aqi import cal_aqi_cn

    named = dict(zip(POLLUTANTS, row, strict=True))
    found, _ = cal_aqi_cn(
        named["pm25"], named["pm10"], named["so2"], named["no2"], named["co"] / 10, named["o3"], data_type="daily"
    )
    return None if found is None else int(found)
