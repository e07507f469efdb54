"""Files made to harm: each is refused with a reason, by a child process of little memory and time (R10).

The innocent ones, that only look strange, are in test_sheets.
"""

from __future__ import annotations

import io
import os
import re
import resource
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from envmon.errors import SourceChanged
from envmon.model import Payload
from envmon.sources import workbook
from envmon.sources.files import sheets
from tests.test_sheets import GOOD, PAGE, book
from tests.xls import XlsSheet, ods, ole, record, xls

HEAD = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
END = b"</" + b"worksheet>"
TAIL = b"</sheetData>" + END
STRINGS = "xl/sharedStrings.xml"
LAUGHS = b'<!DOCTYPE a [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (97 + n, b"&%c;" % (96 + n) * 10) for n in range(1, 12)
)


def with_parts(parts: dict[str, bytes], level: int = 6) -> bytes:
    """A good workbook in which some parts are others."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book(GOOD))) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as target,
    ):
        for name in source.namelist():
            target.writestr(name, parts.get(name, source.read(name)))
        for name in parts.keys() - set(source.namelist()):
            target.writestr(name, parts[name])
    return out.getvalue()


def spaces() -> bytes:
    """1 GiB of blanks, packed a thousandfold: one packed MiB over and over, because packing them all takes long."""
    mib = b" " * 2**20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(mib) + packer.flush(zlib.Z_FULL_FLUSH)
    packed, total, crc = block * 1024 + b"\x03\x00", 2**30, 0
    for _ in range(1024):
        crc = zlib.crc32(mib, crc)
    body = bytearray(with_parts({}))
    with zipfile.ZipFile(io.BytesIO(body)) as pack:
        start = pack.start_dir
        count = len(pack.infolist())
    name = b"xl/worksheets/sheet9.xml"
    shared = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, crc, len(packed), total, len(name), 0)
    local = b"PK\x03\x04" + shared + name + packed
    directory = bytes(body[start:-22]) + b"PK\x01\x02" + struct.pack("<H", 20) + shared
    directory += struct.pack("<HHHII", 0, 0, 0, 0, start) + name
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count + 1, count + 1, len(directory), start + len(local), 0)
    return bytes(body[:start]) + local + directory + end


def many_rows() -> bytes:
    block = b"".join(b"<row><c><v>%d</v></c></row>" % (n * n * 7919 % 99_991) for n in range(10_000))
    return with_parts({PAGE: HEAD + block * 100 + TAIL}, 1)


def one_string_everywhere() -> bytes:
    """32,767 letters, the longest text of a cell, 20,000 times: 655 MB of text in a file of some kilobytes."""
    rows = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(1, 20_001))
    strings = (
        HEAD.replace(b"worksheet", b"sst").replace(b"<sheetData>", b"") + b"<si><t>" + b"x" * 32767 + b"</t></si></sst>"
    )
    return with_parts({PAGE: HEAD + rows + TAIL, STRINGS: strings})


def merges() -> bytes:
    """10,000 merged areas one upon the other."""
    rows = (
        b'<row r="1"><c r="A1"><v>1</v></c><c r="IV1"><v>1</v></c></row><row r="15000"><c r="A15000"><v>1</v></c></row>'
    )
    areas = b'<mergeCell ref="A1:IV15000"/>' * 10_000
    return with_parts({PAGE: HEAD + rows + b"</sheetData><mergeCells>" + areas + b"</mergeCells>" + END})


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, part in parts.items():
            pack.writestr(name, part)
    return out.getvalue()


def nested() -> bytes:
    body = book(GOOD)
    for _ in range(5):
        body = zipped({"xl/workbook.xml.zip": body})
    return body


def looped() -> bytes:
    """An old workbook whose sectors follow one another in a ring."""
    body = bytearray(xls({"a": XlsSheet([["x"]])}))
    fat = struct.unpack_from("<I", body, 76)[0]
    struct.pack_into("<I", body, (fat + 1) * 512 + 4, 0)
    return bytes(body)


FAR = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
LATE = HEAD.replace(b"?>", b"?><!--" + b" " * 5000 + b"-->" + b'<!DOCTYPE worksheet [<!ENTITY a "b">]>', 1)
CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion laughs": (lambda: with_parts({STRINGS: LAUGHS + b"]><sst><si><t>&l;</t></si></sst>"}), "文档类型"),
    "a file of the machine": (
        lambda: with_parts({PAGE: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + HEAD + b"&x;" + TAIL}),
        "文档类型",
    ),
    "a document type after a long remark": (lambda: with_parts({PAGE: LATE + TAIL}), "文档类型"),
    "a document type in UTF-16": (
        lambda: with_parts(
            {PAGE: ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY x "y">]><a/>').encode("utf-16")}
        ),
        "文档类型",
    ),
    "a gibibyte of blanks": (spaces, "展开后有"),
    "a cell at the end of the world": (lambda: with_parts({PAGE: HEAD + FAR + TAIL}), "XFD1048576 超出"),
    "sixteen million cells for calamine": (lambda: ods([["a"]], "65536", "256"), "超过 512 MB"),
    "a million rows": (many_rows, "A200001 超出"),
    "one string everywhere": (one_string_everywhere, "超过 33554432"),
    "areas upon areas": (merges, "超过 4000000"),
    "a locked workbook": (lambda: ole({"EncryptionInfo": b"x", "EncryptedPackage": b"y"}), "密码"),
    "a locked old workbook": (
        lambda: xls({"a": XlsSheet([["x"]])}, more=record(0x2F, struct.pack("<HHH", 1, 1, 1) + bytes(48))),
        "密码",
    ),
    "half a file": (lambda: book(GOOD)[:3000], "打不开"),
    "a zip in a zip in a zip": (nested, "打不开"),
    "another zip": (lambda: zipped({"readme.txt": b"hello"}), "打不开"),
    "a thousand parts and one": (lambda: zipped({f"{n}.txt": b"" for n in range(1001)}), "展开后"),
    "half an old workbook": (lambda: xls({"a": XlsSheet([["x"]])})[:2000], "打不开"),
    "an old workbook without a book": (lambda: ole({"WordDocument": b"x"}), "打不开"),
    "a head and nothing else": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "打不开"),
    "a binary workbook": (lambda: zipped({"xl/workbook.bin": b""}), "xlsb"),
    "21 MiB": (lambda: b"PK\x03\x04" + bytes(21 * 2**20), "20971520"),
}


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused(name: str) -> None:
    make, reason = CASES[name]
    body, before, me = make(), children(), os.getpid()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of earlier tests
    with pytest.raises(SourceChanged) as caught:
        sheets(Payload("a.xlsx", body, 0), "zh")
    assert caught.match("^a.xlsx: ")
    assert re.search(reason, caught.value.said("zh")), caught.value.said("zh")
    assert len(caught.value.said("zh")) < 300
    assert children() - before <= 5  # seconds of the processor
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(others, 512 * 1024)  # KiB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - own <= 128 * 1024
    assert os.getpid() == me


def test_a_ring_of_sectors_comes_to_an_end() -> None:
    """Some of it may be read; what matters is that nobody follows it for ever."""
    before = children()
    with suppress(SourceChanged):
        sheets(Payload("a.xls", looped(), 0), "zh")
    assert children() - before <= 5


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    body = with_parts({PAGE: HEAD + b"".join(b"<row><c><v>%d</v></c></row>" % n for n in range(20_000)) + TAIL}, 1)
    monkeypatch.setattr(workbook, "SECONDS", 0.01)
    with pytest.raises(SourceChanged, match="was not read in 0"):
        sheets(Payload("a.xlsx", body, 0), "zh")
    monkeypatch.undo()
    assert len(sheets(Payload("a.xlsx", body, 0), "zh")[0].rows) == 20_000


def test_the_child_knows_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the environment, where secrets stand, the child is told only where Python finds its own files."""
    spy = tmp_path / "child.py"
    spy.write_text("import os; raise SystemExit(' '.join(sorted(os.environ)))", "utf-8")
    monkeypatch.setattr(workbook, "CHILD", str(spy))
    monkeypatch.setenv("WAQI_TOKEN", "secret")
    with pytest.raises(SourceChanged) as caught:
        sheets(Payload("a.xlsx", b"PK\x03\x04", 0), "zh")
    assert "PATH" in str(caught.value)
    assert "WAQI" not in str(caught.value)


def test_a_reader_that_aborts_takes_nobody_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """calamine ends its process over a cell at XFD1048576, which nothing in Python can catch; here it is the child."""
    spy = tmp_path / "child.py"
    folder = Path(workbook.CHILD).parent
    lines = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import child; child.pages_of = child._calamine; child.main()"
    )
    spy.write_text(lines, "utf-8")
    monkeypatch.setattr(workbook, "CHILD", str(spy))
    near = b'<row r="1"><c r="A1"><v>1</v></c></row>'
    with pytest.raises(SourceChanged, match="needs more than 512 MB"):
        sheets(Payload("a.xlsx", with_parts({PAGE: HEAD + near + FAR + TAIL}), 0), "zh")
