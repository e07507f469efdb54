"""What click says by itself (headings of help pages, usage errors), in the language of the program, in columns.

Click takes its texts from gettext, which wants compiled catalogues, and breaks lines by characters, of which a Chinese
one takes two columns. Both are replaced where click looks them up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from click import core, decorators, exceptions, formatting, parser, types

from envmon.texts import part

SPEAKING = (core, decorators, exceptions, formatting, parser, types)
WORD = re.compile(r"\s+|[（“《]*(?:[!-~]+|\S)[，。、；：？）”》]*")
"""What a line is not broken in: blanks, a word of ASCII, one other letter; each with the marks around it."""
SENTENCE = re.compile(r"[。：\n]")


def speak(language: Callable[[], str], width: Callable[[str], int]) -> None:
    """Let click say its texts in a language and measure them by columns; to be called once."""

    def said(message: str) -> str:
        return message if language() == "en" else chinese().get(message, message)

    def counted(one: str, many: str, count: int) -> str:
        return said(one if count == 1 else many)

    by_characters: Callable[..., str] = formatting.wrap_text
    first_words: Callable[[str, int], str] = vars(core)["_make_default_short_help"]

    def wrapped(
        text: str,
        width_: int = 78,
        initial_indent: str = "",
        subsequent_indent: str = "",
        preserve_paragraphs: bool = False,
    ) -> str:
        if width(text) == len(text):
            return by_characters(text, width_, initial_indent, subsequent_indent, preserve_paragraphs)
        parts = text.split("\n\n") if preserve_paragraphs else [text]
        return "\n\n".join(filled(part, width_, initial_indent, subsequent_indent, width) for part in parts)

    def short(text: str, limit: int = 45) -> str:
        return first_words(text, limit) if language() == "en" else SENTENCE.split(text.strip(), maxsplit=1)[0]

    for module in SPEAKING:
        vars(module).update({name: own for name, own in (("_", said), ("ngettext", counted)) if name in vars(module)})
    vars(formatting).update(wrap_text=wrapped, term_len=width)
    vars(core).update(_make_default_short_help=short)


@cache
def chinese() -> Mapping[str, str]:
    """What click says, by its own English text, which is the English text of each key."""
    own = part("click", "zh")
    return {english: own[key] for key, english in part("click", "en").items()}


def filled(text: str, columns: int, first: str, following: str, width: Callable[[str], int]) -> str:
    """One paragraph in lines of at most so many columns; a longer word overflows, so that it can be copied whole."""
    if text.startswith("\b\n"):
        return "\n".join(f"{first}{line}" for line in text.splitlines()[1:])
    return "\n".join(lines(text, columns, first, following, width))


def lines(text: str, columns: int, first: str, following: str, width: Callable[[str], int]) -> Iterator[str]:
    line = first
    for word in WORD.findall(text.strip()):
        if width(line) + width(word.rstrip()) > columns and line.strip():
            yield line.rstrip()
            line = following
        if word.strip() or line.strip():
            line += " " if word.isspace() else word
    yield line.rstrip()
