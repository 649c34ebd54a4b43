"""The ledger is complete, its rules bite, and its intervals are those of resampled seeds."""

import json
import math
from collections import Counter

import numpy as np
import pytest

from modlib.claims.ledger import (
    Row,
    as_json,
    as_table,
    as_text,
    count_verdicts,
    escape,
    ledger,
)
from modlib.claims.measure import measured_ledger
from modlib.claims.register import load_claims
from modlib.claims.verdict import (
    VERDICTS,
    Measurement,
    interval_verdict,
    margin_verdict,
    networks_to_show,
)
from modlib.errors import InputError
from modlib.machine import ROOT
from modlib.maths.intervals import bootstrap_over_seeds

CHAPTERS = {
    "01_training",
    "02_neurons",
    "03_embeddings",
    "04_clusters",
    "05_interventions",
    "06_clock_and_pizza",
    "07_approximate_crt",
    "08_frequencies",
    "09_scaling",
    "10_remainders",
    "11_grokking",
    "12_transformer_embeddings",
    "13_transformer_neurons",
    "14_ablations",
    "15_your_checkpoint",
    "16_many_adders",
}

IDS_OF_PAPER_A = [
    *("sec4.accuracy.n91", "sec4.accuracy.n89", "fig2.fine_tuning.order", "fig2.half_period"),
    *("fig3.tail.batch_n", "fig3.tail.full", "fig3.range", "fig3.zero_bin"),
    *("sec4.batch_invariance", "sec4.most_simple", "sec4.fine_tuning_optional"),
    *("secA1.phase_sum", "secA1.radius", "secB31.magnitudes", "fig4a.classes.n91"),
    *("fig4a.within.n91", "fig4a.within.n89", "fig4b.double", "fig5a.rank0"),
    *("fig5b.clusters.n91", "fig5b.clusters.n89", "fig6.cosine", "fig6.intersection"),
    *("sec54.equal_amplitude", "fig8.circular", "fig17.pizza_shift", "fig18.remap"),
    *("sec55.pizza_cosets", "secB11.crt", "fig22.remap"),
    *("fig24.uniform_phases", "fig25.bound", "fig25.count", "fig25.prime_factors"),
    *("fig26.sigma225", "fig27.unequal", "fig28.additive", "fig29.width", "fig30.growth"),
    *("sec54.gamma", "sec54.half_at_log", "sec54.log_growth", "fig31.equivariant", "rem1.crt"),
]

IDS_OF_PAPER_B = [
    *("sec.primes", "fig5.all_tasks", "fig5.order", "fig5.rest_together", "fig7.positions"),
    *("fig8.diffuse", "fig11.five", "fig13.basis", "fig14.periodic", "tab3.spike", "tab3.reuse"),
    *("fig17.attention_early", "fig18.one_digit", "sec.attention_idle", "tab2.lambda0"),
    *("sec.masked", "sec.dropout0", "sec.mechanism"),
]

CLUSTERS_ID = "A.fig5b.clusters.n91"
CLUSTERS = Measurement(
    value=5.07, low=4.9, high=5.3, num_seeds=64, verdict="agrees", unit="clusters"
)


def write_claims(path, **changes):
    entry = {
        "id": "A.x",
        "paper": "A",
        "place": "figure 1",
        "says": "s",
        "reported": "r",
        "measured": "m",
        "rule": "above 0",
        "chapter": "01_training",
    } | changes
    lines = [f'{name} = "{content}"' for name, content in entry.items() if content is not None]
    path.write_text("[[claim]]\n" + "\n".join(lines) + "\n")
    return path


# ------------------------------------------------------------------ claims.toml


def test_every_claim_of_both_papers_is_listed_once():
    expected = [f"A.{name}" for name in IDS_OF_PAPER_A] + [f"B.{name}" for name in IDS_OF_PAPER_B]
    assert list(load_claims(edition=1)) == expected


def test_every_claim_is_shown_by_a_chapter_of_the_book():
    assert {claim.chapter for claim in load_claims(edition=1).values()} <= CHAPTERS


def test_claims_stand_in_chapters_of_their_paper():
    for claim in load_claims(edition=1).values():
        number = int(claim.chapter[:2])
        assert (number <= 9) == (claim.paper == "A"), claim.id


def test_every_rule_names_a_bound_or_says_what_must_hold_exactly():
    words = ("exact", "all", "below", "above", "before")
    for claim in load_claims(edition=1).values():
        has_number = any(character.isdigit() for character in claim.rule)
        assert has_number or any(word in claim.rule for word in words), claim.id


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": None}, "claim A.x must have the fields"),
        ({"colour": "red"}, "claim A.x must have the fields"),
        ({"rule": " "}, "rule of claim A.x must be a non-empty text"),
        ({"paper": "C"}, "id of claim A.x must start with its paper"),
        ({"paper": "B"}, "id of claim A.x must start with its paper"),
    ],
)
def test_a_malformed_claim_is_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        load_claims(write_claims(tmp_path / "claims.toml", **change))


def test_an_id_used_twice_is_refused(tmp_path):
    path = write_claims(tmp_path / "claims.toml")
    path.write_text(path.read_text() * 2)
    with pytest.raises(InputError, match=r"claim ids must be unique, got 'A\.x'"):
        load_claims(path)


# ------------------------------------------------------------------ measurements


def test_the_text_of_a_measurement_is_built_from_its_numbers():
    share = Measurement(value=1.2, low=1.0, high=1.4, num_seeds=64, unit="%", verdict="agrees")
    assert share.text == "1.2 % (95 % 1.0 to 1.4, 64 seeds)"
    accuracy = Measurement(value=0.99961, low=0.9991, high=0.9998, num_seeds=16, verdict="agrees")
    assert accuracy.text == "0.9996 (95 % 0.9991 to 0.9998, 16 seeds)"
    assert Measurement(value=1495.0, verdict="differs").text == "1495"
    assert Measurement(value=0.5, num_seeds=1, verdict="agrees").text == "0.5 (1 seed)"
    assert Measurement(value=1.0, verdict="agrees", text="all of 91").text == "all of 91"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdict": "maybe"}, "verdict must be one of agrees"),
        ({"value": math.nan}, "value must be finite"),
        ({"low": None}, "low and high must be both given or both None"),
        ({"low": 3.0}, "low and high must be finite and in order"),
        ({"high": math.inf}, "low and high must be finite and in order"),
        ({"num_seeds": 0}, "num_seeds must be at least 1"),
        ({"verdict": "not testable at this size"}, "note must say the size"),
    ],
)
def test_a_malformed_measurement_is_refused(change, message):
    good = {"value": 1.0, "low": 0.5, "high": 1.5, "num_seeds": 8, "verdict": "agrees"}
    with pytest.raises(InputError, match=message):
        Measurement(**(good | change))


# ------------------------------------------------------------------ intervals


def test_the_interval_of_a_mean_is_the_normal_one():
    """For 400 seeds with standard deviation s the interval is mean +- 1.96 s / 20.

    Tolerance .15 half-widths: the percentiles of 4000 resamples vary by about .04 of one.
    """
    values = np.random.default_rng(7).normal(5.0, 1.0, size=400)
    value, low, high = bootstrap_over_seeds(list(values), np.mean, num_resamples=4000)
    half_width = 1.96 * values.std() / 20
    assert value == pytest.approx(values.mean())
    assert low == pytest.approx(values.mean() - half_width, abs=0.15 * half_width)
    assert high == pytest.approx(values.mean() + half_width, abs=0.15 * half_width)


def test_the_interval_of_two_seeds_is_that_of_the_enumeration():
    """Two seeds 0 and 1 have resample means 0, 1/2, 1 with odds 1 : 2 : 1, so the 2.5 % and
    97.5 % points are 0 and 1."""
    assert bootstrap_over_seeds([0.0, 1.0], np.mean) == (0.5, 0.0, 1.0)


def test_seeds_are_resampled_whole():
    """A thousand equal neurons in a seed are one observation, not a thousand."""
    neurons_by_seed = [[float(seed % 2)] * 1000 for seed in range(8)]
    _, low, high = bootstrap_over_seeds(neurons_by_seed, np.mean)
    assert high - low > 0.5


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    values = list(np.random.default_rng(1).normal(size=20))
    first = bootstrap_over_seeds(values, np.mean, num_resamples=200, seed=3)
    assert bootstrap_over_seeds(values, np.mean, num_resamples=200, seed=3) == first
    assert bootstrap_over_seeds(values, np.mean, num_resamples=200, seed=4) != first


@pytest.mark.parametrize(
    ("values", "statistic", "arguments", "message"),
    [
        ([1.0], np.mean, {}, "values_by_seed must hold at least 2 seeds, got 1"),
        ([1.0, 2.0], np.mean, {"num_resamples": 0}, "num_resamples must be at least 1"),
        ([1.0, math.nan], np.mean, {}, "statistic must be finite on every resample"),
    ],
)
def test_a_bootstrap_that_cannot_be_made_is_refused(values, statistic, arguments, message):
    with pytest.raises(InputError, match=message):
        bootstrap_over_seeds(values, statistic, **arguments)


def test_a_rule_is_applied_to_the_whole_interval():
    assert interval_verdict(4.9, 5.3, at_least=4.0, at_most=5.5) == "agrees"
    assert interval_verdict(4.9, 5.6, at_least=4.0, at_most=5.5) == "differs"
    assert interval_verdict(3.9, 5.3, at_least=4.0, at_most=5.5) == "differs"


def test_a_planted_failure_fails():
    """Nine of ten runs reach 100 %; the rule asks for .95, and chance must not rescue it."""
    _, low, high = bootstrap_over_seeds([1.0] * 90 + [0.0] * 10, np.mean)
    assert low < 0.9 < high
    assert interval_verdict(low, high, at_least=0.95) == "differs"


def test_bounds_are_strict_or_not_as_they_are_named():
    assert interval_verdict(1.0, 2.0, at_least=1.0, at_most=2.0) == "agrees"
    assert interval_verdict(1.0, 2.0, above=1.0) == "differs"
    assert interval_verdict(1.0, 2.0, below=2.0) == "differs"
    assert interval_verdict(1.0, 2.0, above=0.9, below=2.1) == "agrees"
    assert interval_verdict(1.0, 1.0, at_least=1.0, at_most=1.0) == "agrees"


@pytest.mark.parametrize(
    ("interval", "rule", "message"),
    [
        ((1.0, 2.0), {}, "rule must hold at least one bound"),
        ((2.0, 1.0), {"above": 0.0}, "low and high must be finite and in order"),
        ((math.nan, 1.0), {"above": 0.0}, "low and high must be finite and in order"),
    ],
)
def test_an_interval_without_a_verdict_is_refused(interval, rule, message):
    with pytest.raises(InputError, match=message):
        interval_verdict(*interval, **rule)


# ------------------------------------------------------------------ the ledger's forms


def test_a_claim_without_measurement_is_pending():
    rows = ledger(1, {CLUSTERS_ID: CLUSTERS})
    assert [row.claim for row in rows] == list(load_claims(edition=1).values())
    assert {row.claim.id for row in rows if row.verdict != "pending"} == {"A.fig5b.clusters.n91"}
    assert Row(claim=rows[0].claim).text == ""


def test_a_measurement_of_an_unknown_claim_is_refused():
    with pytest.raises(
        InputError, match=r"claim id must be listed in claims\.toml, got 'A\.fig99'"
    ):
        ledger(1, {"A.fig99": CLUSTERS})


def test_json_holds_place_reported_measured_and_verdict():
    entries = json.loads(as_json(ledger(1, {CLUSTERS_ID: CLUSTERS}), edition=1))
    assert isinstance(entries, list)
    assert [entry["id"] for entry in entries] == list(load_claims(edition=1))
    for entry in entries:
        assert set(entry) == {"id", "place", "reported", "measured", "verdict"}
        assert entry["verdict"] in VERDICTS[1]
        assert (entry["measured"] is None) == (entry["verdict"] == "pending")
    measured = next(e for e in entries if e["id"] == "A.fig5b.clusters.n91")["measured"]
    assert measured == {
        "value": 5.07,
        "low": 4.9,
        "high": 5.3,
        "num_seeds": 64,
        "unit": "clusters",
        "text": "5.1 clusters (95 % 4.9 to 5.3, 64 seeds)",
        "note": "",
    }


def test_the_table_has_a_row_a_claim_and_its_numbers():
    table = as_table(ledger(1, {CLUSTERS_ID: CLUSTERS})).set_index("id")
    assert len(table) == len(load_claims(edition=1))
    row = table.loc["A.fig5b.clusters.n91"]
    assert (row["low"], row["high"], row["verdict"]) == (4.9, 5.3, "agrees")
    assert row["measured"] == "5.1 clusters (95 % 4.9 to 5.3, 64 seeds)"
    assert table.loc["B.sec.primes", "measured"] == ""


def test_verdicts_are_counted_and_none_is_lost():
    rows = ledger(1, {CLUSTERS_ID: CLUSTERS})
    counts = count_verdicts(rows, edition=1)
    assert list(counts.columns) == list(VERDICTS[1])
    assert counts.loc["A", "agrees"] == 1
    assert counts.loc["B", "pending"] == len(IDS_OF_PAPER_B)
    assert counts.to_numpy().sum() == len(rows)
    with pytest.raises(InputError, match="by must be one of"):
        count_verdicts(rows, by="colour", edition=1)


def test_the_readme_counts_both_editions_as_they_are():
    rows = measured_ledger(2)
    first = Counter(row.verdict for row in measured_ledger(1))
    second = Counter(row.verdict for row in rows if row.claim.edition == 2)
    kept = Counter(row.verdict for row in rows if row.claim.edition == 1)
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert (
        f"In the first edition, {first.total()} claims, {first['agrees']} agree, "
        f"{first['differs']} differ and {first['not testable at this size']} cannot be tested"
    ) in text
    assert (
        f"of these {second.total() - second['identity']} claims {second['agrees']} agree, "
        f"{second['differs']} differ, {second['undecided']} are undecided, and "
        f"{second['pending']} wait for networks that are not trained yet; "
        f"{kept.total() - kept['identity']} more are carried over with the first edition's "
        f"networks "
        f"and rules ({kept['agrees']} agree, {kept['differs']} differ)"
    ) in text


def test_the_text_shows_each_verdict_in_words():
    rows = ledger(1, {CLUSTERS_ID: CLUSTERS})
    assert "agrees  A.fig5b.clusters.n91  (paper A, figure 5b" in as_text(rows, edition=1)
    assert as_text(rows, edition=1).endswith(
        f"{len(rows)} claims: 1 agrees, 0 differs, "
        f"0 not testable at this size, {len(rows) - 1} pending"
    )


def test_markdown_does_not_interpret_the_texts():
    assert escape("a|b *c* <d> $e$") == r"a\|b \*c\* \<d\> \$e\$"


def test_a_margin_is_kept_left_or_not_to_be_told():
    assert margin_verdict([(0.96, 1.04), (0.95, 1.05)], 0.95, 1.05) == "agrees"
    assert margin_verdict([(0.96, 1.04), (1.06, 1.2)], 0.95, 1.05) == "differs"
    undecided = margin_verdict([(0.96, 1.04), (0.9, 1.2)], 0.95, 1.05)
    assert undecided == "not testable at this size"


def test_networks_needed_to_show_equality_have_the_power_that_they_promise():
    num_networks, margin = networks_to_show(100, 0.1, 0.05), 0.05
    half_width = 0.1 * (100 / num_networks) ** 0.5
    estimates = np.random.default_rng(0).normal(0, half_width / 1.96, 20_000)
    shown = (np.abs(estimates) + half_width <= margin).mean()
    assert shown == pytest.approx(0.8, abs=0.02)
