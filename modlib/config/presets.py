"""Every named configuration: its family, its settings, the networks with tables in ``results/``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Generic, TypeVar, overload

from modlib.config.addition import PAPER_TRAIN_PAIRS, AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.remainders import RemaindersConfig
from modlib.config.rules import settings
from modlib.errors import require_choice

Config = AdditionConfig | RemaindersConfig | ClockPizzaConfig
C = TypeVar("C", AdditionConfig, RemaindersConfig, ClockPizzaConfig)

FIRST_SEED = 1000
"""First seed of committed networks: definitions were shaped on seeds below 200."""

WIDTHS = (512, 2048, 8192)
"""Widths of paper A, figure A29, beside the default 128."""

MODULI = (31, 35, 43, 48, 59, 64, 73, 77, 89, 91, 97, 100, 128, 131, 179, 180, 250, 251)
"""Moduli at which the number of clusters is measured (paper A, figure A30): half are composite."""

LR_SCALES = (1.5, 2.0, 3.0)
"""Learning rates over the small setting's, without a filter: what lambda = .5, 1 and 2 multiply a
slow gradient by."""

GRID_L2 = (0.25, 1.0, 4.0)
GRID_LR = (0.25, 1.0)
GRID_WIDTHS = (128, 512)
"""Conjecture 1's grid: factors of the scaled L2 and of the learning rate, and widths."""

GRID_MODULI = {59: GRID_LR, 91: GRID_LR, 131: GRID_LR, 251: (0.25,)}
"""Its moduli and their learning rates: at 251 the full rate does not train steadily."""

SLOW_RATE_MODULI = (31, 35, 43, 179, 180, 250, 251)
"""Moduli at which a quarter of the learning rate is tried: the ends, where training may break."""

SLOW_BELOW = 59
"""Modulus below which networks need twice the epochs."""

ATTENTION_RATES = tuple(step / 10 for step in range(11))
"""Attention rates at which the metrics of clock and pizza are measured, from pizza to clock."""


def scaled(n: int) -> AdditionConfig:
    """Paper A's network at modulus n, with L2 in proportion to 1/n; at 91 it is the paper's.

    Embeddings have n rows, so that a fixed factor of the squared norm weighs more the larger n:
    the paper's 1e-4 holds networks off the answer from about n = 180 on.
    """
    return AdditionConfig(n=n, l2=1e-4 * 91 / n, epochs=600 if n < SLOW_BELOW else None)


def scaled_name(n: int) -> str:
    """The preset of ``scaled(n)``, if there is one."""
    return "A91" if n == 91 else f"A{n}-scaled"


def on_grid(n: int, l2: float, lr: float, num_neurons: int) -> AdditionConfig:
    """A point of conjecture 1's grid: the network of ``scaled(n)`` with factors of L2 and rate."""
    start = scaled(n)
    return replace(start, l2=l2 * start.l2, lr=lr * start.lr, num_neurons=num_neurons)


SMALL = RemaindersConfig()
"""Paper B's tasks at p = 37, where a network learns them within minutes."""

PAPER_B = RemaindersConfig(p=113, embed_dim=256, lr=3e-4, train_fraction=0.3, steps=65536)
"""Paper B's own setting (its table 2 and section Training)."""

AS_CODED = replace(PAPER_B, train_fraction=0.5, digits="high_first")
"""The same as the authors' program sets it up."""

ADDS = replace(PAPER_B, task="nanda", embed_dim=128, lr=3e-3, steps=4096)
"""Modular addition at paper B's modulus, with the width and rate at which it learns to add: with
those of the remainders it has not by step 16,912."""


def without_filter(config: RemaindersConfig, scale: float) -> RemaindersConfig:
    """No gradient filter, the learning rate times ``scale``, and the same rate x decay."""
    rate, decay = config.lr * scale, config.weight_decay / scale
    return replace(config, lam=0.0, lr=rate, weight_decay=decay)


@dataclass(frozen=True)
class Preset(Generic[C]):
    """A named configuration.

    ``num_seeds``: networks whose tables lie in ``results/``, made by ``make results``; seeds from
    1000, of clock and pizza from 1001.
    """

    config: C
    num_seeds: int = 0

    @property
    def family(self) -> type[C]:
        """The class of its configuration."""
        return type(self.config)


PRESETS: dict[str, Preset[Any]] = {
    # Paper A: a + b mod n.
    "A91": Preset(AdditionConfig(n=91), 4000),
    "A89": Preset(AdditionConfig(n=89), 4000),
    "A91-full": Preset(AdditionConfig(n=91, batch="full"), 500),
    "A89-full": Preset(AdditionConfig(n=89, batch="full"), 500),
    "A91-flax": Preset(AdditionConfig(n=91, init="flax"), 500),
    "A91-untrained": Preset(AdditionConfig(n=91, epochs=0), 100),
    "A91-long": Preset(AdditionConfig(n=91, epochs=3000), 100),
    "A91-full-long": Preset(AdditionConfig(n=91, batch="full", epochs=10000), 100),
    **{
        f"A91-width-{width}": Preset(
            AdditionConfig(n=91, num_neurons=width), {8192: 0}.get(width, 50)
        )
        for width in WIDTHS
    },
    **{
        f"A91-full-width-{width}": Preset(
            AdditionConfig(n=91, batch="full", num_neurons=width), {8192: 0}.get(width, 50)
        )
        for width in WIDTHS
    },
    **{
        f"A{n}": Preset(
            AdditionConfig(n=n, epochs=600 if n < SLOW_BELOW else None),
            {31: 80, 250: 20, 251: 20}.get(n, 60),
        )
        for n in MODULI
        if n not in PAPER_TRAIN_PAIRS
    },
    **{
        scaled_name(n): Preset(scaled(n), {31: 80, 250: 80, 251: 80}.get(n, 60))
        for n in MODULI
        if n != 91
    },
    # Paper B: the remainders of a number. ``text`` and ``code`` differ in what is trained on, the
    # order of the digits and whether a test set is kept.
    "B37": Preset(SMALL, 5),
    "B37-nanda": Preset(replace(SMALL, task="nanda"), 5),
    "B37-nanda-no-dropout-wd-1": Preset(
        replace(SMALL, task="nanda", dropout=0.0, weight_decay=1.0), 5
    ),
    "B37-basis": Preset(replace(SMALL, task="basis"), 5),
    "B37-masked": Preset(replace(SMALL, task="masked"), 5),
    "B37-ablated": Preset(replace(SMALL, task="ablated")),
    "B37-perturbed": Preset(replace(SMALL, task="perturbed")),
    "B37-no-dropout": Preset(replace(SMALL, dropout=0.0), 5),
    "B37-lambda-0": Preset(replace(SMALL, lam=0.0), 5),
    "B37-lambda-1": Preset(replace(SMALL, lam=1.0), 5),
    "B37-lambda-2": Preset(replace(SMALL, lam=2.0), 5),
    **{f"B37-lr-{scale:g}": Preset(without_filter(SMALL, scale), 5) for scale in LR_SCALES},
    "B37-untrained": Preset(SMALL.untrained(), 5),
    "B113-text": Preset(replace(PAPER_B, num_validation=1000), 1),
    "B113-code": Preset(AS_CODED, 1),
    "B113-code-lambda-0": Preset(replace(AS_CODED, lam=0.0), 1),
    "B113-code-lr-1.5": Preset(without_filter(AS_CODED, 1.5)),
    "B113-code-mask-a-sample": Preset(replace(AS_CODED, dropout_mask="sample")),
    "B113-code-masked": Preset(replace(AS_CODED, task="masked")),
    "B113-code-no-dropout": Preset(replace(AS_CODED, dropout=0.0)),
    "B113-code-shuffled": Preset(replace(AS_CODED, task="basis")),
    "B113-nanda": Preset(replace(PAPER_B, task="nanda"), 1),
    "B113-nanda-learns": Preset(ADDS),
    "B113-nanda-no-dropout": Preset(replace(ADDS, dropout=0.0, weight_decay=1.0, steps=8192)),
    "B113-basis": Preset(replace(PAPER_B, task="basis"), 1),
    "B113-untrained": Preset(PAPER_B.untrained(), 1),
    # Zhong et al.: clock and pizza, by the attention rate.
    **{
        f"C59-rate-{rate:g}": Preset(ClockPizzaConfig(attention_rate=rate), 3)
        for rate in ATTENTION_RATES
    },
}


def grid_name(n: int, l2: float, lr: float, num_neurons: int) -> str:
    """The preset of ``on_grid``: one that there is already, else a name that says the factors."""
    own = f"A{n}-grid-l2-{l2:g}-lr-{lr:g}-width-{num_neurons}"
    config = on_grid(n, l2, lr, num_neurons)
    return next((name for name, known in PRESETS.items() if known.config == config), own)


GRID: dict[tuple[int, float, float, int], str] = {
    point: grid_name(*point)
    for n, rates in GRID_MODULI.items()
    for point in product((n,), GRID_L2, rates, GRID_WIDTHS)
}
"""Presets of conjecture 1's grid by modulus, factor of L2, factor of the rate, and width."""

PRESETS |= {name: Preset(on_grid(*point)) for point, name in GRID.items() if name not in PRESETS}
PRESETS |= {
    name: Preset(on_grid(n, 1.0, 0.25, 128))
    for n in SLOW_RATE_MODULI
    if (name := grid_name(n, 1.0, 0.25, 128)) not in PRESETS
}


def presets_of(family: type[C]) -> dict[str, C]:
    """The configurations of a family by their names."""
    return {name: known.config for name, known in PRESETS.items() if known.family is family}


ADDITION_PRESETS = presets_of(AdditionConfig)
REMAINDERS_PRESETS = presets_of(RemaindersConfig)
CLOCK_PIZZA_PRESETS = presets_of(ClockPizzaConfig)

FAMILIES: dict[type[Config], Mapping[str, Config]] = {
    AdditionConfig: ADDITION_PRESETS,
    RemaindersConfig: REMAINDERS_PRESETS,
    ClockPizzaConfig: CLOCK_PIZZA_PRESETS,
}
"""The presets of each family, by the class of its configuration."""


@overload
def preset(name: str) -> Config: ...
@overload
def preset(name: str, family: type[C]) -> C: ...
def preset(name: str, family: Any = None) -> Any:
    """The configuration of that name, of any family or of one.

    Raises ``InputError`` for an unknown name.
    """
    families = FAMILIES if family is None else [family]
    known = {name: config for one in families for name, config in FAMILIES[one].items()}
    return known[require_choice("preset", name, known)]


def preset_of(config: Config) -> str | None:
    """The name under which a configuration has its preset; None where it has none."""
    known = FAMILIES.get(type(config), {})
    return next((name for name, other in known.items() if other == config), None)


def family_of(given: Collection[str]) -> type[Config]:
    """The family that these settings choose: the first that has them all.

    Where none has, that of a setting which no other has.
    """
    owners = {name: [family for family in FAMILIES if name in names_of(family)] for name in given}
    having = [family for family in FAMILIES if all(family in owners[name] for name in given)]
    own = [families[0] for families in owners.values() if len(families) == 1]
    return [*having, *own, AdditionConfig][0]


def names_of(family: type[Config]) -> list[str]:
    """The names of a family's settings."""
    return [one.name for one in settings(family)]


PLAIN = "B37"
"""Paper B's network in the small setting, from which chapter 14 leaves parts out."""

ABLATIONS = {
    "masked": "B37-masked",
    "no dropout": "B37-no-dropout",
    "no filter": "B37-lambda-0",
}
"""What is left out, with the preset; the plain network has them all."""

ARMS: dict[tuple[str, float], str] = {
    ("lambda", 1.0): "B37-lambda-0",
    ("lambda", 1.5): "B37",
    ("lambda", 2.0): "B37-lambda-1",
    ("lambda", 3.0): "B37-lambda-2",
    ("learning rate", 1.5): "B37-lr-1.5",
    ("learning rate", 2.0): "B37-lr-2",
    ("learning rate", 3.0): "B37-lr-3",
}
"""Networks whose slow gradient, by 1 + lambda, or whose learning rate is multiplied by a factor.

The latter have no filter, and the plain network's product of learning rate and weight decay.
"""

FILTER_AT_PAPER_SIZE = {"λ = .5": "B113-code", "λ = 0": "B113-code-lambda-0"}
"""The gradient filter at the paper's own size, one network of each."""

OF_PAPER_SIZE: dict[str, tuple[str, ...]] = {
    "miiii": ("B113-code", "B113-text"),
    "nanda": ("B113-nanda",),
    "basis": ("B113-basis",),
    "masked": (),
}
"""Presets of the paper's own setting, by task; miiii with train fractions .5 and .3."""
