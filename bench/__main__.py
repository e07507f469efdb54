"""Every bench in turn, or those of some goals; then one table. The exit code is 0 whatever was missed.

Run: python -m bench [GOAL ...], e.g. python -m bench 11
"""

from __future__ import annotations

import gc
import importlib.metadata
import platform
import sys
import time

from bench import air, city, files, hour, ingest, memory, quality, start, telemetry, usual, water
from bench.goals import Goal, load, table

BENCHES = {
    ("1", "2", "3", "4", "9"): air.run,
    ("5", "6"): usual.run,
    ("7",): files.run,
    ("8",): city.run,
    ("10",): memory.run,
    ("11",): quality.run,
    ("17", "18"): hour.run,
    ("23",): water.run,
    ("import",): ingest.run,
    ("start",): start.run,
    ("telemetry",): telemetry.run,
}
"""Goals -> function that measures them; a new bench is one line here."""

PEERS = ("numpy", "pandas", "polars", "duckdb", "pyarrow", "ioos-qc", "python-aqi", "aqi-hub")


def main(asked: list[str]) -> int:
    known = [name for names in BENCHES for name in names]
    if unknown := [name for name in asked if name not in known]:
        print(f"no goal {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    began = time.monotonic()
    print(f"Python {platform.python_version()}, {', '.join(versions())}; {load()}")
    goals: list[Goal] = []
    for names, run in BENCHES.items():
        if not asked or set(names) & set(asked):
            goals += run()
            gc.collect()
            sys.stdout.flush()
    print(f"\n{table(goals)}\n")
    missed = sum(goal.verdict == "MISSED" for goal in goals)
    print(f"{missed} MISSED of {len(goals)}; {(time.monotonic() - began) / 60:.1f} minutes; {load()}")
    return 0


def versions() -> list[str]:
    found = []
    for name in PEERS:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
