"""Surface water above the single section, by 环办〔2011〕22号: levels, main indicators, changes, trends.

Tables are typed here again from the print; worked values are counted by hand in the docstrings. Limits used, of
GB 3838-2002: ammonia I 0.15, II 0.5, III 1.0, IV 1.5, V 2.0; phosphorus of rivers II 0.1, of lakes III 0.05; COD III
20, IV 30.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

from envmon import periods, standards, texts
from envmon.assess import water_levels
from envmon.assess.water_levels import Shares
from envmon.cli import root
from envmon.errors import NotAssessable, StandardsError
from envmon.model import Basis, Body, Direction, Exceeded, Mark, Trend, View, WaterChange, WaterClass, WaterLevel
from envmon.pipeline import water_statistics
from envmon.pipeline.importing import import_file, spec_of
from envmon.rounding import percent_tenths
from envmon.standards import load
from tests.test_rating import phosphorus
from tests.test_rounds import WATER, Office, at, site

RULES = standards.water_levels()
REGIME = standards.water(periods.parse("2022-06").first)
SAMPLE = Path(__file__).parent.parent / "data/sample/water/sections_4h_202112-202212.csv.gz"
E, G, L, M, H = (one for one in WaterLevel if one is not WaterLevel.NONE)


def shares(good: int, worst: int, total: int) -> Shares:
    """So many sections in class III, so many worse than V, the others in class IV."""
    return Shares((0, 0, good, total - good - worst, 0, worst))


# --- one section --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("water_class", "level", "name"),
    [("I", E, "优"), ("II", E, "优"), ("III", G, "良好"), ("IV", L, "轻度污染"), ("V", M, "中度污染"),
     ("WORSE_THAN_V", H, "重度污染"), ("NONE", WaterLevel.NONE, "未评价")],
)  # fmt: skip
def test_table_1_gives_the_level_of_a_section(water_class: str, level: WaterLevel, name: str) -> None:
    assert water_levels.level_of(WaterClass[water_class], RULES) is level
    assert texts.word(level, "zh") == name


# --- shares -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("good", "worst", "level"),
    [
        (1000, 0, E), (901, 0, E), (900, 0, E), (900, 100, E), (899, 0, G), (899, 101, G),
        (751, 249, G), (750, 0, G), (750, 250, G), (749, 0, L), (749, 199, L), (749, 200, M), (749, 201, M),
        (749, 251, M), (601, 399, M), (600, 199, L), (600, 200, M), (600, 399, M), (600, 400, H), (599, 399, M),
        (599, 400, H), (599, 401, H), (0, 0, L), (0, 199, L), (0, 200, M), (0, 399, M), (0, 400, H), (0, 1000, H),
    ],
)  # fmt: skip
def test_table_2_at_every_bound_and_one_tenth_to_either_side(good: int, worst: int, level: WaterLevel) -> None:
    """Of a thousand sections one is a tenth of a per cent."""
    assert water_levels.level_by_shares(shares(good, worst, 1000), RULES) is level


@pytest.mark.parametrize("total", [5, 6, 7, 9, 10, 20, 40])
def test_every_way_a_few_sections_may_fall_is_judged_as_the_print_says(total: int) -> None:
    for good in range(total + 1):
        for worst in range(total - good + 1):
            g, b = 100 * good, 100 * worst  # in per cent, times the number of sections
            if g >= 90 * total:
                level = E
            elif g >= 75 * total:
                level = G
            else:
                level = L if b < 20 * total else M if b < 40 * total else H
            assert water_levels.level_by_shares(shares(good, worst, total), RULES) is level, (good, worst, total)


def test_five_sections_are_enough_and_four_are_not() -> None:
    assert water_levels.level_by_shares(shares(5, 0, 5), RULES) is E
    with pytest.raises(NotAssessable, match="4 sections are too few"):
        water_levels.level_by_shares(shares(4, 0, 4), RULES)


def test_the_share_itself_is_compared_and_not_its_printed_tenth() -> None:
    """1799 of 2000 are 89.95 %, printed as 90.0 % (half to even), and less than 90."""
    found = shares(1799, 0, 2000)
    assert found.good_tenths == 900
    assert water_levels.level_by_shares(found, RULES) is G


# --- main indicators ----------------------------------------------------------------------------------------------


def over(item: str, water_class: str = "IV", multiple: int | None = 1) -> Exceeded:
    return Exceeded(item, WaterClass[water_class], multiple)


def listed(sections: Sequence[Sequence[Exceeded]], level: WaterLevel = L) -> list[tuple[str, int]]:
    return [(one.item, one.sections) for one in water_levels.main_of_sections(sections, level, REGIME, RULES)]


def test_main_indicators_go_by_the_share_of_sections_and_three_are_listed() -> None:
    """Phosphorus in 3 sections, COD in 2, ammonia and BOD in 1: ammonia is worse there, and BOD is the fourth."""
    sections = [
        [over("tp"), over("cod")],
        [over("tp"), over("nh3n", "WORSE_THAN_V", 40)],
        [over("tp", "V"), over("cod"), over("bod5", "V", 9)],
        [],
        [],
    ]
    assert listed(sections) == [("tp", 3), ("cod", 2), ("nh3n", 1)]


def test_of_equal_shares_the_heavy_metal_is_first_then_the_worse_class_then_the_larger_multiple() -> None:
    assert listed([[over("nh3n", "V", 9)], [over("lead")], [], [], []]) == [("lead", 1), ("nh3n", 1)]
    assert listed([[over("cod", "IV", 5)], [over("tp", "V", 1)], [], [], []]) == [("tp", 1), ("cod", 1)]
    assert listed([[over("cod", "IV", 1)], [over("tp", "IV", 4)], [], [], []]) == [("tp", 1), ("cod", 1)]
    assert listed([[over("do", "IV", None)], [over("tp", "IV", 1)], [], [], []]) == [("tp", 1), ("do", 1)]


@pytest.mark.parametrize(("level", "count"), [(E, 0), (G, 0), (L, 1), (M, 1), (H, 1)])
def test_good_water_has_no_main_indicator(level: WaterLevel, count: int) -> None:
    assert len(listed([[over("tp")]], level)) == count


def test_every_item_of_a_section_beyond_iii_counts_not_only_the_three_it_lists() -> None:
    values = {"ph": 7, "do": 8, "codmn": 7, "nh3n": "1.2", "cod": 25, "bod5": 5, "tp": "0.25"}
    sample = {name: (int(Fraction(value) * 10 ** REGIME.items[name].decimals), False) for name, value in values.items()}
    found = water_levels.beyond_iii(sample, Body.RIVER, REGIME, "section_21")
    assert {one.item for one in found} == {"codmn", "nh3n", "cod", "bod5", "tp"}


# --- two periods --------------------------------------------------------------------------------------------------

CHANGES = [
    (0, WaterChange.NONE),
    (100, WaterChange.NONE),
    (101, WaterChange.SOME_BETTER),
    (200, WaterChange.SOME_BETTER),
    (201, WaterChange.CLEAR_BETTER),
    (-100, WaterChange.NONE),
    (-101, WaterChange.SOME_WORSE),
    (-200, WaterChange.SOME_WORSE),
    (-201, WaterChange.CLEAR_WORSE),
]


@pytest.mark.parametrize(("tenths", "verdict"), CHANGES)
def test_a_change_of_shares_at_ten_and_twenty_points(tenths: int, verdict: WaterChange) -> None:
    before = shares(500, 250, 1000)
    by_good = water_levels.change_of_shares(shares(500 + tenths, 250, 1000), before, RULES)
    by_worst = water_levels.change_of_shares(shares(500, 250 - tenths, 1000), before, RULES)
    assert by_good == by_worst == (Fraction(tenths, 10), verdict)


def test_the_change_is_that_of_good_less_that_of_worse_than_v() -> None:
    """g 40 -> 50, b 20 -> 30: (50 - 40) - (30 - 20) = 0. g 2/3 -> 23/30: exactly 10 points, no clear change."""
    assert water_levels.change_of_shares(shares(5, 3, 10), shares(4, 2, 10), RULES) == (0, WaterChange.NONE)
    assert water_levels.change_of_shares(shares(23, 0, 30), shares(20, 0, 30), RULES) == (10, WaterChange.NONE)


@pytest.mark.parametrize(
    ("now", "before", "verdict"),
    [(E, E, "NONE"), (E, G, "SOME_BETTER"), (G, L, "SOME_BETTER"), (E, L, "CLEAR_BETTER"), (G, H, "CLEAR_BETTER"),
     (G, E, "SOME_WORSE"), (M, L, "SOME_WORSE"), (M, G, "CLEAR_WORSE"), (H, E, "CLEAR_WORSE")],
)  # fmt: skip
def test_a_change_of_levels_goes_by_steps(now: WaterLevel, before: WaterLevel, verdict: str) -> None:
    assert water_levels.change_of_levels(now, before, RULES) is WaterChange[verdict]


@pytest.mark.parametrize(
    ("by_shares", "by_levels", "verdict"),
    [
        ("NONE", "SOME_BETTER", "SOME_BETTER"),
        ("SOME_WORSE", "NONE", "SOME_WORSE"),
        ("SOME_WORSE", "CLEAR_WORSE", "CLEAR_WORSE"),
        ("NONE", "NONE", "NONE"),
    ],
)
def test_of_both_ways_the_one_that_finds_more_change_is_told(by_shares: str, by_levels: str, verdict: str) -> None:
    assert water_levels.stronger(WaterChange[by_shares], WaterChange[by_levels]) is WaterChange[verdict]


# --- what bulletins print -----------------------------------------------------------------------------------------

PUBLISHED = Path(__file__).parent / "published/water/levels.csv"
BULLETINS = list(csv.DictReader(PUBLISHED.read_text("utf-8").splitlines()))


@pytest.mark.parametrize("row", BULLETINS, ids=lambda row: row["waters"])
def test_the_levels_that_national_bulletins_print(row: dict[str, str]) -> None:
    found = shares(int(row["good"]), int(row["worse_than_v"]), int(row["sections"]))
    assert texts.word(water_levels.level_by_shares(found, RULES), "zh") == row["level"]
    assert found.good_tenths is not None
    assert found.worst_tenths is not None
    assert f"{found.good_tenths / 10:.1f}" == row["good_percent"]
    assert f"{found.worst_tenths / 10:.1f}" == row["worse_than_v_percent"]


def test_the_river_mouths_of_2018_are_somewhat_better_as_their_bulletin_says() -> None:
    """g 45.9 after 47.7 %, b 14.9 after 21.0 %: 4.3 points, no clear change; but lightly after moderately polluted."""
    now, before = Shares((0, 40, 49, 52, 24, 29)), Shares((0, 27, 66, 48, 13, 41))
    printed = [(206, 68), (253, -85), (268, 22), (124, 57), (149, -61)]  # share and change, II to worse than V
    for count, old, (share, change) in zip(now.counts[1:], before.counts[1:], printed, strict=True):
        assert percent_tenths(count, 194) == share
        assert share - (percent_tenths(old, 195) or 0) == change
    points, by_shares = water_levels.change_of_shares(now, before, RULES)
    assert (round(points, 1), by_shares) == (Fraction(43, 10), WaterChange.NONE)
    levels = [water_levels.level_by_shares(one, RULES) for one in (now, before)]
    assert levels == [L, M]
    by_levels = water_levels.change_of_levels(*levels, RULES)
    assert texts.word(water_levels.stronger(by_shares, by_levels), "zh") == "有所好转"


def test_shares_and_levels_that_contradict_each_other_make_no_verdict() -> None:
    """Of 50 sections 38 good and 12 worse than V (g 76, b 24: good), then 37 and 0 (74, 0: light).

    d = (74 - 76) - (0 - 24) = +22 points, clearly better; the level is one worse.
    """
    before, now = (
        water_levels.shares_of([WaterClass.II] * 38 + [WaterClass.WORSE_THAN_V] * 12),
        water_levels.shares_of([WaterClass.II] * 37 + [WaterClass.IV] * 13),
    )
    _, by_shares = water_levels.change_of_shares(now, before, RULES)
    levels = [water_levels.level_by_shares(one, RULES) for one in (now, before)]
    assert (by_shares, levels) == (WaterChange.CLEAR_BETTER, [WaterLevel.LIGHT, WaterLevel.GOOD])
    by_levels = water_levels.change_of_levels(*levels, RULES)
    assert water_levels.stronger(by_shares, by_levels) is None


# --- many periods -------------------------------------------------------------------------------------------------

CRITICAL = {  # n: at 0.05, at 0.01, in thousandths
    5: (900, 1000), 6: (829, 943), 7: (714, 893), 8: (643, 833), 9: (600, 783), 10: (564, 746), 12: (506, 712),
    14: (456, 645), 16: (425, 601), 18: (399, 564), 20: (377, 534), 22: (359, 508), 24: (343, 485), 26: (329, 465),
    28: (317, 448), 30: (306, 432),
}  # fmt: skip


def arranged(count: int, squares: int) -> list[int]:
    """1..count in an order whose ranks differ from their places by so much: Σd² = squares, which is even.

    Exchanging the values u < v at places i < j adds 2 (j - i) (v - u).
    """
    found = list(range(1, count + 1))
    while squares:
        pairs = ((i, j) for i in range(count) for j in range(i + 1, count) if found[i] < found[j])
        adds = {2 * (j - i) * (found[j] - found[i]): (i, j) for i, j in pairs}
        add = max(one for one in adds if one <= squares)
        i, j = adds[add]
        found[i], found[j] = found[j], found[i]
        squares -= add
    return found


def verdict(values: Sequence[Fraction | int]) -> tuple[int, int | None, Trend]:
    found = water_levels.trend_of(values, RULES)
    assert found is not None
    return found.coefficient, found.significant, found.trend


@pytest.mark.parametrize("count", CRITICAL)
def test_a_trend_is_significant_from_the_critical_value_of_every_row_on(count: int) -> None:
    """r = 1 - 6 Σd² / (n³ - n), to three decimals as the table is; Σd² is even.

    The largest that still reaches the value, and the next one.
    """

    def thousandths(squares: int) -> int:
        return round(1000 * (1 - Fraction(6 * squares, count**3 - count)))

    for column, per_cent in ((0, 5), (1, 1)):
        bound = CRITICAL[count][column]
        last = max(squares for squares in range(0, count**3, 2) if thousandths(squares) >= bound)
        assert thousandths(last + 2) < bound
        rising, short = arranged(count, last), arranged(count, last + 2)
        assert verdict(rising)[1:] == (per_cent, Trend.RISING)
        assert verdict([-one for one in rising])[1:] == (per_cent, Trend.FALLING)
        assert verdict(short)[1:] == ((5, Trend.RISING) if per_cent == 1 else (None, Trend.NONE))


@pytest.mark.parametrize(
    ("values", "coefficient", "significant", "trend"),
    [
        ([1, 2, 3, 4, 5], 1000, 1, Trend.RISING),
        ([9, 7, 5, 3, 1], -1000, 1, Trend.FALLING),
        ([2, 1, 3, 4, 5], 900, 5, Trend.RISING),  # Σd² = 2: 1 - 12/120
        ([1, 2, 3, 5, 6, 4], 829, 5, Trend.RISING),  # Σd² = 6: 1 - 36/210 = 0.82857, printed 0.829
        ([1, 2, 4, 5, 3], 700, None, Trend.NONE),  # Σd² = 1 + 1 + 4 = 6: 1 - 36/120
        # ranks 4, 1, 2.5, 2.5, 5: Sxy = -2 + 2 + 0 - 0.5 + 4 = 3.5, Sxx = 10, Syy = 9.5, 3.5 / √95 = 0.3591
        ([3, 1, 2, 2, 5], 359, None, Trend.NONE),
        # ranks 1.5, 1.5, 3, 4, 5: Sxy = 3 + 1.5 + 0 + 1 + 4 = 9.5, Syy = 9.5, √(9.5 / 10) = 0.9747
        ([1, 1, 2, 3, 4], 975, 5, Trend.RISING),
        ([7, 7, 7, 7, 7, 7, 7, 7, 7, 7], 0, None, Trend.NONE),
    ],
)
def test_rank_correlations_worked_by_hand(
    values: list[int], coefficient: int, significant: int | None, trend: Trend
) -> None:
    assert verdict(values) == (coefficient, significant, trend)


@pytest.mark.parametrize(
    ("count", "row"), [(5, 5), (10, 10), (11, 10), (12, 12), (13, 12), (30, 30), (31, 30), (60, 30)]
)
def test_a_number_of_periods_between_rows_takes_the_one_before(count: int, row: int) -> None:
    found = water_levels.trend_of(range(count), RULES)
    assert found is not None
    assert (found.periods, found.row, found.critical) == (count, row, CRITICAL[row])


def test_four_periods_make_no_trend() -> None:
    assert water_levels.trend_of([1, 2, 3, 4], RULES) is None


@pytest.mark.parametrize(
    ("trend", "direction", "better"),
    [
        (Trend.RISING, Direction.AT_MOST, False),
        (Trend.FALLING, Direction.AT_MOST, True),
        (Trend.RISING, Direction.AT_LEAST, True),  # dissolved oxygen
        (Trend.FALLING, Direction.AT_LEAST, False),
        (Trend.RISING, Direction.BETWEEN, None),  # pH
        (Trend.FALLING, Direction.NOT_JUDGED, None),
        (Trend.NONE, Direction.AT_MOST, None),
    ],
)
def test_what_a_trend_means_depends_on_the_item(trend: Trend, direction: Direction, better: bool | None) -> None:
    assert water_levels.is_better(trend, direction) is better


# --- the standards file -------------------------------------------------------------------------------------------

FILE = "hb2011-22.toml"
MISTAKES = [
    ("min_sections = 5", "min_sections = 5.0", "basin: min_sections must be a whole number"),
    ("min_sections = 5", "min_sections = 1", "basin: min_sections must be at least 2"),
    ("min_sections = 5", "sections = 5", "basin: unknown key 'sections'"),
    ("share_decimals = 1 #", "#", "basin: share_decimals is missing"),
    ('clause = "二 表2"\n', "", "basin: clause is missing"),
    ("g_min = 90.0", "g_min = 90.05", "basin_level 1: 90.05 has more than 1 decimals"),
    ("g_min = 90.0", "g_min = 91.0", "0 rows take g = 90.0, b = 0.0"),
    ("g_below = 90.0", "g_below = 91.0", "2 rows take g = 90.0, b = 0.0"),
    ("g_min = 75.0\n", "", "2 rows take"),
    ("b_min = 40.0", "b_min = 40.1", "0 rows take g = 0.0, b = 40.0"),
    ("b_below = 20.0", "b_below = 120.0", "basin_level 3: a share must be between 0 and 100"),
    ('level = "good"\nlevel_name = "良好"\ng_min', 'level = "light"\nlevel_name = "轻度污染"\ng_min', "every level"),
    ('level = "good"\nlevel_name = "良好"\ng_min', 'level = "good"\nlevel_name = "良"\ng_min', "level_name differs"),
    ('level = "good"\nlevel_name = "良好"\ng_min', 'level = "fair"\nlevel_name = "好"\ng_min', "not 'fair'"),
    ('level = "excellent"', 'level = "fine"', "class 1: level must be one of"),
    ("rank = 2", "rank = 3", "class: ranks must be 1, 2, 3"),
    ('basin_order = ["exceed_rate"]', 'basin_order = ["class"]', "main_indicators: basin_order must be"),
    ('basin_order = ["exceed_rate"]\n', "", "main_indicators: basin_order is missing"),
    ('levels = ["excellent", "good"]', 'levels = ["excellent", "fair"]', "main_indicators: level must be one of"),
    ("no_change_max = 10.0", "no_change_max = 30.0", "trend: no_change_max and some_change_max must rise"),
    ("no_change_max = 10.0", 'no_change_max = "ten"', "trend: 'ten' is not a number"),
    ("level_steps_clear = 2", "level_steps_clear = 1", "trend: level_steps_clear must be at least 2"),
    ("min_periods = 5", "min_periods = 4", "trend: min_periods is below the first row"),
    ("min_periods = 5", 'min_periods = "5"', "trend: min_periods must be a whole number"),
    ("[6, 0.829, 0.943]", "[6, 0.829]", "trend, spearman 2: must be"),
    ("[6, 0.829, 0.943]", "[5, 0.829, 0.943]", "spearman: periods must rise"),
    ("[6, 0.829, 0.943]", "[6, 0.9, 0.943]", "spearman: periods must rise and values fall"),
    ("[6, 0.829, 0.943]", "[6, 0.829, 0.800]", "spearman 2: values must be above 0"),
    ("[6, 0.829, 0.943]", "[6, 0.8291, 0.943]", "spearman 2: 0.8291 has more than 3 decimals"),
    ("spearman = [", "pearson = [", "trend: unknown key 'pearson'"),
]


@pytest.mark.parametrize(("old", "new", "named"), MISTAKES, ids=lambda text: str(text)[:30])
def test_a_mistake_in_the_standards_file_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    for path in load.FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    text = (tmp_path / FILE).read_text("utf-8")
    assert old in text
    (tmp_path / FILE).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(StandardsError) as caught:
        load.check(tmp_path)
    assert named in str(caught.value)
    assert FILE in str(caught.value)


# --- through the store --------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def on(name: str, river: str = "某河", basin: str = "某流域", **keys: str) -> str:
    more = f'[sites.attributes]\nriver = "{river}"\nbasin = "{basin}"\n'
    return site(name, "section", **keys) + (more if river else "")


def monthly(office: Office, month: str, **ammonia: float) -> None:
    """One manual sample of each section in a month, with this ammonia in mg/L."""
    for name, value in ammonia.items():
        office.put(name, f"{month}-10T12:00", WATER | {"nh3n": value}, basis=Basis.MANUAL)


def reported(office: Office, period: str, when: str, by: str = "basin") -> water_statistics.WaterReport:
    (group,), _ = water_statistics.groups(office.config, "*", by)
    found = water_statistics.report(office.store, office.config, group, periods.parse(period), at(when), View())
    assert found is not None
    return found


def ask(office: Office, *words: str, code: int = 0) -> str:
    found = CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), *words])
    assert found.exit_code == code, found.output
    return found.stdout if not code else str(found.exception or found.output)


def test_a_basin_by_shares_with_the_year_before(office: Office) -> None:
    """2022: ammonia 0.1 three times (II with phosphorus 0.05), 1.2 (IV), 2.5 (worse than V): 60 % good, 20 % worse,
    moderately polluted; ammonia beyond III in 2 of 5. 2021: four good and one IV: 80 % and 0 %, good.
    d = (60 - 80) - (20 - 0) = -40 points: clearly worse."""
    office.now_is(*(on(name) for name in "pqrst"))
    monthly(office, "2022-06", p=0.1, q=0.1, r=0.1, s=1.2, t=2.5)
    monthly(office, "2021-06", p=0.1, q=0.1, r=0.1, s=0.1, t=1.2)
    office.judge("2022-07-02T12:00")
    found = reported(office, "2022-06", "2022-07-02T12:00")
    assert found.now.shares.counts == (0, 3, 0, 1, 0, 1)
    assert (found.now.by_shares, found.now.level) == (True, M)
    assert [(one.item, one.sections, one.worst.water_class.name, one.worst.multiple) for one in found.now.main] == [
        ("nh3n", 2, "WORSE_THAN_V", 15)  # 2.5 is 1.5 times over 1.0
    ]
    assert found.before is not None
    assert (found.before.period.name, found.before.shares.counts, found.before.level) == (
        "2021-06",
        (0, 4, 0, 1, 0, 0),
        G,
    )
    assert (found.points, found.change) == (-40, WaterChange.CLEAR_WORSE)


def test_four_sections_are_judged_on_their_mean(office: Office) -> None:
    """Ammonia 0.1, 0.1, 0.1, 3.9: the mean 1.05 is class IV, lightly polluted; by shares 75 % would be good. The year
    before 0.1 throughout: class II, excellent. Two steps: clearly worse."""
    office.now_is(*(on(name) for name in "pqrs"))
    monthly(office, "2022-06", p=0.1, q=0.1, r=0.1, s=3.9)
    monthly(office, "2021-06", p=0.1, q=0.1, r=0.1, s=0.1)
    office.judge("2022-07-02T12:00")
    found = reported(office, "2022-06", "2022-07-02T12:00")
    assert (found.now.by_shares, found.now.level, found.now.shares.counts) == (False, L, (0, 3, 0, 0, 0, 1))
    assert found.now.mean is not None
    assert [(one.item, one.multiple) for one in found.now.mean.main] == [("nh3n", 0)]  # 0.05 times, half to even
    assert (found.points, found.change) == (None, WaterChange.CLEAR_WORSE)


@pytest.mark.parametrize(("fifth", "level"), [(0.0, L), (1.2, M)])
def test_the_fifth_section_changes_the_rule(office: Office, fifth: float, level: WaterLevel) -> None:
    """Ammonia 0.1, 0.1, 1.2, 4.0 of four: mean 1.35, class IV. With a fifth in class IV: g 40 %, b 20 %, moderate."""
    office.now_is(*(on(name) for name in "pqrst"))
    monthly(office, "2022-06", p=0.1, q=0.1, r=1.2, s=4.0)
    if fifth:
        monthly(office, "2022-06", t=fifth)
    office.judge("2022-07-02T12:00")
    found = reported(office, "2022-06", "2022-07-02T12:00")
    assert found.now.by_shares is bool(fifth)
    assert found.now.level is level
    assert [(place.id, reason.value) for place, reason in found.now.excluded] == ([] if fifth else [("t", "missing")])
    assert found.before is None


def test_periods_judged_in_different_ways_are_not_compared(office: Office) -> None:
    office.now_is(*(on(name) for name in "pqrst"))
    monthly(office, "2022-06", p=0.1, q=0.1, r=0.1, s=0.1, t=0.1)
    monthly(office, "2021-06", p=0.1, q=0.1, r=0.1, s=0.1)
    office.judge("2022-07-02T12:00")
    found = reported(office, "2022-06", "2022-07-02T12:00")
    assert found.before is not None
    assert (found.now.by_shares, found.before.by_shares, found.change) == (True, False, None)
    assert "上年同期参评断面 4 个，评价方法不同，不作比较。" in ask(office, "stats", "water", "--period", "2022-06")


def test_one_section_is_as_it_was_judged_and_a_river_and_a_lake_make_no_mean(office: Office) -> None:
    office.now_is(on("p"), on("q", body="lake"))
    monthly(office, "2022-06", p=0.1)
    office.judge("2022-07-02T12:00")
    single = reported(office, "2022-06", "2022-07-02T12:00").now
    assert (single.level, single.shares.total) == (E, 1)
    assert "参评断面 1 个，Ⅱ类，水质状况为优。" in ask(office, "stats", "water", "--period", "2022-06")
    monthly(office, "2022-06", q=0.1)
    office.judge("2022-07-02T12:00")
    mixed = reported(office, "2022-06", "2022-07-02T12:00").now
    assert (mixed.level, mixed.mean, mixed.shares.total) == (WaterLevel.NONE, None, 2)
    assert "河流与湖库限值不同" in ask(office, "stats", "water", "--period", "2022-06")


def test_two_lake_points_have_the_limits_of_lakes(office: Office) -> None:
    """Phosphorus 0.05 in both: class III of a lake, good; of a river class II, excellent."""
    office.now_is(on("p", body="lake"), on("q", body="lake"))
    monthly(office, "2022-06", p=0.1, q=0.1)
    office.judge("2022-07-02T12:00")
    assert reported(office, "2022-06", "2022-07-02T12:00").now.level is G


def test_manual_and_automatic_sections_are_judged_by_what_both_measure(office: Office) -> None:
    """COD 25 of the laboratory is class IV, and is no item of a station: the mean is judged without it, class II."""
    office.now_is(on("p"), on("q"))
    office.put("p", "2022-06-10T12:00", WATER | {"cod": 25}, basis=Basis.MANUAL)
    office.put("q", "2022-06-10T12:00", WATER)
    office.judge("2022-07-02T12:00")
    found = reported(office, "2022-06", "2022-07-02T12:00").now
    assert found.shares.counts == (0, 1, 0, 1, 0, 0)
    assert found.mean is not None
    assert (found.mean.item_set, found.level) == ("auto_5", E)


def test_groups_and_the_sections_that_belong_to_none(office: Office) -> None:
    office.now_is(on("p", river="甲河"), on("q", river="乙河"), on("r", river="甲河"), on("s", river=""))
    found, rest = water_statistics.groups(office.config, "*", "river")
    assert [(one.name, [place.id for place in one.sites]) for one in found] == [("甲河", ["p", "r"]), ("乙河", ["q"])]
    assert [place.id for place in rest] == ["s"]
    found, rest = water_statistics.groups(office.config, "*", "area")
    assert [(one.id, len(one.sites)) for one in found] == [("a", 4)]
    assert rest == []
    said = CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), "stats", "water", "--by", "river"])
    assert "有 1 个断面未填 river 列（sites.csv），不在其中：s" in said.stderr


def test_the_command_line_in_both_languages_and_as_of_an_earlier_time(office: Office) -> None:
    office.now_is(*(on(name) for name in "pqrst"))
    monthly(office, "2021-06", p=0.1, q=0.1, r=0.1, s=0.1, t=0.1)
    monthly(office, "2022-06", p=0.1, q=0.1, r=0.1, s=1.2, t=0.1)
    office.put("s", "2022-06-20T12:00", WATER | {"nh3n": 5}, basis=Basis.MANUAL, taken="2022-07-05T12:00")
    office.judge("2022-07-06T12:00")
    chinese = ask(office, "stats", "water", "--period", "2022-06", "--by", "basin")
    assert chinese.splitlines()[0] == (
        "某流域 2022-06：优良（Ⅰ～Ⅲ类）比例 80.0%（4/5），劣Ⅴ类比例 20.0%（1/5），水质状况为良好。"
        "与上年同期相比，优良比例下降 20.0 个百分点，劣Ⅴ类比例上升 20.0 个百分点，水质状况由优变为良好，水质明显变差。"
    )
    assert "按环办〔2011〕22号（GB 3838-2002，手工监测）" in chinese
    english = ask(office, "--lang", "en", "stats", "water", "--period", "2022-06", "--by", "basin")
    assert "good (I to III) 80.0% (4/5), worse than V 20.0% (1/5), state of the water: good." in english
    assert "worse than V up 20.0 points, the state of the water good instead of excellent; clearly worse." in english
    (row,) = json.loads(ask(office, "--as-of", "2022-07-03T12:00", "stats", "water", "--period", "2022-06", "--json"))
    assert row["classes"][3] == {"class": "IV", "sections": 1}
    assert (row["points"], row["change"]) == (-20.0, "some_worse")
    assert row["method"] in row["label"]
    (line,) = csv.DictReader(io.StringIO(ask(office, "stats", "water", "--period", "2022-06", "--csv")))
    assert (line["class_ii"], line["class_worse_than_v"], line["before_good_percent"]) == ("4", "1", "100.0")


def test_main_indicators_are_said_with_their_share(office: Office) -> None:
    office.now_is(*(on(name) for name in "pqrst"))
    monthly(office, "2022-06", p=1.2, q=1.2, r=0.1, s=0.1, t=0.1)
    office.judge("2022-07-02T12:00")
    said = ask(office, "stats", "water", "--period", "2022-06")
    assert "水质状况为轻度污染。主要污染指标为氨氮（断面超标率 40.0%）。上年同期没有可比的数据。" in said
    (row,) = json.loads(ask(office, "stats", "water", "--period", "2022-06", "--json"))
    assert row["main"] == [{"item": "nh3n", "class": "IV", "multiple": 0.2, "sections": 2, "percent": 40.0}]


def test_a_period_that_is_running_says_until_when(office: Office) -> None:
    office.now_is(on("p"))
    office.store.set_meta("demo", True)
    monthly(office, "2022-06", p=0.1)
    office.judge("2022-06-21T12:00")
    said = ask(office, "--as-of", "2022-06-21T12:00", "stats", "water", "--period", "2022")
    assert said.startswith("某县 2022（至 2022-06-20）：参评断面 1 个")
    assert "没有可统计的断面" in ask(office, "--as-of", "2022-06-21T12:00", "stats", "water", "--period", "2023")


def test_the_level_of_a_section_is_shown_where_it_is_judged_and_explained(office: Office) -> None:
    office.now_is(on("p"), on("q"))
    monthly(office, "2022-06", p=1.2)
    office.judge("2022-07-02T12:00")
    rows = json.loads(ask(office, "assess", "water", "--period", "2022-06", "--json"))
    assert [(row["class"], row["level"], row["level_name"]) for row in rows] == [
        ("IV", "light", "轻度污染"),
        (None, None, "未评价"),
    ]
    assert "轻度污染" in ask(office, "assess", "water", "--period", "2022-06")
    assert "Ⅳ类（轻度污染），1 次监测" in ask(office, "explain", "section", "p", "2022-06")


# --- trends through the store -------------------------------------------------------------------------------------


def test_a_trend_of_a_section_and_of_an_area(office: Office) -> None:
    """Ammonia of p falls month by month; of q it rises beyond class III in May and June. Shares of good sections:
    100 four times, then 50 and 50: ranks 4.5 ×4, 1.5 ×2; Sxy = 4.5·(-2.5) … = -12, Sxx = 17.5, Syy = 12,
    12 / √210 = 0.828, just short of 0.829."""
    office.now_is(on("p"), on("q"))
    for month, (p, q) in enumerate([(0.6, 0.1), (0.5, 0.1), (0.4, 0.2), (0.3, 0.2), (0.2, 1.1), (0.1, 1.2)], 1):
        monthly(office, f"2022-{month:02}", p=p, q=q)
    office.judge("2022-07-02T12:00")
    falling = json.loads(ask(office, "stats", "trend", "p", "氨氮", "--period", "2022-01..2022-06", "--json"))
    assert [one["value"] for one in falling["series"]] == [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    assert (falling["item"], falling["coefficient"], falling["trend"]) == ("nh3n", -1.0, "falling")
    assert (falling["significant"], falling["better"], falling["periods"]) == (0.01, True, 6)
    share = json.loads(ask(office, "stats", "trend", "a", "good_sections", "--period", "2022-01..2022-06", "--json"))
    assert [one["value"] for one in share["series"]] == [100, 100, 100, 100, 50, 50]
    assert (share["coefficient"], share["trend"], share["critical_005"]) == (-0.828, "none", 0.829)
    said = ask(office, "stats", "trend", "p", "nh3n", "--period", "2022-01..2022-06")
    assert "6 个时段，秩相关系数 -1.000，临界值 0.829（0.05）、0.943（0.01）：显著下降，趋于好转。" in said
    english = ask(office, "--lang", "en", "stats", "trend", "q", "nh3n", "--period", "2022-01..2022-06")
    assert "rising significantly, for the worse." in english
    few = ask(office, "stats", "trend", "p", "nh3n", "--period", "2022-01..2022-04")
    assert "有数值的时段 4 个，不足 5 个，不判断趋势。" in few


def test_dissolved_oxygen_that_rises_is_better_and_ph_is_neither(office: Office) -> None:
    office.now_is(on("p"))
    for month in range(1, 7):
        values = WATER | {"do": 5 + month, "ph": 7 + month / 10}
        office.put("p", f"2022-{month:02}-10T12:00", values, basis=Basis.MANUAL)
    office.judge("2022-07-02T12:00")
    for item, better in (("do", True), ("ph", None)):
        found = json.loads(ask(office, "stats", "trend", "p", item, "--period", "2022-01..2022-06", "--json"))
        assert (found["trend"], found["better"]) == ("rising", better)


def test_gaps_are_named_running_periods_left_out_and_detection_limits_halved(office: Office) -> None:
    office.now_is(on("p"))
    for month in (1, 2, 4, 5, 6, 7):
        values = WATER if month != 6 else {item: one for item, one in WATER.items() if item != "tp"}
        office.put("p", f"2022-{month:02}-01T12:00", values, basis=Basis.MANUAL)
    office.put("p", "2022-06-01T12:00", {"tp": 0.01}, basis=Basis.MANUAL, mark=Mark.CENSORED)
    office.store.set_meta("demo", True)
    office.judge("2022-07-02T12:00")
    row = json.loads(ask(office, "--as-of", "2022-07-02T12:00", "stats", "trend", "p", "tp", "--json"))
    assert [(one["period"], one["reason"]) for one in row["series"]] == [
        (f"2022-0{month}", "missing" if month == 3 else None) for month in range(1, 7)
    ]
    assert row["periods"] == 5
    assert [one["value"] for one in row["series"][-2:]] == [0.05, 0.005]
    assert "<0.010" in ask(office, "--as-of", "2022-07-02T12:00", "stats", "trend", "p", "tp")
    lines = ask(office, "--as-of", "2022-07-02T12:00", "stats", "trend", "p", "tp", "--csv").splitlines()
    assert lines[0] == "subject,item,period,value,below_detection,reason,reason_name"


def test_a_quarter_with_too_few_months_of_an_item_has_no_mean_of_it(office: Office) -> None:
    """A quarter needs two months; phosphorus was measured in one of the second quarter."""
    office.now_is(on("p"))
    for month in range(1, 7):
        values = WATER if month not in (4, 5) else {item: one for item, one in WATER.items() if item != "tp"}
        office.put("p", f"2022-{month:02}-10T12:00", values, basis=Basis.MANUAL)
    office.judge("2022-07-02T12:00")
    row = json.loads(
        ask(office, "stats", "trend", "p", "tp", "--period", "2022-01..2022-06", "--by", "quarter", "--json")
    )
    assert [(one["value"], one["reason"]) for one in row["series"]] == [(0.05, None), (None, "too_few_rounds")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody", "tp"), "没有断面“nobody”"),
        (("p", "tpp"), "没有水质项目“tpp”；是不是 tp？"),
        (("nowhere", "good_sections"), "没有区域“nowhere”"),
        (("p", "tp", "--period", "2022-03-05"), "没有已结束的完整时段"),
        (("p", "tp", "--period", "2022-13"), "2022-13"),
        (("p", "tp", "--basis", "best"), "best"),
    ],
)
def test_wrong_input_is_named(office: Office, words: tuple[str, ...], said: str) -> None:
    office.now_is(on("p"))
    found = CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), "stats", "trend", *words])
    assert found.exit_code != 0
    assert found.exception is not None
    assert said in (found.exception.said("zh") if hasattr(found.exception, "said") else str(found.exception))


# --- the bundled real sections ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, make_bureau):  # type: ignore[no-untyped-def]
    """The bureau on New Year's Day 2023 with the real readings of its sections imported."""
    bureau = make_bureau(tmp_path_factory.mktemp("levels"))
    config, now = bureau.config, bureau.at("2023-01-01T08:00")
    with bureau.open(config) as store:
        import_file(store, config, spec_of(config, "water"), SAMPLE, now)
        bureau.judge(store, config)
        yield store, config, now


ITEMS = {  # column: decimals of a mean, the limits of I to V, whether more is better
    "溶解氧(mg/L)": (1, ("7.5", "6", "5", "3", "2"), True),
    "高锰酸盐指数(mg/L)": (1, ("2", "4", "6", "10", "15"), False),
    "氨氮(mg/L)": (2, ("0.15", "0.5", "1", "1.5", "2"), False),
    "总磷(mg/L)": (3, ("0.02", "0.1", "0.2", "0.3", "0.4"), False),
}


def published_classes(month: str) -> Counter[int]:
    """Sections of the Yangtze by the class of their mean of a month, counted from the file; its pH is always 6 to 9.

    A reading of 0:00 on the first belongs to the month before.
    """
    values: dict[str, dict[str, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    following = periods.calendar(periods.parse(month).last + 1).isoformat()
    with gzip.open(SAMPLE, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            when = row["监测时间"]
            inside = when == f"{following} 00:00" or (when[:7] == month and when != f"{month}-01 00:00")
            if inside and row["站点情况"] == "正常" and row["流域"] == "长江流域":
                for column in ITEMS:
                    if row[column] not in ("*", "--", ""):
                        values[row["断面名称"]][column].append(Fraction(row[column]))
    return Counter(max(map(class_of, own, own.values())) for own in values.values())


def class_of(column: str, values: list[Fraction]) -> int:
    decimals, limits, more = ITEMS[column]
    mean = round(sum(values, Fraction(0)) / len(values), decimals)
    return 1 + sum(mean < Fraction(one) if more else mean > Fraction(one) for one in limits)


@pytest.mark.parametrize(("month", "level"), [("2021-12", E), ("2022-03", G), ("2022-06", E), ("2022-12", E)])
def test_the_real_sections_of_the_yangtze_fall_into_the_classes_of_their_means(  # type: ignore[no-untyped-def]
    lived, month: str, level: WaterLevel
) -> None:
    """In March 2022 eight of nine are good, 88.9 %; in the other months all are."""
    store, config, now = lived
    group = next(one for one in water_statistics.groups(config, "*", "basin")[0] if one.name == "长江流域")
    found = water_statistics.report(store, config, group, periods.parse(month), now, View())
    assert found is not None
    expected = published_classes(month)
    assert found.now.shares.counts == tuple(expected[number] for number in range(1, 7))
    assert found.now.shares.total >= 5
    assert found.now.level is level
    assert (found.before is not None) == (month == "2022-12")
    if found.before is not None:
        assert found.before.shares.counts == tuple(published_classes("2021-12")[number] for number in range(1, 7))
        assert found.change is WaterChange.NONE


def test_the_real_phosphorus_of_a_year_has_no_trend(lived) -> None:  # type: ignore[no-untyped-def]
    """Nine monthly means of 三邑大桥; ranks 1, 2, 4.5, 6, 8, 7, 9, 4.5, 3: Sxy = 25.5, Sxx = 60, Syy = 59.5,
    25.5 / √3570 = 0.4268; the critical value of nine periods is 0.600."""
    store, config, _ = lived
    own: dict[str, list[Fraction]] = defaultdict(list)
    for day, values in phosphorus("三邑大桥").items():
        own[day.isoformat()[:7]] += values
    spans = periods.parts(periods.parse("2022"), "month")
    found = water_statistics.trend(store, config, "三邑大桥", "tp", spans, View())
    means = {month: round(sum(values, Fraction(0)) / len(values), 3) for month, values in own.items()}
    assert [one.value for one in found.points] == [means.get(one.name) for one in spans]
    assert found.found is not None
    assert (found.found.periods, found.found.coefficient, found.found.trend) == (9, 427, Trend.NONE)
