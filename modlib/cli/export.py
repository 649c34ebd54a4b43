"""``python -m modlib export``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from modlib.cli.options import device_option, literal, num_threads
from modlib.config.presets import ADDITION_PRESETS, FIRST_SEED, REMAINDERS_PRESETS
from modlib.config.rules import require_seed
from modlib.errors import InputError, require_choice, require_int
from modlib.machine import EDITIONS, require_checkout, resolve_device, results_of
from modlib.results.clock_pizza import FIRST_CLOCK_PIZZA, export_clock_pizza
from modlib.results.clock_pizza import FOLDER as CLOCK_PIZZA
from modlib.results.clock_pizza import NUM_SEEDS as NUM_CLOCK_PIZZA
from modlib.results.folder import arrays_file, open_folder
from modlib.results.like_paper import export_like_paper
from modlib.results.networks import NETWORK, SHOWN
from modlib.results.portraits import export_paper_neurons
from modlib.results.product import export_product
from modlib.results.published_pizza import export_published_pizza
from modlib.results.remainders import FOLDER as REMAINDERS
from modlib.results.remainders import export_remainders
from modlib.results.sample import NUM_EXPORTED, record_fine_tuning
from modlib.results.sample import export as export_preset
from modlib.results.sweeps import SWEEPS, export_sweep, seeds_asked
from modlib.results.two_hands import export_two_hands
from modlib.store.runs import Store

WITHOUT_SEEDS = ("showcase", "like-paper", "paper-neurons", "published-pizza", "two-hands")
"""What is always made whole."""
OTHERS = (*WITHOUT_SEEDS, "clock-pizza", "product")
"""What is exported beside presets."""
OF_FIRST_EDITION = ("showcase", "like-paper")
"""Those that look for their network among seeds of the first edition."""


@click.command()
@click.argument("name")
@click.option("--first-seed", help="First seed.  [default: 1000; 1001 for clock-pizza]")
@click.option(
    "--num-seeds", help="How many.  [default: 128; all with --sweep; 3 for clock-pizza; 1]"
)
@click.option("--sweep", "swept", is_flag=True, help="Export the sweep that the store holds.")
@click.option("--append", is_flag=True, help="Add to the seeds that results/ holds.")
@click.option("--replace", is_flag=True, help="Replace tables of seeds that are not asked for.")
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
    replace: bool,
    partial: bool,
    network: bool,
    snapshots: bool,
    edition: str,
    device: str,
) -> None:
    """Train a preset's seeds and write its tables to results/NAME.

    NAME is a preset, or "showcase": the first seed from 0 with a fine-tuning cluster, for
    n = 91 and 89, or "like-paper": the first network of the sweep A91 with clusters like those
    that paper A draws, or "paper-neurons": two neurons of the showcase at n = 89, or
    "clock-pizza": every attention rate, beside the published weights, or "published-pizza":
    neurons and votes of Zhong et al.'s pizza, without training, or "two-hands": what the live
    figure of chapter 6 shows at every attention rate, or "product": one network on a b mod 59.
    With --sweep nothing is trained: the shards of a preset in the store are summed up in
    results/sweeps/NAME. Presets of paper B go to results/remainders/NAME, one seed unless
    said. With --append the seeds follow those that the folder holds, and need not be in the same
    store; --first-seed is the next one. --edition 2 writes below results/edition2 instead.
    """
    root = _checked(
        name,
        edition,
        append=append and not swept,
        of_paper_b={"partial": partial, "network": network, "snapshots": snapshots},
    )
    usual = FIRST_CLOCK_PIZZA if name == "clock-pizza" else FIRST_SEED
    first = usual if first_seed is None else require_seed(literal(first_seed), "first_seed")
    total = None if num_seeds is None else require_int("num_seeds", literal(num_seeds), at_least=1)
    for option, given in (("first_seed", first_seed), ("num_seeds", num_seeds)):
        fixed = name in WITHOUT_SEEDS or (name == "product" and option == "num_seeds")
        if given is not None and fixed and not swept:
            raise InputError(option, f"be left out for {name}", given)
    if not (append or replace) and name not in (*WITHOUT_SEEDS, "product"):
        require_no_loss(root, name, first, total, swept=swept)
        if name in REMAINDERS_PRESETS:
            require_network_kept(root / REMAINDERS / name, kept=network or snapshots)
    resolve_device(device)
    if name == "showcase" and not swept:
        click.echo(json.dumps(record_fine_tuning((91, 89), device=device)))
        return
    if swept:
        folder = export_sweep(name, first_seed=first, num_seeds=total, append=append, results=root)
    elif name == "clock-pizza":
        chosen = NUM_CLOCK_PIZZA if total is None else total
        folder = export_clock_pizza(
            first_seed=first, num_seeds=chosen, threads=num_threads(None), results=root
        )
    elif name == "like-paper":
        folder = export_like_paper(root)
    elif name == "paper-neurons":
        folder = export_paper_neurons(root, device)
    elif name == "published-pizza":
        folder = export_published_pizza(root)
    elif name == "two-hands":
        folder = export_two_hands(root)
    elif name == "product":
        folder = export_product(seed=first, results=root)
    elif name in REMAINDERS_PRESETS:
        folder = export_remainders(
            name,
            first_seed=first,
            num_seeds=1 if total is None else total,
            threads=num_threads(None),
            device=device,
            append=append,
            partial=partial,
            network=network or None,
            snapshots=snapshots,
            results=root,
        )
    else:
        chosen = NUM_EXPORTED if total is None else total
        folder = export_preset(
            name, first_seed=first, num_seeds=chosen, device=device, results=root
        )
    click.echo(f"wrote {folder}")


def require_no_loss(root: Path, name: str, first: int, total: int | None, *, swept: bool) -> None:
    """Refuse to replace committed tables by those without some of their seeds (``InputError``).

    ``total`` None: as many as ``export`` takes then.
    """
    if name in REMAINDERS_PRESETS:
        folder, count = root / REMAINDERS / name, total or 1
    elif swept:
        config = ADDITION_PRESETS[require_choice("preset", name, ADDITION_PRESETS)]
        folder, count = root / SWEEPS / name, len(seeds_asked(Store(), config, first, total))
    elif name == "clock-pizza":
        folder, count = root / CLOCK_PIZZA, total or NUM_CLOCK_PIZZA
    else:
        folder, count = root / name, total or NUM_EXPORTED
    held = seeds_held(folder)
    if not held:
        return
    if count < len(held):
        rule = f"be at least {len(held)}, which {folder} holds, or go with --replace"
        raise InputError("num_seeds", rule, count)
    if first > held.start or first + count < held.stop:
        rule = f"hold {held.start} to {held.stop - 1}, as {folder}, or go with --replace"
        raise InputError("seeds", rule, f"{first} to {first + count - 1}")


def require_network_kept(folder: Path, *, kept: bool) -> None:
    """Refuse to replace a committed network by tables without one (``InputError``).

    ``kept``: whether one is asked for; of what chapters show it is kept in any case.
    """
    committed = open_folder(folder)
    if committed is None or kept or folder.name in SHOWN:
        return
    if arrays_file(NETWORK) in committed.manifest["files"]:
        rule = f"be asked for, as {folder} holds one, or go with --replace"
        raise InputError("network", rule, kept)


def seeds_held(folder: Path) -> range:
    """The seeds of a folder of tables; none where it is not there.

    Raises ``StoreError`` where it is damaged or its manifest does not say.
    """
    committed = open_folder(folder)
    return range(committed.seeds[0], committed.seeds[-1] + 1) if committed else range(0)


def _checked(name: str, edition: str, *, append: bool, of_paper_b: Mapping[str, bool]) -> Path:
    """The edition's folder, where ``name`` may be exported with these options.

    ``append``: without --sweep; ``of_paper_b``: those for presets of paper B alone.
    """
    require_choice("preset", name, [*ADDITION_PRESETS, *REMAINDERS_PRESETS, *OTHERS])
    for option, given in of_paper_b.items():
        if given and name not in REMAINDERS_PRESETS:
            raise InputError("name", f"be a preset of paper B with --{option}", name)
    root = require_checkout("results", results_of(require_choice("edition", edition, EDITIONS)))
    if name in OF_FIRST_EDITION and edition != EDITIONS[0]:
        raise InputError("edition", f"be 1 for {' and '.join(OF_FIRST_EDITION)}", edition)
    if append and name not in REMAINDERS_PRESETS:
        raise InputError("name", "be a preset of paper B, or go with --sweep, to append to", name)
    return root
