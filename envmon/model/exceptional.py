"""Exceptional events: what somebody decided about a place and a time, so that a rate can be given without it too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """What happened. The first four spoil values of air, `background` values of water; the rest say why none came."""

    DUST = "dust"  # sand and dust
    FIRE = "fire"  # forest fires, burning of straw
    FIREWORKS = "fireworks"
    OTHER = "other"  # as the document says
    BACKGROUND = "background"  # natural background of water: not compliant, and given without it as well
    DRY = "dry"
    FROZEN = "frozen"
    UNSAMPLED = "unsampled"
    UNUSED = "unused"


OF_AIR = (EventKind.DUST, EventKind.FIRE, EventKind.FIREWORKS, EventKind.OTHER)
LEAVING = (EventKind.DRY, EventKind.FROZEN, EventKind.UNSAMPLED, EventKind.UNUSED)
"""Kinds that take a section or source out of a denominator, with their reason."""


@dataclass(frozen=True, slots=True)
class ExceptionalEvent:
    """One entry of the list. Entries are never changed: a wrong one is withdrawn by another.

    subject : id of an area or site, "*" for all. items : ids of the items it spoils; () for the leaving kinds.
    first, last : minutes; what lies after `first`, up to and including `last`, is affected.
    """

    number: int  # in the store; 0 before it is there
    kind: EventKind
    subject: str
    items: tuple[str, ...]
    first: int
    last: int
    decided_by: str
    document: str  # number of the document it was decided with
    note: str = ""
    origin: str = ""  # the file it came from
    learned: int = 0
    withdraws: int | None = None  # number of the entry that this one withdraws
