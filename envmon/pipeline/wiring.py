"""What the config names and the registries hold, checked against one another at start."""

from __future__ import annotations

from pathlib import Path

from envmon import config as configuration
from envmon import qc, standards
from envmon.config.known import Known, OptionCheck
from envmon.model import Config
from envmon.notify import CHANNELS
from envmon.sources import SOURCES
from envmon.sources import context as sources
from envmon.sources.cells import is_unit
from envmon.sources.hj212 import TELEMETRY


def known() -> Known:
    """Every name a config may use for a source, channel, QC test or edition."""
    items = standards.parameters()

    def checking(find: sources.OptionCheck) -> OptionCheck:
        return lambda url, options, sites: find(url, options, items, sites)

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
