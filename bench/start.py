"""Start of the commands people wait for beside a bare interpreter: `--version` and `status`, whole processes in turn.

Run: python -m bench.start [--rounds N]; needs a database (`make run` makes one), else status only says so.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

GOALS = {"version": 5.0, "status": 8.0}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the ratios, return 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args(arguments)
    envmon = str(Path(sys.executable).parent / "envmon")
    commands = {
        "bare": [sys.executable, "-c", "pass"],
        "version": [envmon, "--version"],
        "status": [envmon, "status"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():  # once, so that everything is compiled
        run(command)
    for _ in range(given.rounds):
        for name, command in commands.items():
            seconds[name].append(run(command))
    bare = statistics.median(seconds["bare"])
    print(f"start: {given.rounds} rounds, bare interpreter {bare * 1000:.0f} ms")
    missed = False
    for name, goal in GOALS.items():
        ratio = statistics.median(seconds[name]) / bare
        best = min(seconds[name]) / min(seconds["bare"])
        missed |= ratio > goal
        print(f"  envmon {name:8} {ratio:5.2f} x bare, best of both {best:.2f} (goal <= {goal:g})")
    return int(missed)


def run(command: list[str]) -> float:
    """Seconds a process takes, with compiled files kept as usual."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, check=False)
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
