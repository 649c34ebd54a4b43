"""Chapters in JupyterLab: run from top to bottom, formulas, captions, refusals in a line.

Pictures of the pages are kept where $MODLIB_PICTURES names a folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from every_figure import CASES

from modlib.machine import NOTEBOOKS, ROOT

pytest.importorskip("jupyterlab_myst")

CHAPTERS = ("02_neurons", "04_clusters", "07_approximate_crt", "13_transformer_neurons")
TOKEN = "abc"
READY = """() => {
  const session = window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session;
  return session?.kernel?.status === "idle" && document.querySelector(".jp-Notebook .myst");
}"""
IDLE = """() => {
  const {currentWidget} = window.jupyterapp.shell;
  const cells = [...currentWidget.content.model.cells].filter(cell => cell.type === "code");
  const run = cells.filter(cell => cell.executionState === "idle" && cell.executionCount);
  const failed = cells.some(cell => cell.outputs.toJSON().some(o => o.output_type === "error"));
  return failed || run.length === cells.length;
}"""
EVERY_CELL = {"windowingMode": "none"}  # those off the screen as well
UNRESOLVED = """() => [...document.querySelectorAll(".jp-Notebook .myst [class*='text-yellow'],"
  + ".jp-Notebook .myst [class*='text-red']")].map(node => node.innerText)"""
RAW = r"\\frac|\{(?:eq|doc|ref|cite|glue)\b|\.\./book/|\.ipynb\b"
OUTPUTS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
  .filter(cell => cell.type === "code").map(cell => cell.outputs.toJSON())"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """The address of a JupyterLab on copies of chapters and pages, and the chapters' folder."""
    folder = tmp_path_factory.mktemp("lab")
    for name in ("notebooks", "book"):
        shutil.copytree(ROOT / name, folder / "project" / name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        f"JUPYTER{name}": str(folder / name)
        for name in ("_CONFIG_DIR", "_DATA_DIR", "_RUNTIME_DIR", "LAB_SETTINGS_DIR")
    }
    extension = "@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    settings = folder / "LAB_SETTINGS_DIR" / extension
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(EVERY_CELL), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--allow-root"),
        *(f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser"),
        f"--ServerApp.root_dir={folder / 'project'}",
    ]
    environment = {**os.environ, **own, "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}/lab"
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"{address}?token={TOKEN}", timeout=5)
                    break
                except OSError:
                    assert server.poll() is None, (folder / "log").read_text()
                    time.sleep(0.5)
            yield address, folder / "project" / "notebooks"
        finally:
            server.terminate()
            server.wait()


@pytest.fixture
def page(browser):
    """A tall page, so that what is scrolled to is not all that is drawn."""
    opened = browser.new_page(viewport={"width": 1100, "height": 12000})
    opened.set_default_timeout(1_200_000)
    yield opened
    opened.close()


def open_chapter(page, lab: tuple[str, Path], name: str) -> None:
    address = f"{lab[0]}/tree/notebooks/{name}.ipynb?token={TOKEN}&reset"
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_function(READY)


def run_all(page, lab: tuple[str, Path], name: str) -> list[list[dict]]:
    """Run a notebook in Lab; the outputs of its code cells."""
    open_chapter(page, lab, name)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(IDLE)
    page.wait_for_timeout(3000)
    if pictures := os.environ.get("MODLIB_PICTURES"):
        page.screenshot(path=str(Path(pictures) / f"{name}.png"))
    return page.evaluate(OUTPUTS)


def plain(text: str) -> str:
    """The letters of a text, without markup and formulas."""
    return re.sub(r"[^a-z]", "", re.sub(r"\$.*?\$|\{[\w:]+\}`[^`]*`", "", text.lower()))


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_runs_and_reads_well(page, lab, name):
    outputs = run_all(page, lab, name)
    assert not [o for cell in outputs for o in cell if o["output_type"] == "error"]
    assert page.evaluate("document.querySelectorAll('.katex').length") > 5
    read = page.evaluate("[...document.querySelectorAll('.myst')].map(cell => cell.innerText)")
    assert [found for text in read for found in re.findall(RAW, text)] == []
    assert page.evaluate(UNRESOLVED) == []
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    said = [
        plain("".join("".join(o.get("data", {}).get("text/markdown", "")) for o in cell))
        for cell in outputs
    ]
    for cell, below, after in zip(code, said, [*said[1:], ""], strict=True):
        figure = cell["metadata"].get("mystnb", {}).get("figure", {}).get("caption", "")
        assert plain(figure) in below or plain(figure) in after
        assert not figure or below or after, "a caption that the run fills is shown"


@pytest.mark.parametrize(
    ("said", "path"),
    [("notation", "book/notation.md"), ("3 · Embeddings", "notebooks/03_embeddings.ipynb")],
)
def test_a_link_opens_what_it_names(page, lab, said, path):
    open_chapter(page, lab, "02_neurons")
    page.locator(".jp-Notebook a", has_text=said).first.click()
    page.wait_for_function(
        f"window.jupyterapp.shell.currentWidget?.context?.path === {json.dumps(path)}"
    )


def test_a_refused_parameter_is_one_line(page, lab):
    notebook = json.loads((NOTEBOOKS / "04_clusters.ipynb").read_text(encoding="utf-8"))
    parameters = next(c for c in notebook["cells"] if c["metadata"].get("tags") == ["parameters"])
    parameters["source"] = "".join(parameters["source"]).replace("= 133", "= -1")
    (lab[1] / "refused.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    outputs = run_all(page, lab, "refused")
    (error,) = [o for cell in outputs for o in cell if o["output_type"] == "error"]
    (line,) = error["traceback"]
    assert re.fullmatch(r"InputError: seed must be an integer at least 0 .*, got -1", line)


KEYS = {
    **{"crests": "a", "crests, light": "a", "breaker": "sigma", "choir": "a", "cloud": "turn"},
    **{"company": "freq", "draw": "m", "film": "frame", "hands": "a", "song": "freq"},
    **{"spiral": "turn", "unit": "unit", "workers": "out"},
    **{"drop": "net", "trainer": "full"},
}
"""By figure, the control that an arrow key moves."""
BACK = {"film": "ArrowLeft"}
"""Where that control begins at its end."""
SETUP = """
from every_figure import CASES
moved = []
def show(name):
    figure = CASES[name].make()
    figure.observe(lambda change: moved.append(name), names=figure.LINKED)
    return figure
"""


@pytest.mark.slow
def test_every_figure_hears_a_key_or_a_click_and_python_hears_of_it(page, lab):
    cells = [SETUP, *(f"show({name!r})" for name in CASES), "print(*sorted(set(moved)), sep=';')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("Every figure: $n$"))
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab[1] / "every.ipynb")
    run_all(page, lab, "every")
    figures = page.locator(".jp-OutputArea-output .modlib-live [aria-label^='Live figure']")
    outer = [
        figure
        for figure in figures.all()
        if figure.evaluate("one => !one.parentElement.closest('[aria-label^=\"Live figure\"]')")
    ]
    assert len(outer) == len(CASES)
    for name, figure in zip(CASES, outer, strict=True):
        if name == "desk":
            figure.locator("input[type=radio]:not(:checked)").first.click()
            continue
        control = figure.locator(f"[name={KEYS[name]}]").first
        control.focus()
        is_list = control.evaluate("one => one.tagName === 'SELECT'")
        page.keyboard.press("ArrowDown" if is_list else BACK.get(name, "ArrowRight"))
    page.evaluate(
        """async () => {
          const {content} = window.jupyterapp.shell.currentWidget;
          content.deselectAll();
          content.activeCellIndex = content.model.cells.length - 1;
          await window.jupyterapp.commands.execute("notebook:run-cell");
        }"""
    )
    (printed,) = page.evaluate(OUTPUTS)[-1]
    assert set("".join(printed["text"]).strip().split(";")) == set(CASES)
