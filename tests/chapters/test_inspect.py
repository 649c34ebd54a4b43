"""``modlib.inspect``: an object that prints as the page."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import modlib
from made_up.views import ideal_view
from modlib import plots
from modlib.chapters.inspect import FIGURES, along_training, training_figure, write_training
from modlib.errors import InputError


@pytest.fixture
def told(tmp_path):
    view = ideal_view(31, {3: 16, 5: 16, 7: 16})
    tables = {name: getattr(view, name) for name in ("preact_a", "preact_b", "w_out")}
    np.savez(tmp_path / "ideal.npz", **tables)
    torch.save([{k: torch.tensor(v) for k, v in tables.items()}] * 3, tmp_path / "many.pt")
    return modlib.inspect(tmp_path / "ideal.npz")


def test_it_holds_what_the_page_tells(told, tmp_path):
    assert (told.accuracy, told.task) == (1.0, "a + b mod 31")
    assert told.clusters.freq.tolist() == [3, 5, 7]
    assert told.clusters.coset_size.tolist() == [1, 1, 1]
    assert len(told.neurons) == 48
    assert repr(told).splitlines()[1] == "solves a + b mod 31 on all 961 pairs"
    for name in FIGURES:
        assert isinstance(told.figure(name), Figure)
    with pytest.raises(InputError, match="figure must be one of"):
        told.figure("picture")
    paths = told.write_tables(tmp_path / "tables")
    assert [path.name for path in paths] == ["neurons.csv", "clusters.csv", "spectra.csv"]
    assert len((tmp_path / "tables" / "spectra.csv").read_text().splitlines()) == 49
    with pytest.raises(InputError, match="csv must be a folder"):
        told.write_tables(tmp_path / "ideal.npz")


def test_checkpoints_along_training_make_a_table(told, tmp_path):
    table = along_training(str(tmp_path / "many.pt"), 2)
    assert table["index"].tolist() == [0, 2]
    assert table.clusters.tolist() == ["3 5 7"] * 2
    with pytest.raises(InputError, match="every must be left out"):
        along_training(str(tmp_path / "ideal.npz"), 2)


def test_the_table_has_a_figure_and_both_are_written(told, tmp_path):
    view = ideal_view(31, {3: 16, 5: 16, 7: 16})
    first = {name: 0 * getattr(view, name) for name in ("preact_a", "preact_b", "w_out")}
    stacked = {n: np.stack([a, getattr(view, n)]) for n, a in first.items()}
    np.savez(tmp_path / "stacked.npz", **stacked)
    table = along_training(str(tmp_path / "stacked.npz"), 1)
    assert table.task.tolist() == ["not decided", "a + b mod 31"]
    assert table.clusters.tolist() == ["", "3 5 7"]
    fig = training_figure(table)
    drawn = plots.data(fig)
    assert drawn[drawn["axes"] == 1].y.tolist() == [3, 5, 7]
    assert drawn[drawn["axes"] == 1].x.tolist() == [1, 1, 1]
    assert drawn[drawn["axes"] == 0].y.tolist()[:2] == table.accuracy.tolist()
    paths = write_training(table, tmp_path / "along")
    assert [path.name for path in paths] == ["training.csv", "training.png"]
    assert all(path.stat().st_size for path in paths)
    with pytest.raises(InputError, match="csv must be a folder"):
        write_training(table, tmp_path / "stacked.npz")
    training_figure(table[:1])
