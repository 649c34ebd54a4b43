"""The front-end modules as JupyterLab loads them: imported, and given a model by its host."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from made_up.crooked import crooked_run
from made_up.sweeps import made_up
from modlib import widgets
from modlib.models.foreign.load import from_tensors
from modlib.results.remainders import read_remainders
from modlib.results.shown import ablated_networks
from modlib.widgets.live import as_json


def addition_of_digits():
    """Paper B's small network of one task, and what it was asked."""
    run = read_remainders("B37-nanda").run
    return run.view, run.task


RENDER = """
async ([source, state]) => {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { default: figure } = await import(address);
  for (const [name, value] of Object.entries(state))
    if (typeof value?.base64 === "string")
      state[name] = new DataView(
        Uint8Array.from(atob(value.base64), (sign) => sign.charCodeAt(0)).buffer);
  const listeners = [], saved = [];
  const model = {
    get: (name) => state[name],
    set: (name, value) => {
      state[name] = value;
      listeners.filter(([event]) => event === `change:${name}`).forEach(([, heard]) => heard());
    },
    on: (event, heard) => listeners.push([event, heard]),
    save_changes: () => saved.push({ ...state }),
  };
  const el = document.body.appendChild(document.createElement("div"));
  figure.render({ model, el });
  const slider = el.querySelector("[type=range]:not([name=state])");
  if (slider) {
    slider.value = slider.max;
    slider.dispatchEvent(new Event("input"));
  }
  return [el.className, el.querySelectorAll("canvas").length, saved.length];
}
"""


@pytest.mark.parametrize(
    "make",
    [
        widgets.approximate_crt,
        widgets.break_it,
        widgets.choir_on_a_wheel,
        lambda run: widgets.train_yourself(run, n=7),
        lambda run: widgets.number_spiral(),
        lambda run: widgets.film_of_tasks({"": read_remainders("B37").run.history}),
        lambda run: widgets.who_works_for_whom(*addition_of_digits()),
        lambda run: widgets.training_desk(ablated_networks(["B37", "B37-lambda-2"], p=37)),
        lambda run: widgets.what_a_row_sings({"": read_remainders("B37-nanda").run}),
        widgets.turn_the_unit,
        widgets.turn_the_cloud,
        lambda run: widgets.draw_frequencies(11, {}),
        lambda run: widgets.company_of(made_up(n=35, num_seeds=9)),
        lambda run: widgets.two_hands([from_tensors(run.weights)], pd.DataFrame()),
    ],
    ids=[
        *("crests", "breaker", "choir", "trainer", "spiral", "film", "workers", "desk", "song"),
        *("unit", "cloud", "draw", "company", "hands"),
    ],
)
def test_a_module_is_imported_and_tells_python_of_what_changes(opened, written, make):
    figure = make(crooked_run())
    page = opened(written("empty", ""))
    state = json.loads(as_json(figure.state()))
    name, canvases, saved = page.evaluate(RENDER, [figure._esm, state])
    assert name == "modlib-live"
    assert canvases >= 1
    assert saved == (0 if figure.NAME in ("trainer", "desk") else 1)
