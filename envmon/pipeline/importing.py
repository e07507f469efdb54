"""Import: files of any source or form, read by the same parsers that read a source's answers.

What form a file has is told by its header, unless its source is named. Never here: where files lie and go (`inbox`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from envmon import standards
from envmon.errors import SourceChanged, UsageError
from envmon.model import (
    Basis,
    Config,
    ExceptionalEvent,
    Payload,
    Refused,
    SourceSpec,
    Span,
    Stream,
    Tally,
)
from envmon.pipeline.pull import context, keep_batch, understood
from envmon.sources import Parsed, read_file
from envmon.sources.event_list import read_events
from envmon.sources.forms import COLUMNS, forms_of
from envmon.sources.hj212 import TELEMETRY
from envmon.store import Store
from envmon.texts import joined, t

EVENTS = "events"
"""The one form that no source gives: a list of exceptional events."""

BASES = {"lab": Basis.MANUAL, "reviewed": Basis.REVIEWED}
"""Of a form for which the config has no source; any other is real-time."""


@dataclass(frozen=True, slots=True)
class Understood:
    """One file that was read: as what, and what it holds.

    streams : those the store does not know yet, by the number below zero that stands for them in the rows
    """

    spec: SourceSpec
    form: str
    payload: Payload
    parsed: Parsed
    streams: Mapping[int, Stream] = field(default_factory=dict)


def spec_of(config: Config, name: str) -> SourceSpec:
    """A source by its id; that of the stations is `telemetry`. Raises UsageError with the names there are."""
    specs = [*config.sources, *([TELEMETRY] if config.devices else [])]
    for spec in specs:
        if spec.id == name:
            return spec
    names = [spec.id for spec in specs]
    close = get_close_matches(name, names, 1)
    raise UsageError("error.source.unknown", name=name, close=close[0] if close else ", ".join(names))


def spec_for(config: Config, form: str) -> SourceSpec:
    """The source files of a form belong to: the one of that kind, or, without one, a source named like the form.

    Raises UsageError when there are several: then somebody has to say which.
    """
    own = [spec for spec in config.sources if spec.kind == form]
    if len(own) > 1:
        raise UsageError("error.import.several", form=form, names=" ".join(spec.id for spec in own))
    if own:
        return own[0]
    taken = {spec.id for spec in config.sources}
    name = f"inbox-{form}" if form in taken else form
    return SourceSpec(name, form, "", 1440, 0, 1440, BASES.get(form, Basis.REALTIME))


def chosen(config: Config, name: str) -> SourceSpec:
    """The source of a folder, or of a word somebody typed: its id, or the form its files have."""
    if name in COLUMNS and name not in {spec.id for spec in config.sources}:
        return spec_for(config, name)
    return spec_of(config, name)


def understand(
    store: Store, config: Config, spec: SourceSpec | None, path: Path, now: int, raw: bytes | None = None
) -> Understood:
    """Read a file as what its source says, or, without one, as what its header says; writes nothing (`settled`), so
    that a store that is only read will do: nobody is kept from writing by a large file.

    raw : its bytes, where they have been read already.
    Raises SourceChanged or UsageError saying why it is no such file.
    """
    if spec is None:
        spec = spec_for(config, _form(config, read_file(path, "", now, raw)))
    payload = read_file(path, spec.kind, now, raw)
    if spec.kind == EVENTS:
        events, refused = events_in(payload, config, config.language)
        return Understood(spec, EVENTS, payload, Parsed([], refused, {}, events=events))
    source, fresh = spec, dict[Stream, int]()

    def stream(span: Span, basis: Basis | None = None) -> int:
        wanted = Stream(source.id, source.basis if basis is None else basis, span)
        known = store.known_stream(wanted)
        return fresh.setdefault(wanted, -1 - len(fresh)) if known is None else known

    parsed = understood(spec.kind, payload, context(config, spec, store.site_numbers, stream))
    return Understood(spec, spec.kind, payload, parsed, {number: one for one, number in fresh.items()})


def settled(store: Store, read: Understood) -> Understood:
    """The same with every stream entered in the store."""
    if not read.streams:
        return read
    numbers = {number: store.stream(one) for number, one in read.streams.items()}
    rows = [(*row[:3], numbers.get(row[3], row[3]), *row[4:]) for row in read.parsed.rows]
    return replace(read, parsed=replace(read.parsed, rows=rows), streams={})


def _form(config: Config, payload: Payload) -> str:
    """The one form a file has. Raises SourceChanged naming those it could have, or all that were looked for."""
    lang = config.language
    found = forms_of(payload, lang, standards.parameters())
    if not found:
        looked = (f"{t(f'form.{form}', lang)}（{' '.join(columns)}）" for form, columns in COLUMNS.items())
        raise SourceChanged("error.import.no_form", origin=payload.origin, forms=joined("semicolon", lang, looked))
    if len(found) > 1:
        names = joined("and", lang, (t(f"form.{form}", lang) for form in found))
        raise SourceChanged("error.import.ambiguous", origin=payload.origin, forms=names, folders=" ".join(found))
    return found[0]


def events_in(payload: Payload, config: Config, lang: str) -> tuple[list[ExceptionalEvent], list[Refused]]:
    """The events of a list, about the areas and sites of the config, and the rows refused."""
    media = {one.id: one.kind.medium for one in config.sites}
    return read_events(payload, subjects_of(config, lang), media, list(standards.parameters().values()), lang)


def subjects_of(config: Config, lang: str) -> dict[str, str]:
    """Id of every area and site by the names it goes by; sites first, so that an area's name means the area."""
    found: dict[str, str] = {}
    for site in config.sites:
        found |= dict.fromkeys((*site.aliases, site.name, site.id), site.id)
    for area in config.areas:
        found |= dict.fromkeys((area.name, area.id), area.id)
    return found | {"*": "*", t("bureau.whole", lang): "*"}


def enter(store: Store, config: Config, read: Understood, now: int) -> tuple[Tally, int]:
    """Keep what a file holds: what became of its rows, and its batch. All of it or nothing."""
    read = settled(store, read)
    return keep_batch(store, read.spec, read.payload, read.parsed, config.qc, now)


def import_file(
    store: Store, config: Config, spec: SourceSpec | None, path: Path, now: int
) -> tuple[Tally, list[Refused]]:
    """Take one file in: (what became of its rows, the rows refused). All of it or nothing."""
    read = understand(store, config, spec, path, now)
    return enter(store, config, read, now)[0], read.parsed.refused


class _Undo(Exception):
    """Ends a rehearsal."""


@contextmanager
def rehearsed(store: Store) -> Iterator[None]:
    """What is kept inside is counted as it would be, and then taken back: nothing of it is stored.

    The store knows numbers of streams that are gone again, so it should not be written with afterwards.
    """
    with suppress(_Undo), store.writing():
        yield
        raise _Undo
