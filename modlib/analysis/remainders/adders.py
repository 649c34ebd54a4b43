"""Paper A's network inside paper B's: one wave a neuron, clusters and circuits by task.

Attention that does not vary leaves each neuron a function of x0 plus a function of x1, as in a
network that adds. The exact lens on it is a character exp(2 pi i k x / q) of the whole number x:
x = x0 + p x1, or the digits the other way round, so that it is one wave of each digit, at k/q
cycles a step in the low one and k p/q in the high one. Phases are in turns, as t in
cos(2 pi (f x - t)).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy import stats

from modlib.analysis.remainders.task_lens import (
    Ablations,
    ablate,
    digit_parts,
    digit_waves,
    overlap,
    own_neurons,
    random_frequencies,
    sample_of,
    task_frequencies,
    votes,
)
from modlib.maths.fourier import circular_difference
from modlib.maths.intervals import LEVELS
from modlib.models.views.transformer_view import TransformerView
from modlib.tasks.remainders import digits

ONE_WAVE = 0.8
"""Share of its preactivation's variance from which on a neuron is of one wave."""
MIN_CLUSTER = 2
"""Fewest neurons of one wave that make a cluster; q = 2, whose wave has no phase, needs no more."""
BROKEN = 0.6
"""Accuracy under which a task counts as broken."""
PAPER_A_PHASE = 0.02
"""Paper A's bound for t_A + t_B - t_D of a simple neuron, in turns."""
NEAR = 0.01
"""Cycles a step within which two frequencies are neighbours."""
LAWS = {"ln q": np.log, "sqrt q": np.sqrt, "q": lambda q: q}
"""What the number of clusters may grow with."""
_RANK = 1e-6
"""Relative eigenvalue under which a wave's cosine and sine count as one function."""


class Heard(NamedTuple):
    """A preactivation as mean + x0's part + x1's part + what is no sum of the two.

    ``x0``, ``x1`` (digit, neuron): parts of mean 0; ``rest`` and ``variance`` (neuron,): variance
    over all numbers of what is left, and of the whole.
    """

    mean: Float[np.ndarray, " neuron"]
    x0: Float[np.ndarray, "digit neuron"]
    x1: Float[np.ndarray, "digit neuron"]
    rest: Float[np.ndarray, " neuron"]
    variance: Float[np.ndarray, " neuron"]

    @property
    def not_additive(self) -> Float[np.ndarray, " neuron"]:
        """Share of the variance that is no f(x0) + g(x1); NaN for a constant neuron."""
        with np.errstate(invalid="ignore"):
            return self.rest / self.variance

    def preact(self, view: TransformerView) -> Float[np.ndarray, "x neuron"]:
        """The sum of mean and both parts for every number."""
        x0, x1 = digits(view.config)
        return self.mean + self.x0[x0] + self.x1[x1]


def heard(view: TransformerView) -> Heard:
    """Split every preactivation by digits, in float64 (a two-way analysis of variance)."""
    weights = {name: array.astype(np.float64) for name, array in view.weights.items()}
    exact = replace(view, weights=weights)
    grid = exact.grid(exact.stream @ weights["w_in"])
    mean, variance = grid.mean((0, 1)), grid.var((0, 1))
    x0, x1 = grid.mean(1) - mean, grid.mean(0) - mean
    rest = (grid - mean - x0[:, None] - x1[None]).var((0, 1))
    return Heard(mean, x0, x1, rest, variance)


class Characters(NamedTuple):
    """Every character of every task: q, k, and its frequencies (x0, x1) in cycles a step."""

    q: Int[np.ndarray, " character"]
    k: Int[np.ndarray, " character"]
    frequencies: Float[np.ndarray, "character 2"]


def characters(view: TransformerView) -> Characters:
    """k = 1 .. q // 2 of each task."""
    found = [task_frequencies(view, q) for q in view.qs.tolist()]
    counts = [len(one) for one in found]
    return Characters(
        q=np.repeat(view.qs, counts),
        k=np.concatenate([np.arange(1, count + 1) for count in counts]),
        frequencies=np.concatenate(found),
    )


def wave_shares(
    parts: Heard, frequencies: Float[np.ndarray, "wave 2"]
) -> Float[np.ndarray, "neuron wave"]:
    """Share of each neuron's variance that one wave of x0 and one of x1 explain.

    Each has its own gain and phase; NaN for a constant neuron.
    """
    p = len(parts.x0)
    explained = np.zeros((len(parts.mean), len(frequencies)))
    for part, freq in zip((parts.x0, parts.x1), frequencies.T, strict=True):
        waves = digit_waves(freq, p)
        along = (part.T @ waves.reshape(p, -1)).reshape(-1, 2, len(freq))
        gram = _inverse(waves)
        explained += sum(
            along[:, i] * gram[:, i, j] * along[:, j] for i in (0, 1) for j in (0, 1)
        ) / p
    with np.errstate(invalid="ignore"):
        return explained / parts.variance[:, None]


def _inverse(waves: Float[np.ndarray, "digit 2 wave"]) -> Float[np.ndarray, "wave 2 2"]:
    """Inverse of the products of each wave's cosine and sine; at f = 1/2 there is no sine."""
    gram = np.einsum("xiw,xjw->wij", waves, waves)
    return np.asarray(np.linalg.pinv(gram, rcond=_RANK, hermitian=True))


class DigitWave(NamedTuple):
    """A wave a neuron in one digit's part: gain cos(2 pi (f x - phase)), less its mean."""

    gain: Float[np.ndarray, " neuron"]
    phase: Float[np.ndarray, " neuron"]
    values: Float[np.ndarray, "digit neuron"]


def fit_waves(
    part: Float[np.ndarray, "digit neuron"], freq: Float[np.ndarray, " neuron"]
) -> DigitWave:
    """The wave of each neuron's own frequency that is nearest to its part."""
    waves = digit_waves(freq, len(part))
    along = np.einsum("xiw,xw->wi", waves, part)
    cosine, sine = np.einsum("wij,wj->iw", _inverse(waves), along)
    return DigitWave(
        gain=np.hypot(cosine, sine),
        phase=np.arctan2(sine, cosine) / (2 * np.pi) % 1.0,
        values=np.einsum("xiw,iw->xw", waves, np.stack([cosine, sine])),
    )


def neuron_waves(view: TransformerView, parts: Heard) -> pd.DataFrame:
    """A row a neuron with the character that explains most of its preactivation.

    ``q``, ``k``; ``share`` of the variance explained, ``random`` by the best of as many random
    pairs of frequencies; ``gain_0``, ``gain_1``, ``phase_0``, ``phase_1`` of its waves of x0 and
    x1, ``phase_out`` of its output to the answers c of its task, whose mean is taken off;
    ``phase_error``: phase_0 + phase_1 - phase_out in [-1/2, 1/2); ``k_out``: the output's strongest
    frequency; ``out_share`` of its output's power at k; ``to_task``: share of its output's power
    to all tasks that goes to its own. A constant neuron has q = 0 and else NaN.
    """
    known, live = characters(view), parts.variance > 0
    shares = np.nan_to_num(wave_shares(parts, known.frequencies))
    (at_random,) = random_frequencies(len(known.q), draws=1)
    best = shares.argmax(1)
    q, k = known.q[best], known.k[best]
    first, second = (
        fit_waves(part, known.frequencies[best, digit])
        for digit, part in enumerate((parts.x0, parts.x1))
    )
    table = pd.DataFrame(
        {
            "share": shares.max(1),
            "random": wave_shares(parts, at_random).max(1),
            "gain_0": first.gain,
            "gain_1": second.gain,
            "phase_0": first.phase,
            "phase_1": second.phase,
        }
    )
    table = table.join(_output(view, q, k))
    total = table.phase_0 + table.phase_1 - table.phase_out
    table["phase_error"] = circular_difference(total.to_numpy(), 1.0)
    table.loc[~live] = np.nan
    table.insert(0, "q", np.where(live, q, 0))
    table.insert(1, "k", np.where(live, k, 0))
    return table


def _output(
    view: TransformerView, q: Int[np.ndarray, " neuron"], k: Int[np.ndarray, " neuron"]
) -> pd.DataFrame:
    """``phase_out``, ``k_out``, ``out_share`` and ``to_task`` of ``neuron_waves``."""
    found = pd.DataFrame(index=range(len(q)), dtype=float)
    total = np.zeros(len(q))
    for own in view.qs.tolist():
        to_task = view.written[:, view.columns(own)].astype(np.float64)
        spectrum = np.fft.rfft(to_task, axis=1)[:, 1:]
        power = np.abs(spectrum) ** 2 * np.where(2 * np.arange(1, own // 2 + 1) == own, 1, 2) / own
        total += power.sum(1)
        (rows,) = np.nonzero(q == own)
        at, sums = k[rows] - 1, power[rows].sum(1)
        with np.errstate(invalid="ignore"):
            found.loc[rows, "phase_out"] = -np.angle(spectrum[rows, at]) / (2 * np.pi) % 1.0
            found.loc[rows, "k_out"] = power[rows].argmax(1) + 1.0
            found.loc[rows, "out_share"] = power[rows, at] / sums
            found.loc[rows, "to_task"] = sums
    with np.errstate(invalid="ignore"):
        found["to_task"] /= total
    return found


class Folded(NamedTuple):
    """A table beside its wave, gain cos(2 pi (turn - phase)) + level.

    ``turns`` (entry,): each entry's place on the wave, in turns; ``values`` (entry,).
    """

    turns: Float[np.ndarray, " entry"]
    values: Float[np.ndarray, " entry"]
    gain: float
    level: float
    phase: float

    def at(self, turns: Float[np.ndarray, " turn"]) -> Float[np.ndarray, " turn"]:
        """The wave at these places."""
        return np.asarray(self.gain * np.cos(2 * np.pi * (turns - self.phase)) + self.level)


def folded(
    view: TransformerView, parts: Heard, neurons: pd.DataFrame, neuron: int
) -> tuple[Folded, Folded, Folded]:
    """What a neuron hears of x0 and of x1, and what it says to its task, on its character."""
    row = neurons.loc[neuron]
    q, k = int(row.q), int(row.k)
    known = characters(view)
    (at,) = np.flatnonzero((known.q == q) & (known.k == k))
    heard_of = [
        _folded(part[:, neuron], freq)
        for part, freq in zip((parts.x0, parts.x1), known.frequencies[at], strict=True)
    ]
    says = view.written[neuron, view.columns(q)].astype(np.float64)
    return heard_of[0], heard_of[1], _folded(says - says.mean(), k / q)


def _folded(values: Float[np.ndarray, " entry"], freq: float) -> Folded:
    """Values of mean 0 on the wave of this frequency that is nearest to them."""
    wave = fit_waves(values[:, None], np.array([freq]))
    turns = freq * np.arange(len(values)) % 1.0
    gain, phase = float(wave.gain[0]), float(wave.phase[0])
    level = -float(gain * np.cos(2 * np.pi * (turns - phase)).mean())
    return Folded(turns, values, gain, level, phase)


def of_one_wave(neurons: pd.DataFrame) -> Bool[np.ndarray, " neuron"]:
    """Which neurons are of one wave."""
    return np.asarray(neurons.share >= ONE_WAVE)


def by_task(
    neurons: pd.DataFrame, qs: Int[np.ndarray, " task"]
) -> Bool[np.ndarray, "task neuron"]:
    """Each task's neurons of one wave."""
    return of_one_wave(neurons) & (neurons.q.to_numpy() == qs[:, None])


def cluster_sizes(neurons: pd.DataFrame, fewest: int = MIN_CLUSTER) -> pd.DataFrame:
    """A row a cluster, ``q``, ``k`` and ``size``: neurons of one wave that share it."""
    sizes = neurons[of_one_wave(neurons)].groupby(["q", "k"]).size().rename("size").reset_index()
    return sizes[sizes["size"] >= fewest].reset_index(drop=True)


def cluster_numbers(
    neurons: pd.DataFrame, qs: Int[np.ndarray, " task"], fewest: int = MIN_CLUSTER
) -> pd.Series:
    """Clusters of each task, by q."""
    return cluster_sizes(neurons, fewest).groupby("q").size().reindex(qs, fill_value=0)


class Near(NamedTuple):
    """Share of the pairs of clusters whose k/q lie within ``NEAR`` of each other.

    ``at_random``: mean of draws with as many frequencies a task, ``low``, ``high``: 95 % of them.
    """

    share: float
    at_random: float
    low: float
    high: float


def near_frequencies(clusters: pd.DataFrame, num_draws: int = 500) -> Near | None:
    """Whether tasks choose neighbouring frequencies; ``clusters``: see ``cluster_sizes``.

    None below two clusters.
    """
    if len(clusters) < 2:
        return None
    generator = np.random.default_rng(0)
    numbers = clusters.groupby("q").size()

    def near(turns: np.ndarray) -> float:
        first, second = np.triu_indices(len(turns), 1)
        return float((np.abs(turns[first] - turns[second]) < NEAR).mean())

    def drawn() -> np.ndarray:
        chosen = (generator.permutation(q // 2)[:count] / q for q, count in numbers.items())
        return np.concatenate([one + 1 / q for one, q in zip(chosen, numbers.index, strict=True)])

    draws = [near(drawn()) for _ in range(num_draws)]
    found = near((clusters.k / clusters.q).to_numpy())
    return Near(found, float(np.mean(draws)), *np.quantile(draws, LEVELS).tolist())


def growth(numbers: pd.Series) -> pd.DataFrame:
    """The clusters of tasks, by q, on each of ``LAWS``, by name.

    Least squares with a constant: ``slope`` with ``low`` and ``high`` of its 95 % interval over
    tasks, ``start`` (the constant) and ``explained``, the share of the variance; empty below three
    tasks.
    """
    columns = ["slope", "low", "high", "start", "explained"]
    if len(numbers) < 3:
        return pd.DataFrame(columns=columns, dtype=float)
    rows = {}
    for name, law in LAWS.items():
        fit = stats.linregress(law(numbers.index.to_numpy(dtype=float)), numbers.to_numpy())
        half = float(stats.t.ppf(LEVELS[1], len(numbers) - 2)) * fit.stderr
        ends = (fit.slope - half, fit.slope + half)
        rows[name] = [fit.slope, *ends, fit.intercept, fit.rvalue**2]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def smallest_sets(
    view: TransformerView,
    targets: Int[np.ndarray, "x task"],
    own: Bool[np.ndarray, "task neuron"],
    loudness: Float[np.ndarray, "task neuron"],
    numbers: Int[np.ndarray, " number"],
) -> Float[np.ndarray, " task"]:
    """How many of its neurons, the loudest first, held at their mean break a task.

    ``loudness``: see ``task_lens.votes``. An upper bound of the smallest set; NaN where even all of
    them leave the task at ``BROKEN`` or above.
    """
    x = sample_of(numbers)
    found = np.full(len(own), np.nan)
    for task, q in enumerate(view.qs.tolist()):
        columns, right = view.columns(q), targets[x, task]
        logits = view.logits[x, columns].astype(np.float64)
        members = np.flatnonzero(own[task])
        ranked = members[np.argsort(-loudness[task, members], kind="stable")]
        for count, neuron in enumerate(ranked, start=1):
            lost = view.neurons[x, neuron] - view.neurons[:, neuron].mean(dtype=np.float64)
            logits -= lost[:, None] * view.written[neuron, columns]
            if (logits.argmax(1) == right).mean() < BROKEN:
                found[task] = count
                break
    return found


def replacements(
    view: TransformerView,
    parts: Heard,
    neurons: pd.DataFrame,
    targets: Int[np.ndarray, "x task"],
    numbers: Int[np.ndarray, " number"],
) -> pd.DataFrame:
    """Accuracy of each task, by q, with parts of the network replaced.

    ``whole``: nothing; ``one_wave``: every preactivation is its mean and its best wave a digit;
    ``own_task``: every neuron writes to the task of its best wave only, and is held at its mean
    for the others; ``direct_mean``: the path around the neurons is held at its mean;
    ``own_joint``: both, and of each neuron only what depends on the two digits together, with no
    part of either alone (``DigitParts.both``).
    """
    x = sample_of(numbers)
    x0, x1 = (digit[x] for digit in digits(view.config))
    known = characters(view)
    place = {pair: i for i, pair in enumerate(zip(known.q, known.k, strict=True))}
    best = [place.get(pair, 0) for pair in zip(neurons.q, neurons.k, strict=True)]
    waves = [
        fit_waves(part, known.frequencies[best, digit]).values
        for digit, part in enumerate((parts.x0, parts.x1))
    ]
    written = view.written
    to_own = np.repeat(view.qs, view.qs) == neurons.q.to_numpy()[:, None]
    active = view.neurons[x]
    mean = view.neurons.mean(0, dtype=np.float64).astype(active.dtype)
    joint = digit_parts(view).both[x0, x1]
    simple = np.maximum(parts.mean + waves[0][x0] + waves[1][x1], 0).astype(active.dtype)
    direct = view.stream @ view.weights["unembed"]
    logits = {
        "whole": direct[x] + active @ written,
        "one_wave": direct[x] + simple @ written,
        "own_task": direct[x] + (active - mean) @ (written * to_own) + mean @ written,
        "direct_mean": direct.mean(0) + active @ written,
        "own_joint": direct.mean(0) + joint @ (written * to_own) + mean @ written,
    }
    right = {name: view.accuracy(one, targets[x]).mean(0) for name, one in logits.items()}
    return pd.DataFrame(right, index=pd.Index(view.qs, name="q"))


def waste_left(view: TransformerView) -> float:
    """What the path around the neurons leaves of their waves of a single digit in the logits.

    A ReLU of two waves has each digit's wave beside that of both together. Variance of the single
    digits' parts in all logits together, the direct path's added, over that of the neurons'; NaN
    where the neurons have none.
    """
    found = digit_parts(view)
    direct = view.grid(view.stream @ view.weights["unembed"])
    neurons = [part @ view.written for part in (found.x0, found.x1)]
    around = [direct.mean(1 - digit) - direct.mean((0, 1)) for digit in (0, 1)]
    before = sum(float(part.var(0, dtype=np.float64).sum()) for part in neurons)
    both = sum(
        float((part + other).var(0, dtype=np.float64).sum())
        for part, other in zip(neurons, around, strict=True)
    )
    return both / before if before > 0 else float("nan")


class Circuits(NamedTuple):
    """Who works for whom.

    ``own``: each task's neurons of one wave; ``shared``: Jaccard index of each two tasks' neurons
    by their votes, which no wave keeps apart, NaN of a task with itself; ``removed``: accuracies
    without each task's own, ``smallest``: how few break it (``smallest_sets``).
    """

    own: Bool[np.ndarray, "task neuron"]
    shared: Float[np.ndarray, "task task"]
    removed: Ablations
    smallest: Float[np.ndarray, " task"]


def circuits(
    view: TransformerView,
    neurons: pd.DataFrame,
    targets: Int[np.ndarray, "x task"],
    numbers: Int[np.ndarray, " number"],
) -> Circuits:
    """Whether tasks share neurons, and what goes with a task's neurons.

    As many random neurons are drawn once. ``numbers``: those on which accuracy is taken.
    """
    own, loudness = by_task(neurons, view.qs), votes(view, targets)
    shared = overlap(own_neurons(loudness))
    np.fill_diagonal(shared, np.nan)
    return Circuits(
        own=own,
        shared=shared,
        removed=ablate(view, targets, own, numbers, num_controls=1),
        smallest=smallest_sets(view, targets, own, loudness, numbers),
    )


class Described(NamedTuple):
    """Numbers of a network, by name, and a row a task, by ``q``."""

    network: dict[str, float]
    tasks: pd.DataFrame


def describe_adders(
    view: TransformerView,
    targets: Int[np.ndarray, "x task"],
    numbers: Int[np.ndarray, " number"],
) -> Described:
    """A network as many adders; accuracies on ``numbers``, or ``MAX_NUMBERS`` of them.

    Network: ``not_additive``, the largest over neurons; ``one_wave`` and ``one_wave_random``,
    medians over live neurons of ``share`` and ``random``; ``one_wave_neurons``, how many; and of
    those ``phase_error`` and ``loudness_error``, 95 % quantiles of the size of the phases' sum in
    turns and of ln(gain_0 / gain_1), ``same_output``, the share whose output is strongest at
    their own k, and ``to_task``, the mean share of the output that goes to their own task;
    ``waste_left``, see there.
    Tasks: ``clusters``, with ``clusters_1`` and ``clusters_3`` where one neuron makes one, and where
    it takes three; ``waves`` (neurons of one wave), ``shared`` (largest overlap with another
    task), ``whole``, ``one_wave``, ``own_task``, ``direct_mean``, ``own_joint`` (``replacements``), and
    without its neurons the accuracy of its own, ``removed_own``, the mean of the others',
    ``removed_others``, which without as many random neurons is ``removed_random``; ``smallest``.
    """
    parts = heard(view)
    neurons = neuron_waves(view, parts)
    found = circuits(view, neurons, targets, numbers)
    chosen = neurons[of_one_wave(neurons)]
    network = {
        "not_additive": float(np.nanmax(parts.not_additive, initial=0.0)),
        "one_wave": float(neurons.share.median()),
        "one_wave_random": float(neurons.random.median()),
        "one_wave_neurons": float(len(chosen)),
        "phase_error": float(chosen.phase_error.abs().quantile(0.95)),
        "loudness_error": float(np.log(chosen.gain_0 / chosen.gain_1).abs().quantile(0.95)),
        "same_output": float((chosen.k_out == chosen.k).mean()),
        "to_task": float(chosen.to_task.mean()),
        "waste_left": waste_left(view),
    }
    tasks = pd.DataFrame(
        {
            "q": view.qs,
            "clusters": cluster_numbers(neurons, view.qs).to_numpy(),
            "clusters_1": cluster_numbers(neurons, view.qs, 1).to_numpy(),
            "clusters_3": cluster_numbers(neurons, view.qs, 3).to_numpy(),
            "waves": found.own.sum(1),
            "shared": pd.DataFrame(found.shared).max(axis=1),
            "removed_own": np.diagonal(found.removed.own),
            "removed_others": mean_of_others(found.removed.own),
            "removed_random": mean_of_others(found.removed.random),
            "smallest": found.smallest,
        }
    )
    rungs = replacements(view, parts, neurons, targets, numbers)
    return Described(network, tasks.join(rungs, on="q"))


def mean_of_others(accuracy: Float[np.ndarray, "removed task"]) -> Float[np.ndarray, " removed"]:
    """Mean over the other tasks; NaN where there is none."""
    others = pd.DataFrame(accuracy).mask(np.eye(len(accuracy), dtype=bool))
    return others.mean(axis=1).to_numpy()
