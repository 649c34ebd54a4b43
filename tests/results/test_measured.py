"""Kept values: they hold as long as tables and code do, and not a change longer."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from modlib.claims import committed
from modlib.claims import measure as measuring
from modlib.claims.register import load_claims
from modlib.claims.verdict import Measurement, MissingExport
from modlib.results import measured as keeping


@pytest.fixture(autouse=True)
def places(monkeypatch, tmp_path):
    """Results and a store of our own, with one folder of tables; code of two files."""
    results, package = tmp_path / "results", tmp_path / "package"
    (results / "sweeps" / "A7").mkdir(parents=True)
    (results / "sweeps" / "A7" / "networks.parquet").write_bytes(b"one")
    (package / "claims" / "measures").mkdir(parents=True)
    (package / "claims" / "measures" / "clusters.py").write_text("bound = 3\n")
    (package / "errors.py").write_text("")
    monkeypatch.setattr(keeping, "RESULTS", results)
    monkeypatch.setattr(keeping, "PACKAGE", package)
    monkeypatch.setattr(committed, "_roots", [results])
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    afresh()
    yield tmp_path
    afresh()


def afresh() -> None:
    """As a new process finds it: no checksum is remembered."""
    keeping.code_checksum.cache_clear()
    keeping.tables_checksum.cache_clear()


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """Claims measured, each time that they are: a share of A7, and one that lacks its tables."""
    done: list[str] = []
    monkeypatch.setattr(committed, "_sweep", lambda name, root: (root / "sweeps" / name).is_dir())

    def share() -> Measurement:
        done.append("share")
        assert committed.find_sweep("A7")
        return Measurement(value=0.1 + 0.2, low=0.25, high=1 / 3, num_seeds=4, verdict="agrees")

    def lacking() -> Measurement:
        done.append("lacking")
        if not committed.find_sweep("A11"):
            raise MissingExport("no network of A11")
        return Measurement(value=1.0, verdict="differs")

    known = {"A.rem1.crt": share, "A.fig6.cosine": lacking}
    monkeypatch.setattr(measuring, "registered", lambda chapters: known)
    return done


BOTH = ("A.rem1.crt", "A.fig6.cosine")


def results() -> dict[str, object]:
    """What the two claims come to, in a new process."""
    afresh()
    found = measuring.measured(BOTH)
    return {name: one if isinstance(one, Measurement) else str(one) for name, one in found.items()}


def test_what_is_kept_is_what_was_measured(made, places):
    first = results()
    assert results() == first
    assert made == ["share", "lacking"]
    assert first["A.rem1.crt"].value == 0.1 + 0.2
    assert first["A.fig6.cosine"] == "no network of A11"
    kept = json.loads((places / "store" / keeping.FILE).read_text())
    assert kept["A.rem1.crt"]["told"] == asdict(first["A.rem1.crt"])
    assert list(kept["A.rem1.crt"]["tables"]) == ["sweeps/A7"]
    assert kept["A.fig6.cosine"]["tables"] == {"sweeps/A11": ""}


def test_a_table_that_changes_is_measured_again_and_no_other(made, places):
    results()
    (places / "results" / "sweeps" / "A7" / "networks.parquet").write_bytes(b"two")
    results()
    assert made == ["share", "lacking", "share"]
    (places / "results" / "sweeps" / "A11").mkdir()
    (places / "results" / "sweeps" / "A11" / "networks.parquet").write_bytes(b"new")
    assert results()["A.fig6.cosine"].verdict == "differs"
    assert made == ["share", "lacking", "share", "lacking"]


@pytest.mark.parametrize("name", ["claims/measures/clusters.py", "errors.py", "claims/new.py"])
def test_code_that_changes_has_everything_measured_again(made, places, name):
    results()
    (places / "package" / name).write_text("bound = 4\n")
    results()
    assert made == ["share", "lacking"] * 2


def test_a_file_that_is_damaged_is_no_hindrance(made, places):
    results()
    for text in ("", "[]", '{"A.rem1.crt": 3}', '{"A.rem1.crt": {"code": "x", "tables": {}}}'):
        (places / "store" / keeping.FILE).write_text(text)
        made.clear()
        assert results()["A.rem1.crt"].num_seeds == 4
        assert made == ["share", "lacking"]


def test_what_is_committed_serves_everyone(made, places, monkeypatch):
    monkeypatch.setattr(measuring, "load_claims", lambda: {i: load_claims()[i] for i in BOTH})
    file = measuring.keep_all()
    assert file == places / "results" / keeping.FILE
    assert list(json.loads(file.read_text())) == sorted(BOTH)
    results()
    assert made == ["share", "lacking"]
    assert not (places / "store" / keeping.FILE).exists()
