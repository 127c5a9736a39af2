"""A leaf has one encoding and one form, and a subject in it opens in one place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.auditlog.leaf import Decision, Leaf, decoded, packed, unpacked
from consent.auditlog.leaf_json import as_json, from_json
from consent.auditlog.sealing import SubjectSeal, month_of, tag_of, with_decisions
from consent.errors import LeafMalformed
from identity.ids import SubjectId
from tests.consent.auditlog.logs import NOW_MS, ONE, TWO, leaf

ANN, BOB = SubjectId(b"a" * 16), SubjectId(b"b" * 16)
KEYS = {ANN: b"A" * 32, BOB: b"B" * 32}

texts = st.text(max_size=60)
numbers = st.integers(0, 2**64 - 1)
small = st.integers(0, 2**32 - 1)
decisions = st.builds(
    Decision,
    st.integers(0, 63),
    st.booleans(),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=32, max_size=32),
)
leaves = st.builds(
    Leaf,
    process=st.binary(min_size=8, max_size=8),
    number=numbers,
    at_ms=numbers,
    epoch=numbers,
    purposes=numbers,
    disclosed=small,
    redacted=small,
    refused_items=small,
    policy=st.binary(min_size=32, max_size=32),
    contract=st.binary(min_size=32, max_size=32),
    caller=texts,
    method=texts,
    code=texts,
    reason=texts,
    request_id=texts,
    evidence=st.lists(st.binary(max_size=255), max_size=3).map(tuple),
    decisions=st.lists(decisions, max_size=4).map(tuple),
)


def seals(process: bytes) -> dict[SubjectId, SubjectSeal]:
    return {subject: SubjectSeal(key, process) for subject, key in KEYS.items()}


@given(leaves)
def test_encoding_and_form_give_the_leaf_back(one: Leaf):
    """What the tree proves and what a reader sees are the same."""
    assert decoded(one.encoded()) == one
    assert from_json(json.loads(json.dumps(as_json(one)))) == one


@given(leaves, leaves)
def test_two_leaves_never_have_one_encoding(one: Leaf, other: Leaf):
    """Else a record could be passed off as another."""
    assert (one.encoded() == other.encoded()) == (one == other)


@given(leaves, st.data())
def test_an_encoding_with_anything_off_is_refused_or_another_leaf(one: Leaf, data: st.DataObject):
    """No bytes are ignored: a flipped bit shows in the leaf or makes it unreadable."""
    encoding = bytearray(one.encoded())
    at = data.draw(st.integers(0, len(encoding) - 1))
    encoding[at] ^= data.draw(st.integers(1, 255))
    for wrong in (bytes(encoding), one.encoded() + b"\0", one.encoded()[:-1]):
        try:
            assert decoded(wrong) != one
        except LeafMalformed:
            continue


@pytest.mark.parametrize(
    ("part", "value"),
    [("number", True), ("number", -1), ("at_ms", 1 << 64), ("caller", 7), ("policy", "AB" * 32),
     ("policy", "ab"), ("process", None), ("evidence", "abc"), ("decisions", [{}]), ("decisions", 5),
     ("caller", "x" * 256)],
)  # fmt: skip
def test_a_form_with_a_part_of_another_type_is_refused(part: str, value: Any):
    """There is one way to write a leaf."""
    with pytest.raises(LeafMalformed):
        from_json(as_json(leaf(1)) | {part: value})


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_a_pack_gives_its_leaves_back_and_a_cut_one_is_refused(encodings: list[bytes]):
    """A record lost in a pack would be lost for good."""
    pack = packed(encodings)
    assert unpacked(pack) == encodings
    if pack:
        with pytest.raises(LeafMalformed):
            unpacked(pack[:-1])


def test_a_sealed_subject_opens_with_its_own_key_only():
    """Ann's key opens Ann's place and says nothing about Bob's."""
    one = with_decisions(leaf(1), [(ANN, 3, True), (BOB, 3, False)], seals(ONE).get)
    assert [seals(ONE)[ANN].opened(one, place) for place in (0, 1)] == [ANN, None]
    assert [seals(ONE)[BOB].opened(one, place) for place in (0, 1)] == [None, BOB]
    assert seals(TWO)[ANN].opened(one, 0) is None


def test_a_sealed_subject_that_was_moved_does_not_open():
    """To another record, another place, another purpose, another decision or beside other words."""
    one = with_decisions(leaf(1), [(ANN, 3, True), (ANN, 4, True)], seals(ONE).get)
    two = with_decisions(leaf(2), [(ANN, 3, True)], seals(ONE).get)
    seal = seals(ONE)[ANN]
    first, second = one.decisions
    moved = {
        "to another record": two._replace(decisions=(first,)),
        "to another place": one._replace(decisions=(second, first)),
        "to another purpose": one._replace(decisions=(first._replace(purpose=5),)),
        "to another decision": one._replace(decisions=(first._replace(allowed=False),)),
        "beside another caller": one._replace(caller="partner"),
        "beside another outcome": one._replace(code="PERMISSION_DENIED"),
    }
    assert seal.opened(one, 0) == ANN
    assert {how for how, leaf_ in moved.items() if seal.opened(leaf_, 0) is not None} == set()


def test_a_tag_is_of_one_subject_and_one_month():
    """Records of a month can be found by whoever has the key, and months can not be joined."""
    late = leaf(2)._replace(at_ms=NOW_MS + 40 * 86_400_000)
    first, again = (with_decisions(leaf(n), [(ANN, 3, True)], seals(ONE).get).decisions[0] for n in (1, 2))
    other = with_decisions(leaf(3), [(BOB, 3, True)], seals(ONE).get).decisions[0]
    later = with_decisions(late, [(ANN, 3, True)], seals(ONE).get).decisions[0]
    assert first.tag == again.tag == tag_of(KEYS[ANN], month_of(NOW_MS))
    assert len({first.tag, other.tag, later.tag}) == 3
    assert first.sealed != again.sealed


def test_a_subject_without_a_key_stands_there_as_nobody():
    """After an erasure the record still says what was decided."""
    one = with_decisions(leaf(1), [(ANN, 3, False)], lambda _: None)
    assert one.decisions[0].says_nobody
    assert not one.decisions[0].allowed
    assert seals(ONE)[ANN].opened(one, 0) is None
