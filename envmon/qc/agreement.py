"""Several sources of one site and time: where they differ beyond the tolerance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from envmon.model import IntArray, Parameter
from envmon.qc.grid import FACTOR_DECIMALS, Settings, threshold
from envmon.qc.settings import settings_of
from envmon.rounding import scaled


def disagreeing(
    keys: IntArray, streams: IntArray, values: IntArray, parameters: Mapping[int, Parameter], settings: Settings
) -> dict[tuple[int, ...], dict[int, int]]:
    """Where streams of one kind of data differ beyond the tolerance: key -> value of each stream.

    keys : [3, reading] ending, site, parameter of every reading; streams, values : [reading], each stream once a key.
    """
    own = settings_of("sources_disagree", settings)
    if own["off"] or not values.size:
        return {}
    order = np.lexsort(keys[::-1])
    keys, streams, values = keys[:, order], streams[order], values[order]
    starts = np.flatnonzero(np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
    high, low = np.maximum.reduceat(values, starts), np.minimum.reduceat(values, starts)
    items = keys[2, starts]
    by = {item: threshold(parameters[item], own, "by") or 0 for item in np.unique(items).tolist()}
    apart = high - low > np.array([by[item] for item in items.tolist()], np.int64)
    larger = np.maximum(np.abs(high), np.abs(low))
    percent = scaled(str(own["percent"]), FACTOR_DECIMALS)
    apart &= (high - low) * 100 * 10**FACTOR_DECIMALS > larger * percent
    ends = np.r_[starts[1:], len(values)]
    return {
        tuple(keys[:, start].tolist()): dict(zip(streams[start:end].tolist(), values[start:end].tolist(), strict=True))
        for start, end in zip(starts[apart].tolist(), ends[apart].tolist(), strict=True)
    }
