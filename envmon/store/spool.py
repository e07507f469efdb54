"""The spool: requests to stations, left by commands as small files for the listener, which alone writes its journal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from envmon.model import Request


def spool_of(database: str | Path) -> Path:
    """The folder in which commands leave requests for the listener."""
    return Path(database).with_suffix(".requests")


def leave(folder: Path, requests: Iterable[Request]) -> None:
    """Leave requests for the listener, one file each, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in requests:
        half, whole = folder / f"{one.id}.part", folder / f"{one.id}.json"
        half.write_text(json.dumps([one.mn, one.cn, one.begin, one.end, one.asked]), "utf-8")
        half.rename(whole)


def left(folder: Path) -> list[tuple[Path, Request | None]]:
    """The requests that were left, oldest first; None for a file that is none."""
    found: list[tuple[Path, Request | None]] = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            mn, cn, begin, end, asked = json.loads(path.read_text("utf-8"))
            found.append((path, Request(path.stem, str(mn), str(cn), int(begin), int(end), int(asked))))
        except FileNotFoundError:  # the listener took it over just now
            continue
        except (ValueError, TypeError):
            found.append((path, None))
    return found
