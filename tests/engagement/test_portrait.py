"""Page tokens."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.errors import PageTokenInvalid
from engagement.play import Depth
from engagement.portrait import Mark, PageTokens, PortraitPage, depth_of, page_scope
from tests.engagement.events import DAY_MS, NOW_MS, subject

KEY = bytes(range(64))
TOKEN_MAX = 256
numbers = st.integers(-(1 << 63), (1 << 63) - 1)
marks = st.builds(Mark, as_of=numbers, occurred_at_ms=numbers, position=numbers)
SCOPE = page_scope("tenant", "till", 3, [subject(1), subject(2)])


@given(marks, st.permutations([subject(1), subject(2), subject(3)]))
def test_a_token_opens_for_the_question_it_was_made_for(mark: Mark, members: list[bytes]) -> None:
    """In whatever order the person's birth subjects come."""
    scope = page_scope("tenant", "till", 3, [subject(3), subject(1), subject(2)])
    token = PageTokens(KEY).seal(mark, scope)
    assert len(token) <= TOKEN_MAX
    assert PageTokens(KEY).open(token, page_scope("tenant", "till", 3, members)) == mark  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "scope",
    [
        page_scope("other", "till", 3, [subject(1), subject(2)]),
        page_scope("tenant", "web", 3, [subject(1), subject(2)]),
        page_scope("tenant", "till", 4, [subject(1), subject(2)]),
        page_scope("tenant", "till", 3, [subject(1)]),
        page_scope("tenant", "till", 3, [subject(1), subject(2), subject(3)]),
        page_scope("tenan", "ttill", 3, [subject(1), subject(2)]),
    ],
)
def test_a_token_opens_for_no_other_question(scope: list[bytes]) -> None:
    """Another tenant, caller, purpose or set of people needs a token of its own."""
    token = PageTokens(KEY).seal(Mark(9, 8, 7), SCOPE)
    with pytest.raises(PageTokenInvalid):
        PageTokens(KEY).open(token, scope)


@given(marks, st.integers(0, 39), st.integers(1, 255))
def test_an_altered_token_is_refused(mark: Mark, at: int, by: int) -> None:
    """Whichever byte is changed."""
    token = PageTokens(KEY).seal(mark, SCOPE)
    altered = bytearray(urlsafe_b64decode(token + "=="))
    altered[at] ^= by
    with pytest.raises(PageTokenInvalid):
        PageTokens(KEY).open(urlsafe_b64encode(altered).decode(), SCOPE)


@given(st.text(max_size=TOKEN_MAX))
def test_any_other_text_is_refused(text: str) -> None:
    """With the one error, never with another."""
    with pytest.raises(PageTokenInvalid):
        PageTokens(KEY).open(text, SCOPE)


def test_a_token_of_another_key_is_refused() -> None:
    """A deployment opens its own tokens only."""
    with pytest.raises(PageTokenInvalid):
        PageTokens(bytes(64)).open(PageTokens(KEY).seal(Mark(1, 2, 3), SCOPE), SCOPE)


def test_a_token_shows_neither_positions_nor_people() -> None:
    """Two callers that ask about one person get texts that share nothing to match them by."""
    mark = Mark(as_of=7_000_001, occurred_at_ms=1_699_999_999_999, position=6_999_999)
    tokens = [
        PageTokens(KEY).seal(mark, page_scope("tenant", caller, 3, [subject(1)]))
        for caller in ("till", "web")
    ]
    sealed = [urlsafe_b64decode(token + "==") for token in tokens]
    for number in mark:
        assert all(number.to_bytes(8, "big")[4:] not in text for text in sealed)
    assert all(subject(1)[-4:] not in text for text in sealed)
    assert not {sealed[0][i : i + 4] for i in range(37)} & {sealed[1][i : i + 4] for i in range(37)}


@pytest.mark.parametrize(
    ("first_days_ago", "declared", "depth"),
    [
        (None, False, Depth.GENERAL),
        (None, True, Depth.SEGMENT),
        (0, False, Depth.SEGMENT),
        (29, True, Depth.SEGMENT),
        (30, False, Depth.INDIVIDUAL),
    ],
)
def test_a_new_relation_is_at_most_that_of_a_segment(
    first_days_ago: int | None, declared: bool, depth: Depth
):
    """And of whom nothing is known, everything is the same for everybody."""
    first_ms = None if first_days_ago is None else NOW_MS - first_days_ago * DAY_MS
    page = PortraitPage((), {}, None, first_ms)
    assert depth_of(page, NOW_MS, 30, declared=declared) == depth
