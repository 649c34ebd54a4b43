"""Every figure of both papers has one place in the book, and it is where the registry says."""

import json
import re
from collections import Counter

import pytest

from modlib.claims.register import load_claims, load_figures, load_shown_by
from modlib.errors import InputError
from modlib.machine import NOTEBOOKS

FIGURES_OF_PAPER_A = [
    *("A1", "A2", "A3", "A4a", "A4b", "A5a", "A5b", "A6", "A7"),
    *(f"A{number}" for number in range(8, 32)),
    *("A.sec41", "A.sec54", "A.rem1"),
]
FIGURES_OF_PAPER_B = [
    *(f"B{number}" for number in range(1, 19)),
    *("BT1", "BT2", "BT3"),
    *("B.masked", "B.dropout0", "B.dft", "B.eq3-5", "B.primes"),
]
CHAPTERS = {
    *("01_training", "02_neurons", "03_embeddings", "04_clusters", "05_interventions"),
    *("06_clock_and_pizza", "07_approximate_crt", "08_frequencies", "09_scaling"),
    *("10_remainders", "11_grokking", "12_transformer_embeddings", "13_transformer_neurons"),
    *("14_ablations", "15_your_checkpoint", "16_many_adders"),
}

PAPER_FIGURE = r"fig-[ab](t?\d|-)"


def labels_in(path):
    """Names of the figures of a notebook's cells, one entry a cell that has one."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    figures = [cell["metadata"].get("mystnb", {}).get("figure", {}) for cell in cells]
    return [figure["name"] for figure in figures if "name" in figure]


def test_every_figure_and_table_of_both_papers_is_listed_once():
    assert list(load_figures()) == FIGURES_OF_PAPER_A + FIGURES_OF_PAPER_B


def test_every_figure_belongs_to_a_chapter_of_the_book():
    assert {figure.chapter for figure in load_figures().values()} <= CHAPTERS


def test_a_figure_is_pending_exactly_while_its_notebook_is():
    written = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    for figure in load_figures().values():
        assert (figure.status == "shown") == (figure.chapter in written), figure


def test_every_shown_figure_is_in_one_cell_of_its_notebook_and_in_no_other():
    """Names such as fig-a7, fig-b-masked and fig-bt1 are the papers' figures and no others."""
    found = Counter(
        (path.stem, label)
        for path in NOTEBOOKS.glob("*.ipynb")
        for label in labels_in(path)
        if re.match(PAPER_FIGURE, label)
    )
    shown = {
        (figure.chapter, figure.label)
        for figure in load_figures().values()
        if figure.status == "shown"
    }
    assert found == Counter(shown)


def test_no_two_cells_of_the_book_share_a_figure_name():
    labels = Counter(label for path in NOTEBOOKS.glob("*.ipynb") for label in labels_in(path))
    assert [label for label, count in labels.items() if count > 1] == []


def test_every_label_of_a_paper_figure_is_recognised_as_one():
    for figure in load_figures().values():
        assert re.match(PAPER_FIGURE, figure.label), figure


def test_only_the_embedding_figures_share_a_label():
    labels = Counter(figure.label for figure in load_figures().values())
    assert {label: count for label, count in labels.items() if count > 1} == {"fig-a8-a16": 9}


def entry(**changes):
    fields = {
        "id": "A1",
        "chapter": "01_training",
        "status": "shown",
        "label": "fig-a1",
        "shows": "A line.",
    } | changes
    return "[[figure]]\n" + "".join(f'{k} = "{v}"\n' for k, v in fields.items() if v is not None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (entry(label=None), "figure A1 must have the fields"),
        (entry(colour="red"), "figure A1 must have the fields"),
        (entry(shows=""), "shows of figure A1 must be a non-empty text"),
        (entry(status="soon"), "status of figure A1 must be one of pending, shown, got 'soon'"),
        (entry() * 2, "figure ids must be unique, got 'A1'"),
        (
            entry() + entry(id="A2", chapter="02_neurons"),
            "label of figure A2 must belong to one chapter, got 'fig-a1'",
        ),
    ],
)
def test_a_malformed_registry_is_refused(tmp_path, text, message):
    path = tmp_path / "figures.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_figures(path)


def test_a_row_without_a_paper_s_figure_is_shown_by_one_of_its_own_chapter():
    claims = load_claims()
    for claim, label in load_shown_by().items():
        assert label in labels_in(NOTEBOOKS / f"{claims[claim].chapter}.ipynb"), claim
