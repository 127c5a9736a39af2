"""The key ring: versions live and die, and nothing shows a key."""

import json
import secrets

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from identity.errors import KeyDestroyed, KeyRingMalformed, KeyUnknown
from identity.keyring import USES, KeyRing, KeyState, framed


def counting(start: int = 0):
    """Random bytes for tests: all 00, all 01, all 02."""
    numbers = iter(range(start, 256))
    return lambda count: bytes([next(numbers)]) * count


def ring_with(**states: str) -> KeyRing:
    """A ring whose pairwise use has these versions besides an active version 9."""
    content = json.loads(KeyRing.create(counting(), 5).to_json())
    root = content["pairwise"][0]["root"]
    content["pairwise"] = [
        {
            "version": version,
            "state": state,
            "created_at_ms": 5,
            "root": None if state == "destroyed" else root,
        }
        for version, state in [*((int(name[1:]), state) for name, state in states.items()), (9, "active")]
    ]
    return KeyRing.from_json(json.dumps(content))


def test_a_new_ring_has_one_active_version_of_every_use_each_with_a_root_of_its_own():
    ring = KeyRing.create(counting(), 5)
    keys = [ring.active(use) for use in USES]
    assert [(key.use, key.version, key.state, key.created_at_ms) for key in keys] == [
        (use, 1, KeyState.ACTIVE, 5) for use in USES
    ]
    assert len({key.derive(b"same", 32) for key in keys}) == len(USES)


def test_a_ring_read_from_its_own_text_derives_the_same_keys():
    ring = KeyRing.create(counting(), 5)
    again = KeyRing.from_json(ring.to_json())
    assert [again.active(use).derive(b"x", 64) for use in USES] == [
        ring.active(use).derive(b"x", 64) for use in USES
    ]
    assert again.to_json() == ring.to_json()


def test_derivation_is_hkdf_sha256_of_the_root():
    """Another implementation with the same root derives the same key."""
    root = bytes(32)  # the first root of ``counting``
    expected = HKDF(algorithm=SHA256(), length=42, salt=None, info=b"what for").derive(root)
    assert KeyRing.create(counting(), 0).active("identifier").derive(b"what for", 42) == expected


def test_another_purpose_or_use_gives_another_key():
    ring = KeyRing.create(counting(), 0)
    key = ring.active("pairwise")
    assert key.derive(framed("a", "bc"), 32) != key.derive(framed("ab", "c"), 32)
    assert key.derive(b"a", 32) != ring.active("audit").derive(b"a", 32)


def test_pending_and_retired_versions_open_and_only_the_active_one_seals():
    ring = ring_with(v1="retired", v2="pending")
    assert ring.active("pairwise").version == 9
    assert [ring.key("pairwise", version).version for version in (1, 2, 9)] == [1, 2, 9]
    assert [key.version for key in ring.versions("pairwise")] == [1, 2, 9]


def test_a_destroyed_version_is_refused_as_destroyed_and_keeps_no_root():
    ring = ring_with(v1="destroyed")
    with pytest.raises(KeyDestroyed):
        ring.key("pairwise", 1)
    assert json.loads(ring.to_json())["pairwise"][0]["root"] is None
    assert 1 not in [key.version for key in ring.versions("pairwise")]


@pytest.mark.parametrize(("use", "version"), [("pairwise", 2), ("nothing", 1)])
def test_an_unknown_use_or_version_is_refused(use, version):
    with pytest.raises(KeyUnknown):
        KeyRing.create(counting(), 0).key(use, version)


def _broken(change) -> str:
    content = json.loads(KeyRing.create(counting(0x41), 5).to_json())
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("audit"),
        lambda c: c.update(other=[]),
        lambda c: c.update(pairwise={}),
        lambda c: c["pairwise"].clear(),
        lambda c: c["pairwise"].append(dict(c["pairwise"][0])),
        lambda c: c["pairwise"].append(c["pairwise"][0] | {"version": 2}),
        lambda c: c["pairwise"][0].update(state="retired"),
        lambda c: c["pairwise"][0].update(state="burnt"),
        lambda c: c["pairwise"][0].update(version=0),
        lambda c: c["pairwise"][0].update(version=256),
        lambda c: c["pairwise"][0].update(version=True),
        lambda c: c["pairwise"][0].update(created_at_ms="now"),
        lambda c: c["pairwise"][0].update(root="AAAA"),
        lambda c: c["pairwise"][0].update(root="not base64!"),
        lambda c: c["pairwise"][0].update(root=None),
        lambda c: c["pairwise"][0].update(extra=1),
        lambda c: c["pairwise"][0].update(overlap_until_ms="later"),
        lambda c: c.update(revision=-1),
        lambda c: c.update(revision="2"),
        lambda c: c.update({"pairwise/shop": [c["pairwise"][0], c["pairwise"][0] | {"version": 2}]}),
        lambda c: c["pairwise"].append(
            {"version": 2, "state": "destroyed", "created_at_ms": 1, "root": "AAAA"}
        ),
    ],
)
def test_a_text_that_is_not_a_ring_is_refused_without_showing_any_of_it(change):
    text = _broken(change)
    with pytest.raises(KeyRingMalformed) as refusal:
        KeyRing.from_json(text)
    shown = str(refusal.value) + repr(refusal.value.__context__)
    for row in json.loads(text).get("identifier", []):
        assert row["root"] not in shown


@pytest.mark.parametrize("text", ["", "{", "[]", '"ring"', '{"identifier": 1}'])
def test_a_text_that_is_no_object_is_refused(text):
    with pytest.raises(KeyRingMalformed) as refusal:
        KeyRing.from_json(text)
    assert refusal.value.__cause__ is None


def test_nothing_that_prints_a_ring_or_a_key_shows_a_root():
    ring = KeyRing.create(counting(0x41), 5)  # roots AAAA…, BBBB…, CCCC…
    shown = "".join(f"{thing!r}{thing!s}{thing}" for thing in (ring, *(ring.active(use) for use in USES)))
    for letter in "ABC":
        assert letter * 4 not in shown
        assert f"{ord(letter):02x}" * 4 not in shown
    assert "pairwise v1 active" in shown


def test_a_ring_written_before_rings_had_revisions_is_their_first():
    content = json.loads(KeyRing.create(counting(), 5).to_json())
    del content["revision"]
    assert KeyRing.from_json(json.dumps(content)).revision == 0


def test_an_older_ring_gets_the_uses_it_lacks_and_keeps_what_it_has():
    """A program that needs a new use must not lose what older keys seal."""
    ring = KeyRing.create(secrets.token_bytes, 5)
    older = json.loads(ring.to_json())
    del older["signing"]
    again = KeyRing.completed(json.dumps(older), secrets.token_bytes, 6)
    assert again.active("audit").derive(b"x", 32) == ring.active("audit").derive(b"x", 32)
    assert again.active("signing").created_at_ms == 6
    with pytest.raises(KeyRingMalformed):
        KeyRing.completed("[]", secrets.token_bytes, 6)
