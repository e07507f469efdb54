"""What the config names and the registries hold, checked against one another at start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from envmon import config as configuration
from envmon import qc, standards
from envmon.config.known import Known, OptionCheck
from envmon.model import Config, Parameter
from envmon.notify import CHANNELS
from envmon.sources import SOURCES, Problem
from envmon.sources.cells import is_unit
from envmon.sources.hj212 import TELEMETRY


def known() -> Known:
    """Every name a config may use for a source, channel, QC test or edition."""
    items = standards.parameters()

    def checking(find: Callable[[str, Any, Mapping[str, Parameter]], Iterator[Problem]]) -> OptionCheck:
        return lambda url, options: find(url, options, items)

    options = {kind: checking(source.problems) for kind, source in SOURCES.items() if source.problems is not None}
    return Known(
        sources=tuple(kind for kind in SOURCES if kind != TELEMETRY.kind),  # pushed, never asked
        channels=tuple(CHANNELS),
        tests=qc.DEFAULTS,
        items=tuple(items),
        editions=tuple(standards.choices()),
        source_sets=standards.source_sets(),
        source_items=standards.source_items(),
        item_sets=standards.item_sets(),
        options=options,
        is_unit=is_unit,
    )


def load_config(path: Path, lang: str | None = None) -> Config:
    """The checked config, or ConfigError with every mistake in it."""
    return configuration.load(str(path), known(), lang)
