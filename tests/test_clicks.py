"""What click says by itself: help pages and usage errors in Chinese, in 80 columns; in English as click has it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from envmon import cli
from envmon.cli.output import width
from envmon.texts import catalogue


def below(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            one = command.get_command(context, name)
            assert one is not None
            yield from below(one, (*path, name))


PAGES = list(below(cli.root))


@pytest.mark.parametrize("path", PAGES, ids=" ".join)
def test_a_help_page_is_chinese_and_fits_80_columns(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["envmon"])
    found = CliRunner().invoke(cli.root, [*path, "--help"], terminal_width=80)
    assert found.exit_code == 0
    for english in ("Usage:", "Options:", "Commands:", "Show ", "[default", "[required]", "..."):
        assert english not in found.output.replace("[ARGS]...", "").replace("FILES...", ""), english
    wide = [line for line in found.output.splitlines() if width(line) > 80 and not line.startswith("用法")]
    to_copy = [line for line in wide if len(line.split()) <= 2 or line.startswith("    printf")]  # words stay whole
    assert wide == to_copy


def test_no_line_begins_with_a_closing_mark() -> None:
    pages = [CliRunner().invoke(cli.root, [*path, "--help"], terminal_width=80).output for path in PAGES]
    starts = {line.strip()[0] for page in pages for line in page.splitlines() if line.strip()}
    assert not starts & set("，。、；：？）”》")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["review", "set", "x"], "没有写参数 'PARAM'"),
        (
            ["qc", "list", "--flag", "x"],
            "'--flag' 的值不对：'x' 不在其中，可以写：'good', 'suspect', 'fail', 'missing'",
        ),
        (["gaps", "--nix"], "没有选项 '--nix'"),
        (["gaps", "--site"], "选项 '--site' 后面要写值"),
        (["feed", "--port", "x"], "'x' 不是数"),
        (["status", "x"], "多出的参数：x"),
        (["nix"], "没有命令 'nix'"),
        (["stat"], "没有命令 'stat'"),
    ],
)
def test_a_wrong_command_line_is_told_in_chinese(words: list[str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["envmon", *words])
    found = CliRunner().invoke(cli.root, words)
    assert found.exit_code == 2
    assert said in found.output
    assert "错误：" in found.output


def test_in_english_click_speaks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["envmon", "--lang", "en"])
    found = CliRunner().invoke(cli.root, ["gaps", "--nix"])
    assert "Error: No such option" in found.output


def test_the_english_texts_are_those_of_click() -> None:
    """Else the Chinese ones would never be found."""
    folder = Path(click.__file__).parent
    trees = [ast.walk(ast.parse(path.read_text("utf-8"))) for path in folder.glob("*.py")]
    there = {node.value for tree in trees for node in tree if isinstance(node, ast.Constant)}
    assert [text for key, text in catalogue("en").items() if key.startswith("click.") and text not in there] == []
