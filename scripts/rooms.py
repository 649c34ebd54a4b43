"""Writes what follows from the order of imports and from the list of chapters.

The order stands in pyproject.toml, each room's sentence in its docstring: CONTRIBUTING's list of
rooms, book/api.md and a page a room in book/api follow. From ``modlib/chapters/chapters.toml``
follow the table of contents, the index's answers and README's chapters. ``python scripts/rooms.py``
writes all of them; a test fails where they are not what it would write.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from modlib.chapters import contents

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- rooms -->\n", "<!-- end of rooms -->\n"
FOLDERS = {"machine": ("CARRIED", "ROOT")}
"""Told without their value: a folder of this machine is nobody's reference."""
API = (
    "# The package modlib\n\nEvery function of the package, from its docstrings, a page a room.\n"
    'In the source, arrays name their axes, for example `Float[np.ndarray, "neuron freq"]`; '
    "the words are those of the [notation](notation.md).\nA room may import from those above it "
    "in this list and from no other; a test holds it to that.\n\n"
)
IN_CONTENTS = "      - file: book/api\n"
"""Where the rooms' pages stand in the table of contents: below this line, its last one."""

EXAMPLES = {
    "errors": """
from modlib.errors import require_int

require_int("n", 91, at_least=3)  # 91; a 2 is refused in one line
""",
    "edge": """
from modlib.edge import PUBLIC

sorted(PUBLIC)[:3]  # what is public of the modules that are loaded
""",
    "machine": """
from modlib.machine import available_cores, store_root

store_root(), available_cores()
""",
    "config": """
from modlib import AdditionConfig

AdditionConfig(n=89, lr=0.01).key()  # under this name the store keeps its runs
""",
    "maths": """
from modlib.maths.groups import crt, remapping_unit

remapping_unit(5, 91)  # what turns frequency 5 into frequency 1
crt([2, 3], [7, 13])  # 16, which leaves 2 and 3
""",
    "progress": """
from modlib.progress import Bar

[n**2 for n in Bar(range(91), desc="squares")]
""",
    "tasks": """
from modlib.tasks.addition import addition_pairs

a, b, answer = addition_pairs(7)
""",
    "store": """
from modlib import AdditionConfig
from modlib.store.runs import Store

133 in Store().of(AdditionConfig())  # is seed 133 trained?
""",
    "models": """
from modlib import AdditionConfig
from modlib.models.mlp import build, initial_weights

config = AdditionConfig(n=7)
network = build(config, initial_weights(config, seed=0))
""",
    "training": """
from modlib import AdditionConfig
from modlib.training.speed import operations, total_steps

operations(AdditionConfig()), total_steps(AdditionConfig())
""",
    "analysis": """
import numpy as np
from modlib import battery

battery(lambda a, b: np.eye(7)[(a + b) % 7])  # does it add, and by which clusters?
""",
    "runs": """
from modlib import AdditionConfig, get_or_train

run = get_or_train(AdditionConfig(n=7, num_neurons=8, embed_dim=4, epochs=2), seed=0)
run.accuracy, run.clustering.clusters
""",
    "plots": """
from modlib import plots

figure = plots.cluster_dfts(run.view.preact_a.T, run.clustering.clusters)
plots.data(figure)  # what is drawn, a row a point
""",
    "results": """
from modlib.results.sample import read_export

read_export("A91").clusters  # a row a cluster of 128 networks
""",
    "queue": """
from modlib.queue.jobs import JOBS

[(job.name, job.core_hours, job.purpose) for job in JOBS]
""",
    "claims": """
from modlib.claims.decide import decide, share_of

decide(*share_of(48, 50)[1:], at_least=0.8)  # agrees
""",
    "chapters": """
from modlib.chapters.say import fill

fill({"num": 3}, '{{ num | count("cluster") }}')  # three clusters
""",
    "widgets": """
from modlib import widgets

widgets.train_yourself(run, n=7)  # in a notebook: a live figure
""",
    "cli": """
from modlib.cli.options import config_from

config_from("A91", {"n": 89})  # what --preset A91 --n 89 trains
""",
}
"""What to type first in each room; a test runs them one after another, in one namespace."""


def rooms() -> list[str]:
    """The parts of modlib, each of which may import those before it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["modlib"]["order"].replace("<", ",").replace(" ", "").split(",")


def source_of(room: str) -> Path | None:
    """A room's own file; None where the room is not built yet."""
    places = (ROOT / "modlib" / f"{room}.py", ROOT / "modlib" / room / "__init__.py")
    return next((path for path in places if path.exists()), None)


def sentence(path: Path) -> str:
    """The first line of a file's docstring."""
    found = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return (found or "").partition("\n")[0]


def listed() -> str:
    """The rooms with what they are, in order."""
    found = {room: path for room in rooms() if (path := source_of(room))}
    names = {
        room: f"{room}.py" if path.stem == room else f"{room}/" for room, path in found.items()
    }
    width = max(map(len, names.values())) + 2
    lines = [f"    {name:<{width}}{sentence(found[room])}" for room, name in names.items()]
    return "\n".join([*lines, ""])


def contributing() -> str:
    """CONTRIBUTING.md with the list."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{listed()}\n{END}{rest.split(END)[1]}"


def modules(room: str) -> list[str]:
    """A room's modules, by folder; one that names what it offers stands for all its modules."""
    path = source_of(room)
    if path is None:
        return []
    if path.stem == room or "__all__" in path.read_text(encoding="utf-8"):
        return [room]
    files = [file for file in path.parent.rglob("*.py") if file.stem != "__init__"]
    own = [file.relative_to(ROOT / "modlib").with_suffix("").parts for file in files]
    return [".".join(parts) for parts in sorted(own, key=lambda parts: (parts[:-1], parts))]


def api() -> dict[Path, str]:
    """book/api.md, which lists the rooms, and their pages."""
    found = {room: path for room in rooms() if (path := source_of(room))}
    listed = (f"- [{room}](api/{room}.md): {sentence(path)}" for room, path in found.items())
    texts = {ROOT / "book" / "api.md": API + "\n".join(listed) + "\n"}
    return texts | {ROOT / "book" / "api" / f"{room}.md": page_of(room) for room in found}


def page_of(room: str) -> str:
    """A room: what it is, what to type first, its modules."""
    path = source_of(room)
    assert path is not None
    example = f"```python\n{EXAMPLES[room].strip()}\n```\n"
    blocks = [f"# {room}\n\n{sentence(path)}\n\n{example}"]
    for name in modules(room):
        lines = [f".. automodule:: modlib.{name}"]
        if name in FOLDERS:
            lines.append(f"   :exclude-members: {', '.join(FOLDERS[name])}")
        for folder in FOLDERS.get(name, ()):
            lines += ["", f".. autodata:: modlib.{name}.{folder}", "   :no-value:"]
        blocks.append("\n".join([f"## `{name}`\n", "```{eval-rst}", *lines, "```\n"]))
    return "\n".join(blocks)


def toc(text: str) -> str:
    """The table of contents with the rooms' pages."""
    before, _, _ = text.partition(IN_CONTENTS)
    files = (f"          - file: book/api/{room}\n" for room in rooms() if source_of(room))
    return "".join([before, IN_CONTENTS, "        sections:\n", *files])


def pages() -> dict[Path, str]:
    """What is written, by its path."""
    made = {ROOT / "CONTRIBUTING.md": contributing()} | api() | contents.pages(ROOT)
    made[ROOT / "_toc.yml"] = toc(made[ROOT / "_toc.yml"])
    return made


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
