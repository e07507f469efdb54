"""Goals: a ratio of two things measured side by side, held against its bound, by the number of the goal.

The numbers are those of the list of performance goals; letters tell the parts of one goal apart.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
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
    def missed(self) -> bool:
        if self.value is None:
            return False
        return not (self.value <= self.bound if self.relation == "<=" else self.value >= self.bound)

    def __str__(self) -> str:
        head = f"  goal {self.number:>3}  {self.what:58}"
        if self.value is None:
            return f"{head}        -  {self.relation} {self.bound:<7g} skipped: {self.why}"
        return f"{head} {self.value:8.4g}  {self.relation} {self.bound:<7g} {'MISSED' if self.missed else 'ok'}"


def report(goals: Sequence[Goal]) -> int:
    """Print every goal; 1 when one is missed."""
    for goal in goals:
        print(goal)
    return int(any(goal.missed for goal in goals))


def installed(name: str) -> bool:
    """Whether a peer can be imported; a goal against one that is not is skipped."""
    return importlib.util.find_spec(name) is not None


def in_turn(jobs: Mapping[str, Callable[[], object]], rounds: int) -> tuple[dict[str, list[float]], dict[str, object]]:
    """Seconds of every run of every job, each taking its turn in every round, and the last answer of each."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    answers: dict[str, object] = {}
    for _ in range(rounds):
        for name, job in jobs.items():
            began = time.perf_counter()
            answers[name] = job()
            seconds[name].append(time.perf_counter() - began)
    return seconds, answers


def medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: statistics.median(runs) for name, runs in seconds.items()}


def tell(seconds: Mapping[str, Sequence[float]]) -> None:
    """Print median and best of every contestant."""
    for name, runs in seconds.items():
        print(f"  {name:26} median {statistics.median(runs):9.5f} s, best {min(runs):9.5f} s")
