"""Write ``book/sphinx/conf.py`` from ``_config.yml``: the same book by Sphinx alone.

Jupyter Book turns its configuration into Sphinx's; this writes down what comes out, without the
extensions that are Jupyter Book's own. ``make book-sphinx`` builds with it. A test says when the
file no longer belongs to the configuration.
"""

from __future__ import annotations

from pathlib import Path
from pprint import pformat

from jupyter_book.config import get_final_config

ROOT = Path(__file__).resolve().parents[1]
CONF = ROOT / "book" / "sphinx" / "conf.py"
OF_JUPYTER_BOOK = {
    "extensions": {"jupyter_book", "sphinx_comments", "sphinx_jupyterbook_latex"}
    | {"sphinx_multitoc_numbering"},
    "settings": {"comments_config", "latex_engine", "use_jupyterbook_latex"}
    | {"use_multitoc_numbering", "html_logo"},
}
HEAD = '''"""Sphinx alone: this book. Written by scripts/sphinx_conf.py from _config.yml."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "_ext"))

project = {title!r}
'''


def text() -> str:
    """The file's content."""
    found, _ = get_final_config(
        user_yaml=ROOT / "_config.yml", cli_config={"latex_individualpages": False}
    )
    dropped = OF_JUPYTER_BOOK["extensions"]
    found["extensions"] = [name for name in found["extensions"] if name not in dropped]
    lines = [
        f"{name} = {pformat(value, width=96)}"
        for name, value in sorted(found.items())
        if name not in OF_JUPYTER_BOOK["settings"]
    ]
    return HEAD.format(title=found["html_title"]) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    CONF.parent.mkdir(exist_ok=True)
    CONF.write_text(text(), encoding="utf-8")
