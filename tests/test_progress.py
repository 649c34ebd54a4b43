"""Bars: on a terminal, in JupyterLab without its red, in no notebook that a program executes."""

from __future__ import annotations

import sys

import IPython
import pytest

from modlib.progress import Bar


class Kernel:
    def __init__(self, metadata: dict) -> None:
        self.metadata = metadata

    def get_parent(self) -> dict:
        return {"metadata": self.metadata}


WHERE = {
    "terminal": (None, "err"),
    "IPython in a terminal": (object(), "err"),
    "JupyterLab": (Kernel({"cellId": "a"}), "out"),
    "papermill": (Kernel({}), None),
}


@pytest.mark.parametrize("where", WHERE)
def test_a_bar_is_shown_where_somebody_watches_and_not_as_an_error(where, monkeypatch, capsys):
    shell, stream = WHERE[where]
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    assert list(Bar(range(3), desc="epochs")) == [0, 1, 2]
    said = capsys.readouterr()._asdict()
    assert {name for name, text in said.items() if "epochs: 100%" in text} == {stream} - {None}
    assert not any(text for name, text in said.items() if name != stream)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("disable", [True, None])
def test_a_bar_that_is_not_wanted_is_nowhere(where, disable, monkeypatch, capsys):
    """None: on a terminal alone; what these tests write to is none."""
    monkeypatch.setattr(IPython, "get_ipython", lambda: WHERE[where][0])
    assert list(Bar(range(3), disable=disable)) == [0, 1, 2]
    assert "".join(capsys.readouterr()) == ""


def test_ipython_is_not_loaded_for_a_bar(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "IPython")
    list(Bar(range(3)))
    assert "IPython" not in sys.modules
    assert "100%" in capsys.readouterr().err
