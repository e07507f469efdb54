"""The status board: stored results put together for one screen. Imports nothing heavy and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from envmon import periods, wording
from envmon.model import Incident, Kind, Outlook, RateName, RuleKind, SampleState
from envmon.rounding import plain, printed
from envmon.texts import joined, t, word

if TYPE_CHECKING:
    from envmon.model import Rate
    from envmon.store import Store

WEEK = 7 * periods.DAY
LISTED_APART = (RuleKind.SILENCE, RuleKind.SAMPLING)  # kinds whose incidents are told by a list of their own
RECENT = 30 * periods.DAY  # for how long corrections of published figures are told
ALIVE = 10  # minutes without a beat after which the daemon counts as dead


def board(
    store: Store,
    now: int,
    lang: str,
    outlooks: Sequence[Outlook] | None = None,
    late: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Everything `envmon status` shows, as plain data with stable English keys (docs/json.md).

    outlooks, late : where the targets stood and which samples were overdue, when an earlier time is looked back to;
    None: as stored.
    """
    recorded, newest = bool(store.meta("demo")), store.last_beat()
    at = newest if recorded and newest is not None else now
    beat = store.last_beat(at + ALIVE)
    open_ones = store.open_incidents()
    silent = [one for one in open_ones if one.kind is RuleKind.SILENCE]
    names = names_of(store, lang)
    if outlooks is not None:
        return looking_back(store, outlooks, late, open_ones, names, lang)
    sites = names.sites()
    heard = store.latest()
    return {
        "bureau": store.meta("bureau") or "",
        "as_of": periods.clock(at),
        "recorded": recorded,
        "targets": [target(one, names, lang) for one in store.outlooks()],
        "open_incidents": len(open_ones),
        "incidents": [incident(one, names, lang) for one in open_ones if one.kind not in LISTED_APART],
        "outstanding": [late_sample(one, names, lang) for one in store.meta("plan") or ()],
        "sites": len(sites),
        "unheard_sites": sum(store.site_numbers.get(site) not in heard for site in sites),
        "silent_sites": silent_sites(silent, names, lang),
        "refused_rows": store.reject_count(at - WEEK),
        "corrections": store.correction_count(at - RECENT, at),
        "daemon": {
            "alive": beat is not None and not recorded and at - beat <= ALIVE,
            "last_beat": None if beat is None else periods.clock(beat),
            "clock_ahead": periods.clock(newest) if newest is not None and newest > at + ALIVE else None,
        },
        "failing": [
            {"job": row["job"], "tries": row["tries"], "since": periods.clock(row["since"]), "error": row["error"]}
            for row in store.failing(at)
        ],
    }


def looking_back(
    store: Store,
    outlooks: Sequence[Outlook],
    late: Sequence[Mapping[str, Any]],
    open_ones: Sequence[Incident],
    names: Names,
    lang: str,
) -> dict[str, Any]:
    """The board as of an earlier minute: targets and incidents; how the service was then is not known."""
    silent = [one for one in open_ones if one.kind is RuleKind.SILENCE]
    return {
        "bureau": store.meta("bureau") or "",
        "as_of": periods.clock(store.as_of or 0),
        "recorded": False,
        "targets": [target(as_stored(one), names, lang) for one in outlooks],
        "open_incidents": len(open_ones),
        "incidents": [incident(one, names, lang) for one in open_ones if one.kind not in LISTED_APART],
        "outstanding": [late_sample(one, names, lang) for one in late],
        "sites": len(names.sites()),
        "unheard_sites": None,
        "silent_sites": silent_sites(silent, names, lang),
        "refused_rows": None,
        "corrections": store.correction_count((store.as_of or 0) - RECENT, store.as_of or 0),
        "daemon": None,
        "failing": [],
    }


def as_stored(one: Outlook) -> dict[str, Any]:
    """An outlook as plain data, as the store gives those that it keeps."""
    found: dict[str, Any] = asdict(one)
    return found


def silent_sites(silent: Sequence[Incident], names: Names, lang: str) -> list[dict[str, Any]]:
    return [{"id": one.subject, "name": names.of(one.subject, lang), "last": one.facts.get("last")} for one in silent]


def late_sample(found: Mapping[str, Any], names: Names, lang: str) -> dict[str, Any]:
    """A sample of the plan that is overdue or lacks items."""
    keys = ("site", "items", "period", "until", "state", "missing")
    partial = found["state"] == SampleState.PARTIAL
    return {
        **{key: found[key] for key in keys},
        "name": names.of(found["site"], lang),
        "items_name": t(f"item_set.{found['items']}", lang),
        "missing_text": wording.missing_items(found["missing"], names.items, lang) if partial else None,
    }


@dataclass(frozen=True, slots=True)
class Names:
    """Names as the store remembers them, of places and of items."""

    places: Mapping[str, Any]
    items: Mapping[str, str]

    def sites(self) -> list[str]:
        """Ids of the sites."""
        return [name for name, place in self.places.items() if place["kind"] not in (Kind.AREA, "target", "*")]

    def subject(self, one: Incident, lang: str) -> str:
        """What an incident is about: a place, or a job of the service."""
        return wording.job_name(one.subject, lang) if one.kind is RuleKind.SERVICE else self.of(one.subject, lang)

    def of(self, subject: str, lang: str) -> str:
        """The name of an area, site or target; "*" is the whole bureau."""
        name = str(self.places[subject]["name"]) if subject in self.places else subject
        return t("bureau.whole", lang) if name == "*" else name


def names_of(store: Store, lang: str) -> Names:
    return Names(store.meta("places") or {}, store.item_names(lang))


def target(found: dict[str, Any], names: Names, lang: str) -> dict[str, Any]:
    """One target: label, value, what is required, gap, allowed failures, prospect, and what it rests on."""
    aim, rate = found["target"], found["rate"]
    days = aim["days"]
    excluded = {one["reason"]: one["count"] for one in rate["excluded"]}
    parts = [t("board.excluded", lang, reason=t(f"reason.{r}", lang), count=n) for r, n in excluded.items()]
    return {
        "id": aim["id"],
        "rate": rate["name"],
        "label": t(f"rate_name.{rate['name']}", lang),
        "area": aim["area"],
        "subject_name": names.of(aim["area"], lang),
        "period": aim["period"]["name"],
        "until": periods.calendar(rate["period"]["last"]).isoformat(),
        "percent": number(rate["tenths"]),
        "numerator": rate["numerator"],
        "denominator": rate["denominator"],
        "counted": counted(rate["name"], rate["numerator"], rate["denominator"], lang),
        "excluded": excluded,
        "excluded_text": joined("comma", lang, parts),
        "editions": rate["editions"],
        "basis": rate["basis"],
        "without": without(rate["name"], rate.get("without"), lang),
        "required": None if days is not None else number(found["required"]),
        "required_days": days,
        "required_text": required_text(found["required"], days, lang),
        "gap": number(found["gap"]),
        "allowed": found["allowed"],
        "prospect": found["prospect"],
        "prospect_name": t(f"prospect.{found['prospect']}", lang),
    }


def counted(rate: str, numerator: int, denominator: int, lang: str) -> str:
    """Numerator over denominator of a rate as people read it; volumes, kept in steps of 10 t, in 10^4 t."""
    if rate != RateName.GOOD_SOURCES_VOLUME:
        return f"{numerator}/{denominator}"
    return f"{plain(numerator, 3)}/{amount(rate, denominator, lang)}"


def amount(rate: str, number: int, lang: str) -> str:
    """A numerator or denominator alone, a volume with its unit."""
    return t("rate.volume", lang, volume=plain(number, 3)) if rate == RateName.GOOD_SOURCES_VOLUME else str(number)


def counted_of(rate: Rate, lang: str) -> str:
    return counted(rate.name, rate.numerator, rate.denominator, lang)


def without(rate: str, found: Mapping[str, Any] | None, lang: str) -> dict[str, Any] | None:
    """The rate without exceptional events, as plain data; None when none touches it."""
    if found is None:
        return None
    kinds = joined("and", lang, [t(f"event_kind.{kind}", lang) for kind in found["kinds"]])
    percent = "–" if found["tenths"] is None else f"{printed(found['tenths'], 1)}%"
    counts = {"numerator": found["numerator"], "denominator": found["denominator"]}
    said = counted(rate, **counts, lang=lang)
    return {
        "percent": number(found["tenths"]),
        **counts,
        "changed": found["changed"],
        "kinds": list(found["kinds"]),
        "text": t("board.without", lang, kinds=kinds, percent=percent, counted=said),
    }


def number(tenths: int | None) -> float | None:
    """Tenths of a percent, or of a point, as a number with one decimal."""
    return None if tenths is None else float(printed(tenths, 1))


def required_text(tenths: int | None, days: int | None, lang: str) -> str | None:
    """What a target asks for, as people read it."""
    if days is not None:
        return t("board.days", lang, days=days)
    return None if tenths is None else f"{printed(tenths, 1)}%"


def incident(one: Incident, names: Names, lang: str) -> dict[str, Any]:
    """One incident: what, since when, how bad."""
    name = names.subject(one, lang)
    return {
        "id": one.id,
        "rule": one.rule,
        "subject": one.subject,
        "name": name,
        "state": one.state.value,
        "state_name": word(one.state, lang),
        "severity": one.severity.name.lower(),
        "severity_name": word(one.severity, lang),
        "since": periods.clock(one.opened),
        "last": periods.clock(one.last),
        "facts": dict(one.facts),
        "title": wording.describe(one, name, names.items, lang),
    }
