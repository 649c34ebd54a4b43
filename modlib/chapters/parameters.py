"""The parameters of the chapters: declared once, refused early."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modlib.config.presets import FAMILIES, family_of, names_of
from modlib.config.remainders import MAX_P
from modlib.config.rules import Rule, number, prime, require_seed, whole
from modlib.edge import public
from modlib.errors import InputError, require_choice
from modlib.machine import resolve_device
from modlib.models.foreign.layouts import LAYOUTS
from modlib.models.foreign.published import PUBLISHED
from modlib.models.views.activations import ACTIVATIONS

PAPERMILL_MARK = "# Parameters"
"""First line of the cell that papermill injects."""


def require_checkpoint(value: object) -> str:
    """A file, one network of a file that holds many (PATH:INDEX), or published weights' name.

    Raises ``InputError`` otherwise. Relative paths start at the current folder.
    """
    if isinstance(value, str):
        paths = (Path(value), Path(re.sub(r":\d+$", "", value)))
        with suppress(OSError, ValueError, RuntimeError):  # too long, no path, no such home
            if value in PUBLISHED or any(path.expanduser().is_file() for path in paths):
                return value
    raise InputError("checkpoint", f"be a file or one of {', '.join(PUBLISHED)}", value)


RULES: dict[str, Rule] = {
    "seed": lambda name, value, others: require_seed(value),
    "device": lambda name, value, others: resolve_device(value),
    "cluster": whole(0),
    "neuron": whole(0),
    "num_components": whole(2, 12),
    "num_draws": whole(1, 1000),
    "max_sigma": number(0.0, 5.0),
    "q": prime(2, MAX_P),
    "shift": whole(1),
    "num_seeds": whole(1, 10**6),
    "delta": number(0.01, 0.99),
    "num_examples": whole(1, 8),
    "checkpoint": lambda name, value, others: require_checkpoint(value),
    "layout": lambda name, value, others: require_choice(name, value, LAYOUTS),
    "activation": lambda name, value, others: require_choice(name, value, (*ACTIVATIONS, "auto")),
}
"""The rules of parameters that are no setting of a configuration; a setting brings its own."""
CHAPTERS_SHOW = {"task": ("miiii", "nanda", "basis", "masked")}
"""Settings of which a chapter shows some values only: networks of other tasks are in chapter 14."""


def check_values(values: Mapping[str, Any], optional: Collection[str] = ()) -> None:
    """Refuse parameters that break a rule of their own or one between them (``InputError``).

    ``optional``: names for which None stands for a default.
    """
    known = {*RULES, *(name for family in FAMILIES for name in names_of(family))}
    for name in values:
        require_choice("parameter", name, known)
    given = {name: v for name, v in values.items() if v is not None or name not in optional}
    for name in [name for name in given if name in RULES]:
        RULES[name](name, given.pop(name), None)
    family_of(given)(**given)
    for name in CHAPTERS_SHOW.keys() & given.keys():
        require_choice(name, given[name], CHAPTERS_SHOW[name])


@dataclass(frozen=True)
class Parameter:
    """A parameter as a chapter's first code cell declares it.

    ``kind``: its annotation, in quotes where it is ``Optional``, since papermill reads nothing but
    words and brackets there; ``remark``: the comment behind it, which is its help.
    """

    name: str
    kind: str
    default: Any
    remark: str

    @property
    def optional(self) -> bool:
        """Whether None may stand for a default."""
        return _is_optional(self.kind)


def _is_optional(annotation: object) -> bool:
    return str(annotation).strip("'\"").startswith("Optional[")


def parameters_of(chapter: Path) -> list[Parameter]:
    """What a chapter declares in its cell tagged ``parameters``, in its order."""
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    source = "".join(tagged[0]["source"]) if tagged else ""
    lines, found = source.splitlines(), []
    for line in ast.parse(source).body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value:
            remark = lines[(line.end_lineno or 1) - 1][line.end_col_offset :].strip().lstrip("# ")
            kind = ast.unparse(line.annotation).strip("'")
            value = ast.literal_eval(line.value)
            found.append(Parameter(line.target.id, kind, value, remark))
    return found


def declared_parameters(chapter: Path) -> tuple[dict[str, Any], set[str]]:
    """The parameters of a chapter with their defaults, and those for which None may stand."""
    found = parameters_of(chapter)
    defaults = {one.name: one.default for one in found}
    return defaults, {one.name for one in found if one.optional}


def declare(notebook: str, values: Mapping[str, Any]) -> str:
    """A notebook's text with these values declared in its cell tagged ``parameters``.

    All else stays as it is, remarks among it.
    """
    content = json.loads(notebook)
    for cell in content["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            source = "".join(cell["source"])
            lines = source.splitlines(keepends=True)
            for line in ast.parse(source).body:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    name, value = line.target.id, line.value
                    if name in values and value is not None:
                        row = lines[value.lineno - 1].encode()
                        before, after = row[: value.col_offset], row[value.end_col_offset :]
                        new = before + repr(values[name]).encode() + after
                        lines[value.lineno - 1] = new.decode()
            cell["source"] = lines
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


@public
def check_parameters(namespace: Mapping[str, Any]) -> None:
    """Refuse unknown parameter names and bad values; call it in a chapter's second cell.

    ``namespace`` is the notebook's ``globals()``. Parameters are the annotated names of its
    first cell; papermill only warns about others, so the cell that it injects is read here.
    From here on captions are shown below figures. Raises ``InputError``.
    """
    declared = namespace.get("__annotations__")
    if not declared:
        raise InputError(
            "namespace", "be globals() of a notebook whose parameters are annotated", ""
        )
    declared = dict(declared)
    for name in _injected_names(namespace.get("In", [])):
        if name not in declared:
            raise InputError("parameter", f"be one of {', '.join(declared)}", name)
    optional = {name for name, kind in declared.items() if _is_optional(kind)}
    check_values({name: namespace[name] for name in declared}, optional)
    from modlib.chapters.captions import show_captions_below_figures  # not at the top: IPython

    show_captions_below_figures()


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
