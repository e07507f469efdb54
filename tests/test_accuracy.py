"""The page docs/accuracy.md says what the program gives, accounts for every value, and counts shares by the rates."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from envmon.assess import rates
from envmon.model import WaterClass
from envmon.periods import parse
from tests.accuracy import page, sources
from tests.accuracy.counting import Comparison, Kind

ROOT = page.PAGE.parent.parent


def test_the_page_is_what_the_command_makes() -> None:
    """`make accuracy` writes it; what a change of the program changes here belongs into the CHANGELOG."""
    assert page.page() == page.PAGE.read_text("utf-8")


def test_a_comparison_must_account_for_every_value() -> None:
    assert Comparison("index", 3, 2, (Kind("one of them", 1),)).share == "66.67 %"
    assert Comparison("index", 100_000, 99_999, (Kind("one of them", 1),)).share == "99.99 %"  # only every one is 100
    assert Comparison("index", 100_000, 100_000).share == "100.00 %"
    with pytest.raises(ValueError, match="3 values, but 2 accounted for"):
        Comparison("index", 3, 2)


def test_published_shares_of_drinking_water() -> None:
    """Counts and volumes of public reports; 10 of 32 is 31.25 %, which a report rounds up and GB/T 8170 down."""
    found = [(one.period, one.share, one.tenths, one.ours.tenths) for one in sources.shares()]
    assert found == [
        ("2010-10", "number", 828, 828),  # 53/64 = 82.8125
        ("2015-08", "volume", 997, 997),  # 13,963.02/14,005.04 = 99.69996
        ("2016-Q1", "number", 975, 975),  # 115/118 = 97.457
        ("2016-12", "number", 949, 949),  # 37/39 = 94.87
        ("2021-H2", "volume", 1000, 1000),
        ("2021-H2", sources.CLASS_II, 313, 312),
        ("2023-12", "volume", 1000, 1000),
    ]
    assert (sources.comparison().equal, sources.comparison().published) == (6, 7)
    assert sources.counted("number", "2015-08", "38", "39").tenths == 974  # of the month whose water was 99.7 %


def test_a_source_from_which_no_water_was_taken_counts_by_number_and_weighs_nothing() -> None:
    """Five groundwater sources of a report for 2021-H2 comply, one of them 未取水; intakes in 10⁴ t."""
    site, complies = sources.source(WaterClass.III)
    intakes = [640, 0, 881_000, 22_000, 486_500]  # 0.64, none, 881.00, 22.00, 486.50
    judged = [(replace(site, intake=intake), complies) for intake in intakes]
    by_number = rates.good_sources("*", parse("2021-H2"), judged, "manual")
    by_volume = rates.good_sources_volume("*", parse("2021-H2"), judged, "manual")
    assert (by_number.numerator, by_number.denominator) == (5, 5)
    assert (by_volume.numerator, by_volume.denominator, by_volume.excluded) == (1_390_140, 1_390_140, ())


def test_other_city_files_are_compared_without_touching_the_page() -> None:
    """A day file of the archive with 15 of its 24 hours: 21 cities, no level that differs."""
    before = page.PAGE.read_bytes()
    file = "tests/recorded/archive/china_cities_20220613.csv"
    command = [sys.executable, "-m", "tests.accuracy", "--cities", file]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120, check=True).stdout
    assert "| level (级别) | 315 | 315 | 100.00 % |" in shown
    assert "unexplained" not in shown
    assert page.PAGE.read_bytes() == before
