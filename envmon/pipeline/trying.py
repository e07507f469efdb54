"""Trying a source: asked once by the real session and read by the real parser, and nothing is stored.

The store is not opened at all: sites and streams get numbers that hold for this one look. Never here: columns, colours.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from envmon import periods, rounding, standards
from envmon.errors import SourceChanged, SourceUnavailable
from envmon.model import Basis, Config, Mark, Payload, Refused, Row, SourceSpec, Span
from envmon.pipeline.access import blotted, session_of
from envmon.pipeline.pull import context, fetched, understood
from envmon.sources.context import Context, Other, plain
from envmon.texts import word

NAMES_SHOWN = 20  # unknown names told
NAMES_COMPARED = 500  # unknown names compared with configured ones


@dataclass
class _Look:
    """What was seen so far."""

    payloads: list[dict[str, Any]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)


def attempt(config: Config, spec: SourceSpec, now: int, limit: int) -> dict[str, Any]:
    """Ask a source once for its look-back before `now`; the answer as plain data (docs/json.md).

    limit : rows and refusals told; the summary counts all.
    Raises ConfigError and UsageError as a pull does; what the service does wrong is told in `errors`.
    """
    look = _Look()
    numbers = {site.id: number for number, site in enumerate(config.sites, 1)}
    streams: dict[tuple[Span, Basis | None], int] = {}

    def stream(span: Span, basis: Basis | None = None) -> int:
        return streams.setdefault((span, basis), len(streams) + 1)

    reader = context(config, spec, numbers, stream)
    with session_of(config, spec) as session:
        try:
            for payload in fetched(session, spec, now, config.sites):
                _read(look, payload, spec, reader)
        except (SourceUnavailable, SourceChanged) as error:
            look.errors.append(blotted(error, session).said(config.language))
    return {
        "source": spec.id,
        "kind": spec.kind,
        "from": periods.clock(now - spec.lookback),
        "to": periods.clock(now),
        "payloads": look.payloads,
        "rows": _rows(look, config, limit),
        "unknown": _unknown(look, config, numbers),
        "refused": [
            {"origin": one.origin, "line": one.line, "reason": one.reason, "text": one.text}
            for one in look.refused[:limit]
        ],
        "errors": look.errors,
        "summary": {
            "payloads": len(look.payloads),
            "bytes": sum(one["bytes"] for one in look.payloads),
            "rows": len(look.rows),
            "sites": len({row[1] for row in look.rows}),
            "items": len({row[2] for row in look.rows}),
            "unknown": len(look.unknown),
            "refused": len(look.refused),
        },
    }


def _read(look: _Look, payload: Payload, spec: SourceSpec, reader: Context) -> None:
    """One payload: its rows, or why it cannot be understood."""
    told: dict[str, Any] = {
        "origin": payload.origin,
        "bytes": len(payload.body),
        "taken": periods.clock(payload.taken),
        "rows": 0,
        "refused": 0,
    }
    look.payloads.append(told)
    try:
        parsed = understood(spec.kind, payload, reader)
    except SourceChanged as error:
        look.errors.append(error.said(reader.lang))
        return
    told |= {"rows": len(parsed.rows), "refused": len(parsed.refused)}
    look.rows += parsed.rows
    look.refused += parsed.refused
    look.unknown.update(parsed.unknown)


def _rows(look: _Look, config: Config, limit: int) -> list[dict[str, Any]]:
    """The first rows as people read them."""
    items = {one.number: one for one in standards.parameters().values()}
    told = []
    for ending, site, item, _, value, mark in look.rows[:limit]:
        place, parameter = config.sites[site - 1], items[item]
        printed = rounding.plain(value, parameter.decimals)
        told.append(
            {
                "site": place.id,
                "name": place.name,
                "item": parameter.id,
                "item_name": parameter.name if config.language == "zh" else parameter.name_en,
                "time": periods.clock(ending),
                "value": float(printed) if "." in printed else int(printed),
                "unit": parameter.unit,
                "mark": word(Mark(mark), config.language) if mark else None,
            }
        )
    return told


def _unknown(look: _Look, config: Config, numbers: dict[str, int]) -> list[dict[str, Any]]:
    """Names that no configured site has, with the closest site that nothing came of: it may be the one meant."""
    heard = {row[1] for row in look.rows}
    silent = [site for site in config.sites if numbers[site.id] not in heard]
    names = {plain(name): site.id for site in silent for name in (site.id, site.name, *site.aliases)}
    told = []
    for name, count in look.unknown.most_common(NAMES_COMPARED):
        close = [] if isinstance(name, Other) else get_close_matches(plain(name), names, 1)
        told.append({"name": name, "count": count, "closest": names[close[0]] if close else None})
    told.sort(key=lambda one: one["closest"] is None)
    return told[:NAMES_SHOWN]
