"""Numbers of one of paper B's networks: a row for the network and a row for each task."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int

from modlib.analysis.remainders.digit_attention import describe_attention
from modlib.analysis.remainders.task_lens import describe_tasks
from modlib.analysis.remainders.token_embeddings import describe_embeddings
from modlib.models.views.transformer_view import TransformerView


class Described(NamedTuple):
    """``networks``: one row; ``tasks``: a row a task, by ``q``."""

    networks: pd.DataFrame
    tasks: pd.DataFrame


def describe(
    view: TransformerView, targets: Int[np.ndarray, "x task"], held_out: Int[np.ndarray, " number"]
) -> Described:
    """Embeddings, attention and tasks of a network in numbers.

    ``held_out``: numbers that it was never trained on.
    """
    numbers = describe_embeddings(view) | describe_attention(view, targets, held_out)
    tasks = describe_tasks(view, targets, held_out)
    return Described(networks=pd.DataFrame([numbers]), tasks=tasks)
