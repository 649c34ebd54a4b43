"""Tasks told from answers, and their coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.tasks.operations import family, fitted, guess


def grid(n):
    k = np.arange(n)
    return np.meshgrid(k, k, indexing="ij")


def order(n):
    return np.random.default_rng(0).permutation(n)


TASKS = {
    "a + b": lambda a, b, n: a + b,
    "a - b": lambda a, b, n: a - b,
    "b - a": lambda a, b, n: b - a,
    "a b": lambda a, b, n: a * b,
    "a^2 + b^2": lambda a, b, n: a * a + b * b,
    "7 a + 11 b + 2": lambda a, b, n: 7 * a + 11 * b + 2,
    "7 a - b": lambda a, b, n: 7 * a - b,
    "a + b with permuted answers": lambda a, b, n: order(n)[(a + b) % n],
}


@pytest.mark.parametrize("n", [30, 31, 59])
@pytest.mark.parametrize("name", TASKS)
def test_tasks_are_told_from_their_answers_even_with_faults(name, n):
    answers = TASKS[name](*grid(n), n) % n
    found = guess(answers)
    assert (found.operation.title, found.accuracy, found.holds) == (f"{name} mod {n}", 1.0, True)
    noisy = answers.copy()
    generator = np.random.default_rng(1)
    spoilt = generator.random((n, n)) < 0.2
    noisy[spoilt] = generator.integers(0, n, spoilt.sum())
    found = guess(noisy)
    assert (found.operation.title, found.holds) == (f"{name} mod {n}", True)
    assert 0.7 < found.accuracy < 0.9
    assert next(iter(found.tried)) == f"{name} mod {n}"


@pytest.mark.parametrize("low_digit_first", [True, False])
def test_remainders_of_two_digits_are_told_with_their_order(low_digit_first):
    a, b = grid(31)
    answers = (a + 31 * b if low_digit_first else 31 * a + b) % 7
    found = guess(answers)
    assert found.operation.title == f"{'a + 31 b' if low_digit_first else '31 a + b'} mod 7"
    assert found.operation.coordinates is None


def test_quotients_are_told_by_logarithms():
    n = 31
    a, b = grid(n)
    inverse = np.array([0, *(pow(x, -1, n) for x in range(1, n))])
    assert guess(a * inverse[b] % n).operation.title == "a / b mod 31"


@pytest.mark.parametrize("n", [7, 12, 31])
def test_in_its_coordinates_a_task_is_addition(n):
    a, b = grid(n)
    answers = [(5 * a + 7 * b + 3) % n] if n != 7 else [(5 * a + 4 * b + 3) % n]
    answers += [order(n)[(a + b) % n], a * b % n]
    found = [*family(n), *(one for answer in answers for one in fitted(answer))]
    assert len(found) > 5
    for operation in found:
        if operation.coordinates is not None:
            m = len(operation.coordinates.c)
            i, j = grid(m)
            asked = operation.answers[np.ix_(operation.coordinates.a, operation.coordinates.b)]
            np.testing.assert_array_equal(operation.coordinates.c[(i + j) % m], asked)


@pytest.mark.parametrize("n", [7, 30, 31, 59])
def test_answers_without_a_task_hold_none(n):
    a, b = grid(n)
    noise = [np.random.default_rng(seed).integers(0, n, (n, n)) for seed in range(20)]
    smooth = [(a // 3 + 2) % n, 0 * a, b, np.minimum(a, b), (a > b) * 1]
    for answers in (*noise, *smooth):
        found = guess(answers)
        assert not found.holds, found.operation.title
        assert found.operation.title == f"a + b mod {n}"
