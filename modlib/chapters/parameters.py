"""The parameters of the chapters: declared once, refused early."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from modlib.config.addition import MAX_N, AdditionConfig
from modlib.config.remainders import MAX_P, REMAINDER_TASKS, RemaindersConfig
from modlib.config.rules import MAX_NEURONS, require_seed
from modlib.errors import InputError, require_choice, require_float, require_int, require_prime
from modlib.machine import resolve_device
from modlib.models.foreign.layouts import LAYOUTS
from modlib.models.foreign.published import PUBLISHED

PAPERMILL_MARK = "# Parameters"
"""First line of the cell that papermill injects."""


def require_checkpoint(value: object) -> str:
    """A file, one network of a file that holds many (PATH:INDEX), or published weights' name.

    Raises ``InputError`` otherwise. Relative paths start at the current folder.
    """
    if isinstance(value, str):
        paths = (Path(value), Path(re.sub(r":\d+$", "", value)))
        if value in PUBLISHED or any(path.expanduser().is_file() for path in paths):
            return value
    raise InputError("checkpoint", f"be a file or one of {', '.join(PUBLISHED)}", value)


RULES: dict[str, Callable[[object], object]] = {
    "seed": require_seed,
    "n": lambda value: require_int("n", value, at_least=3, at_most=MAX_N),
    "device": resolve_device,
    "epochs": lambda value: require_int("epochs", value, at_least=0, at_most=10**6),
    "train_pairs": lambda value: require_int("train_pairs", value, at_least=1),
    "num_neurons": lambda value: require_int("num_neurons", value, at_least=1, at_most=MAX_NEURONS),
    "batch": lambda value: require_choice("batch", value, ("n", "full")),
    "init": lambda value: require_choice("init", value, ("torch", "flax")),
    "lr": lambda value: require_float("lr", value, at_least=0.0, at_most=10.0),
    "l2": lambda value: require_float("l2", value, at_least=0.0, at_most=10.0),
    "cluster": lambda value: require_int("cluster", value, at_least=0),
    "neuron": lambda value: require_int("neuron", value, at_least=0),
    "num_components": lambda value: require_int("num_components", value, at_least=2, at_most=12),
    "num_draws": lambda value: require_int("num_draws", value, at_least=1, at_most=1000),
    "max_sigma": lambda value: require_float("max_sigma", value, at_least=0.0, at_most=5.0),
    "shift": lambda value: require_int("shift", value, at_least=1),
    "num_seeds": lambda value: require_int("num_seeds", value, at_least=1, at_most=10**6),
    "delta": lambda value: require_float("delta", value, at_least=0.01, at_most=0.99),
    "p": lambda value: require_prime("p", value, at_least=5, at_most=MAX_P),
    "steps": lambda value: require_int("steps", value, at_least=1, at_most=10**6),
    "task": lambda value: require_choice("task", value, REMAINDER_TASKS),
    "q": lambda value: require_prime("q", value, at_least=2, at_most=MAX_P),
    "num_examples": lambda value: require_int("num_examples", value, at_least=1, at_most=8),
    "checkpoint": require_checkpoint,
    "layout": lambda value: require_choice("layout", value, LAYOUTS),
    "attention_rate": lambda value: require_float(
        "attention_rate", value, at_least=0.0, at_most=1.0
    ),
}
"""The rule of each parameter that a chapter may have; None is allowed where it is the default."""


def check_value(name: str, value: object, *, optional: bool = False) -> None:
    """Refuse a value that breaks the rule of its parameter (``InputError``)."""
    if name not in RULES:
        raise InputError("parameter", f"be one of {', '.join(sorted(RULES))}", name)
    if not (optional and value is None):
        RULES[name](value)


def check_values(values: Mapping[str, Any], optional: Collection[str] = ()) -> None:
    """Refuse parameters that break a rule of their own or one between them (``InputError``).

    ``optional``: names for which None stands for a default.
    """
    for name, value in values.items():
        check_value(name, value, optional=name in optional)
    config: type[AdditionConfig | RemaindersConfig]
    config = RemaindersConfig if "p" in values else AdditionConfig
    settings = {field.name for field in fields(config)} & values.keys()
    unset = {name for name in settings if values[name] is None and name in optional}
    config(**{name: values[name] for name in settings - unset})


def declared_parameters(chapter: Path) -> tuple[dict[str, Any], set[str]]:
    """The parameters of a chapter with their defaults, and those for which None may stand.

    They are the annotated names of the cell tagged ``parameters``; papermill's own reading of
    them overlooks annotations such as ``int | None``.
    """
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    body = ast.parse("".join(tagged[0]["source"])).body if tagged else []
    defaults, optional = {}, set()
    for line in body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value:
            defaults[line.target.id] = ast.literal_eval(line.value)
            if "None" in ast.unparse(line.annotation):
                optional.add(line.target.id)
    return defaults, optional


def check_parameters(namespace: Mapping[str, Any]) -> None:
    """Refuse unknown parameter names and bad values; call it in a chapter's second cell.

    ``namespace`` is the notebook's ``globals()``. Parameters are the annotated names of its
    first cell; papermill only warns about others, so the cell that it injects is read here.
    Raises ``InputError``.
    """
    declared = dict(namespace["__annotations__"])
    for name in _injected_names(namespace.get("In", [])):
        if name not in declared:
            raise InputError("parameter", f"be one of {', '.join(declared)}", name)
    optional = {name for name, kind in declared.items() if "None" in str(kind)}
    check_values({name: namespace[name] for name in declared}, optional)


def _injected_names(cells: list[str]) -> list[str]:
    """Names assigned in the cells that papermill injected."""
    injected = [cell for cell in cells if cell.lstrip().startswith(PAPERMILL_MARK)]
    return [
        target.id
        for cell in injected
        for statement in ast.parse(cell).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
