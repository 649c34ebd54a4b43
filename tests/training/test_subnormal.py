"""Subnormal numbers count as zero while networks train, and only then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.remainders import RemaindersConfig
from modlib.machine import subnormal_as_zero, train_in_this_thread
from modlib.tasks.addition import AdditionTask
from modlib.tasks.remainders import RemaindersTask
from modlib.training.addition import ensemble, loop, network, single
from modlib.training.clock_pizza import train as clocks
from modlib.training.remainders import train as remainders

CPU = torch.device("cpu")
ADDITION = AdditionConfig(n=7, embed_dim=4, num_neurons=8, epochs=2)
CLOCK = ClockPizzaConfig(n=7, steps=2)
REMAINDERS = RemaindersConfig(p=5, steps=2, embed_dim=8, heads=2)
TINY = np.full(4, 1e-40, dtype=np.float32)


def count_as_zero() -> bool:
    """Whether this thread takes 1e-40 for 0."""
    return not (TINY * np.float32(1)).view(np.int32).any()


@pytest.fixture(autouse=True)
def _as_it_is_without():
    assert not count_as_zero()
    yield
    assert not count_as_zero()


def test_a_context_takes_them_for_zero_and_gives_back_what_was():
    with subnormal_as_zero():
        assert count_as_zero()
        with subnormal_as_zero():
            assert count_as_zero()
        assert count_as_zero(), "what was there before is what comes back"
    assert not count_as_zero()
    with pytest.raises(KeyError), subnormal_as_zero():
        raise KeyError
    assert not count_as_zero()


def test_a_pools_threads_take_them_for_zero_and_the_caller_does_not():
    with ThreadPoolExecutor(2, initializer=train_in_this_thread) as pool:
        assert all(pool.map(lambda _: count_as_zero(), range(4)))
    assert not count_as_zero()


def test_a_products_terms_below_them_are_left_out():
    left, right = np.full((1, 4), 1e-30, np.float32), np.full((4, 1), 1e-9, np.float32)
    assert (left @ right)[0, 0] > 0
    with subnormal_as_zero():
        assert (left @ right)[0, 0] == 0


def test_every_training_takes_them_for_zero(monkeypatch):
    seen: dict[str, bool] = {}

    def noting(owner, method: str, name: str) -> None:
        plain = getattr(owner, method)

        def noted(*args, **kwargs):
            seen[name] = seen.get(name, True) and count_as_zero()
            return plain(*args, **kwargs)

        monkeypatch.setattr(owner, method, noted)

    noting(network.Network, "run_epochs", "compiled steps")
    noting(network.Network, "evaluate", "compiled scores")
    noting(loop.LoopTraining, "advance", "loop")
    noting(clocks.FastClockStep, "gradient", "clocks")
    noting(remainders._Training, "advance", "remainders")
    noting(remainders.FastStep, "_part", "remainders' threads")
    list(ensemble.train_ensemble(ADDITION, range(3), device=CPU, threads=2, progress=False))
    loop.train(AdditionTask(ADDITION, 0), device=CPU, progress=False)
    single.train(AdditionTask(ADDITION, 0), device=CPU, progress=False)
    clocks.train(AdditionTask(CLOCK, 0), progress=False)
    remainders.train(RemaindersTask(REMAINDERS, 0), progress=False)
    every = "compiled steps", "compiled scores", "loop", "clocks", "remainders"
    assert seen == dict.fromkeys([*every, "remainders' threads"], True)
