"""Figures as pages need them: fitted to widths, for a dark page, with their numbers."""

import base64
import gzip
import pickle
import re
import zlib
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest

from modlib.plots import base, page, phone


def grid(rows, columns, size=(9.0, 4.0)):
    fig, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True)
    for place, ax in enumerate(axes.flat):
        ax.plot(np.arange(5), np.arange(5) + place, label=f"series {place}")
    axes[0, 0].set_ylabel("value")
    axes[-1, 0].set_xlabel("step")
    plt.close(fig)
    return fig


def packed(fig):
    return base64.b64encode(zlib.compress(pickle.dumps(fig))).decode()


def across(fig):
    return page._across(page._rows(page._panels(fig)))


@pytest.mark.parametrize(("rows", "columns"), [(1, 3), (2, 2), (3, 4), (1, 5)])
def test_a_figure_fits_a_phone_and_loses_no_panel(rows, columns):
    fig = grid(rows, columns)
    before = len(fig.axes)
    page.fit(fig, page.PHONE, 1)
    assert fig.get_figwidth() == pytest.approx(page.PHONE)
    assert across(fig) <= 2
    assert len(fig.axes) == before


def test_stacked_panels_name_their_axes():
    fig = grid(1, 3)
    page.fit(fig, page.PHONE, 1)
    assert [ax.get_ylabel() for ax in fig.axes] == ["value"] * 3


def test_a_full_grid_keeps_its_columns_together():
    fig = grid(2, 3)
    first_column = [fig.axes[0], fig.axes[3]]
    rows = page._ordered(page._rows(page._panels(fig)), 2)
    assert [row[0][0] for row in rows[:2]] == first_column
    assert rows[2][1] is None


def test_several_panels_have_letters_and_one_has_none():
    fig = grid(1, 2)
    page.name_panels(fig)
    assert [ax.get_title(loc="center") or ax.get_title(loc="left") for ax in fig.axes] == [
        "(a)",
        "(b)",
    ]
    page.name_panels(fig)
    assert "(a) (a)" not in fig.axes[0].get_title()
    alone = grid(1, 1)
    page.name_panels(alone)
    assert alone.axes[0].get_title() == ""


def test_every_rendering_is_made_and_the_numbers_come_along():
    files = page.renderings(packed(grid(1, 3)))
    drawings = {".svg", "-dark.svg", "-phone.svg", "-phone-dark.svg"}
    assert set(files) == {*drawings, ".png", ".csv"}
    assert files[".csv"].decode().splitlines()[0].startswith("axes,title,artist")
    width = float(re.search(rb'width="([\d.]+)pt"', files["-phone.svg"])[1])
    assert width == pytest.approx(page.PHONE * 72, abs=1)
    assert b"#000000" not in files["-dark.svg"]


def test_many_points_become_pixels_and_long_tables_are_packed():
    fig, ax = plt.subplots(figsize=(7, 3))
    rng = np.random.default_rng(0)
    ax.scatter(rng.random(20_000), rng.random(20_000))
    plt.close(fig)
    files = page.renderings(packed(fig))
    assert len(files[".svg"]) < page.MOST_BYTES
    assert gzip.decompress(files[".csv.gz"]).startswith(b"axes")


def test_a_figure_goes_into_the_output_of_the_built_book_alone(monkeypatch):
    @base.figure
    def drawn():
        fig, ax = plt.subplots()
        ax.plot([0, 1])
        return fig

    monkeypatch.delenv(base.FOR_BOOK, raising=False)
    assert not hasattr(drawn(), "_repr_mimebundle_")
    monkeypatch.setenv(base.FOR_BOOK, "1")
    bundle = drawn()._repr_mimebundle_()
    assert set(bundle) == {base.MIME, "image/png"}
    assert len(base.unpack(bundle[base.MIME]).axes) == 1


def test_titles_of_neighbours_keep_apart():
    fig, axes = plt.subplots(1, 3, figsize=(7, 2), layout="constrained")
    for ax in axes:
        ax.plot([0, 1])
        ax.set_title("a title of some thirty letters", loc="left")
    fig.canvas.draw()
    page.name_panels(fig)
    assert page.break_titles(fig)
    page.lay_out(fig)
    for ax, after in pairwise(axes):
        assert ax._left_title.get_window_extent().x1 < after._left_title.get_window_extent().x0
    assert not page.break_titles(fig)
    plt.close(fig)


def on_a_phone(draw):
    """A figure of one panel as a phone shows it, and its panel's share of the width."""
    fig, ax = plt.subplots(figsize=(page.COLUMN, 3), layout="constrained")
    draw(fig, ax)
    plt.close(fig)
    fig.canvas.draw()
    page.fit(fig, page.PHONE, 1)
    return fig, ax.get_position().width


def test_a_legend_beside_its_panel_goes_below_it():
    def draw(fig, ax):
        ax.plot([0, 1], label="a series with a long name")
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))

    fig, share = on_a_phone(draw)
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["a series with a long name"]
    assert not fig.axes[0].get_legend()
    assert share > 0.75


def test_a_bar_of_colour_lies_below_with_its_label():
    def draw(fig, ax):
        fig.colorbar(ax.imshow(np.eye(3)), ax=ax, label="share of\nall power")

    fig, share = on_a_phone(draw)
    bar = fig.axes[-1]
    assert bar.get_xlabel() == "share of all power"
    assert bar.get_position().y1 < fig.axes[0].get_position().y0
    assert share > 0.6


def test_long_names_of_rows_are_broken_and_all_of_them_stay():
    names = [f"the network without cluster f = {place}" for place in range(9)]

    def draw(fig, ax):
        ax.barh(range(9), 1.0)
        ax.set_yticks(range(9), names)

    fig, share = on_a_phone(draw)
    shown = [label for label in fig.axes[0].get_yticklabels() if label.get_visible()]
    assert [" ".join(label.get_text().split()) for label in shown] == names
    assert all("f =" in line or "=" not in line for line in shown[0].get_text().split("\n"))
    boxes = sorted((label.get_window_extent() for label in shown), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))
    assert share > 0.5


def test_a_label_too_long_for_a_phone_is_broken():
    def draw(fig, ax):
        ax.set_xlabel("what the sum of all votes says, less what the right answer has, over pairs")

    fig, _ = on_a_phone(draw)
    box = fig.axes[0].xaxis.label.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= fig.bbox.x1


def test_a_formula_is_never_broken():
    formula = r"$\cos(2 \pi (x_0 + x_1) / 37)$"
    for room in (4, 12, 40):
        lines = phone.broken(f"(e) {formula} = what adds, over all pairs", room).split("\n")
        assert sum(formula in line for line in lines) == 1
    # The ticks of a logarithm are formulas, and narrow.
    assert phone.letters(r"$\mathdefault{10^{-1}}$") == 4
    assert phone.broken(r"$\mathdefault{10^{-1}}$", 8) == r"$\mathdefault{10^{-1}}$"
    assert phone.broken("at p = 37 or\nelsewhere", 7) == "at\np = 37\nor\nelsewhere"
