"""The city water quality index against a hand calculation with all 21 items, and what it says when items are missing.

Limits are those of class III, typed here once more from GB 3838-2002 table 1 (phosphorus 0.2, of lakes 0.05 mg/L).
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from envmon import periods, standards
from envmon.assess import city_index, water
from envmon.cli import root
from envmon.errors import StandardsError
from envmon.rounding import scaled
from envmon.standards import load
from tests.test_lakes import CONFIG

REGIME = standards.water(periods.number(date(2022, 7, 5)))
RULE = standards.city_index()

# Two river sections and one lake point; the ratio of each item to its limit, by hand. L: half of it counts.
#   item              river A    river B   mean      limit    ratio       lake     ratio
WORKED = {
    "ph": ("8", "8", "0.5", "6.5", "0.5"),  #              (8 - 7) / (9 - 7)       (7 - 6.5) / (7 - 6)
    "do": ("8", "12", "0.5", "4", "1.25"),  #              5 / 10                  5 / 4
    "codmn": ("2", "4", "0.5", "3", "0.5"),  #             3 / 6
    "cod": ("10", "10", "0.5", "10", "0.5"),  #            10 / 20
    "bod5": ("1", "3", "0.5", "2", "0.5"),  #              2 / 4
    "nh3n": ("0.1", "0.3", "0.2", "0.2", "0.2"),  #        0.2 / 1.0
    "tp": ("0.05", "0.15", "0.5", "0.05", "1"),  #         0.1 / 0.2               0.05 / 0.05
    "copper": ("0.1", "0.1", "0.1", "0.1", "0.1"),  #      0.1 / 1.0
    "zinc": ("0.05L", "0.05L", "0.025", "0.05L", "0.025"),  # 0.025 / 1.0
    "fluoride": ("0.2", "0.4", "0.3", "0.3", "0.3"),  #    0.3 / 1.0
    "selenium": ("0.001", "0.001", "0.1", "0.001", "0.1"),  # 0.001 / 0.01
    "arsenic": ("0.005", "0.005", "0.1", "0.005", "0.1"),  # 0.005 / 0.05
    "mercury": ("0.00002", "0.00004", "0.3", "0.00003", "0.3"),  # 0.00003 / 0.0001
    "cadmium": ("0.0005", "0.0005", "0.1", "0.0005", "0.1"),  # 0.0005 / 0.005
    "chromium_vi": ("0.004L", "0.004L", "0.04", "0.004L", "0.04"),  # 0.002 / 0.05
    "lead": ("0.005", "0.005", "0.1", "0.005", "0.1"),  #  0.005 / 0.05
    "cyanide": ("0.004L", "0.004L", "0.01", "0.004L", "0.01"),  # 0.002 / 0.2
    "volatile_phenol": ("0.0003L", "0.0003L", "0.03", "0.0003L", "0.03"),  # 0.00015 / 0.005
    "petroleum": ("0.01", "0.02", "0.3", "0.015", "0.3"),  # 0.015 / 0.05
    "las": ("0.05L", "0.05L", "0.125", "0.05L", "0.125"),  # 0.025 / 0.2
    "sulfide": ("0.01", "0.01", "0.05", "0.01", "0.05"),  # 0.01 / 0.2
}
RIVER = Fraction("4.88")  # 0.5 * 6 (ph do codmn cod bod5 tp) + 0.2 + 0.1 + 0.025 + 0.3 + 0.1 + 0.1 + 0.3 + 0.1 + 0.04
#                           + 0.1 + 0.01 + 0.03 + 0.3 + 0.125 + 0.05 = 3 + 1.88
LAKE = Fraction("6.13")  # 4.88 - 0.5 + 1.25 (oxygen) - 0.5 + 1 (phosphorus)
CITY = 52967  # (2 * 4.88 + 6.13) / 3 = 15.89 / 3 = 5.29667


def means(place: int, *without: str, **other: str) -> water.Means:
    """Means of one reading of every item: 0, 1 the river sections, 3 the lake point."""
    values = {item: row[place] for item, row in WORKED.items() if item not in without} | other
    readings = {
        item: [(scaled(text.removesuffix("L"), REGIME.items[item].decimals), text.endswith("L"))]
        for item, text in values.items()
    }
    return water.means(readings, REGIME)


def rivers(*sections: water.Means) -> city_index.BodyIndex:
    return city_index.body_index(sections, False, REGIME, RULE)


def lake(*points: water.Means) -> city_index.BodyIndex:
    return city_index.body_index(points, True, REGIME, RULE)


def test_the_rule() -> None:
    assert set(REGIME.sets[RULE.item_set].items) == set(WORKED)
    assert (RULE.reference.name, RULE.neutral_ph, RULE.decimals, RULE.change_decimals) == ("III", 7, 4, 2)


def test_all_21_items_worked_out_by_hand() -> None:
    found = rivers(means(0), means(1)), lake(means(3))
    for body, place in zip(found, (2, 4), strict=True):
        ratios = {one.item: one.ratio for one in body.ratios}
        assert ratios == {item: Fraction(row[place]) for item, row in WORKED.items()}
    assert [body.total for body in found] == [RIVER, LAKE]
    assert [(body.sections, body.whole, body.missing) for body in found] == [(2, 2, ()), (1, 1, ())]
    city = city_index.city_index(found, RULE)
    assert city.total == CITY
    # shares: oxygen (2 * 0.5 + 1.25) / 3 = 0.75, / 5.29667 = 14.16 %; COD 0.5 / 5.29667 = 9.44 %; copper 1.89 %
    assert [city.shares[item] for item in ("do", "cod", "copper")] == [142, 94, 19]
    assert abs(sum(city.shares.values()) - 1000) <= 10


def test_a_city_of_rivers_alone_or_of_lakes_alone_has_their_index() -> None:
    assert city_index.city_index([rivers(means(0), means(1)), lake()], RULE).total == 48800
    assert city_index.city_index([rivers(), lake(means(3))], RULE).total == 61300
    nothing = city_index.city_index([rivers(), lake()], RULE)
    assert (nothing.total, nothing.bodies, nothing.shares) == (None, (), {})


@pytest.mark.parametrize(
    ("ph", "ratio"),
    [
        ("7", "0"),
        ("6.99", "0.01"),  # up to 7: (7 - pH) / (7 - 6)
        ("6", "1"),
        ("5.5", "1.5"),
        ("7.01", "0.005"),  # above 7: (pH - 7) / (9 - 7)
        ("9", "1"),
        ("9.4", "1.2"),
    ],
)
def test_ph_has_two_branches(ph: str, ratio: str) -> None:
    found = rivers(means(0, ph=ph))
    assert found.ratios[0].item == "ph"
    assert found.ratios[0].ratio == Fraction(ratio)


def test_ph_of_several_sections_is_averaged_by_its_ions() -> None:
    """7 and 9: (10^-7 + 10^-9) / 2 = 5.05e-8, pH 7.296708, ratio 0.148354; the mean of 7 and 9 would give 0.5."""
    (ratio, *_) = rivers(means(0, ph="7"), means(1, ph="9")).ratios
    assert ratio.ratio is not None
    assert round(float(ratio.ratio), 6) == 0.148354


@pytest.mark.parametrize(("oxygen", "ratio"), [("5", "1"), ("10", "0.5"), ("2", "2.5"), ("3", "5/3")])
def test_oxygen_is_the_limit_over_the_concentration(oxygen: str, ratio: str) -> None:
    assert {one.item: one.ratio for one in rivers(means(0, do=oxygen)).ratios}["do"] == Fraction(ratio)


def test_water_without_oxygen_has_no_ratio() -> None:
    assert rivers(means(0, do="0")).missing == ("do",)


def test_an_item_that_no_section_measures_leaves_no_index() -> None:
    found = rivers(means(0, "mercury", "las"), means(1, "mercury"))
    assert (found.total, found.missing, found.whole) == (None, ("mercury",), 0)
    assert {one.item: one.sections for one in found.ratios}["las"] == 1
    assert city_index.city_index([found], RULE).total is None
    # nor do whole rivers make an index for lakes that are not
    assert city_index.city_index([rivers(means(0)), lake(means(3, "tp"))], RULE).total is None


def test_an_automatic_station_measures_too_few_items() -> None:
    five = {"ph", "do", "codmn", "nh3n", "tp"}
    found = rivers(means(0, *(set(WORKED) - five)))
    assert len(found.missing) == 16
    assert not five & set(found.missing)
    assert city_index.city_index([found], RULE).total is None


def test_an_item_counts_by_the_mean_of_the_sections_that_have_it() -> None:
    """cod 10 of one section alone: 10 / 20; codmn (2 + 4) / 2 / 6 of both."""
    found = rivers(means(0), means(1, "cod"))
    assert {one.item: (one.sections, one.ratio) for one in found.ratios}["cod"] == (1, Fraction(1, 2))
    assert (found.total, found.whole) == (RIVER, 1)


def test_the_change_is_that_of_the_published_figures() -> None:
    """(5.2967 - 4.88) / 4.88 = 8.5389 %; the other way (4.88 - 5.2967) / 5.2967 = -7.8672 %."""
    assert city_index.change(CITY, 48800, RULE) == 854
    assert city_index.change(48800, CITY, RULE) == -787
    assert city_index.change(48800, 0, RULE) is None


# --- mistakes in the file -----------------------------------------------------------------------------------------

MISTAKES = [
    ('item_set = "section_21"', 'item_set = "section_22"', "cwqi: item_set must be one of section_21"),
    ('item_set = "section_21"', "item_set = 21", "cwqi: item_set must be a text"),
    ('reference_class = "III"', 'reference_class = "3"', "cwqi: reference_class must be one of I, II"),
    ("neutral_ph = 7", "neutral_ph = 9", "cwqi: neutral_ph must be between 6 and 8"),
    ("neutral_ph = 7", "neutral_ph = 7.0", "cwqi: neutral_ph must be a whole number"),
    ("\ndecimals = 4", "\ndecimals = 40", "cwqi: decimals must be from 0"),
    ("change_decimals = 2", "changes = 2", "cwqi: unknown key 'changes'"),
    ("share_decimals = 1 ", "# ", "cwqi: share_decimals is missing"),
    ("clause = ", "place = ", "cwqi: unknown key 'place'"),
    ("[cwqi]", "[index]", "file: unknown key 'index'"),
]


@pytest.mark.parametrize(("old", "new", "named"), MISTAKES, ids=lambda text: text[:24])
def test_a_mistake_in_the_file_is_refused(tmp_path: Path, old: str, new: str, named: str) -> None:
    for one in load.FOLDER.glob("*.toml"):
        shutil.copy(one, tmp_path)
    path = tmp_path / "cwqi-2017.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(StandardsError) as caught:
        load.check(tmp_path)
    assert named in str(caught.value)
    assert "cwqi-2017.toml" in str(caught.value)


# --- a small bureau -----------------------------------------------------------------------------------------------

AREA_B = '[[areas]]\nid = "b"\nname = "乙县"\nlevel = "county"\nair = "station"\n'
SITES = """\
id,name,kind,area,body,target_class,counted,lake
up,上游,section,a,river,III,,
down,下游,section,a,river,III,,
background,对照,section,a,river,III,false,
centre,湖心,section,a,lake,III,,示例湖
auto,自动站,section,b,river,III,,
"""


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sections worked out above in July 2022, the rivers alone in July 2021; an area with five items only."""
    home = tmp_path_factory.mktemp("bureau")
    (home / "config.toml").write_text(CONFIG + AREA_B, "utf-8")
    (home / "sites.csv").write_text(SITES, "utf-8")
    lines = [",".join(["名称", "采样日期", *WORKED])]
    for name, place, year in (
        ("上游", 0, 2022),
        ("下游", 1, 2022),
        ("湖心", 3, 2022),
        ("上游", 0, 2021),
        ("下游", 1, 2021),
    ):
        lines.append(",".join([name, f"{year}-07-05", *(row[place] for row in WORKED.values())]))
    lines.append(",".join(["对照", "2022-07-05", *("9" for _ in WORKED)]))
    five = ("ph", "do", "codmn", "nh3n", "tp")
    lines.append(",".join(["自动站", "2022-07-05", *(row[0] if item in five else "" for item, row in WORKED.items())]))
    (home / "lab.csv").write_text("\n".join(lines) + "\n", "utf-8")
    ask(home, "import", "--source", "lab", str(home / "lab.csv"))
    return home


def ask(home: Path, *words: str) -> str:
    found = CliRunner().invoke(root, ["--config", str(home / "config.toml"), *words])
    assert found.exit_code == 0, found.output
    return found.stdout


def cwqi(home: Path, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ask(home, "stats", "cwqi", "--period", "2022-07", "--json", *words))
    return found


def test_the_index_of_an_area_from_its_laboratory_sheet(bureau: Path) -> None:
    (found,) = cwqi(bureau, "--area", "a")
    assert (found["value"], found["complete"]) == (5.2967, True)
    assert (found["river_value"], found["river_sections"], found["river_whole"]) == (4.88, 2, 2)
    assert (found["lake_value"], found["lake_sections"], found["lake_missing"]) == (6.13, 1, [])
    assert (found["before"], found["change"]) == (4.88, 8.54)
    assert found["excluded"] == {"not_counted": 1}
    oxygen = next(one for one in found["items"] if one["item"] == "do")
    assert [oxygen[key] for key in ("river_mean", "river_ratio", "lake_mean", "lake_ratio", "share")] == [
        10, 0.5, 4, 1.25, 14.2
    ]  # fmt: skip


def test_an_area_of_automatic_stations_has_no_index_and_says_what_is_missing(bureau: Path) -> None:
    (found,) = cwqi(bureau, "--area", "b")
    assert (found["value"], found["complete"], found["river_value"]) == (None, False, None)
    assert len(found["river_missing"]) == 16
    assert (found["before"], found["change"]) == (None, None)
    said = ask(bureau, "stats", "cwqi", "--period", "2022-07", "--area", "b")
    assert "城市水质指数不完整，不能公布" in said
    assert "没有数值的项目：化学需氧量、五日生化需氧量、铜" in said


def test_the_bureau_as_a_whole_comes_first(bureau: Path) -> None:
    """The station of the other area enters with its five items: the rivers rest on three sections, two are whole."""
    whole, a, b = cwqi(bureau)
    assert [one["area"] for one in (whole, a, b)] == ["*", "a", "b"]
    assert (whole["river_sections"], whole["river_whole"], whole["complete"]) == (3, 2, True)
    counts = {one["item"]: one["river_with_value"] for one in whole["items"]}
    assert (counts["ph"], counts["mercury"]) == (3, 2)


def test_what_people_read(bureau: Path) -> None:
    said = ask(bureau, "stats", "cwqi", "--period", "2022-07")
    assert "城市水质指数 5.2967，上年同期 4.8800，变化 +8.54%" in said
    assert "河流 3 个断面" in said
    assert "1 个项目不全" in said
    assert "不计：不参与统计 1" in said
    assert "e-05" not in said
    assert "Whole bureau" in ask(bureau, "--lang", "en", "stats", "cwqi", "--period", "2022-07")
    rows = ask(bureau, "stats", "cwqi", "--period", "2022-07", "--area", "a", "--csv").splitlines()
    assert len(rows) == 1 + 21
    assert not any("e-0" in row for row in rows)


def test_too_few_rounds_and_an_earlier_time(bureau: Path) -> None:
    """A year needs months; what the sheet said was not known before it came."""
    (year,) = json.loads(ask(bureau, "stats", "cwqi", "--period", "2022", "--area", "a", "--json"))
    assert (year["value"], year["excluded"]) == (None, {"too_few_rounds": 3, "not_counted": 1})
    then = ask(bureau, "--as-of", "2025-01-01T12:00", "stats", "cwqi", "--period", "2022-07", "--area", "a")
    assert "没有参与统计的断面数据" in then
    assert "没有可统计的数据" in ask(bureau, "stats", "cwqi", "--period", "2090")
