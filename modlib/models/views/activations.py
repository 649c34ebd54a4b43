"""What a hidden neuron makes of its preactivation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import erf
from torch import Tensor

Activation = Literal["relu", "gelu", "gelu_new", "square"]

ACTIVATIONS: tuple[Activation, ...] = ("relu", "gelu", "gelu_new", "square")
"""``gelu`` is x P(normal < x), ``gelu_new`` its approximation by tanh (GPT-2, TransformerLens)."""


def activated(
    activation: Activation, preact: Float[np.ndarray, "*lead neuron"]
) -> Float[np.ndarray, "*lead neuron"]:
    """The activations of these preactivations, in their place where it is ReLU or a square."""
    if activation == "relu":
        return np.maximum(preact, 0.0, out=preact)
    if activation == "square":
        return np.multiply(preact, preact, out=preact)
    if activation == "gelu":
        return preact * (0.5 + 0.5 * erf(preact / np.sqrt(2)))
    inner = np.sqrt(2 / np.pi) * preact * (1 + 0.044715 * preact * preact)
    return 0.5 * preact * (1 + np.tanh(inner))


def torch_activation(activation: Activation) -> Callable[[Tensor], Tensor]:
    """The same on tensors, differentiable."""
    gelu = torch.nn.functional.gelu
    return {
        "relu": torch.relu,
        "square": torch.square,
        "gelu": gelu,
        "gelu_new": lambda x: gelu(x, approximate="tanh"),
    }[activation]
