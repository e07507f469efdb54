"""Make the bundled extract from the project's folder of development data: `python make_sample.py FOLDER`.

Real: the hourly city air of 2022 and the 4-hourly sections. Made up, and marked so: the laboratory sheets.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import sys
from pathlib import Path

HERE = Path(__file__).parent
CITIES = ("成都", "甘孜州", "甘孜藏族自治州")  # the second is always empty, as published
CODES = "column,code,name\n成都,510100,成都市\n甘孜藏族自治州,513300,甘孜州\n"
PREFECTURES = ("成都市", "甘孜藏族自治州")
MONTHS = [f"2022-{month:02d}" for month in range(1, 13)]


def pack(path: Path, text: str) -> None:
    """Write a .gz whose bytes depend on the text alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode("utf-8"), 9, mtime=0))


def air(source: Path) -> None:
    with gzip.open(source / "air/sichuan_cities_hourly_2022.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        columns = [0, 1, 2, *(header.index(city) for city in CITIES)]
        lines = [",".join(row[at] for at in columns) for row in [header, *rows]]
    pack(HERE / "archive/china_cities_2022.csv.gz", "\n".join(lines) + "\n")
    (HERE / "archive/cities.csv").write_text(CODES, "utf-8")


def sections(source: Path) -> None:
    with open(source / "water/sections_sichuan.csv", encoding="utf-8", newline="") as file:
        listed = [row for row in csv.DictReader(file) if row["city"] in PREFECTURES]
    names = {row["section"] for row in listed}
    with open(HERE / "water/sections.csv", "w", encoding="utf-8", newline="") as file:
        keys = ["section", "city", "basin", "river", "type_inferred"]
        writer = csv.DictWriter(file, keys, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)
    with gzip.open(source / "water/sichuan_sections_4h_202106-202306.csv.gz", "rt", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows)
        name, time = header.index("断面名称"), header.index("监测时间")
        kept = [row for row in rows if row[name] in names and "2021-12" <= row[time][:7] <= "2022-12"]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *sorted(kept, key=lambda row: (row[time], row[name]))])
    pack(HERE / "water/sections_4h_202112-202212.csv.gz", out.getvalue())


# Everything below is invented: usual sizes of clean mountain and plain rivers, and three sources.
ITEMS = {
    # column: (usual value, spread, decimals, detection limit or None)
    "pH": ("7.9", "0.3", 1, None),
    "溶解氧(mg/L)": ("8.6", "0.9", 1, None),
    "高锰酸盐指数(mg/L)": ("1.8", "0.6", 1, None),
    "化学需氧量(mg/L)": ("8", "3", 0, "4"),
    "五日生化需氧量(mg/L)": ("1.1", "0.4", 1, "0.5"),
    "氨氮(mg/L)": ("0.06", "0.05", 3, "0.025"),
    "总磷(mg/L)": ("0.03", "0.02", 2, "0.01"),
    "铜(mg/L)": ("0.001", "0.001", 3, "0.001"),
    "锌(mg/L)": ("0.02", "0.02", 2, "0.05"),
    "氟化物(mg/L)": ("0.18", "0.05", 2, None),
    "硒(µg/L)": ("0.3", "0.2", 1, "0.4"),
    "砷(µg/L)": ("1.2", "0.8", 1, "0.3"),
    "汞(µg/L)": ("0.02", "0.01", 2, "0.04"),
    "镉(µg/L)": ("0.03", "0.02", 2, "0.05"),
    "六价铬(mg/L)": ("0.002", "0.001", 3, "0.004"),
    "铅(µg/L)": ("0.5", "0.4", 1, "0.9"),
    "氰化物(mg/L)": ("0.0005", "0.0003", 4, "0.001"),
    "挥发酚(mg/L)": ("0.0002", "0.0001", 4, "0.0003"),
    "石油类(mg/L)": ("0.005", "0.003", 3, "0.01"),
    "阴离子表面活性剂(mg/L)": ("0.02", "0.01", 2, "0.05"),
    "硫化物(mg/L)": ("0.002", "0.001", 3, "0.01"),
}
SOURCE_ITEMS = {
    **ITEMS,
    "粪大肠菌群(个/L)": ("400", "300", 0, "20"),
    "硫酸盐(mg/L)": ("24", "8", 0, None),
    "氯化物(mg/L)": ("3.2", "1.2", 1, None),
    "硝酸盐(mg/L)": ("0.9", "0.3", 2, None),
    "铁(mg/L)": ("0.06", "0.05", 2, "0.03"),
    "锰(mg/L)": ("0.03", "0.02", 2, "0.01"),
}
GROUND_ITEMS = {
    "pH": ("7.4", "0.2", 1, None),
    "总硬度(mg/L)": ("210", "30", 0, None),
    "溶解性总固体(mg/L)": ("290", "40", 0, None),
    "硫酸盐(mg/L)": ("31", "8", 0, None),
    "氯化物(mg/L)": ("6.1", "1.5", 1, None),
    "铁(mg/L)": ("0.05", "0.04", 2, "0.03"),
    "锰(mg/L)": ("0.03", "0.02", 2, "0.01"),
    "铜(mg/L)": ("0.001", "0.001", 3, "0.001"),
    "锌(mg/L)": ("0.02", "0.02", 2, "0.05"),
    "挥发性酚类(mg/L)": ("0.0002", "0.0001", 4, "0.0003"),
    "阴离子表面活性剂(mg/L)": ("0.02", "0.01", 2, "0.05"),
    "耗氧量(mg/L)": ("0.8", "0.3", 1, "0.5"),
    "氨氮(mg/L)": ("0.05", "0.04", 3, "0.025"),
    "亚硝酸盐(mg/L)": ("0.002", "0.001", 3, "0.003"),
    "硝酸盐(mg/L)": ("1.9", "0.5", 2, None),
    "氰化物(mg/L)": ("0.0005", "0.0003", 4, "0.001"),
    "氟化物(mg/L)": ("0.21", "0.05", 2, None),
    "汞(µg/L)": ("0.02", "0.01", 2, "0.04"),
    "砷(µg/L)": ("0.6", "0.4", 1, "0.3"),
    "镉(µg/L)": ("0.03", "0.02", 2, "0.05"),
    "铅(µg/L)": ("0.5", "0.4", 1, "0.9"),
}
PLACES = {
    # name: (kind, items)
    "示例河手工断面": ("断面", ITEMS),
    "示例溪手工断面": ("断面", ITEMS),
    "示例沟水源地": ("水源地", SOURCE_ITEMS),
    "示例水库水源地": ("水源地", SOURCE_ITEMS),
    "示例井水源地": ("水源地", GROUND_ITEMS),
}
EVENTS = {
    # what happens in the invented year
    ("示例水库水源地", "2022-07", "锰(mg/L)"): "0.15",
    ("示例溪手工断面", "2022-08", "总磷(mg/L)"): "0.24",
    ("示例溪手工断面", "2022-08", "化学需氧量(mg/L)"): "23",
    ("示例溪手工断面", "2022-03", "五日生化需氧量(mg/L)"): "-1",
}


def printed(chance: random.Random, usual: str, spread: str, decimals: int, limit: str | None) -> str:
    value = max(0.0, chance.gauss(float(usual), float(spread) / 2))
    if limit is not None and value < float(limit):
        return f"{limit}L"
    return f"{value:.{decimals}f}"


def laboratory() -> None:
    folder = HERE / "lab"
    folder.mkdir(exist_ok=True)
    columns = list(dict.fromkeys([*SOURCE_ITEMS, *GROUND_ITEMS]))
    for month in MONTHS:
        chance = random.Random(month)
        with open(folder / f"lab_{month}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["类型", "名称", "采样日期", *columns, "备注"])
            for place, (kind, items) in PLACES.items():
                cells = {column: printed(chance, *form) for column, form in items.items()}
                cells |= {column: text for (who, when, column), text in EVENTS.items() if (who, when) == (place, month)}
                day = 5 + chance.randrange(5)
                row = [kind, place, f"{month}-{day:02d}", *(cells.get(column, "") for column in columns)]
                writer.writerow([*row, "示例数据，非实测"])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (HERE / "water").mkdir(exist_ok=True)
    air(folder)
    sections(folder)
    laboratory()
