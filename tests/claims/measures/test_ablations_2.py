"""Rows of the second edition on parts of the training: cases that agree, differ, are open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.claims import place_fresh
from made_up.runs import STEPS, made_up_export
from modlib.claims.measure import registered
from modlib.claims.verdict import Measurement, MissingExport
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.results.remainders import ExportedRemainders
from modlib.tasks.remainders import moduli

SIZES = {"": "B113-code", ".small": "B37"}
RISES, STAYS = (1, 1, 9, 9, 1, 1), (1, 1, 9, 9, 9, 9)


def all_at(preset: str, step: int | None) -> dict[int, int | None]:
    """Every task is learned at one step, or never."""
    return {int(q): step for q in moduli(REMAINDERS_PRESETS[preset])}


def export(
    preset: str, steps: Sequence[int | None], counts: Sequence[int] = RISES
) -> ExportedRemainders:
    """Networks that learn all at these steps; in the first one's first neuron so many frequencies
    have power, all but the first of them not always, and others always the same."""
    made = made_up_export(preset, [all_at(preset, step) for step in steps])
    epochs = np.array([256, 1000, 4000, 16000, 60000, 65534])
    smoothed = np.zeros((len(epochs), 5, 57))
    for row, count in enumerate(counts):
        smoothed[row, :, :count] = 1.0
    smoothed[:, :, 20:] = 1.0
    followed = {"epochs": epochs, "smoothed": smoothed}
    return replace(made, run=replace(made.run, first_neurons=followed))


def measured(monkeypatch: pytest.MonkeyPatch, claim: str, *exports: object) -> Measurement:
    place_fresh(monkeypatch, remainders={one.preset: one for one in exports})
    return registered()[claim]()


@pytest.mark.parametrize("size", ["", ".small"])
def test_without_the_filter_a_network_gets_there_or_not(monkeypatch, size):
    plain = SIZES[size]

    def found(with_it: Sequence[int | None], without: Sequence[int | None]) -> Measurement:
        exports = export(plain, with_it), export(f"{plain}-lambda-0", without)
        return measured(monkeypatch, f"B2.lambda{size}", *exports)

    good = found((512, 512), (None, None))
    assert (good.verdict, good.value) == ("agrees", 2)
    assert "it takes no accuracy in common" in good.note
    bad = found((512, 512), (1024, None))
    assert bad.verdict == "differs"
    assert "1 of 2 networks" in bad.text
    assert "it takes 2.00 times the steps; seed 1000" in bad.note
    both = found((512, 512), (1024, 1024))
    assert "it takes 2.00 (2.00 to 2.00) times the steps" in both.note
    assert ("learning rate x 1.5 at equal rate x decay: 0 of 1" in bad.note) == (not size)
    undecided = found((None, None), (None, None))
    assert undecided.verdict == "undecided"
    assert undecided.needs == "more steps than the paper's"
    one = found((512, None), (None, 512))
    assert (one.verdict, one.num_seeds) == ("agrees", 1)


def test_other_trainings_stand_beside_the_pair(monkeypatch):
    exports = [
        export("B113-code", (256,)),
        export("B113-code-lambda-0", (512,)),
        export("B113-code-lr-1.5", (256,)),
        export("B113-code-mask-a-sample", (128,)),
    ]
    found = measured(monkeypatch, "B2.lambda", *exports)
    assert "at equal rate x decay 1.00 times the steps;" in found.note
    assert "a dropout mask a sample 0.50 times the steps" in found.note


@pytest.mark.parametrize("size", ["", ".small"])
def test_masking_delays_nothing_and_the_spike_remains(monkeypatch, size):
    plain = SIZES[size]
    count = 1 if not size else 3

    def found(steps: Sequence[int | None], **counts: Sequence[int]) -> Measurement:
        exports = (
            export(plain, (256,) * count, counts.get("plain", RISES)),
            export(f"{plain}-masked", steps, counts.get("masked", RISES)),
        )
        return measured(monkeypatch, f"B2.masked{size}", *exports)

    good = found((64, 128, 64)[:count])
    assert good.verdict == "agrees"
    assert "count as coded, masked, 0, then 8 at epoch 4,000, then 0" in good.note
    assert good.text.startswith("steps to .97 of the other tasks, masked over not: 0.")
    assert found((512, 512, 512)[:count]).verdict == "differs"
    assert found((64, 128, 64)[:count], masked=STAYS).verdict == "differs"
    assert found((64, 128, 64)[:count], plain=STAYS).verdict == "differs"
    if size:
        undecided = found((64, 1024, 256))
        assert undecided.verdict == "undecided"
        assert "core-hours" in undecided.needs


def test_tasks_that_only_masked_networks_miss_leave_it_open(monkeypatch):
    plain = export("B113-code", (STEPS[-1],))
    found = measured(monkeypatch, "B2.masked", plain, export("B113-code-masked", (None,)))
    assert found.verdict == "undecided"
    assert "more steps: 25 tasks that only the masked networks" in found.needs
    nothing = export("B113-code", (None,)), export("B113-code-masked", (None,))
    with pytest.raises(MissingExport, match="a task above 7 that a network B113-code learns"):
        measured(monkeypatch, "B2.masked", *nothing)
    unfollowed = replace(plain, run=replace(plain.run, first_neurons={}))
    with pytest.raises(MissingExport, match="first neurons of B113-code through"):
        measured(monkeypatch, "B2.masked", unfollowed, export("B113-code-masked", (64,)))


def test_a_wave_that_fades_helps_where_the_others_wait_for_it(monkeypatch):
    def found(steps: Sequence[int | None], left: Sequence[float] = (0.1, 0.12, 0.11)):
        plain = export("B37", (256,) * 3)
        shares = pd.DataFrame(
            [
                {"seed": seed, "step": step, "explained_2": share}
                for seed, end in zip(plain.seeds, left, strict=True)
                for step, share in ((0, 0.0), (128, 0.08), (16384, 0.08 * end))
            ]
        )
        plain = replace(plain, spectra=shares)
        kinds = export("B37-ablated", steps), export("B37-perturbed", (256,) * 3)
        return measured(monkeypatch, "B2.temporary", plain, *kinds)

    assert found((512, 512, 512)).verdict == "agrees"
    none = found((256, 256, 256))
    assert none.verdict == "differs"
    assert none.text.startswith("steps to .97 of the others, without the wave over with it: 1 ")
    assert "q = 2 itself is at 0.97 again at step 256" in none.note
    stays = found((512, 512, 512), left=(0.9, 0.8, 0.9))
    assert stays.verdict == "differs"
    assert stays.text.startswith("left of the wave at the end: 0.8")
    open_ = found((256, 1024, 256))
    assert open_.verdict == "undecided"
    assert "core-hours" in open_.needs


def test_a_task_that_is_never_reached_without_the_wave_leaves_it_open(monkeypatch):
    """Counted with all steps it makes the others 4 ** (1 / 7) = 1.22 times as late, or later."""
    plain = export("B37", (256,) * 3)
    perturbed = export("B37-perturbed", (256,) * 3)
    late = all_at("B37-ablated", 256) | {31: None}
    ablated = made_up_export("B37-ablated", [late] * 3)

    def found(end: float) -> Measurement:
        rows = [
            {"seed": seed, "step": step, "explained_2": share}
            for seed in plain.seeds
            for step, share in ((0, 0.0), (128, 0.08), (16384, 0.08 * end))
        ]
        faded = replace(plain, spectra=pd.DataFrame(rows))
        return measured(monkeypatch, "B2.temporary", faded, ablated, perturbed)

    open_ = found(0.1)
    assert open_.verdict == "undecided"
    assert open_.text.startswith("steps to .97 of the others, without the wave over with it: 1.2")
    assert open_.needs == (
        "more steps: 3 pairs of task and network that only the networks without the wave do not "
        "reach"
    )
    assert found(0.9).verdict == "differs", "the wave stays, however late the others come"


@pytest.mark.parametrize("size", ["", ".small"])
def test_without_dropout_the_accuracy_breaks_down_or_not(monkeypatch, size):
    plain = SIZES[size]
    count = 1 if not size else 4

    def found(steps: Sequence[int | None]) -> Measurement:
        exports = export(f"{plain}-no-dropout", steps), export(plain, (512,))
        return measured(monkeypatch, f"B2.dropout0{size}", *exports)

    good = found((None,) * count)
    assert good.verdict == "agrees"
    assert good.controls == "with dropout 100.0 %"
    assert good.note == "on numbers trained on 100.0 %"
    assert found((64,) * count).verdict == "differs"
    if size:
        assert found((64, None, 64, None)).verdict == "undecided"
