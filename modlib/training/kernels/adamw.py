"""AdamW behind a filter that strengthens the slow part of the gradient (Grokfast)."""

# mypy: allow-untyped-defs
# (numba infers the types of compiled functions from their calls)

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from modlib.config.remainders import RemaindersConfig
from modlib.training.kernels.llvm_vectors import compiled

BETAS = (0.9, 0.98)
EPSILON = 1e-8


class GradientFilter:
    """Equation 13 with its indices put right: e <- alpha e + (1 - alpha) g, g <- g + lambda e.

    The moving average e starts at 0 (Lee et al. 2024, the EMA variant).
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lam: float, alpha: float) -> None:
        self.parameters = list(parameters)
        self.slow = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.lam, self.alpha = lam, alpha

    @torch.no_grad()
    def apply(self) -> None:
        """Filter the gradients in place."""
        for parameter, slow in zip(self.parameters, self.slow, strict=True):
            assert parameter.grad is not None
            slow.mul_(self.alpha).add_(parameter.grad, alpha=1 - self.alpha)
            parameter.grad.add_(slow, alpha=self.lam)


def make_adamw(model: nn.Module, config: RemaindersConfig) -> torch.optim.AdamW:
    """AdamW with beta = (.9, .98) and decay on every parameter (paper B, Training)."""
    return torch.optim.AdamW(
        model.parameters(),
        lr=config.lr,
        betas=BETAS,
        eps=EPSILON,
        weight_decay=config.weight_decay,
    )


def constants(
    step: int,
    dtype: type,
    *,
    lr: float,
    weight_decay: float,
    lam: float = 0.0,
    alpha: float = 0.0,
) -> Float[np.ndarray, " constant"]:
    """What a fused step needs: lambda, alpha, 1 - alpha, beta_1, 1 - beta_1, beta_2, 1 - beta_2,
    lr / (1 - beta_1^step), 1 / sqrt(1 - beta_2^step), 1 - lr weight_decay, epsilon; from step 1."""
    beta_1, beta_2 = BETAS
    values = [lam, alpha, 1 - alpha, beta_1, 1 - beta_1, beta_2, 1 - beta_2]
    values += [lr / (1 - beta_1**step), (1 - beta_2**step) ** -0.5]
    return np.array([*values, 1 - lr * weight_decay, EPSILON], dtype=dtype)


def filtered(config: RemaindersConfig, step: int, dtype: type) -> Float[np.ndarray, " constant"]:
    """``constants`` of paper B's training."""
    rates = {"lr": config.lr, "weight_decay": config.weight_decay}
    return constants(step, dtype, **rates, lam=config.lam, alpha=config.alpha)


def adamw_(
    theta: Tensor, grad: Tensor, slow: Tensor, first: Tensor, second: Tensor, constants: Tensor
) -> None:
    """``adamw`` in torch's operations, for devices without it."""
    lam, alpha, keep_slow, beta_1, keep_1, beta_2, keep_2, size, root, shrink, epsilon = constants
    # In place: a captured graph reads and writes these very arrays.
    slow.mul_(alpha).add_(grad * keep_slow)
    grad.add_(slow * lam)
    first.mul_(beta_1).add_(grad * keep_1)
    second.mul_(beta_2).add_(grad * grad * keep_2)
    theta.mul_(shrink).sub_(size * first / (second.sqrt() * root + epsilon))


@compiled
def adamw(theta, grad, slow, first, second, constants):
    """The gradient filter of equation 13, then one step of AdamW.

    Flat arrays of one length: parameters, gradient (becomes the filtered one), its moving
    average, Adam's two moments. ``constants``: see ``constants``.
    """
    lam, alpha, keep_slow, beta_1, keep_1, beta_2, keep_2, size, root, shrink, epsilon = (
        constants[0], constants[1], constants[2], constants[3], constants[4], constants[5],
        constants[6], constants[7], constants[8], constants[9], constants[10],
    )  # fmt: skip
    for i in range(theta.shape[0]):
        # e <- alpha e + (1 - alpha) g, then g <- g + lambda e.
        slow[i] = alpha * slow[i] + keep_slow * grad[i]
        g = grad[i] + lam * slow[i]
        grad[i] = g
        # The moments are those of the filtered gradient; ``size`` and ``root`` make up for their
        # start at 0.
        m = beta_1 * first[i] + keep_1 * g
        v = beta_2 * second[i] + keep_2 * g * g
        first[i], second[i] = m, v
        # Decay shrinks the parameter itself and is in no moment: AdamW, not L2.
        theta[i] = shrink * theta[i] - size * m / (np.sqrt(v) * root + epsilon)
