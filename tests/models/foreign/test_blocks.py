"""Several blocks and LayerNorm: asked as functions, and told with what was tried."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import modlib
from modlib.chapters.inspect import Asked
from modlib.cli import main as cli
from modlib.errors import InputError
from modlib.models.foreign.blocks import EPSILON, Blocks, block_readings
from modlib.models.foreign.load import load_blocks
from modlib.models.foreign.planted import planted_tensors

N, FREQS = 31, [3, 7, 11, 14]
LENS = planted_tensors("lens_transformer", N, FREQS)
PAIRS = np.divmod(np.arange(N * N), N)


def mirrored():
    """The planted block on a stream x, -x, whose mean is always zero: LayerNorm takes none away."""
    out = {"embed.W_E", "pos_embed.W_pos", "blocks.0.attn.W_O", "blocks.0.mlp.W_out"}
    both = {}
    for name, array in LENS.items():
        if name in out:
            both[name] = np.concatenate([array, -array], axis=-1)
        elif name == "blocks.0.mlp.b_out":
            both[name] = np.concatenate([array, -array])
        elif name.endswith("b_in"):
            both[name] = array
        else:
            both[name] = np.concatenate([array, -array], axis=-2) / 2
    return both


def with_norms(tensors, places=("blocks.0.ln1", "blocks.0.ln2", "ln_final"), bias=True):
    embed = tensors["embed.W_E"].shape[1]
    norms = {f"{place}.w": np.full(embed, 2.0) for place in places}
    return tensors | norms | ({f"{place}.b": np.zeros(embed) for place in places} if bias else {})


def two_blocks(tensors):
    """A first block that writes nothing, then the planted one."""
    second = {name.replace("blocks.0", "blocks.1"): array for name, array in tensors.items()}
    silent = {
        name: array * (not name.endswith(("W_O", "W_out"))) for name, array in tensors.items()
    }
    return silent | second


def saved(tmp_path, tensors):
    path = tmp_path / "file.pt"
    torch.save({k: torch.tensor(np.ascontiguousarray(v)) for k, v in tensors.items()}, path)
    return str(path)


FILES = {
    "two blocks": two_blocks(LENS),
    "LayerNorm": with_norms(mirrored()),
    "RMS norm": with_norms(mirrored(), bias=False),
    "two blocks, LayerNorm": with_norms(
        two_blocks(mirrored()), ("blocks.1.ln1", "blocks.1.ln2", "ln_final")
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_they_are_told_by_their_answers(tmp_path, name):
    told = modlib.inspect(saved(tmp_path, FILES[name]))
    assert isinstance(told, Asked)
    assert (told.accuracy, told.task) == (1.0, f"a + b mod {N}")
    assert sorted(told.clusters.freq) == FREQS
    assert set(told.clusters.neurons.map(len)) == {16}
    assert told.clusters.accuracy_without.notna().all()
    lines = repr(told).splitlines()
    assert lines[:2] == ["file.pt", f"solves a + b mod {N} on all 961 pairs"]
    assert max(map(len, lines)) <= 88
    assert "The file does not say" in repr(told)


def test_the_forward_pass_is_that_of_transformer_lens():
    generator = np.random.default_rng(0)
    drawn = {k: generator.normal(size=v.shape) / 4 for k, v in two_blocks(LENS).items()}
    heads, _, part = drawn["blocks.0.attn.W_Q"].shape
    for i in (0, 1):
        drawn |= {f"blocks.{i}.attn.b_{w}": generator.normal(size=(heads, part)) for w in "QKV"}
    embed = drawn["embed.W_E"].shape[1]
    drawn |= {f"{p}.{w}": generator.normal(size=embed) for p in ("blocks.0.ln1",) for w in "wb"}
    reading = next(r for r in block_readings(drawn) if r.causal)
    blocks = Blocks(reading._replace(activation="gelu"))
    a, b = np.array([3, 30]), np.array([5, 0])

    def norm(x):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON)
        return x * drawn["blocks.0.ln1.w"] + drawn["blocks.0.ln1.b"]

    for pair in range(2):
        tokens = [a[pair], b[pair], N]
        x = drawn["embed.W_E"][tokens] + drawn["pos_embed.W_pos"][:3]
        for i in (0, 1):
            p = {k.removeprefix(f"blocks.{i}."): v for k, v in drawn.items()}
            read = norm(x) if i == 0 else x
            added = np.zeros_like(x)
            for h in range(heads):
                q, k, v = (read @ p[f"attn.W_{w}"][h] + p[f"attn.b_{w}"][h] for w in "QKV")
                for to in range(3):
                    scores = np.array([q[to] @ k[at] for at in range(to + 1)]) / np.sqrt(part)
                    weights = np.exp(scores) / np.exp(scores).sum()
                    added[to] += weights @ v[: to + 1] @ p["attn.W_O"][h]
            x = x + added
            heard = torch.tensor(x @ p["mlp.W_in"] + p["mlp.b_in"])
            x = x + torch.nn.functional.gelu(heard).numpy() @ p["mlp.W_out"] + p["mlp.b_out"]
        expected = (x[-1] @ drawn["unembed.W_U"])[:N]
        np.testing.assert_allclose(blocks.answers(a, b)[pair], expected, atol=1e-10)


def test_silenced_neurons_say_nothing(tmp_path):
    blocks = load_blocks(saved(tmp_path, FILES["two blocks"]), activation="relu")
    assert blocks.num_neurons == 128
    heard = blocks.activations(*PAIRS)
    assert heard.shape == (961, 128)
    assert (heard >= 0).all()
    whole = blocks.answers(*PAIRS)
    np.testing.assert_array_equal(blocks.without(*PAIRS, np.arange(64)), whole)
    assert np.abs(blocks.without(*PAIRS, np.arange(64, 128))).max() < 1e-9
    assert any("whether tokens see later ones" in note for note in blocks.notes)


def test_other_files_are_none_of_these(tmp_path):
    assert load_blocks(saved(tmp_path, LENS)) is None
    assert load_blocks(saved(tmp_path, planted_tensors("two_embedding_mlp", N, FREQS))) is None
    flat = planted_tensors("nanda_transformer", N, FREQS)
    assert block_readings(two_blocks(flat)) == []
    assert block_readings(FILES["two blocks"] | {"head.weight": np.ones((2, 2))}) == []


def test_noise_is_not_decided(tmp_path):
    generator = np.random.default_rng(1)
    noise = {k: generator.normal(size=v.shape) for k, v in FILES["LayerNorm"].items()}
    told = modlib.inspect(saved(tmp_path, noise))
    assert "not decided" in repr(told)
    assert told.told.clusters == []


def test_the_command_prints_it_and_refuses_what_needs_weights(tmp_path):
    path = saved(tmp_path, FILES["LayerNorm"])

    def show(*words):
        return CliRunner().invoke(cli.main, ["show", path, *words], prog_name="python -m modlib")

    done = show()
    assert done.exit_code == 0
    assert f"solves a + b mod {N} on all 961 pairs" in done.stdout
    found = json.loads(show("--json").stdout)
    assert (found["solves"], found["layout"], found["n"]) == (True, "lens_blocks", N)
    assert sorted(cluster["freq"] for cluster in found["clusters"]) == FREQS
    for words in (["--keep-only"], ["--gradients"], ["--csv", "x"], ["--report", "x.ipynb"]):
        done = show(*words)
        assert done.exit_code == 2
        assert f"{words[0][2:]} must be left out for several blocks" in done.stderr
    with pytest.raises(InputError, match="activation must be one of"):
        load_blocks(path, activation="swish")
