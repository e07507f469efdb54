"""Several sources of one site: where they differ beyond the tolerance, which is kept as a verdict beside the readings.

Nothing is overwritten and nothing is made invalid: the source that goes first (`store.order`) is judged by, the others
stay. Only values of one kind of data (real-time, reviewed) and one span are compared, and only those that are judged:
what stations send for a moment, for minutes or for a whole day is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from envmon import qc, standards
from envmon.model import HOURLY, Basis, Config, Flag, Span, Verdict
from envmon.rounding import plain
from envmon.store import Store

TEST = "sources_disagree"


def rivals(store: Store, basis: Basis | None = None) -> list[list[int]]:
    """Streams that may give one value twice: those of one basis and span, where there are several; the kind of data
    that goes first comes last, in whatever order they were heard of."""
    groups: dict[tuple[Basis, Span], list[int]] = defaultdict(list)
    for number, one in store.streams().items():
        if one.span in HOURLY and one.span is not Span.SAMPLE and basis in (None, one.basis):
            groups[one.basis, one.span].append(number)
    return [groups[key] for key in sorted(groups) if len(groups[key]) > 1]


def compare(store: Store, config: Config, numbers: Sequence[int], first: int, last: int) -> None:
    """Keep where the sources of some sites disagree, first < ending <= last, in place of what was kept before."""
    if rivals(store):
        store.save_flags([TEST], numbers, first, last, verdicts(store, config, numbers, first, last))


def verdicts(
    store: Store, config: Config, numbers: Sequence[int], first: int, last: int, basis: Basis | None = None
) -> list[Verdict]:
    """Where sources disagree, with every value and whose it is; nothing is stored."""
    names, items, order = store.streams(), standards.parameter_numbers(), store.order()
    found: dict[tuple[int, ...], Verdict] = {}
    for group in rivals(store, basis):
        columns = store.values_by_source(group, numbers, first, last)
        apart = qc.disagreeing(columns[:3], columns[3], columns[4], items, config.qc.get(TEST, {}))
        for key, values in apart.items():
            ranked = sorted(values, key=lambda one: -order.rank(one, key[1], key[2]))
            decimals = items[key[2]].decimals
            told = [f"{names[one].source} {plain(values[one], decimals)}" for one in ranked]
            found[key] = Verdict(key[0], key[1], key[2], TEST, Flag.SUSPECT, qc.packed({"told": told}))
    return [found[key] for key in sorted(found)]


def given(
    store: Store, groups: Sequence[Sequence[int]], numbers: Sequence[int], first: int, last: int
) -> dict[tuple[int, int, int], list[tuple[int, int]]]:
    """(ending, site, parameter) that several streams of a group gave -> (stream, value), the one that counts first."""
    rank = store.order().rank
    found: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    for group in groups:
        own: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
        for ending, site, item, stream, value in store.values_by_source(group, numbers, first, last).T.tolist():
            own.setdefault((ending, site, item), []).append((stream, value))
        for key, told in own.items():
            if len(told) > 1:
                ranked = sorted(((-rank(stream, key[1], key[2]), stream, value) for stream, value in told))
                found[key] = [(stream, value) for _, stream, value in ranked]
    return dict(sorted(found.items()))
