"""The live figure of chapter 1 in Python: its settings, its front end, what comes back."""

from __future__ import annotations

import numpy as np

from made_up.addition import history_of, run_of
from modlib.config.addition import AdditionConfig
from modlib.models.mlp import PARAMETERS, initial_weights
from modlib.widgets import train_yourself
from modlib.widgets.live import as_script, module_of, read


def made(n=7):
    return run_of(AdditionConfig(n=n, epochs=1), history_of([0.5, 1.0], [0.1, 1.0]))


def test_its_settings_are_those_of_the_configuration():
    run, config = made(), AdditionConfig(n=59)
    figure = train_yourself(run)
    assert (figure.n, figure.neurons, figure.full) == (59, config.num_neurons, 0)
    assert (figure.lr, figure.l2, figure.seed) == (config.lr, config.l2, run.seed)
    assert (figure.python_rate, figure.python_n) == (100.0, 7)


def test_its_code_is_one_module_of_at_most_60_kilobytes():
    figure = train_yourself(made())
    assert figure._esm == module_of("trainer")
    assert figure._esm.count("export default {") == 1
    assert len(as_script("trainer").encode()) <= 60_000
    assert len(figure.html().encode()) - len(read("shared/host.js")) <= 160_000


def test_what_was_trained_comes_back_by_name():
    figure = train_yourself(made(), n=7)
    assert figure.weights() == {}
    expected = initial_weights(AdditionConfig(n=7), 1)
    flat = np.concatenate([expected[name].ravel() for name in PARAMETERS])
    figure.set_state({"trained": memoryview(flat.astype("<f4").tobytes())})
    for name, weights in figure.weights().items():
        np.testing.assert_array_equal(weights, expected[name])
