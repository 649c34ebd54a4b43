"""``python -m modlib``: train networks, run chapters, print the ledger."""

from __future__ import annotations

import functools
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from modlib.claims import as_json, as_text, ledger
from modlib.config import (
    DEFAULT_EPOCHS,
    PRESETS,
    AdditionConfig,
    default_train_pairs,
    require_seed,
    resolve_device,
)
from modlib.errors import ClusterError, InputError, StoreError, require_choice, require_int
from modlib.experiments import KIND, get_or_train
from modlib.inventory import Holding, holdings, size_of, to_prune
from modlib.inventory import prune as prune_folders
from modlib.measures import measure
from modlib.notebook import check_values, declared_parameters
from modlib.paths import NOTEBOOKS
from modlib.results import NUM_EXPORTED, export_sweep, record_fine_tuning
from modlib.results import export as export_preset
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


def config_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of ``OPTIONS``; it gets the ``config`` they make."""

    @functools.wraps(command)
    def with_config(**words: Any) -> None:
        given = {name.replace("-", "_"): words.pop(name.replace("-", "_")) for name in OPTIONS}
        preset = given.pop("preset")
        chosen = {name: literal(text) for name, text in given.items() if text is not None}
        command(config=AdditionConfig(**{**settings_of(preset), **chosen}), **words)

    for name, text in reversed(OPTIONS.items()):
        click.option(f"--{name}", help=text)(with_config)
    return with_config


@main.command()
@click.option("--seed", default="0", show_default=True, help="First seed.")
@click.option("--num-seeds", default="1", show_default=True, help="How many, one after another.")
@config_options
@device_option
def train(config: AdditionConfig, seed: str, num_seeds: str, device: str) -> None:
    """Train networks into the store; those already there are left as they are."""
    first = require_seed(literal(seed))
    total = require_int("num_seeds", literal(num_seeds), at_least=1)
    require_seed(first + total - 1, "last seed")
    resolve_device(device)
    store = Store()
    for current in range(first, first + total):
        run = get_or_train(config, seed=current, device=device, store=store)
        rate = run.stored.manifest["config"]["steps_per_second"]
        judged = "held-out accuracy" if run.num_test else "accuracy on all pairs"
        outcome = f"100 % after epoch {run.reached_epoch}" if run.learned else "did not learn"
        pace = f"{rate:,.0f} steps a second, " if rate else ""
        click.echo(
            f"seed {current}: {judged} {run.accuracy:.4f}, {outcome}, {pace}"
            f"{store.folder(KIND, config.key(), current)}"
        )


@main.command()
@click.option("--first-seed", default="1000", show_default=True, help="First seed.")
@click.option("--num-seeds", required=True, help="How many.")
@config_options
@click.option("--shard-size", default="200", show_default=True, help="Seeds a shard.")
@click.option("--shard", help="This block of the sweep only, from 0 (for an array of jobs).")
@click.option("--keep-weights", is_flag=True, help="Keep the parameters with the tables.")
@click.option("--threads", help="Networks trained at once.  [default: one a core]")
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
    config = holding.config
    if config is None:  # nothing finished: the key of a preset tells it all the same
        same = (asdict(known) for known in PRESETS.values() if known.key() == holding.key)
        config = next(same, {})
    try:
        settings = {name: config[name] for name in vars(AdditionConfig())}
        made = AdditionConfig(**settings)
    except (KeyError, InputError):
        return "unknown configuration"
    named = [name for name, known in PRESETS.items() if known == made]
    usual = vars(AdditionConfig(n=made.n, batch=made.batch))
    changed = [f"{name}={value}" for name, value in settings.items() if usual[name] != value]
    batch = ["batch=full"] if made.batch == "full" else []
    return " ".join(named or [f"n={made.n}", *batch, *changed])


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
    path = NOTEBOOKS / f"{name}.ipynb"
    chosen = parse_parameters(parameters)
    check_chapter_parameters(path, chosen)
    target = output or Path(f"{name}.out.ipynb")
    if target.is_dir() or not target.parent.is_dir():
        raise InputError("output", "be a file in a folder that exists", str(target))
    with writing(target), tempfile.TemporaryFile(dir=target.parent):
        pass
    Store()
    import papermill  # not at the top, because it takes longer to load than most commands run

    with tempfile.TemporaryDirectory() as scratch:
        executed = Path(scratch) / "executed.ipynb"
        try:
            papermill.execute_notebook(str(path), str(executed), parameters=chosen)
        except papermill.PapermillExecutionError as error:
            raise StoreError(f"{name} stopped: {error.ename}: {error.evalue}") from None
        with writing(target):
            write_atomically(target, executed.read_bytes())
    click.echo(f"wrote {target}")


@main.command()
@click.option("--json", "as_object", is_flag=True, help="Print JSON.")
def claims(as_object: bool) -> None:
    """Print the ledger: each claim, what is reported, what we measured, the verdict."""
    rows = ledger(measure())
    click.echo(as_json(rows) if as_object else as_text(rows))


@main.command()
@click.argument("name")
@click.option("--first-seed", default="1000", show_default=True, help="First seed.")
@click.option("--num-seeds", help="How many.  [default: 128; all with --sweep]")
@click.option("--sweep", "swept", is_flag=True, help="Export the sweep that the store holds.")
@device_option
def export(name: str, first_seed: str, num_seeds: str | None, swept: bool, device: str) -> None:
    """Train a preset's seeds and write its tables to results/NAME.

    NAME is a preset, or "showcase": the first seed from 0 with a fine-tuning cluster, for
    n = 91 and 89. With --sweep nothing is trained: the shards of a preset in the store are
    summed up in results/sweeps/NAME.
    """
    first = require_seed(literal(first_seed), "first_seed")
    total = None if num_seeds is None else require_int("num_seeds", literal(num_seeds), at_least=1)
    resolve_device(device)
    if swept:
        click.echo(f"wrote {export_sweep(name, first_seed=first, num_seeds=total)}")
    elif name == "showcase":
        click.echo(json.dumps(record_fine_tuning((91, 89), device=device)))
    else:
        chosen = NUM_EXPORTED if total is None else total
        folder = export_preset(name, first_seed=first, num_seeds=chosen, device=device)
        click.echo(f"wrote {folder}")


if __name__ == "__main__":
    main(prog_name="python -m modlib")
