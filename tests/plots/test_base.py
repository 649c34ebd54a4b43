import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from modlib import plots
from modlib.plots.base import empty_figure, empty_panel

FIGURES = sorted(name for name in plots.__all__ if hasattr(getattr(plots, name), "__wrapped__"))

TESTS = Path(__file__).parents[1]


def test_there_are_figures_to_test():
    assert {"spectra_heatmap", "three_scales"} <= set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_function_has_a_test_of_its_data(name):
    texts = [path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")]
    called, read = re.compile(rf"\w\.{name}\("), re.compile(r"\bdata\(")
    assert any(called.search(text) and read.search(text) for text in texts)


def test_the_arrays_behind_every_kind_of_artist_come_back():
    @plots.figure
    def drawn():
        fig, ax = plt.subplots()
        ax.plot([0, 1], [2, 3], label="a line")
        ax.scatter([4], [5], label="a point")
        ax.bar([6], [7])
        ax.imshow(np.arange(6).reshape(2, 3))
        ax.set_title("panel")
        return fig

    table = plots.data(drawn())
    line = table[table.artist == "line"]
    assert line[["x", "y"]].to_numpy().tolist() == [[0, 2], [1, 3]]
    assert (line.label == "a line").all()
    assert table[table.artist == "points"][["x", "y"]].to_numpy().tolist() == [[4, 5]]
    assert table[table.artist == "bar"][["x", "y"]].to_numpy().tolist() == [[6, 7]]
    assert table[table.artist == "image"].value.tolist() == list(range(6))
    assert (table.title == "panel").all()


def test_an_empty_figure_is_closed_and_an_empty_panel_takes_no_room():
    before = plt.get_fignums()
    assert "no cluster" in empty_figure("no cluster").axes[0].texts[0].get_text()
    assert plt.get_fignums() == before

    @plots.figure
    def two(words):
        fig, axes = plt.subplots(1, 2, figsize=(7, 2))
        empty_panel(axes[0], words)
        return fig

    (short,), (long,) = (
        [ax.get_position().width for ax in two(words).axes[1:]] for words in ("no", "no " * 60)
    )
    assert long == pytest.approx(short)


def test_a_figure_without_data_gives_an_empty_table():
    @plots.figure
    def blank():
        return plt.figure()

    assert plots.data(blank()).empty
