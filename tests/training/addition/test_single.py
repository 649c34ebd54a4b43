"""A network for the store: the loop's arithmetic, the ensemble's bits, on vectors of any width."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from modlib.config.addition import AdditionConfig
from modlib.models.mlp import PARAMETERS
from modlib.store.checkpoint import Checkpoint
from modlib.tasks.addition import AdditionTask, ProductTask
from modlib.training import resume
from modlib.training.addition import loop, single
from modlib.training.addition.ensemble import train_ensemble
from modlib.training.resume import Probe

CPU = torch.device("cpu")
SMALL = AdditionConfig(n=13, epochs=6, train_pairs=100)
CONFIGS = {
    "batch n, ragged": SMALL,
    "full batch": replace(SMALL, batch="full"),
    "odd sizes": replace(SMALL, n=10, train_pairs=61, num_neurons=37, embed_dim=5),
    "all pairs": replace(SMALL, train_pairs=169),
}


def probe() -> Probe:
    return Probe(
        times=[0, 2, 6], measure=lambda model: {"out": model.unembed.weight.detach().numpy().copy()}
    )


def trained(config: AdditionConfig, by=single, **options) -> loop.Trained:
    task = AdditionTask(config, 7)
    return by.train(task, device=CPU, probes=[probe()], progress=False, **options)


@pytest.mark.parametrize("name", CONFIGS)
def test_it_is_what_the_readable_loop_trains(name: str) -> None:
    one, readable = trained(CONFIGS[name]), trained(CONFIGS[name], loop)
    for parameter in PARAMETERS:
        off = np.abs(one.weights[parameter] - readable.weights[parameter])
        assert off.mean() < 2e-6, parameter
    for table in ("history", "weight_history"):
        found, expected = getattr(one, table), getattr(readable, table)
        assert list(found.columns) == list(expected.columns)
        assert found.dtypes.equals(expected.dtypes)
        np.testing.assert_allclose(found, expected, atol=2e-5)
    assert one.probed.keys() == readable.probed.keys()
    np.testing.assert_allclose(one.probed["out"], readable.probed["out"], atol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_it_is_the_ensembles_network_to_the_last_bit(name: str) -> None:
    one = trained(CONFIGS[name])
    (member,) = train_ensemble(CONFIGS[name], [7], device=CPU, threads=1, progress=False)
    for parameter in PARAMETERS:
        assert np.array_equal(one.weights[parameter], member.weights[parameter]), parameter
    assert one.weight_history.equals(member.weight_history)
    # The ensemble evaluates at fewer epochs.
    assert (
        one.history[one.history.epoch.isin(member.history.epoch)]
        .reset_index(drop=True)
        .equals(member.history)
    )


@pytest.mark.parametrize(("first", "second"), [(loop, single), (single, loop)])
def test_what_one_began_the_other_finishes(first, second, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(resume, "pause_s", lambda took: 0.0)
    checkpoint = Checkpoint(tmp_path / "partial")
    look = resume._look

    def stopped(training, done):
        if done == 4:
            raise KeyboardInterrupt
        return look(training, done)

    monkeypatch.setattr(resume, "_look", stopped)
    with pytest.raises(KeyboardInterrupt):
        trained(SMALL, first, checkpoint=checkpoint)
    monkeypatch.setattr(resume, "_look", look)
    assert checkpoint.peek("progress")[0] == 3
    finished, whole = trained(SMALL, second, checkpoint=checkpoint), trained(SMALL, loop)
    for parameter in PARAMETERS:
        off = np.abs(finished.weights[parameter] - whole.weights[parameter])
        assert off.mean() < 2e-6, parameter
    assert finished.history.epoch.tolist() == whole.history.epoch.tolist()


def test_another_task_is_left_to_the_loop() -> None:
    """The kernels' answers are sums: a product's network would learn them, and say nothing."""
    config = replace(SMALL, n=11, train_pairs=100)
    task = ProductTask(config, 7)
    one, readable = (by.train(task, device=CPU, progress=False) for by in (single, loop))
    for parameter in PARAMETERS:
        assert np.array_equal(one.weights[parameter], readable.weights[parameter])


ON_VECTORS = """
import sys
import llvmlite.binding as llvm
import numba

# numba compiles for this machine all the same, and cuts wide vectors into what it has.
host, features = llvm.get_host_cpu_features, {"16": {"avx512f": True}, "8": {"avx2": True}, "4": {}}
llvm.get_host_cpu_features = lambda: features[sys.argv[1]]
from modlib.training.kernels import llvm_vectors
llvm.get_host_cpu_features = host
assert str(llvm_vectors.LANES) == sys.argv[1]

import hashlib
import torch
from modlib.config.addition import AdditionConfig
from modlib.training.addition.ensemble import train_ensemble

for config in (AdditionConfig(n=59, epochs=12), AdditionConfig(n=37, epochs=12, batch="full")):
    (member,) = train_ensemble(config, [3], device=torch.device("cpu"), threads=1, progress=False)
    said = b"".join(array.tobytes() for array in member.weights.values())
    print(hashlib.sha256(said).hexdigest(), member.history.test_loss.iloc[-1])
"""


def test_a_seed_has_the_same_bits_whatever_the_width_of_vectors(tmp_path) -> None:
    """Sums over answers are taken by sixteen columns at every width, all others one by one."""
    said = {
        width: subprocess.run(
            [sys.executable, "-c", ON_VECTORS, width],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / width)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for width in ("16", "8", "4")
    }
    assert said["16"][::2] == said["8"][::2] == said["4"][::2]
    assert len(set(said["8"][::2])) == 2
