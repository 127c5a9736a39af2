"""Joints and bridges between anchored parts, by example and against taking every identifier away."""

from collections.abc import Collection

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
    assert shared_joints(star, {TABLET}, {A, B, C}, 2) == [{TABLET}]
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
    assert shared_joints(drawn, {TABLET, phone}, {A, B, C}, 2) == [{TABLET}]


def test_a_guess_between_two_people_is_a_bridge_unless_proof_joins_them_elsewhere():
    proof = person((A, TABLET))
    guess = {ordered(TABLET, B)}
    assert weak_bridges(proof, guess, {A, B}) == [ordered(TABLET, B)]
    assert weak_bridges(proof, guess, {A}) == []
    proof.add_edge(A, B)
    assert weak_bridges(proof, guess, {A, B}) == []


def test_identifiers_that_join_the_same_parts_are_one_joint():
    phone = D
    twins = person(*[(one, part) for one in (TABLET, phone) for part in (A, B, C)])
    assert shared_joints(twins, {TABLET, phone}, {A, B, C}, 2) == [{TABLET, phone}]
    assert shared_joints(twins, {TABLET, phone}, {A, B, C}, 3) == []


def test_who_is_only_linked_with_a_joint_of_several_is_none_of_it():
    phone, own = D, E
    twins = person((own, TABLET), (own, A), *[(one, part) for one in (TABLET, phone) for part in (A, B, C)])
    assert shared_joints(twins, {TABLET, phone, own}, {A, B, C}, 2) == [{TABLET, phone}]


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
        left.remove_nodes_from(joint)
    there = [one for one in shareable if one in left]
    for one in there:
        for other in there:
            if one == other or left.has_edge(one, other) or set(left[one]) == set(left[other]):
                assert parts_with_anchor(left, {one, other}, anchors) <= parts_max


@settings(max_examples=60)
@given(edges=edge_lists(), data=st.data())
def test_without_the_weak_bridges_everybody_joined_over_guesses_has_one_anchored_part(edges, data):
    drawn = oracle(edges, lambda _: True)
    anchors = set(data.draw(st.lists(st.sampled_from(PEOPLE))))
    weak = {ordered(*pair) for pair in drawn.edges if data.draw(st.booleans())}
    proof = drawn.copy()
    proof.remove_edges_from(weak)
    given_up = weak_bridges(proof, weak, anchors)
    left = drawn.copy()
    left.remove_edges_from(given_up)
    for everybody in nx.connected_components(left):
        parts = nx.connected_components(proof.subgraph(everybody))
        assert sum(bool(part & anchors) for part in parts) <= 1
    for pair in given_up:
        sides = [nx.node_connected_component(left, end) for end in pair]
        assert all(side & anchors for side in sides)


def parts_with_anchor(drawn: nx.Graph, joint: Collection[SubjectId], anchors: set[SubjectId]) -> int:
    """Into how many anchored parts the joint's own person falls without it."""
    person = drawn.subgraph(nx.node_connected_component(drawn, min(joint)) - set(joint))
    return sum(bool(part & anchors) for part in nx.connected_components(person))
