"""The config `envmon init` writes: what stands in it as a comment is accepted too, once its marks are taken away."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from envmon import config
from envmon.pipeline.wiring import load_config

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "envmon/sample"
SWITCHED_OFF = re.compile(r"^# (?=\[\[?[a-z_.]+\]|[a-z_0-9]+ = )", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("config.toml", "sites.csv", "plan.csv"):
        shutil.copyfile(SAMPLE / name, tmp_path / name)
    return tmp_path


def test_every_example_in_the_sample_may_be_switched_on(folder: Path) -> None:
    path = folder / "config.toml"
    text, count = SWITCHED_OFF.subn("", path.read_text("utf-8"))
    assert count > 60
    path.write_text(text, "utf-8")
    found = load_config(path)
    assert {one.kind for one in found.sources} == {"cnemc_air", "cnemc_water", "lab", "table"}
    assert len(found.devices) == 1
    assert found.listen is not None
    assert len(found.preferences) == 1


def test_the_table_of_the_sources_page_is_accepted(folder: Path) -> None:
    page = (ROOT / "docs/sources.md").read_text("utf-8").partition("### table")[2]
    block = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert block
    path = folder / "config.toml"
    path.write_text(path.read_text("utf-8") + "\n" + block[1], "utf-8")
    assert "table" in {one.kind for one in load_config(path).sources}


@pytest.mark.parametrize("url", ["http://x/a b", "http://x/?t={from} ", "http://x/{a b", "http://x/{from:%d\n}"])
def test_a_blank_elsewhere_in_an_address_is_a_mistake(folder: Path, url: str) -> None:
    path = folder / "config.toml"
    path.write_text(path.read_text("utf-8").replace("https://air.cnemc.cn:18007/", url.replace("\n", "\\n")), "utf-8")
    with pytest.raises(config.ConfigMistakes, match="url"):
        load_config(path)
