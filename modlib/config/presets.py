"""Every named configuration, its number of seeds left out."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from modlib.config.addition import PAPER_TRAIN_PAIRS, AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.remainders import RemaindersConfig
from modlib.errors import require_choice

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


PRESETS: dict[str, AdditionConfig] = {
    "A91": AdditionConfig(n=91),
    "A89": AdditionConfig(n=89),
    "A91-full": AdditionConfig(n=91, batch="full"),
    "A89-full": AdditionConfig(n=89, batch="full"),
    "A91-flax": AdditionConfig(n=91, init="flax"),
    "A91-untrained": AdditionConfig(n=91, epochs=0),
    "A91-long": AdditionConfig(n=91, epochs=3000),
    "A91-full-long": AdditionConfig(n=91, batch="full", epochs=10000),
    **{f"A91-width-{width}": AdditionConfig(n=91, num_neurons=width) for width in WIDTHS},
    **{
        f"A91-full-width-{width}": AdditionConfig(n=91, batch="full", num_neurons=width)
        for width in WIDTHS
    },
    **{
        f"A{n}": AdditionConfig(n=n, epochs=600 if n < SLOW_BELOW else None)
        for n in MODULI
        if n not in PAPER_TRAIN_PAIRS
    },
    **{scaled_name(n): scaled(n) for n in MODULI if n != 91},
}


def grid_name(n: int, l2: float, lr: float, num_neurons: int) -> str:
    """The preset of ``on_grid``: one that there is already, else a name that says the factors."""
    config = on_grid(n, l2, lr, num_neurons)
    own = f"A{n}-grid-l2-{l2:g}-lr-{lr:g}-width-{num_neurons}"
    return next((name for name, known in PRESETS.items() if known == config), own)


GRID: dict[tuple[int, float, float, int], str] = {
    point: grid_name(*point)
    for n, rates in GRID_MODULI.items()
    for point in product((n,), GRID_L2, rates, GRID_WIDTHS)
}
"""Presets of conjecture 1's grid by modulus, factor of L2, factor of the rate, and width."""

PRESETS |= {name: on_grid(*point) for point, name in GRID.items() if name not in PRESETS}


SMALL = RemaindersConfig()
"""Paper B's tasks at p = 37, where a network learns them within minutes."""

PAPER_B = RemaindersConfig(p=113, embed_dim=256, lr=3e-4, train_fraction=0.3, steps=65536)
"""Paper B's own setting (its table 2 and section Training)."""

AS_CODED = replace(PAPER_B, train_fraction=0.5, digits="high_first")
"""The same as the authors' program sets it up."""

ADDS = replace(PAPER_B, task="nanda", embed_dim=128, lr=3e-3, steps=4096)
"""Modular addition at paper B's modulus, with the width and rate at which it learns to add: with
those of the remainders it has not by step 16,912."""

REMAINDERS_PRESETS: dict[str, RemaindersConfig] = {
    "B37": SMALL,
    "B37-nanda": replace(SMALL, task="nanda"),
    "B37-nanda-no-dropout-wd-1": replace(SMALL, task="nanda", dropout=0.0, weight_decay=1.0),
    "B37-basis": replace(SMALL, task="basis"),
    "B37-masked": replace(SMALL, task="masked"),
    "B37-no-dropout": replace(SMALL, dropout=0.0),
    "B37-lambda-0": replace(SMALL, lam=0.0),
    "B37-lambda-1": replace(SMALL, lam=1.0),
    "B37-lambda-2": replace(SMALL, lam=2.0),
    **{
        f"B37-lr-{scale:g}": replace(
            SMALL, lam=0.0, lr=SMALL.lr * scale, weight_decay=SMALL.weight_decay / scale
        )
        for scale in LR_SCALES
    },
    "B37-untrained": SMALL.untrained(),
    "B113-text": replace(PAPER_B, num_validation=1000),
    "B113-code": AS_CODED,
    "B113-code-lambda-0": replace(AS_CODED, lam=0.0),
    "B113-code-lr-1.5": replace(
        AS_CODED, lam=0.0, lr=AS_CODED.lr * 1.5, weight_decay=AS_CODED.weight_decay / 1.5
    ),
    "B113-code-mask-a-sample": replace(AS_CODED, dropout_mask="sample"),
    "B113-code-masked": replace(AS_CODED, task="masked"),
    "B113-code-no-dropout": replace(AS_CODED, dropout=0.0),
    "B113-code-shuffled": replace(AS_CODED, task="basis"),
    "B113-nanda": replace(PAPER_B, task="nanda"),
    "B113-nanda-learns": ADDS,
    "B113-nanda-no-dropout": replace(ADDS, dropout=0.0, weight_decay=1.0, steps=8192),
    "B113-basis": replace(PAPER_B, task="basis"),
    "B113-untrained": PAPER_B.untrained(),
}
"""Paper B's networks: ``text`` and ``code`` differ in what is trained on, the order of the digits
and whether a test set is kept."""


CLOCK_PIZZA_PRESETS: dict[str, ClockPizzaConfig] = {
    f"C59-rate-{rate:g}": ClockPizzaConfig(attention_rate=rate) for rate in ATTENTION_RATES
}
"""Zhong et al.'s network by its attention rate."""


def preset(name: str) -> AdditionConfig:
    """The configuration of that name in ``PRESETS``.

    Raises ``InputError`` for an unknown name.
    """
    return PRESETS[require_choice("preset", name, PRESETS)]


def preset_of(config: AdditionConfig | RemaindersConfig) -> str | None:
    """The name under which a configuration has its preset; None where it has none."""
    named: dict[str, AdditionConfig | RemaindersConfig] = {**PRESETS, **REMAINDERS_PRESETS}
    return next((name for name, known in named.items() if known == config), None)


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
