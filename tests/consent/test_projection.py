"""The projection refuses what it cannot place, and shares what is the same."""

from __future__ import annotations

import pytest

from consent.errors import SubjectUnknown
from consent.fold import fold
from consent.guard_table import NEVER_MS
from consent.policy import Policy
from consent.projection import Projection
from consent.record import Action
from tests.consent.statements import NOW_MS, edge, said, subject

ANNA, BERT, STRANGER, NEWBORN = map(subject, range(1, 5))


@pytest.fixture
def projection(policy: Policy) -> Projection:
    projection = Projection(policy)
    projection.change(NOW_MS, (ANNA, BERT))
    return projection


def test_a_stranger_takes_no_words_and_no_edge(projection: Projection, policy: Policy):
    """And what came along with the stranger's is not taken in either."""
    own = fold(policy, [said("loyalty")])
    before = dict(projection.entries)
    with pytest.raises(SubjectUnknown):
        projection.change(NOW_MS, own={ANNA: own, STRANGER: own})
    with pytest.raises(SubjectUnknown):
        projection.change(NOW_MS, (NEWBORN,), [edge(policy, 1, ANNA, STRANGER)], {ANNA: own})
    assert projection.change(NOW_MS, (ANNA,)) == {}
    assert projection.entries == before
    assert STRANGER not in projection
    assert set(projection.change(NOW_MS, (NEWBORN,), [edge(policy, 1, ANNA, NEWBORN)])) == {NEWBORN}


def test_those_who_said_the_same_share_one_entry(projection: Projection, policy: Policy):
    """A million people who granted everything cost one entry."""
    own = {who: fold(policy, [said("marketing"), said("loyalty")]) for who in (ANNA, BERT)}
    projection.change(NOW_MS, own=own)
    assert projection.entries[ANNA] is projection.entries[BERT]


def test_a_grant_given_anew_moves_the_next_change(projection: Projection, policy: Policy):
    """An end that was overtaken is not waited for."""
    for until_ms in (NOW_MS + 10, NOW_MS + 90, NOW_MS + 50):
        projection.change(NOW_MS, own={ANNA: fold(policy, [said("loyalty", until_ms=until_ms)])})
        assert projection.next_change_ms() == until_ms
    assert projection.change(NOW_MS + 49) == {}
    assert set(projection.change(NOW_MS + 50)) == {ANNA}
    assert projection.next_change_ms() == NEVER_MS


def test_nothing_in_memory_keeps_an_erased_subject_or_the_words_of_one(
    projection: Projection, policy: Policy
):
    """Not among what was to run out, and not among the states that subjects share."""
    ending, refusing = subject(101), subject(102)
    own = {
        ending: fold(policy, [said("loyalty", until_ms=NOW_MS + 1_000)]),
        refusing: fold(policy, [said("marketing", Action.REFUSE)._replace(id=b"the statement's id")]),
    }
    projection.change(NOW_MS, births=own, own=own)
    assert projection.next_change_ms() == NOW_MS + 1_000
    projection.change(NOW_MS, erased=own.keys())
    assert ending not in {one for _, one in (*projection._changes, *projection._scheduled)}
    assert "the statement's id" not in repr((projection._shared, projection._alone))
