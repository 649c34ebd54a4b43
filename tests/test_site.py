"""The built pages, read as files: they ask no other host for anything, and images have words."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from jupyter_cache import get_cache

from drawn import out_of_view
from modlib.machine import NOTEBOOKS
from modlib.plots.base import MIME, unpack

SITE = Path(__file__).parents[1] / "_build" / "html"
# Pages of the book, not the snippets that the theme keeps under _static.
PAGES = [page for page in sorted(SITE.rglob("*.html")) if "_static" not in page.parts]

pytestmark = pytest.mark.skipif(
    not (SITE / "index.html").exists(), reason="the book is not built: run `make book`"
)

ANOTHER_HOST = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
LOADING = {
    "audio": ["src"],
    "embed": ["src"],
    "iframe": ["src"],
    "img": ["src", "srcset"],
    "input": ["src"],
    "link": ["href"],
    "object": ["data"],
    "script": ["src"],
    "source": ["src", "srcset"],
    "track": ["src"],
    "video": ["src", "poster"],
}
IN_STYLE = re.compile(r"(?:@import\s+|url\(\s*)[\"']?\s*((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)
FILE_NAME = re.compile(r"^\S+\.(png|svg|jpe?g|gif|webp)$", re.IGNORECASE)


def loaded_from_elsewhere(html: str) -> list[str]:
    """Return what a browser showing this page would ask other hosts for."""
    page = BeautifulSoup(html, "html.parser")
    found = []
    for tag, attributes in LOADING.items():
        for element in page.find_all(tag):
            if tag == "link" and "canonical" in element.get("rel", []):
                continue  # names the page's address, loads nothing
            for attribute in attributes:
                if ANOTHER_HOST.match(element.get(attribute, "")):
                    found.append(f"<{tag} {attribute}={element[attribute]}>")
    styles = [style.get_text() for style in page.find_all("style")]
    styles += [element["style"] for element in page.find_all(style=True)]
    return found + [address for style in styles for address in IN_STYLE.findall(style)]


def images_without_words(html: str) -> list[str]:
    """Return the article's images whose alternative text is missing or only a file name."""
    article = BeautifulSoup(html, "html.parser").find("article")
    images = article.find_all("img") if article else []
    return [
        image.get("src", "")
        for image in images
        if not image.get("alt", "").strip() or FILE_NAME.match(image["alt"].strip())
    ]


def local_targets(html: str) -> list[str]:
    """Return the paths of scripts, styles and images that this page loads from the site."""
    page = BeautifulSoup(html, "html.parser")
    targets = [script["src"] for script in page.find_all("script", src=True)]
    targets += [link["href"] for link in page.find_all("link", rel="stylesheet", href=True)]
    targets += [image["src"] for image in page.find_all("img", src=True)]
    parts = [urlsplit(target) for target in targets]
    return [unquote(part.path) for part in parts if not part.scheme and not part.netloc]


def by_page(found: dict[str, list[str]]) -> str:
    return "\n".join(f"{page}: {', '.join(what)}" for page, what in found.items())


def check_pages(check) -> None:
    found = {str(page.relative_to(SITE)): check(page.read_text("utf-8")) for page in PAGES}
    found = {page: what for page, what in found.items() if what}
    assert not found, by_page(found)


def test_no_page_loads_anything_from_another_host():
    check_pages(loaded_from_elsewhere)


def test_no_style_sheet_loads_anything_from_another_host():
    texts = {
        str(sheet.relative_to(SITE)): sheet.read_text("utf-8") for sheet in SITE.rglob("*.css")
    }
    found = {sheet: IN_STYLE.findall(text) for sheet, text in texts.items()}
    found = {sheet: what for sheet, what in found.items() if what}
    assert not found, by_page(found)


def test_every_image_of_an_article_says_in_words_what_it_shows():
    check_pages(images_without_words)


def test_everything_that_a_page_loads_is_in_the_site():
    found = {}
    for page in PAGES:
        targets = local_targets(page.read_text("utf-8"))
        missing = [target for target in targets if not (page.parent / target).is_file()]
        if missing:
            found[str(page.relative_to(SITE))] = missing
    assert not found, by_page(found)


def test_formulas_are_set_by_a_script_of_the_site():
    pages = [page for page in PAGES if 'class="math' in page.read_text("utf-8")]
    for page in pages:
        assert any("mathjax" in target for target in local_targets(page.read_text("utf-8"))), page


def formulas_left_as_text(html: str) -> list[str]:
    """What stands between dollars in an article, outside code and values in the reference."""
    page = BeautifulSoup(html, "html.parser")
    article = page.find("article") or page
    for part in article.select("script, pre, code, .sig"):
        part.decompose()
    return re.findall(r"\$[^$\n]{1,80}\$", article.get_text())


def test_no_formula_is_left_between_dollars():
    check_pages(formulas_left_as_text)


def test_no_notebook_is_published_without_having_run():
    for page in PAGES:
        assert "CellExecutionError" not in page.read_text("utf-8"), page


def test_every_link_inside_the_site_leads_somewhere():
    soups = {page: BeautifulSoup(page.read_text("utf-8"), "html.parser") for page in PAGES}
    names = {page: {tag["id"] for tag in soup.find_all(id=True)} for page, soup in soups.items()}
    found: dict[str, list[str]] = {}
    for page, soup in soups.items():
        article = soup.find("article")
        for link in article.find_all("a", href=True) if article else []:
            parts = urlsplit(link["href"])
            if parts.scheme or parts.netloc:
                continue
            there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            known = names.get(there)
            if not there.is_file() or (parts.fragment and known and parts.fragment not in known):
                found.setdefault(str(page.relative_to(SITE)), []).append(link["href"])
    assert not found, by_page(found)


def chapters():
    """Every chapter's page and what is in it."""
    for page in PAGES:
        if page.parent.name == "notebooks":
            yield page, BeautifulSoup(page.read_text("utf-8"), "html.parser")


@pytest.mark.parametrize("kind", ["figure", "table"])
def test_figures_and_tables_are_numbered_by_chapter(kind):
    assert any(soup.select(f"{kind} .caption-number") for _, soup in chapters())
    for page, soup in chapters():
        numbers = [tag.get_text().split()[-1] for tag in soup.select(f"{kind} .caption-number")]
        chapter = str(int(page.stem[:2]))
        assert numbers == [f"{chapter}.{i}" for i in range(1, len(numbers) + 1)], page


def told_of(soup: BeautifulSoup) -> list[str]:
    """Names that the running text of a page links to by a number, "7.3"."""
    return [
        link["href"].removeprefix("#")
        for link in soup.select("article p a.internal[href^='#']")
        if re.search(r"\d+\.\d+$", link.get_text()) and not link.find_parent("figcaption")
    ]


def test_every_figure_and_table_of_a_chapter_is_told_of_in_its_text():
    found = {}
    for page, soup in chapters():
        shown = [
            tag["id"]
            for tag in soup.select("figure[id], table[id]")
            if tag.select_one(".caption-number")
        ]
        assert shown, page
        missing = set(shown) - set(told_of(soup))
        if missing:
            found[page.name] = sorted(missing)
    assert not found, by_page(found)


def test_the_scoreboard_leads_to_figures_and_they_lead_back():
    scoreboard = SITE / "book" / "scoreboard.html"
    soup = BeautifulSoup(scoreboard.read_text("utf-8"), "html.parser")
    pages = {page.name: figures for page, figures in chapters()}
    rows = soup.select(".claim")
    with_figure = 0
    for row in rows:
        for link in row.select(".claim-links a[href*='#fig']"):
            page, label = link["href"].split("/")[-1].split("#")
            back = pages[page].select(f"figure#{label} .figure-claims a")
            assert any(one["href"].endswith(f"#{row['id']}") for one in back), link["href"]
            with_figure += 1
    assert with_figure > 0.8 * len(rows) > 0


def test_the_code_of_a_chapter_is_folded_but_for_its_parameters():
    for page, soup in chapters():
        shown = [cell for cell in soup.select("div.cell_input") if not cell.find_parent("details")]
        assert all(cell.find_parent(class_="tag_parameters") for cell in shown), page


@pytest.mark.parametrize("chapter", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_what_a_figure_draws_lies_within_its_panels(chapter):
    cache = get_cache(SITE.parent / ".jupyter_cache")
    try:
        record = cache.match_cache_file(str(chapter))
    except KeyError:
        pytest.skip("changed since the book was built")
    executed = cache.get_cache_bundle(record.pk).nb
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    packed = [output.data[MIME] for output in outputs if MIME in output.get("data", {})]
    assert packed
    assert [lost for one in packed if (lost := out_of_view(unpack(one)))] == []
