"""The machine's float32 peak, and what a step takes of it."""

from __future__ import annotations

import pytest
import torch

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.remainders import RemaindersConfig
from modlib.errors import InputError
from modlib.tasks.remainders import moduli
from modlib.training import speed
from modlib.training.speed import machine_peak, operations, total_steps


def product(rows: int, depth: int, cols: int) -> float:
    """Multiplications and additions of a product of matrices."""
    return 2.0 * rows * depth * cols


def test_the_peak_is_that_of_one_thread_times_the_threads(monkeypatch):
    rates = iter([3e9, 5e9, 4e9, 2e9] * 2)
    monkeypatch.setattr(speed, "_best_rate", lambda *_: next(rates))
    monkeypatch.setattr(speed, "_in_float32", lambda *_: True)
    assert machine_peak() == 5e9
    assert machine_peak(4) == 20e9


def test_the_peak_is_measured_and_leaves_torch_as_it_was():
    before = torch.get_float32_matmul_precision(), torch.get_num_threads()
    assert machine_peak(seconds=0.01) > 1e8
    assert (torch.get_float32_matmul_precision(), torch.get_num_threads()) == before
    with pytest.raises(InputError, match="threads must be an integer at least 1, got 0"):
        machine_peak(0)


def test_a_product_of_rounded_inputs_is_no_float32_product(monkeypatch):
    a, b = torch.randn(2, speed.SIZE, speed.SIZE, generator=torch.Generator().manual_seed(0))
    rounded = (a.bfloat16().float() @ b.bfloat16().float()).float()
    assert speed._in_float32(a, b, a @ b)
    assert not speed._in_float32(a, b, rounded)
    # Fast as it is, it sets no peak: the rates are those of the three others.
    rates = iter([3e9, 5e9, 4e9])
    monkeypatch.setattr(speed, "_best_rate", lambda *_: next(rates))
    exact = torch.mm

    def by_precision(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if torch.get_float32_matmul_precision() == "medium":
            return exact(a.bfloat16(), b.bfloat16()).float()
        return exact(a, b)

    monkeypatch.setattr(torch, "mm", by_precision)
    assert machine_peak() == 5e9


@pytest.mark.parametrize("batch", ["n", "full"])
def test_paper_as_step_makes_preactivations_of_tokens_and_logits_of_pairs(batch):
    config = AdditionConfig(n=91, batch=batch)
    rows = 91 if batch == "n" else 5096
    forward = 2 * product(91, 32, 128) + product(rows, 128, 91)
    assert operations(config) == 3 * forward


def test_paper_bs_step_is_its_feed_forward_layer_and_its_unembedding():
    config = RemaindersConfig(p=37, embed_dim=128)
    rows, answers = config.num_train, int(moduli(config).sum())
    forward = product(rows, 128, 512) + product(rows, 512, 128) + product(rows, 128, answers)
    assert operations(config, by_tables=False) == 3 * forward


def test_a_pizzas_step_is_the_product_of_its_neurons_with_what_they_write():
    config = ClockPizzaConfig()
    assert operations(config) == 3 * product(config.num_train, 512, 59)


def test_a_training_has_the_steps_of_all_its_epochs():
    assert total_steps(AdditionConfig(n=91)) == 300 * 56
    assert total_steps(AdditionConfig(n=91, batch="full")) == 2000
    assert total_steps(RemaindersConfig(steps=7)) == total_steps(ClockPizzaConfig(steps=7)) == 7
