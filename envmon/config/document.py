"""From a file's bytes to a checked table, with the line of every key.

Says in the reader's words what is wrong with an encoding or with the TOML itself. Decimal numbers stay text
(`Decimals`), so nothing becomes a binary fraction. Never here: what a key means.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from envmon.config.mistakes import ConfigMistakes, Decimals, Mistake
from envmon.texts import LANGUAGES, system_reason, t

KeyPath = tuple[str | int, ...]

KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
DOTTED = rf"\s*({KEY}(?:\s*\.\s*{KEY})*)\s*"
PART = KEY
PLACE = r" \(at (?:line (\d+), column (\d+)|end of document)\)$"
WRITTEN_LANGUAGE = re.compile(r"""^\s*language\s*=\s*["'](zh|en)["']""", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """One TOML file: its name as shown, its text, its table."""

    name: str
    text: str
    table: dict[str, Any]

    @cached_property
    def lines(self) -> dict[KeyPath, int]:
        return dict(key_lines(self.text))

    def line(self, path: Sequence[str | int]) -> int:
        """The line of a key, or of the nearest table around it; 0 when not even that is written."""
        wanted = tuple(path)
        while wanted:
            if wanted in self.lines:
                return self.lines[wanted]
            wanted = wanted[:-1]
        return 0


def language(text: str, asked: str | None = "") -> str:
    """The language to speak: the one asked for, else the one the file names even if it is broken, else Chinese."""
    if asked in LANGUAGES:
        return str(asked)
    match = WRITTEN_LANGUAGE.search(text)
    return match[1] if match else LANGUAGES[0]


def open_document(name: str, asked: str | None = "") -> Document:
    """Read and parse a TOML file. Raises ConfigMistakes when it cannot be read at all."""
    speak = language("", asked)
    text = read_text(Path(name), name, speak)
    if isinstance(text, Mistake):
        raise ConfigMistakes([text], speak)
    speak = language(text, asked)
    found = parse(text, name, speak)
    if isinstance(found, Mistake):
        raise ConfigMistakes([found], speak)
    return found


def read_text(path: Path, name: str, lang: str, encodings: Sequence[str] = ("utf-8",)) -> str | Mistake:
    """The text of a file in one of the encodings, or why it cannot be read. A byte order mark of UTF-8 is dropped."""
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return _unreadable(name, "missing", lang)
    except IsADirectoryError:
        return _unreadable(name, "directory", lang)
    except OSError as error:
        return _unreadable(name, "refused", lang, reason=system_reason(error, lang))
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in body[:200]:
        return _unreadable(name, "utf16", lang)
    body = body.removeprefix(b"\xef\xbb\xbf")
    first = 0
    for encoding in encodings:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError as error:
            first = first or body.count(b"\n", 0, error.start) + 1
    return _unreadable(name, "encoding", lang, line=first)


def _unreadable(name: str, why: str, lang: str, line: int = 0, **values: str) -> Mistake:
    found = t(f"config.file.{why}", lang, **values)
    return Mistake(name, line, "", found, t(f"config.file.{why}.cure", lang))


def parse(text: str, name: str, lang: str) -> Document | Mistake:
    """The table of a TOML text, or its first mistake in syntax with line and column."""
    if not text.strip():
        return _unreadable(name, "empty", lang)
    try:
        return Document(name, text, tomllib.loads(text, parse_float=Decimals))
    except tomllib.TOMLDecodeError as error:
        return _syntax(str(error), text, name, lang)


def _syntax(message: str, text: str, name: str, lang: str) -> Mistake:
    match = re.search(PLACE, message)
    lines = text.splitlines()
    line = int(match[1]) if match and match[1] else len(lines)
    column = int(match[2]) if match and match[2] else len(lines[-1]) + 1
    reason = re.sub(PLACE, "", message)
    for count in range(1, 9):  # the parser's commonest complaints, in the reader's words
        if reason.startswith(t(f"config.toml.{count}", "en")):
            reason = t(f"config.toml.{count}", lang)
            break
    written = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    found = t("config.toml.found", lang, column=column, reason=reason, written=written[:60])
    return Mistake(name, line, "", found, t("config.toml.cure", lang))


def key_lines(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Every key path of a well-formed TOML text with the line it is written on (first writing of a header wins).

    Inside a list over several lines each `{` begins the next element; what stands deeper has its element's line.

    >>> list(key_lines('a = 1\\n[[b]]\\nc.d = 2\\n[b.e]\\nf = 3'))
    [(('a',), 1), (('b', 0), 2), (('b', 0, 'c', 'd'), 3), (('b', 0, 'e'), 4), (('b', 0, 'e', 'f'), 5)]
    """
    lists: dict[KeyPath, int] = {}
    table: KeyPath = ()
    key: KeyPath = ()
    depth, quote, element = 0, "", 0
    for count, line in enumerate(text.split("\n"), start=1):
        start = 0
        if not quote and not depth:
            if match := re.match(rf"\s*(\[\[?){DOTTED}\]", line):
                table = _header(match[1], _parts(match[2]), lists)
                yield table, count
                continue
            if not (match := re.match(rf"{DOTTED}=", line)):
                continue
            key, start, element = table + _parts(match[1]), match.end(), 0
            yield key, count
        for mark in _marks(line[start:], quote):
            if mark in ("[", "{"):
                if mark == "{" and depth == 1:
                    yield (*key, element), count
                    element += 1
                depth += 1
            elif mark in ("]", "}"):
                depth -= 1
            else:
                quote = "" if quote else mark


def _parts(dotted: str) -> KeyPath:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in re.findall(PART, dotted))


def _header(brackets: str, parts: KeyPath, lists: dict[KeyPath, int]) -> KeyPath:
    """The full path a header opens: parts that are lists get the number of their newest element."""
    path: KeyPath = ()
    for position, part in enumerate(parts):
        path = (*path, part)
        if brackets == "[[" and position == len(parts) - 1:
            lists[path] = lists.get(path, -1) + 1
        if path in lists:
            path = (*path, lists[path])
    return path


MARK = r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*|[\[\]{}]'


def _marks(rest: str, quote: str) -> Iterator[str]:
    """Brackets outside strings, and the marks that open or close a string of several lines."""
    while rest:
        if quote:
            _, found, rest = rest.partition(quote)
            if found:
                yield quote
            quote = ""
            continue
        match = re.search(MARK, rest)
        if not match or match[0].startswith("#"):
            return
        rest = rest[match.end() :]
        if match[0] in ('"""', "'''"):
            quote = match[0]
            yield quote
        elif match[0] in "[]{}":
            yield match[0]
