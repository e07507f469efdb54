"""HJ 212 frames, segments and what they say: printed and recorded frames, streams cut anywhere, bytes of all kinds."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envmon import periods, standards
from envmon.errors import UsageError
from envmon.hj212 import data, segments
from envmon.hj212.data import Kind, data_of
from envmon.hj212.frames import Bad, BadFrame, Frame, Splitter, crc, encode, modbus_crc
from envmon.hj212.segments import BadSegment, ExeRtn, QnRtn, Segment, Version, masked, read, write
from envmon.model import Basis, Device, Mark, Payload, Span
from envmon.sources import SOURCES, Context, Parsed, hj212
from envmon.sources.hj212 import rows_of

RECORDED = Path(__file__).parent / "recorded/hj212"
CHECKED = {
    name: frame.encode()
    for name, frame in (line.split(" ", 1) for line in (RECORDED / "checked.txt").read_text("utf-8").splitlines())
}
FOUND = list(csv.DictReader((RECORDED / "frames.csv").read_text("utf-8").splitlines()))
EXAMPLES = settings(max_examples=50, deadline=None)


def bitwise(message: bytes) -> int:
    """Annex A of HJ 212-2017, word by word."""
    register = 0xFFFF
    for byte in message:
        register = (register >> 8) ^ byte
        for _ in range(8):
            lowest = register & 1
            register >>= 1
            if lowest:
                register ^= 0xA001
    return register


def segment(name: str) -> Segment:
    return read(CHECKED[name][6:-4])


# ---- frames --------------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=300), min_size=20, max_size=20))
@EXAMPLES
def test_the_check_value_is_that_of_annex_a(messages: list[bytes]) -> None:
    assert [crc(one) for one in messages] == [bitwise(one) for one in messages]


def test_the_printed_check_values() -> None:
    """Empty, `1` and `123456789`, and the Modbus value that is often sent instead."""
    assert [f"{crc(one):04X}" for one in (b"", b"1", b"123456789")] == ["FFFF", "9481", "2F80"]
    assert f"{modbus_crc(b'123456789'):04X}" == "4B37"


@pytest.mark.parametrize("name", CHECKED)
def test_checked_frames_are_read_and_written_alike(name: str) -> None:
    frame = CHECKED[name]
    (found,) = Splitter().feed(frame + b"\r\n")
    assert found == Frame(frame[6:-4])
    assert encode(write(read(found.segment))) == frame + b"\r\n"


@pytest.mark.parametrize("row", FOUND, ids=lambda row: row["frame"][:40])
def test_recorded_frames(row: Mapping[str, str]) -> None:
    """Those with a right CRC are read, the others dropped; how many are right is counted in the file."""
    (found,) = Splitter().feed(row["frame"].encode() + b"\r\n")
    if row["crc_ok"] == "False":
        assert isinstance(found, BadFrame)
        assert found.kind is Bad.CRC
        return
    assert isinstance(found, Frame)
    said = read(found.segment)
    printed = re.search(r"MN=([^;]*).*DataTime=(\d{14})", row["frame"])
    assert printed
    assert said.mn == printed[1]
    assert data_of(said).at == datetime.strptime(printed[2], "%Y%m%d%H%M%S")
    assert len(data_of(said).values) == len(re.findall(r"-(?:Rtd|Avg)=", row["frame"]))


def test_recorded_frames_are_eleven_of_which_five_are_wrong() -> None:
    assert (len(FOUND), sum(row["crc_ok"] == "False" for row in FOUND)) == (11, 5)


WRONG = {
    "crc": (CHECKED["E3"][:-4] + b"2D01", Bad.CRC),
    "modbus": (b"##0009123456789" + b"4B37", Bad.CRC_MODBUS),
    "one too short": (b"##0086" + CHECKED["E3"][6:], Bad.LENGTH),
    "one too long": (b"##0088" + CHECKED["E3"][6:], Bad.LENGTH),
    "far too long": (b"##0999" + CHECKED["E3"][6:], Bad.LENGTH),
    "no length": (b"##00 7" + CHECKED["E3"][6:], Bad.LENGTH),
    "longer than taken": (b"##1025" + CHECKED["E3"][6:], Bad.TOO_LONG),
    "half a frame": (CHECKED["E2"][:150], Bad.LENGTH),
    "noise": (b"GET / HTTP/1.1", Bad.NOISE),
    "encrypted": (b"##0075" + CHECKED["E7"][6:-9] + b"&&\x01\x9c\x80\xff" + b"&&4B00", Bad.LENGTH),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_and_the_next_frame_is_read(name: str) -> None:
    wrong, kind = WRONG[name]
    splitter = Splitter()
    found = splitter.feed(wrong + b"\r\n" + CHECKED["E7"] + b"\r\n")
    assert [type(one) for one in found] == [BadFrame, Frame]
    assert found == [BadFrame(kind, (wrong + b"\r\n")[:200]), Frame(CHECKED["E7"][6:-4])]
    assert not splitter.waiting


def test_an_encrypted_data_area_is_named() -> None:
    """Its bytes stand where text stood, the length and the CRC are those of the plain text (HJ 212-2025, annex A.2)."""
    plain = CHECKED["E4"]
    start = plain.index(b"&&") + 2
    secret = bytes((byte * 7 + 1) % 256 for byte in range(64)).replace(b"\r\n", b"ab").replace(b"##", b"ab")
    (found,) = Splitter().feed(plain[:start] + secret + plain[start + 64 :] + b"\r\n")
    assert isinstance(found, BadFrame)
    assert found.kind is Bad.ENCRYPTED


def test_lower_case_check_missing_end_and_blank_lines() -> None:
    low = CHECKED["E2"][:-4] + CHECKED["E2"][-4:].lower()
    found = Splitter().feed(low + CHECKED["E3"] + b"\r\n\r\n\r\n \n" + CHECKED["E7"])
    assert found == [Frame(CHECKED[name][6:-4]) for name in ("E2", "E3", "E7")]


def test_a_frame_is_given_before_its_end_of_line_comes() -> None:
    splitter = Splitter()
    assert splitter.feed(CHECKED["E7"]) == [Frame(CHECKED["E7"][6:-4])]
    assert not splitter.waiting
    assert splitter.feed(b"\r") == []
    assert not splitter.waiting
    assert splitter.feed(b"\n##00") == []
    assert splitter.waiting


def test_a_frame_announced_too_long_does_not_swallow_the_next() -> None:
    found = Splitter().feed(b"##1000" + CHECKED["E7"][6:50] + CHECKED["E2"])
    assert [type(one) for one in found] == [BadFrame, Frame]


def test_half_a_frame_at_the_end_is_not_lost() -> None:
    splitter = Splitter()
    assert splitter.feed(CHECKED["E7"] + CHECKED["E2"][:100]) == [Frame(CHECKED["E7"][6:-4])]
    assert splitter.end() == [BadFrame(Bad.LENGTH, CHECKED["E2"][:100])]
    assert (splitter.end(), splitter.waiting, splitter.feed(CHECKED["E7"])) == ([], False, [Frame(CHECKED["E7"][6:-4])])


def test_longer_segments_when_asked_for() -> None:
    frame = encode("Q" * 1025)
    assert Splitter().feed(frame)[0] == BadFrame(Bad.TOO_LONG, frame[:200])
    assert Splitter(9999).feed(frame) == [Frame(b"Q" * 1025)]
    with pytest.raises(ValueError, match="10000 bytes"):
        encode("Q" * 10000)


NOISE = st.lists(
    st.sampled_from([b"", b"#", b"##", b"###", b"\r\n", b"\r", b"noise", b"##01", b"##0004", b"\xff\x00"]), max_size=4
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="#"), max_size=60)


@given(st.lists(st.tuples(NOISE, TEXTS), max_size=12), st.integers(0, 2**32), st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_frames_come_out_alike_however_the_stream_is_cut(
    said: list[tuple[list[bytes], str]], seed: int, most: int
) -> None:
    """Whole frames behind noise that ends its line are all found, in order."""
    wanted = [text.encode()[:900] for _, text in said]
    stream = b"".join(b"".join(noise) + b"\r\n" + encode(text) for (noise, _), text in zip(said, wanted, strict=True))
    whole = [one.segment for one in Splitter().feed(stream) if isinstance(one, Frame)]
    cut, random_, splitter, at = [], random.Random(seed), Splitter(), 0
    while at < len(stream):
        size = random_.randint(1, most)
        cut += [one.segment for one in splitter.feed(stream[at : at + size]) if isinstance(one, Frame)]
        at += size
    assert cut == whole == wanted


@given(
    st.lists(
        st.one_of(st.binary(max_size=300), st.sampled_from([b"##", b"##0010", b"##1024", *CHECKED.values()])),
        max_size=40,
    )
)
@EXAMPLES
def test_any_bytes_take_bounded_room_and_are_all_accounted_for(pieces: list[bytes]) -> None:
    splitter = Splitter()
    for piece in pieces:
        for one in splitter.feed(piece):
            if isinstance(one, BadFrame):
                assert len(one.data) <= 200
        assert len(splitter._buffer) <= 6 + 1024 + 4 + 2


def test_heads_that_announce_much_cost_little() -> None:
    """A head every few bytes, each announcing the longest segment: no byte is summed twice, time grows with bytes."""
    found = Splitter().feed(b"##1020abcd" * 20_000)
    assert {one.kind for one in found if isinstance(one, BadFrame)} == {Bad.LENGTH}
    assert len(Splitter().feed(b"#" * 200_000)) < 200
    assert len(Splitter().feed(b"x" * 200_000)) == 200_000 // (6 + 1024 + 4 + 2)


# ---- segments ------------------------------------------------------------------------------------------------------


def test_the_fields_of_the_printed_example() -> None:
    """HJ 212-2017, example of 1062: set the real-time interval to 30 s."""
    said = segment("E1")
    assert (said.qn, said.st, said.cn, said.pw) == ("20160801085857223", "32", "1062", "100000")
    assert (said.mn, said.flag, said.groups) == ("010000A8900016F000169DC0", 5, ((("RtdInterval", "30"),),))
    assert said.answer_wanted
    assert not said.split
    assert said.version is Version.V2017


def test_the_answer_to_the_checked_frame_is_the_checked_answer() -> None:
    assert encode(write(segments.answer(segment("E2")))) == CHECKED["E3"] + b"\r\n"


def test_split_packets_say_so() -> None:
    assert [(one.split, one.pnum, one.pno) for one in (segment("E5a"), segment("E5b"))] == [(True, 2, 1), (True, 2, 2)]


def test_a_heartbeat_is_a_notice() -> None:
    said = segment("E7")
    assert (data_of(said).kind, said.version) == (Kind.HEARTBEAT, Version.V2025_OR_WATER)
    assert write(segments.answer(said)) == "QN=20260301080200000;ST=91;CN=9013;PW=123456;MN=A110000_0001;Flag=8;CP=&&&&"


@pytest.mark.parametrize(
    ("flag", "version"),
    [
        (None, Version.V2005),
        (1, Version.V2005),
        (4, Version.V2017),
        (7, Version.V2017),
        (11, Version.V2025_OR_WATER),
        (12, Version.UNKNOWN),
    ],
)
def test_versions(flag: int | None, version: Version) -> None:
    """Bits 2 to 7 of Flag: 4 is binary 000001 00, 11 is 000010 11."""
    assert Segment("A", "2011", flag=flag).version is version


def test_a_2005_frame_without_number_and_flag() -> None:
    said = read(b"ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20040516021000;B01-Rtd=100;&&")
    assert (said.qn, said.flag, said.version, said.answer_wanted) == ("", None, Version.V2005, False)
    assert write(said) == "ST=32;CN=2011;PW=123456;MN=88888880000001;CP=&&DataTime=20040516021000;B01-Rtd=100&&"


def test_oddities_that_are_read() -> None:
    said = read(
        b"PNO=0002;PNUM=0002;MN=A;ST=22;;CN=2061;CP=&&DataTime=20260301080000;a-Flag=N,a-Avg= 1 ;"
        + "b-Info=甲,乙;;&&".encode("gb18030")
    )
    assert (said.pnum, said.pno) == (2, 2)
    assert said.groups[1:] == ((("a-Flag", "N"), ("a-Avg", "1")), (("b-Info", "甲,乙"),))
    assert read(b"MN=A;CN=2061;RF=1;CP=&&&&").resent


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no MN"),
        (b"CN=2011;CP=&&&&", "no MN"),
        (b"MN=A;CP=&&&&", "no CN"),
        (b"MN=A;MN=B;CN=2011;CP=&&&&", "MN stands twice"),
        (b"PW=1;PW=2;MN=A;CN=2011;CP=&&&&", "PW stands twice"),
        (b"MN=A;CN=2011;Flag=256;CP=&&&&", "Flag must be a whole number from 0 to 255: '256'"),
        (b"MN=A;CN=2011;Flag=x;CP=&&&&", "Flag must be a whole number"),
        ("MN=A;CN=2011;Flag=\u0665;CP=&&&&".encode(), "Flag must be a whole number"),
        (b"MN=A;CN=2011;what;CP=&&&&", "'what' is no field=value"),
        (b"MN=A;CN=2011;CP=&&DataTime=20260301", "not ended as it should: 'DataTime=20260301'"),
        (b"MN=A;CN=2011;CP=&&&&more", "not ended as it should: 'more'"),
        (b"MN=A;CN=2011;CP=&&\xff\xff\xff&&", "neither ASCII, UTF-8 nor GBK"),
    ],
)
def test_segments_that_cannot_be_read_say_why(text: bytes, why: str) -> None:
    with pytest.raises(BadSegment, match=re.escape(why)) as caught:
        read(text)
    assert re.search("[\u4e00-\u9fff]", caught.value.said("zh"))


def test_ten_thousand_fields_are_read() -> None:
    body = ";".join(f"a{number}-Rtd={number}" for number in range(10_000))
    said = read(f"MN=A;CN=2011;CP=&&{body}&&".encode())
    assert len(data_of(said).values) == 10_000


WORDS = st.text("AZaz09._-", min_size=1, max_size=12)
GROUPS = st.lists(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4).map(tuple), max_size=8).map(tuple)
NUMBERS = st.none() | st.integers(0, 255)


@given(
    st.lists(
        st.builds(Segment, WORDS, WORDS, WORDS, WORDS, WORDS, NUMBERS, NUMBERS, NUMBERS, GROUPS, st.booleans()),
        min_size=10,
        max_size=10,
    )
)
@settings(max_examples=25, deadline=None)
def test_what_is_written_is_read_again(said: list[Segment]) -> None:
    assert [read(write(one).encode()) for one in said] == said


PIECES = (
    *(
        b"QN=",
        b"ST=",
        b"CN=",
        b"MN=",
        b"PW=",
        b"Flag=",
        b"PNUM=",
        b"CP=&&",
        b"&&",
        b";",
        b",",
        b"=",
        b"-Rtd=",
        b"-Avg=",
    ),
    *(
        b"a34004",
        b"w01001",
        b"DataTime=",
        b"20260301080000",
        b"2061",
        b"2011",
        b"9999.99",
        b"\xff",
        b"\xb0\xa1",
        b"\x00",
    ),
)


@given(st.lists(st.integers(0, 2**64), min_size=10, max_size=10))
@settings(max_examples=20, deadline=None)
def test_any_bytes_are_read_or_refused_with_a_reason(seeds: list[int]) -> None:
    """20 x 10 x 100 = 20,000 segments: every one is read, or refused by BadSegment; its rows enter or are refused."""
    starts = (b"MN=A;CN=2061;", b"MN=A;CN=2061;CP=&&DataTime=20260301080000;w01001-Avg=")
    for seed in seeds:
        chosen = random.Random(seed)
        for _ in range(100):
            pieces = [
                chosen.choice(PIECES) if chosen.random() < 0.9 else chosen.randbytes(3)
                for _ in range(chosen.randrange(20))
            ]
            try:
                said = read(chosen.choice(starts) + b"".join(pieces) + chosen.choice((b"", b"&&")))
            except BadSegment:
                continue
            assert isinstance(rows(said), Parsed)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (b"##0087QN=1;PW=123456;MN=A", b"##0087QN=1;PW=******;MN=A"),
        (b"PW=secret", b"PW=******"),
        (b"PW=a,b&&c;CN=1", b"PW=******;CN=1"),
        (b"Pw=abc;CP=&&NewPW=654321&&", b"Pw=******;CP=&&NewPW=******&&"),
        (b"CP=&&NewPW=12", b"CP=&&NewPW=******"),
        (b"PW =123456;CP=&&&&", b"PW =******;CP=&&&&"),
        (b"PW=1;CP=&&i-PW=2,w1-Rtd=3&&", b"PW=******;CP=&&i-PW=******,w1-Rtd=3&&"),
        (b"PW=1;CP=&&i-PW=2&&", b"PW=******;CP=&&i-PW=******&&"),
    ],
)
def test_passwords_are_hidden(text: bytes, hidden: bytes) -> None:
    assert masked(text) == hidden


def test_requests_and_their_outcome() -> None:
    """The form of HJ 212-2017 for history of hours and for the clock."""
    asked = segments.address_to("A1", "123456", "22", segments.request_number(datetime(2026, 3, 1, 8, 2, 3, 45_000)))
    begin, end = (periods.minute(datetime(2026, 3, 1, hour)) for hour in (0, 8))
    assert write(segments.fetch_history(asked, "2061", begin, end)) == (
        "QN=20260301080203045;ST=22;CN=2061;PW=123456;MN=A1;Flag=5;CP=&&BeginTime=20260301000000,EndTime=20260301080000&&"
    )
    assert write(segments.set_clock(asked, datetime(2026, 3, 1, 8, 2, 3))).endswith(
        "CN=1012;PW=123456;MN=A1;Flag=5;CP=&&SystemTime=20260301080203&&"
    )
    said = {cn: Segment("A1", cn, groups=((("QnRtn", "001"), ("ExeRtn", "100")),)) for cn in ("9011", "9012", "2061")}
    assert [segments.outcome(said[cn]) for cn in said] == [QnRtn.READY, ExeRtn.NO_DATA, None]
    assert segments.outcome(Segment("A1", "9011", groups=((("QnRtn", "77"),),))) is None


# ---- data ----------------------------------------------------------------------------------------------------------


def test_marks_by_version_and_system() -> None:
    """HJ 212-2017 table 8 against the water stations' letters: F and L differ; two letters are one mark."""
    source, water = Segment("A", "2061", "21", flag=5), Segment("A", "2061", "21", flag=9)
    old, air = Segment("A", "2011", "22", flag=1), Segment("A", "2061", "22", flag=9)
    assert [data.mark_of(one, "F") for one in (source, water, old, air)] == [
        Mark.OUT_OF_SERVICE, Mark.NO_COMMUNICATION, Mark.OUT_OF_SERVICE, Mark.OUT_OF_SERVICE,
    ]  # fmt: skip
    assert [data.mark_of(one, "L") for one in (source, water)] == [Mark.OTHER, Mark.CENSORED]
    assert [data.mark_of(water, mark) for mark in ("lr", "ra", "N", "", "?")] == [
        Mark.NO_SUPPLY, Mark.TEST, Mark.NONE, Mark.NONE, Mark.OTHER,
    ]  # fmt: skip
    assert [data.mark_of(old, mark) for mark in "P03"] == [Mark.POWER, Mark.CALIBRATION, Mark.NONE]


def test_only_normal_values_and_those_below_detection_are_assessed() -> None:
    """Of all letters of the water stations only N and L leave a value that may count (qc.device_flag)."""
    counting = {letter for letter, mark in data.WATER.items() if mark in (Mark.NONE, Mark.CENSORED)}
    assert counting == {"N", "L"}
    assert {letter for letter, mark in data.SOURCES_2017.items() if mark is Mark.NONE} == {"N"}


def test_a_mark_may_stand_in_a_group_of_its_own() -> None:
    said = read(b"MN=A;CN=2011;CP=&&a-Rtd=1;a-Flag=D;b-Rtd=2,b-Flag=N;b-Flag=D&&")
    assert [(one.code, one.mark) for one in data_of(said).values] == [("a", "D"), ("b", "N")]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("20260301080000", datetime(2026, 3, 1, 8)),
        ("20160824003817000", datetime(2016, 8, 24, 0, 38, 17)),
        ("20260230080000", None),
        ("202603010800", None),
        ("", None),
    ],
)
def test_times(text: str, at: datetime | None) -> None:
    assert data.time_of(text) == at


# ---- rows ----------------------------------------------------------------------------------------------------------

AIR = Device("010000A8900016F000169DC0", "air", units={"*": "mg/m3"}, minutes=10)
WATER = Device("010000A8900016F000169DC0", "river")
RECEIVED = periods.minute(datetime(2026, 3, 1, 12))
PARAMETERS = standards.parameters()


def stream(span: Span, basis: Basis | None = None) -> int:
    return 10_000 + span


def context(lang: str = "en", *devices: Device) -> Context:
    enrolled = {device.mn: device for device in devices}
    return Context({"air": 1, "river": 2}, PARAMETERS, stream, None, lang, devices=enrolled)


def rows(said: Segment, device: Device = WATER, received: int = RECEIVED) -> Parsed:
    return rows_of(said, device, context(), received)


def item(name: str) -> int:
    return PARAMETERS[name].number


def at(hour: int, minute: int = 0) -> int:
    return periods.minute(datetime(2026, 3, 1, hour, minute))


def test_minute_data_of_an_air_station_in_milligrams() -> None:
    """E6 by hand: 0.035 mg/m3 are 35 µg/m3, 35,000 steps of 0.001; CO stays in mg/m3; 08:00 is 08:00 to 08:10."""
    found = rows(segment("E6"), AIR)
    values = {"pm25": 35_000, "pm10": 61_000, "so2": 7_000, "no2": 18_000, "co": 600, "o3": 72_000}
    assert found.rows == [(at(8, 10), 1, item(name), 10_010, value, Mark.NONE) for name, value in values.items()]
    assert (found.refused, found.unknown) == ([], {})


def test_hour_data_of_a_water_station_with_a_faulty_instrument() -> None:
    """E4 by hand: pH 7.6 and ammonia 0.08 mg/L in steps of 0.0001, 08:00 to 09:00; ammonia was marked D."""
    found = rows(segment("E4"))
    decimals = {name: PARAMETERS[name].decimals for name in ("ph", "nh3n")}
    assert found.rows == [
        (at(9), 2, item("ph"), 10_060, 76 * 10 ** (decimals["ph"] - 1), Mark.NONE),
        (at(9), 2, item("nh3n"), 10_060, 8 * 10 ** (decimals["nh3n"] - 2), Mark.FAULT),
    ]


def test_both_parts_of_a_split_record_are_used_alone() -> None:
    found = [rows(segment(name)).rows for name in ("E5a", "E5b")]
    assert [(row[0], row[2]) for part in found for row in part] == [(at(9), item("ph")), (at(9), item("nh3n"))]


def test_moments_days_and_four_hours() -> None:
    moment = rows(segment("E2"))
    assert {(row[0], row[3]) for row in moment.rows} == {(at(8), 10_000 + Span.MOMENT)}
    assert len(moment.rows) == 6
    four = rows(
        read(b"MN=A;ST=21;CN=2061;Flag=9;CP=&&DataTime=20260301080000;w21003-Avg=0.02,w21003-Flag=L&&"),
        Device("A", "river", hours=4),
    )
    assert [(row[0], row[3], row[5]) for row in four.rows] == [(at(12), 10_240, Mark.CENSORED)]
    day = rows(read(b"MN=A;ST=21;CN=2031;Flag=4;CP=&&DataTime=20260228000000;w01001-Avg=7.5&&"), Device("A", "river"))
    assert [(row[0], row[3]) for row in day.rows] == [
        (periods.hour_ending(periods.parse("2026-02-28").first, 24), 11_440)
    ]


@pytest.mark.parametrize(
    ("text", "device", "why"),
    [
        ("CN=2061;CP=&&w01001-Avg=7&&", WATER, "DataTime '' is no time"),
        (
            "CN=2061;CP=&&DataTime=20260301083000;w01001-Avg=7&&",
            WATER,
            "is not where a period begins (command 2061, periods of 60",
        ),
        (
            "CN=2061;CP=&&DataTime=20260301090000;w01001-Avg=7&&",
            Device("A", "river", hours=4),
            "periods of 240 minutes",
        ),
        ("CN=2051;CP=&&DataTime=20260301080500;w01001-Avg=7&&", WATER, "check minutes and hours"),
        ("CN=2061;CP=&&DataTime=20260301120000;w01001-Avg=7&&", WATER, "the period ends at 2026-03-01 13:00"),
        ("CN=2011;CP=&&DataTime=20260301121100;w01001-Rtd=7&&", WATER, "ahead of time"),
        ("CN=2061;CP=&&DataTime=20250228080000;w01001-Avg=7&&", WATER, "more than 365 days ago"),
        (
            "CN=2061;CP=&&DataTime=20260301080000;a34004-Avg=0.03&&",
            Device("A", "air"),
            "the unit of a34004 is not known",
        ),
        ("CN=2061;CP=&&DataTime=20260301080000;a34004-Avg=30&&", Device("A", "air", units={"*": "ppb"}), "ppb"),
        ("CN=2061;CP=&&DataTime=20260301080000;w01016-Avg=3&&", WATER, "the unit of w01016 is not known"),
        (
            "CN=2061;CP=&&DataTime=20260301080000;w01001-Rtd=7,w01001-Min=6&&",
            WATER,
            "w01001 has no Avg in command 2061",
        ),
        ("CN=2061;CP=&&DataTime=20260301080000;w01001-Avg=seven&&", WATER, "'seven'"),
        ("CN=2061;CP=&&DataTime=20260301080000;w01001-Avg=7&&", Device("A", "nowhere"), "no site 'nowhere'"),
        (
            "ST=22;CN=2061;CP=&&DataTime=20260301080000;w01001-Avg=7&&",
            Device("A", "river", st="21"),
            "enrolled with 21",
        ),
    ],
)
def test_what_cannot_enter_is_refused_once_with_its_reason(text: str, device: Device, why: str) -> None:
    found = rows(read(f"MN=A;{text}".encode()), device)
    assert found.rows == []
    assert [why in one.reason for one in found.refused] == [True]


def test_a_clock_may_be_ten_minutes_ahead() -> None:
    assert len(rows(read(b"MN=A;CN=2011;CP=&&DataTime=20260301121059;w01001-Rtd=7&&")).rows) == 1


def test_what_is_not_kept_is_counted() -> None:
    """Unknown factors, kinds and marks, values sent empty, and the largest of their type by HJ 212-2025."""
    body = "DataTime=20260301080000;x1-Avg=1;w01001-Avg=,w01001-Flag=B;w01009-Avg=9999.99,w01009-Flag=D;"
    body += "w21003-Avg=0.1,w21003-Flag=q,w21003-ValidNum=10"
    found = rows(read(f"MN=A;ST=21;CN=2061;Flag=9;CP=&&{body}&&".encode()))
    assert found.unknown == {"x1": 1, "w01001=": 1, "w01009=9999.99": 1, "w21003-Flag=q": 1, "w21003-ValidNum": 1}
    assert [(row[2], row[5]) for row in found.rows] == [(item("nh3n"), Mark.OTHER)]
    assert found.refused == []


def test_a_2017_station_may_measure_9999() -> None:
    assert len(rows(read(b"MN=A;CN=2061;Flag=5;CP=&&DataTime=20260301080000;w01014-Avg=9999&&")).rows) == 1


def test_own_factors_and_units_of_a_device() -> None:
    """O3 as `O3` in mg/m3 beside CO in mg/m3: 0.072 mg/m3 = 72 µg/m3; mercury in µg/L: 0.05 µg/L = 0.00005 mg/L."""
    device = Device("A", "air", factors={"O3": "o3"}, units={"O3": "mg/m3", "w20111": "µg/L"})
    found = rows(read(b"MN=A;CN=2061;CP=&&DataTime=20260301080000;O3-Avg=0.072;w20111-Avg=0.05&&"), device)
    steps = 5 * 10 ** (PARAMETERS["mercury"].decimals - 5)
    assert [(row[2], row[4]) for row in found.rows] == [(item("o3"), 72_000), (item("mercury"), steps)]


def test_every_factor_code_of_the_six_and_of_water_leads_to_its_item() -> None:
    """HJ 524-2009 and HJ 525-2009, as listed in annex B."""
    printed = {
        "a34004": "pm25", "a34002": "pm10", "a21026": "so2", "a21004": "no2", "a21005": "co", "a05024": "o3",
        "w01001": "ph", "w01009": "do", "w01010": "water_temp", "w01014": "conductivity", "w01017": "bod5",
        "w01018": "cod", "w01019": "codmn", "w21001": "tn", "w21003": "nh3n", "w21011": "tp", "w22001": "petroleum",
        "w23002": "volatile_phenol", "w19002": "las", "w21016": "cyanide", "w21017": "fluoride", "w21019": "sulfide",
        "w20111": "mercury", "w20115": "cadmium", "w20117": "chromium_vi", "w20119": "arsenic", "w20120": "lead",
        "w20122": "copper", "w20123": "zinc", "w20128": "selenium", "w02003": "fecal_coliform", "w01003": "turbidity",
    }  # fmt: skip
    known = context().by_code
    assert {code: known[code].id for code in printed} == printed


def test_segments_without_readings_give_nothing() -> None:
    assert [rows(segment(name)) for name in ("E1", "E3", "E7")] == [Parsed([])] * 3


# ---- files of frames -----------------------------------------------------------------------------------------------


def test_a_capture_of_frames_is_taken_in() -> None:
    body = (
        b"2026-03-01 08:11:02 10.0.0.7 > "
        + CHECKED["E6"]
        + b"\r\n# a remark\n"
        + CHECKED["E4"][:70]
        + b"\n"
        + CHECKED["E7"]
    )
    taken = periods.minute(datetime(2028, 1, 1))
    found = SOURCES["hj212"].parse(Payload("capture.txt", body, taken), context("en", AIR))
    assert len(found.rows) == 6
    assert [(one.line, one.reason) for one in found.refused] == [(3, "the length of the frame is wrong")]
    assert found.unknown == {"A110000_0001": 0}
    assert "123456" not in found.refused[0].text


def test_a_pushed_source_has_nothing_to_fetch() -> None:
    with pytest.raises(UsageError, match="there is no address to ask"):
        list(SOURCES["hj212"].fetch(None, hj212.TELEMETRY, 0, ()))  # type: ignore[arg-type]
