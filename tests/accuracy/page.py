"""The page docs/accuracy.md: every published figure beside the program's own, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from envmon import rounding
from tests.accuracy import air, sources, water
from tests.accuracy.counting import Comparison, Kind

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "accuracy.md"

TEXT = Path(__file__).parent / "page.txt"
SHORT = ("with a value on a limit", "that lag behind", "with no row before", "unexplained")  # kinds, in their order


def page() -> str:
    """The whole page: the text, with every figure in its place."""
    facts = {"overview": overview()} | stations() | cities() | taiyuan() | good_days() | sections() | drinking_water()
    return TEXT.read_text("utf-8").format(**facts)


def overview() -> str:
    """One line a figure."""
    found, towns, days, announced = air.stations(), air.cities(), air.taiyuan(), air.good_day_rates()
    classes = water.sections().classes
    apart = [one for one in announced if one.gap]
    lines = [
        ("hourly index of stations, Sichuan 2020", found.index, "–"),
        ("their levels", found.level, "–"),
        ("their primary pollutants", found.primary, "–"),
        ("hourly index of cities, Sichuan 2022", towns.index, "1 higher or lower: rounded otherwise"),
        ("their levels", towns.level, "–"),
        ("official daily index, Taiyuan 2026", days.index, "–"),
        ("their levels", days.level, "–"),
        ("their primary pollutants", days.primary, "–"),
        (
            "announced good-day rates, Sichuan 2022",
            Comparison("", len(announced), len(announced) - len(apart), (Kind("apart", len(apart)),)),
            "0.1 points apart: " + ", ".join(str(abs(one.days_apart)) for one in apart) + " days",
        ),
        (
            "four-hourly classes of sections, Sichuan 2021 to 2023",
            classes,
            "; ".join(f"{number(kind.count)} {short}" for kind, short in zip(classes.kinds, SHORT, strict=True)),
        ),
        ("shares of drinking-water sources, 2010 to 2023", sources.comparison(), "a tie, rounded otherwise"),
    ]
    return grid(
        ("published figure", "values", "equal", "share", "the others"),
        [(name, number(one.published), number(one.equal), one.share, rest) for name, one, rest in lines],
    )


def stations() -> dict[str, str]:
    found = air.stations()
    return {
        "rows": number(found.rows),
        "distinct": number(found.distinct),
        "station_values": number(found.index.published),
        "ties": number(found.ties),
        "station_counts": counts(found.index, found.level, found.primary),
    }


def cities() -> dict[str, str]:
    found = air.cities()
    return {
        "cities": number(found.cities),
        "hours": number(found.hours),
        "city_counts": counts(found.index, found.level),
        "city_differences": differences(found.index),
        "half_up": number(found.half_up.equal),
        "city_values": number(found.half_up.published),
    }


def taiyuan() -> dict[str, str]:
    found = air.taiyuan()
    return {
        "taiyuan_counts": counts(found.index, found.level, found.primary, found.index_2012),
        "taiyuan_differences": differences(found.index_2012),
        "good_official": number(sum(level <= 2 for level in found.levels)),
    }


def good_days() -> dict[str, str]:
    rows = [
        (
            f"{one.first} to {one.last}",
            percent(one.tenths),
            percent(one.ours.tenths),
            f"{number(one.ours.numerator)} / {number(one.ours.denominator)}",
            str(one.days_apart),
            one.source,
        )
        for one in air.good_day_rates()
    ]
    return {"good_days": grid(("period", "announced", "ours", "good / valid days", "days apart", "announced in"), rows)}


def sections() -> dict[str, str]:
    found = water.sections()
    (have, carry), (after, carry_after) = water.near(-4), water.near(4)
    on_a_limit = found.classes.kinds[0].count
    rivers, lakes = found.as_rivers.kinds
    return {
        "section_counts": counts(found.classes, found.rivers, found.lakes, found.as_rivers),
        "section_differences": differences(found.classes),
        "hanging": number(found.hanging),
        "hanging_equal": number(found.hanging - on_a_limit),
        "on_a_limit": number(on_a_limit),
        "by_item": ", ".join(f"{item} {number(count)}" for item, count in found.by_item),
        "listed": number(len(water.listed())),
        "have": number(len(have)),
        "carry": number(len(carry)),
        "after": number(len(after)),
        "carry_after": number(len(carry_after)),
        "rivers_differ": number(rivers.count + lakes.count),
        "own_rivers_differ": number(rivers.count),
        "lakes_differ": number(lakes.count),
        "lake_example": lakes.example,
    }


def drinking_water() -> dict[str, str]:
    rows = [
        (
            one.period,
            one.region,
            one.share,
            f"{one.compliant} / {one.total} {one.unit}",
            percent(one.tenths),
            percent(one.ours.tenths),
        )
        for one in sources.shares()
    ]
    return {
        "source_shares": grid(("period", "region", "share by", "complying / all", "published", "ours"), rows),
        "source_differences": differences(sources.comparison()),
    }


# --- tables -----------------------------------------------------------------------------------------------------


def counts(*comparisons: Comparison) -> str:
    rows = [(one.figure, number(one.published), number(one.equal), one.share) for one in comparisons]
    return grid(("compared", "values", "equal", "share"), rows)


def differences(*comparisons: Comparison) -> str:
    """What the values that differ have in common."""
    kinds = [kind for one in comparisons for kind in one.kinds]
    rows = [(kind.explanation, number(kind.count), kind.example or "–") for kind in kinds]
    return grid(("what differs", "values", "for example"), rows)


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(count: int) -> str:
    return f"{count:,}"


def percent(tenths: int | None) -> str:
    return "–" if tenths is None else f"{rounding.printed(tenths, 1)} %"
