"""What is paid for has its share and no more."""

from __future__ import annotations

import pytest

from engagement.decision import Held
from engagement.play import Depth, Limits, Play
from tests.engagement.guards.moments import TEA, one
from tests.engagement.worlds import EVERY_PURPOSE, LIKES_TEA, option, play, situation


def paid_play(**paid) -> Play:
    return play(options=(option(), option("second"), option("paid", **{"sponsored": True, **paid})))


def test_what_is_paid_for_has_at_most_its_share():
    """A third of three alike would be more than 200 thousandths; the others keep their proportion."""
    outcome = one(paid_play())
    chances = {chance.option_id: chance.probability for chance in outcome.alternatives}
    assert chances == pytest.approx({"general": 0.4, "second": 0.4, "paid": 0.2})
    assert outcome.candidate.option.sponsored
    none = one(paid_play(), situation(limits=Limits(sponsored_permille=0)))
    assert [chance.option_id for chance in none.alternatives] == ["general", "second"]


def test_what_is_paid_for_goes_by_the_call_unless_advertising_is_permitted():
    """Neither by its depth nor by what it reads."""
    denied = situation(grants=EVERY_PURPOSE - {"marketing.ads.first_party"}, fields=TEA)
    permitted = situation(fields=TEA)
    for paid in ({"depth": Depth.SEGMENT}, {"condition": LIKES_TEA}):
        a_play = paid_play(**paid)
        assert len(one(a_play, denied).alternatives) == 2
        assert len(one(a_play, permitted).alternatives) == 3
    assert len(one(paid_play(), denied).alternatives) == 3


def test_nothing_is_given_that_is_all_paid_for():
    """There is no share of an answer that is all of it."""
    assert one(play(options=(option("paid", sponsored=True),))).held is Held.NOT_ELIGIBLE


def test_a_place_may_be_all_for_sale():
    """Where the tenant's share is the whole of it."""
    all_paid = situation(limits=Limits(sponsored_permille=1000))
    assert one(play(options=(option("paid", sponsored=True),)), all_paid).propensity == 1.0
