"""Rotation: a version takes every step of its life, in order, and the ring forgets nothing it needs."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import KeyDestroyed, KeyInUse, KeyUnknown, VersionsUsedUp
from identity.keyring import OWN_IDS, VERSION_MAX, Key, KeyRing, KeyState
from identity.rotation import NEVER_MS, activate, begin, destroy, end_overlap, line, pending
from tests.identity.test_keyring import counting

RING = KeyRing.create(secrets.token_bytes, 0)
SHOP = OWN_IDS + "shop"


def rotated(ring: KeyRing, use: str, overlap_until_ms: int | None = None) -> KeyRing:
    return activate(begin(ring, use, secrets.token_bytes(32), 7), use, overlap_until_ms)


def states(ring: KeyRing, use: str) -> list[str]:
    return [key.state.value for key in ring.every(use)]


def test_a_version_begins_is_activated_while_the_one_before_retires_and_is_destroyed():
    begun = begin(RING, "identifier", bytes(32), 7)
    assert states(begun, "identifier") == ["active", "pending"]
    active = activate(begun, "identifier")
    assert states(active, "identifier") == ["retired", "active"]
    gone = destroy(active, "identifier", 1, 8)
    assert states(gone, "identifier") == ["destroyed", "active"]
    assert [ring.revision for ring in (RING, begun, active, gone)] == [0, 1, 2, 3]
    again = KeyRing.from_json(gone.to_json())
    assert (states(again, "identifier"), again.revision) == (["destroyed", "active"], 3)


def test_a_ring_is_not_changed_by_what_follows_it():
    before = RING.to_json()
    rotated(RING, "identifier")
    assert RING.to_json() == before


def test_a_rotation_that_was_cut_short_goes_on_with_the_version_it_began():
    begun = begin(RING, "pairwise", bytes(32), 7)
    assert begin(begun, "pairwise", b"x" * 32, 8) is begun
    assert pending(begun, "pairwise").version == 2


def test_a_pending_version_that_another_scope_overtook_is_destroyed_and_a_newer_one_begun():
    begun = begin(RING, SHOP, bytes(32), 7)
    again = begin(rotated(begun, "pairwise"), SHOP, bytes(32), 8)
    assert [(key.version, key.state.value) for key in again.every(SHOP)] == [(2, "destroyed"), (4, "pending")]
    assert begin(again, SHOP, b"x" * 32, 9) is again


def test_nothing_is_activated_that_was_not_begun():
    with pytest.raises(KeyUnknown):
        activate(RING, "identifier")
    with pytest.raises(KeyUnknown):
        begin(RING, "nothing", bytes(32), 7)


def test_what_seals_is_not_destroyed_and_nothing_is_destroyed_twice():
    with pytest.raises(KeyInUse):
        destroy(RING, "identifier", 1, 9)
    gone = destroy(rotated(RING, "identifier"), "identifier", 1, 9)
    with pytest.raises(KeyDestroyed):
        destroy(gone, "identifier", 1, 9)
    with pytest.raises(KeyUnknown):
        destroy(gone, "identifier", 3, 9)


def test_a_destroyed_version_leaves_its_number_and_no_byte_of_its_root():
    ring = rotated(KeyRing.create(counting(0x41), 0), "identifier")  # its root: AAAA…
    gone = destroy(ring, "identifier", 1, 9)
    root = "QUFBQUFB"
    assert root in ring.to_json()
    assert root not in gone.to_json()
    assert 1 in [key.version for key in gone.every("identifier")]


@pytest.mark.parametrize("use", ["pairwise", SHOP])
def test_a_key_of_ids_is_destroyed_only_once_none_under_it_is_taken(use):
    ring = rotated(rotated(RING, use, 100), use, 200)
    first = 1 if use == "pairwise" else 2
    with pytest.raises(KeyInUse):
        destroy(ring, use, first, 99 if use == "pairwise" else 199)
    assert destroy(ring, use, first, 100 if use == "pairwise" else 200).revision == ring.revision + 1


def test_a_shared_key_that_one_caller_left_still_serves_the_others():
    ring = rotated(RING, SHOP, 100)
    with pytest.raises(KeyInUse):
        destroy(ring, "pairwise", 1, 1_000)
    assert [(one.key.version, one.ends_at_ms) for one in line(ring, "shop")] == [(2, NEVER_MS), (1, 100)]
    assert [(one.key.version, one.ends_at_ms) for one in line(ring, "partner")] == [(1, NEVER_MS)]


def test_a_rotation_for_all_is_one_for_callers_with_keys_of_their_own_too():
    ring = rotated(rotated(RING, SHOP, 100), "pairwise", 200)
    assert states(ring, SHOP) == ["retired"]
    assert [(one.key.version, one.ends_at_ms) for one in line(ring, "shop")] == [
        (3, NEVER_MS),
        (2, 200),
        (1, 100),
    ]


def test_a_later_rotation_can_end_an_overlap_early_and_never_prolongs_it():
    ring = rotated(rotated(RING, SHOP, 100), SHOP, 50)
    assert [one.ends_at_ms for one in line(ring, "shop")] == [NEVER_MS, 50, 50]
    ring = rotated(rotated(RING, SHOP, 100), SHOP, 500)
    assert [one.ends_at_ms for one in line(ring, "shop")] == [NEVER_MS, 500, 100]


def test_there_is_an_end_to_the_numbers():
    full = RING.with_keys([Key("identifier", VERSION_MAX, KeyState.RETIRED, 0, None, bytes(32))])
    with pytest.raises(VersionsUsedUp):
        begin(full, "identifier", bytes(32), 7)


@given(st.lists(st.sampled_from(["pairwise", SHOP, OWN_IDS + "till"]), max_size=12))
def test_in_a_callers_line_a_number_stands_for_one_key_and_the_newest_seals(uses):
    """An id names its key by the number alone."""
    ring = RING
    for at, use in enumerate(uses):
        ring = rotated(ring, use, at)
    for caller in ("shop", "till", "partner"):
        versions = [one.key.version for one in line(ring, caller)]
        assert versions == sorted(set(versions), reverse=True)
        assert line(ring, caller)[0].key.state is KeyState.ACTIVE
        ends = [one.ends_at_ms for one in line(ring, caller)]
        assert ends == sorted(ends, reverse=True)


def test_an_overlap_that_is_ended_lets_what_is_older_be_destroyed_and_stays_ended():
    ring = rotated(RING, SHOP, 1_000)
    with pytest.raises(KeyInUse):
        destroy(rotated(RING, "pairwise", 1_000), "pairwise", 1, 10)
    ended = end_overlap(ring, SHOP, 2, 10)
    assert [(one.key.version, one.ends_at_ms) for one in line(ended, "shop")] == [(2, NEVER_MS), (1, 10)]
    assert [one.ends_at_ms for one in line(ended, "till")] == [NEVER_MS]  # the others' ids are what they were
    assert end_overlap(ended, SHOP, 2, 20) is ended
    whole = end_overlap(rotated(RING, "pairwise", 1_000), "pairwise", 2, 10)
    assert states(destroy(whole, "pairwise", 1, 10), "pairwise") == ["destroyed", "active"]


def test_what_seals_nothing_yet_ends_no_overlap():
    with pytest.raises(KeyInUse):
        end_overlap(begin(RING, SHOP, bytes(32), 7), SHOP, 2, 10)
    with pytest.raises(KeyUnknown):
        end_overlap(RING, SHOP, 2, 10)
