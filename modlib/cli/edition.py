"""``python -m modlib edition``."""

from __future__ import annotations

from pathlib import Path

import click

from modlib.chapters.edition import Edition, make_edition
from modlib.chapters.parameters import require_checkpoint
from modlib.cli.options import literal
from modlib.errors import InputError
from modlib.models.foreign.published import PUBLISHED


@click.command()
@click.option("--n", default="91", show_default=True, help="Modulus.")
@click.option("--seed", default="133", show_default=True, help="Which network.")
@click.option("--checkpoint", help="A network for chapter 15: a file, or published weights' name.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the site.  [required]")
@click.option("--title", help="Title of the site.  [default: made of n and seed]")
def edition(
    n: str, seed: str, checkpoint: str | None, output: Path | None, title: str | None
) -> None:
    """Build the whole book for a modulus and a seed, as a site of its own.

    Chapters on paper A's network are executed with --n and --seed, all others as they are. The
    default edition stays as it is. A build that was stopped goes on with the same command.
    """
    if output is None:
        raise InputError("output", "be a folder for the site", output)
    if checkpoint is not None:
        require_checkpoint(checkpoint)
        if checkpoint not in PUBLISHED:  # a kernel starts in another folder
            checkpoint = str(Path(checkpoint).expanduser().absolute())
    made = Edition(n=literal(n), seed=literal(seed), checkpoint=checkpoint, title=title)
    make_edition(made, output)
    page = (output / "index.html").absolute()
    click.echo(f"wrote {click.format_filename(output)}; open {page.as_uri()}")
