"""Embeddings of known circles."""

from __future__ import annotations

import numpy as np

from modlib.maths.fourier import cosine


def circles(n, sizes):
    """An embedding of one circle a frequency, of the given radius, in coordinates of its own."""
    columns = [
        radius * cosine(n, freq, shift) for freq, radius in sizes.items() for shift in (0.0, n / 4)
    ]
    return np.stack(columns, axis=1)
