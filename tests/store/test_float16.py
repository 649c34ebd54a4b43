"""Arrays in half the bytes, and what is lost by it."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.store.float16 import from_float16, rounded_arrays, to_float16


@pytest.mark.parametrize("size", [1e-30, 1e-8, 0.3, 1.0, 7e4, 1e30])
def test_float16_keeps_eleven_bits_of_numbers_of_any_size(size):
    span = size * 2.0 ** -np.random.default_rng(0).uniform(0, 28, (40, 25))
    array = (span * np.sign(np.random.default_rng(1).normal(size=span.shape))).astype(np.float32)
    found = from_float16(to_float16({"w": array}))["w"]
    assert found.dtype == np.float32
    assert found.shape == array.shape
    assert (np.abs(found - array) <= 2.0**-11 * np.abs(array)).all()


def test_what_float16_holds_is_written_without_loss():
    arrays = {
        "w": np.array([[0.25, -3.0], [1e-4, 2.0]], dtype=np.float16).astype(np.float32),
        "zeros": np.zeros((2, 3)),
        "none": np.zeros((0, 4), dtype=np.float32),
        "one": np.array(5.0),
    }
    rounded = to_float16(arrays)
    assert {rounded[name].dtype for name in arrays} == {np.dtype(np.float16)}
    found = from_float16(rounded)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_arrays_that_are_not_rounded_are_read_as_they_are():
    arrays = {"w": np.array([1 / 3]), "count": np.arange(3)}
    found = from_float16(arrays | to_float16({"half": np.ones(2)}))
    for name, array in arrays.items():
        assert found[name] is array
    assert found["half"].tolist() == [1, 1]


def test_a_manifest_names_the_rounded_arrays_of_each_file():
    files = {"a": to_float16({"w": np.ones(2), "b": np.ones(1)}), "c": {"w": np.ones(2)}}
    assert rounded_arrays(files) == {"precision": {"float16": {"a": ["b", "w"]}}}
    assert rounded_arrays({"c": {"w": np.ones(2)}}) == {}
