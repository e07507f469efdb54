"""How log lines look: one for people, one for machines. Control characters never reach the terminal."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime


def clean(text: str) -> str:
    """The text on one line, without characters that could forge a log line or steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


class Lines(logging.Formatter):
    """`2022-03-01T09:35:00+08:00 warning envmon.pull  text`, tracebacks below."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="seconds")
        line = f"{stamp} {record.levelname.lower():<8} {record.name}  {clean(record.getMessage())}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class Objects(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        content = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": clean(record.getMessage()),
        }
        if hasattr(record, "notice"):
            content["notice"] = record.notice
        if record.exc_info:
            content["error"] = self.formatException(record.exc_info)
        return json.dumps(content, ensure_ascii=False)


def formatter(form: str) -> logging.Formatter:
    return Objects() if form == "json" else Lines()
