"""Import: files of any source, read by the same parsers that read its answers."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from envmon.errors import UsageError
from envmon.model import Config, Refused, SourceSpec, Tally
from envmon.pipeline.pull import context_of, keep
from envmon.sources import SOURCES, read_file
from envmon.store import Store


def spec_of(config: Config, name: str) -> SourceSpec:
    """A source by its id. Raises UsageError with the names there are."""
    for spec in config.sources:
        if spec.id == name:
            return spec
    names = [spec.id for spec in config.sources]
    close = get_close_matches(name, names, 1)
    raise UsageError("error.source.unknown", name=name, close=close[0] if close else ", ".join(names))


def import_file(store: Store, config: Config, spec: SourceSpec, path: Path, now: int) -> tuple[Tally, list[Refused]]:
    """Take one file in: (what became of its rows, the rows refused). All of it or nothing."""
    payload = read_file(path, spec.kind, now)
    parsed = SOURCES[spec.kind].parse(payload, context_of(store, config, spec))
    return keep(store, spec, payload, parsed, config.qc, now), parsed.refused
