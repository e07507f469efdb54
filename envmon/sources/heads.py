"""What a laboratory writes over a column: the item, its unit, and what of its brackets may be passed over.

Never here: guessing. `硝酸盐（以NO3计）` is another quantity than nitrate as N, so it stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from envmon.model import Medium, Parameter
from envmon.sources.cells import WIDE, is_unit, snippet
from envmon.sources.context import BRACKET, item_names, plain

SYNONYMS = {
    "codmn": "高锰酸钾指数 CODMn",
    "cod": "化学需氧量 COD CODCr",
    "bod5": "生化需氧量 BOD5 BOD",
    "nh3n": "氨氮 NH3-N NH4-N NH3N",
    "tp": "TP",
    "tn": "TN",
    "do": "DO",
    "copper": "Cu",
    "zinc": "Zn",
    "selenium": "Se",
    "arsenic": "As",
    "mercury": "Hg",
    "cadmium": "Cd",
    "lead": "Pb",
    "iron": "Fe",
    "manganese": "Mn",
    "aluminium": "Al",
    "chromium_vi": "六价铬 铬(六价) 铬(Ⅵ) 铬六价 Cr6+ Cr(Ⅵ) 铬(6价)",
    "volatile_phenol": "挥发酚 挥发性酚 挥发性酚类 挥发酚类",
    "las": "阴离子表面活性剂 LAS 阴离子合成洗涤剂",
    "petroleum": "石油类",
    "fecal_coliform": "粪大肠菌群 粪大肠菌群数",
    "sulfate": "硫酸盐 硫酸根 SO42-",
    "chloride": "氯化物 氯离子 Cl-",
    "fluoride": "氟化物 氟离子 F-",
    "cyanide": "CN-",
    "sulfide": "S2-",
    "iodide": "碘离子 I-",
    "nitrate": "硝酸盐 硝酸盐氮 NO3-N",
    "nitrite": "亚硝酸盐 亚硝酸盐氮 NO2-N",
    "total_hardness": "总硬度",
    "tds": "溶解性总固体 TDS",
    "oxygen_consumption": "耗氧量",
    "turbidity": "浑浊度 浊度",
    "colour": "色度",
    "odour_taste": "臭和味 嗅味 臭味",
    "visible_matter": "肉眼可见物",
    "plate_count": "细菌总数 菌落总数",
    "total_coliform": "总大肠菌群 总大肠菌群数",
    "gross_alpha": "总α 总α放射性",
    "gross_beta": "总β 总β放射性",
    "chla": "叶绿素",
    "algae_density": "藻类密度",
    "sd": "SD",
    "conductivity": "EC",
    "trichloromethane": "氯仿",
    "tetrachloromethane": "四氯甲烷",
    "tribromomethane": "溴仿",
    "isopropylbenzene": "异丙基苯",
    "dichlorobenzene_12": "邻二氯苯",
    "dichlorobenzene_14": "对二氯苯",
    "trinitrotoluene_246": "TNT",
    "dichlorophenol_24": "2,4-二氯酚",
    "trichlorophenol_246": "2,4,6-三氯酚",
    "pentachlorophenol": "五氯苯酚",
    "dibutyl_phthalate": "DBP 邻苯二甲酸二正丁酯",
    "dehp": "DEHP 邻苯二甲酸二(2-乙基已基)酯 邻苯二甲酸双(2-乙基己基)酯 邻苯二甲酸二乙基己酯",
    "picric_acid": "2,4,6-三硝基苯酚",
    "ddt": "DDT",
    "lindane": "γ-六六六 γ-666",
    "carbaryl": "西维因",
    "atrazine": "莠去津",
    "benzo_a_pyrene": "苯并(a)芘 苯并a芘 苯并(α)芘 BaP B(a)P",
    "pcb": "PCB PCBs",
    "microcystin_lr": "微囊藻毒素LR 微囊藻毒素 MC-LR",
}
"""What laboratories write besides the names the standards print, parted by blanks."""

BASES: Mapping[str, tuple[str, ...]] = {
    "以n计": ("nh3n", "tn", "nitrate", "nitrite"),
    "以氮计": ("nh3n", "tn", "nitrate", "nitrite"),
    "以p计": ("tp",),
    "以磷计": ("tp",),
    "以f-计": ("fluoride",),
    "以so42-计": ("sulfate",),
    "以cl-计": ("chloride",),
    "以cn-计": ("cyanide",),
    "以s2-计": ("sulfide",),
    "以i-计": ("iodide",),
    "以caco3计": ("total_hardness",),
    "以碳酸钙计": ("total_hardness",),
    "以o2计": ("oxygen_consumption", "codmn", "cod", "bod5"),
    "以苯酚计": ("volatile_phenol",),
    "codmn法": ("oxygen_consumption",),
    "湖、库": ("tp", "tn"),
    "湖库": ("tp", "tn"),
    "总量": ("xylene", "trichlorobenzene", "tetrachlorobenzene", "dinitrobenzene", "nitrochlorobenzene", "pcb", "ddt"),
}
"""Remarks in brackets that say what the standard means anyway, and of which items."""

LIMIT_WORDS = frozenset(["检出限", "方法检出限", "最低检出限", "检出下限", "检测限", "limit"])
RESULT_WORDS = frozenset(["结果", "监测结果", "检测结果", "测定结果", "监测值", "检测值", "测定值", "浓度", "result"])
LONGEST = 100
"""Letters of a head that can be an item; some patterns take the square of a text's length."""

UNIT_WORDS = frozenset(["单位", "计量单位", "unit"])
CIRCLED = re.compile("[①-⑳*★▲]")
SYMBOL = re.compile(r"[ρcρ]\s*\((.+)\)\Z")


@lru_cache(maxsize=8192)
def item_key(name: str) -> str:
    """A name as items are compared: `plain`, and one kind of bracket, dash and comma.

    >>> item_key("苯并[a]芘") == item_key("苯并（a）芘"), item_key("1、2—二氯乙烷"), item_key("1.1-二氯乙烯")
    (True, '1,2-二氯乙烷', '1,1-二氯乙烯')
    """
    text = plain(CIRCLED.sub("", name)).translate(str.maketrans("[]【】–—‐−、", "()()----,"))
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text)


class Items:
    """The items of water by every name a laboratory may use."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        water = [parameter for parameter in parameters.values() if parameter.medium is Medium.WATER]
        self.names = {item_key(name): parameter for name, parameter in item_names(water).items()}
        for parameter_id, names in SYNONYMS.items():
            if parameter_id in parameters:
                for name in names.split():
                    self.names.setdefault(item_key(name), parameters[parameter_id])

    def find(self, head: str) -> tuple[Parameter | None, str, str]:
        """(item, unit, name without the unit) of what stands over a column; no item when any part is not understood."""
        text = " ".join(head.translate(WIDE).split())
        if len(text) > LONGEST:
            return None, "", snippet(text)
        name, unit = _parted(text)
        inner = SYMBOL.match(name)
        name = inner[1] if inner and item_key(name) not in self.names else name
        found = self.names.get(item_key(text)) or self.names.get(item_key(name))
        rest, remarks = name, []
        while found is None and (bracket := BRACKET.search(rest)):
            remarks += re.split("[,;]", bracket[1])
            rest = rest[: bracket.start()].strip()
            found = self.names.get(item_key(rest))
            if found and not all(self._says(remark, found) for remark in remarks):
                return None, unit, name
        return found, unit, name

    def _says(self, remark: str, parameter: Parameter) -> bool:
        """Whether a remark in brackets says nothing else than the item does."""
        key = plain(remark)
        return not key or parameter.id in BASES.get(key, ()) or self.names.get(item_key(remark)) is parameter


def _parted(text: str) -> tuple[str, str]:
    """A head without its unit, and the unit: `氨氮(mg/L)`, `氨氮 mg/L`, `ρ(氨氮)/(mg·L-1)`, `硝酸盐(以N计,mg/L)`."""
    bracket = BRACKET.search(text)
    if bracket:
        before = text[: bracket.start()].rstrip(" /,:_")
        if before and is_unit(bracket[1]):
            return before, bracket[1].strip()
        parts = re.split("[,;]", bracket[1])
        units = [part for part in parts if is_unit(part)]
        if before and len(units) == 1 and len(parts) > 1:
            return f"{before}({','.join(part for part in parts if part is not units[0])})", units[0].strip()
    for at in range(1, len(text)):
        ended = text[at - 1] in " /,:_)" or not text[at - 1].isascii()  # 色度 and BOD5 end in no unit
        if ended and text[at:] not in ("度", "倍", "%") and is_unit(text[at:]) and text[:at].strip(" /,:_"):
            return text[:at].rstrip(" /,:_"), text[at:].strip()
    return text, ""


def folded(rows: Sequence[Sequence[str]], known: Callable[[str], bool]) -> list[str]:
    """One head per column of a header of several rows: item over unit, group over item, item over 结果 and 检出限."""
    heads = []
    for at in range(max(map(len, rows))):
        parts = list(dict.fromkeys(text for row in rows if at < len(row) and (text := row[at].strip())))
        if len(parts) > 1 and plain(parts[-1]) in UNIT_WORDS:
            parts.pop()
        unit = parts.pop() if len(parts) > 1 and is_unit(parts[-1].strip("()（） ")) else ""
        name = parts[-1] if parts else ""
        if len(parts) > 1 and plain(name) in RESULT_WORDS:
            name = parts[-2]
        elif len(parts) > 1 and plain(name) in LIMIT_WORDS:
            name = f"{parts[-2]}_检出限"
        elif not known(name):
            name = next((part for part in reversed(parts) if known(part)), name)
        heads.append(f"{name}({unit.strip('()（） ')})"[:LONGEST] if unit else name[:LONGEST])
    return heads
