"""A live figure in a browser: what its state is, and what it shows."""

from __future__ import annotations

from typing import Any

FIGURE = ".modlib-live > div"


def live(page: Any, what: str) -> Any:
    """What the figure's own handle for tests gives."""
    return page.evaluate(f"document.querySelector('{FIGURE}').live.{what}")


def state(page: Any, name: str) -> Any:
    """A trait as it is now."""
    return live(page, f"model.get('{name}')")


def set_state(page: Any, **values: Any) -> None:
    """Sets traits as a control would."""
    page.evaluate(
        f"values => {{ const m = document.querySelector('{FIGURE}').live.model;"
        "for (const [name, value] of Object.entries(values)) m.set(name, value);"
        "m.save_changes(); }",
        values,
    )


def settled(page: Any) -> None:
    """Two frames later what was asked for is drawn."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def said(page: Any) -> str:
    """The figure's sentence, once it is drawn."""
    settled(page)
    return str(page.inner_text(".live-says"))


def told(page: Any, text: str) -> None:
    """Waits until a screen reader is told this."""
    page.wait_for_function(
        "text => document.querySelector('[aria-live=polite]').textContent.includes(text)", arg=text
    )


def fits(page: Any) -> bool:
    """Whether nothing is wider than the window."""
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def drawn(page: Any, place: int = 0) -> float:
    """Share of a canvas that has colour on it."""
    settled(page)
    return float(
        page.evaluate(
            "place => { const c = document.querySelectorAll('canvas')[place];"
            "const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let s = 0;"
            "for (let i = 3; i < p.length; i += 4) s += p[i] > 0; return 4 * s / p.length }",
            place,
        )
    )
