"""``python -m modlib store``."""

from __future__ import annotations

from collections.abc import Iterator

import click

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import PRESETS, Config
from modlib.config.remainders import RemaindersConfig
from modlib.errors import InputError
from modlib.runs.study import STUDY, Study
from modlib.store.inventory import Holding, holdings, size_of, to_prune
from modlib.store.inventory import prune as prune_folders
from modlib.store.runs import Store


@click.command(name="store")
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
    for name, known in PRESETS.items():
        if known.config.key() == holding.key:
            return name
    if (holding.folder / STUDY).is_file():
        return "study"
    config = holding.config or {}
    others: dict[str, Config] = {
        RemaindersConfig.KIND: RemaindersConfig(),
        Study.KIND: RemaindersConfig(),
        ClockPizzaConfig.KIND: ClockPizzaConfig(),
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
