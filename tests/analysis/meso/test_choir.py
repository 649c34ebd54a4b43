"""Evenly spread phases cancel all but the cosine; clumped ones do not."""

import numpy as np
import pytest

from made_up.views import ideal_view
from modlib.analysis.meso import choir
from modlib.analysis.meso.clusters import cluster_neurons

PAIR = np.array([3, 9])


@pytest.fixture(scope="module")
def ideal():
    view = ideal_view(31, {3: 24})
    clustering = cluster_neurons(view)
    return view, clustering.clusters[0], clustering.table


def test_votes_add_up_to_the_cosine_of_the_whole_cluster(ideal):
    view, cluster, _ = ideal
    sums = choir.adding_up(view, cluster, PAIR)
    assert [one.num_neurons for one in sums] == [1, 2, 4, 8, 16, 24]
    for one in sums:
        np.testing.assert_allclose(one.total, one.votes.sum(0))
        np.testing.assert_allclose(one.total.mean(), 0, atol=1e-12)
    assert sums[-1].explained > 0.98
    assert sums[0].explained < 0.3
    assert sums[-1].total.argmax() == PAIR.sum() % 31
    assert sums[-1].amplitude > 10 * sums[0].amplitude


def test_a_small_cluster_has_fewer_sums():
    view = ideal_view(31, {3: 3})
    sums = choir.adding_up(view, cluster_neurons(view).clusters[0], PAIR)
    assert [one.num_neurons for one in sums] == [1, 2, 3]


def test_all_joint_phases_of_an_ideal_cluster_vanish(ideal):
    *_, table = ideal
    moments = choir.joint_moments(table, 31)
    np.testing.assert_allclose(moments.moment, 0, atol=1e-9)
    assert moments.vanishes.all()
    np.testing.assert_allclose(moments.chance, np.sqrt(np.log(2) / 24))


def test_what_a_tie_between_the_phases_leaves_is_named(ideal):
    *_, table = ideal
    tied = choir.joint_moments(table.assign(t_b=table.t_a), 31).set_index("joint")
    assert tied.moment["t_A - t_B"] == pytest.approx(1)
    assert not tied.vanishes["t_A - t_B"]
    assert tied.vanishes.sum() == 8
    halves = table.assign(t_a=np.where(np.arange(24) < 12, 0.0, 15.5))
    halved = choir.joint_moments(halves, 31).set_index("joint")
    assert halved.moment["2 t_A"] == pytest.approx(1)
    assert halved.vanishes["t_A"]


def test_weights_are_those_of_the_product_of_cosines():
    """Of cos x cos y the waves of x + y and of x - y are equally large."""
    weights = choir.relu_weights()
    assert weights[1, 1] == 1
    assert weights[1, -1] == pytest.approx(1)
    assert weights[2, 1] == pytest.approx(0, abs=1e-3)
    assert weights[0, 1] == pytest.approx(weights[1, 0])


def test_three_neurons_apart_are_a_third_of_a_turn_from_each_other():
    t_a = np.array([0.0, 1.0, 2.0, 10.0, 20.5, 30.0])
    assert choir.thirds(t_a, 30) == [0, 3, 4]
    assert choir.thirds(np.full(4, np.nan), 30) == [0, 1, 2]
    assert choir.thirds(t_a[:2], 30) == [0, 1]
