"""Sites that close, open and move: a code or a name leads to the site that had it on the day of the reading."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from envmon import periods
from envmon.config import ConfigMistakes
from envmon.errors import SourceChanged
from envmon.model import Kind, Payload, Site
from envmon.pipeline.importing import import_file, spec_of
from envmon.pipeline.pull import context_of, keep, set_aside, understood

HEAD = "date,hour,type,1001A,老站"
NOW = periods.minute(datetime(2022, 7, 2, 12))


def day(text: str) -> int:
    return periods.parse(text).first


def sites(config: Any, *added: Site) -> Any:
    return replace(config, sites=(*config.sites, *added))


OLD = Site("old", "老站", Kind.STATION, "ganzi", code="1001A", closed=day("2022-06-30"))
NEW = Site("new", "新站", Kind.STATION, "ganzi", code="1001A", aliases=("老站",), opened=day("2022-07-01"))
LATER = Site("later", "再迁站", Kind.STATION, "ganzi", code="1001A", opened=day("2022-09-01"))


def kept(bureau: Any, *moved: Site) -> list[tuple[str, str, float]]:
    """(site, ending, value) of what one file of two days around the move leaves in the store."""
    lines = [HEAD, "20220630,23,PM2.5,10,", "20220701,0,PM2.5,11,", "20220701,1,PM2.5,12,", "20220702,1,SO2,,13", ""]
    config = sites(bureau.config, *moved)
    with bureau.open(config) as store:
        spec = spec_of(config, "archive")
        payload = Payload("a.csv", "\n".join(lines).encode(), NOW)
        keep(store, spec, payload, understood("archive", payload, context_of(store, config, spec)), {}, NOW)
        return store.db.execute("SELECT site, ending, value FROM readings ORDER BY ending").fetchall()


def test_a_code_leads_to_the_site_that_had_it_on_the_day(bureau: Any) -> None:
    """The hour that ends at 00:00 of 1 July belongs to 30 June."""
    assert kept(bureau, OLD, NEW) == [
        ("old", "2022-06-30 23:00:00", 10.0),
        ("old", "2022-07-01 00:00:00", 11.0),
        ("new", "2022-07-01 01:00:00", 12.0),
        ("new", "2022-07-02 01:00:00", 13.0),
    ]


def test_between_two_sites_the_last_one_open_is_meant(bureau: Any) -> None:
    """The successor opens in September: July's readings stay with the old station, which does not count any more."""
    assert [row[0] for row in kept(bureau, replace(OLD, aliases=()), LATER)] == ["old"] * 4


def test_a_code_two_sites_have_at_one_time_leads_to_neither(bureau: Any) -> None:
    both = replace(OLD, closed=None), replace(NEW, aliases=())
    assert [row[0] for row in kept(bureau, *both)] == ["old"]  # by its name, in the last row


def test_files_are_imported_the_same_way(bureau: Any, tmp_path: Path) -> None:
    config = sites(bureau.config, OLD, NEW)
    path = tmp_path / "a.csv"
    path.write_text(f"{HEAD}\n20220630,23,PM2.5,10,\n20220701,1,PM2.5,12,\n", "utf-8")
    with bureau.open(config) as store:
        tally, refused = import_file(store, config, spec_of(config, "archive"), path, NOW)
        found = store.db.execute("SELECT site FROM readings ORDER BY ending").fetchall()
    assert (tally.new, refused, found) == (2, [], [("old",), ("new",)])


def test_an_id_that_is_the_code_in_small_letters_is_no_name_of_its_own(bureau: Any) -> None:
    """`sites discover` makes ids of codes; the successor has the code too. The day decides, and what names the id
    (a device, an option) means that site."""
    old, new = replace(OLD, id="1001a"), replace(NEW, id="s2", aliases=())
    assert [row[0] for row in kept(bureau, old, new)][:3] == ["1001a", "1001a", "s2"]
    config = sites(bureau.config, old, new)
    with bureau.open(config) as store:
        context = context_of(store, config, spec_of(config, "archive"))
        assert context.own("1001a") == store.site_numbers["1001a"]
        assert context.owner(context.site("1001A") or 0, day("2022-07-01")) == store.site_numbers["s2"]


def test_the_intakes_of_a_source_that_was_moved_go_the_same_way(bureau: Any) -> None:
    """The new intake opened on 1 July; both are called 新水源, and one sheet tells of June and July."""
    old = Site("well-1", "新水源", Kind.SOURCE, "ganzi", closed=day("2022-06-30"))
    new = Site("well-2", "新水源", Kind.SOURCE, "ganzi", opened=day("2022-07-01"))
    config = sites(bureau.config, old, new)
    sheet = "水源地名称,月份,取水量(万m³)\n新水源,2022-06,30.5\n新水源,2022-07,31\n"
    with bureau.open(config) as store:
        spec = spec_of(config, "lab")
        payload = Payload("i.csv", sheet.encode(), NOW)
        keep(store, spec, payload, understood("intake", payload, context_of(store, config, spec)), {}, NOW)
        numbers = {store.site_numbers[one.id]: one.id for one in (old, new)}
        found = store.db.execute("SELECT site, volume FROM intake_volume ORDER BY month").fetchall()
    assert [(numbers[site], volume) for site, volume in found] == [("well-1", 30500), ("well-2", 31000)]


def test_two_answers_nobody_understands_are_both_kept(tmp_path: Path) -> None:
    """Addresses that are alike for the last 80 characters of their names, taken in one minute."""
    error = SourceChanged("error.source.no_list", origin="x")
    tail = "t=2026-05-01&" * 10
    for body in (b"first", b"second", b"first"):
        set_aside(tmp_path, Payload(f"http://127.0.0.1/{body.decode()}?{tail}", body, NOW), error)
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"first", b"second"]


MOVED = """
[[sites]]
id = "old"
name = "监测站"
kind = "section"
area = "ganzi"
body = "river"
code = "X1"
closed = {closed}

[[sites]]
id = "new"
name = "监测站"
kind = "section"
area = "ganzi"
body = "river"
code = "X1"
opened = {opened}
"""


def configured(bureau: Any, closed: str, opened: str) -> Any:
    text = bureau.path.read_text("utf-8").replace('sites = "sites.csv"\n', "")
    tables = '\n[[sites]]\nfile = "sites.csv"\n' + MOVED.format(closed=closed, opened=opened)
    bureau.path.write_text(text + tables, "utf-8")
    return bureau.config


def test_the_config_takes_a_name_and_a_code_twice_when_one_site_closed_before_the_other_opened(bureau: Any) -> None:
    found = configured(bureau, "2022-06-30", "2022-07-01").sites
    assert [site.id for site in found][-2:] == ["old", "new"]


def test_a_day_with_both_open_is_a_mistake(bureau: Any) -> None:
    with pytest.raises(ConfigMistakes) as caught:
        configured(bureau, "2022-07-01", "2022-07-01")
    assert sorted(one.path.rpartition(".")[2] for one in caught.value.mistakes) == ["code", "name"]
