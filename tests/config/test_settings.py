"""A setting is said once: what the three configurations take and refuse, and in which words.

``python tests/config/test_settings.py`` writes ``tests/data/settings.json`` anew: for a change
that means to change a rule or a key.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.remainders import RemaindersConfig
from modlib.config.rules import as_given, settings
from modlib.errors import InputError

FILE = Path(__file__).parents[1] / "data" / "settings.json"
CONFIGS: dict[str, Any] = {
    "addition": AdditionConfig,
    "remainders": RemaindersConfig,
    "clock_pizza": ClockPizzaConfig,
}
ODD = (
    *(-1, 0, 1, 2, 3, 4, 5, 37, 48, 4096, 4097, 10**6, 10**8 + 1, 10**400, np.int32(7)),
    *(-0.1, 0.0, 0.25, 0.5, 0.999, 1.0, 7.0, 10.5, 1001.0, 1e-12, np.float32(0.5)),
    *(float("nan"), float("inf"), True, None, "7", "n", "full", "flax", "nanda", [7], 1 + 0j),
)
"""What every setting is tried with."""

EDGES: dict[str, tuple[Any, ...]] = {
    "n": (256, 257, 258),
    "p": (7, 9, 11, 1008, 1009, 1013),
    "train_pairs": (8281, 8282),
    "num_neurons": (65536, 65537),
    "epochs": (10**6 + 1,),
    "steps": (10**7, 10**7 + 1, 10**8),
    "warmup": (10**6 + 1,),
    "lr": (10, 10.000001),
    "l2": (10, 10.000001),
    "weight_decay": (1000, 1000.001),
    "lam": (1000, 1000.001),
    "num_validation": (273, 274, 275),
    "heads": (8, 64, 128, 129),
    "batch": ("half", "N"),
    "init": ("torch", "Torch"),
    "task": ("miiii", "basis", "masked", "mod"),
    "digits": ("low_first", "high_first", "first"),
    "dropout_mask": ("step", "sample", "number"),
    "matmul": ("float32", "bfloat16", "float64"),
}
"""And with these, at the edges of its own range."""

TOGETHER: dict[str, tuple[dict[str, tuple[Any, ...]], ...]] = {
    "addition": (
        {"n": (3, 60, 89), "train_pairs": (None, 1, 9, 10, 3600, 3601, 7921, 7922)},
        {"batch": ("n", "full"), "epochs": (None, 0, 5), "init": ("torch", "flax")},
    ),
    "remainders": (
        {"p": (5, 11, 13), "task": ("miiii", "nanda", "masked")},
        {"p": (5, 11), "train_fraction": (0.01, 0.04, 0.3, 0.97), "num_validation": (1, 5, 90)},
        {"embed_dim": (6, 8), "heads": (1, 3, 4, 8)},
    ),
    "clock_pizza": (
        {"n": (3, 5, 60), "train_fraction": (0.01, 0.1, 0.12, 0.3, 0.95)},
        {"embed_dim": (6, 8), "heads": (1, 3, 4, 8)},
    ),
}
"""Settings whose rules depend on each other."""


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """A third of the odd values for each setting, drawn once; all edges, all that go together."""
    draw = random.Random(0)
    for family, config in CONFIGS.items():
        for field in fields(config):
            for value in [*draw.sample(ODD, len(ODD) // 3), *EDGES.get(field.name, ())]:
                yield family, {field.name: value}
        for group in TOGETHER[family]:
            for values in itertools.product(*group.values()):
                yield family, dict(zip(group, values, strict=True))


def outcome(family: str, settings: dict[str, Any]) -> str:
    """The key of a configuration, or the words in which it is refused."""
    try:
        return CONFIGS[family](**settings).key()
    except InputError as refusal:
        text = str(refusal)
        return text if len(text) < 200 else f"{text[:150]}..."


def outcomes() -> list[str]:
    """What becomes of every case."""
    return [outcome(*case) for case in cases()]


def packed(found: list[str]) -> dict[str, Any]:
    """The different outcomes, and which of them each case has."""
    different = sorted(set(found))
    return {"outcomes": different, "cases": [different.index(text) for text in found]}


def test_every_value_is_taken_or_refused_as_it_was():
    before = json.loads(FILE.read_text(encoding="utf-8"))
    expected = [before["outcomes"][at] for at in before["cases"]]
    refused = [text for text in expected if " must " in text]
    assert len(expected) > 500
    assert 200 < len(refused) < len(expected) - 100
    for case, now, then in zip(cases(), outcomes(), expected, strict=True):
        assert now == then, case


def test_what_a_configuration_keeps_is_plain():
    config = AdditionConfig(n=np.int64(7), train_pairs=np.int32(30), lr=np.float32(0.5), l2=0)
    assert [type(getattr(config, name)) for name in ("n", "train_pairs")] == [int, int]
    assert [type(getattr(config, name)) for name in ("lr", "l2")] == [float, float]
    assert asdict(replace(config, n=89)) == {**asdict(config), "n": 89}
    with pytest.raises(FrozenInstanceError):
        config.n = 9


def test_none_stands_for_what_follows_from_the_settings_before():
    assert AdditionConfig(n=89, batch="full") == AdditionConfig(
        n=89, batch="full", train_pairs=4717, epochs=2000
    )
    assert RemaindersConfig(num_validation=None).num_validation is None
    assert as_given(AdditionConfig(n=60)) == {
        **{"n": 60, "embed_dim": 32, "num_neurons": 128, "batch": "n"},
        **{"init": "torch", "lr": 0.008, "l2": 0.0001},
    }
    assert as_given(AdditionConfig(n=60, epochs=0))["epochs"] == 0
    assert "num_validation" not in as_given(RemaindersConfig())


def test_every_setting_has_a_rule_and_a_line_of_help():
    for config in CONFIGS.values():
        assert settings(config) == list(fields(config))
        for one in settings(config):
            assert one.metadata["help"].endswith(".")
            assert getattr(config, one.name) == one.default


if __name__ == "__main__":
    text = json.dumps(packed(outcomes()), indent=0, separators=(",", ":"))
    FILE.write_text(f"{text}\n", encoding="utf-8")
