"""Sheets with named columns, one row a record: where the header stands, what each column is, the rows below it.

Never here: what a column means; laboratory sheets and snapshots have readers of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from envmon.model import Payload, Refused
from envmon.sources.cells import Unreadable
from envmon.sources.context import BRACKET, plain
from envmon.sources.files import Sheet, all_sheets, find_header, no_header
from envmon.sources.lab_forms import holds_values
from envmon.texts import t

IGNORED = frozenset(
    ["序号", "编号", "备注", "说明", "退回原因", "填报单位", "填报人", "审核人", "no", "note", "remark", "reason"]
)
"""Columns nobody reads; `plain` forms."""


@dataclass(frozen=True, slots=True)
class Headed:
    """One sheet: `title` is what stands above the header, `at` the place of each known column, from 0."""

    name: str
    title: str
    line: int
    heads: Sequence[str]
    at: Mapping[str, int]
    rows: Sequence[tuple[int, list[str]]]


def headed(
    payload: Payload,
    lang: str,
    key_of: Callable[[str], str | None],
    wanted: Collection[str],
    shown: Sequence[str],
    by_hand: bool = False,
) -> tuple[list[Headed], list[Refused]]:
    """The sheets whose header has all `wanted` columns, and what is refused already: cut lines, sheets with values but
    without it, hidden ones with it.

    shown : the wanted columns as a file should name them; by_hand : people type such a file, whose last line may lack
        its end without having been cut.
    Raises SourceChanged when no sheet has them.
    """
    found, refused = [], list[Refused]()
    tables = all_sheets(payload, lang)
    columns = "、".join(shown)
    for table in tables:
        refused += table.refused
        header = find_header(table, key_of, wanted)
        if header is None or table.hidden:
            if header or (not table.hidden and holds_values(table)):
                reason = t("refused.sheet.hidden" if header else "refused.no_header", lang, columns=columns)
                refused.append(Refused(payload.origin, 0, reason, "", table.name))
            continue
        start, keys = header
        data = list(table.rows[start + 1 :])
        if not table.ended and data and not by_hand:
            line, cells = data.pop()
            refused.append(Refused(payload.origin, line, t("refused.cut", lang), ",".join(cells)[:200], table.name))
        at = {key: place for place, key in reversed(list(enumerate(keys))) if key}  # the first column of a name counts
        title = " ".join(cell for _, cells in table.rows[:start] for cell in cells if cell)
        line, heads = table.rows[start]
        found.append(Headed(table.name, title, line, heads, at, data))
    if not found:
        raise no_header(payload, next((table for table in tables if not table.hidden), Sheet([])), *shown)
    return found, refused


@dataclass(slots=True)
class Rows:
    """The rows of one sheet being read; what is refused, with its cell."""

    payload: Payload
    sheet: Headed
    lang: str
    refused: list[Refused] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[int, list[str], dict[str, str]]]:
        """(line, cells, text by key) of every row that holds anything; a cell a row does not have is empty."""
        for line, cells in self.sheet.rows:
            text = {key: cells[at].strip() if at < len(cells) else "" for key, at in self.sheet.at.items()}
            if any(text.values()):
                yield line, cells, text

    def refuse(self, line: int, why: Unreadable | str, text: str, place: int | str = -1) -> None:
        """Refuse a row, or the cell of it at a place or under a key."""
        at = self.sheet.at.get(place, -1) if isinstance(place, str) else place
        reason = why if isinstance(why, str) else why.said(self.lang)
        self.refused.append(Refused(self.payload.origin, line, reason, text[:200], self.sheet.name, at + 1))

    def unknown_column(self, at: int, reason: str) -> None:
        """Refuse a whole column, saying how many values it holds; one without any says nothing."""
        if count := sum(1 for _, cells in self.sheet.rows if at < len(cells) and cells[at].strip()):
            told = t("refused.column", self.lang, reason=reason, count=count)
            self.refuse(self.sheet.line, told, self.sheet.heads[at], at)


def bare_head(head: str) -> str:
    """A heading without its bracket (a unit, a convention), as names are compared.

    >>> bare_head("取水量（万m³）")
    '取水量'
    """
    return plain(BRACKET.sub("", head.strip()))


def in_bracket(head: str) -> str:
    """What stands in a heading's bracket; else nothing.

    >>> in_bracket("小时（时段末）"), in_bracket("日期")
    ('时段末', '')
    """
    found = BRACKET.search(head.strip())
    return found[1].strip() if found else ""
