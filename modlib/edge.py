"""The library's edge: what is public is held to the types that it writes, at every call.

Public is what ``modlib.FIRST_NAMES`` and the page "From Python" offer; ``public`` marks it. All
other functions are private: they call each other with what they have made themselves, check
nothing at their door, and may change. A refusal names the argument, the rule and the value.
"""

from __future__ import annotations

import inspect
import numbers
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import numpy as np
from jaxtyping import AbstractArray, jaxtyped

from modlib.errors import InputError, Refusal, require_choice, require_float, require_int

Public = TypeVar("Public", bound=Callable[..., Any])
Check = Callable[[str, Any], None]
"""An argument's name and its value: raises ``InputError`` where it is none of its type."""

PUBLIC: dict[str, Callable[..., Any]] = {}
"""What is public, by its full name."""


def public(function: Public) -> Public:
    """A function, or a class's ``__init__``, whose arguments are checked by their annotations.

    Integers and numbers are refused as ``errors.require_int`` and ``require_float`` refuse them,
    arrays for another kind, another number of axes or axes that differ between arguments, and for
    numbers that are not finite: a NaN that comes in is refused, so it turns into no number. A
    figure, for which NaN is a gap in a line, is marked by ``drawn``.
    """
    return _edged(function, finite=True)


def drawn(function: Public) -> Public:
    """The same for a figure's function: what is NaN is left blank."""
    return _edged(function, finite=False)


def _edged(function: Public, *, finite: bool) -> Public:
    signature = inspect.signature(function)

    @cache
    def checks() -> dict[str, Check]:
        """Made at the first call: what annotations name may be loaded by then only."""
        written = {
            name: _evaluated(one.annotation, inspect.unwrap(function).__globals__)
            for name, one in signature.parameters.items()
            if one.annotation is not one.empty
            and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        }
        return {name: check_of(kind, finite=finite) for name, kind in written.items()}

    @wraps(function)
    def checked(*args: Any, **options: Any) -> Any:
        given = signature.bind(*args, **options).arguments  # TypeError as Python's own
        with jaxtyped("context"):  # an axis has one length in all arguments
            for name, check in checks().items():
                if name in given and given[name] is not signature.parameters[name].default:
                    check(name, given[name])
        return function(*args, **options)

    PUBLIC[f"{function.__module__}.{function.__qualname__}"] = checked
    return checked  # type: ignore[return-value]


def _evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    return eval(annotation, names) if isinstance(annotation, str) else annotation


def check_of(kind: Any, *, finite: bool = True) -> Check:
    """What holds an argument to a type; of a mapping its keys and values are, of a list its items.

    ``finite``: whether numbers in arrays must be.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any or kind is object or isinstance(kind, TypeVar):
        return lambda name, value: None
    if origin in (Union, types.UnionType):
        return _one_of([check_of(one, finite=finite) for one in inner], kind)
    if kind is float and not finite:
        return _real
    if kind in SCALARS:
        return SCALARS[kind]
    if origin is Literal:
        return lambda name, value: _choice(name, value, inner)
    if isinstance(kind, type) and issubclass(kind, AbstractArray):
        return lambda name, value: _array(name, value, kind, finite=finite)
    if origin is None:
        return lambda name, value: _instance(name, value, kind)
    if origin is tuple and Ellipsis not in inner:
        return _tuple([check_of(one, finite=finite) for one in inner], kind)
    if issubclass(origin, Mapping):
        return _mapping([check_of(one, finite=finite) for one in inner], kind)
    if issubclass(origin, Iterable) and not issubclass(origin, type):
        return _items(check_of(inner[0], finite=finite), origin, kind)
    return lambda name, value: _instance(name, value, origin)


def _named(kind: Any) -> str:
    """A type as a refusal names it."""
    if isinstance(kind, type) and issubclass(kind, AbstractArray):
        axes = ", ".join(kind.dim_str.split()) or "no axis"
        return f"an array of {kind.__name__.partition('[')[0].lower()} numbers ({axes})"
    if isinstance(kind, type):
        return "None" if kind is types.NoneType else f"a {kind.__name__}"
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(_named(one) for one in get_args(kind))
    return str(kind).replace("collections.abc.", "").replace("typing.", "")


def _instance(name: str, value: Any, kind: Any) -> None:
    if isinstance(kind, type) and not getattr(kind, "_is_protocol", False):
        if not isinstance(value, kind):
            raise InputError(name, f"be {_named(kind)}", value)
    elif kind is Callable and not callable(value):
        raise InputError(name, "be a function", value)


def _truth(name: str, value: Any) -> None:
    if not isinstance(value, bool | np.bool_):
        raise InputError(name, "be True or False", value)


def _number(name: str, value: Any) -> None:
    require_float(name, value)


def _real(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(name, "be a number", value)


def _whole(name: str, value: Any) -> None:
    require_int(name, value)


SCALARS: dict[Any, Check] = {bool: _truth, int: _whole, float: _number}


def _choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if all(isinstance(choice, str) for choice in choices):
        require_choice(name, value, choices)
    elif not any(type(value) is type(choice) and value == choice for choice in choices):
        raise InputError(name, f"be one of {', '.join(map(repr, choices))}", value)


def _array(name: str, value: Any, kind: Any, *, finite: bool) -> None:
    if not isinstance(value, kind):
        got = value if not hasattr(value, "shape") else f"{value.dtype} {tuple(value.shape)}"
        raise InputError(name, f"be {_named(kind)}", got)
    if finite and isinstance(value, np.ndarray) and not np.isfinite(value).all():
        raise InputError(name, "hold finite numbers only", "NaN or infinity")


def _one_of(checks: Sequence[Check], kind: Any) -> Check:
    def check(name: str, value: Any) -> None:
        refusals = []
        for one in checks:
            try:
                one(name, value)
            except Refusal as refusal:
                refusals.append(refusal)
            else:
                return
        asked = [i for i, one in enumerate(get_args(kind)) if one is not types.NoneType]
        if len(asked) == 1:
            raise refusals[asked[0]]  # says more than the type's name
        raise InputError(name, f"be {_named(kind)}", value)

    return check


def _tuple(checks: Sequence[Check], kind: Any) -> Check:
    def check(name: str, value: Any) -> None:
        if not isinstance(value, tuple | list) or len(value) != len(checks):
            raise InputError(name, f"be {len(checks)} values", value)
        for one, part in zip(checks, value, strict=True):
            one(name, part)

    return check


def _mapping(checks: Sequence[Check], kind: Any) -> Check:
    def check(name: str, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise InputError(name, "be a mapping", value)
        for key, part in value.items():
            with jaxtyped("context"):  # each item has axes of its own
                checks[0](f"a name in {name}", key)
                checks[1](f"{name}[{key!r}]", part)

    return check


def _items(of_item: Check, origin: type, kind: Any) -> Check:
    def check(name: str, value: Any) -> None:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, origin | np.ndarray):
            raise InputError(name, f"be {_named(kind)}", value)
        if isinstance(value, Sequence):  # what can be gone through once only is left whole
            for index, part in enumerate(value):
                with jaxtyped("context"):
                    of_item(f"{name}[{index}]", part)

    return check
