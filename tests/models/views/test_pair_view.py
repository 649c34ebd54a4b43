"""Networks on pairs whose preactivations need not be a sum of two tables."""

from __future__ import annotations

import numpy as np
import pytest

from made_up.views import ideal_pairs, random_view
from modlib.errors import InputError
from modlib.models.views.pair_view import PairView, Product

N = 11


def test_the_additive_view_says_what_it_misses():
    pairs = ideal_pairs()
    additive = pairs.additive()
    assert additive.exact
    np.testing.assert_allclose(additive.view.logits(), pairs.logits(), atol=1e-12)
    rng = np.random.default_rng(0)
    noisy = PairView(
        n=N,
        preact=rng.normal(size=(N, N, 3)),
        w_out=rng.normal(size=(3, N)),
        b_out=np.zeros(N),
        skip=rng.normal(size=(N, N, N)),
    )
    missed = noisy.additive()
    assert not missed.exact
    # (n - 1)^2 of n^2 - 1 degrees of freedom are neither of a nor of b
    assert missed.preact_error == pytest.approx(100 / 120, abs=0.05)
    assert missed.skip_error == pytest.approx(100 / 120, abs=0.05)
    left = noisy.preact - (missed.view.preact_a[:, None] + missed.view.preact_b + missed.view.b_in)
    np.testing.assert_allclose(left.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(left.mean(1), 0, atol=1e-12)


@pytest.mark.parametrize("name", ["preact", "w_out", "b_out", "skip"])
def test_a_pair_view_of_tables_that_do_not_fit_is_refused(name):
    pairs = ideal_pairs()
    tables = {key: getattr(pairs, key) for key in ("preact", "w_out", "b_out", "skip")}
    with pytest.raises(InputError, match=r"preact must have shape \(12, 12, 48\)"):
        PairView(n=12, **tables)
    broken = tables[name].copy()
    broken.flat[0] = np.nan
    with pytest.raises(InputError, match=f"{name} must hold finite numbers only"):
        PairView(n=N, **(tables | {name: broken}))


def test_tables_of_pairs_answer_as_those_of_each_input_do():
    view = random_view(7, 12)
    pairs, neurons = PairView.of(view), np.array([4, 0, 11])
    chosen = np.array([[1, 2], [6, 6], [0, 3]])
    np.testing.assert_allclose(pairs.fires(chosen, neurons), view.fires(chosen, neurons))
    np.testing.assert_array_equal(
        view.fires(chosen, neurons),
        view.activations(neurons=neurons)[chosen[:, 0], chosen[:, 1]],
    )
    np.testing.assert_allclose(pairs.contribution(neurons), view.contribution(neurons), atol=1e-12)
    np.testing.assert_array_equal(pairs.direct(), view.direct())
    np.testing.assert_allclose(pairs.logits(), view.logits(), atol=1e-12)


def as_product(array: np.ndarray, seed: int) -> Product:
    """The same table through a turned stream and a bias."""
    generator = np.random.default_rng(seed)
    columns = array.shape[-1]
    turn, bias = np.linalg.qr(generator.normal(size=(columns,) * 2))[0], np.ones(columns)
    return Product((array - bias) @ turn.T, turn, bias)


def test_tables_of_which_only_factors_are_held_answer_alike():
    generator = np.random.default_rng(0)
    shapes = {"preact": (7, 7, 3), "w_out": (3, 7), "b_out": (7,), "skip": (7, 7, 7)}
    tables = {name: generator.normal(size=shape) for name, shape in shapes.items()}
    whole = PairView(n=7, **tables)
    factors = {name: as_product(tables[name], 1) for name in ("preact", "skip")}
    held = PairView(n=7, **(tables | factors))
    pairs, neurons = np.array([[1, 2], [6, 6]]), np.array([2, 0])
    order = np.array([3, 1, 2])
    both = (whole, held), (whole.relabelled(order, order, order), held.relabelled(*[order] * 3))
    for one, other in both:
        np.testing.assert_allclose(other.logits(), one.logits(), atol=1e-12)
        np.testing.assert_allclose(other.direct(slice(1, 2)), one.direct(slice(1, 2)), atol=1e-12)
    np.testing.assert_allclose(held.fires(pairs, neurons), whole.fires(pairs, neurons), atol=1e-12)
    np.testing.assert_allclose(held.contribution(neurons), whole.contribution(neurons), atol=1e-12)
    nearest, other = whole.additive(), held.additive()
    assert other[1:] == pytest.approx(nearest[1:])
    np.testing.assert_allclose(other.view.logits(), nearest.view.logits(), atol=1e-12)
    spoilt = Product(factors["skip"].stream, factors["skip"].weights, np.full(7, np.inf))
    with pytest.raises(InputError, match="skip must hold finite numbers only"):
        PairView(n=7, **(tables | {"skip": spoilt}))
