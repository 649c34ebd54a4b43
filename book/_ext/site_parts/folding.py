"""Code is folded: a reader sees the parameters, how to run the chapter with them, and findings.

A chapter's cells stay as they are. Each one's source goes under a line that opens it; what stands
between two pieces of text goes under one line, imports and configuration among it.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SHOW, HIDE = "Show code", "Hide code"
HOW = "Run this chapter with these parameters, or with others"


def is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def part(cell: nodes.container, name: str) -> nodes.container | None:
    return next((c for c in cell.children if c.get("nb_element") == name), None)


def fold(app: Sphinx, doctree: nodes.document) -> None:
    """Fold the code of a page, join neighbours without output, add the command."""
    page = app.env.docname
    for cell in list(doctree.findall(is_cell)):
        if cell not in cell.parent.children:
            continue  # taken in by the one before
        source = part(cell, "cell_code_source")
        if source is None:
            continue
        if "parameters" in cell.get("cell_metadata", {}).get("tags", []):
            cell["classes"].append("parameters")
            place = cell.parent.index(cell)
            cell.parent.insert(place + 1, how_to_run(page, source.astext()))
            continue
        cell["hide_mode"] = "input"
        cell["prompt_show"], cell["prompt_hide"] = SHOW, HIDE
        join_next(cell, source)


def join_next(cell: nodes.container, source: nodes.container) -> None:
    """Take in the sources of the cells that follow at once, up to the first with an output."""
    while part(cell, "cell_code_output") is None:
        siblings = cell.parent.children
        place = siblings.index(cell) + 1
        if place >= len(siblings) or not is_cell(siblings[place]):
            return
        following = siblings[place]
        more = part(following, "cell_code_source")
        if more is None or "parameters" in following.get("cell_metadata", {}).get("tags", []):
            return
        source.extend(more.children)
        output = part(following, "cell_code_output")
        if output is not None:
            cell.append(output)
        cell.parent.remove(following)


def how_to_run(page: str, source: str) -> nodes.container:
    """The command that runs a chapter with the values of its parameters, to copy."""
    values = []
    for line in ast.parse(source).body:
        if isinstance(line, ast.AnnAssign) and line.value is not None:
            value = ast.literal_eval(line.value)
            written = f'"{value}"' if isinstance(value, str) else value
            values.append(f"-p {line.target.id} {written}")
    stem = page.rpartition("/")[2]
    command = " ".join([f"papermill {page}.ipynb {stem}.out.ipynb", *values])
    box = nodes.container(classes=["how-to-run"])
    box += nodes.raw("", f"<details><summary>{HOW}</summary>", format="html")
    box += nodes.literal_block(command, command, language="console")
    box += nodes.raw("", "</details>", format="html")
    return box


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", fold, priority=500)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
