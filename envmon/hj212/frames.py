"""Frames: `##`, four digits of length, the data segment, four hexadecimal digits of CRC, CR LF (HJ 212-2017, 6.3.1).

Never here: what a segment says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

HEAD = 6  # "##" and four digits
CHECK = 4  # digits of the CRC
LONGEST, LARGEST = 1024, 9999
"""Largest data segment in bytes by HJ 212-2017, and the largest that four digits can announce."""

EXAMPLE = 200  # bytes of a bad frame that are kept to be looked at
BLANK = b"\r\n \t\0"  # what may stand between two frames without being noise
ANOTHER = re.compile(rb"##\d{4}")  # inside a segment: the frame before was cut, a new one begins
END_OF_BAD = re.compile(rb"\r\n|##(?!#)")


def _table(first: int) -> Iterator[int]:
    for value in range(first):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        yield value


TABLE = tuple(_table(256))
FOLDED = 32  # bytes that are gone through one by one


def _after(most: int) -> dict[int, bytes]:
    """What becomes of the register's high byte after 1, 2, 4 ... `most` bytes of zero, for each of its values."""
    tables = {1: bytes(value >> 8 for value in TABLE)}
    while (count := max(tables)) < most:
        tables[2 * count] = tables[count].translate(tables[count])
    return tables


AFTER = _after(1 << 16)


def crc(data: bytes) -> int:
    """The check value of a data segment (HJ 212-2017, annex A). Not the Modbus one: the register's low byte is dropped.

    >>> f"{crc(b'123456789'):04X}", f"{crc(b''):04X}"
    ('2F80', 'FFFF')
    """
    if not data:
        return 0xFFFF
    # Only the high byte goes on, and by a linear table: a half of the bytes may be folded upon the other, which takes
    # half the time of going through them one by one. Zeros at the front change nothing.
    rest = bytes((0xFF ^ data[0],)) + data[1:]
    size = 1 << (len(rest) - 1).bit_length()
    rest = rest.rjust(size, b"\0")
    while size > FOLDED:
        size //= 2
        left = int.from_bytes(rest[:size].translate(AFTER[size]), "big")
        rest = (left ^ int.from_bytes(rest[size:], "big")).to_bytes(size, "big")
    high, once = 0, AFTER[1]
    for byte in rest[:-1]:
        high = once[high ^ byte]
    return TABLE[high ^ rest[-1]]


def modbus_crc(data: bytes) -> int:
    """What loggers send that took the wrong algorithm; only to be able to say so.

    >>> f"{modbus_crc(b'123456789'):04X}"
    '4B37'
    """
    register = 0xFFFF
    for byte in data:
        register = register >> 8 ^ TABLE[(register ^ byte) & 0xFF]
    return register


def encode(segment: str | bytes) -> bytes:
    """The frame of a data segment, CR LF included; text goes out as UTF-8.

    Raises ValueError for a segment of more than 9999 bytes: its length has no place in the frame.
    """
    body = segment.encode("utf-8") if isinstance(segment, str) else segment
    if len(body) > LARGEST:
        raise ValueError(f"{len(body)} bytes do not fit into a frame")
    return b"##%04d%b%04X\r\n" % (len(body), body, crc(body))


class Bad(Enum):
    """Why bytes are no frame."""

    NOISE = "noise"  # no `##` at their head
    LENGTH = "length"  # the length is not four digits, or not that of the segment
    TOO_LONG = "too_long"  # longer than is taken
    CRC = "crc"
    CRC_MODBUS = "crc_modbus"  # wrong, but right by the Modbus algorithm
    ENCRYPTED = "encrypted"  # its values are encrypted (SM4, HJ 212-2025), the CRC is that of the plain text


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose length and CRC are right."""

    segment: bytes


@dataclass(frozen=True, slots=True)
class BadFrame:
    """Bytes that did not make a frame: at most EXAMPLE of them, passwords included (see `segments.masked`)."""

    kind: Bad
    data: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """What stands in bytes that ought to be one frame.

    stated : the length written in it, None without one; length : bytes between it and the last four before CR LF;
    given : those four; right, modbus : what they should be, and what the Modbus algorithm makes
    """

    stated: int | None
    length: int
    given: str
    right: str
    modbus: str

    @property
    def segment_is_right(self) -> bool:
        return self.given.upper() == self.right

    @property
    def by_modbus(self) -> bool:
        return self.given.upper() == self.modbus and not self.segment_is_right


def look(data: bytes) -> Look:
    """Look at bytes from their `##` on; what is there is taken for one frame, whatever its length says.

    Of more than a length can announce the rest is not looked at.
    """
    body = data[HEAD : HEAD + 2 * LARGEST].rstrip(BLANK)
    segment, given = body[:-CHECK], body[-CHECK:]
    digits = data[2:HEAD]
    stated = int(digits) if len(digits) == 4 and digits.isdigit() else None
    return Look(
        stated, len(segment), given.decode("ascii", "replace"), f"{crc(segment):04X}", f"{modbus_crc(segment):04X}"
    )


def diagnose(data: bytes, longest: int = LONGEST) -> Bad:
    """Why bytes that begin where a frame should are none."""
    if not data.startswith(b"##"):
        return Bad.NOISE
    seen = look(data[: HEAD + longest + CHECK + 2])
    if seen.stated is None:
        return Bad.LENGTH
    if seen.stated > longest:
        return Bad.TOO_LONG
    if seen.stated != seen.length:
        end = HEAD + seen.stated
        return Bad.CRC if _hexadecimal(data[end : end + CHECK]) and not seen.segment_is_right else Bad.LENGTH
    if seen.by_modbus:
        return Bad.CRC_MODBUS
    return Bad.ENCRYPTED if _is_no_text(data[: HEAD + seen.stated]) else Bad.CRC


def _is_no_text(data: bytes) -> bool:
    """Whether the data area holds bytes no text has."""
    _, _, area = data.partition(b"CP=&&")
    return re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", area) is not None


def frames_of(line: bytes, longest: int = LARGEST) -> list[Frame | BadFrame]:
    """The frames in a line of a recording, right or wrong, from its first `##` on; none when it has no `##`."""
    splitter = Splitter(longest)
    return splitter.feed(line[line.index(b"##") :] + b"\r\n") + splitter.end() if b"##" in line else []


class Splitter:
    """Cuts a stream of bytes into frames, however it arrives; after bad bytes it goes on at the next `##`.

    Holds no more than one frame beside what it is fed. A frame is given as soon as its CRC is there, CR LF or not;
    bytes that make none are given once their end is known: CR LF, the next `##`, or the length of a longest frame. No
    byte is summed more than once, whatever lengths are announced.
    """

    def __init__(self, longest: int = LONGEST) -> None:
        self.longest = longest
        self._cap = HEAD + longest + CHECK + 2
        self._buffer = bytearray()
        self._bad = False  # the buffer begins with bytes that are no frame

    @property
    def waiting(self) -> bool:
        """Whether part of a frame has come, and not yet its end."""
        return bool(self._buffer.strip(BLANK))

    def feed(self, data: bytes) -> list[Frame | BadFrame]:
        """Take in what has arrived; what it completes, in order."""
        self._buffer += data
        found = []
        while (one := self._next()) is not None:
            found.append(one)
        return found

    def end(self) -> list[Frame | BadFrame]:
        """What is left when nothing more will come: half a frame, or nothing."""
        left = bytes(self._buffer.strip(BLANK))
        self._buffer.clear()
        self._bad = False
        return [BadFrame(diagnose(left, self.longest), left[:EXAMPLE])] if left else []

    def _next(self) -> Frame | BadFrame | None:
        buffer = self._buffer
        if not self._bad:
            del buffer[: len(buffer) - len(buffer.lstrip(BLANK))]
            length = self._announced()
            if length is None:
                return None
            end = HEAD + length
            if length >= 0 and not ANOTHER.search(buffer, 2, end):
                if len(buffer) < end + CHECK:
                    return None
                segment = bytes(buffer[HEAD:end])
                given = bytes(buffer[end : end + CHECK])
                if _hexadecimal(given) and int(given, 16) == crc(segment):
                    del buffer[: end + CHECK]
                    return Frame(segment)
            self._bad = True
        return self._drop()

    def _announced(self) -> int | None:
        """The length the buffer's head announces; None while it may yet become a head, -1 when it is none."""
        head = self._buffer[:HEAD]
        digits = head[2:]
        if not b"##".startswith(head[:2]) or (digits and not digits.isdigit()):
            return -1
        if len(head) < HEAD:
            return None
        length = int(digits)
        return length if length <= self.longest else -1

    def _drop(self) -> BadFrame | None:
        """Let go of the bad bytes at the head of the buffer once it is known where they end."""
        buffer = self._buffer
        found = END_OF_BAD.search(buffer, 1, self._cap)
        if found is None and len(buffer) < self._cap:
            return None
        if found is None:
            end = self._cap - buffer.endswith(b"#", 0, self._cap)  # half a head may stand there
        else:
            end = found.end() if found[0] == b"\r\n" else found.start()
        data = bytes(buffer[:end])
        del buffer[:end]
        self._bad = False
        return BadFrame(diagnose(data, self.longest), data[:EXAMPLE])


def _hexadecimal(text: bytes) -> bool:
    return len(text) == CHECK and re.fullmatch(rb"[0-9A-Fa-f]{4}", text) is not None
