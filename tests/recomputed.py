"""Rows of the ledger's second edition, computed a second time from their rules alone.

Nothing here calls what measures or decides a claim in ``modlib``: committed files are opened with
pandas, intervals resample networks or are Clopper and Pearson's, and verdicts follow the ledger's
convention. A row is a function of the tables of its sweeps that returns the parts of its rule, in
the rule's order; its docstring quotes the rule. What rules leave open, the page of deviations
settles: networks that did not learn are left out, unless a rule speaks of runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import integrate, stats

NUM_RESAMPLES = 2000
FIRST_SEED, FIRST_KEPT = 20000, 1000
"""Seeds with which the tables of the second edition begin, and those of the first, on which rest
the rows that it keeps."""
MODULI = {"A91": 91, "A89": 89, "A91-full": 91, "A89-full": 89}

Tables = dict[str, pd.DataFrame]
"""By name, of networks of one preset; ``networks`` has a row each."""
Sweeps = Mapping[str, Tables]
"""By preset."""


# Verdicts


class Found(NamedTuple):
    """A number and the ends of its 95 % interval; shares are of 1.

    ``resampled``: whether the ends are a bootstrap's. ``drawn``: standard deviation of the number
    where it rests on random draws itself.
    """

    value: float
    low: float
    high: float
    resampled: bool = True
    drawn: float = 0.0


class Part(NamedTuple):
    """A number of a rule, and what it says to the rule."""

    found: Found
    verdict: str


def at_least(found: Found, bound: float) -> Part:
    """Judged by "at least" or "above": the whole interval there, none of it, or neither."""
    inside, outside = found.low >= bound, found.high < bound
    return Part(found, "agrees" if inside else "differs" if outside else "undecided")


def below(found: Found, bound: float) -> Part:
    """Judged by "below" or "fewer than"."""
    inside, outside = found.high < bound, found.low >= bound
    return Part(found, "agrees" if inside else "differs" if outside else "undecided")


def within(found: Found, least: float, most: float) -> Part:
    """Judged by "within"."""
    inside = least <= found.low and found.high <= most
    outside = found.high < least or found.low > most
    return Part(found, "agrees" if inside else "differs" if outside else "undecided")


def deciding(parts: Sequence[Part]) -> Part:
    """The part whose number stands in the ledger: the first that has the row's verdict.

    One part that differs decides, then one that is open.
    """
    order = {"differs": 0, "undecided": 1, "agrees": 2}
    return min(parts, key=lambda part: order[part.verdict])


# Intervals


def share(holds: Any) -> Found:
    """A share of networks with Clopper and Pearson's interval."""
    good, total = int(np.sum(holds)), len(holds)
    alpha = 0.025
    low = stats.beta.ppf(alpha, good, total - good + 1) if good else 0.0
    high = stats.beta.ppf(1 - alpha, good + 1, total - good) if good < total else 1.0
    return Found(good / total, float(low), float(high), resampled=False)


def exactly(value: float) -> Found:
    """A number without sampling error."""
    return Found(value, value, value, resampled=False)


def ratio(sums: np.ndarray) -> Any:
    """The first column's sum over the second's."""
    return sums[..., 0] / sums[..., 1]


def bootstrap(samples: Sequence[np.ndarray], statistic: Callable[..., Any] = ratio) -> Found:
    """A statistic of column sums over all samples, with a bootstrap over their rows, the networks.

    Networks of a modulus are redrawn among themselves. ``statistic`` finds the columns in the last
    axis.
    """
    generator = np.random.default_rng(7)
    drawn: Any = 0
    for sample in samples:
        num = len(sample)
        at_once = max(1, 1_000_000 // num)
        counts = (
            np.bincount(row, minlength=num)
            for start in range(0, NUM_RESAMPLES, at_once)
            for row in generator.integers(num, size=(min(at_once, NUM_RESAMPLES - start), num))
        )
        drawn = drawn + np.stack([count @ sample for count in counts])
    low, high = np.quantile(statistic(drawn), [0.025, 0.975])
    total = sum(sample.sum(0) for sample in samples)
    return Found(float(statistic(total)), float(low), float(high))


# Tables


def read(folder: Path, num: int, first: int = FIRST_SEED) -> Tables | None:
    """The tables of a committed folder, of ``num`` seeds from the ``first`` on; None where it lacks
    some."""
    tables = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    if "summary" in tables:
        tables["networks"] = tables.pop("summary")
    wanted = np.arange(first, first + num)
    if "networks" not in tables or not set(wanted) <= set(tables["networks"].seed):
        return None
    return of_seeds(tables, wanted)


def of_seeds(tables: Tables, seeds: Any) -> Tables:
    """The rows of some networks, of all tables that have seeds."""
    kept = {
        name: table[table.seed.isin(seeds)] for name, table in tables.items() if "seed" in table
    }
    return {name: table.reset_index(drop=True) for name, table in kept.items()}


def has_learned(networks: pd.DataFrame) -> Any:
    """Whether a run once reached 100 % and ended at 99.9 % or more."""
    return (networks.reached_epoch >= 0) & (networks.test_accuracy >= 0.999)


def learned(sweeps: Sweeps) -> Sweeps:
    """The tables of the networks that learned."""
    found = {}
    for preset, tables in sweeps.items():
        networks = tables["networks"]
        found[preset] = of_seeds(tables, networks.seed[has_learned(networks)])
    return found


def place(tables: Tables, rows: pd.DataFrame) -> np.ndarray:
    """Where the network of each row stands in ``networks``."""
    return pd.Index(tables["networks"].seed).get_indexer(rows.seed)


def by_network(tables: Tables, rows: pd.DataFrame, *values: Any) -> np.ndarray:
    """Values added up over the rows of each network, (network, value)."""
    num, at = len(tables["networks"]), place(tables, rows)
    full = [np.broadcast_to(np.asarray(v, float), len(rows)) for v in values]
    return np.stack([np.bincount(at, v, num) for v in full], axis=1)


def mean_of_rows(sweeps: Sweeps, table: str, value: Any, counts: Any = lambda rows: 1.0) -> Found:
    """Mean of ``value`` over the rows of all sweeps of which ``counts`` says so."""
    samples = []
    for tables in sweeps.values():
        rows = tables[table]
        ones = np.broadcast_to(np.asarray(counts(rows), float), len(rows))
        chosen = np.where(ones > 0, np.asarray(value(rows), float), 0.0)
        samples.append(by_network(tables, rows, chosen, ones))
    return bootstrap(samples)


def mean_of_networks(values: Sequence[Any]) -> Found:
    """Mean over the networks of several sweeps, those without a value left out."""
    numbers = [np.asarray(v, float) for v in values]
    return bootstrap([np.stack([v, np.ones_like(v)], 1)[~np.isnan(v)] for v in numbers])


# Frequencies


def folded(freq: Any, n: int) -> Any:
    """Frequencies up to sign, 0 to n // 2."""
    return np.minimum(freq % n, -freq % n)


def frequency_sets(tables: Tables, n: int) -> np.ndarray:
    """Which frequencies, 0 to n // 2, are clusters of each network."""
    clusters = tables["clusters"]
    found = np.zeros((len(tables["networks"]), n // 2 + 1), bool)
    found[place(tables, clusters), clusters.freq] = True
    return found


def doubles(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs f, 2f of different frequencies."""
    pairs = {tuple(sorted((f, int(folded(2 * f, n))))) for f in range(1, n // 2 + 1)}
    first, second = np.array([pair for pair in pairs if pair[0] != pair[1]]).T
    return first, second


def num_doubles(found: np.ndarray, n: int) -> np.ndarray:
    """How many pairs f, 2f each set holds."""
    first, second = doubles(n)
    return (found[:, first] & found[:, second]).sum(1)


def expected_doubles(found: np.ndarray, n: int) -> np.ndarray:
    """The same, expected if each set were drawn anew, with as many frequencies of each gcd.

    2 is prime to n, so that f and 2f have the same gcd with it.
    """
    shared = np.gcd(np.arange(n // 2 + 1), n)
    pairs = shared[doubles(n)[0]]
    expected = np.zeros(len(found))
    for g in np.unique(shared[1:]):
        num, held = (shared == g).sum(), found[:, shared == g].sum(1)
        if num > 1:
            expected += (pairs == g).sum() * held * (held - 1) / (num * (num - 1))
    return expected


def of_one_frequency(triples: np.ndarray, n: int, order: int = 6) -> np.ndarray:
    """Whether all three are harmonics of some one frequency, of that order or less."""
    f = np.arange(1, n // 2 + 1)
    harmonic = np.zeros((n // 2 + 1, n // 2 + 1), bool)
    for m in range(1, order + 1):
        harmonic[f, folded(m * f, n)] = True
    return harmonic[:, triples].all(2).any(0)


def gaps(found: np.ndarray, n: int) -> np.ndarray:
    """(m - h(k)) / m at the best wrong answer k, for sets of m frequencies: section 5.4."""
    waves = np.cos(2 * np.pi * np.outer(np.arange(n // 2 + 1), np.arange(1, n)) / n)
    return 1 - (found @ waves).max(1) / found.sum(1)


# Chapters 1 and 2


def accuracy(sweeps: Sweeps) -> list[Part]:
    """Runs that reach 100 % and end at 99.9 % or more: "share at least .95 each"."""
    return [at_least(share(has_learned(tables["networks"])), 0.95) for tables in sweeps.values()]


def fine_tuning_order(sweeps: Sweeps) -> list[Part]:
    """Neurons of residual .30 or more whose three largest frequencies are harmonics of one f, of
    order 6 or less: "at least 90 % of them are, and fewer than 10 % of all triples"."""
    samples, chances = [], []
    for preset, tables in learned(sweeps).items():
        n = MODULI[preset]
        neurons = tables["fine_tuning"].query("residual >= 0.30")
        triples = neurons[["freq_1", "freq_2", "freq_3"]].to_numpy(int)
        samples.append(by_network(tables, neurons, of_one_frequency(triples, n), 1))
        every = np.stack(np.triu_indices(n // 2, 1), 1) + 1
        every = np.array([(*pair, f) for pair in every for f in range(pair[1] + 1, n // 2 + 1)])
        chance = float(of_one_frequency(every, n).mean())
        chances.append(below(exactly(chance), 0.1))
    return [at_least(bootstrap(samples), 0.9), *chances]


def half_period(described: Sweeps) -> list[Part]:
    """Remapped fine-tuning neurons, n = 89: "crest to trough has the highest R^2 in at least two
    thirds"."""
    best = mean_of_rows(
        learned(described),
        "neurons",
        lambda neurons: neurons.flank > neurons[["full", "hump"]].max(1),
        lambda neurons: neurons.kind == "fine-tuning",
    )
    return [at_least(best, 2 / 3)]


def replaced(sweeps: Sweeps) -> list[Part]:
    """All neurons replaced by simple ones: "accuracy at least .999 and loss below 4 times the
    network's own, with 2f below 1.25 times"."""
    samples = []
    for tables in learned(sweeps).values():
        networks = tables["networks"]
        columns = networks[["strict_accuracy", "strict_loss", "strict_2f_loss", "loss"]]
        samples.append(np.column_stack([columns.to_numpy(float), np.ones(len(networks))]))
    right, times, with_2f = (
        bootstrap([sample[:, columns] for sample in samples])
        for columns in ([0, 4], [1, 3], [2, 3])
    )
    return [at_least(right, 0.999), below(times, 4), below(with_2f, 1.25)]


# Chapter 4


@cache
def nearest_expected(num: int) -> float:
    """Expected distance to the nearest of ``num - 1`` even draws on a torus of circumference 1."""

    def beyond(r: float) -> float:
        area = np.pi * r**2
        if r > 0.5:  # the disc sticks out of the square at its four sides
            area -= 4 * (r**2 * np.arccos(0.5 / r) - 0.5 * np.sqrt(r**2 - 0.25))
        return float((1 - area) ** (num - 1))

    return float(integrate.quad(beyond, 0, np.sqrt(0.5), points=[0.5], limit=200)[0])


DRAWS = 50_000


@cache
def nearest_by_chance(num: int) -> dict[float, float]:
    """Quantiles of the mean nearest distance of even draws, over its mean: see ``LEVELS``."""
    generator = np.random.default_rng([7, num])
    means = []
    for _ in range(DRAWS // 1000):
        # A turn has 2^16 steps, so that differences of int16 go the short way round by themselves.
        points = generator.integers(-(2**15), 2**15, (2, num, 1000), np.int16)
        nearest = np.full((num, 1000), np.inf, np.float32)
        for one in range(num - 1):
            squared = ((points[:, one + 1 :] - points[:, [one]]).astype(np.float32) ** 2).sum(0)
            nearest[one + 1 :] = np.minimum(nearest[one + 1 :], squared)
            nearest[one] = np.minimum(nearest[one], squared.min(0))
        means.append(np.sqrt(nearest).mean(0) / 2**16)
    ratios = np.concatenate(means) / nearest_expected(num)
    return dict(zip(LEVELS, np.quantile(ratios, LEVELS).tolist(), strict=True))


ERROR = float(np.sqrt(0.025 * 0.975 / DRAWS))
LEVELS = tuple(level + i * ERROR for level in (0.025, 0.975) for i in (-1, 0, 1))
"""Both ends of the middle 95 %, and one standard deviation of a simulated level to each side."""


def phases(sweeps: Sweeps) -> list[Part]:
    """Simple clusters of 3 or more with (t_A, t_B) not told from even draws at 5 %: "share within
    .35 to .65"."""

    def share_even(low: float, high: float) -> Found:
        def even(clusters: pd.DataFrame) -> Any:
            chance = clusters.num_phases.clip(3).map(nearest_by_chance)
            return clusters.nearest_ratio.between(chance.str[low], chance.str[high])

        counts = lambda t: (t.kind == "simple") & (t.num_phases >= 3)  # noqa: E731
        return mean_of_rows(learned(sweeps), "clusters", even, counts)

    found = share_even(LEVELS[1], LEVELS[4])
    # One standard deviation if all sizes erred the same way.
    wide, narrow = share_even(LEVELS[0], LEVELS[5]), share_even(LEVELS[2], LEVELS[3])
    return [within(found._replace(drawn=(wide.value - narrow.value) / 2), 0.35, 0.65)]


# Chapter 5


def removal_follows_size(sweeps: Sweeps) -> list[Part]:
    """Spearman of a cluster's size with the loss without it, inside each network of three clusters
    or more, mean over networks: "the interval lies above .5"."""
    found = []
    for tables in learned(sweeps).values():
        clusters = tables["clusters"]
        ranks = clusters.groupby("seed")[["num_neurons", "removed_loss"]].rank()
        ranks -= ranks.groupby(clusters.seed).transform("mean")
        x, y = ranks.to_numpy().T
        xy, xx, yy, num = by_network(tables, clusters, x * y, x * x, y * y, 1).T
        ordered = (num >= 3) & (xx > 0) & (yy > 0)
        found.append(xy / np.sqrt(np.where(ordered, xx * yy, np.nan)))
    return [at_least(mean_of_networks(found), 0.5)]


def random_neurons_hurt_more(sweeps: Sweeps) -> list[Part]:
    """Loss without as many random live neurons against that without the cluster: "random neurons
    raise it more for at least 90 % of clusters"."""
    more = mean_of_rows(learned(sweeps), "clusters", lambda t: t.control_loss > t.removed_loss)
    return [at_least(more, 0.9)]


def redundancy(sweeps: Sweeps) -> list[Part]:
    """Single removals of a cluster that leave 99.9 % of all pairs right: "most"."""
    kept = mean_of_rows(learned(sweeps), "clusters", lambda t: t.removed_accuracy >= 0.999)
    return [at_least(kept, 0.5)]


# Chapter 7


def intersection(sweeps: Sweeps) -> list[Part]:
    """Margin of the right logit, all runs, learned or not: "positive everywhere in at least 95 %
    of runs", at each modulus."""
    return [at_least(share(tables["networks"].margin > 0), 0.95) for tables in sweeps.values()]


def large_and_small(sweeps: Sweeps, column: str) -> list[Part]:
    """A column's mean over clusters of 12 neurons or more, and over those of 4 or fewer."""
    large, small = (
        mean_of_rows(learned(sweeps), "clusters", lambda t: t[column], counts)
        for counts in (lambda t: t.num_neurons >= 12, lambda t: t.num_neurons <= 4)
    )
    return [at_least(large, 0.9), below(small, 0.5)]


def cosine(sweeps: Sweeps) -> list[Part]:
    """What one cosine explains of a cluster's logits: "mean at least .9 for clusters of 12 neurons
    or more, and below .5 for those of 4 or fewer"."""
    return large_and_small(sweeps, "explained")


def equivariant(described: Sweeps) -> list[Part]:
    """Cosine of shifted logits with the logits of shifted inputs: "mean at least .9 for clusters
    of 12 neurons or more, and below .5 for those of 4 or fewer"."""
    return large_and_small(described, "shift_cosine")


def equal_amplitude(sweeps: Sweeps) -> list[Part]:
    """Coefficient of variation of A (ddof 1) over clusters of 8 neurons or more, mean over runs:
    "below .25"."""
    found = []
    for tables in learned(sweeps).values():
        large = tables["clusters"].query("num_neurons >= 8").astype({"amplitude": float})
        groups = large.groupby("seed").amplitude
        found.append(groups.std(ddof=1) / groups.mean())
    return [below(mean_of_networks(found), 0.25)]


# Chapter 8


def double(sweeps: Sweeps) -> list[Part]:
    """Pairs f, 2f over those in draws without replacement, n = 91: "the interval lies below 1 in
    networks without fine-tuning neurons"."""
    tables, n = learned(sweeps)["A91"], 91
    without = (tables["networks"]["neurons_fine-tuning"] == 0).to_numpy()
    found = frequency_sets(tables, n)[without]
    lift = bootstrap([np.stack([num_doubles(found, n), expected_doubles(found, n)], 1)])
    return [below(lift, 1)]


def window_count(sweeps: Sweeps) -> list[Part]:
    """Neurons with a magnitude of 7.5 to 30, a frequency and run, over the paper's 2,200 in
    100,000 runs: "within a factor of 1.5"."""
    found = []
    for preset, tables in learned(sweeps).items():
        window, half = tables["window"], MODULI[preset] // 2
        found.append(by_network(tables, window, window.num_neurons)[:, 0] / half / 0.022)
    return [within(mean_of_networks(found), 1 / 1.5, 1.5)]


def class_13_over_1(sweeps: Sweeps, count: Callable[[pd.DataFrame], Any]) -> Found:
    """Rate of each multiple of 13 over that of each frequency prime to 91."""
    tables = learned(sweeps)["A91"]
    window = tables["window"]
    shared = np.gcd(window.freq, 91)
    counts = [np.where(shared == g, count(window), 0) for g in (13, 1)]
    return bootstrap([by_network(tables, window, *counts) / [3, 36]])


def prime_factors(sweeps: Sweeps) -> list[Part]:
    """All neurons in the window, gcd class 13 over 1: "the interval lies below 1"."""
    return [below(class_13_over_1(sweeps, lambda window: window.num_neurons), 1)]


def prime_factors_runs(sweeps: Sweeps) -> list[Part]:
    """Runs with a neuron in the window, gcd class 13 over 1: "the interval lies below 1"."""
    return [below(class_13_over_1(sweeps, lambda window: window.num_neurons > 0), 1)]


def exact(sweeps: Sweeps) -> list[Part]:
    """Fine-tuning neurons in the window, gcd class 13 over 1: "the interval lies above 1"."""
    return [at_least(class_13_over_1(sweeps, lambda window: window.num_fine_tuning), 1)]


def origin(sweeps: Sweeps) -> list[Part]:
    """Fine-tuning neurons whose two leading frequencies are clusters of their network, by chance,
    and networks with such neurons: with a pair f, 2f over without: "share above 50 %, by chance
    below 15 %, and ratio above 3, at both moduli"."""
    parts = []
    for preset, tables in learned(sweeps).items():
        n, found = MODULI[preset], frequency_sets(tables, MODULI[preset])
        neurons = tables["fine_tuning"].query("kind == 'fine-tuning'")
        own = found[place(tables, neurons)]
        first, second = np.take_along_axis(own, neurons[["freq_1", "freq_2"]].to_numpy(int), 1).T
        led = by_network(tables, neurons, first & second, 1)
        # By chance the first is a cluster, and the second any other frequency: exact, given them.
        chance = float(((own.sum(1) - 1) / (n // 2 - 1)).mean())
        tuned = tables["networks"]["neurons_fine-tuning"].to_numpy() > 0
        pair = num_doubles(found, n) > 0
        cells = np.stack([pair & tuned, pair, ~pair & tuned, ~pair], 1).astype(float)
        times = bootstrap([cells], lambda s: ratio(s) / ratio(s[..., 2:]))
        parts += [at_least(bootstrap([led]), 0.5), below(exactly(chance), 0.15)]
        parts.append(at_least(times, 3))
    return parts


# Chapter 9


def selection(sweeps: Sweeps, draws: int = 100) -> list[Part]:
    """Learned sets of frequencies with a gap below delta over random sets of equal sizes, n = 91:
    "below a tenth"."""
    tables, n, half, delta = learned(sweeps)["A91"], 91, 45, np.pi / np.e**3
    found = frequency_sets(tables, n)
    sizes = found.sum(1)
    generator = np.random.default_rng(7)
    close = np.zeros(draws)
    for i in range(draws):
        random = generator.random((len(sizes), half))
        largest = -np.sort(-random, axis=1)[np.arange(len(sizes)), sizes - 1]
        drawn = np.insert(random >= largest[:, None], 0, False, axis=1)
        close[i] = (gaps(drawn, n) < delta).mean()
    chance, own = close.mean(), share(gaps(found, n) < delta)
    drawn = own.value / chance * close.std() / np.sqrt(draws) / chance
    ends = (own.low / chance, own.high / chance)
    return [below(Found(own.value / chance, *ends, False, float(drawn)), 0.1)]


# Rows that the second edition keeps: rules of the first, on its networks


def mean_clusters(sweeps: Sweeps) -> list[Part]:
    """Mean number of clusters a run: the interval lies within 4 to 5.5."""
    counts = [tables["networks"].num_clusters for tables in learned(sweeps).values()]
    return [within(mean_of_networks(counts), 4.0, 5.5)]


def tuned_clusters(sweeps: Sweeps) -> list[Part]:
    """Share of clusters that are fine-tuning clusters by the residual rule: below .191."""
    kind = learned(sweeps)
    return [below(mean_of_rows(kind, "clusters", lambda rows: rows.kind == "fine-tuning"), 0.191)]


def first_alone(sweeps: Sweeps) -> list[Part]:
    """Share of rank 0, mid-ranks for ties, all clusters: below .5."""
    return [below(mean_of_rows(learned(sweeps), "clusters", lambda rows: rows.rank_0), 0.5)]


def mostly_simple(sample: Sweeps) -> list[Part]:
    """Share of live neurons that are simple, without and with 3f ones: over 50 % either way."""
    parts = []
    for kinds in (["simple"], ["simple", "3f"]):
        live = {
            preset: {**tables, "neurons": tables["neurons"][tables["neurons"].kind != "dead"]}
            for preset, tables in learned(sample).items()
        }
        found = mean_of_rows(live, "neurons", lambda rows, kinds=kinds: rows.kind.isin(kinds))
        parts.append(at_least(found, 0.5))
    return parts


def quantile_of_simple(sample: Sweeps, size: Callable[[pd.DataFrame, int], Any]) -> Found:
    """95 % quantile over simple neurons, with a bootstrap over networks."""
    networks = []
    for preset, tables in learned(sample).items():
        simple = tables["neurons"].query("kind == 'simple'")
        sizes = size(simple, MODULI[preset])
        networks += [np.asarray(own.dropna()) for _, own in sizes.groupby(simple.seed)]
    generator = np.random.default_rng(7)
    drawn = [
        np.quantile(np.concatenate([networks[i] for i in row]), 0.95)
        for row in generator.integers(len(networks), size=(NUM_RESAMPLES, len(networks)))
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Found(float(np.quantile(np.concatenate(networks), 0.95)), float(low), float(high))


def phase_sum(sample: Sweeps) -> list[Part]:
    """abs(t_A + t_B - t_D) in units of n, over simple neurons: 95 % quantile below .02."""

    def error(neurons: pd.DataFrame, n: int) -> Any:
        turns = (neurons.t_a + neurons.t_b - neurons.t_d) / n
        return (turns - turns.round()).abs()

    return [below(quantile_of_simple(sample, error), 0.02)]


def radius(sample: Sweeps) -> list[Part]:
    """abs(ln(r_A / r_B)) over simple neurons: 95 % quantile below .1."""
    return [below(quantile_of_simple(sample, lambda t, n: np.log(t.r_a / t.r_b).abs()), 0.1)]


class Row(NamedTuple):
    """A row's function, and the folders of its edition's tables that it needs with their seeds."""

    compute: Callable[[Sweeps], list[Part]]
    needs: Mapping[str, int]


N91 = {"sweeps/A91": 4000}
BOTH = {**N91, "sweeps/A89": 4000}
FULL = {"sweeps/A91-full": 500, "sweeps/A89-full": 500}
MANY = {"sweeps/A91": 10_500}

ROWS = {
    "A2.accuracy": Row(accuracy, {**BOTH, **FULL}),
    "A2.fine_tuning.order": Row(fine_tuning_order, BOTH),
    "A2.half_period": Row(half_period, {"A89": 400}),
    "A2.secA1.replace": Row(replaced, BOTH),
    "A2.phases": Row(phases, BOTH),
    "A2.fig27.within": Row(removal_follows_size, BOTH),
    "A2.fig27.control": Row(random_neurons_hurt_more, BOTH),
    "A2.sec6.redundancy": Row(redundancy, BOTH),
    "A2.fig6.intersection": Row(intersection, BOTH),
    "A2.fig6.cosine": Row(cosine, BOTH),
    "A2.fig31.equivariant": Row(equivariant, {"A91": 256, "A89": 400}),
    "A2.equal_amplitude": Row(equal_amplitude, BOTH),
    "A2.double": Row(double, BOTH),
    "A2.fig25.count": Row(window_count, BOTH),
    "A2.fig25.prime_factors": Row(prime_factors, MANY),
    "A2.fig25.prime_factors.runs": Row(prime_factors_runs, MANY),
    "A2.fig25.exact": Row(exact, MANY),
    "A2.origin": Row(origin, BOTH),
    "A2.selection": Row(selection, N91),
}
"""By their ids in the ledger."""
N89 = {"sweeps/A89": 4000}
SAMPLE = {"A91": 128, "A89": 128}

KEPT = {
    "A.fig5b.clusters.n91": Row(mean_clusters, N91),
    "A.fig5b.clusters.n89": Row(mean_clusters, N89),
    "A.fig25.bound": Row(tuned_clusters, BOTH),
    "A.fig5a.rank0": Row(first_alone, BOTH),
    "A.sec4.most_simple": Row(mostly_simple, SAMPLE),
    "A.secA1.phase_sum": Row(phase_sum, SAMPLE),
    "A.secA1.radius": Row(radius, SAMPLE),
}
"""Rows that the second edition keeps, whose networks are the first edition's."""
