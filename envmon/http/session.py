"""One round of one source over HTTP: deadline, size cap, allow-list, secrets, retry, pace, unchanged documents."""

from __future__ import annotations

import hashlib
import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, quote, quote_plus, urlencode, urljoin, urlsplit

from envmon import __version__
from envmon.errors import EnvmonError, SourceChanged, SourceUnavailable
from envmon.http.addresses import endpoint, shown
from envmon.http.limits import retry_after, used_up

if TYPE_CHECKING:
    import requests

DEADLINE = 30  # seconds for one answer, retries and pauses included
ROUND = 300  # seconds after which a round asks nothing more: the other sources wait for it
CAP = 64 * 2**20  # bytes of one decoded answer
RETRIES = 2
PAUSE = 0.5  # seconds before the first retry, doubled for the next
JITTER = 0.25  # of a pause, at most this share is added, so that many bureaus do not ask at one instant
LONGEST_WAIT = 10  # seconds a service may make a round wait; what it asks beyond is remembered for the next rounds
SILENCE = 10  # seconds without a byte
MOVES = 5  # redirects followed one after the other
CHUNK = 2**16
LONGEST_VALIDATORS = 300  # characters of ETag and Last-Modified; longer ones are not remembered
SHORTEST_SECRET = 6  # characters; a shorter one is not looked for in texts, it would be found everywhere
TRANSIENT = frozenset({429, 500, 502, 503, 504})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Fields = Mapping[str, str]
Body = dict[str, str] | bytes | None
"""A form, or JSON as bytes."""


class NotFound(SourceUnavailable):
    """The service has nothing at this address (404); for files published day by day that is not an error."""


class Unchanged(EnvmonError):
    """The document is the one that was understood and kept in an earlier round (304): nothing new, no payload."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a source may be asked.

    hosts : "host:port" that may be connected to; None: any (for tests)
    home : the "host:port" that secrets may be sent to; scheme : and by what
    redirects : whether a GET follows them, to allowed hosts only
    pause : seconds between two requests; round : seconds after which nothing more is asked; cap : bytes of an answer
    ca_file : the certificates that sign for this source, instead of the usual ones
    headers : sent with every request; secret_headers, secret_query : sent to home only, shown nowhere
    """

    hosts: frozenset[str] | None = None
    home: str = ""
    scheme: str = "https"
    redirects: bool = False
    pause: float = 0
    deadline: float = DEADLINE
    round: float = ROUND
    cap: int = CAP
    ca_file: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_query: Mapping[str, str] = field(default_factory=dict, repr=False)


class Session:
    """One connection pool with limits, for one round of one source. Use as a context manager.

    access : who may be asked, and how; known : validators of documents kept in earlier rounds, by `key_of`
    probe : the source failed lately; one request decides whether it is asked any more in this round
    deadline, cap : instead of those of `access`; retries : further tries after a failure that may pass
    sleep, steady, jitter : how to pause, to measure time and to scatter (0 to 1), so that tests need not wait

    After the round `documents` holds the validators of all that came or did not change, `unchanged` counts the latter,
    and `alone` is for how many seconds the service asked to be left alone (0: it did not).
    """

    def __init__(
        self,
        access: Access | None = None,
        known: Mapping[str, tuple[str, str]] | None = None,
        probe: bool = False,
        deadline: float | None = None,
        cap: int | None = None,
        retries: int = RETRIES,
        sleep: Callable[[float], None] = time.sleep,
        steady: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        import requests

        from envmon.http.line import CutAdapter, Cutter

        self.access = access or Access()
        self._deadline = self.access.deadline if deadline is None else deadline
        self._cap = self.access.cap if cap is None else cap
        self._retries, self._sleep, self._steady, self._jitter = retries, sleep, steady, jitter
        self._known, self._probing = known or {}, probe
        self.documents: dict[str, tuple[str, str]] = {}
        self.unchanged = 0
        self.alone = 0.0
        self._begun: float | None = None
        self._next = 0.0  # the moment before which nothing is asked
        self._over: SourceUnavailable | None = None  # why nothing more is asked
        self._cutter = Cutter()
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, CutAdapter(self._cutter))
        self._session.headers["User-Agent"] = f"envmon/{__version__}"
        self._session.headers.update(self.access.headers)
        self._session.auth = lambda request: request  # otherwise requests would look for passwords in ~/.netrc
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # below, it writes addresses with their keys

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def get(self, url: str, params: Fields | None = None, conditional: bool = False) -> bytes:
        """The body of the answer. Keys and tokens of the source are added here; a source knows nothing of them.

        conditional : the address is one document of its own; it is not sent again while it is the one kept before.
        Raises Unchanged (304, only when conditional), NotFound (404), SourceUnavailable (refused, slow, broken off, not
        allowed, any other error status or a redirect) and SourceChanged (larger than the cap).
        """
        return self._ask("GET", url, params, None, conditional)

    def post(
        self, url: str, params: Fields | None = None, form: Fields | None = None, json: bytes | None = None
    ) -> bytes:
        """As `get`, with a form or JSON body. Only for services that read by POST: a retry sends it again."""
        return self._ask("POST", url, params, dict(form or {}) if json is None else json, False)

    def without_secrets(self, text: str) -> str:
        """A text that may have come from an address or an answer, with every secret blotted out."""
        for name in self.access.secret_query:
            text = re.sub(rf"(?<=[?&]){re.escape(quote_plus(name))}=[^&#\s]*", f"{quote_plus(name)}=***", text)
        for secret in (*self.access.secret_headers.values(), *self.access.secret_query.values()):
            bare = secret.removeprefix("Bearer ")
            for form in {bare, quote(bare, safe=""), quote_plus(bare), quote(bare)}:
                if len(form) >= SHORTEST_SECRET:
                    text = text.replace(form, "***")
        return text

    # --- one question, with its retries ---

    def _ask(self, method: str, url: str, params: Fields | None, body: Body, conditional: bool) -> bytes:
        self._may_ask(url)
        until = self._steady() + self._deadline
        key = key_of(url, params) if conditional else ""
        for left in range(self._retries, -1, -1):
            try:
                answer = self._follow(method, url, params, body, until, key)
            except _Passing as error:
                wait = PAUSE * 2 ** (self._retries - left) * (1 + JITTER * self._jitter())
                wait = max(wait, error.after, self.access.pause)
                if error.after > LONGEST_WAIT or (error.after and self._steady() + wait >= until):
                    self._leave_alone(error.after, error)
                elif left and not self._probing and self._steady() + wait < until:
                    self._sleep(wait)
                    continue
                self._failed(error)
                raise
            except (NotFound, Unchanged):
                self._probing = False  # it answers
                raise
            except (SourceUnavailable, SourceChanged) as error:
                self._failed(error)
                raise
            self._probing = False
            return answer
        raise AssertionError("the last try returns or raises")

    def _may_ask(self, url: str) -> None:
        """Keep the pace. Raises SourceUnavailable when nothing more is asked in this round."""
        if self._over is not None:
            raise SourceUnavailable(self._over.message, **self._over.values)
        now = self._steady()
        if self._begun is None:
            self._begun = now
        wait = self._next - now
        if now + max(wait, 0) > self._begun + self.access.round:
            self._over = SourceUnavailable("error.http.round", url=self._shown(url), seconds=f"{self.access.round:g}")
            raise self._over
        if wait > 0:
            self._sleep(wait)
        self._next = self._steady() + self.access.pause

    def _failed(self, error: EnvmonError) -> None:
        if self._probing and self._over is None:
            self._over = SourceUnavailable(error.message, **error.values)

    def _leave_alone(self, seconds: float, why: SourceUnavailable) -> None:
        self.alone = max(self.alone, seconds)
        self._over = why

    def _heed(self, answer: requests.Response, place: str) -> None:
        """When the answer says that it was the last one for now: wait a little, or ask nothing more in this round."""
        seconds = used_up(answer.headers)
        if seconds is None:
            return
        if seconds <= LONGEST_WAIT:
            self._next = max(self._next, self._steady() + seconds)
        else:
            why = SourceUnavailable("error.http.used_up", url=place, seconds=f"{seconds:.0f}")
            self._leave_alone(seconds, why)

    # --- one request, with its redirects ---

    def _follow(self, method: str, url: str, params: Fields | None, body: Body, until: float, key: str) -> bytes:
        import requests
        import urllib3

        for _ in range(MOVES + 1):
            prepared = self._prepared(method, url, params, body, key)
            place = self._shown(url)
            try:
                with self._cutter.within(until - self._steady()), self._sent(prepared, until) as answer:
                    target = self._target(answer, method, place, str(prepared.url))
                    if target is None:
                        return self._understood(answer, place, until, key)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                raise self._named(error, place) from None
            url, params = target, None
        raise SourceUnavailable("error.http.moves", url=place, count=MOVES)

    def _prepared(self, method: str, url: str, params: Fields | None, body: Body, key: str) -> requests.PreparedRequest:
        """The request as it is sent. Raises SourceUnavailable when its host is not allowed, before any connection."""
        import requests

        place, home = endpoint(url), self.access.home
        if not place or (self.access.hosts is not None and place not in self.access.hosts):
            host = place or self._shown(url)
            raise SourceUnavailable("error.http.host", url=self._shown(url), host=host)
        own = dict(params or {})
        tag, modified = self._known.get(key, ("", ""))
        headers = {"If-None-Match": tag} if tag else {}
        headers |= {"If-Modified-Since": modified} if modified else {}
        headers |= {"Content-Type": "application/json"} if isinstance(body, bytes) else {}
        try:
            if place == home and urlsplit(url).scheme == self.access.scheme:
                written = parse_qs(urlsplit(url).query, keep_blank_values=True)
                own |= {name: value for name, value in self.access.secret_query.items() if name not in written}
                headers |= self.access.secret_headers
            request = requests.Request(method, url, params=own, data=body, headers=headers)
            prepared = self._session.prepare_request(request)
        except (requests.RequestException, ValueError) as error:
            reason = type(error).__name__
            raise SourceUnavailable("error.http.line", url=self._shown(url), reason=reason) from None
        if endpoint(str(prepared.url)) != place:  # two readings of one address: nobody knows where it would lead
            raise SourceUnavailable("error.http.host", url=self._shown(url), host=endpoint(str(prepared.url)))
        return prepared

    def _sent(self, prepared: requests.PreparedRequest, until: float) -> requests.Response:
        """The answer up to its headers."""
        url = str(prepared.url)
        self._session.trust_env = urlsplit(url).hostname not in LOOPBACK  # the proxy of the environment, but not home
        verify: Any = self.access.ca_file or True
        settings = self._session.merge_environment_settings(url, {}, True, verify, None)
        if settings["verify"] is False:  # never, whoever asks for it
            settings["verify"] = verify
        wait = max(0.05, min(SILENCE, until - self._steady()))
        return self._session.send(prepared, timeout=(wait, wait), allow_redirects=False, **settings)

    def _target(self, answer: requests.Response, method: str, place: str, asked: str) -> str | None:
        """Where a redirect that may be followed leads; None when the answer is none. Raises for an error status."""
        status = answer.status_code
        if status in TRANSIENT:
            after = retry_after(answer.headers) or used_up(answer.headers) or 0
            raise _Passing("error.http.busy", after, url=place, status=status)
        self._heed(answer, place)
        if status == 404:
            raise NotFound("error.http.absent", url=place)
        if 300 <= status < 400 and status != 304:
            try:
                target = urljoin(asked, answer.headers.get("Location", ""))
            except ValueError:
                target = ""
            if not self.access.redirects or method != "GET" or not answer.headers.get("Location") or not target:
                raise SourceUnavailable("error.http.moved", url=place, target=self._shown(target))
            return target
        if status not in (200, 304):
            raise SourceUnavailable("error.http.refused", url=place, status=status)
        return None

    def _understood(self, answer: requests.Response, place: str, until: float, key: str) -> bytes:
        """The body, or Unchanged; what a later round needs to ask for this document only if it changes is kept."""
        if answer.status_code == 304:
            if key not in self._known:
                raise SourceUnavailable("error.http.refused", url=place, status=304)
            self.unchanged += 1
            self.documents[key] = self._known[key]
            raise Unchanged("error.http.unchanged", url=place)
        body = self._body(answer, place, until)
        tag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
        if key and (tag or modified) and len(tag + modified) <= LONGEST_VALIDATORS:
            self.documents[key] = (tag, modified)
        return body

    def _body(self, answer: requests.Response, url: str, until: float) -> bytes:
        """All bytes, decoded, chunk by chunk: a slow or endless answer ends at the deadline or the cap."""
        whole = BytesIO()  # hands its buffer over at the end; a list of chunks would be copied
        while chunk := answer.raw.read1(CHUNK, decode_content=True):
            if whole.tell() + len(chunk) > self._cap:
                raise SourceChanged("error.http.large", url=url, cap=self._cap)
            if self._steady() > until:
                break
            whole.write(chunk)
        if self._cutter.cut or self._steady() > until:
            raise SourceUnavailable("error.http.sending", url=url, seconds=f"{self._deadline:g}")
        return whole.getvalue()

    def _named(self, error: Exception, url: str) -> SourceUnavailable:
        """What went wrong on the line. The libraries' own messages carry the query and maybe a key: they end here."""
        import requests
        import urllib3

        if self._cutter.cut or isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
            return _Passing("error.http.slow", url=url)
        if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
            return SourceUnavailable("error.http.tls", url=url)
        if "NameResolutionError" in repr(error):
            return _Passing("error.http.name", url=url, host=urlsplit(url).hostname)
        return _Passing("error.http.line", url=url, reason=type(error).__name__)

    def _shown(self, url: str) -> str:
        return self.without_secrets(shown(url))


def key_of(url: str, params: Fields | None = None) -> str:
    """The name under which a document is remembered; its query may hold what nobody should read."""
    return hashlib.sha256(f"{url}?{urlencode(params or {})}".encode()).hexdigest()


class _Passing(SourceUnavailable):
    """A failure that may pass at once: worth another try, `after` seconds at the earliest."""

    def __init__(self, message: str, after: float = 0, **values: object) -> None:
        super().__init__(message, **values)
        self.after = after
