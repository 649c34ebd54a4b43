"""What the figures of chapter 13 draw is what they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modlib import plots
from modlib.analysis.remainders.active_sets import Dominance, at_epochs
from modlib.plots import data
from modlib.plots.transformer_neurons import NO_NETWORK

QS = np.array([2, 3, 5])
DRAWN = np.random.default_rng(0)


def images_of(table: pd.DataFrame) -> list[np.ndarray]:
    """The values of each image, in the order of the axes."""
    drawn = table[table.artist == "image"]
    return [rows.value.to_numpy() for _, rows in drawn.groupby(["axes", "series"])]


def test_neurons_stand_above_their_spectra_with_frequency_zero_in_the_middle():
    images = {"miiii": DRAWN.normal(size=(3, 5, 5)), "untrained": DRAWN.normal(size=(2, 5, 5))}
    spectra = {name: np.abs(np.fft.fft2(of)) for name, of in images.items()}
    fig = plots.neuron_images(images, spectra)
    drawn = images_of(data(fig))
    assert len(drawn) == 10
    np.testing.assert_allclose(drawn[3], images["untrained"][0].ravel())
    shown = drawn[5].reshape(5, 5)
    assert shown[2, 2] == pytest.approx(spectra["miiii"][0, 0, 0])
    np.testing.assert_allclose(shown, np.fft.fftshift(spectra["miiii"][0]))
    assert fig.axes[4].get_title(loc="left") == "untrained\nneuron 1"
    corners = {name: of[:, :3, :3] for name, of in spectra.items()}
    assert len(plots.neuron_images(images, spectra, corners).axes) == 15


def test_a_single_neuron_stands_beside_its_spectrum():
    image = np.eye(5)[None]
    fig = plots.neuron_images({"neuron 7": image}, {"neuron 7": image})
    assert [ax.get_subplotspec().rowspan.start for ax in fig.axes] == [0, 0]
    assert fig.axes[0].get_title(loc="left") == "neuron 7"


def test_dominance_is_relative_to_each_frequencys_maximum():
    steps = np.array([0, 1, 256, 512])
    table = pd.DataFrame({"step": steps, "count": [9, 1, 5, 2], "variance": [0.9, 0.1, 0.2, 0.3]})
    cells = np.array([[7.0, 7], [1, 0], [2, 0], [4, 0]])
    accuracy = pd.DataFrame({"step": steps, "accuracy": [0.1, 0.2, 0.5, 1.0]})
    fig = plots.dominance({"as written": Dominance(table, cells)}, accuracy)
    table = data(fig)
    (image,) = images_of(table)
    np.testing.assert_allclose(image.reshape(2, 3), [[0.25, 0.5, 1], [0, 0, 0]])
    counts = table[(table["axes"] == 1) & (table.artist == "line") & (table.series == 0)]
    assert counts.y.tolist() == [1, 5, 2]
    assert counts.x.tolist() == [1, 256, 512]
    assert len(fig.axes[1].lines) == 2  # the count and the mark at 256


def test_dominance_without_training_says_so():
    table = pd.DataFrame({"step": [0], "count": [3], "variance": [0.1]})
    fig = plots.dominance({"as written": Dominance(table, np.ones((1, 2)))})
    assert "no step" in fig.axes[0].texts[0].get_text()


def test_counts_are_drawn_by_where_the_log_ends():
    table = pd.DataFrame({256: [3, 0], 1024: [pd.NA, 5]}, index=[256, 1024]).astype("Int64")
    drawn = data(plots.counts_if_ended(table))
    lines = drawn[drawn.artist == "line"]
    assert lines[lines.label == "log ends at 256"].y.tolist() == [3.0]
    assert lines[lines.label == "log ends at 1,024"].y.tolist() == [0.0, 5.0]
    assert "no epoch" in plots.counts_if_ended(table[:0]).axes[0].texts[0].get_text()


def test_counts_by_epoch_hold_the_papers_and_ours():
    steps = np.array([256, 1024])
    coded = pd.DataFrame({"step": steps, "count": [16, 81]})
    found = at_epochs(steps, np.array([3, 4]), coded)
    fig = plots.counts_by_epoch({"miiii": found, "short": pd.DataFrame()})
    lines = {line.get_label(): line.get_ydata().tolist() for line in fig.axes[0].lines}
    assert lines == {
        "paper": [0, 0, 10, 18, 10],
        "written": [3, 4],
        "coded": [16, 81],
        "printed": [8, 27],
    }
    assert "no epoch" in fig.axes[1].texts[0].get_text()


def test_what_tasks_explain_is_drawn_by_task_from_the_first_step_on():
    table = pd.DataFrame(
        np.arange(15).reshape(3, 5) / 100, index=[0, 1, 256], columns=[2, 3, 5, 7, 11]
    )
    fig = plots.explained_by_step({"miiii": table, "untrained": table.iloc[:1]})
    lines = {line.get_label(): line for line in fig.axes[0].lines}
    assert list(lines) == [f"q = {q}" for q in (2, 3, 5, 7, 11)]
    assert lines["q = 11"].get_ydata().tolist() == [0.09, 0.14]
    assert lines["q = 11"].get_xdata().tolist() == [1, 256]
    assert [text.get_text() for text in fig.legends[0].texts][-1] == "others"
    assert "no step" in fig.axes[1].texts[0].get_text()
    assert "no " in plots.explained_by_step({}).axes[0].texts[0].get_text()


def test_attention_is_on_one_scale_from_0_to_1():
    heads = {"miiii": np.full((4, 5, 5), 0.25), "nanda": np.full((2, 5, 5), 0.75)}
    fig = plots.attention_images(heads)
    assert len(images_of(data(fig))) >= 6
    assert fig.axes[0].images[0].get_clim() == (0, 1)
    assert fig.axes[0].get_title(loc="left") == "head 0: mean 0.25"


def test_logit_profiles_have_the_right_answer_in_the_middle():
    profile = np.array([9.0, 1, 2, 3, 4])
    fig = plots.logit_profiles({"miiii": profile}, {"miiii": np.array([1.0, 2])}, "task q = 5")
    line = fig.axes[0].lines[0]
    assert dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) == {
        -2: 3,
        -1: 4,
        0: 9,
        1: 1,
        2: 2,
    }
    assert fig.axes[1].lines[0].get_xdata().tolist() == [1, 2]


def test_shares_have_a_panel_a_question_and_empty_ones_are_left_out():
    shares = pd.Series([0.9, 0.8, 0.7], index=pd.Index(QS, name="q"))
    fig = plots.shares_by_task({"p = 37": {"miiii": shares}, "p = 113": {}}, ylabel="share")
    assert len(fig.axes) == 1
    assert fig.axes[0].lines[0].get_ydata().tolist() == [0.9, 0.8, 0.7]
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == ["2", "3", "5"]
    other = pd.Series([0.5], index=pd.Index([3], name="q"))
    fig = plots.shares_by_task({"both": {"one": other, "many": shares}}, ylabel="share")
    assert fig.axes[0].lines[0].get_xdata().tolist() == [1]


def test_line_spectra_have_a_tick_at_every_character_and_lines_at_some():
    fig = plots.line_spectra({"miiii": np.full(61, 1 / 61)}, 11, QS, [3])
    spectrum, ticks = fig.axes[0].lines[0], fig.axes[0].lines[-1]
    np.testing.assert_allclose(spectrum.get_ydata(), 1)
    assert ticks.get_xdata().tolist() == [1 / 2, 1 / 3, 1 / 5, 2 / 5]
    assert len(fig.axes[0].lines) == 3


def test_stairs_are_on_one_scale():
    assert "no network" in plots.neurons_by_task({}, QS).axes[0].texts[0].get_text()
    shares = {"miiii": np.array([[0.5, 0.1]]), "untrained": np.zeros((1, 0))}
    fig = plots.neurons_by_task(shares, QS[:1])
    assert fig.axes[0].images[0].get_clim() == (0, 0.5)
    assert "no live neuron" in fig.axes[1].texts[0].get_text()


def test_matrices_are_on_one_scale():
    one, other = np.array([[np.nan, 0.2], [0.1, np.nan]]), np.array([[0.0, -0.4], [0.1, 0.0]])
    both = {"own": one, "random": other}
    text = {"rows": "removed", "columns": "task", "label": "loss"}
    fig = plots.task_matrices(both, QS[:2], **text, symmetric=True)
    assert {ax.images[0].get_clim() for ax in fig.axes[:2]} == {(-0.4, 0.4)}
    np.testing.assert_allclose(images_of(data(fig))[1], other.ravel())
    alone = plots.task_matrices({"own": np.full((1, 1), np.nan)}, QS[:1], **text)
    assert alone.axes[0].images[0].get_clim() == (0, 1)


def test_without_a_network_a_figure_says_so():
    empty = [
        plots.neuron_images({}, {}),
        plots.dominance({}),
        plots.attention_images({}),
        plots.shares_by_task({"p = 113": {}}, ylabel="share"),
    ]
    assert {fig.axes[0].texts[0].get_text() for fig in empty} == {NO_NETWORK}
