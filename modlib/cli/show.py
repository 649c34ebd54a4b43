"""``python -m modlib show``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from modlib.chapters.execute import execute, require_writable
from modlib.cli.options import literal
from modlib.errors import InputError, require_int
from modlib.store.runs import Store


@click.command(name="show")
@click.argument("checkpoint")
@click.option("--layout", help="How its parameters are laid out.  [default: recognised]")
@click.option("--attention-rate", help="Of Zhong et al.'s transformer.  [default: 0 or 1, tried]")
@click.option(
    "--activation", help="relu, gelu, gelu_new, square, or auto: tried.  [default: by layout]"
)
@click.option("--member", help="Which network, from 0, of a file that holds many.")
@click.option("--gradients", is_flag=True, help="Measure gradient symmetricity too (seconds).")
@click.option("--json", "as_object", is_flag=True, help="Print JSON.")
@click.option("--keep-only", is_flag=True, help="The fewest clusters that keep 99 %.")
@click.option("--every", help="Of a file with many checkpoints, every so many: a table.")
@click.option(
    "--csv",
    type=click.Path(path_type=Path),
    help="Write tables into this folder; with --every a figure too.",
)
@click.option("--report", type=click.Path(path_type=Path), help="Write chapter 15 on it there.")
def show_checkpoint(
    checkpoint: str,
    layout: str | None,
    attention_rate: str | None,
    activation: str | None,
    member: str | None,
    gradients: bool,
    as_object: bool,
    keep_only: bool,
    every: str | None,
    csv: Path | None,
    report: Path | None,
) -> None:
    """Print what the analyses of paper A find in anyone's network.

    CHECKPOINT is a file (safetensors, a state dict saved by torch, arrays in .npz) or the name
    of published weights, such as clock-and-pizza/A. FILE:INDEX is one of many in a file. Layouts
    are listed in chapter 15.
    """
    from modlib.analysis.battery import measure  # not at the top: no other command needs these
    from modlib.chapters.battery_page import as_page, kept_line
    from modlib.chapters.inspect import Asked, along_training, inspect, write_training
    from modlib.models.foreign.published import PUBLISHED

    named = checkpoint in PUBLISHED or "://" in checkpoint
    source = checkpoint if named else str(Path(checkpoint).absolute())
    index = None if member is None else require_int("member", literal(member), at_least=0)
    if report is not None:
        require_report(report, source, index)
    rate = None if attention_rate is None else literal(attention_rate)
    chosen: dict[str, Any] = {"layout": layout, "attention_rate": rate, "activation": activation}
    if every is not None:
        step = require_int("every", literal(every), at_least=1)
        of_one = {"gradients": gradients, "keep-only": keep_only, "report": report}
        for option, value in {"member": member, **of_one}.items():
            if value is not None and value is not False:
                raise InputError(option, "be left out with --every", value)
        table = along_training(source, step, **chosen)
        click.echo(table.to_json(orient="records") if as_object else table.to_string(index=False))
        for path in [] if csv is None else write_training(table, csv):
            click.echo(f"wrote {path}", err=as_object)
        return
    told = inspect(source, member=index, **chosen)
    if isinstance(told, Asked):
        asked = {"gradients": gradients, "keep-only": keep_only, "csv": csv, "report": report}
        for option, value in asked.items():
            if value:
                rule = "be left out for several blocks and for LayerNorm, asked as functions"
                raise InputError(option, rule, value)
        click.echo(json.dumps(told.as_dict(), indent=2, allow_nan=False) if as_object else told)
        return
    found = measure(told.known, gradients=gradients)
    kept = told.keep_only() if keep_only else None
    if as_object:
        content = found.as_dict() | ({} if kept is None else {"keep_only": kept._asdict()})
        click.echo(json.dumps(content, indent=2, allow_nan=False))
    else:
        click.echo(as_page(found) + ("" if kept is None else f"\n\n{kept_line(kept)}"))
    if csv is not None:
        for path in told.write_tables(csv):
            click.echo(f"wrote {path}", err=as_object)
    if report is not None:
        numbered = source if index is None else f"{source}:{index}"
        execute("15_your_checkpoint", {"checkpoint": numbered, **chosen}, report, quiet=as_object)


def require_report(report: Path, source: str, member: int | None) -> None:
    """Refuse a report that cannot be written, one on top of the weights, and one on others."""
    from modlib.models.foreign.load import source_file

    path, _ = source_file(source, member)
    if os.path.exists(report) and os.path.exists(path) and report.samefile(path):
        raise InputError("report", "be another file than the checkpoint", str(report))
    require_writable(report, "report")
    Store()
    numbered = f"{source}:{member}"
    if member is not None and os.path.lexists(numbered):
        raise InputError("report", "be left out where there is a file of that name", numbered)
    if any("\ud800" <= char <= "\udfff" for char in source):
        raise InputError("report", "be left out where the checkpoint's name is no UTF-8", source)
