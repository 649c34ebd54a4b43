"""Which function measures which claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from modlib.claims.measures.ablations import masked, without_dropout, without_filter
from modlib.claims.measures.approximate_crt import (
    cosine_fit,
    equal_amplitude,
    equivariant,
    intersection,
    remark_1,
)
from modlib.claims.measures.clock_and_pizza import (
    pizza_cosets,
    pizza_crt,
    pizza_remapped,
    pizza_shift,
)
from modlib.claims.measures.clusters import remapped_to_gcd, uniform_phases
from modlib.claims.measures.embeddings import circular_pairs
from modlib.claims.measures.frequencies import (
    additive_relations,
    batch_invariance,
    class_rates,
    clusters_a_run,
    doubling,
    fine_tuning_share,
    rank_zero,
    tail,
    uniform_within,
    weight_range,
    window_count,
    window_prime_factors,
    zero_bin,
)
from modlib.claims.measures.grokking import all_tasks, attention_early, order, rest_together
from modlib.claims.measures.interventions import noise_at_sigma, unequal_clusters
from modlib.claims.measures.neurons import (
    fine_tuning_optional,
    fine_tuning_order,
    half_period,
    magnitudes,
    most_simple,
    phase_sum,
    radius_ratio,
)
from modlib.claims.measures.remainders import only_primes
from modlib.claims.measures.scaling import gamma_formula, growth, half_at_log, log_growth, width
from modlib.claims.measures.training import accuracy
from modlib.claims.measures.transformer_embeddings import (
    basis_vectors,
    diffuse,
    no_periodicity,
    positions,
)
from modlib.claims.measures.transformer_neurons import (
    attention_idle,
    circuit_reuse,
    mechanism,
    neurons_periodic,
    one_digit,
    spike,
)
from modlib.claims.verdict import Measurement, MissingExport

ABLATION_MEASURES: dict[str, Callable[[], Measurement]] = {
    "B.tab2.lambda0": without_filter,
    "B.sec.masked": masked,
    "B.sec.dropout0": without_dropout,
}


CIRCUIT_MEASURES: dict[str, Callable[[], Measurement]] = {
    "B.fig14.periodic": neurons_periodic,
    "B.tab3.spike": spike,
    "B.tab3.reuse": circuit_reuse,
    "B.fig18.one_digit": one_digit,
    "B.sec.attention_idle": attention_idle,
    "B.sec.mechanism": mechanism,
}


CLOCK_PIZZA_MEASURES: dict[str, Callable[[], Measurement]] = {
    "A.fig17.pizza_shift": pizza_shift,
    "A.fig18.remap": pizza_remapped,
    "A.sec55.pizza_cosets": pizza_cosets,
    "A.secB11.crt": pizza_crt,
}


EMBEDDING_MEASURES: dict[str, Callable[[], Measurement]] = {
    "B.sec.primes": only_primes,
    "B.fig7.positions": positions,
    "B.fig8.diffuse": diffuse,
    "B.fig11.five": basis_vectors,
    "B.fig13.basis": no_periodicity,
}


GROKKING_MEASURES: dict[str, Callable[[], Measurement]] = {
    "B.fig5.all_tasks": all_tasks,
    "B.fig5.order": order,
    "B.fig5.rest_together": rest_together,
    "B.fig17.attention_early": attention_early,
}


SWEEP_MEASURES: dict[str, Callable[[], Measurement]] = {
    "A.sec4.accuracy.n91": lambda: accuracy(91),
    "A.sec4.accuracy.n89": lambda: accuracy(89),
    "A.fig3.tail.batch_n": lambda: tail("A91-long", at_least=0.04, at_most=0.06),
    "A.fig3.tail.full": lambda: tail("A91-full-long", below=0.006),
    "A.fig3.range": weight_range,
    "A.fig3.zero_bin": zero_bin,
    "A.sec4.batch_invariance": batch_invariance,
    "A.fig4a.classes.n91": class_rates,
    "A.fig4a.within.n91": lambda: uniform_within("A91"),
    "A.fig4a.within.n89": lambda: uniform_within("A89"),
    "A.fig4b.double": doubling,
    "A.fig5a.rank0": rank_zero,
    "A.fig5b.clusters.n91": lambda: clusters_a_run(91),
    "A.fig5b.clusters.n89": lambda: clusters_a_run(89),
    "A.fig25.bound": fine_tuning_share,
    "A.fig25.count": window_count,
    "A.fig25.prime_factors": window_prime_factors,
    "A.fig28.additive": additive_relations,
    "A.fig29.width": width,
    "A.fig30.growth": growth,
    "A.sec54.gamma": gamma_formula,
    "A.sec54.half_at_log": half_at_log,
    "A.sec54.log_growth": log_growth,
}


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
