"""Drop a file, in a browser: its numbers are those of `modlib show`, hostile files are refused."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from functools import partial

import numpy as np
import pytest
import torch
from operated import drawn, fits, live, said, state, told
from safetensors.numpy import save
from safetensors.torch import save as save_torch

from made_up.crooked import CROOKED, crooked_run
from modlib.analysis.battery import clusters_of
from modlib.config.addition import AdditionConfig
from modlib.models.foreign.load import load_checkpoint
from modlib.models.mlp import build, initial_weights
from modlib.widgets import drop_a_file

UNTRAINED = AdditionConfig(n=11, num_neurons=20)
SEED = 7
FIGURE = ".modlib-live > div"


@pytest.fixture(scope="module")
def page_of(written):
    view = crooked_run().view
    return written("drop", drop_a_file({"crooked": view}, UNTRAINED, SEED).html())


def zipped(arrays, write=np.savez):
    buffer = io.BytesIO()
    write(buffer, **arrays)
    return buffer.getvalue()


def drawn_network(**shapes):
    """Random weights of these shapes."""
    generator = np.random.default_rng(3)
    return {name: generator.normal(size=shape) for name, shape in shapes.items()}


def single(arrays):
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def arrays_of(view):
    """The tables of a network, those of b in the order of columns."""
    return {
        **{"preact_a": view.preact_a, "preact_b": np.asfortranarray(view.preact_b)},
        **{"w_out": view.w_out, "b_in": view.b_in, "b_out": view.b_out},
    }


def one_hot(view, added=False):
    first = view.preact_a if added else np.concatenate([view.preact_a, view.preact_b])
    return {
        **{"net.fc1.weight": first.T.copy(), "net.fc1.bias": view.b_in},
        **{"net.fc2.weight": view.w_out.T.copy(), "net.fc2.bias": view.b_out},
    }


def as_torch(kind):
    weights = crooked_run().weights
    return save_torch({name: torch.tensor(array).to(kind) for name, array in weights.items()})


FILES = {
    "ours.safetensors": lambda: save(crooked_run().weights),
    "half.safetensors": partial(as_torch, torch.float16),
    "brain.safetensors": partial(as_torch, torch.bfloat16),
    "run.safetensors": lambda: save(
        {f"model/{name}": array for name, array in crooked_run().weights.items()}
        | {"optimizer/step": np.ones(1, np.float32)}
    ),
    "ours.npz": lambda: zipped(crooked_run().weights),
    "packed.npz": lambda: zipped(crooked_run().weights, np.savez_compressed),
    "tables.npz": lambda: zipped(arrays_of(crooked_run().view)),
    "one_hot.safetensors": lambda: save(one_hot(crooked_run().view)),
    "added.npz": lambda: zipped(single(one_hot(crooked_run().view, added=True))),
    "chughtai.npz": lambda: zipped(drawn_network(W_x=(13, 5), W_y=(13, 5), W=(10, 9), W_U=(9, 13))),
    "alpha.npz": lambda: zipped(
        drawn_network(
            **{"embed.weight": (13, 6), "l1.weight": (9, 6), "l1.bias": 9},
            **{"unembed.weight": (13, 9)},
        )
    ),
    "delta.npz": lambda: zipped(
        drawn_network(
            **{"embed.weight": (13, 6), "l1.weight": (9, 12), "l1.bias": 9},
            **{"unembed.weight": (13, 9)},
        )
    ),
}


def choose(page, name, content):
    page.set_input_files(
        "[name=file]", {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def counted(page, name):
    """Pairs that are right, once the page has asked all."""
    page.wait_for_selector(f"{FIGURE}[data-net='{name}'][data-total]")
    return int(page.get_attribute(FIGURE, "data-total"))


@pytest.mark.parametrize("name", FILES)
def test_accuracy_clusters_and_logits_are_those_of_modlib_show(opened, page_of, tmp_path, name):
    content = FILES[name]()
    (tmp_path / name).write_bytes(content)
    network = load_checkpoint(tmp_path / name, activation="relu")
    page = opened(page_of)
    choose(page, name, content)
    view, n = network.view, network.n
    assert counted(page, name) == round(view.evaluate().accuracy * n**2)
    found = live(page, "seen().clusters.map(({ freq, step, neurons }) => [freq, step, neurons])")
    clustering = clusters_of(network)
    expected = [[c.freq, c.step, c.neurons.tolist()] for c in clustering.clusters]
    assert found == expected
    logits = view.logits()
    for a, b in ((0, 0), (3, n - 1), (n - 1, 5)):
        np.testing.assert_allclose(live(page, f"logits({a}, {b})"), logits[a, b], atol=1e-6)
    assert network.layout in page.inner_text(f"{FIGURE} > div > .live-score")


def test_spectra_are_the_embeddings_and_the_neurons(opened, page_of):
    page, view = opened(page_of), crooked_run().view
    choose(page, "ours.safetensors", FILES["ours.safetensors"]())
    counted(page, "ours.safetensors")
    embeds = np.concatenate([view.factors.embed_a, view.factors.embed_b], axis=1)
    power = 2 * np.abs(np.fft.rfft(embeds.T)) ** 2 / CROOKED.n**2
    np.testing.assert_allclose(live(page, "seen().embedded")[1:], power.sum(0)[1:], rtol=1e-4)
    assert sum(live(page, "seen().heard")) == pytest.approx(len(live(page, "seen().live")))
    assert drawn(page, 0) > 0.05


def test_the_untrained_network_of_the_shelf_is_drawn_from_its_seed(opened, page_of):
    page = opened(page_of, address="#drop:net=1,a=2,b=5")
    model = build(UNTRAINED, initial_weights(UNTRAINED, SEED))
    with torch.no_grad():
        expected = model(torch.tensor([2]), torch.tensor([5]))[0].numpy()
    np.testing.assert_allclose(live(page, "logits(2, 5)"), expected, atol=1e-5)
    assert counted(page, "seed 7, untrained") < 40
    assert "No cluster" in page.inner_text(f"{FIGURE} > div > .live-score")


def safetensors(header, body=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(**changes):
    return {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}


def with_bad_weight(value):
    weights = {name: array.copy() for name, array in crooked_run().weights.items()}
    weights["hidden.bias"][0] = value
    return save(weights)


def saying(content, old, new):
    """A zip file that says other numbers of its members."""
    assert old in content
    return content.replace(old, new)


def bomb():
    """A member that says it is small and is not."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"\0" * 10**7)
    return saying(buffer.getvalue(), struct.pack("<I", 10**7), struct.pack("<I", 100))


def packed_by(method):
    """A zip file whose list says that its member is packed by this method."""
    content = bytearray(zipped({"x": np.ones(3)}))
    struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 10, method)
    return bytes(content)


def pickled():
    buffer = io.BytesIO()
    torch.save({"x": torch.ones(2)}, buffer)
    return buffer.getvalue()


ONE = zipped({"x": np.ones(3)})
BAD = {
    "empty": (b"", "or its header says that it is longer than the file"),
    "header longer than the file": (safetensors({}, length=2**60), "longer than the file"),
    "header of four gigabytes": (safetensors({}, length=2**32), "longer than the file"),
    "header that is none": (safetensors(b"{]"), "it is damaged"),
    "header that is a number": (safetensors(b"7"), "its arrays are called nothing"),
    "unknown type": (safetensors(entry(dtype="Q7"), b"\0" * 8), "x is of type Q7"),
    "whole numbers": (save({"x": np.ones(3, np.int64)}), "x is of type I64"),
    "numbers outside": (safetensors(entry(data_offsets=[0, 800])), "x does not lie where"),
    "shape that lies": (safetensors(entry(shape=[3]), b"\0" * 8), "x does not lie where"),
    "negative shape": (safetensors(entry(shape=[-2]), b"\0" * 8), "x has a shape that is none"),
    "no offsets": (safetensors({"x": {"dtype": "F32", "shape": [0]}}), "it is damaged"),
    "a thousand times itself": (
        safetensors({f"x{i}": entry()["x"] for i in range(1001)}, b"\0" * 8),
        "it holds more than 1000 arrays",
    ),
    "NaN": (with_bad_weight(np.nan), "hidden.bias holds NaN"),
    "infinity": (with_bad_weight(np.inf), "hidden.bias holds NaN, infinity"),
    "too large a number": (with_bad_weight(1e20), "numbers beyond"),
    "another layout": (save({"W_E": np.ones((3, 4), np.float32)}), "called W_E, a layout that"),
    "shapes that do not fit": (
        save(crooked_run().weights | {"hidden.bias": np.ones(5, np.float32)}),
        "the shapes of hidden.weight and hidden.bias do not fit",
    ),
    "too large": (
        zipped(drawn_network(W_x=(400, 1), W_y=(400, 1), W=(2, 3), W_U=(3, 400))),
        "n = 400 with 3 neurons is too large",
    ),
    "a pickle": (pickled(), "a file of torch.save"),
    "a zip cut short": (ONE[:-30], "it ends too early"),
    "objects": (zipped({"x": np.array([None])}), "x is of type |O"),
    "a bomb": (bomb(), "a part of it is longer than it says"),
    "packed by another method": (packed_by(12), "in a way that is not known here"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_hostile_file_is_refused_in_a_line_and_the_page_stays(opened, page_of, name):
    content, why = BAD[name]
    page = opened(page_of, address="#drop:net=0,a=3,b=4")
    choose(page, "bad.file", content)
    page.wait_for_function("document.querySelector('.live-problem').textContent")
    problem = page.inner_text(".live-problem")
    assert problem.startswith("bad.file: ")
    assert why in problem
    assert problem.endswith("python -m modlib show FILE reads more.")
    assert state(page, "net") == 0
    assert live(page, "seen().title") == "crooked"


def test_a_file_is_dropped_and_nothing_leaves_the_page(opened, page_of):
    page = opened(page_of)
    page.evaluate(
        """bytes => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "mine.safetensors"));
          const box = document.querySelector(".live-drop");
          for (const type of ["dragover", "drop"])
            box.dispatchEvent(new DragEvent(type,
              { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        list(FILES["ours.safetensors"]()),
    )
    counted(page, "mine.safetensors")
    assert said(page).startswith("mine.safetensors: a + b mod 23, ")
    assert "Nothing leaves this page" in page.inner_text(".live-drop")
    page.select_option("[name=net]", "0")
    counted(page, "crooked")
    page.select_option("[name=net]", "-1")
    counted(page, "mine.safetensors")


def test_keys_reach_file_shelf_pair_and_clusters(opened, page_of):
    page = opened(page_of)
    counted(page, "crooked")
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name"))
        if reached[-1] == "a":
            page.keyboard.press("ArrowRight")
        if reached[-1] == "cluster0":
            page.keyboard.press("Space")
    assert reached[:5] == ["file", "net", "a", "b", "cluster0"]
    page.wait_for_function("location.hash.includes('a=6,b=11,off=0,order=0')")
    page.focus("[name=net]")
    page.keyboard.press("ArrowDown")
    counted(page, "seed 7, untrained")
    assert state(page, "off") == []
    told(page, "seed 7, untrained: a + b mod 11, ")


def test_a_finger_chooses_on_a_phone_and_a_wrong_link_does_no_harm(opened, page_of):
    page = opened(
        page_of, 390, "#drop:net=9,a=99,b=-4", has_touch=True, is_mobile=True,
        reduced_motion="reduce",
    )  # fmt: skip
    counted(page, "crooked")
    assert fits(page)
    with page.expect_file_chooser() as chooser:
        page.locator("[name=file]").tap()
    chooser.value.set_files(
        {"name": "x.npz", "mimeType": "application/zip", "buffer": FILES["packed.npz"]()}
    )
    counted(page, "x.npz")
    page.locator("[name=cluster1]").tap()
    assert state(page, "off") == [1]
    for control in page.locator(".modlib-live :is(input, select)").all():
        assert control.bounding_box()["height"] >= 18
