"""How the claims about clusters are measured."""

from __future__ import annotations

from math import gcd

import numpy as np

from modlib.claims.committed import bootstrap, pooled_sample
from modlib.claims.measures import measures
from modlib.claims.measures.neurons import _simple_neurons
from modlib.claims.verdict import Measurement, interval_verdict, with_interval
from modlib.maths.circular import chance_resultant, rayleigh_p, rayleigh_power


@measures("A.fig22.remap")
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


@measures("A.fig24.uniform_phases")
def uniform_phases() -> Measurement:
    """Clusters whose phases t_A the Rayleigh test does not reject at 5 %."""
    table = pooled_sample("clusters")
    simple = table[(table.kind == "simple") & (table.num_phases >= 3)]
    p_values = [
        rayleigh_p(r, int(m)) for r, m in zip(simple.resultant, simple.num_phases, strict=True)
    ]
    flags = simple.assign(kept=np.array(p_values) >= 0.05)
    value, low, high, num = bootstrap(flags, ["kept"], np.mean)
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
