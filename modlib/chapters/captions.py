"""Captions below figures where no site is built: JupyterLab, papermill.

The site takes captions from the metadata of cells; notebooks show them as output. JupyterLab sends
a cell's metadata along with its code, so that a caption stands below its figure whether the run
fills it before or after.
"""

from __future__ import annotations

import os
import re
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import Markdown, display

SITE = "MODLIB_SITE"
"""Set in the environment of kernels that execute chapters for the site."""

QUOTED = re.compile(r"\{glue:md\}`([^`]+)`")

_filled: dict[str, str] = {}
"""Texts by name whose figure is still to come."""
_drawn: dict[str, str] = {}
"""Captions of figures whose text, by its name, is still to come."""


def show_filled(name: str, text: str) -> None:
    """Show what the run says below a figure: here, or where the figure is drawn later on."""
    if name in _drawn:
        _show(QUOTED.sub(lambda quoted: text, _drawn.pop(name)))
    elif "cellId" in _metadata():
        _filled[name] = text
    else:
        _show(text)


def show_captions_below_figures() -> None:
    """From now on, show the captions of JupyterLab's cells below what they have drawn."""
    shell = get_ipython()
    if shell is not None and _below_figure not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _below_figure)


def _metadata() -> dict[str, Any]:
    """The metadata of the cell that is run, as far as the front end sends them."""
    # A kernel's shell has the method, a terminal's has not.
    told: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)()
    return told.get("metadata") or {}


def _below_figure(result: Any) -> None:
    text = _metadata().get("mystnb", {}).get("figure", {}).get("caption", "")
    quoted = QUOTED.search(text)
    if not result.success:
        return
    if quoted is None or quoted[1] in _filled:
        _show(QUOTED.sub(lambda name: _filled.pop(name[1]), text))
    else:
        _drawn[quoted[1]] = text


def _show(text: str) -> None:
    if text and SITE not in os.environ:
        display(Markdown(text))
