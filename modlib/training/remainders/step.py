"""One exact training step of paper B's transformer, many times faster than the module's.

What makes it fast is what the task leaves out. Only the last position is read, so query,
feed-forward layer and unembedding are computed there alone; its query is one vector before
dropout; keys and values are tables over 2 p + 1 tokens. What dropout sets to 0 for all numbers at
once is no column of any product, and the feed-forward layer's first product, there and back, is
one over tokens (``mixtures``). Numbers are worked off in blocks that stay in the cache, in arrays
that stay in place, and blocks in ``NUM_PARTS`` parts whose gradients are added in a fixed order,
so that the result is the same for any number of threads.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from modlib.config.remainders import RemaindersConfig
from modlib.models.transformer import parameter_shapes
from modlib.tasks.remainders import RemaindersTask
from modlib.training.flat import named_views, size_of
from modlib.training.kernels import attention as kernels
from modlib.training.kernels.adamw import adamw, filtered
from modlib.training.kernels.exponentials import powers
from modlib.training.remainders.buffers import BLOCK, NUM_PARTS, Layers, Masks, T, Tables, Work
from modlib.training.remainders.token_tables import TokenTable, shaped


def _prepare_thread() -> None:
    """One thread for torch within each of ours; numbers below 1e-38 are taken for 0, as they
    come by the million from exp and would each cost as much as a hundred products."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def tables_save(config: RemaindersConfig) -> bool:
    """Whether the feed-forward layer's input is best taken from tables over tokens.

    They need one mask for all numbers. Mixing a number costs 10 heads x embed products in place
    of 4 embed^2, and more than these each, as memory has to keep up: hence heads that are not
    small. In bfloat16 the product costs less than the mixing.
    """
    shared = config.dropout == 0 or config.dropout_mask == "step"
    return shared and config.matmul == "float32" and config.embed_dim >= 8 * config.heads


class FastStep:
    """Gradients and evaluation of the transformer on a task, by hand-written formulas.

    ``weights``: initial parameters; ``x0``, ``x1``, ``targets`` (task, number): the training set.
    ``dtype``: float64 for tests. ``by_tables``: whether the feed-forward layer is fed from tables,
    None: where that saves work; then numbers are sorted, whose order is free where they share a
    mask. ``theta``, ``grad``, ``slow``, ``first``, ``second``: parameters,
    gradient, its moving average and Adam's moments, as one vector each; ``parameters``: views into
    ``theta`` by name.
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
        config = task.config
        self.task, self.config, self.threads = task, config, threads
        self.dtype, self.shapes = np.dtype(dtype), parameter_shapes(config)
        size = size_of(self.shapes)
        state: np.ndarray = np.zeros((4, size), dtype=dtype)
        self.theta, self.slow, self.first, self.second = state
        self.grad: np.ndarray = np.zeros(size, dtype=dtype)
        self.by_tables = tables_save(config) if by_tables is None else by_tables
        self.parameters = named_views(self.theta, self.shapes)
        self.d_parameters = named_views(self.grad, self.shapes)
        for name, value in weights.items():
            self.parameters[name][...] = value
        numbers = task.split["train"]
        self.starts = np.concatenate([[0], np.cumsum(task.moduli)])
        self.scales: np.ndarray = (task.loss_weights / len(numbers)).astype(dtype)
        if self.by_tables:
            x0, x1 = (x[numbers] for x in task.digits)
            numbers = numbers[np.lexsort((x1, x0))]
        self.x0, self.x1 = (x[numbers] for x in task.digits)
        self.targets = np.ascontiguousarray(task.answers[numbers].T)
        self.half = config.matmul == "bfloat16"
        self.works = [Work(task, self.dtype) for _ in range(NUM_PARTS)]
        self.pool = ThreadPoolExecutor(threads, initializer=_prepare_thread)
        self.used: Tables | None = None
        self._hold_gradients()

    def _hold_gradients(self) -> None:
        """Arrays for what a gradient goes through, part by part."""
        config, shapes = self.config, self.shapes
        embed, heads = config.embed_dim, config.heads

        def table(columns: int) -> TokenTable:
            shape = (heads, embed // heads, config.p, columns)
            return TokenTable(*shape, NUM_PARTS, self.dtype)

        self.stream, self.fed = table(embed), table(4 * embed) if self.by_tables else None
        self.sources = np.empty((embed + 1, embed), dtype=self.dtype)
        names = ("unembed", "w_out") if self.by_tables else ("unembed", "w_out", "w_in")
        self.held = {
            name: np.empty(NUM_PARTS * int(np.prod(shapes[name])), dtype=self.dtype)
            for name in names
        }

    def state(self) -> dict[str, np.ndarray]:
        """What a resumed training needs, by name."""
        return {"theta": self.theta, "slow": self.slow, "first": self.first, "second": self.second}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""
        for name, array in self.state().items():
            array[:] = state[name]

    def tables(self) -> Tables:
        """Scores and values of every token, from the present parameters."""
        at, p = self.parameters, self.config.p
        tok, pos, scale = at["tok"], at["pos"], at["q"].shape[-1] ** -0.5
        embedded = np.concatenate([tok[:p] + pos[0], tok[:p] + pos[1], tok[p:] + pos[2]])
        query = embedded[-1] @ at["q"]
        # score = embedded . (k query): one vector a head reads it, and no key is ever made.
        readers = np.ascontiguousarray((at["k"] @ query[:, :, None])[..., 0].T) * scale
        heads = embedded @ at["v"]
        return Tables(
            embedded=embedded,
            query=query,
            readers=readers.astype(self.dtype),
            scores=(embedded @ readers).astype(self.dtype),
            heads=heads,
        )

    def _in_parts(self, do: Callable[[int], T]) -> list[T]:
        """``do`` of every part, in the threads; the results in the parts' order."""
        return list(self.pool.map(do, range(NUM_PARTS)))

    def _at_once(self, *jobs: Callable[[], None]) -> None:
        """Call what needs not wait for one another."""
        list(self.pool.map(lambda job: job(), jobs))

    def _tables_held(self) -> list[TokenTable]:
        """Of the stream, and of what feeds the hidden layer."""
        return [self.stream, self.fed] if self.fed else [self.stream]

    def _layers(self, tables: Tables, masks: Sequence[np.ndarray] | None) -> Layers:
        """What the forward pass reads, with ``masks`` in it; fills the tables over tokens."""
        at, embed = self.parameters, self.config.embed_dim
        before, after = (mask[0] for mask in masks) if masks else np.ones((2, embed), self.dtype)
        # A column that the second mask sets to 0 reaches no logit: no product has it.
        kept = np.flatnonzero(after)
        factors = after[kept]
        # What a coordinate of a head's value adds to the stream, and the answer's own embedding.
        self.sources[:-1], self.sources[-1] = at["o"].reshape(-1, embed), tables.embedded[-1]
        self.sources *= before
        self.stream.resize(len(kept))
        np.multiply(self.sources[:, kept], factors, out=self.stream.rows)
        # The weights of a head sum to 1: the answer's values go into the base (``mixtures``).
        less = tables.heads[:, :-1] - tables.heads[:, -1:]

        def fill(part: int) -> None:
            multiply = self.works[part].multiply
            for head in range(part, self.config.heads, NUM_PARTS):
                for table in self._tables_held():
                    table.fill(head, less[head], multiply)

        if self.fed:
            # What feeds the hidden layer: w_in applied to every source, not to every number.
            half, multiply = len(self.sources) // 2, [work.multiply for work in self.works]
            pieces = (slice(half), slice(half, None))
            self._at_once(
                *(
                    partial(multiply[part], self.sources[piece], at["w_in"], self.fed.rows[piece])
                    for part, piece in enumerate(pieces)
                )
            )
        self._in_parts(fill)
        for table in self._tables_held():
            table.close(tables.heads[:, -1])
        # With the second mask here and in the stream's rows, ``out`` needs no pass of its own.
        w_out = at["w_out"][:, kept] * factors
        return Layers(
            kept=kept,
            factors=factors,
            before=before,
            w_out=w_out,
            w_out_t=np.ascontiguousarray(w_out.T),
            unembed=np.ascontiguousarray(at["unembed"][kept].T),
            w_in_t=None if self.fed else np.ascontiguousarray(at["w_in"].T),
        )

    def forward(
        self,
        tables: Tables,
        layers: Layers,
        work: Work,
        x0: Int[np.ndarray, " number"],
        x1: Int[np.ndarray, " number"],
        masks: Sequence[np.ndarray] | None = None,
    ) -> dict[str, np.ndarray]:
        """Everything up to the logits for at most ``BLOCK`` numbers, in ``work``'s arrays.

        ``masks``: those that are not in ``layers``.
        """
        at, block = self.parameters, work.at(len(x0), len(layers.kept))
        weights, hidden, out = block["weights"], block["hidden"], block["out"]
        # out = the stream after attention.
        kernels.weigh(tables.scores, x0, x1, weights)
        self.stream.mix(weights, x0, x1, out)
        if self.fed:
            self.fed.mix(weights, x0, x1, hidden, positive=True)
        else:
            if masks is not None:
                kernels.scale_columns(out, masks[0])
            np.copyto(block["middle"], out)
            work.multiply(out, at["w_in"], hidden, half=self.half)
            kernels.relu(hidden)
        # out += hidden w_out: the residual stream that is read.
        work.multiply(hidden, layers.w_out, out, add=True, half=self.half)
        if masks is not None:
            kernels.scale_columns(out, masks[1])
        work.multiply(layers.unembed, out, block["logits"], turn_b=True, half=self.half)
        return block

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
        theta = self.state()["theta"].copy()
        return named_views(theta, self.shapes)

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
        work, half = self.works[part], self.half
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
            d_logits, d_out, d_hidden = block["logits"], block["d_out"], block["d_hidden"]
            hidden, out, d_weights = block["hidden"], block["out"], block["d_weights"]
            # d logits, in the logits' place.
            kernels.cross_entropy_back(d_logits, self.starts, targets, totals, self.scales)
            # d unembed^T = d logits out, and d out = d logits^T unembed^T.
            work.multiply(d_logits, out, to["unembed"], add=add, half=half)
            work.multiply(d_logits, layers.unembed, d_out, turn_a=True, half=half)
            if own is not None:
                kernels.scale_columns(d_out, own[1])
            # d w_out = hidden^T d out, and d hidden = d out w_out^T.
            work.multiply(hidden, d_out, to["w_out"], turn_a=True, add=add, half=half)
            work.multiply(d_out, layers.w_out_t, d_hidden, half=half)
            d_weights[...] = 0
            at = (part, block["weights"], x0, x1)
            # Through ReLU: to the table that fed the layer, or to w_in and once more to the stream.
            if self.fed:
                self.fed.mix_back(*at, hidden, d_hidden, d_weights, positive=True)
            else:
                assert layers.w_in_t is not None
                middle = block["middle"]
                kernels.relu_back(hidden, d_hidden)
                work.multiply(middle, d_hidden, to["w_in"], turn_a=True, add=add, half=half)
                work.multiply(d_hidden, layers.w_in_t, d_out, add=True, half=half)
                if own is not None:
                    kernels.scale_columns(d_out, own[0])
            # The stream is a mixture of its own table; with it d weights is whole.
            self.stream.mix_back(*at, out, d_out, d_weights)
            kernels.weigh_back(block["weights"], d_weights, x0, x1, d_scores)
        return d_scores, losses

    def _powers(
        self,
        logits: Float[np.ndarray, "logit number"],
        targets: Int[np.ndarray, "task number"],
        work: Work,
    ) -> tuple[Float[np.ndarray, "task number"], Float[np.ndarray, "task number"]]:
        """logits become exp(logits - their task's largest); shifted right logits, task sums."""
        correct, totals = work.of_tasks[:, : targets.size].reshape(2, *targets.shape)
        highest = work.highest[: logits.shape[1]]
        powers(logits, self.starts, targets, highest, correct, totals)
        return correct, totals

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

    def _over(self, count: int, do: Callable[[Work, slice], None]) -> None:
        """Call ``do`` on blocks of ``count`` numbers, each part of the threads with its arrays."""

        def work(part: int) -> None:
            for start in range(part * BLOCK, count, NUM_PARTS * BLOCK):
                do(self.works[part], slice(start, min(start + BLOCK, count)))

        list(self.pool.map(work, range(NUM_PARTS)))

    def neurons(self) -> Float[np.ndarray, "x neuron"]:
        """Activations after ReLU for the numbers 0 .. p^2 - 1, without dropout."""
        return self._for_all_numbers("hidden", (4 * self.config.embed_dim,))

    def attention(self) -> Float[np.ndarray, "x head position"]:
        """Attention from the answer's position for the numbers 0 .. p^2 - 1."""
        return self._for_all_numbers("weights", (self.config.heads, 3))

    def _for_all_numbers(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        tables, (x0, x1) = self.tables(), self.task.digits
        layers = self._layers(tables, None)
        gathered = np.empty((len(x0), *shape), dtype=self.dtype)

        def do(work: Work, here: slice) -> None:
            gathered[here] = self.forward(tables, layers, work, x0[here], x1[here])[name]

        self._over(len(x0), do)
        return gathered

    def evaluate(
        self, numbers: Int[np.ndarray, " number"] | None = None
    ) -> tuple[Float[np.ndarray, "task number"], Bool[np.ndarray, "task number"]]:
        """Cross-entropy in nats and whether the answer is right, without dropout.

        ``numbers``: of these; None: of all, 0 .. p^2 - 1.
        """
        these = slice(None) if numbers is None else numbers
        x0, x1 = (x[these] for x in self.task.digits)
        targets = self.task.answers[these].T
        tables = self.tables()
        layers = self._layers(tables, None)
        losses, right = np.empty(targets.shape), np.empty(targets.shape, dtype=bool)

        def do(work: Work, here: slice) -> None:
            own = np.ascontiguousarray(targets[:, here])
            logits = self.forward(tables, layers, work, x0[here], x1[here])["logits"]
            answered = np.empty(own.shape, dtype=bool)
            highest, chosen = work.highest[: own.shape[1]], np.empty(own.shape[1], dtype=np.int64)
            kernels.right_answers(logits, self.starts, own, highest, chosen, answered)
            correct, totals = self._powers(logits, own, work)
            losses[:, here], right[:, here] = np.log(totals) - correct, answered

        self._over(len(x0), do)
        return losses, right
