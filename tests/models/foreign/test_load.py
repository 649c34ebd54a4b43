"""Checkpoint files: what is read, what is refused, and the published weights."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import shutil
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file
from torch.serialization import set_crc32_options

from made_up.views import ideal_view
from modlib.analysis.micro.neurons import neuron_table
from modlib.config.addition import AdditionConfig
from modlib.errors import InputError, StoreError
from modlib.models.foreign import files
from modlib.models.foreign import published as models_foreign_published
from modlib.models.foreign.files import read_tensors
from modlib.models.foreign.load import from_arrays, load_checkpoint
from modlib.models.foreign.published import PUBLISHED, published_path
from modlib.models.mlp import build, initial_weights
from modlib.runs.addition import view_of
from modlib.store.files import digest_of

CONFIG = AdditionConfig(n=11, embed_dim=5, num_neurons=16)
WEIGHTS = initial_weights(CONFIG, seed=3)


def as_tensors(weights):
    return {name: torch.tensor(array) for name, array in weights.items()}


def same_view(view, expected):
    for name in ("preact_a", "preact_b", "b_in", "w_out", "b_out", "skip_a", "skip_b"):
        np.testing.assert_array_equal(getattr(view, name), getattr(expected, name))


# --- what is read


def test_a_state_dict_saved_by_torch_is_the_network_it_was(tmp_path):
    path = tmp_path / "mine.pt"
    torch.save(build(CONFIG, WEIGHTS).state_dict(), path)
    network = load_checkpoint(path)
    same_view(network.view, view_of(WEIGHTS))
    assert (network.name, network.layout, network.n) == ("mine.pt", "two_embedding_mlp", 11)
    norm = np.sqrt(sum((array.astype(float) ** 2).sum() for array in WEIGHTS.values()))
    assert network.norm == pytest.approx(norm)
    assert network.notes == ()
    assert network.exact
    np.testing.assert_allclose(network.pairs.logits(), network.view.logits(), atol=1e-12)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: {"model": state, "train_losses": [0.1], "test_losses": torch.ones(2)},
        lambda state: {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}},
        lambda state: {"model_state_dict": {"model": state}, "optimizer": {"lr": torch.ones(1)}},
        lambda state: {**state, "epoch": 3, "name": "net"},
    ],
)
def test_parameters_among_other_things_are_found(tmp_path, wrapped, legacy):
    path = tmp_path / "run.ckpt"
    torch.save(wrapped(as_tensors(WEIGHTS)), path, _use_new_zipfile_serialization=not legacy)
    same_view(load_checkpoint(path).view, view_of(WEIGHTS))


def test_a_stored_run_is_read_without_what_was_measured_on_its_way(tmp_path):
    path = tmp_path / "weights.safetensors"
    run = {f"model/{name}": array for name, array in WEIGHTS.items()}
    save_file(run | {"frequency_epochs": np.arange(4), "frequency_content": np.ones(2)}, path)
    same_view(load_checkpoint(path).view, view_of(WEIGHTS))


def test_a_member_of_an_ensemble_is_told_by_its_index(tmp_path):
    path = tmp_path / "weights.safetensors"
    members = [initial_weights(CONFIG, seed) for seed in (7, 8, 9)]
    members[2]["hidden.bias"] = np.full(16, np.nan, dtype=np.float32)
    save_file({name: np.stack([m[name] for m in members]) for name in WEIGHTS}, path)
    network = load_checkpoint(f"{path}:1")
    same_view(network.view, view_of(members[1]))
    assert network.name == "weights.safetensors:1"
    assert network.notes == ("Network 1 of the 3 in the file, counted from 0.",)
    same_view(load_checkpoint(path, member=1).view, network.view)
    with pytest.raises(InputError, match=r"member must say which .* \(PATH:INDEX\), from 0 to 2"):
        load_checkpoint(path)
    with pytest.raises(InputError, match="member must be an integer at least 0 and at most 2"):
        load_checkpoint(f"{path}:3")
    with pytest.raises(InputError, match=r"hidden\.bias must hold finite"):
        load_checkpoint(f"{path}:2")


def test_an_index_is_refused_where_the_file_holds_one_network(tmp_path):
    path = tmp_path / "one.safetensors"
    save_file(WEIGHTS, path)
    with pytest.raises(InputError, match="member must be left out"):
        load_checkpoint(f"{path}:0")
    colon = tmp_path / "two:0"
    shutil.copy(path, colon)
    assert load_checkpoint(colon).name == "two:0"
    two = tmp_path / "two"
    save_file({name: np.stack([array, 2 * array]) for name, array in WEIGHTS.items()}, two)
    same_view(load_checkpoint(two, member=0).view, view_of(WEIGHTS))
    with pytest.raises(StoreError, match="File name too long"):
        load_checkpoint(f"{path}:{'9' * 5000}")


def test_names_that_a_terminal_cannot_show_are_replaced(tmp_path):
    path = tmp_path / "a\nb\udcff.npz"
    np.savez(tmp_path / "plain.npz", **WEIGHTS)
    (tmp_path / "plain.npz").rename(path)
    assert load_checkpoint(path).name == "a\ufffdb\ufffd.npz"


def test_arrays_are_read_from_npz_and_given_directly(tmp_path):
    view = ideal_view(11, {2: 5})
    tables = {name: getattr(view, name) for name in ("preact_a", "preact_b", "w_out")}
    given = from_arrays(**tables, b_in=view.b_in)
    same_view(given.view, replace(view, b_out=np.zeros(11)))
    assert (given.name, given.layout, given.norm) == ("arrays", "arrays", None)
    assert given.respond is given.embedding is given.embedding_b is None
    path = tmp_path / "tables.npz"
    np.savez(path, **tables, b_in=view.b_in.astype(np.float16))
    read = load_checkpoint(path)
    assert read.view.b_in.dtype == np.float64
    np.testing.assert_array_equal(read.view.preact_a, view.preact_a)


def test_arrays_that_do_not_fit_are_refused():
    good = {"preact_a": np.ones((5, 3)), "preact_b": np.ones((5, 3)), "w_out": np.ones((3, 5))}
    with pytest.raises(
        InputError, match=r"w_out must have axes \(neuron, n\) that fit preact_a of shape \(5, 3\)"
    ):
        from_arrays(**good | {"w_out": np.ones((4, 5))})
    with pytest.raises(InputError, match="b_in must hold floating-point numbers"):
        from_arrays(**good, b_in=np.zeros(3, dtype=int))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_half_precision_is_read_as_float64(tmp_path, dtype, suffix):
    path = tmp_path / f"half.{suffix}"
    state = {name: tensor.to(dtype) for name, tensor in as_tensors(WEIGHTS).items()}
    (torch.save if suffix == "pt" else save_torch_file)(state, path)
    for name, array in read_tensors(path).arrays.items():
        assert array.dtype == (np.float32 if dtype == torch.float32 else np.float64)
        np.testing.assert_array_equal(array, state[name].double().numpy())
    assert load_checkpoint(path).view.preact_a.dtype == np.float64


def test_tensors_that_stand_for_the_negative_of_their_memory_are_read(tmp_path):
    path = tmp_path / "negative.pt"
    bias = torch.tensor([1 + 2j, 3 - 4j]).conj().imag
    assert bias.is_neg()
    torch.save({"bias": bias}, path)
    np.testing.assert_array_equal(read_tensors(path).arrays["bias"], [-2, 4])


@pytest.mark.parametrize("suffix", ["pt", "npz", "safetensors"])
def test_a_file_is_told_by_its_content_and_left_as_it_is(tmp_path, suffix):
    path = tmp_path / "weights.bin"
    with path.open("wb") as file:
        if suffix == "pt":
            torch.save(as_tensors(WEIGHTS), file)
        elif suffix == "npz":
            np.savez(file, **WEIGHTS)
    if suffix == "safetensors":
        save_file(WEIGHTS, path)
    before = (digest_of(path)[1], path.stat().st_mtime_ns)
    same_view(load_checkpoint(path).view, view_of(WEIGHTS))
    assert (digest_of(path)[1], path.stat().st_mtime_ns) == before
    assert os.listdir(tmp_path) == [path.name]


# --- what is refused


class Intruder:
    """What a hostile pickle does when it is loaded: here it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def refused(path, error=StoreError):
    """The one line with which a file is refused."""
    with pytest.raises(error) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "write",
    [
        lambda content, path: torch.save(content, path),
        lambda content, path: torch.save(content, path, _use_new_zipfile_serialization=False),
        lambda content, path: path.write_bytes(pickle.dumps(content)),
    ],
)
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path, write):
    path, trace = tmp_path / "evil.pt", tmp_path / "was_run"
    write({**as_tensors(WEIGHTS), "extra": Intruder(trace)}, path)
    message = refused(path)
    assert str(path) in message
    assert "code in it is not run" in message
    assert not trace.exists()


def test_objects_in_an_npz_are_refused_and_not_run(tmp_path):
    path, trace = tmp_path / "evil.npz", tmp_path / "was_run"
    np.savez(path, preact_a=np.array([Intruder(trace)], dtype=object))
    assert str(path) in refused(path)
    assert not trace.exists()


def test_a_whole_module_is_refused_with_what_to_save_instead(tmp_path):
    path = tmp_path / "module.pt"
    torch.save(build(CONFIG, WEIGHTS), path)
    assert "save model.state_dict() instead" in refused(path)


def write_all_formats(folder):
    torch.save(as_tensors(WEIGHTS), folder / "new.pt")
    torch.save(as_tensors(WEIGHTS), folder / "old.pt", _use_new_zipfile_serialization=False)
    save_file(WEIGHTS, folder / "st.safetensors")
    np.savez(folder / "plain.npz", **WEIGHTS)
    np.savez_compressed(folder / "packed.npz", **WEIGHTS)
    return sorted(folder.iterdir())


def test_truncated_files_are_refused(tmp_path):
    for path in write_all_formats(tmp_path):
        whole = path.read_bytes()
        for kept in (1, 5, 9, len(whole) // 3, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:kept])
            assert str(path) in refused(path), kept
        path.write_bytes(b"")
        assert f"{path} is empty" in refused(path)


def test_files_with_flipped_bytes_are_read_or_refused_but_never_crash(tmp_path):
    rng = np.random.default_rng(1)
    for path in write_all_formats(tmp_path):
        whole = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        for _ in range(25):
            flipped = whole.copy()
            flipped[rng.integers(len(whole), size=3)] ^= 1 << int(rng.integers(8))
            flipped[rng.integers(min(200, len(whole)))] ^= 0xFF
            path.write_bytes(flipped.tobytes())
            with suppress(StoreError, InputError):
                load_checkpoint(path)


def rewritten(source, target, edit):
    """A zip file with ``edit(name, content)`` in place of each content."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, edit(name, old.read(name)))
    return target


def test_a_flipped_bit_in_the_weights_is_refused_where_there_are_checksums(tmp_path):
    path = tmp_path / "weights.pt"
    try:
        for checksums in (True, False):
            set_crc32_options(checksums)
            torch.save(as_tensors(WEIGHTS), path)
            same_view(load_checkpoint(path).view, view_of(WEIGHTS))
            if checksums:
                whole = bytearray(path.read_bytes())
                whole[whole.index(WEIGHTS["embed_a.weight"].tobytes()) + 3] ^= 0x40
                path.write_bytes(whole)
                assert "the checksum of 'weights/data/0' is wrong" in refused(path)
    finally:
        set_crc32_options(True)


def test_dicts_without_end_are_refused(tmp_path):
    path = tmp_path / "round.pt"
    content = {"w": torch.ones(2)}
    content["model"] = content
    torch.save(content, path)
    assert f"{path} must hold its parameters at most 10 dicts deep" in refused(path)


@pytest.mark.parametrize("depth", [3000, files.MAX_TUPLES - 10, 2_000_000])
@pytest.mark.parametrize("legacy", [False, True])
def test_names_that_are_deep_tuples_are_refused_and_never_hashed(tmp_path, depth, legacy):
    plain, path = tmp_path / "plain.pt", tmp_path / "deep.pt"
    torch.save({"w": torch.ones(2)}, plain, _use_new_zipfile_serialization=not legacy)

    def deep(content):
        return content.replace(b"X\x01\x00\x00\x00w", b")" + b"\x85" * depth, 1)

    if legacy:
        path.write_bytes(deep(plain.read_bytes()))
    else:
        rewritten(plain, path, lambda name, text: deep(text) if name.endswith(".pkl") else text)
    reason = "more than 50000 tuples" if depth > files.MAX_TUPLES else "without a name"
    assert reason in refused(path)


def test_arrays_of_one_name_are_refused(tmp_path):
    path = tmp_path / "two.pt"
    torch.save({1: torch.zeros(1), "1": torch.ones(1)}, path)
    assert f"{path} holds two arrays of one name" in refused(path)


@pytest.mark.parametrize(
    "header",
    [
        "{1: 2, 'a': 3}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,",
        f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**30},)}}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}",
        "{'descr': (), 'fortran_order': False, 'shape': (1,)}",
        "-" * 9000 + "1",
    ],
)
def test_npz_files_with_damaged_headers_are_refused(tmp_path, header):
    path = tmp_path / "header.npz"
    text = header.encode() + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    assert f"{path} is damaged or holds more than arrays" in refused(path)


def test_damaged_lzma_is_refused(tmp_path):
    plain, path = tmp_path / "plain.npz", tmp_path / "packed.npz"
    np.savez(plain, **WEIGHTS)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    whole = path.read_bytes()
    for position in range(40, len(whole) // 4, 7):
        path.write_bytes(whole[:position] + b"\xff" + whole[position + 1 :])
        with suppress(StoreError, InputError):
            load_checkpoint(path)


def test_torchscript_is_refused_with_what_to_save_instead(tmp_path):
    path = tmp_path / "script.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("script/data.pkl", pickle.dumps({}))
        archive.writestr("script/constants.pkl", pickle.dumps(()))
    assert "is a TorchScript module" in (message := refused(path))
    assert "save model.state_dict() instead" in message


def test_what_is_no_file_is_named(tmp_path):
    assert f"{tmp_path} is no file" in refused(tmp_path)
    missing = refused(tmp_path / "gone.pt")
    assert f"{tmp_path / 'gone.pt'} is missing" in missing
    assert "clock-and-pizza/A, clock-and-pizza/B" in missing
    assert "gone.pt is missing" in refused(f"{tmp_path / 'gone.pt'}:4")


@pytest.mark.parametrize(
    "content", [b"weights: 1, 2, 3\n", b"\x89HDF\r\n\x1a\n" + bytes(64), b"\x93NUMPY\x01\x00v\x00{"]
)
def test_other_formats_are_refused(tmp_path, content):
    path = tmp_path / "weights.h5"
    path.write_bytes(content)
    assert f"{path} is in none of the formats that are read" in refused(path)


def test_other_zip_files_are_refused(tmp_path):
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("read.me", "no weights")
    assert str(path) in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", "no array")
    assert str(path) in refused(path)
    with zipfile.ZipFile(path, "w"):
        pass
    assert str(path) in refused(path)


def test_names_that_cannot_be_printed_are_refused(tmp_path):
    path = tmp_path / "names.pt"
    torch.save({"W\nU": torch.ones(3)}, path)
    assert "names that cannot be printed" in refused(path)


def test_files_without_arrays_are_refused(tmp_path):
    path = tmp_path / "none.pt"
    torch.save({"epoch": 3}, path)
    assert f"{path} holds no arrays" in refused(path)
    torch.save(torch.ones(3), path)
    assert "holds a Tensor, not a dict of arrays" in refused(path)


def test_arrays_that_are_no_plain_ones_are_refused(tmp_path):
    path = tmp_path / "sparse.pt"
    torch.save({"W": torch.eye(3).to_sparse()}, path)
    assert "W must be a plain array" in refused(path, InputError)
    torch.save({"W": torch.empty(3, device="meta")}, path)
    assert "W must be a plain array" in refused(path, InputError)
    torch.save({"W": torch.empty(3, dtype=torch.uint8).view(torch.bits8)}, path)
    assert f"{path}: W must be of a type that NumPy has" in refused(path, InputError)


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "huge.pt"
    path.touch()
    os.truncate(path, files.MAX_BYTES + 1)
    assert f"{path} has {2**32 + 1} bytes" in refused(path)
    torch.save({"W": torch.zeros(1).expand(10**6, 10**6)}, path)
    assert f"{path}: arrays must take at most" in refused(path, InputError)
    half = torch.zeros(1, dtype=torch.float16).expand(2**28)
    torch.save(dict.fromkeys("abc", half), path)
    assert "got 6442450944" in refused(path, InputError)
    np.savez_compressed(tmp_path / "bomb.npz", W=np.zeros(10**5))
    np.savez(tmp_path / "halves.npz", W=np.zeros(2 * 10**4, np.float16))
    monkeypatch.setattr(files, "MAX_BYTES", 10**5)
    assert "must unpack to" in refused(tmp_path / "bomb.npz")
    assert "arrays must take at most" in refused(tmp_path / "halves.npz", InputError)


def test_refusals_of_names_and_shapes_say_the_file(tmp_path):
    path = tmp_path / "odd.safetensors"
    save_file({**WEIGHTS, "unembed.weight": WEIGHTS["unembed.weight"][:, :5].copy()}, path)
    assert refused(path, InputError).startswith(f"{path}: unembed.weight must have axes")
    save_file({"filters": np.zeros((3, 3))}, path)
    assert refused(path, InputError).startswith(f"{path}: tensors must be a network of layout")


# --- published weights


def test_published_weights_are_searched_in_the_external_folder_by_hash(tmp_path, monkeypatch):
    monkeypatch.setenv("MODLIB_EXTERNAL", str(tmp_path))
    path = tmp_path / "deep" / "er" / "model_A_p99zdpze5l.pt"
    path.parent.mkdir(parents=True)
    torch.save(as_tensors(WEIGHTS), path)
    published = PUBLISHED["clock-and-pizza/A"]
    message = refused("clock-and-pizza/A")
    assert all(part in message for part in (str(path), digest_of(path)[1], published.sha256))
    mine = replace(published, sha256=digest_of(path)[1])
    monkeypatch.setitem(models_foreign_published.PUBLISHED, "clock-and-pizza/A", mine)
    assert published_path("clock-and-pizza/A") == path
    with pytest.raises(InputError, match="name must be one of clock-and-pizza/A"):
        published_path("clock-and-pizza/C")


def test_without_a_connection_the_message_says_where_to_put_the_file(tmp_path, monkeypatch):
    import pooch
    import requests

    def unreachable(*args, **kwargs):
        raise requests.ConnectionError("name resolution failed\nat length")

    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path)
    monkeypatch.setattr(requests, "get", unreachable)
    monkeypatch.setenv("MODLIB_EXTERNAL", str(tmp_path / "nowhere"))
    message = refused("clock-and-pizza/B")
    url = PUBLISHED["clock-and-pizza/B"].url
    assert message == (
        f"model_l8k1hzciux.pt cannot be fetched from {url} (no connection): "
        "download it and name its folder in MODLIB_EXTERNAL"
    )


def test_a_download_is_kept_in_the_cache_and_checked_by_hash(tmp_path, monkeypatch):
    import pooch
    import requests

    class Answer:
        def __init__(self):
            self.headers = {}

        def raise_for_status(self):
            pass

        def iter_content(self, chunk_size):
            yield b"weights"

    asked = []
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    monkeypatch.setattr(requests, "get", lambda url, **_: asked.append(url) or Answer())
    monkeypatch.delenv("MODLIB_EXTERNAL", raising=False)
    assert "hash" in refused("clock-and-pizza/A")
    digest = hashlib.sha256(b"weights").hexdigest()
    mine = replace(PUBLISHED["clock-and-pizza/A"], sha256=digest)
    monkeypatch.setitem(models_foreign_published.PUBLISHED, "clock-and-pizza/A", mine)
    path = published_path("clock-and-pizza/A")
    assert path.read_bytes() == b"weights"
    assert path.is_relative_to(tmp_path / "modlib")
    assert published_path("clock-and-pizza/A") == path
    assert asked == [mine.url] * 2
    assert not pooch.get_logger().isEnabledFor(logging.INFO)


def test_the_published_rate_goes_with_the_published_layout_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("MODLIB_EXTERNAL", str(tmp_path))
    path = tmp_path / "model_A_p99zdpze5l.pt"
    torch.save(as_tensors(WEIGHTS), path)
    mine = replace(PUBLISHED["clock-and-pizza/A"], sha256=digest_of(path)[1])
    monkeypatch.setitem(models_foreign_published.PUBLISHED, "clock-and-pizza/A", mine)
    network = load_checkpoint("clock-and-pizza/A", layout="two_embedding_mlp")
    assert (network.name, network.attention_rate) == ("clock-and-pizza/A", None)
    with pytest.raises(InputError, match=r"^clock-and-pizza/A: member must be left out"):
        load_checkpoint("clock-and-pizza/A", layout="two_embedding_mlp", member=0)


@pytest.mark.external
@pytest.mark.parametrize(
    ("name", "rate", "norm", "exact"),
    [("clock-and-pizza/A", 0.0, 22.854, True), ("clock-and-pizza/B", 1.0, 24.814, False)],
)
def test_the_published_clock_and_pizza_answer_every_pair(name, rate, norm, exact):
    network = load_checkpoint(name)
    assert network.pairs.evaluate().accuracy == 1.0
    assert network.norm == pytest.approx(norm, abs=1e-3)
    assert (network.n, network.attention_rate, network.exact) == (59, rate, exact)
    told_nothing = load_checkpoint(published_path(name))
    assert (told_nothing.layout, told_nothing.attention_rate) == ("zhong_transformer", rate)
    assert "does not say the attention rate" in told_nothing.notes[0]
    if exact:
        assert max(network.preact_error, network.skip_error) < 1e-20
        np.testing.assert_allclose(network.view.logits(), network.pairs.logits(), atol=1e-10)
    else:
        assert network.preact_error == pytest.approx(0.0297, abs=1e-3)
        assert network.skip_error == pytest.approx(0.646, abs=1e-2)
        assert network.view.evaluate().accuracy < 1


@pytest.mark.external
def test_the_pizza_s_neurons_fall_into_three_frequencies():
    freq = neuron_table(load_checkpoint("clock-and-pizza/A").view).freq
    assert freq.value_counts().to_dict() == {15: 190, 17: 173, 3: 149}
