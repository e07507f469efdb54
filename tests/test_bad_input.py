"""Bad input through the front doors, `envmon import` and the daemon's tick: each ends in a clear message or a recorded
failure, the rest goes on, nothing is lost, nothing is stored twice."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from envmon import periods
from envmon.errors import StoreError
from envmon.pipeline.importing import import_file, spec_of
from envmon.store import Store

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data/sample"
HEAD = "date,hour,type,成都,甘孜藏族自治州\n"
LOGIN = "<!DOCTYPE html><html><head><title>登录</title></head><body>请先登录</body></html>".encode()
DAY = periods.parse("2022-03-04").first


class Said(NamedTuple):
    code: int
    out: str
    err: str


def envmon(folder: Path, *words: object) -> Said:
    command = [sys.executable, "-c", "import envmon.cli; envmon.cli.main()", *map(str, words)]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in found.stderr, found.stderr
    return Said(found.returncode, found.stdout, found.stderr)


def chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def day_file(hours: range = range(24), date: str = "20220304", first: int = 30) -> str:
    """A day file of two cities, PM2.5 only: the value of 成都 is first + hour, of 甘孜 five less."""
    lines = [f"{date},{hour},PM2.5,{first + hour},{first + hour - 5}\n" for hour in hours]
    return HEAD + "".join(lines)


def values(store: Store, site: str) -> dict[int, int]:
    """Hour of the file -> stored PM2.5 in µg/m³."""
    sql = "SELECT ending, value FROM reading WHERE site = ? AND parameter = 6"
    found = store.db.execute(sql, (store.site_numbers[site],))
    return {(ending - periods.hour_ending(DAY, 0)) // 60: value // 1000 for ending, value in found}


# ---- files ---------------------------------------------------------------------------------------------------------


class Office:
    """A bureau, one command line away."""

    def __init__(self, bureau) -> None:  # type: ignore[no-untyped-def]
        self.bureau = bureau

    def imported(self, body: bytes | str, name: str = "china_cities_20220304.csv", source: str = "archive") -> Said:
        path = self.bureau.folder / name
        path.write_bytes(body.encode() if isinstance(body, str) else body)
        return envmon(self.bureau.folder, "import", "--source", source, name, "--json")

    def values(self, site: str) -> dict[int, int]:
        with Store.open(self.bureau.database, readonly=True) as store:
            return values(store, site)

    def rejected(self, name: str = "china_cities_20220304.csv") -> list[dict[str, str]]:
        with (self.bureau.folder / f"data/rejects/{name}.rejected.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def office(tmp_path: Path, make_bureau) -> Office:  # type: ignore[no-untyped-def]
    return Office(make_bureau(tmp_path / "bureau"))


def test_a_truncated_day_file_gives_its_whole_lines_and_the_whole_file_the_rest(office: Office) -> None:
    whole = day_file()
    cut = whole[: whole.index("20220304,15,") + len("20220304,15,PM2.5,4")]  # 45 became 4
    said = office.imported(cut)
    (result,) = json.loads(said.out)
    assert (said.code, result["read"], result["new"], result["refused"]) == (3, 31, 30, 1)
    assert office.values("chengdu-air") == {hour: 30 + hour for hour in range(15)}
    (row,) = office.rejected()
    assert list(row) == ["工作表", "行号", "列", "原因", "原文"]
    assert (row["行号"], row["原文"]) == ("17", "20220304,15,PM2.5,4")
    assert row["原因"].startswith("文件在这一行中间结束")
    said = office.imported(whole)
    (result,) = json.loads(said.out)
    assert (said.code, result["new"], result["same"], result["revised"]) == (0, 18, 30, 0)
    assert office.values("chengdu-air") == {hour: 30 + hour for hour in range(24)}


def test_a_compressed_file_cut_off_is_refused_whole(office: Office) -> None:
    import gzip

    body = gzip.compress(day_file().encode())
    said = office.imported(body[:-20], "china_cities_20220304.csv.gz")
    (result,) = json.loads(said.out)
    assert said.code == 1
    assert "china_cities_20220304.csv.gz" in result["error"]
    assert office.values("chengdu-air") == {}


def test_gbk_and_utf8_mixed(office: Office) -> None:
    """A laboratory sheet put together from two programs: each line is read in its own encoding."""
    lines = (SAMPLE / "lab/lab_2022-01.csv").read_text("utf-8").splitlines(keepends=True)
    mixed = b"".join(line.encode("gb18030" if at % 2 else "utf-8") for at, line in enumerate(lines))
    said = office.imported(mixed, "lab_2022-01.csv", "lab")
    assert said.code == 0
    with Store.open(office.bureau.database, readonly=True) as store:
        assert len(store.latest()) == len(lines) - 1  # every place of the sheet has its readings
    again = office.imported("".join(lines), "lab_2022-01.csv", "lab")
    (first,), (second,) = json.loads(said.out), json.loads(again.out)
    assert (second["new"], second["revised"], second["same"]) == (0, 0, first["new"])


def test_a_line_in_no_encoding_is_refused_and_the_others_enter(office: Office) -> None:
    lines = (SAMPLE / "lab/lab_2022-01.csv").read_text("utf-8").splitlines(keepends=True)
    said = office.imported(
        "".join(lines[:2]).encode() + b"\xff\xfe\x81\n" + "".join(lines[2:]).encode(), "l.csv", "lab"
    )
    assert said.code == 3
    assert [(row["行号"], row["原因"]) for row in office.rejected("l.csv")] == [
        ("3", "既不是 UTF-8 也不是 GB18030 编码")
    ]
    with Store.open(office.bureau.database, readonly=True) as store:
        assert len(store.latest()) == len(lines) - 1


@pytest.mark.parametrize(
    ("body", "source", "name"),
    [
        pytest.param("时间,城市,PM2.5\n2022-03-04 01:00,成都,30\n", "archive", "a.csv", id="other header"),
        pytest.param(LOGIN, "archive", "a.csv", id="login page, archive"),
        pytest.param(LOGIN, "lab", "a.csv", id="login page, lab"),
        pytest.param(LOGIN, "water", "2022_03_04_12h00m_a.json", id="login page, water json"),
        pytest.param(LOGIN, "water", "2022_03_04_12h00m_a.csv", id="login page, water csv"),
        pytest.param("", "archive", "a.csv", id="empty, archive"),
        pytest.param("", "lab", "a.csv", id="empty, lab"),
        pytest.param(b"PK\x03\x04 no workbook", "lab", "a.xlsx", id="no workbook"),
        pytest.param(b"\x00" * 100, "archive", "a.csv", id="zero bytes, archive"),
        pytest.param("[]", "lab", "a.json", id="array, lab"),
        pytest.param(day_file(), "lab", "a.csv", id="archive as lab"),
        pytest.param("-1", "water", "2022_03_04_12h00m_a.json", id="-1, water"),
    ],
)
def test_a_file_of_another_kind_is_named_and_the_next_file_goes_in(
    office: Office, body: bytes | str, source: str, name: str
) -> None:
    said = office.imported(body, name, source)
    (result,) = json.loads(said.out)
    assert said.code == 1
    assert name in result["error"]
    assert chinese(result["error"])
    assert len(result["error"]) < 400
    assert office.imported(day_file()).code == 0
    assert len(office.values("chengdu-air")) == 24


def test_a_bad_file_among_good_ones_stops_only_itself(office: Office) -> None:
    folder = office.bureau.folder
    (folder / "a.csv").write_text(day_file(range(12)), "utf-8")
    (folder / "b.csv").write_bytes(LOGIN)
    (folder / "c.csv").write_text(day_file(range(12, 24)), "utf-8")
    said = envmon(folder, "--lang", "en", "import", "--source", "archive", "b.csv")
    assert "b.csv: the first line is not 'date,hour,type,…' but" in said.out
    said = envmon(folder, "import", "--source", "archive", "a.csv", "b.csv", "c.csv")
    assert said.code == 1
    assert "b.csv" in said.out + said.err
    assert len(office.values("chengdu-air")) == 24
    said = envmon(folder, "assess", "air", "--period", "2022-03-03..2022-03-04", "--json")
    assert {row["subject"] for row in json.loads(said.out)} == {"chengdu", "ganzi"}  # and what entered was judged


def test_duplicate_and_contradicting_rows(office: Office) -> None:
    """The same row again is nothing; of two different values the later one counts, the other is kept and flagged."""
    extra = "20220304,3,PM2.5,33,28\n20220304,5,PM2.5,77,30\n"
    said = office.imported(day_file() + extra)
    assert said.code in (0, 3)
    assert office.values("chengdu-air") == {hour: 30 + hour for hour in range(24)} | {5: 77}
    with Store.open(office.bureau.database, readonly=True) as store:
        number, ending = store.site_numbers["chengdu-air"], periods.hour_ending(DAY, 5)
        assert [row["value"] for row in store.history(number, 6, ending)] == [35_000, 77_000]
        flags = store.flags(number, periods.hour_ending(DAY, 0), periods.hour_ending(DAY, 24))
        assert [(one.ending, one.test) for one in flags if one.test == "duplicate"] == [(ending, "duplicate")]
        assert store.db.execute("SELECT count(*) FROM reading_history").fetchone() == (1,)


def test_a_revision_keeps_what_was_there(office: Office) -> None:
    office.imported(day_file())
    said = office.imported(day_file(first=31))
    (result,) = json.loads(said.out)
    assert (result["new"], result["same"], result["revised"]) == (0, 0, 48)
    with Store.open(office.bureau.database, readonly=True) as store:
        assert store.db.execute("SELECT count(*) FROM reading_history").fetchone() == (48,)
    assert office.values("chengdu-air")[7] == 38


def test_a_year_imported_twice(bureau) -> None:  # type: ignore[no-untyped-def]
    config, path = bureau.config, SAMPLE / "archive/china_cities_2022.csv.gz"
    now = bureau.at("2023-01-01T08:00")
    with bureau.open(config) as store:
        first, refused = import_file(store, config, spec_of(config, "archive"), path, now)
        assert (first.new, first.same, first.revised, refused) == (first.read, 0, 0, [])
        second, refused = import_file(store, config, spec_of(config, "archive"), path, now + 60)
        assert (second.new, second.same, second.revised, second.older) == (0, first.read, 0, 0)
        assert store.db.execute("SELECT count(*) FROM reading").fetchone() == (first.read,)
        assert store.db.execute("SELECT count(*) FROM reading_history").fetchone() == (0,)
        assert first.read > 100_000


# ---- services ------------------------------------------------------------------------------------------------------


class Service:
    """A data service that answers what each test tells it to: path -> (status, body) or how to misbehave."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes] | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        self.over = threading.Event()
        service = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                service.asked.append(path)
                found = service.answers.get(path, (404, b"404"))
                if callable(found):
                    found(self)
                    return
                self.send_response(found[0])
                self.send_header("Content-Length", str(len(found[1])))
                self.end_headers()
                self.wfile.write(found[1])

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def silence(self, page: BaseHTTPRequestHandler) -> None:
        """Takes the question and says nothing."""
        self.over.wait(20)

    def broken_off(self, page: BaseHTTPRequestHandler) -> None:
        """Promises more than it sends."""
        page.send_response(200)
        page.send_header("Content-Length", "100000")
        page.end_headers()
        page.wfile.write(day_file().encode())


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr("envmon.http.session.PAUSE", 0.01)
    made = Service()
    made.thread.start()
    yield made
    made.over.set()
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


@pytest.fixture
def watched(tmp_path: Path, make_bureau, service: Service):  # type: ignore[no-untyped-def]
    """A bureau that asks the faulty service; its archive has three good day files, its other services are empty."""
    made = make_bureau(tmp_path / "bureau")
    made.point(service.url)
    for day in ("20220302", "20220303"):
        service.answers[f"/archive/china_cities_{day}.csv"] = 200, day_file(date=day).encode()
    service.answers[TODAY] = 200, day_file(range(10)).encode()
    service.answers["/water/Ajax/Publish.ashx"] = 200, NO_SECTIONS
    made.at("2022-03-04T09:40")
    return made


TODAY = "/archive/china_cities_20220304.csv"
NO_SECTIONS = json.dumps({"result": 1, "total": 0, "thead": ["断面名称", "监测时间"], "tbody": []}).encode()


def states(store: Store) -> dict[str, str]:
    return dict(store.db.execute("SELECT job, state FROM slot"))


FAULTS = {
    "login page": (200, LOGIN),
    "500": (500, b"error"),
    "503": (503, b"busy"),
    "wrong header": (200, "时间,城市,PM2.5\n2022-03-04 01:00,成都,30\n".encode()),
    "-1": (200, b"-1"),
    "nothing": (200, b""),
    "noise": (200, bytes(range(256))),
}


@pytest.mark.parametrize("fault", [*FAULTS, "broken off"])
def test_one_bad_answer_of_the_archive(watched, service: Service, fault: str) -> None:  # type: ignore[no-untyped-def]
    """The other days enter, the slot fails with the reason, the next jobs run; when it is well again, all is there."""
    service.answers[TODAY] = FAULTS.get(fault, service.broken_off)
    config = watched.config
    with watched.open(config) as store:
        watched.tick(store, config, ["archive", "lab"])
        assert states(store)["pull archive"] == "failed"
        assert states(store)["pull lab"] == states(store)["judge"] == "done"
        (failing,) = store.failing(2**40)
        assert "china_cities_20220304" in failing["error"]
        assert chinese(failing["error"])
        assert len(values(store, "chengdu-air")) == 48
        kept = list(Path(config.paths.rejects).glob("*china_cities_20220304*"))
        if fault in ("login page", "wrong header", "-1", "noise"):
            assert [path.read_bytes() for path in kept] == [FAULTS[fault][1]]
            assert f"（原文存为 {kept[0]}）" in failing["error"]
        service.answers[TODAY] = 200, day_file(range(10)).encode()
        watched.now += 1
        watched.tick(store, config, ["archive", "lab"])
        assert store.failing(2**40) == []
        assert len(values(store, "chengdu-air")) == 58
        assert store.db.execute("SELECT count(*) FROM reading_history").fetchone() == (0,)


def test_a_service_that_says_nothing(watched, service: Service) -> None:  # type: ignore[no-untyped-def]
    watched.edit('options = { form = "cities" }', 'options = { form = "cities" }\ntimeout = 1')
    service.answers[TODAY] = service.silence
    config = watched.config
    with watched.open(config) as store:
        watched.tick(store, config, ["archive", "lab"])
        assert states(store) == {"pull archive": "failed", "pull lab": "done", "judge": "done"}
        assert len(values(store, "chengdu-air")) == 48
        service.over.set()


def test_a_service_that_is_not_there(watched, service: Service) -> None:  # type: ignore[no-untyped-def]
    config = watched.config
    nowhere = replace(config.sources[0], url="http://127.0.0.1:1/archive/")
    config = replace(config, sources=(nowhere, *config.sources[1:]))
    with watched.open(config) as store:
        watched.tick(store, config)
        assert states(store)["pull archive"] == "failed"
        assert states(store)["judge"] == "done"
        assert "127.0.0.1" in store.failing(2**40)[0]["error"]


@pytest.mark.parametrize("body", [b"-1", LOGIN, b'{"result": 0}', b"[]", b"{}", b'{"result": 1, "tbody": [', b"null"])
def test_a_bad_answer_of_the_water_platform(watched, service: Service, body: bytes) -> None:  # type: ignore[no-untyped-def]
    config = watched.config
    good = answer_of(["三邑大桥", "03-04 08:00", "8.12", "9.1", "0.05"])
    service.answers["/water/Ajax/Publish.ashx"] = 200, good
    service.answers["/water/Business/Publish/Main.html"] = 200, b"<html></html>"
    with watched.open(config) as store:
        watched.tick(store, config)
        assert store.failing(2**40) == []
        count = "SELECT count(*) FROM reading WHERE parameter > 7"
        before = store.db.execute(count).fetchone()
        assert before[0] > 0
        service.answers["/water/Ajax/Publish.ashx"] = 200, body
        watched.at("2022-03-04T13:40")
        watched.tick(store, config)
        assert [one["job"] for one in store.failing(2**40)] == ["pull water"]
        assert store.db.execute(count).fetchone() == before  # the last good values stay
        service.answers["/water/Ajax/Publish.ashx"] = 200, answer_of(["三邑大桥", "03-04 12:00", "8.1", "9.0", "0.06"])
        watched.now += 1
        watched.tick(store, config)
        assert store.failing(2**40) == []
        assert store.db.execute(count).fetchone()[0] == 2 * before[0]


def answer_of(row: list[str]) -> bytes:
    """One section in the form of the platform's answer."""
    name, time, ph, oxygen, ammonia = row
    thead = [
        "省份",
        "流域",
        "断面名称",
        "监测时间",
        "水质类别",
        "pH<br/>(无量纲)",
        "溶解氧<br/>(mg/L)",
        "氨氮<br/>(mg/L)",
    ]
    cells = ["四川省", "长江流域", f"<span title='断面名称：{name}'>{name}</span>", time, "1", ph, oxygen, ammonia]
    found = {"result": 1, "total": 1, "thead": [*thead, "站点情况"], "tbody": [[*cells, "正常"]]}
    return json.dumps(found, ensure_ascii=False).encode()


def test_a_day_file_cut_short_is_completed_by_the_next_pull(watched, service: Service) -> None:  # type: ignore[no-untyped-def]
    body = day_file(range(10)).encode()
    service.answers[TODAY] = 200, body[:-4]
    config = watched.config
    with watched.open(config) as store:
        watched.tick(store, config, ["archive"])
        assert len(values(store, "chengdu-air")) == 57
        (refused,) = store.rejects(0, 2**40)
        assert refused["line"] == 11
        assert "20220304,9" in refused["text"]
        service.answers[TODAY] = 200, body
        watched.at("2022-03-04T10:40")
        watched.tick(store, config, ["archive"])
        assert values(store, "chengdu-air")[9] == 39
        assert store.db.execute("SELECT count(*) FROM reading_history").fetchone() == (0,)


def test_impossible_values_are_kept_flagged_and_do_not_count(watched, service: Service) -> None:  # type: ignore[no-untyped-def]
    text = day_file(range(10)).replace("20220304,4,PM2.5,34,", "20220304,4,PM2.5,-34,").replace(",36,31", ",999999,31")
    service.answers[TODAY] = 200, text.encode()
    config = watched.config
    with watched.open(config) as store:
        watched.tick(store, config, ["archive"])
        assert values(store, "chengdu-air")[4] == -34
        watched.at("2022-03-05T00:40")
        service.answers["/archive/china_cities_20220305.csv"] = 200, HEAD.encode()
        watched.tick(store, config, ["archive"])
        number = store.site_numbers["chengdu-air"]
        flags = store.flags(number, periods.hour_ending(DAY, 0), periods.hour_ending(DAY, 24))
        bad = {((one.ending - periods.hour_ending(DAY, 0)) // 60, one.test) for one in flags if one.parameter == 6}
        assert {(4, "negative"), (6, "out_of_range")} <= bad
        (day,) = store.air_days(number, DAY, DAY)
        assert day.hours[5] == 7  # hours 1 to 9 without the two; hour 0 is of the day before


# ---- config, database, folders -------------------------------------------------------------------------------------


def test_a_config_with_ten_mistakes_names_all_of_them(office: Office) -> None:
    mistakes = [
        ('kind = "archive" ', 'kind = "archiv" '),
        ('every = "4h"', 'every = "often"'),
        ('basis = "manual"', 'basis = "manuel"'),
        ('level = "prefecture"\ncode = "513300"', 'levle = "prefecture"\ncode = "513300"'),
        ('rate = "target_met"', 'rate = "target_mett"'),
        ('percent = "98.0"', 'percent = "198.0"'),
        ("days = 290", "days = -290"),
        ('severity = "critical"', 'severity = "panic"'),
        ('worse_than = "III"', 'worse_than = "IIII"'),
        ('kind = "jsonl" ', 'kind = "jsonn" '),
    ]
    for old, new in mistakes:
        office.bureau.edit(old, new)
    for words in (["config", "check"], ["run", "--once"], ["rates"]):
        said = envmon(office.bureau.folder, *words)
        assert (said.code, said.out) == (2, "")
        for word in ("archiv", "often", "manuel", "levle", "target_mett", "198", "-290", "panic", "IIII", "jsonn"):
            assert word in said.err
        assert said.err.count("config.toml:") >= 10
    assert not office.bureau.database.exists()


def test_a_database_of_a_newer_schema_is_left_alone(office: Office) -> None:
    office.imported(day_file())
    store = Store.open(office.bureau.database)
    version = store.db.execute("PRAGMA user_version").fetchone()[0]
    store.db.execute(f"PRAGMA user_version = {version + 1}")
    store.close()
    before = office.bureau.database.read_bytes()
    for words in (
        ["status"],
        ["run", "--once"],
        ["import", "--source", "archive", "china_cities_20220304.csv"],
        ["rates"],
    ):
        said = envmon(office.bureau.folder, *words)
        assert said.code == 1, words
        assert "envmon.db" in said.err
        assert str(version + 1) in said.err
    assert office.bureau.database.read_bytes() == before


def test_a_file_that_is_no_database(office: Office) -> None:
    office.bureau.database.parent.mkdir()
    office.bureau.database.write_text("这不是数据库" * 1000, "utf-8")
    before = office.bureau.database.read_bytes()
    for words in (["status"], ["run", "--once"]):
        said = envmon(office.bureau.folder, *words)
        assert said.code == 1
        assert "envmon.db" in said.err
    assert office.bureau.database.read_bytes() == before


def test_a_folder_that_cannot_be_written(office: Office) -> None:
    """A plain file stands where the folder should be: nobody can write there, not even the superuser."""
    (office.bureau.folder / "data").write_text("", "utf-8")
    (office.bureau.folder / "a.csv").write_text(day_file(), "utf-8")
    for words in (["run", "--once"], ["import", "--source", "archive", "a.csv"], ["status"]):
        said = envmon(office.bureau.folder, *words)
        assert said.code == 1
        assert "data" in said.err


@pytest.mark.parametrize("words", [["run", "--once"], ["import", "--source", "archive", "a.csv"]], ids=" ".join)
def test_a_read_only_folder(office: Office, words: list[str]) -> None:
    (office.bureau.folder / "a.csv").write_text(day_file(), "utf-8")
    office.bureau.database.parent.mkdir()
    office.bureau.database.parent.chmod(0o555)
    try:
        if os.geteuid() == 0:  # the superuser may write anyway; then it simply works
            with Store.open(office.bureau.database):
                return
        said = envmon(office.bureau.folder, *words)
        assert said.code == 1
        assert "data" in said.err
    finally:
        office.bureau.database.parent.chmod(0o755)


def test_a_rejects_folder_that_cannot_be_written_loses_no_reading(watched, service: Service) -> None:  # type: ignore[no-untyped-def]
    config = watched.config
    Path(config.paths.rejects).parent.mkdir(exist_ok=True)
    Path(config.paths.rejects).write_text("", "utf-8")  # a file where the folder should be
    service.answers["/archive/china_cities_20220303.csv"] = 200, LOGIN
    with watched.open(config) as store:
        watched.tick(store, config, ["archive"])
        assert states(store)["pull archive"] == "failed"
        assert len(values(store, "chengdu-air")) == 34  # the day before and the day after the page nobody understood


def test_a_full_disk_stores_nothing_by_halves(bureau) -> None:  # type: ignore[no-untyped-def]
    config, path = bureau.config, SAMPLE / "archive/china_cities_2022.csv.gz"
    now = bureau.at("2023-01-01T08:00")
    with bureau.open(config) as store:
        pages = store.db.execute("PRAGMA page_count").fetchone()[0]
        store.db.execute(f"PRAGMA max_page_count = {pages + 20}")
        with pytest.raises(StoreError, match=r"envmon\.db"):
            import_file(store, config, spec_of(config, "archive"), path, now)
        assert store.db.execute("SELECT count(*) FROM reading").fetchone() == (0,)
        assert store.db.execute("SELECT count(*) FROM batch").fetchone() == (0,)
