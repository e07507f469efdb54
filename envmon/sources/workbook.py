"""Workbooks (.xlsx .xlsm .xls .et .ods) as rows of text, read in a child process that may die in our stead.

The child (`child`) has a limit of memory and of time; whatever it meets, this process goes on and says what happened.
Never here: what the columns mean.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from math import ceil
from typing import Any

from envmon.errors import SourceChanged
from envmon.model import Payload

MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How a workbook begins: a zip, an empty zip, and what Excel 97 and WPS write."""

FILE_CAP = 20 * 2**20
MEMORY = 512 * 2**20
SECONDS = 20.0
CHILD = os.path.join(os.path.dirname(__file__), "child.py")
OUT_OF_TIME = (-24, -9)
"""SIGXCPU, and the SIGKILL that follows."""

HANDED_ON = ("PATH", "LD_LIBRARY_PATH", "HOME", "PYTHONPATH", "PYTHONHOME")
"""What the child is told of the environment; secrets stand there too."""


def pages_of(payload: Payload) -> list[tuple[dict[str, Any], list[tuple[int, list[str]]]]]:
    """The sheets as `child.Page` has them: (name, hidden, since_1904, width, merged), rows as (line, cells).

    Raises SourceChanged when the file is damaged, locked or too large, or the child did not live to the end.
    """
    if len(payload.body) > FILE_CAP:
        raise SourceChanged("error.source.workbook.large", origin=payload.origin, cap=FILE_CAP)
    pages: list[tuple[dict[str, Any], list[tuple[int, list[str]]]]] = []
    for text in _said(payload).splitlines():
        said = json.loads(text)
        if said is None:
            return pages
        if isinstance(said, list):
            line, cells = said
            pages[-1][1].append((line, cells + [""] * (pages[-1][0]["width"] - len(cells))))
        elif "refused" in said:
            raise SourceChanged(said["refused"], origin=payload.origin, **said["values"])
        else:
            pages.append((said, []))
    raise SourceChanged("error.source.workbook.open", origin=payload.origin, reason="?")


def _said(payload: Payload) -> bytes:
    """What the child wrote. Raises SourceChanged when it died, ran out of memory or time, or could not read."""
    command = [sys.executable, "-P", "-X", "utf8", CHILD, str(MEMORY), str(ceil(SECONDS))]
    env = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 (our own file, two numbers)
            command, input=payload.body, capture_output=True, env=env, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SourceChanged("error.source.workbook.slow", origin=payload.origin, seconds=f"{SECONDS:g}") from error
    if done.returncode == 0:
        return done.stdout
    last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or [""])[-1][:200]
    if done.returncode > 0 and not last.startswith("MemoryError"):
        raise SourceChanged("error.source.workbook.open", origin=payload.origin, reason=last)
    if done.returncode in OUT_OF_TIME:
        raise SourceChanged("error.source.workbook.slow", origin=payload.origin, seconds=f"{SECONDS:g}")
    raise SourceChanged("error.source.workbook.memory", origin=payload.origin, cap=MEMORY // 2**20)
