"""Templates of the chapters: strict, whatever the run."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from modlib.chapters.say import fill, templates
from modlib.chapters.words import (
    choose,
    count,
    fixed,
    listed,
    percent,
    sentence,
    signed,
    significant,
    table,
)
from modlib.errors import InputError
from modlib.machine import NOTEBOOKS


class Facts(NamedTuple):
    columns: int
    held: float


def test_a_template_reads_as_a_sentence_whatever_the_counts():
    text = """
{{ columns | count("column") | sentence }} hold {{ held | percent }}.
{% if columns > 5 %}
Many.
{% endif %}
"""
    assert fill(Facts(5, 0.9999), text) == "Five columns hold 99.99 %."
    assert fill({"columns": 0, "held": 0.0}, text) == "No columns hold 0 %."
    assert fill(Facts(12, 1.0), text) == "12 columns hold 100 %.\nMany."


def test_a_missing_fact_raises_instead_of_leaving_a_gap():
    with pytest.raises(InputError, match="held"):
        fill({"columns": 5}, "{{ held | percent }}")
    with pytest.raises(InputError):
        fill({}, "{% if learned %}yes{% endif %}")


@pytest.mark.parametrize("value", [0.5, math.nan, None, np.float32(0.5), np.nan])
def test_a_number_that_no_filter_made_readable_raises(value):
    with pytest.raises(InputError, match="filter"):
        fill({"value": value}, "{{ value }}")


@pytest.mark.parametrize("word", ["percent", "fixed(1)", "interval", "percents"])
def test_what_is_no_number_is_never_written(word):
    value = (1.0, math.nan, 2.0) if word in ("interval", "percents") else math.nan
    with pytest.raises(InputError, match="must be a number"):
        fill({"value": value}, f"{{{{ value | {word} }}}}")


def test_whole_numbers_and_words_stand_as_they_are():
    facts = {"n": np.int64(91), "seed": 7, "name": "memorised", "yes": True}
    assert fill(facts, "{{ n }} {{ seed }} {{ name }}{% if yes %}!{% endif %}") == "91 7 memorised!"


def test_intervals_and_tables():
    assert fill({"v": (4.96, 4.91, 5.01)}, "{{ v | interval }}") == "4.96 (4.91 to 5.01)"
    assert fill({"v": (0.5, 0.25, 0.75)}, "{{ v | percents(0) }}") == "50 % (25 to 75)"
    assert fill({"v": (0.9, 0.97)}, "{{ v | between }}") == "0.90 to 0.97"
    assert fill({"v": (0.9, 0.9001)}, "{{ v | between(1) }}") == "0.9"
    assert fill({"v": (0.9, 1.0)}, "{{ v | percents_between }}") == "90.0 % to 100 %"
    assert fill({"v": (0.9, 0.9)}, "{{ v | percents_between }}") == "90.0 %"
    assert table({"a": [1, 2], "b": ["x", "y"]}, "rl") == (
        "| a | b |\n| ---: | --- |\n| 1 | x |\n| 2 | y |"
    )
    assert table(pd.DataFrame({"a": []})) == "| a |\n| --- |"


def test_facts_that_have_no_names_are_refused():
    with pytest.raises(InputError, match="facts must be"):
        fill("seen", "{{ seen }}")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.5, "50.0 %"), (0.9999, "99.99 %"), (0.0004, "0.04 %")],
)
def test_percentages_keep_away_from_a_wrong_0_and_100(share, text):
    assert percent(share) == text


def test_lists_and_counts_read_as_english():
    assert [listed([1]), listed([1, 2, 3]), listed([])] == ["1", "1, 2 and 3", "none"]
    assert [count(1, "cluster"), count(0, "cluster")] == ["one cluster", "no clusters"]
    assert count(1200, "neuron") == "1,200 neurons"
    assert [choose(1, "belongs", "belong"), choose(0, "belongs", "belong")] == ["belongs", "belong"]
    assert [fixed(-0.001), fixed(1234.5, 1)] == ["0.00", "1,234.5"]
    assert [significant(0.3), significant(0.0456), signed(0.1)] == ["0.3", "0.046", "+0.10"]
    assert [signed(-0.001), signed(-0.01), signed(0.0)] == ["+0.00", "-0.01", "+0.00"]
    assert sentence("no DFT") == "No DFT"


@pytest.mark.parametrize("chapter", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_template_of_a_chapter_can_be_read(chapter):
    from modlib.chapters.say import ENVIRONMENT

    for _, template in templates(chapter):
        ENVIRONMENT.parse(template)


def test_a_template_that_cannot_be_read_is_refused_in_a_line():
    with pytest.raises(InputError, match=r"template must be a template .*, got '{{ n'") as refused:
        fill({"n": 3}, "{{ n")
    assert "\n" not in str(refused.value)
