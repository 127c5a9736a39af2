"""A person in the domain: who is reached, what is beyond, where it is cut."""

from __future__ import annotations

from identity.graph import Graph
from identity.ids import SubjectId
from identity.ledger import NEVER_MS, Edge, EdgeState, Evidence, LedgerEntry
from identity.person import LINKS_MAX, MEMBERS_MAX, person_of, reached_from, without


def subject(number: int) -> SubjectId:
    return SubjectId(number.to_bytes(16, "big"))


def edge(number: int, one: int, other: int, state: EdgeState = EdgeState.ACTIVE) -> Edge:
    a, b = sorted((subject(one), subject(other)))
    return Edge(number, a, b, Evidence.LOGIN, "web", 0, NEVER_MS, 1000, state)


def entry(*of: int, state: EdgeState = EdgeState.ACTIVE) -> LedgerEntry:
    return LedgerEntry(edge(*of, state=state), 0, "")


def test_pending_links_reach_and_others_do_not():
    graph = Graph([edge(1, 1, 2), edge(2, 2, 3, EdgeState.LINK_PENDING), edge(3, 3, 4, EdgeState.WRONG)])
    assert reached_from(subject(1), graph) == ((subject(1), subject(2), subject(3)), True)


def test_of_more_than_fit_the_nearest_are_shown_and_it_is_said():
    graph = Graph([edge(n, 0, n) for n in range(1, MEMBERS_MAX + 1)])
    reached, complete = reached_from(subject(0), graph)
    assert not complete
    assert reached == tuple(subject(n) for n in range(MEMBERS_MAX))


def test_the_other_end_of_a_link_that_fell_is_beyond():
    links = [entry(1, 1, 2), entry(2, 2, 3, state=EdgeState.REFUSED)]
    person = person_of([subject(1), subject(2)], links, complete=True)
    assert person.beyond == (subject(3),)
    assert person.links == tuple(links)
    assert person.complete


def test_more_links_than_fit_are_cut_and_it_is_said():
    links = [replace_id(entry(1, 1, 2), number) for number in range(LINKS_MAX + 1)]
    person = person_of([subject(1), subject(2)], links, complete=True)
    assert len(person.links) == LINKS_MAX
    assert not person.complete


def replace_id(one: LedgerEntry, edge_id: int) -> LedgerEntry:
    return one._replace(edge=one.edge._replace(edge_id=edge_id))


def test_who_is_gone_takes_its_links_along():
    links = [entry(1, 1, 2), entry(2, 1, 3), entry(3, 2, 3)]
    whole = person_of([subject(1), subject(2)], links, complete=True)
    left = without(whole, {subject(3)})
    assert (left.reached, left.beyond, left.links) == (whole.reached, (), (links[0],))
