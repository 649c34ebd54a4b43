"""Chapter 15 on networks that add, and on those that do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.battery import battery
from modlib.analysis.battery_numbers import Battery
from modlib.chapters import your_checkpoint as facts
from modlib.models.foreign.load import from_arrays
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.views.pair_view import PairView
from modlib.results.show_calibration import COLUMNS
from told import cells, told

CHAPTER = "15_your_checkpoint"
OTHERS = {"189b4a5a", "ac2c6dfd", "358dcf7a", "88491e6a", "76f8440b", "3da66e2c"}
"""Cells whose sentences are those of other chapters, tested with them."""


def network_of(view) -> ForeignNetwork:
    return from_arrays(view.preact_a, view.preact_b, view.w_out, view.b_in, view.b_out)


@pytest.fixture(scope="module")
def good() -> Battery:
    return battery(network_of(ideal_view(91, {4: 24, 35: 16, 11: 32, 20: 24})))


@pytest.fixture(scope="module")
def bad() -> Battery:
    return battery(network_of(random_view(31, 12)))


def test_every_cell_that_says_something_is_tested():
    own = {"3cc5a297", "a66675c2", "e6176606", "a5e66a4c", "0faef596", "e9226ff2", "65775c40"}
    assert cells(CHAPTER) == OTHERS | own | {"684c7db1", "c15ca11b"}


def test_the_source_is_a_file_or_a_network_of_another_kind():
    network = network_of(ideal_view(31, {3: 8}))
    assert told(CHAPTER, "3cc5a297", facts.source(network, None)) == (
        "**arrays**: n = 31, eight hidden neurons, read as `arrays`."
    )
    text = told(CHAPTER, "3cc5a297", facts.source(network, True))
    assert "about: the pizza that {cite:t}`zhong2023` published. It has one embedding" in text
    text = told(CHAPTER, "3cc5a297", facts.source(network, False))
    assert "about: a clock of ours, as the published weights cannot be had here. It has" in text


def test_a_refusal_is_quoted():
    assert told(CHAPTER, "a66675c2", {"refusal": "code.pt holds code"}) == "> code.pt holds code"


def test_the_verdict_warns_only_where_the_task_is_not_solved(good, bad):
    def said(found):
        return told(CHAPTER, "e6176606", facts.verdict(found))

    assert said(good).startswith("*Seen here*: it solves a + b mod 91 on all 8281 pairs, and")
    text = said(bad)
    assert text.startswith("> **This network does not solve a + b mod 31.**")
    assert "Task not decided: of " in text
    assert "Task decided by its answers: a + b mod 91 is right on 100 %" in said(good)
    assert "a guess is right on 3.2 %" in text
    assert "leads by" not in said(replace(good, accuracy=0.9995, margin=-0.5))


def test_a_view_that_is_only_near_is_said_to_be(good):
    def said(found):
        return told(CHAPTER, "e6176606", facts.additivity(found), which=2)

    assert "of the network itself" in said(good)
    near = replace(good, exact=False, preact_error=0.03, skip_error=0.646, accuracy_additive=0.9161)
    text = said(near)
    for part in ("depend on the pair", "3.0 %", "64.6 %", "91.6 %"):
        assert part in text


def test_every_cluster_has_its_coset_in_the_table(good, bad):
    rows = facts.cosets(good)
    assert rows["f"] == ["11", "4", "20", "35"]
    assert rows["coset"] == [*["approximate"] * 3, "exact, 7 answers"]
    assert (rows["step"][3], rows["period"][3]) == ("5", "2.60")
    assert "| 35 | 16 | exact, 7 answers | 5 | 2.60 |" in told(CHAPTER, "0faef596", {"rows": rows})
    assert "no cluster" in told(CHAPTER, "0faef596", {"rows": facts.cosets(bad)})


def test_shares_that_are_nearly_nothing_are_not_told_in_many_digits(good):
    faint = replace(good.clusters[0], explained=1.1e-8, share_rank_0=0.0)
    silent = replace(good.clusters[1], explained=None)
    rows = facts.cosets(replace(good, clusters=[faint, silent]))
    assert rows["explained by one cosine"] == ["less than 0.01\u00a0%", "-"]
    assert rows["right alone"][0] == "0\u00a0%"


def test_the_sum_is_told_where_there_are_clusters(good, bad):
    text = told(CHAPTER, "e9226ff2", facts.summed(good))
    assert text.startswith("*Seen here*: one cosine a cluster (4 in all) ")
    assert told(CHAPTER, "e9226ff2", facts.summed(bad)) == ""


def test_tables_that_are_sums_are_told_from_others():
    pairs = PairView.of(ideal_view(31, {3: 8}))
    k = np.arange(31)
    louder = (1 + 0.5 * np.cos(2 * np.pi * (k[:, None] - k) / 31))[..., None] * pairs.preact
    tables = {"module": pairs.additive(), "louder": replace(pairs, preact=louder).additive()}
    text = told(CHAPTER, "65775c40", {"tables": facts.nearest_sums(tables)})
    assert "Module: nothing but rounding, so it is a sum of two tables." in text
    assert "Louder: 11.1 %, so it is not a sum of two tables." in text


def test_tables_that_lack_something_are_found_out():
    logits = np.random.default_rng(0).normal(size=(5, 5, 5))
    same = told(CHAPTER, "684c7db1", facts.rebuilt(logits + 1e-7, logits))
    assert "over all 25 pairs" in same
    assert "the tables are the network" in same
    other = told(CHAPTER, "684c7db1", facts.rebuilt(logits + 0.1, logits))
    assert "the tables lack something" in other


def test_networks_stand_side_by_side(good, bad):
    columns = facts.comparison({"this network": good, "untrained": bad})
    rows = dict(zip(columns[" "], zip(*list(columns.values())[1:], strict=True), strict=True))
    assert rows["n"] == ("91", "31")
    assert rows["clusters"] == ("4", "0")
    assert rows["explained by a cosine a cluster"][1] == "-"
    assert "| n | 91 | 31 |" in told(CHAPTER, "a5e66a4c", {"rows": columns})


def test_the_calibration_is_counted_by_layout():
    table = pd.DataFrame(
        [
            ("arrays", np.nan, 200, 1, 0, 9, 9, 9, 8),
            ("zhong_transformer", 0.0, 200, 0, 0, 9, 8, 9, 9),
        ],
        columns=COLUMNS,
    )
    text = told(CHAPTER, "c15ca11b", facts.calibration(table))
    assert "| `arrays` | 200 | 1 | 0 | 9 | 9 | 9 | 8 |" in text
    assert "| `zhong_transformer`, rate 0 | 200 |" in text
    assert "1 of 400 random networks have a cluster, and 0 a task; in 17 of 18 planted" in text
    none = told(CHAPTER, "c15ca11b", facts.calibration(None))
    assert none == "> No calibration is committed yet."
