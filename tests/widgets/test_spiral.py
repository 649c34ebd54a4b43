"""The live figure of chapter 10 in Python: its traits, its picture, what it refuses."""

from __future__ import annotations

import pytest

from modlib.errors import InputError
from modlib.widgets import number_spiral
from modlib.widgets.live import read
from modlib.widgets.spiral import RADIAN


def test_it_begins_where_the_paper_does():
    figure = number_spiral()
    assert (figure.turn, figure.q, figure.base) == (RADIAN, 17, 113)
    assert figure.q in figure.qs
    assert figure.p in figure.bases


def test_a_page_carries_its_dots_as_one_image_and_no_data():
    html = number_spiral().html()
    assert html.count("<image") == 2
    assert len(html.encode()) - len(read("shared/host.js")) <= 70_000


@pytest.mark.parametrize(("name", "value"), [("q", 4), ("p", 3), ("p", 113)])
def test_what_is_no_prime_that_it_offers_is_refused_in_one_line(name, value):
    with pytest.raises(InputError, match=f"{name} must be a prime in"):
        number_spiral(**{name: value})
