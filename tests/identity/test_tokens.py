"""Tokens: equal where they must be, unrelated everywhere else."""

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import KeyUnknown, NotADigest, TokenAltered, UnknownKind
from identity.ids import IdentifierToken
from identity.keyring import KeyRing, framed
from identity.rotation import activate, begin, destroy
from identity.tokens import IdentifierKind, Sealed, Tokeniser
from tests.identity.test_keyring import counting
from veilgraph.identity.v1 import identity_pb2

RING = KeyRing.create(counting(), 0)
ROTATED = activate(begin(RING, "identifier", b"r" * 32, 0), "identifier")
DIGEST = hashlib.sha256(b"ada@example.com").digest()
digests = st.binary(min_size=32, max_size=32)


def test_the_same_identifier_has_the_same_token_after_a_restart():
    again = Tokeniser(KeyRing.from_json(RING.to_json()), "acme")
    assert again.token(IdentifierKind.EMAIL, DIGEST) == Tokeniser(RING, "acme").token(
        IdentifierKind.EMAIL, DIGEST
    )


@given(one=digests, other=digests)
def test_two_digests_have_one_token_only_if_they_are_the_same(one, other):
    tokeniser = Tokeniser(RING, "acme")
    same = tokeniser.token(IdentifierKind.PHONE, one) == tokeniser.token(IdentifierKind.PHONE, other)
    assert same == (one == other)


def test_tenants_kinds_and_rings_have_unrelated_tokens_of_one_digest():
    tokenisers = [
        Tokeniser(RING, "acme"),
        Tokeniser(RING, "apex"),
        Tokeniser(KeyRing.create(counting(9), 0), "acme"),
    ]
    tokens = {tokeniser.token(kind, DIGEST) for tokeniser in tokenisers for kind in IdentifierKind}
    assert len(tokens) == len(tokenisers) * len(IdentifierKind)


def test_a_token_says_its_key_version_and_hides_its_digest():
    token = Tokeniser(RING, "acme").token(IdentifierKind.EMAIL, DIGEST)
    assert isinstance(token, IdentifierToken)
    assert (len(token), token[0]) == (49, 1)
    assert DIGEST not in token
    assert f"{token!r}{token!s}" == "IdentifierToken(…)" * 2


@given(digest=digests, kind=st.sampled_from(IdentifierKind), what=st.sampled_from(Sealed))
def test_what_was_sealed_opens_under_every_later_ring_until_its_key_is_destroyed(digest, kind, what):
    old, new = Tokeniser(RING, "acme"), Tokeniser(ROTATED, "acme")
    sealed = old.sealed(kind, digest, what)
    assert new.digest(kind, sealed, what) == digest
    assert (new.version, new.older, new.sealed(kind, digest, what, 1)) == (2, (1,), sealed)
    with pytest.raises(KeyUnknown):
        Tokeniser(destroy(ROTATED, "identifier", 1, 0), "acme").digest(kind, sealed, what)


@given(digest=digests)
def test_a_token_re_sealed_is_the_token_the_digest_gets_under_that_key(digest):
    old, new = Tokeniser(RING, "acme"), Tokeniser(ROTATED, "acme")
    assert new.under(2, 1, old.token(1, digest)) == new.token(1, digest) != old.token(1, digest)
    assert new.under(1, 1, new.token(1, digest)) == old.token(1, digest)


def test_a_token_opens_only_as_what_it_was_sealed_as():
    tokeniser = Tokeniser(RING, "acme")
    token = tokeniser.token(IdentifierKind.EMAIL, DIGEST)
    for wrong in (
        lambda: tokeniser.digest(IdentifierKind.PHONE, token),
        lambda: tokeniser.digest(IdentifierKind.EMAIL, token, Sealed.SUPPRESSION),
        lambda: Tokeniser(RING, "apex").digest(IdentifierKind.EMAIL, token),
        lambda: tokeniser.digest(IdentifierKind.EMAIL, token[:-1] + bytes([token[-1] ^ 1])),
    ):
        with pytest.raises(TokenAltered):
            wrong()


def test_nothing_is_sealed_under_a_pending_key():
    begun = begin(RING, "identifier", bytes(32), 0)
    assert (Tokeniser(begun, "acme").version, Tokeniser(begun, "acme").older) == (1, ())


def test_whoever_has_the_key_can_open_a_token_so_it_can_be_sealed_under_the_next():
    token = Tokeniser(RING, "acme").token(IdentifierKind.EMAIL, DIGEST)
    key = RING.key("identifier", token[0]).derive(framed("identifier token", "acme", "EMAIL"), 64)
    assert AESSIV(key).decrypt(bytes(token[1:]), [b"acme", b"EMAIL"]) == DIGEST


@pytest.mark.parametrize("raw", [b"", b"ada@example.com", DIGEST[:31], DIGEST + b"0", DIGEST.hex().encode()])
def test_what_is_not_a_digest_of_32_bytes_is_refused_and_not_repeated(raw):
    with pytest.raises(NotADigest) as refusal:
        Tokeniser(RING, "acme").token(IdentifierKind.EMAIL, raw)
    assert raw == b"" or raw.decode("latin1") not in str(refusal.value)


@pytest.mark.parametrize("kind", [0, 10, -1])
def test_a_kind_the_graph_does_not_know_is_refused(kind):
    with pytest.raises(UnknownKind):
        Tokeniser(RING, "acme").token(kind, DIGEST)


def test_a_tokeniser_shows_no_key():
    assert repr(Tokeniser(RING, "acme")) == "Tokeniser(acme v1)"


def test_the_kinds_are_those_of_the_contract():
    contract = {name: number for name, number in identity_pb2.IdentifierKind.items() if number}
    assert contract == {f"IDENTIFIER_KIND_{kind.name}": kind.value for kind in IdentifierKind}
