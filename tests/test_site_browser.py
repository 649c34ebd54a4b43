"""The built pages in a browser: what a reader sees at a desk and on a phone, light and dark.

Needs Chromium on the machine (or ``CHROMIUM``, its path) and the book built. No server: pages are
opened as files, which is also how a reader may keep them.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

SITE = Path(__file__).parents[1] / "_build" / "html"
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ROOMS = sorted((SITE / "book" / "api").glob("*.html"), key=lambda page: page.stat().st_size)
"""Pages of the reference, which are made alike: the heaviest stands for all."""
PAGES = [
    page
    for folder in ("notebooks", "book")
    for page in sorted((SITE / folder).glob("*.html"))
    if page.stem != "index"
] + [SITE / "book" / "index.html", *ROOMS[-1:]]
DESK, PHONE = (1280, 900), (390, 844)
SMALLEST = {DESK: 10.0, PHONE: 9.0}
"""Pixels of the smallest letters of a figure, by screen; raised letters of formulas aside."""
FIRST_FIGURE = 900
"""Pixels from the top by which a chapter shows its first figure."""
BASE_WEIGHT = 3_000_000
"""Bytes of a page without its figures, unpacked."""

pytestmark = [
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="the book is not built"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

LETTERS = re.compile(r"scale\((0\.\d+) -0\.\d+\)")
"""How a drawing places a text: letters have a hundred units, scaled to points."""
MEASURE = """() => {
  const wide = innerWidth;
  const scroller = (node) => {
    for (let e = node; e && e !== document.body; e = e.parentElement) {
      const how = getComputedStyle(e).overflowX;
      if ((how === 'auto' || how === 'scroll') && e.scrollWidth > e.clientWidth) {
        return e.tabIndex >= 0 ? 'focusable' : 'mute';
      }
    }
    return '';
  };
  const cut = [];
  const kinds = '.bd-article :is(p, img, pre, table, mjx-container, h1, h2)';
  for (const node of document.querySelectorAll(kinds)) {
    const box = node.getBoundingClientRect();
    if (!box.width || !node.checkVisibility()) continue;
    if (box.right > wide + 1 && scroller(node) !== 'focusable') {
      cut.push(node.tagName + ' ' + (node.textContent || node.alt || '').trim().slice(0, 40));
    }
  }
  const figures = [...document.querySelectorAll('.book-figure img')]
    .filter((img) => img.checkVisibility())
    .map((img) => ({
      source: [...img.parentElement.querySelectorAll('source')]
        .filter((one) => matchMedia(one.media).matches)
        .map((one) => one.getAttribute('srcset')).concat(img.getAttribute('src'))[0]
        .split('/').pop(),
      shown: img.getBoundingClientRect().width,
      lazy: img.loading === 'lazy', sized: img.hasAttribute('width') && img.hasAttribute('height'),
    }));
  const first = Math.min(...[...document.querySelectorAll('.book-figure img, .modlib-live')]
    .filter((node) => node.checkVisibility())
    .map((node) => node.getBoundingClientRect().top + scrollY));
  return {cut, figures, first, body: document.scrollingElement.scrollWidth};
}"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=[DESK, PHONE], ids=["desk", "phone"])
def screen(request):
    return request.param


@pytest.fixture(scope="module", params=["light", "dark"])
def theme(request):
    return request.param


class Seen:
    """A page that was opened: what it said and asked for; without a theme: on a first visit."""

    def __init__(self, browser, path, screen, theme):
        self.context = browser.new_context(viewport={"width": screen[0], "height": screen[1]})
        if theme is not None:
            settings = f"setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
            self.context.add_init_script(f"localStorage.{settings}")
        self.page = self.context.new_page()
        self.errors, self.asked = [], []
        self.page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri(), wait_until="load")
        self.page.wait_for_function(
            "() => !window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)"
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.mark.parametrize("path", PAGES, ids=lambda page: page.stem)
def test_a_page_as_a_reader_sees_it(browser, path, screen, theme):
    with Seen(browser, path, screen, theme) as seen:
        measured = seen.page.evaluate(MEASURE)
        found = [f"error: {text}" for text in seen.errors]
        found += [
            f"asks for {url}"
            for url in seen.asked
            if not url.startswith(("file:", "data:", "blob:"))
        ]
        if measured["body"] > screen[0] + 1:
            found.append(f"the page is {measured['body']} px wide")
        found += [f"cut: {what}" for what in measured["cut"]]
        for figure in measured["figures"]:
            found += small_letters(figure, screen)
            if not (figure["lazy"] and figure["sized"]):
                found.append(f"{figure['source']}: loaded at once or without a size")
        assert not found, "\n".join(found)


@pytest.mark.parametrize("path", PAGES[-1:] + PAGES[:1], ids=lambda page: page.stem)
def test_a_first_visit_has_no_errors(browser, path):
    """The reader has chosen no theme yet."""
    with Seen(browser, path, DESK, None) as seen:
        assert seen.errors == []


def small_letters(figure, screen):
    """A line for a figure whose smallest letters are below the bound on this screen."""
    drawing = SITE / "_images" / figure["source"]
    if drawing.suffix != ".svg":
        return []
    text = drawing.read_text(encoding="utf-8")
    natural = float(re.search(r'width="([\d.]+)pt"', text)[1]) * 96 / 72
    scales = [float(scale) for scale in LETTERS.findall(text)]
    if not scales:
        return []
    pixels = min(scales) * 100 * 96 / 72 * min(1.0, figure["shown"] / natural)
    if pixels >= SMALLEST[screen] - 0.05:
        return []
    return [f"{figure['source']}: letters of {pixels:.1f} px"]


@pytest.mark.parametrize(
    "path", [p for p in PAGES if p.parent.name == "notebooks"], ids=lambda page: page.stem
)
def test_the_first_figure_of_a_chapter_is_near(browser, path):
    with Seen(browser, path, DESK, "light") as seen:
        measured = seen.page.evaluate(MEASURE)
        assert measured["figures"], "no figure"
        assert measured["first"] < FIRST_FIGURE


@pytest.mark.parametrize("path", PAGES, ids=lambda page: page.stem)
def test_a_page_is_light_before_its_figures(browser, path):
    with Seen(browser, path, DESK, "light") as seen:
        loaded = {url.split("#")[0] for url in seen.asked if url.startswith("file:")}
        files = [Path(url.removeprefix("file://").split("?")[0]) for url in loaded]
        weight = sum(f.stat().st_size for f in files if f.exists() and "_images" not in f.parts)
        assert weight < BASE_WEIGHT, f"{weight / 1e6:.1f} MB"


@pytest.mark.parametrize("path", PAGES, ids=lambda page: page.stem)
def test_a_page_can_be_read_by_everyone(browser, path, screen):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa"]}}
    with Seen(browser, path, screen, "light") as seen:
        found = axe.Axe().run(seen.page, options=rules).response["violations"]
        told = [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"][:3]]
        assert not told, "\n".join(told)


def test_the_ledger_is_filtered_without_a_server(browser):
    with Seen(browser, SITE / "book" / "scoreboard.html", PHONE, "light") as seen:
        rows = seen.page.locator(".claim:visible")
        everything = rows.count()
        seen.page.get_by_label("paper").select_option("B")
        only_b = rows.count()
        assert 0 < only_b < everything
        seen.page.get_by_label("words").fill("dropout")
        assert 0 < rows.count() < only_b
        seen.page.get_by_label("order").select_option("verdict")
        assert rows.count() > 0
        assert not seen.errors


@pytest.mark.parametrize("word", ["pizza", "coset", "dropout", "phase"])
def test_a_search_finds_chapters_first_without_a_server(browser, word):
    with Seen(browser, SITE / "book" / "index.html", DESK, "light") as seen:
        seen.page.keyboard.press("Control+k")
        seen.page.keyboard.type(word)
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_selector("#search-results li p.context")
        first = seen.page.locator("#search-results li").first
        assert "notebooks/" in first.locator("a").first.get_attribute("href")
        assert word in first.locator("p.context").inner_text().lower()
        first.locator("a").first.click()
        seen.page.wait_for_url("**/notebooks/*")
        assert word in seen.page.locator("article").first.inner_text().lower()
        assert not seen.errors


def test_the_switch_for_code_is_remembered(browser):
    chapter = next(page for page in PAGES if page.parent.name == "notebooks")
    with Seen(browser, chapter, DESK, "light") as seen:
        folds = seen.page.locator("details.hide")
        assert folds.count()
        assert not seen.page.locator("details.hide[open]").count()
        seen.page.get_by_role("button", name="Show code").click()
        seen.page.reload()
        assert seen.page.locator("details.hide[open]").count() == folds.count()


def test_a_figure_is_enlarged_and_closed_by_the_keyboard(browser):
    chapter = next(page for page in PAGES if page.parent.name == "notebooks")
    with Seen(browser, chapter, PHONE, "light") as seen:
        seen.page.get_by_role("button", name="Enlarge").first.click()
        assert seen.page.locator("dialog[open] img").is_visible()
        seen.page.keyboard.press("Escape")
        assert not seen.page.locator("dialog[open]").count()
