"""An edition: what each chapter gets, what is refused, and a site that is whole or not there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from modlib.chapters import edition as ed
from modlib.chapters.parameters import declare, parameters_of
from modlib.cli.main import main
from modlib.errors import StoreError
from modlib.machine import NOTEBOOKS, ROOT

OURS = ed.Edition(n=97, seed=5)


@pytest.fixture
def sources(tmp_path) -> Path:
    """The book's own sources without most of its pages."""
    folder = tmp_path / "sources"
    (folder / "book").mkdir(parents=True)
    (folder / "notebooks").mkdir()
    for name in ("01_training", "08_frequencies", "10_remainders", "15_your_checkpoint"):
        shutil.copy(NOTEBOOKS / f"{name}.ipynb", folder / "notebooks")
    for name in ("_config.yml", "_toc.yml", "CITATION.cff", "requirements.txt", "book/index.md"):
        shutil.copy(ROOT / name, folder / name)
    for name in ed.LINKED:
        (folder / name).mkdir()
    return folder


@pytest.fixture
def built(monkeypatch) -> list[Path]:
    """In place of a build: a page with the front page's source. What was built, and how often."""
    seen: list[Path] = []

    def build_site(work: Path) -> Path:
        seen.append(work)
        site = work / "_build" / "html"
        site.mkdir(parents=True, exist_ok=True)
        (site / "index.html").write_text((work / "book" / "index.md").read_text())
        return site

    monkeypatch.setattr(ed, "build_site", build_site)
    return seen


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def command(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["edition", *words], prog_name="python -m modlib")
    return done.exit_code, done.output


def test_each_chapter_of_the_books_network_gets_what_it_has():
    values = ed.values_of(ed.Edition(n=97, seed=5, checkpoint="x"), NOTEBOOKS)
    both = {"n": 97, "seed": 5}
    assert [name for name, own in values.items() if own == both] == [
        *("01_training", "02_neurons", "03_embeddings", "04_clusters", "05_interventions"),
        "07_approximate_crt",
    ]
    assert values["08_frequencies"] == values["09_scaling"] == {"n": 97}
    assert values["15_your_checkpoint"] == both | {"checkpoint": "x"}
    assert values["06_clock_and_pizza"] == values["11_grokking"] == {}


@pytest.mark.parametrize("name", ["01_training", "15_your_checkpoint"])
def test_parameters_are_declared_and_all_else_stays(tmp_path, name):
    before = NOTEBOOKS / f"{name}.ipynb"
    text = before.read_text(encoding="utf-8")
    assert declare(text, {}) == text
    after = tmp_path / "after.ipynb"
    after.write_text(declare(text, {"n": 97, "device": 'a "b'}), encoding="utf-8")
    was, now = ({one.name: one for one in parameters_of(path)} for path in (before, after))
    assert (now["n"].default, now["device"].default) == (97, 'a "b')
    assert [one.remark for one in now.values()] == [one.remark for one in was.values()]
    assert (
        sum(a != b for a, b in zip(text.split("\n"), after.read_text().split("\n"), strict=True))
        == 2
    )


def test_a_site_has_its_title_its_parameters_and_says_what_it_is(sources, built, tmp_path):
    before, output = contents(sources), tmp_path / "deep" / "site"
    ed.make_edition(ed.Edition(n=97, seed=5, title='Mine: "97"'), output, sources=sources)
    page = (output / "index.html").read_text()
    assert page.startswith('# Mine: "97"\n\n*An edition on the network of seed 5 at n = 97')
    assert "chapters 1, 15 are executed with it; chapters 8 at this n" in page
    assert json.loads((output / ed.MARK).read_text())["n"] == 97
    assert contents(sources) == before
    assert os.listdir(output.parent) == ["site"]
    assert len(built) == 1


def test_the_configuration_stays_one_that_can_be_read(sources):
    import yaml

    title = "Sums: 'n' # \"97\" \\ é"
    made = ed.Edition(n=97, seed=5, title=title)
    found = ed._turned(made, ed.values_of(made, sources / "notebooks"), sources)
    config = yaml.safe_load(found["_config.yml"])
    assert config["title"] == title
    assert config["execute"] == yaml.safe_load((ROOT / "_config.yml").read_text())["execute"]
    notebook = json.loads(found["notebooks/01_training.ipynb"])
    assert "n: int = 97  # modulus" in "".join(notebook["cells"][1]["source"])


def test_a_build_that_is_stopped_leaves_no_site_and_goes_on(sources, built, tmp_path, monkeypatch):
    output, whole = tmp_path / "site", ed.build_site

    def stopped(work: Path) -> Path:
        (work / "_build").mkdir()
        (work / "_build" / "executed").write_text("chapter 1")
        raise KeyboardInterrupt

    monkeypatch.setattr(ed, "build_site", stopped)
    with pytest.raises(KeyboardInterrupt):
        ed.make_edition(OURS, output, sources=sources)
    assert not output.exists()

    def going_on(work: Path) -> Path:
        assert (work / "_build" / "executed").read_text() == "chapter 1"
        return whole(work)

    monkeypatch.setattr(ed, "build_site", going_on)
    ed.make_edition(OURS, output, sources=sources)
    assert (output / "index.html").is_file()
    assert sorted(os.listdir(tmp_path)) == ["site", "sources"]


def test_two_at_one_edition_wait_for_each_other(sources, built, tmp_path, monkeypatch):
    """The first is done, and clears up, while the second waits."""
    output, whole, ends = tmp_path / "site", ed.build_site, []

    def make() -> None:
        ed.make_edition(OURS, output, sources=sources)
        ends.append(len(built))

    second = threading.Thread(target=make)

    def build_site(work: Path) -> Path:
        if not built:
            second.start()
            time.sleep(0.2)
        return whole(work)

    monkeypatch.setattr(ed, "build_site", build_site)
    make()
    second.join()
    assert ends == [1, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site", "sources"]


def test_what_has_not_changed_is_not_written_again(sources, built, tmp_path, monkeypatch):
    def failing(work: Path) -> Path:
        raise StoreError("no")

    monkeypatch.setattr(ed, "build_site", failing)
    work = tmp_path / ".site.building"
    times = []
    for _ in range(2):
        with pytest.raises(StoreError, match="no"):
            ed.make_edition(OURS, tmp_path / "site", sources=sources)
        times.append({path: path.stat().st_mtime_ns for path in (work / "book").rglob("*")})
    assert times[0] == times[1]
    (sources / "book" / "index.md").rename(sources / "book" / "other.md")
    with pytest.raises(StoreError):
        ed.make_edition(OURS, tmp_path / "site", sources=sources)
    assert os.listdir(work / "book") == ["other.md"]


def test_an_edition_is_replaced_and_nothing_else(sources, built, tmp_path):
    output = tmp_path / "site"
    output.mkdir()
    ed.make_edition(OURS, output, sources=sources)
    ed.make_edition(ed.Edition(n=13, seed=6), output, sources=sources)
    assert json.loads((output / ed.MARK).read_text())["seed"] == 6
    (output / ed.MARK).unlink()
    before = contents(output)
    code, said = command("--output", str(output))
    assert code == 2
    assert "output must be new, empty, or an edition" in said
    assert contents(output) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "output must be a folder for the site"),
        ("--n 2 --output x", "n must be"),
        ("--n x --output x", "n must be"),
        ("--n null --output x", "n must be"),
        ("--seed -1 --output x", "seed must be"),
        ("--checkpoint nowhere.npz --output x", "checkpoint must be a file or one of"),
        ("--output x --title ", "title must be one line"),
        (f"--output {ROOT}", "output must be new, empty, or an edition"),
        (f"--output {ROOT / '_build' / 'html'}", "output must lie outside the book's own folders"),
        (f"--output {ROOT / 'book' / 'mine'}", "output must lie outside"),
        (f"--output {ROOT / 'Makefile'}", "output must be a folder"),
        ("--sead 5", "option must be one of"),
    ],
)
def test_bad_words_are_refused_in_one_line_before_any_work(
    built, tmp_path, monkeypatch, words, told
):
    monkeypatch.chdir(tmp_path)
    code, said = command(*words.split(" ")) if words else command()
    assert code == 2
    assert said.startswith(f"modlib: {told}")
    assert said.count("\n") == 1
    assert not built
    assert os.listdir(tmp_path) == []


def test_a_checkpoint_is_found_from_where_it_was_named(built, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = []
    monkeypatch.setattr(
        "modlib.cli.edition.make_edition", lambda edition, output: made.append(edition)
    )
    Path("mine.npz").touch()
    for checkpoint in ("mine.npz", "mine.npz:3", "clock-and-pizza/A"):
        assert command("--checkpoint", checkpoint, "--output", "site")[0] == 0
    assert [one.checkpoint for one in made] == [
        *(f"{tmp_path}/mine.npz{index}" for index in ("", ":3")),
        "clock-and-pizza/A",
    ]


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_builds_an_edition_where_it_is_asked_for_one_and_else_the_book():
    def recipe(*words: str, **environment: str) -> str:
        command = ["make", "-n", "-o", ".venv/.installed", "book", *words]
        env = os.environ | environment
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True).stdout

    asked = recipe("N=97", "SEED=5", "TITLE=Mine")
    assert "modlib edition" in asked
    assert "jupyter-book build" not in asked
    for plain in (recipe(), recipe(N="3", TITLE="x")):
        assert "jupyter-book build book/ -W" in plain
        assert "edition" not in plain


SLEEPS = """import os, time
from pathlib import Path

Path("begun.part").write_text(f"{os.getpid()} {os.getppid()}")
os.replace("begun.part", "begun")
time.sleep(3600)"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_killed_build_leaves_no_process(tmp_path):
    """Neither Jupyter Book nor the kernel that executes a chapter."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "_config.yml").write_text("execute: {execute_notebooks: force}\n")
    (tmp_path / "book" / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    cell = {"cell_type": "code", "execution_count": None, "id": "sleeps", "metadata": {}}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    notebook["cells"] = [cell | {"outputs": [], "source": SLEEPS}]
    (tmp_path / "book" / "index.ipynb").write_text(json.dumps(notebook))
    code = (
        "from pathlib import Path; from modlib.chapters import edition as ed; ed.build_site(Path())"
    )
    building = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    begun = tmp_path / "book" / "begun"
    while not begun.exists():
        assert building.poll() is None
        time.sleep(0.1)
    pids = [int(pid) for pid in begun.read_text().split()]
    assert all(map(alive, pids))
    building.kill()
    building.wait()
    while any(map(alive, pids)):
        time.sleep(0.1)


@pytest.mark.slow
def test_a_book_of_two_chapters_is_built(tmp_path, monkeypatch):
    """A real build: minutes."""
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    folder, output = tmp_path / "sources", tmp_path / "site"
    folder.mkdir()
    for name in ed.COPIED:
        path = ROOT / name
        shutil.copytree(path, folder / name) if path.is_dir() else shutil.copy(path, folder)
    for name in ed.LINKED:
        (folder / name).symlink_to(ROOT / name)
    toc = "format: jb-book\nroot: book/index\nchapters:\n- file: notebooks/03_embeddings\n"
    (folder / "_toc.yml").write_text(toc + "- file: notebooks/04_clusters\n")
    ed.make_edition(ed.Edition(n=13, seed=5, title="Thirteen"), output, sources=folder)
    page = (output / "notebooks" / "04_clusters.html").read_text(encoding="utf-8")
    assert "Thirteen" in page
    assert "n: int = 13" in (output / "_sources/notebooks/04_clusters.ipynb").read_text()
    assert "modlibLive.start" in page
    front = (output / "book" / "index.html").read_text(encoding="utf-8")
    assert "An edition on the network of seed 5 at n = 13" in front
