"""Progress: one kind of bar, shown where somebody watches, and not as an error.

A terminal gets it on standard error, which JupyterLab would paint red: there it is an output like
any other. A notebook that a program executes (papermill, the site, the tests) has no bar, since
nobody watches its cells and the page would keep it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def shell() -> Any:
    """IPython's shell where one runs this code, else None."""
    loaded: Any = sys.modules.get("IPython")  # not imported for a bar: it takes long to load
    return loaded and loaded.get_ipython()


def cell_metadata() -> dict[str, Any] | None:
    """The metadata of the notebook's cell that is run; None outside a notebook.

    JupyterLab sends them along with the code, ``cellId`` among them; programs that execute
    notebooks send none.
    """
    running = shell()
    if not hasattr(running, "get_parent"):  # a kernel's shell has the method, a terminal's has not
        return None
    told: dict[str, Any] = running.get_parent().get("metadata") or {}
    return told


def is_watched(cell: dict[str, Any] | None) -> bool:
    """Whether a front end shows the cell while it runs."""
    return cell is not None and "cellId" in cell


class Bar(tqdm):
    """tqdm's bar, with its arguments, on the stream of the place where it is shown.

    ``disable=None``: shown on a terminal alone.
    """

    def __init__(
        self, iterable: Iterable[Any] | None = None, *, disable: bool | None = False, **options: Any
    ) -> None:
        cell = cell_metadata()
        if cell is not None:
            disable = disable or disable is None or not is_watched(cell)
            options.setdefault("file", sys.stdout)
        super().__init__(iterable, disable=disable, **options)
