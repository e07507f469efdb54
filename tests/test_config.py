"""The bureau's page: what it becomes, and how every mistake in it is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envmon import config, model, periods
from envmon.config import ConfigMistakes, Known, Mistake
from envmon.errors import ConfigError, UsageError
from envmon.model import Basis, Body, Kind, RateName, RuleKind, Schedule, Severity, StationType, WaterClass

ROOT = Path(__file__).parent.parent
NOWHERE: dict[str, str] = {}

KNOWN = Known(
    sources=("archive", "cnemc_air", "cnemc_water", "lab"),
    channels=("jsonl", "log"),
    tests={
        "flat_line": {"off": False, "level": "suspect", "times": 8, "above": {"pm25": "20"}},
        "spike": {"off": False, "factor": 3, "by": {"pm25": "150"}},
        "range": {"off": False, "level": "fail"},
    },
    items=("pm25", "nh3n"),
    editions=("HJ 633-2012", "HJ 633-2026"),
)

GOOD = """\
bureau = "某局"

[[areas]]
id = "ganzi"
name = "甘孜藏族自治州"
level = "prefecture"
code = "513300"
air = "city"

[[sites]]
id = "ganzi-air"
name = "甘孜藏族自治州"
kind = "city"
area = "ganzi"
aliases = ["甘孜州", "甘孜"]

[[sites]]
id = "gangtuo"
name = "岗托桥"
kind = "section"
area = "ganzi"
body = "river"
target_class = "II"
attributes = { river = "金沙江", longitude = 98.57 }

[[sites]]
id = "well"
name = "水井"
kind = "source"
area = "ganzi"
body = "groundwater"
intake = "341.00"

[[sources]]
id = "archive"
kind = "archive"
url = "http://127.0.0.1:8930/archive/"
every = "1h"
at = "00:35"
lookback = "2d"
options = { form = "cities", token_env = "ARCHIVE_TOKEN", factor = 1.10 }

[[targets]]
id = "days"
rate = "good_days"
area = "ganzi"
period = "2022"
percent = 90.1

[[rules]]
id = "hourly"
kind = "hourly_aqi"
above = 150
hours = 3
repeat = "6h"
severity = "serious"
sites = ["ganzi-air"]

[[channels]]
id = "log"
kind = "log"

[qc.spike]
factor = 2.50
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a config (and files beside it) into a folder of its own."""

    def into(text: str | bytes, **beside: str | bytes) -> Path:
        for name, body in {"config.toml": text, **{f"{key}.csv": body for key, body in beside.items()}}.items():
            (tmp_path / name).write_bytes(body.encode() if isinstance(body, str) else body)
        return tmp_path / "config.toml"

    return into


def load(path: Path, lang: str | None = None, **environ: str) -> model.Config:
    return config.load(path, KNOWN, lang, environ)


def mistakes(path: Path, lang: str | None = "en") -> tuple[Mistake, ...]:
    with pytest.raises(ConfigMistakes) as caught:
        load(path, lang)
    return caught.value.mistakes


# --- a good page ------------------------------------------------------------------------------------------------


def test_a_good_page_becomes_nouns_in_their_own_units(write: Write) -> None:
    path = write(GOOD)
    found = load(path)
    assert (found.bureau, found.language, found.file) == ("某局", "zh", str(path))
    assert found.areas == (model.Area("ganzi", "甘孜藏族自治州", "prefecture", code="513300", zone=2, air=Kind.CITY),)
    air, section, well = found.sites
    assert (air.kind, air.aliases, air.counted) == (Kind.CITY, ("甘孜州", "甘孜"), True)
    assert (section.body, section.target_class) == (Body.RIVER, WaterClass.II)
    assert section.attributes == {"river": "金沙江", "longitude": "98.57"}
    assert (well.body, well.intake) == (Body.GROUNDWATER, 341000)  # 341.00 * 10^4 t in steps of 10 t
    assert found.rules == (
        model.Rule(
            "hourly",
            RuleKind.HOURLY_AQI,
            above=150,
            hours=3,
            repeat=360,
            severity=Severity.SERIOUS,
            sites=("ganzi-air",),
        ),
    )
    assert found.channels == (model.Channel("log", "log"),)


def test_schedules_are_minutes(write: Write) -> None:
    found = load(write(GOOD + '[jobs]\njudge = "00:05"\ncharts = "sun 23:59"\n'))
    (spec,) = found.sources
    assert (spec.every, spec.at, spec.lookback, spec.basis) == (60, 35, 2880, Basis.REALTIME)
    fill = Schedule(240, 50)
    assert found.jobs == {"judge": Schedule(60, 5), "charts": Schedule(10080, 7 * 1440 - 1), "backfill": fill}
    assert load(write(GOOD)).jobs == {"judge": Schedule(60, 40), "charts": Schedule(10080, 360), "backfill": fill}


def test_numbers_with_a_point_enter_exactly(write: Write) -> None:
    found = load(write(GOOD))
    assert found.targets[0].percent == 901
    assert found.sources[0].options["factor"] == "1.10"
    assert type(found.sources[0].options["factor"]) is str
    assert found.qc == {"spike": {"factor": "2.50"}}


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("percent = 90", {"percent": 900}),
        ('percent = "90.5"', {"percent": 905}),
        ("percent = 90.50", {"percent": 905}),
        ("percent = 100", {"percent": 1000}),
        ("days = 330", {"days": 330}),
        ('change = "+1.5"\nbase = "2021"', {"change": 15, "base": periods.parse("2021")}),
        (
            'change = -0.3\nbase = 2021\nbase_percent = "88.9"',
            {"change": -3, "base": periods.parse("2021"), "base_percent": 889},
        ),
        ('percent = 90\nedition = "HJ 633-2012"', {"percent": 900, "edition": "HJ 633-2012"}),
        ('percent = 90\nedition = "by-date"', {"percent": 900}),
    ],
)
def test_goals_of_a_target(write: Write, goal: str, expected: dict[str, object]) -> None:
    (target,) = load(write(GOOD.replace("percent = 90.1", goal))).targets
    period = periods.parse("2022")
    assert target == model.Target("days", RateName.GOOD_DAYS, "ganzi", period, **expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("2022", "2022"),
        ('"2022-Q1"', "2022-Q1"),
        ("2022-03-01", "2022-03-01"),
        ('"2022-W10"', "2022-W10"),
        ('"2022-01..2022-06"', "2022-01..2022-06"),
    ],
)
def test_periods_as_people_write_them(write: Write, written: str, name: str) -> None:
    text = GOOD.replace('period = "2022"', f"period = {written}").replace("percent = 90.1", "percent = 90")
    assert load(write(text)).targets[0].period == periods.parse(name)


def test_paths_start_at_the_folder_of_the_config(write: Write, tmp_path: Path) -> None:
    paths = load(write(GOOD + '[paths]\ndatabase = "../x/air.db"\nalerts = "/var/alerts.jsonl"\n')).paths
    assert paths.root == str(tmp_path)
    assert paths.database == str(tmp_path.parent / "x" / "air.db")
    assert paths.alerts == "/var/alerts.jsonl"
    assert paths.charts == str(tmp_path / "charts")
    assert paths.rejects == str(tmp_path / "data" / "rejects")


def test_chinese_words_stand_for_kinds_bodies_and_classes(write: Write) -> None:
    text = GOOD.replace('kind = "section"', 'kind = "断面"').replace('body = "river"', 'body = "湖库"')
    section = load(write(text.replace('target_class = "II"', 'target_class = "Ⅱ类"'))).sites[1]
    assert (section.kind, section.body, section.target_class) == (Kind.SECTION, Body.LAKE, WaterClass.II)


def test_without_known_names_kinds_and_editions_are_taken_as_they_are(write: Write) -> None:
    text = GOOD.replace('kind = "archive"', 'kind = "anything"').replace("[qc.spike]", "[qc.other]")
    found = config.load(write(text), environ=NOWHERE)
    assert found.sources[0].kind == "anything"
    assert found.qc == {"other": {"factor": "2.50"}}


# --- environment ------------------------------------------------------------------------------------------------


def test_which_file_and_which_language(write: Write) -> None:
    assert config.find(None, {}) == "config.toml"
    assert config.find(None, {"ENVMON_CONFIG": "a.toml"}) == "a.toml"
    assert config.find(Path("b.toml"), {"ENVMON_CONFIG": "a.toml"}) == "b.toml"
    path = write('language = "en"\n' + GOOD)
    assert load(path).language == "en"
    assert load(path, ENVMON_LANG="zh").language == "zh"
    assert load(path, "en", ENVMON_LANG="zh").language == "en"
    assert config.load(None, KNOWN, None, {"ENVMON_CONFIG": str(path)}).language == "en"


def test_an_unknown_language_is_a_mistake(write: Write) -> None:
    path = write(GOOD)
    (found,) = mistakes(path, "fr")
    assert (found.file, found.found) == ("--lang / ENVMON_LANG", '"fr"')
    with pytest.raises(ConfigMistakes, match="ENVMON_LANG"):
        load(path, ENVMON_LANG="de")


def test_a_glance_needs_no_more_than_the_paths(write: Write, tmp_path: Path) -> None:
    path = write('language = "en"\n[paths]\ndatabase = "x.db"\n[[areas]]\nwrong = 1\n')
    assert config.glance(path, environ=NOWHERE) == (str(path), "en", str(tmp_path / "x.db"))
    assert config.glance(write(GOOD), environ=NOWHERE) == (str(path), "zh", str(tmp_path / "data" / "envmon.db"))
    with pytest.raises(ConfigMistakes, match="envmon init"):
        config.glance(tmp_path / "none.toml", environ=NOWHERE)


def test_a_glance_loads_neither_pydantic_nor_numpy() -> None:
    code = (
        "import sys; from envmon import config; config.glance('config.toml');"
        "print([name for name in ('pydantic', 'numpy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_secrets_come_from_the_environment_at_the_moment_of_use(write: Write) -> None:
    options = load(write(GOOD)).sources[0].options
    assert options["token_env"] == "ARCHIVE_TOKEN"
    ready = config.resolved(options, environ={"ARCHIVE_TOKEN": "s3cret"})
    assert ready == {"form": "cities", "factor": "1.10", "token": "s3cret"}
    with pytest.raises(ConfigError, match="ARCHIVE_TOKEN"):
        config.resolved(options, environ={"ARCHIVE_TOKEN": ""})


def test_every_setting_in_force_and_where_it_came_from(write: Write) -> None:
    path = write(GOOD.replace("[[channels]]", '[[sites]]\nfile = "more.csv"\n\n[[channels]]'), more=CSV)
    found = load(path)
    rows = {
        row["key"]: (row["value"], row["origin"]) for row in config.effective(found, KNOWN, {"ARCHIVE_TOKEN": "s3cret"})
    }
    assert rows["bureau"] == ('"某局"', f"{path}:1")
    assert rows["language"] == ('"zh"', "默认")
    assert rows["areas[1].air"] == ('"city"', f"{path}:8")
    assert rows["areas[1].zone"] == ("2", "默认")
    assert rows["sources[1].at"] == ('"00:35"', f"{path}:39")
    assert rows["sources[1].options.token_env"] == ('"ARCHIVE_TOKEN (已设置)"', f"{path}:41")
    assert rows["sites[2].attributes.river"] == ('"金沙江"', f"{path}:24")
    assert rows["sites"] == ("CSV，2 个点位", str(path.parent / "more.csv"))
    assert rows["jobs.charts"] == ('"mon 06:00"', "默认")
    assert rows["qc.spike.factor"] == ("2.50", f"{path}:{line_of(path, 'factor = 2.50')}")
    assert rows["qc.spike.by.pm25"] == ('"150"', "默认")
    assert "s3cret" not in str(rows)
    assert {row["key"] for row in config.effective(found, KNOWN, {"ENVMON_LANG": "zh"})} == set(rows)


def line_of(path: Path, text: str) -> int:
    """The line on which a text stands for the first time."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(text))


# --- broken pages -----------------------------------------------------------------------------------------------

SECOND_GANZI = 'air = "city"\n\n[[areas]]\nid = "ganzi"\nname = "乙"\nlevel = "county"\n'

BROKEN: list[tuple[str, str, str, str, str, str]] = [
    # (what is replaced, by what, key path, on which line (the text it begins with), allowed says, suggestion)
    ('bureau = "某局"\n', "", "bureau", "", "it is required", ""),
    ('bureau = "某局"', 'bureau = ""', "bureau", "bureau", "not empty", ""),
    ('bureau = "某局"', "bureau = 3.5", "bureau", "bureau", "a text in quotes", ""),
    ('bureau = "某局"', 'bureau = "a\\nb"', "bureau", "bureau", "line breaks", ""),
    ('bureau = "某局"', 'bureau = "某局"\nlanguge = "en"', "languge", "languge", "language", "language"),
    ('bureau = "某局"', 'bureau = "某局"\nlanguage = "cn"', "language", "language", "zh en", ""),
    ('level = "prefecture"', 'level = "prefecure"', "areas[1].level", "level", "county prefecture", "prefecture"),
    ('code = "513300"', "code = 513300", "areas[1].code", "code", "6, 9 or 12 digits", ""),
    ('code = "513300"', "zone = 3", "areas[1].zone", "zone", "from 1 to 2", ""),
    ('code = "513300"', "zone = 1.0", "areas[1].zone", "zone", "whole number", ""),
    ('code = "513300"', "zone = true", "areas[1].zone", "zone", "whole number", ""),
    ('code = "513300"', 'nmae = "x"', "areas[1].nmae", "nmae", "id name level", "name"),
    ('air = "city"\n', SECOND_GANZI, "areas[2].id", "", "config.toml:3 has it", ""),
    ('id = "gangtuo"', 'id = "Gang Tuo"', "sites[2].id", 'id = "Gang', "lower-case", ""),
    ('id = "gangtuo"', 'id = "ganzi"', "sites[2].id", "", "it must be unique", ""),
    ('area = "ganzi"\na', 'area = "gnazi"\na', "sites[1].area", 'area = "gnazi"', "ganzi", "ganzi"),
    ('area = "ganzi"\na', 'area = "甘孜藏族自治州"\na', "sites[1].area", 'area = "甘', "ganzi", "ganzi"),
    ('kind = "city"', 'kind = "station"', "areas[1].air", "air", "exactly one site of kind", ""),
    ('aliases = ["甘孜州", "甘孜"]', 'aliases = "甘孜州"', "sites[1].aliases", "aliases", "list of texts", ""),
    ('aliases = ["甘孜州", "甘孜"]', 'body = "river"', "sites[1].body", "body", "only for section source", ""),
    ('aliases = ["甘孜州", "甘孜"]', 'counted = "no"', "sites[1].counted", "counted", "true or false", ""),
    ('body = "river"\n', "", "sites[2].body", "[[sites]]#2", "must say its water body", ""),
    ('body = "river"', 'body = "groundwater"', "sites[2].body", "body", "river lake", ""),
    ('target_class = "II"', 'target_class = "VI"', "sites[2].target_class", "target_class", "I II III IV V", ""),
    ('name = "水井"', 'name = "水井"\ntarget_class = "II"', "sites[3].target_class", "", "only for section", ""),
    ('name = "水井"', 'name = "岗托 桥"', "sites[3].name", 'name = "岗托 桥"', "must differ", ""),
    ('"水井"', '"水井"\naliases = ["ＧＡＮＧＴＵＯ"]', "sites[3].aliases", 'aliases = ["Ｇ', "must differ", ""),
    ('intake = "341.00"', 'intake = "341.0005"', "sites[3].intake", "intake", "three decimals", ""),
    ('intake = "341.00"', "intake = -1", "sites[3].intake", "intake", "not negative", ""),
    ('kind = "archive"', 'kind = "archiv"', "sources[1].kind", "kind = \"archiv\"", "archive cnemc_air", "archive"),
    ("http://127.0.0.1:8930/archive/", "127.0.0.1:8930", "sources[1].url", "url", "full address", ""),
    ("http://127.0.0.1:8930/archive/", "http://h:99999/", "sources[1].url", "url", "full address", ""),
    ("http://127.0.0.1:8930/archive/", "ftp://host/x", "sources[1].url", "url", "full address", ""),
    ("http://127.0.0.1:8930/archive/", "http://me:pw@host/", "sources[1].url", "url", "user name or password", ""),
    ('every = "1h"', 'every = "2h"', "sources[1].every", "every", "1h 4h 1d", ""),
    ('every = "1h"\n', "", "sources[1].every", "[[sources]]", 'every = "1h"', ""),
    ('at = "00:35"', 'at = "01:35"', "sources[1].at", "at =", "less than one slot of 1h", ""),
    ('at = "00:35"', "at = 00:35:00", "sources[1].at", "at =", "HH:MM", ""),
    ('lookback = "2d"', 'lookback = "30m"', "sources[1].lookback", "lookback", "not be shorter", ""),
    ('lookback = "2d"', 'lookback = "two days"', "sources[1].lookback", "lookback", "length of time", ""),
    ('lookback = "2d"', 'basis = "real-time"', "sources[1].basis", "basis", "realtime reviewed manual", "realtime"),
    ('token_env = "ARCHIVE_TOKEN"', 'token = "s3cret"', "sources[1].options", "options", 'token_env = "VARIABLE"', ""),
    ('token_env = "ARCHIVE_TOKEN"', 'token_env = "a b"', "sources[1].options", "options", "name of an environment", ""),
    ('rate = "good_days"', 'rate = "good_day"', "targets[1].rate", "rate", "good_days", "good_days"),
    ('period = "2022"', 'period = "2022-13"', "targets[1].period", "period", "2022-Q1", ""),
    ('period = "2022"', "period = 22", "targets[1].period", "period", "2022-Q1", ""),
    ("percent = 90.1", "percent = 90.12", "targets[1].percent", "percent", "at most one decimal", ""),
    ("percent = 90.1", 'percent = "101"', "targets[1].percent", "percent", "0 to 100", ""),
    ("percent = 90.1", 'percent = "90%"', "targets[1].percent", "percent", "0 to 100", ""),
    ("percent = 90.1\n", "", "targets[1]", "[[targets]]", "exactly one of", ""),
    ("percent = 90.1", "percent = 90\ndays = 330", "targets[1].days", "days", "exactly one of", ""),
    ("percent = 90.1", "days = 366", "targets[1].days", "days", "365 days", ""),
    ("percent = 90.1", 'change = "1.5"', "targets[1].base", "[[targets]]", 'base = "2021"', ""),
    ("percent = 90.1", 'percent = 90\nbase = "2021"', "targets[1].base", "base", "together with change", ""),
    ("percent = 90.1", 'change = 1\nbase = "2022-Q1"', "targets[1].base", "base", "before the period 2022", ""),
    ("percent = 90.1", 'days = 9\nedition = "HJ633-2026"', "targets[1].edition", "edition", "by-", "HJ 633-2026"),
    ("above = 150", "above = 501", "rules[1].above", "above", "from 0 to 500", ""),
    ("above = 150", 'worse_than = "III"', "rules[1].worse_than", "worse_than", "keys of a hourly_aqi rule", ""),
    ('kind = "hourly_aqi"', 'kind = "hourly_api"', "rules[1].kind", 'kind = "hourly_api"', "daily_aqi", "hourly_aqi"),
    ('severity = "serious"', "severity = 3", "rules[1].severity", "severity", "info warning serious critical", ""),
    ('repeat = "6h"', 'repeat = "0m"', "rules[1].repeat", "repeat", "length of time", ""),
    ('sites = ["ganzi-air"]', 'sites = ["gangtuo"]', "rules[1].sites", "sites", "not among the ids", ""),
    ('sites = ["ganzi-air"]', 'sites = ["ganzi"]', "rules[1].sites", "sites", "not among the ids", "ganzi-air"),
    ('sites = ["ganzi-air"]', 'sites = ["ganzi-ari"]', "rules[1].sites", "sites", "not among the ids", "ganzi-air"),
    ('kind = "log"', 'kind = "mail"', "channels[1].kind", 'kind = "mail"', "jsonl log", ""),
    ("[[channels]]", "[channels]", "channels", "[channels]", "tables [[channels]]", ""),
    ("[qc.spike]", "[qc.spkie]", "qc.spkie", "[qc.spkie]", "flat_line spike range", "spike"),
    ("factor = 2.50", "factors = 2.50", "qc.spike.factors", "factors", "off factor by", "factor"),
    ("factor = 2.50", 'factor = "x"', "qc.spike.factor", "factor", "above zero", ""),
    ("factor = 2.50", "factor = 0", "qc.spike.factor", "factor", "above zero", ""),
    ("factor = 2.50", "by = 5", "qc.spike.by", "by", "it must be a table", ""),
    ("factor = 2.50", "by = { pm2_5 = 5 }", "qc.spike.by.pm2_5", "by", "pm25 nh3n", "pm25"),
    ("factor = 2.50", "by = { pm25 = -5 }", "qc.spike.by.pm25", "by", "above zero", ""),
    ("factor = 2.50", 'off = "no"', "qc.spike.off", "off", "true or false", ""),
    ("[qc.spike]\nfactor = 2.50", '[qc.range]\nlevel = "warn"', "qc.range.level", 'level = "warn"', "suspect fail", ""),
    ("[qc.spike]\nfactor = 2.50", "[qc.flat_line]\ntimes = 1", "qc.flat_line.times", "times", "2 to 8760", ""),
    ("[qc.spike]\nfactor = 2.50", "[qc]\nspike = 2", "qc.spike", "spike", "it must be a table", ""),
    ("[qc.spike]", '[jobs]\njudge = "01:05"\n[qc.spike]', "jobs.judge", "judge", "less than one slot", ""),
    ("[qc.spike]", '[jobs]\ncharts = "06:00"\n[qc.spike]', "jobs.charts", "charts", "weekday and a time", ""),
    ("[qc.spike]", '[jobs]\nchart = "mon 06:00"\n[qc.spike]', "jobs.chart", "chart", "judge charts", "charts"),
    ("[qc.spike]", "[jobs]\njudge = 40\n[qc.spike]", "jobs.judge", "judge", "HH:MM", ""),
    ("[qc.spike]", '[paths]\ndatabse = "x"\n[qc.spike]', "paths.databse", "databse", "database", "database"),
    ("[qc.spike]", "[paths]\ncharts = 1\n[qc.spike]", "paths.charts", "charts", "a text in quotes", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "path", "line", "allowed", "suggestion"), BROKEN, ids=[f"{n}-{c[2]}" for n, c in enumerate(BROKEN)]
)
def test_one_mistake_is_told_once_with_its_place_and_cure(
    write: Write, old: str, new: str, path: str, line: str, allowed: str, suggestion: str
) -> None:
    assert GOOD.count(old) >= 1
    file = write(GOOD.replace(old, new, 1))
    found = mistakes(file)
    assert [(m.file, m.path) for m in found] == [(str(file), path)]
    (mistake,) = found
    assert allowed in mistake.allowed
    assert mistake.suggestion == suggestion
    if line == "[[sites]]#2":
        assert mistake.line == line_of(file, 'id = "gangtuo"') - 1
    elif line:
        assert mistake.line == line_of(file, line)
    assert "s3cret" not in str(mistake)
    assert "pw@" not in str(mistake)


TEN = """\
bureau = 5
langage = "zh"
[[areas]]
id = "ganzi"
name = "甘孜"
level = "city"
zone = 4
[[sites]]
id = "a"
name = "甲"
kind = "sektion"
area = "ganzhi"
[[sites]]
id = "a"
name = "乙"
kind = "city"
area = "ganzi"
[[sources]]
id = "x"
kind = "archiv"
url = "nowhere"
every = "1h"
[[targets]]
id = "t"
rate = "good_days"
area = "ganzi"
period = "2022-Q5"
percent = 90
"""


def test_ten_mistakes_are_reported_in_one_go_in_the_order_of_the_file(write: Write) -> None:
    found = mistakes(write(TEN))
    assert [(mistake.line, mistake.path) for mistake in found] == [
        (1, "bureau"),
        (2, "langage"),
        (6, "areas[1].level"),
        (7, "areas[1].zone"),
        (11, "sites[1].kind"),
        (12, "sites[1].area"),
        (14, "sites[2].id"),
        (20, "sources[1].kind"),
        (21, "sources[1].url"),
        (27, "targets[1].period"),
    ]
    assert [mistake.suggestion for mistake in found if mistake.suggestion] == [
        "language",
        "section",
        "ganzi",
        "archive",
    ]


def test_the_message_is_chinese_unless_english_is_asked_for(write: Write) -> None:
    path = write(TEN)
    with pytest.raises(ConfigMistakes) as chinese:
        load(path)
    text = str(chinese.value)
    assert text.startswith("配置有 10 处错误")
    assert f'{path}:12  sites[1].area：写的是 "ganzhi"；可以写：ganzi。 是不是“ganzi”？' in text
    with pytest.raises(ConfigMistakes, match="10 mistake") as english:
        load(write('language = "en"\n' + TEN.replace("langage", "langages")))
    assert "Did you mean 'ganzi'?" in str(english.value)
    assert english.value.exit_code == 2
    assert isinstance(english.value, ConfigError)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_mistake_can_be_told_in_both_languages(write: Write, lang: str) -> None:
    for old, new, *_ in BROKEN:
        for mistake in mistakes(write(GOOD.replace(old, new, 1)), lang):
            assert mistake.found
            assert mistake.allowed
            assert "{" not in mistake.allowed.replace("{ ", "")


def test_a_long_list_of_mistakes_is_cut_in_the_message_only(write: Write) -> None:
    rows = "".join(f"s{n},站{n},station,nowhere\n" for n in range(120))
    path = write(
        GOOD.replace("[[channels]]", '[[sites]]\nfile = "s.csv"\n\n[[channels]]'), s="id,name,kind,area\n" + rows
    )
    with pytest.raises(ConfigMistakes, match="and 70 more") as caught:
        load(path, "en")
    assert len(caught.value.mistakes) == 120


# --- files that cannot be read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        (b"", 0, "the file is empty"),
        (b" \n\n", 0, "the file is empty"),
        (GOOD.encode("gb18030"), 1, "not UTF-8 (GBK"),
        (GOOD.encode()[:60] + "桥".encode("gbk"), 5, "not UTF-8 (GBK"),
        (GOOD.encode("utf-16"), 0, "UTF-16"),
        (GOOD.encode("utf-16-le"), 0, "UTF-16"),
        (b"a = 1\nb = \n", 2, "column 5, Invalid value"),
        (b"a 1\n", 1, "column 3, Expected '=' after a key"),
        (b"a = 1\na = 2\n", 2, "Cannot overwrite a value"),
        (b"[a]\n[a]\n", 2, "Cannot declare"),
        (b'a = "x\nb = 1\n', 1, "Illegal character"),
        (b'a = "x', 1, "Unterminated string"),
        (b"a = [1, 2\n", 1, "Unclosed array"),
        (b"a = 1 2\n", 1, "Expected newline"),
        (b"bureau = \xe2\x80\x9cx\xe2\x80\x9d\n", 1, "Invalid value: bureau = \u201cx\u201d"),
    ],
)
def test_files_that_cannot_be_read_are_one_mistake(write: Write, body: bytes, line: int, says: str) -> None:
    (found,) = mistakes(write(body))
    assert (found.line, found.path) == (line, "")
    assert says in found.found
    assert found.allowed


def test_syntax_is_explained_in_chinese(write: Write) -> None:
    with pytest.raises(ConfigMistakes, match=r"config\.toml:1  第 10 列，值的写法不对：bureau = “某局”；请按 TOML"):
        load(write("bureau = “某局”\n"))


def test_a_missing_file_a_folder_and_a_forbidden_file(tmp_path: Path) -> None:
    (missing,) = mistakes(tmp_path / "config.toml")
    assert "envmon init" in missing.allowed
    (folder,) = mistakes(tmp_path)
    assert "a folder" in folder.found
    (beneath,) = mistakes(tmp_path / "x" / "config.toml")
    assert "no such file" in beneath.found


@pytest.mark.parametrize("change", [lambda text: b"\xef\xbb\xbf" + text, lambda text: text.replace(b"\n", b"\r\n")])
def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(write: Write, change: Callable[[bytes], bytes]) -> None:
    found = load(write(change(GOOD.encode())))
    assert found.bureau == "某局"
    broken = mistakes(write(change(GOOD.replace('every = "1h"', 'every = "9h"').encode())))
    assert [mistake.line for mistake in broken] == [38]


def test_a_page_with_nothing_on_it(write: Write) -> None:
    assert [mistake.path for mistake in mistakes(write("# nothing yet\n"))] == ["areas", "bureau", "sites"]
    assert [mistake.path for mistake in mistakes(write('bureau = "x"\n'))] == ["areas", "sites"]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('bureau = "x"\nareas = "ganzi"\n', ["sites", "areas"]),
        ('bureau = "x"\nareas = [1]\n', ["sites", "areas[1]"]),
        ('bureau = "x"\nsites = 5\n', ["areas", "sites"]),
        ('bureau = "x"\nsites = [5]\n', ["areas", "sites[1]"]),
        ('bureau = "x"\npaths = 5\njobs = 1\nqc = "a"\n', ["areas", "sites", "paths", "jobs", "qc"]),
    ],
)
def test_the_wrong_shape_of_a_part(write: Write, text: str, paths: list[str]) -> None:
    assert [mistake.path for mistake in mistakes(write(text))] == paths


# --- sites in a CSV ---------------------------------------------------------------------------------------------

CSV = """\
# 说明行
id,name,kind,area,code,aliases,body,target_class,intake,counted,river,chief
# 又一行说明
luoxu,洛须镇温托村,section,ganzi,A1,温托村;洛须,river,II,,,金沙江,张三

office,县政府站,station,ganzi,B1,,,,,false,,
"""


def with_csv(name: str = "s.csv") -> str:
    head, _, rest = GOOD.partition("[[sites]]")
    return (
        f"{head}sites_here = 1\n[[sources]]{rest.partition('[[sources]]')[2]}".replace("sites_here = 1\n", "")
        .replace('bureau = "某局"\n', f'bureau = "某局"\nsites = "{name}"\n')
        .replace('air = "city"\n', "")
        .replace('sites = ["ganzi-air"]\n', "")
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_sites_from_a_csv(write: Write, encoding: str) -> None:
    section, station = load(write(with_csv(), s=CSV.encode(encoding))).sites
    assert section == model.Site(
        "luoxu",
        "洛须镇温托村",
        Kind.SECTION,
        "ganzi",
        code="A1",
        aliases=("温托村", "洛须"),
        body=Body.RIVER,
        target_class=WaterClass.II,
        attributes={"river": "金沙江", "chief": "张三"},
    )
    assert (station.kind, station.counted, station.attributes) == (Kind.STATION, False, {})


def test_sites_from_a_csv_with_chinese_columns(write: Write) -> None:
    csv = "编号,名称,类型,区域,水体类型,取水量,参与统计,所在河流\nw,水井,水源,ganzi,地下水,0.64,是,\n"
    (source,) = load(write(with_csv(), s=csv)).sites
    assert (source.kind, source.body, source.intake, source.counted) == (Kind.SOURCE, Body.GROUNDWATER, 640, True)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("regional", StationType.REGIONAL),
        ("区域点", StationType.REGIONAL),
        ("background", StationType.BACKGROUND),
        ("背景点", StationType.BACKGROUND),
        ("污染监控点", StationType.SOURCE),
        ("路边点", StationType.ROADSIDE),
        ("交通点", StationType.ROADSIDE),
        ("对照点", StationType.CONTROL),
    ],
)
def test_only_assessment_stations_count(write: Write, word: str, kind: StationType) -> None:
    """HJ 663 annex A.2, note: no regional, background, pollution-source or roadside stations."""
    csv = f"编号,名称,类型,区域,点位类型,参与统计\na,甲,station,ganzi,{word},\nb,乙,station,ganzi,评价点,\n"
    other, own = load(write(with_csv(), s=csv)).sites
    assert (other.type, other.counted) == (kind, False)
    assert (own.type, own.counted) == (StationType.ASSESSMENT, True)
    (said,) = (load(write(with_csv(), s=csv.replace(f"{word},", f"{word},否"))).sites[0].counted,)
    assert said is False


def test_a_station_that_counts_and_is_no_assessment_station_is_a_mistake(write: Write) -> None:
    head = "id,name,kind,area,body,type,counted\n"
    (found,) = mistakes(write(with_csv(), s=head + "a,甲,station,ganzi,,background,true\n"))
    assert (found.line, found.path, "only assessment stations count" in found.allowed) == (2, "counted", True)
    (found,) = mistakes(write(with_csv(), s=head + "a,甲,station,ganzi,,backgroud,\n"))
    assert (found.path, found.suggestion) == ("type", "background")
    (found,) = mistakes(write(with_csv(), s=head + "a,甲,section,ganzi,river,control,\n"))
    assert (found.path, "only for station" in found.allowed) == ("type", True)


def test_a_station_may_be_left_out_whatever_it_is(write: Write) -> None:
    csv = "id,name,kind,area,type,counted\na,甲,station,ganzi,assessment,false\n"
    (site,) = load(write(with_csv(), s=csv)).sites
    assert (site.type, site.counted) == (StationType.ASSESSMENT, False)


def test_several_csvs_and_tables_together(write: Write) -> None:
    text = with_csv().replace('sites = "s.csv"', 'sites = ["s.csv", "more.csv"]')
    more = "id,name,kind,area\nx,站,station,ganzi\n"
    assert [site.id for site in load(write(text, s=CSV, more=more)).sites] == ["luoxu", "office", "x"]


HEAD = "id,name,kind,area,body,target_class,intake,counted,river\n"

BROKEN_CSV: list[tuple[str, list[tuple[int, str, str]]]] = [
    ("", [(0, "", "the file is empty")]),
    ("# only a remark\n", [(0, "", "the file is empty")]),
    ("id,name,kind\na,b,station\n", [(1, "area", "missing")]),
    ("id,name,kind,area,area\n", [(1, "area", "twice")]),
    ("id,name,kind,area,,river\n", [(1, "", "no name")]),
    ("id,name,kind,area,targe_class\na,甲,station,ganzi,\n", [(1, "targe_class", "misspelt")]),
    ("ID,Name,Kind,Area\na,甲,station,ganzi\n", [(1, n, "misspelt") for n in ("Area", "ID", "Kind", "Name")]),
    (HEAD + "a,甲,station,ganzi\n", [(2, "", "the row has 4 cells")]),
    (HEAD + "a,甲,station,ganzi,,,,,,more\n", [(2, "", "the row has 10 cells")]),
    (HEAD + "A,甲,station,ganzi,,,,,\n", [(2, "id", '"A"')]),
    (HEAD + "a,,station,ganzi,,,,,\n", [(2, "name", "not given")]),
    (HEAD + "a,甲,staton,ganzi,,,,,\n", [(2, "kind", '"staton"')]),
    (HEAD + "a,甲,station,ganz,,,,,\n", [(2, "area", '"ganz"')]),
    (HEAD + "a,甲,section,ganzi,,,,,\n", [(2, "body", "not given")]),
    (HEAD + "a,甲,section,ganzi,sea,IIII,,,\n", [(2, "body", '"sea"'), (2, "target_class", '"IIII"')]),
    (HEAD + "a,甲,source,ganzi,lake,,12x,,\n", [(2, "intake", "12x")]),
    (HEAD + "a,甲,source,ganzi,lake,,1.2,maybe,\n", [(2, "counted", '"maybe"')]),
    (HEAD + "\na,甲,station,ganzi,,,,,\n\na,乙,station,ganzi,,,,,\n", [(5, "id", '"a"')]),
    (HEAD + "a,甲,station,ganzi,,,,,\nb,甲,station,ganzi,,,,,\n", [(3, "name", '"甲"')]),
    (HEAD + '"a\nb",甲,station,ganzi,,,,,\nc,丙,station,x,,,,,\n', [(2, "id", "a"), (4, "area", '"x"')]),
    (HEAD + 'a,"甲,station,ganzi\n', [(2, "", "cannot be read")]),
]


@pytest.mark.parametrize(("csv", "expected"), BROKEN_CSV, ids=range(len(BROKEN_CSV)))
def test_mistakes_in_a_csv_name_its_line_and_column(
    write: Write, csv: str, expected: list[tuple[int, str, str]]
) -> None:
    path = write(with_csv(), s=csv)
    found = [mistake for mistake in mistakes(path) if mistake.path != "sites" or mistake.file != str(path)]
    assert {mistake.file for mistake in found} == {str(path.parent / "s.csv")}
    assert [(mistake.line, mistake.path) for mistake in found] == [(line, column) for line, column, _ in expected]
    for mistake, (_, _, says) in zip(found, expected, strict=True):
        assert says in mistake.found


def test_a_csv_that_is_missing_or_of_another_encoding_is_told_at_the_line_that_names_it(write: Write) -> None:
    (missing,) = mistakes(write(with_csv("none.csv")))
    assert (missing.path, missing.line) == ("sites", 2)
    assert "none.csv" in missing.found
    (wide,) = mistakes(write(with_csv(), s=CSV.encode("utf-16")))
    assert "UTF-16" in wide.found


def test_same_names_are_allowed_where_codes_tell_them_apart(write: Write) -> None:
    head = "id,name,kind,area,code\n"
    found = load(write(with_csv(), s=head + "a,环保局,station,ganzi,1001A\nb,环保局,station,ganzi,1002A\n"))
    assert len(found.sites) == 2
    (code,) = mistakes(write(with_csv(), s=head + "a,甲,station,ganzi,1001A\nb,乙,station,ganzi,1001A\n"))
    assert (code.path, code.line) == ("code", 3)


def test_three_thousand_sites(write: Write) -> None:
    rows = "".join(f"s{n},断面{n},section,ganzi,C{n},river,III,某河\n" for n in range(3000))
    found = load(write(with_csv(), s="id,name,kind,area,code,body,target_class,river\n" + rows))
    assert len(found.sites) == 3000
    assert found.sites[-1].attributes == {"river": "某河"}


# --- the pages we ship ------------------------------------------------------------------------------------------


def test_the_demo_page_describes_the_bundled_bureau() -> None:
    found = config.load(ROOT / "config.toml", KNOWN, environ=NOWHERE)
    assert [area.name for area in found.areas] == ["甘孜藏族自治州", "成都市"]
    kinds = [site.kind for site in found.sites]
    assert [kinds.count(kind) for kind in (Kind.CITY, Kind.SECTION, Kind.SOURCE)] == [2, 12, 3]
    assert {site.body for site in found.sites if site.kind is Kind.SOURCE} == set(Body)
    assert {rule.kind for rule in found.rules} == set(RuleKind)
    assert {target.rate for target in found.targets} >= {
        RateName.GOOD_DAYS,
        RateName.GOOD_SECTIONS,
        RateName.TARGET_MET,
        RateName.GOOD_SOURCES,
    }
    assert {channel.kind for channel in found.channels} == {"jsonl", "log"}
    assert all(spec.url.startswith("http://127.0.0.1:8930/") for spec in found.sources)
    assert {spec.kind for spec in found.sources} == {"archive", "cnemc_water", "lab"}


def test_init_writes_a_sample_that_is_good_and_overwrites_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "bureau"
    written = config.write_sample(folder)
    assert sorted(Path(path).name for path in written) == ["config.toml", "plan.csv", "sites.csv"]
    found = config.load(folder / "config.toml", KNOWN, environ=NOWHERE)
    assert {site.kind for site in found.sites} == {Kind.STATION, Kind.SECTION, Kind.SOURCE}
    (folder / "config.toml").write_text("mine", encoding="utf-8")
    for name in ("sites.csv", "plan.csv"):
        (folder / name).unlink()
    with pytest.raises(UsageError, match=r"config\.toml"):
        config.write_sample(folder)
    assert (folder / "config.toml").read_text(encoding="utf-8") == "mine"
    assert not (folder / "sites.csv").exists()
    with pytest.raises(UsageError):
        config.write_sample(folder / "config.toml")


# --- anything at all --------------------------------------------------------------------------------------------

ODD = ["0", "-1", "1.5", "nan", "inf", "9999999999999999999999", "true", '""', '" "', '"x"', '"\\u0000"', "[]", "[[]]"]
ODD += ["[1]", '["x"]', "{}", "{ a = 1 }", "[{}]", "2022-01-01", "2022-01-01T00:00:00Z", "07:30:00", '"🙂"', "0xFF"]


@pytest.mark.parametrize("odd", ODD)
def test_any_value_anywhere_is_taken_or_told_and_nothing_else(write: Write, odd: str) -> None:
    """Every key of the good page in turn gets an odd value: the answer is a config or a list of mistakes."""
    lines = GOOD.splitlines()
    for number, line in enumerate(lines):
        key, equals, _ = line.partition(" = ")
        if not equals:
            continue
        text = "\n".join([*lines[:number], f"{key} = {odd}", *lines[number + 1 :]])
        told: tuple[Mistake, ...] = ()
        try:
            rows = config.effective(load(write(text)), KNOWN, NOWHERE)
        except ConfigMistakes as error:
            rows, told = [], error.mistakes
        assert rows or told
        assert all(mistake.line <= len(lines) for mistake in told)


@pytest.mark.parametrize("odd", ["1", "[1]", '"x"', "[{}]", "{}", "true", "2022-01-01"])
@pytest.mark.parametrize(
    "part",
    ["areas", "sites", "plan", "sources", "targets", "rules", "channels", "paths", "jobs", "qc", "language", "bureau"],
)
def test_any_part_may_be_odd(write: Write, part: str, odd: str) -> None:
    path = write(f"{part} = {odd}\n")
    with pytest.raises(ConfigMistakes):
        load(path)


def test_lines_are_found_in_any_style_of_toml() -> None:
    from envmon.config.document import key_lines

    text = '''\
top = """
[not.a.header]
x = 1 """
"quoted key"."sub" = [
  { a = "]" }, # [
  { a = '{' },
]
[[list]]
a.b = 1
[list.inner]
c = 2
[[list]]
  [[list.deep]]
  d = [[1, 2],
       [3]]
  [[list.deep]]
  e = 'x'
[plain."dotted.key"]
f = 1
'''
    found = dict(key_lines(text))
    assert found == {
        ("top",): 1,
        ("quoted key", "sub"): 4,
        ("quoted key", "sub", 0): 5,
        ("quoted key", "sub", 1): 6,
        ("list", 0): 8,
        ("list", 0, "a", "b"): 9,
        ("list", 0, "inner"): 10,
        ("list", 0, "inner", "c"): 11,
        ("list", 1): 12,
        ("list", 1, "deep", 0): 13,
        ("list", 1, "deep", 0, "d"): 14,
        ("list", 1, "deep", 1): 16,
        ("list", 1, "deep", 1, "e"): 17,
        ("plain", "dotted.key"): 18,
        ("plain", "dotted.key", "f"): 19,
    }
