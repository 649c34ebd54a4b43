"""Where paper B's transformer looks (figure 18), and whether it matters that it looks there."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from modlib.analysis.remainders.digit_spectra import grid_magnitudes, top_share
from modlib.models.views.transformer_view import TransformerView

FLAT = 1e-4
"""Standard deviation below which attention counts as constant."""


def digit_shares(attention: Float[np.ndarray, "x head position"]) -> Float[np.ndarray, "head 2"]:
    """Share of each head's attention to the two digits that falls on x0 and on x1.

    Means over all numbers; attention to the answer's own place is left out, so that a head that
    looks at neither digit is not taken for one that looks at one.
    """
    to_digits = attention[:, :, :2].mean(0, dtype=np.float64)
    return np.asarray(to_digits / to_digits.sum(-1, keepdims=True))


def smaller_share(
    attention: Float[np.ndarray, "x head position"],
) -> Float[np.ndarray, " head"]:
    """The smaller of the two shares of each head: 0 looks at one digit, 1/2 at both alike."""
    return np.asarray(digit_shares(attention).min(-1))


def smaller_share_by_number(
    attention: Float[np.ndarray, "x head position"],
) -> Float[np.ndarray, " head"]:
    """The same taken number by number, then averaged: below ``smaller_share`` for a head that
    looks now at one digit and now at the other."""
    to_digits = attention[:, :, :2].astype(np.float64)
    return np.asarray((to_digits.min(-1) / to_digits.sum(-1)).mean(0))


def attention_images(view: TransformerView) -> Float[np.ndarray, "head x0 x1"]:
    """Each head's attention from the answer's place to x0, by digits (figure 18)."""
    return np.moveaxis(view.grid(view.attention[:, :, 0]), -1, 0)


def periodicity(images: Float[np.ndarray, "head x0 x1"]) -> Float[np.ndarray, " head"]:
    """``digit_spectra.top_share`` of each head's image; NaN for constant attention."""
    shares = top_share(grid_magnitudes(images.astype(np.float64)))
    return np.where(images.std((1, 2)) > FLAT, shares, np.nan)


def with_equal_attention(view: TransformerView) -> Float[np.ndarray, "x logit"]:
    """Logits were every head's attention a third to each of the three places."""
    stream = view.middle(np.full_like(view.attention, 1 / 3))
    return view.read(stream, np.maximum(stream @ view.weights["w_in"], 0))


def describe_attention(
    view: TransformerView, targets: Int[np.ndarray, "x task"], held_out: Int[np.ndarray, " number"]
) -> dict[str, float]:
    """A network's attention in numbers, over all p^2 numbers.

    ``head_H_x0``, ``head_H_x1``: mean attention of head H to each digit; ``smaller_share_H``,
    ``smaller_share`` (mean over heads) and ``smaller_share_by_number``: how much a head looks at
    the digit it looks at less; ``attention_periodicity``: share of its variation in six cells of
    the 2-D transform, mean over heads that vary; ``attention_spread``: standard deviation over
    numbers, mean over heads and digits. Accuracies are means over tasks: ``accuracy``;
    ``accuracy_constant``, with each head's attention held at its mean over all numbers;
    ``accuracy_equal``, with a third to each place; with ``_held_out`` on these numbers alone.
    """
    attention = view.attention
    mean, least = attention.mean(0), smaller_share(attention)
    numbers: dict[str, float] = {}
    for head in range(attention.shape[1]):
        numbers[f"head_{head}_x0"] = float(mean[head, 0])
        numbers[f"head_{head}_x1"] = float(mean[head, 1])
        numbers[f"smaller_share_{head}"] = float(least[head])
    shares = periodicity(attention_images(view))
    varies = np.isfinite(shares)
    numbers |= {
        "smaller_share": float(least.mean()),
        "smaller_share_by_number": float(smaller_share_by_number(attention).mean()),
        "attention_periodicity": float(shares[varies].mean()) if varies.any() else float("nan"),
        "attention_spread": float(attention[:, :, :2].std(0).mean()),
    }
    logits = {
        "accuracy": view.logits,
        "accuracy_constant": view.with_uniform_attention(),
        "accuracy_equal": with_equal_attention(view),
    }
    right = {name: view.accuracy(values, targets) for name, values in logits.items()}
    numbers |= {name: float(found.mean()) for name, found in right.items()}
    return numbers | {
        f"{name}_held_out": float(found[held_out].mean()) for name, found in right.items()
    }
