"""``python -m modlib show``: one page on anyone's network, and what is refused in one line."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.numpy import save_file

from made_up.networks import multiplying
from made_up.views import ideal_view
from modlib.cli import main as cli
from modlib.config.addition import AdditionConfig
from modlib.machine import NOTEBOOKS
from modlib.models.foreign.layouts import LAYOUTS
from modlib.models.mlp import build, initial_weights

CONFIG = AdditionConfig(n=7, num_neurons=8, embed_dim=4)
WEIGHTS = initial_weights(CONFIG, 0)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def show(*words: str, status: int = 0) -> Result:
    done = CliRunner().invoke(cli.main, ["show", *words], prog_name="python -m modlib")
    assert done.exit_code == status, done.output
    return done


def refused(*words: str) -> str:
    """The one line in which these words are refused."""
    done = show(*words, status=2)
    (line,) = done.stderr.splitlines()
    assert done.stdout == ""
    assert line.startswith("modlib: ")
    return line


def save_ideal(path: Path) -> None:
    """Arrays of a network that adds modulo 91 with three approximate cosets and an exact one."""
    view = ideal_view(91, {4: 24, 35: 16, 11: 32, 20: 24})
    np.savez(path, preact_a=view.preact_a, preact_b=view.preact_b, w_out=view.w_out)


@pytest.fixture
def mine() -> str:
    """A state dict of ours, saved by torch; its network was never trained."""
    torch.save(build(CONFIG, WEIGHTS).state_dict(), "mine.pt")
    return "mine.pt"


# The page


def test_help_says_what_a_checkpoint_is():
    done = show("--help")
    assert done.stdout.startswith("Usage: python -m modlib show [OPTIONS] CHECKPOINT")
    assert max(map(len, done.stdout.splitlines())) <= 80
    for option in ("--layout", "--attention-rate", "--member", "--json", "--report"):
        assert option in done.stdout


def test_arrays_of_a_network_that_adds():
    save_ideal(Path("ideal.npz"))
    lines = show("ideal.npz").stdout.splitlines()
    assert lines[:2] == ["ideal.npz", "solves a + b mod 91 on all 8281 pairs"]
    assert max(map(len, lines)) <= 100
    start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["f", "neurons"])
    named = [line.split()[:5] for line in lines[start + 1 : start + 5]]
    assert named == [
        ["11", "32", "simple", "approximate", "33"],
        ["4", "24", "simple", "approximate", "23"],
        ["20", "24", "simple", "approximate", "41"],
        ["35", "16", "simple", "exact,", "7"],
    ]


ADDS = ideal_view(31, {3: 32, 5: 32, 7: 32})
BACK = -np.arange(31)
TASKS = {
    "a - b mod 31": replace(ADDS, preact_b=ADDS.preact_b[BACK]),
    "b - a mod 31": replace(ADDS, preact_a=ADDS.preact_a[BACK]),
    "a + b with permuted answers mod 31": replace(
        ADDS, w_out=ADDS.w_out[:, np.random.default_rng(2).permutation(31)]
    ),
    "2 a + 2 b + 3 mod 31": replace(
        ADDS, w_out=np.roll(ADDS.w_out[:, 16 * np.arange(31) % 31], 3, 1)
    ),
    "a b mod 31": multiplying(),
}


@pytest.mark.parametrize("task", TASKS)
def test_files_of_other_tasks_are_told_by_name(task):
    view = TASKS[task]
    np.savez("other.npz", preact_a=view.preact_a, preact_b=view.preact_b, w_out=view.w_out)
    text = show("other.npz").stdout
    assert text.splitlines()[1].startswith(f"solves {task} on all ")
    assert f"Task decided by its answers: {task} is right on 100 %" in " ".join(text.split())
    modulus = 30 if task.startswith("a b") else 31
    assert f"coordinates in which it is addition modulo {modulus}." in " ".join(text.split())


def test_the_same_as_an_object():
    save_ideal(Path("ideal.npz"))
    found = json.loads(show("ideal.npz", "--json").stdout)
    assert (found["n"], found["accuracy"], found["num_live"]) == (91, 1.0, 96)
    assert found["share_simple"] == 1.0
    assert found["median_phase_error"] < 1e-9
    by_freq = {cluster["freq"]: cluster for cluster in found["clusters"]}
    assert list(by_freq) == [11, 4, 20, 35]
    assert by_freq[35]["coset"] == {"exact": True, "step": 5, "period": 2.6, "size": 7}
    assert by_freq[4]["coset"]["exact"] is False
    assert by_freq[4]["num_neurons"] == 24
    assert by_freq[4]["kind"] == "simple"


def test_a_network_that_does_not_add_is_told_all_the_same(mine):
    lines = show(mine).stdout.splitlines()
    assert lines[0] == "mine.pt"
    assert lines[1].startswith("does NOT solve a + b mod 7: right on ")
    assert any(line.startswith("NEURONS") for line in lines)
    assert json.loads(show(mine, "--json").stdout)["solves"] is False


def test_one_network_of_a_file_that_holds_many():
    others = initial_weights(CONFIG, 1)
    save_file({name: np.stack([WEIGHTS[name], others[name]]) for name in WEIGHTS}, "many.st")
    os.rename("many.st", "many.safetensors")
    for member, weights in enumerate((WEIGHTS, others)):
        norm = sum(float((array.astype(float) ** 2).sum()) for array in weights.values()) ** 0.5
        words = ("many.safetensors", "--member", str(member))
        assert json.loads(show(*words, "--json").stdout)["norm"] == pytest.approx(norm)
    by_address = show("many.safetensors:1").stdout
    assert by_address == show("many.safetensors", "--member", "1").stdout
    assert "PATH:INDEX" in refused("many.safetensors")
    assert "0 and at most 1" in refused("many.safetensors", "--member", "2")


def test_many_checkpoints_are_told_as_a_table_and_a_figure(folder):
    others = initial_weights(CONFIG, 1)
    stacked = {name: np.stack([WEIGHTS[name], others[name], WEIGHTS[name]]) for name in WEIGHTS}
    save_file(stacked, "many.safetensors")
    done = show("many.safetensors", "--every", "2", "--csv", "along")
    header, first, second, *wrote = done.stdout.splitlines()
    assert header.split()[:4] == ["index", "task", "accuracy", "loss"]
    assert [line.split()[0] for line in (first, second)] == ["0", "2"]
    assert wrote == ["wrote along/training.csv", "wrote along/training.png"]
    assert (folder / "along" / "training.png").stat().st_size > 1000
    torch.save(build(CONFIG, WEIGHTS).state_dict(), "one.pt")
    assert "every must be left out" in refused("one.pt", "--every", "1")
    for words in (["--member", "1"], ["--report", "out.ipynb"], ["--keep-only"], ["--gradients"]):
        told = refused("many.safetensors", "--every", "2", *words)
        assert f"{words[0][2:]} must be left out with --every" in told


def test_a_layout_can_be_told(mine):
    assert show(mine, "--layout", "two_embedding_mlp").stdout == show(mine).stdout
    line = refused(mine, "--layout", "chughtai_mlp")
    assert "W_x" in line or "chughtai_mlp" in line


def test_an_attention_rate_can_be_told():
    generator = np.random.default_rng(0)
    shapes = {
        **{"embed.W_E": (8, 7), "pos_embed.W_pos": (2, 8)},
        **{f"blocks.0.attn.W_{which}": (2, 4, 8) for which in "KQV"},
        **{"blocks.0.attn.W_O": (8, 8), "blocks.0.mlp.W_in": (12, 8), "blocks.0.mlp.b_in": (12,)},
        **{"blocks.0.mlp.W_out": (8, 12), "blocks.0.mlp.b_out": (8,), "unembed.W_U": (8, 7)},
    }
    torch.save({k: torch.tensor(generator.normal(size=s)) for k, s in shapes.items()}, "block.pt")
    half = json.loads(show("block.pt", "--attention-rate", "0.5", "--json").stdout)
    assert half["attention_rate"] == 0.5
    assert not half["exact"]
    none = json.loads(show("block.pt", "--attention-rate", "0", "--json").stdout)
    assert none["exact"]
    guessed = show("block.pt").stdout
    assert "The file does not say the attention rate" in guessed
    assert "attention_rate must" in refused("block.pt", "--attention-rate", "2")
    assert "attention_rate must" in refused("block.pt", "--attention-rate", "fast")


def test_gradients_are_measured_when_asked_for():
    generator = np.random.default_rng(0)
    shapes = {
        "embed.weight": (7, 4),
        "l1.weight": (8, 4),
        "l1.bias": (8,),
        "unembed.weight": (7, 8),
    }
    torch.save({k: torch.tensor(generator.normal(size=s)) for k, s in shapes.items()}, "alpha.pt")
    assert json.loads(show("alpha.pt", "--json").stdout)["gradient_symmetricity"] is None
    found = json.loads(show("alpha.pt", "--json", "--gradients").stdout)
    assert found["gradient_symmetricity"] == pytest.approx(1.0)


@pytest.mark.external
@pytest.mark.parametrize(
    ("name", "norm"), [("clock-and-pizza/A", 22.854), ("clock-and-pizza/B", 24.814)]
)
def test_published_weights_go_by_name(name, norm):
    found = json.loads(show(name, "--json").stdout)
    assert (found["name"], found["accuracy"]) == (name, 1.0)
    assert found["norm"] == pytest.approx(norm, abs=1e-3)


# What is refused


def test_a_pickle_with_code_in_it_is_refused_and_the_code_is_not_run():
    class Trap:
        def __reduce__(self):
            return (Path.touch, (Path("sprung"),))

    Path("code.pt").write_bytes(pickle.dumps({"weights": Trap()}))
    torch.save({"weights": Trap()}, "zipped.pt")
    for name in ("code.pt", "zipped.pt"):
        assert name in refused(name)
    assert not Path("sprung").exists()


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.95])
def test_a_truncated_file_is_refused(mine, kept):
    whole = Path(mine).read_bytes()
    Path("part.pt").write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    assert "part.pt" in refused("part.pt")


def test_weights_that_are_no_numbers_are_refused_by_name():
    spoilt = {name: array.copy() for name, array in WEIGHTS.items()}
    spoilt["hidden.weight"][2, 1] = np.nan
    save_file(spoilt, "nan.safetensors")
    assert "hidden.weight must hold finite numbers only" in refused("nan.safetensors")


def test_shapes_that_do_not_fit_are_refused_with_both_names():
    save_file({**WEIGHTS, "unembed.weight": WEIGHTS["unembed.weight"][:, :5]}, "odd.safetensors")
    line = refused("odd.safetensors")
    assert "(7, 5)" in line
    assert "hidden" in line or "unembed.bias" in line


def test_a_stranger_is_refused_with_its_names_and_the_known_layouts():
    save_file({"filters": np.zeros((3, 3), np.float32)}, "stranger.safetensors")
    line = refused("stranger.safetensors")
    assert "filters" in line
    for layout in LAYOUTS:
        assert layout in line


def test_other_bad_words_are_refused_before_any_work(mine, monkeypatch):
    monkeypatch.setattr("modlib.analysis.battery.battery", None)
    Path("empty").mkdir()
    assert "nowhere.pt" in refused("nowhere.pt")
    assert "empty" in refused("empty")
    assert "layout must be one of" in refused(mine, "--layout", "resnet")
    assert "attention_rate must be left out" in refused(mine, "--attention-rate", "0.5")
    assert "member must" in refused(mine, "--member", "first")
    assert "member must be left out" in refused(mine, "--member", "0")
    assert "report must be a file in a folder that exists" in refused(mine, "--report", "empty")
    assert "report must be" in refused(mine, "--report", "no/where.ipynb")
    assert "cannot be written" in refused(mine, "--report", 300 * "x")
    assert "option must be one of" in refused(mine, "--jsn")
    refused()


# The report


@pytest.fixture
def executed(monkeypatch) -> list[dict]:
    """Parameters with which papermill would have executed the chapter."""
    import papermill

    asked = []

    def pretend(path, target, parameters):
        asked.append({"chapter": Path(path).name, **parameters})
        Path(target).write_text("{}")

    monkeypatch.setattr(papermill, "execute_notebook", pretend)
    return asked


def test_a_report_is_the_chapter_on_the_same_network(mine, executed, folder):
    done = show(mine, "--report", "out.ipynb")
    assert executed == [
        {
            "chapter": "15_your_checkpoint.ipynb",
            "checkpoint": str(folder / "mine.pt"),
            "layout": None,
            "attention_rate": None,
            "activation": None,
        }
    ]
    assert done.stdout.splitlines()[-1] == "wrote out.ipynb"
    assert (folder / "out.ipynb").exists()


def test_a_report_never_takes_the_place_of_the_weights_or_of_what_is_no_file(mine, executed):
    before = Path(mine).read_bytes()
    os.link(mine, "same.pt")
    members = {name: np.stack([array] * 2) for name, array in WEIGHTS.items()}
    save_file(members, "many.safetensors")
    for words in ((mine, mine), (mine, "same.pt"), ("many.safetensors:1", "many.safetensors")):
        assert "report must be another file" in refused(words[0], "--report", words[1])
    line = refused("many.safetensors", "--member", "1", "--report", "many.safetensors")
    assert "report must be another file" in line
    assert Path(mine).read_bytes() == before
    os.mkfifo("pipe")
    Path("dangling").symlink_to("nowhere")
    Path("link").symlink_to("target")
    Path("target").write_text("kept")
    for name in ("pipe", "dangling", "link"):
        assert "report must be no link, pipe or device" in refused(mine, "--report", name)
    assert Path("pipe").is_fifo()
    assert Path("link").is_symlink()
    assert Path("target").read_text() == "kept"
    assert executed == []


def test_a_report_on_one_of_many_is_on_that_one(executed, folder):
    members = {name: np.stack([array] * 2) for name, array in WEIGHTS.items()}
    save_file(members, "many.safetensors")
    show("many.safetensors", "--member", "1", "--report", "out.ipynb")
    assert executed[0]["checkpoint"] == str(folder / "many.safetensors:1")
    Path("many.safetensors:1").write_text("other weights")
    assert show("many.safetensors", "--member", "1").stdout.startswith("many.safetensors:1\n")
    line = refused("many.safetensors", "--member", "1", "--report", "out.ipynb")
    assert "report must be left out where there is a file of that name" in line


def test_a_report_is_refused_before_the_page_where_the_store_cannot_be_written(
    mine, executed, monkeypatch
):
    monkeypatch.setenv("MODLIB_STORE", f"{mine}/store")
    assert "MODLIB_STORE" in refused(mine, "--report", "out.ipynb")


def test_names_in_other_encodings_are_shown_and_kept_out_of_reports(mine, executed):
    odd = os.fsdecode(b"\xff.pt")
    Path(mine).rename(odd)
    assert show(odd).stdout.startswith("\ufffd.pt\n")
    assert "no UTF-8" in refused(odd, "--report", "out.ipynb")
    Path(odd).rename("plain.pt")
    assert show("plain.pt", "--report", odd).stdout.splitlines()[-1] == "wrote \ufffd.pt"


def test_with_json_the_report_is_told_beside_the_object(mine, executed):
    done = show(mine, "--report", "out.ipynb", "--json", "--layout", "two_embedding_mlp")
    json.loads(done.stdout)
    assert "wrote out.ipynb" in done.stderr
    assert executed[0]["layout"] == "two_embedding_mlp"


@pytest.mark.slow
def test_the_chapter_runs_on_a_network_without_the_rule(mine, folder):
    done = subprocess.run(
        [sys.executable, "-m", "modlib", "show", mine, "--report", "out.ipynb"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    text = (folder / "out.ipynb").read_text()
    assert "unknown parameter" not in done.stderr
    assert "does not solve a + b mod 7" in text
    assert "mine.pt" in text


def test_the_chapter_names_every_layout():
    text = (NOTEBOOKS / "15_your_checkpoint.ipynb").read_text(encoding="utf-8")
    assert [layout for layout in LAYOUTS if f"| `{layout}` |" not in text] == []
