"""The list of what QC said of readings, with reasons: verdicts as stored, those that follow one another in one row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from envmon import periods, qc, standards
from envmon.model import Config, Flag, Mark, Site, Verdict
from envmon.periods import Period
from envmon.pipeline.explaining import Values, bounds, run_row, unbroken, values_over
from envmon.rounding import plain
from envmon.store import Store
from envmon.texts import t, word

INFORMATION = "below_detection"
AT_ONCE = 50  # sites whose readings are in memory together


def listed(
    store: Store, config: Config, sites: Sequence[Site], period: Period, test: str | None, flag: Flag | None
) -> list[dict[str, Any]]:
    """One row a run of verdicts, site by site in the order of their times; of one test or flag only when asked."""
    own: dict[int, list[Verdict]] = defaultdict(list)
    for one in store.flags_over(*bounds(period)):
        if test in (None, one.test) and flag in (None, one.flag):
            own[one.site].append(one)
    rows = []
    concerned = [site for site in sites if test == INFORMATION or own[store.site_numbers[site.id]]]
    for part in (concerned[start : start + AT_ONCE] for start in range(0, len(concerned), AT_ONCE)):
        read = values_over(store, part, period, None)
        for site in part:
            number = store.site_numbers[site.id]
            values = read[number]
            found = censored(number, values) if test == INFORMATION else own[number]
            rows += [
                as_row(run_row(store, site, run, values, config.language), site, run, config.language)
                for run in unbroken(found, values)
            ]
    return rows


def censored(number: int, values: Values) -> list[Verdict]:
    """Values below their detection limit, which no test finds fault with."""
    items = standards.parameter_numbers()
    below = sorted((ending, item, value) for (item, ending), (value, mark) in values.items() if mark == Mark.CENSORED)
    found = []
    for ending, item, limit in below:
        detail = qc.packed({"value": plain(limit, items[item].decimals)})
        found.append(Verdict(ending, number, item, INFORMATION, Flag.NOT_EVALUATED, detail))
    return found


def as_row(said: dict[str, Any], site: Site, run: Sequence[Verdict], lang: str) -> dict[str, Any]:
    one = run[0]
    return {
        "site": site.id,
        "site_name": site.name,
        "from": periods.clock(one.ending),
        "to": periods.clock(run[-1].ending),
        "count": len(run),
        "item": said["item"],
        "item_name": said["item_name"],
        "reading": said["reading"],
        "test": one.test,
        "test_name": t(f"qc.{one.test}", lang),
        "flag": one.flag.name.lower(),
        "flag_name": word(one.flag, lang),
        "reason": said["reason"],
    }
