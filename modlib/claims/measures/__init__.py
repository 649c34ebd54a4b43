"""One function a claim, a file a chapter; each says which claims it measures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from modlib.claims.verdict import Measurement
from modlib.errors import InputError

REGISTERED: dict[str, Callable[[], Measurement]] = {}
"""What measures a claim, by id, of the chapters whose files were imported."""

Measure = TypeVar("Measure", bound=Callable[..., Measurement])


def measures(*claim_ids: str, **given: Any) -> Callable[[Measure], Measure]:
    """Register a function as what measures these claims; ``given``: its arguments for them.

    Raises ``InputError`` for a claim that another function measures.
    """

    def register(function: Measure) -> Measure:
        call = partial(function, **given) if given else function
        for claim_id in claim_ids:
            if claim_id in REGISTERED:
                raise InputError("claim id", "be measured by one function", claim_id)
            REGISTERED[claim_id] = call
        return function

    return register
