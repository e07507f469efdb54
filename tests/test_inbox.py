"""Files dropped in the inbox: taken when they are whole, with a receipt; refused rows come back to be mended.

What the values must be is typed in the files of the tests, or stands in data/sample/lab (made up, see its README).
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openpyxl
import pytest

from envmon import daemon, periods
from envmon.errors import EnvmonError, UsageError
from envmon.model import InboxFile, InboxState
from envmon.pipeline import inbox
from envmon.store import Store

ROOT = Path(__file__).parent.parent
SHEET = (
    "名称,采样日期,氨氮(mg/L),总磷(mg/L)\n示例河手工断面,2022-07-09,0.035,0.04\n示例溪手工断面,2022-07-10,0.083,0.02L\n"
)
TWO = ("示例河手工断面", "示例溪手工断面")
NOW = periods.hour_ending(periods.parse("2022-08-15").first, 12)


class Office:
    """A bureau's folder with its inbox, and its store."""

    def __init__(self, bureau, store: Store) -> None:  # type: ignore[no-untyped-def]
        self.config, self.store, self.opened = bureau.config, store, daemon.kept_open(store)
        self.inbox = Path(self.config.paths.inbox)
        self.inbox.mkdir(parents=True)
        self.now = NOW

    def drop(self, name: str, body: str | bytes, folder: str = "") -> Path:
        path = self.inbox / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body if isinstance(body, bytes) else body.encode())
        return path

    def take(self) -> list[InboxFile]:
        """Look twice at once, as `envmon inbox run` does."""
        self.now += 1
        return inbox.take(self.opened, self.config, self.now, lambda: None).files

    def one(self) -> InboxFile:
        (file,) = self.take()
        return file

    def at(self, file: InboxFile) -> Path:
        return self.inbox / file.moved

    def values(self, item: str = "nh3n") -> dict[str, float]:
        rows = self.store.db.execute("SELECT name, value FROM readings WHERE parameter = ?", (item,))
        return dict(rows)

    def left(self) -> set[str]:
        """What still lies in the inbox itself."""
        return {path.name for path in self.inbox.iterdir()} - {"done", "refused", ".lock"}


@pytest.fixture
def office(make_bureau, tmp_path: Path):  # type: ignore[no-untyped-def]
    bureau = make_bureau(tmp_path / "bureau")
    with bureau.open() as store:
        yield Office(bureau, store)


def book(*pages: tuple[str, list[list[object]]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, rows in pages:
        page = made.create_sheet(name)
        for row in rows:
            page.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


# --- taken in -----------------------------------------------------------------------------------------------------


def test_a_laboratory_sheet_is_stored_and_leaves_with_a_receipt(office: Office) -> None:
    office.drop("七月.csv", SHEET)
    file = office.one()
    assert (file.state, file.form, file.source, file.moved) == (InboxState.DONE, "lab", "lab", "done/2022-08/七月.csv")
    assert (file.tally.read, file.tally.new, file.tally.refused) == (4, 4, 0)
    assert (file.sites, file.months) == (TWO, ("2022-07",))
    assert office.values() == {"示例河手工断面": 0.035, "示例溪手工断面": 0.083}
    assert office.left() == set()
    assert office.at(file).read_text("utf-8") == SHEET
    told = office.at(file).with_name("七月.csv.回执.txt").read_text("utf-8")
    for word in (
        file.sha256,
        "新增 4",
        "示例河手工断面、示例溪手工断面",
        "2022-07",
        "实验室结果表",
        f"批次：{file.batch}",
    ):
        assert word in told
    assert office.store.inbox_files() == [InboxFile(**{**fields(file), "number": 1})]
    origin = office.store.db.execute("SELECT DISTINCT origin FROM readings").fetchall()
    assert origin == [("data/inbox/done/2022-08/七月.csv",)]  # where it can be found


def fields(file: InboxFile) -> dict[str, object]:
    return {name: getattr(file, name) for name in InboxFile.__slots__}


def test_the_same_file_again_says_so_and_changes_nothing(office: Office) -> None:
    office.drop("七月.csv", SHEET)
    first = office.one()
    office.drop("七月.csv", SHEET)
    second = office.one()
    assert (second.tally.new, second.tally.same, second.moved) == (0, 4, "done/2022-08/七月-2.csv")
    assert second.sha256 == first.sha256
    assert "七月.csv" in second.reason
    assert "完全相同" in office.at(second).with_name("七月-2.csv.回执.txt").read_text("utf-8")
    assert office.at(first).read_text("utf-8") == SHEET


def test_a_revised_sheet_counts_what_it_revises(office: Office) -> None:
    office.drop("a.csv", SHEET)
    office.take()
    office.drop("b.csv", SHEET.replace("0.035", "0.036"))
    tally = office.one().tally
    assert (tally.read, tally.new, tally.same, tally.revised) == (4, 0, 3, 1)
    assert office.values()["示例河手工断面"] == 0.036


def test_the_daemon_takes_a_file_at_the_second_look_that_finds_it_unchanged(office: Office) -> None:
    (job,) = (one for one in daemon.jobs_of(office.config) if one.name == "inbox")
    assert (job.every, job.live) == (5, True)
    path = office.drop("七月.csv", SHEET[:60])
    job.work(office.opened, 0, 0, NOW)
    path.write_text(SHEET, "utf-8")  # the rest arrives
    job.work(office.opened, 0, 0, NOW + 5)
    assert office.left() == {"七月.csv"}
    job.work(office.opened, 0, 0, NOW + 5)  # again within the same minute is no second look
    assert office.left() == {"七月.csv"}
    job.work(office.opened, 0, 0, NOW + 10)
    assert office.left() == set()
    assert len(office.values()) == 2


def test_without_its_folder_there_is_no_job(make_bureau, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert "inbox" not in [job.name for job in daemon.jobs_of(make_bureau(tmp_path / "b").config)]


def test_a_file_that_changes_between_the_two_looks_waits(office: Office) -> None:
    path = office.drop("七月.csv", SHEET[:60])

    def meanwhile() -> None:
        path.write_text(SHEET, "utf-8")

    done = inbox.take(office.opened, office.config, NOW, meanwhile)
    assert (done.files, [one.reason for one in done.waiting]) == ([], ["inbox.unstable"])


@pytest.mark.parametrize("name", ["a.csv.part", "~$a.xlsx", "a.tmp", "a.csv.crdownload", ".~lock.a.ods#"])
def test_what_is_still_being_written_waits(office: Office, name: str) -> None:
    office.drop(name, SHEET)
    assert office.take() == []
    assert office.left() == {name}
    assert [(one.state, one.reason) for one in inbox.lying(office.inbox)] == [(InboxState.WAITING, "inbox.unfinished")]


def test_links_pipes_hidden_files_and_deep_folders_are_left_alone(office: Office, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(SHEET, "utf-8")
    (office.inbox / "link.csv").symlink_to(secret)
    (office.inbox / "loop").symlink_to(office.inbox)
    os.mkfifo(office.inbox / "pipe.csv")
    office.drop(".hidden.csv", SHEET)
    (office.inbox / "lab/deeper").mkdir(parents=True)
    (office.inbox / "lab/deeper/a.csv").write_text(SHEET, "utf-8")
    office.drop("good.csv", SHEET)
    assert [file.name for file in office.take()] == ["good.csv"]
    found = {one.name: one.reason for one in inbox.lying(office.inbox)}
    assert found == {
        ".hidden.csv": "inbox.hidden",
        "deeper": "inbox.deep",
        "link.csv": "inbox.link",
        "loop": "inbox.link",
        "pipe.csv": "inbox.special",
    }
    assert secret.read_text("utf-8") == SHEET


@pytest.mark.parametrize("name", ["a\nb\x1b[31m.csv", "=cmd|' C calc'!A0.csv", f"{'长' * 80}.csv", "a b;c&d..csv"])
def test_hostile_names_do_no_harm(office: Office, name: str) -> None:
    office.drop(name, SHEET.replace("0.083", "0.08x"))
    file = office.one()
    assert file.name.isprintable()
    assert (file.state, file.tally.new, file.tally.refused) == (InboxState.DONE, 3, 1)
    assert office.at(file).exists()
    assert office.at(file).parent == office.inbox / "done/2022-08"
    assert len(list((office.inbox / "refused/2022-08").iterdir())) == 1
    assert office.left() == set()


def test_bytes_that_are_no_name_do_no_harm(office: Office) -> None:
    with open(bytes(office.inbox) + b"/\xff\xfe.csv", "wb") as file:
        file.write(SHEET.encode())
    assert office.one().name == "__.csv"
    assert office.left() == set()


# --- refused as a whole -------------------------------------------------------------------------------------------

WHOLE = book(("断面", [line.split(",") for line in SHEET.splitlines()]))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("empty.csv", b"", "0 字节"),
        ("empty.xlsx", b"", "0 字节"),
        ("half.xlsx", WHOLE[: len(WHOLE) // 2], "half.xlsx"),
        ("locked.xlsx", OLE + bytes(4096), "locked.xlsx"),
        ("picture.jpg", b"\xff\xd8\xff\xe0", "不能读这种文件"),
        ("letter.csv", "此致\n敬礼\n".encode(), "找过：实验室结果表"),
        ("noise.csv", bytes(range(256)) * 20, "找过：实验室结果表"),
        ("head.csv", SHEET.splitlines()[0].encode() + b"\n", "没有数据"),
        ("strange.csv", SHEET.replace("示例", "某").encode(), "都没有配置：某河手工断面、某溪手工断面"),
        ("minus.json", b"-1", "找过"),
        ("damaged.csv.gz", b"\x1f\x8b no", "已损坏"),
        ("big.xlsx", b"PK\x03\x04" + os.urandom(25 * 2**20), "20"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_a_file_that_is_refused_goes_with_its_reason_and_stops_no_other(
    office: Office, name: str, body: bytes, said: str
) -> None:
    office.drop(name, body)
    office.drop("zz.csv", SHEET)
    bad, good = office.take()
    assert (bad.state, bad.batch, good.state) == (InboxState.REFUSED, None, InboxState.DONE)
    assert said in bad.reason
    assert bad.moved == f"refused/2022-08/{name}"
    assert office.at(bad).read_bytes() == body
    assert bad.reason in office.at(bad).with_name(f"{name}.退回原因.txt").read_text("utf-8")
    assert office.left() == set()


def test_a_workbook_with_the_wrong_ending_is_read_as_what_it_is(office: Office) -> None:
    office.drop("really.csv", WHOLE)
    office.drop("text.xlsx", SHEET)
    assert [(file.name, file.tally.read) for file in office.take()] == [("really.csv", 4), ("text.xlsx", 4)]


def test_a_huge_file_is_refused_unread(office: Office) -> None:
    with office.drop("huge.csv", b"").open("r+b") as file:
        file.truncate(inbox.CAP + 1)  # takes no room on the disk
    file_ = office.one()
    assert (file_.state, file_.size) == (InboxState.REFUSED, inbox.CAP + 1)
    assert "200 MB" in file_.reason


def test_the_receipt_names_sites_that_are_not_configured(office: Office) -> None:
    office.drop("a.csv", SHEET.replace("示例溪", "某\x1b溪"))
    file = office.one()
    assert (file.tally.new, file.unknown) == (2, ("某_溪手工断面",))
    assert "某_溪手工断面" in office.at(file).with_name("a.csv.回执.txt").read_text("utf-8")


def test_many_refused_rows_do_not_make_a_giant_workbook(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envmon.pipeline.returning.CELLS", 40)
    office.drop("a.csv", SHEET + "示例河手工断面,2022-07-19,x,1\n" * 50)
    assert office.one().tally.refused == 50
    page = openpyxl.load_workbook(office.inbox / "refused/2022-08/a.退回.xlsx").worksheets[0]
    assert page.max_row == 1 + 40 // 4
    assert "前 10 行" in str(page["E1"].value)


def test_a_line_that_is_cut_is_not_taken(office: Office) -> None:
    office.drop("cut.csv", SHEET.removesuffix(",0.02L\n"))
    file = office.one()
    assert (file.state, file.tally.new, file.tally.refused) == (InboxState.DONE, 2, 1)
    assert office.values() == {"示例河手工断面": 0.035}


# --- forms and folders --------------------------------------------------------------------------------------------


def test_a_folder_says_what_its_files_are(office: Office) -> None:
    both = "水源地名称,采样日期,月份,取水量,氨氮\n示例沟水源地,2022-07-08,2022-07,26.5,0.05\n"
    office.drop("both.csv", both)
    assert "实验室结果表" in office.one().reason
    office.drop("both.csv", both, "lab")
    assert (office.one().form, office.values()) == ("lab", {"示例沟水源地": 0.05})


def test_a_folder_nobody_knows_is_told(office: Office) -> None:
    office.drop("a.csv", SHEET, "labs")
    file = office.one()
    assert (file.state, "labs" in file.reason) == (InboxState.REFUSED, True)


def test_events_and_intakes_have_receipts_too(office: Office) -> None:
    office.drop("events.csv", (ROOT / "data/sample/events.csv").read_bytes())
    office.drop("取水.csv", "水源地名称,月份,取水量(万m³)\n示例沟水源地,2022-07,30.125\n示例井水源地,2022-07,未取水\n")
    events, intakes = office.take()
    assert (events.form, events.state, len(office.store.events())) == ("events", InboxState.DONE, events.tally.new)
    assert (intakes.form, intakes.tally.new, intakes.months) == ("intake", 2, ("2022-07",))
    july = periods.parse("2022-07").first
    numbers = office.store.site_numbers
    # 30.125 x 10^4 t are 30125 steps of 10 t
    assert office.store.intakes(july, july) == {
        (july, numbers["source-river"]): 30125,
        (july, numbers["source-well"]): 0,
    }


# --- what goes back -----------------------------------------------------------------------------------------------


def test_refused_rows_come_back_marked_and_are_taken_once_they_are_mended(office: Office) -> None:
    rows: list[list[object]] = [
        ["2022年7月地表水监测结果"],
        ["断面名称", "采样日期", "氨氮(mg/L)", "总磷(mg/L)", "备注"],
        ["示例河手工断面", "2022-07-09", "0.o35", 0.04, "=HYPERLINK(1)"],
        ["示例溪手工断面", "2022-07-10", 0.083, 0.03],
        ["示例溪手工断面", "2022-07-32", 0.1, 0.05],
    ]
    office.drop("七月.xlsx", book(("断面", rows), ("空", [])))
    file = office.one()
    assert (file.state, file.tally.new, file.tally.refused) == (InboxState.DONE, 3, 2)
    back = office.inbox / "refused/2022-08/七月.退回.xlsx"
    page = openpyxl.load_workbook(back)["断面"]
    shown = [[cell.value for cell in row] for row in page.iter_rows()]
    assert [row[0] for row in shown] == [rows[0][0], "断面名称", "示例河手工断面", "示例溪手工断面"]
    assert shown[1][-1] == "退回原因"
    told = office.at(file).with_name("七月.xlsx.回执.txt").read_text("utf-8")
    assert "退回的 2 处在 refused/2022-08/七月.退回.xlsx" in told
    assert "0.o35" in str(shown[2][-1])
    assert "2022-07-32" in str(shown[3][-1])
    assert page["C3"].fill.start_color.rgb == "FFFF9999"
    assert page["C3"].comment is not None
    assert page["D3"].fill.fill_type is None
    assert page["E3"].data_type == "s"  # never a formula

    book_ = openpyxl.load_workbook(back)
    book_["断面"]["C3"], book_["断面"]["B4"] = 0.035, "2022-07-12"
    book_.save(office.inbox / "七月.退回.xlsx")
    mended = office.one()
    assert (mended.state, mended.tally.refused) == (InboxState.DONE, 0)
    assert (mended.tally.new, mended.tally.same) == (3, 1)  # nh3n of the one, both of the other; tp was known
    assert office.values("nh3n")["示例河手工断面"] == 0.035


def test_each_sheet_comes_back_under_its_name(office: Office) -> None:
    hours = [["城市", "日期", "小时(时段末)", "PM2.5"], ["成都", "2022-05-01", 25, 35], ["成都", "2022-05-01", 2, 36]]
    days = [["城市", "日期", "O3_8h"], ["成都", "2022-05-01", "很高"], ["成都", "2022-05-02", 90]]
    notes, other = [["说明"], ["以上数据已审核"]], [["甲", "乙"], [1, 2], [3, 4]]
    office.drop("审核.xlsx", book(("小时", hours), ("日", days), ("封面", notes), ("另表", other)))
    file = office.one()
    assert (file.form, file.tally.new, file.tally.refused) == ("reviewed", 2, 3)  # the third: a sheet without a header
    back = openpyxl.load_workbook(office.inbox / "refused/2022-08/审核.退回.xlsx")
    shown = {page.title: [row[0].value for row in page.iter_rows()] for page in back.worksheets}
    assert (shown["小时"], shown["日"]) == (["城市", "成都"], ["城市", "成都"])
    assert back["小时"]["C2"].comment is not None
    back["小时"]["C2"], back["日"]["C2"] = 1, 88
    back.save(office.inbox / "审核.退回.xlsx")
    assert [row[0] for row in back["退回原因清单"].iter_rows(values_only=True)] == ["工作表", "另表"]
    mended = office.one()
    assert (mended.tally.new, mended.tally.same, mended.tally.refused) == (2, 0, 0)


def test_a_column_nobody_knows_comes_back_with_its_values(office: Office) -> None:
    office.drop("a.csv", SHEET.replace("总磷(mg/L)", "总林(mg/L)"))
    office.take()
    page = openpyxl.load_workbook(office.inbox / "refused/2022-08/a.退回.xlsx").worksheets[0]
    rows = [[cell.value for cell in row] for row in page.iter_rows()]
    assert [row[:4] for row in rows] == [line.split(",") for line in SHEET.replace("总磷", "总林").splitlines()]
    page["D1"] = "总磷(mg/L)"
    page.parent.save(office.inbox / "a.退回.xlsx")
    assert office.one().tally.refused == 0
    assert office.values("tp") == {"示例河手工断面": 0.04, "示例溪手工断面": 0.02}


def test_a_file_of_which_nothing_enters_is_refused_with_its_rows(office: Office) -> None:
    office.drop("bad.csv", SHEET.replace("2022-07", "2022-17"))
    file = office.one()
    assert (file.state, file.tally.refused, file.moved) == (InboxState.REFUSED, 2, "refused/2022-08/bad.csv")
    names = {path.name for path in (office.inbox / "refused/2022-08").iterdir()}
    assert names == {"bad.csv", "bad.csv.退回原因.txt", "bad.退回.xlsx"}
    assert [row["line"] for row in office.store.rejects(0, NOW + 99)] == [2, 3]


# --- broken off ---------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from functools import partial
from pathlib import Path
from envmon.pipeline import inbox
from envmon.pipeline.wiring import load_config
from envmon.store import Store
config = load_config(Path(sys.argv[1]))
os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
inbox.take(partial(Store.open, Path(config.paths.database)), config, int(sys.argv[2]), lambda: None)
"""


def run(code: str, *words: str, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False, preexec_fn=before)


def test_killed_between_commit_and_move_it_is_taken_again_and_everything_is_known(office: Office) -> None:
    office.drop("七月.csv", SHEET)
    office.store.close()
    done = run(KILLED, office.config.file, str(NOW))
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert office.left() == {"七月.csv"}
    with Store.open(Path(office.config.paths.database)) as store:
        office.store, office.opened = store, daemon.kept_open(store)
        assert len(office.values()) == 2  # committed
        file = office.one()
        assert (file.tally.new, file.tally.same) == (0, 4)
        assert office.at(file).read_text("utf-8") == SHEET
        assert office.left() == set()


FULL = """
import resource, sys
from functools import partial
from pathlib import Path
from envmon.errors import EnvmonError
from envmon.pipeline import inbox
from envmon.pipeline.wiring import load_config
from envmon.store import Store
config = load_config(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (3 * 2**20, 3 * 2**20))
try:
    inbox.take(partial(Store.open, Path(config.paths.database)), config, int(sys.argv[2]), lambda: None)
except EnvmonError as error:
    print(error.said("zh"))
"""


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_a_disk_that_fills_up_while_a_file_is_moved_leaves_it_where_it_was(office: Office, tmp_path: Path) -> None:
    """done/ lies on another file system, on which no file may grow above 3 MB: the copy stops half-way."""
    other = Path("/dev/shm") / f"envmon-{os.getpid()}-{tmp_path.name}"
    other.mkdir()
    try:
        (office.inbox / "done").symlink_to(other)
        office.drop("a-big.csv", SHEET + (" " * 999 + "\n") * 4200)
        office.drop("b-small.csv", SHEET)
        office.store.close()
        done = run(FULL, office.config.file, str(NOW))
        assert "a-big.csv 没有处理完" in done.stdout, done.stderr
        assert office.left() == {"a-big.csv"}
        names = {path.name for path in (other / "2022-08").iterdir()}
        assert names == {"b-small.csv", "b-small.csv.回执.txt"}
        with Store.open(Path(office.config.paths.database)) as store:  # there is room again
            office.store, office.opened = store, daemon.kept_open(store)
            assert office.one().tally.same == 4
        assert office.left() == set()
    finally:
        shutil.rmtree(other)


def test_a_file_that_breaks_the_program_does_not_keep_the_others_out_for_ever(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error nobody expects, as a mistake in a parser would raise it."""
    real = inbox.understand

    def broken(*given, **more):  # type: ignore[no-untyped-def]
        if given[3].name == "a-bad.csv":
            raise ZeroDivisionError
        return real(*given, **more)

    monkeypatch.setattr(inbox, "understand", broken)
    office.drop("a-bad.csv", SHEET)
    office.drop("b-good.csv", SHEET)
    for _ in range(inbox.MOST_TRIES):
        with pytest.raises(ZeroDivisionError):
            office.take()
        assert office.left() == {"a-bad.csv", "b-good.csv"}
    bad, good = office.take()
    assert (bad.state, "3 次" in bad.reason, good.state) == (InboxState.REFUSED, True, InboxState.DONE)
    assert office.store.meta(inbox.TRIES) == {}


def test_two_processes_do_not_take_one_inbox(office: Office) -> None:
    office.drop("a.csv", SHEET)
    with inbox._alone(office.inbox), pytest.raises(UsageError, match="another envmon"):
        office.take()
    assert office.left() == {"a.csv"}


def test_nothing_of_a_file_is_stored_when_its_receipt_cannot_be(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.store.db.execute("CREATE TEMP TRIGGER no BEFORE INSERT ON inbox_file BEGIN SELECT RAISE(ABORT, 'no'); END")
    office.drop("a.csv", SHEET)
    with pytest.raises(EnvmonError):
        office.take()
    assert (office.values(), office.left()) == ({}, {"a.csv"})
    office.store.db.execute("DROP TRIGGER no")
    assert office.one().tally.new == 4


def test_receipts_stay(office: Office) -> None:
    office.drop("a.csv", SHEET)
    office.take()
    for statement in ("DELETE FROM inbox_file", "UPDATE inbox_file SET state = 'x'"):
        with pytest.raises(Exception, match="receipt is never"):
            office.store.db.execute(statement)


def test_others_may_write_while_a_file_is_read(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.store.close()
    path = Path(office.config.paths.database)
    read, busy = inbox.understand, []

    def slow(*given):  # type: ignore[no-untyped-def]
        with Store.open(path, wait=0):
            busy.append(False)
        return read(*given)

    monkeypatch.setattr(inbox, "understand", slow)
    office.opened = partial(Store.open, path)
    office.drop("七月.csv", SHEET)
    assert office.one().tally.new == 4  # of streams the store did not know before
    with Store.open(path, readonly=True) as office.store:
        assert office.values() == {"示例河手工断面": 0.035, "示例溪手工断面": 0.083}
    assert busy == [False]


def test_a_header_of_merged_cells_comes_back_merged_and_is_read_again(office: Office) -> None:
    made = openpyxl.Workbook()
    page = made.worksheets[0]
    for row in (
        ["六月地表水监测结果表", None, None, None, None],
        ["断面名称", "采样日期", "营养盐", None, "备注"],
        [None, None, "氨氮", "总磷", None],
        [None, None, "mg/L", "mg/L", None],
        ["示例河手工断面", "2022-07-09", "约0.1", 0.04, ""],
    ):
        page.append(row)
    for area in ("A1:E1", "A2:A4", "B2:B4", "C2:D2", "E2:E4"):
        page.merge_cells(area)
    out = io.BytesIO()
    made.save(out)
    office.drop("六月.xlsx", out.getvalue())
    file = office.one()
    assert (file.tally.new, file.tally.refused) == (1, 1)
    (back,) = office.inbox.glob("refused/*/*.xlsx")
    returned = openpyxl.load_workbook(back)
    page = returned.worksheets[0]
    assert {str(area) for area in page.merged_cells.ranges} == {"A1:E1", "A2:A4", "B2:B4", "C2:D2", "E2:E4"}
    assert (page["C5"].value, page["F4"].value) == ("约0.1", "退回原因")
    assert page.column_dimensions["A"].width >= 16  # 示例河手工断面 takes 14
    page["C5"] = "0.1"
    returned.save(office.inbox / "改好.xlsx")
    assert (again := office.one()).tally.refused == 0, again
    assert office.values() == {"示例河手工断面": 0.1}


def test_merged_areas_that_meet_do_no_harm() -> None:
    from envmon.sheets.rejects import Returned, reject_book

    rows = [(1, ["a", "a", "b"]), (2, ["a", "a", "b"]), (3, ["1", "2", "3"])]
    meeting = [(1, 1, 2, 2), (1, 2, 1, 3), (1, 1, 1, 1), (1, 3, 2, 9)]
    body = reject_book([Returned("1", rows, frozenset([1, 2]), {}, {3: "x"}, meeting)], "why")
    page = openpyxl.load_workbook(io.BytesIO(body)).worksheets[0]
    assert [str(area) for area in page.merged_cells.ranges] == ["A1:B2"]
