"""Chapter 16 on planted adders, on a network that did not learn, without waves, with two tasks."""

from __future__ import annotations

import ast
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from made_up.adders import adders_network
from modlib.analysis.remainders import adders as ad
from modlib.analysis.remainders import circuits as ci
from modlib.analysis.remainders import task_clusters as tc
from modlib.chapters import many_adders as facts
from modlib.chapters.say import fill
from modlib.config.remainders import RemaindersConfig
from modlib.errors import InputError
from modlib.machine import NOTEBOOKS
from modlib.models.transformer import initial_weights
from modlib.models.views.transformer_view import TransformerView
from modlib.tasks.remainders import RemaindersTask
from told import cells, told

CHAPTER = "16_many_adders"
ALL = np.arange(121)


def say(cell: str, found: object) -> str:
    return told(CHAPTER, cell, found)


def titles(cell: str) -> list[str]:
    """The templates of a figure's titles."""
    text = (NOTEBOOKS / f"{CHAPTER}.ipynb").read_text(encoding="utf-8")
    (code,) = ("".join(c["source"]) for c in json.loads(text)["cells"] if c["id"] == cell)
    return [
        node.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "{{" in node.value
    ]


def title(cell: str, found: object, which: int = 0) -> str:
    return fill(found, titles(cell)[which])


def of(view: TransformerView) -> SimpleNamespace:
    """All that the chapter computes of a network."""
    targets = RemaindersTask(view.config, 0).answers
    numbers = np.arange(view.config.p**2)
    parts = ad.heard(view)
    neurons = ad.neuron_waves(view, parts)
    return SimpleNamespace(
        view=view,
        parts=parts,
        neurons=neurons,
        circuits=ci.circuits(view, neurons, targets, numbers),
        rungs=ci.replacements(view, parts, neurons, targets, numbers),
    )


@pytest.fixture(scope="module")
def planted():
    return of(adders_network({3: [1], 5: [1, 2], 7: [1, 2, 3]}, size=23))


@pytest.fixture(scope="module")
def untrained():
    config = RemaindersConfig(p=11, embed_dim=16, heads=2)
    return of(TransformerView(config=config, weights=initial_weights(config, 0)))


@pytest.fixture(scope="module")
def dead():
    config = RemaindersConfig(p=5, embed_dim=8, heads=2)
    weights = {name: np.zeros_like(w) for name, w in initial_weights(config, 0).items()}
    return of(TransformerView(config=config, weights=weights))


def about(**changes: object) -> facts.Network:
    found = facts.Network(113, 1000, 65536, 65536, 6384, 29, 1024, 0.995, True, True)
    return found._replace(**changes)


def test_every_cell_that_says_something_is_tested():
    assert cells(CHAPTER) == {
        *("about-network", "about-one-neuron", "about-waves", "about-phases", "about-clusters"),
        *("about-apart", "apart-answer", "about-rungs", "about-waste", "smaller", "answer"),
        *("one-adder-caption", "rungs-caption"),
    }


def test_a_network_is_told_with_its_seed_and_whether_it_was_the_first():
    text = say("about-network", about())
    assert "**Seed 1000, p = 113**: 29 tasks, 1,024 neurons, 6,384 of 12,769" in text
    assert "65,536 steps. It is right on 99.5 %" in text
    assert "fresh seeds judge the claims" in text
    text = say("about-network", about(seed=7, first_seen=False, learned=False, steps=9))
    assert "9 of 65,536 steps" in text
    assert "first seen" not in text
    assert "did not learn its tasks" in text


def test_what_is_told_of_a_run_comes_from_it():
    rows = pd.DataFrame({"step": 5, "split": ["validation", "train"], "accuracy": [0.8, 1.0]})
    config = RemaindersConfig(p=11, embed_dim=16, heads=2)
    run = SimpleNamespace(
        config=config, seed=3, steps=5, final=rows, task=RemaindersTask(config, 3)
    )
    found = facts.network(run)
    assert (found.accuracy, found.learned, found.first_seen) == (0.8, False, False)
    assert (found.num_tasks, found.num_neurons) == (4, 64)


def test_the_task_on_show_is_asked_for_or_near_a_quarter(planted, untrained):
    assert facts.shown_task(planted.view, planted.neurons, None) == 3
    assert facts.shown_task(planted.view, planted.neurons, 7) == 7
    assert facts.shown_task(untrained.view, untrained.neurons.assign(share=0.0), None) in (2, 3)
    with pytest.raises(InputError, match="q must be a prime below p = 11, got 11"):
        facts.shown_task(planted.view, planted.neurons, 11)


def test_one_neuron_is_told_by_its_crests(planted):
    neuron = facts.loudest(planted.neurons, 5)
    found = facts.one_neuron(planted.neurons, 5, neuron)
    assert found.error < 1e-9
    assert found.share == pytest.approx(1)
    text = say("about-one-neuron", found._replace(phase_0=0.5, phase_1=0.75, total=0.25))
    assert f"neuron {neuron} hears k/q = {found.k}/5" in text
    assert "0.50 and 0.75 turns, which add up to 0.25" in text
    caption = say("one-adder-caption", found._replace(phase_out=0.25))
    assert caption.endswith("has its crest at 0.25, their sum: the simple neuron of paper A.")
    assert say("one-adder-caption", found._replace(error=0.2, phase_out=0.25)).endswith("at 0.25.")
    assert say("one-adder-caption", facts.OneNeuron(2)) == "None hears one wave of q = 2."
    assert facts.loudest(planted.neurons, 2) is None
    row = planted.neurons.assign(phase_0=0.999, phase_1=0.0)
    assert facts.one_neuron(row, 5, neuron)[4:8] == (0.0, 0.0, found.phase_out, 0.0)
    nobody = facts.one_neuron(planted.neurons, 2, None)
    assert say("about-one-neuron", nobody).endswith("no neuron hears one wave of q = 2.")


def lenses(one: SimpleNamespace) -> dict[str, object]:
    found = facts.waves(one.parts, one.neurons, 8)
    seen = [facts.lens("it", one.neurons), facts.lens("random", one.neurons, "random")]
    return found._asdict() | {"lenses": seen}


def test_waves_are_told_beside_their_controls(planted, untrained, dead):
    text = say("about-waves", lenses(planted))
    assert "| it | 100" in text
    assert "| 138 of 138 |" in text
    assert "attention is constant" in text
    assert "attention is constant" not in say("about-waves", lenses(untrained))
    text = say("about-waves", lenses(dead))
    assert "| it | no neuron varies | 0 of 0 |" in text
    assert "attention" not in text
    assert title("best-waves", lenses(planted)["lenses"][0]) == "138 of 138 neurons are of one wave"


def test_phases_are_told_where_there_are_any(planted, dead):
    found = facts.waves(planted.parts, planted.neurons, 8)
    text = say("about-phases", found._replace(phase_error=0.0204))
    assert "for 138 neurons of one wave the sum is off by at most 0.020 turns" in text
    assert "strongest at the frequency that they hear in 100 %" in text
    assert title("phases", found._replace(phase_error=0.02)) == "95 % within 0.020 turns"
    assert "looser" in say("about-phases", found._replace(loudness=1.32))
    assert "1.05 times as loud as the other." in say("about-phases", found._replace(loudness=1.05))
    none = facts.waves(dead.parts, dead.neurons, 8)
    assert "no neuron is of one wave" in say("about-phases", none)
    assert title("phases", none) == ""


def growth(one: SimpleNamespace) -> facts.Growth:
    return facts.clusters(one.neurons, one.view, tc.near_frequencies(tc.cluster_sizes(one.neurons)))


def test_clusters_are_told_with_the_law_where_there_is_one(planted, dead):
    found = growth(planted)
    assert (found.num_clusters, found.least, found.most) == (6, 0, 3)
    text = say("about-clusters", found._replace(slope=(1.2, 1.0, 1.4), near=None))
    assert (
        "0 to 3 clusters a task; their number changes by 1.20 (1.00 to 1.40) with each unit" in text
    )
    assert "columns" not in text
    near = tc.Near(0.083, 0.039, 0.035, 0.043)
    text = say("about-clusters", found._replace(near=near))
    assert "8.3 % of all pairs of clusters lie within .01 cycles" in text
    assert "columns" not in say("about-clusters", found._replace(near=near._replace(share=0.04)))
    assert title("clusters", found).startswith("6 clusters, ")
    none = growth(dead)
    assert say("about-clusters", none).startswith("*Seen here*: no clusters in two tasks, too few")
    assert title("clusters", none) == "0 clusters"


def test_neighbouring_frequencies_are_counted_against_draws():
    same = pd.DataFrame({"q": [97, 101, 103], "k": [30, 31, 32], "size": 5})
    found = tc.near_frequencies(same)
    assert found.share == 1
    assert found.at_random == pytest.approx(0.2, abs=0.02), "anywhere from .3 to .4"
    apart = pd.DataFrame({"q": [7, 7, 7], "k": [1, 2, 3], "size": 5})
    assert tc.near_frequencies(apart)[:2] == (0, 0)
    assert tc.near_frequencies(apart[:1]) is None


def test_tasks_that_fall_alone_are_told_with_their_neighbours(planted):
    found = facts.apart(planted.circuits, planted.view)
    assert (found.num_removed, found.shared, found.alone) == (3, 0.0, True)
    assert found.worst[2] == pytest.approx(0)
    text = say("about-apart", found)
    assert "The worst neighbour" not in text
    assert "overlap of two tasks is then 0.000: no neuron is among the chief voters of two." in text
    worse = found._replace(worst=(53, 79, 0.177), shared=0.05, smallest=None)
    text = say("about-apart", worse)
    assert "q = 79, which loses 17.7 points without the neurons of q = 53" in text
    assert "serves two" not in text
    assert "Taken one by one" not in text
    assert "first, 2 to 10 neurons are" in say("about-apart", found._replace(smallest=(2, 10)))
    assert "first, one neuron is" in say("about-apart", found._replace(smallest=(1, 1)))
    assert title("knock-outs", found) == "3 of three known tasks fall under 0.6"
    assert title("knock-outs", found, 1).startswith("the others keep ")
    assert not found._replace(num_broken=2).alone
    assert not found._replace(lost=0.03).alone


def test_paper_bs_question_is_answered_where_tasks_fall_alone():
    def said(alone, num_removed=3, num_broken=3, lost=0.05):
        told = {"alone": alone, "num_removed": num_removed, "num_broken": num_broken, "lost": lost}
        return say("apart-answer", told | {"broken": 0.6, "most_lost": facts.MOST_LOST})

    assert said(True).startswith("This answers paper B")
    assert said(False) == (
        "Here that cut is not clean. The others lose 5.0 points on average where they lose most: "
        "what is taken is not one task's alone."
    )
    assert said(False, num_broken=1, lost=0.001) == (
        "Here that cut is not clean. 2 of three tasks stay at 0.6 or above: neurons of one wave "
        "are not all that serves them. The others hardly notice: what is taken is one task's alone."
    )
    assert said(False, num_broken=2, lost=None).endswith("not all that serves it.")
    assert said(False, 0, 0) == ""


def test_a_task_that_was_not_known_is_not_said_to_fall(planted):
    base = planted.circuits.removed.base.copy()
    base[:] = 0.5
    removed = planted.circuits.removed._replace(base=base)
    found = facts.apart(planted.circuits._replace(removed=removed), planted.view)
    assert (found.num_removed, found.num_broken, found.smallest) == (0, 0, None)
    assert "no task that the network knows has neurons of one wave" in say("about-apart", found)
    assert title("knock-outs", found) == "no known task has neurons of one wave"


def test_without_neurons_or_neighbours_nothing_is_told_of_them(dead, planted):
    none = facts.apart(dead.circuits, dead.view)
    assert not none.alone
    assert "no task that the network knows has neurons of one wave" in say("about-apart", none)
    assert title("knock-outs", none, 1) == ""
    found = facts.apart(planted.circuits, planted.view)
    single = found._replace(shared=None, others=None, at_random=None, worst=None, lost=None)
    text = say("about-apart", single)
    assert "The others" not in text
    assert "overlap" not in text
    assert not single.alone


def test_replacements_are_told_with_what_the_direct_path_cancels(planted, dead):
    found = facts.rungs(planted.rungs, ci.waste_left(planted.view))
    text = say("about-rungs", found)
    assert "| neurons that write to their own task only | " in text
    assert title("rungs", found).startswith("one wave a digit: ")
    caption = say("rungs-caption", found._replace(whole=0.5, one_wave=0.25, own_joint=0.75))
    assert "50.0 % on average as it is, 25.0 % with one wave a digit, 75.0 % with noth" in caption
    assert found.cancelled == pytest.approx(0)  # nothing leads around the planted neurons
    assert "cancels 0 %" in say("about-waste", found._replace(cancelled=0.0))
    assert "cancels nothing of" in say("about-waste", found._replace(cancelled=None))
    text = say(
        "about-waste", found._replace(cancelled=0.986, own_joint=0.9999, whole=0.995, learned=True)
    )
    assert "it cancels 98.6 %" in text
    assert "are right on 99.99 %, the whole network on 99.5 %: what is left is modular." in text
    less = say("about-waste", found._replace(own_joint=0.5, whole=0.95, learned=True))
    assert less.endswith("are right on 50.0 %, the whole network on 95.0 %.")
    weak = say("about-waste", found._replace(own_joint=0.7, whole=0.6, learned=False))
    assert weak.endswith("are right on 70.0 %, the whole network on 60.0 %.")
    assert facts.rungs(dead.rungs, ci.waste_left(dead.view)).cancelled is None


def test_the_smaller_network_is_told_by_the_same_numbers(planted):
    run = SimpleNamespace(
        config=planted.view.config,
        view=planted.view,
        task=RemaindersTask(planted.view.config, 0),
    )
    found = facts.smaller(run, planted.neurons, planted.circuits, planted.rungs)
    assert (found.num_one, found.num_broken, found.num_tasks) == (138, 3, 4)
    text = say("smaller", found)
    assert "At p = 11 it shows less cleanly" in text
    assert "3 of 4 tasks fall under 0.6" in text


def test_the_answer_fits_the_network(planted, untrained, dead):
    seen, tasks = facts.lens("", planted.neurons), facts.apart(planted.circuits, planted.view)
    rungs = facts.rungs(planted.rungs)

    def answer(learned: bool = True, lens: facts.Lens = seen, apart: facts.Apart = tasks) -> str:
        found = facts.answer(about(learned=learned), lens, apart, rungs)
        return say("answer", found)

    assert "One for each. This transformer is 29 of paper A's networks" in answer()
    assert "in part" in answer(lens=seen._replace(median=0.5))
    assert "in part" in answer(apart=tasks._replace(num_broken=1))
    single = tasks._replace(others=None, lost=None)
    assert "the others" not in answer(apart=single)
    together = answer(lens=seen._replace(median=None), apart=tasks._replace(num_broken=0))
    assert "Not one of paper A's for each" in together
    assert "But it comes apart by task" in together
    rungs = rungs._replace(own_joint=tasks.base - 0.06)
    blind = answer(lens=seen._replace(median=None), apart=tasks._replace(num_broken=0))
    assert "in a way that this chapter does not see" in blind
    assert "does not see" not in together
    assert "Apart they" not in blind
    assert "Neither: this network did not learn" in answer(learned=False)
    for one in (untrained, dead):
        apart = facts.apart(one.circuits, one.view)
        assert "Neither" in answer(False, facts.lens("", one.neurons), apart)
    for text in (answer(), answer(learned=False)):
        assert " if " not in text
