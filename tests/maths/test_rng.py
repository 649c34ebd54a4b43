import numpy as np
import pytest

from modlib.config.addition import AdditionConfig, default_train_pairs
from modlib.errors import InputError
from modlib.maths import rng
from modlib.tasks.addition import AdditionTask, addition_pairs


def test_a_permutation_visits_everything_once():
    for count in (1, 2, 5, 5096):
        assert sorted(rng.permutation(3, rng.SHUFFLE, 7, count)) == list(range(count))


def test_permutations_differ_by_seed_stream_and_index():
    base = rng.permutation(3, rng.SHUFFLE, 0, 100)
    others = [(4, rng.SHUFFLE, 0), (3, rng.SPLIT, 0), (3, rng.SHUFFLE, 1), (3 + 2**32, 2, 0)]
    for seed, stream, index in others:
        assert (rng.permutation(seed, stream, index, 100) != base).any()


def test_every_position_of_a_permutation_is_equally_likely():
    count, draws = 5, 4000
    first = [rng.permutation(seed, rng.SPLIT, 0, count)[0] for seed in range(draws)]
    expected = draws / count
    chi_square = ((np.bincount(first, minlength=count) - expected) ** 2 / expected).sum()
    assert chi_square < 18.5  # 99.9 % quantile with 4 degrees of freedom


def test_fewer_words_are_the_beginning_of_more():
    assert (rng.words(5, rng.INIT, 2, 7) == rng.words(5, rng.INIT, 2, 20)[:7]).all()


def test_normals_have_the_moments_of_a_normal():
    drawn = rng.normals(0, rng.INIT, 0, 200_000)
    moments = [drawn.mean(), drawn.var(), (drawn**3).mean(), (drawn**4).mean()]
    np.testing.assert_allclose(moments, [0, 1, 0, 3], atol=0.06)
    assert len(rng.normals(0, rng.INIT, 0, 7)) == 7


def test_an_index_beyond_a_word_is_refused():
    with pytest.raises(InputError, match="index must be an integer at least 0"):
        rng.words(0, rng.INIT, 2**32, 4)


def test_default_training_pairs_are_the_papers_and_multiples_of_n():
    assert (default_train_pairs(91), default_train_pairs(89)) == (5096, 4717)
    for n in (3, 10, 59, 97, 113, 131):
        pairs = default_train_pairs(n)
        assert pairs % n == 0
        assert abs(pairs - 0.6 * n * n) <= n / 2


def test_pairs_are_all_of_the_group_with_their_sums():
    a, b, c = addition_pairs(5)
    assert {(int(x), int(y)): int(z) for x, y, z in zip(a, b, c, strict=True)} == {
        (x, y): (x + y) % 5 for x in range(5) for y in range(5)
    }


def test_split_mask_and_order_belong_together():
    config = AdditionConfig(n=7, train_pairs=30)
    task = AdditionTask(config, seed=4)
    assert len(set(task.split)) == 30
    assert set(np.flatnonzero(task.mask)) == set(task.split)
    assert sorted(task.order(9)) == sorted(task.split)
    assert (task.order(9) != task.order(10)).any()
    full = AdditionTask(AdditionConfig(n=7, train_pairs=30, batch="full"), 4)
    assert (full.order(9) == full.split).all()


def test_a_task_makes_its_arrays_once():
    task = AdditionTask(AdditionConfig(n=7), 4)
    for name in ("pairs", "split", "mask"):
        assert getattr(task, name) is getattr(task, name)


def test_the_seed_is_no_part_of_the_key_and_everything_else_is():
    base = AdditionConfig()
    assert base.key() == AdditionConfig(n=91, train_pairs=5096, epochs=300).key()
    changed = {
        "n": 89,
        "train_pairs": 5000,
        "embed_dim": 16,
        "num_neurons": 64,
        "batch": "full",
        "init": "flax",
        "lr": 0.01,
        "l2": 0.0,
        "epochs": 10,
    }
    keys = {AdditionConfig(**{name: value}).key() for name, value in changed.items()}
    assert len(keys | {base.key()}) == len(changed) + 1
