"""What the other rooms know, as the caller of `load` hands it in. Light to import; never here: looking any of it up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from envmon.model import OWN_JOBS

JOBS: Mapping[str, int] = dict(zip(OWN_JOBS, (60, 10080, 240), strict=True))
"""Own jobs and how often each runs, in minutes."""

JOB_TIMES: Mapping[str, str] = {"judge": "00:40", "charts": "mon 06:00", "backfill": "00:50"}
"""When in its slot each runs, as written in the file."""


OptionCheck = Callable[[str, Any, Collection[str]], Iterable[tuple[str, str, dict[str, Any]]]]
"""(address, options, ids of the air sites) -> what is wrong with the options: (key in them, code of `config.allowed`,
values)"""


@dataclass(frozen=True, slots=True)
class Known:
    """Names a config may use; None = not checked.

    sources, channels : kinds; tests : QC tests and their settings as they are without the config; items : parameters;
    source_sets, source_items : item sets and items of surface and groundwater sources;
    item_sets : all sets of surface water and of groundwater;
    options : by kind of source, how its address and options are checked;
    editions : what a target may be judged by, besides `by-date`; jobs : own job -> how often it runs, in minutes
    pushed : sources that send by themselves and have no table of their own
    """

    sources: Collection[str] | None = None
    channels: Collection[str] | None = None
    tests: Mapping[str, Mapping[str, Any]] | None = None
    items: Collection[str] = ()
    editions: Collection[str] | None = None
    source_sets: Mapping[str, Collection[str]] = field(default_factory=dict)  # by key of `assessment`
    source_items: Mapping[str, Collection[str]] = field(default_factory=dict)
    item_sets: Mapping[str, Collection[str]] = field(default_factory=dict)  # by "surface" and "groundwater"
    options: Mapping[str, OptionCheck] = field(default_factory=dict)
    is_unit: Callable[[str], bool] = lambda text: True  # whether a written unit can be read
    jobs: Mapping[str, int] = field(default_factory=lambda: JOBS)
    pushed: Collection[str] = ("telemetry",)
