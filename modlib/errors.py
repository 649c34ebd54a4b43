"""Refusals in one line: the argument, the rule, the value."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Collection
from difflib import SequenceMatcher

MAX_SHOWN = 500
"""Letters of a refused value that a message repeats."""


MAX_CHOICES = 24
"""Choices that a message names."""


def shown(value: object) -> str:
    """A value as a message shows it: in one line, cut where it is long."""
    try:
        return _cut(re.sub(r"\s*\n\s*", " ", repr(value)))  # an array's takes several
    except ValueError:  # an integer of more digits than Python writes
        return f"a {type(value).__name__} too long to be written"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}... ({len(text):,} letters)"


def without_long_words(text: str) -> str:
    """A message whose words of more than ``MAX_SHOWN`` letters, paths for one, are cut."""
    return re.sub(rf"\S{{{MAX_SHOWN + 1},}}", lambda word: _cut(word[0]), text)


class Refusal(Exception):
    """What is told in a line: notebooks show the message without the way to it."""

    def _render_traceback_(self) -> list[str]:
        """What IPython and Jupyter print instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class InputError(Refusal, ValueError):
    """An argument breaks a rule; the message reads ``argument must rule, got value``.

    A long value is cut after ``MAX_SHOWN`` letters.
    """

    def __init__(self, argument: str, rule: str, value: object) -> None:
        super().__init__(argument, rule, value)

    def __str__(self) -> str:
        argument, rule, value = self.args
        return f"{argument} must {rule}, got {shown(value)}"


class DivergedError(InputError):
    """A training's numbers are no longer finite."""


class StoreError(Refusal, RuntimeError):
    """A stored run, or the store itself, cannot be used; the message names file and reason."""


class ClusterError(Refusal, RuntimeError):
    """Workers or their scheduler cannot go on; the message says where the work stands."""


def _range_rule(at_least: float | None, at_most: float | None) -> str:
    bounds = [
        f"at least {at_least}" if at_least is not None else "",
        f"at most {at_most}" if at_most is not None else "",
    ]
    return " and ".join(bound for bound in bounds if bound)


def require_int(
    argument: str, value: object, *, at_least: int | None = None, at_most: int | None = None
) -> int:
    """The value as an ``int`` when it is an integer in range; booleans are no integers here.

    Raises ``InputError`` otherwise.
    """
    in_range = _range_rule(at_least, at_most)
    rule = f"be an integer {in_range}".rstrip()
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise InputError(argument, rule, value)
    number = int(value)
    if (at_least is not None and number < at_least) or (at_most is not None and number > at_most):
        raise InputError(argument, rule, value)
    return number


def require_prime(
    argument: str, value: object, *, at_least: int | None = None, at_most: int | None = None
) -> int:
    """The value as an ``int`` when it is a prime number in range; raises ``InputError``."""
    number = require_int(argument, value, at_least=at_least, at_most=at_most)
    if number < 2 or any(number % factor == 0 for factor in range(2, math.isqrt(number) + 1)):
        raise InputError(argument, "be a prime number", value)
    return number


def require_float(
    argument: str, value: object, *, at_least: float | None = None, at_most: float | None = None
) -> float:
    """The value as a finite ``float`` in range; booleans, NaN and infinity are refused.

    Raises ``InputError`` otherwise.
    """
    in_range = _range_rule(at_least, at_most)
    rule = f"be a finite number {in_range}".rstrip()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(argument, rule, value)
    try:
        number = float(value)
    except OverflowError:  # an integer beyond the floats
        raise InputError(argument, rule, value) from None
    if not math.isfinite(number):
        raise InputError(argument, rule, value)
    if (at_least is not None and number < at_least) or (at_most is not None and number > at_most):
        raise InputError(argument, rule, value)
    return number


def require_choice(argument: str, value: object, choices: Collection[str]) -> str:
    """The value when it is one of ``choices``.

    Raises ``InputError`` otherwise, with those that are most like it where there are many.
    """
    if isinstance(value, str) and value in choices:
        return value
    named = sorted(choices)
    if len(named) > MAX_CHOICES:
        word = shown(value)
        named = sorted(named, key=lambda choice: -SequenceMatcher(None, word, choice).ratio())
        named[MAX_CHOICES:] = [f"... ({len(choices)} in all)"]
    raise InputError(argument, f"be one of {', '.join(named)}", value)
