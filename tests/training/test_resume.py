"""The one road of all trainings, gone by each family: killed, resumed, refused, diverged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.remainders import RemaindersConfig
from modlib.errors import DivergedError, StoreError
from modlib.store.checkpoint import Checkpoint
from modlib.tasks.addition import AdditionTask
from modlib.tasks.remainders import RemaindersTask
from modlib.training import resume
from modlib.training.addition import loop, network, single
from modlib.training.clock_pizza import train as clock_pizza
from modlib.training.remainders import train as remainders
from modlib.training.remainders.neuron_zero import FirstNeurons, NeuronZero
from modlib.training.resume import Probe, pause_s

SEED, TOTAL = 5, 60
State = dict[str, np.ndarray]


@dataclass(frozen=True)
class Family:
    """A small network and how it is trained; names of its parameters, second moments and times."""

    task: Any
    module: Any
    options: Callable[[Any], dict[str, Any]]
    parameter: str
    second: str
    times: str
    diverges: Mapping[str, Any]
    draws: Any = None

    @property
    def of_addition(self) -> bool:
        """Whether it is of paper A."""
        return self.module in (loop, single)

    def train(self, task: Any = None, **options: Any) -> Any:
        task = task or self.task
        return self.module.train(task, **self.options(task), progress=False, **options)

    def other(self, seed: int = SEED, **settings: Any) -> Any:
        return type(self.task)(replace(self.task.config, **settings), seed)


def of_addition(task: AdditionTask) -> dict[str, Any]:
    probe = Probe(
        times=[0, 1, 30, 60], measure=lambda model: {"bias": model.hidden.bias.detach().numpy()}
    )
    return {"device": torch.device("cpu"), "probes": [probe]}


def of_remainders(task: RemaindersTask) -> dict[str, Any]:
    probe = Probe(times=[0, 1, 30, 60], measure=lambda step: {"sum": step.neurons().sum(0)})
    followers = {"zero": NeuronZero(task.config.p, [0, 30, 60]), "first": FirstNeurons(task)}
    return {"probes": [probe], "followers": followers}


FAMILIES = {
    "addition": Family(
        AdditionTask(AdditionConfig(n=7, embed_dim=4, num_neurons=8, epochs=TOTAL), SEED),
        loop,
        of_addition,
        *("model/hidden.weight", "adam/0/exp_avg_sq", "history"),
        {"lr": 10.0, "epochs": 3},
    ),
    "addition, full batch": Family(
        AdditionTask(AdditionConfig(n=7, num_neurons=8, batch="full", epochs=TOTAL), SEED),
        loop,
        of_addition,
        *("model/hidden.weight", "adam/0/exp_avg_sq", "weight_history"),
        {"lr": 10.0, "epochs": 3},
    ),
    "addition, compiled": Family(
        AdditionTask(AdditionConfig(n=7, embed_dim=4, num_neurons=8, epochs=TOTAL), SEED),
        single,
        of_addition,
        *("model/hidden.weight", "adam/0/exp_avg_sq", "history"),
        {"lr": 10.0, "epochs": 3},
        network,
    ),
    "addition, compiled, full batch": Family(
        AdditionTask(AdditionConfig(n=7, num_neurons=8, batch="full", epochs=TOTAL), SEED),
        single,
        of_addition,
        *("model/hidden.weight", "adam/0/exp_avg_sq", "weight_history"),
        {"lr": 10.0, "epochs": 3},
        network,
    ),
    "remainders": Family(
        RemaindersTask(RemaindersConfig(p=5, embed_dim=8, heads=2, steps=TOTAL), SEED),
        remainders,
        of_remainders,
        *("theta", "second", "log/steps"),
        {"weight_decay": 1000.0, "steps": 600},
    ),
    "clock and pizza": Family(
        AdditionTask(ClockPizzaConfig(n=5, embed_dim=8, heads=2, num_neurons=12, steps=60), SEED),
        clock_pizza,
        lambda task: {},
        *("theta", "second", "rows"),
        {"weight_decay": 1000.0, "lr": 10.0, "warmup": 0, "steps": 2000},
    ),
}


class Killed(BaseException):
    """Stands for a kill: nothing on the way catches it."""


@pytest.fixture(params=FAMILIES)
def family(request) -> Family:
    return FAMILIES[request.param]


@pytest.fixture
def checkpoint(tmp_path, monkeypatch) -> Checkpoint:
    """A checkpoint that is written after every epoch or step."""
    monkeypatch.setattr(resume, "pause_s", lambda took: 0.0)
    return Checkpoint(tmp_path / "partial")


def kill_at(family: Family, checkpoint: Checkpoint, done: int, monkeypatch) -> State:
    """Train until ``done`` epochs or steps are made and saved; returns the state."""
    save = Checkpoint.save

    def save_and_die(self, tensors):
        if tensors["progress"][0] == done:
            save(self, tensors)
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_and_die)
        with pytest.raises(Killed):
            family.train(checkpoint=checkpoint)
    state = checkpoint.load()
    assert state is not None
    return state


def bits(value: Any) -> Any:
    """What is left of a training, in bytes; times are another matter."""
    if isinstance(value, Mapping):
        return {name: bits(part) for name, part in value.items()}
    if hasattr(value, "to_csv"):
        return value.to_csv(), value.dtypes.to_dict()
    return np.asarray(value).tobytes()


def left(trained: Any) -> dict[str, Any]:
    timing = ("wall_s", "steps_per_second")
    return {name: bits(part) for name, part in vars(trained).items() if name not in timing}


def test_a_training_killed_and_resumed_ends_with_the_same_bits(family, checkpoint, monkeypatch):
    whole = left(family.train())
    for done in (1, 30, 31, TOTAL):
        assert kill_at(family, checkpoint, done, monkeypatch)["progress"][0] == done
    assert left(family.train(checkpoint=checkpoint)) == whole


def test_time_is_counted_over_all_sessions(family, checkpoint, monkeypatch):
    state = kill_at(family, checkpoint, 30, monkeypatch)
    checkpoint.save(state | {"progress": np.array([30.0, 1000.0])})
    trained = family.train(checkpoint=checkpoint)
    assert 1000 < trained.wall_s < 1100
    assert trained.steps_per_second < 1


def test_states_of_older_versions_without_key_and_seed_are_gone_on_with(
    family, checkpoint, monkeypatch
):
    state = kill_at(family, checkpoint, 30, monkeypatch)
    checkpoint.save({k: v for k, v in state.items() if k not in ("key", "seed")})
    assert left(family.train(checkpoint=checkpoint)) == left(family.train())


def without(name: str) -> Callable[[State, Family], State]:
    return lambda state, family: {k: v for k, v in state.items() if k != (name or family.parameter)}


def with_progress(*progress: float) -> Callable[[State, Family], State]:
    return lambda state, family: state | {"progress": np.array(progress)}


def changed(
    attribute: str, change: Callable[[np.ndarray], np.ndarray]
) -> Callable[[State, Family], State]:
    def spoil(state: State, family: Family) -> State:
        name = getattr(family, attribute)
        return state | {name: change(state[name])}

    return spoil


SPOILED = {
    "empty": (lambda state, family: {}, "does not say how far it is"),
    "no progress": (without("progress"), "does not say how far it is"),
    "too far": (with_progress(1e6, 1.0), "does not say how far it is"),
    "a step between": (with_progress(29.5, 1.0), "does not say how far it is"),
    "before the first": (with_progress(-1.0, 1.0), "does not say how far it is"),
    "nowhere": (with_progress(np.nan, 1.0), "does not say how far it is"),
    "negative time": (with_progress(30.0, -1.0), "does not say how far it is"),
    "three numbers": (with_progress(30.0, 1.0, 1.0), "does not say how far it is"),
    "of another step": (with_progress(50.0, 1.0), "expected"),
    "a missing array": (without(""), "is missing"),
    "a foreign array": (lambda s, f: s | {"snapshot/8/tok": np.zeros(3)}, "tok is not expected"),
    "shorter": (changed("parameter", lambda a: a[:-1]), "has shape"),
    "integers": (changed("parameter", lambda a: a.astype(np.int32)), "holds int32, expected"),
    "doubles": (changed("parameter", lambda a: a.astype(float)), "holds float64, expected"),
    "not finite": (changed("parameter", lambda a: a * np.nan), "not finite"),
    "second moments not finite": (changed("second", lambda a: a + np.inf), "not finite"),
    "negative second moments": (changed("second", lambda a: a - 1), r"has numbers below 0\.0"),
    "fewer times": (changed("times", lambda a: a[1:]), "has shape"),
    "other times": (changed("times", lambda a: a + a.dtype.type(1)), "was not made after"),
    "another seed": (lambda s, f: s | {"seed": np.array(6)}, "its seed is another"),
    "another key": (lambda s, f: s | {"key": s["key"][::-1].copy()}, "its key is another"),
}


@pytest.mark.parametrize(("spoil", "reason"), SPOILED.values(), ids=SPOILED)
def test_a_state_that_is_none_of_the_trainings_is_refused_and_kept(
    family, checkpoint, monkeypatch, spoil, reason
):
    checkpoint.save(spoil(kill_at(family, checkpoint, 30, monkeypatch), family))
    before = {path.name: path.read_bytes() for path in checkpoint.path.iterdir()}
    refusal = rf"^\S*{checkpoint.path.name} is of another training or damaged \(.*{reason}"
    with pytest.raises(StoreError, match=refusal) as refused:
        family.train(checkpoint=checkpoint)
    assert "\n" not in str(refused.value)
    assert {path.name: path.read_bytes() for path in checkpoint.path.iterdir()} == before


def test_the_state_of_another_seed_or_configuration_is_refused(family, checkpoint, monkeypatch):
    kill_at(family, checkpoint, 30, monkeypatch)
    with pytest.raises(StoreError, match="its seed is another"):
        family.train(family.other(seed=6), checkpoint=checkpoint)
    with pytest.raises(StoreError, match="its key is another"):
        family.train(family.other(lr=0.5), checkpoint=checkpoint)


def test_numbers_that_are_not_finite_at_the_start_are_told_in_one_line(family, monkeypatch):
    """Whatever is looked at afterwards would say something else."""
    draws = family.draws or family.module
    drawn = draws.initial_weights

    def spoiled(config, seed):
        return {name: array * np.float32(np.nan) for name, array in drawn(config, seed).items()}

    monkeypatch.setattr(draws, "initial_weights", spoiled)
    names = "lr and l2" if family.of_addition else "lr and weight_decay"
    unit = "epoch" if family.of_addition else "step"
    refusal = rf"^{names} must keep the training's numbers finite \(after {unit} 0 they are not\)"
    with pytest.raises(DivergedError, match=refusal) as refused:
        family.train()
    assert "\n" not in str(refused.value)


def test_a_training_that_diverges_on_its_way_says_so_again_and_again(
    family, checkpoint, monkeypatch
):
    """And no state with such numbers is saved."""
    task = family.other(**family.diverges)
    if family.of_addition:  # Adam's steps are bounded: what goes wrong is planted
        kind = loop.LoopTraining if family.module is loop else single.CompiledTraining
        advance = kind.advance

        def spoil(self, done):
            advance(self, done)
            if done:
                weights = self.weights()
                weights["hidden.bias"][:] = np.nan
                self.take_up(weights, self.slots())

        monkeypatch.setattr(kind, "advance", spoil)
    refusal = r"finite \(after (step|epoch) \d+ they are not\), got \("
    for _ in range(2):
        with pytest.raises(DivergedError, match=refusal):
            family.train(task, checkpoint=checkpoint)
        state = checkpoint.load()
        assert state is None or np.isfinite(state[family.parameter]).all()


def test_saving_takes_a_hundredth_of_the_time_at_most():
    assert pause_s(0.0) == pause_s(0.05) == 5.0
    assert pause_s(1.0) == 100.0


def test_a_state_is_saved_when_its_time_has_come(family, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(Checkpoint, "save", lambda self, tensors: saved.append(tensors))
    family.train(checkpoint=Checkpoint(tmp_path / "partial"))
    assert len(saved) < 5, "at most every five seconds"
    monkeypatch.setattr(resume, "pause_s", lambda took: 0.0)
    family.train(checkpoint=Checkpoint(tmp_path / "partial"))
    assert [int(state["progress"][0]) for state in saved[-TOTAL:]] == list(range(1, TOTAL + 1))
