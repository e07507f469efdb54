"""What stations send, in the store and at the command line: what is judged, what is only kept, what is shown."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envmon import cli, periods
from envmon.errors import UsageError
from envmon.hj212.frames import encode
from envmon.model import Config, Device, Mark, Medium, Span
from envmon.pipeline.importing import import_file, spec_of
from envmon.pipeline.judge import judge
from envmon.pipeline.judge_water import checked
from envmon.store import Store

if TYPE_CHECKING:
    from tests.conftest import Bureau

CHECKED = dict(
    line.split(" ", 1)
    for line in (Path(__file__).parent / "recorded/hj212/checked.txt").read_text("utf-8").splitlines()
)
RIVER = Device("A1", "gangtuo-bridge")
AIR = Device("A2", "ganzi-air", units={"*": "ug/m3"})
DAY = periods.parse("2022-03-02").first


def frame(mn: str, cn: str, time: str, *groups: str) -> bytes:
    st = "22" if mn == "A2" else "21"
    return encode(f"ST={st};CN={cn};PW=1;MN={mn};Flag=4;CP=&&DataTime={time};{';'.join(groups)}&&")


@pytest.fixture
def bureau(tmp_path: Path, make_bureau: type[Bureau]) -> Bureau:
    return make_bureau(tmp_path)


def with_devices(bureau: Bureau) -> Config:
    return replace(bureau.config, devices=(RIVER, AIR))


def kept(bureau: Bureau, config: Config, *frames: bytes) -> Store:
    """A store into which a capture of these frames was imported."""
    path = bureau.folder / "capture.txt"
    path.write_bytes(b"".join(frames))
    store = bureau.open(config)
    import_file(store, config, spec_of(config, "telemetry"), path, periods.hour_ending(DAY, 24))
    return store


def test_a_capture_is_imported_as_telemetry_and_only_with_devices(bureau: Bureau) -> None:
    config = with_devices(bureau)
    with kept(bureau, config, frame("A2", "2061", "20220302080000", "a34004-Avg=35,a34004-Flag=N")) as store:
        values, _ = store.air_hours([store.site_numbers["ganzi-air"]], DAY, DAY)
        assert values[5, 8, 0] == 35_000  # the hour from 08:00 is the ninth of the day
    with pytest.raises(UsageError, match="no source 'telemetry'"):
        spec_of(bureau.config, "telemetry")


def test_moments_minutes_and_days_are_kept_and_only_hours_are_judged(bureau: Bureau) -> None:
    """pH 7 and 8 by the hour; 3 as a moment, 2 as ten minutes and 1 as the day's mean must not enter any mean."""
    config = with_devices(bureau)
    hours = [frame("A1", "2061", f"202203020{hour}0000", f"w01001-Avg={value}") for hour, value in ((8, 7), (9, 8))]
    others = [
        frame("A1", "2011", "20220302085910", "w01001-Rtd=3"),
        frame("A1", "2051", "20220302085000", "w01001-Avg=2"),
        frame("A1", "2031", "20220302000000", "w01001-Avg=1"),
    ]
    with kept(bureau, config, *hours, *others) as store:
        river = store.site_numbers["gangtuo-bridge"]
        ph = next(one.number for one in store_parameters() if one.id == "ph")
        spans = store.db.execute(
            "SELECT s.span, r.value FROM reading r JOIN stream s ON s.number = r.stream ORDER BY s.span"
        ).fetchall()
        assert [span for span, _ in spans] == [Span.MOMENT, Span.MINUTES_10, Span.HOUR, Span.HOUR, Span.DAY]
        received, _ = checked(store, config, [river], periods.month_of(DAY))
        assert sorted((row[2], row[3] // 10**3) for row in received[river]) == [(ph, 70), (ph, 80)]


def store_parameters() -> list:  # type: ignore[type-arg]
    from envmon.standards import parameters

    return list(parameters().values())


def test_moments_make_no_day_due_for_judging_and_no_contradiction(bureau: Bureau) -> None:
    """Two values of 30 seconds fall into one minute: neither makes the hour that ends there doubtful."""
    config = with_devices(bureau)
    with bureau.open(config) as store:
        judge(store, config, periods.hour_ending(DAY, 24))
    moments = [frame("A2", "2011", f"202203020800{second}", f"a34004-Rtd={second}") for second in ("00", "30")]
    with kept(bureau, config, *moments) as store:
        site = store.site_numbers["ganzi-air"]
        assert store.dirty(Medium.AIR) == []
        assert store.flags(site, 0, 2**31) == []
        (row,) = store.db.execute("SELECT value, mark FROM reading").fetchall()
        assert tuple(row) == (30_000, Mark.NONE)
        assert store.latest()[site] == periods.minute(datetime(2022, 3, 2, 8))  # the site is heard all the same


def test_moments_are_no_part_of_what_is_explained(bureau: Bureau) -> None:
    """Values of one minute contradict one another; neither that nor where they came from is told of a day."""
    config = with_devices(bureau)
    moments = [frame("A2", "2011", f"202203020800{second}", f"a34004-Rtd={second}") for second in ("00", "30")]
    with kept(bureau, config, *moments) as store:
        numbers, window = [store.site_numbers["ganzi-air"]], (periods.hour_ending(DAY, 0), periods.hour_ending(DAY, 24))
        assert store.db.execute("SELECT count(*) FROM reading_history").fetchone()[0] == 1
        assert store.revisions(numbers, *window) == []
        assert store.origins(numbers[0], *window) == []
        assert store.given_since(numbers, *window, 0) == []
        assert store.last_batches(numbers, *window, 2**31) == {}


def test_a_marked_value_is_kept_and_does_not_count(bureau: Bureau) -> None:
    config = with_devices(bureau)
    body = "w01001-Avg=7.5,w01001-Flag=D;w01009-Avg=9.1,w01009-Flag=N"
    with kept(bureau, config, frame("A1", "2061", "20220302080000", body)) as store:
        river = store.site_numbers["gangtuo-bridge"]
        received, valid = checked(store, config, [river], periods.month_of(DAY))
        assert (len(received[river]), len(valid[river])) == (2, 1)


# ---- the command line ----------------------------------------------------------------------------------------------


def ask(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], *words: str) -> tuple[int, bytes]:
    monkeypatch.setattr(sys, "argv", ["envmon", *words])
    code = cli.root(args=list(words), prog_name="envmon", standalone_mode=False)
    return code or 0, capsysbinary.readouterr().out


Asked = tuple[pytest.MonkeyPatch, "pytest.CaptureFixture[bytes]"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Asked:
    monkeypatch.chdir(tmp_path)  # no config here: frames are taken apart without one
    return monkeypatch, capsysbinary


def test_a_wrong_frame_is_shown_with_what_is_wrong(asked: Asked) -> None:
    """123456789: 2F80 by annex A, 4B37 by Modbus; the length said is one too long."""
    code, out = ask(*asked, "hj212", "decode", "--json", "##0009123456789" + "4B37")
    (one,) = json.loads(out)
    assert (code, one["problem"], one["crc"], one["crc_modbus"]) == (3, "crc_modbus", "2F80", "4B37")
    code, out = ask(*asked, "hj212", "decode", CHECKED["E3"].replace("##0087", "##0088"))
    assert code == 3
    assert "报文写的长度 88，实际 87（相差 1）" in out.decode()
    assert "9014  数据应答" in out.decode()
    code, out = ask(*asked, "hj212", "decode", "--json", encode("ST=22;CP=&&&&").decode().strip())
    assert (code, json.loads(out)[0]["problem"]) == (3, "segment")


def test_a_password_is_never_shown(asked: Asked) -> None:
    for form in ([], ["--json"]):
        _, out = ask(*asked, "hj212", "decode", *form, CHECKED["E2"])
        assert b"123456;" not in out
        assert b"8941" in out
        _, out = ask(*asked, "hj212", "decode", *form, encode("CN=1072;PW=1;MN=A;CP=&&NewPW=654321&&").decode().strip())
        assert b"654321" not in out


def test_what_would_be_stored_of_an_enrolled_device(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2025, 11, 1, 9)
    monkeypatch.setattr("envmon.cli.hj212.clock", lambda: now)
    device = Device("010000A8900016F000169DC0", "ganzi-air", units={"*": "mg/m3"})
    monkeypatch.setattr("envmon.cli.hj212.enrolled", lambda session: {device.mn: device})
    segment = CHECKED["E6"][6:-4].replace("20260301080000", "20251101080000").replace("a05024", "x05024")
    _, out = ask(*asked, "hj212", "decode", "--json", encode(segment).decode().strip())
    (one,) = json.loads(out)
    assert (one["enrolled"], one["site"], one["unknown"]) == (True, "ganzi-air", [{"name": "x05024", "count": 1}])
    assert one["stored"][0] == {
        "item": "pm25", "item_name": "细颗粒物", "ending": "2025-11-01 08:10", "span": "minutes_10",
        "stored_value": "35", "unit": "µg/m³", "mark": "none", "mark_text": "正常",
    }  # fmt: skip
    _, out = ask(*asked, "--lang", "en", "hj212", "decode", encode(segment).decode().strip())
    assert "would be stored at ganzi-air: 5 values" in out.decode()
    for form in ([], ["--json"]):  # a frame that the listener refuses leaves nothing
        _, out = ask(*asked, "hj212", "decode", *form, encode(segment).decode().strip().replace("0.035", "0.036"))
        assert "不会存入" in out.decode() or json.loads(out)[0]["stored"] == []


def test_frames_come_from_a_file_or_from_stdin(asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    body = (
        b"08:11 > " + CHECKED["E6"].encode() + CHECKED["E7"].encode() + b"\r\nnothing here\n" + CHECKED["E4"].encode()
    )
    (tmp_path / "capture.txt").write_bytes(body)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))
    for source in ("capture.txt", "-"):
        code, out = ask(*asked, "hj212", "decode", "--json", source)
        assert code == 0
        assert [(one["line"], one["cn"]) for one in json.loads(out)] == [(1, "2051"), (1, "9015"), (3, "2061")]


def test_a_line_without_end_is_taken_apart_too(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_bytes(b"##9999" + b"x" * 3_000_000)
    code, out = ask(*asked, "hj212", "decode", "--json", "long.txt")
    assert (code, {one["problem"] for one in json.loads(out)}) == (3, {"length", "noise"})


def test_nothing_to_take_apart_is_said(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(UsageError, match=r"no frame in empty\.txt"):
        ask(*asked, "hj212", "decode", "empty.txt")


def test_a_frame_is_made_that_is_read_again(asked: Asked) -> None:
    """E7 from its fields, CR LF included; and a record of values."""
    words = (
        "hj212",
        "encode",
        "--mn",
        "A110000_0001",
        "--st",
        "21",
        "--cn",
        "9015",
        "--qn",
        "20260301080200000",
        "--flag",
        "9",
    )
    assert ask(*asked, *words)[1] == CHECKED["E7"].encode() + b"\r\n"
    groups = ("a34004-Avg=0.035,a34004-Flag=N", "a34002-Avg=0.061")
    _, out = ask(*asked, "hj212", "encode", "--mn", "A1", "--time", "2026-03-01T08:00", *groups)
    _, said = ask(*asked, "hj212", "decode", "--json", out.decode().strip())
    (one,) = json.loads(said)
    assert (one["problem"], one["data_time"], one["cn"]) == (None, "2026-03-01 08:00:00", "2061")
    assert [(row["code"], row["value"], row["mark"]) for row in one["factors"]] == [
        ("a34004", "0.035", "N"),
        ("a34002", "0.061", ""),
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["a34004"], "'a34004' is no NAME=VALUE"),
        (["a=" + "1" * 1000], "the standard allows 1024"),
        (["--time", "yesterday", "a=1"], "yesterday"),
    ],
)
def test_a_frame_that_cannot_be_made_is_refused(asked: Asked, words: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        ask(*asked, "--lang", "en", "hj212", "encode", "--mn", "A1", *words)
