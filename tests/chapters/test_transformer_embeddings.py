"""Chapter 12 on few networks, on noise, and on tables that are not there."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd

from made_up.runs import made_up_run
from modlib.analysis.remainders import token_embeddings as te
from modlib.chapters import transformer_embeddings as facts
from modlib.chapters.remainders import network
from modlib.config.presets import SMALL
from told import cells, told

CHAPTER = "12_transformer_embeddings"
NOISE = np.random.default_rng(0).normal(size=(23, 32))
PART = te.Positions(-0.5, 0.1, 0.2)


def exported(correlations, accuracy=1.0):
    """Committed tables of as many seeds."""
    seeds = range(1000, 1000 + len(correlations))
    rows = {"split": "validation", "step": 9, "q": 5, "accuracy": accuracy, "seed": list(seeds)}
    table = pd.DataFrame({"seed": list(seeds), "position_correlation": correlations})
    return SimpleNamespace(history=pd.DataFrame(rows), networks=table)


def test_every_cell_that_says_something_is_tested():
    first = {"708ca1c2", "places-caption", "b7-caption", "ae83c9d0"}
    waves = {"89c40798", "periodogram-caption", "165493e8"}
    directions = {"directions", "directions-caption", "b9-caption", "b10-caption", "1bf2b66c"}
    bases = {"63f9f644", "fourier-caption", "b11-caption", "b13-caption", "coded"}
    assert cells(CHAPTER) == first | waves | directions | bases | {"answer"}


def test_networks_are_named_by_what_they_learned():
    assert facts.kind_of(replace(SMALL, task="nanda")) == "addition"
    assert facts.kind_of(SMALL.untrained()) == "untrained"


def test_the_sign_of_the_places_is_told_over_seeds():
    def said(exports, cell="708ca1c2", lost=False):
        found = facts.correlations(exports)
        return told(CHAPTER, cell, facts.places(found, {"addition": PART}, lost=lost))

    mixed = {"B37-nanda": exported([-0.9, 0.8, 0.7]), "B37": exported([-0.2, -0.1])}
    text = said(mixed | {"B113-nanda-learns": exported([0.5, -0.5])})
    assert "the seed decides whether the two places agree" in text
    assert "2 of 3 (addition, p = 37), 1 of 2 (addition, p = 113) and are opposed" in text
    assert "is the same in all" in said({"B37-nanda": exported([-0.9, -0.8])})
    assert "are not committed" in said({"B37": exported([-0.2])})
    text = said(mixed, "places-caption", lost=True)
    assert "Addition, p = 37: -0.90 to +0.80." in text
    assert "has not learned to add." in text
    assert "has not learned" not in said(mixed, "places-caption")


def test_networks_that_did_not_learn_to_add_are_left_out():
    found = facts.correlations({"B37-nanda": exported([-0.9, 0.8], accuracy=[1.0, 0.1])})
    assert found["addition, p = 37"].tolist() == [-0.9]
    assert facts.correlations({"B37-nanda": exported([0.8], accuracy=0.1)}) == {}
    assert len(facts.correlations({"B37-basis": exported([0.8], accuracy=0.1)})) == 1
    large = replace(SMALL, p=13, task="nanda", steps=1024)
    learned, not_yet = (made_up_run(large, {13: at}) for at in (64, None))
    assert facts.not_adding([learned, not_yet])
    # The level from which other seeds are shown among the networks that add.
    assert not facts.not_adding([replace(learned, history=learned.history.assign(accuracy=0.95))])
    assert facts.not_adding([replace(learned, history=learned.history.assign(accuracy=0.85))])
    assert not facts.not_adding([learned, made_up_run(replace(SMALL, p=13, steps=1024), {})])


def test_networks_and_seeds_are_tabled_under_a_fold():
    def said(tables):
        run = made_up_run(replace(SMALL, p=13, steps=1024), {})
        given = {"rows": facts.positions({"addition": PART}), "seeds": facts.seeds(tables)}
        return told(CHAPTER, "ae83c9d0", given | {"networks": [("remainders", network(run))]})

    table = pd.DataFrame({name: [1.0, 3.0] for name in facts.COLUMNS})
    text = said({"addition": table, "one": table.iloc[:1]})
    assert text.startswith(":::{dropdown} ")
    assert "- *remainders*: p = 13, seed" in text
    assert "| addition | -0.50 | 0.100 | 0.200 |" in text
    assert "| addition | 2 | 2.00 (1.00 to 3.00) |" in text
    assert "| one | 1 | 1.00 |" in text
    assert "over seeds" not in said({})


def test_peaks_are_told_in_numbers():
    qs = np.array([2, 3, 5, 7, 11, 13])
    power = np.array([0.5, 2.0, 1, 1, 1.25, 0.75])
    pair = {name: te.periodogram(NOISE) for name in ("remainders", "untrained")}
    found = facts.peaks(pair, qs, {"remainders": 4 * power, "untrained": power})
    text = told(CHAPTER, "89c40798", found)
    assert "network of remainders have 4.5 times the power of the mean frequency." in text
    assert text.endswith("The others: untrained 1.1.")
    text = told(CHAPTER, "periodogram-caption", found)
    assert text.endswith(
        "Remainders: 4.5 on average at the marks; untrained: 1.1 on average at the marks."
    )
    text = told(CHAPTER, "165493e8", found)
    assert "| network | highest point | q = 2 | q = 3 | q = 5 | q = 7 | larger q |" in text
    assert text.endswith("| 0.50 | 2.00 | 1.00 | 1.00 | 0.75 to 1.25 | :::")
    few = facts.peaks({"remainders": te.periodogram(NOISE)}, qs[:2], {"remainders": power[:2]})
    assert "larger q" not in few.rows
    assert "The others" not in told(CHAPTER, "89c40798", few)


def test_components_stand_against_those_of_an_untrained_network_of_the_size():
    found = te.spread(NOISE)
    count = found.variance[0]
    alone = facts.spread({"remainders": found})
    assert "no untrained network" in told(CHAPTER, "directions", alone)
    both = facts.spread({"remainders": found, "addition": found, "untrained": found})
    text = told(CHAPTER, "directions", both)
    assert f"takes {count} singular vectors in an untrained network; {count} in that of" in text
    assert f"in that of remainders, {count} in that of addition." in text
    assert (
        "The number of the network of remainders needs no training, and is no sign of its task."
        in text
    )
    less = both._replace(against=[("addition", 4, 11)], untaught=False)
    text = told(CHAPTER, "directions", less)
    assert text.endswith(
        "So the network of addition has fewer directions than one without training."
    )
    text = told(CHAPTER, "directions-caption", both)
    assert f"Remainders: half takes {count}, untrained {count}; addition" in text
    rows = {"rows": both.rows, "networks": facts.vectors({"net": te.leading_vectors(NOISE)})}
    text = told(CHAPTER, "1bf2b66c", rows)
    assert f"| remainders | {count} |" in text
    assert "- *net*: " in text
    many = rows | {"networks": [facts.VectorsFacts("net", 12, 0.5, list(range(1, 13)))]}
    assert "(12 different ones)." in told(CHAPTER, "1bf2b66c", many)


def test_the_basis_is_told_as_written_and_as_coded():
    def coded(*found):
        return told(CHAPTER, "coded", {"bases": list(found)})

    basis = facts.basis(te.in_fourier_basis(NOISE), 18, "net")
    text = told(CHAPTER, "63f9f644", {"bases": [basis, basis._replace(name="other")]})
    assert text.endswith("takes 18 of 22 (net), 18 of 22 (other).")
    text = told(CHAPTER, "b11-caption", {"bases": [basis]})
    assert text.endswith(f"{basis.fewest} of {basis.total} basis vectors hold 90 % of the power.")
    text = told(CHAPTER, "fourier-caption", {"bases": [basis]})
    assert "network of net in the Fourier basis: 18 of 22 basis vectors" in text
    text = coded(basis)
    assert f"- *net*: {len(basis.marked)} of 12 frequencies are marked, the strongest f = " in text
    assert f"f = {basis.marked[0]}, under the name {basis.labels[0]}." in text
    raised = facts.basis(te.in_fourier_basis(NOISE + 9), 18, "net")
    assert "f = 0, the mean of all digits' rows, under the name sin 3." in coded(raised)
    assert "*net*: 0 of 12 frequencies are marked. The" in coded(
        basis._replace(marked=[], labels=[])
    )


def peaks_of(small: dict[str, float]) -> facts.Peaks:
    flat = (np.linspace(0, 0.5, 9), np.ones(9))
    powers = {name: np.array([times]) for name, times in small.items()}
    return facts.peaks(dict.fromkeys(small, flat), np.array([2]), powers)


def test_a_control_with_as_much_power_at_the_marks_is_named():
    found = peaks_of({"remainders": 1.8, "addition": 2.2, "shuffled labels": 1.0})
    assert (found.no_less, found.beside) == (["addition"], ["shuffled labels", "addition"])
    text = told(CHAPTER, "89c40798", found)
    assert "That of addition is no smaller: waves of its own" in text
    assert "no smaller" not in told(CHAPTER, "89c40798", peaks_of({"a": 1.8, "addition": 0.7}))


def test_the_answer_holds_for_any_networks():
    def said(correlations, small, spreads, right=0.95):
        exports = {"B37-nanda": exported(correlations)}
        places = facts.places(facts.correlations(exports), {}, lost=False)
        given = {"places": places, "peaks": peaks_of(small), "right": right}
        given["learned"] = right >= 0.9
        return told(CHAPTER, "answer", given | {"directions": facts.spread(spreads)})

    found = te.spread(NOISE)
    text = said(
        [-0.9, 0.8],
        {"remainders": 4.0, "shuffled labels": 1.0},
        {"remainders": found, "untrained": found},
    )
    assert "network of remainders has 4.0 times the mean power, that of shuffled labels 1.0" in text
    assert f"variance takes {found.variance[0]}, without training {found.variance[0]}." in text
    assert "of networks that add they agree in 1 of 2, by the seed (" in text
    assert "has not learned" not in text
    text = said([0.8], {"addition": 1.5}, {"addition": found}, right=0.3)
    assert "The network of addition has not learned its task (right on 30.0 %)" in text
    assert "the seed decides" not in text
    assert "There anyway" not in text
    few = te.spread(np.outer(NOISE[:, 0], NOISE[0]))
    text = said([0.8], {"addition": 1.5}, {"addition": few, "untrained": found}, right=0.95)
    assert "Learned is the number of its directions: half of the variance takes" in text


def test_captions_of_the_papers_figures_say_what_is_found():
    text = told(CHAPTER, "b7-caption", {"parts": {"addition": PART, "untrained": PART}})
    assert text.endswith("Their correlation: addition -0.50; untrained -0.50.")
    vectors = facts.vectors(
        {"addition": te.leading_vectors(NOISE), "untrained": te.leading_vectors(NOISE)}
    )
    for cell in ("b9-caption", "b10-caption"):
        text = told(CHAPTER, cell, {"vectors": vectors})
        assert "Addition: " in text
        assert "vectors make half of the variance, " in text
        assert text.count("%") == 2
        assert text.endswith(".")
    found = te.in_fourier_basis(NOISE)
    bases = [facts.basis(found, 20, name) for name in ("shuffled labels", "untrained")]
    text = told(CHAPTER, "b13-caption", {"bases": bases})
    assert (
        "90 % of the power takes 20 of 22 vectors (shuffled labels) and 20 of 22 vectors (untr"
        in text
    )
