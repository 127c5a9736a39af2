"""Pairwise ids: they open for one caller, unaltered, and for nobody and nothing else."""

import base64
import json
import secrets

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from identity.errors import MalformedSubject
from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.pairwise import Pairwise

RING = KeyRing.create(secrets.token_bytes, 0)
SHOP = Pairwise(RING, "acme", "shop")
subjects = st.binary(min_size=16, max_size=16).map(SubjectId)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(subjects)
def test_a_sealed_subject_opens_as_itself_every_time(subject):
    text = SHOP.seal(subject)
    assert SHOP.open(text) == subject
    assert isinstance(SHOP.open(text), SubjectId)
    assert SHOP.seal(subject) == text
    assert Pairwise(KeyRing.from_json(RING.to_json()), "acme", "shop").seal(subject) == text


@given(subjects)
def test_an_id_is_short_printable_and_names_its_key_version(subject):
    text = SHOP.seal(subject)
    assert (len(text), text[:3]) == (37, "vs_")
    assert set(text[3:]) <= set(ALPHABET)
    assert base64.urlsafe_b64decode(text[3:] + "==")[0] == 1


@pytest.mark.parametrize(
    ("tenant", "caller"), [("acme", "partner"), ("apex", "shop"), ("acmes", "hop"), ("", "acmeshop")]
)
@given(subject=subjects)
def test_no_other_caller_or_tenant_opens_an_id_and_their_ids_share_nothing(tenant, caller, subject):
    other = Pairwise(RING, tenant, caller)
    with pytest.raises(MalformedSubject):
        other.open(SHOP.seal(subject))
    mine, theirs = (base64.urlsafe_b64decode(one.seal(subject)[3:] + "==") for one in (SHOP, other))
    assert mine[1:17] != theirs[1:17]
    assert mine[17:] != theirs[17:]


@given(subject=subjects, data=st.data())
def test_an_id_with_one_character_changed_is_refused(subject, data):
    text = SHOP.seal(subject)
    position = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from(ALPHABET + "+/=é \n").filter(lambda one: one != text[position]))
    with pytest.raises(MalformedSubject):
        SHOP.open(text[:position] + character + text[position + 1 :])


@given(subject=subjects)
def test_each_subject_has_exactly_one_text(subject):
    """The four bits that base64 leaves over in the last character are not free."""
    text = SHOP.seal(subject)
    opened = [last for last in ALPHABET if _opens(text[:-1] + last)]
    assert opened == [text[-1]]


def _opens(text: str) -> bool:
    try:
        SHOP.open(text)
    except MalformedSubject:
        return False
    return True


@given(st.text(max_size=80))
@example("")
@example("vs_")
@example("vs_" + "A" * 34)
@example("vs_" + "\ud800" * 34)
@example("vs_" + "A" * 32 + "==")
@example("vs_" + " " * 34)
def test_a_text_that_is_no_id_is_refused_as_malformed_and_nothing_else(text):
    with pytest.raises(MalformedSubject) as refusal:
        SHOP.open(text)
    assert str(refusal.value) == str(MalformedSubject())  # nothing of the text in it


@given(subjects)
def test_a_person_id_never_opens_as_a_subject(subject):
    person = SHOP.seal_person(subject)
    assert person.startswith("vp_")
    for text in (person, "vs_" + person[3:]):
        with pytest.raises(MalformedSubject):
            SHOP.open(text)


def _with_version_two(state_of_one: str) -> KeyRing:
    content = json.loads(RING.to_json())
    old = content["pairwise"][0] | {"state": state_of_one}
    if state_of_one == "destroyed":
        old["root"] = None
    new = json.loads(KeyRing.create(secrets.token_bytes, 0).to_json())["pairwise"][0] | {"version": 2}
    return KeyRing.from_json(json.dumps(content | {"pairwise": [old, new]}))


@given(subjects)
def test_ids_of_a_retired_key_still_open_beside_those_of_the_new_one(subject):
    rotated = Pairwise(_with_version_two("retired"), "acme", "shop")
    assert rotated.open(SHOP.seal(subject)) == subject
    assert rotated.seal(subject) != SHOP.seal(subject)
    assert rotated.open(rotated.seal(subject)) == subject


def test_ids_of_a_destroyed_key_open_no_more():
    subject = SubjectId(bytes(16))
    with pytest.raises(MalformedSubject):
        Pairwise(_with_version_two("destroyed"), "acme", "shop").open(SHOP.seal(subject))


def test_neither_the_caller_s_ids_nor_a_subject_print_what_they_hold():
    subject = SubjectId(b"sixteen bytes ok")
    shown = f"{SHOP!r}{SHOP!s}{subject!r}{subject!s}{subject}{[subject]}{SHOP._subject!r}"
    assert "sixteen" not in shown
    assert subject.hex() not in shown
    assert repr(SHOP) == "Pairwise(acme/shop)"
