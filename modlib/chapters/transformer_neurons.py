"""Sentences of chapter 13: neurons, frequencies through training, attention, tasks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from modlib.analysis.remainders.active_sets import TABLE_3, Reuse, Spike, half_plane
from modlib.analysis.remainders.task_lens import BEST_FROM, Ablations, Mechanism
from modlib.chapters.words import listed, percent
from modlib.config.presets import preset_of
from modlib.maths.fourier import effective_number
from modlib.runs.remainders import RemaindersRun

LEARNED = 0.9
"""Accuracy from which a task counts as learned in a sentence."""


WORTH_SAYING = 0.05
"""Share of a variance below which it is not said what carries it."""
MANY_COSINES = 7
"""Modulus up to which there are so few cosines that any use is a use of most."""


def _number(value: float, digits: int = 2) -> str:
    return "none" if np.isnan(value) else f"{round(value, digits) + 0.0:.{digits}f}"


def about_networks(runs: Mapping[str, RemaindersRun]) -> str:
    """Which networks the chapter looks at, and what they do on numbers they never saw."""
    first = next(iter(runs.values()))
    parts = []
    for name, run in runs.items():
        held_out = run.final[run.final.split == "validation"]
        tasks = f"{(held_out.accuracy >= LEARNED).sum()} of {len(held_out)} tasks"
        right = percent(float(held_out.accuracy.mean()))
        preset = preset_of(run.config) or "no preset"
        parts.append(
            f"**{name}** ({preset}), {run.steps:,} steps: {right} right, {tasks} at .9 or more"
        )
    return (
        f"p = {first.config.p}, seed {first.seed}; accuracy on held-out numbers, mean over tasks. "
        f"{'; '.join(parts)}."
    )


def about_paper_size(found: Mapping[str, tuple[int, int]]) -> str:
    """Which networks of the paper's own size there are: steps made and asked for, by preset."""
    if not found:
        return (
            "> No network of the paper's own size, p = 113, is committed yet: all that follows is "
            "about the small one."
        )
    parts = []
    for name, (made, asked) in found.items():
        said = f"{name} with {made:,} of {asked:,} steps" if asked else name
        parts.append(said + ("" if made >= asked else " (unfinished)"))
    return f"Of the paper's own size, p = 113, seed 1000, we have {listed(parts)}."


def with_steps(name: str, made: int, asked: int) -> str:
    """A network's name, with its steps where it has not made all of them."""
    return name if made >= asked else f"{name} ({made:,} of {asked:,} steps)"


def about_few_frequencies(shares: Mapping[str, float], residues: Mapping[str, float]) -> str:
    """How few frequencies a neuron reacts to, and how much of it any task's residue explains."""
    grid = ", ".join(f"{name} {_number(share)}" for name, share in shares.items())
    by_residue = ", ".join(f"{name} {_number(share, 3)}" for name, share in residues.items())
    return (
        f"*Seen here*, share of a neuron's power in its six strongest cells, mean over live "
        f"neurons: {grid}. Share of a neuron's variance that one task's variable explains, chance "
        f"taken off, mean over live neurons and largest over tasks: {by_residue}. The mean is low "
        "where each neuron serves one task of many; further down they are looked at one by one."
    )


def table_3(found: Mapping[str, pd.DataFrame]) -> str:
    """Table 3 beside ours: a column an epoch, a row a network and way of counting."""
    head = f"| active frequencies | {' | '.join(f'{step:,}' for step in TABLE_3)} |"
    rows = [head, "|" + "---|" * (len(TABLE_3) + 1)]
    rows.append(f"| the paper | {' | '.join(str(value) for value in TABLE_3.values())} |")
    ways = {
        "written": "as written: all neurons, mean + 2 sigma",
        "coded": "as coded: neuron 0, relative to time, mean + 1 sigma over all times",
        "printed": "as the authors' figure prints it",
    }
    for name, table in found.items():
        for way, said in ways.items():
            cells = (str(table[way].get(step, "not reached")) for step in TABLE_3)
            rows.append(f"| {name}, {said} | {' | '.join(cells)} |")
    return "\n".join(rows)


def about_spike(spikes: Mapping[str, Spike | None], under_way: Collection[str] = ()) -> str:
    """Whether the count rises and falls, by name of the way of counting.

    ``under_way``: names of runs that have not made all their steps.
    """
    parts = []
    for name, spike in spikes.items():
        if spike is None:
            parts.append(f"{name}: too few steps were logged from step 256 on")
            continue
        verb = "rises and falls" if spike.rises_and_falls else "does not rise and fall"
        if name in under_way and not spike.rises_and_falls:
            verb = "has not risen and fallen where its log ends"
        parts.append(
            f"{name}: {spike.first} near step 256, at most {spike.peak} in between (step "
            f"{spike.step:,}), {spike.last} at the end: it {verb}"
        )
    return (
        "*Seen here* (we speak of rise and fall where the highest count between is at least 1.25 "
        "times the one at step 256 and the last one):\n\n- " + "\n- ".join(parts)
    )


def about_threshold(ended: Mapping[str, pd.DataFrame], even: Mapping[str, pd.Series]) -> str:
    """What one threshold for all times does: counts if the log ended earlier, and at equal size."""
    parts = []
    for name, table in ended.items():
        lines = [
            f"| {name}: log ends at | {' | '.join(f'epoch {step:,}' for step in table.columns)} |",
            "|---:|" + "---:|" * len(table.columns),
        ]
        for end, counts in table.iterrows():
            cells = ("" if pd.isna(value) else str(value) for value in counts)
            lines.append(f"| {end:,} | {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    said = [f"{name} {', '.join(map(str, counts))}" for name, counts in even.items() if len(counts)]
    if said:
        parts.append(
            "*Seen here*, the same counts where each step's spectrum is divided by its sum, so "
            f"that the neuron is equally strong throughout: {'; '.join(said)}."
        )
    return "\n\n".join(parts) or "No epoch of the table was reached."


def about_come_and_go(found: Mapping[str, pd.DataFrame]) -> str:
    """The largest share of the neurons that 2 and 3 explain, when, and at the end.

    ``found``: rows steps, columns tasks.
    """
    parts = []
    for name, table in found.items():
        said = [
            f"q = {q} at most {percent(float(table[q].max()))} (step "
            f"{int(table[q].idxmax()):,}), {percent(float(table[q].iloc[-1]))} at the end"
            for q in (2, 3)
        ]
        parts.append(f"{name}: {', '.join(said)}")
    return f"*Seen here*, mean over live neurons. {'; '.join(parts)}."


def about_reuse(found: Mapping[str, Reuse]) -> str:
    """How far the active frequencies before and after are the same."""
    parts = [
        f"{name}: {r.before} active frequencies at a sixteenth of the steps, {r.after} at the end, "
        f"Jaccard index {_number(r.jaccard)} (random sets as large: {_number(r.chance, 3)})"
        for name, r in found.items()
    ]
    return (
        f"*Seen here*, {'; '.join(parts)}. An index of 1 means the same frequencies, of 0 that "
        "none came back."
    )


def about_one_digit(found: Mapping[str, Bool[np.ndarray, "3 f0 f1"]]) -> str:
    """How many active frequencies are of one digit alone, at first, before and at the end."""
    parts = []
    for name, active in found.items():
        p = active.shape[-1]
        half = half_plane(p)
        one_digit = half.copy()
        one_digit[1:, 1:] = False
        sizes = (active & half).sum((1, 2))
        alone = (active & one_digit).sum((1, 2))
        shared = alone[1] * alone[2] / (p - 1)
        union = alone[1] + alone[2] - shared
        chance = _number(float(shared / union) if union else np.nan)
        counts = ", ".join(f"{a} of {b}" for a, b in zip(alone, sizes, strict=True))
        parts.append(f"{name}: {counts}; {chance} by chance among the {p - 1} of one digit")
    return (
        "Active frequencies of one digit alone at step 0, at a sixteenth of the steps and at the "
        "end, and the Jaccard index that random sets as large, drawn among these, would have: "
        f"{'; '.join(parts)}."
    )


def about_attention(networks: Mapping[str, Mapping[str, float]]) -> str:
    """How much each head looks at the digit it looks at less, and how periodically."""
    parts = []
    for name, numbers in networks.items():
        heads = [key for key in numbers if key.startswith("smaller_share_") and key[-1].isdigit()]
        shares = ", ".join(f"{numbers[head]:.2f}" for head in sorted(heads))
        parts.append(
            f"| {name} | {shares} | {numbers['smaller_share_by_number']:.2f} | "
            f"{_number(numbers['attention_periodicity'])} |"
        )
    return (
        "*Seen here*, share of a head's attention to the digits that falls on the one it looks at "
        "less, on average and number by number. Zero is one digit only; .5 both alike, or one for "
        "some numbers and the other for the rest, which the mean number by number tells apart. "
        "Last, how periodic the panels are: the share of a head's variation in the six strongest "
        "cells of its two-dimensional transform, mean over heads that vary at all.\n\n"
        "| network | head by head | number by number, mean | share in six cells |\n"
        "|---|---|---:|---:|\n" + "\n".join(parts)
    )


def about_idle(networks: Mapping[str, Mapping[str, float]]) -> str:
    """What is left of the accuracy with attention that does not depend on the input."""
    parts = [
        f"{name} {percent(n['accuracy'])}, {percent(n['accuracy_constant'])} with attention held "
        f"at its mean, {percent(n['accuracy_equal'])} with a third to each place"
        for name, n in networks.items()
    ]
    return f"*Seen here*, accuracy over all numbers, mean over tasks: {'; '.join(parts)}."


def about_profile(found: Mapping[str, Mechanism]) -> str:
    """How much of a task's logits equation 5 explains, and with how many cosines."""
    parts = []
    for name, m in found.items():
        power = m.amplitudes**2
        used = float(effective_number(power))
        part = f"{name} {_number(m.explained, 3)}"
        if m.explained >= WORTH_SAYING:
            part += f", carried by {_number(used, 1)} of {len(power)} cosines"
        parts.append(part)
    return f"*Seen here*, share of the logit variance that the cosines explain: {'; '.join(parts)}."


def about_mechanism(tables: Mapping[str, pd.DataFrame]) -> str:
    """Range over tasks of what equation 5 explains."""
    parts = []
    for name, table in tables.items():
        shares = table.explained.dropna()
        if shares.empty:
            parts.append(f"{name}: the logits do not vary")
            continue
        said = f"{name} from {shares.min():.2f} to {shares.max():.2f}, mean {shares.mean():.2f}"
        many = table[table.q > MANY_COSINES]
        if len(many) and shares.mean() >= WORTH_SAYING:
            used = float((many.frequencies / (many.q // 2)).mean())
            said += f"; {percent(used)} of the cosines carry it for q above {MANY_COSINES}"
        parts.append(said)
    return f"*Seen here*: {'; '.join(parts)}."


def about_labels(table: pd.DataFrame) -> str:
    """The same share taken on the labels that the shuffled network was given."""
    return (
        "With the labels it was given in place of x mod q, the shuffled network has "
        f"{_number(float(table.explained_labels.mean()))} on average; it knows "
        f"{percent(float(table.accuracy.mean()))} of them, where guessing gives "
        f"{percent(float((1 / table.q).mean()))}. What it knows beyond that it has memorised, so "
        "this is how far memory alone follows equation 5."
    )


def about_lookups(table: pd.DataFrame, controls: Mapping[str, pd.DataFrame] | None = None) -> str:
    """Look-ups at the tasks' frequencies against random ones, and in other networks."""
    more = int((table["products"] > table.products_random).sum())
    both = table["products"] + table.tables
    by_chance = table.products_random + table.tables_random
    beside = "; ".join(
        f"{name} {_range(t['products'])} (random {_range(t.products_random)})"
        for name, t in (controls or {}).items()
    )
    beside = f" Products in other networks: {beside}." if beside else ""
    return (
        "*Seen here*, products of look-ups at a task's frequencies explain "
        f"{_range(table['products'])} of the variance of its neurons, as many random frequencies "
        f"{_range(table.products_random)}; more than the random ones for {more} of {len(table)} "
        f"tasks. With the look-ups of single digits {_range(both)} are explained, by random "
        f"frequencies {_range(by_chance)}.{beside}"
    )


def _range(shares: pd.Series) -> str:
    """Smallest and largest of the shares that exist."""
    known = shares.dropna()
    if known.empty:
        return "none"
    return f"{percent(float(known.min()))} to {percent(float(known.max()))}"


def about_parts(variance: Float[np.ndarray, "part neuron"]) -> str:
    """How much of the neurons' variance belongs to one digit, and how much to both together."""
    total = variance.sum(0)
    if not (total > 0).any():
        return "No neuron varies."
    x0, x1, both = (variance / np.where(total > 0, total, 1))[:, total > 0].mean(1)
    return (
        f"Of a live neuron's variance {percent(float(x0))} belongs to $x_0$ alone, "
        f"{percent(float(x1))} to $x_1$ alone and {percent(float(both))} to both together: all "
        "that products could explain."
    )


def about_line(shares: Mapping[str, tuple[float, float]]) -> str:
    """Power next to the tasks' characters, and the share of all frequencies that lies there."""
    parts = [
        f"{name} {percent(round(power, 4))} on {percent(cells)} of the frequencies"
        for name, (power, cells) in shares.items()
    ]
    return (
        "*Seen here*, power of the neurons' joint part next to the characters of any task: "
        f"{'; '.join(parts)}."
    )


def about_stairs(shares: Mapping[str, Float[np.ndarray, "task neuron"]], qs: Sequence[int]) -> str:
    """How many neurons one task explains, and for how many tasks there are such neurons."""
    parts = []
    for name, by_task in shares.items():
        best = by_task.max(0, initial=0.0)
        clear = best >= BEST_FROM
        tasks = len(set(by_task.argmax(0)[clear].tolist())) if by_task.shape[1] else 0
        parts.append(
            f"{name} {clear.sum()} of {len(best)} live neurons, for {tasks} of "
            f"{len(qs)} tasks, at most {_number(float(best.max(initial=0.0)))}"
        )
    return (
        "*Seen here*, neurons of which a single task's variable explains a tenth or more: "
        f"{'; '.join(parts)}."
    )


def about_sharing(table: pd.DataFrame, num_live: int) -> str:
    """How many neurons a task takes, and how many it shares with others."""
    sizes = table.num_neurons
    text = (
        f"*Seen here*, half of a task's positive votes lie with {sizes.min()} to {sizes.max()} of "
        f"{num_live} live neurons."
    )
    if table.overlap.notna().any():
        text += (
            f" Two tasks' sets overlap with a Jaccard index of {table.overlap.mean():.3f} on "
            f"average; random sets of these sizes would with {table.chance.mean():.3f}."
        )
    return text


def about_removal(found: Ablations, qs: Sequence[int]) -> str:
    """What removing a task's neurons costs it, the others, and what random ones cost."""
    own = found.base - np.diagonal(found.own)
    random = found.base - np.diagonal(found.random)
    text = (
        f"*Seen here*, removing a task's neurons costs it {_points(own)} of accuracy on average; "
        f"as many random ones cost {_points(random)}"
    )
    if len(qs) < 2:
        return f"{text}."
    apart = ~np.eye(len(qs), dtype=bool)
    others = (found.base - found.own)[apart]
    hit = own - np.array(
        [(found.base - row)[mask].mean() for row, mask in zip(found.own, apart, strict=True)]
    )
    most = int(hit.argmax())
    breaks = [
        int(q)
        for q, loss, rest in zip(qs, own, hit, strict=True)
        if loss >= 0.1 and rest >= loss / 2
    ]
    return (
        f"{text}; the other tasks lose {_points(others)}. Task {qs[most]} is hit most beyond the "
        f"others: {_points(own[most : most + 1])} against "
        f"{_points((own - hit)[most : most + 1])}. Tasks that lose ten points or more and at least "
        f"twice as much as the others do: {listed(breaks)}."
    )


def _points(losses: Float[np.ndarray, " loss"]) -> str:
    """A mean loss of accuracy in percentage points."""
    return f"{_number(100 * float(losses.mean()), 1)} points"
