"""Judge everything that is pending: air, water, rates, then decide on alerts and tell people."""

from __future__ import annotations

from dataclasses import dataclass

from envmon.model import Config, Event
from envmon.pipeline.alerting import alert, tell
from envmon.pipeline.judge_air import judge_air
from envmon.pipeline.judge_water import judge_water
from envmon.pipeline.rating import rate_all
from envmon.pipeline.rejudging import mark_outdated
from envmon.store import Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round of judging did."""

    air_days: int
    water_periods: int
    events: list[Event]
    told: int


def judge(store: Store, config: Config, now: int) -> Outcome:
    """One round. Judgements are stored before alerts are decided, and notices before they are sent."""
    with store.writing():
        mark_outdated(store, config)
        days = judge_air(store, config, now)
        waters = judge_water(store, config, now)
        outlooks = rate_all(store, config, now)
        events = alert(store, config, days, waters, outlooks, now)
    return Outcome(len(days), len(waters), events, tell(store, config, now))
