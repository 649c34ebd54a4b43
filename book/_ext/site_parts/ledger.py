"""Rows of the ledger as cards: found, filtered and led to from everywhere.

``claims.pages`` writes a row as two lines and a closed element with the rest; so it reads in
JupyterLab too. Here such a row becomes one element of the page, with a name to lead to, links to
the chapter, to the scoreboard and to the figure of which it speaks, and with what the scoreboard's
filter asks for. The index sums all of them up.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from modlib.claims.register import Claim, load_claims, load_figures, load_shown_by
from modlib.claims.verdict import MARKS

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.writers.html5 import HTML5Translator

SCOREBOARD = "book/scoreboard"
MOST = 5
"""Rows that the index tells in a sentence each."""
SUMMARY = re.compile(r"<details><summary>Details of <code>([\w.]+)</code>")
FIGURE = re.compile(r"figures? (\d+[a-z]?)")
WORDS = {
    "agrees": "agree with the paper",
    "differs": "differ",
    "undecided": "are undecided",
    "pending": "are pending: networks are still to come",
}


class claim_card(nodes.General, nodes.Element):
    """A row of the ledger: ``claim`` is its id, ``verdict`` a word."""


class claim_links(nodes.General, nodes.Element):
    """Where a row's links go once every page is read."""


class ledger_summary(nodes.General, nodes.Element):
    """Counts of verdicts and the rows that ``chosen`` names."""


class LedgerSummary(SphinxDirective):
    """``{ledger-summary}``: counts of verdicts, and the first ``MOST`` of its lines' rows.

    Rows whose networks are still to come give way to those that have a verdict.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        chosen = [line.strip() for line in self.content if line.strip()]
        unknown = [name for name in chosen if name not in load_claims()]
        if unknown:
            raise self.error(f"no row of the ledger is called {', '.join(unknown)}")
        return [ledger_summary(chosen=chosen)]


def anchor(claim_id: str) -> str:
    return "claim-" + claim_id.replace(".", "-").lower()


def verdicts(env: BuildEnvironment) -> dict[str, str]:
    """Verdict by row, as the scoreboard shows it."""
    if not hasattr(env, "book_verdicts"):
        env.book_verdicts = {}
    return env.book_verdicts


def make_cards(app: Sphinx, doctree: nodes.document) -> None:
    """Put the parts of each row into one element."""
    for raw in list(doctree.findall(nodes.raw)):
        match = SUMMARY.search(raw.astext())
        if match is None or raw not in raw.parent.children:
            continue
        parent, start = raw.parent, raw.parent.index(raw)
        end = start
        while end < len(parent) and "</details>" not in parent[end].astext():
            end += 1
        head = parent[start - 1]
        word = head.astext().split("·")[0].replace("\u00a0", " ").split()
        name = match[1]
        card = claim_card(claim=name, verdict=word[-1] if word else "", ids=[anchor(name)])
        inside = [head, *parent[start : end + 1]]
        place = parent.index(head)
        for node in inside:
            parent.remove(node)
        card += inside
        card += claim_links(claim=name)
        parent.insert(place, card)
        if app.env.docname == SCOREBOARD:
            verdicts(app.env)[name] = card["verdict"]


def figures_of(claim: Claim) -> list[tuple[str, str, str]]:
    """The figures of a row: the paper's id or nothing, and the page and label of ours."""
    known = load_figures()
    named = [known.get(f"{claim.paper}{number}") for number in FIGURE.findall(claim.place)]
    found = [(one.id, f"notebooks/{one.chapter}", one.label) for one in named if one is not None]
    label = load_shown_by().get(claim.id)
    return [*found, ("", f"notebooks/{claim.chapter}", label)] if label else found


def name_of_figure(env: BuildEnvironment, paper_id: str, page: str, label: str) -> str:
    """ "figure 9.7", or the paper's number of it."""
    ours = env.toc_fignumbers.get(page, {}).get("figure", {}).get(label)
    return f"figure {paper_id or '.'.join(map(str, ours or ()))}"


def link_cards(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Lead from a row to its chapter, the scoreboard and its figure; from a figure to its rows."""
    claims, env = load_claims(), app.env
    for node in list(doctree.findall(claim_links)):
        claim = claims[node["claim"]]
        chapter = f"notebooks/{claim.chapter}"
        links = []
        if page != SCOREBOARD:
            links.append((SCOREBOARD, anchor(claim.id), "on the scoreboard"))
        elif chapter in env.found_docs:
            number = int(claim.chapter[:2])
            links.append((chapter, anchor(claim.id), f"in chapter {number}"))
        links += [
            (target, label, name_of_figure(env, name, target, label))
            for name, target, label in figures_of(claim)
            if target in env.found_docs
        ]
        line = nodes.paragraph(classes=["claim-links"])
        for i, (target, name, words) in enumerate(links):
            line += nodes.Text(" · " if i else "")
            line += make_refnode(app.builder, page, target, name, nodes.Text(words))
        node.replace_self(line if links else [])
    of_label: dict[str, list[Claim]] = {}
    for claim in claims.values():
        for _, target, label in figures_of(claim):
            if claim.id in verdicts(env) and target == page:
                of_label.setdefault(label, []).append(claim)
    for figure in doctree.findall(nodes.figure):
        label = next((name for name in figure["ids"] if name in of_label), "")
        if label:
            figure += rows_of_figure(app, page, of_label[label])


def rows_of_figure(app: Sphinx, page: str, claims: list[Claim]) -> nodes.legend:
    """What the ledger says of a figure: a sign a row, each a link."""
    line = nodes.paragraph("", "In the ledger: ", classes=["figure-claims"])
    for i, claim in enumerate(claims):
        verdict = verdicts(app.env)[claim.id]
        line += nodes.Text(", " if i else "")
        words = nodes.Text(f"{MARKS.get(verdict, '')} {claim.id}")
        line += make_refnode(app.builder, page, SCOREBOARD, anchor(claim.id), words, claim.plainly)
    return nodes.legend("", line)


def sum_up(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Write the counts of verdicts and the chosen rows."""
    claims = load_claims()
    for node in list(doctree.findall(ledger_summary)):
        found = list(verdicts(app.env).values())
        number = {word: found.count(word) for word in MARKS}
        tested = sum(number.get(word, 0) for word in WORDS)
        line = nodes.paragraph("", f"Of {tested} claims ")
        parts = [(w, f"{number[w]} {told}") for w, told in WORDS.items() if number.get(w)]
        for i, (word, told) in enumerate(parts):
            line += nodes.Text("" if not i else " and " if i == len(parts) - 1 else ", ")
            line += nodes.strong("", f"{MARKS[word]}\u00a0{told}")
        apart = number.get("identity", 0)
        line += nodes.Text(
            f"; {apart} more are identities, which algebra forces and which count apart."
        )
        chosen = nodes.bullet_list(classes=["ledger-summary"])
        known = verdicts(app.env)
        decided = sorted(node["chosen"], key=lambda name: known.get(name, "pending") == "pending")
        for name in decided[:MOST]:
            verdict = verdicts(app.env).get(name, "pending")
            item = nodes.paragraph("", "", nodes.strong("", f"{MARKS[verdict]}\u00a0{verdict}"))
            item += nodes.Text(f" · {claims[name].plainly} ")
            item += make_refnode(app.builder, page, SCOREBOARD, anchor(name), nodes.Text("Why"))
            chosen += nodes.list_item("", item)
        node.replace_self([line, chosen])


def visit_card(self: HTML5Translator, node: claim_card) -> None:
    claim = load_claims()[node["claim"]]
    data = {
        "verdict": node["verdict"],
        "paper": claim.paper,
        "chapter": str(int(claim.chapter[:2])),
    }
    written = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    self.body.append(f'<div class="claim claim-{node["verdict"]}" id="{node["ids"][0]}" {written}>')


def depart_card(self: HTML5Translator, node: claim_card) -> None:
    self.body.append("</div>\n")


def nothing(self: Any, node: nodes.Node) -> None:
    """Other builders show what is inside."""


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("ledger-summary", LedgerSummary)
    app.add_node(
        claim_card,
        html=(visit_card, depart_card),
        latex=(nothing, nothing),
        text=(nothing, nothing),
    )
    app.connect("doctree-read", make_cards, priority=520)
    app.connect("doctree-resolved", link_cards, priority=400)
    app.connect("doctree-resolved", sum_up, priority=400)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
