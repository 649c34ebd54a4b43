"""The library's edge: what is public, that it refuses in one line, and that private stays as is."""

from __future__ import annotations

import ast
import inspect
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pytest
from jaxtyping import Float, Int

from modlib import edge, plots
from modlib.errors import InputError
from modlib.machine import NOTEBOOKS, ROOT
from modlib.maths.circular import mean_resultant_length
from tried.inputs import public_functions

NAN = float("nan")


@edge.public
def example(
    count: int,
    share: float = 0.5,
    *,
    signal: Float[np.ndarray, "seed n"] | None = None,
    wanted: Int[np.ndarray, " seed"] | None = None,
    kind: Literal["simple", "mixed"] = "simple",
    names: Sequence[str] = (),
    curves: Mapping[str, Float[np.ndarray, " epoch"]] | None = None,
    pair: tuple[int, float] | None = None,
    chosen: bool = False,
    other: Any = None,
) -> int:
    """Something of every type."""
    return count


SIGNAL = np.ones((2, 3))
GOOD: tuple[dict[str, Any], ...] = (
    {},
    {"share": 1, "chosen": np.bool_(True), "other": object()},
    {"signal": SIGNAL, "wanted": np.array([1, 2])},
    {"names": ["a", "b"], "curves": {"a": np.ones(2), "b": np.ones(5)}, "pair": (1, 2.0)},
    {"count": np.int64(3), "kind": "mixed"},
)
BAD: dict[str, tuple[Any, ...]] = {
    "count": (1.0, True, "1", None, NAN, 1 + 0j),
    "share": (NAN, float("inf"), "0.5", True, None, 10**400),
    "signal": (1.0, SIGNAL[0], SIGNAL.astype(int), [[1.0]], np.full((2, 3), NAN)),
    "wanted": (SIGNAL[0], np.array([1.5, 2.0]), [1]),
    "kind": ("other", 1, ["simple"]),
    "names": ("ab", 3, {"a": 1}),
    "curves": ([], {"a": 1.0}, {"a": np.array([NAN])}, {1: np.ones(2)}),
    "pair": ((1,), (1, 2, 3), 5, "ab"),
    "chosen": (1, 0, "True"),
}


@pytest.mark.parametrize("options", GOOD)
def test_what_is_of_its_type_passes(options):
    assert example(**{"count": 3, **options}) == 3


@pytest.mark.parametrize("name", BAD)
def test_what_is_of_another_type_is_refused_in_one_line(name):
    for value in BAD[name]:
        with pytest.raises(InputError) as refusal:
            example(**{"count": 3, name: value})
        said = str(refusal.value)
        assert re.match(rf"(a name in )?{name}(\[.+?\])? must ", said), said
        assert "\n" not in said


def test_an_axis_has_one_length_in_all_arguments():
    with pytest.raises(InputError, match=r"wanted must be an array of int numbers \(seed\), got"):
        example(3, signal=SIGNAL, wanted=np.arange(3))


def test_a_gap_in_a_figure_may_be_nan_and_no_other_number():
    @edge.drawn
    def figure(values: Float[np.ndarray, " epoch"], last: float) -> float:
        return float(values.sum() + last)

    assert np.isnan(figure(np.array([NAN, 1.0]), NAN))
    with pytest.raises(InputError, match="last must be a number, got 'x'"):
        figure(np.ones(1), "x")


def test_every_figure_is_held_to_its_types_and_refuses_what_cannot_be_drawn():
    for name in vars(plots):
        if inspect.isfunction(function := getattr(plots, name)):
            module = function.__module__
            if module != "modlib.plots.base":
                assert public_functions()[f"{module}.{name}"] is function
    with pytest.raises(InputError, match=r"^plots.digit_grids must be given what it can draw"):
        plots.digit_grids({})


def imports(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("modlib"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_what_the_page_from_python_calls_is_public():
    page = (ROOT / "book" / "from_python.md").read_text(encoding="utf-8")
    cells = "\n".join(re.findall(r"```\{code-cell\}.*?\n(.*?)```", page, re.DOTALL))
    passed = re.findall(r"pass it \||`(\w+)\(.*?\.\.\.\)`", page)
    names = {name.rpartition(".")[2] for name in imports(cells)} | {"read_export"}
    names |= {"read_sweep_export", *filter(None, passed)} - {"share_under"}
    public = {one.rpartition(".")[2] for one in public_functions()}
    public |= {one.split(".")[-2] for one in public_functions() if one.endswith("__init__")}
    others = {"AdditionConfig", "DEFAULT", "plots"}  # a configuration refuses for itself
    assert names - public - others == set()


def test_what_is_private_is_not_checked_at_its_door():
    assert not hasattr(mean_resultant_length, "__wrapped__") or not any(
        one.endswith("mean_resultant_length") for one in public_functions()
    )
    assert len(public_functions()) < 200


def test_the_edge_takes_less_than_a_fiftieth_of_a_chapters_time():
    """A call of a public function costs so little that a hundred a chapter are nothing."""
    calls = max(
        "".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]).count(
            "("
        )
        for path in NOTEBOOKS.glob("[0-9]*.ipynb")
    )
    array = np.ones((200, 100))
    example(3, signal=array)
    began = time.process_time()
    for _ in range(200):
        example(3, 0.5, signal=array, names=["a"] * 20)
    a_call = (time.process_time() - began) / 200
    assert calls * a_call < 0.02 * 60, "a chapter takes a minute"
