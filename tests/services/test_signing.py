"""Signatures: one kind of thing, one key."""

import secrets

from identity.keyring import KeyRing
from services.signing import Signed, public_keys, signer, verified


def test_a_signature_is_of_one_message_of_one_kind():
    """Another message, another kind or another deployment's key does not verify."""
    ring = KeyRing.create(secrets.token_bytes, 0)
    heads = signer(ring, Signed.AUDIT_HEAD)
    signature = heads.sign(b"head")
    assert public_keys(ring, Signed.AUDIT_HEAD) == {1: heads.public_key}
    assert verified(heads.public_key, signature, b"head")
    assert not verified(heads.public_key, signature, b"heae")
    assert not verified(signer(ring, Signed.ERASURE_RECEIPT).public_key, signature, b"head")
    stranger = signer(KeyRing.create(secrets.token_bytes, 0), Signed.AUDIT_HEAD)
    assert not verified(stranger.public_key, signature, b"head")
    assert not verified(b"no key", signature, b"head")


def test_a_signer_shows_nothing_of_its_key():
    """It may stand in a log by mistake."""
    assert repr(signer(KeyRing.create(secrets.token_bytes, 0), Signed.AUDIT_HEAD)) == "Signer(signing v1)"
