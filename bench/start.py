"""Start of the commands people wait for beside a bare interpreter: `--version` and `status`, whole processes in turn.

Run: python -m bench start; needs a database (`make run` makes one), else status only says so.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.goals import Goal, load

BOUNDS = {"version": 5.0, "status": 8.0}
ROUNDS = 15


def run() -> list[Goal]:
    """Whole processes beside a bare interpreter."""
    envmon = str(Path(sys.executable).parent / "envmon")
    commands = {
        "bare": [sys.executable, "-c", "pass"],
        "version": [envmon, "--version"],
        "status": [envmon, "status"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():  # once, so that everything is compiled
        timed(command)
    for _ in range(ROUNDS):
        for name, command in commands.items():
            seconds[name].append(timed(command))
    bare = statistics.median(seconds["bare"])
    print(f"start: {ROUNDS} rounds, bare interpreter {bare * 1000:.0f} ms; {load()}")
    goals = []
    for name, bound in BOUNDS.items():
        best = f"medians; best of both {min(seconds[name]) / min(seconds['bare']):.2f}"
        ratio = statistics.median(seconds[name]) / bare
        goals.append(Goal("start", f"envmon {name} / bare interpreter", ratio, "<=", bound, best))
    return goals


def timed(command: list[str]) -> float:
    """Seconds a process takes, with compiled files kept as usual."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, check=False)
    return time.perf_counter() - began
