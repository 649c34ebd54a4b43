"""Rows of the ledger's second edition, computed a second time from their rules alone.

Nothing here calls what measures or decides a claim in ``modlib``: committed files are opened with
pandas, intervals resample networks or are Clopper and Pearson's, and verdicts follow the ledger's
convention. A row is a function of the tables of its sweeps; its docstring quotes its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import integrate, stats

NUM_RESAMPLES = 4000
FIRST_SEED = 20000
MODULI = {"A91": 91, "A89": 89, "A91-full": 91, "A89-full": 89}


class Recomputed(NamedTuple):
    """A row's deciding number, its 95 % interval and its verdict; shares are of 1.

    ``drawn``: by how much the number itself may be off because it rests on random draws.
    """

    value: float
    low: float
    high: float
    verdict: str
    drawn: float = 0.0


# Intervals and verdicts


def share_interval(successes: int, trials: int) -> tuple[float, float]:
    """Clopper and Pearson's."""
    found = stats.binomtest(int(successes), int(trials)).proportion_ci(method="exact")
    return float(found.low), float(found.high)


def bootstrap(
    statistic: Callable[..., Any], *samples: np.ndarray, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of a statistic of column sums; rows of each sample, the networks, are redrawn.

    ``statistic`` is given the sums of each sample, with the columns in the last axis.
    """
    generator = np.random.default_rng(seed)
    sums = []
    for sample in samples:
        num = len(sample)
        at_once = max(1, 2_000_000 // num)
        blocks = []
        for start in range(0, NUM_RESAMPLES, at_once):
            rows = min(at_once, NUM_RESAMPLES - start)
            blocks.append(sample[generator.integers(num, size=(rows, num))].sum(1))
        sums.append(np.concatenate(blocks))
    low, high = np.quantile(statistic(*sums), [0.025, 0.975])
    return float(low), float(high)


def ratio(sums: np.ndarray) -> Any:
    """The first column's sum over the second's."""
    return sums[..., 0] / sums[..., 1]


def pooled(*sums: np.ndarray) -> Any:
    """The same over several samples together."""
    return ratio(sum(sums[1:], sums[0]))


def over(low: float, high: float, bound: float) -> str:
    """Verdict of "at least" or "above": the whole interval there, none of it, or neither."""
    return "agrees" if low >= bound else "differs" if high < bound else "undecided"


def under(low: float, high: float, bound: float) -> str:
    """Verdict of "at most" or "below"."""
    return "agrees" if high <= bound else "differs" if low > bound else "undecided"


def between(low: float, high: float, least: float, most: float) -> str:
    """Verdict of "within"."""
    if least <= low and high <= most:
        return "agrees"
    return "differs" if high < least or low > most else "undecided"


def every(*verdicts: str) -> str:
    """Verdict of a rule in parts: one that differs decides, then one that is open."""
    return next((v for v in ("differs", "undecided") if v in verdicts), "agrees")


# Tables


def read(folder: Path, num: int) -> SimpleNamespace | None:
    """The tables of a committed folder, of its first ``num`` seeds; None where it has not all."""
    tables = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    wanted = np.arange(FIRST_SEED, FIRST_SEED + num)
    held = tables.get("networks", tables.get("summary", pd.DataFrame({"seed": []})))
    if not set(wanted) <= set(held.seed):
        return None
    kept = {name: t[t.seed.isin(wanted)] if "seed" in t else t for name, t in tables.items()}
    return SimpleNamespace(**kept)


def by_network(tables: Any, rows: pd.DataFrame, *values: Any) -> np.ndarray:
    """Sums of values over a network's rows, a row a network, a column a value."""
    networks = tables.networks if hasattr(tables, "networks") else tables.summary
    place = pd.Index(networks.seed).get_indexer(rows.seed)
    columns = [
        np.bincount(place, np.broadcast_to(np.asarray(v, float), len(rows)), len(networks))
        for v in values
    ]
    return np.stack(columns, axis=1)


def mean_of_rows(sweeps: Mapping[str, Any], table: str, of: Callable[..., Any]) -> Any:
    """Mean over rows of all sweeps together, and its interval over networks.

    ``of``: given a table, the values and which rows count.
    """
    samples = []
    for tables in sweeps.values():
        rows = getattr(tables, table)
        values, counted = of(rows)
        counted = np.asarray(counted, bool)
        chosen = np.where(counted, np.asarray(values, float), 0.0)
        samples.append(by_network(tables, rows, chosen, counted))
    return float(pooled(*(s.sum(0) for s in samples))), *bootstrap(pooled, *samples)


def mean_of_networks(values: Mapping[str, Any]) -> tuple[float, float, float]:
    """Mean over networks of all sweeps together, those that are NaN left out, and its interval."""
    kept = [np.asarray(v, float)[~np.isnan(v)] for v in values.values()]
    samples = [np.stack([v, np.ones_like(v)], axis=1) for v in kept]
    return float(pooled(*(s.sum(0) for s in samples))), *bootstrap(pooled, *samples)


def folded(freq: Any, n: int) -> Any:
    """Frequencies up to sign: 1 to n // 2."""
    return np.minimum(freq % n, -freq % n)


def learned_sets(tables: Any, n: int) -> np.ndarray:
    """Which frequencies, 0 to n // 2, are clusters of each network."""
    place = pd.Index(tables.networks.seed).get_indexer(tables.clusters.seed)
    found = np.zeros((len(tables.networks), n // 2 + 1), bool)
    found[place, tables.clusters.freq] = True
    return found


def has_double(found: np.ndarray, n: int) -> np.ndarray:
    """Numbers of pairs f, 2f in each set."""
    f = np.arange(1, n // 2 + 1)
    pairs = {tuple(sorted((int(a), int(folded(2 * a, n))))) for a in f}
    first, second = np.array(sorted(p for p in pairs if p[0] != p[1])).T
    return (found[:, first] & found[:, second]).sum(1)


# Chapters 1 and 2


def accuracy(sweeps: Mapping[str, Any]) -> Recomputed:
    """Share of runs that reach 100 % and end at 99.9 % or more, "at least .95 each"."""
    shares = []
    for tables in sweeps.values():
        runs = tables.networks
        good = int(((runs.reached_epoch >= 0) & (runs.test_accuracy >= 0.999)).sum())
        shares.append((good / len(runs), *share_interval(good, len(runs))))
    return Recomputed(*min(shares), every(*(over(low, high, 0.95) for _, low, high in shares)))


@cache
def low_harmonics(n: int, order: int = 6) -> np.ndarray:
    """Whether g (column) is a harmonic of f (row) of that order or less."""
    half = n // 2
    found = np.zeros((half + 1, half + 1), bool)
    for m in range(1, order + 1):
        f = np.arange(1, half + 1)
        found[f, folded(m * f, n)] = True
    return found


def of_one_frequency(triples: np.ndarray, n: int) -> np.ndarray:
    """Whether all three are low harmonics of some one frequency."""
    return low_harmonics(n)[:, triples].all(2).any(0)


def all_triples(n: int) -> float:
    """Share of all triples of different frequencies that are."""
    half = n // 2
    f = np.stack(np.meshgrid(*[np.arange(1, half + 1)] * 3), axis=-1).reshape(-1, 3)
    triples = f[(f[:, 0] < f[:, 1]) & (f[:, 1] < f[:, 2])]
    return float(of_one_frequency(triples, n).mean())


def fine_tuning_order(sweeps: Mapping[str, Any]) -> Recomputed:
    """Neurons of residual .30 or more whose three largest frequencies are harmonics of one f of
    order 6 or less: "at least 90 %, and fewer than 10 % of all triples"."""
    samples = []
    for name, tables in sweeps.items():
        neurons = tables.fine_tuning[tables.fine_tuning.residual >= 0.30]
        triples = neurons[["freq_1", "freq_2", "freq_3"]].to_numpy(int)
        kept = of_one_frequency(triples, MODULI[name])
        samples.append(by_network(tables, neurons, kept, 1.0))
    value = float(pooled(*(s.sum(0) for s in samples)))
    low, high = bootstrap(pooled, *samples)
    chance = max(all_triples(MODULI[name]) for name in sweeps)
    return Recomputed(value, low, high, every(over(low, high, 0.9), under(chance, chance, 0.1)))


def half_period(described: Mapping[str, Any]) -> Recomputed:
    """Fine-tuning neurons, n = 89, that the flank fits best: "in at least two thirds"."""

    def flank_is_best(neurons: pd.DataFrame) -> Any:
        best = (neurons.flank > neurons.full) & (neurons.flank > neurons.hump)
        return best, neurons.kind == "fine-tuning"

    value, low, high = mean_of_rows({"A89": described["A89"]}, "neurons", flank_is_best)
    return Recomputed(value, low, high, over(low, high, 2 / 3))


def replaced(sweeps: Mapping[str, Any]) -> Recomputed:
    """All neurons replaced by simple ones: "accuracy at least .999 and loss below 4 times the
    network's own, with 2f below 1.25 times"."""
    right = mean_of_networks({k: t.networks.strict_accuracy for k, t in sweeps.items()})
    times = [
        mean_of_networks({k: t.networks[loss] / t.networks.loss for k, t in sweeps.items()})
        for loss in ("strict_loss", "strict_2f_loss")
    ]
    verdicts = [under(low, high, b) for (_, low, high), b in zip(times, (4, 1.25), strict=True)]
    return Recomputed(*right, every(over(*right[1:], 0.999), *verdicts))


# Chapter 4


@cache
def nearest_expected(num: int) -> float:
    """Expected distance to the nearest of ``num - 1`` uniform points on a torus of side 1."""

    def beyond(r: float) -> float:
        area = np.pi * r**2
        if r > 0.5:  # the disc sticks out of the square at its four sides
            area -= 4 * (r**2 * np.arccos(0.5 / r) - 0.5 * np.sqrt(r**2 - 0.25))
        return float((1 - area) ** (num - 1))

    return float(integrate.quad(beyond, 0, np.sqrt(0.5), points=[0.5], limit=200)[0])


@cache
def nearest_by_chance(num: int, draws: int = 4000) -> tuple[float, float]:
    """2.5 % and 97.5 % quantiles of the mean nearest distance of uniform points, over its mean."""
    points = np.random.default_rng(num).random((draws, num, 2))
    apart = np.abs(points[:, :, None] - points[:, None])
    squared = (np.minimum(apart, 1 - apart) ** 2).sum(-1)
    squared[:, np.arange(num), np.arange(num)] = np.inf
    ratios = np.sqrt(squared.min(2)).mean(1) / nearest_expected(num)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)


def phases(sweeps: Mapping[str, Any]) -> Recomputed:
    """Simple clusters of 3 or more whose (t_A, t_B) are not told from even draws at 5 %: "share
    within .35 to .65"."""

    def not_told(clusters: pd.DataFrame) -> Any:
        own = (clusters.kind == "simple") & (clusters.num_phases >= 3)
        ends = np.array([nearest_by_chance(max(m, 3)) for m in clusters.num_phases])
        even = clusters.nearest_ratio.between(*ends.reshape(-1, 2).T)
        return even, own

    value, low, high = mean_of_rows(sweeps, "clusters", not_told)
    return Recomputed(value, low, high, between(low, high, 0.35, 0.65), drawn=0.01)


# Chapter 5


def removal_follows_size(sweeps: Mapping[str, Any]) -> Recomputed:
    """Spearman of a cluster's size with the loss without it, inside each network, mean over
    networks: "the interval lies above .5"."""
    found = {}
    for name, tables in sweeps.items():
        clusters = tables.clusters
        ranks = clusters.groupby("seed")[["num_neurons", "removed_loss"]].rank()
        ranks -= ranks.groupby(clusters.seed).transform("mean")
        x, y = ranks.num_neurons.to_numpy(), ranks.removed_loss.to_numpy()
        xy, xx, yy = by_network(tables, clusters, x * y, x * x, y * y).T
        scale = np.sqrt(xx * yy)
        found[name] = np.divide(xy, scale, out=np.full_like(xy, np.nan), where=scale > 0)
    value, low, high = mean_of_networks(found)
    return Recomputed(value, low, high, over(low, high, 0.5))


def random_neurons_hurt_more(sweeps: Mapping[str, Any]) -> Recomputed:
    """Loss without as many random live neurons over that without the cluster: "random neurons
    raise it more for at least 90 % of clusters"."""
    value, low, high = mean_of_rows(
        sweeps, "clusters", lambda c: (c.control_loss > c.removed_loss, np.ones(len(c)))
    )
    return Recomputed(value, low, high, over(low, high, 0.9))


def redundancy(sweeps: Mapping[str, Any]) -> Recomputed:
    """Single removals of a cluster that leave 99.9 % of all pairs right: "most"."""
    value, low, high = mean_of_rows(
        sweeps, "clusters", lambda c: (c.removed_accuracy >= 0.999, np.ones(len(c)))
    )
    return Recomputed(value, low, high, over(low, high, 0.5))


# Chapter 7


def intersection(sweeps: Mapping[str, Any]) -> Recomputed:
    """Margin of the right logit, all runs, learned or not: "positive everywhere in at least 95 %
    of runs"."""
    margins = np.concatenate([tables.networks.margin for tables in sweeps.values()])
    good = int((margins > 0).sum())
    low, high = share_interval(good, len(margins))
    return Recomputed(good / len(margins), low, high, over(low, high, 0.95))


def large_and_small(sweeps: Mapping[str, Any], column: str) -> Recomputed:
    """A column's mean over clusters of 12 neurons or more, and of 4 or fewer."""
    large = mean_of_rows(sweeps, "clusters", lambda c: (c[column], c.num_neurons >= 12))
    small = mean_of_rows(sweeps, "clusters", lambda c: (c[column], c.num_neurons <= 4))
    return Recomputed(*large, every(over(*large[1:], 0.9), under(*small[1:], 0.5)))


def cosine(sweeps: Mapping[str, Any]) -> Recomputed:
    """Share of a cluster's logits that one cosine explains: "mean at least .9 for clusters of 12
    neurons or more, and below .5 for those of 4 or fewer"."""
    return large_and_small(sweeps, "explained")


def equivariant(described: Mapping[str, Any]) -> Recomputed:
    """Cosine of shifted logits with the logits of shifted inputs: "mean at least .9 for clusters
    of 12 neurons or more, and below .5 for those of 4 or fewer"."""
    return large_and_small(described, "shift_cosine")


def equal_amplitude(sweeps: Mapping[str, Any]) -> Recomputed:
    """Coefficient of variation (ddof 1) of A over clusters of 8 neurons or more, mean over runs:
    "below .25"."""
    found = {}
    for name, tables in sweeps.items():
        large = tables.clusters[tables.clusters.num_neurons >= 8]
        groups = large.astype({"amplitude": float}).groupby("seed").amplitude
        found[name] = (groups.std(ddof=1) / groups.mean()).to_numpy()
    value, low, high = mean_of_networks(found)
    return Recomputed(value, low, high, under(low, high, 0.25))


# Chapter 8


def double(sweeps: Mapping[str, Any]) -> Recomputed:
    """Lift of the ratio 2 against draws without replacement, n = 91: "the interval lies below 1 in
    networks without fine-tuning neurons"."""
    tables, n = sweeps["A91"], 91
    found = learned_sets(tables, n)[(tables.networks["neurons_fine-tuning"] == 0).to_numpy()]
    half, size = n // 2, found.sum(1)
    num_pairs = int(has_double(np.ones((1, half + 1), bool), n)[0])
    expected = size * (size - 1) / (half * (half - 1)) * num_pairs
    sample = np.stack([has_double(found, n), expected], axis=1)
    low, high = bootstrap(ratio, sample)
    return Recomputed(float(ratio(sample.sum(0))), low, high, under(low, high, 1.0))


def window_count(sweeps: Mapping[str, Any]) -> Recomputed:
    """Neurons with a magnitude of 7.5 to 30, a frequency and run, over the paper's 2,200 in
    100,000 runs: "within a factor of 1.5"."""
    samples = []
    for name, tables in sweeps.items():
        seen = by_network(tables, tables.window, tables.window.num_neurons)
        samples.append(np.hstack([seen, np.full_like(seen, 0.022 * (MODULI[name] // 2))]))
    value = float(pooled(*(s.sum(0) for s in samples)))
    low, high = bootstrap(pooled, *samples)
    return Recomputed(value, low, high, between(low, high, 1 / 1.5, 1.5))


def class_13_over_1(tables: Any, counts: Any) -> tuple[float, float, float]:
    """Rate a frequency of the multiples of 13 over that of what is prime to 91."""
    shared = np.gcd(tables.window.freq, 91)
    sums = by_network(tables, tables.window, *(np.where(shared == g, counts, 0) for g in (13, 1)))
    sample = sums / [3, 36]
    return float(ratio(sample.sum(0))), *bootstrap(ratio, sample)


def prime_factors(sweeps: Mapping[str, Any]) -> Recomputed:
    """All neurons in the window, gcd class 13 over 1: "the interval lies below 1"."""
    value, low, high = class_13_over_1(sweeps["A91"], sweeps["A91"].window.num_neurons)
    return Recomputed(value, low, high, under(low, high, 1.0))


def prime_factors_runs(sweeps: Mapping[str, Any]) -> Recomputed:
    """Runs that have a neuron in the window, gcd class 13 over 1: "the interval lies below 1"."""
    value, low, high = class_13_over_1(sweeps["A91"], sweeps["A91"].window.num_neurons > 0)
    return Recomputed(value, low, high, under(low, high, 1.0))


def exact(sweeps: Mapping[str, Any]) -> Recomputed:
    """Fine-tuning neurons in the window, gcd class 13 over 1: "the interval lies above 1"."""
    value, low, high = class_13_over_1(sweeps["A91"], sweeps["A91"].window.num_fine_tuning)
    return Recomputed(value, low, high, over(low, high, 1.0))


def origin(sweeps: Mapping[str, Any]) -> Recomputed:
    """Fine-tuning neurons whose two leading frequencies are clusters of their network, and
    networks with such neurons, with a pair f, 2f over without: "share above 50 %, by chance below
    15 %, and ratio above 3, at both moduli"."""
    shares, verdicts = [], []
    for name, tables in sweeps.items():
        n, networks = MODULI[name], tables.networks
        neurons = tables.fine_tuning[tables.fine_tuning.residual >= 0.30]
        found = learned_sets(tables, n)
        place = pd.Index(networks.seed).get_indexer(neurons.seed)
        leading = neurons[["freq_1", "freq_2"]].to_numpy(int).T
        both = found[place, leading[0]] & found[place, leading[1]]
        # By chance: the second is any frequency but the first, which is a cluster.
        chance = (found.sum(1)[place] - 1) / (n // 2 - 1)
        sample = by_network(tables, neurons, both, 1.0)
        shares.append((float(ratio(sample.sum(0))), *bootstrap(ratio, sample)))
        by_chance = bootstrap(ratio, by_network(tables, neurons, chance, 1.0))
        pair, tuned = has_double(found, n) > 0, networks["neurons_fine-tuning"].to_numpy() > 0
        cells = np.stack([pair & tuned, pair, ~pair & tuned, ~pair], axis=1).astype(float)
        times = bootstrap(lambda s: (s[..., 0] / s[..., 1]) / (s[..., 2] / s[..., 3]), cells)
        verdicts += [
            over(*shares[-1][1:], 0.5),
            under(*by_chance, 0.15),
            over(*times, 3.0),
        ]
    return Recomputed(*min(shares), every(*verdicts))


# Chapter 9


def gaps(found: np.ndarray, n: int) -> np.ndarray:
    """(m - h(k)) / m at the best wrong answer k, for sets of m frequencies: section 5.4."""
    d, f = np.arange(1, n), np.arange(found.shape[1])
    waves = np.cos(2 * np.pi * np.outer(f, d) / n)
    return 1 - (found.astype(float) @ waves).max(1) / found.sum(1)


def selection(sweeps: Mapping[str, Any], draws: int = 50) -> Recomputed:
    """Learned sets of frequencies whose gap is below delta, over random sets of equal sizes, n =
    91: "below a tenth"."""
    tables, n, delta = sweeps["A91"], 91, np.pi / np.e**3
    learned = tables.networks[tables.networks.learned]
    found = learned_sets(SimpleNamespace(networks=learned, clusters=tables.clusters), n)
    sizes = found.sum(1)
    generator = np.random.default_rng(0)
    close = 0
    for _ in range(draws):
        order = generator.random((len(sizes), n // 2)).argsort(1).argsort(1)
        random = np.hstack([np.zeros((len(sizes), 1), bool), order < sizes[:, None]])
        close += int((gaps(random, n) < delta).sum())
    by_chance = close / (draws * len(sizes))
    own = int((gaps(found, n) < delta).sum())
    low, high = (end / by_chance for end in share_interval(own, len(sizes)))
    return Recomputed(own / len(sizes) / by_chance, low, high, under(low, high, 0.1))


class Rule(NamedTuple):
    """A row's function, and the folders of ``results/edition2`` that it needs with their seeds."""

    compute: Callable[[Mapping[str, Any]], Recomputed]
    needs: Sequence[tuple[str, int]]


N91 = ("sweeps/A91", 4000)
BOTH = (N91, ("sweeps/A89", 4000))
FULL = (("sweeps/A91-full", 500), ("sweeps/A89-full", 500))
MANY = (("sweeps/A91", 10_500),)
DESCRIBED = (("A91", 256), ("A89", 400))

ROWS = {
    "A2.accuracy": Rule(accuracy, (*BOTH, *FULL)),
    "A2.fine_tuning.order": Rule(fine_tuning_order, BOTH),
    "A2.half_period": Rule(half_period, DESCRIBED[1:]),
    "A2.secA1.replace": Rule(replaced, BOTH),
    "A2.phases": Rule(phases, BOTH),
    "A2.fig27.within": Rule(removal_follows_size, BOTH),
    "A2.fig27.control": Rule(random_neurons_hurt_more, BOTH),
    "A2.sec6.redundancy": Rule(redundancy, BOTH),
    "A2.fig6.intersection": Rule(intersection, BOTH),
    "A2.fig6.cosine": Rule(cosine, BOTH),
    "A2.fig31.equivariant": Rule(equivariant, DESCRIBED),
    "A2.equal_amplitude": Rule(equal_amplitude, BOTH),
    "A2.double": Rule(double, BOTH),
    "A2.fig25.count": Rule(window_count, BOTH),
    "A2.fig25.prime_factors": Rule(prime_factors, MANY),
    "A2.fig25.prime_factors.runs": Rule(prime_factors_runs, MANY),
    "A2.fig25.exact": Rule(exact, MANY),
    "A2.origin": Rule(origin, BOTH),
    "A2.selection": Rule(selection, (N91,)),
}
"""By their ids in the ledger."""
