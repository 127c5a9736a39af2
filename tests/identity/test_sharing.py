"""Joints and bridges between anchored parts, by example and against taking every identifier away."""

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.ids import SubjectId
from identity.ledger import ordered
from identity.sharing import shared_joints, weak_bridges
from tests.identity.graphs import PEOPLE, edge_lists, oracle

TABLET, A, B, C, D, E = PEOPLE[:6]


def person(*pairs: tuple[SubjectId, SubjectId]) -> nx.Graph:
    return nx.Graph([tuple(pair) for pair in pairs])


def test_a_tablet_that_three_households_hang_together_by_is_shared():
    star = person((TABLET, A), (TABLET, B), (TABLET, C))
    assert shared_joints(star, {TABLET}, {A, B, C}, 2) == [TABLET]
    assert shared_joints(star, {TABLET}, {A, B, C}, 3) == []


def test_parts_without_an_anchor_of_their_own_make_nobody_suspicious():
    """A browser with many cookies beside it belongs to one person."""
    star = person((TABLET, A), (TABLET, B), (TABLET, C), (TABLET, D))
    assert shared_joints(star, {TABLET}, {A}, 1) == []


def test_what_is_joined_elsewhere_as_well_is_no_part_of_its_own():
    ring = person((TABLET, A), (TABLET, B), (TABLET, C), (A, B), (B, C))
    assert shared_joints(ring, {TABLET}, {A, B, C}, 1) == []


def test_an_account_is_no_joint_however_much_hangs_on_it():
    star = person((A, B), (A, C), (A, D), (A, E))
    assert shared_joints(star, set(), {A, B, C, D, E}, 1) == []


def test_of_two_joints_the_worse_goes_first_and_may_make_the_other_one_harmless():
    """The tablet joins three; the telephone beyond it joins only what the tablet had joined."""
    phone = D
    drawn = person((TABLET, A), (TABLET, B), (TABLET, phone), (phone, C), (phone, E))
    assert shared_joints(drawn, {TABLET, phone}, {A, B, C}, 2) == [TABLET]


def test_a_guess_between_two_people_is_a_bridge_unless_proof_joins_them_elsewhere():
    drawn = person((A, TABLET), (TABLET, B))
    guess = {ordered(TABLET, B)}
    assert weak_bridges(drawn, guess, {A, B}) == [ordered(TABLET, B)]
    assert weak_bridges(drawn, guess, {A}) == []
    drawn.add_edge(A, B)
    assert weak_bridges(drawn, guess, {A, B}) == []


@settings(max_examples=60)
@given(edges=edge_lists(), data=st.data(), parts_max=st.integers(1, 3))
def test_without_the_shared_joints_no_shareable_identifier_holds_too_many_anchored_parts(
    edges, data, parts_max
):
    drawn = oracle(edges, lambda _: True)
    anchors = set(data.draw(st.lists(st.sampled_from(PEOPLE))))
    shareable = set(data.draw(st.lists(st.sampled_from(PEOPLE)))) - anchors
    left = drawn.copy()
    for joint in shared_joints(drawn, shareable, anchors, parts_max):
        assert parts_with_anchor(left, joint, anchors) > parts_max
        left.remove_node(joint)
    assert all(parts_with_anchor(left, one, anchors) <= parts_max for one in shareable if one in left)


@settings(max_examples=60)
@given(edges=edge_lists(), data=st.data())
def test_without_the_weak_bridges_no_guess_alone_joins_two_anchored_parts(edges, data):
    drawn = oracle(edges, lambda _: True)
    anchors = set(data.draw(st.lists(st.sampled_from(PEOPLE))))
    weak = {ordered(*pair) for pair in drawn.edges if data.draw(st.booleans())}
    left = drawn.copy()
    left.remove_edges_from(weak_bridges(drawn, weak, anchors))
    for pair in weak & {ordered(*pair) for pair in left.edges}:
        apart = left.copy()
        apart.remove_edge(*pair)
        sides = [nx.node_connected_component(apart, end) for end in pair]
        assert sides[0] == sides[1] or not all(side & anchors for side in sides)


def parts_with_anchor(drawn: nx.Graph, one: SubjectId, anchors: set[SubjectId]) -> int:
    """Into how many anchored parts the identifier's own person falls without it."""
    person = drawn.subgraph(nx.node_connected_component(drawn, one) - {one})
    return sum(bool(part & anchors) for part in nx.connected_components(person))
