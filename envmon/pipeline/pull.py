"""Pull: ask a source for its look-back window, understand the answers, keep the readings.

A payload that cannot be understood stops only itself: it is kept in the rejects folder for a person to look at, the
other payloads go on, and the slot is reported as failed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from envmon import http, periods, qc, standards
from envmon.errors import EnvmonError, SourceChanged, SourceUnavailable
from envmon.model import Basis, Config, Payload, SourceSpec, Span, Stream, Tally
from envmon.pipeline import access
from envmon.sources import SOURCES, Context, Parsed
from envmon.sources.context import StreamNumber
from envmon.store import Opened, Store

LOG = logging.getLogger("envmon.pull")


def pull(opened: Opened, config: Config, spec: SourceSpec, first: int, now: int) -> Tally:
    """Read a source from its look-back before slot `first` until now, and keep what came.

    The store is open only while a payload is kept, not while the source is asked.
    """
    memory = access.remembered(opened, config, spec, now)
    access.check_alone(spec, memory)
    window = replace(spec, lookback=now - first + spec.lookback)
    with access.session_of(config, spec, memory) as session:
        try:
            total = keep_all(opened, config, spec, fetched(session, window, now, config), now)
        except EnvmonError as error:
            if isinstance(error, SourceUnavailable):
                error.until = access.remember_alone(opened, spec, session, now)
            raise access.blotted(error, session) from None
        access.remember_alone(opened, spec, session, now)
        if not total.refused:  # what is refused today (it lies in the future) may be taken tomorrow
            access.remember_round(opened, config, spec, session)
    return total


def fetched(session: http.Session, spec: SourceSpec, now: int, config: Config) -> Iterator[Payload]:
    """What a source answers, origins without secrets. A source whose one document did not change gives nothing."""
    try:
        for payload in SOURCES[spec.kind].fetch(session, spec, now, config.sites):
            yield replace(payload, origin=session.without_secrets(payload.origin))
    except http.Unchanged:
        return


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
    """What a parser needs to know: the names of the sites, the parameters, and the numbers of its streams."""

    def stream(span: Span, basis: Basis | None = None) -> int:
        return store.stream(Stream(spec.id, spec.basis if basis is None else basis, span))

    return context(config, spec, store.site_numbers, stream)


def context(config: Config, spec: SourceSpec, numbers: Mapping[str, int], stream: StreamNumber) -> Context:
    """A parser's context with given numbers of sites and streams.

    A name that two sites share (stations called 监测站) leads to neither; their codes do.
    """
    owners: dict[str, set[int]] = {}
    for site in config.sites:
        for name in (site.id, site.name, site.code, *site.aliases):
            owners.setdefault(name, set()).add(numbers[site.id])
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
