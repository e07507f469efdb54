"""What QC needs to know of sites, and its verdicts in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from envmon import qc, standards
from envmon.model import Config, IntArray, Kind, Mark, Parameter, Review, Site, Verdict
from envmon.texts import joined, t


@dataclass(frozen=True, slots=True)
class Checked:
    """A grid of readings with what every test, and people, say of it."""

    grid: qc.Grid
    flags: dict[str, IntArray]
    tell: Callable[[str, qc.Place], str]

    def verdicts(self, numbers: Sequence[int], times: slice) -> Iterator[Verdict]:
        """The verdicts worth keeping of the first columns and of some of the times. numbers : of those sites."""
        frame, skipped = self.grid.frame, times.start
        own = {test: found[:, times, : len(numbers)] for test, found in self.flags.items()}

        def tell(test: str, place: qc.Place) -> str:
            return self.tell(test, (place[0], place[1] + skipped, place[2]))

        items = [one.number for one in self.grid.parameters]
        return qc.verdicts(own, frame.ending(skipped - 1), frame.step, numbers, items, tell)


def checked(
    values: IntArray,
    marks: IntArray,
    parameters: Sequence[Parameter],
    config: Config,
    frame: qc.Frame,
    reviews: Sequence[Review],
) -> Checked:
    """Every test on an array of readings, and the reviews that stand."""
    grid = qc.Grid(values, marks, parameters, frame)
    flags = qc.check_grid(grid, config.qc)
    if reviews:
        flags[qc.REVIEW] = qc.reviewed(grid, reviews)
    return Checked(grid, flags, qc.teller(grid, qc.whole_settings(config.qc), reviews))


def frame_of(config: Config, sites: Sequence[Site], start: int, step: int, span: int) -> qc.Frame:
    """Where and when readings of some sites were taken; only stations have neighbours."""
    names = {one.id for one in sites} | {one.area for one in sites}
    return qc.Frame(
        start=start,
        step=step,
        span=span,
        sites=[one.id for one in sites],
        areas=[one.area for one in sites],
        peers=[one.area if one.kind is Kind.STATION else "" for one in sites],
        windows=[one for one in config.maintenance if one.site in names],
    )


# --- in words -----------------------------------------------------------------------------------------------------


def reason(verdict: Verdict, lang: str) -> str:
    """Why a reading is flagged, in numbers; "" where there is nothing to add to the name of the test."""
    facts = qc.facts_of(verdict.detail)
    if verdict.test == "duplicate" and verdict.detail:
        return t("qc.reason.duplicate", lang, origin=verdict.detail)
    if facts is None:
        return ""
    told = {name: item_name(fact, lang) if name.endswith("item") else fact for name, fact in facts.items()}
    return t(f"qc.reason.{_form(verdict.test, facts)}", lang, **told | _words(facts, lang))


def reason_of_run(run: Sequence[Verdict], lang: str) -> str | None:
    """Why readings that follow one another are flagged: the reason of all of them, or that of the first."""
    told = list(dict.fromkeys(reason(one, lang) for one in run))
    return t("qc.reason.first", lang, reason=told[0]) if len(told) > 1 else told[0] or None


def _form(test: str, facts: dict[str, Any]) -> str:
    """The key of a reason: some tests have two sides."""
    if "over" in facts:
        return f"{test}.{'over' if facts['over'] else 'under'}"
    if "up" in facts:
        return f"{test}.{'up' if facts['up'] else 'down'}"
    if "note" in facts:
        return f"{test}.noted" if facts["note"] else test
    return f"{test}.{facts['kind']}" if "kind" in facts else test


def _words(facts: dict[str, Any], lang: str) -> dict[str, str]:
    """What of the facts has words of its own."""
    found = {}
    if "mark" in facts:
        found["mark"] = t(f"mark.{Mark[facts['mark'].upper()].name.lower()}", lang)
    if "step" in facts:
        hourly = facts["step"] == 60
        found["length"] = t(f"qc.length.{'hours' if hourly else 'times'}", lang, count=facts["times"])
    if "told" in facts:
        found["told"] = joined("comma", lang, facts["told"])
    if "minutes" in facts:
        hours, rest = divmod(facts["minutes"], 60)
        key, count = ("minutes", facts["minutes"]) if rest else ("hours", hours)
        found["elapsed"] = t(f"qc.length.{key}", lang, count=count)
    return found


def item_name(item: str, lang: str) -> str:
    """An item as people know it: by its sign, else by its name."""
    if item in ITEMS_WITH_SIGNS:
        return t(f"qc.item.{item}", lang)
    known = standards.parameters()[item]
    return known.name if lang == "zh" else known.name_en


ITEMS_WITH_SIGNS = ("pm25", "pm10", "no2", "no", "nox", "nh3n", "tn")


ALWAYS = {"missing": "missing", **dict.fromkeys(qc.AT_ENTRY, "suspect")}
"""The flag of tests whose level cannot be chosen; what is below detection is information."""


def test_rows(config: Config) -> list[dict[str, Any]]:
    """Every test: what it looks at and by which settings."""
    lang, rows = config.language, []
    for test, own in qc.whole_settings(config.qc).items():
        rows.append(
            {
                "test": test,
                "name": t(f"qc.{test}", lang),
                "looks_at": t(f"qc.about.{test}", lang),
                "on": not own["off"],
                "level": own.get("level", ALWAYS.get(test)),
                "settings": {key: value for key, value in own.items() if key not in ("off", "level")},
                "changed": test in config.qc,
            }
        )
    return rows
