"""The arrays beside paper B's tables: what rounding may do to them, and what it may not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modlib.analysis.remainders.digit_spectra import active_cells
from modlib.config.remainders import RemaindersConfig
from modlib.errors import StoreError
from modlib.models.transformer import initial_weights
from modlib.results import networks as rn
from modlib.store.float16 import from_float16, to_float16

TINY = RemaindersConfig(p=11, embed_dim=16, heads=2, steps=300)
NAME = "spectra/magnitude"


def mirrored(cells: np.ndarray) -> np.ndarray:
    """Magnitudes with equal cells (f0, f1) and (-f0, -f1), and none for the mean."""
    full = cells + np.roll(cells[..., ::-1, ::-1], 1, axis=(-2, -1))
    full[..., 0, 0] = 0
    return full.astype(np.float32)


def test_mirrored_cells_are_restored():
    images = np.random.default_rng(0).normal(size=(3, 7, 7))
    whole = np.abs(np.fft.fft2(images))
    np.testing.assert_allclose(rn.whole_plane(rn.half_plane(whole)), whole)


def near_threshold(p: int, steps: int) -> np.ndarray:
    """Magnitudes with many cells just above and just below mean + 2 sigma."""
    rng = np.random.default_rng(1)
    cells = mirrored(rng.exponential(size=(steps, p, p)))
    for _ in range(60):  # the threshold moves with the cells that are put beside it
        flat = cells.reshape(steps, -1)[:, 1:]
        bound = flat.mean(1) + 2 * flat.std(1)
        for row, at in zip(cells, bound, strict=True):
            for offset, (f0, f1) in enumerate([(1, 2), (2, 3), (3, 1), (4, 4)]):
                value = at * (1 + (-1) ** offset * 2e-5)
                row[f0, f1] = row[-f0, -f1] = value
    return cells


def test_rounding_leaves_the_active_cells_as_they_are():
    magnitude = near_threshold(11, 40)
    plain = from_float16(to_float16({NAME: rn.half_plane(magnitude)}))[NAME]
    assert (active_cells(rn.whole_plane(plain)) != active_cells(magnitude)).any()
    rounded = rn.rounded_magnitude(magnitude)
    assert rounded[NAME].dtype == np.float16
    found = rn.whole_plane(from_float16(rounded)[NAME])
    assert (active_cells(found) == active_cells(magnitude)).all()
    np.testing.assert_allclose(found, magnitude, rtol=2.0**-10)


def test_where_the_threshold_itself_moves_nothing_is_rounded(monkeypatch):
    """A step back that changes nothing leaves the cells on the wrong side."""
    magnitude = near_threshold(11, 40)
    monkeypatch.setattr(rn.np, "nextafter", lambda values, toward: values)
    kept = rn.rounded_magnitude(magnitude)
    assert kept.keys() == {NAME}
    np.testing.assert_array_equal(kept[NAME], rn.half_plane(magnitude))


def test_weights_that_float16_changes_are_refused():
    """Logits that differ in the fourth digit of a common part lose their order."""
    weights = initial_weights(TINY, 3)
    assert (
        np.abs(from_float16(rn.rounded_weights(weights, TINY, 3))["tok"] - weights["tok"])
        <= 2.0**-11 * np.abs(weights["tok"])
    ).all()
    common = weights | {"unembed": weights["unembed"] * 1e-4 + 1}
    rule = r"float16 must move the accuracy of q = \d, seed 3, by at most 0\.0083, got 0\.\d{4}$"
    with pytest.raises(StoreError, match=rule):
        rn.rounded_weights(common, TINY, 3)


def test_tasks_whose_weights_have_faded_keep_their_answers():
    """Without a loss on a task, decay leaves 10^-8 of its weights: less than float16 holds."""
    config = replace(TINY, p=13, task="masked")
    weights = initial_weights(config, 3)
    faded = weights["unembed"].copy()
    faded[:, : 2 + 3 + 5 + 7] *= np.float32(1e-8)
    rounded = from_float16(rn.rounded_weights(weights | {"unembed": faded}, config, 3))["unembed"]
    assert (rounded[:, :17].astype(np.float16) == 0).all()
    np.testing.assert_allclose(rounded, faded, rtol=1e-3, atol=1e-12)
