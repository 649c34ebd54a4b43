"""``python -m modlib queue``: what it prints, and that it can be stopped in any way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from made_up import queue_jobs as tiny
from modlib.cli import main as cli
from modlib.config import remainders
from modlib.config.presets import ADDITION_PRESETS, REMAINDERS_PRESETS
from modlib.queue import jobs
from modlib.queue.jobs import JOBS, Job
from modlib.queue.run import held
from modlib.results.remainders import read_remainders
from modlib.store.checkpoint import Checkpoint
from modlib.store.runs import Store

PROGRAM = Path(__file__).with_name("queue_program.py")


def modlib(command: str, *, status: int = 0) -> Result:
    done = CliRunner().invoke(cli.main, command.split(), prog_name="python -m modlib")
    assert done.exit_code == status, done.output
    return done


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A queue of two jobs, the second without a preset; returns the folder of results."""
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    monkeypatch.setitem(ADDITION_PRESETS, "A7", tiny.ADDITION)
    queue = (
        Job("A7", range(20000, 20003), 0.2, "paper A"),
        Job("A8", range(20000, 20003), 1.5, "nothing"),
    )
    monkeypatch.setattr(jobs, "JOBS", queue)
    tiny.make_inline(monkeypatch)
    return tmp_path / "results"


def test_the_list_has_a_line_a_job(monkeypatch, tmp_path):
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    lines = modlib(f"queue list --results {tmp_path}").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [job.name for job in JOBS]
    for line, job in zip(lines, JOBS, strict=True):
        assert line.split()[1] == "waiting"
        assert f"{job.core_hours:.1f} core-hours" in line
        assert line.endswith(job.purpose)


def test_a_run_tells_of_what_is_refused_and_its_status_is_1(small):
    done = modlib(f"queue run --device cpu --threads 1 --results {small}", status=1)
    assert "A8: preset of job A8 must be known to this version of modlib, got 'A8'" in done.stderr
    assert done.stdout == ""
    listed = modlib(f"queue list --results {small}").stdout.splitlines()
    assert listed[0].split()[:5] == ["A7", "done", "0.2", "core-hours", "paper"]
    assert listed[1].split()[:2] == ["A8", "refused"]
    assert listed[1].endswith("must be known to this version of modlib, got 'A8'")
    said = modlib(f"queue status --results {small}").stdout.splitlines()
    assert said[0].split()[:8] == ["A7", "done", "3", "of", "3", "networks,", "3", "in"]
    every = tiny.ADDITION.num_epochs * tiny.ADDITION.steps_per_epoch
    assert f" {3 * every} steps " in said[0]
    assert said[0].endswith(" hours")
    assert said[1].split()[0] == "A8"
    assert "must be known" in said[1]
    modlib(f"queue run A7 --device cpu --threads 1 --results {small}")


def test_a_star_says_that_a_runner_has_a_job(small):
    with held(Store(), jobs.JOBS[0]) as own:
        assert own
        for command in ("list", "status"):
            assert modlib(f"queue {command} --results {small}").stdout.split()[:3] == [
                "A7",
                "waiting",
                "*",
            ]


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("run A9", "job must be one of A7, A8, got 'A9'"),
        ("run --threads none", "threads must be an integer at least 1, got 'none'"),
        ("run --for ever", "for must be a finite number at least 0.0, got 'ever'"),
        ("run --block 0", "block must be an integer at least 1"),
        ("run --device tpu", "device must be auto, cpu, cuda or cuda:INDEX, got 'tpu'"),
        ("walk", "command must be one of list, run, status, got 'walk'"),
        ("run --fast", "option must be one of"),
    ],
)
def test_what_is_refused_is_one_line(small, words, refusal):
    at = "" if words == "walk" else f" --results {small}"
    done = modlib(f"queue {words}{at}", status=2)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"modlib: {refusal}")
    assert not small.exists()


def start(folder: Path, results: str) -> subprocess.Popen[str]:
    """The small queue in a process group of its own, as a shell starts a command."""
    words = ["queue", "run", "--threads", "2", "--device", "cpu", "--results"]
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *words, str(folder / results)],
        env={**os.environ, "MODLIB_STORE": str(folder / f"store-{results}")},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Begun in a shell's background, these tests would hand on that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def children(pid: int) -> list[int]:
    """Processes that a process has begun."""
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def steps_made(store: Store) -> float:
    """Steps in the saved states of all trainings under way."""
    states = [Checkpoint(path) for path in store.root.glob("remainders/*/.seed-*.partial")]
    found = [state.peek("progress") for state in states]
    return sum(progress[0] for progress in found if progress is not None)


def stop(process: subprocess.Popen[str], store: Store, how: signal.Signals) -> str:
    """Stop a runner once its trainings have gone on; what it said, when all its processes left."""
    before = steps_made(store)
    try:
        while steps_made(store) <= before:
            time.sleep(0.05)
            assert process.poll() is None, "it was through before it was stopped"
        trainers = children(process.pid)
    finally:
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
        else:
            process.send_signal(how)
        said = process.communicate()[1]
    assert trainers
    while any(alive(pid) for pid in trainers):
        time.sleep(0.05)
    return said


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_stopped_in_three_ways_it_goes_on_to_the_same_bits(tmp_path):
    for how in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        process = start(tmp_path, "stopped")
        said = stop(process, Store(tmp_path / "store-stopped"), how)
        if how != signal.SIGKILL:
            assert process.returncode == 130, said
            assert said.splitlines()[-1] == "modlib: stopped; the same command goes on where it was"
            # A worker that is stopped while Python itself still starts it cannot be silent.
            assert said.count("Traceback") == said.count("in spawn_main")
        assert not (tmp_path / "stopped" / "remainders").exists()
    for results in ("stopped", "whole"):
        process = start(tmp_path, results)
        said = process.communicate()[1]
        assert process.returncode == 0, said
    stopped, whole = (read("B11", tmp_path / name) for name in ("stopped", "whole"))
    for name in ("history", "norms", "spectra", "networks", "tasks"):
        assert getattr(stopped, name).equals(getattr(whole, name))


def read(preset: str, results: Path):
    with pytest.MonkeyPatch.context() as patch:
        config = remainders.RemaindersConfig(p=11, embed_dim=16, heads=2, steps=3000)
        patch.setitem(REMAINDERS_PRESETS, preset, config)
        return read_remainders(preset, results)
