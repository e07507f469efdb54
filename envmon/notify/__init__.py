"""Notification channels: one file each, with `send(message, channel, paths)`; returning means accepted.

A channel that may work later raises OSError and is tried again at the next beat; one that never will raises
ChannelRefused. A message may arrive twice after a crash; its id says so.
"""

from __future__ import annotations

from collections.abc import Callable

from envmon.model import Channel, Message, Paths
from envmon.notify import jsonl, log

Send = Callable[[Message, Channel, Paths], None]

CHANNELS: dict[str, Send] = {
    "jsonl": jsonl.send,
    "log": log.send,
}
