"""What a network on pairs of Z_n may have been asked: a family of tasks, told from its answers.

A task is written as addition where it can be: inputs and answers are renamed so that it is
a + b modulo m, and all that is known of addition holds for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd, inf
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from modlib.maths.groups import inverse_mod

Answers = Int[np.ndarray, "a b"]

BEYOND = 6.0
"""Standard deviations, of the hits at all other shifts of the answers, that are beyond chance."""
TIMES_COMMONEST = 2.0
"""How often as right as the task's most common answer alone a task must be to hold."""
FITTED_FROM = 0.5
"""How far between chance and 1 a task is right from which one with fitted numbers holds."""


class Coordinates(NamedTuple):
    """Input i of the addition modulo m is a[i], or b[i], of the network, and answer i its c[i]."""

    a: Int[np.ndarray, " m"]
    b: Int[np.ndarray, " m"]
    c: Int[np.ndarray, " m"]


class Operation(NamedTuple):
    """A task: its name, the right answers (-1: not asked), and how it becomes addition.

    ``num_answers``: answers that there are; ``fitted``: whether its numbers were fitted to the
    network's answers; ``coordinates``: None where it is no addition.
    """

    name: str
    answers: Answers
    num_answers: int
    fitted: bool
    coordinates: Coordinates | None

    @property
    def title(self) -> str:
        """The name with what the answers are modulo."""
        return f"{self.name} mod {self.num_answers}"


class Guess(NamedTuple):
    """The task that a network's answers fit best.

    ``accuracy``: over the pairs that it asks; ``deviations``: by how many standard deviations its
    hits exceed those at the other shifts of its answers; ``holds``: whether that is beyond chance;
    ``tried``: accuracy by
    title, the best first.
    """

    operation: Operation
    accuracy: float
    deviations: float
    holds: bool
    tried: dict[str, float]


def addition(n: int) -> Operation:
    """a + b modulo n, the network's own coordinates."""
    k = np.arange(n)
    return Operation("a + b", (k[:, None] + k) % n, n, False, Coordinates(k, k, k))


def family(n: int) -> Iterator[Operation]:
    """The tasks without fitted numbers, the more usual first."""
    yield addition(n)
    k = np.arange(n)
    yield _linear(n, 1, -1, 0, "a - b", fitted=False)
    yield _linear(n, -1, 1, 0, "b - a", fitted=False)
    yield _product(n)
    yield Operation("a^2 + b^2", (k[:, None] ** 2 + k**2) % n, n, False, None)
    for q in filter(is_prime, range(2, n)):
        for name, number in (
            (f"a + {n} b", k[:, None] + n * k),
            (f"{n} a + b", n * k[:, None] + k),
        ):
            yield Operation(name, number % q, q, False, None)


def fitted(answers: Answers) -> Iterator[Operation]:
    """The tasks whose numbers are read off the answers: each is what most steps of a, or b, add."""
    n = len(answers)
    shown = _most_linear(answers)
    if shown is not None:
        yield _linear(n, *shown, _linear_name(*shown, n), fitted=True)
    yield from _permuted(answers)
    logs = _logarithms(n)
    if logs is not None:
        powers, log = logs
        asked = log[answers[np.ix_(powers, powers)]]
        shown = _most_linear(asked) if n > 3 else None
        if shown is not None and shown != (1, 1, 0):
            u, v, w = shown
            name = f"a^{u} b^{v}" + (f" {powers[w]}" if w else "")
            name = "a / b" if (u, v, w) == (1, n - 2, 0) else name
            inner = _linear(n - 1, u, v, w, name, fitted=True)
            yield _by_logarithms(n, powers, inner)


def guess(answers: Answers) -> Guess:
    """The task that fits the answers best, of equals the more usual one.

    It holds beyond chance where its hits exceed those of the same task with any other number
    added to its answers, by ``BEYOND`` standard deviations of these, and ``TIMES_COMMONEST`` the
    hits of its most common answer. A task with fitted numbers, and one of few answers, must be
    right ``FITTED_FROM`` of the way from chance to 1 instead.
    """
    best: Guess | None = None
    tried: dict[str, float] = {}
    for operation in (*family(len(answers)), *fitted(answers)):
        accuracy, deviations, holds = _judged(operation, answers)
        tried.setdefault(operation.title, accuracy)
        rank = (holds, accuracy if holds else 0.0)
        if best is None or rank > (best.holds, best.accuracy if best.holds else 0.0):
            best = Guess(operation, accuracy, deviations, holds, {})
    assert best is not None
    by_accuracy = sorted(tried.items(), key=lambda item: -item[1])
    return best._replace(tried=dict(by_accuracy))


def _judged(operation: Operation, answers: Answers) -> tuple[float, float, bool]:
    """Accuracy, deviations, and whether the task holds beyond chance."""
    asked = operation.answers >= 0
    num = operation.num_answers
    missed = (answers[asked] - operation.answers[asked]) % len(answers)
    accuracy = float((missed == 0).mean())
    hits = np.bincount(missed, minlength=len(answers))
    spread = float(hits[1:].std())
    excess = float(hits[0] - hits[1:].mean())
    deviations = excess / spread if spread > 0 else inf if excess > 0 else 0.0
    if operation.fitted or num < len(answers):
        return accuracy, deviations, accuracy >= 1 / num + FITTED_FROM * (1 - 1 / num)
    commonest = np.bincount(operation.answers[asked]).max() / asked.sum()
    holds = deviations >= BEYOND and accuracy >= TIMES_COMMONEST * commonest
    return accuracy, deviations, bool(holds)


def _linear(n: int, u: int, v: int, w: int, name: str, *, fitted: bool) -> Operation:
    """u a + v b + w: addition of a and (v / u) b, of which the answer is (c - w) / u."""
    k = np.arange(n)
    answers = (u * k[:, None] + v * k + w) % n
    coordinates = Coordinates(k, inverse_mod(v % n, n) * u * k % n, (u * k + w) % n)
    return Operation(name, answers, n, fitted, coordinates)


def _linear_name(u: int, v: int, w: int, n: int) -> str:
    def term(factor: int, letter: str) -> str:
        signed = factor if 2 * factor <= n else factor - n
        return (
            f"{'-' if signed < 0 else '+'} {'' if abs(signed) == 1 else f'{abs(signed)} '}{letter}"
        )

    text = f"{term(u, 'a')} {term(v, 'b')}" + (f" + {w}" if w else "")
    return text.removeprefix("+ ")


def _most_linear(answers: Answers) -> tuple[int, int, int] | None:
    """The units u, v and the w of u a + v b + w that most steps from pair to pair show."""
    n = len(answers)
    u = _mode(np.roll(answers, -1, axis=0) - answers, n)
    v = _mode(np.roll(answers, -1, axis=1) - answers, n)
    if gcd(u, n) != 1 or gcd(v, n) != 1:
        return None
    k = np.arange(n)
    return u, v, _mode(answers - u * k[:, None] - v * k, n)


def _mode(values: np.ndarray, n: int) -> int:
    """The most common value modulo n."""
    return int(np.bincount((values % n).ravel(), minlength=n).argmax())


def _permuted(answers: Answers) -> Iterator[Operation]:
    """a + b with its answers in another order: each sum's most common answer, if all differ."""
    n = len(answers)
    k = np.arange(n)
    order = np.array([_mode(answers[k, (total - k) % n], n) for total in range(n)])
    if len(set(order.tolist())) == n:
        right = order[(k[:, None] + k) % n]
        name = "a + b with permuted answers"
        yield Operation(name, right, n, True, Coordinates(k, k, order))


def _product(n: int) -> Operation:
    """a b; where n is prime, without 0, addition of logarithms to a primitive root."""
    logs = _logarithms(n)
    if logs is not None:
        powers, _ = logs
        return _by_logarithms(n, powers, addition(n - 1)._replace(name="a b"))
    k = np.arange(n)
    return Operation("a b", k[:, None] * k % n, n, False, None)


def _by_logarithms(n: int, powers: Int[np.ndarray, " m"], inner: Operation) -> Operation:
    """A task on logarithms as one on the units of a prime n; pairs with 0 are not asked."""
    answers = np.full((n, n), -1)
    answers[np.ix_(powers, powers)] = powers[inner.answers]
    assert inner.coordinates is not None
    coordinates = Coordinates(*(powers[axis] for axis in inner.coordinates))
    return Operation(inner.name, answers, n, inner.fitted, coordinates)


def _logarithms(n: int) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " n"]] | None:
    """Powers of the smallest primitive root of a prime n > 2, and the logarithm of each residue.

    That of 0 is -1. None where n is no such prime.
    """
    if n < 3 or not is_prime(n):
        return None
    for root in range(2, n):
        powers = np.ones(n - 1, dtype=int)
        for i in range(1, n - 1):
            powers[i] = powers[i - 1] * root % n
        if len(set(powers.tolist())) == n - 1:
            log = np.full(n, -1)
            log[powers] = np.arange(n - 1)
            return powers, log
    return None if n > 3 else (np.array([1, 2]), np.array([-1, 0, 1]))


def is_prime(number: int) -> bool:
    """Whether a whole number is a prime."""
    return number > 1 and all(number % factor for factor in range(2, int(number**0.5) + 1))
