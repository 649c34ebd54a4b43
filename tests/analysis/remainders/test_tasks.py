"""What paper B asks, by enumeration."""

from __future__ import annotations

from math import gcd

import numpy as np
import pytest

from modlib.analysis.remainders import tasks as rt
from modlib.config.remainders import RemaindersConfig
from modlib.tasks.remainders import digits


def is_prime(x: int) -> bool:
    return x > 1 and all(x % d for d in range(2, int(x**0.5) + 1))


@pytest.mark.parametrize("p", [5, 11, 23])
def test_zero_free_numbers_have_no_factor_below_p(p):
    below = [q for q in range(2, p) if is_prime(q)]
    wanted = [x for x in range(p**2) if all(gcd(x, q) == 1 for q in below)]
    assert rt.zero_free(p).tolist() == wanted
    kinds = rt.zero_free_kinds(p)
    assert kinds["no zero, not prime"].tolist() == [1]
    assert kinds["prime, has a zero"].tolist() == below
    assert kinds["prime, no zero"].tolist() == [x for x in range(p, p**2) if is_prime(x)]


def test_the_paper_has_1495_zero_free_numbers():
    assert len(rt.zero_free(113)) == 1495


@pytest.mark.parametrize("order", ["low_first", "high_first"])
def test_waves_stand_at_the_digits_of_their_numbers(order):
    config = RemaindersConfig(p=11, digits=order)
    wave, total = rt.remainder_wave(config, 7), rt.sum_wave(config)
    for x, (x0, x1) in enumerate(zip(*digits(config), strict=True)):
        assert wave[x0, x1] == pytest.approx(np.cos(2 * np.pi * x / 7))
        assert total[x0, x1] == pytest.approx(np.cos(2 * np.pi * (x0 + x1) / 11))


def test_a_wave_on_the_grid_takes_one_frequency_and_a_remainder_many():
    config = RemaindersConfig(p=113)
    waves = {"parity": rt.remainder_wave(config, 2), "sum": rt.sum_wave(config)}
    table = rt.leaks(waves).set_index("wave")
    assert table.top["parity"] == pytest.approx(0.16, abs=0.01)
    assert table.top_six["parity"] == pytest.approx(0.69, abs=0.01)
    assert table.active["parity"] > 20
    assert table.top["sum"] == pytest.approx(0.5)
    assert table.top_six["sum"] == pytest.approx(1)
    assert table.active["sum"] == 1
