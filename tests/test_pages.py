"""The pages of prose keep pace with the code."""

import re
import runpy
from importlib import import_module

import pytest

from modlib.chapters.parameters import declared_parameters
from modlib.claims.register import load_claims
from modlib.config.presets import FAMILIES
from modlib.config.rules import settings
from modlib.machine import NOTEBOOKS, ROOT

BOOK = ROOT / "book"
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


def cells(page):
    return CELL.findall((BOOK / page).read_text(encoding="utf-8"))


def test_every_parameter_of_the_chapters_is_explained():
    text = (BOOK / "how_to_run.md").read_text(encoding="utf-8")
    table = text.split("### Parameters")[1].split("\n#")[0]
    declared = {
        name for path in NOTEBOOKS.glob("[0-9]*.ipynb") for name in declared_parameters(path)[0]
    }
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(declared)


def test_rows_that_chapters_name_are_those_they_show():
    rows = load_claims()
    replaced = {old for row in rows.values() for old in row.replaces}
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        named = re.findall(r"`([AB]2?\.\w[\w.]*\w)`", path.read_text(encoding="utf-8"))
        assert set(named) <= set(rows) - replaced, path.name


def test_every_module_is_in_the_reference():
    """By itself, or by a package that names what it offers in ``__all__``."""
    texts = [path.read_text(encoding="utf-8") for path in (BOOK / "api").glob("*.md")]
    listed = set(re.findall(r"automodule:: (\S+)", "".join(texts)))
    files = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "modlib").rglob("*.py")]
    modules = {".".join(path.parts) for path in files if not path.stem.startswith("__")}
    packages = {name.rpartition(".")[0] for name in modules}
    offered = {name for name in listed & packages if hasattr(import_module(name), "__all__")}
    assert {name for name in modules - listed if name.rpartition(".")[0] not in offered} == set()


@pytest.mark.parametrize("page", ["scoreboard.md", "deviations.md"])
def test_cells_are_short_and_define_nothing(page):
    assert cells(page)
    for cell in cells(page):
        assert len(cell.strip().splitlines()) <= 12
        assert not re.search(r"^\s*def |lambda", cell, re.MULTILINE)


def test_every_cell_of_the_deviations_runs():
    """In order, in one namespace; the build shows their output."""
    namespace = {}
    for number, cell in enumerate(cells("deviations.md")):
        exec(compile(cell, f"deviations.md, cell {number}", "exec"), namespace)


def test_what_follows_from_the_order_of_imports_is_written():
    rooms = runpy.run_path(str(ROOT / "scripts" / "rooms.py"))
    for path, page in rooms["pages"]().items():
        assert path.read_text(encoding="utf-8") == page, "run: python scripts/rooms.py"


def test_the_reference_tells_every_setting_by_its_line_of_help():
    book = runpy.run_path(str(BOOK / "_ext" / "modlib_book.py"))
    for family in FAMILIES:
        lines = []
        book["describe_settings"](None, "class", "", family, None, lines)
        for one in settings(family):
            start = lines.index(f".. py:attribute:: {one.name}")
            told = [f"   :value: {one.default!r}", "", f"   {one.metadata['help']}"]
            assert lines[start + 1 : start + 4] == told


def test_the_configuration_of_plain_sphinx_is_that_of_the_book():
    written = (BOOK / "sphinx" / "conf.py").read_text(encoding="utf-8")
    made = runpy.run_path(str(ROOT / "scripts" / "sphinx_conf.py"))["text"]()
    found: list[dict] = [{}, {}]
    for text, names in zip((written, made), found, strict=True):
        exec(text, {"__file__": str(BOOK / "sphinx" / "conf.py")}, names)
    public = [{k: v for k, v in names.items() if k not in ("sys", "Path")} for names in found]
    assert public[0] == public[1], "run: python scripts/sphinx_conf.py"


def test_every_part_of_the_site_is_told_of():
    parts = {path.stem for path in (BOOK / "_ext" / "site_parts").glob("[a-z]*.py")}
    told = (BOOK / "_ext" / "site_parts" / "__init__.py").read_text(encoding="utf-8")
    assert parts == set(re.findall(r"^(\w+) {2,}\w", told, re.MULTILINE))


def test_the_example_of_every_room_runs():
    rooms = runpy.run_path(str(ROOT / "scripts" / "rooms.py"))
    assert set(rooms["EXAMPLES"]) == set(rooms["rooms"]())
    namespace = {}
    for room in rooms["rooms"]():
        code = rooms["EXAMPLES"][room]
        exec(compile(code, f"example of {room}", "exec"), namespace)
        assert f"modlib.{room}" in code or "from modlib import" in code


@pytest.mark.slow
def test_every_recipe_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for number, cell in enumerate(cells("from_python.md")):
        exec(compile(cell, f"from_python.md, cell {number}", "exec"), namespace)
    assert namespace["clusters"].seed.nunique() > 25
