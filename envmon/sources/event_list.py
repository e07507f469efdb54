"""Lists of exceptional events as a bureau keeps them: CSV or .xlsx, one row an event.

Columns: 类型 (kind), 区域或点位 (subject), 项目 (items), 起 (from), 止 (to), 认定单位 (decided_by), 文号 (document),
备注 (note). A date alone means the whole day. Never here: what an event does to a rate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from difflib import get_close_matches

from envmon import periods
from envmon.model import LEAVING, OF_AIR, EventKind, ExceptionalEvent, Medium, Parameter, Payload, Refused
from envmon.sources.cells import printed_time
from envmon.sources.context import item_names, plain
from envmon.sources.tables import Rows, headed
from envmon.texts import LANGUAGES, t

HEADS = {
    **dict.fromkeys(("类型", "事件类型", "情况", "kind"), "kind"),
    **dict.fromkeys(("区域或点位", "区域", "点位", "区域/点位", "subject", "site", "area"), "subject"),
    **dict.fromkeys(("项目", "污染物", "监测项目", "items", "item"), "items"),
    **dict.fromkeys(("起", "开始", "开始时间", "起始时间", "from", "first"), "first"),
    **dict.fromkeys(("止", "结束", "结束时间", "终止时间", "to", "last"), "last"),
    **dict.fromkeys(("认定单位", "认定机关", "decided_by", "decidedby"), "decided_by"),
    **dict.fromkeys(("文号", "文件", "文件号", "document"), "document"),
    **dict.fromkeys(("备注", "说明", "note"), "note"),
}
NEEDED = ("kind", "subject", "first", "last", "decided_by", "document")
WRITTEN = {
    **dict.fromkeys(("沙尘暴", "浮尘", "扬沙"), EventKind.DUST),
    **dict.fromkeys(("山火", "秸秆焚烧", "森林火灾"), EventKind.FIRE),
    **dict.fromkeys(("烟花", "燃放烟花爆竹"), EventKind.FIREWORKS),
    **dict.fromkeys(("背景值", "本底", "天然背景值"), EventKind.BACKGROUND),
    **dict.fromkeys(("干涸",), EventKind.DRY),
    **dict.fromkeys(("封冻", "结冰"), EventKind.FROZEN),
    **dict.fromkeys(("未采样", "未监测"), EventKind.UNSAMPLED),
    **dict.fromkeys(("未启用",), EventKind.UNUSED),
}
"""Words for a kind beside those of the texts."""

USUAL = {EventKind.DUST: ("pm10", "pm25"), EventKind.FIRE: ("pm10", "pm25"), EventKind.FIREWORKS: ("pm10", "pm25")}
"""Items of a kind when none are named."""

PARTING, COMMA = re.compile(r"[;；、|/\s]+"), re.compile("[,，]")  # a comma may be part of a name: 1,2-二氯苯
YEARS = range(1992, 2101)  # of events; beyond, a date is a slip or means "without end"


class Refusal(ValueError):
    """Why a row is not taken; its text."""


def read_events(
    payload: Payload,
    subjects: Mapping[str, str],
    media: Mapping[str, Medium],
    parameters: Sequence[Parameter],
    lang: str,
) -> tuple[list[ExceptionalEvent], list[Refused]]:
    """The events of a list, and the rows that were refused.

    subjects : id by every name an area or site goes by ("*" for all of them). media : of sites, by id.
    Raises SourceChanged when no row names the columns that are needed.
    """
    found, refused = headed(payload, lang, key_of, NEEDED, [column(key) for key in NEEDED], by_hand=True)
    places = {plain(name): identity for name, identity in subjects.items()}
    names = {medium: item_names(one for one in parameters if one.medium is medium) for medium in Medium}
    events: list[ExceptionalEvent] = []
    for sheet in found:
        table = Rows(payload, sheet, lang, refused)
        for line, cells, text in table:
            try:
                found_event = _event(text, places, names, payload)
                if media.get(found_event.subject, own := _medium(found_event.kind)) is not own:
                    raise Refusal("refused.event.medium", {"name": text["subject"], "kind": text["kind"]})
                events.append(found_event)
            except Refusal as error:
                code, values = error.args
                table.refuse(line, t(code, lang, **values), ",".join(cells))
    return events, refused


def key_of(head: str) -> str | None:
    """What a column of a list is."""
    return HEADS.get(plain(head))


def _event(
    text: Mapping[str, str],
    places: Mapping[str, str],
    names: Mapping[Medium, Mapping[str, Parameter]],
    payload: Payload,
) -> ExceptionalEvent:
    """One row. Raises Refusal with the key of a text and its values."""
    for key in NEEDED:
        if not text.get(key):
            raise Refusal("refused.event.empty", {"column": column(key)})
    kind = _kind(text["kind"])
    subject = places.get(plain(text["subject"]))
    if subject is None:
        close = get_close_matches(plain(text["subject"]), places, 1)
        if not close:
            raise Refusal("refused.event.no_subject", {"name": text["subject"]})
        raise Refusal("refused.event.subject", {"name": text["subject"], "close": close[0]})
    first, last = _minutes(text["first"], text["last"])
    if last <= first:
        raise Refusal("refused.event.order", {})
    items = _items(text, kind, names)
    said = (text["decided_by"], text["document"], text.get("note", ""))
    return ExceptionalEvent(0, kind, subject, items, first, last, *said, payload.origin, payload.taken)


def _kind(written: str) -> EventKind:
    known: dict[str, EventKind] = {plain(word): kind for word, kind in WRITTEN.items()}
    for kind in EventKind:
        known[kind.value] = kind
        known |= {plain(t(f"event_kind.{kind.value}", lang)): kind for lang in LANGUAGES}
    if plain(written) not in known:
        words = " ".join(t(f"event_kind.{kind.value}", LANGUAGES[0]) for kind in EventKind)
        raise Refusal("refused.event.kind", {"kind": written, "words": words})
    return known[plain(written)]


def _minutes(first: str, last: str) -> tuple[int, int]:
    """When an event begins and ends; a date alone is the beginning, or the end, of the day.

    A table program writes a date as its midnight when it is told to show the time as well: an event that would end with
    the very midnight it begins with is one whole day.
    """
    (begins, _), (ends, timed) = _moment(first), _moment(last)
    if not timed or (ends == begins and ends.time() == time()):
        ends += timedelta(days=1)
    return periods.minute(begins), periods.minute(ends)


def _moment(written: str) -> tuple[datetime, bool]:
    found = printed_time(written)
    if found is None:
        raise Refusal("refused.date", {"printed": written})
    if found[0].year not in YEARS:
        raise Refusal("refused.event.year", {"printed": written, "first": YEARS[0], "last": YEARS[-1]})
    return found


def _medium(kind: EventKind) -> Medium:
    return Medium.AIR if kind in OF_AIR else Medium.WATER


def column(key: str) -> str:
    """What a column is called in a list that people write."""
    return next(head for head, own in HEADS.items() if own == key)


def _items(
    text: Mapping[str, str], kind: EventKind, names: Mapping[Medium, Mapping[str, Parameter]]
) -> tuple[str, ...]:
    """The items an event spoils, by id; those usual for its kind when none is named."""
    if kind in LEAVING:
        return ()
    own = names[_medium(kind)]
    found = []
    for part in filter(None, PARTING.split(text.get("items", ""))):
        for word in [part] if plain(part) in own else filter(None, COMMA.split(part)):
            name = plain(word).replace("pm2.5", "pm25")
            if name not in own:
                known = any(name in one for one in names.values())
                told = {"name": word, "kind": text["kind"]} if known else {"name": word}
                raise Refusal("refused.event.item_of_kind" if known else "refused.unknown_item", told)
            found.append(own[name].id)
    if not found and kind not in USUAL:
        raise Refusal("refused.event.items", {})
    return tuple(dict.fromkeys(found)) or USUAL[kind]
