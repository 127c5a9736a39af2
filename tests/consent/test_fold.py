"""The fold of one subject's own words, by example."""

from __future__ import annotations

import pytest

from consent.errors import UnknownPurpose
from consent.fold import SILENT, State, fold, leaf_states
from consent.guard_table import NEVER_MS
from consent.policy import Policy, compile_policy
from consent.record import Action, Said
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
