"""The front-end modules as JupyterLab loads them: imported, and given a model by its host."""

from __future__ import annotations

import json

import pytest
from every_figure import CASES

from modlib.widgets.live import as_json

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
  el.querySelector("input, select, button").focus();
  const own = "lmSuppressShortcuts" in document.activeElement.dataset;
  return [el.className, el.querySelectorAll("canvas").length, saved.length, own];
}
"""


@pytest.mark.parametrize("name", CASES)
def test_a_module_is_imported_and_tells_python_of_what_changes(opened, written, name):
    figure = CASES[name].make()
    page = opened(written("empty", ""))
    state = json.loads(as_json(figure.state()))
    label, canvases, saved, hears_keys = page.evaluate(RENDER, [figure._esm, state])
    assert label == "modlib-live"
    assert canvases >= 1
    assert hears_keys, "JupyterLab would take an arrow key for its cells"
    assert saved == (0 if figure.NAME in ("trainer", "desk") else 1)
