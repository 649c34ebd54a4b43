"""Training of paper B's transformer: what is logged, killed runs, the store."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from modlib.analysis.remainders.active_sets import counts_as_coded
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.errors import InputError
from modlib.models.transformer import build
from modlib.runs import remainders as runs_of_remainders
from modlib.runs.get_or_train import get_or_train
from modlib.runs.remainders import RemaindersRun, spectrum_steps, unfinished
from modlib.store.runs import Store
from modlib.store.schema import Array
from modlib.tasks.remainders import RemaindersTask, digits, moduli, primes_below
from modlib.training import resume
from modlib.training.remainders import schedule
from modlib.training.remainders.neuron_zero import (
    NUM_FOLLOWED,
    WINDOW,
    FirstNeurons,
    NeuronZero,
    coded_epochs,
    first_neurons,
)
from modlib.training.remainders.schedule import evaluation_steps, log_spaced
from modlib.training.remainders.step import FastStep
from modlib.training.remainders.train import train
from modlib.training.resume import Probe

TINY = RemaindersConfig(p=11, embed_dim=16, heads=2, steps=600, train_fraction=0.8)

SERVER = """
import os, sys
from dataclasses import replace
from pathlib import Path
from modlib.config.remainders import RemaindersConfig
from modlib.store.runs import Store
from modlib.tasks.remainders import RemaindersTask
from modlib.training import resume
from modlib.training.remainders.train import train
from modlib.runs.get_or_train import get_or_train
resume.pause_s = lambda took: 0.0
config = {config!r}
short = RemaindersTask(replace(config, steps=2), 0)
train(short, progress=False)  # compiled before the first fork
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.write(1, b"begun\\n")
        get_or_train(
            config, seed=5, threads=int(line), store=Store(Path(sys.argv[1])), progress=False
        )
        os._exit(0)
    os.write(1, f"{{child}}\\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(1, f"ended {{status}}\\n".encode())
"""


@contextmanager
def server(root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has loaded all it needs, and trains in a child for each line."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER.format(config=TINY), str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RemaindersRun:
    store = Store(tmp_path_factory.mktemp("whole"))
    return get_or_train(TINY, seed=5, store=store, progress=False)


def same(one: RemaindersRun, other: RemaindersRun) -> None:
    for name in ("weights", "spectra", "neuron_zero", "first_neurons"):
        left, right = getattr(one, name), getattr(other, name)
        assert left.keys() == right.keys()
        for key in left:
            np.testing.assert_array_equal(left[key], right[key])
    assert one.snapshots.keys() == other.snapshots.keys()
    for step, weights in one.snapshots.items():
        for key in weights:
            np.testing.assert_array_equal(weights[key], other.snapshots[step][key])
    pd.testing.assert_frame_equal(one.history, other.history)
    pd.testing.assert_frame_equal(one.norms, other.norms)


def test_a_run_killed_ten_times_ends_equal_to_one_that_was_not(run, tmp_path):
    moment, store = random.Random(0), Store(tmp_path)
    killed, reached = 0, [0]
    with server(tmp_path) as process:
        for attempt in range(11):
            process.stdin.write(f"{1 + attempt % 2}\n")
            process.stdin.flush()
            words = {process.stdout.readline().strip(), process.stdout.readline().strip()}
            (child,) = words - {"begun"}
            if attempt < 10:
                time.sleep(moment.uniform(0.05, 0.25))
                while attempt in (3, 7) and 5 not in store.of(TINY):  # on a slow machine as well
                    state = unfinished(TINY, seed=5, store=store)
                    if state and state.steps > reached[-1]:
                        break
                    time.sleep(0.01)
                os.kill(int(child), signal.SIGKILL)
            status = int(process.stdout.readline().split()[1])
            killed += os.WIFSIGNALED(status)
            state = unfinished(TINY, seed=5, store=store)
            reached.append(state.steps if state else reached[-1])
    assert killed == 10, "none was through before it was killed"
    assert reached == sorted(reached), "a state that was saved is never lost"
    assert 0 < reached[-2] < TINY.steps
    assert 5 in store.of(TINY)
    same(get_or_train(TINY, seed=5, store=store, progress=False), run)
    assert unfinished(TINY, seed=5, store=store) is None


def test_another_seed_gives_another_network(run, tmp_path):
    short = replace(TINY, steps=3)
    first, second = (
        get_or_train(short, seed=seed, store=Store(tmp_path), progress=False) for seed in (5, 6)
    )
    assert not np.array_equal(first.weights["tok"], second.weights["tok"])


def test_the_history_has_a_row_a_step_split_and_task(run):
    wanted = len(evaluation_steps(TINY)) * 2 * len(moduli(TINY))
    assert len(run.history) == wanted
    assert set(run.history.split) == {"train", "validation"}
    assert run.history.accuracy.between(0, 1).all()
    first = run.history[run.history.step == 0]
    np.testing.assert_allclose(first.loss, np.log(first.q), rtol=1.0)
    last = run.history[(run.history.step == TINY.steps) & (run.history.split == "train")]
    assert last.accuracy.mean() > 0.9
    assert run.steps == TINY.steps


def test_a_validation_set_leaves_a_test_set(tmp_path):
    config = replace(TINY, steps=2, num_validation=10)
    run = get_or_train(config, seed=0, store=Store(tmp_path), progress=False)
    assert set(run.history.split) == {"train", "validation", "test"}
    split = RemaindersTask(config, 0).split
    assert [len(split[name]) for name in ("train", "validation", "test")] == [96, 10, 15]
    assert sorted(np.concatenate(list(split.values()))) == list(range(121))


def test_gradient_norms_are_those_of_the_module(run):
    table = run.norms.set_index(["step", "parameter"])
    assert (table.raw > 0).all()
    first = table.loc[1]
    np.testing.assert_allclose(first.filtered, first.raw * (1 + TINY.lam * (1 - TINY.alpha)), 1e-4)
    assert set(run.norms.step) == set(evaluation_steps(TINY)) - {0}


def test_spectra_and_snapshots_are_taken_at_their_steps(run):
    steps = spectrum_steps(TINY)
    assert list(run.spectrum_steps) == list(steps)
    assert run.spectra["magnitude"].shape == (len(steps), 11, 11)
    assert run.spectra["attention"].shape == (len(steps), 2, 3)
    np.testing.assert_allclose(run.spectra["attention"].sum(-1), 1, rtol=1e-5)
    assert run.spectra["power"].shape == (len(steps), 11, 6)
    assert run.spectra["character_power"].shape == run.spectra["character"].shape
    assert run.neuron_zero["smoothed"].shape == (len(steps), 11, 6)
    assert run.first_neurons["smoothed"].shape == (15, NUM_FOLLOWED, 6)
    assert run.first_neurons["smoothed"].any((1, 2)).all()
    assert list(run.snapshots) == [256, 512]


class Recorder:
    """Keeps neuron 0's spectrum of every step, and the weights they come from."""

    def __init__(self) -> None:
        self.images: list[np.ndarray] = []
        self.from_neurons: list[np.ndarray] = []

    def state(self) -> dict[str, np.ndarray]:
        return {}

    def arrays(self, done: int) -> dict[str, Array]:
        return {}

    def restore(self, state) -> None:
        raise AssertionError(state)

    def follow(self, step, network, tables) -> None:
        assert step == len(self.images)
        self.images.append(first_neurons(network, tables, 1)[0])
        by_x = network.neurons()[:, 0].reshape(11, 11)
        self.from_neurons.append(by_x.T if network.config.digits == "low_first" else by_x)


@pytest.mark.parametrize("order", ["low_first", "high_first"])
def test_neuron_zero_is_followed_at_every_step(order):
    config = replace(TINY, steps=20, digits=order)
    record, zero = Recorder(), NeuronZero(11, [0, 1, 7, 20])
    train(RemaindersTask(config, 5), followers={"all": record, "zero": zero}, progress=False)
    np.testing.assert_allclose(record.images, record.from_neurons, atol=1e-5)
    magnitudes = np.abs(np.fft.rfft2(record.images))
    magnitudes[:, 0, 0] = 0
    assert len(magnitudes) == 21
    smoothed = [magnitudes[max(0, s + 1 - WINDOW) : s + 1].mean(0) for s in (0, 1, 7, 20)]
    np.testing.assert_allclose(zero.smoothed, smoothed, rtol=1e-5)


class Weights:
    """Keeps the parameters after every step."""

    def __init__(self) -> None:
        self.after: list[dict[str, np.ndarray]] = []

    def state(self) -> dict[str, np.ndarray]:
        return {}

    def arrays(self, done: int) -> dict[str, Array]:
        return {}

    def restore(self, state) -> None:
        raise AssertionError(state)

    def follow(self, step, network, tables) -> None:
        assert step == len(self.after)
        self.after.append({name: at.copy() for name, at in network.parameters.items()})


def activations(config, weights, keep=None) -> np.ndarray:
    """What the module's feed-forward layer holds for all numbers, (high, low, neuron)."""
    model = build(config, weights).double()
    held = {name: value.double() for name, value in model.named_parameters()}
    x0, x1 = (torch.from_numpy(digit) for digit in digits(config))
    with torch.no_grad():
        tokens = torch.stack([x0, x1, torch.full_like(x0, config.p)], dim=1)
        stream = held["tok"][tokens] + held["pos"]
        stream = (stream + model.attention(stream))[:, -1]
        if keep is not None:
            stream = stream * torch.from_numpy(keep).double()
        return torch.relu(stream @ held["w_in"]).reshape(config.p, config.p, -1).numpy()


@pytest.mark.parametrize(("order", "share"), [("high_first", 0.1), ("low_first", 0.0)])
def test_the_first_neurons_are_followed_as_the_authors_program_does(order, share):
    """A transcription of its steps, every epoch logged."""
    config = replace(TINY, steps=40, digits=order, dropout=share)
    record, first = Weights(), FirstNeurons(RemaindersTask(config, 5))
    train(RemaindersTask(config, 5), followers={"all": record, "first": first}, progress=False)
    train_x = RemaindersTask(config, 5).split["train"]
    spectra = []
    for epoch in range(40):
        masks = schedule.dropout(config, 5, epoch)
        seen = activations(config, record.after[epoch], None if masks is None else masks[0])
        held_out = activations(config, record.after[epoch + 1])
        image = held_out.reshape(121, -1)
        image[train_x] = seen.reshape(121, -1)[train_x]
        image = image.reshape(11, 11, -1)
        if order == "low_first":
            image = image.swapaxes(0, 1)
        dropped = image[1:, 1:, :NUM_FOLLOWED].transpose(2, 0, 1)
        spectra.append(np.abs(np.fft.rfft2(dropped)).mean(axis=1))
    series = np.array(spectra)[:, 0].T  # (freq, epoch) of neuron 0
    smoothed = np.array([np.convolve(row, np.ones(3) / 3, mode="valid") for row in series])
    assert smoothed.shape == (6, 38)
    columns = np.clip(np.logspace(0, np.log10(38), 15, dtype=int) - 1, 0, 37)
    table = smoothed[:, columns]
    np.testing.assert_allclose(first.smoothed[:, 0].T, table, rtol=1e-4)
    assert (first.epochs == columns + 1).all()
    shares = table / table.sum(axis=1, keepdims=True)
    active = (shares > shares.mean() + shares.std()).sum(0)
    assert counts_as_coded(first.smoothed[:, 0]).tolist() == active.tolist()


def test_the_columns_of_figure_16_are_168_at_the_papers_size():
    epochs = coded_epochs(REMAINDERS_PRESETS["B113-code"])
    assert len(epochs) == 168
    assert epochs[0] == 1
    assert epochs[-1] in (65533, 65534)  # 10 ** log10(65534), rounded and cut
    assert (np.diff(epochs) >= 0).all()
    assert len(coded_epochs(replace(TINY, steps=2))) == 0
    assert coded_epochs(replace(TINY, steps=3)).tolist() == [1] * 15


def test_one_mask_a_number_is_not_what_the_authors_program_has(tmp_path):
    config = replace(TINY, steps=3, dropout_mask="sample")
    run = get_or_train(config, seed=5, store=Store(tmp_path), progress=False)
    assert run.first_neurons == {}


def test_a_run_begun_with_fewer_measurements_goes_on_without_the_new_ones(tmp_path, monkeypatch):
    """And ends with the same network."""
    config, store = replace(TINY, steps=12), Store(tmp_path)
    place = store.of(config).checkpoint(5, "cpu")
    saved: dict[str, np.ndarray] = {}

    class Stop(Exception):
        pass

    def stop(step, *_):
        if step == 7:
            raise Stop

    monkeypatch.setattr(resume, "pause_s", lambda took: 0.0)
    steps = spectrum_steps(config).tolist()
    stopping = type("Stopping", (Weights,), {"follow": lambda self, step, *_: stop(step)})()
    zero = NeuronZero(11, steps)
    whole, later = runs_of_remainders._probe(config), ("spectra/power", "spectra/character_power")

    def fewer(network) -> dict[str, np.ndarray]:
        return {name: a for name, a in whole.measure(network).items() if name not in later}

    probe = Probe(times=steps, measure=fewer)
    with pytest.raises(Stop):
        train(
            RemaindersTask(config, 5),
            followers={"neuron_zero": zero, "stop": stopping},
            probes=[probe],
            checkpoint=place,
            progress=False,
        )
    saved = place.load()
    assert saved is not None
    assert saved["progress"][0] == 7
    run = get_or_train(config, seed=5, store=store, progress=False)
    assert run.first_neurons == {}
    assert {"live", "magnitude", "step"} < run.spectra.keys()
    assert not {"power", "character_power"} & run.spectra.keys()
    plain = train(RemaindersTask(config, 5), progress=False)
    for name, value in plain.weights.items():
        np.testing.assert_array_equal(value, run.weights[name])


def test_followers_and_probes_do_not_change_the_training(run):
    plain = train(RemaindersTask(TINY, 5), progress=False)
    for name, value in plain.weights.items():
        np.testing.assert_array_equal(value, run.weights[name])


def test_log_spaced_steps_hold_the_powers_of_two_and_both_ends():
    for steps in (1, 2, 3, 500, 65536):
        spaced = log_spaced(steps, 48)
        powers = {2**k for k in range(17) if 2**k <= steps}
        assert {0, steps, *powers} <= set(spaced.tolist())
        assert len(spaced) <= 48 + 20
    assert log_spaced(0, 48).tolist() == [0]


def test_an_untrained_network_is_its_initialisation(tmp_path):
    config = TINY.untrained()
    run = get_or_train(config, seed=5, store=Store(tmp_path), progress=False)
    step = FastStep(RemaindersTask(config, 5), run.weights)
    assert run.steps == 0
    assert len(run.norms) == 0
    assert len(run.history) == 2 * len(moduli(config))
    np.testing.assert_array_equal(step.parameters["tok"], run.weights["tok"])


def test_what_memory_cannot_hold_is_refused_before_any_work():
    with pytest.raises(InputError, match="p and embed_dim must need no more memory than"):
        train(RemaindersTask(RemaindersConfig(p=1009, embed_dim=4096), 0))


def test_the_number_of_threads_of_the_linear_algebra_does_not_matter():
    program = """
from hashlib import sha256
from modlib.config.remainders import RemaindersConfig
from modlib.tasks.remainders import RemaindersTask
from modlib.training.remainders.train import train
config = RemaindersConfig(p=113, embed_dim=256, train_fraction=0.01, steps=2)
trained = train(RemaindersTask(config, 0), progress=False)
parts = [*trained.weights.values(), trained.norms.raw.to_numpy()]
print(sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""
    ends = set()
    for threads in ("1", "2"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        ends.add(done.stdout)
    assert len(ends) == 1


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("p", bad) for bad in (4, 3, 9, 1, 0, -7, 2.5, True, "11", 10**6, None)),
        *(("task", bad) for bad in ("mod", "", None, 3)),
        *(("digits", bad) for bad in ("low", 0)),
        *(("train_fraction", bad) for bad in (0, 1, -0.1, 1.5, float("nan"), "half", 1e-9)),
        *(("num_validation", bad) for bad in (0, -1, 10**6, 2.5)),
        *(("embed_dim", bad) for bad in (0, -1, 1.5)),
        *(("heads", bad) for bad in (0, 3, 256, -4)),
        *(("dropout", bad) for bad in (1, 1.5, -0.1, float("nan"))),
        *(("dropout_mask", bad) for bad in ("token", None)),
        *(("lr", bad) for bad in (-1, float("inf"))),
        *(("weight_decay", bad) for bad in (-1, float("nan"))),
        *(("lam", bad) for bad in (-0.5, float("nan"))),
        *(("alpha", bad) for bad in (1, -0.1)),
        *(("steps", bad) for bad in (-1, 1.5, True, "many")),
        *(("matmul", bad) for bad in ("float16", None)),
    ],
)
def test_bad_settings_are_refused(argument, value):
    with pytest.raises(InputError, match=f"^{argument} must "):
        RemaindersConfig(**{argument: value})


def test_the_masked_task_needs_a_task_that_is_not_masked():
    with pytest.raises(InputError, match="p must be at least 13"):
        RemaindersConfig(p=11, task="masked")


def test_presets_have_the_papers_settings():
    text, code = REMAINDERS_PRESETS["B113-text"], REMAINDERS_PRESETS["B113-code"]
    assert (text.num_train, code.num_train) == (3830, 6384)
    assert (text.num_validation, code.num_validation) == (1000, None)
    for paper in (text, code):
        assert (paper.embed_dim, paper.heads, paper.dropout, paper.lam) == (256, 4, 0.1, 0.5)
        assert (paper.lr, paper.steps, len(moduli(paper))) == (3e-4, 65536, 29)
    assert moduli(text).sum() == 1480
    assert len({config.key() for config in REMAINDERS_PRESETS.values()}) == len(REMAINDERS_PRESETS)


def test_tasks_are_remainders_of_the_number_that_the_digits_write():
    for order in ("low_first", "high_first"):
        config = RemaindersConfig(p=13, digits=order)
        x0, x1 = digits(config)
        x = x0 + 13 * x1 if order == "low_first" else 13 * x0 + x1
        np.testing.assert_array_equal(x, np.arange(169))
        np.testing.assert_array_equal(RemaindersTask(config, 0).answers[:, 3], x % 7)
    shuffled = RemaindersTask(RemaindersConfig(p=13, task="basis"), 0).answers
    straight = RemaindersTask(RemaindersConfig(p=13), 0).answers
    assert not np.array_equal(shuffled, straight)
    assert sorted(map(tuple, shuffled)) == sorted(map(tuple, straight))
    x0, x1 = digits(RemaindersConfig(p=13, task="nanda"))
    added = RemaindersTask(RemaindersConfig(p=13, task="nanda"), 0).answers
    np.testing.assert_array_equal(added[:, 0], (x0 + x1) % 13)
    assert primes_below(30).tolist() == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
    assert schedule.FIRST_SNAPSHOT == 256
