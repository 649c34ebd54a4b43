"""Presets: one table of names, families, settings and seeds."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import (
    FAMILIES,
    PRESETS,
    family_of,
    preset,
    preset_of,
)
from modlib.config.remainders import RemaindersConfig
from modlib.errors import InputError
from modlib.machine import RESULTS


def test_a_preset_is_found_by_its_name_and_by_its_configuration():
    for name, known in PRESETS.items():
        assert preset(name) == preset(name, known.family) == known.config
        assert FAMILIES[known.family][name] == known.config
        assert preset_of(known.config) == name
    assert sum(len(presets) for presets in FAMILIES.values()) == len(PRESETS)
    assert preset_of(replace(preset("A91", AdditionConfig), n=90)) is None


def test_a_name_of_no_preset_or_of_another_family_is_refused():
    with pytest.raises(InputError, match=r"preset must be one of A.*\(\d+ in all\), got 'A92'"):
        preset("A92")
    with pytest.raises(InputError, match=r"preset must be one of B.*, got 'A91'"):
        preset("A91", RemaindersConfig)


def committed(folder: str) -> dict[str, tuple[int, int]]:
    """First and last seed of the tables in a folder of results, by preset."""
    found = {}
    for path in (RESULTS / folder).glob("*/MANIFEST.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if path.parent.name in PRESETS:
            found[path.parent.name] = tuple(manifest["seeds"])
    return found


@pytest.mark.parametrize(
    ("folder", "family"), [("sweeps", AdditionConfig), ("remainders", RemaindersConfig)]
)
def test_results_hold_as_many_seeds_as_the_table_says(folder, family):
    counts = {n: known.num_seeds for n, known in PRESETS.items() if known.family is family}
    expected = {name: (1000, 999 + count) for name, count in counts.items() if count}
    assert committed(folder) == expected


def test_results_hold_as_many_clocks_and_pizzas_as_the_table_says():
    manifest = json.loads((RESULTS / "clock_pizza" / "MANIFEST.json").read_text(encoding="utf-8"))
    first, last = manifest["seeds"]
    for name in FAMILIES[ClockPizzaConfig]:
        assert name in manifest["keys"]
        assert (first, last) == (1001, 1000 + PRESETS[name].num_seeds)


def test_settings_choose_the_family_that_has_them():
    for names, family in {
        "": AdditionConfig,
        "n lr": AdditionConfig,
        "n num_neurons embed_dim lr": AdditionConfig,
        "l2": AdditionConfig,
        "steps": RemaindersConfig,
        "heads lr": RemaindersConfig,
        "p": RemaindersConfig,
        "warmup": ClockPizzaConfig,
        "attention_rate n": ClockPizzaConfig,
        "n steps": ClockPizzaConfig,
        "p n": RemaindersConfig,
        "n attention_rate l": ClockPizzaConfig,
        "modulus": AdditionConfig,
    }.items():
        assert family_of(names.split()) is family, names


def test_make_trains_what_the_table_says():
    text = (RESULTS.parent / "Makefile").read_text(encoding="utf-8")
    assert not re.search(r"\b[AB]\d+[\w-]*:\d", text)
