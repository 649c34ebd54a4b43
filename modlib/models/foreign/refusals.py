"""Networks that no layout reads: the nearest one, and what differs, in a line."""

from __future__ import annotations

import re
from typing import NoReturn

from modlib.errors import InputError
from modlib.models.foreign.layouts import AXES, BUFFERS, LAYOUTS, OPTIONAL, listed, plain_names
from modlib.models.foreign.shapes import Tensors, misfits

NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
NORM = re.compile(r"(^|[._])(ln|norm|layer_?norm|batch_?norm)", re.IGNORECASE)
TOLD = " (modlib.inspect tells such a file by its answers, modlib.battery any function)"
NEAR = 0.5
"""Share of a layout's names that make it the nearest."""


def refuse(tensors: Tensors, layout: str | None) -> NoReturn:
    """Raise ``InputError`` that names the nearest layout and what differs."""
    named = plain_names(tensors)
    if layout is not None:
        rule = f"have the names of layout {layout}{_difference(named, layout)}"
        raise InputError("tensors", rule, listed(named))
    nearest = max(AXES, key=lambda name: (_shared(named, name), -_num_misfits(named, name)))
    rule = f"be a network of layout {', '.join(LAYOUTS)}"
    if _shared(named, nearest) >= NEAR:
        rule += f"; {nearest} is nearest{_difference(named, nearest)}"
    raise InputError("tensors", rule, listed(named))


def _required(layout: str) -> set[str]:
    return AXES[layout].keys() - OPTIONAL.get(layout, set())


def _shared(tensors: Tensors, layout: str) -> float:
    required = _required(layout)
    return len(required & tensors.keys()) / len(required)


def _num_misfits(tensors: Tensors, layout: str) -> int:
    axes = {name: of_name for name, of_name in AXES[layout].items() if name in tensors}
    return len(misfits(axes, tensors))


def _difference(tensors: Tensors, layout: str) -> str:
    """What a layout has and these have not, or the other way round."""
    if layout not in AXES or not _shared(tensors, layout):
        return ""
    left = [name for name in tensors if name not in AXES[layout] and name not in BUFFERS]
    blocks = {int(found[1]) for name in left if (found := re.match(r"blocks\.(\d{1,3})\.", name))}
    norms = [name for name in left if NORM.search(name)]
    missing = sorted(_required(layout) - tensors.keys())
    if blocks - {0}:
        count = 1 + max(blocks)
        others = ", ".join(f"blocks.{block}.*" for block in sorted(blocks - {0}))
        number = NUMBERS.get(count, str(count))
        return f": {number} blocks, one is read; {others} is left over{TOLD}"
    if norms:
        return f": LayerNorm, which it has not; {', '.join(norms[:4])} is left over{TOLD}"
    if missing:
        return f": {', '.join(missing[:4])} is missing"
    return f": {', '.join(left[:4])} is left over" if left else ""
