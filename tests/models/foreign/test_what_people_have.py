"""Small files as people save them: what each holds is known, and must be what is read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from modlib.analysis.battery import battery
from modlib.errors import InputError, StoreError
from modlib.models.foreign.layouts import AXES
from modlib.models.foreign.load import from_tensors, load_checkpoint
from modlib.models.foreign.planted import planted_tensors, turned

N, FREQS = 31, [3, 7, 11, 14]
MLP = planted_tensors("two_embedding_mlp", N, FREQS)
NANDA = planted_tensors("nanda_transformer", N, FREQS)
LENS = planted_tensors("lens_transformer", N, FREQS)


def as_torch(tensors):
    return {name: torch.tensor(np.ascontiguousarray(array)) for name, array in tensors.items()}


def saved(tmp_path, content):
    torch.save(content, tmp_path / "file.pt")
    return tmp_path / "file.pt"


def right(network, n=N):
    found = battery(network)
    assert (found.n, found.accuracy, found.solves) == (n, 1.0, True)
    assert sorted(c.freq for c in found.clusters) == FREQS
    return found


# --- Wrong n


def two_vocabularies(equals):
    first = planted_tensors("nanda_transformer" if equals else "zhong_transformer", N, FREQS)
    embedding = first["embed.W_E"]
    numbers = embedding[:, :N]
    rows = [numbers, numbers, embedding[:, N:]]
    return first | {"embed.W_E": np.concatenate(rows, axis=1)}


@pytest.mark.parametrize("equals", [False, True])
@pytest.mark.parametrize("answers", ["n", "2n", "all"])
def test_tokens_of_their_own_for_a_and_b_are_told(equals, answers):
    tensors = two_vocabularies(equals)
    tokens = tensors["embed.W_E"].shape[1]
    count = {"n": N, "2n": 2 * N, "all": tokens}[answers]
    unembed = np.zeros((len(tensors["unembed.W_U"]), count))
    unembed[:, :N] = tensors["unembed.W_U"][:, :N]
    network = from_tensors(tensors | {"unembed.W_U": unembed})
    right(network)
    if answers == "2n":
        assert "n = 31 with tokens of its own for b" in network.notes[0]
        assert "whether both inputs share their tokens" in network.notes[0]


def test_where_no_vocabulary_fits_nothing_is_decided():
    tensors = two_vocabularies(False)
    generator = np.random.default_rng(0)
    noise = {name: generator.normal(size=array.shape) for name, array in tensors.items()}
    noise["unembed.W_U"] = generator.normal(size=(len(noise["unembed.W_U"]), 2 * N))
    assert "not decided" in from_tensors(noise).notes[0]


# --- Activations


@pytest.mark.parametrize("activation", ["relu", "gelu", "gelu_new", "square"])
def test_an_activation_that_is_given_is_used(activation):
    network = from_tensors(NANDA, activation=activation)
    x = torch.linspace(-3, 3, 50, dtype=torch.float64)
    gelu = torch.nn.functional.gelu
    expected = {
        "relu": torch.relu,
        "gelu": gelu,
        "gelu_new": lambda t: gelu(t, approximate="tanh"),
        "square": torch.square,
    }[activation](x)
    from modlib.models.views.activations import activated

    np.testing.assert_allclose(activated(activation, x.numpy().copy()), expected, atol=1e-12)
    assert network.whole.activation == activation
    right(network)
    assert not any("does not say" in note for note in network.notes)


def test_of_activations_that_all_solve_the_task_the_usual_one_is_taken_with_a_word():
    network = from_tensors(NANDA)
    assert network.whole.activation == "relu"
    assert "do not tell the activations apart" in network.notes[0]


SIDES = {"square": ((-40.0,), (1.0,)), "gelu": ((-0.8, 20.0), (1.0, -1.0))}
"""Biases, and signs of votes, of copies of planted neurons of which only one activation makes sums.

Far below zero only a square bends. At -.8 GeLU bends, and there copies above, which it leaves
straight, take away what a square would say.
"""


@pytest.mark.parametrize("layout", ["nanda_transformer", "lens_transformer", "one_hot_mlp"])
@pytest.mark.parametrize("activation", SIDES)
def test_the_activation_without_which_nothing_is_solved_is_found_and_by_how_much(
    layout, activation
):
    biases, signs = SIDES[activation]
    if layout == "one_hot_mlp":
        tables = planted_tensors("arrays", N, FREQS, gain=0.1)
        heard, said = tables["preact_a"], tables["w_out"]
        tensors = {
            "fc1.weight": np.concatenate([heard.T] * len(biases)),
            "fc1.bias": np.repeat(biases, heard.shape[1]),
            "fc2.weight": np.concatenate([sign * said.T for sign in signs], axis=1),
        }
    else:
        tensors = planted_tensors(layout, N, FREQS, gain=0.1)
        into, out = (AXES[layout][f"blocks.0.mlp.W_{w}"].split() for w in ("in", "out"))
        w_in, w_out = tensors["blocks.0.mlp.W_in"], tensors["blocks.0.mlp.W_out"]
        axis_in, axis_out = into.index("neuron"), out.index("neuron")
        tensors |= {
            "blocks.0.mlp.W_in": np.concatenate([w_in] * len(biases), axis=axis_in),
            "blocks.0.mlp.b_in": np.repeat(biases, w_in.shape[axis_in]),
            "blocks.0.mlp.W_out": np.concatenate([s * w_out for s in signs], axis=axis_out),
        }
    network = from_tensors(tensors)
    assert network.whole.activation == activation
    assert network.whole.evaluate().accuracy == 1.0
    note = network.notes[0]
    assert note.startswith(f"The file does not say the activation: {activation} answers 100.00% of")
    assert f"{activation} is taken." in note
    assert "relu answers" in note
    relu = float(note.split("relu answers ")[1].split("%")[0])
    assert relu < 50


def test_of_a_large_modulus_the_first_reading_that_solves_is_taken():
    network = from_tensors(planted_tensors("nanda_transformer", 131, [3, 20, 41, 60]))
    (note,) = network.notes[:1]
    assert note.startswith("The file does not say the activation: relu answers 100.00% of the")
    assert "3 more were not tried; relu is taken." in note


# --- Layouts


def biased(tensors):
    return tensors | {
        **{
            f"blocks.0.attn.b_{w}": np.zeros(tensors["blocks.0.attn.W_Q"].shape[::2]) for w in "QKV"
        },
        "blocks.0.attn.b_O": np.zeros(tensors["embed.W_E"].shape[1]),
        "unembed.b_U": np.zeros(tensors["unembed.W_U"].shape[1]),
        "blocks.0.attn.mask": np.tril(np.ones((3, 3), dtype=bool)),
        "blocks.0.attn.IGNORE": np.array(-np.inf),
    }


@pytest.mark.parametrize("width", [N, N + 1])
@pytest.mark.parametrize("biases", [False, True])
def test_state_dicts_of_transformer_lens(tmp_path, width, biases):
    tensors = LENS | {"unembed.W_U": LENS["unembed.W_U"][:, :width]}
    tensors = biased(tensors) if biases else tensors
    network = load_checkpoint(saved(tmp_path, as_torch(tensors)))
    assert network.layout == "lens_transformer"
    right(network)


def test_biases_of_transformer_lens_count():
    tensors = biased(LENS)
    loud = np.zeros_like(tensors["unembed.b_U"])
    loud[5] = 1e3
    found = battery(from_tensors(tensors | {"unembed.b_U": loud}))
    assert not found.solves


def test_state_dicts_of_its_first_year():
    tensors = planted_tensors("easy_transformer", N, FREQS)
    assert from_tensors(tensors).layout == "easy_transformer"
    right(from_tensors(tensors))


def test_an_unembedding_of_n_beside_an_embedding_of_n_and_one():
    right(from_tensors(NANDA | {"unembed.W_U": NANDA["unembed.W_U"][:, :N]}))


def test_an_array_that_no_layout_uses_is_left_out_with_a_note():
    network = from_tensors(MLP | {"num_batches": np.zeros(3), "frequencies": np.ones((2, 2))})
    right(network)
    assert network.notes == ("Left out, as no layout uses it: num_batches, frequencies.",)
    with pytest.raises(InputError, match=r"third\.weight is left over"):
        from_tensors(MLP | {"third.weight": np.ones((2, 2))})


@pytest.mark.parametrize("front", ["net.", "params/", "params/model/"])
def test_names_under_a_prefix_beside_a_metric(tmp_path, front):
    named = {front + name: array for name, array in MLP.items()}
    network = load_checkpoint(saved(tmp_path, as_torch(named | {"test_loss": np.ones(4)})))
    right(network)
    assert any("test_loss" in note for note in network.notes)
    np.savez(tmp_path / "file.npz", **named, accuracy=np.ones(3))
    right(load_checkpoint(tmp_path / "file.npz"))


@pytest.mark.parametrize(
    "beside", [np.float64(0.5), np.int64(3), np.arange(5), np.ones(3, np.float32), np.bool_(1)]
)
def test_numbers_and_arrays_of_numpy_beside_the_weights(tmp_path, beside):
    content = {"state_dict": as_torch(MLP), "best": beside, "history": {"loss": [beside]}}
    right(load_checkpoint(saved(tmp_path, content)))
    right(load_checkpoint(saved(tmp_path, dict(MLP))))


def test_objects_in_arrays_of_numpy_are_still_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (print, ("sprung",))

    with pytest.raises(StoreError):
        load_checkpoint(saved(tmp_path, {"a": np.array([Trap()], dtype=object), **as_torch(MLP)}))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda many: {"state_dicts": many, "epochs": [0, 1]},
        lambda many: {"checkpoints": many, "model": many[1]},
        lambda many: many,
        lambda many: {"checkpoints": {100: many[0], 200: many[1]}},
    ],
)
def test_one_of_many_checkpoints_is_picked_by_its_index(tmp_path, wrap):
    other = {name: 0 * array for name, array in MLP.items()}
    path = saved(tmp_path, wrap([as_torch(other), as_torch(MLP)]))
    right(load_checkpoint(f"{path}:1"))
    assert load_checkpoint(f"{path}:0").norm == 0
    assert (
        load_checkpoint(f"{path}:1").notes[0] == "Network 1 of the 2 in the file, counted from 0."
    )
    with pytest.raises(InputError, match="at most 1"):
        load_checkpoint(f"{path}:2")
    if "model" not in wrap([1, 2]):
        with pytest.raises(InputError, match=r"\(PATH:INDEX\), from 0 to 1"):
            load_checkpoint(path)


def test_layers_saved_inputs_first_are_turned(tmp_path):
    flax = {
        **{f"embed_{w}": {"embedding": MLP[f"embed_{w}.weight"]} for w in "ab"},
        "hidden": {"kernel": MLP["hidden.weight"].T.copy(), "bias": MLP["hidden.bias"]},
        "unembed": {"kernel": MLP["unembed.weight"].T.copy(), "bias": MLP["unembed.bias"]},
    }
    network = load_checkpoint(saved(tmp_path, {"params": flax}))
    right(network)
    assert "inputs first" in " ".join(network.notes)


def test_of_square_layers_the_way_round_that_answers_is_taken():
    square = planted_tensors("zhong_alpha", N, [3, 7, 11, 14], copies=2)
    assert square["l1.weight"].shape == (8, 8)
    flipped = square | {"l1.weight": square["l1.weight"].T.copy()}
    flipped["unembed.weight"] = square["unembed.weight"].T.copy()
    assert from_tensors(flipped).layout == "zhong_alpha"


# --- Refusals in one line


def test_several_blocks_are_named():
    second = {name.replace("blocks.0", "blocks.1"): array for name, array in NANDA.items()}
    with pytest.raises(InputError) as refused:
        from_tensors(NANDA | second)
    message = str(refused.value)
    assert (
        "nanda_transformer is nearest: two blocks, one is read; blocks.1.* is left over" in message
    )
    assert "\n" not in message


def test_layer_norm_is_named():
    norm = {f"blocks.0.ln1.{which}": np.ones(24) for which in "wb"}
    with pytest.raises(InputError, match=r"LayerNorm, which it has not; blocks\.0\.ln1\.w"):
        from_tensors(LENS | norm)


def test_what_is_missing_is_named():
    with pytest.raises(InputError, match=r"two_embedding_mlp is nearest: unembed\.bias is missing"):
        from_tensors({name: array for name, array in MLP.items() if name != "unembed.bias"})


def test_pointers_addresses_and_folders_are_named(tmp_path):
    pointer = tmp_path / "model.pt"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n")
    with pytest.raises(StoreError, match="is a Git-LFS pointer"):
        load_checkpoint(pointer)
    with pytest.raises(StoreError, match="is an address: download the file and name it"):
        load_checkpoint("https://host.example/model.pt")
    with pytest.raises(StoreError, match=r"no file but a folder: name a file in it \(model\.pt\)"):
        load_checkpoint(tmp_path)


def test_every_orientation_is_planted():
    assert set(turned("easy_transformer", NANDA, AXES["nanda_transformer"])) == set(NANDA)
