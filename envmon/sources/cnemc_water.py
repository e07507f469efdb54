"""National surface-water platform: 4-hourly sections, as its JSON and as its saved tables (CSV, .xlsx).

Cells may be HTML whose title holds the unrounded value; times may lack the year, which is then taken from the time of
collection; the platform revises values, and a section that stopped reporting keeps its old time for weeks.
Never here: judging; the platform's class enters as `published_class`.
"""

from __future__ import annotations

import html
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeGuard
from urllib.parse import urljoin

from envmon import periods, texts
from envmon.errors import SourceChanged, SourceUnavailable
from envmon.http import Session, joined
from envmon.model import Kind, Mark, Parameter, Payload, Refused, Row, Site, SourceSpec, Span, WaterClass
from envmon.sources.cells import MISSING, Unreadable, bare, number, original, shift_between
from envmon.sources.context import EARLY, Context, Parsed, Place, plain
from envmon.sources.files import Sheet, find_header, no_header, sheet, strict_json

PAGE = "Ajax/Publish.ashx"
PAGE_SIZE = 2000
PAGES_CAP = 50

COLUMNS = {
    "省份": "province",
    "断面名称": "name",
    "监测时间": "time",
    "时间": "time",
    "水质类别": "published_class",
    "水温": "water_temp",
    "ph": "ph",
    "ph值": "ph",
    "溶解氧": "do",
    "电导率": "conductivity",
    "浊度": "turbidity",
    "高锰酸盐指数": "codmn",
    "高锰酸钾指数": "codmn",
    "氨氮": "nh3n",
    "总磷": "tp",
    "总氮": "tn",
    "叶绿素α": "chla",
    "叶绿素a": "chla",
    "叶绿素": "chla",
    "藻密度": "algae_density",
    "站点情况": "state",
    "站点信息": "state",
    "抓取时间": "captured",
}
ITEMS = frozenset(COLUMNS.values()) - {"province", "name", "time", "state", "captured"}
UNITS = {"chla": "mg/L"}
"""Where a table names no unit: the platform's, where that is not the parameter's own."""

STATES = {
    "": Mark.NONE,
    "正常": Mark.NONE,
    "维护": Mark.MAINTENANCE,
    "停运": Mark.MAINTENANCE,
    "不具备运行条件": Mark.UNFIT,
    "故障": Mark.FAULT,
    "异常": Mark.FAULT,
    "离线": Mark.FAULT,
    "校准": Mark.CALIBRATION,
    "质控": Mark.CALIBRATION,
}
CLASSES = {
    **{name: WaterClass(rank) for rank, name in enumerate(("I", "II", "III", "IV", "V", "劣V"), 1)},
    **{str(rank): WaterClass(rank) for rank in range(1, 7)},
}
NOT_MONITORED = "7"
PROVINCES = {
    "11": "北京", "12": "天津", "13": "河北", "14": "山西", "15": "内蒙古", "21": "辽宁", "22": "吉林",
    "23": "黑龙江", "31": "上海", "32": "江苏", "33": "浙江", "34": "安徽", "35": "福建", "36": "江西",
    "37": "山东", "41": "河南", "42": "湖北", "43": "湖南", "44": "广东", "45": "广西", "46": "海南",
    "50": "重庆", "51": "四川", "52": "贵州", "53": "云南", "54": "西藏", "61": "陕西", "62": "甘肃",
    "63": "青海", "64": "宁夏", "65": "新疆",
}  # fmt: skip
FAILED = (None, False, "", "0", "false", "False")
MAIN_PAGE = "../Business/Publish/Main.html"
UNREADABLE = -(2**62)
BRACKET = re.compile(r"[(（]\s*([^)）]*)\s*[)）]")
TIME = re.compile(r"(?:(\d{4})[-/])?(\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d{2})(?::\d{2})?\Z")
TOLD = re.compile(r"(所在地市|所属河流)[：:]\s*([^\s'\"<>&]+)")
"""What the title of a section's name tells besides."""
NEAR = 2 * periods.DAY
"""A time without a year that lies so little ahead is of a clock gone wrong, not of the year before: it is refused."""


def fetch(session: Session, spec: SourceSpec, now: int, sites: Sequence[Site]) -> Iterator[Payload]:
    """The latest reading of every section; option `area` (six digits) asks for one region only, `river` for one basin.

    The address may be the platform's own or the older one, with or without `Ajax/Publish.ashx`.

    Raises SourceUnavailable when the platform answers `-1` even after its pages were opened, says it failed, or
    has not one section: the last good values stay, asking again later helps.
    """
    page = spec.url if spec.url.endswith(".ashx") else joined(spec.url, PAGE)
    body, pages = _ask(session, page, spec, 1)
    yield Payload(page, body, now)
    for index in range(2, min(pages, PAGES_CAP) + 1):
        yield Payload(f"{page}?PageIndex={index}", _ask(session, page, spec, index)[0], now)


def _ask(session: Session, page: str, spec: SourceSpec, index: int) -> tuple[bytes, int]:
    """One page of readings, and how many pages there are."""
    form = {
        "AreaID": str(spec.options.get("area", "")),
        "RiverID": str(spec.options.get("river", "")),
        "MNName": "",
        "PageIndex": str(index),
        "PageSize": str(PAGE_SIZE),
        "action": "getRealDatas",
    }
    body = session.post(page, form=form)
    if _cold(body):
        for open_page in (
            partial(session.get, urljoin(page, MAIN_PAGE)),
            partial(session.post, page, form={"action": "getArea_RiverDic"}),
        ):
            with suppress(SourceUnavailable):  # only the answer to the question itself counts
                open_page()
        body = session.post(page, form=form)
    if _cold(body):
        raise SourceUnavailable("error.source.cold", url=page)
    try:
        answer = strict_json(Payload(page, body, 0))
    except SourceChanged:
        return body, 1  # the parser says what is wrong with it, and the payload is kept
    if isinstance(answer, dict) and (answer.get("result", "1") in FAILED or not answer.get("tbody", [""])):
        raise SourceUnavailable("error.source.no_sections", url=page, result=answer.get("result"))
    total = str(answer.get("total", "1")) if isinstance(answer, dict) else "1"
    return body, int(total) if total.isdigit() else 1


def _cold(body: bytes) -> bool:
    return body.strip().strip(b'"') in (b"-1", b"")


def parse(payload: Payload, context: Context) -> Parsed:
    """Readings, class and state of the configured sections, from JSON, CSV or .xlsx.

    A section name that stands for sections of two provinces is refused unless option `area` names the province.
    Raises SourceChanged when section name or time have no column; SourceUnavailable for a plain `-1`.
    """
    if _cold(payload.body):
        raise SourceUnavailable("error.source.minus_one", origin=payload.origin)
    table = _from_json(payload) if _looks_like_json(payload) else sheet(payload, context.lang)
    found = find_header(table, _key, ("name", "time"))
    if found is None:
        raise no_header(payload, table, "断面名称", "监测时间")
    at, keys = found
    reader = _Reader(payload, context, keys, table.rows[at][1])
    reader.refused += table.refused
    data = table.rows[at + 1 :]
    reader.unswap(data)
    if not table.ended and data and not reader.whole(data[-1][1]):
        line, cells = data.pop()
        reader.refuse(line, cells, "refused.cut")
    reader.read(data)
    return Parsed(reader.rows, reader.refused, reader.unknown)


def places(payload: Payload) -> list[Place]:
    """The sections a payload lists: name, province with the city where it is told, basin or river.

    Raises SourceChanged when section name or time have no column.
    """
    table = _from_json(payload) if _looks_like_json(payload) else sheet(payload, "zh")
    found = find_header(table, _key, ("name", "time"))
    if found is None:
        raise no_header(payload, table, "断面名称", "监测时间")
    at, keys = found
    column = {key: place for place, key in reversed(list(enumerate(keys))) if key}
    basin = next((place for place, head in enumerate(table.rows[at][1]) if bare(head) == "流域"), None)
    seen: dict[tuple[str, str], Place] = {}
    for _, cells in table.rows[at + 1 :]:
        if len(cells) == len(keys) and (name := bare(cells[column["name"]])):
            title = dict(TOLD.findall(html.unescape(cells[column["name"]])))
            province = bare(cells[column["province"]]) if "province" in column else ""
            area, river = title.get("所在地市") or province, title.get("所属河流", "")
            told = bare(cells[basin]) if basin is not None else ""
            seen.setdefault((name, area), Place(Kind.SECTION, "", name, area, river=river, basin=told))
    return list(seen.values())


def _looks_like_json(payload: Payload) -> bool:
    return payload.body.lstrip(b"\xef\xbb\xbf \r\n")[:1] in (b"{", b"[")


def _from_json(payload: Payload) -> Sheet:
    answer = strict_json(payload)
    head, body = (answer.get("thead"), answer.get("tbody")) if isinstance(answer, dict) else (None, None)
    if not _texts(head) or not isinstance(body, list) or not all(_texts(row) for row in body):
        raise SourceChanged("error.source.no_table", origin=payload.origin)
    width = len(head)
    head, *rows = ([cell or "" for cell in row] for row in (head, *body))
    # the state, the last column, may be left out
    return Sheet([(0, head), *((line, row + [""] * (len(row) == width - 1)) for line, row in enumerate(rows, 1))])


def _texts(row: object) -> TypeGuard[list[str]]:
    return isinstance(row, list) and all(isinstance(cell, str | None) for cell in row)


def _key(head: str) -> str | None:
    return COLUMNS.get(plain(BRACKET.sub("", bare(head))))


class _Reader:
    """One table being read: what is in it so far."""

    def __init__(self, payload: Payload, context: Context, keys: Sequence[str | None], heads: Sequence[str]) -> None:
        self.payload, self.context = payload, context
        self.rows: list[Row] = []
        self.refused: list[Refused] = []
        self.unknown: Counter[str] = Counter()
        self.width = len(keys)
        self.at = {key: at for at, key in enumerate(keys) if key}
        self.heads = [bare(head) for head in heads]
        area = str(context.option("area", ""))
        self.province = PROVINCES.get(area[:2], "")
        self.stream = context.stream(Span.FOUR_HOURS)
        self.columns = [self._column(key, at) for key, at in self.at.items() if key in ITEMS]
        self.times: dict[tuple[str, str], int | None] = {}

    def unswap(self, data: Sequence[tuple[int, list[str]]]) -> None:
        """Put right headers that stand over each other's column: names where the times should be."""
        name, time = self.at["name"], self.at["time"]
        seen = [cells for _, cells in data[:20] if len(cells) == self.width]
        if seen and all(TIME.match(bare(cells[name])) and not TIME.match(bare(cells[time])) for cells in seen):
            self.at["name"], self.at["time"] = time, name

    def whole(self, cells: Sequence[str]) -> bool:
        """Whether a last line without end is surely not cut: it ends with a state that is known."""
        last = self.at.get("state") == self.width - 1 == len(cells) - 1
        return last and bool(cells[-1]) and bare(cells[-1]) in STATES

    def read(self, data: Sequence[tuple[int, list[str]]]) -> None:
        province, name = self.at.get("province"), self.at["name"]
        mine: list[tuple[int, list[str], int, str]] = []
        provinces: defaultdict[int, set[str]] = defaultdict(set)
        for line, cells in data:
            if len(cells) != self.width:
                self.refuse(line, cells, "refused.width", found=len(cells), wanted=self.width)
                continue
            called = bare(cells[name])
            where = bare(cells[province]) if province is not None else ""
            site = self.context.site(called)
            if site is None or (where and self.province and not where.startswith(self.province)):
                self.unknown[called] += 1
                continue
            mine.append((line, cells, site, called))
            provinces[site].add(where)
        for line, cells, site, called in mine:
            if len(provinces[site]) > 1:
                both = texts.joined("and", self.context.lang, sorted(provinces[site]))
                self.refuse(line, cells, "refused.two_provinces", name=called, provinces=both)
            else:
                self._read_row(line, cells, site)

    def _read_row(self, line: int, cells: Sequence[str], site: int) -> None:
        printed = bare(cells[self.at["time"]])
        if printed in MISSING:
            return
        ending = self._time(printed, cells)
        state = bare(cells[self.at["state"]]) if "state" in self.at else ""
        mark = STATES.get(state)
        if ending is None:
            self.refuse(line, cells, "refused.time", printed=printed)
            return
        if mark is None:
            self.refuse(line, cells, "refused.state", state=state)
            return
        for column in self.columns:
            value = column[cells[column.at]]
            if value == UNREADABLE:
                item = self.context.item(column.parameter)
                self.refuse(line, cells, "refused.cell", item=item, text=bare(cells[column.at]))
            elif value is not None:
                self.rows.append((ending, site, column.parameter.number, self.stream, value, int(mark)))

    def _column(self, key: str, at: int) -> _Column:
        parameter = self.context.parameters[key]
        if key == "published_class":
            return _Column(parameter, at, partial(_class, decimals=parameter.decimals))
        shift = _shift(self.payload, key, self.heads[at], parameter)
        return _Column(parameter, at, lambda cell: number(original(cell), parameter, shift))

    def _time(self, printed: str, cells: Sequence[str]) -> int | None:
        """The time of a row; `抓取时间`, where there is such a column, is when it was collected."""
        captured = bare(cells[self.at["captured"]]) if "captured" in self.at else ""
        key = printed, captured
        if key not in self.times:
            collected = _full(captured)
            self.times[key] = timed(printed, self.payload.taken if collected is None else collected)
        return self.times[key]

    def refuse(self, line: int, cells: Sequence[str], key: str, **values: object) -> None:
        reason = texts.t(key, self.context.lang, **values)
        self.refused.append(Refused(self.payload.origin, line, reason, ",".join(cells)[:200]))


class _Column(dict[str, "int | None"]):
    """Printed cell -> steps of one parameter; each is understood once."""

    def __init__(self, parameter: Parameter, at: int, understand: Callable[[str], int | None]) -> None:
        super().__init__()
        self.parameter, self.at, self.understand = parameter, at, understand

    def __missing__(self, cell: str) -> int | None:
        try:
            value = self.understand(cell)
        except Unreadable:
            value = UNREADABLE
        self[cell] = value
        return value


def _class(cell: str, decimals: int) -> int | None:
    """A published class as a number: 1..6, in steps of 10^-decimals; code 7 is "not monitored"."""
    printed = bare(cell)
    if printed in MISSING or printed == NOT_MONITORED:
        return None
    name = plain(printed).upper().removesuffix("类")
    if name not in CLASSES:
        raise Unreadable("refused.cell.class", text=printed)
    return int(CLASSES[name] * 10**decimals)


def _shift(payload: Payload, key: str, head: str, parameter: Parameter) -> int:
    """From the unit in a column's header to the parameter's own, as a power of ten."""
    bracket = BRACKET.search(head)
    try:
        return shift_between(bracket[1] if bracket else UNITS.get(key, ""), parameter.unit)
    except Unreadable as error:
        raise SourceChanged("error.source.column", origin=payload.origin, head=head, reason=error) from error


def timed(printed: str, taken: int) -> int | None:
    """The minute of a printed time, `MM-DD HH:MM` or with a year; None when it is none or lies after `taken`.

    >>> taken = periods.minute(datetime(2023, 1, 1, 2, 53))
    >>> periods.clock(timed("12-31 20:00", taken)), periods.clock(timed("01-01 00:00", taken))
    ('2022-12-31 20:00', '2023-01-01 00:00')
    """
    match = TIME.match(printed)
    if not match:
        return None
    last = periods.moment(taken + NEAR).year
    years = [int(match[1])] if match[1] else range(last, last - 5, -1)  # five: a 29 February is in one of them
    for year in years:
        ending = _minute(year, *(int(part) for part in match.groups()[1:]))
        if ending is not None and ending <= taken + NEAR:
            return ending if ending <= taken + EARLY else None
    return None


def _full(printed: str) -> int | None:
    """The minute of a time that names its year, else None."""
    match = TIME.match(printed)
    return _minute(*(int(part) for part in match.groups())) if match and match[1] else None


def _minute(year: int, month: int, day: int, hour: int, minute: int) -> int | None:
    try:
        return periods.minute(datetime(year, month, day, hour, minute))
    except ValueError:
        return None
