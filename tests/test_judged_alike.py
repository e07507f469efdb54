"""A section, several sections together and the points of a lake are judged over a period by the same rules.

The items of the same sets, the same rounds asked for, the same mean over a period's parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envmon import periods
from envmon.model import Basis
from envmon.pipeline import rating
from tests.test_rounds import WATER, Office, site
from tests.test_water_levels import ask

MERGED = '[assessment]\nsection_data = "merged"\n'
LAKE, POINT = '[sites.attributes]\nlake = "某湖"\n', '[sites.attributes]\nlake = "某湖"\npoint = "坝前"\n'
SHALLOW = {"codmn": 8, "tp": 0.1, "tn": 1, "chla": 10, "sd": 100}  # what the index of a lake is made of


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def stats(office: Office, what: str, period: str, *before: str) -> dict[str, Any]:
    (found,) = json.loads(ask(office, *before, "stats", what, "--period", period, "--area", "a", "--json"))
    return dict(found)


def judged(office: Office, name: str, period: str) -> tuple[str, str]:
    """Status and class of a section over a period, as the rates take it."""
    (place,) = (one for one in office.config.sites if one.id == name)
    (found,) = rating.judged(office.store, office.config, [place], periods.parse(period))
    assert found.judgement is not None
    return found.judgement.status.name, found.judgement.water_class.name


@pytest.mark.parametrize(("merged", "rule_class"), [("", "II"), (MERGED, "IV")])
def test_sections_by_hand_and_automatic_are_judged_on_what_both_have_and_merged_on_all(
    office: Office, merged: str, rule_class: str
) -> None:
    """COD 25 is class IV; it was measured in p only, and is no item of automatic stations."""
    office.now_is(merged, site("p", "section"), site("q", "section"))
    office.put("p", "2022-06-10T12:00", WATER | {"cod": 25}, basis=Basis.MANUAL)
    office.put("q", "2022-06-10T12:00", WATER)
    office.judge("2022-07-02T12:00")
    assert stats(office, "water", "2022-06")["class"] == rule_class


@pytest.mark.parametrize(("merged", "lake_class"), [("", "III"), (MERGED, "IV")])
def test_points_of_a_lake_by_hand_and_automatic_too(office: Office, merged: str, lake_class: str) -> None:
    """Phosphorus 0.05 is class III of a lake; COD 25, of one point only, is class IV."""
    office.now_is(merged, site("p", "section", body="lake") + LAKE, site("q", "section", body="lake") + LAKE)
    office.put("p", "2022-06-10T12:00", WATER | {"cod": 25}, basis=Basis.MANUAL)
    office.put("q", "2022-06-10T12:00", WATER)
    office.judge("2022-07-02T12:00")
    assert stats(office, "lakes", "2022-06")["class"] == lake_class


def test_months_without_an_item_a_class_needs_are_insufficient_not_too_few(office: Office) -> None:
    """Half a year asks for no number of rounds, a whole one for 8; what lacks oxygen in every month has no class."""
    office.now_is(site("p", "section"))
    without = {item: value for item, value in WATER.items() if item != "do"}
    for month in range(1, 13):
        office.put("p", f"2022-{month:02}-10T12:00", without, basis=Basis.MANUAL)
    office.judge("2023-01-02T12:00")
    assert judged(office, "p", "2022-Q1") == ("INSUFFICIENT", "NONE")
    assert judged(office, "p", "2022") == ("INSUFFICIENT", "NONE")


def test_a_lake_without_a_class_has_its_index_over_a_year(office: Office) -> None:
    """The index of nutrition asks for five items, none of them oxygen."""
    office.now_is(site("p", "section", body="lake") + LAKE)
    for month in range(1, 13):
        office.put("p", f"2022-{month:02}-10T12:00", SHALLOW, basis=Basis.MANUAL)
    office.judge("2023-01-02T12:00")
    year, month = stats(office, "lakes", "2022"), stats(office, "lakes", "2022-07")
    assert (year["status"], year["tli"]) == ("insufficient", month["tli"])
    assert month["tli"] is not None


def test_the_running_year_keeps_its_sections(office: Office) -> None:
    """On 2 April three months are over; the 8 a year asks for are not asked for before its end."""
    office.now_is(site("p", "section"), site("q", "section", body="lake") + LAKE)
    for month in (1, 2, 3):
        for name in "pq":
            office.put(name, f"2022-{month:02}-10T12:00", WATER, basis=Basis.MANUAL)
    office.judge("2022-04-01T12:00")
    then = ("--as-of", "2022-04-01T12:00")
    assert judged(office, "p", "2022")[0] == "VALID"
    assert (stats(office, "water", "2022", *then)["sections"], stats(office, "water", "2022", *then)["excluded"]) == (
        2,
        {},
    )
    assert stats(office, "cwqi", "2022", *then)["excluded"] == {}
    found = stats(office, "water", "2022", *then)
    assert (found["from"], found["to"], found["span_text"]) == ("2022-01-01", "2022-03-31", "2022-01-01 – 2022-03-31")


@pytest.mark.parametrize("period", ["2022-W26", "2022-06", "2022-06-29", "2022-Q2"])
def test_a_point_of_one_depth_is_judged_like_a_plain_section(office: Office, period: str) -> None:
    """The same samples in a plain section and in a point whose second depth was never sampled."""
    office.now_is(
        site("plain", "section", body="lake"),
        site("top", "section", body="lake") + POINT,
        site("bottom", "section", body="lake") + POINT,
    )
    for day, phosphorus in (("05-20", 0.2), ("06-10", 0.02), ("06-29", 0.024), ("07-02", 0.026)):
        for name in ("plain", "top"):
            office.put(name, f"2022-{day}T12:00", WATER | {"tp": phosphorus}, basis=Basis.MANUAL)
    office.judge("2022-08-02T12:00")
    rows = json.loads(ask(office, "stats", "lakes", "--period", period, "--json"))
    plain, deep = ({key: row[key] for key in ("status", "class", "readings")} for row in rows_of(rows))
    assert plain == deep


def rows_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lake of the plain section and that of the depths, each by its only point."""
    points = {row["lake"]: row["points"][0] | {"status": row["status"], "class": row["class"]} for row in rows}
    return [points["plain"], points["某湖"]]
