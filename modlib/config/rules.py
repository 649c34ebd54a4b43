"""What all configurations share: the hash of their settings, and the seed's rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from modlib.errors import require_int

MAX_NEURONS = 65536


def digest(content: Mapping[str, object]) -> str:
    """Sixteen hexadecimal digits that stand for some settings."""
    encoded = json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(encoded).hexdigest()[:16]


def require_seed(value: object, argument: str = "seed") -> int:
    """A seed: an integer from 0 to 2^63 - 1."""
    return require_int(argument, value, at_least=0, at_most=2**63 - 1)
