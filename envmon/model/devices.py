"""Station devices (数采仪) that send by HJ 212."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Device:
    """One enrolled data logger.

    mn : its identity; site : id of the site it measures at; st : system code it must send, "" any
    password_env : name of the environment variable that holds its password; addresses : CIDR texts, () any
    factors : its factor code -> parameter id, beside the codes of the standards
    units : factor code -> unit of what it sends, `*` for every concentration it does not name
    minutes : length of its minute data (2051); hours : of its hour data (2061), 1 or 4
    """

    mn: str
    site: str
    name: str = ""
    st: str = ""
    password_env: str = ""
    addresses: tuple[str, ...] = ()
    factors: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    minutes: int = 10
    hours: int = 1
    hours_from: str = (
        "hours"  # or "minutes": hours are the means of its minute data, what it sends as hours is not used
    )
    realtime: bool = True  # whether its moments (2011) become readings, one a minute; its frames are kept anyway
