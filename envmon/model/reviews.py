"""Reviews: what people decided by hand about readings."""

from __future__ import annotations

from dataclasses import dataclass

from envmon.model.readings import Flag


@dataclass(frozen=True, slots=True)
class Review:
    """One entry: readings of a site with first < ending <= last are good, suspect or fail, whatever the tests say.

    Entries are never changed: a wrong one is undone by another. item : id of a parameter, "" for all.
    """

    number: int  # in the store; 0 before it is there
    site: str
    item: str
    first: int
    last: int
    flag: Flag
    reason: str
    by: str
    learned: int
    undoes: int | None = None  # number of the entry that this one undoes
