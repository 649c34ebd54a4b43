"""Claims on training agree on a planted case that does and differ on one that does not."""

from __future__ import annotations

import pytest

from made_up.claims import measures_of, place_tables
from made_up.runs import made_up_export
from modlib.claims.measures import grokking as mg
from modlib.claims.verdict import MissingExport
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.results.remainders import ExportedRemainders
from modlib.tasks.remainders import moduli

QS = moduli(REMAINDERS_PRESETS["B37"]).tolist()
IN_ORDER = {2: 1, 3: 2, 5: 4, 7: 8}
MIXED = (
    {11: 64, 13: 256, 17: 32, 19: 512, 23: 16, 29: 128, 31: 64},
    {11: 64, 13: 32, 17: 512, 19: 16, 23: 128, 29: 32, 31: 256},
    {11: 128, 13: 32, 17: 64, 19: 512, 23: 256, 29: 16, 31: 128},
)
RISING = dict(zip(QS[4:], (16, 16, 32, 64, 128, 256, 512), strict=True))
ATTENTION_FIRST = {"q": 2, "k": 4, "v": 4, "o": 2, "w_in": 64, "w_out": 32}
ATTENTION_LAST = {"q": 2, "k": 256, "v": 4, "o": 2}


@pytest.fixture
def put(monkeypatch):
    """Sets the committed exports by preset; those not named are absent."""

    def place(**exports: ExportedRemainders) -> None:
        by_name = {name.replace("_", "-"): exported for name, exported in exports.items()}
        place_tables(monkeypatch, remainders=by_name.get)

    return place


def small(count: int = 60, **options: object) -> ExportedRemainders:
    firsts = [IN_ORDER | MIXED[i % len(MIXED)] for i in range(count)]
    return made_up_export("B37", options.pop("firsts", firsts), **options)


def everything(preset: str, **options: object) -> ExportedRemainders:
    """All tasks learned."""
    qs = moduli(REMAINDERS_PRESETS[preset]).tolist()
    return made_up_export(preset, [dict.fromkeys(qs, 16) | IN_ORDER], **options)


def test_all_tasks_needs_both_fractions_and_the_last_step(put):
    text, code = everything("B113-text"), everything("B113-code")
    put(B37=small(2), B113_text=text, B113_code=code)
    found = mg.all_tasks()
    assert (found.verdict, found.value) == ("agrees", 1.0)
    assert "11 of 11 tasks" in found.note
    put(B113_text=text, B113_code=made_up_export("B113-code", [IN_ORDER]))
    assert mg.all_tasks().verdict == "differs"
    put(B37=small(2), B113_text=text)
    assert mg.all_tasks().verdict == "not testable at this size"
    put(B113_text=made_up_export("B113-text", [IN_ORDER], finished=False))
    found = mg.all_tasks()
    assert found.verdict == "not testable at this size"
    assert "1,024 steps: 4 of 29 tasks" in found.note
    put(B37=small(2))
    assert mg.all_tasks().verdict == "not testable at this size"


def test_order_is_a_share_of_seeds(put):
    put(B37=small())
    found = mg.order()
    assert (found.verdict, found.value) == ("agrees", 100.0)
    assert "2 (1), 3 (2), 5 (4), 7 (8)" in found.note
    swapped = IN_ORDER | {3: 1, 2: 2} | RISING
    put(B37=small(firsts=[swapped] * 5), B113_text=everything("B113-text"))
    found = mg.order()
    assert found.verdict == "differs"
    assert "in order, if not first, in 0 of 5 seeds" in found.note
    assert "steps: 2 (1), 3 (2), 5 (4), 7 (8), in order and first" in found.note
    put(B37=small(5))
    found = mg.order()
    assert found.verdict == "not testable at this size"
    assert "35 seeds that all keep the order" in found.note
    put(B37=small(firsts=[{2: 4, 3: 4}, {}]))
    assert mg.order().verdict == "differs"


def test_no_order_is_shown_not_assumed(put):
    put(B37=small(60))
    assert mg.rest_together().verdict == "agrees"
    put(B37=small(firsts=[IN_ORDER | RISING] * 5), B113_code=everything("B113-code"))
    found = mg.rest_together()
    assert found.verdict == "differs"
    assert found.value > 0.9
    assert "7 of 7 learned, from step 16 to 512, tau = 0.98" in found.note
    put(B37=small(1))
    found = mg.rest_together()
    assert found.verdict == "not testable at this size"
    assert "seeds would decide" in found.note
    falling = dict(zip(RISING, reversed(RISING.values()), strict=True))
    put(B37=small(firsts=[IN_ORDER | RISING, IN_ORDER | falling]))
    assert mg.rest_together().verdict == "not testable at this size"
    put(B37=small(firsts=[IN_ORDER]))
    with pytest.raises(MissingExport):
        mg.rest_together()


def test_attention_is_early_where_its_gradients_calm_down_first(put):
    put(B37=small(6, last_high=[ATTENTION_FIRST]), B113_text=everything("B113-text"))
    found = mg.attention_early()
    assert found.verdict == "agrees"
    assert found.value == pytest.approx(4 / 64)
    assert "seed 1000: last steps at half of the peak attention 4, FFN 64" in found.note
    put(B37=small(6, last_high=[ATTENTION_LAST]))
    assert mg.attention_early().verdict == "differs"
    put(B37=small(6, last_high=[ATTENTION_FIRST, ATTENTION_LAST]))
    assert mg.attention_early().verdict == "not testable at this size"
    put(B37=small(1))
    assert mg.attention_early().verdict == "not testable at this size"


def test_without_tables_claims_are_pending(put):
    put()
    for measure in measures_of("11_grokking"):
        with pytest.raises(MissingExport):
            measure()
