"""Files handed to an import: endings, compression, the time a snapshot was saved, spreadsheets that would do harm."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from envmon import periods
from envmon.errors import SourceChanged, UsageError
from envmon.model import Payload
from envmon.sources import read_file
from envmon.sources.files import sheet, sheets

BODY = "date,hour,type,甘孜州\n20220101,1,SO2,5\n".encode()
HEADER = "省份,流域,断面名称,监测时间,站点情况"


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("a.csv", BODY),
        ("a.CSV", BODY),
        ("a.csv.gz", gzip.compress(BODY, mtime=0)),
        ("a.csv.xz", lzma.compress(BODY)),
        ("a.json", BODY),
    ],
)
def test_endings(tmp_path: Path, name: str, packed: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(packed)
    assert read_file(path, "archive", 77) == Payload(str(path), BODY, 77)


@pytest.mark.parametrize("name", ["a.doc", "a.pdf", "a.gz", "csv"])
def test_other_endings_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BODY)
    with pytest.raises(UsageError, match=r"accepted: \.csv"):
        read_file(tmp_path / name, "archive", 0)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name in ("none.csv", "folder.csv"):
        with pytest.raises(UsageError, match="cannot be read"):
            read_file(tmp_path / name, "archive", 0)


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("a.csv.gz", gzip.compress(BODY * 100, mtime=0)[:-20]),
        ("a.csv.gz", b"no gzip"),
        ("a.csv.xz", lzma.compress(BODY * 100)[:-20]),
        ("a.csv.xz", b"no xz"),
    ],
    ids=range(4),
)
def test_a_damaged_archive_is_told(tmp_path: Path, name: str, packed: bytes) -> None:
    (tmp_path / name).write_bytes(packed)
    with pytest.raises(SourceChanged, match="damaged or cut off") as caught:
        read_file(tmp_path / name, "archive", 0)
    assert f"{name}：压缩文件已损坏或不完整" in caught.value.said("zh")


@pytest.mark.parametrize(
    ("name", "row", "taken"),
    [
        ("2022_01_11_09h04m_国家.csv", "x,x,x,01-11 08:00,正常", "2022-01-11 09:04"),
        ("data_2023-09-20 02-46-50.csv", "x,x,x,09-20 00:00,正常", "2023-09-20 02:46"),
        ("20230101_0253.csv", "x,x,x,01-01 00:00,正常", "2023-01-01 02:53"),
        ("any.csv", "x,x,x,2021/6/17 12:00,正常", "1970-01-01 08:00"),
    ],
)
def test_when_a_snapshot_was_saved(tmp_path: Path, name: str, row: str, taken: str) -> None:
    (tmp_path / name).write_text(f"{HEADER}\n{row}\n", "utf-8")
    assert periods.clock(read_file(tmp_path / name, "cnemc_water", 0).taken) == taken


def test_a_merged_file_says_when_its_last_row_was_saved(tmp_path: Path) -> None:
    rows = ["x,x,x,2022-01-01 08:00,正常,2022-01-01 09:04", "x,x,x,2022-01-01 12:00,正常,2022-01-02 00:13"]
    (tmp_path / "merged.csv").write_text("\n".join([HEADER + ",抓取时间", *rows, ""]), "utf-8")
    taken = read_file(tmp_path / "merged.csv", "cnemc_water", 0).taken
    assert taken == periods.minute(datetime(2022, 1, 2, 0, 13))


def test_a_snapshot_without_any_year_is_refused(tmp_path: Path) -> None:
    (tmp_path / "water.csv").write_text(f"{HEADER}\nx,x,x,01-11 08:00,正常\n", "utf-8")
    with pytest.raises(UsageError, match="rename it like"):
        read_file(tmp_path / "water.csv", "cnemc_water", 0)


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    table = sheet(Payload("a", b'\xef\xbb\xbfa,b\r\n\r\n"1\r\n2",3\r\n4,5', 0), "zh")
    assert [(line, len(cells)) for line, cells in table.rows] == [(1, 2), (3, 2), (5, 2)]
    assert not table.ended


# --- spreadsheets -----------------------------------------------------------------------------------------------


def book(*rows: list[object], at: str = "") -> bytes:
    made = openpyxl.Workbook()
    page = made.active
    assert page is not None
    for row in rows:
        page.append(row)
    if at:
        page[at] = "far"
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def repacked(body: bytes, part: str, old: bytes, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            text = source.read(name)
            target.writestr(name, text.replace(old, new) if name == part else text)
    return out.getvalue()


PAGE = "xl/worksheets/sheet1.xml"


def test_cells_become_text() -> None:
    rows = [["名称", "日期", "值"], [None, None, None], ["甲", datetime(2022, 7, 9, 10, 30), 0.1], ["乙", "x", 12]]
    (found,) = sheets(Payload("a", book(*rows), 0), "zh")
    assert found.name == "Sheet"
    assert found.rows == [
        (1, ["名称", "日期", "值"]),
        (3, ["甲", "2022-07-09 10:30", "0.1"]),
        (4, ["乙", "x", "12"]),
    ]


@pytest.mark.parametrize("cell", ["XFD1048576", "A200001", "IW1"])
def test_a_cell_far_out_is_not_opened(cell: str) -> None:
    with pytest.raises(SourceChanged, match="is outside 200000 rows x 256 columns"):
        sheet(Payload("a", book(["x"], at=cell), 0), "zh")


def test_a_formula_nobody_calculated_stays_a_formula() -> None:
    assert sheet(Payload("a", book(["x", "=1+1"], ["y", 3]), 0), "zh").rows == [(1, ["x", "=1+1"]), (2, ["y", "3"])]


def test_a_document_type_is_not_opened() -> None:
    body = repacked(book(["x"]), PAGE, b"<worksheet", b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet')
    with pytest.raises(SourceChanged, match="document type"):
        sheet(Payload("a", body, 0), "zh")


def test_a_bomb_is_not_opened() -> None:
    body = repacked(book(["x"]), PAGE, b"<sheetData>", b"<sheetData>" + b" " * 2**25)
    with pytest.raises(SourceChanged, match="unpacks to"):
        sheet(Payload("a", body, 0), "zh")


@pytest.mark.parametrize("body", [b"PK\x03\x04 rest", book(["x"])[:-100], b"PK\x03\x04" + bytes(100)], ids=range(3))
def test_a_damaged_workbook_is_told(body: bytes) -> None:
    with pytest.raises(SourceChanged, match="a: the spreadsheet cannot be opened"):
        sheet(Payload("a", body, 0), "zh")


def test_a_zip_that_is_no_workbook() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("readme.txt", "hello")
    with pytest.raises(SourceChanged, match="cannot be opened"):
        sheet(Payload("a", out.getvalue(), 0), "zh")
