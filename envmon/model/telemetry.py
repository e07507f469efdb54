"""Telemetry as it is received: raw frames, stations as last heard, what was refused, what stations were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """Why a frame was not taken or a connection was closed."""

    UNKNOWN_MN = "unknown_mn"
    PASSWORD = "password"  # noqa: S105
    ADDRESS = "address"  # enrolled, but not from there
    SYSTEM = "system"  # another ST than the device's
    TWO_SOURCES = "two_sources"  # one MN from two addresses; the newer connection stays
    CRC = "crc"
    CRC_MODBUS = "crc_modbus"
    ENCRYPTED = "encrypted"
    LENGTH = "length"
    TOO_LONG = "too_long"
    NOISE = "noise"  # what stands before a head
    SEGMENT = "segment"  # the frame is whole and its content is not a data segment
    HALF = "half"  # a frame that was begun and not ended in time
    IDLE = "idle"
    RATE = "rate"  # more frames than allowed; reading waits, nothing is lost
    CONNECTIONS = "connections"  # no room; the connection that never said anything good goes first
    PER_ADDRESS = "per_address"
    BANNED = "banned"
    UNREAD = "unread"  # the station does not take its answers
    UNSTORED = "unstored"  # the disk refused: not answered, so that the station repeats it


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One accepted data segment, its password masked. received: ms since 1970; number: its place in the journal."""

    received: int
    mn: str
    cn: str
    address: str
    segment: bytes
    number: int = 0


@dataclass(slots=True)
class Heard:
    """One station as last heard. Times in ms since 1970; offset: its clock before ours, in seconds."""

    mn: str
    address: str = ""
    connected: bool = False
    last: int = 0
    data_time: str = ""  # DataTime of its last data, as sent
    frames: int = 0
    day: int = 0
    today: int = 0  # frames received on `day`
    offset: int | None = None


@dataclass(slots=True)
class Knock:
    """How often one thing was refused, by kind, MN and address; `example` is masked."""

    count: int
    first: int
    last: int
    example: str = ""


class RequestState(StrEnum):
    WAITING = "waiting"  # for the station, or for its turn
    SENT = "sent"
    ACCEPTED = "accepted"
    DONE = "done"
    NO_DATA = "no_data"
    REFUSED = "refused"
    FAILED = "failed"
    UNANSWERED = "unanswered"


OPEN_REQUESTS = (RequestState.WAITING, RequestState.SENT, RequestState.ACCEPTED)


@dataclass(slots=True)
class Request:
    """One command to a station. begin, end: minutes of a history asked for; asked, updated: ms; frames: data it sent
    meanwhile; answer: the code of QnRtn or ExeRtn."""

    id: str
    mn: str
    cn: str
    begin: int
    end: int
    asked: int
    state: RequestState = RequestState.WAITING
    tries: int = 0
    updated: int = 0
    qn: str = ""
    answer: str = ""
    frames: int = 0
