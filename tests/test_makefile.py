"""The installation that ``make`` does, with a Python that only says what it is asked for."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from modlib.machine import ROOT

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("make", "sh", "grep"))), reason="needs make and a shell"
)

FAKE = """#!/bin/sh
echo "$*" >>"$ASKED"
case "$*" in
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *--index-url*) exit ${NO_INDEX:-0} ;;
esac
"""
INDEX = "https://builds.example/cpu"


def install(folder: Path, *words: str, device: bool = False, system: str = "Linux", **more: str):
    """Make the environment in a copy of what the installation reads; the calls that it makes."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, folder)
    tools = folder / "tools"
    tools.mkdir()
    programs = {
        "python": FAKE,
        "nvidia-smi": "#!/bin/sh\n" + ("echo 'GPU 0: a card'\n" if device else "exit 9\n"),
        "uname": f"#!/bin/sh\necho {system}\n",
    }
    for name, text in programs.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    kept = {
        k: v for k, v in os.environ.items() if k not in ("TORCH_INDEX", "PIP_ARGS", "MAKEFLAGS")
    }
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["make", ".venv/.installed", f"PYTHON={tools / 'python'}", *words],
        env=kept | {"ASKED": str(folder / "asked"), "PATH": path} | more,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    asked = folder / "asked"
    return done, asked.read_text().splitlines() if asked.exists() else []


def test_an_index_of_builds_is_asked_for_torch_alone(tmp_path):
    done, asked = install(tmp_path, f"TORCH_INDEX={INDEX}")
    assert done.returncode == 0, done.stderr
    first, second, third = (line for line in asked if "pip install" in line)
    assert f"--no-deps --index-url {INDEX} torch==" in first
    pinned = re.search(r"^torch==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)[0]
    assert first.endswith(f" {pinned}")
    assert second.endswith("-r requirements.txt")
    assert "index" not in second
    assert third.endswith("--editable .")
    assert (tmp_path / ".venv" / ".installed").exists()


def test_an_index_that_is_out_of_reach_ends_the_installation(tmp_path):
    done, asked = install(tmp_path, TORCH_INDEX=INDEX, NO_INDEX="1")
    assert done.returncode != 0
    assert not any("-r requirements.txt" in line for line in asked)
    assert not (tmp_path / ".venv" / ".installed").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [({}, True), ({"device": True}, False), ({"system": "Darwin"}, False)],
    ids=["no device", "device", "macOS"],
)
def test_where_the_usual_build_is_too_large_it_says_so(tmp_path, options, told):
    done, asked = install(tmp_path, **options)
    assert done.returncode == 0, done.stderr
    assert ("TORCH_INDEX=URL" in done.stdout) == told
    assert not any("--index-url" in line for line in asked)


def test_it_says_what_to_expect_and_shows_what_pip_does(tmp_path):
    done, asked = install(tmp_path)
    count = (ROOT / "requirements.txt").read_text().count("==")
    assert f"Installing {count} pinned packages" in done.stdout
    assert "minutes" in done.stdout
    (call,) = (line for line in asked if "-r requirements.txt" in line)
    assert "--quiet" not in call


def test_options_for_pip_reach_it(tmp_path):
    done, asked = install(tmp_path, "PIP_ARGS=--index-url https://mirror.example/simple")
    assert done.returncode == 0, done.stderr
    (call,) = (line for line in asked if "-r requirements.txt" in line)
    assert "--index-url https://mirror.example/simple" in call


@pytest.mark.parametrize("page", ["README.md", "book/how_to_run.md"])
def test_the_pages_name_only_variables_and_commands_that_there_are(page):
    text, makefile = (ROOT / page).read_text(), (ROOT / "Makefile").read_text()
    told = re.findall(r"(?:`|^ *)make ([a-z-]+)((?: [A-Z_]+=\S+)*)", text, re.MULTILINE)
    assert told
    for target, given in told:
        assert re.search(rf"^{target}: ", makefile, re.MULTILINE) or target in ("clean", "help")
        for name in re.findall(r" ([A-Z_]+)=", given):
            used = rf"^{name} \?=|\$\({name}\)|\$\$\{{{name}\b"
            assert re.search(used, makefile, re.MULTILINE), name


PYTEST = """#!/bin/sh
echo "$*" >>"$ASKED"
case "$*" in
  *nbval*) exit ${NOTEBOOKS_FAIL:-0} ;;
  *) exit ${TESTS_FAIL:-0} ;;
esac
"""


@pytest.mark.parametrize(
    ("fails", "status", "said"),
    [
        ({}, 0, ("passed", "passed")),
        ({"TESTS_FAIL": "1"}, 2, ("failed", "passed")),
        ({"NOTEBOOKS_FAIL": "1"}, 2, ("passed", "failed")),
        ({"TESTS_FAIL": "1", "NOTEBOOKS_FAIL": "1"}, 2, ("failed", "failed")),
    ],
)
def test_both_halves_of_the_tests_run_and_tell_their_times(tmp_path, fails, status, said):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "pyproject.toml", "setup.py"):
        (tmp_path / name).touch()
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTEST)
    python.chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    asked = tmp_path / "asked"
    done = subprocess.run(
        ["make", "test"],
        cwd=tmp_path,
        env={**os.environ, "ASKED": str(asked), "MAKEFLAGS": "", **fails},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    tests, notebooks = asked.read_text().splitlines()
    assert "not slow" in tests
    assert "--nbval-lax" in notebooks
    told = re.findall(r"^== (\w+) (\w+) after \d+ s$", done.stdout, re.MULTILINE)
    assert told == [("tests", said[0]), ("notebooks", said[1])]


def test_notebooks_on_a_busy_machine_are_waited_for(tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "notebooks").mkdir()
    tell = "def pytest_runtest_call(item):\n    print('waits', item.output_timeout)\n"
    (tmp_path / "notebooks" / "conftest.py").write_text(tell)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    nbformat.write(notebook, tmp_path / "notebooks" / "one.ipynb")
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "--nbval-lax"]
    done = subprocess.run(
        [*command, "--nbval-current-env", "notebooks/one.ipynb"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    waits = runpy.run_path(str(ROOT / "conftest.py"))["OUTPUT_TIMEOUT_S"]
    assert f"waits {waits}" in done.stdout
    assert waits > 5  # seconds, nbval's own
