"""The fold of one subject's own words, by example."""

from __future__ import annotations

import pytest

from consent.errors import UnknownPurpose
from consent.fold import SILENT, State, fold, leaf_states
from consent.guard_table import NEVER_MS
from consent.policy import Policy, compile_policy
from consent.record import Action, Age, Said
from tests.consent.statements import SHIPPED, said

REFUSE, WITHDRAW = Action.REFUSE, Action.WITHDRAW


def state_of(policy: Policy, statements: list[Said], leaf: str, now_ms: int = 100) -> State:
    return leaf_states(policy, statements, now_ms)[policy.index(leaf)].state


def test_who_said_nothing_is_silent(policy: Policy):
    """Nothing granted, nothing refused, nothing to change."""
    assert fold(policy, []) == SILENT
    assert SILENT.changes_after(0) == NEVER_MS


def test_the_later_statement_wins_between_a_node_and_its_ancestor(policy: Policy):
    """Refuse marketing, later grant e-mail: e-mail is allowed and nothing else of it."""
    statements = [said("marketing", REFUSE, 1), said("marketing.email", at_ms=2)]
    own = fold(policy, statements)
    assert own.granted_at(100) == policy.mask("marketing.email")
    assert own.refuse == policy.mask("marketing") & ~policy.mask("marketing.email")


def test_when_it_was_said_counts_and_not_when_it_was_recorded(policy: Policy):
    """A letter that arrives late does not undo what was said after it was written."""
    assert (
        state_of(policy, [said("loyalty", at_ms=5), said("loyalty", WITHDRAW, 3)], "loyalty") is State.GRANTED
    )


def test_of_two_said_at_one_instant_the_one_recorded_later_counts(policy: Policy):
    """Both ways."""
    grant, refusal = said("loyalty"), said("loyalty", REFUSE)
    assert state_of(policy, [grant, refusal], "loyalty") is State.REFUSED
    assert state_of(policy, [refusal, grant], "loyalty") is State.GRANTED


def test_a_grant_that_ran_out_is_neither_a_grant_nor_a_refusal(policy: Policy):
    """From its end on; the refusal before it does not come back, for it was answered."""
    statements = [said("loyalty", REFUSE, 1), said("loyalty", at_ms=2, until_ms=50)]
    own = fold(policy, statements)
    assert (own.granted_at(49), own.granted_at(50), own.refuse) == (policy.mask("loyalty"), 0, 0)
    assert (own.changes_after(49), own.changes_after(50)) == (50, NEVER_MS)
    assert state_of(policy, statements, "loyalty", 49) is State.GRANTED
    assert state_of(policy, statements, "loyalty", 50) is State.EXPIRED


def test_refused_and_withdrawn_are_told_apart_inside(policy: Policy):
    """Both deny; only the word differs."""
    statements = [said("loyalty", REFUSE), said("share", at_ms=1), said("share", WITHDRAW, 2)]
    assert state_of(policy, statements, "loyalty") is State.REFUSED
    assert state_of(policy, statements, "share.sale") is State.WITHDRAWN
    assert fold(policy, statements).refuse == policy.mask("loyalty") | policy.mask("share")


def test_an_old_grant_does_not_cover_a_new_purpose_and_an_old_refusal_does():
    """A leaf added to the tree was not agreed to; what was refused was all of it."""
    newer = compile_policy(
        SHIPPED
        | {
            "taxonomy_version": 2,
            "purposes": SHIPPED["purposes"]
            | {"marketing.letter": {"basis": "consent", "view": "strict", "since": 2}},
        }
    )
    assert state_of(newer, [said("marketing")], "marketing.letter") is State.UNKNOWN
    assert state_of(newer, [said("marketing", taxonomy_version=2)], "marketing.letter") is State.GRANTED
    old_grant_after_refusal = [said("marketing", REFUSE, 1), said("marketing", at_ms=2)]
    assert state_of(newer, old_grant_after_refusal, "marketing.letter") is State.REFUSED
    assert state_of(newer, old_grant_after_refusal, "marketing.email") is State.GRANTED


def test_words_about_a_purpose_the_policy_lost_are_an_error(policy: Policy):
    """A renamed purpose must not lose its refusals in silence."""
    with pytest.raises(UnknownPurpose):
        fold(policy, [said("telepathy", REFUSE)])


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        ([said("loyalty"), said("loyalty", Action.EXPIRE, 1)], State.EXPIRED),
        ([said("loyalty"), said("loyalty", Action.EXPIRE, 1), said("loyalty", at_ms=2)], State.GRANTED),
        ([said("loyalty", REFUSE), said("loyalty", Action.EXPIRE, 1)], State.REFUSED),
        ([said("loyalty"), said("loyalty", Action.INVALIDATE, 1)], State.UNKNOWN),
        (
            [said("loyalty", REFUSE), said("loyalty", at_ms=1), said("loyalty", Action.INVALIDATE, 2)],
            State.REFUSED,
        ),
        ([said("loyalty", Action.INVALIDATE), said("loyalty", at_ms=1)], State.GRANTED),
        ([said("loyalty", WITHDRAW), said("loyalty", Action.INVALIDATE, 1)], State.WITHDRAWN),
        (
            [said("loyalty"), said("loyalty", Action.REQUEST, 1), said("loyalty", Action.DEFER, 2)],
            State.GRANTED,
        ),
    ],
)
def test_what_ends_grants_ends_grants_alone(policy: Policy, statements: list[Said], state: State):
    """EXPIRE as if they had run out, INVALIDATE as if they had never been; refusals stay or return."""
    assert state_of(policy, statements, "loyalty") is state


def test_objections_and_restrictions_lie_over_grants_until_they_are_lifted(policy: Policy):
    """Apart from each other and from what lies under them; a lift takes back both, of its leaves."""
    statements = [said("share"), said("share", Action.OBJECT, 1), said("share.sale", Action.RESTRICT, 2)]
    own = fold(policy, statements)
    assert (own.objected, own.restricted) == (policy.mask("share"), policy.mask("share.sale"))
    assert own.granted_at(9) == policy.mask("share")
    lifted = fold(policy, [*statements, said("share.sale", Action.LIFT, 3)])
    assert (lifted.objected, lifted.restricted) == (policy.mask("share.partner"), 0)


def test_a_lift_of_before_a_purpose_was_added_does_not_reach_it():
    """What permits covers only the leaves there were; what restricts covers all."""
    newer = compile_policy(
        SHIPPED
        | {
            "taxonomy_version": 2,
            "purposes": SHIPPED["purposes"]
            | {"marketing.letter": {"basis": "consent", "view": "strict", "since": 2}},
        }
    )
    own = fold(newer, [said("marketing", Action.OBJECT, 1), said("marketing", Action.LIFT, 2)])
    assert own.objected == newer.mask("marketing.letter")


def test_only_what_permits_or_asks_says_where_a_person_is(policy: Policy):
    """Each regime named counts; a withdrawal names none; one the policy lost is as strict as all."""
    us = policy.regime_mask("US_CA")
    withdrawn = said("loyalty", WITHDRAW, 2, regime="US_CA")
    assert fold(policy, [withdrawn]).regimes == 0
    for action in (Action.GRANT, Action.REQUEST, Action.DEFER, Action.LIFT):
        assert fold(policy, [said("loyalty", action, 1, regime="US_CA"), withdrawn]).regimes == us
    both = [said("loyalty", regime="US_CA"), said("loyalty", at_ms=1, regime="UK_GDPR")]
    assert fold(policy, both).regimes == us | policy.regime_mask("UK_GDPR")
    for known in ([], [said("loyalty", regime="US_CA")]):
        lost = fold(policy, [*known, said("loyalty", regime="US_OLD")]).regimes
        assert policy.under(lost).basis == policy.under(0).basis


def test_an_adult_is_believed_only_of_who_asks(policy: Policy):
    """A child is believed of anybody; the latest word counts; what restricts never takes away."""
    child = said("loyalty", REFUSE, 1, age=Age.CHILD)
    assert fold(policy, [child]).minor == policy.child_mask
    assert fold(policy, [child, said("loyalty", at_ms=2, age=Age.ADULT)]).minor == 0
    for action in (WITHDRAW, Action.LIFT, Action.OBJECT):
        assert fold(policy, [child, said("loyalty", action, 2, age=Age.ADULT)]).minor == policy.child_mask
    asked = [said("loyalty", Action.REQUEST, 2, age=Age.ADULT), said("loyalty", WITHDRAW, 3, age=Age.MINOR)]
    assert fold(policy, [child, *asked]).minor == policy.minor_mask
    assert fold(policy, [child, said("loyalty", WITHDRAW, 2, age=Age.MINOR)]).minor == policy.child_mask
