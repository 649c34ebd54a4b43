"""Chapter 15 on networks that add, and on those that do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.battery import battery
from modlib.analysis.battery_numbers import Battery
from modlib.analysis.macro import crt
from modlib.analysis.meso.clusters import cluster_neurons, in_coset
from modlib.chapters import approximate_crt as crt_facts
from modlib.chapters import neurons as neuron_facts
from modlib.chapters import shared
from modlib.chapters import your_checkpoint as facts
from modlib.chapters.inspect import ALONG, UNDECIDED
from modlib.models.foreign.load import from_arrays
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.views.pair_view import PairView
from modlib.results.show_calibration import COLUMNS
from told import cells, told

CHAPTER = "15_your_checkpoint"
OTHERS = {"ac2c6dfd", "spectra-caption", "test-caption"}
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
    own = {"3cc5a297", "a66675c2", "e6176606", "a5e66a4c", "0faef596", "65775c40", "684c7db1"}
    captions = {f"{name}-caption" for name in ("neuron", "dft", "votes", "sieve", "sum", "scales")}
    new = {"product-caption", "product-cosets", "along-caption", "the-answer", "c15ca11b"}
    assert cells(CHAPTER) == OTHERS | own | captions | new


def test_the_source_is_a_file_or_a_network_of_another_kind():
    network = network_of(ideal_view(31, {3: 8}))
    assert told(CHAPTER, "3cc5a297", facts.source(network, None)) == (
        "**arrays**: n = 31, eight hidden neurons, read as `arrays`."
    )
    text = told(CHAPTER, "3cc5a297", facts.source(network, True))
    paper = "[Zhong et al. (2023)](../book/bibliography.md#zhong2023)"
    assert f"own: the pizza that {paper} published. It has one embedding" in text
    text = told(CHAPTER, "3cc5a297", facts.source(network, False))
    assert "which stands in for published weights that are not at hand. It has one" in text


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


def test_captions_say_what_is_found_and_where_there_is_no_cluster(good, bad):
    text = told(CHAPTER, "sum-caption", facts.summed(good))
    assert "One cosine a cluster (4 in all) explains " in text
    assert told(CHAPTER, "sum-caption", facts.summed(bad)) == "No clusters, no sum."
    view = ideal_view(31, {3: 8, 5: 8})
    clustering = cluster_neurons(view)
    text = told(CHAPTER, "dft-caption", shared.clusters_facts(clustering))
    assert text == "The DFT of every neuron of two clusters: tallest at f = 3 and 5."
    none = clustering._replace(clusters=[])
    text = told(CHAPTER, "dft-caption", shared.clusters_facts(none))
    assert text == "No cluster, so no panel: no three of 16 live neurons share a frequency."
    one = neuron_facts.neuron(clustering.table.loc[0], 31)
    text = told(CHAPTER, "neuron-caption", {"ones": [one]})
    assert text.startswith("What neuron 0 hears of a and of b, and says to each answer: a cosine")
    assert "no neuron to draw" in told(CHAPTER, "neuron-caption", {"ones": []})


def test_votes_and_scales_at_pairs_have_captions():
    view = ideal_view(31, {3: 8, 5: 8, 7: 8})
    clustering = cluster_neurons(view)
    pairs = np.array([[1, 2], [30, 4]])
    votes = crt.votes_at(view, clustering.clusters, pairs)
    text = told(CHAPTER, "votes-caption", crt_facts.votes(votes, pairs))
    assert text.endswith("6 panels, and the highest sum in 2 of 2 questions.")
    assert "no votes" in told(CHAPTER, "votes-caption", crt_facts.votes(votes[:0], pairs))
    left = np.logical_and.accumulate(in_coset(votes[:, 0]), axis=0)
    text = told(CHAPTER, "sieve-caption", crt_facts.sieve(left))
    assert text.startswith("3 approximate cosets leave, one after another, ")
    assert "none" in told(CHAPTER, "sieve-caption", crt_facts.sieve(left[:0]))
    scales = crt.at_three_scales(view, clustering, pairs[0], view)
    text = told(CHAPTER, "scales-caption", crt_facts.three_scales(scales, pairs[0]))
    assert text.startswith("1 + 2 = 3: ")
    none = told(CHAPTER, "scales-caption", crt_facts.three_scales([], pairs[0]))
    assert none == "Three scales need clusters, and this network has none."


def test_a_network_that_multiplies_is_told_by_its_logarithms(good):
    own = network_of(random_view(31, 12))
    told_of = facts.product(good, own)
    text = told(CHAPTER, "product-caption", told_of)
    assert text == (
        "The same 96 live neurons: no clusters in the inputs' own order, 4 by their logarithms "
        "modulo 91."
    )
    text = told(CHAPTER, "product-cosets", told_of)
    assert "it solves a + b mod 91 on all 8281 pairs; 100 % of its live neurons" in text
    assert "cosets can be exact, and one is: f = 35 has cosets of 7 answers." in text
    several = told_of._replace(exact=[(6, 2), (29, 29)])
    text = told(CHAPTER, "product-cosets", several)
    assert "some are: f = 6 has cosets of 2 answers, f = 29 of 29." in text
    assert "exact; here none is." in told(CHAPTER, "product-cosets", told_of._replace(exact=[]))
    assert "| 35 |" in told(CHAPTER, "product-cosets", {"rows": facts.cosets(good)}, which=1)


def test_the_course_of_a_training_is_told():
    rows = [
        (0, UNDECIDED, 0.02, 4.1, "", 0.0),
        (50, UNDECIDED, 0.6, 1.0, "6 20", 0.5),
        (100, "a b mod 59", 1.0, 0.1, "6 20", 0.9),
    ]
    table = pd.DataFrame(rows, columns=list(ALONG))
    text = told(CHAPTER, "along-caption", facts.course(table, 0.59))
    assert text == (
        "3 moments of the training. The first clusters are there at epoch 50, when 60.0 % of the "
        "pairs are right (59.0 % are trained on); from epoch 100 on the task is solved."
    )
    text = told(CHAPTER, "along-caption", facts.course(table[:1], 0.59))
    assert text.endswith("No cluster comes; the task is never solved.")


def test_the_answer_says_what_survives(good, bad):
    few = replace(good, share_simple=0.4, logits_explained=0.995)
    text = told(CHAPTER, "the-answer", facts.answer(few, good, good))
    assert "four cosines, one a cluster, explain 99.5 % of its logits' variance." in text
    assert "neurons 40.0 % are simple, where 100 % of the book's own network's are." in text
    assert "the network that multiplies has four clusters in the logarithms" in text
    beside = told(CHAPTER, "the-answer", facts.answer(few, bad, good))
    assert "of the book's own network's are, which did not learn." in beside
    text = told(CHAPTER, "the-answer", facts.answer(bad, good, good))
    assert "does not solve a + b mod 31; this one has no clusters." in text
    text = told(CHAPTER, "the-answer", facts.answer(replace(good, clusters=[]), good, good))
    assert "Not the clusters: this network solves a + b mod 91 without any" in text


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
    assert rows["votes explained by a cosine a cluster"][1] == "-"
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
