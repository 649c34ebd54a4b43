"""Each measure must say "agrees" on a planted case that does and "differs" on one that does not."""

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from made_up.claims import place_tables
from made_up.planted import CASES, PER_SEED, SEEDS, planted
from modlib.claims import committed, measure, verdict
from modlib.claims.ledger import ledger
from modlib.claims.measures import approximate_crt, interventions, measures, neurons
from modlib.claims.register import load_claims
from modlib.errors import InputError
from modlib.machine import RESULTS
from modlib.maths.intervals import share_interval

WITHOUT_TABLES = {"A.rem1.crt", "A.sec54.gamma", "A.sec54.half_at_log", "A.sec54.log_growth"}


@pytest.fixture
def plant(monkeypatch):
    def put(**columns: object) -> None:
        cases = {"A91": planted(91, **columns), "A89": planted(89, **columns)}
        place_tables(monkeypatch, sample=cases.get)

    return put


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
