"""Views into one vector, in NumPy and in torch."""

from __future__ import annotations

import numpy as np
import torch

from modlib.training.flat import named_views, size_of

SHAPES = {"w": (2, 3), "b": (3,), "scale": ()}


def test_views_lie_in_the_vector_one_behind_the_other():
    flat = np.arange(12.0)
    found = named_views(flat, SHAPES)
    assert size_of(SHAPES) == 10
    assert {name: view.shape for name, view in found.items()} == SHAPES
    assert found["w"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (found["b"].tolist(), found["scale"].item()) == ([6, 7, 8], 9)
    found["b"][1] = -1
    assert flat[7] == -1


def test_rows_of_vectors_keep_their_rows_in_torch():
    flat = torch.arange(24.0).view(2, 12)
    found = named_views(flat, SHAPES)
    assert {name: view.shape[1:] for name, view in found.items()} == SHAPES
    found["w"][1, 0, 2] = -1
    assert flat[1, 2] == -1
