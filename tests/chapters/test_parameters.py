"""The parameters of the chapters: declared once, checked before anything else happens."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from modlib.chapters import say
from modlib.chapters.parameters import (
    PAPERMILL_MARK,
    RULES,
    check_parameters,
    check_values,
    declared_parameters,
    parameters_of,
)
from modlib.claims.ledger import ledger
from modlib.config.presets import FAMILIES, family_of, names_of
from modlib.errors import InputError
from modlib.machine import NOTEBOOKS

CHAPTERS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


def code_cells(chapter: Path) -> list[dict[str, Any]]:
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def executed(cells: list[str]) -> dict[str, Any]:
    """The names that a notebook holds after these cells, as ``globals()`` shows them."""
    namespace: dict[str, Any] = {"In": ["", *cells], "__annotations__": {}}
    for cell in cells:
        exec(cell, namespace)
    return namespace


DECLARED = """\
seed: int = 3
n: int = 7
train_pairs: "Optional[int]" = None
device: str = "cpu"
"""


def injected(*lines: str) -> str:
    """A cell as papermill writes it."""
    return "\n".join([PAPERMILL_MARK, *lines, ""])


# check_parameters


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("seed = 0", "n = 89"),
        ("train_pairs = 49",),
        ("train_pairs = None", 'device = "auto"'),
        ("n = 9", "train_pairs = 81"),
    ],
)
def test_good_parameters_pass(lines):
    check_parameters(executed([DECLARED, injected(*lines)]))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('seed = "abc"', r"seed must be an integer at least 0 .*, got 'abc'"),
        ("seed = True", r"seed must .*, got True"),
        ("seed = -1", r"seed must .*, got -1"),
        ("seed = 1000.0", r"seed must .*, got 1000\.0"),
        ("seed = float('nan')", r"seed must .*, got nan"),
        ("seed = None", r"seed must .*, got None"),
        ("n = 2", r"n must be an integer at least 3 .*, got 2"),
        ("n = None", r"n must .*, got None"),
        ("train_pairs = 0", r"train_pairs must .*, got 0"),
        ("train_pairs = 50", r"train_pairs must be an integer at least 1 and at most 49, got 50"),
        ('device = "tpu"', r"device must be auto, cpu, cuda or cuda:INDEX, got 'tpu'"),
        ("device = 3", r"device must .*, got 3"),
        ('device = "cuda:99"', r"device must be present .*, got 'cuda:99'"),
        ("sede = 3", r"parameter must be one of seed, n, train_pairs, device, got 'sede'"),
        ("Seed = 3", r"parameter must .*, got 'Seed'"),
        ("np = 3", r"parameter must .*, got 'np'"),
    ],
)
def test_bad_parameters_are_refused_in_one_line(line, message):
    namespace = executed([DECLARED, injected("n = 7", line)])
    with pytest.raises(InputError, match=f"^{message}$"):
        check_parameters(namespace)


def test_names_of_other_cells_are_no_parameters():
    check_parameters(executed([DECLARED, "sede = 3\nimport math", injected("seed = 1")]))


def test_without_papermill_a_value_edited_by_hand_is_checked():
    with pytest.raises(InputError, match="seed must .*, got 1.5"):  # noqa: RUF043
        check_parameters(executed([DECLARED.replace("seed: int = 3", "seed: int = 1.5")]))
    with pytest.raises(InputError, match="parameter must be one of .*, got 'sede'"):  # noqa: RUF043
        check_parameters(executed([DECLARED.replace("seed", "sede")]))


# The rules


@pytest.mark.parametrize("name", [*RULES, "n", "p", "task", "steps", "attention_rate", "lr"])
def test_every_rule_refuses_nonsense_and_names_its_parameter(name):
    for value in (float("nan"), None, [], "no such thing", True, -1):
        with pytest.raises(InputError, match=f"^{name} must .*, got ") as refusal:
            check_values({name: value})
        assert str(refusal.value).endswith(f"got {value!r}")
    check_values({name: None}, optional=[name])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_setting_is_refused_in_the_words_of_its_configuration(family):
    for name in names_of(family):
        for value in (-1, "no such thing", 10**9):
            with pytest.raises(InputError) as expected:
                family(**{name: value})
            own = next(other for other in FAMILIES if name in names_of(other)) is family
            with pytest.raises(InputError) as refusal:
                check_values({name: value})
            assert not own or str(refusal.value) == str(expected.value)


def test_no_setting_has_a_second_rule():
    assert not {name for family in FAMILIES for name in names_of(family)} & RULES.keys()


def test_rules_between_parameters_hold():
    check_values({"n": 7, "train_pairs": 49})
    for values, message in (
        ({"n": 7, "train_pairs": 50}, "train_pairs must be .* at most 49, got 50"),
        ({"p": 11, "task": "masked"}, "p must be at least 13 for the masked task, got 11"),
        ({"n": 258, "attention_rate": 0.5}, "n must be .* at most 257, got 258"),
    ):
        with pytest.raises(InputError, match=message):
            check_values(values)
    check_values({"n": 258, "attention_rate": None}, optional=["attention_rate"])


def test_a_task_that_no_chapter_shows_is_refused_before_its_network_is_trained():
    for task in ("miiii", "nanda", "basis", "masked"):
        check_values({"p": 37, "task": task})
    for task in ("ablated", "perturbed"):
        with pytest.raises(InputError, match="task must be one of basis, masked, miiii, nanda"):
            check_values({"p": 37, "task": task, "steps": 4000})


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match=r"parameter must be one of .*seed.*, got 'sede'"):
        check_values({"seed": 3, "sede": 3})


# The chapters


def test_there_are_chapters():
    assert CHAPTERS


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request) -> Path:
    return request.param


def test_a_chapter_begins_with_its_parameters_and_their_check(chapter):
    first, second, *others = code_cells(chapter)
    assert first["metadata"].get("tags") == ["parameters"]
    assert not any("parameters" in cell["metadata"].get("tags", []) for cell in others)
    *imports, check = ast.parse("".join(second["source"])).body
    assert all(isinstance(line, (ast.Import, ast.ImportFrom)) for line in imports)
    assert ast.unparse(check) == "check_parameters(globals())"


def test_parameters_are_literals_with_annotations_and_have_rules(chapter):
    cell = "".join(code_cells(chapter)[0]["source"])
    body = ast.parse(cell).body
    assert all(isinstance(line, ast.AnnAssign) for line in body)
    defaults, optional = declared_parameters(chapter)
    assert list(defaults) == [line.target.id for line in body]
    shared = {"seed", "p", "steps"} if "p" in defaults else {"seed", "n"}
    assert shared <= defaults.keys()
    family = family_of([name for name in defaults if name not in RULES])
    assert defaults.keys() <= {*RULES, *names_of(family)}
    assert {name for name, value in defaults.items() if value is None} <= optional
    check_values(defaults, optional)
    assert all(one.remark for one in parameters_of(chapter))
    namespace = executed([cell])
    assert {name: namespace[name] for name in defaults} == defaults
    check_parameters(namespace)


def test_papermill_reads_the_same_parameters(chapter):
    import papermill

    known = papermill.inspect_notebook(str(chapter))
    assert {name: (one["inferred_type_name"], one["help"]) for name, one in known.items()} == {
        one.name: (one.kind, one.remark) for one in parameters_of(chapter)
    }


def test_a_chapter_refuses_bad_and_unknown_parameters(chapter):
    cell = "".join(code_cells(chapter)[0]["source"])
    own = ["p = 9", "steps = -1"] if "p: int = " in cell else ["n = 2", 'device = "cuda:99"']
    lines = ['seed = "abc"', "sede = 3", *own]
    for line in lines:
        with pytest.raises(InputError, match=r"^(seed|parameter|n|p|steps|device) must .*, got "):
            check_parameters(executed([cell, injected(line)]))


def test_a_notebook_without_a_parameters_cell_has_none(tmp_path):
    path = tmp_path / "00_empty.ipynb"
    path.write_text(
        json.dumps({"cells": [{"cell_type": "code", "metadata": {}, "source": "x = 1"}]})
    )
    assert declared_parameters(path) == ({}, set())


# What a chapter shows of the ledger


def test_a_chapter_shows_its_claims_and_no_others(monkeypatch):
    shown = []
    monkeypatch.setattr(say, "display", shown.append)
    say.show_claims("05_interventions")
    wanted = {row.claim.id: row.claim.chapter for row in ledger(2, {})}
    named = re.findall(r"<code>([\w.]+)</code>", shown[0].data)
    assert named == [claim for claim, at in wanted.items() if at == "05_interventions"]
    assert named
