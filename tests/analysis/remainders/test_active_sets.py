"""Sets of frequencies through time, against counting by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modlib.analysis.remainders import active_sets as sets


def symmetric(p: int, time: int, seed: int = 0) -> np.ndarray:
    """Magnitudes of the transforms of real images."""
    images = np.random.default_rng(seed).normal(size=(time, p, p))
    magnitudes = np.abs(np.fft.fft2(images))
    magnitudes[:, 0, 0] = 0
    return magnitudes


@pytest.mark.parametrize("p", [5, 11, 37])
def test_half_plane_holds_one_of_each_two_mirrored_cells(p):
    half = sets.half_plane(p)
    mirrored = np.roll(half[::-1, ::-1], 1, axis=(0, 1))
    assert not (half & mirrored).any()
    assert (half | mirrored).sum() == p * p - 1
    assert not half[0, 0]


def test_the_strongest_cells_come_in_the_order_of_their_maximum():
    cells = np.array([[0.0, 9, 1, 5], [8, 0, 1, 0], [0, 0, 2, 6]])
    assert sets.strongest(cells, 3).tolist() == [[9, 0, 5], [0, 8, 0], [0, 0, 6]]


def test_counts_are_those_of_text_and_code():
    magnitudes, steps = symmetric(11, 4), np.array([0, 1, 2, 4])
    written = sets.as_written(steps, magnitudes)
    assert written.table["count"].tolist() == [2, 3, 4, 5]
    assert written.cells.shape == (4, 60)
    half = magnitudes[:, :, :6]
    coded = sets.as_coded(steps, half)
    assert coded.table["count"].tolist() == [0, 1, 1, 1]
    assert coded.table.step.tolist() == steps.tolist()
    assert coded.cells.shape == (4, 6)


def test_table_3_counts_the_first_neuron_at_the_nearest_columns():
    epochs = np.array([1, 2, 16, 250, 260, 1000, 4000])
    smoothed = np.ones((7, 3, 57))
    smoothed[5, 0, :10] = 50.0
    smoothed[6, 1] = 50.0
    table = sets.table_3(epochs, smoothed)
    assert table.index.tolist() == [256, 1024]
    assert table.paper.tolist() == [0, 0]
    assert table.coded.tolist() == [0, 10]
    assert table.printed.tolist() == [0, int(10**0.75)]
    assert table.least.tolist() == [0, 0]
    assert table.most.tolist() == [0, 5]
    epochs[-1] = 4094
    late = sets.table_3(epochs, smoothed)
    assert late.index.tolist() == [256, 1024, 4096]
    assert late.loc[4096].tolist() == [10, 0, 0, 0, int(57**0.75)]


def test_the_count_is_the_programs_where_the_log_follows_it():
    epochs, smoothed = np.array([1, 1, 2, 4, 8]), np.ones((5, 3, 6))
    smoothed[3, 0, :2] = 50.0
    found = sets.by_program(epochs, smoothed)
    assert found.table.step.tolist() == [1, 2, 4, 8]
    assert found.table["count"].tolist() == [0, 0, 2, 0]
    assert found.cells.shape == (4, 6)
    own = sets.followed(np.array([0]), {}, {"epochs": epochs, "smoothed": smoothed})
    assert own.table.equals(found.table)
    steps, log = growing()
    for nothing in ({}, {"epochs": epochs[:0], "smoothed": smoothed[:0]}):
        ours = sets.followed(steps, {"smoothed": log}, nothing)
        assert ours.table.equals(sets.as_coded(steps, log).table)


def test_table_3_of_a_run_too_short_to_have_one_is_empty():
    assert len(sets.table_3(np.zeros(0, dtype=int), np.zeros((0, 5, 6)))) == 0
    assert len(sets.table_3(np.array([1, 9]), np.ones((2, 5, 6)))) == 0


def growing() -> tuple[np.ndarray, np.ndarray]:
    """A neuron that grows, its spectrum the same at every step."""
    shape = np.random.default_rng(0).uniform(1, 2, size=(11, 6))
    return np.array([0, 64, 256, 1024, 4096]), np.multiply.outer([0.1, 1, 2, 4, 16], shape)


def test_all_frequencies_of_a_neuron_that_grows_become_active_as_coded():
    steps, smoothed = growing()
    assert sets.as_coded(steps, smoothed).table["count"].tolist() == [0, 0, 0, 0, 6]


def test_the_coded_count_looks_ahead():
    ended = sets.counts_if_ended(*growing())
    assert ended.columns.tolist() == ended.index.tolist() == [256, 1024, 4096]
    assert ended.loc[1024].tolist()[:2] == [0, 6]
    assert ended.loc[4096].tolist() == [0, 0, 6]
    assert ended.isna().to_numpy().sum() == 3


def test_at_equal_size_nothing_is_left_of_the_count_of_a_neuron_that_only_grows():
    counts = sets.counts_at_equal_size(*growing())
    assert counts.to_dict() == {256: 0, 1024: 0, 4096: 0}


def test_table_3_has_the_epochs_that_were_reached():
    steps = np.array([0, 256, 300, 1024])
    coded = pd.DataFrame({"step": [0, 250, 300, 1000], "count": [0, 16, 0, 81]})
    table = sets.at_epochs(steps, np.array([1, 2, 3, 4]), coded)
    assert table.index.tolist() == [256, 1024]
    assert table.paper.tolist() == [0, 0]
    assert table.written.tolist() == [2, 4]
    assert table.printed.tolist() == [8, 27]
    assert sets.at_epochs(np.array([0]), np.array([1]), coded[:1]).empty


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([99, 0, 10, 18, 10], True),
        ([99, 10, 11, 12, 10], False),
        ([99, 20, 10, 8, 6], False),
        ([0, 0, 10, 18, 18], False),
    ],
)
def test_a_spike_stands_above_both_ends(counts, expected):
    steps = np.array([0, 256, 4096, 16384, 65536])
    found = sets.find_spike(steps, np.array(counts))
    assert found is not None
    assert found.rises_and_falls == expected
    assert found.last == counts[-1]


def test_too_few_steps_have_no_spike():
    assert sets.find_spike(np.array([0, 1, 256, 300]), np.array([1, 2, 3, 4])) is None


def test_reuse_compares_sets_and_not_their_sizes():
    before, after = np.zeros((2, 5, 5), dtype=bool)
    for cell in ((1, 0), (0, 1), (1, 1)):
        before[cell] = before[-cell[0], -cell[1]] = True
    for cell in ((1, 0), (2, 1), (1, 2)):
        after[cell] = after[-cell[0], -cell[1]] = True
    found = sets.reuse(before, after)
    assert found[2:] == (3, 3)
    assert found.jaccard == pytest.approx(1 / 5)
    assert found.chance == pytest.approx((9 / 12) / (6 - 9 / 12))
    assert sets.reuse(before, before).jaccard == 1
    assert np.isnan(sets.reuse(before & ~before, before & ~before).jaccard)


def test_reuse_through_training_starts_at_a_sixteenth():
    steps = np.array([0, 128, 250, 256, 4096])
    assert sets.step_before(steps) == 3
    assert sets.step_before(np.array([0])) == 0
    magnitudes = symmetric(11, 5)
    magnitudes[3] = magnitudes[4]
    assert sets.reuse_through(magnitudes, steps).jaccard == 1


def test_frequencies_off_the_axes_are_compared_among_themselves():
    magnitudes = np.ones((3, 7, 7))
    magnitudes[:, 0] = magnitudes[:, :, 0] = 100.0
    for time, cell in ((0, (1, 2)), (1, (1, 2)), (2, (3, 3))):
        magnitudes[time, cell[0], cell[1]] = magnitudes[time, -cell[0], -cell[1]] = 50.0
    steps = np.array([0, 1, 16])
    found = sets.reuse_off_axes(magnitudes, steps)
    assert (found.jaccard, found.before, found.after) == (0.0, 1, 1)
    assert found.chance == pytest.approx((1 / 18) / (2 - 1 / 18))
    assert sets.reuse_off_axes(magnitudes[:2], steps[:2]).jaccard == 1.0


def test_active_frequencies_of_one_digit_are_counted():
    magnitudes = np.zeros((3, 9, 9))
    magnitudes[:, [1, -1], 0] = 1.0
    magnitudes[1:, 0, [2, -2]] = 1.0
    magnitudes[2, [1, -1], [3, -3]] = 1.0
    found = sets.of_one_digit_alone(magnitudes)
    assert found.active.tolist() == [1, 2, 3]
    assert found.alone.tolist() == [1, 2, 2]
    assert found.chance == pytest.approx(1 / 7), "2 x 2 / 8 shared of the 3.5 that are either"
    assert np.isnan(sets.of_one_digit_alone(np.zeros((3, 5, 5))).chance)
