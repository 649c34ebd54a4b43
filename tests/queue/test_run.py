"""The queue: what is wanted, what is done, and that a stop at any moment costs no table."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import queue_jobs as tiny
from made_up.queue_jobs import Inline, runner
from modlib.config.addition import AdditionConfig
from modlib.config.presets import (
    ADDITION_PRESETS,
    CLOCK_PIZZA_PRESETS,
    GRID,
    REMAINDERS_PRESETS,
    scaled,
)
from modlib.errors import InputError, StoreError, require_int
from modlib.models.transformer import initial_weights
from modlib.queue import export, families, jobs, run, state
from modlib.queue.jobs import JOBS, Job, chosen
from modlib.queue.run import held
from modlib.queue.state import look, parts_of
from modlib.queue.workers import Workers
from modlib.results import clock_pizza as rc
from modlib.results.remainders import read_remainders
from modlib.results.sample import read_export
from modlib.results.sweeps import read_sweep_export
from modlib.store.folder import read_manifest, write_manifest
from modlib.store.runs import Store

BY_NAME = {job.name: job for job in tiny.JOBS}


class Stop(BaseException):
    """Like a kill: nothing is tidied up for it."""


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The tiny queue, its presets, and a store; returns the folder of its results."""
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    monkeypatch.setitem(ADDITION_PRESETS, "A7", tiny.ADDITION)
    monkeypatch.setitem(REMAINDERS_PRESETS, "B11", tiny.REMAINDERS)
    monkeypatch.setitem(CLOCK_PIZZA_PRESETS, "C59-rate-0", tiny.PIZZA)
    monkeypatch.setattr(rc, "PUBLISHED", {})
    monkeypatch.setattr(jobs, "JOBS", tiny.JOBS)
    tiny.make_inline(monkeypatch)
    return tmp_path / "results" / "edition2"


def states(results: Path) -> dict[str, str]:
    found = {job.name: look(job, Store(), results) for job in tiny.JOBS}
    return {name: one if isinstance(one, str) else one.words for name, one in found.items()}


def contents(folder: Path) -> dict[str, str]:
    """Checksums of all files but manifests, which hold the time."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "MANIFEST.json"
    }


# The jobs


def test_every_job_asks_for_fresh_seeds_of_presets_that_there_are():
    assert max(Counter(job.name for job in JOBS).values()) == 1
    for job in JOBS:
        for part in parts_of(job):
            fresh = 20000 if isinstance(part.config, AdditionConfig) else 2000
            assert part.seeds.start >= fresh
        assert job.core_hours > 0
        assert job.purpose
        assert job.num_networks == len(job.presets) * len(job.seeds)


def test_seeds_of_a_preset_follow_each_other_through_the_jobs():
    for preset in {preset for job in JOBS for preset in job.presets}:
        stop = jobs.first_seed(preset, JOBS)
        for job in JOBS:
            if preset in job.presets:
                assert job.seeds.start in (stop, jobs.first_seed(preset, JOBS))
                stop = max(stop, job.seeds.stop)
    assert {
        name: (job.seeds.start, len(job.seeds)) for job in JOBS if (name := job.name)
    }.items() >= {
        "A91": (20000, 4000),
        "A91-more": (24000, 6500),
        "A91-to-100000": (30500, 89500),
        "B113-code": (2000, 2),
        "B113-code-third": (2002, 1),
        "pizzas": (2000, 73),
    }.items()


def test_the_order_is_that_of_urgency():
    names = [job.name for job in JOBS]
    assert names[:6] == [
        *("B113-nanda-learns", "B113-nanda-no-dropout", "B113-code", "A91", "A89", "pizzas"),
    ]
    assert names.index("A91-long") < names.index("grid-59") < names.index("A91-to-100000")


def test_jobs_are_chosen_by_name_in_their_order_and_those_for_a_gpu_only_there():
    assert [job.name for job in chosen(["A7-more", "B11"], tiny.JOBS)] == ["B11", "A7-more"]
    assert BY_NAME["A7-many"] not in chosen([], tiny.JOBS)
    assert chosen([], tiny.JOBS, gpu=True) == list(tiny.JOBS)
    assert chosen(["A7-many"], tiny.JOBS) == [BY_NAME["A7-many"]]
    with pytest.raises(InputError, match=r"job must be one of A7, .*, got 'A8'"):
        chosen(["A8"], tiny.JOBS)
    with pytest.raises(InputError, match="preset must belong to a job, got 'A8'"):
        jobs.first_seed("A8", tiny.JOBS)


def test_the_grid_has_every_point_once_and_takes_names_that_there_were():
    assert len(GRID) == 3 * 3 * 2 * 2 + 3 * 2
    assert len(set(GRID.values())) == len(GRID)
    for (n, l2, lr, width), name in GRID.items():
        config, start = ADDITION_PRESETS[name], scaled(n)
        assert (config.n, config.num_neurons) == (n, width)
        assert config.l2 == pytest.approx(l2 * start.l2)
        assert config.lr == pytest.approx(lr * start.lr)
    assert GRID[91, 1.0, 1.0, 128] == "A91"
    assert GRID[91, 1.0, 1.0, 512] == "A91-width-512"
    assert GRID[59, 1.0, 1.0, 128] == "A59-scaled"
    assert GRID[91, 4.0, 0.25, 512] == "A91-grid-l2-4-lr-0.25-width-512"
    assert (251, 1.0, 1.0, 128) not in GRID
    asked = [preset for job in JOBS if job.name.startswith("grid") for preset in job.presets]
    assert sorted(asked) == sorted(GRID.values())


def test_the_grid_left_the_key_of_every_other_preset():
    kept = sorted(f"{k}{v.key()}" for k, v in ADDITION_PRESETS.items() if "grid" not in k)
    assert hashlib.sha256("".join(kept).encode()).hexdigest()[:16] == "a34d7517c276865c"


# What a run leaves


@pytest.fixture
def done(small):
    """All jobs but the one for a GPU run through, and what was said."""
    lines: list[str] = []
    assert runner(small, lines).run(chosen([], tiny.JOBS)) == 0
    return small, lines


def test_a_run_trains_and_commits_every_family(done):
    results, lines = done
    assert states(results) == dict.fromkeys(BY_NAME, "done") | {"A7-many": "waiting"}
    assert read_remainders("B11", results).seeds == [2000, 2001, 2002, 2003]
    assert read_sweep_export("A7", results).networks.seed.tolist() == [*range(20000, 20008)]
    pizzas = rc.read_clock_pizza(results)
    assert pizzas.of("ours").seed.tolist() == [2000, 2001]
    assert list(pizzas.shown) == ["C59-rate-0"]
    assert not list(results.rglob(".*"))
    assert lines[0] == "2 threads, cpu, float32 peak 2 GFLOP/s"
    text = "\n".join(lines)
    assert "B11 seed 2000: 40 steps in " in text
    assert "A7: 5 of 5 networks" in text
    assert "seed-steps a second" in text
    assert (Store().root / "queue" / "log.txt").read_text().count("\n") == len(lines)


def test_networks_that_are_described_whole_have_a_folder_of_their_own(small, monkeypatch):
    own = Job("A7-described", range(20000, 20003), 0.1, "x", ("A7",), True, described=True)
    monkeypatch.setattr(jobs, "JOBS", (own, BY_NAME["A7"]))
    lines: list[str] = []
    assert runner(small, lines).run([own, BY_NAME["A7"]]) == 0
    assert read_export("A7", small).summary.seed.tolist() == [20000, 20001, 20002]
    assert len(read_sweep_export("A7", small).networks) == 5
    assert look(own, Store(), small).words == "done"
    before = contents(small)
    assert runner(small, lines).run([own]) == 0
    assert contents(small) == before


def test_pizzas_are_not_trained_where_their_tables_could_not_be_written(small, monkeypatch):
    def offline():
        raise StoreError("the published pizza cannot be fetched")

    monkeypatch.setattr(families, "published_networks", offline)
    lines: list[str] = []
    assert runner(small, lines).run([BY_NAME["pizzas"]]) == 1
    assert "pizzas: the published pizza cannot be fetched" in lines[-1]
    assert look(BY_NAME["pizzas"], Store(), small).words == "waiting"


def test_clocks_are_written_into_the_folder_of_the_pizzas(small, monkeypatch):
    monkeypatch.setitem(CLOCK_PIZZA_PRESETS, "C59-rate-1", replace(tiny.PIZZA, attention_rate=1.0))
    clocks = Job("clocks", range(2000, 2002), 0.1, "x", ("C59-rate-1",), True)
    both = (BY_NAME["pizzas"], clocks)
    monkeypatch.setattr(jobs, "JOBS", both)
    assert look(clocks, Store(), small).words == "waiting"
    assert runner(small, []).run([both[0]]) == 0
    with monkeypatch.context() as offline:  # the published ones are in the folder already
        offline.delattr(families, "published_networks")
        assert runner(small, []).run([clocks]) == 0
    assert runner(small, []).run(list(both[::-1])) == 0
    ours = rc.read_clock_pizza(small).of("ours")
    assert sorted(zip(ours.rate, ours.seed, strict=True)) == [
        *((0.0, 2000), (0.0, 2001), (1.0, 2000), (1.0, 2001)),
    ]
    assert [look(job, Store(), small).words for job in both] == ["done", "done"]


def test_a_finished_job_is_not_done_again(done):
    results, _ = done
    before, made = contents(results), len(Inline.made)
    shutil.rmtree(Store().root)
    lines: list[str] = []
    assert runner(results, lines).run(chosen([], tiny.JOBS)) == 0
    assert len(Inline.made) == made
    assert len(lines) == 1
    assert contents(results) == before


def test_the_state_says_networks_steps_and_hours(done):
    results, _ = done
    found = look(BY_NAME["B11"], Store(), results)
    assert (found.networks, found.exported, found.finished) == (3, 3, 3)
    assert found.steps == found.all_steps == 3 * 40
    networks = json.loads((results / "remainders" / "B11" / "MANIFEST.json").read_text())
    assert found.seconds == pytest.approx(sum(o["wall_s"] for o in networks["origins"][:3]))
    sweep = json.loads((results / "sweeps" / "A7" / "MANIFEST.json").read_text())
    parts = [look(BY_NAME[name], Store(), results).seconds for name in ("A7", "A7-more")]
    assert sum(parts) == pytest.approx(sum(o["wall_s"] for o in sweep["origins"]), abs=0.1)
    pizzas = look(BY_NAME["pizzas"], Store(), results)
    assert pizzas.seconds > 0
    assert look(BY_NAME["A7-many"], Store(), results).seconds == 0


def test_hours_in_the_store_are_those_that_the_tables_tell_later(small, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(run, "export_finished", lambda *_, **__: (range(0), None))
        assert runner(small, []).run([BY_NAME["A7"], BY_NAME["B11"]]) == 0
    stored = [look(BY_NAME[name], Store(), small) for name in ("A7", "B11")]
    assert [found.words for found in stored] == ["trained", "trained"]
    assert runner(small, []).run([BY_NAME["A7"], BY_NAME["B11"]]) == 0
    for before, name in zip(stored, ("A7", "B11"), strict=True):
        after = look(BY_NAME[name], Store(), small)
        assert after.words == "done"
        assert after.steps == before.steps
        assert after.seconds == pytest.approx(before.seconds, abs=0.11)


def test_only_named_jobs_are_run(small):
    assert runner(small, []).run([BY_NAME["A7"]]) == 0
    assert {name for name, words in states(small).items() if words == "done"} == {"A7"}


def test_side_by_side_jobs_have_a_thread_each_and_others_take_all(small):
    runner(small, []).run([BY_NAME["B11"], BY_NAME["A7"]])
    threads = {call.__name__: arguments[3] for call, arguments in Inline.made}
    assert threads == {"train_network": 1, "train_sweep": 2}
    runner(small, [], threads=3).run([BY_NAME["B11-more"]])
    assert Inline.made[-1][1][3] == 3


def test_later_seeds_wait_for_those_before_them(small):
    lines: list[str] = []
    assert runner(small, lines).run([BY_NAME["A7-more"]]) == 0
    assert "A7: seeds 20005 to 20007 wait until seed 20000 is in the tables" in lines
    assert states(small)["A7-more"] == "trained"
    assert not (small / "sweeps").exists()
    assert runner(small, lines).run([BY_NAME["A7"], BY_NAME["A7-more"]]) == 0
    assert read_sweep_export("A7", small).networks.seed.tolist() == [*range(20000, 20008)]


def test_tables_grow_by_blocks_where_that_is_asked_for(small, monkeypatch):
    sizes = []
    real = families.export_sweep

    def noted(*words, **options):
        sizes.append(options["num_seeds"])
        return real(*words, **options)

    monkeypatch.setattr(families, "export_sweep", noted)
    lines: list[str] = []
    assert runner(small, lines, block=2).run([BY_NAME["A7"]]) == 0
    assert sizes == [2, 2, 1]
    assert "A7: seeds 20002 to 20003 in" in "\n".join(lines)
    grown = contents(small)
    shutil.rmtree(small)
    assert runner(small, []).run([BY_NAME["A7"]]) == 0
    assert sizes == [2, 2, 1, 5]
    whole = read_sweep_export("A7", small)
    assert contents(small).keys() == grown.keys()
    assert grown["sweeps/A7/networks.parquet"] == contents(small)["sweeps/A7/networks.parquet"]
    assert len(whole.networks) == 5


# Stopped and gone on with


def test_a_stopped_job_is_not_committed_and_trains_only_the_rest(small, monkeypatch):
    real = families.get_or_train

    def stopping(config, *, seed, **options):
        if seed == 2002:
            raise Stop
        return real(config, seed=seed, **options)

    with monkeypatch.context() as patch:
        patch.setattr(families, "get_or_train", stopping)
        with pytest.raises(Stop):
            runner(small, []).run([BY_NAME["B11"]])
    assert read_remainders("B11", small).seeds == [2000, 2001], "each seed is complete by itself"
    assert states(small)["B11"] == f"{2 / 3:.1%}"
    made = len(Inline.made)
    assert runner(small, []).run([BY_NAME["B11"]]) == 0
    assert [arguments[2] for _, arguments in Inline.made[made:]] == [2002]
    assert read_remainders("B11", small).seeds == [2000, 2001, 2002]


def test_seeds_that_end_out_of_order_are_committed_in_order(small):
    part = parts_of(BY_NAME["B11"])[0]
    options = {"store": Store(), "results": small, "threads": 1}
    families.train_network(Store().root, tiny.REMAINDERS, 2001, 1, "cpu")
    assert export.export_finished(part, 2000, **options) == (range(0), None)
    families.train_network(Store().root, tiny.REMAINDERS, 2000, 1, "cpu")
    assert export.export_finished(part, 2000, **options) == (range(2000, 2002), None)


def test_part_of_a_sweep_or_of_the_pizzas_is_never_committed(small):
    addition, pizza = (parts_of(BY_NAME[name])[0] for name in ("A7", "pizzas"))
    options = {"store": Store(), "results": small, "threads": 1}
    families.train_sweep(Store().root, tiny.ADDITION, range(20000, 20004), 1, "cpu")
    families.train_network(Store().root, tiny.PIZZA, 2000, 1, "cpu")
    for part in (addition, pizza):
        assert export.export_finished(part, part.seeds.start, **options) == (range(0), None)
    assert not any(small.rglob("*.parquet"))
    assert states(small) | {"A7": "80.0%", "pizzas": "50.0%"} == states(small)


def test_tables_that_a_kill_left_aside_are_lengthened(small):
    runner(small, []).run([BY_NAME["A7"]])
    folder = small / "sweeps" / "A7"
    folder.rename(folder.with_name(".A7.before"))
    assert read_sweep_export("A7", small).networks.seed.tolist() == [*range(20000, 20005)]
    assert runner(small, []).run([BY_NAME["A7-more"]]) == 0
    assert read_sweep_export("A7", small).networks.seed.tolist() == [*range(20000, 20008)]
    assert [path.name for path in folder.parent.iterdir()] == ["A7"]


def test_when_the_time_is_up_the_runner_stops(small):
    lines: list[str] = []
    assert runner(small, lines, hours=0).run([BY_NAME["A7"]]) == 0
    assert lines[-1] == "time is up; the same command goes on where it was"
    assert states(small)["A7"] == "waiting"


def test_a_job_that_another_runner_has_is_left_to_it(small, monkeypatch):
    monkeypatch.setattr(run, "TURN_S", 0.0)
    lines: list[str] = []
    with held(Store(), BY_NAME["B11"]) as own:
        assert own
        assert runner(small, lines).run([BY_NAME["B11"], BY_NAME["A7"]]) == 0
    assert "B11: left to the runner that has it" in lines
    assert states(small)["B11"] == "waiting"
    assert states(small)["A7"] == "done"


def test_progress_is_told_from_the_saved_state(small, monkeypatch):
    saved = Store().of(tiny.REMAINDERS).checkpoint(2000)
    assert saved.peek("progress") is None
    saved.save({"progress": np.array([10.0, 2.0])})
    assert saved.peek("progress").tolist() == [10.0, 2.0]
    assert saved.peek("theta") is None
    part = parts_of(BY_NAME["B11"])[0]
    lines: list[str] = []
    told = runner(small, lines)
    told.tell_progress(part, [2000, 2001], 1)
    told.tell_progress(part, [2000, 2001], 1)
    (line,) = lines
    assert line.startswith("B11 seed 2000: 10 of 40 steps, 5.0 steps a second, ")
    assert states(small)["B11"] == f"{10 / 120:.1%}"
    found = look(BY_NAME["B11"], Store(), small)
    assert (found.steps, found.seconds) == (10, 2.0)


def test_progress_of_a_described_network_is_told_in_steps(small):
    own = Job("A7-described", range(20000, 20002), 0.1, "x", ("A7",), True, described=True)
    Store().of(tiny.ADDITION).checkpoint(20000).save({"progress": np.array([3.0, 2.0])})
    steps, each = 3 * tiny.ADDITION.steps_per_epoch, run.total_steps(tiny.ADDITION)
    found = look(own, Store(), small)
    assert (found.steps, found.seconds, found.finished) == (steps, 2.0, 0)
    lines: list[str] = []
    runner(small, lines).tell_progress(parts_of(own)[0], [20000, 20001], 1)
    (line,) = lines
    assert line.startswith(f"A7 seed 20000: {steps:,} of {each:,} steps, {steps / 2:,.1f} steps")


def test_the_speed_of_paper_as_networks_is_told_since_the_first_one_was_begun(small, monkeypatch):
    """Two side by side end at nearly one time: since the last line there was one in no time."""
    part, lines = parts_of(BY_NAME["A7"])[0], []
    told = runner(small, lines)
    steps = run.total_steps(part.config)
    told.begun, told.told, told.since = 3, 3, 100.0
    for there, now in ((4, 110.0), (5, 110.001), (5, 200.0), (7, 204.0)):
        monkeypatch.setattr(told, "_networks", lambda part, there=there: there)
        monkeypatch.setattr(run.time, "monotonic", lambda now=now: now)
        told.tell_sweep(part)
    rates = [float(line.split("networks, ")[1].split(" ")[0].replace(",", "")) for line in lines]
    assert rates == pytest.approx([steps / 10, steps / 5, steps / 26], abs=0.06)


# Refused, in one line


def test_a_job_without_a_preset_is_told_and_the_next_one_done(small):
    unknown = Job("B12", range(2000, 2001), 1.0, "nothing")
    lines: list[str] = []
    assert runner(small, lines).run([unknown, BY_NAME["A7"]]) == 1
    assert "B12: preset of job B12 must be known to this version of modlib, got 'B12'" in lines
    assert look(unknown, Store(), small).startswith("preset of job B12 must be known")
    assert states(small)["A7"] == "done"


def sign(folder: Path, **changes: object) -> None:
    """Write a manifest again with other words."""
    manifest = read_manifest(folder)
    content = {k: v for k, v in manifest.items() if k not in ("schema", "files")}
    write_manifest(folder, [*manifest["files"]], content | changes)


def test_tables_of_another_configuration_or_version_are_refused(done, monkeypatch):
    results, _ = done
    sign(results / "sweeps" / "A7", tables=0)
    sign(results / "remainders" / "B11", key="0" * 16)
    sign(results / "clock_pizza", keys={"C59-rate-0": "0" * 16})
    lines: list[str] = []
    chosen_jobs = [BY_NAME[name] for name in ("B11", "A7", "pizzas")]
    assert runner(results, lines).run(chosen_jobs) == 3
    b11, a7, pizzas = lines[1:]
    assert "B11 holds networks of another configuration or version; move" in b11
    assert "A7 has tables of version 0, this version of modlib reads" in a7
    assert "clock_pizza holds networks of another configuration or version" in pizzas


def test_tables_of_networks_under_way_are_no_done_job(done):
    results, _ = done
    folder = results / "remainders" / "B11"
    sign(folder, steps=[20, 40, 40, 40])
    lines: list[str] = []
    assert runner(results, lines).run([BY_NAME["B11"]]) == 1
    assert "B11 holds networks that are not trained to their end; move" in lines[-1]


@pytest.mark.parametrize("changes", [{"keys": ["a"]}, {"keys": None}, {"keys": {}}])
def test_words_of_another_kind_are_refused_in_a_line(done, changes):
    results, _ = done
    sign(results / "clock_pizza", **changes)
    assert "clock_pizza holds networks of another" in look(BY_NAME["pizzas"], Store(), results)


@pytest.mark.parametrize("origins", [None, [{}], ["me"], [{"wall_s": "x", "shards": [[0, 5]]}]])
def test_a_manifest_that_does_not_say_what_made_networks_is_refused(done, origins):
    results, _ = done
    sign(results / "sweeps" / "A7", origins=origins)
    assert look(BY_NAME["A7"], Store(), results).endswith("does not say what made its networks")


def test_a_damaged_table_is_refused(done):
    results, _ = done
    (results / "sweeps" / "A7" / "networks.parquet").write_bytes(b"")
    lines: list[str] = []
    assert runner(results, lines).run([BY_NAME["A7"], BY_NAME["B11"]]) == 1
    assert "networks.parquet has 0 bytes, the manifest says" in lines[1]
    assert "networks.parquet has 0 bytes" in look(BY_NAME["A7"], Store(), results)


def test_a_state_of_another_training_is_refused(small):
    saved = Store().of(tiny.REMAINDERS).checkpoint(2001)
    saved.save({"progress": np.array([10.0, 2.0])})
    lines: list[str] = []
    assert runner(small, lines).run([BY_NAME["B11"], BY_NAME["A7"]]) == 1
    (refusal,) = [line for line in lines if "another training" in line]
    assert refusal.startswith("B11: B11 seed 2001: ")
    assert states(small)["B11"] != "done"
    assert states(small)["A7"] == "done"


def test_a_store_that_is_full_is_told_in_one_line(small, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("modlib.store.runs.save_arrays", full)
    lines: list[str] = []
    assert runner(small, lines).run([BY_NAME["B11"]]) == 1
    told = [line for line in lines if "cannot be written (No space left on device)" in line]
    assert len(told) == 3, "one a seed"


def test_a_log_that_cannot_be_written_ends_the_queue(small):
    """The real thing: /dev/full takes no byte."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    folder = Store().root / "queue"
    folder.mkdir()
    (folder / "log.txt").symlink_to("/dev/full")
    with pytest.raises(StoreError, match=r"log.txt cannot be written \(No space left on device\)"):
        runner(small, []).run([BY_NAME["A7"]])


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"threads": 0}, "threads must be an integer at least 1"),
        ({"hours": "two"}, "for must be a finite number"),
        ({"hours": -1}, "for must be a finite number at least 0.0"),
        ({"block": 0}, "block must be an integer at least 1"),
        ({"device": "tpu"}, "device must be auto"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(small, options, refusal):
    with pytest.raises(InputError, match=refusal):
        runner(small, [], **options)


def test_results_that_cannot_be_written_are_refused(small, tmp_path):
    (tmp_path / "file").write_text("")
    lines: list[str] = []
    assert runner(tmp_path / "file", lines).run([BY_NAME["A7"]]) == 1
    assert "file cannot be written" in lines[1]
    assert Inline.made == ()


def test_tables_that_cannot_be_written_stop_no_training(small, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise StoreError("float16 must move no accuracy")

    with monkeypatch.context() as patch:
        patch.setattr(families, "export_remainders", refused)
        lines: list[str] = []
        assert runner(small, lines).run([BY_NAME["B11"]]) == 1
    assert "B11: B11 is not committed: float16 must move no accuracy" in lines
    assert states(small)["B11"] == "trained"
    assert runner(small, []).run([BY_NAME["B11"]]) == 0
    assert states(small)["B11"] == "done"


def test_the_first_network_is_kept_where_a_job_says_so(small):
    kept = Job("B11", range(2000, 2002), 0.1, "paper B", keeps=("network",))
    assert runner(small, []).run([kept]) == 0
    assert runner(small, []).run([BY_NAME["B11"]]) == 0
    weights = read_remainders("B11", small).run.weights
    assert weights.keys() == initial_weights(tiny.REMAINDERS, 2000).keys()


# Processes


def every(seconds: float):
    return lambda: seconds


def test_workers_make_every_call_and_tell_refusals_and_kills():
    calls = [
        (require_int, ("rows", "two")),
        (signal.raise_signal, (signal.SIGKILL,)),
        (require_int, ("rows", 2)),
        (os._exit, (3,)),
        (require_int, ("rows", 3)),
    ]
    with Workers(2) as workers:
        found = dict(workers.run(calls, every(60.0)))
    assert found == {
        0: "rows must be an integer, got 'two'",
        1: "its process ended with signal 9",
        2: None,
        3: "its process ended with status 3",
        4: None,
    }


def test_workers_say_when_none_has_ended_and_are_stopped_with_the_block():
    with Workers(1) as workers:
        for index, refusal in workers.run([(time.sleep, (1000.0,))], every(0.05)):
            assert (index, refusal) == (None, None)
            (worker,) = workers._all
            break
    assert not worker.process.is_alive()
    assert worker.process.exitcode == -signal.SIGTERM


def test_frames_of_a_job_add_up():
    one = state.Done(networks=2, exported=1, finished=2, steps=8, all_steps=8, seconds=1.5)
    both = state.together([one, one])
    assert both == state.Done(
        networks=4, exported=2, finished=4, steps=16, all_steps=16, seconds=3.0
    )
    assert both.words == "trained"


def test_tables_of_described_networks_are_made_anew_when_their_job_has_grown(small):
    for seeds in (range(50, 53), range(50, 56)):
        part = families.Part("A7", tiny.ADDITION, seeds, (), True)
        for seed in seeds:
            families.get_or_train(tiny.ADDITION, seed=seed, progress=False)
        added, before = export.export_finished(part, 50, store=Store(), results=small, threads=1)
        assert (added, before) == (seeds, None)
        assert read_export("A7", small).summary.seed.tolist() == list(seeds)


def test_tables_are_of_the_store_that_is_given(small, tmp_path, monkeypatch):
    other = Store(tmp_path / "other")
    part = families.Part("B11", tiny.REMAINDERS, range(2000, 2001))
    families.get_or_train(tiny.REMAINDERS, seed=2000, store=other, progress=False)
    added, _ = export.export_finished(part, 2000, store=other, results=small, threads=1)
    assert added == part.seeds
    assert 2000 not in Store().of(tiny.REMAINDERS)


def test_a_folder_that_a_kill_left_aside_is_looked_for(done):
    results, _ = done
    for folder in (results / "sweeps" / "A7", results / "clock_pizza"):
        folder.rename(folder.with_name(f".{folder.name}.before"))
    assert look(BY_NAME["A7"], Store(), results).words == "done"
    pizzas = families.Part("C59-rate-1", replace(tiny.PIZZA, attention_rate=1.0), range(2000, 2002))
    assert families._joins_others(pizzas, results)
