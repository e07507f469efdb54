"""Judge again what rests on something that has changed: a standard, the program, QC settings, what a site is.

Judgements are stored; readings that change mark their own days. Here are the other reasons, noticed by comparing what
decided the judgements with what decides them now.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from envmon import __version__, standards
from envmon.model import Config, Site
from envmon.store import Store

LOG = logging.getLogger("envmon.judge")


CHOSEN = ("station_share", "station_share_under_4", "surface_sources", "groundwater_sources")
"""What of `[assessment]` stored judgements rest on; the rest is asked for when a rate is counted."""


def deciding(config: Config) -> dict[str, Any]:
    """What decides judgements besides the readings, as JSON holds it."""
    return {
        "rules": [__version__, standards.fingerprint()],
        "qc": config.qc,
        "sources": [source.id for source in config.sources],
        "chosen": [_plain(getattr(config.assessment, name)) for name in CHOSEN],
        "areas": {area.id: [area.air.value, *area.items] for area in config.areas},
        "sites": {site.id: [*_facts(site), *_windows(config, site), *preferred(config, site)] for site in config.sites},
    }


def _facts(site: Site) -> list[Any]:
    return [site.kind.value, site.area, int(site.body), site.counted, site.opened, site.closed]


def _windows(config: Config, site: Site) -> list[list[Any]]:
    """The maintenance of a site, as far as it decides what counts."""
    own = (one for one in config.maintenance if one.site in (site.id, site.area))
    return [[one.first, one.last, *sorted(one.items)] for one in own]


def preferred(config: Config, site: Site) -> list[list[list[str]]]:
    """The orders of sources that were chosen for a site."""
    own = [one for one in config.preferences if not one.sites or site.id in one.sites]
    return [[list(one.items), list(one.sources)] for one in own]


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def outdated(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Sites whose judgements rest on something that has changed, and areas; new sites have none yet."""
    # A source that has gone, or stands elsewhere in the config, lets other readings go first; a new one does not.
    order = [source for source in now["sources"] if source in before["sources"]]
    if any(before[key] != now[key] for key in ("rules", "qc", "chosen")) or order != before["sources"]:
        return set(now["sites"]), set()
    known, sites = before["sites"], now["sites"]
    changed = {site for site in known if known[site] != sites.get(site, AWAY)}
    areas = {area for area, air in now["areas"].items() if before["areas"].get(area, air) != air}
    areas |= {facts[1] for site in changed for facts in (known[site], sites.get(site, AWAY)) if facts != AWAY}
    found = {site for site, facts in sites.items() if site in changed or facts[1] in areas}
    return found, areas & set(now["areas"])


AWAY: list[Any] = []
"""What is remembered of a place that is not in the config: when it comes back, it is judged again."""


def remembered(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What decides now, and which places have been in the config before."""
    return {**now, **{kind: {**dict.fromkeys(before[kind], AWAY), **now[kind]} for kind in ("areas", "sites")}}


def mark_outdated(store: Store, config: Config) -> None:
    """Let the next round judge again what is outdated; the days of outdated areas go, and come again."""
    before, now = store.meta("judged_by"), deciding(config)
    if before is None:
        store.set_meta("judged_by", now)
        return
    before = {"sources": now["sources"], "chosen": now["chosen"], **before}  # an older version did not remember them
    if before == remembered(before, now):
        return
    sites, areas = outdated(before, now)
    numbers = store.site_numbers
    days = store.judge_again([numbers[one] for one in sites], [numbers[one] for one in areas])
    LOG.info("%s days of %s sites are judged again: what decides has changed", days, len(sites))
    store.set_meta("judged_by", remembered(before, now))
