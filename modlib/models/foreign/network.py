"""Other people's networks, as tables of their inputs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from modlib.models.foreign.views_of import Respond
from modlib.models.views.neuron_view import NeuronView
from modlib.models.views.pair_view import Network, PairView
from modlib.tasks.operations import Coordinates


@dataclass(frozen=True, kw_only=True, eq=False)
class ForeignNetwork:
    """A network on pairs of Z_n that was not trained here, as the analyses need it.

    ``norm``: L2 norm of all trained parameters, None for arrays; ``attention_rate``: of
    ``zhong_transformer`` alone; ``notes``: what was guessed or left out. ``view``: the network
    itself where ``exact``, else the sum of a part of a and a part of b that comes nearest, with
    the shares of variance that it misses (``pair_view.Additive``). ``embedding``,
    ``embedding_b``: (n, embed), one array where both inputs share it; ``respond``: logits
    (pair, n) from embedded a and b, (pair, embed) each, float64 and differentiable; None for
    arrays and for networks on one-hot inputs.
    """

    name: str
    layout: str
    n: int
    norm: float | None
    attention_rate: float | None
    notes: tuple[str, ...]
    view: NeuronView
    preact_error: float
    skip_error: float
    exact: bool
    embedding: Float[np.ndarray, "n embed"] | None
    embedding_b: Float[np.ndarray, "n embed"] | None
    shares_embedding: bool
    """Whether both inputs have one embedding."""
    respond: Respond | None
    tables: PairView | None = field(repr=False)
    """The tables of pairs where ``view`` is not the network itself."""

    @property
    def whole(self) -> Network:
        """The network itself: its view where that is exact, else its tables of pairs."""
        return self.view if self.tables is None else self.tables

    @property
    def pairs(self) -> PairView:
        """The network's exact tables of pairs."""
        return PairView.of(self.view) if self.tables is None else self.tables

    def relabelled(self, coordinates: Coordinates) -> ForeignNetwork:
        """The network in coordinates in which its task is addition modulo their number.

        It responds to embeddings as before: its logits there are in the network's own order.
        """
        a, b, c = coordinates
        embedding, embedding_b = self.embedding, self.embedding_b
        return replace(
            self,
            n=len(c),
            view=self.view.relabelled(a, b, c),
            tables=None if self.tables is None else self.tables.relabelled(a, b, c),
            embedding=None if embedding is None else embedding[a],
            embedding_b=None if embedding_b is None else embedding_b[b],
        )
