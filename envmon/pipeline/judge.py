"""Judge everything that is pending: air, water, rates, then decide on alerts and tell people."""

from __future__ import annotations

from dataclasses import dataclass, field

from envmon.model import Config, Event
from envmon.pipeline import judge_air, judge_water
from envmon.pipeline.alerting import alert_judged, alert_targets, alert_watched, retire, tell
from envmon.pipeline.correcting import correct, touch
from envmon.pipeline.rating import rate_all
from envmon.pipeline.rejudging import mark_outdated
from envmon.store import Store


@dataclass(slots=True)
class Outcome:
    """What one round of judging did."""

    air_days: int = 0
    water_periods: int = 0
    events: list[Event] = field(default_factory=list)
    told: int = 0
    corrections: int = 0


def judge(store: Store, config: Config, now: int) -> Outcome:
    """One round: what is pending part by part, then rates, targets and what was published, then who
    is silent and what fails.

    Each part is one transaction, with the alerts that follow from it: whatever comes after, it is not done twice and
    nothing of it is lost. When something fails people still hear of all that was decided before, and of the failure.
    """
    done = Outcome()
    try:
        judge_pending(store, config, now, done)
        with store.writing():
            done.events += alert_targets(store, config, rate_all(store, config, now), now)
            done.corrections = len(correct(store, config, now, judged=True))
    finally:
        with store.writing():
            done.events += alert_watched(store, config, now)
        done.told = tell(store, config, now)
    return done


def judge_pending(store: Store, config: Config, now: int, done: Outcome) -> None:
    """Judge what was touched since the last round, and decide on alerts about it."""
    batch = store.last_batch()
    with store.writing():
        mark_outdated(store, config)
        retire(store, config, now)
    for air_part in judge_air.parts(store, config, now):
        with store.writing():
            days = judge_air.judge_air(store, config, air_part)
            store.set_meta("days_judged", True)
            touch(store, days, [])
            done.events += alert_judged(store, config, days, [], now)
        done.air_days += len(days)
    for water_part in judge_water.parts(store, config, now):
        with store.writing():
            waters = judge_water.judge_water(store, config, water_part, now)
            store.set_meta("waters_judged", True)
            touch(store, [], waters)
            done.events += alert_judged(store, config, [], waters, now)
        done.water_periods += len(waters)
    with store.writing():
        judge_water.close_months(store, now)
        store.keep_judged_batch(batch)
