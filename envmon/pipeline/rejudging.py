"""Judge again what rests on something that has changed: a standard, the program, QC settings, what a site is.

Judgements are stored; readings that change mark their own days. Here are the other reasons, noticed by comparing what
decided the judgements with what decides them now.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from envmon import __version__, standards
from envmon.model import Config
from envmon.store import Store

LOG = logging.getLogger("envmon.judge")


def deciding(config: Config) -> dict[str, Any]:
    """What decides judgements besides the readings, as JSON holds it."""
    return {
        "rules": [__version__, standards.fingerprint()],
        "qc": config.qc,
        "areas": {area.id: area.air.value for area in config.areas},
        "sites": {site.id: [site.kind.value, site.area, int(site.body), site.counted] for site in config.sites},
    }


def outdated(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Sites whose judgements rest on something that has changed, and areas; new sites have none yet."""
    if before["rules"] != now["rules"] or before["qc"] != now["qc"]:
        return set(now["sites"]), set()
    changed = {site for site, facts in before["sites"].items() if now["sites"].get(site) != facts}
    areas = {area for area, air in before["areas"].items() if now["areas"].get(area) != air}
    for sites in (before["sites"], now["sites"]):
        areas |= {sites[site][1] for site in changed if site in sites}
    sites = {site for site, facts in now["sites"].items() if site in changed or facts[1] in areas}
    return sites, areas & set(now["areas"])


def mark_outdated(store: Store, config: Config) -> None:
    """Let the next round judge again what is outdated; the days of outdated areas go, and come again."""
    before, now = store.meta("judged_by"), deciding(config)
    if before == now:
        return
    if before is not None:
        sites, areas = outdated(before, now)
        numbers = store.site_numbers
        days = store.judge_again([numbers[one] for one in sites], [numbers[one] for one in areas])
        LOG.info("%s days of %s sites are judged again: what decides has changed", days, len(sites))
    store.set_meta("judged_by", now)
