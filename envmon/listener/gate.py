"""Who may speak: enrolled devices, their passwords and addresses, and addresses that are kept out for a while.

Never here: sockets, the store, what a frame is answered with.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from envmon.hj212.segments import Segment, masked
from envmon.model import Device, Listen, Refusal

SHOWN = 200  # characters of an example
ANSWERS = "91"  # the ST of interaction, whatever the device's own
BANS = 10_000  # addresses remembered


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device with its secret at hand."""

    device: Device
    password: bytes
    networks: tuple[IPv4Network | IPv6Network, ...]


class Gate:
    """Decides on frames and addresses; knows nothing of time but what it is told (ms, and seconds for bans)."""

    def __init__(self, listen: Listen, devices: Sequence[Device], passwords: Mapping[str, str]) -> None:
        self.listen = listen
        self.enrolled = {
            one.mn: Enrolled(
                one,
                passwords[one.mn].encode("utf-8", "surrogateescape"),
                tuple(ip_network(net, strict=False) for net in one.addresses),
            )
            for one in devices
        }
        self._secrets = sorted({one.password for one in self.enrolled.values()}, key=len, reverse=True)
        self.systems = {one.mn: one.st for one in devices if one.st}  # the ST a station speaks by
        self._bans: dict[str, float] = {}

    def refuses(self, segment: Segment, address: str) -> Refusal | None:
        """Why a data segment from an address is not taken; None when it is."""
        known = self.enrolled.get(segment.mn)
        if known is None:
            return Refusal.UNKNOWN_MN
        if known.networks and not any(ip_address(address) in net for net in known.networks):
            return Refusal.ADDRESS
        if not hmac.compare_digest(segment.pw.encode("utf-8", "surrogateescape"), known.password):
            return Refusal.PASSWORD
        if known.device.st and segment.st not in (known.device.st, ANSWERS):
            return Refusal.SYSTEM
        if segment.st != ANSWERS:
            self.systems[segment.mn] = segment.st
        return None

    def ban(self, address: str, now: float) -> None:
        if len(self._bans) < BANS:
            self._bans[address] = now + self.listen.ban

    def banned(self, address: str, now: float) -> bool:
        return self._bans.get(address, 0.0) > now

    def forgive(self, now: float) -> None:
        """Forget bans that are over."""
        self._bans = {address: until for address, until in self._bans.items() if until > now}

    def shown(self, data: bytes) -> str:
        """Bytes as an example for people: one line, no password of anybody in it."""
        data = masked(data.strip())
        for secret in self._secrets:
            data = data.replace(secret, b"******")
        text = data[:SHOWN].decode("utf-8", "replace")
        return "".join(c if c.isprintable() else "\ufffd" for c in text)


def plain_mn(mn: str) -> str:
    """An MN as it is counted: whatever a stranger sends, it stays short and printable."""
    return re.sub(r"[^0-9A-Za-z_.-]", "?", mn[:32]) or "-"


def plain_address(host: str) -> str:
    """An address as it is compared: IPv4 in IPv6 clothing is IPv4, without a zone."""
    address = ip_address(host.partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)
