"""Reviewed air data (审核后): hourly values and daily means of stations or cities, as CSV or workbook, one row a time.

Columns: 站点/城市, 日期, for hourly values 小时 (or 时间 with date and hour), then items with their units in brackets.
What an hour is named by must be said: in the heading 小时(时段末) or 小时(时段始), in a column 时段, or in a title row;
else the sheet is refused, since an hour more or less is nobody's guess. 标记 marks a row: 维护, 校准, 故障, 无效.
Daily means have no hour column and go to the daily stream; their ozone is O3_8h. Never here: judging, reviewing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache

from envmon import periods
from envmon.errors import SourceChanged
from envmon.http import Session
from envmon.model import Basis, Mark, Medium, Parameter, Payload, Row, Site, SourceSpec, Span
from envmon.sources.cells import Unreadable, number, printed_time, shift_between
from envmon.sources.context import BRACKET, EARLY, Context, Parsed, item_names, monthly, plain
from envmon.sources.tables import IGNORED, Headed, Rows, bare_head, headed, in_bracket
from envmon.texts import t

HEADS = {
    **dict.fromkeys(
        ("站点/城市", "城市/站点", "站点", "城市", "站点名称", "城市名称", "点位", "点位名称", "名称"), "name"
    ),
    **dict.fromkeys(("监测点", "监测点位", "站点编号", "站点编码", "点位编号", "点位编码", "城市编号"), "name"),
    **dict.fromkeys(("site", "station", "city", "name", "code"), "name"),
    **dict.fromkeys(("日期", "监测日期", "date"), "date"),
    **dict.fromkeys(("时间", "监测时间", "数据时间", "time", "datetime"), "time"),
    **dict.fromkeys(("时", "小时", "时刻", "钟点", "hour"), "hour"),
    **dict.fromkeys(("时段", "时标", "小时时标", "interval"), "sense"),
    **dict.fromkeys(("标记", "数据标记", "标识", "数据标识", "mark", "flag"), "mark"),
}
SENSES = {
    **dict.fromkeys(("时段末", "末", "止", "结束", "end", "ending"), "end"),
    **dict.fromkeys(("时段始", "时段初", "始", "起", "开始", "start", "beginning"), "start"),
}
SAID = re.compile("时段末|时段始|时段初")
MARKS = {
    **dict.fromkeys(("", "n", "正常", "有效", "valid"), Mark.NONE),
    **dict.fromkeys(("m", "维护", "维护保养", "maintenance"), Mark.MAINTENANCE),
    **dict.fromkeys(("d", "b", "bb", "故障", "运行不良", "连接不良", "fault"), Mark.FAULT),
    **dict.fromkeys(("c", "cs", "cz", "ps", "pz", "as", "校准", "质控", "calibration"), Mark.CALIBRATION),
    **dict.fromkeys(("rm", "无效", "审核无效", "人工审核无效", "invalid"), Mark.INVALID),
}
SYNONYMS = {"pm2.5": "pm25", "pm2_5": "pm25", "aqi": "published_aqi"}
EIGHT_HOURS = frozenset(
    ["o3_8h", "o3-8h", "o38h", "o3_8h_24h", "臭氧8小时", "臭氧日最大8小时", "o3日最大8小时", "mda8"]
)
MOVING = re.compile(r"(.*_24h|o3_8h.*|o3-8h|o38h)\Z")
SKIPPED = frozenset(["省份", "区域", "首要污染物", "级别", "空气质量级别", "空气质量指数级别", "类别", "质量状况"])
FIRST_DAYS = (date(1900, 1, 1), date(1904, 1, 2))  # what a table program makes of 24:00
CLOCK = re.compile(r"(\d{1,2})(?:[:：]00(?:[:：]00)?|时|点)?\Z")


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The files `reviewed_2026-05.csv` of the months the window touches."""
    yield from monthly(session, spec, now, "reviewed")


def parse(payload: Payload, context: Context) -> Parsed:
    """Hourly and daily rows of the configured sites, on the reviewed streams unless the source is given another basis.

    Raises SourceChanged when no sheet names a site, a date and an item, or hours stand there and nobody says which.
    """
    names = air_names(context.parameters)
    found, refused = headed(payload, context.lang, lambda head: key_of(head, names), ("name", "item"), SHOWN)
    rows: list[Row] = []
    unknown: Counter[str] = Counter()
    for sheet in found:
        rows += _Reader(payload, context, Rows(payload, sheet, context.lang, refused), names, unknown).read()
    return Parsed(rows, refused, unknown)


SHOWN = ("站点/城市", "日期", "PM2.5")


def key_of(head: str, names: Mapping[str, Parameter]) -> str | None:
    """What a column is; "item" for one of values."""
    own = bare_head(head)
    return HEADS.get(own) or ("item" if own in names or own in EIGHT_HOURS else None)


@cache
def _named(parameters: tuple[Parameter, ...]) -> Mapping[str, Parameter]:
    by_id = {one.id: one for one in parameters}
    names = item_names(one for one in parameters if one.medium is Medium.AIR)
    for one in parameters:  # a bracket tells items of air from those of water with the same name
        if one.medium is Medium.AIR and (bare := BRACKET.sub("", one.name)) != one.name:
            names.pop(plain(bare), None)
    return names | {name: by_id[item] for name, item in SYNONYMS.items() if item in by_id}


def air_names(parameters: Mapping[str, Parameter]) -> Mapping[str, Parameter]:
    """Every name people write for items of air, as `plain` forms."""
    return _named(tuple(parameters.values()))


class _Reader:
    """One sheet being read."""

    def __init__(
        self, payload: Payload, context: Context, table: Rows, names: Mapping[str, Parameter], unknown: Counter[str]
    ) -> None:
        sheet = table.sheet
        self.context, self.lang, self.table, self.unknown = context, context.lang, table, unknown
        self.names, self.at = names, sheet.at
        self.origin, self.latest = payload.origin, payload.taken + EARLY
        timed = "time" in self.at and "date" not in self.at and self._has_clock(sheet)
        self.hourly = "hour" in self.at or timed or {"date", "time"} <= self.at.keys()
        basis = context.spec.basis if context.spec and context.spec.basis is not Basis.REALTIME else Basis.REVIEWED
        self.stream = context.stream(Span.HOUR if self.hourly else Span.DAY, basis)
        self.sense = self._said(sheet) if self.hourly else ""

    def _has_clock(self, sheet: Headed) -> bool:
        at = self.at["time"]
        return any((found := printed_time(cells[at])) and found[1] for _, cells in sheet.rows if at < len(cells))

    def _said(self, sheet: Headed) -> str:
        """What the sheet says of all its hours: `end`, `start`, or "" where every row says it."""
        hours = [sheet.heads[self.at[key]] for key in ("hour", "time") if key in self.at]
        for head in hours:
            if said := SENSES.get(plain(in_bracket(head))):
                return said
        if "sense" in self.at:
            return ""
        told = {SENSES[word] for word in SAID.findall(sheet.title)}
        if len(told) != 1:
            raise SourceChanged("error.reviewed.hours", origin=self.origin, sheet=sheet.name or "1")
        return told.pop()

    def read(self) -> Iterator[Row]:
        columns = list(self._columns())
        for line, cells, text in self.table:
            site = self.context.site(text["name"])
            if site is None:
                self.unknown[text["name"]] += 1
                continue
            whole = ",".join(cells)
            try:
                ending, mark = self._ending(text), self._mark(text.get("mark", ""))
            except _Wrong as wrong:
                self.table.refuse(line, wrong, whole, wrong.key)
                continue
            if ending > self.latest:
                told = t("refused.future", self.lang, at=periods.clock(ending))
                self.table.refuse(line, told, whole, "time" if "date" not in self.at else "date")
                continue
            yield from self._values(line, cells, columns, (ending, site), mark)

    def _values(
        self,
        line: int,
        cells: Sequence[str],
        columns: Sequence[tuple[int, Parameter, int]],
        place: tuple[int, int],
        mark: Mark,
    ) -> Iterator[Row]:
        for at, parameter, shift in columns:
            printed = cells[at] if at < len(cells) else ""
            try:
                value = number(printed, parameter, shift)
            except Unreadable as error:
                item = self.context.item(parameter)
                told = t("refused.item", self.lang, item=item, reason=error.said(self.lang))
                self.table.refuse(line, told, printed, at)
                continue
            if value is not None:
                yield (*place, parameter.number, self.stream, value, int(mark))

    def _columns(self) -> Iterator[tuple[int, Parameter, int]]:
        """(place, item, shift of its unit) of every column of values."""
        for at, head in enumerate(self.table.sheet.heads):
            own, printed = bare_head(head), in_bracket(head)
            eight = own in EIGHT_HOURS
            if not own or own in HEADS or own in IGNORED | SKIPPED or (self.hourly and MOVING.match(own)):
                continue
            parameter = self.context.parameters["o3"] if eight else self.names.get(own.removesuffix("_24h"))
            if parameter is None:
                self.table.unknown_column(at, t("refused.unknown_item", self.lang, name=head))
            elif parameter.id == "o3" and not eight and not self.hourly:
                self.table.unknown_column(at, t("refused.reviewed.ozone", self.lang))
            else:
                try:
                    yield at, parameter, shift_between(printed, parameter.unit)
                except Unreadable as error:
                    item = self.context.item(parameter)
                    told = t("refused.item", self.lang, item=item, reason=error.said(self.lang))
                    self.table.unknown_column(at, told)

    def _ending(self, text: Mapping[str, str]) -> int:
        key = "date" if "date" in self.at else "time"
        found = printed_time(text.get(key, ""))
        if found is None:
            raise _Wrong(key, "refused.date", printed=text.get(key, ""))
        at, timed = found
        day = periods.number(at.date())
        if not self.hourly:
            return periods.hour_ending(day, 24)
        clock = "hour" if "hour" in self.at else "time"
        hour = _hour(text[clock], day) if clock != key else at.hour if timed and at.minute == 0 else None
        sense = self.sense or SENSES.get(plain(text.get("sense", "")), "")
        if not sense:
            raise _Wrong("sense", "refused.reviewed.sense", printed=text.get("sense", ""))
        if hour is None or hour > 24 or (sense == "start" and hour == 24):
            raise _Wrong(clock, "refused.reviewed.hour", printed=text[clock])
        return periods.hour_ending(day, hour + (sense == "start"))

    def _mark(self, printed: str) -> Mark:
        found = MARKS.get(plain(printed))
        if found is None:
            raise _Wrong("mark", "refused.reviewed.mark", printed=printed)
        return found


class _Wrong(Unreadable):
    """A cell of a row that keeps the row out; `key`: of its column."""

    def __init__(self, key: str, message: str, **values: object) -> None:
        super().__init__(message, **values)
        self.key = key


def _hour(printed: str, day: int) -> int | None:
    """The number of an hour of a day as people write it; None when it is none.

    A table program may give the whole date, of the midnight that ends the day the next one; `24:00` typed into a cell
    is the first day of its calendar.

    >>> _hour("1", 0), _hour("01:00", 0), _hour("24时", 0), _hour("1:30", 0), _hour("1900-01-01 00:00", 0)
    (1, 1, 24, None, 24)
    """
    if found := CLOCK.match(printed.strip()):
        return int(found[1])
    whole = printed_time(printed)
    if not whole or not whole[1] or whole[0].minute:
        return None
    days = 1 if whole[0].date() in FIRST_DAYS else periods.number(whole[0].date()) - day
    hour = 24 * days + whole[0].hour
    return hour if 0 <= hour <= 24 else None
