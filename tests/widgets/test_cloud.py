"""The live figure of chapter 3 in Python: the planes that it carries, and its front end."""

from __future__ import annotations

import numpy as np
import pytest

from made_up.addition import history_of, run_of
from made_up.crooked import CLUSTERS, CROOKED, crooked_run
from made_up.views import random_view
from modlib.analysis.micro import embeddings as em
from modlib.config.addition import AdditionConfig
from modlib.plots.base import NEUTRAL, cluster_color
from modlib.widgets import turn_the_cloud
from modlib.widgets.live import module_of


def points_of(figure):
    return np.frombuffer(figure.points, "<f4").reshape(figure.n, len(figure.freqs), 2)


def test_it_carries_the_planes_of_the_clusters_in_their_colours():
    run = crooked_run()
    figure = turn_the_cloud(run)
    assert figure.freqs == list(CLUSTERS)
    assert figure.shades == [cluster_color(i) for i in range(len(CLUSTERS))]
    embedding = em.diagonal_embedding(run.view.factors)
    np.testing.assert_allclose(points_of(figure), em.planes(embedding, figure.freqs), atol=1e-6)
    assert len(figure.points) == CROOKED.n * len(CLUSTERS) * 2 * 4


@pytest.mark.parametrize(("n", "num_freqs"), [(15, 3), (5, 2), (3, 1)])
def test_without_clusters_the_strongest_frequencies_are_shown_in_grey(n, num_freqs):
    config = AdditionConfig(n=n, epochs=1)
    run = run_of(config, history_of([1.0], [1.0]), view=random_view(n, 2))
    figure = turn_the_cloud(run)
    power = em.pooled_shares(em.diagonal_embedding(run.view.factors))
    assert figure.freqs == np.argsort(-power)[:num_freqs].tolist()
    assert set(figure.shades) == {NEUTRAL}
    assert "<svg" in figure.html()


def test_the_front_end_is_one_module_and_the_page_is_light():
    figure = turn_the_cloud(crooked_run())
    assert figure._esm == module_of("cloud")
    assert figure._esm.count("export default {") == 1
    assert len(figure.html().encode()) < 80_000
