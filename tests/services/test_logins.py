"""A login is taken of a registered provider, for a registered app, while it lasts, and for one thing only."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.errors import Unauthenticated
from services.interceptors.call import Caller
from services.key_sets import KeySet, fixed
from services.login.provider import (
    AGE_MOST_S,
    EXCHANGE_SCOPE,
    SKEW_S,
    App,
    Provider,
    accepting_logins,
    digest_of,
)
from tests.services.provider import CLIENT, PROVIDER, LoginProvider
from veilgraph.client import account_id

SCOPES = frozenset({"recommend", "consent.read"})
PHONE = Caller("phone", "acme", SCOPES, 7, app=True)
API = Caller("tablet", "acme", SCOPES, 7, app=True)
OTHERS = object()


@pytest.fixture
def provider(clock) -> LoginProvider:
    return LoginProvider(clock() // 1000)


@pytest.fixture
def verify(provider, clock):
    """Takes logins of two apps; everything else is somebody else's business."""
    apps = (
        App(PHONE, CLIENT, CLIENT),
        App(
            API,
            "https://api.test",
            "app-2",
            {"offers": frozenset({"recommend"}), "x": SCOPES - {"recommend"}},
        ),
    )
    registered = Provider("accounts", PROVIDER, provider.jwks, "", frozenset({"ES256"}), apps)
    return accepting_logins(lambda _token: OTHERS, [(registered, fixed(provider.jwks))], clock)


def test_a_login_makes_the_app_a_caller_that_can_exchange_it_and_nothing_else(verify, provider):
    """Of the person a digest is left, the one that a back end makes of the same account."""
    found = verify(provider.token())
    assert (found.caller.id, found.caller.scopes) == ("phone", {EXCHANGE_SCOPE})
    assert found.login.scopes == SCOPES
    assert found.login.identifier == account_id(f"{PROVIDER}#google|jane-4711").sha256
    assert found.expire_ms == (provider.now_s + 600) * 1000
    assert not any("jane" in repr(part) for part in found)


def test_an_access_token_opens_what_its_scopes_stand_for(verify, provider):
    """Never more than the app's allow-list, and nothing for a scope nobody knows."""
    said = {"aud": ["https://api.test", "https://else.test"], "client_id": "app-2"}
    assert verify(provider.token(**said, scope="openid offers")).login.scopes == {"recommend"}
    assert verify(provider.token(**said, scp=["x", "offers"])).login.scopes == SCOPES
    assert verify(provider.token(**said)).login.scopes == frozenset()
    with pytest.raises(Unauthenticated):  # the interface alone does not tell which app it is
        verify(provider.token(aud="https://api.test", scope="offers"))


def test_a_token_of_somebody_else_is_somebody_elses_to_verify(verify, provider, issuer):
    """This check takes nothing away from the others."""
    assert verify(issuer.token("shop")) is OTHERS
    with pytest.raises(Unauthenticated):
        verify("not.a.token")


def _bad(provider: LoginProvider) -> dict[str, str]:
    now_s, key = provider.now_s, next(iter(provider.keys.values()))
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    stranger = ec.generate_private_key(ec.SECP256R1())
    good = provider.token()
    head, body, signature = good.split(".")
    # PyJWT itself refuses to sign so; what a forger's own program writes is put together by hand.
    claims = provider.claims()
    hs256 = jwt.encode(claims, "x" * 40, algorithm="HS256", headers={"kid": "one"})
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signed = ".".join(hs256.split(".")[:2])
    confused = f"{signed}.{jwt.utils.base64url_encode(hmac.sign(signed.encode(), pem)).decode()}"
    return {
        "expired": provider.token(iat=now_s - 700, exp=now_s),
        "too old to have been said just now": provider.token(iat=now_s - AGE_MOST_S, exp=now_s + 9999),
        "not yet": provider.token(nbf=now_s + SKEW_S + 1),
        "of the future": provider.token(iat=now_s + SKEW_S + 1),
        "without an end": provider.token(exp=None),
        "without a beginning": provider.token(iat=None),
        "with a time that is a text": provider.token(exp=str(now_s + 600)),
        "of nobody": provider.token(sub=None),
        "of the empty name": provider.token(sub=""),
        "of a name that is a number": provider.token(sub=7),
        "for somebody else": provider.token(aud="another-app"),
        "for everybody": provider.token(aud=None),
        "for two, of whom one is ours": provider.token(aud=[CLIENT, "another-app"]),
        "asked for by another app": provider.token(azp="another-app"),
        "under an unknown key": provider.token({"kid": "two"}),
        "under no key": jwt.encode(claims, key, algorithm="ES256"),
        "of another key under its name": jwt.encode(
            claims, stranger, algorithm="ES256", headers={"kid": "one"}
        ),
        "unsigned": jwt.encode(claims, None, algorithm="none", headers={"kid": "one"}),
        "signed with what is public": confused,
        "changed": f"{head}.{body}.{signature[:-4]}AAAA",
        "a logout": provider.token(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
        "a logout by its type": provider.token({"typ": "logout+jwt"}),
        "a proof for rights": provider.token({"typ": "veilgraph-proof+jwt"}),
        "with something that must be understood": provider.token({"crit": ["exp"]}),
    }


@pytest.mark.parametrize("kind", list(_bad(LoginProvider(1))))
def test_what_is_no_good_login_is_nobodys(verify, provider, kind):
    """One answer for all: who tries learns nothing by it."""
    verify(provider.token())
    with pytest.raises(Unauthenticated):
        verify(_bad(provider)[kind])


def test_an_algorithm_that_the_provider_does_not_use_is_refused(provider, clock):
    """Even if its key set holds a key for it."""
    registered = Provider("accounts", PROVIDER, {}, "", frozenset({"RS256"}), (App(PHONE, CLIENT, CLIENT),))
    keys = KeySet("a test", provider.jwks, "", clock_ms=clock, log=print, algorithms=registered.algorithms)
    with pytest.raises(Unauthenticated):
        accepting_logins(lambda _: OTHERS, [(registered, keys)], clock)(provider.token())


def test_a_rewritten_signature_is_the_same_login(verify, provider):
    """(r, -s) verifies as well as (r, s); a login that was exchanged would come again by it."""
    token = provider.token()
    head, _, signature = token.rpartition(".")
    raw = jwt.utils.base64url_decode(signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    mirrored = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    again = f"{head}.{jwt.utils.base64url_encode(mirrored).decode()}"
    assert verify(again).login.token_id == verify(token).login.token_id


def test_accounts_of_two_providers_are_two_people():
    """Neither the issuer nor the name alone says who it is."""
    digests = {digest_of(issuer, name) for issuer in ("https://a", "https://b") for name in ("1", "2")}
    assert len(digests) == 4
