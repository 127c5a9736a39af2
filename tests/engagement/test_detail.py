"""What few events have: kept whole, and places no finer than may be."""

from __future__ import annotations

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.detail import (
    NOTHING,
    RESOLUTION_COARSE,
    Detail,
    Device,
    coarse,
    coarsened,
    has_precise_place,
    is_cell,
    is_precise,
    packed,
    unpacked,
)

CELLS = st.builds(h3.latlng_to_cell, st.floats(-90, 90), st.floats(-180, 180), st.integers(0, 15))
DETAILS = st.builds(
    Detail,
    dwell_ms=st.integers(0, 10**9),
    entry_source=st.text(max_size=9),
    campaign=st.text(max_size=9),
    device=st.sampled_from([0, *map(int, Device)]),
    place_cell=st.just("") | CELLS,
    dependent=st.text(max_size=9),
    topic=st.text(max_size=9),
    machine=st.booleans(),
)


@given(DETAILS)
def test_a_detail_survives_being_packed(detail: Detail):
    assert unpacked(packed(detail)) == detail


def test_nothing_takes_no_room():
    """So the many events without a detail have an empty text."""
    assert packed(NOTHING) == ""
    assert unpacked("") is NOTHING


@given(DETAILS)
def test_coarsening_takes_a_precise_place_and_nothing_else(detail: Detail):
    """The coarse cell holds the precise one; what was coarse is the same text."""
    text = packed(detail)
    after = unpacked(coarsened(text))
    assert not has_precise_place(coarsened(text))
    if has_precise_place(text):
        assert h3.get_resolution(after.place_cell) == RESOLUTION_COARSE
        assert h3.cell_to_parent(detail.place_cell, RESOLUTION_COARSE) == after.place_cell
    else:
        assert coarsened(text) == text
    assert {name: getattr(after, name) for name in Detail.__slots__ if name != "place_cell"} == {
        name: getattr(detail, name) for name in Detail.__slots__ if name != "place_cell"
    }


@given(CELLS)
def test_a_cell_is_precise_by_its_resolution_which_is_its_second_character(cell: str):
    """The sweep finds precise homes by that character."""
    assert is_cell(cell)
    assert is_precise(cell) == (h3.get_resolution(cell) > RESOLUTION_COARSE) == (cell[1] > "7")
    assert not is_precise(coarse(cell))


@pytest.mark.parametrize(
    "text", ["", "52.5,13.4", "871F1D48BFFFFFF", "0x871f1d48bffffff", "ffffffffffffff", "8"]
)
def test_what_h3_does_not_write_is_no_cell(text: str):
    assert not is_cell(text)
