"""Pull: ask a source for its look-back window, understand the answers, keep the readings.

A payload that cannot be understood stops only itself: it is kept in the rejects folder for a person to look at, the
other payloads go on, and the slot is reported as failed.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from envmon import http, periods, qc, standards
from envmon.errors import EnvmonError, SourceChanged, SourceUnavailable
from envmon.model import Basis, Config, Payload, Site, SourceSpec, Span, Stream, Tally
from envmon.pipeline import access
from envmon.pipeline.correcting import touch
from envmon.sources import SOURCES, Context, Parsed
from envmon.sources.context import StreamNumber, plain
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
    memory = access.remembered(opened, config, spec, now)
    access.check_alone(spec, memory)
    window = replace(spec, lookback=until - since)
    with access.session_of(config, spec, memory) as session:
        payloads = fetched(session, window, until, config.sites if sites is None else sites)
        if until != now:  # whatever time was asked for, it is answered now: a later answer than any before
            payloads = (replace(one, taken=now) for one in payloads)
        try:
            total = keep_all(opened, config, spec, payloads, now)
        except EnvmonError as error:
            if isinstance(error, SourceUnavailable):
                error.until = access.remember_alone(opened, spec, session, now)
            raise access.blotted(error, session) from None
        access.remember_alone(opened, spec, session, now)
        if not total.refused:  # what is refused today (it lies in the future) may be taken tomorrow
            access.remember_round(opened, config, spec, session)
    return total


def fetched(session: http.Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """What a source answers, origins without secrets. A source whose one document did not change gives nothing.

    Sites that were closed before the look-back, or open after it, are not asked for: a service that has taken a station
    out answers with failures, and three in a row end a round.
    """
    first, last = periods.day_of(now - spec.lookback), periods.today(now)
    alive = [one for one in sites if one.open_days[0] <= last and one.open_days[1] >= first]
    try:
        for payload in SOURCES[spec.kind].fetch(session, spec, now, alive):
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
                    parsed = understood(spec.kind, payload, context_of(store, config, spec))
                    total += keep(store, spec, payload, parsed, config.qc, now)
            except SourceChanged as error:
                broken.append(set_aside(Path(config.paths.rejects), payload, error))
    except (SourceUnavailable, SourceChanged) as error:
        kind = SourceUnavailable if isinstance(error, SourceUnavailable) else SourceChanged
        raise kind("error.several", errors=(*broken, error)) from error
    if broken:
        raise SourceChanged("error.several", errors=tuple(broken))
    return total


def keep(
    store: Store, spec: SourceSpec, payload: Payload, parsed: Parsed, settings: Mapping[str, Any], now: int
) -> Tally:
    """Store one understood payload; contradictions inside it and times that cannot be become QC verdicts (`settings`:
    of all tests)."""
    return keep_batch(store, spec, payload, parsed, settings, now)[0]


def keep_batch(
    store: Store, spec: SourceSpec, payload: Payload, parsed: Parsed, settings: Mapping[str, Any], now: int
) -> tuple[Tally, int]:
    """As `keep`; also gives the number of the batch. Intakes and events are counted like readings."""
    with store.writing():
        kept = store.keep(spec.id, payload.origin, payload.taken, now, parsed.rows, parsed.refused)
        found = qc.duplicates(kept.conflicts, payload.origin, settings.get("duplicate", {}))
        found += qc.clock_errors(parsed.rows, now, store.spans, payload.origin, settings.get("clock_error", {}))
        if found:
            store.add_flags(found)
        tally = kept.tally
        if parsed.intakes or parsed.events:
            tally += store.enter_intakes(kept.batch, parsed.intakes)
            touch(store, [(one.month, one.site) for one in parsed.intakes], [])
            entered, given = len(store.enter_events(parsed.events)), len(parsed.events)
            tally += Tally(read=given, new=entered, same=given - entered)
            store.count_rows(kept.batch, tally)
    for name, count in parsed.unknown.items():
        LOG.debug("%s: %s is not a configured site (%s values)", payload.origin, name, count)
    return tally, kept.batch


def understood(source: str, payload: Payload, context: Context) -> Parsed:
    """What a payload says, each row at the site that had its name or code on the row's day."""
    parsed = SOURCES[source].parse(payload, context)
    if not context.shared:
        return parsed
    rows = [(row[0], context.owner(row[1], periods.day_of(row[0])), *row[2:]) for row in parsed.rows]
    intakes = [replace(one, site=context.owner(one.site, one.month)) for one in parsed.intakes]
    return replace(parsed, rows=rows, intakes=intakes)


def context_of(store: Store, config: Config, spec: SourceSpec) -> Context:
    """What a parser needs to know: the names of the sites, the parameters, and the numbers of its streams."""

    def stream(span: Span, basis: Basis | None = None) -> int:
        return store.stream(Stream(spec.id, spec.basis if basis is None else basis, span))

    return context(config, spec, store.site_numbers, stream)


def context(config: Config, spec: SourceSpec, numbers: Mapping[str, int], stream: StreamNumber) -> Context:
    """A parser's context with given numbers of sites and streams.

    A name that two sites have at one time (stations called 监测站) leads to neither; their codes do. One that they have
    one after the other leads to whichever was open on the day (`Context.shared`).
    """
    owners: dict[str, list[Site]] = {}
    for site in config.sites:
        for name in {plain(one) for one in (site.id, site.name, site.code, *site.aliases)} - {""}:
            owners.setdefault(name, []).append(site)
    names = {name: numbers[sites[0].id] for name, sites in owners.items() if len(sites) == 1}
    shared: dict[int, tuple[tuple[int, int, int], ...]] = {}
    for name, sites in owners.items():
        spans = sorted((*site.open_days, numbers[site.id]) for site in sites)
        if len(spans) > 1 and all(one[1] < following[0] for one, following in pairwise(spans)):
            names[name] = -1 - len(shared)
            shared[names[name]] = tuple(spans)
    media = {numbers[site.id]: site.kind.medium for site in config.sites}
    media |= {group: media[spans[0][2]] for group, spans in shared.items()}
    devices = {device.mn: device for device in config.devices}
    ids = {site.id: numbers[site.id] for site in config.sites}
    return Context(names, standards.parameters(), stream, spec, config.language, media, shared, devices, ids)


def set_aside(folder: Path, payload: Payload, why: SourceChanged) -> SourceChanged:
    """Keep a payload nobody understood, byte for byte; the error also says where it went, or that it could not be."""
    name = re.sub(r"[^\w.-]+", "_", payload.origin)[-80:]
    path = folder / f"{periods.moment(payload.taken):%Y%m%dT%H%M}_{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() != payload.body:  # another address that ends alike
            path = path.with_name(f"{hashlib.sha256(payload.origin.encode()).hexdigest()[:8]}_{path.name}")
        path.write_bytes(payload.body)
    except OSError as error:  # the payloads after it must not be lost for that
        return SourceChanged("error.source.not_kept", error=why, path=path, reason=error)
    return SourceChanged("error.source.kept", error=why, path=path)
