"""What live figures take in the Chromium of this system: opening, dragging, training.

python benchmarks/live_figures.py [--json] [--no-training]

``first_ms``: milliseconds from opening a page to the first answer to a slider that is moved as
soon as the page has loaded; ``after_load_ms``: those of them after its loading. ``frames``: frames
a second while the pair is dragged across chapter 7's figure. ``training_s``: seconds until chapter
1's figure has a network at n = 59 right on every pair; ``training_cpu_s``: those of processor time
that pages took meanwhile, which is the number to compare on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from modlib import AdditionConfig, get_or_train, widgets

SEED = 133
MOVES = 120
PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><body style="width: 688px">{}</body>'
AT_ONCE = """addEventListener("load", async () => {
  const slider = document.querySelector("[type=range][name=a]"), loaded = performance.now();
  if (!slider) return;
  slider.value = Number(slider.value) + 1;
  slider.dispatchEvent(new Event("input"));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  window.answered = [performance.now(), performance.now() - loaded];
});"""
COUNTING = """
window.framesSeen = 0;
(function next() { framesSeen += 1; requestAnimationFrame(next); })();
"""
NOW = "[performance.now(), framesSeen]"
HANDLE = "document.querySelector('.modlib-live > div').live"


def opened(browser: Browser, folder: Path, name: str, html: str) -> Page:
    """A page of one figure."""
    path = folder / f"{name}.html"
    path.write_text(PAGE.format(html), encoding="utf-8")
    page = browser.new_page()
    page.set_default_timeout(1_800_000)
    page.add_init_script(AT_ONCE)
    page.goto(path.as_uri())
    return page


def frames(page: Page) -> float:
    """Frames a second while a mouse is dragged across the waves."""
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    y = box["y"] + 100
    page.evaluate(COUNTING)
    page.mouse.move(box["x"] + 8, y)
    page.mouse.down()
    start = page.evaluate(NOW)
    for step in range(MOVES):
        page.mouse.move(box["x"] + 8 + step * (box["width"] - 16) / MOVES, y)
    stop = page.evaluate(NOW)
    page.mouse.up()
    return float(1000 * (stop[1] - start[1]) / (stop[0] - start[0]))


def renderer_seconds(browser: Browser) -> float:
    """Processor time of all pages so far."""
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return sum(one["cpuTime"] for one in found["processInfo"] if one["type"] == "renderer")


def training(browser: Browser, page: Page) -> dict[str, float]:
    """Seconds, and those of the processor, until every pair is right; epochs; steps a second."""
    began = renderer_seconds(browser)
    start = page.evaluate("performance.now()")
    page.click("[name=start]")
    page.wait_for_function(f"{HANDLE}.states.at(-1)?.accuracy.every((share) => share === 1)")
    last = f"{HANDLE}.states.at(-1)"
    return {
        "training_s": (page.evaluate("performance.now()") - start) / 1000,
        "training_cpu_s": renderer_seconds(browser) - began,
        "epochs": page.evaluate(f"{last}.epoch"),
        "steps_per_second": page.evaluate(f"{last}.rate"),
    }


def chromium() -> str | None:
    """The system's Chromium: $CHROMIUM, or what lies on the path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def measured(program: str, with_training: bool) -> dict[str, Any]:
    """All numbers of one run."""
    run = get_or_train(AdditionConfig(), seed=SEED)
    figures = {
        "crests": widgets.approximate_crt(run),
        "drop": widgets.drop_a_file({"ours": run.view}, run.config, SEED),
        "unit": widgets.turn_the_unit(run),
        "choir": widgets.choir_on_a_wheel(run),
    }
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        found: dict[str, Any] = {"first_ms": {}, "after_load_ms": {}}
        for kind, figure in figures.items():
            page = opened(browser, folder, kind, figure.html())
            page.wait_for_function("window.answered")
            first, after = page.evaluate("answered")
            found["first_ms"][kind], found["after_load_ms"][kind] = round(first), round(after)
            if kind == "crests":
                found["frames"] = frames(page)
            page.close()
        if with_training:
            page = opened(browser, folder, "trainer", widgets.train_yourself(run).html())
            found |= training(browser, page)
        browser.close()
    return found


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-training", action="store_true")
    options = parser.parse_args()
    program = chromium()
    if program is None:
        return print("no Chromium: install `chromium`, or name it in $CHROMIUM")
    found = measured(program, not options.no_training)
    if options.json:
        return print(json.dumps(found))
    for name, value in found.items():
        print(f"{name}: {value if isinstance(value, dict) else f'{value:.1f}'}")


if __name__ == "__main__":
    main()
