"""One mistake in the bureau's files, and the error that carries all of them.

A mistake says where (file, line, key path), what was found, what is allowed and what was probably meant; its wording
comes from `texts`. Never here: finding mistakes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from envmon.errors import ConfigError
from envmon.texts import t

SHOWN = 50  # mistakes printed; a column forgotten in 3,000 sites is one lesson, not 3,000
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Mistake:
    """`line` is 1-based, 0 where there is none; `path` is like `areas[1].zone`, counted from 1."""

    file: str
    line: int
    path: str
    found: str
    allowed: str
    suggestion: str = ""


class ConfigMistakes(ConfigError):
    """Every mistake of one reading of the config, in `mistakes`; the message lists them in the reader's language."""

    def __init__(self, mistakes: Sequence[Mistake], lang: str) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(render(self.mistakes, lang))


def render(mistakes: Sequence[Mistake], lang: str) -> str:
    """The message: a heading, then one line for each mistake, in the order of the file."""
    lines = [t("config.heading", lang, count=len(mistakes))]
    lines += ["  " + _line(mistake, lang) for mistake in mistakes[:SHOWN]]
    if len(mistakes) > SHOWN:
        lines.append(t("config.more", lang, count=len(mistakes) - SHOWN))
    return "\n".join(lines)


def _line(mistake: Mistake, lang: str) -> str:
    where = f"{mistake.file}:{mistake.line}" if mistake.line else mistake.file
    text = t("config.line", lang, where=where, what=_what(mistake, lang), allowed=mistake.allowed)
    return f"{text} {t('config.suggestion', lang, word=mistake.suggestion)}" if mistake.suggestion else text


def _what(mistake: Mistake, lang: str) -> str:
    return t("config.at_path", lang, path=mistake.path, found=mistake.found) if mistake.path else mistake.found


def shown(value: Any) -> str:
    """A value as it stands in the file, shortened: text in quotes, numbers bare.

    >>> shown("abc"), shown(3), shown(True), shown(["a"])
    ('"abc"', '3', 'true', '["a"]')
    """
    text = str(value) if isinstance(value, Decimals) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


class Decimals(str):
    """The digits of a TOML float, kept as they were typed, so that 90.1 enters as 90.1 and nothing near it."""

    __slots__ = ()


def closest(word: Any, words: Iterable[str]) -> str:
    """The one of `words` that was probably meant, or nothing.

    >>> closest("zoen", ["zone", "name"]), closest("xyz", ["zone", "name"]), closest("Zone", ["zone"])
    ('zone', '', 'zone')
    """
    import difflib

    if not isinstance(word, str) or not word:
        return ""
    by_lower = {option.lower(): option for option in words}
    found = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.7)
    return by_lower[found[0]] if found else ""


def dotted(path: Sequence[str | int]) -> str:
    """A key path as it is shown; places in a list are counted from 1.

    >>> dotted(("areas", 0, "zone")), dotted(("qc", "flat line"))
    ('areas[1].zone', 'qc."flat line"')
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            plain = part.replace("_", "").replace("-", "").isalnum()
            text += ("." if text else "") + (part if plain else json.dumps(part, ensure_ascii=False))
    return text
