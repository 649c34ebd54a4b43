"""A result travels one way: the direction of every import in modlib, read from the source."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

import modlib
from modlib.machine import ROOT
from modlib.results.measured import ROOMS

PACKAGE = Path(modlib.__file__).parent

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ORDER = [
    *SETTINGS["tool"]["modlib"]["order"].replace("<", ",").replace(" ", "").split(","),
    "__main__",
]
"""From a configuration to a page: each part may import those before it, and its own modules."""

FORBIDDEN = {
    "store": {"config", "maths"},
    "training": {"analysis"},
    "analysis": {"machine", "store", "training"},
    "claims": {"store", "training", "runs"},
    "plots": {"machine", "store", "training", "runs"},
}
"""What a part must not import although the order would allow it."""

NOT_MEASURED = {"progress", "training", "runs", "plots"}
"""Rooms above ``claims`` on which no measured value rests once the tables are made."""

FILE_MODULES = {"io", "os", "pathlib", "shutil", "tempfile", "json", "tomllib", "safetensors"}
FILE_CALLS = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "fromfile", "tofile"),
    *("load", "save", "savez", "loadtxt", "genfromtxt", "savetxt", "memmap"),
    *("read_parquet", "to_parquet", "read_csv", "to_csv", "read_json", "load_file", "save_file"),
}

SOURCES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """``modlib.analysis.battery`` for its file, ``modlib.analysis`` for the package's."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(("modlib", *(part for part in parts if part != "__init__")))


MODULES = {name_of(path): path for path in SOURCES}


def imported(source: str) -> set[str]:
    """Full names of all that a source imports, wherever in it; modlib's resolved to modules."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else module for name in names}
    return found


def part_of(module: str) -> str | None:
    """``analysis`` for ``modlib.analysis.macro.crt``; None outside modlib and for modlib itself."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] or None if top == "modlib" else None


def breaks(part: str, source: str) -> list[str]:
    """Parts that a source of ``part`` imports against the order or a prohibition."""
    others = {other for module in imported(source) if (other := part_of(module))}
    late = {other for other in others - {part} if ORDER.index(other) >= ORDER.index(part)}
    return sorted(late | others & FORBIDDEN.get(part, set()))


def file_accesses(source: str) -> list[str]:
    """Modules and calls by which a source could reach the disk."""
    tree = ast.parse(source)
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {f.id if isinstance(f, ast.Name) else getattr(f, "attr", "") for f in calls}
    modules = {module.partition(".")[0] for module in imported(source)}
    return sorted(modules & FILE_MODULES | names & FILE_CALLS)


def test_every_part_has_its_place_in_the_order():
    assert {part for module in MODULES if (part := part_of(module))} <= set(ORDER)


def test_kept_values_know_the_code_of_all_rooms_that_they_rest_on():
    until = {"claims", *ORDER[: ORDER.index("queue") + 1]}
    known = {room.removesuffix(".py") for room in ROOMS}
    assert known == (until - NOT_MEASURED) | {"runs/remainders"}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_upwards_only(module):
    part = part_of(module)
    source = MODULES[module].read_text(encoding="utf-8")
    if part is None:
        assert not any(part_of(other) for other in imported(source)), (
            "modlib itself imports nothing"
        )
    else:
        assert breaks(part, source) == []


def test_modules_of_one_part_do_not_import_each_other_in_a_circle():
    waiting = {
        module: {other for other in imported(path.read_text(encoding="utf-8")) if other in MODULES}
        for module, path in MODULES.items()
    }
    while waiting:
        free = {
            module for module, others in waiting.items() if not others - {module} & waiting.keys()
        }
        assert free, f"these import each other: {sorted(waiting)}"
        waiting = {
            module: others - free for module, others in waiting.items() if module not in free
        }


WITHOUT_FILES = [
    path
    for path in SOURCES
    if path.is_relative_to(PACKAGE / "analysis") or path.is_relative_to(PACKAGE / "models/views")
]


@pytest.mark.parametrize("path", WITHOUT_FILES, ids=name_of)
def test_the_analysis_reads_no_file(path):
    assert file_accesses(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("part", "statement", "broken"),
    [
        ("plots", "from modlib.training.addition.loop import train", ["training"]),
        ("plots", "from modlib.runs import addition", ["runs"]),
        ("plots", "import modlib.store.runs", ["store"]),
        ("analysis", "def late():\n    from modlib.store import runs", ["store"]),
        ("training", "from modlib.analysis.macro.crt import votes_at", ["analysis"]),
        ("store", "from modlib.analysis.macro import tables", ["analysis"]),
        ("store", "from modlib.config.addition import AdditionConfig", ["config"]),
        ("runs", "from modlib.chapters.words import about_run", ["chapters"]),
        ("results", "from modlib.claims.ledger import ledger", ["claims"]),
        ("config", "from modlib import __version__, errors", []),
        ("chapters", "from modlib.runs.addition import AdditionRun", []),
    ],
)
def test_a_planted_import_against_the_order_is_found(part, statement, broken):
    assert breaks(part, statement) == broken


def test_a_planted_file_access_is_found():
    assert file_accesses("from pathlib import Path\nPath('x').read_text()") == [
        "pathlib",
        "read_text",
    ]
    assert file_accesses("import numpy as np\nnp.load('x')") == ["load"]
    assert file_accesses("open('x')") == ["open"]
    assert file_accesses("import numpy as np\nnp.log(2.0)") == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_the_package_neither_prints_nor_swallows_every_error(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"line {node.lineno}"
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            broad = caught in ("everything", "Exception", "BaseException")
            assert raises or not broad, f"line {node.lineno} catches {caught}"
