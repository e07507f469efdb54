"""Tables, CSV and JSON as they leave the program."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest

from envmon.cli import output

HEADS = {"name": "名称", "value": "数值", "note": "说明"}
ROWS = [
    {"name": "岗托桥", "value": 1234567.5, "note": "缺测 1，不参与统计 12345，有效数据不足 31，超标的日子 2022-01-03"},
    {"name": "Station 7 of the river", "value": None, "note": ""},
    {
        "name": "甘孜藏族自治州生态环境监测中心站",
        "value": -3,
        "note": "http://127.0.0.1:8930/archive/china_cities_20220103.csv",
    },
]


def columns_of(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def column(line: str, text: str) -> int:
    return columns_of(line[: line.index(text)])


def test_cells_of_one_column_start_in_one_column_of_the_terminal() -> None:
    head, rule, *lines = output.table(ROWS, HEADS).splitlines()
    assert set(rule) == {"─"}
    assert len(lines) == len(ROWS)
    assert {column(head, "说明"), column(lines[0], "缺测"), column(lines[2], "http")} == {column(head, "说明")}
    assert column(head, "数值") + 4 == column(lines[2], "-3") + 2  # numbers end where their heading ends


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_table_fits_the_terminal_without_breaking_a_number(columns: int) -> None:
    lines = output.table(ROWS, HEADS, columns).splitlines()
    assert max(map(columns_of, lines)) <= columns
    text = "\n".join(lines)
    for number in ("1234567.5", "-3", "12345", "2022-01-03"):
        assert number in text
    assert "甘孜藏族自治州生态环境监测中心站" in text.replace(" ", "").replace("\n", "") or columns < 80


def test_a_table_never_cuts_what_does_not_fit() -> None:
    text = output.table(ROWS, HEADS, 20)
    assert "1234567.5" in text
    for letter in "甘孜藏族自治州生态环境监测中心站":
        assert letter in text


@pytest.mark.parametrize("columns", [79, 80, 81, 90])
def test_a_long_text_in_the_middle_does_not_cut_the_last_column(columns: int) -> None:
    row = {
        "a": "示例湖",
        "b": "2/3",
        "c": "class IV",
        "d": "Total phosphorus (1.0 over), Permanganate index (0.7 over)",
    }
    row |= {"e": 54.6, "f": "lightly eutrophic", "g": "43.7 (+10.9)"}
    heads = dict(zip("abcdefg", ("lake", "points", "class", "main", "TLI", "state", "year before"), strict=True))
    assert "43.7 (+10.9)" in output.table([row], heads, columns)


@pytest.mark.parametrize("columns", range(78, 110, 4))
def test_no_letter_is_lost_between_short_and_long_columns(columns: int) -> None:
    """Long texts stand around one of 17 columns that is never broken."""
    rows = [{"a": 1, "b": "good-day rate 成都市 2022-01", "c": "川环函〔2022〕9号", "d": "24 values (成都 2022-01-08)"}]
    rows[0] |= {"e": "48.4% (15/31) → 51.6% (16/31)", "f": "2026-11-28"}
    heads = {"a": "no.", "b": "figure", "c": "document", "e": "correction", "f": "since", "d": "because of"}
    text = output.table(rows, heads, columns)
    assert max(map(columns_of, text.splitlines())) <= columns
    for value in rows[0].values():
        for word in str(value).split():
            assert word in text


def test_control_characters_do_not_reach_a_terminal() -> None:
    text = output.table([{"name": "a\x1b[31mb\r\n", "value": 1, "note": "\u202e[bold]x[/bold]"}], HEADS)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold]x[/bold]" in text
    assert len(text.splitlines()) == 3


def test_a_csv_cell_is_never_a_formula() -> None:
    rows = [{"name": "=1+1", "value": -3, "note": "@x"}, {"name": "＝2", "value": "-3", "note": ["a", "b"]}]
    read = list(csv.DictReader(io.StringIO(output.as_csv(rows))))
    assert [row["name"] for row in read] == ["'=1+1", "'＝2"]
    assert [row["value"] for row in read] == ["-3", "'-3"]
    assert [row["note"] for row in read] == ["'@x", "a;b"]
