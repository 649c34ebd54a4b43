"""How numbers read in a sentence: the filters of a chapter's templates, and plain functions.

They hold for any run: no cluster, one cluster, a share that is nearly but not wholly 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

Rows = dict[str, list[str]]
"""A table's columns, in words."""
TINY = 1e-4
"""Share under which only its order of magnitude is told."""
SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def percent(share: float) -> str:
    """A share as a percentage: all digits near 0 and 100 % that tell it from them."""
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    for digits in range(1, 5):
        shown = f"{100 * share:.{digits}f}"
        if float(shown) not in (0.0, 100.0):
            return f"{shown} %"
    return f"{100 * share:.5g} %"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``three clusters``, ``one cluster``, ``no clusters``, ``23 clusters``."""
    word = SMALL_NUMBERS[number] if number < len(SMALL_NUMBERS) else f"{number:,}"
    return f"{word} {noun if number == 1 else plural or noun + 's'}"


def choose(number: int, one: str, several: str) -> str:
    """The first word for a count of 1, else the second: ``belongs``, ``belong``."""
    return one if number == 1 else several


def listed(items: Sequence[object]) -> str:
    """``1``, ``1 and 2``, ``1, 2 and 3``; ``none`` for an empty list."""
    words = [str(item) for item in items]
    if len(words) < 2:
        return words[0] if words else "none"
    return f"{', '.join(words[:-1])} and {words[-1]}"


def fixed(value: float, digits: int = 2) -> str:
    """A number with so many digits behind the point, thousands set apart; zero has no sign."""
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def significant(value: float, digits: int = 2) -> str:
    """A number with so many digits that say something: ``0.12``, ``0.3``, ``1.2e-05``."""
    return f"{value:.{digits}g}"


def signed(value: float, digits: int = 2) -> str:
    """The same with its sign always: ``+0.95``; of zero it is ``+``."""
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def scientific(value: float) -> str:
    """``1.2e-15``."""
    return f"{value:.1e}"


def sentence(text: str) -> str:
    """The text with its first letter a capital, the others as they are."""
    return text[:1].upper() + text[1:]


def interval(value: float, *ends: float, digits: int = 2) -> str:
    """``4.96 (4.91 to 5.01)`` of a value and both ends of its interval; ``4.96`` without ends.

    In a template both stand in one tuple.
    """
    said = f" ({ends[0]:.{digits}f} to {ends[1]:.{digits}f})" if ends else ""
    return f"{value:.{digits}f}{said}"


def percents(value: float, *ends: float, digits: int = 1) -> str:
    """``12.6 % (12.5 to 12.8)`` of a share and both ends of its interval; ``percent`` without, and
    where all three read the same."""
    said, *told = (f"{100 * part:.{digits}f}" for part in (value, *ends))
    if all(end == said for end in told):
        return percent(value)
    return f"{said} % ({told[0]} to {told[1]})"


def between(low: float, high: float, digits: int = 2) -> str:
    """``0.90 to 0.97``; one number where both ends read the same."""
    ends = fixed(low, digits), fixed(high, digits)
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def percents_between(low: float, high: float) -> str:
    """``90.0 % to 97.0 %``; one percentage where both ends read the same."""
    ends = percent(low), percent(high)
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def table(columns: Mapping[str, Sequence[object]] | pd.DataFrame, align: str | None = None) -> str:
    """A Markdown table with a row an entry; ``align``: ``l`` or ``r`` a column, None: all left.

    Entries are shown as they are: format numbers before.
    """
    names = [str(name) for name in columns]
    rules = {"l": "---", "r": "---:"}
    marks = [rules[side] for side in align or "l" * len(names)]
    rows = zip(*(columns[name] for name in columns), strict=True)
    lines = [names, marks, *([str(entry) for entry in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _of_bounds(word: Callable[..., str]) -> Callable[..., str]:
    """The same of a value and its ends in one tuple."""

    def of_bounds(bounds: Sequence[float], digits: int | None = None) -> str:
        return word(*bounds) if digits is None else word(*bounds, digits=digits)

    return of_bounds


FILTERS: dict[str, Callable[..., str]] = {
    **{word.__name__: word for word in (percent, count, choose, listed, sentence, table)},
    **{word.__name__: word for word in (fixed, signed, scientific, significant)},
    "interval": _of_bounds(interval),
    "percents": _of_bounds(percents),
    "between": _of_bounds(between),
    "percents_between": _of_bounds(percents_between),
}
"""What a template may pass a value through."""
