"""Goals: a ratio of two things measured side by side, held against its bound, by the number of the goal.

The numbers are those of the list of performance goals (docs/performance.md); letters tell the parts of one goal apart.
A bound is never a time: machines differ, and this one may be busy.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """One ratio and its bound. relation: "<=" or ">="; value: None when it could not be measured, and why not."""

    number: str
    what: str
    value: float | None
    relation: str
    bound: float
    why: str = ""

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        met = self.value <= self.bound if self.relation == "<=" else self.value >= self.bound
        return "met" if met else "MISSED"


def table(goals: Iterable[Goal]) -> str:
    """Every goal on a line: number, what, measured, bound, verdict, remark."""
    lines = [f"{'goal':6} {'what':68} {'measured':>9}  {'bound':9} verdict"]
    for goal in goals:
        value = "-" if goal.value is None else f"{goal.value:.4g}"
        remark = f" ({goal.why})" if goal.why else ""
        bound = f"{goal.relation} {goal.bound:g}"
        lines.append(f"{goal.number:6} {goal.what:68} {value:>9}  {bound:9} {goal.verdict}{remark}")
    return "\n".join(lines)


def load() -> str:
    """How busy the machine is: running processes on average in the last minute, beside its processors."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def installed(name: str) -> bool:
    """Whether a peer can be imported; a goal against one that is not is not measured."""
    return importlib.util.find_spec(name) is not None


def in_turn(
    jobs: Mapping[str, Callable[[], object]], rounds: int, thrice: Sequence[str] = ()
) -> tuple[dict[str, list[float]], dict[str, object]]:
    """Seconds of every run of every job, each taking its turn in every round, and the last answer of each.

    thrice : short jobs, which run three times in each turn.
    """
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    answers: dict[str, object] = {}
    for _ in range(rounds):
        for name, job in jobs.items():
            for _ in range(3 if name in thrice else 1):
                began = time.perf_counter()
                answers[name] = job()
                seconds[name].append(time.perf_counter() - began)
    return seconds, answers


def medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: statistics.median(runs) for name, runs in seconds.items()}


def tell(seconds: Mapping[str, Sequence[float]]) -> None:
    """Print median and best of every contestant."""
    for name, runs in seconds.items():
        print(f"  {name:28} median {statistics.median(runs):9.5f} s, best {min(runs):9.5f} s, {len(runs)} runs")


def versus(seconds: Mapping[str, Sequence[float]], name: str, other: str, threads: bool = False) -> tuple[float, str]:
    """How many times as long the first takes as the other, and the ratio of the best runs as a remark.

    Medians count; of a peer with several threads, which suffers more from busy neighbours, its best run does.
    """
    one = min(seconds[name]) if threads else statistics.median(seconds[name])
    best = min(seconds[name]) / min(seconds[other])
    kind = "peer's best / our median" if threads else "medians"
    return one / statistics.median(seconds[other]), f"{kind}; best of both {best:.3g}"
