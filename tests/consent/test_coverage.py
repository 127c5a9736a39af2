"""Whom a request covers: nobody is opened by a link alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.component import EdgeFact, EdgeState
from consent.coverage import Coverage, coverage, proves_both_ends
from consent.guard_table import NEVER_MS
from consent.policy import Policy
from identity.ids import SubjectId
from tests.consent.statements import NOW_MS, edge, subject

ME, CARD, PHONE, VICTIM, BEYOND = (subject(number) for number in range(1, 6))
EVERYBODY = (ME, CARD, PHONE, VICTIM, BEYOND)


def attested(policy: Policy, number: int, a: SubjectId, b: SubjectId) -> EdgeFact:
    return edge(policy, number, a, b)._replace(attested_by="idp")


def covered(
    edges: Sequence[EdgeFact],
    *proven: SubjectId,
    attesters: frozenset[str] = frozenset({"idp"}),
    refusing: SubjectId | None = None,
) -> Coverage:
    reaches = proves_both_ends(attesters, lambda who, _purpose: who != refusing, NOW_MS)
    return coverage(proven, lambda who: [one for one in edges if who in (one.a, one.b)], reaches)


def test_without_edges_the_proven_are_covered_and_named_once():
    assert covered([], ME, CARD, ME) == Coverage((ME, CARD), (), ())


def test_evidence_attested_at_both_ends_is_followed_as_far_as_it_goes(policy: Policy):
    edges = [attested(policy, 1, ME, CARD), attested(policy, 2, PHONE, CARD)]
    assert covered(edges, ME) == Coverage((ME,), (CARD, PHONE), ())


def test_linking_oneself_to_a_victim_covers_nothing_of_the_victim(policy: Policy):
    """By whatever evidence short of a verifier's; and who is beyond the victim is not even seen."""
    edges = [edge(policy, 1, ME, VICTIM), attested(policy, 2, VICTIM, BEYOND)]
    assert covered(edges, ME) == Coverage((ME,), (), (VICTIM,))


@pytest.mark.parametrize(
    "change",
    [
        {"valid_until_ms": NOW_MS},
        {"state": EdgeState.REFUSAL_ONLY},
        {"attested_by": ""},
        {"attested_by": "struck off"},
    ],
)
def test_an_edge_that_no_longer_proves_anything_is_not_followed(policy: Policy, change: dict[str, object]):
    assert covered([attested(policy, 1, ME, CARD)._replace(**change)], ME).covered == (ME,)


@pytest.mark.parametrize("refusing", [ME, CARD])
def test_a_link_that_either_end_refuses_is_not_followed(policy: Policy, refusing: SubjectId):
    assert covered([attested(policy, 1, ME, CARD)], ME, refusing=refusing).covered == (ME,)


def test_a_neighbour_that_is_proven_too_is_covered_and_no_neighbour(policy: Policy):
    assert covered([edge(policy, 1, ME, CARD)], ME, CARD) == Coverage((ME, CARD), (), ())


pairs = st.tuples(st.sampled_from(EVERYBODY), st.sampled_from(EVERYBODY)).filter(lambda two: two[0] != two[1])


@given(st.lists(st.tuples(pairs, st.booleans()), max_size=8), st.sampled_from(EVERYBODY))
def test_unattested_edges_never_change_who_is_covered(policy, said, proven):
    """Against the same graph without them; and the sets never overlap."""
    edges = [
        edge(policy, number, *ends)._replace(attested_by="idp" if proof else "", valid_until_ms=NEVER_MS)
        for number, (ends, proof) in enumerate(said)
    ]
    found = covered(edges, proven)
    assert found.covered == covered([one for one in edges if one.attested_by], proven).covered
    everybody = [*found.covered, *found.neighbours]
    assert len(set(everybody)) == len(everybody)
