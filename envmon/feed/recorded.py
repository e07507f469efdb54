"""Recorded readings as the records a data logger would hold: the sample, or a folder like it, in the words of HJ 212.

Never here: sockets, clocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envmon import rounding
from envmon.hj212.data import SURFACE_WATER, WATER, marks_of
from envmon.hj212.segments import Pair, Segment, stamp
from envmon.model import Basis, Device, Mark, Medium, Parameter, Row, Site, Span
from envmon.sources import SOURCES, Context, read_file
from envmon.sources.cells import is_concentration, shift_between

FOLDERS = {"archive": ("archive", "china_cities_*.csv*"), "cnemc_water": ("water", "sections_4h*.csv*")}
"""Where the files of a source lie in a recorded folder."""

DATA_AREA = 950  # bytes of CP, HJ 212-2017, table 3
FLAGS = {Medium.AIR: 5, Medium.WATER: 9}
"""Flag of what a logger sends: HJ 212-2017 from air stations, the own version of water stations; answers wanted."""


@dataclass(frozen=True, slots=True)
class Record:
    """One upload: its command, its DataTime, when the period it tells of is over, and its groups (without the time)."""

    cn: str
    start: int
    ending: int
    groups: tuple[tuple[Pair, ...], ...]


def rows_in(folder: Path, sites: Sequence[Site], parameters: Mapping[str, Parameter]) -> dict[str, list[Row]]:
    """The recorded readings of some sites, by id, in order of time."""
    names = {at: (site.id, site.name, site.code, *site.aliases) for at, site in enumerate(sites)}
    numbers = {name: at for at, own in names.items() for name in own if name}
    found: dict[str, list[Row]] = defaultdict(list)

    def stream(span: Span, basis: Basis | None = None) -> int:
        return int(span)

    for kind, (below, pattern) in FOLDERS.items():
        for path in sorted((folder / below).glob(pattern)):
            parsed = SOURCES[kind].parse(read_file(path, kind, 2**31), Context(numbers, parameters, stream))
            for row in parsed.rows:
                found[sites[row[1]].id].append(row)
    for rows in found.values():
        rows.sort()
    return found


def records(rows: Iterable[Row], device: Device, parameters: Mapping[str, Parameter], moments: bool) -> list[Record]:
    """Readings as a logger sends them: hour data (2061); `moments`: before it the same values as of now (2011).

    Values of more than `device.hours` hours, or that do not end where such a period ends, are not among them.
    """
    by_number = {parameter.number: parameter for parameter in parameters.values()}
    length, found = 60 * device.hours, []
    by_time: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row[3] == length and by_number[row[2]].code:
            by_time[row[0]].append(row)
    for ending, own in sorted(by_time.items()):
        fields = [field_of(by_number[row[2]], row[4], Mark(row[5]), device) for row in own]
        for cn, start, kind in (("2011", ending, "Rtd"), ("2061", ending - length, "Avg"))[not moments :]:
            groups = tuple(((f"{code}-{kind}", text), (f"{code}-Flag", mark)) for code, text, mark in fields)
            found.append(Record(cn, start, ending, groups))
    return found


def field_of(parameter: Parameter, value: int, mark: Mark, device: Device) -> tuple[str, str, str]:
    """(factor code, value in the unit the device sends, mark) of a reading."""
    own = {parameter_id: code for code, parameter_id in device.factors.items()}
    code = own.get(parameter.id, parameter.code)
    unit = device.units.get(code, "")
    if not unit and is_concentration(parameter.unit):
        unit = device.units.get("*", "mg/L" if parameter.medium is Medium.WATER else "")
    decimals = parameter.decimals + shift_between(unit, parameter.unit)
    return code, rounding.plain(value * 10 ** max(0, -decimals), max(0, decimals)), letter_of(parameter.medium, mark)


def letter_of(medium: Medium, mark: Mark) -> str:
    """The letter a logger of this kind sends for a mark; D, fault, where it has none."""
    table = WATER if medium is Medium.WATER else marks_of(Segment("", "", flag=FLAGS[medium]))
    return next((letter for letter, said in table.items() if said is mark), "D")


def segments_of(record: Record, head: Segment, shift: int) -> Iterator[Segment]:
    """The upload of a record, in as many packets as the size of the data area asks for; `shift`: minutes added to its
    time. `head` is the device as it introduces itself; QN is left to whoever sends."""
    time = (("DataTime", stamp(record.start + shift)),)
    packets: list[list[tuple[Pair, ...]]] = [[time]]
    size = 0
    for group in record.groups:
        length = sum(len(name) + len(text) + 2 for name, text in group)
        if size + length > DATA_AREA - 50:
            packets.append([time])
            size = 0
        packets[-1].append(group)
        size += length
    for number, packet in enumerate(packets, 1):
        split = len(packets) > 1
        yield Segment(
            head.mn,
            record.cn,
            head.st,
            pw=head.pw,
            flag=(head.flag or 0) | (2 if split else 0),
            pnum=len(packets) if split else None,
            pno=number if split else None,
            groups=tuple(packet),
        )


def introduced(device: Device, password: str, medium: Medium) -> Segment:
    """How a device introduces itself: what all its segments begin with."""
    st = device.st or (SURFACE_WATER if medium is Medium.WATER else "22")
    return Segment(device.mn, "", st, pw=password, flag=FLAGS[medium])
