"""The live figure of chapter 7 in Python: its traits, its front end, and what a page shows."""

from __future__ import annotations

import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.lines import Line2D
from matplotlib.patches import Wedge

from made_up.addition import history_of, run_of
from made_up.views import ideal_view, random_view
from modlib.config.addition import AdditionConfig
from modlib.errors import InputError
from modlib.plots.base import cluster_color
from modlib.widgets import approximate_crt
from modlib.widgets.live import LiveFigure, as_json, as_svg, compact, module_of
from modlib.widgets.network import heard

N = 15


def made(view=None, n=N):
    config = AdditionConfig(n=n, epochs=1)
    view = ideal_view(n, {2: 8, 4: 6}) if view is None else view
    return run_of(config, history_of([1.0, 1.0], [1.0, 1.0]), view=view)


def test_traits_hold_the_network_and_its_clusters():
    run = made()
    figure = approximate_crt(run, a=3, b=4)
    assert (figure.n, figure.a, figure.b, figure.off, figure.sigma) == (N, 3, 4, [], 0.0)
    assert [one["freq"] for one in figure.clusters] == [c.freq for c in run.clustering.clusters]
    assert [one["color"] for one in figure.clusters] == [cluster_color(0), cluster_color(1)]
    e, k = figure.shape["embed_dim"], figure.shape["num_neurons"]
    assert len(figure.weights) == 4 * (2 * N * e + 2 * e * k + k + N * k + N)
    assert figure.mean_votes == b""


def test_the_front_end_is_one_module_without_imports_and_the_widget_holds_it():
    figure = approximate_crt(made())
    assert figure._esm == module_of("crests")
    assert figure._esm.count("export default {") == 1
    assert not re.search(r"^\s*import\b", figure._esm, re.MULTILINE)
    assert re.search(r"export default \{\s*render\b", figure._esm)
    assert ".modlib-live" in figure._css


def test_a_trait_that_python_sets_reaches_the_front_end_and_back():
    figure, seen = approximate_crt(made()), []
    figure.observe(lambda change: seen.append(change["new"]), "b")
    figure.b = 8
    figure.set_state({"b": 9, "off": [1]})
    assert seen == [8, 9]
    assert figure.off == [1]


def test_shown_it_offers_the_widget_and_a_page_that_works_alone():
    bundle, _ = approximate_crt(made())._repr_mimebundle_()
    html = bundle["text/html"]
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert html.count("<script>") == html.count("</script>") == 2
    assert "export default" not in html
    assert '<svg role="img" aria-label="A row of dots' in html
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", html.replace("xlink:href", ""))


def test_the_mean_votes_of_a_light_one_are_cosines_and_it_carries_no_weights():
    figure = approximate_crt(made(), light=True)
    votes = np.frombuffer(figure.mean_votes, "<f4").reshape(len(figure.clusters), N)
    assert figure.weights == b""
    for vote, cluster in zip(votes, figure.clusters, strict=True):
        wave = np.cos(2 * np.pi * cluster["freq"] * np.arange(N) / N)
        np.testing.assert_allclose(vote, vote[0] * wave, atol=1e-3 * vote[0])


def test_a_network_too_large_for_a_page_shows_its_mean_votes(monkeypatch):
    monkeypatch.setattr("modlib.widgets.network.MAX_BYTES", 100)
    assert approximate_crt(made()).weights == b""


def test_a_network_without_a_cluster_has_a_figure_too():
    figure = approximate_crt(made(random_view(N, 10)))
    assert figure.clusters == []
    assert "No cluster" in figure.html() or "no cluster" in figure.html()


def test_neurons_that_no_logit_depends_on_are_left_out():
    view = ideal_view(N, {2: 8, 4: 6})
    view.w_out[3] = 1e-9
    view.b_in[5] = -1e3
    kept = heard(view)
    assert not {3, 5} & set(kept.tolist())
    left_out = np.setdiff1d(np.arange(view.num_neurons), kept)
    assert np.abs(view.contribution(left_out)).max() <= 1e-5


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_pair_that_is_none_is_refused_in_one_line(name):
    with pytest.raises(InputError, match=f"{name} must be in 0 .. 14"):
        approximate_crt(made(), **{name: N})


def test_a_line_after_a_curve_keeps_its_letter_and_lines_after_lines_lose_it():
    fig = plt.figure(figsize=(1, 1))
    fig.add_artist(Wedge((0.5, 0.5), 0.4, 0, 90))
    fig.add_artist(Line2D([0, 0.3, 0.9], [0, 0.7, 0.2]))
    svg = as_svg(fig, "a slice and a line")
    plt.close(fig)
    assert re.search(r"C [^\"]* L [\d. ]+z", svg)
    assert re.search(r"M [\d. ]+\"", svg)


def test_json_in_a_script_ends_no_script_and_holds_bytes():
    text = as_json({"words": "</script>", "bytes": b"\x00\x01"})
    assert "<" not in text
    assert json.loads(text) == {"words": "</script>", "bytes": {"base64": "AAE="}}


def test_a_compact_script_lost_its_comments_and_nothing_else():
    assert compact("// why\n  let a = 1; // stays\n\n/** what\n * for\n */\n  a += 2;\n") == (
        "let a = 1; // stays\na += 2;"
    )


def test_every_live_figure_has_a_name_and_links_traits_that_it_has():
    for kind in LiveFigure.__subclasses__():
        if "NAME" in vars(kind):
            assert set(kind.LINKED) <= set(kind.class_trait_names(sync=True))
            assert kind.WORDS
