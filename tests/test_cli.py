"""The command line as people and programs use it, on a database that a short demo made from the bundled readings."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import unicodedata
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from envmon import cli

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data/sample"
COMMANDS = tuple(cli.COMMANDS)
SUBCOMMANDS = [
    ["assess", "air"],
    ["assess", "water"],
    ["assess", "sources"],
    ["assess", "flips"],
    ["event", "list"],
    ["event", "dust"],
    ["stats", "air"],
    ["stats", "rank"],
    ["config", "check"],
    ["config", "show"],
    ["calc", "aqi"],
    ["calc", "hours"],
    ["calc", "water"],
    ["explain", "day"],
    ["explain", "rate"],
    ["explain", "section"],
    ["explain", "source"],
    ["explain", "stats"],
]
HEAVY = {"pandas", "numpy", "matplotlib", "sqlite_utils", "rich", "pydantic", "requests", "schedule", "openpyxl"}
COLOUR = re.compile(r"\x1b\[")


class Said(NamedTuple):
    code: int
    out: str
    err: str


def process(*words: str, cwd: Path, given: str = "", python: tuple[str, ...] = (), **environment: str) -> Said:
    """A real `envmon` process."""
    command = [sys.executable, *python, "-c", "import envmon.cli; envmon.cli.main()", *words]
    keep = {key: value for key, value in os.environ.items() if not key.startswith("ENVMON_")}
    found = subprocess.run(
        command, cwd=cwd, input=given, capture_output=True, text=True, encoding="utf-8", timeout=120,
        env=keep | {"PYTHONUTF8": "1"} | environment,
    )  # fmt: skip
    return Said(found.returncode, found.stdout, found.stderr)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the repository's own, in which the demo lived through January 2022."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "data").mkdir()
    for name in ("config.toml", "sites.csv", "plan.csv"):
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copytree(SAMPLE, folder / "data/sample")
    said = process("demo", "--until", "2022-01-31", cwd=folder)
    assert said.code == 0, said.err
    (folder / "demo.txt").write_text(said.out, "utf-8")
    return folder


@pytest.fixture
def envmon(office: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command line inside this process, in the office."""

    def run(*words: str) -> Said:
        monkeypatch.chdir(office)
        monkeypatch.setattr(sys, "argv", ["envmon", *words])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        return Said(code, *capsys.readouterr())

    return run


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def example_of(said: Said) -> str:
    """The example below a help text, on one line."""
    found = " ".join(said.out.partition("示例：")[2].split())
    assert "envmon " in found, said.out
    return found


def in_shell(example: str, folder: Path) -> Said:
    """An example as a person would paste it, in a real shell."""
    known = f"envmon() {{ '{sys.executable}' -c 'import envmon.cli; envmon.cli.main()' \"$@\"; }}; "
    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", known + example], cwd=folder, capture_output=True, text=True, timeout=60
    )
    return Said(found.returncode, found.stdout, found.stderr)


# ---- help and examples ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [[], *([one] for one in COMMANDS), *SUBCOMMANDS], ids=" ".join)
def test_help_of_every_command(envmon: Callable[..., Said], words: list[str]) -> None:
    for flag in ("-h", "--help"):
        said = envmon(*words, flag)
        assert (said.code, said.err) == (0, "")
        assert re.search("[\u4e00-\u9fff]{2}", said.out)
    if words and words != ["calc"]:  # which is two commands with an example each
        assert f"envmon {words[0]} " in example_of(said) + " "


def test_the_list_of_commands_is_whole(envmon: Callable[..., Said]) -> None:
    said = envmon("-h")
    for name in COMMANDS:
        assert re.search(rf"^  {name}  +\S", said.out, re.MULTILINE)


QUICK = [
    name for name in COMMANDS if name not in ("demo", "run", "import", "init", "calc", "feed", "listen", "station")
]
"""Without those that go on, write, or ask about what the demo has not; they have tests of their own."""


@pytest.mark.parametrize("words", [*([one] for one in QUICK), *SUBCOMMANDS], ids=" ".join)
def test_the_example_runs(envmon: Callable[..., Said], office: Path, words: list[str]) -> None:
    example = example_of(envmon(*words, "-h"))
    said = in_shell(example, office) if "|" in example else envmon(*shlex.split(example)[1:])
    assert said.code == 0, said.err
    assert said.out.strip()


def test_the_example_of_feed_serves_until_it_is_interrupted(envmon: Callable[..., Said], office: Path) -> None:
    words = [*shlex.split(example_of(envmon("feed", "-h")))[1:], "--port", "0"]
    command = [sys.executable, "-u", "-c", "import envmon.cli; envmon.cli.main()", *words]
    with subprocess.Popen(command, cwd=office, stdout=subprocess.PIPE, text=True, encoding="utf-8") as server:
        try:
            assert server.stdout is not None
            (url,) = re.findall(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
            with urllib.request.urlopen(f"{url}/archive/china_cities_20220301.csv", timeout=20) as answer:
                lines = answer.read().decode().splitlines()
            assert lines[0].startswith("date,hour,type,")
            assert {line.split(",")[1] for line in lines[1:]} <= {str(hour) for hour in range(9)}  # it is 8 o'clock
        finally:
            server.send_signal(signal.SIGINT)
    assert server.returncode == 0


@pytest.mark.parametrize("name", ["run", "init"])
def test_the_example_that_writes_runs(envmon: Callable[..., Said], bureau, name: str) -> None:  # type: ignore[no-untyped-def]
    example = example_of(envmon(name, "-h"))
    shutil.copytree(SAMPLE, bureau.folder / "data/sample")
    said = in_shell(example, bureau.folder)
    assert said.code == 0, said.err
    assert "Traceback" not in said.err
    if name == "init":
        assert in_shell(f"envmon --config {example.split()[-1]}/config.toml config check", bureau.folder).code == 0


def test_the_demo_says_where_everything_is(office: Path) -> None:
    text = (office / "demo.txt").read_text("utf-8")
    named = re.findall(r"(?:data|charts)/\S+\.(?:db|jsonl|log|png|html)", text)
    assert len(named) > 10
    for path in named:
        assert (office / path).stat().st_size > 0
    lines = (office / "data/alerts.jsonl").read_text("utf-8").splitlines()
    assert re.search(rf"alerts\.jsonl\S*{len(lines)}", text)
    assert all(json.loads(line)["id"] for line in lines)


def test_charts_of_a_week(envmon: Callable[..., Said], office: Path) -> None:
    said = envmon("charts", "--week", "2022-W02")
    assert said.code == 0
    paths = [office / line for line in said.out.splitlines()]
    assert {path.suffix for path in paths} == {".png", ".svg", ".html"}
    assert all(path.stat().st_size > 1000 for path in paths)


# ---- JSON and CSV --------------------------------------------------------------------------------------------------

AIR = "date subject name aqi level level_name primary primary_names pm25 so2 no2 co o3 pm10 status edition missing"
WATER = "period site name class target good main missing basis readings counted status edition item_set"
RATES = "rate area period from to percent numerator denominator excluded editions basis target required gap allowed"
LISTINGS = {
    "rates --period 2022-01": RATES,
    "assess air --period 2022-01": AIR,
    "assess air --period 2022-W02 --standard 2026": AIR,
    "assess water --period 2022-01": WATER,
    "assess water --period 2022-01 --by day": WATER,
    "assess sources --period 2022-01": WATER,
    "alerts --all": "id rule subject severity since title",
    "sites": "id name kind area code body target counted last",
    "standards": "id phase title from to family file unconfirmed",
    "config show": "key value origin",
}


@pytest.mark.parametrize("line", LISTINGS)
def test_a_listing_as_json_csv_and_table(envmon: Callable[..., Said], line: str) -> None:
    keys = set(LISTINGS[line].split())
    said = envmon(*line.split(), "--json")
    assert said.code == 0
    rows = json.loads(said.out)
    assert rows
    assert all(keys <= set(row) for row in rows)
    assert all(re.fullmatch(r"[a-z0-9_]+", key) for row in rows for key in row)
    said = envmon(*line.split(), "--csv")
    read = list(csv.DictReader(io.StringIO(said.out)))
    assert len(read) == len(rows)
    assert keys <= set(read[0])
    assert None not in read[0]
    said = envmon(*line.split())
    areas = len({row["area"] for row in rows}) if line.startswith("rates") else 0  # a table each, with its name
    assert len(said.out.splitlines()) == len(rows) + (4 * areas - 1 if areas else 2)
    if line.startswith(("assess", "sites")):
        assert all(row["name"] in said.out for row in rows)


def test_the_columns_of_a_table_stand_below_their_heads(envmon: Callable[..., Said]) -> None:
    head, rule, *lines = envmon("sites").out.splitlines()
    starts = [0]
    for part in rule.split("  ")[:-1]:
        starts.append(starts[-1] + width(part) + 2)
    for line in [head, *lines]:
        columns = "".join(one + ("" if width(one) == 1 else "\0") for one in line)  # one character a column
        assert all(columns[start - 2 : start] == "  " for start in starts[1:] if start < len(columns))


def test_figures_are_the_same_in_every_form(envmon: Callable[..., Said]) -> None:
    """成都 in January 2022: counted again from the daily rows."""
    days = json.loads(envmon("assess", "air", "--period", "2022-01", "--area", "chengdu", "--json").out)
    (rate,) = json.loads(envmon("rates", "--period", "2022-01", "--area", "chengdu", "--json").out)[:1]
    good = sum(row["aqi"] is not None and row["aqi"] <= 100 for row in days)
    assert (rate["rate"], rate["numerator"], rate["denominator"]) == ("good_days", good, len(days))
    assert len(days) == 31
    assert abs(rate["percent"] - 100 * good / 31) <= 0.05
    status = json.loads(envmon("status", "--json").out)
    (target,) = (one for one in status["targets"] if one["id"] == "chengdu-good-days-2022")
    assert (target["numerator"], target["denominator"]) == (good, 31)
    assert target["allowed"] == 365 - 290 - (31 - good)


def test_status_as_json(envmon: Callable[..., Said]) -> None:
    found = json.loads(envmon("status", "--json").out)
    keys = "bureau as_of recorded targets open_incidents incidents outstanding"
    keys += " sites unheard_sites silent_sites daemon failing"
    assert set(keys.split()) <= set(found)
    keys = "id rate area period percent numerator denominator excluded editions required gap allowed prospect"
    assert all(set(keys.split()) <= set(one) for one in found["targets"])
    assert len(found["targets"]) == 5
    assert found["recorded"] is True


def test_import_as_json_says_what_became_of_the_rows(office: Path, tmp_path: Path) -> None:
    for name in ("config.toml", "sites.csv", "plan.csv"):
        shutil.copyfile(office / name, tmp_path / name)
    file = str(SAMPLE / "lab/lab_2022-01.csv")
    words = ("import", "--source", "lab", "--json", file)
    first, second = (json.loads(process(*words, cwd=tmp_path).out) for _ in range(2))
    assert set(first[0]) == {
        "file",
        "read",
        "new",
        "same",
        "revised",
        "older",
        "refused",
        "reject_file",
        "form",
        "dry_run",
    }
    assert first[0]["new"] == first[0]["read"] > 50
    assert (second[0]["new"], second[0]["same"]) == (0, first[0]["new"])


def test_an_import_into_a_demo_is_judged_at_the_time_it_stands_at(office: Path, tmp_path: Path) -> None:
    folder = tmp_path / "office"
    shutil.copytree(office, folder)
    before = json.loads(process("status", "--json", cwd=folder).out)
    said = process("import", "--source", "lab", "data/sample/lab/lab_2022-01.csv", cwd=folder)
    assert (said.code, said.err) == (0, "")
    assert json.loads(process("status", "--json", cwd=folder).out)["silent_sites"] == before["silent_sites"]


def test_explain_gives_the_values_behind_a_day(envmon: Callable[..., Said]) -> None:
    (row,) = json.loads(envmon("assess", "air", "--period", "2022-01-15", "--area", "chengdu", "--json").out)
    said = envmon("explain", "day", "chengdu", "2022-01-15")
    assert said.code == 0
    assert str(row["aqi"]) in said.out
    assert "HJ 633-2012" in said.out
    json.loads(envmon("explain", "day", "chengdu", "2022-01-15", "--json").out)


# ---- exit codes ----------------------------------------------------------------------------------------------------


def test_exit_0(envmon: Callable[..., Said]) -> None:
    assert envmon("--version").code == 0
    assert envmon("config", "check").code == 0


def test_exit_1_without_a_database(tmp_path: Path) -> None:
    for name in ("config.toml", "sites.csv", "plan.csv"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    for words in (["status"], ["rates"], ["alerts"], ["assess", "air"], ["charts", "--year", "2022"]):
        said = process(*words, cwd=tmp_path)
        assert (said.code, said.out) == (1, ""), words
        assert "envmon.db" in said.err
        assert "Traceback" not in said.err
        assert len(said.err.splitlines()) == 1
    assert not (tmp_path / "data").exists()  # asking makes nothing


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("statu", "status"),
        ("rates --period 2022-13", "2022-13"),
        ("rates --area chengd", "chengdu"),
        ("assess air --site gangtuo-bridg", "gangtuo-bridge"),
        ("import --source arhive sites.csv", "archive"),
        ("import --source archive nowhere.csv", "nowhere.csv"),
        ("charts", "--week"),
        ("charts --week 2022-W02 --year 2022", "--week"),
        ("run --until tomorrow --dry-run", "tomorrow"),
        ("explain day nowhere 2022-01-15", "nowhere"),
        ("--config nowhere.toml config check", "nowhere.toml"),
        ("--lang fr status", "fr"),
        ("status --jsn", "--json"),
    ],
)
def test_exit_2_names_what_is_wrong(envmon: Callable[..., Said], line: str, named: str) -> None:
    said = envmon(*line.split())
    assert (said.code, said.out) == (2, "")
    assert named in said.err
    assert "Traceback" not in said.err


def test_exit_3_when_some_rows_are_bad(office: Path, tmp_path: Path) -> None:
    for name in ("config.toml", "sites.csv", "plan.csv"):
        shutil.copyfile(office / name, tmp_path / name)
    file = tmp_path / "china_cities_20220101.csv"
    file.write_text("date,hour,type,成都\n20220101,1,PM2.5,80\n20220101,2,PM2.5,8O\n", "utf-8")
    said = process("import", "--source", "archive", str(file), cwd=tmp_path)
    assert said.code == 3
    rejected = tmp_path / "data/rejects/china_cities_20220101.csv.rejected.csv"
    assert str(rejected) in said.out
    with rejected.open(encoding="utf-8-sig", newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert row == {"工作表": "", "行号": "3", "列": "", "原因": "成都 的 PM2.5 不是数", "原文": "8O"}


# ---- what a terminal sees, what a program sees ---------------------------------------------------------------------


def test_a_pipe_gets_no_colours_and_a_terminal_does(office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["status"], ["alerts"], ["rates"], ["nonsense"], ["rates", "--area", "x"]):
        said = process(*words, cwd=office)
        assert not COLOUR.search(said.out + said.err), words
    monkeypatch.chdir(office)
    from click.testing import CliRunner

    shown = CliRunner().invoke(cli.root, ["status"], color=True)
    assert COLOUR.search(shown.output)
    assert click.unstyle(shown.output) == CliRunner().invoke(cli.root, ["status"]).output


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_status_fits_80_columns(envmon: Callable[..., Said], lang: str) -> None:
    said = envmon("--lang", lang, "status")
    assert said.code == 0
    lines = said.out.splitlines()
    assert 10 < len(lines) <= 40
    assert max(map(width, lines)) <= 80


def test_english(office: Path, envmon: Callable[..., Said]) -> None:
    """Everything of the program's own is English; only names of places and of documents are not."""
    names = json.loads(envmon("sites", "--json").out)
    known = {row["name"] for row in names} | {"甘孜藏族自治州", "成都市", "生态环境局（演示）", "环办〔2011〕22号"}
    for words in (["-h"], ["status"], ["rates"], ["alerts", "--all"], ["assess", "water"], ["rates", "-h"]):
        said = process("--lang", "en", *words, cwd=office)
        assert said.code == 0
        text = said.out
        for name in sorted(known, key=len, reverse=True):
            text = text.replace(name, "")
        assert re.findall("[\u4e00-\u9fff]+", text) == [], words
    said = process("status", cwd=office, ENVMON_LANG="en")
    assert "Open alerts" in said.out or "open" in said.out
    keys = [list(json.loads(process("--lang", lang, "rates", "--json", cwd=office).out)[0]) for lang in ("zh", "en")]
    assert keys[0] == keys[1]


@pytest.mark.parametrize("words", [["--version"], ["status"], ["status", "--json"], ["-h"]], ids=" ".join)
def test_quick_commands_load_nothing_heavy(office: Path, words: list[str]) -> None:
    said = process(*words, cwd=office, python=("-X", "importtime"))
    assert said.code == 0
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.err.splitlines()}
    assert "click" in loaded
    assert loaded & HEAVY == set()


def test_a_reader_that_leaves_early_is_no_error(office: Path) -> None:
    found = in_shell("envmon config show --json | head -1", office)
    assert "Traceback" not in found.err
    assert "BrokenPipe" not in found.err


# ---- the service ---------------------------------------------------------------------------------------------------


def test_dry_run_lists_what_is_due_and_touches_nothing(envmon: Callable[..., Said], office: Path) -> None:
    before = (office / "data/envmon.db").read_bytes()
    said = envmon("run", "--dry-run", "--until", "2022-02-01T10:00")
    assert said.code == 0
    assert "数据源 archive：9 个时段到期" in said.out
    assert (office / "data/envmon.db").read_bytes() == before


def test_a_demo_never_touches_a_database_that_is_not_its_own(tmp_path: Path) -> None:
    for name in ("config.toml", "sites.csv", "plan.csv"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    file = str(SAMPLE / "lab/lab_2022-01.csv")
    assert process("import", "--source", "lab", file, cwd=tmp_path).code == 0
    database = tmp_path / "data/envmon.db"
    before = database.read_bytes()
    said = process("demo", "--sample", str(SAMPLE), "--until", "2022-01-02", cwd=tmp_path)
    assert said.code == 2
    assert "envmon.db" in said.err
    assert database.read_bytes() == before
