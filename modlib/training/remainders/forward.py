"""Paper B's transformer forwards, many times faster than the module: tables over tokens.

What makes it fast is what the task leaves out. Only the last position is read, so query,
feed-forward layer and unembedding are computed there alone; its query is one vector before
dropout; keys and values are tables over 2 p + 1 tokens. What dropout sets to 0 for all numbers at
once is no column of any product, and the feed-forward layer's first product is one over tokens
(``mixtures``). Numbers are worked off in blocks that stay in the cache, in arrays that stay in
place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int

from modlib.config.remainders import RemaindersConfig
from modlib.machine import train_in_this_thread
from modlib.models.transformer import parameter_shapes
from modlib.tasks.remainders import RemaindersTask
from modlib.training.flat import named_views, size_of
from modlib.training.kernels import attention as kernels
from modlib.training.kernels.exponentials import powers
from modlib.training.remainders.buffers import BLOCK, NUM_PARTS, Layers, T, Tables, Work
from modlib.training.remainders.token_tables import TokenTable


def tables_save(config: RemaindersConfig) -> bool:
    """Whether the feed-forward layer's input is best taken from tables over tokens.

    They need one mask for all numbers. Mixing a number costs 10 heads x embed products in place
    of 4 embed^2, and more than these each, as memory has to keep up: hence heads that are not
    small. In bfloat16 the product costs less than the mixing.
    """
    shared = config.dropout == 0 or config.dropout_mask == "step"
    return shared and config.matmul == "float32" and config.embed_dim >= 8 * config.heads


class FastNetwork:
    """The transformer on a task, by hand-written formulas: forwards and evaluated.

    ``weights``: its parameters; ``dtype``: float64 for tests. ``by_tables``: whether the
    feed-forward layer is fed from tables, None: where that saves work. ``theta``: all parameters
    as one vector; ``parameters``: views into it by name.
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
        self.theta: np.ndarray = np.zeros(size_of(self.shapes), dtype=dtype)
        self.by_tables = tables_save(config) if by_tables is None else by_tables
        self.parameters = named_views(self.theta, self.shapes)
        for name, value in weights.items():
            self.parameters[name][...] = value
        self.starts = np.concatenate([[0], np.cumsum(task.moduli)])
        self.half = config.matmul == "bfloat16"
        self.works = [Work(task, self.dtype) for _ in range(NUM_PARTS)]
        self.pool = ThreadPoolExecutor(threads, initializer=train_in_this_thread)
        embed = config.embed_dim
        self.stream = self._table(embed)
        self.fed = self._table(4 * embed) if self.by_tables else None
        self.sources = np.empty((embed + 1, embed), dtype=self.dtype)

    def _table(self, columns: int) -> TokenTable:
        heads, embed = self.config.heads, self.config.embed_dim
        shape = (heads, embed // heads, self.config.p, columns)
        return TokenTable(*shape, NUM_PARTS, self.dtype)

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
