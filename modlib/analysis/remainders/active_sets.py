"""Which frequencies are active when: sets of cells, their overlap, and whether they come and go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.remainders.digit_spectra import (
    active_cells,
    active_off_axes,
    number_of_active,
)

TABLE_3 = {256: 0, 1024: 0, 4096: 10, 16384: 18, 65536: 10}
"""The paper's table 3: epoch and number of active frequencies."""
SPIKE_FACTOR = 1.25
"""How far a count must stand above what comes before and after to have risen and fallen."""
SHOWN_CELLS = 60
"""Frequencies drawn in figure 16."""
SMOOTHED = 2
"""Epochs that the authors' smoothing takes off the end."""
BEFORE = 16
"""The spike's "before" is this fraction of the steps: epoch 4,096 of 65,536 in table 3."""
CODED_SIGMA = 1.0
"""Standard deviations above the mean at which the authors' code calls a frequency active; their
text says two."""

TICK_POWER = 0.75
"""The authors' figure and table 3 print int(count ** .75)."""


def of_one_digit(smoothed: Float[np.ndarray, "time f0 f1"]) -> Float[np.ndarray, "time f1"]:
    """Magnitudes at each frequency of one digit, summed over those of the other.

    The ledger's first edition reads the authors' count so. Their program leaves out the image's
    first row and column and sees numbers trained on with dropout: ``remainders.neuron_zero``.
    """
    return np.asarray(smoothed.sum(1, dtype=float))


def relative_to_time(series: Float[np.ndarray, "time f1"]) -> Float[np.ndarray, "time f1"]:
    """Each frequency's magnitude over its sum over time; 0 where that is 0."""
    total = series.sum(0)
    return np.divide(series, total, out=np.zeros(series.shape), where=total > 0)


def counts_as_coded(series: Float[np.ndarray, "time f1"]) -> Int[np.ndarray, " time"]:
    """Active frequencies of neuron 0 by the authors' code, at steps spaced evenly in the logarithm.

    Relative to time, and above mean + 1 sigma of the whole table: one threshold for all times.
    """
    relative = relative_to_time(series)
    return (relative > relative.mean() + CODED_SIGMA * relative.std()).sum(1)


def printed_ticks(counts: Int[np.ndarray, "*time"]) -> Int[np.ndarray, "*time"]:
    """What the authors' figure writes for a count."""
    return (counts**TICK_POWER).astype(int)


def half_plane(p: int) -> Bool[np.ndarray, "f0 f1"]:
    """One of each two mirrored cells (f0, f1), (-f0, -f1), the mean's left out; p odd."""
    f0, f1 = np.indices((p, p))
    return np.asarray(((f1 > 0) & (f1 <= p // 2)) | ((f1 == 0) & (f0 > 0) & (f0 <= p // 2)))


def strongest(
    cells: Float[np.ndarray, "time cell"], count: int = SHOWN_CELLS
) -> Float[np.ndarray, "time shown"]:
    """The cells with the largest maximum over time, by the step of that maximum."""
    chosen = cells[:, np.argsort(-cells.max(0), kind="stable")[:count]]
    return np.asarray(chosen[:, np.argsort(chosen.argmax(0), kind="stable")])


class Dominance(NamedTuple):
    """``table``: a row a step with the ``count`` of active frequencies and the ``variance`` over
    frequencies; ``cells``: the strongest frequencies at these steps."""

    table: pd.DataFrame
    cells: Float[np.ndarray, "time shown"]


def as_written(
    steps: Int[np.ndarray, " time"], magnitudes: Float[np.ndarray, "time f0 f1"]
) -> Dominance:
    """The text's count: magnitudes averaged over neurons, mean + 2 sigma over cells."""
    counts = number_of_active(active_cells(magnitudes))
    return _dominance(steps, counts, magnitudes[:, half_plane(magnitudes.shape[-1])])


def as_coded(
    steps: Int[np.ndarray, " time"], smoothed: Float[np.ndarray, "time f0 f1"]
) -> Dominance:
    """The authors' code's count by our reading: neuron 0 relative to its sum over time, one
    threshold."""
    series = of_one_digit(smoothed)
    return _dominance(steps, counts_as_coded(series), relative_to_time(series))


def by_program(
    epochs: Int[np.ndarray, " column"], smoothed: Float[np.ndarray, "column neuron freq"]
) -> Dominance:
    """The same count from what ``neuron_zero.FirstNeurons`` kept, which is what their program has.

    Epochs that its columns repeat are shown once.
    """
    series = smoothed[:, 0].astype(float)
    steps, rows = np.unique(epochs, return_index=True)
    return _dominance(steps, counts_as_coded(series)[rows], relative_to_time(series)[rows])


def is_followed(first_neurons: Mapping[str, np.ndarray]) -> bool:
    """Whether a log has what ``neuron_zero.FirstNeurons`` keeps: no older one, and three epochs."""
    return len(first_neurons.get("epochs", ())) > 0


def followed(
    steps: Int[np.ndarray, " time"],
    neuron_zero: Mapping[str, np.ndarray],
    first_neurons: Mapping[str, np.ndarray],
) -> Dominance:
    """A log's count as coded: ``by_program`` where it has what that takes, else ``as_coded``."""
    if is_followed(first_neurons):
        return by_program(first_neurons["epochs"], first_neurons["smoothed"])
    return as_coded(steps, neuron_zero["smoothed"])


def counts_if_ended(
    steps: Int[np.ndarray, " time"], smoothed: Float[np.ndarray, "time f0 f1"]
) -> pd.DataFrame:
    """The counts as coded had the log ended earlier: a row an epoch of table 3 at which it ends.

    Columns are these epochs, missing after the end.
    """
    series, reached = of_one_digit(smoothed), [step for step in TABLE_3 if step in steps]
    rows = {}
    for end in reached:
        kept = steps <= end
        counts = pd.Series(counts_as_coded(series[kept]), index=steps[kept])
        rows[end] = counts.reindex(reached)
    return pd.DataFrame(rows.values(), index=list(rows), columns=reached).astype("Int64")


def counts_at_equal_size(
    steps: Int[np.ndarray, " time"], smoothed: Float[np.ndarray, "time f0 f1"]
) -> pd.Series:
    """The counts as coded at table 3's epochs, were the neuron equally strong at all steps.

    Each step's spectrum is divided by its sum first.
    """
    even = relative_to_time(of_one_digit(smoothed).T).T  # each step over its sum
    counts = pd.Series(counts_as_coded(even), index=steps)
    return counts.loc[[step for step in TABLE_3 if step in steps]]


def _dominance(
    steps: Int[np.ndarray, " time"],
    counts: Int[np.ndarray, " time"],
    cells: Float[np.ndarray, "time cell"],
) -> Dominance:
    table = pd.DataFrame({"step": steps, "count": counts, "variance": cells.var(1)})
    return Dominance(table, strongest(cells))


def at_epochs(
    steps: Int[np.ndarray, " time"], written: Int[np.ndarray, " time"], coded: pd.DataFrame
) -> pd.DataFrame:
    """Table 3 of a run: a row an epoch that it reached, by ``step``.

    ``coded``: a count with its ``step``, see ``followed``; the step nearest in the logarithm
    counts. ``paper``; ``written``, ``coded``, and ``printed``: what the authors' figure makes of
    the latter.
    """
    reached = [step for step in TABLE_3 if step in steps]
    times = np.log(coded.step.clip(lower=0.5))
    nearest = [int(np.abs(times - np.log(step)).argmin()) for step in reached]
    counts = coded["count"].to_numpy(dtype=int)[nearest]
    table = {
        "paper": [TABLE_3[step] for step in reached],
        "written": [int(written[steps == step][0]) for step in reached],
        "coded": counts,
        "printed": printed_ticks(counts),
    }
    return pd.DataFrame(table, index=pd.Index(reached, name="step", dtype=int), dtype=int)


def table_3(
    epochs: Int[np.ndarray, " column"], smoothed: Float[np.ndarray, "column neuron freq"]
) -> pd.DataFrame:
    """Table 3 by the authors' program: a row an epoch of it that the run reached, by ``epoch``.

    ``epochs``, ``smoothed``: what ``neuron_zero.FirstNeurons`` kept. ``paper``; ``coded``:
    active frequencies of the first neuron, from the column nearest in the logarithm; ``printed``:
    what the authors' figure makes of it; ``least``, ``most``: the same over all neurons followed.
    """
    end = epochs.max(initial=-SMOOTHED) + SMOOTHED
    reached = [epoch for epoch in TABLE_3 if epoch <= end]
    columns = [int(np.abs(np.log(epochs / epoch)).argmin()) for epoch in reached]
    shape = smoothed.shape[1], len(reached)
    counts: Int[np.ndarray, "neuron column"] = np.zeros(shape, dtype=int)
    if reached:
        neurons = np.moveaxis(smoothed, 1, 0).astype(float)
        counts[...] = [counts_as_coded(series)[columns] for series in neurons]
    printed = printed_ticks(counts)
    rows = {
        "paper": [TABLE_3[epoch] for epoch in reached],
        "coded": counts[0],
        "printed": printed[0],
        "least": printed.min(0),
        "most": printed.max(0),
    }
    return pd.DataFrame(rows, index=pd.Index(reached, name="epoch", dtype=int), dtype=int)


class Spike(NamedTuple):
    """``peak`` after the first and before the last of the steps, at ``step``; ``first``: the count
    at ``FIRST_STEP`` or the next logged one, ``last``: the final one."""

    first: int
    peak: int
    last: int
    step: int

    @property
    def height(self) -> float:
        """The peak over the larger of both ends, an end without any counted as one."""
        return self.peak / max(self.first, self.last, 1)

    @property
    def rises_and_falls(self) -> bool:
        """Whether the peak stands out from both ends."""
        return self.height >= SPIKE_FACTOR


FIRST_STEP = 256
"""Step from which a spike is looked for."""


def find_spike(steps: Int[np.ndarray, " time"], counts: Int[np.ndarray, " time"]) -> Spike | None:
    """The highest count from ``FIRST_STEP`` on; None with fewer than three steps from there on."""
    late = np.flatnonzero(steps >= FIRST_STEP)
    if len(late) < 3:
        return None
    inner = late[1:-1]
    top = inner[counts[inner].argmax()]
    ends = (int(counts[late[0]]), int(counts[top]), int(counts[late[-1]]))
    return Spike(*ends, step=int(steps[top]))


class Reuse(NamedTuple):
    """Active cells at two steps: their Jaccard index, that of random sets as large, both sizes.

    NaN where no cell is active at either.
    """

    jaccard: float
    chance: float
    before: int
    after: int


def reuse(before: Bool[np.ndarray, "f0 f1"], after: Bool[np.ndarray, "f0 f1"]) -> Reuse:
    """Compare two sets of active cells, mirrored cells counted once."""
    half = half_plane(before.shape[-1])
    return _overlap(before[half], after[half])


def _overlap(one: Bool[np.ndarray, " cell"], other: Bool[np.ndarray, " cell"]) -> Reuse:
    sizes, cells = (int(one.sum()), int(other.sum())), len(one)
    union = int((one | other).sum())
    if union == 0:
        return Reuse(np.nan, np.nan, 0, 0)
    shared = sizes[0] * sizes[1] / cells
    return Reuse(int((one & other).sum()) / union, shared / (sum(sizes) - shared), *sizes)


def reuse_through(
    magnitudes: Float[np.ndarray, "time f0 f1"], steps: Int[np.ndarray, " time"]
) -> Reuse:
    """Active frequencies, as written, at ``step_before`` and after the last step."""
    before, after = active_cells(magnitudes[[step_before(steps), -1]])
    return reuse(before, after)


def reuse_off_axes(
    magnitudes: Float[np.ndarray, "time f0 f1"], steps: Int[np.ndarray, " time"]
) -> Reuse:
    """The same among frequencies of both digits; see ``digit_spectra.active_off_axes``."""
    before, after = active_off_axes(magnitudes[[step_before(steps), -1]])
    half = half_plane(len(before))[1:, 1:]
    return _overlap(before[1:, 1:][half], after[1:, 1:][half])


class OneDigit(NamedTuple):
    """Active frequencies as written, and those of them that are of one digit alone, at some steps;
    ``chance``: the Jaccard index of random sets as large as the last two of the latter, among the
    frequencies of one digit (NaN where both are empty)."""

    active: Int[np.ndarray, " time"]
    alone: Int[np.ndarray, " time"]
    chance: float


def of_one_digit_alone(magnitudes: Float[np.ndarray, "time f0 f1"]) -> OneDigit:
    """How many of the active frequencies lie on the digits' own axes (f, 0) and (0, f)."""
    active = active_cells(magnitudes)
    on_axes = active.copy()
    on_axes[..., 1:, 1:] = False
    alone = number_of_active(on_axes)
    before, after = alone[-2:].tolist()
    shared = before * after / (magnitudes.shape[-1] - 1)
    union = before + after - shared
    return OneDigit(number_of_active(active), alone, shared / union if union else np.nan)


def step_before(steps: Int[np.ndarray, " time"]) -> int:
    """Position of the last logged step that is at most a sixteenth of the last one."""
    return int(np.flatnonzero(steps <= steps[-1] // BEFORE)[-1])


def counts_at_epochs(
    spectra: pd.DataFrame,
    spectrum_steps: Int[np.ndarray, " time"],
    smoothed: Float[np.ndarray, "time f0 f1"],
) -> pd.DataFrame:
    """Table 3 for a preset's first seed, see ``at_epochs``.

    ``spectra``: a row a seed and step, with ``written``; the other two are of the first seed.
    """
    rows = spectra[spectra.seed == spectra.seed.min()].sort_values("step")
    coded = as_coded(spectrum_steps, smoothed).table
    return at_epochs(rows.step.to_numpy(), rows.written.to_numpy(), coded)
