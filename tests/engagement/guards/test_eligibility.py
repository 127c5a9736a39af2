"""A play is for whom and when its definition says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.condition import All, Near, YearlyWithin
from engagement.decision import Held
from engagement.guards.eligibility import in_rollout
from engagement.play import Depth, Segment, State
from tests.engagement.guards.moments import TEA, one
from tests.engagement.worlds import (
    CONTENT,
    LIKES_TEA,
    NOW_MS,
    RAIN,
    SEGMENTS,
    known,
    message,
    option,
    play,
    situation,
)


@pytest.mark.parametrize(
    ("changed", "held", "retry_at_ms"),
    [
        ({"state": State.DRAFT}, Held.NOTHING_LIVE, 0),
        ({"state": State.RETIRED}, Held.NOTHING_LIVE, 0),
        ({"state": State.PILOT}, None, 0),
        ({"from_ms": NOW_MS}, None, 0),
        ({"from_ms": NOW_MS + 1}, Held.NOT_ELIGIBLE, NOW_MS + 1),
        ({"until_ms": NOW_MS}, Held.NOT_ELIGIBLE, 0),
        ({"until_ms": NOW_MS + 1}, None, 0),
        ({"rollout_permille": 0}, Held.NOT_ELIGIBLE, 0),
        ({"condition": RAIN}, Held.NOT_ELIGIBLE, 0),
        ({"segment_id": "tea"}, Held.NOT_ELIGIBLE, 0),
        ({"segment_id": "nowhere"}, Held.NOT_ELIGIBLE, 0),
    ],
)
def test_a_play_is_for_some_and_for_a_time(changed, held: Held | None, retry_at_ms: int):
    """Each by itself, of a person of whom nothing is known."""
    outcome = one(play(**changed), situation(segments=SEGMENTS))
    assert (outcome.held, outcome.retry_at_ms) == (held, retry_at_ms)


def test_a_segment_is_asked_on_what_is_known_now():
    """In it while they like tea, and never in one of another purpose, or in a draft."""
    a_play = play(segment_id="tea")
    assert one(a_play, situation(segments=SEGMENTS, fields=TEA)).held is None
    for changed in ({"purpose": "marketing.email"}, {"state": State.DRAFT}):
        segments = {"tea": replace(SEGMENTS["tea"], **changed)}
        assert one(a_play, situation(segments=segments, fields=TEA)).held is Held.NOT_ELIGIBLE


def test_an_option_is_for_whom_its_condition_holds():
    """And what it read is told."""
    a_play = play(options=(option(), option("tea", Depth.SEGMENT, condition=LIKES_TEA)))
    assert one(a_play, situation(fields=TEA)).candidate.option.option_id == "tea"
    outcome = one(a_play, situation())
    assert outcome.candidate.option.option_id == "general"
    assert outcome.read == ("declared.likes",)


def test_a_rollout_is_a_share_of_people_and_always_the_same():
    """A quarter of 4000, give or take; other people for another play; everybody of 1000 permille."""
    quarter = play(rollout_permille=250)
    inside = {person for person in range(4000) if in_rollout(quarter, person)}
    assert 950 <= len(inside) <= 1050
    assert inside <= {person for person in range(4000) if in_rollout(play(rollout_permille=500), person)}
    other = {person for person in range(4000) if in_rollout(play("other", rollout_permille=250), person)}
    assert 150 <= len(inside & other) <= 350
    assert not in_rollout(quarter, None) and in_rollout(play(), None)


def test_a_florist_reminds_once_two_identities_are_one():
    """Near the shop and a week before the date: each half alone is not enough."""
    cell = "871e23660ffffff"
    florist = message(
        condition=All((YearlyWithin("attribute.birthday", 7), Near("attribute.home_cell", (cell,), 5000)))
    )
    phone = known(attribute__birthday="11-20")
    web = known(attribute__home_cell=cell)
    for fields, held in ((phone, Held.NOT_ELIGIBLE), (web, Held.NOT_ELIGIBLE), ({**phone, **web}, None)):
        assert one(florist, situation(channel=None, fields=fields)).held is held


def test_a_segment_is_read_with_its_play():
    """Fields of the segment's condition are among what was read."""
    segments = {"tea": Segment("tea", 1, State.LIVE, CONTENT, LIKES_TEA)}
    outcome = one(play(segment_id="tea", condition=RAIN), situation(segments=segments, fields=TEA))
    assert (outcome.held, outcome.read) == (Held.NOT_ELIGIBLE, ("context.weather", "declared.likes"))
