"""Transformers of several blocks, or with LayerNorm, in TransformerLens's names: as callables.

No table of pairs holds them; ``analysis.any_network.battery`` asks them as it does any function.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from modlib.models.foreign.layouts import PARAMETER, plain_names
from modlib.models.foreign.readings import Norm, Reading, vocabularies
from modlib.models.foreign.refusals import NORM
from modlib.models.foreign.shapes import Tensors, misfits, sizes
from modlib.models.views.activations import torch_activation

LAYOUT = "lens_blocks"
EPSILON = 1e-5
"""What LayerNorm adds to a variance."""
_ENDS = {
    **{"embed.W_E": "token embed", "pos_embed.W_pos": "position embed"},
    **{"unembed.W_U": "embed out"},
}
_BLOCK = {
    **{f"attn.W_{which}": "heads embed part" for which in "QKV"},
    **{"attn.W_O": "heads part embed", "mlp.W_in": "embed neuron", "mlp.b_in": "neuron"},
    **{"mlp.W_out": "neuron embed", "mlp.b_out": "embed"},
}
_MAYBE = {
    **{f"attn.b_{which}": "heads part" for which in "QKV"},
    **{f"{place}.{which}": "embed" for place in ("ln1", "ln2") for which in ("w", "b")},
    "attn.b_O": "embed",
}
_MAYBE_AT_END = {"ln_final.w": "embed", "ln_final.b": "embed", "unembed.b_U": "out"}
_UNTRAINED = re.compile(r"blocks\.\d+\.attn\.(mask|IGNORE)")


def block_readings(tensors: Tensors) -> list[Reading]:
    """The readings of a file of several blocks or with LayerNorm; [] for every other file.

    LayerNorm whose weights were folded into others leaves no trace in a file, so that without its
    names it is tried; so is whether tokens see later ones. Raises ``InputError`` for bad n.
    """
    named = {
        name: array for name, array in plain_names(tensors).items() if not _UNTRAINED.match(name)
    }
    numbers = {int(found[1]) for name in named if (found := re.match(r"blocks\.(\d{1,3})\.", name))}
    norms = any(NORM.search(name) for name in named)
    if not numbers or numbers != set(range(len(numbers))) or not (norms or len(numbers) > 1):
        return []
    axes = _ENDS | {f"blocks.{i}.{name}": axis for i in numbers for name, axis in _BLOCK.items()}
    if axes.keys() - named.keys():
        return []
    maybe = _MAYBE_AT_END | {f"blocks.{i}.{k}": axis for i in numbers for k, axis in _MAYBE.items()}
    axes |= {name: axis for name, axis in maybe.items() if name in named}
    left = [name for name in named if name not in axes]
    if any(PARAMETER.fullmatch(name) for name in left) or misfits(axes, named):
        return []
    own = {name: named[name] for name in axes}
    possible: tuple[Norm, ...] = (_norm_of(own),) if norms else ("none", "layer")
    return [
        Reading(LAYOUT, own, axes, vocabulary, norm=norm, causal=causal)
        for vocabulary in vocabularies(axes, own)
        for norm in possible
        for causal in ((True, False) if len(numbers) > 1 else (True,))
    ]


def _norm_of(tensors: Tensors) -> Norm:
    """LayerNorm has a bias, the root of the mean square has none."""
    return "layer" if any(re.search(r"ln\w*\.b$", name) for name in tensors) else "rms"


@dataclass(frozen=True, eq=False)
class Blocks:
    """A transformer on tokens (a, b), or (a, b, =), read at the last one, as functions of pairs.

    Its neurons are those of all blocks, block by block; they are heard at the last token, and
    silenced at every one.
    """

    reading: Reading
    name: str = "tensors"
    notes: tuple[str, ...] = ()

    @property
    def network(self) -> Blocks:
        """Itself, as ``choose`` asks for what answers."""
        return self

    @property
    def n(self) -> int:
        """Modulus."""
        return self.reading.vocabulary.n

    @property
    def num_blocks(self) -> int:
        """How many."""
        return sum(name.endswith("mlp.W_in") for name in self.reading.tensors)

    @property
    def num_neurons(self) -> int:
        """Of all blocks together."""
        return self.num_blocks * sizes(self.reading.axes, self.reading.tensors)["neuron"]

    def logits(self, rows: slice = slice(None)) -> Float[np.ndarray, "a b c"]:
        """Logits of every answer c for inputs a in ``rows`` and all b."""
        k = np.arange(self.n)
        a = np.repeat(k[rows], self.n)
        return self.answers(a, np.tile(k, len(k[rows]))).reshape(-1, self.n, self.n)

    def answers(
        self, a: Int[np.ndarray, " pair"], b: Int[np.ndarray, " pair"]
    ) -> Float[np.ndarray, "pair n"]:
        """Logits."""
        return self._run(a, b, None)[0]

    def activations(
        self, a: Int[np.ndarray, " pair"], b: Int[np.ndarray, " pair"]
    ) -> Float[np.ndarray, "pair neuron"]:
        """Of all blocks' neurons at the last token."""
        return self._run(a, b, None)[1]

    def without(
        self,
        a: Int[np.ndarray, " pair"],
        b: Int[np.ndarray, " pair"],
        neurons: Int[np.ndarray, " member"],
    ) -> Float[np.ndarray, "pair n"]:
        """Logits with these neurons silenced at all tokens."""
        return self._run(a, b, neurons)[0]

    @cached_property
    def _parameters(self) -> dict[str, Tensor]:
        return {name: torch.tensor(array) for name, array in self.reading.tensors.items()}

    @torch.no_grad()
    def _run(
        self, a: np.ndarray, b: np.ndarray, silenced: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Logits and what the neurons at the last token say."""
        p, (n, first_b, equals) = self._parameters, self.reading.vocabulary
        act = torch_activation(self.reading.activation)
        tokens = [a, b + first_b] + ([] if equals is None else [np.full_like(a, equals)])
        at = torch.from_numpy(np.stack(tokens, axis=1))
        stream = p["embed.W_E"][at] + p["pos_embed.W_pos"][: at.shape[1]]
        sounding = torch.ones(self.num_neurons, dtype=torch.float64)
        if silenced is not None:
            sounding[torch.from_numpy(silenced)] = 0.0
        said = []
        for i, kept in enumerate(sounding.chunk(self.num_blocks)):
            front = f"blocks.{i}."
            stream = stream + self._attention(front, self._normed(f"{front}ln1", stream))
            heard = self._normed(f"{front}ln2", stream) @ p[f"{front}mlp.W_in"]
            hidden = act(heard + p[f"{front}mlp.b_in"]) * kept
            said.append(hidden[:, -1])
            stream = stream + hidden @ p[f"{front}mlp.W_out"] + p[f"{front}mlp.b_out"]
        logits = self._normed("ln_final", stream[:, -1]) @ p["unembed.W_U"]
        logits = logits + p.get("unembed.b_U", torch.zeros(()))
        return logits[:, :n].numpy(), torch.cat(said, dim=1).numpy()

    def _attention(self, front: str, x: Tensor) -> Tensor:
        p, none = self._parameters, torch.zeros(())
        query, key, value = (
            torch.einsum("pte,hed->phtd", x, p[f"{front}attn.W_{which}"])
            + p.get(f"{front}attn.b_{which}", none[None])[:, None]
            for which in "QKV"
        )
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        if self.reading.causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(later, -torch.inf)
        heads = torch.softmax(scores, dim=-1) @ value
        out = torch.einsum("phtd,hde->pte", heads, p[f"{front}attn.W_O"])
        return out + p.get(f"{front}attn.b_O", none)

    def _normed(self, place: str, x: Tensor) -> Tensor:
        """The stream as a block reads it; where a file names some norms, at those places only."""
        norm, p = self.reading.norm, self._parameters
        named = any(NORM.search(name) for name in p)
        if norm == "none" or (named and f"{place}.w" not in p):
            return x
        if norm == "layer":
            x = x - x.mean(-1, keepdim=True)
        x = x / torch.sqrt((x**2).mean(-1, keepdim=True) + EPSILON)
        one, none = torch.ones(()), torch.zeros(())
        return x * p.get(f"{place}.w", one) + p.get(f"{place}.b", none)
