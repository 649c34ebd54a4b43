"""Breaking a cluster on purpose, beside as many neurons drawn at random.

Paper A, section 6 and appendix B.4; figures A26 and A27.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.meso.clusters import Cluster, centre, fit_cosine
from modlib.errors import require_float
from modlib.maths.fourier import cosine
from modlib.models.views.neuron_view import NeuronView, Scores, score_logits

SIGMAS = (0.0, 0.1, 0.225, 0.4, 0.6, 0.8, 1.0)
FRACTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
PAPER_SIGMA = 0.225
"""Noise at which the paper finds the loss barely changed (figure A26)."""
MOST_ORDERS = 7
"""Items up to which ``rank_correlation`` goes through all their orders."""


def add_noise(
    view: NeuronView,
    neurons: Int[np.ndarray, " member"],
    sigma: float,
    generator: np.random.Generator,
) -> NeuronView:
    """Multiply every weight attached to these neurons by exp(s), s ~ N(0, sigma^2).

    The weights are the neurons' input weights, biases and output weights; where the view knows
    no input weights (``factors`` is None), the preactivation tables take their place.
    """
    sigma = require_float("sigma", sigma, at_least=0.0)

    def noisy(weights: Float[np.ndarray, ...], columns: bool) -> Float[np.ndarray, ...]:
        changed = weights.copy()
        chosen = (..., neurons) if columns else (neurons,)
        part = changed[chosen]
        changed[chosen] = part * np.exp(sigma * generator.standard_normal(part.shape))
        return changed

    factors = view.factors
    if factors is None:
        preact_a, preact_b = noisy(view.preact_a, True), noisy(view.preact_b, True)
    else:
        factors = factors._replace(w_a=noisy(factors.w_a, True), w_b=noisy(factors.w_b, True))
        preact_a, preact_b = factors.embed_a @ factors.w_a, factors.embed_b @ factors.w_b
    return replace(
        view,
        preact_a=preact_a,
        preact_b=preact_b,
        b_in=noisy(view.b_in, True),
        w_out=noisy(view.w_out, False),
        factors=factors,
    )


def random_neurons(
    live: Bool[np.ndarray, " neuron"], count: int, generator: np.random.Generator
) -> Int[np.ndarray, " member"]:
    """``count`` live neurons drawn without replacement, whatever their cluster: the control."""
    return np.sort(generator.choice(np.flatnonzero(live), size=count, replace=False))


def evaluate_changed(
    view: NeuronView, neurons: Int[np.ndarray, " member"], changed: Sequence[NeuronView]
) -> list[Scores]:
    """``evaluate()`` of networks that differ from ``view`` in these neurons only, over all pairs.

    What all other neurons say is computed once, which takes about a third of the time.
    """
    rest, num_pairs = view.without(neurons), view.n**2
    right, loss = np.zeros(len(changed)), np.zeros(len(changed))
    margin = np.full(len(changed), np.inf)
    for rows in view.row_blocks(view.num_neurons):
        said = rest.logits(rows)
        for i, other in enumerate(changed):
            logits = other.activations(rows, neurons) @ other.w_out[neurons]
            logits += said
            scored = score_logits(logits, rows)
            right[i] += scored.right.sum()
            loss[i] += scored.loss.sum()
            margin[i] = min(margin[i], scored.margin.min())
    return [
        Scores(float(r) / num_pairs, float(x) / num_pairs, float(m))
        for r, x, m in zip(right, loss, margin, strict=True)
    ]


def noise_curve(
    view: NeuronView,
    neurons: Int[np.ndarray, " member"],
    *,
    sigmas: Sequence[float] = SIGMAS,
    num_draws: int = 4,
    seed: int = 0,
    control: Bool[np.ndarray, " neuron"] | None = None,
) -> pd.DataFrame:
    """Accuracy and loss over all pairs against sigma: columns sigma, draw, accuracy, loss.

    With ``control`` (which neurons are live) each draw takes as many of those at random instead.
    """
    rows = []
    for draw in range(num_draws):
        generator = np.random.default_rng([seed, draw])
        chosen = neurons if control is None else random_neurons(control, len(neurons), generator)
        noisy = [add_noise(view, chosen, sigma, generator) for sigma in sigmas]
        for sigma, scores in zip(sigmas, evaluate_changed(view, chosen, noisy), strict=True):
            rows.append((sigma, draw, scores.accuracy, scores.loss))
    return pd.DataFrame(rows, columns=["sigma", "draw", "accuracy", "loss"])


def removal_curve(
    view: NeuronView,
    neurons: Int[np.ndarray, " member"],
    *,
    fractions: Sequence[float] = FRACTIONS,
    num_draws: int = 4,
    seed: int = 0,
    control: Bool[np.ndarray, " neuron"] | None = None,
) -> pd.DataFrame:
    """Accuracy and loss against the share of these neurons removed, drawn at random.

    Columns fraction, draw, accuracy, loss; within a draw larger shares contain smaller ones.
    With ``control`` each draw takes as many live neurons at random instead of the cluster.
    """
    rows = []
    for draw in range(num_draws):
        generator = np.random.default_rng([seed, draw])
        chosen = neurons if control is None else random_neurons(control, len(neurons), generator)
        order = generator.permutation(chosen)
        cut = [view.without(order[: round(fraction * len(order))]) for fraction in fractions]
        for fraction, scores in zip(fractions, evaluate_changed(view, chosen, cut), strict=True):
            rows.append((fraction, draw, scores.accuracy, scores.loss))
    return pd.DataFrame(rows, columns=["fraction", "draw", "accuracy", "loss"])


def noise_levels(max_sigma: float, count: int = 8) -> list[float]:
    """Evenly spaced sigmas from 0 to ``max_sigma``, with the paper's .225 where it is below."""
    max_sigma = require_float("max_sigma", max_sigma, at_least=0.0)
    spaced = np.linspace(0, max_sigma, count + 1).round(6).tolist()
    return sorted({*spaced, PAPER_SIGMA} if max_sigma > PAPER_SIGMA else {*spaced})


def damage_curves(
    curve: Callable[..., pd.DataFrame],
    view: NeuronView,
    clusters: Sequence[Cluster],
    live: Bool[np.ndarray, " neuron"],
    **options: object,
) -> pd.DataFrame:
    """``noise_curve`` or ``removal_curve`` of every cluster and of its control, one table.

    Before the curve's own columns stand cluster and control (True: as many live neurons drawn at
    random). Empty, without the curve's columns, where there is no cluster.
    """
    blocks = []
    for cluster in clusters:
        for drawn_from in (None, live):
            block = curve(view, cluster.neurons, control=drawn_from, **options)
            block.insert(0, "cluster", cluster.index)
            block.insert(1, "control", drawn_from is not None)
            blocks.append(block)
    if not blocks:
        return pd.DataFrame(columns=["cluster", "control", "draw", "accuracy", "loss"])
    return pd.concat(blocks, ignore_index=True)


def random_damage(
    curve: Callable[..., pd.DataFrame],
    view: NeuronView,
    live: Bool[np.ndarray, " neuron"],
    count: int,
    **options: object,
) -> pd.DataFrame:
    """``noise_curve`` or ``removal_curve`` of ``count`` random live neurons (all, if fewer)."""
    return curve(view, np.arange(min(count, int(live.sum()))), control=live, **options)


def over_draws(curves: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Mean, smallest and largest over draws of each measured column, a row a group ``by``.

    Columns ``by``, then for each measured name: name, name_low, name_high; only ``by`` where
    ``curves`` is empty.
    """
    if curves.empty:
        return pd.DataFrame(columns=list(by))
    measured = [name for name in curves.columns if name not in (*by, "draw")]
    grouped = curves.groupby(list(by))[measured]
    parts = [grouped.mean(), grouped.min().add_suffix("_low"), grouped.max().add_suffix("_high")]
    return pd.concat(parts, axis=1).reset_index()


def votes_left(
    view: NeuronView,
    clusters: Sequence[Cluster],
    *,
    fractions: Sequence[float] = FRACTIONS,
    num_draws: int = 4,
    seed: int = 0,
) -> pd.DataFrame:
    """What a cluster still says to the logits when a share of its neurons is gone.

    Columns cluster, fraction, draw, amplitude (A of its cosine, ``fit_cosine``), rest (root mean
    square of all that is not that cosine, centred over answers, in logits). The neurons left are
    those that ``removal_curve`` leaves at that share and draw.
    """
    rows = []
    for cluster in clusters:
        for draw in range(num_draws):
            order = np.random.default_rng([seed, draw]).permutation(cluster.neurons)
            for fraction in fractions:
                left = order[round(fraction * len(order)) :]
                row = (cluster.index, fraction, draw)
                rows.append((*row, *_vote_parts(view, left, cluster.freq)))
    return pd.DataFrame(rows, columns=["cluster", "fraction", "draw", "amplitude", "rest"])


def _vote_parts(
    view: NeuronView, neurons: Int[np.ndarray, " member"], freq: int
) -> tuple[float, float]:
    if not len(neurons):
        return 0.0, 0.0
    said = centre(view.contribution(neurons))
    fit = fit_cosine(said, freq)
    if fit.amplitude == 0:
        return 0.0, float(np.sqrt((said**2).mean()))
    return fit.amplitude, float(np.sqrt((1 - fit.explained) * (said**2).mean()))


def damage_table(
    view: NeuronView, clusters: Sequence[Cluster], removal: pd.DataFrame
) -> pd.DataFrame:
    """A row a cluster: what the network loses with it, and what could have foretold that.

    ``removal``: ``damage_curves`` of ``removal_curve`` with the shares 0 and 1. ``amplitude``: A
    of its cosine; ``margin_left``: ``remaining_margins`` without it; ``accuracy``, ``loss``:
    without it; ``control_accuracy``, ``control_loss``: without as many random live neurons, mean
    over draws; ``loss_whole``: of the untouched network.
    """
    freqs = [cluster.freq for cluster in clusters]
    amplitudes = [fit_cosine(view.contribution(c.neurons), c.freq).amplitude for c in clusters]
    margins = remaining_margins(view.n, freqs, amplitudes)
    rows = []
    for cluster, amplitude, margin in zip(clusters, amplitudes, margins, strict=True):
        own = removal[removal.cluster == cluster.index]
        gone = own[own.fraction == 1.0].groupby("control")[["accuracy", "loss"]].mean()
        rows.append(
            {
                "cluster": cluster.index,
                "freq": cluster.freq,
                "num_neurons": cluster.num_neurons,
                "amplitude": amplitude,
                "margin_left": margin,
                "accuracy": gone.accuracy[False],
                "loss": gone.loss[False],
                "control_accuracy": gone.accuracy[True],
                "control_loss": gone.loss[True],
                "loss_whole": own[own.fraction == 0.0].loss.mean(),
            }
        )
    return pd.DataFrame(rows)


def remaining_margins(
    n: int, freqs: Sequence[int], amplitudes: Sequence[float]
) -> Float[np.ndarray, " cluster"]:
    """By how many logits the right answer would lead, if all clusters but one were cosines.

    min over d != 0 of sum over l != j of A_l (1 - cos(2 pi f_l d / n)), for each j left out:
    paper A, section 5.4, with the amplitudes A_l.
    """
    waves = [a * cosine(n, freq) for freq, a in zip(freqs, amplitudes, strict=True)]
    total = np.sum(waves, axis=0) if waves else np.zeros(n)
    left = [total - wave for wave in waves]
    return np.array([float(h[0] - h[1:].max()) for h in left])


def rank_correlation(
    x: Float[np.ndarray, " item"], y: Float[np.ndarray, " item"]
) -> tuple[float, float]:
    """Spearman's rho and how often a random order of the items is at least as far from 0.

    By all orders for up to seven items, by the t approximation beyond; NaN for fewer than three
    items and where one of the two is constant.
    """
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan"), float("nan")
    from scipy import stats  # not at the top: a second that `modlib show` does without

    rho, p_value = stats.spearmanr(x, y)
    if len(x) > MOST_ORDERS:
        return float(rho), float(p_value)
    ranks_x, ranks_y = stats.rankdata(x), stats.rankdata(y)
    orders = ranks_y[np.array(list(permutations(range(len(y)))))]
    centred = ranks_x - ranks_x.mean()
    products = np.abs((orders - ranks_y.mean()) @ centred)
    reached = abs(float((ranks_y - ranks_y.mean()) @ centred))
    return float(rho), float((products >= reached - 1e-9).mean())
