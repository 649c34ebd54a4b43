"""How each claim is measured: from the committed tables, or by enumeration.

One function a claim, named in ``MEASURES``. The rules stand in ``claims.toml``; here they are
applied to intervals over seeds. Claims about distributions over thousands of networks have
their functions in ``measures_sweeps``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from math import gcd

import numpy as np
import pandas as pd
from scipy import stats

from modlib.analysis.circular import chance_resultant, rayleigh_p, rayleigh_power
from modlib.analysis.harmonics import chance_of_harmonics
from modlib.analysis.neurons import FINE_TUNING_FROM
from modlib.analysis.remark_1 import remark_1_holds
from modlib.analysis.tables import LARGE, Tables
from modlib.claims import (
    Measurement,
    MissingExport,
    all_agree,
    bootstrap_over_seeds,
    interval_verdict,
    share_interval,
    with_interval,
)
from modlib.groups import coprime_factors, harmonic_base
from modlib.measures_ablations import ABLATION_MEASURES
from modlib.measures_circuits import CIRCUIT_MEASURES
from modlib.measures_clock_pizza import CLOCK_PIZZA_MEASURES
from modlib.measures_embeddings import EMBEDDING_MEASURES
from modlib.measures_grokking import GROKKING_MEASURES
from modlib.measures_sweeps import SWEEP_MEASURES
from modlib.results import read_export

BATCH_N = ("A91", "A89")
"""Presets of the default set-up; claims that name no modulus pool both."""
MAX_ORDER = 12

SIMPLE = ("simple",)
SIMPLE_AND_3F = ("simple", "3f")


@lru_cache(maxsize=8)
def _export(name: str) -> Tables | None:
    return read_export(name)


def _pooled(
    part: str, presets: Sequence[str] = BATCH_N, *, learned_only: bool = True
) -> pd.DataFrame:
    """A part of the exports of several presets, with a column ``unit`` for the network.

    Networks that did not learn are left out, unless the claim is about all runs. Raises
    ``MissingExport``.
    """
    blocks = []
    for name in presets:
        tables = _export(name)
        if tables is None:
            raise MissingExport(name)
        block = getattr(tables, part)
        if learned_only:
            block = block[block.seed.isin(tables.summary.loc[tables.summary.learned, "seed"])]
        n = int(tables.summary.n.iloc[0])
        blocks.append(block.assign(modulus=n, unit=[f"{name}/{seed}" for seed in block.seed]))
    return pd.concat(blocks, ignore_index=True)


def _by_seed(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [block for _, block in table.groupby("unit", sort=True)]


def _bootstrap(
    table: pd.DataFrame, columns: Sequence[str], statistic: Callable[[np.ndarray], float]
) -> tuple[float, float, float, int]:
    """A statistic of the rows' columns with its interval over seeds, and the number of seeds."""
    per_seed = [block[list(columns)].to_numpy(dtype=float) for block in _by_seed(table)]
    value, low, high = bootstrap_over_seeds(
        per_seed, lambda chosen: float(statistic(np.concatenate(chosen)))
    )
    return value, low, high, len(per_seed)


def _kind_share(kinds: Iterable[str]) -> Measurement:
    table = _pooled("neurons")
    flags = table.assign(flag=table.kind.isin(list(kinds)))
    value, low, high, num = _bootstrap(flags, ["flag"], np.mean)
    return with_interval(value, low, high, num, interval_verdict(low, high, above=0.5), unit="%")


def most_simple() -> Measurement:
    """Share of live neurons that are simple, and with the 3f shape."""
    narrow, wide = _kind_share(SIMPLE), _kind_share(SIMPLE_AND_3F)
    verdict = all_agree(narrow.verdict, wide.verdict)
    return Measurement(
        value=narrow.value,
        low=narrow.low,
        high=narrow.high,
        num_seeds=narrow.num_seeds,
        unit="%",
        verdict=verdict,
        note=f"with the 3f shape {wide.text}",
    )


def fine_tuning_optional() -> Measurement:
    """Share of seeds with at least one neuron of the class fine-tuning."""
    table = _pooled("neurons")
    has = [bool((block.kind == "fine-tuning").any()) for block in _by_seed(table)]
    value, low, high = share_interval(sum(has), len(has))
    tuned = sum(bool((b.kind == "fine-tuning").any()) for b in _by_seed(_pooled("clusters")))
    note = f"a whole cluster of them in {tuned} of {len(has)} seeds"
    verdict = interval_verdict(low, high, below=1.0)
    return with_interval(value, low, high, len(has), verdict, unit="%", note=note)


def fine_tuning_order() -> Measurement:
    """Fine-tuning neurons whose three strongest frequencies are harmonics of order <= 12."""
    table = _pooled("neurons")
    tuned = table[table.residual >= FINE_TUNING_FROM]
    triples = tuned[["freq_1", "freq_2", "freq_3"]].to_numpy()
    orders = [
        harmonic_base(triple.tolist(), n, MAX_ORDER) is not None
        for triple, n in zip(triples, tuned.modulus, strict=True)
    ]
    value, low, high, num = _bootstrap(tuned.assign(flag=orders), ["flag"], np.mean)
    chances = {n: chance_of_harmonics(n, 3, MAX_ORDER) for n in sorted(set(table.modulus))}
    verdict = all_agree(
        interval_verdict(low, high, at_least=0.9),
        interval_verdict(min(chances.values()), max(chances.values()), below=0.3),
    )
    shares = " and ".join(f"{100 * share:.0f} % (n = {n})" for n, share in chances.items())
    note = f"{len(tuned)} neurons; of all triples of frequencies {shares} have the property"
    return with_interval(value, low, high, num, verdict, unit="%", note=note)


def half_period() -> Measurement:
    """Fine-tuning neurons that a half period, zero to zero, fits better than a full one."""
    table = _pooled("neurons")
    tuned = table.dropna(subset=["full", "hump", "flank"])
    tuned = tuned.assign(flag=tuned.hump > tuned.full, other=tuned.flank > tuned.full)
    value, low, high, num = _bootstrap(tuned, ["flag"], np.mean)
    flank = _bootstrap(tuned, ["other"], np.mean)
    note = (
        f"{len(tuned)} neurons; the other half period, crest to trough, wins in "
        f"{100 * flank[0]:.0f} % ({100 * flank[1]:.0f} to {100 * flank[2]:.0f}); median R^2 "
        f"{tuned.full.median():.2f} full, {tuned.hump.median():.2f} zero to zero, "
        f"{tuned.flank.median():.2f} crest to trough"
    )
    verdict = interval_verdict(low, high, at_least=0.8)
    return with_interval(value, low, high, num, verdict, unit="%", note=note)


def _simple_neurons() -> pd.DataFrame:
    table = _pooled("neurons")
    return table[table.kind == "simple"]


def phase_sum() -> Measurement:
    """95 % quantile of |t_A + t_B - t_D| over simple neurons, in units of n."""
    table = _simple_neurons()
    errors = table.assign(error=table.phase_error.abs() / table.modulus).dropna(subset=["error"])
    value, low, high, num = _bootstrap(errors, ["error"], lambda x: np.quantile(x, 0.95))
    return with_interval(value, low, high, num, interval_verdict(low, high, below=0.02))


def radius_ratio() -> Measurement:
    """95 % quantile of |ln(r_A / r_B)| over simple neurons."""
    table = _simple_neurons()
    ratios = table.assign(ratio=table.log_ratio.abs())
    value, low, high, num = _bootstrap(ratios, ["ratio"], lambda x: np.quantile(x, 0.95))
    return with_interval(value, low, high, num, interval_verdict(low, high, below=0.1))


def magnitudes() -> Measurement:
    """Simple neurons of n = 91: spikes over 60, and secondaries under 7.5."""
    table = _pooled("neurons", ("A91",))
    simple = table[table.kind == "simple"]
    simple = simple.assign(tall=simple.spike > 60, low=simple.secondary < 7.5)
    value, low, high, num = _bootstrap(simple, ["tall"], np.mean)
    under = _bootstrap(simple, ["low"], np.mean)
    verdict = all_agree(
        interval_verdict(low, high, at_least=0.9),
        interval_verdict(under[1], under[2], at_least=0.9),
    )
    note = (
        f"spikes over 60; secondaries under 7.5: {100 * under[0]:.1f} % "
        f"({100 * under[1]:.1f} to {100 * under[2]:.1f})"
    )
    return with_interval(value, low, high, num, verdict, unit="%", note=note)


def _large_clusters() -> pd.DataFrame:
    table = _pooled("clusters")
    return table[table.num_neurons >= LARGE]


def cosine_fit() -> Measurement:
    """Variance of a large cluster's logits that one cosine explains: mean over clusters."""
    table = _large_clusters()
    value, low, high, num = _bootstrap(table, ["explained"], np.mean)
    fit = (table.explained >= 0.9).mean()
    note = f"mean over {len(table)} clusters; {100 * fit:.0f} % of them reach .9 singly"
    return with_interval(
        value, low, high, num, interval_verdict(low, high, at_least=0.9), note=note
    )


def intersection() -> Measurement:
    """Runs, learned or not, in which the right logit is the largest for every pair."""
    table = _pooled("summary", learned_only=False)
    positive = (table.margin > 0).to_numpy()
    value, low, high = share_interval(int(positive.sum()), len(positive))
    among, among_low, among_high = share_interval(
        int(positive[table.learned].sum()), int(table.learned.sum())
    )
    note = (
        f"lower end {100 * low:.2f} %; of the {table.learned.sum()} networks that learned "
        f"{100 * among:.1f} % ({100 * among_low:.2f} to {100 * among_high:.2f}); median smallest "
        f"margin {table.margin.median():.1f} logits"
    )
    verdict = interval_verdict(low, high, at_least=0.95)
    return with_interval(value, low, high, len(positive), verdict, unit="%", note=note)


def equal_amplitude() -> Measurement:
    """Coefficient of variation of the amplitude A across the clusters of a run, mean over runs."""
    table = _pooled("clusters")
    blocks = [block for block in _by_seed(table) if len(block) > 1]
    variation = [block.amplitude.std(ddof=1) / block.amplitude.mean() for block in blocks]
    value, low, high = bootstrap_over_seeds(variation, lambda chosen: float(np.mean(chosen)))
    verdict = interval_verdict(low, high, below=0.25)
    return with_interval(value, low, high, len(blocks), verdict, note="clusters of every size")


def circular_pairs() -> Measurement:
    """Pairs of the six leading components on which spectra and ellipse fit agree."""
    table = _pooled("summary")
    value, low, high, num = _bootstrap(
        table, ["num_pairs_agree", "num_pairs"], lambda x: x[:, 0].sum() / x[:, 1].sum()
    )
    return with_interval(
        value, low, high, num, interval_verdict(low, high, at_least=0.95), unit="%"
    )


def remapped_to_gcd() -> Measurement:
    """Simple neurons whose dominant frequency after remapping is gcd(f, n)."""
    table = _simple_neurons()
    common = [gcd(int(f), int(n)) for f, n in zip(table.freq, table.modulus, strict=True)]
    as_said = (table.remapped_freq.to_numpy() == np.array(common)).mean()
    return Measurement(
        value=100 * float(as_said),
        num_seeds=table.unit.nunique(),
        unit="%",
        verdict="agrees" if as_said == 1 else "differs",
        note=f"{len(table)} neurons; true of every neuron by algebra, so a check of the code",
    )


def uniform_phases() -> Measurement:
    """Clusters whose phases t_A the Rayleigh test does not reject at 5 %."""
    table = _pooled("clusters")
    simple = table[(table.kind == "simple") & (table.num_phases >= 3)]
    p_values = [
        rayleigh_p(r, int(m)) for r, m in zip(simple.resultant, simple.num_phases, strict=True)
    ]
    flags = simple.assign(kept=np.array(p_values) >= 0.05)
    value, low, high, num = _bootstrap(flags, ["kept"], np.mean)
    size = int(simple.num_phases.median())
    median = float(simple.resultant.median())
    expected = chance_resultant(size)
    spread = "more" if median < expected else "less"
    note = (
        f"even phases are not rejected in that share of {len(simple)} clusters; "
        f"power {100 * rayleigh_power(size):.0f} % at {size} neurons "
        f"against a von Mises law of concentration 1; the median resultant length is "
        f"{median:.2f} where independent phases give about {expected:.2f}: phases "
        f"are spread {spread} evenly than chance"
    )
    verdict = interval_verdict(low, high, at_least=0.35, at_most=0.65)
    return with_interval(value, low, high, num, verdict, unit="%", note=note)


def noise_at_sigma() -> Measurement:
    """Loss with noise of sigma .225 in a large cluster over loss without; and accuracy."""
    table = _large_clusters()
    summary = _pooled("summary")
    base = summary.set_index("unit").loss
    table = table.assign(ratio=table.noise_loss / table.unit.map(base))
    value, low, high, num = _bootstrap(table, ["ratio"], np.mean)
    accuracy = _bootstrap(table, ["noise_accuracy"], np.mean)
    verdict = all_agree(
        interval_verdict(low, high, below=2.0),
        interval_verdict(accuracy[1], accuracy[2], at_least=0.995),
    )
    note = (
        f"mean over {len(table)} clusters; accuracy {accuracy[0]:.4f} "
        f"({accuracy[1]:.4f} to {accuracy[2]:.4f})"
    )
    return with_interval(value, low, high, num, verdict, note=note)


def unequal_clusters() -> Measurement:
    """Spearman correlation of a cluster's size with the loss once it is removed, pooled."""
    table = _pooled("clusters")
    value, low, high, num = _bootstrap(
        table, ["num_neurons", "removed_loss"], lambda x: stats.spearmanr(x[:, 0], x[:, 1])[0]
    )
    return with_interval(value, low, high, num, interval_verdict(low, high, above=0.5))


def equivariant() -> Measurement:
    """Cosine of shifted logits for large clusters; correlation of size with the error."""
    table, every = _large_clusters(), _pooled("clusters")
    value, low, high, num = _bootstrap(table, ["shift_cosine"], np.mean)
    trend = _bootstrap(
        every, ["num_neurons", "shift_error"], lambda x: stats.spearmanr(x[:, 0], x[:, 1])[0]
    )
    verdict = all_agree(
        interval_verdict(low, high, at_least=0.9), interval_verdict(trend[1], trend[2], below=0.0)
    )
    note = (
        f"mean over {len(table)} clusters; size against error: "
        f"{trend[0]:.2f} ({trend[1]:.2f} to {trend[2]:.2f})"
    )
    return with_interval(value, low, high, num, verdict, note=note)


def remark_1() -> Measurement:
    """Composite n up to 210 for which the corrected Remark 1 holds at every k, enumerated."""
    composite = [n for n in range(6, 211) if len(coprime_factors(n)) > 1]
    holds = [remark_1_holds(n) for n in composite]
    return Measurement(
        value=100 * float(np.mean(holds)),
        unit="%",
        verdict="agrees" if all(holds) else "differs",
        note=f"{len(composite)} moduli with two coprime factors or more, 6 to 210, every k; "
        "the frequency is n/q, not q as printed",
    )


MEASURES: dict[str, Callable[[], Measurement]] = {
    "A.fig2.fine_tuning.order": fine_tuning_order,
    "A.fig2.half_period": half_period,
    "A.sec4.most_simple": most_simple,
    "A.sec4.fine_tuning_optional": fine_tuning_optional,
    "A.secA1.phase_sum": phase_sum,
    "A.secA1.radius": radius_ratio,
    "A.secB31.magnitudes": magnitudes,
    "A.fig6.cosine": cosine_fit,
    "A.fig6.intersection": intersection,
    "A.sec54.equal_amplitude": equal_amplitude,
    "A.fig8.circular": circular_pairs,
    "A.fig22.remap": remapped_to_gcd,
    "A.fig24.uniform_phases": uniform_phases,
    "A.fig26.sigma225": noise_at_sigma,
    "A.fig27.unequal": unequal_clusters,
    "A.fig31.equivariant": equivariant,
    "A.rem1.crt": remark_1,
    **CLOCK_PIZZA_MEASURES,
    **SWEEP_MEASURES,
    **EMBEDDING_MEASURES,
    **GROKKING_MEASURES,
    **CIRCUIT_MEASURES,
    **ABLATION_MEASURES,
}


def measure(claim_ids: Sequence[str] | None = None) -> dict[str, Measurement]:
    """Measurements of the named claims (None: of all) as far as there are any.

    A claim whose tables are not in ``results/`` is left out. Raises ``InputError`` where a
    result is not finite.
    """
    wanted = MEASURES if claim_ids is None else [i for i in claim_ids if i in MEASURES]
    found = {}
    for claim_id in wanted:
        with suppress(MissingExport):
            found[claim_id] = MEASURES[claim_id]()
    return found
