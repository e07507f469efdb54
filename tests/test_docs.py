"""The papers: links lead somewhere, command lines in them are understood, JSON answers are what the program gives."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from envmon import cli, periods, standards
from envmon.feed import Feed
from envmon.hj212.frames import encode
from envmon.listener import Listening
from envmon.model import (
    POLLUTANTS,
    Basis,
    Flag,
    Kind,
    Message,
    RateName,
    Status,
    WaterClass,
    WaterJudgement,
    WaterPeriod,
)
from envmon.pipeline.judge import judge
from envmon.pipeline.judge_water import in_force
from envmon.pipeline.telemetry import drain
from envmon.pipeline.wiring import load_config
from envmon.standards import parameters
from envmon.store import Store

ROOT = Path(__file__).resolve().parent.parent
PRODUCED = {"build", "dist", "node_modules"}
FOLDERS = [p for p in sorted(ROOT.iterdir()) if p.is_dir() and p.name[0] != "." and p.name not in PRODUCED]
PAGES = [*sorted(ROOT.glob("*.md")), *(page for folder in FOLDERS for page in sorted(folder.rglob("*.md")))]
READMES = (ROOT / "README.md", ROOT / "README.zh.md")
GUIDES = [*READMES, *sorted((ROOT / "docs").rglob("*.md"))]
JSON_PAGE = ROOT / "docs/json.md"

FENCE = re.compile(r"^(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    """A page without its code."""
    return INLINE_CODE.sub("", FENCE.sub("", path.read_text("utf-8")))


def anchors(path: Path) -> set[str]:
    """What `#name` may be on a page: its headings in lower case, without punctuation, blanks as hyphens."""
    found = set()
    for heading in HEADING.findall(FENCE.sub("", path.read_text("utf-8"))):
        kept = (c for c in heading.lower() if c in " -_" or unicodedata.category(c)[0] in "LNM")
        found.add("".join(kept).replace(" ", "-"))
    return found


# ---- links ---------------------------------------------------------------------------------------------------------


def test_the_pages_are_found() -> None:
    names = {name_of(page) for page in PAGES}
    assert {"README.md", "README.zh.md", "CHANGELOG.md", "docs/json.md", "data/README.md", "charts/README.md"} <= names
    assert len([name for name in names if name.startswith("docs/decisions/")]) >= 6


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for match in LINK.finditer(prose(page)):
        target = match[1] or match[2]
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), f"{name_of(page)}: {target}"
        assert there.is_relative_to(ROOT), f"{name_of(page)}: {target} leaves the repository"
        if anchor:
            assert anchor in anchors(there), f"{name_of(page)}: {target}"


def test_no_registry_and_no_path_of_a_machine_in_the_files_test_house_does_not_read() -> None:
    hosts = "|".join(["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian"])
    machine = r"(^|[^A-Za-z0-9_.])/(" + "|".join(["wo" + "rk", "fa" + "rm", "ro" + "ot"]) + r")/"
    read = [
        p for folder in (*FOLDERS, ROOT / ".ci") if folder.name not in ("data", "charts") for p in folder.rglob("*")
    ]
    read += [*ROOT.iterdir(), *(ROOT / "data/sample").rglob("*")]
    suffixes = {".json", ".jsonl", ".txt", ".yml", ".yaml", ".service", ".sh", ".cfg", ".ini", ".svg", ""}
    texts = [p for p in read if p.is_file() and p.suffix in suffixes and p.name not in ("Makefile", ".git")]
    assert {"LICENSE", "run"} <= {p.name for p in texts}
    for path in texts:
        text = path.read_text("utf-8", errors="replace")
        assert not re.search(f"{hosts}|{machine}", text), path


# ---- commands ------------------------------------------------------------------------------------------------------


def commands_in(text: str) -> Iterator[list[str]]:
    """The words after `envmon` of every command line in the fenced blocks of a page."""
    for _, _, block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if re.search(r"(?:^|[\s|;&(=/])envmon\s", f"{line} "):
                yield from commands_of(line)


def commands_of(line: str) -> Iterator[list[str]]:
    """The parts of one shell line that call envmon, `X=1 .venv/bin/envmon ...` and `ExecStart=/…/envmon ...` too."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split, lexer.commenters = True, "#"
    try:
        words = list(lexer)
    except ValueError:  # an apostrophe: a line for people, not for a shell
        return
    part: list[str] = []
    for word in [*words, ";"]:
        if not re.fullmatch(r"[();<>|&]+", word):
            part.append(word)
            continue
        while part and (part[0] in ("$", "sudo") or re.fullmatch(r"[A-Z_]+=[^/]*", part[0])):
            part.pop(0)
        if part and re.fullmatch(r"(?:\w+=)?(?:\S*/)?envmon", part[0]):
            yield part[1:]
        part = []


def understand(words: list[str]) -> None:
    """Parse a command line with the parser of its command. Raises click.UsageError for what it does not know."""
    command: click.Command = cli.root
    context = click.Context(command, info_name="envmon", **command.context_settings)
    rest = cli.own_first(words)
    while True:
        given, rest, _ = command.make_parser(context).parse_args(rest)
        check_values(command, context, given)
        if not isinstance(command, click.Group):
            break
        if not rest:
            if given.get("version") or given.get("help") or command.invoke_without_command:
                return
            raise click.UsageError("a command is missing")
        below = command.get_command(context, rest[0])
        if below is None:
            raise click.UsageError(f"no command {rest[0]}")
        context = click.Context(below, info_name=rest[0], parent=context, **below.context_settings)
        command, rest = below, rest[1:]
    if rest:
        raise click.UsageError(f"not understood: {rest}")


def check_values(command: click.Command, context: click.Context, given: dict[str, Any]) -> None:
    for param in command.params:
        value = given.get(param.name or "")
        value = None if type(value).__name__ == "Sentinel" else value
        if param.required and not value and not given.get("help"):
            raise click.UsageError(f"{param.name} is missing")
        if isinstance(param.type, click.Choice) and isinstance(value, str):
            param.type.convert(value, param, context)
        if getattr(param, "metavar", None) == "PERIOD" and isinstance(value, str):
            periods.parse(value)


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_command_line_is_understood(page: Path) -> None:
    for words in commands_in(page.read_text("utf-8")):
        try:
            understand(words)
        except click.UsageError as error:
            pytest.fail(f"{name_of(page)}: envmon {shlex.join(words)}: {error.format_message()}")


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "status --jsn",
        "rates --area",
        "explain rate nothing",
        "explain day chengdu",
        "import --sorce lab file.csv",
        "calc",
    ],
)
def test_a_wrong_command_line_would_be_seen(line: str) -> None:
    (words,) = commands_in(f"```\n.venv/bin/envmon {line}\n```\n")
    with pytest.raises(click.UsageError):
        understand(words)


def test_command_lines_are_found_in_every_dress() -> None:
    page = "```sh\n$ ENVMON_LANG=en envmon status  # now\nprintf 'a|b\\n' | .venv/bin/envmon calc aqi && envmon sites\n"
    page += "ExecStart=/opt/bureau/.venv/bin/envmon --config /etc/envmon.toml run\nenvmon rates \\\n  --json\n```\n"
    found = ["status", "calc aqi", "sites", "--config /etc/envmon.toml run", "rates --json"]
    assert list(commands_in(page)) == [line.split() for line in found]


@pytest.mark.parametrize("page", READMES, ids=name_of)
def test_the_readme_shows_every_command(page: Path) -> None:
    text = page.read_text("utf-8").replace("make run", "envmon demo")  # which is what it runs
    assert "\tenvmon demo" in (ROOT / "Makefile").read_text("utf-8").replace(".venv/bin/", "")
    assert [name for name in cli.COMMANDS if not re.search(rf"envmon {name}\b", text)] == []


def blocks(path: Path) -> list[str]:
    """The code of a page, without comments and blank ends."""
    found = []
    for _, _, block in FENCE.findall(path.read_text("utf-8")):
        lines = (re.sub(r"(^|\s+)#\s.*$", "", line).rstrip() for line in block.splitlines())
        found.append("\n".join(line for line in lines if line))
    return found


def test_both_readmes_show_the_same_code_in_the_same_order() -> None:
    english, chinese = (blocks(page) for page in READMES)
    assert len(english) > 2
    assert english == chinese


# ---- words ---------------------------------------------------------------------------------------------------------


def test_the_glossary_knows_the_words_that_json_says() -> None:
    text = (ROOT / "GLOSSARY.md").read_text("utf-8")
    named = [*(rate.value for rate in RateName), *(s.name.lower() for s in Status if s is not Status.VALID)]
    named += [flag.name for flag in Flag] + [WaterClass.WORSE_THAN_V.name]
    assert [word for word in named if f"`{word}`" not in text] == []


def test_the_changelog_begins_with_figures_and_names_every_edition_they_rest_on() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert parts
    for part in parts:
        assert "### Figures" not in part or part.index("### ") == part.index("### Figures")
    assert [one.id for one in standards.editions() if one.id not in text] == []
    assert [name for name in re.findall(r"`(tests/[\w./]+)`", text) if not (ROOT / name).exists()] == []


# ---- JSON ----------------------------------------------------------------------------------------------------------

BY_DATA = {"facts", "excluded", "values", "settings"}  # objects whose keys are data: rules, reasons, items, tests


class Answer(NamedTuple):
    section: str
    command: str
    kind: str
    text: str


def sections_of(path: Path) -> dict[str, str]:
    parts = re.split(r"^## (.*)$", path.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def answers() -> Iterator[Answer]:
    for section, text in sections_of(JSON_PAGE).items():
        command = ""
        for _, kind, block in FENCE.findall(text):
            if kind == "sh":
                command = block.strip()
            elif kind.startswith("json"):
                yield Answer(section, command, kind, block)


ANSWERS = list(answers())


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder into which the year of air and three months of laboratory sheets were imported; what that answered."""
    folder = tmp_path_factory.mktemp("papers")
    for name in ("config.toml", "sites.csv", "plan.csv"):
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copytree(ROOT / "data/sample", folder / "data/sample")
    with (folder / "sites.csv").open("a", encoding="utf-8") as file:  # the demo has no lake
        file.write("example-lake,示例湖湖心,section,ganzi,,,lake,III,,,长江流域,示例湖,,manual\n")
    shutil.copyfile(ROOT / "tests/worked/lake_2022-07.csv", folder / "data/lake.csv")
    config = load_config(folder / "config.toml")
    with Store.open(Path(config.paths.database)) as store:  # the service began to listen before the year
        store.register(config, parameters().values())
        judge(store, config, periods.hour_ending(periods.year(2022).first, 0))
    bad = "date,hour,type,成都\n20220101,1,PM2.5,5x\n"
    (folder / "data/bad.csv").write_text(bad, "utf-8")
    (folder / "data/new.csv").write_text("date,hour,type,1431A\n20220101,1,PM2.5,5\n", "utf-8")
    (folder / "data/inbox").mkdir()
    (folder / "data/inbox/取水量.csv").write_text("水源地名称,月份,取水量\n示例井水源地,2022-07,4.2\n", "utf-8")
    in_shell("envmon import --source archive data/bad.csv || [ $? = 3 ]", folder)
    in_shell("envmon event import data/sample/events.csv", folder)
    said = {}
    (example,) = (one.command for one in ANSWERS if one.section == "import")
    for command in (example, "envmon import --source lab --json data/sample/lab/lab_2022-0[678].csv data/lake.csv"):
        said[command] = in_shell(command, folder)
    trying = "envmon sources try archive --at 2022-03-01T09:40 --rows 1 --json"
    with Feed(ROOT / "data/sample", clock=lambda: periods.minute(datetime(2022, 3, 1, 9, 40))) as feed:
        text = (folder / "config.toml").read_text("utf-8").replace("http://127.0.0.1:8930", feed.url)
        (folder / "here.toml").write_text(text, "utf-8")
        said[trying] = in_shell(trying.replace("envmon", "envmon --config here.toml", 1), folder)
    reviewed = "review set chengdu-air pm25 2022-02-08 2022-02-08 --flag suspect --reason x --by y"
    in_shell(f"envmon {reviewed}", folder)
    in_shell("envmon publish good_days --area chengdu --period 2022-01 --document 2022-9", folder)
    hours = "".join(f"20220108,{hour},PM2.5,60\n" for hour in range(1, 24))
    (folder / "data/revised.csv").write_text(f"date,hour,type,成都\n{hours}", "utf-8")
    in_shell("envmon import --source archive data/revised.csv", folder)
    receive(folder)
    return folder, said


DEVICE = """
[listen]

[[devices]]
mn = "A110000_0001"
site = "sanyi-bridge"
st = "21"
password_env = "PW"
"""


def receive(folder: Path) -> None:
    """Let a listener hear a station and a stranger, take over what came, and ask the station for more."""
    with (folder / "config.toml").open("a", encoding="utf-8") as file:
        file.write(DEVICE)
    config = load_config(folder / "config.toml")
    assert config.listen is not None
    config = replace(config, listen=replace(config.listen, port=0))
    now = int(time.time() // 60)
    hour = f"{periods.moment(now // 60 * 60 - 60):%Y%m%d%H%M%S}"
    own = f"QN={hour}000;ST=21;CN=2061;PW=123456;MN=A110000_0001;Flag=9"
    body = f"DataTime={hour};w21003-Avg=0.08,w21003-Flag=N;w99999-Avg=1"
    with (
        Listening(config, {"PW": "123456"}) as listening,
        socket.create_connection(("127.0.0.1", listening.port), 10) as station,
    ):
        for head in (own.replace("123456", "654321"), own.replace("_0001", "_0002"), own):
            station.sendall(encode(f"{head};CP=&&{body}&&"))
        assert station.recv(1000)
    drain(partial(Store.open, Path(config.paths.database)), config, now)
    in_shell("envmon station A110000_0001 backfill --from 2022-03-01 --to 2022-03-02", folder)


def in_shell(command: str, folder: Path) -> str:
    """What a command line answers on stdout, in a real shell."""
    known = f"envmon() {{ '{sys.executable}' -c 'import envmon.cli; envmon.cli.main()' \"$@\"; }}; "
    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", known + command],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture
def ask(
    office: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], str]:
    """What a command line answers in the office; what was asked there once is not done again."""
    folder, said = office

    def answer(command: str) -> str:
        if command not in said:
            monkeypatch.chdir(folder)
            monkeypatch.setattr(sys, "argv", shlex.split(command))
            cli.root(args=shlex.split(command)[1:], prog_name="envmon", standalone_mode=False)
            said[command] = capsys.readouterr().out
        return said[command]

    return answer


def keys(value: Any, above: str = "") -> set[str]:
    """The paths of every key; the rows of a list are taken together."""
    if isinstance(value, list):
        return set().union(*(keys(one, above) for one in value))
    found: set[str] = set()
    if isinstance(value, dict):
        for key, below in value.items():
            found |= {f"{above}{key}"} | (set() if key in BY_DATA else keys(below, f"{above}{key}."))
    return found


def explained(section: str) -> set[str]:
    """The words in backticks of a section's tables and text, and of the sections it refers to by a link."""
    known = sections_of(JSON_PAGE)
    text = known[section] + "".join(
        part for name, part in known.items() if f"(#{name.lower().replace(' ', '-')})" in known[section]
    )
    words = set(re.findall(r"`([a-z0-9_]+)`", FENCE.sub("", text)))
    prefixes = [word.removesuffix(POLLUTANTS[0]) for word in words if word.endswith(POLLUTANTS[0])]
    return words | {prefix + name for prefix in prefixes for name in POLLUTANTS}


@pytest.mark.parametrize("one", [a for a in ANSWERS if a.kind == "json"], ids=lambda a: a.command)
def test_an_answer_has_the_keys_the_program_gives(one: Answer, ask: Callable[[str], str]) -> None:
    shown, given = keys(json.loads(one.text)), keys(json.loads(ask(one.command)))
    assert shown <= given
    assert {key for key in shown if "." not in key} == {key for key in given if "." not in key}
    assert {key.rpartition(".")[2] for key in given} <= explained(one.section)


@pytest.mark.parametrize("one", [a for a in ANSWERS if a.kind == "jsonl" and a.command], ids=lambda a: a.section)
def test_a_calculated_answer_is_what_the_program_says(one: Answer, tmp_path: Path) -> None:
    assert in_shell(one.command, tmp_path) == one.text
    assert set(json.loads(one.text.splitlines()[0])) - set(one.command.split("\\n")[0].split("'")[1].split(",")) <= {
        *explained(one.section),
        *(f"iaqi_{name}" for name in POLLUTANTS),
    }


def test_a_line_of_the_alerts_file_is_a_message() -> None:
    (one,) = (a for a in ANSWERS if a.section == "The alerts file")
    assert set(json.loads(one.text)) == {field.name for field in fields(Message)} <= explained(one.section)


def with_json(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The names of all commands that take --json."""
    if any("--json" in param.opts for param in command.params):
        yield " ".join(path)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from with_json(below, (*path, name))


def test_every_command_that_answers_json_has_its_section_with_an_answer() -> None:
    assert set(with_json(cli.root)) == {one.section for one in ANSWERS if one.command}


# ---- decisions -----------------------------------------------------------------------------------------------------

DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda p: p.name)
def test_a_decision_says_why_what_and_what_follows_on_one_page(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.count("\n") <= 40
    assert text.startswith(f"# {page.name[:3]} ")
    order = [text.index(f"**{part}") for part in ("Situation.", "Decision.", "What follows.", "What would change it.")]
    assert order == sorted(order)
    kept = re.findall(r"`(tests/\w+\.py)`", text[text.index("**Kept by**") :])
    assert kept
    assert all((ROOT / name).exists() for name in kept)


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:3]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def judged(basis: Basis, status: Status) -> WaterPeriod:
    found = WaterJudgement(status, WaterClass.III, (), (), (), (), "GB 3838-2002", "section_21")
    return WaterPeriod(1, "month", 0, 30, basis, 1, found, {})


BUREAU = load_config(ROOT / "config.toml")
SECTION = next(one for one in BUREAU.sites if one.kind is Kind.SECTION)
AUTOMATIC, BY_HAND = Basis.REALTIME, Basis.MANUAL


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ([(AUTOMATIC, Status.VALID)], AUTOMATIC),
        ([(AUTOMATIC, Status.VALID), (BY_HAND, Status.VALID)], BY_HAND),
        ([(AUTOMATIC, Status.VALID), (BY_HAND, Status.INSUFFICIENT)], AUTOMATIC),
        ([(AUTOMATIC, Status.INSUFFICIENT), (BY_HAND, Status.VALID)], BY_HAND),
        ([(AUTOMATIC, Status.INSUFFICIENT), (BY_HAND, Status.INSUFFICIENT)], BY_HAND),
        ([], None),
    ],
)
def test_decision_006_a_valid_manual_judgement_counts_before_an_automatic_one(
    given: list[tuple[Basis, Status]], counts: Basis | None
) -> None:
    for order in (given, given[::-1]):
        found = in_force(BUREAU, SECTION, [judged(basis, status) for basis, status in order])
        assert (found and found.basis) == counts
