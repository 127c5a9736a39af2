"""Only the deployment's own key ring makes a service, for minutes, with the scopes of what it does."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from identity.keyring import KeyRing
from services.contract import services
from services.deployment.config import SERVICES
from services.errors import Unauthenticated
from services.interceptors.authentication import verifier
from services.interceptors.call import SERVICE, Caller
from services.interceptors.declared import policy_of
from services.key_sets import fixed
from services.service_tokens import (
    PREFIX,
    SCOPES,
    SKEW_S,
    TTL_S,
    ServiceToken,
    accepting_services,
    service_callers,
)
from services.signing import Signed, signer
from tests.conftest import AUDIENCE, ISSUER

SHOP = Caller("shop", "acme", frozenset({"recommend"}), 1)


@pytest.fixture
def verify(policy, keyring, issuer, clock):
    """The check of a deployment with one ordinary caller, and one that is named like a service."""
    callers = {"shop": SHOP}
    ordinary = verifier(fixed(issuer.jwks), ISSUER, AUDIENCE, callers, policy)
    return accepting_services(ordinary, keyring, service_callers("acme", policy), "acme", clock)


def token_of(keyring: KeyRing, clock, service: str = "identity", tenant: str = "acme") -> str:
    metadata = ServiceToken(signer(keyring, Signed.SERVICE_TOKEN), service, tenant, clock).metadata()
    return dict(metadata)["authorization"].removeprefix("Bearer ")


def forged(token: str, key: Ed25519PrivateKey, **claims: object) -> str:
    """The token with other claims, signed by ``key``."""
    said = jwt.decode(token, options={"verify_signature": False}) | claims
    headers = {"kid": jwt.get_unverified_header(token)["kid"]}
    return jwt.encode(said, key, algorithm="EdDSA", headers=headers)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_known_by_its_token(verify, keyring, clock, policy, service):
    """With its own internal scopes, the purposes nobody can refuse, and minutes to live."""
    credentials = verify(token_of(keyring, clock, service))
    assert credentials.caller == Caller(
        PREFIX + service, "acme", SCOPES[service], policy.unrefusable_mask, kind=SERVICE
    )
    assert clock() < credentials.expire_ms <= clock() + 300_000


def test_other_callers_are_known_as_before(verify, issuer):
    """The services' check stands beside the issuer's."""
    assert verify(issuer.token("shop"))[0] == SHOP


@pytest.mark.parametrize("kid", ["test", "veilgraph-service-1"])
def test_an_ordinary_issuer_can_not_make_a_service(verify, issuer, kid):
    """Whatever its token says of itself, under its own key's name or under a service key's."""
    claims = {"iss": "urn:veilgraph:services", "aud": "acme", "sub": "service.identity", "iat": 0}
    payload = {"azp": "service.identity", "exp": 4_000_000_000} | claims
    for said in (payload, payload | {"iss": ISSUER, "aud": AUDIENCE}):
        token = jwt.encode(said, issuer._key, algorithm="ES256", headers={"kid": kid})
        with pytest.raises(Unauthenticated):
            verify(token)


def test_a_token_ends_with_its_five_minutes(verify, keyring, clock):
    """By the process's clock; one that begins later than clocks differ has not begun."""
    token = token_of(keyring, clock)
    clock.now_ms += TTL_S * 1000 - 1000
    verify(token)
    clock.now_ms += 1000
    with pytest.raises(Unauthenticated):
        verify(token)
    early = token_of(keyring, lambda: clock() + (SKEW_S + 1) * 1000)
    with pytest.raises(Unauthenticated):
        verify(early)


def test_a_token_is_renewed_before_it_ends(keyring, clock):
    """Whoever calls never shows one with less than half of its life left."""
    token = ServiceToken(signer(keyring, Signed.SERVICE_TOKEN), "identity", "acme", clock)
    first = token.metadata()
    clock.now_ms += TTL_S * 500 - 1000
    assert token.metadata() == first
    clock.now_ms += 1000
    assert token.metadata() != first


def test_a_forged_token_is_refused(verify, keyring, clock):
    """Signed by another key, or with a longer life, or for somebody else, or unsigned."""
    token = token_of(keyring, clock)
    own = signer(keyring, Signed.SERVICE_TOKEN).private_key
    now_s = clock() // 1000
    verify(forged(token, own))
    wrong = [
        forged(token, Ed25519PrivateKey.generate()),
        forged(token, signer(keyring, Signed.AUDIT_HEAD).private_key),
        forged(token, own, exp=now_s + TTL_S + 1),
        forged(token, own, sub="service.payments"),
        forged(token, own, sub="shop"),
        forged(token, own, aud="globex"),
        forged(token, own, iss=ISSUER),
        forged(token, own, exp="soon"),
        token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
        jwt.encode({"sub": "service.identity"}, "", algorithm="none", headers={"kid": "veilgraph-service-1"}),
        "not.a.token",
    ]
    for one in wrong:
        with pytest.raises(Unauthenticated):
            verify(one)


def test_another_deployments_service_is_nobody_here(verify, clock):
    """Two rings make two keys, though the versions have the same number."""
    other = KeyRing.completed("{}", lambda count: bytes(range(count)), 1)
    with pytest.raises(Unauthenticated):
        verify(token_of(other, clock))


def test_every_scope_is_of_an_internal_method_and_every_internal_method_has_its_caller():
    """Nobody holds a scope that opens nothing, and nothing is served that nobody may call."""
    declared = [policy_of(method) for service in services() for method in service.methods]
    internal = {policy.caller_scope for policy in declared if policy.internal}
    assert internal == frozenset().union(*SCOPES.values())
