"""Anything as an argument of what is public: an answer, or a refusal in one line.

Hypothesis draws; each draw is counted. Public are the functions at the library's edge
(``modlib.edge.PUBLIC``), the options of the command line, the settings of configurations and the
parameters of chapters. What a command would train or write is replaced, so that only what stands
before the work is tried.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from importlib import import_module
from typing import Any
from unittest.mock import patch

import click
import hypothesis
import numpy as np
from click.testing import CliRunner
from hypothesis import strategies as st

import modlib
from modlib import edge
from modlib.chapters.parameters import check_values, declared_parameters
from modlib.cli import main as cli
from modlib.config.addition import AdditionConfig
from modlib.errors import Refusal
from modlib.machine import NOTEBOOKS
from tried.battery import Battery

MODULES = (
    *("plots", "results.sample", "results.sweeps", "claims.decide", "runs.sweep", "store.runs"),
    *("analysis.meso.clusters", "analysis.micro.neurons"),
)
"""Where, beside the first names, what is public stands: the page "From Python" names it."""
CONFIGS = [getattr(modlib, f"{name}Config") for name in ("Addition", "ClockPizza", "Remainders")]
LONGEST = 1500
"""Letters of a refusal."""
AT_ONCE = 50
"""Draws between two looks at the clock."""

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-2, 300),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=5),
    st.lists(st.integers(-2, 5), max_size=3),
    st.sampled_from(
        [
            *(np.float32("nan"), np.int64(7), np.zeros(2), np.full((2, 2), np.nan), 10**5000),
            *(object(), range(3), {}, {"a": [1.0, math.nan]}, (1, 2), np.array("x"), 1j, print),
        ]
    ),
)
words = st.one_of(
    st.sampled_from(["", "-1", "0", "1", "7", "1e9", "nan", "inf", "null", "true", "[1]", "1.5"]),
    st.sampled_from(["A91", "B37", "partial", "cpu", "cuda:9", "2", "/", ".", "no/such/place"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.just("9" * 5000),
)

Call = Callable[[], Any]
Drawn = Callable[[st.DataObject], Call]
"""Draws arguments and gives the call that is made with them."""


def configurations(config: Any) -> Drawn:
    """Up to three settings; what is made holds finite numbers only."""
    names = [field.name for field in fields(config)]

    def draw(data: st.DataObject) -> Call:
        chosen = data.draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
        values = {name: data.draw(anything) for name in chosen}

        def made() -> None:
            held = config(**values)
            assert len(held.key()) == 16
            given = (getattr(held, name) for name in names)
            assert all(not isinstance(one, float) or math.isfinite(one) for one in given)

        return made

    return draw


def runs(data: st.DataObject) -> Call:
    """Seed, device and threads of a training: its parameters are finite."""
    options = {name: data.draw(anything) for name in ("seed", "device", "threads")}
    options["store"] = data.draw(st.one_of(st.none(), st.integers(), st.text(max_size=3)))
    config = modlib.AdditionConfig(n=5, embed_dim=2, num_neurons=2, epochs=0)

    def run() -> None:
        found = modlib.get_or_train(config, progress=False, **options)
        assert found.seed == options["seed"]
        assert all(np.isfinite(array).all() for array in found.weights.values())

    return run


def answers(data: st.DataObject) -> Call:
    """Logits of any shape and type, with a NaN among them: it turns into no number."""
    n = data.draw(
        st.one_of(st.integers(3, 6), st.none(), st.integers(-2, 9), st.integers(-(2**70), 2**70))
    )
    columns = data.draw(st.integers(0, 7))
    dtype = data.draw(
        st.sampled_from(["float32", "float64", "int64", "bool", "complex64", "O", "U1"])
    )
    spoiled = data.draw(st.sampled_from([None, math.nan, math.inf, -math.inf]))
    shape = data.draw(st.sampled_from(["pairs", "pairs", "flat", "one less", "three axes"]))

    def given(a: np.ndarray, b: np.ndarray) -> Any:
        logits = np.random.default_rng(len(a)).normal(size=(len(a), columns))
        if spoiled is not None and logits.size:
            logits.flat[logits.size // 2] = spoiled
        shaped = {"flat": logits.ravel(), "one less": logits[1:], "three axes": logits[None]}
        with np.errstate(invalid="ignore"):
            return shaped.get(shape, logits).astype(dtype)

    def asked() -> None:
        told = modlib.battery(given, n=n)
        assert shape == "pairs"
        assert spoiled is None or dtype in ("int64", "bool")
        assert math.isfinite(told.margin)
        assert 0 <= told.accuracy <= 1
        assert np.isfinite(told.spectrum).all()

    return asked


def chapters(data: st.DataObject) -> Call:
    """Parameters of a chapter, those that it declares."""
    chapter = data.draw(st.sampled_from(sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))))
    defaults, optional = declared_parameters(chapter)
    names = st.sampled_from([*defaults, *(["other"] if data.draw(st.booleans()) else [])])
    given = data.draw(st.dictionaries(names, anything, min_size=1, max_size=3))
    return lambda: check_values({**defaults, **given}, optional)


def edges(data: st.DataObject) -> Call:
    """A public function with anything for each argument, some right ones among them."""
    known = public_functions()
    name = data.draw(st.sampled_from(sorted(known)))
    function = known[name]
    args, options = [], {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "self":
            args.append(object.__new__(modlib.store.runs.Store))
        elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        elif parameter.default is parameter.empty or data.draw(st.booleans()):
            right = RIGHT.get((name.rpartition(".")[2], parameter.name))
            value = data.draw(anything if right is None else st.one_of(right, anything))
            if parameter.name in ("workers", "scheduler") and value is not None:
                value = "none such"  # no processes are begun here
            if parameter.kind is parameter.KEYWORD_ONLY:
                options[parameter.name] = value
            else:
                args.append(value)
    return lambda: function(*args, **options)


TINY = AdditionConfig(n=5, embed_dim=2, num_neurons=2, epochs=0)
RIGHT: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("sweep", "config"): st.just(TINY),
    ("sweep", "seeds"): st.sampled_from(
        [range(1), range(2), range(0), range(2, 0), range(0, 4, 2)]
    ),
    ("collect_sweep", "config"): st.just(TINY),
    ("collect_sweep", "seeds"): st.sampled_from([range(1), range(0), range(3, 1)]),
    ("read_export", "preset_name"): st.sampled_from(["A91", "A7", "B37"]),
    ("read_sweep_export", "preset_name"): st.sampled_from(["A35", "A7", "B37"]),
    ("share_of", "successes"): st.integers(-3, 9),
    ("share_of", "total"): st.integers(-3, 9),
    ("part", "interval"): st.lists(st.floats(), min_size=2, max_size=4),
    ("part", "what"): st.just("a share"),
    ("say", "facts"): st.dictionaries(st.text(max_size=3), anything, max_size=2),
    ("say", "template"): st.sampled_from(["", "{{ a }}", "{{ b", "{% if %}", "{{ a | percent }}"]),
    ("show_claims", "chapter"): st.sampled_from(["no chapter", ""]),
    ("in_coset", "votes"): st.sampled_from([np.eye(3), np.full((2, 3), np.nan), np.zeros((2, 0))]),
}
"""What an argument may well be, so that the ones behind it are reached."""


def public_functions() -> Mapping[str, Callable[..., Any]]:
    """What is public, by its name; loaded here."""
    for name in modlib.FIRST_NAMES:
        getattr(modlib, name)
    for module in MODULES:
        import_module(f"modlib.{module}")
    return edge.PUBLIC


def _leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _leaves(command, (*path, name))
        else:
            yield (*path, name)


def options(data: st.DataObject) -> Call:
    """A command of ``python -m modlib`` with any words for its options."""
    path = data.draw(st.sampled_from(sorted(_leaves(cli.main))))
    command: Any = cli.main
    for name in path:
        command = command.get_command(click.Context(command), name)
    line = list(path)
    for parameter in command.params:
        if parameter.name in ("help", "helped") or not data.draw(st.booleans()):
            continue
        if isinstance(parameter, click.Option):
            line.append(parameter.opts[0])
        if not getattr(parameter, "is_flag", False):
            line.append(data.draw(words))

    def run() -> None:
        done = CliRunner().invoke(cli.main, line, prog_name="python -m modlib")
        if done.exit_code == 2 and done.stderr.startswith("modlib: "):
            raise Said(done.stderr.rstrip("\n"))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code in (0, 1), done.output

    return run


class Said(Refusal):
    """What the command line printed in refusal."""


REPLACED = (
    *("runs.get_or_train.get_or_train", "cli.sweep.run_sweep", "cli.search.search"),
    *("cli.search.export_search", "cli.export.export_sweep", "cli.export.export_clock_pizza"),
    *("cli.export.export_paper_neurons", "cli.export.export_published_pizza"),
    *("cli.export.export_product", "cli.export.export_remainders", "cli.export.export_preset"),
    *("cli.export.record_fine_tuning", "queue.run.Runner.run", "cli.run.execute"),
    *("cli.run.run_all", "cli.show.execute", "cli.edition.make_edition"),
    *("cli.new_chapter.new_chapter", "cli.claims.keep_all", "cli.claims.measured_ledger"),
    *("cli.claims.as_text", "cli.claims.as_json", "queue.run.machine_peak"),
)
"""Where commands hand over to what takes long or writes."""


class Done(Exception):
    """A command came as far as its work."""


def _work(*_: Any, **__: Any) -> Any:
    raise Done


@contextmanager
def without_work() -> Iterator[None]:
    """What would train or write says that it was reached."""
    with ExitStack() as stack:
        for name in REPLACED:
            module, _, attribute = name.rpartition(".")
            if module == "queue.run.Runner":
                owner: Any = import_module("modlib.queue.run").Runner
            else:
                owner = import_module(f"modlib.{module}")
            stack.enter_context(patch.object(owner, attribute, _work))
        yield


SETTINGS: dict[str, tuple[Drawn, float]] = {
    **{f"settings of {c.__name__}": (configurations(c), 0.12) for c in CONFIGS},
    "get_or_train": (runs, 0.06),
    "battery": (answers, 0.12),
    "parameters of chapters": (chapters, 0.16),
    "public functions": (edges, 0.2),
    "options of the command line": (options, 0.1),
}
"""What is tried, and which share of the draws it gets."""


def inputs(battery: Battery, per_try: int = 1010) -> None:
    """All of them, ``per_try`` draws a try together."""
    store = battery.folder("inputs")
    with patch.dict(os.environ, {"MODLIB_STORE": str(store)}):
        for position, (name, (drawn, share)) in enumerate(SETTINGS.items()):
            total = math.ceil(share * per_try * battery.tries)
            with battery.turn(battery.left_s / (len(SETTINGS) - position)):
                for first in battery.within(range(0, total, AT_ONCE)):
                    _counted(battery, name, drawn, min(AT_ONCE, total - first), first)
            battery.say(f"inputs, {name}: {battery.counts['inputs', name].total():,}")


def _counted(battery: Battery, name: str, drawn: Drawn, count: int, seed: int) -> None:
    calm = hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )

    @hypothesis.seed(seed)
    @calm
    @hypothesis.given(data=st.data())
    def every(data: st.DataObject) -> None:
        battery.note("inputs", name, *became(drawn(data)))

    if drawn is options:
        with without_work():
            every()
    else:
        every()


def became(call: Call) -> tuple[str, str]:
    """``as it was`` where it answers, ``refused`` in one line; what else there is, with why."""
    try:
        call()
    except Refusal as refusal:
        said = str(refusal)
        fine = bool(said) and "\n" not in said and len(said) <= LONGEST
        return "refused" if fine else "traceback", said[:LONGEST]
    except Done:
        return "as it was", ""
    except AssertionError as error:
        return "silent", str(error)
    except Exception as error:
        where = error.__traceback__
        while where and where.tb_next:
            where = where.tb_next
        at = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else ""
        return "traceback", f"{type(error).__name__}: {error} at {at}"
    return "as it was", ""
