"""Figures that left the program, and what became of them later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from envmon.model.judgements import Rate, View
from envmon.model.readings import Basis
from envmon.periods import Period


class Place(StrEnum):
    """How a figure left the program."""

    CHART = "chart"  # drawn into one
    BUREAU = "bureau"  # the bureau said that it published it


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """One rate as it was when it left the program. Entries are never changed.

    period : as asked for; the days counted, which may end earlier, are those of `rate.period`
    batch : number of the last batch of readings that is in the figure
    """

    at: int
    place: Place
    document: str  # number or name of the document; the file of a chart
    period: Period
    view: View
    rate: Rate
    batch: int
    note: str = ""
    number: int = 0  # in the store; 0 before it is there


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """One reading that was not, or not so, when the figure was published. Values in stored steps.

    was : the value that counted then, None where there was none; `was_mark`, `mark` as in Mark.
    """

    site: str
    item: str
    ending: int
    was: int | None
    was_mark: int
    value: int
    mark: int
    basis: Basis
    source: str
    origin: str
    learned: int


@dataclass(frozen=True, slots=True)
class Turned:
    """A day of an area, or a site over the period, that is judged otherwise now.

    was, now : plain facts: `status`, `good` and `aqi`, `level` of a day, `class` of a site.
    """

    when: str
    subject: str
    was: Mapping[str, Any]
    now: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Causes:
    """Why a figure is another one now.

    values : the first of the `count` readings that are new or revised; turned : what they turned.
    events, reviews : numbers of exceptional events, and of reviews, entered or taken back since. settings : which of
    the things that decide judgements besides the readings have changed; only where neither values nor events explain
    it.
    """

    values: tuple[ChangedValue, ...] = ()
    count: int = 0
    turned: tuple[Turned, ...] = ()
    events: tuple[int, ...] = ()
    reviews: tuple[int, ...] = ()
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """A published figure that is another one now: from what to what, since when, because of which values.

    since : the minute at which the earliest of the causes was learned; None where only settings changed.
    batch : number of the last batch of readings that is in what it became.
    """

    figure: int  # number of the published figure
    found: int
    since: int | None
    was: Rate
    became: Rate
    causes: Causes
    batch: int
    number: int = 0
