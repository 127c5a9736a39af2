"""Which header names an expression takes: all of a beginning, save those that are left out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.matching import all_but

LEFT_OUT = (
    (("x-min-epoch",), ""),
    (("sec-gpc",), ""),
    (("sec-gpc", "sec-fetch-"), ""),
    (("sec-a", "sec-ab"), ""),
    (("x-a-for",), "x-a-"),
)


@pytest.mark.parametrize(("left_out", "of"), LEFT_OUT)
@given(data=st.data())
def test_all_names_of_a_beginning_are_taken_save_those(left_out, of, data):
    """By one expression or by comparing names: the same answer for names near to those left out."""
    beginning = of or f"{left_out[0].partition('-')[0]}-"
    near = st.sampled_from(left_out).flatmap(lambda name: st.integers(0, len(name)).map(lambda at: name[:at]))
    name = data.draw(near) + data.draw(st.text("abcefghinortx-", max_size=6))
    left = name in left_out or any(one.endswith("-") and name.startswith(one) for one in left_out)
    taken = name.startswith(beginning) and not left
    assert bool(re.fullmatch(all_but(*left_out, of=of), name)) == taken


def test_names_that_do_not_begin_alike_are_refused():
    """One expression could not say both."""
    with pytest.raises(ValueError, match="begin alike"):
        all_but("sec-gpc", "x-gpc")
