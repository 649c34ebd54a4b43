"""The job for a machine with a GPU: its stages, its time, and what it leaves."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from modlib.machine import ROOT
from modlib.store.folder import MANIFEST, write_manifest

SCRIPT = ROOT / "scripts" / "gpu_job.sh"
BENCHMARKS = ("transformer", "ensemble", "clock_pizza")

spec = importlib.util.spec_from_file_location("pack", ROOT / "scripts" / "pack.py")
pack = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pack)

needs_bash = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "timeout", "awk"))), reason="needs bash and coreutils"
)

# Files of a bounded size


def put(folder: Path, sizes: dict[str, int], **content: object) -> Path:
    """A folder with files of these sizes, each of another letter, and a manifest."""
    folder.mkdir(parents=True)
    for letter, (name, size) in zip("abcdefgh", sizes.items(), strict=False):
        (folder / name).write_bytes(letter.encode() * size)
    write_manifest(folder, list(sizes), content)
    return folder


@pytest.fixture
def work(tmp_path):
    """Tables of two presets, and a store with a run of one of them, another run and two states."""
    results, store = tmp_path / "results", tmp_path / "store"
    put(results / "remainders" / "B11", {"tasks.parquet": 9000}, key="k1", seeds=[2000, 2000])
    put(results / "sweeps" / "A7", {"networks.parquet": 7000}, key="k2", seeds=[0, 9])
    put(store / "remainders" / "k1" / "seed-002000", {"weights.safetensors": 50_000})
    put(store / "remainders" / "k1" / "seed-002001", {"weights.safetensors": 60_000})
    for number, seed in enumerate((2002, 2003)):
        state = put(store / "remainders" / "k1" / f".seed-{seed:06d}.partial", {"state-x": 20_000})
        os.utime(state / MANIFEST, (number, number))
    (tmp_path / "out").mkdir()
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_packed_comes_back_as_it_was(work):
    left = pack.pack(work / "out", work / "results", work / "store", num_bytes=20_480)
    assert left == []
    parts = sorted((work / "out").iterdir())
    assert [part.name for part in parts] == [f"job.tar.{k:02d}" for k in range(len(parts))]
    assert len(parts) <= 7
    assert max(part.stat().st_size for part in parts) == 20_480
    pack.unpack(work / "out", work / "there", work / "other")
    assert files(work / "there") == files(work / "results")
    held = files(work / "store")
    assert files(work / "other") == {k: v for k, v in held.items() if "/seed-002000" not in k}


def test_what_does_not_fit_is_named_and_tables_go_first(work):
    left = pack.pack(work / "out", work / "results", work / "store", num_files=3, num_bytes=20_480)
    assert [folder.name for folder in left] == [".seed-002002.partial", "seed-002001"]
    assert len(list((work / "out").iterdir())) <= 3
    pack.unpack(work / "out", work / "there", work / "other")
    assert files(work / "there") == files(work / "results")
    assert {path.name for path in (work / "other").glob("*/*/.seed*")} == {".seed-002003.partial"}


def test_only_tables_that_are_new_are_packed(work):
    shutil.copytree(work / "results", work / "committed")
    write_manifest(work / "results" / "sweeps" / "A7", ["networks.parquet"], {"seeds": [0, 10]})
    packed = pack.tables(work / "results", work / "committed")
    assert [folder.name for folder in packed] == ["A7"]
    assert len(pack.tables(work / "results", None)) == 2


def test_folders_that_are_there_are_left_alone(work):
    pack.pack(work / "out", work / "results", work / "store")
    mine = put(work / "there" / "sweeps" / "A7", {"networks.parquet": 3})
    before = files(mine)
    pack.unpack(work / "out", work / "there", work / "other")
    assert files(mine) == before
    assert (work / "there" / "remainders" / "B11" / MANIFEST).exists()
    (work / "none").mkdir()
    pack.unpack(work / "none", work / "there", work / "other")


def test_an_archive_that_leads_out_of_its_folder_is_refused(work):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../beside"))
    (work / "out" / "job.tar.00").write_bytes(content.getvalue())
    with pytest.raises(tarfile.FilterError):
        pack.unpack(work / "out", work / "there", work / "other")


# The script, with a Python that only says what it is asked for

FAKE = """#!/usr/bin/env bash
echo "$*" >>"$ASKED"
case "$*" in
  "-c "*) [ -z "${BROKEN:-}" ] || { echo "$BROKEN" >&2; exit 1; } ;;
  *"queue list"*) printf 'B113-code  waiting\\nA91  waiting\\nB113-text  refused\\n' ;;
  *pytest*) echo "1 failed"; exit 1 ;;
  *"run "*A91*) echo tables; mkdir -p "$MODLIB_STORE/x" ;;
  *scripts/pack.py*) exec "$REAL" "$@" ;;
esac
"""


def job(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script with that Python."""
    fake = folder / "python"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    own = {"MODLIB_PYTHON": str(fake), "ASKED": str(folder / "asked"), "REAL": sys.executable}
    kept = {k: v for k, v in os.environ.items() if k not in ("OUT", "BROKEN")}
    return subprocess.run(
        ["bash", str(SCRIPT), *words],
        env=kept | own | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@needs_bash
def test_every_stage_has_its_turn_whatever_became_of_the_others(tmp_path):
    done = job(tmp_path, "out")
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "out" / "report.txt").read_text()
    begun = re.findall(r"^== (\S+), (\d+) s at most: (.*)$", report, re.MULTILINE)
    assert [name for name, _, _ in begun] == ["tests", *BENCHMARKS, "paper-B", "A91", "status"]
    assert re.search("== tests: [0-9]+ s, status 1", report)
    asked = {name: command for name, _, command in begun}
    assert asked["tests"].endswith(
        "tests/training/addition/test_triton_kernel.py tests/training/remainders/test_step.py"
    )
    assert "B113-code B113-text" in asked["paper-B"]
    assert asked["A91"].endswith("A91 A91-more A91-to-100000")
    for name in ("paper-B", "A91"):
        assert "queue run --device cuda" in asked[name]
        assert "--block 1000" in asked[name]
    # A stage that is cut may take 8 s more, and packing takes 25: under nine minutes in all.
    most = {name: int(seconds) for name, seconds, _ in begun}
    assert max(most.values()) <= 490
    assert 490 + 8 + 25 < 9 * 60
    assert most["tests"] + sum(most[name] for name in BENCHMARKS) + 130 < 490
    assert len(list((tmp_path / "out").iterdir())) <= 8


@needs_bash
def test_the_folder_may_come_from_the_environment(tmp_path):
    assert job(tmp_path, "--dry-run", OUT=str(tmp_path / "there")).returncode == 0
    report = (tmp_path / "there" / "report.txt").read_text()
    assert "--collect-only" in report
    assert "queue run --device cpu" in report
    assert "--for" in report


@needs_bash
@pytest.mark.parametrize(
    ("words", "environment", "refusal"),
    [
        ((), {}, "a folder must be given, or $OUT be set"),
        (("--fast",), {}, "option must be --dry-run, got '--fast'"),
        (("out", "nowhere"), {}, "nowhere must be the folder of an earlier job"),
        (("/proc/none",), {}, "/proc/none must be a folder that can be written"),
        (
            ("out",),
            {"BROKEN": "Traceback\nModuleNotFoundError: No module named 'numba'"},
            "lacks what the job needs (ModuleNotFoundError: No module named 'numba'); "
            "see requirements.txt",
        ),
    ],
)
def test_what_is_refused_is_one_line(tmp_path, words, environment, refusal):
    done = job(tmp_path, *words, **environment)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("gpu_job.sh: ")
    assert line.endswith(refusal)


@needs_bash
@pytest.mark.slow
def test_on_a_cpu_it_goes_through_in_a_copy_of_the_tree_without_git(tmp_path):
    tree = tmp_path / "tree"
    for name in ("modlib", "benchmarks", "scripts", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MODLIB_STORE")}
    command = ["bash", str(tree / "scripts" / "gpu_job.sh"), "--dry-run", str(tmp_path / "out")]
    done = subprocess.run(
        command,
        env=kept | {"MODLIB_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "out" / "report.txt").read_text()
    assert re.findall(r"^== (\S+): \d+ s, status 0$", report, re.MULTILINE) == [
        *("tests", *BENCHMARKS, "paper-B", "A91", "status"),
    ]
    assert "time is up; the same command goes on where it was" in report
    assert not (tree / "results").exists()
