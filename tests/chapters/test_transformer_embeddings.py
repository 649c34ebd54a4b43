"""Chapter 12 on few networks, on noise, and on tables that are not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from made_up.runs import made_up_run
from modlib.analysis.remainders import token_embeddings as te
from modlib.chapters import transformer_embeddings as facts
from modlib.config.presets import SMALL
from told import cells, told

CHAPTER = "12_transformer_embeddings"
NOISE = np.random.default_rng(0).normal(size=(23, 32))


def test_every_cell_that_says_something_is_tested():
    shared = {"b53abf84"}  # see test_remainders
    tested = {"708ca1c2", "ce06024b", "1bf2b66c", "63f9f644", "89c40798", "165493e8", "01a17f6b"}
    assert cells(CHAPTER) == shared | tested


def test_positions_are_tabled():
    rows = facts.positions({"nanda": te.Positions(-0.5, 0.1, 0.2)})
    text = told(CHAPTER, "708ca1c2", {"rows": rows, "lost": []})
    assert text.endswith("| nanda | -0.50 | 0.100 | 0.200 |")
    large = replace(SMALL, p=13, task="nanda", steps=1024)
    runs = [made_up_run(large, {13: at}) for at in (64, None)]
    lost = facts.not_adding([*runs, made_up_run(replace(SMALL, p=13, steps=1024), {})])
    assert lost == ["nanda, p = 13 (80 %)"]
    text = told(CHAPTER, "708ca1c2", {"rows": rows, "lost": lost})
    assert "nanda, p = 13 (80 %) has not learned to add" in text
    assert "here and below it shows nothing of a task that commutes." in text


def test_components_stand_against_those_of_an_untrained_network_of_the_size():
    found = te.spread(NOISE)
    text = told(CHAPTER, "ce06024b", facts.spread({"net": found}))
    assert f"| net | {found.variance[0]} |" in text
    assert "Seen here" not in text
    text = told(CHAPTER, "ce06024b", facts.spread({"net": found, "untrained, p = 23": found}))
    assert f"network: net: {found.variance[0]} against {found.variance[0]}. As many" in text


def test_vectors_and_basis_are_told_in_numbers():
    text = told(
        CHAPTER, "1bf2b66c", {"networks": facts.vectors({"net": te.leading_vectors(NOISE)})}
    )
    assert text.startswith("*Seen here*. net: ")
    assert "of a vector's power at its strongest frequency (" in text
    many = facts.VectorsFacts("net", 12, 0.5, list(range(1, 13)))
    assert "(12 different ones)." in told(CHAPTER, "1bf2b66c", {"networks": [many]})
    basis = facts.basis(te.in_fourier_basis(NOISE), 18, "net")
    text = told(CHAPTER, "63f9f644", {"bases": [basis]})
    assert "- *net*: 18 of 22 basis vectors hold" in text
    assert f"As coded {len(basis.marked)} of 12 frequencies are marked, the strongest f = " in text
    assert f"f = {basis.marked[0]}, under the name {basis.labels[0]}." in text
    raised = facts.basis(te.in_fourier_basis(NOISE + 9), 18, "net")
    text = told(CHAPTER, "63f9f644", {"bases": [raised]})
    assert "the strongest f = 0, the mean of all digits' rows, under the name sin 3." in text
    text = told(CHAPTER, "63f9f644", {"bases": [basis._replace(marked=[], labels=[])]})
    assert "As coded 0 of 12 frequencies are marked." in text


def test_periodograms_and_the_power_at_primes():
    found = facts.periodograms({"net": te.periodogram(NOISE)})
    assert "times the mean, at 0." in told(CHAPTER, "89c40798", {"found": found})
    qs, power = np.array([2, 3, 5, 7, 11, 13]), np.array([0.5, 2.0, 1, 1, 1.25, 0.75])
    few = facts.prime_power({"": (qs[:2], {"few": power[:2]})})
    text = told(CHAPTER, "165493e8", {"networks": few})
    assert text.endswith("few: 0.50 (q = 2), 2.00 (q = 3).")
    text = told(CHAPTER, "165493e8", {"networks": facts.prime_power({"": (qs, {"net": power})})})
    assert "2.00 (q = 3), 1.00 (q = 5), 1.00 (q = 7), beyond them 0.75 to 1.25." in text


def test_seeds_are_tabled_with_their_range():
    def said(tables: dict[str, pd.DataFrame], several: dict[str, pd.DataFrame]) -> str:
        both = {"rows": facts.seeds(tables), "by_seed": facts.positions_by_seed(several)}
        return told(CHAPTER, "01a17f6b", both)

    table = pd.DataFrame({name: [1.0, 3.0] for name in facts.COLUMNS})
    text = said({"B37": table, "one": table.iloc[:1]}, {})
    assert "| B37 | 2 | 2.00 (1.00 to 3.00) |" in text
    assert "| one | 1 | 1.00 |" in text
    assert "Seen here" not in text
    table = pd.DataFrame({"position_correlation": [0.95, -0.5]})
    text = said({}, {"a": table})
    assert "No tables" in text
    assert "seed by seed: a +0.95, -0.50. Where" in text
