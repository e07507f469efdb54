"""What people read, in Chinese (zh) and English (en): one flat catalogue, kept as `NAME.zh.json` and `NAME.en.json`.

A room keeps its own pair of files here; keys are written in full (`alerts.open.title`), so that they can be searched.
`{name}` in a text is filled from the call; `{{` and `}}` are plain braces. JSON, because it loads ten times as fast as
TOML and every command pays for it. Never here: choosing a language, colours, column widths, or any rule.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any

LANGUAGES = ("zh", "en")
FOLDER = os.path.dirname(__file__)


def t(key: str, lang: str, /, **values: Any) -> str:
    """The text of a key, filled in.

    Raises KeyError for an unknown key or language, and for a value the text asks for and the call does not give.

    >>> t("severity.serious", "en"), t("severity.serious", "zh")
    ('serious', '严重')
    """
    text = catalogue(lang)[key]
    return text.format_map(values) if "{" in text or "}" in text else text


def word(member: Enum, lang: str) -> str:
    """The word for a member of one of `model`'s enumerations; its key is `water_class.worse_than_v` and the like.

    >>> from envmon.model import RateName, WaterClass
    >>> word(WaterClass.WORSE_THAN_V, "zh"), word(RateName.GOOD_DAYS, "zh")
    ('劣Ⅴ类', '优良天数比例')
    """
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(member).__name__)
    return t(f"{kind}.{member.name}".lower(), lang)


def joined(kind: str, lang: str, parts: Iterable[str]) -> str:
    """Parts with a language's "comma", "semicolon" or "and" between them; ASCII marks are followed by a blank.

    >>> joined("and", "zh", ["a", "b"]), joined("comma", "en", ["a", "b"])
    ('a、b', 'a, b')
    """
    mark = t(f"join.{kind}", lang)
    return (f"{mark} " if mark.isascii() else mark).join(parts)


def system_reason(error: OSError, lang: str) -> str:
    """Why the system refused a file: in words where there are, else as the system says it.

    >>> system_reason(FileNotFoundError(2, "No such file or directory"), "zh")
    '没有这个文件或文件夹'
    """
    key = f"system.{errno.errorcode.get(error.errno or 0, '').lower()}"
    return catalogue(lang).get(key) or error.strerror or str(error)


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """Every text of one language by key, all files together.

    Raises KeyError for an unknown language, ValueError naming the file for a broken file or a key given twice.
    """
    if lang not in LANGUAGES:
        raise KeyError(f"no texts in language {lang!r}; there are {', '.join(LANGUAGES)}")
    merged: dict[str, str] = {}
    for name in sorted(entry for entry in os.listdir(FOLDER) if entry.endswith(f".{lang}.json")):
        pairs = _read(os.path.join(FOLDER, name))
        before = len(merged)
        merged.update(pairs)
        if len(merged) != before + len(pairs):
            raise ValueError(f"texts/{name}: a key is given twice, here or in an earlier file")
    return merged


def part(name: str, lang: str) -> dict[str, str]:
    """The texts of one file alone, where all of them would be too many to wait for."""
    return dict(_read(os.path.join(FOLDER, f"{name}.{lang}.json")))


def _read(path: str) -> list[tuple[str, str]]:
    with open(path, encoding="utf-8") as file:
        try:
            pairs = json.load(file, object_pairs_hook=list)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}: {error}") from error
    return [(str(key), str(text)) for key, text in pairs]
