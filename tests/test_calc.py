"""`envmon calc`: columns, dates, missing and bad cells, encodings, what comes out. Numbers are worked by hand."""

from __future__ import annotations

import csv
import io
import json
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envmon import periods
from envmon.cli import root
from envmon.cli.calc import day_of
from envmon.errors import UsageError
from envmon.texts import t

WORKED = tomllib.loads((Path(__file__).parent / "worked" / "air_index.toml").read_text("utf-8"))["case"]
POLLUTANTS = ("pm25", "pm10", "so2", "no2", "co", "o3")


def run(*words: str, given: str | bytes = "") -> Result:
    return CliRunner().invoke(root, ["calc", *words], input=given, catch_exceptions=False)


def rows(result: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result.stdout)))


def one(text: str, *words: str) -> dict[str, str]:
    (row,) = rows(run(*(words or ("aqi",)), given=text))
    return row


# --- aqi --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", ["HJ 633-2012", "HJ 633-2026"])
@pytest.mark.parametrize("mode", ["daily", "hourly"])
def test_worked_cases_come_out_of_the_command(edition: str, mode: str) -> None:
    cases = [case for case in WORKED if case["edition"] == edition and case["mode"] == mode]
    lines = []
    for case in cases:
        absent = "" if "published" in case["expect"] else "/"  # missing, or outside the monitoring plan
        lines.append(",".join(case["given"].get(name, absent) for name in POLLUTANTS))
    result = run("aqi", "--standard", edition, "--mode", mode, given="\n".join([",".join(POLLUTANTS), *lines]))
    assert result.exit_code == 0
    found = rows(result)
    assert len(found) == len(cases) > 0
    for row, case in zip(found, cases, strict=True):
        expected = {key: value for key, value in case["expect"].items() if key in row}
        expected["aqi"] = case["expect"].get("published", case["expect"]["aqi"])
        if expected["aqi"] < 0:
            expected |= {"aqi": "NA", "level": ""}
        if "primary" in expected:
            row["primary"], expected["primary"] = (
                sorted(filter(None, row["primary"].split(";"))),
                sorted(expected["primary"]),
            )
        assert {key: row[key] for key in expected if key != "primary"} == {
            key: str(value) for key, value in expected.items() if key != "primary"
        }, case
        assert row["primary"] == expected.get("primary", row["primary"]), case
        assert row["edition"] == edition


def test_the_day_picks_the_edition_and_other_columns_come_first() -> None:
    # 2012: PM2.5 60 = 50 + 50/40 x 25 = 81.25 -> 82; 2026: 60 is node 100. O3 120 = 50 + 50/60 x 20 = 66.7 -> 67
    given = "站点,date,PM2.5,O3,备注\n甲,2026-02-28,60,120,=1+1\n乙,2026-03-01,60,120,\n"
    result = run("aqi", given=given)
    assert result.stdout == (
        "站点,date,PM2.5,O3,备注,aqi,level,primary,iaqi_pm25,iaqi_o3,edition\n"
        "甲,2026-02-28,60,120,=1+1,82,2,pm25,82,67,HJ 633-2012\n"
        "乙,2026-03-01,60,120,,100,2,pm25,100,67,HJ 633-2026\n"
    )
    assert (result.exit_code, result.stderr) == (0, "")


def test_json_lines() -> None:
    result = run("aqi", "--json", "--standard", "HJ 633-2026", given="id,pm25,pm10\n甲,60,120\n乙,,20\n")
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert first == {
        "id": "甲",
        "pm25": "60",
        "pm10": "120",
        "aqi": 100,
        "level": 2,
        "primary": "pm10;pm25",
        "iaqi_pm25": 100,
        "iaqi_pm10": 100,
        "edition": "HJ 633-2026",
    }
    assert (second["aqi"], second["level"], second["primary"], second["iaqi_pm25"]) == ("NA", None, "", None)
    assert "甲" in result.stdout


@pytest.mark.parametrize(
    ("edition", "cells", "aqi"),
    [
        ("HJ 633-2026", "35,", "NA"),  # HJ 633-2026 5.3.1: at 50 a missing item blocks
        ("HJ 633-2026", "60,NA", "NA"),  # at 100 still
        ("HJ 633-2026", "61,na", "101"),  # 100 + 50/55 = 100.9 -> 101: published
        ("HJ 633-2026", "35,/", "50"),  # not monitored does not block
        ("HJ 633-2012", "35,", "50"),
        ("HJ 633-2012", ",", "NA"),
        ("HJ 633-2026", ",", "NA"),
    ],
)
def test_missing_items(edition: str, cells: str, aqi: str) -> None:
    row = one(f"pm25,o3\n{cells}\n", "aqi", "--standard", edition)
    assert row["aqi"] == aqi
    assert (row["level"] == "") == (aqi == "NA")


def test_an_absent_column_is_not_monitored() -> None:
    assert one("pm25\n35\n", "aqi", "--standard", "2026")["aqi"] == "50"


@pytest.mark.parametrize(
    ("value", "aqi"),
    [("35.5", "52"), ("34.5", "49"), ("35.4999", "50"), ("3.55e1", "52"), (" 35 ", "50"), ("0", "0"), ("99999", "500")],
)
def test_values_are_rounded_half_even_first(value: str, aqi: str) -> None:
    # 2012: 36 -> 51.25 -> 52; 34 -> 50/35 x 34 = 48.6 -> 49
    assert one(f"pm25\n{value}\n", "aqi", "--standard", "2012")["aqi"] == aqi


def test_co_has_one_decimal() -> None:
    # 2.25 -> 2.2 -> 50 + 25 x 0.2 = 55; 2.35 -> 2.4 -> 60
    result = run("aqi", "--standard", "2012", given="co\n2.25\n2.35\n")
    assert [row["aqi"] for row in rows(result)] == ["55", "60"]


def test_primary_is_empty_up_to_50_and_names_every_equal() -> None:
    given = "pm25,pm10\n35,20\n75,150\n"
    result = rows(run("aqi", "--standard", "HJ 633-2012", given=given))
    assert [row["primary"] for row in result] == ["", "pm10;pm25"]


@pytest.mark.parametrize(
    ("text", "edition"),
    [
        ("2026-02-28", "2012"),
        ("20260228", "2012"),
        ("2026/2/28", "2012"),
        ("2026-02-28 23:00", "2012"),
        ("2026-03-01", "2026"),
        ("20260301", "2026"),
        ("2026/3/1", "2026"),
        ("2026-03-01T00:00:00", "2026"),  # the date of a daily value
    ],
)
def test_dates_of_days(text: str, edition: str) -> None:
    assert one(f"date,pm25\n{text},60\n")["edition"] == f"HJ 633-{edition}"


@pytest.mark.parametrize(
    ("text", "edition"),
    [
        ("2026-03-01 00:00", "2012"),  # the hour that ends at 24:00 of 28 February
        ("2026-02-28 24:00", "2012"),
        ("2026-03-01 01:00", "2026"),
        ("2026-03-01 1", "2026"),
        ("2026-03-01", "2026"),
    ],
)
def test_times_of_hours_are_their_end(text: str, edition: str) -> None:
    assert one(f"date,pm25\n{text},60\n", "aqi", "--mode", "hourly")["edition"] == f"HJ 633-{edition}"


@pytest.mark.parametrize(
    "text", ["", "2026-02-30", "2026-2", "1.3.2026", "2026-03-01 25:00", "2026-03-01 10:60", "1990-01-01"]
)
def test_a_row_with_an_unusable_date_is_told_and_not_judged(text: str) -> None:
    result = run("aqi", given=f"date,pm25\n{text},60\n2026-03-01,60\n")
    assert [row["aqi"] for row in rows(result)] == ["", "100"]
    assert result.exit_code == 3
    assert t("calc.problem.date", "zh", line=2, cell=text) in result.stderr


def test_a_named_standard_needs_no_date() -> None:
    result = run("aqi", "--standard", "HJ 633-2026", given="date,pm25\nnever,60\n")
    assert (result.exit_code, rows(result)[0]["aqi"]) == (0, "100")


def test_without_date_and_standard_the_edition_of_today_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    day = periods.hour_ending(periods.parse("2024-05-01").first, 12)
    monkeypatch.setattr("envmon.cli.calc.time.time", lambda: day * 60)
    assert one("pm25\n60\n")["edition"] == "HJ 633-2012"
    monkeypatch.setattr("envmon.cli.calc.time.time", lambda: (day + 2 * 366 * 1440) * 60)
    assert one("pm25\n60\n")["edition"] == "HJ 633-2026"


@pytest.mark.parametrize("cell", ["abc", "-3", "-0.2", "１２..5", "inf", "75μg", "1e300"])
def test_a_bad_cell_is_missing_and_told_with_line_and_column(cell: str) -> None:
    result = run("aqi", "--standard", "HJ 633-2026", given=f"id,pm25,o3\n1,30,30\n2,{cell},170\n")
    found = rows(result)
    assert result.exit_code == 3
    assert t("calc.problem.cell", "zh", line=3, column="pm25", cell=cell) in result.stderr
    assert found[1]["pm25"] == cell
    assert found[1]["iaqi_pm25"] == ""
    assert found[1]["aqi"] == "110"  # 100 + 50/55 x 10 = 109.09 -> 110: above 100, so published


def test_a_row_of_another_length_is_told_and_not_judged() -> None:
    result = run("aqi", "--standard", "2012", given="a,pm25,b\nx,35,\ny,3\nz,35,,more\n\nlast,35,\n")
    assert [row["aqi"] for row in rows(result)] == ["50", "", "", "50"]
    assert "3" in result.stderr.splitlines()[0]
    assert result.exit_code == 3


def test_lines_are_counted_through_quoted_line_ends() -> None:
    result = run("aqi", "--standard", "2012", given='note,pm25\n"two\nlines",35\nx,bad\n')
    assert t("calc.problem.cell", "zh", line=4, column="pm25", cell="bad") in result.stderr
    assert rows(result)[0]["note"] == "two\nlines"


def test_an_input_column_of_the_same_name_is_kept_under_another() -> None:
    row = one("aqi,pm25\n77,35\n", "aqi", "--standard", "2012")
    assert (row["input_aqi"], row["aqi"]) == ("77", "50")


@pytest.mark.parametrize("heading", ["PM2.5", "pm2.5", "PM25", "PM₂.₅", "ＰＭ2.5", "pm_2_5", " pm25 "])
def test_headings_of_pm25(heading: str) -> None:
    assert one(f"{heading},x\n35,\n", "aqi", "--standard", "2012")["iaqi_pm25"] == "50"


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings(code: str) -> None:
    result = run("aqi", "--standard", "2012", given="站点,pm25\n镕堃,35\n".encode(code))
    assert result.stdout.startswith("站点,pm25,aqi")
    assert "镕堃,35,50" in result.stdout


def test_a_later_line_may_be_of_the_other_encoding() -> None:
    plain = "".join(f"{n},35\n" for n in range(200_000)).encode()
    result = run("aqi", "--standard", "2012", given=b"id,pm25\n" + plain + "甘孜,35\n".encode("gb18030"))
    assert result.stdout.endswith("甘孜,35,50,1,,50,HJ 633-2012\n")


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("", "calc.empty"),
        ("\n\n", "calc.empty"),
        ("a,b\n1,2\n", None),
        ("pm25,PM2.5\n1,2\n", None),
        ("date,Date,pm25\n1,2,3\n", None),
        (b"pm25\n\xff\xff\xff\n", None),
    ],
)
def test_a_file_that_cannot_be_judged_is_a_usage_error(given: str | bytes, key: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        run("aqi", "--standard", "2012", given=given)
    assert caught.value.exit_code == 2
    if key:
        assert str(caught.value) == t(key, "zh")


def test_an_unknown_standard_is_refused() -> None:
    with pytest.raises(Exception, match="HJ 633-1999"):
        run("aqi", "--standard", "HJ 633-1999", given="pm25\n35\n")


def test_a_file_is_read_as_well_as_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("pm25\n35\n", encoding="utf-8")
    assert rows(run("aqi", "--standard", "2012", str(path)))[0]["aqi"] == "50"
    assert run("aqi", str(tmp_path / "none.csv")).exit_code == 2


def test_many_rows_keep_their_order() -> None:
    lines = "".join(f"{n},{'2026-02-28' if n % 3 else '2026-03-01'},{n % 91}\n" for n in range(20_000))
    found = rows(run("aqi", given=f"id,date,pm25\n{lines}"))
    assert [row["id"] for row in found] == [str(n) for n in range(20_000)]
    assert {row["edition"] for row in found if int(row["id"]) % 3} == {"HJ 633-2012"}
    # 2012: 80 = 100 + 50/40 x 5 = 106.25 -> 107; 2026: 100 + 50/55 x 20 = 118.2 -> 119
    assert {(row["edition"][-4:], row["aqi"]) for row in found if row["pm25"] == "80"} == {
        ("2012", "107"),
        ("2026", "119"),
    }


def test_day_of_takes_the_printed_forms() -> None:
    assert day_of("1970-01-02", False) == day_of("19700102", True) == 1
    assert day_of("1970-1/2", False) is None


# --- water ------------------------------------------------------------------------------------------------------


def test_the_issue_s_example() -> None:
    # CODMn 7.8: IV, (7.8 - 6)/6 = 0.3; TP 0.24: river IV, (0.24 - 0.2)/0.2 = 0.2; GB 3838-2002 table 1
    row = one("section,body,codmn,nh3n,tp\nA,river,7.8,0.025L,0.24\n", "water")
    assert row == {
        "section": "A",
        "body": "river",
        "codmn": "7.8",
        "nh3n": "0.025L",
        "tp": "0.24",
        "class": "IV",
        "good": "false",
        "main": "codmn(0.3);tp(0.2)",
        "edition": "GB 3838-2002",
    }


@pytest.mark.parametrize(
    ("heads", "cells", "expected"),
    [
        ("tp", "0.02", ("I", "true", "")),
        ("tp", "0.021", ("II", "true", "")),
        ("tp", "0.2", ("III", "true", "")),
        ("tp", "0.4", ("V", "false", "tp(1.0)")),
        ("tp", "0.41", ("V-", "false", "tp(1.0)")),  # (0.41 - 0.2)/0.2 = 1.05, half to even
        ("body,tp", "lake,0.05", ("III", "true", "")),
        ("body,tp", "LAKE,0.06", ("IV", "false", "tp(0.2)")),
        ("body,tp", ",0.1", ("II", "true", "")),
        ("do", "7.5", ("I", "true", "")),
        ("do", "4.9", ("IV", "false", "do")),
        ("ph", "6", ("I", "true", "")),
        ("ph", "9.2", ("V-", "false", "ph")),
        ("nh3n", "<0.025", ("I", "true", "")),
        ("nh3n,tn", "0.1,99", ("I", "true", "")),  # total nitrogen never decides
        ("nh3n,water_temp", "0.1,35", ("I", "true", "")),
        ("DO,NH3N", "8,1.6", ("V", "false", "nh3n(0.6)")),
        ("codmn,tp", ",", ("NA", "", "")),
        ("nh3n,tp", ",0.01", ("NA", "", "")),  # a column for a required item without a value: no class
        ("nh3n,tp", "0.1,", ("I", "true", "")),  # phosphorus is not one of the required items
    ],
)
def test_classes_of_single_values(heads: str, cells: str, expected: tuple[str, str, str]) -> None:
    row = one(f"{heads},z\n{cells},\n", "water")
    assert (row["class"], row["good"], row["main"]) == expected


def test_auto_5_looks_at_five_items_only() -> None:
    given = "ph,do,codmn,nh3n,tp,fluoride\n7,8,1,0.1,0.01,9\n"
    assert one(given, "water", "--assessment", "auto_5")["class"] == "I"
    assert one(given, "water")["class"] == "V-"  # fluoride 9 is above 1.5


def test_water_json_has_real_yes_and_no() -> None:
    found = json.loads(run("water", "--json", given="id,nh3n\n1,2.1\n").stdout)
    assert (found["class"], found["good"], found["main"]) == ("V-", False, "nh3n(1.1)")


def test_water_problems_are_told() -> None:
    result = run("water", given="id,body,nh3n,tp\n1,sea,0.1,0.1\n2,river,much,0.1\n3,river,0.1,-1\n")
    assert [row["class"] for row in rows(result)] == ["", "NA", "I"]
    assert result.exit_code == 3
    assert t("calc.problem.body", "zh", line=2, cell="sea") in result.stderr
    assert t("calc.problem.cell", "zh", line=3, column="nh3n", cell="much") in result.stderr
    assert t("calc.problem.cell", "zh", line=4, column="tp", cell="-1") in result.stderr


def test_an_unknown_assessment_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="auto_5"):
        run("water", "--assessment", "best", given="tp\n1\n")


# --- help -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["aqi", "water"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_example_in_the_help_runs(command: str, lang: str) -> None:
    example = t(f"calc.{command}.example", lang).splitlines()[-1].strip()
    words = shlex.split(example)
    assert words[0] == "printf"
    assert words[2:] == ["|", "envmon", "calc", command]
    result = run(command, given=words[1].replace("\\n", "\n"))
    assert result.exit_code == 0
    assert all(row["edition"] for row in rows(result))
    assert "envmon calc" in run(command, "--help").output
