"""Alerts into the program's own log, where journald keeps them."""

from __future__ import annotations

import logging

from envmon.model import Change, Channel, Message, Paths, Severity

LOG = logging.getLogger("envmon.alert")
LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.SERIOUS: logging.ERROR,
    Severity.CRITICAL: logging.CRITICAL,
}


def send(message: Message, channel: Channel, paths: Paths) -> None:
    """Log the title at the level of its severity; a resolved incident is information."""
    level = logging.INFO if message.change is Change.RESOLVED else LEVELS[message.severity]
    LOG.log(level, "%s %s", message.title, message.text, extra={"notice": message.id})
