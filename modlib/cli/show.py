"""``python -m modlib show``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from modlib.chapters.execute import execute, require_writable
from modlib.cli.options import literal
from modlib.errors import InputError, require_int
from modlib.store.runs import Store


@click.command(name="show")
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
    from modlib.analysis.battery import battery  # not at the top: no other command needs these
    from modlib.chapters.battery_page import as_page
    from modlib.models.foreign.load import load_checkpoint
    from modlib.models.foreign.published import PUBLISHED

    source = checkpoint if checkpoint in PUBLISHED else str(Path(checkpoint).absolute())
    index = None if member is None else require_int("member", literal(member), at_least=0)
    if report is not None:
        require_report(report, source, index)
    rate = None if attention_rate is None else literal(attention_rate)
    network = load_checkpoint(source, layout=layout, attention_rate=rate, member=index)
    found = battery(network, gradients=gradients)
    text = json.dumps(found.as_dict(), indent=2, allow_nan=False) if as_object else as_page(found)
    click.echo(text)
    if report is not None:
        numbered = source if index is None else f"{source}:{index}"
        parameters = {"checkpoint": numbered, "layout": layout, "attention_rate": rate}
        execute("15_your_checkpoint", parameters, report, quiet=as_object)


def require_report(report: Path, source: str, member: int | None) -> None:
    """Refuse a report that cannot be written, one on top of the weights, and one on others."""
    from modlib.models.foreign.load import source_file

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
