"""Published air figures the program must reproduce; see published/air/README.md for where they come from."""

from __future__ import annotations

import pytest

from envmon import rounding
from tests.accuracy import air


def test_hourly_index_of_the_2020_station_file() -> None:
    found = air.stations()
    assert (found.rows, found.distinct) == (12_070, 11_405)  # 665 rows are exact duplicates
    for one in (found.index, found.level, found.primary):
        assert (one.published, one.equal) == (9_908, 9_908), one.figure


def test_hourly_index_of_the_2022_city_files() -> None:
    """They round half up where the standard rounds up, so most indices that differ are one lower than ours."""
    found = air.cities()
    assert (found.cities, found.hours) == (21, 5_059)
    assert (found.index.published, found.index.equal) == (106_162, 85_029)
    assert [kind.count for kind in found.index.kinds] == [21_128, 5]  # the five: CO such as 2.05, a tie, goes to 2.0
    assert found.half_up.equal == found.level.equal == 106_162


def test_official_daily_index_of_taiyuan_2026() -> None:
    found = air.taiyuan()
    for one in (found.index, found.level, found.primary):
        assert (one.published, one.equal) == (14, 14), one.figure
    assert found.index_2012.equal == 13  # one of the days tells the editions apart


@pytest.mark.parametrize("row", air.announced(), ids=lambda row: row["to"])
def test_announced_good_day_rates_of_sichuan(row: dict[str, str]) -> None:
    (found,) = (one for one in air.good_day_rates() if one.last == row["to"])
    assert found.ours.tenths is not None
    assert abs(found.gap) <= 1  # announced rates rest on reviewed values
    assert abs(found.ours.tenths - rounding.scaled(row["recomputed_from_1h_columns_percent"], 1)) <= 1
