"""Sentences with measured numbers, true of any run: odd ones are explained, not hidden."""

from modlib.prose.common import (
    about_choice,
    about_clusters,
    about_coset,
    about_fine_tuning,
    about_parity,
    about_run,
    count,
    listed,
    not_learned,
    percent,
)

__all__ = [
    "about_choice",
    "about_clusters",
    "about_coset",
    "about_fine_tuning",
    "about_parity",
    "about_run",
    "count",
    "listed",
    "not_learned",
    "percent",
]
