"""Back-fill: time of which values are missing is asked for again, from whichever source still keeps it.

A window is one source and one day. The service asks for what lies behind the look-back of the pulls, which read the
rest again anyway; newest days first, a few windows in a run that comes after all live work, each with a growing pause
and an end. Every asking is recorded, with what it found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from envmon import periods
from envmon.errors import SourceChanged, SourceUnavailable, UsageError
from envmon.model import (
    OPEN,
    Basis,
    Config,
    Gap,
    GapAttempt,
    GapOutcome,
    GapWindow,
    Kind,
    Medium,
    Site,
    SiteGaps,
    SourceSpec,
)
from envmon.periods import Period
from envmon.pipeline.gaps import AIR, ledger, media_of
from envmon.pipeline.pull import read_window
from envmon.pipeline.stations import HOURS, MINUTES, ask_history
from envmon.sources import SOURCES
from envmon.sources.hj212 import TELEMETRY
from envmon.store import Opened, Store

Ask = Callable[[Config, Site, int, int, int], bool]
"""ask(config, site, first, last, now): ask a station for what it measured, first < ending <= last. Its values come by
themselves later. False where it cannot be asked."""


def of_stations(config: Config, site: Site, first: int, last: int, now: int) -> bool:
    """Ask the devices of a site for their hours, or what hours are made of; they are asked when they are connected."""
    own = [device for device in config.devices if config.listen is not None and device.site == site.id]
    for device in own:
        cn = MINUTES if device.hours_from == "minutes" else HOURS
        ask_history(config, device, cn, first, last, now * 60_000)
    return bool(own)


ASKS: dict[str, Ask] = {TELEMETRY.id: of_stations}
"""Source, or kind of source, that cannot be read but asked -> how."""

PAUSES = (240, 480, 1440, 2880, 5760)
"""Minutes from one try to the next; after one more try than there are pauses a window is given up. A source that cannot
be reached is asked on, as long as gaps are asked for at all."""


LOOKED_AT = 5
"""How many windows a run looks at for each it may ask for: after an outage most have no gap any more, and live work
waits while they are looked at."""


def backfill(opened: Opened, config: Config, now: int) -> list[GapAttempt]:
    """One run of the service: enter the days that left the look-back since the last one, ask for a few windows."""
    if not config.gaps.days:
        return []
    with opened(readonly=True) as store:
        days = days_to_enter(store, config, now)
        fresh = windows_of(config, ledger(store, config, days, now), now) if days else []
    read_again = looks_back(config)
    with opened() as store:
        store.enter_windows(replace(one, next_try=one.last + read_again.get(one.source, 0)) for one in fresh)
        if days:
            store.set_meta("gaps_entered", days.last)
        due = store.due_windows(now, now + max([PAUSES[-1], *read_again.values()]))
    place = {spec.id: at for at, spec in enumerate(config.sources)}
    due.sort(key=lambda one: (-one.last, place.get(one.source, len(place))))
    return list(asked(opened, config, due[: LOOKED_AT * config.gaps.windows], now, config.gaps.windows))


def days_to_enter(store: Store, config: Config, now: int) -> Period | None:
    """The days that no pull reads again and whose gaps were not entered yet; none from before the service began."""
    read_again = looks_back(config)
    starts = [runs[0][0] for source in read_again if (runs := store.runs_of(f"pull {source}"))]
    starts += [sent for source in read_again if source in ASKS and (sent := store.first_sent(source)) is not None]
    if not starts:
        return None
    last = periods.today(now - min(read_again.values())) - 1
    seen = store.meta("gaps_entered")
    after = seen + 1 if seen is not None and seen <= last else -1  # what a clock that was ahead entered says nothing
    first = max(periods.today(min(starts)), periods.today(now) - config.gaps.days, after)
    return periods.between(first, last) if first <= last and seen != last else None


def looks_back(config: Config) -> dict[str, int]:
    """The sources that can be asked for what is missing, with the minutes that their pulls read again anyway."""
    pulled = {spec.id: spec.lookback for spec in config.sources if askable(spec)}
    return pulled | {source: 0 for source in ASKS if config.devices or source != TELEMETRY.id}


def askable(spec: SourceSpec) -> bool:
    """Whether a source keeps more than its look-back reads."""
    reach = SOURCES[spec.kind].reach_of(spec) if spec.kind in SOURCES else None
    return reach is not None and reach > spec.lookback and spec.basis is not Basis.MANUAL


def windows_of(config: Config, found: Iterable[SiteGaps], now: int) -> list[GapWindow]:
    """The windows that may fill gaps, newest first; of one day in the order of the sources."""
    media = {site.id: site.kind.medium for site in config.sites}
    wanted: dict[tuple[int, str], GapWindow] = {}
    for one in found:
        for gap in one.gaps:
            if gap.cause in OPEN:
                for source in keepers(config, gap, media[gap.site]):
                    for day in range(periods.day_of(gap.first), periods.day_of(gap.last) + 1):
                        window = GapWindow(source, periods.hour_ending(day, 0), periods.hour_ending(day, 24))
                        if reaches(config, window, now):
                            wanted.setdefault((day, source), window)
    order = [spec.id for spec in config.sources]
    place = {source: at for at, source in enumerate(order)}
    return [wanted[key] for key in sorted(wanted, key=lambda key: (-key[0], place.get(key[1], len(order)), key[1]))]


def keepers(config: Config, gap: Gap, medium: Medium) -> list[str]:
    """The sources a gap may be asked of: its own first, then the others of its medium."""
    others = [spec.id for spec in config.sources if medium in media_of(spec) and spec.basis is not Basis.MANUAL]
    sent = [TELEMETRY.id for device in config.devices if device.site == gap.site]
    return list(dict.fromkeys([*gap.sources, *others, *sent]))


def reaches(config: Config, window: GapWindow, now: int) -> bool:
    """Whether a source still keeps some of a window."""
    spec = next((one for one in config.sources if one.id == window.source), None)
    if ask_of(spec, window.source) is not None:
        return True
    reach = SOURCES[spec.kind].reach_of(spec) if spec is not None and spec.kind in SOURCES else None
    return reach is not None and now - reach < window.last


def ask_of(spec: SourceSpec | None, source: str) -> Ask | None:
    """How a source is asked that cannot be read."""
    return ASKS.get(source) or (ASKS.get(spec.kind) if spec is not None else None)


def asked(opened: Opened, config: Config, windows: Iterable[GapWindow], now: int, limit: int) -> Iterator[GapAttempt]:
    """Ask for windows one by one until `limit` of them were asked for; those without a gap by now go."""
    count = 0
    for window in windows:
        if count == limit:
            return
        attempt = ask(opened, config, window, now)
        with opened() as store:
            after_asking(store, window, attempt, now, config.gaps.days)
        if attempt is not None:
            count += 1
            yield attempt


def after_asking(store: Store, window: GapWindow, attempt: GapAttempt | None, now: int, days: int) -> None:
    """Record an attempt, and let its window wait for the next one, or go."""
    if attempt is not None:
        store.keep_attempt(attempt)
    if attempt is None or attempt.outcome is GapOutcome.FILLED:
        store.close_window(window)
    elif window.tries < len(PAUSES):
        store.postpone_window(replace(window, tries=window.tries + 1, next_try=now + PAUSES[window.tries]))
    elif attempt.outcome is GapOutcome.FAILED and window.last > now - days * periods.DAY:
        store.postpone_window(replace(window, next_try=now + PAUSES[-1]))
    else:
        store.close_window(window)


def ask(opened: Opened, config: Config, window: GapWindow, now: int) -> GapAttempt | None:
    """Ask a source for one window; None when nothing is missing there any more, or the source has gone."""
    spec = next((one for one in config.sources if one.id == window.source), None)
    way = ask_of(spec, window.source)
    period = periods.between(periods.day_of(window.first + 1), periods.day_of(window.last))
    with opened(readonly=True) as store:
        before = still_open(store, config, period, window.source, now)
    wanted = sum(before.values())
    if not wanted:
        return None
    sites = [site for site in config.sites if site.id in before]
    error = ""
    try:
        if way is not None:
            there = [way(config, site, window.first, window.last, now) for site in sites]
            outcome = GapOutcome.ASKED if any(there) else GapOutcome.NOTHING
            return GapAttempt(window.source, window.first, window.last, now, outcome, wanted, 0)
        if spec is None:
            return None
        read_window(opened, config, spec, window.first, window.last, now, sites)
    except (SourceUnavailable, SourceChanged, UsageError) as failed:
        error = failed.said(config.language)
    with opened(readonly=True) as store:
        left = sum(still_open(store, config, period, window.source, now).values())
    found = wanted - left
    outcome = GapOutcome.FILLED if not left else GapOutcome.PARTLY if found else GapOutcome.NOTHING
    if error and not found:
        outcome = GapOutcome.FAILED
    return GapAttempt(window.source, window.first, window.last, now, outcome, wanted, found, error)


def still_open(store: Store, config: Config, period: Period, source: str, now: int) -> dict[str, int]:
    """Slots by site that may be had from a source and have no value."""
    spec = next((one for one in config.sources if one.id == source), None)
    media: Sequence[Medium] = media_of(spec) if spec is not None else tuple(Medium)
    kinds = {Medium.AIR: AIR, Medium.WATER: (Kind.SECTION,)}
    sites = [site for site in config.sites if any(site.kind in kinds[medium] for medium in media)]
    site_media = {site.id: site.kind.medium for site in sites}
    found = {
        one.site: sum(
            gap.slots
            for gap in one.gaps
            if gap.cause in OPEN and (spec is not None or source in keepers(config, gap, site_media[gap.site]))
        )
        for one in ledger(store, config, period, now, sites)
    }
    return {site: slots for site, slots in found.items() if slots}
