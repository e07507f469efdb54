"""Manual review: what people decide about readings, entered and undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from envmon import periods, standards
from envmon.errors import UsageError
from envmon.model import Config, Parameter, Review, Site
from envmon.store import Store
from envmon.texts import t, word

ALL = "all"


def decide(store: Store, asked: Review) -> tuple[Review, int]:
    """Enter a review; returns it and how many judged days are to be judged again. Raises UsageError for what says
    nothing."""
    if not asked.reason.strip():
        raise UsageError("error.review.empty", option="--reason")
    if not asked.by.strip():
        raise UsageError("error.review.empty", option="--by")
    return store.enter_review(replace(asked, reason=asked.reason.strip(), by=asked.by.strip()))


def undo(store: Store, number: int, reason: str, by: str, now: int) -> tuple[Review, int]:
    """Undo an entry that is in force by another one. Raises UsageError when there is none."""
    wrong = next((one for one in store.reviews_in_force() if one.number == number), None)
    if wrong is None:
        raise UsageError("error.review.unknown", number=number)
    return decide(store, replace(wrong, number=0, reason=reason, by=by, learned=now, undoes=number))


def unusable(store: Store, config: Config, asked: Review) -> tuple[int, int]:
    """Of the readings a review is about: how many there are, and how many lie below zero and may not."""
    site = next(one for one in config.sites if one.id == asked.site)
    known = standards.parameter_numbers()
    rows = [
        (known[row[2]], row[3])
        for row in store.water_readings([store.site_numbers[site.id]], asked.first, asked.last)
        if asked.item in ("", known[row[2]].id)
    ]
    return len(rows), sum(value < 0 and not (one.low is not None and one.low < 0) for one, value in rows)


# --- what is meant --------------------------------------------------------------------------------------------------


def site_of(config: Config, name: str) -> Site:
    """A site by its id, code, name or alias. Raises UsageError for one that is not there, or for a name of two."""
    found = [one for one in config.sites if name == one.id]
    found = found or [one for one in config.sites if name in (one.code, one.name, *one.aliases)]
    if len(found) == 1:
        return found[0]
    words = [word for one in config.sites for word in (one.id, one.name)]
    names, lang = [one.id for one in found] or get_close_matches(name, words, 3), config.language
    hint = t("cli.did_you_mean", lang, word=" / ".join(names)) if names else t("cli.see_sites", lang)
    raise UsageError("error.review.site", site=name, hint=hint)


def item_of(config: Config, site: Site, name: str) -> str:
    """An item of a site's medium by its id or name; "" for all. Raises UsageError for another."""
    if name == ALL or name == t("cli.review.all", config.language):
        return ""
    own: Iterable[Parameter] = (one for one in standards.parameters().values() if one.medium is site.kind.medium)
    plain = name.strip().lower().replace(".", "").replace("-", "")
    for one in own:
        if name in (one.id, one.name, one.name_en) or plain in (one.id, one.name.lower()):
            return one.id
    raise UsageError("error.review.item", item=name, site=site.name)


def span_of(first: str, last: str) -> tuple[int, int]:
    """Readings from one time to another, as first < ending <= last.

    A date is the whole day; a time means the reading whose interval ends then, included.

    >>> first, last = span_of("2026-05-01", "2026-05-01")
    >>> last - first, span_of("2026-05-01 08:00", "2026-05-01T08:00") == (first + 479, first + 480)
    (1440, True)
    """
    (begins, whole), (ends, to_the_end) = _moment(first), _moment(last)
    begins, ends = begins - (not whole), ends + periods.DAY * to_the_end
    if ends <= begins:
        raise UsageError("error.review.order", first=first, last=last)
    return begins, ends


def _moment(text: str) -> tuple[int, bool]:
    """A minute in Beijing time, and whether only a date was written."""
    plain = text.strip().replace("T", " ")
    midnight = plain.endswith(" 24:00")  # as the last hour of a day is printed
    try:
        found = periods.minute(datetime.fromisoformat(plain.removesuffix(" 24:00")))
    except (ValueError, OverflowError) as error:
        raise UsageError("error.review.moment", text=text) from error
    if not periods.FIRST_DAY <= periods.today(found) <= periods.LAST_ASKED:
        raise UsageError("error.review.moment", text=text)
    return found + periods.DAY * midnight, ":" not in plain


# --- in words -------------------------------------------------------------------------------------------------------


def row_of(one: Review, config: Config) -> dict[str, Any]:
    """An entry as a plain row."""
    lang, names = config.language, {site.id: site.name for site in config.sites}
    item = standards.parameters().get(one.item)
    item_name = t("cli.review.all", lang) if item is None else item.name if lang == "zh" else item.name_en
    return {
        "number": one.number,
        "site": one.site,
        "site_name": names.get(one.site, one.site),
        "item": one.item or ALL,
        "item_name": item_name,
        "from": periods.clock(one.first),
        "to": periods.clock(one.last),
        "flag": one.flag.name.lower(),
        "flag_name": word(one.flag, lang),
        "reason": one.reason,
        "by": one.by,
        "learned": periods.clock(one.learned),
        "undoes": one.undoes,
    }


def span_text(one: Review) -> str:
    """The readings an entry is about: whole days as a period, else the first and the last minute they may end at."""
    first, last = periods.day_of(one.first + 1), periods.day_of(one.last)
    if (one.first, one.last) == (periods.hour_ending(first, 0), periods.hour_ending(last, 24)):
        return periods.between(first, last).name.replace("..", " – ")
    if one.first + 1 == one.last:
        return periods.clock(one.last)
    return clocks(periods.clock(one.first + 1), periods.clock(one.last))


def clocks(first: str, last: str) -> str:
    """From when to when; the date is not said twice.

    >>> clocks("2022-02-08 08:00", "2022-02-08 10:00")
    '2022-02-08 08:00 – 10:00'
    """
    if first == last:
        return first
    return f"{first} – {last[11:] if last[:10] == first[:10] else last}"
