"""Lakes: the trophic state index against hand calculations, levels, the order of means, the command on a small bureau.

The coefficients are typed here once more from 环办〔2011〕22号 part 2; the indices were worked out with a calculator:
ln 10 = 2.302585, so ln 0.1 = -2.302585, ln 0.01 = -4.605170; sum of r2 = 1 + 0.7056 + 0.6724 + 2 * 0.6889 = 3.7558.
"""

from __future__ import annotations

import json
import math
import shutil
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from envmon import periods, standards
from envmon.assess import lakes, water
from envmon.cli import root
from envmon.errors import StandardsError
from envmon.model import EventKind, ExceptionalEvent
from envmon.rounding import scaled
from envmon.standards import load
from envmon.store import Store

DAY = periods.number(date(2022, 7, 5))
REGIME = standards.water(DAY)
RULE = standards.trophic()

PRINTED = {  # a, b, r2, weight
    "chla": ("2.5", "1.086", "1", "0.2663"),
    "tp": ("9.436", "1.624", "0.7056", "0.1879"),
    "tn": ("5.453", "1.694", "0.6724", "0.1790"),
    "sd": ("5.118", "-1.94", "0.6889", "0.1834"),
    "codmn": ("0.109", "2.661", "0.6889", "0.1834"),
}


def means(**values: str) -> water.Means:
    """Means of one reading each, as printed: 0.02L is below the detection limit of 0.02."""
    readings = {}
    for item, text in values.items():
        censored = text.endswith("L")
        readings[item] = [(scaled(text.removesuffix("L"), REGIME.items[item].decimals), censored)]
    return water.means(readings, REGIME)


def state(**values: str) -> lakes.TrophicState:
    return lakes.trophic_state(means(**values), REGIME, RULE)


# --- the rule as printed ------------------------------------------------------------------------------------------


def test_coefficients_are_the_printed_ones() -> None:
    found = {name: (item.a, item.b, item.r2) for name, item in RULE.items.items()}
    assert found == {name: tuple(map(Fraction, row[:3])) for name, row in PRINTED.items()}
    assert [(level.name, level.at_most) for level in RULE.levels] == [
        ("贫营养", 299), ("中营养", 500), ("轻度富营养", 600), ("中度富营养", 700), ("重度富营养", None)
    ]  # fmt: skip


def test_the_printed_weights_are_those_of_r2_and_make_one() -> None:
    total = sum(Fraction(row[2]) for row in PRINTED.values())
    assert total == Fraction("3.7558")
    for part in state().parts:
        assert part.weight == Fraction(PRINTED[part.item][2]) / total
        assert round(part.weight, 4) == Fraction(PRINTED[part.item][3])
    assert sum(Fraction(row[3]) for row in PRINTED.values()) == 1


def by_float(values: dict[str, str], weighted: str) -> float:
    """The index by floating point: a second way, good to far more digits than are published."""
    total = sum(float(row[2]) for row in PRINTED.values())
    found = 0.0
    for item, (a, b, r2, weight) in PRINTED.items():
        share = float(weight) if weighted == "printed" else float(r2) / total
        found += share * 10 * (float(a) + float(b) * math.log(float(values[item])))
    return found


# --- indices worked out by hand ------------------------------------------------------------------------------------

WORKED = [
    # chla 25 + 10.86 * 2.302585 = 50.00607; tp 94.36 - 16.24 * 2.302585 = 56.96602; tn 54.53; sd 51.18;
    # codmn 1.09 + 26.61 * 2.302585 = 62.36179. Times r2: 50.00607 + 40.19522 + 36.66597 + 35.25790 + 42.96104
    # = 205.08620; / 3.7558 = 54.6052
    (("10", "0.1", "1", "1", "10"), [500, 570, 545, 512, 624], 546, "轻度富营养"),
    # ln 1 = 0: 25 + 94.36 * 0.7056 + 54.53 * 0.6724 + 51.18 * 0.6889 + 1.09 * 0.6889
    # = 25 + 66.58042 + 36.66597 + 35.25790 + 0.75090 = 164.25519; / 3.7558 = 43.7337
    (("1", "1", "1", "1", "1"), [250, 944, 545, 512, 11], 437, "中营养"),
    # chla 25; tp 94.36 - 16.24 * 4.605170 = 19.57204; tn 54.53 - 16.94 * 2.302585 = 15.52421;
    # sd 51.18 - 19.4 * 2.302585 = 6.50985; codmn 1.09. Times r2: 25 + 13.81003 + 10.43848 + 4.48464 + 0.75090
    # = 54.48405; / 3.7558 = 14.5066
    (("1", "0.01", "0.1", "10", "1"), [250, 196, 155, 65, 11], 145, "贫营养"),
    # chla 25 + 10.86 * 4.605170 = 75.01215; tp 94.36; tn 54.53 + 16.94 * 2.302585 = 93.53579;
    # sd 51.18 + 19.4 * 2.302585 = 95.85015; codmn 62.36179. Times r2: 75.01215 + 66.58042 + 62.89346 + 66.03117
    # + 42.96104 = 313.47824; / 3.7558 = 83.4651
    (("100", "1", "10", "0.1", "10"), [750, 944, 935, 959, 624], 835, "重度富营养"),
]


@pytest.mark.parametrize(("values", "parts", "total", "level"), WORKED, ids=lambda one: str(one)[:24])
def test_an_index_worked_out_by_hand(values: tuple[str, ...], parts: list[int], total: int, level: str) -> None:
    given = dict(zip(PRINTED, values, strict=True))
    found = state(**given)
    assert [part.index for part in found.parts] == parts
    assert (found.total, found.level and found.level.name, found.missing) == (total, level, ())
    assert round(10 * by_float(given, "exact")) == round(10 * by_float(given, "printed")) == total


def test_the_quotient_of_r2_counts_where_the_printed_weights_would_round_otherwise() -> None:
    """chla 2, tp 0.01, tn 5, sd 1, codmn 2: 39.9518 by r2 / sum of r2, 39.9499 by the four printed digits.

    chla 25 + 10.86 * 0.693147 = 32.52758; tp 19.57204; tn 54.53 + 16.94 * 1.609438 = 81.79388; sd 51.18;
    codmn 1.09 + 26.61 * 0.693147 = 19.53464. Times r2: 32.52758 + 13.81003 + 54.99820 + 35.25790 + 13.45741
    = 150.05112; / 3.7558 = 39.9518. Times the printed weights: 8.66209 + 3.67759 + 14.64110 + 9.38641 + 3.58265
    = 39.94984.
    """
    given = {"chla": "2", "tp": "0.01", "tn": "5", "sd": "1", "codmn": "2"}
    assert round(by_float(given, "exact"), 4) == 39.9518
    assert round(by_float(given, "printed"), 4) == 39.9499
    assert state(**given).total == 400


@pytest.mark.parametrize("chla", ["0.5", "7", "61"])
@pytest.mark.parametrize("tp", ["0.013", "0.18"])
@pytest.mark.parametrize("sd", ["0.35", "4.2"])
def test_exact_and_floating_point_agree(chla: str, tp: str, sd: str) -> None:
    given = {"chla": chla, "tp": tp, "tn": "1.37", "sd": sd, "codmn": "3.9"}
    exact = by_float(given, "exact")
    assert abs(10 * exact - math.floor(10 * exact) - 0.5) > 1e-6  # no tie, which floating point could not settle
    assert state(**given).total == round(10 * exact)


def test_no_sum_can_lie_on_a_tie_of_the_rounding() -> None:
    """A rational sum comes only of logarithms that cancel; it is then 43.7337..., far from a tie."""
    exact = sum(10 * Fraction(a) * Fraction(r2) for a, _, r2, _ in PRINTED.values()) / Fraction("3.7558")
    assert abs(exact * 10 % 1 - Fraction(1, 2)) > Fraction(1, 10)


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (0, "贫营养"), (299, "贫营养"), (300, "中营养"), (301, "中营养"), (500, "中营养"), (501, "轻度富营养"),
        (600, "轻度富营养"), (601, "中度富营养"), (700, "中度富营养"), (701, "重度富营养"), (1200, "重度富营养"),
        (-50, "贫营养"),
    ],
)  # fmt: skip
def test_every_bound_of_the_levels(index: int, name: str) -> None:
    """Below 30 is exclusive, the other bounds belong to the lower level."""
    assert lakes.level_of(index, RULE).name == name


def test_the_level_is_that_of_the_rounded_index() -> None:
    """Where chlorophyll carries the index across 30: 29.9 is the low level, 30.0 the next, from 29.95 on."""
    rest = {"tp": "0.02", "tn": "0.3", "sd": "3", "codmn": "2"}
    found = {chla: state(chla=chla, **rest) for chla in (f"{number / 100:.2f}" for number in range(100, 400))}
    levels = {one.total: one.level.name for one in found.values() if one.level}
    assert {299, 300} <= levels.keys()
    assert (levels[299], levels[300]) == ("贫营养", "中营养")
    between = [by_float({"chla": chla, **rest}, "exact") for chla, one in found.items() if one.total == 300]
    assert 29.95 < min(between) < 30 < max(between) < 30.05


@pytest.mark.parametrize("gone", PRINTED)
def test_without_an_item_there_is_no_index_and_it_is_named(gone: str) -> None:
    given = {name: "1" for name in PRINTED if name != gone}
    found = state(**given)
    assert (found.total, found.level, found.missing) == (None, None, (gone,))
    assert [part.index is None for part in found.parts] == [name == gone for name in PRINTED]
    zero = state(**given, **{gone: "0"})  # nothing has the logarithm of 0
    assert (zero.total, zero.missing) == (None, (gone,))
    assert state().missing == tuple(PRINTED)


def test_a_value_below_detection_counts_as_half_its_limit() -> None:
    """tp 0.02L counts as 0.01: 94.36 - 16.24 * 4.605170 = 19.572."""
    found = state(chla="1", tp="0.02L", tn="0.1", sd="10", codmn="1")
    assert [part.index for part in found.parts][1] == 196
    assert found.total == 145


@pytest.mark.parametrize(
    ("tn", "name"),
    [("0.2", "I"), ("0.21", "II"), ("1.0", "III"), ("1.01", "IV"), ("2", "V"), ("2.01", "WORSE_THAN_V"), ("0.1L", "I")],
)
def test_total_nitrogen_has_a_class_of_its_own(tn: str, name: str) -> None:
    """GB 3838-2002 table 1: 0.2, 0.5, 1.0, 1.5, 2.0 mg/L."""
    assert lakes.nitrogen_class(means(tn=tn), REGIME).name == name
    assert lakes.nitrogen_class(means(tp="1"), REGIME).name == "NONE"


# --- depths, time, points -----------------------------------------------------------------------------------------


def tp(found: water.Means) -> Fraction:
    top, bottom, _ = found["tp"]
    return Fraction(top, bottom * 10 ** REGIME.items["tp"].decimals)


def test_a_point_that_was_sampled_more_often_does_not_weigh_more() -> None:
    """Three times 0.1 at one point and once 0.3 at another: (0.1 + 0.3) / 2 = 0.2, not (3 * 0.1 + 0.3) / 4 = 0.15."""
    often = lakes.over_time([[means(tp="0.1")]] * 3, REGIME)
    once = lakes.over_time([[means(tp="0.3")]], REGIME)
    assert tp(lakes.over_points([often, once], REGIME)) == Fraction("0.2")


def test_depths_come_before_time() -> None:
    """0.1 and 0.3 on one day, 0.1 on another: (0.2 + 0.1) / 2 = 0.15, not (0.1 + 0.3) / 2 = 0.2 nor 0.5 / 3."""
    found = lakes.over_time([[means(tp="0.1"), means(tp="0.3")], [means(tp="0.1")]], REGIME)
    assert tp(found) == Fraction("0.15")


def test_an_item_is_averaged_over_the_points_that_have_it() -> None:
    found = lakes.over_points([means(tp="0.1", chla="4"), means(tp="0.3")], REGIME)
    assert tp(found) == Fraction("0.2")
    assert found["chla"] == means(chla="4")["chla"]


# --- mistakes in the file -----------------------------------------------------------------------------------------

MISTAKES = [
    ("r2 = 0.7056", "r2 = 0.7065", "weight is not r2 over the sum of r2"),
    ("weight = 0.1879", "weight = 0.1880", "tli.item tp: weight is not"),
    ("weight = 0.1879", "weight = 0.18787", "tli.item tp: 0.18787 has more than 4 decimals"),
    ("r2 = 1.0", "r2 = 1.1", "tli.item chla: r2 must be above 0"),
    ("a = 9.436", 'a = "nine"', "tli.item tp: 'nine' is not a number"),
    ("a = 9.436\n", "", "tli.item tp: a is missing"),
    ('unit = "mg/m3"', 'unit = "mg/L"', "tli.item chla: unit 'mg/L'"),
    ('id = "chla"', 'id = "chl"', "parameters.toml has no parameter 'chl'"),
    ('id = "chla"', 'id = "tp"', "tli.item tp:"),
    ("below = 30.0", "below = 60.0", "tli.level: bounds must rise"),
    ("below = 30.0", "below = 30.05", "30.05 has more than 1 decimals"),
    ("max = 50.0\n", "", "tli.level mesotrophic: every level but the last has one bound"),
    ("max = 50.0", "max = 50.0\nbelow = 51.0", "tli.level mesotrophic: every level but the last has one bound"),
    ('id = "mesotrophic"', 'id = "oligotrophic"', "each level once"),
    ("decimals = 1 # unconfirmed\nclause", "decimals = 9\nclause", "tli: decimals must be from 0"),
    ("[tli]\n", "[tli]\nscale = 10\n", "tli: unknown key 'scale'"),
]


@pytest.mark.parametrize(("old", "new", "named"), MISTAKES, ids=lambda text: text[:24])
def test_a_mistake_in_the_file_is_refused(tmp_path: Path, old: str, new: str, named: str) -> None:
    for one in load.FOLDER.glob("*.toml"):
        shutil.copy(one, tmp_path)
    path = tmp_path / "hb2011-22.toml"
    head, text = path.read_text("utf-8").split("[tli]")
    text = f"[tli]{text}"
    assert old in text
    path.write_text(head + text.replace(old, new, 1), "utf-8")
    with pytest.raises(StandardsError) as caught:
        load.check(tmp_path)
    assert named in str(caught.value)
    assert "hb2011-22.toml" in str(caught.value)


# --- a small bureau -----------------------------------------------------------------------------------------------

CONFIG = """
bureau = "某局"
sites = "sites.csv"
[[areas]]
id = "a"
name = "某县"
level = "county"
air = "station"
[[sources]]
id = "lab"
kind = "lab"
url = "http://127.0.0.1:1/"
every = "1d"
at = "08:00"
lookback = "60d"
basis = "manual"
"""
SITES = """\
id,name,kind,area,body,target_class,counted,湖库,点位,停用日期
centre,湖心,section,a,lake,III,,示例湖,,
bay,湖湾,section,a,lake,III,,示例湖,,
edge,岸边,section,a,lake,III,false,示例湖,,
dam-top,坝前表层,section,a,lake,III,,深水库,坝前,
dam-bottom,坝前底层,section,a,lake,III,,深水库,坝前,
alone,小水库,section,a,lake,III,,,,
river,某河桥,section,a,river,III,,,,
"""
# Means of July 2022 over the points: chla (6 + 14) / 2 = 10, tp (0.06 + 0.14) / 2 = 0.1, tn (0.8 + 1.2) / 2 = 1,
# sd (1.3 + 0.7) / 2 = 1, codmn 10: the first index worked out above, 54.6. Of the pooled samples chla would be 26 / 3.
SHEET = """\
名称,采样日期,pH,溶解氧(mg/L),高锰酸盐指数(mg/L),氨氮(mg/L),总磷(mg/L),总氮(mg/L),叶绿素a(mg/L),透明度(cm)
湖心,2022-07-04,7.5,8,8,0.1,0.05,0.8,0.004,120
湖心,2022-07-18,7.5,8,12,0.1,0.07,0.8,0.008,140
湖湾,2022-07-04,7.5,8,10,0.1,0.14,1.2,0.014,70
岸边,2022-07-04,7.5,8,50,0.1,0.9,9,0.9,10
湖心,2021-07-05,7.5,8,1,0.1,1,1,0.001,100
坝前表层,2022-07-04,7.5,8,2,0.1,0.1,0.5,0.002,
坝前底层,2022-07-04,7.5,8,2,0.1,0.3,0.5,0.002,
坝前表层,2022-07-18,7.5,8,2,0.1,0.1,0.5,0.002,
某河桥,2022-07-04,7.5,8,2,0.1,0.1,,,
"""


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bureau of three lakes and a river, whose laboratory sheet was imported."""
    home = tmp_path_factory.mktemp("bureau")
    (home / "config.toml").write_text(CONFIG, "utf-8")
    (home / "sites.csv").write_text(SITES, "utf-8")
    (home / "lab_lake.csv").write_text(SHEET, "utf-8")
    ask(home, "import", "--source", "lab", str(home / "lab_lake.csv"))
    return home


def ask(home: Path, *words: str) -> str:
    found = CliRunner().invoke(root, ["--config", str(home / "config.toml"), *words])
    assert found.exit_code == 0, found.output
    return found.stdout


def lakes_of(home: Path, *words: str) -> dict[str, dict[str, Any]]:
    return {
        row["lake"]: row for row in json.loads(ask(home, *words, "stats", "lakes", "--period", "2022-07", "--json"))
    }


def test_a_lake_is_judged_on_the_mean_of_its_points(bureau: Path) -> None:
    """codmn 10 and tp 0.1 are class IV of a lake (6 < 10 <= 10, 0.05 < 0.1 <= 0.1), 0.7 and 1.0 times over III."""
    found = lakes_of(bureau)["示例湖"]
    assert (found["class"], found["main_text"]) == ("IV", "总磷（超1.0倍），高锰酸盐指数（超0.7倍）")
    assert (found["tn_class"], found["tli"], found["level_name"], found["missing"]) == ("III", 54.6, "轻度富营养", [])
    assert (found["points_entered"], found["points_count"], found["basis"]) == (2, 3, "manual")
    parts = {part["item"]: (part["mean"], part["index"], part["points"]) for part in found["parts"]}
    assert parts == {
        "chla": (10, 50.0, 2), "tp": (0.1, 57.0, 2), "tn": (1, 54.5, 2), "sd": (1, 51.2, 2), "codmn": (10, 62.4, 2)
    }  # fmt: skip
    reasons = {point["name"]: point["reason"] for point in found["points"]}
    assert reasons == {"湖心": None, "湖湾": None, "岸边": "not_counted"}


def test_the_year_before_stands_beside_it(bureau: Path) -> None:
    """All five at 1: the second index worked out above, 43.7; 54.6 - 43.7 = 10.9. tp of 1 mg/L is worse than V."""
    found = lakes_of(bureau)["示例湖"]
    assert (found["before_tli"], found["before_level_name"], found["tli_change"]) == (43.7, "中营养", 10.9)
    assert found["before_class"] == "WORSE_THAN_V"


def test_depths_of_a_point_are_one_point(bureau: Path) -> None:
    """tp: (0.1 + 0.3) / 2 = 0.2 on the first day, 0.1 on the second: 0.15, class V (0.1 < 0.15 <= 0.2)."""
    found = lakes_of(bureau)["深水库"]
    (point,) = found["points"]
    assert (point["name"], point["sites"], point["readings"]) == ("坝前", ["dam-top", "dam-bottom"], 3)
    assert {part["item"]: part["mean"] for part in found["parts"]}["tp"] == 0.15
    assert found["class"] == "V"
    assert (found["tli"], found["missing"], found["level"]) == (None, ["sd"], None)


def test_a_lake_without_readings_says_so(bureau: Path) -> None:
    found = lakes_of(bureau)["小水库"]
    assert (found["status"], found["class"], found["tli"], found["points_entered"]) == ("missing", None, None, 0)
    assert len(found["missing"]) == 5


def test_what_people_read(bureau: Path) -> None:
    said = ask(bureau, "stats", "lakes", "--period", "2022-07")
    assert "示例湖 各项指数：叶绿素a 50.0，总磷 57.0，总氮 54.5，透明度 51.2，高锰酸盐指数 62.4" in said
    assert "深水库 营养状态指数算不出：缺透明度" in said
    assert "示例湖 不计点位 岸边：不参与统计" in said
    assert "某河桥" not in said
    english = ask(bureau, "--lang", "en", "stats", "lakes", "--period", "2022-07")
    assert "lightly eutrophic" in english
    rows = ask(bureau, "stats", "lakes", "--period", "2022-07", "--csv").splitlines()
    assert len(rows) == 1 + 3 * 5


def test_a_whole_year_needs_its_rounds_and_an_earlier_time_knows_nothing(bureau: Path) -> None:
    """One month of readings is fewer than the 8 a year asks for; before the import nothing was known."""
    (found, *_) = json.loads(ask(bureau, "stats", "lakes", "--period", "2022", "--json"))
    assert (found["status"], found["tli"], found["points_entered"]) == ("too_few_rounds", None, 0)
    assert {point["reason"] for point in found["points"]} == {"too_few_rounds", "not_counted"}
    then = lakes_of(bureau, "--as-of", "2025-01-01T12:00")
    assert {row["status"] for row in then.values()} == {"missing"}
    now = lakes_of(bureau, "--as-of", periods.clock(periods.hour_ending(periods.LAST_DAY - 1, 0)))
    assert now == lakes_of(bureau)


def test_a_period_still_to_come_and_before_the_standard(bureau: Path) -> None:
    assert "还没有开始" in ask(bureau, "stats", "lakes", "--period", "2090")
    assert json.loads(ask(bureau, "stats", "lakes", "--period", "2090", "--json")) == []
    (first, *_) = json.loads(ask(bureau, "stats", "lakes", "--period", "2002-07", "--json"))
    assert (first["before_tli"], first["status"]) == (None, "missing")


# --- depths that are closed, or were not sampled ------------------------------------------------------------------


def dam(home: Path) -> tuple[str, float | None, int, str | None]:
    """Status, mean of phosphorus, readings and reason of the lake whose point has two depths."""
    found: dict[str, Any] = lakes_of(home)["深水库"]
    (point,) = found["points"]
    mean = {part["item"]: part["mean"] for part in found["parts"]}["tp"]
    return found["status"], mean, point["readings"], point["reason"]


@pytest.fixture
def changed(bureau: Path, tmp_path: Path) -> Path:
    """A copy of the bureau to change."""
    return Path(shutil.copytree(bureau, tmp_path / "changed"))


def test_a_depth_that_is_closed_leaves_the_point(changed: Path) -> None:
    """Without the bottom both days have 0.1."""
    assert dam(changed) == ("valid", 0.15, 3, None)
    text = SITES.replace(
        "坝前底层,section,a,lake,III,,深水库,坝前,", "坝前底层,section,a,lake,III,,深水库,坝前,2022-07-03"
    )
    (changed / "sites.csv").write_text(text, "utf-8")
    assert dam(changed) == ("valid", 0.1, 2, None)


def test_a_depth_that_is_not_counted_leaves_the_point(changed: Path) -> None:
    (changed / "sites.csv").write_text(
        SITES.replace("底层,section,a,lake,III,", "底层,section,a,lake,III,false"), "utf-8"
    )
    assert dam(changed) == ("valid", 0.1, 2, None)
    both = SITES.replace("层,section,a,lake,III,", "层,section,a,lake,III,false")
    (changed / "sites.csv").write_text(both, "utf-8")
    assert dam(changed) == ("valid", 0.15, 3, "not_counted")  # shown all the same; it enters no rate


@pytest.mark.parametrize(
    ("kind", "subject", "said"),
    [
        (EventKind.UNSAMPLED, "dam-bottom", ("valid", 0.15, 3, None)),  # it was sampled all the same, and counts
        (EventKind.UNUSED, "dam-bottom", ("valid", 0.1, 2, None)),
        (EventKind.UNUSED, "a", ("unused", None, 0, "unused")),
    ],
)
def test_an_entry_that_a_depth_or_all_were_not_sampled_or_not_in_use(
    changed: Path, kind: EventKind, subject: str, said: tuple[str, float | None, int, str | None]
) -> None:
    july = periods.parse("2022-07")
    first, last = periods.hour_ending(july.first, 0), periods.hour_ending(july.last, 24)
    entry = ExceptionalEvent(0, kind, subject, (), first, last, "某局", "文〔2022〕1号")
    with Store.open(changed / "data/envmon.db") as store:
        store.enter_events([entry])
    assert dam(changed) == said
