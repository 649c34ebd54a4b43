"""Rows of the second edition on paper B's training: planted cases that agree, differ, are open."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from made_up.claims import place_fresh
from made_up.runs import made_up_export
from modlib.claims.measure import registered
from modlib.claims.measures.grokking_2 import no_order
from modlib.claims.verdict import Measurement, MissingExport
from modlib.maths.intervals import Interval
from modlib.tasks.remainders import primes_below

EASY = {2: 1, 3: 2, 5: 4, 7: 8}
LATER = (16, 32, 64, 128, 256, 512)
REST = {size: [int(q) for q in primes_below(size) if q > 7] for size in (37, 113)}


def measured(monkeypatch: pytest.MonkeyPatch, claim: str, **exports: object) -> Measurement:
    """A claim measured on exports by preset, whose names have ``_`` for ``-``."""
    place_fresh(monkeypatch, remainders={n.replace("_", "-"): e for n, e in exports.items()})
    return registered()[claim]()


def together(size: int, shift: int = 0) -> dict[int, int]:
    """All tasks above 7 learned within six logged steps that go round and round."""
    return EASY | {q: LATER[(i + shift) % 6] for i, q in enumerate(REST[size])}


def in_order(size: int) -> dict[int, int]:
    """The larger q, the later."""
    count = len(REST[size])
    return EASY | {q: LATER[6 * i // count] for i, q in enumerate(REST[size])}


def of(preset: str, *firsts: dict[int, int], **options: object):
    return made_up_export(preset, firsts, **options)


@pytest.mark.parametrize(("claim", "size"), [("B2.order", 113), ("B2.order.small", 37)])
def test_every_network_must_keep_the_order(monkeypatch, claim, size):
    name = "B113-code" if size == 113 else "B37"
    kept = together(size)
    tie = kept | {5: 8}
    good = measured(monkeypatch, claim, **{name: of(name, kept, kept, kept)})
    assert (good.verdict, good.value) == ("agrees", 3)
    assert "seed 1000: 2 (1), 3 (2), 5 (4), 7 (8); first of the others 11 (16)" in good.note
    assert good.sensitivity == "learned from 0.97: agrees, 0.99: agrees, 0.999: agrees"
    bad = measured(monkeypatch, claim, **{name: of(name, kept, tie, kept)})
    assert bad.verdict == "differs"
    assert "2 of 3 networks" in bad.text


def test_an_order_of_the_others_is_told_from_none_and_from_too_few(monkeypatch):
    def found(*firsts: dict[int, int], name: str = "B113-code"):
        claim = "B2.rest_together" + ("" if name == "B113-code" else ".small")
        return measured(monkeypatch, claim, **{name: of(name, *firsts)})

    assert found(in_order(113), in_order(113)).verdict == "differs"
    alike = [together(113, shift) for shift in (1, 2, 3, 4)]
    assert found(*alike).verdict == "agrees"
    wide = found(in_order(37), {**EASY, **dict.fromkeys(REST[37], 64), 31: 16}, name="B37")
    assert wide.verdict == "undecided"
    assert "core-hours" in wide.needs
    with pytest.raises(MissingExport, match="two networks B37 that learn"):
        found(EASY, EASY, name="B37")


def test_an_interval_without_zero_is_an_order_however_near():
    assert no_order(Interval(0.2, 0.1, 0.3)) == (0.0, 0.0)
    assert no_order(Interval(0.0, -0.1, 0.1)) == (-0.3, 0.3)


def test_all_tasks_must_be_right_for_both_shares(monkeypatch):
    whole = of("B113-code", together(113), together(113))
    text = of("B113-text", together(113))
    good = measured(monkeypatch, "B2.all_tasks", B113_code=whole, B113_text=text)
    assert (good.verdict, good.value) == ("agrees", 3)
    assert "50 %: seed 1000 29 of 29 tasks, the lowest 1.0000" in good.note
    assert "the mean at .9 from step 512, at .99 from 512" in good.note
    lost = of("B113-text", together(113) | {83: None})
    bad = measured(monkeypatch, "B2.all_tasks", B113_code=whole, B113_text=lost)
    assert bad.verdict == "differs"
    assert "2 of 3 networks" in bad.text
    assert "30 %: seed 1000 28 of 29 tasks" in bad.note
    with pytest.raises(MissingExport, match="network B113-text"):
        measured(monkeypatch, "B2.all_tasks", B113_code=whole)


ATTENTION = dict.fromkeys(("q", "k", "v", "o"), 64)


@pytest.mark.parametrize(
    ("claim", "own", "control"),
    [
        ("B2.attention_early", "B113-code", "B113-code-shuffled"),
        ("B2.attention_early.small", "B37", "B37-basis"),
    ],
)
def test_attention_settles_first_and_the_control_says_what_of_it(monkeypatch, claim, own, control):
    early = [ATTENTION | {"w_in": 512}, ATTENTION | {"w_in": 256}, ATTENTION | {"w_in": 512}]
    late = [{"q": 512, "w_in": 64, "w_out": 64, "k": 64, "v": 64, "o": 64}] * 3

    def found(highs: list[dict[str, int]], shuffled: list[dict[str, int]]):
        exports = {
            own: of(own, *[EASY] * 3, last_high=highs),
            control: of(control, *[EASY] * 3, last_high=shuffled),
        }
        return measured(monkeypatch, claim, **exports)

    good = found(early, late)
    assert good.verdict == "agrees"
    assert "does not always settle first there, so that it may be evidence" in good.controls
    same = found(early, early)
    assert same.verdict == "agrees"
    assert "settles first there too, so that it is no evidence about the task" in same.controls
    assert found(late, early).verdict == "differs"
    mixed = found([early[0], late[0], early[1]], late)
    assert mixed.verdict == ("undecided" if claim.endswith("small") else "differs")


def test_the_first_steps_are_left_out_as_in_the_authors_figure(monkeypatch):
    # A spike of the feed-forward layer at the first step hides what comes later.
    highs = [ATTENTION | {"w_in": 512, "w_out": 512}] * 3
    export = of("B113-code", *[EASY] * 3, last_high=highs)
    norms = export.norms.copy()
    spike = norms.parameter.isin(["w_in", "w_out"]) & (norms.step == 1)
    norms.loc[spike, ["raw", "filtered"]] *= 100
    control = of("B113-code-shuffled", EASY)
    exports = {"B113-code": replace(export, norms=norms), "B113-code-shuffled": control}
    found = measured(monkeypatch, "B2.attention_early", **exports)
    assert found.verdict == "agrees"
    assert (
        "the feed-forward layer's step: 0.12, 0.12, 0.12; looked at from the first step on: 64"
        in (found.note)
    )


def test_rows_are_pending_until_their_networks_are_there(monkeypatch):
    place_fresh(monkeypatch, remainders={})
    rows = [claim for claim in registered() if claim.startswith("B2.")]
    assert len(rows) >= 26
    for claim in rows:
        with pytest.raises(MissingExport, match=r" committed$"):
            registered()[claim]()


def test_seeds_of_one_preset_are_one_table(monkeypatch):
    table = of("B113-code", together(113), together(113), together(113))
    assert isinstance(table.history, pd.DataFrame)
    with pytest.raises(MissingExport, match="shuffled"):
        measured(monkeypatch, "B2.attention_early", B113_code=table)
