"""The command line: what it does when what it is given is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from modlib.chapters import execute
from modlib.claims.register import load_claims
from modlib.cli import export, queue, run
from modlib.cli import main as cli
from modlib.cli.options import config_from, literal, num_threads
from modlib.config import presets
from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import ADDITION_PRESETS, FAMILIES
from modlib.config.remainders import RemaindersConfig
from modlib.config.rules import settings
from modlib.errors import InputError
from modlib.machine import RESULTS, ROOT
from modlib.results import sample
from modlib.runs import addition
from modlib.store.runs import Store

SECOND = RESULTS / "edition2"
TINY = "--n 7 --num-neurons 8 --embed-dim 4 --epochs 3"
TINY_CONFIG = AdditionConfig(n=7, num_neurons=8, embed_dim=4, epochs=3)


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return Store()


def modlib(command: str, *, status: int = 0) -> Result:
    done = CliRunner().invoke(cli.main, command.split(), prog_name="python -m modlib")
    assert done.exit_code == status, done.output
    return done


# Help


@pytest.mark.parametrize("command", ["", *(f"{name} " for name in cli.COMMANDS)])
def test_every_command_has_help(command):
    done = modlib(f"{command}--help")
    assert done.stdout.startswith(f"Usage: python -m modlib {command}".rstrip())
    assert modlib(f"{command}-h").stdout == done.stdout
    for line in done.stdout.splitlines():
        assert len(line) <= 80


def test_help_names_every_setting_with_its_default_and_every_preset_by_family():
    text = modlib("train --help").stdout
    parts = text.split("Settings of ")[1:]
    whose = ["paper A's network:", "paper B's network:", "clock and pizza's network:"]
    assert [part.splitlines()[0] for part in parts] == whose
    for part, (family, named) in zip(parts, FAMILIES.items(), strict=True):
        words = " ".join(part.split())
        for one in settings(family):
            assert f"--{one.name.replace('_', '-')} TEXT " in words
            default = str(one.default)[:6]
            assert one.default is None or f"[default: {default.removesuffix('.0')}" in words
        for name in named:
            assert name in words.replace("- ", "-")
    swept = modlib("sweep --help").stdout
    assert [part.splitlines()[0] for part in swept.split("Settings of ")[1:]] == whose[:1]


def test_every_command_is_found_under_its_name():
    context = click.Context(cli.main)
    for name in cli.main.list_commands(context):
        command = cli.main.get_command(context, name)
        assert (command.name, command.help is not None) == (name, True)
    assert cli.main.get_command(context, "trian") is None


@pytest.mark.parametrize(
    ("words", "config"),
    [
        ("", AdditionConfig()),
        ("--n 89 --lr 0.01", AdditionConfig(n=89, lr=0.01)),
        ("--steps 3", RemaindersConfig(steps=3)),
        ("--p 11 --num-validation 5", RemaindersConfig(p=11, num_validation=5)),
        ("--preset B37-lambda-0 --lr 0.01", RemaindersConfig(lam=0.0, lr=0.01)),
        ("--warmup 5", ClockPizzaConfig(warmup=5)),
        ("--n 31 --steps 3", ClockPizzaConfig(n=31, steps=3)),
        ("--preset C59-rate-1 --n 31", ClockPizzaConfig(n=31, attention_rate=1.0)),
    ],
)
def test_a_preset_or_a_setting_chooses_the_family(words, config):
    names, texts = words.split()[::2], words.split()[1::2]
    given = {name[2:].replace("-", "_"): t for name, t in zip(names, texts, strict=True)}
    preset = given.pop("preset", None)
    assert config_from(preset, {name: literal(text) for name, text in given.items()}) == config


def test_a_sweep_takes_presets_of_the_addition_network_alone():
    done = modlib("sweep --preset B37 --num-seeds 1", status=2)
    assert done.stderr.startswith("modlib: preset must be one of A")
    assert done.stderr.endswith(" got 'B37'\n")


def test_train_takes_paper_bs_options_and_presets_too(store):
    done = modlib("train --p 11 --steps 3 --embed-dim 8 --heads 2 --seed 4 --threads 2")
    config = RemaindersConfig(p=11, steps=3, embed_dim=8, heads=2)
    assert done.stdout.startswith("seed 4: validation accuracy 0.")
    assert 4 in store.of(config)
    modlib("train --preset B37-lambda-0 --p 11 --steps 0")
    assert 0 in store.of(RemaindersConfig(p=11, steps=0, lam=0.0))
    assert "p=11" in modlib("store").stdout


@pytest.mark.parametrize(
    "words",
    [
        *("--preset B37 --n 91", "--p 11 --epochs 3", "--preset A91 --steps 3", "--p 12"),
        *("--p 11 --steps -1", "--p 11 --threads 0", "--preset C1 --p 11", "--p 11 --task mod"),
    ],
)
def test_options_of_both_papers_do_not_mix(words, store):
    done = modlib(f"train {words}", status=2)
    assert "must" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(store.root.glob("*/*"))


def test_without_a_command_the_help_is_shown():
    done = modlib("", status=2)
    assert "Commands:" in done.output


def test_a_console_of_few_letters_shows_what_it_can(tmp_path):
    few = {**os.environ, "PYTHONIOENCODING": "cp1252", "MODLIB_STORE": str(tmp_path)}
    lines = [
        "import click, modlib.cli.store as store",
        "from modlib.cli.main import main",
        "store.list_store.callback = lambda *words, **options: click.echo(chr(0x2713))",
        "main(['store'])",
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, env=few, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "?", "")


def test_the_version_is_said():
    assert modlib("--version").stdout.split()[-1] == "0.1.0"


# train


def test_train_puts_its_runs_into_the_store(store):
    done = modlib(f"train {TINY} --seed 4 --num-seeds 2 --device cpu")
    assert [line.split()[:4] for line in done.stdout.splitlines()] == [
        ["seed", "4:", "held-out", "accuracy"],
        ["seed", "5:", "held-out", "accuracy"],
    ]
    for seed, line in zip((4, 5), done.stdout.splitlines(), strict=True):
        assert seed in store.of(TINY_CONFIG)
        assert line.endswith(str(store.of(TINY_CONFIG).folder(seed)))
        assert "steps a second" in line


def test_train_leaves_what_is_there(monkeypatch):
    first = modlib(f"train {TINY}").stdout
    monkeypatch.setattr(addition, "train", None)
    assert modlib(f"train {TINY}").stdout == first


def test_an_untrained_run_and_one_without_held_out_pairs_are_told_truly():
    untrained = modlib("train --n 7 --num-neurons 8 --epochs 0").stdout
    assert "steps a second" not in untrained
    assert "nan" not in untrained
    whole = modlib(f"train {TINY} --train-pairs 49").stdout
    assert whole.startswith("seed 0: accuracy on all pairs 0.")


@pytest.mark.parametrize(
    ("options", "config"),
    [
        ("--preset A91", ADDITION_PRESETS["A91"]),
        ("--preset A91 --n 89", AdditionConfig(n=89)),
        ("--preset A89-full", AdditionConfig(n=89, batch="full", epochs=2000)),
        ("--preset A91 --batch full", AdditionConfig(n=91, batch="full", epochs=2000)),
        ("--preset A91-full --epochs 10", AdditionConfig(n=91, batch="full", epochs=10)),
        ("--preset A91-untrained --n 89", AdditionConfig(n=89, epochs=0)),
        ("--preset A91-untrained --batch full", AdditionConfig(n=91, batch="full", epochs=0)),
        ("--preset A91-flax --l2 0", AdditionConfig(init="flax", l2=0.0)),
        ("--train-pairs null --lr 1e-2 --batch n", AdditionConfig(lr=0.01)),
    ],
)
def test_options_change_what_a_preset_sets_and_nothing_else(monkeypatch, options, config):
    asked = []

    def note(config, **others):
        asked.append(config)
        raise InputError("note", "be taken", None)

    monkeypatch.setattr("modlib.runs.get_or_train.get_or_train", note)
    modlib(f"train {options}", status=2)
    assert asked == [config]


# run


CELLS = [
    (
        "parameters",
        'seed: int = 3  # which network\nn: int = 7\ntrain_pairs: "Optional[int]" = None\n'
        'device: str = "cpu"',
    ),
    (None, "from modlib.chapters.parameters import check_parameters\ncheck_parameters(globals())"),
    (None, 'print(f"seed {seed}, n {n}, pairs {train_pairs}, on {device}")'),
]


def notebook(cells: list[tuple[str | None, str]]) -> str:
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "execution_count": None,
                    "id": f"cell{index}",
                    "metadata": {"tags": [tag]} if tag else {},
                    "outputs": [],
                    "source": source,
                }
                for index, (tag, source) in enumerate(cells)
            ],
            "metadata": {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


@pytest.fixture
def chapters(tmp_path, monkeypatch) -> Path:
    """A folder of two chapters: one that says its parameters, and one that fails."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "04_tiny.ipynb").write_text(notebook(CELLS))
    (folder / "12_broken.ipynb").write_text(notebook([*CELLS[:2], (None, "1 / 0\n")]))
    monkeypatch.setattr(run, "NOTEBOOKS", folder)
    monkeypatch.setattr(execute, "NOTEBOOKS", folder)
    return folder


def test_a_chapter_goes_by_name_number_and_word(chapters):
    assert run.chapters() == ["04_tiny", "12_broken"]
    for name in ("04_tiny", "04", "4", "tiny"):
        assert run.chapter_named(name) == "04_tiny"
    for name in ("", "0", "5", "1", "_tiny", "04_tiny.ipynb", "../04_tiny"):
        with pytest.raises(InputError, match=r"chapter must be one of 04_tiny, 12_broken, got"):
            run.chapter_named(name)


def test_parameters_are_read_as_numbers_words_or_nothing():
    words = "--seed 133 --n=89 --lr 1e-3 --batch full --train-pairs None --l2=null --init=a=b"
    assert run.parse_parameters(words.split()) == {
        **{"seed": 133, "n": 89, "lr": 1e-3, "batch": "full"},
        **{"train_pairs": None, "l2": None, "init": "a=b"},
    }
    assert run.parse_parameters(["--seed", "-1"]) == {"seed": -1}
    assert run.parse_parameters(["--flag", "True", "--flag", "false"]) == {"flag": False}


@pytest.fixture
def executed(monkeypatch) -> list[dict]:
    """Parameters of the chapters that papermill would have executed."""
    import papermill

    asked = []

    def pretend(path, target, parameters):
        asked.append(parameters)
        Path(target).write_text(Path(path).read_text())

    monkeypatch.setattr(papermill, "execute_notebook", pretend)
    return asked


@pytest.mark.usefixtures("chapters")
def test_run_gives_papermill_the_parameters_and_writes_where_it_is_told(executed, tmp_path):
    done = modlib("run 4 --seed 7 --train-pairs null --output there.ipynb --n 9")
    assert executed == [{"seed": 7, "n": 9, "train_pairs": None}]
    assert done.stdout == "wrote there.ipynb\n"
    assert (tmp_path / "there.ipynb").exists()
    assert modlib("run tiny").stdout == "wrote 04_tiny.out.ipynb\n"
    assert executed[1] == {}
    modlib("run 4 --train-pairs 49 --n 7")
    assert executed[2] == {"train_pairs": 49, "n": 7}


@pytest.mark.usefixtures("chapters")
def test_run_lists_a_chapters_parameters(executed):
    said = modlib("run 4 --help").stdout
    assert "--seed int" in said
    assert "which network  [default: 3]" in said
    assert "--train_pairs Optional[int]" in said
    assert "CHAPTER is a name or number" in modlib("run --help").stdout
    assert not executed
    assert "Missing argument 'CHAPTER'" in modlib("run", status=2).stderr


@pytest.mark.usefixtures("chapters")
def test_run_all_gives_each_chapter_what_it_has(executed, tmp_path):
    (tmp_path / "out").mkdir()
    done = modlib("run all --seed 5 --output out")
    assert executed == [{"seed": 5}, {"seed": 5}]
    assert done.stdout == "wrote out/04_tiny.ipynb\nwrote out/12_broken.ipynb\n"
    for words in ("--sede 5 --output out", "--n 2 --output out", "--seed 5 --output nowhere"):
        assert "must" in modlib(f"run all {words}", status=2).stderr
    assert len(executed) == 2


@pytest.mark.usefixtures("chapters")
def test_rules_between_parameters_hold_before_a_kernel_starts(executed):
    for words, pairs in (("--train-pairs 50", 49), ("--n 9 --train-pairs 82", 81)):
        done = modlib(f"run 4 {words}", status=2)
        assert f"train_pairs must be an integer at least 1 and at most {pairs}, got" in done.stderr
    assert executed == []


@pytest.mark.usefixtures("chapters")
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that root cannot write")
def test_an_output_that_cannot_be_written_is_refused_before_a_kernel_starts(executed):
    done = modlib("run 4 --output /proc/x.ipynb", status=2)
    assert done.stderr.startswith("modlib: /proc/x.ipynb cannot be written (")
    assert executed == []


def process(command: str, chapters: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with these chapters."""
    program = (
        "import sys; from pathlib import Path; from modlib.chapters import execute; "
        "from modlib.cli import main, run; "
        "run.NOTEBOOKS = execute.NOTEBOOKS = Path(sys.argv.pop(1)); main.main()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, str(chapters), *command.split()],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_run_executes_a_chapter(chapters, tmp_path):
    done = process("run 4 --seed 8 --train-pairs 30", chapters)
    assert (done.returncode, done.stdout) == (0, "wrote 04_tiny.out.ipynb\n"), done.stderr
    text = (tmp_path / "04_tiny.out.ipynb").read_text()
    assert "seed 8, n 7, pairs 30, on cpu" in text


def test_a_chapter_that_fails_is_told_in_one_line_and_leaves_the_output_before(chapters, tmp_path):
    output = tmp_path / "12_broken.out.ipynb"
    output.write_text("kept")
    done = process("run 12", chapters)
    assert done.returncode == 2
    last = "modlib: 12_broken stopped: ZeroDivisionError: division by zero"
    # A kernel that shuts down may add remarks of its own, so not "the last line".
    assert last in done.stderr.splitlines()
    assert "__main__.py" not in done.stderr
    assert output.read_text() == "kept"


# claims and export


def test_claims_print_every_id_once():
    text = modlib("claims --edition 1").stdout
    entries = json.loads(modlib("claims --edition 1 --json").stdout)
    assert [entry["id"] for entry in entries] == list(load_claims(edition=1))
    assert entries[0].keys() == {"id", "place", "reported", "measured", "verdict"}
    for entry in entries:
        assert text.count(f"  {entry['id']}  (") == 1
    assert text.splitlines()[-1].startswith(f"{len(entries)} claims: ")


def test_export_writes_the_preset_that_it_is_given(monkeypatch, tmp_path):
    monkeypatch.setitem(presets.ADDITION_PRESETS, "tiny", TINY_CONFIG)
    monkeypatch.setattr(export, "results_of", lambda edition: tmp_path / edition)
    monkeypatch.setattr(queue, "results_of", lambda edition: tmp_path / edition)
    done = modlib("export tiny --first-seed 3 --num-seeds 2 --device cpu")
    assert done.stdout == f"wrote {tmp_path / '1' / 'tiny'}\n"
    tables = sample.read_export("tiny", tmp_path / "1")
    assert tables.summary.seed.tolist() == [3, 4]
    modlib("export tiny --first-seed 5 --num-seeds 1 --device cpu --edition 2")
    assert sample.read_export("tiny", tmp_path / "2").summary.seed.tolist() == [5]


def test_export_of_a_sweep_reads_the_store(monkeypatch):
    asked = []
    monkeypatch.setattr(
        export, "export_sweep", lambda *args, **options: asked.append((args, options)) or "there"
    )
    assert modlib("export A91 --sweep --replace").stdout == "wrote there\n"
    modlib("export A91 --sweep --first-seed 3 --num-seeds 2 --append --edition 2")
    assert asked == [
        (("A91",), {"first_seed": 1000, "num_seeds": None, "append": False, "results": RESULTS}),
        (("A91",), {"first_seed": 3, "num_seeds": 2, "append": True, "results": SECOND}),
    ]


def test_export_of_paper_b_hands_on_what_is_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(
        export,
        "export_remainders",
        lambda name, **options: asked.append((name, options)) or "there",
    )
    modlib("export B37 --append --partial --edition 2")
    done = modlib("export B113-nanda-learns --first-seed 2000 --num-seeds 10 --edition 2", status=2)
    assert f"network must be asked for, as {SECOND}/remainders/B113-nanda-learns" in done.stderr
    modlib("export B37 --network --replace")
    modlib("export B37 --snapshots --replace")
    kept = ("append", "partial", "network", "snapshots", "results")
    assert [[options[name] for name in kept] for _, options in asked] == [
        [True, True, None, False, SECOND],
        [False, False, True, False, RESULTS],
        [False, False, None, True, RESULTS],
    ]


@pytest.mark.parametrize(
    ("words", "held"),
    [
        ("A91 --num-seeds 1", 128),
        ("A91 --num-seeds 127", 128),
        ("A91 --sweep --num-seeds 5", 4000),
        ("clock-pizza --num-seeds 1", 3),
    ],
)
def test_an_export_of_fewer_networks_than_are_committed_asks_for_replace(monkeypatch, words, held):
    done = modlib(f"export {words}", status=2)
    assert f"num_seeds must be at least {held}, which {RESULTS}" in done.stderr
    assert "or go with --replace" in done.stderr
    for kind in ("preset", "sweep", "clock_pizza"):
        monkeypatch.setattr(export, f"export_{kind}", lambda *args, **options: "there")
    assert modlib(f"export {words} --replace").stdout == "wrote there\n"


def test_the_network_that_multiplies_can_be_exported(monkeypatch):
    monkeypatch.setattr(export, "export_product", lambda **options: "there")
    assert modlib("export product").stdout == "wrote there\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("A91 --first-seed 5000 --num-seeds 200", "seeds must hold 1000 to 1127"),
        ("product --num-seeds 5", "num_seeds must be left out for product, got '5'"),
        ("showcase --first-seed 5", "first_seed must be left out for showcase, got '5'"),
    ],
)
def test_an_export_that_would_lose_or_ignore_something_is_refused(words, message):
    assert message in modlib(f"export {words}", status=2).stderr


def test_a_sweep_of_fewer_networks_takes_the_place_of_more_on_purpose_only(monkeypatch, tmp_path):
    monkeypatch.setattr(export, "results_of", lambda edition: tmp_path / "results")
    monkeypatch.setattr(export, "require_checkout", lambda name, path: path)
    monkeypatch.setitem(ADDITION_PRESETS, "A91-untrained", TINY_CONFIG)
    modlib(f"sweep {TINY} --num-seeds 4 --shard-size 2")
    modlib("export A91-untrained --sweep")
    folder = tmp_path / "results" / "sweeps" / "A91-untrained"
    assert export.seeds_held(folder) == range(1000, 1004)
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "another"))
    modlib(f"sweep {TINY} --num-seeds 2 --shard-size 2")
    done = modlib("export A91-untrained --sweep", status=2)
    assert f"num_seeds must be at least 4, which {folder} holds" in done.stderr
    modlib("export A91-untrained --sweep --replace")
    assert export.seeds_held(folder) == range(1000, 1002)
    (folder / "MANIFEST.json").write_text("[]")
    damaged = modlib("export A91-untrained --sweep", status=2)
    assert "is not a readable manifest" in damaged.stderr


@pytest.mark.parametrize("name", ["notebooks/01_training.ipynb", "README.md"])
def test_an_output_that_would_cost_the_book_a_page_is_refused(name):
    before = (ROOT / name).read_bytes()
    done = modlib(f"run 4 --output {ROOT / name}", status=2)
    assert "output must be" in done.stderr
    assert (ROOT / name).read_bytes() == before


def test_an_edition_has_a_folder_and_seeds_of_its_own():
    done = modlib("export A91 --edition 3", status=2)
    assert done.stderr == "modlib: edition must be one of 1, 2, got '3'\n"
    done = modlib("export showcase --edition 2", status=2)
    assert "edition must be 1 for showcase and like-paper, got '2'" in done.stderr


@pytest.mark.parametrize("option", ["partial", "network", "snapshots"])
def test_only_paper_b_has_networks_to_keep_and_runs_under_way(option):
    for name in ("A91", "showcase", "clock-pizza"):
        done = modlib(f"export {name} --{option}", status=2)
        assert f"name must be a preset of paper B with --{option}, got '{name}'" in done.stderr


def test_only_tables_of_many_seeds_are_appended_to():
    for name in ("A91", "showcase", "clock-pizza"):
        done = modlib(f"export {name} --append", status=2)
        assert "name must be a preset of paper B, or go with --sweep" in done.stderr


def test_export_of_clocks_and_pizzas_takes_three_seeds(monkeypatch):
    asked = []
    monkeypatch.setattr(
        export, "export_clock_pizza", lambda **options: asked.append(options) or "there"
    )
    assert modlib("export clock-pizza").stdout == "wrote there\n"
    modlib("export clock-pizza --first-seed 7 --num-seeds 1 --edition 2 --replace")
    threads = {"threads": num_threads(None)}
    assert asked == [
        {"first_seed": 1001, "num_seeds": 3, "results": RESULTS} | threads,
        {"first_seed": 7, "num_seeds": 1, "results": SECOND} | threads,
    ]


def test_export_of_the_published_pizza_trains_nothing(monkeypatch):
    monkeypatch.setattr(export, "export_published_pizza", lambda root: f"there, in {root.name}")
    assert modlib("export published-pizza").stdout == "wrote there, in results\n"


def test_export_showcase_records_the_fine_tuning_seeds(monkeypatch):
    asked = []
    monkeypatch.setattr(
        export,
        "record_fine_tuning",
        lambda *args, **options: asked.append((args, options)) or {"a": 1},
    )
    assert json.loads(modlib("export showcase --device cpu").stdout) == {"a": 1}
    assert asked == [(((91, 89),), {"device": "cpu"})]


# Start-up


def loaded(statement: str, *modules: str) -> str:
    """Which of these modules a statement loads in a process of its own."""
    program = f"import sys; {statement}; print(*({set(modules)} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_list_of_commands_loads_nothing_that_takes_seconds():
    statement = "from modlib.cli.main import main; main(['--help'], standalone_mode=False)"
    heavy = ("torch", "numba", "pandas", "numpy", "scipy", "matplotlib", "papermill", "pyarrow")
    last = loaded(statement, *heavy).splitlines()[-1]
    assert last.split() == ["train", "Train", "networks", "into", "the", "store."]


def test_no_command_loads_notebook_machinery_to_refuse_its_words():
    """papermill and matplotlib take seconds to load, which no refusal should wait for."""
    statement = "import modlib.cli.main as m; [m.main.get_command(None, c) for c in m.COMMANDS]"
    heavy = ("papermill", "nbformat", "nbclient", "matplotlib.pyplot")
    assert loaded(statement, *heavy) == ""


def test_a_ledger_of_kept_values_loads_nothing_that_trains():
    statement = "import modlib.cli.claims"
    assert loaded(statement, "torch", "numba", "matplotlib", "modlib.claims.committed") == ""
