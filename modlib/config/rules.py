"""What configurations share: a setting said once (default, rule, help), their hash, the seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import Field, field, fields
from typing import Any, TypeVar, get_args

from modlib.errors import InputError, require_choice, require_float, require_int, require_prime

MAX_NEURONS = 65536
MAX_SEEDS = 10**7

T = TypeVar("T")
Rule = Callable[[str, Any, Any], Any]
"""A setting's name, the value given and the configuration with the settings before it: the value
as it is kept, or ``InputError``."""
Bound = int | Callable[[Any], int]
"""A number, or what makes it of the configuration with the settings before."""


def setting(default: T, rule: Rule, help: str, *, unset: Callable[[Any], T] | None = None) -> T:
    """A field of a configuration: its default, the rule it is held to and what it is.

    ``unset``: what None stands for, made of the configuration with the settings before; without,
    None is refused. The help is that of the command line and of the reference.
    """
    return field(default=default, metadata={"rule": rule, "help": help, "unset": unset})


def settle(config: Any) -> None:
    """Hold each setting to its rule, in their order, and keep it as a plain Python value.

    Call it in ``__post_init__`` of a frozen dataclass. Raises ``InputError``.
    """
    for one in settings(type(config)):
        value = getattr(config, one.name)
        if value is None and one.metadata["unset"] is not None:
            value = one.metadata["unset"](config)
            if value is None:
                continue
        object.__setattr__(config, one.name, one.metadata["rule"](one.name, value, config))


def settings(config: type) -> list[Field[Any]]:
    """The settings of a configuration's class, in their order."""
    return [one for one in fields(config) if "rule" in one.metadata]


def as_given(config: Any) -> dict[str, Any]:
    """The settings that make a configuration, without those that None would stand for as well.

    So a change of another setting changes what they stand for.
    """
    found = {}
    for one in settings(type(config)):
        value, unset = getattr(config, one.name), one.metadata["unset"]
        if unset is None or value != unset(config):
            found[one.name] = value
    return found


def whole(at_least: int, at_most: Bound | None = None) -> Rule:
    """An integer in range."""

    def rule(name: str, value: Any, config: Any) -> int:
        most = at_most(config) if callable(at_most) else at_most
        return require_int(name, value, at_least=at_least, at_most=most)

    return rule


def prime(at_least: int, at_most: int) -> Rule:
    """A prime number in range."""
    return lambda name, value, config: require_prime(
        name, value, at_least=at_least, at_most=at_most
    )


def number(at_least: float, at_most: float) -> Rule:
    """A finite number in range."""
    return lambda name, value, config: require_float(
        name, value, at_least=at_least, at_most=at_most
    )


def below_one(name: str, value: Any, config: Any) -> float:
    """A number from 0 up and below 1."""
    found = require_float(name, value)
    if not 0 <= found < 1:
        raise InputError(name, "be at least 0 and below 1", value)
    return found


def share(of: Callable[[Any], int], what: str) -> Rule:
    """A share of ``of`` things, called ``what``, that takes some and leaves some."""

    def rule(name: str, value: Any, config: Any) -> float:
        found, total = require_float(name, value), of(config)
        if not 0 < found < 1 or not 0 < int(found * total) < total:
            words = f"lie between 0 and 1 and leave {what} to train on and to hold out"
            raise InputError(name, words, value)
        return found

    return rule


def one_of(choices: Any) -> Rule:
    """One of the words of a ``Literal``."""
    return lambda name, value, config: require_choice(name, value, get_args(choices))


def divisor_of(other: str) -> Rule:
    """An integer from 1 up that divides another setting."""

    def rule(name: str, value: Any, config: Any) -> int:
        found, whole = require_int(name, value, at_least=1), getattr(config, other)
        if whole % found:
            raise InputError(name, f"divide {other} = {whole}", found)
        return found

    return rule


def digest(content: Mapping[str, object]) -> str:
    """Sixteen hexadecimal digits that stand for some settings."""
    encoded = json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(encoded).hexdigest()[:16]


def require_seed(value: object, argument: str = "seed") -> int:
    """A seed: an integer from 0 to 2^63 - 1."""
    return require_int(argument, value, at_least=0, at_most=2**63 - 1)


def seed_range(first_seed: object, num_seeds: object, *, at_most: int = MAX_SEEDS) -> range:
    """So many seeds from the first on; ``InputError`` for none, too many, and beyond 2^63 - 1."""
    first = require_seed(first_seed, "first_seed")
    count = require_int("num_seeds", num_seeds, at_least=1, at_most=at_most)
    require_seed(first + count - 1, "last seed")
    return range(first, first + count)
