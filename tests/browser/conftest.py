"""A browser of the system, without a network; pages made of nothing but a live figure's HTML."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>A live figure</title>
<style>body {{ max-width: 688px; margin: 0 auto; padding: 0 8px; font-family: sans-serif }}
html[data-theme="dark"] body {{ background: #121212; color: #eee }}</style></head>
<body>{body}</body></html>"""


def chromium() -> str | None:
    """The system's Chromium: $CHROMIUM, or what lies on the path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if chromium() is None:
        for item in items:
            if "browser" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="no Chromium: install `chromium`"))


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser) -> Iterator[Callable]:
    """Opens a file as a page; at the end no page has asked for the network or met an error."""
    contexts, wrong = [], []

    def open_page(path: Path, width: int = 1280, address: str = "", **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        context.set_default_timeout(120_000)

        def only_files(route):
            if route.request.url.startswith(("file:", "data:", "blob:")):
                return route.continue_()
            wrong.append(f"asked for {route.request.url}")
            return route.abort()

        context.route("**/*", only_files)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda told: told.type == "error" and wrong.append(told.text))
        page.goto(f"{path.as_uri()}{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> Callable[[str, str], Path]:
    """Writes a page that holds this HTML."""
    folder = tmp_path_factory.mktemp("pages")

    def write(name: str, body: str) -> Path:
        path = folder / f"{name}.html"
        path.write_text(PAGE.format(body=body), encoding="utf-8")
        return path

    return write
