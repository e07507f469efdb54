"""What can be told of readings only where a payload is stored: two values for one key, and times that cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envmon.model import Flag, Row, Verdict
from envmon.periods import OFFSET
from envmon.qc.grid import Settings
from envmon.qc.reasons import packed
from envmon.qc.settings import settings_of


def duplicates(conflicts: Sequence[tuple[int, int, int]], origin: str, settings: Settings) -> list[Verdict]:
    """Verdicts on readings that one payload gave twice with different values: (ending, site, parameter)."""
    if settings_of("duplicate", settings)["off"]:
        return []
    return [
        Verdict(ending, site, parameter, "duplicate", Flag.SUSPECT, origin) for ending, site, parameter in conflicts
    ]


def clock_errors(
    rows: Sequence[Row], learned: int, spans: Mapping[int, int], origin: str, settings: Settings
) -> list[Verdict]:
    """Verdicts on readings whose time cannot be: ending after we learned of them, or not where intervals end.

    spans : minutes a stream's values stand for; those of samples (0) may be taken at any minute. An interval ends at a
    whole multiple of its length after midnight, Beijing time. Such hours are no part of a day's hours anyway; this says
    why. Of a clock that is wrong by whole hours nothing can be told here.
    """
    own = settings_of("clock_error", settings)
    latest, lengths = learned + int(own["ahead"]), {stream: spans.get(stream, 0) for stream in {row[3] for row in rows}}
    wrong: dict[tuple[int, int], str] = {}  # by ending and stream: few, however many readings there are
    for ending in {row[0] for row in rows}:
        for stream, span in lengths.items():
            if ending > latest:
                wrong[ending, stream] = packed({"kind": "ahead", "minutes": ending - learned, "origin": origin})
            elif span and (ending + OFFSET) % span:
                wrong[ending, stream] = packed({"kind": "between", "span": span, "origin": origin})
    if own["off"] or not wrong:
        return []
    found = {
        row[:3]: Verdict(*row[:3], "clock_error", Flag.SUSPECT, wrong[row[0], row[3]])
        for row in rows
        if (row[0], row[3]) in wrong
    }
    return [found[key] for key in sorted(found)]
