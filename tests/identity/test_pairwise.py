"""Pairwise ids: they open for one caller, unaltered, and for nobody and nothing else."""

import base64
import secrets

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from identity.errors import MalformedSubject, PseudonymRetired
from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.pairwise import Pairwise
from identity.rotation import activate, begin, destroy

RING = KeyRing.create(secrets.token_bytes, 0)
NOW = 1_000
SHOP = Pairwise(RING, "acme", "shop")
subjects = st.binary(min_size=16, max_size=16).map(SubjectId)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(subjects)
def test_a_sealed_subject_opens_as_itself_every_time(subject):
    text = SHOP.seal(subject)
    assert SHOP.open(text, NOW) == subject
    assert isinstance(SHOP.open(text, NOW), SubjectId)
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
        other.open(SHOP.seal(subject), NOW)
    mine, theirs = (base64.urlsafe_b64decode(one.seal(subject)[3:] + "==") for one in (SHOP, other))
    assert mine[1:17] != theirs[1:17]
    assert mine[17:] != theirs[17:]


@given(subject=subjects, data=st.data())
def test_an_id_with_one_character_changed_is_refused(subject, data):
    text = SHOP.seal(subject)
    position = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from(ALPHABET + "+/=é \n").filter(lambda one: one != text[position]))
    with pytest.raises(MalformedSubject):
        SHOP.open(text[:position] + character + text[position + 1 :], NOW)


@given(subject=subjects)
def test_each_subject_has_exactly_one_text(subject):
    """The four bits that base64 leaves over in the last character are not free."""
    text = SHOP.seal(subject)
    opened = [last for last in ALPHABET if _opens(text[:-1] + last)]
    assert opened == [text[-1]]


def _opens(text: str) -> bool:
    try:
        SHOP.open(text, NOW)
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
        SHOP.open(text, NOW)
    assert str(refusal.value) == str(MalformedSubject())  # nothing of the text in it


@given(subjects)
def test_a_person_id_never_opens_as_a_subject(subject):
    person = SHOP.seal_person(subject)
    assert person.startswith("vp_")
    for text in (person, "vs_" + person[3:]):
        with pytest.raises(MalformedSubject):
            SHOP.open(text, NOW)


def rotated(use: str = "pairwise", overlap_until_ms: int = NOW + 10) -> KeyRing:
    return activate(begin(RING, use, secrets.token_bytes(32), NOW), use, overlap_until_ms)


@pytest.mark.parametrize("use", ["pairwise", "pairwise/shop"])
@given(subject=subjects)
def test_ids_under_the_key_before_open_until_the_overlap_is_over_and_are_then_refused_as_retired(
    use, subject
):
    shop = Pairwise(rotated(use), "acme", "shop")
    assert shop.open(SHOP.seal(subject), NOW + 9) == subject
    assert shop.open(shop.seal(subject), NOW + 10) == subject
    with pytest.raises(PseudonymRetired):
        shop.open(SHOP.seal(subject), NOW + 10)
    assert shop.seal(subject) != SHOP.seal(subject)
    assert shop.seal_before(subject) == SHOP.seal(subject)
    assert shop.before_until_ms == NOW + 10


def test_every_kind_of_id_of_a_caller_changes_with_its_key():
    subject, shop = SubjectId(bytes(16)), Pairwise(rotated("pairwise/shop"), "acme", "shop")
    assert shop.seal_person(subject) != SHOP.seal_person(subject)
    old, new = SHOP.seal_statement(subject), shop.seal_statement(subject)
    assert old != new
    assert [shop.open_statement(old, at) for at in (NOW + 9, NOW + 10)] == [subject, None]
    assert shop.open_statement(new, NOW + 10) == subject


def test_one_callers_rotation_changes_no_other_callers_ids():
    subject = SubjectId(bytes(16))
    before, after = (Pairwise(ring, "acme", "partner") for ring in (RING, rotated("pairwise/shop")))
    assert after.seal(subject) == before.seal(subject)
    assert (after.before_until_ms, after.seal_before(subject)) == (0, "")


def test_an_id_under_a_pending_key_opens_already_and_none_is_made_under_it():
    """Who is told of a key first may not be who is first shown an id under it."""
    subject, use = SubjectId(bytes(16)), "pairwise/shop"
    begun = begin(RING, use, secrets.token_bytes(32), NOW)
    told, ahead = (Pairwise(ring, "acme", "shop") for ring in (begun, activate(begun, use, NOW)))
    assert told.seal(subject) == SHOP.seal(subject)
    assert told.open(ahead.seal(subject), NOW) == subject


@pytest.mark.parametrize(
    ("left", "overtaking", "then"),
    [
        ("pairwise/shop", "pairwise", "pairwise/shop"),
        ("pairwise", "pairwise/shop", "pairwise"),
        ("pairwise", "pairwise/shop", "pairwise/shop"),
    ],
)
@given(subject=subjects)
def test_a_rotation_left_pending_is_overtaken_and_the_next_one_takes_effect(left, overtaking, then, subject):
    """No older version comes to seal, and what the caller held stays its id before."""
    ring = begin(RING, left, secrets.token_bytes(32), 0)
    ring = activate(begin(ring, overtaking, secrets.token_bytes(32), 0), overtaking, NOW)
    shop = Pairwise(ring, "acme", "shop")
    assert shop.seal_before(subject) == SHOP.seal(subject)
    ring = activate(begin(ring, then, secrets.token_bytes(32), NOW), then, NOW + 10)
    after = Pairwise(ring, "acme", "shop")
    assert after.seal(subject) not in {shop.seal(subject), SHOP.seal(subject)}
    assert after.open(after.seal(subject), NOW + 20) == subject
    assert (after.seal_before(subject), after.before_until_ms) == (shop.seal(subject), NOW + 10)
    with pytest.raises(PseudonymRetired):
        after.open(shop.seal(subject), NOW + 10)


@given(
    st.lists(
        st.tuples(st.sampled_from(["pairwise", "pairwise/shop", "pairwise/till"]), st.booleans()), max_size=8
    )
)
@settings(max_examples=30, deadline=None)
def test_whatever_is_left_pending_a_rotation_gives_its_callers_new_ids_and_nobody_else(steps):
    """Each caller's id before is the one it held, taken until the overlap is over and not longer."""
    ring, subject = RING, SubjectId(bytes(16))
    held = {caller: Pairwise(ring, "acme", caller).seal(subject) for caller in ("shop", "till", "partner")}
    for at_ms, (use, finished) in enumerate(steps, start=1):
        now_ms, until_ms = 10 * at_ms, 10 * at_ms + 5
        ring = begin(ring, use, secrets.token_bytes(32), now_ms)
        ring = activate(ring, use, until_ms) if finished else ring
        for caller, before in held.items():
            pairwise = Pairwise(ring, "acme", caller)
            now = held[caller] = pairwise.seal(subject)
            assert pairwise.open(now, until_ms) == pairwise.open(before, now_ms) == subject
            rotated = finished and use in {"pairwise", f"pairwise/{caller}"}
            assert (now != before) == rotated
            if rotated:
                assert (pairwise.seal_before(subject), pairwise.before_until_ms) == (before, until_ms)
                with pytest.raises(PseudonymRetired):
                    pairwise.open(before, until_ms)


def test_ids_of_a_destroyed_key_are_refused_as_retired():
    subject = SubjectId(bytes(16))
    shop = Pairwise(destroy(rotated(), "pairwise", 1, NOW + 10), "acme", "shop")
    for at in (NOW, NOW + 10):  # whatever the time
        with pytest.raises(PseudonymRetired):
            shop.open(SHOP.seal(subject), at)
    assert (shop.before_until_ms, shop.seal_before(subject)) == (0, "")


def test_neither_the_caller_s_ids_nor_a_subject_print_what_they_hold():
    subject = SubjectId(b"sixteen bytes ok")
    shown = f"{SHOP!r}{SHOP!s}{subject!r}{subject!s}{subject}{[subject]}{SHOP._subject!r}"
    assert "sixteen" not in shown
    assert subject.hex() not in shown
    assert repr(SHOP) == "Pairwise(acme/shop)"
