"""Sites proposed from a feed: what is known stays unsaid, further names and codes are told from new sites."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from envmon.cli import root
from envmon.errors import UsageError
from envmon.model import Kind, Payload, Site
from envmon.pipeline.discovering import _Book, discover
from envmon.pipeline.importing import spec_of
from envmon.pipeline.wiring import load_config
from envmon.sources import SOURCES, Place

HERE = Path(__file__).parent
SECTION = Place(Kind.SECTION, "", "新断面", "甘孜州", river="雅砻江")


def book(bureau: Any, *added: Site) -> _Book:
    config = bureau.config
    return _Book(replace(config, sites=(*config.sites, *added)))


STATION = Site("zuoqin", "将军桥", Kind.STATION, "ganzi", code="2711A", aliases=("将军桥站",))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place(Kind.STATION, "2711A", "将军桥", "甘孜州"), None),
        (Place(Kind.STATION, "2711A", "将军桥(启用180816)", "甘孜州"), None),  # a remark of the platform is no name
        (Place(Kind.STATION, "2711A", "将军桥新站", "甘孜州"), ("renamed", "zuoqin", "ganzi")),
        (Place(Kind.STATION, "2999A", "将军桥", "甘孜州"), ("recoded", "zuoqin", "ganzi")),
        (Place(Kind.STATION, "2999A", "将军桥", "太原市"), None),  # another city's bridge, elsewhere
        (Place(Kind.STATION, "2712A", "州环保局", "甘孜州"), ("new", "2712a", "ganzi")),
        (Place(Kind.STATION, "2712A", "州环保局", "甘孜藏族自治州"), ("new", "2712a", "ganzi")),
        (Place(Kind.STATION, "1431A", "金泉两河", "成都市"), ("new", "1431a", "chengdu")),
        (Place(Kind.STATION, "1081A", "尖草坪", "太原市"), None),
        (SECTION, ("new", "section-001", "ganzi")),
    ],
)
def test_what_is_proposed(bureau: Any, place: Place, expected: tuple[str, str, str] | None) -> None:
    found = book(bureau, STATION).proposal(place, 0, False)
    assert (found and (found.change, found.site, found.area)) == expected


@pytest.mark.parametrize("turned", [False, True])
def test_a_name_that_two_stations_share_is_known_of_both(bureau: Any, turned: bool) -> None:
    """Many cities have a 监测站; a third code of that name is a third station, as nobody knows which one moved."""
    both = [Site(code.lower(), "监测站", Kind.STATION, "ganzi", code=code) for code in ("2701A", "2702A")]
    own = book(bureau, *(both[::-1] if turned else both))
    found = [own.proposal(Place(Kind.STATION, f"270{at}A", "监测站", "甘孜州"), 0, False) for at in (1, 2, 3)]
    assert [one and (one.change, one.site) for one in found] == [None, None, ("new", "2703a")]


def test_names_that_differ_by_a_bracket_are_names_of_one_section(bureau: Any) -> None:
    """The platform renamed 岗托桥 to 金沙江岗托桥, and 沱江大桥 to 沱江大桥(沱江二桥)."""
    own = book(
        bureau,
        Site("tuojiang", "沱江大桥", Kind.SECTION, "chengdu"),
        Site("gangtuo-x", "岗托大桥头", Kind.SECTION, "ganzi"),
    )
    for name, site in (("沱江大桥（沱江二桥）", "tuojiang"), ("金沙江岗托大桥头", "gangtuo-x")):
        found = own.proposal(Place(Kind.SECTION, "", name, "成都市"), 0, False)
        assert found is not None
        assert (found.change, found.site) == ("renamed", site)


def test_a_reservoir_is_proposed_as_a_lake(bureau: Any) -> None:
    own = book(bureau)
    found = [own.proposal(replace(SECTION, name=name), 0, False) for name in ("某某水库出口", "邛海湖心", "某河口")]
    assert [one and one.body for one in found] == ["lake", "lake", "river"]
    assert len({one.site for one in found if one}) == 3


def test_the_stations_of_the_platforms_own_list() -> None:
    """The answer recorded on 2016-01-14 lists 1,497 stations."""
    path = next(HERE.rglob("GetAQIDataPublishLives_20160114T00.xml.gz"))
    find = SOURCES["cnemc_air"].places
    assert find is not None
    places = find(Payload("x", gzip.decompress(path.read_bytes()), 0))
    assert len(places) == 1497
    mine = [(one.code, one.name) for one in places if one.area == "甘孜州"]
    assert mine == [("2569A", "将军桥"), ("2570A", "水桥子")]


def test_sections_with_the_city_and_river_their_title_tells() -> None:
    title = "<span title='所在地市：甘孜州 所属河流：金沙江'>岗托桥</span>"
    head = ["省份", "流域", "断面名称", "监测时间", "水质类别"]
    body = [["四川省", "长江流域", title, "01-01 08:00", "2"], ["四川省", "长江流域", "丙桥", "01-01 08:00", "2"]]
    find = SOURCES["cnemc_water"].places
    assert find is not None
    places = find(Payload("x", json.dumps({"result": 1, "thead": head, "tbody": body}).encode(), 0))
    assert places == [
        Place(Kind.SECTION, "", "岗托桥", "甘孜州", river="金沙江", basin="长江流域"),
        Place(Kind.SECTION, "", "丙桥", "四川省", basin="长江流域"),
    ]


def run(bureau: Any, *words: str) -> Any:
    return CliRunner().invoke(root, ["--config", str(bureau.path), *words], catch_exceptions=False)


def test_discovered_sites_are_written_for_review_and_can_be_named_in_the_config(bureau: Any) -> None:
    """The replayed water platform lists 102 sections of Sichuan; those of the bureau's own areas are proposed."""
    bureau.at("2022-03-01T10:00")
    sites = bureau.folder / "sites.csv"
    kept = [line for line in sites.read_text("utf-8").splitlines() if "岗托" not in line]
    sites.write_text("\n".join([*kept, ""]), "utf-8")
    plan = bureau.folder / "plan.csv"
    plan.write_text("site,items,every\n", "utf-8")
    found = run(bureau, "sites", "discover", "water", "--everywhere", "--write", "--json")
    assert found.exit_code == 0, found.output
    rows = json.loads(found.stdout)
    mine = [row for row in rows if "岗托" in row["name"]]
    assert [(row["change"], row["kind"]) for row in mine] == [("new", "section")]
    path = bureau.folder / "sites.proposed.csv"
    lines = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    assert len(lines) == len(rows)
    with pytest.raises(UsageError, match=r"sites\.proposed\.csv"):  # never written over
        run(bureau, "sites", "discover", "water", "--write")

    text = path.read_text("utf-8-sig").splitlines()
    head = text[0].split(",")
    wanted = next(line for line in lines if "岗托" in line["name"])
    path.write_text("\n".join([text[0], ",".join({**wanted, "area": "ganzi"}[key] for key in head), ""]), "utf-8")
    bureau.edit('sites = "sites.csv"', 'sites = ["sites.csv", "sites.proposed.csv"]')
    assert wanted["id"] in [site.id for site in load_config(bureau.path).sites]


def test_items_nobody_knows_are_no_sites(bureau: Any, tmp_path: Path) -> None:
    path = tmp_path / "china_cities_20220301.csv"
    path.write_text("date,hour,type,成都,某某市\n20220301,5,VOC,3,4\n20220301,5,PM10,30,40\n", "utf-8")
    found = discover(bureau.config, spec_of(bureau.config, "archive"), bureau.now, True, [path])
    assert [one.place.name for one in found if "VOC" in one.place.name] == []
    assert "某某市" in [one.place.name for one in found]


def test_a_source_that_lists_no_sites_gives_the_names_it_has_values_under(bureau: Any) -> None:
    """The archive has a column for each of 21 cities; two are configured (甘孜 under two names)."""
    bureau.at("2022-03-01T10:00")
    found = discover(bureau.config, spec_of(bureau.config, "archive"), bureau.now, True)
    names = {one.place.name for one in found}
    assert "成都市" not in names
    assert all(one.seen for one in found)
