"""A cursor opens for its own question and views, and tells nothing by itself."""

from __future__ import annotations

import pytest

from identity.cursors import NONCE_BYTES, VIEWS_BYTES, Cursors
from identity.errors import CursorInvalid, CursorTooOld
from identity.people_news import Reading

CURSORS = Cursors(bytes(range(64)))
SCOPE = [b"tenant", b"caller", b"purpose"]
VIEWS = b"v" * VIEWS_BYTES
READING = Reading(7, 19, 8)


def sealed(nonce: int = 0) -> str:
    return CURSORS.seal(READING, SCOPE, VIEWS, bytes([nonce]) * NONCE_BYTES)


def test_a_reading_comes_back_as_it_was():
    assert CURSORS.open(sealed(), SCOPE, VIEWS) == READING


def test_two_cursors_of_one_reading_have_nothing_in_common():
    one, other = sealed(1), sealed(2)
    assert sum(a == b for a, b in zip(one, other, strict=True)) < len(one) // 4


@pytest.mark.parametrize("text", ["", "x", "é", sealed()[:-4], sealed()[4:], "A" * len(sealed())])
def test_what_is_no_cursor_is_invalid(text):
    with pytest.raises(CursorInvalid):
        CURSORS.open(text, SCOPE, VIEWS)


def test_another_question_s_cursor_is_invalid():
    with pytest.raises(CursorInvalid):
        CURSORS.open(sealed(), [*SCOPE[:2], b"another"], VIEWS)


def test_a_cursor_of_other_views_is_too_old():
    with pytest.raises(CursorTooOld):
        CURSORS.open(sealed(), SCOPE, b"w" * VIEWS_BYTES)


def test_a_cursor_fits_its_field():
    assert len(sealed()) <= 96
