"""Proof tokens: what is wrong with one is said, whom it is about is not."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from identity.keyring import KeyRing
from identity.pairwise import Pairwise
from services.deployment.issuer import public_jwk
from services.errors import Refusal
from services.rights.proofs import PROOF_AUDIENCE, PROOF_TYPE, Proof, Proofs, Verifier, public_keys
from tests.conftest import Clock
from tests.consent.statements import subject

ME, CARD, OTHER = subject(1), subject(2), subject(3)
ISSUER = "https://idp.test"
KEY = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())
JWK = public_jwk(KEY.public_key())


class Desk:
    """Verifies tokens as the rights service would for the caller "shop"."""

    def __init__(self, keyring: KeyRing, clock: Clock) -> None:
        self.clock, self.shop = clock, Pairwise(keyring, "acme", "shop")
        verifier = Verifier(
            "idp", ISSUER, public_keys({"keys": [JWK]}), frozenset({"email_code"}), frozenset()
        )
        self.proofs = Proofs([verifier])

    def claims(self, **changed: Any) -> dict[str, Any]:
        now_s = self.clock() // 1000
        said = {
            "iss": ISSUER,
            "aud": PROOF_AUDIENCE,
            "azp": "shop",
            "sub": self.shop.seal(ME),
            "method": "email_code",
            "auth_time": now_s,
            "iat": now_s,
            "exp": now_s + 900,
            "jti": secrets.token_hex(8),
        }
        return {name: value for name, value in (said | changed).items() if value is not None}

    def token(self, key: Any = KEY, algorithm: str = "ES256", typ: str = PROOF_TYPE, **changed: Any) -> str:
        return jwt.encode(
            self.claims(**changed), key, algorithm=algorithm, headers={"kid": JWK["kid"], "typ": typ}
        )

    def verified(self, *tokens: str, caller: str = "shop") -> tuple[Proof, ...]:
        return self.proofs.verified(tokens, ME, caller, self.shop.open, self.clock())

    def reason(self, *tokens: str, caller: str = "shop") -> tuple[str, str]:
        with pytest.raises(Refusal) as refused:
            self.verified(*tokens, caller=caller)
        return refused.value.reason, refused.value.field


@pytest.fixture
def desk(keyring: KeyRing, clock: Clock) -> Desk:
    return Desk(keyring, clock)


def test_a_good_token_proves_whose_it_is_by_which_method_and_when(desk: Desk, clock: Clock):
    (proof,) = desk.verified(desk.token())
    assert (proof.subject, proof.verifier, proof.method) == (ME, "idp", "email_code")
    assert proof.authenticated_at_ms == clock() and proof.expires_at_ms == clock() + 900_000


def test_further_tokens_prove_further_identities(desk: Desk):
    proofs = desk.verified(desk.token(), desk.token(sub=desk.shop.seal(CARD)))
    assert [proof.subject for proof in proofs] == [ME, CARD]
    assert len({proof.token_id for proof in proofs}) == 2


def test_without_a_token_nothing_is_done(desk: Desk):
    assert desk.reason() == ("PROOF_MISSING", "proofs")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://somebody.else"},
        {"aud": "veilgraph"},
        {"aud": [PROOF_AUDIENCE, "veilgraph"]},
        {"typ": "JWT"},
        {"key": STRANGER},
        {"jti": ""},
        {"jti": 7},
        {"sub": None},
        {"azp": None},
        {"method": None},
        {"auth_time": None},
        {"auth_time": "now"},
        {"auth_time": True},
        {"nbf": "soon"},
        {"exp": 1},
        {"iat": 1},
    ],
    ids=str,
)
def test_whatever_is_no_token_of_a_registered_verifier_is_invalid(desk: Desk, changed: dict[str, Any]):
    """The second of two is named."""
    assert desk.reason(desk.token(), desk.token(**changed)) == ("PROOF_INVALID", "proofs[1]")


def test_a_token_that_lives_longer_than_fifteen_minutes_is_invalid(desk: Desk):
    assert desk.reason(desk.token(exp=desk.clock() // 1000 + 901))[0] == "PROOF_INVALID"


def test_the_header_chooses_no_algorithm(desk: Desk):
    """Neither none, nor the public key taken for a shared secret, nor another curve's name."""
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head, body, signature = desk.token().split(".")
    confused = _part({"alg": "HS256", "kid": JWK["kid"], "typ": PROOF_TYPE})
    shared = hmac.digest(public, f"{confused}.{body}".encode(), "sha256")
    unsigned = _part({"alg": "none", "kid": JWK["kid"], "typ": PROOF_TYPE})
    renamed = _part({"alg": "ES384", "kid": JWK["kid"], "typ": PROOF_TYPE})
    forged = [
        f"{confused}.{body}.{base64.urlsafe_b64encode(shared).rstrip(b'=').decode()}",
        f"{unsigned}.{body}.",
        f"{renamed}.{body}.{signature}",
        *(f"{head}.{body}.", f"{head}.{body}", "", "a.b.c", "\0"),
    ]
    for token in forged:
        assert desk.reason(token)[0] == "PROOF_INVALID"


def _part(content: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_a_proof_is_taken_for_fifteen_minutes_and_no_longer(desk: Desk, clock: Clock):
    token, early = desk.token(), clock.now_ms
    clock.now_ms = early + 899_999
    assert desk.verified(token)
    clock.now_ms = early + 900_000
    assert desk.reason(token) == ("PROOF_EXPIRED", "proofs[0]")


def test_a_token_made_now_of_an_old_authentication_is_expired(desk: Desk):
    assert desk.reason(desk.token(auth_time=desk.clock() // 1000 - 900))[0] == "PROOF_EXPIRED"


@pytest.mark.parametrize("claim", ["auth_time", "iat", "nbf"])
def test_a_token_of_the_future_is_refused(desk: Desk, claim: str):
    """Beyond the minute that clocks may differ by."""
    later_s = desk.clock() // 1000 + 61
    assert desk.reason(desk.token(**{claim: later_s}, exp=later_s + 60))[0] == "PROOF_IN_FUTURE"
    assert desk.verified(desk.token(**{claim: later_s - 1}, exp=later_s + 60))


def test_a_method_the_verifier_may_not_attest_is_refused(desk: Desk):
    assert desk.reason(desk.token(method="mothers_maiden_name"))[0] == "PROOF_METHOD_REFUSED"


def test_another_subject_another_caller_and_no_subject_at_all_are_one_answer(desk: Desk, keyring: KeyRing):
    """Good tokens, about somebody else: what an unknown subject gets, and no field."""
    partner = Pairwise(keyring, "acme", "partner")
    answers = {
        desk.reason(desk.token(sub=desk.shop.seal(OTHER))),
        desk.reason(desk.token(azp="partner")),
        desk.reason(desk.token(sub=partner.seal(ME))),
        desk.reason(desk.token(sub=partner.seal(ME), azp="partner")),
        desk.reason(desk.token(sub="anna@example.com")),
        desk.reason(desk.token(), desk.token(azp="partner")),
        desk.reason(desk.token(), caller="partner"),
    }
    assert answers == {("NOT_PERMITTED", "")}


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "1", "alg": "HS256"}]},
        {"keys": [JWK | {"kid": ""}]},
        {"keys": [JWK | {"d": "c2VjcmV0"}]},
    ],
    ids=str,
)
def test_a_key_set_of_a_verifier_holds_public_keys_only(jwks: dict[str, Any]):
    with pytest.raises(ValueError, match="key"):
        public_keys(jwks)
