"""The installation that ``make`` does, with a Python that only says what it is asked for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

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
CPU = "--index-url https://download.pytorch.org/whl/cpu torch=="


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
    kept = {k: v for k, v in os.environ.items() if k not in ("TORCH", "PIP_ARGS", "MAKEFLAGS")}
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


def test_without_a_device_torch_is_the_build_for_processors(tmp_path):
    done, asked = install(tmp_path)
    assert done.returncode == 0, done.stderr
    first, second, third = (line for line in asked if "pip install" in line)
    assert CPU in first
    assert "--no-deps" in first
    pinned = re.search(r"^torch==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)[0]
    assert first.endswith(f" {pinned}")
    assert second.endswith("-r requirements.txt")
    assert "index" not in second
    assert third.endswith("--editable .")
    assert "TORCH=cpu is chosen" in done.stdout
    assert (tmp_path / ".venv" / ".installed").exists()


def test_it_says_what_to_expect_and_shows_what_pip_does(tmp_path):
    done, asked = install(tmp_path)
    count = (ROOT / "requirements.txt").read_text().count("==")
    assert f"Installing {count} pinned packages" in done.stdout
    assert "minutes" in done.stdout
    (call,) = (line for line in asked if "-r requirements.txt" in line)
    assert "--quiet" not in call


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {"device": True}),
        (["TORCH=cuda"], {}),
        ([], {"TORCH": "cuda"}),
        ([], {"system": "Darwin"}),
        (["PIP_ARGS=--index-url https://mirror.example/simple"], {}),
    ],
    ids=["device", "asked for", "in the environment", "macOS", "own index"],
)
def test_otherwise_it_is_what_the_index_has(tmp_path, words, options):
    done, asked = install(tmp_path, *words, **options)
    assert done.returncode == 0, done.stderr
    assert not any(CPU in line for line in asked)
    (call,) = (line for line in asked if "-r requirements.txt" in line)
    assert ("mirror.example" in call) == bool(words and "mirror" in words[0])


def test_the_build_for_processors_may_be_asked_for_where_there_is_a_device(tmp_path):
    done, asked = install(tmp_path, "TORCH=cpu", device=True)
    assert done.returncode == 0, done.stderr
    assert any(CPU in line for line in asked)


def test_where_that_index_is_out_of_reach_the_installation_goes_on_and_says_so(tmp_path):
    done, asked = install(tmp_path, NO_INDEX="1")
    assert done.returncode == 0, done.stderr
    assert any("-r requirements.txt" in line for line in asked)
    assert "the build that the package index has is taken" in done.stdout


def test_another_build_is_refused_in_a_line_before_anything_is_made(tmp_path):
    done, asked = install(tmp_path, "TORCH=rocm")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == "TORCH must be auto, cpu or cuda, got 'rocm'"
    assert not asked


@pytest.mark.parametrize("page", ["README.md", "book/how_to_run.md"])
def test_the_pages_name_only_variables_and_commands_that_there_are(page):
    text, makefile = (ROOT / page).read_text(), (ROOT / "Makefile").read_text()
    told = re.findall(r"(?:`|^ *)make ([a-z-]+)((?: [A-Z_]+=\S+)*)", text, re.MULTILINE)
    assert told
    for target, given in told:
        assert re.search(rf"^{target}: ", makefile, re.MULTILINE) or target in ("clean", "help")
        for name in re.findall(r" ([A-Z_]+)=", given):
            assert re.search(rf"^{name} \?= |\$\({name}\)", makefile, re.MULTILINE), name
