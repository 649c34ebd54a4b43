"""A table of ``mixtures`` made from the heads' values, and the way back to their gradients.

With ``values`` (heads, 2 p + 1, head_dim) and what each of their coordinates adds to the result,
``rows`` (heads x head_dim, columns), the table of a head is (value of a digit less the answer's)
times its rows. Arrays stay in place, though the number of columns changes with dropout's mask.
"""

from __future__ import annotations

from math import prod

import numpy as np
from jaxtyping import Float, Int

from modlib.training.kernels import mixtures
from modlib.training.kernels.blocked_products import Multiplier


def shaped(held: Float[np.ndarray, " size"], *shape: int) -> np.ndarray:
    """The first elements of a vector, as an array of that shape."""
    return held[: prod(shape)].reshape(shape)


class TokenTable:
    """Tables of all heads and, apart for each of ``parts``, gradients of what is mixed from them.

    ``rows`` (heads x head_dim + 1, columns): the last one is what the stream that attention adds
    to gives; the caller writes them, and reads their gradient ``d_rows``. ``columns``: at most.
    """

    def __init__(
        self, heads: int, head_dim: int, p: int, columns: int, parts: int, dtype: np.dtype
    ) -> None:
        self.heads, self.head_dim, self.p = heads, head_dim, p
        panels = -(-columns // mixtures.PANEL)
        self.parts, self.dtype = parts, dtype
        size = panels * mixtures.PANEL
        sources, tokens = heads * head_dim + 1, heads * 2 * p
        sizes = {"rows": sources, "d_rows": sources, "spread": tokens, "table": tokens}
        sizes |= {"d_tables": parts * tokens, "base": 1, "d_bases": parts}
        self.held = {name: np.zeros(count * size, dtype) for name, count in sizes.items()}
        self.resize(columns)

    def resize(self, columns: int) -> None:
        """Take so many columns; what the arrays held is lost."""
        held, tokens, sources = self.held, 2 * self.p, self.heads * self.head_dim + 1
        panels = -(-columns // mixtures.PANEL)
        shape = (panels, self.heads, tokens, mixtures.PANEL)
        self.columns = columns
        self.rows, self.d_rows = (shaped(held[n], sources, columns) for n in ("rows", "d_rows"))
        self.spread = shaped(held["spread"], self.heads, tokens, columns)
        self.table = shaped(held["table"], *shape)
        self.d_tables = shaped(held["d_tables"], self.parts, *shape)
        self.base = shaped(held["base"], panels * mixtures.PANEL)
        self.d_bases = shaped(held["d_bases"], self.parts, panels * mixtures.PANEL)

    def of(self, head: int) -> slice:
        """A head's rows."""
        return slice(head * self.head_dim, (head + 1) * self.head_dim)

    def fill(
        self, head: int, less: Float[np.ndarray, "digit head_dim"], multiply: Multiplier
    ) -> None:
        """One head's table; ``less``: the digits' values less the answer's."""
        multiply(less, self.rows[self.of(head)], self.spread[head])
        mixtures.pack(self.spread[head], head, self.table)

    def close(self, answers: Float[np.ndarray, "heads head_dim"]) -> None:
        """The base, from the values of the answer's position."""
        self.base[:] = 0
        self.base[: self.columns] = self.rows[-1] + answers.reshape(-1) @ self.rows[:-1]

    def mix(
        self,
        weights: Float[np.ndarray, "number heads 3"],
        x0: Int[np.ndarray, " number"],
        x1: Int[np.ndarray, " number"],
        result: Float[np.ndarray, "number columns"],
        *,
        positive: bool = False,
    ) -> None:
        """The sums of numbers, negative ones replaced by 0 where ``positive``."""
        mixtures.mix(self.table, self.base, weights, x0, x1, result, positive=positive)

    def begin_back(self, part: int) -> None:
        """No gradient yet."""
        self.d_tables[part], self.d_bases[part] = 0, 0

    def mix_back(
        self,
        part: int,
        weights: Float[np.ndarray, "number heads 3"],
        x0: Int[np.ndarray, " number"],
        x1: Int[np.ndarray, " number"],
        result: Float[np.ndarray, "number columns"],
        d_result: Float[np.ndarray, "number columns"],
        d_weights: Float[np.ndarray, "number heads 3"],
        *,
        positive: bool = False,
    ) -> None:
        """Adds the gradients of ``mix`` to ``part``'s, and to ``d_weights``."""
        mixtures.mix_back(
            self.table, weights, x0, x1, result, d_result, self.d_tables[part],
            self.d_bases[part], d_weights, positive=positive,
        )  # fmt: skip

    def back(
        self,
        head: int,
        less: Float[np.ndarray, "digit head_dim"],
        answer: Float[np.ndarray, " head_dim"],
        d_values: Float[np.ndarray, "token head_dim"],
        multiply: Multiplier,
    ) -> None:
        """All parts' gradients to ``d_rows``, and added to ``d_values``, of one head."""
        rows, d_rows = self.rows[self.of(head)], self.d_rows[self.of(head)]
        d_table, d_less = self.spread[head], np.empty_like(less)
        mixtures.unpack(self.d_tables, head, d_table)
        d_base = self.d_bases.sum(0)[: self.columns]
        multiply(d_table, rows, d_less, turn_b=True)
        multiply(less, d_table, d_rows, turn_a=True)
        d_rows += answer[:, None] * d_base
        d_values[:-1] += d_less
        d_values[-1] += rows @ d_base - d_less.sum(0)
        if head == 0:
            self.d_rows[-1] = d_base
