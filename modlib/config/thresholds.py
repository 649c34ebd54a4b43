"""Where this book draws a line: each threshold once, with what it is, whence, and what rests on it.

Analyses take them as an argument, ``thresholds=replace(DEFAULT, min_size=5)``, or one by its own
name where a function needs no other. Tables and claims were made with ``DEFAULT``; with others they
have to be made anew. The page "Thresholds" of the book is written from this list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from modlib.config.rules import Rule, number, settle, whole

OURS = "ours"


class Known(NamedTuple):
    """What is known of a threshold: name, value, what it is, its unit and who draws the line.

    ``taken_by``: functions that take it as an argument, none where tables hold all that is needed
    to draw it anew. ``tables`` were made with it; the ``claims`` name it in rule or measurement.
    """

    name: str
    value: float
    help: str
    unit: str
    source: str
    taken_by: tuple[str, ...]
    tables: tuple[str, ...]
    claims: tuple[str, ...]


def threshold(
    default: Any,
    rule: Rule,
    help: str,
    *,
    unit: str,
    taken_by: Sequence[str],
    source: str = OURS,
    tables: Sequence[str] = (),
    claims: Sequence[str] = (),
) -> Any:
    """A field of ``Thresholds``: its default, the rule it is held to, and what ``Known`` tells.

    ``tables``: file names of ``results/``; ``claims``: ids of the ledger.
    """
    told = {"unit": unit, "source": source, "taken_by": tuple(taken_by)}
    rests = {"tables": tuple(tables), "claims": tuple(claims)}
    kept = {"rule": rule, "help": help, "unset": None}
    return field(default=default, metadata=kept | told | rests)


SHARE = number(0.0, 1.0)
CLUSTERS_BY = "analysis.meso.clusters.cluster_neurons"
BY_PAIRS = "analysis.meso.pair_clusters.cluster_by_pairs"
ASKED = "analysis.any_network.battery"
KINDS_BY = ("analysis.micro.neurons.neuron_table", CLUSTERS_BY)
KINDS = ("neurons", "clusters", "networks", "summary", "votes", "shifts")
"""Tables that hold kinds of neurons, or clusters found by them."""
ADDERS = ("additive", "one_wave", "phase_sum", "clusters", "disjoint", "replace")


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """All of them; raises ``InputError`` for one that breaks its rule."""

    simple_below: float = threshold(
        0.12,
        SHARE,
        "Residual under which a neuron is simple.",
        unit="root of the share of its inputs' power off its frequency",
        taken_by=KINDS_BY,
        tables=KINDS,
        claims=("A.sec4.most_simple", "A.fig18.remap", "A2.pizza.remap"),
    )
    fine_tuning_from: float = threshold(
        0.30,
        SHARE,
        "Residual from which a neuron is no longer told by one frequency, and is fine-tuning.",
        source="ours; paper A, appendix B.3.1, takes a window of magnitudes instead, 7.5 to 30",
        unit="root of the share of its inputs' power off its frequency",
        taken_by=KINDS_BY,
        tables=(*KINDS, "fine_tuning"),
        claims=(
            *("A.sec4.fine_tuning_optional", "A.fig2.fine_tuning.order", "A.fig25.bound"),
            *("A2.fine_tuning.order", "A2.fig25.exact", "A2.half_period"),
        ),
    )
    dead_below: float = threshold(
        0.03,
        SHARE,
        "Strength under which a neuron is dead.",
        unit="of the strongest neuron's",
        taken_by=(*KINDS_BY, BY_PAIRS, ASKED),
        tables=KINDS,
    )
    harmonic_share: float = threshold(
        0.8,
        SHARE,
        "Share of power that the few strongest frequencies of a neuron that is not diffuse hold.",
        unit="share of its inputs' power",
        taken_by=KINDS_BY,
        tables=KINDS,
    )
    harmonic_count: int = threshold(
        6,
        whole(1),
        "How many frequencies these are, at most.",
        unit="frequencies",
        taken_by=KINDS_BY,
        tables=KINDS,
    )
    noise: float = threshold(
        1e-3,
        SHARE,
        "Share of neurons that hear noise of which a spectrum may be taken for one of few.",
        unit="probability",
        taken_by=KINDS_BY,
        tables=KINDS,
    )
    min_size: int = threshold(
        3,
        whole(1),
        "Fewest neurons that make a cluster.",
        unit="neurons",
        taken_by=(CLUSTERS_BY, BY_PAIRS, ASKED),
        tables=KINDS[1:],
    )
    majority: float = threshold(
        0.75,
        number(0.5, 1.0),
        "Share of a cluster's neurons that must be of one class for the cluster to be of it.",
        unit="share of its neurons",
        taken_by=(CLUSTERS_BY, BY_PAIRS),
        tables=("clusters",),
    )
    same_family: float = threshold(
        0.5,
        SHARE,
        "Likeness of power spectra from which two fine-tuning neurons are of one family.",
        unit="cosine similarity",
        taken_by=(CLUSTERS_BY,),
        tables=KINDS[1:],
    )
    coset: float = threshold(
        0.5,
        number(-1.0, 1.0),
        "Height of a crest: votes from which an answer is in a cluster's approximate coset.",
        source="ours; paper A, section 5.2, names none",
        unit="of the cluster's highest vote",
        taken_by=("analysis.meso.clusters.in_coset", "analysis.macro.crt.growing_sets"),
        claims=("A.sec55.pizza_cosets", "A2.pizza.cosets"),
    )
    part_of: float = threshold(
        0.05,
        SHARE,
        "Share of power from which a leading frequency is a part of a fine-tuning neuron.",
        unit="share of its inputs' power",
        taken_by=(),
        claims=("A2.fig28.harmonic", "A2.fig28.multiples", "A2.origin"),
    )
    circular_below: float = threshold(
        0.25,
        SHARE,
        "Spread of the squared radius under which two components lie on a circle.",
        unit="standard deviation over mean; 1/2 for cosines of two frequencies",
        taken_by=(
            "analysis.micro.embeddings.component_pairs",
            "analysis.micro.embeddings.pair_picture",
        ),
        tables=("networks",),
        claims=("A2.fig8.circular",),
    )
    one_frequency_from: float = threshold(
        0.5,
        SHARE,
        "Share of power from which a component of the embeddings is of one frequency.",
        unit="share of the component's power",
        taken_by=(
            "analysis.micro.embeddings.component_pairs",
            "analysis.micro.embeddings.coset_table",
        ),
        claims=("A2.fig8.circular",),
    )
    learned_from: float = threshold(
        0.999,
        SHARE,
        "Held-out accuracy at which a run that once reached 100 % may end: late spikes are brief.",
        unit="share of held-out pairs",
        taken_by=("tasks.learned.outcome", ASKED),
        tables=("networks",),
        claims=("A.sec4.accuracy.n91", "A.sec4.accuracy.n89", "A2.accuracy"),
    )
    task_learned: float = threshold(
        0.99,
        SHARE,
        "Validation accuracy from which one task of paper B's network counts as learned.",
        unit="share of held-out numbers",
        taken_by=(
            "analysis.remainders.grokking.first_steps",
            "analysis.remainders.grokking.seed_steps",
        ),
    )
    tasks_learned: float = threshold(
        0.9,
        SHARE,
        "Mean accuracy over the tasks from which such a network is looked at as one that learned.",
        unit="share of held-out numbers",
        taken_by=(),
        claims=tuple(f"B2.{one}" for one in ADDERS),
    )
    votes_held: float = threshold(
        0.5,
        SHARE,
        "Share of a task's positive votes that its own neurons hold, the fewest that do.",
        unit="share of positive votes",
        taken_by=("analysis.remainders.task_lens.own_neurons",),
        tables=("tasks",),
    )
    one_wave: float = threshold(
        0.8,
        SHARE,
        "Share of its preactivation's variance from which on a neuron is of one wave.",
        unit="share of variance",
        taken_by=("analysis.remainders.adders.of_one_wave",),
        claims=tuple(f"B2.{one}" for one in ("one_wave", "phase_sum", "clusters", "disjoint")),
    )
    broken: float = threshold(
        0.6,
        SHARE,
        "Accuracy under which a task counts as broken.",
        unit="share of numbers",
        taken_by=("analysis.remainders.circuits.smallest_sets",),
        tables=("tasks",),
        claims=("B2.disjoint",),
    )
    keeps: float = threshold(
        0.999,
        SHARE,
        "Accuracy from which a network can do without a cluster.",
        unit="share of all pairs",
        taken_by=("analysis.many_seeds.redundancy.redundancy",),
        claims=("A2.sec6.redundancy",),
    )
    keep: float = threshold(
        0.99,
        SHARE,
        "Share of a network's accuracy that the smallest set of its clusters keeps.",
        unit="of its accuracy",
        taken_by=("analysis.meso.keep_only.smallest_set",),
    )

    def __post_init__(self) -> None:
        settle(self)


DEFAULT = Thresholds()
"""The book's."""


def known() -> Iterator[Known]:
    """What is known of every threshold, in their order, with the book's value."""
    for one in fields(Thresholds):
        told = {name: one.metadata[name] for name in Known._fields if name in one.metadata}
        yield Known(name=one.name, value=getattr(DEFAULT, one.name), **told)
