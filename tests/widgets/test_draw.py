"""The live figure of chapter 9 in Python: its settings and its front end."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.many_seeds.separation import DELTA
from modlib.errors import InputError
from modlib.widgets import draw_frequencies
from modlib.widgets.live import module_of

COUNTS = {23: np.array([3, 4, 4, 5]), 31: np.array([4])}


def test_its_moduli_are_those_of_the_networks_and_its_own():
    figure = draw_frequencies(11, COUNTS)
    assert (figure.n, figure.m, figure.delta, figure.drawn) == (11, 3, DELTA, 1)
    assert figure.moduli == [11, 23, 31]
    assert figure.networks == {"23": [0, 0, 0, 1, 2, 1], "31": [0, 0, 0, 0, 1]}


@pytest.mark.parametrize(("n", "m"), [(3, 1), (5, 2), (6, 3)])
def test_a_small_modulus_has_a_small_hand(n, m):
    figure = draw_frequencies(n, {})
    assert figure.m == m
    assert "<svg" in figure.html()


@pytest.mark.parametrize(("n", "delta", "name"), [(2, 0.1, "n"), (11, 1.5, "delta")])
def test_bad_settings_are_refused_in_one_line(n, delta, name):
    with pytest.raises(InputError, match=f"^{name} must be"):
        draw_frequencies(n, {}, delta=delta)


def test_the_front_end_is_one_module_and_the_page_is_light():
    figure = draw_frequencies(23, COUNTS)
    assert figure._esm == module_of("draw")
    assert figure._esm.count("export default {") == 1
    assert len(figure.html().encode()) < 60_000
