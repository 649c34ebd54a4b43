"""Bad input is refused before any work, in one line that names argument, rule and value.

In Python, through ``python -m modlib`` and through papermill; nothing on disk is lost.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from IPython.core.interactiveshell import InteractiveShell

from modlib.cli.main import main
from modlib.config.addition import AdditionConfig
from modlib.config.presets import preset
from modlib.config.rules import require_seed
from modlib.errors import (
    InputError,
    StoreError,
    require_choice,
    require_float,
    require_int,
    shown,
    without_long_words,
)
from modlib.machine import NOTEBOOKS, resolve_device
from modlib.maths.fourier import phase, require_freq
from modlib.maths.groups import approximate_coset, remapping_unit
from modlib.runs import addition
from modlib.runs.get_or_train import get_or_train
from modlib.store.folder import MANIFEST
from modlib.store.runs import METRICS, WEIGHTS, Store

NAN, INFINITY = float("nan"), float("inf")

INTEGERS = (-1, 2.5, 7.0, NAN, True, False, "abc", "7", [7], 1 + 0j)
"""What no argument takes where an integer from 0 up is asked for."""
NUMBERS = (NAN, INFINITY, -INFINITY, -1e-9, -1, True, "0.1", None, [0.1], 1j, 10**400)
"""The same for finite numbers from 0 up."""

SETTINGS: dict[str, tuple[Any, ...]] = {
    "n": (*INTEGERS, 0, 1, 2, 4097, 10**30, None),
    "train_pairs": (*INTEGERS, 0, 91**2 + 1, 10**30),
    "embed_dim": (*INTEGERS, 0, 4097, None),
    "num_neurons": (*INTEGERS, 0, 65537, None),
    "epochs": (*INTEGERS, 10**6 + 1),
    "lr": (*NUMBERS, 10.1),
    "l2": (*NUMBERS, 10.1),
    "batch": ("m", "", "N", 91, None, True, ["n"]),
    "init": ("jax", "", "Torch", 0, None),
}
SEEDS = (*INTEGERS, 2**63, None, np.float64(3), np.bool_(True))
DEVICES = (
    *("tpu", "", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "cuda:1.0", "cuda:٣", "mps"),
    *(3, None, True, ["cpu"]),
)
ABSENT = ("cuda:9", "cuda:999")


def words(value: object) -> str:
    """A value as a message shows it, for a regular expression."""
    return re.escape(shown(value))


def refuses(call: Callable[[], object], argument: str, value: object) -> None:
    """Assert that a call is refused in one line with argument, rule and value."""
    with pytest.raises(InputError) as refusal:
        call()
    message = str(refusal.value)
    assert re.fullmatch(rf"{argument} must (be|lie|hold) .+, got {words(value)}", message), message


# In Python


@pytest.mark.parametrize("name", SETTINGS)
def test_a_configuration_refuses_each_bad_value(name):
    for value in SETTINGS[name]:
        refuses(lambda value=value: AdditionConfig(**{name: value}), name, value)


def test_a_configuration_takes_what_lies_on_the_edge():
    AdditionConfig(n=3, train_pairs=9, embed_dim=1, num_neurons=1, lr=0, l2=0, epochs=0)
    AdditionConfig(n=np.int64(4096), train_pairs=1, lr=np.float32(10), l2=10)
    with pytest.raises(InputError, match=r"train_pairs must .* at most 9, got 10"):
        AdditionConfig(n=3, train_pairs=10)


def test_an_integer_and_an_equal_float_are_one_setting():
    assert AdditionConfig(lr=1).key() == AdditionConfig(lr=1.0).key()
    assert AdditionConfig(n=np.int32(89)).key() == AdditionConfig(n=89).key()
    assert type(AdditionConfig(n=np.int32(89)).n) is int


def test_long_words_of_a_message_are_cut_and_many_choices_named_in_part():
    assert (
        without_long_words(f"/{'x' * 600} is damaged")
        == f"/{'x' * 499}... (601 letters) is damaged"
    )
    choices = [f"A{number}" for number in range(1000)]
    with pytest.raises(
        InputError, match=r"be one of A77, .*, \.\.\. \(1000 in all\), got '77'"
    ) as refusal:
        require_choice("preset", "77", choices)
    assert len(str(refusal.value)) < 300


def test_an_unknown_setting_is_refused():
    with pytest.raises(TypeError, match="modulus"):
        AdditionConfig(modulus=91)
    refuses(lambda: preset("A92"), "preset", "A92")


@pytest.fixture
def untouched(tmp_path, monkeypatch):
    """A store of its own that must stay empty, and no training."""
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(addition, "train", None)
    yield
    assert not any((tmp_path / "store").rglob("*"))


@pytest.mark.usefixtures("untouched")
def test_bad_seeds_are_refused_before_any_work():
    for seed in SEEDS:
        refuses(lambda seed=seed: require_seed(seed), "seed", seed)
        refuses(lambda seed=seed: get_or_train(AdditionConfig(), seed=seed), "seed", seed)


@pytest.mark.usefixtures("untouched")
def test_devices_that_are_no_device_are_refused_before_any_work():
    for device in DEVICES:
        refuses(lambda device=device: resolve_device(device), "device", device)
        refuses(
            lambda device=device: get_or_train(AdditionConfig(), seed=0, device=device),
            *("device", device),
        )


@pytest.mark.usefixtures("untouched")
def test_devices_that_this_machine_lacks_are_refused_before_any_work(monkeypatch):
    for device in ABSENT:
        refuses(lambda device=device: resolve_device(device), "device", device)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for device in ("cuda", "cuda:0"):
        refuses(
            lambda device=device: get_or_train(AdditionConfig(), seed=0, device=device),
            *("device", device),
        )
    assert str(resolve_device("auto")) == str(resolve_device("cpu")) == "cpu"
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert [str(resolve_device(name)) for name in ("cuda", "cuda:1")] == ["cuda", "cuda:1"]
    refuses(lambda: resolve_device("cuda:2"), "device", "cuda:2")


@pytest.mark.parametrize("n", [91, 60])
def test_a_frequency_must_be_from_1_to_half_of_n(n):
    signal = np.cos(2 * np.pi * np.arange(n) / n)
    for freq in (0, -1, n // 2 + 1, n):
        refuses(lambda freq=freq: require_freq(freq, n), "freq", freq)
        refuses(lambda freq=freq: phase(signal, freq), "freq", freq)
        refuses(lambda freq=freq: approximate_coset(n, freq, 0.0), "freq", freq)
    for freq in (1.0, True, "1", None, NAN):
        refuses(lambda freq=freq: require_freq(freq, n), "freq", freq)
    for freq in (0, n, -1):
        refuses(lambda freq=freq: remapping_unit(freq, n), "freq", freq)
    assert [require_freq(freq, n) for freq in (1, n // 2)] == [1, n // 2]


def test_half_of_an_even_n_is_a_frequency_without_phase():
    with pytest.raises(InputError, match=r"freq must differ from n / 2, .*, got 30"):
        phase(np.ones(60), 30)


@pytest.mark.parametrize(
    ("bounds", "rule"),
    [
        ({}, "be an integer"),
        ({"at_least": 1}, "be an integer at least 1"),
        ({"at_most": 5}, "be an integer at most 5"),
        ({"at_least": 1, "at_most": 5}, "be an integer at least 1 and at most 5"),
    ],
)
def test_a_rule_says_its_bounds(bounds, rule):
    with pytest.raises(InputError) as refusal:
        require_int("size", "six", **bounds)
    assert str(refusal.value) == f"size must {rule}, got 'six'"
    with pytest.raises(InputError) as refusal:
        require_float("size", NAN, **bounds)
    rule = rule.replace("an integer", "a finite number")
    assert str(refusal.value) == f"size must {rule}, got nan"


def test_what_passes_a_check_is_of_the_plain_type():
    for value in (3, np.int64(3), np.uint8(3)):
        assert type(require_int("n", value)) is int
    for value in (3, 3.0, np.float32(3), np.int8(3)):
        assert type(require_float("lr", value)) is float
        assert require_float("lr", value, at_least=3, at_most=3) == 3
    assert require_choice("batch", "n", ("n", "full")) == "n"
    assert math.copysign(1, require_float("lr", 0)) == 1


# Through python -m modlib


SEED_RULE = f"an integer at least 0 and at most {2**63 - 1}"
COMMANDS = {
    "train --n 2": "n must be an integer at least 3 and at most 4096, got 2",
    "train --n 1e2": "n must be an integer at least 3 and at most 4096, got 100.0",
    "train --n ninety": "n must be an integer at least 3 and at most 4096, got 'ninety'",
    "train --n null": "n must be an integer at least 3 and at most 4096, got None",
    "train --n 7 --train-pairs 50": "train_pairs must be an integer at least 1 and at most 49",
    "train --num-neurons 0": "num_neurons must be an integer at least 1 and at most 65536, got 0",
    "train --epochs -1": "epochs must be an integer at least 0 and at most 1000000, got -1",
    "train --lr nan": "lr must be a finite number at least 0.0 and at most 10.0, got 'nan'",
    "train --lr NaN": "lr must be a finite number at least 0.0 and at most 10.0, got nan",
    "train --lr -0.1": "lr must be a finite number at least 0.0 and at most 10.0, got -0.1",
    "train --l2 Infinity": "l2 must be a finite number at least 0.0 and at most 10.0, got inf",
    "train --l2 1e999": "l2 must be a finite number at least 0.0 and at most 10.0, got inf",
    "train --batch half": "batch must be one of full, n, got 'half'",
    "train --batch 5": "batch must be one of full, n, got 5",
    "train --init jax": "init must be one of flax, torch, got 'jax'",
    "train --seed abc": f"seed must be {SEED_RULE}, got 'abc'",
    "train --seed -1": f"seed must be {SEED_RULE}, got -1",
    "train --seed 1.0": f"seed must be {SEED_RULE}, got 1.0",
    "train --seed true": f"seed must be {SEED_RULE}, got True",
    "train --seed True": f"seed must be {SEED_RULE}, got True",
    "train --seed 9223372036854775807 --num-seeds 2": (
        f"last seed must be {SEED_RULE}, got {2**63}"
    ),
    "train --num-seeds 0": "num_seeds must be an integer at least 1 and at most 10000000, got 0",
    "train --device tpu": "device must be auto, cpu, cuda or cuda:INDEX, got 'tpu'",
    "train --device 3": "device must be auto, cpu, cuda or cuda:INDEX, got '3'",
    "train --preset B": "preset must be one of ",
    "train --sede 3": "option must be one of --seed, --num-seeds, ",
    "train --seed": "Option '--seed' requires an argument.",
    "train 7": "Got unexpected extra argument (7)",
    "trian": (
        "command must be one of claims, edition, export, new-chapter, queue, run, search, show, "
        "store, sweep, train, got"
    ),
    "--jsn": "option must be one of --version, got '--jsn'",
    "claims --jsn": "option must be one of --edition, --json, --keep, got '--jsn'",
    "export": "Missing argument 'NAME'.",
    "export A92": "preset must be one of A",
    "export B38 --partial": "preset must be one of B3",
    "export A91 --partial": "name must be a preset of paper B with --partial, got 'A91'",
    "train --preset A91 --threads abc": "threads must be an integer at least 1, got 'abc'",
    "train --p 5 --threads 0": "threads must be an integer at least 1, got 0",
    "search --p 23 --export": "export must go with the default p, steps and seed, got",
    "export A91 --num-seeds 0": "num_seeds must be an integer at least 1, got 0",
    "export A92 --sweep": "preset must be one of A",
    "export A91 --sweep --num-seeds 2.5": "num_seeds must be an integer at least 1, got 2.5",
    "export showcase --device tpu": "device must be auto, cpu, cuda or cuda:INDEX, got 'tpu'",
    "export showcase --first-seed x": "first_seed must be an integer at least 0",
    "run": "Missing argument 'CHAPTER'.",
    "run 99": "chapter must be one of 01_training, ",
    "run nowhere": "chapter must be one of 01_training, ",
    "run 4 --seed abc": f"seed must be {SEED_RULE}, got 'abc'",
    "run 4 --seed=-1": f"seed must be {SEED_RULE}, got -1",
    "run 4 --seed null": f"seed must be {SEED_RULE}, got None",
    "run 4 --n 2": "n must be an integer at least 3 and at most 4096, got 2",
    "run 4 --device tpu": "device must be auto, cpu, cuda or cuda:INDEX, got 'tpu'",
    "run 4 --device 3": "device must be auto, cpu, cuda or cuda:INDEX, got 3",
    "run 4 --sede 3": "parameter must be one of seed, n, cluster, l2, device, got 'sede'",
    f"run 15 --checkpoint {'x' * 5000}": "checkpoint must be a file or one of ",
    f"train --n {'[' * 100_000}": "n must be an integer at least 3 and at most 4096, got '[[[",
    "sweep --preset C59-rate-0 --num-seeds 1": "preset must be one of A",
    "run 4 --seed": "parameter must be followed by a value, got '--seed'",
    "run 4 seed 3": "parameter must be given as --name value, got 'seed'",
    "run 1 --train-pairs 8282": "train_pairs must be an integer at least 1 and at most 8281",
    "run 1 --n 7 --train-pairs 50": "train_pairs must be an integer at least 1 and at most 49",
    "run 4 --output no/such/folder/x.ipynb": "output must be a file in a folder that exists, got ",
    "run 1 --epochs -1": "epochs must be an integer at least 0 and at most 1000000, got -1",
    "run 4 --output .": "output must be a file in a folder that exists, got '.'",
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line_refuses_in_one_line(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, command.split(), prog_name="python -m modlib")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"modlib: {COMMANDS[command]}")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("*.ipynb"))
    assert " got " in done.stderr or "argument" in done.stderr, "the value is named"


@pytest.mark.parametrize("command", ["train --n 7 --epochs 0", "export A91", "run 4"])
def test_a_store_that_cannot_be_written_is_refused_on_the_command_line(
    command, tmp_path, monkeypatch
):
    file = tmp_path / "file"
    file.write_text("kept")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(addition, "train", None)
    for root in (file, file / "below"):
        monkeypatch.setenv("MODLIB_STORE", str(root))
        done = CliRunner().invoke(main, command.split())
        assert done.exit_code == 2
        assert done.stderr.startswith("modlib: MODLIB_STORE must be a folder that can be written (")
        assert done.stderr.endswith(f"got '{root}'\n")
    assert file.read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def small_damaged_run(root: Path, name: str) -> tuple[list[str], Path]:
    """A run with a flipped bit in one of its files, and the words that ask for it."""
    config = AdditionConfig(n=7, num_neurons=8, embed_dim=4, epochs=2)
    get_or_train(config, seed=1, device="cpu", store=Store(root), progress=False)
    folder = Store(root).of(config).folder(1)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 4
    (folder / name).write_bytes(content)
    asked = "train --n 7 --num-neurons 8 --embed-dim 4 --epochs 2 --seed 1"
    return asked.split(), folder


@pytest.mark.parametrize("name", [WEIGHTS, METRICS])
def test_a_damaged_run_is_refused_on_the_command_line_and_kept(tmp_path, monkeypatch, name):
    asked, folder = small_damaged_run(tmp_path, name)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path))
    monkeypatch.setattr(addition, "train", None)
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"modlib: {folder / name} does not match the sha256 in its manifest; "
        f"move {folder} away to train this seed again\n"
    )
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def modlib_process(words: list[str], store: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MODLIB_STORE": str(store), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "modlib", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_python_m_modlib_itself_refuses_without_a_traceback(tmp_path):
    asked, folder = small_damaged_run(tmp_path, WEIGHTS)
    done = modlib_process(asked, tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"modlib: {folder / WEIGHTS} does not match the sha256")
    assert done.stderr.count("\n") == 1


# Through papermill


def papermill_process(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MODLIB_STORE": str(folder / "store"), "OMP_NUM_THREADS": "1"}
    chapter, output = NOTEBOOKS / "04_clusters.ipynb", folder / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(chapter), str(output), *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240
    )


@pytest.mark.parametrize(
    ("words", "last_line"),
    [
        (
            "-p seed abc",
            f"InputError: seed must be {SEED_RULE}, got 'abc'",
        ),
        (
            "-p sede 3",
            "InputError: parameter must be one of seed, n, cluster, l2, device, got 'sede'",
        ),
    ],
    ids=["value", "name"],
)
def test_papermill_ends_with_the_refusal(tmp_path, words, last_line):
    done = papermill_process(tmp_path, *words.split())
    assert done.returncode != 0
    # A kernel that shuts down may add remarks of its own after the refusal.
    assert last_line in done.stderr.splitlines()
    assert not (tmp_path / "store").exists()


def test_papermill_refuses_a_damaged_run_and_keeps_it(tmp_path):
    folder = Store(tmp_path / "store").of(AdditionConfig(n=97)).folder(5)
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(b"what a broken copy left")
    done = papermill_process(tmp_path, "-p", "n", "97", "-p", "seed", "5")
    assert done.returncode != 0
    assert (
        f"StoreError: {folder / MANIFEST} is missing: the folder holds no finished "
        f"result; move {folder} away to train this seed again"
    ) in done.stderr.splitlines()
    assert (folder / WEIGHTS).read_bytes() == b"what a broken copy left"


def test_a_refusal_is_an_error_of_python_too():
    assert issubclass(InputError, ValueError)
    assert issubclass(StoreError, RuntimeError)


@pytest.mark.parametrize("refusal", [InputError("n", "be odd", 4), StoreError("cannot read x")])
def test_a_notebook_shows_a_refusal_in_one_line(refusal, capsys):
    shell = InteractiveShell()
    shell.user_ns["refusal"] = refusal
    shell.run_cell("def deep():\n    raise refusal\n\ndeep()")
    assert capsys.readouterr().out.strip() == f"{type(refusal).__name__}: {refusal}"


def test_a_long_value_is_cut():
    assert len(str(InputError("n", "be odd", "7" * 5000))) < 600
    assert "(5,002 letters)" in str(InputError("n", "be odd", "7" * 5000))
