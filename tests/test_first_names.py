"""What a chapter types first comes from modlib itself, and loads when it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import modlib


@pytest.mark.parametrize("name", modlib.FIRST_NAMES)
def test_a_first_name_is_that_of_its_module(name):
    found = getattr(modlib, name)
    assert (found.__name__, found.__module__) == (name, f"modlib.{modlib.FIRST_NAMES[name]}")
    assert name in dir(modlib)


def test_another_name_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="module 'modlib' has no attribute 'tran'"):
        modlib.tran  # noqa: B018


@pytest.mark.parametrize(
    "program",
    [
        "import modlib; modlib.AdditionConfig(n=7)",
        "from modlib.cli.main import main; main(['train', '--help'], standalone_mode=False)",
    ],
)
def test_a_configuration_and_help_load_nothing_that_trains(program):
    heavy = "{'torch', 'numba', 'matplotlib'}"
    program += f"; import sys; sys.exit(str({heavy} & sys.modules.keys() or ''))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.stderr in ("", "\n"), done.stderr
