"""Refusals that rest because a grant of the same person answers them, by example."""

from __future__ import annotations

import pytest

from consent.component import EdgeFact, EdgeState
from consent.fold import fold
from consent.guard_table import NEVER_MS, GuardEntry
from consent.policy import Policy, compile_policy
from consent.projection import Projection
from consent.record import Action, Said
from identity.ids import SubjectId
from tests.consent.statements import NOW_MS, SHIPPED, edge, said, subject

OLD, NEW, THIRD = subject(1), subject(2), subject(3)
PROVEN = "identity.link.deterministic"
LINK = said("identity")
REFUSAL = said("marketing", Action.REFUSE, 5, id=b"r" * 16)
ANSWER = said("marketing.email", at_ms=6, supersedes=(REFUSAL.id,))
Words = dict[SubjectId, list[Said]]


def attested(policy: Policy, number: int = 1, a: SubjectId = OLD, b: SubjectId = NEW, **more) -> EdgeFact:
    return edge(policy, number, a, b, attested_by="desk", **more)


def projection(policy: Policy, words: Words, *edges: EdgeFact, now_ms: int = NOW_MS) -> Projection:
    made = Projection(policy)
    own = {who: fold(policy, statements) for who, statements in words.items()}
    made.change(now_ms, (OLD, NEW, THIRD), edges, own)
    return made


def emails(policy: Policy, words: Words, *edges: EdgeFact, now_ms: int = NOW_MS) -> set[SubjectId]:
    """To whom e-mail may be sent."""
    entries: dict[SubjectId, GuardEntry] = projection(policy, words, *edges, now_ms=now_ms).entries
    return {who for who, entry in entries.items() if entry.allow & policy.mask("marketing.email")}


def answered(*grants: Said) -> Words:
    return {OLD: [LINK, REFUSAL], NEW: [LINK, *(grants or (ANSWER,))], THIRD: [LINK]}


def test_an_answered_refusal_rests_for_both(policy: Policy):
    """For the purposes that the grant covers; the others of the refusal stand."""
    found = projection(policy, answered(), attested(policy)).entries
    assert emails(policy, answered(), attested(policy)) == {OLD, NEW}
    assert found[NEW].refuse == policy.mask("marketing") & ~policy.mask("marketing.email")


def test_without_an_answer_the_refusal_stands(policy: Policy):
    """However often the other identity grants."""
    assert emails(policy, answered(said("marketing.email", at_ms=6)), attested(policy)) == set()


@pytest.mark.parametrize(
    "weaker",
    [
        {"attested_by": ""},
        {"deterministic": False},
        {"state": EdgeState.REFUSAL_ONLY, "attested_by": "desk"},
        {"valid_until_ms": NOW_MS, "attested_by": "desk"},
    ],
)
def test_it_rests_by_proof_on_both_sides_alone(policy: Policy, weaker: dict):
    """Deterministic is not enough, nor is a link that is over: both still carry the refusal."""
    assert emails(policy, answered(), edge(policy, 1, OLD, NEW, **weaker)) == set()


def test_it_is_back_when_the_link_is_declared_wrong(policy: Policy):
    """For the one who refused; the other was never refused anything by its own words."""
    assert emails(policy, answered(), attested(policy, state=EdgeState.WRONG)) == {NEW}


def test_it_is_back_when_linking_is_withdrawn(policy: Policy):
    """By either; and then nobody is sent anything."""
    for who in (OLD, NEW):
        words = answered()
        words[who] = [*words[who], said(PROVEN, Action.WITHDRAW, 9)]
        assert emails(policy, words, attested(policy)) == set()


@pytest.mark.parametrize("over", [Action.WITHDRAW, Action.REFUSE, Action.EXPIRE, Action.INVALIDATE])
def test_it_is_back_when_the_answer_is_taken_back(policy: Policy, over: Action):
    """However, even if granted again without an answer."""
    taken = said("marketing.email", over, 7)
    for words in (answered(ANSWER, taken), answered(ANSWER, taken, said("marketing.email", at_ms=8))):
        assert emails(policy, words, attested(policy)) == set()


def test_a_grant_renewed_without_the_answer_keeps_it(policy: Policy):
    """A banner that asks again knows nothing of the other identity."""
    words = answered(ANSWER, said("marketing.email", at_ms=8))
    assert emails(policy, words, attested(policy)) == {OLD, NEW}


def test_an_answer_ends_with_its_own_grant(policy: Policy):
    """Also when a later grant goes on, and the entry says when."""
    ending = ANSWER._replace(valid_until_ms=NOW_MS + 5)
    words = answered(ending, said("marketing.email", at_ms=8))
    made = projection(policy, words, attested(policy))
    assert made.entries[NEW].changes_at_ms == made.next_change_ms() == NOW_MS + 5
    assert emails(policy, words, attested(policy)) == {OLD, NEW}
    assert emails(policy, words, attested(policy), now_ms=NOW_MS + 5) == set()


def test_an_answer_is_none_while_its_subject_grants_nothing():
    """Where no grant is needed either: a grant that ran out leaves the refusal in force."""
    lenient = compile_policy(SHIPPED | {"regimes": {}} | _with_basis("marketing.email", "opt_out"))
    ended = said("marketing.email", at_ms=8, until_ms=NOW_MS)
    assert emails(lenient, answered(ANSWER, ended), attested(lenient)) == {THIRD}
    assert emails(lenient, answered(ANSWER), attested(lenient)) == {OLD, NEW, THIRD}


def _with_basis(leaf: str, basis: str) -> dict:
    return {"purposes": SHIPPED["purposes"] | {leaf: SHIPPED["purposes"][leaf] | {"basis": basis}}}


def test_a_grant_from_before_the_refusal_answers_nothing(policy: Policy):
    """Its notice can not have shown it."""
    assert emails(policy, answered(ANSWER._replace(effective_at_ms=4)), attested(policy)) == set()


def test_a_later_refusal_is_not_the_one_that_was_answered(policy: Policy):
    """It has an id of its own."""
    words = answered() | {OLD: [LINK, REFUSAL, said("marketing", Action.WITHDRAW, 7, id=b"s" * 16)]}
    assert emails(policy, words, attested(policy)) == set()


def test_somebody_elses_refusal_still_counts(policy: Policy):
    """An answer is to the refusals it names."""
    words = answered() | {THIRD: [LINK, said("marketing", Action.REFUSE, 5, id=b"t" * 16)]}
    assert emails(policy, words, attested(policy), attested(policy, 2, NEW, THIRD)) == set()


def test_a_refusal_to_be_linked_is_answered_by_nobody_else(policy: Policy):
    """Or it would rest by the very link that it forbids."""
    refusal = said("identity.link.probabilistic", Action.REFUSE, 5, id=b"r" * 16)
    answer = said("identity.link.probabilistic", at_ms=6, supersedes=(refusal.id,))
    words = {OLD: [LINK, refusal], NEW: [LINK, answer]}
    found = projection(policy, words, attested(policy)).entries
    assert all(found[who].refuse == policy.mask("identity.link.probabilistic") for who in (OLD, NEW))


def test_an_answer_about_the_identifier_alone_reaches_nobody_else(policy: Policy):
    """The grantor is freed of the refusal; who refused is not."""
    refusal = said("location_precise", Action.REFUSE, 5, id=b"r" * 16)
    answer = said("location_precise", at_ms=6, supersedes=(refusal.id,))
    found = projection(policy, {OLD: [LINK, refusal], NEW: [LINK, answer]}, attested(policy)).entries
    assert found[NEW].allow & policy.mask("location_precise")
    assert found[OLD].refuse == policy.mask("location_precise")


def test_an_objection_is_answered_by_nothing_but_a_lift(policy: Policy):
    """A grant, whatever it names, leaves it standing."""
    words = answered() | {OLD: [LINK, REFUSAL, said("marketing", Action.OBJECT, 5)]}
    assert emails(policy, words, attested(policy)) == set()
    words[OLD].append(said("marketing", Action.LIFT, 7))
    assert emails(policy, words, attested(policy)) == {OLD, NEW}


def test_the_proven_are_those_joined_by_attested_edges_that_are_permitted(policy: Policy):
    """Through any number of them; not by others, and nobody by an edge whose consent is gone."""
    links = (attested(policy), edge(policy, 2, NEW, THIRD))
    made = projection(policy, answered(), *links)
    assert made.proven(NEW, NOW_MS) == (OLD, NEW)
    assert made.proven(THIRD, NOW_MS) == (THIRD,)
    both = projection(policy, answered(), links[0], links[1]._replace(attested_by="desk"))
    assert both.proven(THIRD, NOW_MS) == (OLD, NEW, THIRD)
    silent = projection(policy, answered() | {OLD: [REFUSAL]}, *links)
    assert silent.proven(NEW, NOW_MS) == (NEW,)
    assert silent.entries[NEW].changes_at_ms == NEVER_MS
