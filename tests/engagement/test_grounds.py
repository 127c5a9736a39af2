"""What a decision rested on: packed and unpacked, and what of it shaped the answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engagement.decided import draw_of
from engagement.decision import Chance, Step
from engagement.grounds import Grounds, Source, packed, shaping, unpacked
from engagement.play import Depth

NAMES = st.text("abcdefghij_.", min_size=1, max_size=12)
STEPS = st.builds(Step, NAMES, st.integers(0, 50), st.sampled_from(Depth))
CHANCES = st.builds(Chance, NAMES, st.floats(0, 1))
SOURCES = st.builds(Source, NAMES, st.integers(0, 5), NAMES, st.integers(0, 2**45))


@given(
    st.builds(
        Grounds,
        st.lists(STEPS, max_size=20).map(tuple),
        st.lists(CHANCES, max_size=12).map(tuple),
        st.lists(SOURCES, max_size=12).map(tuple),
        st.integers(0, 2**45),
    )
)
def test_what_is_packed_is_unpacked(grounds: Grounds) -> None:
    """To the last bit of every probability."""
    assert unpacked(packed(grounds)) == grounds


def test_an_ordinary_path_takes_less_than_four_hundred_bytes() -> None:
    names = [
        *("consent", "identity_confidence", "child", "open_complaint", "rest", "eligibility"),
        *("existing_offer", "new_relation", "alternation", "personal_price", "margin", "learner"),
        *("relevance_floor", "paid_placement", "channel_allowed", "quiet_hours", "ask_budget", "cap"),
    ]
    steps = tuple(Step(name, 2, Depth.INDIVIDUAL) for name in names)
    chances = (Chance("ten", 0.95), Chance("everybody", 0.05))
    assert len(packed(Grounds(steps, chances, (Source("declared.likes", 1, "quiz", 1),)))) < 400


def test_what_shaped_an_answer_took_something_away_or_lowered_the_depth() -> None:
    steps = [
        Step("first", 3, Depth.INDIVIDUAL),
        Step("lowers", 3, Depth.SEGMENT),
        Step("leaves", 3, Depth.SEGMENT),
        Step("takes", 1, Depth.SEGMENT),
    ]
    assert shaping(steps) == ["lowers", "takes"]


@given(st.binary(min_size=16, max_size=16))
def test_a_draw_is_of_its_decision_alone_and_less_than_one(decision_id: bytes) -> None:
    assert 0 <= draw_of(decision_id) < 1
    assert draw_of(decision_id) == draw_of(decision_id)


def test_draws_are_spread_evenly() -> None:
    """Of 10,000 every tenth lies in each tenth, give or take 150 (five standard deviations)."""
    draws = [draw_of(number.to_bytes(16, "big")) for number in range(10_000)]
    tenths = [sum(int(draw * 10) == tenth for draw in draws) for tenth in range(10)]
    assert all(abs(count - 1000) < 150 for count in tenths)
