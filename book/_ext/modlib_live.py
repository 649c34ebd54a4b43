"""Live figures in the built pages: their text/html is shown, and nothing of a kernel is kept.

A page that holds an ipywidget would carry the widget's state a second time, for scripts that load
from other hosts; its text/html has all that it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from myst_nb.sphinx_ import NbMetadataCollector

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.config import Config

WIDGET = "application/vnd.jupyter.widget-view+json"


def prefer_html(app: Sphinx, config: Config) -> None:
    """In every format: a widget's view needs a kernel."""
    others = config["nb_mime_priority_overrides"]
    config["nb_mime_priority_overrides"] = [*others, ("*", WIDGET, None)]


def drop_widget_state(app: Sphinx, doctree: nodes.document) -> None:
    """Take the state of widgets out of what a page carries."""
    scripts = NbMetadataCollector.get_js_files(app.env, app.env.docname)
    scripts.pop("ipywidgets_state", None)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", prefer_html)
    app.connect("doctree-read", drop_widget_state)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
