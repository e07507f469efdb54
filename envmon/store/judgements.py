"""Judgements, rates and outlooks: what follows from readings, replaced whenever it is computed again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from envmon import __version__, model
from envmon.periods import Period

if TYPE_CHECKING:
    from envmon.model import AirDay, AirDays, Outlook, Rate, RateName, WaterJudgement, WaterPeriod
    from envmon.store import Store

SCALARS = ("windows", "aqi", "level", "primary", "exceeding", "missing", "status")


def save_air_days(store: Store, days: AirDays, sites: Sequence[int]) -> None:
    """Enter daily judgements [.., day, site], one column for each site number; they replace what was there."""
    count = days.status.shape[0]
    arrays = [
        array.transpose(1, 2, 0).reshape(-1, len(model.POLLUTANTS)) for array in (days.value, days.hours, days.iaqi)
    ]
    columns = [line for array in arrays for line in array.T.tolist()]
    columns += [getattr(days, name).reshape(-1).tolist() for name in SCALARS]
    stations = days.stations
    # Of an area: the fewest stations that stood behind one of its pollutants.
    columns.append([0] * count * len(sites) if stations is None else stations.min(axis=0).reshape(-1).tolist())
    keys = [(days.first_day + day, site, days.edition) for day in range(count) for site in sites]
    rows = [(*key, *line, __version__) for key, line in zip(keys, zip(*columns, strict=True), strict=True)]
    with store.writing() as db:
        if rows:
            db.executemany(f"INSERT OR REPLACE INTO air_day VALUES ({', '.join('?' * len(rows[0]))})", rows)


def air_days(store: Store, site: int, first: int, last: int) -> list[AirDay]:
    """The daily judgements of a site or area from day `first` to day `last`, both included, in order."""
    rows = store.db.execute(
        "SELECT * FROM air_day WHERE site = ? AND day BETWEEN ? AND ? ORDER BY day", (site, first, last)
    )
    return [_air_day(row) for row in rows]


def _air_day(row: Sequence[Any]) -> AirDay:
    size = len(model.POLLUTANTS)
    value, hours, iaqi = (tuple(row[start : start + size]) for start in range(3, 3 + 3 * size, size))
    windows, aqi, level, primary, exceeding, missing, status, stations, _ = row[3 + 3 * size :]
    day, site, edition = row[:3]
    return model.AirDay(
        day,
        site,
        edition,
        value,
        hours,
        iaqi,
        windows,
        aqi,
        level,
        primary,
        exceeding,
        missing,
        model.Status(status),
        stations,
    )


def judged_air_days(store: Store) -> dict[int, tuple[int, int]]:
    """The first and the last day judged of every site and area that has any, by site number."""
    rows = store.db.execute(
        "SELECT number, (SELECT min(day) FROM air_day WHERE site = number),"
        " (SELECT max(day) FROM air_day WHERE site = number) FROM site"
    )
    return {site: (first, last) for site, first, last in rows if first is not None}


def save_water(store: Store, periods: Iterable[WaterPeriod]) -> None:
    """Enter judgements of water sites; one for a site, period and basis is in force."""
    from envmon.store import to_json

    with store.writing() as db:
        db.executemany(
            "INSERT OR REPLACE INTO water_judgement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    found.site,
                    found.span,
                    found.first,
                    found.last,
                    int(found.basis),
                    int(found.judgement.water_class),
                    int(found.judgement.status),
                    found.readings,
                    to_json(asdict(found.judgement)),
                    to_json({item: list(mean) for item, mean in found.means.items()}),
                    __version__,
                )
                for found in periods
            ],
        )


def water(store: Store, sites: Sequence[int], span: str, first: int, last: int) -> list[WaterPeriod]:
    """Judgements of a span ("sample", "day", "month") of some sites whose first day lies in first..last, in order."""
    marks = ", ".join("?" * len(sites))
    rows = store.db.execute(
        f"SELECT site, span, first, last, basis, readings, content, means FROM water_judgement"
        f" WHERE span = ? AND site IN ({marks}) AND first BETWEEN ? AND ? ORDER BY first, site, basis",
        (span, *sites, first, last),
    )
    return [
        model.WaterPeriod(
            site=row[0],
            span=row[1],
            first=row[2],
            last=row[3],
            basis=model.Basis(row[4]),
            readings=row[5],
            judgement=_judgement(json.loads(row[6])),
            means={item: tuple(mean) for item, mean in json.loads(row[7]).items()},
        )
        for row in rows
    ]


def sampled(store: Store, sites: Sequence[int], first: int, last: int) -> list[tuple[int, int, list[str]]]:
    """(site number, day, items with a value that counts) of every manual round from day `first` to `last`."""
    marks = ", ".join("?" * len(sites))
    rows = store.db.execute(
        f"SELECT site, first, means FROM water_judgement WHERE site IN ({marks}) AND span = 'day'"
        " AND first BETWEEN ? AND ? AND basis = ?",
        (*sites, first, last, int(model.Basis.MANUAL)),
    )
    return [(site, day, list(json.loads(means))) for site, day, means in rows]


def water_days(store: Store, first: int, last: int) -> list[tuple[int, int]]:
    """(day, site number) of every day from `first` to `last` that has a judgement of water."""
    return store.db.execute(
        "SELECT DISTINCT first, site FROM water_judgement WHERE span = 'day' AND first BETWEEN ? AND ?", (first, last)
    ).fetchall()


def _judgement(content: dict[str, Any]) -> WaterJudgement:
    return model.WaterJudgement(
        status=model.Status(content["status"]),
        water_class=model.WaterClass(content["water_class"]),
        determining=tuple(content["determining"]),
        main=tuple(
            model.Exceeded(m["item"], model.WaterClass(m["water_class"]), m["multiple"]) for m in content["main"]
        ),
        judged=tuple(content["judged"]),
        missing=tuple(content["missing"]),
        edition=content["edition"],
        item_set=content["item_set"],
        not_judgeable=tuple(content.get("not_judgeable", ())),  # rows of an earlier version listed them as missing
    )


def save_rates(store: Store, rates: Iterable[tuple[Rate, str]]) -> None:
    """Enter rates as they stand, each with the edition asked for (`by-date`, or a named one); the same rate of the same
    period replaces itself."""
    from envmon.store import to_json

    with store.writing() as db:
        db.executemany(
            "INSERT OR REPLACE INTO rate VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    rate.name.value,
                    rate.subject,
                    rate.period.first,
                    rate.period.last,
                    asked,
                    rate.numerator,
                    rate.denominator,
                    to_json(asdict(rate)),
                )
                for rate, asked in rates
            ],
        )


def rates(store: Store, name: RateName, subject: str, first: int, last: int, asked: str) -> list[Rate]:
    """The rates kept for periods that start on day `first` and end by day `last`, by their end."""
    rows = store.db.execute(
        "SELECT content FROM rate WHERE name = ? AND subject = ? AND first = ? AND last <= ? AND asked = ?"
        " ORDER BY last",
        (name.value, subject, first, last, asked),
    )
    return [rate_of(json.loads(row[0])) for row in rows]


def rate_of(content: dict[str, Any]) -> Rate:
    """A rate from what the store keeps of it."""
    without = content.get("without")
    return model.Rate(
        name=model.RateName(content["name"]),
        subject=content["subject"],
        period=Period(**content["period"]),
        numerator=content["numerator"],
        denominator=content["denominator"],
        excluded=tuple(model.Exclusion(model.Reason(e["reason"]), e["count"]) for e in content["excluded"]),
        editions=tuple(content["editions"]),
        basis=content["basis"],
        tenths=content["tenths"],
        without=without and model.Without(**{**without, "kinds": tuple(without["kinds"])}),
    )


def save_outlooks(store: Store, outlooks: Iterable[Outlook], now: int) -> None:
    """Enter where every target stands; one row a target."""
    from envmon.store import to_json

    with store.writing() as db:
        db.execute("DELETE FROM outlook")
        db.executemany(
            "INSERT OR REPLACE INTO outlook VALUES (?, ?, ?)",
            [(found.target.id, now, to_json(asdict(found))) for found in outlooks],
        )


def outlooks(store: Store) -> list[dict[str, Any]]:
    """Where every target stands, as plain data, with the minute it was computed."""
    rows = store.db.execute("SELECT computed, content FROM outlook ORDER BY rowid")
    return [json.loads(row[1]) | {"computed": row[0]} for row in rows]
