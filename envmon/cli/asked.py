"""What a command is asked about: the minute it is, a period, an area, a site, a view of the data."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import language
from envmon.texts import t, word

if TYPE_CHECKING:
    from envmon.model import Basis, Config, View
    from envmon.periods import Period
    from envmon.store import Store

LANG = language()
BASES = ("realtime", "reviewed", "manual")


def period_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--period", metavar="PERIOD", help=t("cli.option.period", LANG))(command)


def area_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--area", default="*", show_default=True, help=t("cli.option.area", LANG))(command)


def view_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """By which standard, and on which kind of data."""
    command = click.option("--basis", help=t("cli.option.basis", LANG), metavar="BASIS")(command)
    standard = click.option(
        "--standard", "edition", default="by-date", show_default=True, help=t("cli.rates.standard", LANG)
    )
    return standard(command)


def now_of(store: Store) -> int:
    """The minute it is: the one looked back to, or of a recorded demo the last one it lived through."""
    if store.as_of is not None:
        return store.as_of
    beat = store.last_beat()
    return beat if store.meta("demo") and beat is not None else int(time.time() // 60)


def period_of(text: str | None, store: Store) -> Period:
    """The period asked for; by default the year of yesterday."""
    from envmon import periods

    return periods.parse(text) if text else periods.year_of(periods.today(now_of(store)) - 1)


def area_of(area: str, config: Config) -> str:
    """An area by id or name, or "*"."""
    from difflib import get_close_matches

    from envmon.errors import UsageError

    names = {one.name: one.id for one in config.areas} | {one.id: one.id for one in config.areas} | {"*": "*"}
    if area not in names:
        close = get_close_matches(area, names, 1)
        hint = t("cli.did_you_mean", config.language, word=close[0]) if close else ", ".join(names)
        raise UsageError(t("cli.unknown_area", config.language, area=area, hint=hint))
    return names[area]


def known(site: str, store: Store, lang: str) -> None:
    """Raises UsageError for a site that is not registered."""
    from difflib import get_close_matches

    from envmon.errors import UsageError

    if site not in store.site_numbers:
        close = get_close_matches(site, store.site_numbers, 1)
        hint = t("cli.did_you_mean", lang, word=close[0]) if close else t("cli.see_sites", lang)
        raise UsageError(t("cli.unknown_site", lang, site=site, hint=hint))


def view_of(edition: str, basis: str | None, lang: str) -> View:
    """One view: by date or by one edition, on one kind of data or the best there is."""
    from envmon import standards
    from envmon.model import View

    return View(standards.named(edition.strip()), basis_of(basis, lang))


def basis_of(text: str | None, lang: str) -> Basis | None:
    from envmon.errors import UsageError
    from envmon.model import Basis

    if text is None:
        return None
    plain = text.strip().lower()
    if plain not in BASES:
        raise UsageError(t("cli.unknown_basis", lang, basis=text, known=", ".join(BASES)))
    return Basis[plain.upper()]


def views_of(editions: str, bases: str | None, lang: str) -> list[View]:
    """Every view that lists of editions and of bases, parted by commas, ask for; each once, in their order."""
    found = [
        view_of(edition, basis, lang)
        for edition in editions.split(",")
        for basis in (bases.split(",") if bases else [None])
    ]
    return list(dict.fromkeys(found))


def view_name(view: View, lang: str) -> str:
    """A view as people read it: the edition, and the kind of data where one is asked for."""
    edition = t("view.by_date", lang) if view.edition == "by-date" else view.edition
    return edition if view.basis is None else f"{edition} · {word(view.basis, lang)}"


def span_row(period: Period) -> dict[str, Any]:
    """A period in an answer: its name, its first and its last day."""
    from envmon import periods

    first, last = (periods.calendar(day).isoformat() for day in (period.first, period.last))
    return {"period": period.name, "from": first, "to": last}
