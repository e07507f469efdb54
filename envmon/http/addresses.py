"""Addresses: what two of them have in common, and what of one may be shown. Never here: asking anything."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

PORTS = {"http": 80, "https": 443}


def endpoint(url: str) -> str:
    """Host and port of an address as they are compared, read as the library reads it that will connect.

    "" for anything but http and https: nothing equals it.

    >>> endpoint("https://Air.CNEMC.cn:18007/a"), endpoint("http://127.0.0.1/x?a=b"), endpoint("file:///etc/passwd")
    ('air.cnemc.cn:18007', '127.0.0.1:80', '')
    """
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        parts = parse_url(url)
    except LocationParseError:
        return ""
    port = PORTS.get(parts.scheme or "")
    host = (parts.host or "").lower().rstrip(".")
    return f"{host}:{parts.port or port}" if port and host else ""


def shown(url: str) -> str:
    """An address without its query, which may hold a key, and without a password.

    >>> shown("http://name:word@127.0.0.1:80/a.csv?token=secret")
    'http://127.0.0.1:80/a.csv'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "?"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def joined(base: str, path: str) -> str:
    """A path below a base address, whether or not the base ends in a slash.

    >>> joined("http://127.0.0.1/archive", "a.csv"), joined("http://127.0.0.1/archive/", "a.csv")
    ('http://127.0.0.1/archive/a.csv', 'http://127.0.0.1/archive/a.csv')
    """
    return urljoin(base if base.endswith("/") else base + "/", path)
