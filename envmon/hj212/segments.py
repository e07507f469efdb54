"""Data segments: `QN=…;ST=…;CN=…;PW=…;MN=…;Flag=…;CP=&&…&&` read, written and answered (HJ 212-2017, 6.3.2 and 6.6).

Never here: bytes around a segment, what its values mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, IntEnum

from envmon import periods
from envmon.errors import EnvmonError

ENCODINGS = ("utf-8", "gb18030")  # the standard's, and what older loggers send
HEADER = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
ANSWER, VERSION_SHIFT = 1, 2
INTERACTION = "91"
HEARTBEAT = "9015"
NOTICES = ("1013", HEARTBEAT)
"""What a station only lets us know; it is answered by 9013, everything else by 9014. Of the heartbeat one program says
so, after HJ 212-2025 table 12; unconfirmed."""

PASSWORD = re.compile(rb"(PW\s*=)[^;]*", re.IGNORECASE)  # in the head of a segment
PASSWORD_IN_DATA = re.compile(rb"(PW\s*=)[^;]*?(?=[;,]|&&|\Z)", re.IGNORECASE)

Pair = tuple[str, str]


class BadSegment(EnvmonError):
    """A frame was whole, but what it says cannot be read; its keys are `error.frame.*`."""


class Version(Enum):
    """Which document a segment follows, by bits 2-7 of its Flag."""

    V2005 = "HJ/T 212-2005"
    V2017 = "HJ 212-2017"
    V2025_OR_WATER = "HJ 212-2025 / HJ 1404-2024"
    UNKNOWN = "?"


class QnRtn(IntEnum):
    """A station's first word on a request (9011)."""

    READY = 1
    REFUSED = 2
    PASSWORD = 3
    DEVICE = 4
    SYSTEM = 5
    FLAG = 6
    QN = 7
    COMMAND = 8
    CRC = 9
    UNKNOWN = 100


class ExeRtn(IntEnum):
    """A station's last word on a request (9012)."""

    DONE = 1
    FAILED = 2
    CONDITION = 3
    TIMEOUT = 4
    BUSY = 5
    FAULT = 6
    NO_DATA = 100


@dataclass(frozen=True, slots=True)
class Segment:
    """One data segment.

    flag : None where it is missing, as 2005 allows; pnum, pno : None unless the data are split
    groups : of CP, what `;` parts; each its `name=value` pairs, in their order, texts as they stood
    resent : RF=1, a record that is filled in later (HJ 212-2025, table 3)
    """

    mn: str
    cn: str
    st: str = ""
    qn: str = ""
    pw: str = ""
    flag: int | None = None
    pnum: int | None = None
    pno: int | None = None
    groups: tuple[tuple[Pair, ...], ...] = ()
    resent: bool = False

    @property
    def answer_wanted(self) -> bool:
        return bool((self.flag or 0) & ANSWER)

    @property
    def split(self) -> bool:
        """Whether this is one of several packets; each can be used alone."""
        return self.pnum is not None and self.pnum > 1

    @property
    def version(self) -> Version:
        bits = (self.flag or 0) >> VERSION_SHIFT
        return (Version.V2005, Version.V2017, Version.V2025_OR_WATER)[bits] if bits < 3 else Version.UNKNOWN

    def value(self, name: str) -> str | None:
        """The first value of CP under a name; None where it does not stand."""
        return next((text for group in self.groups for key, text in group if key == name), None)


def read(data: bytes, values: bool = True) -> Segment:
    """The fields of a data segment; without `values` what CP holds is left aside, which takes half the time.

    Raises BadSegment saying which one is wrong.
    """
    text = _decoded(data)
    header, found, rest = text.partition("CP=&&")
    fields = _header(header)
    body, closed, after = rest.rpartition("&&")
    if found and (not closed or after.strip("; ")):
        raise BadSegment("error.frame.cp", after=after[:40] if closed else rest[-40:])
    for name in ("MN", "CN"):
        if not fields.get(name):
            raise BadSegment("error.frame.missing", field=name)
    return Segment(
        fields["MN"],
        fields["CN"],
        fields.get("ST", ""),
        fields.get("QN", ""),
        fields.get("PW", ""),
        _whole(fields, "Flag", 255),
        _whole(fields, "PNUM", 9999),
        _whole(fields, "PNO", 9999),
        _groups(body) if values else (),
        fields.get("RF") == "1",
    )


def _decoded(data: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadSegment("error.frame.encoding", begins=data[:40].decode("ascii", "backslashreplace"))


def _header(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for item in text.split(";"):
        name, given, value = item.partition("=")
        name = name.strip(" \t\r\n")  # no other blanks: `masked` must find every name that is read
        if not given and not name:
            continue
        if not given:
            raise BadSegment("error.frame.field", text=item[:40])
        if name in fields:  # which of two passwords would count?
            raise BadSegment("error.frame.twice", field=name[:40])
        fields[name] = value.strip()
    return fields


def _whole(fields: dict[str, str], name: str, most: int) -> int | None:
    text = fields.get(name, "")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or int(text) > most:
        raise BadSegment("error.frame.number", field=name, text=text[:40], most=most)
    return int(text)


def _groups(body: str) -> tuple[tuple[Pair, ...], ...]:
    """A comma inside a value does not end it: what has no `=` goes on with the value before."""
    groups = []
    for text in body.split(";"):
        pairs: list[Pair] = []
        for item in text.split(","):
            name, given, value = item.partition("=")
            if given:
                pairs.append((name.strip(), value.strip()))
            elif pairs:
                pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{item.strip()}")
            elif item.strip():
                pairs.append(("", item.strip()))
        if pairs:
            groups.append(tuple(pairs))
    return tuple(groups)


def write(segment: Segment) -> str:
    """A segment as text, its fields in the order of the standard; `frames.encode` makes a frame of it."""
    values = (segment.qn or None, segment.st or None, segment.cn, segment.pw or None, segment.mn)
    numbers = (segment.flag, segment.pnum, segment.pno, 1 if segment.resent else None)
    header = [f"{name}={value}" for name, value in zip(HEADER, (*values, *numbers), strict=True) if value is not None]
    body = ";".join(",".join(f"{name}={text}" if name else text for name, text in pairs) for pairs in segment.groups)
    return ";".join([*header, f"CP=&&{body}&&"])


def answer(segment: Segment, cn: str | None = None) -> Segment:
    """The platform's answer: the QN of what it answers, no data, the version it was asked in (2017: Flag 4).

    cn : 9013 for a notice, 9014 for everything else unless given. That a Flag of 9 is answered by 8 is unconfirmed.
    """
    flag = (segment.flag or 0) >> VERSION_SHIFT << VERSION_SHIFT
    own = cn or ("9013" if segment.cn in NOTICES else "9014")
    return Segment(segment.mn, own, INTERACTION, segment.qn, segment.pw, flag)


def fetch_history(asked: Segment, cn: str, begin: int, end: int) -> Segment:
    """Ask a station for what it keeps: 2061 hours, 2051 minutes, 2031 days; begin, end: minutes, both included.

    asked : whom, by which password and number: an `address_to`
    """
    return replace(asked, cn=cn, groups=((("BeginTime", stamp(begin)), ("EndTime", stamp(end))),))


def set_clock(asked: Segment, at: datetime) -> Segment:
    """Set a station's clock (1012); `asked`: an `address_to`, `at`: Beijing time."""
    return replace(asked, cn="1012", groups=((("SystemTime", f"{at:%Y%m%d%H%M%S}"),),))


def address_to(mn: str, pw: str, st: str, qn: str, flag: int = 5) -> Segment:
    """The head of a request, without a command; flag 5: by HJ 212-2017, an answer is wanted."""
    return Segment(mn, "", st, qn, pw, flag)


def request_number(at: datetime) -> str:
    """The QN of a request made at a Beijing time: 17 digits, to the millisecond."""
    return f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}"


def stamp(minute: int) -> str:
    """A minute as HJ 212 writes times."""
    return f"{periods.moment(minute):%Y%m%d%H%M%S}"


def outcome(segment: Segment) -> QnRtn | ExeRtn | None:
    """What a station says to a request (9011, 9012); None for other segments and for codes nobody knows."""
    kinds: dict[str, tuple[str, type[QnRtn] | type[ExeRtn]]] = {"9011": ("QnRtn", QnRtn), "9012": ("ExeRtn", ExeRtn)}
    if segment.cn not in kinds:
        return None
    name, kind = kinds[segment.cn]
    text = segment.value(name) or ""
    known = {str(member.value): member for member in kind}
    return known.get(text.lstrip("0"))


def masked(data: bytes) -> bytes:
    """A frame or segment with its passwords (PW, NewPW) hidden, for logs and for what is kept.

    >>> masked(b"ST=22;CN=2061;PW=123456;MN=A1;CP=&&&&")
    b'ST=22;CN=2061;PW=******;MN=A1;CP=&&&&'
    """
    head, begun, area = data.partition(b"CP=&&")
    return PASSWORD.sub(rb"\1******", head) + begun + PASSWORD_IN_DATA.sub(rb"\1******", area)
