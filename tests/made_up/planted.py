"""Claims of the first edition with tables that bear them out, and tables that do not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.macro.tables import NetworkTables

SEEDS, PER_SEED = 40, 20


def planted(n: int, **columns: object) -> NetworkTables:
    """NetworkTables of 40 learned networks; keyword arguments replace columns of a good case."""
    generator = np.random.default_rng(n)
    rows = SEEDS * PER_SEED
    seed = np.repeat(np.arange(SEEDS), PER_SEED)
    good = {
        "kind": "simple",
        "freq": 5,
        "freq_1": 5,
        "freq_2": 10,
        "freq_3": 20,
        "residual": 0.4,
        "full": 0.8,
        "hump": 0.9,
        "flank": 0.7,
        "phase_error": generator.normal(0, 0.1, rows),
        "log_ratio": generator.normal(0, 0.01, rows),
        "spike": 100.0,
        "secondary": 3.0,
        "remapped_freq": 1,
        "explained": 0.95,
        "amplitude": generator.normal(3, 0.3, rows),
        "num_neurons": 8 + np.arange(rows) % 9,
        "num_phases": 12,
        "resultant": np.where(np.arange(rows) % 2, 0.9, 0.1),
        "noise_loss": 0.04,
        "noise_accuracy": 1.0,
        "removed_loss": (np.arange(rows) % 9).astype(float),
        "shift_cosine": 0.97,
        "shift_error": -(np.arange(rows) % 9).astype(float),
    }
    table = pd.DataFrame({"seed": seed, **good, **columns})
    summary = pd.DataFrame(
        {
            "seed": np.arange(SEEDS),
            "n": n,
            "learned": True,
            "margin": columns.get("margin", 2.0),
            "loss": 0.03,
            "num_pairs": 15,
            "num_pairs_agree": columns.get("num_pairs_agree", 15),
        }
    )
    return NetworkTables(summary, table, table)


CASES: dict[str, dict[str, object]] = {
    "A.fig2.half_period": {"hump": 0.7},
    "A.sec4.most_simple": {"kind": "fine-tuning"},
    "A.sec4.fine_tuning_optional": {"kind": "fine-tuning"},
    "A.secA1.phase_sum": {"phase_error": 4.0},
    "A.secA1.radius": {"log_ratio": 0.3},
    "A.secB31.magnitudes": {"secondary": 9.0},
    "A.fig6.cosine": {"explained": 0.8},
    "A.fig6.intersection": {"margin": -0.1},
    "A.sec54.equal_amplitude": {"amplitude": np.tile([1.0, 4.0], SEEDS * PER_SEED // 2)},
    "A.fig8.circular": {"num_pairs_agree": 13},
    "A.fig22.remap": {"remapped_freq": 2},
    "A.fig24.uniform_phases": {"resultant": 0.05},
    "A.fig26.sigma225": {"noise_loss": 0.2},
    "A.fig27.unequal": {"removed_loss": np.tile([1.0, 0.0], SEEDS * PER_SEED // 2)},
    "A.fig31.equivariant": {"shift_cosine": 0.5},
}
"""The columns of a bad case, by claim."""
