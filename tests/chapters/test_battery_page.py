"""The battery's numbers as a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made_up.networks import network_of, network_of_pairs, odd_networks, sums_only
from made_up.views import ideal_view, random_view
from modlib.analysis.battery import battery
from modlib.chapters.battery_page import as_page, headline
from modlib.config.thresholds import DEFAULT


def test_the_verdict_stands_on_top():
    good = battery(network_of(ideal_view(31, {3: 32, 5: 32, 7: 32})))
    bad = battery(network_of(random_view(31, 12)))
    assert headline(good) == "solves a + b mod 31 on all 961 pairs"
    assert as_page(good).splitlines()[1] == headline(good)
    assert headline(bad).startswith("does NOT solve a + b mod 31: right on ")
    assert headline(bad).endswith("analysed all the same")
    assert "Task not decided" in as_page(bad)
    assert "Task decided by its answers: a + b mod 31 is right on 100 %" in as_page(good)
    assert as_page(bad).splitlines()[1] == headline(bad)
    one_wrong = replace(good, accuracy=1 - 1 / 961, solves=DEFAULT.learned_from <= 1 - 1 / 961)
    assert not one_wrong.solves
    named = replace(good.task, name="a + b mod 91", tried={"a + b mod 91": 8280 / 8281})
    nearly = replace(good, n=91, accuracy=8280 / 8281, task=named)
    assert headline(nearly) == "solves a + b mod 91 on 8280 of 8281 pairs"
    assert "accuracy              99.99 %" in as_page(nearly)


def test_the_page_aligns_its_columns():
    found = battery(network_of(ideal_view(91, {35: 8, 4: 32, 11: 24})))
    lines = as_page(found).splitlines()
    start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["f", "neurons"])
    table = lines[start : start + 4]
    assert [line.split()[0] for line in table] == ["f", "4", "11", "35"]
    ends = {
        line.index("  ", line.index("approx" if "approx" in line else "exact"))
        for line in table[1:3]
    }
    assert len(ends) == 1
    assert "exact, 7" in table[3]
    assert {len(line) for line in table} == {len(table[0])}


def test_many_frequencies_are_cut_short():
    found = battery(network_of(random_view(61, 60)))
    assert len(found.neurons_by_freq) > 12
    named = as_page(found).split("all by frequency")[1].split("output led by it")[0]
    assert named.count(":") == 12
    assert f"and {len(found.neurons_by_freq) - 12} more" in as_page(found)


def test_a_network_of_the_pair_is_told_as_the_nearest_sum_and_itself():
    found = battery(network_of_pairs(sums_only(31, 5, 24)))
    assert "NOT" not in headline(found)
    assert "that sum" in as_page(found)


@pytest.mark.parametrize("name", odd_networks())
def test_odd_networks_are_told_too(name):
    found = battery(odd_networks()[name])
    page = as_page(found)
    assert not {"nan", "None", "inf"} & set(page.replace(",", " ").replace("\n", " ").split(" "))
    assert max(map(len, page.splitlines())) <= 100
    assert found.clusters or "CLUSTERS: none" in page
