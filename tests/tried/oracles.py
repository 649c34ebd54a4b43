"""Numbers against independent ways to them: sums written out, enumeration, SciPy, autograd.

Settings are drawn at random, so that no case is one that the code was written for.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import replace
from math import gcd, prod
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch.nn import functional

from made_up.views import random_view
from modlib.claims.decide import share_of
from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.remainders import RemaindersConfig
from modlib.maths.circular import mean_resultant_length
from modlib.maths.fourier import dft, power_spectrum
from modlib.maths.groups import coset, crt, remapping_unit
from modlib.models import clock_pizza, mlp, transformer
from modlib.runs.addition import view_of
from modlib.tasks.addition import AdditionTask
from modlib.tasks.remainders import RemaindersTask, moduli
from modlib.training.addition import network as compiled
from modlib.training.clock_pizza.step import FastClockStep
from modlib.training.kernels import addition
from modlib.training.remainders.step import FastStep
from tried.battery import Battery

Pairs = list[tuple[Any, Any]]
"""What the package says beside what the other way says."""


def fourier(draws: random.Random) -> tuple[Pairs, float]:
    """The transform as the sum of appendix A.1, and Parseval's identity."""
    n, generator = draws.randrange(3, 60), np.random.default_rng(draws.randrange(2**32))
    signal = generator.normal(size=n)
    x, freqs = np.arange(n), range(n // 2 + 1)
    summed = [sum(signal * np.exp(-2j * np.pi * f * x / n)) for f in freqs]
    square = float((signal**2).mean())
    return [(dft(signal), summed), (power_spectrum(signal).sum(), square)], 1e-10


def groups(draws: random.Random) -> tuple[Pairs, float]:
    """Units, cosets and the Chinese remainder theorem by going through all of Z_n."""
    n = draws.randrange(3, 200)
    freq, size = draws.randrange(1, n), draws.choice([d for d in range(1, n + 1) if n % d == 0])
    unit, shift = remapping_unit(freq, n), draws.randrange(n)
    every = {x for x in range(n) if (x - shift) % (n // size) == 0}
    numbers = draws.sample([2, 3, 5, 7, 11, 13], draws.randrange(1, 5))
    number = draws.randrange(prod(numbers))
    solved = [x for x in range(prod(numbers)) if all(x % m == number % m for m in numbers)]
    said = [
        (gcd(unit, n), 1),
        (unit * freq % n, gcd(freq, n)),
        (sorted(coset(n, size, shift).tolist()), sorted(every)),
        ([crt([number % m for m in numbers], numbers)], solved),
    ]
    return said, 0.0


def intervals(draws: random.Random) -> tuple[Pairs, float]:
    """The exact interval of a share from the beta distribution; a mean direction by its parts."""
    total = draws.randrange(1, 500)
    hits, n = draws.randrange(total + 1), draws.randrange(3, 100)
    low = 0.0 if hits == 0 else stats.beta.ppf(0.025, hits, total - hits + 1)
    high = 1.0 if hits == total else stats.beta.ppf(0.975, hits + 1, total - hits)
    phases = np.random.default_rng(total).uniform(0, n, draws.randrange(1, 30))
    angles = 2 * np.pi * phases / n
    length = np.hypot(np.cos(angles).mean(), np.sin(angles).mean())
    return [
        (tuple(share_of(hits, total)), (hits / total, low, high)),
        (mean_resultant_length(phases, n), length),
    ], 1e-9


def views(draws: random.Random) -> tuple[Pairs, float]:
    """Logits of a view, pair by pair and neuron by neuron."""
    n, size = draws.randrange(3, 12), draws.randrange(1, 20)
    view = random_view(n, size, draws.randrange(2**31))
    summed = np.empty((n, n, n))
    for a in range(n):
        for b in range(n):
            heard = np.maximum(0, view.preact_a[a] + view.preact_b[b] + view.b_in)
            summed[a, b] = view.b_out + sum(
                h * row for h, row in zip(heard, view.w_out, strict=True)
            )
    scores = view.evaluate()
    right = np.mean([summed[a, b].argmax() == (a + b) % n for a in range(n) for b in range(n)])
    return [(view.logits(), summed), (scores.accuracy, right)], 1e-8


def models(draws: random.Random) -> tuple[Pairs, float]:
    """Logits of a view of trained parameters against the torch module's."""
    config = AdditionConfig(n=draws.randrange(3, 30), embed_dim=5, num_neurons=17, epochs=0)
    weights = mlp.initial_weights(config, draws.randrange(1000))
    a, b = (torch.from_numpy(part) for part in np.divmod(np.arange(config.n**2), config.n))
    module = mlp.build(config, weights).double()
    logits = module(a, b).detach().numpy().reshape((config.n,) * 3)
    return [(view_of(weights).logits(), logits)], 1e-5


def addition_step(draws: random.Random) -> tuple[Pairs, float]:
    """The compiled gradient of paper A's network against autograd's, relative to the largest."""
    n, batch = draws.randrange(3, 40), draws.choice(["n", "full"])
    sizes: dict[str, Any] = {"embed_dim": draws.randrange(1, 9), "batch": batch}
    config = AdditionConfig(n=n, num_neurons=draws.randrange(1, 60), **sizes)
    seed = draws.randrange(1000)
    network = compiled.Network(config, seed)
    model = mlp.build(config, mlp.initial_weights(config, seed)).double()
    a, b = np.divmod(AdditionTask(config, seed).split[: config.batch_size], n)
    addition.gradient(network._theta, network._grad, a, b, 0, len(a), network._work)
    answers = torch.from_numpy((a + b) % n)
    functional.cross_entropy(model(torch.from_numpy(a), torch.from_numpy(b)), answers).backward()
    wanted = {name: np.asarray(one.grad) for name, one in model.named_parameters()}
    found = compiled._by_name(network._grad, config)
    return [(found[name] / _size(grad), grad / _size(grad)) for name, grad in wanted.items()], 2e-5


def remainders_step(draws: random.Random) -> tuple[Pairs, float]:
    """The hand-written gradient of paper B's transformer in 64 bits against autograd's."""
    heads = draws.choice([1, 2, 4])
    config = RemaindersConfig(
        p=draws.choice([5, 7, 11, 13]), embed_dim=8 * heads, heads=heads, dropout=0.0
    )
    task = RemaindersTask(config, draws.randrange(1000))
    weights = transformer.initial_weights(config, draws.randrange(1000))
    model = transformer.build(config, weights).double()
    rows = task.split["train"]
    x0, x1, targets = (torch.from_numpy(one[rows]) for one in (*task.digits, task.answers))
    parts = model(x0, x1, None).split(moduli(config).tolist(), dim=1)
    losses = [functional.cross_entropy(p, t) for p, t in zip(parts, targets.T, strict=True)]
    loss = sum(w * one for w, one in zip(task.loss_weights, losses, strict=True))
    torch.as_tensor(loss).backward()
    step = FastStep(task, weights, dtype=np.float64, threads=1)
    told = step.gradient(None, want_losses=True)
    pairs: Pairs = [(told, [one.item() for one in losses])]
    for name, found in step.d_parameters.items():
        wanted = getattr(model, name).grad.numpy()
        pairs.append((found / _size(wanted), wanted / _size(wanted)))
    return pairs, 1e-11


def clock_step(draws: random.Random) -> tuple[Pairs, float]:
    """The same of the clock's and the pizza's network."""
    heads = draws.choice([1, 2, 3])
    config = ClockPizzaConfig(
        n=draws.randrange(3, 14),
        embed_dim=4 * heads,
        heads=heads,
        num_neurons=draws.randrange(1, 30),
        steps=1,
    )
    config = replace(config, attention_rate=draws.choice([0.0, 0.4, 1.0]))
    task, generator = AdditionTask(config, 3), np.random.default_rng(draws.randrange(2**32))
    drawn = clock_pizza.initial_weights(config, 3)
    weights = {name: one + 0.1 * generator.normal(size=one.shape) for name, one in drawn.items()}
    module = clock_pizza.ClockPizzaTransformer(config, weights)
    a, b = (torch.tensor(part) for part in np.nonzero(task.mask))
    functional.cross_entropy(module(a, b), (a + b) % config.n).backward()
    step = FastClockStep(task, weights, dtype=np.float64)
    step.gradient()
    grads = {n: 0.0 if p.grad is None else p.grad.numpy() for n, p in module.by_name().items()}
    return [(step.d_parameters[name], wanted) for name, wanted in grads.items()], 1e-10


def _size(array: np.ndarray) -> float:
    return float(np.abs(array).max(initial=0.0)) or 1.0


ORACLES: dict[str, Callable[[random.Random], tuple[Pairs, float]]] = {
    "Fourier transform, the sum written out": fourier,
    "units, cosets, Chinese remainders, all of Z_n": groups,
    "intervals and directions, SciPy": intervals,
    "logits, neuron by neuron": views,
    "logits, the torch module": models,
    "gradient of paper A's step, autograd": addition_step,
    "gradient of paper B's step, autograd": remainders_step,
    "gradient of the pizza's step, autograd": clock_step,
}


def oracles(battery: Battery) -> None:
    """Each as often as there are tries."""
    for position, (name, oracle) in enumerate(ORACLES.items()):
        draws = battery.draws(name)
        until = time.monotonic() + battery.left_s / (len(ORACLES) - position)
        for number in range(battery.tries):
            if number and time.monotonic() > until:
                break
            try:
                pairs, tolerance = oracle(draws)
                worst = max(float(np.abs(np.subtract(one, two)).max()) for one, two in pairs)
                outcome = "as it was" if worst <= tolerance else "silent"
            except Exception as error:
                outcome, worst = "traceback", math.nan
                battery.say(f"oracles, {name}: {error!r}")
            battery.note("oracles", name, outcome, f"try {number}: off by {worst}")
