"""`envmon import` without a source: the header tells the form; rehearsals, folders, standard input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from envmon.cli import root
from envmon.store import Store

ROOT = Path(__file__).parent.parent
SHEET = (
    "名称,采样日期,氨氮(mg/L),总磷(mg/L)\n示例河手工断面,2022-07-09,0.035,0.04\n示例溪手工断面,2022-07-10,0.08x,0.02L\n"
)


@pytest.fixture
def office(make_bureau, tmp_path: Path):  # type: ignore[no-untyped-def]
    bureau = make_bureau(tmp_path / "bureau")
    (bureau.folder / "七月.csv").write_text(SHEET, "utf-8")
    return bureau


def run(office, *words: str, code: int = 0, stdin: bytes | None = None):  # type: ignore[no-untyped-def]
    result = CliRunner().invoke(root, ["--config", str(office.path), *words], input=stdin)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def counts(path: Path) -> dict[str, int]:
    with Store.open(path, readonly=True) as store:
        tables = ("reading", "batch", "reject", "stream", "exceptional_event", "intake_volume", "site")
        return {name: store.db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


def test_the_header_tells_the_form(office) -> None:  # type: ignore[no-untyped-def]
    answer = json.loads(run(office, "import", "--json", str(office.folder / "七月.csv"), code=3).stdout)
    assert [(one["form"], one["new"], one["refused"], one["dry_run"]) for one in answer] == [("lab", 3, 1, False)]


def test_a_rehearsal_counts_as_an_import_would_and_stores_nothing(office) -> None:  # type: ignore[no-untyped-def]
    path = str(office.folder / "七月.csv")
    first = run(office, "import", "--dry-run", path, code=3)
    assert "新增 3" in first.stdout
    assert "第 3 行，第 3 列" in first.stdout
    assert not office.database.exists()
    assert not (office.folder / "data/rejects").exists()
    run(office, "import", path, code=3)
    before = counts(office.database)
    (office.folder / "b.csv").write_text(SHEET.replace("0.035", "0.036").replace("0.08x", "0.08"), "utf-8")
    words = ("import", "--dry-run", "--json", path, str(office.folder / "b.csv"))
    told = json.loads(run(office, *words, code=3).stdout)
    assert [(one["new"], one["same"], one["revised"], one["refused"]) for one in told] == [(0, 3, 0, 1), (1, 2, 1, 0)]
    assert counts(office.database) == before
    assert [one["reject_file"] for one in told] == [None, None]
    done = json.loads(run(office, "import", "--json", str(office.folder / "b.csv")).stdout)
    assert [(one["new"], one["same"], one["revised"]) for one in done] == [(1, 2, 1)]  # as it was told


def test_all_files_of_a_folder(office) -> None:  # type: ignore[no-untyped-def]
    folder = office.folder / "many"
    folder.mkdir()
    (folder / "a.csv").write_text(SHEET.replace("0.08x", "0.08"), "utf-8")
    (folder / "取水.csv").write_text("水源地名称,月份,取水量\n示例井水源地,2022-07,4.1\n", "utf-8")
    (folder / ".hidden").write_text("x", "utf-8")
    (folder / "~$a.xlsx").write_text("x", "utf-8")
    answer = json.loads(run(office, "import", "--json", str(folder)).stdout)
    assert [(one["form"], one["new"]) for one in answer] == [("lab", 4), ("intake", 1)]
    (office.folder / "none").mkdir()
    run(office, "import", str(office.folder / "none"), code=1)


def test_one_that_is_of_no_form_fails_and_the_others_go_in(office) -> None:  # type: ignore[no-untyped-def]
    (office.folder / "letter.csv").write_text("此致\n敬礼\n", "utf-8")
    words = ("import", "--json", str(office.folder / "letter.csv"), str(office.folder / "七月.csv"))
    letter, sheet = json.loads(run(office, *words, code=1).stdout)
    assert ("找过" in letter["error"], sheet["new"]) == (True, 3)


def test_a_source_or_a_form_can_be_named(office) -> None:  # type: ignore[no-untyped-def]
    path = office.folder / "both.csv"
    path.write_text("水源地名称,采样日期,月份,取水量,氨氮\n示例沟水源地,2022-07-08,2022-07,26.5,0.05\n", "utf-8")
    assert "分成几个文件" in run(office, "import", str(path), code=1).stdout
    assert "新增 1" in run(office, "import", "--source", "lab", str(path), code=3).stdout
    assert "intake" in run(office, "import", "--source", "intake", "--json", str(path), code=3).stdout


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(office, packed: bool) -> None:  # type: ignore[no-untyped-def]
    import gzip

    body = SHEET.replace("0.08x", "0.08").encode()
    command = [sys.executable, "-c", "import envmon.cli; envmon.cli.main()", "--config", str(office.path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "import", "--json", "-"],
        input=gzip.compress(body) if packed else body,
        capture_output=True,
        env=env,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [(one["file"], one["new"]) for one in json.loads(done.stdout)] == [("-", 4)]


def test_the_inbox_from_the_command_line(office, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    from envmon.cli import inbox

    monkeypatch.setattr(inbox, "SETTLE", 0.05)
    box = office.folder / "data/inbox"
    assert "收件夹 data/inbox 是空的" in run(office, "inbox").stdout
    run(office, "inbox", "run")
    assert box.is_dir()
    (box / "=七月\x1b[31m.csv").write_text(SHEET, "utf-8")
    os.mkfifo(box / "pipe")
    waiting = json.loads(run(office, "inbox", "--json").stdout)
    assert [one["state"] for one in waiting] == ["waiting", "ignored"]
    done = json.loads(run(office, "inbox", "run", "--json", code=3).stdout)
    assert [(one["state"], one["new"], one["refused"]) for one in done] == [("ignored", None, None), ("done", 3, 1)]
    text = run(office, "inbox").stdout
    assert "\x1b" not in text
    assert "新增 3，退回 1" in text
    assert "'=七月_[31m.csv" in run(office, "inbox", "--csv").stdout
    assert set(done[0]) == set(done[1]) == set(waiting[0])


def test_what_is_refused_is_told_with_its_sheet_and_cell(office) -> None:  # type: ignore[no-untyped-def]
    import csv

    import openpyxl

    book = openpyxl.Workbook()
    book.worksheets[0].title = "五月"
    heads = ["名称", "采样日期", "氨氮(mg/L)"]
    for page in (book.worksheets[0], book.create_sheet("六月")):
        page.append(heads)
        page.append(["示例河手工断面", "2022-07-09", "约0.1"])
    book.worksheets[1].append(["示例河手工断面", "2022-07-09", "0.2"])
    book.create_sheet("附表").append([1, 2, 3, 4])
    path = office.folder / "两张.xlsx"
    book.save(path)
    said = run(office, "import", "--dry-run", str(path), code=3).stdout
    assert "工作表 五月，第 2 行，第 3 列：" in said
    assert "会拒收：工作表 附表：" in said
    run(office, "import", str(path), code=3)
    rows = json.loads(run(office, "rejects", "--json").stdout)
    places = [("五月", 2, 3), ("六月", 2, 3), ("附表", 0, 0)]
    assert [(one["sheet"], one["line"], one["column"]) for one in rows] == places
    assert "工作表" in run(office, "rejects").stdout
    with (office.folder / "data/rejects/两张.xlsx.rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        found = [(row["工作表"], row["行号"], row["列"]) for row in csv.DictReader(file)]
    assert found == [("五月", "2", "3"), ("六月", "2", "3"), ("附表", "0", "")]
