"""What the figures of chapter 6 draw is what they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from drawn import points
from made_up.views import ideal_view
from modlib import plots
from modlib.analysis.meso.clock_pizza_circle import near_and_facing
from modlib.analysis.meso.clock_pizza_lens import KEPT
from modlib.analysis.micro.harmonics import portrait
from modlib.plots import clock_and_pizza as figures
from modlib.plots.base import ANSWER

N = 11
VIEW = ideal_view(N, {2: 8, 3: 8}, third=0.2)
PORTRAITS = [
    one._replace(preact=one.preact + 3.0, remapped=one.remapped + 3.0)
    for one in (portrait(VIEW, 1, 2), portrait(VIEW, 9, 3))
]
NONE = "no cluster of neurons"
RATES, SEEDS = (0.0, 0.5, 1.0), (1001, 1002)


def text_of(fig) -> str:
    return fig.axes[0].texts[0].get_text()


def titles(fig) -> list[str]:
    return [ax.get_title(loc="left") for ax in fig.axes]


def legend(fig) -> list[str]:
    return [text.get_text() for text in fig.legends[0].get_texts()]


def x_labels(fig) -> list[str]:
    return [ax.get_xlabel() for ax in fig.axes]


def networks(seeds=SEEDS, rates=RATES) -> pd.DataFrame:
    """A row a network; every column has values of its own."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        [(rate, seed) for rate in rates for seed in seeds], columns=["rate", "seed"]
    )
    columns = {*figures.METRICS, *figures.LENS, *(f"{name}_alone" for name in figures.FORMULAS)}
    return table.assign(**{name: rng.uniform(size=len(table)) for name in sorted(columns)})


OURS = networks()
PUBLISHED = networks(seeds=(-1,), rates=(0.0, 1.0)) * 0.9
UNTRAINED = networks(seeds=(1001, 1002, 1003), rates=(0.0, 1.0)) * 0.5


# Neurons


@pytest.mark.parametrize("remapped", [False, True])
def test_neurons_are_drawn_less_their_mean_beside_their_spectrum(remapped):
    fig = figures.pizza_neurons(PORTRAITS, remapped=remapped)
    drawn = plots.data(fig)
    for row, one in enumerate(PORTRAITS):
        signals = one.remapped if remapped else one.preact
        magnitudes = one.remapped_magnitude if remapped else one.magnitude
        marks = points(fig, 2 * row)
        for letter, signal in zip("ab", signals, strict=True):
            assert marks[letter].x.tolist() == list(range(N))
            np.testing.assert_allclose(marks[letter].y, signal - signal.mean())
        bars = drawn[(drawn["axes"] == 2 * row + 1) & (drawn.artist == "bar")]
        np.testing.assert_allclose(bars.y, np.concatenate(magnitudes[:, 1:]))
        np.testing.assert_allclose(bars.x[:5], np.arange(1, 6) - 0.2)
        np.testing.assert_allclose(bars.x[5:], np.arange(1, 6) + 0.2)
    assert legend(fig) == ["a", "b"]


def test_neurons_say_which_they_are():
    found = titles(figures.pizza_neurons(PORTRAITS))
    assert [found[0], found[2]] == ["neuron 1, f = 2", "neuron 9, f = 3"]
    fig = figures.pizza_neurons(PORTRAITS, remapped=True)
    assert titles(fig)[1::2] == ["remapped by 6", "remapped by 4"]
    assert found[1::2] == ["spectrum", "spectrum"]
    assert x_labels(fig)[-2:] == ["x, inputs are unit times x (mod n)", "frequency"]
    assert x_labels(figures.pizza_neurons(PORTRAITS))[-2:] == ["input (mod n)", "frequency"]
    assert [ax.get_ylabel() for ax in fig.axes] == ["preactivation", "|DFT|"] * 2
    assert len(figures.pizza_neurons(PORTRAITS[:1]).axes) == 2
    assert text_of(figures.pizza_neurons([])) == NONE


def test_shifts_run_both_ways_with_step_and_period_marked():
    rng = np.random.default_rng(1)
    strength = {4: rng.normal(size=N), 3: rng.normal(size=N)}
    tables = [
        pd.DataFrame({"freq": freq, "shift": np.arange(N), "strength": values})
        for freq, values in strength.items()
    ]
    shifts = pd.concat([table.sample(frac=1, random_state=0) for table in tables])
    fig = figures.shifted_strength(shifts, {3: (4, N / 3), 4: (3, 2.25)}, N)
    assert fig.axes[-1].get_xlabel() == "shift s"
    assert [ax.get_ylabel() for ax in fig.axes] == ["strength"] * 2
    assert legend(fig) == ["mean strength", "step d", "period n/f, rounded"]
    assert titles(fig) == ["f = 4: d = 3, n/f = 2.25", "f = 3: d = 4, n/f = 3.67"]
    for axes, (freq, step, near) in enumerate([(4, 3, 2), (3, 4, 4)]):
        marks = points(fig, axes)
        profile = marks["mean strength"]
        assert profile.x.tolist() == list(range(-5, 6))
        np.testing.assert_allclose(profile.y, strength[freq][np.arange(-5, 6)])
        for name, shift in (("step d", step), ("period n/f, rounded", near)):
            assert set(marks[name].x) == {shift, -shift}
            np.testing.assert_allclose(marks[name].y, strength[freq][marks[name].x.astype(int)])
    empty = figures.shifted_strength(shifts[:0], {}, N)
    assert text_of(empty) == "no neuron with a strength at a alone"


def test_a_period_beyond_half_is_marked_modulo_n():
    table = pd.DataFrame({"freq": 2, "shift": range(59), "strength": np.arange(59.0)})
    marks = points(figures.shifted_strength(table, {2: (29, 29.5)}, 59))
    near = marks["period n/f, rounded"]
    assert dict(zip(near.x, near.y, strict=True)) == {-29: 30, 29: 29}


def test_shifts_of_an_even_modulus_are_all_drawn():
    table = pd.DataFrame({"freq": 1, "shift": range(8), "strength": np.arange(8.0)})
    marks = points(figures.shifted_strength(table, {1: (1, 8.0)}, 8))
    assert sorted(marks["mean strength"].y) == list(range(8))
    assert len(marks["mean strength"].x.unique()) == 8


# Votes and right answers


def test_votes_are_in_units_of_the_highest_and_coset_members_filled():
    rng = np.random.default_rng(2)
    votes = {3: 7 * rng.uniform(size=N), 2: rng.uniform(size=N)}
    cosets = {3: [0, 4, 7], 2: [0, 1]}
    fig = figures.mean_votes(votes, cosets)
    assert titles(fig) == ["cluster at f = 3", "cluster at f = 2"]
    assert fig.axes[-1].get_xlabel() == "c - a - b (mod n)"
    drawn = plots.data(fig)
    for axes, (freq, vote) in enumerate(votes.items()):
        rows = drawn[drawn["axes"] == axes]
        line, hollow, filled = (rows[rows.series == series] for series in range(3))
        assert line.x.tolist() == list(range(-5, 6))
        np.testing.assert_allclose(line.y, (vote / vote.max())[np.arange(-5, 6)])
        assert set(filled.x % N) == set(cosets[freq])
        assert set(hollow.x % N) == set(range(N)) - set(cosets[freq])
        for part in (hollow, filled):
            np.testing.assert_allclose(part.y, (vote / vote.max())[part.x.astype(int) % N])
    assert text_of(figures.mean_votes({}, {})) == NONE


def test_right_answers_are_drawn_less_their_mean_with_no_distance_in_the_middle():
    rng = np.random.default_rng(3)
    panels = {"f = 3 alone": rng.normal(size=(N, N)) + 5, "the whole cluster": np.ones((N, N))}
    fig = figures.right_answers(panels)
    assert titles(fig)[:2] == ["A. f = 3 alone", "B. the whole cluster"]
    assert fig.axes[0].get_ylabel() == "y, with a - b = unit y"
    assert x_labels(fig) == ["x, with b = unit x"] * 2 + ["logit less its mean"] * 2
    drawn = plots.data(fig)
    for axes, table in enumerate(panels.values()):
        image = drawn[(drawn["axes"] == axes) & (drawn.artist == "image")]
        grid = image.pivot(index="y", columns="x", values="value").to_numpy()
        rows = np.arange(-(N // 2), N - N // 2)
        np.testing.assert_allclose(grid, (table - table.mean())[rows])
        (shown,) = fig.axes[axes].images
        assert shown.get_extent() == [-0.5, N - 0.5, rows[0] - 0.5, rows[-1] + 0.5]
        bound = np.abs(table - table.mean()).max() or 1.0
        np.testing.assert_allclose(shown.get_clim(), (-bound, bound))
    assert text_of(figures.right_answers({})) == NONE


def test_two_hands_are_drawn_on_the_circle_they_are_given():
    n, freq = 13, 3
    k = np.arange(n)
    angle = 2 * np.pi * freq * k / n
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    near, facing = near_and_facing(freq, n)
    fig = figures.two_hands(circle, near, facing, freq)
    assert [title[:2] for title in titles(fig)] == ["A.", "B.", "C."]
    drawn = plots.data(fig)
    for axes, pair in enumerate((near, near, facing)):
        lines = drawn[(drawn["axes"] == axes) & (drawn.artist == "line")]
        dots = lines[lines.series == 0]
        np.testing.assert_allclose(dots[["x", "y"]], circle)
        ends = [lines[lines.series == series].iloc[-1] for series in (1, 3)]
        np.testing.assert_allclose([[end.x, end.y] for end in ends], circle[[pair.a, pair.b]])
        if axes:
            last = lines[lines.series == lines.series.max()]
            middle = (circle[pair.a] + circle[pair.b]) / 2
            np.testing.assert_allclose(last[["x", "y"]].to_numpy()[0], middle, atol=1e-12)
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert texts == [f"a = {near.a}", f"b = {near.b}", "0", f"a + b\n= {near.c}"]


def test_the_green_slice_holds_the_middles_of_its_sum():
    """Of all pairs with the answer's sum, for a prime and where a factor is shared."""
    for n, freq in ((13, 3), (12, 2)):
        turn = 2 * np.pi * freq / n
        pair = near_and_facing(freq, n)[0]
        circle = np.exp(1j * turn * np.arange(n))
        fig = figures.two_hands(np.stack([circle.real, circle.imag], 1), pair, pair, freq)
        green = [w for w in fig.axes[1].patches if w.get_facecolor()[:3] == to_rgb(ANSWER)]
        assert len(green) == 2
        k = np.arange(n)
        middles = (circle + circle[(pair.c - k) % n]) / 2
        at = np.degrees(np.angle(middles[np.abs(middles) > 1e-9]))
        for angle in at:
            gaps = [(angle - (w.theta1 + w.theta2) / 2 + 180) % 360 - 180 for w in green]
            assert min(np.abs(gaps)) < 1e-6


# From pizza to clock


def assert_panel(fig, axes, column, label="trained here"):
    marks = points(fig, axes)
    assert marks[label].x.tolist() == OURS.rate.tolist()
    np.testing.assert_allclose(marks[label].y, OURS[column])
    means = [OURS[OURS.rate == rate][column].mean() for rate in RATES]
    lines = [rows.y.tolist() for rows in marks.values() if len(rows) == len(RATES)]
    assert any(line == pytest.approx(means) for line in lines)


def test_every_network_is_a_mark_and_a_line_goes_through_the_means():
    fig = figures.pizza_to_clock(OURS, PUBLISHED, UNTRAINED)
    for axes, column in enumerate(figures.METRICS):
        assert_panel(fig, axes, column)
        for name, table in (("published", PUBLISHED), ("untrained", UNTRAINED)):
            marks = points(fig, axes)[name]
            assert marks.x.tolist() == table.rate.tolist()
            np.testing.assert_allclose(marks.y, table[column])
    assert_panel(fig, 3, "clock_alone", "by the clock's formula")
    assert_panel(fig, 3, "pizza_alone", "by the pizza's formula")
    assert [title[3:] for title in titles(fig)[:3]] == list(figures.METRICS.values())
    assert x_labels(fig) == ["", ""] + ["attention rate"] * 2
    assert fig.axes[0].get_ylabel() == "value"
    assert legend(fig) == [
        *("trained here", "published", "untrained"),
        *("by the clock's formula", "by the pizza's formula"),
    ]


def test_the_lens_has_a_panel_a_measure_with_untrained_networks_as_crosses():
    fig = figures.lens_by_rate(OURS, PUBLISHED, UNTRAINED)
    assert [title[3:] for title in titles(fig)] == list(figures.LENS.values())
    for axes, column in enumerate(figures.LENS):
        assert_panel(fig, axes, column)
        np.testing.assert_allclose(points(fig, axes)["published"].y, PUBLISHED[column])
        crosses = points(fig, axes)["untrained"]
        assert crosses.x.tolist() == UNTRAINED.rate.tolist()
        np.testing.assert_allclose(crosses.y, UNTRAINED[column])
    assert x_labels(fig) == ["", ""] + ["attention rate"] * 2
    assert fig.axes[0].get_ylabel() == "share"
    assert legend(fig) == ["trained here", "published", "untrained"]


def test_rates_are_drawn_without_published_or_untrained_networks():
    for fig in (
        figures.pizza_to_clock(OURS, PUBLISHED[:0], UNTRAINED[:0]),
        figures.lens_by_rate(OURS, PUBLISHED[:0], UNTRAINED[:0]),
    ):
        assert len(points(fig)["trained here"]) == len(OURS)
    for empty in (pd.DataFrame(), OURS[:0]):
        for draw in (figures.pizza_to_clock, figures.lens_by_rate):
            assert text_of(draw(empty, empty, empty)) == figures.NO_NETWORKS
    one = OURS[:1]
    marks = points(figures.pizza_to_clock(one, PUBLISHED, UNTRAINED))
    assert marks["trained here"].x.tolist() == [0.0]


# Formulas


def test_formulas_are_points_a_cluster_and_a_panel_a_circle():
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        [(freq, kept, *rng.uniform(size=2)) for freq in (3, 2) for kept in KEPT],
        columns=["freq", "kept", "clock", "pizza"],
    )
    fig = figures.circle_formulas(table)
    assert titles(fig) == list(KEPT)
    assert x_labels(fig) == ["cluster's f"] * 3
    assert fig.axes[0].get_ylabel() == "variance explained"
    assert [text.get_text() for text in fig.axes[0].get_xticklabels()] == ["3", "2"]
    assert legend(fig) == ["by the clock's formula", "by the pizza's formula"]
    for axes, kept in enumerate(KEPT):
        marks, rows = points(fig, axes), table[table.kept == kept]
        for column, offset in (("clock", -0.08), ("pizza", 0.08)):
            found = marks[f"by the {column}'s formula"]
            np.testing.assert_allclose(found.x, np.arange(2) + offset)
            np.testing.assert_allclose(found.y, rows[column])
    assert text_of(figures.circle_formulas(table[:0])) == NONE


def test_circles_of_many_networks_are_a_dot_each_in_the_plane_of_both_formulas():
    rng = np.random.default_rng(5)
    rows = [
        (seed, freq, kept, *rng.uniform(size=2))
        for seed in range(3)
        for freq in (2, 5)
        for kept in KEPT
    ]
    table = pd.DataFrame(rows, columns=["seed", "freq", "kept", "clock", "pizza"])
    fig = figures.circles_of_many({"pizzas": table, "clocks": table[:6]})
    assert [title[3:] for title in titles(fig)] == list(KEPT[:2])
    assert x_labels(fig) == ["explained by the clock's formula"] * 2
    assert legend(fig) == ["pizzas", "clocks"]
    for axes, kept in enumerate(KEPT[:2]):
        for name, own in (("pizzas", table), ("clocks", table[:6])):
            marks = points(fig, axes)[name]
            np.testing.assert_allclose(marks.x, own[own.kept == kept].clock)
            np.testing.assert_allclose(marks.y, own[own.kept == kept].pizza)
    assert text_of(figures.circles_of_many({})) == figures.NO_NETWORKS
