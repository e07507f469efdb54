"""The one HTTP session: deadline, size cap, retry, headers. The only door to requests.

Answers are bytes, never guessed text. Never here: what an answer means, which addresses to ask, any clock but the
steady one that measures a deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

from envmon import __version__
from envmon.errors import SourceChanged, SourceUnavailable

if TYPE_CHECKING:
    import requests

DEADLINE = 30  # seconds for one answer, retries and pauses included
CAP = 64 * 2**20  # bytes of one decoded answer
RETRIES = 2
PAUSE = 0.5  # seconds before the first retry, doubled for the next; Retry-After is not obeyed, slots come again anyway
SILENCE = 10  # seconds without a byte
CHUNK = 2**16
TRANSIENT = frozenset({429, 500, 502, 503, 504})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Fields = Mapping[str, str]


class NotFound(SourceUnavailable):
    """The service has nothing at this address (404); for files published day by day that is not an error."""


class Session:
    """One connection pool with limits. Use as a context manager.

    deadline : seconds a call of `get` or `post` may take in all; a stalled read may add up to SILENCE
    cap : largest decoded answer in bytes; retries : further tries after a failure that may pass
    sleep, steady : how to pause and how to measure time, so that tests need not wait
    """

    def __init__(
        self,
        deadline: float = DEADLINE,
        cap: int = CAP,
        retries: int = RETRIES,
        sleep: Callable[[float], None] = time.sleep,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        import requests

        self._deadline, self._cap, self._retries = deadline, cap, retries
        self._sleep, self._steady = sleep, steady
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"envmon/{__version__}"
        self._session.auth = lambda request: request  # otherwise requests would look for passwords in ~/.netrc

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def get(self, url: str, params: Fields | None = None) -> bytes:
        """The body of the answer.

        Raises NotFound (404), SourceUnavailable (refused, slow, broken off, any other error status or a redirect) and
        SourceChanged (larger than the cap).
        """
        return self._ask("GET", url, params, None)

    def post(self, url: str, params: Fields | None = None, form: Fields | None = None) -> bytes:
        """As `get`, with a form body. Only for services that read by POST: a retry sends the form again."""
        return self._ask("POST", url, params, dict(form or {}))

    def _ask(self, method: str, url: str, params: Fields | None, form: dict[str, str] | None) -> bytes:
        until = self._steady() + self._deadline
        for left in range(self._retries, -1, -1):
            try:
                return self._once(method, url, params, form, until)
            except _Passing:
                pause = PAUSE * 2 ** (self._retries - left)
                if not left or self._steady() + pause >= until:
                    raise
                self._sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _once(self, method: str, url: str, params: Fields | None, form: dict[str, str] | None, until: float) -> bytes:
        import requests
        import urllib3

        self._session.trust_env = urlsplit(url).hostname not in LOOPBACK  # the proxy of the environment, but not home
        wait = max(0.05, min(SILENCE, until - self._steady()))
        try:
            answer = self._session.request(
                method, url, params=params, data=form, timeout=(wait, wait), allow_redirects=False, stream=True
            )
            with answer:
                _check_status(answer, shown(url))
                return self._body(answer, shown(url), until)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise _Passing("error.http.slow", url=shown(url)) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            reason = type(error).__name__  # its message carries the query and maybe a key, so it goes no further
            raise _Passing("error.http.line", url=shown(url), reason=reason) from None

    def _body(self, answer: requests.Response, url: str, until: float) -> bytes:
        """All bytes, decoded, chunk by chunk: a slow or endless answer ends at the deadline or the cap."""
        parts, size = [], 0
        while chunk := answer.raw.read1(CHUNK, decode_content=True):
            size += len(chunk)
            if size > self._cap:
                raise SourceChanged("error.http.large", url=url, cap=self._cap)
            if self._steady() > until:
                raise SourceUnavailable("error.http.sending", url=url, seconds=f"{self._deadline:g}")
            parts.append(chunk)
        return b"".join(parts)


def shown(url: str) -> str:
    """An address without its query, which may hold a key, and without a password.

    >>> shown("http://name:word@127.0.0.1:80/a.csv?token=secret")
    'http://127.0.0.1:80/a.csv'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def joined(base: str, path: str) -> str:
    """A path below a base address, whether or not the base ends in a slash.

    >>> joined("http://127.0.0.1/archive", "a.csv"), joined("http://127.0.0.1/archive/", "a.csv")
    ('http://127.0.0.1/archive/a.csv', 'http://127.0.0.1/archive/a.csv')
    """
    return urljoin(base if base.endswith("/") else base + "/", path)


class _Passing(SourceUnavailable):
    """A failure that may pass at once: worth another try."""


def _check_status(answer: Any, url: str) -> None:
    status = answer.status_code
    if status in TRANSIENT:
        raise _Passing("error.http.busy", url=url, status=status)
    if status == 404:
        raise NotFound("error.http.absent", url=url)
    if 300 <= status < 400:
        target = shown(urljoin(url, answer.headers.get("Location", "")))
        raise SourceUnavailable("error.http.moved", url=url, target=target)
    if status != 200:
        raise SourceUnavailable("error.http.refused", url=url, status=status)
