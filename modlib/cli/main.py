"""``python -m modlib``: train networks, run chapters, print the ledger."""

from __future__ import annotations

import functools
import json
import logging
import os
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
from click.exceptions import NoArgsIsHelpError

from modlib.claims import as_json, as_text, ledger
from modlib.config import (
    CLOCK_PIZZA_PRESETS,
    DEFAULT_EPOCHS,
    PRESETS,
    REMAINDER_TASKS,
    REMAINDERS_PRESETS,
    AdditionConfig,
    ClockPizzaConfig,
    RemaindersConfig,
    default_train_pairs,
    require_seed,
    resolve_device,
)
from modlib.errors import ClusterError, InputError, StoreError, require_choice, require_int
from modlib.experiments import KIND, Run, get_or_train
from modlib.experiments_clock_pizza import KIND as CLOCK_PIZZA_KIND
from modlib.experiments_clock_pizza import ClockPizzaRun, get_or_train_clock_pizza
from modlib.experiments_remainders import KIND as REMAINDERS_KIND
from modlib.experiments_remainders import RemaindersRun, get_or_train_remainders
from modlib.inventory import Holding, holdings, size_of, to_prune
from modlib.inventory import prune as prune_folders
from modlib.measures import measure
from modlib.notebook import check_values, declared_parameters
from modlib.paths import EDITIONS, NOTEBOOKS, results_of
from modlib.queue import jobs as queue_jobs
from modlib.queue.families import EDITION_2
from modlib.queue.run import Runner, held
from modlib.queue.state import Done, look
from modlib.results import NUM_EXPORTED, export_sweep, record_fine_tuning
from modlib.results import export as export_preset
from modlib.results_clock_pizza import FIRST_SEED as FIRST_CLOCK_PIZZA
from modlib.results_clock_pizza import NUM_SEEDS as NUM_CLOCK_PIZZA
from modlib.results_clock_pizza import export_clock_pizza
from modlib.results_remainders import export_remainders
from modlib.search import KIND as SEARCH_KIND
from modlib.search import NUM_TRIALS, STEPS, STUDY, Study, export_search, search
from modlib.store import Store, write_atomically, writing
from modlib.sweep import blocks, seed_range
from modlib.sweep import sweep as run_sweep


@contextmanager
def one_line() -> Iterator[None]:
    """Turn a refusal into one line on standard error and exit status 2."""
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except click.NoSuchOption as error:
        known = error.ctx.command.params if error.ctx else []
        names = ", ".join(name for option in known for name in option.opts if name[0] == "-")
        refusal = str(InputError("option", f"be one of {names}", error.option_name))
    except click.UsageError as error:
        refusal = error.format_message()
    except KeyboardInterrupt:
        click.echo("modlib: stopped; the same command goes on where it was", err=True)
        sys.exit(130)
    except (InputError, StoreError, ClusterError) as error:
        refusal = str(error)
    else:
        return
    click.echo(f"modlib: {' '.join(refusal.split())}", err=True)
    sys.exit(2)


class OneLine(click.Group):
    """A group of commands whose refusals are one line on standard error, exit status 2."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the words before the command."""
        with one_line():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Read the words of the command and run it."""
        with one_line():
            return super().invoke(ctx)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command that the first word names."""
        require_choice("command", args[0], self.commands)
        return super().resolve_command(ctx, args)


def literal(text: str) -> Any:
    """The value that a word on the command line stands for: null, number or text."""
    try:
        return json.loads(text)
    except ValueError:
        return None if text == "None" else {"True": True, "False": False}.get(text, text)


@click.group(cls=OneLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="modlib")
def main() -> None:
    """Networks that add modulo n: train them, read a chapter on them, print the claims."""
    logging.basicConfig(format="%(levelname)s: %(message)s")


OPTIONS = {
    "preset": f"Start from one of {', '.join(PRESETS)}.",
    "n": "Modulus, 3 or more.  [default: 91]",
    "train-pairs": "Training pairs.  [default: 5096, 4717, near .6 n^2]",
    "num-neurons": "Hidden neurons.  [default: 128]",
    "embed-dim": "Width of each embedding.  [default: 32]",
    "batch": "Pairs a step: n or full.  [default: n]",
    "init": "Initialisation: torch or flax.  [default: torch]",
    "lr": "Adam's learning rate.  [default: 0.008]",
    "l2": "Factor of |theta|^2 in the loss.  [default: 0.0001]",
    "epochs": "Passes over the training set.  [default: 300, full: 2000]",
}
"""What a command that trains takes: the preset, and the settings that differ from it."""

device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:INDEX."
)
threads_option = click.option("--threads", help="Worked on at once.  [default: one a core]")

FIRST_SEED = 1000
"""First seed of an export, unless said."""
SOLVED = 0.99
"""Validation accuracy from which a task of paper B counts as solved, in what is printed."""


REMAINDERS_OPTIONS = {
    "preset": f"{OPTIONS['preset'][:-1]}, "
    f"{', '.join([*REMAINDERS_PRESETS, *CLOCK_PIZZA_PRESETS])}.",
    "p": "Paper B: base of the digits, a prime from 5.  [default: 37]",
    "task": f"Paper B: {', '.join(REMAINDER_TASKS)}.  [default: miiii]",
    "digits": "Paper B: low_first or high_first.  [default: low_first]",
    "train-fraction": "Paper B: share of the p^2 numbers.  [default: 0.8]",
    "num-validation": "Paper B: held-out numbers that validate.  [default: all]",
    "heads": "Paper B: attention heads.  [default: 4]",
    "dropout": "Paper B: share of the stream.  [default: 0.1]",
    "dropout-mask": "Paper B: one a step or a sample.  [default: step]",
    "weight-decay": "Paper B: AdamW's.  [default: 1/3]",
    "lam": "Paper B: Grokfast's lambda.  [default: 0.5]",
    "alpha": "Paper B: Grokfast's alpha.  [default: 0.98]",
    "steps": "Paper B: full-batch steps.  [default: 16384]",
    "matmul": "Paper B: float32 or bfloat16.  [default: float32]",
}
"""What paper B's transformer takes as well; ``embed-dim`` and ``lr`` belong to both papers."""

CLOCK_PIZZA_OPTIONS = {
    "attention-rate": "Clock and pizza: from 0 (pizza) to 1 (clock).",
    "warmup": "Clock and pizza: steps until lr is reached.  [default: 10]",
}
"""What Zhong et al.'s transformer takes as well: one of these, or a preset, chooses it."""

Config = AdditionConfig | RemaindersConfig | ClockPizzaConfig
C = TypeVar("C")


def config_from(preset: str | None, given: dict[str, Any]) -> Config:
    """The configuration of a preset with the settings that differ from it.

    It is paper B's transformer, or that of Zhong et al., where the preset or a setting is. Raises
    ``InputError`` for an unknown preset and for settings of another network.
    """
    addition = vars(AdditionConfig())
    clock_pizza, transformer = vars(ClockPizzaConfig()), vars(RemaindersConfig())
    if preset in CLOCK_PIZZA_PRESETS or "attention_rate" in given:
        _require_settings(given, clock_pizza, "clock and pizza's")
        return replace(_start(preset, CLOCK_PIZZA_PRESETS, ClockPizzaConfig()), **given)
    if preset in REMAINDERS_PRESETS or given.keys() & (transformer.keys() - addition):
        _require_settings(given, transformer, "paper B's")
        return replace(_start(preset, REMAINDERS_PRESETS, RemaindersConfig()), **given)
    return AdditionConfig(**{**settings_of(preset), **given})


def _require_settings(given: dict[str, Any], known: Mapping[str, Any], whose: str) -> None:
    for name in given.keys() - known.keys():
        raise InputError("option", f"be one of {whose}: {', '.join(known)}", name)


def _start(preset: str | None, presets: Mapping[str, C], usual: C) -> C:
    return usual if preset is None else presets[require_choice("preset", preset, presets)]


def config_options(options: dict[str, str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options; it gets the ``config`` they make."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_config(**words: Any) -> None:
            texts = {name: words.pop(name.replace("-", "_")) for name in options}
            preset = texts.pop("preset")
            chosen = {
                name.replace("-", "_"): literal(text)
                for name, text in texts.items()
                if text is not None
            }
            command(config=config_from(preset, chosen), **words)

        for name, text in reversed(options.items()):
            click.option(f"--{name}", help=text)(with_config)
        return with_config

    return decorate


@main.command()
@click.option("--seed", default="0", show_default=True, help="First seed.")
@click.option("--num-seeds", default="1", show_default=True, help="How many, one after another.")
@config_options(OPTIONS | REMAINDERS_OPTIONS | CLOCK_PIZZA_OPTIONS)
@threads_option
@device_option
def train(
    config: Config,
    seed: str,
    num_seeds: str,
    threads: str | None,
    device: str,
) -> None:
    """Train networks into the store; those already there are left as they are.

    Options of paper B, or one of its presets, train its transformer; those of clock and pizza
    that of Zhong et al. (on the CPU, with one thread).
    """
    first = require_seed(literal(seed))
    total = require_int("num_seeds", literal(num_seeds), at_least=1)
    require_seed(first + total - 1, "last seed")
    resolve_device(device)
    count = num_threads(threads)
    store = Store()
    for current in range(first, first + total):
        if isinstance(config, AdditionConfig):
            run = get_or_train(config, seed=current, device=device, store=store)
            said = words_of_run(run)
            kind = KIND
        elif isinstance(config, ClockPizzaConfig):
            said = words_of_clock_pizza(get_or_train_clock_pizza(config, seed=current, store=store))
            kind = CLOCK_PIZZA_KIND
        else:
            said = words_of_transformer(
                get_or_train_remainders(
                    config, seed=current, device=device, threads=count, store=store
                )
            )
            kind = REMAINDERS_KIND
        click.echo(f"seed {current}: {said}, {store.folder(kind, config.key(), current)}")


def num_threads(text: str | None) -> int:
    """The number that an option says; one a core where it says none."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return require_int("threads", cores if text is None else literal(text), at_least=1)


def words_of_run(run: Run) -> str:
    """What became of a network of paper A."""
    rate = run.stored.manifest["config"]["steps_per_second"]
    judged = "held-out accuracy" if run.num_test else "accuracy on all pairs"
    outcome = f"100 % after epoch {run.reached_epoch}" if run.learned else "did not learn"
    pace = f", {rate:,.0f} steps a second" if rate else ""
    return f"{judged} {run.accuracy:.4f}, {outcome}{pace}"


def words_of_transformer(run: RemaindersRun) -> str:
    """What became of a network of paper B."""
    accuracy = run.final[run.final.split == "validation"].accuracy
    solved = f"{(accuracy >= SOLVED).sum()} of {len(accuracy)} tasks from {100 * SOLVED:.0f} % on"
    rate = run.manifest["config"]["steps_per_second"]
    pace = f", {rate:,.0f} steps a second" if rate else ""
    return f"validation accuracy {accuracy.mean():.4f}, {solved}{pace}"


def words_of_clock_pizza(run: ClockPizzaRun) -> str:
    """What became of a transformer of Zhong et al."""
    reached = run.reached_step
    outcome = "did not learn" if reached is None else f"100 % after step {reached}"
    return f"held-out accuracy {run.accuracy:.4f}, {outcome}"


@main.command()
@click.option("--first-seed", default="1000", show_default=True, help="First seed.")
@click.option("--num-seeds", required=True, help="How many.")
@config_options(OPTIONS)
@click.option("--shard-size", default="200", show_default=True, help="Seeds a shard.")
@click.option("--shard", help="This block of the sweep only, from 0 (for an array of jobs).")
@click.option("--keep-weights", is_flag=True, help="Keep the parameters with the tables.")
@threads_option
@click.option("--workers", help="Shards on this many processes, by dask.distributed.")
@click.option("--scheduler", help="Shards on the workers of the dask scheduler at this address.")
@device_option
def sweep(
    config: AdditionConfig,
    first_seed: str,
    num_seeds: str,
    shard_size: str,
    shard: str | None,
    keep_weights: bool,
    threads: str | None,
    workers: str | None,
    scheduler: str | None,
    device: str,
) -> None:
    """Train and describe many seeds, in shards; a killed sweep goes on where it was."""
    seeds = seed_range(literal(first_seed), literal(num_seeds))
    size = literal(shard_size)
    if shard is not None:
        cut = blocks(seeds, size)
        seeds = cut[require_int("shard", literal(shard), at_least=0, at_most=len(cut) - 1)]
    swept = run_sweep(
        config,
        seeds,
        shard_size=size,
        keep_weights=keep_weights,
        device=device,
        threads=None if threads is None else literal(threads),
        workers=None if workers is None else literal(workers),
        scheduler=scheduler,
    )
    click.echo(
        f"{swept.num_shards} shards, {swept.num_networks} networks, "
        f"{100 * swept.share_learned:.1f} % learned, {swept.wall_s:.0f} s"
    )


@main.command(name="store")
@click.option("--prune", help="Remove: partial (what stopped processes left), or a KEY's runs.")
@click.option("--yes", is_flag=True, help="Remove it; without, only say what would go.")
def list_store(prune: str | None, yes: bool) -> None:
    """List what the store holds, or remove parts of it."""
    held = Store()
    if prune is None:
        click.echo(f"{held.root}")
        for holding in holdings(held):
            click.echo("  ".join(words_of(holding)))
        return
    folders = to_prune(held, prune)
    sizes = {folder: size_of(folder) for folder in folders}
    left = prune_folders(folders) if yes else []
    for folder in folders:
        did = "removed" if yes else "would remove"
        said = f"left alone, in use: {folder}" if folder in left else f"{did} {folder}"
        click.echo(f"{said}, {sizes[folder] / 1e6:.1f} MB")
    if folders and not yes:
        click.echo("add --yes to remove")


def words_of(holding: Holding) -> Iterator[str]:
    """A configuration's line in the list of the store: what it is, and how much there is."""
    yield f"{holding.kind}/{holding.key}"
    yield in_words(holding)
    if holding.num_runs:
        yield f"{holding.num_runs} single runs"
    if holding.shards:
        first, last = holding.shards[0].start, max(shard.stop for shard in holding.shards) - 1
        yield f"{len(holding.shards)} shards of seeds {first} to {last}"
        yield "tables " + ", ".join(f"v{version}" for version in holding.tables)
    yield f"{holding.num_networks} networks"
    if holding.unfinished:
        yield f"{len(holding.unfinished)} unfinished"
    yield f"{holding.num_bytes / 1e6:.1f} MB"


def in_words(holding: Holding) -> str:
    """A stored configuration as a preset's name, or as its modulus and what it changes."""
    presets: dict[str, Config] = {**PRESETS, **REMAINDERS_PRESETS, **CLOCK_PIZZA_PRESETS}
    for name, known in presets.items():
        if known.key() == holding.key:
            return name
    if (holding.folder / STUDY).is_file():
        return "study"
    config = holding.config or {}
    others: dict[str, Config] = {
        REMAINDERS_KIND: RemaindersConfig(),
        SEARCH_KIND: RemaindersConfig(),
        CLOCK_PIZZA_KIND: ClockPizzaConfig(),
    }
    if config and holding.kind in others:
        usual = vars(others[holding.kind])
        return " ".join(f"{k}={v}" for k, v in config.items() if k in usual and usual[k] != v)
    try:
        settings = {name: config[name] for name in vars(AdditionConfig())}
        made = AdditionConfig(**settings)
    except (KeyError, InputError):
        return "unknown configuration"
    usual = vars(AdditionConfig(n=made.n, batch=made.batch))
    changed = [f"{name}={value}" for name, value in settings.items() if usual[name] != value]
    batch = ["batch=full"] if made.batch == "full" else []
    return " ".join([f"n={made.n}", *batch, *changed])


def settings_of(preset: str | None) -> dict[str, Any]:
    """What a preset sets: training pairs and epochs only where they differ from the defaults.

    So ``--preset A91-untrained --n 89`` is untrained, with the training pairs of 89. Raises
    ``InputError`` for an unknown name.
    """
    if preset is None:
        return {}
    start = PRESETS[require_choice("preset", preset, PRESETS)]
    settings = dict(vars(start))
    if start.train_pairs == default_train_pairs(start.n):
        del settings["train_pairs"]
    if start.epochs == DEFAULT_EPOCHS[start.batch]:
        del settings["epochs"]
    return settings


def chapters() -> list[str]:
    """Names of the chapters' notebooks, in reading order."""
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))


def chapter_named(name: str) -> str:
    """The chapter of that name or number (``04_clusters``, ``04``, ``4``, ``clusters``).

    Raises ``InputError`` where there is none.
    """
    for chapter in chapters():
        number, _, word = chapter.partition("_")
        if name in (chapter, number, number.lstrip("0"), word):
            return chapter
    raise InputError("chapter", f"be one of {', '.join(chapters())}", name)


def parse_parameters(words: Sequence[str]) -> dict[str, Any]:
    """``--seed 133 --n=89`` as a dictionary; raises ``InputError`` for anything else."""
    parsed: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise InputError("parameter", "be given as --name value", word)
        name, given, text = word[2:].partition("=")
        if not given:
            if not rest:
                raise InputError("parameter", "be followed by a value", word)
            text = rest.pop(0)
        parsed[name.replace("-", "_")] = literal(text)
    return parsed


def check_chapter_parameters(path: Path, parameters: dict[str, Any]) -> None:
    """Refuse names that a notebook does not declare and values that break their rule."""
    defaults, optional = declared_parameters(path)
    for name in parameters:
        if name not in defaults:
            raise InputError("parameter", f"be one of {', '.join(defaults)}", name)
    check_values({**defaults, **parameters}, optional)


@main.command(
    context_settings={"ignore_unknown_options": True}, options_metavar="[--NAME VALUE]..."
)
@click.argument("chapter")
@click.argument("parameters", nargs=-1, type=click.UNPROCESSED)
@click.option("--output", type=click.Path(path_type=Path), help="Executed notebook to write.")
def run(chapter: str, parameters: tuple[str, ...], output: Path | None) -> None:
    """Execute CHAPTER with parameters of your own, such as --seed 7 --n 89.

    CHAPTER is a name or number (04_clusters, 4). The executed notebook is written to --output,
    by default CHAPTER.out.ipynb in the current folder. A chapter's parameters stand in its first
    code cell.
    """
    name = chapter_named(chapter)
    execute(name, parse_parameters(parameters), output or Path(f"{name}.out.ipynb"))


def require_writable(target: Path, argument: str = "output") -> None:
    """Refuse a file that cannot be written, links and devices (``InputError``, ``StoreError``)."""
    with writing(target):
        if target.is_dir() or not target.parent.is_dir():
            raise InputError(argument, "be a file in a folder that exists", str(target))
        if os.path.lexists(target) and not stat.S_ISREG(target.lstat().st_mode):
            raise InputError(argument, "be no link, pipe or device", str(target))
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-"):
            pass


def execute(chapter: str, parameters: dict[str, Any], target: Path, *, quiet: bool = False) -> None:
    """Execute a chapter with these parameters and write the notebook to ``target``.

    Bad parameters, and a target or a store that cannot be written, are refused before a kernel
    starts. ``quiet``: what was written is told on standard error.
    """
    path = NOTEBOOKS / f"{chapter}.ipynb"
    check_chapter_parameters(path, parameters)
    require_writable(target)
    Store()
    import papermill  # not at the top, because it takes longer to load than most commands run

    # It cannot read annotations such as "str | None", and warns of every parameter.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as scratch:
        executed = Path(scratch) / "executed.ipynb"
        try:
            papermill.execute_notebook(str(path), str(executed), parameters=parameters)
        except papermill.PapermillExecutionError as error:
            raise StoreError(f"{chapter} stopped: {error.ename}: {error.evalue}") from None
        with writing(target):
            write_atomically(target, executed.read_bytes())
    click.echo(f"wrote {click.format_filename(target)}", err=quiet)


@main.command(name="show")
@click.argument("checkpoint")
@click.option("--layout", help="How its parameters are laid out.  [default: recognised]")
@click.option("--attention-rate", help="Of Zhong et al.'s transformer.  [default: 0 or 1, tried]")
@click.option("--member", help="Which network, from 0, of a file that holds many.")
@click.option("--gradients", is_flag=True, help="Measure gradient symmetricity too (seconds).")
@click.option("--json", "as_object", is_flag=True, help="Print JSON.")
@click.option("--report", type=click.Path(path_type=Path), help="Write chapter 15 on it there.")
def show_checkpoint(
    checkpoint: str,
    layout: str | None,
    attention_rate: str | None,
    member: str | None,
    gradients: bool,
    as_object: bool,
    report: Path | None,
) -> None:
    """Print what the analyses of paper A find in anyone's network.

    CHECKPOINT is a file (safetensors, a state dict saved by torch, arrays in .npz) or the name
    of published weights, such as clock-and-pizza/A. Layouts are listed in chapter 15.
    """
    from modlib.battery import battery  # not at the top: no other command needs these
    from modlib.models.foreign import PUBLISHED, load_checkpoint

    source = checkpoint if checkpoint in PUBLISHED else str(Path(checkpoint).absolute())
    index = None if member is None else require_int("member", literal(member), at_least=0)
    if report is not None:
        require_report(report, source, index)
    rate = None if attention_rate is None else literal(attention_rate)
    network = load_checkpoint(source, layout=layout, attention_rate=rate, member=index)
    found = battery(network, gradients=gradients)
    text = json.dumps(found.as_dict(), indent=2, allow_nan=False) if as_object else found.as_text()
    click.echo(text)
    if report is not None:
        numbered = source if index is None else f"{source}:{index}"
        parameters = {"checkpoint": numbered, "layout": layout, "attention_rate": rate}
        execute("15_your_checkpoint", parameters, report, quiet=as_object)


def require_report(report: Path, source: str, member: int | None) -> None:
    """Refuse a report that cannot be written, one on top of the weights, and one on others."""
    from modlib.models.foreign import source_file

    require_writable(report, "report")
    Store()
    path, _ = source_file(source, member)
    if os.path.exists(report) and os.path.exists(path) and report.samefile(path):
        raise InputError("report", "be another file than the checkpoint", str(report))
    numbered = f"{source}:{member}"
    if member is not None and os.path.lexists(numbered):
        raise InputError("report", "be left out where there is a file of that name", numbered)
    if any("\ud800" <= char <= "\udfff" for char in source):
        raise InputError("report", "be left out where the checkpoint's name is no UTF-8", source)


@main.command(name="search")
@click.option("--p", default="37", show_default=True, help="Base of the digits, a prime.")
@click.option("--steps", default=str(STEPS), show_default=True, help="Steps of a trial.")
@click.option("--trials", default=str(NUM_TRIALS), show_default=True, help="Settings to try.")
@click.option("--seed", default="1000", show_default=True, help="Of networks and sampler.")
@click.option("--threads", default="1", show_default=True, help="Threads of a training.")
@click.option("--export", "exported", is_flag=True, help="Write what is finished to results/.")
def search_settings(
    p: str, steps: str, trials: str, seed: str, threads: str, exported: bool
) -> None:
    """Compare settings of paper B's training with Optuna; killed, it goes on where it was.

    With --export nothing is trained: the finished trials of the study with the default options
    are written to results/remainders/search.
    """
    base = replace(REMAINDERS_PRESETS["B37"], p=literal(p), steps=literal(steps))
    study = Study(base=base, seed=require_seed(literal(seed)))
    if exported:
        if study != Study():
            raise InputError("export", "go with the default p, steps and seed", study.key())
        click.echo(f"wrote {export_search()}")
        return
    found = search(study, trials=literal(trials), threads=literal(threads)).trials
    best = found.loc[found.accuracy.idxmax()]
    settings = ", ".join(f"{name} {best[name]:.3g}" for name in study.space)
    click.echo(f"{len(found)} settings tried, best {best.accuracy:.4f} with {settings}")


@main.command()
@click.option("--json", "as_object", is_flag=True, help="Print JSON.")
def claims(as_object: bool) -> None:
    """Print the ledger: each claim, what is reported, what we measured, the verdict."""
    rows = ledger(measure())
    click.echo(as_json(rows) if as_object else as_text(rows))


@main.command()
@click.argument("name")
@click.option("--first-seed", help="First seed.  [default: 1000; 1001 for clock-pizza]")
@click.option(
    "--num-seeds", help="How many.  [default: 128; all with --sweep; 3 for clock-pizza; 1]"
)
@click.option("--sweep", "swept", is_flag=True, help="Export the sweep that the store holds.")
@click.option("--append", is_flag=True, help="Add to the seeds that results/ holds.")
@click.option("--partial", is_flag=True, help="Paper B: take runs under way as they are.")
@click.option(
    "--network", is_flag=True, help="Paper B: keep the first seed's network, of any preset."
)
@click.option("--snapshots", is_flag=True, help="Paper B: keep its weights on the way as well.")
@click.option(
    "--edition", default="1", show_default=True, help="1: results/, 2: results/edition2/."
)
@device_option
def export(
    name: str,
    first_seed: str | None,
    num_seeds: str | None,
    swept: bool,
    append: bool,
    partial: bool,
    network: bool,
    snapshots: bool,
    edition: str,
    device: str,
) -> None:
    """Train a preset's seeds and write its tables to results/NAME.

    NAME is a preset, or "showcase": the first seed from 0 with a fine-tuning cluster, for
    n = 91 and 89, or "clock-pizza": every attention rate, beside the published weights. With
    --sweep nothing is trained: the shards of a preset in the store are summed up in
    results/sweeps/NAME. Presets of paper B go to results/remainders/NAME, one seed unless said.
    With --append the seeds follow those that the folder holds, and need not be in the same store;
    --first-seed is the next one. --edition 2 writes below results/edition2 instead.
    """
    require_choice("preset", name, [*PRESETS, *REMAINDERS_PRESETS, "showcase", "clock-pizza"])
    for option, given in {"partial": partial, "network": network, "snapshots": snapshots}.items():
        if given and name not in REMAINDERS_PRESETS:
            raise InputError("name", f"be a preset of paper B with --{option}", name)
    root = results_of(require_choice("edition", edition, EDITIONS))
    if name == "showcase" and edition != EDITIONS[0]:
        raise InputError("edition", "be 1 for showcase, whose seeds count from 0", edition)
    usual = FIRST_CLOCK_PIZZA if name == "clock-pizza" else FIRST_SEED
    first = usual if first_seed is None else require_seed(literal(first_seed), "first_seed")
    total = None if num_seeds is None else require_int("num_seeds", literal(num_seeds), at_least=1)
    if append and not swept and name not in REMAINDERS_PRESETS:
        raise InputError("name", "be a preset of paper B, or go with --sweep, to append to", name)
    resolve_device(device)
    if swept:
        folder = export_sweep(name, first_seed=first, num_seeds=total, append=append, results=root)
        click.echo(f"wrote {folder}")
    elif name == "clock-pizza":
        chosen = NUM_CLOCK_PIZZA if total is None else total
        folder = export_clock_pizza(first_seed=first, num_seeds=chosen, results=root)
        click.echo(f"wrote {folder}")
    elif name == "showcase":
        click.echo(json.dumps(record_fine_tuning((91, 89), device=device)))
    elif name in REMAINDERS_PRESETS:
        folder = export_remainders(
            name,
            first_seed=first,
            num_seeds=1 if total is None else total,
            threads=num_threads(None),
            device=device,
            append=append,
            partial=partial,
            network=network,
            snapshots=snapshots,
            results=root,
        )
        click.echo(f"wrote {folder}")
    else:
        chosen = NUM_EXPORTED if total is None else total
        folder = export_preset(
            name, first_seed=first, num_seeds=chosen, device=device, results=root
        )
        click.echo(f"wrote {folder}")


@main.group(cls=OneLine)
def queue() -> None:
    """Long trainings in order of priority, for the second edition of the ledger."""


@queue.command(name="list")
def list_queue() -> None:
    """List the jobs, the most urgent first: state, core-hours, what they are for.

    The state is done, trained (but not in the tables yet), waiting, or the share of the steps that
    are made; a star says that a runner is at it.
    """
    store = Store()
    for job in queue_jobs.JOBS:
        found = look(job, store, EDITION_2)
        state = "refused" if isinstance(found, str) else state_of(job, found, store)
        refusal = f"; {found}" if isinstance(found, str) else ""
        cost = f"{job.core_hours:5.1f} core-hours"
        click.echo(f"{job.name:23}  {state:9}  {cost}  {job.purpose}{refusal}")


@queue.command(name="run")
@click.argument("names", nargs=-1, metavar="[JOB]...")
@threads_option
@click.option("--for", "hours", help="Stop after so many hours.  [default: when all is done]")
@click.option("--block", help="Networks after which a sweep's tables grow.  [default: all]")
@device_option
def run_queue(
    names: tuple[str, ...],
    threads: str | None,
    hours: str | None,
    block: str | None,
    device: str,
) -> None:
    """Train what is missing of the jobs and write their tables to results/edition2.

    Without names, all jobs in their order. Stopped at any moment, in any way, the same command
    goes on where it was. A job that is refused is told in a line, and the next one is taken; the
    exit status is then 1.
    """
    on_gpu = resolve_device(device).type == "cuda"
    jobs = queue_jobs.chosen(names, queue_jobs.JOBS, gpu=on_gpu)
    with stopped_by_sigterm():
        runner = Runner(
            store=Store(),
            results=EDITION_2,
            threads=num_threads(threads),
            device=device,
            hours=None if hours is None else literal(hours),
            block=None if block is None else literal(block),
            say=functools.partial(click.echo, err=True),
        )
        failed = runner.run(jobs)
    if failed:
        sys.exit(1)


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let the signal that ends a process stop it as the one from the keyboard does."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@queue.command(name="status")
def queue_status() -> None:
    """Print what ran: networks, steps, hours."""
    store = Store()
    for job in queue_jobs.JOBS:
        found = look(job, store, EDITION_2)
        said = found if isinstance(found, str) else words_of_done(job, found, store)
        click.echo(f"{job.name:23}  {said}")


def state_of(job: queue_jobs.Job, done: Done, store: Store) -> str:
    """How far a job is, and a star where a runner has it."""
    with held(store, job) as free:
        return done.words if free else f"{done.words} *"


def words_of_done(job: queue_jobs.Job, done: Done, store: Store) -> str:
    """What of a job ran; hours are those of the trainings, one beside the other."""
    networks = f"{done.finished:6,} of {done.networks:6,} networks, {done.exported:6,} in tables"
    return (
        f"{state_of(job, done, store):9}  {networks}"
        f"  {done.steps:13,} steps  {done.seconds / 3600:7.2f} hours"
    )


if __name__ == "__main__":
    main(prog_name="python -m modlib")
