"""What a correction does, and what a repeated request is."""

import pytest

from identity.errors import LinkNotFound, RequestIdReused
from identity.ledger import EdgeState, LedgerEntry
from identity.linking import Done, Request, check_same, fingerprint, fingerprints, undo
from tests.identity.graphs import NOW_MS, PEOPLE, edge
from tests.identity.test_judging import sighting

A, B = PEOPLE[:2]


def test_undoing_takes_whatever_somebody_asserted_and_nobody_declared_wrong():
    known = [
        LedgerEntry(edge(1, A, B), 5, ""),
        LedgerEntry(edge(2, A, B, valid_until_ms=NOW_MS - 1, source="app"), 5, ""),
        LedgerEntry(edge(3, A, B, state=EdgeState.WRONG), 5, "earlier"),
        LedgerEntry(edge(4, A, B, state=EdgeState.REFUSED), 5, ""),
        LedgerEntry(edge(5, A, B, state=EdgeState.LINK_PENDING, source="till"), 5, ""),
        LedgerEntry(edge(6, A, B, state=EdgeState.UNLINK_PENDING), 5, "earlier"),
    ]
    undone = undo(known, "shared tablet", NOW_MS)
    assert [(e.edge.edge_id, e.edge.state, e.stated_at_ms, e.reason) for e in undone] == [
        (1, EdgeState.UNLINK_PENDING, NOW_MS, "shared tablet"),
        (2, EdgeState.UNLINK_PENDING, NOW_MS, "shared tablet"),
        (4, EdgeState.WRONG, NOW_MS, "shared tablet"),
        (5, EdgeState.UNLINK_PENDING, NOW_MS, "shared tablet"),
    ]


@pytest.mark.parametrize("state", [EdgeState.REFUSED, EdgeState.QUARANTINED])
def test_what_counts_for_nothing_is_wrong_at_once(state):
    """Or else laxer rules would bring back what somebody has put right."""
    (undone,) = undo([LedgerEntry(edge(3, A, B, state=state), 5, "PERSON_TOO_LARGE")], "not mine", NOW_MS)
    assert (undone.edge.state, undone.reason) == (EdgeState.WRONG, "not mine")


@pytest.mark.parametrize("state", [EdgeState.WRONG, EdgeState.UNLINK_PENDING])
def test_undoing_without_an_edge_that_stands_is_refused(state):
    with pytest.raises(LinkNotFound):
        undo([LedgerEntry(edge(3, A, B, state=state), 5, "")], "", NOW_MS)


def request(*prints: bytes | None) -> Request:
    given = {index: one for index, one in enumerate(prints) if one is not None}
    return Request("acme/shop", "Link", "r1", fingerprints(given, len(prints)))


ONE, TWO = fingerprint("one"), fingerprint("two")


@pytest.mark.parametrize(
    ("then", "now"),
    [((ONE, TWO), (ONE, TWO)), ((ONE, None), (ONE, TWO)), ((ONE, TWO), (None, TWO)), ((), ())],
)
def test_a_repeat_is_the_same_as_far_as_both_times_were_judged(then, now):
    check_same(request(*now), Done(request(*then).fingerprints, b"", 1))


@pytest.mark.parametrize(
    ("then", "now"), [((ONE,), (TWO,)), ((ONE,), (ONE, TWO)), ((ONE, TWO), (TWO, ONE)), ((ONE,), ())]
)
def test_another_request_under_a_used_id_is_refused(then, now):
    with pytest.raises(RequestIdReused):
        check_same(request(*now), Done(request(*then).fingerprints, b"", 1))


def test_fingerprints_tell_where_one_part_ends():
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint(1, "1") == fingerprint("1", 1)
    assert fingerprint(*sighting()) != fingerprint(*sighting(source="app"))
