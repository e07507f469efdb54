"""A replay server on 127.0.0.1: recorded readings served in the services' own formats, up to a minute of recorded time.

For the demo and the tests, which pull from it through the real HTTP code. It answers
  /archive/china_cities_YYYYMMDD.csv   day files, rows up to now
  /air/HourChangesPublish/…            the national air platform's JSON: last 24 hours, last 14 days of a city
  /water/Ajax/Publish.ashx             the national water platform's JSON: each section's latest reading
  /lab/lab_YYYY-MM.csv                 laboratory sheets, rows sampled up to now
from a folder with `archive/`, `water/` and `lab/` in the form of data/sample. Now is what `clock` says.
Never here: judging, storing, any address but loopback.
"""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from envmon import periods

Table = list[dict[str, str]]
PAIR = ("PM2_5", "PM2.5"), ("PM10", "PM10"), ("SO2", "SO2"), ("NO2", "NO2"), ("O3", "O3"), ("CO", "CO")
CLASSES = {"Ⅰ": "1", "Ⅱ": "2", "Ⅲ": "3", "Ⅳ": "4", "Ⅴ": "5", "劣Ⅴ": "6"}
THEAD = [
    "省份",
    "流域",
    "断面名称",
    "监测时间",
    "水质类别",
    "水温<br/>(℃)",
    "pH<br/>(无量纲)",
    "溶解氧<br/>(mg/L)",
    "电导率<br/>(μS/cm)",
    "浊度<br/>(NTU)",
    "高锰酸盐指数<br/>(mg/L)",
    "氨氮<br/>(mg/L)",
    "总磷<br/>(mg/L)",
    "总氮<br/>(mg/L)",
    "叶绿素α<br/>(mg/L)",
    "藻密度<br/>(cells/L)",
    "站点情况",
]
ITEMS = range(5, 16)  # columns of THEAD that hold measured values


class Answer(NamedTuple):
    status: int
    kind: str
    body: bytes


class Feed:
    """The server. Use as a context manager; it stops by itself at the end of the block.

    root : folder with archive/, water/, lab/; clock : gives the minute that is now; port : 0 takes any free one
    """

    def __init__(self, root: Path | str, clock: Callable[[], int], port: int = 0) -> None:
        self._library, self._clock = Library(Path(root)), clock
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._pages())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Address without a slash at the end; the services lie below it: /archive, /air, /water, /lab."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _pages(self) -> type[BaseHTTPRequestHandler]:
        library, clock = self._library, self._clock

        class Page(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1  # status, headers and body leave together

            def do_GET(self) -> None:
                self._send(answer(library, clock(), "GET", self.path, ""))

            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
                self._send(answer(library, clock(), "POST", self.path, form))

            def _send(self, found: Answer) -> None:
                self.send_response(found.status)
                self.send_header("Content-Type", found.kind)
                self.send_header("Content-Length", str(len(found.body)))
                self.end_headers()
                self.wfile.write(found.body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the one who pulls keeps the log."""

        return Page


def answer(library: Library, now: int, method: str, path: str, form: str) -> Answer:
    """What the recorded services would have answered at minute `now`."""
    parts = urlsplit(path)
    asked = {key: values[-1] for key, values in parse_qs(f"{parts.query}&{form}", keep_blank_values=True).items()}
    where = parts.path
    if day := re.fullmatch(r"/archive/china_cities_(\d{8})\.csv", where):
        return _text(library.day_file(day[1], now))
    if sheet := re.fullmatch(r"/lab/(lab_\d{4}-\d{2}\.csv)", where):
        return _text(library.sheet(sheet[1], now))
    if where.startswith("/air/HourChangesPublish/"):
        if method != "POST":
            return Answer(404, "text/html", b"<html><body>404</body></html>")
        return _json(_air(library, now, where.rpartition("/")[2], asked.get("citycode", "")))
    if where == "/water/Ajax/Publish.ashx":
        if asked.get("action") == "getArea_RiverDic":
            return _json({"result": 1, "area": [], "river": []})
        return _json(_water(library, now))
    if where in ("/", "/water/", "/water/Business/Publish/Main.html"):
        return Answer(200, "text/html; charset=utf-8", b"<html><body>envmon feed</body></html>")
    return Answer(404, "text/html", b"<html><body>404</body></html>")


class Library:
    """The recorded folder, read when first asked for and kept in order of time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._days: dict[str, list[tuple[int, str]]] | None = None
        self._header = ""
        self._sections: dict[str, tuple[list[int], Table]] | None = None

    def days(self) -> dict[str, list[tuple[int, str]]]:
        """YYYYMMDD -> (ending, line) in order of the hours, as the day file of that date holds them."""
        with self._lock:
            if self._days is None:
                days: dict[str, list[tuple[int, str]]] = {}
                for path in _recorded(self.root / "archive", "china_cities_"):
                    lines = iter(_read(path).splitlines())
                    self._header = next(lines, "")
                    for line in lines:
                        date, hour, _ = line.split(",", 2)
                        days.setdefault(date, []).append((_hour(date, hour), line))
                for found in days.values():
                    found.sort(key=lambda entry: entry[0])
                self._days = days
            return self._days

    def day_file(self, date: str, now: int) -> str | None:
        """The day file as it stood at `now`; None before its first hour."""
        lines = [line for ending, line in self.days().get(date, ()) if ending <= now]
        return "\n".join([self._header, *lines, ""]) if lines else None

    def hour(self, column: str, ending: int) -> dict[str, str]:
        """Type -> printed value of one city and hour."""
        lines = self.days().get(f"{periods.moment(ending):%Y%m%d}", ())
        at = self._header.split(",").index(column)
        rows = [line.split(",") for when, line in lines if when == ending]
        return {row[2]: row[at] for row in rows if row[at]}

    def cities(self) -> Table:
        """Rows of archive/cities.csv: column, code, name."""
        path = self.root / "archive" / "cities.csv"
        return list(csv.DictReader(_read(path).splitlines())) if path.exists() else []

    def sections(self) -> dict[str, tuple[list[int], Table]]:
        """Section -> its times in order, and the rows that belong to them."""
        with self._lock:
            if self._sections is None:
                found: dict[str, list[tuple[int, dict[str, str]]]] = {}
                for path in _recorded(self.root / "water", "sections_4h"):
                    for row in csv.DictReader(_read(path).splitlines()):
                        when = periods.minute(datetime.fromisoformat(row["监测时间"]))
                        found.setdefault(row["断面名称"], []).append((when, row))
                self._sections = {}
                for name, entries in found.items():
                    entries.sort(key=lambda entry: entry[0])
                    self._sections[name] = [when for when, _ in entries], [row for _, row in entries]
            return self._sections

    def sheet(self, name: str, now: int) -> str | None:
        """A laboratory sheet with the rows sampled before `now`; None when there are none yet."""
        path = self.root / "lab" / name
        if not path.exists():
            return None
        header, *lines = _read(path).splitlines()
        at = header.split(",").index("采样日期")
        today = periods.moment(now).date().isoformat()
        due = [line for line in lines if line.split(",")[at] < today]
        return "\n".join([header, *due, ""]) if due else None


def _air(library: Library, now: int, action: str, code: str) -> list[dict[str, Any]] | None:
    """The platform's rows of one city; an unknown code has an empty list, an unknown action nothing."""
    if action not in ("GetCityRealTimeAqiHistoryByCondition", "GetCityDayAqiHistoryByCondition"):
        return None
    city = next((row for row in library.cities() if row["code"] == code), None)
    if city is None:
        return []
    make = _air_hours if action == "GetCityRealTimeAqiHistoryByCondition" else _air_days
    return [{**row, "Area": city["name"], "CityCode": int(code)} for row in make(library, city["column"], now)]


def _air_hours(library: Library, column: str, now: int) -> Iterator[dict[str, Any]]:
    latest = now // 60 * 60
    for ending in range(latest - 23 * 60, latest + 1, 60):
        if values := library.hour(column, ending):
            numbers = {key: values.get(name, "—") for key, name in PAIR}
            yield {"TimePoint": f"/Date({ending * 60000})/", "AQI": values.get("AQI", "NA"), **numbers}


def _air_days(library: Library, column: str, now: int) -> Iterator[dict[str, Any]]:
    """Closed days from the moving means of their last hour; the archive has no daily index, so it is `NA`."""
    today = periods.today(now)
    for day in range(today - 14, today):
        if values := library.hour(column, periods.hour_ending(day, 24)):
            numbers = {f"{key}_24h": values.get(f"{name}_24h", "—") for key, name in PAIR if key != "O3"}
            point = periods.hour_ending(day, 0) * 60000
            yield {"TimePoint": f"/Date({point})/", "AQI": "NA", "O3_8h_24h": values.get("O3_8h_24h", "—"), **numbers}


def _water(library: Library, now: int) -> dict[str, Any]:
    """Each section's latest row, however old; values wrapped in HTML with the unrounded one as title."""
    body = []
    for name, (times, rows) in library.sections().items():
        at = bisect_right(times, now) - 1
        if at >= 0:
            cells = list(rows[at].values())[: len(THEAD)]
            cells[2] = f"<span title='断面名称：{name}'>{name}</span>"
            cells[3] = f"{periods.moment(times[at]):%m-%d %H:%M}"
            cells[4] = CLASSES.get(cells[4], "7")
            for item in ITEMS:
                if re.fullmatch(r"[\d.]+", cells[item]):
                    cells[item] = f"<span title='原始值：{cells[item]}'>{cells[item]}</span>"
            body.append(cells)
    return {"result": 1, "total": 1 if body else 0, "thead": THEAD, "tbody": body}


def _hour(date: str, hour: str) -> int:
    return periods.minute(datetime(int(date[:4]), int(date[4:6]), int(date[6:]), int(hour)))


def _recorded(folder: Path, prefix: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"{prefix}*") if path.name.endswith((".csv", ".csv.gz", ".csv.xz")))


def _read(path: Path) -> str:
    body = path.read_bytes()
    if path.suffix == ".gz":
        body = gzip.decompress(body)
    elif path.suffix == ".xz":
        body = lzma.decompress(body)
    return body.decode("utf-8-sig")


def _text(text: str | None) -> Answer:
    if text is None:
        return Answer(404, "text/html", b"<html><body>404</body></html>")
    return Answer(200, "text/csv", text.encode("utf-8"))


def _json(found: Any) -> Answer:
    if found is None:
        return Answer(404, "text/html", b"<html><body>404</body></html>")
    return Answer(200, "application/json; charset=utf-8", json.dumps(found, ensure_ascii=False).encode("utf-8"))
