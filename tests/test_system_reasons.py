"""What the system says of a file is said in the language of the reader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from envmon.errors import EnvmonError
from envmon.texts import system_reason
from envmon.wording import job_name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hj212", "decode", "abc"], "abc：没有这个文件或文件夹"),
        (["init", "there/below"], "其中一级不是文件夹"),
    ],
)
def test_a_missing_file_is_told_in_chinese(words: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("")
    code = "from envmon.cli import main; main()"
    found = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode in (1, 2)
    assert said in found.stderr
    assert "irectory" not in found.stderr


def test_a_reason_without_words_is_said_as_it_came() -> None:
    assert system_reason(OSError("odd"), "zh") == "odd"
    assert system_reason(OSError(99999, "odder"), "zh") == "odder"
    error = EnvmonError("error.file.read", path="x", reason=PermissionError(13, "Permission denied"))
    assert "没有权限" in error.said("zh")
    assert "permission denied" in error.said("en")


def test_jobs_have_names() -> None:
    names = ["judge", "telemetry", "inbox", "pull lab", "lab"]
    assert [job_name(one, "zh") for one in names] == ["判定任务", "遥测入库", "收件夹", "数据源 lab", "数据源 lab"]
