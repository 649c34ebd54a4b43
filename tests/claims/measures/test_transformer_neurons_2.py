"""Rows of the second edition on neurons and attention: cases that agree, differ, are open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pytest

from made_up.claims import place_fresh
from made_up.runs import made_up_export
from modlib.analysis.remainders.active_sets import TABLE_3
from modlib.claims.measure import registered
from modlib.claims.verdict import Measurement, MissingExport
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.results.remainders import ExportedRemainders

CODE, SHUFFLED, NANDA = "B113-code", "B113-code-shuffled", "B113-nanda-learns"
STEPS = (0, 256, 1024, 4096, 16384, 65536)


def export(preset: str, count: int = 3, never: int = 0) -> ExportedRemainders:
    """Networks of which those of modular addition learn, but the last ones ``never``."""
    first = {REMAINDERS_PRESETS[preset].p: 64} if "nanda" in preset else {}
    made = made_up_export(preset, [first] * (count - never) + [{}] * never)
    return replace(made, spectra=made.networks[["seed"]], tasks=made.networks[["seed"]])


def measured(monkeypatch: pytest.MonkeyPatch, claim: str, *exports: object) -> Measurement:
    place_fresh(monkeypatch, remainders={one.preset: one for one in exports})
    return registered()[claim]()


def with_coded(preset: str, *rows: Sequence[int]) -> ExportedRemainders:
    """Networks with these counts as coded, before the figure prints them to the power .75."""
    made = export(preset, len(rows))
    for place, epoch in enumerate(TABLE_3):
        made.networks[f"coded_{epoch}"] = [row[place] for row in rows]
    return made


def test_table_3_is_compared_as_it_is_printed(monkeypatch):
    flat = with_coded(SHUFFLED, (5, 5, 5, 5, 5))

    def found(*rows: Sequence[int]) -> Measurement:
        return measured(monkeypatch, "B2.tab3.coded", with_coded(CODE, *rows), flat)

    # 22 ** .75 = 10.2, 48 ** .75 = 18.2.
    good = found((0, 0, 22, 48, 22), (0, 0, 27, 46, 25), (9, 9, 9, 9, 9))
    assert (good.verdict, good.value) == ("agrees", 1)
    assert good.text.startswith("0, 0, 10, 17, 10 in the median network; at most from 0, 0, 10")
    assert "seed 1002: 5, 5, 5, 5, 5" in good.note
    assert good.controls == "on shuffled labels 3, 3, 3, 3, 3"
    assert good.sensitivity == "within 2: agrees, 3: agrees, 4: agrees"
    bad = found((0, 0, 22, 48, 22), (9, 9, 9, 9, 9), (9, 9, 9, 9, 9))
    assert (bad.verdict, bad.value) == ("differs", 13)
    with pytest.raises(MissingExport, match=r"B113-code: networks has no column coded_256, "):
        measured(monkeypatch, "B2.tab3.coded", export(CODE), flat)


def with_spectra(
    preset: str,
    counts: Sequence[Sequence[int]],
    *,
    waves: Sequence[int] = (0, 4, 9, 12, 9, 4),
    kept: Sequence[float] = (),
) -> ExportedRemainders:
    made = export(preset, len(counts))
    rows = [
        {"seed": 1000 + i, "step": step, "off_axes": count, "characters": wave}
        | {"off_axes_kept": kept[i] if kept and step == 4096 else 1.0}
        for i, row in enumerate(counts)
        for step, count, wave in zip(STEPS, row, waves, strict=True)
    ]
    object.__setattr__(made, "spectra", pd.DataFrame(rows))
    return made


RISES, STAYS = (0, 100, 200, 300, 320, 240), (0, 100, 200, 300, 320, 310)


def test_both_counts_of_waves_must_rise_and_fall(monkeypatch):
    flat = with_spectra(SHUFFLED, [(7,) * 6])

    def found(*rows: Sequence[int], **options: Sequence[int]) -> Measurement:
        return measured(monkeypatch, "B2.tab3.waves", with_spectra(CODE, rows, **options), flat)

    good = found(RISES, RISES, RISES)
    assert (good.verdict, good.value) == ("agrees", 3)
    assert "seed 1000: off the axes 100, then 320 at step 16,384, then 240" in good.note
    assert good.sensitivity == "peak over both ends 1.1: agrees, 1.25: agrees, 1.5: differs"
    assert "off the axes 7, then 7" in good.controls
    assert found(RISES, STAYS, RISES).verdict == "differs"
    assert found(RISES, RISES, waves=(0, 4, 4, 4, 4, 4)).verdict == "differs"


def test_what_is_kept_must_be_more_than_by_chance_of_the_control(monkeypatch):
    def found(kept: Sequence[float], control: float) -> Measurement:
        own = with_spectra(CODE, [RISES] * len(kept), kept=kept)
        shuffled = with_spectra(SHUFFLED, [RISES], kept=[control])
        return measured(monkeypatch, "B2.tab3.reuse", own, shuffled)

    good = found((0.8, 0.9, 0.7), 0.5)
    assert (good.verdict, good.value) == ("agrees", 3)
    assert "at 1/16 of the steps and at the end 0.80, 0.90, 0.70" in good.note
    assert good.sensitivity == "kept by more than 0.3: agrees, 0.5: agrees, 0.7: differs"
    assert found((0.22, 0.9, 0.7), 0.5).verdict == "differs"
    assert found((0.8, 0.9, 0.7), 0.75).verdict == "differs"


def with_attention(
    preset: str, held: Sequence[float], *, share: float = 0.01, never: int = 0
) -> ExportedRemainders:
    made = export(preset, len(held), never)
    for numbers in ("", "_held_out"):
        made.networks[f"accuracy{numbers}"] = 0.99
        made.networks[f"accuracy_constant{numbers}"] = held
        made.networks[f"accuracy_equal{numbers}"] = 0.3
    for head in range(4):
        made.networks[f"smaller_share_{head}"] = share + 0.001 * pd.Series(range(len(held)))
    return made


def test_attention_is_idle_if_it_can_be_held_at_its_mean(monkeypatch):
    def found(held: Sequence[float], *more: ExportedRemainders) -> Measurement:
        own = with_attention(CODE, held)
        return measured(monkeypatch, "B2.attention_idle", own, *more)

    good = found((0.99, 0.98, 0.99), with_attention(NANDA, (0.99, 0.79)))
    assert (good.verdict, good.value) == ("agrees", 3)
    assert "a third to each place 69.0 %, 69.0 %, 69.0 %" in good.note
    assert "modular addition, mean of 2 networks: at its mean 10.0 %" in good.note
    assert found((0.99, 0.9, 0.99)).verdict == "differs"
    assert "of modular addition 0 of 10 networks" in found((0.99, 0.99)).note
    some = found((0.99, 0.98), with_attention(NANDA, (0.99, 0.79, 0.0), never=1))
    assert "mean of 2 networks: at its mean 10.0 %" in some.note
    assert some.note.endswith("2 of 3 networks B113-nanda-learns learned to add")


def test_idle_attention_in_the_small_setting_has_an_interval(monkeypatch):
    def found(*held: float) -> Measurement:
        claim = "B2.attention_idle.small"
        return measured(monkeypatch, claim, with_attention("B37", held))

    assert found(0.99, 0.98, 0.99, 0.98).verdict == "agrees"
    assert found(0.8, 0.81, 0.8, 0.81).verdict == "differs"
    undecided = found(0.99, 0.9, 0.99, 0.9)
    assert undecided.verdict == "undecided"
    assert "core-hours" in undecided.needs


@pytest.mark.parametrize(
    ("claim", "own", "nanda"),
    [("B2.one_digit", CODE, NANDA), ("B2.one_digit.small", "B37", "B37-nanda")],
)
def test_the_largest_head_decides(monkeypatch, claim, own, nanda):
    def found(share: float, added: float) -> Measurement:
        held = (0.99,) * 4
        exports = with_attention(own, held, share=share), with_attention(nanda, held, share=added)
        return measured(monkeypatch, claim, *exports)

    good = found(0.01, 0.3)
    assert good.verdict == "agrees"
    assert "0.010, 0.011, 0.012, 0.013" in good.note
    assert found(0.2, 0.3).verdict == "differs"
    assert found(0.01, 0.01).verdict == "differs"
    assert found(0.01, 0.0985).verdict == "undecided"
    networks = with_attention(own, (0.99,) * 4), with_attention(nanda, (0.99,) * 4, never=3)
    networks[1].networks["smaller_share_0"] = [0.4, 0.0, 0.0, 0.0]
    note = measured(monkeypatch, claim, *networks).note
    assert f"nanda 0.400; 1 of 4 networks {nanda} learned to add" in note


def with_tasks(preset: str, lowest: Sequence[float], labels: float = 0.01) -> ExportedRemainders:
    made = export(preset, len(lowest))
    rows = [
        {"seed": 1000 + i, "q": q, "explained_held_out": value + q / 1000}
        | {"explained_labels_held_out": labels, "explained_labels": 0.6}
        for i, value in enumerate(lowest)
        for q in (2, 3, 5)
    ]
    object.__setattr__(made, "tasks", pd.DataFrame(rows))
    return made


@pytest.mark.parametrize(
    ("claim", "own", "shuffled"),
    [("B2.mechanism", CODE, SHUFFLED), ("B2.mechanism.small", "B37", "B37-basis")],
)
def test_the_mechanism_is_looked_for_on_held_out_numbers(monkeypatch, claim, own, shuffled):
    def found(lowest: Sequence[float], labels: float = 0.01) -> Measurement:
        exports = with_tasks(own, lowest), with_tasks(shuffled, (0.0, 0.0), labels)
        return measured(monkeypatch, claim, *exports)

    good = found((0.83, 0.85, 0.84))
    assert good.verdict == "agrees"
    assert "on shuffled labels, highest task: 0.01, agrees" in good.note
    assert "known by heart: at most 0.60" in good.controls
    assert found((0.5, 0.52, 0.51)).verdict == "differs"
    assert found((0.83, 0.85, 0.84), labels=0.7).verdict == "differs"
    mixed = found((0.7, 0.95, 0.8))
    assert mixed.verdict == ("undecided" if claim.endswith("small") else "differs")
    old = with_tasks(own, (0.9, 0.9))
    object.__setattr__(old, "tasks", old.tasks.drop(columns="explained_held_out"))
    with pytest.raises(MissingExport, match="tasks has no column explained_held_out"):
        measured(monkeypatch, claim, old, with_tasks(shuffled, (0.0, 0.0)))
