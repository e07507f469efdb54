"""What people decided about readings by hand: it takes the place of what the tests said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from envmon.model import Flag, IntArray, Review
from envmon.qc.grid import Grid
from envmon.qc.single import below_zero

REVIEW = "review"
"""The name of the array of reviewed flags among those of the tests, and of a verdict that is a review."""

NOT_REVIEWED = np.int8(-1)


def reviewed(grid: Grid, reviews: Sequence[Review]) -> IntArray:
    """The flag people gave to each reading; NOT_REVIEWED where they gave none. Of several the last entered stands.

    What cannot be below zero and is stays what the tests say of it, unless it was reviewed to fail.
    """
    found: IntArray = np.full(grid.values.shape, NOT_REVIEWED, np.int8)
    for one in reviews:
        for column, site in enumerate(grid.frame.sites):
            if site == one.site and grid.frame.start is not None:
                rows = [
                    row for row, parameter in enumerate(grid.parameters) if not one.item or parameter.id == one.item
                ]
                found[rows, grid.frame.slots(one.first, one.last), column] = one.flag
    if reviews:
        found[~grid.there | (below_zero(grid) & (found != Flag.FAIL))] = NOT_REVIEWED
    return found


def review_of(reviews: Sequence[Review], site: str, item: str, ending: int) -> Review:
    """The review that stands for a reading of which one does."""
    return next(
        one
        for one in reversed(reviews)
        if one.site == site and one.item in ("", item) and one.first < ending <= one.last
    )


def roll_up(flags: Mapping[str, IntArray]) -> IntArray:
    """The worst verdict on each reading; where it was reviewed, what people said of it."""
    tests = [found for name, found in flags.items() if name != REVIEW]
    worst: IntArray = tests[0].copy()
    for found in tests[1:]:
        np.maximum(worst, found, out=worst)
    own = flags.get(REVIEW)
    return worst if own is None else np.where(own == NOT_REVIEWED, worst, own)
