"""What the battery found in a network: plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Coset:
    """Answers that a frequency tells apart badly (approximate) or not at all (exact).

    ``exact``: gcd(f, n) > 1; ``size``: that divisor, the elements of an exact coset, n / size
    apart; ``step``: d, the inverse of f' = f / size modulo n' = n / size, between answers that
    look most alike; ``period``: n / f, between crests.
    """

    exact: bool
    step: int
    period: float
    size: int


@dataclass(frozen=True, kw_only=True)
class ClusterSummary:
    """What a cluster is and says, over all pairs.

    ``amplitude`` (logits), ``explained``: the fit of A cos(2 pi f (c - a - b) / n) to what its
    neurons add to the logits; ``mean_rank``, ``share_rank_0``: of the right answer by these
    neurons alone; ``share_of_votes``: what the cosine explains of the sum over all neurons.
    """

    freq: int
    num_neurons: int
    kind: str
    coset: Coset
    amplitude: float
    explained: float | None
    mean_rank: float
    share_rank_0: float
    share_of_votes: float


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the network was asked, told from its answers (``tasks.operations.guess``).

    ``holds``: beyond chance; where it is not, ``name`` is a + b. ``deviations``: of its hits above
    those at other shifts of the answers, None where those do not vary. ``tried``: accuracy by
    name, the best first. ``function_of``: share of the logits' variance by what they may be a
    function of; chance is about 1 / n.
    """

    name: str
    holds: bool
    deviations: float | None
    tried: dict[str, float]
    function_of: dict[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Battery:
    """The numbers of paper A for one network; None where a number does not exist.

    In coordinates in which ``task`` is addition modulo ``n``, which for products is less than the
    network's own modulus; ``as_addition``: whether there are such, else they are its own. Over all
    n^2 pairs, of the network itself: ``accuracy``, ``loss`` (nats), ``margin`` (the smallest,
    logits), ``solves`` (``accuracy`` of ``Thresholds.learned_from`` or more, of the task even
    where that is no addition), ``distance_irrelevance``,
    ``gradient_symmetricity`` (when asked for; of a shared embedding, as two can be rotated
    against each other without any change), ``circularity`` of the embedding of a;
    ``share_direct``: of the variance of the logits over answers, the part of the path around
    the neurons; ``votes_explained``: of the variance of the neurons' summed votes, what one
    cosine a cluster explains; ``logits_explained``: the same of the logits,
    ``logits_explained_shuffled``: where each neuron says what another one says.

    ``exact``: preactivations are a part of a plus a part of b. Where they are not,
    ``preact_error`` and ``skip_error`` are the shares of variance beyond such a sum and
    ``accuracy_additive`` is what the sum alone would reach; phases and kinds are of the sum,
    clusters (by activations over pairs), amplitudes, fits and ranks of the network itself.

    ``neurons_by_freq``: dominant frequency of all neurons that hear anything;
    ``neurons_by_pair_freq``: the same of their activations over pairs (``neuron_freqs``), where
    no sum holds the preactivations, else None. Shares of kinds,
    ``share_same_freq`` (input and output led by one frequency), ``median_phase_error``
    (|t_a + t_b - t_d| in turns; chance is .25) and ``median_log_ratio`` (|ln r_a / r_b|) are
    over live neurons. ``separation``: of the clusters' frequencies, section 5.4.
    """

    name: str
    layout: str
    task: Task
    n: int
    num_neurons: int
    as_addition: bool
    solves: bool
    accuracy: float
    loss: float
    margin: float
    exact: bool
    preact_error: float
    skip_error: float
    accuracy_additive: float | None
    norm: float | None
    attention_rate: float | None
    notes: list[str]
    num_live: int
    num_loose: int
    neurons_by_freq: dict[int, int]
    neurons_by_pair_freq: dict[int, int] | None
    clusters: list[ClusterSummary]
    share_simple: float | None
    share_3f: float | None
    share_bent: float | None
    share_fine_tuning: float | None
    share_diffuse: float | None
    share_same_freq: float | None
    median_phase_error: float | None
    median_log_ratio: float | None
    share_direct: float | None
    votes_explained: float | None
    logits_explained: float | None
    logits_explained_shuffled: float | None
    separation: float | None
    distance_irrelevance: float | None
    gradient_symmetricity: float | None
    circularity: float | None

    def as_dict(self) -> dict[str, Any]:
        """All of it as dictionaries and lists, fit for JSON."""
        return asdict(self)


def share_name(kind: str) -> str:
    """The field of a kind's share."""
    return f"share_{kind.replace('-', '_')}"
