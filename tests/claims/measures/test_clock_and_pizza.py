"""Claims on clocks and pizzas agree on a planted case that does and differ on one that does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.claims import measures_of, place_tables
from modlib.claims.measures import clock_and_pizza as mc
from modlib.claims.verdict import MissingExport
from modlib.results.clock_pizza import ExportedClockPizza

N = 59
SEEDS = (1001, 1002, 1003)
SPREAD = (-0.002, 0.0, 0.002)
MODEL_A, MODEL_B = "clock-and-pizza/A", "clock-and-pizza/B"
PIZZA = {
    "median_residual": 0.08,
    "share_simple": 0.75,
    "coset_overlap": 0.97,
    "clock": 0.96,
    "pizza_alone": 0.99,
    "clock_alone": 0.77,
    "clock_double": 0.98,
}
CLOCK = PIZZA | {"clock": 0.97, "coset_overlap": 0.96, "pizza_alone": 0.3}
UNTRAINED = dict.fromkeys(PIZZA, 0.2)


def wave(freq: int, stronger: dict[int, float] | None = None) -> pd.DataFrame:
    """The profile of cosine neurons; ``stronger``: planted strengths of shifts."""
    strength = np.cos(2 * np.pi * freq * np.arange(N) / N)
    for shift, value in (stronger or {}).items():
        strength[[shift, -shift]] = value
    return pd.DataFrame({"freq": freq, "shift": np.arange(N), "strength": strength})


def made_up(
    pizza=PIZZA, clock=CLOCK, untrained=UNTRAINED, *, published=None, spread=SPREAD, freqs=(15, 17)
) -> ExportedClockPizza:
    """Three rates whose seeds scatter by ``spread``; at rate 0.5 nothing is as it should be."""
    rows = []
    for source, rate, centre in (
        ("ours", 0.0, pizza),
        ("ours", 0.5, dict.fromkeys(PIZZA, 0.0)),
        ("ours", 1.0, clock),
        ("untrained", 0.0, untrained),
        ("untrained", 1.0, dict.fromkeys(PIZZA, 0.0)),
    ):
        for seed, off in zip(SEEDS, spread, strict=False):
            planted = {name: value + off for name, value in centre.items()}
            rows.append({"source": source, "rate": rate, "seed": seed} | planted)
    known = {"share_simple": 0.4, "median_residual": 0.13}
    rows += [
        {"source": name, "rate": rate, "seed": -1} | PIZZA | known
        for name, rate in ((MODEL_A, 0.0), (MODEL_B, 1.0))
    ]
    shifts = [(wave(15) if published is None else published).assign(source=MODEL_A, seed=-1)]
    shifts.append(wave(3).assign(source=MODEL_A, seed=-1))
    shifts += [
        wave(freq).assign(source="ours", seed=seed)
        for seed in SEEDS[: len(spread)]
        for freq in freqs
    ]
    shifts = pd.concat(shifts, ignore_index=True).assign(rate=0.0)
    shifts = shifts.sample(frac=1, random_state=0)
    none = pd.DataFrame()
    return ExportedClockPizza(
        networks=pd.DataFrame(rows),
        clusters=none,
        circles=none,
        shifts=shifts,
        history=none,
        shown={},
        manifest={},
    )


@pytest.fixture
def put(monkeypatch):
    """Sets the committed export."""

    def place(exported: ExportedClockPizza | None) -> None:
        place_tables(monkeypatch, clock_pizza=lambda: exported)

    return place


def test_the_shift_of_the_paper_must_be_the_best_of_all(put):
    put(made_up())
    found = mc.pizza_shift()
    assert (found.verdict, found.value, found.num_seeds) == ("agrees", 100.0, 1)
    assert found.text == "stronger than at 100 % of the other shifts"
    put(made_up(published=wave(15, stronger={10: 1.5})))
    found = mc.pizza_shift()
    assert found.verdict == "differs"
    assert found.value == pytest.approx(100 * 54 / 56)
    assert found.text == "stronger than at 96 % of the other shifts"
    put(made_up(published=wave(15, stronger={4: -1.0})))
    assert mc.pizza_shift().value < 10


def test_steps_and_rounded_periods_are_counted_in_our_pizzas(put):
    put(made_up())
    assert mc.pizza_shift().note == (
        "one network, preactivations, all other shifts; a neuron led by f = 15 cannot but pass, "
        "since 4 x 15 = 1 modulo 59; in 3 of ours with uniform attention the step d = 1/f passes "
        "in 6 of 6 clusters, n/f rounded in 3 of 6"
    )
    learned = made_up()
    clocks = learned.shifts[learned.shifts.source == "ours"].assign(rate=1.0, strength=0.0)
    shifts = pd.concat([learned.shifts, clocks], ignore_index=True)
    put(replace(learned, shifts=shifts))
    assert "in 6 of 6 clusters" in mc.pizza_shift().note


def test_at_frequency_one_a_rounded_period_is_no_shift_and_is_not_counted(put):
    put(made_up(freqs=(1, 15)))
    assert mc.pizza_shift().note.endswith("in 6 of 6 clusters, n/f rounded in 3 of 3")


def test_without_the_cluster_of_the_paper_its_shift_is_pending(put):
    exported = made_up()
    put(replace(exported, shifts=exported.shifts[exported.shifts.source == "ours"]))
    with pytest.raises(MissingExport, match="clock-and-pizza/A at f = 15"):
        mc.pizza_shift()


def test_remapped_pizza_neurons_are_simple_below_its_bound(put):
    put(made_up())
    found = mc.pizza_remapped()
    assert (found.verdict, found.num_seeds) == ("agrees", 3)
    assert found.value == pytest.approx(0.08)
    assert found.text == "0.080 (95 % 0.075 to 0.085, 3 seeds)"
    assert found.note == (
        "simple are 75 % of the live neurons (75 to 75); of the published model A 40 %, "
        "median residual 0.130"
    )
    put(made_up(PIZZA | {"median_residual": 0.125}))
    assert mc.pizza_remapped().verdict == "differs"
    put(made_up(spread=(-0.03, 0.0, 0.03)))
    found = mc.pizza_remapped()
    assert found.verdict == "not testable at this size"
    assert found.low < 0.08 < 0.12 < found.high
    assert found.note.endswith(" seeds are needed")


def test_cosets_must_be_clear_and_clearer_than_before_training(put):
    put(made_up())
    found = mc.pizza_cosets()
    assert found.verdict == "agrees"
    assert found.value == pytest.approx(0.97)
    assert found.note == (
        "untrained 0.200; with learned attention 0.960 (0.955 to 0.965); published A 0.970, B 0.970"
    )
    put(made_up(PIZZA | {"coset_overlap": 0.89}))
    assert mc.pizza_cosets().verdict == "differs"
    put(made_up(untrained=UNTRAINED | {"coset_overlap": 0.98}))
    assert mc.pizza_cosets().verdict == "differs"


def test_pizzas_are_like_clocks_where_both_are_sums_of_cosines(put):
    put(made_up())
    found = mc.pizza_crt()
    assert found.verdict == "agrees"
    assert found.text == "0.960 (95 % 0.955 to 0.965, 3 seeds)"
    assert found.note == (
        "pizza less clock -0.010 (-0.010 to -0.010); logits of the pizza's formula would give "
        ".81; of one circle left alone the pizza's formula explains 0.990, the clock's 0.770, and "
        "with its double frequency 0.980"
    )
    put(made_up(PIZZA | {"clock": 0.89}, CLOCK | {"clock": 0.89}))
    assert mc.pizza_crt().verdict == "differs"
    for other, verdict in ((0.995, "agrees"), (0.90, "differs"), (0.70, "differs")):
        put(made_up(clock=CLOCK | {"clock": other}))
        assert mc.pizza_crt().verdict == verdict


def test_pizza_and_clock_are_compared_seed_by_seed(put):
    exported = made_up(spread=(-0.1, 0.0, 0.1))
    put(replace(exported, networks=exported.networks.sample(frac=1, random_state=3)))
    assert mc.pizza_crt().note.startswith("pizza less clock -0.010 (-0.010 to -0.010); ")


def one_less(exported: ExportedClockPizza, source: str, rate: float, seed: int, column: str):
    """The export with one number missing."""
    networks = exported.networks
    lost = (networks.source == source) & (networks.rate == rate) & (networks.seed == seed)
    return replace(
        exported, networks=networks.assign(**{column: networks[column].where(~lost, np.nan)})
    )


def test_a_seed_without_its_partner_is_not_in_the_difference(put):
    exported = made_up(spread=(-0.1, 0.0, 0.1))
    put(one_less(exported, "ours", 1.0, 1002, "clock"))
    found = mc.pizza_crt()
    assert found.num_seeds == 3
    assert found.note.startswith("pizza less clock -0.010 (-0.010 to -0.010); ")
    networks = exported.networks
    apart = networks.seed.where(
        (networks.source != "ours") | (networks.rate != 1), networks.seed + 9
    )
    put(replace(exported, networks=networks.assign(seed=apart)))
    with pytest.raises(MissingExport, match="2 seeds at rates 0 and 1"):
        mc.pizza_crt()


@pytest.mark.parametrize(
    ("measure", "column", "left"),
    [
        (mc.pizza_remapped, "median_residual", 0.081),
        (mc.pizza_cosets, "coset_overlap", 0.971),
        (mc.pizza_crt, "clock", 0.961),
    ],
)
def test_what_is_no_number_is_left_out(put, measure, column, left):
    lost = one_less(made_up(), "ours", 0.0, 1001, column)
    put(lost)
    found = measure()
    assert (found.verdict, found.num_seeds) == ("agrees", 2)
    assert found.value == pytest.approx(left)
    put(one_less(lost, "ours", 0.0, 1002, column))
    with pytest.raises(MissingExport, match="2 seeds at rate 0"):
        measure()


def test_an_equal_mean_is_no_equality_where_seeds_scatter(put):
    exported = made_up(clock=CLOCK | {"clock": PIZZA["clock"]}, spread=(-0.012, 0.0, 0.012))
    put(exported)
    assert mc.pizza_crt().verdict == "agrees"
    networks = exported.networks
    learned = (networks.source == "ours") & (networks.rate == 1)
    other_way = networks.clock.where(~learned, 2 * PIZZA["clock"] - networks.clock)
    put(replace(exported, networks=networks.assign(clock=other_way)))
    found = mc.pizza_crt()
    assert found.low > mc.ABOVE
    assert found.note.replace("-0.000", "0.000").startswith(
        "pizza less clock 0.000 (-0.060 to 0.060); "
    )
    assert found.note.endswith(" seeds are needed")
    assert found.verdict == "not testable at this size"


def test_an_interval_stays_within_what_a_share_can_be(put):
    put(made_up(PIZZA | {"coset_overlap": 0.999}, spread=(-0.001, 0.0, 0.001)))
    found = mc.pizza_cosets()
    assert found.verdict == "agrees"
    assert found.high == 1.0


def test_one_seed_shows_nothing(put):
    put(made_up(spread=(0.0,)))
    for measure in (mc.pizza_remapped, mc.pizza_cosets, mc.pizza_crt):
        with pytest.raises(MissingExport, match="clock_pizza: 2 seeds at rate 0"):
            measure()
    put(made_up(spread=(-0.001, 0.001)))
    for measure in (mc.pizza_remapped, mc.pizza_cosets, mc.pizza_crt):
        assert measure().num_seeds == 2


@pytest.mark.parametrize(
    ("measure", "rates"), [(mc.pizza_cosets, "rate 1"), (mc.pizza_crt, "rates 0 and 1")]
)
def test_without_learned_attention_there_is_nothing_to_compare_with(put, measure, rates):
    exported = made_up()
    networks = exported.networks
    clocks = (networks.source == "ours") & (networks.rate == 1)
    put(replace(exported, networks=networks[~clocks]))
    with pytest.raises(MissingExport, match=f"2 seeds at {rates}"):
        measure()


def test_no_measure_speaks_of_nan(put):
    put(made_up())
    for measure in measures_of("06_clock_and_pizza"):
        found = measure()
        assert "nan" not in f"{found.text} {found.note}"


def test_without_tables_claims_are_pending(put):
    put(None)
    for measure in measures_of("06_clock_and_pizza"):
        with pytest.raises(MissingExport, match="clock_pizza"):
            measure()
