"""One function a figure: arrays in, a closed Figure out. Nothing here trains or reads a file."""

from modlib.plots.base import MARKERS, PALETTE, cluster_color, data, figure
from modlib.plots.clusters import (
    cluster_dfts,
    cluster_phases,
    cluster_preacts,
    cosine_vote,
    spectra_heatmap,
    spectra_heatmaps,
)
from modlib.plots.crt import (
    cluster_votes,
    margins,
    narrowing,
    remark_1,
    shifted_votes,
    sieve,
    sum_and_ideal,
    vote_spectra,
)
from modlib.plots.scales import as_image, three_scales
from modlib.plots.training import (
    control_curves,
    frequency_heatmap,
    frequency_race,
    learning_curves,
    training_split,
)

__all__ = [
    "MARKERS",
    "PALETTE",
    "as_image",
    "cluster_color",
    "cluster_dfts",
    "cluster_phases",
    "cluster_preacts",
    "cluster_votes",
    "cosine_vote",
    "data",
    "figure",
    "margins",
    "narrowing",
    "remark_1",
    "shifted_votes",
    "sieve",
    "spectra_heatmap",
    "spectra_heatmaps",
    "sum_and_ideal",
    "three_scales",
    "vote_spectra",
    "control_curves",
    "frequency_heatmap",
    "frequency_race",
    "learning_curves",
    "training_split",
]
