"""Captions below figures where no site is built: JupyterLab, papermill.

The site takes captions from the metadata of cells; notebooks show them as output.
"""

from __future__ import annotations

import os
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import Markdown, display

SITE = "MODLIB_SITE"
"""Set in the environment of kernels that execute chapters for the site."""


def show_caption(text: str) -> None:
    """Show a caption where the site does not."""
    if text and SITE not in os.environ:
        display(Markdown(text))


def show_captions_below_figures() -> None:
    """From now on, show the caption that a cell's metadata hold below what the cell has drawn.

    JupyterLab sends these metadata along; elsewhere nothing happens. Captions that the run fills
    are shown by ``say.caption``.
    """
    shell = get_ipython()
    if shell is not None and hasattr(shell, "get_parent") and SITE not in os.environ:
        hooks = shell.events.callbacks["post_run_cell"]
        if _below_figure not in hooks:
            shell.events.register("post_run_cell", _below_figure)


def _below_figure(result: Any) -> None:
    metadata = get_ipython().get_parent().get("metadata") or {}
    text = metadata.get("mystnb", {}).get("figure", {}).get("caption", "")
    if result.success and not text.startswith("{glue"):
        show_caption(text)
