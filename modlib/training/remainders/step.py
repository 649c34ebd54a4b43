"""One exact training step of paper B's transformer, many times faster than the module's.

The backward pass of ``forward.FastNetwork`` by hand: through the same tables over tokens, and
without the columns that dropout leaves out. The training set is worked off in ``NUM_PARTS`` parts
whose gradients are added in a fixed order, so that the result is the same for any number of
threads.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from jaxtyping import Float

from modlib.tasks.remainders import RemaindersTask
from modlib.training.flat import named_views
from modlib.training.kernels import attention as kernels
from modlib.training.kernels.adamw import adamw, filtered
from modlib.training.remainders.buffers import BLOCK, NUM_PARTS, Layers, Masks, Tables
from modlib.training.remainders.forward import FastNetwork
from modlib.training.remainders.token_tables import shaped


class FastStep(FastNetwork):
    """Gradients of the transformer on a task's training set, and its parameters' updates.

    ``weights``: initial parameters. ``x0``, ``x1``, ``targets`` (task, number): the training set;
    where the feed-forward layer is fed from tables, numbers are sorted, whose order is free as
    they share a mask. ``theta``, ``grad``, ``slow``, ``first``, ``second``: parameters, gradient,
    its moving average and Adam's moments, as one vector each.
    """

    def __init__(
        self,
        task: RemaindersTask,
        weights: Mapping[str, np.ndarray],
        *,
        threads: int = 1,
        dtype: type = np.float32,
        by_tables: bool | None = None,
    ) -> None:
        super().__init__(task, weights, threads=threads, dtype=dtype, by_tables=by_tables)
        state: np.ndarray = np.zeros((4, len(self.theta)), dtype=dtype)
        self.grad, self.slow, self.first, self.second = state
        self.d_parameters = named_views(self.grad, self.shapes)
        numbers = task.split["train"]
        self.scales: np.ndarray = (task.loss_weights / len(numbers)).astype(dtype)
        if self.by_tables:
            x0, x1 = (x[numbers] for x in task.digits)
            numbers = numbers[np.lexsort((x1, x0))]
        self.x0, self.x1 = (x[numbers] for x in task.digits)
        self.targets = np.ascontiguousarray(task.answers[numbers].T)
        self.used: Tables | None = None
        names = ("unembed", "w_out") if self.by_tables else ("unembed", "w_out", "w_in")
        # Gradients of the large matrices, part by part.
        self.held = {
            name: np.empty(NUM_PARTS * int(np.prod(self.shapes[name])), dtype=self.dtype)
            for name in names
        }

    def state(self) -> dict[str, np.ndarray]:
        """What a resumed training needs, by name."""
        return {"theta": self.theta, "slow": self.slow, "first": self.first, "second": self.second}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""
        for name, array in self.state().items():
            array[:] = state[name]

    def gradient(
        self, keep: Masks | None = None, *, want_losses: bool = False
    ) -> Float[np.ndarray, " task"] | None:
        """Gradient of the weighted loss over all numbers, into ``grad``.

        Returns the mean cross-entropy by task, in nats, where asked for.
        """
        self.used = tables = self.tables()
        masks = keep and [np.atleast_2d(mask) for mask in keep]
        layers = self._layers(tables, masks if self.by_tables else None)
        own = None if self.by_tables else masks
        bounds = np.linspace(0, len(self.x0), NUM_PARTS + 1).astype(int)
        d_unembed, d_w_out = (
            shaped(self.held[name], NUM_PARTS, *shape)
            for name, shape in (("unembed", layers.unembed.shape), ("w_out", layers.w_out.shape))
        )

        def work(part: int) -> tuple[np.ndarray, np.ndarray]:
            numbers = range(*bounds[part : part + 2])
            to = {"unembed": d_unembed[part], "w_out": d_w_out[part]}
            if not self.fed:
                shape = self.parameters["w_in"].shape
                to["w_in"] = shaped(self.held["w_in"], NUM_PARTS, *shape)[part]
            return self._part(tables, layers, own, part, numbers, to, want_losses)

        d_scores, losses = zip(*self._in_parts(work), strict=True)
        unembed, w_out = (self.d_parameters[name] for name in ("unembed", "w_out"))
        # Masked columns have no gradient; parts are added in their order, whichever came first.
        unembed[...], w_out[...] = 0, 0
        unembed[layers.kept] = d_unembed.sum(0).T
        w_out[:, layers.kept] = d_w_out.sum(0) * layers.factors
        self._tables_back(tables, layers, np.sum(d_scores, axis=0))
        return np.sum(losses, axis=0) / len(self.x0) if want_losses else None

    def tables_used(self) -> Tables:
        """The tables of the last gradient, of the parameters before its update."""
        assert self.used is not None
        return self.used

    def weights(self) -> dict[str, np.ndarray]:
        """A copy of the parameters by name."""
        return named_views(self.state()["theta"].copy(), self.shapes)

    @property
    def gradient_norms(self) -> dict[str, float]:
        """L2 norm of the gradient of each parameter."""
        return {name: float(np.linalg.norm(view)) for name, view in self.d_parameters.items()}

    def _part(
        self,
        tables: Tables,
        layers: Layers,
        masks: Sequence[np.ndarray] | None,
        part: int,
        numbers: range,
        to: Mapping[str, np.ndarray],
        want_losses: bool,
    ) -> tuple[np.ndarray, Float[np.ndarray, " task"]]:
        """Gradients over some numbers: of the large matrices ``to`` arrays, of tables to theirs.

        Returns that of the scores, and summed losses.
        """
        work = self.works[part]
        d_scores = np.zeros_like(tables.scores)
        losses = np.zeros(len(self.scales))
        for table in self._tables_held():
            table.begin_back(part)
        # More parts than numbers: the caller adds these arrays all the same.
        if not numbers:
            for array in to.values():
                array[...] = 0
        cuts = np.linspace(numbers.start, numbers.stop, -(-len(numbers) // BLOCK) + 1).astype(int)
        for start, stop in itertools.pairwise(cuts):
            here, add = slice(start, stop), start > numbers.start
            own = masks and [mask if len(mask) == 1 else mask[here] for mask in masks]
            x0, x1 = self.x0[here], self.x1[here]
            targets = np.ascontiguousarray(self.targets[:, here])
            block = self.forward(tables, layers, work, x0, x1, own)
            correct, totals = self._powers(block["logits"], targets, work)
            if want_losses:
                losses += (np.log(totals) - correct).sum(1, dtype=np.float64)
            d_logits, d_out = block["logits"], block["d_out"]
            # d logits, in the logits' place.
            kernels.cross_entropy_back(d_logits, self.starts, targets, totals, self.scales)
            # d unembed^T = d logits out, and d out = d logits^T unembed^T.
            work.multiply(d_logits, block["out"], to["unembed"], add=add, half=self.half)
            work.multiply(d_logits, layers.unembed, d_out, turn_a=True, half=self.half)
            self._stream_back(part, block, layers, own, here, to, add=add)
            kernels.weigh_back(block["weights"], block["d_weights"], x0, x1, d_scores)
        return d_scores, losses

    def _stream_back(
        self,
        part: int,
        block: Mapping[str, np.ndarray],
        layers: Layers,
        masks: Sequence[np.ndarray] | None,
        here: slice,
        to: Mapping[str, np.ndarray],
        *,
        add: bool,
    ) -> None:
        """From d out of a block to that of w_out, of the tables, and to ``block["d_weights"]``."""
        work, half = self.works[part], self.half
        hidden, d_hidden = block["hidden"], block["d_hidden"]
        d_out, d_weights = block["d_out"], block["d_weights"]
        if masks is not None:
            kernels.scale_columns(d_out, masks[1])
        # d w_out = hidden^T d out, and d hidden = d out w_out^T.
        work.multiply(hidden, d_out, to["w_out"], turn_a=True, add=add, half=half)
        work.multiply(d_out, layers.w_out_t, d_hidden, half=half)
        d_weights[...] = 0
        at = (part, block["weights"], self.x0[here], self.x1[here])
        # Through ReLU: to the table that fed the layer, or to w_in and once more to the stream.
        if self.fed:
            self.fed.mix_back(*at, hidden, d_hidden, d_weights, positive=True)
        else:
            assert layers.w_in_t is not None
            kernels.relu_back(hidden, d_hidden)
            work.multiply(block["middle"], d_hidden, to["w_in"], turn_a=True, add=add, half=half)
            work.multiply(d_hidden, layers.w_in_t, d_out, add=True, half=half)
            if masks is not None:
                kernels.scale_columns(d_out, masks[0])
        # The stream is a mixture of its own table; with it d weights is whole.
        self.stream.mix_back(*at, block["out"], d_out, d_weights)

    def _tables_back(
        self, tables: Tables, layers: Layers, d_scores: Float[np.ndarray, "t head"]
    ) -> None:
        """From the gradients of scores and tables to those of the small matrices and of w_in."""
        at, d = self.parameters, self.d_parameters
        p, scale = self.config.p, at["q"].shape[-1] ** -0.5
        # scores = embedded readers, readers = k query scale.
        d_readers = tables.embedded.T @ d_scores * scale
        d_embedded = d_scores @ tables.readers.T
        d_query = (d_readers.T[:, None] @ at["k"])[:, 0]
        d["k"][...] = d_readers.T[:, :, None] * tables.query[:, None]
        # query = embedded[-1] q: the answer's token alone asks.
        d["q"][...] = tables.embedded[-1][:, None] * d_query[:, None]
        d_heads = self._heads_back(tables)
        d_sources = self._sources_back(layers)
        d["o"][...] = d_sources[:-1].reshape(d["o"].shape)
        d_embedded[-1] += d_sources[-1] + (at["q"] @ d_query[..., None])[..., 0].sum(0)
        # heads = embedded v.
        d["v"][...] = tables.embedded.T @ d_heads
        d_embedded += (d_heads @ at["v"].swapaxes(1, 2)).sum(0)
        # A digit's token stands at two positions, the answer's at one.
        at_0, at_1, at_2 = d_embedded[:p], d_embedded[p : 2 * p], d_embedded[2 * p :]
        d["tok"][:p] = at_0 + at_1
        d["tok"][p:] = at_2
        d["pos"][...] = [at_0.sum(0), at_1.sum(0), at_2.sum(0)]

    def _heads_back(self, tables: Tables) -> Float[np.ndarray, "head t head_dim"]:
        """Gradient of the heads' values, and in the tables those of their rows."""
        d_heads = np.zeros_like(tables.heads)
        answers = tables.heads[:, -1]
        less = tables.heads[:, :-1] - answers[:, None]

        def back(part: int) -> None:
            for head in range(part, self.config.heads, NUM_PARTS):
                for table in self._tables_held():
                    own = (less[head], answers[head], d_heads[head])
                    table.back(head, *own, self.works[part].multiply)

        self._in_parts(back)
        return d_heads

    def _sources_back(self, layers: Layers) -> Float[np.ndarray, "source embed"]:
        """Gradient of the stream's sources through both tables' rows; that of w_in to ``grad``."""
        w_in, d_w_in = self.parameters["w_in"], self.d_parameters["w_in"]
        d_sources = np.zeros_like(self.sources)
        if self.fed:
            first, second = self.works[0].multiply, self.works[1].multiply
            self._at_once(
                partial(first, self.fed.d_rows, w_in, d_sources, turn_b=True),
                partial(second, self.sources, self.fed.d_rows, d_w_in, turn_a=True),
            )
        else:
            d_w_in[...] = shaped(self.held["w_in"], NUM_PARTS, *w_in.shape).sum(0)
        # Undo ``_layers``: factors on the kept columns, then the first mask on all.
        d_sources[:, layers.kept] += self.stream.d_rows * layers.factors
        return d_sources * layers.before

    def update(self, index: int) -> None:
        """Filter the gradient and move the parameters; ``index`` from 0."""
        settings = filtered(self.config, index + 1, self.dtype.type)
        state = (self.theta, self.grad, self.slow, self.first, self.second)

        def work(bounds: tuple[int, int]) -> None:
            adamw(*(array[slice(*bounds)] for array in state), settings)

        # Number by number: where it is cut changes no bit.
        cuts = np.linspace(0, len(self.theta), self.threads + 1).astype(int)
        list(self.pool.map(work, itertools.pairwise(cuts)))
