"""Pull: ask a source for its look-back window, understand the answers, keep the readings.

A payload that cannot be understood stops only itself: it is kept in the rejects folder for a person to look at, the
other payloads go on, and the slot is reported as failed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from envmon import http, periods, qc, standards
from envmon.errors import SourceChanged, SourceUnavailable
from envmon.model import Basis, Config, Payload, Site, SourceSpec, Span, Stream, Tally
from envmon.sources import SOURCES, Context, Parsed
from envmon.store import Opened, Store

LOG = logging.getLogger("envmon.pull")


def pull(opened: Opened, config: Config, spec: SourceSpec, first: int, now: int) -> Tally:
    """Read a source from its look-back before slot `first` until now, and keep what came."""
    return read_window(opened, config, spec, first - spec.lookback, now, now)


def read_window(
    opened: Opened,
    config: Config,
    spec: SourceSpec,
    since: int,
    until: int,
    now: int,
    sites: Sequence[Site] | None = None,
) -> Tally:
    """Read a source from one minute until another, and keep what came; of some sites only when they are named and the
    source is asked site by site.

    The store is open only while a payload is kept, not while the source is asked.
    """
    source = SOURCES[spec.kind]
    asked = replace(spec, lookback=until - since)
    timeout = int(spec.options.get("timeout", http.DEADLINE))
    with http.Session(deadline=timeout) as session:
        payloads = source.fetch(session, asked, until, config.sites if sites is None else sites)
        if until != now:  # whatever time was asked for, it is answered now: a later answer than any before
            payloads = (replace(one, taken=now) for one in payloads)
        return keep_all(opened, config, spec, payloads, now)


def keep_all(opened: Opened, config: Config, spec: SourceSpec, payloads: Iterable[Payload], now: int) -> Tally:
    """Parse and keep payloads one by one. Raises at the end when some could not be understood, or did not come."""
    total = Tally()
    broken: list[SourceChanged] = []
    try:
        for payload in payloads:
            try:
                with opened() as store:
                    parsed = SOURCES[spec.kind].parse(payload, context_of(store, config, spec))
                    total += keep(store, spec, payload, parsed, config.qc.get("duplicate", {}), now)
            except SourceChanged as error:
                broken.append(set_aside(Path(config.paths.rejects), payload, error))
    except SourceUnavailable as error:
        raise SourceUnavailable("error.several", errors=(*broken, error)) from error
    if broken:
        raise SourceChanged("error.several", errors=tuple(broken))
    return total


def keep(
    store: Store, spec: SourceSpec, payload: Payload, parsed: Parsed, settings: Mapping[str, Any], now: int
) -> Tally:
    """Store one understood payload; contradictions inside it become QC verdicts (`settings`: of that test)."""
    kept = store.keep(spec.id, payload.origin, payload.taken, now, parsed.rows, parsed.refused)
    if kept.conflicts:
        store.add_flags(qc.duplicates(kept.conflicts, payload.origin, settings))
    for name, count in parsed.unknown.items():
        LOG.debug("%s: %s is not a configured site (%s values)", payload.origin, name, count)
    return kept.tally


def context_of(store: Store, config: Config, spec: SourceSpec) -> Context:
    """What a parser needs to know: the names of the sites, the parameters, and the numbers of its streams.

    A name that two sites share (stations called 监测站) leads to neither; their codes do.
    """

    def stream(span: Span, basis: Basis | None = None) -> int:
        return store.stream(Stream(spec.id, spec.basis if basis is None else basis, span))

    owners: dict[str, set[int]] = {}
    for site in config.sites:
        for name in (site.id, site.name, site.code, *site.aliases):
            owners.setdefault(name, set()).add(store.site_numbers[site.id])
    names = {name: next(iter(numbers)) for name, numbers in owners.items() if name and len(numbers) == 1}
    return Context(names, standards.parameters(), stream, spec, config.language)


def set_aside(folder: Path, payload: Payload, why: SourceChanged) -> SourceChanged:
    """Keep a payload nobody understood, byte for byte; the error also says where it went, or that it could not be."""
    name = re.sub(r"[^\w.-]+", "_", payload.origin)[-80:]
    path = folder / f"{periods.moment(payload.taken):%Y%m%dT%H%M}_{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(payload.body)
    except OSError as error:  # the payloads after it must not be lost for that
        return SourceChanged("error.source.not_kept", error=why, path=path, reason=error.strerror)
    return SourceChanged("error.source.kept", error=why, path=path)
