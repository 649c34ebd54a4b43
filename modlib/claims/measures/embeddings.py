"""How the claims about embeddings are measured."""

from __future__ import annotations

from modlib.claims.committed import bootstrap, pooled_sample
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, interval_verdict, with_interval


@measures("A.fig8.circular")
def circular_pairs() -> Measurement:
    """Pairs of the six leading components on which spectra and ellipse fit agree."""
    table = pooled_sample("summary")
    value, low, high, num = bootstrap(
        table, ["num_pairs_agree", "num_pairs"], lambda x: x[:, 0].sum() / x[:, 1].sum()
    )
    return with_interval(
        value, low, high, num, interval_verdict(low, high, at_least=0.95), unit="%"
    )
