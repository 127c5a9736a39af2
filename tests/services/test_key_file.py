"""The key file: replaced as a whole, taken up when there is a later one, never gone back from."""

import secrets
import stat

import pytest

from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.rotation import activate, begin
from services import key_file
from services.interceptors.call import Caller
from services.key_file import Keys

SHOP = Caller("shop", "acme", frozenset(), 0)
SUBJECT = SubjectId(bytes(16))


def rotated(ring: KeyRing) -> KeyRing:
    return activate(begin(ring, "pairwise", secrets.token_bytes(32), 0), "pairwise", 9)


@pytest.fixture
def path(tmp_path, keyring):
    path = tmp_path / "keyring.json"
    path.write_text(keyring.to_json())
    return path


def test_what_identity_keeps_another_process_takes_up_when_it_is_told(path, keyring):
    """And what it made of the ring before is made anew."""
    identity, other = Keys(path, keyring), Keys(path, keyring)
    before = other.pairwise(SHOP).seal(SUBJECT)
    assert other.pairwise(SHOP) is other.pairwise(SHOP)
    ring = rotated(keyring)
    identity.keep(ring)
    assert other.ring.revision == 0
    assert other.reaches(ring.revision)
    assert other.ring.revision == ring.revision
    assert other.pairwise(SHOP).seal(SUBJECT) == identity.pairwise(SHOP).seal(SUBJECT) != before


@pytest.mark.parametrize("left", [False, True])
def test_only_its_owner_can_read_the_file_and_nothing_is_left_beside_it(path, keyring, left):
    """Nor does what a killed process left there say who can read the next ring."""
    if left:
        (path.parent / f".{path.name}.new").write_text("half a ring")
    Keys(path, keyring).keep(rotated(keyring))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("text", [None, "", "{}", '{"revision": 9}'])
def test_a_file_that_is_not_there_or_is_no_ring_is_a_ring_not_reached(path, keyring, text):
    keys = Keys(path, keyring)
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    assert not keys.reaches(1)
    assert keys.ring is keyring


def test_an_earlier_ring_put_back_is_not_taken_up(path, keyring):
    keys = Keys(path, keyring)
    ring = rotated(keyring)
    keys.keep(ring)
    path.write_text(keyring.to_json())
    assert not keys.reaches(ring.revision + 1)
    assert keys.ring is ring


def test_a_ring_that_can_not_be_written_is_not_held(path, keyring, tmp_path):
    keys = Keys(tmp_path / "nowhere" / "keyring.json", keyring)
    with pytest.raises(OSError, match="nowhere"):
        keys.keep(rotated(keyring))
    assert keys.ring is keyring


def test_a_ring_that_is_in_the_file_is_held_even_if_it_may_not_last(path, keyring, monkeypatch):
    """Another ring made from the one before would have its revision, and other roots."""

    def faulty(_path):
        raise OSError("no disk")

    keys, ring = Keys(path, keyring), rotated(keyring)
    with monkeypatch.context() as patched:
        patched.setattr(key_file, "_flush_folder", faulty)
        with pytest.raises(OSError, match="no disk"):
            keys.keep(ring)
    assert keys.ring is ring
    assert path.read_text() == ring.to_json()
    assert not keys.lasting
    keys.keep(ring)
    assert keys.lasting
