"""Templates: each is filled in as people would, by openpyxl, and read back by the program's own readers.

And whatever leaves the program as CSV or workbook cannot be taken for a formula.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from envmon import periods, standards
from envmon.cli import output
from envmon.cli.data import write_rejects
from envmon.cli.template import KINDS
from envmon.config import load
from envmon.model import Body, Kind, Payload, Refused
from envmon.pipeline.importing import enter, understand
from envmon.pipeline.templating import items_of, template_of
from envmon.pipeline.wiring import load_config
from envmon.sheets.rejects import Returned, reject_book
from envmon.sources.files import sheets
from envmon.store import Store

ROOT = Path(__file__).parent.parent
MAY = periods.parse("2026-05")
NOW = periods.hour_ending(periods.parse("2026-06-15").first, 12)
CONFIG = load_config(ROOT / "config.toml")


def opened(kind: str) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(template_of(CONFIG, kind, MAY)))


def heads(page) -> list[str]:  # type: ignore[no-untyped-def]
    return [cell.value for cell in page[1]]


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    with Store.open(tmp_path / "a.db") as made:
        made.register(CONFIG, standards.parameters().values())
        yield made


def read_back(store: Store, book: openpyxl.Workbook):  # type: ignore[no-untyped-def]
    out = io.BytesIO()
    book.save(out)
    read = understand(store, CONFIG, None, Path("填好的.xlsx"), NOW, out.getvalue())
    return read, enter(store, CONFIG, read, NOW)[0]


@pytest.mark.parametrize(
    ("kind", "count", "site"),
    [
        ("lab", 24, "示例河手工断面"),
        ("drinking", 61, "示例水库水源地"),
        ("drinking109", 109, "示例沟水源地"),
        ("groundwater", 39, "示例井水源地"),
    ],
)
def test_a_laboratory_template_asks_for_every_item_and_is_read_back(
    store: Store, kind: str, count: int, site: str
) -> None:
    book = opened(kind)
    page = book.worksheets[0]
    assert len(items_of(kind)) == count  # GB 3838-2002 table 1: 24; with tables 2 and 3: 109; GB/T 14848 table 1: 39
    assert heads(page)[:3] == ["序号", "断面名称" if kind == "lab" else "水源地名称", "采样日期"]
    assert page["B2"].value == "示例"
    for at, item in enumerate(items_of(kind), 4):
        page.cell(3, at, "0.02L" if item.id == "nh3n" else at)
    page["B3"], page["C3"] = site, date(2026, 5, 20)
    read, tally = read_back(store, book)
    assert (read.form, read.parsed.refused, read.parsed.unknown) == ("lab", [], {})
    assert (tally.read, tally.new) == (count, count)
    got = {row[2]: row[4] for row in read.parsed.rows}
    for at, item in enumerate(items_of(kind), 4):
        # the column says the unit the item is kept in, so steps of 10^-decimals of what was typed
        wanted = 2 * 10 ** (item.decimals - 2) if item.id == "nh3n" else at * 10**item.decimals
        assert got[item.number] == wanted, item.id
    assert {periods.clock(row[0])[:10] for row in read.parsed.rows} == {"2026-05-20"}


def test_reviewed_hours_and_days_are_read_back(store: Store) -> None:
    book = opened("reviewed")
    assert book.sheetnames == ["小时值", "日均值", "填写说明"]
    hours, days = book.worksheets[:2]
    row = {
        "站点/城市": "成都",
        "日期": date(2026, 5, 1),
        "小时(时段末)": 24,
        "PM2.5(µg/m³)": 35,
        "CO(mg/m³)": 0.7,
        "标记": "维护",
    }
    for head, value in row.items():
        hours.cell(3, heads(hours).index(head) + 1, value)
    for head, value in {"站点/城市": "成都", "日期": date(2026, 5, 1), "O3_8h(µg/m³)": 148}.items():
        days.cell(3, heads(days).index(head) + 1, value)
    read, tally = read_back(store, book)
    assert (read.form, read.parsed.refused, tally.new) == ("reviewed", [], 3)
    items = standards.parameter_numbers()
    found = {(items[row[2]].id, periods.clock(row[0]), row[4], row[5]) for row in read.parsed.rows}
    assert found == {
        ("pm25", "2026-05-02 00:00", 35_000, 2),
        ("co", "2026-05-02 00:00", 700, 2),
        ("o3", "2026-05-02 00:00", 148_000, 0),
    }


def test_events_are_read_back(store: Store) -> None:
    book = opened("events")
    row = ["1", "沙尘", "成都市", "PM10", date(2026, 5, 3), date(2026, 5, 4), "某局", "某函〔2026〕3号", ""]
    for at, value in enumerate(row, 1):
        book.worksheets[0].cell(3, at, value)
    read, tally = read_back(store, book)
    (event,) = read.parsed.events
    assert (read.form, tally.new, event.kind.value, event.subject, event.items) == (
        "events",
        1,
        "dust",
        "chengdu",
        ("pm10",),
    )
    assert (periods.clock(event.first), periods.clock(event.last)) == ("2026-05-03 00:00", "2026-05-05 00:00")


def test_intakes_of_a_month_need_only_their_volumes(store: Store) -> None:
    book = opened("intake")
    page = book.worksheets[0]
    assert [page.cell(row, 2).value for row in range(3, 6)] == ["示例沟水源地", "示例水库水源地", "示例井水源地"]
    page["D3"], page["D4"] = 30.125, "未取水"
    read, tally = read_back(store, book)
    assert (read.form, read.parsed.refused, tally.new) == ("intake", [], 2)
    assert [one.volume for one in read.parsed.intakes] == [30125, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_offers_the_sites_of_its_kind_and_says_how_it_is_filled_in(kind: str) -> None:
    book = opened(kind)
    page, notes = book.worksheets[0], book["填写说明"]
    checks = {str(one.sqref).split(":")[0].rstrip("0123456789"): one for one in page.data_validations.dataValidation}
    lists = {column[0].value: [cell.value for cell in column[1:] if cell.value] for column in notes.iter_cols(4)}
    sections = [site.name for site in CONFIG.sites if site.kind is Kind.SECTION]
    sources = [site for site in CONFIG.sites if site.kind is Kind.SOURCE]
    wanted = {
        "lab": sections,
        "intake": [site.name for site in sources],
        "groundwater": [site.name for site in sources if site.body is Body.GROUNDWATER],
        "reviewed": ["甘孜藏族自治州", "成都"],
    }
    surface = [site.name for site in sources if site.body is not Body.GROUNDWATER]
    wanted |= {"drinking": surface, "drinking109": surface}
    named = "C" if kind == "events" else "B"
    assert checks[named].type == "list"
    if kind in wanted:
        assert lists[page[f"{named}1"].value] == wanted[kind]
    assert page.freeze_panes == "D2"
    assert "示例" in " ".join(str(cell.value) for cell in notes["A"])
    dates = [one for one in checks.values() if one.type == "date"]
    assert len(dates) == {"events": 2, "intake": 0}.get(kind, 1)
    # days of May 2026 as a spreadsheet counts them: 1 May is day 46143 since 1899-12-30
    assert {(one.formula1, one.formula2) for one in dates} <= {("46143", "46173")}


def test_an_example_row_alone_is_no_data() -> None:
    for kind in KINDS:
        pages = sheets(Payload("a.xlsx", template_of(CONFIG, kind, None), NOW), "zh")
        assert [len(page.rows) for page in pages] == [1] * len(pages)


def test_a_bureau_without_sites_of_a_kind_gets_a_template_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        'bureau = "a"\n[[areas]]\nid = "a"\nname = "甲"\nlevel = "county"\n'
        '[[sites]]\nid = "s"\nname = "=1+1"\nkind = "section"\narea = "a"\nbody = "river"\n',
        "utf-8",
    )
    config = load(tmp_path / "c.toml")
    for kind in KINDS:
        book = openpyxl.load_workbook(io.BytesIO(template_of(config, kind, None)))
        for page in book.worksheets:
            assert all(cell.data_type != "f" for row in page.iter_rows() for cell in row)


# --- formulas -----------------------------------------------------------------------------------------------------

HOSTILE = ["=cmd|' /C calc'!A0", "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", '=HYPERLINK("http://x")']


@pytest.mark.parametrize("name", HOSTILE)
def test_what_leaves_as_csv_is_no_formula(name: str, tmp_path: Path) -> None:
    shown = [output.as_csv([{"site": name, name: 1}])]
    path = write_rejects(tmp_path, Path("a.csv"), [Refused("a", 1, name, name, name)], "zh")
    shown.append(path.read_text("utf-8-sig"))
    for text in shown:
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert any(name.strip() in cell.replace("\n", "") for cell in cells)
        assert [cell for cell in cells if cell.startswith(output.FORMULA_STARTS)] == []


@pytest.mark.parametrize("name", HOSTILE)
def test_what_leaves_as_a_workbook_is_text(name: str) -> None:
    body = reject_book([Returned(name, [(1, [name]), (2, [name])], frozenset([1]), {(2, 1): name}, {2: name})], name)
    book = openpyxl.load_workbook(io.BytesIO(body))
    cells = [cell for page in book.worksheets for row in page.iter_rows() for cell in row if cell.value]
    assert len(cells) == 4
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.hyperlink is None for cell in cells)


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_no_data_even_when_its_first_column_went(store: Store, kind: str) -> None:
    """The notes say that columns nobody needs may go: then the example must not become a sample of a real site."""
    book = opened(kind)
    for page in book.worksheets[:-1]:
        page.delete_cols(1)
    out = io.BytesIO()
    book.save(out)
    assert all("示例" not in row for _, row in sheets(Payload("a", out.getvalue(), 0), "zh")[0].rows[1:])
    read, tally = read_back(store, book)
    assert (tally.read, read.parsed.unknown) == (0, {})


def test_what_is_typed_over_the_example_is_data(store: Store) -> None:
    book = opened("lab")
    page = book.worksheets[0]
    page["B2"], page["C2"], page["D2"] = "示例河手工断面", date(2026, 5, 20), 7.1
    read, _ = read_back(store, book)
    ph = standards.parameters()["ph"]
    assert (ph.number, 71 * 10 ** (ph.decimals - 1)) in {(row[2], row[4]) for row in read.parsed.rows}


def test_the_checks_of_a_template_reach_over_a_month_of_hours() -> None:
    page = opened("reviewed").worksheets[0]
    rows = [area.max_row for check in page.data_validations.dataValidation for area in check.sqref.ranges]
    assert min(rows) > 100 * 31 * 24  # stations, days, hours
