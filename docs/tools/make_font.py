"""Makes `envmon/fonts/NotoSansSC-Regular.ttf`: Noto Sans SC cut down to what GBK, Latin-1, Greek and our units need.

Run by hand, once, when the upstream font changes:

    npm pack @expo-google-fonts/noto-sans-sc@0.4.3 && tar xzf expo-google-fonts-noto-sans-sc-0.4.3.tgz
    python docs/tools/make_font.py package/400Regular/NotoSansSC_400Regular.ttf

GBK rather than GB 2312: place names need characters such as 镕 堃 垚 邨 滘 that GB 2312 lacks. The upstream font has
no ₀–₉ and no ⁻ ⁺; they are added here as scaled copies of its own digits and signs, so that SO₂, PM₂.₅ and m⁻³ print in
one font everywhere. The result carries no hinting. Never imported by the program itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

TARGET = Path(__file__).parents[2] / "envmon" / "fonts" / "NotoSansSC-Regular.ttf"
RANGES = ((0x20, 0x7E), (0xA0, 0xFF), (0x391, 0x3C9), (0x2010, 0x2027), (0x2160, 0x217B), (0x2190, 0x2199))
EXTRA = "‰′″※€℃℉№™⁺⁻₀₁₂₃₄₅₆₇₈₉−∑√∞≈≠≤≥■□▲△▼▽◆◇○●★☆〇"
LOWERED = {chr(0x2080 + digit): str(digit) for digit in range(10)}
RAISED = {"⁻": "−", "⁺": "+"}
SCALE, DROP, LIFT = 0.6, -55, 330  # in units of 1000 per em; low enough for H₂O, high enough for the dot in PM₂.₅


def characters() -> set[int]:
    """Every code point the subset must have."""
    found = {ord(character) for character in EXTRA}
    for first, last in RANGES:
        found.update(range(first, last + 1))
    for high in range(0x81, 0xFF):
        for low in range(0x40, 0xFF):
            text = bytes((high, low)).decode("gbk", errors="ignore")
            found.update(ord(character) for character in text)
    return found


def add_scaled(font: TTFont, character: str, base: str, shift: int) -> None:
    """Give the font `character` as a smaller copy of `base`, moved up or down by `shift` units."""
    source = font.getBestCmap()[ord(base)]
    name = f"uni{ord(character):04X}"
    pen = TTGlyphPen(font.getGlyphSet())
    pen.addComponent(source, (SCALE, 0, 0, SCALE, 0, shift))
    advance, bearing = font["hmtx"][source]
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    font["glyf"].glyphs[name] = pen.glyph()
    font["glyf"].glyphOrder = font.getGlyphOrder()
    font["hmtx"][name] = (round(advance * SCALE), round(bearing * SCALE))
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[ord(character)] = name


def make(source: Path, target: Path) -> None:
    """Write the subset of `source` to `target`. The same source gives the same bytes."""
    font = TTFont(source, recalcTimestamp=False)
    for table in ("vhea", "vmtx", "BASE", "STAT", "GSUB", "GPOS", "GDEF"):
        del font[table]
    options = Options()
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14]
    options.notdef_outline = True
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    for character, base in LOWERED.items():
        add_scaled(font, character, base, DROP)
    for character, base in RAISED.items():
        add_scaled(font, character, base, LIFT)
    font.save(target)


if __name__ == "__main__":
    make(Path(sys.argv[1]), TARGET)
