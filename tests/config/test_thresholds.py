"""Thresholds: each said once, taken by the functions that it names, shown on a page of the book."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from importlib import import_module
from inspect import signature

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.analysis.micro.neurons import classify
from modlib.chapters.say import fill
from modlib.claims.register import load_claims
from modlib.config.thresholds import DEFAULT, Thresholds, known
from modlib.errors import InputError
from modlib.machine import RESULTS, ROOT
from modlib.tasks.learned import outcome

KNOWN = {one.name: one for one in known()}
VALUES = {
    **{"simple_below": 0.12, "fine_tuning_from": 0.3, "dead_below": 0.03, "harmonic_share": 0.8},
    **{"harmonic_count": 6, "noise": 0.001, "min_size": 3, "majority": 0.75, "same_family": 0.5},
    **{"coset": 0.5, "part_of": 0.05, "circular_below": 0.25, "one_frequency_from": 0.5},
    **{"learned_from": 0.999, "task_learned": 0.99, "tasks_learned": 0.9, "votes_held": 0.5},
    **{"one_wave": 0.8, "broken": 0.6, "keeps": 0.999, "keep": 0.99},
}
"""What the committed tables were made with."""


def test_no_threshold_has_moved():
    assert {one.name: getattr(DEFAULT, one.name) for one in fields(Thresholds)} == VALUES
    assert {name: one.value for name, one in KNOWN.items()} == VALUES


@pytest.mark.parametrize("name", VALUES)
def test_a_threshold_names_what_there_is(name):
    one = KNOWN[name]
    tables = {path.stem for path in RESULTS.rglob("*.parquet")} | {"fine_tuning", "tasks"}
    assert set(one.tables) <= tables
    assert set(one.claims) <= set(load_claims())
    for place in one.taken_by:
        module, _, function = place.rpartition(".")
        taken = signature(getattr(import_module(f"modlib.{module}"), function)).parameters
        defaults = [parameter.default for parameter in taken.values()]
        assert any(given is DEFAULT or given == one.value for given in defaults), place


@pytest.mark.parametrize("name", VALUES)
def test_a_threshold_is_used_and_written_nowhere_else(name):
    sources = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "modlib").rglob("*.py")
        if path.name != "thresholds.py"
    ]
    assert any(re.search(rf"(?:DEFAULT|thresholds)\.{name}\b", text) for text in sources)
    constant = re.compile(rf"^(?:{name.upper()}|{name.upper()}_THRESHOLD) = [\d.]", re.MULTILINE)
    assert not any(constant.search(text) for text in sources)


@pytest.mark.parametrize(
    ("name", "value"),
    [("simple_below", -0.1), ("min_size", 0), ("min_size", 2.5), ("majority", 0.4), ("keep", 2.0)],
)
def test_a_threshold_out_of_range_is_refused(name, value):
    with pytest.raises(InputError, match=f"{name} must"):
        replace(DEFAULT, **{name: value})


def neuron(**columns):
    row = {"strength": 0.5, "residual": 0.2, "freq": 3, "second": 9, "top_share": 0.9}
    return pd.DataFrame([row | columns])


@pytest.mark.parametrize(
    ("row", "before", "thresholds", "after"),
    [
        ({}, "3f", {"simple_below": 0.25}, "simple"),
        ({}, "3f", {"fine_tuning_from": 0.15}, "fine-tuning"),
        ({}, "3f", {"dead_below": 0.6}, "dead"),
        ({}, "3f", {"harmonic_share": 0.95}, "diffuse"),
        ({"top_share": 0.7}, "diffuse", {"harmonic_share": 0.6}, "3f"),
    ],
)
def test_another_threshold_makes_another_class(row, before, thresholds, after):
    table = neuron(**row)
    assert classify(table, 91) == [before]
    assert classify(table, 91, thresholds=replace(DEFAULT, **thresholds)) == [after]


def test_others_reach_the_clusters():
    view = ideal_view(31, {3: 8, 5: 2})
    sizes = {
        size: len(cluster_neurons(view, thresholds=replace(DEFAULT, min_size=size)).clusters)
        for size in (1, 2, 3, 9)
    }
    assert sizes == {1: 2, 2: 2, 3: 1, 9: 0}
    none_live = cluster_neurons(view, thresholds=replace(DEFAULT, simple_below=0.0))
    assert set(none_live.table.kind) <= {"3f", "bent"}


def test_others_reach_what_has_learned():
    accuracy = np.array([0.5, 1.0, 0.95])
    history = pd.DataFrame({"epoch": [0, 1, 2], "test_accuracy": accuracy})
    assert not outcome(history, 5).learned
    assert outcome(history, 5, replace(DEFAULT, learned_from=0.9)).learned


def test_the_page_tells_them_all():
    page = (ROOT / "book" / "thresholds.md").read_text(encoding="utf-8")
    (template,) = re.findall(r'say\(.*?"""\n(.*?)"""', page, re.DOTALL)
    text = fill({"known": list(known())}, template)
    assert re.findall(r"^\*\*`(\w+)` = ([\d.]+)\*\*", text, re.MULTILINE) == [
        (name, f"{value:.3g}") for name, value in VALUES.items()
    ]
    told = re.findall(r"`([A-Z]2?\.[\w.]+)`", text)
    assert sorted(told) == sorted(claim for one in known() for claim in one.claims)
