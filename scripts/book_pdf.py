"""Print the built book as one PDF: `make pdf`, after `make book`.

The pages' articles are joined in the order of the contents, code and tools left out, and printed
by the Chromium of this machine (``CHROMIUM`` names another). Figures stay vectors. The reference
of the code is not printed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urldefrag

import yaml
from bs4 import BeautifulSoup, Tag

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
TARGET = SITE / "book.pdf"
LEFT_OUT = ("book/api",)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 170
STYLE = """
@page { size: A4; margin: 18mm 17mm 20mm;
        @bottom-center { content: counter(page); font: 9pt sans-serif; } }
body { font-size: 10.5pt; background: white; color: black; }
article { break-before: page; }
h1, h2, h3 { break-after: avoid; }
figure, .claim, table { break-inside: avoid; }
figure img { max-width: 100%; max-height: 210mm; width: auto; height: auto; }
.contents ul { list-style: none; padding: 0; }
.contents li { margin: 0.2rem 0; }
a { color: #1259c3; text-decoration: none; }
"""


def pages() -> list[str]:
    """The pages in the order of the contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = [toc["root"]]
    found += [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [page for page in found if page not in LEFT_OUT]


def name(page: str) -> str:
    return page.replace("/", "-")


def printable(page: str, known: set[str]) -> tuple[Tag, str]:
    """A page's article with names and addresses that hold in the joined file, and its title."""
    path = SITE / f"{page}.html"
    article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select_one(
        "article.bd-article"
    )
    if article is None:
        raise SystemExit(f"{path} has no article: run `make book` first")
    for tag in article.select(
        "details.hide, .how-to-run, .figure-tools, picture.only-dark, picture > source,"
        " .headerlink, script, button"
    ):
        tag.decompose()
    for tag in article.select("[id]"):
        tag["id"] = f"{name(page)}--{tag['id']}"
    for image in article.select("img[src]"):
        image["src"] = relative(path, image["src"])
        image.attrs.pop("loading", None)
    for link in article.select("a[href]"):
        address, fragment = urldefrag(link["href"])
        if ":" in address:
            continue
        target = relative(path, address).removesuffix(".html") if address else page
        if target in known:
            link["href"] = f"#{name(target)}" + (f"--{fragment}" if fragment else "")
        else:
            del link["href"]
    article["id"] = name(page)
    heading = article.find("h1")
    return article, heading.get_text() if heading else page


def relative(page: Path, address: str) -> str:
    if address.startswith("data:"):
        return address
    return os.path.relpath((page.parent / address).resolve(), SITE)


def joined() -> str:
    """The whole book as one page."""
    order = pages()
    articles = [printable(page, set(order)) for page in order]
    contents = "".join(
        f'<li><a href="#{name(page)}">{title}</a></li>'
        for page, (_, title) in zip(order, articles, strict=True)
    )
    head = BeautifulSoup((SITE / f"{order[1]}.html").read_text(encoding="utf-8"), "html.parser")
    where = SITE / f"{order[1]}.html"
    links = [
        f'<link rel="stylesheet" href="{relative(where, sheet["href"].split("?")[0])}">'
        for sheet in head.select('link[rel="stylesheet"]')
    ]
    scripts = [
        str(script)
        for script in head.select("script")
        if "MathJax" in script.get_text() and not script.get("src")
    ]
    scripts += [
        f'<script defer src="{relative(where, script["src"].split("?")[0])}"></script>'
        for script in head.select("script[src]")
        if "mathjax" in script["src"]
    ]
    body = "\n".join(str(article) for article, _ in articles)
    return (
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>How networks add modulo n</title>{''.join(links + scripts)}"
        f'<style>{STYLE}</style></head><body class="bd-content">'
        f'<nav class="contents"><h1>Contents</h1><ul>{contents}</ul></nav>{body}</body></html>'
    )


def main() -> None:
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("make pdf needs Chromium on this machine; CHROMIUM names its path")
    if not (SITE / "index.html").exists():
        raise SystemExit("the book is not built: run `make book` first")
    page = SITE / "book-to-print.html"
    page.write_text(joined(), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    options += ["--generate-pdf-document-outline", "--virtual-time-budget=120000"]
    try:
        subprocess.run(
            [browser, *options, f"--print-to-pdf={TARGET}", page.as_uri()],
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )
    finally:
        page.unlink()
    print(f"The book lies in {TARGET} ({TARGET.stat().st_size / 1e6:.0f} MB)")


if __name__ == "__main__":
    sys.exit(main())
