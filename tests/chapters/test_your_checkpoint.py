"""Sentences of chapter 15 hold for networks that add, and for those that do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.battery import battery
from modlib.analysis.battery_numbers import Battery
from modlib.chapters import your_checkpoint as words
from modlib.config.addition import AdditionConfig
from modlib.models.foreign.load import from_arrays
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.views.pair_view import PairView
from modlib.runs.addition import AdditionRun


def network_of(view) -> ForeignNetwork:
    return from_arrays(view.preact_a, view.preact_b, view.w_out, view.b_in, view.b_out)


@pytest.fixture(scope="module")
def good() -> Battery:
    return battery(network_of(ideal_view(91, {4: 24, 35: 16, 11: 32, 20: 24})))


@pytest.fixture(scope="module")
def bad() -> Battery:
    return battery(network_of(random_view(31, 12)))


def test_the_source_is_a_file_or_a_network_made_here():
    network = network_of(ideal_view(31, {3: 8}))
    assert words.about_source(network, None) == (
        "**arrays**: n = 31, eight hidden neurons, recognised as `arrays`."
    )
    run = AdditionRun(
        config=AdditionConfig(n=31),
        seed=7,
        weights={},
        history=pd.DataFrame(),
        manifest={},
        trained_now=True,
    )
    text = words.about_source(network, run)
    assert "No checkpoint was given" in text
    assert "seed 7 for n = 31" in text


def test_the_verdict_warns_only_where_the_task_is_not_solved(good, bad):
    assert words.about_verdict(good).startswith("*Seen here*: it solves a + b mod 91 on all 8281")
    text = words.about_verdict(bad)
    assert text.startswith("> **This network does not solve a + b mod 31.**")
    assert "a guess is right on 3.2 %" in text
    almost = replace(good, accuracy=0.9995, margin=-0.5)
    assert "leads by" not in words.about_verdict(almost)


def test_a_view_that_is_only_near_is_said_to_be(good):
    assert "of the network itself" in words.about_additivity(good)
    near = replace(good, exact=False, preact_error=0.03, skip_error=0.646, accuracy_additive=0.9161)
    text = words.about_additivity(near)
    for part in ("depend on the pair", "3.0 %", "64.6 %", "91.6 %"):
        assert part in text


def test_every_cluster_has_its_coset_in_the_table(good, bad):
    lines = words.about_cosets(good).replace("\u00a0", " ").splitlines()
    rows = [line.split(" | ") for line in lines[2:]]
    assert [row[0] for row in rows] == ["| 11", "| 4", "| 20", "| 35"]
    assert [row[2] for row in rows] == [*["approximate"] * 3, "exact, 7 answers"]
    assert rows[3][3:5] == ["5", "2.60"]
    assert "no cluster" in words.about_cosets(bad)


def test_shares_that_are_nearly_nothing_are_not_told_in_many_digits(good):
    faint = replace(good.clusters[0], explained=1.1e-8, share_rank_0=0.0)
    silent = replace(good.clusters[1], explained=None)
    text = words.about_cosets(replace(good, clusters=[faint, silent])).replace("\u00a0", " ")
    assert "less than 0.01 % | 0 % |" in text
    assert " | - | " in text


def test_the_sum_is_told_where_there_are_clusters(good, bad):
    assert words.about_sum(good).startswith("*Seen here*: one cosine a cluster (4 in all) ")
    assert words.about_sum(bad) == ""


def test_tables_that_are_sums_are_told_from_others():
    pairs = PairView.of(ideal_view(31, {3: 8}))
    k = np.arange(31)
    louder = (1 + 0.5 * np.cos(2 * np.pi * (k[:, None] - k) / 31))[..., None] * pairs.preact
    text = words.about_additive(
        {"module": pairs.additive(), "louder": replace(pairs, preact=louder).additive()}
    )
    assert "Module: nothing but rounding, so it is a sum of two tables." in text
    assert "Louder: 11.1 %, so it is not a sum of two tables." in text


def test_tables_that_lack_something_are_found_out():
    logits = np.random.default_rng(0).normal(size=(5, 5, 5))
    assert "the tables are the network" in words.about_rebuilt(logits + 1e-7, logits)
    assert "the tables lack something" in words.about_rebuilt(logits + 0.1, logits)


def test_networks_stand_side_by_side(good, bad):
    lines = words.comparison({"this network": good, "untrained": bad}).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[0] == ["", "this network", "untrained"]
    rows = {row[0]: row[1:] for row in cells[2:]}
    assert rows["n"] == ["91", "31"]
    assert rows["clusters"] == ["4", "0"]
    assert rows["explained by a cosine a cluster"][1] == "-"
    assert {len(row) for row in cells} == {3}
