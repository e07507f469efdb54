"""The catalogues: both languages say the same things, every noun has a word, and loading is cheap."""

from __future__ import annotations

import ast
import json
import re
import string
import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest

from envmon import model, texts

FOLDER = Path(texts.__file__).parent
ROOT = FOLDER.parent


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def enumerations() -> list[type[Enum]]:
    nouns = [getattr(model, name) for names in model.HOMES.values() for name in names]
    return [noun for noun in nouns if isinstance(noun, type) and issubclass(noun, Enum)]


def test_every_file_has_its_counterpart() -> None:
    chinese = {path.name.removesuffix(".zh.json") for path in FOLDER.glob("*.zh.json")}
    english = {path.name.removesuffix(".en.json") for path in FOLDER.glob("*.en.json")}
    assert chinese == english
    assert "words" in chinese
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == {"__init__.py"} | {
        f"{name}.{lang}.json" for name in chinese for lang in texts.LANGUAGES
    }


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.zh.json")), ids=lambda path: path.stem)
def test_both_languages_have_the_same_keys_in_the_same_order(path: Path) -> None:
    chinese = json.loads(path.read_text(encoding="utf-8"))
    english = json.loads(path.with_name(path.name.replace(".zh.", ".en.")).read_text(encoding="utf-8"))
    assert list(chinese) == list(english)


def test_both_languages_ask_for_the_same_values() -> None:
    chinese, english = texts.catalogue("zh"), texts.catalogue("en")
    differing = [key for key in chinese if placeholders(chinese[key]) != placeholders(english[key])]
    assert differing == []


def test_no_text_is_empty_or_has_stray_spaces() -> None:
    for lang in texts.LANGUAGES:
        assert [key for key, text in texts.catalogue(lang).items() if not text.strip() or text.strip(" ") != text] == []


def test_english_texts_hold_no_chinese() -> None:
    allowed = {"language.zh", "inbox.notes.example"}  # both quote a Chinese word
    chinese = [
        key
        for key, text in texts.catalogue("en").items()
        if key not in allowed and any("\u4e00" <= letter <= "\u9fff" for letter in text)
    ]
    assert chinese == []


@pytest.mark.parametrize("lang", texts.LANGUAGES)
def test_every_member_of_every_enumeration_has_a_word(lang: str) -> None:
    kinds = enumerations()
    assert len(kinds) >= 15
    for kind in kinds:
        words = [texts.word(member, lang) for member in kind]
        assert all(words)
        assert len(set(words)) == len(words), kind


@pytest.mark.parametrize("lang", texts.LANGUAGES)
def test_every_pollutant_and_level_has_a_word(lang: str) -> None:
    for pollutant in model.POLLUTANTS:
        for kind in ("pollutant", "pollutant_name", "daily_item"):
            assert texts.t(f"{kind}.{pollutant}", lang)
    assert len({texts.t(f"level.{number}", lang) for number in range(7)}) == 7


def test_levels_are_named_as_hj_633_table_2_prints_them() -> None:
    printed = ["优", "良", "轻度污染", "中度污染", "重度污染", "严重污染"]
    assert [texts.t(f"level.{number}", "zh") for number in range(1, 7)] == printed


def test_unknown_keys_languages_and_values_are_errors() -> None:
    with pytest.raises(KeyError):
        texts.t("words.no_such_key", "zh")
    with pytest.raises(KeyError, match="no texts in language 'fr'"):
        texts.t("level.1", "fr")
    asks = next(key for key, text in texts.catalogue("zh").items() if placeholders(text))
    with pytest.raises(KeyError):
        texts.t(asks, "zh")


def test_a_key_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zh.json").write_text('{"x": "1"}', encoding="utf-8")
    (tmp_path / "b.zh.json").write_text('{"x": "2"}', encoding="utf-8")
    monkeypatch.setattr(texts, "FOLDER", str(tmp_path))
    with pytest.raises(ValueError, match=r"b\.zh\.json: a key is given twice"):
        texts.catalogue.__wrapped__("zh")
    (tmp_path / "b.zh.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"b\.zh\.json"):
        texts.catalogue.__wrapped__("zh")


def literal_keys(path: Path) -> set[str]:
    """The keys a module names outright in a call of t(...)."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    named = [call for call in calls if getattr(call.func, "id", getattr(call.func, "attr", "")) == "t" and call.args]
    firsts = [call.args[0] for call in named]
    return {first.value for first in firsts if isinstance(first, ast.Constant) and isinstance(first.value, str)}


def test_every_key_named_in_the_code_exists() -> None:
    known = texts.catalogue("zh")
    unknown = {
        (path.relative_to(ROOT).as_posix(), key)
        for path in ROOT.rglob("*.py")
        for key in literal_keys(path)
        if key not in known
    }
    assert unknown == set()


def test_every_error_and_reason_named_in_the_code_exists_and_the_other_way_round() -> None:
    """Errors and reasons name their key outright, often far from where it is looked up."""
    kinds = ("error.", "refused.")
    nodes = [node for path in ROOT.rglob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    texts_named = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = {text for text in texts_named if re.fullmatch(r"(error|refused)(\.[a-z_]+)+", text)}
    assert named == {key for key in texts.catalogue("zh") if key.startswith(kinds)}


def test_every_error_and_reason_has_chinese_words_in_chinese() -> None:
    frames = {"error.several", "refused.item"}  # nothing but what is put into them
    for key, text in texts.catalogue("zh").items():
        if key.startswith(("error.", "refused.")) and key not in frames:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in text), key


def test_loading_needs_no_heavy_module() -> None:
    code = (
        "import sys; before = set(sys.modules); from envmon import texts; texts.t('level.1', 'zh');"
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("numpy", "pandas", "tomllib", "pydantic", "importlib.resources"):
        assert repr(heavy) not in found
