"""The house rules that a machine can hold: floors, walls, doors, no circles, no forbidden names, no files too large."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "envmon"
FILES = sorted(HOUSE.rglob("*.py"))

FLOORS = {
    "cli": 6,
    "web": 6,
    "daemon": 5,
    "feed": 5,
    "listener": 5,
    "pipeline": 4,
    "sources": 3,
    "notify": 3,
    "qc": 2,
    "assess": 2,
    "alerts": 2,
    "wording": 2,
    "hj212": 2,
    "sheets": 2,
    "charts": 2,
    "store": 2,
    "http": 2,
    "config": 2,
    "standards": 2,
    "model": 1,
    "periods": 1,
    "rounding": 1,
    "errors": 1,
    "texts": 1,
    "fonts": 1,
}
PURE = {"qc", "assess", "alerts", "wording", "charts", "hj212"}
DOORS = {
    "click": {"cli"},
    "schedule": {"daemon"},
    "signal": {"daemon"},
    "requests": {"http"},
    "urllib3": {"http"},
    "sqlite3": {"store"},
    "sqlite_utils": {"store"},
    "matplotlib": {"charts"},
    "pydantic": {"config"},
    "openpyxl": set(),  # the tests write workbooks with it
    "python_calamine": {"sources"},
    "xlsxwriter": {"sheets"},
    "asyncio": {"listener", "feed"},
    "defusedxml": {"sources"},
}


def room(path: Path) -> str:
    """The room a file belongs to: its folder or file name directly below envmon/."""
    return path.relative_to(HOUSE).parts[0].removesuffix(".py") or "envmon"


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def rooms_entered(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports(path) if name.startswith("envmon.")]
    return {part[1] for part in parts if part[1] != "__version__"} - {room(path)}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_imports_only_from_floors_below(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    for other in rooms_entered(path):
        ground = FLOORS[here] == FLOORS[other] == 1  # the nouns rest on the calendar and the errors
        assert FLOORS[other] < FLOORS[here] or ground, f"{path}: {here} -> {other}"


@pytest.mark.parametrize("path", [p for p in FILES if room(p) in PURE], ids=lambda p: str(p.relative_to(HOUSE)))
def test_the_pure_middle_imports_floor_one_only(path: Path) -> None:
    allowed = {name for name, floor in FLOORS.items() if floor == 1}
    assert rooms_entered(path) <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_each_library_has_one_door(path: Path) -> None:
    for name in imports(path):
        library = name.partition(".")[0]
        if library in DOORS:
            assert room(path) in DOORS[library], f"{path} imports {library}"


def calls(path: Path) -> list[str]:
    return [
        ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
    ]


def test_print_sql_clock_and_broad_except_stay_where_they_belong() -> None:
    clocks = re.compile(r"(datetime|date|pd\.Timestamp)\.(now|today|utcnow)|time\.time")
    broad = []
    for path in FILES:
        here, text = room(path), path.read_text("utf-8")
        made = calls(path)
        assert here == "cli" or "print" not in made, f"{path}: print"
        if here not in ("cli", "web", "daemon", "listener"):
            assert not [name for name in made if clocks.fullmatch(name)], f"{path}: asks the clock"
        if here != "store":
            assert not re.search(r"\b(SELECT .* FROM|INSERT INTO|DELETE FROM)\b", text), f"{path}: SQL"
        broad += [here for _ in re.finditer(r"except( Exception| BaseException)?( as \w+)?:", text)]
    assert broad == ["daemon"]


def test_no_forbidden_names() -> None:
    for path in FILES:
        assert path.stem not in {"utils", "helpers", "common", "misc"}
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                assert not re.search(r"(Manager|Service|Handler|Processor|Base)\Z", node.name), f"{path}: {node.name}"
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text("utf-8")), path


def test_files_and_functions_stay_readable() -> None:
    lengths = []
    for path in FILES:
        text = path.read_text("utf-8")
        assert text.count("\n") <= 600, f"{path} has more than 600 lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lengths.append((node.end_lineno or 0) - node.lineno + 1)
                assert lengths[-1] <= 60, f"{path}: {node.name} has {lengths[-1]} lines"
    assert sorted(lengths)[len(lengths) // 2] < 20


def test_no_circles() -> None:
    """Module-level imports between files form no circle."""
    edges: dict[str, set[str]] = {}
    names = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in FILES}
    for name, path in names.items():
        top = [n for n in ast.parse(path.read_text("utf-8")).body if isinstance(n, ast.Import | ast.ImportFrom)]
        wanted = set()
        for node in top:
            if isinstance(node, ast.ImportFrom) and node.module:
                wanted |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names}
        edges[name] = {other for other in wanted if other in names and other != name}
    while edges:
        free = [name for name, wanted in edges.items() if not wanted & edges.keys()]
        assert free, f"a circle among {sorted(edges)}"
        for name in free:
            del edges[name]


def test_no_path_of_a_machine_and_no_registry_in_any_tracked_file() -> None:
    hosts = "|".join(["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian"])
    machine = r"(^|[^A-Za-z0-9_.])/(" + "|".join(["wo" + "rk", "fa" + "rm", "ro" + "ot"]) + r")/"
    for path in ROOT.rglob("*"):
        if path.suffix in {".py", ".md", ".toml", ".lock", ".csv", ".html"} or path.name == "Makefile":
            if {".venv", "charts", ".git"} & set(path.relative_to(ROOT).parts[:1]):
                continue
            text = path.read_text("utf-8", errors="replace")
            assert not re.search(hosts, text), path
            assert not re.search(machine, text), path


def test_the_list_of_nouns_is_whole() -> None:
    """`envmon.model` loads nouns by name; every public one of its files is on the list, at its place."""
    from envmon import model

    for home, names in model.HOMES.items():
        tree = ast.parse((HOUSE / "model" / f"{home}.py").read_text("utf-8"))
        classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        assert classes <= set(names), home
        assert all(hasattr(model, name) for name in names)
