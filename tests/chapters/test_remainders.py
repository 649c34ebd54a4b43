"""Sentences of chapters 10 and 12 hold for networks that learned, and for those that did not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from modlib.analysis.remainders import tasks as rt
from modlib.analysis.remainders import token_embeddings as te
from modlib.chapters import remainders as about
from modlib.chapters import transformer_embeddings as words
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.maths.fourier import fourier_basis
from modlib.runs.remainders import RemaindersRun
from modlib.tasks.remainders import moduli

NOISE = np.random.default_rng(0).normal(size=(23, 32))


def run(config: RemaindersConfig, accuracy: float, steps: int | None = None) -> RemaindersRun:
    """A run that ends with this accuracy on every task but the last, where it has none."""
    qs = moduli(config)
    steps = config.steps if steps is None else steps
    rows = [
        {"step": steps, "split": split, "q": q, "accuracy": accuracy * (q < qs[-1] or len(qs) == 1)}
        for split in ("train", "validation")
        for q in qs
    ]
    empty = pd.DataFrame()
    return RemaindersRun(
        config=config,
        seed=4,
        steps=steps,
        weights={},
        snapshots={},
        history=pd.DataFrame(rows).assign(loss=1.0),
        norms=empty,
        spectra={},
        neuron_zero={},
        first_neurons={},
        manifest={},
    )


def test_a_network_is_told_by_its_task_and_base():
    small = REMAINDERS_PRESETS["B37"]
    assert about.name_of(small) == "miiii, p = 37 (80 %)"
    assert about.name_of(replace(small, task="basis", p=11)) == "shuffled, p = 11 (80 %)"
    assert about.name_of(small.untrained()) == "untrained, p = 37"


@pytest.mark.parametrize("task", ["miiii", "nanda", "basis", "masked"])
@pytest.mark.parametrize("accuracy", [0.0, 0.5, 1.0])
def test_a_network_is_told_whatever_it_learned(task, accuracy):
    config = RemaindersConfig(p=13, task=task, steps=3)
    text = about.about_network(run(config, accuracy))
    assert "Seed 4, p = 13" in text
    assert "3 steps." in text
    if task != "nanda":
        assert ("no task" in text) == (accuracy < 0.99)
    assert "chance" in about.about_accuracy(run(config, accuracy))
    assert "3 of 9" not in text
    assert "2 steps of 3" in about.about_network(run(config, accuracy, steps=2))
    assert "no training" in about.about_network(run(config.untrained(), accuracy))


def test_parameters_of_the_small_network_are_counted():
    assert "(B37): 222,336 weights" in about.about_network(run(REMAINDERS_PRESETS["B37"], 1.0))


def test_networks_of_the_papers_size_are_named_or_missed():
    config = REMAINDERS_PRESETS["B113-text"]
    assert "p = 37 stands in" in about.about_paper_size({"B113-text": None})
    text = about.about_paper_size({"B113-text": run(config, 1.0, 20000), "B113-nanda": None})
    assert "B113-text (20,000 of 65,536 steps); not committed: B113-nanda" in text
    assert "not committed" not in about.about_paper_size({"B113-text": run(config, 1.0)})


def test_positions_are_told_seed_by_seed():
    table = pd.DataFrame({"position_correlation": [0.95, -0.5]})
    assert "seed by seed: a +0.95, -0.50. Where" in words.positions_by_seed({"a": table})
    assert words.positions_by_seed({}) == ""


def test_the_task_is_told_in_numbers():
    waves = {"parity": rt.remainder_wave(RemaindersConfig(p=11), 2)}
    text = about.about_leaks(rt.leaks(waves), 11)
    assert "| parity |" in text
    assert "11 x 11" in text
    assert "at most" in about.about_basis(fourier_basis(11) @ fourier_basis(11).T)
    text = about.about_zero_free(11, rt.zero_free_kinds(11))
    assert "not prime: 1." in text
    assert "The 4 primes below 11" in text
    assert "of the 121 numbers" in about.about_spirals(11, {"multiples of 7": np.arange(18)})
    assert "four tasks" in about.about_loss(RemaindersConfig(p=11))
    assert "one task" in about.about_loss(RemaindersConfig(p=11, task="nanda"))


def test_embeddings_are_told_in_numbers():
    assert "| nanda | -0.50 | 0.100 |" in words.about_positions(
        {"nanda": te.Positions(-0.5, 0.1, 0.2)}
    )
    found = te.spread(NOISE)
    assert f"| net | {found.variance[0]} |" in words.about_spread({"net": found})
    assert "Seen here" not in words.about_spread({"net": found})
    text = words.about_spread({"net": found, "untrained, p = 23": found})
    assert f"network: net: {found.variance[0]} against {found.variance[0]}. As many" in text
    assert "net: " in words.about_vectors({"net": te.leading_vectors(NOISE)})
    basis = te.in_fourier_basis(NOISE)
    assert "18 of 22 basis vectors" in words.about_basis(basis, 18, "net")
    assert "times the mean, at 0." in words.about_periodograms({"net": te.periodogram(NOISE)})
    qs, power = np.array([2, 3, 5, 7, 11, 13]), np.array([0.5, 2.0, 1, 1, 1.25, 0.75])
    text = words.about_prime_power({"": (qs[:2], {"few": power[:2]})})
    assert text.endswith("few: 0.50 (q = 2), 2.00 (q = 3).")
    text = words.about_prime_power({"": (qs, {"net": power})})
    assert "2.00 (q = 3), 1.00 (q = 5), 1.00 (q = 7), beyond them 0.75 to 1.25." in text


def test_seeds_are_tabled_with_their_range():
    table = pd.DataFrame({name: [1.0, 3.0] for name in words.COLUMNS})
    text = words.seeds_table({"B37": table, "one": table.iloc[:1]})
    assert "| B37 | 2 | 2.00 (1.00 to 3.00) |" in text
    assert "| one | 1 | 1.00 |" in text
    assert "No tables" in words.seeds_table({})
