"""Files that were dropped in the inbox, and what only such files say: the water taken from sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from envmon.model.readings import Tally


@dataclass(frozen=True, slots=True)
class Intake:
    """Water taken from a drinking-water source in one month; 0: the source was not used."""

    site: int  # number
    month: int  # its first day
    volume: int  # steps of 10 t (10^4 t with three decimals)


class InboxState(StrEnum):
    """What became of a file: taken in (some of its rows may be refused), refused as a whole; or what keeps it."""

    DONE = "done"
    REFUSED = "refused"
    WAITING = "waiting"  # still being written, or seen for the first time
    IGNORED = "ignored"  # not a file anybody should read: a link, a pipe, a hidden file


@dataclass(frozen=True, slots=True)
class InboxFile:
    """One file that was dropped, with its receipt.

    moved : where it went, relative to the inbox; reason : of a refusal; sites, months : which its rows are about;
    unknown : names of sites that are not configured, whose rows did not enter.
    """

    name: str
    sha256: str
    size: int  # bytes
    form: str
    source: str
    state: InboxState
    batch: int | None
    received: int  # minute
    moved: str
    reason: str = ""
    tally: Tally = field(default_factory=Tally)
    sites: tuple[str, ...] = ()
    months: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    version: str = ""
    number: int = 0
