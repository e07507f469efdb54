"""Alerts as one JSON object a line in a file that other programs can follow. Appends and syncs, never rewrites."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from envmon.model import Channel, Message, Paths


def send(message: Message, channel: Channel, paths: Paths) -> None:
    """Append the message and have it on disk before returning.

    A line cut short by a crash is closed first, so that it never swallows the next one.
    """
    target = Path(channel.options.get("path") or paths.alerts)
    target.parent.mkdir(parents=True, exist_ok=True)
    content = asdict(message) | {"severity": message.severity.name.lower(), "change": message.change.value}
    line = json.dumps(content, ensure_ascii=False, default=str).encode() + b"\n"
    with target.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
