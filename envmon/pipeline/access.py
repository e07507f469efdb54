"""How a source of the config may be asked: its session, with secrets read from the environment, and what it remembers.

Of each source the last good round is remembered: which documents came, so that they are asked for only if they changed,
and until when the service wants to be left alone. Never here: fetching, parsing, keeping readings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from envmon import __version__, http, periods
from envmon import config as configuration
from envmon.errors import ConfigError, EnvmonError, SourceUnavailable
from envmon.model import Config, SourceSpec
from envmon.store import Opened, Store, to_json

BREAK = 3
"""Failed rounds in a row after which a source is taken to be down: of each further round one request decides."""

LEFT_ALONE = http.LEFT_ALONE // 60
"""Minutes a service is left alone at most, as far as it is remembered; beyond, a clock was ahead."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known before a round. documents : validators by key; until : minute before which nothing is asked."""

    documents: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    until: int | None = None
    failures: int = 0


def job_of(spec: SourceSpec) -> str:
    """The name of the job that pulls a source."""
    return f"pull {spec.id}"


def access_of(config: Config, spec: SourceSpec) -> http.Access:
    """Who may be asked for a source, and how.

    Raises ConfigError when the variable of a secret is not set, or the file of certificates is not there.
    """
    variables = [*spec.headers_env.values(), *spec.query_env.values(), *([spec.bearer_env] if spec.bearer_env else [])]
    held = configuration.secrets(variables, config.language)
    headers = {name: held[variable] for name, variable in spec.headers_env.items()}
    if spec.bearer_env:
        headers["Authorization"] = f"Bearer {held[spec.bearer_env]}"
    ca_file = configuration.resolve(Path(config.paths.root), spec.ca_file) if spec.ca_file else ""
    if ca_file and not Path(ca_file).is_file():
        raise ConfigError("error.http.ca_file", name=spec.id, path=ca_file)
    home = http.endpoint(spec.url)
    return http.Access(
        hosts=frozenset([home, *(http.endpoint(f"http://{host}") for host in spec.hosts)]),
        home=home,
        scheme=urlsplit(spec.url).scheme,
        redirects=spec.redirects,
        pause=spec.pause / 1000,
        deadline=spec.timeout,
        round=spec.round,
        cap=spec.max_mb * 2**20,
        ca_file=ca_file,
        headers=spec.headers,
        secret_headers=headers,
        secret_query={name: held[variable] for name, variable in spec.query_env.items()},
    )


def session_of(config: Config, spec: SourceSpec, memory: Memory | None = None) -> http.Session:
    """The session for one round of a source; without a memory every document is asked for, and nothing is a probe.

    Raises ConfigError as `access_of`.
    """
    known = memory or Memory()
    return http.Session(access_of(config, spec), known.documents, probe=known.failures >= BREAK)


def remembered(opened: Opened, config: Config, spec: SourceSpec, now: int) -> Memory:
    """What is known of a source before a round.

    Documents count as known only while the config is the same, and no other batch of the source was kept since: else
    what they say could be missing, or have been replaced by an older file.
    """
    with opened(readonly=True) as store:
        failures = next((row["tries"] for row in store.failing(now) if row["job"] == job_of(spec)), 0)
        last, until = kept_round(store, spec), alone_until(store, spec.id, now)
        batch = store.batch_of(spec.id)
    fits = last.get("under") == _fingerprint(config, spec) and last.get("batch") == batch
    documents = {key: (pair[0], pair[1]) for key, pair in last.get("documents", {}).items()} if fits else {}
    return Memory(documents, until, failures)


def kept_round(store: Store, spec: SourceSpec) -> Mapping[str, Any]:
    found = store.meta(f"round {spec.id}")
    return found if isinstance(found, dict) else {}


def alone_until(store: Store, source: str, now: int) -> int | None:
    """The minute until which a service asked to be left alone, when it is still to come."""
    until = store.meta(f"alone {source}")
    return until if isinstance(until, int) and now < until <= now + LEFT_ALONE else None


def check_alone(spec: SourceSpec, memory: Memory) -> None:
    """Raises SourceUnavailable while the service wants to be left alone."""
    if memory.until is not None:
        error = SourceUnavailable("error.http.alone", url=http.shown(spec.url), at=periods.clock(memory.until))
        error.until = memory.until
        raise error


def remember_alone(opened: Opened, spec: SourceSpec, session: http.Session, now: int) -> int:
    """Keep until which minute the service wants to be left alone; 0: it does not."""
    if not session.alone:
        return 0
    until = now - int(-session.alone // 60)
    with opened() as store:
        store.set_meta(f"alone {spec.id}", until)
    return until


def remember_round(opened: Opened, config: Config, spec: SourceSpec, session: http.Session) -> None:
    """Keep the validators of a round that was understood and stored whole: only then may a 304 stand for it."""
    if session.documents:
        with opened() as store:
            made = {"under": _fingerprint(config, spec), "batch": store.batch_of(spec.id)}
            store.set_meta(f"round {spec.id}", {**made, "documents": session.documents})


def _fingerprint(config: Config, spec: SourceSpec) -> str:
    """What a document was understood by: another site, alias or option, or another program, may see more in it."""
    text = to_json([__version__, asdict(spec), [asdict(site) for site in config.sites]])
    return hashlib.sha256(text.encode()).hexdigest()


def blotted(error: EnvmonError, session: http.Session) -> EnvmonError:
    """An error whose values hold no secret, were they quoted from an answer."""
    for name, value in error.values.items():
        error.values[name] = _blotted(value, session)
    return error


def _blotted(value: object, session: http.Session) -> object:
    if isinstance(value, EnvmonError):
        return blotted(value, session)
    if isinstance(value, tuple):
        return tuple(_blotted(one, session) for one in value)
    return value if isinstance(value, int | float) else session.without_secrets(str(value))
