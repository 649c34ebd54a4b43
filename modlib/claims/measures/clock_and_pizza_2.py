"""The second edition's rows about clocks and pizzas."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.claims import fresh
from modlib.claims.committed import mean_of, with_bounds
from modlib.claims.decide import decide, exactly, judged, over, part
from modlib.claims.measures import measures
from modlib.claims.measures.clock_and_pizza import ABOVE, CLOSE, MODEL_A
from modlib.claims.verdict import Measurement
from modlib.config.thresholds import DEFAULT
from modlib.maths.intervals import mean_of_few


def _values(networks: pd.DataFrame, rate: float, column: str) -> np.ndarray:
    """A column at a rate, by seed."""
    rows = networks[networks.rate == rate].sort_values("seed")
    return rows[column].dropna().to_numpy(dtype=float)


@measures("A2.pizza.remap")
def pizza_remapped() -> Measurement:
    """Median residual of one cosine over the live neurons of pizzas, mean over seeds."""
    exported = fresh.clock_pizza("pizzas")
    ours, networks = exported.of("ours"), exported.networks
    values = _values(ours, 0.0, "median_residual")
    simple = mean_of(_values(ours, 0.0, "share_simple"))
    clocks = _values(ours, 1.0, "median_residual")
    as_clocks = f"; clocks {with_bounds(mean_of(clocks), 3)}" if len(clocks) else ""
    published = networks[networks.source == MODEL_A].iloc[0]
    untrained = _values(exported.of("untrained"), 0.0, "median_residual")
    mean = mean_of(values)
    return judged(
        part("median residual", mean, len(values), jobs="pizzas", below=DEFAULT.simple_below),
        beside=[
            part(
                "published model A",
                exactly(float(published.median_residual)),
                1,
                below=DEFAULT.simple_below,
            )
        ],
        note=f"{100 * simple.value:.0f} % of the live neurons are simple; of model A's "
        f"{100 * published.share_simple:.0f} %{as_clocks}",
        controls=f"untrained networks: {untrained.mean():.3f}" if len(untrained) else "",
        sensitivity=over(
            (0.1, 0.12, 0.15, 0.2), lambda x: decide(mean.low, mean.high, below=x), "residual below"
        ),
    )


@measures("A2.pizza.cosets")
def pizza_cosets() -> Measurement:
    """Overlap of a cluster's answers with its approximate coset, mean over clusters and seeds."""
    exported = fresh.clock_pizza("pizzas")
    values = _values(exported.of("ours"), 0.0, "coset_overlap")
    untrained = exported.of("untrained")
    untrained = untrained[untrained.rate == 0]
    overlap = untrained.coset_overlap.dropna()
    # A network without a cluster votes for nothing: it is no 0.
    control = float(overlap.mean()) if len(overlap) else -np.inf
    bound = max(ABOVE, control)
    controls = f"{len(overlap)} of {len(untrained)} untrained networks have a cluster"
    if len(overlap):
        controls += f", with {control:.3f}"
    published = exported.of("published").set_index("source").coset_overlap
    words = ", ".join(f"{name[-1]} {overlap:.3f}" for name, overlap in published.items())
    mean, few = mean_of(values), mean_of_few(values, lowest=0.0, highest=1.0)
    return judged(
        part("Jaccard index", mean, len(values), jobs="pizzas", above=bound),
        note=f"published {words}; by Student's interval {with_bounds(few, 4)}, "
        f"{decide(few.low, few.high, above=bound)}",
        controls=controls,
        sensitivity=over(
            (0.8, 0.85, 0.9, 0.95), lambda x: decide(mean.low, mean.high, above=x), "index above"
        ),
    )


@measures("A2.pizza.crt")
def pizza_crt() -> Measurement:
    """Share of a pizza's logits that one cosine a cluster explains; the same less a clock's."""
    exported = fresh.clock_pizza("pizzas", "clocks")
    ours = exported.of("ours")
    by_seed = ours[ours.rate.isin([0.0, 1.0])].pivot(index="seed", columns="rate", values="clock")
    values = _values(ours, 0.0, "clock")
    difference = (by_seed[0.0] - by_seed[1.0]).dropna().to_numpy(dtype=float)
    published = exported.of("published").set_index("source").clock
    words = ", ".join(f"{name[-1]} {share:.3f}" for name, share in published.items())
    return judged(
        part("variance explained", mean_of(values), len(values), jobs="pizzas", above=ABOVE),
        part(
            "pizza less clock",
            mean_of(difference),
            len(difference),
            jobs=("pizzas", "clocks"),
            each=True,
            at_least=-CLOSE,
            at_most=CLOSE,
        ),
        note=f"published {words}; logits of the pizza's own formula would give .81",
    )
