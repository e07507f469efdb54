"""The board of sources: of each one line that says how it goes. Reads counts only, so it answers at once.

Sources that are pulled make their lines here; whatever comes by itself (telemetry, a folder) makes lines of the same
form, without a job. Never here: asking a source, columns, colours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envmon import periods
from envmon.pipeline.access import BREAK, alone_until, job_of
from envmon.texts import word

if TYPE_CHECKING:
    from envmon.model import Config
    from envmon.store import Store
    from envmon.store.sources import SourceCounts


TELEMETRY, INBOX = "telemetry", "inbox"
"""Sources that come by themselves, and the jobs that take them over."""


class SourceState(StrEnum):
    """How a source goes. OPEN: it failed so often that one request decides whether a round is asked at all."""

    OK = "ok"
    FAILING = "failing"
    OPEN = "open"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Line:
    """One source of the board.

    job : whose slots say how it goes, and `every`, `at` (minutes) when they are due; "": it comes by itself
    """

    id: str
    kind: str
    job: str = ""
    every: int = 0
    at: int = 0


def lines_of(config: Config) -> list[Line]:
    """The sources that are pulled, in the order of the config; stations that send by themselves; the inbox."""
    lines = [Line(spec.id, spec.kind, job_of(spec), spec.every, spec.at) for spec in config.sources]
    if config.devices:
        lines.append(Line(TELEMETRY, "hj212", TELEMETRY, 1))
    if Path(config.paths.inbox).is_dir():
        lines.append(Line(INBOX, INBOX, INBOX, 5))
    return lines


def given(store: Store, lines: Iterable[Line]) -> list[Line]:
    """What else has values here: sources whose files were handed in, or that have left the config."""
    known = {line.id for line in lines}
    return [Line(source, "given") for source in store.heard_sources() if source not in known]


def source_board(store: Store, lines: Iterable[Line], now: int, lang: str) -> list[dict[str, Any]]:
    """A row for each line, with stable English keys (docs/json.md)."""
    failing = {row["job"]: row for row in store.failing(now)}
    rows = []
    for line in lines:
        counts = store.source_counts(line.id, now - periods.DAY, now)
        last = store.last_done(line.job, now) if line.job else None
        failed = failing.get(line.job, {"tries": 0, "error": None})
        state = _state(failed["tries"], last, counts, line)
        upcoming = _next(store, line, now)
        rows.append(
            {
                "id": line.id,
                "kind": line.kind,
                "state": state.value,
                "state_name": word(state, lang),
                "last_success": _clock(last),
                "latest": _clock(counts.latest),
                "lag": None if counts.latest is None else max(0, now - counts.latest),
                "new": counts.new,
                "revised": counts.revised,
                "refused": counts.refused,
                "next": _clock(upcoming),
                "failures": failed["tries"],
                "error": failed["error"],
            }
        )
    return rows


def _state(tries: int, last: int | None, counts: SourceCounts, line: Line) -> SourceState:
    if tries:
        return SourceState.OPEN if tries >= BREAK else SourceState.FAILING
    heard = last is not None if line.job else counts.latest is not None
    return SourceState.OK if heard else SourceState.NEVER


def _next(store: Store, line: Line, now: int) -> int | None:
    """When it is asked next: at the next try after a failure, else in its next slot; now when that is due already."""
    if not line.job:
        return None
    state = store.slot_state(line.job, now)
    newest = periods.slot_before(now, line.every, line.at)
    waiting = state.served is None or newest > state.served
    slot = newest + line.at + (0 if waiting else line.every)
    return max(now, slot, state.next_try or 0, alone_until(store, line.id, now) or 0)


def _clock(minute: int | None) -> str | None:
    return None if minute is None else periods.clock(minute)
