"""Each layout's tables against a forward pass written here, for all pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from modlib.errors import InputError
from modlib.models.foreign import views_of
from modlib.models.foreign.layouts import AXES, LAYOUTS, plain_names
from modlib.models.foreign.load import from_tensors
from modlib.models.foreign.network import ForeignNetwork

EMBED, NEURONS, MIDDLE, HEADS, PART = 6, 10, 9, 2, 4
WITH_EQUALS = ("nanda_transformer", "lens_transformer", "easy_transformer")


def draw(layout, n, seed=0, **changed):
    """Random float64 parameters of a layout by name; ``changed`` gives axes of other sizes."""
    tokens = n + 1 if layout in WITH_EQUALS else n
    sizes = {"n": n, "token": tokens, "out": tokens, "embed": EMBED, "neuron": NEURONS}
    sizes |= {"middle": MIDDLE, "heads": HEADS, "part": PART, "position": 3} | changed
    rng = np.random.default_rng(seed)

    def size(axis):
        return int(np.prod([sizes[f] if f.isidentifier() else int(f) for f in axis.split("*")]))

    axes = AXES[layout]
    return {name: rng.normal(size=[size(a) for a in axes[name].split()]) for name in axes}


def draw_one_hot(n, inputs, biases, first="fc1", second="fc2"):
    rng = np.random.default_rng(5)
    tensors = {f"{first}.weight": rng.normal(size=(NEURONS, inputs))}
    tensors[f"{second}.weight"] = rng.normal(size=(n, NEURONS))
    if biases:
        tensors |= {f"{first}.bias": rng.normal(size=NEURONS), f"{second}.bias": rng.normal(size=n)}
    return tensors


def pairs(n):
    return torch.arange(n).repeat_interleave(n), torch.arange(n).repeat(n)


def forward(layout, p, a, b, rate=None):
    """Logits of each pair, token by token and head by head, as each paper describes its network."""
    relu, cat = torch.relu, torch.cat
    if layout == "two_embedding_mlp":
        x = cat([p["embed_a.weight"][a], p["embed_b.weight"][b]], 1)
        hidden = relu(x @ p["hidden.weight"].T + p["hidden.bias"])
        return hidden @ p["unembed.weight"].T + p["unembed.bias"]
    if layout == "chughtai_mlp":
        return relu(cat([p["W_x"][a], p["W_y"][b]], 1) @ p["W"]) @ p["W_U"]
    if layout == "arrays":
        hidden = relu(p["preact_a"][a] + p["preact_b"][b] + p["b_in"])
        return hidden @ p["w_out"] + p["b_out"] + p["skip_a"][a] + p["skip_b"][b]
    if layout.startswith("zhong_") and layout != "zhong_transformer":
        at_a, at_b = p["embed.weight"][a], p["embed.weight"][b]
        linear = torch.nn.functional.linear
        l1 = (p["l1.weight"], p["l1.bias"])
        if layout == "zhong_delta":
            hidden = relu(linear(cat([at_a, at_b], 1), *l1))
        elif layout == "zhong_gamma":
            hidden = relu(linear(at_a, *l1) + linear(at_b, *l1))
        else:
            hidden = relu(linear(at_a + at_b, *l1))
        if layout in ("zhong_beta", "zhong_gamma"):
            hidden = relu(linear(hidden, p["l2.weight"], p["l2.bias"]))
        return hidden @ p["unembed.weight"].T
    rate = 1.0 if rate is None else rate
    p = in_the_orientation_of_lens(layout, p)
    tokens = [a, b]
    if layout in WITH_EQUALS:
        tokens.append(torch.full_like(a, len(p["embed.W_E"]) - 1))
    x = [p["embed.W_E"][t] + p["pos_embed.W_pos"][i] for i, t in enumerate(tokens)]
    middle = x[-1] + p["blocks.0.attn.b_O"]
    for h in range(HEADS):
        query, keys, values = (
            [at @ p[f"blocks.0.attn.W_{w}"][h] + p[f"blocks.0.attn.b_{w}"][h] for at in x]
            for w in "QKV"
        )
        scores = torch.stack([(query[-1] * key).sum(1) / PART**0.5 for key in keys], 1)
        weights = rate * torch.softmax(scores, 1) + (1 - rate)
        head = sum(weights[:, [i]] * value for i, value in enumerate(values))
        middle = middle + head @ p["blocks.0.attn.W_O"][h]
    hidden = relu(middle @ p["blocks.0.mlp.W_in"] + p["blocks.0.mlp.b_in"])
    last = middle + hidden @ p["blocks.0.mlp.W_out"] + p["blocks.0.mlp.b_out"]
    return (last @ p["unembed.W_U"] + p["unembed.b_U"])[:, : len(a.unique())]


def in_the_orientation_of_lens(layout, p):
    """TransformerLens of today: inputs of a weight first; what was older had them last."""
    if layout == "lens_transformer":
        return p
    out = p["blocks.0.attn.W_O"]
    if layout == "easy_transformer":
        turned = {k: p[k].T for k in ("pos_embed.W_pos", "unembed.W_U")}
        turned["blocks.0.attn.W_O"] = out.transpose(1, 2)
    else:
        turned = {"blocks.0.attn.W_O": out.T.reshape(HEADS, PART, EMBED)}
    turned |= {k: p[k].T for k in ("embed.W_E", "blocks.0.mlp.W_in", "blocks.0.mlp.W_out")}
    turned |= {f"blocks.0.attn.W_{w}": p[f"blocks.0.attn.W_{w}"].transpose(1, 2) for w in "QKV"}
    return p | turned


def as_torch(tensors):
    return {name: torch.tensor(array) for name, array in tensors.items()}


CASES = [(layout, None) for layout in AXES if layout != "zhong_transformer"]
CASES += [("zhong_transformer", rate) for rate in (0.0, 0.4, 1.0)]
SUMS = {"two_embedding_mlp", "chughtai_mlp", "zhong_alpha", "zhong_delta", "arrays"}


@pytest.mark.parametrize("n", [7, 12])
@pytest.mark.parametrize(("layout", "rate"), CASES)
def test_the_tables_give_the_logits_of_every_pair(layout, rate, n):
    tensors = draw(layout, n)
    network = from_tensors(tensors, layout=layout, attention_rate=rate, activation="relu")
    a, b = pairs(n)
    logits = forward(layout, as_torch(tensors), a, b, rate).numpy().reshape(n, n, n)
    assert (network.n, network.layout, network.attention_rate) == (n, layout, rate)
    np.testing.assert_allclose(network.pairs.logits(), logits, atol=1e-10)
    assert network.exact == (layout in SUMS or rate == 0.0)
    if network.exact:
        np.testing.assert_allclose(network.view.logits(), logits, atol=1e-10)
        assert max(network.preact_error, network.skip_error) < 1e-20
    else:
        assert np.abs(network.view.logits() - logits).max() > 0.1
        assert 0 < network.preact_error < 1
        assert "no sums of a part of a and a part of b" in network.notes[-1]


@pytest.mark.parametrize(("layout", "rate"), [case for case in CASES if case[0] != "arrays"])
def test_a_network_responds_to_embeddings_with_a_gradient(layout, rate):
    n = 8
    tensors = draw(layout, n)
    network = from_tensors(tensors, layout=layout, attention_rate=rate, activation="relu")
    a, b = pairs(n)
    at_a = torch.tensor(network.embedding)[a].requires_grad_()
    at_b = torch.tensor(network.embedding_b)[b].requires_grad_()
    answered = network.respond(at_a, at_b)
    expected = forward(layout, as_torch(tensors), a, b, rate)
    torch.testing.assert_close(answered.detach(), expected, atol=1e-10, rtol=0)
    for gradient in torch.autograd.grad(answered[:, 0].sum(), (at_a, at_b)):
        assert gradient.shape == (n * n, EMBED)
        assert (gradient != 0).any()


@pytest.mark.parametrize(("sides", "told"), [(1, False), (2, False), (2, True)])
@pytest.mark.parametrize("biases", [False, True])
def test_one_hot_inputs_are_added_or_stand_side_by_side(sides, biases, told):
    n = 9
    names = ("inner", "outer") if told else ("net.layers.0", "net.layers.2")
    tensors = draw_one_hot(n, sides * n, biases, *names)
    p = as_torch(tensors)
    network = from_tensors(tensors, layout="one_hot_mlp" if told else None, activation=None)
    a, b = pairs(n)
    hot = torch.eye(n, dtype=torch.float64)
    x = hot[a] + hot[b] if sides == 1 else torch.cat([hot[a], hot[b]], 1)
    hidden = torch.relu(x @ p[f"{names[0]}.weight"].T + p.get(f"{names[0]}.bias", 0))
    logits = hidden @ p[f"{names[1]}.weight"].T + p.get(f"{names[1]}.bias", 0)
    np.testing.assert_allclose(network.view.logits().reshape(-1, n), logits, atol=1e-10)
    assert network.exact
    assert network.embedding is network.respond is None
    assert "the activation" in network.notes[0]


@pytest.mark.parametrize(
    "names",
    [("fc1", "fc2"), ("layers.0", "layers.2"), ("0", "2"), ("module.l1", "module.l2")],
)
def test_usual_names_of_one_hot_networks_are_known(names):
    assert from_tensors(draw_one_hot(5, 10, True, *names)).layout == "one_hot_mlp"


def test_one_hot_weights_without_a_suffix_are_known():
    w_in, w_out = draw_one_hot(5, 10, False).values()
    plain = {"W_in": w_in, "W_out": w_out, "b_in": np.ones(NEURONS)}
    network = from_tensors(plain)
    np.testing.assert_array_equal(network.view.b_in, 1.0)
    np.testing.assert_array_equal(network.view.b_out, 0.0)


@pytest.mark.parametrize("num_neurons", [7, 20])
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_layers_of_any_name_the_order_that_answers_right_is_taken(
    num_neurons, biases, turned
):
    n = 7
    k, phases = np.arange(n), n * np.arange(num_neurons)[:, None] / num_neurons
    heard = np.cos(2 * np.pi * (k - phases) / n)
    tensors = {"z.weight": heard, "a.weight": np.cos(2 * np.pi * (k - 2 * phases) / n).T}
    if biases:
        tensors |= {"z.bias": np.zeros(num_neurons), "a.bias": np.zeros(n)}
    if turned:
        tensors = dict(reversed(tensors.items()))
    network = from_tensors(tensors, layout="one_hot_mlp")
    assert (network.n, network.view.evaluate().accuracy) == (n, 1.0)
    np.testing.assert_array_equal(network.view.preact_a, heard.T)
    assert "which layer is the first" in network.notes[0]
    assert "z.weight first" in network.notes[0].split(";")[-1]


@pytest.mark.parametrize(
    "shapes",
    [
        {"a": (5, 5), "a.weight": (), "b": (5, 5), "b.weight": ()},
        {"b_in": (5, 5), "b_out": (5, 5)},
        {"a.bias": (5, 5), "b.bias": (5, 5)},
        {f"layer{i}": (5, 5) for i in range(200)},
    ],
)
@pytest.mark.parametrize("member", [None, 0])
def test_what_are_no_two_layers_is_refused(shapes, member):
    tensors = {name: np.ones(shape) for name, shape in shapes.items()}
    with pytest.raises(InputError, match="tensors must have the names of layout one_hot_mlp"):
        from_tensors(tensors, layout="one_hot_mlp", member=member)


def test_parts_of_names_are_left_out_as_far_as_all_share_them():
    for names, plain in {
        ("a.b.w", "a.b.v"): ["w", "v"],
        ("a.b", "a.b.c"): ["b", "b.c"],
        ("a.w", "ab.w"): ["a.w", "ab.w"],
        ("a.", "a.."): ["", "."],
        ("a." * 10**5 + "w",): ["w"],
    }.items():
        assert list(plain_names(dict.fromkeys(names, np.ones(1)))) == plain


@pytest.mark.parametrize("prefix", ["", "model.", "module.", "_orig_mod.module.", "model/"])
@pytest.mark.parametrize("layout", AXES)
def test_layouts_are_recognised_whatever_stands_in_front(layout, prefix):
    tensors = {prefix + name: array for name, array in draw(layout, 7).items()}
    shared = "zhong_beta" if layout == "zhong_gamma" else layout
    assert from_tensors(tensors).layout in (shared, layout)
    network = from_tensors(tensors)
    assert network.layout in (layout, shared, "zhong_gamma")
    assert isinstance(network, ForeignNetwork)


def test_every_layout_is_tested_here():
    assert {layout for layout, _ in CASES} | {"one_hot_mlp"} == set(LAYOUTS)


def test_the_mask_of_attention_is_no_parameter():
    tensors = draw("nanda_transformer", 7)
    norm = np.sqrt(sum((array**2).sum() for array in tensors.values()))
    masked = tensors | {"blocks.0.attn.mask": np.tril(np.ones((3, 3), dtype=int))}
    assert from_tensors(masked).norm == pytest.approx(norm, rel=1e-12)


def test_the_logit_of_the_equals_sign_is_left_out_and_noted():
    network = from_tensors(draw("nanda_transformer", 7))
    assert network.pairs.logits().shape == (7, 7, 7)
    assert network.embedding.shape == (7, EMBED)
    assert "Of 8 logits the first 7 are answers." in network.notes


def solving(n):
    """Parameters of beta that add modulo n.

    Neuron k of the first layer is relu(s - k + 1) of the sum s = a + b; second differences of
    these make neuron k of the second layer 1 at s = k and 0 elsewhere.
    """
    sums = np.arange(2 * n - 1)
    width = len(sums) + 2
    bump = sum(size * np.eye(len(sums), width, offset) for offset, size in enumerate((1, -2, 1)))
    return {
        "embed.weight": np.arange(n)[:, None].astype(float),
        "l1.weight": np.ones((width, 1)),
        "l1.bias": 1.0 - np.arange(width),
        "l2.weight": bump,
        "l2.bias": np.zeros(len(sums)),
        "unembed.weight": (np.arange(n)[:, None] == sums % n).astype(float),
    }


def test_of_two_layers_with_the_same_arrays_the_one_that_answers_right_is_taken():
    beta = solving(7)
    network = from_tensors(beta)
    assert (network.layout, network.pairs.evaluate().accuracy) == ("zhong_beta", 1.0)
    gamma = beta | {"l1.bias": beta["l1.bias"] / 2}
    other = from_tensors(gamma)
    assert (other.layout, other.pairs.evaluate().accuracy) == ("zhong_gamma", 1.0)
    assert "zhong_gamma answers 100.00% of the pairs" in other.notes[0]
    assert from_tensors(gamma, layout="zhong_beta").pairs.evaluate().accuracy < 1
    assert "second" in other.notes[1]


def test_without_a_task_beyond_chance_nothing_is_decided():
    network = from_tensors(draw("zhong_transformer", 7))
    assert "The file does not say the attention rate and the activation" in network.notes[0]
    assert "not decided: give --attention-rate or --activation" in network.notes[0]
    assert network.attention_rate == 0.0


@pytest.mark.parametrize(
    ("layout", "name", "axes", "other"),
    [
        ("two_embedding_mlp", "hidden.weight", (NEURONS, 2 * EMBED + 1), "embed_b.weight"),
        ("two_embedding_mlp", "unembed.weight", (8, NEURONS), "embed_a.weight"),
        ("chughtai_mlp", "W", (2 * EMBED, NEURONS + 1), "W_U"),
        ("zhong_transformer", "unembed.W_U", (EMBED, 6), "embed.W_E"),
        ("zhong_transformer", "blocks.0.attn.W_O", (EMBED, 5), "blocks.0.attn.W_K"),
        ("nanda_transformer", "blocks.0.mlp.b_in", (NEURONS - 1,), "blocks.0.mlp.W_in"),
        ("zhong_alpha", "l1.weight", (NEURONS, EMBED + 1), "embed.weight"),
        ("zhong_beta", "l2.bias", (NEURONS + 2,), "unembed.weight"),
        ("arrays", "skip_a", (7, 6), "preact_a"),
    ],
)
def test_shapes_that_do_not_fit_are_named(layout, name, axes, other):
    tensors = draw(layout, 7) | {name: np.ones(axes)}
    with pytest.raises(InputError) as refused:
        from_tensors(tensors)
    message = str(refused.value)
    named = [n for n in tensors if n in message and str(tensors[n].shape) in message]
    assert {name, other} & set(named)
    assert len(set(named)) >= 2
    assert "\n" not in message


def test_a_tensor_with_too_few_or_empty_axes_is_refused():
    tensors = draw("chughtai_mlp", 7)
    with pytest.raises(InputError, match=r"W_U must have axes \(neuron, n\), none empty, got"):
        from_tensors(tensors | {"W_U": np.ones(7)})
    with pytest.raises(InputError, match="none empty"):
        from_tensors(draw("chughtai_mlp", 7, neuron=0))


@pytest.mark.parametrize("n", [1, 2, 5000])
def test_the_modulus_must_be_sensible(n):
    tensors = draw("chughtai_mlp", n, neuron=1, embed=1)
    with pytest.raises(InputError, match="n must be an integer at least 3 and at most 4096"):
        from_tensors(tensors)


def test_tables_of_pairs_that_would_not_fit_in_memory_are_refused(monkeypatch):
    monkeypatch.setattr(views_of, "MAX_TABLE", 100)
    for layout in ("zhong_transformer", "nanda_transformer", "zhong_beta"):
        with pytest.raises(InputError, match="n must be small enough for tables"):
            from_tensors(draw(layout, 7))
    assert from_tensors(draw("chughtai_mlp", 7)).exact


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (np.full(NEURONS, np.nan), "hold finite numbers only"),
        (np.full(NEURONS, -np.inf), "hold finite numbers only"),
        (np.full(NEURONS, -2e15), r"hold numbers of at most 1e\+15, got '2e\+15'"),
        (np.full(NEURONS, np.longdouble("1e300") ** 2), "hold numbers of at most|hold finite"),
        (np.ones(NEURONS, dtype=int), "hold floating-point numbers, got 'int64'"),
        (np.ones(NEURONS, dtype=complex), "hold floating-point numbers, got 'complex128'"),
        (np.ones(NEURONS, dtype=bool), "hold floating-point numbers, got 'bool'"),
    ],
)
def test_weights_that_are_no_finite_floats_are_named(value, rule):
    tensors = draw("two_embedding_mlp", 7) | {"hidden.bias": value}
    with pytest.raises(InputError, match=rule) as refused:
        from_tensors(tensors)
    assert refused.value.args[0] == "hidden.bias"


def test_an_unknown_network_is_refused_with_its_names_and_the_layouts():
    tensors = draw("zhong_transformer", 7) | {"blocks.1.mlp.b_in": np.ones(3)}
    with pytest.raises(InputError) as refused:
        from_tensors(tensors)
    message = str(refused.value)
    assert all(layout in message for layout in LAYOUTS)
    assert "blocks.1.mlp.b_in (3,)" in message
    with pytest.raises(InputError, match="and 5 more"):
        from_tensors({f"w{i}": np.ones(i) for i in range(35)})
    with pytest.raises(InputError, match="have the names of layout chughtai_mlp"):
        from_tensors(tensors, layout="chughtai_mlp")
    with pytest.raises(InputError, match="tensors must"):
        from_tensors({})


def test_a_wrong_layout_or_rate_is_refused():
    tensors = draw("zhong_transformer", 7)
    with pytest.raises(InputError, match="layout must be one of"):
        from_tensors(tensors, layout="transformer")
    with pytest.raises(InputError, match="attention_rate must be a finite number at least 0"):
        from_tensors(tensors, attention_rate=1.5)
    with pytest.raises(InputError, match="attention_rate must be left out for layout chughtai_mlp"):
        from_tensors(draw("chughtai_mlp", 7), attention_rate=0.5)
