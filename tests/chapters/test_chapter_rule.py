"""Every chapter can be read in ten minutes, and says what was found.

What stands under a fold that is closed at first, the details of a claim among it, is not counted:
a reader opens it to look something up.
"""

from __future__ import annotations

import copy

import pytest
from chapter_rule import MOST_SENTENCE, MOST_WORDS, broken, count, longest_sentence, measure, read

from modlib.machine import NOTEBOOKS

CHAPTERS = sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
WORDS = "word " * 30


def cell(source, kind="markdown", caption=None, tags=(), outputs=(), name="fig"):
    metadata = {"tags": list(tags)}
    if caption is not None:
        metadata["mystnb"] = {"figure": {"caption": caption, "name": name}}
    return {"id": name, "cell_type": kind, "source": source, "metadata": metadata} | (
        {"outputs": list(outputs)} if kind == "code" else {}
    )


ANSWER = '''say({}, """
:::{admonition} The answer
Four of {{ n }} do.
:::
""")'''
GOOD = {
    "cells": [
        cell(f"# Title\n\n{WORDS}."),
        cell("plots.x()", "code", "B7. Found in {glue:md}`b7`."),
        cell(f":::{{dropdown}} More\n{'word ' * 3000}\n:::\n\nOpen again."),
        cell("plots.y()", "code", "A bare name.", ["hide-output"]),
        cell(ANSWER, "code"),
    ]
}


def spoiled(place, new):
    """The good chapter with another cell at this place."""
    bad = copy.deepcopy(GOOD)
    bad["cells"][place] = new
    return broken(measure(bad))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_chapter_keeps_the_rule(chapter):
    assert broken(measure(read(chapter))) == {}


def test_a_good_chapter_keeps_it_and_folds_are_not_counted():
    found = measure(GOOD)
    assert broken(found) == {}
    assert found.words < 60
    assert [figure.name for figure in found.figures] == ["fig"]


def test_a_long_chapter_breaks_it():
    many = cell("\n\n".join([WORDS + "."] * (MOST_WORDS // 30 + 1)))
    assert set(spoiled(2, many)) == {"words"}


def test_a_figure_that_comes_late_breaks_it():
    late = cell("\n\n".join([WORDS + "."] * 9))
    assert set(spoiled(0, late)) == {"first figure"}
    assert "first figure" in spoiled(1, cell("plots.x()", "code"))


@pytest.mark.parametrize("source", ["word " * 61 + ".", f"A. {'word ' * 61}\n\nB."])
def test_a_long_sentence_breaks_it(source):
    assert set(spoiled(2, cell(source))) == {"sentence"}
    assert set(spoiled(2, cell(f'say({{}}, """{source}""")', "code"))) == {"sentence"}


def test_a_list_that_a_run_makes_is_measured_once_it_has_run():
    template = 'say({}, """{{ parts | join(\'; \') }}.""")'
    assert spoiled(2, cell(template, "code")) == {}
    ran = {"data": {"text/markdown": ", ".join(["0.39 (q = 2)"] * 40)}}
    assert set(spoiled(2, cell(template, "code", outputs=[ran]))) == {"sentence"}


@pytest.mark.parametrize("caption", ["The same for the shuffled network.", "B12. The controls."])
def test_a_caption_that_names_the_plot_breaks_it(caption):
    assert set(spoiled(1, cell("plots.x()", "code", caption))) == {"captions"}


def test_an_answer_is_a_box_at_the_end_that_does_not_hedge():
    assert spoiled(4, cell("Four do.")) == {"answer": "none"}
    hedged = ANSWER.replace("do.", "do, if all is well.")
    assert spoiled(4, cell(hedged, "code")) == {"answer": "an if"}
    early = copy.deepcopy(GOOD)
    early["cells"].insert(0, early["cells"].pop())
    assert broken(measure(early)) == {"answer": "none"}


def test_branches_are_sentences_of_their_own():
    branches = "{% if a %}" + "word " * 40 + "{% else %}" + "word " * 40 + "{% endif %}"
    assert spoiled(2, cell(f'say({{}}, """{branches}""")', "code")) == {}
    assert count(longest_sentence("One. Two words! | three | in a row |")) <= MOST_SENTENCE


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_source_of_a_text_is_hidden_on_the_site_and_in_lab(chapter):
    for one in read(chapter)["cells"]:
        off_the_site = "remove-input" in one["metadata"].get("tags", [])
        off_lab = one["metadata"].get("jupyter", {}).get("source_hidden", False)
        assert off_the_site == off_lab, one["id"]
