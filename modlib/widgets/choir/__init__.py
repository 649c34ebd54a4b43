"""A choir on a wheel: what a cluster's neurons say, one by one, and together."""

from __future__ import annotations

from typing import ClassVar

import traitlets

from modlib.widgets.network import NetworkFigure


class Choir(NetworkFigure):
    """Votes of a cluster's neurons at a pair (a, b).

    ``cluster``: its index; ``silent``: members that do not vote, by their place in it.
    """

    NAME: ClassVar[str] = "choir"
    LINKED: ClassVar[tuple[str, ...]] = ("cluster", "a", "b", "silent")

    cluster = traitlets.Int().tag(sync=True)
    a = traitlets.Int().tag(sync=True)
    b = traitlets.Int().tag(sync=True)
    silent = traitlets.List(traitlets.Int()).tag(sync=True)
