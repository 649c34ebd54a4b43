"""Each measure must say "agrees" on a planted case that does and "differs" on one that does not."""

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from made_up.claims import place_tables
from modlib.analysis.macro.tables import NetworkTables
from modlib.claims import committed, measure, verdict
from modlib.claims.ledger import ledger
from modlib.claims.measures import approximate_crt, interventions, measures, neurons
from modlib.claims.register import load_claims
from modlib.errors import InputError
from modlib.machine import RESULTS
from modlib.maths.intervals import share_interval

SEEDS, PER_SEED = 40, 20
WITHOUT_TABLES = {"A.rem1.crt", "A.sec54.gamma", "A.sec54.half_at_log", "A.sec54.log_growth"}


def planted(n: int, **columns: object) -> NetworkTables:
    """NetworkTables of 40 learned networks; keyword arguments replace columns of a good case."""
    generator = np.random.default_rng(n)
    rows = SEEDS * PER_SEED
    seed = np.repeat(np.arange(SEEDS), PER_SEED)
    good = {
        "kind": "simple",
        "freq": 5,
        "freq_1": 5,
        "freq_2": 10,
        "freq_3": 20,
        "residual": 0.4,
        "full": 0.8,
        "hump": 0.9,
        "flank": 0.7,
        "phase_error": generator.normal(0, 0.1, rows),
        "log_ratio": generator.normal(0, 0.01, rows),
        "spike": 100.0,
        "secondary": 3.0,
        "remapped_freq": 1,
        "explained": 0.95,
        "amplitude": generator.normal(3, 0.3, rows),
        "num_neurons": 8 + np.arange(rows) % 9,
        "num_phases": 12,
        "resultant": np.where(np.arange(rows) % 2, 0.9, 0.1),
        "noise_loss": 0.04,
        "noise_accuracy": 1.0,
        "removed_loss": (np.arange(rows) % 9).astype(float),
        "shift_cosine": 0.97,
        "shift_error": -(np.arange(rows) % 9).astype(float),
    }
    table = pd.DataFrame({"seed": seed, **good, **columns})
    summary = pd.DataFrame(
        {
            "seed": np.arange(SEEDS),
            "n": n,
            "learned": True,
            "margin": columns.get("margin", 2.0),
            "loss": 0.03,
            "num_pairs": 15,
            "num_pairs_agree": columns.get("num_pairs_agree", 15),
        }
    )
    return NetworkTables(summary, table, table)


@pytest.fixture
def plant(monkeypatch):
    def put(**columns: object) -> None:
        cases = {"A91": planted(91, **columns), "A89": planted(89, **columns)}
        place_tables(monkeypatch, sample=cases.get)

    return put


CASES = {
    "A.fig2.half_period": {"hump": 0.7},
    "A.sec4.most_simple": {"kind": "fine-tuning"},
    "A.sec4.fine_tuning_optional": {"kind": "fine-tuning"},
    "A.secA1.phase_sum": {"phase_error": 4.0},
    "A.secA1.radius": {"log_ratio": 0.3},
    "A.secB31.magnitudes": {"secondary": 9.0},
    "A.fig6.cosine": {"explained": 0.8},
    "A.fig6.intersection": {"margin": -0.1},
    "A.sec54.equal_amplitude": {"amplitude": np.tile([1.0, 4.0], SEEDS * PER_SEED // 2)},
    "A.fig8.circular": {"num_pairs_agree": 13},
    "A.fig22.remap": {"remapped_freq": 2},
    "A.fig24.uniform_phases": {"resultant": 0.05},
    "A.fig26.sigma225": {"noise_loss": 0.2},
    "A.fig27.unequal": {"removed_loss": np.tile([1.0, 0.0], SEEDS * PER_SEED // 2)},
    "A.fig31.equivariant": {"shift_cosine": 0.5},
}


@pytest.mark.parametrize("claim_id", CASES)
def test_the_planted_good_case_agrees_and_the_bad_one_differs(plant, claim_id):
    plant()
    good = measure.registered()[claim_id]()
    if claim_id == "A.fig2.half_period":
        assert good.num_seeds == 2 * SEEDS
    assert good.verdict == "agrees", good.text
    plant(**CASES[claim_id])
    assert measure.registered()[claim_id]().verdict == "differs"


def test_a_property_of_most_random_triples_says_nothing_although_all_neurons_have_it(plant):
    plant()
    harmonics = neurons.fine_tuning_order()
    assert harmonics.value == 100
    assert harmonics.verdict == "differs"  # of all triples 46 % and 60 % are harmonics too
    assert "46 % (n = 91)" in harmonics.note


def test_a_second_bad_condition_is_enough_to_differ(plant):
    plant(noise_accuracy=0.9)
    assert interventions.noise_at_sigma().verdict == "differs"
    plant(shift_error=np.arange(SEEDS * PER_SEED) % 9)
    assert approximate_crt.equivariant().verdict == "differs"
    plant(spike=50.0)
    assert neurons.magnitudes().verdict == "differs"


def test_networks_that_did_not_learn_are_left_out(monkeypatch):
    case = planted(91, kind="simple")
    case.summary.loc[:9, "learned"] = False
    place_tables(monkeypatch, sample={"A91": case, "A89": planted(89)}.get)
    assert neurons.most_simple().num_seeds == 2 * SEEDS - 10


def test_the_share_of_runs_that_are_right_everywhere_counts_those_that_did_not_learn(monkeypatch):
    case = planted(91)
    case.summary.loc[:9, ["learned", "margin"]] = [False, -1.0]
    place_tables(monkeypatch, sample={"A91": case, "A89": planted(89)}.get)
    found = approximate_crt.intersection()
    assert found.num_seeds == 2 * SEEDS
    assert found.value == 100 * (1 - 10 / (2 * SEEDS))
    assert found.verdict == "differs"
    assert f"of the {2 * SEEDS - 10} networks that learned 100.0 %" in found.note


def test_without_tables_a_claim_stays_pending(monkeypatch):
    place_tables(monkeypatch, sample=lambda name: None)
    place_tables(monkeypatch, sweep=lambda name: None)
    place_tables(monkeypatch, clock_pizza=lambda: None)
    paper_a = [claim_id for claim_id in load_claims(edition=1) if claim_id.startswith("A.")]
    few = [claim_id for claim_id in paper_a if claim_id not in WITHOUT_TABLES]
    assert {type(found) for found in measure.measure(few).values()} == {verdict.MissingExport}
    assert {row.verdict for row in ledger(1, measure.measure(few))} == {"pending"}


def test_every_claim_has_one_measure_and_every_measure_a_claim():
    """A second measure of a claim is refused when it is registered."""
    assert set(measure.registered()) == set(load_claims())
    with pytest.raises(InputError, match="claim id must be measured by one function"):
        measures("A.rem1.crt")(approximate_crt.remark_1)


def test_a_measure_stands_in_the_file_of_its_claims_chapter():
    for claim_id, function in measure.registered().items():
        module = getattr(function, "func", function).__module__.rpartition(".")[2]
        claim = load_claims()[claim_id]
        ending = "_2" if claim.edition == 2 else ""
        assert module in {claim.chapter.partition("_")[2] + end for end in ("", ending)}


def test_only_what_is_asked_for_is_measured():
    assert set(measure.measure(["A.rem1.crt", "A.unknown"])) == {"A.rem1.crt"}


def test_what_measures_several_claims_does_so_once(monkeypatch):
    calls = []

    def once():
        calls.append(1)
        return verdict.Measurement(value=1.0, verdict="agrees")

    for claim_id in ("A.rem1.crt", "A.fig6.cosine"):
        monkeypatch.setitem(measure.registered(), claim_id, once)
    found = measure.measure(["A.rem1.crt", "A.fig6.cosine"])
    assert list(found) == ["A.rem1.crt", "A.fig6.cosine"]
    assert len(calls) == 1


def test_a_folder_is_read_once_and_tests_point_to_another(monkeypatch, tmp_path):
    asked = []
    once = lru_cache(maxsize=None)(lambda name, root: asked.append((name, root)))
    monkeypatch.setattr(committed, "_remainders", once)
    with committed.reading_from(tmp_path):
        assert committed.remainders_of(["B37", "B37", "B37-nanda"]) == []
    committed.find_remainders("B37")
    assert asked == [("B37", tmp_path), ("B37-nanda", tmp_path), ("B37", RESULTS)]


def test_the_interval_of_a_share_is_wilsons():
    share, low, high = share_interval(128, 128)
    z2 = stats.norm.ppf(0.975) ** 2
    assert (share, high) == (1.0, pytest.approx(1.0))
    assert low == pytest.approx(128 / (128 + z2))


def test_ranks_that_are_counted_correlate_as_sorted_ones_do():
    generator = np.random.default_rng(0)
    table = pd.DataFrame(generator.integers(0, 9, (400, 2)), columns=["x", "y"])
    table["unit"] = np.repeat(np.arange(40), 10)
    found = committed.rank_correlation(table, "x", "y")
    assert found[0] == pytest.approx(stats.spearmanr(table.x, table.y)[0], rel=1e-12)
    assert found[1] < found[0] < found[2]
    assert found[3] == 40
    with pytest.raises(InputError, match="x and y must be finite in every row, got 'NaN'"):
        committed.rank_correlation(table.astype(float).replace(3, np.nan), "x", "y")
