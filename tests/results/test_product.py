"""The network that multiplies: trained, written, read back, and told as what it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from modlib.analysis.battery import battery
from modlib.errors import StoreError
from modlib.models.mlp import build
from modlib.results import product
from modlib.tasks.addition import AdditionTask, ProductTask

SHORT = replace(product.CONFIG, n=7, train_pairs=28, epochs=2, num_neurons=8, embed_dim=4)


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(product, "CONFIG", SHORT)
    monkeypatch.setattr(product, "EPOCHS", (0, 1, 2))


def test_it_is_asked_products_on_the_pairs_that_a_seed_splits():
    sums, products = AdditionTask(SHORT, 3), ProductTask(SHORT, 3)
    assert (sums.split == products.split).all()
    a, b, c = products.pairs
    assert (c == a * b % 7).all()
    assert (c != sums.pairs[2]).any()


def test_it_is_scored_on_products(short):
    trained = product.train_product(3, progress=False)
    task = ProductTask(SHORT, 3)
    a, b, c = map(torch.tensor, task.pairs)
    right = (build(SHORT, trained.weights)(a, b).argmax(-1) == c).numpy()
    assert trained.history.train_accuracy.iloc[-1] == pytest.approx(right[task.mask.ravel()].mean())


def test_what_is_written_comes_back_by_epoch(short, tmp_path):
    product.export_product(seed=3, results=tmp_path)
    trained = product.train_product(3, progress=False)
    networks = product.product_networks(tmp_path)
    assert list(networks) == [0, 1, 2]
    norm = np.sqrt(sum((array.astype(float) ** 2).sum() for array in trained.weights.values()))
    assert networks[2].norm == pytest.approx(norm, rel=1e-3)
    assert networks[2].name == "ours on a b, seed 3, epoch 2"
    (tmp_path / "product" / "network.safetensors").write_bytes(b"spoilt")
    with pytest.raises(StoreError):
        product.product_networks(tmp_path)


def test_where_none_is_committed_one_is_trained(short, tmp_path):
    assert list(product.product_networks(tmp_path)) == [0, 1, 2]


def test_the_committed_one_multiplies_by_cosets_of_logarithms():
    if not (product.RESULTS / product.FOLDER).is_dir():
        pytest.skip("no product is committed")
    *_, last = product.product_networks().values()
    found = battery(last)
    assert (found.task.name, found.n, found.solves) == ("a b mod 59", 58, True)
    exact = {cluster.freq: cluster.coset.size for cluster in found.clusters if cluster.coset.exact}
    assert exact
    assert set(exact.values()) <= {2, 29}
    assert found.share_simple > 0.9
