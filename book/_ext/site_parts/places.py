"""Places: a link may name a label of a page, or a paper of the bibliography by its key.

Chapters use links, no roles: ``[Zhong et al. (2023)](../book/bibliography.md#zhong2023)`` reads the
same on the site, in JupyterLab and wherever else a notebook is shown. MyST finds headings behind
``#`` only; here it is told of the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


def name_places(app: Sphinx, env: BuildEnvironment) -> None:
    """Add labels and the bibliography's entries to the places of their pages."""
    labels = env.get_domain("std").anonlabels
    places = [(page, name, target) for name, (page, target) in labels.items()]
    for cited in env.get_domain("cite").citations:
        places.append((cited.bibliography_key.docname, cited.key, cited.citation_id))
    for page, name, target in places:
        env.metadata[page].setdefault("myst_slugs", {}).setdefault(name, (None, target, ""))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("env-updated", name_places, priority=900)  # the bibliography is known by then
    return {"parallel_read_safe": True, "parallel_write_safe": True}
