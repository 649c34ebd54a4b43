"""Rows of the second edition on paper B's embeddings: cases that agree, differ, are open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from made_up.claims import place_fresh
from made_up.runs import made_up_export
from modlib.claims.measure import registered
from modlib.claims.verdict import MissingExport

SIZES = {
    "": ("B113-nanda-learns", "B113-code", "B113-code-shuffled", "B113-untrained"),
    ".small": ("B37-nanda", "B37", "B37-basis", "B37-untrained"),
}
BARE = "B113-nanda-no-dropout"


def with_numbers(preset: str, values, *, never: int = 0, **columns):
    """Networks whose correlation of places has these values; nanda's have learned to add, but the
    last of them ``never``."""
    q = {"B113": 113, "B37-": 37}.get(preset[:4], 37)
    learned = [64] * (len(values) - never) + [None] * never
    export = made_up_export(preset, [{q: step} if "nanda" in preset else {} for step in learned])
    export = replace(export, spectra=export.networks[["seed"]], tasks=export.networks[["seed"]])
    numbers = {"position_correlation": np.asarray(values, dtype=float), **columns}
    for name, column in numbers.items():
        export.networks[name] = column
    return export


def put(monkeypatch, size: str, nanda, miiii, shuffled, untrained, **more):
    made = [
        with_numbers(name, values)
        for name, values in zip(SIZES[size], (nanda, miiii, shuffled, untrained), strict=True)
    ]
    exports = {export.preset: export for export in made}
    if not size:
        exports[BARE] = with_numbers(BARE, more.get("bare", [0.9, 0.95]))
    exports |= {name: export for name, export in more.items() if name != "bare"}
    place_fresh(monkeypatch, remainders=exports)


NONE = [0.0, 0.02, -0.02, 0.01, -0.01]


def test_the_places_at_the_papers_size(monkeypatch):
    measure = registered()["B2.positions"]
    put(monkeypatch, "", [0.9, 0.92, 0.94], [-0.8, -0.9, -0.85], [-0.5], NONE)
    good = measure()
    assert good.verdict == "agrees"
    assert "beside it, nanda, B113-nanda-no-dropout" in good.note
    assert good.controls == "shuffled -0.50; untrained 0.00 in the mean"
    put(monkeypatch, "", [-0.9, -0.92, -0.94], [-0.8, -0.9, -0.85], [-0.5], NONE)
    bad = measure()
    assert bad.verdict == "differs"
    assert bad.text.startswith("nanda, B113-nanda-learns: -0.92")
    put(monkeypatch, "", [0.9, 0.92, 0.94], [-0.8, -0.4, -0.85], [-0.5], NONE)
    assert measure().verdict == "differs"
    put(monkeypatch, "", [0.9, 0.2, 0.94], [-0.8, -0.9, -0.85], [-0.5], NONE)
    undecided = measure()
    assert undecided.verdict == "undecided"
    assert "core-hours" in undecided.needs


def test_the_highest_network_is_held_against_the_lowest_control(monkeypatch):
    measure = registered()["B2.positions"]
    put(monkeypatch, "", [0.9, 0.92, 0.94], [-0.8, -0.9, -0.85], [-0.5], NONE)
    note = measure().note
    assert "miiii, the highest of 3 networks, less shuffled: -0.3, agrees" in note
    assert "less the lowest of 5 untrained: -0.78, agrees" in note
    put(monkeypatch, "", [0.9, 0.92, 0.94], [-0.8, -0.9, -0.85], [-0.5], [*NONE, -0.82])
    bad = measure()
    assert bad.verdict == "differs"
    assert bad.text == "miiii, the highest of 3 networks, less the lowest of 6 untrained: 0.02"


def test_the_places_in_the_small_setting_are_compared_seed_by_seed(monkeypatch):
    measure = registered()["B2.positions.small"]
    miiii = [-0.8, -0.82, -0.84, -0.81, -0.83]
    nanda = [0.9, 0.92, 0.94, 0.91, 0.93]
    put(monkeypatch, ".small", nanda, miiii, np.add(miiii, 0.3), NONE)
    assert measure().verdict == "agrees"
    put(monkeypatch, ".small", nanda, miiii, np.subtract(miiii, 0.1), NONE)
    bad = measure()
    assert bad.verdict == "differs"
    assert "miiii less shuffled: 0.1" in bad.text
    put(monkeypatch, ".small", nanda, miiii, np.add(miiii, [0.3, -0.3, 0.3, -0.3, 0.2]), NONE)
    assert measure().verdict == "undecided"


def test_networks_that_have_not_learned_to_add_are_no_networks_that_add(monkeypatch):
    name = SIZES[""][0]
    measure = registered()["B2.positions"]
    others = ([-0.8, -0.9, -0.85], [-0.5], NONE)
    some = with_numbers(name, [0.9, 0.91, 0.92, -0.9], never=1)
    put(monkeypatch, "", [0.9, 0.9], *others, **{name: some})
    found = measure()
    assert found.verdict == "agrees"
    assert found.note.endswith("3 of 4 networks B113-nanda-learns learned to add")
    lost = with_numbers(name, [-0.9, -0.9], never=2)
    put(monkeypatch, "", [0.9, 0.9], *others, **{name: lost})
    with pytest.raises(MissingExport, match="a network B113-nanda-learns that learned to add"):
        measure()


@pytest.mark.parametrize("size", ["", ".small"])
def test_a_handful_of_basis_vectors(monkeypatch, size):
    nanda, miiii, shuffled, untrained = SIZES[size]

    def measured(counts):
        made = [
            with_numbers(nanda, NONE[: len(counts)], basis_90=counts),
            with_numbers(miiii, NONE, basis_90=[30] * 5),
            with_numbers(shuffled, NONE, basis_90=[33] * 5),
            with_numbers(untrained, NONE, basis_90=[32] * 5),
            with_numbers(BARE, NONE, basis_90=[14] * 5),
        ]
        place_fresh(monkeypatch, remainders={export.preset: export for export in made})
        return registered()[f"B2.five{size}"]()

    good = measured([8, 9, 8, 9])
    assert good.verdict == "agrees"
    assert good.controls == "miiii 30.0; shuffled 33.0; untrained 32.0"
    assert f"of {112 if not size else 36} basis vectors" in good.note
    assert ("beside it, B113-nanda-no-dropout: 14, differs" in good.note) == (not size)
    assert good.sensitivity == "at most 8: undecided, 12: agrees, 16: agrees"
    assert measured([30, 31, 30, 31]).verdict == "differs"
    assert measured([8, 16, 9, 15]).verdict == "undecided"
