"""What one printed cell says: a number, nothing, a value below the detection limit, or something nobody can read.

The marks are those the services really use. Never here: columns, sites, times, the language of a reason.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from envmon import rounding
from envmon.errors import EnvmonError
from envmon.model import Mark, Medium, Parameter

MISSING = frozenset(
    ["", "-", "--", "---", "—", "——", "_", "*", "/", "?", "??", "NA", "N/A", "NAN", "NULL", "NONE", "&MDASH;", "-;"]
)
"""Marks of "no value", in capitals: not measured, not fitted, not published."""

NOT_FOUND = frozenset(["未检出", "ND", "N.D.", "N.D", "BDL", "<DL", "<MDL", "低于检出限", "小于检出限", "<检出限"])
"""Below the detection limit, without saying where that is."""

ERRORS = frozenset(["#REF!", "#DIV/0!", "#VALUE!", "#N/A", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"])
"""What a spreadsheet shows where a formula failed."""

LARGEST = {Medium.AIR: 2**31 - 1, Medium.WATER: 2**53}
"""Steps beyond this are no measurement (air arrays hold 32 bits)."""

NUMBER = r"([\d.eE+-]+)"
CENSORED = re.compile(
    rf"(?:[<≤]\s*{NUMBER}(?:\s*L)?|{NUMBER}\s*(?:L|\(\s*L\s*\))"
    rf"|(?:未检出|N\.?D\.?)\s*(?:\(\s*[<≤]?\s*{NUMBER}\s*L?\s*\)|[<≤]\s*{NUMBER}))\Z",
    re.IGNORECASE,
)
"""Below a detection limit that is printed; one of the groups is the limit."""

LONGEST = 60
"""Letters of a cell that can be a value."""

POWER = re.compile(rf"{NUMBER}\s*[×✕xX*]\s*10\s*(?:\^\s*([+-]?\d{{1,2}})|([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,2}}))")
"""2.4×10³ or 2.4×10^3; 2.4×103 has lost its superscript and may be anything."""

THOUSANDS = re.compile(r"[<≤]?[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?L?\Z")
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
WIDE = {0xFF01 + at: 0x21 + at for at in range(94)} | dict(zip(map(ord, "\u3000\xa0﹤〈≦−"), "  <<≤-", strict=True))
"""Full-width and look-alike signs as the ordinary ones. Not NFKC, which makes 10³ a 103."""
TITLE = re.compile(r"""title\s*=\s*(?:'([^']*)'|"([^"]*)")""")
TAG = re.compile(r"<[^>]*>")

EXPONENTS: Mapping[str, tuple[str, int]] = {
    "g/l": ("mass", 3),
    "mg/l": ("mass", 0),
    "ug/l": ("mass", -3),
    "ng/l": ("mass", -6),
    "pg/l": ("mass", -9),
    "mg/m3": ("mass", -3),
    "ug/m3": ("mass", -6),
    "个/l": ("count", 0),
    "cells/l": ("count", 0),
    "mpn/l": ("count", 0),
    "cfu/l": ("count", 0),
    "个/ml": ("count", 3),
    "cells/ml": ("count", 3),
    "mpn/ml": ("count", 3),
    "cfu/ml": ("count", 3),
    "mpn/100ml": ("count", 1),
    "cfu/100ml": ("count", 1),
    "us/cm": ("conductivity", 0),
    "ms/m": ("conductivity", 1),
    "ms/cm": ("conductivity", 3),
    "m": ("length", 0),
    "cm": ("length", -2),
    "bq/l": ("activity", 0),
}
"""Units that are powers of ten apart, by dimension. mg/m³ here is a mass in water."""

DEGREES = frozenset(["度", "铂钴色度单位", "pcu", "ntu"])
"""Of colour and turbidity: one degree is one unit. Not of hardness."""

OTHER_UNITS = DEGREES | {"℃", "倍", "%", "ppm", "ppb"}


class Unreadable(EnvmonError, ValueError):
    """Why a cell does not enter; its keys are `refused.*`, `said` gives the reason of a `Refused`."""


def number(text: str, parameter: Parameter, shift: int = 0) -> int | None:
    """A printed value in steps of the parameter; None when the cell says there is none.

    shift : power of ten from the printed unit to the parameter's own (µg/L into mg/L: -3).
    Raises Unreadable for anything that is not a plain number or cannot be a measurement.
    """
    text = text.strip()
    if text.upper() in MISSING:
        return None
    try:
        value = rounding.scaled(text, parameter.decimals + shift)
    except ValueError:
        raise Unreadable("refused.cell.number", text=snippet(text)) from None
    if abs(value) > LARGEST[parameter.medium]:
        raise Unreadable("refused.cell.large", text=snippet(text))
    return value


def marked(text: str, parameter: Parameter, shift: int = 0, limit: str = "") -> tuple[int, Mark] | None:
    """A laboratory value with its mark; None when the cell says there is none.

    `0.02L`, `<0.02`, `未检出(0.02)` and, with a `limit`, `未检出` are CENSORED with the detection limit as value.
    Raises Unreadable saying what is wrong.
    """
    text = tidy(text)
    if text.startswith("="):
        raise Unreadable("refused.cell.formula", text=snippet(text))
    if text in ERRORS:
        raise Unreadable("refused.cell.error", text=text)
    if text.upper() in NOT_FOUND:
        limit = tidy(limit)
        if not limit or limit.upper() in MISSING:
            raise Unreadable("refused.cell.no_limit", text=text)
        text = limit if CENSORED.match(limit) else f"<{limit}"
    censored = CENSORED.match(text)
    printed = next(filter(None, censored.groups())) if censored else text
    value = number(printed, parameter, shift)
    if value is None:
        return None
    if censored and value < 0:
        raise Unreadable("refused.cell.negative_limit", text=snippet(text))
    return value, Mark.CENSORED if censored else Mark.NONE


def tidy(text: str) -> str:
    """A cell of a laboratory as it would be typed carefully.

    >>> tidy("＜０．０２"), tidy("'1,234.5 "), tidy("2.4×10³"), tidy("1,2"), tidy("10³")
    ('<0.02', '1234.5', '2.4e3', '1,2', '10³')
    """
    text = text.strip()
    if not text.isascii():
        text = text.translate(WIDE).strip()
    text = text.removeprefix("'").strip()
    if len(text) > LONGEST:
        return text
    if THOUSANDS.match(text):
        return text.replace(",", "")
    return POWER.sub(lambda found: f"{found[1]}e{int(found[2] or found[3].translate(SUPERSCRIPTS))}", text)


def shift_between(printed: str, own: str) -> int:
    """The power of ten that turns a value in unit `printed` into unit `own`; "" is the parameter's own unit.

    Raises Unreadable when the units do not measure the same thing or are not known.

    >>> shift_between("µg/L", "mg/L"), shift_between("mg/L", "mg/m³"), shift_between("", "NTU")
    (-3, 3, 0)
    """
    given, wanted = _unit(printed), _unit(own)
    if not given or given == wanted or (given in DEGREES and own in ("", "NTU")):
        return 0
    if given not in EXPONENTS or wanted not in EXPONENTS or EXPONENTS[given][0] != EXPONENTS[wanted][0]:
        raise Unreadable("refused.unit", printed=printed, own=own)
    return EXPONENTS[given][1] - EXPONENTS[wanted][1]


def has_other_units(own: str) -> bool:
    """Whether a quantity is also printed in units a power of ten away, so that a number without one says too little."""
    return _unit(own) in EXPONENTS


def is_unit(text: str) -> bool:
    """Whether a text says in what something is measured.

    >>> is_unit("mg/L"), is_unit("μg·L⁻¹"), is_unit("无量纲"), is_unit("氨氮"), is_unit("")
    (True, True, True, False, False)
    """
    unit = _unit(text)
    return unit in EXPONENTS or unit in OTHER_UNITS or (not unit and bool(text.strip(" -")))


def converts(printed: str, own: str) -> bool:
    """Whether values of one unit can be turned into another, a power of ten apart."""
    try:
        shift_between(printed, own)
    except Unreadable:
        return False
    return True


def is_concentration(unit: str) -> bool:
    """Whether a unit is one of mass in a volume.

    >>> is_concentration("µg/m³"), is_concentration("mg/L"), is_concentration("℃")
    (True, True, False)
    """
    return EXPONENTS.get(_unit(unit), ("", 0))[0] == "mass"


@lru_cache(maxsize=512)
def _unit(text: str) -> str:
    text = text.translate(WIDE).strip()
    if text in ("无量纲", "无单位", "pH单位", "-"):
        return ""
    text = re.split(r" or |或", text)[0]  # "MPN/100mL or CFU/100mL": the two count alike
    plain = text.replace("³", "3").replace("μ", "u").replace("µ", "u").replace("㎎", "mg").replace(" ", "").lower()
    plain = re.sub(r"[·.]?l(?:\^?-1|⁻¹)\Z", "/l", plain)  # mg·L⁻¹
    return plain.replace("·", "").replace("²", "2").replace("°c", "℃").replace("摄氏度", "℃")


PRINTED_TIME = re.compile(
    r"(?:(\d{4})(\d\d)(\d\d)|(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?:\s*日)?)"
    r"(?:(?:(?<=日)\s*|[ T]+)(\d{1,2})(?::(\d{2})(?::\d{2})?|[时点](?:(\d{1,2})分)?))?\Z"
)
MONTH_DAY = re.compile(r"(\d{1,2})\s*月\s*(\d{1,2})\s*日\Z")


def printed_time(printed: str, year: int | None = None) -> tuple[datetime, bool] | None:
    """A date as people write it, with or without a time of day, and whether it has one; None when it is no date.

    year : of a date that has none, where something else tells

    >>> printed_time("2022年7月9日"), printed_time("2022-07-32")
    ((datetime.datetime(2022, 7, 9, 0, 0), False), None)
    >>> printed_time("2022-07-09 24:00"), printed_time("７月９日", 2022)
    ((datetime.datetime(2022, 7, 10, 0, 0), True), (datetime.datetime(2022, 7, 9, 0, 0), False))
    """
    printed = printed.translate(WIDE).strip()
    if year and MONTH_DAY.match(printed):
        printed = f"{year}年{printed}"
    match = PRINTED_TIME.match(printed)
    if not match:
        return None
    year, month, day, *clock = (int(part) for part in match.groups() if part is not None)
    hour, minute, *_ = (*clock, 0, 0)
    end_of_day = (hour, minute) == (24, 0)
    try:
        at = datetime(year, month, day, 0 if end_of_day else hour, minute)
        return at + timedelta(days=end_of_day), bool(clock)
    except (ValueError, OverflowError):
        return None


def bare(cell: str) -> str:
    """A cell's text without HTML.

    >>> bare("<span title='原始值：23.88'>23.9</span>"), bare("水温<br/>(℃)"), bare("&nbsp;")
    ('23.9', '水温(℃)', '')
    """
    return html.unescape(TAG.sub("", cell)).strip() if "<" in cell or "&" in cell else cell.strip()


def original(cell: str) -> str:
    """A value cell's measured value: what its title calls 原始值, else its text.

    >>> original("<span title='原始值：23.88'>23.9</span>"), original("23.9")
    ('23.88', '23.9')
    """
    title = TITLE.search(cell) if "title" in cell else None
    if title:
        text = html.unescape(title[1] if title[1] is not None else title[2])
        label, _, value = text.replace("：", ":").partition(":")
        if "原始值" in label and value.strip():
            return value.strip()
    return bare(cell)


def snippet(text: bytes | str) -> str:
    """The beginning of something unreadable, short enough for a message."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(words.split())[:60]
