"""What the other rooms know, as the caller of `load` hands it in. Light to import; never here: looking any of it up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

JOBS: Mapping[str, int] = {"judge": 60, "charts": 10080}
"""Own jobs and how often each runs, in minutes."""

JOB_TIMES: Mapping[str, str] = {"judge": "00:40", "charts": "mon 06:00"}
"""When in its slot each runs, as written in the file."""


@dataclass(frozen=True, slots=True)
class Known:
    """Names a config may use; None = not checked.

    sources, channels : kinds; tests : QC tests (as a mapping: test -> names of its settings);
    editions : what a target may be judged by, besides `by-date`; jobs : own job -> how often it runs, in minutes
    """

    sources: Collection[str] | None = None
    channels: Collection[str] | None = None
    tests: Collection[str] | Mapping[str, Collection[str]] | None = None
    editions: Collection[str] | None = None
    jobs: Mapping[str, int] = field(default_factory=lambda: JOBS)

    def settings(self, test: str) -> Collection[str] | None:
        """The names of a QC test's settings, where they are known."""
        return self.tests[test] if isinstance(self.tests, Mapping) else None
