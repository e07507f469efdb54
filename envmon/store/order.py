"""Whose value goes first where several streams give one. Functions here are methods of `Store`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from envmon.model import IntArray
    from envmon.store import Store


class Rule(NamedTuple):
    """The order of streams that somebody chose for some sites and items, by number; None: for all of them."""

    sites: frozenset[int] | None
    items: frozenset[int | str] | None  # by number and by id
    rank: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Order:
    """How much the word of each stream counts, larger is more; the first rule that a site and an item fall under
    decides, else `usual`."""

    usual: Mapping[int, int]
    rules: Sequence[Rule]

    def rank(self, stream: int, site: int, item: int | str) -> int:
        """The rank of one stream's value of one site and item."""
        for rule in self.rules:
            if (rule.sites is None or site in rule.sites) and (rule.items is None or item in rule.items):
                return rule.rank[stream]
        return self.usual[stream]

    def ranks(self, streams: IntArray, sites: IntArray | int, items: IntArray) -> IntArray:
        """The ranks of many values at once."""
        import numpy as np

        found = _looked_up(self.usual, streams)
        for rule in reversed(self.rules):
            under = np.ones(streams.shape, np.bool_)
            if rule.sites is not None:
                under &= np.isin(sites, list(rule.sites))
            if rule.items is not None:
                under &= np.isin(items, [one for one in rule.items if isinstance(one, int)])
            found = np.where(under, _looked_up(rule.rank, streams), found)
        return found


def order(store: Store) -> Order:
    """A manual value before a reviewed one before a real-time one. Of one basis the source that a preference of the
    config names first goes first, then the one that stands first among its sources; one that has left it goes last."""
    streams = store.db.execute("SELECT basis, source, number FROM stream").fetchall()
    listed = {source: -place for place, source in enumerate(store.meta("sources") or [])}

    def ranked(preferred: Sequence[str]) -> dict[int, int]:
        first = {source: -place for place, source in enumerate(preferred)}
        key = sorted(
            (basis, first.get(source, -len(first)), listed.get(source, -len(listed)), -number)
            for basis, source, number in streams
        )
        return {-one[-1]: rank for rank, one in enumerate(key)}

    chosen = store.meta("preferences") or []
    items = dict(store.db.execute("SELECT id, number FROM parameter")) if chosen else {}
    rules = [
        Rule(
            frozenset(store.site_numbers[site] for site in one["sites"]) if one["sites"] else None,
            frozenset((*one["items"], *(items[item] for item in one["items"] if item in items)))
            if one["items"]
            else None,
            ranked(one["sources"]),
        )
        for one in chosen
    ]
    return Order(ranked(()), rules)


def _looked_up(rank: Mapping[int, int], streams: IntArray) -> IntArray:
    import numpy as np

    table = np.zeros(max(rank, default=0) + 1, np.int64)
    for stream, place in rank.items():
        table[stream] = place
    found: IntArray = table[streams]
    return found
