"""Each measure must say "agrees" on a planted case that does and "differs" on one that does not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from made_up.claims import place_tables
from modlib.analysis.remainders.active_sets import counts_at_epochs
from modlib.claims.measure import registered
from modlib.claims.register import load_claims
from modlib.claims.verdict import MissingExport
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.results.remainders import ExportedRemainders

PAPER_STEPS = [0, 64, 256, 1024, 4096, 16384, 65536]


def made_up(
    preset: str,
    *,
    num_seeds: int = 5,
    steps: int | None = None,
    counts: tuple[int, ...] = (0, 0, 0, 0, 10, 18, 10),
    same_cells: bool = True,
    top_share: float = 0.5,
    residue: float = 0.1,
    smaller_share: float = 0.01,
    equal: float = 0.99,
    explained: float = 0.9,
    spread: float = 0.002,
) -> ExportedRemainders:
    """Tables of a preset with these means; seeds differ by ``spread``."""
    config = REMAINDERS_PRESETS[preset]
    made = config.steps if steps is None else steps
    seeds = range(1000, 1000 + num_seeds)
    jitter = dict(zip(seeds, spread * np.linspace(-1, 1, num_seeds), strict=True))
    logged = [step for step in PAPER_STEPS if step <= made]
    numbers = {f"smaller_share_{head}": smaller_share for head in range(config.heads)}
    networks = [
        numbers
        | {
            "seed": seed,
            "steps": made,
            "smaller_share": smaller_share + jitter[seed],
            "smaller_share_by_number": smaller_share / 2,
            "accuracy": 0.99,
            "accuracy_constant": 0.9,
            "accuracy_equal": equal + jitter[seed],
        }
        for seed in seeds
    ]
    tasks = [
        {
            "seed": seed,
            "q": q,
            "explained": explained + jitter[seed],
            "residue_share": residue + jitter[seed],
            "frequencies": 1.0,
        }
        for seed in seeds
        for q in (2, 3, 5)
    ]
    spectra = [
        {"seed": seed, "step": step, "top_share": top_share + jitter[seed]} | {"written": count}
        for seed in seeds
        for step, count in zip(logged, counts, strict=False)
    ]
    magnitude = np.zeros((len(logged), 11, 11))
    magnitude[:, 1, 1] = magnitude[:, -1, -1] = 1
    if not same_cells:
        magnitude[-1] = np.roll(magnitude[-1], 1, axis=0)
    run = SimpleNamespace(
        spectra={"magnitude": magnitude},
        spectrum_steps=np.array(logged),
        neuron_zero={"smoothed": np.multiply.outer(counts[: len(logged)], np.eye(11, 6))},
        first_neurons={},
    )
    return ExportedRemainders(
        preset=preset,
        config=config,
        history=pd.DataFrame(),
        norms=pd.DataFrame(),
        spectra=pd.DataFrame(spectra),
        networks=pd.DataFrame(networks),
        tasks=pd.DataFrame(tasks),
        run=run,
        manifest={},
    )


@pytest.fixture
def put(monkeypatch):
    """Sets what is committed by preset; presets not named are absent."""

    def place(*presets: ExportedRemainders) -> None:
        found = {preset.preset: preset for preset in presets}
        place_tables(monkeypatch, remainders=found.get)

    return place


def controls(**changes: object) -> list[ExportedRemainders]:
    low = {"top_share": 0.2, "residue": 0.0, "explained": 0.0, "smaller_share": 0.4} | changes
    return [made_up("B37-basis", **low), made_up("B37-untrained", **low)]


def small(**changes: object) -> list[ExportedRemainders]:
    return [made_up("B37", **changes), made_up("B37-nanda", smaller_share=0.3), *controls()]


def paper(**changes: object) -> list[ExportedRemainders]:
    return [made_up("B113-text", num_seeds=1, **changes)]


def shuffled(**changes: object) -> ExportedRemainders:
    return made_up("B113-basis", num_seeds=1, **changes)


CASES = {
    "B.fig14.periodic": (small(), [made_up("B37"), *controls(residue=0.2)]),
    "B.tab3.spike": (paper(), paper(counts=(9, 9, 9, 9, 9, 10, 10))),
    "B.tab3.reuse": ([*paper(), shuffled(same_cells=False)], paper(same_cells=False)),
    "B.fig18.one_digit": (small(), small(smaller_share=0.2)),
    "B.sec.attention_idle": (small(), small(equal=0.8)),
    "B.sec.mechanism": (small(), [made_up("B37"), *controls(explained=0.5)]),
}


@pytest.mark.parametrize("claim", CASES)
def test_agrees_where_the_claim_holds_and_differs_where_it_does_not(put, claim):
    holds, fails = CASES[claim]
    put(*holds)
    found = registered()[claim]()
    assert found.verdict == "agrees", found
    assert found.note
    put(*fails)
    assert registered()[claim]().verdict == "differs"


def test_every_claim_of_the_chapter_has_its_case():
    claims = {
        c.id for c in load_claims(edition=1).values() if c.chapter == "13_transformer_neurons"
    }
    assert claims == set(CASES)


@pytest.mark.parametrize("claim", CASES)
def test_without_tables_a_claim_stays_open(put, claim):
    put()
    with pytest.raises(MissingExport):
        registered()[claim]()


@pytest.mark.parametrize("claim", ["B.tab3.spike", "B.tab3.reuse"])
def test_an_unfinished_run_of_the_papers_size_decides_nothing(put, claim):
    put(*paper(steps=16384), *small())
    found = registered()[claim]()
    assert found.verdict == "not testable at this size"
    assert "65,536 steps at p = 113, 16,384 are made" in found.note
    assert "37" in found.note
    put(*small(counts=(9, 9, 9, 20, 9, 9, 9)))
    found = registered()[claim]()
    assert found.verdict == "not testable at this size"
    assert "113, 0 are made" in found.note


@pytest.mark.parametrize("claim", ["B.fig18.one_digit", "B.sec.attention_idle", "B.sec.mechanism"])
def test_one_seed_gives_a_number_and_no_verdict(put, claim):
    put(
        made_up("B37", num_seeds=1),
        made_up("B37-nanda", num_seeds=1, smaller_share=0.3),
        *controls(num_seeds=1),
    )
    found = registered()[claim]()
    assert found.verdict == "not testable at this size"
    assert found.low is None
    assert "takes two or more" in found.note


def test_an_interval_that_holds_the_bound_says_how_many_seeds_it_takes(put):
    put(*small(equal=0.95, spread=0.05))
    found = registered()["B.sec.attention_idle"]()
    assert found.verdict == "not testable at this size"
    assert "it takes about" in found.note


def test_the_mechanism_differs_where_one_task_lacks_it(put):
    lacking = made_up("B37")
    lacking.tasks.loc[lacking.tasks.q == 5, "explained"] = 0.6
    put(lacking, *controls())
    found = registered()["B.sec.mechanism"]()
    assert found.verdict == "differs"
    assert "task q = 5, the lowest" in found.note


def test_reuse_must_be_more_than_the_shuffled_networks(put):
    reuse = registered()["B.tab3.reuse"]
    put(*paper(), shuffled())
    assert reuse().verdict == "differs"
    put(*paper())
    assert reuse().verdict == "not testable at this size"
    assert "shuffled" in reuse().note


def test_table_3_is_read_from_the_first_seed():
    made = made_up("B113-text", num_seeds=1)
    smoothed = made.run.neuron_zero["smoothed"]
    table = counts_at_epochs(made.spectra, made.run.spectrum_steps, smoothed)
    assert table.written.tolist() == [0, 0, 10, 18, 10]
    assert table.paper.tolist() == [0, 0, 10, 18, 10]
