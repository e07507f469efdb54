"""Channels, by one table: what is accepted is on disk, whole, one line each, in the reader's own words."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from envmon.model import Change, Channel, Message, Paths, Severity
from envmon.notify import CHANNELS

MESSAGE = Message(
    id="7-open-1",
    at="2022-03-01 02:10",
    change=Change.OPEN,
    rule="daily",
    subject="chengdu",
    severity=Severity.SERIOUS,
    title="成都市 空气质量指数 168",
    text="首要污染物 PM2.5\n第二行",
    facts={"aqi": 168},
)


def paths(folder: Path) -> Paths:
    return Paths(
        root=str(folder),
        database=str(folder / "envmon.db"),
        alerts=str(folder / "data" / "alerts.jsonl"),
        charts=str(folder / "charts"),
        rejects=str(folder / "rejects"),
        inbox=str(folder / "inbox"),
    )


def lines(folder: Path) -> list[str]:
    return (folder / "data" / "alerts.jsonl").read_text("utf-8").splitlines()


def test_jsonl_writes_one_object_a_line_in_chinese_and_makes_its_folder(tmp_path: Path) -> None:
    for _ in range(2):
        CHANNELS["jsonl"](MESSAGE, Channel("file", "jsonl"), paths(tmp_path))
    first, second = map(json.loads, lines(tmp_path))
    assert first == second
    assert first["title"] == "成都市 空气质量指数 168"
    assert (first["severity"], first["change"], first["facts"]) == ("serious", "open", {"aqi": 168})
    assert "成都市" in lines(tmp_path)[0]


def test_jsonl_closes_a_line_that_a_crash_cut_short(tmp_path: Path) -> None:
    target = tmp_path / "data" / "alerts.jsonl"
    target.parent.mkdir()
    target.write_bytes(b'{"id": "half')
    CHANNELS["jsonl"](MESSAGE, Channel("file", "jsonl"), paths(tmp_path))
    assert lines(tmp_path)[0] == '{"id": "half'
    assert json.loads(lines(tmp_path)[1])["id"] == "7-open-1"


def test_jsonl_honours_its_own_path(tmp_path: Path) -> None:
    own = tmp_path / "elsewhere.jsonl"
    CHANNELS["jsonl"](MESSAGE, Channel("file", "jsonl", {"path": str(own)}), paths(tmp_path))
    assert own.exists()
    assert not (tmp_path / "data").exists()


def test_jsonl_says_when_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="data"):
        CHANNELS["jsonl"](MESSAGE, Channel("file", "jsonl"), paths(tmp_path))


@pytest.mark.parametrize(
    ("change", "severity", "level"),
    [
        (Change.OPEN, Severity.WARNING, logging.WARNING),
        (Change.WORSE, Severity.CRITICAL, logging.CRITICAL),
        (Change.RESOLVED, Severity.CRITICAL, logging.INFO),
    ],
)
def test_log_speaks_at_the_level_of_the_severity(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, change: Change, severity: Severity, level: int
) -> None:
    from dataclasses import replace

    with caplog.at_level(logging.DEBUG):
        CHANNELS["log"](replace(MESSAGE, change=change, severity=severity), Channel("log", "log"), paths(tmp_path))
    (record,) = caplog.records
    assert record.levelno == level
    assert "空气质量指数 168" in record.getMessage()
