"""Monthly intakes of drinking-water sources (取水量), as CSV or workbook: 水源地名称, 月份, 取水量 with three decimals.

The unit stands in the heading: 万m³, 万吨 or m³, 吨; without one it is 10^4 t. 0 and 未取水 say that the source was not
used. An empty cell says nothing. Never here: what an intake does to a rate.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from envmon import periods, rounding
from envmon.errors import UsageError
from envmon.http import Session
from envmon.model import Intake, Payload, Site, SourceSpec
from envmon.sources.cells import MISSING, Unreadable, snippet
from envmon.sources.context import Context, Parsed, monthly, plain
from envmon.sources.tables import IGNORED, Headed, Rows, bare_head, headed, in_bracket
from envmon.texts import t

HEADS = {
    **dict.fromkeys(("水源地名称", "水源名称", "水源地", "水源", "名称", "source", "site", "name"), "name"),
    **dict.fromkeys(("月份", "年月", "取水月份", "month"), "month"),
    **dict.fromkeys(("取水量", "月取水量", "取水水量", "intake", "volume"), "volume"),
}
SHOWN = ("水源地名称", "月份", "取水量")
UNITS = {"": 3, "万m3": 3, "万吨": 3, "万t": 3, "万立方米": 3, "m3": -1, "吨": -1, "t": -1, "立方米": -1}
"""Decimals of a printed volume in steps of 10 t, by unit: 10^4 t with three, t by tens."""
NOT_USED = frozenset(["未取水", "未启用", "停用"])
LARGEST = 10**9
MONTH = re.compile(r"(20\d\d)(?!\.1\Z)[-/.年](\d{1,2})(?:月|[-/.月]0?1日?(?: 00:00)?)?\Z|(20\d\d)(\d\d)\Z")


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The files `intake_2026-05.csv` of the months the window touches."""
    yield from monthly(session, spec, now, "intake")


def key_of(head: str) -> str | None:
    """What a column is."""
    return HEADS.get(bare_head(head))


def parse(payload: Payload, context: Context) -> Parsed:
    """The intakes of the configured sources.

    Raises SourceChanged when no sheet has the three columns.
    """
    found, refused = headed(payload, context.lang, key_of, ("name", "month", "volume"), SHOWN)
    intakes: list[Intake] = []
    unknown: Counter[str] = Counter()
    for sheet in found:
        table = Rows(payload, sheet, context.lang, refused)
        _other_columns(table)
        intakes += _read(table, context, unknown)
    return Parsed([], refused, unknown, intakes)


def _other_columns(table: Rows) -> None:
    for at, head in enumerate(table.sheet.heads):
        if head.strip() and key_of(head) is None and bare_head(head) not in IGNORED:
            table.unknown_column(at, t("refused.intake.column", table.lang, name=head))


def _read(table: Rows, context: Context, unknown: Counter[str]) -> Iterator[Intake]:
    unit = _unit(table.sheet)
    for line, cells, text in table:
        if text["volume"].upper() in MISSING:
            continue
        site = context.site(text["name"])
        if site is None:
            unknown[text["name"]] += 1
            continue
        month = _month(text["month"])
        whole = ",".join(cells)
        if month is None:
            table.refuse(line, t("refused.intake.month", table.lang, printed=text["month"]), whole, "month")
        elif month.first > periods.today(table.payload.taken):
            table.refuse(line, t("refused.intake.later", table.lang, printed=text["month"]), whole, "month")
        elif unit is None:
            head = table.sheet.heads[table.sheet.at["volume"]]
            table.refuse(line, t("refused.intake.unit", table.lang, head=head), whole, "volume")
        else:
            try:
                yield Intake(site, month.first, _volume(text["volume"], unit))
            except Unreadable as error:
                table.refuse(line, error, text["volume"], "volume")


def _unit(sheet: Headed) -> int | None:
    printed = plain(in_bracket(sheet.heads[sheet.at["volume"]])).partition("/")[0]
    return UNITS.get(printed)


def _volume(printed: str, decimals: int) -> int:
    """A printed volume in steps of 10 t. Raises Unreadable for what is none, or finer than the steps."""
    if printed in NOT_USED:
        return 0
    try:
        value = rounding.scaled(printed.replace(",", ""), decimals)
        exact = rounding.scaled(printed.replace(",", ""), decimals + 6) == value * 10**6
    except ValueError:
        raise Unreadable("refused.cell.number", text=snippet(printed)) from None
    if value < 0 or value > LARGEST:
        raise Unreadable("refused.intake.range", text=snippet(printed))
    if not exact:
        raise Unreadable("refused.intake.decimals", text=snippet(printed))
    return value


def _month(printed: str) -> periods.Period | None:
    """The month people write; a table program makes the first of it out of `2026年5月`, and 2026.1 out of 2026.10.

    >>> _month("2026年5月") == _month("2026-05") == _month("202605") == _month("2026-05-01")
    True
    >>> _month("2026.1")
    """
    found = MONTH.match(printed.strip())
    if not found:
        return None
    year, count = (int(part) for part in found.groups() if part is not None)
    try:
        return periods.month(year, count)
    except (ValueError, UsageError):
        return None
