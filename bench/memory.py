"""Peak memory: beside the data of a national year, and of judging one year and three of them in a store.

Counted is what Python and NumPy ask for while the work runs (tracemalloc), the results included.
Run: python -m bench 10
"""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench import air, files, generate
from bench.goals import Goal, load
from bench.hour import bureau
from envmon import periods
from envmon.pipeline.judge import judge
from envmon.store import Store

STATIONS, YEARS = 5, 3
"""In the store that is judged."""


def run() -> list[Goal]:
    """Goal 10."""
    hours = generate.national_year()
    regime = air.regimes()[-1]
    print(f"memory: {hours.nbytes / 1e6:.0f} MB of hours, and a store of {STATIONS} stations; {load()}")
    beside = peak(lambda: air.judge(hours, regime))
    data = hours.nbytes
    hours = generate.national_year(STATIONS)
    one, more = judged_in_store(hours, 1), judged_in_store(hours, YEARS)
    print(f"  beside the data {beside / 1e6:.0f} MB; judging 1 year of the store {one / 1e6:.1f} MB, ", end="")
    print(f"{YEARS} years {more / 1e6:.1f} MB")
    return [
        Goal("10", "peak memory beside a national year, results included / its data", beside / data, "<=", 0.3),
        Goal("10", f"peak memory of judging {YEARS} years of a store / one year", more / one, "<=", 1.3),
    ]


def peak(job: Callable[[], object]) -> int:
    """Largest number of bytes that were asked for while a job ran."""
    tracemalloc.start()
    job()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def judged_in_store(hours: air.Hours, years: int) -> int:
    """Peak while everything pending is judged, with rates and alerts, after so many years of hours were kept."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "envmon.db") as store:
        repeated = np.concatenate([hours] * years, axis=1)
        files.fill(store, repeated, Path(folder))
        config = bureau(hours.shape[2], Path(folder))
        now = periods.hour_ending(air.FIRST + repeated.shape[1] // 24, 1)
        return peak(lambda: judge(store, config, now))
