"""The first names of ``modlib`` with any argument: an answer, or a refusal in one line.

What is public is ``modlib.FIRST_NAMES`` with what these give; everything else may change and is
checked by its own tests only. ``$MODLIB_TRIES``: how many arguments each is given.
"""

from __future__ import annotations

import math
import os
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

import modlib
from modlib.errors import InputError, Refusal

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
arrays = pytest.importorskip("hypothesis.extra.numpy").arrays

tried = hypothesis.settings(
    max_examples=int(os.environ.get("MODLIB_TRIES", "40")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
CONFIGS = [getattr(modlib, f"{name}Config") for name in ("Addition", "ClockPizza", "Remainders")]

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-2, 300),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=5),
    st.lists(st.integers(-2, 5), max_size=3),
    st.just(np.float32("nan")),
    st.just(np.int64(7)),
    st.just(np.zeros(2)),
    st.just(10**5000),
    st.just(object()),
)


def in_one_line(refusal: Refusal) -> None:
    """What every refusal is."""
    said = str(refusal)
    assert said
    assert "\n" not in said
    assert len(said) <= 1200


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__name__)
@tried
@hypothesis.given(data=st.data())
def test_a_configuration_is_made_or_refused(config, data):
    names = [field.name for field in fields(config)]
    chosen = data.draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    values: dict[str, Any] = {name: data.draw(anything) for name in chosen}
    try:
        made = config(**values)
    except InputError as refusal:
        in_one_line(refusal)
        return
    assert len(made.key()) == 16
    for name in names:
        value = getattr(made, name)
        assert not isinstance(value, float) or math.isfinite(value)


@tried
@hypothesis.given(seed=anything, device=anything, threads=anything)
def test_a_run_is_given_or_refused(seed, device, threads):
    config = modlib.AdditionConfig(n=5, embed_dim=2, num_neurons=2, epochs=0)
    try:
        run = modlib.get_or_train(config, seed=seed, device=device, threads=threads, progress=False)
    except InputError as refusal:
        in_one_line(refusal)
        return
    assert run.seed == seed
    assert all(np.isfinite(array).all() for array in run.weights.values())


numbers = st.sampled_from(["float32", "float64", "int64", "bool", "complex64", "O", "U1"])


@tried
@hypothesis.given(
    data=st.data(),
    n=st.one_of(st.integers(3, 6), st.none(), st.integers(-2, 300), st.integers(-(2**70), 2**70)),
)
def test_the_battery_answers_or_refuses_and_a_nan_is_no_number(data, n):
    columns = data.draw(st.integers(0, 7))
    dtype = data.draw(numbers)
    spoiled = data.draw(st.sampled_from([None, math.nan, math.inf, -math.inf]))
    shape = data.draw(st.sampled_from(["pairs", "pairs", "flat", "one less", "three axes"]))

    def answers(a: np.ndarray, b: np.ndarray) -> Any:
        generator = np.random.default_rng(len(a))
        logits = generator.normal(size=(len(a), columns))
        if spoiled is not None and logits.size:
            logits.flat[logits.size // 2] = spoiled
        shaped = {
            "pairs": logits,
            "flat": logits.ravel(),
            "one less": logits[1:],
            "three axes": logits[None],
        }[shape]
        with np.errstate(invalid="ignore"):
            return shaped.astype(dtype)

    try:
        told = modlib.battery(answers, n=n)
    except InputError as refusal:
        in_one_line(refusal)
        return
    assert shape == "pairs"
    assert spoiled is None or dtype in ("int64", "bool")
    assert math.isfinite(told.margin)
    assert 0 <= told.accuracy <= 1
    assert np.isfinite(told.spectrum).all()


@tried
@hypothesis.given(
    given=st.dictionaries(
        st.sampled_from(["n", "seed", "device", "num_seeds", "p", "steps", "checkpoint", "other"]),
        anything,
        max_size=4,
    )
)
def test_a_chapters_parameters_are_taken_or_refused(given):
    try:
        modlib.check_parameters(dict(given))
    except InputError as refusal:
        in_one_line(refusal)


@tried
@hypothesis.given(
    source=anything,
    options=st.dictionaries(
        st.sampled_from(["layout", "attention_rate", "activation", "member"]), anything, max_size=2
    ),
)
def test_what_is_no_network_is_refused(source, options):
    try:
        modlib.inspect(source, **options)
    except Refusal as refusal:
        in_one_line(refusal)
    else:
        raise AssertionError(source)
