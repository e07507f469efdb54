"""The same job in good pandas, polars and DuckDB, each starting from its own form in memory.

Each peer is a function of no argument that returns a Result. A day counts when no item is missing or the index is above
100; an area is AREA stations that follow one another, its daily value the mean of their unrounded ones where at least
NEEDED of them are valid. Floats, as such programs are usually written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envmon.model import NO_VALUE, POLLUTANTS, AirRegime

START = "2025-01-01"
AREA, NEEDED = 5, 4


class Result(NamedTuple):
    """Index [day, station] and [day, area], NaN where there is none; good-day rates of stations and areas."""

    aqi: NDArray[Any]
    rate: NDArray[Any]
    area_aqi: NDArray[Any]
    area_rate: NDArray[Any]


def columns(regime: AirRegime) -> list[tuple[list[float], list[float]]]:
    """Points (printed unit) and nodes of each pollutant's daily column, carried on to its end."""
    found = []
    for name in POLLUTANTS:
        column = regime.index.columns[regime.index.daily[name]]
        corners = list(zip(column.points, column.nodes, strict=True))
        if isinstance(column.beyond, str):
            after = regime.index.columns[column.beyond]
            corners += [corner for corner in zip(after.points, after.nodes, strict=True) if corner[0] > corners[-1][0]]
        found.append(([point / 10**column.decimals for point, _ in corners], [float(node) for _, node in corners]))
    return found


def floats(hours: NDArray[np.int16], row: int) -> NDArray[np.float32]:
    """Hours of one pollutant in its printed unit, NaN where missing."""
    values = hours[row].astype(np.float32)
    values[hours[row] == NO_VALUE] = np.nan
    return values / np.float32(10) if POLLUTANTS[row] == "co" else values


def pandas_job(hours: NDArray[np.int16], regime: AirRegime) -> Callable[[], Result]:
    """Wide frames, one a pollutant: resample, rolling, np.interp."""
    import pandas as pd

    index = pd.date_range(START, periods=hours.shape[1], freq="h")
    frames = {name: pd.DataFrame(floats(hours, row), index=index) for row, name in enumerate(POLLUTANTS)}
    tables = columns(regime)

    def job() -> Result:
        exact = []
        for name in POLLUTANTS:
            frame = frames[name]
            if name == "o3":
                windows = frame.rolling(8, min_periods=6).mean()
                days = windows[windows.index.hour >= 7].resample("D")
                best = days.max()
                exact.append(best.where((days.count() >= 14) | (best.round() > 160)).to_numpy())
            else:
                days = frame.resample("D")
                exact.append(days.mean().where(days.count() >= 20).to_numpy())
        return Result(*judged(np.stack(exact)), *judged(np.stack([of_areas(mean) for mean in exact])))

    def of_areas(mean: NDArray[Any]) -> NDArray[Any]:
        by_area = mean.reshape(len(mean), -1, AREA)
        there = ~np.isnan(by_area)
        count = there.sum(axis=2)
        return np.where(count >= NEEDED, np.where(there, by_area, 0).sum(axis=2) / np.maximum(count, 1), np.nan)

    def judged(exact: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        indices = []
        for mean, name, (points, nodes) in zip(exact, POLLUTANTS, tables, strict=True):
            indices.append(np.ceil(np.interp(np.round(mean, 1 if name == "co" else 0), points, nodes)))
        stacked = np.stack(indices)
        aqi = np.fmax.reduce(stacked)
        primary = (stacked == aqi) & (aqi > 50)
        counted = ~np.isnan(stacked).any(axis=0) | (aqi > 100)
        assert primary.shape == stacked.shape
        return aqi, ((aqi <= 100) & counted).sum(axis=0) / counted.sum(axis=0)

    return job


def long_columns(hours: NDArray[np.int16]) -> dict[str, NDArray[Any]]:
    """One row a station and hour, sorted by station: a small number, the time the hour starts, six float columns."""
    _, rows, stations = hours.shape
    times = np.datetime64(START, "us") + np.arange(rows) * np.timedelta64(1, "h")
    found: dict[str, NDArray[Any]] = {
        "station": np.repeat(np.arange(stations, dtype=np.int16), rows),
        "time": np.tile(times, stations),
    }
    for row, name in enumerate(POLLUTANTS):
        found[name] = np.ascontiguousarray(floats(hours, row).T).reshape(-1)
    return found


def day_number(days: NDArray[Any]) -> NDArray[np.int64]:
    """Dates as days since the start of the year."""
    return (days.astype("datetime64[D]") - np.datetime64(START)).astype(np.int64)


def polars_job(hours: NDArray[np.int16], regime: AirRegime) -> Callable[[], Result]:
    """Lazy frame through the streaming engine."""
    import polars as pl

    return polars_plan(pl.DataFrame(long_columns(hours)).with_columns(pl.col(pl.Float32).fill_nan(None)), regime)


def polars_plan(frame: Any, regime: AirRegime) -> Callable[[], Result]:
    """The job over a frame or a lazy scan of a file, with the columns and the order of `long_columns`."""
    import polars as pl

    def rounded(name: str) -> Any:
        return pl.col(name).round(1 if name == "co" else 0, mode="half_to_even")

    means = [
        pl.when(pl.col(name).count() >= 20).then(pl.col(name).mean().cast(pl.Float64)).alias(name)
        for name in POLLUTANTS
        if name != "o3"
    ]
    best = pl.col("o3_8h").max().cast(pl.Float64)
    means.append(
        pl.when((pl.col("o3_8h").count() >= 14) | (best.round(0, mode="half_to_even") > 160)).then(best).alias("o3")
    )
    indices = []
    for name, (points, nodes) in zip(POLLUTANTS, columns(regime), strict=True):
        value, steps = pl.col(name), pl.lit(nodes[-1])
        for at in range(len(points) - 1, 0, -1):
            slope = (nodes[at] - nodes[at - 1]) / (points[at] - points[at - 1])
            steps = pl.when(value <= points[at]).then((value - points[at - 1]) * slope + nodes[at - 1]).otherwise(steps)
        indices.append(pl.when(value.is_not_null()).then(steps.ceil()).alias(name))

    def judged(exact: Any) -> Any:
        found = exact.with_columns(rounded(name).alias(name) for name in POLLUTANTS).with_columns(indices)
        found = found.with_columns(
            aqi=pl.max_horizontal(POLLUTANTS), full=pl.all_horizontal(pl.col(POLLUTANTS).is_not_null())
        )
        top = [((pl.col(name) == pl.col("aqi")) & (pl.col("aqi") > 50)).alias(f"top_{name}") for name in POLLUTANTS]
        return found.with_columns(*top, counted=pl.col("full") | (pl.col("aqi") > 100))

    window = pl.col("o3").rolling_mean(8, min_samples=6)
    exact = (
        frame.lazy()
        .with_columns(day=pl.col("time").dt.date(), o3_8h=pl.when(pl.col("time").dt.hour() >= 7).then(window))
        .group_by("station", "day")
        .agg(means)
    )
    together = exact.group_by((pl.col("station") // AREA).alias("station"), "day").agg(
        pl.when(pl.col(name).count() >= NEEDED).then(pl.col(name).mean()).alias(name) for name in POLLUTANTS
    )
    plans = [judged(exact), judged(together)]

    def job() -> Result:
        found = []
        for days in pl.collect_all(plans, engine="streaming"):
            good = ((pl.col("aqi") <= 100) & pl.col("counted")).sum() / pl.col("counted").sum()
            rates = days.group_by("station").agg(rate=good).sort("station")["rate"].to_numpy()
            found += [grid(days["day"].to_numpy(), days["station"].to_numpy(), days["aqi"].to_numpy()), rates]
        return Result(*found)

    return job


def grid(days: NDArray[Any], columns: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Rows of (day, column, value) as [day, column]."""
    number = day_number(days)
    found = np.full((int(number.max()) + 1, int(columns.max()) + 1), np.nan)
    found[number, columns] = values
    return found


def duckdb_job(hours: NDArray[np.int16], regime: AirRegime) -> Callable[[], Result]:
    """One statement with a window function over a table in memory."""
    import duckdb
    import pandas as pd

    base = duckdb.connect()
    base.register("frame", pd.DataFrame(long_columns(hours)))
    values = ", ".join(f"nullif({name}, 'nan'::float) as {name}" for name in POLLUTANTS)
    base.execute(f"create table hours as select station, time, {values} from frame")
    base.unregister("frame")
    means = ", ".join(
        f"case when count({name}) >= 20 then avg({name}) end as {name}" for name in POLLUTANTS if name != "o3"
    )
    exact = f"""
        with windows as (
            select *, case when hour(time) >= 7 and count(o3) over w >= 6 then avg(o3) over w end as o3_8h
            from (select *, time::date as day from hours)
            window w as (partition by station, day order by time rows 7 preceding)
        ), means as (
            select station, day, {means}, max(o3_8h) as best, count(o3_8h) as windows
            from windows group by station, day
        )
        select *, case when windows >= 14 or round_even(best, 0) > 160 then best end as o3 from means
    """
    shared = ", ".join(f"case when count({name}) >= {NEEDED} then avg({name}) end as {name}" for name in POLLUTANTS)
    together = f"select station // {AREA} as station, day, {shared} from exact group by all"
    good = "count(*) filter (aqi <= 100 and complete) / count(*) filter (complete or aqi > 100)"

    def job() -> Result:
        base.execute(f"create or replace temp table exact as {exact}")
        found = []
        for source in ("select * from exact", together):
            base.execute(f"create or replace temp table days as {_judged(source, regime)}")
            rates = base.execute(f"select {good} from days group by station order by station").fetchnumpy()
            days = base.execute("select station, day, aqi from days").fetchnumpy()
            index = np.ma.filled(days["aqi"].astype(float), np.nan)
            found += [grid(days["day"], days["station"], index), next(iter(rates.values()))]
        return Result(*found)

    return job


def _judged(source: str, regime: AirRegime) -> str:
    """The statement that makes indices of unrounded daily values."""
    rounded = ", ".join(f"round_even({name}, {1 if name == 'co' else 0}) as {name}" for name in POLLUTANTS)
    indices = []
    for name, (points, nodes) in zip(POLLUTANTS, columns(regime), strict=True):
        cases = [
            f"when {name} <= {points[at]} then ceil(({name} - {points[at - 1]}) * "
            f"{(nodes[at] - nodes[at - 1]) / (points[at] - points[at - 1])!r} + {nodes[at - 1]})"
            for at in range(1, len(points))
        ]
        indices.append(f"case when {name} is null then null {' '.join(cases)} else {nodes[-1]} end as {name}")
    full = " and ".join(f"{name} is not null" for name in POLLUTANTS)
    primary = ", ".join(f"{name} = aqi and aqi > 50 as top_{name}" for name in POLLUTANTS)
    return f"""
        with valued as (select station, day, {rounded} from ({source})),
        indexed as (select station, day, {", ".join(indices)} from valued)
        select *, greatest({", ".join(POLLUTANTS)}) as aqi, {full} as complete, {primary} from indexed
    """
