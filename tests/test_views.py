"""One set of readings looked at in several ways: by one edition or another, on one kind of data, as of another time.

Sub-indices are worked by hand from the tables of HJ 633 (formula 1, rounded up): PM2.5 35-75 ug/m3 is index 50-100 and
75-115 is 100-150 in the edition of 2012; 60-115 is 100-150 in that of 2026.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from envmon import periods, standards
from envmon.assess import flips
from envmon.cli import root
from envmon.errors import ConfigError, UsageError
from envmon.model import Basis, Mark, RateName, Span, Status, Stream, View
from envmon.pipeline import comparing, rating
from envmon.pipeline.explaining_air import explain_day
from envmon.pipeline.wiring import load_config
from envmon.store import Store
from tests.test_rounds import AIR, SECTION, WATER, Office, at, site

STATION = site("t", "station")
OLD, NEW = View("HJ 633-2012"), View("HJ 633-2026")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.now_is(STATION, site("s", "section"))
    yield made
    made.store.close()


def rate(office: Office, name: RateName, period: str, when: str, view: View = View()) -> tuple[int, int]:  # noqa: B008
    found = rating.rate(office.store, office.config, name, "a", periods.parse(period), at(when), view)
    return found.numerator, found.denominator


def ask(office: Office, *words: str) -> str:
    found = CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), *words])
    assert found.exit_code == 0, found.output
    return found.stdout


# --- editions -----------------------------------------------------------------------------------------------------


def test_a_day_that_one_edition_calls_good_and_another_not_is_named_with_the_reason(office: Office) -> None:
    """70 ug/m3: 50 + 35 x 50/40 = 93.75 -> 94 by 2012; 100 + 10 x 50/55 = 109.1 -> 110 by 2026."""
    office.air_day("t", "2022-03-01", pm25=70)
    office.air_day("t", "2022-03-02", pm25=20)
    office.judge("2022-03-03T12:00")
    assert rate(office, RateName.GOOD_DAYS, "2022-03", "2022-03-03T12:00", OLD) == (2, 2)
    assert rate(office, RateName.GOOD_DAYS, "2022-03", "2022-03-03T12:00", NEW) == (1, 2)
    (found,) = comparing.differences(
        office.store, office.config, "a", periods.parse("2022-03"), at("2022-03-03T12:00"), [View(), OLD, NEW]
    )
    assert (found.when, found.counts_differently) == ("2022-03-01", True)
    assert [said["aqi"] for said in found.said] == [94, 94, 110]
    assert "94 / 94 / 110" in found.why


def test_the_command_line_lists_what_differs(office: Office) -> None:
    office.air_day("t", "2022-03-01", pm25=70)
    office.judge("2022-03-03T12:00")
    words = ("rates", "--period", "2022-03-01", "--standard", "by-date,2012,2026")
    rows = [
        row for row in json.loads(ask(office, *words, "--json")) if row["area"] == "a" and row["rate"] == "good_days"
    ]
    assert [(row["standard"], row["percent"]) for row in rows] == [
        ("by-date", 100.0),
        ("HJ 633-2012", 100.0),
        ("HJ 633-2026", 0.0),
    ]
    (different,) = json.loads(ask(office, *words, "--diff", "--json"))
    assert [one["good"] for one in different["views"]] == [True, True, False]
    assert "110" in ask(office, *words, "--diff")
    same = CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), "rates", "--diff"])
    assert isinstance(same.exception, UsageError)


def test_a_period_across_the_change_is_judged_day_by_day(office: Office) -> None:
    """28 February 2026 is judged by 2012, 1 March by 2026; all by one edition both alike."""
    for day in ("2026-02-28", "2026-03-01"):
        office.air_day("t", day, pm25=70)
    office.judge("2026-03-02T12:00")
    period, when = "2026-02-28..2026-03-01", "2026-03-02T12:00"
    assert rate(office, RateName.GOOD_DAYS, period, when) == (1, 2)
    assert rate(office, RateName.GOOD_DAYS, period, when, OLD) == (2, 2)
    assert rate(office, RateName.GOOD_DAYS, period, when, NEW) == (0, 2)


@pytest.mark.parametrize("view", [View(), View(basis=Basis.REALTIME)])
def test_judged_again_by_date_is_what_was_stored(office: Office, view: View) -> None:
    for day, value in (("2026-02-27", 70), ("2026-02-28", 120), ("2026-03-01", 70), ("2026-03-02", 9)):
        office.air_day("t", day, pm25=value)
    office.judge("2026-03-03T12:00")
    span = periods.parse("2026-02-27..2026-03-02")
    stored = rating.days_of(office.store, office.config, "a", span)
    again = rating.judge_air.judged_again(office.store, office.config, "a", span, view)
    assert len(stored) == 4
    assert again == stored


# --- kinds of data ------------------------------------------------------------------------------------------------


def test_reviewed_values_count_before_real_time_ones_and_both_stay(office: Office) -> None:
    """80 ug/m3 after review: 100 + 5 x 50/40 = 106.25 -> 107, a day that was published as good."""
    office.air_day("t", "2022-03-01", pm25=70)
    for hour in range(1, 25):
        when = periods.clock(at("2022-03-01T00:00") + 60 * hour)
        office.put("t", when, AIR | {"pm25": 80}, basis=Basis.REVIEWED, taken="2022-03-05T09:00")
    office.judge("2022-03-06T12:00")
    when = "2022-03-06T12:00"
    assert rate(office, RateName.GOOD_DAYS, "2022-03-01", when) == (0, 1)
    assert rate(office, RateName.GOOD_DAYS, "2022-03-01", when, View(basis=Basis.REALTIME)) == (1, 1)
    assert rate(office, RateName.GOOD_DAYS, "2022-03-01", when, View(basis=Basis.REVIEWED)) == (0, 1)
    (found,) = json.loads(
        ask(office, "rates", "--period", "2022-03-01", "--basis", "realtime,reviewed", "--diff", "--json")
    )
    assert [one["aqi"] for one in found["views"]] == [94, 107]
    assert (found["views"][0]["asked_basis"], found["when"]) == ("realtime", "2022-03-01")


def test_a_basis_nobody_knows_is_refused_by_name(office: Office) -> None:
    found = CliRunner().invoke(root, ["--config", str(office.folder / "config.toml"), "rates", "--basis", "guessed"])
    assert found.exit_code != 0
    assert "guessed" in str(found.exception)
    assert "reviewed" in str(found.exception)


def section_page(rule: str) -> str:
    return f'[assessment]\nsection_data = "{rule}"\n'


@pytest.mark.parametrize(
    ("rule", "water_class", "basis"),
    [("manual", "IV", Basis.MANUAL), ("automatic", "II", Basis.REALTIME), ("merged", "IV", Basis.MERGED)],
)
def test_which_data_count_for_a_section_month_is_the_bureaus_choice(
    office: Office, rule: str, water_class: str, basis: Basis
) -> None:
    """By hand cod 25 mg/L is class IV (GB 3838-2002 table 1: III 20, IV 30) and ammonia 3 worse than V; the station
    finds ammonia 0.1 and phosphorus 0.05, class II. Merged, ammonia is the station's and cod the laboratory's."""
    hand = WATER | {"cod": 25} | ({"nh3n": 3} if rule == "merged" else {})
    office.now_is(STATION, site("s", "section"), section_page(rule))
    office.put("s", "2022-03-10T12:00", WATER)
    office.put("s", "2022-03-11T12:00", hand, basis=Basis.MANUAL)
    office.judge("2022-04-02T12:00")
    place = next(one for one in office.config.sites if one.id == "s")
    (found,) = rating.judged(office.store, office.config, [place], periods.parse("2022-03"))
    assert found.judgement is not None
    assert (found.judgement.water_class.name, found.parts[0].basis) == (water_class, basis)


def merged_class(office: Office, period: str) -> tuple[str, str]:
    place = next(one for one in office.config.sites if one.id == "s")
    (found,) = rating.judged(office.store, office.config, [place], periods.parse(period))
    assert found.judgement is not None
    return found.judgement.water_class.name, found.judgement.item_set


def test_a_laboratory_may_do_only_what_the_station_cannot(office: Office) -> None:
    """Cod of 35 mg/L is class V (IV 30, V 40). The laboratory's sample alone has no class; merged it decides.

    Of a quarter, too: cod is judged over the month that has it, the rest over all three.
    """
    office.now_is(STATION, site("s", "section"), section_page("merged"))
    for month in ("01", "02", "03"):
        office.put("s", f"2022-{month}-10T12:00", WATER)
    office.put("s", "2022-03-11T12:00", {"cod": 35, "bod5": 2}, basis=Basis.MANUAL)
    office.judge("2022-04-02T12:00")
    assert merged_class(office, "2022-03") == ("V", "section_21")
    assert merged_class(office, "2022-02") == ("II", "auto_5")
    assert merged_class(office, "2022-Q1") == ("V", "section_21")


def test_a_single_sample_stays_as_printed_when_it_is_merged(office: Office) -> None:
    """Petroleum of 0.054 mg/L is beyond the 0.05 of class III; rounded to its two decimals it would not be."""
    for rule in ("manual", "merged"):
        office.now_is(STATION, site("s", "section"), section_page(rule))
        office.put("s", "2022-03-10T12:00", WATER)
        office.put("s", "2022-03-10T16:00", WATER)
        office.put("s", "2022-03-11T12:00", WATER | {"petroleum": 0.054}, basis=Basis.MANUAL)
        office.judge("2022-04-02T12:00")
        assert merged_class(office, "2022-03") == ("IV", "section_21")
        for period, then in (("2022-03", ()), ("2022", ("--as-of", "2022-04-01T12:00"))):  # a month, a running year
            said = json.loads(ask(office, *then, "explain", "section", "s", period, "--json"))
            (items,) = (part for part in said["parts"] if part["id"] == "items")
            (oil,) = (row for row in items["rows"] if row["item"] == "petroleum")
            assert (oil["value"], oil["rounded_to"], oil["class"]) == ("0.054", None, "Ⅳ类")


def test_a_year_that_has_run_for_a_quarter_is_no_quarter(office: Office) -> None:
    """A whole quarter asks for two months; the year up to the last day of March is still the year."""
    office.put("s", "2021-01-10T12:00", WATER, basis=Basis.MANUAL)
    office.judge("2021-03-31T12:00")
    for now in ("2021-03-31T12:00", "2021-04-01T12:00", "2021-04-02T12:00"):
        office.judge(now)
        assert rate(office, RateName.GOOD_SECTIONS, "2021", now) == (1, 1)
    assert rate(office, RateName.GOOD_SECTIONS, "2021-Q1", "2021-04-01T12:00") == (0, 0)


@pytest.mark.parametrize(("months", "denominator"), [(7, 0), (8, 1)])
def test_a_year_needs_eight_months(office: Office, months: int, denominator: int) -> None:
    for month in range(1, months + 1):
        office.put("s", f"2021-{month:02}-10T12:00", WATER, basis=Basis.MANUAL)
    office.judge("2022-01-02T12:00")
    assert rate(office, RateName.GOOD_SECTIONS, "2021", "2022-01-02T12:00") == (denominator, denominator)
    office.now_is(STATION, site("s", "section"), "[assessment]\nyear_min_rounds = 4\n")
    assert rate(office, RateName.GOOD_SECTIONS, "2021", "2022-01-02T12:00") == (1, 1)


def test_the_year_to_date_needs_no_rounds_yet(office: Office) -> None:
    office.put("s", "2021-01-10T12:00", WATER, basis=Basis.MANUAL)
    office.judge("2021-03-02T12:00")
    assert rate(office, RateName.GOOD_SECTIONS, "2021", "2021-03-02T12:00") == (1, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('section_data = "both"', "section_data"),
        ('surface_sources = "section_21"', "source_surface_109"),
        ('surface_sources = ["ph", "nh3"]', "nh3n"),
        ("surface_sources = []", "surface_sources"),
        ('groundwater_sources = ["codmn"]', "groundwater_sources"),
        ("station_share = 0", "station_share"),
        ("margin = -1", "margin"),
        ("year_min_rounds = 13", "year_min_rounds"),
        ("sections = 1", "sections"),
    ],
)
def test_a_wrong_choice_of_assessment_is_named(office: Office, line: str, said: str) -> None:
    page = (office.folder / "config.toml").read_text("utf-8")
    (office.folder / "config.toml").write_text(f"{page}\n[assessment]\n{line}\n", "utf-8")
    with pytest.raises(ConfigError, match=said):
        load_config(office.folder / "config.toml")


# --- earlier times ------------------------------------------------------------------------------------------------


def test_as_of_an_earlier_time_the_answer_is_what_was_known_then(office: Office) -> None:
    office.air_day("t", "2022-03-01", pm25=70)
    office.put("s", "2022-03-01T12:00", WATER)
    office.judge("2022-03-02T12:00")
    office.air_day("t", "2022-03-01", taken="2022-03-04T08:00", pm25=80)  # revised on 4 March
    office.put("s", "2022-03-01T12:00", WATER | {"nh3n": 3}, taken="2022-03-04T08:00")
    office.judge("2022-03-04T12:00")
    office.store.close()
    path, period = Path(office.config.paths.database), periods.parse("2022-03-01")
    known = {
        "2022-03-01T06:00": ([], None),
        "2022-03-03T00:00": ([94], "II"),
        "2022-03-05T00:00": ([107], "WORSE_THAN_V"),
    }
    for when, (index, water_class) in known.items():
        with Store.open(path, readonly=True, as_of=at(when)) as past:
            days = rating.days_of(past, office.config, "a", period)
            assert [day.aqi for day in days if day.status is Status.VALID] == index
            place = next(one for one in office.config.sites if one.id == "s")
            (found,) = rating.judged(past, office.config, [place], period)
            assert (found.judgement and found.judgement.water_class.name) == water_class
            values = past.history(past.site_numbers["s"], standards.parameters()["nh3n"].number, at("2022-03-01T12:00"))
            assert [row["in_force"] for row in values] == {None: [], "II": [1], "WORSE_THAN_V": [0, 1]}[water_class]
            if index:
                shown = explain_day(past, office.config, "a", period.first, View())
                assert str(index[0]) in shown.answer
    office.store = Store.open(path)


def test_the_command_line_takes_as_of_anywhere(office: Office) -> None:
    from envmon.cli import own_first

    assert own_first(["rates", "--as-of", "2022-03-03", "--lang", "en"]) == [
        "--as-of", "2022-03-03", "--lang", "en", "rates",
    ]  # fmt: skip
    office.air_day("t", "2022-03-01", pm25=70)
    office.judge("2022-03-02T12:00")
    office.air_day("t", "2022-03-01", taken="2022-03-04T08:00", pm25=80)
    office.judge("2022-03-04T12:00")
    then = json.loads(ask(office, "--as-of", "2022-03-03T00:00", "rates", "--period", "2022-03-01", "--json"))
    now = json.loads(ask(office, "rates", "--period", "2022-03-01", "--json"))
    assert [rows[0]["percent"] for rows in (then, now)] == [100.0, 0.0]
    for words in (["--as-of", "yesterday", "rates"], ["--as-of", "2022-03-03", "run"]):
        assert CliRunner().invoke(root, words).exception is not None


def test_an_incident_is_shown_as_it_was(office: Office) -> None:
    office.now_is(STATION, site("s", "section"), SECTION)
    office.put("s", "2022-03-01T12:00", WATER | {"nh3n": 3})
    office.judge("2022-03-02T12:00")
    office.put("s", "2022-03-02T12:00", WATER)
    office.judge("2022-03-03T12:00")
    assert office.open() == []
    office.store.close()
    path = Path(office.config.paths.database)
    for when, count in (("2022-03-01T20:00", 0), ("2022-03-02T20:00", 1), ("2022-03-04T00:00", 0)):
        with Store.open(path, readonly=True, as_of=at(when)) as past:
            assert len(past.open_incidents()) == count
    office.store = Store.open(path)


# --- what review may flip -----------------------------------------------------------------------------------------


def flips_of(office: Office, day: str) -> list[tuple[str, int, str]]:
    found = comparing.may_flip(office.store, office.config, "a", periods.parse(day), 5, View())
    return [(one.kind, one.size, one.item) for flip in found for one in flip.reasons]


@pytest.mark.parametrize(
    ("pm25", "expected"),
    [
        (70, []),  # 93.75 -> 94: six below
        (72, [("near", 97, "pm25")]),  # 96.25 -> 97
        (78, [("near", 104, "pm25")]),  # 100 + 3 x 50/40 = 103.75 -> 104
        (80, []),  # 107
    ],
)
def test_days_near_the_limit_may_flip(tmp_path: Path, pm25: int, expected: list[tuple[str, int, str]]) -> None:
    office = Office(tmp_path)
    office.now_is(site("t", "city"), '[[sites]]\nid = "u"\nname = "u"\nkind = "station"\narea = "a"\n')
    page = (tmp_path / "config.toml").read_text("utf-8").replace('air = "station"', 'air = "city"')
    (tmp_path / "config.toml").write_text(page, "utf-8")
    office.config = load_config(tmp_path / "config.toml")
    office.store.register(office.config, standards.parameters().values())
    office.air_day("t", "2022-03-01", pm25=pm25)
    office.judge("2022-03-02T12:00")
    assert flips_of(office, "2022-03-01") == expected
    office.store.close()


def test_a_view_shows_no_day_that_is_not_over(office: Office) -> None:
    """Of the running day 21 hours are there, enough for a daily mean; a day is judged when it has ended."""
    office.air_day("t", "2022-03-01")
    for hour in range(1, 22):
        office.put("t", f"2022-03-02T{hour:02}:00", AIR)
    office.judge("2022-03-02T21:30")
    for words in ((), ("--standard", "2012"), ("--basis", "realtime")):
        rows = json.loads(ask(office, "assess", "air", "--area", "a", "--period", "2022-03", *words, "--json"))
        assert [row["date"] for row in rows] == ["2022-03-01"], words
    then = ("--as-of", "2022-03-02T21:30", "assess", "air", "--area", "a", "--period", "2022-03", "--json")
    assert [row["date"] for row in json.loads(ask(office, *then))] == ["2022-03-01"]


def test_stations_that_are_closed_or_more_than_the_bureau_asks_for_flip_nothing(office: Office) -> None:
    """Three of four valid stations: one less is half of them, which this bureau says is enough."""
    office.now_is("[assessment]\nstation_share = 50", *(site(name, "station") for name in "tuvw"))
    for name in "tuv":
        office.air_day(name, "2022-03-01")
    office.judge("2022-03-02T12:00")
    assert flips_of(office, "2022-03-01") == []
    closed = [site(name, "station", closed="2021-12-31") for name in "vw"]
    office.now_is(*(site(name, "station") for name in "tu"), *closed)
    office.judge("2022-03-02T13:00")
    assert flips_of(office, "2022-03-01") == []  # two of two are valid; one of two would be half, which is enough


def test_a_site_that_was_never_registered_is_one_never_heard(office: Office) -> None:
    """The config names a new section and a new station; no round ran since."""
    office.air_day("t", "2022-03-01")
    office.judge("2022-03-02T12:00")
    page = (office.folder / "config.toml").read_text("utf-8")
    (office.folder / "config.toml").write_text(page + site("x", "section") + site("y", "station"), "utf-8")
    for words in (("rates", "--period", "2022-03"), ("assess", "water", "--period", "2022-03"), ("sites",), ("plan",)):
        ask(office, *words)
    rows = json.loads(ask(office, "rates", "--area", "a", "--period", "2022-03", "--json"))
    assert {row["rate"]: row["excluded"] for row in rows}["good_sections"]["missing"] == 2


def test_the_basis_of_an_earlier_time_is_what_was_there_then(office: Office) -> None:
    office.air_day("t", "2022-03-01", taken="2022-03-02T00:00")
    office.store.keep("later", "test", at("2022-03-09T00:00"), at("2022-03-09T00:00"), reviewed_row(office))
    office.judge("2022-03-10T12:00")
    asked = ("rates", "--area", "a", "--period", "2022-03-01", "--json")
    now, then = (json.loads(ask(office, *words, *asked))[0] for words in ((), ("--as-of=2022-03-03T00:00",)))
    assert (now["basis"], then["basis"]) == ("realtime+reviewed", "realtime")


def reviewed_row(office: Office) -> list[tuple[int, int, int, int, int, int]]:
    stream = office.store.stream(Stream("later", Basis.REVIEWED, Span.HOUR))
    return [(at("2022-03-01T12:00"), office.store.site_numbers["t"], 6, stream, 20, 0)]


def test_an_area_of_one_station_stands_on_it(office: Office) -> None:
    office.air_day("t", "2022-03-01")
    office.judge("2022-03-02T12:00")
    assert flips_of(office, "2022-03-01") == [("stations", 1, "")]


def test_few_hours_windows_and_a_missing_item() -> None:
    validity = standards.air(periods.parse("2022-03-01").first).validity

    def day(hours: tuple[int, ...], windows: int, missing: int = 0, status: Status = Status.VALID):  # type: ignore[no-untyped-def]
        from envmon.model import AirDay

        return AirDay(0, 1, "HJ 633-2012", (1,) * 6, hours, (50,) * 6, windows, 50, 1, 0, 0, missing, status, 0)

    few = flips.reasons(day((24, 20, 21, 24, 22, 24), 15), 5, validity, 100)
    assert [(one.kind, one.size, one.item) for one in few] == [
        ("hours", 20, "no2"),
        ("hours", 21, "co"),
        ("windows", 15, "o3"),
    ]
    gap = flips.reasons(day((24,) * 6, 17, 0b100000, Status.INCOMPLETE), 5, validity, 100)
    assert [(one.kind, one.item) for one in gap] == [("missing", "pm25")]
    assert flips.reasons(day((24,) * 6, 17, 0b110000, Status.INCOMPLETE), 5, validity, 100) == ()


def test_flips_on_the_command_line(office: Office) -> None:
    office.air_day("t", "2022-03-01", pm25=74)
    office.put("t", "2022-03-01T12:00", {"so2": 5}, mark=Mark.FAULT, taken="2022-03-02T01:00")
    office.judge("2022-03-02T12:00")
    (row,) = json.loads(ask(office, "assess", "flips", "--period", "2022-03-01", "--json"))
    assert {one["kind"] for one in row["reasons"]} == {"near", "stations"}
    assert "只有 1 个站点" in ask(office, "assess", "flips", "--period", "2022-03-01")
