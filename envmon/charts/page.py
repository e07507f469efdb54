"""The index page of a folder of charts: one static HTML page that works offline and prints well.

Everything shown is escaped; the page loads nothing but the pictures beside it. Never here: which charts there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from envmon import __version__
from envmon.charts.style import Words
from envmon.texts import t

STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.5rem; background: #fff; color: #1b2733;
  font: 1rem/1.6 "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .4rem; }
h2 { font-size: 1.2rem; margin: 0 0 .3rem; }
nav ul { margin: .5rem 0 2rem; padding-left: 1.2rem; }
figure { margin: 0 0 2.5rem; padding: 0; break-inside: avoid; }
img { display: block; width: 100%; height: auto; border: 1px solid #d5dbe1; }
figcaption { margin-top: .5rem; }
.files { color: #5b6b7a; font-size: .9rem; }
a { color: #1f5f8b; }
footer { border-top: 1px solid #d5dbe1; color: #5b6b7a; font-size: .9rem; padding-top: .7rem; }
@media print { body { max-width: none; padding: 0; } nav, .files { display: none; } }
@page { size: A4 landscape; margin: 12mm; }
"""


@dataclass(frozen=True, slots=True)
class IndexItem:
    """One chart on the page: the names of its files, relative to the page, and its words."""

    png: str
    svg: str
    words: Words


def index_page(title: str, items: Sequence[IndexItem], lang: str = "zh") -> str:
    """The whole page as text; `lang` is zh or en."""
    entries = "\n".join(
        f'<li><a href="#c{place}">{escape(item.words.title)}</a></li>' for place, item in enumerate(items, 1)
    )
    figures = "\n".join(_figure(place, item, lang) for place, item in enumerate(items, 1))
    nothing = "" if items else f"<p>{escape(t('chart.page.none', lang))}</p>"
    return f"""<!doctype html>
<html lang="{"zh-CN" if lang == "zh" else "en"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header><h1>{escape(title)}</h1></header>
<nav aria-label="{escape(t("chart.page.contents", lang))}"><ul>
{entries}
</ul></nav>
<main>
{figures}{nothing}
</main>
<footer>{escape(t("chart.foot.made", lang, version=__version__))}</footer>
</body>
</html>
"""


def _figure(place: int, item: IndexItem, lang: str) -> str:
    png, svg = (escape(quote(name), quote=True) for name in (item.png, item.svg))
    return f"""<figure id="c{place}">
<h2>{escape(item.words.title)}</h2>
<img src="{png}" alt="{escape(item.words.alt)}">
<figcaption>{escape(item.words.caption)}
<div class="files">{escape(t("chart.page.files", lang))} <a href="{png}">PNG</a> · <a href="{svg}">SVG</a></div>
</figcaption>
</figure>"""
